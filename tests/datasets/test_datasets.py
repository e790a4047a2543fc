"""Data sets, from files made here; Keras's own loaders are the oracle where they read them."""

import gzip
import hashlib
import importlib
import io
import json
import pickle
import struct
import tarfile
import zipfile
from dataclasses import replace

import numpy as np
import pytest

import hornbook as keras
from hornbook import datasets
from hornbook.datasets import reading, table
from tests.data.server import serving

RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The folder of data; the cache is empty, and there is no network."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("HORNBOOK_DATA", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for name, row in table.FILES.items():
        dead = row.origin.replace("https://", "http://127.0.0.1:9/")
        monkeypatch.setitem(table.FILES, name, replace(row, origin=dead))
    return tmp_path


def theirs(name, path, monkeypatch, **options):
    """What Keras's loader makes of a file."""
    module = importlib.import_module(f"keras.src.datasets.{name}")
    with monkeypatch.context() as patched:
        patched.setattr(module, "get_file", lambda *args, **kwargs: str(path))
        return module.load_data(**options)


def same(ours, wanted):
    for (x, y), (wanted_x, wanted_y) in zip(ours, wanted, strict=True):
        assert x.dtype == wanted_x.dtype
        assert x.tolist() == wanted_x.tolist()
        np.testing.assert_array_equal(y, wanted_y)
        assert y.dtype == wanted_y.dtype


def texts(count):
    found = np.empty(count, dtype=object)
    found[:] = [RANDOM.integers(1, 40, RANDOM.integers(1, 12)).tolist() for _ in range(count)]
    return found


def pictures(count):
    return RANDOM.integers(0, 256, (count, 28, 28)).astype("uint8")


def digits(count):
    return RANDOM.integers(0, 10, count).astype("uint8")


# ---- loaders


def test_mnist(folder, monkeypatch):
    parts = {"x_train": pictures(5), "y_train": digits(5), "x_test": pictures(2)}
    np.savez(folder / "mnist.npz", y_test=digits(2), **parts)
    same(datasets.mnist.load_data(), theirs("mnist", folder / "mnist.npz", monkeypatch))


def test_fashion_mnist(folder):
    made = {}
    for part, count in (("train", 4), ("t10k", 2)):
        made[part] = pictures(count), digits(count)
        for (kind, axes), array in zip((("images", 3), ("labels", 1)), made[part]):
            head = struct.pack(f">BBBB{axes}I", 0, 0, 8, axes, *array.shape)
            with gzip.open(folder / f"{part}-{kind}-idx{axes}-ubyte.gz", "wb") as file:
                file.write(head + array.tobytes())
    same(keras.datasets.fashion_mnist.load_data(), (made["train"], made["t10k"]))


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\x08\1", b"\0\0\x08\1\0\0\0\5abc", b"\0\0\x0d\1\0\0\0\1a"]
)
def test_what_is_no_file_of_pictures_is_told(folder, content):
    (folder / "x.gz").write_bytes(gzip.compress(content))
    with pytest.raises(ValueError, match="format of MNIST"):
        reading.read_idx(folder / "x.gz")


WORDS = [
    {},
    {"num_words": 20},
    {"num_words": 30, "skip_top": 5},
    {"start_char": None},
    {"start_char": None, "index_from": 0},
    {"start_char": 50, "oov_char": None, "num_words": 25, "skip_top": 3},
    {"maxlen": 8, "seed": 5},
    {"oov_char": 99, "num_words": 10, "index_from": 7},
]


@pytest.mark.parametrize("options", WORDS)
def test_imdb(folder, monkeypatch, options):
    labels = {"y_train": RANDOM.integers(0, 2, 30), "y_test": RANDOM.integers(0, 2, 20)}
    path = folder / "imdb.npz"
    np.savez(path, x_train=texts(30), x_test=texts(20), **labels)
    same(datasets.imdb.load_data(**options), theirs("imdb", path, monkeypatch, **options))


@pytest.mark.parametrize("options", [*WORDS, {"test_split": 0.5}])
def test_reuters(folder, monkeypatch, options):
    path = folder / "reuters.npz"
    np.savez(path, x=texts(40), y=RANDOM.integers(0, 46, 40))
    same(datasets.reuters.load_data(**options), theirs("reuters", path, monkeypatch, **options))


def test_no_text_is_short_enough(folder):
    np.savez(folder / "reuters.npz", x=texts(4), y=np.arange(4))
    with pytest.raises(ValueError, match="maxlen=1"):
        datasets.reuters.load_data(maxlen=1)


@pytest.mark.parametrize("name", ["boston_housing", "california_housing"])
@pytest.mark.parametrize("options", [{}, {"test_split": 0.35, "seed": 3}, {"test_split": 0}])
def test_houses(folder, monkeypatch, name, options):
    path = folder / f"{name}.npz"
    np.savez(path, x=RANDOM.normal(size=(37, 3)), y=RANDOM.normal(size=37))
    same(getattr(datasets, name).load_data(**options), theirs(name, path, monkeypatch, **options))
    with pytest.raises(ValueError, match="test_split"):
        getattr(datasets, name).load_data(test_split=1)


def test_fewer_houses(folder, monkeypatch):
    path = folder / "california_housing.npz"
    np.savez(path, x=RANDOM.normal(size=(700, 3)), y=RANDOM.normal(size=700))
    ours = datasets.california_housing.load_data("small")
    same(ours, theirs("california_housing", path, monkeypatch, version="small"))
    with pytest.raises(ValueError, match="medium"):
        datasets.california_housing.load_data("medium")


@pytest.mark.parametrize("name", ["imdb", "reuters"])
def test_word_indices(folder, name):
    (folder / f"{name}_word_index.json").write_text('{"the": 1, "d\u00e9j\u00e0": 2}', "utf-8")
    assert getattr(datasets, name).get_word_index() == {"the": 1, "d\u00e9j\u00e0": 2}


def test_names_of_classes():
    module = importlib.import_module("keras.src.datasets.reuters")
    assert datasets.reuters.get_label_names() == tuple(module.get_label_names())


def python_2(labels, data):
    """A batch as Python 2 pickled it."""
    rows, columns = data.shape
    content = data.tobytes()
    listed = [b"](", *(b"K" + bytes([label]) for label in labels), b"e"]
    return b"".join(
        [
            *(b"\x80\x02}q\x01(", b"U\x04dataq\x02"),
            *(b"cnumpy.core.multiarray\n_reconstruct\nq\x03", b"cnumpy\nndarray\nq\x04"),
            *(b"K\x00\x85U\x01b\x87Rq\x05(K\x01", b"K" + bytes([rows]), b"M"),
            *(struct.pack("<H", columns), b"\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"),
            *(b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb", b"\x89T"),
            *(struct.pack("<i", len(content)), content, b"tb", b"U\x06labels", *listed),
            *(b"U\x0bfine_labels", *listed, b"U\x0dcoarse_labels](K\x00K\x01e"),
            b"U\x09filenames](U\x05a.pngU\x05b.pngeu.",
        ]
    )


def batch():
    return [int(label) for label in RANDOM.integers(0, 10, 2)], RANDOM.integers(
        0, 256, (2, 3072)
    ).astype("uint8")


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_cifar10(folder, kind):
    batches = {f"data_batch_{i}": batch() for i in range(1, 6)} | {"test_batch": batch()}
    files = {f"cifar-10-batches-py/{name}": python_2(*made) for name, made in batches.items()}
    put(folder, files, "cifar-10-python.tar.gz" if kind == "archive" else None)
    (x, y), (x_test, y_test) = datasets.cifar10.load_data()
    wanted = np.concatenate([batches[f"data_batch_{i}"][1] for i in range(1, 6)])
    np.testing.assert_array_equal(x, wanted.reshape(10, 3, 32, 32).transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(y[:2, 0], batches["data_batch_1"][0])
    np.testing.assert_array_equal(y_test[:, 0], batches["test_batch"][0])
    assert (y.shape, y.dtype, x.dtype) == ((10, 1), np.uint8, np.uint8)
    assert x_test.shape == (2, 32, 32, 3)
    keras.config.set_image_data_format("channels_first")
    np.testing.assert_array_equal(datasets.cifar10.load_data()[0][0], wanted.reshape(10, 3, 32, 32))


def test_cifar100(folder):
    made = batch()
    put(folder, {f"cifar-100-python/{name}": python_2(*made) for name in ("train", "test")})
    (x, y), _ = datasets.cifar100.load_data()
    assert x.shape == (2, 32, 32, 3)
    np.testing.assert_array_equal(y[:, 0], made[0])
    np.testing.assert_array_equal(datasets.cifar100.load_data("coarse")[1][1], [[0], [1]])
    with pytest.raises(ValueError, match="middle"):
        datasets.cifar100.load_data("middle")


def put(folder, files, archive=None):
    """Files in the folder of data, or in an archive there."""
    if archive is None:
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
        return
    with tarfile.open(folder / archive, "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


# ---- where the files come from


def test_files_are_those_of_keras(monkeypatch):
    """Addresses and checksums, by what Keras asks `get_file` for."""
    monkeypatch.undo()
    asked = {}

    def get_file(fname=None, origin=None, file_hash=None, cache_subdir="datasets", **options):
        asked[origin] = file_hash, cache_subdir
        raise StopIteration

    for name in datasets.__all__:
        module = importlib.import_module(f"keras.src.datasets.{name}")
        with monkeypatch.context() as patched:
            patched.setattr(module, "get_file", get_file)
            for loader in ("load_data", "get_word_index"):
                if hasattr(module, loader):
                    with pytest.raises(StopIteration):
                        getattr(module, loader)()
    rows = {row.origin: (row.checksum, row.subfolder) for row in table.FILES.values()}
    assert asked == {origin: rows[origin] for origin in asked}
    beside = {row for row in rows if row not in asked}
    assert all("idx" in origin for origin in beside)  # fashion_mnist asks for the first of four
    assert len(beside) == 3


def test_data_sets_are_downloaded_once(folder, monkeypatch):
    file = io.BytesIO()
    np.savez(file, x=RANDOM.normal(size=(10, 3)), y=np.arange(10.0))
    content = file.getvalue()
    checksum = hashlib.sha256(content).hexdigest()
    with serving() as site:
        site.files["/boston_housing.npz"] = content
        row = table.File(f"{site.address}/boston_housing.npz", checksum)
        monkeypatch.setitem(table.FILES, "boston_housing.npz", row)
        for _ in range(2):
            (x, _), _ = datasets.boston_housing.load_data()
            assert x.shape == (8, 3)
        assert len(site.asked) == 1
        assert (folder / "keras" / "datasets" / "boston_housing.npz").read_bytes() == content
        other = replace(row, checksum=hashlib.sha256(b"").hexdigest())
        monkeypatch.setitem(table.FILES, "boston_housing.npz", other)
        with pytest.raises(ValueError, match="checksum"):
            datasets.boston_housing.load_data()


def test_smaller_files_stand_for_mnist(folder):
    parts = {"x_train": pictures(5), "y_train": digits(5), "x_test": pictures(2)}
    np.savez(folder / "mnist_10k.npz", y_test=digits(2), **parts)
    with pytest.warns(UserWarning, match=r"mnist_10k\.npz, which is smaller"):
        (x, _), _ = datasets.mnist.load_data()
    np.testing.assert_array_equal(x, parts["x_train"])
    np.savez(folder / "mnist.npz", y_test=digits(2), **parts)
    datasets.mnist.load_data()  # no warning


def test_smaller_files_stand_for_imdb(folder):
    tokens, offsets = np.array([1, 14, 2, 20, 1, 5], "int32"), np.array([0, 4, 6])
    parts = {"tokens": tokens, "offsets": offsets, "labels": np.array([1, 0], "int8")}
    named = {f"{part}_{name}": v for part in ("train", "test") for name, v in parts.items()}
    np.savez(folder / "imdb_5k.npz", **named)

    def load(**options):
        with pytest.warns(UserWarning, match=r"imdb_5k\.npz, which is smaller"):
            (x, y), _ = datasets.imdb.load_data(num_words=100, **options)
        assert y.dtype == np.int64
        return dict(zip(y.tolist(), x.tolist()))

    assert load() == {1: [1, 14, 2, 20], 0: [1, 5]}
    assert load(start_char=None, index_from=0) == {1: [11, 2, 17], 0: [2]}
    assert load(oov_char=None) == {1: [1, 14, 20], 0: [1, 5]}
    assert load(oov_char=7, skip_top=6) == {1: [7, 14, 7, 20], 0: [7, 7]}


def test_the_shared_files(data_dir, monkeypatch):
    monkeypatch.setenv("HORNBOOK_DATA", str(data_dir))
    if not {"mnist_10k.npz", "imdb_5k.npz"} <= {path.name for path in data_dir.iterdir()}:
        pytest.skip(f"{data_dir} has not the smaller files")
    with pytest.warns(UserWarning, match="smaller"):
        (x, y), (x_test, _) = datasets.mnist.load_data()
    assert (x.shape, y.shape, x_test.shape) == ((8000, 28, 28), (8000,), (2000, 28, 28))
    with pytest.warns(UserWarning, match="smaller"):
        (x, y), (x_test, _) = datasets.imdb.load_data(num_words=500)
    assert (len(x), len(y), len(x_test)) == (5000, 5000, 1000)
    assert {text[0] for text in x} == {1}
    assert max(map(max, x)) < 500
    assert set(y.tolist()) == {0, 1}


# ---- files that are not what they seem


class Evil:
    def __reduce__(self):
        return exec, ("raise SystemExit('run')",)


def objects(thing):
    array = np.empty(1, dtype=object)
    array[0] = thing
    return array


HOSTILE = {
    "a call": Evil(),
    "a call in a list": [1, Evil()],
    "a class": Evil,
    "a function": np.load,
    "a set": {1, 2},
    "an array of records": np.zeros(1, "i4,f4"),
    "a dtype": np.dtype("int32"),
}


ENCODE = b"c_codecs\nencode\n"


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("name", ["imdb.npz", "mnist.npz"])
def test_a_hostile_file_is_refused(folder, what, name):
    harmless = {"y_train": digits(1), "x_test": digits(1), "y_test": digits(1)}
    np.savez(folder / name, x_train=objects(HOSTILE[what]), **harmless)
    with pytest.raises(pickle.UnpicklingError, match="refused|dtype of numbers"):
        getattr(datasets, name[:-4]).load_data()


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_batch_is_refused(folder, what):
    put(folder, {"cifar-10-batches-py/data_batch_1": pickle.dumps({"data": HOSTILE[what]})})
    with pytest.raises(pickle.UnpicklingError):
        datasets.cifar10.load_data()


ARRAY = b"cnumpy\nndarray\n"
RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n"
SCALAR = b"cnumpy.core.multiarray\nscalar\n"
OBJECTS = b"cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI63\ntb"
DOUBLES = b"cnumpy\ndtype\n(S'f8'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb"


def test_a_number_of_numpy_is_read():
    read = reading.read_pickle
    assert read(io.BytesIO(pickle.dumps([np.float64(1.5), np.int32(2)]))) == [1.5, 2]
    assert read(io.BytesIO(SCALAR + b"(" + DOUBLES + b"S'" + bytes(8) + b"'\ntR.")) == 0


@pytest.mark.parametrize(
    "content",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cnumpy\nload\n.",
        ARRAY + b"(tR.",  # the class is called
        ARRAY + b"(N}S'x'\nI1\nstb.",  # the class is changed
        RECONSTRUCT + b"(N}S'x'\nI1\nstb.",
        SCALAR + b"(N}tR.",
        SCALAR + b"(" + OBJECTS + b"S'x'\ntR.",
        SCALAR + b"(" + DOUBLES + b"S'short'\ntR.",
        RECONSTRUCT + b"(" + ARRAY + b"(I0\ntS'b'\ntR.",  # no state
        RECONSTRUCT + b"(" + ARRAY + b"(I0\ntS'b'\ntR(I1\n(I9\ntNI00\nS'ab'\ntb.",
        b"(lp0\ng0\na.",  # a list in itself
        ENCODE + b".",
        ENCODE + b"(VYQ==\nS'base64'\ntR.",
        ENCODE + b"(Va\nI1\ntR.",
        ENCODE + b"(N}S'x'\nI1\nstb.",
    ],
)
def test_hand_made_pickles_are_refused(content):
    with pytest.raises(pickle.UnpicklingError):
        reading.read_pickle(io.BytesIO(content))


@pytest.mark.parametrize("kind", [b"O8", b"i8"])
def test_bytes_are_no_objects(kind):
    """Neither a dtype of objects nor one whose state claims them makes pointers of bytes."""
    dtype = b"cnumpy\ndtype\n(S'" + kind + b"'\nI00\nI01\ntR(I3\nS'|'\nNNNI-1\nI-1\nI63\ntb"
    start = RECONSTRUCT + b"(" + ARRAY + b"(I0\ntS'b'\ntR(I1\n"
    for count in (1, 8):
        content = start + b"(I%d\nt" % count + dtype + b"I00\nC\x08AAAAAAAAtb."
        try:
            found = reading.read_pickle(io.BytesIO(content)).tolist()
        except pickle.UnpicklingError:
            continue
        assert found in ([65] * 8, [int.from_bytes(b"AAAAAAAA", "little")])


def test_an_array_of_another_shape_than_announced(folder):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": "|O", "fortran_order": False, "shape": (5,)}
    )
    with zipfile.ZipFile(folder / "y.npz", "w") as archive:
        archive.writestr("a.npy", file.getvalue() + pickle.dumps(objects([1])))
    with pytest.raises(pickle.UnpicklingError, match=r"\(5,\)"):
        reading.read_npz(folder / "y.npz")


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("dtype", ["int64", "uint8", "float32", ">i2", "bool", "object"])
def test_arrays_come_through(protocol, dtype):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    for made in (array, np.asfortranarray(array)):
        found = reading.read_pickle(io.BytesIO(pickle.dumps({"a": [made]}, protocol)))["a"][0]
        np.testing.assert_array_equal(found, array)
        assert found.dtype == array.dtype


@pytest.mark.parametrize("number", [np.float32(1.5), np.int64(-3), np.bool_(True)])
def test_numbers_of_numpy_come_through(number):
    found = reading.read_pickle(io.BytesIO(pickle.dumps([number])))[0]
    assert found == number and found.dtype == number.dtype
    refused = pickle.dumps([number]).replace(number.dtype.str[1:].encode(), b"O8")
    with pytest.raises(pickle.UnpicklingError):
        reading.read_pickle(io.BytesIO(refused))


def test_the_map_serves_data_sets(folder):
    np.savez(folder / "houses.npz", x=np.ones((4, 2)), y=np.ones(4))
    (folder / "map.json").write_text(json.dumps({"boston_housing.npz": "houses.npz"}))
    assert datasets.boston_housing.load_data()[0][0].shape == (3, 2)
