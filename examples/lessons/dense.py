"""Images and a dense network: pixels are independent inputs, without neighbours."""

import numpy as np
from material import arguments, pictures

from hornbook import Input, Sequential
from hornbook.layers import Dense, Dropout
from hornbook.optimizers import RMSprop
from hornbook.utils import set_random_seed

set_random_seed(0)
path, epochs = arguments(epochs=15)
x, labels = pictures(path)
x = x.reshape(len(x), -1)
test = len(x) // 4

model = Sequential(
    [
        Input(x.shape[1:]),
        Dense(64, activation="relu"),
        Dropout(0.2),
        Dense(labels.max() + 1, activation="softmax"),
    ]
)
model.compile(RMSprop(0.002), "sparse_categorical_crossentropy", metrics=["accuracy"])

history = model.fit(x[:-test], labels[:-test], batch_size=32, epochs=epochs, verbose=0)
loss, accuracy = model.evaluate(x[-test:], labels[-test:], verbose=0)
print(f"training accuracy {history.history['accuracy'][-1]:.3f}")
print(f"test accuracy {accuracy:.3f}")

wrong = np.flatnonzero(model.predict(x[-test:], verbose=0).argmax(-1) != labels[-test:])
print(f"{len(wrong)} images of {test} are misclassified")
