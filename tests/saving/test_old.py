"""Files of old Kerases: read as those read them, and written so that those can read them.

The files in `keras2/` were made by tf-keras (`keras2/make.py`).
"""

import gzip
import io
import json
from pathlib import Path

import h5py
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers
from hornbook.compat import installed
from hornbook.dialects.files import FORMATS
from hornbook.saving.conversions import as_today, as_written

FOLDER = Path(__file__).parent / "keras2"


def rows(*shape):
    return np.random.default_rng(len(shape)).normal(size=shape).astype("float32")


def listed(values):
    return values if isinstance(values, list) else [values]


def bare(values):
    return values if len(values) > 1 else values[0]


# ---- files of Keras 2


@pytest.fixture(params=["convolutional", "recurrent", "graph"])
def made_by_keras(request):
    stream = io.BytesIO(gzip.decompress((FOLDER / f"{request.param}.h5.gz").read_bytes()))
    with h5py.File(stream) as file:
        found = {name: np.asarray(value) for name, value in file["expected"].items()}
    losses = found.pop("losses")
    by = {kind: [found[n] for n in sorted(found) if n[0] == kind] for kind in "xty"}
    return stream, by, losses


def test_a_model_of_keras_2_computes_and_trains_on_as_it_did(made_by_keras):
    stream, by, losses = made_by_keras
    model = keras.models.load_model(stream)
    for value, wanted in zip(listed(model.predict(bare(by["x"]), verbose=0)), by["y"], strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-4, atol=1e-5)
    for wanted in losses:
        loss = np.ravel(model.train_on_batch(bare(by["x"]), bare(by["t"])))[0]
        np.testing.assert_allclose(loss, wanted, rtol=1e-4)


def test_a_model_of_keras_2_is_saved_as_one_of_today(made_by_keras, tmp_path):
    stream, by, _ = made_by_keras
    model = keras.models.load_model(stream)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    for value, wanted in zip(listed(again.predict(bare(by["x"]), verbose=0)), by["y"], strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-4, atol=1e-5)


# ---- programs write the format of their generation


def program():
    """Layers whose arguments have changed, as a program of Keras 2 writes them."""
    import keras as old

    model = old.models.Sequential()
    model.add(old.layers.Conv2D(2, (3, 3), padding="same", input_shape=(6, 6, 1)))
    model.add(old.layers.LeakyReLU(alpha=0.2))
    model.add(old.layers.Lambda(lambda x: 2 * x))
    model.add(old.layers.BatchNormalization())
    model.add(old.layers.TimeDistributed(old.layers.Bidirectional(old.layers.LSTM(2))))
    model.add(old.layers.GRU(2))
    model.add(old.layers.Dense(1, kernel_regularizer=old.regularizers.l2(0.1)))
    model.compile(old.optimizers.SGD(lr=0.1, momentum=0.9, decay=0.5), "mse", metrics=["mae"])
    model.fit(rows(4, 6, 6, 1), rows(4, 1), epochs=2, verbose=0)
    return model


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("keras2") / "model"
    with installed("keras2"):
        model = program()
        model.save(path)
        return model, path, model.predict(rows(4, 6, 6, 1))


@pytest.fixture
def old():
    with installed("keras2"):
        import keras

        yield keras


def test_a_program_reads_what_it_wrote(written, old):
    model, path, outputs = written
    again = old.models.load_model(path)
    assert isinstance(again, old.models.Sequential) and hasattr(again, "predict_classes")
    x = rows(4, 6, 6, 1)
    np.testing.assert_allclose(again.predict(x), outputs, rtol=1e-5)
    for a, b in zip(again.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    np.testing.assert_allclose(
        again.train_on_batch(x, rows(4, 1)), model.train_on_batch(x, rows(4, 1)), rtol=1e-5
    )


def test_the_file_says_what_keras_2_says(written):
    with h5py.File(written[1]) as file:
        config = json.loads(file.attrs["model_config"])
        training = json.loads(file.attrs["training_config"])
        names = list(file["model_weights"].attrs["layer_names"])
        state = [
            file["optimizer_weights"][n].shape
            for n in file["optimizer_weights"].attrs["weight_names"]
        ]
        assert file.attrs["keras_version"].startswith("2.")
    assert config["class_name"] == "Sequential"
    made = {one["class_name"]: one["config"] for one in config["config"]["layers"]}
    assert [one["config"]["name"].encode() for one in config["config"]["layers"]] == names
    assert made["Conv2D"]["batch_input_shape"] == [None, 6, 6, 1]
    assert made["Conv2D"]["kernel_size"] == [3, 3] and made["Conv2D"]["padding"] == "same"
    assert made["LeakyReLU"]["alpha"] == 0.2
    assert made["Lambda"]["function_type"] == "lambda"
    assert made["GRU"]["recurrent_activation"] == "hard_sigmoid" and not made["GRU"]["reset_after"]
    assert made["TimeDistributed"]["layer"]["config"]["layer"]["class_name"] == "LSTM"
    assert made["Dense"]["kernel_regularizer"] == {
        "class_name": "L1L2",
        "config": {"l2": 0.1, "l1": 0.0},
    }
    assert training["optimizer_config"]["class_name"] == "SGD"
    assert {"lr": 0.1, "decay": 0.5}.items() <= training["optimizer_config"]["config"].items()
    assert state[0] == () and state[1] == (3, 3, 1, 2)


def test_the_code_of_a_lambda_is_not_run_by_another_process(written, monkeypatch):
    monkeypatch.setattr("hornbook.saving.configs.dumped", {})
    name = next(one.name for one in written[0].layers if type(one).__name__ == "Lambda")
    with pytest.raises(
        ValueError, match=f"{name}' is stored .*never run.*custom_objects={{'{name}'"
    ):
        keras.models.load_model(written[1])
    again = keras.models.load_model(written[1], custom_objects={name: lambda x: 2 * x})
    x = rows(4, 6, 6, 1)
    np.testing.assert_allclose(again.predict(x, verbose=0), written[2], rtol=1e-5)


def test_tf_keras_reads_what_a_program_wrote(written):
    old = pytest.importorskip("tf_keras")
    x = rows(4, 6, 6, 1)
    read = old.models.load_model(written[1], safe_mode=False)
    np.testing.assert_allclose(read.predict(x), written[2], rtol=1e-4)


def test_weights_json_and_checkpoints_of_a_program(written, old, tmp_path):
    model, x = written[0], rows(4, 6, 6, 1)
    again = old.models.model_from_json(model.to_json())
    model.save_weights(tmp_path / "w.hdf5")
    again.load_weights(tmp_path / "w.hdf5", True)  # by name
    np.testing.assert_allclose(again.predict(x), model.predict(x), rtol=1e-5)
    again.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    place = str(tmp_path / "w.{epoch:02d}-{val_acc:.2f}-{val_accuracy:.2f}.hdf5")
    save = old.callbacks.ModelCheckpoint(place, monitor="val_acc", save_best_only=True)
    y = np.ones((4, 1))
    history = again.fit(x, y, validation_data=[x, y], verbose=0, callbacks=[save]).history
    value = history["val_acc"][0]
    assert (tmp_path / f"w.01-{value:.2f}-{value:.2f}.hdf5").exists()
    with pytest.raises(RuntimeError, match="JSON"):
        model.to_yaml()


# ---- Keras 1


def test_a_program_of_keras_1_writes_what_keras_1_reads(tmp_path):
    with installed("keras1"):
        import keras as old

        a = old.layers.Input((6, 6, 1), name="a")
        x = old.layers.Convolution2D(2, 3, 3, W_regularizer=old.regularizers.l2(0.1))(a)
        x = old.layers.merge([x, x], mode="concat")
        x = old.layers.TimeDistributed(old.layers.LSTM(3, inner_init="identity"))(x)
        model = old.models.Model(input=a, output=old.layers.Dense(1)(old.layers.Flatten()(x)))
        model.compile("sgd", "mse")
        model.save(tmp_path / "m.h5")
        again = old.models.load_model(tmp_path / "m.h5")
        given = rows(2, 6, 6, 1)
        np.testing.assert_allclose(again.predict(given), model.predict(given), rtol=1e-5)
    with h5py.File(tmp_path / "m.h5") as file:
        config = json.loads(file.attrs["model_config"])["config"]
        names = list(file["model_weights/timedistributed_1"].attrs["weight_names"])
    made = {one["class_name"]: one for one in config["layers"]}
    conv = made["Convolution2D"]["config"]
    wanted = {"nb_filter": 2, "nb_row": 3, "nb_col": 3, "border_mode": "valid", "bias": True}
    assert wanted.items() <= conv.items() and conv["subsample"] == [1, 1]
    assert conv["W_regularizer"] == {"name": "L1L2Regularizer", "l1": 0.0, "l2": 0.1}
    assert made["Merge"]["config"]["mode"] == "concat"
    assert made["Merge"]["inbound_nodes"] == [[["convolution2d_1", 0, 0]] * 2]
    assert made["TimeDistributed"]["config"]["layer"]["config"]["inner_init"] == "identity"
    assert len(names) == 12


def test_the_twelve_weights_of_a_keras_1_lstm_are_joined_as_keras_joined_them():
    layer = layers.LSTM(2)
    layer.build((None, 5, 3))
    apart = [rows(*shape) for _ in "icfo" for shape in ((3, 2), (2, 2), (2,))]
    kernel, recurrent, bias = as_today(layer, apart, FORMATS["1"])
    np.testing.assert_array_equal(kernel, np.hstack([apart[0], apart[6], apart[3], apart[9]]))
    np.testing.assert_array_equal(recurrent, np.hstack([apart[1], apart[7], apart[4], apart[10]]))
    np.testing.assert_array_equal(bias, np.hstack([apart[2], apart[8], apart[5], apart[11]]))


@pytest.mark.parametrize(
    ("layer", "shape", "first"),
    [
        (layers.LSTM(2), (None, 5, 3), (3, 2)),
        (layers.GRU(2, reset_after=False), (None, 5, 3), (3, 2)),
        (layers.Conv1D(4, 2), (None, 5, 3), (2, 1, 3, 4)),
        (layers.Conv2D(4, (2, 3), data_format="channels_first"), (None, 3, 6, 6), (4, 3, 2, 3)),
        (layers.Conv2D(4, (2, 3)), (None, 6, 6, 3), (2, 3, 3, 4)),
        (layers.Conv2DTranspose(4, (2, 3)), (None, 6, 6, 3), (2, 3, 3, 4)),
        (layers.Conv3D(4, 2, data_format="channels_first"), (None, 3, 4, 4, 4), (4, 3, 2, 2, 2)),
        (layers.Bidirectional(layers.LSTM(2)), (None, 5, 3), (3, 2)),
        (layers.BatchNormalization(), (None, 3), (3,)),
    ],
)
def test_weights_of_keras_1_have_their_layout_and_come_back(layer, shape, first):
    layer.build(shape)
    layer.set_weights([rows(*w.shape) for w in layer.weights])
    apart = [value for _, value in as_written(layer, FORMATS["1"])]
    assert apart[0].shape == first
    ordered = [*layer.trainable_weights, *layer.non_trainable_weights]
    for value, wanted in zip(as_today(layer, apart, FORMATS["1"]), ordered, strict=True):
        np.testing.assert_array_equal(value, wanted.numpy())


def test_kernels_of_theano_are_turned():
    layer = layers.Conv2D(4, (2, 3))
    layer.build((None, 6, 6, 3))
    kernel = rows(2, 3, 3, 4)
    turned, _ = as_today(layer, [kernel, rows(4)], FORMATS["2"], "theano")
    np.testing.assert_array_equal(turned, kernel[::-1, ::-1])


@pytest.mark.parametrize(("kind", "gates"), [(layers.LSTM, 4), (layers.GRU, 3)])
def test_weights_of_cudnn_are_those_of_a_plain_layer(kind, gates):
    kernel, recurrent = rows(3, 2 * gates), rows(2, 2 * gates)
    inputs = [np.ascontiguousarray(k.T).reshape(k.shape) for k in np.hsplit(kernel, gates)]
    states = [k.T for k in np.hsplit(recurrent, gates)]
    bias = rows(2, 2 * gates)  # of the input and of the state
    cudnn = [np.hstack(inputs), np.hstack(states), bias.ravel()]
    plain = [kernel, recurrent, bias if kind is layers.GRU else bias.sum(0)]
    layer = kind(2)
    layer.build((None, 5, 3))
    assert [weight.shape for weight in layer.weights] == [value.shape for value in plain]
    for value, wanted in zip(as_today(layer, cudnn, FORMATS["2"]), plain, strict=True):
        np.testing.assert_allclose(value, wanted)


def test_weights_of_a_cudnn_gru_do_not_fit_one_that_computes_something_else():
    gru = layers.GRU(2, reset_after=False)
    gru.build((None, 5, 3))
    with pytest.raises(ValueError, match="reset_after=True"):
        as_today(gru, [rows(3, 6), rows(2, 6), rows(12)], FORMATS["2"])
