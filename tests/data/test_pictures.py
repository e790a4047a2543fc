"""Iterators over pictures in arrays and files, with keras-preprocessing as the oracle."""

import threading
import traceback

import numpy as np
import pytest
from PIL import Image

import hornbook as keras
from hornbook.data import (
    DataFrameIterator,
    DirectoryIterator,
    ImageDataGenerator,
    Iterator,
    MixIterator,
    NumpyArrayIterator,
    list_pictures,
)

oracle = pytest.importorskip("keras_preprocessing.image")
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*scipy.ndimage.interpolation.*:DeprecationWarning",
    "ignore:'mode' parameter is deprecated.*:DeprecationWarning",
    "ignore:Conversion of an array with ndim:DeprecationWarning",
)
FLIPS = {"horizontal_flip": True, "rotation_range": 10}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three classes, one of them with a folder below it."""
    root = tmp_path_factory.mktemp("pictures")
    draw = np.random.default_rng(0)
    for name, count in [("dogs", 5), ("cats", 4), ("owls/snowy", 3)]:
        (root / name).mkdir(parents=True)
        for i in range(count):
            numbers = draw.integers(0, 255, (9 + i, 11, 3)).astype("uint8")
            Image.fromarray(numbers).save(root / name / f"{i}.{'png' if i % 2 else 'JPG'}")
    (root / "dogs" / "notes.txt").write_text("no picture")
    (root / "list.csv").write_text("no class")
    return root


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).uniform(0, 255, (10, 6, 7, 3)).astype("float32")


def assert_alike(ours, theirs):
    """Batches of whatever structure."""
    if isinstance(theirs, list | tuple):
        assert type(ours) is type(theirs) and len(ours) == len(theirs)
        for one, other in zip(ours, theirs):
            assert_alike(one, other)
    else:
        np.testing.assert_allclose(ours, theirs, atol=2e-4)
        assert ours.dtype == theirs.dtype


def both(make, calls):
    """What ours and theirs give when they are asked alike."""
    results = []
    for kind in (ImageDataGenerator, oracle.ImageDataGenerator):
        np.random.seed(11)
        flow = make(kind)
        results.append([call(flow) for call in calls])
    for ours, theirs in zip(*results, strict=True):
        assert_alike(ours, theirs)


# ---- what all have


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.parametrize("batch_size", [4, 5, 10, 32])
def test_orders_are_those_that_a_seed_always_gave(x, shuffle, seed, batch_size):
    how = {"shuffle": shuffle, "seed": seed, "batch_size": batch_size}
    last = -(-10 // batch_size) - 1
    calls = [next] * 5 + [lambda f: f[last], lambda f: f[0]]
    calls += [lambda f: f.on_epoch_end() or f[0], lambda f: f.reset() or next(f), next]
    calls += [lambda f: np.array([f.batch_index, f.total_batches_seen, len(f), f.n])]
    both(lambda kind: kind(**FLIPS).flow(x, np.arange(10), **how), calls)


def test_an_iterator_of_ones_own():
    class Numbers(Iterator):
        def _get_batches_of_transformed_samples(self, index_array):
            return index_array

    numbers = Numbers(7, 3, shuffle=False, seed=None)
    assert [next(numbers).tolist() for _ in range(4)] == [[0, 1, 2], [3, 4, 5], [6], [0, 1, 2]]
    assert numbers.batch_index == 1 and numbers.N == numbers.nb_sample == 7
    assert numbers[-1].tolist() == [6] and numbers.next().tolist() == [3, 4, 5]
    with pytest.raises(IndexError, match="Numbers: batch 3 of 3"):
        numbers[3]
    with pytest.raises(ValueError, match="batch_size is 1 or more, not 0"):
        Numbers(7, 0, False, None)
    with pytest.raises(NotImplementedError, match="must define _get_batches"):
        next(Iterator(3, 1, False, None))


def test_threads_of_one_seed_give_its_batches(x):
    """Each batch's numbers are drawn in one go, whichever threads make batches."""
    y = np.arange(10)
    alone = ImageDataGenerator(**FLIPS).flow(x, y, batch_size=2, shuffle=False, seed=5)
    want = {i: alone[i][0] for i in range(5)}
    shared = ImageDataGenerator(**FLIPS).flow(x, y, batch_size=2, shuffle=False, seed=5)
    seen = []

    def take():
        while True:
            with lock:
                if not left:
                    return
                left.pop()
            seen.append(next(shared))

    lock, left = threading.Lock(), [None] * 5
    threads = [threading.Thread(target=take) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 5
    for batch, labels in seen:
        np.testing.assert_array_equal(batch, want[labels[0] // 2])


# ---- arrays


def test_all_that_flow_takes(x):
    y, more = np.eye(10), np.arange(10.0)
    weights = np.linspace(0, 1, 10)
    for given in (x, (x, more), [x, [more, more[:, None]]]):
        for labels, weight in ((None, None), (y, None), (y, weights)):
            both(
                lambda kind, g=given, w=weight, b=labels: kind(**FLIPS).flow(
                    g, b, sample_weight=w, batch_size=4, seed=1
                ),
                [next, next, next],
            )


@pytest.mark.parametrize("subset", ["training", "validation"])
def test_subsets_of_arrays(x, subset):
    y = np.arange(10) % 2
    both(
        lambda kind: kind(validation_split=0.3).flow((x, y), y, subset=subset, shuffle=False),
        [next],
    )


def test_a_subset_has_its_own_weights(x):
    """keras-preprocessing gave both subsets the first samples' weights."""
    weights = np.arange(10.0)
    generator = ImageDataGenerator(validation_split=0.3)
    flow = generator.flow(x, weights % 3, sample_weight=weights, subset="training", shuffle=False)
    np.testing.assert_array_equal(flow[0][2], weights[3:])


def test_classes_in_one_part_only_are_told_or_allowed(x):
    y = np.arange(10) // 5
    generator = ImageDataGenerator(validation_split=0.3)
    with pytest.raises(ValueError, match="the first 3 labels, for validation.*ignore_class_split"):
        generator.flow(x, y, subset="training")
    assert generator.flow(x, y, subset="training", ignore_class_split=True).n == 7


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda g, x: g.flow(x, np.ones(3)), r"x has 10 images .* and y 3 rows"),
        (lambda g, x: g.flow(x, sample_weight=[1, 2]), "and sample_weight 2 rows"),
        (lambda g, x: g.flow((x, np.ones(2))), r"and x\[1\] 2 rows"),
        (lambda g, x: g.flow(x[0]), r"x is \(samples, rows.*\(6, 7, 3\)"),
        (lambda g, x: g.flow(x, subset="test"), "'training' or 'validation', not 'test'"),
    ],
)
def test_arrays_that_do_not_fit_are_told(x, make, message):
    with pytest.raises(ValueError, match=message):
        make(ImageDataGenerator(), x)


def test_unlikely_channels_are_warned_of(x):
    with pytest.warns(UserWarning, match="has 6. If that axis is not the channels"):
        NumpyArrayIterator(x, None, ImageDataGenerator(), data_format="channels_first")


def test_integers_become_floats_when_they_are_asked_for(x):
    whole = x.astype("uint8")
    flow = ImageDataGenerator(rescale=1 / 255).flow(whole, shuffle=False, batch_size=3)
    assert flow.x is whole
    np.testing.assert_allclose(next(flow), whole[:3] / np.float32(255), rtol=1e-6)


@pytest.mark.parametrize("form", ["png", "jpeg"])
def test_pictures_that_are_made_can_be_looked_at(x, tmp_path, form):
    made = {}
    for kind in (ImageDataGenerator, oracle.ImageDataGenerator):
        folder = tmp_path / kind.__module__
        folder.mkdir()
        saving = {"save_to_dir": folder, "save_prefix": "a", "save_format": form}
        next(kind(rescale=0.5).flow(x, batch_size=3, seed=1, **saving))
        made[kind] = {path.name: path.read_bytes() for path in folder.iterdir()}
    ours, theirs = made.values()
    assert len(ours) == 3 and ours == theirs


# ---- files


@pytest.mark.parametrize("mode", ["categorical", "binary", "sparse", "input", None])
def test_folders(folder, mode, capsys):
    how = {"target_size": (8, 6), "class_mode": mode, "batch_size": 5, "seed": 2}
    calls = [next, next, next, lambda f: f[1], lambda f: f.classes]
    both(lambda kind: kind(**FLIPS).flow_from_directory(folder, **how), calls)
    assert capsys.readouterr().out.startswith("Found 12 images belonging to 3 classes.\n")


@pytest.mark.parametrize(
    "how",
    [
        {"color_mode": "grayscale"},
        {"color_mode": "rgba", "interpolation": "bilinear"},
        {"classes": ["owls", "cats"]},
        {"shuffle": False},
        {"subset": "training"},
        {"subset": "validation"},
    ],
    ids=str,
)
@pytest.mark.parametrize("first", [False, True])
def test_options_of_folders(folder, how, first):
    options = {"validation_split": 0.4, "data_format": f"channels_{'first' if first else 'last'}"}
    how = {"target_size": (8, 8), "batch_size": 4, **how}
    both(
        lambda kind: kind(**options).flow_from_directory(str(folder), **how),
        [next, next, lambda f: np.array(f.class_indices == {} or f.samples)],
    )


def test_what_a_folder_says_of_itself(folder):
    flow = ImageDataGenerator().flow_from_directory(folder, (8, 8), shuffle=False)
    assert flow.class_indices == {"cats": 0, "dogs": 1, "owls": 2}
    assert flow.filenames[0] == "cats/0.JPG" and flow.filenames[-1] == "owls/snowy/2.JPG"
    assert flow.filepaths[0] == str(folder / "cats" / "0.JPG")
    assert flow.num_classes == flow.nb_class == 3 and flow.samples == flow.n == 12
    np.testing.assert_array_equal(flow.classes, [0] * 4 + [1] * 5 + [2] * 3)
    kept = ImageDataGenerator().flow_from_directory(folder, (4, 4), keep_aspect_ratio=True)
    assert kept[0][0].shape == (12, 4, 4, 3)


def test_links_are_followed_only_if_that_is_asked_for(folder, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "more").symlink_to(folder / "cats", target_is_directory=True)
    (tmp_path / "a" / "own.png").write_bytes((folder / "cats" / "1.png").read_bytes())
    flow = ImageDataGenerator().flow_from_directory
    assert flow(tmp_path).samples == 1
    assert flow(tmp_path, follow_links=True).samples == 5


def test_lists_of_pictures(folder):
    assert len(list_pictures(folder)) == 12
    assert len(list_pictures(str(folder / "dogs"), "png|bmp")) == 2
    assert sorted(list_pictures(folder)) == sorted(oracle.list_pictures(str(folder)))


def test_wrong_folders_are_told(folder, tmp_path):
    flow = ImageDataGenerator().flow_from_directory
    with pytest.raises(ValueError, match=r"no subfolders \['cows'\]; it has \['cats', 'dogs',"):
        flow(folder, classes=["cats", "cows"])
    with pytest.raises(ValueError, match="class_mode is one of .*'onehot'"):
        flow(folder, class_mode="onehot")
    with pytest.raises(ValueError, match="color_mode"):
        flow(folder, color_mode="bgr")
    with pytest.raises(FileNotFoundError):
        flow(folder / "absent")
    with pytest.warns(UserWarning, match="no images in the subfolders of .*subfolder per class"):
        assert len(flow(tmp_path)) == 0


def test_a_file_that_is_no_picture_is_told_with_the_readers_traceback(folder, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "broken.png").write_text("no picture")
    flow = ImageDataGenerator().flow_from_directory(tmp_path, (8, 8), class_mode="sparse")
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    model.compile("sgd", "mse")
    with pytest.raises(OSError) as caught:
        model.fit(flow, verbose=0)
    told = "".join(traceback.format_exception(caught.value))
    assert "broken.png" in told and "load_img" in told


# ---- data frames


@pytest.fixture(scope="module")
def frame(folder):
    pandas = pytest.importorskip("pandas")
    names = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*/*.*"))]
    names = [name for name in names if not name.endswith("txt")]
    labels = [name.split("/")[0] for name in names]
    return pandas.DataFrame(
        {
            "filename": names,
            "class": labels,
            "tags": [["wild"] if one == "owls" else ["pet", one] for one in labels],
            "size": np.arange(len(names)) * 1.5,
            "legs": [2 if one == "owls" else 4 for one in labels],
        }
    )


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"class_mode": "sparse", "weight_col": "size"},
        {"class_mode": "binary", "classes": ["owls", "cats"]},
        {"y_col": "tags"},
        {"y_col": "tags", "classes": ["wild", "pet"]},
        {"class_mode": "raw", "y_col": ["size", "legs"]},
        {"class_mode": "raw", "y_col": "size"},
        {"class_mode": "multi_output", "y_col": ["size", "legs"], "weight_col": "legs"},
        {"class_mode": "input"},
        {"class_mode": None, "weight_col": None},
        {"subset": "validation"},
        {"subset": "training", "shuffle": False},
        {"validate_filenames": False},
    ],
    ids=str,
)
def test_data_frames(folder, frame, how):
    how = {"target_size": (6, 6), "batch_size": 5, "seed": 1, **how}
    make = {"validation_split": 0.25}
    both(
        lambda kind: kind(**make).flow_from_dataframe(frame, str(folder), **how),
        [next, next, lambda f: f[0]],
    )


def test_rows_without_a_file_are_left_out(folder, frame):
    broken = frame.copy()
    broken.loc[1, "filename"] = "cats/absent.png"
    with pytest.warns(UserWarning, match=r"1 of 12 files of x_col='filename'.*cats/absent\.png"):
        flow = ImageDataGenerator().flow_from_dataframe(broken, folder)
    assert flow.samples == 11
    whole = broken.assign(filename=[str(folder / name) for name in frame["filename"]])
    flow = DataFrameIterator(whole, None, target_size=(5, 5), class_mode=None)
    assert flow[0].shape == (12, 5, 5, 3)


def test_old_arguments_of_data_frames(folder, frame):
    with pytest.warns(UserWarning, match="has_ext no longer has any effect"):
        ImageDataGenerator().flow_from_dataframe(frame, folder, has_ext=True, class_mode="other")
    with pytest.raises(TypeError, match="no argument 'targets'"):
        DataFrameIterator(frame, folder, targets=1)


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"class_mode": "many"}, ValueError, "class_mode is one of .*'many'"),
        ({"y_col": "kind"}, ValueError, r"no column 'kind'; it has \['filename', 'class'"),
        ({"x_col": "size"}, TypeError, "x_col='size' holds file names, strings; it has 0.0"),
        ({"class_mode": "binary"}, ValueError, "needs two classes; there are 3"),
        ({"class_mode": "sparse", "y_col": "legs"}, TypeError, r"astype\(str\)"),
        ({"class_mode": "multi_output"}, TypeError, "takes a list of columns"),
        ({"weight_col": "class"}, TypeError, "weight_col='class' must hold numbers"),
    ],
)
def test_wrong_frames_are_told(folder, frame, how, error, message):
    with pytest.raises(error, match=message):
        ImageDataGenerator().flow_from_dataframe(frame, folder, **how)


def test_classes_that_are_not_used_are_warned_of(folder, frame):
    with pytest.warns(UserWarning, match="class_mode='raw' has no classes"):
        how = {"class_mode": "raw", "y_col": "size", "classes": ["cats"]}
        ImageDataGenerator().flow_from_dataframe(frame, folder, **how)


# ---- models


@pytest.fixture
def model():
    made = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(2, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    made.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    return made


def test_models_take_iterators(folder, model):
    generator = ImageDataGenerator(rescale=1 / 255, **FLIPS)
    train = generator.flow_from_directory(folder, (8, 8), batch_size=5)
    valid = ImageDataGenerator(rescale=1 / 255).flow_from_directory(
        folder, (8, 8), batch_size=5, shuffle=False
    )
    order = []
    draw = train._set_index_array
    train._set_index_array = lambda: draw() or order.append(train.index_array.tolist())
    history = model.fit(train, epochs=3, validation_data=valid, verbose=0).history
    assert len(history["val_loss"]) == 3
    assert len({tuple(one) for one in order}) == len(order) >= 3  # each epoch has another
    np.testing.assert_allclose(
        model.evaluate(valid, verbose=0)[0], history["val_loss"][-1], rtol=1e-5
    )
    test = ImageDataGenerator(rescale=1 / 255).flow_from_directory(
        folder, (8, 8), batch_size=5, shuffle=False, class_mode=None
    )
    pictures = np.concatenate([test[i] for i in range(len(test))])
    np.testing.assert_allclose(model.predict(test, verbose=0), model(pictures), atol=1e-6)


def test_steps_and_workers(folder, model):
    train = ImageDataGenerator(**FLIPS).flow_from_directory(folder, (8, 8), batch_size=4)
    train.workers = 3
    model.fit(train, steps_per_epoch=2, epochs=3, verbose=0)
    model.fit(train, steps_per_epoch=7, validation_data=train, validation_steps=5, verbose=0)
    assert train.total_batches_seen >= 18  # passes have 3 each, and follow each other


def test_labelled_and_unlabelled_pictures_in_one_batch(folder, model):
    generator = ImageDataGenerator()
    labelled = generator.flow_from_directory(folder, (8, 8), batch_size=4)
    guessed = generator.flow(np.ones((6, 8, 8, 3)), np.full((6, 3), 1 / 3), batch_size=2)
    mixed = MixIterator([labelled, guessed])
    assert mixed.N == 18
    x, y = next(mixed)
    assert x.shape == (6, 8, 8, 3)
    np.testing.assert_allclose(y[4:], 1 / 3)
    model.fit(mixed, steps_per_epoch=3, verbose=0)


def test_the_class_can_be_made_by_itself(folder):
    flow = DirectoryIterator(folder, None, (8, 8), class_mode="sparse", shuffle=False)
    assert flow[0][0].shape == (12, 8, 8, 3)
