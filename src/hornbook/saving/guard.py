"""Guarded access to HDF5 files: only groups and numeric arrays stored in the file itself.

External and soft links, external storage and virtual data sets are refused, and so are sizes out of
proportion to the file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook.saving.policy import LARGEST_JSON, LARGEST_RATIO, SMALL, FileError, parse_json

LARGEST_CHUNK = 1 << 26  # bytes; a chunk this small cannot exhaust memory
LARGEST_ATTRIBUTE = 64512  # bytes; HDF5's limit for an object header


@contextmanager
def opened(source: Any, shown: str) -> Iterator[Any]:
    """Open an HDF5 file; errors from a damaged one become a `FileError`.

    Args:
        source: a path, a file object, or an h5py file or group, which stays open.
        shown: its name in messages.

    Raises:
        FileError: if it is not HDF5, or damaged.
    """
    import h5py

    try:
        if isinstance(source, h5py.Group):
            yield source
            return
        with h5py.File(source, "r") as file:
            yield file
    except FileError:
        raise
    except (OSError, KeyError, RuntimeError, TypeError, ValueError, MemoryError) as error:
        raise FileError(
            f"{shown!r} cannot be read: it is not an HDF5 file, or is damaged (truncated?). {error}"
        ) from None


def child(group: Any, name: str) -> Any:
    """The member of a group under a name; only hard links are followed."""
    import h5py

    link = group.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        raise FileError(
            f"refused: {group.name}/{name} is a link that leads elsewhere ({type(link).__name__}); "
            "weights are read from the file itself only"
        )
    return group[name]


def dataset(group: Any, name: str) -> Any:
    """An array in a group, checked: stored in the file itself, numeric, of a sane size.

    Raises:
        ValueError: if it is anything else.
    """
    found = child(group, name)
    where = f"{group.name}/{name}"
    if not hasattr(found, "shape"):
        raise FileError(f"not a weights file: {where} should be an array")
    if found.is_virtual or found.external:
        raise FileError(f"refused: the data of {where} lie outside the file")
    if found.shape is None or not (found.dtype.kind in "fiubc" or _is_bfloat16(found)):
        raise FileError(f"refused: {where} does not hold plain numbers but {found.dtype}")
    if found.chunks and int(np.prod(found.chunks)) * found.dtype.itemsize > max(
        LARGEST_CHUNK, 4 * found.size * found.dtype.itemsize
    ):
        raise FileError(f"refused: {where} has pieces of {found.chunks} for shape {found.shape}")
    return found


def array(found: Any) -> np.ndarray:
    """The values of a checked array.

    Raises:
        FileError: if they would take much more memory than space in the file.
    """
    size, stored = found.size * found.dtype.itemsize, found.id.get_storage_size()
    if size and not stored:
        raise FileError(
            f"the file is damaged: {found.name} has a shape, {found.shape}, and no data"
        )
    if size > SMALL and size > LARGEST_RATIO * stored:
        raise FileError(f"refused: {found.name} would grow from {stored} to {size} bytes")
    value = np.asarray(found[()])
    return value.view(jnp.bfloat16) if _is_bfloat16(found) else value


def _is_bfloat16(found: Any) -> bool:
    return found.dtype.kind == "V" and found.dtype.itemsize == 2 and not found.dtype.names


def at(group: Any, path: str) -> Any:
    """The group at a path below another, with every step checked.

    Raises:
        FileError: if there is none.
    """
    for name in filter(None, path.split("/")):
        if name not in group.keys():  # noqa: SIM118 - `in group` would follow links
            raise FileError(f"the file is damaged: {group.name} has no {name!r}")
        group = child(group, name)
        if hasattr(group, "shape"):
            raise FileError(f"the file is damaged: {group.name} should be a group, not an array")
    return group


def array_at(group: Any, path: str) -> np.ndarray:
    """The array at a path below a group, checked."""
    folder, _, name = path.rpartition("/")
    inner = at(group, folder)
    if name not in inner.keys():  # noqa: SIM118
        raise FileError(f"the file is damaged: {inner.name} has no {name!r}")
    return array(dataset(inner, name))


def text(group: Any, key: str) -> str | None:
    """A text attribute, or `None` if missing.

    Raises:
        FileError: if it is something else.
    """
    if key not in group.attrs:
        return None
    return _decoded(group.attrs[key], f"the attribute {key!r} of {group.name}")


def names(group: Any, key: str) -> list[str]:
    """An attribute with a list of names; long lists are split into `key0`, `key1`, ..."""
    split = [key] if key in group.attrs else []
    while not split or split[-1] != key:
        part = f"{key}{len(split)}"
        if part not in group.attrs:
            break
        split.append(part)
    where = f"the attribute {key!r} of {group.name}"
    return [_decoded(one, where) for part in split for one in np.ravel(group.attrs[part])]


def put_names(group: Any, key: str, values: list[str]) -> None:
    """Write a list of names, the inverse of `names`, in as many parts as HDF5 needs."""
    data = np.asarray([value.encode() for value in values])
    parts = -(-data.nbytes // LARGEST_ATTRIBUTE) or 1
    while any(part.nbytes > LARGEST_ATTRIBUTE for part in np.array_split(data, parts)):
        parts += 1
    for number, part in enumerate(np.array_split(data, parts)):
        group.attrs[f"{key}{number}" if parts > 1 else key] = part


def json_of(group: Any, key: str, shown: str) -> Any:
    """A JSON attribute, or `None` if missing.

    Raises:
        FileError: if it is too large, too deep or not JSON.
    """
    found = text(group, key)
    if found is None:
        return None
    if len(found) > LARGEST_JSON:
        raise FileError(f"refused: {key!r} in {shown!r} is {len(found)} bytes of JSON")
    return parse_json(found, f"{key!r} in {shown!r}")


def _decoded(value: Any, where: str) -> str:
    try:
        value = value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError as error:
        raise FileError(f"the file is damaged: {where} is no text: {error}") from None
    if not isinstance(value, str):
        raise FileError(f"the file is damaged: {where} should be text, not {value!r:.80}")
    return value
