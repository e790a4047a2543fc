"""A model as boxes, one per layer or op, and the arrows between them."""

from dataclasses import dataclass, field
from typing import Any

from hornbook.core import tree
from hornbook.layers.base import Layer
from hornbook.models.summary import called


@dataclass(frozen=True)
class Show:
    """What a box shows besides the class of the layer.

    Args:
        shapes: the shapes of inputs and outputs.
        dtype: the dtype of the outputs.
        names: the layer's name.
        activations: the name of its activation, if it has one.
        trainable: whether it is trainable.
        nested: whether to draw the layers of nested models.
    """

    shapes: bool = False
    dtype: bool = False
    names: bool = True
    activations: bool = False
    trainable: bool = False
    nested: bool = False


@dataclass(eq=False)
class Box:
    """One layer or op: a title, and rows of (label, value)."""

    title: str
    rows: list[tuple[str, str]] = field(default_factory=list)


@dataclass(eq=False)
class Group:
    """A model: its boxes, its nested models, and the arrows between them."""

    title: str
    boxes: list[Box] = field(default_factory=list)
    groups: list["Group"] = field(default_factory=list)
    arrows: list[tuple[Box, Box]] = field(default_factory=list)

    def all_boxes(self) -> list[Box]:
        """Its boxes, including those of nested models."""
        return [*self.boxes, *(box for group in self.groups for box in group.all_boxes())]

    def all_arrows(self) -> list[tuple[Box, Box]]:
        """Its arrows, including those of nested models."""
        return [*self.arrows, *(arrow for group in self.groups for arrow in group.all_arrows())]


def boxes_of(model: Any, show: Show) -> Group:
    """The boxes and arrows of a model.

    Args:
        model: a model; an unbuilt one is drawn as a chain of its layers.
        show: what the boxes show.
    """
    return _group(model, show)[0]


Ends = tuple[list[Box], list[Box]]  # boxes where incoming arrows end and outgoing arrows start


def _group(model: Any, show: Show) -> tuple[Group, Ends]:
    group = Group(model.name)
    graph = getattr(model, "_recorded", None)
    parts: dict[int, Ends] = {}
    chain: list[Ends] = []
    operations = called(model)
    for name, operation, nodes in operations:
        if show.nested and hasattr(operation, "_layers_below") and operation.layers:
            inner, ends = _group(operation, show)
            group.groups.append(inner)
        else:
            box = Box(_title(name, operation, show), _rows(operation, nodes, show))
            group.boxes.append(box)
            ends = [box], [box]
        chain.append(ends)
        parts |= {id(node): ends for node in nodes}
    if graph is None:
        _connect(group, zip(chain, chain[1:]))
        return group, (chain[0][0], chain[-1][1])
    links = [
        (parts[id(tensor.node)], parts[id(node)])
        for _, _, nodes in operations
        for node in nodes
        for tensor in node.inputs
        if id(tensor.node) in parts
    ]
    _connect(group, links)
    inputs = set(graph.input_list)
    heads = [
        box
        for _, _, nodes in operations
        for node in nodes
        if not node.inputs or (inputs & {*node.inputs} and not _has_source(node, parts, inputs))
        for box in parts[id(node)][0]
    ]
    tails = [box for tensor in graph.output_list for box in parts.get(id(tensor.node), ([], []))[1]]
    return group, (list(dict.fromkeys(heads)), list(dict.fromkeys(tails)))


def _has_source(node: Any, parts: dict, inputs: set) -> bool:
    """Whether one of the model's inputs that it reads has its own box."""
    return any(id(tensor.node) in parts for tensor in node.inputs if tensor in inputs)


def _connect(group: Group, links: Any) -> None:
    for (_, tails), (heads, _) in links:
        group.arrows += [(tail, head) for tail in tails for head in heads]
    group.arrows = list(dict.fromkeys(group.arrows))


def _title(name: str, operation: Any, show: Show) -> str:
    kind = type(operation).__name__ if isinstance(operation, Layer) else name.title()
    return f"{name} ({kind})" if show.names and isinstance(operation, Layer) else kind


def _rows(operation: Any, nodes: list, show: Show) -> list[tuple[str, str]]:
    rows = []
    activation = getattr(operation, "activation", None)
    if show.activations and activation is not None:
        rows.append(("activation", getattr(activation, "__name__", type(activation).__name__)))
    nodes = nodes or getattr(operation, "_nodes", [])
    outputs = [tensor for node in nodes[:1] for tensor in tree.walk(node.outputs)]
    if show.shapes:
        inputs = [tensor for node in nodes[:1] for tensor in node.inputs]
        rows += [("input", _shapes(inputs))] if inputs else []
        rows.append(("output", _shapes(outputs)))
    if show.dtype:
        rows.append(("dtype", ", ".join(dict.fromkeys(str(one.dtype) for one in outputs)) or "?"))
    if show.trainable and isinstance(operation, Layer) and operation.weights:
        rows.append(("trainable", "yes" if operation.trainable else "no"))
    return rows


def _shapes(tensors: list) -> str:
    return ", ".join(str(tuple(one.shape)) for one in tensors) or "?"
