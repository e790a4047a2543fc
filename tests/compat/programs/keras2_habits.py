"""Ways of writing for Keras 2 that books and their readers had."""

import os
import tempfile
import numpy as np
import keras
from keras import backend as K
from keras import (
    callbacks,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
)
from keras.callbacks import Callback, EarlyStopping, ModelCheckpoint, ReduceLROnPlateau, TensorBoard
from keras.layers import merge
from keras.layers import *
from keras.models import Model, Sequential, load_model
from keras.preprocessing.sequence import pad_sequences
from keras.preprocessing.text import Tokenizer
from keras.utils import Progbar, Sequence, model_to_dot, multi_gpu_model, plot_model, to_categorical

folder = tempfile.mkdtemp()
x = np.random.RandomState(1).rand(20, 4)
y = to_categorical(np.arange(20) % 3)


def build_model():
    model = models.Sequential()
    model.add(
        layers.Dense(8, kernel_regularizer=regularizers.l1_l2(l1=0.01, l2=0.01), input_shape=(4,))
    )
    model.add(layers.Activation("relu"))
    model.add(layers.Dropout(0.5))
    model.add(
        layers.Dense(
            3, activation="softmax", name="last", kernel_constraint=constraints.max_norm(2.0)
        )
    )
    model.compile(
        optimizer=optimizers.RMSprop(lr=1e-3), loss="categorical_crossentropy", metrics=["acc"]
    )
    return model


model = build_model()
assert abs(K.get_value(model.optimizer.lr) - 1e-3) < 1e-8 and model.metrics_names == ["loss", "acc"]


class Rate(Callback):
    def on_epoch_end(self, epoch, logs={}):
        self.rate = K.eval(self.model.optimizer.lr)


rate = Rate()
history = model.fit(
    x,
    y,
    epochs=2,
    batch_size=5,
    validation_split=0.2,
    verbose=0,
    callbacks=[
        rate,
        EarlyStopping(monitor="val_acc", patience=3),
        ReduceLROnPlateau(monitor="val_loss", factor=0.1),
        ModelCheckpoint(
            os.path.join(folder, "w.{epoch:02d}-{val_loss:.2f}.hdf5"), monitor="val_acc"
        ),
        TensorBoard(log_dir=os.path.join(folder, "tb")),
    ],
)
assert model.history is history and history.history["acc"] and rate.rate > 0
assert len([name for name in os.listdir(folder) if name.endswith(".hdf5")]) == 2
print(model.summary())
model.save(os.path.join(folder, "m.h5"))
again = load_model(os.path.join(folder, "m.h5"))
assert np.allclose(again.predict(x), model.predict(x), atol=1e-6)
model.save_weights(os.path.join(folder, "w.h5"))
again.load_weights(os.path.join(folder, "w.h5"), by_name=True)
assert len(model.evaluate(x, y, verbose=0)) == 2
assert model.predict_classes(x).shape == (20,)
top = Model(model.input, model.get_layer("last").output)
assert top.output_shape == (None, 3) and model.layers[0].output.shape == (None, 8)
model.trainable = False
for layer in model.layers:
    layer.trainable = True
assert len(model.trainable_weights) in (0, 4)


class Pairs(Sequence):
    def __len__(self):
        return 4

    def __getitem__(self, i):
        return x[5 * i : 5 * i + 5], y[5 * i : 5 * i + 5]


fed = build_model()
fed.fit_generator(
    Pairs(), steps_per_epoch=2, epochs=1, verbose=0, workers=2, validation_data=Pairs()
)
assert fed.predict_generator(Pairs(), steps=4).shape == (20, 3)
assert len(fed.evaluate_generator(Pairs(), steps=4)) == 2
plot_model(fed, to_file=os.path.join(folder, "m.svg"), show_shapes=True)
assert b"last" in model_to_dot(fed, show_shapes=True).create(prog="dot", format="svg")
Progbar(2).update(2, [("loss", 1.0)])

# a tensor of the model that a layer, and one that a function, reads from outside
inputs = Input((4,))
z_mean, z_log_var = Dense(2)(inputs), Dense(2)(inputs)


def sampling(args):
    mean, log_var = args
    epsilon = K.random_normal(shape=(K.shape(mean)[0], 2), mean=0.0, stddev=1.0)
    return mean + K.exp(0.5 * log_var) * epsilon


decoded = Dense(4, activation="sigmoid")(Lambda(sampling, output_shape=(2,))([z_mean, z_log_var]))


class Variational(Layer):
    def call(self, inputs):
        kl = -0.5 * K.mean(1 + z_log_var - K.square(z_mean) - K.exp(z_log_var), axis=-1)
        self.add_loss(K.mean(metrics.binary_crossentropy(inputs[0], inputs[1]) + kl), inputs=inputs)
        return inputs[0]


vae = Model(inputs, Variational()([inputs, decoded]))
vae.compile(optimizer="rmsprop", loss=None)
vae.fit(x, None, epochs=1, verbose=0)
gate = Dense(4, activation="sigmoid")(inputs)
gated = Model(inputs, Lambda(lambda t: t * gate)(inputs))
assert gated.predict(x).shape == (20, 4)

# slopes of pictures
net = Sequential(
    [
        Conv2D(4, (3, 3), input_shape=(8, 8, 3), name="conv"),
        Flatten(),
        Dense(5, activation="softmax"),
    ]
)
conv = net.get_layer("conv")
grads = K.gradients(net.output[:, 2], conv.output)[0]
pooled = K.mean(grads, axis=(0, 1, 2))
values, maps = K.function([net.input], [pooled, conv.output[0]])([np.ones((1, 8, 8, 3))])
assert values.shape == (4,) and maps.shape == (6, 6, 4)
assert net.get_layer("conv").get_output_at(0) is conv.output

# layers
i = Input(shape=(6,), dtype="int32")
h = Embedding(10, 4, weights=[np.ones((10, 4))], input_length=6, mask_zero=False)(i)
h = Conv1D(4, 3, padding="causal")(h)
h = Convolution1D(4, 3, padding="same")(h)
h = MaxPooling1D(2)(h)
h = Bidirectional(SimpleRNN(2, return_sequences=True))(h)
h = TimeDistributed(Dense(4))(h)
g = GlobalMaxPooling1D()(Permute((2, 1))(h))
words = Model(i, Reshape((3, 1))(g))
tok = Tokenizer(num_words=10)
tok.fit_on_texts(["a b", "b c"])
ids = pad_sequences(tok.texts_to_sequences(["a b", "b c"]), maxlen=6)
assert words.predict(ids).shape == (2, 3, 1) and tok.word_index["b"] == 1
assert tok.texts_to_matrix(["a"], mode="binary").shape == (1, 10)
assert tok.sequences_to_matrix([[1]], mode="count").shape == (1, 10)
film = Sequential(
    [
        ConvLSTM2D(2, (2, 2), input_shape=(None, 4, 4, 1), return_sequences=True),
        Conv3D(1, (1, 1, 1)),
    ]
)
assert film.predict(np.ones((1, 2, 4, 4, 1))).shape == (1, 2, 3, 3, 1)
up = Sequential([Conv2DTranspose(2, 4, strides=2, padding="same", input_shape=(4, 4, 3)), ELU()])
assert up.output_shape == (None, 8, 8, 2)
a, b = Input((4,)), Input((4,))
both = [
    layers.multiply([a, b]),
    layers.dot([a, b], axes=1),
    Dot(axes=1)([a, b]),
    merge.concatenate([a, b]),
]
both += [merge([a, b], mode="sum"), AlphaDropout(0.5)(a)]
Model([a, b], both).predict([x, x])
Dense(2, kernel_initializer=initializers.RandomNormal(stddev=0.02)).build((None, 3))
Dense(3, kernel_initializer=initializers.Identity(gain=2.0)).build((None, 3))
assert regularizers.l1(0.1) is not None and regularizers.l2(0.1) is not None
custom = build_model()
custom.compile(
    keras.optimizers.Adadelta(),
    loss=losses.mse,
    metrics=[losses.categorical_crossentropy, metrics.binary_accuracy],
)
custom.compile(
    optimizers.rmsprop(lr=0.1), loss=lambda t, p: K.mean(K.maximum(K.abs(t - p), 0.0), axis=-1)
)
custom.train_on_batch(x, y)
K.set_learning_phase(0)
assert np.allclose(custom.predict(x), custom.predict(x))
assert (
    K.image_data_format() == "channels_last"
    and K.epsilon() == 1e-7
    and len(K.placeholder((2, 2)).shape) == 2
)
K.set_image_data_format("channels_last")
state = Sequential([LSTM(2, stateful=True, batch_input_shape=(2, 3, 1))])
state.predict(np.ones((2, 3, 1)), batch_size=2)
state.reset_states()
K.clear_session()
print("habits done")
