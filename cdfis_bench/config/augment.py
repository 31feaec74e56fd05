"""The augmentation of a run, checked as early as possible."""

from collections.abc import Callable
from typing import Any

from cdfis_bench.config.schema import Config
from cdfis_bench.core.augment import Augment, ImageFacts
from cdfis_bench.core.errors import require, require_whole
from cdfis_bench.core.types import PixelScale


def make_augment(make: Callable[..., Any], config: Config) -> Augment:
    """Makes the augmentation, and checks what is known of the images before they are loaded.

    The facts of a published dataset are those of its images; those of a file are known only once it
    is loaded.

    Args:
        make: `config.build.make`.
        config: The configuration of the run.

    Raises:
        UserError: If it cannot be made of these values, or cannot work with these images.
    """
    augment = make("augment", config.augment)
    require(
        isinstance(augment, Augment),
        f"augment={config.augment.get('name')} makes a {type(augment).__name__}, but augment needs "
        "a cdfis_bench.core.augment.Augment; change augment._target_",
    )
    require_whole(f"{type(augment).__name__}.draws", augment.draws, 0)
    facts = config.dataset.get("facts", {})
    if "path" not in config.dataset and {"channels", "side"} <= facts.keys():
        side = facts["side"]
        shape = () if side is None else (facts["channels"], side, side)
        set_up_augment(augment, config, shape, PixelScale.unit(facts["channels"] or 0))
    return augment


def set_up_augment(
    augment: Augment, config: Config, shape: tuple[int, ...], scale: PixelScale | None
) -> None:
    """Tells the augmentation what the images are.

    Args:
        augment: The augmentation.
        config: The configuration of the run.
        shape: Of a sample.
        scale: How the pixels were normalized, if that is known.

    Raises:
        UserError: If the samples are no images, or images that it cannot change.
    """
    if augment.draws == 0:
        return
    require(
        len(shape) == 3,
        f"augment={config.augment.get('name')} changes images, but the samples of dataset="
        f"{config.dataset.get('name')} are not images [channels, height, width]; use augment=none",
    )
    augment.setup(ImageFacts((shape[0], shape[1], shape[2]), scale))
