"""A slab: consecutive batches on the device. A feed yields slabs; a run covers a span of one."""

import dataclasses
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from hornbook.core import placement, tree
from hornbook.kernels.rows import take
from hornbook.training.data import take_samples, with_rows


@dataclasses.dataclass
class Slab:
    """`steps` batches of `batch` samples each; the last may be smaller.

    It is a pytree: batch sizes are static, the number of batches is not.

    Attributes:
        data: `(x, y, sample_weight)`, arrays with samples along the first axis; padded batches add
            the original numbers of timesteps, or which samples are not padding.
        order: int32 sample indices, `steps * batch` of them; `None` for consecutive samples.
        batch: samples in a batch.
        steps: number of batches.
        rest: samples in the last batch if it is smaller than the others, else 0.
        whole: number of full batches; default: all but the one of `rest` samples. Slabs that differ
            only in this share compiled code.
    """

    data: tuple
    order: Any
    batch: int
    steps: int
    rest: int = 0
    whole: int = -1

    def __post_init__(self):
        if self.whole < 0:
            self.whole = self.steps - bool(self.rest)

    @property
    def padded(self) -> bool:
        """Whether its sequences or batches have been padded."""
        return len(self.data) > 3

    def size(self, index: int) -> int:
        """Samples in batch number `index`."""
        return self.batch if index < self.whole else self.rest

    @property
    def room(self) -> int:
        """Samples that its arrays have room for."""
        return len(tree.flatten(self.data)[0])

    def shape_of(self, array: Any) -> tuple[int, ...]:
        """The shape of one of its arrays, samples along the first axis."""
        return array.shape

    def take(self, index: Any, size: int | None = None) -> tuple:
        """Batch number `index`, on the device; compiled code passes its size."""
        size = self.size(index) if size is None else size
        cut = partial(jax.lax.dynamic_slice_in_dim, start_index=index * self.batch, slice_size=size)
        if self.order is None:
            return tree.map_structure(cut, self.data, none_is_leaf=False)
        chosen = cut(self.order)
        return tree.map_structure(lambda a: take(a, chosen), self.data, none_is_leaf=False)

    def take_on_host(self, index: int) -> tuple:
        """Batch number `index` of arrays that the host can read."""
        start = index * self.batch
        chosen: Any = slice(start, start + self.size(index))
        if self.order is not None:
            chosen = self.order[chosen]
        return tree.map_structure(lambda a: a[chosen], self.data, none_is_leaf=False)

    def last(self, sizes: list[int]) -> "list[Slab]":
        """The smaller last batch as slabs of their own, one for each size.

        If the sizes are more than its samples, the last sample is repeated.
        """
        if jax.default_backend() != "cpu":
            data = self.take(self.whole)
        else:
            readable = tree.map_structure(np.asarray, self.data, none_is_leaf=False)  # not copied
            data = dataclasses.replace(self, data=readable).take_on_host(self.whole)
        ends = np.cumsum(sizes)
        if ends[-1] > self.rest:
            data = (*with_rows(data, ends[-1]), np.arange(ends[-1]) < self.rest)
        if len(sizes) == 1:
            return [Slab(data, None, sizes[0], 1)]
        parts = [
            take_samples(data, slice(end - n, end)) for end, n in zip(ends, sizes, strict=True)
        ]
        return [Slab(part, None, n, 1) for part, n in zip(parts, sizes, strict=True)]


jax.tree_util.register_pytree_node(
    Slab,
    lambda slab: ((slab.data, slab.order), (slab.batch, slab.rest)),
    lambda sizes, arrays: Slab(*arrays, sizes[0], 0, sizes[1], 0),
)


@jax.tree_util.register_pytree_node_class
class Spread(Slab):
    """A slab on several devices: arrays `(steps, batch, ...)`; each device has its samples.

    All its batches are of one size; a smaller one is a slab of its own.
    """

    def take(self, index: Any, size: int | None = None) -> tuple:
        """Batch number `index`; every device takes its own samples."""

        def cut(array: Any) -> Any:
            return jax.lax.dynamic_index_in_dim(array, index, keepdims=False)

        return tree.map_structure(cut, self.data, none_is_leaf=False)

    def shape_of(self, array: Any) -> tuple[int, ...]:
        """The shape of one of its arrays, as if samples were along the first axis."""
        return array.shape[0] * array.shape[1], *array.shape[2:]

    def tree_flatten(self) -> tuple:
        return (self.data,), self.batch

    @classmethod
    def tree_unflatten(cls, batch: int, arrays: tuple) -> "Spread":
        return cls(arrays[0], None, batch, 0, 0, 0)


def sent(slab: Slab) -> Iterator[Slab]:
    """A slab, or under a distribution the slabs that hold its batches, spread over the devices."""
    where = placement.current()
    if where is None:
        yield slab
        return
    rest = slab.rest if slab.steps > slab.whole else 0
    for first, steps, room, batch in (
        (0, slab.whole, slab.room // slab.batch, slab.batch),
        (slab.whole * slab.batch, bool(rest), 1, rest),
    ):
        if steps:
            of_device = partial(_spread, where, first, room, batch)
            data = tree.map_structure(of_device, slab.data, none_is_leaf=False)
            yield Spread(data, None, batch, int(steps))


def _spread(where: Any, first: int, room: int, batch: int, array: Any) -> jax.Array:
    part = placement.fetched(array)[first : first + room * batch]
    return where.batches(part.reshape(room, batch, *part.shape[1:]), 1)


class Span(NamedTuple):
    """Which batches of a slab to run: `start` to `stop`, and the smaller one after them.

    Attributes:
        start, stop: the range of full batches, `stop` excluded.
        rest: whether to run the smaller one too.
        fresh: whether to reset the metrics first.
        go: whether to run at all; false after a non-finite loss.
    """

    start: Any
    stop: Any
    rest: Any
    fresh: Any
    go: Any


class Outcome(NamedTuple):
    """The result of a run.

    Attributes:
        state: values by path.
        logs: what to report, by name, in an `OrderedDict`.
        end: index of the batch after the last one that ran.
        finite: whether all losses and gradients were finite.
        needed: see `core.compiler.as_one`.
    """

    state: dict[str, Any]
    logs: Any
    end: Any
    finite: Any
    needed: Any = None
