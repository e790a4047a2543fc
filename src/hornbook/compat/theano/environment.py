"""Settings of compilers, devices and modes: accepted, with one warning if ignored."""

import warnings
from collections import OrderedDict, defaultdict
from typing import Any

import jax
import numpy as np

from hornbook.compat.theano.types import dtype_of
from hornbook.dialects.theano import VERSION

ONE_DEVICE = "theano: device settings are ignored; XLA chose {}"
cuda_available = cuda_enabled = False
version = VERSION
_told: set[str] = set()


def use(device: Any = None, *args: Any, **kwargs: Any) -> None:
    """`theano.sandbox.cuda.use` and `theano.gpuarray.use`: no-op with a warning."""
    note(ONE_DEVICE.format(jax.default_backend().upper()))


def note(text: str) -> None:
    """Warn once per process."""
    if text not in _told:
        _told.add(text)
        warnings.warn(text, stacklevel=3)


def dnn_available() -> bool:
    """Always False: cuDNN is not used directly."""
    return False


def gpu_from_host(x: Any) -> Any:
    """Return the tensor: XLA handles transfers."""
    return x


host_from_gpu = gpu_from_host


class Mode:
    """Theano's compilation mode: stored, without effect.

    Args:
        linker, optimizer: names.
    """

    def __init__(self, linker: Any = None, optimizer: Any = "default"):
        self.linker, self.optimizer = linker, optimizer

    def including(self, *tags: str) -> "Mode":
        """This mode."""
        return self

    def excluding(self, *tags: str) -> "Mode":
        """This mode."""
        return self

    def clone(self, **changes: Any) -> "Mode":
        """This mode."""
        return self


class DebugMode(Mode):
    """Theano's self-checking mode; without effect."""

    def __init__(self, **settings: Any):
        super().__init__("debug")


class ProfileMode(Mode):
    """Theano's profiling mode; without effect."""

    def print_summary(self, **settings: Any) -> None:
        """Nothing, with a note."""
        note("theano: ProfileMode is ignored; use jax.profiler")


class MonitorMode(Mode):
    """Theano's mode with callbacks at each node; without effect, with a warning."""

    def __init__(self, pre_func: Any = None, post_func: Any = None, **settings: Any):
        super().__init__("monitor")
        note("theano: MonitorMode is ignored; theano.printing.Print shows values")


class NanGuardMode(Mode):
    """Theano's mode that checks for NaN; without effect, with a warning."""

    def __init__(self, nan_is_error: bool = True, inf_is_error: bool = True, **settings: Any):
        super().__init__("nanguard")
        note("theano: NanGuardMode is ignored; use jax.debug_nans")


def get_default_mode() -> Mode:
    """The mode."""
    return Mode("cvm", "fast_run")


get_mode = Mode


def asarray(a: Any, dtype: Any = None, order: Any = None) -> np.ndarray:
    """`theano._asarray`: an array of a dtype."""
    return np.asarray(a, None if dtype is None else dtype_of(dtype), order)


__all__ = ["OrderedDict", "defaultdict"]
