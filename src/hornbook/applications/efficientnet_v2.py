"""EfficientNetV2: EfficientNet whose first stages fuse two convolutions into one."""

import math
from types import SimpleNamespace
from typing import Any

from hornbook import layers
from hornbook.applications.efficientnet import DENSE, DROPPED, KERNEL, added, conv, excite, ready
from hornbook.applications.imagenet_utils import RGB_DEVIATIONS, RGB_MEANS, decode_predictions
from hornbook.applications.imagenet_utils import preprocess_nothing as preprocess_input
from hornbook.applications.network import CLASSES, Files, Network, averaged, network
from hornbook.applications.parts import activate, channels, normalize
from hornbook.core.settings import image_data_format
from hornbook.initializers import Constant

__all__ = [
    "EfficientNetV2B0",
    "EfficientNetV2B1",
    "EfficientNetV2B2",
    "EfficientNetV2B3",
    "EfficientNetV2L",
    "EfficientNetV2M",
    "EfficientNetV2S",
    "decode_predictions",
    "preprocess_input",
]
__dir__ = __all__.copy

# Expansion, filters, number of blocks and stride of the first block. All kernels are 3 x 3. The
# first three stages are fused, the others have squeeze-and-excite, as in the paper's table 4.
BASE = (
    (1, 16, 1, 1),
    (4, 32, 2, 2),
    (4, 48, 2, 2),
    (4, 96, 3, 2),
    (6, 112, 5, 1),
    (6, 192, 8, 2),
)
S = (
    (1, 24, 2, 1),
    (4, 48, 4, 2),
    (4, 64, 4, 2),
    (4, 128, 6, 2),
    (6, 160, 9, 1),
    (6, 256, 15, 2),
)
M = (
    (1, 24, 3, 1),
    (4, 48, 5, 2),
    (4, 80, 5, 2),
    (4, 160, 7, 2),
    (6, 176, 14, 1),
    (6, 304, 18, 2),
    (6, 512, 5, 1),
)
L = (
    (1, 32, 4, 1),
    (4, 64, 7, 2),
    (4, 96, 7, 2),
    (4, 192, 10, 2),
    (6, 224, 19, 1),
    (6, 384, 25, 2),
    (6, 640, 7, 1),
)
FUSED = 3
MOMENTUM = 0.9  # of batch normalization


def arguments(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: tuple | None = None,
    pooling: str | None = None,
    classes: int = CLASSES,
    classifier_activation: Any = "softmax",
    include_preprocessing: bool = True,
    name: str | None = None,
) -> dict[str, Any]:
    """The arguments of EfficientNetV2."""
    return locals()


def multiple(filters: float) -> int:
    """The nearest multiple of 8."""
    return max(8, int(filters + 4) // 8 * 8)


def block(x: Any, row: tuple[int, int, int], fused: bool, rate: float, name: str) -> Any:
    """Expand, depthwise convolution, squeeze-and-excite, project; shortcut if shapes match."""
    expansion, filters, stride = row
    given, wide = x, channels(x) * expansion
    if fused and expansion > 1:
        x = conv(x, wide, 3, f"{name}expand_conv", strides=stride)
        x = ready(x, name, "expand_", momentum=MOMENTUM)
    if not fused:
        if expansion > 1:
            x = conv(x, wide, 1, f"{name}expand_conv")
            x = ready(x, name, "expand_", momentum=MOMENTUM)
        x = layers.DepthwiseConv2D(
            3,
            strides=stride,
            padding="same",
            use_bias=False,
            depthwise_initializer=KERNEL,
            name=f"{name}dwconv2",
        )(x)
        x = ready(x, name, momentum=MOMENTUM)
        x = excite(x, max(1, channels(given) // 4), name)
    alone = fused and expansion == 1  # a single convolution
    kernel, step = (3, stride) if alone else (1, 1)
    x = conv(x, filters, kernel, f"{name}project_conv", strides=step)
    x = normalize(x, f"{name}project_bn", last=3, momentum=MOMENTUM)
    x = activate(x, f"{name}project_activation", "swish") if alone else x
    same = stride == 1 and channels(given) == filters
    return added(x, given, rate, name) if same else x


def prepared(x: Any, base: bool) -> Any:
    """Preprocessing: standardize by ImageNet's statistics, or scale to [-1, 1]."""
    if not base or channels(x) != 3:
        return layers.Rescaling(scale=1.0 / 128, offset=-1)(x)
    x = layers.Rescaling(scale=1.0 / 255)(x)
    return layers.Normalization(
        mean=list(RGB_MEANS),
        variance=[deviation**2 for deviation in RGB_DEVIATIONS],
        axis=1 if image_data_format() == "channels_first" else 3,
    )(x)


def features(x: Any, given: SimpleNamespace) -> Any:
    """A convolution, the stages and a final 1 x 1 convolution."""
    stages = given.stages
    base = stages is BASE
    x = prepared(x, base) if given.include_preprocessing else x
    first = 32 if base else stages[0][1]
    x = conv(x, multiple(first * given.width), 3, "stem_conv", strides=2)
    x = ready(x, "stem_", momentum=MOMENTUM)
    done, total = 0, sum(row[2] for row in stages)
    for stage, (expansion, filters, count, stride) in enumerate(stages, 1):
        for number in range(math.ceil(given.depth * count)):
            row = expansion, multiple(filters * given.width), 1 if number else stride
            name = f"block{stage}{chr(97 + number)}_"
            x = block(x, row, stage <= FUSED, DROPPED * done / total, name)
            done += 1
    x = conv(x, multiple(1280 * given.width), 1, "top_conv")
    return ready(x, "top_", momentum=MOMENTUM)


def _row(
    part: str, stages: tuple, width: float, depth: float, size: int, *checksums: str
) -> Network:
    name = f"efficientnetv2-{part.lower()}"
    return network(
        arguments,
        f"EfficientNetV2{part}",
        features,
        averaged(named=True, dropout=0.2, kernel_initializer=DENSE, bias_initializer=Constant(0.0)),
        Files(f"efficientnet_v2/{name}{{}}.h5", *checksums),
        name=name,
        size=size,
        paper="Tan, Le 2021, arXiv:2104.00298",
        stages=stages,
        width=width,
        depth=depth,
    )


# width, depth, image size, checksums
EfficientNetV2B0 = _row(
    *("B0", BASE, 1.0, 1.0, 224),
    "21ecbf6da12460d5c40bb2f29ceb2188",
    "893217f2bb855e2983157299931e43ff",
)
EfficientNetV2B1 = _row(
    *("B1", BASE, 1.0, 1.1, 240),
    "069f0534ff22adf035c89e2d9547a9dc",
    "0e80663031ca32d657f9caa404b6ec37",
)
EfficientNetV2B2 = _row(
    *("B2", BASE, 1.1, 1.2, 260),
    "424e49f28180edbde1e94797771950a7",
    "1dfe2e7a5d45b6632553a8961ea609eb",
)
EfficientNetV2B3 = _row(
    *("B3", BASE, 1.2, 1.4, 300),
    "1f1fc43bd98a6e4fd8fdfd551e02c7a0",
    "f6abf7b5849ac99a89b50dd3fd532856",
)
EfficientNetV2S = _row(
    *("S", S, 1.0, 1.0, 384),
    "e1d88a8495beba45748fedd0cecbe016",
    "af0682fb74e8c54910f2d4393339c070",
)
EfficientNetV2M = _row(
    *("M", M, 1.0, 1.0, 480),
    "a3bf6aa3276309f4fc6a34aa114c95cd",
    "1b8dc055df72dde80d614482840fe342",
)
EfficientNetV2L = _row(
    *("L", L, 1.0, 1.0, 480),
    "27e6d408b53c7ebc868fefa357689935",
    "b0b66b5c863aef5b46e8608fe1711615",
)
