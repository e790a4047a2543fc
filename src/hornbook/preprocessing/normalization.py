"""Normalization: shifts and scales data to mean 0 and variance 1."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.core.settings import epsilon
from hornbook.layers.arguments import WHOLE
from hornbook.layers.base import Layer
from hornbook.layers.one_picture import OnePicture
from hornbook.preprocessing.adapting import Adapting, is_array

UNKNOWN_SIZE = (
    "layer {!r} has one mean per index of axis {}, whose size is not known in the shape {}"
)
OTHER_SHAPE = "layer {!r} was built for shape {}; data of shape {} do not fit"


BLOCK = 2**17  # numbers that stay in the cache
WIDE = 64  # columns from which on products of matrices are at full speed


def moments(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean of each column and the sum of squares about it, as float64.

    Rows are read in blocks. Each is centred at its own mean, so that its sums, in the array's
    dtype, lose no digits; the blocks are combined in float64 (Chan et al. 1979).

    Args:
        rows: `(samples, columns)`.
    """
    samples, columns = rows.shape
    side = WIDE // columns if 0 < columns < WIDE else 1
    if side > 1 and samples >= side and rows.flags.c_contiguous:  # several rows as a wider one
        cut = samples - samples % side
        means, squares = moments(rows[:cut].reshape(-1, side * columns))
        parts = [
            np.full((side, 1), cut // side),
            means.reshape(side, -1),
            squares.reshape(side, -1),
        ]
        if cut < samples:
            rest = [np.array([[samples - cut]]), *(one[None] for one in moments_of(rows[cut:]))]
            parts = [np.concatenate(pair) for pair in zip(parts, rest, strict=True)]
        return together(*parts)
    step = max(1, BLOCK // max(1, columns))
    blocks = [rows[start : start + step] for start in range(0, samples, step)]
    counts = np.array([len(block) for block in blocks])[:, None]
    return together(counts, *map(np.array, zip(*map(moments_of, blocks), strict=True)))


def moments_of(block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`moments` of a few rows, in one go."""
    block = block if block.dtype in ("float32", "float64") else block.astype("float64")
    ones = np.ones(len(block), block.dtype)
    mean = (ones @ block) / block.dtype.type(len(block))
    centred = block - mean
    off = (ones @ centred).astype("float64") / len(block)  # the mean's rounding
    squares = (ones @ np.square(centred, out=centred)).astype("float64")
    return mean + off, squares - len(block) * np.square(off)


def together(counts: np.ndarray, means: np.ndarray, squares: np.ndarray) -> tuple:
    """The moments of groups as one.

    Args:
        counts: rows in each group, `(groups, 1)`.
        means, squares: theirs, `(groups, columns)`.
    """
    mean = (counts * means).sum(0) / counts.sum()
    return mean, (squares + counts * np.square(means - mean)).sum(0)


class Normalization(OnePicture, Adapting, Layer):
    """Normalizes numbers by the statistics of the data: `(x - mean) / sqrt(variance)`.

    Args:
        axis: axes to keep, with one mean per index; `None`: one mean for all numbers.
        mean, variance: statistics of the data, if known; otherwise `adapt` computes them.
        invert: whether to apply the inverse: `x * sqrt(variance) + mean`.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.Normalization()
        >>> layer.adapt(np.array([[0.0, 7.0], [2.0, 9.0]]))
        >>> layer(np.array([[0.0, 9.0]])).tolist()
        [[-1.0, 1.0]]
    """

    columns = False
    ignores_masked_steps = True

    def __init__(
        self,
        axis: Any = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, WHOLE) else tuple(axis)
        if (mean is None) != (variance is None):
            raise ValueError("Normalization takes both mean and variance, or neither")
        if np.shape(mean) != np.shape(variance) or np.ndim(mean) > len(self.axis):
            raise ValueError(
                f"mean and variance of Normalization must have the same shape, with at most the "
                f"axes {self.axis}; they have {np.shape(mean)} and {np.shape(variance)}"
            )
        self.input_mean, self.input_variance, self.invert = mean, variance, invert
        self.supports_masking = True
        self._shape: tuple | None = None
        self.reset_state()

    def build(self, input_shape: tuple | None = None) -> None:
        if input_shape is None:
            return
        shape = tuple(input_shape)
        if any(not -len(shape) <= axis < len(shape) for axis in self.axis):
            raise ValueError(f"layer {self.name!r} has no axis {self.axis} in the shape {shape}")
        self._kept = tuple(sorted(axis % len(shape) for axis in self.axis))
        self._reduced = tuple(axis for axis in range(len(shape)) if axis not in self._kept)
        for axis in self._kept:
            if shape[axis] is None:
                raise ValueError(UNKNOWN_SIZE.format(self.name, axis, shape))
        sizes = tuple(shape[axis] for axis in self._kept)
        self._shape = shape
        self._spread = tuple(shape[a] if a in self._kept else 1 for a in range(len(shape)))
        if self.input_mean is None:
            more: dict[str, Any] = {"trainable": False}
            self.adapt_mean = self.add_weight(sizes, "zeros", name="mean", **more)
            self.adapt_variance = self.add_weight(sizes, "ones", name="variance", **more)
            self.count = self.add_weight((), "zeros", "int32", name="count", **more)

    @property
    def mean(self) -> Any:
        """The means, in a shape that broadcasts to the inputs."""
        return self._along(self.input_mean, "adapt_mean")

    @property
    def variance(self) -> Any:
        """The variances, in a shape that broadcasts to the inputs."""
        return self._along(self.input_variance, "adapt_variance")

    def _along(self, given: Any, name: str) -> Any:
        if self._shape is None:
            return given
        if given is None:
            return getattr(self, name).value.reshape(self._spread)
        given = jnp.asarray(given, self.compute_dtype)
        shape = [1] * len(self._shape)
        for axis, size in zip(reversed(self._kept), reversed(given.shape), strict=False):
            shape[axis] = size
        return jnp.broadcast_to(given.reshape(shape), self._spread)

    # ---- adapting

    def batches(self, data: Any) -> Any:
        """Batches of data; a single one if the sample axis is kept."""
        if is_array(data):
            data = data if hasattr(data, "shape") else np.asarray(data)
            self._fit_to(data.shape)
            if 0 in self._kept:
                return iter([np.asarray(data)])
        return super().batches(data)

    def reset_state(self) -> None:
        """Discard the accumulated statistics."""
        self._seen = 0
        self._totals: Any = None

    def update_state(self, data: Any) -> None:
        """Accumulate the statistics of a batch."""
        if self.input_mean is not None:
            raise ValueError(
                f"layer {self.name!r} cannot adapt: it was made with a mean and a variance"
            )
        batch = np.asarray(data)
        if batch.dtype.kind not in "biuf":
            batch = batch.astype("float64")
        self._fit_to(batch.shape)
        shape = tuple(batch.shape[axis] for axis in self._kept)
        rows = batch.transpose(*self._reduced, *self._kept).reshape(-1, math.prod(shape))
        count = len(rows)
        mean, squares = (one.reshape(shape) for one in moments(rows))
        if self._totals is None:
            self._seen, self._totals = count, (mean, squares)
            return
        before, (old, total) = self._seen, self._totals
        self._seen = before + count
        difference = mean - old
        mean = old + difference * (count / self._seen)
        total = total + squares + np.square(difference) * (before * count / self._seen)
        self._totals = mean, total

    def _fit_to(self, shape: tuple) -> None:
        """Build for data of this shape, or check that it fits."""
        if self._shape is None:
            self._build(
                {"input_shape": (None, *shape[1:]) if 0 not in self._axes(shape) else shape}
            )
        fits = len(shape) == len(self._shape or ())
        if not fits or any(shape[axis] != self._shape[axis] for axis in self._kept):  # type: ignore[index]
            raise ValueError(OTHER_SHAPE.format(self.name, self._shape, shape))

    def _axes(self, shape: tuple) -> set[int]:
        return {axis % len(shape) for axis in self.axis if shape}

    def finalize_state(self) -> None:
        """Set mean and variance from the accumulated statistics."""
        mean, squares = self._totals
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(squares / self._seen)
        self.reset_state()

    # ---- calling

    def call(self, inputs: jax.Array) -> jax.Array:
        dtype = self.compute_dtype
        module: Any = np if isinstance(inputs, np.ndarray) else jnp
        mean = module.asarray(self.mean, dtype)
        spread = module.maximum(module.sqrt(module.asarray(self.variance, dtype)), epsilon())
        inputs = inputs.astype(dtype)
        return inputs * spread + mean if self.invert else (inputs - mean) / spread

    def get_config(self) -> dict:
        """Constructor arguments as plain data."""
        known = {"mean": self.input_mean, "variance": self.input_variance}
        plain = {k: None if v is None else np.asarray(v).tolist() for k, v in known.items()}
        return super().get_config() | {"axis": self.axis, **plain}
