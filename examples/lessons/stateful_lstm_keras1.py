"""A stateful network: each row of a batch continues where it ended in the previous one."""

import numpy as np
from keras.layers import LSTM, BatchNormalization, Dense, Embedding, TimeDistributed
from keras.models import Sequential
from keras.optimizers import Adam
from material import arguments, numbered, text

np.random.seed(0)
path, epochs = arguments(epochs=15)
chars, numbers = numbered(text(path))
batch_size, n_steps, n_chars, n_factors, n_hidden = 16, 8, len(chars), 16, 64

# The text is cut into one strand per row of a batch. Batch i has piece i of every strand.
batches = (len(numbers) - 1) // (batch_size * n_steps)
length = batches * batch_size * n_steps


def strands(numbers):
    pieces = numbers[:length].reshape(batch_size, batches, n_steps)
    return pieces.swapaxes(0, 1).reshape(-1, n_steps)


x, y = strands(numbers), strands(numbers[1:])

model = Sequential(
    [
        Embedding(n_chars, n_factors, batch_input_shape=(batch_size, n_steps)),
        BatchNormalization(),
        LSTM(n_hidden, return_sequences=True, stateful=True),
        TimeDistributed(Dense(n_chars, activation="softmax")),
    ]
)
model.compile(Adam(lr=0.01), loss="sparse_categorical_crossentropy")
for epoch in range(epochs):
    model.reset_states()  # the text starts over
    history = model.fit(
        x, np.expand_dims(y, -1), batch_size=batch_size, nb_epoch=1, shuffle=False, verbose=0
    )
    if epoch in (0, epochs // 2, epochs - 1):
        print("epoch %d: loss %.3f" % (epoch + 1, history.history["loss"][0]))
