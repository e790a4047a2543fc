"""Files in folders, one subfolder per class: list, shuffle, split, and read as a `Dataset`."""

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from hornbook.core.errors import users_stacklevel
from hornbook.core.messages import tell
from hornbook.data.dataset import Dataset
from hornbook.data.passes import AUTOTUNE

LABEL_MODES = ("int", "categorical", "binary", None)
SUBSETS = ("training", "validation", "both")
OUTSIDE = "{count} links in {folder} lead outside of it and are skipped, such as {first}"


def class_folders(directory: str, hidden: bool = False) -> list[str]:
    """The sorted names of a folder's subfolders.

    Args:
        directory: the folder.
        hidden: whether to include names that begin with a dot.
    """
    found = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
    return [name for name in found if hidden or not name.startswith(".")]


class Listing:
    """Lists the files of a folder, and stays inside it unless links are followed.

    Args:
        directory: the folder.
        ends: suffixes in lower case.
        follow: whether to follow links to folders, and links that lead outside.
    """

    def __init__(self, directory: Any, ends: tuple[str, ...], follow: bool):
        self.folder, self.ends, self.follow = os.fspath(directory), ends, follow
        self.real = os.path.realpath(self.folder)
        self.outside: list[str] = []

    def files(self, name: str = "") -> list[str]:
        """The paths of regular files below a subfolder, sorted by folder, then by name."""
        top = os.path.join(self.folder, name) if name else self.folder
        if name and os.path.islink(top) and not self._may_follow(top):
            return []
        above = (self.real,) if name else ()
        found = sorted(self._walk(top, above), key=lambda each: each[0])
        return [os.path.join(root, one) for root, names in found for one in sorted(names)]

    def _walk(self, folder: str, above: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
        real = os.path.realpath(folder)
        if real in above:  # a link that leads back
            return
        names = []
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir():
                    if self.follow or not entry.is_symlink():
                        yield from self._walk(entry.path, (*above, real))
                elif entry.name.lower().endswith(self.ends) and self._is_file(entry):
                    names.append(entry.name)
        yield folder, names

    def _is_file(self, entry: os.DirEntry) -> bool:
        if not entry.is_symlink():
            return entry.is_file()  # opening a pipe would wait forever
        if not os.path.exists(entry.path):
            return True  # a broken link; reading it raises an error with its name
        return entry.is_file() and self._may_follow(entry.path)

    def _may_follow(self, path: str) -> bool:
        inside = os.path.join(self.real, "")
        if self.follow or os.path.realpath(path).startswith(inside):
            return True
        self.outside.append(path)
        return False

    def warn(self, hint: str = "; if you trust them, pass follow_links=True") -> None:
        """Warn of links that were skipped."""
        if self.outside:
            count, first = len(self.outside), self.outside[0]
            text = OUTSIDE.format(count=count, folder=self.folder, first=first) + hint
            warnings.warn(text, stacklevel=users_stacklevel())


class Samples(NamedTuple):
    """Files and their labels.

    Attributes:
        paths: the files.
        labels: an array with one row per file; `None` without labels.
    """

    paths: list[str]
    labels: np.ndarray | None

    def at(self, chosen: Sequence[int] | range) -> "Samples":
        """Some of them, by number."""
        labels = None if self.labels is None else self.labels[np.asarray(chosen, int)]
        return Samples([self.paths[i] for i in chosen], labels)


def datasets_of(
    directory: Any,
    ends: tuple[str, ...],
    what: str,
    finish: Callable[[Dataset, bool], Dataset],
    *,
    labels: Any,
    label_mode: str | None,
    class_names: Sequence[str] | None,
    shuffle: bool,
    seed: int | None,
    validation_split: float | None,
    subset: str | None,
    follow_links: bool,
    verbose: bool,
) -> Any:
    """The data set of a folder's files; two of them for `subset="both"`.

    Args:
        ends: suffixes of files, in lower case.
        what: what the files are, for messages.
        finish: `finish(dataset, labelled)` reads the files and makes batches; elements are paths,
            or pairs of a path and a label.
        others: see `image_dataset_from_directory`.
    """
    where = f"{what}_dataset_from_directory"
    if label_mode not in LABEL_MODES:
        raise ValueError(f"{where}: label_mode is one of {LABEL_MODES}, not {label_mode!r}")
    if label_mode is None:
        labels = None
    check_split(where, validation_split, subset, shuffle, seed)
    if seed is None:
        seed = int(np.random.randint(10**6))
    found, names = index(where, directory, ends, labels, class_names, follow_links, verbose)
    if label_mode == "binary" and labels is not None and len(names or ()) != 2:
        raise ValueError(f"{where}: label_mode='binary' needs two classes; found {names}")
    if shuffle:
        order = np.arange(len(found.paths))
        np.random.RandomState(seed).shuffle(order)
        found = found.at(order.tolist())
    found = found._replace(labels=encoded(where, found.labels, label_mode, names))

    def made(part: str | None, shuffled: bool) -> Dataset:
        chosen = part_of(found, validation_split, part, verbose)
        if not chosen.paths:
            which = f"{part} " if part else ""
            raise ValueError(
                f"{where}: there are no {which}files in {directory} that end in {ends}"
            )
        labelled = chosen.labels is not None
        paths = np.array(chosen.paths, dtype=object)
        data = Dataset.from_tensor_slices((paths, chosen.labels) if labelled else paths)
        if shuffled:
            data = data.shuffle(None, seed)  # paths are small, so the buffer may hold all
        data = finish(data, labelled)
        data.class_names = names  # type: ignore[attr-defined]
        data.file_paths = chosen.paths  # type: ignore[attr-defined]
        return data

    if subset == "both":
        return made("training", shuffle), made("validation", False)
    return made(subset, shuffle)


def check_split(
    where: str, fraction: float | None, subset: str | None, shuffle: bool, seed: int | None
) -> None:
    """Check the arguments that split files for training and validation."""
    if fraction and not 0 < fraction < 1:
        raise ValueError(f"{where}: validation_split is between 0 and 1, not {fraction!r}")
    if bool(fraction) != bool(subset):
        raise ValueError(
            f"{where}: validation_split and subset go together; got {fraction!r} and {subset!r}"
        )
    if subset not in (*SUBSETS, None):
        raise ValueError(f"{where}: subset is one of {SUBSETS}, not {subset!r}")
    if fraction and shuffle and seed is None:
        raise ValueError(
            f"{where}: validation_split with shuffle=True needs a seed, so that the training and "
            "the validation part do not overlap"
        )


def index(
    where: str,
    directory: Any,
    ends: tuple[str, ...],
    labels: Any,
    class_names: Sequence[str] | None,
    follow: bool,
    verbose: bool,
) -> tuple[Samples, list[str] | None]:
    """All files in Keras's order, their labels, and the names of the classes."""
    inferred = isinstance(labels, str) and labels == "inferred"
    if not inferred and class_names is not None:
        raise ValueError(f"{where}: class_names needs labels='inferred', not {labels!r}")
    if not inferred and labels is not None and not isinstance(labels, list | tuple | np.ndarray):
        raise ValueError(
            f"{where}: labels is 'inferred', None, or a list with a label for each file in order "
            f"of their paths; got {labels!r}"
        )
    listing = Listing(directory, ends, follow)
    names: list[str] | None = None
    if not inferred:
        paths = listing.files()
        numbers = None if labels is None else np.array(labels)
    else:
        there = class_folders(listing.folder)
        names = there if class_names is None else list(class_names)
        missing = [name for name in names if name not in there]
        if missing:
            raise ValueError(
                f"{where}: class_names has {missing}, which are no subfolders of "
                f"{listing.folder}; those are {there}"
            )
        parts = [listing.files(name) for name in names]
        paths = [path for part in parts for path in part]
        numbers = np.repeat(np.arange(len(parts), dtype="int32"), [len(part) for part in parts])
    listing.warn()
    if numbers is not None and not inferred:
        if len(numbers) != len(paths):
            raise ValueError(
                f"{where}: there are {len(numbers)} labels and {len(paths)} files in "
                f"{listing.folder}"
            )
        names = [str(one) for one in np.unique(numbers).tolist()]
    if verbose:
        classes = "" if names is None else f" belonging to {len(names)} classes"
        tell(f"Found {len(paths)} files{classes}.")
    return Samples(paths, numbers), names


def encoded(
    where: str, labels: np.ndarray | None, mode: str | None, names: Sequence[str] | None
) -> np.ndarray | None:
    """Labels in the form of a label mode.

    Raises:
        ValueError: if integer labels are not 0 to the number of classes - 1, as one-hot needs.
    """
    if labels is None:
        return None
    if mode == "binary":
        return labels.astype("float32")[:, None]
    if mode == "categorical":
        count = len(names or ())
        if labels.dtype.kind not in "iu" or not ((labels >= 0) & (labels < count)).all():
            raise ValueError(
                f"{where}: label_mode='categorical' needs integer labels from 0 to {count - 1}, "
                f"one per class; got {names}"
            )
        return np.eye(count, dtype="float32")[labels]
    small = {"i": "int32", "f": "float32"}
    return labels.astype(small.get(labels.dtype.kind, labels.dtype))


def part_of(samples: Samples, fraction: float | None, part: str | None, verbose: bool) -> Samples:
    """The samples for training or validation: the last `fraction` are for validation."""
    if not fraction:
        return samples
    count = len(samples.paths)
    border = count - int(fraction * count)
    chosen = samples.at(range(border) if part == "training" else range(border, count))
    if verbose:
        tell(f"Using {len(chosen.paths)} files for {part}.")
    return chosen


def in_batches(data: Dataset, size: int | None) -> Dataset:
    """Batches of a size, read ahead; `None` for single samples."""
    return (data if size is None else data.batch(size)).prefetch()


def read_files(data: Dataset, read: Callable[[str], Any], labelled: bool) -> Dataset:
    """The data set with files read by threads in place of paths."""

    def with_label(path: str, label: Any) -> tuple:
        return read(path), label

    return data.map(with_label if labelled else read, num_parallel_calls=AUTOTUNE)
