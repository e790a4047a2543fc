"""Many small programs in the Keras API, typical of books and courses, on random data.

Each takes the module with the API and returns a function that does some work, mostly an epoch of
training. Only speed is measured, not what is learned.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

Work = Callable[[], Any]
PROGRAMS: dict[str, Callable[[ModuleType], Work]] = {}
CLASSES, BINARY = "sparse_categorical_crossentropy", "binary_crossentropy"
_random = np.random.default_rng(0)


def program(make: Callable[[ModuleType], Work]) -> Callable[[ModuleType], Work]:
    PROGRAMS[make.__name__] = make
    return make


def normal(*shape: int) -> np.ndarray:
    return _random.normal(size=shape).astype("float32")


def uniform(*shape: int) -> np.ndarray:
    return _random.uniform(size=shape).astype("float32")


def integers(below: int, *shape: int) -> np.ndarray:
    return _random.integers(0, below, shape).astype("int32")


def words(below: int, *shape: int, padding: int = 0) -> np.ndarray:
    """Token ids, padded with zeros at the start."""
    found = 1 + integers(below - 1, *shape)
    found[:, :padding] = 0
    return found


def epoch(model: Any, x: Any, y: Any, loss: str, batch: int = 32, optimizer: Any = "adam") -> Work:
    model.compile(optimizer, loss)
    return lambda: model.fit(x, y, batch_size=batch, epochs=1, verbose=0)


def stacked(keras: ModuleType, shape: tuple, *layers: Any, dtype: str | None = None) -> Any:
    return keras.Sequential([keras.Input(shape, dtype=dtype), *layers])


def mlp(keras: ModuleType) -> Any:
    of = keras.layers.Dense
    relu, softmax = {"activation": "relu"}, {"activation": "softmax"}
    return stacked(keras, (784,), of(300, **relu), of(100, **relu), of(10, **softmax))


# ---- training and inference methods


@program
def train_on_batch(keras):
    model, x, y = mlp(keras), normal(32, 784), integers(10, 32)
    model.compile("adam", CLASSES)
    return lambda: [model.train_on_batch(x, y) for _ in range(100)]


@program
def batches_from_a_generator(keras):
    model, x, y = mlp(keras), normal(32, 784), integers(10, 32)
    model.compile("adam", CLASSES)

    def batches():
        while True:
            yield x, y

    source = batches()
    return lambda: model.fit(source, steps_per_epoch=100, verbose=0)


@program
def predict_many_rows(keras):
    model, x = mlp(keras), normal(10_000, 784)
    return lambda: model.predict(x, verbose=0)


@program
def evaluate_many_rows(keras):
    model, x, y = mlp(keras), normal(10_000, 784), integers(10, 10_000)
    model.compile("adam", CLASSES, metrics=["accuracy"])
    return lambda: model.evaluate(x, y, verbose=0)


@program
def calls_on_one_row(keras):
    model, x = mlp(keras), normal(1, 784)
    return lambda: [np.asarray(model(x)) for _ in range(100)]


@program
def monte_carlo_dropout(keras):
    of, drop = keras.layers.Dense, keras.layers.Dropout
    model = stacked(
        keras, (784,), of(100, activation="elu"), drop(0.2), of(10, activation="softmax")
    )
    x = normal(1000, 784)
    return lambda: np.mean([np.asarray(model(x, training=True)) for _ in range(20)], 0)


@program
def text_letter_by_letter(keras):
    layers = keras.layers
    model = stacked(
        keras,
        (None,),
        layers.Embedding(80, 32),
        layers.GRU(128, return_sequences=True),
        layers.Dense(80, activation="softmax"),
        dtype="int32",
    )
    x = integers(80, 1, 40)
    return lambda: [model.predict(x, verbose=0) for _ in range(100)]


# ---- dense layers


@program
def twenty_dense_with_batch_normalization(keras):
    layers = keras.layers
    hidden = [
        layer
        for _ in range(20)
        for layer in (
            layers.Dense(100, kernel_initializer="he_normal", use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("elu"),
        )
    ]
    model = stacked(keras, (784,), *hidden, layers.Dense(10, activation="softmax"))
    x, y = normal(3200, 784), integers(10, 3200)
    return epoch(model, x, y, CLASSES, optimizer=keras.optimizers.Nadam(1e-3))


@program
def dense_autoencoder(keras):
    of = keras.layers.Dense
    sizes = [of(n, activation="selu") for n in (100, 30, 100)]
    model, x = stacked(keras, (784,), *sizes, of(784, activation="sigmoid")), uniform(3200, 784)
    sgd = keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True)
    return epoch(model, x, x, BINARY, optimizer=sgd)


@program
def dense_with_dropout_and_rmsprop(keras):
    layers = keras.layers
    hidden = [
        layer
        for _ in range(2)
        for layer in (layers.Dense(512, activation="relu"), layers.Dropout(0.2))
    ]
    model = stacked(keras, (784,), *hidden, layers.Dense(10, activation="softmax"))
    return epoch(model, normal(6400, 784), integers(10, 6400), CLASSES, 128, "rmsprop")


@program
def words_as_ones(keras):
    of = keras.layers.Dense
    hidden = [of(16, activation="relu") for _ in range(2)]
    model = stacked(keras, (10_000,), *hidden, of(1, activation="sigmoid"))
    x = (uniform(5000, 10_000) < 0.02).astype("float32")
    return epoch(model, x, integers(2, 5000, 1), BINARY, 512, "rmsprop")


@program
def wide_and_deep(keras):
    layers = keras.layers
    wide, deep = keras.Input((5,)), keras.Input((6,))
    hidden = layers.Dense(30, activation="relu")(layers.Dense(30, activation="relu")(deep))
    outputs = [layers.Dense(1)(layers.Concatenate()([wide, hidden])), layers.Dense(1)(hidden)]
    model = keras.Model([wide, deep], outputs)
    model.compile(keras.optimizers.SGD(1e-3), ["mse", "mse"], loss_weights=[0.9, 0.1])
    x, y = [normal(6400, 5), normal(6400, 6)], [normal(6400, 1), normal(6400, 1)]
    return lambda: model.fit(x, y, batch_size=32, epochs=1, verbose=0)


# ---- images


@program
def convnet_with_batch_normalization(keras):
    layers = keras.layers
    hidden = [
        layer
        for filters in (32, 64)
        for layer in (
            layers.Conv2D(filters, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.Conv2D(filters, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
        )
    ]
    last = layers.Flatten(), layers.Dense(256, activation="relu"), layers.Dense(10, None)
    model = stacked(keras, (32, 32, 3), *hidden, *last, layers.Softmax())
    return epoch(model, normal(640, 32, 32, 3), integers(10, 640), CLASSES, 64)


@program
def separable_convolutions(keras):
    layers = keras.layers
    model = stacked(
        keras,
        (48, 48, 3),
        layers.SeparableConv2D(32, 3, activation="relu"),
        layers.SeparableConv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.SeparableConv2D(64, 3, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(10, activation="softmax"),
    )
    return epoch(model, normal(320, 48, 48, 3), integers(10, 320), CLASSES)


@program
def generator_of_a_gan(keras):
    layers = keras.layers
    same = {"padding": "same"}
    model = stacked(
        keras,
        (100,),
        layers.Dense(7 * 7 * 64),
        layers.Reshape((7, 7, 64)),
        layers.BatchNormalization(),
        layers.Conv2DTranspose(32, 5, 2, activation="selu", **same),
        layers.BatchNormalization(),
        layers.Conv2DTranspose(1, 5, 2, activation="tanh", **same),
    )
    return epoch(model, normal(640, 100), normal(640, 28, 28, 1), "mse")


@program
def convolutional_autoencoder(keras):
    layers = keras.layers
    same, selu = {"padding": "same"}, {"activation": "selu"}
    down = [
        layer
        for filters in (16, 32, 64)
        for layer in (layers.Conv2D(filters, 3, **same, **selu), layers.MaxPooling2D())
    ]
    up = [
        layers.Conv2DTranspose(32, 3, 2, **selu),
        layers.Conv2DTranspose(16, 3, 2, **same, **selu),
        layers.Conv2DTranspose(1, 3, 2, **same, activation="sigmoid"),
    ]
    x = uniform(640, 28, 28, 1)
    return epoch(stacked(keras, (28, 28, 1), *down, *up), x, x, BINARY)


@program
def segmentation(keras):
    layers = keras.layers

    def conv(filters, x):
        return layers.Conv2D(filters, 3, padding="same", activation="relu")(x)

    inputs = keras.Input((64, 64, 3))
    first = conv(16, inputs)
    second = conv(32, layers.MaxPooling2D()(first))
    x = conv(64, layers.MaxPooling2D()(second))
    x = conv(32, layers.Concatenate()([layers.UpSampling2D()(x), second]))
    x = conv(16, layers.Concatenate()([layers.Conv2DTranspose(16, 2, 2)(x), first]))
    model = keras.Model(inputs, layers.Conv2D(1, 1, activation="sigmoid")(x))
    y = integers(2, 128, 64, 64, 1).astype("float32")
    return epoch(model, normal(128, 64, 64, 3), y, BINARY, 16)


@program
def residual_bottlenecks(keras):
    layers = keras.layers

    def normalized(x, filters, size):
        return layers.BatchNormalization()(layers.Conv2D(filters, size, padding="same")(x))

    inputs = x = keras.Input((28, 28, 256))
    for _ in range(2):
        z = layers.Activation("relu")(normalized(x, 64, 1))
        z = layers.Activation("relu")(normalized(z, 64, 3))
        x = layers.Activation("relu")(layers.Add()([x, normalized(z, 256, 1)]))
    outputs = layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    x, y = normal(64, 28, 28, 256), integers(10, 64)
    return epoch(keras.Model(inputs, outputs), x, y, CLASSES, 16)


@program
def inception(keras):
    layers = keras.layers

    def conv(filters, size, x):
        return layers.Conv2D(filters, size, padding="same", activation="relu")(x)

    x = keras.Input((32, 32, 64))
    pooled = layers.MaxPooling2D(3, 1, padding="same")(x)
    ways = conv(64, 3, conv(32, 1, x)), conv(16, 5, conv(8, 1, x)), conv(16, 1, pooled)
    features = layers.GlobalAveragePooling2D()(layers.Concatenate()([conv(32, 1, x), *ways]))
    model = keras.Model(x, layers.Dense(10, activation="softmax")(features))
    return epoch(model, normal(128, 32, 32, 64), integers(10, 128), CLASSES, 16)


@program
def three_dimensions(keras):
    layers = keras.layers
    model = stacked(
        keras,
        (16, 16, 16, 1),
        layers.Conv3D(8, 3, activation="relu"),
        layers.MaxPooling3D(),
        layers.Conv3D(16, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    )
    return epoch(model, normal(128, 16, 16, 16, 1), integers(10, 128), CLASSES)


# ---- sequences


@program
def lstm_with_dropout_of_states(keras):
    layers = keras.layers
    lstm = layers.LSTM(64, dropout=0.2, recurrent_dropout=0.2)
    model = stacked(keras, (100, 32), lstm, layers.Dense(1))
    return epoch(model, normal(640, 100, 32), normal(640, 1), "mse")


@program
def both_directions_masked(keras):
    layers = keras.layers
    model = stacked(
        keras,
        (200,),
        layers.Embedding(10_000, 64, mask_zero=True),
        layers.Bidirectional(layers.LSTM(64)),
        layers.Dense(1, activation="sigmoid"),
        dtype="int32",
    )
    return epoch(model, words(10_000, 640, 200, padding=50), integers(2, 640, 1), BINARY)


@program
def forecast_every_step(keras):
    layers = keras.layers
    hidden = [layers.LSTM(20, return_sequences=True) for _ in range(2)]
    model = stacked(keras, (50, 1), *hidden, layers.TimeDistributed(layers.Dense(10)))
    return epoch(model, normal(3200, 50, 1), normal(3200, 50, 10), "mse")


@program
def forecast_by_simple_rnn(keras):
    layers = keras.layers
    hidden = layers.SimpleRNN(20, return_sequences=True), layers.SimpleRNN(20)
    model = stacked(keras, (50, 1), *hidden, layers.Dense(1))
    return epoch(model, normal(3200, 50, 1), normal(3200, 1), "mse")


@program
def convolution_before_gru(keras):
    layers = keras.layers
    hidden = [layers.GRU(20, return_sequences=True) for _ in range(2)]
    model = stacked(keras, (50, 1), layers.Conv1D(20, 4, 2), *hidden, layers.Dense(10))
    return epoch(model, normal(3200, 50, 1), normal(3200, 24, 10), "mse")


@program
def encoder_and_decoder(keras):
    layers = keras.layers
    source, target = keras.Input((30,), dtype="int32"), keras.Input((30,), dtype="int32")
    _, *states = layers.LSTM(128, return_state=True)(layers.Embedding(5000, 64)(source))
    decoder = layers.LSTM(128, return_sequences=True)
    decoded = decoder(layers.Embedding(5000, 64)(target), initial_state=states)
    model = keras.Model([source, target], layers.Dense(5000, activation="softmax")(decoded))
    x = [integers(5000, 640, 30), integers(5000, 640, 30)]
    return epoch(model, x, integers(5000, 640, 30), CLASSES)


@program
def attention_masked(keras):
    layers = keras.layers
    inputs = keras.Input((64,), dtype="int32")
    x = layers.Embedding(5000, 64, mask_zero=True)(inputs)
    attended = layers.MultiHeadAttention(4, 16, dropout=0.1)(x, x)
    x = layers.LayerNormalization()(layers.Add()([x, attended]))
    fed = layers.Dense(64)(layers.Dense(128, activation="relu")(x))
    x = layers.LayerNormalization()(layers.Add()([x, layers.Dropout(0.1)(fed)]))
    pooled = layers.GlobalAveragePooling1D()(x)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(pooled))
    return epoch(model, words(5000, 640, 64, padding=14), integers(2, 640, 1), BINARY)


@program
def mean_of_word_vectors(keras):
    layers = keras.layers
    model = stacked(
        keras,
        (256,),
        layers.Embedding(10_000, 16),
        layers.GlobalAveragePooling1D(),
        layers.Dense(16, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
        dtype="int32",
    )
    return epoch(model, words(10_000, 5120, 256), integers(2, 5120, 1), BINARY, 512)


@program
def skip_grams_with_sgd(keras):
    layers = keras.layers
    word, context = keras.Input((1,), dtype="int32"), keras.Input((1,), dtype="int32")
    vectors = [layers.Embedding(20_000, 100)(ids) for ids in (word, context)]
    score = layers.Flatten()(layers.Dot(2)(vectors))
    model = keras.Model([word, context], layers.Activation("sigmoid")(score))
    x = [integers(20_000, 12_800, 1), integers(20_000, 12_800, 1)]
    y = integers(2, 12_800, 1)
    return epoch(model, x, y, BINARY, 128, keras.optimizers.SGD(1.0))
