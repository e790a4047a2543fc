"""Event files, read back by tensorboard itself."""

import io
import wave

import numpy as np
import pytest

import hornbook as keras

tensorboard = pytest.importorskip("tensorboard")

from tensorboard.backend.event_processing.event_accumulator import (  # noqa: E402
    EventAccumulator,
)
from tensorboard.util.tensor_util import make_ndarray  # noqa: E402


class Read:
    """The tensors and plugins of a folder of event files, by tag."""

    def __init__(self, folder):
        self.events = EventAccumulator(str(folder), {"tensors": 0})
        self.events.Reload()
        self.tags = set(self.events.Tags()["tensors"])

    def __getitem__(self, tag):
        return [(e.step, make_ndarray(e.tensor_proto)) for e in self.events.Tensors(tag)]

    def numbers(self, tag):
        return [(step, float(array)) for step, array in self[tag]]

    def plugin(self, tag):
        return self.events.SummaryMetadata(tag).plugin_data.plugin_name


def test_a_training_is_read_back(tmp_path):
    inputs = keras.Input((2,), dtype="int32")
    x = keras.layers.Embedding(5, 3, name="words")(inputs)
    outputs = keras.layers.Dense(2, name="out")(keras.layers.Flatten()(x))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.SGD(0.25), "mse", metrics=["mae"])
    x, y = np.arange(40).reshape(20, 2) % 5, np.ones((20, 2))
    callback = keras.callbacks.TensorBoard(
        tmp_path, histogram_freq=2, write_images=True, write_steps_per_second=True, update_freq=2,
        embeddings_freq=1, embeddings_metadata={"words": "words.txt"},
    )  # fmt: skip
    own = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: callback.writer().scalar("own", epoch / 2, epoch)
    )
    batches = []
    each = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: batches.append(logs["loss"])
    )
    history = model.fit(
        x, y, batch_size=4, epochs=3, verbose=0, validation_data=(x, y),
        callbacks=[callback, own, each],
    ).history  # fmt: skip
    train, validation = Read(tmp_path / "train"), Read(tmp_path / "validation")
    weights = {f"{v.path}/{kind}" for v in model.weights for kind in ("histogram", "image")}
    words = ("loss", "mae", "steps_per_second")
    scalars = {f"{when}_{word}" for when in ("epoch", "batch") for word in words}
    assert train.tags == {"keras", "own", "epoch_learning_rate", *scalars, *weights}
    each = {f"evaluation_{name}_vs_iterations" for name in ("loss", "mae")}
    assert validation.tags == {"epoch_loss", "epoch_mae", *each}

    losses = np.float32(history["loss"]).tolist()
    assert train.numbers("epoch_loss") == list(enumerate(losses))
    assert train.numbers("epoch_learning_rate") == [(0, 0.25), (1, 0.25), (2, 0.25)]
    # 15 batches: every second one, counted over the epochs
    expected = [(n, float(np.float32(batches[n - 1]))) for n in range(2, 15, 2)]
    assert train.numbers("batch_loss") == expected
    found = validation.numbers("evaluation_mae_vs_iterations")
    assert found == [(5 * (n + 1), float(np.float32(v))) for n, v in enumerate(history["val_mae"])]
    assert all(value > 0 for _, value in train.numbers("epoch_steps_per_second"))
    assert train.numbers("own") == [(0, 0.0), (1, 0.5), (2, 1.0)]

    tag = f"{model.weights[0].path}/histogram"
    steps, arrays = zip(*train[tag], strict=True)
    assert steps == (0, 2) and arrays[0].shape == (30, 3) and arrays[0][:, 2].sum() == 15
    kernel = model.get_layer("out").kernel.numpy()
    assert arrays[1][0, 0] == model.weights[0].numpy().min()
    assert train.plugin(tag) == "histograms"
    tag = f"{model.get_layer('out').kernel.path}/image"
    width, height, picture = train[tag][-1][1]
    assert (width, height) == (b"6", b"2") and train.plugin(tag) == "images"
    opened = np.asarray(pytest.importorskip("PIL.Image").open(io.BytesIO(picture)))
    np.testing.assert_array_equal(opened, np.uint8(np.clip(kernel.T, 0, 1) * 255 + 0.5))

    from tensorboard.plugins.graph.keras_util import keras_model_to_graph_def

    assert train.plugin("keras") == "graph_keras_model"
    (text,) = [array for _, array in train["keras"]]
    import json

    nodes = {n.name: list(n.input) for n in keras_model_to_graph_def(json.loads(text.item())).node}
    (path,) = [name for name in nodes if name.endswith("out")]
    assert nodes[path][0].endswith("flatten") or "flatten" in nodes[path][0]

    settings = (tmp_path / "projector_config.pbtxt").read_text()
    assert 'tensor_path: "words.tsv"' in settings and 'metadata_path: "words.txt"' in settings
    table = np.loadtxt(tmp_path / "words.tsv", delimiter="\t")
    np.testing.assert_allclose(table, model.weights[0].numpy(), rtol=1e-5)


def test_a_profile_is_written(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    callback = keras.callbacks.TensorBoard(tmp_path, profile_batch=(2, 3))
    x = np.ones((8, 2))
    model.fit(x, x[:, 0], batch_size=2, verbose=0, callbacks=[callback])
    assert list((tmp_path / "train" / "plugins" / "profile").rglob("*.xplane.pb"))


def test_users_write_what_they_like(tmp_path):
    from PIL import Image

    pictures = np.random.default_rng(0).integers(0, 256, (4, 5, 6, 3)).astype("uint8")
    with keras.callbacks.SummaryWriter(tmp_path) as writer:
        writer.scalar("number", np.float32(0.5), 3)
        writer.text("note", "*so*", 4)
        writer.histogram("spread", np.arange(10), 5, buckets=5)
        writer.image("pictures", pictures, 6)
        writer.image("grey", np.full((1, 2, 2, 1), 0.5), 7)
        for kind, wrong in (("scalar", [1, 2]), ("image", pictures[0]), ("text", 3.0)):
            with pytest.raises(ValueError, match=rf"SummaryWriter\.{kind}: 'x' must be "):
                getattr(writer, kind)("x", wrong, 0)
    found = Read(tmp_path)
    assert found.numbers("number") == [(3, 0.5)]
    assert [(step, array.item()) for step, array in found["note"]] == [(4, b"*so*")]
    ((step, spread),) = found["spread"]
    assert step == 5 and spread[:, 2].tolist() == [2, 2, 2, 2, 2]
    ((step, (width, height, *files)),) = found["pictures"]
    assert (step, width, height, len(files)) == (6, b"6", b"5", 3)
    opened = [np.asarray(Image.open(io.BytesIO(file))) for file in files]
    np.testing.assert_array_equal(opened, pictures[:3])
    grey = found["grey"][0][1][2]
    assert np.asarray(Image.open(io.BytesIO(grey))).tolist() == [[128, 128], [128, 128]]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"update_freq": 0}, "update_freq=0 must be 'epoch', 'batch' or"),
        ({"profile_batch": (5, 2)}, r"profile_batch=\(5, 2\) must be"),
        ({"profile_batch": "two"}, "profile_batch='two' must be"),
    ],
)
def test_wrong_arguments_are_told(tmp_path, wrong, said):
    with pytest.raises(ValueError, match=said):
        keras.callbacks.TensorBoard(tmp_path, **wrong)


def test_metadata_of_an_unknown_layer_is_told(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Embedding(3, 2, name="words")])
    callback = keras.callbacks.TensorBoard(
        tmp_path, embeddings_freq=1, embeddings_metadata={"word": "w.txt"}, write_graph=False
    )
    with pytest.raises(ValueError, match=r"names \['word'\]; the Embedding layers .* \['words'\]"):
        callback.set_model(model)


def test_sounds_are_read_back(tmp_path):
    sound = np.sin(np.arange(100.0) / 5).reshape(1, 100, 1) * 2
    with keras.callbacks.SummaryWriter(tmp_path) as writer:
        writer.audio("sound", np.tile(sound, (4, 1, 2)), step=3, sample_rate=8000)
        with pytest.raises(ValueError, match="samples, channels"):
            writer.audio("flat", sound[0, :, 0], step=0, sample_rate=8000)
    read = Read(tmp_path)
    ((step, found),) = read["sound"]
    assert step == 3 and found.shape == (3, 2) and read.plugin("sound") == "audio"
    with wave.open(io.BytesIO(found[0, 0])) as file:
        assert file.getparams()[:4] == (2, 2, 8000, 100)
        numbers = np.frombuffer(file.readframes(100), "<i2").reshape(100, 2)
    np.testing.assert_allclose(numbers[:, 0] / 32767, np.clip(sound[0, :, 0], -1, 1), atol=2e-5)
