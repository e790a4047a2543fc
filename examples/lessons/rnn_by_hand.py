"""A recurrent network without a recurrent layer: one dense layer, applied at each character."""

import numpy as np
from material import arguments, numbered, text

from hornbook import Input, Model
from hornbook.layers import Dense, Embedding, Flatten
from hornbook.optimizers import Adam
from hornbook.utils import set_random_seed

set_random_seed(0)
path, epochs = arguments(epochs=8)
chars, numbers = numbered(text(path))
n_steps, n_chars, n_factors, n_hidden = 8, len(chars), 16, 64

columns = [numbers[i : len(numbers) - n_steps + i] for i in range(n_steps + 1)]
x, y = columns[:-1], columns[-1]

dense_in = Dense(n_hidden, activation="relu")
dense_hidden = Dense(n_hidden, activation="relu", kernel_initializer="identity")  # keeps its state
dense_out = Dense(n_chars, activation="softmax")

inputs = [Input(shape=(1,), dtype="int32") for _ in range(n_steps)]
embedded = [Flatten()(Embedding(n_chars, n_factors)(c)) for c in inputs]

hidden = dense_in(embedded[0])
for character in embedded[1:]:
    hidden = dense_in(character) + dense_hidden(hidden)

model = Model(inputs, dense_out(hidden))
model.compile(Adam(0.002, epsilon=1e-8), "sparse_categorical_crossentropy")
history = model.fit(x, y, batch_size=64, epochs=epochs, verbose=0)
print(f"loss {history.history['loss'][-1]:.3f}")

for start in ("the cat ", " sleeps ", "ld man r"):
    given = [np.array([chars.index(char)]) for char in start]
    print(f"{start!r} -> {chars[np.argmax(model.predict(given, verbose=0))]!r}")
