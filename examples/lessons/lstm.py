"""Is a review positive? An LSTM reads it word by word: "not" negates the next word."""

from material import BAD, GOOD, NOT, arguments, reviews

from hornbook import Sequential
from hornbook.layers import LSTM, Dense, Embedding
from hornbook.optimizers import Adam
from hornbook.utils import pad_sequences, set_random_seed

set_random_seed(0)
path, epochs = arguments(epochs=12)
texts, labels = reviews(path)
max_words, max_length = max(map(max, texts)) + 1, 80 if path else 16

x = pad_sequences(texts, maxlen=max_length)
test = len(x) // 4

model = Sequential(
    [Embedding(max_words, 16, mask_zero=True), LSTM(24), Dense(1, activation="sigmoid")]
)
model.compile(Adam(0.01), "binary_crossentropy", metrics=["accuracy"])

model.fit(x[:-test], labels[:-test], batch_size=32, epochs=epochs, verbose=0)
loss, accuracy = model.evaluate(x[-test:], labels[-test:], verbose=0)
print(f"test accuracy {accuracy:.3f}")

if not path:
    for words in ([GOOD[0]], [NOT, GOOD[0]], [BAD[0]], [NOT, BAD[0]]):
        given = pad_sequences([[9, 10, *words]], maxlen=max_length)
        favour = model.predict(given, verbose=0)[0, 0]
        shown = " ".join("not" if w == NOT else "good" if w in GOOD else "bad" for w in words)
        print(f"{shown:8} is positive with {favour:.2f}")
