"""Values, dtypes, functions and devices of TensorFlow."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook import ops, random
from hornbook.compat.attributes import Shape
from hornbook.compat.tensorflow.tensors import tensor
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
    return tensor(array) if wide and not jax.config.read("jax_enable_x64") else jnp.asarray(array)


def convert_to_tensor(
    value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None
) -> Any:
    """A value as a tensor; arrays and symbolic tensors stay what they are."""
    if isinstance(value, jax.Array | SymbolicTensor):
        return value if dtype is None else ops.cast(value, dtype)
    return constant(value, dtype)


def shape(input: Any, out_type: Any = None, name: str | None = None) -> Any:
    """The sizes of an array."""
    return Shape(ops.shape(input))


def expand_dims(input: Any, axis: Any, name: str | None = None) -> Any:
    """An array with another axis of size 1; also one of texts."""
    return _moved(np.expand_dims, ops.expand_dims, input, axis)


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Any:
    """An array in another shape; also one of texts."""
    return _moved(np.reshape, ops.reshape, tensor, tuple(np.ravel(shape).tolist()))


def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Any:
    """An array without its axes of size 1; also one of texts."""
    return _moved(np.squeeze, ops.squeeze, input, axis)


def _moved(on_host: Callable, function: Callable, value: Any, setting: Any) -> Any:
    text = isinstance(value, str | bytes) or getattr(value, "dtype", None) == "O"
    return tensor(on_host(tensor(value), setting)) if text else function(value, setting)


def arange(*args: Any, dtype: Any = None, name: str | None = None, **named: Any) -> Any:
    """Numbers at equal distances, as `ops.arange`."""
    sizes = {"start": "start", "limit": "stop", "delta": "step"}
    renamed: dict[str, Any] = {sizes[key]: value for key, value in named.items()}
    return ops.arange(*args, **renamed | {"dtype": dtype})


def uniform(
    shape: Any,
    minval: Any = 0,
    maxval: Any = None,
    dtype: Any = "float32",
    seed: Any = None,
    **_: Any,
) -> Any:
    """Uniform random numbers: floats, or integers below `maxval`."""
    if np.dtype(dtype).kind in "iu":
        return random.randint(tuple(shape), minval, maxval, dtype=np.dtype(dtype).name, seed=seed)
    top = 1.0 if maxval is None else maxval
    return random.uniform(tuple(shape), minval, top, np.dtype(dtype).name, seed)


def function(func: Callable | None = None, **options: Any) -> Any:
    """`tf.function`: the function itself, which runs eagerly; `fit` compiles what it calls."""
    return func if func is not None else lambda given: given


def py_function(func: Callable, inp: Any, Tout: Any, name: str | None = None) -> Any:
    """Call a function with tensors."""
    return func(*map(tensor, inp))


def numpy_function(
    func: Callable, inp: Any, Tout: Any, stateful: Any = True, name: str | None = None
) -> Any:
    """Call a function with numpy arrays."""
    return func(*(tensor(one).numpy() for one in inp))


def executing_eagerly() -> Any:
    """Whether functions run at once: yes."""
    return True


def list_physical_devices(device_type: str | None = None) -> list:
    """JAX's devices of a type; the memory of GPUs grows as needed."""
    kind = None if device_type is None else device_type.lower()
    return [device for device in jax.devices() if kind in (None, device.platform)]


def set_memory_growth(device: Any, enable: Any) -> None:
    """Nothing: memory is allocated as JAX's settings say."""


def is_gpu_available(*args: Any, **options: Any) -> Any:
    """Whether JAX has a GPU."""
    return jax.default_backend() == "gpu"
