"""Which library, and which generation of it, a program is written for."""

import ast
from collections import Counter
from contextlib import suppress
from importlib.util import decode_source
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from hornbook.compat.python2 import todays_syntax
from hornbook.dialects import keras1, keras2

DIALECTS: dict[str, ModuleType] = {"keras1": keras1, "keras2": keras2}


class Recognised(NamedTuple):
    """What a program is written for.

    Args:
        generation: `"keras1"`, `"keras2"`, or `None` if it does not import keras.
        why: the names and keywords that say so.
    """

    generation: str | None
    why: tuple[str, ...]


def recognise(source: str, path: str = "<program>", folder: Path | None = None) -> Recognised:
    """What a program is written for, by its imports, names and keywords.

    Args:
        source: the program's text, in today's syntax.
        path: for messages.
        folder: where modules lie that belong to the program; they are looked at too.

    Raises:
        SyntaxError: for a text that is no Python at all.

    Example:
        >>> recognise("from keras.layers import Dense\\nDense(8, init='uniform')")
        Recognised(generation='keras1', why=('init=',))
        >>> recognise("import numpy").generation is None
        True
    """
    trees = [ast.parse(source, path)]
    trees += _modules(trees[0], folder) if folder else []
    program = ast.Module([statement for tree in trees for statement in tree.body], [])
    if not _imports_keras(program):
        return Recognised(None, ())
    found = _signs(program)
    votes = {
        generation: [sign for sign in found if sign in _known(dialect)]
        for generation, dialect in DIALECTS.items()
    }
    # what only Keras 1 has decides, unless most of the program is of Keras 2, which took it too
    first, second = votes["keras1"], votes["keras2"]
    weight = sum(found[sign] for sign in first), sum(found[sign] for sign in second)
    generation = "keras1" if first and weight[0] >= weight[1] else "keras2"
    return Recognised(generation, tuple(sorted(votes[generation], key=lambda s: -found[s])[:3]))


def _known(dialect) -> set[str]:
    return {*dialect.SIGNS["names"], *(f"{key}=" for key in dialect.SIGNS["keywords"])}


def _modules(program: ast.Module, folder: Path) -> list[ast.Module]:
    """The modules beside a program that it imports, and those that they import."""
    found: dict[str, ast.Module] = {}
    waiting = [program]
    while waiting:
        for name in _imported(waiting.pop()) - {*found}:
            path = folder.joinpath(*name.split(".")).with_suffix(".py")
            if path.is_file():
                with suppress(SyntaxError, UnicodeDecodeError, ImportError):
                    text = decode_source(path.read_bytes())
                    found[name] = ast.parse(todays_syntax(text, str(path)), str(path))
                    waiting.append(found[name])
    return list(found.values())


def _imported(program: ast.AST) -> set[str]:
    """The modules that a program imports."""
    found: set[str] = set()
    for node in ast.walk(program):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module or "")
    return found


def _imports_keras(program: ast.AST) -> bool:
    return any(module.split(".")[0] == "keras" for module in _imported(program))


def _signs(program: ast.AST) -> Counter:
    """How often each name that is imported or looked up, and each keyword, stands in a program."""
    found: Counter = Counter()
    for node in ast.walk(program):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "keras":
            found.update(alias.name for alias in node.names)
            found[node.module or ""] += 1
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.Attribute):
            found[node.attr] += 1
        elif isinstance(node, ast.FunctionDef):
            found[node.name] += 1
        elif isinstance(node, ast.Call):
            found.update(f"{keyword.arg}=" for keyword in node.keywords if keyword.arg)
            if isinstance(node.func, ast.Name):
                found[node.func.id] += 1
    return found
