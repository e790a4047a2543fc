"""Windows of a time series, as in Geron's book and the tutorial "Time series forecasting"."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

tf.random.set_seed(42)
np.random.seed(42)

my_series = [0, 1, 2, 3, 4, 5]
my_dataset = tf.keras.utils.timeseries_dataset_from_array(
    my_series, targets=my_series[3:], sequence_length=3, batch_size=2
)
print(list(my_dataset.as_numpy_iterator())[1][1])
for window_dataset in tf.data.Dataset.range(6).window(4, shift=1):
    for element in window_dataset:
        print(f"{element}", end=" ")
    print()

dataset = tf.data.Dataset.range(6).window(4, shift=1, drop_remainder=True)
dataset = dataset.flat_map(lambda window_dataset: window_dataset.batch(4))
for window_tensor in dataset:
    print(f"{window_tensor}")


def to_windows(dataset, length):
    dataset = dataset.window(length, shift=1, drop_remainder=True)
    return dataset.flat_map(lambda window_ds: window_ds.batch(length))


def to_seq2seq_dataset(series, seq_length=8, ahead=2, target_col=1, batch_size=8, shuffle=False):
    ds = to_windows(tf.data.Dataset.from_tensor_slices(series), ahead + 1)
    ds = to_windows(ds, seq_length).map(lambda S: (S[:, 0], S[:, 1:, target_col]))
    if shuffle:
        ds = ds.shuffle(8 * batch_size, seed=42)
    return ds.batch(batch_size)


time = np.arange(60, dtype="float32")
series = np.stack([np.sin(time / 5), np.cos(time / 5)], axis=1).astype("float32")
train = to_seq2seq_dataset(series[:40], shuffle=True)
valid = to_seq2seq_dataset(series[40:])
X, Y = next(iter(train))
print(X.shape, Y.shape, X.shape.as_list(), X.dtype == tf.float32)
print(tf.reduce_mean(tf.abs(X)).numpy() < 1, tf.shape(Y)[0])

model = keras.Sequential(
    [keras.layers.SimpleRNN(4, return_sequences=True, input_shape=[None, 2]), keras.layers.Dense(2)]
)
model.compile(
    loss=keras.losses.Huber(), optimizer=keras.optimizers.SGD(learning_rate=0.1), metrics=["mae"]
)
model.fit(
    train,
    validation_data=valid,
    epochs=1,
    verbose=0,
    callbacks=[keras.callbacks.EarlyStopping(patience=2)],
)
Y_pred = model.predict(series[np.newaxis, :8], verbose=0)
print(Y_pred[0, -1].shape)


class LogHuber(keras.losses.Loss):
    def call(self, y_true, y_pred):
        error = y_true - y_pred
        small = tf.abs(error) < 1.0
        return tf.where(small, tf.square(error) / 2, tf.abs(error) - 0.5)


model.compile(loss=LogHuber(), optimizer="adam")
print(np.isfinite(model.evaluate(valid, verbose=0)))
print("windows done")
