"""Words as vectors: words with the same neighbours end up close to each other (skip-gram)."""

import random

import numpy as np
from keras.layers import Activation, Dot, Embedding, Input, Reshape
from keras.models import Model
from keras.preprocessing.sequence import skipgrams
from keras.preprocessing.text import Tokenizer
from material import arguments, text

path, epochs = arguments(epochs=6)
sentences = text(path).split(".")
tokenizer = Tokenizer()
tokenizer.fit_on_texts(sentences)
n_words, n_factors = len(tokenizer.word_index) + 1, 16

# A word and a neighbour have label 1, a word and a random one (a negative sample) label 0.
random.seed(0)
np.random.seed(0)
pairs, labels = [], []
for sequence in tokenizer.texts_to_sequences(sentences):
    more, kinds = skipgrams(sequence, n_words, window_size=2, negative_samples=2.0)
    pairs += more
    labels += kinds
words, others = np.array(pairs).T
labels = np.array(labels)

word, other = Input((1,), dtype="int32"), Input((1,), dtype="int32")
vector = Embedding(n_words, n_factors, name="vectors")(word)
context = Embedding(n_words, n_factors, name="contexts")(other)
near = Activation("sigmoid")(Reshape((1,))(Dot(axes=2)([vector, context])))

model = Model([word, other], near)
model.compile(loss="binary_crossentropy", optimizer="adam")
history = model.fit([words, others], labels, batch_size=64, epochs=epochs, verbose=0)
print("loss %.3f" % history.history["loss"][-1])

vectors = model.get_layer("vectors").get_weights()[0]
unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
for asked in ("cat", "sings", "sea"):
    likeness = unit @ unit[tokenizer.word_index[asked]]
    nearest = [i for i in likeness.argsort()[::-1] if i in tokenizer.index_word][1:4]
    print(asked, "is like", ", ".join(tokenizer.index_word[i] for i in nearest))
