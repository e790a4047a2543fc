"""Functions of `keras.backend` without an equivalent today: values, phases, graphs."""

import importlib
import math
import os
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from hornbook import ops, random
from hornbook.compat.install import BACKENDS
from hornbook.compat.keras.engine import sources
from hornbook.core import settings, tree
from hornbook.core.graph import Graph
from hornbook.core.symbolic import SymbolicTensor, op, record
from hornbook.core.unknown import Spec
from hornbook.core.variable import Inside, Variable, bind, thread, unwrap
from hornbook.layers.calling import Call
from hornbook.layers.lambda_ import Lambda
from hornbook.utils import session

SESSIONS = "hornbook.compat.tensorflow1.keras"  # imported where a program needs it
NAMES = {"th": "channels_first", "tf": "channels_last"}
_PHASE = SymbolicTensor((), "bool", name="keras_learning_phase")
_state: dict[str, Any] = {"phase": None}


# ---- the process


def backend() -> str:
    """`"tensorflow"`, or `"theano"` for programs on Theano: see `compat.install`."""
    said = os.environ.get("KERAS_BACKEND")
    return said if said in BACKENDS else settings.unstated_backend() or "tensorflow"


def clear_session() -> None:
    """Reset automatic names; the image data format is kept."""
    layout = settings.image_data_format()
    session.clear_session()
    settings.set_image_data_format(layout)


def image_data_format() -> str:
    """`"channels_last"` or `"channels_first"`."""
    return settings.image_data_format()


def set_image_data_format(data_format: str) -> None:
    """Set the layout of images.

    Args:
        data_format: `"channels_last"` or `"channels_first"`.
    """
    settings.set_image_data_format(data_format)


def image_dim_ordering() -> str:
    """`"tf"` for channels last, `"th"` for channels first."""
    return "th" if settings.image_data_format() == "channels_first" else "tf"


def set_image_dim_ordering(dim_ordering: str) -> None:
    """Set the layout of images.

    Args:
        dim_ordering: `"tf"` for channels last, `"th"` for channels first.

    Raises:
        ValueError: for anything else.
    """
    if dim_ordering not in NAMES:
        raise ValueError(f"dim_ordering is 'tf' or 'th', not {dim_ordering!r}")
    settings.set_image_data_format(NAMES[dim_ordering])


def _set_device(device: str) -> None:
    """No-op: the engine chooses the device."""


# ---- variables and values


def variable(value: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A variable with a value."""
    value = value.raw if isinstance(value, Variable) else value
    return Variable(np.asarray(value), dtype=dtype or settings.floatx(), name=name)


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A variable of zeros."""
    return variable(np.zeros(shape), dtype, name)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """A variable of ones."""
    return variable(np.ones(shape), dtype, name)


def eye(size: int, dtype: Any = None, name: str | None = None) -> Variable:
    """A variable holding an identity matrix."""
    return variable(np.eye(size), dtype, name)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Any:
    """An array."""
    made = np.asarray(value, dtype or settings.floatx())
    return jnp.asarray(made if shape is None else np.broadcast_to(made, shape))


def placeholder(
    shape: Any = None, ndim: int | None = None, dtype: Any = None, name: str | None = None
) -> SymbolicTensor:
    """A symbolic tensor whose value is fed later."""
    shape = (None,) * (ndim or 0) if shape is None else tuple(shape)
    return SymbolicTensor(shape, dtype or settings.floatx(), name=name)


def get_value(x: Any) -> np.ndarray:
    """The value of a variable, or of a tensor that depends on no input."""
    if isinstance(x, SymbolicTensor):  # of TensorFlow 1, as `tf.reduce_sum(K.variable(1))`
        return np.array(importlib.import_module(SESSIONS).get_session().run(x))
    return np.array(unwrap(x))


eval = get_value


def set_value(x: Any, value: Any) -> None:
    """Assign a variable.

    Raises:
        TypeError: if `x` is not a variable.
    """
    if not isinstance(x, Variable):
        raise TypeError(f"K.set_value assigns variables; {x!r} is a {type(x).__name__}")
    x.assign(np.asarray(unwrap(value)))


def batch_get_value(xs: list) -> list:
    """The values of variables."""
    return [get_value(x) for x in xs]


def batch_set_value(tuples: list) -> None:
    """Assign variables, from `(variable, value)` pairs."""
    for x, value in tuples:
        set_value(x, value)


def update(x: Variable, new_x: Any) -> Any:
    """Assign a variable: immediately, or as part of the step being traced."""
    return x.assign(new_x)


def update_add(x: Variable, increment: Any) -> Any:
    """Add to a variable."""
    return x.assign(x.raw + unwrap(increment))


def print_tensor(x: Any, message: str = "") -> Any:
    """Print the value once it is computed; returns the tensor."""
    return _printed(x, message)


@op
def _printed(x, message):
    jax.debug.print("{} {}", message, x)
    return x


# ---- shapes


def ndim(x: Any) -> int:
    """The number of axes."""
    return len(x.shape)


def int_shape(x: Any) -> tuple:
    """The shape, `None` where a size is unknown."""
    return tuple(x.shape)


def dtype(x: Any) -> str:
    """The name of the dtype."""
    return str(x.dtype)


def count_params(x: Any) -> int:
    """The number of elements."""
    return math.prod(x.shape)


def cast_to_floatx(x: Any) -> np.ndarray:
    """A numpy array of the default float type."""
    return np.asarray(x, settings.floatx())


def flatten(x: Any) -> Any:
    """All elements in one row."""
    return ops.reshape(x, (-1,))


def batch_flatten(x: Any) -> Any:
    """Flatten each sample: `(batch, ...)` to `(batch, size)`."""
    return ops.reshape(x, (-1, math.prod(x.shape[1:])))


def repeat(x: Any, n: int) -> Any:
    """Repeat each row `n` times: `(batch, size)` to `(batch, n, size)`."""
    return ops.repeat(ops.expand_dims(x, 1), n, axis=1)


# ---- arithmetic


def dot(x: Any, y: Any) -> Any:
    """Contract the last axis of `x` with the second-to-last of `y`."""
    return ops.dot(x, y)


@op
def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    """Contract one axis of `x` with one of `y`, sample by sample.

    If `y` has more than three axes, the axes before its last two are those of a batch in both, as
    in TensorFlow's `matmul`, which Keras called up to 2.2.4 (heads of attention, capsules).
    """
    if axes is None:
        axes = (x.ndim - 1, 1 if y.ndim == 2 else y.ndim - 2)
    pair = (axes, axes) if isinstance(axes, int) else tuple(axes)
    a, b = (axis % array.ndim for axis, array in zip(pair, (x, y), strict=True))
    outer = y.ndim - 2
    is_matmul = (
        outer > 1
        and settings.unstated_backend() != "theano"
        and x.ndim in (outer + 1, outer + 2)
        and min(a, b) >= outer
        and x.shape[:outer] == y.shape[:outer]
    )
    batch = tuple(range(outer if is_matmul else 1))
    made = lax.dot_general(jnp.asarray(x), jnp.asarray(y), (((a,), (b,)), (batch, batch)))
    return made[:, None] if made.ndim == 1 else made


def bias_add(x: Any, bias: Any) -> Any:
    """Add to the channels."""
    first = settings.image_data_format() == "channels_first" and len(x.shape) > 2
    return x + (ops.reshape(bias, (1, -1) + (1,) * (len(x.shape) - 2)) if first else bias)


def random_binomial(shape: Any, p: float = 0.0, dtype: Any = None, seed: Any = None) -> Any:
    """Samples that are 1 with probability `p`, else 0."""
    return random.binomial(tuple(shape), 1.0, p, dtype=dtype or settings.floatx(), seed=seed)


def dropout(x: Any, level: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """Zero a fraction of the elements at random and scale up the others."""
    return random.dropout(x, level, noise_shape, seed)


# ---- conditionals and the learning phase


def _value_of(x: Any) -> Any:
    return x() if callable(x) and not isinstance(x, Variable | SymbolicTensor) else x


@op
def _choose(condition, x, y):
    chosen = jnp.asarray(condition)
    ranks = max(jnp.ndim(x), jnp.ndim(y))
    chosen = chosen.reshape(chosen.shape + (1,) * (ranks - chosen.ndim)).astype(bool)
    return jnp.where(chosen, x, y)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """One of two values, by a scalar or elementwise condition."""
    return _choose(condition, _value_of(then_expression), _value_of(else_expression))


@op
def _by_phase(x, alt):
    return x if training_now() else alt


def training_now() -> bool:
    """Whether this is a training step, as far as known."""
    if thread.calls and thread.calls[-1].training is not None:
        return bool(thread.calls[-1].training)
    return bool(_state["phase"])


def learning_phase() -> Any:
    """1 in training, else 0; symbolic outside a layer's call."""
    if _state["phase"] is not None:
        return _state["phase"]
    return int(training_now()) if thread.calls else _PHASE


def set_learning_phase(value: Any) -> None:
    """Set the phase outside training."""
    _state["phase"] = value


def in_train_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`x` in training, else `alt`; both may be functions without arguments."""
    if training is None or training is _PHASE:
        return _by_phase(_value_of(x), _value_of(alt))
    if isinstance(training, bool | int):
        return _value_of(x if training else alt)
    return switch(training, x, alt)


def in_test_phase(x: Any, alt: Any, training: Any = None) -> Any:
    """`alt` in training, else `x`."""
    return in_train_phase(alt, x, training)


# ---- graphs


def variables_of(graph: Graph) -> list[Variable]:
    """The variables that the calls of a graph reference."""
    found: dict[Variable, None] = {}
    for node in graph.nodes:
        found |= dict.fromkeys(getattr(node.op, "variables", ()))
        given = tree.walk((node.args, node.kwargs))
        found |= dict.fromkeys(one for one in given if isinstance(one, Variable))
    return list(found)


class KFunction:
    """The result of `K.function`: maps a list of arrays to a list of arrays.

    Args:
        inputs: symbolic tensors; `K.learning_phase()` may be one.
        outputs: symbolic tensors that depend on them, or a single one.
        updates: pairs of a variable and its new value.
    """

    def __init__(self, inputs: list, outputs: Any, updates: Any = ()):
        self.phase = [one is _PHASE or isinstance(one, int) for one in inputs]
        given = [one for one, phase in zip(inputs, self.phase, strict=True) if not phase]
        self.single = not isinstance(outputs, list | tuple)
        self.outputs = [outputs] if self.single else list(outputs)
        pairs = [pair for pair in updates or () if pair is not None]
        self.updated = [variable for variable, _ in pairs]
        wanted = [*self.outputs, *(value for _, value in pairs)]
        self.graph = Graph(given, wanted)
        self.variables = variables_of(self.graph)
        opaque = any(isinstance(node.op, Lambda) for node in self.graph.nodes)
        # user functions may read unreferenced variables; their current values are used
        self._run = self._compute if opaque else jax.jit(self._compute, static_argnums=2)

    def _compute(self, values: list, variables: list, training: bool) -> tuple[list, list]:
        given = dict(zip(self.variables, variables, strict=True))
        with Inside("calls", Call(training, [])), bind(given) as scope:
            made = [unwrap(one) for one in self.graph.run(values)]
            return made, [scope[variable] for variable in self.variables]

    def __call__(self, inputs: list) -> Any:
        if len(inputs) != len(self.phase):
            raise TypeError(f"this function takes {len(self.phase)} arrays, not {len(inputs)}")
        training = bool(_state["phase"])
        values = []
        for value, is_phase in zip(inputs, self.phase, strict=True):
            if is_phase:
                training = bool(np.asarray(value))
            else:
                values.append(value)
        given = [
            jnp.asarray(unwrap(value), symbol.dtype)
            for value, symbol in zip(values, self.graph.input_list, strict=True)
        ]
        made, after = self._run(given, [variable.raw for variable in self.variables], training)
        for variable, value in zip(self.variables, after, strict=True):
            kept = variable.kind in ("state", "seed") and variable not in self.updated
            if kept and value is not variable.raw:
                variable.assign(value)
        for variable, value in zip(self.updated, made[len(self.outputs) :], strict=True):
            variable.assign(value)
        found = [np.array(one) for one in made[: len(self.outputs)]]
        return found[0] if self.single else found


def function(inputs: list, outputs: Any, updates: Any = (), **kwargs: Any) -> KFunction:
    """A function of arrays, from symbolic inputs and outputs."""
    return KFunction(list(inputs), outputs, updates)


class Gradient:
    """The gradient of a tensor's sum with respect to another tensor or variables.

    Args:
        loss: a symbolic tensor.
        by: a symbolic tensor or a list of variables to differentiate by.
    """

    name = "gradients"

    def __init__(self, loss: SymbolicTensor, by: Any):
        self.weights = by if isinstance(by, list) else []
        tensors = [] if isinstance(by, list) else [by]
        others = sources(loss, tensors)
        self.graph = Graph([*others, *tensors], loss)
        self.variables = list(dict.fromkeys([*variables_of(self.graph), *self.weights]))
        self.by_tensor = bool(tensors)

    def __call__(self, *values: Any) -> list:
        others = values[:-1] if self.by_tensor else values

        def loss(tensors, weights):
            with bind(dict(zip(self.weights, weights, strict=True))):
                return jnp.sum(self.graph.run([*others, *tensors]))

        weights = [variable.raw for variable in self.weights]
        by_tensor, by_weight = jax.grad(loss, argnums=(0, 1))(list(values[len(others) :]), weights)
        return [*by_tensor, *by_weight]


def gradients(loss: SymbolicTensor, variables: Any) -> list:
    """The symbolic gradient of a loss with respect to symbolic tensors or variables.

    Args:
        loss: a symbolic tensor; its sum is differentiated.
        variables: a tensor or variable to differentiate by, or a list of them.

    Raises:
        TypeError: if the loss is not a symbolic tensor.
    """
    if not isinstance(loss, SymbolicTensor):
        raise TypeError(f"K.gradients takes a symbolic loss, not {loss!r}")
    wanted = list(variables) if isinstance(variables, list | tuple) else [variables]
    weights = [one for one in wanted if isinstance(one, Variable)]
    found: dict[Any, Any] = {}
    for by in [weights, *(one for one in wanted if not isinstance(one, Variable))]:
        if not isinstance(by, list) or by:
            gradient = Gradient(loss, by)
            listed = by if isinstance(by, list) else [by]
            specs = [Spec(one.shape, one.dtype) for one in listed]
            made = record(gradient, tuple(gradient.graph.input_list), {}, specs=specs)
            found |= dict(zip(listed, made, strict=True))
    return [found[one] for one in wanted]
