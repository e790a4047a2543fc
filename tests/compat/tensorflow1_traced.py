"""Functions of TensorFlow 1 in a layer's call, where the values are being traced.

Where TensorFlow 2 is installed, `python -m tests.compat.tensorflow1_traced` records the sums.
"""

import json
from pathlib import Path

import numpy as np

SUMS = Path(__file__).with_name("tensorflow1_traced.json")
X = np.arange(1, 33, dtype="float32").reshape(2, 4, 4, 1) / 10
RESIZED = {
    f"{kind}_{rows}_{align}_{centers}": (kind, (rows, rows + 1), align, centers)
    for kind in ("area", "bicubic", "bilinear", "nearest_neighbor")
    for rows in (3, 4, 7)
    for align, centers in ((False, False), (True, False), (False, True))
    if kind != "area" or not centers
}


def cases(tf):
    """Functions of `X` by name."""
    made = {
        "reduce": lambda x: tf.reduce_mean(x, axis=1, keep_dims=True),
        "reduce2": lambda x: tf.reduce_sum(x, reduction_indices=[1, 2]),
        "concat": lambda x: tf.concat([x, x * 2], axis=-1),
        "concat0": lambda x: tf.concat([x, tf.zeros_like(x)], 3),
        "stack": lambda x: tf.stack([x, x], axis=1),
        "unstack": lambda x: tf.unstack(x, axis=1)[0],
        "split": lambda x: tf.split(x, 2, axis=1)[1],
        "expand": lambda x: tf.expand_dims(x, 1),
        "squeeze": lambda x: tf.squeeze(x, axis=3),
        "squeeze_dims": lambda x: tf.squeeze(x, squeeze_dims=[3]),
        "transpose": lambda x: tf.transpose(x, [0, 2, 1, 3]),
        "tile": lambda x: tf.tile(x, [1, 2, 1, 1]),
        "reshape": lambda x: tf.reshape(x, [tf.shape(x)[0], -1]),
        "reshape3": lambda x: tf.reshape(
            x, tf.stack([tf.shape(x)[0], tf.shape(x)[1] * tf.shape(x)[2]])
        ),
        "gather": lambda x: tf.gather(x, [0, 1], axis=1),
        "where": lambda x: tf.where(x > 1.0, x, tf.zeros_like(x)),
        "where_eq": lambda x: tf.where(tf.equal(x, 1.0), tf.ones_like(x), x),
        "resize": lambda x: tf.image.resize_images(x, (8, 8)),
        "resize_b": lambda x: tf.image.resize_bilinear(x, (8, 8)),
        "resize_n": lambda x: tf.image.resize_nearest_neighbor(x, [8, 8]),
        "resize_bc": lambda x: tf.image.resize_bicubic(x, [8, 8]),
        "l2": lambda x: tf.nn.l2_normalize(x, dim=1),
        "softmax": lambda x: tf.nn.softmax(x, dim=1),
        "to_float": lambda x: tf.to_float(tf.to_int32(x)),
        "one_hot": lambda x: tf.one_hot(tf.cast(x[:, 0, 0, 0], tf.int32), 5),
        "matmul": lambda x: tf.matmul(x[..., 0], x[..., 0], transpose_b=True),
        "batch_matmul": lambda x: tf.matmul(tf.transpose(x[..., 0], perm=[0, 2, 1]), x[..., 0]),
        "log": lambda x: tf.log(x),
        "clip": lambda x: tf.clip_by_value(x, 0.5, 1.0),
        "map_fn": lambda x: tf.map_fn(lambda r: r * 2, x),
        "map_fn2": lambda x: tf.map_fn(lambda r: r[0] + r[1], (x, x), dtype=tf.float32),
        "scan": lambda x: tf.scan(lambda a, b: a + b, tf.transpose(x, [1, 0, 2, 3])),
        "cond": lambda x: tf.cond(tf.reduce_sum(x) > 0, lambda: x, lambda: -x),
        "while": lambda x: tf.while_loop(
            lambda i, a: i < 3, lambda i, a: (i + 1, a * 2), [tf.constant(0), x]
        )[1],
        "conv": lambda x: tf.nn.conv2d(
            x, tf.ones((3, 3, 1, 2)), strides=[1, 1, 1, 1], padding="SAME"
        ),
        "pool": lambda x: tf.nn.max_pool(
            x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME"
        ),
        "avg": lambda x: tf.nn.avg_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "VALID"),
        "s2d": lambda x: tf.space_to_depth(x, block_size=2),
        "d2s": lambda x: tf.depth_to_space(tf.tile(x, [1, 1, 1, 4]), 2),
        "patches": lambda x: tf.extract_image_patches(
            x, ksizes=[1, 2, 2, 1], strides=[1, 2, 2, 1], rates=[1, 1, 1, 1], padding="SAME"
        ),
        "top_k": lambda x: tf.nn.top_k(tf.reshape(x, (-1, 16)), k=3)[0],
        "top_k2": lambda x: tf.nn.top_k(tf.reshape(x, (-1, 16)), k=3, sorted=True, name="t").values,
        "argmax": lambda x: tf.cast(tf.argmax(x, axis=1), "float32"),
        "pad": lambda x: tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], "REFLECT"),
        "pad2": lambda x: tf.pad(x, tf.constant([[0, 0], [1, 1], [1, 1], [0, 0]])),
        "reverse": lambda x: tf.reverse(x, axis=[1]),
        "meshgrid": lambda x: x[..., 0] + tf.meshgrid(tf.range(4.0), tf.range(4.0))[0],
        "linspace": lambda x: x[..., 0] * tf.linspace(0.0, 1.0, 4),
        "mask": lambda x: tf.reduce_sum(
            tf.where(tf.is_nan(x), tf.zeros_like(x), x), axis=[1, 2, 3]
        ),
        "gather_nd": lambda x: tf.gather_nd(tf.transpose(x[..., 0], [1, 2, 0]), [[0, 0], [1, 1]]),
        "moments": lambda x: tf.nn.moments(x, axes=[1, 2], keep_dims=True)[0],
        "div": lambda x: tf.div(x, 2.0),
        "norm": lambda x: tf.norm(x, axis=1),
        "flip": lambda x: tf.image.flip_left_right(x),
        "sce": lambda x: tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=x),
        "smce": lambda x: tf.nn.softmax_cross_entropy_with_logits(
            labels=x[..., 0], logits=x[..., 0]
        ),
        "identity": lambda x: tf.identity(x, name="out"),
        "shape": lambda x: x / tf.cast(tf.shape(x)[1], tf.float32),
        "fill": lambda x: x + tf.fill([4, 4, 1], 2.0),
        "zeros": lambda x: x + tf.zeros(tf.shape(x)),
        "ones": lambda x: x + tf.ones([tf.shape(x)[0], 1, 1, 1]),
        "const": lambda x: x * tf.constant([1.0, 2, 3, 4])[None, :, None, None],
        "get_shape": lambda x: (
            x * int(x.get_shape()[1]) + x.get_shape().as_list()[2] + x.get_shape()[1].value
        ),
        "shape_list": lambda x: x * x.shape.as_list()[1],
        "batch_to": lambda x: tf.batch_to_space_nd(
            tf.space_to_batch_nd(x, [2, 2], [[0, 0], [0, 0]]), [2, 2], [[0, 0], [0, 0]]
        ),
        "einsum": lambda x: tf.einsum("bijc,bkjc->bik", x, x),
        "cumsum": lambda x: tf.cumsum(x, axis=1, exclusive=True),
        "rot": lambda x: tf.image.rot90(x),
        "crop": lambda x: tf.image.central_crop(x[0], 0.5)[None],
        "crop_resize": lambda x: tf.image.crop_and_resize(x, [[0.0, 0.0, 1.0, 1.0]], [0], [2, 2]),
        "relu6": lambda x: (
            tf.nn.relu6(x) + tf.nn.leaky_relu(x, alpha=0.1) + tf.nn.elu(x) + tf.nn.softplus(x)
        ),
        "lrn": lambda x: tf.nn.lrn(x, 2),
        "batch_norm": lambda x: tf.nn.batch_normalization(x, 0.0, 1.0, None, None, 1e-3),
        "conv_t": lambda x: tf.nn.conv2d_transpose(
            x, tf.ones((2, 2, 3, 1)), [tf.shape(x)[0], 8, 8, 3], [1, 2, 2, 1]
        ),
        "dw": lambda x: tf.nn.depthwise_conv2d(x, tf.ones((3, 3, 1, 1)), [1, 1, 1, 1], "SAME"),
        "scatter": lambda x: tf.scatter_nd([[0], [2]], tf.ones((2, 3)), [4, 3]) + 0 * x[0, 0, 0, 0],
        "set_shape": lambda x: (x.set_shape([None, 4, 4, 1]), x)[1],
        "eye": lambda x: x[..., 0] + tf.eye(4),
        "diag": lambda x: (
            tf.matrix_diag(x[:, :, 0, 0]) + tf.matrix_band_part(tf.ones((4, 4)), -1, 0)
        ),
        "rgb": lambda x: tf.image.rgb_to_grayscale(tf.image.grayscale_to_rgb(x)),
        "ssim": lambda x: tf.image.total_variation(x),
        "pow": lambda x: (
            tf.pow(x, 2) + tf.square(x) + tf.sqrt(x) + tf.rsqrt(x) + tf.sign(x) + tf.floor(x)
        ),
        "logical": lambda x: tf.cast(tf.logical_and(x > 1.0, tf.logical_not(x > 2.0)), "float32"),
        "add_n": lambda x: tf.add_n([x, x]) + tf.accumulate_n([x, x]),
        "tensordot": lambda x: tf.tensordot(x[..., 0], tf.ones((4, 3)), axes=[[2], [0]]),
        "nn_rnn": lambda x: tf.foldl(lambda a, b: a + b, x),
        "minimum": lambda x: tf.minimum(tf.maximum(x, 0.5), 1.0) + tf.squared_difference(x, 1.0),
    }

    def resized(kind, size, align, centers):
        options = {"half_pixel_centers": True} if centers else {}
        function = getattr(tf.image, f"resize_{kind}")
        return lambda x: function(x, size, align_corners=align, **options)

    return made | {name: resized(*given) for name, given in RESIZED.items()}


def sums(value):
    """The shape and two sums of an array, one of them weighted by position."""
    value = np.asarray(value, np.float64)
    ramp = np.cos(np.arange(value.size)).reshape(value.shape)
    return [*value.shape, round(float(value.sum()), 3), round(float((value * ramp).sum()), 3)]


def main():
    """Record the sums of TensorFlow."""
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    with tf.Session() as session:
        x = tf.placeholder(tf.float32, (None, 4, 4, 1))
        found = {
            name: sums(session.run(function(x), {x: X})) for name, function in cases(tf).items()
        }
    lines = (f"  {json.dumps(name)}: {json.dumps(one)}" for name, one in found.items())
    SUMS.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
