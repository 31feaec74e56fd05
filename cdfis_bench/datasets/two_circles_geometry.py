"""Where the two circles lie. Plain numbers, so that figures can draw them without torch.

The square is [-1, 1] x [-1, 1]. Two discs that together hold half of it: in a unit square 2 pi R^2
= 1/2, so R = 0.28209; here twice that. Side by side they would not fit; on the diagonal they do,
with a small distance to the square's border and a gap between them.
# Paper: equal areas and figure 1, no coordinates; here: centred on zero, because a ReLU network
with PyTorch's initial
# weights learns a task in [0, 1]^2 more slowly (uniform sampling, 3,000 steps: 0.92 instead of
0.97).
"""

import math

RADIUS = 1 / math.sqrt(math.pi)  # 0.56419
EDGE = 0.018  # between a disc and the border
CENTRES = ((RADIUS + EDGE - 1,) * 2, (1 - RADIUS - EDGE,) * 2)
