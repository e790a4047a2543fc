"""Ways of writing for Keras 1 that courses and their readers had."""

import os
import tempfile
import numpy as np
from keras import backend as K
from keras import initializations
from keras.callbacks import Callback, ModelCheckpoint
from keras.applications.resnet50 import conv_block, identity_block
from keras.engine.topology import get_source_inputs
from keras.engine.training import slice_X
from keras.layers import *
from keras.layers.convolutional import *
from keras.layers.advanced_activations import LeakyReLU
from keras.metrics import categorical_accuracy, categorical_crossentropy, mse
from keras.models import Model, Sequential
from keras.objectives import binary_crossentropy
from keras.optimizers import Adam, RMSprop, SGD
from keras.preprocessing.sequence import pad_sequences
from keras.preprocessing.text import Tokenizer
from keras.utils.generic_utils import Progbar
from keras.utils.layer_utils import convert_all_kernels_in_model, layer_from_config
from keras.utils.np_utils import to_categorical

np.random.seed(1)
folder = tempfile.mkdtemp()
x = np.random.rand(20, 4)
y = to_categorical(np.arange(20) % 3, 3)

# a dense model, its layers taken apart and put together
model = Sequential(
    [Dense(8, input_dim=4, activation="relu"), Dropout(0.5), Dense(3, activation="softmax")]
)
model.compile(RMSprop(lr=0.01, rho=0.7), "categorical_crossentropy", metrics=["accuracy"])
assert model.metrics_names == ["loss", "acc"]


class Losses(Callback):
    def on_train_begin(self, logs={}):
        self.losses = []

    def on_batch_end(self, batch, logs={}):
        self.losses.append(logs.get("loss"))


kept = Losses()
hist = model.fit(x, y, 5, 2, verbose=0, validation_data=[x, y], callbacks=[kept])
assert len(kept.losses) == 8 and "val_acc" in hist.history
print(model.summary())


def wrap_config(layer):
    return {"class_name": layer.__class__.__name__, "config": layer.get_config()}


def copy_model(m):
    res = Sequential([layer_from_config(wrap_config(l)) for l in m.layers])
    for a, b in zip(m.layers, res.layers):
        b.set_weights(a.get_weights())
    return res


copied = copy_model(model)
assert type(copied.layers[0]) is Dense
assert np.allclose(copied.predict(x), model.predict(x), atol=1e-6)
model.save_weights(os.path.join(folder, "w.h5"))
copied.layers[0].set_weights([np.zeros((4, 8)), np.zeros(8)])
copied.load_weights(os.path.join(folder, "w.h5"))
assert np.allclose(copied.predict(x), model.predict(x), atol=1e-6)
count = len(copied.layers)
copied.layers.pop()
assert len(copied.layers) == count - 1
copied.outputs = [copied.layers[-1].output]
assert copied.predict(x).shape == (20, 8)
model.pop()
for layer in model.layers:
    layer.trainable = False
model.add(Dense(3, activation="softmax"))
model.compile(Adam(), "categorical_crossentropy", metrics="accuracy")
first = model.layers[0].get_weights()[0]
model.train_on_batch(x, y)
assert (model.layers[0].get_weights()[0] == first).all()
last = [i for i, layer in enumerate(model.layers) if type(layer) is Dense][-1]
assert last == 2 and model.layers[0].W.get_value().shape == (4, 8) and model.layers[1].p == 0.5

# one model inside another that does not train it
judge = Sequential([Dense(2, input_dim=4, activation="softmax")])
judge.compile(SGD(0.1), "categorical_crossentropy")
judge.trainable = False
z = Input((2,))
maker = Model(z, Dense(4)(z))
both = Sequential([maker, judge])
both.compile("sgd", "categorical_crossentropy")
before = judge.get_weights()[0].copy()
judge.train_on_batch(x, y[:, :2])
trained = judge.get_weights()[0].copy()
both.train_on_batch(x[:, :2], y[:, :2])
assert not np.allclose(before, trained) and np.allclose(trained, judge.get_weights()[0])
assert judge.non_trainable_weights and judge.count_params() == 10

# pictures, channels first
K.set_image_dim_ordering("th")
inputs = Input((3, 8, 8))
h = ZeroPadding2D((1, 1))(inputs)
h = Convolution2D(4, 3, 3, subsample=(2, 2), activation="relu")(h)
h = BatchNormalization(axis=1)(h)
h = UpSampling2D(size=(2, 2))(h)
h = Deconvolution2D(2, 3, 3, (None, 2, 16, 16), subsample=(2, 2), border_mode="same")(h)
h = AveragePooling2D((2, 2), strides=(2, 2))(h)
h = LeakyReLU()(h)
h = conv_block(h, 3, [2, 2, 4], stage=2, block="a", strides=(1, 1))
h = identity_block(h, 3, [2, 2, 4], stage=2, block="b")
pictures = Model(inputs, GlobalAveragePooling2D()(h))
assert pictures.output_shape == (None, 4) and get_source_inputs(h)[0] is inputs
convert_all_kernels_in_model(pictures)
K.set_image_dim_ordering("tf")

# words and sequences
tok = Tokenizer(nb_words=10)
tok.fit_on_texts(["a b", "b c"])
assert tok.word_index["b"] == 1
ids = pad_sequences(tok.texts_to_sequences(["a b", "b c"]), maxlen=6, value=0)
assert tok.sequences_to_matrix([[1, 2]], mode="binary").shape == (1, 10)
words = Sequential(
    [
        Embedding(10, 4, input_length=6, weights=[np.ones((10, 4))]),
        Convolution1D(4, 3, border_mode="same", activation="relu"),
        Conv1D(4, 1),
        MaxPooling1D(2),
        Bidirectional(GRU(3, return_sequences=True, inner_init="identity")),
        SimpleRNN(3, inner_init="identity", activation="relu"),
        RepeatVector(2),
        Permute((2, 1)),
        GlobalMaxPooling1D(),
    ]
)
assert words.predict(ids).shape == (2, 2)
assert words.layers[4].stateful is False
film = Sequential(
    [
        ConvLSTM2D(
            nb_filter=2, nb_row=2, nb_col=2, input_shape=(None, 4, 4, 1), return_sequences=True
        ),
        Convolution3D(1, 1, 1, 1),
    ]
)
assert film.predict(np.ones((1, 2, 4, 4, 1))).shape == (1, 2, 3, 3, 1)
assert GlobalAveragePooling1D()(Input((3, 2)))._keras_shape == (None, 2)


# own layers, functions of tensors, metrics
class Scaled(Layer):
    def __init__(self, output_dim, **kwargs):
        self.output_dim = output_dim
        self.supports_masking = True
        super(Scaled, self).__init__(**kwargs)

    def build(self, input_shape):
        self.W = initializations.uniform((input_shape[1], self.output_dim), scale=0.1, name="W")
        self.b = initializations.zero((self.output_dim,))
        self.trainable_weights = [self.W, self.b]
        self.non_trainable_weights = []
        self.built = True

    def call(self, x, mask=None):
        return K.softmax(K.dot(x, self.W) + self.b)

    def compute_mask(self, input, mask=None):
        return None

    def get_output_shape_for(self, input_shape):
        return (input_shape[0], self.output_dim)


own = Sequential([Scaled(3, input_shape=(4,))])
own.compile("sgd", "mse", metrics=[mse, categorical_accuracy, categorical_crossentropy])
own.fit(x, y, nb_epoch=1, verbose=False)
assert own.layers[0].get_output_shape_for((2, 4)) == (2, 3)
assert initializations.identity((2, 2)).eval().tolist() == [[1, 0], [0, 1]]
assert len(slice_X([x, y], 0, 5)[1]) == 5 and binary_crossentropy(y, y) is not None
a, b = K.placeholder((3, 4)), K.placeholder(shape=(3, 4))
joined = K.concatenate([a, b], axis=1)
total = K.sum(K.pow(K.permute_dimensions(joined, (1, 0)), 2)) / K.cast(
    K.prod(K.shape(a)), "float32"
)
grads = K.gradients(total, a)
call = K.function([a, b], [total] + grads)
value, slope = call([np.ones((3, 4)), np.ones((3, 4))])
assert np.isclose(value, 2) and np.allclose(slope, 2 / 12.0)
model.save(os.path.join(folder, "m.h5"))
Progbar(target=3).update(3, values=[("loss", 1.0)])
checked = ModelCheckpoint(
    os.path.join(folder, "c.{epoch:02d}-{val_acc:.2f}.hdf5"), monitor="val_acc"
)
model.fit(x, y, nb_epoch=1, verbose=0, validation_split=0.2, callbacks=[checked])
assert any(name.startswith("c.0") for name in os.listdir(folder))
print("habits done")
