"""Shape inference for arguments with unknown sizes.

A function is first traced with a symbol for the unknown size of each axis; the result holds for
every size. Python code that needs numbers (`if x.shape[1] > 5`, `range(x.shape[1])`) and functions
whose sizes must agree fail on symbols. They are traced twice with different numbers instead, and
the sizes that differ between the two results are unknown. Errors never show these numbers: they are
compared in the same way, and whatever differs is hidden.
"""

import functools
import math
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import jax

from hornbook.core.dtype import canonical

Shape = tuple[int | None, ...]

MOST_AXES = 16
# Numbers tried for the unknown size of each axis, in pairs. The first pair finds results that do
# not grow with a size or depend on how sizes compare; the second has many divisors (for reshapes)
# and equal axes; the third is large (for deep stacks of strides).
SMALL = ([2] * MOST_AXES, [120 * (axis + 1) for axis in range(MOST_AXES)])
MEDIUM = ([120] * MOST_AXES, [240] * MOST_AXES)
LARGE = ([1680] * MOST_AXES, [3360] * MOST_AXES)


class _Thread(threading.local):
    def __init__(self):
        self.guesses = 0  # how many enclosing `trace` calls are trying numbers


_thread = _Thread()


class Spec:
    """A shape with `None` for unknown sizes, and a dtype."""

    def __init__(self, shape, dtype):
        self.shape, self.dtype = tuple(shape), canonical(dtype)

    def __repr__(self):
        return f"<Spec shape={self.shape} dtype={self.dtype}>"


def trace(fn: Callable, specs: list, hints: Callable[[], tuple[list[Shape], list[int]]]) -> Any:
    """The result of `fn` for a list of arrays, as `Spec`s.

    Args:
        fn: a function of a list of arrays that JAX can trace.
        specs: objects with the shapes and dtypes of these arrays.
        hints: returns shapes of other arrays in `fn` that unknown sizes may have to match, and
            integers that they may have to be multiples of.
    """
    shapes = [tuple(spec.shape) for spec in specs]

    def run(tried: list[Any]) -> Any:
        arrays = zip(tried, specs, strict=True)
        return jax.eval_shape(fn, [jax.ShapeDtypeStruct(s, spec.dtype) for s, spec in arrays])

    if all(None not in shape for shape in shapes):
        return run(shapes)
    try:
        return jax.tree.map(_opened, run([_filled(shape, _symbols()) for shape in shapes]))
    except Exception:  # it needs numbers
        pass
    errors = []
    others, numbers = hints()
    before = _thread.guesses
    try:
        _thread.guesses = before + 1
        for first, second in _attempts(shapes, others, numbers):
            try:
                return jax.tree.map(_common, run(first), run(second))
            except Exception as error:
                errors.append(error)
    finally:
        _thread.guesses = before
    real = {n for shape in [*shapes, *others, numbers] for n in shape}
    raise _without_numbers(errors, real)


def guessing() -> bool:
    """Whether the sizes seen now may be trial numbers, which must not be stored."""
    return _thread.guesses > 0


def known(shape: tuple) -> Shape:
    """A shape with `None` in place of the symbols used during shape inference."""
    return tuple(size if isinstance(size, int) else None for size in shape)


@functools.cache
def _symbols() -> tuple[Any, ...]:
    names = [f"size{axis}" for axis in range(MOST_AXES)]
    # An axis of size 1 would be broadcast, and shapes would depend on it.
    at_least_two = [f"{name} >= 2" for name in names]
    return tuple(jax.export.symbolic_shape(", ".join(names), constraints=at_least_two))


def _filled(shape: Shape, sizes: Any) -> tuple:
    return tuple(sizes[axis] if size is None else size for axis, size in enumerate(shape))


def _opened(spec: Any) -> Spec:
    return Spec(known(spec.shape), spec.dtype)


def _common(first: Any, second: Any) -> Spec:
    sizes = zip(first.shape, second.shape, strict=True)
    return Spec([a if a == b else None for a, b in sizes], first.dtype)


def _attempts(
    shapes: list[Shape], others: list[Shape], numbers: list[int]
) -> Iterator[tuple[list[tuple], list[tuple]]]:
    """Pairs of shapes to try."""

    def pair(shapes: list[Shape], tried: tuple[list[int], list[int]]) -> tuple:
        return tuple([_filled(shape, sizes) for shape in shapes] for sizes in tried)

    yield pair(shapes, SMALL)
    yield pair(shapes, MEDIUM)
    fits = [fitted(shape, shapes, others) for shape in shapes]
    if fits != shapes:
        yield pair(fits, MEDIUM)
    factor = math.prod(n for n in numbers if n > 1)
    if 1 < factor < 2**20:
        yield pair(shapes, ([2 * factor] * MOST_AXES, [4 * factor] * MOST_AXES))
    for size in dict.fromkeys(n for s in [*shapes, *others] for n in s if n not in (None, 1)):
        yield pair([(*s[:1], *(size if n is None else n for n in s[1:])) for s in shapes], MEDIUM)
    yield pair(shapes, LARGE)


def fitted(shape: Shape, shapes: list[Shape], others: list[Shape]) -> Shape:
    """The shape with each unknown size taken from the same axis of other arrays, from the end.

    Args:
        shape: a shape with `None` for unknown sizes.
        shapes: the shapes of a function's arguments; their first axis may be a batch.
        others: shapes of other arrays in the function.
    """
    found = list(shape)
    for axis, size in enumerate(shape):
        if size is None:
            from_end = len(shape) - axis
            there = [s[-from_end] for s in [*shapes, *others] if len(s) >= from_end]
            batch = [s[0] for s in shapes if s] if axis == 0 else []
            found[axis] = next((n for n in there + batch if n not in (None, 1)), None)
    return tuple(found)


# ---- messages


def _without_numbers(errors: list[Exception], real: set[int | None]) -> Exception:
    """One of the errors, with `None` in place of numbers that depend on the trial sizes."""
    told = next((e for e in errors if _alike(e, errors)), errors[0])
    others = [text for e in errors if e is not told for part in _chain(e) for text in _texts(part)]
    for part in _chain(told):
        part.args = tuple(_hidden(a, others, real) if isinstance(a, str) else a for a in part.args)
        if hasattr(part, "__notes__"):
            part.__notes__ = [_hidden(note, others, real) for note in part.__notes__]
    return told


def _alike(error: Exception, errors: list[Exception]) -> bool:
    """Whether another error has the same text up to numbers."""
    form = [_words(text)[::2] for text in _texts(error)]
    return any(form == [_words(t)[::2] for t in _texts(e)] for e in errors if e is not error)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and its causes."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _texts(error: BaseException) -> list[str]:
    return [arg for arg in error.args if isinstance(arg, str)] + getattr(error, "__notes__", [])


def _words(text: str) -> list[str]:
    """The text split at numbers: words and numbers alternate."""
    return re.split(r"(\d+)", text)


def _hidden(text: str, others: list[str], real: set[int | None]) -> str:
    """A text with `None` in place of numbers that differ in the same text for other sizes."""
    words = _words(text)
    alike = [theirs for theirs in map(_words, others) if theirs[::2] == words[::2]]
    for theirs in alike:
        if theirs != words:
            pairs = zip(words, theirs, strict=True)
            return "".join(a if a == b else "None" for a, b in pairs)
    if alike:
        return text
    return re.sub(r"(?<!\w)\d+", lambda n: n[0] if int(n[0]) in real else "None", text)
