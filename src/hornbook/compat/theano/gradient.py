"""Derivatives: each is one node that runs the part of the graph it differentiates.

JAX differentiates that part when the function is traced. A gradient thus shares the cost's
intermediate values, and can itself be differentiated.
"""

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from hornbook.compat.theano.basic import add
from hornbook.compat.theano.graph import Part, made_at, needed, rebuilt
from hornbook.compat.theano.types import TensorType, is_float
from hornbook.compat.theano.variable import (
    Op,
    TensorVariable,
    apply,
    as_tensor_variable,
    is_constant,
    record,
)
from hornbook.core.errors import users_stacklevel


class DisconnectedInputError(ValueError):
    """The cost does not depend on a variable of the gradient."""


class Derivative(Op):
    """The derivative of a part of the graph.

    Its arguments are the values of the part's starts and of its other inputs, and vectors: one per
    end, or one per start.

    Args:
        part: the part to differentiate.
        derive: maps a function, its starts and the vectors to the derivatives and the
            function's auxiliary results.
        types: of the derivatives.
        name: for messages.
        also: variables of the part to return after the derivatives.
    """

    def __init__(
        self,
        part: Part,
        derive: Callable,
        types: list[TensorType],
        name: str,
        also: Iterable[TensorVariable] = (),
    ):
        self.part, self.derive, self.also = part, derive, list(also)
        self.derived = types
        super().__init__(self._run, [*types, *(v.type for v in self.also)], name)
        self.graph = part.graph(self.also)

    def _run(self, starts: list, outside: list, vectors: list) -> list:
        def run(*starts: Any) -> tuple[list, list]:
            found = self.graph.run([*starts, *outside])
            return found[: len(self.part.ends)], found[len(self.part.ends) :]

        found, also = self.derive(run, [jnp.asarray(s) for s in starts], vectors)
        return [*found, *also]

    def with_part(
        self, part: Part, also: Iterable[TensorVariable] = (), types: Any = None
    ) -> "Derivative":
        """The same derivative for another part."""
        made = Derivative(part, self.derive, types or self.derived, self.name, also)
        made.made = self.made
        return made


def _pull(run: Callable, starts: list, vectors: list) -> tuple[Any, list]:
    ends, pull, also = jax.vjp(run, *starts, has_aux=True)
    pairs = zip(ends, vectors, strict=True)
    given = [jnp.ones_like(e) if v is None else jnp.asarray(v, e.dtype) for e, v in pairs]
    return pull(given), also


def _push(run: Callable, starts: list, vectors: list) -> tuple[Any, list]:
    pairs = zip(starts, vectors, strict=True)
    tangents = [jnp.zeros_like(s) if v is None else jnp.asarray(v, s.dtype) for s, v in pairs]
    _, pushed, also = jax.jvp(run, starts, tangents, has_aux=True)
    return pushed, also


def _rows(run: Callable, starts: list, vectors: list) -> tuple[Any, list]:
    (end,), pull, also = jax.vjp(run, *starts, has_aux=True)
    rows = jnp.eye(end.size, dtype=end.dtype).reshape(end.size, *end.shape)
    return jax.vmap(lambda row: pull([row]))(rows), also


def _derived(
    ends: list, wrt: list, vectors: list, derive: Callable, types: list, name: str, stop: Iterable
) -> list:
    """The derivatives of `ends` with respect to `wrt`."""
    starts, zeros = list(wrt), {}
    for variable in wrt:
        others = {other for other in wrt if other is not variable}
        if any(v in others for node in needed([variable]) for v in node.inputs):
            # It depends on another of them: differentiate by an added zero instead.
            zeros[variable] = variable.type()
    if zeros:
        ends = rebuilt(ends, {v: add(v, zero) for v, zero in zeros.items()})
        starts = [zeros.get(v, v) for v in wrt]
    values = [_zeros(v) if v in zeros else v for v in wrt]
    part = Part(starts, ends, stop)
    op = Derivative(part, derive, types, name)
    return record(op, (values, part.outside, vectors), {}, several=True)


def _zeros_like(x):
    return jnp.zeros_like(x)


def _zeros(x: TensorVariable) -> TensorVariable:
    return apply(_zeros_like, x, infer=lambda x: x.type)


def grad(
    cost: Any,
    wrt: Any,
    consider_constant: Any = None,
    disconnected_inputs: str = "raise",
    add_names: bool = True,
    known_grads: Any = None,
    return_disconnected: str = "zero",
    null_gradients: str = "raise",
) -> Any:
    """The gradient of a scalar.

    Args:
        cost: a scalar variable; `None` with `known_grads`.
        wrt: a variable, or a list of them.
        consider_constant: variables that block the gradient.
        disconnected_inputs: what to do if the cost does not depend on a variable:
            `"raise"`, `"warn"` or `"ignore"`.
        add_names: accepted and ignored.
        known_grads: a dictionary or pairs from variable to the gradient with respect to it.
        return_disconnected: the gradient to return then: `"zero"`, `"None"` or `"Disconnected"`.
        null_gradients: accepted and ignored.

    Returns:
        A variable of the type of `wrt`, or a list of them.

    Raises:
        DisconnectedInputError: if the cost does not depend on one of `wrt`.
        TypeError: if the cost is not a float scalar.

    Example:
        >>> x = TensorType("float32", ())("x")
        >>> grad(x**2, x).eval({x: 3.0})
        array(6., dtype=float32)
    """
    known = dict(known_grads or {})
    if cost is None and not known:
        raise ValueError("grad needs a cost, or known_grads")
    if cost is not None:
        _check_cost(cost)
    several = isinstance(wrt, list | tuple)
    variables = list(wrt) if several else [wrt]
    _check_variables(variables, "grad")
    stop = set(consider_constant or ())
    through = [v for v in known if v not in variables]
    ends: list = [cost] if cost is not None and cost not in known else []
    vectors: list = [None] * len(ends)
    # A known gradient replaces the one that would flow from the cost.
    found = _gradients(ends, vectors, variables, stop | set(through)) if ends else []
    found = found or [None] * len(variables)
    if known:
        values = [as_tensor_variable(value) for value in known.values()]
        more = _gradients([*known], values, variables, stop)
        found = [_added(a, b) for a, b in zip(found, more, strict=True)]
    made = [
        _disconnected(v, disconnected_inputs, return_disconnected) if g is None else g
        for v, g in zip(variables, found, strict=True)
    ]
    return made if several else made[0]


def _added(a: Any, b: Any) -> Any:
    if a is None or b is None:
        return b if a is None else a
    return add(a, b)


def _gradients(ends: list, vectors: list, wrt: list, stop: set) -> list:
    """The gradients; `None` where the ends do not depend on a variable."""
    reached = {v for node in needed(ends, stop) for v in (*node.inputs, *node.output_list)}
    connected = [v for v in wrt if (v in reached or v in ends) and v not in stop]
    if not connected:
        return [None] * len(wrt)
    types = [v.type for v in connected]
    found = _derived(ends, connected, vectors, _pull, types, "grad", stop)
    by_variable = dict(zip(connected, found, strict=True))
    return [by_variable.get(v) for v in wrt]


def _check_cost(cost: Any) -> None:
    if not isinstance(cost, TensorVariable):
        raise TypeError(f"the cost of a gradient is a variable, not {cost!r}")
    if cost.ndim:
        raise TypeError(
            f"cost must be a scalar: {cost} has {cost.ndim} axes; take its sum or mean, or "
            f"use theano.gradient.jacobian. {made_at(cost)}"
        )
    if not is_float(cost.dtype):
        raise TypeError(f"cost must be a float: {cost} is {cost.dtype}. {made_at(cost)}")


def _check_variables(wrt: list, what: str) -> None:
    for variable in wrt:
        if not isinstance(variable, TensorVariable) or is_constant(variable):
            raise TypeError(f"{what} is with respect to variables, not {variable!r}")
        if not is_float(variable.dtype):
            raise TypeError(f"{what} with respect to {variable}, which is {variable.dtype}")


def _disconnected(variable: TensorVariable, what: str, give: str) -> Any:
    if what not in ("raise", "warn", "ignore"):
        raise ValueError(f"disconnected_inputs is 'raise', 'warn' or 'ignore', not {what!r}")
    message = (
        "grad method was asked to compute the gradient with respect to a variable that is not part "
        "of the computational graph of the cost, or is used only by a non-differentiable operator: "
        f"{variable}. {made_at(variable)}"
    )
    if what == "raise":
        raise DisconnectedInputError(message)
    if what == "warn":
        warnings.warn(message, stacklevel=users_stacklevel())
    if give not in ("zero", "None", "Disconnected"):
        raise ValueError(f"return_disconnected is 'zero', 'None' or 'Disconnected', not {give!r}")
    return _zeros(variable) if give == "zero" else None


def jacobian(
    expression: Any, wrt: Any, consider_constant: Any = None, disconnected_inputs: str = "raise"
) -> Any:
    """The Jacobian of a vector.

    Args:
        expression: a vector or scalar variable.
        wrt: a variable, or a list of them.
        consider_constant: variables that block the gradient.
        disconnected_inputs: see `grad`.

    Returns:
        For each of `wrt`, a variable with the axis of `expression` in front.

    Raises:
        TypeError: if `expression` has more than one axis.
    """
    if expression.ndim > 1:
        raise TypeError(f"jacobian is of a vector; {expression} has {expression.ndim} axes")
    if expression.ndim == 0:
        return grad(expression, wrt, consider_constant, disconnected_inputs)
    several = isinstance(wrt, list | tuple)
    variables = list(wrt) if several else [wrt]
    _check_variables(variables, "jacobian")
    stop = set(consider_constant or ())
    reached = {v for node in needed([expression], stop) for v in node.inputs} | {expression}
    connected = [v for v in variables if v in reached]
    types = [TensorType(v.dtype, (False, *v.broadcastable)) for v in connected]
    found = _derived([expression], connected, [], _rows, types, "jacobian", stop)
    by_variable = dict(zip(connected, found, strict=True))
    made = [
        by_variable[v] if v in by_variable else _disconnected(v, disconnected_inputs, "zero")
        for v in variables
    ]
    return made if several else made[0]


def hessian(
    cost: Any, wrt: Any, consider_constant: Any = None, disconnected_inputs: str = "raise"
) -> Any:
    """The Hessian of a scalar.

    Args:
        cost: a scalar variable.
        wrt: a vector, or a list of vectors.
        consider_constant: variables that block the gradient.
        disconnected_inputs: see `grad`.

    Raises:
        TypeError: if `cost` is not a scalar, or one of `wrt` is not a vector.
    """
    _check_cost(cost)
    several = isinstance(wrt, list | tuple)
    variables = list(wrt) if several else [wrt]
    for variable in variables:
        if variable.ndim != 1:
            raise TypeError(f"hessian is with respect to vectors; {variable} is not a vector")
    made = [
        jacobian(
            grad(cost, variable, consider_constant, disconnected_inputs),
            variable,
            consider_constant,
            disconnected_inputs,
        )
        for variable in variables
    ]
    return made if several else made[0]


def Lop(
    f: Any,
    wrt: Any,
    eval_points: Any,
    consider_constant: Any = None,
    disconnected_inputs: str = "raise",
) -> Any:
    """The vector-Jacobian product.

    Args:
        f: a variable, or a list of them.
        wrt: a variable, or a list of them.
        eval_points: for each of `f`, a variable of its shape.
        consider_constant: variables that block the gradient.
        disconnected_inputs: see `grad`.
    """
    ends = list(f) if isinstance(f, list | tuple) else [f]
    points = list(eval_points) if isinstance(eval_points, list | tuple) else [eval_points]
    several = isinstance(wrt, list | tuple)
    variables = list(wrt) if several else [wrt]
    _check_variables(variables, "Lop")
    vectors = [as_tensor_variable(point) for point in points]
    found = _gradients(ends, vectors, variables, set(consider_constant or ()))
    made = [
        _disconnected(v, disconnected_inputs, "zero") if g is None else g
        for v, g in zip(variables, found, strict=True)
    ]
    return made if several else made[0]


def Rop(f: Any, wrt: Any, eval_points: Any) -> Any:
    """The Jacobian-vector product.

    Args:
        f: a variable, or a list of them.
        wrt: a variable, or a list of them.
        eval_points: for each of `wrt`, a variable of its shape, or `None` for zeros.
    """
    several = isinstance(f, list | tuple)
    ends = list(f) if several else [f]
    variables = list(wrt) if isinstance(wrt, list | tuple) else [wrt]
    points = list(eval_points) if isinstance(eval_points, list | tuple) else [eval_points]
    _check_variables(variables, "Rop")
    if len(points) != len(variables):
        raise ValueError(f"Rop has {len(variables)} variables and {len(points)} eval_points")
    vectors = [None if point is None else as_tensor_variable(point) for point in points]
    found = _derived(ends, variables, vectors, _push, [v.type for v in ends], "Rop", ())
    return found if several else found[0]


# ---- identities with a modified gradient


def _stopped(x):
    return lax.stop_gradient(x)


def disconnected_grad(x: Any) -> Any:
    """Identity that blocks the gradient."""
    return apply(_stopped, x, infer=lambda x: x.type, name="disconnected_grad")


zero_grad = disconnected_grad
consider_constant = disconnected_grad


@jax.custom_vjp
def _clipped(x, low, high):
    return x


_clipped.defvjp(
    lambda x, low, high: (x, (low, high)),
    lambda bounds, g: (jnp.clip(g, *bounds), None, None),
)


def _grad_clip(x, low, high):
    return _clipped(x, low, high)


def grad_clip(x: Any, lower_bound: float, upper_bound: float) -> Any:
    """Identity that clips the gradient.

    Args:
        x: a tensor.
        lower_bound, upper_bound: the bounds.
    """
    return apply(
        _grad_clip, x, infer=lambda x: x.type, low=float(lower_bound), high=float(upper_bound)
    )


@jax.custom_vjp
def _scaled(x, factor):
    return x


_scaled.defvjp(lambda x, factor: (x, factor), lambda factor, g: (g * factor, None))


def _grad_scale(x, factor):
    return _scaled(x, factor)


def grad_scale(x: Any, multiplier: float) -> Any:
    """Identity that multiplies the gradient by a number."""
    return apply(_grad_scale, x, infer=lambda x: x.type, factor=float(multiplier))
