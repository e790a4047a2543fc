"""Steps so small that calling their operations takes longer than the operations.

A run of such steps is compiled to a single function, with `core.compiler.as_one`. XLA generates
inline code for only some operations, and its inline matrix products are slower than its libraries,
so this is done only for steps made of such operations with little work in products.
"""

import threading
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import ShapeDtypeStruct
from jax.extend.core import Literal, jaxprs_in_params

from hornbook.core.compiler import can_be_one, uncollected
from hornbook.core.variable import contained
from hornbook.kernels import one_function, wants_plain
from hornbook.training.slab import Slab, Span

WORK = 1 << 16  # scalar operations per step, up to which it was measured to pay
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
        compiled: `compiled(whole)` returns `run(state, fixed, slab, span)`; `whole` asks for a
            single function.
    """

    def __init__(self, step: Callable, compiled: Callable[[bool], Callable]):
        self.step = step
        self.usual, self.whole = compiled(False), compiled(True)
        self.chosen: dict[tuple, Callable] = {}
        self.lock = threading.RLock()  # tracing writes to the step and the model

    def __call__(self, *args: Any) -> tuple:
        """Run without compiling."""
        return self.usual(*args)

    def ready(self, read: Callable[[], tuple[dict, dict]], slab: Slab, span: Span) -> Callable:
        """The call for arguments of these shapes, already compiled.

        Args:
            read: returns `state` and `fixed`.
            slab, span: the other arguments.
        """
        arrays = jax.tree.leaves(slab)
        sizes = slab.batch, slab.rest
        key = sizes, wants_plain(), slab.order is None, *((a.shape, a.dtype) for a in arrays)
        return self.chosen.get(key) or self._compile(key, read, slab, span)

    @contained
    def _compile(self, key, read, slab, span):
        with self.lock:
            state, fixed = read()
            with uncollected():
                small = self.are_small(state, fixed, slab.data, slab.batch)
                run = self.whole if small else self.usual
                lowered = run.lower(state, fixed, slab, span)
            lowered.compile()
            self.chosen[key] = run
        return run

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
