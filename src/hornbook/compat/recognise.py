"""Detect the library, and its generation, that a program is written for."""

import ast
from collections import Counter
from contextlib import suppress
from importlib.util import decode_source
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import hornbook
from hornbook.compat.python2 import todays_syntax
from hornbook.dialects import keras1, keras2, keras3, tensorflow, tensorflow1, theano
from hornbook.dialects.files import FLIPPED

DIALECTS: dict[str, ModuleType] = {
    "keras1": keras1,
    "keras2": keras2,
    "keras3": keras3,
    "tfkeras": tensorflow,
    "tf1": tensorflow1,
    "theano": theano,
}
# Modules that have names which Keras 3 has dropped.
GONE = ("backend", "engine", "legacy", "objectives", "wrappers")
SPLIT = ("layers", "utils", "preprocessing")  # had a module for each kind: keras.layers.core
IN_BOTH = {"output_dim="}  # Embedding has always had it
ROOTS = ("keras", "keras_hub", "keras_tuner")
TRACKERS = ("wandb.integration.keras.", "mlflow.keras.MlflowCallback")  # need recent Keras
# Names of TensorFlow that programs for Keras use for setup, and those of TensorFlow 1 alone.
OF_BOTH = ("Tensor", "Variable", "__version__", "keras")
COMPAT = "tensorflow.compat."
SESSIONS = (  # those that decide
    "ConfigProto GPUOptions InteractiveSession Session disable_eager_execution disable_v2_behavior "
    "placeholder set_random_seed"
).split()
# Keywords of TensorFlow's functions that TensorFlow 2 does not take.
OLD_KEYWORDS = ("keep_dims", "keep_prob", "reduction_indices", "squeeze_dims")
# Functions of Keras whose results are TensorFlow's data sets, with its methods and tensors.
DATA_SETS = (
    "audio_dataset_from_directory",
    "image_dataset_from_directory",
    "text_dataset_from_directory",
    "timeseries_dataset_from_array",
)
OLDER = ("keras1", "keras2")  # whose names and keywords differ from today's


class Recognised(NamedTuple):
    """What a program is written for.

    Args:
        generation: `"keras1"`, `"keras2"`, `"keras3"`; `"tfkeras"`, `"tf1"` or `"theano"` if it
            imports TensorFlow or Theano and not keras; `None` if it imports none of them.
        why: the names and keywords that show it.
        backend: `"theano"` if a program for Keras 1 or 2 imports Theano and not TensorFlow, or
            sets `KERAS_BACKEND` to it; else `None`.
    """

    generation: str | None
    why: tuple[str, ...]
    backend: str | None = None


def recognise(source: str, path: str = "<program>", folder: Path | None = None) -> Recognised:
    """Detect what a program is written for, from its imports, names and keywords.

    Args:
        source: the program, in Python 3 syntax.
        path: for messages.
        folder: the program's folder; modules that it imports from there are read too.

    Raises:
        SyntaxError: if it is not valid Python.

    Example:
        >>> recognise("from keras.layers import Dense\\nDense(8, init='uniform')")
        Recognised(generation='keras1', why=('init=',), backend=None)
        >>> recognise("import numpy").generation is None
        True
    """
    trees = [ast.parse(source, path)]
    trees += _modules(trees[0], folder) if folder else []
    program = ast.Module([statement for tree in trees for statement in tree.body], [])
    found = _generation(program)
    on_theano = found.generation in OLDER and _on_theano(program)
    return found._replace(backend="theano" if on_theano else None)


def _on_theano(program: ast.AST) -> bool:
    """Whether a program for an old Keras ran on Theano."""
    roots = _roots(program)
    said = _backends(program, FLIPPED)
    return bool(said) or ("theano" in roots and "tensorflow" not in roots)


def _generation(program: ast.Module) -> Recognised:
    """What a program and its modules are written for, without the backend."""
    paths = _paths(program)
    today = [path for path in paths if _is_of_today(path)]
    today += _backends(program, keras3.SIGNS["backends"])
    if {"tensorflow", "tf_keras"} & {*_roots(program)} and not _imports_keras(program):
        older, newer = _of_tensorflow(program)
        if len(older) > len(newer):
            return Recognised("tf1", tuple(older[:3]))
        return Recognised("tfkeras", ("tensorflow",))
    if not _imports_keras(program):
        if "hornbook" in _roots(program):
            return Recognised("keras3", ("hornbook",))
        return Recognised("theano" if "theano" in _roots(program) else None, ())
    lacking = {one: [path for path in paths if _lacks(DIALECTS[one], path)] for one in OLDER}
    for one, other in (("keras1", "keras2"), ("keras2", "keras1")):
        if lacking[other] and not lacking[one]:  # it would fail as the other
            return _with_tensorflow(program, Recognised(one, tuple(lacking[other][:3])))
    found = _signs(program)
    votes = {
        generation: [sign for sign in found if sign in _known(DIALECTS[generation])]
        for generation in OLDER
    }
    # names of Keras 1 alone decide, unless most are of Keras 2, which accepted Keras 1's keywords
    first, second = votes["keras1"], votes["keras2"]
    weight = sum(found[sign] for sign in first), sum(found[sign] for sign in second)
    if first and weight[0] >= weight[1] and len(today) < len(first):
        return Recognised("keras1", _most(first, found))
    gone = [path for path in paths if _is_gone(path)]
    if len(today) > len(gone):
        return _with_tensorflow(program, Recognised("keras3", tuple(today[:3])))
    found_as = Recognised("keras2", _most(second, found))
    return found_as if gone else _with_tensorflow(program, found_as)


def _with_tensorflow(program: ast.AST, found: Recognised) -> Recognised:
    """For tf.keras if a program for Keras 2 or 3 also uses names or data sets of TensorFlow 2."""
    paths = _paths(program, ("tensorflow",))
    new = [
        path
        for path in paths
        if not _lacks(tensorflow, path)
        and path not in tensorflow.MODULES
        and path.split(".")[1] not in OF_BOTH
    ] + [path for path in _paths(program) if path.endswith(DATA_SETS)]
    if found.generation == "keras1" or not new or _of_tensorflow(program)[0]:
        return found
    return Recognised("tfkeras", (new[0], *found.why[:2]))


def _of_tensorflow(program: ast.AST) -> tuple[list[str], list[str]]:
    """The names of TensorFlow 1 alone that a program uses, and those of TensorFlow 2 alone."""
    paths = _paths(program, ("tensorflow",))
    plain = [path for path in paths if not path.startswith((COMPAT, "tensorflow.keras"))]
    graphs = [path for path in paths if path.rpartition(".")[2] in SESSIONS]
    first = [p for p in plain if _lacks(tensorflow, p) and not _lacks(tensorflow1, p)]
    first += _old_keywords(program)
    second = [p for p in plain if _lacks(tensorflow1, p) and not _lacks(tensorflow, p)]
    return list(dict.fromkeys([*graphs, *first])), [] if graphs else second


def _most(signs: list[str], found: Counter) -> tuple[str, ...]:
    return tuple(sorted(signs, key=lambda sign: -found[sign])[:3])


def _known(dialect) -> set[str]:
    return {*dialect.SIGNS["names"], *(f"{key}=" for key in dialect.SIGNS["keywords"])}


def _modules(program: ast.Module, folder: Path) -> list[ast.Module]:
    """The modules next to a program that it imports, directly or indirectly."""
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


def _roots(program: ast.AST) -> set[str]:
    return {module.split(".")[0] for module in _imported(program)}


def _imports_keras(program: ast.AST) -> bool:
    return "keras" in _roots(program)


def _places(program: ast.AST) -> dict[str, str]:
    """The full names of what a program imports, by the names that it gives them."""
    places: dict[str, str] = {}
    for node in ast.walk(program):
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.split(".")[0]
                places[alias.asname or root] = alias.name if alias.asname else root
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                places[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return places


def _old_keywords(program: ast.AST) -> list[str]:
    """The keywords of TensorFlow 1 that a program passes to functions of TensorFlow."""
    places = _places(program)
    ours = {name for name, path in places.items() if path.split(".")[0] == "tensorflow"}
    return [
        f"{keyword.arg}="
        for node in ast.walk(program)
        if isinstance(node, ast.Call) and ast.unparse(node.func).partition(".")[0] in ours
        for keyword in node.keywords
        if keyword.arg in OLD_KEYWORDS
    ]


def _paths(program: ast.AST, roots: tuple[str, ...] = ROOTS) -> list[str]:
    """The dotted names of keras, or of other roots, that a program uses, in order."""
    places = _places(program)
    found = dict.fromkeys(places.values())
    for node in ast.walk(program):
        if isinstance(node, ast.Attribute):
            first, _, rest = ast.unparse(node).partition(".")
            if first in places and rest.replace(".", "").isidentifier():  # no call in between
                found[f"{places[first]}.{rest}"] = None
    trackers = TRACKERS if roots is ROOTS else ()
    ours = [path for path in found if path.split(".")[0] in roots or path.startswith(trackers)]
    return [path for path in ours if not any(one.startswith(f"{path}.") for one in ours)]


def _lacks(dialect: Any, path: str) -> bool:
    """Whether a generation lacks a name."""
    parts = path.split(".")
    places = (".".join(parts[:depth]) for depth in range(len(parts), 0, -1))
    module = next((place for place in places if place in dialect.MODULES), None)
    if module is None or module == path or path == f"{module}.*":
        return module is None
    name = path.removeprefix(f"{module}.").partition(".")[0]
    groups = dialect.MODULES[module].split()
    known = {"top": " ".join(dialect.TOP.values()).split(), "leaks": [*dialect.LEAKS.split(), "K"]}
    return not any(
        name in (known.get(group) or dialect.FAMILIES[group])
        or name in keras1.LIBRARIES.get(group, ())
        for group in groups
    )


def _is_of_today(path: str) -> bool:
    """Whether a name is new in Keras 3."""
    if any(path == sign or path.startswith(f"{sign}.") for sign in keras3.SIGNS["names"]):
        return True
    module, _, name = path.rpartition(".")
    if module not in ("keras.layers", "keras.utils", "keras.losses", "keras.metrics"):
        return False
    known = keras2.FAMILIES[module.partition(".")[2]]
    return name not in known and name in getattr(hornbook, module.partition(".")[2]).__all__


def _is_gone(path: str) -> bool:
    """Whether a name of Keras 2 is gone from Keras 3."""
    _, place, *rest = [*path.split("."), "", ""]
    split = place in SPLIT and f"keras.{place}.{rest[0]}" in keras2.MODULES
    kept = place == "backend" and rest[0] in dir(hornbook.backend)
    return bool(rest[0]) and place in GONE and not kept or split


def _backends(program: ast.AST, known: Any) -> list[str]:
    """Assignments such as `os.environ["KERAS_BACKEND"] = "jax"` of known backends, as text."""
    return [
        f"KERAS_BACKEND={node.value.value}"
        for node in ast.walk(program)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        and node.value.value in known
        and "KERAS_BACKEND" in ast.unparse(node.targets[0])
    ]


def _signs(program: ast.AST) -> Counter:
    """How often a program uses each name and keyword."""
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
            named = {f"{keyword.arg}=" for keyword in node.keywords if keyword.arg}
            found.update(
                named - (IN_BOTH if ast.unparse(node.func).endswith("Embedding") else set())
            )
            if isinstance(node.func, ast.Name):
                found[node.func.id] += 1
    return found
