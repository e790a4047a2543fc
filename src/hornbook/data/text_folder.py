"""Text files in folders as a `Dataset`: `text_dataset_from_directory`."""

import functools
from collections.abc import Sequence
from typing import Any

from hornbook.data.dataset import Dataset
from hornbook.data.folders import datasets_of, in_batches, read_files

WHERE = "text_dataset_from_directory"


def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """A `Dataset` of the `.txt` files in a folder, one subfolder per class, read by threads.

    Args:
        directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split,
            subset, follow_links, format, verbose: see `image_dataset_from_directory`.
        max_length: number of characters after which a text is cut off.

    Returns:
        A `Dataset` of `(texts, labels)`, or of texts without labels: arrays of Python strings, of
        dtype object. Files are UTF-8; bytes that are not become U+FFFD. Its attributes are
        `class_names` and `file_paths`. A pair of data sets for `subset="both"`.

    Raises:
        ValueError: for an unknown option, or if there are no files.

    Example:
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> for name in ("neg", "pos"):
        ...     (folder / name).mkdir()
        ...     size = (folder / name / "1.txt").write_text(f"It is {name}.")
        >>> data = keras.utils.text_dataset_from_directory(folder, shuffle=False)
        Found 2 files belonging to 2 classes.
        >>> next(iter(data))
        (array(['It is neg.', 'It is pos.'], dtype=object), array([0, 1], dtype=int32))
    """
    if format not in ("tf", "grain"):
        raise ValueError(f"{WHERE}: format is 'tf' or 'grain', not {format!r}")

    def finish(data: Dataset, labelled: bool) -> Dataset:
        read = functools.partial(read_text, length=max_length)
        return in_batches(read_files(data, read, labelled), batch_size)

    return datasets_of(
        directory,
        (".txt",),
        "text",
        finish,
        labels=labels,
        label_mode=label_mode,
        class_names=class_names,
        shuffle=shuffle,
        seed=seed,
        validation_split=validation_split,
        subset=subset,
        follow_links=follow_links,
        verbose=verbose,
    )


def read_text(path: str, length: int | None) -> str:
    """A file's text, or its first `length` characters; line ends are kept."""
    with open(path, encoding="utf-8", errors="replace", newline="") as file:
        return file.read() if length is None else file.read(length)
