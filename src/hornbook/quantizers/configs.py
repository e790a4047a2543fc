"""Settings of `model.quantize`."""

from typing import Any

from hornbook.core.config import Configurable, serialize
from hornbook.quantizers.integers import INT4, AbsMaxQuantizer, Quantizer


class QuantizationConfig(Configurable):
    """Base of the settings of `quantize`; a subclass has a `mode`.

    Args:
        weight_quantizer: quantizer of kernels; `None` for the mode's own.
        activation_quantizer: quantizer of inputs; `None` to leave them as they are.

    Example:
        >>> keras.quantizers.Int8QuantizationConfig().mode
        'int8'
    """

    mode: str = ""
    weight_range: tuple[int, int] = (-127, 127)

    def __init__(
        self,
        weight_quantizer: Quantizer | None = None,
        activation_quantizer: Quantizer | None = None,
    ):
        self.weight_quantizer: Any = weight_quantizer
        self.activation_quantizer: Any = activation_quantizer
        given = getattr(weight_quantizer, "output_dtype", "int8")
        if given != "int8":
            raise ValueError(
                f"weight_quantizer of {type(self).__name__} must have output_dtype='int8', not "
                f"{given!r}"
            )

    def get_config(self) -> dict:
        """The two quantizers as plain data."""
        return {
            "weight_quantizer": serialize(self.weight_quantizer),
            "activation_quantizer": serialize(self.activation_quantizer),
        }


class Int8QuantizationConfig(QuantizationConfig):
    """Kernels in int8, with a scale for each unit; inputs in int8, with a scale for each row.

    Args:
        weight_quantizer: quantizer of kernels; `None` for `AbsMaxQuantizer`.
        activation_quantizer: quantizer of inputs, by default `AbsMaxQuantizer`; `None` to multiply
            the inputs as they are.

    Raises:
        ValueError: if the weight quantizer does not return int8.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
        >>> config = keras.quantizers.Int8QuantizationConfig(activation_quantizer=None)
        >>> model.quantize(config=config)
        >>> model.layers[0].kernel.dtype.name
        'int8'
    """

    mode = "int8"

    def __init__(
        self, weight_quantizer: Quantizer | None = None, activation_quantizer: Any = "default"
    ):
        default = activation_quantizer == "default"
        super().__init__(weight_quantizer, AbsMaxQuantizer() if default else activation_quantizer)


class Int4QuantizationConfig(QuantizationConfig):
    """Kernels in 4-bit integers, two in a byte, with a scale and a zero for each block.

    Args:
        weight_quantizer: quantizer of kernels, for one block; `None` for `AbsMaxQuantizer`.
        activation_quantizer: quantizer of inputs, for one block; by default inputs stay as they
            are.
        block_size: number of inputs of a block; `None` or -1 for one block, which has no zero.

    Raises:
        ValueError: for quantizers together with blocks, or a weight quantizer of another range
            than -8 to 7.

    Example:
        >>> config = keras.quantizers.Int4QuantizationConfig(block_size=64)
        >>> config.mode, config.block_size
        ('int4', 64)
    """

    mode = "int4"

    def __init__(
        self,
        weight_quantizer: Quantizer | None = None,
        activation_quantizer: Any = "default",
        block_size: int | None = 128,
    ):
        default = activation_quantizer == "default"
        super().__init__(weight_quantizer, None if default else activation_quantizer)
        if block_size not in (None, -1) and block_size <= 0:
            raise ValueError(f"block_size must be positive, -1 or None, not {block_size!r}")
        self.block_size = block_size
        if block_size not in (None, -1) and (self.weight_quantizer or self.activation_quantizer):
            raise ValueError(
                f"int4 with blocks (block_size={block_size}) takes no quantizers: use "
                "block_size=None, or leave them out"
            )
        given = tuple(getattr(weight_quantizer, "value_range", INT4))
        if given != INT4:
            raise ValueError(
                f"weight_quantizer of Int4QuantizationConfig must have value_range={INT4}, not "
                f"{given}"
            )

    def get_config(self) -> dict:
        """The constructor arguments as plain data."""
        return {**super().get_config(), "block_size": self.block_size}

    @classmethod
    def from_config(cls, config: dict) -> Any:
        """The settings that `get_config` described; older files have no blocks."""
        return super().from_config({"block_size": None, **config})


class Float8QuantizationConfig(QuantizationConfig):
    """Products of 8-bit floats, for training; it has no settings.

    Example:
        >>> keras.quantizers.Float8QuantizationConfig().mode
        'float8'
    """

    mode = "float8"

    def __init__(self) -> None:
        super().__init__()

    def get_config(self) -> dict:
        """An empty dictionary."""
        return {}
