"""User data as a source, then as a feed of batches for a model.

A source holds arrays or yields batches; `kinds.py` decides which. The feed checks and weights it.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from hornbook.core import tree
from hornbook.core.forked import uses_engine
from hornbook.core.settings import limited, max_steps_per_epoch
from hornbook.training.data import class_weights, count_samples, take_samples, to_arrays
from hornbook.training.dataset import Batches
from hornbook.training.feed import NO_SAMPLES, ArrayFeed, IterableFeed
from hornbook.training.kinds import kind_of
from hornbook.training.labels import check_ids, check_numbers, ids_of
from hornbook.training.overrides import has_own_steps
from hornbook.training.padding import Padding
from hornbook.training.programs import prepare
from hornbook.training.splitting import count_held_out, splits, warn_of_missing_classes


class Arrays(NamedTuple):
    """Arrays with samples along the first axis; large ones are read piece by piece.

    Attributes:
        data: `(x, y, sample_weight)`.
    """

    data: tuple

    def split(self, fraction: float, chosen: str = "last") -> "tuple[Arrays, Arrays]":
        """The samples for training, and a `fraction` of them for validation.

        Args:
            fraction: between 0 and 1.
            chosen: `"last"`, `"random"` or `"stratified"`; see `splitting.py`.
        """
        samples = count_samples(self.data)
        held_out = count_held_out(samples, fraction)
        if chosen != "last":
            parts = splits(self.data[1], samples, held_out, chosen)
            return Arrays(take_samples(self.data, parts[0])), Arrays(
                take_samples(self.data, parts[1])
            )
        border = samples - held_out
        warn_of_missing_classes(self.data[1], border)
        return self._cut(0, border), self._cut(border, samples)

    def on_host(self, model: Any) -> "Arrays":
        """The same, after the model's host layers have processed x."""
        x, *more = self.data
        return Arrays((to_arrays(model._adapt_inputs(x), "x", in_pieces=True), *more))

    def _cut(self, start: int, stop: int) -> "Arrays":
        def cut(array: Any) -> Any:
            return kind_of(array).cut(array, start, stop)

        return Arrays(tree.map_structure(cut, self.data, none_is_leaf=False))


class Stream(NamedTuple):
    """A source that yields batches `(x, y, sample_weight)`."""

    given: Any

    def split(self, fraction: float, chosen: str = "last") -> tuple:
        """Always raises: where a stream ends is not known in advance."""
        raise ValueError("validation_split needs arrays; pass validation_data instead")


def source_of(model: Any, x: Any, y: Any = None, sample_weight: Any = None) -> Arrays | Stream:
    """The source for what a user passed; the model's host layers decide what x may be."""
    parts = {"x": x, "y": y, "sample_weight": sample_weight}
    if kind_of(x).gives_batches:
        for what in ("y", "sample_weight"):
            if parts[what] is not None:
                raise ValueError(
                    f"{what} must not be passed when x yields batches "
                    f"({type(x).__name__}); let x yield (x, y, sample_weight)"
                )
        return Stream(x)
    if x is None:
        raise ValueError("x is None; pass data")
    read = partial(to_arrays, in_pieces=True)
    first = read(x, "x") if model._host_stage is None else model._host_arrays(x)
    return Arrays((first, read(y, "y"), read(sample_weight, "sample_weight")))


def validation_source(model: Any, data: Any) -> Arrays | Stream | None:
    """The source for `validation_data`."""
    if data is None:
        return None
    if isinstance(data, tuple | list) and 2 <= len(data) <= 3:
        return source_of(model, *data)
    if kind_of(data).gives_batches:
        return Stream(data)
    raise ValueError(
        "validation_data is (x, y), (x, y, sample_weight) or a source of batches, "
        f"not {type(data).__name__}"
    )


def given_by(source: Arrays | Stream | None) -> Any:
    """The `(x, y, sample_weight)` of a source, or what yields its batches."""
    return source.data if isinstance(source, Arrays) else source and source.given


@uses_engine
def feed_of(
    model: Any,
    source: Arrays | Stream,
    batch_size: int | None = None,
    steps: int | None = None,
    *,
    shuffle: Any = False,
    class_weight: dict | None = None,
    targets: bool = True,
    anew: bool = False,
) -> ArrayFeed | IterableFeed:
    """A feed of batches for a model; the first batch builds what is not built yet.

    Args:
        model: the model.
        source: the data.
        batch_size, shuffle, class_weight: as for `fit`.
        steps: maximum number of batches per epoch.
        targets: whether losses and metrics will be computed, many steps at a time; else only
            outputs, one batch at a time.
        anew: whether each epoch starts from the first sample or batch.
    """
    steps = limited("steps_per_epoch", steps, max_steps_per_epoch())
    if steps is not None:
        steps = whole_executions(steps, model._training_state.steps_per_execution)
    feed: ArrayFeed | IterableFeed
    if isinstance(source, Stream):
        if batch_size is not None and not hasattr(source.given, "__len__"):
            raise ValueError("batch_size must not be passed when x yields batches")
        each = partial(_of_source, model, class_weight, targets)
        feed = IterableFeed(source.given, steps, bool(shuffle), each, anew, numbers_of(model))
        first = feed.peek()
    else:
        batch_size = batch_size or 32
        if model._host_stage is not None:
            if not _at_once(model, source.data, batch_size):
                stream = Stream(Batches(source.data, batch_size, bool(shuffle)))
                again: Any = {"class_weight": class_weight, "targets": targets, "anew": anew}
                return feed_of(model, stream, steps=steps, **again)
            source = source.on_host(model)
        data = checked(model, source.data, class_weight)
        check = partial(check_numbers, model) if targets else None
        feed = ArrayFeed(data, batch_size, shuffle, steps, targets, anew, check)
        if not targets:
            check_ids(model, ids_of(model), data[0])
            return feed
        first = take_samples(data, slice(0, feed.batch))
        ready(model, data, first)
    if targets:
        prepare(model, first)
    return feed


def numbers_of(model: Any) -> Callable | None:
    """The function that applies the host layers to x; `None` if there are none."""
    return None if model._host_stage is None else model._adapt_inputs


def _at_once(model: Any, data: tuple, batch: int) -> bool:
    """Whether a model's host layers process all samples at once, before the first step."""
    some = model._adapt_inputs(take_samples(data[0], slice(0, batch)))
    return model._host_stage.fits(count_samples(data[0]), some)


def whole_executions(steps: float, at_once: int) -> int | None:
    """Steps of an epoch, rounded up to a multiple of `at_once`.

    Example:
        >>> whole_executions(5, 2), whole_executions(5, 1), whole_executions(100 / 32, 1)
        (6, 5, 4)
    """
    number = isinstance(steps, int | float | np.number) and not isinstance(steps, bool)
    if not number or not -1 <= steps < math.inf:
        raise ValueError(f"the steps of an epoch are a positive number, not {steps!r}")
    return math.ceil(steps / at_once) * at_once if steps > 0 else None


def checked(model: Any, data: tuple, class_weight: dict | None) -> tuple:
    """`(x, y, sample_weight)` with x as the model takes it and class weights applied."""
    x, y, weight = data
    x = model._adapt_inputs(x)
    if class_weight is not None:
        if y is None:
            raise ValueError("class_weight needs targets y")
        names = model._known_outputs().names or ["output"]
        factor = class_weights(class_weight, y, names)
        weight = factor if weight is None else _multiply(weight, factor)
    return x, y, weight


def _of_source(model: Any, class_weight: dict | None, targets: bool, data: tuple) -> tuple:
    """A batch of a source, checked, weighted and padded."""
    data = checked(model, data, class_weight)
    if targets and len(tree.flatten(data[0])[0]) == 0:
        raise ValueError(NO_SAMPLES)
    return padded(model, ready(model, data) if targets else data, targets)


def ready(model: Any, data: tuple, first: tuple | None = None) -> tuple:
    """Build the objective if needed, and check the data's value ranges; returns the data.

    Args:
        model: compiled.
        data: `(x, y, sample_weight)`.
        first: the first batch; default all.
    """
    if not model._training_state.objective.built and count_samples(data):
        prepare(model, first or data)
    if model._training_state.objective.built:
        check_numbers(model, data)
    return data


def padded(model: Any, data: tuple, targets: bool) -> tuple:
    """A batch, padded in time if lengths vary and padding is exact."""
    if targets and has_own_steps(model):
        return data
    if model._training_state.padding is None:
        model._training_state.padding = Padding()
    return model._training_state.padding(model, data, targets)


def _multiply(weight: Any, factor: Any) -> Any:
    if tree.is_nested(weight) or tree.is_nested(factor):
        return tree.map_structure(_multiply, weight, factor)
    return weight * factor
