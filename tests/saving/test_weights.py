"""Weights files: round trips, errors that name what does not fit, files that are not trusted."""

import os
import stat
from pathlib import Path

import h5py
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers
from hornbook.saving import files, hdf5, layout


def small(units=3, name=None):
    return keras.Sequential(
        [keras.Input((4,)), layers.Dense(units, name=name), layers.BatchNormalization()]
    )


def randomize(model, seed=0):
    rng = np.random.default_rng(seed)
    model.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in model.weights])
    return model.get_weights()


def same_weights(model, wanted):
    return all(np.array_equal(a, b) for a, b in zip(model.get_weights(), wanted, strict=True))


@pytest.fixture
def saved(tmp_path):
    """A file with the weights of `small()`, and these weights."""
    model = small()
    weights = randomize(model)
    model.save_weights(tmp_path / "m.weights.h5")
    return tmp_path / "m.weights.h5", weights


def change(path, edit):
    with h5py.File(path, "a") as file:
        edit(file)


# ---- round trips


def test_weights_come_back_in_a_model_with_other_automatic_names(saved):
    path, weights = saved
    model = small()
    model.load_weights(path)
    assert same_weights(model, weights)


def test_the_layout_is_that_of_keras(saved):
    with h5py.File(saved[0]) as file:
        assert sorted(file["layers"]) == ["batch_normalization", "dense"]
        assert sorted(file["layers/dense/vars"]) == ["0", "1"]
        assert file["layers/dense/vars"].attrs["name"] == "dense"


class Blocks(keras.Model):
    def __init__(self):
        super().__init__()
        self.alpha = layers.Dense(2)
        self.out = layers.Dense(1)
        self.blocks = [layers.Dense(2), [layers.Dense(2)], {"a": layers.Dense(3)}]
        self.seen = keras.metrics.Mean()

    def call(self, x):
        x = self.blocks[0](self.alpha(x))
        return self.out(self.blocks[2]["a"](self.blocks[1][0](x)))


def test_layers_in_attributes_and_nested_lists_come_back(tmp_path):
    first, second = Blocks(), Blocks()
    for model in (first, second):
        model(np.ones((1, 2)))
    weights = randomize(first)
    first.save_weights(tmp_path / "m.weights.h5")
    second.load_weights(tmp_path / "m.weights.h5")
    assert same_weights(second, weights)
    paths = [entry.path for entry in layout.entries(first) if entry.variables]
    assert paths == [
        "alpha",
        "blocks/dense",
        "blocks/container/dense",
        "blocks/container_1/dense",
        "layers/dense_1",
    ]


def test_a_layer_that_is_used_twice_is_saved_once(tmp_path):
    x = keras.Input((3,))
    dense = layers.Dense(3)
    model = keras.Model(x, dense(dense(x)))
    assert [entry.path for entry in layout.entries(model) if entry.variables] == ["layers/dense"]


def test_bfloat16_and_float16_come_back(tmp_path):
    for dtype in ("bfloat16", "float16"):
        model = keras.Sequential([keras.Input((2,)), layers.Dense(2, dtype=dtype)])
        weights = randomize(model)
        model.save_weights(tmp_path / "m.weights.h5")
        randomize(model, seed=1)
        model.load_weights(tmp_path / "m.weights.h5")
        assert same_weights(model, weights)


def trained(optimizer="adam", units=3, steps=2):
    """A model, compiled, and trained if there are any steps."""
    model = small(units)
    model.compile(optimizer, "mse")
    rng = np.random.default_rng(0)
    for _ in range(steps):
        model.train_on_batch(rng.normal(size=(8, 4)), rng.normal(size=(8, units)))
    return model


def state(model):
    return [v.numpy() for v in model.optimizer.variables]


def same(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("ending", ["weights.h5", "keras"])
def test_a_model_that_is_built_to_train_on_gets_the_optimizers_state(tmp_path, ending):
    """As if it had never stopped: the next step is that of the model that was saved."""
    first, second = trained(), trained(steps=0)
    (first.save if ending == "keras" else first.save_weights)(tmp_path / f"m.{ending}")
    second.optimizer.build(second.trainable_variables)
    second.load_weights(tmp_path / f"m.{ending}")
    assert same(state(second), state(first))
    x, y = np.ones((8, 4)), np.zeros((8, 3))
    for model in (first, second):
        model.train_on_batch(x, y)
    assert same_weights(second, first.get_weights())


def test_load_model_gets_the_optimizers_state(tmp_path):
    first = trained(keras.optimizers.SGD(0.1, momentum=0.9))
    first.save(tmp_path / "m.keras")
    assert same(state(keras.saving.load_model(tmp_path / "m.keras")), state(first))


@pytest.mark.parametrize("ending", ["weights.h5", "keras"])
def test_a_model_that_was_not_trained_says_that_it_takes_no_state(tmp_path, ending):
    first, second = trained(), trained(steps=0)
    (first.save if ending == "keras" else first.save_weights)(tmp_path / f"m.{ending}")
    with pytest.warns(
        UserWarning, match=r"'adam.*not been built.*the 10 .*\n.*optimizer\.build"
    ) as w:
        second.load_weights(tmp_path / f"m.{ending}")
    assert len(w) == 1
    assert same_weights(second, first.get_weights())
    assert not second.optimizer.built and int(second.optimizer.iterations) == 0


def test_a_model_that_is_not_compiled_or_a_file_without_state_needs_no_word(tmp_path):
    first = trained()
    first.save_weights(tmp_path / "trained.weights.h5")
    small().load_weights(tmp_path / "trained.weights.h5")
    trained(steps=0).save_weights(tmp_path / "new.weights.h5")
    before = state(first)
    first.load_weights(tmp_path / "new.weights.h5")
    assert same(state(first), before)


@pytest.mark.parametrize("other", ["sgd", "rmsprop", "lion"])
def test_another_optimizer_keeps_its_own_state_and_both_are_named(tmp_path, other):
    """Also where both have as many variables of the same shapes."""
    first = trained(keras.optimizers.SGD(0.1, momentum=0.9) if other != "sgd" else "adam")
    second = trained(other)
    first.save_weights(tmp_path / "m.weights.h5")
    before, names = state(second), [type(one.optimizer).__name__ for one in (first, second)]
    with pytest.warns(UserWarning, match="not loaded: .*{}.*{}".format(*names)):
        second.load_weights(tmp_path / "m.weights.h5")
    assert same(state(second), before)
    assert same_weights(second, first.get_weights())


def test_an_optimizer_of_one_name_and_its_kin_take_the_state(tmp_path):
    first = trained(keras.optimizers.Adam(name="mine"))
    first.save_weights(tmp_path / "m.weights.h5")
    for optimizer in (keras.optimizers.Adam(), keras.optimizers.AdamW()):
        second = trained(optimizer)
        second.load_weights(tmp_path / "m.weights.h5")
        assert same(state(second), state(first))


def test_the_state_of_other_weights_is_not_loaded_but_the_weights_are(tmp_path):
    first, second = trained(), small()
    second.layers[0].trainable = False
    second.compile("adam", "mse")
    second.train_on_batch(np.ones((8, 4)), np.ones((8, 3)))
    first.save_weights(tmp_path / "m.weights.h5")
    with pytest.warns(UserWarning, match="not loaded: .*trainable differ"):
        second.load_weights(tmp_path / "m.weights.h5")
    assert same_weights(second, first.get_weights())


@keras.saving.register_keras_serializable("tests")
class Table(layers.Layer):
    def build(self, input_shape):
        self.kernel = self.add_weight((2,), "ones", name="kernel")

    def call(self, x):
        return x * self.kernel

    def save_own_variables(self, store):
        store["mine"] = self.kernel.numpy()

    def load_own_variables(self, store):
        self.kernel.assign(store["mine"])


def test_a_layer_may_write_and_read_its_own_variables(tmp_path):
    model = keras.Sequential([keras.Input((2,)), Table()])
    weights = randomize(model)
    model.save_weights(tmp_path / "m.weights.h5")
    with h5py.File(tmp_path / "m.weights.h5") as file:
        assert list(file["layers/table/vars"]) == ["mine"]
    randomize(model, seed=1)
    model.load_weights(tmp_path / "m.weights.h5")
    assert same_weights(model, weights)


# ---- what does not fit


def test_a_shape_that_differs_is_named_and_nothing_is_loaded(saved):
    model = small(units=5)
    before = randomize(model, seed=1)
    with pytest.raises(ValueError, match=r"layer 'dense_1'.*'kernel' expects shape \(4, 5\)") as e:
        model.load_weights(saved[0])
    assert "the file has shape (4, 3)" in str(e.value)
    assert same_weights(model, before)


def test_skip_mismatch_loads_the_rest_with_a_warning(saved):
    path, weights = saved
    model = keras.Sequential([keras.Input((3,)), layers.Dense(3), layers.BatchNormalization()])
    with pytest.warns(UserWarning, match="'kernel' expects shape"):
        model.load_weights(path, skip_mismatch=True)
    assert same_weights(model.layers[1], weights[2:])
    assert np.array_equal(model.layers[0].bias, weights[1])


def test_a_layer_missing_in_the_file_is_an_error(saved):
    model = keras.Sequential([*small().layers, layers.Dense(2)])
    model.build((None, 4))
    with pytest.raises(ValueError, match=r"expects kernel: \(3, 2\).*has nothing for it"):
        model.load_weights(saved[0])


def test_a_layer_missing_in_the_model_is_an_error(saved):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    with pytest.raises(
        ValueError, match="4 variables at layers/batch_normalization; the model has no"
    ):
        model.load_weights(saved[0])


def test_another_number_of_variables_is_an_error(saved):
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3, use_bias=False), layers.BatchNormalization()]
    )
    with pytest.raises(ValueError, match=r"has 1 variables \(kernel: \(4, 3\)\); the file has 2"):
        model.load_weights(saved[0])


def test_by_name_loads_layers_of_the_same_name_only(saved):
    path, weights = saved
    other = keras.Sequential([keras.Input((2,)), layers.Dense(4), layers.Dense(3, name="dense")])
    kept = other.layers[0].get_weights()
    other.load_weights(path, by_name=True)
    assert same_weights(other.layers[0], kept)
    assert same_weights(other.layers[1], weights[:2])


def test_by_name_goes_below_layers(tmp_path):
    def make(name, extra=()):
        lstm = layers.LSTM(2, name=name)
        return keras.Sequential([keras.Input((3, 2)), *extra, lstm])

    first, second = make("same"), make("same", [layers.Dense(2, name="new")])
    weights = randomize(first)
    first.save_weights(tmp_path / "m.weights.h5")
    second.load_weights(tmp_path / "m.weights.h5", by_name=True)
    assert same_weights(second.layers[1], weights)


# ---- files that are not what they should be


def test_a_model_that_is_not_built_is_an_error(tmp_path):
    model = keras.Sequential([layers.Dense(2)])
    with pytest.raises(ValueError, match="'sequential' is not built"):
        model.save_weights(tmp_path / "m.weights.h5")
    (tmp_path / "m.weights.h5").write_bytes(b"")
    with pytest.raises(ValueError, match="'sequential' is not built"):
        model.load_weights(tmp_path / "m.weights.h5")


def test_another_suffix_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"must end in '\.weights\.h5'"):
        small().save_weights(tmp_path / "m.pt")


def test_a_missing_file_is_an_error_that_names_those_there_are(saved):
    with pytest.raises(FileNotFoundError, match=r"The folder has: m\.weights\.h5"):
        small().load_weights(saved[0].with_name("n.weights.h5"))


def test_an_existing_file_is_kept_when_asked(saved):
    with pytest.raises(FileExistsError, match="overwrite=True"):
        small().save_weights(saved[0], overwrite=False)


@pytest.mark.parametrize("keep", [0, 100, 1500])
def test_a_file_cut_short_is_an_error(saved, keep):
    saved[0].write_bytes(saved[0].read_bytes()[:keep])
    model = small()
    before = model.get_weights()
    with pytest.raises(ValueError, match="damaged"):
        model.load_weights(saved[0])
    assert same_weights(model, before)


def test_a_damaged_file_never_gives_other_than_an_error_or_numbers(saved):
    """Bytes changed anywhere: a `ValueError`, or weights of the right shapes."""
    good = saved[0].read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(60):
        bad = bytearray(good)
        for place in rng.integers(0, len(bad), 8):
            bad[place] = rng.integers(256)
        saved[0].write_bytes(bytes(bad))
        try:
            small().load_weights(saved[0])
        except ValueError as error:
            assert isinstance(error, hdf5.FileError)


def kernel_group(file):
    group = file["layers/dense/vars"]
    del group["0"]
    return group


def soft_link(file):
    kernel_group(file)["0"] = h5py.SoftLink("/layers/dense/vars/1")


def external_link(file):
    kernel_group(file)["0"] = h5py.ExternalLink("other.h5", "/secret")


def link_of_group(file):
    del file["layers/dense"]
    file["layers/dense"] = h5py.ExternalLink("other.h5", "/dense")


def outside(file):
    kernel_group(file).create_dataset("0", (4, 3), "f4", external=[("/etc/passwd", 0, 48)])


def virtual(file):
    source = h5py.VirtualSource("other.h5", "secret", shape=(4, 3))
    made = h5py.VirtualLayout(shape=(4, 3), dtype="f4")
    made[:] = source
    kernel_group(file).create_virtual_dataset("0", made)


def text(file):
    kernel_group(file).create_dataset(
        "0", data=np.full((4, 3), "x", object), dtype=h5py.string_dtype()
    )


def wide(file):
    kernel_group(file).create_dataset("0", (4, 3), dtype=np.dtype("V100000"))


def large_pieces(file):
    kernel_group(file).create_dataset(
        "0", (4, 3), "f4", chunks=(1 << 14, 1 << 13), maxshape=(None, None), compression="gzip"
    )


@pytest.mark.parametrize(
    "edit",
    [soft_link, external_link, link_of_group, outside, virtual, text, wide, large_pieces],
)
def test_what_leads_out_of_the_file_or_is_no_plain_array_is_refused(saved, edit):
    change(saved[0], edit)
    with pytest.raises(ValueError, match="refused"):
        small().load_weights(saved[0])


def test_a_huge_declared_shape_is_not_read(saved, monkeypatch):
    def edit(file):
        kernel_group(file).create_dataset("0", (1 << 40,), "f4", chunks=(1 << 10,))

    change(saved[0], edit)
    monkeypatch.setattr(hdf5, "array", lambda found: pytest.fail("an array was read"))
    with pytest.raises(ValueError, match=r"the file has shape \(1099511627776,\)"):
        small().load_weights(saved[0])


def test_a_group_where_an_array_should_be_is_an_error(saved):
    change(saved[0], lambda file: kernel_group(file).create_group("0"))
    with pytest.raises(ValueError, match="should be an array"):
        small().load_weights(saved[0])


# ---- writing


def test_a_failed_save_leaves_the_old_file_and_nothing_else(saved, monkeypatch):
    before = saved[0].read_bytes()
    model = small()
    monkeypatch.setattr(hdf5, "own_values", lambda entry: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        model.save_weights(saved[0])
    assert saved[0].read_bytes() == before
    assert os.listdir(saved[0].parent) == [saved[0].name]


def test_a_file_is_flushed_before_it_takes_its_name(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr(files, "_flush", lambda path: done.append(("flush", path.name[:2])))
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append(("rename", "")), replace(a, b)))
    with files.replacing(tmp_path / "x") as temporary:
        temporary.write_text("1")
    assert [what for what, _ in done] == ["flush", "rename", "flush"]
    assert done[0][1] == ".x"


def test_permissions_and_links_are_kept(tmp_path):
    target = tmp_path / "real"
    target.write_text("old")
    target.chmod(0o640)
    (tmp_path / "link").symlink_to(target)
    with files.replacing(tmp_path / "link") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        small().save_weights(Path(tmp_path) / "none" / "m.weights.h5")
