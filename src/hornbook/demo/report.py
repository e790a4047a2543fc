"""The demo's output: an introduction, samples, and a final report."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.demo import console, curve
from hornbook.demo.corpus import Corpus, DemoError

NAMES = {"unigram": "unigram (characters)", "bigram": "bigram (pairs)", "model": "this model"}
CURVES = {"val_loss": "held out", "loss": "training"}
PICTURE = "learning-curve.png"
REPORT = "report.txt"
NO_MATPLOTLIB = "matplotlib is not installed, so there is no PNG: pip install 'hornbook[plot]'"


@dataclass
class Result:
    """The results of a demo run.

    Attributes:
        history: `"loss"` and `"val_loss"` in nats per character, and when they were measured
            (`"epoch"`).
        losses: losses on the held-out text, by name: `"unigram"`, `"bigram"`, `"model"`.
        held_out: number of held-out characters.
        speed: training speed in characters per second, without the first part if there are more.
        seconds: total time.
        ending: why training ended early, if it did.
        samples: `(when, text)` pairs of generated texts.
    """

    history: dict[str, list[float]]
    losses: dict[str, float]
    held_out: int
    speed: float = 0.0
    seconds: float = 0.0
    ending: str = ""
    samples: list[tuple[str, str]] = field(default_factory=list)

    @property
    def curves(self) -> curve.Series:
        """The learning curves by display name; empty before the first epoch."""
        return {name: self.history[key] for key, name in CURVES.items() if self.history.get(key)}

    @property
    def epochs(self) -> list[float]:
        """The x positions of the curves' points."""
        return self.history.get("epoch", [])

    @property
    def levels(self) -> curve.Levels:
        """The baselines."""
        return {name: self.losses[name] for name in ("unigram", "bigram")}


def introduce(corpus: Corpus, model: Any) -> None:
    """Print a description of the text and the model."""
    different = f"{len(corpus.symbols) - 1:,} different characters"
    if corpus.unknown:
        different += f" (without the rarest, {corpus.unknown:,} in all)"
    print(f"Text: {console.writable(corpus.name)}")
    print(f"  {len(corpus.train):,} characters to learn from")
    print(f"  {len(corpus.held_out):,} characters at the end held out")
    print(f"  {different}\n")
    dash = "─" if console.has_unicode() else "-"
    model.summary(
        line_length=console.width(),
        print_fn=lambda line: print(console.writable(line.replace("─", dash))),
    )
    print(end="", flush=True)


def show_sample(text: str, when: str, temperature: float) -> None:
    """Print a text with a vertical line on its left."""
    colour = console.has_colour()
    side = console.paint("│" if console.has_unicode() else "|", "green", colour)
    print(console.paint(f"  sample after {when}, temperature {temperature:g}", "bold", colour))
    for line in console.fold(console.writable(text), console.width() - 4):
        print(f"  {side} {line}")
    print(flush=True)


def conclude(result: Result, corpus: Corpus, folder: Path) -> None:
    """Print the report, and write it and the learning curve to the folder.

    Raises:
        DemoError: if the folder cannot be written to.
    """
    unicode = console.has_unicode()
    print("\n".join(report(result, console.width(), unicode, console.has_colour())), end="\n\n")
    try:
        saved = save(result, corpus, folder)
    except OSError as error:
        raise DemoError(f"cannot write into {folder} (--out): {error.strerror}") from None
    for path in saved:
        print(f"Written: {console.writable(str(path))}")
    if result.curves and len(saved) == 1:
        print(NO_MATPLOTLIB)


def save(result: Result, corpus: Corpus, folder: Path) -> list[Path]:
    """Write the report with all samples, and the learning curve if matplotlib is installed."""
    samples = [f"Sample after {when}:\n{text}" for when, text in result.samples]
    text = "\n\n".join(["\n".join(report(result)), *samples])
    (folder / REPORT).write_text(text + "\n", encoding="utf-8")
    title = f"Learning to write like {corpus.name}"
    if result.curves and curve.save_png(
        folder / PICTURE, result.curves, result.levels, title, result.epochs
    ):
        return [folder / REPORT, folder / PICTURE]
    return [folder / REPORT]


def report(
    result: Result, width: int = console.WIDEST, unicode: bool = True, colour: bool = False
) -> list[str]:
    """The lines of the report: learning curve, losses, verdict, speed."""
    bold = partial(console.paint, style="bold", colour=colour)
    lines = []
    if result.curves:
        lines += [bold("Learning curve, nats a character"), ""]
        lines += curve.draw(
            result.curves, result.levels, width, unicode=unicode, colour=colour, at=result.epochs
        )
        lines.append("")
    lines += [bold(f"Loss on the {result.held_out:,} characters held out, nats a character"), ""]
    rows = {NAMES[name]: loss for name, loss in result.losses.items()}
    bars = curve.bars(rows, width - 2, unicode)
    bars[-1] = console.paint(bars[-1], "green", colour)
    lines += [f"  {line}" for line in bars]
    lines += ["", *verdict(result.losses["model"], result.losses["bigram"])]
    lines += [result.ending] if result.ending else []
    speed = f"{result.speed:,.0f} characters a second in training, " if result.speed else ""
    return [*lines, f"{speed}{result.seconds:.0f} s in all."]


def verdict(model: float, bigram: float) -> list[str]:
    """Sentences on whether the model beats the bigram counts.

    Example:
        >>> verdict(1.5, 2.5)[0]
        'The model beats the bigram counts by 1.00 nats a character:'
    """
    if not model < bigram:
        return [
            f"The model ({model:.2f}) does not beat the bigram counts ({bigram:.2f}).",
            "It needs more text or more epochs.",
        ]
    return [
        f"The model beats the bigram counts by {bigram - model:.2f} nats a character:",
        f"what comes next is {np.exp(bigram - model):.1f} times as likely to it.",
    ]
