"""`apply`: record a call of a function of arrays in a graph; its shapes are found by trial.

To write an operation, write a function of arrays that JAX can trace and `lift` it. Arguments may be
tensors, and lists and dictionaries of them. Inside a layer's call, and while JAX traces, a lifted
function is the function itself.
"""

import functools
import inspect
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow1.graph import Operation, Tensor
from hornbook.compat.tensorflow1.shapes import TensorShape
from hornbook.compat.tensorflow1.sources import Constant
from hornbook.compat.theano.config import wide
from hornbook.core import tree
from hornbook.core.errors import shorten
from hornbook.core.origins import are_in_python
from hornbook.core.symbolic import SymbolicTensor, has_symbolic, substitute, symbolic_leaves
from hornbook.core.unknown import fitted
from hornbook.core.variable import Operators, thread

TRIALS = ((4, 6), (60, 120), (840, 1680))  # sizes tried for unknown ones
RANKS = 6  # tried for tensors of unknown rank
WIDE = ("float64", "complex128", "uint64")
NEEDS_VALUE = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerIntegerConversionError,
    jax.errors.TracerArrayConversionError,
)


def is_traced(values: Any = ()) -> bool:
    """Whether a call is part of a layer's call, of a step in Python, or of what JAX traces."""
    return (
        bool(thread.calls)
        or are_in_python()
        or any(isinstance(v, jax.core.Tracer) for v in jax.tree.leaves(values))
    )


def apply(
    fn: Any,
    args: tuple = (),
    kwargs: dict | None = None,
    name: str | None = None,
    kind: str = "",
    specs: Any = None,
    assigns: tuple = (),
    on_host: bool = False,
) -> Any:
    """Record a call.

    Args:
        fn: a function of arrays.
        args, kwargs: its arguments.
        name: of the operation.
        kind: its type; default from the function's name.
        specs: a structure of objects with shape and dtype; default: found by trial.
        assigns: variables that the results are the new values of.
        on_host: whether the call needs values.

    Returns:
        Tensors in the structure of the function's result; the result itself if the call is part of
        a layer's call or of what JAX traces.
    """
    if is_traced((args, kwargs)):
        return fn(*args, **(kwargs or {}))
    node = Operation(fn, args, kwargs, name, kind, assigns, on_host)
    if specs is None:
        specs = specs_of(fn, node.args, node.kwargs, on_host)
    leaves, form = jax.tree.flatten(specs, is_leaf=is_spec)
    tensors = [Tensor(one.shape, one.dtype, node, k) for k, one in enumerate(leaves)]
    node.outputs = jax.tree.unflatten(form, tensors)
    return node.outputs


class Spec:
    """The shape and dtype of a result."""

    def __init__(self, shape: Any, dtype: Any):
        self.shape, self.dtype = TensorShape(shape), as_dtype(dtype)


def is_spec(value: Any) -> bool:
    """Whether a value says the shape and dtype of a result."""
    return isinstance(value, Spec | jax.ShapeDtypeStruct | SymbolicTensor)


def like(tensor: Any) -> Spec:
    """The shape and dtype of a tensor."""
    return Spec(tensor.shape, tensor.dtype)


def lift(fn: Callable, kind: str = "", on_host: bool = False) -> Callable:
    """Make a function of tensors from one of arrays; `name=` names the operation.

    Args:
        fn: a function of arrays, called with tensors' values.
        kind: type of the operation.
        on_host: whether it needs values.
    """
    place = _place_of_name(fn)
    takes_name = place >= 0

    @functools.wraps(fn)
    def call(*args: Any, **kwargs: Any) -> Any:
        if is_traced((args, kwargs)) or (not has_symbolic((args, kwargs)) and is_tracing()):
            return fn(*args, **kwargs)
        name = kwargs.pop("name", None)
        if takes_name and len(args) > place:
            name, args = args[place], (*args[:place], None, *args[place + 1 :])
        try:
            return apply(fn, args, kwargs, name, kind or _kind(fn), on_host=on_host)
        except Exception as error:
            shorten(error)
            raise

    call.lifted = fn  # type: ignore[attr-defined]
    return call


def _place_of_name(fn: Callable) -> int:
    try:
        return [*inspect.signature(fn).parameters].index("name")
    except ValueError:
        return -1


def _kind(fn: Callable) -> str:
    return getattr(fn, "kind", "")


# ---- shapes


def specs_of(fn: Callable, args: tuple, kwargs: dict, on_host: bool = False) -> Any:
    """The shapes and dtypes of a call's results.

    Args:
        fn, args, kwargs: the call.
        on_host: whether the function takes values: it is tried with zeros and empty texts.

    Raises:
        Exception: what the function raises for the shapes, if they are known.
    """
    leaves = list(dict.fromkeys(symbolic_leaves((args, kwargs))))
    given = [t for t in leaves if not isinstance(t, Constant)]
    data = {t: t.data for t in leaves if isinstance(t, Constant)}
    unranked = [t for t in given if rank_of(t) is None]
    is_wide = any(str(t.dtype) in WIDE for t in leaves)
    found: list = []
    first: Exception | None = None
    sizes = [n for t in leaves if rank_of(t) is not None for n in tuple(t.shape) if n]
    with wide() if is_wide else nullcontext():
        for rank in range(RANKS) if unranked else (0,):
            try:
                found.append(_specs_of_rank(fn, args, kwargs, given, data, rank, sizes, on_host))
            except Exception as error:
                first = first or error
    if found:
        return functools.reduce(_common, found)
    if unranked:
        kinds = [t.dtype for t in leaves if "float" in str(t.dtype)] or [leaves[0].dtype]
        return Spec(None, kinds[0])
    raise first  # type: ignore[misc]


def rank_of(tensor: Any) -> Any:
    """The number of axes; `None` if it is not known."""
    return tensor.shape.ndims if isinstance(tensor, Tensor) else len(tensor.shape)


def _specs_of_rank(
    fn: Any,
    args: Any,
    kwargs: Any,
    given: list,
    data: dict,
    rank: int,
    sizes: list,
    on_host: bool,
) -> Any:
    """The results, where tensors of unknown rank have this one."""
    partly = any(rank_of(t) is None or None in tuple(t.shape) for t in given)
    shapes = {t: (None,) * rank if rank_of(t) is None else tuple(t.shape) for t in given}
    every = [*shapes.values(), *(d.shape for d in data.values())]
    fits = {t: fitted(shape, every, []) for t, shape in shapes.items()}
    error: Exception | None = None
    for decided in (False, True):
        if decided and not any(_is_size(t) for t in given):
            break
        trials = [(shapes, low, high) for low, high in TRIALS]
        if rank and any(rank_of(t) is None for t in given):
            trials += [(shapes, n, n) for n in sizes]
        if fits != shapes:
            trials += [(fits, *TRIALS[0])]
        trials += [(shapes, n, n) for n in dict.fromkeys(sizes) if n > 1]
        for tried, low, high in trials if partly or decided else trials[:1]:
            try:
                made = _trial(fn, args, kwargs, tried, data, low, decided, on_host)
                if not (partly or decided) or low == high:
                    return made
                other = _trial(fn, args, kwargs, tried, data, high, decided, on_host)
                return _common(made, other)
            except Exception as wrong:
                error = error or wrong
    raise error  # type: ignore[misc]


def _trial(
    fn: Any,
    args: Any,
    kwargs: Any,
    shapes: dict,
    data: dict,
    n: int,
    decided: bool,
    on_host: bool,
) -> Any:
    """The results for arguments of these shapes, where unknown sizes are `n`."""
    known = dict(data)
    if on_host:
        known |= {t: _filler(t, shape, n) for t, shape in shapes.items()}
        made = fn(*substitute(args, known), **substitute(kwargs, known))
        return tree.map_structure(_spec_of, made)
    traced = []
    for t in shapes:
        if decided and _is_size(t):
            known[t] = trial_value(t, n)
        else:
            traced.append(t)

    def run(arrays: list) -> Any:
        values = {**known, **dict(zip(traced, arrays, strict=True))}
        return fn(*substitute(args, values), **substitute(kwargs, values))

    made = jax.eval_shape(run, [_struct(t, shapes[t], n) for t in traced])
    return jax.tree.map(lambda s: Spec(s.shape, s.dtype), made)


def _filler(tensor: Any, shape: tuple, n: int) -> np.ndarray:
    sizes = [n if k is None else k for k in shape]
    if str(tensor.dtype) == "string":
        return np.full(sizes, b"0", object)
    return np.zeros(sizes, as_numpy(tensor.dtype))


def _spec_of(value: Any) -> "Spec":
    array = value if hasattr(value, "dtype") else np.asarray(value)
    is_text = isinstance(array, np.ndarray | np.generic) and array.dtype.kind in "USO"
    return Spec(array.shape, "string" if is_text else str(array.dtype))


def _struct(tensor: Any, shape: tuple, n: int) -> jax.ShapeDtypeStruct:
    sizes = (n if k is None else k for k in shape)
    kind = str(tensor.dtype)
    if kind == "string":
        raise TypeError(f"{tensor} holds text, which only functions of text take")
    return jax.ShapeDtypeStruct(tuple(sizes), narrow(kind))


def narrow(dtype: Any) -> str:
    """The dtype of arrays in compiled programs, which have 64 bits only on request."""
    if jax.config.read("jax_enable_x64"):
        return str(dtype)
    short = {"int64": "int32", "uint64": "uint32", "float64": "float32", "complex128": "complex64"}
    return short.get(str(dtype), str(dtype))


def _is_size(tensor: Any) -> bool:
    """Whether a tensor may determine shapes."""
    rank = rank_of(tensor)
    return str(tensor.dtype) in ("int32", "int64") and rank is not None and rank <= 1


def trial_value(tensor: Any, n: int) -> Any:
    """A number for a tensor of sizes, where unknown sizes are `n`."""
    if isinstance(tensor, Constant):
        return tensor.data
    node = tensor.node
    if getattr(node.op, "of_shape", False):
        source = node.args[0]
        sizes = (n,) if rank_of(source) is None else [n if k is None else k for k in source.shape]
        known: Any = np.zeros(tuple(sizes), np.int8) if np.prod(sizes) < 2**28 else None
        return node.op(known if known is not None else jax.ShapeDtypeStruct(tuple(sizes), "int8"))
    if node.op is None or not all(_is_size(t) for t in node.inputs):
        return np.full([n if k is None else k for k in tensor.shape], n, "int32")
    values = {t: trial_value(t, n) for t in node.inputs}
    with jax.ensure_compile_time_eval():
        made = node.op(*substitute(node.args, values), **substitute(node.kwargs, values))
    listed = jax.tree.leaves(made)
    return np.asarray(listed[tensor.index])


def _common(a: Any, b: Any) -> Any:
    """What two results have in common."""
    return jax.tree.map(_common_spec, a, b, is_leaf=is_spec)


def _common_spec(a: Spec, b: Spec) -> Spec:
    if a.shape.ndims is None or b.shape.ndims is None or len(a.shape) != len(b.shape):
        return Spec(None, a.dtype)
    pairs = zip(tuple(a.shape), tuple(b.shape), strict=True)
    return Spec([x if x == y else None for x, y in pairs], a.dtype)


# ---- values


def convert(value: Any, dtype: Any = None, name: str | None = None) -> Any:
    """A value as a tensor of the graph; tensors stay what they are.

    Args:
        value: a tensor, number, text, list or array; a list may hold tensors.
        dtype: its dtype.
        name: of the operation.
    """
    if isinstance(value, SymbolicTensor):
        wanted = dtype is not None and as_dtype(dtype) != value.dtype
        return cast(value, dtype) if wanted else value
    if hasattr(value, "as_tensor"):
        return value.as_tensor()
    if is_traced(value) and dtype is None and not isinstance(value, list | tuple):
        return value
    if isinstance(value, list | tuple) and (has_symbolic(value) or is_traced(value)):
        parts = [convert(one, dtype) for one in value]
        return apply(_stack, (parts,), name=name, kind="Pack")
    return constant(value, dtype, name=name)


def _stack(parts: Any) -> Any:
    if all(isinstance(one, np.ndarray | np.generic | int | float) for one in parts):
        return np.stack([np.asarray(one) for one in parts])
    return jnp.stack([jnp.asarray(one) for one in parts])


def constant(
    value: Any, dtype: Any = None, shape: Any = None, name: str | None = None, verify_shape=False
) -> Any:
    """`tf.constant`.

    Args:
        value: a number, text, list or array.
        dtype: default: float32, int32, or an array's own.
        shape: the shape to fill or to give it.
        name: of the operation.
        verify_shape: whether the value must have the shape.
    """
    if isinstance(value, jax.core.Tracer):
        return value if dtype is None else value.astype(str(as_dtype(dtype)))
    if isinstance(value, Operators):
        value = value.value
    own = hasattr(value, "dtype")
    array = np.asarray(value, None if dtype is None or dtype == "string" else as_numpy(dtype))
    if array.dtype.kind in "USO":
        array = np.vectorize(_bytes, otypes=[object])(array) if array.size else array
    elif dtype is None and not own:
        numbers = value if isinstance(value, list | tuple) else ()
        kept = any(hasattr(one, "dtype") for one in np.ravel(np.asarray(numbers, object))[:1])
        if not kept:
            array = array.astype({"f": "float32", "i": "int32"}.get(array.dtype.kind, array.dtype))
    if shape is not None:
        sizes = tuple(TensorShape(shape))
        array = array.reshape(sizes) if array.size == np.prod(sizes) else _filled(array, sizes)
    if is_traced() or is_tracing():
        return array  # sizes made from it stay numbers
    return Constant(array, as_dtype(array.dtype), name)


def as_numpy(dtype: Any) -> Any:
    """numpy's dtype."""
    return as_dtype(dtype).as_numpy_dtype


def _bytes(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


def _filled(array: np.ndarray, shape: tuple) -> np.ndarray:
    """An array whose last element fills what is missing."""
    flat = np.ravel(array)
    more = int(np.prod(shape)) - flat.size
    return np.concatenate([flat, np.full(more, flat[-1])]).reshape(shape)


def is_tracing() -> bool:
    """Whether JAX traces a function."""
    return isinstance(jnp.zeros(()), jax.core.Tracer)


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """`tf.cast`."""
    kind = as_dtype(dtype)
    if is_traced(x):
        return _cast(x, str(kind))
    x = convert(x)
    return apply(_cast, (x, str(kind)), name=name, kind="Cast", specs=Spec(x.shape, kind))


def _cast(x: Any, dtype: str) -> Any:
    if isinstance(x, np.ndarray | np.generic):
        return np.asarray(x).astype(as_numpy(dtype))
    return jnp.asarray(x).astype(narrow(dtype))
