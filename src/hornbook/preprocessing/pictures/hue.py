"""Layers that change hue and saturation."""

from typing import Any

import jax
from jax import Array

from hornbook.core.settings import epsilon
from hornbook.preprocessing.pictures import colors
from hornbook.preprocessing.pictures.pixels import RandomPixelLayer, by_picture


class _FromZero(RandomPixelLayer):
    """A factor of one number is the largest, as Keras's descriptions say; Keras draws from both
    signs, where the layers make no sense, so its files may have negative factors."""

    _FACTOR_BOUNDS = (-1, 1)

    def _set_factor(self, factor: Any) -> None:
        super()._set_factor(factor)  # which checks it
        if not isinstance(factor, list | tuple):
            self.factor = tuple(sorted((0, factor)))


class RandomColorDegeneration(_FromZero):
    """Blends pictures with their grayscale versions, in training.

    Args:
        factor: weight of the grayscale version, 0 to 1: least and largest, or the largest.
        value_range: smallest and largest value of the pictures.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        seed: random seed, for reproducible results.

    Raises:
        ValueError: for a factor out of range.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.RandomColorDegeneration((1.0, 1.0))
        >>> layer(np.array([[[100, 200, 0]]]), training=True).round().tolist()
        [[[147.0, 147.0, 147.0]]]
    """

    def _drawn(self, shape: tuple, key: Array) -> dict:
        return {"factor": by_picture(self._uniform(key, shape[0]))}

    def _changed(self, x: Array, transformation: Any) -> Array:
        blended = colors.blend(x, colors.gray(x), transformation["factor"])
        return colors.limit(blended, self.value_range)


class RandomGrayscale(RandomPixelLayer):
    """Makes random pictures gray, in training; the number of channels stays the same.

    Args:
        factor: probability, 0 to 1.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        seed: random seed, for reproducible results.

    Raises:
        ValueError: for a probability out of range.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.RandomGrayscale(1.0)
        >>> layer(np.array([[[100, 200, 0]]], "uint8"), training=True).tolist()
        [[[147, 147, 147]]]
    """

    _given = ("value_range",)
    _keeps_integers = True

    def __init__(
        self,
        factor: float = 0.5,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(factor, data_format=data_format, seed=seed, **kwargs)

    def _set_factor(self, factor: Any) -> None:
        self._between("factor", (0, factor), 0, 1)
        self.factor = factor

    def _drawn(self, shape: tuple, key: Array) -> Array:
        return by_picture(jax.random.uniform(key, shape[:1]) < self.factor)

    def _changed(self, x: Array, transformation: Any) -> Array:
        return colors.choose(transformation, colors.gray(x), x)


class RandomHue(RandomPixelLayer):
    """Rotates the hue of pictures, in training.

    Args:
        factor: strength, 0 to 1: least and largest, or the largest. The hue is rotated by up to
            half of the color circle times the factor, in either direction.
        value_range: smallest and largest value of the pictures.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        seed: random seed, for reproducible results.

    Raises:
        ValueError: for a factor out of range.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.RandomHue((1.0, 1.0), value_range=(0, 1))
        >>> layer(np.array([[[1.0, 0.0, 0.0]]]), training=True).round(2).tolist()
        [[[0.0, 1.0, 1.0]]]
    """

    def _drawn(self, shape: tuple, key: Array) -> dict:
        key, of_side = jax.random.split(key)
        side = jax.random.rademacher(of_side, shape[:1], "float32")
        return {"factor": side * self._uniform(key, shape[0]) * 0.5}

    def _changed(self, x: Array, transformation: Any) -> Array:
        turn = transformation["factor"]
        return colors.within(
            self.value_range, colors.FRACTIONS, lambda v: colors.turn_hue(v, turn), x
        )


class RandomSaturation(_FromZero):
    """Scales the saturation of pictures, in training.

    Args:
        factor: strength, 0 to 1: least and largest, or the largest. The saturation is multiplied
            by `factor / (1 - factor)`: 0 makes a picture gray, 0.5 changes nothing, 1 saturates it.
        value_range: smallest and largest value of the pictures.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        seed: random seed, for reproducible results.

    Raises:
        ValueError: for a factor out of range.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.RandomSaturation((0.0, 0.0))
        >>> layer(np.array([[[100.0, 200.0, 50.0]]]), training=True).round().tolist()
        [[[200.0, 200.0, 200.0]]]
    """

    def _drawn(self, shape: tuple, key: Array) -> dict:
        factor = self._uniform(key, shape[0])
        return {"factor": factor / (1 - factor + epsilon())}

    def _changed(self, x: Array, transformation: Any) -> Array:
        # Keras clips the saturation, which is at most 1, to the range of the pictures: beyond 1,
        # it makes colors that no picture has.
        factor = transformation["factor"]
        return colors.within(
            self.value_range, colors.FRACTIONS, lambda v: colors.saturate(v, factor), x
        )
