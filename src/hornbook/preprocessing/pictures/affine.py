"""`RandomRotation`, `RandomTranslation`, `RandomZoom`, `RandomShear`: each draws a matrix."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook import formulas
from hornbook.ops import image_affine
from hornbook.preprocessing.pictures import boxes
from hornbook.preprocessing.pictures.base import BaseImagePreprocessingLayer

FILL_MODES = ("reflect", "wrap", "constant", "nearest")
INTERPOLATIONS = ("nearest", "bilinear")


class Affine(BaseImagePreprocessingLayer):
    """Base of layers that move the pixels of each picture by an affine map.

    A subclass draws a transformation, and gives its matrix. Layers in a row with the same
    `fill_mode`, `interpolation` and `fill_value`, and flips between them, are one map, by which the
    picture is resampled once: in a `Pipeline`, in a `Sequential` of such layers, and in a trained
    model. The result is sharper than that of resampling after each layer, as Keras does, since
    every bilinear resampling blurs; and pixels that one layer moves out of the picture, the next
    can move back. Layers that are called one by one resample each time.

    Boxes become the smallest ones around their moved corners, clipped to the picture; a box outside
    of it gets the label -1.

    Args:
        fill_mode: pixels beyond the edges: `"reflect"` (d c b a | a b c d | d c b a), `"constant"`,
            `"wrap"` (a b c d | a b c d | a b c d) or `"nearest"` (a a a a | a b c d | d d d d).
        interpolation: `"bilinear"` or `"nearest"`.
        seed: random seed, for reproducible results.
        fill_value: value of `"constant"`.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
    """

    def __init__(
        self,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.fill_mode = self._one_of("fill_mode", fill_mode, FILL_MODES)
        self.interpolation = self._one_of("interpolation", interpolation, INTERPOLATIONS)
        self.fill_value = fill_value
        self._seeded(seed)

    def _matrix(self, transformation: dict, height: int, width: int) -> tuple:
        """The map of a transformation, columns first, see `ops.image_affine`."""
        raise NotImplementedError(f"{type(self).__name__} does not define _matrix")

    def _draw(self, seed: Any, shape: tuple, *ranges: tuple) -> list[Array]:
        """For each range, `(batch, 1)` numbers."""
        drawn = jax.random.uniform(self._key(seed), (len(ranges), self._count(shape), 1), "float32")
        return [low + (high - low) * one for one, (low, high) in zip(drawn, ranges, strict=True)]

    def _transform_images(self, images: Array, transformation: Any, interpolation: str) -> Array:
        if transformation is None:
            return images
        maps = self._matrix(transformation, *self._sizes(images.shape))
        how = self.fill_mode, self.fill_value, self.data_format
        return formulas.moved(images, maps, interpolation, *how)

    def transform_bounding_boxes(
        self, bounding_boxes: dict, transformation: Any, training: bool = True
    ) -> dict:
        """Move boxes by the inverse of the pixels' map."""
        if not training or transformation is None:
            return bounding_boxes
        # Keras's boxes follow the pixels too, but for these: RandomRotation takes any format for
        # xyxy; RandomShear is off if the picture is not square, or sheared along both axes.
        form = self.bounding_box_format
        height, width = self._size_in(transformation)
        found = boxes.convert_format(bounding_boxes, form, "xyxy", height, width)
        (a, b, c), (d, e, f) = (
            [jnp.reshape(v, (-1, 1)) for v in row]
            for row in self._matrix(transformation, height, width)
        )
        left, top, right, bottom = jnp.moveaxis(found["boxes"], -1, 0)
        determinant = a * e - b * d
        corners_x, corners_y = [], []
        for x, y in ((left, top), (right, top), (right, bottom), (left, bottom)):
            corners_x.append((e * (x - c) - b * (y - f)) / determinant)
            corners_y.append((a * (y - f) - d * (x - c)) / determinant)
        x, y = jnp.stack(corners_x, -1), jnp.stack(corners_y, -1)
        moved = jnp.stack([x.min(-1), y.min(-1), x.max(-1), y.max(-1)], -1)
        clipped = boxes.clip_to_image_size({**found, "boxes": moved}, height, width)
        return boxes.convert_format(clipped, "xyxy", form, height, width)

    def _size_in(self, transformation: dict) -> tuple[int, int]:
        return self._sizes(transformation["input_shape"])


class RandomRotation(Affine):
    """Rotates each picture about its middle, by a random angle. Does nothing if `training=False`.

    Args:
        factor: largest angle as a fraction of a full turn, or minimum and maximum; positive is
            counter-clockwise.
        fill_mode, interpolation, fill_value: see `Affine`, also for layers in a row.
        seed: random seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Raises:
        ValueError: if `factor` is not from -1 to 1.
        NotImplementedError: for an unknown fill mode or interpolation.

    Example:
        >>> import hornbook as keras
        >>> quarter = keras.layers.RandomRotation((0.25, 0.25))
        >>> quarter(np.arange(4.0).reshape(2, 2, 1), training=True).round(4)[..., 0].tolist()
        [[1.0, 3.0], [0.0, 2.0]]
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        how = fill_mode, interpolation, seed, fill_value, data_format
        super().__init__(*how, factor=factor, **kwargs)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Draw an angle in degrees for each picture."""
        if not training:
            return None
        shape = self._shape(data)
        height, width = self._sizes(shape)
        low, high = self.factor
        angle = self._draw(seed, shape, (low * 360.0, high * 360.0))[0][:, 0]
        turn = jnp.deg2rad(angle)
        rows = image_affine.rotation(jnp.cos(turn), jnp.sin(turn), _middle(height, width))
        flat = [jnp.broadcast_to(v, angle.shape) for row in (*rows, (0.0, 0.0)) for v in row]
        matrix = jnp.stack(flat, 1)
        return {
            "angle": angle,
            "rotation_matrix": matrix if len(shape) == 4 else matrix[0],
            "image_height": height,
            "image_width": width,
            "batch_size": self._count(shape),
        }

    def _matrix(self, transformation: dict, height: int, width: int) -> tuple:
        maps = jnp.atleast_2d(transformation["rotation_matrix"])
        return tuple(maps[:, :3].T), tuple(maps[:, 3:6].T)

    def _size_in(self, transformation: dict) -> tuple[int, int]:
        return transformation["image_height"], transformation["image_width"]


def _middle(height: int, width: int) -> tuple[float, float]:
    return (width - 1) / 2, (height - 1) / 2


class RandomTranslation(Affine):
    """Shifts each picture by a random part of its size. Does nothing if `training=False`.

    Args:
        height_factor: largest shift down, as a fraction of the height, or minimum and maximum;
            negative is up.
        width_factor: the same to the right, as a fraction of the width.
        fill_mode, interpolation, fill_value: see `Affine`, also for layers in a row.
        seed: random seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Raises:
        ValueError: if a factor is not from -1 to 1.
        NotImplementedError: for an unknown fill mode or interpolation.

    Example:
        >>> import hornbook as keras
        >>> shift = keras.layers.RandomTranslation(0, (0.25, 0.25), fill_mode="constant")
        >>> shift(np.arange(1.0, 5.0).reshape(1, 4, 1), training=True).ravel().tolist()
        [0.0, 1.0, 2.0, 3.0]
    """

    _USE_BASE_FACTOR = False

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor = height_factor
        self.width_factor = width_factor
        self.height_lower, self.height_upper = self._range("height_factor", height_factor, -1, 1)
        self.width_lower, self.width_upper = self._range("width_factor", width_factor, -1, 1)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Draw a shift in pixels for each picture, right and down."""
        if not training:
            return None
        shape = self._shape(data)
        height, width = self._sizes(shape)
        across = (self.width_lower * width, self.width_upper * width)
        down = (self.height_lower * height, self.height_upper * height)
        shifts = self._draw(seed, shape, across, down)
        return {"translations": jnp.concatenate(shifts, 1), "input_shape": shape}

    def _matrix(self, transformation: dict, height: int, width: int) -> tuple:
        return image_affine.shift(tuple(-transformation["translations"].T))


class RandomZoom(Affine):
    """Zooms each picture about its middle, by random factors. Does nothing if `training=False`.

    Args:
        height_factor: largest zoom along the height, or minimum and maximum: 0.2 shows 1.2 times as
            much, and smaller; -0.2 shows 0.8 of it, and larger.
        width_factor: the same along the width; default the height's, so that shapes are kept.
        fill_mode, interpolation, fill_value: see `Affine`, also for layers in a row.
        seed: random seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Raises:
        ValueError: if a factor is not above -1 and at most 1.
        NotImplementedError: for an unknown fill mode or interpolation.

    Example:
        >>> import hornbook as keras
        >>> zoom = keras.layers.RandomZoom((-0.5, -0.5), interpolation="nearest")
        >>> zoom(np.arange(4.0).reshape(1, 4, 1), training=True).ravel().tolist()
        [1.0, 1.0, 2.0, 2.0]
    """

    _USE_BASE_FACTOR = False

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor = height_factor
        self.width_factor = width_factor
        self.height_lower, self.height_upper = self._zooms("height_factor", height_factor)
        if width_factor is not None:
            self.width_lower, self.width_upper = self._zooms("width_factor", width_factor)

    def _zooms(self, name: str, factor: Any) -> tuple[float, float]:
        if factor == -1 or isinstance(factor, list | tuple) and -1 in factor:
            raise ValueError(f"RandomZoom: {name} must be above -1; got {factor!r}")
        return self._range(name, factor, -1, 1)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Draw what each picture shows of the original, along each axis."""
        if not training:
            return None
        shape = self._shape(data)
        ranges = [(1 + self.height_lower, 1 + self.height_upper)]
        if self.width_factor is not None:
            ranges += [(1 + self.width_lower, 1 + self.width_upper)]
        zooms = self._draw(seed, shape, *ranges)
        return {"height_zoom": zooms[0], "width_zoom": zooms[-1], "input_shape": shape}

    def _matrix(self, transformation: dict, height: int, width: int) -> tuple:
        factors = transformation["width_zoom"][:, 0], transformation["height_zoom"][:, 0]
        return image_affine.zoom(factors, _middle(height, width))


class RandomShear(Affine):
    """Shears each picture by random factors. Does nothing if `training=False`.

    Args:
        x_factor: largest shear along x, as pixels to the side for each pixel down, or minimum and
            maximum. For half of the pictures, the signs of both factors are changed.
        y_factor: the same along y.
        interpolation, fill_mode, fill_value: see `Affine`, also for layers in a row.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        seed: random seed, for reproducible results.

    Raises:
        ValueError: if a factor is not from 0 to 1.
        NotImplementedError: for an unknown fill mode or interpolation.

    Example:
        >>> import hornbook as keras
        >>> x = np.arange(6.0).reshape(2, 3, 1)
        >>> y = keras.layers.RandomShear((1.0, 1.0), fill_mode="constant", seed=0)(x)
        >>> y[1].ravel().tolist() in ([4.0, 5.0, 0.0], [0.0, 3.0, 4.0])
        True
    """

    _USE_BASE_FACTOR = False

    def __init__(
        self,
        x_factor: Any = 0.0,
        y_factor: Any = 0.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.x_factor = self._shears("x_factor", x_factor)
        self.y_factor = self._shears("y_factor", y_factor)

    def _shears(self, name: str, factor: Any) -> tuple[float, float]:
        # Two numbers may be (-f, f): so Keras writes a single number f to files.
        pair = isinstance(factor, list | tuple) and len(factor) == 2 and sum(factor) == 0
        return self._range(name, factor, -1 if pair else 0, 1)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Draw shears along x and y for each picture."""
        if not training:
            return None
        shape = self._shape(data)
        x, y, sign = self._draw(seed, shape, self.x_factor, self.y_factor, (-1, 1))
        factors = jnp.concatenate([x, y], 1) * jnp.where(sign < 0, -1, 1)
        return {"shear_factor": factors, "input_shape": shape}

    def _matrix(self, transformation: dict, height: int, width: int) -> tuple:
        factors = transformation["shear_factor"].astype("float32")
        return (1.0, factors[:, 0], 0.0), (factors[:, 1], 1.0, 0.0)
