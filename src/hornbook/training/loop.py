"""The loop around the compiled step: many steps per dispatch, Python only for callbacks."""

import time
import warnings
from collections.abc import Callable, Container, Iterator
from functools import partial
from itertools import chain, islice
from typing import Any, NamedTuple

import jax
import numpy as np

from hornbook.core import placement, tree
from hornbook.core.allocator import in_use, settled
from hornbook.core.errors import users_stacklevel
from hornbook.core.undisturbed import undisturbed
from hornbook.training.data import label
from hornbook.training.not_finite import report
from hornbook.training.slab import Outcome, Slab, Span, sent
from hornbook.training.state import Turns
from hornbook.training.variables import Variables

DISPATCH_SECONDS = 0.1  # per dispatch: progress bar refresh, Ctrl-C latency
PATIENCE = 0.002  # seconds that the device may idle while a source makes more batches
SHORT = 20  # steps per dispatch from which on single steps are noticeably slower
FEW_SHAPES = 4
BULKY = 256 * 2**20  # bytes of temporary buffers; smaller ones are not worth a wait
BULKY_IF_LONG = BULKY // 4  # the same if a step takes most of a dispatch
MANY_SHAPES = """batches have come in more than {number} shapes, and each new shape is \
recompiled: {name} is now {now}, before it was {before}. Use one shape or a few, for instance \
with utils.pad_sequences(..., maxlen=...). Sequences are padded to a few lengths automatically if \
the first layer masks padding, Embedding(..., mask_zero=True) or Masking(), and all layers, \
losses and metrics ignore masked steps."""

LENGTHS_DIFFER = """the outputs of the batches have different lengths, {} and {}, and cannot be \
joined into one array. Pad the batches to one length, predict each length separately, or call \
predict_on_batch for each batch."""


class Pace:
    """How many steps go into one dispatch, from measured step times."""

    steps = 1

    def note(self, steps: int, seconds: float) -> None:
        """Record that a dispatch of `steps` took `seconds`."""
        if steps > 0:
            wanted = DISPATCH_SECONDS * steps / max(seconds, 1e-7)
            self.steps = int(min(max(wanted, 1), self.steps * 64))


class Running(NamedTuple):
    """Dispatched steps, running or finished: `first`, `stop` (excluded) and the results.

    Attributes:
        outcomes: of what was dispatched in turn, each with the number of batches before it.
    """

    slab: Slab
    first: int
    stop: int
    outcomes: list[tuple[int, Outcome]]
    began: float

    @property
    def last(self) -> Outcome:
        """The last outcome."""
        return self.outcomes[-1][1]


class Program:
    """A compiled run of many steps, with the variables it reads and writes.

    Args:
        run: what `step.many` returned.
        variables: see `Variables`.
        turns: shared by all programs with the same metrics.
    """

    def __init__(self, run: Any, variables: Variables, turns: "Turns"):
        self.run = run
        self.variables = variables
        self.turns = turns
        self.eager = False  # whether it was made to run in Python
        self.where = placement.current()
        self.pace = Pace()
        self._in_use = 0  # bytes, before the last dispatch
        self._balance: dict[tuple, float] = {}  # by shapes: run time minus compile time
        self._shapes: list[dict[str, tuple]] = []

    def start(
        self,
        slab: Slab,
        start: int,
        stop: int,
        fresh: bool,
        after: Running | None = None,
        who: "Epochs | None" = None,
    ) -> Running:
        """Dispatch steps of a slab.

        Args:
            slab: the batches.
            start, stop: the range of steps, `stop` excluded.
            fresh: whether to reset the metrics first.
            after: the run before; if it ends with a non-finite loss, this one does nothing.
            who: the epochs whose metrics these steps update.
        """
        began = time.perf_counter()
        go = True if after is None else after.last.finite
        whole = np.int32(min(stop, slab.whole))
        span = Span(np.int32(start), whole, stop > slab.whole, fresh, go)
        variables = self.variables

        def use_up(run: Callable, slab: Slab, span: Span) -> Outcome:
            if variables.shared():
                variables.own()
            state, fixed = variables.read()
            state = self.turns.take(who, state, variables)
            done = run(state, fixed, slab, span)
            variables.write(done.state, private=True)  # freeing the donated `state` would wait
            return done._replace(state={})

        outcomes: list[tuple[int, Outcome]] = []
        if in_python(self.run):
            done = self.run(*variables.read(), slab, span)
            undisturbed(lambda: variables.write(done.state))
            return Running(slab, start, stop, [(0, done)], began)
        for before, part, its in self.run.parts(slab, span):
            if outcomes:
                its = its._replace(fresh=False, go=outcomes[-1][1].finite)
            run = self.run.ready(variables.read, part, its)
            if self.bulky:
                settled(self._in_use)
                self._in_use = in_use()
            outcomes.append((before, undisturbed(partial(use_up, run, part, its))))
        return Running(slab, start, stop, outcomes, began)

    def finish(self, running: Running, alone: bool = True) -> tuple[dict, int, bool]:
        """Wait for dispatched steps: logs, the end index, and whether all losses were finite.

        Args:
            running: what `start` returned.
            alone: whether the device ran nothing else since; else the time is not recorded.
        """
        for before, outcome in running.outcomes:
            done, finite = before + int(outcome.end), bool(outcome.finite)
            if not finite:
                break
        if alone:
            self._note(running.slab, done - running.first, time.perf_counter() - running.began)
        return outcome.logs, done, finite

    @property
    def bulky(self) -> bool:
        """Whether two runs at a time would take much more memory than one, and a wait is short."""
        least = BULKY if self.pace.steps > 1 else BULKY_IF_LONG
        return getattr(self.run, "temporary", 0) >= least

    def works(self, running: Running | None) -> bool:
        """Whether the device is still busy with a run."""
        end: Any = running and running.last.end
        return hasattr(end, "is_ready") and not end.is_ready()

    def many_pay(self, data: tuple, rows: int) -> bool:
        """Whether it pays to compile for several such batches of a source at once.

        It does if steps are short, and running them one by one has already taken as long as
        compiling them did.
        """
        key = rows, 0, None, *(array.shape for array in _arrays(data))
        return self.pace.steps >= SHORT and self._balance.get(key, 0) > 0

    def _note(self, slab: Any, steps: int, seconds: float) -> None:
        """Record a time; the first run with new shapes includes compilation and is kept apart."""
        order = None if slab.order is None else slab.order.shape
        key = slab.batch, slab.rest, order, *map(slab.shape_of, _arrays(slab.data))
        if key in self._balance:
            self._balance[key] += seconds
            self.pace.note(steps, seconds)
        else:
            self._balance[key] = -seconds
            if not slab.padded:
                self._note_shapes(slab)

    def _note_shapes(self, slab: Any) -> None:
        """Warn once if batches keep arriving in new shapes."""
        leaves = [(path, leaf) for path, leaf in tree.named_leaves(slab.data) if leaf is not None]
        shapes = {label(path): (slab.batch, *slab.shape_of(leaf)[1:]) for path, leaf in leaves}
        if shapes in self._shapes:
            return
        if len(self._shapes) == FEW_SHAPES:
            name = next(k for k in shapes if shapes[k] != self._shapes[-1].get(k))
            warnings.warn(
                MANY_SHAPES.format(
                    number=FEW_SHAPES, name=name, now=shapes[name], before=self._shapes[-1][name]
                ),
                stacklevel=users_stacklevel(),
            )
        self._shapes.append(shapes)


def in_python(run: Any) -> bool:
    """Whether a run is Python code, which donates nothing and may stop at a breakpoint.

    True if JIT is disabled, or if the model made the function itself.
    """
    eager = jax.config.jax_disable_jit  # type: ignore[attr-defined]
    return eager or not (hasattr(run, "ready") or hasattr(run, "lower"))


def _arrays(data: tuple) -> list:
    return [array for array in tree.flatten(data) if array is not None]


class Ahead(NamedTuple):
    """An epoch started, or about to start, before the results of the last one are known."""

    slabs: Iterator[Slab]
    slab: Slab
    running: Running | None


class Epochs:
    """Runs a program over the batches of a feed, epoch by epoch.

    Args:
        program: what to run.
        feed: yields slabs.
        events: the callbacks.
        mode: `"train"` or `"test"`.
        model: named in messages; searched for the layer at fault when a loss is not finite.
        stopped: called after each dispatch; returns whether to stop.
    """

    def __init__(
        self,
        program: Program,
        feed: Any,
        events: Any,
        mode: str,
        model: Any,
        stopped: Callable[[], bool],
    ):
        self.program, self.feed, self.events, self.model = program, feed, events, model
        self.stopped = stopped
        self.begin = getattr(events, f"on_{mode}_batch_begin")
        self.end = getattr(events, f"on_{mode}_batch_end")
        self.each = events.needs_every_batch(mode)
        # steps between events
        self.at_once = model._training_state.steps_per_execution if self.each else 1
        self.epochs = 0  # index of the last one, from 1
        self.epochs_done = 0  # in an earlier run that this one continues
        self.done = 0  # batches of the current epoch
        self._skip = 0  # of these, how many the feed gives again
        self._logs: dict[str, Any] = {}  # after the last of these
        self.ahead: Ahead | None = None
        self.aside: dict[str, Any] = {}  # metrics by path; see `Turns`
        self._latest: Running | None = None
        self._steps = 1  # per dispatch, the same in all processes that train together

    def epoch(self, another: bool = False) -> dict[str, float]:
        """One epoch.

        Args:
            another: whether the next epoch may start before the results of this one are known.

        Returns:
            The logs at the end.
        """
        try:
            return self._epoch(another)
        finally:
            if not self.begun:
                self.program.turns.end(self)

    def position(self, whole: bool) -> dict[str, Any]:
        """The position in the data, as plain data; `whole` after an epoch, else inside one."""
        return self.feed.position(0 if whole else self.done)

    def resume(self, epochs: int, position: dict[str, Any], logs: dict[str, Any]) -> None:
        """Continue an earlier run.

        Args:
            epochs: number of epochs that it has finished.
            position: what its `position` returned.
            logs: its last logs.
        """
        skip = self.feed.resume(position)
        self.epochs_done, self.done, self._skip = epochs, position["epoch"], skip
        self._logs = logs if self.done else {}

    def _epoch(self, another: bool) -> dict[str, float]:
        program = self.program
        slabs, slab, running = self.ahead or (self._slabs(), None, None)
        self.ahead = None
        upcoming = [slab] if slab else [*islice(slabs, 1)]
        logs, self._logs = self._logs, {}
        first, skip, self._skip = self.done - self._skip, self._skip, 0
        while upcoming:
            slab = upcoming.pop()
            start = min(skip, slab.steps)
            skip -= start
            while start < slab.steps:
                if (first + start) % self.at_once == 0:
                    self.begin(first + start)
                running = running or self._start(slab, start, first + start)
                if running.stop == slab.steps and not self.each:
                    # fetch the next batches while the device works on these
                    upcoming = upcoming or [*islice(slabs, 1)]
                    if another and not upcoming and not program.bulky and not self.stopped():
                        self._begin_next()
                logs, start, finite = self._finish(running)
                running, self.done = None, first + start
                if not finite:
                    self.ahead = self.ahead and self.ahead._replace(running=None)
                    report(self.model, program.variables.each, slab, start - 1, first + start - 1)
                if (first + start) % self.at_once == 0:
                    self.end(first + start - 1, lambda logs=logs: to_floats(logs))
                if self.stopped():
                    return to_floats(logs)
            first += slab.steps
            upcoming = upcoming or [*islice(slabs, 1)]
        if left := -first % self.at_once:  # as in Keras, the index that a full execution would have
            self.end(first + left - 1, lambda: to_floats(logs))
        self.done = 0
        return to_floats(logs)

    def _slabs(self) -> Iterator[Slab]:
        """The slabs of an epoch, on their devices."""
        return chain.from_iterable(map(sent, self.feed.epoch(self._more)))

    @property
    def begun(self) -> bool:
        """Whether the device is already running the next epoch."""
        return self.ahead is not None and self.ahead.running is not None

    def _start(self, slab: Slab, start: int, number: int) -> Running:
        """Dispatch steps of a slab; `number` is the first one's index in the epoch."""
        if not self.each:
            self._steps = placement.agreed(self.program.pace.steps)
        steps = self.at_once - number % self.at_once if self.each else self._steps
        stop = min(start + steps, slab.steps)
        self._latest = self.program.start(slab, start, stop, number == 0, self._latest, self)
        return self._latest

    def _finish(self, running: Running) -> tuple[dict, int, bool]:
        alone = running is self._latest
        found = self.program.finish(running, alone)
        if alone or not found[2]:
            self._latest = None
        return found

    def _begin_next(self) -> None:
        if self.ahead:
            slabs, slab, _ = self.ahead
        else:
            slabs = self._slabs()
            slab = next(slabs)
        self.ahead = Ahead(slabs, slab, self._start(slab, 0, 0))

    def _more(self, batch: tuple, count: int, began: float) -> bool:
        """Whether to wait for one more batch: while the device is busy, and briefly otherwise."""
        program = self.program
        if placement.is_shared():  # all processes must form the same slabs
            return not self.each and count < self._steps
        if self.each or count >= program.pace.steps:
            return False
        if not program.works(self._latest) and time.perf_counter() - began > PATIENCE:
            return False
        return count > 1 or program.many_pay(batch, tree.flatten(batch)[0].shape[0])


def predict_batches(
    run: Callable,
    feed: Any,
    events: Any,
    padding: Any,
    at_once: int = 1,
    stopped: Callable[[], bool] = lambda: False,
    out: Any = None,
) -> Any:
    """The outputs for every batch of a feed, as numpy arrays.

    Args:
        run: maps a batch to its outputs.
        feed: yields slabs.
        events: the callbacks.
        padding: the `Padding` that padded the batches, if any.
        at_once: batches per event.
        stopped: called after each event; returns whether to stop.
        out: arrays to write the outputs to, rather than returning new ones.
    """
    outputs: list[Any] = []  # all of them, or those of the next event
    written = count = 0
    events.on_predict_begin()
    for x, given in _batches_of(feed):
        if count % at_once == 0:
            events.on_predict_batch_begin(count)
            outputs = [] if out is not None else outputs
        outputs.append(run(x))
        count += 1
        if given:
            outputs[-1] = padding.trim(outputs[-1], given[0][0])
        if out is not None:
            written = write_rows(out, outputs[-1], written)
        if count % at_once == 0:
            _tell(events, outputs, count, at_once)
            if stopped():
                break
    if count % at_once:
        _tell(events, outputs, count, at_once)
    events.on_predict_end()
    if not count:
        raise ValueError("the source yielded no batches to predict")
    if out is None:
        return tree.map_structure(_joined, *outputs)
    for rows in {len(leaf) for leaf in tree.flatten(out)} - {written}:
        if not stopped():
            raise ValueError(f"predict: out has {rows} rows, but the data have {written}")
    return out


def write_rows(out: Any, outputs: Any, start: int) -> int:
    """Write a batch's outputs to the rows of `out` from `start` on; returns the row after them."""

    def write(place: Any, part: Any) -> int:
        part, stop = np.asarray(part), start + len(part)
        row = tuple(place.shape[1:])
        if row != part.shape[1:] or stop > len(place):
            need = f"at least {stop} rows of shape {part.shape[1:]}"
            raise ValueError(f"predict: out has shape {tuple(place.shape)}; it needs {need}")
        if not np.can_cast(part.dtype, place.dtype, "same_kind"):
            raise ValueError(f"predict: out has dtype {place.dtype}; the outputs are {part.dtype}")
        place[start:stop] = part
        return stop

    places, parts = tree.flatten(out), tree.flatten(outputs)
    if len(places) != len(parts):
        raise ValueError(f"predict: out has {len(places)} arrays; the outputs are {len(parts)}")
    return [write(place, part) for place, part in zip(places, parts)][0]


def _batches_of(feed: Any) -> Iterator[tuple[Any, list]]:
    """The inputs of each batch, and the original numbers of timesteps if padded."""
    for slab in feed.epoch():
        for index in range(slab.steps):
            x, _, _, *given = slab.take_on_host(index)
            yield x, given


def _tell(events: Any, outputs: list, count: int, at_once: int) -> None:
    """Report the latest of `count` batches, up to `at_once` of them."""
    first = (count - 1) // at_once * at_once
    last = outputs[first - count :]
    joined = last[0] if len(last) == 1 else tree.map_structure(_joined, *last)
    events.on_predict_batch_end(first + at_once - 1, {"outputs": joined})


def _joined(*parts: Any) -> np.ndarray:
    """The outputs of all batches, concatenated."""
    for part in parts:
        if part.shape[1:] != parts[0].shape[1:]:
            raise ValueError(LENGTHS_DIFFER.format(parts[0].shape, part.shape))
    return np.concatenate([np.asarray(part) for part in parts])


def to_floats(logs: dict[str, Any]) -> dict[str, Any]:
    """Logs as Python floats (non-scalar arrays stay arrays)."""
    for value in logs.values():
        if isinstance(value, jax.Array):
            value.copy_to_host_async()
    # not `jax.device_get`, which hides an exception that a signal handler raises in it
    fetched = {name: np.asarray(value) for name, value in logs.items()}
    return {name: value if value.ndim else float(value) for name, value in fetched.items()}


def due(epoch: int, frequency: Any) -> bool:
    """Whether an epoch (from 0) is a multiple of `frequency`, or in that list (from 1)."""
    if isinstance(frequency, int) and frequency > 0:
        return (epoch + 1) % frequency == 0
    if isinstance(frequency, int) or not isinstance(frequency, Container):
        raise ValueError(
            f"validation_freq is a number of epochs, or a list of their numbers, not {frequency!r}"
        )
    return epoch + 1 in frequency


def scalar_or_list(logs: dict[str, Any]) -> Any:
    """The values of logs as a list; a single one as a scalar."""
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
