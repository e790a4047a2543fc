"""Keras 1: prints what it computes, so that other ways of running it can be compared."""

from __future__ import print_function

import numpy as np
from keras import backend as K
from keras.callbacks import EarlyStopping, ModelCheckpoint
from keras.layers import *
from keras.layers.core import Dense as FullyConnected
from keras.models import Model, Sequential
from keras.optimizers import SGD
from keras.utils import np_utils
import keras.backend

rng = np.random.RandomState(0)
X = rng.rand(48, 1, 6, 6).astype("float32")
labels = (X.sum(axis=(1, 2, 3)) > 18).astype(int)
Y = np_utils.to_categorical(labels, 2)

# pictures, in Theano's order
model = Sequential()
model.add(
    Convolution2D(
        4,
        3,
        3,  # a comment that stays
        border_mode="same",
        activation="relu",
        dim_ordering="th",
        input_shape=(1, 6, 6),
        init="uniform",
    )
)
model.add(MaxPooling2D(pool_size=(2, 2), dim_ordering="th"))
model.add(Flatten())
model.add(Dense(output_dim=2, activation="softmax", W_regularizer="l2"))
model.compile(
    loss="categorical_crossentropy",
    optimizer=SGD(lr=0.3, decay=1e-3, momentum=0.9),
    metrics=["accuracy"],
)
history = model.fit(
    X,
    Y,
    batch_size=16,
    nb_epoch=3,
    verbose=0,
    shuffle=False,
    validation_data=(X, Y),
    callbacks=[EarlyStopping(monitor="val_acc", patience=9)],
)
print("pictures", *["%.5f" % value for value in history.history["val_loss"]])
print(
    "accuracy", "%.5f" % history.history["acc"][-1], sorted(model.predict_classes(X, verbose=0)[:4])
)

# steps
steps = Sequential(
    [LSTM(5, input_shape=(6, 6), inner_activation="hard_sigmoid"), Dense(1, activation="sigmoid")]
)
steps.compile("adadelta", "binary_crossentropy")
print(
    "steps",
    *["%.5f" % v for v in steps.fit(X[:, 0], labels, 16, 3, 0, shuffle=False).history["loss"]],
)

# a graph
a, b = Input(shape=(6,)), Input((6,))
both = merge([FullyConnected(4, init="zero")(a), Dense(4)(b)], mode="sum")
more = merge([both, Lambda(lambda x: K.exp(x) - K.mean(x, axis=-1, keepdims=True))(b)], "concat")
graph = Model(input=[a, b], output=Dense(1, name="out")(more))
graph.compile(optimizer="adam", loss=lambda t, p: K.mean(K.square(t - p), axis=-1))
graph.fit([X[:, 0, 0], X[:, 0, 1]], labels, nb_epoch=2, verbose=0, shuffle=False)
print("graph", "%.5f" % graph.evaluate([X[:, 0, 0], X[:, 0, 1]], labels, verbose=0))
K.set_value(graph.optimizer.lr, 0.125)
print("rate", K.get_value(graph.optimizer.lr), keras.backend.int_shape(more))
