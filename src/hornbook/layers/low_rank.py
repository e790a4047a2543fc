"""Low-rank adaptation (LoRA): a frozen kernel plus the product of two small trained matrices."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook.core.module import derived
from hornbook.core.variable import Variable
from hornbook.layers.arguments import positive
from hornbook.layers.base import Layer


class Adaptable(Layer):
    """A layer whose kernel reads as `kernel + alpha / rank * A @ B` once it is adapted.

    A class names its kernel: `class Dense(Adaptable, adapts="kernel")`.

    Args:
        lora_rank: if given, the kernel is adapted with this rank when the layer is built.
        lora_alpha: `A @ B` is scaled by `lora_alpha / lora_rank`; default the rank.
    """

    _adapts: str
    lora_rank: Any
    lora_alpha: Any

    def __init_subclass__(cls, adapts: str | None = None, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if adapts is not None:
            cls._adapts = adapts
            setattr(cls, adapts, derived(_adapted))  # hidden by the layer's variable until adapted

    def __init__(
        self, *, lora_rank: int | None = None, lora_alpha: float | None = None, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.lora_rank = None if lora_rank is None else positive("lora_rank", lora_rank, self)
        self.lora_alpha = lora_rank if lora_alpha is None else lora_alpha
        self.lora_enabled = False

    def _after_build(self) -> None:
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
        rank = positive("rank", rank, self)
        kernel = vars(self)[name]
        regularizer = getattr(self, f"{name}_regularizer")
        shapes = {"a": (*kernel.shape[:-1], rank), "b": (rank, kernel.shape[-1])}
        for part, first in (("a", a_initializer), ("b", b_initializer)):
            matrix = self.add_weight(
                shapes[part],
                first,
                dtype="float32",
                regularizer=regularizer,
                name=f"lora_{name}_{part}",
            )
            matrix.path = "/".join((*kernel.path.split("/")[:-1], matrix.name))
            setattr(self, matrix.name, matrix)
        kernel.trainable = False
        setattr(self, f"_{name}", kernel)
        delattr(self, name)
        self.lora_enabled = True
        self.lora_rank = rank
        self.lora_alpha = rank if lora_alpha is None else lora_alpha

    def _matrices(self) -> list[Variable]:
        return [getattr(self, f"lora_{self._adapts}_{part}") for part in "ab"]

    def _own_weights(self) -> list[Variable]:
        weights = super()._own_weights()
        if not self.lora_enabled:
            return weights
        left_out = self._matrices()
        return [v for v in weights if not any(v is matrix for matrix in left_out)]

    def save_own_variables(self, store: dict) -> None:
        """As in `Layer`; an adapted kernel is saved as the sum."""
        super().save_own_variables(store)
        if self.lora_enabled:
            kernel = getattr(self, f"_{self._adapts}")
            number = next(n for n, v in enumerate(self._own_weights()) if v is kernel)
            store[str(number)] = _sum(self).astype(kernel.dtype)

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
        return config


def _sum(layer: Adaptable) -> Array:
    kernel = getattr(layer, f"_{layer._adapts}")
    a, b = (matrix.raw for matrix in layer._matrices())
    return kernel.raw + layer.lora_alpha / layer.lora_rank * (a @ b)


def _adapted(layer: Adaptable) -> Array:
    """The adapted kernel in the compute dtype."""
    if not layer.lora_enabled:
        raise AttributeError(f"layer {layer.name!r} has no {layer._adapts} before it is built")
    return _sum(layer).astype(layer.compute_dtype)
