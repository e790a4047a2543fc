"""A training that is killed and started again goes on bit for bit."""

import os
import signal
import subprocess
import sys

import h5py
import numpy as np
import pytest

import hornbook as keras

rng = np.random.default_rng(0)
X = rng.normal(size=(46, 4)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


class Stop(keras.callbacks.Callback):
    """Raises, or kills the process, at a batch counted from the start of this fit."""

    def __init__(self, at, kill=False):
        self.at, self.kill, self.count = at, kill, 0

    def on_train_batch_end(self, batch, logs=None):
        self.count += 1
        if self.count == self.at:
            if self.kill:
                os.kill(os.getpid(), signal.SIGKILL)
            raise RuntimeError("stopped")


def make_model(rate=0.01, units=8):
    keras.utils.set_random_seed(3)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(units, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.4),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(rate), "mse", metrics=["mae"])
    return model


def train(folder, save_freq="epoch", at=0, kill=False, data=(X, Y), rate=0.01, **options):
    """Weights and history of a fit; `None` if it was stopped."""
    callbacks = [
        keras.callbacks.BackupAndRestore(folder, save_freq, **options),
        keras.callbacks.EarlyStopping("val_loss", patience=9, restore_best_weights=True),
        Stop(at, kill),
    ]
    if isinstance(rate, float):
        callbacks += [
            keras.callbacks.ReduceLROnPlateau("val_loss", patience=1, min_delta=0.2),
            keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        ]
    model = make_model(rate)
    try:
        history = model.fit(
            *data,
            epochs=4,
            batch_size=8,
            verbose=0,
            validation_data=(X[:8], Y[:8]),
            callbacks=callbacks,
        )
    except RuntimeError:
        return None
    variables = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]
    return variables, history.history, history.epoch


def assert_same(one, other):
    assert one[1:] == other[1:]
    assert all(np.array_equal(a, b) for a, b in zip(one[0], other[0], strict=True))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What a training without interruption gives."""
    return train(tmp_path_factory.mktemp("whole") / "backup")


def test_a_killed_process_goes_on_bit_for_bit(tmp_path, whole):
    folder = tmp_path / "backup"
    code = f"from tests.training.test_backup import train; train({str(folder)!r}, 2, 9, kill=True)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert os.listdir(folder) == ["latest.weights.h5"]
    assert_same(train(folder, 2), whole)
    assert not folder.exists()


# six batches an epoch: stopped in the second one and restored from its start, inside it, and after
# its last batch, before the validation
@pytest.mark.parametrize(("save_freq", "at"), [("epoch", 9), (6, 13)])
def test_a_stopped_fit_goes_on_bit_for_bit(tmp_path, whole, save_freq, at):
    assert train(tmp_path / "b", save_freq, at) is None
    assert_same(train(tmp_path / "b", save_freq), whole)


def test_schedules_go_on_too(tmp_path):
    def rate():
        return keras.optimizers.schedules.CosineDecay(0.1, 20)

    expected = train(tmp_path / "whole", rate=rate())
    assert train(tmp_path / "b", 4, 11, rate=rate()) is None
    assert_same(train(tmp_path / "b", 4, rate=rate()), expected)


class Numbered(keras.utils.PyDataset):
    def __len__(self):
        return 6

    def __getitem__(self, index):
        return X[index * 8 : index * 8 + 8], Y[index * 8 : index * 8 + 8]


class Reread:
    """Draws a new order for each pass."""

    def __iter__(self):
        for index in np.random.permutation(6):
            yield Numbered()[index]


class Positioned:
    """Batches whose iterator knows its position."""

    def __iter__(self):
        return PositionedIterator()


class PositionedIterator:
    read = 0  # by all of them

    def __init__(self):
        self.index = 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.index == 6:
            raise StopIteration
        self.index += 1
        PositionedIterator.read += 1
        return Numbered()[self.index - 1]

    def get_state(self):
        return {"index": np.int64(self.index)}

    def set_state(self, state):
        self.index = int(state["index"])


def pipeline():
    """Shuffled anew each pass from a seed that is drawn."""
    keras.utils.set_random_seed(1)
    data = keras.data.Dataset.from_tensor_slices((X, Y))
    return data.shuffle(20).map(lambda x, y: (x * 2, y)).batch(8)


def generator():
    order = np.random.default_rng(0)
    while True:
        yield Numbered()[order.integers(6)]


def fit_source(folder, source, save_freq, at=0, **options):
    keras.utils.set_random_seed(5)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    callbacks = [keras.callbacks.BackupAndRestore(folder, save_freq), Stop(at)]
    try:
        history = model.fit(source, epochs=3, verbose=0, callbacks=callbacks, **options)
    except RuntimeError:
        return None
    return model.get_weights(), history.history


@pytest.mark.parametrize(
    ("make", "options", "frequencies"),
    [
        (Numbered, {}, (2,)),
        (Reread, {}, ("epoch", 2)),
        (Reread, {"steps_per_epoch": 3}, (2,)),
        (Positioned, {}, (2,)),
        (pipeline, {}, ("epoch", 2)),
        (generator, {"steps_per_epoch": 6}, ("epoch", 2)),
        (lambda: X, {"y": Y, "batch_size": 12, "steps_per_epoch": 2}, ("epoch",)),
    ],
)
def test_the_position_in_any_source_is_kept(tmp_path, make, options, frequencies):
    expected = fit_source(tmp_path / "whole", make(), 2, **options)
    at = 5 if options.get("steps_per_epoch", 6) < 6 else 11
    for often in frequencies:
        assert fit_source(tmp_path / "b", make(), often, at, **options) is None
        PositionedIterator.read = 0
        assert_same(fit_source(tmp_path / "b", make(), often, **options), expected)
        if make is Positioned:  # one to build the model, and those after the tenth of 18
            assert PositionedIterator.read == 9


def test_ctrl_c_leaves_the_backup(tmp_path):
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                signal.raise_signal(signal.SIGINT)

    model = make_model()
    backup = keras.callbacks.BackupAndRestore(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        listed = keras.callbacks.CallbackList([backup, Interrupt()], True, model=model)
        model.fit(X, Y, epochs=3, verbose=0, callbacks=listed)
    assert (tmp_path / "latest.weights.h5").exists()
    assert model.fit(X, Y, epochs=3, verbose=0, callbacks=[backup]).epoch == [0, 1, 2]
    assert not tmp_path.exists()


def test_a_broken_backup_is_refused_and_the_one_before_is_used(tmp_path, whole):
    folder = tmp_path / "b"
    train(folder, "epoch", 13, double_checkpoint=True)
    latest, previous = folder / "latest.weights.h5", folder / "latest.weights.h5.bkp"
    good = latest.read_bytes()
    kernel = np.zeros((4, 8), "float32")
    with h5py.File(latest) as file:
        kernel[...] = file["layers/dense/vars/0"]
    place = good.index(kernel.tobytes())
    flipped = bytearray(good)
    flipped[place] ^= 1
    for broken in (b"", good[: len(good) // 2], bytes(flipped)):
        latest.write_bytes(broken)
        aside = previous.rename(folder / "aside")
        with pytest.raises(ValueError, match=r"latest\.weights\.h5' (is damaged|cannot be read)"):
            train(folder)
        assert latest.read_bytes() == broken
        aside.rename(previous)
    (folder / ".latest.weights.h5.abc.tmp").write_bytes(b"half")  # killed while it wrote
    with pytest.warns(UserWarning, match="is damaged.*the backup before it"):
        assert_same(train(folder, delete_checkpoint=False), whole)
    assert sorted(p.name for p in folder.iterdir()) == ["latest.weights.h5"]
    # finished: nothing is left to train
    assert train(folder)[2] == [0, 1, 2, 3]


def test_a_backup_of_another_training_is_refused(tmp_path):
    train(tmp_path, at=8)
    model = make_model()
    model.optimizer.build(model.trainable_variables)
    model.load_weights(tmp_path / "latest.weights.h5")  # it is a weights file too
    assert int(model.optimizer.iterations) == 6
    assert not np.array_equal(model.get_weights()[0], make_model().get_weights()[0])
    model = make_model(units=9)
    backup = keras.callbacks.BackupAndRestore(tmp_path)
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"another model.*\(4, 9\) float32 here and \(4, 8\)"):
        model.fit(X, Y, verbose=0, callbacks=[backup])
    model = make_model()
    before = model.get_weights()
    with pytest.raises(ValueError, match="it was training on 46 samples; there are 40"):
        model.fit(X[:40], Y[:40], verbose=0, callbacks=[backup])
    with pytest.raises(ValueError, match="backup of another training"):
        model.fit(Numbered(), verbose=0, callbacks=[backup])
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_what_cannot_be_saved_is_told(tmp_path):
    class Odd(keras.callbacks.Callback):
        backed_up = ("thing",)
        thing = {"a": [object()]}

    with pytest.raises(TypeError, match=r"\['Odd_1'\]\['thing'\]\['a'\]\[0\] cannot be saved"):
        make_model().fit(
            X, Y, verbose=0, callbacks=[keras.callbacks.BackupAndRestore(tmp_path), Odd()]
        )
    for wrong in ({"backup_dir": ""}, {"backup_dir": tmp_path, "save_freq": False}):
        with pytest.raises(ValueError, match="BackupAndRestore: "):
            keras.callbacks.BackupAndRestore(**wrong)
