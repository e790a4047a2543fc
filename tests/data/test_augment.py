"""`ImageDataGenerator`, with keras-preprocessing as the oracle."""

import numpy as np
import pytest

from hornbook.data import ImageDataGenerator

oracle = pytest.importorskip("keras_preprocessing.image")
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*scipy.ndimage.interpolation.*:DeprecationWarning",
    "ignore:'mode' parameter is deprecated.*:DeprecationWarning",
    "ignore:Conversion of an array with ndim:DeprecationWarning",
)
MOVES = {
    "rotation_range": 30,
    "width_shift_range": 0.1,
    "height_shift_range": 0.2,
    "shear_range": 10,
    "zoom_range": 0.2,
    "horizontal_flip": True,
    "vertical_flip": True,
}
OPTIONS = [
    {},
    {"channel_shift_range": 30},
    {"brightness_range": (0.5, 1.5)},
    {"rescale": 1 / 255, "samplewise_center": True},
    {"samplewise_center": True, "samplewise_std_normalization": True},
    {"fill_mode": "reflect", "interpolation_order": 0},
    {"interpolation_order": 2},
    {"width_shift_range": 3, "height_shift_range": [-3, 1, 7]},
    {"width_shift_range": 2.0, "height_shift_range": (-0.25, 0.5)},
    {"zoom_range": (0.5, 2)},
    {"zoom_range": [1, 1], "rotation_range": 0, "width_shift_range": 0},
    {"dtype": "float64"},
]


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).uniform(0, 255, (11, 12, 15, 3)).astype("float32")


def batches(made, count=4):
    return [next(made) for _ in range(count)]


def assert_alike(ours, theirs, close=2e-4):
    for (x, y), (want, want_y) in zip(ours, theirs, strict=True):
        assert x.dtype == want.dtype
        np.testing.assert_allclose(x, want, atol=close, rtol=0)
        np.testing.assert_array_equal(y, want_y)


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(o) or "moves")
@pytest.mark.parametrize("first", [False, True])
def test_a_seed_gives_the_pictures_that_it_always_gave(pictures, options, first):
    if first and "brightness_range" in options:
        pytest.skip("keras-preprocessing cannot: it takes rows for channels there")
    x, y = pictures, np.arange(len(pictures))
    options = MOVES | options
    if first:
        x, options = x.transpose(0, 3, 1, 2), options | {"data_format": "channels_first"}
    close = 1.001 if "brightness_range" in options else 2e-4
    for seed in (7, None):
        results = []
        for kind in (ImageDataGenerator, oracle.ImageDataGenerator):
            np.random.seed(3)
            results.append(batches(kind(**options).flow(x, y, batch_size=4, seed=seed)))
        ours, theirs = results
        if "brightness_range" in options:  # a fraction less may be a whole colour less
            differ = [np.mean(a[0] != b[0]) for a, b in zip(ours, theirs)]
            assert max(differ) < 0.01
        assert_alike(ours, theirs, close)


def test_brightness_is_of_channels_wherever_they_are(pictures):
    options = {"brightness_range": (0.5, 1.5)}
    last = ImageDataGenerator(**options).random_transform(pictures[0], seed=1)
    of_first = ImageDataGenerator(data_format="channels_first", **options)
    first = of_first.random_transform(pictures[0].transpose(2, 0, 1), seed=1)
    np.testing.assert_array_equal(first.transpose(1, 2, 0), last)


@pytest.mark.parametrize(
    "options",
    [
        {"featurewise_center": True},
        {"featurewise_center": True, "featurewise_std_normalization": True, "rescale": 0.1},
        # In float32 keras-preprocessing whitens what has no variance by the noise of its rounding.
        {
            "featurewise_center": True,
            "zca_whitening": True,
            "rescale": 0.01,
            "dtype": "float64",
        },
        {
            "featurewise_center": True,
            "zca_whitening": True,
            "zca_epsilon": 0.1,
            "dtype": "float64",
        },
    ],
    ids=lambda o: "-".join(o),
)
@pytest.mark.parametrize("augment", [False, True])
@pytest.mark.parametrize("count", [11, 200])  # fewer and more than there are numbers in a picture
def test_fit_takes_what_it_needs(options, augment, count):
    x = np.random.default_rng(1).uniform(0, 255, (count, 6, 5, 3)).astype("float32")
    results = []
    for kind in (ImageDataGenerator, oracle.ImageDataGenerator):
        generator = kind(horizontal_flip=True, rotation_range=5, **options)
        generator.fit(x, augment=augment, rounds=2, seed=1)
        results.append(batches(generator.flow(x, x[:, 0, 0, 0], batch_size=8, seed=2)))
    largest = max(np.abs(batch[0]).max() for batch in results[1])
    assert_alike(*results, close=1e-3 * largest)


def test_whitened_pictures_have_unit_covariance():
    draw = np.random.default_rng(0)
    x = (draw.normal(size=(400, 12)) @ draw.normal(size=(12, 12))).reshape(400, 2, 2, 3)
    generator = ImageDataGenerator(featurewise_center=True, zca_whitening=True)
    generator.fit(x)
    white = generator.flow(x, batch_size=400, shuffle=False)[0].reshape(400, 12)
    np.testing.assert_allclose(white.T @ white / 400, np.eye(12), atol=1e-2)


def test_a_function_of_pictures_comes_between_the_draws(pictures):
    seen = []

    def noisy(x):
        seen.append(x.shape)
        return x * np.random.uniform(0.5, 1)

    results = []
    for kind in (ImageDataGenerator, oracle.ImageDataGenerator):
        generator = kind(preprocessing_function=noisy, rescale=0.5, **MOVES)
        results.append(batches(generator.flow(pictures, pictures, batch_size=4, seed=2)))
    assert_alike(*results)
    assert set(seen) == {pictures.shape[1:]}


def test_a_subclass_says_what_a_picture_becomes(pictures):
    class Dark(ImageDataGenerator):
        def apply_transform(self, x, transform_parameters):
            return super().apply_transform(x, transform_parameters) * 0

    assert not next(Dark(**MOVES).flow(pictures)).any()
    generator = ImageDataGenerator()
    generator.standardize = lambda x: x + 1
    np.testing.assert_array_equal(generator.flow(pictures, shuffle=False)[0], pictures + 1)


def test_one_picture_at_a_time(pictures):
    options = MOVES | {"rescale": 0.1, "channel_shift_range": 9}
    ours, theirs = ImageDataGenerator(**options), oracle.ImageDataGenerator(**options)
    drawn = ours.get_random_transform((12, 15, 3), seed=4)
    assert drawn == theirs.get_random_transform((12, 15, 3), seed=4)
    np.testing.assert_allclose(
        ours.apply_transform(pictures[0], drawn),
        theirs.apply_transform(pictures[0], drawn),
        atol=2e-4,
    )
    np.testing.assert_allclose(
        ours.random_transform(pictures[0], seed=1),
        theirs.random_transform(pictures[0], seed=1),
        atol=2e-4,
    )
    x = pictures[0].copy()
    assert ours.standardize(x) is x
    np.testing.assert_allclose(x, pictures[0] * np.float32(0.1))
    whole = ours.standardize((pictures[0]).astype("uint8"))
    np.testing.assert_allclose(whole, np.trunc(pictures[0]) * 0.1, rtol=1e-6)


def test_the_given_array_is_left_as_it_is(pictures):
    before = pictures.copy()
    for options in ({"rescale": 0.1}, {"brightness_range": (0, 0.1)}, MOVES):
        next(ImageDataGenerator(samplewise_center=True, **options).flow(pictures, batch_size=3))
        np.testing.assert_array_equal(pictures, before)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"zca_whitening": True}, "zca_whitening includes featurewise_center"),
        (
            {"featurewise_std_normalization": True},
            "featurewise_std_normalization includes featurewise_center",
        ),
        ({"samplewise_std_normalization": True}, "includes samplewise_center"),
    ],
)
def test_what_includes_another_switches_it_on(options, text):
    with pytest.warns(UserWarning, match=text):
        generator = ImageDataGenerator(**options)
    assert generator.featurewise_center or generator.samplewise_center


def test_what_was_not_fit_is_left_out_with_a_warning(pictures):
    generator = ImageDataGenerator(featurewise_center=True)
    with pytest.warns(UserWarning, match=r"featurewise_center needs statistics.*call \.fit\(x\)"):
        batch = next(generator.flow(pictures, shuffle=False))
    np.testing.assert_array_equal(batch, pictures)
    generator.featurewise_std_normalization = generator.zca_whitening = True
    with pytest.warns(UserWarning, match="featurewise_std_normalization and zca_whitening need"):
        next(generator.flow(pictures))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"zoom_range": (1, 2, 3)}, r"zoom_range is a number or two.*\(1, 2, 3\)"),
        ({"zoom_range": "large"}, "zoom_range"),
        ({"brightness_range": 0.5}, "brightness_range is two numbers"),
        ({"fill_mode": "mirror"}, "fill_mode is one of .*'mirror'"),
        ({"interpolation_order": 7}, "0 to 5, not 7"),
        ({"validation_split": 1.5}, "between 0 and 1, not 1.5"),
        ({"data_format": "last"}, "channels_last"),
    ],
)
def test_wrong_options_are_told(options, message):
    with pytest.raises(ValueError, match=message):
        ImageDataGenerator(**options)


def test_fit_needs_a_batch_of_pictures():
    generator = ImageDataGenerator(featurewise_center=True)
    with pytest.raises(ValueError, match=r"four axes, a batch of them; got \(4, 4, 3\)"):
        generator.fit(np.ones((4, 4, 3)))
    with pytest.warns(UserWarning, match="this array, of shape .* has 7"):
        generator.fit(np.ones((2, 4, 4, 7)))
