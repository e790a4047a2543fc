"""Keras 1: convolutions with rows and columns, Theano's order of axes, a generator of samples."""

import numpy as np
from keras import backend as K
from keras.layers import Convolution2D, Dense, Flatten, MaxPooling2D, ZeroPadding2D
from keras.layers.normalization import BatchNormalization
from keras.models import Sequential

K.set_image_dim_ordering("th")
assert K.image_dim_ordering() == "th"
rng = np.random.RandomState(1)
X = rng.rand(40, 1, 8, 8).astype("float32")
y = (X[:, 0, :4].mean(axis=(1, 2)) > X[:, 0, 4:].mean(axis=(1, 2))).astype(int)

model = Sequential()
model.add(ZeroPadding2D((1, 1), input_shape=(1, 8, 8)))
model.add(Convolution2D(4, 3, 3, activation="relu", border_mode="valid", subsample=(1, 1)))
model.add(BatchNormalization(mode=2, axis=1))
model.add(MaxPooling2D((2, 2), strides=(2, 2)))
model.add(Convolution2D(3, 1, 3, border_mode="same", name="wide"))
model.add(Flatten())
model.add(Dense(1, activation="sigmoid", init="uniform"))
shapes = [layer.output_shape for layer in model.layers]
assert shapes[:4] == [(None, 1, 10, 10), (None, 4, 8, 8), (None, 4, 8, 8), (None, 4, 4, 4)], shapes
assert model.get_layer("wide").kernel.shape == (1, 3, 4, 3)
assert [type(layer) is Convolution2D for layer in model.layers].count(True) == 2
model.compile(optimizer="adadelta", loss="binary_crossentropy", metrics=["accuracy"])
assert abs(K.get_value(model.optimizer.lr) - 1.0) < 1e-6  # the default of that time


def batches():
    while True:
        for start in range(0, 40, 16):
            yield X[start : start + 16], y[start : start + 16]


history = model.fit_generator(
    batches(),
    samples_per_epoch=40,
    nb_epoch=2,
    verbose=0,
    validation_data=batches(),
    nb_val_samples=40,
    max_q_size=2,
    nb_worker=1,
)
assert len(history.epoch) == 2 and "val_acc" in history.history
assert len(model.predict_generator(batches(), val_samples=40)) == 40
assert len(model.evaluate_generator(batches(), 40)) == 2
print("pictures done")
