"""A prediction at every step: eight characters in, the next character for each of them out."""

import numpy as np
from material import arguments, numbered, text

from hornbook import Sequential
from hornbook.layers import Dense, Embedding, SimpleRNN
from hornbook.optimizers import Adam
from hornbook.utils import set_random_seed

set_random_seed(0)
path, epochs = arguments(epochs=30)
chars, numbers = numbered(text(path))
n_steps, n_chars, n_factors, n_hidden = 8, len(chars), 16, 64

# Non-overlapping pieces: each trains eight predictions, not one.
pieces = (len(numbers) - 1) // n_steps
x = numbers[: pieces * n_steps].reshape(pieces, n_steps)
y = numbers[1 : pieces * n_steps + 1].reshape(pieces, n_steps)

model = Sequential(
    [
        Embedding(n_chars, n_factors),
        SimpleRNN(n_hidden, "relu", recurrent_initializer="identity", return_sequences=True),
        Dense(n_chars, activation="softmax"),  # at every step, without a wrapper
    ]
)
model.compile(Adam(0.005, epsilon=1e-8), "sparse_categorical_crossentropy")
history = model.fit(x, y, batch_size=64, epochs=epochs, verbose=0)
print(f"loss {history.history['loss'][-1]:.3f}")

start = "the old "
predicted = model.predict(np.array([[chars.index(char) for char in start]]), verbose=0)[0]
for char, following in zip(start, predicted):
    print(f"{char!r} -> {chars[np.argmax(following)]!r} ({following.max():.2f})")
