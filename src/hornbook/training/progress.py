"""The progress bar: a line that is drawn over and over on a terminal, and once elsewhere."""

import os
import shutil
import sys
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from hornbook.training.callback import Callback

BOLD, GREEN, GREY, RESET = "\033[1m", "\033[32m", "\033[37m", "\033[0m"
INDENT = "    "
SHORTEST_BAR = 5

_open_line = [0]  # how many characters stand on a line that is to be drawn over


def is_live() -> bool:
    """Whether standard output goes to someone who watches: a terminal or a notebook."""
    return _is_terminal() or "ipykernel" in sys.modules or "PYCHARM_HOSTED" in os.environ


def resolve_verbose(verbose: int | str | bool) -> int:
    """`"auto"` becomes 1 (a live bar) where someone watches, else 2 (one line an epoch).

    Raises:
        ValueError: for anything but 0, 1, 2 and `"auto"`.

    Example:
        >>> resolve_verbose(True)
        1
    """
    if verbose == "auto":
        return 1 if is_live() else 2
    if verbose not in (0, 1, 2):
        raise ValueError(
            f"verbose={verbose!r} is not known: pass 0 (silent), 1 (a progress bar), "
            "2 (one line an epoch) or 'auto'"
        )
    return int(verbose)


def say(message: str) -> None:
    """Print a message on a line of its own, in place of a bar that is not finished."""
    _write(message, finish=True)


def close_line() -> None:
    """Leave a bar that is not finished as it is, and go on below it."""
    if _open_line[0]:
        print(flush=True)
    _open_line[0] = 0


class Progbar:
    """A progress bar: `update` it as often as you like, it is drawn as often as one can read.

    Args:
        target: number of steps, or None if that is not known.
        width: characters of the bar; it becomes shorter on narrow terminals.
        verbose: 0 (silent), 1 (a bar) or 2 (one line without a bar, at the end).
        interval: seconds between two drawings.
        stateful_metrics: names whose values are shown as they come. All others are averaged over
            the steps.
        stateless_metrics: names whose values are averaged; all others are shown as they come.
            Give one of the two, or neither: all are averaged.
        unit_name: what a step is called.

    Raises:
        ValueError: if both kinds of names are given.

    Example:
        >>> from hornbook.training.progress import Progbar
        >>> bar = Progbar(target=2, verbose=2)
        >>> bar.update(1, [("loss", 2.0)])
        >>> bar.update(2, [("loss", 1.0)])
        2/2 - 0s - ...s/step - loss: 1.5000
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.1,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ):
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError("give stateful_metrics or stateless_metrics, not both")
        self.target = target or None
        self.width = width
        self.verbose = resolve_verbose(verbose)
        self.interval = interval
        self.unit_name = unit_name
        self._listed = set(stateless_metrics or stateful_metrics or ())
        self._listed_are_averaged = stateless_metrics is not None
        self._sums: dict[str, tuple[Any, int]] = {}  # name -> sum, number of steps
        self._seen = 0
        self._start = time.perf_counter()
        self._start_of_second: float | None = None  # step
        self._step_time = 0.0
        self._drawn = -float("inf")

    def update(
        self,
        current: int,
        values: Iterable[tuple[str, Any]] | None = None,
        finalize: bool | None = None,
    ) -> None:
        """Say how far it is.

        Args:
            current: steps done so far.
            values: `(name, value)` of the latest step.
            finalize: whether this is the end; default when `current` reaches the target.
        """
        now = time.perf_counter()
        if self.target is not None and current > self.target:
            self.target = None  # it was wrong
        if finalize is None:
            finalize = current == self.target
        for name, value in values or ():
            self._record(name, value, steps=max(current - self._seen, 1))
        if current > self._seen:
            self._step_time = self._measure(current, now)
            self._seen = current
        if finalize and self.verbose:
            self.target = self.target or current
            self._draw(now, final=True)
        elif self.verbose == 1 and is_live() and now - self._drawn >= self.interval:
            self._draw(now, final=False)
            self._drawn = now

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Say that `n` more steps are done."""
        self.update(self._seen + n, values)

    def _record(self, name: str, value: Any, steps: int) -> None:
        averaged = (name in self._listed) == self._listed_are_averaged
        total, count = self._sums.get(name, (0, 0)) if averaged else (0, 0)
        self._sums[name] = (total + value * steps, count + steps)

    def _measure(self, current: int, now: float) -> float:
        """Seconds a step; without the first one, which compiles, where it was reported alone."""
        if current == 1:
            self._start_of_second = now
        if current == 1 or self._start_of_second is None:
            return (now - self._start) / current
        return (now - self._start_of_second) / (current - 1)

    def _draw(self, now: float, final: bool) -> None:
        """At the end all the time that it took, before that what is left of it; and of that a step.

        What it took has compilation and validation in it, what is left has not, and so is not
        known before the second step.
        """
        count = _count(self._seen, self.target)
        known = self._seen > 1 and not final
        left = (self.target or self._seen) - self._seen if known else 0
        seconds = left * self._step_time if left else now - self._start
        clock = _clock(seconds)
        a_step = self._step_time if left else seconds / max(self._seen, 1)
        pieces = [_step_time(a_step, self.unit_name)]
        pieces += [f"{name}: {_value(total / n)}" for name, (total, n) in self._sums.items()]
        if self.verbose == 2:
            _write(_fold(" - ".join([count, clock, *pieces])), finish=True)
            return
        info = f"{clock} {' - '.join(pieces)}"
        room = min(self.width, _columns() - len(f"{count}  {info}"))
        bar = _bar(self._seen, self.target, room) if room >= min(SHORTEST_BAR, self.width) else ""
        line = f"{count} {bar} {info}" if bar else f"{count} {info}"
        line = _fold(line) if final else _cut(line)
        _write(line, finish=final, painted=_paint(line, count, bar))


class ProgbarLogger(Callback):
    """Shows the progress of `fit`, `evaluate` and `predict` with a `Progbar`.

    It takes `verbose`, `epochs` and `steps` (None if unknown) from `params`.
    """

    every_batch = False

    def __init__(self):
        self.verbose = 1
        self.epochs = 1
        self.target: int | None = None
        self.seen = 0
        self.progbar: Progbar | None = None
        self._in_fit = False

    def set_params(self, params: dict[str, Any]) -> None:
        """Take `verbose`, `epochs` and `steps`."""
        super().set_params(params)
        self.verbose = resolve_verbose(params.get("verbose", "auto"))
        self.epochs = params.get("epochs") or 1
        self.target = params.get("steps")

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Leave validation without a bar of its own."""
        self._in_fit = True

    def on_train_end(self, logs: dict | None = None) -> None:
        """Close the line of an epoch that was interrupted."""
        self._in_fit = False
        self.progbar = None
        close_line()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Print `Epoch 3/10` and start a bar."""
        self._begin()
        if self.verbose and self.epochs > 1:
            say(f"Epoch {epoch + 1}/{self.epochs}")

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Move the bar."""
        self._advance(batch, logs)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Draw the bar for the last time, with all values of the epoch."""
        self._finish(logs)

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Start a bar, unless this is a validation."""
        if not self._in_fit:
            self._begin()

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Move the bar, unless this is a validation."""
        if not self._in_fit:
            self._advance(batch, logs)

    def on_test_end(self, logs: dict | None = None) -> None:
        """Draw the bar for the last time, unless this is a validation."""
        if not self._in_fit:
            self._finish(logs)

    def on_predict_begin(self, logs: dict | None = None) -> None:
        """Start a bar."""
        self._begin()

    def on_predict_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Move the bar."""
        self._advance(batch, None)

    def on_predict_end(self, logs: dict | None = None) -> None:
        """Draw the bar for the last time."""
        self._finish(None)

    def _begin(self) -> None:
        self.seen = 0
        self.progbar = Progbar(self.target, verbose=self.verbose, stateless_metrics=())

    def _advance(self, batch: int, logs: dict | None) -> None:
        self.seen = batch + 1
        at_once = getattr(self.model, "steps_per_execution", 1)
        if self.target and 0 < self.seen - self.target < at_once:
            self.seen = self.target  # the last of them was cut short
        if self.progbar is not None:
            self.progbar.update(self.seen, (logs or {}).items(), finalize=False)

    def _finish(self, logs: dict | None) -> None:
        if self.progbar is not None:
            self.target = self.target or self.seen or None
            steps = self.seen or self.target or 0
            self.progbar.update(steps, (logs or {}).items(), finalize=True)
            self.progbar = None


# ---- what a line is made of


def _count(current: int, target: int | None) -> str:
    if target is None:
        return f"{current:7d}/Unknown"
    return f"{current:{len(str(target))}d}/{target}"


def _bar(current: int, target: int | None, width: int) -> str:
    """`width` characters of two kinds; none if the target is unknown."""
    if target is None:
        return ""
    full, empty, _ = _glyphs()
    done = width * current // target
    return full * done + empty * (width - done)


def _clock(seconds: float) -> str:
    whole = round(seconds)
    minutes, hours = whole // 60 % 60, whole // 3600
    if hours:
        return f"{hours}:{minutes:02d}:{whole % 60:02d}"
    return f"{minutes}:{whole % 60:02d}" if minutes else f"{whole}s"


def _step_time(seconds: float, unit: str) -> str:
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s/{unit}"
    return f"{seconds * 1e3:.0f}ms/{unit}" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us/{unit}"


def _value(value: Any) -> str:
    number = float(np.mean(value))
    return f"{number:.4f}" if abs(number) > 1e-3 or number == 0 else f"{number:.4e}"


# ---- where it is written


def _is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _columns() -> int:
    """How long a line may be: the last column is left free; a file or a notebook has no limit."""
    return shutil.get_terminal_size().columns - 1 if _is_terminal() else 10_000


def _glyphs() -> tuple[str, str, str]:
    """Characters for done, to do and left out, as far as standard output can write them."""
    glyphs = ("━", "─", "…")
    try:
        "".join(glyphs).encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return ("=", ".", "~")
    return glyphs


def _cut(line: str) -> str:
    """A line that fits: as many of the values as there is room for, and a mark for the rest."""
    pieces = line.split(" - ")
    while len(line) > _columns() and len(pieces) > 1:
        pieces.pop()
        line = " - ".join([*pieces, _glyphs()[2]])
    return line[: _columns()]


def _fold(line: str) -> str:
    """A line as several that fit, broken between values."""
    lines = [""]
    for piece in line.split(" - "):
        joined = f"{lines[-1]} - {piece}" if lines[-1] else piece
        if lines[-1] and len(joined) > _columns():
            lines.append(INDENT + piece)
        else:
            lines[-1] = joined
    return "\n".join(lines)


def _paint(line: str, count: str, bar: str) -> str:
    if not is_live() or "NO_COLOR" in os.environ:
        return line
    done = bar.count(_glyphs()[0])
    painted = f"{GREEN}{bar[:done]}{RESET}{GREY}{bar[done:]}{RESET}"
    line = line.replace(bar, painted, 1) if bar else line
    return line.replace(count, f"{BOLD}{count}{RESET}", 1)


def _write(line: str, finish: bool, painted: str | None = None) -> None:
    """Draw over the open line; leave this one open, or finish it."""
    first = len(line.partition("\n")[0])
    start = "\r" if _open_line[0] else ""
    blank = " " * (_open_line[0] - first)
    text = line if painted is None else painted
    head, newline, rest = text.partition("\n")
    print(start + head + blank + newline + rest, end="\n" if finish else "", flush=True)
    _open_line[0] = 0 if finish else first
