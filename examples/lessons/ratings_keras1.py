"""Who likes which movie? An embedding of users times one of movies, plus a bias for each."""

import numpy as np
from keras.layers import Embedding, Flatten, Input, merge
from keras.models import Model
from keras.optimizers import Adam
from keras.regularizers import l2
from material import arguments, ratings

path, epochs = arguments(epochs=10)
users, movies, stars = ratings(path)
n_users, n_movies, n_factors = users.max() + 1, movies.max() + 1, 8

np.random.seed(0)
train = np.random.rand(len(users)) < 0.8
test = ~train


def embedding(name, n_in, n_out, reg):
    """An input id, and its row of an embedding."""
    number = Input(shape=(1,), dtype="int32", name=name)
    return number, Embedding(n_in, n_out, input_length=1, W_regularizer=l2(reg))(number)


def bias(number, n_in, name):
    """One bias per user or movie."""
    return Flatten()(Embedding(n_in, 1, input_length=1, init="zero", name=name)(number))


user, u = embedding("user", n_users, n_factors, 1e-5)
movie, m = embedding("movie", n_movies, n_factors, 1e-5)
match = Flatten()(merge([u, m], mode="dot", dot_axes=(2, 2)))
biases = [bias(user, n_users, "user_bias"), bias(movie, n_movies, "movie_bias")]
rating = merge([match] + biases, mode="sum")

model = Model([user, movie], rating)
model.compile(Adam(lr=0.02), loss="mse")

mean = stars[train].mean()  # the model learns the deviation from it
model.fit(
    [users[train], movies[train]],
    stars[train] - mean,
    batch_size=64,
    nb_epoch=epochs,
    verbose=0,
)

guess = mean + model.predict([users[test], movies[test]])[:, 0]
print("mean rating for all:   MSE %.3f" % np.mean((stars[test] - mean) ** 2))
print("embeddings and biases: MSE %.3f" % np.mean((stars[test] - guess) ** 2))

# The bias of a movie is its general popularity, regardless of individual taste.
liked = model.get_layer("movie_bias").get_weights()[0][:, 0]
print("most liked movies: ", liked.argsort()[::-1][:5])
