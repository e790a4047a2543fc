"""MobileNet: pairs of a depthwise and a 1 x 1 convolution."""

import warnings
from types import SimpleNamespace
from typing import Any

from hornbook import layers
from hornbook.applications.imagenet_utils import decode_predictions
from hornbook.applications.imagenet_utils import preprocess_tf as preprocess_input
from hornbook.applications.network import CLASSES, Files, network, pooled
from hornbook.applications.parts import normalize
from hornbook.core.settings import image_data_format

__all__ = ["MobileNet", "decode_predictions", "preprocess_input"]
__dir__ = __all__.copy

# Filters and stride of each pair of convolutions.
BLOCKS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1)),
)
SIZES = (128, 160, 192, 224)  # of training images with published weights
ALPHAS = {0.25: "2_5", 0.5: "5_0", 0.75: "7_5", 1.0: "1_0"}


def arguments(
    input_shape: tuple | None = None,
    alpha: float = 1.0,
    depth_multiplier: int = 1,
    dropout: float = 1e-3,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = CLASSES,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> dict[str, Any]:
    """The arguments of MobileNet."""
    return locals()


def convolve(x: Any, convolution: Any, name: str) -> Any:
    """A convolution, batch normalization and ReLU6."""
    return layers.ReLU(6.0, name=f"{name}_relu")(normalize(convolution(x), f"{name}_bn"))


def features(x: Any, given: SimpleNamespace) -> Any:
    """A convolution, then the pairs of convolutions."""

    def conv(filters: int, kernel: int, stride: int, name: str) -> Any:
        return layers.Conv2D(
            int(filters * given.alpha),
            kernel,
            strides=stride,
            padding="same",
            use_bias=False,
            name=name,
        )

    x = convolve(x, conv(32, 3, 2, "conv1"), "conv1")
    for number, (filters, stride) in enumerate(BLOCKS, 1):
        if stride > 1:
            x = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{number}")(x)
        depthwise = layers.DepthwiseConv2D(
            3,
            strides=stride,
            padding="same" if stride == 1 else "valid",
            depth_multiplier=given.depth_multiplier,
            use_bias=False,
            name=f"conv_dw_{number}",
        )
        x = convolve(x, depthwise, f"conv_dw_{number}")
        x = convolve(x, conv(filters, 1, 1, f"conv_pw_{number}"), f"conv_pw_{number}")
    return x


def end(x: Any, given: SimpleNamespace) -> Any:
    """The classification layer, as a 1 x 1 convolution."""
    if not given.include_top:
        return pooled(x, given)
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Dropout(given.dropout, name="dropout")(x)
    x = layers.Conv2D(given.classes, 1, padding="same", name="conv_preds")(x)
    x = layers.Reshape((given.classes,), name="reshape_2")(x)
    return layers.Activation(given.classifier_activation, name="predictions")(x)


# ---- argument checks of the MobileNets


def rows_and_columns(shape: Any) -> tuple:
    """Rows and columns of an image shape; unknown ones are `None`."""
    shape = tuple(shape or (None,) * 3)
    return shape[1:] if image_data_format() == "channels_first" else shape[:-1]


def trained_size(shape: Any, sizes: tuple[int, ...]) -> int:
    """The training image size to use: that of `shape` if available, else the largest."""
    rows, columns = rows_and_columns(shape)
    return rows if rows == columns and rows in sizes else sizes[-1]


def check_pretrained(given: SimpleNamespace, sizes: tuple[int, ...], **allowed: Any) -> int | None:
    """The image size of the weights; without pretrained weights, of the input.

    Args:
        given: the arguments.
        sizes: sizes of training images with published weights.
        **allowed: argument values with published weights.

    Raises:
        ValueError: if there are no weights for the arguments.
    """
    rows, columns = rows_and_columns(given.shape)
    if given.weights != "imagenet":
        return rows
    for name, values in allowed.items():
        if getattr(given, name) not in values:
            raise ValueError(
                f"{given.title} with weights='imagenet' needs {name} in {tuple(values)}; "
                f"Received: {name}={getattr(given, name)}"
            )
    if rows != columns or rows not in sizes:
        warnings.warn(
            f"{given.title}: there are weights for square images of {sizes} rows, "
            f"not for input_shape={given.input_shape}; those for {sizes[-1]} are loaded",
            stacklevel=5,
        )
        return sizes[-1]
    return rows


def check_agreement(given: SimpleNamespace) -> None:
    """Raise a `ValueError` if `input_shape` and `input_tensor` differ in their columns."""
    if given.input_shape is None or given.input_tensor is None:
        return
    one, other = given.input_shape, given.input_tensor.shape
    if rows_and_columns(one)[1] != rows_and_columns(other[1:])[1]:
        raise ValueError(
            f"{given.title}: input_shape={one} has other columns than input_tensor, shape {other}"
        )


def settle(given: SimpleNamespace) -> None:
    """Determine the image size of the weights, and the name."""
    given.rows = check_pretrained(given, SIZES, depth_multiplier=(1,), alpha=ALPHAS)
    given.name = given.name or f"mobilenet_{given.alpha:0.2f}_{given.rows}"


def files(given: SimpleNamespace) -> Files:
    """The weights for its alpha and image size."""
    stem = f"mobilenet/mobilenet_{ALPHAS[given.alpha]}_{given.rows}_tf"
    return Files(f"{stem}{{}}.h5", part="_no_top")


MobileNet = network(
    arguments,
    "MobileNet",
    features,
    end,
    files,
    size=lambda given: trained_size(given.input_shape, SIZES),
    settle=settle,
    paper="Howard et al. 2017, arXiv:1704.04861",
)
