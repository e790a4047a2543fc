"""Activations: functions that stand between one layer's output and the next.

A layer takes one by name, `Dense(10, activation="relu")`, or as a function. Most are the ops of the
same name; here are those whose defaults or arguments differ, and `get`, which finds them by name.

    activations.get("gelu") is activations.gelu
    activations.get(None) is activations.linear
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.core import config as registry
from hornbook.core.symbolic import op
from hornbook.ops import rows
from hornbook.ops.nn import (
    celu,
    elu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    swish,
    tanh_shrink,
    threshold,
)
from hornbook.ops.nn import gelu as _gelu
from hornbook.ops.nn import relu as _relu
from hornbook.ops.nn import softmax as _softmax
from hornbook.ops.numpy import exp as exponential
from hornbook.ops.numpy import tanh


@op
def relu(
    x: Array,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Array:
    """The positive part, `max(x, 0)`; with arguments, leaky, bounded or from another threshold.

    `max_value` where `x >= max_value`, `x` where `x > threshold`, else
    `negative_slope * (x - threshold)`.

    Args:
        x: array of any shape.
        negative_slope: slope below the threshold.
        max_value: largest value of the result; `None` for no bound.
        threshold: below it the slope is `negative_slope`.

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


@op
def softmax(x: Array, axis: int | tuple[int, ...] = -1) -> Array:
    """Positive numbers that sum to 1 along `axis`: `exp(x) / sum(exp(x))`.

    Args:
        x: array.
        axis: along which the results sum to 1.

    Example:
        >>> hornbook.activations.softmax(np.zeros((1, 4))).tolist()
        [[0.25, 0.25, 0.25, 0.25]]
    """
    return _softmax(x, axis)


@op
def gelu(x: Array, approximate: bool = False) -> Array:
    """`x` times the normal distribution function at `x` (Hendrycks, Gimpel 2016, arXiv:1606.08415).

    Args:
        x: floating-point array.
        approximate: by tanh, or exact.

    Example:
        >>> round(float(hornbook.activations.gelu(np.array(1.0))), 4)
        0.8413
    """
    return _gelu(x, approximate)


@op
def mish(x: Array) -> Array:
    """`x * tanh(softplus(x))` (Misra 2019, arXiv:1908.08681).

    Example:
        >>> round(float(hornbook.activations.mish(np.array(1.0))), 4)
        0.8651
    """
    return jax.nn.mish(rows.floating(x))


def linear(x: Any) -> Any:
    """The input itself.

    Example:
        >>> hornbook.activations.linear(3.0)
        3.0
    """
    return x


@registry.register_keras_serializable("hornbook.compat", "hard_sigmoid")
@op
def steep_hard_sigmoid(x: Array) -> Array:
    """`clip(0.2 x + 0.5, 0, 1)`: what `hard_sigmoid` was until Keras 2, and is in its files.

    Args:
        x: an array.

    Example:
        >>> hornbook.activations.steep_hard_sigmoid(np.array([-3.0, 0.0, 1.0])).tolist()
        [0.0, 0.5, 0.699999988079071]
    """
    return jnp.clip(0.2 * rows.floating(x) + 0.5, 0.0, 1.0)


TABLE: dict[str, Callable] = {
    "linear": linear,
    "relu": relu,
    "relu6": relu6,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "selu": selu,
    "celu": celu,
    "gelu": gelu,
    "silu": silu,
    "swish": swish,
    "mish": mish,
    "glu": glu,
    "sigmoid": sigmoid,
    "hard_sigmoid": hard_sigmoid,
    "log_sigmoid": log_sigmoid,
    "sparse_sigmoid": sparse_sigmoid,
    "tanh": tanh,
    "hard_tanh": hard_tanh,
    "tanh_shrink": tanh_shrink,
    "hard_silu": hard_silu,
    "hard_swish": hard_swish,
    "hard_shrink": hard_shrink,
    "soft_shrink": soft_shrink,
    "threshold": threshold,
    "softplus": softplus,
    "softsign": softsign,
    "squareplus": squareplus,
    "sparse_plus": sparse_plus,
    "exponential": exponential,
    "softmax": softmax,
    "log_softmax": log_softmax,
    "sparsemax": sparsemax,
}
registry.register_functions("activations", {"relu": _relu, "softmax": _softmax})
registry.register_functions("activations", TABLE)


def get(identifier: Any) -> Callable:
    """An activation from its name, config or itself; `None` means `linear`.

    Args:
        identifier: a name (`"relu"`), a function, a layer, a config dict or `None`.

    Raises:
        ValueError: for an unknown name, with the nearest known ones.

    Example:
        >>> hornbook.activations.get("relu") is hornbook.activations.relu
        True
    """
    if identifier is None:
        return linear
    return registry.lookup("activations", identifier, TABLE, "an activation")


def serialize(activation: Callable) -> Any:
    """The name of an activation, or the config of one of your own.

    Example:
        >>> hornbook.activations.serialize(hornbook.activations.relu)
        'relu'
    """
    return registry.serialize(activation)


def deserialize(config: Any, custom_objects: dict | None = None) -> Callable:
    """The activation that `serialize` described.

    Args:
        config: a name or a config dict.
        custom_objects: from name to function, for this call.

    Example:
        >>> hornbook.activations.deserialize("relu") is hornbook.activations.relu
        True
    """
    with registry.custom_object_scope(custom_objects or {}):
        return get(config)


__all__ = [
    *(name for name in TABLE if name in globals()),
    *("get", "serialize", "deserialize"),
]
__dir__ = __all__.copy
