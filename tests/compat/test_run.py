"""`hornbook run` runs programs in old dialects unchanged."""

import subprocess
import sys
import tarfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

import hornbook
from hornbook.cli import main
from hornbook.compat.python2 import _tool
from hornbook.compat.recognise import recognise

PROGRAMS = Path(__file__).parent / "programs"


@pytest.mark.filterwarnings("ignore:.*was compiled from other sources")
@pytest.mark.filterwarnings("ignore:theano. device settings")
@pytest.mark.filterwarnings("ignore:the layers of .* that are trainable")
@pytest.mark.filterwarnings("ignore:.*no sessions")
@pytest.mark.parametrize(
    ("name", "arguments", "told", "printed"),
    [
        ("keras1_mlp", ["--size", "64"], "written for Keras 1", "accuracy "),
        ("keras1_pictures", [], "written for Keras 1", "pictures done"),
        ("keras1_graphs", [], "written for Keras 1", "graphs done"),
        ("keras1_data", [], "written for Keras 1", "data done"),
        ("keras1_habits", [], "written for Keras 1", "habits done"),
        ("keras2_habits", [], "written for Keras 2", "habits done"),
        ("keras2_models", [], "written for Keras 2", "models done"),
        ("tfkeras_devices", [], "written for tf.keras", "0.0\n[4, 4]\nworker 1 {"),
        ("tfkeras_generators", [], "written for tf.keras", "True\n(2, 4, 6, 3)\ngenerators done"),
        ("tfkeras_older", [], "written for tf.keras", "['w2.h5'] 0.0625\nFalse -1\nFalse a\n[0.5"),
        ("tfkeras_pictures", [], "written for tf.keras", "(None, 8, 8, 3)\npictures done"),
        ("tfkeras_texts", [], "written for tf.keras", "2 --->  quite"),
        ("tfkeras_windows", [], "written for tf.keras", "[2 3 4 5]\n(8, 8, 2) (8, 8, 2) [8, 8, 2]"),
        ("tfkeras_rows", [], "written for tf.keras", "[8 9]\n[[8, 10, 12, 14, 16, 18, 0]]"),
        ("tfkeras_sequences", [], "written for tf.keras", "True\nTrue\nTrue\nsequences done"),
        ("tfkeras_values", [], "written for tf.keras", "(1, 1) True (1,)\nTrue\nvalues done"),
        ("theano_mlp", [], "written for Theano", "mlp done"),
        ("theano_pictures", [], "written for Theano", "pictures done"),
        (
            "plain",
            ["a", "--as"],
            "imports neither keras nor theano",
            "plain __main__ ['a', '--as']",
        ),
    ],
)
def test_programs_run_to_the_end(name, arguments, told, printed, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("HORNBOOK_DATA", "")  # what a program sets is gone after it
    monkeypatch.setenv("PROGRAM_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)  # programs may change the folder: it is restored afterwards
    status = main(["run", str(PROGRAMS / f"{name}.py"), *arguments])
    out, err = capsys.readouterr()
    assert status == 0, err
    assert told in err.splitlines()[0]
    assert printed in out
    assert "keras" not in sys.modules or not hasattr(sys.modules["keras"], "_places")


def test_from_outside_in_a_process_of_its_own(tmp_path):
    program = tmp_path / "elsewhere.py"
    program.write_text(
        "from helper import width\n"
        "from keras.layers import Convolution1D\n"
        "print(Convolution1D(nb_filter=width, filter_length=3).get_config()['filters'])\n"
    )
    (tmp_path / "helper.py").write_text("width = 7\n")
    done = subprocess.run(
        [sys.executable, "-m", "hornbook", "run", str(program)],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "7\n"), done.stderr


def test_a_program_of_today_runs_on_hornbook_under_the_name_of_keras(tmp_path, capsys):
    program = tmp_path / "today.py"
    program.write_text(
        "import hornbook, keras, keras.datasets.mnist\n"
        "from keras import layers\n"
        "from keras.layers import Dense\n"
        "print(keras is hornbook, layers is hornbook.layers, Dense is hornbook.layers.Dense)\n"
        "print(keras.ops.ones(2).tolist(), keras.datasets.mnist is hornbook.datasets.mnist)\n"
    )
    spec = hornbook.__spec__
    assert main(["run", str(program)]) == 0
    out, err = capsys.readouterr()
    assert out == "True True True\n[1.0, 1.0] True\n"
    assert "written for Keras 3 (keras.ops" in err and "hornbook itself" in err
    assert hornbook.__spec__ is spec and sys.modules.get("keras") is not hornbook


@pytest.mark.parametrize(("generation", "ndim"), [("keras1", 2), ("keras2", 1)])
def test_vectors_in_lists_are_columns_after_fit_in_keras_1(generation, ndim, tmp_path, capsys):
    program = tmp_path / "lists.py"
    program.write_text(
        "import numpy as np\n"
        "from keras.layers import Input, Dense, Embedding, Flatten\n"
        "from keras.models import Model\n"
        "a = Input((1,), dtype='int32')\n"
        "model = Model(a, Dense(1)(Flatten()(Embedding(3, 2)(a))))\n"
        "model.compile('sgd', 'mse')\n"
        "xs, y = [np.arange(3)], np.ones(3)\n"
        "model.fit(xs, y, verbose=0)\n"
        "print(xs[0].ndim, y.ndim)\n"
    )
    assert main(["run", "--as", generation, str(program)]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out == f"{ndim} 1\n"


def test_an_error_is_told_with_the_program_s_own_line(tmp_path, capsys):
    program = tmp_path / "wrong.py"
    program.write_text("from keras.layers import Dense\n\nDense(8, aktivation='relu')\n")
    assert main(["run", "--as", "keras1", str(program)]) == 1
    err = capsys.readouterr().err
    assert "as asked" in err.splitlines()[0]
    assert 'wrong.py", line 3' in err and "runner.py" not in err
    assert "Did you mean 'activation'" in err


def test_a_name_that_is_not_known_is_told(tmp_path, capsys):
    program = tmp_path / "unknown.py"
    program.write_text("import keras\nkeras.layers.Dens(8)\n")
    assert main(["run", str(program)]) == 1
    assert "keras.layers has no 'Dens' among the names of Keras 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("from keras.layers import Dens", "Did you mean 'Dense'?"),
        ("import keras\nkeras.layers.Dens(3)", "Did you mean 'Dense'?"),
        ("import keras.nowhere", "does not know this name of keras: docs/old_programs.md"),
        ("import keras.layers.x", "does not know this name of keras: docs/old_programs.md"),
        ("from keras.layers import MultiHeadAttention", "hornbook.layers has 'MultiHeadAttention'"),
        ("import keras, no_such_package", "pip install no_such_package"),
        (
            "from keras.layers import Convolution2D\nConvolution2D(8, 3, 3, boder_mode='same')",
            "Did you mean 'border_mode' ('padding' today)?",
        ),
        (
            "from keras.models import Sequential\nSequential().fit(0, 0, nb_epochs=3)",
            "Did you mean 'nb_epoch' ('epochs' today)?",
        ),
        (
            "from keras.utils.np_utils import to_categorical\nto_categorical([1], nb_clases=2)",
            "Did you mean 'nb_classes' ('num_classes' today)?",
        ),
    ],
)
def test_what_was_meant_is_told(text, told, tmp_path, capsys):
    program = tmp_path / "missing.py"
    program.write_text(text)
    assert main(["run", "--as", "keras1", str(program)]) == 1
    err = capsys.readouterr().err
    assert told in err and 'missing.py", line' in err


@pytest.mark.skipif(find_spec("tensorflow") is not None, reason="TensorFlow is installed")
def test_programs_that_set_up_sessions_for_keras(tmp_path, capsys):
    program = tmp_path / "sessions.py"
    program.write_text(
        "import tensorflow as tf\n"
        "from tensorflow.python.framework import ops\n"
        "import keras.backend as K\n"
        "ops.reset_default_graph()\n"
        "config = tf.ConfigProto()\n"
        "config.gpu_options.allow_growth = True\n"
        "with tf.Session(config=config) as session:\n"
        "    K.set_session(session)\n"
        "tf.set_random_seed(1)\n"
        "tf.logging.set_verbosity(tf.logging.ERROR)\n"
        "print('set up')\n"
        "x = tf.placeholder(tf.float32)\n"
        "tf.Session().run(x + 1)\n"
    )
    assert main(["run", str(program)]) == 1
    out, err = capsys.readouterr()
    assert out == "set up\n"
    assert 'sessions.py", line 13' in err and "You must feed a value for placeholder" in err
    assert "tensorflow" not in sys.modules


def test_python_2_without_fissix_is_told(tmp_path, capsys, monkeypatch):
    _tool.cache_clear()
    monkeypatch.setitem(sys.modules, "fissix.refactor", None)
    program = tmp_path / "two.py"
    program.write_text("print 'hello'\n")
    assert main(["run", str(program)]) == 2
    assert "pip install 'hornbook[python2]'" in capsys.readouterr().err


def test_a_file_that_is_not_there_and_one_that_is_no_python(tmp_path, capsys):
    assert main(["run", str(tmp_path / "none.py")]) == 2
    assert "No such file" in capsys.readouterr().err
    (tmp_path / "no.py").write_text("def f(:\n")
    assert main(["run", str(tmp_path / "no.py")]) == 2


@pytest.mark.parametrize(
    ("text", "generation"),
    [
        ("from keras.layers import Dense\nDense(8, init='uniform')", "keras1"),
        ("import keras\nkeras.layers.Convolution2D(8, 3, 3)\nm.fit(x, y, nb_epoch=3)", "keras1"),
        ("from keras.layers import Conv2D\nConv2D(8, 3, 3, border_mode='same')", "keras1"),
        ("from keras.layers import Conv2D\nConv2D(8, (3, 3), padding='same')", "keras2"),
        ("from keras.layers.merge import add\nm.fit(x, y, epochs=3)", "keras2"),
        ("from keras.models import Sequential\nmodel.add(x)", "keras2"),
        ("import keras_tuner", None),
        # what one of the two has not decides
        ("from keras.initializers import RandomNormal\nm.fit(x, y, nb_epoch=3)", "keras2"),
        ("import keras.initializations\nm.fit_generator(g, steps_per_epoch=3)", "keras1"),
        (
            "from keras import initializations, backend as K\nfrom keras.layers import *\n"
            "K.get_session().close()\nK.set_session(K.tf.Session())\nf(padding='post')",
            "keras1",
        ),
        ("import theano.tensor as T", "theano"),
        ("from theano.sandbox import cuda\nfrom keras.layers import Merge", "keras1"),
        ("from keras.layers import Embedding\nEmbedding(8, output_dim=3)", "keras2"),
        ("import keras\nkeras.ops.ones(3)", "keras3"),
        ("from keras import layers\nlayers.MultiHeadAttention(2, 3)", "keras3"),
        ("import os\nos.environ['KERAS_BACKEND'] = 'jax'\nimport keras", "keras3"),
        ("import os\nos.environ['KERAS_BACKEND'] = 'theano'\nimport keras", "keras2"),
        ("import keras.utils\nkeras.utils.set_random_seed(1)", "keras3"),
        ("from keras.layers.core import Dense\nimport keras\nkeras.random.normal", "keras2"),
        ("import hornbook as keras\nkeras.layers.Dense(8)", "keras3"),
        ("from . import keras", None),
        ("from PIL import Image\nimport keras\nkeras.ops.ones(3)\nImage.merge('L', [x])", "keras3"),
        # TensorFlow around it
        ("import keras\nimport tensorflow as tf\nkeras.ops.ones(3)\ntf.data.Dataset", "tfkeras"),
        ("from keras import layers\nfrom tensorflow import data\ndata.Dataset", "tfkeras"),
        ("import keras\nimport tensorflow as tf\nkeras.ops.ones(3)\ntf.__version__", "keras3"),
        ("import keras\nimport tensorflow as tf\ntf.Session()\ntf.reduce_mean(x)", "keras2"),
        ("import keras\nimport tensorflow as tf\ntf.reduce_sum(x, keep_dims=True)", "keras2"),
        ("import tensorflow as tf\ntf.nn.dropout(tf.abs(x), keep_prob=0.5)", "tf1"),
        ("import tensorflow as tf\ntf.placeholder(tf.float32)\ntf.reduce_mean(x)", "tf1"),
        ("import tensorflow.compat.v1 as tf\ntf.disable_v2_behavior()", "tf1"),
        ("import tensorflow as tf\ntf.GradientTape()\ntf.compat.v1.logging.INFO", "tfkeras"),
        ("import tensorflow as tf\ntf.layers.dense(tf.train.AdamOptimizer())", "tf1"),
        ("import keras.backend as K\nimport tensorflow as tf\ntf.set_random_seed(1)", "keras2"),
        ("import keras\nkeras.backend.clear_session()\nkeras.metrics.R2Score()", "keras3"),
        # data sets of TensorFlow that functions of Keras return
        ("import keras\nkeras.utils.image_dataset_from_directory('a').take(1)", "tfkeras"),
        ("from keras import ops\nfrom keras.utils import timeseries_dataset_from_array", "tfkeras"),
    ],
)
def test_the_generation_is_recognised(text, generation):
    assert recognise(text).generation == generation


@pytest.mark.parametrize(
    ("text", "backend"),
    [
        ("from keras.layers import merge\nfrom theano.sandbox import cuda", "theano"),
        ("from keras.layers import merge\nimport theano\nimport tensorflow", None),
        ("import os\nos.environ['KERAS_BACKEND'] = 'theano'\nimport keras", "theano"),
        ("from keras.layers import merge", None),
        ("import theano", None),
    ],
)
def test_the_backend_of_an_old_keras_is_recognised(text, backend):
    assert recognise(text).backend == backend


def test_a_local_file_is_copied_into_an_absolute_cache(tmp_path, monkeypatch, keras1):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "fish.json").write_text("[]")
    monkeypatch.setenv("HORNBOOK_DATA", str(tmp_path / "in"))
    keras1.utils.data_utils.get_file(
        "fish.json", "http://a.b/fish.json", cache_subdir=str(tmp_path / "out")
    )
    assert (tmp_path / "out" / "fish.json").read_text() == "[]"


def test_archives_are_unpacked_beside_the_path_that_get_file_gives(tmp_path, capsys, monkeypatch):
    (tmp_path / "in").mkdir()
    with tarfile.open(tmp_path / "in" / "6B.50d.tgz", "w:gz") as tar:
        for name in ("6B.50d.dat", "6B.50d_words.pkl"):
            (tmp_path / name).write_text(name)
            tar.add(tmp_path / name, name)
    with zipfile.ZipFile(tmp_path / "in" / "cats.zip", "w") as made:
        made.writestr("filtered/a.txt", "a")
    monkeypatch.setenv("HORNBOOK_DATA", str(tmp_path / "in"))
    program = tmp_path / "files.py"
    program.write_text(
        "import os\n"
        "from keras.utils.data_utils import get_file\n"
        f"where = {str(tmp_path / 'out')!r}\n"
        "loc = get_file('6B.50d', 'http://a.example/6B.50d.tgz', cache_subdir=where, untar=True)\n"
        "print(open(loc + '.dat').read(), open(loc + '_words.pkl').read())\n"
        "path = get_file('cats.zip', 'http://a.b/cats.zip', cache_subdir=where, extract=True)\n"
        "print(os.listdir(os.path.join(os.path.dirname(path), 'filtered')))\n"
        "print(os.path.basename(get_file('cats.zip', 'http://a.example/cats.zip')))\n"
    )
    assert main(["run", "--as", "keras2", str(program)]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out == "6B.50d.dat 6B.50d_words.pkl\n['a.txt']\ncats.zip\n"


def test_tensors_of_tensorflow_end_with_the_program(tmp_path, capsys):
    program = tmp_path / "ends.py"
    program.write_text(
        "import tensorflow as tf\n"
        "from tensorflow.keras.layers import Dense\n"
        "import keras\n"
        "print(Dense is keras.layers.Dense, tf.keras is keras, tf.data.AUTOTUNE)\n"
        "print([x.numpy() for x in tf.data.Dataset.from_tensor_slices(['a', 'b']).take(1)])\n"
        "print(tf.layers_of_old)\n"
    )
    before = {name: sys.modules.get(name) for name in ("tensorflow", "keras")}
    assert main(["run", "--as", "tfkeras", str(program)]) == 1
    out, err = capsys.readouterr()
    assert out == "True True -1\n[b'a']\n"
    assert "'layers_of_old'" in err and "TensorFlow itself is not provided" in err
    assert {name: sys.modules.get(name) for name in before} == before
    assert not hasattr(hornbook.ops.ones(1), "numpy")
    assert list(hornbook.data.Dataset.range(2).as_numpy_iterator()) == [0, 1]
    assert not hasattr(next(iter(hornbook.data.Dataset.range(2))), "numpy")


def test_masks_of_arrays_are_an_attribute_as_in_keras(tmp_path, capsys):
    program = tmp_path / "masks.py"
    program.write_text(
        "import keras\n"
        "embed = keras.layers.Embedding(5, 2, mask_zero=True)\n"
        "print(embed(keras.ops.array([[1, 2, 0]]))._keras_mask)\n"
        "print(keras.ops.ones(3)._keras_mask, keras.Input((3,))._keras_mask)\n"
    )
    assert main(["run", str(program)]) == 0
    assert capsys.readouterr().out == "[[ True  True False]]\nNone None\n"
