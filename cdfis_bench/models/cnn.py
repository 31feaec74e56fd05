"""The paper's convolutional network."""

from collections import OrderedDict

from torch import nn

from cdfis_bench.core.errors import require


def cnn(channels: int, side: int, classes: int) -> nn.Sequential:
    """Two 5x5 convolutions with max-pooling and ReLU, dropout, two linear layers; output: logits.

    channels, side: of the square input, in pixels. On 3 x 96 x 96 with 2 classes it has 446,932
    weights, which is the number that the paper gives; the layers are those of the authors' code.
    Raises UserError for inputs too small for two rounds of 5x5 convolution and 2x2 pooling.
    Source: Knutsson et al. 2023, section 5.2.
    """
    left = ((side - 4) // 2 - 4) // 2  # pixels along a side after the two rounds
    require(left >= 1, f"model.side={side} is too small; the network needs at least 16 pixels")
    layers = {
        "conv1": nn.Conv2d(channels, 10, kernel_size=5),
        "pool1": nn.MaxPool2d(2),
        "relu1": nn.ReLU(),
        "conv2": nn.Conv2d(10, 20, kernel_size=5),
        "dropout2d": nn.Dropout2d(),
        "pool2": nn.MaxPool2d(2),
        "relu2": nn.ReLU(),
        "flatten": nn.Flatten(),
        "fc1": nn.Linear(20 * left * left, 50),
        "relu3": nn.ReLU(),
        "dropout": nn.Dropout(),
        "fc2": nn.Linear(50, classes),
    }
    return nn.Sequential(OrderedDict(layers))
