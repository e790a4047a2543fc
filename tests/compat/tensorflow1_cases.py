"""Layers, cells and losses of TensorFlow 1, each of which returns numbers and names.

Where TensorFlow 2 and tf_keras are installed, `TF_USE_LEGACY_KERAS=1 python -m
tests.compat.tensorflow1_cases` records them.
"""

import json
from pathlib import Path

import numpy as np

VALUES = Path(__file__).with_name("tensorflow1_cases.json")
MOST = 12  # numbers recorded of each array

# A layer of `x`: the sizes of `x` after the first, and a function.
LAYERS = {
    "dense": ((3,), lambda tf, x: tf.layers.dense(x, 4, tf.nn.relu, name="first")),
    "dense_of_sequences": ((2, 3), lambda tf, x: tf.layers.dense(x, 4, use_bias=False)),
    "dense_penalized": (
        (3,),
        lambda tf, x: tf.layers.dense(
            x,
            2,
            kernel_regularizer=lambda w: 0.5 * tf.reduce_sum(w * w),
            bias_regularizer=lambda w: 0.25 * tf.reduce_sum(w * w),
            activity_regularizer=lambda y: 0.125 * tf.reduce_sum(y * y),
        ),
    ),
    "dense_constrained": (
        (3,),
        lambda tf, x: tf.layers.dense(x, 2, kernel_constraint=tf.nn.relu, bias_constraint=tf.abs),
    ),
    "dense_object": ((3,), lambda tf, x: _twice(tf.layers.Dense(3, tf.tanh), x)),
    "conv1d": ((7, 2), lambda tf, x: tf.layers.conv1d(x, 3, 3, 2, "same", activation=tf.nn.elu)),
    "conv1d_dilated": ((7, 2), lambda tf, x: tf.layers.conv1d(x, 3, 2, dilation_rate=2)),
    "conv2d": ((5, 6, 2), lambda tf, x: tf.layers.conv2d(x, 3, 3, (2, 1), "SAME")),
    "conv2d_valid": ((5, 6, 2), lambda tf, x: tf.layers.conv2d(x, 3, [2, 3], dilation_rate=2)),
    "conv3d": ((3, 4, 3, 2), lambda tf, x: tf.layers.conv3d(x, 2, 2, padding="same")),
    "conv2d_transpose": (
        (3, 4, 2),
        lambda tf, x: tf.layers.conv2d_transpose(x, 3, 3, 2, "same", activation=tf.nn.relu),
    ),
    "conv2d_transpose_valid": (
        (3, 4, 2),
        lambda tf, x: tf.layers.conv2d_transpose(x, 3, [2, 3], (3, 2)),
    ),
    "conv3d_transpose": (
        (2, 3, 2, 2),
        lambda tf, x: tf.layers.conv3d_transpose(x, 2, 3, 2, "same"),
    ),
    "separable_conv1d": (
        (6, 2),
        lambda tf, x: tf.layers.separable_conv1d(x, 3, 3, 2, "same", depth_multiplier=2),
    ),
    "separable_conv2d": (
        (5, 5, 2),
        lambda tf, x: tf.layers.separable_conv2d(
            x, 3, 3, 1, "same", dilation_rate=2, depth_multiplier=2, activation=tf.nn.relu
        ),
    ),
    "max_pooling1d": ((7, 2), lambda tf, x: tf.layers.max_pooling1d(x, 3, 2, "same")),
    "average_pooling1d": ((7, 2), lambda tf, x: tf.layers.average_pooling1d(x, 3, 2, "same")),
    "max_pooling2d": ((5, 6, 2), lambda tf, x: tf.layers.max_pooling2d(x, [2, 3], 2)),
    "average_pooling2d": ((5, 6, 2), lambda tf, x: tf.layers.average_pooling2d(x, 3, 2, "same")),
    "max_pooling3d": ((4, 4, 4, 1), lambda tf, x: tf.layers.max_pooling3d(x, 2, 2)),
    "average_pooling3d": ((4, 4, 4, 1), lambda tf, x: tf.layers.average_pooling3d(x, 2, 2)),
    "flatten": ((2, 3, 2), lambda tf, x: tf.layers.flatten(x)),
    "batch_normalization": (
        (3, 2),
        lambda tf, x: tf.layers.batch_normalization(x, momentum=0.9, training=False),
    ),
    "batch_normalization_of_a_batch": (
        (3, 4, 2),
        lambda tf, x: tf.layers.batch_normalization(x, momentum=0.9, training=True),
    ),
    "batch_normalization_fed": (
        (3,),
        lambda tf, x: tf.layers.batch_normalization(
            x, scale=False, training=tf.placeholder_with_default(True, [])
        ),
    ),
    "dropout": ((3,), lambda tf, x: tf.layers.dropout(x, 0.5, training=False)),
    "scoped": ((3,), lambda tf, x: _scoped(tf, x)),
}


def _twice(layer, x):
    return layer(layer(x))


def _scoped(tf, x):
    """Scopes, variables that are used again, and names that are taken."""
    with tf.variable_scope("net", reuse=tf.AUTO_REUSE):
        a = tf.layers.dense(x, 3, name="same")
        b = tf.layers.dense(a, 3, name="same")
    with tf.variable_scope("net"):
        c = tf.layers.dense(b, 2)
    with tf.name_scope("names"):
        return tf.layers.dense(c, 2) + tf.layers.dense(c, 2)


def _cells(tf):
    cells = tf.nn.rnn_cell
    return {
        "BasicRNNCell": lambda: cells.BasicRNNCell(3),
        "BasicRNNCell_relu": lambda: cells.BasicRNNCell(3, tf.nn.relu, name="mine"),
        "GRUCell": lambda: cells.GRUCell(3),
        "BasicLSTMCell": lambda: cells.BasicLSTMCell(3, forget_bias=0.5),
        "BasicLSTMCell_as_one": lambda: cells.BasicLSTMCell(3, state_is_tuple=False),
        "LSTMCell": lambda: cells.LSTMCell(3, activation=tf.nn.relu),
        "LSTMCell_peepholes": lambda: cells.LSTMCell(
            4, use_peepholes=True, cell_clip=0.2, num_proj=3, proj_clip=0.15, forget_bias=0.0
        ),
        "MultiRNNCell": lambda: cells.MultiRNNCell(
            [cells.BasicLSTMCell(2), cells.GRUCell(3), cells.LSTMCell(3)]
        ),
        "MultiRNNCell_as_one": lambda: cells.MultiRNNCell(
            [cells.GRUCell(2), cells.GRUCell(3)], state_is_tuple=False
        ),
        "DropoutWrapper": lambda: cells.DropoutWrapper(cells.GRUCell(3), output_keep_prob=1.0),
        "ResidualWrapper": lambda: cells.ResidualWrapper(cells.GRUCell(3)),
        "DeviceWrapper": lambda: cells.DeviceWrapper(cells.BasicRNNCell(3), "/cpu:0"),
    }


CELLS = (
    "BasicRNNCell BasicRNNCell_relu GRUCell BasicLSTMCell BasicLSTMCell_as_one LSTMCell "
    "LSTMCell_peepholes MultiRNNCell MultiRNNCell_as_one DropoutWrapper ResidualWrapper "
    "DeviceWrapper"
).split()


def _leaves(made):
    if isinstance(made, list | tuple):
        return [leaf for one in made for leaf in _leaves(one)]
    return [made]


def _found(tf, ends, fed):
    """Names and shapes; values, gradients and penalties after all variables are given numbers."""
    rng = np.random.RandomState(1)
    variables = tf.global_variables()
    loss = tf.add_n([tf.reduce_sum(tf.square(one)) for one in ends])
    trained = tf.trainable_variables()
    grads = tf.gradients(loss, [*fed, *trained])
    grads = [tf.convert_to_tensor(g) for g in grads if g is not None]  # some are sparse
    penalties = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    report = [v.name for v in variables] + [str(v in trained) for v in variables]
    report += [str(one.shape.as_list()) for one in ends]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for v in variables:
            drawn = rng.standard_normal(v.shape.as_list()).astype("float32") * np.float32(0.4)
            v.load(np.abs(drawn) + 0.1 if "variance" in v.name else drawn, sess)
        found = sess.run([*ends, *grads, *penalties], fed)
        if updates:
            sess.run(updates, fed)
            found += sess.run(variables)
    for one in found:
        flat = np.ravel(one).astype("float64")
        report += [*map(float, flat[:MOST]), float(flat.sum())]
    return report


def layer(tf, name):
    sizes, build = LAYERS[name]
    x = tf.placeholder(tf.float32, [None, *sizes], name="x")
    value = np.random.RandomState(0).standard_normal((2, *sizes)).astype("float32")
    return _found(tf, [build(tf, x)], {x: value})


def cell(tf, name):
    """One cell in a loop over rows of different lengths."""
    x = tf.placeholder(tf.float32, [None, 4, 3], name="x")
    value = np.random.RandomState(0).standard_normal((2, 4, 3)).astype("float32")
    made = _cells(tf)[name]()
    outputs, state = tf.nn.dynamic_rnn(made, x, [4, 2], dtype=tf.float32)
    return _found(tf, [outputs, *_leaves(state)], {x: value})


def unrolled(tf, name):
    """One cell in steps of their own, and from both ends."""
    x = tf.placeholder(tf.float32, [2, 3, 3], name="x")
    value = np.random.RandomState(0).standard_normal((2, 3, 3)).astype("float32")
    cells = _cells(tf)
    with tf.variable_scope("one"):
        outputs, state = tf.nn.static_rnn(cells[name](), tf.unstack(x, axis=1), dtype=tf.float32)
    both, ends = tf.nn.bidirectional_dynamic_rnn(
        cells[name](), cells[name](), x, [3, 2], dtype=tf.float32
    )
    return _found(tf, [*outputs, *_leaves(state), *both, *_leaves(ends)], {x: value})


def sampled(tf, name):
    """A loss of a few classes that were drawn, which are given here."""
    loss, options = {
        "nce_loss": (tf.nn.nce_loss, {}),
        "nce_loss_without_hits": (tf.nn.nce_loss, {"remove_accidental_hits": True}),
        "nce_loss_of_two": (tf.nn.nce_loss, {"num_true": 2}),
        "sampled_softmax_loss": (tf.nn.sampled_softmax_loss, {}),
        "sampled_softmax_loss_with_hits": (
            tf.nn.sampled_softmax_loss,
            {"remove_accidental_hits": False},
        ),
    }[name]
    count = options.get("num_true", 1)
    labels = np.arange(4 * count).reshape(4, count) % 7
    drawn = (
        tf.constant([1, 5, 6], tf.int64),
        tf.constant(np.linspace(0.1, 0.4, 4 * count).reshape(4, count), tf.float32),
        tf.constant([0.3, 0.2, 0.1], tf.float32),
    )
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    value = np.random.RandomState(0).standard_normal((4, 3)).astype("float32")
    weights, biases = tf.get_variable("weights", [7, 3]), tf.get_variable("biases", [7])
    made = loss(
        weights, biases, tf.constant(labels, tf.int64), x, 3, 7, sampled_values=drawn, **options
    )
    return _found(tf, [made], {x: value})


LOSSES = (
    "nce_loss nce_loss_without_hits nce_loss_of_two sampled_softmax_loss "
    "sampled_softmax_loss_with_hits"
).split()
UNROLLED = ("BasicRNNCell", "LSTMCell", "MultiRNNCell")
CASES = (
    *((layer, name) for name in LAYERS),
    *((cell, name) for name in CELLS),
    *((unrolled, name) for name in UNROLLED),
    *((sampled, name) for name in LOSSES),
)


def main():
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    found = {}
    for case, name in CASES:
        with tf.Graph().as_default():
            found[f"{case.__name__}-{name}"] = case(tf, name)
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(one)}" for key, one in found.items())
    VALUES.write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
