"""A diagram in Graphviz's DOT language."""

from collections.abc import Iterator

from hornbook.plot.boxes import Box, Group


def dot_text(group: Group, rankdir: str, dpi: int, subgraph: bool = False) -> str:
    """The DOT source of a diagram.

    Args:
        group: boxes and arrows.
        rankdir: `"TB"`, `"BT"`, `"LR"` or `"RL"`.
        dpi: resolution of bitmaps.
        subgraph: whether to write a subgraph of another graph.
    """
    numbers = {box: f"box{i}" for i, box in enumerate(group.all_boxes())}
    head = f"subgraph {_quoted('cluster_' + group.title)}" if subgraph else "digraph G"
    lines = [f"{head} {{", f"rankdir={rankdir};", f"dpi={dpi};", "node [shape=plaintext];"]
    if subgraph:
        lines.append(f"label={_quoted(group.title)};")
    lines += _members(group, numbers)
    lines += [f"{numbers[a]} -> {numbers[b]};" for a, b in group.all_arrows()]
    return "\n".join([*lines, "}", ""])


def _members(group: Group, numbers: dict[Box, str]) -> Iterator[str]:
    for box in group.boxes:
        yield f"{numbers[box]} [label=<{_label(box)}>];"
    for i, inner in enumerate(group.groups):
        first = numbers[inner.all_boxes()[0]] if inner.all_boxes() else f"empty{i}"
        yield f"subgraph cluster_{first} {{"
        yield f"label={_quoted(inner.title)};"
        yield from _members(inner, numbers)
        yield "}"


def _label(box: Box) -> str:
    rows = [f"<b>{_escaped(box.title)}</b>", *(_escaped(f"{k}: {v}") for k, v in box.rows)]
    cells = "".join(f"<tr><td>{row}</td></tr>" for row in rows)
    return f'<table border="0" cellborder="1" cellspacing="0">{cells}</table>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
