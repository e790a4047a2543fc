"""Encode category indices as vectors: one-hot, multi-hot, counts; in numpy and on the device."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Shape = tuple[int | None, ...]

MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")
OLD_MODES = {"binary": "multi_hot", "tf-idf": "tf_idf"}


def mode_of(layer: Any, output_mode: str, allowed: tuple[str, ...] = MODES) -> str:
    """The current name of an output mode.

    Raises:
        ValueError: if the mode is not allowed.
    """
    mode = OLD_MODES.get(output_mode, output_mode)
    if mode not in allowed:
        raise ValueError(
            f"output_mode of {type(layer).__name__} is one of {', '.join(allowed)}, not "
            f"{output_mode!r}"
        )
    return mode


def only_dense(layer: Any, sparse: bool, ragged: bool = False) -> None:
    """Raise a `ValueError` for sparse or ragged outputs."""
    for name, wanted in {"sparse": sparse, "ragged": ragged}.items():
        if wanted:
            more = " (output_sequence_length sets their length)" if ragged else ""
            raise ValueError(
                f"{type(layer).__name__} returns dense arrays only{more}: leave {name}=False"
            )


def encoded_shape(shape: Shape, mode: str, depth: int | None) -> Shape:
    """The shape of encoded category indices.

    Args:
        shape: shape of the indices.
        mode: see `encode`.
        depth: number of categories.

    Example:
        >>> encoded_shape((None, 5), "one_hot", 3), encoded_shape((None, 5), "count", 3)
        ((None, 5, 3), (None, 3))
    """
    if mode == "int":
        return shape
    if mode == "one_hot":
        return (*_squeezed(shape), depth)
    return (*shape[:1], *shape[2:], depth) if len(shape) > 1 else (depth,)


def _squeezed(shape: Shape) -> Shape:
    return shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape


def encode(numbers: Any, mode: str, depth: int, dtype: Any, weights: Any = None) -> np.ndarray:
    """Encode category indices as vectors; indices outside 0 to `depth - 1` are ignored.

    Args:
        numbers: integers; the categories of a sample are along axis 1.
        mode: `"int"`; `"one_hot"`: one vector per index; `"multi_hot"`, `"count"`: one vector per
            sample, with 1 or the number of occurrences for each of its categories.
        depth: number of categories.
        dtype: dtype of the result.
        weights: weight of each occurrence, instead of 1.

    Returns:
        See `encoded_shape`.

    Example:
        >>> encode(np.array([[0, 1, 1]]), "count", 3, "float32").tolist()
        [[1.0, 2.0, 0.0]]
    """
    numbers = np.asarray(numbers)
    if mode == "int":
        return numbers.astype(dtype, copy=False)
    out_shape: Any = encoded_shape(numbers.shape, mode, depth)
    if mode == "one_hot":
        flat = numbers.reshape(-1, 1)
    else:
        flat = np.moveaxis(np.atleast_1d(numbers), min(1, max(numbers.ndim - 1, 0)), -1)
        flat = flat.reshape(-1, flat.shape[-1])
    known = (flat >= 0) & (flat < depth)
    rows, _ = np.nonzero(known)
    places = rows, flat[known]
    out = np.zeros((len(flat), depth), dtype)
    if mode == "count":
        ones = 1 if weights is None else np.asarray(weights, dtype).reshape(flat.shape)[known]
        np.add.at(out, places, ones)
    else:
        out[places] = 1
    return out.reshape(out_shape)


def encode_on_device(
    numbers: Any, mode: str, depth: int, dtype: Any, weights: Any = None
) -> jax.Array:
    """As `encode`, in JAX."""
    numbers = jnp.asarray(numbers)
    if mode == "int":
        return numbers.astype(dtype)
    if mode == "one_hot":
        return jax.nn.one_hot(numbers.reshape(_squeezed(numbers.shape)), depth, dtype=dtype)
    numbers = jnp.atleast_1d(numbers)
    axis = min(1, numbers.ndim - 1)
    ones = jax.nn.one_hot(numbers, depth, dtype=dtype)
    if mode == "multi_hot":
        return ones.max(axis)
    return (ones if weights is None else ones * jnp.asarray(weights, dtype)[..., None]).sum(axis)
