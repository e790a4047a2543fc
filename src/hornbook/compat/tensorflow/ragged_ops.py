"""TensorFlow's functions of arrays, called with ragged tensors."""

import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook import ops
from hornbook.compat.names import Names
from hornbook.compat.tensorflow import ragged
from hornbook.compat.tensorflow.debugging import InvalidArgumentError
from hornbook.compat.tensorflow.ragged import (
    RaggedTensor,
    from_rows,
    incompatible,
    places_of,
    same_rows,
    spread,
)
from hornbook.compat.tensorflow.specs import RaggedTensorSpec
from hornbook.compat.tensorflow.tensors import tensor
from hornbook.core import tree

# Functions of one element, or of the elements of several arrays in the same place.
ELEMENTWISE = (
    "abs acos acosh add angle asin asinh atan atan2 atanh bitcast cast ceil check_numerics "
    "clip_by_value complex conj cos cosh digamma div_no_nan divide divide_no_nan dropout elu equal "
    "erf erfc erfinv exp expm1 floor floordiv floormod gelu greater greater_equal identity imag "
    "is_finite is_inf is_nan leaky_relu less less_equal lgamma log log1p log_sigmoid logical_and "
    "logical_not logical_or logical_xor maximum minimum mod multiply multiply_no_nan negative "
    "nextafter not_equal one_hot ones_like pow real realdiv reciprocal relu relu6 rint round rsqrt "
    "saturate_cast selu sigmoid sign silu sin sinh softplus softsign sqrt square "
    "squared_difference stop_gradient subtract swish tan tanh truediv xdivy xlogy zeros_like"
).split()
TEXTS = (
    "as_string length lower regex_full_match regex_replace strip substr to_hash_bucket_fast "
    "to_number upper"
).split()
REDUCED = (
    "reduce_all reduce_any reduce_max reduce_mean reduce_min reduce_prod reduce_std reduce_sum "
    "reduce_variance"
).split()
FAMILIES = ("tf", "math", "nn", "dtypes", "strings", "debugging")


def map_flat_values(op: Callable, *args: Any, **kwargs: Any) -> Any:
    """A function of the elements of ragged tensors with the same rows, as a ragged tensor.

    Args:
        op: the function.
        *args, **kwargs: its arguments, ragged or not.

    Raises:
        InvalidArgumentError: if the rows differ.
    """
    found = [one for one in tree.flatten((args, kwargs)) if isinstance(one, RaggedTensor)]
    if not found:
        return op(*args, **kwargs)
    flat = [one.flat_values for one in found]
    for other in found[1:]:
        if not same_rows(found[0], other):
            raise incompatible(found[0], other)
    rest = iter(flat)
    args, kwargs = tree.map_structure(
        lambda one: next(rest) if isinstance(one, RaggedTensor) else one, (args, kwargs)
    )
    return found[0].with_flat_values(op(*args, **kwargs))


def _elementwise(name: str, function: Callable) -> Callable:
    def apply(*args: Any, **kwargs: Any) -> Any:
        parts = [*args, *kwargs.values()]
        like = next(one for one in parts if isinstance(one, RaggedTensor))
        settings = name not in BINARY

        def flat(one: Any) -> Any:
            if isinstance(one, RaggedTensor):
                if not same_rows(like, one):
                    raise incompatible(like, one)
                return one.flat_values
            return one if settings or one is None or isinstance(one, str) else spread(like, one)

        found = function(*map(flat, args), **{key: flat(one) for key, one in kwargs.items()})
        return like.with_flat_values(found)

    return apply


BINARY = (
    "add atan2 complex div_no_nan divide divide_no_nan equal floordiv floormod greater "
    "greater_equal less less_equal logical_and logical_or logical_xor maximum minimum mod multiply "
    "multiply_no_nan nextafter not_equal pow realdiv squared_difference subtract truediv xdivy "
    "xlogy"
).split()


def _segmented(name: str, values: Any, rows: np.ndarray, count: int) -> Any:
    """A reduction of the values of each row."""
    kind = name.removeprefix("reduce_")
    if kind in ("all", "any"):
        part = ops.cast(values, "int32")
        found = getattr(ops, "segment_min" if kind == "all" else "segment_max")(part, rows, count)
        empty = np.bincount(rows, minlength=count)[:count] == 0
        shape = (count,) + (1,) * (np.ndim(values) - 1)
        return ops.where(empty.reshape(shape), kind == "all", ops.cast(found, "bool"))
    if kind in ("max", "min", "sum", "prod"):
        return getattr(ops, f"segment_{kind}")(values, rows, count)
    lengths = np.bincount(rows, minlength=count)[:count].astype("float32")
    lengths = lengths.reshape((count,) + (1,) * (np.ndim(values) - 1))
    values = ops.cast(values, "float32") if jnp.asarray(values).dtype.kind in "iub" else values
    mean = ops.segment_sum(values, rows, count) / lengths
    if kind == "mean":
        return mean
    square = ops.segment_sum(values * values, rows, count) / lengths - mean * mean
    return square if kind == "variance" else ops.sqrt(square)


def _reduced(name: str, function: Callable, value: RaggedTensor, axis: int) -> Any:
    if axis > value.ragged_rank:
        flat = function(value.flat_values, axis=axis - value.ragged_rank)
        return value.with_flat_values(flat)
    if axis > 1:
        return value.with_values(_reduced(name, function, value.values, axis - 1))
    inner = value.values
    if not isinstance(inner, RaggedTensor):
        rows = np.asarray(value.value_rowids())
        if axis == 1:
            return _segmented(name, inner, rows, value.nrows())
        place = np.arange(len(rows)) - np.asarray(value.row_splits)[rows]
        return _segmented(name, inner, place, int(place.max(initial=-1)) + 1)
    if axis == 1:
        return from_rows([_reduced(name, function, row, 0) for row in value])
    # The elements of all rows in the same place along the two axes.
    _, *places = places_of(value)
    count = [int(one.max(initial=-1)) + 1 for one in places]
    flat, number = np.ravel_multi_index(tuple(places), tuple(count)), int(np.prod(count))
    there = np.bincount(flat, minlength=number).reshape(count) > 0
    found = _segmented(name, value.flat_values, flat, number)
    whole = ops.reshape(found, (*count, *np.shape(found)[1:]))
    if value.ragged_rank > 2:
        raise InvalidArgumentError(
            None, None, f"tf.{name}: axis 0 of a ragged tensor with more than two axes of rows"
        )
    return from_rows([row[: int(n)] for row, n in zip(whole, there.sum(1), strict=True)])


def _reduction(name: str, function: Callable) -> Callable:
    def apply(
        input_tensor: RaggedTensor, axis: Any = None, keepdims: bool = False, name_: Any = None
    ) -> Any:
        rank = len(input_tensor.shape)
        if axis is None:
            return function(input_tensor.flat_values)
        axes = sorted({int(one) % rank for one in np.ravel(np.asarray(axis))}, reverse=True)
        if len(axes) == rank:
            return function(input_tensor.flat_values)
        found = input_tensor
        if len(axes) > 1 and name not in ("reduce_sum", "reduce_max", "reduce_min", "reduce_prod"):
            if axes != [*range(rank - 1, 0, -1)]:
                told = f"tf.{name}: several axes of a ragged tensor must be all but the first"
                raise InvalidArgumentError(None, None, told)
            row = np.repeat(np.arange(input_tensor.nrows()), _totals(input_tensor))
            flat = input_tensor.flat_values
            inner = int(np.prod(np.shape(flat)[1:]))
            found = _segmented(
                name, ops.reshape(flat, (-1,)), np.repeat(row, inner), input_tensor.nrows()
            )
        else:
            for one in axes:
                ragged_still = isinstance(found, RaggedTensor)
                found = (
                    _reduced(name, function, found, one)
                    if ragged_still
                    else function(found, axis=one)
                )
        for one in reversed(axes) if keepdims else ():
            found = _expanded(found, one)
        return found

    return apply


def _totals(value: RaggedTensor) -> np.ndarray:
    """The number of flat values in each row."""
    ends = np.asarray(value.row_splits)
    for split in value.nested_row_splits[1:]:
        ends = np.asarray(split)[ends]
    return np.diff(ends)


# ---- functions of rows


def _expanded(value: Any, axis: int, name: Any = None) -> Any:
    if not isinstance(value, RaggedTensor):
        return ops.expand_dims(value, axis) if value.dtype != "O" else np.expand_dims(value, axis)
    axis = int(axis) % (len(value.shape) + 1)
    if axis == 0:
        return RaggedTensor.from_uniform_row_length(value, value.nrows())
    if axis == 1:
        return RaggedTensor.from_uniform_row_length(value, 1)
    return value.with_values(_expanded(value.values, axis - 1))


def _reversed(value: Any, axis: Any, name: Any = None) -> Any:
    rank = len(value.shape)
    for one in {int(k) % rank for k in np.ravel(np.asarray(axis))}:
        value = _turned(value, one)
    return value


def _turned(value: Any, axis: int) -> Any:
    if not isinstance(value, RaggedTensor):
        return tensor(np.flip(np.asarray(value), axis))
    if axis == 0:
        return from_rows(list(value)[::-1], value)
    if axis == 1:
        return from_rows([row[::-1] for row in value], value)
    return value.with_values(_turned(value.values, axis - 1))


def _tiled(input: Any, multiples: Any, name: Any = None) -> Any:
    times = [int(one) for one in np.ravel(np.asarray(multiples))]
    if not isinstance(input, RaggedTensor):
        return tensor(np.tile(np.asarray(input), times))
    rows = [_tiled(row, times[1:]) for row in input]
    return from_rows(rows * times[0], input)


def _gathered(params: Any, indices: Any, *rest: Any, batch_dims: int = 0, **options: Any) -> Any:
    if isinstance(indices, RaggedTensor):
        flat = indices.flat_values
        return indices.with_flat_values(_gathered(params, flat, *rest, **options))
    places = np.asarray(indices)
    if not isinstance(params, RaggedTensor):
        return params[places] if not isinstance(params, list) else np.asarray(params)[places]
    if batch_dims:
        return from_rows([row[one] for row, one in zip(params, places, strict=True)])
    if not places.ndim:
        return params[int(places)]
    if places.ndim > 1:
        return from_rows([_gathered(params, one) for one in places])
    return from_rows([params[int(one)] for one in places], params)


def _mapped(fn: Callable, elems: Any, dtype: Any = None, **options: Any) -> Any:
    """`tf.map_fn` of the rows; rows of results are ragged too, unless another form is asked."""
    if not isinstance(elems, RaggedTensor):
        raise InvalidArgumentError(None, None, "tf.map_fn: pass one ragged tensor, not several")
    found = [fn(row) for row in elems]
    asked = options.get("fn_output_signature", dtype)
    is_row = [np.ndim(one) > 0 or isinstance(one, RaggedTensor) for one in found]
    if any(is_row) and (asked is None or isinstance(asked, RaggedTensorSpec)):
        return from_rows(found)
    return tree.map_structure(lambda *some: ragged.stacked(list(some)), *found)


def _chosen(condition: Any, x: Any = None, y: Any = None, name: Any = None) -> Any:
    def choose(condition: Any, x: Any, y: Any) -> Any:
        if ragged.is_text(x) or ragged.is_text(y):
            return tensor(np.where(np.asarray(condition), np.asarray(x), np.asarray(y)))
        return ops.where(condition, x, y)

    if x is None:
        places = np.stack(places_of(condition), -1)
        return tensor(places[np.asarray(condition.flat_values)])
    like = next(one for one in (condition, x, y) if isinstance(one, RaggedTensor))
    parts = [
        one if isinstance(one, RaggedTensor | str) else spread(like, one)
        for one in (condition, x, y)
    ]
    return map_flat_values(choose, *parts)


def _of_flat(function: Callable) -> Callable:
    return lambda input, *args, **options: function(input.flat_values, *args, **options)


SPECIAL: dict[str, Callable[[Callable], Callable]] = {
    "expand_dims": lambda function: _expanded,
    "gather": lambda function: _gathered,
    "embedding_lookup": lambda function: (
        lambda params, ids, *args, **options: map_flat_values(
            functools.partial(function, params), ids, *args, **options
        )
    ),
    "map_fn": lambda function: _mapped,
    "rank": lambda function: lambda input, name=None: tensor(np.int32(len(input.shape))),
    "reverse": lambda function: _reversed,
    "size": _of_flat,
    "stack": lambda function: lambda values, axis=0, name=None: ragged.stack(values, axis),
    "tile": lambda function: _tiled,
    "where": lambda function: _chosen,
}


def _with_ragged(function: Callable, apply: Callable) -> Callable:
    """A function that takes another way if an argument is a ragged tensor."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for one in (*args, *kwargs.values()):
            if isinstance(one, RaggedTensor) or (
                type(one) is list and one and isinstance(one[0], RaggedTensor)
            ):
                return apply(*args, **kwargs)
        return function(*args, **kwargs)

    return call


def _to_tensor(function: Callable) -> Callable:
    """A function of known sizes, such as their product, that gives a tensor of the host."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        found = function(*args, **kwargs)
        return tensor(np.int32(found)) if type(found) is int else found

    return call


class RaggedNames(Names):
    """The names of TensorFlow, of which functions of arrays take ragged tensors too."""

    def _make(self, family: str, name: str, row: Any) -> Any:
        made = super()._make(family, name, row)
        if family not in FAMILIES or isinstance(made, type):
            return made
        if name in (TEXTS if family == "strings" else ELEMENTWISE):
            return _with_ragged(made, _elementwise(name, made))
        if name in REDUCED:
            return _with_ragged(_to_tensor(made), _reduction(name, made))
        if name in SPECIAL and family != "strings":
            return _with_ragged(made, SPECIAL[name](made))
        return made
