"""`RandomColorJitter`."""

from typing import Any

import jax
from jax import Array

from hornbook.preprocessing.pictures.hue import RandomHue, RandomSaturation
from hornbook.preprocessing.pictures.light import RandomBrightness, RandomContrast
from hornbook.preprocessing.pictures.pixels import RandomPixelLayer

STEPS = {
    "brightness": RandomBrightness,
    "contrast": RandomContrast,
    "saturation": RandomSaturation,
    "hue": RandomHue,
}


class RandomColorJitter(RandomPixelLayer):
    """Changes brightness, contrast, saturation and hue, in this order, in training.

    Args:
        value_range: smallest and largest value of the pictures.
        brightness_factor: as in `RandomBrightness`; `None` leaves the brightness as it is.
        contrast_factor: as in `RandomContrast`.
        saturation_factor: as in `RandomSaturation`.
        hue_factor: as in `RandomHue`.
        seed: random seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Raises:
        ValueError: for a factor out of range.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.RandomColorJitter(brightness_factor=(0.1, 0.1))
        >>> layer(np.full((1, 1, 3), 100.0), training=True).tolist()
        [[[125.5, 125.5, 125.5]]]
    """

    _USE_BASE_FACTOR = False
    _given = ("factor",)

    def __init__(
        self,
        value_range: Any = (0, 255),
        brightness_factor: Any = None,
        contrast_factor: Any = None,
        saturation_factor: Any = None,
        hue_factor: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(None, value_range, data_format, seed, **kwargs)
        self.brightness_factor, self.contrast_factor = brightness_factor, contrast_factor
        self.saturation_factor, self.hue_factor = saturation_factor, hue_factor
        for name, layer in STEPS.items():
            factor = getattr(self, f"{name}_factor")
            step = None if factor is None else layer(factor, value_range, seed=seed)
            setattr(self, f"random_{name}", step)

    def _steps(self) -> dict[str, RandomPixelLayer]:
        steps = {name: getattr(self, f"random_{name}") for name in STEPS}
        return {name: step for name, step in steps.items() if step is not None}

    def _drawn(self, shape: tuple, key: Array) -> dict:
        keys = jax.random.split(key, len(STEPS))
        steps = zip(self._steps().items(), keys, strict=False)
        return {name: step._drawn(shape, key) for (name, step), key in steps}

    def _changed(self, x: Array, transformation: Any) -> Array:
        for name, step in self._steps().items():
            x = step._changed(x, transformation[name])
        return x
