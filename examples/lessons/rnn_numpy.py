"""A recurrent network in NumPy, with derivatives by hand and a numerical check."""

import numpy as np
from material import arguments, numbered, text

path, epochs = arguments(epochs=1)
chars, numbers = numbered(text(path, sentences=150))
n_steps, n_chars, n_hidden, rate = 8, len(chars), 32, 0.01

pieces = (len(numbers) - 1) // n_steps
one_hot = np.eye(n_chars)
x = one_hot[numbers[: pieces * n_steps]].reshape(pieces, n_steps, n_chars)
y = one_hot[numbers[1 : pieces * n_steps + 1]].reshape(pieces, n_steps, n_chars)

random = np.random.RandomState(0)
p = {
    "W_x": random.normal(scale=np.sqrt(2 / n_chars), size=(n_chars, n_hidden)),
    "W_h": np.eye(n_hidden),
    "b_h": np.full(n_hidden, 0.01),
    "W_y": random.normal(scale=np.sqrt(2 / n_hidden), size=(n_hidden, n_chars)),
    "b_y": np.zeros(n_chars),
}


def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def forward(p, x, y):
    """The loss, and the values that the backward pass needs."""
    h, error, seen = np.zeros(n_hidden), 0.0, []
    for x_t, y_t in zip(x, y):
        before = h
        z = x_t @ p["W_x"] + before @ p["W_h"] + p["b_h"]
        h = np.maximum(z, 0)
        likely = softmax(h @ p["W_y"] + p["b_y"])
        error -= (y_t * np.log(likely)).sum()
        seen.append((x_t, before, z, h, likely - y_t))
    return error, seen


def backward(p, seen):
    """The derivatives of the loss, from the last step to the first, by the chain rule."""
    d = {name: np.zeros_like(value) for name, value in p.items()}
    d_h = np.zeros(n_hidden)  # gradient from the next step
    for x_t, before, z, h, d_out in reversed(seen):  # softmax and loss combined: likely - y
        d["W_y"] += np.outer(h, d_out)
        d["b_y"] += d_out
        d_z = (d_out @ p["W_y"].T + d_h) * (z > 0)
        d["W_x"] += np.outer(x_t, d_z)
        d["W_h"] += np.outer(before, d_z)
        d["b_h"] += d_z
        d_h = d_z @ p["W_h"].T
    return d


def measured(p, x, y, name, place, step=1e-6):
    """A numerical derivative: the change in loss for a small change of one weight."""
    up, down = p[name].copy(), p[name].copy()
    up[place] += step
    down[place] -= step
    return (forward({**p, name: up}, x, y)[0] - forward({**p, name: down}, x, y)[0]) / (2 * step)


derivatives = backward(p, forward(p, x[0], y[0])[1])
for name, value in p.items():
    place = np.unravel_index(np.abs(derivatives[name]).argmax(), value.shape)
    by_hand, by_meaning = derivatives[name][place], measured(p, x[0], y[0], name, place)
    print(f"{name}: {by_hand:.6f} by hand, {by_meaning:.6f} measured,", end=" ")
    print("right" if np.isclose(by_hand, by_meaning, rtol=1e-4) else "WRONG")

for _ in range(epochs):
    errors = []
    for x_i, y_i in zip(x, y):
        error, seen = forward(p, x_i, y_i)
        for name, d in backward(p, seen).items():
            p[name] -= rate * d
        errors.append(error)
    for part in np.array_split(errors, 3):
        print(f"error {part.mean():.3f}")
