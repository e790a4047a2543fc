"""Few labels, many images: the model labels the rest itself and learns from both."""

import numpy as np
from material import arguments, pictures

from hornbook import Input, Sequential
from hornbook.data import MixIterator, pseudo_label
from hornbook.layers import Dense, Dropout, Flatten
from hornbook.utils import set_random_seed, to_categorical

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


set_random_seed(0)
model = Sequential(
    [
        Input(x.shape[1:]),
        Flatten(),
        Dense(64, activation="relu", kernel_initializer="he_normal"),
        Dropout(0.3),
        Dense(y.shape[1], activation="softmax"),
    ]
)
model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])

model.fit(few_x, few_y, batch_size=20, epochs=epochs, verbose=0)
alone = model.evaluate(x[-test:], y[-test:], verbose=0)[1]

# "soft" labels: not rounded, to keep the model's confidence
_, guessed = pseudo_label(model, many_x, labels="soft")
mixed = MixIterator([batches(few_x, few_y, 16), batches(many_x, guessed, 16)])
model.fit(mixed, steps_per_epoch=20, epochs=epochs, verbose=0)
both = model.evaluate(x[-test:], y[-test:], verbose=0)[1]

print(f"accuracy after {known} labels:         {alone:.3f}")
print(f"accuracy with pseudo-labels too: {both:.3f}")
