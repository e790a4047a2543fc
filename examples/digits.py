"""MNIST: a small convnet against logistic regression."""

import numpy as np
from data import find

import hornbook as keras
from hornbook import layers

try:
    from sklearn.linear_model import LogisticRegression
except ModuleNotFoundError as error:
    raise SystemExit(f"{error}: pip install 'hornbook[sklearn]'") from None


def convnet() -> keras.Model:
    """Two convolutions with pooling, then a dense layer with dropout."""
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.4),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main(rows: int | None = None, epochs: int = 12, verbose="auto") -> dict[str, float]:
    """Train both and return their test accuracies."""
    with np.load(find("mnist_10k.npz")) as file:
        train_x, train_y = file["x_train"][:rows], file["y_train"][:rows]
        test_x, test_y = file["x_test"], file["y_test"]
    line = LogisticRegression(max_iter=50, tol=0.01)
    line.fit(train_x.reshape(len(train_x), -1) / 255, train_y)
    baseline = line.score(test_x.reshape(len(test_x), -1) / 255, test_y)
    keras.utils.set_random_seed(0)
    model = convnet()
    stop = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    model.fit(
        train_x[..., None],
        train_y,
        batch_size=64,
        epochs=epochs,
        validation_split=0.1,
        callbacks=[stop],
        verbose=verbose,
    )
    accuracy = model.evaluate(test_x[..., None], test_y, verbose=0, return_dict=True)["accuracy"]
    print(f"logistic regression: test accuracy {baseline:.3f}")
    print(f"convnet: test accuracy {accuracy:.3f}")
    return {"logistic regression": float(baseline), "convnet": accuracy}


if __name__ == "__main__":
    main()
