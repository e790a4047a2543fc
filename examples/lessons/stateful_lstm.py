"""A stateful network: each row of a batch continues where it ended in the previous one."""

from material import arguments, numbered, text

from hornbook import Input, Sequential
from hornbook.layers import LSTM, BatchNormalization, Dense, Embedding
from hornbook.optimizers import Adam
from hornbook.utils import set_random_seed

set_random_seed(0)
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
        Input(batch_shape=(batch_size, n_steps)),
        Embedding(n_chars, n_factors),
        BatchNormalization(),
        LSTM(n_hidden, return_sequences=True, stateful=True),
        Dense(n_chars, activation="softmax"),
    ]
)
model.compile(Adam(0.01), "sparse_categorical_crossentropy")
for epoch in range(epochs):
    model.layers[2].reset_states()  # the text starts over
    history = model.fit(x, y, batch_size=batch_size, shuffle=False, verbose=0)
    if epoch in (0, epochs // 2, epochs - 1):
        print(f"epoch {epoch + 1}: loss {history.history['loss'][0]:.3f}")
