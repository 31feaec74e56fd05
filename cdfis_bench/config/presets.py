"""What the presets in conf/method say about themselves: title, color, and whether to compare them.

Imports no torch: `--help` and tab completion resolve these values too.
"""

import re
from functools import cache
from typing import Any

from omegaconf import DictConfig, OmegaConf

from cdfis_bench.config.where import conf_dir
from cdfis_bench.core.errors import require

BASELINE = "uniform"


def preset_names() -> list[str]:
    """The presets of conf/method, the baseline first, the others in alphabetical order."""
    names = sorted(path.stem for path in (conf_dir() / "method").glob("*.yaml"))
    return sorted(names, key=lambda name: name != BASELINE)


def compared_methods() -> list[str]:
    """The presets that experiment=methods_* runs: those with `preset.comparison: true`."""
    return [name for name in preset_names() if about_preset(name).get("comparison")]


@cache
def about_preset(name: str) -> dict[str, Any]:
    """The block `preset` of conf/method/<name>.yaml.

    Args:
        name: A preset, or any method label.

    Returns:
        The keys `title`, `color` and `comparison` as far as the file has them; empty if there is no
        such file.
    """
    path = conf_dir() / "method" / f"{name}.yaml"
    if not path.is_file():
        return {}
    block = OmegaConf.select(OmegaConf.load(path), "preset")
    return {} if block is None else {str(key): block[key] for key in block}


def method_title(root: DictConfig, label_of_parts: str) -> str:
    """The legend title of the method that `root` describes.

    Args:
        root: The composed configuration.
        label_of_parts: The label that the method has without a preset, such as `loss_cdf`.

    Returns:
        The title of the preset called like the method; the method's label if there is none.
    """
    return _own_or_given(root, label_of_parts, "title") or root.method


def method_color(root: DictConfig, label_of_parts: str) -> str | None:
    """The color of the method that `root` describes.

    Args:
        root: The composed configuration.
        label_of_parts: The label that the method has without a preset, such as `loss_cdf`.

    Returns:
        #rrggbb, or None if no preset fixes a color: figures then derive one from the label.

    Raises:
        UserError: If the preset's color has another form.
    """
    color = _own_or_given(root, label_of_parts, "color")
    require(
        color is None or re.fullmatch("#[0-9a-fA-F]{6}", str(color)) is not None,
        f"preset.color={color} must be six hexadecimal digits in quotes, such as '#0173b2'",
    )
    return color


def _own_or_given(root: DictConfig, label_of_parts: str, key: str) -> Any:
    """`key` of the preset whose name the method has.

    That need not be the preset that was asked for: `method=loss_cdf weighting=unbiased` is called
    loss_cdf_unbiased, and `method=kf18_loss threshold=never` is uniform sampling. A preset outside
    conf/method (a guest's) counts if it names the method itself.
    """
    label = root.method
    own = about_preset(label)
    if own:
        return own.get(key)
    return root.preset[key] if label != label_of_parts else None
