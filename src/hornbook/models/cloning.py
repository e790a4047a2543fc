"""Copies of models with new weights, and models from JSON."""

from collections.abc import Callable
from typing import Any

from hornbook.core import tree
from hornbook.core.config import custom_object_scope, deserialize, serialize
from hornbook.core.errors import door
from hornbook.core.symbolic import SymbolicTensor
from hornbook.dialects.files import format_of
from hornbook.layers.base import Layer
from hornbook.layers.input import Input, InputLayer
from hornbook.models.model import Model
from hornbook.models.sequential import Sequential
from hornbook.saving.configs import model_today
from hornbook.saving.policy import parse_json


def model_from_json(json_string: str, custom_objects: dict | None = None) -> Any:
    """A model with new weights from the output of `model.to_json()`, of this or an older Keras.

    Args:
        json_string: the JSON.
        custom_objects: classes and functions by name, in addition to the registered ones.

    Raises:
        ValueError: if it is not JSON, or names an unregistered object.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> model_from_json(model.to_json()).output_shape
        (None, 2)
    """
    return model_from_config(parse_json(json_string, "the model"), custom_objects)


def model_from_config(config: dict, custom_objects: dict | None = None) -> Any:
    """A model with new weights from its class and config as plain data.

    Args:
        config: the parsed JSON of a model.
        custom_objects: classes and functions by name, in addition to the registered ones.

    Raises:
        ValueError: if it names an unregistered object, or is a list (the config of a Sequential).
    """
    if isinstance(config, list):
        raise ValueError(
            "a list is the config of a Sequential: pass it as "
            '{"class_name": "Sequential", "config": [...]}'
        )
    with custom_object_scope(custom_objects or {}):
        if isinstance(config, dict) and "module" not in config and "class_name" in config:
            config = model_today(config, format_of(config.get("keras_version", "2")))
        return deserialize(config, family="models")


@door
def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable | None = None,
    recursive: bool = False,
) -> Any:
    """A copy of a model, with new layers and new weights.

    A shared layer is copied once. If the model is compiled, so is the copy.

    Args:
        model: functional or sequential, or of a class with `get_config`.
        input_tensors: symbolic tensors to build on, in the structure of the model's inputs; default
            new ones.
        clone_function: maps a layer to its replacement (not called for inputs); default a new layer
            made from its config.
        call_function: `(layer, *args, **kwargs)` calls the new layer; functional models only.
        recursive: whether nested models are cloned with these functions too.

    Raises:
        ValueError: for `input_tensors`, `clone_function` or `call_function` that the model does not
            support.

    Example:
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> copy = clone_model(model, clone_function=lambda layer: layer)
        >>> copy.layers[0] is model.layers[0]
        True
    """
    return _clone(model, input_tensors, _Cloner(clone_function, call_function, recursive))


class _Cloner:
    """Maps each layer to its single copy."""

    def __init__(self, clone: Callable | None, call: Callable | None, recursive: bool):
        self.clone, self.call, self.recursive = clone, call, recursive
        self.made: dict[int, Any] = {}

    def __call__(self, layer: Any) -> Any:
        if not isinstance(layer, Layer):
            return layer
        if id(layer) not in self.made:
            self.made[id(layer)] = self._copy(layer)
        return self.made[id(layer)]

    def _copy(self, layer: Layer) -> Layer:
        if self.recursive and isinstance(layer, Model) and layer._recorded is not None:
            return _clone(layer, None, self)
        if self.clone is not None:
            return self.clone(layer)
        return copy_of(layer)


def copy_of(layer: Layer) -> Layer:
    """A new layer from a layer's config; classes need not be registered."""
    known = {type(module).__name__: type(module) for module in layer._all_modules()}
    with custom_object_scope(known):
        return type(layer).from_config(layer.get_config())


def _clone(model: Model, inputs: Any, cloner: _Cloner) -> Any:
    if isinstance(model, Sequential):
        made = _clone_sequential(model, inputs, cloner)
    elif model._recorded is not None:
        made = _clone_functional(model, inputs, cloner)
    elif inputs is not None or cloner.clone or cloner.call:
        raise ValueError(
            f"{model.name!r} ({type(model).__name__}) is neither functional nor sequential: its "
            "computation is in its call method, so only clone_model(model) can copy it"
        )
    else:
        described = serialize(model)
        known = {type(m).__name__: type(m) for m in model._all_modules()}
        return deserialize(described, known, family="models")
    if model.compiled:
        config = model.get_compile_config()
        if config:
            made.compile_from_config(config)
    return made


def _clone_sequential(model: Sequential, inputs: Any, cloner: _Cloner) -> Sequential:
    if cloner.call is not None and not cloner.recursive:
        raise ValueError("call_function is for functional models; a Sequential only lists layers")
    layers = [cloner(one) for one in model._stack if not isinstance(one, InputLayer)]
    first = model._stack[0] if model._stack else None
    if inputs is not None:
        leaves = tree.flatten(inputs)
        if len(leaves) != 1 or not isinstance(leaves[0], SymbolicTensor):
            raise ValueError(
                f"input_tensors of a Sequential is one symbolic tensor, not {inputs!r}"
            )
        layers = [_own_input(leaves[0]), *layers]
    elif isinstance(first, InputLayer):
        layers = [InputLayer.from_config(first.get_config()), *layers]
    made = type(model)(layers, name=model.name)
    if model.built and not made.built:
        made.build(model._recorded.input_list[0].shape)
    return made


def _own_input(tensor: SymbolicTensor) -> Any:
    if isinstance(tensor.node.op, InputLayer):
        return tensor
    return Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name)


def _clone_functional(model: Model, inputs: Any, cloner: _Cloner) -> Model:
    graph = model._call_graph
    if inputs is None:
        inputs = tree.map_structure(
            lambda t: Input(batch_shape=t.shape, dtype=t.dtype, name=t.name), graph.inputs
        )
    given = tree.flatten(inputs)
    if len(given) != len(graph.input_list) or not all(isinstance(t, SymbolicTensor) for t in given):
        raise ValueError(
            f"input_tensors must be symbolic tensors in the form of the model's inputs, "
            f"{graph.inputs!r}; got {inputs!r}"
        )

    def call(operation: Any, args: tuple, kwargs: dict) -> Any:
        new = cloner(operation)
        if cloner.call is not None and isinstance(operation, Layer):
            return cloner.call(new, *args, **kwargs)
        return new(*args, **kwargs)

    outputs = graph.run(given, call)
    losses: list = []
    if model._symbolic_losses:
        outputs, losses = outputs["outputs"], outputs["losses"]
    cls = type(model) if model._is_functional() else Model
    made = cls(inputs=inputs, outputs=outputs, name=model.name)
    if losses:
        made.add_loss(losses)
    return made
