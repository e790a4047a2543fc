"""TensorFlow 1: programs print the numbers that TensorFlow computes."""

import json

import numpy as np
import pytest

import hornbook
from hornbook.compat import installed
from tests.compat import tensorflow1_cases as cases
from tests.compat import tensorflow1_traced
from tests.compat.tensorflow1_programs import PROGRAMS, VALUES

RECORDED = json.loads(VALUES.read_text())
KINDS = ("kernel", "bias")
CASES = json.loads(cases.VALUES.read_text())


@pytest.fixture
def tf():
    with installed("tf1"):
        import tensorflow

        yield tensorflow


@pytest.mark.parametrize("name", PROGRAMS)
def test_numbers_are_tensorflows(tf, name):
    with tf.Graph().as_default():
        found = [float(number) for number in PROGRAMS[name](tf)]
    np.testing.assert_allclose(found, RECORDED[name], rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("key", CASES)
def test_layers_cells_and_losses_are_tensorflows(tf, key):
    case, _, name = key.partition("-")
    with tf.Graph().as_default():
        found = getattr(cases, case)(tf, name)
    names, wanted = (
        [one for one in report if isinstance(one, str)] for report in (found, CASES[key])
    )
    assert names == wanted
    np.testing.assert_allclose(found[len(names) :], CASES[key][len(names) :], rtol=3e-5, atol=1e-5)


def test_cells_are_their_formulas_and_stop_at_the_ends_of_rows(tf):
    rng = np.random.RandomState(0)
    inputs, lengths = rng.rand(2, 3, 4).astype("float32"), [3, 1]
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder(tf.float32, [None, 3, 4])
        cell = tf.nn.rnn_cell.BasicLSTMCell(2)
        outputs, state = tf.nn.dynamic_rnn(cell, x, lengths, dtype=tf.float32)
        kernel, bias = tf.trainable_variables()
        assert kernel.name == "rnn/basic_lstm_cell/kernel:0"
        sess.run(tf.global_variables_initializer())
        (slope,) = tf.gradients(outputs, kernel)
        found, last, w, by = sess.run([outputs, state, kernel, slope], {x: inputs})
        moved = w.copy()
        moved[0, 0] += 1e-2
        kernel.load(moved, sess)
        higher = outputs.eval({x: inputs})
    c = h = np.zeros((2, 2))
    wanted = []

    def sigmoid(value):
        return 1 / (1 + np.exp(-value))

    for k in range(3):
        i, j, f, o = np.split(np.concatenate([inputs[:, k], h], 1) @ w, 4, 1)
        c_new = c * sigmoid(f + 1) + sigmoid(i) * np.tanh(j)
        h_new = np.tanh(c_new) * sigmoid(o)
        goes = (k < np.array(lengths))[:, None]
        c, h = np.where(goes, c_new, c), np.where(goes, h_new, h)
        wanted.append(np.where(goes, h_new, 0))
    np.testing.assert_allclose(found, np.stack(wanted, 1), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(last.h, h, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose((higher - found).sum() / 1e-2, by[0, 0], rtol=0.02)


def test_sequences_are_read_and_written(tf):
    """By cells that share their weights with the same cells in loops of their own."""
    seq2seq, rng = tf.contrib.legacy_seq2seq, np.random.RandomState(0)
    sources, targets = rng.randint(0, 5, (3, 2)), rng.randint(0, 4, (4, 2))
    with tf.Graph().as_default(), tf.Session() as sess:
        x = [tf.placeholder(tf.int32, [None]) for _ in sources]
        y = [tf.placeholder(tf.int32, [None]) for _ in targets]
        cell = tf.nn.rnn_cell.GRUCell(3)
        made = {}
        for feed, reuse in ((False, None), (True, True)):
            with tf.variable_scope("both", reuse=reuse):
                made[feed] = seq2seq.embedding_rnn_seq2seq(
                    x, y, cell if feed is None else tf.nn.rnn_cell.GRUCell(3), 5, 4, 2,
                    feed_previous=feed,
                )[0]  # fmt: skip
        names = {v.op.name: v for v in tf.trainable_variables()}
        loss = seq2seq.sequence_loss(made[False], y, [tf.ones([2])] * 4)
        by = tf.gradients(loss, [v for k, v in names.items() if k.endswith("embedding")])
        sess.run(tf.global_variables_initializer())
        fed = {**dict(zip(x, sources, strict=True)), **dict(zip(y, targets, strict=True))}
        logits, own, cost, slopes = sess.run([made[False], made[True], loss, by], fed)
        w = {k.removeprefix("both/embedding_rnn_seq2seq/"): v for k, v in sess.run(names).items()}
    assert sorted(w) == sorted(
        [f"{part}/gru_cell/{gate}/{kind}"
         for part in ("rnn/embedding_wrapper", "embedding_rnn_decoder/rnn_decoder")
         for gate in ("gates", "candidate") for kind in ("kernel", "bias")]
        + ["rnn/embedding_wrapper/embedding", "embedding_rnn_decoder/embedding"]
        + [f"embedding_rnn_decoder/rnn_decoder/output_projection_wrapper/{k}" for k in KINDS]
    )  # fmt: skip
    assert np.allclose(logits[0], own[0]) and [len(one) for one in own] == [2] * 4
    picked = np.take_along_axis(np.stack(logits), targets[..., None], 2)[..., 0]
    wanted = np.log(np.exp(logits).sum(2)) - picked
    np.testing.assert_allclose(cost, wanted.mean(0).mean(), rtol=1e-5)
    assert all(np.abs(slope).sum() > 0 for slope in slopes)


def test_what_cannot_be_run_is_told(tf):
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        v = tf.Variable(1.0)
        with pytest.raises(ValueError, match="must feed a value for placeholder tensor 'x'"):
            sess.run(x * 2)
        with pytest.raises(ValueError, match="Cannot feed value of shape"):
            sess.run(x * 2, {x: np.ones((2, 3))})
        with pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value Variable"):
            sess.run(v + 1)
        assert tf.is_tensor(x) and not tf.is_tensor(np.ones(2))  # matplotlib asks
        with pytest.raises(TypeError, match="tf.cond"):
            bool(x)
        with pytest.raises(ValueError, match="disallowed"):
            tf.get_variable("w", [2])
            tf.get_variable("w", [2])
        with pytest.raises(AttributeError, match="sparse_reorder"):
            _ = tf.sparse_reorder


def test_sizes_that_another_array_decides(tf):
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, None])
        centers = tf.Variable(np.zeros((3, 2), "float32"))
        apart = tf.squared_difference(tf.expand_dims(x, 0), tf.expand_dims(centers, 1))
        assert apart.shape.as_list() == [3, None, 2]


def test_numbers_are_drawn_for_what_is_fed(tf):
    """A draw whose shape is known before the run is none of its constants."""
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder(tf.float32, [None, 3])
        noisy = x + tf.random_normal(tf.shape(x))
        first, second = (sess.run(noisy, {x: np.zeros((n, 3))}) for n in (4, 4))
    assert first.shape == (4, 3) and (first != second).all()


def test_the_value_that_an_assignment_is_given_can_be_fed(tf):
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        v = tf.get_variable("v", [2])
        assign = graph.get_operation_by_name("v/Assign")
        assert assign.inputs[0] is v
        sess.run(assign, {assign.inputs[1]: [3.0, 4.0]})
        assert sess.run(v).tolist() == [3, 4]


def test_a_saver_knows_the_variables_of_its_time(tf, tmp_path):
    path = str(tmp_path / "model")
    with tf.Graph().as_default() as graph:
        v = tf.Variable(2.0, name="v")
        slot = tf.Variable(4.0, name="v/Adam")
        saver, late = tf.train.Saver(), tf.train.Saver(defer_build=True)
        w = tf.Variable(3.0, name="w")
    sess = tf.Session(graph=graph)
    sess.run([v.initializer, w.initializer, slot.initializer])
    saver.save(sess, path)  # where another graph is the default
    saver.restore(sess, path)
    assert sess.run([v, w]) == [2, 3]
    assert [name for name, _ in tf.train.list_variables(path)] == ["v", "v/Adam"]
    with graph.as_default(), pytest.raises(ValueError, match="Key w not found"):
        late.restore(sess, path)


def test_a_saved_graph_is_imported_into_an_empty_one(tf, tmp_path):
    path = str(tmp_path / "model")
    with tf.Graph().as_default() as first, tf.Session() as sess:
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        hidden = tf.layers.dense(x, 3, tf.tanh, name="hidden")
        loss = tf.reduce_mean(tf.layers.dense(hidden, 1, name="out") ** 2, name="loss")
        step = tf.train.GradientDescentOptimizer(0.1).minimize(loss, name="step")
        tf.add_to_collection("ends", loss)
        sess.run(tf.global_variables_initializer())
        tf.train.Saver().save(sess, path)
        before = sess.run(loss, {x: np.ones((4, 2))})
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        saver = tf.train.import_meta_graph(path + ".meta")
        found = graph.get_tensor_by_name("x:0")
        (end,) = tf.get_collection("ends")
        saver.restore(sess, path)
        assert sess.run(end, {found: np.ones((4, 2))}) == before
        assert [v.name for v in tf.trainable_variables()][0] == "hidden/kernel:0"
        sess.run(graph.get_operation_by_name("step"), {found: np.ones((4, 2))})
        more = tf.identity(graph.get_tensor_by_name("hidden/Tanh:0"), name="loss")
        assert more.graph is graph and more.op.name == "loss_1"
        assert sess.run(end, {found: np.ones((4, 2))}) != before
        with pytest.raises(ValueError, match="already has other operations"):
            tf.Variable(0.0, name="more")
            graph.take_over(first)
    with tf.Session(graph=first) as sess:
        tf.train.Saver(first.get_collection("variables")).restore(sess, path)
        assert sess.run(loss, {x: np.ones((4, 2))}) == before
        sess.run(step, {x: np.ones((4, 2))})
    (tmp_path / "other.meta").write_bytes((tmp_path / "model.meta").read_bytes())
    with tf.Graph().as_default(), pytest.raises(NotImplementedError, match="did not write it"):
        tf.train.import_meta_graph(str(tmp_path / "other.meta"))


def test_summaries_are_written(tf, tmp_path):
    event_pb2 = pytest.importorskip(
        "tensorboard.compat.proto.event_pb2", reason="needs tensorboard"
    )
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.summary.scalar("loss", tf.constant(0.5))
        with tf.summary.FileWriter(tmp_path, sess.graph) as writer:
            assert len(list(tmp_path.iterdir())) == 1
            writer.add_summary(sess.run(tf.summary.merge_all()), 3)
            summary = tf.Summary()
            one = summary.value.add()
            one.tag, one.simple_value = "mine", 2.0
            writer.add_summary(summary, 4)
    (path,) = tmp_path.iterdir()
    data, found = path.read_bytes(), []
    while data:  # records: the length, its checksum, an event, its checksum
        size = int.from_bytes(data[:8], "little")
        event, data = event_pb2.Event.FromString(data[12 : 12 + size]), data[16 + size :]
        found += [(event.step, v.tag, v.tensor.float_val[0]) for v in event.summary.value]
    assert found == [(3, "loss", 0.5), (4, "mine", 2.0)]


def test_functions_in_a_layers_call_are_tensorflows():
    """In Keras's Lambda layers and losses, where JAX traces, also with unknown sizes."""
    recorded = json.loads(tensorflow1_traced.SUMS.read_text())
    with installed("keras2"):
        import tensorflow as tf
        from keras.layers import Input, Lambda
        from keras.models import Model

        functions = tensorflow1_traced.cases(tf)
        x = Input((4, 4, 1))
        outputs = [Lambda(function, name=name)(x) for name, function in functions.items()]
        found = Model(x, outputs).predict(tensorflow1_traced.X)
    assert [*functions] == [*recorded]
    for name, value in zip(functions, found, strict=True):
        ours, theirs = tensorflow1_traced.sums(value), recorded[name]
        np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=2e-3, err_msg=name)


@pytest.mark.parametrize("generation", ["keras1", "keras2", "tfkeras"])
def test_shapes_in_a_layers_call_are_tensorflows(generation):
    seen = []

    def double(x):
        sizes = x.get_shape().as_list()
        seen.append((sizes, x.shape.as_list(), x.shape[1].value, str(x.get_shape())))
        x.set_shape(sizes)
        return x * 2

    with installed(generation):
        from keras.layers import Input, Lambda
        from keras.models import Model

        x = Input((3,))
        assert x.get_shape().as_list() == [None, 3]
        model = Model(x, Lambda(double)(x))
        assert model.predict(np.ones((2, 3))).tolist() == [[2, 2, 2], [2, 2, 2]]
    assert seen[-1] == ([2, 3], [2, 3], 3, "(2, 3)")


STREAMED = {  # TensorFlow 2.21's, after two batches
    "auc": 0.83333,
    "auc_of_50": 0.83333,
    "auc_weighted": 0.79167,
    "precisions": 0.86227,
    "precision": 0.8,
    "recall": 0.57143,
    "true_positives": 4,
    "false_positives": 1,
    "true_negatives": 5,
    "false_negatives": 2,
    "mean_absolute_error": 0.35833,
    "root_mean_squared_error": 0.43897,
    "mean_squared_error": 0.1675,
    "accuracy": 0.69231,
    "mean": 0.45769,
    "mean_iou": 0.59821,
}


def test_metrics_count_all_batches(tf):
    labels = np.array([[0, 1, 1, 0, 1, 0], [1, 1, 0, 0, 1, 0]])
    scores = np.array([[0.2, 0.7, 0.4, 0.6, 0.9, 0.1], [0.8, 0.3, 0.2, 0.5, 0.6, 0.4]])
    with tf.Graph().as_default(), tf.Session() as session:
        y, p, w = (tf.placeholder(tf.float32, (None,)) for _ in range(3))
        made, labelled = tf.cast(p > 0.5, tf.int32), tf.cast(y, tf.int32)
        m, options = tf.metrics, {"summation_method": "careful_interpolation"}
        pairs = {
            "auc": m.auc(y, p),
            "auc_of_50": m.auc(y, p, num_thresholds=50),
            "auc_weighted": m.auc(y, p, w),
            "precisions": m.auc(y, p, curve="PR", **options),
            "recall": m.recall(labelled, made, w),
            "root_mean_squared_error": m.root_mean_squared_error(y, p, w),
            "accuracy": m.accuracy(labelled, made, w),
            "mean": m.mean(p, w),
            "mean_iou": m.mean_iou(labelled, made, 2),
        }
        pairs |= {name: getattr(m, name)(y, p) for name in STREAMED if name.endswith("d_error")}
        pairs |= {"mean_absolute_error": m.mean_absolute_error(y, p)}
        counts = [name for name in STREAMED if name.endswith(("tives", "cision"))]
        pairs |= {name: getattr(m, name)(labelled, made) for name in counts}
        pairs["root_mean_squared_error"] = m.root_mean_squared_error(y, p, w)
        session.run(tf.local_variables_initializer())
        for batch in range(2):
            fed = {y: labels[batch], p: scores[batch], w: [1, 2, 1, 1, 0.5, 1]}
            updates = session.run({name: update for name, (_, update) in pairs.items()}, fed)
        values = session.run({name: value for name, (value, _) in pairs.items()})
        names = [variable.op.name for variable in tf.local_variables()]
    assert names[0] == "auc/true_positives" and values == updates
    for name, wanted in STREAMED.items():
        np.testing.assert_allclose(values[name], wanted, atol=6e-6, err_msg=name)
    with pytest.raises(ValueError, match="summation_method='trapezoidal' is not"):
        tf.metrics.auc([1.0], [1.0], curve="PR")


def test_keras_evaluates_tensors_and_counts_batches():
    with installed("keras2"):
        import keras.backend as K
        import tensorflow as tf
        from keras.layers import Dense
        from keras.models import Sequential

        def auc(y_true, y_pred):
            found = tf.metrics.auc(y_true, y_pred)[1]
            K.get_session().run(tf.local_variables_initializer())
            return found

        x = K.constant([1.0, 2.0])
        assert K.eval(tf.reduce_sum(x)) == 3 and K.get_session().run(x * 2).tolist() == [2, 4]
        model = Sequential([Dense(1, input_shape=(1,), weights=[np.eye(1), np.zeros(1)])])
        model.compile("sgd", "mse", metrics=[auc])
        x = np.linspace(0, 1, 8)
        with pytest.warns(UserWarning, match="each batch is counted by itself"):
            _, found = model.evaluate(x[:, None], x > 0.5, verbose=0)
    assert found == 1


RULES = {
    "GradientDescentOptimizer": [0.1],
    "MomentumOptimizer": [0.1, 0.9],
    "AdamOptimizer": [0.01, 0.8, 0.99, 0.1],
    "AdagradOptimizer": [0.1, 0.2],
    "AdadeltaOptimizer": [0.5, 0.9, 1e-3],
    "RMSPropOptimizer": [0.1, 0.8, 0.5, 0.01],
    "FtrlOptimizer": [0.1, -0.6, 0.2, 0.03, 0.04],
}


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *((kind, {}) for kind in RULES),
        ("MomentumOptimizer", {"use_nesterov": True}),
        ("RMSPropOptimizer", {"centered": True}),
    ],
    ids=str,
)
def test_keras_takes_optimizers_of_tensorflow(kind, options):
    with installed("keras2"):
        import tensorflow as tf
        from keras.optimizers import TFOptimizer

        with tf.Graph().as_default(), tf.Session() as session:
            rule = getattr(tf.train, kind)(*RULES[kind], **options)
            w, g = tf.Variable([0.5, -1.0]), tf.placeholder(tf.float32, (2,))
            step = rule.apply_gradients([(g, w)])
            session.run(tf.global_variables_initializer())
            for k in range(4):
                session.run(step, {g: [1.0, 0.1 * k]})
            wanted = session.run(w)
        ours, value = TFOptimizer(rule), hornbook.Variable([0.5, -1.0])
        for k in range(4):
            ours.apply([np.array([1.0, 0.1 * k], "float32")], [value])
    np.testing.assert_allclose(value.numpy(), wanted, rtol=2e-6)


def test_models_are_compiled_with_optimizers_of_tensorflow():
    with installed("tf1"):
        import tensorflow as tf
        from tensorflow import keras

        model = keras.Sequential([keras.layers.Dense(1, input_shape=(2,))])
        model.compile(optimizer=tf.train.AdamOptimizer(0.02), loss="mse")
        assert model.fit(np.ones((4, 2)), np.ones(4), verbose=0).history["loss"]
        assert model.optimizer.learning_rate.numpy() == np.float32(0.02)
        rate = tf.train.exponential_decay(0.1, tf.Variable(0), 10, 0.9)
        with pytest.raises(TypeError, match="pass an optimizer of Keras with a schedule"):
            model.compile(tf.train.GradientDescentOptimizer(rate), "mse")
