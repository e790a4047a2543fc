"""Kernels that are not arrays: what the formulas of layers multiply with after `quantize`.

`formulas.matmul`, `einsum_product` and `looked_up` take one in place of a matrix. A layer's `call`
does not know the difference.
"""

import functools
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.core.symbolic import Operators
from hornbook.quantizers import float8
from hornbook.quantizers.integers import unpack_int4


def static(**options: Any) -> Any:
    """A field that is part of compiled code."""
    return field(metadata={"static": True}, **options)


class Stored(Operators):
    """A kernel in another form than an array, usually with less memory."""

    flipped: bool
    delta: tuple[Array, Array] | None  # added to the kernel: a product of two matrices

    @property
    def T(self) -> Any:
        """The transposed matrix."""
        return replace(self, flipped=not self.flipped)  # type: ignore[type-var]

    def astype(self, dtype: Any) -> "Stored":
        """Itself: a product has the compute dtype of the layer."""
        return self

    def einsum(self, equation: str, x: Array) -> Array:
        """`einsum(equation, x, kernel)` in the compute dtype.

        Args:
            equation: see `EinsumDense`.
            x: floats.
        """
        inputs, kernel, out = expanded(equation, x.ndim)
        equation = f"{inputs},{kernel[::-1] if self.flipped else kernel}->{out}"
        y = self._einsum(equation, x)
        if self.delta is not None:
            a, b = self.delta
            y = y + jnp.einsum(equation, x, (a @ b).astype(x.dtype)).astype(y.dtype)
        return y

    def _einsum(self, equation: str, x: Array) -> Array:
        raise NotImplementedError(f"{type(self).__name__} must define `_einsum`")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the kernel."""
        return self.value.shape

    @property
    def dtype(self) -> Any:
        """The dtype of its values."""
        return self.value.dtype

    def __jax_array__(self) -> Array:
        return self.value

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.value.__array__(dtype)


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Integers(Stored):
    """A kernel `values / scale`, or `(values - zero) * scale` in blocks.

    The values are a matrix, one scale for each column (`axis` 0) or row (`axis` -1), or have the
    kernel's shape, with a scale of as many axes.
    """

    values: Array  # int8, or pairs of 4-bit integers
    scale: Array
    zero: Any = None
    blocks: Any = None  # the block of each index of `axis`
    delta: tuple[Array, Array] | None = None
    packed: tuple[int, int] | None = static(default=None)  # axis of the pairs, its size before
    axis: int = static(default=0)
    form: tuple[int, ...] | None = static(default=None)  # of the kernel, if the matrix has another
    quantizer: Any = static(default=None)  # of inputs
    compute: str = static(default="float32")
    flipped: bool = static(default=False)

    @property
    def value(self) -> Array:
        """The integers, in the kernel's shape."""
        whole = self._unpacked()
        return whole if self.form is None else whole.reshape(self.form)

    def _unpacked(self) -> Array:
        if self.packed is None:
            return self.values
        axis, size = self.packed
        return unpack_int4(self.values, size, axis)

    def _scale(self) -> Array:
        """The scale with the axes of the integers."""
        whole = self.scale.ndim == self.values.ndim
        return self.scale if whole else jnp.expand_dims(self.scale, self.axis)

    def floats(self) -> Array:
        """The kernel as floats, without `delta`."""
        whole = self._unpacked().astype(self.compute)
        if self.blocks is None:
            found = whole / self._scale()
        else:
            of = self.blocks.astype("int32")
            zero, scale = (jnp.take(each, of, self.axis) for each in (self.zero, self.scale))
            found = (whole - zero.astype(scale.dtype)) * scale
        found = found.astype(self.compute)
        return found if self.form is None else found.reshape(self.form)

    def rows(self, ids: Array) -> Array:
        """The rows of a table, as floats; only they are unpacked."""
        known = (ids >= 0) & (ids < self.values.shape[0])
        given = {"values": self.values, "scale": self.scale, "zero": self.zero}
        found: dict[str, Any] = {
            k: v if v is None else jnp.take(v, ids, 0, mode="clip") for k, v in given.items()
        }
        rows = replace(self, **found).floats()
        if self.delta is not None:
            a, b = self.delta
            rows = rows + (jnp.take(a, ids, 0, mode="clip") @ b).astype(rows.dtype)
        return jnp.where(known[..., None], rows, jnp.nan)

    def _einsum(self, equation: str, x: Array) -> Array:
        return _product(equation, x, replace(self, delta=None))


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def _product(equation: str, x: Array, kernel: Integers) -> Array:
    """The product; with a quantizer of inputs, that of their integers."""
    if kernel.quantizer is None:
        return jnp.einsum(equation, x, kernel.floats())
    inputs, letters, out = expanded(equation, x.ndim)
    summed = tuple(axis for axis, letter in enumerate(inputs) if letter not in out)
    integers, scale = kernel.quantizer(x, axis=summed)
    scale = aligned(scale, inputs, out)
    if kernel.blocks is None and kernel.form is None:
        sums = jnp.einsum(equation, integers, kernel.value, preferred_element_type="int32")
        return sums.astype(kernel.compute) / (aligned(kernel._scale(), letters, out) * scale)
    return jnp.einsum(equation, integers.astype(kernel.compute), kernel.floats()) / scale


@_product.defjvp
def _(equation: str, primals: tuple, tangents: tuple) -> tuple[Array, Array]:
    """Rounding is left out of the gradient."""
    x, kernel = primals
    change = jnp.einsum(equation, tangents[0], kernel.floats())
    return _product(equation, x, kernel), change


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Floats8(Stored):
    """A kernel of usual floats whose products, and their gradients, are of 8-bit floats.

    Each pair is a scale and the largest values of the last steps. The gradient with respect to a
    pair is its next value.
    """

    kernel: Array
    of_inputs: tuple[Array, Array]
    of_kernel: tuple[Array, Array]
    of_gradients: tuple[Array, Array]
    delta: None = static(default=None)
    flipped: bool = static(default=False)

    @property
    def value(self) -> Array:
        """The kernel."""
        return self.kernel

    def _einsum(self, equation: str, x: Array) -> Array:
        kernel = _rounded(self.kernel, *self.of_kernel)
        y = jnp.einsum(equation, _rounded(x, *self.of_inputs), kernel)
        return _rounds_gradient(y, *self.of_gradients)


FORWARD, BACKWARD = "float8_e4m3fn", "float8_e5m2"


def _next(dtype: str, x: Array, scale: Array, history: Array) -> tuple[Array, Array]:
    """The scale and the history of the next step."""
    limit = float(jnp.finfo(dtype).max)
    scale = float8.compute_float8_scale(jnp.max(history, axis=0), scale, limit)
    return scale, float8.compute_float8_amax_history(x, history)


@jax.custom_vjp
def _rounded(x: Array, scale: Array, history: Array) -> Array:
    return float8.quantize_and_dequantize(x, scale, FORWARD, x.dtype)


_rounded.defvjp(
    lambda x, *state: (_rounded(x, *state), (x, *state)),
    lambda kept, upstream: (upstream, *_next(FORWARD, *kept)),
)


@jax.custom_vjp
def _rounds_gradient(y: Array, scale: Array, history: Array) -> Array:
    return y


_rounds_gradient.defvjp(
    lambda y, *state: (y, state),
    lambda state, upstream: (
        float8.quantize_and_dequantize(upstream, state[0], BACKWARD, upstream.dtype),
        *_next(BACKWARD, upstream, *state),
    ),
)


def expanded(equation: str, rank: int) -> tuple[str, str, str]:
    """The letters of input, kernel and output, with one for each axis that `...` stands for.

    Example:
        >>> expanded("...a,ab->...b", 3)
        ('cda', 'ab', 'cdb')
    """
    inputs, _, rest = equation.replace(" ", "").partition(",")
    kernel, _, out = rest.partition("->")
    free = sorted(set("abcdefghijklmnopqrstuvwxyz") - set(equation))
    dots = "".join(free[: max(0, rank - len(inputs.replace("...", "")))])
    return inputs.replace("...", dots), kernel, out.replace("...", dots)


def aligned(array: Array, letters: str, out: str) -> Array:
    """An array with its axes in the order of `out`; those that it lacks have size 1.

    Args:
        array: its axes are `letters`; those that are not in `out` have size 1.
        letters: a letter for each axis.
        out: a letter for each axis of the result.

    Example:
        >>> aligned(jnp.ones((1, 5, 2)), "abc", "cdb").shape
        (2, 1, 5)
    """
    kept = [letter for letter in out if letter in letters]
    gone = [axis for axis, letter in enumerate(letters) if letter not in out]
    rest = [letter for letter in letters if letter in out]
    array = jnp.transpose(jnp.squeeze(array, gone), [rest.index(letter) for letter in kept])
    return jnp.expand_dims(
        array, [axis for axis, letter in enumerate(out) if letter not in letters]
    )
