"""Deterministic initializers."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from hornbook.core.doors import also
from hornbook.initializers.base import Initializer, Shape, finished


class Constant(Initializer):
    """Fills a weight with `value`.

    Args:
        value: a number, or an array that broadcasts to the weight's shape.

    Example:
        >>> hornbook.initializers.Constant(3)((2,)).tolist()
        [3.0, 3.0]
    """

    def __init__(self, value: Any = 0.0):
        self.value = value

    def __call__(self, shape: Shape, dtype: Any = None) -> jax.Array:
        return finished(np.broadcast_to(np.asarray(self.value), shape), dtype)


@also("zero")
class Zeros(Constant):
    """Fills a weight with 0.

    Example:
        >>> hornbook.initializers.Zeros()((2,)).tolist()
        [0.0, 0.0]
    """

    def __init__(self):
        super().__init__(0)


@also("one")
class Ones(Constant):
    """Fills a weight with 1.

    Example:
        >>> hornbook.initializers.Ones()((2,)).tolist()
        [1.0, 1.0]
    """

    def __init__(self):
        super().__init__(1)


class Identity(Initializer):
    """The identity matrix, times `gain`.

    Args:
        gain: the value on the diagonal.

    Raises:
        ValueError: when called, for a shape that is not two-dimensional.

    Example:
        >>> hornbook.initializers.Identity()((2, 3)).tolist()
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def __call__(self, shape: Shape, dtype: Any = None) -> jax.Array:
        if len(shape) != 2:
            raise ValueError(f"Identity initializes matrices, not shape {tuple(shape)}")
        return finished(self.gain * np.eye(*shape), dtype)


_WINDOWS: dict[str, Callable[[int], np.ndarray]] = {
    "hann": np.hanning,
    "hanning": np.hanning,
    "hamming": np.hamming,
    "blackman": np.blackman,
    "bartlett": np.bartlett,
}


class STFT(Initializer):
    """The convolution kernel of one side of a short-time Fourier transform.

    Args:
        side: `"real"` or `"imag"`.
        window: `"hann"`, `"hamming"`, `"blackman"`, `"bartlett"`, the window's values, or `None`.
        scaling: `"density"` (the window has Euclidean length 1), `"spectrum"` (its absolute values
            sum to 1) or `None`.
        periodic: use a periodic window instead of a symmetric one.

    Raises:
        ValueError: for an unknown side, window or scaling.

    Example:
        >>> hornbook.initializers.STFT("real")((128, 1, 65)).shape
        (128, 1, 65)
    """

    def __init__(
        self,
        side: str = "real",
        window: Any = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ):
        if side not in ("real", "imag"):
            raise ValueError(f"side of STFT is 'real' or 'imag', not {side!r}")
        if isinstance(window, str) and window not in _WINDOWS:
            raise ValueError(
                f"window of STFT is one of {list(_WINDOWS)} or an array of values, not {window!r}"
            )
        if scaling not in ("density", "spectrum", None):
            raise ValueError(f"scaling of STFT is 'density', 'spectrum' or None, not {scaling!r}")
        self.side = side
        self.window = window
        self.scaling = scaling
        self.periodic = periodic

    def __call__(self, shape: Shape, dtype: Any = None) -> jax.Array:
        """The kernel of shape `(window length, 1, FFT length / 2 + 1)`."""
        length, _, bins = shape
        angle = -2 * np.pi * np.outer(np.arange(length), np.arange(bins)) / (2 * (bins - 1))
        kernel = (np.cos if self.side == "real" else np.sin)(angle)
        if self.window is not None:
            window = self._window(length)
            scale = {
                "density": np.sqrt(np.sum(window**2)),
                "spectrum": np.sum(np.abs(window)),
                None: 1,
            }
            kernel = kernel * window[:, None] / scale[self.scaling]
        return finished(kernel[:, None, :], dtype)

    def _window(self, length: int) -> np.ndarray:
        if isinstance(self.window, str):
            return _WINDOWS[self.window](length + self.periodic)[:length]
        window = np.asarray(self.window)
        if window.shape != (length,):
            raise ValueError(f"the window of STFT has shape {window.shape}, not {(length,)}")
        return window
