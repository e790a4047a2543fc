"""Arrays with the methods of TensorFlow's tensors, which elements of data sets are during a run."""

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook import backend, layers, metrics, utils, wrappers
from hornbook.compat.attributes import Shape, Table, get_shape, known, set_shape, value_of
from hornbook.compat.tensorflow import experimental, older, saved, shown
from hornbook.compat.tensorflow import layers as old
from hornbook.compat.tensorflow.devices import name_of
from hornbook.compat.tensorflow.function import refuse
from hornbook.core.symbolic import SymbolicTensor
from hornbook.core.variable import Variable, unwrap
from hornbook.data.elements import apply
from hornbook.data.passes import DatasetIterator, Passes
from hornbook.layers import calling
from hornbook.models import Model
from hornbook.saving import files, kinds

SIZES: Any = np.ndarray.shape


class Tensor(np.ndarray):
    """A numpy array with a tensor's methods; its elements and results of arithmetic have them too.

    Example:
        >>> x = tensor([[1, 2], [3, 4]])
        >>> x.shape.as_list(), x[0, 1].numpy(), (x + 1).numpy().tolist()
        ([2, 2], np.int64(2), [[2, 3], [4, 5]])
    """

    @property
    def shape(self) -> Shape:
        """The sizes, with `as_list`."""
        return Shape(SIZES.__get__(self))

    @shape.setter
    def shape(self, sizes: Any) -> None:
        SIZES.__set__(self, sizes)

    def numpy(self) -> Any:
        """The values as a plain array or scalar; text as bytes, as TensorFlow has it."""
        return plain(self)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def get_shape(self) -> Shape:
        """The sizes."""
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Nothing: the shape is known."""

    __repr__, __str__, __format__ = shown.as_repr, shown.as_text, shown.as_formatted

    def __iter__(self) -> Iterator:
        refuse(len(self))
        return super().__iter__()

    def __getitem__(self, key: Any) -> Any:
        return tensor(super().__getitem__(key))


class _AnyTensor(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, jax.Array | SymbolicTensor | Tensor)


class AnyTensor(metaclass=_AnyTensor):
    """`tf.Tensor`: the class of all tensors, for `isinstance` and annotations."""


def tensor(value: Any) -> Any:
    """A value as a `Tensor`; data sets, ragged and sparse tensors, and `None` stay as they are."""
    if value is None or isinstance(value, Passes) or is_composite(value):
        return value
    if isinstance(value, str | bytes):
        value = np.array(value, object)
    return np.asarray(value).view(Tensor)


def is_composite(value: Any) -> bool:
    """Whether a value is a ragged or a sparse tensor."""
    return hasattr(value, "row_splits") or hasattr(value, "dense_shape")


def plain(value: Any) -> Any:
    """A value as a numpy array or scalar; ragged and sparse tensors as they are."""
    return value if is_composite(value) else shown.plain(value)


class _Mapped(DatasetIterator):
    """One pass over a `Dataset`, whose elements are converted."""

    convert: Any

    def __next__(self) -> Any:
        refuse()
        return apply(self.convert, super().__next__())

    def next(self) -> Any:
        """The next element."""
        return next(self)

    get_next = next


class _Tensors(_Mapped):
    convert = staticmethod(tensor)


class _Plain(_Mapped):
    convert = staticmethod(plain)


def _iter(self: Passes) -> Iterator:
    refuse()
    return _Tensors(self)


def _as_numpy(self: Passes) -> Iterator:
    """The elements as numpy arrays, and text as bytes."""
    return _Plain(self)


def _reset_states(self: metrics.Metric) -> None:
    """Name of `reset_state` before TensorFlow 2.5."""
    self.reset_state()


def _numpy_of_known(self: Any) -> Callable:
    """`numpy` of a value that JAX differentiates and does not compile, as with `run_eagerly`."""
    value = known(self)
    if isinstance(value, jax.core.Tracer):
        raise AttributeError("the value of a tensor is not known in a compiled function")
    return lambda: np.asarray(value)[()]


class _Cardinality(int):
    """A number of elements with a tensor's `numpy`."""

    def numpy(self) -> int:
        """The number."""
        return int(self)


def _device_of(variable: Variable) -> str:
    """Where a variable is, as TensorFlow writes it."""
    (device, *_) = unwrap(variable).devices()
    return name_of(device)


def attributes() -> Table:
    """The attributes of arrays and data sets during a run."""
    of_arrays = {"numpy": value_of, "get_shape": get_shape, "set_shape": set_shape}
    array: type = type(jnp.zeros(()))
    return {
        array: of_arrays,
        jax.core.Tracer: {"numpy": property(_numpy_of_known)},
        SymbolicTensor: {"get_shape": get_shape, "set_shape": set_shape},
        Variable: {"get_shape": get_shape, "device": property(_device_of)},
        layers: {"experimental": experimental},
        metrics.Metric: {"reset_states": _reset_states},
        layers.Layer: {"input_shape": old.ShapeOf("input"), "output_shape": old.ShapeOf("output")},
        backend: {"__getattr__": older.of_family("backend")},
        wrappers: {"__path__": [], "__getattr__": _of_wrappers},
    }


def replaced() -> Table:
    """The methods that are replaced during a run."""
    count = Passes.cardinality
    array: Any = type(jnp.zeros(()))
    sizes = array.shape.__get__

    def cardinality(self: Passes) -> _Cardinality:
        """The number of elements; negative if it is unknown or infinite."""
        return _Cardinality(count(self))

    return {
        Passes: {
            "__iter__": _iter,
            "as_numpy_iterator": _as_numpy,
            "cardinality": cardinality,
        },
        array: {
            "shape": property(lambda self: Shape(sizes(self))),
            "__float__": lambda self: float(np.asarray(self).item()),
            "__int__": lambda self: int(np.asarray(self).item()),
        },
        Model: {"_lists_one": False},
        layers.Layer: {
            "_build": old.build(layers.Layer._build),
            "_text": old.text(layers.Layer._text),
            "add_weight": old.add_weight(layers.Layer.add_weight),
        },
        metrics.Metric: {"add_weight": old.add_metric_weight(metrics.Metric.add_weight)},
        calling: {"shape_of": old.shape_of},
        files: {"place": saved.place},
        kinds: {"FORMAT_SUFFIXES": {**kinds.FORMAT_SUFFIXES, "tf": ""}},
        utils: {"get_file": saved.get_file},
    }


def _of_wrappers(name: str) -> Any:
    """The module of estimators, which needs scikit-learn."""
    if name != "scikit_learn":
        raise AttributeError(f"module 'keras.wrappers' has no attribute {name!r}")
    return importlib.import_module("hornbook.compat.keras.scikit_learn")
