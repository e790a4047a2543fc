"""Image files listed in a data frame, with labels in its columns."""

import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from hornbook.core.messages import tell
from hornbook.data.pictures import FORMATS, FileIterator

WITH_CLASSES = ("categorical", "binary", "sparse")
MODES = (*WITH_CLASSES, "input", "multi_output", "raw", None)
GONE = ("has_ext", "sort", "drop_duplicates")  # former arguments, ignored


class DataFrameIterator(FileIterator):
    """Endless batches of the images listed in a data frame, augmented by a generator.

    Args:
        dataframe: a pandas data frame.
        directory: folder of the files; by default the frame has full paths.
        image_data_generator: an `ImageDataGenerator`, or `None` for unchanged images.
        x_col: column of file names.
        y_col: column of labels, or several of them.
        weight_col: column of sample weights.
        target_size, color_mode: see `DirectoryIterator`.
        classes: classes to use, numbered in sorted order; default all. Rows of other classes are
            dropped.
        class_mode: the form of labels: `"categorical"` (one-hot or multi-hot; a label is a string
            or a list of strings), `"binary"` or `"sparse"` (the class number), `"raw"` (the
            columns' values), `"multi_output"` (a list of columns), `"input"` (the images), or
            `None` for none.
        batch_size, shuffle, seed, data_format: see `DirectoryIterator`.
        save_to_dir, save_prefix, save_format: see `NumpyArrayIterator`.
        subset: `"training"` or `"validation"`; the first rows are for validation.
        interpolation, keep_aspect_ratio: see `load_img`.
        dtype: dtype of the batches.
        validate_filenames: whether to drop rows whose file is missing or not an image, with a
            warning.

    Raises:
        ValueError: for an unknown mode, or a binary one without exactly two classes.
        TypeError: for columns of the wrong type for the mode.
    """

    def __init__(
        self,
        dataframe: Any,
        directory: Any = None,
        image_data_generator: Any = None,
        x_col: str = "filename",
        y_col: Any = "class",
        weight_col: str | None = None,
        target_size: Sequence[int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        dtype: Any = None,
        validate_filenames: bool = True,
        keep_aspect_ratio: bool = False,
        **gone: Any,
    ):
        for name in gone:
            if name not in GONE:
                raise TypeError(f"DataFrameIterator takes no argument {name!r}")
            warnings.warn(f"DataFrameIterator: {name} no longer has any effect", stacklevel=3)
        class_mode = "raw" if class_mode == "other" else class_mode
        if class_mode not in MODES:
            raise ValueError(f"DataFrameIterator: class_mode is one of {MODES}, not {class_mode!r}")
        saving = save_to_dir, save_prefix, save_format
        self.set_processing_attrs(
            image_data_generator,
            target_size,
            color_mode,
            data_format,
            *saving,
            subset,
            interpolation,
            keep_aspect_ratio,
            dtype,
        )
        self.directory = directory or ""
        self.class_mode = class_mode
        frame = dataframe
        for column in _columns(
            x_col, y_col if class_mode not in ("input", None) else [], weight_col
        ):
            if column not in frame:
                raise ValueError(
                    f"DataFrameIterator: the frame has no column {column!r}; it has "
                    f"{[*frame.columns]}"
                )
        wrong = [name for name in frame[x_col] if not isinstance(name, str)]
        if wrong:
            raise TypeError(
                f"DataFrameIterator: x_col={x_col!r} holds file names, strings; it has {wrong[0]!r}"
            )
        if weight_col and np.asarray(frame[weight_col]).dtype.kind not in "iuf":
            raise TypeError(f"DataFrameIterator: weight_col={weight_col!r} must hold numbers")
        if class_mode == "multi_output" and not isinstance(y_col, list):
            raise TypeError(
                "DataFrameIterator: class_mode='multi_output' takes a list of columns as y_col, "
                f"not {y_col!r}"
            )
        if validate_filenames:
            frame = self._with_files(frame, x_col)
        if class_mode in WITH_CLASSES:
            frame = self._with_classes(frame, y_col, classes)
        elif classes:
            warnings.warn(
                f"DataFrameIterator: class_mode={class_mode!r} has no classes; those given are not "
                "used",
                stacklevel=3,
            )
        if self.split is not None:
            first, last = (int(part * len(frame)) for part in self.split)
            frame = frame.iloc[first:last]
        if class_mode in WITH_CLASSES:
            numbers = self.class_indices
            self.classes = self.labels = [
                [numbers[one] for one in label] if _is_list(label) else numbers[label]
                for label in frame[y_col]
            ]
        elif class_mode == "multi_output":
            self.labels = [np.array(frame[column].tolist()) for column in y_col]
        elif class_mode == "raw":
            self.labels = frame[y_col].to_numpy()
        self.sample_weight = frame[weight_col].to_numpy() if weight_col else None
        self.filenames = frame[x_col].tolist()
        self.filepaths = [os.path.join(self.directory, name) for name in self.filenames]
        self.samples = len(self.filenames)
        which = "validated" if validate_filenames else "non-validated"
        classes_too = (
            f" belonging to {self.num_classes} classes" if class_mode in WITH_CLASSES else ""
        )
        tell(f"Found {self.samples} {which} image filenames{classes_too}.")
        super().__init__(self.samples, batch_size, shuffle, seed)

    def _with_files(self, frame: Any, x_col: str) -> Any:
        """The rows whose file exists and is an image, by its suffix."""
        there = [
            name.lower().endswith(FORMATS) and os.path.isfile(os.path.join(self.directory, name))
            for name in frame[x_col]
        ]
        if not all(there):
            missing = [name for name, is_there in zip(frame[x_col], there) if not is_there]
            warnings.warn(
                f"DataFrameIterator: {len(missing)} of {len(there)} files of x_col={x_col!r} are "
                f"missing, or have no image suffix; their rows are dropped: "
                f"{missing[:3]}",
                stacklevel=4,
            )
        return frame[there]

    def _with_classes(self, frame: Any, y_col: Any, classes: Sequence[str] | None) -> Any:
        """The rows of the classes in use; also assigns class numbers."""
        labels = list(frame[y_col])
        allowed = (str, list, tuple) if self.class_mode == "categorical" else (str,)
        wrong = [label for label in labels if not isinstance(label, allowed)]
        if wrong:
            raise TypeError(
                f"DataFrameIterator: with class_mode={self.class_mode!r} y_col={y_col!r} holds "
                f"{' or '.join(kind.__name__ for kind in allowed)}; it has {wrong[0]!r}. Try "
                "astype(str), or class_mode='raw'"
            )
        used = set(classes or (one for label in labels for one in _each(label)))
        if self.class_mode == "binary" and len(used) != 2:
            raise ValueError(
                f"DataFrameIterator: class_mode='binary' needs two classes; there are {len(used)}: "
                f"{sorted(used)[:5]}"
            )
        self.class_indices = {name: number for number, name in enumerate(sorted(used))}
        self.num_classes = self.nb_class = len(used)
        kept = [any(one in used for one in _each(label)) for label in labels]
        frame = frame[kept].copy()
        if classes:
            frame[y_col] = [
                [one for one in label if one in used] if _is_list(label) else label
                for label in frame[y_col]
            ]
        return frame


def _is_list(label: Any) -> bool:
    return isinstance(label, list | tuple)


def _each(label: Any) -> Sequence:
    return label if _is_list(label) else [label]


def _columns(x_col: str, y_col: Any, weight_col: str | None) -> list[str]:
    targets = list(y_col) if isinstance(y_col, list | tuple) else [y_col]
    return [x_col, *targets, *([weight_col] if weight_col else [])]
