"""Layers that rearrange, crop, pad or repeat elements."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.core.settings import standardize_data_format
from hornbook.layers.arguments import WHOLE, positive, sizes
from hornbook.layers.base import Layer
from hornbook.layers.spec import InputSpec


class Flatten(Layer):
    """Flattens each sample: `(batch, a, b)` becomes `(batch, a * b)`.

    Args:
        data_format: with `"channels_first"`, the channels are moved last before flattening, so that
            the order of elements is that of `"channels_last"`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Flatten()(np.ones((2, 3, 4))).shape
        (2, 12)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Array) -> Array:
        if self.data_format == "channels_first" and inputs.ndim > 2:
            inputs = jnp.moveaxis(inputs, 1, -1)
        return inputs.reshape(inputs.shape[0], math.prod(inputs.shape[1:]))


class Reshape(Layer):
    """Reshapes each sample, keeping the order of its elements.

    Args:
        target_shape: shape without the batch; one size may be -1 and is inferred.

    Raises:
        ValueError: if the number of elements differs.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Reshape((3, -1))(np.ones((2, 12))).shape
        (2, 3, 4)
    """

    def __init__(self, target_shape: Any, **kwargs: Any):
        super().__init__(**kwargs)
        shape = (target_shape,) if isinstance(target_shape, WHOLE) else target_shape
        self.target_shape = tuple(-1 if size is None else int(size) for size in shape)
        if self.target_shape.count(-1) > 1:
            raise ValueError(f"at most one size of a Reshape may be -1, not {self.target_shape}")
        if min(self.target_shape, default=0) < -1:
            raise ValueError(f"sizes of a Reshape are -1, 0 or more, not {self.target_shape}")

    def call(self, inputs: Array) -> Array:
        have, want = math.prod(inputs.shape[1:]), math.prod(self.target_shape)
        fits = have == want if want >= 0 and -1 not in self.target_shape else have % abs(want) == 0
        if not fits:
            raise ValueError(
                f"layer {self.name!r} (Reshape) cannot turn samples of shape {inputs.shape[1:]}, "
                f"{have} elements, into {self.target_shape}, "
                f"{abs(want)}{' times something' if want < 0 else ''}"
            )
        sizes = self.target_shape
        if isinstance(have, int):  # reshape cannot infer -1 for an empty batch
            sizes = tuple(have // abs(want) if n == -1 else n for n in sizes)
        return inputs.reshape(inputs.shape[0], *sizes)


class Permute(Layer):
    """Permutes the axes of each sample.

    Args:
        dims: the new order of the axes, counted from 1, without the batch.

    Raises:
        ValueError: if `dims` is not a permutation of 1, 2, ...

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Permute((2, 1))(np.ones((5, 3, 4))).shape
        (5, 4, 3)
    """

    def __init__(self, dims: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"dims of a Permute must be a permutation of 1 to {len(self.dims)} (axis 0 is the "
                f"batch and stays), not {self.dims}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Array) -> Array:
        return inputs.transpose(0, *self.dims)


class RepeatVector(Layer):
    """Repeats a vector as the steps of a sequence: `(batch, features)` to `(batch, n, features)`.

    Args:
        n: number of steps.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.RepeatVector(3)(np.ones((2, 4))).shape
        (2, 3, 4)
    """

    def __init__(self, n: int, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(n, WHOLE):
            raise TypeError(f"n of a RepeatVector is an integer, not {n!r}")
        self.n = positive("n", n, self)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Array) -> Array:
        return jnp.repeat(inputs[:, None], self.n, axis=1)


def _pairs(what: str, value: Any, rank: int, layer: Layer) -> tuple[tuple[int, int], ...]:
    """(before, after) per spatial axis, from one number, one per axis, or one pair per axis."""
    each = value if isinstance(value, list | tuple) and rank > 1 else (value,) * rank
    if len(each) != rank:
        raise ValueError(
            f"{what} of {type(layer).__name__} is an integer, {rank} integers or {rank} pairs, "
            f"not {value!r}"
        )
    first, second = [], []
    for one in each:
        before, after = sizes(what, one, 2, layer, zero=True)
        first.append(before)
        second.append(after)
    return tuple(zip(first, second))


class _Spatial(Layer):
    """A layer on the spatial axes, which come before or after the channels."""

    rank = 1

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def spatial_axes(self) -> range:
        """The indices of the spatial axes."""
        first = 2 if self.data_format == "channels_first" else 1
        return range(first, first + self.rank)


class _Cropping(_Spatial):
    def __init__(self, cropping: Any, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self.cropping: Any = _pairs("cropping", cropping, self.rank, self)
        if self.rank == 1:
            self.cropping = self.cropping[0]

    def call(self, inputs: Array) -> Array:
        cropping = [self.cropping] if self.rank == 1 else self.cropping
        for axis, (before, after) in zip(self.spatial_axes(), cropping):
            size = inputs.shape[axis]
            if before + after >= size:
                raise ValueError(
                    f"layer {self.name!r} crops {before} + {after} off axis {axis}, which has only "
                    f"{size} elements: nothing would be left"
                )
            inputs = jax.lax.slice_in_dim(inputs, before, size - after, axis=axis)
        return inputs


class Cropping1D(_Cropping):
    """Crops steps off both ends of `(batch, steps, features)`.

    Args:
        cropping: number of steps at the start and at the end; one number means both.
        data_format: `"channels_last"` or `"channels_first"`; default `"channels_last"`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Cropping1D((1, 2))(np.ones((1, 8, 3))).shape
        (1, 5, 3)
    """

    def __init__(self, cropping: Any = (1, 1), data_format: str = "channels_last", **kwargs: Any):
        super().__init__(cropping, data_format, **kwargs)


class Cropping2D(_Cropping):
    """Crops rows and columns off images.

    Args:
        cropping: `((top, bottom), (left, right))`, or `(rows, columns)`, or one number for all.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Cropping2D(((1, 0), (2, 2)))(np.ones((1, 8, 8, 3))).shape
        (1, 7, 4, 3)
    """

    rank = 2

    def __init__(
        self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any
    ):
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(_Cropping):
    """Crops slices off volumes.

    Args:
        cropping: a pair per axis, a number per axis, or one number for all.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Cropping3D(1)(np.ones((1, 4, 5, 6, 3))).shape
        (1, 2, 3, 4, 3)
    """

    rank = 3

    def __init__(
        self,
        cropping: Any = ((1, 1), (1, 1), (1, 1)),
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(cropping, data_format, **kwargs)


class _ZeroPadding(_Spatial):
    def __init__(self, padding: Any, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self.padding: Any = _pairs("padding", padding, self.rank, self)
        if self.rank == 1:
            self.padding = self.padding[0]

    def call(self, inputs: Array) -> Array:
        widths = [(0, 0)] * inputs.ndim
        padding = [self.padding] if self.rank == 1 else self.padding
        for axis, pair in zip(self.spatial_axes(), padding):
            widths[axis] = pair
        return jnp.pad(inputs, widths)


class ZeroPadding1D(_ZeroPadding):
    """Pads `(batch, steps, features)` with steps of zeros at both ends.

    Args:
        padding: number of steps at the start and at the end; one number means both.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.ZeroPadding1D((1, 2))(np.ones((1, 4, 3))).shape
        (1, 7, 3)
    """

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any):
        super().__init__(padding, data_format, **kwargs)


class ZeroPadding2D(_ZeroPadding):
    """Pads images with rows and columns of zeros.

    Args:
        padding: `((top, bottom), (left, right))`, or `(rows, columns)`, or one number for all.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.ZeroPadding2D((1, 2))(np.ones((1, 4, 4, 3))).shape
        (1, 6, 8, 3)
    """

    rank = 2

    def __init__(self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any):
        super().__init__(padding, data_format, **kwargs)


class ZeroPadding3D(_ZeroPadding):
    """Pads volumes with slices of zeros.

    Args:
        padding: a pair per axis, a number per axis, or one number for all.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.ZeroPadding3D()(np.ones((1, 2, 3, 4, 1))).shape
        (1, 4, 5, 6, 1)
    """

    rank = 3

    def __init__(
        self, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any
    ):
        super().__init__(padding, data_format, **kwargs)


INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


class _UpSampling(_Spatial):
    interpolation = "nearest"

    def __init__(self, size: Any, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self.size: Any = sizes("size", size, self.rank, self)
        if self.rank == 1:
            self.size = self.size[0]

    def call(self, inputs: Array) -> Array:
        factors = dict(zip(self.spatial_axes(), (self.size,) if self.rank == 1 else self.size))
        if self.interpolation == "nearest":
            for axis, factor in factors.items():
                inputs = jnp.repeat(inputs, factor, axis=axis)
            return inputs
        shape = [size * factors.get(axis, 1) for axis, size in enumerate(inputs.shape)]
        method = {"bicubic": "cubic"}.get(self.interpolation, self.interpolation)
        return jax.image.resize(inputs, shape, method).astype(inputs.dtype)


class UpSampling1D(_UpSampling):
    """Repeats each step of `(batch, steps, features)`.

    Args:
        size: number of repetitions.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.UpSampling1D(2)(np.array([[[1.0], [2.0]]])).ravel().tolist()
        [1.0, 1.0, 2.0, 2.0]
    """

    _given = ("data_format",)

    def __init__(self, size: int = 2, **kwargs: Any):
        super().__init__(size, "channels_last", **kwargs)


class UpSampling2D(_UpSampling):
    """Enlarges images by integer factors.

    Args:
        size: factors for rows and columns, or one for both.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.
        interpolation: `"nearest"`, `"bilinear"`, `"bicubic"`, `"lanczos3"` or `"lanczos5"`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.UpSampling2D((2, 3))(np.ones((1, 4, 4, 1))).shape
        (1, 8, 12, 1)
    """

    rank = 2

    def __init__(
        self,
        size: Any = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ):
        super().__init__(size, data_format, **kwargs)
        self.interpolation = interpolation.lower()
        if self.interpolation not in INTERPOLATIONS:
            raise ValueError(
                f"interpolation of UpSampling2D must be one of {INTERPOLATIONS}, "
                f"not {interpolation!r}"
            )


class UpSampling3D(_UpSampling):
    """Repeats each element of volumes.

    Args:
        size: factors for three axes, or one for all.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.UpSampling3D(2)(np.ones((1, 2, 3, 4, 1))).shape
        (1, 4, 6, 8, 1)
    """

    rank = 3

    def __init__(self, size: Any = (2, 2, 2), data_format: str | None = None, **kwargs: Any):
        super().__init__(size, data_format, **kwargs)
