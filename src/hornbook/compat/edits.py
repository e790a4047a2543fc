"""Edits of a program's source, at the positions that Python's parser reports."""

import ast
from typing import Any, NamedTuple

WAYS = {
    "name": "{name} has no equivalent today; it is imported from hornbook.{new}",
    "lost": "{name}({argument}=) has no equivalent today",
    "weights": "{name}(weights=): call set_weights once the model is built",
    "steps": "{name}: batches are counted, not samples; if the generator has no batch_size, "
    "write the number of batches",
    "classes": "predict_classes: for a model with one output unit use (model.predict(x) > 0.5)",
    "rate": "optimizer.lr: Keras 1 read the rate once, when training started, and ignored later "
    "assignments; today's learning_rate always counts",
    "unknown": "{name} is not known; docs/old_programs.md lists the known names",
    "mode": "merge(mode={mode}): use a Lambda, a Dot or a custom layer today",
}


class Left(NamedTuple):
    """Something that needs a manual check.

    Args:
        line: in the old program.
        text: what it is, and what to do today.
    """

    line: int
    text: str


class Edits:
    """The source of a program, edits of it, and what needs a manual check.

    Args:
        source: the program.
    """

    def __init__(self, source: str):
        self.text = source.encode()
        lines = self.text.splitlines(keepends=True)
        self.starts = [sum(map(len, lines[:i])) for i in range(len(lines) + 1)]
        self.tree = ast.parse(source)
        self.edits: list[tuple[int, int, bytes]] = []
        self.left: list[Left] = []

    def span(self, node: Any) -> tuple[int, int]:
        """Start and end offset of a node."""
        start = self.starts[node.lineno - 1] + node.col_offset
        return start, self.starts[node.end_lineno - 1] + node.end_col_offset

    def source(self, node: ast.AST) -> str:
        """The text of a node."""
        start, end = self.span(node)
        return self.text[start:end].decode()

    def put(self, start: int, end: int, text: str) -> None:
        """Replace the text from `start` to `end`."""
        if self.text[start:end] != text.encode():
            self.edits.append((start, end, text.encode()))

    def tell(self, node: Any, way: str, **about: Any) -> None:
        """List something."""
        self.left.append(Left(node.lineno, WAYS[way].format(**about)))

    def result(self) -> str:
        """The source with all edits applied; they never overlap."""
        text = self.text
        for start, end, new in sorted(self.edits, key=lambda edit: edit[:2], reverse=True):
            text = text[:start] + new + text[end:]
        return text.decode()

    def remove(self, node: ast.Call, argument: ast.AST) -> None:
        """Remove an argument and its comma."""
        start, end = self.span(argument)
        comma = self.text.rfind(b",", self.span(node.func)[1], start)
        first = self.text.rfind(b"(", self.span(node.func)[1], start)
        if comma > first or (comma > 0 and not _is_first(node, argument)):
            self.put(comma, end, "")
            return
        while self.text[end : end + 1] in (b",", b" "):
            end += 1
        self.put(start, end, "")

    def add_arguments(self, node: ast.Call, new: list[str]) -> None:
        """Add arguments at the end of a call."""
        end = self.span(node)[1] - 1
        before = self.text[self.span(node.func)[1] : end].rstrip()
        text = ", ".join(new)
        self.put(end, end, text if before.endswith((b"(", b",")) else f", {text}")


def _is_first(node: ast.Call, argument: ast.AST) -> bool:
    return argument is (node.args or node.keywords)[0]
