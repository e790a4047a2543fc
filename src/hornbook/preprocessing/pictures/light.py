"""Layers that change each value by itself, or by its distance from the mean."""

from typing import Any

import jax
from jax import Array

from hornbook.preprocessing.pictures import colors
from hornbook.preprocessing.pictures.pixels import PixelLayer, RandomPixelLayer, by_picture


class AutoContrast(PixelLayer):
    """Stretches each channel of a picture to the whole range, in training and inference.

    Channels of a single value stay as they are.

    Args:
        value_range: smallest and largest value of the pictures.

    Raises:
        ValueError: if the range is not two different numbers.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.AutoContrast()(np.array([[[10.0], [20.0], [30.0]]])).ravel().tolist()
        [0.0, 127.5, 255.0]
    """

    def __init__(self, value_range: Any = (0, 255), **kwargs: Any):
        super().__init__(**kwargs)
        self._set_range(value_range)

    def _changed(self, x: Array, transformation: Any) -> Array:
        return colors.stretch(x, self.value_range)


class RandomBrightness(RandomPixelLayer):
    """Adds a random number to all values of a picture, in training.

    Args:
        factor: share of the range, -1 (black) to 1 (white): least and largest, or one number for
            both signs.
        value_range: smallest and largest value of the pictures.
        seed: random seed, for reproducible results.

    Raises:
        ValueError: for a factor out of range.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.RandomBrightness((0.1, 0.1))
        >>> layer(np.full((1, 1, 3), 100, "uint8"), training=True).tolist()
        [[[125.5, 125.5, 125.5]]]
    """

    _FACTOR_BOUNDS = (-1, 1)

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any
    ):
        super().__init__(factor, value_range, seed=seed, **kwargs)

    def _drawn(self, shape: tuple, key: Array) -> dict:
        low, high = self.value_range
        return {"rgb_delta": by_picture(self._uniform(key, shape[0])) * (high - low)}

    def _changed(self, x: Array, transformation: Any) -> Array:
        # Keras adds in the dtype of the pictures: bytes overflow.
        brighter = x + colors.each(transformation["rgb_delta"], x)
        return colors.limit(brighter, self.value_range)


class RandomContrast(RandomPixelLayer):
    """Scales the distance of all values from the mean of their channel, in training.

    Args:
        factor: the distance is scaled by a number between `1 - lower` and `1 + upper`: `(lower,
            upper)`, each 0 to 1, or one number for both. (Keras 3 takes one number as the upper one
            and sorts two, unlike Keras 2 and its own description.)
        value_range: smallest and largest value of the pictures.
        seed: random seed, for reproducible results.

    Raises:
        ValueError: for a factor out of range.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.RandomContrast((0, 1), seed=1)
        >>> y = layer(np.array([[[100.0], [110.0]]]), training=True)
        >>> bool(10 <= y[0, 1, 0] - y[0, 0, 0] <= 20)
        True
    """

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any
    ):
        super().__init__(factor, value_range, seed=seed, **kwargs)

    def _set_factor(self, factor: Any) -> None:
        super()._set_factor(factor)  # which checks it
        self.factor = tuple(factor) if isinstance(factor, list | tuple) else (factor, factor)

    def _drawn(self, shape: tuple, key: Array) -> dict:
        lower, upper = self.factor
        return {"contrast_factor": by_picture(self._uniform(key, shape[0], (1 - lower, 1 + upper)))}

    def _changed(self, x: Array, transformation: Any) -> Array:
        return colors.limit(colors.contrast(x, transformation["contrast_factor"]), self.value_range)


class RandomInvert(RandomPixelLayer):
    """Inverts random pictures, in training.

    Args:
        factor: probability, or least and largest probability, of which one is drawn for each
            picture. One number is the largest.
        value_range: smallest and largest value of the pictures.
        seed: random seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Raises:
        ValueError: for a probability out of range.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.RandomInvert((1.0, 1.0))
        >>> layer(np.array([[[0, 100, 255]]]), training=True).tolist()
        [[[255.0, 155.0, 0.0]]]
    """

    def __init__(
        self,
        factor: Any = 1.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(factor, value_range, data_format, seed, **kwargs)

    def _drawn(self, shape: tuple, key: Array) -> dict:
        return {"apply_inversion": self._chosen(key, shape[0])}

    def _changed(self, x: Array, transformation: Any) -> Array:
        inverse = colors.invert(x, self.value_range)
        return colors.choose(transformation["apply_inversion"], inverse, x)


class RandomPosterization(RandomPixelLayer):
    """Keeps the highest bits of the bytes of a picture, in training.

    Args:
        factor: least and largest number of bits to keep, 1 to 8, both included (Keras never draws
            the largest), or the largest.
        value_range: smallest and largest value of the pictures.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        seed: random seed, for reproducible results.

    Raises:
        ValueError: for a number of bits out of range.

    Source: Cubuk et al. 2018, arXiv:1805.09501.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.RandomPosterization((2, 2))
        >>> layer(np.array([[[0, 63, 64, 255]]]), training=True).tolist()
        [[[0.0, 0.0, 64.0, 192.0]]]
    """

    _FACTOR_BOUNDS = (1, 8)

    def _drawn(self, shape: tuple, key: Array) -> dict:
        low, high = self.factor
        return {"shift_factor": 8 - jax.random.randint(key, shape[:1], low, high + 1, "uint8")}

    def _changed(self, x: Array, transformation: Any) -> Array:
        dropped = transformation["shift_factor"]
        return colors.within(
            self.value_range, colors.BYTES, lambda v: colors.posterize(v, dropped), x
        )


class Solarization(RandomPixelLayer):
    """Adds a random number to all values of a picture and inverts those above a random threshold.

    Active in training.

    Args:
        addition_factor: what is added, as a share of the range: least and largest, 0 to 1, or
            the largest. (Keras does not scale the least to the range.)
        threshold_factor: the threshold, likewise.
        value_range: smallest and largest value of the pictures.
        seed: random seed, for reproducible results.

    Raises:
        ValueError: for a factor out of range.

    Source: Cubuk et al. 2018, arXiv:1805.09501.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.Solarization(threshold_factor=(0.5, 0.5))
        >>> layer(np.array([[[0, 100, 200]]]), training=True).tolist()
        [[[0.0, 100.0, 55.0]]]
    """

    _USE_BASE_FACTOR = False
    _given = ("factor",)
    _settled = ("addition_factor", "threshold_factor", "value_range")

    def __init__(
        self,
        addition_factor: Any = 0.0,
        threshold_factor: Any = 0.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(None, value_range, seed=seed, **kwargs)
        self.addition_factor = self._between("addition_factor", addition_factor, 0, 1)
        self.threshold_factor = self._between("threshold_factor", threshold_factor, 0, 1)

    def _drawn(self, shape: tuple, key: Array) -> dict:
        factors = {"additions": self.addition_factor, "thresholds": self.threshold_factor}
        keys = jax.random.split(key)
        return {
            name: 255 * by_picture(self._uniform(key, shape[0], factor))
            for key, (name, factor) in zip(keys, factors.items(), strict=True)
        }

    def _changed(self, x: Array, transformation: Any) -> Array:
        added, threshold = transformation["additions"], transformation["thresholds"]
        return colors.within(
            self.value_range, colors.BYTES, lambda v: colors.solarize(v, added, threshold), x
        )
