"""`tf.signal` and `tf.audio`: Fourier transforms and sound."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from hornbook.compat.tensorflow.files import content
from hornbook.core.symbolic import op
from hornbook.data import wav


@op
def fft(input: Any, name: str | None = None) -> Any:
    """The discrete Fourier transform along the last axis."""
    return jnp.fft.fft(jnp.asarray(input))


@op
def ifft(input: Any, name: str | None = None) -> Any:
    """The inverse of `fft`."""
    return jnp.fft.ifft(jnp.asarray(input))


def _real(function: Callable, axes: int) -> Callable:
    @op
    def transform(input_tensor: Any, fft_length: Any = None, name: str | None = None) -> Any:
        length = None if fft_length is None else tuple(int(n) for n in np.ravel(fft_length))
        x = jnp.asarray(input_tensor)
        if axes == 1:
            return function(x, None if length is None else length[0])
        return function(x, length)

    transform.__doc__ = f"`{function.__name__}` along the last axes."
    return transform


rfft, irfft = _real(jnp.fft.rfft, 1), _real(jnp.fft.irfft, 1)
rfft2d, irfft2d = _real(jnp.fft.rfft2, 2), _real(jnp.fft.irfft2, 2)


def hann_window(
    window_length: Any, periodic: bool = True, dtype: Any = "float32", name: Any = None
) -> Any:
    """Hann's window."""
    return _cosines(window_length, periodic, dtype, 0.5)


def hamming_window(
    window_length: Any, periodic: bool = True, dtype: Any = "float32", name: Any = None
) -> Any:
    """Hamming's window."""
    return _cosines(window_length, periodic, dtype, 0.54)


def _cosines(length: Any, periodic: bool, dtype: Any, level: float) -> Any:
    count = int(length)
    if count == 1:
        return jnp.ones(1, str(dtype))
    turns = np.arange(count) / (count if periodic and count % 2 == 0 else count - 1)  # as there
    return jnp.asarray((level - (1 - level) * np.cos(2 * np.pi * turns)).astype(str(dtype)))


@op
def frame(
    signal: Any,
    frame_length: int,
    frame_step: int,
    pad_end: bool = False,
    pad_value: float = 0,
    axis: int = -1,
    name: str | None = None,
) -> Any:
    """Overlapping parts of a signal, along a new axis."""
    x = jnp.moveaxis(jnp.asarray(signal), axis, -1)
    size, length, step = x.shape[-1], int(frame_length), int(frame_step)
    count = -(-size // step) if pad_end else max(0, (size - length) // step + 1)
    missing = max(0, (count - 1) * step + length - size)
    x = jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, missing)], constant_values=pad_value)
    parts = x[..., np.arange(count)[:, None] * step + np.arange(length)]
    return jnp.moveaxis(parts, (-2, -1), (axis - 1, axis) if axis < 0 else (axis, axis + 1))


def stft(
    signals: Any,
    frame_length: int,
    frame_step: int,
    fft_length: int | None = None,
    window_fn: Any = hann_window,
    pad_end: bool = False,
    name: str | None = None,
) -> Any:
    """The short-time Fourier transform, complex (..., frames, fft_length // 2 + 1)."""
    length = int(frame_length)
    size = 1 << (length - 1).bit_length() if fft_length is None else int(fft_length)
    parts = frame(signals, length, frame_step, pad_end)
    return rfft(parts if window_fn is None else parts * window_fn(length), [size])


class Sound(NamedTuple):
    """The samples of a sound, (time, channels), and how many there are in a second."""

    audio: Any
    sample_rate: Any


def decode_wav(
    contents: Any, desired_channels: int = -1, desired_samples: int = -1, name: str | None = None
) -> Sound:
    """The sound in the bytes of a WAV file."""
    samples, rate = wav.decode(content(contents))
    if desired_channels not in (-1, samples.shape[1]):
        samples = np.repeat(samples[:, :1], desired_channels, 1)
    if desired_samples != -1:
        samples = samples[:desired_samples]
        samples = np.pad(samples, [(0, desired_samples - len(samples)), (0, 0)])
    return Sound(jnp.asarray(samples), np.int32(rate))
