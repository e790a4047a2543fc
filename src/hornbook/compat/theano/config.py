"""`theano.config`: settings that programs read and write."""

from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

import jax

FLOATS = ("float16", "float32", "float64")


class Config(SimpleNamespace):
    """Settings by name. Only `floatX` has an effect; the others are stored.

    `floatX` is float32 until the program sets it. Until then, float64 values (Theano's default) are
    downcast silently.

    Attributes:
        floatX: dtype of `T.matrix()` and of Python floats.
        floatX_is_set: whether the program has set it.
    """

    def __init__(self):
        super().__init__(
            _floatX="float32",
            floatX_is_set=False,
            allow_gc=True,
            blas=SimpleNamespace(ldflags=""),
            base_compiledir="",
            cast_policy="custom",
            compiledir="",
            compute_test_value="off",
            cxx="",
            device="cpu",
            dnn=SimpleNamespace(enabled="False"),
            exception_verbosity="low",
            experimental=SimpleNamespace(unpickle_gpu_on_cpu=False),
            gcc=SimpleNamespace(cxxflags=""),
            int_division="int",
            lib=SimpleNamespace(cnmem=0),
            linker="cvm",
            mode="Mode",
            nvcc=SimpleNamespace(fastmath=False, flags=""),
            on_unused_input="raise",
            openmp=False,
            optimizer="fast_run",
            profile=False,
            profile_memory=False,
            scan=SimpleNamespace(allow_gc=False, allow_output_prealloc=True),
            traceback=SimpleNamespace(limit=8),
            warn=SimpleNamespace(subtensor_merge_bug=False),
            warn_float64="ignore",
        )

    @property
    def floatX(self) -> str:
        """Dtype of `T.matrix()` and the like, and of Python floats."""
        return self._floatX

    @floatX.setter
    def floatX(self, value: str) -> None:
        if value not in FLOATS:
            raise ValueError(f"theano.config.floatX is one of {FLOATS}, not {value!r}")
        self._floatX, self.floatX_is_set = value, True


config = Config()


def wide() -> AbstractContextManager[Any]:
    """A context with 64-bit dtypes enabled; hornbook's own code runs outside it."""
    return jax.enable_x64(True)
