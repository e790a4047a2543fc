"""The whole demo: read a text, train, generate samples, report."""

import time
from contextlib import suppress
from pathlib import Path

import numpy as np

import hornbook as keras
from hornbook.demo import curve
from hornbook.demo.baselines import cross_entropies
from hornbook.demo.corpus import DemoError, load, windows
from hornbook.demo.model import Measure, Pace, Reader, Show, Sizes, build
from hornbook.demo.report import Result, conclude, introduce, show_sample
from hornbook.demo.sampling import generate

EPOCHS = 8
SECONDS = 75.0  # time limit of training if the number of epochs is not given
POINTS = 8  # points of the learning curve if fewer epochs fit
SAMPLE = 400  # characters
PROMPT = 100  # characters at the start of the text that samples continue


def run(
    text: str | None = None,
    epochs: int | None = None,
    temperature: float = 0.7,
    seed: int = 0,
    out: str = "hornbook-demo",
    sizes: Sizes | None = None,
) -> Result:
    """Train a character model on a text, with reports on standard output.

    Args:
        text: a UTF-8 file; default Python's own documentation.
        epochs: passes over the text; default 8, or as many as fit into about 75 seconds.
        temperature: sampling temperature.
        seed: random seed.
        out: folder for the report and the learning curve.
        sizes: sizes of the model and its batches.

    Raises:
        DemoError: if the text or the folder cannot be used.
    """
    began = time.perf_counter()
    corpus = load(text)
    folder = make_folder(out)
    symbols = len(corpus.symbols)
    losses = cross_entropies(corpus.train, corpus.context, corpus.held_out, symbols)
    result = Result({}, losses, len(corpus.held_out))

    keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    sizes = (sizes or Sizes()).fitted(len(corpus.train))
    model = build(symbols, sizes, sizes.streams, sizes.steps)
    model.compile(keras.optimizers.Adam(), "sparse_categorical_crossentropy")
    introduce(corpus, model)
    reader = Reader(model, corpus, sizes)

    def sample(when: str) -> None:
        reader.forget()
        ids = generate(reader.predict, corpus.train[:PROMPT], SAMPLE, temperature, random)
        result.samples.append((when, "".join(corpus.symbols[i] for i in ids)))
        show_sample(result.samples[-1][1], when, temperature)

    x, y = windows(corpus.train, sizes.streams, sizes.steps)
    measure = Measure(reader, SECONDS / POINTS)
    progress = keras.callbacks.ProgbarLogger()  # ends its line before the sample is shown
    pace = Pace(epochs or EPOCHS, None if epochs else began + SECONDS)
    with suppress(KeyboardInterrupt):  # report the results so far
        model.fit(
            x,
            y,
            batch_size=sizes.streams,
            epochs=pace.most,
            shuffle=False,
            verbose=1,
            callbacks=[measure, progress, Show(lambda epoch: sample(f"epoch {epoch}")), pace],
        )
    result.history = measure.history
    done = pace.done
    if done == pace.most or pace.out_of_time:
        losses["model"] = result.history["val_loss"][-1]
    else:
        reader.refresh()
        losses["model"] = reader.measure()
        sample("the interruption")
        result.ending = f"Training was interrupted in epoch {done + 1} of {pace.most}."
    if pace.out_of_time:
        result.ending = (
            f"There was time for {curve.shown(result.history['epoch'][-1])} of {pace.most} epochs; "
            f"--epochs {pace.most} runs them all."
        )
    result.speed = measure.speed * sizes.streams * sizes.steps
    result.seconds = time.perf_counter() - began
    conclude(result, corpus, folder)
    return result


def make_folder(out: str) -> Path:
    """Create the output folder.

    Raises:
        DemoError: if it cannot be created.
    """
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DemoError(f"cannot make the folder {out} (--out): {error.strerror}") from None
    return folder
