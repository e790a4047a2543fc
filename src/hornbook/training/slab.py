"""A slab: consecutive batches, on the device. A feed gives slabs, and a run takes some of each."""

import dataclasses
from functools import partial
from typing import Any, NamedTuple

import jax

from hornbook.core import tree
from hornbook.kernels.rows import take


@dataclasses.dataclass
class Slab:
    """`steps` batches of `batch` samples each, but for the last, perhaps.

    To compiled code it is its arrays; the sizes of its batches are fixed, their number is not.

    Attributes:
        data: `(x, y, sample_weight)`, arrays with samples along the first axis; of batches that
            have been padded, how many timesteps there were too.
        order: int32 numbers of samples, `steps * batch` of them; `None` for one after the other.
        batch: samples in a batch.
        steps: number of batches.
        rest: samples in the last batch where it is smaller than the others, else 0.
        whole: number of batches of `batch` samples; default: all but the one of `rest` samples.
            Slabs of one pass that differ in this alone share compiled code.
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
        """Whether timesteps have been added to its sequences."""
        return len(self.data) > 3

    def size(self, index: int) -> int:
        """Samples in batch number `index`."""
        return self.batch if index < self.whole else self.rest

    def take(self, index: Any, size: int | None = None) -> tuple:
        """Batch number `index`, on the device; compiled code says which size it has."""
        size = self.size(index) if size is None else size
        cut = partial(jax.lax.dynamic_slice_in_dim, start_index=index * self.batch, slice_size=size)
        if self.order is None:
            return tree.map_structure(cut, self.data, none_is_leaf=False)
        chosen = cut(self.order)
        return tree.map_structure(lambda a: take(a, chosen), self.data, none_is_leaf=False)

    def take_on_host(self, index: int) -> tuple:
        """Batch number `index` of arrays that were not sent to the device."""
        start = index * self.batch
        chosen: Any = slice(start, start + self.size(index))
        if self.order is not None:
            chosen = self.order[chosen]
        return tree.map_structure(lambda a: a[chosen], self.data, none_is_leaf=False)


jax.tree_util.register_pytree_node(
    Slab,
    lambda slab: ((slab.data, slab.order), (slab.batch, slab.rest)),
    lambda sizes, arrays: Slab(*arrays, sizes[0], 0, sizes[1], 0),
)


class Span(NamedTuple):
    """Which batches of a slab to run: those from `start` to `stop`, and the smaller one after them.

    Attributes:
        start, stop: the first, and the one after the last, of those of the usual size.
        rest: whether the smaller one is run too.
        fresh: whether metrics begin anew.
        go: whether to run any; not after a loss that was not finite.
    """

    start: Any
    stop: Any
    rest: Any
    fresh: Any
    go: Any


class Outcome(NamedTuple):
    """What a run leaves.

    Attributes:
        state: values by path.
        logs: what to report, by name, in an `OrderedDict`.
        end: the batch after the last that was run.
        finite: whether all losses and gradients were.
        needed: see `core.compiler.as_one`.
    """

    state: dict[str, Any]
    logs: Any
    end: Any
    finite: Any
    needed: Any = None
