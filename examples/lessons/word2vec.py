"""Words as vectors, by both word2vec models: skip-gram, and CBOW with the mean of the context."""

import random

import numpy as np
from material import arguments, text

from hornbook import Input, Model, ops
from hornbook.data import Tokenizer, WordVectors, skipgrams
from hornbook.layers import Dot, Embedding, Flatten, GlobalAveragePooling1D, Reshape
from hornbook.utils import set_random_seed

set_random_seed(0)
path, epochs = arguments(epochs=6)
sentences = text(path).split(".")
tokenizer = Tokenizer()
tokenizer.fit_on_texts(sentences)
sequences = tokenizer.texts_to_sequences(sentences)
n_words, n_factors, window, negatives = len(tokenizer.word_index) + 1, 16, 2, 2


def skip_gram_data():
    """Pairs of a word and a neighbour, label 1, or a random word (a negative sample), label 0."""
    pairs, labels = [], []
    for sequence in sequences:
        more, kinds = skipgrams(sequence, n_words, window, negatives)
        pairs += more
        labels += kinds
    words, others = np.array(pairs).T
    return [words, others], np.array(labels)


def cbow_data():
    """The context of a word (0 for padding), and that word or a negative sample."""
    near, words, labels = [], [], []
    for sequence in sequences:
        padded = [0] * window + sequence + [0] * window
        for i, word in enumerate(sequence):
            around = padded[i : i + window] + padded[i + window + 1 : i + 2 * window + 1]
            drawn = [random.randint(1, n_words - 1) for _ in range(negatives)]
            near += [around] * (1 + negatives)
            words += [word, *drawn]
            labels += [1] + [0] * negatives
    return [np.array(near), np.array(words)], np.array(labels)


def skip_gram():
    """The probability that two words are neighbours: the sigmoid of their dot product."""
    word, other = Input((1,), dtype="int32"), Input((1,), dtype="int32")
    vector = Embedding(n_words, n_factors, name="vectors")(word)
    context = Embedding(n_words, n_factors, name="contexts")(other)
    return Model([word, other], ops.sigmoid(Reshape((1,))(Dot(axes=2)([vector, context]))))


def cbow():
    """The probability of a word in a context: the sigmoid of its dot product with the mean."""
    near, word = Input((2 * window,), dtype="int32"), Input((1,), dtype="int32")
    around = Embedding(n_words, n_factors, mask_zero=True, name="vectors")(near)
    mean = GlobalAveragePooling1D()(around)  # padding (0) is masked
    middle = Flatten()(Embedding(n_words, n_factors, name="contexts")(word))
    return Model([near, word], ops.sigmoid(Dot(axes=1)([mean, middle])))


for name, model, data in (("skip-gram", skip_gram, skip_gram_data), ("CBOW", cbow, cbow_data)):
    model, (inputs, labels) = model(), data()
    model.compile("adam", "binary_crossentropy")
    history = model.fit(inputs, labels, batch_size=64, epochs=epochs, verbose=0)
    print(f"{name}: loss {history.history['loss'][-1]:.3f}")
    vectors = WordVectors.of_embedding(model.get_layer("vectors"), tokenizer.word_index)
    for asked in ("cat", "sings", "sea") if not path else vectors.words[:9]:
        nearest = [word for word, _ in vectors.most_similar(asked, topn=3)]
        print(asked, "is like", ", ".join(nearest))
