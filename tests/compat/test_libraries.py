"""Names dropped by other libraries exist while an old program runs, and only then."""

import importlib
import itertools
import pickle
import random
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

import hornbook
from hornbook.cli import main
from hornbook.compat.libraries import TABLES, Gone, find, put_back
from hornbook.compat.lost import arrays, pictures
from hornbook.compat.lost.standard import LooseVersion
from hornbook.dialects.libraries import CHANGED, GONE, RENAMED

WANTS = {  # what is needed for it is not installed everywhere
    "joblib": "sklearn",
    "nltk": "nltk",
    "six": "six",
    "sklearn": "sklearn",
    "scipy": "scipy",
    "pandas": "pandas",
    "matplotlib": "matplotlib",
    "PIL": "PIL",
    "IPython": "IPython",
    "tkinter": "_tkinter",
}
ROWS = [
    (path, name, today)
    for path, names in GONE.items()
    for name, today in names.items()
    if all(
        find_spec(WANTS.get(place.split(".")[0], "sys")) for place in (path.split(":")[0], today)
    )
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("path", sorted({path for path, _, _ in ROWS}))
def test_every_row_names_something(path):
    with put_back():
        for _, name, today in (row for row in ROWS if row[0] == path):
            module, _, kind = path.partition(":")
            if name == "*":
                importlib.import_module(today)
            elif kind:
                assert callable(find(today)) or isinstance(find(today), property)
            else:
                assert hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize("path", sorted({*CHANGED, *RENAMED}))
def test_what_is_changed_is_there(path):
    module, _, kind = path.partition(":")
    owner = pytest.importorskip(module)
    owner = getattr(owner, kind) if kind else owner
    for name in CHANGED.get(path) or RENAMED[path]:
        found = getattr(owner, name)
        assert callable(found) or isinstance(found, property)


def test_afterwards_all_is_as_before():
    before = {path: dict(vars(sys.modules[path])) for path in TABLES & {*sys.modules}}
    load, finders = np.load, sys.meta_path[:]
    with put_back():
        import cPickle

        assert np.float is float and cPickle.Unpickler is pickle.Unpickler
        assert isinstance(cPickle, Gone) and itertools.izip is zip
        with pytest.raises(AttributeError, match="nothing"):
            cPickle.nothing  # noqa: B018
        with pytest.raises(AttributeError):
            np.nothing  # noqa: B018
    assert np.load is load and sys.meta_path == finders
    assert "cPickle" not in sys.modules and not hasattr(np, "float")
    assert not hasattr(itertools, "izip")
    assert {path: vars(sys.modules[path]).keys() for path in before} == {
        path: names.keys() for path, names in before.items()
    }


def test_nothing_heavy_is_imported_for_it():
    code = (
        "import sys\nfrom hornbook.compat.session import session\n"
        "with session('keras1', True): print({'scipy', 'sklearn', 'pandas'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "set()\n", done.stderr


def test_arrays_of_objects_are_read_if_they_are_plain(tmp_path, monkeypatch):
    ragged = np.array([[1, 2], [3]], dtype=object)
    np.save(tmp_path / "lists.npy", ragged)
    np.savez(tmp_path / "lists.npz", x=ragged, y=np.arange(3))
    np.save(tmp_path / "code.npy", np.array([print, 1], dtype=object))
    with put_back():
        assert np.load(tmp_path / "lists.npy").tolist() == [[1, 2], [3]]
        with np.load(str(tmp_path / "lists.npz")) as found:
            assert found["x"].tolist() == [[1, 2], [3]] and found["y"].tolist() == [0, 1, 2]
            assert sorted(found.files) == sorted(found) == ["x", "y"] and "x" in found
        with pytest.raises(ValueError, match="refused.*allow_pickle=True"):
            np.load(tmp_path / "code.npy")
        assert np.load(tmp_path / "code.npy", allow_pickle=True)[1] == 1
        with pytest.raises(ValueError, match="allow_pickle"):
            np.load(tmp_path / "lists.npy", allow_pickle=False)


def test_ragged_arrays_are_made_for_programs_alone(tmp_path, capsys):
    program = tmp_path / "ragged.py"
    program.write_text(
        "import keras, numpy as np\n"
        "print(np.array([[1, 2], [3]]).dtype, np.asarray([[1, 2], [3]]).shape)\n"
        "print(np.array([[1, 2], [3]], dtype='float32'))\n"
    )
    assert main(["run", str(program)]) == 1
    out, err = capsys.readouterr()
    assert out == "object (2,)\n" and "inhomogeneous" in err
    with put_back(), pytest.raises(ValueError, match="inhomogeneous"):
        exec(compile("import numpy; numpy.array([[1, 2], [3]])", np.__file__, "exec"), {})


def test_pictures_of_scipy_misc(tmp_path):
    pytest.importorskip("PIL")
    with put_back():
        import scipy
        from scipy import misc
        from scipy.ndimage import imread

        assert scipy.misc.imsave is misc.imsave
        picture = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
        misc.imsave(tmp_path / "a.png", picture)
        np.testing.assert_array_equal(imread(tmp_path / "a.png"), picture)
        assert imread(tmp_path / "a.png", flatten=True).dtype == np.float32
        assert misc.imread(tmp_path / "a.png", mode="L").shape == (4, 6)
        # scaled to bytes, as SciPy 0.19 did
        np.testing.assert_array_equal(misc.bytescale([[0.0, 0.5, 1.0]]), [[0, 128, 255]])
        assert misc.imresize(picture, 50).shape == (2, 3, 3)
        assert misc.imresize(picture, 2.0).shape == (8, 12, 3)
        assert misc.imresize(picture[..., 0], (5, 7), interp="nearest").shape == (5, 7)
        assert misc.imresize(np.ones((3, 4, 6)), (8, 8)).shape == (8, 8, 3)
        np.testing.assert_array_equal(misc.imrotate(np.eye(3), 90)[0], [0, 0, 255])
        with pytest.raises(ValueError, match="is not an image"):
            misc.toimage(np.ones((2, 2, 2)))


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_scikit_learn_as_it_was():
    pytest.importorskip("sklearn")
    with put_back():
        from sklearn.cross_validation import KFold, StratifiedKFold, train_test_split
        from sklearn.grid_search import GridSearchCV
        from sklearn.preprocessing import Imputer, OneHotEncoder

        folds = list(KFold(6, n_folds=3))
        assert [test.tolist() for _, test in folds] == [[0, 1], [2, 3], [4, 5]]
        assert len(StratifiedKFold([0, 0, 1, 1], 2)) == 2
        assert Imputer(strategy="mean").fit_transform([[1.0], [np.nan]]).tolist() == [[1], [1]]
        assert OneHotEncoder(sparse=False).fit_transform([[0], [1]]).tolist() == [[1, 0], [0, 1]]
        assert GridSearchCV.__module__.startswith("sklearn.model_selection")
        assert len(train_test_split([1, 2, 3, 4])) == 2


def test_training_that_never_stopped_early():
    pytest.importorskip("sklearn")
    x, y = np.arange(12.0).reshape(12, 1), np.array([0, 1] * 6)
    with put_back():
        from sklearn.base import clone
        from sklearn.linear_model import Perceptron

        made = clone(Perceptron(max_iter=7, tol=-np.inf))
        assert made.get_params()["tol"] is None and made.fit(x, y).n_iter_ == 7


def test_scorers_have_their_old_names():
    pytest.importorskip("sklearn")
    x, y = np.arange(12.0).reshape(12, 1), np.array([0, 1] * 6)
    with put_back():
        from sklearn.cross_validation import cross_val_score
        from sklearn.dummy import DummyClassifier
        from sklearn.grid_search import GridSearchCV
        from sklearn.metrics import get_scorer

        assert get_scorer("mean_squared_error") is not None
        scores = cross_val_score(DummyClassifier(), x, y, scoring="log_loss", cv=2)
        np.testing.assert_allclose(scores, -np.log(2))
        grid = {"strategy": ["prior", "uniform"]}
        search = GridSearchCV(DummyClassifier(), grid, scoring="log_loss", iid=True, cv=3)
        search.fit(x, y)
        first = search.grid_scores_[0]
        assert first.parameters == {"strategy": "prior"}
        assert first.mean_validation_score == pytest.approx(-np.log(2))
        assert first.cv_validation_scores.shape == (3,)
    with pytest.raises(ValueError, match="log_loss"):
        importlib.import_module("sklearn.metrics").get_scorer("log_loss")


def test_log_loss_and_neighbors_with_their_old_arguments():
    pytest.importorskip("sklearn")
    with put_back():
        from sklearn.metrics import log_loss
        from sklearn.neighbors import LSHForest, NearestNeighbors

        # what scikit-learn 0.18 computed: a single class is the first column
        assert log_loss([1], [[0.25, 0.75]], eps=1e-15) == pytest.approx(-np.log(0.25))
        assert log_loss([0, 1], [[1.0, 0.0], [0.5, 0.5]], 0.1) == pytest.approx(
            -np.log([0.9, 0.5]).mean()
        )
        assert log_loss(["a", "b"], [0.25, 0.75]) == pytest.approx(-np.log(0.75))
        assert LSHForest(20, n_neighbors=3).n_neighbors == 3
        found = NearestNeighbors(3, metric="cosine")
        assert found.n_neighbors == 3 and found.get_params()["metric"] == "cosine"


def test_elements_of_series_by_place():
    pd = pytest.importorskip("pandas")
    with put_back():
        series = pd.Series([1, 2, 3], index=["a", "b", "c"])
        series[0] = 5
        assert (series[0], series[-1], series["a"], len(series)) == (5, 3, 5, 3)
        (row,) = pd.DataFrame({"x": [1.5], "y": ["text"]}).iterrows()
        assert row[1][0] == 1.5 and row[1][1] == "text"
        assert pd.Series([1, 2], index=[1, 0])[0] == 2  # a label
        dates = pd.Series([1, 2], index=pd.to_datetime(["2014-01-01", "2015-01-01"]))
        assert dates[1] == 2
        assert [*series.index[[[0, 2]]]] == ["a", "c"]
        assert [*pd.RangeIndex(5)[[[1, 3]]]] == [1, 3]


def test_tables_of_pandas_as_they_were():
    pd = pytest.importorskip("pandas")
    with put_back():
        left = pd.DataFrame({"key": ["a", "b"], "day": [1, 2], "day_y": [3, 4]})
        right = pd.DataFrame({"key": ["b", "a"], "day": [5, 6]})
        assert left.key.dtype == object
        for merged in (
            left.merge(right, "left", on="key", suffixes=("", "_y")),
            pd.merge(left, right, how="left", on="key", suffixes=["", "_y"]),
        ):
            assert [*merged.columns] == ["key", "day", "day_y", "day_y"]
            assert merged.values.tolist() == [["a", 1, 3, 6], ["b", 2, 4, 5]]
        assert [*left.merge(right, on="key").columns] == ["key", "day_x", "day_y", "day_y"]
        left.loc[left.day == 2, "day"] = ""
        assert left.day.tolist() == [1, ""]
        groups = pd.DataFrame({"store": [1, 1, 2], "sales": [1.0, 2.0, 4.0]}).groupby("store")
        sums = groups.rolling(2, min_periods=1).sum()
        assert sums.values.tolist() == [[1, 1], [2, 3], [2, 4]]
        assert [*sums.columns] == ["store", "sales"]
    assert pd.DataFrame({"key": ["a"]}).key.dtype != object


def test_more_places_than_labels_on_an_axis():
    plt = pytest.importorskip("matplotlib.pyplot")
    with put_back():
        _, labels = plt.xticks([0, 1], {"cats": 0, "dogs": 1})
        assert [label.get_text() for label in labels] == ["cats", "dogs"]
        _, labels = plt.xticks([0, 1, 2], ["a", "b"])
        plt.close()
    assert [one.get_text() for one in labels] == ["a", "b"]


def test_nothing_is_split_where_nothing_is_found():
    import re

    with put_back():
        assert re.split(r"(\W+)?", "Who? Me.") == ["Who", "? ", "Me", ".", ""]
        assert re.split(r"x*", "axbxc", maxsplit=1) == ["a", "bxc"]
        assert re.split(",", "a,b", flags=re.IGNORECASE) == ["a", "b"]
    assert None in re.split(r"(\W+)?", "Who? Me.")


def test_pandas_as_it_was():
    pd = pytest.importorskip("pandas")
    with put_back():
        frame = pd.DataFrame({"a": [2, 1], "b": [3, 4]}, index=["x", "y"])
        assert frame.ix["x", "a"] == frame.ix[0, 0] == frame.ix["x", 0] == frame.ix[0, "a"] == 2
        assert frame.ix[:1].values.tolist() == [[2, 3]]
        assert frame.as_matrix(["b"]).tolist() == [[3], [4]]
        assert frame.append({"a": 5, "b": 6}, ignore_index=True).shape == (3, 2)
        assert frame.sort("a").index.tolist() == ["y", "x"]
        frame.ix["y", "a"] = 9
        assert frame.loc["y", "a"] == 9 and frame.a.order().tolist() == [2, 9]
        numbered = pd.DataFrame({"a": [2, 1]}, index=[1, 0])
        assert numbered.ix[1, "a"] == 2  # a label, where labels are numbers
        left = pd.DataFrame({"k": [1, 2], "r": [3, 4], "r_r": [5, 6]})
        right = pd.DataFrame({"r": [7, 8]}, index=[1, 2])
        joined = left.join(right, rsuffix="_r", how="inner", on="k")
        assert list(joined.columns) == ["k", "r", "r_r", "r_r"]
        assert joined.values.tolist() == [[1, 3, 5, 7], [2, 4, 6, 8]]
        assert left.join(right.r, rsuffix="_r", on="k").values.tolist() == [
            [1, 3, 5, 7],
            [2, 4, 6, 8],
        ]
        assert list(left.join(right.rename(columns={"r": "s"}), on="k")) == ["k", "r", "r_r", "s"]
    assert not hasattr(pd.DataFrame, "append")


def test_the_tokenizer_that_nltk_has_dropped():
    pytest.importorskip("nltk")
    with put_back():
        from nltk.tokenize import StanfordTokenizer, ToktokTokenizer

        assert issubclass(StanfordTokenizer, ToktokTokenizer.__mro__[1])


def test_word_vectors_of_gensim_have_a_vocabulary():
    keyedvectors = pytest.importorskip("gensim.models.keyedvectors")
    with put_back():
        vectors = keyedvectors.KeyedVectors(2)
        vectors.add_vectors(["a", "b"], np.eye(2, dtype="float32"))
        assert "a" in vectors.vocab and vectors.vocab["b"].index == 1
        assert vectors.index2word == ["a", "b"]


def test_arrays_on_disk_as_bcolz_had_them(tmp_path):
    with put_back():
        bcolz = importlib.import_module("bcolz")
        if not isinstance(bcolz, Gone):
            pytest.skip("bcolz is installed")
        made = bcolz.carray(np.arange(6).reshape(3, 2), rootdir=str(tmp_path / "a"), mode="w")
        made.flush()
        found = bcolz.open(str(tmp_path / "a"))
        np.testing.assert_array_equal(found[:], made[:])
        assert found.shape == (3, 2) and len(found) == 3
        found.append([[7, 8]])
        found.flush()
        assert bcolz.open(tmp_path / "a")[-1].tolist() == [7, 8]
        bcolz.carray(np.arange(14), rootdir=str(tmp_path / "b"), mode="w", chunklen=4)
        rows = bcolz.open(str(tmp_path / "b"), mode="r")
        assert (rows.chunklen, rows.nchunks, rows.leftover_elements) == (4, 3, 2)
        parts = [chunk[:] for chunk in rows.chunks] + [rows.leftover_array[:2]]
        np.testing.assert_array_equal(np.concatenate(parts), np.arange(14))
        ragged = bcolz.carray([np.ones((2, 3)), np.zeros((2, 1))], rootdir=tmp_path / "e", mode="w")
        assert ragged.dtype == object and bcolz.open(tmp_path / "e")[1].shape == (2, 1)
        row = np.array([1.5, "text", None, np.arange(2)], object)
        table = bcolz.carray(np.empty((0, 4), object), rootdir=str(tmp_path / "c"), mode="w")
        table.append(row)  # a single one
        table.flush()
        assert [*bcolz.open(tmp_path / "c")[0][:3]] == [1.5, "text", None]
        np.testing.assert_array_equal(bcolz.open(tmp_path / "c")[0][3], [0, 1])
        bcolz.carray(np.array([print]), rootdir=str(tmp_path / "d"), mode="w").flush()
        with pytest.raises(Exception, match="refused"):
            bcolz.open(tmp_path / "d")
        with pytest.raises(FileNotFoundError):
            bcolz.open(tmp_path / "none")


@pytest.mark.filterwarnings("ignore:the imp module is deprecated:DeprecationWarning")
def test_the_rest(tmp_path):
    grid = pictures.grayscale_grid_vis(np.arange(12).reshape(3, 2, 2), (2, 2))
    assert grid.tolist() == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 0, 0], [10, 11, 0, 0]]
    assert pictures.unit_scale([2, 4, 6]).tolist() == [0, 0.5, 1]
    with put_back():
        import imp
        import inspect
        import string

        assert inspect.getargspec(lambda a, *b, c=1, **d: 0)[:3] == (["a"], "b", "d")
        assert "abc".translate(string.maketrans("ab", "xy")) == "xyc"
        assert LooseVersion("1.10.0") > LooseVersion("1.9")
        (tmp_path / "m.py").write_text("x = 1")
        assert imp.load_source("m_of_test", str(tmp_path / "m.py")).x == 1
        assert arrays.random_integers(3, size=50).max() == 3
        assert np.asscalar(np.ones(1)) == 1 and np.asfarray([1]).dtype == np.float64
    sys.modules.pop("m_of_test")


def test_the_seed_of_numpy_repeats_weights_too():
    def drawn():
        np.random.seed(3)
        weights = hornbook.layers.Dense(2)
        weights.build((None, 3))
        return np.random.rand(), np.asarray(weights.kernel)

    random.seed(0)
    state = random.getstate()
    with put_back():
        (number, kernel), (again, same) = drawn(), drawn()
        np.random.seed()
    np.testing.assert_array_equal(kernel, same)
    assert number == again == np.random.RandomState(3).rand()
    assert random.getstate() == state  # Python's own generator is left alone
    assert (drawn()[1] != kernel).any()


def test_six_where_it_is_not_installed():
    code = (
        "import sys\n"
        "import importlib.machinery as m\n"
        "find = m.PathFinder.find_spec\n"
        "m.PathFinder.find_spec = lambda name, *a: None if name == 'six' else find(name, *a)\n"
        "from hornbook.compat.libraries import put_back\n"
        "with put_back():\n"
        "    import six, six.moves.cPickle as pickle\n"
        "    from six.moves import range, xrange, urllib, zip\n"
        "    from six.moves.urllib.request import urlretrieve\n"
        "    print(*six.iteritems({1: 2}), pickle.loads(pickle.dumps(3)), list(xrange(2)))\n"
        "    print(isinstance('', six.string_types), urllib.parse.quote(' '), six.PY3)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "(1, 2) 3 [0, 1]\nTrue %20 True\n", done.stderr


def test_an_animation_without_ffmpeg_shows_its_frames(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with put_back():
        from matplotlib import animation, rc_context
        from matplotlib import pyplot as plt

        with rc_context({"animation.html": "html5", "animation.ffmpeg_path": "no-ffmpeg"}):
            figure, axes = plt.subplots(figsize=(1, 1), dpi=20)
            (line,) = axes.plot([0, 1])
            shown = animation.FuncAnimation(figure, lambda i: line.set_ydata([i, 1]), [0, 1])
            assert "<script" in shown._repr_html_()
            plt.close(figure)


def test_stacks_of_iterators():
    with put_back():
        rows = [np.arange(3), np.arange(3) + 1]
        for name in "stack vstack hstack dstack column_stack".split():
            stack = getattr(np, name)
            np.testing.assert_array_equal(stack(row for row in rows), stack(rows))
        np.testing.assert_array_equal(np.stack(map(np.negative, rows), axis=1)[:, 1], [-1, -2, -3])


def test_frames_of_old_pandas():
    pd = pytest.importorskip("pandas")
    from datetime import datetime

    with put_back():
        from sklearn.utils import tosequence

        days = pd.Series(pd.to_datetime(["2013-01-01", "2014-12-31"]))
        assert days.dt.week.tolist() == pd.DatetimeIndex(days).weekofyear.tolist() == [1, 1]
        frame = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
        assert [*frame.drop("a", 1).columns] == [*frame.drop(columns="a").columns] == ["b"]
        assert frame.drop(0).a.tolist() == frame.a.drop([0]).tolist() == [2]
        assert days.astype(datetime).dtype == object
        assert tosequence(range(2)) == [0, 1]
        assert [part.b.tolist() for part in np.split(frame, [1])] == [[3], [4]]
        assert [part.tolist() for part in np.array_split(frame.a, 2)] == [[1], [2]]


def test_predictions_of_one_element_are_numbers():
    with put_back():
        model = hornbook.Sequential([hornbook.Input((2,)), hornbook.layers.Dense(1)])
        found = model.predict(np.ones((1, 2)), verbose=0)
        several = hornbook.Model(model.input, [model.output] * 2).predict(
            np.ones((2, 2)), verbose=0
        )
    assert float(found) == float(found[0]) == found.max() and int(found * 0) == 0
    assert type(found.max()) is np.float32 and repr(found[:0]).startswith("array([]")
    with pytest.raises(TypeError):
        float(several[1])
    assert type(model.predict(np.ones((1, 2)), verbose=0)) is np.ndarray
