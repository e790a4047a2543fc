"""HDF5 files of whole models that are damaged, or made to do harm."""

import io
import json

import h5py
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers
from hornbook.dialects.files import FORMATS
from hornbook.saving import whole

ONE, KERNEL = "model_weights/one", "model_weights/one/one/kernel:0"


@pytest.fixture(scope="module")
def written():
    """A file of Keras 2."""
    model = keras.Sequential(
        [keras.Input((3,)), layers.Dense(2, name="one"), layers.Dense(2, name="two")]
    )
    model.compile("sgd", "mse")
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        whole.write(model, file, written=FORMATS["2"])
    return stream.getvalue()


def attribute(key, value, group="/"):
    return lambda file: file[group].attrs.__setitem__(key, value)


def layer(number, **config):
    def change(file):
        model = json.loads(file.attrs["model_config"])
        model["config"]["layers"][number]["config"] |= config
        file.attrs["model_config"] = json.dumps(model)

    return change


def kind(name):
    def change(file):
        model = json.loads(file.attrs["model_config"])
        model["config"]["layers"][1]["class_name"] = name
        file.attrs["model_config"] = json.dumps(model)

    return change


def kernel(make):
    def change(file):
        del file[KERNEL]
        make(file)

    return change


def data(*args, **options):
    return kernel(lambda file: file.create_dataset(KERNEL, *args, **options))


def virtual(file):
    layout = h5py.VirtualLayout((3, 2), "f4")
    layout[:] = h5py.VirtualSource("/elsewhere", "a", (3, 2))
    file.create_virtual_dataset(KERNEL, layout)


HOSTILE = {
    "no JSON": (attribute("model_config", "{nope"), "cannot be read as JSON"),
    "a list": (attribute("model_config", "[1]"), "has no model in it"),
    "a number": (attribute("model_config", 3), "'model_config' of / should be text"),
    "no class": (attribute("model_config", '{"config": {}}'), "has no model in it"),
    "no config": (attribute("model_config", '{"class_name": "Model"}'), "not what Keras writes"),
    "a list as class": (
        attribute("model_config", '{"class_name": [], "config": {}}'),
        "not what Keras writes",
    ),
    "deep": (attribute("model_config", "[" * 9000 + "]" * 9000), "recursion|too deeply"),
    "rather deep": (attribute("model_config", '{"a":' * 300 + "1" + "}" * 300), "256 levels"),
    "unknown class": (kind("os.system"), "'os.system'.*is not known here"),
    "operation": (kind("TFOpLambda"), "a TensorFlow operation"),
    "training": (attribute("training_config", "[1]"), "'training_config'.*not what Keras writes"),
    "above": (
        attribute("weight_names", [b"../two/two/kernel:0"], ONE),
        r"/model_weights/one has no '\.\.'",
    ),
    "absolute": (
        attribute("weight_names", [b"/model_weights/two/two/kernel:0"], ONE),
        "/model_weights/one has no 'model_weights'",
    ),
    "layer above": (attribute("layer_names", [b"../x"], "model_weights"), r"has no '\.\.'"),
    "layer twice": (attribute("layer_names", [b"one", b"one"], "model_weights"), "expects shape"),
    "fewer layers": (attribute("layer_names", [b"one"], "model_weights"), "the file has 1"),
    "fewer weights": (attribute("weight_names", [b"one/kernel:0"], ONE), "expects 2 weights"),
    "more weights": (
        attribute("weight_names", [b"one/kernel:0", b"one/bias:0", b"one/bias:0"], ONE),
        "expects 2 weights",
    ),
    "soft link": (
        kernel(lambda file: file.__setitem__(KERNEL, h5py.SoftLink("/model_weights"))),
        "one/kernel:0 is a link",
    ),
    "external link": (
        kernel(lambda file: file.__setitem__(KERNEL, h5py.ExternalLink("/x", "/a"))),
        "one/kernel:0 is a link",
    ),
    "virtual": (kernel(virtual), "lie outside the file"),
    "external data": (
        data((3, 2), "f4", external=[("/elsewhere", 0, 24)]),
        "lie outside the file",
    ),
    "nothing stored": (data((3, 2), "f4"), "has a shape, .*no data"),
    "a sea of zeros": (data((10**6, 10**5), "f4", chunks=(1000, 1000)), "no data|would grow"),
    "a bomb": (
        data((3000, 6000), "f4", chunks=(3000, 600), compression="gzip", fillvalue=1),
        "no data|would grow",
    ),
    "objects": (data(data=["a"], dtype=h5py.string_dtype()), "does not hold plain numbers"),
    "text": (data(data=np.full((3, 2), b"nan")), "does not hold plain numbers"),
    "complex": (data(data=np.ones((3, 2), "c8")), "expects real numbers"),
    "shape": (data(data=np.ones((2, 3), "f4")), r"expects shape \(3, 2\)"),
    "memory": (layer(0, units=10**9), r"refused: the variable '.*one/kernel'.*1000000000"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_wrong_with_a_file_is_said(name, written, tmp_path):
    change, message = HOSTILE[name]
    path = tmp_path / "m.h5"
    path.write_bytes(written)
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(ValueError, match=f"(?s){message}") as caught:
        keras.models.load_model(path)
    assert str(path) in "".join([str(caught.value), *getattr(caught.value, "__notes__", ())])


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_that_is_cut_short(share, written, tmp_path):
    (tmp_path / "m.h5").write_bytes(written[: int(share * len(written))])
    with pytest.raises(ValueError, match="m.h5.*damaged"):
        keras.models.load_model(tmp_path / "m.h5")


def test_a_keras_archive_of_enormous_layers_is_refused(tmp_path):
    import zipfile

    model = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="one")])
    model.save(tmp_path / "m.keras")
    with (
        zipfile.ZipFile(tmp_path / "m.keras") as old,
        zipfile.ZipFile(tmp_path / "large.keras", "w") as new,
    ):
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                content = content.replace(b'"units": 2', b'"units": 1000000000')
            new.writestr(name, content)
    with pytest.raises(ValueError, match="refused: the variable '.*one/kernel'.*1000000000"):
        keras.models.load_model(tmp_path / "large.keras")
