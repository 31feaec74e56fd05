"""Checks what a network for images is given."""

from cdfis_bench.core.errors import UserError, require, require_number

MOST_DROPOUT = 0.99


def require_whole(key: str, value: object) -> int:
    """`value` if it is an integer above 0; otherwise raises UserError naming model.<key>."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UserError(f"model.{key}={value!r} must be a whole number above 0")
    return value


def require_dropout(value: object) -> float:
    """`value` if it is a probability up to 0.99; otherwise raises UserError naming the key."""
    return require_number("model.dropout", value, 0, MOST_DROPOUT)


def image_input(
    model: str, channels: int | None, side: int | None, classes: int
) -> tuple[int, int, int]:
    """Checks the facts about a dataset's images.

    Args:
        model: Name of the network, for the message.
        channels: Channels of an image; None if the dataset has no images.
        side: Pixels along a side of the square image.
        classes: Number of classes.

    Returns:
        (channels, side, classes).

    Raises:
        UserError: If the dataset has no images, or a value is not an integer above 0.
    """
    require(
        channels is not None,
        f"model={model} takes images, but this dataset does not say that it has any "
        "(dataset.facts.channels); give model.channels and model.side, or choose model=mlp",
    )
    return (
        require_whole("channels", channels),
        require_whole("side", side),
        require_whole("classes", classes),
    )
