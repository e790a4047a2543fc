"""Segments, ranking, special functions, Fourier transforms and signals."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook.core.symbolic import Tensor, op
from hornbook.ops import rows

rsqrt = rows.unary_floating(jax.lax.rsqrt, "`1 / sqrt(x)`.")
erf = rows.unary_floating(jax.scipy.special.erf, "The error function.")
erfc = rows.unary_floating(jax.scipy.special.erfc, "`1 - erf(x)`, accurate for large `x`.")
erfinv = rows.unary_floating(jax.scipy.special.erfinv, "The inverse of the error function.")
logsumexp = rows.reduction(
    jax.scipy.special.logsumexp, "`log(sum(exp(x)))` over axes, without overflow."
)
logdet = rows.unary_floating(
    lambda x: jnp.linalg.slogdet(x)[1], "The logarithm of the determinant's absolute value."
)


# ---- segments and ranking


def _segments(fn: Callable, doc: str) -> Any:
    def segments(data, segment_ids, num_segments=None, sorted=False):
        data, ids = rows.array(data), rows.array(segment_ids)
        if data.shape[: ids.ndim] != ids.shape:
            raise ValueError(
                f"segments need one id for each row of the data; got ids of shape {ids.shape} for "
                f"data of shape {data.shape}"
            )
        if num_segments is None:
            if isinstance(ids, jax.core.Tracer):
                raise ValueError("pass num_segments: the segment ids have no values here")
            num_segments = int(ids.max()) + 1
        return fn(data, ids, num_segments, indices_are_sorted=sorted)

    return rows.row(segments, doc)


segment_sum = _segments(jax.ops.segment_sum, "The sums of rows with equal ids.")
segment_prod = _segments(jax.ops.segment_prod, "The products of rows with equal ids.")
segment_max = _segments(jax.ops.segment_max, "The maxima of rows with equal ids.")
segment_min = _segments(jax.ops.segment_min, "The minima of rows with equal ids.")


@op
def top_k(x: Tensor, k: int, sorted: bool = True) -> tuple[Array, Array]:
    """The `k` largest values along the last axis, largest first, and their indices.

    Example:
        >>> values, indices = hornbook.ops.top_k(np.array([3, 9, 5]), 2)
        >>> values.tolist(), indices.tolist()
        ([9, 5], [1, 2])
    """
    values, indices = jax.lax.top_k(rows.array(x), k)
    return values, indices


@op
def in_top_k(targets: Tensor, predictions: Tensor, k: int) -> Array:
    """Whether the target's score is among the `k` largest of its row, ties included.

    Args:
        targets: `(batch,)` integers.
        predictions: `(batch, classes)`.
        k: number of largest scores.

    Example:
        >>> scores = np.array([[0.1, 0.7, 0.2]])
        >>> hornbook.ops.in_top_k(np.array([2]), scores, 2).tolist()
        [True]
    """
    predictions = rows.array(predictions)
    own = jnp.take_along_axis(predictions, rows.array(targets)[..., None], -1)
    own = jnp.where(jnp.isnan(own), -jnp.inf, own)
    return jnp.sum(predictions > own, -1) < k


@op
def cdist(x: Tensor, y: Tensor) -> Array:
    """The Euclidean distance between each row of `x` and each row of `y`.

    Args:
        x: `(..., n, features)`.
        y: `(..., m, features)`.

    Returns:
        `(..., n, m)`.

    Example:
        >>> hornbook.ops.cdist(np.zeros((1, 2)), np.array([[3.0, 4.0]])).tolist()
        [[5.0]]
    """
    x, y = map(rows.floating, rows.pair(x, y))
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ValueError(f"cdist needs (n, features), (m, features), not {x.shape}, {y.shape}")
    return jnp.sqrt(jnp.sum((x[..., :, None, :] - y[..., None, :, :]) ** 2, -1))


# ---- complex numbers as pairs (real, imaginary)


def _complex(x: Any) -> Array:
    if not isinstance(x, list | tuple) or len(x) != 2:
        raise ValueError(f"a complex array must be a pair (real, imaginary), not {x!r}")
    real, imaginary = rows.floating(x[0]), rows.floating(x[1])
    if real.shape != imaginary.shape:
        raise ValueError(f"real and imaginary shapes differ: {real.shape}, {imaginary.shape}")
    return jax.lax.complex(real, imaginary)


def _two(x: Array) -> tuple[Array, Array]:
    if x.shape[-1:] != (2,):
        raise ValueError(f"the last axis is (real, imaginary), of size 2; got shape {x.shape}")
    return x[..., 0], x[..., 1]


def _pair(x: Array) -> tuple[Array, Array]:
    return jnp.real(x), jnp.imag(x)


fft = rows.row(
    lambda x: _pair(jnp.fft.fft(_complex(x))),
    "The Fourier transform along the last axis; complex arrays are pairs (real, imaginary).",
)
fft2 = rows.row(
    lambda x: _pair(jnp.fft.fft2(_complex(x))),
    "The Fourier transform along the last two axes; complex arrays are pairs (real, imaginary).",
)
ifft2 = rows.row(
    lambda x: _pair(jnp.fft.ifft2(_complex(x))),
    "The inverse of `fft2`; complex arrays are pairs (real, imaginary).",
)
rfft = rows.row(
    lambda x, fft_length=None: _pair(jnp.fft.rfft(rows.floating(x), fft_length)),
    "The non-negative frequencies of a real array's Fourier transform (last axis), as a pair.",
)
irfft = rows.row(
    lambda x, fft_length=None: jnp.fft.irfft(_complex(x), fft_length),
    "The inverse of `rfft`, from a pair (real, imaginary).",
)
view_as_complex = rows.row(
    lambda x: _complex(_two(rows.floating(x))),
    "Complex numbers from a last axis (real, imaginary).",
)
view_as_real = rows.row(
    lambda x: jnp.stack(_pair(rows.array(x)), -1),
    "Complex numbers as a last axis (real, imaginary).",
)


# ---- signals


@op
def extract_sequences(x: Tensor, sequence_length: int, sequence_stride: int) -> Array:
    """The windows of a signal along the last axis.

    Args:
        x: `(..., time)`.
        sequence_length: length of a window.
        sequence_stride: distance between the starts of windows.

    Returns:
        `(..., windows, sequence_length)`.

    Example:
        >>> hornbook.ops.extract_sequences(np.arange(5), 3, 2).tolist()
        [[0, 1, 2], [2, 3, 4]]
    """
    x = rows.array(x)
    _check_frames(x, sequence_length, sequence_stride)
    count = (x.shape[-1] - sequence_length) // sequence_stride + 1
    starts = np.arange(count)[:, None] * sequence_stride
    return x[..., starts + np.arange(sequence_length)]


def _check_frames(x: Array, *sizes: Any) -> None:
    if not x.ndim:
        raise ValueError("a signal needs a time axis; got a scalar")
    for size in sizes:
        if not isinstance(size, int | np.integer) or size < 1:
            raise ValueError(f"window lengths and strides are positive integers, not {size!r}")


def _window(window: Any, length: int, size: int, dtype: Any) -> Array:
    """A window of `length`, zero-padded to the middle of `size` points."""
    if isinstance(window, str):
        if window not in _WINDOWS:
            raise ValueError(f"window is one of {list(_WINDOWS)}, an array or None, not {window!r}")
        window = _WINDOWS[window](length + 1)[:-1] if length > 1 else np.ones(1)  # periodic
    before = (size - length) // 2
    if window is None:
        return jnp.ones(size, dtype)
    if window.shape != (length,):
        raise ValueError(f"the window has shape {window.shape}; sequence_length is {length}")
    return jnp.pad(jnp.asarray(window, dtype), (before, size - length - before))


_WINDOWS = {"hann": np.hanning, "hamming": np.hamming}


@op
def stft(
    x: Tensor,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: Any = "hann",
    center: bool = True,
) -> tuple[Array, Array]:
    """The short-time Fourier transform of a signal.

    Args:
        x: `(..., time)`, float.
        sequence_length: length of a window.
        sequence_stride: distance between the starts of windows.
        fft_length: length to which windows are padded; at least `sequence_length`.
        window: `"hann"`, `"hamming"`, an array of `sequence_length`, or `None`.
        center: pad the signal by reflection, so that windows are centred on multiples of the
            stride.

    Returns:
        Real and imaginary part, each `(..., windows, fft_length // 2 + 1)`.

    Raises:
        TypeError: if `x` is not floating-point.
        ValueError: for lengths or strides that are not positive integers.

    Example:
        >>> real, imaginary = hornbook.ops.stft(np.ones(16, "float32"), 4, 2, 4)
        >>> real.shape
        (9, 3)
    """
    x = rows.array(x)
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise TypeError(f"stft needs a floating-point signal, not {x.dtype}: cast it first")
    _check_frames(x, sequence_length, sequence_stride, fft_length)
    if fft_length < sequence_length:
        raise ValueError(f"fft_length {fft_length} is less than sequence_length {sequence_length}")
    if center:
        edge = [(0, 0)] * (x.ndim - 1) + [(fft_length // 2, fft_length // 2)]
        x = jnp.pad(x, edge, mode="reflect")
    frames = extract_sequences(x, fft_length, sequence_stride)
    return _pair(jnp.fft.rfft(frames * _window(window, sequence_length, fft_length, x.dtype)))


@op
def istft(
    x: tuple[Tensor, Array],
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: Any = "hann",
    center: bool = True,
) -> Array:
    """The inverse of `stft`, by overlap-add divided by the sum of squared windows.

    Args:
        x: real and imaginary part, each `(..., windows, fft_length // 2 + 1)`.
        sequence_length, sequence_stride, fft_length, window, center: as passed to `stft`.
        length: length of the result; default all samples that can be recovered.

    Example:
        >>> signal = np.sin(np.arange(16, dtype="float32"))
        >>> again = hornbook.ops.istft(hornbook.ops.stft(signal, 4, 1, 4), 4, 1, 4, length=16)
        >>> bool(np.allclose(again, signal, atol=1e-5))
        True
    """
    z = _complex(x)
    if z.ndim < 2:
        raise ValueError(f"istft needs (..., windows, frequencies), not shape {z.shape}")
    _check_frames(z, sequence_length, sequence_stride, fft_length)
    win = _window(window, sequence_length, fft_length, jnp.real(z).dtype)
    frames = jnp.fft.irfft(z, fft_length) * win
    count = frames.shape[-2]
    total = fft_length + sequence_stride * (count - 1)
    places = np.arange(count)[:, None] * sequence_stride + np.arange(fft_length)
    signal = jnp.zeros((*frames.shape[:-2], total), frames.dtype).at[..., places].add(frames)
    weight = jnp.zeros(total, frames.dtype).at[places].add(jnp.broadcast_to(win**2, places.shape))
    signal = signal / jnp.where(weight > 1e-10, weight, 1)
    start = fft_length // 2 if center else 0
    end = start + length if length is not None else total - start
    return signal[..., start:end]


rows.publish(globals())
