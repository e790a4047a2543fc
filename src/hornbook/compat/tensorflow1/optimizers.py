"""`tf.train`'s optimizers, with TensorFlow 1's formulas and defaults."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook.compat.tensorflow1.applying import apply, convert, like
from hornbook.compat.tensorflow1.gradients import gradients
from hornbook.compat.tensorflow1.graph import get_default_graph
from hornbook.compat.tensorflow1.running import ordered, symbol_of, variables_of
from hornbook.compat.tensorflow1.variables import (
    GraphKeys,
    Variable,
    assign_add,
    group,
    trainable_variables,
)

NO_GRADIENTS = "No gradients provided for any variable, check your graph for ops that do not \
support gradients, between variables {} and loss {}."


class Optimizer:
    """A rule that changes variables by gradients.

    Args:
        use_locking: ignored.
        name: of its slots and operations.
    """

    GATE_NONE, GATE_OP, GATE_GRAPH = 0, 1, 2
    slots: dict[str, float] = {}  # names of slots, and their initial values

    def __init__(self, use_locking: bool = False, name: str = ""):
        self._name = name or type(self).__name__.removesuffix("Optimizer")
        self._slots: dict[str, dict[Any, Variable]] = {}
        self._powers: list[Variable] = []

    def get_name(self) -> str:
        """Its name."""
        return self._name

    def minimize(
        self,
        loss: Any,
        global_step: Any = None,
        var_list: Any = None,
        gate_gradients: int = 1,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        name: str | None = None,
        grad_loss: Any = None,
    ) -> Any:
        """An operation that takes a step down the gradient of a loss.

        Raises:
            ValueError: if the loss depends on none of the variables.
        """
        pairs = self.compute_gradients(loss, var_list, grad_loss=grad_loss)
        if all(gradient is None for gradient, _ in pairs):
            raise ValueError(NO_GRADIENTS.format([v.name for _, v in pairs], loss))
        return self.apply_gradients(pairs, global_step, name)

    def compute_gradients(
        self,
        loss: Any,
        var_list: Any = None,
        gate_gradients: int = 1,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: Any = None,
    ) -> list:
        """Pairs of a gradient, `None` if there is none, and a variable."""
        loss = loss() if callable(loss) else loss
        if var_list is None:
            chosen = [*trainable_variables(), *layers_of(loss)]
        else:
            chosen = list(var_list) if isinstance(var_list, list | tuple | set) else [var_list]
        chosen = list(dict.fromkeys(symbol_of(v) for v in chosen))
        if not chosen:
            raise ValueError("No variables to optimize.")
        grads = gradients(loss, chosen, None if grad_loss is None else [grad_loss])
        return list(zip(grads, chosen, strict=True))

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: Any = None):
        """An operation that changes variables by their gradients."""
        pairs = [(g, symbol_of(v)) for g, v in grads_and_vars if g is not None]
        if not pairs:
            raise ValueError(NO_GRADIENTS.format([v.name for _, v in grads_and_vars], "?"))
        graph = get_default_graph()
        with graph.name_scope(name or self._name) as scope:
            extra = self.scalars()
            updates = [self._apply(convert(g), v, extra) for g, v in pairs]
            powers = self.finish([one.op for one in updates])
            done = group(*updates, *powers)
            if global_step is not None:
                with graph.control_dependencies([done]):
                    done = assign_add(global_step, 1, name=scope).op
            else:
                done = group(done, name=scope)
        graph.add_to_collection(GraphKeys.TRAIN_OP, done)
        return done

    def _apply(self, gradient: Any, variable: Any, extra: list) -> Any:
        slots = [self.slot(name, variable, value) for name, value in self.slots.items()]
        targets = (variable, *slots)
        made = apply(
            Rule(self.step, getattr(variable, "constraint", None)),
            (gradient, variable, slots, extra),
            name=f"update_{variable.node.name}",
            kind=f"Apply{self._name}",
            specs=[like(one) for one in targets],
            assigns=targets,
        )
        return made[0]

    def slot(self, name: str, variable: Any, value: float) -> Variable:
        """A slot of a variable, made if there is none."""
        known = self._slots.setdefault(name, {})
        if variable not in known:
            dtype = variable.dtype.as_numpy_dtype
            full = f"{variable.node.name}/{self._name}"
            with get_default_graph().name_scope(None):
                initial = np.full(tuple(variable.shape), value, dtype)
                known[variable] = Variable(initial, trainable=False, name=full)
        return known[variable]

    def get_slot(self, var: Any, name: str) -> Any:
        """A slot of a variable, or `None`."""
        return self._slots.get(name, {}).get(symbol_of(var))

    def get_slot_names(self) -> list:
        """The names of slots."""
        return list(self.slots)

    def variables(self) -> list:
        """The variables of its state."""
        return [*self._powers, *(v for known in self._slots.values() for v in known.values())]

    def scalars(self) -> list:
        """Numbers that `step` gets, as tensors."""
        return []

    def finish(self, before: list) -> list:
        """Operations after all updates."""
        return []

    def step(self, gradient: Any, value: Any, slots: list, scalars: list) -> tuple:
        """The new value of a variable, and of its slots.

        Raises:
            NotImplementedError: for the class of all optimizers.
        """
        raise NotImplementedError(f"{type(self).__name__} has no step()")


class Rule:
    """A step of an optimizer as a function of arrays."""

    def __init__(self, step: Callable, constraint: Any):
        self.step, self.constraint = step, constraint

    __name__ = "apply_rule"

    def __call__(self, gradient: Any, value: Any, slots: list, scalars: list) -> list:
        value = jnp.asarray(value)
        made = self.step(
            jnp.asarray(gradient), value, slots, [jnp.asarray(s, value.dtype) for s in scalars]
        )
        return list(made)


def layers_of(loss: Any) -> list:
    """The trained variables of Keras's layers that a loss depends on."""
    nodes = ordered([loss], set())
    return [v for v in dict.fromkeys(v for n in nodes for v in variables_of(n)) if v.trainable]


class GradientDescentOptimizer(Optimizer):
    """`tf.train.GradientDescentOptimizer`: `w - rate * g`.

    Args:
        learning_rate: a number or tensor.
        use_locking, name: see `Optimizer`.
    """

    def __init__(self, learning_rate: Any, use_locking: bool = False, name: str = ""):
        super().__init__(use_locking, name)
        self.settings = (learning_rate,)

    def scalars(self) -> list:
        """The rate."""
        return [_now(self.settings[0])]

    def step(self, gradient: Any, value: Any, slots: list, scalars: list) -> tuple:
        """`w - rate * g`."""
        return (value - scalars[0] * gradient,)


class MomentumOptimizer(Optimizer):
    """`tf.train.MomentumOptimizer`: `m = momentum * m + g`; `w - rate * m`.

    Args:
        learning_rate, momentum: numbers or tensors.
        use_locking, name: see `Optimizer`.
        use_nesterov: whether the step is `g + momentum * m`.
    """

    slots = {"momentum": 0.0}

    def __init__(
        self,
        learning_rate: Any,
        momentum: Any,
        use_locking: bool = False,
        name: str = "Momentum",
        use_nesterov: bool = False,
    ):
        super().__init__(use_locking, name)
        self.settings, self.nesterov = (learning_rate, momentum), use_nesterov

    def scalars(self) -> list:
        """The rate, the momentum."""
        return [*map(_now, self.settings)]

    def step(self, gradient: Any, value: Any, slots: list, scalars: list) -> tuple:
        """The step of momentum."""
        rate, momentum = scalars
        m = momentum * slots[0] + gradient
        way = gradient + momentum * m if self.nesterov else m
        return value - rate * way, m


class AdamOptimizer(Optimizer):
    """`tf.train.AdamOptimizer`: epsilon is added to the root of the uncorrected second moment.

    Args:
        learning_rate, beta1, beta2, epsilon: numbers or tensors.
        use_locking, name: see `Optimizer`.
    """

    slots = {"m": 0.0, "v": 0.0}

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adam",
    ):
        super().__init__(use_locking, name)
        self.settings = (learning_rate, beta1, beta2, epsilon)

    def scalars(self) -> list:
        """The rate, betas, epsilon, and the powers of betas."""
        if not self._powers:
            with get_default_graph().name_scope(None):
                for name, beta in zip(
                    ("beta1_power", "beta2_power"), self.settings[1:3], strict=True
                ):
                    initial = np.float32(beta) if isinstance(beta, float | int) else beta
                    self._powers.append(Variable(initial, trainable=False, name=name))
        return [*map(_now, self.settings), *self._powers]

    def step(self, gradient: Any, value: Any, slots: list, scalars: list) -> tuple:
        """Adam's step."""
        rate, beta1, beta2, epsilon, power1, power2 = scalars
        rate = rate * jnp.sqrt(1 - power2) / (1 - power1)
        m = slots[0] + (gradient - slots[0]) * (1 - beta1)
        v = slots[1] + (gradient * gradient - slots[1]) * (1 - beta2)
        return value - rate * m / (jnp.sqrt(v) + epsilon), m, v

    def finish(self, before: list) -> list:
        """The next powers of betas."""
        with get_default_graph().control_dependencies(before):
            return [
                _multiplied(power, beta)
                for power, beta in zip(self._powers, map(_now, self.settings[1:3]), strict=True)
            ]


def _multiplied(power: Variable, beta: Any) -> Any:
    return apply(_times, (power, convert(beta)), kind="Assign", specs=like(power), assigns=(power,))


def _times(a: Any, b: Any) -> Any:
    return a * b


class AdagradOptimizer(Optimizer):
    """`tf.train.AdagradOptimizer`: `a = a + g^2`; `w - rate * g / sqrt(a)`.

    Args:
        learning_rate: a number or tensor.
        initial_accumulator_value: the first `a`.
        use_locking, name: see `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        use_locking: bool = False,
        name: str = "Adagrad",
    ):
        super().__init__(use_locking, name)
        self.settings = (learning_rate,)
        self.slots = {"accumulator": initial_accumulator_value}

    def scalars(self) -> list:
        """The rate."""
        return [_now(self.settings[0])]

    def step(self, gradient: Any, value: Any, slots: list, scalars: list) -> tuple:
        """Adagrad's step."""
        total = slots[0] + gradient * gradient
        return value - scalars[0] * gradient / jnp.sqrt(total), total


class AdadeltaOptimizer(Optimizer):
    """`tf.train.AdadeltaOptimizer`.

    Args:
        learning_rate, rho, epsilon: numbers or tensors.
        use_locking, name: see `Optimizer`.
    """

    slots = {"accum": 0.0, "accum_update": 0.0}

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.95,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adadelta",
    ):
        super().__init__(use_locking, name)
        self.settings = (learning_rate, rho, epsilon)

    def scalars(self) -> list:
        """The rate, rho, epsilon."""
        return [*map(_now, self.settings)]

    def step(self, gradient: Any, value: Any, slots: list, scalars: list) -> tuple:
        """Adadelta's step."""
        rate, rho, epsilon = scalars
        total = slots[0] * rho + gradient * gradient * (1 - rho)
        way = jnp.sqrt(slots[1] + epsilon) / jnp.sqrt(total + epsilon) * gradient
        return value - rate * way, total, slots[1] * rho + way * way * (1 - rho)


class RMSPropOptimizer(Optimizer):
    """`tf.train.RMSPropOptimizer`: the mean square begins at 1, epsilon is inside the root.

    Args:
        learning_rate, decay, momentum, epsilon: numbers or tensors.
        use_locking, name: see `Optimizer`.
        centered: whether the squared mean gradient is subtracted.
    """

    def __init__(
        self,
        learning_rate: Any,
        decay: Any = 0.9,
        momentum: Any = 0.0,
        epsilon: Any = 1e-10,
        use_locking: bool = False,
        centered: bool = False,
        name: str = "RMSProp",
    ):
        super().__init__(use_locking, name)
        self.settings = (learning_rate, decay, momentum, epsilon)
        self.centered = centered
        self.slots = {"rms": 1.0, "momentum": 0.0} | ({"mg": 0.0} if centered else {})

    def scalars(self) -> list:
        """The rate, decay, momentum, epsilon."""
        return [*map(_now, self.settings)]

    def step(self, gradient: Any, value: Any, slots: list, scalars: list) -> tuple:
        """RMSProp's step."""
        rate, decay, momentum, epsilon = scalars
        rms = slots[0] + (gradient * gradient - slots[0]) * (1 - decay)
        root, means = rms + epsilon, []
        if self.centered:
            means = [slots[2] + (gradient - slots[2]) * (1 - decay)]
            root = root - means[0] * means[0]
        m = momentum * slots[1] + rate * gradient / jnp.sqrt(root)
        return (value - m, rms, m, *means)


class FtrlOptimizer(Optimizer):
    """`tf.train.FtrlOptimizer`.

    Args:
        learning_rate, learning_rate_power, initial_accumulator_value: as in the paper.
        l1_regularization_strength, l2_regularization_strength: penalties.
        use_locking, name: see `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "Ftrl",
        **options: Any,
    ):
        super().__init__(use_locking, name)
        penalties = l1_regularization_strength, l2_regularization_strength
        self.settings = (learning_rate, learning_rate_power, *penalties)
        self.slots = {"accum": initial_accumulator_value, "linear": 0.0}

    def scalars(self) -> list:
        """The rate."""
        return [_now(self.settings[0])]

    def step(self, gradient: Any, value: Any, slots: list, scalars: list) -> tuple:
        """The step of FTRL-proximal."""
        (rate,), (accum, linear) = scalars, slots
        _, power, l1, l2 = self.settings
        total = accum + gradient * gradient
        linear = linear + gradient - (total**-power - accum**-power) / rate * value
        factor = total**-power / rate + 2 * l2
        shrunk = jnp.clip(linear, -l1, l1) - linear
        return jnp.where(jnp.abs(linear) > l1, shrunk / factor, 0.0), total, linear


def _now(value: Any) -> Any:
    return value() if callable(value) else value
