"""Functions whose arguments differ in TensorFlow 1; placeholders and shapes."""

from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow1.applying import (
    Spec,
    apply,
    cast,
    convert,
    is_traced,
    like,
    narrow,
    rank_of,
)
from hornbook.compat.tensorflow1.graph import get_default_graph
from hornbook.compat.tensorflow1.scopes import variable_scope
from hornbook.compat.tensorflow1.shapes import TensorShape
from hornbook.compat.tensorflow1.sources import Placeholder
from hornbook.compat.tensorflow1.variables import no_op
from hornbook.compat.theano import integers
from hornbook.core.symbolic import SymbolicTensor

NO_CALL = "tf.{}: {}"


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Placeholder:
    """`tf.placeholder`: a tensor whose value is fed.

    Args:
        dtype: its dtype, or the name of one.
        shape: sizes, `None` where unknown; `None` for any rank.
        name: of the operation.
    """
    kind = (
        {"float": "float32", "int": "int32"}.get(dtype, dtype) if isinstance(dtype, str) else dtype
    )
    return Placeholder(shape, as_dtype(kind), name)


def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> Any:
    """`tf.placeholder_with_default`: a tensor that has a value unless it is fed."""
    value = convert(input)
    return Placeholder(shape, value.dtype, name, default=value)


def _shape(x: Any) -> np.ndarray:
    return np.array(np.shape(x) if not hasattr(x, "shape") else x.shape, np.int32)


_shape.of_shape = True  # type: ignore[attr-defined]


def shape(input: Any, name: str | None = None, out_type: Any = "int32") -> Any:
    """`tf.shape`: the sizes of a tensor in a run."""
    if is_traced(input):
        return _shape(input)
    made = convert(input)
    sizes = rank_of(made)
    return apply(_shape, (made,), name=name, kind="Shape", specs=Spec((sizes,), out_type))


def _size(x: Any) -> np.ndarray:
    return np.array(np.prod(_shape(x)), np.int32)


def _rank(x: Any) -> np.ndarray:
    return np.array(len(_shape(x)), np.int32)


_size.of_shape = _rank.of_shape = True  # type: ignore[attr-defined]


def size(input: Any, name: str | None = None, out_type: Any = "int32") -> Any:
    """`tf.size`: the number of elements in a run."""
    return apply(_size, (convert(input),), name=name, kind="Size", specs=Spec((), out_type))


def rank(input: Any, name: str | None = None) -> Any:
    """`tf.rank`: the number of axes in a run."""
    return apply(_rank, (convert(input),), name=name, kind="Rank", specs=Spec((), "int32"))


def _identity(x: Any) -> Any:
    return x


def identity(input: Any, name: str | None = None) -> Any:
    """`tf.identity`: the tensor, after the control inputs of here."""
    made = convert(input)
    return apply(_identity, (made,), name=name, kind="Identity", specs=like(made))


def identity_n(input: Any, name: str | None = None) -> list:
    """`tf.identity_n`: tensors as they are."""
    return [identity(one, name) for one in input]


def tuple_(tensors: Any, name: str | None = None, control_inputs: Any = None) -> list:
    """`tf.tuple`: tensors that are ready together."""
    given = [one for one in tensors if one is not None]
    with get_default_graph().control_dependencies([*given, *(control_inputs or ())]):
        return [None if one is None else identity(one) for one in tensors]


def control_dependencies(control_inputs: Any) -> AbstractContextManager[None]:
    """`tf.control_dependencies`: a context in which new operations run after others."""
    return get_default_graph().control_dependencies(control_inputs)


def device(name: Any) -> AbstractContextManager[None]:
    """`tf.device`: a context without effect: the engine places operations."""
    return get_default_graph().device_scope(name)


@contextmanager
def nothing(*args: Any, **options: Any) -> Any:
    """A context without effect."""
    yield


def cast_to(dtype: str) -> Callable:
    """`tf.to_float` and the like."""

    def to(x: Any, name: str | None = None) -> Any:
        return cast(x, dtype, name)

    to.__doc__ = f"A tensor as {dtype}."
    return to


to_float, to_double, to_int32, to_int64 = map(cast_to, ("float32", "float64", "int32", "int64"))


# ---- old orders of arguments


def concat(values: Any, axis: Any = 0, name: str | None = None) -> Any:
    """`tf.concat`; before TensorFlow 1.0 the axis came first."""
    if isinstance(values, int):
        values, axis = axis, values
    if isinstance(values, SymbolicTensor):
        return identity(values, name)
    return apply(_concat, ([convert(one) for one in values], axis), name=name, kind="ConcatV2")


def _concat(values: list, axis: Any) -> Any:
    axis = int(integers.concrete(axis)) if not isinstance(axis, int) else axis
    if all(integers.is_host(one) for one in values):
        return np.concatenate([np.asarray(one) for one in values], axis)
    return jnp.concatenate([jnp.asarray(one) for one in values], axis)


def stack(values: Any, axis: int = 0, name: str | None = None) -> Any:
    """`tf.stack`, or `tf.pack`."""
    return apply(_stack, ([convert(one) for one in values], axis), name=name, kind="Pack")


def _stack(values: list, axis: int) -> Any:
    if all(integers.is_host(one) for one in values):
        return np.stack([np.asarray(one) for one in values], axis)
    return jnp.stack([jnp.asarray(one) for one in values], axis)


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str | None = None) -> list:
    """`tf.unstack`, or `tf.unpack`: the slices along an axis."""
    value = convert(value)
    count = tuple(value.shape)[axis] if num is None else num
    if count is None:
        raise ValueError(f"Cannot infer num from shape {value.shape}")
    return list(apply(_unstack, (value, count, axis), name=name, kind="Unpack"))


def _unstack(value: Any, count: int, axis: int) -> tuple:
    moved = np.moveaxis(value, axis, 0) if integers.is_host(value) else jnp.moveaxis(value, axis, 0)
    return tuple(moved[k] for k in range(count))


def split(
    value: Any, num_or_size_splits: Any, axis: Any = 0, num: Any = None, name: str | None = None
) -> list:
    """`tf.split`; before TensorFlow 1.0 the axis came first."""
    if isinstance(value, int) and isinstance(axis, SymbolicTensor):
        value, axis = axis, value
    return list(apply(_split, (convert(value), num_or_size_splits, axis), name=name, kind="Split"))


def _split(value: Any, parts: Any, axis: Any) -> tuple:
    axis = integers.concrete(axis)
    if np.ndim(parts):
        sizes = list(integers.concretes(parts))
        if -1 in sizes:
            sizes[sizes.index(-1)] = value.shape[axis] - sum(sizes) - 1
        return tuple(jnp.split(jnp.asarray(value), np.cumsum(sizes)[:-1].tolist(), axis))
    return tuple(jnp.split(jnp.asarray(value), integers.concrete(parts), axis))


def expand_dims(input: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Any:
    """`tf.expand_dims`."""
    return apply(
        _expand, (convert(input), dim if axis is None else axis), name=name, kind="ExpandDims"
    )


def _expand(x: Any, axis: Any) -> Any:
    axis = integers.concrete(axis)
    return np.expand_dims(x, axis) if integers.is_host(x) else jnp.expand_dims(x, axis)


def squeeze(input: Any, axis: Any = None, name: Any = None, squeeze_dims: Any = None) -> Any:
    """`tf.squeeze`."""
    given = squeeze_dims if axis is None else axis
    chosen = tuple(given) if isinstance(given, list | tuple) else given
    return apply(_squeeze, (convert(input), chosen), name=name, kind="Squeeze")


def _squeeze(x: Any, axis: Any) -> Any:
    return jnp.squeeze(jnp.asarray(x), axis)


def transpose(a: Any, perm: Any = None, name: Any = "transpose", conjugate: bool = False) -> Any:
    """`tf.transpose`."""
    return apply(_transpose, (convert(a), perm), name=name, kind="Transpose")


def _transpose(x: Any, perm: Any) -> Any:
    return jnp.transpose(jnp.asarray(x), None if perm is None else integers.concretes(perm))


def one_hot(
    indices: Any,
    depth: Any,
    on_value: Any = None,
    off_value: Any = None,
    axis: Any = None,
    dtype: Any = None,
    name: str | None = None,
) -> Any:
    """`tf.one_hot`."""
    kinds = [v.dtype for v in (on_value, off_value) if isinstance(v, SymbolicTensor)]
    kind = str(as_dtype(dtype or (kinds[0] if kinds else _kind_of(on_value))))
    last = -1 if axis is None else axis
    given = (convert(indices), depth, on_value, off_value, last, kind)
    return apply(_one_hot, given, name=name, kind="OneHot")


def _kind_of(value: Any) -> Any:
    return "float32" if value is None or isinstance(value, float) else np.asarray(value).dtype


def _one_hot(indices: Any, depth: Any, on: Any, off: Any, axis: int, kind: str) -> Any:
    index = jnp.asarray(indices)
    found = jax.nn.one_hot(index, integers.concrete(depth), dtype=narrow(kind), axis=axis)
    if on is None and off is None:
        return found
    on, off = (1 if on is None else on), (0 if off is None else off)
    return jnp.where(found == 1, jnp.asarray(on, narrow(kind)), jnp.asarray(off, narrow(kind)))


def range_(
    start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: Any = "range"
) -> Any:
    """`tf.range`."""
    first, last = (0, start) if limit is None else (start, limit)
    kind = None if dtype is None else str(as_dtype(dtype))
    return apply(_range, (first, last, delta, kind), name=name, kind="Range")


def _range(first: Any, last: Any, delta: Any, kind: str | None) -> Any:
    ends = [
        one if isinstance(one, jax.core.Tracer) else np.asarray(one)[()]
        for one in (first, last, delta)
    ]
    if any(isinstance(one, jax.core.Tracer) for one in ends):
        ends = [integers.concrete(one) for one in ends]
    made = np.arange(*ends)
    return made.astype(kind or ("int32" if made.dtype.kind == "i" else "float32"))


def zeros(shape: Any, dtype: Any = "float32", name: str | None = None) -> Any:
    """`tf.zeros`."""
    return _full(shape, 0, dtype, name)


def ones(shape: Any, dtype: Any = "float32", name: str | None = None) -> Any:
    """`tf.ones`."""
    return _full(shape, 1, dtype, name)


def _full(shape: Any, value: int, dtype: Any, name: Any) -> Any:
    given = shape.as_list() if hasattr(shape, "as_list") else shape
    if is_traced(given):
        return jnp.full(integers.concretes(given), value, narrow(as_dtype(dtype)))
    return apply(_filled, (given, value, str(as_dtype(dtype))), name=name, kind="Fill")


def _filled(shape: Any, value: Any, dtype: str) -> Any:
    sizes = (
        integers.concretes(shape) if np.ndim(shape) or not isinstance(shape, list | tuple) else ()
    )
    return (
        np.full(sizes, value, dtype)
        if np.prod(sizes) <= 64
        else jnp.full(sizes, value, narrow(dtype))
    )


def fill(dims: Any, value: Any, name: str | None = None) -> Any:
    """`tf.fill`."""
    made = convert(value)
    given = dims.as_list() if hasattr(dims, "as_list") else dims
    return apply(_fill, (given, made), name=name, kind="Fill")


def _fill(shape: Any, value: Any) -> Any:
    return jnp.full(integers.concretes(shape), value)


def zeros_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True):
    """`tf.zeros_like`."""
    made = convert(tensor)
    return apply(_like, (made, 0, _or(dtype, made)), name=name, kind="ZerosLike")


def ones_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True):
    """`tf.ones_like`."""
    made = convert(tensor)
    return apply(_like, (made, 1, _or(dtype, made)), name=name, kind="OnesLike")


def _or(dtype: Any, tensor: Any) -> str:
    return str(tensor.dtype if dtype is None else as_dtype(dtype))


def _like(x: Any, value: int, dtype: str) -> Any:
    return jnp.full(jnp.shape(x), value, narrow(dtype))


def div(x: Any, y: Any, name: str | None = None) -> Any:
    """`tf.div`: Python 2's division."""
    x = convert(x) if not isinstance(y, SymbolicTensor) else convert(x, y.dtype)
    y = convert(y, x.dtype)
    return apply(_div, (x, y), name=name, kind="div")


def _div(x: Any, y: Any) -> Any:
    x, y = jnp.asarray(x), jnp.asarray(y)
    return x // y if x.dtype.kind in "iu" else x / y


def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    name: str | None = None,
) -> Any:
    """`tf.matmul`."""
    a = convert(
        a, b.dtype if isinstance(b, SymbolicTensor) and not isinstance(a, SymbolicTensor) else None
    )
    b = convert(b, a.dtype if not isinstance(b, SymbolicTensor) else None)
    turned = (transpose_a or adjoint_a, transpose_b or adjoint_b)
    return apply(_matmul, (a, b, *turned), name=name, kind="MatMul")


def _matmul(a: Any, b: Any, turn_a: bool, turn_b: bool) -> Any:
    a, b = jnp.asarray(a), jnp.asarray(b)
    if a.ndim < 2 or b.ndim < 2:
        raise ValueError(f"tf.matmul needs at least 2 axes, not shapes {a.shape} and {b.shape}")
    a = jnp.swapaxes(a, -1, -2) if turn_a else a
    b = jnp.swapaxes(b, -1, -2) if turn_b else b
    return a @ b


def sparse_placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Any:
    """Raise: sparse tensors are not fed.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError(
        NO_CALL.format("sparse_placeholder", "feed a dense tensor to tf.placeholder instead")
    )


def is_tensor(x: Any) -> bool:
    """`tf.is_tensor`: whether a value is a tensor of a graph."""
    return isinstance(x, SymbolicTensor)


def Print(input_: Any, data: Any, message: Any = None, first_n=None, summarize=None, name=None):
    """`tf.Print`: the tensor, which prints others when it is computed."""

    def printed(x: Any, values: list, message: Any) -> Any:
        jax.debug.print("{}" + "[{}]" * len(values), message or "", *values)
        return x

    given = [convert(one) for one in data]
    made = convert(input_)
    return apply(printed, (made, given, message), name=name, kind="Print", specs=like(made))


def add_check_numerics_ops() -> Any:
    """`tf.add_check_numerics_ops`: an operation that does nothing; JAX_DEBUG_NANS=1 checks."""
    return no_op()


def static_shape(shape: Any) -> TensorShape:
    """A shape as `TensorShape`."""
    return TensorShape(shape)


def make_template(name: str, func: Callable, create_scope_now_: bool = False, **kwargs: Any) -> Any:
    """`tf.make_template`: a function whose variables are made by its first call, then shared."""
    known: list = []

    def call(*args: Any, **options: Any) -> Any:
        with variable_scope(known[0] if known else None, name, reuse=bool(known)) as scope:
            if not known:
                known.append(scope)
            return func(*args, **kwargs, **options)

    return call
