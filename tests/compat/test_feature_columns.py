"""`tf.feature_column` and `DenseFeatures`; the values are TensorFlow 2.21's, on tf-keras."""

import numpy as np
import pytest

from hornbook import compat

DATA = {
    "age": np.array([[23.0], [47.0], [8.0]], "float32"),
    "pair": np.array([[1.0, 5.0], [2.0, 9.0], [7.0, -1.0]], "float32"),
    "city": np.array([["Oslo"], ["Rome"], ["Lima"]], object),
    "tags": np.array([["a", "b"], ["c", ""], ["zz", "a"]], object),
    "n": np.array([[2], [0], [3]], "int64"),
}
# The places of ones, and of twos, in each row.
ONES = {
    "bucket": [[1], [3], [0]],
    "bucket2": [[1, 6], [2, 7], [3, 4]],
    "hash": [[0], [2], [2]],
    "hash of integers": [[4], [0], [1]],
    "vocabulary": [[0, 1], [2], [0]],
    "others in bins": [[1], [0], [2]],
    "file": [[1], [0], [2]],
    "identity": [[2], [0], [3]],
    "cross": [[6], [3], [10]],
    "cross of three": [[2, 3, 10, 12], [5, 8], [2, 2, 4, 7]],
    "cross with a key": [[5], [2], [7]],
}
SIZES = dict(zip(ONES, [4, 8, 7, 5, 3, 5, 5, 4, 11, 13, 17], strict=True))
EMBEDDED = {
    "mean": [[0.1, 0.2], [0.4, 0.5], [0.0, 0.1]],
    "sum": [[0.2, 0.4], [0.4, 0.5], [0.0, 0.1]],
    "sqrtn": [[0.14142, 0.28284], [0.4, 0.5], [0.0, 0.1]],
}
CLIPPED = [[0.08321, 0.17481], [0.18741, 0.23426], [0.0, 0.1]]


def rising(shape, dtype=None):
    return np.arange(np.prod(shape)).reshape(shape) / np.float32(10)


@pytest.fixture
def tf():
    with compat.installed("tfkeras"):
        import tensorflow

        yield tensorflow


@pytest.fixture
def columns(tf, tmp_path):
    fc = tf.feature_column
    raw, pair = fc.numeric_column("age"), fc.numeric_column("pair", shape=(2,))
    bucket = fc.bucketized_column(raw, [10, 30.5, 40])
    words = tmp_path / "words.txt"
    words.write_text("Rome\nOslo\n")
    tags = fc.categorical_column_with_vocabulary_list("tags", ["a", "b", "c"])
    number = fc.categorical_column_with_identity("n", 4)
    crossed = fc.crossed_column
    made = {
        "hash": fc.categorical_column_with_hash_bucket("city", 7),
        "hash of integers": fc.categorical_column_with_hash_bucket("n", 5, dtype=tf.int64),
        "vocabulary": tags,
        "others in bins": fc.categorical_column_with_vocabulary_list(
            "city", ["Rome", "Oslo"], num_oov_buckets=3
        ),
        "file": fc.categorical_column_with_vocabulary_file(
            "city", str(words), vocabulary_size=2, num_oov_buckets=3
        ),
        "identity": number,
        "cross": crossed(["city", bucket], 11),
        "cross of three": crossed(["tags", tags, number], 13),
        "cross with a key": crossed([bucket, "city"], 17, hash_key=5),
    }
    return {
        "bucket": bucket,
        "bucket2": fc.bucketized_column(pair, [0, 2, 6]),
        **{name: fc.indicator_column(one) for name, one in made.items()},
    }


def test_ids_are_tensorflows(tf, columns):
    for name, places in ONES.items():
        want = [np.bincount(row, minlength=SIZES[name]) for row in places]
        found = tf.keras.layers.DenseFeatures(columns[name])(DATA)
        np.testing.assert_array_equal(found, want, err_msg=name)


def test_embeddings_join_the_rows_of_a_sample(tf, columns):
    fc = tf.feature_column
    tags = columns["vocabulary"].categorical_column
    for combiner, want in EMBEDDED.items():
        column = fc.embedding_column(tags, 2, combiner, initializer=rising)
        found = tf.keras.layers.DenseFeatures([column])(DATA)
        np.testing.assert_allclose(found, want, atol=1e-5)
    column = fc.embedding_column(tags, 2, initializer=rising, max_norm=0.3)
    np.testing.assert_allclose(tf.keras.layers.DenseFeatures(column)(DATA), CLIPPED, atol=1e-5)
    with pytest.raises(ValueError, match="combiner is one of"):
        fc.embedding_column(tags, 2, "max")


def test_models_train_as_in_tensorflow(tf, columns):
    fc, layers = tf.feature_column, tf.keras.layers
    age = fc.numeric_column("age", normalizer_fn=lambda x: (x - 20) / 10)
    tags = columns["vocabulary"].categorical_column
    mixed = [
        columns["others in bins"],
        age,
        fc.embedding_column(tags, 2, initializer=rising),
        columns["bucket"],
    ]
    dense = {"kernel_initializer": "ones"}
    model = tf.keras.Sequential(
        [layers.DenseFeatures(mixed), layers.Dense(2, "relu", **dense), layers.Dense(1, **dense)]
    )
    data = {key: DATA[key] for key in ("age", "city", "tags")}
    answers = np.array([0, 1, 0], "float32")
    batches = tf.data.Dataset.from_tensor_slices((data, answers)).batch(2)
    model.compile("sgd", "mse", metrics=["mae"])
    before = model.predict(data, verbose=0).ravel()
    np.testing.assert_allclose(before, [5.2, 11.2, 1.8], rtol=1e-6)
    history = model.fit(batches, epochs=2, verbose=0).history
    np.testing.assert_allclose(history["loss"], [43.7543, 0.8174], rtol=1e-4)
    np.testing.assert_allclose(history["mae"], [5.2759, 0.8081], rtol=1e-4)
    after = model.predict(data, verbose=0).ravel()
    np.testing.assert_allclose(after, [0.7072, 1.5007, 0.2196], atol=1e-4)
    with pytest.raises(ValueError, match="cannot be saved in a file"):
        model.to_json()


def test_numbers_and_integers_are_for_any_model(tf, columns):
    fc, layers = tf.feature_column, tf.keras.layers
    number = columns["identity"].categorical_column
    age = fc.numeric_column("age", normalizer_fn=lambda x: (x - 20) / 10)
    chosen = [age, columns["bucket"], fc.embedding_column(number, 2, initializer=rising)]

    class Regressor(tf.keras.Model):
        def __init__(self):
            super().__init__()
            self.features = layers.DenseFeatures(chosen)
            self.out = layers.Dense(1, kernel_initializer="ones")

        def call(self, inputs):
            return self.out(self.features(inputs))

    model = Regressor()
    model.compile("sgd", "mse")
    loss = model.fit({key: DATA[key] for key in ("age", "n")}, np.zeros((3, 1)), verbose=0)
    np.testing.assert_allclose(loss.history["loss"], [6.83], rtol=1e-5)
    assert [tuple(weight.shape) for weight in model.weights] == [(4, 2), (7, 1), (1,)]
    plain = layers.DenseFeatures([age, columns["bucket"]])({"age": [23.0, 8.0]})
    np.testing.assert_allclose(plain, [[0.3, 0, 1, 0, 0], [-1.2, 1, 0, 0, 0]], rtol=1e-6)


def test_columns_describe_themselves(tf, columns):
    fc = tf.feature_column
    hashed, cross = columns["hash"].categorical_column, columns["cross"]
    shown = "HashedCategoricalColumn(key='city', hash_bucket_size=7, dtype=tf.string)"
    assert repr(hashed) == shown
    assert cross.name == "age_bucketized_X_city_indicator"
    assert repr(fc.make_parse_example_spec([fc.numeric_column("age"), cross])) == (
        "{'age': FixedLenFeature(shape=(1,), dtype=tf.float32, default_value=None), "
        "'city': VarLenFeature(dtype=tf.string)}"
    )
    with pytest.raises(ValueError, match="indicator_column"):
        tf.keras.layers.DenseFeatures([hashed])
    with pytest.raises(ValueError, match="one axis"):
        fc.bucketized_column(hashed, [1.0])
    with pytest.raises(ValueError, match="sorted list"):
        fc.bucketized_column(fc.numeric_column("age"), [2.0, 1.0])
    with pytest.raises(ValueError, match="not hashed"):
        fc.crossed_column(["n", hashed], 10)
    with pytest.raises(ValueError, match="different values"):
        fc.categorical_column_with_vocabulary_list("city", ["Rome", "Rome"])
