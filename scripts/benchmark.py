"""How close this is to the machine's limit, and how far ahead of the loop that it replaces.

    python scripts/benchmark.py [--quick] [--only CASE] [--rounds 7] [--json benchmark.json]

Every case runs in a process of its own, on one thread. What is compared is timed in the order
A B B A, round after round, so that a drifting machine favours neither; reported is the median of
the rounds' ratios, with the least and the greatest. Before it times, a case asserts that both sides
get the same memory layout and that the gradient norms are exact in float64, and times A against A:
beyond 10 %, or with other work on the machine, the run is void (exit code 2).

`--list` names the cases; `--quick` takes a minute (fewer rounds, PCam at K = 256, N = 32).
No files are needed: Two Circles is drawn, images are random pixels of the right shape.
Opacus and BackPACK are compared with where they are installed (pip install 'cdfis-bench[compare]').
"""

import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"

from benchmark.run import main

if __name__ == "__main__":
    sys.exit(main(__doc__))
