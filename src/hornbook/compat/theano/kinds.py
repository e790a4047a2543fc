"""`T.fmatrix`, `T.matrix`, `T.matrices` and the like: types by name, and constructors."""

from collections.abc import Callable
from typing import Any

from hornbook.compat.theano.types import TensorType, dtype_of

# The broadcasting pattern of each kind.
PATTERNS: dict[str, tuple[bool, ...]] = {
    "scalar": (),
    "vector": (False,),
    "row": (True, False),
    "col": (False, True),
    "matrix": (False,) * 2,
    **{f"tensor{n}": (False,) * n for n in range(3, 8)},
}
PREFIXES = {
    "b": "int8",
    "w": "int16",
    "i": "int32",
    "l": "int64",
    "f": "float32",
    "d": "float64",
    "c": "complex64",
    "z": "complex128",
}
PLURALS = {"matrix": "matrices"}


def _of_kind(kind: str) -> Callable:
    def make(name: str | None = None, dtype: Any = None) -> Any:
        return TensorType(dtype_of("floatX" if dtype is None else dtype), PATTERNS[kind])(name)

    make.__name__ = make.__qualname__ = kind
    make.__doc__ = f"A {kind} with this name, of `floatX` or another dtype."
    return make


def _several(name: str, make: Callable) -> Callable:
    def several(*names: Any) -> Any:
        if len(names) == 1 and isinstance(names[0], int):
            names = (None,) * names[0]
        made = [make(one) for one in names]
        return made[0] if len(made) == 1 else made

    several.__name__ = several.__qualname__ = name
    several.__doc__ = "Several variables, from names or a count."
    return several


def _named() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind, pattern in PATTERNS.items():
        plural = PLURALS.get(kind, f"{kind}s")
        found[kind] = _of_kind(kind)
        found[plural] = _several(plural, found[kind])
        for prefix, dtype in PREFIXES.items():
            found[prefix + kind] = TensorType(dtype, pattern)
            found[prefix + plural] = _several(prefix + plural, found[prefix + kind])
    return found


NAMED = _named()


def __getattr__(name: str) -> Any:
    if name not in NAMED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return NAMED[name]


def tensor(dtype: Any, broadcastable: Any, name: str | None = None) -> Any:
    """A variable with a dtype and a broadcasting pattern.

    Example:
        >>> tensor("float32", (False, True)).type
        TensorType(float32, col)
    """
    return TensorType(dtype, broadcastable)(name)
