"""Images and a dense network: pixels are independent inputs, without neighbours."""

import numpy as np
from keras.layers import Dense, Dropout
from keras.models import Sequential
from keras.optimizers import RMSprop
from keras.utils import to_categorical
from material import arguments, pictures

np.random.seed(0)
path, epochs = arguments(epochs=15)
x, labels = pictures(path)
x, y = x.reshape(len(x), -1), to_categorical(labels)
test = len(x) // 4

model = Sequential(
    [
        Dense(64, activation="relu", input_shape=x.shape[1:]),
        Dropout(0.2),
        Dense(y.shape[1], activation="softmax"),
    ]
)
model.compile(loss="categorical_crossentropy", optimizer=RMSprop(lr=0.002), metrics=["acc"])

history = model.fit(x[:-test], y[:-test], batch_size=32, epochs=epochs, verbose=0)
loss, accuracy = model.evaluate(x[-test:], y[-test:], verbose=0)
print("training accuracy %.3f" % history.history["acc"][-1])
print("test accuracy %.3f" % accuracy)

wrong = np.flatnonzero(model.predict_classes(x[-test:]) != labels[-test:])
print("%d images of %d are misclassified" % (len(wrong), test))
