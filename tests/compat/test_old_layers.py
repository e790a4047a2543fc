"""Old layers: weight layouts, forms of arguments, and files of removed layers."""

import h5py
import numpy as np
import pytest
from scipy.signal import convolve, correlate

from hornbook.compat.install import installed


def test_kernels_lay_with_their_filters_first(keras1):
    x = np.random.rand(2, 3, 5, 5).astype("float32")
    conv = keras1.layers.Convolution2D(4, 2, 2, dim_ordering="th", input_shape=(3, 5, 5))
    model = keras1.models.Sequential([conv])
    kernel, bias = conv.get_weights()
    assert kernel.shape == (4, 3, 2, 2)
    want = np.einsum("nchw,fchw->nf", x[:, :, :2, :2], kernel) + bias
    np.testing.assert_allclose(model.predict(x)[:, :, 0, 0], want, rtol=1e-4, atol=1e-5)
    given = keras1.layers.Convolution2D(
        4, 2, 2, dim_ordering="th", input_shape=(3, 5, 5), weights=[2 * kernel, bias + 1]
    )
    found = keras1.models.Sequential([given]).predict(x)
    np.testing.assert_allclose(
        found[:, :, 0, 0], 2 * (want - bias) + bias + 1, rtol=1e-4, atol=1e-5
    )


def test_weights_of_a_model_lie_layer_by_layer_and_gate_by_gate(keras1):
    layers = keras1.layers
    model = keras1.models.Sequential(
        [
            layers.GRU(2, input_shape=(4, 3), return_sequences=True),
            layers.BatchNormalization(),
            layers.Convolution1D(5, 2),
        ]
    )
    weights = model.get_weights()
    gates = [(3, 2), (2, 2), (2,)] * 3
    assert [w.shape for w in weights] == [*gates, *[(2,)] * 4, (2, 1, 2, 5), (5,)]
    joined = np.concatenate(weights[:9:3], axis=1)
    np.testing.assert_array_equal(joined, model.layers[0].weights[0].numpy())
    x = np.random.rand(2, 4, 3)
    before = model.predict(x)
    model.set_weights([0 * w for w in weights])
    assert not model.predict(x).any()
    model.set_weights(weights)
    np.testing.assert_array_equal(model.predict(x), before)
    with pytest.raises(ValueError, match="has 15 weights, not 14"):
        model.set_weights(weights[1:])


@pytest.mark.parametrize(
    ("padding", "sides"),
    [
        ((1, 2), (1, 1, 2, 2)),
        ((1, 2, 3, 4), (1, 2, 3, 4)),
        ({"top_pad": 1, "right_pad": 2}, (1, 0, 0, 2)),
    ],
)
def test_zeros_at_each_side(keras1, padding, sides):
    top, bottom, left, right = sides
    found = np.asarray(keras1.layers.ZeroPadding2D(padding)(np.ones((1, 2, 3, 1))))[0, :, :, 0]
    np.testing.assert_array_equal(found, np.pad(np.ones((2, 3)), [(top, bottom), (left, right)]))


def test_zeros_before_and_after_steps(keras1):
    found = keras1.layers.ZeroPadding1D({"right_pad": 2})(np.ones((1, 2, 1)))
    assert np.asarray(found)[0, :, 0].tolist() == [1, 1, 0, 0]
    with pytest.raises(ValueError, match="keys left_pad, right_pad; not {'top_pad'}"):
        keras1.layers.ZeroPadding1D({"top_pad": 2})


def test_files_of_layers_that_are_gone(keras1, tmp_path):
    layers = keras1.layers
    model = keras1.models.Sequential(
        [
            layers.MaxoutDense(16, nb_feature=2, input_dim=3),
            layers.Highway(activation="tanh"),
            layers.SReLU(),
            layers.Reshape((4, 4, 1)),
            layers.LocallyConnected2D(2, 2, 2, subsample=(2, 2)),
            layers.Reshape((4, 2)),
            layers.LocallyConnected1D(3, 2),
            layers.ParametricSoftplus(),
        ]
    )
    x = np.random.rand(2, 3)
    want = model.predict(x)
    text = model.to_json()
    assert '"nb_feature": 2' in text and '"W_regularizer"' in text and "kernel" not in text
    again = keras1.models.model_from_json(text)
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again.predict(x), want, rtol=1e-6)
    model.compile("sgd", "mse")
    model.save(str(tmp_path / "m.h5"))
    read = keras1.models.load_model(str(tmp_path / "m.h5"))
    np.testing.assert_allclose(read.predict(x), want, rtol=1e-6)
    assert type(read.layers[0]) is layers.MaxoutDense


def branched(keras1, depth=1):
    layers, models = keras1.layers, keras1.models
    left = branched(keras1, depth - 1) if depth else models.Sequential()
    left.add(layers.Dense(3, input_shape=(2,)))
    right = models.Sequential([layers.Dense(3, input_shape=(2,)), layers.Activation("relu")])
    return models.Sequential(
        [layers.Merge([left, right], mode="concat"), layers.Dense(2), layers.Activation("tanh")]
    )


def test_files_of_a_sequential_with_branches(keras1, tmp_path):
    model = branched(keras1)
    x = [np.random.rand(4, 2) for _ in range(3)]
    want = model.predict(x)
    path = str(tmp_path / "w.h5")
    model.save_weights(path)
    with h5py.File(path) as file:  # as Keras 1 listed them: layer by layer
        names = [name.decode() for name in file.attrs["layer_names"]]
    assert {one.name for one in model.layers[0].layers if one.weights} <= {*names}
    again = branched(keras1)
    again.load_weights(path)
    np.testing.assert_allclose(again.predict(x), want, rtol=1e-6)
    read = keras1.models.model_from_json(model.to_json())
    read.load_weights(path)
    np.testing.assert_allclose(read.predict(x), want, rtol=1e-6)
    model.compile("sgd", "mse")
    model.save(path)
    whole = keras1.models.load_model(path)
    np.testing.assert_allclose(whole.predict(x), want, rtol=1e-6)
    inputs = [keras1.layers.Input((2,)) for _ in x]
    outer = keras1.models.Model(inputs, model(inputs))
    read = keras1.models.model_from_json(outer.to_json())
    read.set_weights(outer.get_weights())
    np.testing.assert_allclose(read.predict(x), want, rtol=1e-6)


@pytest.mark.parametrize(("name", "want"), [("activity_l1", 0.06), ("activity_l2", 0.14)])
def test_names_of_activity_regularizers(keras1, name, want):
    layer = keras1.layers.Activation("linear", activity_regularizer=name)
    layer(np.array([[1.0, 2.0, 3.0]]))
    assert float(sum(layer.losses)) == pytest.approx(want)


def test_updates_in_pairs_are_done(keras1):
    class Counting(keras1.layers.Layer):
        def build(self, input_shape):
            self.count = keras1.backend.variable(0.0)
            self.non_trainable_weights = [self.count]
            super().build(input_shape)

        def call(self, x, mask=None):
            self.add_update([(self.count, self.count + 1)], x)
            return x

    model = keras1.models.Sequential([Counting(input_shape=(2,)), keras1.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((6, 2)), np.ones(6), batch_size=2, nb_epoch=1, verbose=0)
    assert float(keras1.backend.get_value(model.layers[0].count)) == 3.0
    assert model.updates == [] and model.get_output_shape_for((None, 2)) == (None, 1)


def double(x):
    return 2 * x


@pytest.mark.parametrize("generation", ["keras1", "keras2"])
def test_a_lambda_of_a_function_is_read_by_the_program_that_wrote_it(
    generation, tmp_path, monkeypatch
):
    path = str(tmp_path / "m.h5")
    with installed(generation):
        from keras.layers import Lambda
        from keras.models import Sequential, load_model, model_from_json

        model = Sequential([Lambda(double, input_shape=(2,))])
        model.compile("sgd", "mse")
        model.save(path)
        for read in (load_model(path, {}), model_from_json(model.to_json())):
            assert read.predict(np.ones((1, 2))).tolist() == [[2, 2]]
        own = load_model(path, custom_objects={"double": lambda x: 3 * x})
        assert own.predict(np.ones((1, 2))).tolist() == [[3, 3]]
        monkeypatch.setattr("hornbook.saving.configs.dumped", {})  # as in another process
        with pytest.raises(ValueError, match="the function 'double' .*is not known here"):
            load_model(path)


@pytest.mark.parametrize("generation", ["keras1", "keras2"])
def test_gradients_within_a_lambda(generation):
    """Where the largest elements lay before pooling, as the gradient of the pooled sum says."""
    x = np.random.permutation(32.0 * np.arange(32)).reshape(2, 4, 4, 1).astype("float32")
    with installed(generation):
        from keras import backend as K
        from keras.layers import Input, Lambda, MaxPooling2D
        from keras.models import Model

        def where(pair):
            before, after = pair
            return K.gradients(K.sum(after), before)

        def placed(pair):
            return where(pair)

        inputs = Input((4, 4, 1))
        scaled = Lambda(lambda t: 2 * t)(inputs)
        pooled = MaxPooling2D()(scaled)
        if generation == "keras1":
            from keras.layers import merge

            mask = merge([scaled, pooled], mode=placed, output_shape=lambda s: s[0])
        else:
            mask = Lambda(placed, output_shape=lambda s: s[0])([scaled, pooled])
        found = Model(inputs, mask).predict(x)
    windows = x.reshape(2, 2, 2, 2, 2)
    want = (windows == windows.max((2, 4), keepdims=True)).reshape(x.shape)
    np.testing.assert_array_equal(found, want)


def test_checkpoints_are_numbered_from_0_then(tmp_path):
    found = {}
    for generation, epochs in (("keras1", "nb_epoch"), ("keras2", "epochs")):
        folder = tmp_path / generation
        with installed(generation):
            import keras

            model = keras.models.Sequential([keras.layers.Dense(1, input_dim=2)])
            model.compile("sgd", "mse")
            save = keras.callbacks.ModelCheckpoint(str(folder / "w{epoch:02d}.hdf5"))
            given = {epochs: 2, "callbacks": [save], "verbose": 0}
            model.fit(np.ones((2, 2)), np.ones(2), **given)
        found[generation] = sorted(path.name for path in folder.iterdir())
    assert found == {
        "keras1": ["w00.hdf5", "w01.hdf5"],
        "keras2": ["w01.hdf5", "w02.hdf5"],
    }


@pytest.mark.parametrize(("generation", "first"), [("keras1", 0), ("keras2", 1)])
def test_checkpoints_of_every_second_epoch(generation, first, tmp_path):
    with installed(generation):
        import keras

        model = keras.models.Sequential([keras.layers.Dense(1, input_dim=2)])
        model.compile("sgd", "mse")
        save = keras.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}.h5"), period=2)
        model.fit(np.ones((2, 2)), np.ones(2), nb_epoch=5, callbacks=[save], verbose=0)
    assert save.period == 2
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"{1 + first}.h5", f"{3 + first}.h5"]


def test_calls_and_losses_of_layers_as_graphs_had_them(keras1):
    first, second = keras1.layers.Input((2,)), keras1.layers.Input((3,))
    dense = keras1.layers.Dense(4, activity_regularizer="activity_l2")
    made = keras1.layers.Merge(mode="concat", concat_axis=1)([dense(first), second])
    merged = made._keras_history[0]
    assert len(dense.get_losses_for(first)) == len(dense.losses) and not dense.get_updates_for(None)
    (call,) = dense.inbound_nodes
    assert call.outbound_layer is dense and call.input_tensors == [first]
    assert call.output_shapes == [(None, 4)] and call.node_indices == call.tensor_indices == [0]
    model = keras1.models.Model([first, second], made)
    assert merged in model.layers and dense.outbound_nodes == ()
    dense.outbound_nodes = []


@pytest.mark.parametrize(
    ("padding", "least", "exact"), [("valid", 11, 12), ("same", 10, 10), ("full", 7, 8)]
)
def test_lengths_of_transposed_convolutions(keras2, padding, least, exact):
    deconv_length = keras2.utils.conv_utils.deconv_length
    assert deconv_length(5, 2, 3, padding, None) == least
    assert deconv_length(5, 2, 3, padding, 1) == exact
    assert deconv_length(None, 2, 3, padding, None) is None


def test_arguments_of_convolutions_are_checked(keras2):
    utils = keras2.utils.conv_utils
    assert utils.normalize_padding("SAME") == "same"
    assert utils.normalize_data_format(None) == "channels_last"
    with pytest.raises(ValueError, match="not 'diagonal'"):
        utils.normalize_padding("diagonal")
    assert keras2.utils.generic_utils.has_arg(lambda a, **more: a, "b", accept_all=True)
    assert not keras2.utils.generic_utils.has_arg(lambda a, **more: a, "b")
    assert keras2.utils.generic_utils.unpack_singleton([3]) == 3


def test_an_epoch_may_be_longer_than_a_sequence(keras2):
    asked, ends = [], []

    class Batches(keras2.utils.Sequence):
        def __init__(self):
            self.x = np.ones((2, 1))

        def __len__(self):
            return 3

        def __getitem__(self, index):
            asked.append(index)
            return self.x, self.x

        def on_epoch_end(self):
            ends.append(len(asked))

    model = keras2.models.Sequential([keras2.layers.Dense(1, input_dim=1)])
    model.compile("sgd", "mse")
    history = model.fit_generator(Batches(), steps_per_epoch=5, epochs=2, verbose=0, shuffle=False)
    assert len(history.history["loss"]) == 2
    assert asked[:10] == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0] and len(ends) >= 3


def test_kernels_of_a_program_on_theano_are_flipped(tmp_path):
    """In files, in `set_weights` and in `K.conv2d`; against scipy's convolution."""
    draw = np.random.default_rng(0)
    kernel = draw.normal(size=(2, 3, 3, 3)).astype("float32")  # filters, channels, rows, columns
    narrow = draw.normal(size=(3, 1, 4, 5)).astype("float32")  # steps, 1, channels, filters
    image = draw.normal(size=(1, 3, 6, 5)).astype("float32")
    text = draw.normal(size=(1, 6, 4)).astype("float32")
    with h5py.File(tmp_path / "theano.h5", "w") as file:
        file.attrs["layer_names"] = [b"a"]
        group = file.create_group("a")
        group.attrs["weight_names"] = [b"a_W"]
        group["a_W"] = kernel
    found = {}
    for backend in ("theano", "tensorflow"):
        with installed("keras1", backend):
            from keras import backend as K
            from keras.layers import Convolution1D, Convolution2D
            from keras.models import Sequential

            K.set_image_dim_ordering("th")
            model = Sequential([Convolution2D(2, 3, 3, bias=False, input_shape=(3, 6, 5))])
            model.load_weights(str(tmp_path / "theano.h5"))
            model.save_weights(str(tmp_path / "again.h5"))
            over_steps = Sequential([Convolution1D(5, 3, bias=False, input_shape=(6, 4))])
            over_steps.set_weights([narrow])
            assert K.backend() == backend
            np.testing.assert_array_equal(model.get_weights()[0], kernel)
            np.testing.assert_array_equal(over_steps.get_weights()[0], narrow)
            direct = K.eval(K.conv2d(K.variable(image), K.variable(kernel)))
            found[backend] = model.predict(image)[0], over_steps.predict(text)[0], direct[0]
        with h5py.File(tmp_path / "again.h5") as file:
            (name,) = file.attrs["layer_names"]
            np.testing.assert_array_equal(next(iter(file[name].values())), kernel)
    for backend, filtered in (("theano", convolve), ("tensorflow", correlate)):
        channels = slice(None, None, -1 if backend == "theano" else 1)  # they are not flipped
        expected = np.stack([filtered(image[0], one[channels], "valid")[0] for one in kernel])
        steps = np.moveaxis(narrow[:, 0, channels], -1, 0)
        along = np.stack([filtered(text[0], one, "valid")[:, 0] for one in steps], -1)
        for got, want in zip(found[backend], (expected, along, expected), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


def test_deconvolutions_on_theano_flip_too():
    draw = np.random.default_rng(1)
    kernel = draw.normal(size=(3, 2, 3, 3)).astype("float32")  # outputs, inputs, rows, columns
    image = draw.normal(size=(1, 2, 4, 4)).astype("float32")
    with installed("keras1", "theano"):
        from keras import backend as K
        from keras.layers import Deconvolution2D
        from keras.models import Sequential

        K.set_image_dim_ordering("th")
        model = Sequential(
            [Deconvolution2D(3, 3, 3, (None, 3, 6, 6), bias=False, input_shape=(2, 4, 4))]
        )
        model.set_weights([kernel])
        found = model.predict(image)
    # the gradient of a convolution with flipped kernels
    expected = [sum(map(correlate, image[0], one)) for one in kernel]
    np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["SimpleRNN", "GRU", "LSTM"])
def test_recurrent_layers_give_programs_their_step(keras1, name):
    """A layer that loops over another one's step, as attention does, gives what that one gives."""
    K, layers = keras1.backend, keras1.layers

    class Looped(layers.Layer):
        def __init__(self, inner, **kwargs):
            super().__init__(**kwargs)
            self.inner = inner
            self.supports_masking = True

        def build(self, input_shape):
            self.inner.build(input_shape[0])
            self.losses += self.inner.losses
            self.constraints = {}
            super().build(input_shape)

        def get_output_shape_for(self, input_shape):
            return self.inner.get_output_shape_for(input_shape[0])

        def compute_mask(self, inputs, mask):
            return self.inner.compute_mask(inputs[0], mask[1])

        def call(self, x, mask=None):
            inner, (x, _) = self.inner, x
            last, outputs, _ = K.rnn(
                inner.step,
                inner.preprocess_input(x),
                inner.get_initial_states(x),
                mask=mask[0],
                constants=[*inner.get_constants(x), x],
            )
            return outputs if inner.return_sequences else last

    def model(dropout):
        inputs = layers.Input((4, 3))
        inner = getattr(layers, name)(
            2, return_sequences=True, W_regularizer="l2", dropout_W=dropout, dropout_U=dropout
        )
        return keras1.models.Model(inputs, Looped(inner)([inputs, inputs])), inner

    x = np.random.rand(5, 4, 3).astype("float32")
    looped, inner = model(0.0)
    np.testing.assert_allclose(looped.predict(x), np.asarray(inner(x)), rtol=1e-5, atol=1e-6)
    assert len(looped.trainable_weights) == len(inner.trainable_weights)
    if name != "LSTM":
        return
    dropped, _ = model(0.5)
    dropped.compile("sgd", "mse")
    zeros = np.zeros((5, 4, 2))
    assert dropped.train_on_batch(x, zeros) != pytest.approx(dropped.evaluate(x, zeros, verbose=0))
    np.testing.assert_array_equal(dropped.predict(x), dropped.predict(x))
