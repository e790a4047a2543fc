"""What all optimizers share: clipping, weight decay, accumulation, averages, constraints and slots.

An optimizer itself is a formula. `update` takes a gradient, a value and the slots that belong to
them, and returns the new value and slots; `prepare` computes once a step what all variables need.
"""

import inspect
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from hornbook import initializers
from hornbook.core.config import nearest
from hornbook.core.dtype import is_float
from hornbook.core.module import Module
from hornbook.core.settings import floatx
from hornbook.core.variable import Variable, bind, name_scope, unwrap
from hornbook.optimizers.schedules import LearningRateSchedule

Array = Any

UNKNOWN_VARIABLE = """{name!r} was built for other variables: it does not know {path!r}.
Wrong:  one optimizer object for two models
Right:  an optimizer for each model, or `optimizer.build(all_variables)` before the first step"""


def constructor_signature(cls: type) -> inspect.Signature:
    """The signature of a class whose `__init__` hands `**kwargs` to the class above it."""
    found: dict[str, inspect.Parameter] = {}
    open_kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    for base in cls.__mro__:
        if "__init__" not in vars(base):
            continue
        own = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
        first = not found
        for parameter in own:
            if parameter.kind not in open_kinds and parameter.name not in found:
                kind = parameter.kind if first else inspect.Parameter.KEYWORD_ONLY
                found[parameter.name] = parameter.replace(kind=kind)
        if not any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in own):
            break
    return inspect.Signature(list(found.values()))


def choose(
    predicate: Array, variables: list[Variable], then: Callable, otherwise: Callable
) -> None:
    """Run one of two functions that assign to `variables`; in a trace, as one conditional."""
    if not isinstance(predicate, jax.core.Tracer):
        (then if predicate else otherwise)()
        return

    def run(branch):
        with bind({}):
            branch()
            return [variable.raw for variable in variables]

    values = jax.lax.cond(predicate, partial(run, then), partial(run, otherwise))
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def global_norm(arrays: Iterable[Array]) -> Array:
    """The Euclidean norm of all elements of all arrays."""
    return jnp.sqrt(sum(jnp.sum(jnp.square(array)) for array in arrays))


def shrink(gradients: list[Array], limit: float) -> list[Array]:
    """Scale gradients so that their common norm is at most `limit`."""
    scale = limit / jnp.maximum(global_norm(gradients), limit)
    return [gradient * scale for gradient in gradients]


def widen(array: Array) -> Array:
    """The array in float32 or wider; an integer as it is."""
    return (
        array.astype(jnp.promote_types(array.dtype, "float32")) if is_float(array.dtype) else array
    )


class Optimizer(Module):
    """Base of optimizers, and what every optimizer takes and does.

    A subclass names its slots (one array a variable, of the variable's shape), and gives `update`:

        class Momentum(Optimizer):
            slots = (("momentum",),)

            def update(self, gradient, value, rate, momentum):
                momentum = 0.9 * momentum - rate * gradient
                return value + momentum, {"momentum": momentum}

    Subclasses in Keras's style (`build` with `add_variable_from_reference`, and
    `update_step(gradient, variable, learning_rate)`) work as well.

    Args:
        learning_rate: a float (kept in a variable: assign `optimizer.learning_rate` at any time), a
            schedule, or a function of the step or of nothing.
        weight_decay: after each step a variable loses `learning_rate * weight_decay` of itself.
        clipnorm: largest norm of one variable's gradient.
        clipvalue: largest absolute value of a gradient's element.
        global_clipnorm: largest norm of all gradients together.
        use_ema: keep an exponential moving average of the variables.
        ema_momentum: what the average keeps of itself at each step, from 0 to 1.
        ema_overwrite_frequency: every so many steps the variables become their averages; `None`:
            only in `finalize_variable_values`.
        loss_scale_factor: the loss is multiplied by it, the gradients divided.
        gradient_accumulation_steps: sum the gradients of so many steps (2 or more), then update
            once with their mean.
        name: default the class's name in snake case, numbered.

    Raises:
        TypeError: for an argument that the optimizer does not have.
        ValueError: for more than one way of clipping, or a number out of its range.

    Example:
        >>> optimizer = keras.optimizers.SGD(0.5)
        >>> w = keras.Variable([1.0, 2.0])
        >>> optimizer.apply([jnp.ones(2)], [w])
        >>> w.numpy().tolist(), int(optimizer.iterations)
        ([0.5, 1.5], 1)
    """

    slots: tuple[tuple[str, ...], ...] = ()  # groups; a group's slots are made variable by variable
    initial: Mapping[str, float] = MappingProxyType(
        {}
    )  # what slots are filled with at first, if not with 0
    __signature__: ClassVar[inspect.Signature]

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.__signature__ = constructor_signature(cls)

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **unknown: Any,
    ):
        super().__init__(name)
        self._refuse(unknown)
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._check_settings()
        self.built = False
        self._iterations = self._new("iteration", np.int32(0))
        self._rates = [self._as_rate(learning_rate)]  # a list: a new one is a change of structure
        self._variables: list[Variable] = []  # those made by add_variable, in order
        self._slots: dict[Variable, dict[str, Variable]] = {}
        self._averages: dict[Variable, Variable] = {}
        self._sums: dict[Variable, Variable] = {}
        self._undecayed: tuple[set[Variable], Any] = (set(), None)

    def _refuse(self, unknown: dict) -> None:
        if unknown.pop("decay", None):
            warnings.warn(
                f"{type(self).__name__}: the argument `decay` is ignored. For a decaying rate pass "
                "learning_rate=schedules.InverseTimeDecay(learning_rate, 1, decay)",
                stacklevel=4,
            )
        if unknown:
            name = next(iter(unknown))
            known = [*inspect.signature(type(self)).parameters]
            hint = "Did you mean 'learning_rate'?" if name == "lr" else nearest(name, known)
            raise TypeError(f"{type(self).__name__} has no argument {name!r}. {hint}")

    def _check_settings(self) -> None:
        clips = {
            key: getattr(self, key)
            for key in ("clipnorm", "clipvalue", "global_clipnorm")
            if getattr(self, key) is not None
        }
        if len(clips) > 1:
            raise ValueError(
                f"{self.name}: pass only one of clipnorm, clipvalue, global_clipnorm; got {clips}"
            )
        steps, often = self.gradient_accumulation_steps, self.ema_overwrite_frequency
        if steps and steps < 2:
            raise ValueError(
                f"{self.name}: gradient_accumulation_steps must be an integer >= 2 or None, "
                f"not {steps}"
            )
        if not 0 <= self.ema_momentum <= 1:
            raise ValueError(
                f"{self.name}: ema_momentum must be in [0, 1], not {self.ema_momentum}"
            )
        if self.use_ema and often and (not isinstance(often, int) or often < 1):
            raise ValueError(
                f"{self.name}: ema_overwrite_frequency must be an integer >= 1 or None, "
                f"not {often!r}"
            )

    # ---- the formula, written by subclasses

    def prepare(self, learning_rate: Array, step: Array) -> Any:
        """What `update` needs besides arrays of the variable, computed once a step.

        Args:
            learning_rate: this step's rate, a float scalar.
            step: number of this step, from 1, a float scalar.

        Returns:
            What `update` gets as `rate`; here the learning rate.
        """
        return learning_rate

    def update(
        self, gradient: Array, value: Array, rate: Any, *args: Any, **slots: Any
    ) -> tuple[Array, dict[str, Array]]:
        """One step of one variable, as the paper's formula.

        Args:
            gradient: of the loss by the variable.
            value: the variable's.
            rate: what `prepare` returned.
            slots: this variable's slots by name.

        Returns:
            The new value and the new slots.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `update` or `update_step`")

    def make_slot(self, variable: Variable, slot: str) -> Variable | None:
        """A new slot of a variable, or `None` if this variable does without it."""
        return self.add_variable_from_reference(variable, slot, self.initial.get(slot, 0.0))

    def decay_of(self, variable: Variable) -> float | None:
        """The weight decay of one variable, `None` or 0 for none."""
        return None if self._excluded(variable) else self.weight_decay

    def _excluded(self, variable: Variable) -> bool:
        excluded, pattern = self._undecayed
        return variable in excluded or bool(pattern and pattern.search(variable.name))

    # ---- variables

    def build(self, variables: Iterable[Variable]) -> None:
        """Make the slots of the variables that will be trained.

        Args:
            variables: the trainable variables, in the order in which gradients will come.

        Raises:
            ValueError: if it was built before, for other variables.
        """
        variables = list(variables)
        if self.built:
            return self._check_known(variables)
        slots: dict[Variable, dict[str, Variable]] = {variable: {} for variable in variables}
        if self.use_ema:
            self._averages = self._one_each(variables, "average")
        if self.gradient_accumulation_steps:
            self._sums = self._one_each(variables, "gradient_accumulator")
        for group in self.slots:
            for variable in variables:
                made = {slot: self.make_slot(variable, slot) for slot in group}
                slots[variable].update({s: v for s, v in made.items() if v is not None})
        self._slots = slots
        self.built = True

    def _one_each(self, variables, name) -> dict[Variable, Variable]:
        return {v: self.add_variable_from_reference(v, name) for v in variables}

    def _check_known(self, variables: Iterable[Variable]) -> None:
        for variable in variables:
            if variable not in self._slots:
                path = getattr(variable, "path", variable)
                raise ValueError(UNKNOWN_VARIABLE.format(name=self.name, path=path))

    def _new(self, name, value, shape=None, dtype=None) -> Variable:
        with name_scope(self.name):
            return Variable(
                value, shape, dtype, False, name.replace("/", "_"), kind="optimizer", autocast=False
            )

    def add_variable(
        self,
        shape: tuple[int, ...],
        initializer: Any = "zeros",
        dtype: Any = None,
        name: str | None = None,
        **_: Any,
    ) -> Variable:
        """A new variable of this optimizer.

        Args:
            shape: its shape.
            initializer: an initializer, its name, or a number.
            dtype: default `floatx()`.
            name: the last part of its path.
        """
        if isinstance(initializer, int | float):
            initializer = initializers.Constant(initializer)  # made by numpy: nothing compiles
        variable = self._new(name or "variable", initializers.get(initializer), shape, dtype)
        self._variables = [*self._variables, variable]
        return variable

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str = "var", initializer: Any = "zeros"
    ) -> Variable:
        """A new variable of the shape and dtype of a model's variable, and named after it."""
        return self.add_variable(
            reference_variable.shape,
            initializer,
            reference_variable.dtype,
            f"{reference_variable.path}_{name}",
        )

    def add_optimizer_variables(
        self, trainable_variables: list[Variable], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """For each of the model's variables a new one, or several if `name` is a list of names.

        Returns:
            A list in the order of the variables; for several names, one such list a name.
        """
        names = [name] if isinstance(name, str) else list(name)
        several = isinstance(initializer, list | tuple)
        initial = list(initializer) if several else [initializer] * len(names)
        rows = [
            [self.add_variable_from_reference(v, *row) for row in zip(names, initial, strict=True)]
            for v in trainable_variables
        ]
        columns = [[row[i] for row in rows] for i in range(len(names))]
        return columns[0] if isinstance(name, str) else columns

    @property
    def variables(self) -> list[Variable]:
        """Every variable of the optimizer: the step count, the rate, then averages, sums, slots."""
        return self.owned_variables()

    @property
    def iterations(self) -> Any:
        """How many updates were made (with accumulation: not how many gradients came)."""
        if self.gradient_accumulation_steps:
            return self._iterations.raw // self.gradient_accumulation_steps
        return self._iterations

    def set_weights(self, weights: list[Array]) -> None:
        """Assign every variable of the optimizer, in the order of `variables`."""
        if len(weights) != len(self.variables):
            raise ValueError(
                f"{self.name} has {len(self.variables)} variables, set_weights got {len(weights)} "
                "values. Build it first: optimizer.build(model.trainable_variables)"
            )
        for variable, value in zip(self.variables, weights, strict=True):
            variable.assign(value)

    # ---- the learning rate

    def _as_rate(self, rate: Any) -> Any:
        if isinstance(rate, LearningRateSchedule) or (
            callable(rate) and not isinstance(rate, type)
        ):
            return rate
        value = np.asarray(unwrap(rate)) if not isinstance(rate, str | None) else np.asarray("")
        if value.shape or value.dtype.kind not in "fiu":
            raise ValueError(
                f"{self.name}: learning_rate must be a float, a LearningRateSchedule or a "
                f"function, not {rate!r}"
            )
        return self._new("learning_rate", value, dtype=jnp.promote_types(floatx(), "float32"))

    @property
    def learning_rate(self) -> Any:
        """The rate: a variable if it was given as a number, else its value at this step."""
        rate = self._rates[0]
        return rate if isinstance(rate, Variable) else self._rate()

    @learning_rate.setter
    def learning_rate(self, value: Any):
        old = self._rates[0]
        if isinstance(old, Variable) and not callable(value):
            old.assign(value)
        elif isinstance(old, LearningRateSchedule) and not callable(value):
            raise TypeError(
                f"{self.name} follows {old!r}: its learning rate cannot be set to {value!r}. Make "
                "the optimizer with a float learning_rate, or assign another schedule"
            )
        else:
            self._rates = [self._as_rate(value)]

    def _rate(self) -> Array:
        """The rate at this step, a float scalar."""
        rate = self._rates[0]
        if isinstance(rate, Variable):
            return rate.raw
        value = rate(self._iterations.raw) if _takes_step(rate) else rate()
        return jnp.asarray(unwrap(value), jnp.promote_types(floatx(), "float32"))

    # ---- a step

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Array, Variable]]) -> Variable:
        """One step from pairs of a gradient and its variable.

        Returns:
            The count of steps.
        """
        gradients, variables = zip(*grads_and_vars, strict=True)
        self.apply(gradients, variables)
        return self._iterations

    def apply(
        self, gradients: Iterable[Array], variables: Iterable[Variable] | None = None
    ) -> None:
        """One step.

        Args:
            gradients: one array a variable, of its shape; `None` leaves a variable as it is.
            variables: the variables; default those it was built with. The first call builds it.

        Raises:
            ValueError: if gradients and variables do not match, or all gradients are `None`.
        """
        gradients = list(gradients)
        if not gradients:
            return
        gradients, variables = self._matched(gradients, variables)
        if self.loss_scale_factor is not None:
            gradients = [gradient / self.loss_scale_factor for gradient in gradients]
        with name_scope(self.name):
            if self.gradient_accumulation_steps:
                self._accumulate(gradients, variables)
            else:
                self._descend(gradients, variables)
            if self.use_ema:
                self._average()
        for variable in variables:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable.raw))
        self._iterations.assign(self._iterations.raw + 1)

    def _matched(self, gradients, variables) -> tuple[list[Array], list[Variable]]:
        """Gradients as arrays with their variables, those without a gradient left out."""
        if variables is None and not self.built:
            raise ValueError(
                f"{self.name} does not know its variables yet: call "
                "optimizer.build(model.trainable_variables) or apply(gradients, variables)"
            )
        variables = list(self._slots if variables is None else variables)
        self.build(variables)
        if len(gradients) != len(variables):
            raise ValueError(
                f"{self.name} got {len(gradients)} gradients for {len(variables)} variables: "
                "pass one for each, in the same order, None where there is none"
            )
        missing = [v.path for g, v in zip(gradients, variables, strict=True) if g is None]
        if len(missing) == len(variables):
            raise ValueError(
                f"{self.name}: no gradients, they are None for every variable. Does the loss "
                "depend on the model's output?"
            )
        if missing:
            warnings.warn(
                f"{self.name}: there are no gradients for the variables {missing}, which stay as "
                "they are. Does the loss depend on them?",
                stacklevel=3,
            )
        pairs = [
            (jnp.asarray(unwrap(g)), v)
            for g, v in zip(gradients, variables, strict=True)
            if g is not None
        ]
        for gradient, variable in pairs:
            if gradient.shape != variable.shape:
                raise ValueError(
                    f"{self.name}: the gradient of {variable.path!r} has shape {gradient.shape}, "
                    f"the variable {variable.shape}. Are they in the same order?"
                )
        return [widen(gradient) for gradient, _ in pairs], [variable for _, variable in pairs]

    def _accumulate(self, gradients, variables) -> None:
        """Add to the sums; every so many steps, descend along the mean and start again."""
        steps = self.gradient_accumulation_steps
        sums = [self._sums[variable] for variable in variables]
        totals = [total.raw + gradient for total, gradient in zip(sums, gradients, strict=True)]

        def descend():
            self._descend([total / steps for total in totals], variables)
            for total in sums:
                total.assign(jnp.zeros_like(total.raw))

        def wait():
            for total, value in zip(sums, totals, strict=True):
                total.assign(value)

        due = (self._iterations.raw + 1) % steps == 0
        choose(due, [*variables, *self.variables], descend, wait)

    def _descend(self, gradients, variables) -> None:
        """Clip, decay and update."""
        if self.clipnorm:
            gradients = [g for gradient in gradients for g in shrink([gradient], self.clipnorm)]
        elif self.global_clipnorm:
            gradients = shrink(gradients, self.global_clipnorm)
        elif self.clipvalue:
            gradients = [jnp.clip(g, -self.clipvalue, self.clipvalue) for g in gradients]
        rate = self._rate()
        for variable in variables:
            decay = self.decay_of(variable)
            if decay:
                value = widen(variable.raw)
                variable.assign(value - value * (decay * rate))
        if type(self).update_step is not Optimizer.update_step:
            for gradient, variable in zip(gradients, variables, strict=True):
                self.update_step(gradient, variable, rate)
            return
        prepared = self.prepare(rate, self._step(rate))
        for gradient, variable in zip(gradients, variables, strict=True):
            self._update(gradient, variable, prepared)

    def _step(self, rate) -> Array:
        return (unwrap(self.iterations) + 1).astype(rate.dtype)

    def update_step(self, gradient: Array, variable: Variable, learning_rate: Array) -> None:
        """Update one variable and its slots in place; subclasses in Keras's style override it."""
        rate = jnp.asarray(unwrap(learning_rate))
        self._update(widen(jnp.asarray(gradient)), variable, self.prepare(rate, self._step(rate)))

    def _update(self, gradient, variable, rate) -> None:
        slots = self._slots[variable]
        values = {name: widen(slot.raw) for name, slot in slots.items()}
        value, updated = self.update(gradient, widen(variable.raw), rate, **values)
        variable.assign(value)
        for name, slot in slots.items():
            slot.assign(updated[name])

    def assign(self, variable: Variable, value: Array) -> None:
        """Assign to a variable; for `update_step` in Keras's style."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Array) -> None:
        """Add to a variable; for `update_step` in Keras's style."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Array) -> None:
        """Subtract from a variable; for `update_step` in Keras's style."""
        variable.assign_sub(value)

    def _get_variable_index(self, variable: Variable) -> int:
        return list(self._slots).index(variable)

    # ---- averages, decay, scale

    def _average(self) -> None:
        """Move the averages towards the variables; now and then, the variables to them."""
        count = unwrap(self.iterations)
        keep = jnp.where(count == 0, 0.0, self.ema_momentum)
        often = self.ema_overwrite_frequency
        for variable, average in self._averages.items():
            value = widen(variable.raw)
            mean = average.assign(keep * widen(average.raw) + (1 - keep) * value)
            if often:
                variable.assign(jnp.where((count + 1) % often == 0, mean, value))

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """At the end of training: with `use_ema`, the variables become their averages."""
        if self.use_ema:
            self._check_known(var_list)
            for variable in var_list:
                variable.assign(self._averages[variable].raw)

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Leave variables out of weight decay. Call it before the optimizer is built.

        Args:
            var_list: these variables.
            var_names: variables in whose name one of these regular expressions is found
                (`["bias"]`).

        Raises:
            ValueError: if the optimizer is built.
        """
        if self.built:
            raise ValueError(f"{self.name} is built: call exclude_from_weight_decay before that")
        pattern = re.compile("|".join(var_names)) if var_names else None
        self._undecayed = (set(var_list or ()), pattern)

    def scale_loss(self, loss: Array) -> Array:
        """The loss times `loss_scale_factor`, of which gradients are to be taken."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def stateless_apply(
        self,
        optimizer_variables: list[Array],
        grads: list[Array],
        trainable_variables: list[Array],
    ) -> tuple[list[Array], list[Array]]:
        """One step as a pure function.

        Args:
            optimizer_variables: values of `variables`, in order.
            grads: one gradient a trainable variable.
            trainable_variables: values of the variables it was built with, in order.

        Returns:
            The new values of the trainable variables and of the optimizer's.

        Raises:
            ValueError: if it is not built, or a list has another length.
        """
        if not self.built:
            raise ValueError(f"{self.name} is not built: call optimizer.build(trainable_variables)")
        own, trained = self.variables, list(self._slots)
        for what, values, known in (
            ("optimizer_variables", optimizer_variables, own),
            ("trainable_variables", trainable_variables, trained),
        ):
            if len(values) != len(known):
                raise ValueError(f"{self.name}: {what} has {len(values)} values, not {len(known)}")
        values = [*trainable_variables, *optimizer_variables]
        with bind(dict(zip([*trained, *own], values, strict=True))) as scope:
            self.apply(grads)
        return [scope[variable] for variable in trained], [scope[variable] for variable in own]

    # ---- as plain data

    def get_config(self) -> dict:
        """Every constructor argument as plain data, the learning rate as it is now."""
        parameters = inspect.signature(type(self)).parameters
        defaults = {k: p.default for k, p in parameters.items() if p.default is not p.empty}
        config = {**defaults, **super().get_config()}
        if "name" in parameters:
            config["name"] = self.name
        if "learning_rate" in parameters and isinstance(self._rates[0], Variable):
            config["learning_rate"] = float(str(self._rates[0].numpy()))  # 0.001, not 0.00100000005
        return config


Optimizer.__signature__ = constructor_signature(Optimizer)


def _takes_step(rate: Callable) -> bool:
    """Whether a learning rate is a function of the step rather than of nothing."""
    if isinstance(rate, LearningRateSchedule):
        return True
    try:
        parameters = inspect.signature(rate).parameters.values()
    except (TypeError, ValueError):
        return False
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return any(p.kind in places and p.default is p.empty for p in parameters)
