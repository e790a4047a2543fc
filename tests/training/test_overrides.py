"""All methods that Keras documents for overriding exist, and overrides are used."""

import warnings

import jax
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = X[:, :1] * 2


def noting(base: type, methods: list[str]) -> tuple[type, set]:
    """A subclass that overrides these methods, and the names of those that were called."""
    called: set[str] = set()

    def override(name):
        inherited = getattr(base, name)
        if isinstance(vars_of(base, name), classmethod):

            def method(cls, *args, **kwargs):
                called.add(name)
                return vars_of(base, name).__func__(cls, *args, **kwargs)

            return classmethod(method)
        if isinstance(inherited, property):

            def get(self):
                called.add(name)
                return inherited.fget(self)

            return property(get)

        def method(self, *args, **kwargs):
            called.add(name)
            return inherited(self, *args, **kwargs)

        return method

    kind = type(f"Noting{base.__name__}", (base,), {name: override(name) for name in methods})
    if hasattr(kind, "get_config"):
        keras.saving.register_keras_serializable("test_overrides")(kind)
    return kind, called


def vars_of(kind, name):
    return next(vars(base)[name] for base in kind.__mro__ if name in vars(base))


class Shift(layers.Layer):
    """A layer with a weight, which a mask passes through."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape):
        self.shift = self.add_weight((input_shape[-1],), "zeros", name="shift")

    def call(self, inputs):
        return inputs + self.shift


class Base(keras.Model):
    """A model that is called."""

    def __init__(self, inner=None, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(1)
        self.inner = inner

    def call(self, inputs, training=None):
        return self.dense(inputs if self.inner is None else self.inner(inputs))


class Numbered(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return X[8 * index : 8 * index + 8], Y[8 * index : 8 * index + 8]


def use_everything(tmp_path, model=None, optimizer="adam", loss="mse", metric="mae", **settings):
    """fit, evaluate, predict, a batch at a time, save and load."""
    model = model or keras.Sequential([keras.Input((4,)), layers.Dense(1)])
    model.compile(optimizer, loss, metrics=[metric])
    model.fit(
        settings.pop("data", Numbered()), epochs=2, validation_data=(X, Y), verbose=0, **settings
    )
    model.evaluate(X, Y, verbose=0, callbacks=settings.get("callbacks"))
    model.predict(X, verbose=0, callbacks=settings.get("callbacks"))
    model.train_on_batch(X, Y)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.predict(X, verbose=0), model.predict(X, verbose=0), rtol=1e-5)


STATE = "get_config from_config save_own_variables load_own_variables".split()
MODEL = """build call compute_loss compute_metrics get_metrics_result reset_metrics metrics
    get_config from_config get_compile_config compile_from_config get_build_config
    build_from_config""".split()
STEPS = "train_step test_step predict_step".split()
FUNCTIONS = [f"make_{mode}_function" for mode in ("train", "test", "predict")]
PURE = ["compute_loss_and_updates", "stateless_compute_loss"]
HOOKS = [name for name in vars(keras.callbacks.Callback) if name.startswith("on_")]


@pytest.mark.parametrize("methods", [MODEL, STEPS, FUNCTIONS, STEPS + PURE], ids=str)
def test_a_model_s_methods_are_used(methods, tmp_path):
    kind, called = noting(Base, methods)
    use_everything(tmp_path, kind())
    assert called == set(methods)


def test_overrides_that_call_super_change_nothing():
    found = []
    overridden = (STEPS, FUNCTIONS, ["compute_metrics"], ["compute_loss"])
    for kind in (Base, *(noting(Base, methods)[0] for methods in overridden)):
        keras.utils.set_random_seed(1)
        bare = [layers.Dropout(0.3), layers.BatchNormalization(), layers.Dense(3)]
        model = kind(keras.Sequential(bare))
        model.compile("adam", "mse", metrics=["mae"])
        history = model.fit(X, Y, 7, epochs=3, validation_split=0.2, verbose=0).history
        found.append([*history.values(), model.predict(X, verbose=0), *model.get_weights()])
        assert list(history) == ["loss", "mae", "val_loss", "val_mae"]
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "methods",
    [
        ["build", "call", "compute_output_shape", "get_build_config", "build_from_config", *STATE],
        ["compute_output_spec"],
    ],
    ids=str,
)
def test_a_layer_s_methods_are_used(methods, tmp_path):
    kind, called = noting(Shift, methods)
    inputs = keras.Input((4,))
    use_everything(tmp_path, keras.Model(inputs, layers.Dense(1)(kind()(inputs))))
    assert called == set(methods)


def test_a_layer_s_mask_is_its_own():
    kind, called = noting(Shift, ["compute_mask"])
    inputs = keras.Input((3, 4))
    outputs = kind()(layers.Masking()(inputs))
    assert outputs.mask is not None
    keras.Model(inputs, outputs).predict(np.ones((2, 3, 4)), verbose=0)
    assert called == {"compute_mask"}


@pytest.mark.parametrize("kind", [layers.Conv1D, layers.Conv2D, layers.Conv3D])
@pytest.mark.parametrize(
    ("data_format", "activation"), [("channels_last", "relu"), ("channels_first", "tanh")]
)
def test_a_convolution_of_one_s_own_is_used(kind, data_format, activation):
    class Halved(kind):
        def convolution_op(self, inputs, kernel):
            return super().convolution_op(inputs, kernel / 2)

    plain, halved = (
        cls(3, 2, data_format=data_format, activation=activation, bias_initializer="ones")
        for cls in (kind, Halved)
    )
    shape = (2, *[5] * (plain.rank + 1))
    x = np.random.default_rng(0).normal(size=shape)
    plain(x), halved(x)
    kernel, bias = plain.get_weights()
    halved.set_weights([kernel * 2, bias])
    np.testing.assert_allclose(halved(x), plain(x), rtol=1e-4, atol=1e-5)


def test_other_objects_methods_are_used(tmp_path):
    optimizer, of_optimizer = noting(
        keras.optimizers.SGD, ["build", "update_step", "get_config", "from_config"]
    )
    loss, of_loss = noting(keras.losses.MeanSquaredError, ["call", "get_config", "from_config"])
    metric, of_metric = noting(
        keras.metrics.MeanAbsoluteError,
        ["update_state", "result", "reset_state", "get_config", "from_config"],
    )
    data, of_data = noting(
        Numbered, ["__getitem__", "__len__", "num_batches", "on_epoch_begin", "on_epoch_end"]
    )
    callback, of_callback = noting(keras.callbacks.Callback, [*HOOKS, "set_model", "set_params"])
    use_everything(
        tmp_path, None, optimizer(0.01), loss(), metric(), data=data(), callbacks=[callback()]
    )
    assert of_optimizer == {"build", "update_step", "get_config", "from_config"}
    assert of_loss == {"call", "get_config", "from_config"}
    assert of_metric == {"update_state", "result", "reset_state", "get_config", "from_config"}
    assert of_data == {"__getitem__", "__len__", "num_batches", "on_epoch_begin", "on_epoch_end"}
    assert of_callback == {*HOOKS, "set_model", "set_params"}


@pytest.mark.parametrize("mode", ["train", "test", "predict"])
def test_a_step_without_state_is_refused_with_the_way_out(mode):
    kind = type("Wrong", (Base,), {f"{mode}_step": lambda self, data: {}})
    model = kind()
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match=rf"Right:  def {mode}_step\(self, state, data\)"):
        model.fit(X, Y, validation_data=(X, Y), verbose=0)
        model.predict(X, verbose=0)


def test_a_function_without_state_is_refused_with_the_way_out():
    class Wrong(Base):
        def make_train_function(self, force=False):
            self.train_function = lambda iterator: {}

    model = Wrong()
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match=r"Right:  def train_function\(state, iterator\)"):
        model.fit(X, Y, verbose=0)


# ---- what they take and return


@pytest.mark.parametrize(
    "loss",
    [
        lambda self, x=None, y=None, y_pred=None, sample_weight=None: mse(y, y_pred),
        lambda self, y, y_pred: mse(y, y_pred),
        lambda self, inputs, labels, outputs: mse(labels, outputs),
        lambda self, x, y, y_pred, **kwargs: mse(y, y_pred),
        lambda self, *args: mse(args[1], args[2]),
    ],
)
def test_compute_loss_may_leave_out_what_it_does_not_need(loss):
    model = type("Own", (Base,), {"compute_loss": loss})()
    model.compile("sgd")
    history = model.fit(X, Y, verbose=0, validation_data=(X, Y)).history
    assert history["val_loss"] == pytest.approx([float(mse(Y, model.predict(X, verbose=0)))])


def mse(y, y_pred):
    return ((y - y_pred) ** 2).mean()


def test_what_compute_metrics_returns_is_reported():
    class Own(Base):
        def __init__(self):
            super().__init__()
            self.spread = keras.metrics.Mean(name="spread")

        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            logs = super().compute_metrics(x, y, y_pred, sample_weight)
            self.spread.update_state(y_pred.max() - y_pred.min())
            return {**logs, "spread": self.spread.result(), "twice": 2 * self.spread.result()}

    model = Own()
    model.compile("sgd", "mse", metrics=["mae"])
    history = model.fit(X, Y, verbose=0, epochs=2, validation_data=(X, Y)).history
    assert set(history) >= {"loss", "mae", "spread", "twice", "val_twice"}
    assert history["twice"] == pytest.approx([2 * value for value in history["spread"]])
    assert model.evaluate(X, Y, verbose=0, return_dict=True)["twice"] == history["val_twice"][-1]


def test_what_predict_step_returns_is_predicted():
    class Own(Base):
        def predict_step(self, state, data):
            outputs, others = super().predict_step(state, data)
            return {"label": outputs > 0, "value": outputs}, others

    found = Own().predict(X, verbose=0)
    assert found["label"].dtype == bool
    np.testing.assert_array_equal(found["label"], found["value"] > 0)


def test_a_layer_may_count_its_calls_in_predict_and_evaluate():
    class Counts(layers.Layer):
        def __init__(self):
            super().__init__()
            self.count = self.add_weight((), "zeros", trainable=False)

        def call(self, inputs):
            self.count.assign_add(1)
            return inputs

    model = keras.Sequential([keras.Input((4,)), Counts(), layers.Dense(1)])
    model.compile("sgd", "mse")
    counter = model.layers[0].count
    for use in (lambda: model.predict(X, 8, verbose=0), lambda: model.evaluate(X, Y, 8, verbose=0)):
        before = float(counter.numpy())
        use()
        assert float(counter.numpy()) == before + 3


def test_evaluate_and_predict_do_not_touch_the_state_of_the_library_s_layers():
    model = keras.Sequential([keras.Input((4,)), layers.BatchNormalization(), layers.Dense(1)])
    model.compile("sgd", "mse")
    before = model.layers[0].moving_mean.value
    model.evaluate(X, Y, verbose=0)
    model.predict(X, 8, verbose=0)
    assert model.layers[0].moving_mean.value is before  # another thread may be using it


def test_a_stateless_loss_changes_nothing():
    model = Base()
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    values = [
        [v.numpy() for v in group]
        for group in (
            model.trainable_variables,
            model.non_trainable_variables,
            model.metrics_variables,
        )
    ]
    before = [v.numpy() for v in model.metrics_variables]
    loss, after = model.stateless_compute_loss(*values, x=X, y=Y, y_pred=Y + 1)
    assert float(loss) == 1
    assert [len(group) for group in after] == [len(group) for group in values]
    np.testing.assert_array_equal([v.numpy() for v in model.metrics_variables], before)


def test_losses_added_on_the_way_reach_a_step_of_one_s_own():
    class Penalty(layers.Layer):
        def call(self, inputs):
            self.add_loss(inputs.mean() ** 2 + 1)
            return inputs

    found = []
    for kind in (Base, noting(Base, STEPS)[0]):
        keras.utils.set_random_seed(0)
        model = kind(Penalty())
        model.compile("sgd", "mse")
        found.append(model.fit(X, Y, 8, epochs=2, verbose=0, shuffle=False).history["loss"])
    assert found[0] == pytest.approx(found[1], rel=1e-5)
    assert found[0][1] > 1


class Pair(keras.Model):
    """Two networks trained by a custom step; the model itself is not called."""

    def __init__(self):
        super().__init__()
        self.net = keras.Sequential([keras.Input((4,)), layers.Dense(1)])
        self.tracker = keras.metrics.Mean(name="distance")

    @property
    def metrics(self):
        return [self.tracker]

    def distance(self, trainable, others, x, y):
        y_pred, others = self.net.stateless_call(trainable, others, x)
        return ((y - y_pred) ** 2).mean(), others

    def train_step(self, state, data):
        trainable, others, slots, metrics = state
        x, y = data
        gradient = jax.value_and_grad(self.distance, has_aux=True)
        (loss, others), gradients = gradient(trainable, others, x, y)
        trainable, slots = self.optimizer.stateless_apply(slots, gradients, trainable)
        metrics = self.tracker.stateless_update_state(metrics, loss)
        logs = {"compile_metrics": {"distance": self.tracker.stateless_result(metrics)}}
        return logs, (trainable, others, slots, metrics)


def test_a_model_with_a_step_and_no_call_is_trained():
    model = Pair()
    model.compile("sgd")
    history = model.fit(X, Y, epochs=3, verbose=0).history["distance"]
    assert history[2] < history[0]
    assert model.net.layers[0].kernel.numpy()[0, 0] != 0


# ---- shapes


def test_sizes_that_only_the_layer_knows_are_taken_from_it():
    class Called(layers.Layer):
        """Calls numpy, which cannot be traced."""

        def call(self, inputs):
            return np.asarray(inputs)[:, :2]

        def compute_output_shape(self, input_shape):
            return (*input_shape[:-1], 2)

    assert Called()(keras.Input((4,))).shape == (None, 2)
    assert Called().compute_output_shape((None, 4)) == (None, 2)

    class Two(layers.Layer):
        def call(self, a, b):
            return a[:, :1], np.asarray(b)

        def compute_output_shape(self, a_shape, b_shape):
            return [(a_shape[0], 1), b_shape]

    one, other = Two()(keras.Input((4,)), keras.Input((3,)))
    assert (one.shape, other.shape) == ((None, 1), (None, 3))


def test_a_shape_that_the_call_contradicts_is_warned_of():
    class Wrong(layers.Layer):
        def call(self, inputs):
            return inputs

        def compute_output_shape(self, input_shape):
            return (None, 7)

    with pytest.warns(UserWarning, match=r"'wrong'.*\(None, 4\).*\(None, 7\)"):
        assert Wrong()(keras.Input((4,))).shape == (None, 4)


def test_a_subclass_may_ask_its_base_for_shapes():
    class Asks(layers.Dense):
        def compute_output_shape(self, input_shape):
            return super().compute_output_shape(input_shape)

    class AsksForSpecs(layers.Dense):
        def compute_output_spec(self, inputs):
            return super().compute_output_spec(inputs)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in (Asks, AsksForSpecs):
            assert kind(3)(keras.Input((4,))).shape == (None, 3)
            assert kind(3).compute_output_shape((None, 4)) == (None, 3)


@pytest.mark.parametrize("name", PURE)
def test_a_pure_loss_of_one_s_own_needs_no_step_of_one_s_own(name):
    def thrice(self, *args, **kwargs):
        loss, after = getattr(keras.Model, name)(self, *args, **kwargs)
        if name == "stateless_compute_loss":
            return 3 * loss, after
        return 3 * loss, (3 * after[0], *after[1:])

    found = []
    for methods in ({}, {name: thrice}):
        keras.utils.set_random_seed(1)
        model = type("Thrice", (Base,), methods)()
        model.compile(keras.optimizers.SGD(0.0), "mse")
        first = model.fit(X, Y, epochs=1, verbose=0).history["loss"]
        found.append([*first, model.evaluate(X, Y, verbose=0)])
    np.testing.assert_allclose(found[1], 3 * np.asarray(found[0]), rtol=1e-5)


def test_attention_computed_in_one_s_own_way():
    class Twice(layers.MultiHeadAttention):
        def _compute_attention(self, query, key, value, attention_mask=None, **kwargs):
            heads, scores = super()._compute_attention(query, key, value, attention_mask, **kwargs)
            return heads * 2, scores

    x = X.reshape(6, 4, 4)
    plain, own = (kind(2, 3, use_bias=False) for kind in (layers.MultiHeadAttention, Twice))
    plain(x, x), own(x, x)
    own.set_weights(plain.get_weights())
    np.testing.assert_allclose(own(x, x), 2 * np.asarray(plain(x, x)), rtol=1e-5)
