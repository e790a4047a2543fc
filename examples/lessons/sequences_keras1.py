"""A prediction at every step: eight characters in, the next character for each of them out."""

import numpy as np
from keras.layers import Dense, Embedding, SimpleRNN, TimeDistributed
from keras.models import Sequential
from keras.optimizers import Adam
from material import arguments, numbered, text

np.random.seed(0)
path, epochs = arguments(epochs=30)
chars, numbers = numbered(text(path))
n_steps, n_chars, n_factors, n_hidden = 8, len(chars), 16, 64

# Non-overlapping pieces: each trains eight predictions, not one.
pieces = (len(numbers) - 1) // n_steps
x = numbers[: pieces * n_steps].reshape(pieces, n_steps)
y = numbers[1 : pieces * n_steps + 1].reshape(pieces, n_steps, 1)

model = Sequential(
    [
        Embedding(n_chars, n_factors, input_length=n_steps),
        SimpleRNN(n_hidden, activation="relu", inner_init="identity", return_sequences=True),
        TimeDistributed(Dense(n_chars, activation="softmax")),
    ]
)
model.compile(Adam(lr=0.005), loss="sparse_categorical_crossentropy")
history = model.fit(x, y, batch_size=64, nb_epoch=epochs, verbose=0)
print("loss %.3f" % history.history["loss"][-1])

start = "the old "
predicted = model.predict(np.array([[chars.index(char) for char in start]]))[0]
for char, following in zip(start, predicted):
    print("%r -> %r (%.2f)" % (char, chars[np.argmax(following)], following.max()))
