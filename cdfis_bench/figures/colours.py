"""Which colour and dashes an arm is drawn in."""

import zlib

import seaborn as sns
from matplotlib.colors import to_hex

from cdfis_bench.analysis.arms import Arm
from cdfis_bench.figures.style import BASELINE_DASHES, METHOD_COLOURS

# For methods that the paper has not: dark enough on white, apart from METHOD_COLOURS.
_OTHERS = ("#ca9161", "#56b4e9", "#949494", "#591e71", "#8c0800", "#006374", "#b8850a", "#3c3c3c")
Dashes = tuple[float, ...] | str  # lengths of dash and gap in points, "" for a solid line
_DASHES: tuple[Dashes, ...] = ("", (1, 1), (5, 1, 1, 1), (3, 1, 1, 1, 1, 1))


def arm_colours(arms: list[Arm], hue: str, baseline: str) -> dict[str, str]:
    """A colour by label. Methods keep theirs from figure to figure; other hues get a ramp.

    Several arms of one method get shades of its colour; if there is one method only, the ramp.
    """
    others = [arm for arm in arms if arm.method != baseline]
    if hue != "method" or len({arm.plain for arm in others}) == 1 < len(others):
        ramp = [to_hex(colour) for colour in sns.color_palette("rocket_r", len(others))]
        colours = {arm.label: colour for arm, colour in zip(others, ramp, strict=True)}
    else:
        known = _method_colours([arm.plain for arm in others])
        colours = _shades(others, known)
    dashed = [arm for arm in arms if arm.method == baseline]
    return _shades(dashed, _method_colours([arm.plain for arm in dashed])) | colours


def arm_dashes(arms: list[Arm], baseline: str) -> dict[str, Dashes]:
    """Dashes by label: the baseline's, solid lines, other patterns for more arms of one method."""
    dashes: dict[str, Dashes] = {}
    seen: dict[str, int] = {}
    for arm in arms:
        place = seen[arm.plain] = seen.get(arm.plain, -1) + 1
        plain = _DASHES[place % len(_DASHES)]
        dashes[arm.label] = BASELINE_DASHES if arm.method == baseline else plain
    return dashes


def _method_colours(methods: list[str]) -> dict[str, str]:
    """By name, not by order of appearance, so that a method looks the same in every figure."""
    colours = {method: METHOD_COLOURS[method] for method in methods if method in METHOD_COLOURS}
    unknown = sorted(set(methods) - set(METHOD_COLOURS))
    free = list(_OTHERS)
    if len(unknown) > len(free):
        free = [to_hex(colour) for colour in sns.husl_palette(len(unknown), l=0.5)]
    for method in unknown:
        colours[method] = free.pop(zlib.crc32(method.encode()) % len(free))
    return colours


def _shades(arms: list[Arm], colours: dict[str, str]) -> dict[str, str]:
    """The method's colour, paler from one of its arms to the next."""
    shades: dict[str, str] = {}
    for plain in dict.fromkeys(arm.plain for arm in arms):
        labels = [arm.label for arm in arms if arm.plain == plain]
        palette = sns.blend_palette([colours[plain], "white"], 2 * len(labels))
        shades |= {label: to_hex(palette[place]) for place, label in enumerate(labels)}
    return shades
