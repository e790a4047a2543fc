"""A recurrent network in Theano: `scan` loops, `grad` differentiates, `function` compiles."""

from collections import OrderedDict

import numpy as np
import theano
import theano.tensor as T
from material import arguments, numbered, text
from theano import shared

path, epochs = arguments(epochs=2)
chars, numbers = numbered(text(path))
n_steps, n_chars, n_hidden, rate = 8, len(chars), 64, 0.01

pieces = (len(numbers) - 1) // n_steps
one_hot = np.eye(n_chars, dtype=theano.config.floatX)
x = one_hot[numbers[: pieces * n_steps]].reshape(pieces, n_steps, n_chars)
y = one_hot[numbers[1 : pieces * n_steps + 1]].reshape(pieces, n_steps, n_chars)

random = np.random.RandomState(0)


def weights(rows, columns):
    """A matrix scaled to preserve the variance, and a zero bias."""
    matrix = random.normal(scale=np.sqrt(2.0 / rows), size=(rows, columns))
    return [
        shared(matrix.astype(theano.config.floatX)),
        shared(np.zeros(columns, dtype=theano.config.floatX)),
    ]


W_x, b_x = weights(n_chars, n_hidden)
W_y, b_y = weights(n_hidden, n_chars)
W_h = shared(np.eye(n_hidden, dtype=theano.config.floatX))  # initially keeps its state
parameters = [W_h, W_x, b_x, W_y, b_y]

t_x, t_y = T.matrix("x"), T.matrix("y")
t_h0, t_rate = T.vector("h0"), T.scalar("rate")


def step(x, h, W_h, W_x, b_x, W_y, b_y):
    """Map a character and the previous state to the next state and the output probabilities."""
    h = T.nnet.relu(T.dot(x, W_x) + b_x + T.dot(h, W_h))
    y = T.nnet.softmax(T.dot(h, W_y) + b_y)
    return h, T.flatten(y, 1)


(v_h, v_y), _ = theano.scan(
    step, sequences=t_x, outputs_info=[t_h0, None], non_sequences=parameters
)
error = T.nnet.categorical_crossentropy(v_y, t_y).sum()
gradients = T.grad(error, parameters)
updates = OrderedDict((p, p - t_rate * g) for p, g in zip(parameters, gradients))
train = theano.function([t_h0, t_x, t_y, t_rate], error, updates=updates, allow_input_downcast=True)
predict = theano.function([t_h0, t_x], v_y, allow_input_downcast=True)

h0 = np.zeros(n_hidden)
for _ in range(epochs):
    errors = [float(train(h0, x[i], y[i], rate)) for i in range(pieces)]
    for part in np.array_split(errors, 3):
        print("error %.3f" % part.mean())

start = "the old "
for char, following in zip(start, predict(h0, one_hot[[chars.index(char) for char in start]])):
    print("%r -> %r" % (char, chars[np.argmax(following)]))
