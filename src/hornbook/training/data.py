"""User data to numeric arrays, or an error that says why not."""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import numpy as np

from hornbook.core import settings, tree
from hornbook.core.dtype import NARROW, is_float
from hornbook.training import large
from hornbook.training.kinds import kind_of
from hornbook.training.large import Unread, in_file


def to_array(value: Any, what: str = "data", in_pieces: bool = False) -> Any:
    """Convert one array-like to a numpy or JAX array of a dtype for training.

    Args:
        value: array, nested list, pandas object, sparse matrix, tensor of another library, or data
            set in a file.
        what: its name in messages.
        in_pieces: whether to return large arrays that are in a file or need a cast as `Unread`.

    Raises:
        TypeError: for text and Python objects, with the column and the row.
        ValueError: for nested lists of unequal lengths.
    """
    if isinstance(value, jax.Array):
        return value
    kind = kind_of(value)
    value = kind.array(value, what) if kind.array else value  # y may be a range
    if in_pieces and isinstance(value, Unread):
        return value
    if in_pieces and large.is_large_in_file(value) and value.dtype.kind not in "OUSVMm":
        return Unread(value, _to_train_with(value.dtype, settings.floatx()))
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{what} is a nested list whose rows have different lengths ({error}); "
            "pad them to one length, for instance with utils.pad_sequences"
        ) from None
    if array.dtype.kind in "OUSVMm":
        raise TypeError(_text_message(array, what))
    dtype = _to_train_with(array.dtype, settings.floatx())
    if in_pieces and array.nbytes > large.SMALL_BYTES:
        same = array.dtype == dtype and array.flags.c_contiguous
        return array if same and not in_file(array) else Unread(array, dtype)
    return np.ascontiguousarray(array) if array.dtype == dtype else array.astype(dtype)


@cache
def _to_train_with(dtype: np.dtype, floatx: str) -> np.dtype:
    if is_float(dtype):
        return np.dtype(floatx)
    if floatx == "float64" and dtype.kind in "iu":
        return dtype
    return np.dtype(NARROW.get(dtype.name, dtype.name))


def _text_message(array: np.ndarray, what: str) -> str:
    """Message for an array of objects: the first element that is not a number, and its position."""
    for position, item in np.ndenumerate(array):
        if isinstance(item, bool | int | float | np.number):
            continue
        place = f"row {position[0]}" if position else "the value"
        if len(position) > 1:
            place += f", column {position[1]}"
        if isinstance(item, list | tuple | np.ndarray):
            return (
                f"{what} is an array of Python lists ({place}: {str(item)[:40]}...); pad them to "
                "one length, for instance with utils.pad_sequences"
            )
        item = item.item() if isinstance(item, np.generic) else item
        first = f"{what} has {item!r} in {place}, which is not a number; encode it as numbers first"
        layers = ", or begin the model with a StringLookup or TextVectorization layer"
        return first + (layers if isinstance(item, str) and what.startswith("x") else "")
    return f"{what} has dtype {array.dtype}; convert it with .astype('float32')"


def to_arrays(structure: Any, what: str, in_pieces: bool = False) -> Any:
    """Convert a structure of array-likes to arrays; a list of numbers is one array."""
    if structure is None:
        return None
    if isinstance(structure, dict):
        items = structure.items()
        return {key: to_arrays(child, f"{what}[{key!r}]", in_pieces) for key, child in items}
    if isinstance(structure, list | tuple) and structure and not _is_numbers(structure):
        parts = enumerate(structure)
        made = [to_arrays(child, f"{what}[{i}]", in_pieces) for i, child in parts]
        return type(structure)(*made) if hasattr(structure, "_fields") else made
    array = to_array(structure, what, in_pieces)
    if array.ndim == 0:
        raise ValueError(
            f"{what} is a single number; it needs a sample axis. Pass an array of them, or from a "
            "source whole batches, as Dataset.batch(32) makes them"
        )
    return array


def _is_numbers(value: Any) -> bool:
    """Whether nested lists hold numbers (one array) rather than arrays (several inputs)."""
    while isinstance(value, list | tuple) and value:
        value = next((one for one in value if one is not None), None)
    return value is not None and not hasattr(value, "shape")


def count_samples(data: Any, what: str = "data") -> int:
    """The number of samples that all arrays share.

    Raises:
        ValueError: if they differ, naming each.
    """
    sizes = {name: leaf.shape[0] for name, leaf in tree.named_leaves(data) if leaf is not None}
    if len(set(sizes.values())) > 1:
        named = ", ".join(f"{label(path)}: {size}" for path, size in sizes.items())
        raise ValueError(f"the arrays of {what} have different numbers of samples ({named})")
    if not sizes:
        raise ValueError(f"there are no arrays in {what}")
    return next(iter(sizes.values()))


def label(path: str) -> str:
    """The name in messages of a leaf of `(x, y, sample_weight)`.

    Example:
        >>> label("0/image"), label("1")
        ('x/image', 'y')
    """
    first, slash, rest = path.partition("/")
    return {"0": "x", "1": "y", "2": "sample_weight"}.get(first, first) + slash + rest


def take_samples(data: Any, chosen: Any) -> Any:
    """Some samples of every array."""
    return tree.map_structure(lambda leaf: leaf[chosen], data, none_is_leaf=False)


def with_rows(data: Any, rows: int) -> Any:
    """Arrays padded with their last row, as numpy arrays."""

    def padded(array: Any) -> np.ndarray:
        array = np.asarray(array)
        return np.concatenate([array, np.repeat(array[-1:], rows - len(array), axis=0)])

    return tree.map_structure(padded, data, none_is_leaf=False)


# ---- class weights


def class_weights(weights: dict, y: Any, names: list[str]) -> Any:
    """Sample weights from class weights.

    Args:
        weights: a dict from class to weight, or from output name to such a dict.
        y: labels: integers (N,) or (N, 1), sequences of them (N, T), or one-hot (N, K).
        names: names of the outputs.

    Returns:
        float32 arrays in the structure of `y`; classes not listed have weight 1.
    """
    if any(isinstance(value, dict) for value in weights.values()):
        unknown = set(weights) - set(names)
        if unknown:
            raise ValueError(f"class_weight names {sorted(unknown)}; the outputs are {names}")
        labels = y if isinstance(y, dict) else dict(zip(names, _as_list(y), strict=True))
        return {
            name: class_weights(weights[name], labels[name], [name])
            if name in weights
            else np.ones(np.shape(labels[name])[0], "float32")
            for name in labels
        }
    if isinstance(y, list | tuple | dict):
        return tree.map_structure(lambda leaf: class_weights(weights, leaf, names), y)
    labels = np.asarray(y)
    if is_float(labels.dtype) and labels.ndim > 1 and labels.shape[-1] > 1:
        labels = labels.argmax(-1)
    elif labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    elif labels.ndim == 2 and is_one_hot(labels):
        labels = labels.argmax(-1)
    result = np.ones(labels.shape, "float32")
    for label, weight in weights.items():
        result[labels == label] = weight
    return result


def is_one_hot(labels: np.ndarray) -> bool:
    """Whether each row has a single 1 and is 0 elsewhere.

    Example:
        >>> is_one_hot(np.eye(3)), is_one_hot(np.ones((3, 2)))
        (True, False)
    """
    numbers = labels.dtype.kind in "fiub"
    return bool(numbers and ((labels == 0) | (labels == 1)).all() and (labels.sum(-1) == 1).all())


def _as_list(value: Any) -> list:
    return list(value) if isinstance(value, list | tuple) else [value]


# ---- batches


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """A batch as `(x, y, sample_weight)`, with `None` for missing parts.

    Args:
        data: `x`, or a tuple or list `(x,)`, `(x, y)` or `(x, y, sample_weight)`.

    Example:
        >>> unpack_x_y_sample_weight((1, 2))
        (1, 2, None)
    """
    parts = tuple(data) if isinstance(data, tuple | list) else (data,)
    if not 1 <= len(parts) <= 3:
        raise ValueError(
            f"a batch is (x, y, sample_weight), or its beginning; got {len(parts)} parts"
        )
    x, y, weight = (*parts, None, None)[:3]
    return x, y, weight


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """A batch as a tuple without trailing `None`s; just `x` if that is the only part and one array.

    Example:
        >>> pack_x_y_sample_weight([1, 2], 3)
        ([1, 2], 3)
    """
    batch = given((x, y, sample_weight))
    return x if len(batch) == 1 and not tree.is_nested(x) else batch


def given(batch: tuple) -> tuple:
    """`(x, y, sample_weight)` without trailing `None`s."""
    while len(batch) > 1 and batch[-1] is None:
        batch = batch[:-1]
    return batch


def unpack(item: Any, host: Callable | None = None) -> tuple:
    """`x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)` as a triple of structures of arrays.

    A list of arrays counts as a tuple, since torch's `DataLoader` yields `[x, y]`.

    Args:
        item: a batch.
        host: converts x to arrays, if it is not numeric.
    """
    parts = isinstance(item, tuple) or (isinstance(item, list) and not _is_numbers(item))
    x, y, weight = unpack_x_y_sample_weight(item if parts else (item,))
    x = host(x) if host else to_arrays(x, "x")
    return x, to_arrays(y, "y"), to_arrays(weight, "sample_weight")
