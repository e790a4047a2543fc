"""Layers that merge inputs: sums, products, extremes, concatenation, dot products."""

import functools
import math
import operator
from typing import Any

import jax.numpy as jnp
from jax import Array

from hornbook.core.settings import epsilon
from hornbook.kernels.row_dots import row_dots
from hornbook.layers.arguments import WHOLE
from hornbook.layers.base import Layer
from hornbook.layers.normalization.statistics import unit

NOT_A_LIST = """layer {!r} ({}) takes a list of inputs, not one.
Wrong:  Add()(x)        Add()(x, y)
Right:  Add()([x, y])"""


class Merge(Layer):
    """Base of layers that combine inputs element by element.

    Inputs with fewer axes get axes of size 1 after the batch axis; axes of size 1 broadcast.
    """

    least: int = 1
    most: int | None = None

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)

    def call(self, inputs: list[Array], mask: Any = None) -> Array:
        self._check([x.shape for x in inputs] if isinstance(inputs, list | tuple) else None)
        ndim = max(x.ndim for x in inputs)
        aligned = [jnp.expand_dims(x, tuple(range(1, 1 + ndim - x.ndim))) for x in inputs]
        return self._merge(aligned, mask if mask is not None else [None] * len(inputs))

    def _merge(self, inputs: list[Array], masks: list) -> Array:
        raise NotImplementedError

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None or any(one is None for one in mask):
            return None
        return functools.reduce(jnp.logical_or, mask)

    def _check(self, shapes: Any) -> None:
        """Raise a `ValueError` unless inputs of these shapes can be merged."""
        if not isinstance(shapes, list | tuple) or not all(
            isinstance(shape, list | tuple) for shape in shapes
        ):
            raise ValueError(NOT_A_LIST.format(self.name, type(self).__name__))
        if len(shapes) < self.least or (self.most and len(shapes) > self.most):
            wanted = f"exactly {self.most}" if self.most else f"at least {self.least}"
            raise ValueError(
                f"layer {self.name!r} ({type(self).__name__}) takes {wanted} inputs, not "
                f"{len(shapes)}"
            )
        self._check_sizes([tuple(shape) for shape in shapes])

    def _check_sizes(self, shapes: list[tuple]) -> None:
        batches = {shape[0] for shape in shapes if shape} - {None}
        ndim = max(map(len, shapes))
        aligned = [(*s[:1], *(1,) * (ndim - len(s)), *s[1:]) for s in shapes]
        sizes = [{s[axis] for s in aligned} - {1, None} for axis in range(1, ndim)]
        if len(batches) > 1 or any(len(found) > 1 for found in sizes):
            raise ValueError(
                f"layer {self.name!r} ({type(self).__name__}) works element by element; the shapes "
                f"of its inputs do not match: {', '.join(map(str, shapes))}"
            )


class Add(Merge):
    """The sum of its inputs.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Add()([np.array([[1.0]]), np.array([[2.0]])]).tolist()
        [[3.0]]
    """

    ignores_masked_steps = True

    def _merge(self, inputs: list[Array], masks: list) -> Array:
        return functools.reduce(operator.add, inputs)


class Subtract(Merge):
    """The first of two inputs minus the second.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Subtract()([np.array([[1.0]]), np.array([[2.0]])]).tolist()
        [[-1.0]]
    """

    ignores_masked_steps = True

    least = most = 2

    def _merge(self, inputs: list[Array], masks: list) -> Array:
        return inputs[0] - inputs[1]


class Average(Merge):
    """The mean of its inputs.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Average()([np.array([[1.0]]), np.array([[2.0]])]).tolist()
        [[1.5]]
    """

    ignores_masked_steps = True

    def _merge(self, inputs: list[Array], masks: list) -> Array:
        return functools.reduce(operator.add, inputs) / len(inputs)


class Multiply(Merge):
    """The product of its inputs; masked steps count as 1, or as 0 where all inputs are masked.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Multiply()([np.array([[3.0]]), np.array([[2.0]])]).tolist()
        [[6.0]]
    """

    ignores_masked_steps = True

    def _merge(self, inputs: list[Array], masks: list) -> Array:
        factors = [x if m is None else jnp.where(m[..., None], x, 1) for x, m in zip(inputs, masks)]
        product = functools.reduce(operator.mul, factors)
        mask = self.compute_mask(inputs, masks)
        return product if mask is None else jnp.where(mask[..., None], product, 0)


class _Extreme(Merge):
    """The extreme over the inputs that are not masked at a step."""

    def _merge(self, inputs: list[Array], masks: list) -> Array:
        merged, seen = inputs[0], masks[0]
        for x, mask in zip(inputs[1:], masks[1:]):
            if mask is not None:
                x = jnp.where(mask[..., None], x, merged)
            if seen is not None:
                merged = jnp.where(seen[..., None], merged, x)
            seen = None if mask is None or seen is None else seen | mask
            merged = self._extreme(merged, x)
        return merged

    def _extreme(self, x: Array, y: Array) -> Array:
        raise NotImplementedError


class Maximum(_Extreme):
    """The elementwise maximum of its inputs.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Maximum()([np.array([[3.0]]), np.array([[2.0]])]).tolist()
        [[3.0]]
    """

    ignores_masked_steps = True

    def _extreme(self, x: Array, y: Array) -> Array:
        return jnp.maximum(x, y)


class Minimum(_Extreme):
    """The elementwise minimum of its inputs.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Minimum()([np.array([[3.0]]), np.array([[2.0]])]).tolist()
        [[2.0]]
    """

    ignores_masked_steps = True

    def _extreme(self, x: Array, y: Array) -> Array:
        return jnp.minimum(x, y)


class Concatenate(Merge):
    """Concatenates its inputs along an axis.

    Args:
        axis: the axis; the sizes of all others must be equal.

    Raises:
        ValueError: if the shapes do not match; the message lists them.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Concatenate()([np.ones((2, 3)), np.ones((2, 1))]).shape
        (2, 4)
    """

    def __init__(self, axis: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis

    @property
    def ignores_masked_steps(self) -> bool:
        """Whether it concatenates features."""
        return self.axis == -1

    def call(self, inputs: list[Array], mask: Any = None) -> Array:
        self._check([x.shape for x in inputs] if isinstance(inputs, list | tuple) else None)
        return jnp.concatenate(inputs, axis=self.axis)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None or all(one is None for one in mask):
            return None
        masks = [_as_wide(one, x) for one, x in zip(mask, inputs)]
        return jnp.any(jnp.concatenate(masks, axis=self.axis), axis=-1)

    def _check_sizes(self, shapes: list[tuple]) -> None:
        ndims = {len(shape) for shape in shapes}
        ndim = max(ndims)
        bad_axis = not -ndim <= self.axis < ndim
        others = [axis for axis in range(ndim) if bad_axis or axis != self.axis % ndim]
        if (
            len(ndims) > 1
            or bad_axis
            or any(len({s[a] for s in shapes} - {None}) > 1 for a in others)
        ):
            raise ValueError(
                f"layer {self.name!r} (Concatenate) joins its inputs along axis {self.axis}; their "
                f"shapes must be equal except on that axis: {', '.join(map(str, shapes))}"
            )


def _as_wide(mask: Any, x: Array) -> Array:
    if mask is None:
        return jnp.ones(x.shape, bool)
    return jnp.broadcast_to(mask[..., None], x.shape) if mask.ndim < x.ndim else mask


class Dot(Merge):
    """The dot product of two inputs along an axis of each, sample by sample.

    `(batch, a, k)` and `(batch, k, b)` along `(2, 1)` give `(batch, a, b)`; two inputs
    `(batch, k)` along 1 give `(batch, 1)`.

    Args:
        axes: the axis to sum over, or one for each input.
        normalize: whether to scale the vectors to unit length first, which gives their cosine
            similarity.

    Raises:
        ValueError: if the sizes along the axes differ, or an axis is the batch.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.Dot(axes=1)([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])]).tolist()
        [[11.0]]
    """

    least = most = 2

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        pair = (axes,) if isinstance(axes, WHOLE) else axes
        if not isinstance(pair, list | tuple) or not all(isinstance(axis, WHOLE) for axis in pair):
            raise TypeError(f"axes of a Dot must be one integer or two, not {axes!r}")
        if not isinstance(axes, WHOLE) and len(axes) != 2:
            raise ValueError(f"axes of a Dot must be one integer or two, not {axes!r}")
        self.axes = int(axes) if isinstance(axes, WHOLE) else tuple(map(int, axes))
        self.normalize = normalize

    def call(self, inputs: list[Array], mask: Any = None) -> Array:
        self._check([x.shape for x in inputs] if isinstance(inputs, list | tuple) else None)
        x, y = inputs
        first, second = self._axes(x.ndim, y.ndim)
        if self.normalize:
            x, y = unit(x, first, epsilon()), unit(y, second, epsilon())
        return batch_dot(x, y, (first, second))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None

    def _axes(self, first_ndim: int, second_ndim: int) -> tuple[int, int]:
        first, second = (self.axes,) * 2 if isinstance(self.axes, int) else self.axes
        return first % first_ndim, second % second_ndim

    def _check_sizes(self, shapes: list[tuple]) -> None:
        x, y = shapes
        first, second = self._axes(len(x), len(y))
        wrong = min(len(x), len(y)) < 2 or 0 in (first, second)
        if wrong or None not in (x[first], y[second]) and x[first] != y[second]:
            raise ValueError(
                f"layer {self.name!r} (Dot) sums over axis {first} of {x} and axis {second} of "
                f"{y}: these must have equal sizes, and neither may be the batch (axis 0)"
            )
        if len({x[0], y[0]} - {None}) > 1:
            raise ValueError(f"layer {self.name!r} (Dot) got batches of different sizes: {x}, {y}")


def batch_dot(x: Array, y: Array, axes: tuple[int, int]) -> Array:
    """`sum over k of x[n, ..k.., a] * y[n, ..k.., b]`, for each sample n.

    Args:
        x, y: arrays with the same batch size.
        axes: the axis of each to sum over; not 0.

    Returns:
        `(batch, x's other axes, y's other axes)`; at least two axes.
    """
    first, second = axes
    letters = iter("abcdefghijklmopqrstuvwxyz")
    of_x = ["n", *(next(letters) for _ in range(x.ndim - 1))]
    of_y = ["n", *(next(letters) for _ in range(y.ndim - 1))]
    of_y[second] = of_x[first]
    out = [name for name in of_x if name != of_x[first]]
    out += [name for name in of_y[1:] if name != of_x[first]]
    sizes = math.prod(x.shape[1:]), math.prod(y.shape[1:])
    if sizes[0] == sizes[1] == x.shape[first] > 0:  # one vector per sample
        dtype = jnp.promote_types(x.dtype, y.dtype)
        vectors = (a.reshape(len(a), x.shape[first]).astype(dtype) for a in (x, y))
        result = row_dots(*vectors).reshape(len(x), *[1] * (len(out) - 1))
    else:
        result = jnp.einsum(f"{''.join(of_x)},{''.join(of_y)}->{''.join(out)}", x, y)
    return result if result.ndim > 1 else result[:, None]


def add(inputs: list, **kwargs: Any) -> Any:
    """The sum of the inputs: `Add(**kwargs)(inputs)`."""
    return Add(**kwargs)(inputs)


def subtract(inputs: list, **kwargs: Any) -> Any:
    """The first input minus the second: `Subtract(**kwargs)(inputs)`."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: list, **kwargs: Any) -> Any:
    """The product of the inputs: `Multiply(**kwargs)(inputs)`."""
    return Multiply(**kwargs)(inputs)


def average(inputs: list, **kwargs: Any) -> Any:
    """The mean of the inputs: `Average(**kwargs)(inputs)`."""
    return Average(**kwargs)(inputs)


def maximum(inputs: list, **kwargs: Any) -> Any:
    """The elementwise maximum of the inputs: `Maximum(**kwargs)(inputs)`."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: list, **kwargs: Any) -> Any:
    """The elementwise minimum of the inputs: `Minimum(**kwargs)(inputs)`."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: list, axis: int = -1, **kwargs: Any) -> Any:
    """The concatenation of the inputs: `Concatenate(axis, **kwargs)(inputs)`."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: list, axes: Any = -1, **kwargs: Any) -> Any:
    """The dot product of two inputs: `Dot(axes, **kwargs)(inputs)`."""
    return Dot(axes=axes, **kwargs)(inputs)
