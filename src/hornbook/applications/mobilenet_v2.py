"""MobileNetV2: inverted residual blocks (expand, depthwise convolution, project)."""

from types import SimpleNamespace
from typing import Any

from hornbook import layers
from hornbook.applications.imagenet_utils import correct_pad, decode_predictions
from hornbook.applications.imagenet_utils import preprocess_tf as preprocess_input
from hornbook.applications.mobilenet import check_agreement, check_pretrained, trained_size
from hornbook.applications.network import CLASSES, Files, averaged, network
from hornbook.applications.parts import channels, divisible, normalize

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]
__dir__ = __all__.copy

# Filters, number of blocks and stride of the first block, as in the paper's table 2.
STAGES = ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))
EXPANSION = 6
SIZES = (96, 128, 160, 192, 224)  # of training images with published weights
ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)


def arguments(
    input_shape: tuple | None = None,
    alpha: float = 1.0,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = CLASSES,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> dict[str, Any]:
    """The arguments of MobileNetV2."""
    return locals()


def norm(x: Any, name: str) -> Any:
    """Batch normalization with momentum 0.999."""
    return normalize(x, name, epsilon=1e-3, momentum=0.999)


def pointwise(x: Any, filters: int, name: str) -> Any:
    """A 1 x 1 convolution and batch normalization."""
    conv = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=name)
    return norm(conv(x), f"{name}_BN")


def block(x: Any, filters: int, stride: int, number: int) -> Any:
    """An inverted residual: expand, depthwise convolution, project; shortcut if shapes match."""
    given, name = x, f"block_{number}_" if number else "expanded_conv_"
    if number:
        x = pointwise(x, EXPANSION * channels(x), f"{name}expand")
        x = layers.ReLU(6.0, name=f"{name}expand_relu")(x)
    if stride == 2:
        x = layers.ZeroPadding2D(correct_pad(x, 3), name=f"{name}pad")(x)
    padding = "same" if stride == 1 else "valid"
    x = layers.DepthwiseConv2D(
        3, strides=stride, padding=padding, use_bias=False, name=f"{name}depthwise"
    )(x)
    x = layers.ReLU(6.0, name=f"{name}depthwise_relu")(norm(x, f"{name}depthwise_BN"))
    x = pointwise(x, filters, f"{name}project")
    same = stride == 1 and channels(given) == filters
    return layers.Add(name=f"{name}add")([given, x]) if same else x


def features(x: Any, given: SimpleNamespace) -> Any:
    """A convolution, the blocks and a final 1 x 1 convolution."""
    first = divisible(32 * given.alpha)
    x = layers.Conv2D(first, 3, strides=2, padding="same", use_bias=False, name="Conv1")(x)
    x = layers.ReLU(6.0, name="Conv1_relu")(norm(x, "bn_Conv1"))
    number = 0
    for filters, count, stride in STAGES:
        for repeat in range(count):
            x = block(x, divisible(int(filters * given.alpha)), 1 if repeat else stride, number)
            number += 1
    last = divisible(1280 * given.alpha) if given.alpha > 1 else 1280
    x = layers.Conv2D(last, 1, use_bias=False, name="Conv_1")(x)
    return layers.ReLU(6.0, name="out_relu")(norm(x, "Conv_1_bn"))


def size(given: SimpleNamespace) -> int:
    """The image size of its weights."""
    tensor = given.input_tensor
    seen = tensor.shape[1:] if given.input_shape is None and tensor is not None else None
    return trained_size(given.input_shape or seen, SIZES)


def settle(given: SimpleNamespace) -> None:
    """Determine the image size of the weights, and the name."""
    check_agreement(given)
    given.rows = check_pretrained(given, SIZES, alpha=ALPHAS)
    given.name = given.name or f"mobilenetv2_{given.alpha:0.2f}_{given.rows}"


def files(given: SimpleNamespace) -> Files:
    """The weights for its alpha and image size."""
    what = f"{float(given.alpha)}_{given.rows}{{}}.h5"
    stem = "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels"
    return Files(f"{stem}_{what}", part="_no_top")


MobileNetV2 = network(
    arguments,
    "MobileNetV2",
    features,
    averaged(None),
    files,
    size=size,
    settle=settle,
    paper="Sandler et al. 2018, arXiv:1801.04381",
)
