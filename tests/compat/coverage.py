"""The fraction of names in real programs that are supported, and covered by a test.

`counts.tsv` counts the uses of each name in some 240 programs, by generation. A name *resolves* if
it is found where an old program looks for it. It is *tried* if it resolves and a test, or a program
that the tests run, uses it beyond importing it.

    python -m tests.compat.coverage [--missing]
"""

import argparse
import ast
import importlib
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext, redirect_stdout
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hornbook.compat.install import installed

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SOURCES = (HERE, ROOT / "examples" / "lessons")

# A generation's columns in the table, and what has to be installed to try its names.
GENERATIONS = {
    "Keras 1": (("K1", "K1x"), "keras1"),
    "Keras 2": (("K2", "K2x"), "keras2"),
    "Theano": (("TH", "K1"), "theano"),
    "tf.keras": (("tfk",), None),
    "Keras 3": (("K3",), None),
}
INSTALLED = ("keras1", "keras2", "theano")
THEANO = re.compile(r"theano\b|T\.")
TENSORFLOW = re.compile(r"tf\.|<(dataset|session|tape|strategy)>")
OBJECT = re.compile(r"(?:theano)?<(\w+)>(?:self)?\.?(\w*)")


class Share(NamedTuple):
    """Uses of a generation's names: all, those that resolve, those that a test tries."""

    uses: int
    resolved: int
    tried: int
    missing: dict[str, int]


def counts() -> dict[str, dict[str, int]]:
    """Uses of each name by column."""
    header, *rows = (HERE / "counts.tsv").read_text().splitlines()
    columns = header.split("\t")[1:]
    return {
        name: {c: int(n) for c, n in zip(columns, cells, strict=False) if n}
        for name, *cells in (row.split("\t") for row in rows)
    }


def uses_of(generation: str) -> dict[str, int]:
    """How often the programs of a generation use each of its names."""
    columns, _ = GENERATIONS[generation]
    theano = generation == "Theano"
    wanted = {
        name: sum(by_column.get(column, 0) for column in columns)
        for name, by_column in counts().items()
        if bool(THEANO.match(name)) == theano and not TENSORFLOW.match(name)
    }
    return {name: count for name, count in wanted.items() if count}


# ---- what resolves


def resolves(name: str, objects: Callable[[str], list]) -> bool:
    """Whether a name is found where a program of the generation that is installed looks for it."""
    assigned = name.endswith(" =")
    found = OBJECT.match(name)
    if found is None:
        return _import(name) is not None
    kind, attribute = found.groups()
    having = [one for one in objects(kind) if hasattr(one, attribute or "__call__")]
    return any(not assigned or _assignable(one, attribute) for one in having)


def _assignable(one: Any, attribute: str) -> bool:
    of_class = getattr(type(one), attribute, None)
    return not isinstance(of_class, property) or of_class.fset is not None


def _import(name: str) -> Any:
    path = re.sub(r"^T\.", "theano.tensor.", re.sub(r"^K\.", "keras.backend.", name))
    parts = (path if path.startswith(("keras.", "theano.")) else f"keras.{path}").split(".")
    for depth in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:depth]))
            for part in parts[depth:]:
                found = getattr(found, part)
        except (ImportError, AttributeError):
            continue
        return found
    return None


@cache
def keras_objects(installed_as: str) -> dict[str, list]:
    """Something of each kind that programs call methods of."""
    keras = importlib.import_module("keras")
    layers, K = keras.layers, keras.backend
    x, y = np.ones((4, 3)), np.zeros((4, 1))
    dense = layers.Dense(1, input_shape=(3,))
    model = keras.models.Sequential([dense, layers.Dropout(0.5)])
    model.compile("sgd", "mse", metrics=["accuracy"])
    history = model.fit(x, y, verbose=0)
    recurrent = layers.LSTM(2, stateful=True, batch_input_shape=(2, 3, 4))
    keras.models.Sequential([recurrent])
    variable = K.variable(1.0)
    found = {
        "model": [model],
        "layer": [dense, recurrent, model.layers[1], layers.Embedding(3, 2)],
        "history": [history],
        "callback": [history],
        "optimizer": [model.optimizer],
        "variable": [variable],
        "tensor": [model.output, variable],
        "metric": [],
    }
    text = importlib.import_module("keras.preprocessing.text")
    tokenizer = text.Tokenizer()
    tokenizer.fit_on_texts(["a b"])
    found["tokenizer"] = [tokenizer]
    image = _import("preprocessing.image")
    if image is not None:
        datagen = image.ImageDataGenerator()
        flow = datagen.flow(np.ones((4, 2, 2, 3)), np.zeros(4), batch_size=2)
        with tempfile.TemporaryDirectory() as folder, redirect_stdout(None):  # of one class, empty
            (Path(folder) / "cats").mkdir()
            pictures = datagen.flow_from_directory(folder)
        # `flow_from_directory` is counted where programs have it under the name of their batches
        found |= {"datagen": [datagen], "iterator": [flow, pictures, datagen]}
    return found


def theano_objects(kind: str) -> list:
    """A symbolic tensor, a shared variable or a stream of random numbers."""
    theano = importlib.import_module("theano")
    streams = importlib.import_module("theano.sandbox.rng_mrg").MRG_RandomStreams
    return {
        "tensor": [theano.tensor.matrix()],
        "variable": [theano.shared(np.ones((2, 2)))],
        "rng": [streams(1)],
    }[kind]


# ---- what is tried


@cache
def read_names() -> dict[str, set[str]]:
    """Names that tests and their programs read, by what is installed there; with their owner."""
    found: dict[str, set[str]] = {one: set() for one in INSTALLED}
    for folder in SOURCES:
        for path in sorted(folder.rglob("*.py")) if folder.is_dir() else ():
            if path != Path(__file__):
                for installed_as, name in _reads(path):
                    found[installed_as].add(name)
    return found


def _reads(path: Path) -> Iterator[tuple[str, str]]:
    try:
        tree = ast.parse(path.read_text())
    except SyntaxError:  # a program in Python 2
        return
    named = [one for one in INSTALLED if one in path.stem]
    places = {node: named or _named_in(node) for node in tree.body}
    every = sorted({one for where in places.values() for one in where})
    for node, where in places.items():
        for one in ast.walk(node):
            names = _names_of(one)
            yield from ((one, name) for one in where or every for name in names)


def _named_in(node: ast.AST) -> list[str]:
    """What a test installs: by its arguments (`keras` stands for both), or by name."""
    taken = {one.arg for one in ast.walk(node) if isinstance(one, ast.arg)}
    taken |= {str(one.value) for one in ast.walk(node) if isinstance(one, ast.Constant)}
    return [one for one in INSTALLED if {one, one.rstrip("12")} & taken]


def _names_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Attribute):
        return [node.attr, f"{_owner(node.value)}.{node.attr}"]
    return [node.id] if isinstance(node, ast.Name) else []


def _owner(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def is_read(name: str, read: set[str]) -> bool:
    """Whether a name of the table is among those that are read."""
    found = OBJECT.match(name)
    if found is not None:
        return not found[2] or found[2] in read
    owner, _, last = name.rpartition(".")
    if owner == "K":
        return f"K.{last}" in read or f"backend.{last}" in read
    return last in read


# ---- the shares


def share(generation: str) -> Share:
    """The shares of one generation."""
    uses = uses_of(generation)
    installed_as = GENERATIONS[generation][1]
    if installed_as is None:
        return Share(sum(uses.values()), 0, 0, {})
    missing: dict[str, int] = {}
    tried = 0
    with warnings.catch_warnings(), installed(installed_as) if installed_as else nullcontext():
        warnings.simplefilter("ignore")
        of_kind: Callable[[str], list] = theano_objects
        if generation != "Theano":
            of_kind = partial(_get, keras_objects(installed_as))
        for name, count in uses.items():
            if not resolves(name, of_kind):
                missing[name] = count
            elif is_read(name, read_names()[installed_as]):
                tried += count
            else:
                missing[f"{name} (not tried)"] = count
    unknown = sum(n for name, n in missing.items() if not name.endswith("tried)"))
    total = sum(uses.values())
    return Share(total, total - unknown, tried, missing)


def _get(found: dict, kind: str) -> list:
    return found.get(kind, [])


def main() -> None:
    """Print the shares, and with `--missing` the names that are not tried."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--missing", action="store_true", help="list names that are not tried")
    wanted = parser.parse_args()
    print(f"{'':10}{'uses':>8}{'resolved':>10}{'tried':>8}")
    for generation, (_, installed_as) in GENERATIONS.items():
        try:
            found = share(generation)
        except (ImportError, ValueError) as error:
            print(f"{generation:10} {error}")
            continue
        percent = [f"{100 * part / found.uses:.1f}%" for part in found[1:3]]
        if installed_as is None:
            percent = ["-", "-"]
        print(f"{generation:10}{found.uses:>8}{percent[0]:>10}{percent[1]:>8}")
        if wanted.missing:
            for name, count in sorted(found.missing.items(), key=lambda one: -one[1]):
                print(f"    {count:4} {name}")


if __name__ == "__main__":
    main()
