"""Three characters in, one by one, and the fourth out: the idea of a recurrent network."""

import numpy as np
from material import arguments, numbered, text

from hornbook import Input, Model
from hornbook.layers import Dense, Embedding, Flatten
from hornbook.optimizers import Adam
from hornbook.utils import set_random_seed

set_random_seed(0)
path, epochs = arguments(epochs=8)
chars, numbers = numbered(text(path))
n_chars, n_factors, n_hidden = len(chars), 16, 64

x1, x2, x3, y = [numbers[i : len(numbers) - 3 + i] for i in range(4)]


def character(name):
    """An input character, and its row of an embedding."""
    number = Input(shape=(1,), dtype="int32", name=name)
    return number, Flatten()(Embedding(n_chars, n_factors)(number))


c1, e1 = character("c1")
c2, e2 = character("c2")
c3, e3 = character("c3")

# Three layers, each shared between steps: from the input, from the state, to the output.
dense_in = Dense(n_hidden, activation="relu")
dense_hidden = Dense(n_hidden, activation="tanh")
dense_out = Dense(n_chars, activation="softmax")

hidden = dense_in(e1)
hidden = dense_in(e2) + dense_hidden(hidden)
hidden = dense_in(e3) + dense_hidden(hidden)

model = Model([c1, c2, c3], dense_out(hidden))
model.compile(Adam(0.005, epsilon=1e-8), "sparse_categorical_crossentropy")
history = model.fit([x1, x2, x3], y, batch_size=64, epochs=epochs, verbose=0)
print(f"loss {history.history['loss'][-1]:.3f}")

for three in ("the", " ru", "ee."):
    given = [np.array([chars.index(char)]) for char in three]
    print(f"{three!r} -> {chars[np.argmax(model.predict(given, verbose=0))]!r}")
