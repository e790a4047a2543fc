"""The base of picture layers: inputs of all kinds, seeds, one compiled call."""

import threading

import numpy as np
import pytest

import hornbook as keras
from hornbook import layers
from hornbook.preprocessing.pictures.base import BaseImagePreprocessingLayer

RNG = np.random.default_rng(0)
X = RNG.uniform(size=(4, 6, 5, 3)).astype("float32")


class Noise(BaseImagePreprocessingLayer):
    """Adds one drawn number to each picture; counts how often it was traced."""

    _USE_BASE_FACTOR = False
    traced = 0

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self._seeded(seed)
        self.strength = 1.0

    def get_random_transformation(self, data, training=True, seed=None):
        shape = (self._count(self._shape(data)), 1, 1, 1)
        return self.backend.random.uniform(shape, seed=self.generator)

    def _transform_images(self, images, transformation, interpolation):
        Noise.traced += 1
        return images + self.strength * transformation


def test_one_seed_gives_one_sequence_and_each_picture_its_own_draw():
    first, second = Noise(seed=3), Noise(seed=3)
    one, two = np.asarray(first(X)), np.asarray(first(X))
    assert (np.asarray(second(X)) == one).all() and (np.asarray(second(X)) == two).all()
    added = np.concatenate([(one - X)[:, 0, 0, 0], (two - X)[:, 0, 0, 0]])
    assert len(set(added.round(5))) == 8
    np.testing.assert_array_equal(first(X, training=False), X)


def test_a_batch_is_one_compiled_call_traced_once_for_its_shape():
    layer, model = Noise(), keras.Sequential([Noise(), layers.Rescaling(2.0), Noise()])
    Noise.traced = 0
    for _ in range(3):
        layer(X)
    layer(X.tolist())
    assert Noise.traced == 1
    layer(X[:2])
    assert Noise.traced == 2
    layer.strength = 0.0  # and again if a setting changes
    np.testing.assert_array_equal(layer(X), X)
    for _ in range(3):
        Noise.traced = 0
        model(X, training=True)
    keras.layers.Dense(1)(X)  # a change elsewhere
    model(X, training=True)
    assert Noise.traced == 0


def test_threads_draw_different_numbers():
    layer, found = Noise(seed=1), []
    layer(X[:1])
    threads = [
        threading.Thread(target=lambda: found.append(float(layer(X[:1])[0, 0, 0, 0])))
        for _ in range(8)
    ]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(set(found)) == 8


def test_dictionaries_are_not_changed_and_lists_of_boxes_are_padded():
    layer = layers.CenterCrop(4, 4, bounding_box_format="xyxy")
    boxes = [[[0, 0, 3, 3], [1, 1, 4, 4]], [[0, 0, 1, 1]], [], [[2, 2, 3, 3]]]
    given = {
        "images": X,
        "bounding_boxes": {"boxes": boxes, "labels": [[1, 2], [3], [], [4]]},
        "labels": np.arange(4),
        "name": np.arange(3),
    }
    out = layer(given)
    assert given["images"] is X and given["bounding_boxes"]["boxes"] is boxes
    assert out["images"].shape == (4, 4, 4, 3) and out["bounding_boxes"]["boxes"].shape == (4, 2, 4)
    assert out["bounding_boxes"]["labels"].tolist() == [[1, 2], [-1, -1], [-1, -1], [4, -1]]
    assert out["name"].tolist() == [0, 1, 2] and out["labels"].tolist() == [0, 1, 2, 3]


def test_errors_name_the_layer_and_the_fix():
    boxes = {"boxes": np.ones((4, 1, 4)), "labels": np.ones((4, 1))}
    with pytest.raises(ValueError, match="bounding_box_format="):
        layers.CenterCrop(2, 2)({"images": X, "bounding_boxes": boxes})
    with pytest.raises(ValueError, match="keys 'boxes' and 'labels'"):
        layers.CenterCrop(2, 2, bounding_box_format="xyxy")(
            {"images": X, "bounding_boxes": {"boxes": np.ones((4, 1, 4))}}
        )
    with pytest.raises(ValueError, match="three axes and a batch four"):
        layers.CenterCrop(2, 2)(X[0, 0])
    with pytest.raises(ValueError, match="takes no argument factor"):
        layers.RandomFlip(factor=0.5)
    with pytest.raises(ValueError, match="mode is one of"):
        layers.RandomFlip("sideways")
    with pytest.raises(ValueError, match="positive integer"):
        layers.CenterCrop(0, 2)


def test_in_a_model_it_draws_in_fit_and_not_in_predict():
    model = keras.Sequential([keras.Input((6, 5, 3)), Noise(), layers.CenterCrop(2, 2)])
    np.testing.assert_allclose(model.predict(X, verbose=0), X[:, 2:4, 1:3], rtol=1e-6)
    model.compile(loss="mse")
    before = np.asarray(model.layers[0].generator.state)
    model.fit(X, X[:, 2:4, 1:3], epochs=1, verbose=0)
    assert (np.asarray(model.layers[0].generator.state) != before).any()


def test_a_model_that_augments_trains_predicts_and_is_saved(tmp_path):
    inputs = keras.Input((6, 5, 3), dtype="float32")
    x = layers.RandomFlip(seed=1)(inputs)
    x = layers.RandomZoom(0.1, seed=2)(layers.RandomRotation(0.1, seed=3)(x))
    model = keras.Model(inputs, layers.Dense(1)(layers.Flatten()(layers.Rescaling(2.0)(x))))
    model.compile("sgd", "mse")
    losses = model.fit(X, np.ones((4, 1)), batch_size=2, epochs=2, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    predicted = model.predict(X, verbose=0)
    dense = model.layers[-1]
    np.testing.assert_allclose(predicted, dense(2 * X.reshape(4, -1)), rtol=1e-4)
    model.save(tmp_path / "it.keras")
    loaded = keras.models.load_model(tmp_path / "it.keras")
    np.testing.assert_allclose(loaded.predict(X, verbose=0), predicted, rtol=1e-6)
    assert loaded.layers[2].get_config() == model.layers[2].get_config()


def test_layers_and_models_map_over_data_on_several_threads():
    augment = keras.Sequential([layers.RandomFlip(seed=1), layers.CenterCrop(4, 4)])
    data = keras.data.Dataset.from_tensor_slices((X, np.arange(4)))
    data = data.map(lambda x, y: (augment(x, training=True), y), num_parallel_calls=2).batch(4)
    ((pictures, labels),) = list(data)
    assert np.asarray(pictures).shape == (4, 4, 4, 3) and labels.tolist() == [0, 1, 2, 3]


def test_dictionaries_of_symbols():
    given = {
        "images": keras.Input((6, 5, 3)),
        "bounding_boxes": {
            "boxes": keras.Input((2, 4)),
            "labels": keras.Input((2,), dtype="int32"),
        },
        "segmentation_masks": keras.Input((6, 5, 1), dtype="int32"),
    }
    pipeline = layers.Pipeline(
        [layers.RandomZoom(0.1, bounding_box_format="xywh"), layers.MaxNumBoundingBoxes(3)]
    )
    out = pipeline(given)
    assert out["images"].shape == (None, 6, 5, 3) and out["segmentation_masks"].dtype == "int32"
    assert out["bounding_boxes"]["boxes"].shape == (None, 3, 4)
