"""`tf.train.Checkpoint` and its manager: values by the path of each object."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from hornbook.compat.install import installed


@pytest.fixture
def tf():
    with installed("tfkeras"):
        yield importlib.import_module("tensorflow")


def net(tf, units=2):
    keras = tf.keras

    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.blocks = [keras.layers.Dense(units), keras.layers.Dense(1)]

        def call(self, x):
            return self.blocks[1](self.blocks[0](x))

    return Net()


def test_values_come_back_also_to_variables_that_are_created_later(tf, tmp_path):
    x = np.ones((2, 3), "float32")
    model, step, adam = net(tf), tf.Variable(3), tf.keras.optimizers.Adam()
    model(x)
    adam.build(model.trainable_variables)
    adam.iterations.assign(7)
    extra = {"a": tf.Variable([1.0]), "b": [tf.Variable(2.0)]}
    saved = tf.train.Checkpoint(net=model, step=step, optimizer=adam, extra=extra)
    path = saved.save(tmp_path / "ckpt")
    assert path == str(tmp_path / "ckpt-1")
    assert tf.train.latest_checkpoint(tmp_path) == path
    shapes = dict(tf.train.list_variables(path))
    assert shapes["extra/a/.ATTRIBUTES/VARIABLE_VALUE"] == [1]

    other, step, adam = net(tf), tf.Variable(0), tf.keras.optimizers.Adam()
    extra = {"a": tf.Variable([0.0]), "b": [tf.Variable(0.0)]}
    again = tf.train.Checkpoint(net=other, step=step, optimizer=adam, extra=extra)
    status = again.restore(path)
    assert int(step) == 3 and float(extra["b"][0]) == 2 and int(again.save_counter) == 1
    with pytest.raises(AssertionError, match="was not restored"):
        status.assert_consumed()
    np.testing.assert_array_equal(other(x), model(x))  # built by this call
    adam.build(other.trainable_variables)
    assert int(adam.iterations) == 7
    status.assert_consumed().expect_partial()


def test_shapes_that_differ_and_objects_without_variables_are_refused(tf, tmp_path):
    path = tf.train.Checkpoint(a=tf.Variable([1.0, 2.0])).write(tmp_path / "c")
    with pytest.raises(ValueError, match="has shape .2,.; the variable"):
        tf.train.Checkpoint(a=tf.Variable([1.0])).read(path)
    with pytest.raises(AssertionError, match="not in the checkpoint"):
        found = tf.train.Checkpoint(a=tf.Variable([1.0, 1.0]), b=tf.Variable(1.0)).read(path)
        found.assert_existing_objects_matched()
    with pytest.raises(ValueError, match=r"epoch=3 cannot be saved.*tf.Variable"):
        tf.train.Checkpoint(epoch=3).save(tmp_path / "d")
    with pytest.raises(FileNotFoundError, match="there is no checkpoint"):
        tf.train.Checkpoint().restore(tmp_path / "none")
    Path(f"{path}.index").write_bytes(b"x" * 99)
    with pytest.raises(ValueError, match="cannot be read"):
        tf.train.Checkpoint(a=tf.Variable([1.0, 2.0])).read(path)


def test_a_manager_keeps_the_latest(tf, tmp_path):
    step = tf.Variable(0)
    checkpoint = tf.train.Checkpoint(step=step)
    manager = tf.train.CheckpointManager(checkpoint, tmp_path, max_to_keep=2)
    assert checkpoint.restore(manager.latest_checkpoint).expect_partial() is not None
    for number in (1, 2, 3):
        step.assign(number)
        assert manager.save() == str(tmp_path / f"ckpt-{number}")
    kept = sorted(one.name for one in tmp_path.iterdir())
    assert kept == ["checkpoint", "ckpt-2.index", "ckpt-3.index"]
    assert (tmp_path / "checkpoint").read_text() == (
        'model_checkpoint_path: "ckpt-3"\n'
        'all_model_checkpoint_paths: "ckpt-2"\n'
        'all_model_checkpoint_paths: "ckpt-3"\n'
    )
    again = tf.train.CheckpointManager(tf.train.Checkpoint(step=step), tmp_path, 2)
    assert again.checkpoints == manager.checkpoints
    step.assign(0)
    assert again.restore_or_initialize() == manager.latest_checkpoint and int(step) == 3
    assert again.save().endswith("ckpt-4")


def test_summaries_are_what_tensorboard_reads(tmp_path):
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    with installed("tfkeras"):
        tf = importlib.import_module("tensorflow")
        writer = tf.summary.create_file_writer(str(tmp_path / "logs"))
        assert not tf.summary.scalar("loss", 1.0, step=0)  # no file is the default
        with writer.as_default():
            tf.summary.scalar("loss", tf.constant(0.5), step=1)
            tf.summary.image("picture", tf.zeros((1, 2, 2, 3)), step=1)
            with tf.summary.record_if(False):
                tf.summary.scalar("loss", 0.1, step=2)
        with writer.as_default(step=5):
            tf.summary.histogram("weights", [1.0, 2.0])
            tf.summary.text("note", "hello")
        writer.close()
    (file,) = (tmp_path / "logs").iterdir()
    events = list(loader.EventFileLoader(str(file)).Load())
    told = [(event.step, value.tag) for event in events for value in event.summary.value]
    assert told == [(1, "loss"), (1, "picture"), (5, "weights"), (5, "note")]


def test_variables_and_modules(tf, tmp_path):
    v = tf.Variable(initial_value=[[1.0, 2.0], [3.0, 4.0]], trainable=False, name="v:0")
    v[0, 1].assign(42.0)
    v[:, 0].assign([0.0, 1.0])
    v.scatter_nd_update([[1, 1]], [7.0])
    assert v.numpy().tolist() == [[0, 42], [1, 7]] and isinstance(v, tf.Variable)
    v.scatter_add(tf.IndexedSlices(tf.constant([[1.0, 1.0]]), [0]))
    assert v.read_value().numpy().tolist() == [[1, 43], [1, 7]] and {v.ref(): 1}[v.ref()] == 1
    with pytest.raises(AttributeError, match="a slice of one"):
        tf.constant([1.0]).assign([2.0])
    assert tf.Variable(3).dtype == tf.int32 and tf.Variable(lambda: 3.0).dtype == tf.float32

    class Affine(tf.Module):
        def __init__(self, name=None):
            super().__init__(name=name)
            self.w, self.b = tf.Variable([2.0]), tf.Variable([[1.0]])
            self.step = tf.Variable(0, trainable=False)

        @tf.Module.with_name_scope
        def __call__(self, x):
            return x * self.w

    class Net(tf.Module):
        def __init__(self):
            super().__init__()
            self.parts = [Affine(), Affine()]

    net, other = Net(), Net()
    shapes = [v.shape for v in net.trainable_variables]  # by the names of attributes
    assert shapes == [(1, 1), (1,)] * 2 and len(net.variables) == 6
    assert net.submodules == (*net.parts,) and float(net.parts[0](3.0)[0]) == 6
    net.parts[1].w.assign([5.0])
    path = tf.train.Checkpoint(net).write(tmp_path / "net")
    tf.train.Checkpoint(other).read(path).assert_consumed()
    assert float(other.parts[1].w[0]) == 5
