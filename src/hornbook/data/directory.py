"""Image files in folders, one subfolder per class."""

import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from hornbook.core.messages import tell
from hornbook.data.folders import Listing, class_folders
from hornbook.data.pictures import FORMATS, FileIterator

MODES = ("categorical", "binary", "sparse", "input", None)
NO_PICTURES = """DirectoryIterator: there are no images in the subfolders of {}; expected one \
subfolder per class, such as {}, with files that end in {}"""
PICTURES = ("jpg", "jpeg", "bmp", "png", "ppm", "tif", "tiff")


def list_pictures(directory: Any, ext: str | Sequence[str] = PICTURES) -> list[str]:
    """The paths of all images in a folder and its subfolders.

    Args:
        directory: the folder.
        ext: suffixes: one, several, or several separated by `|`.

    Example:
        >>> import tempfile
        >>> list_pictures(tempfile.mkdtemp())
        []
    """
    ends = ext.split("|") if isinstance(ext, str) else ext
    listing = Listing(directory, tuple(f".{end}" for end in ends), follow=False)
    found = listing.files()
    listing.warn(hint="")
    return found


class DirectoryIterator(FileIterator):
    """Endless batches of the images in a folder's subfolders, augmented by a generator.

    Args:
        directory: a folder with one subfolder per class, which is searched recursively.
        image_data_generator: an `ImageDataGenerator`.
        target_size: `(height, width)` to resize to.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`.
        classes: names of the subfolders, in order of class number; default all, sorted.
        class_mode: the form of labels: `"categorical"` (one-hot), `"binary"` or `"sparse"` (the
            class number), `"input"` (the images), or `None` for none.
        batch_size: images per batch.
        shuffle: whether to reshuffle each pass; otherwise images are sorted by class and name.
        seed: see `Iterator`.
        data_format: `"channels_last"` or `"channels_first"`.
        save_to_dir, save_prefix, save_format: see `NumpyArrayIterator`.
        follow_links: whether to follow links to folders.
        subset: `"training"` or `"validation"`, by the generator's `validation_split` of each class;
            the first images are for validation.
        interpolation, keep_aspect_ratio: for resizing, see `load_img`.
        dtype: dtype of the batches.

    Attributes:
        samples: number of images; also `n`, `N`, `nb_sample`.
        num_classes: number of classes; also `nb_class`.
        class_indices: class numbers by name.
        classes: the class number of each image.
        filenames: paths relative to the folder; `filepaths`: including it.

    Raises:
        ValueError: for an unknown mode, or a class without a folder.
        FileNotFoundError: if there is no such folder.
    """

    def __init__(
        self,
        directory: Any,
        image_data_generator: Any,
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
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: Any = None,
    ):
        if class_mode not in MODES:
            raise ValueError(f"DirectoryIterator: class_mode is one of {MODES}, not {class_mode!r}")
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
        self.directory = directory
        self.class_mode = class_mode
        folder = os.fspath(directory)
        found = class_folders(folder, hidden=True)
        names = list(classes or found)
        missing = [name for name in names if not os.path.isdir(os.path.join(folder, name))]
        if missing:
            raise ValueError(
                f"DirectoryIterator: {folder} has no subfolders {missing}; it has {found}"
            )
        self.num_classes = self.nb_class = len(names)
        self.class_indices = {name: number for number, name in enumerate(names)}
        self.filenames: list[str] = []
        numbers: list[int] = []
        listing = Listing(folder, FORMATS, follow_links)
        for number, name in enumerate(names):
            paths = listing.files(name)
            first, last = self.split or (0, 1)
            paths = paths[int(first * len(paths)) : int(last * len(paths))]
            self.filenames += [os.path.relpath(path, folder) for path in paths]
            numbers += [number] * len(paths)
        listing.warn()
        self.samples = len(self.filenames)
        self.classes = self.labels = np.array(numbers, "int32")
        self.filepaths = [os.path.join(folder, name) for name in self.filenames]
        tell(f"Found {self.samples} images belonging to {self.num_classes} classes.")
        if not self.samples:
            example = os.path.join(folder, names[0] if names else "cats")
            text = NO_PICTURES.format(folder, example, ", ".join(FORMATS))
            warnings.warn(text, stacklevel=3)
        super().__init__(self.samples, batch_size, shuffle, seed)
