"""Movie ratings: two embeddings, their dot product and a bias for each user and movie."""

import numpy as np
from data import find

import hornbook as keras
from hornbook import layers


def factors(users: int, movies: int, width: int = 50) -> keras.Model:
    """The model of fast.ai's lesson on collaborative filtering."""

    def one(name: str, count: int):
        index = keras.Input((1,), dtype="int32", name=name)
        vector = layers.Embedding(count, width, embeddings_regularizer=keras.regularizers.L2(1e-5))
        bias = layers.Embedding(count, 1, embeddings_initializer="zeros")
        return index, layers.Flatten()(vector(index)), layers.Flatten()(bias(index))

    user, user_vector, user_bias = one("user", users)
    movie, movie_vector, movie_bias = one("movie", movies)
    match = layers.Dot(axes=1)([user_vector, movie_vector])
    rating = layers.Add()([match, user_bias, movie_bias])
    model = keras.Model([user, movie], layers.Rescaling(1.0, offset=3.5)(rating))
    model.compile(keras.optimizers.Adam(2e-3), "mse")
    return model


def baseline(train: np.ndarray, test: np.ndarray, damping: float = 5.0) -> float:
    """Mean squared error of the mean rating plus damped offsets of users and movies."""
    mean = train[:, 2].mean()
    offsets = []
    rest = train[:, 2] - mean
    for column in (1, 0):
        count = np.bincount(train[:, column].astype(int), minlength=int(test[:, column].max()) + 1)
        total = np.bincount(train[:, column].astype(int), rest, minlength=len(count))
        offsets.append(total / (count + damping))
        rest = rest - offsets[-1][train[:, column].astype(int)]
    movie, user = offsets
    guess = mean + movie[test[:, 1].astype(int)] + user[test[:, 0].astype(int)]
    return float(np.mean((guess - test[:, 2]) ** 2))


def main(rows: int | None = None, epochs: int = 8, verbose: int | str = "auto") -> dict[str, float]:
    """Train and return the mean squared errors on held-out ratings."""
    table = np.loadtxt(find("ratings.csv"), delimiter=",", skiprows=1, max_rows=rows)
    table[:, 0] = np.unique(table[:, 0], return_inverse=True)[1]
    table[:, 1] = np.unique(table[:, 1], return_inverse=True)[1]
    table = np.random.default_rng(0).permutation(table)
    train, test = np.split(table, [int(len(table) * 0.8)])
    keras.utils.set_random_seed(0)
    users, movies = (table[:, :2].max(0) + 1).astype(int)
    model = factors(users, movies)

    def inputs(part):
        return [part[:, 0].astype("int32"), part[:, 1].astype("int32")]

    stop = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    held_out = (inputs(test), test[:, 2])
    model.fit(
        inputs(train),
        train[:, 2],
        batch_size=64,
        epochs=epochs,
        validation_data=held_out,
        callbacks=[stop],
        verbose=verbose,
    )
    guess = model.predict(inputs(test), verbose=0)[:, 0]
    errors = {
        "mean and offsets": baseline(train, test),
        "embeddings": float(np.mean((guess - test[:, 2]) ** 2)),
    }
    for name, error in errors.items():
        print(f"{name}: validation MSE {error:.3f}")
    return errors


if __name__ == "__main__":
    main()
