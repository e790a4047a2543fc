"""`HostLayer`: a layer that computes in numpy, for values that devices cannot hold, as strings."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.core import tree
from hornbook.core.dtype import STRING, canonical
from hornbook.core.symbolic import Node, SymbolicTensor, outputs_of
from hornbook.layers.base import Layer
from hornbook.layers.calling import tree_of_symbols

TRACED = """{} computes on the host, but was called inside compiled code, where values are unknown.
Wrong:  a custom call(self, x) that uses it, trained with fit
Right:  a functional or Sequential model that begins with it; or call it on the data, before fit"""
RAGGED = (
    "{} has rows of different lengths ({} and {} values). All rows of an array have the same "
    "length: pad the short ones with '' (or the layer's mask_token)"
)
NO_TEXT = "{} has {!r} in {}, which is not a string; replace missing values, e.g. x.fillna('')"
WRONG_KIND = "layer {!r} ({}) takes {}; it got {}. {}"

# What a layer may take: its name in messages, numpy dtype kinds, and the fix.
KINDS = {
    "string": ("strings", "UO", "Convert with .astype(str), or use Input(..., dtype='string')"),
    "int": ("integers", "iub", "Convert with .astype('int64'), or use Input(..., dtype='int64')"),
    "category": (
        "strings or integers",
        "UOiub",
        "Convert with .astype(str) or .astype('int64')",
    ),
    "value": ("strings or numbers", "UOiubf", "Convert with .astype(str) or .astype('float32')"),
}


class HostLayer(Layer):
    """A layer whose `call` takes and returns numpy arrays, outside compiled code.

    In a model it precedes all layers that compute on the device: the host prepares a batch while
    the device works on earlier ones. Strings are arrays of `str`. A subclass defines `call`,
    `compute_output_spec` and `takes`.

    Attributes:
        takes: `"string"`, `"int"`, `"category"` (either) or `"value"` (floats too).
        several: whether it takes a list of inputs rather than one.

    Example:
        >>> class Lengths(HostLayer):
        ...     takes = "string"
        ...     def call(self, inputs):
        ...         return np.vectorize(len, otypes=["int32"])(inputs)
        ...     def compute_output_spec(self, inputs):
        ...         return hornbook.KerasTensor(inputs.shape, "int32")
        >>> Lengths()(["one", "three"]).tolist()
        [3, 5]
    """

    takes = "value"
    several = False
    _host: Any = True

    @property
    def input_dtype(self) -> str:
        """The dtype of the symbolic input that a `Sequential` creates for it."""
        return {"string": STRING, "category": STRING, "int": "int64"}.get(self.takes, "float32")

    def build(self, input_shape: Any = None) -> None:
        self.built = True

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Symbolic tensors with the output shapes and dtypes; defined by subclasses."""
        raise NotImplementedError(
            f"{type(self).__name__} computes on the host, so its outputs cannot be inferred by "
            "tracing: define compute_output_spec(self, inputs), which returns KerasTensor(shape, "
            "dtype)"
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The output shape for inputs of these shapes (`None`: unknown)."""
        symbols = tree_of_symbols(input_shape, self.input_dtype)
        return jax.tree.map(lambda spec: spec.shape, self.compute_output_spec(symbols))

    def _host_arrays(self, value: Any) -> Any:
        """The call's inputs, lists of strings included, as checked numpy arrays."""
        what = f"layer {self.name!r} ({type(self).__name__})"
        if self.several and isinstance(value, list | tuple):
            found: Any = [host_arrays(one, f"input {i} of {what}") for i, one in enumerate(value)]
        else:
            found = host_arrays(value, f"the input of {what}")
        for leaf in tree.flatten(found):
            self._check_kind(leaf)
        return found

    def _check_kind(self, leaf: Any) -> None:
        shown, kinds, way_out = KINDS[self.takes]
        dtype = getattr(leaf, "dtype", None)
        kind = "U" if dtype == STRING else jnp.dtype(dtype).kind if dtype is not None else "-"
        if kind not in kinds:
            had = f"{leaf.name!r} of dtype {dtype}" if isinstance(leaf, SymbolicTensor) else dtype
            name = type(self).__name__
            raise TypeError(WRONG_KIND.format(self.name, name, shown, had, way_out))

    def on_host(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs as numpy arrays, floats in the layer's dtype."""
        args = tuple(map(self._host_arrays, args[:1])) + args[1:]
        return self.call(*args, **kwargs)

    def _run(self, args: tuple, kwargs: dict) -> Any:
        return jax.tree.map(on_device, super()._run(args, kwargs))

    def _record(self, args: tuple, kwargs: dict, ask: tuple = ()) -> Any:
        node = Node(self, args, kwargs)
        self.built = True
        outputs_of(node, self.compute_output_spec(*args, **kwargs))
        self._nodes.append(node)
        return node.outputs


def on_device(array: Any) -> Any:
    """A host layer's result for users: numbers on the device, strings unchanged."""
    return array if is_text(array) else jnp.asarray(array, canonical(array.dtype))


def is_text(value: Any) -> bool:
    """Whether an array or symbolic tensor holds strings.

    Example:
        >>> is_text(np.array(["a"])), is_text(np.ones(1))
        (True, False)
    """
    dtype = getattr(value, "dtype", None)
    if dtype is None:
        return isinstance(value, str | bytes)
    return dtype == STRING or getattr(dtype, "kind", "-") in "UOST"


def host_arrays(value: Any, what: str) -> Any:
    """A structure of array-likes as numpy arrays; a list of plain values becomes one array.

    Args:
        value: arrays, lists, pandas objects, or lists and dicts of these; symbolic tensors and
            `None` are kept.
        what: its name in messages.
    """
    if value is None or isinstance(value, SymbolicTensor):
        return value
    if isinstance(value, dict):
        return {key: host_arrays(child, f"{what}[{key!r}]") for key, child in value.items()}
    if isinstance(value, list | tuple) and not _is_plain(value):
        made = [host_arrays(child, f"{what}[{i}]") for i, child in enumerate(value)]
        return type(value)(*made) if hasattr(value, "_fields") else made
    return host_array(value, what)


def host_array(value: Any, what: str) -> np.ndarray:
    """Numbers or strings as a numpy array; strings of any kind as an array of `str`.

    Raises:
        TypeError: inside compiled code, or for values that are neither numbers nor strings.
        ValueError: for lists of different lengths.
    """
    if isinstance(value, jax.core.Tracer):
        raise TypeError(TRACED.format(what))
    if hasattr(value, "iloc"):  # pandas
        value = value.to_numpy()
    if isinstance(value, list | tuple | str | bytes):
        value = np.array(value, object) if isinstance(_first(value), str | bytes) else value
    try:
        array = np.asarray(value)
    except ValueError:  # numpy rejects lists of different lengths
        array = np.array(value, object)
    if array.dtype.kind == "T":
        array = array.astype(object)
    if array.dtype.kind == "S":
        return np.char.decode(array, "utf-8")
    return _of_objects(array, what) if array.dtype.kind == "O" else array


def _of_objects(array: np.ndarray, what: str) -> np.ndarray:
    """An array of Python objects as an array of `str`, or of numbers if it holds only those."""
    flat = array.ravel().tolist()
    kinds = set(map(type, flat))
    if kinds <= {str}:
        return array
    if all(issubclass(kind, bool | int | float | np.number) for kind in kinds):
        numbers = np.array(flat)
        if numbers.dtype.kind in "biuf" and not np.isnan(numbers).any():
            return numbers.reshape(array.shape)
    for place, item in np.ndenumerate(array):
        if isinstance(item, list | tuple | np.ndarray):
            lengths = [len(one) if hasattr(one, "__len__") else 1 for one in flat]
            raise ValueError(RAGGED.format(what, min(lengths), max(lengths)))
        if not isinstance(item, str | bytes):
            where = f"row {place[0]}" if place else "it"
            raise TypeError(NO_TEXT.format(what, item, where))
    made = np.empty(array.shape, object)
    made.ravel()[:] = [one.decode() if isinstance(one, bytes) else str(one) for one in flat]
    return made


def _first(value: Any) -> Any:
    """The initial value in nested lists."""
    while isinstance(value, list | tuple) and value:
        value = value[0]
    return value


def _is_plain(value: Any) -> bool:
    """Whether nested lists hold plain values and thus form one array."""
    return isinstance(_first(value), str | bytes | bool | int | float | np.generic)
