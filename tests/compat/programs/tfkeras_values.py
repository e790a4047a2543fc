"""Tensors and variables, as in Geron's chapter on TensorFlow and the basic tutorials."""

import numpy as np
import tensorflow as tf

t = tf.constant([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
print(t.shape, t.dtype == tf.float32, t[:, 1:].numpy().tolist(), t[..., 1, tf.newaxis].shape)
print((t + 10).numpy().tolist(), tf.square(t).numpy().sum(), (t @ tf.transpose(t)).numpy().shape)
print(tf.constant(42).numpy(), tf.constant(b"hello").numpy(), tf.constant("caf\u00e9").numpy())
print(
    tf.strings.length(tf.constant("caf\u00e9"), unit="UTF8_CHAR").numpy(),
    tf.strings.length("caf\u00e9").numpy(),
)
a = np.array([2.0, 4.0, 5.0])
print(
    tf.constant(a).dtype,
    np.square(t).shape,
    tf.cast(tf.constant(40.0, dtype=tf.float64), tf.float32) + 2,
)
v = tf.Variable([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
v.assign(2 * v)
v.assign_add(tf.ones_like(v))
print(v.numpy().tolist(), v.shape, v.trainable)
print(tf.reduce_mean(t, axis=0).numpy().tolist(), tf.reduce_sum(t, axis=1, keepdims=True).shape)
print(tf.concat([t, t], axis=0).shape, tf.stack([t, t]).shape, tf.reshape(t, [-1]).shape)
print(
    tf.argmax(t).numpy().tolist(),
    tf.argmax(t, axis=-1).numpy().tolist(),
    tf.one_hot([0, 2], depth=3).numpy().tolist(),
)
print(tf.nn.softmax(tf.zeros((1, 2))).numpy().tolist(), tf.math.log(tf.exp(1.0)).numpy().round(5))
print(
    tf.clip_by_value(t, 2, 5).numpy().max(),
    tf.where(t > 3, t, 0.0).numpy().sum(),
    tf.range(3).numpy(),
)
print(
    tf.random.uniform([2, 3], maxval=1).shape,
    tf.random.normal((2,)).dtype.name,
    tf.zeros([2]).numpy(),
)
print(len(tf.config.list_physical_devices("GPU")), tf.executing_eagerly())


@tf.function
def cube(x):
    return x**3


print(cube(tf.constant(2.0)).numpy())


class MyDense(tf.keras.layers.Layer):
    def __init__(self, units, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = tf.keras.activations.get(activation)

    def build(self, batch_input_shape):
        self.kernel = self.add_weight(
            name="kernel", shape=[batch_input_shape[-1], self.units], initializer="glorot_normal"
        )
        self.bias = self.add_weight(name="bias", shape=[self.units], initializer="zeros")

    def call(self, X):
        return self.activation(X @ self.kernel + self.bias)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


x = np.random.RandomState(0).normal(size=(16, 3)).astype("float32")
(x_train, y_train), model = (x, x.sum(1)), tf.keras.models.Sequential([MyDense(1)])
train_ds = tf.data.Dataset.from_tensor_slices((x_train, y_train)).shuffle(16).batch(8)


def huber_fn(y_true, y_pred):
    error = y_true - tf.squeeze(y_pred, -1)
    is_small_error = tf.abs(error) < 1
    return tf.where(is_small_error, tf.square(error) / 2, tf.abs(error) - 0.5)


model.compile(loss=huber_fn, optimizer="nadam")
model.fit(train_ds, epochs=1, verbose=0)
predictions = model(x_train[:1]).numpy()
print(
    predictions.shape, type(predictions) is np.ndarray, [x.numpy() for x in model.weights][1].shape
)
try:
    tf.no_such_name
except AttributeError as error:
    print("no_such_name" in str(error))
print("values done")
