"""One-hot labels and normalized arrays."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """One-hot vectors from class numbers.

    Args:
        x: integers from 0, of any shape; a last axis of size 1 is dropped.
        num_classes: number of classes; default the largest number plus one.

    Returns:
        float32 of shape `(*x.shape, num_classes)`; a JAX array if `x` is one.

    Raises:
        ValueError: for numbers that are not classes: negative, too large, or with a fraction.

    Example:
        >>> to_categorical([0, 2], num_classes=3)
        array([[1., 0., 0.],
               [0., 0., 1.]], dtype=float32)
    """
    given = np.asarray(x)
    classes = given.astype("int64")
    if classes.ndim > 1 and classes.shape[-1] == 1:
        classes = classes[..., 0]
    count = num_classes or (int(classes.max()) + 1 if classes.size else 0)
    if given.dtype.kind == "f" and not np.array_equal(given, np.floor(given)):
        raise ValueError("to_categorical takes class numbers; x has numbers with a fraction")
    wrong = classes[(classes < 0) | (classes >= count)]
    if wrong.size:
        raise ValueError(
            f"to_categorical got class {wrong.flat[0]}; with num_classes={count} the classes are "
            f"0 to {count - 1}"
        )
    return _like(x, (classes[..., None] == np.arange(count)).astype("float32"))


def normalize(x: Any, axis: int = -1, order: int = 2) -> Any:
    """Divide by the norm along an axis; where the norm is 0, values stay 0.

    Args:
        x: array of any shape.
        axis: the axis of the norm.
        order: order of the norm; 2 for the Euclidean norm.

    Example:
        >>> normalize([[3.0, 4.0], [0.0, 0.0]])
        array([[0.6, 0.8],
               [0. , 0. ]])
    """
    values = np.atleast_1d(np.asarray(x))
    norms = np.atleast_1d(np.linalg.norm(values, order, axis, keepdims=True))
    return _like(x, values / np.where(norms == 0, 1, norms))


def _like(given: Any, result: np.ndarray) -> Any:
    """The result as a JAX array if the input was one, else as a numpy array."""
    return jnp.asarray(result) if isinstance(given, jax.Array) else result
