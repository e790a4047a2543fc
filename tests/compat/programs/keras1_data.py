"""Where programs for Keras 1 had their data from: data sets, files, folders of pictures."""

import os
import pickle
import tempfile
import numpy as np
from PIL import Image
from keras import backend as K
from keras.applications import imagenet_utils, vgg16, vgg19
from keras.datasets import cifar10, imdb, mnist, reuters
from keras.layers import GRU, Dense, Flatten, Masking
from keras.models import Sequential
from keras.preprocessing import image
from keras.utils.data_utils import get_file

folder = tempfile.mkdtemp()
os.environ["HORNBOOK_DATA"] = folder
digits = np.arange(8 * 28 * 28).reshape(8, 28, 28).astype("uint8")
np.savez(
    os.path.join(folder, "mnist.npz"),
    x_train=digits,
    y_train=np.arange(8) % 3,
    x_test=digits[:2],
    y_test=np.arange(2),
)
texts = np.empty(10, object)
texts[:] = [list(range(1, 4 + i)) for i in range(10)]
np.savez(
    os.path.join(folder, "imdb.npz"),
    x_train=texts,
    y_train=np.arange(10) % 2,
    x_test=texts[:4],
    y_test=np.arange(4) % 2,
)
np.savez(os.path.join(folder, "reuters.npz"), x=texts, y=np.arange(10) % 3)
with open(os.path.join(folder, "imdb_word_index.json"), "w") as f:
    f.write('{"the": 1, "film": 2}')
with open(os.path.join(folder, "nietzsche.txt"), "w") as f:
    f.write("PREFACE")
os.mkdir(os.path.join(folder, "cifar-10-batches-py"))
for name in ["data_batch_%d" % i for i in range(1, 6)] + ["test_batch"]:
    with open(os.path.join(folder, "cifar-10-batches-py", name), "wb") as f:
        batch = {b"data": np.zeros((10000, 3072), "uint8"), b"labels": [1] * 10000}
        pickle.dump(batch, f, 2)

(X_train, y_train), (X_test, y_test) = mnist.load_data()
assert X_train.shape == (8, 28, 28) and list(y_test) == [0, 1]
(X_train, y_train), (X_test, y_test) = imdb.load_data(nb_words=5)
assert len(X_train) == 10 and max(map(max, X_train)) < 5
assert imdb.get_word_index()["film"] == 2
(X_train, y_train), (X_test, y_test) = reuters.load_data(nb_words=100, test_split=0.2)
assert len(X_train) == 8 and len(X_test) == 2
(X_train, y_train), (X_test, y_test) = cifar10.load_data()
assert X_train.shape in ((50000, 3, 32, 32), (50000, 32, 32, 3)) and y_train.shape == (50000, 1)
data, labels = cifar10.load_batch(os.path.join(folder, "cifar-10-batches-py", "test_batch"))
assert data.shape == (10000, 3, 32, 32) and labels[0] == 1
path = get_file("nietzsche.txt", origin="https://s3.amazonaws.com/text-datasets/nietzsche.txt")
assert open(path).read() == "PREFACE"

# a folder of pictures, a folder for each class
for kind, shade in [("cats", 40), ("dogs", 200)]:
    os.makedirs(os.path.join(folder, "train", kind))
    for i in range(4):
        picture = Image.new("RGB", (12, 10), (shade, shade + i, 0))
        picture.save(os.path.join(folder, "train", kind, "%d.jpg" % i))


def get_batches(path, gen=image.ImageDataGenerator(), shuffle=True, batch_size=4):
    return gen.flow_from_directory(
        path, target_size=(8, 8), class_mode="categorical", shuffle=shuffle, batch_size=batch_size
    )


batches = get_batches(os.path.join(folder, "train"), shuffle=False)
assert batches.class_indices == {"cats": 0, "dogs": 1} and batches.nb_class == 2
assert list(batches.classes) == [0] * 4 + [1] * 4 and batches.nb_sample == batches.N == 8
assert batches.filenames[0] == os.path.join("cats", "0.jpg")
shape = batches.next()[0].shape[1:]
batches.reset()
model = Sequential([Flatten(input_shape=shape), Dense(2, activation="softmax")])
model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
model.fit_generator(
    batches, batches.nb_sample, 1, verbose=0, validation_data=batches, nb_val_samples=4
)
assert model.predict_generator(batches, 8).shape == (8, 2)

# what a network for ImageNet is given
pictures = np.full((1, 3, 224, 224), 128.0)
K.set_image_dim_ordering("th")
for module in (vgg16, vgg19, imagenet_utils):
    prepared = module.preprocess_input(pictures.copy())
    assert np.allclose(prepared[0, :, 0, 0], 128 - np.array([103.939, 116.779, 123.68]), atol=1e-3)

layer = GRU(
    3, return_sequences=True, go_backwards=True, unroll=True, init="normal", input_shape=(4, 2)
)
assert layer.return_sequences and layer.go_backwards and layer.unroll
assert Masking().compute_mask(K.variable(np.ones((1, 2, 3)))) is not None
K.set_session(K.get_session())
print("data done")
