"""fit, evaluate, predict and the batch methods, on every form of data."""

import gc
import os
import signal
import threading
import warnings

import jax
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers, ops


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 4)).astype("float32")
    return x, (x @ np.array([[1.0], [2.0], [-1.0], [0.5]], "float32")) + 0.1


def linear(**kwargs):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1, **kwargs)])
    model.compile("sgd", "mse")
    return model


def test_history_has_one_float_an_epoch(data):
    history = linear().fit(*data, epochs=3, verbose=0)
    assert list(history.history) == ["loss"]
    assert history.epoch == [0, 1, 2]
    assert all(isinstance(value, float) for value in history.history["loss"])


def test_loss_falls_towards_zero_on_a_linear_problem(data):
    losses = linear().fit(*data, epochs=60, verbose=0).history["loss"]
    assert losses[-1] < 0.05 * losses[0]


def test_last_partial_batch_counts_by_its_size(data):
    x, y = data
    model = linear()
    model.optimizer.learning_rate = 0.0
    loss = model.fit(x, y, batch_size=16, verbose=0).history["loss"][0]
    np.testing.assert_allclose(loss, np.mean((np.asarray(model(x)) - y) ** 2), rtol=1e-5)


def test_many_steps_a_dispatch_equal_single_steps(data):
    x, y = data
    results = []
    for callbacks in (
        [],
        [keras.callbacks.LambdaCallback(on_train_batch_end=lambda b, logs: None)],
    ):
        keras.utils.set_random_seed(1)
        model = keras.Sequential(
            [keras.Input((4,)), layers.Dense(8), layers.Dropout(0.5), layers.Dense(1)]
        )
        model.compile("adam", "mse")
        history = model.fit(x, y, batch_size=8, epochs=3, verbose=0, callbacks=callbacks)
        results.append((history.history["loss"], model.get_weights()))
    assert results[0][0] == results[1][0]
    for one, other in zip(*(weights for _, weights in results), strict=True):
        np.testing.assert_array_equal(one, other)


def test_per_batch_callback_sees_every_batch_and_its_weights(data):
    seen = []
    model = linear()
    look = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(
            (batch, float(model.weights[1].numpy()[0]))
        )
    )
    model.fit(*data, batch_size=20, epochs=2, verbose=0, callbacks=[look])
    assert [batch for batch, _ in seen] == [0, 1, 2, 0, 1, 2]
    assert len({bias for _, bias in seen}) == 6


def test_learning_rate_assigned_by_a_callback_counts_from_the_next_batch(data):
    model = linear()
    stop = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: setattr(model.optimizer, "learning_rate", 0.0)
    )
    before = model.get_weights()
    model.fit(*data, verbose=0, callbacks=[stop])
    np.testing.assert_array_equal(before[0], model.get_weights()[0])


def test_same_seed_gives_the_same_run_bit_for_bit(data):
    runs = []
    for _ in range(2):
        keras.utils.set_random_seed(7)
        model = keras.Sequential(
            [layers.Dense(8, activation="relu"), layers.Dropout(0.3), layers.Dense(1)]
        )
        model.compile("adam", "mse")
        runs.append(model.fit(*data, epochs=3, verbose=0).history["loss"])
    assert runs[0] == runs[1]


def test_shuffling_changes_the_order_and_not_the_samples(data):
    x, y = data
    model = linear()
    model.optimizer.learning_rate = 0.0
    shuffled = model.fit(x, y, batch_size=8, verbose=0).history["loss"][0]
    in_order = model.fit(x, y, batch_size=8, shuffle=False, verbose=0).history["loss"][0]
    assert shuffled == pytest.approx(in_order, rel=1e-5)


def test_a_second_fit_and_other_sizes_nearby_do_not_compile_again(data):
    x, y = data
    traces = []

    class Count(layers.Layer):
        def call(self, inputs):
            traces.append(1)
            return inputs

    model = keras.Sequential([keras.Input((4,)), Count(), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x[:48], y[:48], batch_size=16, epochs=2, verbose=0)
    count = len(traces)
    model.fit(x[:48], y[:48], batch_size=16, epochs=2, verbose=0)
    assert len(traces) == count


# ---- forms of data


def test_generators_go_on_where_the_last_epoch_stopped(data):
    x, y = data
    given = []

    def batches():
        for start in range(0, 48, 8):
            given.append(start)
            yield x[start : start + 8], y[start : start + 8]

    linear().fit(batches(), steps_per_epoch=3, epochs=2, verbose=0)
    assert given == [0, 8, 16, 24, 32, 40]


def test_a_generator_goes_on_after_the_training_that_it_was_made_for(data):
    def batches():
        while True:
            yield data

    model, source = linear(), batches()
    for _ in range(3):
        model.fit(source, steps_per_epoch=2, verbose=0)
        model.evaluate(source, steps=2, verbose=0)
        model.predict(source, steps=2, verbose=0)
        gc.collect()
    np.testing.assert_array_equal(next(source)[0], data[0])


def test_a_callback_list_of_one_s_own_gets_a_history(data):
    own = keras.callbacks.CallbackList([keras.callbacks.TerminateOnNaN()])
    assert linear().fit(*data, epochs=2, callbacks=own, verbose=0).epoch == [0, 1]


def test_batches_of_ever_new_lengths_are_named_once():
    def batches():
        for length in range(3, 12):
            yield np.ones((2, length, 1), "float32"), np.ones((2, 1), "float32")

    model = keras.Sequential([layers.GlobalAveragePooling1D(), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.warns(
        UserWarning, match=r"x is now \(2, 7, 1\), before it was \(2, 6, 1\)"
    ) as said:
        model.fit(batches(), verbose=0)
    assert len(said) == 1


def test_the_next_batch_is_made_while_the_device_works():
    model = keras.Sequential(
        [keras.Input((1000,)), keras.layers.Dense(1000), keras.layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    x, y = np.zeros((4096, 1000), "float32"), np.zeros((4096, 1), "float32")
    at_work = []

    def batches():
        for _ in range(6):
            at_work.append(not model.layers[0].kernel.value.is_ready())
            yield x, y

    model.fit(batches(), steps_per_epoch=6, verbose=0)
    assert any(at_work)


def test_a_generator_that_ends_early_warns_with_the_numbers(data):
    x, y = data
    with pytest.warns(UserWarning, match="ended after 1 of 3"):
        linear().fit(iter([(x, y)]), steps_per_epoch=3, verbose=0)


def test_indexable_sequences_are_told_of_the_epochs_end(data):
    x, y = data
    ended = []

    class Batches:
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return x[index * 16 : (index + 1) * 16], y[index * 16 : (index + 1) * 16]

        def on_epoch_end(self):
            ended.append(True)

    history = linear().fit(Batches(), epochs=2, verbose=0)
    assert len(ended) == 2
    assert len(history.epoch) == 2


def test_lists_of_numbers_dicts_and_pandas_are_data(data):
    pandas = pytest.importorskip("pandas")
    x, y = data
    frame = pandas.DataFrame(x, columns=list("abcd"))
    reference = (
        linear(kernel_initializer="zeros").fit(x, y, shuffle=False, verbose=0).history["loss"]
    )
    for form in (x.tolist(), frame, x.astype("float64"), jax.numpy.asarray(x)):
        loss = (
            linear(kernel_initializer="zeros")
            .fit(form, y, shuffle=False, verbose=0)
            .history["loss"]
        )
        assert loss == pytest.approx(reference, rel=1e-6)


def test_series_are_columns():
    pandas = pytest.importorskip("pandas")

    class Sum(keras.Model):
        def call(self, x):
            return ops.sum(ops.concatenate([x["a"], x["b"]], axis=1), axis=1)

    frame = pandas.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    np.testing.assert_array_equal(Sum().predict(dict(frame), verbose=0), [4.0, 6.0])


def test_text_column_is_named_with_its_row():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.0, 2.0], "city": ["Rome", "Oslo"]})
    with pytest.raises(TypeError, match="column 'city'.*row 0.*Rome"):
        linear().fit(frame, np.zeros(2), verbose=0)


def test_object_array_names_the_row_and_column():
    with pytest.raises(TypeError, match="'b' in row 1, column 0"):
        linear().fit(np.array([[1.0], ["b"]], dtype=object), np.zeros(2), verbose=0)


def test_arrays_of_different_lengths_are_both_named(data):
    x, y = data
    with pytest.raises(ValueError, match="x: 50.*y: 20"):
        linear().fit(x, y[:20], verbose=0)


def test_validation_split_takes_the_last_samples(data):
    x, y = data
    model = linear()
    history = model.fit(x, y, validation_split=0.2, verbose=0).history
    expected = float(np.mean((np.asarray(model(x[40:])) - y[40:]) ** 2))
    assert history["val_loss"][0] == pytest.approx(expected, rel=1e-5)


def test_validation_freq_may_be_a_number_or_a_list(data):
    for frequency, count in ((2, 2), ([1, 4], 2), (1, 4)):
        history = linear().fit(
            *data, epochs=4, validation_data=data, validation_freq=frequency, verbose=0
        )
        assert len(history.history["val_loss"]) == count


@pytest.mark.parametrize("wrong", [0, 1.5, -1])
def test_a_validation_freq_that_is_none_is_an_error(data, wrong):
    with pytest.raises(ValueError, match="validation_freq"):
        linear().fit(*data, validation_data=data, validation_freq=wrong, verbose=0)


def test_class_weight_equals_sample_weight(data):
    x, _ = data
    labels = np.arange(50) % 3
    losses = []
    for weights in (
        {"class_weight": {0: 2.0, 2: 0.5}},
        {"sample_weight": np.array([2.0, 1.0, 0.5])[labels]},
    ):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        losses.append(model.fit(x, labels, verbose=0, **weights).history["loss"][0])
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_class_weight_of_one_output_by_name_and_for_sequences(data):
    x, y = data
    inputs = keras.Input((4,))
    steps = layers.Reshape((2, 3))(layers.Dense(6)(inputs))
    model = keras.Model(inputs, {"words": layers.Softmax()(steps), "size": layers.Dense(1)(inputs)})
    model.compile("sgd", {"words": "sparse_categorical_crossentropy", "size": "mse"})
    targets = {"words": np.arange(100).reshape(50, 2) % 3, "size": y}
    history = model.fit(x, targets, class_weight={"words": {0: 3.0}}, verbose=0).history
    assert {"words_loss", "size_loss"} < set(history)
    with pytest.raises(ValueError, match="wordz"):
        model.fit(x, targets, class_weight={"wordz": {0: 3.0}}, verbose=0)


# ---- outputs by name


def test_losses_of_several_outputs_are_reported_in_compile_order(data):
    x, y = data
    inputs = keras.Input((4,))
    outputs = [layers.Dense(1, name="b")(inputs), layers.Dense(1, name="a")(inputs)]
    model = keras.Model(inputs, outputs)
    model.compile("sgd", {"b": "mse", "a": "mae"}, loss_weights={"a": 2.0}, metrics={"a": ["mse"]})
    history = model.fit(x, {"a": y, "b": y}, verbose=0).history
    assert list(history) == ["loss", "b_loss", "a_loss", "a_mse"]
    total = history["b_loss"][0] + 2 * history["a_loss"][0]
    assert history["loss"][0] == pytest.approx(total, rel=1e-5)


def test_wrong_names_of_inputs_outputs_and_metrics_are_errors(data):
    x, y = data
    inputs = keras.Input((4,), name="features")
    model = keras.Model(inputs, layers.Dense(1, name="price")(inputs))
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="features.*featurs"):
        model.fit({"featurs": x, "other": x}, y, verbose=0)
    with pytest.raises(ValueError, match="prize"):
        model.fit(x, {"prize": y}, verbose=0)
    with pytest.raises(ValueError, match="mses"):
        model.compile("sgd", "mses")
    with pytest.raises(ValueError, match="accuracy"):
        model.compile("sgd", "mse", metrics=["acuracy"])
    with pytest.raises(TypeError, match="batchsize"):
        model.fit(x, y, batchsize=3)
    with pytest.raises(ValueError, match="not compiled"):
        keras.Model(inputs, layers.Dense(1)(inputs)).fit(x, y)


def test_one_dimensional_targets_fit_one_unit_and_not_three(data):
    x, y = data
    flat = (
        linear(kernel_initializer="ones").fit(x, y[:, 0], shuffle=False, verbose=0).history["loss"]
    )
    column = linear(kernel_initializer="ones").fit(x, y, shuffle=False, verbose=0).history["loss"]
    assert flat == column
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    model.compile("sgd", "mse")
    for targets in (y, y[:, 0]):
        with pytest.raises(ValueError, match=r"\(32, 3\)"):
            model.fit(x, targets, verbose=0)


def test_the_choice_of_accuracy_is_shown(data, capsys):
    x, _ = data
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, np.arange(50) % 3, verbose=2)
    assert "sparse categorical accuracy" in capsys.readouterr().out
    assert "accuracy" in history.history


# ---- one batch, evaluate, predict


def test_train_on_batch_is_one_step_of_fit(data):
    x, y = data
    one, other = linear(kernel_initializer="ones"), linear(kernel_initializer="ones")
    loss = one.train_on_batch(x, y)
    history = other.fit(x, y, batch_size=50, shuffle=False, verbose=0)
    assert loss == pytest.approx(history.history["loss"][0])
    np.testing.assert_allclose(one.get_weights()[0], other.get_weights()[0], rtol=1e-6)
    assert one.test_on_batch(x, y, return_dict=True)["loss"] < loss


def test_predict_gives_one_row_a_sample_whatever_the_batch_size(data):
    x, _ = data
    model = linear()
    whole = model.predict_on_batch(x)
    assert isinstance(whole, np.ndarray)
    for size in (1, 7, 50, None):
        np.testing.assert_allclose(model.predict(x, batch_size=size, verbose=0), whole, rtol=1e-5)
    np.testing.assert_allclose(model.predict(iter([x[:20], x[20:]]), verbose=0), whole, rtol=1e-5)


def test_predict_sees_weights_assigned_since(data):
    x, _ = data
    model = linear()
    model.predict(x[:1])
    model.set_weights([np.zeros((4, 1)), np.array([3.0])])
    np.testing.assert_array_equal(model.predict(x[:1]), [[3.0]])


def test_evaluate_returns_a_number_a_list_or_a_dict(data):
    x, y = data
    model = linear()
    assert isinstance(model.evaluate(x, y, verbose=0), float)
    model.compile("sgd", "mse", metrics=["mae"])
    values = model.evaluate(x, y, verbose=0)
    assert values == list(model.evaluate(x, y, verbose=0, return_dict=True).values())


def test_run_eagerly_gives_the_same_numbers(data):
    x, y = data
    histories = []
    for eager in (False, True):
        model = linear(kernel_initializer="ones")
        model.compile("sgd", "mse", run_eagerly=eager)
        histories.append(model.fit(x, y, shuffle=False, epochs=2, verbose=0).history["loss"])
    assert histories[0] == pytest.approx(histories[1], rel=1e-5)


# ---- trainable, sharing


def test_trainable_is_settled_at_compile_and_a_change_warns(data):
    x, y = data
    model = linear()
    model.layers[0].trainable = False
    before = model.get_weights()[0]
    with pytest.warns(UserWarning, match="Call compile"):
        model.fit(x, y, verbose=0)
    after = model.get_weights()[0]
    assert not np.array_equal(before, after)
    model.compile("sgd", "mse")
    model.fit(x, y, verbose=0)
    np.testing.assert_array_equal(after, model.get_weights()[0])
    assert model.trainable_weights == []


def test_a_frozen_discriminator_in_a_gan_learns_only_on_its_own(data):
    x, _ = data
    judge = keras.Sequential([keras.Input((4,)), layers.Dense(1, activation="sigmoid")])
    judge.compile("sgd", "binary_crossentropy")
    judge.trainable = False
    noise = keras.Input((2,))
    maker = layers.Dense(4)
    both = keras.Model(noise, judge(maker(noise)))
    both.compile("sgd", "binary_crossentropy")
    judged, made = judge.get_weights()[0], maker.get_weights()[0]
    both.train_on_batch(x[:, :2], np.ones(50))
    np.testing.assert_array_equal(judged, judge.get_weights()[0])
    assert not np.array_equal(made, maker.get_weights()[0])
    with pytest.warns(UserWarning):
        judge.train_on_batch(x, np.ones(50))
    assert not np.array_equal(judged, judge.get_weights()[0])


def test_weights_shared_by_assignment_can_both_be_trained(data):
    x, y = data
    one, other = linear(), linear()
    for mine, theirs in zip(one.weights, other.weights, strict=True):
        theirs.assign(mine.value)
    one.fit(x, y, verbose=0)
    other.fit(x, y, verbose=0)
    assert np.isfinite(one.get_weights()[0]).all()


def test_arrays_read_before_fit_stay_readable(data):
    model = linear()
    before = model.weights[0].value
    model.fit(*data, epochs=2, verbose=0)
    assert np.isfinite(np.asarray(before)).all()


def test_adding_a_layer_after_fit_is_seen(data):
    x, y = data
    model = linear()
    model.fit(x, y, verbose=0)
    model.predict(x[:1])
    model.add(layers.Dense(1, kernel_initializer="zeros", bias_initializer="ones"))
    np.testing.assert_array_equal(model.predict(x[:1]), [[1.0]])
    model.compile("sgd", "mse")
    model.fit(x, y, verbose=0)


# ---- losses of layers


def test_a_layer_added_before_fit_is_seen_by_an_evaluate_that_ran_without_it(data):
    x, y = data
    model = linear()
    model.evaluate(x, y, verbose=0)
    model.add(layers.Dense(1, kernel_initializer="zeros"))
    model.fit(x, y, verbose=0)
    wanted = np.mean((model.predict(x, verbose=0).ravel() - y.ravel()) ** 2)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(wanted, rel=1e-5)


def test_add_loss_and_regularizers_count(data):
    x, y = data

    class Tax(layers.Layer):
        def call(self, inputs):
            self.add_loss(3.0 + 0.0 * ops.mean(inputs))
            return inputs

    model = keras.Sequential([keras.Input((4,)), Tax(), layers.Dense(1, kernel_regularizer="l2")])
    model.compile("sgd", "mse")
    model.optimizer.learning_rate = 0.0
    loss = model.fit(x, y, verbose=0).history["loss"][0]
    plain = float(np.mean((np.asarray(model(x)) - y) ** 2))
    expected = plain + 3.0 + 0.01 * float(np.sum(model.get_weights()[0] ** 2))
    assert loss == pytest.approx(expected, rel=1e-4)
    assert len(model.losses) == 2


def test_symbolic_add_loss_of_a_functional_model(data):
    x, y = data
    inputs = keras.Input((4,))
    hidden = layers.Dense(3)(inputs)
    model = keras.Model(inputs, layers.Dense(1)(hidden))
    model.add_loss(ops.mean(hidden**2))
    model.compile("sgd", "mse")
    loss = model.evaluate(x, y, verbose=0)
    assert loss > float(np.mean((np.asarray(model(x)) - y) ** 2))


def test_a_metric_among_the_attributes_is_reported_and_reset(data):
    class Watching(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)
            self.seen = keras.metrics.Sum(name="seen")

        def call(self, inputs):
            self.seen.update_state(ops.ones(()))
            return self.dense(inputs)

    model = Watching()
    model.compile("sgd", "mse")
    history = model.fit(*data, batch_size=10, epochs=2, verbose=0).history
    assert history["seen"] == [5.0, 5.0]


# ---- trouble


def test_a_loss_that_is_not_finite_names_batch_and_layer_and_keeps_the_weights(data):
    x, y = data
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(2), layers.Lambda(ops.log, name="logs"), layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    before = model.get_weights()
    with pytest.warns(RuntimeWarning, match="batch 0.*'logs' \\(Lambda\\) was the first"):
        history = model.fit(x, y, batch_size=50, epochs=2, verbose=0)
    assert np.isnan(history.history["loss"]).all()
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_nan_in_the_data_is_told_from_nan_in_a_layer(data):
    x, y = data
    x = x.copy()
    x[33, 0] = np.nan
    with pytest.warns(RuntimeWarning, match="batch 1: .*the batch's x already"):
        linear().fit(x, y, batch_size=32, shuffle=False, verbose=0)


def test_ctrl_c_ends_training_with_the_history_of_the_epochs_done(data):
    class Press(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                os.kill(os.getpid(), signal.SIGINT)

    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals reach the main thread only")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may ignore it
    try:
        model = linear()
        with pytest.raises(KeyboardInterrupt):
            model.fit(*data, epochs=50, verbose=0, callbacks=[Press()])
        assert model.history.epoch == [0, 1]
        assert np.isfinite(model.evaluate(*data, verbose=0))
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_error_in_a_layer_names_the_layer_and_the_shapes():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2, name="narrow")])
    with pytest.raises(ValueError, match="input_layer.*\\(None, 4\\).*\\(3, 5\\)"):
        model(np.ones((3, 5)))


# ---- precision


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_keeps_float32_weights_and_learns(data, policy):
    keras.config.set_dtype_policy(policy)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(8), layers.Dense(1)])
    model.compile("adam", "mse")
    losses = model.fit(*data, epochs=20, verbose=0).history["loss"]
    assert {v.dtype for v in model.weights} == {"float32"}
    assert model(data[0]).dtype == policy.removeprefix("mixed_")
    assert losses[-1] < losses[0]


def test_no_warning_comes_from_an_ordinary_fit(data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        linear().fit(*data, verbose=0)


class CustomStep(keras.Model):
    """A train_step as Keras's guide for JAX writes it."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1, kernel_initializer="ones")

    def call(self, inputs):
        return self.dense(inputs)

    def loss_and_updates(self, trainable, others, x, y):
        y_pred, others = self.stateless_call(trainable, others, x, training=True)
        return self.compute_loss(x, y, y_pred), (y_pred, others)

    def train_step(self, state, data):
        trainable, others, slots, metrics = state
        x, y = data
        gradient = jax.value_and_grad(self.loss_and_updates, has_aux=True)
        (loss, (y_pred, others)), gradients = gradient(trainable, others, x, y)
        trainable, slots = self.optimizer.stateless_apply(slots, gradients, trainable)
        logs, updated = {}, []
        for metric in self.metrics:
            values = metrics[len(updated) : len(updated) + len(metric.variables)]
            arguments = (loss,) if metric.name == "loss" else (y, y_pred)
            values = metric.stateless_update_state(values, *arguments)
            logs[metric.name] = metric.stateless_result(values)
            updated += values
        return logs, (trainable, others, slots, updated)


def test_a_train_step_of_the_users_own_trains_as_the_built_in_one(data):
    x, y = data
    histories, weights = [], []
    for model in (CustomStep(), linear(kernel_initializer="ones")):
        model.compile("adam", "mse", metrics=["mae"])
        fitted = model.fit(x, y, batch_size=25, epochs=3, shuffle=False, verbose=0)
        histories.append(fitted.history)
        weights.append(model.get_weights()[0])
    for name, values in histories[0].items():
        np.testing.assert_allclose(values, histories[1][name], rtol=1e-5)
    np.testing.assert_allclose(*weights, rtol=1e-5)


def test_a_train_step_without_state_is_explained(data):
    class Wrong(keras.Model):
        def train_step(self, data):
            return {}

    inputs = keras.Input((4,))
    model = Wrong(inputs, layers.Dense(1)(inputs))
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match="self, state, data"):
        model.fit(*data, verbose=0)
