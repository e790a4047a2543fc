"""A model as a table: layers, output shapes, numbers of parameters, connections."""

import shutil
from typing import Any

from hornbook.core import tree
from hornbook.core.symbolic import Node
from hornbook.layers.base import Layer

SIDE = 2  # spaces between columns


def summarize(
    model: Any,
    line_length: int | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
) -> str:
    """The text that `model.summary()` prints.

    Args:
        model: a model.
        line_length: width in characters; default the terminal's, at most 100.
        expand_nested: whether the layers of nested models are listed too.
        show_trainable: whether a column says which layers are trainable.
    """
    width = line_length or min(shutil.get_terminal_size((80, 24)).columns, 100)
    connected = _has_branches(model)
    header = ["Layer (type)", "Output shape", "Params"]
    header += ["Connected to"] if connected else []
    header += ["Trainable"] if show_trainable else []
    rows = list(_rows(model, connected, expand_nested, show_trainable))
    lines = [f"Model: {model.name} ({type(model).__name__})", *_table(header, rows, width)]
    return "\n".join([*lines, *_totals(model)])


def _rows(model, connected, expand, trainable, indent=0):
    for operation, nodes in _operations(model):
        name = getattr(operation, "name", None) or nodes[0].name
        kind = type(operation).__name__ if isinstance(operation, Layer) else "op"
        row = [f"{'  ' * indent}{name} ({kind})", _shape(operation, nodes), _params(operation)]
        if connected:
            row.append(", ".join(_sources(nodes)))
        if trainable:
            row.append("yes" if getattr(operation, "trainable", True) else "no")
        yield row
        if expand and getattr(operation, "layers", None):
            yield from _rows(operation, connected, expand, trainable, indent + 1)


def _operations(model) -> list[tuple[Any, list[Node]]]:
    """Each layer or op of a model, with its calls in the model's graph."""
    graph = getattr(model, "_graph", None)
    if graph is None:
        return [(layer, []) for layer in model.layers]
    calls: dict[int, list[Node]] = {}
    for node in [*graph.source_nodes, *graph.nodes]:
        calls.setdefault(id(node.op), []).append(node)
    found = [(op, calls.get(id(op), [])) for op in graph.operations()]
    hidden = {id(layer) for layer in getattr(model, "_stack", ())} - set(map(id, model.layers))
    return [(op, nodes) for op, nodes in found if id(op) not in hidden]


def _has_branches(model) -> bool:
    """Whether a list of layers alone does not say how they are connected."""
    graph = getattr(model, "_graph", None)
    if graph is None:
        return False
    return len(graph.input_list) > 1 or any(
        len(node.inputs) > 1
        or (i and node.inputs and node.inputs[0].node is not graph.nodes[i - 1])
        for i, node in enumerate(graph.nodes)
    )


def _sources(nodes) -> list[str]:
    return [t.node.name for node in nodes for t in node.inputs]


def _shape(operation, nodes) -> str:
    nodes = nodes or getattr(operation, "_nodes", [])
    shapes = list(dict.fromkeys(str(t.shape) for node in nodes for t in tree.walk(node.outputs)))
    shapes = shapes or [str(shape) for shape in vars(operation).get("_output_shapes", [])]
    return ", ".join(shapes) if shapes else "?"


def _params(operation) -> str:
    if not isinstance(operation, Layer):
        return "0"
    return f"{operation.count_params():,}" if operation.built else "not built"


def _table(header: list[str], rows: list[list[str]], width: int) -> list[str]:
    """Columns no wider than they need, shrunk in turn until they fit; long cells wrap."""
    columns = list(zip(header, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    room = width - SIDE * (len(widths) - 1)
    while sum(widths) > room and max(widths) > 6:
        widths[widths.index(max(widths))] -= 1
    line = "─" * min(width, sum(widths) + SIDE * (len(widths) - 1))
    text = [line, *_row(header, widths), line]
    for row in rows:
        text += _row(row, widths)
    return [*text, line]


def _row(cells: list[str], widths: list[int]) -> list[str]:
    wrapped = [_wrap(cell, width) for cell, width in zip(cells, widths, strict=True)]
    height = max(map(len, wrapped))
    lines = []
    for i in range(height):
        parts = [cell[i] if i < len(cell) else "" for cell in wrapped]
        padded = [
            part.rjust(width) if column == 2 else part.ljust(width)
            for column, (part, width) in enumerate(zip(parts, widths, strict=True))
        ]
        lines.append((" " * SIDE).join(padded).rstrip())
    return lines


def _wrap(text: str, width: int) -> list[str]:
    """Broken at spaces where there are any, else in the middle of a word."""
    lines, rest = [], text
    while len(rest) > width:
        cut = rest.rfind(" ", 1, width + 1)
        cut = cut if cut > 0 else width
        lines.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*lines, rest]


def _totals(model) -> list[str]:
    if not model.built:
        return [
            "The model is not built: call it on data, or build(input_shape), to see its weights."
        ]
    trainable = {id(v) for v in model.trainable_weights}
    groups = {
        "Total": model.weights,
        "Trainable": [v for v in model.weights if id(v) in trainable],
        "Not trainable": [v for v in model.weights if id(v) not in trainable],
    }
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and optimizer.variables:
        groups["Optimizer"] = list(optimizer.variables)
    return [f"{name} parameters: {_size(variables)}" for name, variables in groups.items()]


def _size(variables) -> str:
    count = sum(v.size for v in variables)
    size = float(sum(v.raw.nbytes for v in variables))
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            break
        size /= 1024
    return f"{count:,} ({size:.2f} {unit})" if unit != "B" else f"{count:,} ({int(size)} B)"
