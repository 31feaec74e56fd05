"""The paper's convolutional network."""

from collections import OrderedDict

from torch import nn

from cdfis_bench.core.errors import require
from cdfis_bench.models.image_input import image_input, require_dropout


def cnn(
    channels: int | None, side: int | None, classes: int, dropout: float = 0.5
) -> nn.Sequential:
    """Two 5x5 convolutions with max-pooling and ReLU, dropout, two linear layers; output: logits.

    For 3 x 96 x 96 images in 2 classes it has 446,932 weights, the number that the paper gives. The
    layers are those of the authors' code.

    Args:
        channels: Channels of the image.
        side: Pixels along a side of the square image, at least 16.
        classes: Number of classes.
        dropout: Probability of both dropout layers, [0, 0.99]; the authors' code has 0.5.

    Returns:
        The network: [K, channels, side, side] -> [K, classes].

    Raises:
        UserError: If the images are too small for two rounds of 5x5 convolution and 2x2 pooling, or
            the dataset has none, or `dropout` is out of range.

    Source: Knutsson et al. 2023, section 5.2.
    """
    channels, side, classes = image_input("cnn", channels, side, classes)
    require_dropout(dropout)
    left = ((side - 4) // 2 - 4) // 2  # pixels along a side after the two rounds
    require(left >= 1, f"model.side={side} is too small; the network needs at least 16 pixels")
    layers: dict[str, nn.Module] = {
        "conv1": nn.Conv2d(channels, 10, kernel_size=5),
        "pool1": nn.MaxPool2d(2),
        "relu1": nn.ReLU(),
        "conv2": nn.Conv2d(10, 20, kernel_size=5),
        "dropout2d": nn.Dropout2d(dropout),
        "pool2": nn.MaxPool2d(2),
        "relu2": nn.ReLU(),
        "flatten": nn.Flatten(),
        "fc1": nn.Linear(20 * left * left, 50),
        "relu3": nn.ReLU(),
        "dropout": nn.Dropout(dropout),
        "fc2": nn.Linear(50, classes),
    }
    return nn.Sequential(OrderedDict(layers))
