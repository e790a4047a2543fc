"""Texts in folders, as the tutorial "Basic text classification" reads them."""

import os
import re
import string

import tensorflow as tf
from tensorflow.keras import layers, losses

dataset_dir = os.path.join(os.environ["PROGRAM_DATA"], "aclImdb")
for name, word in (("neg", "dull"), ("pos", "lovely")):
    os.makedirs(os.path.join(dataset_dir, name))
    for i in range(10):
        with open(os.path.join(dataset_dir, name, f"{i}.txt"), "w", encoding="utf-8") as f:
            f.write(f"A {word} film,<br />quite {word}! Caf\u00e9 {i}.")

batch_size = 4
seed = 42
raw_train_ds = tf.keras.utils.text_dataset_from_directory(
    dataset_dir, batch_size=batch_size, validation_split=0.2, subset="training", seed=seed
)
for text_batch, label_batch in raw_train_ds.take(1):
    for i in range(3):
        assert isinstance(text_batch.numpy()[i], bytes)
        assert (b"lovely" in text_batch.numpy()[i]) == label_batch.numpy()[i]
print("Label 0 corresponds to", raw_train_ds.class_names[0])
raw_val_ds = tf.keras.utils.text_dataset_from_directory(
    dataset_dir, batch_size=batch_size, validation_split=0.2, subset="validation", seed=seed
)


def custom_standardization(input_data):
    lowercase = tf.strings.lower(input_data)
    stripped_html = tf.strings.regex_replace(lowercase, "<br />", " ")
    return tf.strings.regex_replace(stripped_html, "[%s]" % re.escape(string.punctuation), "")


vectorize_layer = layers.TextVectorization(
    standardize=custom_standardization, max_tokens=50, output_mode="int", output_sequence_length=8
)
train_text = raw_train_ds.map(lambda x, y: x)
vectorize_layer.adapt(train_text)


def vectorize_text(text, label):
    text = tf.expand_dims(text, -1)
    return vectorize_layer(text), label


text_batch, label_batch = next(iter(raw_train_ds))
first_review, first_label = text_batch[0], label_batch[0]
print("Label", raw_train_ds.class_names[first_label] in ("neg", "pos"))
print("Vectorized", vectorize_text(first_review, first_label)[0].shape)
print("2 ---> ", vectorize_layer.get_vocabulary()[2])

train_ds = raw_train_ds.map(vectorize_text).cache().prefetch(buffer_size=tf.data.AUTOTUNE)
val_ds = raw_val_ds.map(vectorize_text).cache(os.path.join(dataset_dir, "cached"))
model = tf.keras.Sequential(
    [
        layers.Embedding(50, 4),
        layers.Dropout(0.2),
        layers.GlobalAveragePooling1D(),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(
    loss=losses.BinaryCrossentropy(),
    optimizer="adam",
    metrics=[tf.metrics.BinaryAccuracy(threshold=0.5)],
)
history = model.fit(train_ds, validation_data=val_ds, epochs=2, verbose=0)
print(sorted(history.history))
loss, accuracy = model.evaluate(val_ds, verbose=0)
export_model = tf.keras.Sequential([vectorize_layer, model])
examples = tf.constant(["The movie was lovely!", "The movie was dull."])
print(export_model.predict(examples, verbose=0).shape)
print("texts done")
