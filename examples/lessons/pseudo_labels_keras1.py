"""Few labels, many images: the model labels the rest itself and learns from both."""

import numpy as np
from keras.layers.core import Dense, Dropout, Flatten
from keras.models import Sequential
from keras.utils.np_utils import to_categorical
from material import arguments, pictures

path, epochs = arguments(epochs=20)
x, labels = pictures(path)
y = to_categorical(labels)
known, test = 60, len(x) // 4  # labelled samples; the last quarter is the test set
few_x, few_y = x[:known], y[:known]
many_x = x[known:-test]


def batches(x, y, size):
    """Endless random batches."""
    while True:
        rows = np.random.randint(len(x), size=size)
        yield x[rows], y[rows]


class MixIterator:
    """A batch from each iterator, as one batch."""

    def __init__(self, iters):
        self.iters = iters

    def __iter__(self):
        return self

    def next(self):
        parts = [next(it) for it in self.iters]
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    __next__ = next


np.random.seed(0)
model = Sequential(
    [
        Flatten(input_shape=x.shape[1:]),
        Dense(64, activation="relu", init="he_normal"),
        Dropout(0.3),
        Dense(y.shape[1], activation="softmax"),
    ]
)
model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])

model.fit(few_x, few_y, batch_size=20, nb_epoch=epochs, verbose=0)
alone = model.evaluate(x[-test:], y[-test:], verbose=0)[1]

guessed = model.predict(many_x)  # not rounded, to keep its confidence
mixed = MixIterator([batches(few_x, few_y, 16), batches(many_x, guessed, 16)])
model.fit_generator(mixed, samples_per_epoch=640, nb_epoch=epochs, verbose=0)
both = model.evaluate(x[-test:], y[-test:], verbose=0)[1]

print("accuracy after %d labels:         %.3f" % (known, alone))
print("accuracy with pseudo-labels too: %.3f" % both)
