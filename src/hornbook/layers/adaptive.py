"""Adaptive pooling: a fixed number of windows, whatever the size of the input."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook.core.settings import standardize_data_format
from hornbook.layers.arguments import sizes
from hornbook.layers.base import Layer
from hornbook.layers.spec import InputSpec


class _AdaptivePooling(Layer):
    rank = 1
    reduce: Callable = staticmethod(jnp.max)

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.output_size = sizes("output_size", output_size, self.rank, self)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Array) -> Array:
        first = 2 if self.data_format == "channels_first" else 1
        for axis, count in enumerate(self.output_size, first):
            inputs = pool_axis(inputs, axis, count, type(self).reduce)
        return inputs


def pool_axis(x: Array, axis: int, count: int, reduce: Callable) -> Array:
    """Reduce an axis of size n to `count` elements; window i spans `i n / count` to
    `(i + 1) n / count`, rounded outwards, so windows overlap if `count` does not divide n."""
    n = x.shape[axis]
    if n % count == 0:
        split = x.reshape(*x.shape[:axis], count, n // count, *x.shape[axis + 1 :])
        return reduce(split, axis=axis + 1)
    bounds = [(i * n // count, -(-(i + 1) * n // count)) for i in range(count)]
    windows = [jnp.take(x, jnp.arange(*bound), axis=axis) for bound in bounds]
    return jnp.stack([reduce(window, axis=axis) for window in windows], axis=axis)


class AdaptiveMaxPooling1D(_AdaptivePooling):
    """The maximum of each of `output_size` windows of a sequence.

    Args:
        output_size: number of windows: one integer per spatial axis, or one for all.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.AdaptiveMaxPooling1D(2)(np.arange(5.0).reshape(1, 5, 1)).ravel().tolist()
        [2.0, 4.0]
    """


class AdaptiveMaxPooling2D(_AdaptivePooling):
    """The maximum of each of `output_size` windows of an image.

    Args:
        output_size: number of windows: one integer per spatial axis, or one for all.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.AdaptiveMaxPooling2D((2, 3))(np.ones((1, 7, 7, 3))).shape
        (1, 2, 3, 3)
    """

    rank = 2


class AdaptiveMaxPooling3D(_AdaptivePooling):
    """The maximum of each of `output_size` windows of a volume.

    Args:
        output_size: number of windows: one integer per spatial axis, or one for all.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.AdaptiveMaxPooling3D(2)(np.ones((1, 5, 4, 3, 1))).shape
        (1, 2, 2, 2, 1)
    """

    rank = 3


class AdaptiveAveragePooling1D(_AdaptivePooling):
    """The mean of each of `output_size` windows of a sequence.

    Args:
        output_size: number of windows: one integer per spatial axis, or one for all.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Example:
        >>> import hornbook as keras
        >>> x = np.arange(4.0).reshape(1, 4, 1)
        >>> keras.layers.AdaptiveAveragePooling1D(2)(x).ravel().tolist()
        [0.5, 2.5]
    """

    reduce = staticmethod(jnp.mean)


class AdaptiveAveragePooling2D(_AdaptivePooling):
    """The mean of each of `output_size` windows of an image.

    Args:
        output_size: number of windows: one integer per spatial axis, or one for all.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.AdaptiveAveragePooling2D(1)(np.ones((1, 7, 7, 3))).shape
        (1, 1, 1, 3)
    """

    rank = 2
    reduce = staticmethod(jnp.mean)


class AdaptiveAveragePooling3D(_AdaptivePooling):
    """The mean of each of `output_size` windows of a volume.

    Args:
        output_size: number of windows: one integer per spatial axis, or one for all.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.AdaptiveAveragePooling3D(2)(np.ones((1, 5, 4, 3, 1))).shape
        (1, 2, 2, 2, 1)
    """

    rank = 3
    reduce = staticmethod(jnp.mean)
