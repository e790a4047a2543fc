"""The public names match a golden list, and mean the same as in Keras.

To update the list: `KERAS_BACKEND=jax python -m tests.contract.test_public_names`.
"""

import inspect
import types
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import keras

import hornbook

GOLDEN = Path(__file__).with_name("public_names.txt")
UPDATE = "if that is meant, run `python -m tests.contract.test_public_names`"

# Names that are another kind of thing than in Keras.
OTHER_KIND = {
    "name_scope": "a function that makes a context, used as Keras's class",
    **dict.fromkeys(
        "saving.CustomObjectScope saving.custom_object_scope utils.CustomObjectScope "
        "utils.custom_object_scope".split(),
        "a function that makes a context, used as Keras's class",
    ),
    "regularizers.l1_l2": "a function, so that its factors are 0.01 by default as in Keras 2",
}
# Parameters of Keras's that are not taken.
TRANSFORMS = "quantizers transform the tree of a model; no layer names them"
NOT_TAKEN: dict[str, dict[str, str]] = {
    "layers.EinsumDense": dict.fromkeys(("gptq_unpacked_column_size",), TRANSFORMS),
}
# Functions and classes whose parameters stand in another order.
INNER = "after the first few it is a class of its own, made by hornbook"
SIBLINGS = "the order is that of Conv1DTranspose and Conv2DTranspose"
OTHER_ORDER = {
    "Variable": INNER,
    "layers.Conv3DTranspose": SIBLINGS,
    "layers.Convolution3DTranspose": SIBLINGS,
    "layers.Embedding": "what Keras has there is not taken",
    "optimizers.Muon": "what all optimizers take is taken by name",
}


def walk(module: types.ModuleType, prefix: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    seen.add(id(module))
    for name in module.__all__:
        thing = getattr(module, name)
        yield prefix + name, thing
        if isinstance(thing, types.ModuleType) and id(thing) not in seen:
            yield from walk(thing, f"{prefix}{name}.", seen)


@cache
def public() -> dict[str, Any]:
    """What each public name stands for: `"layers.Dense"` -> the class."""
    return dict(sorted(walk(hornbook, "", set())))


@cache
def in_keras() -> dict[str, Any]:
    """What Keras has under the same names."""
    found = {}
    for path in public():
        thing: Any = keras
        for name in path.split("."):
            thing = getattr(thing, name, None)
        if thing is not None:
            found[path] = thing
    return found


def kind(thing: Any) -> str:
    if isinstance(thing, types.ModuleType):
        return "module"
    return "class" if inspect.isclass(thing) else "function" if callable(thing) else "value"


def calls() -> Iterator[tuple[str, Any]]:
    """Names of classes and functions that Keras has too, and what they are there."""
    for path, theirs in in_keras().items():
        if kind(public()[path]) in ("class", "function"):
            yield path, theirs


def parameters(thing: Any) -> list[inspect.Parameter]:
    """Those that have a name to pass them by."""
    listed = inspect.signature(thing).parameters.values()
    return [p for p in listed if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]


def in_place(thing: Any) -> list[str]:
    """The names of those that can be passed without their names, in order."""
    return [p.name for p in parameters(thing) if p.kind is not p.KEYWORD_ONLY]


def takes_any(thing: Any) -> bool:
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(thing).parameters.values())


def test_the_public_names_are_those_of_the_golden_list():
    golden, found = set(GOLDEN.read_text().split()), set(public())
    assert not found - golden, f"new: {sorted(found - golden)}; {UPDATE}"
    assert not golden - found, f"gone: {sorted(golden - found)}; {UPDATE}"


def test_the_golden_list_is_sorted():
    lines = GOLDEN.read_text().splitlines()
    assert lines == sorted(set(lines))


def test_all_modules_of_the_door_have_their_names_listed():
    modules = {path for path, thing in public().items() if isinstance(thing, types.ModuleType)}
    assert all(hasattr(public()[path], "__all__") for path in modules)


def test_dir_of_a_module_shows_its_public_names_only():
    modules = [hornbook, *(thing for thing in public().values() if inspect.ismodule(thing))]
    assert [m.__name__ for m in modules if dir(m) != sorted(m.__all__)] == []


def test_a_name_is_the_same_kind_of_thing_as_in_keras():
    other = {path for path, theirs in in_keras().items() if kind(public()[path]) != kind(theirs)}
    assert other == set(OTHER_KIND)


def test_every_parameter_of_keras_is_taken():
    found = {}
    for path, theirs in calls():
        names = {p.name for p in parameters(public()[path])}
        missing = {p.name for p in parameters(theirs)} - names
        if missing and not takes_any(public()[path]):
            found[path] = missing
    assert found == {path: set(reasons) for path, reasons in NOT_TAKEN.items()}


def test_parameters_stand_in_keras_s_order():
    other = set()
    for path, theirs in calls():
        one, two = in_place(public()[path]), in_place(theirs)
        if one[: len(two)] != two[: len(one)]:
            other.add(path)
    assert other == set(OTHER_ORDER)


if __name__ == "__main__":
    GOLDEN.write_text("".join(f"{path}\n" for path in public()))
    print(f"{GOLDEN}: {len(public())} names")
