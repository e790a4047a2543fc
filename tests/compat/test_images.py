"""Image augmentation in old programs, as in Keras 1 and 2."""

import itertools

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from hornbook.compat.install import installed


@pytest.fixture
def picture():
    return np.random.default_rng(0).uniform(20, 220, (3, 10, 13)).astype("float32")


def moved_by_keras1(x, matrix, mode="nearest"):
    """What Keras 1.2.2's `apply_transform` computed, with channels first."""
    how = {"order": 0, "mode": mode}
    return np.stack([ndimage.affine_transform(c, matrix[:2, :2], matrix[:2, 2], **how) for c in x])


def about_the_middle(matrix, rows, columns):
    to = np.array([[1, 0, rows / 2 + 0.5], [0, 1, columns / 2 + 0.5], [0, 0, 1]])
    return to @ matrix @ np.linalg.inv(to)


def test_keras1_draws_and_moves_in_its_own_order(picture):
    with installed("keras1"):
        from keras.preprocessing.image import ImageDataGenerator

        generator = ImageDataGenerator(
            rotation_range=20,
            width_shift_range=0.2,
            height_shift_range=0.1,
            shear_range=0.3,
            zoom_range=0.2,
            channel_shift_range=15,
            horizontal_flip=True,
            dim_ordering="th",
        )
        np.random.seed(3)
        got = [generator.random_transform(picture) for _ in range(4)]
        after = np.random.random()
        np.random.seed(3)
        batch = next(generator.flow(np.stack([picture] * 4), batch_size=4, shuffle=False))
    np.testing.assert_array_equal(batch, got)
    uniform = np.random.uniform
    np.random.seed(3)
    for ours in got:
        theta = np.pi / 180 * uniform(-20, 20)
        tx, ty = uniform(-0.1, 0.1) * 10, uniform(-0.2, 0.2) * 13
        shear = uniform(-0.3, 0.3)
        zx, zy = uniform(0.8, 1.2, 2)
        cos, sin = np.cos(theta), np.sin(theta)
        matrix = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
        matrix = matrix @ np.array([[1, 0, tx], [0, 1, ty], [0, 0, 1]])
        matrix = matrix @ np.array([[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]])
        matrix = about_the_middle(matrix @ np.diag([zx, zy, 1]), 10, 13)
        want = moved_by_keras1(picture, matrix)
        low, high = want.min(), want.max()
        want = np.stack([np.clip(channel + uniform(-15, 15), low, high) for channel in want])
        if np.random.random() < 0.5:
            want = want[:, :, ::-1]
        np.testing.assert_allclose(ours, want, rtol=1e-6)
    assert np.random.random() == after


def test_keras1_standardizes_each_pixel(picture):
    x = np.stack([picture, picture * 2])
    with installed("keras1"):
        from keras.preprocessing.image import ImageDataGenerator

        centred = ImageDataGenerator(
            samplewise_center=True, samplewise_std_normalization=True, dim_ordering="th"
        )
        batch = next(centred.flow(x, shuffle=False))
        scaled = ImageDataGenerator(featurewise_center=True, rescale=0.5, dim_ordering="th")
        scaled.fit(x)
        np.testing.assert_allclose(
            scaled.mean.ravel(), x.mean((0, 2, 3)), rtol=1e-6, err_msg="fit does not rescale"
        )
    want = x - x.mean(1, keepdims=True)
    want /= want.std(1, keepdims=True) + 1e-7
    np.testing.assert_allclose(batch, want, rtol=1e-4, atol=1e-5)


def test_functions_of_keras1(picture, tmp_path):
    with installed("keras1"):
        from keras.preprocessing import image

        np.random.seed(1)
        turned = image.random_rotation(picture, 30)
        sheared = image.random_shear(picture, 0.4)
        shifted = image.random_channel_shift(picture, 20)
        matrix = image.transform_matrix_offset_center(np.diag([0.5, 2, 1]), 10, 13)
        zoomed = image.apply_transform(picture, matrix)
        grey = image.array_to_img(picture[:1], dim_ordering="th")
        image.array_to_img(picture, "th").save(tmp_path / "a.png")
        read = image.load_img(tmp_path / "a.png", True, (5, 6))
        assert image.img_to_array(read, "th").shape == (1, 5, 6)
        assert image.list_pictures(str(tmp_path), ext="jpg|png") == [str(tmp_path / "a.png")]
    np.random.seed(1)
    theta = np.pi / 180 * np.random.uniform(-30, 30)
    cos, sin = np.cos(theta), np.sin(theta)
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    np.testing.assert_array_equal(turned, moved_by_keras1(picture, about_the_middle(turn, 10, 13)))
    shear = np.random.uniform(-0.4, 0.4)
    slant = np.array([[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]])
    np.testing.assert_array_equal(
        sheared, moved_by_keras1(picture, about_the_middle(slant, 10, 13))
    )
    for channel, got in zip(picture, shifted):
        want = np.clip(channel + np.random.uniform(-20, 20), picture.min(), picture.max())
        np.testing.assert_allclose(got, want, rtol=1e-6)
    np.testing.assert_array_equal(zoomed, moved_by_keras1(picture, matrix))
    from_zero = (picture[0] / picture[0].max() * 255).astype("uint8")
    np.testing.assert_array_equal(np.asarray(grey), from_zero)


@pytest.fixture
def folder(tmp_path):
    draw = np.random.default_rng(0)
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        for i in range(5):
            numbers = draw.integers(0, 255, (9, 11, 3)).astype("uint8")
            Image.fromarray(numbers).save(tmp_path / name / f"{name}.{i}.jpg")
    return tmp_path


def test_batches_as_lessons_of_keras1_take_them(folder):
    with installed("keras1"):
        import keras
        from keras.layers import Convolution2D, Dense, Flatten
        from keras.preprocessing import image

        keras.backend.set_image_dim_ordering("th")

        def get_batches(path, gen=None, shuffle=True, batch_size=4, class_mode="categorical"):
            return (gen or image.ImageDataGenerator()).flow_from_directory(
                path, (8, 8), class_mode=class_mode, shuffle=shuffle, batch_size=batch_size
            )

        gen = image.ImageDataGenerator(rotation_range=15, channel_shift_range=20)
        batches, valid = get_batches(folder, gen), get_batches(folder, shuffle=False)
        assert batches.nb_sample == batches.N == batches.n == 10 and batches.nb_class == 2
        assert valid.filenames[0] == "cats/cats.0.jpg" and valid.class_indices["dogs"] == 1
        x, y = next(batches)
        assert x.shape == (4, 3, 8, 8) and y.shape == (4, 2)
        model = keras.models.Sequential(
            [
                Convolution2D(2, 3, 3, input_shape=(3, 8, 8)),
                Flatten(),
                Dense(2, activation="softmax"),
            ]
        )
        model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
        history = model.fit_generator(
            batches,
            samples_per_epoch=2 * batches.nb_sample,  # passes follow each other
            nb_epoch=2,
            validation_data=valid,
            nb_val_samples=valid.nb_sample,
            verbose=0,
        )
        assert len(history.history["val_acc"]) == 2
        seen = folder.parent / "seen"
        seen.mkdir(exist_ok=True)
        next(gen.flow_from_directory(folder, (8, 8), batch_size=2, save_to_dir=seen))
        next(gen.flow_from_directory(folder, (8, 8), "rgb", None, None, 2, 1, 1, seen, "", "png"))
        assert sorted(path.suffix for path in seen.iterdir()) == [".jpeg"] * 2 + [".png"] * 2
        test = get_batches(folder, shuffle=False, class_mode=None)
        once = model.predict_generator(test, test.nb_sample)
        assert once.shape == (10, 2)
        thrice = model.predict_generator(test, 3 * test.nb_sample)  # batches of 4, 4, 2, 4, ...
        np.testing.assert_allclose(thrice, np.concatenate([once] * 3), rtol=1e-5)
        plain = (np.zeros((rows, 3, 8, 8), "float32") for rows in itertools.cycle([3, 1]))
        assert len(model.predict_generator(plain, 8)) == 8


def test_reading_in_keras2(folder, tmp_path):
    path = next((folder / "cats").iterdir())
    with installed("keras2"):
        from keras.preprocessing import image

        read = image.img_to_array(image.load_img(path, grayscale=True, target_size=(4, 5)))
        assert read.shape == (4, 5, 1)
        whole = image.img_to_array(image.load_img(path, color_mode="rgba"))
        assert whole.shape == (9, 11, 4)
        image.save_img(str(tmp_path / "seen.png"), whole[..., :3], scale=False)
        again = image.img_to_array(image.load_img(tmp_path / "seen.png"))
        np.testing.assert_array_equal(again, whole[..., :3])
        assert image.array_to_img(whole, scale=False).mode == "RGBA"


def test_batches_as_books_on_keras2_take_them(folder):
    with installed("keras2"):
        from keras import layers, models
        from keras.preprocessing.image import ImageDataGenerator

        generator = ImageDataGenerator(
            rescale=1.0 / 255, rotation_range=40, zoom_range=0.2, validation_split=0.4
        )
        flow = {"target_size": (8, 8), "batch_size": 3, "class_mode": "binary"}
        train = generator.flow_from_directory(folder, subset="training", **flow)
        valid = generator.flow_from_directory(folder, subset="validation", **flow)
        x, y = next(valid)
        assert x.max() <= 1 and y.shape == (3,) and valid.samples == 4 and train.samples == 6
        model = models.Sequential()
        model.add(layers.Flatten(input_shape=(8, 8, 3)))
        model.add(layers.Dense(1, activation="sigmoid"))
        model.compile("rmsprop", "binary_crossentropy", metrics=["acc"])
        history = model.fit_generator(
            train, steps_per_epoch=5, epochs=2, validation_data=valid, validation_steps=4, verbose=0
        )
        assert len(history.history["val_acc"]) == 2
        assert train.total_batches_seen >= 10  # a pass has 2 batches, an epoch 5
