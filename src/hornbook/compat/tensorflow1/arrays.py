"""`tf.TensorArray`: a list of tensors, as one tensor whose first axis is the list's."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow1.applying import Spec, apply, constant, convert
from hornbook.compat.tensorflow1.graph import get_default_graph
from hornbook.compat.tensorflow1.shapes import TensorShape
from hornbook.compat.tensorflow1.sources import Placeholder
from hornbook.compat.theano import integers

NOTHING = np.zeros((1, 0), np.float32)  # a list that is not written yet
OTHERS = "tensorflow.TensorArray: write before reading"


class TensorArray:
    """A list of tensors of one shape; `write` and `unstack` return the next list.

    Args:
        dtype: of the tensors.
        size: the number of tensors.
        dynamic_size: whether writing beyond `size` is allowed: only outside loops.
        element_shape: of the tensors.
    """

    def __init__(
        self,
        dtype: Any,
        size: Any = None,
        dynamic_size: Any = None,
        clear_after_read: Any = None,
        tensor_array_name: Any = None,
        handle: Any = None,
        flow: Any = None,
        infer_shape: bool = True,
        element_shape: Any = None,
        name: Any = None,
        **ignored: Any,
    ):
        self.dtype, self.length, self.flow = as_dtype(dtype), size, flow
        self.element_shape = TensorShape(element_shape)

    def with_flow(self, flow: Any) -> "TensorArray":
        """The list with other tensors."""
        return TensorArray(self.dtype, self.length, flow=flow, element_shape=self.element_shape)

    def stand_in(self) -> "TensorArray":
        """A list that stands for this one in a loop."""
        with get_default_graph().control_dependencies(None):
            shape = None if self.flow is None else self.flow.shape
            return self.with_flow(Placeholder(shape, self.dtype, "stand_in"))

    def start(self) -> Any:
        """The tensor with which a loop begins."""
        return constant(NOTHING) if self.flow is None else self.flow

    def write(self, index: Any, value: Any, name: Any = None) -> "TensorArray":
        """The list with a tensor at an index."""
        made = convert(value, self.dtype)
        size = self.length if self.length is not None else 0
        old = [] if self.flow is None else [self.flow]
        known = tuple(made.shape) if made.shape.ndims is not None else None
        spec = Spec(None if known is None else (None, *known), self.dtype)
        given = (old, convert(size), convert(index), made)
        return self.with_flow(apply(_write, given, name=name, kind="TensorArrayWrite", specs=spec))

    def read(self, index: Any, name: Any = None) -> Any:
        """The tensor at an index."""
        return apply(_read, (self._flow(), convert(index)), name=name, kind="TensorArrayRead")

    def stack(self, name: Any = None) -> Any:
        """All tensors, stacked."""
        return self._flow()

    pack = stack

    def unstack(self, value: Any, name: Any = None) -> "TensorArray":
        """The list of the slices of a tensor."""
        return self.with_flow(convert(value, self.dtype))

    unpack = unstack

    def gather(self, indices: Any, name: Any = None) -> Any:
        """Some tensors, stacked."""
        return apply(_gather, (self._flow(), convert(indices)), name=name)

    def concat(self, name: Any = None) -> Any:
        """All tensors, joined along their first axis."""
        return apply(_joined, (self._flow(),), name=name)

    def size(self, name: Any = None) -> Any:
        """The number of tensors."""
        return convert(self.length) if self.flow is None else apply(_length, (self.flow,))

    def identity(self) -> "TensorArray":
        """The list itself."""
        return self

    def _flow(self) -> Any:
        if self.flow is None:
            raise ValueError(OTHERS)
        return self.flow


def _write(old: list, size: Any, index: Any, value: Any) -> Any:
    value = jnp.asarray(value)
    if not old or old[0].shape == (1, 0):
        needed = integers.concrete(index) + 1 if integers.is_host(index) else 0
        count = max(integers.concrete(size), needed)
        array = jnp.zeros((count, *value.shape), value.dtype)
    else:
        array = jnp.asarray(old[0])
        more = integers.concrete(index) + 1 - array.shape[0] if integers.is_host(index) else 0
        if more > 0:
            array = jnp.concatenate([array, jnp.zeros((more, *value.shape), value.dtype)])
    return jax.lax.dynamic_update_index_in_dim(array, value.astype(array.dtype), index, 0)


def _read(array: Any, index: Any) -> Any:
    return jnp.asarray(array)[index]


def _gather(array: Any, indices: Any) -> Any:
    return jnp.take(jnp.asarray(array), jnp.asarray(indices), 0)


def _joined(array: Any) -> Any:
    return jnp.reshape(array, (-1, *array.shape[2:]))


def _length(array: Any) -> np.ndarray:
    return np.array(array.shape[0], np.int32)


def packed(one: Any) -> Any:
    """A loop's variable as a tensor; lists of tensors stay lists."""
    return one if isinstance(one, TensorArray) else convert(one)


def unpacked(one: Any) -> Any:
    """The tensor of a loop's variable."""
    return one.flow if isinstance(one, TensorArray) else one
