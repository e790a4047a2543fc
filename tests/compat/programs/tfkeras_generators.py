"""Autoencoders and adversarial networks, as in Geron's chapter 17, on small noise."""

import numpy as np
import tensorflow as tf

tf.random.set_seed(42)
x = np.random.default_rng(0).random((16, 4, 4)).astype("float32")


class DenseTranspose(tf.keras.layers.Layer):
    def __init__(self, dense, **kwargs):
        super().__init__(**kwargs)
        self.dense = dense

    def build(self, batch_input_shape):
        size = self.dense.input_shape[-1]
        self.scale = self.add_weight("scale", [], initializer="ones")
        self.biases = self.add_weight(name="bias", shape=size, initializer="zeros")
        super().build(batch_input_shape)

    def call(self, inputs):
        weighted = tf.matmul(inputs, tf.transpose(self.dense.weights[0]))
        return self.scale * weighted + self.biases


dense = tf.keras.layers.Dense(5, activation="relu")
encoder = tf.keras.Sequential([tf.keras.layers.Flatten(), dense])
decoder = tf.keras.Sequential([DenseTranspose(dense), tf.keras.layers.Reshape([4, 4])])
tied = tf.keras.Sequential([encoder, decoder])
tied.compile(loss="mse", optimizer="nadam")
tied.fit(x, x, epochs=1, verbose=0)
print(dense.input_shape, dense.output_shape.as_list(), tied.predict(x, verbose=0).shape)


class Sampling(tf.keras.layers.Layer):
    def call(self, inputs):
        mean, log_var = inputs
        return tf.random.normal(tf.shape(log_var)) * tf.exp(log_var / 2) + mean


inputs = tf.keras.layers.Input(shape=[4, 4])
z = tf.keras.layers.Flatten()(inputs)
mean, log_var = tf.keras.layers.Dense(2)(z), tf.keras.layers.Dense(2)(z)
coder = tf.keras.Model(inputs=[inputs], outputs=[mean, log_var, Sampling()([mean, log_var])])
codings = tf.keras.layers.Input(shape=[2])
outputs = tf.keras.layers.Reshape([4, 4])(tf.keras.layers.Dense(16)(codings))
generator = tf.keras.Model(inputs=[codings], outputs=[outputs])
_, _, drawn = coder(inputs)
vae = tf.keras.Model(inputs=[inputs], outputs=[generator(drawn)])
latent = -0.5 * tf.reduce_sum(1 + log_var - tf.exp(log_var) - tf.square(mean), axis=-1)
vae.add_loss(tf.reduce_mean(latent) / 16.0)
vae.compile(loss="mse", optimizer=tf.keras.optimizers.RMSprop())
vae.fit(x, x, epochs=1, verbose=0)
print(vae.predict(x, verbose=0).shape, generator(np.zeros((3, 2))).numpy().shape)

maker = tf.keras.Sequential([tf.keras.layers.Dense(16), tf.keras.layers.Reshape([4, 4])])
judge = tf.keras.Sequential([tf.keras.layers.Flatten(), tf.keras.layers.Dense(1, "sigmoid")])
gan = tf.keras.Sequential([maker, judge])
judge.compile(loss="binary_crossentropy", optimizer="rmsprop")
judge.trainable = False
gan.compile(loss="binary_crossentropy", optimizer="rmsprop")
judge(x)
for batch in tf.data.Dataset.from_tensor_slices(x).batch(8, drop_remainder=True).prefetch(1):
    made = maker(tf.random.normal(shape=[8, 3]))
    both = tf.concat([made, batch], axis=0)
    before = judge.get_weights()
    judge.train_on_batch(both, tf.constant([[0.0]] * 8 + [[1.0]] * 8))
    kept = judge.get_weights()
    print(np.array_equal(before[0], kept[0]), end=" ")
    gan.train_on_batch(tf.random.normal(shape=[8, 3]), tf.constant([[1.0]] * 8))
    print(np.array_equal(kept[0], judge.get_weights()[0]))
noise = tf.keras.layers.GaussianNoise(15.0)
print(noise(np.zeros((9, 99)), training=True).numpy().std() > 9)
pictures = [np.zeros((9, 8, 3), "uint8"), np.zeros((9, 8, 3), "uint8")]
print(tf.keras.layers.CenterCrop(height=4, width=6)(pictures).shape)
print("generators done")
