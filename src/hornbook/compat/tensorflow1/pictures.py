"""Resizing of pictures as in TensorFlow 1, which puts the corners of pixels on each other.

A resized picture is linear in each axis: a matrix of weights times the rows, and one times the
columns. TensorFlow 2 puts the centers of pixels on each other (`half_pixel_centers`).
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.compat.tensorflow1.applying import apply, convert
from hornbook.compat.theano import integers

BILINEAR, NEAREST, BICUBIC, AREA = range(4)  # `tf.image.ResizeMethod`
NO_METHOD = "resize_images: method {!r} is none of BILINEAR, NEAREST_NEIGHBOR, BICUBIC and AREA"


def weights(have: int, want: int, method: int, corners: bool, centers: bool) -> np.ndarray:
    """The matrix `(want, have)` that resizes an axis."""
    scale = (have - 1) / max(want - 1, 1) if corners else have / want
    places = np.arange(want) * scale
    if centers and not corners:
        places += (scale - 1) / 2
    if method == AREA:
        pixels = np.arange(have + math.ceil(scale) + 1)  # those beyond the last are like it
        starts = places[:, None]
        shared = np.minimum(starts + scale, pixels + 1) - np.maximum(starts, pixels)
        at, near = np.broadcast_to(pixels[:, None], shared.T.shape), np.maximum(shared, 0).T
    else:
        at, near = _neighbours(places, method, corners, centers)
    kept = (at >= 0) & (at < have) if method == BICUBIC and centers else True
    made = np.zeros((want, have))
    np.add.at(made, (np.arange(want), np.clip(at, 0, have - 1)), near * kept)
    return (made / made.sum(1, keepdims=True)).astype(np.float32)


def _neighbours(
    places: np.ndarray, method: int, corners: bool, centers: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The pixels around places, and their weights, both `(neighbours, places)`."""
    places = places.astype(np.float32)
    if method == NEAREST:
        moved = places + np.float32(0.5) if corners or centers else places
        return np.floor(moved).astype(int)[None], np.ones((1, len(places)))
    low = np.floor(places).astype(int)
    part = places - low
    if method == BILINEAR:
        return low + [[0], [1]], np.stack([1 - part, part])
    around = np.array([[-1], [0], [1], [2]])
    return low + around, _cubic(np.abs(part - around), -0.5 if centers else -0.75)


def _cubic(x: np.ndarray, a: float) -> np.ndarray:
    """Keys's kernel: R. G. Keys, Cubic convolution interpolation, 1981."""
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def _resize(images: Any, size: Any, method: int, corners: bool, centers: bool) -> jax.Array:
    x = jnp.asarray(images)
    kept = x.dtype if method == NEAREST else jnp.float32
    rows, columns = (
        jnp.asarray(weights(have, want, method, corners, centers))
        for have, want in zip(x.shape[-3:-1], integers.concretes(size), strict=True)
    )
    if method == NEAREST:  # any dtype, to the bit
        return x[..., jnp.argmax(rows, 1), :, :][..., jnp.argmax(columns, 1), :]
    return jnp.einsum("ph,qw,...hwc->...pqc", rows, columns, x.astype(jnp.float32)).astype(kept)


def _resizing(method: int, kind: str) -> Any:
    def resize(
        images: Any,
        size: Any,
        align_corners: bool = False,
        name: str | None = None,
        half_pixel_centers: bool = False,
    ) -> Any:
        given = (convert(images), size, method, bool(align_corners), bool(half_pixel_centers))
        return apply(_resize, given, name=name, kind=kind)

    resize.__doc__ = f"`{kind}`: pictures `(..., rows, columns, channels)` of another size."
    return resize


resize_bilinear = _resizing(BILINEAR, "ResizeBilinear")
resize_nearest_neighbor = _resizing(NEAREST, "ResizeNearestNeighbor")
resize_bicubic = _resizing(BICUBIC, "ResizeBicubic")
resize_area = _resizing(AREA, "ResizeArea")
BY_NAME = {"bilinear": BILINEAR, "nearest": NEAREST, "bicubic": BICUBIC, "area": AREA}
METHODS = (resize_bilinear, resize_nearest_neighbor, resize_bicubic, resize_area)


def resize_images(
    images: Any,
    size: Any,
    method: Any = BILINEAR,
    align_corners: bool = False,
    preserve_aspect_ratio: bool = False,
    name: str | None = None,
) -> Any:
    """`tf.image.resize_images`: floats, but for the nearest pixels, which keep their dtype.

    Args:
        images: `(samples, rows, columns, channels)` or `(rows, columns, channels)`.
        size: rows and columns wanted.
        method: a `tf.image.ResizeMethod`.
        align_corners: whether the centers of the corners are kept.
        preserve_aspect_ratio: whether the size is a bound, with the ratio kept.
        name: of the operation.

    Raises:
        ValueError: for an unknown method.
    """
    method = BY_NAME.get(method, method)
    if method not in range(len(METHODS)):
        raise ValueError(NO_METHOD.format(method))
    if preserve_aspect_ratio:
        have, bound = tuple(images.shape)[-3:-1], integers.concretes(size)
        ratio = min(b / h for h, b in zip(have, bound, strict=True))
        size = [max(1, math.floor(h * ratio + 0.5)) for h in have]
    return METHODS[method](images, size, align_corners=align_corners, name=name)


def _blocks(block_shape: Any, edges: Any) -> tuple[list[int], np.ndarray]:
    """The sizes of blocks and what is added or cut at the edges, as numbers."""
    block = [int(size) for size in integers.concretes(block_shape)]
    return block, np.asarray(edges, int).reshape(len(block), 2)


def _to_batch(x: Any, block_shape: Any, paddings: Any) -> jax.Array:
    block, paddings = _blocks(block_shape, paddings)
    x = jnp.pad(jnp.asarray(x), [(0, 0), *paddings.tolist(), *[(0, 0)] * (x.ndim - 1 - len(block))])
    samples, sizes, rest = x.shape[0], x.shape[1 : 1 + len(block)], x.shape[1 + len(block) :]
    split = [part for size, b in zip(sizes, block, strict=True) for part in (size // b, b)]
    axes = range(len(block))
    x = x.reshape(samples, *split, *rest).transpose(
        *(2 + 2 * k for k in axes),
        0,
        *(1 + 2 * k for k in axes),
        *range(1 + len(split), x.ndim + len(block)),
    )
    return x.reshape(-1, *split[::2], *rest)


def _from_batch(x: Any, block_shape: Any, crops: Any) -> jax.Array:
    block, crops = _blocks(block_shape, crops)
    x, m = jnp.asarray(x), len(block)
    sizes, rest = x.shape[1 : 1 + m], x.shape[1 + m :]
    x = x.reshape(*block, x.shape[0] // math.prod(block), *sizes, *rest)
    pairs = [axis for k in range(m) for axis in (m + 1 + k, k)]
    x = x.transpose(m, *pairs, *range(2 * m + 1, x.ndim))
    whole = [size * b for size, b in zip(sizes, block, strict=True)]
    kept = (slice(int(a), n - int(b)) for (a, b), n in zip(crops, whole, strict=True))
    return x.reshape(x.shape[0], *whole, *rest)[(slice(None), *kept)]


def space_to_batch_nd(input: Any, block_shape: Any, paddings: Any, name: Any = None) -> Any:
    """`tf.space_to_batch_nd`: positions in blocks become samples."""
    given = (convert(input), block_shape, paddings)
    return apply(_to_batch, given, name=name, kind="SpaceToBatchND")


def batch_to_space_nd(input: Any, block_shape: Any, crops: Any, name: Any = None) -> Any:
    """`tf.batch_to_space_nd`: the reverse of `space_to_batch_nd`."""
    given = (convert(input), block_shape, crops)
    return apply(_from_batch, given, name=name, kind="BatchToSpaceND")
