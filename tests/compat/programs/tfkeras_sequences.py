"""Sequences, as in Geron's chapters 15 and 16: files in folders, backend functions, text, attention."""

import os
import tarfile
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras
from tensorflow import keras

print(tf_keras is keras)
os.chdir(os.environ["PROGRAM_DATA"])
Path("chorales/train").mkdir(parents=True)
Path("chorales/train/one.csv").write_text("note\n60\n")
with tarfile.open("chorales.tgz", "w:gz") as archive:
    archive.add("chorales/train", "train")
path = keras.utils.get_file(
    "songs.tgz", Path("chorales.tgz").absolute().as_uri(), cache_dir=".", extract=True
)
print("_extracted" in path, [one.name for one in Path(path).parent.glob("train/*.csv")])

tokenizer = keras.preprocessing.text.Tokenizer(char_level=True)
tokenizer.fit_on_texts("To be or not to be")
ids = tf.constant(tokenizer.texts_to_sequences(["to be"]))
print(tokenizer.sequences_to_texts(ids), tokenizer.sequences_to_texts(np.array(ids) * 1))

K = keras.backend
inputs = keras.layers.Input(shape=[None])
mask = K.not_equal(inputs, 0)
z = keras.layers.Embedding(12, 4)(inputs)
z = keras.layers.GRU(3, return_sequences=True)(z, mask=mask)
z = keras.layers.Attention(use_scale=True, causal=True)([z, z])
outputs = keras.layers.TimeDistributed(keras.layers.Dense(12, activation="softmax"))(z)
model = keras.models.Model(inputs=[inputs], outputs=[outputs])
model.compile(loss="sparse_categorical_crossentropy", optimizer="nadam")
best = keras.callbacks.ModelCheckpoint("my_model", monitor="loss", save_best_only=True)
weights = keras.callbacks.ModelCheckpoint("run/cp-{epoch:04d}.ckpt", save_weights_only=True)
x = np.random.default_rng(0).integers(1, 12, (8, 5))
model.fit(x, x, epochs=2, verbose=0, callbacks=[best, weights])
print(K.batch_flatten(x[:, None]).shape, K.int_shape(outputs))
model.load_weights("run/cp-0002.ckpt")
again = keras.models.load_model("my_model")
print(np.allclose(again.predict(x, verbose=0), model.predict(x, verbose=0)))
later = np.where(np.arange(5) < 3, x, 1)
print(np.allclose(model(x)[:, :3], model(later)[:, :3], atol=1e-6))
tf.saved_model.save(model, "served/0001")
model.save("other", save_format="tf")
print(all(os.path.isdir(name) for name in ("my_model", "served/0001", "other")))
print(np.allclose(tf.saved_model.load("served/0001")(x), model(x)))
print("sequences done")
