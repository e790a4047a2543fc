"""Programs for TensorFlow 1, each of which returns numbers.

Where TensorFlow 2 is installed, `python -m tests.compat.tensorflow1_programs` records them.
"""

import json
import tempfile
from pathlib import Path

import numpy as np

VALUES = Path(__file__).with_name("tensorflow1_values.json")


def _numbers(seed):
    rng = np.random.RandomState(seed)
    return lambda *shape: rng.standard_normal(shape).astype("float32") * np.float32(0.3)


def a_line_is_fitted(tf):
    """Placeholders without shapes, a step for each sample, methods of tensors and operations."""
    draw = _numbers(0)
    xs = draw(20)
    x, y = tf.placeholder("float"), tf.placeholder("float", name="y")
    w, b = tf.Variable(0.5, name="slope"), tf.Variable(-0.25, name="height")
    cost = tf.reduce_sum(tf.pow(tf.add(tf.multiply(x, w), b) - y, 2)) / (2 * len(xs))
    step = tf.train.GradientDescentOptimizer(0.5).minimize(cost)
    with tf.Session() as sess:
        tf.global_variables_initializer().run()
        for _ in range(3):
            for one in xs:
                step.run({x: one, y: 3 * one + 1})
        fed = {x: xs, "y:0": 3 * xs + 1}
        return [cost.eval(fed), w.eval(), *sess.run([b, cost], fed), len(tf.trainable_variables())]


def _trained(tf, optimizer):
    draw = _numbers(1)
    x = tf.placeholder(tf.float32, [None, 6])
    labels = tf.placeholder(tf.int64, [None])
    step = tf.Variable(0, trainable=False, name="global_step")
    w, b = tf.Variable(draw(6, 3)), tf.Variable(tf.zeros([3]))
    logits = tf.nn.xw_plus_b(x, w, b)
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    )
    rate = tf.train.exponential_decay(0.1, step, 2, 0.5, staircase=True)
    train = optimizer(rate).minimize(loss, global_step=step)
    right = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), labels), tf.float32))
    fed = {x: draw(9, 6), labels: np.arange(9) % 3}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        losses = [sess.run([loss, train], fed)[0] for _ in range(4)]
        return [*losses, *sess.run((right, rate, step), fed)]


def gradient_descent(tf):
    return _trained(tf, tf.train.GradientDescentOptimizer)


def momentum(tf):
    return _trained(tf, lambda rate: tf.train.MomentumOptimizer(rate, 0.9, use_nesterov=True))


def adam(tf):
    return _trained(tf, tf.train.AdamOptimizer)


def adagrad(tf):
    return _trained(tf, tf.train.AdagradOptimizer)


def rmsprop(tf):
    return _trained(tf, lambda rate: tf.train.RMSPropOptimizer(rate, momentum=0.5))


def a_network_of_pictures(tf):
    """Convolution, pooling, sizes that are known at a run, dropout that is fed, moving averages."""
    draw = _numbers(2)
    x = tf.placeholder(tf.float32, [None, 64])
    keep = tf.placeholder(tf.float32)
    pictures = tf.reshape(x, [-1, 8, 8, 1])
    kernel, out = tf.Variable(draw(3, 3, 1, 4)), tf.Variable(draw(64, 2))
    h = tf.nn.relu(tf.nn.conv2d(pictures, kernel, strides=[1, 1, 1, 1], padding="SAME"))
    h = tf.nn.max_pool(h, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
    flat = tf.reshape(h, tf.stack([tf.shape(x)[0], 64]))
    dropped = tf.nn.dropout(flat, rate=1 - keep)
    labels = tf.one_hot([0, 1, 0], 2)
    logits = tf.matmul(dropped, out)
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    optimizer = tf.train.AdamOptimizer(0.05)
    pairs = [(tf.clip_by_norm(g, 0.5), v) for g, v in optimizer.compute_gradients(loss)]
    average = tf.train.ExponentialMovingAverage(0.5)
    with tf.control_dependencies([optimizer.apply_gradients(pairs)]):
        train = average.apply([out])
    fed = {x: draw(3, 64), keep: 1.0}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        losses = [sess.run([loss, train], fed)[0] for _ in range(3)]
        shape, averaged = sess.run([tf.shape(flat), average.average(out)], fed)
        return [*losses, *shape, np.abs(averaged).sum(), flat.get_shape().as_list()[1]]


def two_players(tf):
    """Two lists of variables by scope; a network that is made twice with the same variables."""
    draw = _numbers(3)

    def judge(x, reuse):
        with tf.variable_scope("judge", reuse=reuse):
            w = tf.get_variable("w", initializer=tf.constant(first))
            return tf.matmul(tf.nn.leaky_relu(x), w)

    first, real = draw(4, 1), draw(5, 4)
    z = tf.placeholder(tf.float32, [None, 2])
    with tf.variable_scope("maker"):
        made = tf.matmul(z, tf.get_variable("w", initializer=tf.constant(draw(2, 4))))
    true, false = judge(tf.constant(real), False), judge(made, True)
    cross = tf.nn.sigmoid_cross_entropy_with_logits
    d_loss = tf.reduce_mean(cross(labels=tf.ones_like(true), logits=true)) + tf.reduce_mean(
        cross(labels=tf.zeros_like(false), logits=false)
    )
    g_loss = tf.reduce_mean(cross(labels=tf.ones_like(false), logits=false))
    lists = [[v for v in tf.trainable_variables() if k in v.name] for k in ("judge", "maker")]
    steps = [
        tf.train.AdamOptimizer(0.02).minimize(loss, var_list=listed)
        for loss, listed in zip((d_loss, g_loss), lists, strict=True)
    ]
    fed = {z: draw(5, 2)}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(3):
            sess.run(steps[0], fed)
            sess.run(steps[1], fed)
        return [*sess.run([d_loss, g_loss], fed), *map(len, lists)]


def a_file_is_read_back(tf):
    """A saver, the number of a step in the file's name, and the latest file."""
    v = tf.Variable([1.0, 2.0], name="v")
    twice = tf.assign(v, 2 * v)
    counter = tf.Variable(3, name="counter", trainable=False)
    saver = tf.train.Saver()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model")
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            sess.run(twice)
            saved = saver.save(sess, path, global_step=counter)
            sess.run(twice)
            after = sess.run(v)
        with tf.Session() as sess:
            saver.restore(sess, tf.train.latest_checkpoint(folder))
            return [*after, *sess.run(v), int(saved.rpartition("-")[2])]


def conditions_and_loops(tf):
    """Branches that assign, loops with gradients, and the order of control inputs."""
    x = tf.placeholder(tf.float32, [3])
    count, total = tf.Variable(0), tf.Variable(0.0)
    chosen = tf.cond(
        tf.reduce_sum(x) > 0, lambda: tf.assign_add(total, 2.0), lambda: tf.identity(total)
    )
    _, powers = tf.while_loop(lambda i, y: i < 4, lambda i, y: (i + 1, y * x), [0, tf.ones([3])])
    slope = tf.gradients(powers, x)[0]
    with tf.control_dependencies([tf.assign_add(count, 1)]):
        after = tf.identity(count) * 10
    mapped = tf.map_fn(lambda one: one * one, x)
    summed = tf.scan(lambda a, b: a + b, x)
    kept = tf.boolean_mask(x, x > 0)
    (curve,) = tf.gradients(tf.gradients(x**3, x)[0], x)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        fed = {x: [1.0, -2.0, 3.0]}
        found = sess.run([chosen, powers, slope, after, mapped, summed, kept, curve], fed)
        again = sess.run([chosen, after], {x: [-1.0, -2.0, 3.0 - 5.0]})
        return [float(n) for one in (*found, *again) for n in np.ravel(one)]


PROGRAMS = {
    program.__name__: program
    for program in (
        a_line_is_fitted,
        gradient_descent,
        momentum,
        adam,
        adagrad,
        rmsprop,
        a_network_of_pictures,
        two_players,
        a_file_is_read_back,
        conditions_and_loops,
    )
}


def main():
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    found = {}
    for name, program in PROGRAMS.items():
        print(name, flush=True)
        with tf.Graph().as_default():
            found[name] = [float(number) for number in program(tf)]
    VALUES.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
