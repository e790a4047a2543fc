"""A network with one hidden layer, dropout and momentum, as Theano programs were written."""

from collections import OrderedDict

import numpy as np
import theano
import theano.tensor as T
from theano.tensor.shared_randomstreams import RandomStreams

rng = np.random.RandomState(1)
srng = RandomStreams(rng.randint(2**30))
images = rng.rand(200, 16).astype(theano.config.floatX)
labels = (images[:, :4].sum(1) > images[:, 4:8].sum(1)).astype("int32")


def shared(shape, name):
    value = np.asarray(rng.uniform(-0.5, 0.5, shape), dtype=theano.config.floatX)
    return theano.shared(value, name=name, borrow=True)


class Layer(object):
    def __init__(self, input, size, units, activation):
        self.W = shared((size, units), "W")
        self.b = theano.shared(np.zeros(units, theano.config.floatX), name="b")
        linear = T.dot(input, self.W) + self.b
        self.output = linear if activation is None else activation(linear)
        self.params = [self.W, self.b]


def dropout(x, p):
    return x * srng.binomial(x.shape, p=1 - p, dtype=theano.config.floatX) / (1 - p)


x, y, index, rate = T.matrix("x"), T.ivector("y"), T.lscalar("index"), T.scalar("rate")
hidden = Layer(x, 16, 12, T.tanh)
top = Layer(dropout(hidden.output, 0.1), 12, 2, None)
probabilities = T.nnet.softmax(top.output)
cost = -T.mean(T.log(probabilities)[T.arange(y.shape[0]), y]) + 1e-4 * (hidden.W**2).sum()
params = hidden.params + top.params
updates = OrderedDict()
for param, gradient in zip(params, T.grad(cost, params)):
    velocity = theano.shared(param.get_value() * 0.0)
    updates[velocity] = 0.9 * velocity - rate * gradient
    updates[param] = param + updates[velocity]

data, targets = theano.shared(images, borrow=True), T.cast(theano.shared(labels), "int32")
batch = 20
train = theano.function(
    inputs=[index, theano.In(rate, value=0.1)],
    outputs=cost,
    updates=updates,
    givens={
        x: data[index * batch : (index + 1) * batch],
        y: targets[index * batch : (index + 1) * batch],
    },
)
first = np.mean([train(i) for i in range(10)])
for _ in range(30):
    last = np.mean([train(i, 0.1) for i in range(10)])
errors = theano.function([x, y], T.mean(T.neq(T.argmax(probabilities, axis=1), y)))
print("errors %.2f" % errors(images, labels))
assert last < 0.6 * first and errors(images, labels) < 0.2
print("mlp done")
