"""Whether two functions of the same name compute the same values, tested numerically.

A file stores a function by name. If the function is not the one we load under that name, such as
`jax.nn.leaky_relu` (slope 0.01) for `activations.leaky_relu` (0.2), only comparing results shows
whether the name is good enough.
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from hornbook.core.unknown import Spec

SIZE = 4  # stands in for unknown sizes


def sample(spec: Any) -> np.ndarray:
    """A fixed sample array of a shape and dtype, with both signs, zeros and large values."""
    shape = tuple(SIZE if size is None else size for size in spec.shape)
    drawn = np.random.default_rng(0).normal(0, 3, shape)
    values = np.where(abs(drawn) < 0.5, 0, np.where(abs(drawn) > 5, 20 * drawn, drawn))
    dtype = np.dtype(jax.numpy.dtype(spec.dtype))
    return np.abs(values).astype(dtype) if dtype.kind in "iub" else values.astype(dtype)


def agree(first: Callable, second: Callable, args: tuple, kwargs: dict) -> bool | None:
    """Whether two functions return equal results; `None` if neither accepts the arguments."""
    results: list[Any] = []
    for fn in (first, second):
        try:
            results.append(jax.tree.flatten(fn(*args, **kwargs)))
        except Exception:
            continue
    if len(results) < 2:
        return False if results else None
    (mine, form), (theirs, other_form) = results
    return form == other_form and all(
        np.shape(a) == np.shape(b)
        and np.asarray(a).dtype == np.asarray(b).dtype
        and np.allclose(np.asarray(a, complex), np.asarray(b, complex), 1e-5, 1e-6, equal_nan=True)
        for a, b in zip(mine, theirs, strict=True)
    )


def same_named(first: Any, second: Any) -> bool:
    """Whether two functions of one or two arrays compute the same values."""
    if first is second:
        return True
    vectors = sample(Spec((SIZE, 3), "float32")), sample(Spec((SIZE, 3), "float32"))[::-1]
    tried = (agree(first, second, vectors[:count], {}) for count in (1, 2))
    return next((answer for answer in tried if answer is not None), False)
