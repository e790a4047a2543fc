"""Is a review positive? An LSTM reads it word by word: "not" negates the next word."""

import numpy as np
from keras.layers import LSTM, Dense, Embedding
from keras.models import Sequential
from keras.optimizers import Adam
from keras.preprocessing.sequence import pad_sequences
from material import BAD, GOOD, NOT, arguments, reviews

np.random.seed(0)
path, epochs = arguments(epochs=12)
texts, labels = reviews(path)
max_words, max_length = max(map(max, texts)) + 1, 80 if path else 16

x = pad_sequences(texts, maxlen=max_length)
test = len(x) // 4

model = Sequential(
    [
        Embedding(max_words, 16, mask_zero=True, input_length=max_length),
        LSTM(24),
        Dense(1, activation="sigmoid"),
    ]
)
model.compile(loss="binary_crossentropy", optimizer=Adam(lr=0.01), metrics=["accuracy"])

model.fit(x[:-test], labels[:-test], batch_size=32, epochs=epochs, verbose=0)
loss, accuracy = model.evaluate(x[-test:], labels[-test:], verbose=0)
print("test accuracy %.3f" % accuracy)

if not path:
    for words in ([GOOD[0]], [NOT, GOOD[0]], [BAD[0]], [NOT, BAD[0]]):
        favour = model.predict(pad_sequences([[9, 10] + words], maxlen=max_length))[0, 0]
        shown = " ".join("not" if w == NOT else "good" if w in GOOD else "bad" for w in words)
        print("%-8s is positive with %.2f" % (shown, favour))
