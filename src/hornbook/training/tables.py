"""Embedding tables where a step touches only the rows in its batch.

SGD and Adagrad leave rows without a gradient unchanged. Adam moves every row at every step, but the
update of a row without a gradient has a closed form, so it can be deferred: within a run of steps a
row is brought up to date when it is looked up, and all rows at the end of the run. The difference
is not visible from outside.

Inside a step the table is replaced by an object that supports only `lookup`. If the model uses the
table in another way (weight tying, a penalty), or looks rows up inside a loop, the table is trained
like any other weight.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hornbook.core.module import child_modules
from hornbook.core.variable import Variable
from hornbook.kernels import native, wants_plain
from hornbook.kernels.embedding import Rows, plain_lookup
from hornbook.kernels.native.by_rows import Table
from hornbook.layers.embedding import Embedding
from hornbook.training.protocol import Trainable

State = dict[str, Any]
MANY = 2  # minimum rows of a table per row that a batch looks up


class Asked(Rows):
    """Replaces a table while tracing, to record which rows are looked up."""

    def __init__(self, table: Array):
        self.shape, self.dtype = table.shape, table.dtype
        self.table = table
        self.ids: list[Array] = []

    def lookup(self, ids: Array) -> Array:
        self.ids.append(ids)
        return plain_lookup(self.table, ids)


class Current(Rows):
    """Replaces a table in a step, with the rows that the step looks up.

    Args:
        table: the table.
        rows: the rows of all lookups, concatenated.
        taps: zeros added to the rows of each lookup; their gradients are the rows' gradients.
    """

    def __init__(self, table: Array, rows: Array, taps: list[Array]):
        self.shape, self.dtype = table.shape, table.dtype
        ends = np.cumsum([math.prod(tap.shape[:-1]) for tap in taps])
        self._rows = iter(jnp.split(rows, ends[:-1]))
        self._taps = iter(taps)

    def lookup(self, ids: Array) -> Array:
        tap = next(self._taps)
        return next(self._rows).reshape(tap.shape) + tap


class Found(NamedTuple):
    """What a step looks up in a table."""

    ids: Array  # 1-D
    rows: Array  # current values at these ids
    table: Table  # with these rows up to date


class Tables:
    """The tables of a model that can be updated by rows.

    Args:
        model: compiled, its optimizer built.
        variables: the run's; see `variables.Variables`.
    """

    def __init__(self, model: Any, variables: Any):
        self.taps: dict[str, list[tuple[int, ...]]] = {}  # result shapes of each lookup
        self._ask: Any = None  # maps values and a batch to the ids
        self._paths: dict[str, tuple[str, ...]] = {}  # a table's and its slots', by table
        optimizer = model._training_state.optimizer
        self._optimizer = optimizer.by_rows()
        if self._optimizer is None:
            return
        paths = {variable: path for path, variable in variables.mutable.items()}
        self._step, self._rate = (paths[v] for v in (optimizer.iterations, optimizer.learning_rate))
        trained = set(variables.trainable.values())
        for table in _tables(model):
            if table in trained:
                self._paths[paths[table]] = tuple(paths[v] for v in optimizer.with_slots(table))

    def begin(self, forward: Any, state: State, batch: Any) -> dict[str, Array]:
        """Find the tables to update by rows in this run.

        Args:
            forward: `forward(values, batch)` runs the model with values by path.
            state: the values by path.
            batch: shapes and dtypes of a batch.

        Returns:
            By path, the step up to which each row of a table is current.
        """
        self.taps = {}
        if not self._paths or wants_plain() or not native.available():
            return {}
        given = {path: state[path] for path in self._paths}

        def ask(given: State, values: State, batch: Any) -> dict[str, list[Array]]:
            places = {path: Asked(table) for path, table in given.items()}
            forward({**values, **places}, batch)
            return {path: place.ids for path, place in places.items()}

        try:
            trace, asked = jax.make_jaxpr(ask, return_shape=True)(given, state, batch)
        except Exception:  # the model needs a real table
            return {}
        self._ask = _without(trace, len(given))
        if self._ask is None:
            return {}
        self._structure = jax.tree.structure(asked)
        for path, ids in asked.items():
            rows, width = given[path].shape
            if 0 < MANY * sum(math.prod(a.shape) for a in ids) <= rows:
                self.taps[path] = [(*a.shape, width) for a in ids]
        return {p: jnp.full(state[p].shape[0], state[self._step]) for p in self.taps}

    def zeros(self) -> dict[str, list[Array]]:
        """The zeros with respect to which the lookups' gradients are taken."""
        return {
            path: [jnp.zeros(shape, jnp.float32) for shape in shapes]
            for path, shapes in self.taps.items()
        }

    def look_up(self, state: State, last: dict[str, Array], batch: Any) -> dict[str, Found]:
        """All lookups of a step in one call, since each call has a cost."""
        if not last:
            return {}
        given = {path: state[path] for path in self._paths}
        flat = self._ask(*jax.tree.leaves((given, state, batch)))
        asked = jax.tree.unflatten(self._structure, flat)
        ids = {path: jnp.concatenate([a.reshape(-1) for a in asked[path]]) for path in last}
        tables = [(ids[path], self._table(path, state, last)) for path in last]
        found = self._optimizer.look_up(*self._now(state), tables)
        return {path: Found(ids[path], *one) for path, one in zip(last, found, strict=True)}

    def place(self, looked_up: dict[str, Found], taps: dict) -> dict[str, Current]:
        """The replacement of each table in a step."""
        return {
            path: Current(found.table.values[0], found.rows, taps[path])
            for path, found in looked_up.items()
        }

    def update(
        self, go: Array, state: State, looked_up: dict[str, Found], gradients: dict
    ) -> tuple:
        """Update the looked-up rows, if their gradients are finite.

        Args:
            go: whether to update at all.
            state: the values before the step.
            looked_up: the result of `look_up`.
            gradients: by path, with respect to `zeros`.

        Returns:
            The new values by path, the steps that the rows are current to, and whether it updated.
        """
        if not looked_up:
            return {}, {}, go
        wanted = []
        for path, found in looked_up.items():
            rows = jnp.concatenate([g.reshape(-1, g.shape[-1]) for g in gradients[path]])
            wanted.append((found.ids, rows, found.table))
        went, tables = self._optimizer.update(go, *self._now(state), wanted)
        after: State = {}
        for path, table in zip(looked_up, tables, strict=True):
            after |= self._values(path, table)
        return after, dict(zip(looked_up, (table.last for table in tables), strict=True)), went

    def end(self, state: State, last: dict[str, Array]) -> State:
        """The state with every row up to date."""
        for path in last:
            table = self._optimizer.whole(*self._now(state), self._table(path, state, last))
            state = state | self._values(path, table)
        return state

    def without(self, after: State) -> State:
        """A state without the tables and their slots."""
        apart = {path for table in self.taps for path in self._paths[table]}
        return {path: value for path, value in after.items() if path not in apart}

    def _now(self, state: State) -> tuple[Array, Array]:
        return state[self._step], state[self._rate]

    def _table(self, path: str, state: State, last: dict[str, Array]) -> Table:
        return Table(tuple(state[p] for p in self._paths[path]), last[path])

    def _values(self, path: str, table: Table) -> State:
        return dict(zip(self._paths[path], table.values, strict=True))


def _tables(model: Any) -> list[Variable]:
    """The tables of embeddings in a model and its submodels; not of layers within layers."""
    found: list[Variable] = []
    for child in child_modules(model):
        if getattr(type(child), "call", None) is Embedding.call and child.built:
            plain = child.embeddings_regularizer is None and child.embeddings_constraint is None
            plain &= not child.lora_enabled
            if plain and child.embeddings.dtype == "float32":
                found.append(child.embeddings)
        elif isinstance(child, Trainable):
            found.extend(_tables(child))
    return found


def _without(trace: Any, count: int) -> Callable | None:
    """A trace reduced to what its results need; `None` if that is not possible.

    The results must not depend on the first `count` arguments or on an enclosing loop, and must
    have no side effects.
    """
    from jax.extend.core import ClosedJaxpr, Var, jaxpr_as_fun

    jaxpr = trace.jaxpr
    needed = {v for v in jaxpr.outvars if isinstance(v, Var)}
    steps: list[Any] = []
    for step in reversed(jaxpr.eqns):
        if not needed.isdisjoint(step.outvars):
            needed.update(v for v in step.invars if isinstance(v, Var))
            steps.insert(0, step)
    does_more = any(step.effects for step in steps)
    of_a_loop = any(isinstance(value, jax.core.Tracer) for value in trace.consts)
    if does_more or of_a_loop or not needed.isdisjoint(jaxpr.invars[:count]):
        return None
    return jaxpr_as_fun(ClosedJaxpr(jaxpr.replace(eqns=steps), trace.consts))
