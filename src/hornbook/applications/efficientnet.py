"""EfficientNet: MobileNetV2's blocks with squeeze-and-excite, scaled in width and depth."""

import math
from types import SimpleNamespace
from typing import Any

from hornbook import layers
from hornbook.applications.imagenet_utils import RGB_DEVIATIONS, correct_pad, decode_predictions
from hornbook.applications.imagenet_utils import preprocess_nothing as preprocess_input
from hornbook.applications.network import Files, Network, averaged, network, usual
from hornbook.applications.parts import activate, channels, divisible, normalize
from hornbook.core.settings import image_data_format

__all__ = [
    "EfficientNetB0",
    "EfficientNetB1",
    "EfficientNetB2",
    "EfficientNetB3",
    "EfficientNetB4",
    "EfficientNetB5",
    "EfficientNetB6",
    "EfficientNetB7",
    "decode_predictions",
    "preprocess_input",
]
__dir__ = __all__.copy

# Expansion, filters, number of blocks, kernel size and stride of the first block.
STAGES = (
    (1, 16, 1, 3, 1),
    (6, 24, 2, 3, 2),
    (6, 40, 2, 5, 2),
    (6, 80, 3, 3, 2),
    (6, 112, 3, 5, 1),
    (6, 192, 4, 5, 2),
    (6, 320, 1, 3, 1),
)
DROPPED = 0.2  # stochastic depth: drop rate of the last block; it grows linearly from 0
KERNEL = {
    "class_name": "VarianceScaling",
    "config": {"scale": 2.0, "mode": "fan_out", "distribution": "truncated_normal"},
}
DENSE = {
    "class_name": "VarianceScaling",
    "config": {"scale": 1 / 3, "mode": "fan_out", "distribution": "uniform"},
}


def conv(x: Any, filters: int, kernel: int, name: str, **more: Any) -> Any:
    """A convolution with these networks' initializer, by default without bias."""
    more = {"padding": "same", "use_bias": False, "kernel_initializer": KERNEL, **more}
    return layers.Conv2D(filters, kernel, name=name, **more)(x)


def ready(x: Any, name: str, kind: str = "", **more: Any) -> Any:
    """Batch normalization and swish."""
    x = normalize(x, f"{name}{kind}bn", last=3, **more)
    return activate(x, f"{name}{kind}activation", "swish")


def excite(x: Any, filters: int, name: str) -> Any:
    """Squeeze-and-excite: scale each channel by a gate computed from the channel means."""
    count = channels(x)
    first = image_data_format() == "channels_first"
    y = layers.GlobalAveragePooling2D(name=f"{name}se_squeeze")(x)
    y = layers.Reshape((count, 1, 1) if first else (1, 1, count), name=f"{name}se_reshape")(y)
    y = conv(y, filters, 1, f"{name}se_reduce", use_bias=True, activation="swish")
    y = conv(y, count, 1, f"{name}se_expand", use_bias=True, activation="sigmoid")
    return layers.Multiply(name=f"{name}se_excite")([x, y])


def added(x: Any, given: Any, rate: float, name: str) -> Any:
    """The shortcut plus the block's output, which is dropped for some samples in training."""
    if rate:
        x = layers.Dropout(rate, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(x)
    return layers.Add(name=f"{name}add")([x, given])


def block(x: Any, row: tuple[int, int, int, int], rate: float, name: str) -> Any:
    """Expand, depthwise convolution, squeeze-and-excite, project; shortcut if shapes match."""
    expansion, filters, kernel, stride = row
    given = x
    if expansion > 1:
        x = conv(x, channels(x) * expansion, 1, f"{name}expand_conv")
        x = ready(x, name, "expand_")
    if stride > 1:
        x = layers.ZeroPadding2D(correct_pad(x, kernel), name=f"{name}dwconv_pad")(x)
    x = layers.DepthwiseConv2D(
        kernel,
        strides=stride,
        padding="valid" if stride > 1 else "same",
        use_bias=False,
        depthwise_initializer=KERNEL,
        name=f"{name}dwconv",
    )(x)
    x = excite(ready(x, name), max(1, channels(given) // 4), name)
    x = conv(x, filters, 1, f"{name}project_conv")
    x = normalize(x, f"{name}project_bn", last=3)
    same = stride == 1 and channels(given) == filters
    return added(x, given, rate, name) if same else x


def features(x: Any, given: SimpleNamespace) -> Any:
    """Preprocessing, a convolution, the stages and a final 1 x 1 convolution."""
    x = layers.Rescaling(1.0 / 255)(x)
    x = layers.Normalization(axis=1 if image_data_format() == "channels_first" else 3)(x)
    if given.weights == "imagenet":  # these weights were trained with another scale
        x = layers.Rescaling([1 / math.sqrt(deviation) for deviation in RGB_DEVIATIONS])(x)
    x = layers.ZeroPadding2D(correct_pad(x, 3), name="stem_conv_pad")(x)
    x = conv(x, divisible(32 * given.width), 3, "stem_conv", strides=2, padding="valid")
    x = ready(x, "stem_")
    repeats = [math.ceil(given.depth * row[2]) for row in STAGES]
    done, total = 0, sum(repeats)
    for stage, (row, count) in enumerate(zip(STAGES, repeats, strict=True), 1):
        expansion, filters, _, kernel, stride = row
        for number in range(count):
            shape = expansion, divisible(filters * given.width), kernel, 1 if number else stride
            x = block(x, shape, DROPPED * done / total, f"block{stage}{chr(97 + number)}_")
            done += 1
    x = conv(x, divisible(1280 * given.width), 1, "top_conv")
    return ready(x, "top_")


def _row(
    size: int, width: float, depth: float, rows: int, dropout: float, *checksums: str
) -> Network:
    title = f"EfficientNetB{size}"
    address = f"https://storage.googleapis.com/keras-applications/{title.lower()}{{}}.h5"
    return network(
        usual,
        title,
        features,
        averaged(named=True, dropout=dropout, kernel_initializer=DENSE),
        Files(address, *checksums),
        size=rows,
        paper="Tan, Le 2019, arXiv:1905.11946",
        width=width,
        depth=depth,
    )


# width, depth, image size, dropout before the classification layer, checksums
EfficientNetB0 = _row(
    *(0, 1.0, 1.0, 224, 0.2),
    "902e53a9f72be733fc0bcb005b3ebbac",
    "50bc09e76180e00e4465e1a485ddc09d",
)
EfficientNetB1 = _row(
    *(1, 1.0, 1.1, 240, 0.2),
    "1d254153d4ab51201f1646940f018540",
    "74c4e6b3e1f6a1eea24c589628592432",
)
EfficientNetB2 = _row(
    *(2, 1.1, 1.2, 260, 0.3),
    "b15cce36ff4dcbd00b6dd88e7857a6ad",
    "111f8e2ac8aa800a7a99e3239f7bfb39",
)
EfficientNetB3 = _row(
    *(3, 1.2, 1.4, 300, 0.3),
    "ffd1fdc53d0ce67064dc6a9c7960ede0",
    "af6d107764bb5b1abb91932881670226",
)
EfficientNetB4 = _row(
    *(4, 1.4, 1.8, 380, 0.4),
    "18c95ad55216b8f92d7e70b3a046e2fc",
    "ebc24e6d6c33eaebbd558eafbeedf1ba",
)
EfficientNetB5 = _row(
    *(5, 1.6, 2.2, 456, 0.4),
    "ace28f2a6363774853a83a0b21b9421a",
    "38879255a25d3c92d5e44e04ae6cec6f",
)
EfficientNetB6 = _row(
    *(6, 1.8, 2.6, 528, 0.5),
    "165f6e37dce68623721b423839de8be5",
    "9ecce42647a20130c1f39a5d4cb75743",
)
EfficientNetB7 = _row(
    *(7, 2.0, 3.1, 600, 0.5),
    "8c03f828fec3ef71311cd463b6759d99",
    "cbcfe4450ddf6f3ad90b1b398090fe4a",
)
