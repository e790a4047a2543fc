"""Pooling and neighbourhoods of images, channels first, as in Theano."""

import math

import jax.numpy as jnp
import numpy as np

from hornbook.compat.theano.dtypes import typed
from hornbook.compat.theano.shaping import sizes
from hornbook.compat.theano.types import TensorType
from hornbook.kernels import pooling


def _pool_type(x, rank):
    return TensorType(x.dtype, (*x.broadcastable[:-rank], *(False,) * rank))


def pool(x, ws, ignore_border, stride, pad, mode):
    """The maximum, sum or mean of windows over the last axes.

    Args:
        x: an array.
        ws, stride, pad: one size per pooled axis.
        ignore_border: whether to drop windows that extend beyond the end.
        mode: `"max"`, `"sum"`, `"average_inc_pad"` (padding counts as zeros) or
            `"average_exc_pad"`.

    Raises:
        ValueError: for any other mode, or padding without `ignore_border`.
    """
    if mode not in ("max", "sum", "average_inc_pad", "average_exc_pad"):
        raise ValueError(
            f"pooling: mode is 'max', 'sum', 'average_inc_pad' or 'average_exc_pad', not {mode!r}"
        )
    if not ignore_border and any(pad):
        raise ValueError("pooling: padding needs ignore_border=True")
    rank = len(ws)
    lead = x.shape[:-rank]
    channels = lead[-1] if lead else 1
    rows = jnp.moveaxis(x.reshape(-1, channels, *x.shape[-rank:]), 1, -1)
    inside = [n + 2 * p for n, p in zip(x.shape[-rank:], pad, strict=True)]
    after = [0 if ignore_border else _missing(*one) for one in zip(inside, ws, stride, strict=True)]

    def filled(array, value, sides):
        widths = [(0, 0), *sides, (0, 0)]
        return jnp.pad(array, widths, constant_values=value)

    own = [(p, p) for p in pad]
    sides = [(p, p + more) for p, more in zip(pad, after, strict=True)]
    if mode == "max":
        lowest = -jnp.inf if rows.dtype.kind == "f" else jnp.iinfo(rows.dtype).min
        made = pooling.max_pool(filled(rows, lowest, sides), ws, stride, "valid")
    else:
        made = _windows(filled(rows, 0, sides), ws, stride)
        if mode != "sum":
            ones = jnp.ones((1, *rows.shape[1:-1], 1), rows.dtype)
            if mode == "average_inc_pad":
                ones = filled(ones, 1, own)
                sides = [(0, more) for more in after]
            made = made / _windows(filled(ones, 0, sides), ws, stride)
    return jnp.moveaxis(made, -1, 1).reshape(*lead, *made.shape[1:-1])


def _windows(x, ws, stride):
    return pooling.avg_pool(x, ws, stride, "valid") * math.prod(ws)


def _missing(size, window, step):
    """The padding needed for the last, partial window of an axis."""
    if step >= window:
        count = (size - 1) // step + 1
    else:
        count = max(0, (size - 1 - window + step) // step) + 1
    return max(0, (count - 1) * step + window - size)


def _pooled(name, rank, input, ws, ignore_border, stride, pad, mode, ds, st, padding):
    ws, stride = ws if ds is None else ds, stride if st is None else st
    pad = pad if padding is None else padding
    if ws is None:
        raise ValueError(f"{name} needs `ws` (once `ds`), the size of a window")
    window = _each(ws, rank)
    step = window if stride is None else _each(stride, rank)
    return pool(jnp.asarray(input), window, bool(ignore_border), step, _each(pad, rank), mode)


def _each(size, rank):
    found = sizes(size)
    return found * rank if len(found) == 1 else found


@typed(lambda input, *more, **others: _pool_type(input, 2))
def pool_2d(
    input,
    ws=None,
    ignore_border=None,
    stride=None,
    pad=(0, 0),
    mode="max",
    ds=None,
    st=None,
    padding=None,
):
    """Pooling over the last two axes; see `pool`. `ds`, `st`, `padding` are the older names."""
    return _pooled("pool_2d", 2, input, ws, ignore_border, stride, pad, mode, ds, st, padding)


@typed(lambda input, *more, **others: _pool_type(input, 3))
def pool_3d(
    input,
    ws=None,
    ignore_border=None,
    stride=None,
    pad=(0, 0, 0),
    mode="max",
    ds=None,
    st=None,
    padding=None,
):
    """Pooling over the last three axes; see `pool`."""
    return _pooled("pool_3d", 3, input, ws, ignore_border, stride, pad, mode, ds, st, padding)


@typed(lambda input, *more, **others: _pool_type(input, 2))
def max_pool_2d(input, ds, ignore_border=None, st=None, padding=(0, 0), mode="max"):
    """`theano.tensor.signal.downsample.max_pool_2d`, the older name of `pool_2d`."""
    return pool_2d(input, ds, ignore_border, st, padding, mode)


@typed(lambda input, *more, **others: input.type)
def max_pool_2d_same_size(input, patch_size):
    """Keep the maximum of each window of the last two axes in place and zero the rest."""
    x, window = jnp.asarray(input), sizes(patch_size)
    made = pool(x, window, False, window, (0, 0), "max")
    for axis, size in zip((-2, -1), window, strict=True):
        made = jnp.repeat(made, size, axis)
    return jnp.where(x == made[..., : x.shape[-2], : x.shape[-1]], x, 0)


@typed(lambda img, ws, *more, **others: _pool_type(img, len(ws)))
def dnn_pool(img, ws, stride=None, mode="max", pad=None):
    """Pool images or volumes, ignoring borders; `mode`: `"max"`, `"average_inc_pad"`, ..."""
    rank = len(ws)
    return pool(
        jnp.asarray(img),
        sizes(ws),
        True,
        sizes(stride or (1,) * rank),
        sizes(pad or (0,) * rank),
        mode,
    )


@typed(lambda ten4, *more, **others: TensorType(ten4.dtype, (False, False)))
def images2neibs(ten4, neib_shape, neib_step=None, mode="valid"):
    """Extract windows of images as rows.

    Args:
        ten4: `(batch, channels, rows, columns)`.
        neib_shape: rows and columns of a window.
        neib_step: steps between windows; default: no overlap.
        mode: `"valid"`, `"ignore_borders"`, `"half"`, `"full"` or `"wrap_centered"`.

    Returns:
        `(windows, elements per window)`.

    Raises:
        ValueError: for any other mode, or if the windows do not fit and the mode does not crop.
    """
    x, window = jnp.asarray(ten4), sizes(neib_shape)
    step = window if neib_step is None else sizes(neib_step)
    pads = {"half": [k // 2 for k in window], "full": [k - 1 for k in window]}
    if mode not in ("valid", "ignore_borders", "wrap_centered", *pads):
        raise ValueError(f"images2neibs has no mode {mode!r}")
    pad = pads.get(mode, [0, 0])
    x = jnp.pad(x, [(0, 0), (0, 0), *((p, p) for p in pad)])
    places = [
        _places(size, k, by, mode) for size, k, by in zip(x.shape[2:], window, step, strict=True)
    ]
    taken = jnp.take(jnp.take(x, places[1], 3), places[0], 2)  # batch, channels, i, k, j, l
    return jnp.swapaxes(taken, 3, 4).reshape(-1, math.prod(window))


def _places(size, window, step, mode):
    """The indices of each window along one axis."""
    within = np.arange(window)
    if mode == "wrap_centered":
        starts = np.arange(-(-size // step)) * step - window // 2
        return (starts[:, None] + within) % size
    left = size - window
    if left < 0 or (mode != "ignore_borders" and left % step):
        raise ValueError(
            f"images2neibs: windows of {window} in steps of {step} do not fit {size} elements "
            f"in mode {mode!r}"
        )
    return np.arange(left // step + 1)[:, None] * step + within


@typed(lambda neibs, *more, **others: TensorType(neibs.dtype, (False,) * 4))
def neibs2images(neibs, neib_shape, original_shape, mode="valid"):
    """The inverse of `images2neibs`, for windows that do not overlap."""
    (c, d), (batch, channels, rows, columns) = sizes(neib_shape), sizes(original_shape)
    if mode not in ("valid", "ignore_borders"):
        raise ValueError(f"neibs2images: mode is 'valid' or 'ignore_borders', not {mode!r}")
    blocks = jnp.reshape(neibs, (batch, channels, rows // c, columns // d, c, d))
    whole = jnp.swapaxes(blocks, 3, 4).reshape(batch, channels, rows // c * c, columns // d * d)
    return jnp.pad(whole, [(0, 0), (0, 0), (0, rows % c), (0, columns % d)])
