"""Runs of steps, and the programs compiled for them; small steps become a single function.

Calling the operations of a small step takes longer than the operations, so a run of such steps is
compiled to a single function, with `core.compiler.as_one`. XLA generates inline code for only some
operations, and its inline matrix products are slower than its libraries, so this is done only for
steps made of such operations with little work in products.
"""

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import jax
import numpy as np
from jax import ShapeDtypeStruct
from jax.extend.core import Literal, jaxprs_in_params

from hornbook.core.allocator import give_back
from hornbook.core.compiler import can_be_one, uncollected
from hornbook.core.variable import contained
from hornbook.kernels import one_function, wants_plain
from hornbook.training.slab import Slab, Span

WORK = 1 << 16  # scalar operations per step, up to which it was measured to pay
MOST_PROGRAMS = 80  # of one mode; then the one that has not been used for longest is dropped
MUCH = 16 * 2**20  # bytes of a state
# What XLA emits as inline loops; each is tested in tests/training/test_small.py.
SIMPLE = set(
    """abs add add_any and argmax argmin bitcast_convert_type broadcast_in_dim ceil clamp
    concatenate convert_element_type copy cos div dot_general dynamic_slice dynamic_update_slice eq
    erf erf_inv erfc exp exp2 expm1 floor gather ge gt hornbook_dots integer_pow iota is_finite le
    log log1p logistic lt max min mul ne neg not optimization_barrier or pad pow random_bits
    random_fold_in random_seed random_split random_unwrap random_wrap reduce_and reduce_max
    reduce_min reduce_or reduce_sum rem reshape rev round rsqrt select_n shift_left
    shift_right_arithmetic shift_right_logical sign sin slice sqrt square squeeze stop_gradient sub
    tan tanh threefry2x32 transpose xor""".split()
)
CALLS = {"checkpoint", "cond", "custom_jvp_call", "custom_vjp_call", "jit", "pjit"}
DTYPES = {"float32", "int32", "uint32", "bool"}
INSIDE = {"key<fry>", str(np.dtype(jax.dtypes.float0))}  # of intermediates only


class Runs:
    """Runs of steps: compiled to a single function if they are small, else as usual.

    Args:
        step: `(state, fixed, batch) -> ...`.
        compiled: `compiled(whole)` returns a new `run(state, fixed, slab, span)`; `whole` asks for
            a single function.
        sizes: `sizes(rows, batch)` returns the sizes in which a smaller last batch may be run; rows
            are added if the sizes are more than its own.

    Attributes:
        temporary: most bytes of temporary buffers of a program on a CPU, where each run that has
            been dispatched holds its own; 0 elsewhere.
    """

    def __init__(
        self,
        step: Callable,
        compiled: Callable[[bool], Callable],
        sizes: Callable[[int, int], list[int]] = lambda rows, batch: [rows],
    ):
        self.step = step
        self.sizes = sizes
        self.compiled = compiled
        self.chosen: OrderedDict[tuple, Callable] = OrderedDict()  # the latest last
        self.loops: dict[tuple, int] = {}  # by a slab's key: the rest of the program for its loop
        self.small: dict[tuple, tuple[int, bool]] = {}  # by a batch's form: rows, and the answer
        self.temporary = 0
        self.lock = threading.RLock()  # tracing writes to the step and the model

    def __call__(self, *args: Any) -> tuple:
        """Run without compiling."""
        return self.compiled(False)(*args)

    def parts(self, slab: Slab, span: Span) -> list[tuple[int, Slab, Span]]:
        """What to run for a span, in turn: the batches before a slab, the slab, and its span.

        The first program runs full batches and the smaller last one in a single call. If the size
        of the last one changes, it becomes a slab of its own, or several of few sizes, and only
        their steps are compiled.
        """
        key = _key(slab)
        if not slab.rest or not self.chosen or (slab.rest, *key) in self.chosen:
            return [(0, slab, span)]
        found = []
        if span.start < span.stop:
            known = dataclasses.replace(slab, rest=self.loops.get(key, 0))
            found.append((0, known, span._replace(rest=False)))
        if span.rest:
            whole = Span(np.int32(0), np.int32(1), False, span.fresh, span.go)
            sizes = [slab.rest] if slab.padded else self.sizes(slab.rest, slab.batch)
            last = slab.last(sizes)
            found += [(slab.whole, piece, whole) for piece in last]
        return found

    def ready(self, read: Callable[[], tuple[dict, dict]], slab: Slab, span: Span) -> Callable:
        """The call for arguments of these shapes, already compiled.

        Args:
            read: returns `state` and `fixed`.
            slab, span: the other arguments.
        """
        key = slab.rest, *_key(slab)
        found = self.chosen.get(key)
        if found is None:
            return self._compile(key, read, slab, span)
        with suppress(KeyError):  # another thread may have dropped it
            self.chosen.move_to_end(key)
        return found

    @contained
    def _compile(self, key, read, slab, span):
        with self.lock:
            state, fixed = read()
            with uncollected():
                run = self.compiled(self._is_small(state, fixed, slab))
                lowered = run.lower(state, fixed, slab, span)
            used = lowered.compile().memory_analysis()
            if jax.default_backend() == "cpu":
                self.temporary = max(self.temporary, getattr(used, "temp_size_in_bytes", 0))
            self.chosen[key] = run
            self.loops.setdefault(key[1:], slab.rest)
            if len(self.chosen) > MOST_PROGRAMS:
                (rest, *others), _ = self.chosen.popitem(last=False)
                if self.loops.get(tuple(others)) == rest:
                    del self.loops[tuple(others)]
            if sum(a.nbytes for a in state.values()) >= MUCH:
                give_back()  # the initial values and the compiler's memory, before the step's
        return run

    def _is_small(self, state: dict, fixed: dict, slab: Slab) -> bool:
        """`are_small`, asked once for steps that differ in the number of rows alone.

        The largest of them decides, so that a smaller last batch is computed as the others are.
        """
        rows = [(a.shape[1:], a.dtype) for a in jax.tree.leaves(slab.data)]
        form = wants_plain(), jax.tree.structure(slab.data), *rows
        if slab.batch > self.small.get(form, (0, False))[0]:
            found = self.are_small(state, fixed, slab.data, slab.batch)
            self.small[form] = slab.batch, found
        return self.small[form][1]

    def are_small(self, state: dict, fixed: dict, data: Any, batch: int) -> bool:
        """Whether steps on such batches are small, and consist of simple operations."""
        variables, rows = jax.tree.leaves((state, fixed)), jax.tree.leaves(data)
        numbers = sum(v.size for v in variables) + sum(batch * a.size // len(a) for a in rows)
        eager = jax.config.jax_disable_jit  # type: ignore[attr-defined]
        if numbers > WORK or eager or wants_plain() or not can_be_one([*variables, *rows]):
            return False
        if not {str(a.dtype) for a in (*variables, *rows)} <= DTYPES:
            return False
        specs = jax.tree.map(lambda a: ShapeDtypeStruct((batch, *a.shape[1:]), a.dtype), data)
        with one_function():
            found = jax.make_jaxpr(self.step)(state, fixed, specs)
        return work(found.jaxpr) <= WORK


def _key(slab: Slab) -> tuple:
    """What programs for a slab depend on, but for the size of its smaller last batch."""
    arrays = [(a.shape, a.dtype) for a in jax.tree.leaves(slab)]
    return slab.batch, wants_plain(), slab.order is None, *arrays


def work(jaxpr: Any) -> float:
    """Number of scalar operations; infinite if one is not simple."""
    total = 0.0
    for equation in jaxpr.eqns:
        if equation.primitive.name in CALLS:
            total += sum(map(work, jaxprs_in_params(equation.params)))
        elif equation.primitive.name in SIMPLE and _is_safe(equation):
            total += _numbers(equation)
        else:
            return np.inf
    return total


def _is_safe(equation: Any) -> bool:
    """Whether its dtypes are allowed, and it does not test two computed floats for equality.

    A fused function may compute a value twice and round it differently, so a test such as
    `x == max(x)` may fail for the maximum.
    """
    dtypes = {str(v.aval.dtype) for v in (*equation.invars, *equation.outvars)}
    same = equation.primitive.name in ("eq", "ne") and "float32" in dtypes
    constant = any(isinstance(v, Literal) for v in equation.invars)
    return dtypes <= DTYPES | INSIDE and (constant or not same)


def _numbers(equation: Any) -> int:
    size = sum(out.aval.size for out in equation.outvars)
    params = equation.params
    if equation.primitive.name == "dot_general":
        (summed, _), _ = params["dimension_numbers"]
    else:
        summed = [params["a_axis"] - 2] if equation.primitive.name == "hornbook_dots" else []
    size *= int(np.prod([equation.invars[0].aval.shape[axis] for axis in summed]))
    return max(size, *(v.aval.size for v in equation.invars), 1)
