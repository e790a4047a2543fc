"""Operations of every variable: arithmetic, comparison, axis order, shape and dtype.

The operators work on numpy and JAX arrays alike, so that shape arithmetic stays on the host.
"""

import functools
import operator
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook.compat.theano import integers, logs
from hornbook.compat.theano.config import config
from hornbook.compat.theano.types import TensorType, dtype_of, is_float, upcast
from hornbook.compat.theano.variable import (
    UFUNCS,
    TensorVariable,
    apply,
    as_tensor_variable,
    elementwise,
    methods,
)

WRITTEN_OUT = 64  # the largest exponent expanded to multiplications


def _arithmetic(fn: Callable) -> Callable:
    """Make a function compute in the dtype of `upcast` instead of JAX's or numpy's."""
    return functools.partial(_in_one_dtype, fn)


def _in_one_dtype(fn, *arrays):
    dtype = upcast(*(np.dtype(a.dtype).name for a in arrays))
    return fn(*(a.astype(dtype) for a in arrays))


def dtype_of_quotient(*dtypes: str) -> str:
    """The dtype of a true division: `floatX` for integers."""
    made = upcast(*dtypes)
    return made if is_float(made) else config.floatX


def _quotient(x, y):
    dtype = dtype_of_quotient(*(np.dtype(a.dtype).name for a in (x, y)))
    return logs.of_quotient(x, y, x.astype(dtype) / y.astype(dtype))


def dtype_of_bits(*dtypes: str) -> str:
    """The dtype of and, or, xor: bool for booleans."""
    return "bool" if set(dtypes) == {"bool"} else upcast(*dtypes)


ARITHMETIC = {
    name: _arithmetic(getattr(operator, function))
    for name, function in {
        "mul": "mul",
        "int_div": "floordiv",
        "mod": "mod",
    }.items()
}
_plain_sum, _plain_difference = _arithmetic(operator.add), _arithmetic(operator.sub)


def _add(x, y):
    return logs.of_sum(x, y, _plain_sum(x, y))


def _sub(x, y):
    return logs.of_difference(x, y, _plain_difference(x, y))


def _pow(x, y):
    dtype = upcast(np.dtype(x.dtype).name, np.dtype(y.dtype).name)
    if isinstance(y, np.ndarray) and y.ndim == 0 and y == int(y) and abs(y) <= WRITTEN_OUT:
        return x.astype(dtype) ** int(y)
    return x.astype(dtype) ** y.astype(dtype)


def add(x: Any, y: Any, *others: Any) -> Any:
    """`x + y`, and more."""
    made = elementwise(_add, x, y)
    return add(made, *others) if others else made


def sub(x: Any, y: Any) -> Any:
    """`x - y`."""
    return elementwise(_sub, x, y)


def mul(x: Any, y: Any, *others: Any) -> Any:
    """`x * y`, and more."""
    made = elementwise(ARITHMETIC["mul"], x, y, name="mul")
    return mul(made, *others) if others else made


def true_div(x: Any, y: Any) -> Any:
    """`x / y`; `floatX` for integers."""
    return elementwise(_quotient, x, y, result=dtype_of_quotient, name="true_div")


def int_div(x: Any, y: Any) -> Any:
    """`x // y`, rounded down."""
    return elementwise(ARITHMETIC["int_div"], x, y, name="int_div")


def mod(x: Any, y: Any) -> Any:
    """`x % y`, with the sign of `y`."""
    return elementwise(ARITHMETIC["mod"], x, y, name="mod")


def pow(x: Any, y: Any) -> Any:
    """`x ** y`."""
    return elementwise(_pow, x, y)


def lt(x: Any, y: Any) -> Any:
    """`x < y`."""
    return elementwise(operator.lt, x, y, result="bool", name="lt")


def le(x: Any, y: Any) -> Any:
    """`x <= y`."""
    return elementwise(operator.le, x, y, result="bool", name="le")


def gt(x: Any, y: Any) -> Any:
    """`x > y`."""
    return elementwise(operator.gt, x, y, result="bool", name="gt")


def ge(x: Any, y: Any) -> Any:
    """`x >= y`."""
    return elementwise(operator.ge, x, y, result="bool", name="ge")


def eq(x: Any, y: Any) -> Any:
    """Elementwise `x == y`; the operator `==` compares variables by identity."""
    return elementwise(operator.eq, x, y, result="bool", name="eq")


def neq(x: Any, y: Any) -> Any:
    """Elementwise `x != y`."""
    return elementwise(operator.ne, x, y, result="bool", name="neq")


def and_(x: Any, y: Any) -> Any:
    """`x & y`, bit by bit."""
    return elementwise(operator.and_, x, y, result=dtype_of_bits, name="and_")


def or_(x: Any, y: Any) -> Any:
    """`x | y`, bit by bit."""
    return elementwise(operator.or_, x, y, result=dtype_of_bits, name="or_")


def xor(x: Any, y: Any) -> Any:
    """`x ^ y`, bit by bit."""
    return elementwise(operator.xor, x, y, result=dtype_of_bits, name="xor")


def invert(x: Any) -> Any:
    """`~x`, bit by bit."""
    return elementwise(operator.invert, x, result=dtype_of_bits, name="invert")


def neg(x: Any) -> Any:
    """`-x`."""
    return elementwise(_arithmetic(operator.neg), x, name="neg")


def absolute(x: Any) -> Any:
    """The absolute value; its derivative at 0 is 0, as in Theano."""
    if integers.is_host(x):
        return abs(x)
    return jnp.where(x == 0, jnp.zeros_like(x), jnp.abs(x))


def abs_(x: Any) -> Any:
    """The absolute value."""
    return elementwise(_arithmetic(absolute), x, name="abs_")


# ---- dtype, axes, shape


def _cast(x, dtype):
    return x.astype(dtype)


def cast(x: Any, dtype: Any) -> Any:
    """Cast to a dtype; `"floatX"` means the configured one."""
    x, dtype = as_tensor_variable(x), dtype_of(dtype)
    if x.dtype == dtype:
        return x
    return elementwise(_cast, x, result=dtype, name="cast", dtype=dtype)


def _dimshuffle(x, pattern):
    kept = [axis for axis in pattern if axis != "x"]
    dropped = [axis for axis in range(x.ndim) if axis not in kept]
    for axis in dropped:
        if x.shape[axis] != 1:
            raise ValueError(
                f"dimshuffle{pattern} drops axis {axis} of shape {x.shape}, whose size is not 1"
            )

    def moved(x):
        x = x.transpose(*kept, *dropped)
        sizes = iter(x.shape)
        return x.reshape([1 if axis == "x" else next(sizes) for axis in pattern])

    return logs.kept(x, moved(x), moved)


def dimshuffle(x: Any, *pattern: Any) -> Any:
    """Reorder the axes; `"x"` inserts a broadcastable one, and omitted ones must be broadcastable.

    Args:
        x: a tensor.
        pattern: axes, or a list of axes.

    Raises:
        ValueError: for an axis that does not exist or is repeated, or if an omitted axis is not
            broadcastable.
    """
    x = as_tensor_variable(x)
    if len(pattern) == 1 and isinstance(pattern[0], list | tuple):
        pattern = tuple(pattern[0])
    pattern = tuple("x" if axis == "x" else operator.index(axis) for axis in pattern)
    kept = [axis for axis in pattern if axis != "x"]
    if len(set(kept)) != len(kept) or not all(0 <= axis < x.ndim for axis in kept):
        raise ValueError(f"dimshuffle{pattern} of {x}, which has {x.ndim} axes")
    wrong = [a for a in range(x.ndim) if a not in kept and not x.broadcastable[a]]
    if wrong:
        raise ValueError(
            f"dimshuffle{pattern} drops axis {wrong[0]} of {x}, which does not broadcast"
        )

    def infer(x):
        return TensorType(x.dtype, [a == "x" or x.broadcastable[a] for a in pattern])

    return apply(_dimshuffle, x, infer=infer, pattern=pattern)


def transpose(x: Any, axes: Any = None) -> Any:
    """The axes reversed, or in the order of `axes`."""
    x = as_tensor_variable(x)
    return dimshuffle(x, *(range(x.ndim)[::-1] if axes is None else axes))


def _shape(x):
    return np.array(np.shape(x), "int64")


def shape(x: Any) -> Any:
    """The shape, as an int64 vector."""
    x = as_tensor_variable(x)
    return apply(_shape, x, infer=lambda x: TensorType("int64", (x.ndim == 1,)))


def _size(x):
    return np.asarray(np.size(x), "int64")


def size(x: Any) -> Any:
    """The number of elements."""
    return apply(_size, x, infer=lambda x: TensorType("int64", ()))


def _stated(x, pattern):
    for axis, broadcasts in enumerate(pattern):
        if broadcasts and x.shape[axis] != 1:
            raise ValueError(
                f"axis {axis} of shape {x.shape} was declared broadcastable, but its size is not 1"
            )
    return x


def patternbroadcast(x: Any, broadcastable: Any) -> Any:
    """Set for each axis whether it broadcasts."""
    pattern = tuple(map(bool, broadcastable))
    return apply(_stated, x, infer=lambda x: TensorType(x.dtype, pattern), pattern=pattern)


def addbroadcast(x: Any, *axes: int) -> Any:
    """Mark axes of size 1 as broadcastable."""
    x = as_tensor_variable(x)
    axes = tuple(axis % x.ndim for axis in axes)
    return patternbroadcast(x, [b or a in axes for a, b in enumerate(x.broadcastable)])


def unbroadcast(x: Any, *axes: int) -> Any:
    """Mark axes as not broadcastable."""
    x = as_tensor_variable(x)
    axes = tuple(axis % x.ndim for axis in axes)
    return patternbroadcast(x, [b and a not in axes for a, b in enumerate(x.broadcastable)])


OPERATORS = {
    "add": add,
    "sub": sub,
    "mul": mul,
    "truediv": true_div,
    "div": true_div,
    "floordiv": int_div,
    "mod": mod,
    "pow": pow,
    "and": and_,
    "or": or_,
    "xor": xor,
}


def _reflected(function: Callable) -> Callable:
    return lambda y, x: function(x, y)


methods(
    **{f"__{name}__": function for name, function in OPERATORS.items()},
    **{f"__r{name}__": _reflected(function) for name, function in OPERATORS.items()},
    __lt__=lt,
    __le__=le,
    __gt__=gt,
    __ge__=ge,
    __neg__=neg,
    __pos__=lambda x: x,
    __abs__=abs_,
    __invert__=invert,
    astype=cast,
    dimshuffle=dimshuffle,
    transpose=lambda x, *axes: transpose(
        x, (axes[0] if isinstance(axes[0], list | tuple) else axes) if axes else None
    ),
)
for _name, _function in {"shape": shape, "size": size, "T": transpose}.items():
    setattr(TensorVariable, _name, property(_function))
UFUNCS.update(
    add=add,
    subtract=sub,
    multiply=mul,
    divide=true_div,
    floor_divide=int_div,
    remainder=mod,
    power=pow,
    less=lt,
    less_equal=le,
    greater=gt,
    greater_equal=ge,
    equal=eq,
    not_equal=neq,
    negative=neg,
    absolute=abs_,
)
