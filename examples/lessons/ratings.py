"""Who likes which movie? An embedding of users times one of movies, plus a bias for each."""

import numpy as np
from material import arguments, ratings

from hornbook import Input, Model
from hornbook.layers import Add, Dot, Embedding, Flatten
from hornbook.optimizers import Adam
from hornbook.regularizers import L2
from hornbook.utils import set_random_seed

path, epochs = arguments(epochs=10)
users, movies, stars = ratings(path)
n_users, n_movies, n_factors = users.max() + 1, movies.max() + 1, 8

set_random_seed(0)
train = np.random.rand(len(users)) < 0.8
test = ~train


def embedding(name, n_in, n_out, reg):
    """An input id, and its row of an embedding."""
    number = Input(shape=(1,), dtype="int32", name=name)
    return number, Embedding(n_in, n_out, embeddings_regularizer=L2(reg))(number)


def bias(number, n_in, name):
    """One bias per user or movie."""
    return Flatten()(Embedding(n_in, 1, embeddings_initializer="zeros", name=name)(number))


user, u = embedding("user", n_users, n_factors, 1e-5)
movie, m = embedding("movie", n_movies, n_factors, 1e-5)
match = Flatten()(Dot(axes=2)([u, m]))
rating = Add()([match, bias(user, n_users, "user_bias"), bias(movie, n_movies, "movie_bias")])

model = Model([user, movie], rating)
model.compile(Adam(0.02, epsilon=1e-8), "mse")

mean = stars[train].mean()  # the model learns the deviation from it
model.fit(
    [users[train], movies[train]],
    stars[train] - mean,
    batch_size=64,
    epochs=epochs,
    verbose=0,
)

guess = mean + model.predict([users[test], movies[test]], verbose=0)[:, 0]
print(f"mean rating for all:   MSE {np.mean((stars[test] - mean) ** 2):.3f}")
print(f"embeddings and biases: MSE {np.mean((stars[test] - guess) ** 2):.3f}")

# The bias of a movie is its general popularity, regardless of individual taste.
liked = model.get_layer("movie_bias").embeddings.numpy()[:, 0]
print("most liked movies: ", liked.argsort()[::-1][:5])
