"""`tf.train`'s averages of variables, schedules of rates, and the variable of steps."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook.compat.tensorflow1.applying import apply, convert, like
from hornbook.compat.tensorflow1.graph import get_default_graph
from hornbook.compat.tensorflow1.running import LayerVariable, symbol_of
from hornbook.compat.tensorflow1.variables import (
    GraphKeys,
    Variable,
    global_variables,
    group,
    trainable_variables,
)


class ExponentialMovingAverage:
    """`tf.train.ExponentialMovingAverage`: averages of variables and tensors.

    Args:
        decay: factor of the old average.
        num_updates: a count; the decay is then at most `(1 + n) / (10 + n)`.
        zero_debias: whether averages of tensors are corrected for the first steps.
        name: suffix of names.
    """

    def __init__(
        self,
        decay: Any,
        num_updates: Any = None,
        zero_debias: bool = False,
        name: str = "ExponentialMovingAverage",
    ):
        self._decay, self._updates, self.name = decay, num_updates, name
        self._averages: dict[Any, Variable] = {}

    def apply(self, var_list: Any = None) -> Any:
        """An operation that updates the averages."""
        chosen = trainable_variables() if var_list is None else var_list
        updates = []
        decay = convert(self._decay, "float32")
        if self._updates is not None:
            decay = apply(_slower, (decay, convert(self._updates)))
        for one in map(symbol_of, chosen):
            if one not in self._averages:
                is_variable = isinstance(one, Variable | LayerVariable)
                initial = (
                    one.initial_value
                    if isinstance(one, Variable)
                    else np.zeros(tuple(one.shape), one.dtype.as_numpy_dtype)
                )
                with get_default_graph().name_scope(None):
                    made = Variable(initial, trainable=False, name=f"{one.node.name}/{self.name}")
                self._averages[one] = made
                if is_variable:
                    get_default_graph().add_to_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, one)
            average = self._averages[one]
            updates.append(
                apply(_averaged, (average, one, decay), specs=like(average), assigns=(average,))
            )
        return group(*updates)

    def average(self, var: Any) -> Any:
        """The average of a variable, as a variable."""
        return self._averages.get(symbol_of(var))

    def average_name(self, var: Any) -> str:
        """The name of the average."""
        return f"{symbol_of(var).node.name}/{self.name}"

    def variables_to_restore(self, moving_avg_variables: Any = None) -> dict:
        """Variables by the names that a checkpoint has their averages under."""
        chosen = moving_avg_variables or trainable_variables()
        others = [v for v in global_variables() if v not in set(chosen)]
        return {self.average_name(v): v for v in chosen} | {
            v.op.name: v for v in others if v not in self._averages.values()
        }


def _slower(decay: Any, updates: Any) -> Any:
    n = jnp.asarray(updates, "float32")
    return jnp.minimum(decay, (1 + n) / (10 + n))


def _averaged(average: Any, value: Any, decay: Any) -> Any:
    return average - (average - value) * (1 - decay)


def get_global_step(graph: Any = None) -> Any:
    """`tf.train.get_global_step`: the variable of steps, or `None`."""
    found = (graph or get_default_graph()).get_collection(GraphKeys.GLOBAL_STEP)
    return found[0] if found else None


def create_global_step(graph: Any = None) -> Any:
    """`tf.train.create_global_step`."""
    graph = graph or get_default_graph()
    with graph.as_default(), graph.name_scope(None):
        made = Variable(
            np.int64(0),
            trainable=False,
            name="global_step",
            collections=[GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP],
        )
        graph.store["global_step"] = made
    return made


def get_or_create_global_step(graph: Any = None) -> Any:
    """`tf.train.get_or_create_global_step`."""
    found = get_global_step(graph)
    return create_global_step(graph) if found is None else found


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """`tf.train.global_step`: the number of steps in a session."""
    return int(sess.run(global_step_tensor))


def _schedule(formula: Callable, *names: str) -> Callable:
    def schedule(*args: Any, name: str | None = None, **kwargs: Any) -> Any:
        given = dict(zip(names, args, strict=False)) | kwargs
        tensors = [convert(given.pop(key)) for key in names[:2] if key in given]
        return apply(_Formula(formula, given), tuple(tensors), name=name or formula.__name__)

    schedule.__doc__ = f"`tf.train.{formula.__name__}`: {formula.__doc__}"
    schedule.__name__ = formula.__name__
    return schedule


class _Formula:
    def __init__(self, fn: Callable, settings: dict):
        self.fn, self.settings, self.__name__ = fn, settings, fn.__name__

    def __call__(self, rate: Any, step: Any) -> Any:
        return self.fn(jnp.asarray(rate, "float32"), jnp.asarray(step, "float32"), **self.settings)


def _exponential(rate, step, decay_steps, decay_rate, staircase=False):
    """`rate * decay_rate ** (step / decay_steps)`."""
    power = step / decay_steps
    return rate * jnp.float32(decay_rate) ** (jnp.floor(power) if staircase else power)


def _natural_exp(rate, step, decay_steps, decay_rate, staircase=False):
    """`rate * exp(-decay_rate * step / decay_steps)`."""
    power = step / decay_steps
    return rate * jnp.exp(-decay_rate * (jnp.floor(power) if staircase else power))


def _inverse_time(rate, step, decay_steps, decay_rate, staircase=False):
    """`rate / (1 + decay_rate * step / decay_steps)`."""
    power = step / decay_steps
    return rate / (1 + decay_rate * (jnp.floor(power) if staircase else power))


def _polynomial(rate, step, decay_steps, end_learning_rate=0.0001, power=1.0, cycle=False):
    """From the rate to `end_learning_rate` by a power of the time left."""
    whole = jnp.float32(decay_steps)
    whole = whole * jnp.where(step == 0, 1.0, jnp.ceil(step / whole)) if cycle else whole
    step = step if cycle else jnp.minimum(step, whole)
    return (rate - end_learning_rate) * (1 - step / whole) ** power + end_learning_rate


def _cosine(rate, step, decay_steps, alpha=0.0):
    """From the rate to `alpha` times it, by a cosine."""
    done = jnp.minimum(step, decay_steps) / decay_steps
    return rate * ((1 - alpha) * 0.5 * (1 + jnp.cos(jnp.pi * done)) + alpha)


_STEPS = ("learning_rate", "global_step", "decay_steps", "decay_rate", "staircase")
exponential_decay = _schedule(_exponential, *_STEPS)
natural_exp_decay = _schedule(_natural_exp, *_STEPS)
inverse_time_decay = _schedule(_inverse_time, *_STEPS)
polynomial_decay = _schedule(_polynomial, *_STEPS[:3], "end_learning_rate", "power", "cycle")
cosine_decay = _schedule(_cosine, *_STEPS[:3], "alpha")


def piecewise_constant(x: Any, boundaries: Any, values: Any, name: str | None = None) -> Any:
    """`tf.train.piecewise_constant`: a number for each interval between boundaries."""
    ends, numbers = np.asarray(boundaries), np.asarray(values, "float32")

    def chosen(step: Any) -> Any:
        return jnp.asarray(numbers)[jnp.sum(jnp.asarray(step) > ends)]

    return apply(chosen, (convert(x),), name=name or "piecewise_constant")
