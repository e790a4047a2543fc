"""The same network with a recurrent layer: `SimpleRNN` is the loop written by hand before."""

import numpy as np
from material import arguments, numbered, text

from hornbook import Sequential
from hornbook.layers import Dense, Embedding, SimpleRNN
from hornbook.optimizers import Adam
from hornbook.utils import set_random_seed

set_random_seed(0)
path, epochs = arguments(epochs=8)
chars, numbers = numbered(text(path))
n_steps, n_chars, n_factors, n_hidden = 8, len(chars), 16, 64

x = np.stack([numbers[i : len(numbers) - n_steps + i] for i in range(n_steps)], axis=1)
y = numbers[n_steps:]

model = Sequential(
    [
        Embedding(n_chars, n_factors),
        SimpleRNN(n_hidden, activation="relu", recurrent_initializer="identity"),
        Dense(n_chars, activation="softmax"),
    ]
)
model.compile(Adam(0.002, epsilon=1e-8), "sparse_categorical_crossentropy")
history = model.fit(x, y, batch_size=64, epochs=epochs, verbose=0)
print(f"loss {history.history['loss'][-1]:.3f}")

written = "the cat "
for _ in range(40):
    given = np.array([[chars.index(char) for char in written[-n_steps:]]])
    written += chars[np.argmax(model.predict(given, verbose=0))]
print(written)
