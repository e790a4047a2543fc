"""CSV files through tf.data, as in Geron's chapter on loading data."""

import os

import numpy as np
import tensorflow as tf
from tensorflow import keras

X = tf.range(10)
dataset = tf.data.Dataset.from_tensor_slices(X)
for item in dataset.take(2):
    print(item.numpy())
dataset = dataset.repeat(3).batch(7)
for item in dataset.skip(4):
    print(item.numpy())
dataset = dataset.map(lambda x: x * 2)
print([item.numpy().tolist() for item in dataset.filter(lambda x: tf.reduce_sum(x) > 60)])
X_nested = {"a": ([1, 2, 3], [4, 5, 6]), "b": [7, 8, 9]}
for item in tf.data.Dataset.from_tensor_slices(X_nested).take(1):
    print({key: np.shape(value) for key, value in item.items()}, item["a"][1].numpy())
dataset = tf.data.Dataset.range(10).repeat(2).shuffle(buffer_size=4, seed=42).batch(7)
print(sorted(int(n) for item in dataset for n in item.numpy()) == sorted([*range(10)] * 2))

n_inputs = 3
folder = os.environ["PROGRAM_DATA"]
filepaths = []
for i in range(3):
    filepaths.append(os.path.join(folder, f"my_train_{i:02d}.csv"))
    rows = np.random.RandomState(i).normal(size=(8, n_inputs + 1)).round(3)
    with open(filepaths[-1], "wt", encoding="utf-8") as f:
        f.write("a,b,c,target\n")
        f.writelines(",".join(map(repr, map(float, row))) + "\n" for row in rows)

filepath_dataset = tf.data.Dataset.list_files(filepaths, seed=42)
dataset = filepath_dataset.interleave(
    lambda filepath: tf.data.TextLineDataset(filepath).skip(1), cycle_length=3
)
for line in dataset.take(2):
    assert line.numpy().decode("utf-8").count(",") == 3
record_defaults = [0, np.nan, tf.constant(np.nan, dtype=tf.float64), "Hello", tf.constant([])]
print([np.asarray(field).tolist() for field in tf.io.decode_csv("1,2,3,4,5", record_defaults)])
try:
    tf.io.decode_csv(",,,,", record_defaults)
except Exception as ex:
    print(type(ex).__name__)

X_mean, X_std = np.zeros(n_inputs, "float32"), np.ones(n_inputs, "float32")


@tf.function
def parse_csv_line(line):
    defs = [0.0] * n_inputs + [tf.constant([], dtype=tf.float32)]
    fields = tf.io.decode_csv(line, record_defaults=defs)
    return tf.stack(fields[:-1]), tf.stack(fields[-1:])


def preprocess(line):
    x, y = parse_csv_line(line)
    return (x - X_mean) / X_std, y


def csv_reader_dataset(filepaths, n_readers=5, batch_size=8):
    dataset = tf.data.Dataset.list_files(filepaths)
    dataset = dataset.interleave(
        lambda filepath: tf.data.TextLineDataset(filepath).skip(1), cycle_length=n_readers
    )
    dataset = dataset.map(preprocess, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.shuffle(100).batch(batch_size).prefetch(1)


train_set = csv_reader_dataset(filepaths)
for X_batch, y_batch in train_set.take(1):
    print(X_batch.shape, y_batch.shape, X_batch.dtype)
model = keras.models.Sequential([keras.layers.Dense(1, input_shape=[n_inputs])])
model.compile(loss="mse", optimizer=keras.optimizers.Adam(learning_rate=1e-3))
model.fit(train_set, epochs=1, validation_data=train_set.take(1), verbose=0)
new_set = train_set.take(2).map(lambda X, y: X)
print(model.predict(new_set, verbose=0).shape)
print("rows done")
