"""Data sets of folders: files, order, labels and splits as Keras gives them; hostile files."""

import io
import os
import struct
import wave

import keras as oracle
import numpy as np
import pytest
from keras.src.utils import dataset_utils, image_dataset_utils
from PIL import Image

import hornbook as keras
from hornbook.data import image_folder
from hornbook.data.wav import read_wav, resample
from hornbook.ops.image_resize import INTERPOLATIONS, resize

PICTURES = keras.utils.image_dataset_from_directory
TEXTS = keras.utils.text_dataset_from_directory
AUDIO = keras.utils.audio_dataset_from_directory


def draw(height, width, channels=3):
    """A smooth picture."""
    small = np.random.default_rng(height).integers(0, 255, (5, 6, channels), "uint8")
    small = small[..., 0] if channels == 1 else small
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures of all kinds in classes, with subfolders, hidden ones, and other files."""
    top = tmp_path_factory.mktemp("pictures")
    for name, count in (("owls", 3), ("cats", 7), ("dogs", 5)):
        for i in range(count):
            place = top / name / ("more" if i % 3 == 2 else "")
            place.mkdir(parents=True, exist_ok=True)
            draw(20 + i, 30).save(place / f"{i}{('.png', '.JPG', '.bmp', '.gif')[i % 4]}")
    (top / "cats" / "notes.txt").write_text("no picture")
    (top / ".hidden").mkdir()
    draw(8, 8).save(top / ".hidden" / "1.png")
    return top


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("labels", ["inferred", "listed", None])
@pytest.mark.parametrize("subset", ["training", "validation", None])
def test_files_labels_and_splits_are_keras_s(folder, shuffle, labels, subset, capsys):
    count = 16 if labels != "inferred" else 15  # without classes, hidden folders are listed too
    labels = [i % 3 for i in range(count)] if labels == "listed" else labels
    theirs = dataset_utils.index_directory(
        str(folder), labels if not isinstance(labels, list) else list(labels),
        image_dataset_utils.ALLOWLIST_FORMATS, shuffle=shuffle, seed=7,
    )  # fmt: skip
    fraction = 0.3 if subset else None
    paths, numbers = dataset_utils.get_training_or_validation_split(*theirs[:2], fraction, subset)
    said = capsys.readouterr().out
    split = {"validation_split": fraction, "subset": subset}
    how = {"labels": labels, "shuffle": shuffle, "seed": 7, "image_size": 4, **split}
    data = PICTURES(folder, batch_size=None, **how)
    assert capsys.readouterr().out == said
    assert data.file_paths == paths and data.class_names == theirs[2]
    assert len(data) == len(paths)
    if not shuffle and labels is not None:
        assert [int(label) for _, label in data] == list(numbers)


def test_both_parts_and_forms_of_labels(folder):
    how = {"image_size": 4, "validation_split": 0.4, "seed": 1, "verbose": False}
    train, valid = PICTURES(folder, subset="both", batch_size=4, **how)
    assert train.file_paths == PICTURES(folder, subset="training", **how).file_paths
    assert not set(train.file_paths) & set(valid.file_paths)
    assert [len(y) for _, y in train] == [4, 4, 1] and len(valid) == 2
    numbers = {path: train.class_names.index(path[len(str(folder)) + 1 :][:4]) for path in
               train.file_paths + valid.file_paths}  # fmt: skip
    assert [int(n) for n in np.concatenate([y for _, y in valid])] == [
        numbers[path] for path in valid.file_paths
    ]
    orders = [np.concatenate([y for _, y in train]).tolist() for _ in range(3)]
    assert len(set(map(tuple, orders))) > 1  # another order in each pass
    options = {"class_names": ["owls", "cats"], "shuffle": False, "image_size": 4, "batch_size": 99}
    x, y = next(iter(PICTURES(folder, label_mode="binary", **options)))
    assert (y.shape, y.dtype, y[:, 0].tolist()) == ((10, 1), "float32", [0] * 3 + [1] * 7)
    x, y = next(iter(PICTURES(folder, label_mode="categorical", **options)))
    assert y.dtype == "float32" and y.tolist() == [[1, 0]] * 3 + [[0, 1]] * 7
    x, y = next(iter(PICTURES(folder, **options)))
    assert y.dtype == "int32" and x.dtype == "float32"
    x = next(iter(PICTURES(folder, labels=None, image_size=(4, 6), batch_size=2)))
    assert x.shape == (2, 4, 6, 3)


def without_simplejpeg(monkeypatch):
    monkeypatch.setattr(image_folder, "_by_simplejpeg", lambda *args: None)


@pytest.mark.parametrize("mode", ["rgb", "grayscale", "rgba"])
def test_pictures_are_read_as_by_keras(folder, mode):
    channels = {"rgb": 3, "grayscale": 1, "rgba": 4}[mode]
    for name in ("0.png", "1.JPG", "more/2.bmp", "3.gif"):
        path = str(folder / "cats" / name)
        for fit, order in ((None, "channels_last"), ("crop", "channels_first")):
            kept = {"crop_to_aspect_ratio": fit == "crop"}
            file = io.BytesIO((folder / "cats" / name).read_bytes())
            theirs = image_dataset_utils._load_image_grain(
                file, (9, 9), channels, "bilinear", order, **kept
            )
            ours = image_folder.read_picture(path, mode, (9, 9), "bilinear", fit, fit == "crop")
            assert ours.shape == theirs.shape and ours.flags.c_contiguous
            # A gray picture has the brightness in the JPEG file, as TensorFlow reads it, not that
            # of its colors, which were clipped.
            loose = 8 if mode == "grayscale" and name == "1.JPG" else 2e-3
            np.testing.assert_allclose(ours, theirs, atol=loose)


def test_borders_are_added_as_by_tf_image_resize_with_pad(folder):
    path = str(folder / "cats" / "0.png")  # 20 x 30
    made = image_folder.read_picture(path, "rgb", (12, 15), "bilinear", "pad", False)
    inner = image_folder.read_picture(path, "rgb", (10, 15), "bilinear", None, False)
    np.testing.assert_array_equal(made[1:11], inner)
    assert not made[0].any() and not made[11].any()


@pytest.mark.parametrize("way", INTERPOLATIONS)
def test_resizing_is_that_of_tf_image_resize(way):
    x = np.random.default_rng(0).integers(0, 255, (11, 13, 2), "uint8")
    if way == "area":
        for size in ((5, 4), (20, 30)):
            larger = x.repeat(size[0], 0).repeat(size[1], 1).astype("float64")
            means = larger.reshape(size[0], 11, size[1], 13, 2).mean((1, 3))
            np.testing.assert_allclose(resize(x, size, way), means, atol=1e-4)
    elif way in ("gaussian", "mitchellcubic"):  # jax does not have them
        assert np.ptp(resize(np.full((5, 6, 1), 7, "uint8"), (8, 3), way)) < 1e-5
        step = resize(np.array([0, 0, 0, 9, 9, 9.0]).reshape(6, 1, 1), (6, 1), way).ravel()
        weights = {"gaussian": np.exp([-2, 0, -2]), "mitchellcubic": np.array([1, 16, 1]) / 18}
        beside, center, _ = weights[way] / weights[way].sum()
        np.testing.assert_allclose(step[2:4], [9 * beside, 9 * (beside + center)], rtol=1e-5)
    else:
        for size in ((5, 4), (20, 30)):
            theirs = oracle.ops.image.resize(x.astype("float32"), size, way)
            np.testing.assert_allclose(resize(x, size, way), theirs, atol=2e-3)


def test_large_jpegs_are_read_smaller_only_for_area_and_closely(tmp_path, monkeypatch):
    path = str(tmp_path / "a.jpg")
    draw(401, 533).save(path, quality=92)
    kept = {}
    for reader in ("simplejpeg", "pillow"):
        if reader == "pillow":
            without_simplejpeg(monkeypatch)
        for mode in ("rgb", "grayscale"):
            read = image_folder.decoded(path, mode, lambda old: 4)
            assert read[1:] == ((401, 533), 4) and read[0].shape[:2] == (101, 134)
            for fit in (None, "crop", "pad"):
                ours = image_folder.read_picture(path, mode, (24, 20), "area", fit, False)
                with monkeypatch.context() as whole:
                    whole.setattr(image_folder, "REDUCED", 1e9)
                    exact = image_folder.read_picture(path, mode, (24, 20), "area", fit, False)
                assert 0 < np.abs(ours - exact).max() < 4
                assert np.abs(ours - exact).mean() < 1
                np.testing.assert_array_equal(kept.setdefault((mode, fit), ours), ours)


def test_pictures_of_16_bits_palettes_and_transparency(tmp_path):
    Image.fromarray(np.full((4, 4), 40000, "uint16")).save(tmp_path / "deep.png")
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    palette.save(tmp_path / "palette.png", transparency=b"\x00\x80")
    pixel = {
        (name, mode): image_folder.read_picture(
            str(tmp_path / f"{name}.png"), mode, (2, 2), "bilinear", None, False
        )[0, 0].tolist()
        for name in ("deep", "palette")
        for mode in ("rgb", "grayscale", "rgba")
    }
    assert pixel["deep", "rgb"] == [156] * 3 and pixel["deep", "grayscale"] == [156]
    assert pixel["palette", "rgb"] == [10, 20, 30]
    assert pixel["palette", "rgba"] == [10, 20, 30, 128]


# ---- hostile files


def png_of(width, height):
    """The beginning of a PNG file that claims a size."""
    file = io.BytesIO()
    Image.new("L", (1, 1)).save(file, "PNG")
    made = bytearray(file.getvalue())
    made[16:24] = struct.pack(">II", width, height)
    made[29:33] = struct.pack(">I", __import__("zlib").crc32(bytes(made[12:29])))
    return bytes(made)


BROKEN = {
    "bomb.png": (png_of(60_000, 60_000), ValueError, "more than .* pixels"),
    "short.jpg": (None, OSError, "truncated"),
    "text.jpg": (b"no picture", OSError, "cannot identify"),
    "empty.png": (b"", OSError, "cannot identify"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_cannot_be_read_is_named(name, tmp_path):
    content, error, message = BROKEN[name]
    if content is None:
        file = io.BytesIO()
        draw(64, 64).save(file, "JPEG")
        content = file.getvalue()[:700]
    (tmp_path / name).write_bytes(content)
    data = PICTURES(tmp_path, labels=None, verbose=False)
    with pytest.raises(error, match=message) as caught:
        next(iter(data))
    assert name in "".join([str(caught.value), *caught.value.__notes__])


def test_links_that_lead_outside_are_followed_only_if_asked(folder, tmp_path):
    top = tmp_path / "top"
    (top / "a" / "sub").mkdir(parents=True)
    draw(4, 4).save(top / "a" / "own.png")
    (top / "a" / "inside.png").symlink_to(top / "a" / "own.png")
    (top / "a" / "file.png").symlink_to(folder / "cats" / "0.png")
    (top / "a" / "sub" / "cats").symlink_to(folder / "cats", target_is_directory=True)
    (top / "b").symlink_to(folder / "dogs", target_is_directory=True)
    (top / "a" / "sub" / "back").symlink_to(top, target_is_directory=True)
    os.mkfifo(top / "a" / "pipe.png")  # opening it would wait forever
    for labels in ("inferred", None):
        with pytest.warns(UserWarning, match="lead outside of it and are skipped"):
            data = PICTURES(top, labels=labels, shuffle=False, verbose=False)
        assert [path[len(str(top)) + 1 :] for path in data.file_paths] == [
            "a/inside.png", "a/own.png"
        ]  # fmt: skip
    data = PICTURES(top, follow_links=True, verbose=False)
    assert len(data.file_paths) == 3 + 7 + 5
    flow = keras.preprocessing.image.ImageDataGenerator().flow_from_directory
    with pytest.warns(UserWarning, match="lead outside"):
        assert flow(top).samples == 2


WRONG = {
    "mode": ({"label_mode": "onehot"}, "label_mode is one of .*'onehot'"),
    "labels": ({"labels": "none"}, "labels is 'inferred', None, or a list"),
    "number": ({"labels": [1, 2]}, "2 labels and 16 files"),
    "one-hot": ({"labels": [5] * 16, "label_mode": "categorical"}, "from 0 to 0"),
    "names": ({"class_names": ["cows"]}, r"\['cows'\].*no subfolders.*'cats'"),
    "names without": ({"class_names": ["cats"], "labels": None}, "class_names needs labels"),
    "binary": ({"label_mode": "binary"}, "needs two classes"),
    "split": ({"validation_split": 1.5, "subset": "both"}, "between 0 and 1"),
    "subset": ({"subset": "training"}, "go together"),
    "part": ({"validation_split": 0.5, "subset": "test"}, "subset is one of"),
    "seed": ({"validation_split": 0.5, "subset": "both"}, "needs a seed"),
    "none left": ({"validation_split": 0.01, "subset": "validation", "seed": 1}, "no validation"),
    "color": ({"color_mode": "bgr"}, "color_mode is one of"),
    "size": ({"image_size": (4, 0)}, "image_size is"),
    "resizing": ({"interpolation": "cubic"}, "interpolation is one of"),
    "two": ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "only one of"),
    "format": ({"format": "torch"}, "'tf' or 'grain'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_explained(folder, name):
    how, message = WRONG[name]
    with pytest.raises(ValueError, match=message):
        PICTURES(folder, **how)


def test_a_model_learns_from_a_folder(folder):
    train, valid = keras.preprocessing.image_dataset_from_directory(
        folder, image_size=4, validation_split=0.2, subset="both", seed=1, batch_size=4
    )
    model = keras.Sequential([
        keras.Input((4, 4, 3)), keras.layers.Rescaling(1 / 255), keras.layers.Flatten(),
        keras.layers.Dense(3, "softmax"),
    ])  # fmt: skip
    model.compile("sgd", "sparse_categorical_crossentropy")
    history = model.fit(train, validation_data=valid, epochs=2, verbose=0).history
    assert len(history["val_loss"]) == 2
    assert model.predict(valid, verbose=0).shape == (3, 3)


# ---- texts


def test_texts_are_read_cut_and_learned_from(tmp_path):
    for name, text in (("neg", "bäd\r\nfilm"), ("pos", "good film")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.TXT").write_bytes(text.encode())
    (tmp_path / "pos" / "2.txt").write_bytes(b"\xff!")
    x, y = next(iter(TEXTS(tmp_path, shuffle=False, verbose=False)))
    assert x.tolist() == ["bäd\r\nfilm", "good film", "�!"] and y.tolist() == [0, 1, 1]
    data = TEXTS(tmp_path, max_length=3, label_mode=None, shuffle=False, verbose=False)
    assert next(iter(data)).tolist() == ["bäd", "goo", "�!"]
    words = keras.layers.TextVectorization()
    words.adapt(TEXTS(tmp_path, verbose=False).map(lambda x, y: x))
    assert {"film", "good", "bäd"} <= set(words.get_vocabulary())
    mean = keras.layers.GlobalAveragePooling1D()
    model = keras.Sequential([words, keras.layers.Embedding(9, 2), mean, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(TEXTS(tmp_path, batch_size=3, verbose=False), verbose=0)


# ---- audio


def write_wav(path, values, bits=16, rate=8000):
    """Samples from -1 to 1 `(samples, channels)` by Python's own writer."""
    integers = np.round(values * (2 ** (bits - 1))).astype("int64")
    raw = (integers + 128).astype("u1")[..., None] if bits == 8 else (
        integers.astype("<i8").view("u1").reshape(*values.shape, 8)[..., : bits // 8]
    )  # fmt: skip
    with wave.open(str(path), "wb") as file:
        file.setparams((values.shape[1], bits // 8, rate, 0, "NONE", ""))
        file.writeframes(raw.tobytes())


def chunks(form, body, extra=b""):
    parts = b"".join(
        name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
        for name, data in ((b"LIST", b"odd"), (b"fmt ", form), (b"data", body))
    )
    return b"RIFF" + struct.pack("<I", 4 + len(parts)) + b"WAVE" + parts + extra


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_wav_files_of_integers(bits, tmp_path):
    values = np.array([[0, 0.5], [-1, 0.25], [-0.5, 0.75]])
    write_wav(tmp_path / "a.wav", values, bits)
    x, rate = read_wav(tmp_path / "a.wav")
    np.testing.assert_array_equal(x, values)
    assert rate == 8000 and x.dtype == "float32"


def test_wav_files_of_floats_and_with_long_headers(tmp_path):
    values = np.array([[0.5, 2], [-0.25, 0]])
    path = tmp_path / "a.wav"
    for dtype in ("<f4", "<f8"):
        bits = np.dtype(dtype).itemsize * 8
        form = struct.pack("<HHIIHH", 3, 2, 44100, 0, 0, bits)
        path.write_bytes(chunks(form, values.astype(dtype).tobytes()))
        np.testing.assert_array_equal(read_wav(path)[0], values)
    form = struct.pack("<HHIIHHHHIH14s", 0xFFFE, 1, 44100, 0, 0, 16, 22, 16, 4, 1, b"")
    path.write_bytes(chunks(form, b"\0\x40\0"))  # cut off within a sample
    assert read_wav(path)[0].tolist() == [[0.5]]
    for content, message in (
        (b"MP3", "begin with RIFF"),
        (chunks(struct.pack("<HHIIHH", 6, 1, 8000, 0, 0, 8), b""), "format 6, 8 bits"),
        (chunks(b"", b""), "buffer"),
        (chunks(form, b"")[:40], "no data|buffer"),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"a.wav cannot be read.*({message})"):
            read_wav(path)


@pytest.mark.parametrize(("old", "new"), [(8000, 16000), (44100, 16000), (3, 2)])
def test_resampling_keeps_low_tones_and_removes_high_ones(old, new):
    seconds = np.arange(600) / old
    low = np.sin(2 * np.pi * 0.1 * min(old, new) * seconds)[:, None].astype("float32")
    made = resample(low, old, new)
    assert len(made) == -(-600 * new // old)
    at = np.arange(len(made)) / new
    inner = slice(40, -40)
    expected = np.sin(2 * np.pi * 0.1 * min(old, new) * at)[:, None]
    np.testing.assert_allclose(made[inner], expected[inner], atol=2e-3)
    if new < old:
        high = np.sin(2 * np.pi * (new * 0.5 + old * 0.5) / 2 * seconds)[:, None]
        assert np.abs(resample(high.astype("float32"), old, new)[inner]).max() < 0.05


def test_audio_is_padded_cut_and_resampled(tmp_path):
    (tmp_path / "a").mkdir()
    for i, count in enumerate((4, 6, 2)):
        write_wav(tmp_path / "a" / f"{i}.wav", np.full((count, 1), 0.5), rate=8000 if i else 4000)
    how = {"shuffle": False, "verbose": False}
    x, y = next(iter(AUDIO(tmp_path, **how)))
    assert x.shape == (3, 6, 1) and x[2, :, 0].tolist() == [0.5] * 2 + [0] * 4
    assert y.tolist() == [0, 0, 0]
    x = next(iter(AUDIO(tmp_path, output_sequence_length=3, label_mode=None, **how)))
    assert x.shape == (3, 3, 1) and not x[2, 2].any()
    x, y = next(iter(AUDIO(tmp_path, ragged=True, **how)))
    assert [part.shape for part in x] == [(4, 1), (6, 1), (2, 1)] and y.dtype == "int32"
    x, _ = next(iter(AUDIO(tmp_path, sampling_rate=8000, **how)))
    assert x.shape == (3, 8, 1)
    assert len(list(AUDIO(tmp_path, batch_size=None, **how))) == 3
    for wrong in ({"ragged": True, "output_sequence_length": 2}, {"sampling_rate": 0.5}):
        with pytest.raises(ValueError, match="only one of|positive integer"):
            AUDIO(tmp_path, **wrong)
    with pytest.raises(ValueError, match="from 4000 to 1 samples") as caught:
        next(iter(AUDIO(tmp_path, sampling_rate=1, **how)))
    assert "0.wav" in caught.value.__notes__[0]
