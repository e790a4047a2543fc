"""Functional models to plain data and back, in Keras 3's file format.

A config lists layers and ops, each with its calls (`inbound_nodes`). A tensor is named by its layer
or op, the index of the call, and the index of the output.
"""

from collections.abc import Callable
from typing import Any

from hornbook.core import tree
from hornbook.core.config import deserialize, serialize
from hornbook.core.graph import Graph
from hornbook.core.module import unused
from hornbook.core.operation import Operation
from hornbook.core.symbolic import Node, SymbolicTensor
from hornbook.core.variable import Variable
from hornbook.layers.base import Layer
from hornbook.layers.calling import arguments_of
from hornbook.layers.input import InputLayer
from hornbook.models.operations import describe_op, is_op, is_operator, normal_form, op_from
from hornbook.training.protocol import Known, Trainable

KEYS = ("name", "layers", "input_layers", "output_layers")
TENSOR = "__keras_tensor__"


def is_functional_config(config: dict) -> bool:
    """Whether a config describes a functional model."""
    return all(key in config for key in KEYS)


def _is_nested(operation: Any) -> bool:
    """Whether it is a functional model: Keras counts their calls from 1 in `output_layers`."""
    return getattr(operation, "_recorded", None) is not None and not hasattr(operation, "_stack")


# ---- to plain data


def get_config(model: Any) -> dict:
    """The graph of a functional model as plain data."""
    return _Writer(model).config()


class _Writer:
    """Assigns names to the operations of a graph, and places to its tensors."""

    def __init__(self, model: Any):
        self.model = model
        graph: Graph = model._call_graph
        self.calls: list[tuple[Any, str, list[Node]]] = []  # (operation, name, its calls)
        sources = [t.node for t in graph.input_list if isinstance(t.node.op, InputLayer)]
        of_layer: dict[Operation, list[Node]] = {}
        for node in graph.nodes:
            if isinstance(node.op, Operation):
                of_layer.setdefault(node.op, []).append(node)
        given = set(sources)
        taken = {op.name for op in [*of_layer, *(node.op for node in sources)]}
        for node in dict.fromkeys([*sources, *graph.nodes]):
            if not isinstance(node.op, Operation):
                taken.add(name := unused(str(node.name), taken))
                self.calls.append((node.op, name, [node]))
            elif node in given:
                self.calls.append((node.op, node.op.name, [node]))
            elif (calls := of_layer.pop(node.op, None)) is not None:
                made = {one: number for number, one in enumerate(node.op._nodes)}
                calls.sort(key=lambda one: made.get(one, 0))
                self.calls.append((node.op, node.op.name, calls))
        self.places: dict[SymbolicTensor, tuple[Any, str, int, int]] = {}
        for operation, name, nodes in self.calls:
            for i, node in enumerate(nodes):
                for j, tensor in enumerate(tree.flatten(node.outputs)):
                    self.places[tensor] = operation, name, i, j
        self.given: dict[SymbolicTensor, str] = {}
        for tensor in graph.input_list:
            if not isinstance(tensor.node.op, InputLayer):  # the graph starts inside another
                taken.add(name := unused(tensor.name or "input", taken))
                self.given[tensor] = name
                self.places[tensor] = None, name, 0, 0

    def config(self) -> dict:
        model = self.model
        layers = [
            _entry(serialize(InputLayer(batch_shape=t.shape, dtype=t.dtype, name=name)), name, [])
            for t, name in self.given.items()
        ]
        layers += [self._layer(*call) for call in self.calls]
        config = {
            "name": model.name,
            "trainable": model.trainable,
            "layers": layers,
            "input_layers": self._map(model._recorded.inputs, self._place),
            "output_layers": self._map(model._recorded.outputs, self._place),
        }
        if model._symbolic_losses:
            config["added_losses"] = [self._place(one) for one in model._symbolic_losses]
        return config

    def _layer(self, operation: Any, name: str, nodes: list[Node]) -> dict:
        if isinstance(operation, InputLayer):
            return _entry(serialize(operation), name, [])
        if isinstance(operation, Operation):
            calls = [self._call(node.args, node.kwargs) for node in nodes]
            return _entry(serialize(operation), name, calls)
        described, args, kwargs = describe_op(nodes[0], name)
        return _entry(described, name, [self._call(args, kwargs)])

    def _call(self, args: Any, kwargs: dict) -> dict:
        return {"args": self._values(list(args)), "kwargs": self._values(dict(kwargs))}

    def _values(self, values: Any) -> Any:
        if any(isinstance(leaf, Variable) for leaf in tree.walk(values)):
            raise ValueError(
                f"model {self.model.name!r} uses a Variable in its graph, which cannot be saved: "
                "put it into a layer, with add_weight in build and the computation in call"
            )
        return serialize(self._map(values, self._described))

    def _map(self, values: Any, fn: Callable) -> Any:
        if isinstance(values, dict):
            return {key: self._map(child, fn) for key, child in values.items()}
        if isinstance(values, list | tuple):
            mapped = [self._map(child, fn) for child in values]
            return tuple(mapped) if isinstance(values, tuple) else mapped
        return fn(values)

    def _described(self, value: Any) -> Any:
        if not isinstance(value, SymbolicTensor):
            return value
        _, name, call, output = self.places[value]
        history = [name, call, output]
        config = {"shape": list(value.shape), "dtype": value.dtype, "keras_history": history}
        return {"class_name": TENSOR, "config": config}

    def _place(self, tensor: SymbolicTensor) -> list:
        operation, name, call, output = self.places[tensor]
        return [name, call + _is_nested(operation), output]


def _entry(described: dict, name: str, calls: list) -> dict:
    return {**described, "name": name, "inbound_nodes": calls}


# ---- and back


class _Later(Exception):
    """A call needs the result of a call that has not been made yet."""


class _Reader:
    """The operations of a config by name, and the outputs of their calls."""

    def __init__(self, config: dict):
        self.operations: dict[str, Any] = {}
        self.outputs: dict[str, list[list]] = {}
        self.waiting: dict[str, list] = {}
        for data in config["layers"]:
            name = data.get("name") or data["config"]["name"]
            self.operations[name] = operation = self._operation(data)
            self.outputs[name] = []
            self.waiting[name] = list(data.get("inbound_nodes") or [])
            if isinstance(operation, InputLayer):
                self.outputs[name].append([operation.output])
        self._run()

    def _operation(self, data: dict) -> Any:
        if is_op(data):
            return op_from(data, deserialize(data["config"]))
        found = deserialize(data, family="layers")
        if not callable(found):
            raise ValueError(f"{data.get('class_name')!r} is neither a layer nor an op")
        return found

    def _run(self) -> None:
        """Make every call, each once its inputs are available."""
        while any(self.waiting.values()):
            progress = False
            for name, calls in self.waiting.items():
                while calls:
                    try:
                        args, kwargs = self._arguments(calls[0])
                    except _Later:
                        break
                    operation = self.operations[name]
                    if isinstance(calls[0], dict):
                        kwargs = _without_default_flag(operation, kwargs)
                    result = operation(*args, **kwargs)
                    self.outputs[name].append(tree.flatten(result))
                    calls.pop(0)
                    progress = True
            if not progress:
                left = [name for name, calls in self.waiting.items() if calls]
                raise ValueError(
                    f"the graph cannot be built: the inputs of {left[:5]} are never computed"
                )

    def _arguments(self, call: Any) -> tuple[list, dict]:
        if isinstance(call, dict):
            return self._values(call["args"]), self._values(call["kwargs"])
        return self._old_arguments(call)

    def _values(self, data: Any) -> Any:
        """Arguments, with descriptions of tensors replaced by the tensors."""
        if isinstance(data, dict) and data.get("class_name") == TENSOR:
            return self.tensor(*data["config"]["keras_history"])
        if isinstance(data, dict) and "class_name" not in data:
            return {key: self._values(child) for key, child in data.items()}
        if isinstance(data, list | tuple):
            values = [self._values(child) for child in data]
            return tuple(values) if isinstance(data, tuple) else _as_index(values)
        return deserialize(data)

    def _old_arguments(self, call: list) -> tuple[list, dict]:
        """Calls in the format of Keras 1 and 2: lists of [name, call, output, named arguments]."""
        tensors: list[SymbolicTensor] = []
        kwargs: dict[str, Any] = {}
        for name, number, output, *more in call:
            nested = isinstance(self.operations.get(name), Trainable)
            tensors.append(self.tensor(name, max(number - nested, 0), output))
            kwargs |= self._values(more[0]) if more else {}
        return [tensors[0] if len(tensors) == 1 else tensors], kwargs

    def tensor(self, name: str, call: int, output: int) -> SymbolicTensor:
        if name not in self.outputs:
            raise ValueError(f"the graph uses {name!r}, which is not among its layers")
        if call >= len(self.outputs[name]):
            raise _Later
        return self.outputs[name][call][output]

    def places(self, data: Any) -> Any:
        """The tensors named by `input_layers` or `output_layers`, in the same structure."""
        if isinstance(data, dict):
            return {key: self.places(child) for key, child in data.items()}
        if len(data) == 3 and isinstance(data[0], str):
            name, call, output = data
            nested = _is_nested(self.operations.get(name))
            try:
                return self.tensor(name, max(call - nested, 0), output)
            except _Later:
                raise ValueError(f"there is no call number {call} of {name!r}") from None
        places = [self.places(child) for child in data]
        return tuple(places) if isinstance(data, tuple) else places


def _without_default_flag(operation: Any, kwargs: dict) -> dict:
    """Named arguments without `training` if it is the default of the layer's `call`.

    Keras writes the flag of every call, given or not, and the flag of the model overrides it.
    """
    call = getattr(type(operation), "call", None)
    flag = kwargs.get("training")
    if call is None or not isinstance(flag, bool):
        return kwargs
    parameter = arguments_of(call).get("training")
    if parameter is None or parameter.default is not flag:
        return kwargs
    return {key: value for key, value in kwargs.items() if key != "training"}


def _as_index(values: list) -> list | tuple:
    """Restore the tuple of an index such as `x[:, 1]`, which JSON stores as a list."""
    return tuple(values) if any(isinstance(v, slice | type(...)) for v in values) else values


def from_config(cls: type, config: dict) -> Any:
    """A functional model from the result of `get_config`.

    Args:
        cls: its class, made as `cls(inputs=..., outputs=..., name=...)`.
        config: plain data.

    Raises:
        ValueError: if the data do not describe a valid graph.
    """
    reader = _Reader(config)
    own = arguments_of(cls.__init__)  # type: ignore[misc]
    more = {key: deserialize(value) for key, value in config.items() if key in own}
    model = cls(
        **more
        | {
            "inputs": reader.places(config["input_layers"]),
            "outputs": reader.places(config["output_layers"]),
            "name": config["name"],
        }
    )
    for loss in config.get("added_losses", ()):
        model.add_loss(reader.places(loss))
    if config.get("trainable") is False:
        model.trainable = False
    return model


# ---- flattened, for pickles and copies


class _Place:
    """A placeholder with a tensor's number."""

    def __init__(self, number: int):
        self.number = number


def pack(graph: Graph) -> dict:
    """A graph as a flat table, so that deep graphs do not recurse.

    Returns:
        A dictionary of tensors (shape, dtype, name, mask) and of calls whose arguments name them.
    """
    tensors = list(graph.input_list)
    for node in graph.nodes:
        tensors += [t for t in tree.flatten(node.outputs) if t not in graph.given]
    numbers = {tensor: number for number, tensor in enumerate(tensors)}

    def placed(values):
        return _replaced(values, lambda t: _Place(numbers[t]))

    calls = []
    for node in graph.nodes:
        target, args, kwargs = node.op, node.args, node.kwargs
        form = normal_form(node) if is_operator(target) else None
        if form is not None:
            _, target, args, kwargs = form
        calls.append((target, placed(args), placed(kwargs), placed(node.outputs)))
    return {
        "tensors": [(t.shape, t.dtype, t.name, _mask_of(t)) for t in tensors],
        "sources": [_source(t) for t in graph.input_list],
        "calls": calls,
        "inputs": placed(graph.inputs),
        "outputs": placed(graph.outputs),
    }


def _source(tensor: SymbolicTensor) -> Any:
    op = tensor.node.op
    return op if isinstance(op, InputLayer) else None


def _mask_of(tensor: SymbolicTensor) -> Any:
    return None if tensor.mask is None else (tensor.mask.shape, tensor.mask.dtype)


def unpack(packed: dict) -> Graph:
    """The graph that `pack` flattened; restores the calls recorded on its layers."""
    tensors = []
    for shape, dtype, name, mask in packed["tensors"]:
        tensor = SymbolicTensor(shape, dtype, name=name)
        if mask is not None:
            tensor.mask = SymbolicTensor(mask[0], mask[1], name=f"{name}_mask")
        tensors.append(tensor)

    def found(values):
        return _replaced(values, lambda place: tensors[place.number], _Place)

    for tensor, source in zip(tensors, packed["sources"], strict=False):
        tensor.node = Node(source)
        tensor.node.outputs = tensor
        if source is not None:
            source._nodes = [tensor.node]
    for target, args, kwargs, outputs in packed["calls"]:
        node = Node(target, found(args), found(kwargs))
        node.outputs = found(outputs)
        for tensor in node.output_list:
            tensor.node = node
        if isinstance(target, Operation):
            target._nodes.append(node)
    return Graph(found(packed["inputs"]), found(packed["outputs"]))


def _replaced(values: Any, fn: Callable, kind: type = SymbolicTensor) -> Any:
    if isinstance(values, kind):
        return fn(values)
    if isinstance(values, dict):
        return {key: _replaced(child, fn, kind) for key, child in values.items()}
    if isinstance(values, list | tuple):
        made = [_replaced(child, fn, kind) for child in values]
        return type(values)(*made) if hasattr(values, "_fields") else type(values)(made)
    return values


def check_names(layers: list[Layer]) -> None:
    """Raise if two layers have the same name."""
    seen: dict[str, Layer] = {}
    for layer in layers:
        if seen.setdefault(layer.name, layer) is not layer:
            raise ValueError(
                f"two layers of a model are named {layer.name!r}; names must be unique, since "
                "files and reports use them"
            )


def known_outputs(graph: Graph) -> Known:
    """What a graph knows about its outputs: names, symbolic tensors and activations."""
    tensors = tree.flatten(graph.outputs)
    if isinstance(graph.outputs, dict) and len(graph.outputs) == len(tensors):
        names = sorted(graph.outputs)
    else:
        names = []
        for tensor in tensors:
            names.append(unused(getattr(tensor.node.op, "name", None) or tensor.node.name, names))
    return Known(names, graph.outputs, dict(zip(names, map(_activation_of, tensors), strict=True)))


def _activation_of(tensor: SymbolicTensor) -> Any:
    """The activation function that computes a tensor, looking through nested models."""
    op = tensor.node.op
    if isinstance(op, Trainable) and (inner := op._known_outputs().specs) is not None:
        return _activation_of(tree.flatten(inner)[0])
    inner = getattr(op, "layer", None)
    for one in (op, inner):
        activation = getattr(one, "activation", None)
        if activation is not None:
            return activation
    return type(op).__name__.lower() if isinstance(op, Layer) else tensor.node.name
