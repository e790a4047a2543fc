"""The progress bar: redrawn in place on a terminal, printed once elsewhere."""

import os
import shutil
import sys
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from hornbook.core import placement, settings
from hornbook.core.messages import tell
from hornbook.training.callback import Callback

BOLD, GREEN, GREY, RESET = "\033[1m", "\033[32m", "\033[37m", "\033[0m"
INDENT = "    "
SHORTEST_BAR = 5

_open_line = [0]  # length of the line to be overwritten


def is_live() -> bool:
    """Whether output goes to a terminal or a notebook, where a line can be redrawn."""
    here = _is_terminal() or "ipykernel" in sys.modules or "PYCHARM_HOSTED" in os.environ
    return here and settings.is_interactive_logging_enabled()


def resolve_verbose(verbose: int | str | bool) -> int:
    """`"auto"` becomes 1 (a live bar) if output is interactive, else 2 (one line per epoch).

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
    """Print a message on its own line, replacing an unfinished bar."""
    if placement.is_first():
        _write(message, finish=True)


def close_line() -> None:
    """Leave an unfinished bar as it is, and continue on the next line."""
    if _open_line[0]:
        print(flush=True)
    _open_line[0] = 0


class Progbar:
    """A progress bar; redraws are rate-limited, so `update` it as often as you like.

    Args:
        target: number of steps, or None if unknown.
        width: of the bar, in characters; shorter on narrow terminals.
        verbose: 0 (silent), 1 (a bar) or 2 (one line without a bar, at the end).
        interval: minimum seconds between redraws.
        stateful_metrics: names whose values are shown as they are. All others are averaged over the
            steps.
        stateless_metrics: names whose values are averaged; all others are shown as they are. Pass
            at most one of the two; by default all are averaged.
        unit_name: name of a step.

    Raises:
        ValueError: if both lists of names are given.

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
        """Set the progress.

        Args:
            current: steps done so far.
            values: `(name, value)` of the latest step.
            finalize: whether this is the last update; default when `current` reaches the target.
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
        """Advance by `n` steps."""
        self.update(self._seen + n, values)

    def _record(self, name: str, value: Any, steps: int) -> None:
        averaged = (name in self._listed) == self._listed_are_averaged
        total, count = self._sums.get(name, (0, 0)) if averaged else (0, 0)
        self._sums[name] = (total + value * steps, count + steps)

    def _measure(self, current: int, now: float) -> float:
        """Seconds per step, without the first (compiling) step if it was reported alone."""
        if current == 1:
            self._start_of_second = now
        if current == 1 or self._start_of_second is None:
            return (now - self._start) / current
        return (now - self._start_of_second) / (current - 1)

    def _draw(self, now: float, final: bool) -> None:
        """Draw the bar with the time left, or at the end the total time, and the time per step.

        The total includes compilation and validation. The time left does not, and is unknown before
        the second step.
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
    only_first = True

    def __init__(self):
        self.verbose = 1
        self.epochs = 1
        self.target: int | None = None
        self.seen = 0
        self.progbar: Progbar | None = None
        self._in_fit = False

    def set_params(self, params: dict[str, Any]) -> None:
        """Set `verbose`, `epochs` and `steps`."""
        super().set_params(params)
        self.verbose = resolve_verbose(params.get("verbose", "auto"))
        self.epochs = params.get("epochs") or 1
        self.target = params.get("steps")

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Suppress the bar of validation."""
        self._in_fit = True

    def on_train_end(self, logs: dict | None = None) -> None:
        """Close the line of an interrupted epoch."""
        self._in_fit = False
        self.progbar = None
        close_line()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Print `Epoch 3/10` and start a new bar."""
        self._begin()
        if self.verbose and self.epochs > 1:
            say(f"Epoch {epoch + 1}/{self.epochs}")

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Advance the bar."""
        self._advance(batch, logs)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Draw the final bar, with all values of the epoch."""
        self._finish(logs)

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Start a new bar, except during validation."""
        if not self._in_fit:
            self._begin()

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Advance the bar, except during validation."""
        if not self._in_fit:
            self._advance(batch, logs)

    def on_test_end(self, logs: dict | None = None) -> None:
        """Draw the final bar, except during validation."""
        if not self._in_fit:
            self._finish(logs)

    def on_predict_begin(self, logs: dict | None = None) -> None:
        """Start a bar."""
        self._begin()

    def on_predict_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Move the bar."""
        self._advance(batch, None)

    def on_predict_end(self, logs: dict | None = None) -> None:
        """Draw the final bar."""
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


# ---- the parts of a line


def _count(current: int, target: int | None) -> str:
    if target is None:
        return f"{current:7d}/Unknown"
    return f"{current:{len(str(target))}d}/{target}"


def _bar(current: int, target: int | None, width: int) -> str:
    """A bar of `width` characters; empty if the target is unknown."""
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


# ---- output


def _is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def _columns() -> int:
    """Maximum line length: one column is left free; files and notebooks have no limit."""
    return shutil.get_terminal_size().columns - 1 if _is_terminal() else 10_000


def _glyphs() -> tuple[str, str, str]:
    """Characters for done, to do and cut off; ASCII if standard output cannot encode them."""
    glyphs = ("━", "─", "…")
    try:
        "".join(glyphs).encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return ("=", ".", "~")
    return glyphs


def _cut(line: str) -> str:
    """Fit a line: as many values as there is room for, and an ellipsis for the rest."""
    pieces = line.split(" - ")
    while len(line) > _columns() and len(pieces) > 1:
        pieces.pop()
        line = " - ".join([*pieces, _glyphs()[2]])
    return line[: _columns()]


def _fold(line: str) -> str:
    """Wrap a line between values."""
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
    """Overwrite the open line; keep it open, or finish it."""
    first = len(line.partition("\n")[0])
    start = "\r" if _open_line[0] else ""
    blank = " " * (_open_line[0] - first)
    text = line if painted is None else painted
    head, newline, rest = text.partition("\n")
    tell(start + head + blank + newline + rest, end="\n" if finish else "")
    _open_line[0] = 0 if finish else first
