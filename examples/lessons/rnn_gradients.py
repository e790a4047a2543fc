"""The same network as layers: automatic derivatives, checked in the same way."""

import jax
import numpy as np
from material import arguments, numbered, text

from hornbook import Input, Sequential
from hornbook.layers import Dense, SimpleRNN
from hornbook.losses import CategoricalCrossentropy
from hornbook.optimizers import SGD

path, epochs = arguments(epochs=1)
chars, numbers = numbered(text(path, sentences=150))
n_steps, n_chars, n_hidden, rate = 8, len(chars), 32, 0.01

pieces = (len(numbers) - 1) // n_steps
one_hot = np.eye(n_chars, dtype="float32")
x = one_hot[numbers[: pieces * n_steps]].reshape(pieces, n_steps, n_chars)
y = one_hot[numbers[1 : pieces * n_steps + 1]].reshape(pieces, n_steps, n_chars)

random = np.random.RandomState(0)
W_x = random.normal(scale=np.sqrt(2 / n_chars), size=(n_chars, n_hidden))
W_y = random.normal(scale=np.sqrt(2 / n_hidden), size=(n_hidden, n_chars))

model = Sequential(
    [
        Input((n_steps, n_chars)),
        SimpleRNN(n_hidden, "relu", return_sequences=True),
        Dense(n_chars, "softmax"),
    ]
)
names = ["W_x", "W_h", "b_h", "W_y", "b_y"]
model.set_weights([W_x, np.eye(n_hidden), np.full(n_hidden, 0.01), W_y, np.zeros(n_chars)])
total = CategoricalCrossentropy(reduction="sum")


def error(weights, x, y):
    """The loss as a function of the weights."""
    return total(y, model.stateless_call(weights, fixed, x)[0])


weights = [v.value for v in model.trainable_variables]
fixed = [v.value for v in model.non_trainable_variables]
derivatives = jax.grad(error)(weights, x[:1], y[:1])
for i, name in enumerate(names):
    place = np.unravel_index(np.abs(derivatives[i]).argmax(), derivatives[i].shape)
    up, down = list(weights), list(weights)
    up[i], down[i] = weights[i].at[place].add(1e-3), weights[i].at[place].add(-1e-3)
    measured = (error(up, x[:1], y[:1]) - error(down, x[:1], y[:1])) / 2e-3
    print(f"{name}: {derivatives[i][place]:.6f} derived, {measured:.6f} measured,", end=" ")
    print("right" if np.isclose(derivatives[i][place], measured, rtol=1e-2) else "WRONG")

model.compile(SGD(rate), total)
for _ in range(epochs):
    errors = [model.train_on_batch(x[i : i + 1], y[i : i + 1]) for i in range(pieces)]
    for part in np.array_split(errors, 3):
        print(f"error {part.mean():.3f}")
