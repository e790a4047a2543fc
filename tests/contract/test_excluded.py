"""docs/excluded.md lists the public names of Keras that are left out, each with a reason."""

import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import keras

import hornbook

PAGE = Path(__file__).resolve().parents[2] / "docs" / "excluded.md"


def names(module: ModuleType, prefix: str, seen: frozenset = frozenset()) -> Iterator[str]:
    """The functions and classes of Keras's public modules, by their paths below `keras`."""
    for name, thing in sorted(vars(module).items()):
        if name.startswith("_") or thing in seen:
            continue
        if isinstance(thing, ModuleType):
            if (
                re.fullmatch(rf"keras\.{re.escape(prefix + name)}", thing.__name__)
                and name != "src"
            ):
                yield from names(thing, f"{prefix}{name}.", seen | {thing})
        elif inspect.isclass(thing) or inspect.isfunction(thing):
            yield prefix + name


@cache
def of_keras() -> list[str]:
    return [*names(keras, "")]


@cache
def excluded() -> dict[str, str]:
    """The reason for each name or pattern of the page."""
    return dict(re.findall(r"^\| `(\S+)` \| (.+) \|$", PAGE.read_text(), re.M))


def works(path: str) -> bool:
    thing: Any = hornbook
    for name in path.split("."):
        thing = getattr(thing, name, None)
    return thing is not None


def is_excluded(path: str) -> bool:
    return any(
        path.startswith(row[:-1]) if row.endswith(".*") else path == row for row in excluded()
    )


def test_every_name_of_keras_works_or_is_excluded_for_a_reason(capsys):
    missing = {path for path in of_keras() if not works(path)}
    left_out = {path for path in of_keras() if is_excluded(path)}
    with capsys.disabled():
        print(f"\nKeras {keras.__version__}: {len(of_keras())} public names, ", end="")
        print(f"{len(left_out)} excluded, {len(missing - left_out)} missing")
    assert len(of_keras()) > 1400
    assert not missing - left_out


def test_every_row_of_the_page_is_of_keras_and_not_here():
    for row, reason in excluded().items():
        module = row.removesuffix("*")
        assert [path for path in of_keras() if path == row or path.startswith(module)], row
        assert len(reason) > 20, row
    assert not [path for path in of_keras() if is_excluded(path) and works(path)]
