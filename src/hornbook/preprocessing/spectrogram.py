"""STFTSpectrogram and MelSpectrogram: signals to spectra over time."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook import formulas, initializers
from hornbook.core.settings import epsilon, standardize_data_format
from hornbook.layers.arguments import positive
from hornbook.layers.base import Layer
from hornbook.layers.spec import InputSpec
from hornbook.ops.math import stft


def _power(real: Array, imag: Array) -> Array:
    return real**2 + imag**2


def _magnitude(real: Array, imag: Array) -> Array:
    return jnp.sqrt(jnp.maximum(_power(real, imag), epsilon()))


def _one_sided(real: Array, imag: Array) -> Array:
    """The power; bins that also stand for a negative frequency count twice."""
    power = _power(real, imag)
    return power.at[..., 1:-1].multiply(2)


# mode -> the result, from real and imaginary parts `(..., bins)`
MODES = {
    "log": lambda real, imag: jnp.log(jnp.maximum(_magnitude(real, imag), epsilon())),
    "magnitude": _magnitude,
    "psd": _one_sided,
    "real": lambda real, imag: real,
    "imag": lambda real, imag: imag,
    "angle": lambda real, imag: jnp.arctan2(imag, real),
    "stft": lambda real, imag: jnp.concatenate([real, imag], -1),
}


class STFTSpectrogram(Layer):
    """Short-time Fourier transform of signals, as a convolution whose kernels can be trained.

    Args:
        mode: `"stft"`: real and imaginary parts, one after the other; `"real"`, `"imag"`: one of
            them; `"angle"`; `"psd"`: power spectral density; `"magnitude"`; `"log"`: the logarithm
            of the magnitude.
        frame_length: number of samples of a frame.
        frame_step: number of samples between the starts of frames; default half a frame.
        fft_length: number of points of the transform, at least `frame_length`; default the next
            power of two.
        window: `"hann"`, `"hamming"`, `"blackman"`, `"bartlett"`, the window's values, or `None`.
        periodic: whether the window is periodic instead of symmetric.
        scaling: `"density"`, `"spectrum"` or `None`: norm of the window, see `initializers.STFT`.
        padding: `"valid"` or `"same"`.
        expand_dims: whether bins and input channels have an axis each, as in images.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Input: floats `(batch, time, channels)`, or `(batch, channels, time)` for `channels_first`.
    Output: `(batch, frames, channels * bins)` or, with `expand_dims`, `(batch, frames, bins,
    channels)`; for `channels_first` `(batch, channels * bins, frames)` or `(batch, channels,
    frames, bins)`. There are `fft_length // 2 + 1` bins, twice as many in mode `"stft"`.

    Raises:
        ValueError: for an unknown mode, padding, scaling or window, or sizes that do not fit.
        TypeError: for inputs that are not floats.

    Source: Cheuk et al. 2020, arXiv:1912.12055.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.STFTSpectrogram("magnitude", frame_length=64)
        >>> layer(np.ones((2, 320, 1), "float32")).shape
        (2, 9, 33)
    """

    def __init__(
        self,
        mode: str = "log",
        frame_length: int = 256,
        frame_step: int | None = None,
        fft_length: int | None = None,
        window: Any = "hann",
        periodic: bool = False,
        scaling: str | None = "density",
        padding: str = "valid",
        expand_dims: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if mode not in MODES:
            raise ValueError(f"mode of STFTSpectrogram is one of {', '.join(MODES)}, not {mode!r}")
        if padding not in ("valid", "same"):
            raise ValueError(f"padding of STFTSpectrogram is 'valid' or 'same', not {padding!r}")
        self.mode = mode
        self.frame_length = positive("frame_length", frame_length, self)
        self.frame_step, self.fft_length = frame_step, fft_length
        self._step = positive("frame_step", frame_step or max(frame_length // 2, 1), self)
        self._points = positive("fft_length", fft_length or _power_of_two(frame_length), self)
        if self._step > frame_length or self._points < frame_length:
            raise ValueError(
                "STFTSpectrogram needs frame_step <= frame_length <= fft_length, not "
                f"{self._step}, {frame_length} and {self._points}"
            )
        self.window, self.periodic, self.scaling = window, periodic, scaling
        self._kernels = {
            side: initializers.STFT(side, window, scaling, periodic)
            for side in ("real", "imag")
            if mode in (side, *(set(MODES) - {"real", "imag"}))
        }
        self.padding = padding
        self.expand_dims = expand_dims
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=3)

    def build(self, input_shape: tuple) -> None:
        shape = (self.frame_length, 1, self._points // 2 + 1)
        for side, initializer in self._kernels.items():
            setattr(
                self, f"{side}_kernel", self.add_weight(shape, initializer, name=f"{side}_kernel")
            )

    def call(self, inputs: Array) -> Array:
        if not jnp.issubdtype(inputs.dtype, jnp.floating):
            raise TypeError(
                f"layer {self.name!r} (STFTSpectrogram) takes floats; it got {inputs.dtype}. "
                "Convert with .astype('float32')"
            )
        last = self.data_format == "channels_last"
        signals = jnp.swapaxes(inputs, 1, 2) if last else inputs  # (batch, channels, time)
        found = MODES[self.mode](*(self._transformed(signals, side) for side in ("real", "imag")))
        if self.expand_dims:  # from (batch, channels, frames, bins)
            return jnp.moveaxis(found, 1, -1) if last else found
        batch, channels, frames, bins = found.shape
        found = jnp.moveaxis(found, 3, 2).reshape(batch, channels * bins, frames)
        return jnp.swapaxes(found, 1, 2) if last else found

    def _transformed(self, signals: Array, side: str) -> Any:
        """One part of the transform, `(batch, channels, frames, bins)`; `None` if not needed."""
        if side not in self._kernels:
            return None
        batch, channels, time = signals.shape
        kernel = getattr(self, f"{side}_kernel").value.astype(signals.dtype)
        signals = signals.reshape(batch * channels, time, 1)
        window = (self._step,), self.padding, (1,), 1
        found = formulas.convolution(signals, kernel, None, None, window)
        return found.reshape(batch, channels, *found.shape[1:])


def _power_of_two(size: int) -> int:
    """The smallest power of two that is not below `size`."""
    return 1 << max(size - 1, 0).bit_length()


class MelSpectrogram(Layer):
    """Spectra of signals over time, on the mel scale of frequencies: `2595 log10(1 + hertz / 700)`.

    Args:
        fft_length: number of points of the transform.
        sequence_stride: number of samples between frames.
        sequence_length: number of samples of a frame; default `fft_length`.
        window: `"hann"`, `"hamming"`, an array of `sequence_length` values, or `None`.
        sampling_rate: samples per second.
        num_mel_bins: number of bins.
        min_freq: lower edge of the lowest bin, in hertz.
        max_freq: upper edge of the highest bin, in hertz; default half the sampling rate.
        power_to_db: whether to convert to decibels.
        top_db: decibels below the loudest value of a sample at which values are cut.
        mag_exp: exponent of the magnitude: 1 for amplitudes, 2 for power.
        min_power: lower bound of the values before the logarithm.
        ref_power: the value that is 0 decibels.

    Input: floats `(time,)` or `(batch, time)`; output: `(num_mel_bins, frames)`, or with the batch
    first.

    Raises:
        ValueError: if `fft_length` is less than `sequence_length`.

    Source: Stevens, Volkmann, Newman 1937, A scale for the measurement of the psychological
    magnitude pitch.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.MelSpectrogram(256, 128, num_mel_bins=20, sampling_rate=8000)
        >>> layer(np.ones((2, 1024), "float32")).shape
        (2, 20, 9)
    """

    def __init__(
        self,
        fft_length: int = 2048,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: Any = "hann",
        sampling_rate: int = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        power_to_db: bool = True,
        top_db: float = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.fft_length = positive("fft_length", fft_length, self)
        self.sequence_stride = positive("sequence_stride", sequence_stride, self)
        self.sequence_length = positive("sequence_length", sequence_length or fft_length, self)
        if self.fft_length < self.sequence_length:
            raise ValueError(
                "fft_length of MelSpectrogram must be at least sequence_length, not "
                f"{fft_length} for {sequence_length}"
            )
        self.window = window
        self.sampling_rate = sampling_rate
        self.num_mel_bins = positive("num_mel_bins", num_mel_bins, self)
        self.min_freq = min_freq
        self.max_freq = max_freq or int(sampling_rate / 2)
        if not 0 <= self.min_freq < self.max_freq:
            raise ValueError(
                "MelSpectrogram needs 0 <= min_freq < max_freq, not "
                f"{self.min_freq} and {self.max_freq}"
            )
        self.power_to_db = power_to_db
        self.top_db = top_db
        self.mag_exp = mag_exp
        self.min_power = min_power
        self.ref_power = ref_power

    def call(self, inputs: Array) -> Array:
        signals = inputs.astype(jnp.promote_types(self.compute_dtype, "float32"))
        frames = self.sequence_length, self.sequence_stride, self.fft_length
        power = _power(*stft(signals, *frames, self.window))
        tiny = jnp.finfo(power.dtype).tiny  # keeps the gradient of a root finite in silence
        found = jnp.maximum(power, tiny) ** (self.mag_exp / 2) @ self._matrix(power.dtype)
        found = jnp.swapaxes(found, -1, -2)
        return (self._decibels(found) if self.power_to_db else found).astype(self.compute_dtype)

    def _matrix(self, dtype: Any) -> Array:
        found = self.linear_to_mel_weight_matrix(
            self.num_mel_bins,
            self.fft_length // 2 + 1,
            self.sampling_rate,
            self.min_freq,
            self.max_freq,
        )
        return jnp.asarray(found, dtype)

    def _decibels(self, values: Array) -> Array:
        """Decibels; Keras takes the loudest value of the whole batch, so that a sample's result
        depends on the others, and not that of each sample."""
        reference = max(abs(self.ref_power), self.min_power)
        found = 10 * jnp.log10(jnp.maximum(values, self.min_power) / reference)
        return jnp.maximum(found, jnp.max(found, (-2, -1), keepdims=True) - self.top_db)

    def linear_to_mel_weight_matrix(
        self,
        num_mel_bins: int = 20,
        num_spectrogram_bins: int = 129,
        sampling_rate: float = 8000,
        lower_edge_hertz: float = 125.0,
        upper_edge_hertz: float = 3800.0,
        dtype: Any = "float32",
    ) -> np.ndarray:
        """A matrix that sums linear bins to mel bins by triangles with a peak of 1.

        Args:
            num_mel_bins: number of columns.
            num_spectrogram_bins: number of rows, for frequencies from 0 to half the sampling rate.
            sampling_rate: samples per second.
            lower_edge_hertz, upper_edge_hertz: lowest and highest frequency that counts.
            dtype: dtype of the matrix.

        Returns:
            `(num_spectrogram_bins, num_mel_bins)`.
        """
        hertz = np.linspace(0, sampling_rate / 2, num_spectrogram_bins)
        lowest, highest = _mel(np.array([lower_edge_hertz, upper_edge_hertz]))
        edges = np.linspace(lowest, highest, num_mel_bins + 2)
        below, peak, above = edges[:-2], edges[1:-1], edges[2:]
        mel = _mel(hertz)[:, None]
        sides = (mel - below) / (peak - below), (above - mel) / (above - peak)
        matrix = np.maximum(np.minimum(*sides), 0)
        matrix[0] = 0  # no frequency
        return matrix.astype(dtype)


def _mel(hertz: np.ndarray) -> np.ndarray:
    """Frequencies on the mel scale, as defined by the Hidden Markov Model Toolkit."""
    return 1127 * np.log1p(hertz / 700)
