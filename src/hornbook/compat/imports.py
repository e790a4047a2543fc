"""What the names of an old program refer to, and their imports today."""

import ast
from collections.abc import Iterator
from typing import Any, NamedTuple

from hornbook.compat.edits import Edits
from hornbook.dialects.row import Row

COMPAT = "compat."
HEAD = "import hornbook as keras"


class Found(NamedTuple):
    """What a name in a program refers to: a module of keras, or a row of a table."""

    place: str  # "keras.layers.core" or "keras.layers.core.Dense"
    family: str = ""
    row: Row | None = None


class Imported(Edits):
    """A program whose imports of keras are resolved, and rewritten at the end.

    Args:
        source: the program.
        dialect: the module of `dialects/` it is written for.
    """

    def __init__(self, source: str, dialect: Any):
        super().__init__(source)
        self.dialect = dialect
        self.bound: dict[str, Found] = {}  # by local name
        self.heads: set[str] = set()
        self.used: set[str] = set()  # local names that the ported program uses

    def rows(self, module: str) -> dict[str, Found]:
        """The names of a module of the old keras."""
        dialect = self.dialect
        found: dict[str, Found] = {}
        for family in reversed(dialect.MODULES[module].split()):
            if family == "leaks":
                leaks = {name: Found(f"keras.{name}") for name in dialect.LEAKS.split()}
                found |= leaks | {"K": Found("keras.backend")}
            elif family == "top":
                for kind, named in dialect.TOP.items():
                    rows = dialect.FAMILIES[kind]
                    found |= {n: Found(f"keras.{n}", kind, rows[n]) for n in named.split()}
            else:
                rows = dialect.FAMILIES[family]
                found |= {n: Found(f"{module}.{n}", family, row) for n, row in rows.items()}
        return found

    def find(self, node: ast.AST) -> Found | None:
        """What a name or a chain of attributes refers to."""
        if isinstance(node, ast.Name):
            return self.bound.get(node.id)
        if isinstance(node, ast.Attribute):
            owner = self.find(node.value)
            if owner is None or owner.row is not None:
                return None
            place = f"{owner.place}.{node.attr}"
            if place in self.dialect.MODULES:
                return Found(place)
            if owner.place in self.dialect.MODULES:
                return self.rows(owner.place).get(node.attr) or Found(place, "unknown")
        return None

    def today(self, found: Found, node: ast.AST) -> str:
        """Today's spelling of a name, as an attribute of `keras`."""
        if found.row is None:
            return found.place
        if found.row.new.startswith(COMPAT):
            self.tell(node, "name", name=found.place.rpartition(".")[2], new=found.row.new)
            self.heads.add(f"import hornbook.{found.row.new.rpartition('.')[0]}")
            return f"hornbook.{found.row.new}"
        if found.row.new.startswith("data."):  # not exported by `keras`
            self.heads.add("import hornbook.data")
            return f"hornbook.{found.row.new}"
        self.heads.add(HEAD)
        return f"keras.{found.row.new}"

    # ---- imports

    def bind(self, node: ast.Import | ast.ImportFrom) -> None:
        """Record what the names of an import refer to."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "keras":
                    place = alias.name if alias.asname else "keras"
                    self.bound[alias.asname or "keras"] = Found(place)
        elif _is_keras(node):
            node.names = list(self.spelled(node, str(node.module)))
            rows = self.rows(str(node.module)) if node.module in self.dialect.MODULES else {}
            for alias in node.names:
                place = f"{node.module}.{alias.name}"
                found = rows.get(alias.name)
                if found is None:
                    known = place in self.dialect.MODULES
                    found = Found(place, "" if known else "unknown")
                    if not known:
                        self.tell(node, "unknown", name=place)
                self.bound[alias.asname or alias.name] = found

    def edit_import(self, node: ast.Import | ast.ImportFrom) -> None:
        """Import each name from its place today."""
        if isinstance(node, ast.Import):
            kept = [ast.unparse(a) for a in node.names if a.name.split(".")[0] != "keras"]
            if len(kept) < len(node.names):
                self.heads.add(HEAD)
                self.replace_import(node, [f"import {', '.join(kept)}"] if kept else [])
        elif _is_keras(node):
            by_place: dict[str, list[str]] = {}
            for alias in node.names:
                for place, shown in self.todays_import(node, alias):
                    by_place.setdefault(place, []).append(shown)
            lines = [
                f"from {place} import {', '.join(dict.fromkeys(names))}"
                for place, names in by_place.items()
            ]
            self.replace_import(node, lines)

    def todays_import(self, node: ast.ImportFrom, alias: ast.alias) -> list[tuple[str, str]]:
        """Today's module and name, with any `as`, for an old import; empty if there is none."""
        local = alias.asname or alias.name
        found = self.bound[local]
        if found.family == "unknown":
            return [(todays_place(str(node.module)), ast.unparse(alias))]
        if found.row is None:
            return []
        where, _, name = found.row.new.rpartition(".")
        if found.row.new.startswith(COMPAT):
            if local not in self.used:
                return []
            self.tell(node, "name", name=alias.name, new=found.row.new)
        return [(f"hornbook.{where}", f"{name} as {alias.asname}" if alias.asname else name)]

    def spelled(self, node: ast.ImportFrom, module: str) -> Iterator[ast.alias]:
        """The names of an import; for a star import, those that the program uses."""
        for alias in node.names:
            if alias.name != "*":
                yield alias
            elif module in self.dialect.MODULES:
                used = {one.id for one in ast.walk(self.tree) if isinstance(one, ast.Name)}
                yield from (ast.alias(n) for n in self.rows(module) if n in used - {*self.bound})

    def replace_import(self, node: ast.stmt, lines: list[str]) -> None:
        """Replace an import by several."""
        start, end = self.span(node)
        indent = b" " * node.col_offset
        if lines:
            self.put(start, end, f"\n{indent.decode()}".join(lines))
        elif node.col_offset:
            self.put(start, end, "pass")
        else:  # the whole line
            after = self.text.find(b"\n", end)
            empty = not self.text[end:after].strip()
            self.put(start, after + 1 if empty and after >= 0 else end, "")


def _is_keras(node: ast.ImportFrom) -> bool:
    return not node.level and (node.module or "").split(".")[0] == "keras"


def todays_place(place: str) -> str:
    """Today's place of a module of old keras."""
    return "hornbook" + place.removeprefix("keras")
