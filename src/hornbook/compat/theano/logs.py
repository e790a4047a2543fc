"""Stable logarithms of exponentials, sigmoids and softmaxes.

`log(softmax(x))` is minus infinity where the softmax underflows to 0, and its gradient is NaN.
Programs for Theano contain such formulas, as Theano rewrites them. Here the origin of a traced
array is recorded, and `log` looks it up.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.core.origins import Origins


class Made(NamedTuple):
    """How an array was computed.

    Attributes:
        kind: `"exp"`, `"1 + exp"`, `"sigmoid"` or `"softmax"`; anything else has no `of`.
        of: the argument.
        log: returns the logarithm of the result.
    """

    kind: str
    of: Any
    log: Callable[[], Any]


_made = Origins()


def _noted(array: Any, kind: str, of: Any, log: Callable[[], Any]) -> Any:
    _made.note(array, Made(kind, of, log))
    return array


def exp(a):
    """`exp(a)`."""
    return _noted(jnp.exp(a), "exp", a, lambda: a)


def sigmoid(x):
    """`1 / (1 + exp(-x))`."""
    return _noted(jax.nn.sigmoid(x), "sigmoid", x, lambda: -jax.nn.softplus(-x))


def softmax(x):
    """`exp(x) / sum(exp(x))` over the last axis."""
    return _noted(jax.nn.softmax(x), "softmax", x, lambda: jax.nn.log_softmax(x))


def log(a):
    """The natural logarithm."""
    made = _made.of(a)
    return made.log() if made else jnp.log(a)


def log1p(a):
    """`log(1 + a)`."""
    made = _made.of(a)
    return jax.nn.softplus(made.of) if made and made.kind == "exp" else jnp.log1p(a)


def log_of_rest(a):
    """`log(1 - a)`."""
    made = _made.of(a)
    return -jax.nn.softplus(made.of) if made and made.kind == "sigmoid" else jnp.log1p(-a)


def kept(array: Any, result: Any, change: Callable[[Any], Any]) -> Any:
    """Carry logarithms over to a result that rearranges the elements of an array.

    Args:
        array: the array.
        result: `change(array)`.
        change: the rearrangement, also applied to the logarithms.
    """
    made = _made.of(array)
    return _noted(result, "", None, lambda: change(made.log())) if made else result


def of_sum(x: Any, y: Any, result: Any) -> Any:
    """Recognise `x + y` as `1 + exp(u)`."""
    made = _made.of(y if _is_one(x) else x)
    if made and made.kind == "exp" and (_is_one(x) or _is_one(y)):
        return _noted(result, "1 + exp", made.of, lambda: jax.nn.softplus(made.of))
    return result


def of_difference(x: Any, y: Any, result: Any) -> Any:
    """Recognise `x - y` as `1 - sigmoid(u)`, which is `sigmoid(-u)`."""
    made = _made.of(y)
    return sigmoid(-made.of) if made and made.kind == "sigmoid" and _is_one(x) else result


def of_quotient(x: Any, y: Any, result: Any) -> Any:
    """Recognise `x / y` as a sigmoid, `1 / (1 + exp(u))`, or a softmax, `exp(u) / y`."""
    above, below = _made.of(x), _made.of(y)
    if below and below.kind == "1 + exp" and _is_one(x):
        return sigmoid(-below.of)
    if above and above.kind == "exp":
        return _noted(result, "", None, lambda: above.of - log(y))
    return result


def _is_one(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.ndim == 0 and bool(x == 1)
