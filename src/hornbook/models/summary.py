"""A model as a table: layers, output shapes, numbers of parameters, connections."""

import re
import shutil
from collections.abc import Iterator
from typing import Any

from hornbook.core import tree
from hornbook.core.config import nearest
from hornbook.core.symbolic import Node
from hornbook.layers.base import Layer

SIDE = 2  # spaces between columns
NARROWEST = 6  # a column of names
# The columns; names may be broken within a word if there is no room.
NAME, SHAPE, PARAMS, CONNECTED, TRAINABLE = COLUMNS = (
    "Layer (type)",
    "Output Shape",
    "Param #",
    "Connected to",
    "Trainable",
)
OF_NAMES = {NAME, CONNECTED}
NOT_BUILT = "The model is not built: call it on data, or build(input_shape), to see its weights."


def summarize(
    model: Any,
    line_length: int | None = None,
    positions: list | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: list | tuple | None = None,
) -> str:
    """The text that `model.summary()` prints.

    Args:
        model: a model.
        line_length: width in characters; default the terminal's, at most 100.
        positions: ends of the columns, in characters or as fractions of the width.
        expand_nested: whether to list the layers of nested models too.
        show_trainable: whether to add a column that shows which layers are trainable.
        layer_range: the first and last layer to list: names, or regular expressions for them.

    Raises:
        ValueError: if `layer_range` matches no layer.
    """
    width = line_length or min(shutil.get_terminal_size((80, 24)).columns, 100)
    rows = list(_rows(_range(called(model), layer_range), expand_nested))
    left_out = set() if _has_branches(model) else {CONNECTED}
    left_out |= set() if show_trainable else {TRAINABLE}
    header = [column for column in COLUMNS if column not in left_out]
    table = _table(header, [[row[c] for c in header] for row in rows], width, positions)
    return "\n".join([f'Model: "{model.name}"', *table, *_totals(model), ""])


Called = tuple[str, Any, list[Node]]  # name in the table, layer or op, its calls


def _rows(operations: list[Called], expand: bool, indent: str = "") -> Iterator[dict[str, str]]:
    names = {id(node): name for name, _, nodes in operations for node in nodes}
    for name, operation, nodes in operations:
        is_layer = isinstance(operation, Layer)
        kind = type(operation).__name__ if is_layer else re.sub(r"_\d+$", "", name).title()
        trainable = is_layer and bool(operation.weights)
        yield {
            NAME: f"{indent}{name} ({kind.replace('_', '')})",
            SHAPE: _shape(operation, nodes),
            PARAMS: _params(operation),
            CONNECTED: ", ".join(_sources(nodes, names)) or "-",
            TRAINABLE: ("yes" if operation.trainable else "no") if trainable else "-",
        }
        if expand and hasattr(operation, "_layers_below"):
            yield from _rows(called(operation), expand, indent + "  ")


def called(model: Any) -> list[Called]:
    """Each layer or op of a model, with its calls in the model's graph."""
    graph = getattr(model, "_recorded", None)
    if graph is None:
        return [(layer.name, layer, []) for layer in model.layers]
    listed = set(map(id, model.layers))
    names = {layer.name for layer in model.layers}
    found = []
    for nodes in graph.calls():
        operation = nodes[0].op
        if not isinstance(operation, Layer):
            found.append((_free(nodes[0].name, names), operation, nodes))
        elif id(operation) in listed:
            found.append((operation.name, operation, nodes))
    return found


def _free(name: str, taken: set[str]) -> str:
    """The name, numbered if taken; it is added to `taken`."""
    free, number = name, 0
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    taken.add(free)
    return free


def _range(operations: list[Called], wanted: list | tuple | None) -> list[Called]:
    if wanted is None:
        return operations
    names = [name for name, _, _ in operations]
    ends: list[int] = []
    for pattern in wanted:
        found = [i for i, name in enumerate(names) if re.match(pattern, name)]
        if len(wanted) != 2 or not found:
            raise ValueError(
                f"layer_range={wanted!r} names the first and the last layer to list; "
                f"there is no {pattern!r}. {nearest(str(pattern), names)}"
            )
        ends.append(found[-1] if ends else found[0])
    return operations[min(ends) : max(ends) + 1]


def _has_branches(model) -> bool:
    """Whether the graph is not a simple chain of layers."""
    graph = getattr(model, "_recorded", None)
    if graph is None:
        return False
    return len(graph.input_list) > 1 or any(
        len(node.inputs) > 1
        or (i and node.inputs and node.inputs[0].node is not graph.nodes[i - 1])
        for i, node in enumerate(graph.nodes)
    )


def _sources(nodes: list[Node], names: dict[int, str]) -> list[str]:
    found = [names.get(id(t.node)) for node in nodes for t in node.inputs]
    return [name for name in found if name]  # skips a Sequential's hidden input


def _shape(operation, nodes) -> str:
    nodes = nodes or getattr(operation, "_nodes", [])
    shapes = list(dict.fromkeys(str(t.shape) for node in nodes for t in tree.walk(node.outputs)))
    shapes = shapes or [str(shape) for shape in vars(operation).get("_output_shapes", [])]
    return ", ".join(shapes) if shapes else "?"


def _params(operation) -> str:
    if not isinstance(operation, Layer):
        return "0"
    return f"{operation.count_params():,}" if operation.built else "0 (unbuilt)"


def _table(header: list[str], rows: list[list[str]], width: int, positions: Any) -> list[str]:
    """Columns no wider than they need, shrunk in turn until they fit; long cells wrap.

    Only names are broken within a word; shapes and numbers always get the room they need.
    """
    columns = list(zip(header, *rows, strict=True))
    if positions:
        ends = [int(end if end > 1 else end * width) for end in positions]
        widths = [end - start - SIDE for start, end in zip([-SIDE, *ends], [*ends, width])]
        widths = [max(NARROWEST, w) for w in widths[: len(header)]]
    else:
        widths = [max(map(len, column)) for column in columns]
        least = [
            NARROWEST if title in OF_NAMES else max(len(word) for c in column for word in c.split())
            for title, column in zip(header, columns, strict=True)
        ]
        room = width - SIDE * (len(widths) - 1)
        while sum(widths) > room and widths != least:
            _, widest = max((w, i) for i, w in enumerate(widths) if w > least[i])
            widths[widest] -= 1
    line = "─" * (sum(widths) + SIDE * (len(widths) - 1))
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
    """Wrap text at spaces, else after a `_` or `/`, else anywhere."""
    indent = len(text) - len(text.lstrip())
    lines, rest = [], text
    while len(rest) > width:
        cut = rest.rfind(" ", indent + 1, width + 1)
        if cut < 0:
            cut = 1 + max(rest.rfind(mark, indent + 1, width) for mark in "_/")
        cut = cut if cut > indent else width
        lines.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
        indent = 0
    return [*lines, rest]


def _totals(model) -> list[str]:
    if not model.built:
        return [NOT_BUILT]
    trainable = {id(v) for v in model.trainable_weights}
    groups = {
        "Trainable": [v for v in model.weights if id(v) in trainable],
        "Non-trainable": [v for v in model.weights if id(v) not in trainable],
    }
    optimizer = model.optimizer if getattr(model, "compiled", False) else None
    if optimizer is not None and optimizer.built:
        groups["Optimizer"] = list(optimizer.variables)
    groups = {"Total": [v for group in groups.values() for v in group], **groups}
    return [f"{name} params: {_size(variables)}" for name, variables in groups.items()]


def _size(variables) -> str:
    count = sum(v.size for v in variables)
    size = float(sum(v.raw.nbytes for v in variables))
    units = iter(("B", "KB", "MB", "GB", "TB"))
    unit = next(units)
    while size >= 1024 and unit != "TB":
        size, unit = size / 1024, next(units)
    return f"{count:,} ({size:.2f} {unit})"
