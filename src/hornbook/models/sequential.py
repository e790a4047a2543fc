"""`Sequential`: a stack of layers."""

from typing import Any, TypeGuard

import numpy as np

from hornbook.core import tree
from hornbook.core.config import custom_object_scope, deserialize, serialize
from hornbook.core.errors import door
from hornbook.core.symbolic import SymbolicTensor
from hornbook.core.variable import name_scope
from hornbook.layers.base import Layer
from hornbook.layers.calling import as_shape, convert, shape_of
from hornbook.layers.input import Input, InputLayer
from hornbook.layers.one_picture import PictureChain
from hornbook.models.functional import check_names
from hornbook.models.inputs import fits
from hornbook.models.model import Model

AS_LIST = """.
Wrong:  Sequential(Dense(3), Dense(1))
Right:  Sequential([Dense(3), Dense(1)])"""


class Sequential(PictureChain, Model):
    """A stack of layers, each with one input and one output.

    Args:
        layers: the layers, optionally with an `Input` first. With an input shape the model is built
            at once, without on the first data.
        trainable: whether training changes it.
        name: default `"sequential"`, numbered.

    Example:
        >>> import hornbook as keras
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> model.output_shape
        (None, 2)
    """

    @door
    def __init__(self, layers: list | None = None, trainable: bool = True, name: str | None = None):
        super().__init__(name=name)
        self._trainable = trainable
        self._stack: tuple[Layer, ...] = ()  # a tuple: lists are searched for changes
        if isinstance(layers, Layer):
            raise ValueError(f"a Sequential takes a list of layers, not {layers!r}{AS_LIST}")
        for layer in layers or []:
            self.add(layer, rebuild=False)
        self._rebuild()

    @door
    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Append a layer; one that is already in it is applied again, with the same weights.

        Args:
            layer: a layer, a model, or the tensor of an `Input` (first only).
            rebuild: whether to apply it now, if the input is known; else it is applied with the
                next one.

        Raises:
            ValueError: for anything else, or if it does not fit the output of the layer before.
        """
        if isinstance(layer, SymbolicTensor):
            layer = layer.node.op
        if not isinstance(layer, Layer):
            raise ValueError(f"a Sequential is made of layers, not of {layer!r}{_instead(layer)}")
        if isinstance(layer, InputLayer) and self._stack:
            raise ValueError(f"{self.name!r} already has layers; an Input can only be the first")
        check_names([*self._stack, layer])
        shape = layer._batch_input_shape
        if not self._stack and shape is not None and not isinstance(layer, InputLayer):
            self._stack = (Input(batch_shape=shape, dtype=layer.input_dtype).node.op,)
        elif not self._stack and _has_inputs(layer) and not tree.is_nested(layer._recorded.inputs):
            first = layer._recorded.input_list[0]
            self._stack = (Input(batch_shape=first.shape, dtype=first.dtype).node.op,)
        self._stack = (*self._stack, layer)
        if rebuild:
            self._rebuild()

    def pop(self, rebuild: bool = True) -> Layer:
        """Remove the last layer and return it."""
        if not self._stack:
            raise IndexError(f"there are no layers in {self.name!r}")
        layer = self._stack[-1]
        self._stack = self._stack[:-1]
        self._rebuild()
        return layer

    def _rebuild(self) -> None:
        """Record the stack again, if it begins with an input."""
        if not self._stack or not isinstance(self._stack[0], InputLayer):
            if self._recorded is not None:
                self._recorded = self._call_graph = None
                self.built = False
            if self._stack and _has_inputs(self._stack[0]):
                self._chain_inputs(self._stack[0])
            return
        graph = self._recorded
        with name_scope(self.name):
            if (
                graph is not None
                and len(self._stack) > 2
                and graph.output_list[0].node.op is self._stack[-2]
            ):
                self._set_graph(graph.inputs, self._stack[-1](graph.outputs))
            elif len(self._stack) > 1:
                self._chain(self._stack[0].output)

    def _check_names(self) -> None:
        """Nothing: each layer's name was checked when it was added."""

    def _chain_inputs(self, first: Model) -> None:
        """Record the stack for inputs like those of its first layer, a model of several."""
        graph, self._strict_shapes = first._recorded, first._strict_shapes
        with name_scope(self.name):
            self._chain(
                tree.map_structure(
                    lambda one: Input(batch_shape=one.shape, dtype=one.dtype, name=one.name),
                    graph.inputs,
                )
            )

    def _chain(self, symbol: Any) -> None:
        output = symbol
        for layer in self._stack:
            if not isinstance(layer, InputLayer):
                output = layer(output)
        self._set_graph(symbol, output)

    @door
    def build(self, input_shape: Any = None) -> None:
        """Build for inputs of a shape, including the batch size (`None` for any)."""
        if not self._stack:
            raise ValueError(f"{self.name!r} has no layers to build")
        if self._recorded is None and input_shape is not None:
            self._strict_shapes = False
            self._chain(self._inputs_of(as_shape(input_shape)))
        elif input_shape is not None and not tree.is_nested(self._recorded.inputs):
            self._check_shape(tuple(input_shape))
        self.built = True

    def _inputs_of(self, shape: Any) -> Any:
        """A symbolic input of a shape, or a structure of them for a structure of shapes."""
        if isinstance(shape, dict):
            return {key: self._inputs_of(child) for key, child in shape.items()}
        if isinstance(shape, list):
            return [self._inputs_of(child) for child in shape]
        size = shape if _stateful(self) else (None, *shape[1:])
        return Input(batch_shape=size, dtype=self._stack[0].input_dtype)

    def _check_shape(self, shape: tuple) -> None:
        known = self._recorded.inputs.shape
        if len(shape) != len(known) or not all(map(fits, shape[1:], known[1:])):
            raise ValueError(
                f"{self.name!r} is already built for inputs of shape {known}; it cannot be built "
                f"for {shape}"
            )

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Apply the layers in order."""
        if self._recorded is None:
            raise ValueError(f"{self.name!r} has no layers to call")
        if self._is_for_numpy(inputs):
            return self._by_parts(*self._match(inputs))
        return super().call(inputs, training, mask)

    @property
    def _host(self) -> Any:
        """The host stage; before the model has an input, that of its first layer."""
        if self._recorded is not None:
            return self._stage
        return self._stack[0]._host if self._stack else None

    def _adapt_inputs(self, x: Any) -> Any:
        if self._recorded is None and self._host is not None:
            self.build(shape_of(self._host_arrays(x)))
        return super()._adapt_inputs(x)

    def _argument(self, value: Any) -> Any:
        return super()._argument(value) if isinstance(value, np.ndarray) else convert(self, value)

    def _chained(self) -> list[Layer]:
        return self._layers_below()

    def _layers_below(self) -> list[Layer]:
        return [layer for layer in self._stack if not isinstance(layer, InputLayer)]

    def _owned(self):
        yield "_stack", self._stack
        yield from super()._owned()

    def get_config(self) -> dict:
        """The layers as plain data."""
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": self.dtype_policy.name,
            "layers": [serialize(layer) for layer in self._stack],
        }
        if self._recorded is not None:
            config["build_input_shape"] = self._recorded.input_list[0].shape
        return config

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> Any:
        """A model with layers made from their configs."""
        with custom_object_scope(custom_objects or {}):
            return cls._from_layers(config)

    @classmethod
    def _from_layers(cls, config: dict) -> Any:
        model = cls(name=config.get("name"))
        made: list[tuple[dict, Layer]] = []
        for one in config["layers"]:  # equal configs, with their names, are one layer twice
            layer = next((layer for given, layer in made if given == one), None)
            layer = layer or deserialize(one, family="layers")
            made.append((one, layer))
            model.add(layer)
        shape = config.get("build_input_shape")
        if model._recorded is None and shape and isinstance(shape, list | tuple):
            model.build(tuple(shape))
        if not config.get("trainable", True):
            model.trainable = False
        return model


def _instead(thing: Any) -> str:
    """A hint for something passed in place of a layer."""
    if isinstance(thing, type):
        return f": {thing.__name__}(...) makes one"
    if isinstance(thing, list | tuple):
        return ": add takes one layer at a time"
    return ": Lambda(function) makes one of a function" if callable(thing) else ""


def _has_inputs(layer: Layer) -> TypeGuard[Model]:
    """Whether a layer is a model whose inputs are known."""
    return isinstance(layer, Model) and layer._recorded is not None


def _stateful(model: Sequential) -> bool:
    return any(getattr(module, "stateful", False) for module in model._all_modules())


__all__ = ["Sequential", "tree"]
