"""`ImageDataGenerator`: random augmentation and standardization of images, batch by batch.

Everything that moves pixels (rotation, shift, shear, zoom, flip) is combined into one affine map
per image, and one compiled call per batch.
"""

import inspect
import numbers
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from hornbook.core.dtype import standardize_dtype
from hornbook.core.settings import standardize_data_format
from hornbook.data.affine import (
    FILL_MODES,
    ORDERS,
    apply_brightness_shift,
    apply_channel_shift,
    resampled,
    transform_matrices,
    warn_of_channels,
)
from hornbook.data.dataframe import DataFrameIterator
from hornbook.data.directory import DirectoryIterator
from hornbook.data.pictures import NumpyArrayIterator, drawing

NOT_FIT = """ImageDataGenerator: {} {} statistics of the data, and there are none, so it is \
skipped: call .fit(x) with images first"""
OVERRIDES = "ImageDataGenerator: {} includes {}, which is switched {}"
# The methods that are batched; a subclass that overrides one is called image by image.
STEPS = ("get_random_transform", "apply_transform", "standardize")


def _flow(kind: type, text: str, **defaults: Any) -> Callable[..., Any]:
    """A method that creates an iterator, with the signature of the iterator's class."""
    of_class = inspect.signature(kind).parameters.values()
    own = [p.replace(default=defaults.get(p.name, p.default)) for p in of_class]
    kept = [p for p in own if p.name not in ("image_data_generator", "data_format", "dtype")]
    itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    signature = inspect.Signature([itself, *kept], return_annotation=kind)

    def flow(self, *args, **kwargs):
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        _, *given = bound.arguments.items()
        given = dict(given)
        form = {"data_format": self.data_format, "dtype": self.dtype}
        return kind(**given.pop("gone", {}), **given, image_data_generator=self, **form)

    flow.__doc__, flow.__signature__ = text, signature  # type: ignore[attr-defined]
    return flow


class ImageDataGenerator:
    """Batches of images, randomly augmented and standardized.

    Random numbers come from numpy's global generator: `np.random.seed`, or the `seed` of a flow,
    makes them reproducible.

    Args:
        featurewise_center: whether to subtract the data's mean per channel (see `fit`).
        samplewise_center: whether to subtract each image's mean.
        featurewise_std_normalization: whether to divide by the data's standard deviation.
        samplewise_std_normalization: whether to divide by each image's standard deviation.
        zca_whitening: whether to decorrelate pixels (see `fit`).
        zca_epsilon: added to variances before whitening divides by their square roots.
        rotation_range: maximum rotation, in degrees.
        width_shift_range, height_shift_range: a fraction of the width or height if below 1,
            otherwise pixels; an integer draws whole pixels below it; a list draws one of its
            numbers.
        brightness_range: minimum and maximum factor for colors. Values are mapped to 0 to 255
            first.
        shear_range: maximum shear, in degrees.
        zoom_range: minimum and maximum factor, or the maximum distance from 1.
        channel_shift_range: maximum number added to all channels.
        fill_mode: values beyond the edges: `"nearest"`, `"constant"`, `"reflect"`, `"wrap"`.
        cval: value for `"constant"`.
        horizontal_flip, vertical_flip: whether to flip half of the images.
        rescale: factor for images, applied before standardization.
        preprocessing_function: applied to each augmented image before rescaling; must keep the
            shape.
        data_format: `"channels_last"` or `"channels_first"`.
        validation_split: fraction of the data for `subset="validation"` of a flow.
        interpolation_order: 0 nearest pixel, 1 linear, 2 to 5 splines (scipy).
        dtype: dtype of the batches; default `floatx()`.

    Raises:
        ValueError: for invalid ranges or modes.

    Example:
        >>> generator = ImageDataGenerator(rescale=1 / 255, rotation_range=20, horizontal_flip=True)
        >>> x, y = np.zeros((10, 32, 32, 3)), np.arange(10)
        >>> batches = generator.flow(x, y, batch_size=4)
        >>> len(batches), next(batches)[0].shape
        (3, (4, 32, 32, 3))

    Source: keras-preprocessing 1.1.2.
    """

    _tiny = 1e-6  # added to standard deviations
    _fits_rescaled = True

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: Any = 0.0,
        height_shift_range: Any = 0.0,
        brightness_range: Sequence[float] | None = None,
        shear_range: float = 0.0,
        zoom_range: Any = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Callable | None = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: Any = None,
    ):
        if fill_mode not in FILL_MODES:
            raise ValueError(
                f"ImageDataGenerator: fill_mode is one of {', '.join(FILL_MODES)}, not "
                f"{fill_mode!r}"
            )
        if interpolation_order not in ORDERS:
            raise ValueError(
                f"ImageDataGenerator: interpolation_order is 0 to 5, not {interpolation_order!r}"
            )
        if validation_split and not 0 < validation_split < 1:
            raise ValueError(
                "ImageDataGenerator: validation_split is a fraction of the data, between 0 and 1, "
                f"not {validation_split!r}"
            )
        if brightness_range is not None and not _is_pair(brightness_range):
            raise ValueError(
                "ImageDataGenerator: brightness_range is two numbers, minimum and maximum, not "
                f"{brightness_range!r}"
            )
        if zca_whitening or featurewise_std_normalization:
            what = "zca_whitening" if zca_whitening else "featurewise_std_normalization"
            featurewise_center = _set(featurewise_center, True, what, "featurewise_center")
        if zca_whitening:
            featurewise_std_normalization = _set(
                featurewise_std_normalization,
                False,
                "zca_whitening",
                "featurewise_std_normalization",
            )
        if samplewise_std_normalization:
            samplewise_center = _set(
                samplewise_center, True, "samplewise_std_normalization", "samplewise_center"
            )
        self.featurewise_center = featurewise_center
        self.samplewise_center = samplewise_center
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening = zca_whitening
        self.zca_epsilon = zca_epsilon
        self.rotation_range = rotation_range
        self.width_shift_range = width_shift_range
        self.height_shift_range = height_shift_range
        self.brightness_range = None if brightness_range is None else tuple(brightness_range)
        self.shear_range = shear_range
        self.zoom_range = _zooms(zoom_range)
        self.channel_shift_range = channel_shift_range
        self.fill_mode = fill_mode
        self.cval = cval
        self.horizontal_flip = horizontal_flip
        self.vertical_flip = vertical_flip
        self.rescale = rescale
        self.preprocessing_function = preprocessing_function
        self.data_format = standardize_data_format(data_format)
        first = self.data_format == "channels_first"
        self.channel_axis, self.row_axis, self.col_axis = (1, 2, 3) if first else (3, 1, 2)
        self.validation_split = self._validation_split = validation_split
        self.interpolation_order = interpolation_order
        self.dtype = standardize_dtype(dtype)
        self.mean: Any = None
        self.std: Any = None
        self.principal_components: Any = None

    flow = _flow(
        NumpyArrayIterator,
        """Endless batches from arrays; arguments as for `NumpyArrayIterator`.

        Example:
            >>> batches = ImageDataGenerator().flow(np.zeros((5, 4, 4, 1)), batch_size=3)
            >>> [len(batches[i]) for i in range(len(batches))]
            [3, 2]
        """,
        y=None,
        shuffle=True,
    )
    flow_from_directory = _flow(
        DirectoryIterator,
        """Endless batches of the images in a folder's subfolders; arguments as for
        `DirectoryIterator`.""",
    )
    flow_from_dataframe = _flow(
        DataFrameIterator,
        """Endless batches of the images listed in a data frame; arguments as for
        `DataFrameIterator`.""",
    )

    # ---- one image

    def get_random_transform(self, img_shape: Sequence[int], seed: int | None = None) -> dict:
        """Draw random augmentation parameters for an image.

        Args:
            img_shape: the image's shape.
            seed: seed for numpy's global generator.

        Returns:
            `theta` (degrees), `tx`, `ty` (pixels along rows and columns), `shear` (degrees), `zx`,
            `zy`, `flip_horizontal`, `flip_vertical`, `channel_shift_intensity`, `brightness`.

        Example:
            >>> drawn = ImageDataGenerator(rotation_range=10).get_random_transform((8, 8, 3), 0)
            >>> round(drawn["theta"], 3), drawn["tx"]
            (0.976, 0)
        """
        if seed is not None:
            np.random.seed(seed)
        drawn = self._moves(img_shape)
        drawn["flip_horizontal"] = (np.random.random() < 0.5) * self.horizontal_flip
        drawn["flip_vertical"] = (np.random.random() < 0.5) * self.vertical_flip
        shift = self.channel_shift_range
        drawn["channel_shift_intensity"] = np.random.uniform(-shift, shift) if shift else None
        bright: Any = self.brightness_range
        drawn["brightness"] = np.random.uniform(*bright) if bright else None
        return drawn

    def _moves(self, img_shape: Sequence[int]) -> dict:
        """Random parameters of an image's affine map."""
        turn, shear = self.rotation_range, self.shear_range
        least, most = self.zoom_range
        drawn = {
            "theta": np.random.uniform(-turn, turn) if turn else 0,
            "tx": _shift(self.height_shift_range, img_shape[self.row_axis - 1]),
            "ty": _shift(self.width_shift_range, img_shape[self.col_axis - 1]),
            "shear": np.random.uniform(-shear, shear) if shear else 0,
        }
        zooms = (1, 1) if least == most == 1 else np.random.uniform(least, most, 2)
        return drawn | dict(zip(("zx", "zy"), zooms))

    def apply_transform(self, x: Any, transform_parameters: dict) -> np.ndarray:
        """Apply the parameters from `get_random_transform` to an image.

        Args:
            x: an image of three axes.
            transform_parameters: the parameters; all are optional.

        Example:
            >>> x = np.arange(3.0).reshape(1, 3, 1)
            >>> ImageDataGenerator().apply_transform(x, {"flip_horizontal": True}).ravel()
            array([2., 1., 0.])
        """
        return self._changed(np.array(x)[None], [transform_parameters])[0]

    def random_transform(self, x: Any, seed: int | None = None) -> np.ndarray:
        """Augment an image at random.

        Args:
            x: an image of three axes.
            seed: seed for numpy's global generator.
        """
        return self.apply_transform(x, self.get_random_transform(np.shape(x), seed))

    def standardize(self, x: np.ndarray) -> np.ndarray:
        """Rescale, center and normalize; a float array is changed in place.

        Args:
            x: an image (or a batch, treated as one).
        """
        if self.preprocessing_function:
            x = self.preprocessing_function(x)
        if x.dtype.kind not in "fcV":
            x = x.astype(jax.numpy.dtype(self.dtype))
        return self._standardized(x, self._over(batch=False))

    # ---- a batch

    def transform_batch(self, x: np.ndarray, room: int = 0) -> np.ndarray:
        """Augment and standardize a batch of images, with the same result as one by one.

        Args:
            x: a batch of images in the generator's data format; may be overwritten.
            room: the largest batch size.
        """
        own = any(
            name in vars(self) or not getattr(type(self), name).__module__.startswith("hornbook.")
            for name in STEPS
        )
        if own or self.preprocessing_function:  # may draw random numbers too
            made = [self._one(picture) for picture in x]
            return np.stack(made).astype(x.dtype, copy=False) if made else x
        with drawing:
            drawn = [self.get_random_transform(x.shape[1:]) for _ in x]
        return self._standardized(self._changed(x, drawn, room), self._over(batch=True))

    def _one(self, picture: np.ndarray) -> np.ndarray:
        drawn = self.get_random_transform(picture.shape)
        return self.standardize(self.apply_transform(picture, drawn))

    def _changed(self, x: np.ndarray, drawn: Sequence[dict], room: int = 0) -> np.ndarray:
        """Apply the parameters of each image to a batch, which may be overwritten."""
        first = self.data_format == "channels_first"
        pictures = x.transpose(0, 2, 3, 1) if first else x
        rows, columns = pictures.shape[1:3]
        matrices = transform_matrices(rows, columns, drawn)
        if matrices is not None:
            how = self.fill_mode, self.cval, self.interpolation_order
            moved = resampled(pictures, matrices, *how, room)
            moved = moved if moved.flags.writeable else moved.copy()
        else:
            moved = pictures
            for i, one in enumerate(drawn):
                down, across = one.get("flip_vertical"), one.get("flip_horizontal")
                if down or across:
                    moved[i] = moved[i, :: -1 if down else 1, :: -1 if across else 1]
        for i, one in enumerate(drawn):
            if one.get("channel_shift_intensity") is not None:
                moved[i] = apply_channel_shift(moved[i], one["channel_shift_intensity"], 2)
            if one.get("brightness") is not None:
                moved[i] = apply_brightness_shift(moved[i], one["brightness"])
        return moved.transpose(0, 3, 1, 2) if first else moved

    def _over(self, batch: bool) -> Any:
        """The axes of a sample's mean."""
        return (1, 2, 3) if batch else None

    def _standardized(self, x: np.ndarray, axes: Any) -> np.ndarray:
        """Standardize in place, with sample statistics over these axes."""
        if self.rescale:
            x *= self.rescale
        if self.samplewise_center:
            x -= np.mean(x, axis=axes, keepdims=True)
        if self.samplewise_std_normalization:
            x /= np.std(x, axis=axes, keepdims=True) + self._tiny
        of_data = {
            "featurewise_center": self.mean,
            "featurewise_std_normalization": self.std,
            "zca_whitening": self.principal_components,
        }
        wanted = {name: value for name, value in of_data.items() if getattr(self, name)}
        missing = [name for name, value in wanted.items() if value is None]
        if missing:
            verb = "needs" if len(missing) == 1 else "need"
            warnings.warn(NOT_FIT.format(" and ".join(missing), verb), stacklevel=3)
        if wanted.get("featurewise_center") is not None:
            x -= self.mean
        if wanted.get("featurewise_std_normalization") is not None:
            x /= self.std + self._tiny
        if wanted.get("zca_whitening") is not None:
            flat = x.reshape(-1, len(self.principal_components))
            x = (flat @ self.principal_components).reshape(x.shape)
        return x

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Compute the statistics for standardization: means, standard deviations, whitening.

        Args:
            x: a batch of images; they are rescaled first, without `preprocessing_function`.
            augment: whether to augment them first.
            rounds: number of passes over the images if augmented.
            seed: seed for numpy's global generator.

        Raises:
            ValueError: if `x` does not have four axes.

        Example:
            >>> generator = ImageDataGenerator(featurewise_center=True)
            >>> generator.fit(np.full((2, 4, 4, 3), 5.0))
            >>> generator.mean.ravel()
            array([5., 5., 5.], dtype=float32)
        """
        x = np.array(x, dtype=jax.numpy.dtype(self.dtype))
        if x.ndim != 4:
            raise ValueError(
                f"ImageDataGenerator.fit: images have four axes, a batch of them; got {x.shape}"
            )
        where = "ImageDataGenerator.fit"
        warn_of_channels(x.shape, self.channel_axis, self.data_format, where)
        if seed is not None:
            np.random.seed(seed)
        if self.rescale and self._fits_rescaled:
            x *= self.rescale
        if augment:
            again = [self.random_transform(picture) for _ in range(rounds) for picture in x]
            x = np.stack(again).astype(x.dtype, copy=False)
        pixels = (0, self.row_axis, self.col_axis)
        if self.featurewise_center:
            self.mean = np.mean(x, axis=pixels, keepdims=True)[0]
            x -= self.mean
        if self.featurewise_std_normalization:
            self.std = np.std(x, axis=pixels, keepdims=True)[0]
            x /= self.std + self._tiny
        if self.zca_whitening:
            self.principal_components = _whitening(x.reshape(len(x), -1), self.zca_epsilon)


def _whitening(x: np.ndarray, epsilon: float) -> np.ndarray:
    """`V (S + epsilon)^(-1/2) V^T`, where `V S V^T` is the covariance of rows with mean zero."""
    count, size = x.shape
    if count < size:
        _, singular, directions = np.linalg.svd(x, full_matrices=False)
        variance = singular**2 / count
    else:
        variance, directions = np.linalg.eigh(x.T @ x / count)
        variance, directions = np.maximum(variance, 0), directions.T
    # All other directions have variance 0.
    rest = 1 / np.sqrt(epsilon)
    factor = 1 / np.sqrt(variance + epsilon) - rest
    whole = (directions.T * factor) @ directions
    whole[np.diag_indices(size)] += rest
    return whole.astype(x.dtype)


def _is_pair(value: Any) -> bool:
    return isinstance(value, Sequence | np.ndarray) and len(value) == 2


def _set(value: bool, wanted: bool, what: str, other: str) -> bool:
    if value != wanted:
        warnings.warn(OVERRIDES.format(what, other, "on" if wanted else "off"), stacklevel=4)
    return wanted


def _zooms(zoom_range: Any) -> list[Any]:
    if isinstance(zoom_range, numbers.Real):
        return [1 - zoom_range, 1 + zoom_range]
    if _is_pair(zoom_range) and all(isinstance(value, numbers.Real) for value in zoom_range):
        return [*zoom_range]
    raise ValueError(
        f"ImageDataGenerator: zoom_range is a number or two, minimum and maximum, not "
        f"{zoom_range!r}"
    )


def _shift(range_: Any, size: int) -> Any:
    """A random shift in pixels along an axis of this size."""
    one: Any = isinstance(range_, numbers.Real)
    if not (range_ if one else len(range_)):
        return 0
    if one and (range_ < 0 or not isinstance(range_, numbers.Integral)):
        shift = np.random.uniform(-range_, range_)
    else:
        shift = np.random.choice(range_) * np.random.choice([-1, 1])
    return shift * size if np.max(range_) < 1 else shift
