"""Functions of numbers that today's operations do not have in the same form."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy import special

from hornbook import ops
from hornbook.compat.tensorflow.arrays import is_text
from hornbook.core.symbolic import op


def add_n(inputs: Any, name: str | None = None) -> Any:
    """The sum of arrays of one shape."""
    total, *others = inputs
    for one in others:
        total = ops.add(total, one)
    return total


def _texts(on_host: Callable, function: Callable) -> Callable:
    """A comparison that also takes texts."""

    def compare(x: Any, y: Any, name: str | None = None) -> Any:
        if is_text(x) or is_text(y):
            return on_host(_bytes(x), _bytes(y))
        return function(x, y)

    compare.__doc__ = f"`{on_host.__name__}` of elements, which may be texts."
    return compare


def _bytes(value: Any) -> Any:
    return _encoded(np.asarray(value, object))


_encoded = np.frompyfunc(lambda one: one.encode() if isinstance(one, str) else one, 1, 1)
equal = _texts(np.equal, ops.equal)
not_equal = _texts(np.not_equal, ops.not_equal)


@op
def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    a_is_sparse: bool = False,
    b_is_sparse: bool = False,
    output_type: Any = None,
    name: str | None = None,
) -> jax.Array:
    """Products of matrices, each transposed on request."""
    return jnp.matmul(_turned(a, transpose_a, adjoint_a), _turned(b, transpose_b, adjoint_b))


def _turned(x: Any, transpose: bool, adjoint: bool) -> jax.Array:
    matrix = jnp.asarray(x)
    matrix = matrix.conj() if adjoint else matrix
    return jnp.swapaxes(matrix, -1, -2) if transpose or adjoint else matrix


@op
def matvec(
    a: Any, b: Any, transpose_a: bool = False, adjoint_a: bool = False, **_: Any
) -> jax.Array:
    """Products of matrices and vectors."""
    return jnp.matvec(_turned(a, transpose_a, adjoint_a), jnp.asarray(b))


@op
def norm(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool = False, name: Any = None
) -> jax.Array:
    """Norms of vectors, or of matrices if `axis` has two axes; by default of all elements."""
    x = jnp.asarray(tensor)
    axis = tuple(axis) if isinstance(axis, list) else axis
    if axis is None and not (keepdims or ord not in ("euclidean", 2, "fro")):
        return jnp.linalg.norm(x.ravel())
    if axis is None:
        flat = jnp.linalg.norm(x.ravel(), None if ord in ("euclidean", "fro") else ord)
        return flat.reshape((1,) * x.ndim) if keepdims else flat
    return jnp.linalg.norm(x, None if ord == "euclidean" else ord, axis, keepdims)


def _running(function: Callable, start: float) -> Callable:
    @op
    def run(
        x: Any, axis: int = 0, exclusive: bool = False, reverse: bool = False, name: Any = None
    ) -> jax.Array:
        array = jnp.asarray(x)
        array = jnp.flip(array, axis) if reverse else array
        found = function(array, axis=axis).astype(array.dtype)
        if exclusive:
            first = jnp.full_like(jax.lax.slice_in_dim(found, 0, 1, axis=axis), start)
            rest = jax.lax.slice_in_dim(found, 0, array.shape[axis] - 1, axis=axis)
            found = jnp.concatenate([first, rest], axis)
        return jnp.flip(found, axis) if reverse else found

    run.__doc__ = f"`{function.__name__}`; without the element itself if `exclusive`."
    return run


cumsum, cumprod = _running(jnp.cumsum, 0), _running(jnp.cumprod, 1)


@op
def cumulative_logsumexp(x: Any, axis: int = 0, name: str | None = None) -> jax.Array:
    """Logarithms of the running sums of exponentials."""
    return jax.lax.cumlogsumexp(jnp.asarray(x), axis % jnp.ndim(x))


def _by_jax(function: Callable) -> Callable:
    """A function of JAX as one of TensorFlow's, which takes a name."""
    call = op(lambda *args: function(*map(jnp.asarray, args)))

    def named(*args: Any, name: str | None = None, **by_name: Any) -> Any:
        return call(*args, *by_name.values())

    named.__doc__ = f"`{function.__name__}` of elements."
    return named


lgamma, digamma = _by_jax(special.gammaln), _by_jax(special.digamma)
ndtri = _by_jax(special.ndtri)
igamma, igammac = _by_jax(special.gammainc), _by_jax(special.gammaincc)
betainc, xlogy = _by_jax(special.betainc), _by_jax(special.xlogy)
expm, eigvalsh = _by_jax(jax.scipy.linalg.expm), _by_jax(jnp.linalg.eigvalsh)


@op
def squared_difference(x: Any, y: Any, name: str | None = None) -> jax.Array:
    """`(x - y)**2`."""
    return jnp.square(jnp.asarray(x) - jnp.asarray(y))


@op
def multiply_no_nan(x: Any, y: Any, name: str | None = None) -> jax.Array:
    """`x * y`, and 0 where `y` is 0."""
    y = jnp.asarray(y)
    return jnp.where(y == 0, 0, x * jnp.where(y == 0, 1, y))


@op
def l2_normalize(
    x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None, dim: Any = None
) -> jax.Array:
    """An array divided by its euclidean norm: `x / sqrt(max(sum(x**2), epsilon))`."""
    array, axis = jnp.asarray(x), dim if axis is None else axis
    axis = tuple(axis) if isinstance(axis, list) else axis
    total = jnp.sum(jnp.square(array), axis, keepdims=True)
    return array * jax.lax.rsqrt(jnp.maximum(total, epsilon))


@op
def count_nonzero(
    input: Any, axis: Any = None, keepdims: bool = False, dtype: Any = "int64", name: Any = None
) -> jax.Array:
    """The number of elements that are not zero."""
    axis = tuple(axis) if isinstance(axis, list) else axis
    return jnp.count_nonzero(jnp.asarray(input), axis, keepdims=keepdims)


@op
def zero_fraction(value: Any, name: str | None = None) -> jax.Array:
    """The fraction of elements that are zero."""
    return jnp.mean((jnp.asarray(value) == 0).astype("float32"))


@op
def reduce_euclidean_norm(
    input_tensor: Any, axis: Any = None, keepdims: bool = False, name: str | None = None
) -> jax.Array:
    """Square roots of sums of squares."""
    axis = tuple(axis) if isinstance(axis, list) else axis
    return jnp.sqrt(jnp.sum(jnp.square(jnp.asarray(input_tensor)), axis, keepdims=keepdims))


@op
def polyval(coeffs: Any, x: Any, name: str | None = None) -> jax.Array:
    """A polynomial by Horner's rule; the coefficient of the highest power is first."""
    found = jnp.zeros_like(jnp.asarray(x))
    for one in coeffs:
        found = found * x + one
    return found


@op
def invert_permutation(x: Any, name: str | None = None) -> jax.Array:
    """The inverse of a permutation."""
    return jnp.argsort(jnp.asarray(x)).astype(jnp.asarray(x).dtype)


@op
def confusion_matrix(
    labels: Any,
    predictions: Any,
    num_classes: int | None = None,
    weights: Any = None,
    dtype: Any = "int32",
    name: str | None = None,
) -> jax.Array:
    """How often each label (row) got each prediction (column)."""
    true, found = (jnp.asarray(one).ravel().astype("int32") for one in (labels, predictions))
    count = int(jnp.maximum(true.max(), found.max())) + 1 if num_classes is None else num_classes
    weight = 1 if weights is None else jnp.asarray(weights).astype(str(dtype))
    return jnp.zeros((count, count), str(dtype)).at[true, found].add(weight)


def bincount(
    arr: Any,
    weights: Any = None,
    minlength: Any = None,
    maxlength: Any = None,
    dtype: Any = "int32",
    name: str | None = None,
    axis: Any = None,
    binary_output: bool = False,
) -> Any:
    """How often each number occurs, or the sum of the weights of each."""
    values = np.asarray(arr).ravel()
    used = None if weights is None else np.asarray(weights).ravel()
    if maxlength is not None:
        keep = values < maxlength
        values, used = values[keep], None if used is None else used[keep]
    found = np.bincount(values, used, minlength or 0)
    found = (found > 0) if binary_output else found
    return jnp.asarray(found.astype(str(dtype) if weights is None else np.asarray(weights).dtype))


@op
def in_top_k(targets: Any, predictions: Any, k: int, name: str | None = None) -> jax.Array:
    """Whether each target is among the `k` largest predictions of its row."""
    return ops.in_top_k(targets, predictions, k)


def _segmented(function: Callable, name: str) -> tuple[Callable, Callable]:
    @op
    def unsorted(data: Any, segment_ids: Any, num_segments: Any, name: Any = None) -> jax.Array:
        return function(jnp.asarray(data), jnp.asarray(segment_ids), int(num_segments))

    def sorted_(data: Any, segment_ids: Any, name: Any = None) -> Any:
        return unsorted(data, segment_ids, int(np.max(np.asarray(segment_ids))) + 1)

    unsorted.__doc__ = f"The {name} of slices with the same id."
    sorted_.__doc__ = f"The {name} of slices with the same id; ids rise from 0."
    return sorted_, unsorted


def _counts(data: Any, ids: Any, count: int) -> jax.Array:
    found = jax.ops.segment_sum(jnp.ones(ids.shape, data.dtype), ids, count)
    return jnp.maximum(found, 1).reshape(-1, *(1,) * (data.ndim - ids.ndim))


def _mean(data: Any, ids: Any, count: int) -> jax.Array:
    return jax.ops.segment_sum(data, ids, count) / _counts(data, ids, count)


def _sqrt_n(data: Any, ids: Any, count: int) -> jax.Array:
    return jax.ops.segment_sum(data, ids, count) / jnp.sqrt(_counts(data, ids, count))


segment_sum, unsorted_segment_sum = _segmented(jax.ops.segment_sum, "sum")
segment_prod, unsorted_segment_prod = _segmented(jax.ops.segment_prod, "product")
segment_max, unsorted_segment_max = _segmented(jax.ops.segment_max, "maximum")
segment_min, unsorted_segment_min = _segmented(jax.ops.segment_min, "minimum")
segment_mean, unsorted_segment_mean = _segmented(_mean, "mean")
_, unsorted_segment_sqrt_n = _segmented(_sqrt_n, "sum over the root of the number")


@op
def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> jax.Array:
    """An array scaled down to a euclidean norm, if its own is larger."""
    x = jnp.asarray(t)
    axes = tuple(axes) if isinstance(axes, list) else axes
    square = jnp.sum(x * x, axes, keepdims=True)
    length = jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1)), square)
    return x * clip_norm / jnp.maximum(length, clip_norm)


def global_norm(t_list: Any, name: str | None = None) -> Any:
    """The euclidean norm of all elements of several arrays."""
    squares = [ops.sum(ops.square(one)) for one in t_list if one is not None]
    return ops.sqrt(add_n(squares))


def clip_by_global_norm(
    t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple:
    """Arrays scaled down so that their common norm is at most a number, and the norm before."""
    length = global_norm(t_list) if use_norm is None else use_norm
    scale = ops.divide(clip_norm, ops.maximum(length, clip_norm))
    return [None if one is None else ops.multiply(one, scale) for one in t_list], length


@op
def histogram_fixed_width(
    values: Any, value_range: Any, nbins: int = 100, dtype: Any = "int32", name: Any = None
) -> jax.Array:
    """How many values are in each of some intervals; the first and last have all beyond them."""
    low, high = value_range[0], value_range[1]
    x = jnp.ravel(jnp.asarray(values))
    place = jnp.clip(jnp.floor((x - low) / (high - low) * nbins), 0, nbins - 1).astype("int32")
    return jnp.zeros(nbins, str(dtype)).at[place].add(1)


@op
def searchsorted(
    sorted_sequence: Any, values: Any, side: str = "left", out_type: Any = "int32", name: Any = None
) -> jax.Array:
    """Where values are to be inserted in each sorted row."""
    rows, wanted = jnp.asarray(sorted_sequence), jnp.asarray(values)
    find: Callable = lambda row, some: jnp.searchsorted(row, some, side=side)  # noqa: E731
    for _ in range(rows.ndim - 1):
        find = jax.vmap(find)
    return find(rows, wanted).astype("int32")


@op
def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> jax.Array:
    """Solve `A x = b` with the Cholesky factor of `A`."""
    return jax.scipy.linalg.cho_solve((jnp.asarray(chol), True), jnp.asarray(rhs))


@op
def triangular_solve(
    matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> jax.Array:
    """Solve equations with triangular matrices."""
    return jax.scipy.linalg.solve_triangular(
        jnp.asarray(matrix), jnp.asarray(rhs), trans=2 if adjoint else 0, lower=lower
    )


@op
def solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> jax.Array:
    """Solve equations with square matrices."""
    return jnp.linalg.solve(_turned(matrix, False, adjoint), jnp.asarray(rhs))


@op
def inv(input: Any, adjoint: bool = False, name: str | None = None) -> jax.Array:
    """The inverses of matrices."""
    return jnp.linalg.inv(_turned(input, False, adjoint))


def svd(
    tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None
) -> Any:
    """Singular values, and the singular vectors in the columns of `u` and `v`."""
    found = ops.svd(tensor, full_matrices, compute_uv)
    if not compute_uv:
        return found
    u, s, vh = found
    return s, u, ops.conj(ops.swapaxes(vh, -1, -2))


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> Any:
    """Orthogonal and upper triangular factors."""
    return ops.qr(input, "complete" if full_matrices else "reduced")


def eye(
    num_rows: Any,
    num_columns: Any = None,
    batch_shape: Any = None,
    dtype: Any = "float32",
    name: str | None = None,
) -> Any:
    """Identity matrices."""
    matrix = ops.eye(num_rows, num_columns, dtype=dtype)
    return (
        matrix if batch_shape is None else ops.broadcast_to(matrix, (*batch_shape, *matrix.shape))
    )


@op
def adjoint(matrix: Any, name: str | None = None) -> jax.Array:
    """Matrices transposed and conjugated."""
    return jnp.swapaxes(jnp.asarray(matrix), -1, -2).conj()


def lstsq(
    matrix: Any, rhs: Any, l2_regularizer: float = 0.0, fast: bool = True, name: str | None = None
) -> Any:
    """Solutions of least squares, with a penalty on their squares."""
    a, b = jnp.asarray(matrix), jnp.asarray(rhs)
    if not l2_regularizer:
        return jnp.linalg.lstsq(a, b)[0]
    gram = a.T @ a + l2_regularizer * jnp.eye(a.shape[1], dtype=a.dtype)
    return jnp.linalg.solve(gram, a.T @ b)
