"""How close a step is to the machine's limit, and how much faster than the loop that it replaces.

    python scripts/benchmark.py [--quick] [--only CASE] [--rounds 7] [--json benchmark.json]

Every case runs in a process of its own, on one thread. Both sides are timed in the order
A B B A, round after round, so that a drifting machine favours neither. The median of the rounds'
ratios is reported, with the smallest and the largest. Before timing, a case asserts that both sides
get the same memory layout and that the gradient norms are exact in float64, and times A against A.
If these differ by more than 10 %, or if the machine is busy, the run is void (exit code 2).

`--list` names the cases; `--quick` takes a minute (fewer rounds, PCam at K = 256, N = 32).
No files are needed: Two Circles is generated, images are random pixels of the right shape.
Opacus and BackPACK are included where they are installed (pip install 'cdfis-bench[compare]').
"""

import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"

from benchmark.run import main

if __name__ == "__main__":
    sys.exit(main(__doc__))
