"""Where the two circles are. Plain numbers, so that figures can draw them without torch.

The square is [-1, 1] x [-1, 1]. Two discs together cover half of it: in a unit square 2 pi R^2 =
1/2, so R = 0.28209, and twice that here. Side by side they would not fit; on the diagonal they do,
with a small distance to the square's border and a gap between them.

Paper: equal areas and figure 1, no coordinates. Here: centered on zero, because a ReLU network with
PyTorch's initial weights learns the task in [0, 1]^2 more slowly (uniform sampling, 3,000 steps:
test accuracy 0.92 instead of 0.97).
"""

import math

Point = tuple[float, float]

RADIUS = 1 / math.sqrt(math.pi)  # 0.56419
EDGE = 0.018  # between a disc and the border
_LOW, _HIGH = RADIUS + EDGE - 1, 1 - RADIUS - EDGE
CENTRES: tuple[Point, Point] = ((_LOW, _LOW), (_HIGH, _HIGH))
