"""Images and a convolutional network: a feature learned in one place is found everywhere."""

from material import arguments, pictures

from hornbook import Input, Sequential
from hornbook.layers import Conv2D, Dense, Flatten, MaxPooling2D
from hornbook.utils import set_random_seed

set_random_seed(0)
path, epochs = arguments(epochs=8)
x, labels = pictures(path)
x = x[..., None]  # one channel
test = len(x) // 4

model = Sequential(
    [
        Input(x.shape[1:]),
        Conv2D(8, 3, activation="relu"),
        MaxPooling2D(2),
        Conv2D(16, 3, activation="relu"),
        Flatten(),
        Dense(labels.max() + 1, activation="softmax"),
    ]
)
model.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
print(f"{model.count_params()} weights")

history = model.fit(
    x[:-test],
    labels[:-test],
    batch_size=32,
    epochs=epochs,
    verbose=0,
    validation_data=(x[-test:], labels[-test:]),
)
for epoch, accuracy in enumerate(history.history["val_accuracy"], 1):
    print(f"epoch {epoch}: test accuracy {accuracy:.3f}")
