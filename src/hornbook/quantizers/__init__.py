"""Quantizers: kernels stored in fewer bits. `model.quantize("int8")` applies them.

model.quantize("int8")
model.quantize(config=quantizers.Int4QuantizationConfig(block_size=64))
"""

from typing import Any

from hornbook.core import config as registry
from hornbook.core import doors
from hornbook.quantizers.configs import Float8QuantizationConfig as Float8QuantizationConfig
from hornbook.quantizers.configs import Int4QuantizationConfig as Int4QuantizationConfig
from hornbook.quantizers.configs import Int8QuantizationConfig as Int8QuantizationConfig
from hornbook.quantizers.configs import QuantizationConfig as QuantizationConfig
from hornbook.quantizers.fake import fake_quant_with_min_max_vars as fake_quant_with_min_max_vars
from hornbook.quantizers.float8 import compute_float8_amax_history as compute_float8_amax_history
from hornbook.quantizers.float8 import compute_float8_scale as compute_float8_scale
from hornbook.quantizers.float8 import quantize_and_dequantize as quantize_and_dequantize
from hornbook.quantizers.integers import AbsMaxQuantizer as AbsMaxQuantizer
from hornbook.quantizers.integers import Quantizer as Quantizer
from hornbook.quantizers.integers import abs_max_quantize as abs_max_quantize
from hornbook.quantizers.integers import (
    abs_max_quantize_grouped_with_zero_point as abs_max_quantize_grouped_with_zero_point,
)
from hornbook.quantizers.integers import pack_int4 as pack_int4
from hornbook.quantizers.integers import unpack_int4 as unpack_int4

TABLE: dict[str, Any] = doors.table("quantizers", globals())


def get(identifier: Any) -> Any:
    """The quantizer or settings for a name, config, class or object; `None` for `None`.

    Args:
        identifier: a name (`"abs_max_quantizer"`), an object, a config dict or `None`.

    Raises:
        ValueError: for an unknown name; the message suggests the closest ones.

    Example:
        >>> keras.quantizers.get("abs_max_quantizer")
        AbsMaxQuantizer()
    """
    if isinstance(identifier, QuantizationConfig):
        return identifier
    return registry.lookup("quantizers", identifier, TABLE, "a quantizer")


def serialize(initializer: Any) -> Any:
    """The config of a quantizer, or of settings.

    Args:
        initializer: the object; Keras has this name for it.

    Example:
        >>> keras.quantizers.serialize(keras.quantizers.AbsMaxQuantizer())["config"]
        {'value_range': (-127, 127), 'epsilon': 1e-07, 'output_dtype': 'int8'}
    """
    return registry.serialize(initializer)


def deserialize(config: Any, custom_objects: dict | None = None) -> Any:
    """The quantizer that `serialize` described.

    Args:
        config: a name or a config dict.
        custom_objects: maps names to classes, for this call.

    Example:
        >>> config = keras.quantizers.serialize(keras.quantizers.AbsMaxQuantizer(axis=0))
        >>> keras.quantizers.deserialize(config).axis
        (0,)
    """
    with registry.custom_object_scope(custom_objects or {}):
        return get(config)


doors.publish(globals())
