"""Activations: functions applied to a layer's output.

A layer takes one by name, `Dense(10, activation="relu")`, or as a function. Most are the ops of the
same name; this module defines those with other defaults or arguments, and `get`.

    activations.get("gelu") is activations.gelu
    activations.get(None) is activations.linear
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.core import config as registry
from hornbook.core import doors, symbolic
from hornbook.ops import rows
from hornbook.ops.nn import celu as celu
from hornbook.ops.nn import elu as elu
from hornbook.ops.nn import gelu as _gelu
from hornbook.ops.nn import glu as glu
from hornbook.ops.nn import hard_shrink as hard_shrink
from hornbook.ops.nn import hard_sigmoid as hard_sigmoid
from hornbook.ops.nn import hard_silu as hard_silu
from hornbook.ops.nn import hard_swish as hard_swish
from hornbook.ops.nn import hard_tanh as hard_tanh
from hornbook.ops.nn import leaky_relu as leaky_relu
from hornbook.ops.nn import log_sigmoid as log_sigmoid
from hornbook.ops.nn import log_softmax as log_softmax
from hornbook.ops.nn import relu as _relu
from hornbook.ops.nn import relu6 as relu6
from hornbook.ops.nn import selu as selu
from hornbook.ops.nn import sigmoid as sigmoid
from hornbook.ops.nn import silu as silu
from hornbook.ops.nn import soft_shrink as soft_shrink
from hornbook.ops.nn import softmax as _softmax
from hornbook.ops.nn import softplus as softplus
from hornbook.ops.nn import softsign as softsign
from hornbook.ops.nn import sparse_plus as sparse_plus
from hornbook.ops.nn import sparse_sigmoid as sparse_sigmoid
from hornbook.ops.nn import sparsemax as sparsemax
from hornbook.ops.nn import squareplus as squareplus
from hornbook.ops.nn import swish as swish
from hornbook.ops.nn import tanh_shrink as tanh_shrink
from hornbook.ops.nn import threshold as threshold
from hornbook.ops.numpy import exp as _exp
from hornbook.ops.numpy import tanh as tanh


@symbolic.op
def relu(
    x: Array,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Array:
    """The positive part, `max(x, 0)`; optionally leaky, bounded or with another threshold.

    `max_value` where `x >= max_value`, `x` where `x > threshold`, else
    `negative_slope * (x - threshold)`.

    Args:
        x: array of any shape.
        negative_slope: slope below the threshold.
        max_value: upper bound of the result; `None` for no bound.
        threshold: value below which the slope is `negative_slope`.

    Example:
        >>> hornbook.activations.relu(np.array([-2.0, 0.5, 9.0]), max_value=6.0).tolist()
        [0.0, 0.5, 6.0]
    """
    x = rows.array(x)
    if threshold != 0:
        x = jnp.where(x > threshold, x, negative_slope * (x - threshold))
    elif negative_slope != 0:
        x = jax.nn.leaky_relu(x, negative_slope)
    else:
        x = _relu(x)
    return x if max_value is None else jnp.minimum(x, max_value)


@symbolic.op
def softmax(x: Array, axis: int | tuple[int, ...] = -1) -> Array:
    """Positive numbers that sum to 1 along `axis`: `exp(x) / sum(exp(x))`.

    Args:
        x: array.
        axis: axis along which the results sum to 1.

    Example:
        >>> hornbook.activations.softmax(np.zeros((1, 4))).tolist()
        [[0.25, 0.25, 0.25, 0.25]]
    """
    return _softmax(x, axis)


@symbolic.op
def gelu(x: Array, approximate: bool = False) -> Array:
    """`x` times the normal CDF at `x` (Hendrycks, Gimpel 2016, arXiv:1606.08415).

    Args:
        x: floating-point array.
        approximate: use the tanh approximation; otherwise exact.

    Example:
        >>> round(float(hornbook.activations.gelu(np.array(1.0))), 4)
        0.8413
    """
    return _gelu(x, approximate)


@symbolic.op
def mish(x: Array) -> Array:
    """`x * tanh(softplus(x))` (Misra 2019, arXiv:1908.08681).

    Example:
        >>> round(float(hornbook.activations.mish(np.array(1.0))), 4)
        0.8651
    """
    return jax.nn.mish(rows.floating(x))


@doors.also("")
def linear(x: Any) -> Any:
    """The identity: returns its input.

    Example:
        >>> hornbook.activations.linear(3.0)
        3.0
    """
    return x


@registry.register_keras_serializable("hornbook.compat", "hard_sigmoid")
@symbolic.op
def _steep_hard_sigmoid(x: Array) -> Array:
    """`clip(0.2 x + 0.5, 0, 1)`: the `hard_sigmoid` of Keras 1 and 2 and of their files.

    Args:
        x: an array.

    Example:
        >>> hornbook.activations._steep_hard_sigmoid(np.array([-3.0, 0.0, 1.0])).tolist()
        [0.0, 0.5, 0.699999988079071]
    """
    return jnp.clip(0.2 * rows.floating(x) + 0.5, 0.0, 1.0)


exponential = _exp
registry.register_functions("activations", {"relu": _relu, "softmax": _softmax})
TABLE: dict[str, Callable] = doors.table("activations", globals(), first=FunctionType)


def get(identifier: Any) -> Callable:
    """The activation for a name, config or callable; `None` means `linear`.

    Args:
        identifier: a name (`"relu"`), a function, a layer, a config dict or `None`.

    Raises:
        ValueError: for an unknown name; the message suggests the closest ones.

    Example:
        >>> hornbook.activations.get("relu") is hornbook.activations.relu
        True
    """
    if identifier is None:
        return linear
    return registry.lookup("activations", identifier, TABLE, "an activation")


def serialize(activation: Callable) -> Any:
    """The name of an activation, or the config of a custom one.

    Example:
        >>> hornbook.activations.serialize(hornbook.activations.relu)
        'relu'
    """
    return registry.serialize(activation)


def deserialize(config: Any, custom_objects: dict | None = None) -> Callable:
    """The activation that `serialize` described.

    Args:
        config: a name or a config dict.
        custom_objects: maps names to functions, for this call.

    Example:
        >>> hornbook.activations.deserialize("relu") is hornbook.activations.relu
        True
    """
    with registry.custom_object_scope(custom_objects or {}):
        return get(config)


doors.publish(globals())
