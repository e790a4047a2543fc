"""Keras 1: merge and Merge, layers of one's own, functions of the backend, stateful LSTM."""

import numpy as np
from keras import backend as K
from keras.engine.topology import InputSpec
from keras.initializations import normal
from keras.layers import *
from keras.models import Model, Sequential

rng = np.random.RandomState(2)

# two embeddings, their product and biases
user, item = Input(shape=(1,), dtype="int32"), Input((1,), dtype="int32")
u = Embedding(9, 3, input_length=1, dropout=0.2)(user)
v = Embedding(7, 3, input_length=1, init="normal")(item)
together = merge([u, v], mode="dot", dot_axes=2)
score = Flatten()(together)
both = merge([Flatten()(u), Flatten()(v)], mode="concat", concat_axis=-1)
score = merge(
    [score, Dense(output_dim=1)(both)], mode=lambda pair: pair[0] + pair[1], output_shape=(1,)
)
model = Model(input=[user, item], output=score)
model.compile("adam", "mse")
users, items = rng.randint(0, 9, 50), rng.randint(0, 7, 50)
model.fit([users, items], (users % 2).astype("float32"), batch_size=10, nb_epoch=2, verbose=0)
assert model.predict([users, items]).shape == (50, 1)

# branches of a Sequential
left, right = Sequential(), Sequential()
left.add(Dense(4, input_dim=3))
right.add(Dense(4, input_dim=2))
joined = Sequential()
joined.add(Merge([left, right], mode="concat", concat_axis=1))
joined.add(Dense(5, activation="relu"))
joined.add(Dense(1, activation="sigmoid"))
joined.compile(loss="binary_crossentropy", optimizer="rmsprop", metrics=["acc"])
a, b = rng.rand(20, 3), rng.rand(20, 2)
before = joined.layers[-1].get_weights()[0].copy(), left.layers[0].get_weights()[0].copy()
joined.fit([a, b], rng.randint(0, 2, 20), nb_epoch=1, verbose=0)
assert joined.predict([a, b]).shape == (20, 1)
assert not np.allclose(before[1], left.layers[0].get_weights()[0])


class Scale(Layer):
    def __init__(self, start=2.0, **kwargs):
        self.start = start
        self.input_spec = [InputSpec(ndim=2)]
        super(Scale, self).__init__(**kwargs)

    def build(self, input_shape):
        self.factor = K.variable(self.start * np.ones(input_shape[-1]))
        self.shift = self.add_weight((input_shape[-1],), initializer="zero", name="shift")
        self.trainable_weights = [self.factor, self.shift]

    def call(self, x, mask=None):
        return K.in_train_phase(x * self.factor, 10 * x) + self.shift

    def get_output_shape_for(self, input_shape):
        return input_shape


own = Sequential([Scale(3.0, input_shape=(2,)), Dense(1, init=normal)])
assert own.layers[0].name == "scale_1" and len(own.layers[0].trainable_weights) == 2
middle = K.function([own.layers[0].input, K.learning_phase()], [own.layers[0].output])
x = np.array([[1.0, 2.0]], "float32")
assert np.allclose(middle([x, 1])[0], 3 * x) and np.allclose(middle([x, 0])[0], 10 * x)

# the derivative of an output by the input
out = K.sum(K.square(own.layers[0].input) * 3)
(slope,) = K.gradients(out, [own.layers[0].input])
assert np.allclose(K.function([own.layers[0].input], [slope])([x])[0], 6 * x)

# a stateful recurrent layer that goes on where it was
steps = Sequential()
steps.add(
    LSTM(4, batch_input_shape=(2, 3, 1), stateful=True, return_sequences=True, consume_less="gpu")
)
steps.add(TimeDistributed(Dense(1)))
steps.compile(loss="mse", optimizer="rmsprop")
data = rng.rand(2, 3, 1)
first = steps.predict(data)
assert not np.allclose(first, steps.predict(data))
steps.reset_states()
assert np.allclose(first, steps.predict(data), atol=1e-6)
print("graphs done")
