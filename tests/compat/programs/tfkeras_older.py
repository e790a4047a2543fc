"""Habits of tf.keras up to TensorFlow 2.15 that Keras 3 dropped."""

import numpy as np
from tensorflow import keras
from tensorflow.keras import layers
from tensorflow.keras import backend as K

x, y = np.ones((8, 2), "float32"), np.zeros((8, 1), "float32")


def batches():
    while True:
        yield x, y


def linear(**rate):
    model = keras.Sequential([layers.Dense(1, kernel_initializer="ones", input_shape=[2])])
    model.compile(keras.optimizers.SGD(**rate), "mse", metrics=["accuracy"])
    return model


# The gradients of the kernel are twice the output; the rates of the steps are 0.1 and 0.05.
model = linear(lr=0.1, decay=1.0)
history = model.fit_generator(batches(), 2, 1, verbose=0, workers=1)
output = 2.0
for rate in (0.1, 0.05):
    output -= 3 * rate * 2 * output
print(np.allclose(model.predict_generator(batches(), steps=1), output, atol=1e-6))
print(model.predict_classes(x, verbose=0).tolist() == [[int(output > 0.5)]] * 8)
print(history.history["acc"] == history.history["accuracy"])

model = linear(learning_rate=0.1)
K.set_value(model.optimizer.lr, 0.5)
save = keras.callbacks.ModelCheckpoint("w{epoch}.h5", period=2, save_weights_only=True)
saved = []
model.save_weights = lambda path, **options: saved.append(path)
slower = keras.callbacks.LearningRateScheduler(lambda epoch, lr: lr / 2)
history = model.fit(x, y, epochs=3, verbose=0, callbacks=[save, slower], use_multiprocessing=False)
print(history.history["lr"], saved, float(K.get_value(model.optimizer.lr)))

norm = layers.BatchNormalization(fused=True, renorm=False)
print("fused" in norm.get_config(), layers.BatchNormalization.from_config(norm.get_config()).axis)


class Scaled(layers.Layer):
    def __init__(self, fused=True, **kwargs):
        super().__init__(dynamic=True, **kwargs)
        self.fused = fused

    def get_config(self):
        return {**super().get_config(), "fused": self.fused}


print(Scaled(fused=False).get_config()["fused"], Scaled(fused=None, name="a").name)
huber = keras.losses.Huber(reduction=keras.losses.Reduction.NONE)
print(huber(y, y + 1).numpy().tolist()[:2], layers.ThresholdedReLU(1.0)(2 * x).numpy().max())
cell = layers.LSTMCell(3)
print([s.shape == (2, 3) for s in cell.get_initial_state(batch_size=2, dtype="float32")])
print(cell.get_initial_state(inputs=x)[0].shape == (8, 3), layers.LSTM(3, time_major=False).units)
keras.callbacks.TensorBoard("logs", write_grads=True, batch_size=8)
print("older done")
