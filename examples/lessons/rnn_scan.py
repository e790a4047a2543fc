"""The Theano program today: `scan` is the loop, JAX differentiates it and compiles the step."""

import jax
import jax.numpy as jnp
import numpy as np
from material import arguments, numbered, text

from hornbook import ops

path, epochs = arguments(epochs=2)
chars, numbers = numbered(text(path))
n_steps, n_chars, n_hidden, rate = 8, len(chars), 64, 0.01

pieces = (len(numbers) - 1) // n_steps
one_hot = np.eye(n_chars, dtype="float32")
x = one_hot[numbers[: pieces * n_steps]].reshape(pieces, n_steps, n_chars)
y = one_hot[numbers[1 : pieces * n_steps + 1]].reshape(pieces, n_steps, n_chars)

random = np.random.RandomState(0)


def matrix(rows, columns):
    """A matrix scaled to preserve the variance."""
    return random.normal(scale=np.sqrt(2 / rows), size=(rows, columns)).astype("float32")


parameters = {
    "W_x": matrix(n_chars, n_hidden),
    "b_x": np.zeros(n_hidden, "float32"),
    "W_y": matrix(n_hidden, n_chars),
    "b_y": np.zeros(n_chars, "float32"),
    "W_h": np.eye(n_hidden, dtype="float32"),  # initially keeps its state
}


def predict(p, h0, x):
    """The probabilities of the next character, at every step."""

    def step(h, x):
        h = ops.relu(x @ p["W_x"] + p["b_x"] + h @ p["W_h"])
        return h, ops.softmax(h @ p["W_y"] + p["b_y"])

    return ops.scan(step, h0, x)[1]


def error(p, h0, x, y):
    return ops.categorical_crossentropy(y, predict(p, h0, x)).sum()


@jax.jit
def train(p, h0, x, y, rate):
    """The loss, and the parameters after a gradient step."""
    loss, gradients = jax.value_and_grad(error)(p, h0, x, y)
    return loss, jax.tree.map(lambda p, g: p - rate * g, p, gradients)


h0 = jnp.zeros(n_hidden)
for _ in range(epochs):
    errors = []
    for i in range(pieces):
        loss, parameters = train(parameters, h0, x[i], y[i], rate)
        errors.append(float(loss))
    for part in np.array_split(errors, 3):
        print(f"error {part.mean():.3f}")

start = "the old "
following = predict(parameters, h0, one_hot[[chars.index(char) for char in start]])
for char, likely in zip(start, following):
    print(f"{char!r} -> {chars[int(likely.argmax())]!r}")
