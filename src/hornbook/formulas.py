"""The formulas of layers: a layer's `call` is one of these.

Operations that are faster fused are recognised here, by the table `TOGETHER` and by how an array
was computed, so layers need not check their activation or where their input comes from. Where no
rule applies, and inside `kernels.plain()`, a formula is the plain one.
"""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from hornbook import activations, ops
from hornbook.core import interop, placement
from hornbook.core.origins import Origins
from hornbook.kernels import activation as activation_kernels
from hornbook.kernels import conv as conv_kernels
from hornbook.kernels import (
    embedding,
    filled,
    in_one_call,
    in_one_function,
    normalization,
    recurrent,
    wants_plain,
)
from hornbook.kernels import product as product_kernels
from hornbook.kernels.recurrence import Masks
from hornbook.ops import image_affine
from hornbook.quantizers.stored import Stored

RELUS = (activations.relu, ops.relu, jax.nn.relu)
# Formula -> id of an activation -> the kernel that fuses it with the product and the bias. It makes
# one pass over the result instead of three, and returns `None` where that does not pay.
TOGETHER: dict[str, dict[int, Callable]] = {
    "dense": dict.fromkeys(map(id, RELUS), product_kernels.product_bias_relu)
    | {id(activations.gelu): activation_kernels.product_bias_gelu},
    "convolution": dict.fromkeys(map(id, RELUS), conv_kernels.conv_bias_relu),
}


def traced_once(function: Callable | None = None, *, static: tuple[str, ...] = ()) -> Callable:
    """Trace a formula once for all its calls with arrays of the same shapes and dtypes.

    A step that calls a layer of one size 50 times would otherwise trace it, differentiate it and
    convert it for XLA 50 times. XLA compiles the calls in place of the formula, as without this.
    Eager calls are not compiled.

    Args:
        function: a function of arrays that depends on its arguments only; if left out, a decorator
            is returned.
        static: names of arguments that are not arrays, passed by keyword.

    Example:
        >>> @traced_once
        ... def double(x):
        ...     print("traced")
        ...     return 2 * x
        >>> jax.jit(lambda x: double(double(x)))(1.0).item()
        traced
        4.0
    """
    if function is None:
        return functools.partial(traced_once, static=static)
    compiled = jax.jit(function, static_argnames=static)

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        arrays = [arg for arg in args if isinstance(arg, jax.Array)]
        traced = any(isinstance(array, jax.core.Tracer) for array in arrays)
        # a trace must not be used in another context
        usual = not wants_plain() and not in_one_function() and placement.current() is None
        return (compiled if traced and usual and filled(*arrays) else function)(*args, **options)

    return call


def dense(
    x: Array, kernel: Array | Stored, bias: Array | None, activation: Callable | None
) -> Array:
    """`activation(x kernel + bias)`.

    Args:
        x: `(..., features)`.
        kernel: `(features, units)`, an array or in the form that `quantize` gave it.
        bias: `(units,)` or `None`.
        activation: of arrays; `None` for none.
    """
    if isinstance(kernel, Stored):
        return _activated(activation, _biased_sums(kernel.einsum("...a,ab->...b", x), bias))
    # Others may be a user's, or note for a loss where their result comes from.
    if activation is None or id(activation) in TOGETHER["dense"]:
        return _dense(x, kernel, bias, activation)
    return activation(_dense(x, kernel, bias, None))


@functools.partial(in_one_call, static=("activation",))
def _dense(x: Array, kernel: Array, bias: Array | None, activation: Callable | None) -> Array:
    found = _together("dense", activation, x, kernel, bias)
    return _activated(activation, _biased_sums(matmul(x, kernel), bias)) if found is None else found


def convolution(
    x: Array,
    kernel: Array,
    bias: Array | None,
    activation: Callable | None,
    window: tuple[Sequence[int], Any, Sequence[int], int],
    data_format: str = "channels_last",
) -> Array:
    """`activation(sum over taps(x kernel) + bias)`.

    Args:
        x: `(batch, *spatial, channels)`, or `(batch, channels, *spatial)`.
        kernel: `(*taps, channels / groups, filters)`.
        bias: `(filters,)` or `None`.
        activation: of arrays in `data_format`; `None` for none.
        window: strides, padding, dilation and groups, see `kernels.conv.conv`.
        data_format: where the channels are.
    """
    first = data_format == "channels_first"
    x = jnp.moveaxis(x, 1, -1) if first else x
    found = _together("convolution", activation, x, kernel, bias, *window)
    out = found
    if found is None:
        out = _biased_sums(conv_kernels.conv(x, kernel, *window), bias)
    out = jnp.moveaxis(out, -1, 1) if first else out
    return _activated(activation, out) if found is None else out


_biased = Origins()  # a product or convolution with bias -> without it, the bias


def _together(formula: str, activation: Any, x: Array, kernel: Array, bias: Any, *window: Any):
    fused = TOGETHER[formula].get(id(activation))
    return None if fused is None or bias is None else fused(x, kernel, bias, *window)


def _biased_sums(sums: Array, bias: Array | None) -> Array:
    if bias is None:
        return sums
    out = sums + bias
    _biased.note(out, (sums, bias))
    return out


def _activated(activation: Callable | None, sums: Array) -> Array:
    return sums if activation is None else activation(sums)


@in_one_call
def matmul(x: Array, kernel: Array) -> Array:
    """`x @ kernel` over all but the last axis of `x` as one matrix of rows.

    Args:
        x: `(..., inputs)`.
        kernel: `(inputs, units)`.
    """
    dtype = jnp.promote_types(x.dtype, kernel.dtype)
    if dtype.itemsize < 4:
        return product_kernels.product(x, kernel)
    rows = product_kernels.dot(product_kernels.flat(x).astype(dtype), kernel.astype(dtype))
    return rows.reshape(*x.shape[:-1], kernel.shape[1])


# ---- rows of tables: if rows are looked up many times each, a row-wise operation is applied to the
# table before the lookup. For characters before an LSTM: 1.3 times as fast as multiplying each.


def looked_up(table: Any, ids: Array, dtype: Any) -> Array:
    """`table[ids]`, cast to a dtype.

    Args:
        table: `(rows, width)`, an array or in the form that `quantize` gave it, or the object that
            replaces it while a step is traced.
        ids: integers of any shape.
        dtype: dtype of the result, `ids.shape + (width,)`.
    """
    ids = ids.astype("int32")
    if isinstance(table, Stored):
        return table.rows(ids).astype(dtype)
    rows = embedding.lookup(table, ids).astype(dtype)
    if not isinstance(table, embedding.Rows) and table.dtype == dtype:
        embedding.lookups.note(rows, embedding.Lookup(table, ids))
    return rows


def scaled(x: Array, scale: Any, offset: Any, axis: int, dtype: Any) -> Array:
    """`x scale + offset` along an axis, computed in at least float32.

    Args:
        x: floating-point array.
        scale, offset: `(size of the axis,)` or numbers.
        axis: axis of `x`.
        dtype: dtype of the result.
    """
    result = _scaled(x, scale, offset, axis, dtype)
    note_scaled(result, x, scale, offset, axis, dtype)
    return result


def note_scaled(result: Array, x: Array, scale: Any, offset: Any, axis: int, dtype: Any) -> None:
    """Note that an array is the result of `scaled`, where it was computed without."""
    known = embedding.lookups.of(x)
    if known is not None and axis % x.ndim == x.ndim - 1:
        table = _scaled(known.table, scale, offset, -1, dtype)
        embedding.lookups.note(result, embedding.Lookup(table, known.ids))


def _scaled(x: Array, scale: Any, offset: Any, axis: int, dtype: Any) -> Array:
    shape = [1] * x.ndim
    shape[axis] = -1
    wide = x.astype(jnp.promote_types(x.dtype, "float32"))
    return (wide * jnp.reshape(scale, shape) + jnp.reshape(offset, shape)).astype(dtype)


def batch_norm(
    x: Array, scale: Any, offset: Any, axis: int, epsilon: float, dtype: Any
) -> tuple[Array, Array, Array] | None:
    """`scale (x - mean) / sqrt(variance + epsilon) + offset`, with moments over the other axes.

    Args:
        x: `(batch, features)`, or images `(batch, height, width, channels)`.
        scale, offset: `(size of the axis,)` or numbers.
        axis: axis of `x`.
        epsilon: added to the variance.
        dtype: dtype of the result.

    Returns:
        The result, mean and variance, the latter two without gradient; `None` if there is no
        kernel for such arrays.
    """
    last = x.ndim in (2, 4) and axis % x.ndim == x.ndim - 1
    if not last or dtype != "float32" or not normalization.sums_fast(x):
        return None
    if embedding.lookups.of(x) is not None:
        return None
    # The normalization subtracts a bias again, so its gradient is zero.
    x, bias = _biased.of(x) or (x, None)
    weights = (jnp.broadcast_to(jnp.asarray(w, dtype), x.shape[-1:]) for w in (scale, offset))
    out, mean, variance = _batch_norm(x, *weights, epsilon=epsilon)
    return out, mean if bias is None else mean + lax.stop_gradient(bias), variance


_batch_norm = traced_once(normalization.batch_norm, static=("epsilon",))


# ---- pictures: the matrices of consecutive affine maps are multiplied, to resample only once


class Moved(NamedTuple):
    """The affine maps that pictures went through."""

    pictures: Array  # before the first map
    maps: tuple  # their product, from (x, y) in the result to (x, y) in `pictures`
    data_format: str
    how: tuple | None  # interpolation, fill mode and fill value; `None` if there were only flips


_moves, _batches = Origins(), Origins()


def moved(
    pictures: Array,
    maps: tuple,
    interpolation: str,
    fill_mode: str,
    fill_value: float,
    data_format: str,
) -> Array:
    """Pictures resampled by affine maps.

    If they are themselves the result of `moved`, in the same trace and with the same interpolation
    and filling, or of `flipped`, the original is resampled by the product of the maps.

    Args:
        pictures: `(batch, height, width, channels)`, or channels first.
        maps: from result to source, columns first, see `ops.image_affine`.
        interpolation, fill_mode, fill_value, data_format: see `ops.image.affine_transform`.
    """
    return _resampled(pictures, maps, data_format, (interpolation, fill_mode, fill_value))


def _resampled(pictures: Array, maps: tuple, data_format: str, how: tuple) -> Array:
    known = _moves.of(pictures)
    if known is not None and known.how in (None, how) and known.data_format == data_format:
        pictures, maps = known.pictures, image_affine.product(known.maps, maps)
    numbers = [*maps[0], *maps[1], 0.0, 0.0]
    transform = jnp.stack([jnp.broadcast_to(one, pictures.shape[:1]) for one in numbers], 1)
    interpolation, fill_mode, fill_value = how
    out = ops.image.affine_transform(
        pictures, transform, interpolation, fill_mode, fill_value, data_format
    )
    _moves.note(out, Moved(pictures, maps, data_format, how))
    return out


def flipped(pictures: Array, across: Any, down: Any, data_format: str) -> Array:
    """Pictures flipped left to right and top to bottom, exactly.

    After `moved`, the flip becomes part of the map.

    Args:
        pictures: `(batch, height, width, channels)`, or channels first.
        across, down: which ones are flipped, `(batch, 1, 1, 1)`; `None` for none.
        data_format: where the channels are.
    """
    known = _moves.of(pictures)
    axes = (3, 2) if data_format == "channels_first" else (2, 1)
    out, both = pictures, []
    for axis, flips in zip(axes, (across, down), strict=True):
        out = out if flips is None else jnp.where(flips, jnp.flip(out, axis), out)
        both.append(0.0 if flips is None else flips.reshape(-1).astype("float32"))
    maps = image_affine.flip(tuple(both), tuple(pictures.shape[axis] for axis in axes))
    if known is None or known.data_format != data_format:
        _moves.note(out, Moved(pictures, maps, data_format, None))
        return out
    if known.how is not None:
        return _resampled(pictures, maps, data_format, known.how)
    maps = image_affine.product(known.maps, maps)
    _moves.note(out, Moved(known.pictures, maps, data_format, None))
    return out


def as_batch(value: Array) -> Array:
    """An array with a batch axis of size 1; the batch itself, if it was made by `as_single`."""
    known = _batches.of(value)
    return value[None] if known is None else known


def as_single(batch: Array) -> Array:
    """The one element of a batch."""
    value = batch[0]
    _batches.note(value, batch)
    return value


# ---- whole sequences

# Activation function (ours or JAX's) -> its name in the recurrent kernels.
_OURS = vars(activations) | {"steep_hard_sigmoid": activations._steep_hard_sigmoid}
OF_RECURRENCE: dict[Any, str] = {
    key: name
    for name, known in recurrent.ACTIVATIONS.items()
    for key in (_OURS[name], known.function, interop.home(known.function))
    if key is not None
}


def _of_recurrence(function: Callable) -> str | None:
    return OF_RECURRENCE.get(function) or OF_RECURRENCE.get(interop.home(function) or function)


def recurrence(
    kernel: Callable,
    x: Array,
    states: list,
    weights: list,
    functions: dict[str, Callable],
    drop: Masks,
    **options: Any,
) -> tuple[Array, tuple] | None:
    """The outputs and final states of a recurrent layer, over all timesteps at once.

    Args:
        kernel: `lstm`, `gru` or `simple_rnn` of `kernels.recurrent`.
        x: `(batch, timesteps, features)`.
        states: the initial states, each `(batch, units)`.
        weights: kernel, recurrent kernel, and bias or `None`.
        functions: activation functions, by argument name of the kernel.
        drop: dropout masks.
        options: other arguments of the kernel.

    Returns:
        The result of the kernel, or `None` if it does not support an activation.
    """
    names = {key: _of_recurrence(function) for key, function in functions.items()}
    if None in names.values():
        return None
    of_inputs = drop.inputs
    if of_inputs is not None and len(of_inputs) == 1:  # for all gates
        x, of_inputs = recurrent.dropped(x, of_inputs[0]), None
    run = (
        kernel
        if wants_plain() or in_one_function()
        else _compiled(kernel, placement.current() is None)
    )
    read = x if of_inputs is not None else embedding.source(x) or x
    return run(read, *states, *weights, drop=Masks(of_inputs, drop.states), **names, **options)


@functools.cache
def _compiled(kernel: Callable, on_one: bool) -> Callable:
    """The compiled kernel, so that eager calls do not recompile their loops each time.

    Args:
        kernel: a function of `kernels.recurrent`.
        on_one: whether arrays lie on one device; what is traced then is not used for several.
    """
    parameters = inspect.signature(kernel).parameters.values()
    keywords = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY]
    static = [name for name in keywords if name not in ("mask", "drop")]
    kernel = kernel if on_one else functools.partial(kernel)  # jax caches traces by function
    return jax.jit(kernel, static_argnames=static, inline=True)
