#!/usr/bin/env bash
# Every figure of the paper and its supplement, one experiment after the other.
#
#   scripts/reproduce_paper.sh                          what needs no data: figures 1, 2 and 3, Two Circles
#   scripts/reproduce_paper.sh data                     that, and MNIST, CIFAR-10 and PatchCamelyon below data/
#   scripts/reproduce_paper.sh data size=small ...      further arguments go to every experiment
#
# Finished runs are kept: after an interruption the same command goes on.
set -u
failed=0
root=""
if [ $# -gt 0 ] && [[ "$1" != *=* ]]; then
    root="$1"
    shift
fi
run() { python -m cdfis_bench "$@" || failed=1; }
for experiment in fig1 fig2_two_circles fig3_two_circles; do
    run experiment="$experiment" "$@"
done
if [ -n "$root" ]; then
    for experiment in supp_mnist supp_cifar10 fig2_pcam fig3_pcam fig4; do
        run experiment="$experiment" dataset.root="$root" "$@"
    done
fi
exit "$failed"
