"""Conversion, slicing and scattering, and traceable control flow."""

import re
from collections.abc import Callable, Sequence
from math import prod as _prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from hornbook.core.dtype import canonical, is_float, standardize_dtype
from hornbook.core.symbolic import SymbolicTensor, Tensor, op
from hornbook.core.variable import Variable
from hornbook.ops import arrays, rows

# ---- conversion


def convert_to_tensor(
    x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None
) -> Any:
    """A JAX array from numbers, lists, numpy arrays or variables.

    Args:
        x: anything array-like.
        dtype: default the dtype of `x`; Python floats become `floatx()`.
        sparse, ragged: accepted; arrays here are dense.

    Example:
        >>> hornbook.ops.convert_to_tensor([1.0, 2.0]).dtype.name
        'float32'
    """
    if dtype is None:
        return x if isinstance(x, SymbolicTensor) else rows.at_once(rows.array, _value(x))
    return cast(x, dtype)


@op
def cast(x: Any, dtype: Any) -> Array:
    """Convert an array to another dtype.

    Example:
        >>> hornbook.ops.cast([1.7, 0.2], "int32").tolist()
        [1, 0]
    """
    dtype = canonical(dtype)
    if isinstance(x, jax.Array) and x.dtype == dtype:
        return x
    return rows.at_once(jnp.asarray, x, dtype)


@op
def saturate_cast(x: Tensor, dtype: Any) -> Array:
    """Convert an array to another dtype, clipping values to its range.

    Example:
        >>> hornbook.ops.saturate_cast(np.array([-1.0, 256.0]), "uint8").tolist()
        [0, 255]
    """
    x, dtype = rows.array(x), canonical(dtype)
    (low, high), (least, most) = _range(x.dtype), _range(dtype)
    bounds = (np.array(float(b), x.dtype) for b in (max(low, least), min(high, most)))
    return jnp.clip(x, *bounds).astype(dtype)


def _range(dtype):
    if dtype == "bool":
        return 0, 1
    limits = jnp.finfo(dtype) if is_float(dtype) else jnp.iinfo(dtype)
    return float(limits.min), float(limits.max)


def convert_to_numpy(x: Any) -> np.ndarray:
    """Convert an array or variable to a numpy array.

    Example:
        >>> hornbook.ops.convert_to_numpy(jnp.ones(2))
        array([1., 1.], dtype=float32)
    """
    return np.array(_value(x))


def is_tensor(x: Any) -> bool:
    """Whether a value is a JAX array (traced ones included).

    Example:
        >>> hornbook.ops.is_tensor(jnp.ones(2)), hornbook.ops.is_tensor(np.ones(2))
        (True, False)
    """
    return isinstance(x, jax.Array)


def shape(x: Any) -> tuple[int | None, ...]:
    """The shape as a tuple; `None` for unknown sizes of a symbolic tensor.

    Example:
        >>> hornbook.ops.shape(np.ones((2, 3)))
        (2, 3)
    """
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def dtype(x: Any) -> str:
    """The name of the dtype.

    Example:
        >>> hornbook.ops.dtype(np.ones(2, "int8"))
        'int8'
    """
    return standardize_dtype(x.dtype if hasattr(x, "dtype") else rows.array(x).dtype)


def _value(x):
    return x.value if isinstance(x, Variable) else x


# ---- slices and scatters


@op
def slice(inputs: Tensor, start_indices: Any, shape: Sequence[int]) -> Array:
    """The block of `shape` that starts at `start_indices`; -1 means up to the end.

    Starts may be traced. A block that would extend past the end is moved back inside.

    Example:
        >>> hornbook.ops.slice(np.arange(5), [1], [3]).tolist()
        [1, 2, 3]
    """
    inputs = rows.array(inputs)
    sizes = [inputs.shape[i] - int(start_indices[i]) if n == -1 else n for i, n in enumerate(shape)]
    return lax.dynamic_slice(inputs, _starts(start_indices), sizes)


@op
def slice_update(inputs: Tensor, start_indices: Any, updates: Tensor) -> Array:
    """`inputs` with the block that starts at `start_indices` replaced by `updates`.

    Example:
        >>> hornbook.ops.slice_update(np.zeros(4), [1], np.ones(2)).tolist()
        [0.0, 1.0, 1.0, 0.0]
    """
    inputs = rows.array(inputs)
    updates = rows.array(updates).astype(inputs.dtype)
    return lax.dynamic_update_slice(inputs, updates, _starts(start_indices))


def _starts(indices):
    indices = indices if isinstance(indices, list | tuple) else rows.array(indices)
    return [jnp.asarray(i, "int32") for i in indices]


@op
def scatter(indices: Tensor, values: Tensor, shape: Sequence[int]) -> Array:
    """Zeros of `shape` with `values` added at `indices`; repeated indices add up.

    Args:
        indices: `(n, k)` integers: the position of each value along the first `k` axes.
        values: `(n, ...)`.
        shape: shape of the result.

    Example:
        >>> hornbook.ops.scatter(np.array([[0], [2], [2]]), np.ones(3), (4,)).tolist()
        [1.0, 0.0, 2.0, 0.0]
    """
    values = rows.array(values)
    place = tuple(jnp.moveaxis(rows.array(indices), -1, 0))
    return jnp.zeros(shape, values.dtype).at[place].add(values)


@op
def scatter_update(
    inputs: Tensor, indices: Tensor, updates: Tensor, reduction: str | None = None
) -> Array:
    """`inputs` with `updates` written to, or combined at, `indices`.

    Args:
        inputs: array.
        indices: `(n, k)` integers: the position of each update along the first `k` axes.
        updates: `(n, ...)`.
        reduction: `None` (replace), `"add"`, `"max"`, `"min"` or `"mul"`.

    Raises:
        ValueError: for any other reduction.

    Example:
        >>> hornbook.ops.scatter_update(np.zeros(3), np.array([[1]]), np.array([5.0])).tolist()
        [0.0, 5.0, 0.0]
    """
    if reduction not in _REDUCTIONS:
        raise ValueError(f"reduction is one of {list(_REDUCTIONS)}, not {reduction!r}")
    inputs = rows.array(inputs)
    place = inputs.at[tuple(rows.array(indices).T)]
    return getattr(place, _REDUCTIONS[reduction])(rows.array(updates).astype(inputs.dtype))


_REDUCTIONS = {None: "set", "add": "add", "max": "max", "min": "min", "mul": "multiply"}


def unstack(x: Tensor, num: int | None = None, axis: int = 0) -> list[Array]:
    """Split an array along an axis into a list of slices without that axis.

    Args:
        x: array.
        num: number of slices; required if the size of the axis is unknown.
        axis: the axis.

    Raises:
        ValueError: if `x` has no such axis, or `num` is not its size.

    Example:
        >>> [v.tolist() for v in hornbook.ops.unstack(np.array([[1, 2], [3, 4]]))]
        [[1, 2], [3, 4]]
    """
    sizes = shape(x)
    if not -len(sizes) <= axis < len(sizes):
        raise ValueError(f"unstack: axis {axis} is out of bounds for shape {sizes}")
    size = sizes[axis]
    if num is None and size is None:
        raise ValueError(f"unstack: the size of axis {axis} of shape {sizes} is unknown; pass num")
    if None not in (num, size) and num != size:
        raise ValueError(f"unstack: axis {axis} of shape {sizes} has {size} slices, not num={num}")
    return _unstack(x, size if num is None else num, axis)


def _slices(x, num, axis):
    x = rows.array(x)
    return [lax.index_in_dim(x, i, axis, keepdims=False) for i in range(num)]


_slices.__name__ = _slices.name = "unstack"  # type: ignore[attr-defined]
_unstack = op(_slices)


@op
def rearrange(tensor: Tensor, pattern: str, **axes_lengths: int) -> Array:
    """Split, reorder and merge axes according to a pattern.

    Args:
        tensor: array.
        pattern: names of axes, `"b (h p) c -> b h (p c)"`; parentheses group factors of one axis.
        axes_lengths: sizes of factors; one in each pair of parentheses may be left out.

    Raises:
        ValueError: if the two sides do not name the same axes, or the sizes do not match.

    Source: the notation of einops (Rogozhnikov 2022).

    Example:
        >>> hornbook.ops.rearrange(np.ones((2, 6, 3)), "b (h p) c -> b h (p c)", p=2).shape
        (2, 3, 6)
    """
    tensor = rows.array(tensor)
    left, right = (_groups(side) for side in pattern.split("->"))
    order = [name for group in right for name in group]
    if len(left) != tensor.ndim or sorted(order) != sorted(n for g in left for n in g):
        raise ValueError(f"the pattern {pattern!r} does not fit an array of shape {tensor.shape}")
    sizes = dict(axes_lengths)
    for group, total in zip(left, tensor.shape, strict=True):
        open_names = [name for name in group if name not in sizes]
        known = _prod(sizes[name] for name in group if name in sizes)
        if len(open_names) == 1 and known and total % known == 0:
            sizes[open_names[0]] = total // known
        elif open_names or known != total:
            raise ValueError(f"({' '.join(group)}) of {pattern!r} does not fit an axis of {total}")
    names = [name for group in left for name in group]
    tensor = tensor.reshape([sizes[name] for name in names])
    tensor = tensor.transpose([names.index(name) for name in order])
    return tensor.reshape([_prod(sizes[name] for name in group) for group in right])


def _groups(side: str) -> list[list[str]]:
    return [group.strip("()").split() for group in re.findall(r"\(.*?\)|\w+", side)]


# ---- gradients


@op
def stop_gradient(variable: Tensor) -> Array:
    """The value, treated as a constant by gradients."""
    return lax.stop_gradient(rows.array(variable))


def custom_gradient(f: Callable) -> Callable:
    """Decorator that defines a custom gradient of a function.

    Args:
        f: returns its result and a function `grad(*args, upstream=None)` that maps the gradient
            with respect to the result to those with respect to its arguments.

    Example:
        >>> @hornbook.ops.custom_gradient
        ... def steep(x):
        ...     return x, lambda upstream: 10 * upstream
        >>> float(jax.grad(steep)(1.0))
        10.0
    """
    return op(jax.custom_gradient(f))


# ---- control flow


def cond(pred: Any, true_fn: Callable, false_fn: Callable) -> Any:
    """The result of `true_fn()` if `pred` is true, else of `false_fn()`.

    With a concrete `pred` only one is called; a traced one becomes a branch of the compiled
    program; a symbolic one selects between the results of both.

    Example:
        >>> hornbook.ops.cond(jnp.array(True), lambda: 1, lambda: 2)
        1
    """
    if isinstance(pred, SymbolicTensor):
        return jax.tree.map(lambda a, b: arrays.where(pred, a, b), true_fn(), false_fn())
    pred = _value(pred)
    if not isinstance(pred, jax.core.Tracer):
        return true_fn() if pred else false_fn()
    return lax.cond(pred, true_fn, false_fn)


@op
def switch(index: Any, branches: Sequence[Callable], *operands: Any) -> Any:
    """The result of `branches[index](*operands)`.

    Example:
        >>> int(hornbook.ops.switch(1, [lambda x: x, lambda x: 2 * x], 5))
        10
    """
    return lax.switch(index, branches, *operands)


@op
def while_loop(
    cond: Callable, body: Callable, loop_vars: Any, maximum_iterations: int | None = None
) -> Any:
    """Repeat `loop_vars = body(*loop_vars)` while `cond(*loop_vars)` is true.

    Args:
        cond: maps the loop variables to a bool.
        body: maps the loop variables to the next ones, of the same shapes and dtypes.
        loop_vars: a tuple, or a single value.
        maximum_iterations: limit on the number of iterations.

    Example:
        >>> int(hornbook.ops.while_loop(lambda i: i < 10, lambda i: i + 3, 0))
        12
    """
    many = isinstance(loop_vars, list | tuple)
    start = tuple(loop_vars) if many else (loop_vars,)

    def go_on(state):
        count, values = state
        held = cond(*values)
        return held if maximum_iterations is None else held & (count < maximum_iterations)

    def step(state):
        count, values = state
        values = body(*values)
        return count + 1, tuple(values) if many else (values,)

    _, values = lax.while_loop(go_on, step, (0, start))
    return values if many else values[0]


@op
def fori_loop(lower: int, upper: int, body_fun: Callable, init_val: Any) -> Any:
    """Repeat `value = body_fun(i, value)` for `i` in `range(lower, upper)`.

    Example:
        >>> int(hornbook.ops.fori_loop(0, 4, lambda i, total: total + i, 0))
        6
    """
    return lax.fori_loop(lower, upper, body_fun, init_val)


@op
def scan(
    f: Callable,
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> tuple[Any, Any]:
    """`carry, y = f(carry, x)` for each slice `x` of `xs`; returns the last carry and stacked `y`.

    Args:
        f: the loop body.
        init: the initial carry.
        xs: arrays with a common first axis.
        length: number of iterations, if there are no `xs`.
        reverse: run from the end.
        unroll: iterations unrolled in each iteration of the compiled loop.

    Example:
        >>> last, sums = hornbook.ops.scan(lambda c, x: (c + x, c + x), 0, jnp.arange(4))
        >>> int(last), sums.tolist()
        (6, [0, 1, 3, 6])
    """
    return lax.scan(f, init, xs, length, reverse, unroll)


@op
def associative_scan(f: Callable, elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """The running results of an associative binary function along an axis, in parallel.

    Example:
        >>> hornbook.ops.associative_scan(lambda a, b: a * b, jnp.array([1, 2, 3])).tolist()
        [1, 2, 6]
    """
    return lax.associative_scan(f, elems, reverse=reverse, axis=axis)


@op
def map(f: Callable, xs: Any) -> Any:
    """Apply `f` to each slice along the first axis, sequentially; the results are stacked.

    Example:
        >>> hornbook.ops.map(lambda x: x + 1, jnp.arange(3)).tolist()
        [1, 2, 3]
    """
    return lax.map(f, xs)


@op
def vectorized_map(function: Callable, elements: Any) -> Any:
    """Apply a function to all slices along the first axis at once; the results are stacked.

    Args:
        function: takes one slice, or a list of slices if `elements` is a list.
        elements: an array, or a list of arrays with a common first axis.

    Example:
        >>> hornbook.ops.vectorized_map(lambda x: x + 1, jnp.arange(3)).tolist()
        [1, 2, 3]
    """
    return jax.vmap(function)(elements)


rows.publish(globals())
