"""What all optimizers share: clipping, weight decay, accumulation, averages, constraints and slots.

A concrete optimizer is a formula: `update` takes a gradient, a value and its slots and returns the
new value and slots; `prepare` computes once per step what all variables need.
"""

import inspect
import re
import warnings
from collections.abc import Iterable
from typing import Any

import jax.numpy as jnp

from hornbook.core.config import nearest
from hornbook.core.variable import Variable, bind, contained, name_scope, unwrap
from hornbook.kernels.native.by_rows import ByRows
from hornbook.optimizers.arrays import Array, choose, shrink, widen
from hornbook.optimizers.state import State, overwritten


class Optimizer(State):
    """Base of optimizers, with the arguments and behaviour common to all.

    A subclass names its slots (one array per variable, of its shape) and defines `update`:

        class Momentum(Optimizer):
            slots = (("momentum",),)

            def update(self, gradient, value, rate, momentum):
                momentum = 0.9 * momentum - rate * gradient
                return value + momentum, {"momentum": momentum}

    Subclasses in Keras's style (`build` with `add_variable_from_reference`, and
    `update_step(gradient, variable, learning_rate)`) work as well.

    Args:
        learning_rate: a float (kept in a variable: assign `optimizer.learning_rate` at any time), a
            schedule, or a function of the step or without arguments.
        weight_decay: at each step, a variable is reduced by `learning_rate * weight_decay` of it.
        clipnorm: maximum norm of each variable's gradient.
        clipvalue: maximum absolute value of gradient elements.
        global_clipnorm: maximum norm of all gradients together.
        use_ema: keep an exponential moving average of the variables.
        ema_momentum: decay of the average at each step, from 0 to 1.
        ema_overwrite_frequency: number of steps between assigning the averages to the variables;
            `None`: only in `finalize_variable_values`.
        loss_scale_factor: the loss is multiplied by it, the gradients are divided by it.
        gradient_accumulation_steps: number of steps (2 or more) whose gradients are averaged for
            one update.
        learning_rate_factors: maps regular expressions to factors: the rate of a variable is
            `learning_rate` times the factor of the first expression found in its path
            (`{"encoder/": 0.1}`), else `learning_rate`. It applies to the weight decay too.
        name: default the class's name in snake case, numbered.

    Raises:
        ValueError: for an unknown argument, more than one kind of clipping, or a value out of
            range.

    Example:
        >>> optimizer = keras.optimizers.SGD(0.5)
        >>> w = keras.Variable([1.0, 2.0])
        >>> optimizer.apply([jnp.ones(2)], [w])
        >>> w.numpy().tolist(), int(optimizer.iterations)
        ([0.5, 1.5], 1)
    """

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
        learning_rate_factors: dict[str, float] | None = None,
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
        self.learning_rate_factors = learning_rate_factors
        self._check_settings()
        self._begin(learning_rate)
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
            raise ValueError(f"{type(self).__name__} has no argument {name!r}. {hint}")

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
        for pattern, factor in (self.learning_rate_factors or {}).items():
            if not isinstance(factor, int | float) or factor < 0:
                raise ValueError(
                    f"{self.name}: learning_rate_factors[{pattern!r}] must be a number >= 0, not "
                    f"{factor!r}"
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

    # ---- the formula, defined by subclasses

    def prepare(self, learning_rate: Array, step: Array) -> Any:
        """Compute once per step what `update` needs for every variable.

        Args:
            learning_rate: the rate at this step, a float scalar.
            step: the step number, from 1, a float scalar.

        Returns:
            The `rate` argument of `update`; here the learning rate.
        """
        return learning_rate

    def update(
        self, gradient: Array, value: Array, rate: Any, *args: Any, **slots: Any
    ) -> tuple[Array, dict[str, Array]]:
        """One step of one variable: the paper's formula.

        Args:
            gradient: gradient of the loss with respect to the variable.
            value: value of the variable.
            rate: what `prepare` returned.
            slots: the variable's slots, by name.

        Returns:
            The new value and the new slots.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `update` or `update_step`")

    def decay_of(self, variable: Variable) -> float | None:
        """The weight decay of a variable, `None` or 0 for none."""
        return None if self._excluded(variable) else self.weight_decay

    def _excluded(self, variable: Variable) -> bool:
        excluded, pattern = self._undecayed
        return variable in excluded or bool(pattern and pattern.search(variable.name))

    def by_rows(self) -> ByRows | None:
        """The update rule of single rows of an embedding table; `None` if rows are not independent.

        Nothing else may change the weights, and the rate may change only between runs.
        """
        more = (self.weight_decay, self.clipnorm, self.clipvalue, self.global_clipnorm)
        more += (self.use_ema, self.gradient_accumulation_steps, self.loss_scale_factor)
        more += (self.learning_rate_factors,)
        rate = self._rates[0]
        settled = isinstance(rate, Variable) and rate.dtype == "float32"
        return self._by_rows() if settled and not any(more) else None

    def _by_rows(self) -> ByRows | None:
        """The same, for the formula alone."""
        return None

    def takes_stacks(self) -> bool:
        """Whether no setting looks at a variable as a whole, or depends on which one it is.

        Then one whose formula takes each element by itself may update several variables as one.
        """
        more = self.clipnorm, self.use_ema, self.gradient_accumulation_steps
        decays = self.weight_decay and self._undecayed != (set(), None)
        return not (any(more) or self.learning_rate_factors or decays)

    # ---- a step

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Array, Variable]]) -> Variable:
        """Apply one step from (gradient, variable) pairs.

        Returns:
            The step count.
        """
        gradients, variables = zip(*grads_and_vars, strict=True)
        self.apply(gradients, variables)
        return self._iterations

    def apply(
        self, gradients: Iterable[Array], variables: Iterable[Variable] | None = None
    ) -> None:
        """Apply one step.

        Args:
            gradients: one array per variable, of its shape; `None` leaves the variable unchanged.
            variables: the variables; default those it was built with. The first call builds it.

        Raises:
            ValueError: if gradients and variables do not match, or all gradients are `None`.
        """
        gradients = list(gradients)
        if not gradients:
            return
        gradients, variables = self._matched(gradients, variables)
        gradients, variables = self._overwrite(gradients, variables)
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
        """Gradients as arrays, with their variables, without those whose gradient is `None`."""
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
                "pass one for each, in the same order, or None"
            )
        missing = [v.path for g, v in zip(gradients, variables, strict=True) if g is None]
        if len(missing) == len(variables):
            raise ValueError(
                f"{self.name}: no gradients: they are None for every variable. Does the loss "
                "depend on the model's output?"
            )
        if missing:
            warnings.warn(
                f"{self.name}: there are no gradients for the variables {missing}, which stay "
                "unchanged. Does the loss depend on them?",
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

    def _overwrite(self, gradients, variables) -> tuple[list[Array], list[Variable]]:
        """Assign gradients that replace their variable's value; return the remaining pairs.

        With accumulation, the value is the largest of the gradients.
        """
        if not any(map(overwritten, variables)):
            return gradients, variables
        pairs = list(zip(gradients, variables, strict=True))
        steps = self.gradient_accumulation_steps
        for gradient, variable in pairs:
            if not overwritten(variable):
                continue
            if steps:
                total = self._sums[variable]
                gradient, due = jnp.maximum(gradient, total.raw), self._is_due()
                total.assign(jnp.where(due, 0, gradient))
                gradient = jnp.where(due, gradient, variable.raw)
            variable.assign(gradient)
        kept = [(gradient, variable) for gradient, variable in pairs if not overwritten(variable)]
        return [gradient for gradient, _ in kept], [variable for _, variable in kept]

    def _is_due(self) -> Array:
        """Whether this step completes an accumulation."""
        return (self._iterations.raw + 1) % self.gradient_accumulation_steps == 0

    def _accumulate(self, gradients, variables) -> None:
        """Add to the sums; when the accumulation is complete, step with the mean and reset."""
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

        choose(self._is_due(), [*variables, *self.variables], descend, wait)

    def _descend(self, gradients, variables) -> None:
        """Clip, decay and update."""
        if self.clipnorm:
            gradients = [g for gradient in gradients for g in shrink([gradient], self.clipnorm)]
        elif self.global_clipnorm:
            gradients = shrink(gradients, self.global_clipnorm)
        elif self.clipvalue:
            gradients = [jnp.clip(g, -self.clipvalue, self.clipvalue) for g in gradients]
        rate = self._rate()
        shares: dict[float, list] = {}  # by factor of the rate
        for pair in zip(gradients, variables, strict=True):
            shares.setdefault(self._rate_factor(pair[1]), []).append(pair)
        for factor, pairs in shares.items():
            self._descend_at(rate if factor == 1 else rate * factor, *zip(*pairs, strict=True))

    def build(self, variables: Iterable[Variable]) -> None:
        """Create the slots of the trainable variables.

        Args:
            variables: the trainable variables, in the order of the gradients.

        Raises:
            ValueError: if it was already built for other variables, or an expression of
                `learning_rate_factors` is found in the path of none.
        """
        variables = list(variables)
        for pattern in () if self.built else self.learning_rate_factors or ():
            if not any(re.search(pattern, variable.path) for variable in variables):
                paths = ", ".join(variable.path for variable in variables[:8])
                raise ValueError(
                    f"{self.name}: {pattern!r} of learning_rate_factors is found in no trainable "
                    f"variable's path: {paths}{', ...' if len(variables) > 8 else ''}"
                )
        super().build(variables)

    def _rate_factor(self, variable: Variable) -> float:
        """The factor of a variable's learning rate."""
        factors = (self.learning_rate_factors or {}).items()
        return next((f for pattern, f in factors if re.search(pattern, variable.path)), 1.0)

    def _descend_at(self, rate, gradients, variables) -> None:
        """Decay and update variables of one learning rate."""
        for variable in variables:
            decay = self.decay_of(variable)
            if decay:
                value = widen(variable.raw)
                variable.assign(value - value * (decay * rate))
        if type(self).update_step is not Optimizer.update_step:
            for gradient, variable in zip(gradients, variables, strict=True):
                self.update_step(gradient, variable, rate)
            return
        self._update_all(gradients, variables, self.prepare(rate, self._step(rate)))

    def _update_all(self, gradients, variables, rate) -> None:
        for gradient, variable in zip(gradients, variables, strict=True):
            self._update(gradient, variable, rate)

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

    # ---- averages, decay, scale

    def _average(self) -> None:
        """Update the averages; every `ema_overwrite_frequency` steps, assign them to variables."""
        count = unwrap(self.iterations)
        keep = jnp.where(count == 0, 0.0, self.ema_momentum)
        often = self.ema_overwrite_frequency
        for variable, average in self._averages.items():
            value = widen(variable.raw)
            mean = average.assign(keep * widen(average.raw) + (1 - keep) * value)
            if often:
                variable.assign(jnp.where((count + 1) % often == 0, mean, value))

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """At the end of training, with `use_ema`: assign the averages to the variables."""
        if self.use_ema:
            self._check_known(var_list)
            stepped = self._iterations.raw > 0  # before the first step there are no averages
            for variable in var_list:
                average = self._averages[variable].raw
                variable.assign(jnp.where(stepped, average, variable.raw))

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Exclude variables from weight decay. Call it before the optimizer is built.

        Args:
            var_list: variables to exclude.
            var_names: regular expressions; variables whose name contains a match are excluded
                (`["bias"]`).

        Raises:
            ValueError: if the optimizer is built.
        """
        if self.built:
            raise ValueError(f"{self.name} is built: call exclude_from_weight_decay before that")
        pattern = re.compile("|".join(var_names)) if var_names else None
        self._undecayed = (set(var_list or ()), pattern)

    def scale_loss(self, loss: Array) -> Array:
        """The loss times `loss_scale_factor`, to be differentiated."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    @contained
    def stateless_apply(
        self,
        optimizer_variables: list[Array],
        grads: list[Array],
        trainable_variables: list[Array],
    ) -> tuple[list[Array], list[Array]]:
        """One step as a pure function.

        Args:
            optimizer_variables: values of `variables`, in order.
            grads: one gradient per trainable variable.
            trainable_variables: values of the variables it was built with, in order.

        Returns:
            The new values of the trainable variables and of the optimizer variables.

        Raises:
            ValueError: if it is not built, or a list has the wrong length.
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
        """All constructor arguments as plain data, with the current learning rate."""
        parameters = inspect.signature(type(self)).parameters
        defaults = {k: p.default for k, p in parameters.items() if p.default is not p.empty}
        config = {**defaults, **super().get_config()}
        if "name" in parameters:
            config["name"] = self.name
        if not self.learning_rate_factors:  # Keras does not know it
            config.pop("learning_rate_factors", None)
        if "learning_rate" in parameters and isinstance(self._rates[0], Variable):
            config["learning_rate"] = float(str(self._rates[0].numpy()))  # 0.001, not 0.00100000005
        return config
