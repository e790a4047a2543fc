"""Keras 1: a stack of layers, old argument names and defaults, old positions of fit."""

import sys

import numpy as np
from keras import backend as K
from keras.callbacks import Callback, EarlyStopping
from keras.layers.core import Activation, Dense, Dropout
from keras.models import Sequential
from keras.optimizers import SGD
from keras.regularizers import l2
from keras.utils import np_utils

assert sys.argv[1:] == ["--size", "64"], sys.argv
rng = np.random.RandomState(0)
X = rng.rand(96, 6).astype("float32")
labels = (X.sum(axis=1) > 3).astype(np.int)
Y = np_utils.to_categorical(labels, nb_classes=2)

model = Sequential()
model.add(Dense(output_dim=12, input_dim=6, init="he_normal", W_regularizer=l2(l=1e-4)))
model.add(Activation("relu"))
model.add(Dropout(p=0.1))
model.add(Dense(2, activation="softmax", weights=[np.ones((12, 2)), np.array([1.0, -1.0])]))
assert np.allclose(model.layers[-1].get_weights()[1], [1, -1])
assert [layer.name for layer in model.layers][:2] == ["dense_1", "activation_1"]
assert type(model.layers[0]) is Dense and isinstance(model.layers[2], Dropout)


class Watch(Callback):
    seen = []

    def on_epoch_end(self, epoch, logs={}):
        self.seen.append((logs.get("acc"), logs["accuracy"], logs.get("val_acc")))


model.compile("sgd", "categorical_crossentropy", ["accuracy"])
model.compile(
    loss="categorical_crossentropy", optimizer=SGD(lr=0.5, decay=1e-3), metrics=["accuracy"]
)
stop = EarlyStopping(monitor="val_accuracy", patience=50)
history = model.fit(X, Y, 16, 12, verbose=0, validation_data=[X, Y], callbacks=[Watch(), stop])
assert history.history["acc"] == history.history["accuracy"]
assert set(history.history) == {"loss", "acc", "val_loss", "val_acc"}, list(history.history)
assert len(Watch.seen) == 12 and Watch.seen[-1][0] == Watch.seen[-1][1]
loss, accuracy = model.evaluate(X, Y, batch_size=32, verbose=0)
assert accuracy > 0.8, accuracy
assert model.predict_classes(X, verbose=0).shape == (96,)
assert model.predict_proba(X).shape == (96, 2)

fixed = SGD(lr=0.1)
model.compile(fixed, "categorical_crossentropy", metrics=["acc"])
model.optimizer.lr = 0.25
assert abs(K.get_value(model.optimizer.lr) - 0.25) < 1e-6
K.set_value(model.optimizer.lr, 0.05)
model.fit(X, Y, nb_epoch=1, verbose=0)
assert abs(K.eval(model.optimizer.lr) - 0.05) < 1e-6
assert K.epsilon() == 1e-8
print("accuracy %.2f" % accuracy)
