"""Data for the lessons: small synthetic data, or real data from a file.

Every lesson is called as `PROGRAM [FILE] [EPOCHS]`. Nothing here needs a deep-learning library.
"""

import sys

import numpy as np


def arguments(epochs):
    """The file and the number of epochs from the command line; by default none and `epochs`."""
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    files = [word for word in sys.argv[1:] if not word.isdigit()]
    return files[0] if files else None, numbers[0] if numbers else epochs


def text(path=None, sentences=400):
    """The text of a file in lower case, or synthetic sentences."""
    if path:
        with open(path, encoding="utf-8") as file:
            return file.read().lower()
    who = ["the cat", "the dog", "a horse", "the old man", "a child"]
    does = ["sleeps", "sings", "waits", "runs", "laughs"]
    where = ["on the hill", "in the rain", "by the sea", "at home", "under a tree"]
    random = np.random.RandomState(0)
    choices = random.randint(5, size=(sentences, 3))
    return " ".join(f"{who[a]} {does[b]} {where[c]}." for a, b, c in choices)


def numbered(words):
    """The vocabulary of characters (or words), and the text as token ids."""
    vocabulary = sorted(set(words))
    number = {word: i for i, word in enumerate(vocabulary)}
    return vocabulary, np.array([number[word] for word in words])


def ratings(path=None):
    """Users, movies (both numbered from 0) and ratings; a file has columns in this order."""
    if path:
        table = np.loadtxt(path, delimiter=",", skiprows=1, usecols=(0, 1, 2))
        users = np.unique(table[:, 0], return_inverse=True)[1]
        movies = np.unique(table[:, 1], return_inverse=True)[1]
        return users.reshape(-1), movies.reshape(-1), table[:, 2].astype("float32")
    random = np.random.RandomState(0)
    taste, style = random.normal(size=(40, 3)), random.normal(size=(30, 3))
    liked = random.normal(scale=0.5, size=30)
    users, movies = random.randint(40, size=2000), random.randint(30, size=2000)
    stars = 3.5 + (taste[users] * style[movies]).sum(1) / 2 + liked[movies]
    stars = stars + random.normal(scale=0.3, size=2000)  # noise
    return users, movies, np.clip(stars, 0.5, 5).astype("float32")


def pictures(path=None, rows=600):
    """Images in [0, 1] and their classes: MNIST in an `.npz`, or strokes in four directions."""
    if path:
        with np.load(path) as file:
            return file["x_train"].astype("float32") / 255, file["y_train"].astype("int32")
    size = 12
    random = np.random.RandomState(0)
    down, across = np.indices((size, size)) - size // 2
    ways = np.stack([down, across, down - across, down + across])
    classes = random.randint(4, size=rows)
    shift = random.randint(-3, 4, size=(rows, 1, 1))
    strokes = np.abs(ways[classes] - shift) < 1
    grey = random.uniform(0, 0.6, size=strokes.shape)
    return np.maximum(0.8 * strokes, grey).astype("float32"), classes.astype("int32")


GOOD, BAD, NOT = (2, 3, 4), (5, 6, 7), 8


def reviews(path=None, rows=1200):
    """Reviews as lists of token ids, and whether each is positive: IMDB in an `.npz`, or synthetic.

    In synthetic ones, one word decides, and "not" before it negates it.
    """
    if path:
        with np.load(path) as file:
            tokens, offsets = file["train_tokens"], file["train_offsets"]
            texts = [tokens[a:b].tolist() for a, b in zip(offsets[:-1], offsets[1:])]
            return texts, file["train_labels"].astype("int32")
    random = np.random.RandomState(0)
    texts, labels = [], []
    for _ in range(rows):
        words = random.randint(9, 50, size=random.randint(6, 16)).tolist()
        good, denied = random.randint(2, size=2)
        place = random.randint(len(words) - 1)
        words[place + 1] = (GOOD if good else BAD)[random.randint(3)]
        if denied:
            words[place] = NOT
        texts.append(words)
        labels.append(int(good != denied))
    return texts, np.array(labels, "int32")
