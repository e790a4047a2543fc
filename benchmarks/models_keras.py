"""The workloads' models in the Keras API, for Keras on each backend and for hornbook."""

from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.workloads import CHARS, ITEMS, USERS, WORDS, Arrays, Job, Workload

LOSSES = {
    "mse": "mse",
    "classes": "sparse_categorical_crossentropy",
    "binary": "binary_crossentropy",
}


def build(
    keras: ModuleType,
    workload: Workload,
    x: Arrays,
    y: np.ndarray,
    weights: dict[str, Arrays],
    **settings: Any,
) -> Job:
    """Compile the model with `settings` and set the initial `weights`."""
    model = MODELS[workload.builder](keras)
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=LOSSES[workload.loss], **settings)
    for name, values in weights.items():
        for variable, value in zip(model.get_layer(name).trainable_variables, values, strict=True):
            if tuple(variable.shape) != value.shape:
                raise ValueError(
                    f"{name} has {variable.path} of {variable.shape}, not {value.shape}"
                )
            variable.assign(value)

    inputs = x if len(x) > 1 else x[0]

    def train(epochs: int, shuffle: bool) -> float:
        history = model.fit(
            inputs, y, batch_size=workload.batch, epochs=epochs, shuffle=shuffle, verbose=0
        )
        return float(history.history["loss"][-1])

    def predict(calls: int) -> None:
        for i in range(calls):
            row = x[0][i % len(x[0])][None]
            model.predict(row, verbose=0)

    return Job(sum(int(np.prod(v.shape)) for v in model.trainable_variables), train, predict)


def regression(keras: ModuleType) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(30, activation="relu", name="hidden"),
            layers.Dense(1, name="out"),
        ]
    )


def embeddings(keras: ModuleType) -> Any:
    layers = keras.layers
    user, item = keras.Input((1,), dtype="int32"), keras.Input((1,), dtype="int32")
    score = layers.Dot(axes=2)(
        [
            layers.Embedding(USERS, 50, name="users")(user),
            layers.Embedding(ITEMS, 50, name="items")(item),
        ]
    )
    total = layers.Add()(
        [
            layers.Flatten()(score),
            layers.Flatten()(layers.Embedding(USERS, 1, name="user_bias")(user)),
            layers.Flatten()(layers.Embedding(ITEMS, 1, name="item_bias")(item)),
        ]
    )
    return keras.Model([user, item], total)


def mlp(keras: ModuleType) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((784,)),
            layers.Dense(300, activation="relu", name="hidden1"),
            layers.Dense(100, activation="relu", name="hidden2"),
            layers.Dense(10, activation="softmax", name="out"),
        ]
    )


def convnet(keras: ModuleType) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu", name="conv1"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu", name="conv2"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu", name="conv3"),
            layers.Flatten(),
            layers.Dense(64, activation="relu", name="hidden"),
            layers.Dense(10, activation="softmax", name="out"),
        ]
    )


def resnet20(keras: ModuleType) -> Any:
    layers = keras.layers

    def conv(x: Any, width: int, name: str, size: int = 3, strides: int = 1) -> Any:
        made = layers.Conv2D(
            width, size, strides=strides, padding="same", use_bias=False, name=name
        )
        return made(x)

    def norm(x: Any, name: str) -> Any:
        return layers.BatchNormalization(name=name)(x)

    inputs = keras.Input((32, 32, 3))
    x = layers.ReLU()(norm(conv(inputs, 16, "conv"), "bn"))
    for stage, width in enumerate((16, 32, 64)):
        for block in range(3):
            at = f"s{stage}b{block}_"
            strides = 2 if stage and not block else 1
            y = layers.ReLU()(norm(conv(x, width, at + "conv1", strides=strides), at + "bn1"))
            y = norm(conv(y, width, at + "conv2"), at + "bn2")
            if strides == 2:
                x = conv(x, width, at + "short", size=1, strides=2)
            x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax", name="out")(x))


def simplernn(keras: ModuleType) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8,), dtype="int32"),
            layers.Embedding(CHARS, 42, name="embed"),
            layers.SimpleRNN(256, activation="relu", name="rnn"),
            layers.Dense(CHARS, activation="softmax", name="out"),
        ]
    )


def stateful(keras: ModuleType) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(batch_shape=(64, 8), dtype="int32"),
            layers.Embedding(CHARS, 42, name="embed"),
            layers.BatchNormalization(name="norm"),
            layers.LSTM(256, return_sequences=True, stateful=True, name="rnn"),
            layers.TimeDistributed(layers.Dense(CHARS, activation="softmax"), name="out"),
        ]
    )


def charlstm(keras: ModuleType) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((40,), dtype="int32"),
            layers.Embedding(CHARS, 24, name="embed"),
            layers.LSTM(512, return_sequences=True, name="rnn1"),
            layers.LSTM(512, return_sequences=True, name="rnn2"),
            layers.TimeDistributed(layers.Dense(CHARS, activation="softmax"), name="out"),
        ]
    )


def gru(keras: ModuleType) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((100, 32)),
            layers.GRU(256, name="rnn"),
            layers.Dense(10, activation="softmax", name="out"),
        ]
    )


def imdb_lstm(keras: ModuleType) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((200,), dtype="int32"),
            layers.Embedding(WORDS, 128, name="embed"),
            layers.LSTM(128, name="rnn"),
            layers.Dense(1, activation="sigmoid", name="out"),
        ]
    )


def imdb_conv(keras: ModuleType) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((400,), dtype="int32"),
            layers.Embedding(5_000, 50, name="embed"),
            layers.Conv1D(250, 3, activation="relu", name="conv"),
            layers.GlobalMaxPooling1D(),
            layers.Dense(250, activation="relu", name="hidden"),
            layers.Dense(1, activation="sigmoid", name="out"),
        ]
    )


def wavenet(keras: ModuleType) -> Any:
    layers = keras.layers
    model = keras.Sequential([keras.Input((50, 1))])
    for i in range(8):
        model.add(
            layers.Conv1D(
                20,
                2,
                padding="causal",
                activation="relu",
                dilation_rate=2 ** (i % 4),
                name=f"conv{i}",
            )
        )
    model.add(layers.Conv1D(10, 1, name="out"))
    return model


def places(keras: ModuleType) -> Any:
    """A layer that adds a learned vector per position."""

    class Places(keras.layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.table = self.add_weight(shape=tuple(input_shape[1:]), name="table")

        def call(self, x: Any) -> Any:
            return x + self.table

    return Places


def transformer(keras: ModuleType) -> Any:
    layers = keras.layers
    inputs = keras.Input((128,), dtype="int32")
    x = places(keras)(name="places")(layers.Embedding(WORDS, 128, name="words")(inputs))
    for i in range(2):
        y = layers.MultiHeadAttention(4, 32, name=f"attention{i}")(x, x)
        x = layers.LayerNormalization(epsilon=1e-6, name=f"norm{i}a")(layers.Add()([x, y]))
        y = layers.Dense(512, activation="relu", name=f"wide{i}")(x)
        y = layers.Dense(128, name=f"narrow{i}")(y)
        x = layers.LayerNormalization(epsilon=1e-6, name=f"norm{i}b")(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="out")(x))


MODELS = {
    model.__name__: model
    for model in (
        regression,
        embeddings,
        mlp,
        convnet,
        resnet20,
        simplernn,
        stateful,
        charlstm,
        gru,
        imdb_lstm,
        imdb_conv,
        wavenet,
        transformer,
    )
}
