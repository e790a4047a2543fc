"""`tf.image`: measures of pictures, and boxes in them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook import ops
from hornbook.compat.tensorflow.arrays import sizes
from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow.images import convert_image_dtype, random_source
from hornbook.core.symbolic import op

# ---- comparisons


@op
def total_variation(images: Any, name: str | None = None) -> jax.Array:
    """Sums of differences of neighbours, for each picture."""
    x, axes = jnp.asarray(images), (-3, -2, -1)
    down, right = jnp.diff(x, axis=-3), jnp.diff(x, axis=-2)
    return jnp.sum(jnp.abs(down), axes) + jnp.sum(jnp.abs(right), axes)


@op
def image_gradients(image: Any) -> tuple:
    """Differences to the next row and to the next column; the last is 0."""
    x = jnp.asarray(image)
    down = jnp.pad(jnp.diff(x, axis=1), [(0, 0), (0, 1), (0, 0), (0, 0)])
    return down, jnp.pad(jnp.diff(x, axis=2), [(0, 0), (0, 0), (0, 1), (0, 0)])


@op
def sobel_edges(image: Any) -> jax.Array:
    """The gradients of pictures down and to the right, along a new last axis."""
    x = jnp.pad(jnp.asarray(image), [(0, 0), (1, 1), (1, 1), (0, 0)], "reflect")
    height, width = x.shape[1] - 2, x.shape[2] - 2

    def difference(far: Any, smooth: Any) -> jax.Array:
        return far(2, smooth) - far(0, smooth)

    def across(k: int, axis: int) -> jax.Array:
        rows = jax.lax.slice_in_dim(x, k, k + x.shape[axis] - 2, axis=axis)
        other, count = 3 - axis, (height, width)[2 - axis]
        first, second, third = (
            jax.lax.slice_in_dim(rows, n, n + count, axis=other) for n in range(3)
        )
        return first + 2 * second + third

    return jnp.stack([difference(across, 1), difference(across, 2)], -1)


@op
def psnr(a: Any, b: Any, max_val: Any, name: str | None = None) -> jax.Array:
    """Peak signal-to-noise ratios in dB, for each picture."""
    x, y = (convert_image_dtype(jnp.asarray(one), "float32") for one in (a, b))
    top = (
        max_val / float(as_dtype(jnp.asarray(a).dtype).max)
        if jnp.asarray(a).dtype.kind in ("iu")
        else max_val
    )
    error = jnp.mean(jnp.square(x - y), (-3, -2, -1))
    return 20 * jnp.log10(jnp.float32(top)) - 10 * jnp.log10(error)


def ssim(
    img1: Any,
    img2: Any,
    max_val: Any,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    return_index_map: bool = False,
) -> Any:
    """Structural similarities, for each picture."""
    found, _ = _ssim(img1, img2, max_val, size=filter_size, sigma=filter_sigma, k1=k1, k2=k2)
    return ops.mean(found, -1) if return_index_map else ops.mean(found, (-3, -2, -1))


@op
def _ssim(
    one: Any, two: Any, top: Any, size: int = 11, sigma: float = 1.5, k1: float = 0, k2: float = 0
) -> tuple:
    """Similarity, and that of contrast alone, of each window and channel."""
    whole = jnp.asarray(one).dtype.kind in "iu"
    top = top / float(as_dtype(jnp.asarray(one).dtype).max) if whole else top
    x, y = (convert_image_dtype(jnp.asarray(image), "float32") for image in (one, two))
    c1, c2 = (k1 * top) ** 2, (k2 * top) ** 2
    place = np.arange(size) - (size - 1) / 2
    row = np.exp(-(place**2) / (2 * sigma**2))
    row = (row / row.sum()).astype("float32")

    def blurred(z: jax.Array) -> jax.Array:
        for axis in (-3, -2):
            count = z.shape[axis] - size + 1
            z = sum(
                weight * jax.lax.slice_in_dim(z, k, k + count, axis=axis % z.ndim)
                for k, weight in enumerate(row)
            )
        return z

    mean_x, mean_y = blurred(x), blurred(y)
    near = 2 * mean_x * mean_y + c1, jnp.square(mean_x) + jnp.square(mean_y) + c1
    product = blurred(x * y) * 2 - 2 * mean_x * mean_y
    squares = blurred(jnp.square(x) + jnp.square(y)) - jnp.square(mean_x) - jnp.square(mean_y)
    contrast = (product + c2) / (squares + c2)
    return near[0] / near[1] * contrast, contrast


def ssim_multiscale(
    img1: Any,
    img2: Any,
    max_val: Any,
    power_factors: Any = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333),
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Any:
    """Structural similarities over several scales, for each picture."""
    pictures, found = [img1, img2], []
    for scale in range(len(power_factors)):
        if scale:
            pictures = [
                ops.average_pool(_even(one), 2, 2, "valid", "channels_last") for one in pictures
            ]
        both = _ssim(
            pictures[0], pictures[1], max_val, size=filter_size, sigma=filter_sigma, k1=k1, k2=k2
        )
        found.append(ops.mean(both[0 if scale == len(power_factors) - 1 else 1], (-3, -2)))
    product = 1
    for one, power in zip(found, power_factors, strict=True):
        product = product * ops.power(ops.relu(one), power)
    return ops.mean(product, -1)


def _even(image: Any) -> Any:
    """A picture with its last row and column repeated, where their number is odd."""
    height, width = image.shape[-3:-1]
    pads = [(0, 0)] * (len(image.shape) - 3) + [(0, height % 2), (0, width % 2), (0, 0)]
    return ops.pad(image, pads, "symmetric")


# ---- boxes


def non_max_suppression(
    boxes: Any,
    scores: Any,
    max_output_size: Any,
    iou_threshold: float = 0.5,
    score_threshold: float = float("-inf"),
    name: str | None = None,
) -> Any:
    """Indices of boxes by falling score, without those that overlap a better one too much."""
    corners, values = np.asarray(boxes, "float32"), np.asarray(scores)
    low = np.minimum(corners[:, :2], corners[:, 2:])
    high = np.maximum(corners[:, :2], corners[:, 2:])
    areas = np.prod(high - low, -1)
    kept: list[int] = []
    for k in np.argsort(-values, kind="stable"):
        if len(kept) >= int(max_output_size) or values[k] <= score_threshold:
            break
        shared = np.prod(
            np.clip(np.minimum(high[kept], high[k]) - np.maximum(low[kept], low[k]), 0, None), -1
        )
        if not np.any(shared / np.maximum(areas[kept] + areas[k] - shared, 1e-12) > iou_threshold):
            kept.append(int(k))
    return jnp.asarray(np.array(kept, "int32"))


def draw_bounding_boxes(images: Any, boxes: Any, colors: Any, name: str | None = None) -> Any:
    """Batches of pictures with boxes drawn: top, left, bottom and right from 0 to 1."""
    made = np.array(images)
    height, width = made.shape[1:3]
    palette = np.asarray(colors, made.dtype)
    for picture, own in zip(made, np.asarray(boxes), strict=True):
        for k, (top, left, bottom, right) in enumerate(own):
            y0, y1 = (int(np.clip(v * (height - 1), 0, height - 1)) for v in (top, bottom))
            x0, x1 = (int(np.clip(v * (width - 1), 0, width - 1)) for v in (left, right))
            color = palette[k % len(palette)][: made.shape[-1]]
            picture[[y0, y1], x0 : x1 + 1] = color
            picture[y0 : y1 + 1, [x0, x1]] = color
    return jnp.asarray(made)


def sample_distorted_bounding_box(
    image_size: Any,
    bounding_boxes: Any,
    seed: Any = None,
    min_object_covered: float = 0.1,
    aspect_ratio_range: Any = (0.75, 1.33),
    area_range: Any = (0.05, 1.0),
    max_attempts: int = 100,
    use_image_if_no_bounding_boxes: bool = False,
    name: str | None = None,
) -> tuple:
    """A random part of a picture that shows enough of one of its boxes.

    Args:
        image_size: rows, columns and channels of the picture.
        bounding_boxes: `(batch, boxes, 4)`: top, left, bottom and right from 0 to 1.
        seed: seed of the random numbers.
        min_object_covered: share of a box that the part must contain.
        aspect_ratio_range: smallest and largest ratio of width to height.
        area_range: smallest and largest share of the picture.
        max_attempts: number of parts that are tried; the result is the whole picture after them.
        use_image_if_no_bounding_boxes: take the whole picture as the box if there is none.
        name: not used.

    Returns:
        Arguments of `tf.slice`: a position and a size; and the part as a box `(1, 1, 4)`.

    Raises:
        ValueError: if there is no box.
    """
    height, width = sizes(image_size)[:2]
    boxes = np.asarray(bounding_boxes, "float32").reshape(-1, 4)
    if not len(boxes):
        if not use_image_if_no_bounding_boxes:
            raise ValueError(
                "sample_distorted_bounding_box: there are no boxes; "
                "pass use_image_if_no_bounding_boxes=True to choose from the whole picture"
            )
        boxes = np.array([[0, 0, 1, 1]], "float32")
    edges = boxes * np.array([height, width, height, width], "float32")
    source = random_source("box", seed)
    part = 0, 0, height, width
    for _ in range(max_attempts):
        tried = _random_part(source, height, width, aspect_ratio_range, area_range)
        if tried and np.any(_covered(tried, edges) >= min_object_covered):
            part = tried
            break
    top, left, rows, columns = part
    box = top / height, left / width, (top + rows) / height, (left + columns) / width
    return (
        np.array([top, left, 0], "int32"),
        np.array([rows, columns, -1], "int32"),
        np.array(box, "float32").reshape(1, 1, 4),
    )


def _random_part(source: Any, height: int, width: int, ratios: Any, areas: Any) -> tuple | None:
    """Top, left, rows and columns of a part of one of the ratios and areas, if it fits."""
    ratio = source.uniform(*ratios)
    low, high = (float(share) * height * width for share in areas)
    fewest, most = (round(float(np.sqrt(area / ratio))) for area in (low, high))
    most = min(most, height, int((width + 0.499) / ratio))
    rows = int(source.uniform(min(fewest, most), most + 1))
    columns = round(rows * ratio)
    if not (0 < rows <= height and 0 < columns <= width and low <= rows * columns <= high):
        return None
    places = (source.uniform(0, one + 1) for one in (height - rows, width - columns))
    return *map(int, places), rows, columns


def _covered(part: tuple, edges: np.ndarray) -> np.ndarray:
    """The share of each box that a part contains."""
    first, last = np.array(part[:2]), np.add(part[:2], part[2:])
    inside = np.minimum(last, edges[:, 2:]) - np.maximum(first, edges[:, :2])
    return np.prod(np.clip(inside, 0, None), -1) / np.prod(edges[:, 2:] - edges[:, :2], -1)
