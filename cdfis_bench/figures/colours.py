"""The colour and dashes of each arm."""

import seaborn as sns
from matplotlib.colors import to_hex

from cdfis_bench.analysis.arms import Arm
from cdfis_bench.figures.style import BASELINE_DASHES, method_colour

Dashes = tuple[float, ...] | str  # lengths of dash and gap in points, "" for a solid line
_DASHES: tuple[Dashes, ...] = ("", (1, 1), (5, 1, 1, 1), (3, 1, 1, 1, 1, 1))


def arm_colours(arms: list[Arm], hue: str, baseline: str) -> dict[str, str]:
    """Chooses the colour of each arm.

    Args:
        arms: All arms of the figure.
        hue: What distinguishes them: "method", or a dotted configuration key.
        baseline: Label of the method that is drawn dashed.

    Returns:
        A colour by arm label: the method's own, whatever else is drawn, and shades of it if a
        method has several arms. If methods do not distinguish the arms (another hue, or several
        arms of one method only), they get a ramp of colours in their order, and only the baseline
        its method's colour.
    """
    dashed = [arm for arm in arms if arm.method == baseline]
    others = [arm for arm in arms if arm.method != baseline]
    if hue == "method" and not len({arm.plain for arm in others}) == 1 < len(others):
        return _shades(arms)
    ramp = sns.color_palette("rocket_r", len(others))
    colours = [to_hex(colour) for colour in ramp]
    return _shades(dashed) | {a.label: c for a, c in zip(others, colours, strict=True)}


def arm_dashes(arms: list[Arm], baseline: str) -> dict[str, Dashes]:
    """Chooses the dashes of each arm.

    Args:
        arms: All arms of the figure.
        baseline: Label of the method that has a pattern of its own.

    Returns:
        Dashes by arm label: solid lines, and other patterns for further arms of one method.
    """
    dashes: dict[str, Dashes] = {}
    seen: dict[str, int] = {}
    for arm in arms:
        place = seen[arm.plain] = seen.get(arm.plain, -1) + 1
        plain = _DASHES[place % len(_DASHES)]
        dashes[arm.label] = BASELINE_DASHES if arm.method == baseline else plain
    return dashes


def _shades(arms: list[Arm]) -> dict[str, str]:
    """The method's colour, lighter from one of its arms to the next."""
    shades: dict[str, str] = {}
    for plain in dict.fromkeys(arm.plain for arm in arms):
        of_method = [arm for arm in arms if arm.plain == plain]
        colour = method_colour(of_method[0].record)
        palette = sns.blend_palette([colour, "white"], 2 * len(of_method))
        shades |= {arm.label: to_hex(palette[place]) for place, arm in enumerate(of_method)}
    return shades
