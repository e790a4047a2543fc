"""Pooling: reduces each window, or each whole channel, to one value."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook.core.settings import standardize_data_format
from hornbook.kernels.pooling import avg_pool, global_max, max_pool
from hornbook.layers.arguments import sizes
from hornbook.layers.base import Layer
from hornbook.layers.spec import InputSpec


class _Pooling(Layer):
    rank = 1
    pool: Callable = staticmethod(max_pool)

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.pool_size = sizes("pool_size", pool_size, self.rank, self)
        strides = self.pool_size if strides is None else strides
        self.strides = sizes("strides", strides, self.rank, self)
        self.padding = str(padding).lower()
        if self.padding not in ("valid", "same"):
            raise ValueError(
                f"padding of {type(self).__name__} is 'valid' or 'same', not {padding!r}"
            )
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Array) -> Array:
        first = self.data_format == "channels_first"
        x = jnp.moveaxis(inputs, 1, -1) if first else inputs
        if self.padding == "valid" and any(n < k for n, k in zip(x.shape[1:-1], self.pool_size)):
            raise ValueError(
                f"layer {self.name!r} ({type(self).__name__}) has windows of "
                f"{self.pool_size}, larger than its input of spatial size {x.shape[1:-1]}: no "
                "output would be left. Use padding='same', smaller windows or less pooling before"
            )
        x = type(self).pool(x, self.pool_size, self.strides, self.padding)
        return jnp.moveaxis(x, -1, 1) if first else x


class MaxPooling1D(_Pooling):
    """The maximum of each window of a sequence.

    Args:
        pool_size: size of the windows: one integer per spatial axis, or one for all.
        strides: distance between windows; default `pool_size`.
        padding: `"valid"` (none) or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Example:
        >>> import hornbook as keras
        >>> x = np.array([1.0, 3.0, 2.0, 0.0]).reshape(1, 4, 1)
        >>> keras.layers.MaxPooling1D()(x).ravel().tolist()
        [3.0, 2.0]
    """


class MaxPooling2D(_Pooling):
    """The maximum of each window of an image.

    Args:
        pool_size: size of the windows: one integer per spatial axis, or one for all.
        strides: distance between windows; default `pool_size`.
        padding: `"valid"` (none) or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.MaxPooling2D()(np.ones((1, 6, 6, 3))).shape
        (1, 3, 3, 3)
    """

    rank = 2


class MaxPooling3D(_Pooling):
    """The maximum of each window of a volume.

    Args:
        pool_size: size of the windows: one integer per spatial axis, or one for all.
        strides: distance between windows; default `pool_size`.
        padding: `"valid"` (none) or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.MaxPooling3D()(np.ones((1, 4, 4, 4, 3))).shape
        (1, 2, 2, 2, 3)
    """

    rank = 3


class AveragePooling1D(_Pooling):
    """The mean of each window of a sequence; padding does not count.

    Args:
        pool_size: size of the windows: one integer per spatial axis, or one for all.
        strides: distance between windows; default `pool_size`.
        padding: `"valid"` (none) or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Example:
        >>> import hornbook as keras
        >>> x = np.array([1.0, 3.0, 2.0, 0.0]).reshape(1, 4, 1)
        >>> keras.layers.AveragePooling1D()(x).ravel().tolist()
        [2.0, 1.0]
    """

    pool = staticmethod(avg_pool)


class AveragePooling2D(_Pooling):
    """The mean of each window of an image; padding does not count.

    Args:
        pool_size: size of the windows: one integer per spatial axis, or one for all.
        strides: distance between windows; default `pool_size`.
        padding: `"valid"` (none) or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.AveragePooling2D(3, strides=1)(np.ones((1, 6, 6, 3))).shape
        (1, 4, 4, 3)
    """

    rank = 2
    pool = staticmethod(avg_pool)


class AveragePooling3D(_Pooling):
    """The mean of each window of a volume; padding does not count.

    Args:
        pool_size: size of the windows: one integer per spatial axis, or one for all.
        strides: distance between windows; default `pool_size`.
        padding: `"valid"` (none) or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.AveragePooling3D()(np.ones((1, 4, 4, 4, 3))).shape
        (1, 2, 2, 2, 3)
    """

    rank = 3
    pool = staticmethod(avg_pool)


class _GlobalPooling(Layer):
    rank = 1
    reduce: Callable = staticmethod(global_max)

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def spatial_axes(self) -> tuple[int, ...]:
        """The axes that are reduced."""
        first = 2 if self.data_format == "channels_first" else 1
        return tuple(range(first, first + self.rank))

    def call(self, inputs: Array) -> Array:
        return type(self).reduce(inputs, axis=self.spatial_axes, keepdims=self.keepdims)


class GlobalMaxPooling1D(_GlobalPooling):
    """The maximum of each feature over a sequence.

    Args:
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        keepdims: whether the reduced axes stay, with size 1.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.GlobalMaxPooling1D()(np.array([[[1.0], [3.0]]])).tolist()
        [[3.0]]
    """


class GlobalMaxPooling2D(_GlobalPooling):
    """The maximum of each channel of an image.

    Args:
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        keepdims: whether the reduced axes stay, with size 1.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.GlobalMaxPooling2D()(np.ones((2, 4, 4, 3))).shape
        (2, 3)
    """

    rank = 2


class GlobalMaxPooling3D(_GlobalPooling):
    """The maximum of each channel of a volume.

    Args:
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        keepdims: whether the reduced axes stay, with size 1.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.GlobalMaxPooling3D()(np.ones((2, 4, 4, 4, 3))).shape
        (2, 3)
    """

    rank = 3


class GlobalAveragePooling1D(_GlobalPooling):
    """The mean of each feature over a sequence; masked steps do not count.

    Args:
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        keepdims: whether the reduced axes stay, with size 1.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.GlobalAveragePooling1D()(np.array([[[1.0], [3.0]]])).tolist()
        [[2.0]]
    """

    reduce = staticmethod(jnp.mean)

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any):
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True

    @property
    def ignores_masked_steps(self) -> bool:
        """Whether axis 1 holds the steps."""
        return self.data_format == "channels_last"

    def call(self, inputs: Array, mask: Any = None) -> Array:
        if mask is None:
            return super().call(inputs)
        (steps,) = self.spatial_axes
        keep = jnp.expand_dims(mask != 0, 3 - steps)
        total = jnp.sum(jnp.where(keep, inputs, 0), steps, keepdims=self.keepdims)
        return total / jnp.sum(keep, steps, keepdims=self.keepdims, dtype=inputs.dtype)

    def compute_mask(self, inputs: Array, mask: Any = None) -> Any:
        return None


class GlobalAveragePooling2D(_GlobalPooling):
    """The mean of each channel of an image.

    Args:
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        keepdims: whether the reduced axes stay, with size 1.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.GlobalAveragePooling2D()(np.ones((2, 4, 4, 3))).shape
        (2, 3)
    """

    rank = 2
    reduce = staticmethod(jnp.mean)


class GlobalAveragePooling3D(_GlobalPooling):
    """The mean of each channel of a volume.

    Args:
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        keepdims: whether the reduced axes stay, with size 1.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.GlobalAveragePooling3D()(np.ones((2, 4, 4, 4, 3))).shape
        (2, 3)
    """

    rank = 3
    reduce = staticmethod(jnp.mean)


MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
GlobalMaxPool1D, GlobalMaxPool2D = GlobalMaxPooling1D, GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D
GlobalAvgPool1D, GlobalAvgPool2D = GlobalAveragePooling1D, GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
