"""`BaseImagePreprocessingLayer`: the base of layers that change pictures and their annotations."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook import formulas, ops, random
from hornbook.core import tree
from hornbook.core.random import SeedGenerator, key_from
from hornbook.core.settings import standardize_data_format
from hornbook.layers.arguments import WHOLE
from hornbook.layers.base import Layer
from hornbook.layers.one_picture import OnePicture
from hornbook.preprocessing.pictures import boxes, colors

# The parts of a layer's input, and how the methods for one picture call them.
PARTS = {
    "images": "image",
    "bounding_boxes": "bounding_box",
    "labels": "label",
    "segmentation_masks": "segmentation_mask",
}
NO_FORMAT = """{} got bounding boxes, but does not know their format.
Wrong:  {}(...)
Right:  {}(..., bounding_box_format="xyxy")"""


class _Backend:
    """Keras's names for functions of arrays: `backend.numpy`, `backend.random`, `backend.cast`."""

    random = random
    core = ops

    def __getattr__(self, name: str) -> Any:
        return getattr(ops, name)


def with_arrays(data: Any, layer: str) -> Any:
    """The input of a layer of this name: lists of pictures of one size, or of boxes, as arrays."""
    if isinstance(data, list | tuple) and all(hasattr(one, "shape") for one in data):
        return (np if all(isinstance(one, np.ndarray) for one in data) else ops).stack(data)
    if not isinstance(data, dict) or "bounding_boxes" not in data:
        return data
    return {**data, "bounding_boxes": boxes.densified(data["bounding_boxes"], layer)}


class BaseImagePreprocessingLayer(Layer):
    """Base of layers that change pictures, and their labels, boxes and masks with them.

    The input is a picture `(height, width, channels)`, a batch, or a dictionary of `"images"` and
    any of `"labels"`, `"bounding_boxes"` and `"segmentation_masks"`; other keys are passed on. A
    subclass defines `get_random_transformation`, if it draws, and a `transform_...` for each part,
    which all get the same transformation. An eager call is one compiled call.

    Args:
        factor: strength: a number, or minimum and maximum; only for layers that use it.
        bounding_box_format: format of `"bounding_boxes"`, see
            `keras.utils.bounding_boxes.convert_format`.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Raises:
        ValueError: for a factor out of range, or one that the layer does not use.

    Example:
        >>> class Darker(BaseImagePreprocessingLayer):
        ...     _USE_BASE_FACTOR = False
        ...     def transform_images(self, images, transformation, training=True):
        ...         return images.astype(self.compute_dtype) / 2
        >>> Darker()(np.full((1, 1, 3), 8, "uint8")).tolist()
        [[[4.0, 4.0, 4.0]]]
    """

    _USE_BASE_FACTOR = True
    _FACTOR_BOUNDS: tuple[float, float] = (-1, 1)
    _settled: tuple[str, ...] = ("factor",)
    _casts_inputs = False  # boxes and labels keep their dtypes
    _transforms = True
    _needs_format = True  # whether boxes need a `bounding_box_format`
    interpolation = "bilinear"
    backend = _Backend()  # for subclasses written for Keras

    def __init__(
        self,
        factor: Any = None,
        bounding_box_format: str | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.bounding_box_format: Any = bounding_box_format
        self.data_format = standardize_data_format(data_format)
        axes = (-2, -1, -3) if self.data_format == "channels_first" else (-3, -2, -1)
        self.height_axis, self.width_axis, self.channel_axis = axes
        if self._USE_BASE_FACTOR:
            self._set_factor(factor or 0.0)
        elif factor is not None:
            raise ValueError(f"{type(self).__name__} takes no argument factor; got {factor!r}")

    # ---- arguments of subclasses

    def _set_factor(self, factor: Any) -> None:
        low, high = self._FACTOR_BOUNDS
        least, most = self._range("factor", factor, low, high)
        self.factor = max(least, low), most

    def _range(self, name: str, value: Any, low: float, high: float) -> tuple[Any, Any]:
        """Minimum and maximum of an argument: two numbers, or one for `(-number, number)`."""
        one = isinstance(value, int | float) and not isinstance(value, bool)
        pair = isinstance(value, list | tuple) and len(value) == 2
        if not (one or pair) or not all(
            low <= number <= high for number in ([value] if one else value)
        ):
            raise ValueError(
                f"{type(self).__name__}: {name} must be a number, or two (minimum and maximum), "
                f"from {low} to {high}; got {value!r}"
            )
        return (-abs(value), abs(value)) if one else tuple(sorted(value))

    def _check_size(self, **sizes: Any) -> None:
        for name, size in sizes.items():
            if isinstance(size, bool) or not isinstance(size, WHOLE) or size < 1:
                raise ValueError(
                    f"{type(self).__name__}: {name} must be a positive integer, not {size!r}"
                )

    def _one_of(self, name: str, value: Any, known: tuple[str, ...]) -> Any:
        if value not in known:
            raise NotImplementedError(
                f"{type(self).__name__}: {name} is one of {', '.join(known)}, not {value!r}"
            )
        return value

    def _seeded(self, seed: int | None) -> None:
        """Set `seed`, and `generator`, from which the layer draws."""
        self.seed = seed
        self.generator = SeedGenerator(seed)

    # ---- what subclasses use

    def _key(self, seed: Any) -> Array:
        """A key for `jax.random`, from the layer's own generator or from a seed."""
        return key_from(self.generator if seed is None else seed)

    def _keys(self, seed: Any, count: int = 1) -> Any:
        """Several keys. One large draw is faster than several."""
        return jax.random.split(self._key(seed), count)

    def _get_seed_generator(self, backend: Any = None) -> SeedGenerator:
        return self.generator

    def _chosen(self, key: Array, count: int) -> Array:
        """Which pictures are changed, by a probability that is drawn from `factor` for each."""
        drawn = jax.random.uniform(key, (2, count), "float32")
        low, high = self.factor
        return drawn[0] < low + (high - low) * drawn[1]

    def _shape(self, data: Any) -> tuple[int, ...]:
        """The shape of the images in a layer's input."""
        return tuple((data["images"] if isinstance(data, dict) else data).shape)

    def _sizes(self, shape: tuple) -> tuple[int, int]:
        """Height and width, from a shape of images."""
        return shape[self.height_axis], shape[self.width_axis]

    def _count(self, shape: tuple) -> int:
        """The number of pictures, from a shape of images."""
        return shape[0] if len(shape) == 4 else 1

    def _converted(self, bounding_boxes: dict, source: str, target: str, shape: tuple) -> dict:
        """Boxes in another format, for images of a shape."""
        height, width = self._sizes(shape)
        return boxes.convert_format(bounding_boxes, source, target, height, width)

    # ---- what subclasses define

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Draw what to do with a batch; every `transform_...` gets the result.

        Args:
            data: the layer's input.
            training: the layer's flag.
            seed: an integer, a `SeedGenerator` or a JAX key; default the layer's own generator.
        """
        return None

    def _transform_images(self, images: Array, transformation: Any, interpolation: str) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define transform_images")

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        """Change a batch of images; floats of the compute dtype are returned.

        Args:
            images: `(batch, height, width, channels)`, or channels first.
            transformation: what `get_random_transformation` returned.
            training: the layer's flag.
        """
        images = jnp.asarray(images, self.compute_dtype)
        if not training:
            return images
        return self._transform_images(images, transformation, self.interpolation)

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        """The labels, unchanged unless a subclass changes them."""
        return labels

    def transform_bounding_boxes(
        self, bounding_boxes: dict, transformation: Any, training: bool = True
    ) -> dict:
        """Change `"boxes"` `(batch, boxes, 4)` and `"labels"` as the images are changed."""
        raise NotImplementedError(f"{type(self).__name__} does not change bounding boxes")

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        """Change masks `(batch, height, width, 1)` as the images are, to the nearest pixel."""
        if not training:
            return segmentation_masks
        return self._transform_images(jnp.asarray(segmentation_masks), transformation, "nearest")

    def transform_single_image(self, image: Any, transformation: Any, training: bool = True) -> Any:
        """`transform_images` for one picture."""
        return self._single("images", image, transformation, training)

    def transform_single_label(self, label: Any, transformation: Any, training: bool = True) -> Any:
        """`transform_labels` for one picture."""
        return self._single("labels", label, transformation, training)

    def transform_single_bounding_box(
        self, bounding_box: dict, transformation: Any, training: bool = True
    ) -> dict:
        """`transform_bounding_boxes` for one picture."""
        return self._single("bounding_boxes", bounding_box, transformation, training)

    def transform_single_segmentation_mask(
        self, segmentation_mask: Any, transformation: Any, training: bool = True
    ) -> Any:
        """`transform_segmentation_masks` for one picture."""
        return self._single("segmentation_masks", segmentation_mask, transformation, training)

    def _single(self, part: str, value: Any, transformation: Any, training: bool) -> Any:
        def as_batch(leaf: Any) -> Any:
            stays = isinstance(self, OnePicture) and isinstance(leaf, np.ndarray)
            return formulas.as_batch(leaf if stays else jnp.asarray(leaf))

        batch = tree.map_structure(as_batch, value)
        method = getattr(self, f"transform_{part}")
        changed = method(batch, transformation=transformation, training=training)
        return tree.map_structure(formulas.as_single, changed)

    # ---- the call

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Change pictures, or a dictionary of them and what belongs to them."""
        return super().__call__(with_arrays(inputs, type(self).__name__), *args, **kwargs)

    def call(self, data: Any, training: bool = True) -> Any:
        transformation = self.get_random_transformation(data, training=training)
        given = data if isinstance(data, dict) else {"images": data}
        rank = len(self._shape(data))
        if rank not in (3, 4):
            raise ValueError(
                f"{type(self).__name__}: a picture has three axes and a batch four; got images of "
                f"shape {self._shape(data)}"
            )
        changed = dict(given)
        for part in PARTS:
            if part not in given:
                continue
            value = given[part]
            if part == "bounding_boxes":
                name = type(self).__name__
                if self._needs_format and not self.bounding_box_format:
                    raise ValueError(NO_FORMAT.format(name, name, name))
                value = {**value, "boxes": jnp.asarray(value["boxes"], "float32")}
            method = f"transform_{part if rank == 4 else f'single_{PARTS[part]}'}"
            changed[part] = getattr(self, method)(
                value, transformation=transformation, training=training
            )
        return changed if isinstance(data, dict) else changed["images"]

    def get_config(self) -> dict:
        """The arguments as plain data; those that Keras's layer leaves out are left out."""
        config = super().get_config()
        unused = {"bounding_box_format": self.bounding_box_format is None}
        unused["factor"] = not self._USE_BASE_FACTOR
        return {name: value for name, value in config.items() if not unused.get(name)}

    # ---- colours

    def _transform_value_range(
        self, images: Array, original_range: Any, target_range: Any, dtype: str = "float32"
    ) -> Array:
        """Map values from one range to another, each given as minimum and maximum."""
        if tuple(original_range) == tuple(target_range):
            return images
        return colors.rescale(jnp.asarray(images, dtype), original_range, target_range)
