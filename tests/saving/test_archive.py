"""`.keras` files: round trips, going on with training, and files that are not trusted."""

import io
import json
import os
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers
from hornbook.saving import archive, kinds, load_model
from tests.models.test_cloning import MODELS, same_values


def small():
    return keras.Sequential([keras.Input((3,)), layers.Dense(2), layers.Dropout(0.5)])


@pytest.fixture
def saved(tmp_path):
    small().save(tmp_path / "m.keras")
    return tmp_path / "m.keras"


def rewrite(path, change):
    """Change the members of an archive, given as a dictionary."""
    with zipfile.ZipFile(path) as old:
        members = {info.filename: old.read(info) for info in old.infolist()}
    change(members)
    with zipfile.ZipFile(path, "w") as new:
        for name, data in members.items():
            new.writestr(name, data)


def change_config(path, change):
    def edit(members):
        config = json.loads(members["config.json"])
        change(config)
        members["config.json"] = json.dumps(config)

    rewrite(path, edit)


# ---- round trips


@pytest.mark.parametrize("make", MODELS)
def test_a_model_comes_back(make, tmp_path):
    model, x = make()
    model.save(tmp_path / "m.keras")
    made = load_model(tmp_path / "m.keras")
    same_values(model, made, x)
    assert not made.compiled


def test_the_members_are_those_of_keras(saved):
    with zipfile.ZipFile(saved) as file:
        assert file.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        assert json.loads(file.read("metadata.json")).keys() == {"keras_version", "date_saved"}


def test_training_goes_on_exactly_where_it_stopped(tmp_path):
    """With the optimizer's state, its schedule, and the seeds of dropout."""
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    y = x[:, :1]

    def train(model, epochs):
        return model.fit(x, y, epochs=epochs, batch_size=4, shuffle=False, verbose=0).history

    def make():
        keras.utils.set_random_seed(1)
        model = keras.Sequential(
            [keras.Input((3,)), layers.Dense(4), layers.Dropout(0.5), layers.BatchNormalization()]
            + [layers.Dense(1)]
        )
        rate = keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5)
        model.compile(keras.optimizers.Adam(rate), "mse", metrics=["mae"])
        return model

    wanted = train(make(), 4)
    model = make()
    train(model, 2)
    model.save(tmp_path / "m.keras")
    found = train(load_model(tmp_path / "m.keras"), 2)
    assert found == {name: values[2:] for name, values in wanted.items()}


def test_the_learning_rate_as_it_is_now_comes_back(tmp_path):
    model = small()
    model.compile(keras.optimizers.SGD(0.5), "mse")
    model.optimizer.learning_rate = 0.125
    model.save(tmp_path / "m.keras")
    assert float(load_model(tmp_path / "m.keras").optimizer.learning_rate) == 0.125


def test_compile_arguments_come_back_or_are_left_out(tmp_path):
    model = small()
    model.compile("adam", {"dropout": keras.losses.Huber()}, metrics=["mae"], steps_per_execution=4)
    model.save(tmp_path / "m.keras")
    made = load_model(tmp_path / "m.keras")
    assert isinstance(made.loss["dropout"], keras.losses.Huber)
    assert made.steps_per_execution == 4
    assert not load_model(tmp_path / "m.keras", compile=False).compiled


def test_a_lambda_as_a_loss_is_left_out_with_a_warning(tmp_path):
    model = small()
    model.compile("adam", lambda y, p: p)
    with pytest.warns(UserWarning, match=r"without its compile\(\) arguments"):
        model.save(tmp_path / "m.keras")
    assert not load_model(tmp_path / "m.keras").compiled


def own_loss(y_true, y_pred):
    return (y_true - y_pred) ** 2


def test_custom_objects_name_what_is_not_registered(tmp_path):
    model = small()
    model.compile("adam", own_loss)
    model.save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match="'own_loss'"):
        load_model(tmp_path / "m.keras")
    made = load_model(tmp_path / "m.keras", custom_objects={"own_loss": own_loss})
    assert made.loss is own_loss


def test_a_layer_shared_by_two_models_stays_shared(tmp_path):
    shared = layers.Dense(3)
    x, y = keras.Input((3,)), keras.Input((3,))
    inner = keras.Model(x, shared(x))
    model = keras.Model(y, shared(inner(y)))
    model.save(tmp_path / "m.keras")
    made = load_model(tmp_path / "m.keras")
    assert len(made.weights) == 2
    same_values(model, made, np.ones((2, 3)))


def test_the_same_model_makes_the_same_file(tmp_path):
    model, _ = MODELS[2]()
    configs = []
    for name in ("a.keras", "b.keras"):
        model.save(tmp_path / name)
        with zipfile.ZipFile(tmp_path / name) as file:
            configs.append(file.read("config.json"))
    assert configs[0] == configs[1]


def test_weights_can_be_read_from_a_model_file(saved):
    model = small()
    model.load_weights(saved)
    same_values(model, load_model(saved), np.ones((1, 3)))


def test_a_model_that_is_not_built_is_saved_with_a_warning(tmp_path):
    model = keras.Sequential([layers.Dense(2)])
    with pytest.warns(UserWarning, match="before it is built"):
        model.save(tmp_path / "m.keras")
    assert not load_model(tmp_path / "m.keras").built


# ---- wrong use


def test_another_suffix_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"must end in '\.keras'"):
        small().save(tmp_path / "m.pt")


def test_an_existing_file_is_kept_when_asked(saved):
    with pytest.raises(FileExistsError):
        small().save(saved, overwrite=False)


def test_a_failed_save_leaves_the_old_file(saved, monkeypatch):
    before = saved.read_bytes()
    monkeypatch.setattr(archive.hdf5, "own_values", lambda entry: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        small().save(saved)
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == [saved.name]


# ---- files that are not trusted


@pytest.mark.parametrize("keep", [0, 200, 3000])
def test_a_file_cut_short_is_an_error(saved, keep):
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(ValueError, match="damaged"):
        load_model(saved)


def test_a_damaged_file_is_an_error(saved):
    good = saved.read_bytes()
    rng = np.random.default_rng(0)
    failed = 0
    for _ in range(40):
        bad = bytearray(good)
        for place in rng.integers(0, len(bad), 20):
            bad[place] = rng.integers(256)
        saved.write_bytes(bytes(bad))
        try:
            load_model(saved)
        except ValueError:
            failed += 1
    assert failed > 20


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_a_missing_member_is_an_error(saved, name):
    rewrite(saved, lambda members: members.pop(name))
    with pytest.raises(ValueError, match=f"0 entries {name!r}"):
        load_model(saved)


def test_a_member_that_stands_twice_is_an_error(saved):
    with zipfile.ZipFile(saved, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("config.json", "{}")
    with pytest.raises(ValueError, match=r"2 entries 'config\.json'"):
        load_model(saved)


def test_a_member_that_grows_out_of_proportion_is_refused(saved):
    with zipfile.ZipFile(saved) as old:
        config = old.read("config.json")
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", config)
        file.writestr("model.weights.h5", bytes(1 << 25))
    with pytest.raises(ValueError, match=r"refused.*would grow"):
        load_model(saved)


def test_members_with_other_names_are_not_read_or_written(saved, tmp_path):
    rewrite(saved, lambda members: members.update({"../evil.py": b"1/0", "/abs": b"x"}))
    load_model(saved)
    assert sorted(os.listdir(tmp_path)) == [saved.name]
    assert not (tmp_path.parent / "evil.py").exists()


LAMBDA = {
    "module": "keras.layers",
    "class_name": "Lambda",
    "config": {
        "name": "evil",
        "function": {"class_name": "__lambda__", "config": {"value": "4wEAAAA="}},
    },
    "registered_name": None,
}


@pytest.mark.parametrize("safe_mode", [True, False])
def test_code_in_a_file_is_never_run(saved, safe_mode):
    change_config(saved, lambda config: config["config"]["layers"].append(LAMBDA))
    with pytest.raises(ValueError, match="never run"):
        load_model(saved, safe_mode=safe_mode)


@pytest.mark.parametrize(
    "described",
    [
        {"module": "os", "class_name": "system", "config": {}, "registered_name": "system"},
        {"module": "builtins", "class_name": "function", "config": "eval"},
        {"module": "subprocess", "class_name": "Popen", "config": {"args": ["true"]}},
        {"module": "hornbook.training.callbacks", "class_name": "CSVLogger", "config": {}},
        {"module": "keras.src.ops.numpy", "class_name": "Load", "config": {}},
        {"module": "numpy", "class_name": "load", "config": {"file": "x"}},
        {"module": None, "class_name": "Dense", "config": {}, "registered_name": "evil>Dense"},
    ],
)
def test_only_registered_names_become_objects(saved, described):
    change_config(saved, lambda config: config["config"]["layers"].append(described))
    with pytest.raises(ValueError, match=r"not known|no op|neither"):
        load_model(saved)


@pytest.mark.parametrize("text", ["[]", "3", '{"class_name": "Dense"}', "{", '{"a": 1}', "null"])
def test_a_config_that_describes_no_model_is_an_error(saved, text):
    rewrite(saved, lambda members: members.update({"config.json": text.encode()}))
    with pytest.raises(ValueError, match=r"describe|JSON"):
        load_model(saved)


def test_weights_of_another_model_are_an_error(saved):
    other = io.BytesIO()
    archive.hdf5.write(keras.Sequential([keras.Input((4,)), layers.Dense(2)]), other)
    rewrite(saved, lambda members: members.update({"model.weights.h5": other.getvalue()}))
    with pytest.raises(ValueError, match=r"'kernel' expects shape \(3, 2\)"):
        load_model(saved)


@keras.saving.register_keras_serializable("tests")
class OwnCompile(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(2)

    def call(self, x):
        return self.dense(x)

    def compile(self, first, second):
        super().compile()
        self.first, self.second = first, second


def test_a_compile_of_ones_own_is_left_to_its_owner(tmp_path):
    model = OwnCompile()
    model(np.ones((1, 3), "float32"))
    model.compile(keras.optimizers.Adam(), keras.optimizers.SGD())
    model.first.build(model.trainable_variables)
    model.save(tmp_path / "m.keras")
    with pytest.warns(UserWarning, match="OwnCompile is loaded but not compiled.* first, second"):
        again = load_model(tmp_path / "m.keras")
    assert not again.compiled
    assert all(map(np.array_equal, again.get_weights(), model.get_weights()))
    again.compile(keras.optimizers.Adam(), keras.optimizers.SGD())
    again.first.build(again.trainable_variables)
    again.load_weights(tmp_path / "m.keras")
    assert len(again.first.variables) == 6


def test_arguments_of_old_programs_are_taken_and_others_are_not(tmp_path):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    model.save(tmp_path / "m.keras", save_format="keras", include_optimizer=False)
    keras.saving.save_model(model, tmp_path / "n.keras", save_format="keras")
    assert load_model(tmp_path / "m.keras").output_shape == (None, 2)
    with pytest.raises(ValueError, match="no argument 'safe_format'"):
        model.save(tmp_path / "m.keras", safe_format="keras")


@pytest.mark.parametrize("error", [ValueError, FileNotFoundError])
def test_a_file_that_is_not_there_is_keras_s_and_python_s_error(tmp_path, error):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    with pytest.raises(error, match="there is no file"):
        load_model(tmp_path / "none.keras")
    with pytest.raises(error, match="there is no file"):
        model.load_weights(tmp_path / "none.weights.h5")


# ---- the table of kinds


def test_a_row_of_the_table_is_a_kind_of_file(tmp_path, monkeypatch):
    def write(model, path, **_):
        path.write_bytes(b"MINE" + keras.models.Model.to_json(model).encode())

    def read(source, shown, custom_objects, compile):
        return keras.models.model_from_json(Path(source).read_bytes()[4:].decode())

    row = kinds.Kind((".mine",), (), b"MINE", None, write, read, None, None)
    monkeypatch.setattr(kinds, "KINDS", (*kinds.KINDS, row))
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.save(tmp_path / "model.mine")
    assert keras.saving.load_model(tmp_path / "model.mine").output_shape == (None, 2)
    with pytest.raises(ValueError, match="must end in .*'.mine'"):
        model.save(tmp_path / "model.other")
    with pytest.raises(ValueError, match="neither HDF5 nor"):
        model.load_weights(tmp_path / "model.mine")


def test_the_longest_suffix_says_what_is_written(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    for name, by_layer in {"m.weights.h5": False, "m.h5": True, "m.hdf5": True}.items():
        model.save_weights(tmp_path / name)
        with h5py.File(tmp_path / name) as file:
            assert ("layer_names" in file.attrs) is by_layer
        model.load_weights(tmp_path / name)
