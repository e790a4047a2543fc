"""Iterators over images: the base class, arrays, and the base class for files."""

import contextlib
import functools
import os
import threading
from collections.abc import Iterator as Endless
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from hornbook.core.dtype import standardize_dtype
from hornbook.core.settings import standardize_data_format
from hornbook.data.affine import warn_of_channels
from hornbook.data.image import CHANNELS, array_to_img, img_to_array, load_img
from hornbook.training.dataset import PyDataset

FORMATS = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")
READERS = 8  # maximum number of file reading threads
SUBSETS = ("training", "validation")
# Keeps the random draws of one batch together when several threads make batches.
drawing = threading.RLock()


class Iterator(PyDataset):
    """Endless batches of samples by index: an iterator, and a data set for `fit`.

    Subclasses define `_get_batches_of_transformed_samples(index_array)`. With a seed, numpy's
    global generator is seeded for each batch, so that batches are reproducible.

    Args:
        n: number of samples.
        batch_size: samples per batch; the last of a pass may have fewer.
        shuffle: whether to reshuffle each pass.
        seed: an integer; `None` leaves the generator as it is.
        kwargs: passed to `PyDataset`, such as `workers`.

    Attributes:
        N, nb_sample: aliases of `n`.
        batch_index: index of the next batch in this pass.
        total_batches_seen: number of batches made.

    Example:
        >>> class Numbers(Iterator):
        ...     def _get_batches_of_transformed_samples(self, index_array):
        ...         return index_array
        >>> numbers = Numbers(5, batch_size=2, shuffle=False, seed=None)
        >>> len(numbers), numbers[2], [next(numbers).tolist() for _ in range(4)]
        (3, array([4]), [[0, 1], [2, 3], [4], [0, 1]])
    """

    white_list_formats = FORMATS
    endless = True  # `steps_per_epoch` may exceed a pass

    def __init__(self, n: int, batch_size: int, shuffle: bool, seed: int | None, **kwargs: Any):
        super().__init__(**kwargs)
        if batch_size < 1:
            raise ValueError(f"{type(self).__name__}: batch_size is 1 or more, not {batch_size!r}")
        self.n = n
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.lock = threading.Lock()
        self.index_array: np.ndarray | None = None
        self.total_batches_seen = 0
        self.batch_index = 0
        self.index_generator = self._flow_index()

    @property
    def N(self) -> int:
        """Number of samples."""
        return self.n

    nb_sample = N

    def _set_index_array(self) -> None:
        self.index_array = np.random.permutation(self.n) if self.shuffle else np.arange(self.n)

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def __getitem__(self, idx: int) -> Any:
        count = len(self)
        if not -count <= idx < count:
            raise IndexError(f"{type(self).__name__}: batch {idx} of {count}")
        with self._repeatably():
            with self.lock:
                self._begin_batch()
                if self.index_array is None:
                    self._set_index_array()
                first = self.batch_size * (idx % count)
                numbers = self.index_array[first : first + self.batch_size]  # type: ignore[index]
            return self._get_batches_of_transformed_samples(numbers)

    def _repeatably(self) -> Any:
        """A lock that serializes batches if they are seeded."""
        return drawing if self.seed is not None else contextlib.nullcontext()

    def _begin_batch(self) -> None:
        if self.seed is not None:
            np.random.seed(self.seed + self.total_batches_seen)
        self.total_batches_seen += 1

    def _flow_index(self) -> Endless[np.ndarray]:
        """The sample indices of each batch, endlessly."""
        while True:
            self._begin_batch()
            if self.batch_index == 0 or self.index_array is None:
                self._set_index_array()
            first = self.batch_index * self.batch_size
            last = first + self.batch_size
            self.batch_index = self.batch_index + 1 if last < self.n else 0
            yield self.index_array[first:last]  # type: ignore[index]

    def on_epoch_end(self) -> None:
        """Draw a new order."""
        self._set_index_array()

    def reset(self) -> None:
        """Start a new pass with the next batch."""
        self.batch_index = 0

    def __iter__(self) -> "Iterator":
        return self

    def __next__(self) -> Any:
        with self._repeatably():
            with self.lock:
                numbers = next(self.index_generator)
            return self._get_batches_of_transformed_samples(numbers)

    def next(self) -> Any:
        """The next batch; the iterator protocol of Python 2."""
        return self.__next__()

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        raise NotImplementedError(
            f"{type(self).__name__} must define _get_batches_of_transformed_samples(index_array)"
        )


def part_of(subset: str | None, generator: Any, where: str) -> tuple[float, float] | None:
    """The start and end of a subset, as fractions of the data; `None` for all."""
    if subset is None:
        return None
    if subset not in SUBSETS:
        raise ValueError(f"{where}: subset is 'training' or 'validation', not {subset!r}")
    split = generator._validation_split
    return (0, split) if subset == "validation" else (split, 1)


def changed_batch(generator: Any, x: np.ndarray, room: int) -> np.ndarray:
    """A batch of images, augmented and standardized by a generator."""
    if generator is None:
        return x
    if hasattr(generator, "transform_batch"):
        return generator.transform_batch(x, room)
    made = [generator.standardize(generator.random_transform(picture)) for picture in x]
    return np.stack(made).astype(x.dtype, copy=False) if made else x


def save_batch(
    folder: Any, prefix: str, form: str, x: np.ndarray, numbers: Any, data_format: str, most: int
) -> None:
    """Write a batch's images to files, for inspection."""
    for picture, number in zip(x, numbers, strict=True):
        name = f"{prefix}_{number}_{np.random.randint(most)}.{form}"
        array_to_img(picture, data_format, scale=True).save(os.path.join(folder, name))


class NumpyArrayIterator(Iterator):
    """Batches of images from arrays, augmented by a generator.

    Args:
        x: `(samples, rows, columns, channels)` or channels first; or a pair of that and an array,
            or list of arrays, passed to the model unchanged.
        y: labels, one row per sample; without them batches are `x` only.
        image_data_generator: an `ImageDataGenerator`.
        batch_size: images per batch.
        shuffle: whether to reshuffle each pass.
        sample_weight: a weight for each sample.
        seed: see `Iterator`.
        data_format: `"channels_last"` or `"channels_first"`.
        save_to_dir: a folder to write all generated images to, for inspection.
        save_prefix, save_format: prefix and suffix of their names.
        subset: `"training"` or `"validation"`, by the generator's `validation_split`; the first
            samples are for validation.
        ignore_class_split: whether the two parts may have different classes.
        dtype: dtype of the batches.

    Raises:
        ValueError: if lengths differ, `x` does not have four axes, or a class is in one part only.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        image_data_generator: Any,
        batch_size: int = 32,
        shuffle: bool = False,
        sample_weight: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        ignore_class_split: bool = False,
        dtype: Any = None,
    ):
        beside: list = []
        if isinstance(x, tuple | list) and len(x) == 2:
            x, more = x
            beside = [np.atleast_1d(one) for one in (more if isinstance(more, list) else [more])]
        x = np.asarray(x)
        y = None if y is None else np.asarray(y)
        weights = None if sample_weight is None else np.asarray(sample_weight)
        for name, one in [("y", y), ("sample_weight", weights), *(("x[1]", b) for b in beside)]:
            if one is not None and len(one) != len(x):
                raise ValueError(
                    f"NumpyArrayIterator: x has {len(x)} images (shape {x.shape}) and {name} "
                    f"{len(one)} rows (shape {one.shape})"
                )
        part = part_of(subset, image_data_generator, "NumpyArrayIterator")
        if part is not None:
            middle = int(len(x) * image_data_generator._validation_split)
            if y is not None and not ignore_class_split:
                _check_classes(y, middle)
            rows = slice(0, middle) if subset == "validation" else slice(middle, None)
            x, beside = x[rows], [one[rows] for one in beside]
            y = None if y is None else y[rows]
            weights = None if weights is None else weights[rows]
        if x.ndim != 4:
            raise ValueError(
                "NumpyArrayIterator: x is (samples, rows, columns, channels), or with channels "
                f"first; it has shape {x.shape}"
            )
        self.data_format = standardize_data_format(data_format)
        axis = 3 if self.data_format == "channels_last" else 1
        warn_of_channels(x.shape, axis, self.data_format, "NumpyArrayIterator")
        self.x, self.x_misc, self.y, self.sample_weight = x, beside, y, weights
        self.image_data_generator = image_data_generator
        self.save_to_dir = save_to_dir
        self.save_prefix = save_prefix
        self.save_format = save_format
        self.dtype = standardize_dtype(dtype)
        super().__init__(len(x), batch_size, shuffle, seed)

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        x = self.x[index_array].astype(jax.numpy.dtype(self.dtype), copy=False)
        x = changed_batch(self.image_data_generator, x, min(self.batch_size, self.n))
        if self.save_to_dir is not None:
            how = self.save_prefix, self.save_format
            save_batch(self.save_to_dir, *how, x, index_array, self.data_format, 10_000)
        inputs = [x, *(one[index_array] for one in self.x_misc)] if self.x_misc else x
        if self.y is None:
            return inputs
        batch = inputs, self.y[index_array]
        return batch if self.sample_weight is None else (*batch, self.sample_weight[index_array])


def _check_classes(y: np.ndarray, middle: int) -> None:
    if not np.array_equal(np.unique(y[:middle]), np.unique(y[middle:])):
        raise ValueError(
            f"NumpyArrayIterator: the first {middle} labels, for validation, and the others have "
            "different classes. Shuffle the samples first, or pass ignore_class_split=True"
        )


class FileIterator(Iterator):
    """Base class of iterators over image files; see `DirectoryIterator` for the arguments.

    Subclasses set `samples`, `filepaths`, `classes` or `labels`, and optionally `sample_weight`.
    """

    samples: int
    filepaths: list[str]
    class_mode: str | None
    class_indices: dict[Any, int]
    labels: Any
    sample_weight: np.ndarray | None = None

    def set_processing_attrs(
        self,
        image_data_generator: Any,
        target_size: Sequence[int],
        color_mode: str,
        data_format: str | None,
        save_to_dir: Any,
        save_prefix: str,
        save_format: str,
        subset: str | None,
        interpolation: str,
        keep_aspect_ratio: bool = False,
        dtype: Any = None,
    ) -> None:
        """Store how files are read as images."""
        if color_mode not in CHANNELS:
            raise ValueError(
                f"{type(self).__name__}: color_mode is 'grayscale', 'rgb' or 'rgba', not "
                f"{color_mode!r}"
            )
        self.image_data_generator = image_data_generator
        self.target_size = tuple(target_size)
        self.color_mode = color_mode
        self.data_format = standardize_data_format(data_format)
        channels = (CHANNELS[color_mode],)
        last = self.data_format == "channels_last"
        self.image_shape = self.target_size + channels if last else channels + self.target_size
        self.save_to_dir = save_to_dir
        self.save_prefix = save_prefix
        self.save_format = save_format
        self.interpolation = interpolation
        self.keep_aspect_ratio = keep_aspect_ratio
        self.subset = subset
        self.split = part_of(subset, image_data_generator, type(self).__name__)
        self.dtype = standardize_dtype(dtype)

    def _read(self, path: str) -> np.ndarray:
        """A file as an array of the target size."""
        size, way = self.target_size, self.interpolation
        img = load_img(path, self.color_mode, size, way, self.keep_aspect_ratio)
        return img_to_array(img, self.data_format, self.dtype)

    def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> Any:
        x = np.empty((len(index_array), *self.image_shape), jax.numpy.dtype(self.dtype))
        paths = [self.filepaths[i] for i in index_array]
        for i, picture in enumerate(_readers(os.getpid()).map(self._read, paths)):
            x[i] = picture
        x = changed_batch(self.image_data_generator, x, min(self.batch_size, self.n))
        if self.save_to_dir is not None:
            how = self.save_prefix, self.save_format
            save_batch(self.save_to_dir, *how, x, index_array, self.data_format, 10_000_000)
        if self.class_mode is None:
            return x
        y = x.copy() if self.class_mode == "input" else self._targets_of(index_array)
        return (x, y) if self.sample_weight is None else (x, y, self.sample_weight[index_array])

    def _targets_of(self, index_array: np.ndarray) -> Any:
        if self.class_mode == "multi_output":
            return [output[index_array] for output in self.labels]
        if self.class_mode == "raw":
            return self.labels[index_array]
        dtype = jax.numpy.dtype(self.dtype)
        classes = [self.labels[i] for i in index_array]
        if self.class_mode in ("binary", "sparse"):
            return np.array(classes, dtype)
        y = np.zeros((len(classes), len(self.class_indices)), dtype)
        for row, numbers in zip(y, classes, strict=True):
            row[numbers] = 1
        return y


@functools.cache
def _readers(process: int) -> ThreadPoolExecutor:
    """Threads that read files; one pool per process, for forks."""
    return ThreadPoolExecutor(min(READERS, os.cpu_count() or 1), "hornbook-pictures")
