"""NASNet: cells found by architecture search; each takes the outputs of the two previous cells."""

from types import SimpleNamespace
from typing import Any

from hornbook import layers
from hornbook.applications.imagenet_utils import correct_pad, decode_predictions
from hornbook.applications.imagenet_utils import preprocess_tf as preprocess_input
from hornbook.applications.network import (
    CLASSES,
    Files,
    Network,
    averaged,
    channels_last_only,
    network,
)
from hornbook.applications.parts import activate, channels, normalize

__all__ = ["NASNetLarge", "NASNetMobile", "decode_predictions", "preprocess_input"]
__dir__ = __all__.copy


def arguments(
    input_shape: tuple | None = None,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = CLASSES,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> dict[str, Any]:
    """The arguments of NASNet."""
    return locals()


def norm(x: Any, name: str) -> Any:
    """Batch normalization with momentum 0.9997."""
    return normalize(x, name, momentum=0.9997, epsilon=1e-3)


def conv(filters: int, name: str) -> Any:
    """A 1 x 1 convolution without bias."""
    return layers.Conv2D(
        filters, 1, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )


def separable(x: Any, filters: int, kernel: int, name: str, stride: int = 1) -> Any:
    """Twice: ReLU, separable convolution, batch normalization."""
    for number, step in ((1, stride), (2, 1)):
        x = activate(x)
        if step > 1:
            pad = correct_pad(x, kernel)
            x = layers.ZeroPadding2D(pad, name=f"separable_conv_{number}_pad_{name}")(x)
        x = layers.SeparableConv2D(
            filters,
            kernel,
            strides=step,
            padding="valid" if step > 1 else "same",
            use_bias=False,
            name=f"separable_conv_{number}_{name}",
        )(x)
        x = norm(x, f"separable_conv_{number}_bn_{name}")
    return x


def pool(x: Any, kind: str, name: str, stride: int) -> Any:
    """3 x 3 max or average pooling."""
    layer = layers.MaxPooling2D if kind == "max" else layers.AveragePooling2D
    padding = "same" if stride == 1 else "valid"
    return layer(3, strides=stride, padding=padding, name=name)(x)


def adjust(p: Any, x: Any, filters: int, name: str) -> Any:
    """Adjust the output of the cell before last to `filters` channels and the size of `x`."""
    if p is None:
        return x
    if p.shape[-2] != x.shape[-2]:
        p = activate(p, f"adjust_relu_1_{name}")
        shifted = layers.Cropping2D(((1, 0), (1, 0)))(layers.ZeroPadding2D(((0, 1), (0, 1)))(p))
        halves = [
            conv(filters // 2, f"adjust_conv_{number}_{name}")(
                layers.AveragePooling2D(1, strides=2, name=f"adjust_avg_pool_{number}_{name}")(y)
            )
            for number, y in ((1, p), (2, shifted))
        ]
        return norm(layers.Concatenate(axis=-1)(halves), f"adjust_bn_{name}")
    if channels(p) != filters:
        p = conv(filters, f"adjust_conv_projection_{name}")(activate(p))
        return norm(p, f"adjust_bn_{name}")
    return p


def normal(x: Any, p: Any, filters: int, name: str) -> Any:
    """A cell that keeps rows and columns."""
    p = adjust(p, x, filters, name)
    h = norm(conv(filters, f"normal_conv_1_{name}")(activate(x)), f"normal_bn_1_{name}")

    def filtered(y: Any, kernel: int, place: str) -> Any:
        return separable(y, filters, kernel, f"normal_{place}_{name}")

    def added(number: int, *pair: Any) -> Any:
        return layers.Add(name=f"normal_add_{number}_{name}")(list(pair))

    def mean(y: Any, place: str) -> Any:
        return pool(y, "average", f"normal_{place}_{name}", 1)

    sums = [
        added(1, filtered(h, 5, "left1"), filtered(p, 3, "right1")),
        added(2, filtered(p, 5, "left2"), filtered(p, 3, "right2")),
        added(3, mean(h, "left3"), p),
        added(4, mean(p, "left4"), mean(p, "right4")),
        added(5, filtered(h, 3, "left5"), h),
    ]
    return layers.Concatenate(axis=-1, name=f"normal_concat_{name}")([p, *sums])


def reduction(x: Any, p: Any, filters: int, name: str) -> Any:
    """A cell that halves rows and columns."""
    p = adjust(p, x, filters, name)
    h = norm(conv(filters, f"reduction_conv_1_{name}")(activate(x)), f"reduction_bn_1_{name}")
    padded = layers.ZeroPadding2D(correct_pad(h, 3), name=f"reduction_pad_1_{name}")(h)

    def halved(y: Any, kernel: int, place: str, stride: int = 2) -> Any:
        return separable(y, filters, kernel, f"reduction_{place}_{name}", stride)

    def pooled(y: Any, kind: str, place: str, stride: int = 2) -> Any:
        return pool(y, kind, f"reduction_{place}_{name}", stride)

    def added(called: str | None, *pair: Any) -> Any:
        return layers.Add(name=called and f"reduction_{called}_{name}")(list(pair))

    x1 = added("add_1", halved(h, 5, "left1"), halved(p, 7, "right1"))
    x2 = added("add_2", pooled(padded, "max", "left2"), halved(p, 7, "right2"))
    x3 = added("add3", pooled(padded, "average", "left3"), halved(p, 5, "right3"))
    x4 = added(None, x2, pooled(x1, "average", "left4", 1))
    x5 = added("add4", halved(x1, 3, "left4", 1), pooled(padded, "max", "right5"))
    return layers.Concatenate(axis=-1, name=f"reduction_concat_{name}")([x2, x3, x4, x5])


def features(x: Any, given: SimpleNamespace) -> Any:
    """A convolution, two reduction cells, then three stages of normal cells with reductions."""
    n, filters = given.cells, given.filters
    stem = layers.Conv2D(
        given.stem,
        3,
        strides=2,
        use_bias=False,
        kernel_initializer="he_normal",
        name="stem_conv1",
    )
    x, p = norm(stem(x), "stem_bn1"), None
    x, p = reduction(x, p, filters // 4, "stem_1"), x
    x, p = reduction(x, p, filters // 2, "stem_2"), x
    for stage in range(3):
        if stage:
            # NASNetLarge continues with the output of two cells before the reduction.
            before = p if given.skip_reduction else x
            x, p = reduction(x, p, filters * 2**stage, f"reduce_{stage * n}"), before
        for number in range(n):
            x, p = normal(x, p, filters * 2**stage, f"{stage * n + number + (stage > 0)}"), x
    return activate(x)


def mobile_size(given: SimpleNamespace) -> int:
    """The image size of NASNetMobile, which is the default even without the top."""
    if given.input_shape is None and not given.include_top:
        given.input_shape = (224, 224, 3)
    return 224


def settle(given: SimpleNamespace) -> None:
    """Require channels last and, for pretrained weights, a known shape."""
    channels_last_only(given)
    if given.weights == "imagenet" and None in (given.input_shape or ()):
        raise ValueError(
            f"{given.title} with weights='imagenet' needs an input_shape without unknown sizes; "
            f"Received: input_shape={given.input_shape}"
        )


def _row(title: str, size: Any, part: str, with_top: str, without: str, **plan: Any) -> Network:
    return network(
        arguments,
        title,
        features,
        averaged(None),
        Files(
            f"nasnet/NASNet-{part}{{}}.h5",
            with_top,
            without,
            part="-no-top",
            kept_as=f"nasnet_{part}{{}}.h5",
        ),
        name=f"nasnet_{part}",
        size=size,
        settle=settle,
        paper="Zoph, Vasudevan, Shlens, Le 2018, arXiv:1707.07012",
        **plan,
    )


NASNetMobile = _row(
    "NASNetMobile",
    mobile_size,
    "mobile",
    "020fb642bf7360b370c678b08e0adf61",
    "1ed92395b5b598bdda52abe5c0dbfd63",
    cells=4,
    filters=44,
    stem=32,
    skip_reduction=False,
)
NASNetLarge = _row(
    "NASNetLarge",
    331,
    "large",
    "11577c9a518f0070763c2b964a382f17",
    "d81d89dc07e6e56530c4e77faddd61b5",
    cells=6,
    filters=168,
    stem=96,
    skip_reduction=True,
)
