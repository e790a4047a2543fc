"""Every public name has a docstring, all examples run, and the README opens with two commands."""

import doctest
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from functools import cache
from operator import itemgetter
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hornbook

README = Path(__file__).resolve().parents[2] / "README.md"
FIRST_SCREEN = 40  # lines
COMMANDS = [
    "python -m pip install . && hornbook demo",
    "python -m pip install -e '.[test]' && python -m pytest -n auto",
]
# The names an example may use without importing them, beside those of the module it stands in.
GLOBALS = {"hornbook": hornbook, "keras": hornbook, "np": np, "jnp": jnp, "jax": jax}
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def home(thing: Any) -> ModuleType | None:
    """The module that a thing was written in."""
    if isinstance(thing, ModuleType):
        return thing
    thing = getattr(thing, "fget", thing)  # a property is where its getter is
    return sys.modules.get(getattr(thing, "__module__", None) or "")


def is_ours(thing: Any) -> bool:
    """Whether it was written in this package, not taken over from another one."""
    module = home(thing)
    return module is not None and module.__name__.split(".")[0] == "hornbook"


def shown(door: ModuleType) -> Iterator[tuple[str, Any]]:
    """What a door shows: all of `__all__`, or else its functions and classes of this package."""
    listed = getattr(door, "__all__", None)
    for name in sorted(listed or dir(door)):
        thing = getattr(door, name)
        own = is_ours(thing) and not isinstance(thing, ModuleType)
        if not name.startswith("_") and (listed or own):
            yield name, thing


def members(cls: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties that a class writes itself."""
    for name, member in vars(cls).items():
        is_code = inspect.isroutine(member) or isinstance(member, property)
        if is_code and not name.startswith("_"):
            yield name, getattr(cls, name)


def walk(door: ModuleType, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """(dotted name, object): the door, its functions, classes and their members, its own doors."""
    seen.add(id(door))
    yield door.__name__, door
    for name, thing in shown(door):
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, ModuleType):
            yield from walk(thing, seen)
        elif callable(thing):
            yield f"{door.__name__}.{name}", thing
            for cls in inspect.getmro(thing) if inspect.isclass(thing) else ():
                if is_ours(cls) and (cls is thing or id(cls) not in seen):
                    seen.add(id(cls))
                    for key, member in members(cls):
                        yield f"{door.__name__}.{name}.{key}", member


@cache
def public() -> dict[str, Any]:
    return dict(sorted(walk(hornbook, set()), key=itemgetter(0)))


def written() -> Iterator[tuple[str, Any]]:
    """(dotted name, object) of every module of the package and of all that it writes itself."""
    found = pkgutil.walk_packages(hornbook.__path__, "hornbook.")
    for path in ["hornbook", *(module.name for module in found)]:
        module = importlib.import_module(path)
        yield path, module
        for name, thing in list(vars(module).items()):
            if callable(thing) and home(thing) is module:
                yield f"{path}.{name}", thing
                if inspect.isclass(thing):
                    yield from ((f"{path}.{name}.{key}", m) for key, m in members(thing))


@cache
def examples() -> dict[str, tuple[str, ModuleType]]:
    """Each docstring with an example, once however many classes inherit it, and its module."""
    docs = {inspect.getdoc(thing): (name, home(thing)) for name, thing in written()}
    return {name: (doc, module) for doc, (name, module) in docs.items() if doc and ">>>" in doc}


def test_the_walk_reaches_functions_classes_and_members():
    wanted = {"hornbook.layers", "hornbook.ops", "hornbook.Model", "hornbook.Model.fit"}
    assert wanted <= set(public())


def text_of(thing: Any) -> str:
    """A docstring; a method may inherit it, a class not."""
    text = thing.__doc__ if inspect.isclass(thing) else inspect.getdoc(thing)
    return (text or "").strip()


def test_every_public_name_has_a_docstring():
    assert [name for name, thing in public().items() if not text_of(thing)] == []


@pytest.mark.parametrize("name", sorted(examples()))
def test_examples_in_docstrings_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    doc, module = examples()[name]
    test = doctest.DocTestParser().get_doctest(doc, vars(module) | GLOBALS, name, None, None)
    report: list[str] = []
    failures = doctest.DocTestRunner(optionflags=FLAGS).run(test, out=report.append).failed
    assert not failures, "".join(report)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_first_screen_of_the_readme_shows_the_command(command):
    assert command in "\n".join(README.read_text().splitlines()[:FIRST_SCREEN])
