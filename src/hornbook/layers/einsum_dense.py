"""EinsumDense: a dense layer over the axes that an einsum equation names."""

import copy
import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook import activations, constraints, initializers, regularizers
from hornbook.activations import linear
from hornbook.core.variable import unwrap
from hornbook.formulas import matmul
from hornbook.initializers import VarianceScaling
from hornbook.layers.low_rank import Adaptable
from hornbook.quantizers.stored import Stored

FORMS = "'[X],[Y]->[Z]', '...[X],[Y]->...[Z]' or '[X]...,[Y]->[Z]...', each one or more letters"


class EinsumDense(Adaptable, adapts="kernel"):
    """A dense layer with an einsum: `activation(einsum(equation, x, kernel) + bias)`.

    Args:
        equation: axes of input, kernel and output, such as `"abc,cde->abde"`.
        output_shape: shape of the output without the batch; `None` for sizes of the input.
        activation: a name or a function.
        bias_axes: the output axes of the bias, such as `"de"`; `None` for no bias.
        kernel_initializer, bias_initializer: initial values.
        kernel_regularizer, bias_regularizer: add a penalty to the loss.
        kernel_constraint, bias_constraint: applied after each update.

    Raises:
        ValueError: if the equation and the shapes do not match.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.EinsumDense("abc,cd->abd", output_shape=(None, 64), bias_axes="d")
        >>> layer(np.ones((2, 32, 128))).shape
        (2, 32, 64)
    """

    def __init__(
        self,
        equation: str,
        output_shape: Any,
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.equation = equation
        several = isinstance(output_shape, list | tuple)
        self.partial_output_shape = tuple(output_shape) if several else (output_shape,)
        self.activation: Callable | None = activations.get(activation)
        self.bias_axes = bias_axes
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: tuple) -> None:
        kernel_shape, bias_shape = weight_shapes(
            self.equation, self.bias_axes, input_shape, self.partial_output_shape, self.name
        )
        self.kernel = self.add_weight(
            kernel_shape,
            with_axes(self.kernel_initializer, self.equation),
            name="kernel",
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if bias_shape is not None:
            self.bias = self.add_weight(
                bias_shape,
                self.bias_initializer,
                name="bias",
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def call(self, inputs: Array) -> Array:
        x = einsum_product(self.equation, inputs, unwrap(self.kernel))
        if self.bias is not None:
            x = x + self.bias.value
        return (self.activation or linear)(x)


def with_axes(initializer: Any, equation: str) -> Any:
    """An initializer whose fan-in and fan-out follow the equation."""
    known = isinstance(initializer, VarianceScaling)
    if not known or None not in (initializer.input_axes, initializer.output_axes):
        return initializer
    _, kernel, out = parts(equation)
    made = copy.copy(initializer)
    made.input_axes = [axis for axis, letter in enumerate(kernel) if letter not in out]
    made.output_axes = [axis for axis, letter in enumerate(kernel) if letter in out]
    return made


def einsum_product(equation: str, x: Array, kernel: Array | Stored) -> Array:
    """`einsum(equation, x, kernel)`, as one matrix product where the axis order allows it."""
    if isinstance(kernel, Stored):
        return kernel.einsum(equation, x)
    of_x, of_kernel, out = parts(equation)
    bound = [letter for letter in of_kernel if letter in of_x]
    new = of_kernel[len(bound) :]
    free = of_x.removesuffix("".join(bound))
    in_order = of_x == free + "".join(bound) and of_kernel == "".join(bound) + new
    if not bound or not new or not in_order or out != free + new:
        return jnp.einsum(equation, x, kernel)
    size, units = (math.prod(n) for n in (kernel.shape[: len(bound)], kernel.shape[len(bound) :]))
    rows = x.reshape(*x.shape[: x.ndim - len(bound)], size)
    y = matmul(rows, kernel.reshape(size, units))
    return y.reshape(*y.shape[:-1], *kernel.shape[len(bound) :])


def weight_shapes(
    equation: str, bias_axes: str | None, input_shape: tuple, output_shape: tuple, name: str
) -> tuple[tuple, tuple | None]:
    """Shapes of kernel and bias.

    Args:
        equation, bias_axes: as in `EinsumDense`.
        input_shape: with the batch.
        output_shape: without the batch; `None` for sizes of the input.
        name: the layer's, for messages.
    """
    who = f"layer {name!r} (EinsumDense) with the equation {equation!r}"
    x, kernel, out = parts(equation)
    left, right = x.startswith("..."), x.endswith("...")
    x, out = x.strip("."), out.strip(".")
    more = len(input_shape) - len(x)
    if more < 0 or (more and not (left or right)):
        raise ValueError(f"{who} does not fit an input of {len(input_shape)} axes: {input_shape}")
    sizes = dict(zip(x, input_shape[more:] if left else input_shape))
    wanted = dict(zip(reversed(out), reversed(output_shape)))
    if not left:
        wanted = dict(zip(out[1:], output_shape))
    for letter, size in wanted.items():
        if size is not None and sizes.setdefault(letter, size) not in (size, None):
            raise ValueError(
                f"{who}: axis {letter!r} has size {sizes[letter]} in the input {input_shape} and "
                f"{size} in output_shape {output_shape}"
            )
    unknown = [letter for letter in kernel if sizes.get(letter) is None]
    if unknown:
        raise ValueError(
            f"{who}: the size of axis {unknown[0]!r} of its kernel is not known from the input "
            f"{input_shape} or from output_shape {output_shape}"
        )
    kernel_shape = tuple(sizes[letter] for letter in kernel)
    if bias_axes is None:
        return kernel_shape, None
    if not bias_axes or set(bias_axes) - set(out):
        raise ValueError(f"{who}: bias_axes {bias_axes!r} are not among the output axes {out!r}")
    rest = out[min(out.index(letter) for letter in bias_axes) :]
    bias_shape = [sizes[letter] if letter in bias_axes else 1 for letter in rest]
    return kernel_shape, (*bias_shape, *(1,) * (more if right else 0))


def parts(equation: str) -> tuple[str, str, str]:
    """The axes of input, kernel and output.

    Raises:
        ValueError: if it is not an equation of two arrays, or has dots on one side only.
    """
    inputs, arrow, out = equation.replace(" ", "").partition("->")
    x, comma, kernel = inputs.partition(",")
    dots = [(part[:3] == "...", part[-3:] == "...") for part in (x, out)]
    letters = x.strip(".") + kernel + out.strip(".")
    if not arrow or not comma or not letters.isalpha() or dots[0] != dots[1] or all(dots[0]):
        raise ValueError(f"the equation {equation!r} has none of the forms {FORMS}")
    return x, kernel, out
