"""What users pass to a model as data becomes a feed of batches, checked and weighted."""

import math
from functools import partial
from typing import Any

import numpy as np

from hornbook.core import tree
from hornbook.core.forked import uses_engine
from hornbook.core.settings import limited, max_steps_per_epoch
from hornbook.training.data import (
    class_weights,
    count_rows,
    is_iterable_source,
    take_rows,
    to_arrays,
)
from hornbook.training.dataset import Batches
from hornbook.training.feed import NO_SAMPLES, ArrayFeed, IterableFeed
from hornbook.training.labels import check_ids, check_numbers, ids_of
from hornbook.training.padding import Padding
from hornbook.training.programs import prepare


@uses_engine
def feed_of(
    model: Any,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
    steps_per_epoch: int | None = None,
    shuffle: Any = False,
    class_weight: dict | None = None,
    targets: bool = True,
    anew: bool = False,
) -> tuple[Any, tuple]:
    """A feed of batches, and its first rows to build with.

    Args:
        model: what they are for.
        x: arrays, or a source of batches.
        y, sample_weight, batch_size, steps_per_epoch, shuffle, class_weight: as for `fit`.
        targets: whether losses and metrics will be computed, in many steps at once, or outputs
            alone, a batch at a time.
        anew: whether each epoch begins with the first rows or batch.
    """
    steps_per_epoch = limited("steps_per_epoch", steps_per_epoch, max_steps_per_epoch())
    if steps_per_epoch is not None:
        steps_per_epoch = whole_executions(steps_per_epoch, model._at_once)
    if is_iterable_source(x):
        for value, what in ((y, "y"), (sample_weight, "sample_weight")):
            if value is not None:
                raise ValueError(
                    f"{what} must not be passed when x gives batches itself "
                    f"({type(x).__name__}); let it give (x, y, sample_weight)"
                )
        if batch_size is not None and not hasattr(x, "__len__"):
            raise ValueError("batch_size must not be passed when x gives batches itself")
        source = IterableFeed(
            x,
            steps_per_epoch,
            shuffle=bool(shuffle) and not hasattr(x, "_inferred_steps"),
            prepare=partial(_of_source, model, class_weight, targets),
            anew=anew,
            host=model._numbers,
        )
        return source, source.peek()
    if model._host is not None and x is not None:
        x = model.given(x)
        if not _at_once(model, x, batch_size or 32):
            more = to_arrays(y, "y"), to_arrays(sample_weight, "sample_weight")
            x = Batches((x, *more), batch_size or 32, bool(shuffle))
            again: dict[str, Any] = {"class_weight": class_weight, "targets": targets, "anew": anew}
            return feed_of(model, x, steps_per_epoch=steps_per_epoch, **again)
        x = model._adapt_inputs(x)
    data = in_pieces(x, y, sample_weight)
    if data[0] is None:
        raise ValueError("there is no x to work on")
    data = checked(model, data, class_weight)
    check = partial(check_numbers, model) if targets else None
    feed = ArrayFeed(data, batch_size or 32, shuffle, steps_per_epoch, targets, anew, check)
    if targets:
        ready(model, data, feed.batch)
    else:
        check_ids(model, ids_of(model), data[0])
    return feed, tree.map_structure(lambda a: a[: feed.batch], data, none_is_leaf=False)


def _at_once(model: Any, x: Any, batch: int) -> bool:
    """Whether the host layers of a model work on all rows at once, before the first step."""
    sample = model._adapt_inputs(take_rows(x, slice(0, batch)))
    return model._host.fits(count_rows(x), sample)


def in_pieces(x: Any, y: Any, sample_weight: Any, host: Any = None) -> tuple:
    """`(x, y, sample_weight)` as arrays, large ones of which are read piece by piece.

    Args:
        x, y, sample_weight: as for `fit`.
        host: the model, if it has layers that run on the host, which say what x may be.
    """
    if host is not None:
        return host.given(x), *in_pieces(None, y, sample_weight)[1:]
    names = ("x", "y", "sample_weight")
    parts = zip((x, y, sample_weight), names, strict=True)
    return tuple(to_arrays(part, name, in_pieces=True) for part, name in parts)


def whole_executions(steps: float, at_once: int) -> int | None:
    """Steps of an epoch: as many as were asked for, and no execution of `at_once` is cut short.

    Example:
        >>> whole_executions(5, 2), whole_executions(5, 1), whole_executions(100 / 32, 1)
        (6, 5, 4)
    """
    number = isinstance(steps, int | float | np.number) and not isinstance(steps, bool)
    if not number or not -1 <= steps < math.inf:
        raise ValueError(f"the steps of an epoch are a positive number, not {steps!r}")
    return math.ceil(steps / at_once) * at_once if steps > 0 else None


def checked(model: Any, data: tuple, class_weight: dict | None) -> tuple:
    """`(x, y, sample_weight)` with x as the model takes it, and weights for classes among them."""
    x, y, weight = data
    x = model._adapt_inputs(x)
    if class_weight is not None:
        if y is None:
            raise ValueError("class_weight needs targets y")
        names = model._output_names() or ["output"]
        factor = class_weights(class_weight, y, names)
        weight = factor if weight is None else _multiply(weight, factor)
    return x, y, weight


def _of_source(model: Any, class_weight: dict | None, targets: bool, data: tuple) -> tuple:
    """A batch of a source as it is worked on."""
    data = checked(model, data, class_weight)
    if targets and len(tree.flatten(data[0])[0]) == 0:
        raise ValueError(NO_SAMPLES)
    return padded(model, ready(model, data) if targets else data, targets)


def ready(model: Any, data: tuple, rows: int | None = None) -> tuple:
    """The data, whose numbers are those that losses and tables know; builds what says which.

    Args:
        model: compiled.
        data: `(x, y, sample_weight)`.
        rows: how many of them are a batch; default all.
    """
    if not model._settled.objective.built and count_rows(data):
        prepare(model, tree.map_structure(lambda a: a[:rows], data, none_is_leaf=False))
    if model._settled.objective.built:
        check_numbers(model, data)
    return data


def padded(model: Any, data: tuple, targets: bool) -> tuple:
    """A batch, with steps added where lengths vary and the steps change nothing."""
    if targets and model._has_own_steps():
        return data
    if model._padding is None:
        model._padding = Padding()
    return model._padding(model, data, targets)


def validation_triple(data: Any) -> tuple[Any, Any, Any]:
    """What was given to validate on as `(x, y, sample_weight)`."""
    if isinstance(data, tuple | list) and 2 <= len(data) <= 3:
        return data[0], data[1], data[2] if len(data) == 3 else None
    if is_iterable_source(data):
        return data, None, None
    raise ValueError(
        "validation_data is (x, y), (x, y, sample_weight) or a source of batches, "
        f"not {type(data).__name__}"
    )


def _multiply(weight: Any, factor: Any) -> Any:
    if tree.is_nested(weight) or tree.is_nested(factor):
        return tree.map_structure(_multiply, weight, factor)
    return weight * factor
