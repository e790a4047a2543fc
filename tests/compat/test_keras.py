"""What old names compute, against explicit formulas and today's layers."""

import json
import pickle

import numpy as np
import pytest

import hornbook
from hornbook.compat.install import installed
from hornbook.compat.keras.closures import symbols_read

pytestmark = pytest.mark.filterwarnings("ignore:.*was compiled from other sources")


def sigmoid(x):
    return np.clip(0.2 * x + 0.5, 0, 1)


def test_an_old_lstm_is_the_formula_of_its_time(keras1):
    rng = np.random.default_rng(0)
    layer = keras1.layers.LSTM(3, return_sequences=True, input_dim=2, input_length=4)
    x = rng.normal(size=(1, 4, 2)).astype("float32")
    found = np.asarray(layer(x))[0]
    weights = layer.get_weights()  # three for each gate, as they were
    h = c = np.zeros(3)
    for t in range(4):
        gates = zip(weights[::3], weights[1::3], weights[2::3], strict=True)
        i, g, f, o = (x[0, t] @ w + h @ u + b for w, u, b in gates)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        np.testing.assert_allclose(found[t], h, atol=1e-5)


def test_an_old_gru_multiplies_the_state_before_the_product(keras2):
    rng = np.random.default_rng(1)
    layer = keras2.layers.GRU(3, use_bias=False)
    x = rng.normal(size=(1, 2, 2)).astype("float32")
    found = np.asarray(layer(x))[0]
    w, u = layer.get_weights()
    h = np.zeros(3)
    for t in range(2):
        z = sigmoid(x[0, t] @ w[:, :3] + h @ u[:, :3])
        r = sigmoid(x[0, t] @ w[:, 3:6] + h @ u[:, 3:6])
        h = z * h + (1 - z) * np.tanh(x[0, t] @ w[:, 6:] + (r * h) @ u[:, 6:])
    np.testing.assert_allclose(found, h, atol=1e-5)


def test_files_and_copies_of_old_classes_are_today_s(keras1, tmp_path):
    layers = keras1.layers
    model = keras1.models.Sequential(
        [
            layers.Convolution2D(2, 3, 3, border_mode="same", input_shape=(4, 4, 1)),
            layers.BatchNormalization(epsilon=1e-5),
            layers.Flatten(),
            layers.Dense(output_dim=3, W_regularizer=keras1.regularizers.l2(0.1)),
        ]
    )
    model.compile(keras1.optimizers.Adam(lr=0.01), "mse", metrics=["accuracy"])
    told = json.loads(model.to_json())
    stated = [one["class_name"] for one in told["config"]]  # as Keras 1 wrote it
    assert stated == ["Convolution2D", "BatchNormalization", "Flatten", "Dense"]
    assert told["config"][0]["config"]["nb_row"] == 3
    x = np.ones((2, 4, 4, 1), "float32")
    path = tmp_path / "m.keras"
    model.save(str(path))
    again = hornbook.saving.load_model(path)
    np.testing.assert_allclose(again.predict(x), model.predict(x), atol=1e-6)
    assert type(again.layers[0]) is hornbook.layers.Conv2D
    copy = type(model.layers[0]).from_config(model.layers[0].get_config())
    assert copy.kernel_size == (3, 3) and isinstance(copy, layers.Convolution2D)


def test_models_that_are_read_or_copied_have_old_methods(keras1, tmp_path):
    dense = keras1.layers.Dense(2, activation="softmax", input_dim=3)
    model = keras1.models.Sequential([dense])
    model.compile(keras1.optimizers.SGD(lr=0.5), "mse")
    path = str(tmp_path / "m.keras")
    model.save(path)
    x, y = np.ones((4, 3)), np.zeros((4, 2))
    for again in (keras1.models.load_model(path), keras1.models.model_from_json(model.to_json())):
        again.compile(again.optimizer if again.compiled else "sgd", "mse")
        assert len(again.fit(x, y, nb_epoch=2, verbose=0).epoch) == 2
        assert again.predict_classes(x).shape == (4,)
        assert type(again.layers[-1]) is keras1.layers.Dense
        assert again.layers[-1].output_shape == (None, 2)
    assert float(keras1.models.load_model(path).optimizer.lr) == 0.5


def test_classes_stay_classes(keras1):
    layers = keras1.layers
    dense = layers.Dense(2)
    assert type(dense) is layers.Dense and isinstance(dense, layers.Layer)
    assert issubclass(layers.Dense, layers.Layer) and not issubclass(layers.Dense, layers.Dropout)
    assert isinstance(hornbook.layers.Dense(2), layers.Dense)
    assert isinstance(keras1.models.Sequential(), keras1.models.Model)

    class Wide(layers.Dense):
        def __init__(self, factor, **kwargs):
            super().__init__(4 * factor, init="zero", **kwargs)

    wide = Wide(2, name="wide", activation="relu")
    assert wide.units == 8 and isinstance(wide, layers.Dense) and not isinstance(dense, Wide)
    assert wide.get_config()["factor"] == 2
    assert np.asarray(wide(np.ones((1, 3)))).tolist() == [[0.0] * 8]


@pytest.mark.parametrize("generation", ["keras1", "keras2"])
def test_a_model_that_begins_with_words_is_built_at_once(generation):
    with installed(generation):
        from keras.layers import Dense, Embedding, Input, SimpleRNN, TimeDistributed
        from keras.models import Model, Sequential

        table = np.arange(20.0).reshape(10, 2)
        model = Sequential([Embedding(10, 2), SimpleRNN(3), Dense(1)])
        assert model.count_params() == 20 + (2 * 3 + 3 * 3 + 3) + 4
        assert model.layers[0].output_shape == (None, None, 2)
        assert model.output_shape == (None, 1)
        model.layers[0].set_weights([table])
        words = Sequential([model.layers[0]])
        assert words.predict(np.array([[3, 4, 9]]))[0].tolist() == table[[3, 4, 9]].tolist()
        # elsewhere it takes what it is given
        ids = Input((4, 3))
        for layer in (Embedding(10, 2, weights=[table]), TimeDistributed(Embedding(10, 2))):
            assert tuple(Model(ids, layer(ids)).output_shape) == (None, 4, 3, 2)
        assert Embedding(10, 2, batch_input_shape=(8, 5)).batch_input_shape == (8, 5)
        assert Dense(2, input_dim=3).batch_input_shape == (None, 3)
        assert not hasattr(Dense(2), "batch_input_shape")


def test_words_are_left_out_whole(keras1):
    layer = keras1.layers.Embedding(50, 4, dropout=0.5, init="one")
    ids = np.arange(50).reshape(5, 10) % 25
    assert np.asarray(layer(ids)).tolist() == np.ones((5, 10, 4)).tolist()
    rows = np.asarray(layer(ids, training=True))
    by_word = {int(i): rows[ids == i].reshape(-1, 4) for i in range(25)}
    assert all((one == one[0, 0]).all() for one in by_word.values())
    values = {float(one[0, 0]) for one in by_word.values()}
    assert values == {0.0, 2.0}


def test_batch_normalization_by_the_batch_also_in_testing(keras1):
    x = np.random.default_rng(2).normal(3, 2, size=(64, 2)).astype("float32")
    batch = np.asarray(keras1.layers.BatchNormalization(mode=2)(x))
    np.testing.assert_allclose(batch.mean(0), 0, atol=1e-5)
    each = np.asarray(keras1.layers.BatchNormalization(mode=1, epsilon=1e-9)(x))
    want = (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True)
    np.testing.assert_allclose(each, want, atol=1e-3)
    assert type(keras1.layers.BatchNormalization(mode=0)) is keras1.layers.BatchNormalization


@pytest.mark.parametrize(
    ("kernel", "stride", "border", "size", "extra"),
    [
        (2, 2, "valid", 9, 1),
        (3, 2, "valid", 9, 0),
        (3, 3, "valid", 14, 2),
        (3, 2, "same", 7, 0),
        (4, 3, "same", 10, 1),
        (2, 2, "valid", 8, None),
        (4, 2, "same", 8, None),
    ],
)
@pytest.mark.parametrize("order", ["tf", "th"])
def test_deconvolution_of_a_given_shape(keras1, kernel, stride, border, size, extra, order):
    shape = (None, size, size, 5) if order == "tf" else (None, 5, size, size)
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 4)).astype("float32")
    old = keras1.layers.Deconvolution2D(
        5, kernel, kernel, shape, subsample=(stride, stride), border_mode=border, dim_ordering=order
    )
    found = np.asarray(old(x))
    assert found.shape[1:] == shape[1:]
    data_format = "channels_last" if order == "tf" else "channels_first"
    today = hornbook.layers.Conv2DTranspose(
        5, kernel, stride, border, output_padding=extra, data_format=data_format
    )
    today.build(x.shape)
    today.set_weights([weight.numpy() for weight in old.weights])
    np.testing.assert_allclose(found, np.asarray(today(x)), rtol=1e-5, atol=1e-6)
    again = type(old).from_config(old.get_config())
    assert again(x).shape == found.shape and "output_shape" not in old.get_config()


def test_a_file_with_a_deconvolution_of_a_given_shape(keras1, tmp_path):
    layer = keras1.layers.Deconvolution2D(
        5, 2, 2, (None, 9, 9, 5), subsample=(2, 2), input_shape=(4, 4, 4)
    )
    model = keras1.models.Sequential([layer])
    model.compile("sgd", "mse")
    model.save(str(tmp_path / "model.h5"))
    again = keras1.models.load_model(str(tmp_path / "model.h5"))
    assert again.output_shape == (None, 9, 9, 5)
    described = json.loads(model.to_json())
    described["config"][0]["config"] |= {"output_shape": [None, 9, 9, 5]}
    described["config"][0]["config"].pop("output_padding", None)
    read = keras1.models.model_from_json(json.dumps(described))
    assert read.output_shape == (None, 9, 9, 5)
    hornbook.saving.save_model(model, tmp_path / "model.keras")
    assert hornbook.saving.load_model(tmp_path / "model.keras").output_shape == (None, 9, 9, 5)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((None, 10, 8, 5), "does not fit its input"),
        ((None, 8, 7, 5), "does not fit its input"),
        ((None, 5, 8, 8), "does not fit its input"),
        ((8, 8, 5), "does not fit its input"),
    ],
)
def test_a_deconvolution_of_a_shape_that_does_not_fit(keras1, shape, message):
    layer = keras1.layers.Deconvolution2D(5, 2, 2, output_shape=shape, subsample=(2, 2))
    with pytest.raises(ValueError, match=message):
        layer(np.ones((1, 4, 4, 4), "float32"))


@pytest.mark.parametrize(
    ("mode", "want"),
    [
        ("sum", lambda a, b: a + b),
        ("mul", lambda a, b: a * b),
        ("ave", lambda a, b: (a + b) / 2),
        ("max", np.maximum),
        ("concat", lambda a, b: np.concatenate([a, b], -1)),
        ("dot", lambda a, b: (a * b).sum(-1, keepdims=True)),
        (lambda pair: pair[0] - pair[1], lambda a, b: a - b),
    ],
)
def test_modes_of_merge(keras1, mode, want):
    a, b = np.random.default_rng(3).normal(size=(2, 5, 3)).astype("float32")
    x, y = keras1.layers.Input((3,)), keras1.layers.Input((3,))
    model = keras1.models.Model(input=[x, y], output=keras1.layers.merge([x, y], mode=mode))
    np.testing.assert_allclose(model.predict([a, b]), want(a, b), rtol=1e-5, atol=1e-6)


def test_an_unknown_mode_of_merge_is_told(keras1):
    x = keras1.layers.Input((3,))
    with pytest.raises(ValueError, match="sum, mul, ave, max, concat.*not 'plus'"):
        keras1.layers.merge([x, x], mode="plus")


def test_a_rate_decays_with_each_step(keras2):
    x, y = np.ones((4, 1), "float32"), np.zeros((4, 1), "float32")
    model = keras2.models.Sequential()
    model.add(keras2.layers.Dense(1, use_bias=False, weights=[np.ones((1, 1))], input_dim=1))
    model.compile(keras2.optimizers.SGD(lr=0.1, decay=0.5), "mse")
    model.fit(x, y, batch_size=1, epochs=1, verbose=0)
    w = 1.0
    for step in range(4):
        w -= 0.1 / (1 + 0.5 * step) * 2 * w
    np.testing.assert_allclose(model.get_weights()[0], [[w]], rtol=1e-5)
    assert model.optimizer.lr == 0.1
    model.optimizer.lr = 0.2
    assert model.optimizer.lr == pytest.approx(0.2)


def test_names_of_optimizers_mean_those_of_their_time(keras1):
    model = keras1.models.Sequential([keras1.layers.Dense(1, input_dim=1)])
    for name, rate, epsilon in (
        ("adadelta", 1.0, 1e-8),
        ("adagrad", 0.01, 1e-8),
        ("adam", 1e-3, 1e-8),
    ):
        model.compile(name, "mse")
        assert float(model.optimizer.lr) == pytest.approx(rate)
        assert model.optimizer.epsilon == epsilon


def test_a_rate_that_is_assigned_too_late_changes_nothing_and_warns(keras1):
    model = keras1.models.Sequential([keras1.layers.Dense(1, input_dim=1)])
    model.compile(keras1.optimizers.SGD(0.1), "mse")
    model.optimizer.lr = 0.2
    model.fit(np.ones((2, 1)), np.ones(2), nb_epoch=1, verbose=0)
    with pytest.warns(UserWarning, match="reads the rate once"):
        model.optimizer.lr = 0.3
    assert float(model.optimizer.lr) == pytest.approx(0.2)
    keras1.backend.set_value(model.optimizer.lr, 0.4)
    assert float(model.optimizer.lr) == pytest.approx(0.4)
    model.compile(model.optimizer, "mse")
    model.optimizer.lr = 0.5
    assert float(model.optimizer.lr) == pytest.approx(0.5)


def test_samples_are_counted_in_batches(keras1):
    seen = []

    def batches():
        while True:
            seen.append(len(seen))
            yield np.ones((4, 1)), np.ones(4)

    model = keras1.models.Sequential([keras1.layers.Dense(1, input_dim=1)])
    model.compile("sgd", "mse")
    model.fit_generator(batches(), 10, 2, verbose=0)
    assert len(seen) >= 6
    assert int(model.optimizer.iterations) == 6  # three batches hold ten samples


def test_both_spellings_are_found_and_the_own_one_is_listed(keras2):
    from hornbook.compat.keras.callbacks import Logs

    logs = Logs(acc=1.0, val_mean_absolute_error=2.0)
    assert logs["accuracy"] == 1.0 and logs.get("val_mae") == 2.0 and "val_mae" in logs
    assert list(logs) == ["acc", "val_mean_absolute_error"]
    assert logs.get("val_acc") is None and "loss" not in logs
    assert Logs(val_binary_accuracy=0.5, loss=1.0)["val_acc"] == 0.5
    assert "acc" not in Logs(binary_accuracy=0.5, categorical_accuracy=0.5)
    with pytest.raises(KeyError, match="val_acc"):
        logs["val_acc"]
    assert pickle.loads(pickle.dumps(logs)) == logs


@pytest.mark.parametrize("monitor", ["acc", "accuracy"])
@pytest.mark.parametrize("metric", ["accuracy", "own"])
def test_monitors_find_either_spelling(keras2, monitor, metric):
    def accuracy(y_true, y_pred):
        return keras2.backend.mean(y_pred) * 0 + 0.5

    model = keras2.models.Sequential([keras2.layers.Dense(1, input_dim=1)])
    model.compile("sgd", "mse", metrics=[accuracy if metric == "own" else metric])
    stop = keras2.callbacks.EarlyStopping(monitor=monitor, patience=1, min_delta=2)
    history = model.fit(np.ones((2, 1)), np.ones(2), epochs=9, verbose=0, callbacks=[stop])
    assert len(history.epoch) == 2


def test_functions_read_weights_as_they_are_and_update_variables(keras2):
    K = keras2.backend
    x = keras2.layers.Input((2,))
    dense = keras2.layers.Dense(1, use_bias=False)
    total = K.variable(0.0)
    out = dense(x)
    call = K.function([x], [out, K.square(out)], updates=[(total, K.sum(x) + total)])
    for scale in (1.0, 3.0):
        dense.set_weights([np.full((2, 1), scale)])
        y, squared = call([np.ones((1, 2))])
        assert (y.tolist(), squared.tolist()) == ([[2 * scale]], [[4 * scale**2]])
    assert K.get_value(total) == 4
    with pytest.raises(TypeError, match="takes 1 arrays, not 2"):
        call([1, 2])


def test_gradients_by_inputs_layers_outputs_and_weights(keras2):
    K = keras2.backend
    x = keras2.layers.Input((2,))
    first, second = keras2.layers.Dense(2, use_bias=False), keras2.layers.Dense(1, use_bias=False)
    h = first(x)
    loss = K.sum(K.square(second(h)))
    by_x, by_h, by_w = K.gradients(loss, [x, h, second.kernel])
    value = np.array([[1.0, -2.0]], "float32")
    got = K.function([x], [by_x, by_h, by_w])([value])
    (a,), (b,) = first.get_weights(), second.get_weights()
    hidden = value @ a
    slope = 2 * (hidden @ b)
    for one, want in zip(got, (slope @ b.T @ a.T, slope @ b.T, hidden.T @ slope), strict=True):
        np.testing.assert_allclose(one, want, rtol=1e-4, atol=1e-5)
    with pytest.raises(TypeError, match="takes a symbolic loss"):
        K.gradients(1.0, [x])


@pytest.mark.parametrize(
    ("a", "b", "axes", "want"),
    [
        ((4, 3), (4, 3), None, "bi,bi->b"),
        ((4, 2, 3), (4, 3, 5), None, "bij,bjk->bik"),
        ((4, 2, 3), (4, 5, 3), 2, "bij,bkj->bik"),
        ((4, 2, 3), (4, 2), (1, 1), "bij,bi->bj"),
    ],
)
def test_batch_dot(keras1, a, b, axes, want):
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=a).astype("float32"), rng.normal(size=b).astype("float32")
    found = np.asarray(keras1.backend.batch_dot(x, y, axes=axes))
    expected = np.einsum(want, x, y)
    np.testing.assert_allclose(found, expected.reshape(found.shape), rtol=1e-4, atol=1e-5)
    assert found.shape == (expected.shape if expected.ndim > 1 else (4, 1))


@pytest.mark.parametrize(
    ("a", "b", "axes", "formula"),
    [
        ((2, 3, 4, 5), (2, 3, 6, 5), (3, 3), "bhtd,bhsd->bhts"),  # heads of attention
        ((2, 3, 4, 6), (2, 3, 6, 5), (3, 2), "bhts,bhsd->bhtd"),
        ((2, 3, 4), (2, 3, 4, 5), (2, 2), "bni,bnid->bnd"),  # capsules
        ((2, 3, 5), (2, 3, 4, 5), (2, 3), "bnd,bnid->bni"),
        ((2, 3, 4, 5), (2, 5, 6), (3, 1), "bhtd,bdc->bhtc"),  # no product of matrices
    ],
)
def test_batch_dot_of_matrices(keras1, a, b, axes, formula):
    """TensorFlow's matmul, which Keras up to 2.2.4 called."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=a).astype("float32"), rng.normal(size=b).astype("float32")
    found = np.asarray(keras1.backend.batch_dot(x, y, axes=axes))
    np.testing.assert_allclose(found, np.einsum(formula, x, y), rtol=1e-4, atol=1e-5)


def test_phases_and_choices(keras1):
    K = keras1.backend
    x = keras1.layers.Input((1,))
    model = keras1.models.Model(x, keras1.layers.Lambda(lambda t: K.in_train_phase(t, 0 * t))(x))
    one = np.ones((1, 1), "float32")
    assert model.predict(one)[0, 0] == 0 and float(model(one, training=True)[0, 0]) == 1
    chosen = K.switch(np.array([[True], [False]]), np.ones((2, 2)), np.zeros((2, 2)))
    assert np.asarray(chosen).tolist() == [[1, 1], [0, 0]]


def test_settings_come_back(keras1):
    K = keras1.backend
    K.set_image_dim_ordering("th")
    assert hornbook.backend.image_data_format() == "channels_first" and K.epsilon() == 1e-8
    with pytest.raises(ValueError, match="'tf' or 'th'"):
        K.set_image_dim_ordering("channels_first")
    from hornbook.compat import uninstall

    uninstall()
    assert hornbook.backend.image_data_format() == "channels_last"
    assert hornbook.backend.epsilon() == 1e-7


def test_a_keras_that_is_installed_comes_back():
    import keras as real

    with installed("keras1"):
        import keras as old

        assert old is not real and old.__version__.startswith("1.")
    import keras

    assert keras is real


def test_layers_train_in_a_session_of_tensorflow():
    with installed("keras2"):
        import tensorflow as tf
        from keras import backend as K
        from keras.layers import Dense, Dropout

        x, y = tf.placeholder(tf.float32, (None, 3)), tf.placeholder(tf.float32, (None, 1))
        dense = Dense(1, kernel_initializer="ones")
        loss = tf.reduce_mean(tf.square(dense(Dropout(0.5)(x)) - y))
        step = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
        session = K.get_session()
        session.run(tf.global_variables_initializer())
        fed = {x: [[1.0, 2.0, 3.0]], y: [[4.0]], K.learning_phase(): 0}
        before, _ = session.run([loss, step], feed_dict=fed)
        assert before == 4.0  # (6 - 4) ** 2
        np.testing.assert_allclose(dense.get_weights()[0].T, [[0.6, 0.2, -0.2]], rtol=1e-6)
        losses = {float(session.run(loss, {**fed, K.learning_phase(): 1})) for _ in range(8)}
        assert len(losses) > 1  # of different dropout


def test_a_layer_has_variables_of_tensorflow():
    with installed("keras1"):
        import tensorflow as tf
        from keras.layers import Input, Layer
        from keras.models import Model

        class Line(Layer):
            def build(self, input_shape):
                self.W = tf.Variable(tf.ones([1]) * 2)
                self.b = tf.Variable(tf.zeros([1]), trainable=False, name="b")
                self.built = True

            def call(self, x, mask=None):
                return self.W * x + self.b

        x = Input((1,))
        model = Model(x, Line()(x))
        model.compile("sgd", "mse")
        assert model.predict(np.ones((1, 1))).tolist() == [[2.0]]
        model.fit(np.ones((4, 1)), np.zeros((4, 1)), nb_epoch=1, verbose=0)
        (w,), (b,) = model.get_weights()
        assert w == pytest.approx(2 - 0.01 * 4) and b == 0


def test_a_model_is_called_on_tensors_of_another_rank():
    with installed("keras2"):
        from keras.layers import Dense, Embedding, Input, Reshape, multiply
        from keras.models import Model, Sequential

        generator = Sequential([Dense(12, input_dim=4), Reshape((2, 2, 3))])
        latent, kind = Input((4,)), Input((1,), dtype="int32")
        product = multiply([latent, Embedding(10, 4, embeddings_initializer="ones")(kind)])
        assert product.shape == (None, 1, 4)
        model = Model([latent, kind], generator(product))
        assert model.output_shape == (None, 2, 2, 3)
        x = np.random.default_rng(0).random((3, 4), "float32")
        np.testing.assert_allclose(
            model.predict([x, np.zeros((3, 1))]), generator.predict(x), rtol=1e-5
        )


def test_losses_broadcast_where_the_graph_does_not_know_the_sizes():
    with installed("keras1"):
        from keras import backend as K
        from keras import metrics
        from keras.layers import Dense, Input, Lambda
        from keras.models import Model

        x = Input((None, None, 3))
        assert x.get_shape().num_elements() is None
        assert K.variable(np.ones((2, 3))).get_shape().num_elements() == 6
        assert (K.variable(np.ones((2, 3)))[0] * 2).get_shape().as_list() == [3]
        target = np.arange(12.0).reshape(1, 2, 2, 3)
        loss = metrics.mse(x, K.variable(target))
        given = np.ones((2, 2, 2, 3))
        found = K.function([x], [loss] + K.gradients(loss, x))([given])
        assert found[0] == pytest.approx(((given - target) ** 2).mean())
        np.testing.assert_allclose(found[1], 2 * (given - target) / 24, rtol=1e-6)
        # fast.ai's perceptual loss is (1, N) for targets (N, 1)
        a = Input((4,))
        model = Model(a, Lambda(lambda y: K.expand_dims(K.mean(y, 1), 0))(a))
        model.compile("sgd", "mse")
        rows = np.arange(12.0).reshape(3, 4)
        assert model.train_on_batch(rows, np.zeros((3, 1))) == pytest.approx(
            (rows.mean(1) ** 2).mean()
        )
        model = Model(a, Dense(1)(a))
        model.compile("sgd", "mse")
        with pytest.raises(ValueError, match="one prediction per sample"):
            model.train_on_batch(rows, np.zeros((3, 2)))


def test_libraries_are_reached_through_the_backend():
    for generation in ("keras1", "keras2"):
        with installed(generation):
            import numpy
            import tensorflow
            from keras import backend as K

            assert K.tf is tensorflow and K.np is numpy
            K.set_session(K.tf.Session(config=K.tf.ConfigProto()))


def test_an_attribute_is_no_tensor_of_the_graph():
    scope = {"b": hornbook.Input((3,))}
    for text, read in (
        ("self.b * x", []),
        ("b * x", [scope["b"]]),
        ("[b for _ in x]", [scope["b"]]),
    ):
        exec(f"def call(self, x): return {text}", scope)
        assert symbols_read(scope["call"]) == read


def test_a_layer_reads_tensors_of_the_graph_beside_its_inputs():
    with installed("keras2"):
        from keras import backend as K
        from keras import layers, models

        x = layers.Input((3,))
        mean = layers.Dense(2)(x)

        class Penalty(layers.Layer):
            def of_graph(self):
                return K.mean(K.square(mean))

            def call(self, inputs):
                self.add_loss(self.of_graph(), inputs=inputs)
                return inputs

        outputs = Penalty()(layers.Lambda(lambda t: t + K.sum(mean, 1, keepdims=True))(x))
        model = models.Model(x, outputs)
        model.compile("sgd", loss=None)
        data = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
        kernel, bias = model.get_weights()
        values = data @ kernel + bias
        predicted = model.predict(data)
        np.testing.assert_allclose(predicted, data + values.sum(1, keepdims=True), rtol=1e-5)
        loss = model.evaluate(data, None, verbose=0)
        np.testing.assert_allclose(loss, np.mean(values**2), rtol=1e-5)
        model.fit(data, None, epochs=1, verbose=0)
        assert np.abs(model.get_weights()[0] - kernel).max() > 1e-3


def test_sizes_that_are_whole_floats_are_sizes(keras2):
    assert keras2.layers.Dense(8 / 2).units == 4
    assert keras2.layers.Conv2D(4 / 2, (2.0, 3)).kernel_size == (2, 3)
    with pytest.raises(ValueError, match=r"units of Dense is a positive integer, not 2\.5"):
        keras2.layers.Dense(5 / 2)


def test_sequences_have_their_channels_last_whatever_pictures_have(keras1):
    from keras import backend as K
    from keras import layers
    from keras.models import Sequential

    K.set_image_dim_ordering("th")
    model = Sequential(
        [
            layers.Convolution1D(5, 3, border_mode="same", input_shape=(8, 2)),
            layers.ZeroPadding1D(1),
            layers.MaxPooling1D(),
            layers.AveragePooling1D(),
        ]
    )
    assert [one.output_shape for one in model.layers] == [(None, n, 5) for n in (8, 10, 5, 2)]
    assert layers.GlobalMaxPooling1D()(model.output).shape == (None, 5)
    pictures = layers.Convolution2D(5, 3, 3, input_shape=(2, 8, 8))
    assert Sequential([pictures]).output_shape == (None, 5, 6, 6)


@pytest.mark.parametrize("generation", ["keras1", "keras2"])
def test_a_model_is_a_layer_of_tensors_of_other_sizes(generation):
    with installed(generation):
        from keras.layers import Dense, Flatten, GlobalMaxPooling1D, Input
        from keras.models import Model, Sequential

        tall = Input((9, 2))
        top = Model(tall, Flatten()(Dense(3)(tall)))
        model = Sequential([Dense(2, input_shape=(4, 2)), top, Dense(1)])
        model.compile("sgd", "mse")
        x = np.ones((2, 4, 2), "float32")
        assert model.layers[1].output_shape == (None, 27) or model.output_shape == (None, 1)
        model.fit(x, np.ones((2, 1)), verbose=0)
        assert model.layers[-1].get_weights()[0].shape == (12, 1)
        assert model.predict(x).shape == (2, 1)
        whole = Input((9, 2))
        strict = Model(whole, GlobalMaxPooling1D()(Dense(3)(whole)))
        strict.compile("sgd", "mse")
        with pytest.raises(ValueError, match=r"has shape \(None, 9, 2\); it got \(2, 4, 2\)"):
            strict.predict(x)


def test_an_old_keras_inside_another_gives_way_to_it_again():
    with installed("keras1"):
        with installed("keras2"):
            import keras

            assert keras.__version__.startswith("2.")
        import keras

        assert keras.__version__.startswith("1.")


@pytest.mark.parametrize("generation", ["keras1", "keras2"])
@pytest.mark.parametrize(("asked", "read"), [("accuracy", "acc"), ("acc", "accuracy")])
def test_callbacks_find_the_accuracy_by_either_spelling(generation, asked, read, tmp_path):
    with installed(generation):
        from keras import callbacks
        from keras.layers import Dense
        from keras.models import Sequential

        model = Sequential([Dense(2, input_dim=3, activation="softmax")])
        model.compile("sgd", "categorical_crossentropy", metrics=[asked])
        seen = []
        history = model.fit(
            np.zeros((8, 3)),
            np.eye(2)[[0, 1] * 4],
            epochs=5,
            verbose=0,
            validation_split=0.5,
            callbacks=[
                callbacks.EarlyStopping(monitor=f"val_{read}", patience=0),
                callbacks.ReduceLROnPlateau(monitor=read, patience=0, mode="max"),
                callbacks.CSVLogger(str(tmp_path / "log.csv")),
                callbacks.LambdaCallback(
                    on_epoch_end=lambda epoch, logs: seen.append(logs[f"val_{read}"])
                ),
            ],
        ).history
    assert len(history["loss"]) == 2  # it stopped: the accuracy did not rise
    assert seen == history[f"val_{read}"] == history["val_acc"]
    assert (tmp_path / "log.csv").read_text().startswith("epoch,loss,acc,val_loss,val_acc")


def test_one_optimizer_trains_several_models(keras1):
    """Each model has its own slots, as when each has its own optimizer."""
    x, y = np.random.rand(8, 3), np.random.rand(8, 1)
    start = [np.random.rand(3, 1), np.zeros(1)], [np.random.rand(3, 1), np.ones(1)]

    def trained(optimizers):
        models = []
        for optimizer, weights in zip(optimizers, start, strict=True):
            layer = keras1.layers.Dense(1, input_dim=3, weights=weights)
            models.append(keras1.models.Sequential([layer]))
            models[-1].compile(optimizer, "mse")
        for model in (models[0], models[1], models[0]):
            model.fit(x, y, nb_epoch=2, batch_size=4, shuffle=False, verbose=0)
        return [model.get_weights()[0] for model in models]

    shared = keras1.optimizers.RMSprop(lr=0.01)
    apart = [keras1.optimizers.RMSprop(lr=0.01) for _ in range(2)]
    np.testing.assert_allclose(trained([shared, shared]), trained(apart), rtol=1e-5)


@pytest.mark.parametrize("generation", ["keras1", "keras2"])
def test_parts_are_assigned_before_the_class_is_initialized(generation):
    with installed(generation):
        from keras.layers import Dense, Input
        from keras.models import Model

        class Two(Model):
            def __init__(self):
                self.x, self.inner = Input((3,)), Dense(2)
                self.whole = Model(self.x, self.inner(self.x))
                super().__init__(self.x, Dense(1)(self.whole(self.x)))

        model = Two()
        model.compile("sgd", "mse")
        before = model.inner.get_weights()[0]
        model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)
    assert len(model.weights) == 4
    assert not np.array_equal(model.inner.get_weights()[0], before)
