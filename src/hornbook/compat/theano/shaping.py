"""Creating, joining, splitting, indexing and reshaping tensors.

Sizes may be symbolic: they are numbers when a function is called.
"""

import jax.numpy as jnp
import numpy as np

from hornbook.compat.theano import integers, logs
from hornbook.compat.theano.dtypes import dtype_of_array, typed, upcast, wanted
from hornbook.compat.theano.types import TensorType
from hornbook.compat.theano.variable import TensorVariable, is_constant


def sizes(shape):
    """A shape as integers, from a number, several of them, or an array.

    Args:
        shape: an integer, an array of them, or a sequence of integers and arrays of one element.

    Example:
        >>> sizes((np.int64(2), 3)), sizes(np.array([2, 3])), sizes(4)
        ((2, 3), (2, 3), (4,))
    """
    return integers.concretes(shape)


def _size(x):
    return integers.concrete(x)


def _one(shape):
    """A shape given as one argument or as separate sizes."""
    alone = len(shape) == 1 and (isinstance(shape[0], list | tuple) or shape[0].ndim == 1)
    return shape[0] if alone else shape


def ones_in(shape, ndim=None):
    """For each axis of a shape, whether its size is known to be 1."""
    if is_constant(shape):
        shape = shape.data
    if isinstance(shape, TensorVariable) and shape.ndim:
        owner = shape.owner
        known = owner.inputs[0].ndim if owner is not None and owner.name == "shape" else None
        if ndim is None and known is None:
            raise ValueError(f"the number of elements of {shape} is not known: give `ndim`")
        return (False,) * (ndim or known)
    given = list(np.ravel(shape)) if isinstance(shape, np.ndarray) else shape
    given = given if isinstance(given, list | tuple) else [given]
    return tuple(int(getattr(one, "data", one)) == 1 if _is_known(one) else False for one in given)


def _is_known(size):
    return is_constant(size) or not isinstance(size, TensorVariable)


# ---- creating


@typed(lambda shape, dtype=None: TensorType(wanted(dtype), ones_in(shape)))
def zeros(shape, dtype=None):
    """An array of zeros."""
    return jnp.zeros(sizes(shape), wanted(dtype))


@typed(lambda shape, dtype=None: TensorType(wanted(dtype), ones_in(shape)))
def ones(shape, dtype=None):
    """An array of ones."""
    return jnp.ones(sizes(shape), wanted(dtype))


@typed(lambda value, *shape: TensorType(dtype_of_array(value), ones_in(_one(shape))))
def alloc(value, *shape):
    """Broadcast a value or an array to a shape."""
    return jnp.broadcast_to(value, sizes(_one(shape)))


@typed(lambda *shape, dtype=None: TensorType(wanted(dtype), ones_in(_one(shape))))
def alloc_empty(*shape, dtype=None):
    """An array of zeros; Theano left it uninitialized."""
    return jnp.zeros(sizes(shape), wanted(dtype))


def zeros_like(model, dtype=None, opt=False):
    """Zeros with the shape and, by default, dtype of another array."""
    return jnp.zeros(jnp.shape(model), dtype or dtype_of_array(model))


def ones_like(model, dtype=None, opt=False):
    """Ones with the shape and, by default, dtype of another array."""
    return jnp.ones(jnp.shape(model), dtype or dtype_of_array(model))


def identity_like(x):
    """A matrix of the shape of `x` with ones on the diagonal."""
    return jnp.eye(*jnp.shape(x), dtype=dtype_of_array(x))


def eye(n, m=None, k=0, dtype=None):
    """A matrix with ones on a diagonal."""
    return jnp.eye(_size(n), _size(n if m is None else m), _size(k), wanted(dtype))


def tri(N, M=None, k=0, dtype=None):
    """A matrix with ones on and below a diagonal."""
    return jnp.tri(_size(N), _size(N if M is None else M), _size(k), wanted(dtype))


def tril(m, k=0):
    """The lower triangle: elements above a diagonal are set to 0."""
    return jnp.tril(m, _size(k))


def triu(m, k=0):
    """The upper triangle: elements below a diagonal are set to 0."""
    return jnp.triu(m, _size(k))


def arange(start, stop=None, step=1, dtype=None):
    """Numbers from `start` to `stop`, exclusive; integers are int64."""
    if stop is None:
        start, stop = 0, start
    given = start, stop, step
    if dtype is None:
        dtype = upcast(*map(dtype_of_array, given))
        dtype = "int64" if np.dtype(dtype).kind in "biu" else dtype
    return jnp.asarray(np.arange(*map(_number, given), dtype=dtype))


def _number(x):
    return _size(x) if dtype_of_array(x)[0] in "bui" else np.asarray(x).item()


def bartlett(M):
    """The Bartlett (triangular) window."""
    return jnp.asarray(np.bartlett(_size(M)))


def diag(v, k=0):
    """A diagonal of a matrix, or a matrix with a vector on a diagonal."""
    return jnp.diag(jnp.asarray(v), _size(k))


def diagonal(a, offset=0, axis1=0, axis2=1):
    """A diagonal."""
    return jnp.diagonal(a, offset, axis1, axis2)


# ---- joining and splitting


def concatenate(tensor_list, axis=0):
    """Concatenate arrays along an axis."""
    if not isinstance(tensor_list, list | tuple):
        raise TypeError(f"concatenate takes a list of tensors, not {tensor_list!r}")
    return join(axis, *tensor_list)


def join(axis, *tensors_list):
    """Concatenate arrays along an axis."""
    if len(tensors_list) == 1 and isinstance(tensors_list[0], list | tuple):
        tensors_list = tuple(tensors_list[0])
    dtype = upcast(*map(dtype_of_array, tensors_list))
    return jnp.concatenate([jnp.asarray(one, dtype) for one in tensors_list], _size(axis))


def stack(*tensors, axis=0):
    """Stack arrays along a new axis; given as a list or one by one."""
    if tensors and isinstance(tensors[0], list | tuple):
        axis = tensors[1] if len(tensors) > 1 else axis
        tensors = tuple(tensors[0])
    dtype = upcast(*map(dtype_of_array, tensors))
    return jnp.stack([jnp.asarray(one, dtype) for one in tensors], _size(axis))


def stacklists(arg):
    """An array from nested lists of arrays."""
    return stack([stacklists(one) for one in arg]) if isinstance(arg, list | tuple) else arg


def horizontal_stack(*args):
    """Matrices side by side."""
    return concatenate(args, 1)


def vertical_stack(*args):
    """Stack matrices vertically."""
    return concatenate(args, 0)


def _parts(x, splits_size, n_splits, axis=0):
    pattern = list(x.broadcastable)
    pattern[_size(getattr(axis, "data", axis))] = False
    return [TensorType(x.dtype, pattern)] * _size(getattr(n_splits, "data", n_splits))


@typed(_parts)
def split(x, splits_size, n_splits, axis=0):
    """Split an array into parts of given sizes along an axis."""
    parts = sizes(splits_size)
    axis = _size(axis)
    if len(parts) != _size(n_splits) or sum(parts) != x.shape[axis]:
        raise ValueError(
            f"split: {n_splits} sizes that add up to {x.shape[axis]} are needed, not {parts}"
        )
    return jnp.split(x, np.cumsum(parts)[:-1].tolist(), axis)


# ---- shapes


def _flat(x, kept):
    pattern = x.broadcastable
    return TensorType(x.dtype, (*pattern[:kept], all(pattern[kept:])))


@typed(lambda x, newshape, ndim=None: TensorType(x.dtype, ones_in(newshape, ndim)))
def reshape(x, newshape, ndim=None):
    """Reshape in row-major order; -1 infers a size from the others."""
    shape = sizes(newshape)
    return logs.kept(x, jnp.reshape(x, shape), lambda log: jnp.reshape(log, shape))


@typed(lambda x, ndim=None, outdim=None: _flat(x, (ndim or outdim or 1) - 1))
def flatten(x, ndim=None, outdim=None):
    """Keep the first `ndim - 1` axes and flatten the rest; by default flatten all."""
    x = jnp.asarray(x)
    kept = (ndim or outdim or 1) - 1
    if kept > x.ndim or kept < 0:
        raise ValueError(f"flatten: {x.ndim} axes cannot become {kept + 1}")
    shape = (*x.shape[:kept], -1)
    return logs.kept(x, jnp.reshape(x, shape), lambda log: jnp.reshape(log, shape))


def swapaxes(y, axis1, axis2):
    """Two axes exchanged."""
    return jnp.swapaxes(y, axis1, axis2)


def shape_padleft(t, n_ones=1):
    """New axes of size 1 before the others."""
    return jnp.reshape(t, (1,) * n_ones + jnp.shape(t))


def shape_padright(t, n_ones=1):
    """New axes of size 1 after the others."""
    return jnp.reshape(t, jnp.shape(t) + (1,) * n_ones)


def shape_padaxis(t, axis):
    """A new axis of size 1."""
    return jnp.expand_dims(t, axis)


def tile(x, reps, ndim=None):
    """Tile an array along each axis."""
    x = jnp.asarray(x)
    x = x.reshape((1,) * ((ndim or 0) - x.ndim) + x.shape)
    return jnp.tile(x, sizes(reps))


def _repeated(x, repeats, axis=None):
    pattern = list(x.broadcastable) if axis is not None else [False]
    pattern[axis or 0] = False
    return TensorType(x.dtype, pattern)


@typed(_repeated)
def repeat(x, repeats, axis=None):
    """Repeat each element; the counts may differ."""
    times = integers.concrete(repeats) if isinstance(repeats, int) or repeats.ndim < 2 else repeats
    return jnp.repeat(jnp.asarray(x), np.asarray(times), axis)


def roll(x, shift, axis=None):
    """Shift elements along an axis, wrapping around."""
    return jnp.roll(x, shift, axis)


def diff(x, n=1, axis=-1):
    """Differences of adjacent elements, `n` times."""
    return jnp.diff(x, n, axis)


# ---- indexing


def set_subtensor(x, index, y):
    """`x` with `x[index]` replaced."""
    return x.at[index].set(jnp.asarray(y, x.dtype))


def inc_subtensor(x, index, y):
    """`x` with `y` added to `x[index]`; repeated indices accumulate."""
    return x.at[index].add(jnp.asarray(y, x.dtype))


def take(a, indices, axis=None, mode="raise"):
    """Elements by index along an axis; `mode`: `"raise"`, `"wrap"` or `"clip"`."""
    modes = {"raise": None, "wrap": "wrap", "clip": "clip"}
    return jnp.take(a, jnp.asarray(indices), axis, mode=modes[mode])


def choose(a, choices, out=None, mode="raise"):
    """Pick each element from the choice with its index."""
    modes = {"raise": "clip", "wrap": "wrap", "clip": "clip"}
    return jnp.choose(a, list(choices), mode=modes[mode])


def searchsorted(x, v, side="left", sorter=None):
    """Insertion indices into a sorted array, as int64."""
    x = x if sorter is None else jnp.take(x, sorter)
    return jnp.searchsorted(x, v, side=side).astype("int64")


def to_one_hot(y, nb_class, dtype=None):
    """One-hot rows for integers."""
    return jnp.asarray(jnp.asarray(y)[:, None] == jnp.arange(_size(nb_class)), wanted(dtype))


def fill_diagonal(a, val):
    """Set the diagonal to one value."""
    return jnp.fill_diagonal(jnp.asarray(a), jnp.asarray(val, a.dtype), inplace=False)


def fill_diagonal_offset(a, val, offset):
    """Set a diagonal of a matrix to one value."""
    a = jnp.asarray(a)
    on = jnp.arange(a.shape[1]) - jnp.arange(a.shape[0])[:, None] == jnp.asarray(offset)
    return jnp.where(on, jnp.asarray(val, a.dtype), a)


def unravel_index(indices, dims, order="C", ndim=None):
    """Convert flat indices to indices along each axis."""
    shape = sizes(dims)
    found = jnp.unravel_index(indices, shape if order == "C" else shape[::-1])
    return tuple(one.astype("int64") for one in (found if order == "C" else found[::-1]))


def ravel_multi_index(multi_index, dims, mode="raise", order="C"):
    """Convert indices along each axis to flat indices."""
    modes = {"raise": "clip", "wrap": "wrap", "clip": "clip"}
    made = jnp.ravel_multi_index(tuple(multi_index), sizes(dims), modes[mode], order)
    return made.astype("int64")


def permute_row_elements(x, y, inverse=0):
    """Permute each row, or undo the permutation with `inverse`."""
    order = jnp.broadcast_to(y, jnp.broadcast_shapes(jnp.shape(x), jnp.shape(y)))
    order = jnp.argsort(order, -1) if inverse else order
    return jnp.take_along_axis(jnp.broadcast_to(x, order.shape), order, -1)


def inverse_permutation(perm):
    """The inverse of a permutation."""
    return jnp.argsort(perm, -1).astype(dtype_of_array(perm))
