"""HDF5 files of whole models and of weights by layer, with Keras as the oracle both ways."""

import h5py
import jax
import keras as theirs
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers
from tests.contract.objects import LAYERS
from tests.models.test_cloning import same_values


def rows(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def fill(model):
    """Give every weight values of its own, positive ones where they are variances."""
    random = np.random.default_rng(1)
    model.set_weights([random.uniform(0.1, 0.9, w.shape).astype(w.dtype) for w in model.weights])
    return model


def model_around(module, name, make):
    """A functional model of one layer of the contract table."""
    row = LAYERS[name]
    given = [row.inputs, *row.call.values()] if row.call else row.inputs
    symbols = jax.tree.map(lambda x: module.Input(x.shape[1:], dtype=str(x.dtype)), given)
    layer = make()
    if row.call:
        first, *more = symbols
        return module.Model(symbols, layer(first, **dict(zip(row.call, more, strict=True)))), given
    return module.Model(symbols, layer(symbols)), given


def ours(name):
    model, given = model_around(keras, name, LAYERS[name].make)
    return fill(model), given


WITH_WEIGHTS = [
    name
    for name, row in LAYERS.items()
    if name
    in (
        "PReLU Dense EinsumDense Embedding ReversibleEmbedding SpectralNormalization "
        "Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose "
        "Conv3DTranspose DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D "
        "BatchNormalization Normalization GroupNormalization LayerNormalization RMSNormalization "
        "AdditiveAttention Attention MultiHeadAttention GroupQueryAttention Bidirectional "
        "ConvLSTM1D ConvLSTM2D ConvLSTM3D GRU GRUCell LSTM LSTMCell RNN SimpleRNN "
        "SimpleRNNCell StackedRNNCells TimeDistributed STFTSpectrogram"
    ).split()
]


APART = ("InputLayer", "JaxLayer")  # Keras's JaxLayer needs TensorFlow


def test_the_list_of_layers_with_weights_is_whole():
    of_keras = [name for name in LAYERS if hasattr(theirs.layers, name) and name not in APART]
    assert [name for name in of_keras if ours(name)[0].weights] == WITH_WEIGHTS


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_a_layer_goes_to_keras_and_back(name, tmp_path):
    model, x = ours(name)
    model.save(tmp_path / "ours.h5")
    read = theirs.models.load_model(tmp_path / "ours.h5", compile=False)
    same_values(model, read, x)
    read.save(tmp_path / "theirs.h5")
    again = keras.models.load_model(tmp_path / "theirs.h5", compile=False)
    same_values(model, again, x)
    blank, _ = model_around(keras, name, LAYERS[name].make)
    blank.load_weights(tmp_path / "theirs.h5")
    for made in (again, blank):
        for value, wanted in zip(made.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(value, wanted)


# ---- whole models


def trained(module=keras):
    """Two inputs, a shared layer, a nested model and two outputs, trained for an epoch."""
    a, b = module.Input((4,), name="a"), module.Input((4,), name="b")
    shared = module.layers.Dense(3, activation="relu", kernel_regularizer="l2", name="shared")
    inner = module.Sequential(
        [
            module.Input((3,)),
            module.layers.Dense(2, name="in1"),
            module.layers.BatchNormalization(name="bn"),
        ],
        name="inner",
    )
    both = module.layers.Add(name="add")([shared(a), shared(b)])
    series = module.layers.Reshape((1, 3), name="series")(both)
    outputs = [inner(both), module.layers.LSTM(3, name="lstm")(series)]
    model = module.Model([a, b], outputs, name="net")
    loss = ["mean_squared_error", module.losses.Huber()]
    model.compile(module.optimizers.Adam(0.01, amsgrad=True), loss, metrics=["mae", ["accuracy"]])
    model.fit(*DATA, epochs=2, verbose=0, shuffle=False)
    return model


DATA = [rows(8, 4), rows(8, 4) + 1], [rows(8, 2), rows(8, 3)]


def same_state(one, other):
    for a, b in zip(one.optimizer.variables, other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b), err_msg=a.path)


def go_on(model):
    history = model.fit(*DATA, epochs=2, verbose=0, shuffle=False).history
    return [np.ravel(history[key]) for key in sorted(history)]


@pytest.mark.parametrize("writer", [keras, theirs])
def test_training_goes_on_from_a_file(writer, tmp_path):
    model = trained(writer)
    model.save(tmp_path / "m.hdf5")
    read = keras.models.load_model(tmp_path / "m.hdf5")
    same_state(model, read)
    if writer is keras:
        other = theirs.models.load_model(tmp_path / "m.hdf5")
        same_values(model, other, DATA[0])  # Keras itself loses the state of the optimizer
    for value, wanted in zip(go_on(read), go_on(model), strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-4, atol=1e-5)


def test_a_file_that_is_open_a_group_and_a_stream_are_read_and_written(tmp_path):
    model = fill(small())
    with h5py.File(tmp_path / "several", "w") as file:
        model.save(file.create_group("model"))
        model.save_weights(file.create_group("weights"))
    with h5py.File(tmp_path / "several") as file:
        same_values(keras.models.load_model(file["model"], compile=False), model, rows(2, 3))
        blank = small()
        blank.load_weights(file["weights"])
    same_values(blank, model, rows(2, 3))
    model.save(tmp_path / "m.h5")
    for suffix in ("h5", "keras"):
        model.save(tmp_path / f"m.{suffix}")
        with open(tmp_path / f"m.{suffix}", "rb") as stream:
            same_values(keras.models.load_model(stream, compile=False), model, rows(2, 3))


def small():
    return keras.Sequential(
        [keras.Input((3,)), layers.Dense(2, name="one"), layers.Dense(2, name="two")]
    )


def test_what_a_file_is_follows_from_what_lies_in_it(tmp_path):
    model = fill(small())
    model.save(tmp_path / "m.h5")
    (tmp_path / "m.h5").rename(tmp_path / "model")
    same_values(keras.models.load_model(tmp_path / "model", compile=False), model, rows(2, 3))
    model.save(tmp_path / "other", save_format="h5")
    assert h5py.is_hdf5(tmp_path / "other")
    (tmp_path / "text.h5").write_text("no file of this kind")
    with pytest.raises(ValueError, match="neither HDF5 nor a .keras archive"):
        keras.models.load_model(tmp_path / "text.h5")


def test_the_way_out_of_what_only_tensorflow_writes(tmp_path):
    with pytest.raises(ValueError, match="SavedModel"):
        small().save(tmp_path / "m", save_format="tf")
    for save in (small().save, small().save_weights):
        with pytest.raises(ValueError, match="(?s)must end in.*TensorFlow's own formats"):
            save(tmp_path / "m")


def test_a_subclass_of_model_is_told_what_keras_says(tmp_path):
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, x):
            return self.dense(x)

    model = Own()
    model(rows(2, 3))
    with pytest.raises(NotImplementedError, match=r"Functional and Sequential.*model\.keras"):
        model.save(tmp_path / "m.h5")
    assert not list(tmp_path.iterdir())
    model.save_weights(tmp_path / "w.h5")
    before = model.get_weights()
    fill(model).load_weights(tmp_path / "w.h5")
    for value, wanted in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, wanted)


def own_loss(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)


def test_a_loss_of_ones_own_is_asked_for(tmp_path):
    model = small()
    with keras.saving.custom_object_scope({"own_loss": own_loss}):
        model.compile("sgd", own_loss)
        model.save(tmp_path / "m.h5")
    with pytest.raises(ValueError, match="'own_loss'.*custom_objects"):
        keras.models.load_model(tmp_path / "m.h5")
    again = keras.models.load_model(tmp_path / "m.h5", custom_objects={"own_loss": own_loss})
    assert again.get_compile_config
    assert again.evaluate(rows(2, 3), rows(2, 2), verbose=0) > 0
    assert not keras.models.load_model(tmp_path / "m.h5", compile=False).compiled


def test_a_model_that_was_not_compiled_says_so(tmp_path):
    model = small()
    model.save(tmp_path / "m.h5")
    with pytest.warns(UserWarning, match="has no compile arguments"):
        assert not keras.models.load_model(tmp_path / "m.h5").compiled
    model.compile("sgd", "mse")
    model.save(tmp_path / "m.h5", include_optimizer=False)
    with h5py.File(tmp_path / "m.h5") as file:
        assert "training_config" not in file.attrs and "optimizer_weights" not in file


# ---- weights by layer


def test_layers_go_by_place_or_by_name(tmp_path):
    model = fill(small())
    model.save_weights(tmp_path / "w.h5")
    other = keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(2, name="two_of_mine"),
            layers.Activation("relu"),
            layers.Dense(2, name="two"),
        ]
    )
    first = other.layers[0].get_weights()
    other.load_weights(tmp_path / "w.h5", by_name=True)
    for layer, values in (
        (other.layers[0], first),
        (other.layers[2], model.layers[1].get_weights()),
    ):
        for value, wanted in zip(layer.get_weights(), values, strict=True):
            np.testing.assert_array_equal(value, wanted)
    other.load_weights(tmp_path / "w.h5")
    for value, wanted in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(value, wanted)


def test_what_does_not_fit_is_named_and_nothing_is_loaded(tmp_path):
    fill(small()).save_weights(tmp_path / "w.h5")
    wide = keras.Sequential([keras.Input((3,)), layers.Dense(2), layers.Dense(4, name="wide")])
    before = wide.get_weights()
    message = r"layer 'wide' \('two' in the file\): weight 'kernel' expects shape \(2, 4\)"
    with pytest.raises(ValueError, match=message):
        wide.load_weights(tmp_path / "w.h5")
    for value, wanted in zip(wide.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, wanted)
    with pytest.warns(UserWarning, match=message):
        wide.load_weights(tmp_path / "w.h5", skip_mismatch=True)
    assert not np.array_equal(wide.get_weights()[0], before[0])
    np.testing.assert_array_equal(wide.get_weights()[2], before[2])
    fewer = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="one")])
    with pytest.raises(ValueError, match=r"1 layers with weights \(one\); the file has 2"):
        fewer.load_weights(tmp_path / "w.h5")


def test_many_long_names_are_split_as_hdf5_needs(tmp_path):
    names = [f"{'n' * 3000}_{number}" for number in range(24)]
    model = keras.Sequential([keras.Input((1,)), *(layers.Dense(1, name=name) for name in names)])
    fill(model).save_weights(tmp_path / "w.h5")
    with h5py.File(tmp_path / "w.h5") as file:
        assert "layer_names1" in file.attrs
    blank = keras.models.clone_model(model)
    blank.load_weights(tmp_path / "w.h5")
    for value, wanted in zip(blank.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(value, wanted)
