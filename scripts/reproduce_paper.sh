#!/usr/bin/env bash
# Every figure of the paper that is there so far, one experiment after the other. Arguments go to each of them, for
# example: scripts/reproduce_paper.sh results_dir=/data/results
set -u
failed=0
for experiment in fig1 fig2_two_circles fig3_two_circles; do
    python -m cdfis_bench experiment="$experiment" "$@" || failed=1
done
exit "$failed"
