"""Keras 2: functional and sequential models, its callbacks, losses that read the graph."""

import numpy as np
import keras
from keras import backend as K
from keras import layers
from keras.callbacks import LambdaCallback, ReduceLROnPlateau
from keras.engine.topology import Layer
from keras.layers.merge import concatenate
from keras.models import Model, Sequential
from keras.objectives import binary_crossentropy
from keras.optimizers import Adam, RMSprop

assert keras.__version__.startswith("2.")
rng = np.random.RandomState(3)

pictures = Sequential()
pictures.add(layers.Conv2D(4, 3, 3, input_shape=(8, 8, 1), activation="relu"))
pictures.add(layers.MaxPooling2D((2, 2)))
pictures.add(layers.BatchNormalization(momentum=0.8))
pictures.add(layers.LeakyReLU(alpha=0.2))
pictures.add(layers.Flatten())
pictures.add(layers.Dense(1, activation="sigmoid"))
assert pictures.layers[0].kernel.shape == (3, 3, 1, 4)
assert pictures.layers[0].name == "conv2d_1"
pictures.compile(Adam(lr=0.0002, beta_1=0.5), loss="binary_crossentropy", metrics=["acc"])
X, y = rng.rand(32, 8, 8, 1), rng.randint(0, 2, 32)
seen = []
callbacks = [
    LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["accuracy"])),
    ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=0, epsilon=10.0),
]
pictures.fit(X, y, 8, 3, verbose=0, callbacks=callbacks, validation_split=0.25)
assert len(seen) == 3
assert K.get_value(pictures.optimizer.lr) < 0.0002


def batches():
    while True:
        yield X[:8], y[:8]


pictures.fit_generator(batches(), steps_per_epoch=2, epochs=2, verbose=0, workers=1)
assert pictures.predict_generator(batches(), steps=2).shape == (16, 1)
assert pictures.train_on_batch(X[:8], y[:8])[1] <= 1

# an autoencoder whose loss reads the graph, in both ways of writing it
inputs = layers.Input(shape=(12,))
h = layers.Dense(8, activation="relu")(inputs)
z_mean, z_log_var = layers.Dense(2)(h), layers.Dense(2)(h)


def sampling(args):
    mean, log_var = args
    noise = K.random_normal(shape=(K.shape(mean)[0], K.int_shape(mean)[1]), mean=0.0, stddev=1.0)
    return mean + K.exp(0.5 * log_var) * noise


z = layers.Lambda(sampling, output_shape=(2,))([z_mean, z_log_var])
decoded = layers.Dense(12, activation="sigmoid")(z)


def vae_loss(x, x_decoded):
    kl = -0.5 * K.mean(1 + z_log_var - K.square(z_mean) - K.exp(z_log_var), axis=-1)
    return 12 * binary_crossentropy(x, x_decoded) + kl


data = rng.rand(40, 12)
vae = Model(inputs, decoded)
vae.compile(optimizer=RMSprop(lr=0.01), loss=vae_loss)
losses = vae.fit(data, data, epochs=8, batch_size=10, verbose=0, validation_data=(data, data))
assert losses.history["loss"][-1] < losses.history["loss"][0]
again = Model(inputs, decoded)
again.add_loss(K.mean(vae_loss(inputs, decoded)))
again.compile(optimizer="rmsprop")
again.fit(data, None, epochs=1, verbose=0)


class Antirectifier(Layer):
    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="k", shape=(2 * input_shape[-1], 3), initializer="uniform"
        )
        super(Antirectifier, self).build(input_shape)

    def call(self, x):
        x = K.l2_normalize(x - K.mean(x, axis=1, keepdims=True), axis=1)
        return K.dot(K.concatenate([K.relu(x), K.relu(-x)], axis=1), self.kernel)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 3)


words = layers.Input(shape=(None,), dtype="int32")
e = layers.Embedding(20, 4)(words)
out = concatenate([layers.LSTM(3)(e), layers.GRU(3, recurrent_dropout=0.1)(e)])
out = Antirectifier()(out)
mixed = Model(inputs=words, outputs=out)
mixed.compile(loss="mse", optimizer="adam", metrics=["mae"])
history = mixed.fit(rng.randint(0, 20, (12, 5)), np.zeros((12, 3)), epochs=1, verbose=0)
assert "mean_absolute_error" in history.history and history.history["mae"]
assert mixed.layers[2].recurrent_activation(np.float32(1.0)) == np.float32(0.7)
copy = Model.from_config(mixed.get_config(), custom_objects={"Antirectifier": Antirectifier})
assert [type(one).__name__ for one in copy.layers][1] == "Embedding"
print("models done")
