"""Images and a convolutional network: a feature learned in one place is found everywhere."""

import numpy as np
from keras import backend as K
from keras.layers import Conv2D, Dense, Flatten, MaxPooling2D
from keras.models import Sequential
from keras.utils import to_categorical
from material import arguments, pictures

np.random.seed(0)
path, epochs = arguments(epochs=8)
x, labels = pictures(path)
rows, columns = x.shape[1:]
if K.image_data_format() == "channels_first":
    x = x.reshape(len(x), 1, rows, columns)
else:
    x = x.reshape(len(x), rows, columns, 1)
y = to_categorical(labels)
test = len(x) // 4

model = Sequential(
    [
        Conv2D(8, kernel_size=(3, 3), activation="relu", input_shape=x.shape[1:]),
        MaxPooling2D(pool_size=(2, 2)),
        Conv2D(16, (3, 3), activation="relu"),
        Flatten(),
        Dense(y.shape[1], activation="softmax"),
    ]
)
model.compile(loss="categorical_crossentropy", optimizer="rmsprop", metrics=["accuracy"])
print("%d weights" % model.count_params())

model.fit(
    x[:-test],
    y[:-test],
    batch_size=32,
    epochs=epochs,
    verbose=0,
    validation_data=(x[-test:], y[-test:]),
)
for epoch, accuracy in enumerate(model.history.history["val_acc"], 1):
    print("epoch %d: test accuracy %.3f" % (epoch, accuracy))
