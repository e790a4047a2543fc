"""The same network with a recurrent layer: `SimpleRNN` is the loop written by hand before."""

import numpy as np
from keras.layers import Dense, Embedding, SimpleRNN
from keras.models import Sequential
from keras.optimizers import Adam
from material import arguments, numbered, text

np.random.seed(0)
path, epochs = arguments(epochs=8)
chars, numbers = numbered(text(path))
n_steps, n_chars, n_factors, n_hidden = 8, len(chars), 16, 64

x = np.stack([numbers[i : len(numbers) - n_steps + i] for i in range(n_steps)], axis=1)
y = numbers[n_steps:]

model = Sequential(
    [
        Embedding(n_chars, n_factors, input_length=n_steps),
        SimpleRNN(n_hidden, activation="relu", inner_init="identity"),
        Dense(n_chars, activation="softmax"),
    ]
)
model.compile(Adam(lr=0.002), loss="sparse_categorical_crossentropy")
history = model.fit(x, y, batch_size=64, nb_epoch=epochs, verbose=0)
print("loss %.3f" % history.history["loss"][-1])

written = "the cat "
for _ in range(40):
    given = np.array([[chars.index(char) for char in written[-n_steps:]]])
    written += chars[np.argmax(model.predict(given))]
print(written)
