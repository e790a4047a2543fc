"""Random rectangles in pictures, and the layers that fill them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook.ops import image_common
from hornbook.preprocessing.pictures import colors
from hornbook.preprocessing.pictures.pixels import RandomPixelLayer, by_picture


def random_patches(key: Array, sides: Array, sizes: tuple[int, int]) -> Array:
    """Which pixels are inside of a random rectangle in each picture: `(batch, height, width)`.

    Args:
        key: a key of `jax.random`.
        sides: height and width of the rectangles, as fractions of the picture's: `(batch, 2)`.
        sizes: height and width of the pictures.
    """
    lengths = sides * np.array(sizes)
    starts = jax.random.uniform(key, sides.shape) * (np.array(sizes) - lengths)
    # The centers of pixels count; with their indices, as in Keras, the first row is never inside.
    inside = [
        abs(jnp.arange(size) + 0.5 - (start + length / 2)[:, None]) < length[:, None] / 2
        for size, start, length in zip(sizes, starts.T, lengths.T, strict=True)
    ]
    return inside[0][:, :, None] & inside[1][:, None, :]


class RandomErasing(RandomPixelLayer):
    """Fills a rectangle in random pictures, in training.

    Args:
        factor: probability, or least and largest probability, of which one is drawn for each
            picture. One number is the largest.
        scale: least and largest height and width of the rectangle, as the square of their fraction
            of the picture's, or the largest. The two are drawn independently.
        fill_value: a number, or one for each channel; `None`: Gaussian noise, as large as the
            largest value of the range.
        value_range: smallest and largest value of the pictures; also limits what is filled in.
        seed: random seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Raises:
        ValueError: for a probability or a scale out of range.

    Source: Zhong et al. 2017, arXiv:1708.04896.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.RandomErasing((1, 1), scale=(0.25, 0.25), fill_value=0, seed=1)
        >>> int((layer(np.ones((8, 8, 1)), training=True) == 0).sum())
        16
    """

    _settled = ("factor", "scale", "value_range")

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = (0.02, 0.33),
        fill_value: Any = None,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(factor, value_range, data_format, seed, **kwargs)
        self.scale = self._between("scale", scale, 0, 1)
        self.fill_value = fill_value

        numbers = fill_value if isinstance(fill_value, list | tuple) else (fill_value,)
        if fill_value is not None and not all(isinstance(n, int | float) for n in numbers):
            raise ValueError(
                f"RandomErasing: fill_value must be a number, one for each channel, or None; got "
                f"{fill_value!r}"
            )

    def _drawn(self, shape: tuple, key: Array) -> dict:
        of_choice, of_sides, of_place, of_noise = jax.random.split(key, 4)
        low, high = self.scale
        sides = jnp.sqrt(jax.random.uniform(of_sides, (shape[0], 2), minval=low, maxval=high))
        if self.fill_value is None:
            fill = jax.random.normal(of_noise, shape) * self.value_range[1]
        else:
            fill = jnp.asarray(self.fill_value, "float32").reshape(1, 1, 1, -1)
        return {
            "apply_erasing": self._chosen(of_choice, shape[0]),
            "batch_masks": self._laid_out(random_patches(of_place, sides, shape[1:3])[..., None]),
            "fill_value": self._laid_out(colors.limit(fill, self.value_range)),
        }

    def _changed(self, x: Array, transformation: Any) -> Array:
        inside, fill = (
            image_common.batch_of(transformation[name], self.data_format)[0]
            for name in ("batch_masks", "fill_value")
        )
        erased = jnp.where(inside, fill.astype(x.dtype), x)
        return colors.choose(transformation["apply_erasing"], erased, x)


class _Mixing(RandomPixelLayer):
    """Mixes each picture with another one of the batch."""

    _USE_BASE_FACTOR = False

    def _mixed(self, values: Any, transformation: dict) -> Array:
        """The weighted mean of the values of both pictures."""
        values = jnp.asarray(values)
        if not jnp.issubdtype(values.dtype, jnp.inexact):
            values = values.astype(self.compute_dtype)
        weight = jnp.asarray(transformation["mix_weight"], values.dtype)
        weight = weight.reshape(-1, *[1] * (values.ndim - 1))
        return weight * values + (1 - weight) * values[transformation["permutation_order"]]

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        """The labels of both pictures, weighted by their shares.

        Raises:
            ValueError: for class indices, which have no mean.
        """
        if not training:
            return labels
        labels = jnp.asarray(labels)
        if labels.ndim == 1 and not jnp.issubdtype(labels.dtype, jnp.inexact):
            raise ValueError(
                f"{type(self).__name__} mixes labels, but classes as integers of shape "
                f"{labels.shape} have no mean; pass keras.ops.one_hot(labels, num_classes)"
            )
        return self._mixed(labels, transformation)


class MixUp(_Mixing):
    """Blends each picture, and its labels, with another one of the batch, in training.

    Boxes of both pictures are kept, those of the other one last. Masks are blended like labels, so
    they should be one-hot.

    Args:
        alpha: positive parameter of the beta distribution of the weights; small numbers leave most
            pictures nearly as they are.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        seed: random seed, for reproducible results.

    Raises:
        ValueError: if `alpha` is not positive.

    Source: Zhang et al. 2017, arXiv:1710.09412.

    Example:
        >>> import hornbook as keras
        >>> batch = {"images": np.zeros((2, 4, 4, 3)), "labels": np.eye(2)}
        >>> mixed = keras.layers.MixUp(seed=1)(batch, training=True)
        >>> mixed["labels"].sum(1).tolist()
        [1.0, 1.0]
    """

    _given = ("factor", "value_range")

    def __init__(
        self,
        alpha: float = 0.2,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(None, data_format=data_format, seed=seed, **kwargs)
        if not alpha > 0:
            raise ValueError(f"MixUp: alpha must be positive; got {alpha!r}")
        self.alpha = alpha

    def _drawn(self, shape: tuple, key: Array) -> dict:
        of_order, of_weight = jax.random.split(key)
        return {
            "mix_weight": jax.random.beta(of_weight, self.alpha, self.alpha, shape[:1]),
            "permutation_order": jax.random.permutation(of_order, shape[0]),
        }

    def _changed(self, x: Array, transformation: Any) -> Array:
        return self._mixed(x, transformation)

    def transform_bounding_boxes(
        self, bounding_boxes: dict, transformation: Any, training: bool = True
    ) -> dict:
        """The boxes of both pictures. (Keras appends the labels to the batch, not to the boxes.)"""
        if not training:
            return bounding_boxes
        order = transformation["permutation_order"]
        both = {name: (jnp.asarray(v), jnp.asarray(v)[order]) for name, v in bounding_boxes.items()}
        return {name: jnp.concatenate(pair, 1) for name, pair in both.items()}

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        """The blended masks. (Keras takes single pixels of the batch as the other masks.)"""
        return self._mixed(segmentation_masks, transformation) if training else segmentation_masks


class CutMix(_Mixing):
    """Fills a rectangle in each picture from another one of the batch, in training.

    Labels are mixed by the shares of the area. Masks are cut like the pictures.

    Args:
        factor: parameter of the beta distribution of the areas, 0 to 1: least and largest, or the
            largest. With small numbers, most rectangles are very small or very large.
        seed: random seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Raises:
        ValueError: for a factor out of range.

    Source: Yun et al. 2019, arXiv:1905.04899.

    Example:
        >>> import hornbook as keras
        >>> batch = {"images": np.zeros((2, 4, 4, 3)), "labels": np.eye(2)}
        >>> mixed = keras.layers.CutMix(seed=1)(batch, training=True)
        >>> mixed["labels"].sum(1).tolist()
        [1.0, 1.0]
    """

    _USE_BASE_FACTOR = True
    _given = ("value_range",)

    def __init__(
        self,
        factor: Any = 1.0,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(factor, data_format=data_format, seed=seed, **kwargs)

    def _drawn(self, shape: tuple, key: Array) -> dict:
        of_alpha, of_share, of_place, of_order = jax.random.split(key, 4)
        alpha = self._uniform(of_alpha, shape[0]) + 1e-6
        share = jax.random.beta(of_share, alpha, alpha)
        sides = jnp.sqrt(1 - share)[:, None].repeat(2, 1)
        return {
            "permutation_order": jax.random.permutation(of_order, shape[0]),
            "batch_masks": self._laid_out(random_patches(of_place, sides, shape[1:3])[..., None]),
            "mix_weight": by_picture(share),
        }

    def _changed(self, x: Array, transformation: Any) -> Array:
        inside, _ = image_common.batch_of(transformation["batch_masks"], self.data_format)
        return jnp.where(inside[..., :1], x[transformation["permutation_order"]], x)

    def transform_bounding_boxes(
        self, bounding_boxes: dict, transformation: Any, training: bool = True
    ) -> dict:
        """Not defined, as in Keras: a box may be partly covered."""
        raise NotImplementedError("CutMix does not change bounding boxes; MixUp does")

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        """Cut masks like the pictures."""
        return self.transform_images(segmentation_masks, transformation, training)
