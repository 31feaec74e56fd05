"""Required and desired values; the rows of the table that have a verdict."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """must, aim: bounds of the measured value; at_most: from above, else from below."""

    must: float
    aim: float
    at_most: bool

    def met(self, value: float) -> bool:
        return value <= self.must if self.at_most else value >= self.must

    def __str__(self) -> str:
        return f"{'<=' if self.at_most else '>='} {self.must:g}"


def _each(row: str, at_most: bool, **bounds: tuple[float, float]) -> dict[str, Target]:
    return {f"{row}/{data}": Target(*pair, at_most) for data, pair in bounds.items()}


# Presets with a per-sample memory.
REMEMBERING = ("lh15", "adambs", "rais", "infobatch")

# By row id: <what>/<data>.
TARGETS: dict[str, Target] = {
    **_each(
        "step loss+cdf / floor", True, two_circles=(1.5, 1.3), pcam=(1.15, 1.05), mnist=(1.15, 1.05)
    ),
    **_each(
        "step grad_norm+cdf / its floor",
        True,
        two_circles=(1.25, 1.05),
        pcam=(1.1, 1.05),
        mnist=(1.1, 1.05),
    ),
    **_each("scoring / eager NCHW forward", True, pcam=(0.40, 0.30), mnist=(0.33, 0.25)),
    **_each(
        "exact norms / best scoring",
        True,
        two_circles=(3.8, 3.0),
        pcam=(3.8, 2.8),
        mnist=(6.2, 4.0),
    ),
    **_each(
        "best library / exact norms",
        False,
        two_circles=(3.0, 4.0),
        pcam=(2.5, 4.0),
        mnist=(1.7, 2.5),
    ),
    **_each(
        "authors' loop / ours, loss",
        False,
        two_circles=(6.0, 10.0),
        pcam=(5.0, 7.0),
        mnist=(5.0, 6.0),
    ),
    **_each(
        "authors' loop / ours, last bias",
        False,
        two_circles=(120.0, 150.0),
        pcam=(5.0, 6.0),
        mnist=(16.0, 20.0),
    ),
    **_each(
        "loop over all weights / ours",
        False,
        two_circles=(140.0, 200.0),
        pcam=(3.0, 4.0),
        mnist=(8.0, 12.0),
    ),
    "ten seeds one by one / at once/two_circles": Target(1.8, 3.0, at_most=False),
    **_each("peak memory, exact norms / forward+backward", True, pcam=(0.15, 0.08)),
    **{
        f"step {method} / uniform, 10^6 rows/two_circles": Target(1.5, 1.2, at_most=True)
        for method in REMEMBERING
    },
    "step at 10^7 rows / at 10^5/two_circles": Target(1.10, 1.0, at_most=True),
    "seconds to read, aggregate, draw/1,000 runs x 400 rows": Target(15.0, 6.0, at_most=True),
}
