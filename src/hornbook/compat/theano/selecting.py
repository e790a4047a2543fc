"""Selection of elements by value, and tensors with some elements changed.

The number of selected elements is computed first, as an integer that determines a shape: a function
is compiled once for each such number.
"""

from typing import Any

import jax.numpy as jnp
from jax import lax

from hornbook.compat.theano import integers, reductions, shaping
from hornbook.compat.theano.basic import neq
from hornbook.compat.theano.indexing import resolved
from hornbook.compat.theano.ops import op
from hornbook.compat.theano.types import TensorType
from hornbook.compat.theano.variable import apply, as_tensor_variable

NO_PART = (
    "{name} takes a part of a tensor, such as x[:2], and what to put there; {given} was not made "
    "by indexing. Wrong: y = x[:2] * 1; {name}(y, 0). Right: {name}(x[:2], 0)"
)


def _count(x: Any) -> Any:
    """The number of nonzero elements."""
    return op(reductions.sum)(neq(x, 0))


def nonzero(a: Any, return_matrix: bool = False) -> Any:
    """The indices of nonzero elements: one vector per axis, or all as a matrix.

    Raises:
        ValueError: for a scalar.
    """
    a = as_tensor_variable(a)
    if a.ndim == 0:
        raise ValueError("nonzero takes tensors with at least one axis")
    types = [TensorType("int64", (False,))] * a.ndim
    found = apply(_nonzero, a, _count(a), infer=lambda *_: types, name="nonzero")
    return op(shaping.stack)(found) if return_matrix else tuple(found)


def _nonzero(a, count):
    found = jnp.nonzero(jnp.asarray(a), size=integers.concrete(count))
    return tuple(one.astype("int64") for one in found)


def flatnonzero(a: Any) -> Any:
    """The flat indices of nonzero elements."""
    return nonzero(op(shaping.flatten)(as_tensor_variable(a)))[0]


def nonzero_values(a: Any) -> Any:
    """The nonzero elements, flattened."""
    row = op(shaping.flatten)(as_tensor_variable(a))
    return op(shaping.take)(row, nonzero(row)[0])


def compress(condition: Any, x: Any, axis: int | None = None) -> Any:
    """The elements along an axis where the condition is nonzero."""
    places = flatnonzero(condition)
    if axis is None:
        return op(shaping.take)(op(shaping.flatten)(as_tensor_variable(x)), places)
    return op(shaping.take)(x, places, axis=axis)


def bincount(
    x: Any, weights: Any = None, minlength: Any = None, assert_nonneg: bool = False
) -> Any:
    """Count each nonnegative integer in a vector, or sum its weights.

    Args:
        x: integers.
        weights: one per integer.
        minlength: minimum number of counts.
        assert_nonneg: accepted and ignored.
    """
    x = as_tensor_variable(x)
    length = op(_length, "bincount_length")(x, 0 if minlength is None else minlength)
    given = [] if weights is None else [as_tensor_variable(weights)]
    dtype = given[0].dtype if given else "int64"
    return apply(
        _bincount, x, length, *given, infer=lambda *_: TensorType(dtype, (False,)), name="bincount"
    )


def _length(x, least):
    return jnp.maximum(jnp.max(x, initial=-1) + 1, least).astype("int64")


def _bincount(x, length, *weights):
    made = jnp.bincount(x, *weights, length=integers.concrete(length))
    return made if weights else made.astype("int64")


def unique(
    x: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False
) -> Any:
    """The sorted unique elements; optionally first indices, inverse indices and counts."""
    x = as_tensor_variable(x)
    count = op(_different, "unique_count")(x)
    more = return_index + return_inverse + return_counts
    types = [TensorType(x.dtype, (False,)), *[TensorType("int64", (False,))] * more]
    flags = (bool(return_index), bool(return_inverse), bool(return_counts))
    found = apply(_unique, x, count, infer=lambda *_: types, flags=flags)
    return found if more else found[0]


def _unique(x, count, flags):
    made = jnp.unique(x, *flags, size=integers.concrete(count))
    return made if any(flags) else (made,)


def _different(x):
    row = jnp.sort(jnp.ravel(x))
    return jnp.sum(row[1:] != row[:-1], dtype="int64") + min(row.size, 1)


def confusion_matrix(actual: Any, pred: Any) -> Any:
    """The confusion matrix, and the sorted classes.

    Args:
        actual, pred: vectors of classes.
    """
    actual, pred = as_tensor_variable(actual), as_tensor_variable(pred)
    order = unique(op(shaping.concatenate)([actual, pred]))
    return [op(_confusions, "confusion_matrix")(actual, pred, order), order]


def _confusions(actual, pred, order):
    one, other = (x[:, None] == order for x in (actual, pred))
    return one.astype("int64").T @ other.astype("int64")


# ---- changed elements


def set_subtensor(
    x: Any, y: Any, inplace: bool = False, tolerate_inplace_aliasing: bool = False
) -> Any:
    """Replace a part of a tensor.

    Args:
        x: the part, an indexed tensor, such as `w[:2]`.
        y: the new value; it may broadcast.
        inplace, tolerate_inplace_aliasing: accepted and ignored.

    Returns:
        The whole tensor.

    Raises:
        TypeError: if `x` was not made by indexing.
    """
    return _changed("set_subtensor", x, y)


def inc_subtensor(
    x: Any,
    y: Any,
    inplace: bool = False,
    set_instead_of_inc: bool = False,
    tolerate_inplace_aliasing: bool = False,
) -> Any:
    """Add to a part of a tensor; repeated indices accumulate.

    Args:
        x: the part, an indexed tensor.
        y: the value to add; it may broadcast.
        inplace, tolerate_inplace_aliasing: accepted and ignored.
        set_instead_of_inc: whether to replace, as `set_subtensor`.

    Returns:
        The whole tensor.

    Raises:
        TypeError: if `x` was not made by indexing.
    """
    return _changed("set_subtensor" if set_instead_of_inc else "inc_subtensor", x, y)


def _changed(name: str, part: Any, y: Any) -> Any:
    owner = part.owner
    if owner is None or owner.name != "subtensor":
        raise TypeError(NO_PART.format(name=name, given=part))
    whole, *places = owner.args
    fill = as_tensor_variable(y)
    if fill.ndim > part.ndim:
        raise TypeError(f"{name}: {fill} has {fill.ndim} axes, the part it goes to {part.ndim}")

    return apply(
        _change,
        whole,
        fill,
        *places,
        infer=lambda *_: whole.type,
        name=name,
        adds=name == "inc_subtensor",
        **owner.kwargs,
    )


def _change(x, y, *places, key, adds):
    cut, starts, index = resolved(x, list(places), key)
    at, y = jnp.asarray(cut).at[index], y.astype(x.dtype)
    made = at.add(y) if adds else at.set(y)
    if all(start is None for start in starts):
        return made
    return lax.dynamic_update_slice(x, made, [0 if s is None else s for s in starts])
