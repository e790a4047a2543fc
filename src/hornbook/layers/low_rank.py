"""Layers whose kernel can take another form: low-rank adaptation (LoRA), a frozen kernel plus the
product of two small trained matrices, and fewer bits (`quantized.py`)."""

from functools import partial
from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook.core.config import serialize
from hornbook.core.module import derived
from hornbook.core.variable import Variable
from hornbook.layers import quantized
from hornbook.layers.arguments import positive
from hornbook.layers.base import Layer
from hornbook.layers.quantized import Kernel


class Adaptable(Layer):
    """A layer whose kernel reads as `kernel + alpha / rank * A @ B` once it is adapted, and as a
    `Stored` once it is quantized.

    A class names its kernel: `class Dense(Adaptable, adapts="kernel")`.

    Args:
        lora_rank: if given, the kernel is adapted with this rank when the layer is built.
        lora_alpha: `A @ B` is scaled by `lora_alpha / lora_rank`; default the rank.
        quantization_config: settings of `quantize`; files have them.
    """

    _adapts: str
    lora_rank: Any
    lora_alpha: Any
    quantization_config: Any

    def __init_subclass__(cls, adapts: str | None = None, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if adapts is not None:
            cls._adapts = adapts
        for name in {*quantized.KERNELS.get(cls.__name__, ()), cls._adapts}:
            setattr(cls, name, derived(partial(_read, name=name)))  # hidden by a usual kernel

    def __init__(
        self,
        *,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.quantization_config = quantization_config
        self._forms: dict[str, tuple] = {}  # shapes of the kernels that are quantized
        self.lora_rank = None if lora_rank is None else positive("lora_rank", lora_rank, self)
        self.lora_alpha = lora_rank if lora_alpha is None else lora_alpha
        self.lora_enabled = False

    def add_weight(self, shape: tuple | None = None, *args: Any, **kwargs: Any) -> Variable:
        """As in `Layer`; a kernel is created as integers if the layer's policy says so."""
        name = kwargs.get("name", "")
        integers = self.quantization_mode in ("int8", "int4") and name not in self._forms
        if integers and shape is not None and name in quantized.kernels(self):
            self._forms[name] = shape
            return super().add_weight(**Kernel(self, name, shape).values(), name=name)
        return super().add_weight(shape, *args, **kwargs)

    def quantize(self, mode: Any = None, type_check: bool = True, config: Any = None) -> None:
        """Store the kernel in fewer bits; see `Model.quantize`.

        Args:
            mode: `"int8"`, `"int4"` or `"float8"`.
            type_check: whether to refuse subclasses, whose `call` may need the kernel as an array.
            config: settings, in place of a mode.

        Raises:
            NotImplementedError: for a layer without a quantized form.
            ValueError: if the layer is not built, or already quantized.

        Example:
            >>> layer = keras.layers.Dense(4)
            >>> layer.build((None, 8))
            >>> layer.quantize("int8")
            >>> layer.kernel.dtype.name, layer.kernel_scale.shape
            ('int8', (4,))
        """
        settings = quantized.settings(mode, config)
        if not quantized.can(self, type_check, settings.mode):
            super().quantize(mode, type_check, config)
        quantized.quantize(self, settings)

    def _after_build(self) -> None:
        if self.quantization_mode and quantized.kernels(self):
            if not quantized.can(self, False, "int8"):  # it has a `call` of its own
                super().quantize()
            quantized.complete(self)
        if self.lora_rank and not self.lora_enabled:
            self.enable_lora(self.lora_rank, lora_alpha=self.lora_alpha)

    def enable_lora(
        self,
        rank: int,
        lora_alpha: float | None = None,
        a_initializer: Any = "he_uniform",
        b_initializer: Any = "zeros",
    ) -> None:
        """Freeze the kernel and train two small matrices whose product is added to it.

        Call `compile` afterwards. Saved files hold the sum as the kernel.

        Args:
            rank: rank of the product, the inner size of the two matrices.
            lora_alpha: the product is multiplied by `lora_alpha / rank`; default the rank.
            a_initializer: initial values of `lora_kernel_a`, `(*kernel.shape[:-1], rank)`.
            b_initializer: initial values of `lora_kernel_b`, `(rank, kernel.shape[-1])`.

        Raises:
            ValueError: if the layer is not built, already adapted, or has a kernel constraint.

        Example:
            >>> layer = keras.layers.Dense(4)
            >>> layer.build((None, 8))
            >>> layer.enable_lora(2)
            >>> [weight.name for weight in layer.trainable_weights]
            ['bias', 'lora_kernel_a', 'lora_kernel_b']
        """
        name = self._adapts
        who = f"layer {self.name!r} ({type(self).__name__})"
        if getattr(self, f"{name}_constraint") is not None:
            raise ValueError(
                f"{who} has a {name}_constraint, which cannot be applied to a sum of matrices: "
                "enable_lora needs a layer without one"
            )
        if not self.built:
            raise ValueError(f"{who} is not built: enable_lora needs its {name}")
        if self.lora_enabled:
            raise ValueError(f"{who} is already adapted, with rank {self.lora_rank}")
        if self.quantization_mode == "float8":
            raise ValueError(f"{who} computes in float8, which enable_lora does not support")
        rank = positive("rank", rank, self)
        kernel = quantized.hide(self, name)
        shape = self._forms.get(name, kernel.shape)
        shapes = {"a": (*shape[:-1], rank), "b": (rank, shape[-1])}
        for part, first in (("a", a_initializer), ("b", b_initializer)):
            matrix = quantized.add_beside(
                self,
                name,
                f"lora_{name}_{part}",
                shape=shapes[part],
                initializer=first,
                dtype="float32",
                regularizer=getattr(self, f"{name}_regularizer"),
            )
            setattr(self, matrix.name, matrix)
        kernel.trainable = False
        self.lora_enabled = True
        self.lora_rank = rank
        self.lora_alpha = rank if lora_alpha is None else lora_alpha

    def _matrices(self) -> list[Variable]:
        return [getattr(self, f"lora_{self._adapts}_{part}") for part in "ab"]

    def _own_weights(self) -> list[Variable]:
        weights = super()._own_weights()
        if self.lora_enabled:
            left_out = {id(matrix) for matrix in self._matrices()}
            weights = [variable for variable in weights if id(variable) not in left_out]
        return quantized.in_file_order(self, weights) if self._forms else weights

    def save_own_variables(self, store: dict) -> None:
        """As in `Layer`; an adapted kernel is saved as the sum."""
        super().save_own_variables(store)
        if self.lora_enabled:
            name = self._adapts
            merged = {name: _sum(self).astype(getattr(self, f"_{name}").dtype)}
            if self._forms:
                kernel = Kernel(self, name, self._forms[name])
                merged = kernel.quantized(kernel.read(None).floats() + _product(self))
            for number, variable in enumerate(self._own_weights()):
                store[str(number)] = merged.get(variable.name, store[str(number)])

    def load_own_variables(self, store: dict) -> None:
        """As in `Layer`; the low-rank term of an adapted kernel is reset to 0."""
        super().load_own_variables(store)
        if self.lora_enabled:
            _, b = self._matrices()
            b.assign(jnp.zeros(b.shape))

    def get_config(self) -> dict:
        """As in `Layer`, with the rank if the layer is adapted."""
        config = super().get_config()
        if self.lora_rank:
            config |= {"lora_rank": self.lora_rank, "lora_alpha": self.lora_alpha}
        if self.quantization_config is not None:
            config["quantization_config"] = serialize(self.quantization_config)
        return config


def _product(layer: Adaptable) -> Array:
    a, b = (matrix.raw for matrix in layer._matrices())
    return layer.lora_alpha / layer.lora_rank * (a @ b)


def _sum(layer: Adaptable) -> Array:
    return getattr(layer, f"_{layer._adapts}").raw + _product(layer)


def _read(layer: Adaptable, name: str) -> Any:
    """The kernel in the form for formulas: a sum in the compute dtype, or a `Stored`."""
    if f"_{name}" not in vars(layer):
        raise AttributeError(f"layer {layer.name!r} has no {name} before it is built")
    adapted = layer.lora_enabled and name == layer._adapts
    if not layer._forms:
        return _sum(layer).astype(layer.compute_dtype)
    delta = None
    if adapted:
        a, b = (matrix.raw for matrix in layer._matrices())
        delta = a, layer.lora_alpha / layer.lora_rank * b
    return Kernel(layer, name, layer._forms[name]).read(delta)
