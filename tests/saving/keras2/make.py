"""Makes the files of this folder with tf-keras: `python make.py`, where tensorflow is installed.

Each, compressed, is a model after two steps of training, with data (`x0`, ...), what it then says
of them (`y0`, ...) and the losses of three more steps.
"""

import gzip
import os
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import h5py
import numpy as np
import tf_keras as keras

layers, legacy = keras.layers, keras.optimizers.legacy
FOLDER = Path(__file__).parent


def rows(*shape):
    return np.random.default_rng(len(shape)).normal(size=shape).astype("float32")


def convolutional():
    model = keras.Sequential(
        [
            layers.Conv2D(2, (3, 3), padding="same", activation="relu", input_shape=(6, 6, 1)),
            layers.BatchNormalization(),
            layers.MaxPooling2D((2, 2)),
            layers.SeparableConv2D(2, (2, 2), kernel_regularizer=keras.regularizers.l2(0.01)),
            layers.DepthwiseConv2D((2, 2), depth_multiplier=2),
            layers.LeakyReLU(alpha=0.2),
            layers.Conv2DTranspose(2, (2, 2), strides=(2, 2)),
            layers.UpSampling2D(),
            layers.ZeroPadding2D(((1, 0), (0, 1))),
            layers.Activation("hard_sigmoid"),
            layers.Flatten(),
            layers.Dropout(0.0),
            layers.Dense(3, activation="softmax", kernel_constraint=keras.constraints.MaxNorm(2)),
        ]
    )
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model, [rows(4, 6, 6, 1)], [np.eye(3, dtype="float32")[[0, 1, 2, 0]]]


def recurrent():
    words = keras.Input((5,), dtype="int32", name="words")
    x = layers.Embedding(7, 3, mask_zero=True)(words)
    x = layers.Bidirectional(
        layers.LSTM(2, recurrent_activation="hard_sigmoid", return_sequences=True)
    )(x)
    x = layers.TimeDistributed(layers.Dense(3, activation="tanh"))(x)
    ends = [
        layers.GRU(2, reset_after=False)(x),
        layers.GRU(2, recurrent_activation="hard_sigmoid")(x),
        layers.SimpleRNN(2, use_bias=False)(x),
        layers.RNN(layers.StackedRNNCells([layers.LSTMCell(2), layers.GRUCell(2)]))(x),
    ]
    model = keras.Model(words, layers.Dense(1)(layers.concatenate(ends)))
    model.compile(legacy.SGD(lr=0.1, momentum=0.9, decay=0.01), "mse", metrics=["mae"])
    return model, [np.array([[1, 2, 3, 0, 0], [4, 5, 6, 1, 2]], "int32")], [rows(2, 1)]


def graph():
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    shared = layers.Dense(3, activation="relu", name="shared")
    inner = keras.Sequential(
        [layers.Dense(3, name="in1", input_shape=(3,)), layers.BatchNormalization(name="bn")],
        name="inner",
    )
    x = keras.Input((3,))
    deep = keras.Model(x, [layers.Dense(2, name="in2")(inner(x)), x], name="deep")
    first, _ = deep(layers.Add()([shared(a), shared(b)]))
    second, _ = deep(layers.Subtract()([shared(a), shared(b)]))
    series = layers.Reshape((3, 1))(shared(a))
    series = layers.MultiHeadAttention(1, 2)(series, value=series)
    states = [layers.Dense(2)(b), layers.Dense(2)(b)]
    third = layers.LSTM(2, name="lstm")(layers.LayerNormalization()(series), initial_state=states)
    model = keras.Model([a, b], [first, second, third], name="graph")
    model.compile(
        legacy.Adam(0.01, amsgrad=True),
        ["mse", keras.losses.Huber(0.5), "mae"],
        loss_weights=[1.0, 0.5, 2.0],
        metrics=["mae", [], [keras.metrics.RootMeanSquaredError(name="root")]],
    )
    return model, [rows(4, 4), rows(4, 4) * 2], [rows(4, 2), rows(4, 2), rows(4, 2)]


for make in (convolutional, recurrent, graph):
    keras.utils.set_random_seed(1)
    model, x, y = make()
    given = (x, y) if len(y) > 1 else (x[0], y[0])
    for _ in range(2):
        model.train_on_batch(*given)
    path = FOLDER / f"{make.__name__}.h5"
    model.save(path)
    outputs = model.predict(x, verbose=0)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    losses = [np.ravel(model.train_on_batch(*given))[0] for _ in range(3)]
    with h5py.File(path, "a") as file:
        group = file.create_group("expected")
        for name, values in (("x", x), ("t", y), ("y", outputs)):
            for number, value in enumerate(values):
                group[f"{name}{number}"] = value
        group["losses"] = losses
    (FOLDER / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    path.unlink()
