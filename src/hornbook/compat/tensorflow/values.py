"""Values, dtypes, functions and devices of TensorFlow."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook import ops
from hornbook.compat.tensorflow.arrays import is_text, sizes
from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow.function import refuse
from hornbook.compat.tensorflow.tensors import is_composite, tensor
from hornbook.core.symbolic import SymbolicTensor

newaxis = None


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Any:
    """A value as a tensor; text, and numbers of 64 bits, as a numpy array with its methods.

    Args:
        value: a number, text, list or array.
        dtype: default as TensorFlow's: float32 and int32 for Python's numbers.
        shape: the shape to fill or to give it.
        name: ignored.
    """
    given = hasattr(value, "dtype")
    array = np.asarray(value, None if dtype in (None, "string") else dtype)
    if array.dtype.kind in "USO":
        array = array.astype(object)
    elif dtype is None and not given:
        array = array.astype({"f": "float32", "i": "int32"}.get(array.dtype.kind, array.dtype))
    if shape is not None:
        array = array.reshape(shape) if array.size > 1 else np.full(shape, array)
    wide = array.dtype.kind == "O" or array.dtype.itemsize == 8 and array.dtype.kind in "iuf"
    if wide and not jax.config.read("jax_enable_x64"):
        return tensor(array)
    with jax.ensure_compile_time_eval():  # known while tracing, as in a graph of TensorFlow
        return jnp.asarray(array)


def convert_to_tensor(
    value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None
) -> Any:
    """A value as a tensor; arrays and symbolic tensors stay what they are."""
    if isinstance(value, jax.Array | SymbolicTensor):
        return value if dtype is None else ops.cast(value, dtype)
    return constant(value, dtype)


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """An array in another dtype; numpy's arrays stay on the host."""
    if isinstance(x, np.ndarray | np.generic):
        return tensor(np.asarray(x).astype(as_dtype(dtype).as_numpy_dtype))
    return ops.cast(x, dtype)


def zeros(shape: Any, dtype: Any = "float32", name: str | None = None, layout: Any = None) -> Any:
    """Zeros, or empty texts."""
    if dtype == "string":
        return tensor(np.full(sizes(shape), "", object))
    return ops.zeros(sizes(shape), dtype)


def ones(shape: Any, dtype: Any = "float32", name: str | None = None, layout: Any = None) -> Any:
    """Ones."""
    return ops.ones(sizes(shape), dtype)


def fill(dims: Any, value: Any, name: str | None = None) -> Any:
    """An array of one value."""
    if is_text(value):
        return tensor(np.full(sizes(dims), value, object))
    return ops.broadcast_to(convert_to_tensor(value), sizes(dims))


def one_hot(
    indices: Any,
    depth: Any,
    on_value: Any = 1,
    off_value: Any = 0,
    axis: int = -1,
    dtype: Any = None,
    name: str | None = None,
) -> Any:
    """`on_value` at an index along a new axis, `off_value` elsewhere."""
    kind = "float32" if dtype is None else as_dtype(dtype).name
    made = ops.one_hot(indices, int(depth), axis, kind)
    if (on_value, off_value) in ((1, 0), (None, None)):
        return made
    return ops.where(ops.cast(made, "bool"), ops.cast(on_value, kind), ops.cast(off_value, kind))


def arange(
    start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = None
) -> Any:
    """Numbers at equal distances; of the host, so that a loop over them has integers."""
    first, last = (0, start) if limit is None else (start, limit)
    if any(isinstance(one, jax.core.Tracer) for one in (first, last, delta)):
        return ops.arange(first, last, delta, dtype)
    made = np.arange(*(np.asarray(one).item() for one in (first, last, delta)))
    given = [one.dtype for one in (first, last, delta) if hasattr(one, "dtype")]
    kind = dtype or (given[0] if given else "int32" if made.dtype.kind == "i" else "float32")
    return tensor(made.astype(as_dtype(kind).as_numpy_dtype))


def py_function(
    func: Callable | None = None, inp: Any = None, Tout: Any = None, name: str | None = None
) -> Any:
    """Call a function with tensors; without `func`, a decorator that makes it called so.

    Args:
        func: the function.
        inp: its arguments.
        Tout: the dtype of its result, or those of several; `None` and `[]` for none.
        name: ignored.
    """
    if func is None or inp is None:
        return _decorated(py_function, func, Tout)
    refuse()
    return _as_tensors(func(*map(tensor, inp)), Tout)


def numpy_function(
    func: Callable | None = None,
    inp: Any = None,
    Tout: Any = None,
    stateful: Any = True,
    name: str | None = None,
) -> Any:
    """Call a function with numpy arrays; without `func`, a decorator that makes it called so.

    Args:
        func, inp, Tout, name: as for `py_function`.
        stateful: ignored.
    """
    if func is None or inp is None:
        return _decorated(numpy_function, func, Tout)
    refuse()
    return _as_tensors(func(*(tensor(one).numpy() for one in inp)), Tout)


def _as_tensors(found: Any, Tout: Any) -> Any:
    """The results of a function of Python, in their dtypes."""
    if isinstance(Tout, list | tuple):
        several = found if isinstance(found, list | tuple) else [found]
        return [*map(_as_tensors, several, Tout)] if Tout else found
    if Tout is None or is_composite(found):
        return found
    kind = as_dtype(getattr(Tout, "dtype", Tout))
    if kind == "string":
        return tensor(np.asarray(found, object))
    return cast(found if isinstance(found, jax.Array | SymbolicTensor) else np.asarray(found), kind)


def _decorated(way: Callable, func: Any, Tout: Any) -> Callable:
    def decorate(func: Callable) -> Callable:
        return functools.wraps(func)(lambda *args: way(func, args, Tout))

    return decorate if func is None else decorate(func)


def executing_eagerly() -> Any:
    """Whether functions run at once: yes."""
    return True
