"""Which library, and which generation of it, a program is written for."""

import ast
from collections import Counter
from types import ModuleType
from typing import NamedTuple

from hornbook.dialects import keras1, keras2

DIALECTS: dict[str, ModuleType] = {"keras1": keras1, "keras2": keras2}
PYTHON_2 = (
    "{path}, line {line}: this is Python 2, which cannot be run as it is ({message}). "
    "Translate it first: `pip install fissix`, then `fissix-fix -w {path}`"
)


class Recognised(NamedTuple):
    """What a program is written for.

    Args:
        generation: `"keras1"`, `"keras2"`, or `None` if it does not import keras.
        why: the names and keywords that say so.
    """

    generation: str | None
    why: tuple[str, ...]


class OldPython(SyntaxError):
    """A program is written in Python 2."""


def recognise(source: str, path: str = "<program>") -> Recognised:
    """What a program is written for, by its imports, names and keywords.

    Args:
        source: the program's text.
        path: for messages.

    Raises:
        OldPython: for Python 2.
        SyntaxError: for a text that is no Python at all.

    Example:
        >>> recognise("from keras.layers import Dense\\nDense(8, init='uniform')")
        Recognised(generation='keras1', why=('init=',))
        >>> recognise("import numpy").generation is None
        True
    """
    try:
        program = ast.parse(source, path)
    except SyntaxError as error:
        if _is_python_2(error):
            text = PYTHON_2.format(path=path, line=error.lineno, message=error.msg)
            raise OldPython(text) from None
        raise
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


def _is_python_2(error: SyntaxError) -> bool:
    message = error.msg or ""
    return any(
        sign in message
        for sign in ("Missing parentheses in call to", "multiple exception types", "0o prefix")
    )


def _imports_keras(program: ast.AST) -> bool:
    for node in ast.walk(program):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            modules = [node.module or ""]
        else:
            continue
        if any(module.split(".")[0] == "keras" for module in modules):
            return True
    return False


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
