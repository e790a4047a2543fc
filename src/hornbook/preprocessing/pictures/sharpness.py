"""Layers that blur and sharpen."""

from typing import Any

import jax
from jax import Array

from hornbook.layers.arguments import WHOLE
from hornbook.preprocessing.pictures import colors
from hornbook.preprocessing.pictures.pixels import RandomPixelLayer


class RandomSharpness(RandomPixelLayer):
    """Blurs or sharpens pictures, in training.

    Args:
        factor: strength, 0 to 1: least and largest, or the largest. 0 blurs with a window of 3 x 3
            pixels, 0.5 changes nothing, 1 sharpens.
        value_range: smallest and largest value of the pictures.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        seed: random seed, for reproducible results.

    Raises:
        ValueError: for a factor out of range.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.RandomSharpness((0.0, 0.0))
        >>> layer(np.full((1, 1, 1), 130.0), training=True).round(2).tolist()
        [[[50.0]]]
    """

    def _changed(self, x: Array, transformation: Any) -> Array:
        sharper = colors.blend(colors.smooth(x), x, 2 * transformation["factor"])
        return colors.limit(sharper, self.value_range)


class RandomGaussianBlur(RandomPixelLayer):
    """Blurs random pictures with a Gaussian window, in training.

    Args:
        factor: probability, or least and largest probability, of which one is drawn for each
            picture. One number is the largest.
        kernel_size: width and height of the window, odd integers, or one for both.
        sigma: standard deviation in pixels: least and largest, or the largest. One for the width
            and one for the height are drawn for each picture (by Keras for each batch).
        value_range: smallest and largest value of the pictures.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        seed: random seed, for reproducible results.

    Raises:
        ValueError: for a probability out of range, a negative `sigma`, or an even window.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.RandomGaussianBlur((1, 1), kernel_size=3, sigma=(0.5, 0.5))
        >>> layer(np.array([[[0.0], [100.0], [0.0]]]), training=True).round().ravel().tolist()
        [8.0, 62.0, 8.0]
    """

    _settled = ("factor", "sigma", "value_range")

    def __init__(
        self,
        factor: Any = 1.0,
        kernel_size: Any = 3,
        sigma: Any = 1.0,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(factor, value_range, data_format, seed, **kwargs)
        one = isinstance(kernel_size, WHOLE)
        size = (kernel_size, kernel_size) if one else tuple(kernel_size)
        if len(size) != 2 or not all(isinstance(n, WHOLE) and n > 0 and n % 2 for n in size):
            raise ValueError(
                f"RandomGaussianBlur: kernel_size must be odd, one integer or two (width and "
                f"height); got {kernel_size!r}"
            )
        self.kernel_size = size
        self.sigma = self._between("sigma", sigma, 0, float("inf"))

    def _drawn(self, shape: tuple, key: Array) -> dict:
        key, of_sigma = jax.random.split(key)
        low, high = self.sigma
        sigma = jax.random.uniform(of_sigma, (shape[0], 2), minval=low, maxval=high) + 1e-6
        return {"should_apply_blur": self._chosen(key, shape[0]), "blur_factor": sigma}

    def _changed(self, x: Array, transformation: Any) -> Array:
        blurred = colors.gaussian_blur(x, self.kernel_size, transformation["blur_factor"])
        changed = colors.choose(transformation["should_apply_blur"], blurred, x)
        return colors.limit(changed, self.value_range)
