"""MobileNetV3: MobileNetV2's blocks with squeeze-and-excite, wider kernels and hard swish."""

from functools import partial
from types import SimpleNamespace
from typing import Any

from hornbook import layers
from hornbook.applications.imagenet_utils import correct_pad, decode_predictions
from hornbook.applications.imagenet_utils import preprocess_nothing as preprocess_input
from hornbook.applications.mobilenet import check_agreement, check_pretrained
from hornbook.applications.mobilenet_v2 import norm
from hornbook.applications.network import CLASSES, Files, Network, network, pooled
from hornbook.applications.parts import channels, divisible

__all__ = ["decode_predictions", "preprocess_input"]
__dir__ = __all__.copy

# Expansion, filters, kernel size, stride, whether there is squeeze-and-excite, and whether hard
# swish replaces ReLU, as in the paper's tables 1 and 2.
SMALL = (
    (1, 16, 3, 2, True, False),
    (72 / 16, 24, 3, 2, False, False),
    (88 / 24, 24, 3, 1, False, False),
    (4, 40, 5, 2, True, True),
    (6, 40, 5, 1, True, True),
    (6, 40, 5, 1, True, True),
    (3, 48, 5, 1, True, True),
    (3, 48, 5, 1, True, True),
    (6, 96, 5, 2, True, True),
    (6, 96, 5, 1, True, True),
    (6, 96, 5, 1, True, True),
)
LARGE = (
    (1, 16, 3, 1, False, False),
    (4, 24, 3, 2, False, False),
    (3, 24, 3, 1, False, False),
    (3, 40, 5, 2, True, False),
    (3, 40, 5, 1, True, False),
    (3, 40, 5, 1, True, False),
    (6, 80, 3, 2, False, True),
    (2.5, 80, 3, 1, False, True),
    (2.3, 80, 3, 1, False, True),
    (2.3, 80, 3, 1, False, True),
    (6, 112, 3, 1, True, True),
    (6, 112, 3, 1, True, True),
    (6, 160, 5, 2, True, True),
    (6, 160, 5, 1, True, True),
    (6, 160, 5, 1, True, True),
)
# Checksums with and without the top.
WEIGHTS = {
    "large_224_0.75": ("765b44a33ad4005b3ac83185abf1d0eb", "40af19a13ebea4e2ee0c676887f69a2e"),
    "large_224_1.0": ("59e551e166be033d707958cf9e29a6a7", "07fb09a5933dd0c8eaafa16978110389"),
    "large_minimalistic_224_1.0": (
        "675e7b876c45c57e9e63e6d90a36599c",
        "ec5221f64a2f6d1ef965a614bdae7973",
    ),
    "small_224_0.75": ("cb65d4e5be93758266aa0a7f2c6708b7", "ebdb5cc8e0b497cd13a7c275d475c819"),
    "small_224_1.0": ("8768d4c2e7dee89b9d02b2d03d65d862", "d3e8ec802a04aa4fc771ee12a9a9b836"),
    "small_minimalistic_224_1.0": (
        "99cd97fb2fcdad2bf028eb838de69e37",
        "cde8136e733e811080d9fcd8a252f7e4",
    ),
}


def arguments(
    input_shape: tuple | None = None,
    alpha: float = 1.0,
    minimalistic: bool = False,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    classes: int = CLASSES,
    pooling: str | None = None,
    dropout_rate: float = 0.2,
    classifier_activation: Any = "softmax",
    include_preprocessing: bool = True,
    name: str | None = None,
) -> dict[str, Any]:
    """The arguments of MobileNetV3."""
    return locals()


def activate(x: Any, swish: bool, name: str | None = None) -> Any:
    """Hard swish or ReLU."""
    return (layers.Activation("hard_swish", name=name) if swish else layers.ReLU(name=name))(x)


def convolve(x: Any, filters: int, name: str, norm_name: str, kernel: int = 1, **more: Any) -> Any:
    """A convolution without bias, and batch normalization."""
    conv = layers.Conv2D(filters, kernel, padding="same", use_bias=False, name=name, **more)
    return norm(conv(x), norm_name)


def excite(x: Any, name: str) -> Any:
    """Squeeze-and-excite: scale each channel by a gate computed from the channel means."""
    filters = channels(x)
    y = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}avg_pool")(x)
    y = layers.Conv2D(divisible(filters / 4), 1, padding="same", name=f"{name}conv")(y)
    y = layers.ReLU(name=f"{name}relu")(y)
    y = layers.Conv2D(filters, 1, padding="same", name=f"{name}conv_1")(y)
    y = layers.ReLU(6.0)(y + 3.0) * (1.0 / 6.0)
    return layers.Multiply(name=f"{name}mul")([x, y])


def block(x: Any, row: tuple, number: int, alpha: float, minimalistic: bool) -> Any:
    """Expand, depthwise convolution, squeeze-and-excite, project; shortcut if shapes match."""
    expansion, filters, kernel, stride, squeeze, swish = row
    if minimalistic:
        kernel, squeeze, swish = 3, False, False
    given, filters = x, divisible(filters * alpha)
    name = f"expanded_conv_{number}_" if number else "expanded_conv_"
    if number:
        wide = divisible(channels(x) * expansion)
        x = activate(convolve(x, wide, f"{name}expand", f"{name}expand_bn"), swish)
    if stride == 2:
        x = layers.ZeroPadding2D(correct_pad(x, kernel), name=f"{name}depthwise_pad")(x)
    x = layers.DepthwiseConv2D(
        kernel,
        strides=stride,
        padding="same" if stride == 1 else "valid",
        use_bias=False,
        name=f"{name}depthwise",
    )(x)
    x = activate(norm(x, f"{name}depthwise_bn"), swish)
    x = excite(x, f"{name}squeeze_excite_") if squeeze else x
    x = convolve(x, filters, f"{name}project", f"{name}project_bn")
    same = stride == 1 and channels(given) == filters
    return layers.Add(name=f"{name}add")([given, x]) if same else x


def features(x: Any, given: SimpleNamespace) -> Any:
    """A convolution, the blocks and a final 1 x 1 convolution."""
    swish = not given.minimalistic
    if given.include_preprocessing:
        x = layers.Rescaling(scale=1.0 / 127.5, offset=-1.0)(x)
    x = activate(convolve(x, 16, "conv", "conv_bn", 3, strides=2), swish)
    for number, row in enumerate(given.blocks):
        x = block(x, row, number, given.alpha, given.minimalistic)
    x = convolve(x, divisible(channels(x) * 6), "conv_1", "conv_1_bn")
    return activate(x, swish)


def end(x: Any, given: SimpleNamespace) -> Any:
    """Two 1 x 1 convolutions: a hidden layer and the classification layer."""
    if not given.include_top:
        return pooled(x, given, named=True)
    last = divisible(given.last * given.alpha) if given.alpha > 1 else given.last
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Conv2D(last, 1, padding="same", name="conv_2")(x)
    x = activate(x, not given.minimalistic)
    x = layers.Dropout(given.dropout_rate)(x) if given.dropout_rate > 0 else x
    x = layers.Conv2D(given.classes, 1, padding="same", name="logits")(x)
    x = layers.Flatten()(x)
    return layers.Activation(given.classifier_activation, name="predictions")(x)


def settle(given: SimpleNamespace) -> None:
    """Check that there are weights for the arguments."""
    check_agreement(given)
    if given.input_shape is None and given.input_tensor is not None:
        given.shape = given.input_tensor.shape[1:]
    check_pretrained(given, (224,), alpha=(1.0,) if given.minimalistic else (0.75, 1.0))


def files(given: SimpleNamespace, kind: str) -> Files:
    """The weights for its alpha."""
    model = f"{kind}{'_minimalistic' * given.minimalistic}_224_{float(given.alpha)}"
    stem = f"mobilenet_v3/weights_mobilenet_v3_{model}_float{{}}.h5"
    return Files(stem, *WEIGHTS[model], part="_no_top_v2")


def _row(title: str, blocks: tuple, last: int) -> Network:
    return network(
        arguments,
        title,
        features,
        end,
        partial(files, kind=title.removeprefix("MobileNetV3").lower()),
        name=title,
        fixed=False,
        settle=settle,
        paper="Howard et al. 2019, arXiv:1905.02244",
        blocks=blocks,
        last=last,
    )


MobileNetV3Small = _row("MobileNetV3Small", SMALL, 1024)
MobileNetV3Large = _row("MobileNetV3Large", LARGE, 1280)
