"""Pictures in folders, as the tutorial "Load and preprocess images" reads them."""

import os
import pathlib

import numpy as np
import PIL.Image
import tensorflow as tf
from tensorflow.keras import layers

data_dir = pathlib.Path(os.environ["PROGRAM_DATA"]) / "flowers"
for number, name in enumerate(["daisy", "rose"]):
    (data_dir / name).mkdir(parents=True)
    for i in range(6):
        pixels = np.random.RandomState(i).randint(0, 90, (12, 10, 3)) + 150 * number
        PIL.Image.fromarray(pixels.astype("uint8")).save(data_dir / name / f"{i}.jpg")
image_count = len(list(data_dir.glob("*/*.jpg")))
print(tf.__version__, image_count)

batch_size = 4
img_height = img_width = 8
train_ds = tf.keras.utils.image_dataset_from_directory(
    data_dir,
    validation_split=0.34,
    subset="training",
    seed=123,
    image_size=(img_height, img_width),
    batch_size=batch_size,
)
class_names = train_ds.class_names
for images, labels in train_ds.take(1):
    for i in range(3):
        picture = images[i].numpy().astype("uint8")
        assert picture.shape == (8, 8, 3) and type(picture) is np.ndarray
        assert class_names[labels[i]] in ("daisy", "rose")
for image_batch, labels_batch in train_ds:
    print(image_batch.shape, labels_batch.shape)
    break

normalization_layer = tf.keras.layers.Rescaling(1.0 / 255)
normalized_ds = train_ds.map(lambda x, y: (normalization_layer(x), y))
image_batch, labels_batch = next(iter(normalized_ds))
first_image = image_batch[0]
assert 0 <= np.min(first_image) and np.max(first_image) <= 1

AUTOTUNE = tf.data.AUTOTUNE
train_ds = train_ds.cache().prefetch(buffer_size=AUTOTUNE)
model = tf.keras.Sequential(
    [
        tf.keras.layers.Rescaling(1.0 / 255),
        layers.Conv2D(4, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(2),
    ]
)
model.compile(
    optimizer="adam",
    loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
model.fit(train_ds, epochs=1, verbose=0)

list_ds = tf.data.Dataset.list_files(str(data_dir / "*/*"), shuffle=False)
list_ds = list_ds.shuffle(image_count, reshuffle_each_iteration=False)
for f in list_ds.take(2):
    assert f.numpy().endswith(b".jpg")
class_names = np.array(sorted([item.name for item in data_dir.glob("*")]))
val_size = int(image_count * 0.2)
train_ds, val_ds = list_ds.skip(val_size), list_ds.take(val_size)
print(tf.data.experimental.cardinality(train_ds).numpy(), val_ds.cardinality().numpy())


def get_label(file_path):
    parts = tf.strings.split(file_path, os.path.sep)
    one_hot = parts[-2] == class_names
    return tf.argmax(one_hot)


def decode_img(img):
    img = tf.io.decode_jpeg(img, channels=3)
    return tf.image.resize(img, [img_height, img_width])


def process_path(file_path):
    label = get_label(file_path)
    img = tf.io.read_file(file_path)
    img = decode_img(img)
    return img, label


train_ds = train_ds.map(process_path, num_parallel_calls=AUTOTUNE)
for image, label in train_ds.take(1):
    print("Image shape:", image.numpy().shape, "Label in range:", label.numpy() in (0, 1))
print(train_ds.batch(3).element_spec[0].shape)


def augment(image, label):
    image = tf.image.random_flip_left_right(image)
    image = tf.image.convert_image_dtype(image / 255.0, tf.float32)
    return tf.clip_by_value(image, 0, 1), label


model.fit(train_ds.map(augment).batch(4).repeat(), steps_per_epoch=2, epochs=1, verbose=0)
print("pictures done")
