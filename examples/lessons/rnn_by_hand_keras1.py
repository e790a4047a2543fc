"""A recurrent network without a recurrent layer: one dense layer, applied at each character."""

import numpy as np
from keras.layers import Dense, Embedding, Flatten, Input, merge
from keras.models import Model
from keras.optimizers import Adam
from material import arguments, numbered, text

np.random.seed(0)
path, epochs = arguments(epochs=8)
chars, numbers = numbered(text(path))
n_steps, n_chars, n_factors, n_hidden = 8, len(chars), 16, 64

columns = [numbers[i : len(numbers) - n_steps + i] for i in range(n_steps + 1)]
x, y = columns[:-1], columns[-1]

dense_in = Dense(n_hidden, activation="relu")
dense_hidden = Dense(n_hidden, activation="relu", init="identity")  # initially keeps its state
dense_out = Dense(n_chars, activation="softmax")

inputs = [Input(shape=(1,), dtype="int32") for _ in range(n_steps)]
embedded = [Flatten()(Embedding(n_chars, n_factors, input_length=1)(c)) for c in inputs]

hidden = dense_in(embedded[0])
for character in embedded[1:]:
    hidden = dense_hidden(hidden)
    hidden = merge([dense_in(character), hidden], mode="sum")

model = Model(inputs, dense_out(hidden))
model.compile(Adam(lr=0.002), loss="sparse_categorical_crossentropy")
history = model.fit(x, y, batch_size=64, nb_epoch=epochs, verbose=0)
print("loss %.3f" % history.history["loss"][-1])

for start in ("the cat ", " sleeps ", "ld man r"):
    given = [np.array([chars.index(char)]) for char in start]
    print("%r -> %r" % (start, chars[np.argmax(model.predict(given))]))
