"""Imports point down one table, are at the top of files, and need only core dependencies."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "hornbook"

# One row a rank, lowest first. A module may import its own row and those above it in this table.
# A room may stand here before it is built. A module with a row of its own is not of its folder's.
# `hornbook` is the public door, src/hornbook/__init__.py.
ORDER = """
dialects
about core
distribution
kernels
ops
initializers activations regularizers constraints random quantizers
formulas
layers preprocessing
losses metrics optimizers
saving
preprocessing.feature_space
training
models
data plot
datasets utils visualization
applications integrations distillation
backend callbacks config dtype_policies legacy mixed_precision tree
preprocessing.image preprocessing.sequence preprocessing.text
serve tune wrappers
compat hornbook
demo
cli
"""
RANK = {name: rank for rank, row in enumerate(ORDER.split("\n")) for name in row.split()}

IMPORTS_NOTHING = {"dialects", "kernels"}  # of this package
ANYBODY_MAY_IMPORT = {  # know nothing of it
    "hornbook.core.origins",
    "hornbook.core.placement",
    "hornbook.core.processor",
}
MAY_IMPORT_ANYTHING = {"compat"}
ONLY_IMPORTED_BY = {
    "compat": {"compat", "hornbook", "cli"},
    "dialects": {"dialects", "saving", "models", "compat"},  # files of all generations, programs
}
MODEL = {"layers", "preprocessing", "losses", "metrics", "optimizers", "models"}
NEVER_IMPORTS = {"data": MODEL, "datasets": MODEL, "distribution": MODEL | {"training"}}
# The doors, lazy until asked: here a first-party import may stand inside a function.
MAY_IMPORT_LATE = {"compat", "hornbook", "cli", "__main__"}
NEED_THEIRS = {"integrations"}  # each file there needs the library that it is named after
NEEDS_ITS = {"compat/keras/scikit_learn.py"}  # loaded by programs that import it
CORE_DEPENDENCIES = {"h5py", "jax", "jaxlib", "numpy"}


def room(module: str) -> str:
    """The name in ORDER of a module (`"hornbook.layers.dense"`): the longest that fits."""
    _, *parts = module.split(".")
    names = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
    return next((name for name in names if name in RANK), parts[0] if parts else "hornbook")


def owner(path: Path) -> str:
    """The name in ORDER that a file belongs to."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return room(".".join(parts).removesuffix(".__init__"))


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports(tree: ast.AST, late: bool = False) -> Iterator[tuple[str, int, bool]]:
    """(module, line, inside a function) of every import that runs."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno, late) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module == "hornbook":
                for alias in node.names:
                    module = f"hornbook.{alias.name}" if alias.name in RANK else "hornbook"
                    yield module, node.lineno, late
            else:
                yield "." * node.level + (node.module or ""), node.lineno, late
        elif not is_type_checking(node):
            inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from imports(node, late or inside)


@cache
def all_imports() -> list[tuple[Path, str, int, bool]]:
    files = sorted(PACKAGE.rglob("*.py"))
    return [(path, *found) for path in files for found in imports(ast.parse(path.read_text()))]


def first_party() -> Iterator[tuple[str, str, str, bool]]:
    """(place, importing name of ORDER, imported name of ORDER, inside a function)."""
    for path, module, line, late in all_imports():
        if module.split(".")[0] == "hornbook" and module not in ANYBODY_MAY_IMPORT:
            yield f"{path.relative_to(PACKAGE.parent)}:{line}", owner(path), room(module), late


def direction_errors(place: str, source: str, target: str) -> Iterator[str]:
    if source in MAY_IMPORT_ANYTHING or source == target:
        return
    if source in IMPORTS_NOTHING:
        yield f"{place}: {source} must import nothing of hornbook, but imports {target}"
    elif RANK[target] > RANK[source]:
        yield f"{place}: {source} must not import {target}, which stands later in the table"
    elif target in NEVER_IMPORTS.get(source, ()):
        yield f"{place}: {source} must know nothing of {target}"
    if source not in ONLY_IMPORTED_BY.get(target, {source}):
        yield f"{place}: only {sorted(ONLY_IMPORTED_BY[target])} may import {target}"


def test_every_module_stands_in_the_table():
    names = {owner(path) for path in PACKAGE.rglob("*.py")} - {"__main__"}
    assert not names - set(RANK), f"add to ORDER in {__file__}: {sorted(names - set(RANK))}"


def test_imports_point_down_the_table():
    errors = [
        error
        for place, source, target, _ in first_party()
        if source in RANK and target in RANK
        for error in direction_errors(place, source, target)
    ]
    assert not errors, "\n".join(errors)


def test_no_first_party_import_inside_a_function():
    errors = [
        f"{place}: import {target} at the top of the file"
        for place, source, target, late in first_party()
        if late and source not in MAY_IMPORT_LATE
    ]
    assert not errors, "\n".join(errors)


def test_modules_import_only_core_dependencies_at_the_top():
    known = CORE_DEPENDENCIES | sys.stdlib_module_names | {"hornbook"}
    errors = [
        f"{path.relative_to(PACKAGE.parent)}:{line}: import {module} where it is used"
        for path, module, line, late in all_imports()
        if not late
        and module.split(".")[0] not in known
        and owner(path) not in NEED_THEIRS
        and path.relative_to(PACKAGE).as_posix() not in NEEDS_ITS
    ]
    assert not errors, "\n".join(errors)


@pytest.mark.parametrize(
    ("source", "target", "allowed"),
    [
        ("layers", "ops", True),
        ("losses", "metrics", True),
        ("ops", "layers", False),
        ("kernels", "core", False),
        ("core", "hornbook", False),
        ("demo", "hornbook", True),
        ("demo", "compat", False),
        ("compat", "cli", True),
        ("dialects", "core", False),
        ("saving", "dialects", True),
        ("layers", "dialects", False),
        ("data", "training", True),
        ("data", "layers", False),
        ("data", "models", False),
        ("layers", "data", False),
        ("datasets", "data", True),
        ("data", "datasets", False),
        ("datasets", "models", False),
        ("layers", "preprocessing", True),
        ("preprocessing", "layers", True),
        ("preprocessing", "data", False),
        ("preprocessing.text", "data", True),
        ("training", "distribution", True),
        ("distribution", "core", True),
        ("distribution", "layers", False),
        ("distribution", "training", False),
        ("applications", "models", True),
        ("applications", "data", True),
        ("applications", "compat", False),
        ("models", "applications", False),
        ("compat", "applications", True),
        ("applications", "dialects", False),
    ],
)
def test_the_direction_rule(source, target, allowed):
    assert (not list(direction_errors("here", source, target))) == allowed


def test_a_module_belongs_to_the_room_that_names_it_best():
    assert room("hornbook.preprocessing.text") == "preprocessing.text"
    assert room("hornbook.preprocessing.lookup") == "preprocessing"
    assert room("hornbook.layers.recurrent.lstm") == "layers"
    assert room("hornbook") == "hornbook"


def test_imports_are_found_wherever_they_stand():
    code = """
import numpy as np
from hornbook import layers, Model
if TYPE_CHECKING:
    from hornbook.models import Sequential
class A:
    from hornbook.core import tree
    def f(self):
        if self:
            import hornbook.saving
"""
    assert list(imports(ast.parse(code))) == [
        ("numpy", 2, False),
        ("hornbook.layers", 3, False),
        ("hornbook", 3, False),
        ("hornbook.core", 7, False),
        ("hornbook.saving", 10, True),
    ]
