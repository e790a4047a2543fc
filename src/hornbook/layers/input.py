"""Inputs of functional models: the symbolic tensor and the layer behind it."""

from typing import Any

from hornbook.core.dtype import standardize_dtype
from hornbook.core.module import auto_name
from hornbook.core.symbolic import Node, SymbolicTensor
from hornbook.layers.arguments import WHOLE
from hornbook.layers.base import Layer


class InputLayer(Layer):
    """The layer behind `Input`.

    Args:
        shape: shape of one sample; `None` for unknown sizes.
        batch_size: number of samples in a batch, if fixed.
        dtype: dtype of the data; default `floatx()`.
        sparse, ragged: must be false: only dense arrays are supported.
        batch_shape: shape including the batch size, instead of `shape` and `batch_size`.
        input_tensor: an existing symbolic tensor to use as the input.
        optional: whether the input may be `None`.
        name: name of the input.

    Raises:
        ValueError: if not exactly one of `shape` and `batch_shape` is given, for data that is not
            dense, or if `input_tensor` is not symbolic or contradicts the other arguments.

    Example:
        >>> InputLayer(shape=(3,)).output.shape
        (None, 3)
    """

    _transforms = True

    def __init__(
        self,
        shape: tuple | int | None = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        batch_shape: tuple | None = None,
        input_tensor: SymbolicTensor | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ):
        if kwargs.get("input_shape") is not None:  # Keras 2
            shape = kwargs.pop("input_shape")
        if kwargs.get("batch_input_shape") is not None:
            batch_shape = kwargs.pop("batch_input_shape")
        super().__init__(name=name or auto_name("input_layer"), **kwargs)
        if input_tensor is not None:
            check_tensor(input_tensor, shape, batch_size, batch_shape, dtype)
            shape, batch_size, batch_shape = None, None, input_tensor.shape
            dtype = input_tensor.dtype
        for kind, wanted in {"sparse": sparse, "ragged": ragged}.items():
            if wanted:
                raise ValueError(f"input {self.name!r} is {kind}: only dense arrays are supported")
        if (shape is None) == (batch_shape is None) or (batch_size and batch_shape is not None):
            raise ValueError(
                "an Input takes either shape (of one sample), with or without batch_size, or "
                "batch_shape"
            )
        if shape is not None:
            batch_shape = (batch_size, *((shape,) if isinstance(shape, WHOLE) else shape))
        sizes = tuple(batch_shape or ())
        bad = [s for s in sizes if s is not None and (not isinstance(s, WHOLE) or s < 0)]
        if bad:
            raise ValueError(
                f"an Input's sizes must be non-negative integers or None, not {bad[0]!r}"
            )
        self.batch_shape = tuple(None if size is None else int(size) for size in sizes)
        self.optional = optional
        self._given_dtype = standardize_dtype(dtype)
        self.sparse = self.ragged = False
        self.built = True
        self._start(input_tensor)

    def _start(self, tensor: SymbolicTensor | None = None) -> None:
        """Create the symbolic tensor, or use the given one."""
        node = Node(self)
        if tensor is None:
            tensor = SymbolicTensor(self.batch_shape, self.input_dtype, name=self.name, node=node)
        tensor.node, node.outputs = node, tensor
        self._nodes = [node]

    def __setstate__(self, state: dict) -> None:
        vars(self).update(state)
        self._start()

    @property
    def input_dtype(self) -> str:
        """The dtype of the data."""
        return self._given_dtype

    dtype = input_dtype

    def call(self, inputs: Any = None) -> Any:
        """Return the input."""
        return inputs

    def get_config(self) -> dict:
        """Shape, dtype and name as plain data."""
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.input_dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
            "optional": self.optional,
        }

    @classmethod
    def from_config(cls, config: dict) -> "InputLayer":
        """Create an input from what `get_config` returned, here or in an older Keras."""
        config = dict(config)
        if "batch_input_shape" in config:  # Keras 1 and 2
            config["batch_shape"] = config.pop("batch_input_shape")
        return cls(**config)


def check_tensor(
    tensor: Any, shape: Any, batch_size: int | None, batch_shape: Any, dtype: Any
) -> None:
    """Raise a `ValueError` unless a tensor is symbolic and matches the other arguments."""
    if not isinstance(tensor, SymbolicTensor):
        raise ValueError(f"an Input takes a symbolic tensor, not {tensor!r}")
    given = {
        "shape": (shape, tensor.shape[1:]),
        "batch_size": (batch_size, *tensor.shape[:1]),
        "batch_shape": (batch_shape, tensor.shape),
        "dtype": (dtype and standardize_dtype(dtype), tensor.dtype),
    }
    for name, (wanted, *found) in given.items():
        wanted = tuple(wanted) if isinstance(wanted, list) else wanted
        if wanted is not None and [wanted] != found:
            raise ValueError(f"the Input's {name} {wanted!r} does not match the tensor {tensor!r}")


def Input(
    shape: tuple | int | None = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool = False,
    ragged: bool = False,
    batch_shape: tuple | None = None,
    name: str | None = None,
    tensor: Any = None,
    optional: bool = False,
) -> SymbolicTensor:
    """Create a symbolic input tensor of a functional model.

    Args:
        shape: shape of one sample; `None` for unknown sizes.
        batch_size: number of samples in a batch, if fixed.
        dtype: dtype of the data; default `floatx()`.
        sparse, ragged: must be false: only dense arrays are supported.
        batch_shape: shape including the batch size, instead of `shape` and `batch_size`.
        name: name of the input; data may be passed to the model by this name.
        tensor: a symbolic tensor to return unchanged; the other arguments must match it.
        optional: whether the input may be `None`.

    Raises:
        ValueError: if not exactly one of `shape` and `batch_shape` is given, or for data that is
            not dense.

    Example:
        >>> Input(shape=(28, 28), name="image").shape
        (None, 28, 28)
    """
    if tensor is not None:
        check_tensor(tensor, shape, batch_size, batch_shape, dtype)
        return tensor
    return InputLayer(
        shape, batch_size, dtype, sparse, ragged, batch_shape, optional=optional, name=name
    ).output
