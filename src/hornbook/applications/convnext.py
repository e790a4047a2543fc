"""ConvNeXt: large-kernel depthwise convolutions, layer normalization and per-pixel dense layers."""

from types import SimpleNamespace
from typing import Any

from hornbook import layers
from hornbook.applications.imagenet_utils import RGB_DEVIATIONS, RGB_MEANS, decode_predictions
from hornbook.applications.imagenet_utils import preprocess_nothing as preprocess_input
from hornbook.applications.network import (
    CLASSES,
    Files,
    Network,
    channels_last_only,
    network,
    pooled,
)
from hornbook.applications.parts import channels
from hornbook.layers.rescaling import LayerScale
from hornbook.models import Sequential

__all__ = [
    "ConvNeXtBase",
    "ConvNeXtLarge",
    "ConvNeXtSmall",
    "ConvNeXtTiny",
    "ConvNeXtXLarge",
    "decode_predictions",
    "preprocess_input",
]
__dir__ = __all__.copy


def arguments(
    include_top: bool = True,
    include_preprocessing: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: tuple | None = None,
    pooling: str | None = None,
    classes: int = CLASSES,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> dict[str, Any]:
    """The arguments of ConvNeXt."""
    return locals()


def norm(name: str | None = None) -> layers.Layer:
    """Layer normalization with this network's epsilon."""
    return layers.LayerNormalization(epsilon=1e-6, name=name)


def block(x: Any, name: str) -> Any:
    """A depthwise convolution and two dense layers, with a shortcut."""
    count = channels(x)
    y = layers.Conv2D(count, 7, padding="same", groups=count, name=f"{name}_depthwise_conv")(x)
    y = norm(f"{name}_layernorm")(y)
    y = layers.Dense(4 * count, name=f"{name}_pointwise_conv_1")(y)
    y = layers.Activation("gelu", name=f"{name}_gelu")(y)
    y = layers.Dense(count, name=f"{name}_pointwise_conv_2")(y)
    y = LayerScale(1e-6, count, name=f"{name}_layer_scale")(y)
    return x + layers.Activation("linear", name=f"{name}_identity")(y)


def features(x: Any, given: SimpleNamespace) -> Any:
    """Four stages of blocks, each after a downsampling that increases the channels."""
    name = given.name
    if given.include_preprocessing and channels(x) == 3:
        x = layers.Normalization(
            mean=[mean * 255 for mean in RGB_MEANS],
            variance=[(deviation * 255) ** 2 for deviation in RGB_DEVIATIONS],
            name=f"{name}_prestem_normalization",
        )(x)
    for stage, (count, filters) in enumerate(zip(given.blocks, given.filters, strict=True)):
        if stage == 0:
            conv = layers.Conv2D(filters, 4, strides=4, name=f"{name}_stem_conv")
            down = Sequential([conv, norm(f"{name}_stem_layernorm")], name=f"{name}_stem")
        else:
            part = f"{name}_downsampling"
            conv = layers.Conv2D(filters, 2, strides=2, name=f"{part}_conv_{stage - 1}")
            before = norm(f"{part}_layernorm_{stage - 1}")
            down = Sequential([before, conv], name=f"{part}_block_{stage - 1}")
        x = down(x)
        for number in range(count):
            x = block(x, f"{name}_stage_{stage}_block_{number}")
    return x


def end(x: Any, given: SimpleNamespace) -> Any:
    """Global average pooling, layer normalization, then the classification layer."""
    if not given.include_top:
        return norm()(pooled(x, given))
    name, activation = f"{given.name}_head", given.classifier_activation
    x = norm(f"{name}_layernorm")(layers.GlobalAveragePooling2D(name=f"{name}_gap")(x))
    return layers.Dense(given.classes, activation=activation, name=f"{name}_dense")(x)


def _row(part: str, last: int, width: int, *checksums: str) -> Network:
    name = f"convnext_{part.lower()}"
    return network(
        arguments,
        f"ConvNeXt{part}",
        features,
        end,
        Files(f"convnext/{name}{{}}.h5", *checksums),
        name=name,
        settle=channels_last_only,
        paper="Liu et al. 2022, arXiv:2201.03545",
        blocks=(3, 3, last, 3),
        filters=[width * 2**stage for stage in range(4)],
    )


# blocks in the third stage, filters in the first, checksums
ConvNeXtTiny = _row(
    *("Tiny", 9, 96),
    "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
    "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
)
ConvNeXtSmall = _row(
    *("Small", 27, 96),
    "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c",
    "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
)
ConvNeXtBase = _row(
    *("Base", 27, 128),
    "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6",
    "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
)
ConvNeXtLarge = _row(
    *("Large", 27, 192),
    "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6",
    "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
)
ConvNeXtXLarge = _row(
    *("XLarge", 27, 256),
    "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee",
    "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
)
