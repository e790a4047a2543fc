"""The state of an optimizer: step count, learning rate and slots of variables."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from itertools import filterfalse
from types import MappingProxyType
from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook import initializers
from hornbook.core.dtype import canonical, standardize_dtype
from hornbook.core.module import Module
from hornbook.core.settings import floatx
from hornbook.core.variable import Variable, name_scope, unwrap
from hornbook.optimizers.arrays import Array
from hornbook.optimizers.schedules import LearningRateSchedule

CONSTANT = (initializers.Constant, initializers.Zeros, initializers.Ones)
UNKNOWN_VARIABLE = """{name!r} was built for other variables: it does not know {path!r}.
Wrong:  one optimizer object for two models
Right:  an optimizer for each model, or `optimizer.build(all_variables)` before the first step"""


def overwritten(variable: Variable) -> bool:
    """Whether a variable's gradient replaces its value, as for the scales of 8-bit numbers."""
    return getattr(variable, "overwrite_with_gradient", False)


class State(Module):
    """The variables of an optimizer."""

    slots: tuple[tuple[str, ...], ...] = ()  # groups; within one, slots are created per variable
    initial: Mapping[str, float] = MappingProxyType({})  # initial values of nonzero slots
    use_ema: bool
    gradient_accumulation_steps: int | None

    def _begin(self, learning_rate: Any) -> None:
        self.built = False
        self._iterations = self._new("iteration", np.int32(0))
        self._rates = [self._as_rate(learning_rate)]  # a list, so that a new rate changes structure
        self._variables: list[Variable] = []  # those made by add_variable, in order
        self._slots: dict[Variable, dict[str, Variable]] = {}
        self._averages: dict[Variable, Variable] = {}
        self._sums: dict[Variable, Variable] = {}

    def make_slot(self, variable: Variable, slot: str) -> Variable | None:
        """Create a slot of a variable, or return `None` if the variable does not need it."""
        return self.add_variable_from_reference(variable, slot, self.initial.get(slot, 0.0))

    def build(self, variables: Iterable[Variable]) -> None:
        """Create the slots of the trainable variables.

        Args:
            variables: the trainable variables, in the order of the gradients.

        Raises:
            ValueError: if it was already built for other variables.
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
            for variable in filterfalse(overwritten, variables):
                made = {slot: self.make_slot(variable, slot) for slot in group}
                slots[variable].update({s: v for s, v in made.items() if v is not None})
        self._slots = slots
        self.built = True

    def _extend(self, variables: list[Variable], before: set[Variable]) -> None:
        """Create slots for newly trainable variables; existing slots keep their values.

        Args:
            variables: all variables to train.
            before: variables of the same model that were trained before.
        """
        known = set(self._slots)
        if not self.built or not known or known >= set(variables):
            return self.build(variables)
        if not known <= before | set(variables):
            return self._check_known(variables)
        old = {variable.path: variable for variable in self._all_variables()}
        for module in self._all_modules():
            if isinstance(module, State):
                module.built, module._variables = False, []
        self.build(variables)
        for variable in self._all_variables():
            if variable.path in old and old[variable.path].shape == variable.shape:
                variable.assign(old[variable.path].raw)

    def with_slots(self, variable: Variable) -> list[Variable]:
        """A trainable variable and its slots."""
        return [variable, *self._slots[variable].values()]

    def with_stacks(
        self,
        columns: Iterable[tuple[Variable, ...]],
        stack_of: Callable[[tuple[Variable, ...]], Variable],
    ) -> "State":
        """A copy of this optimizer that updates several variables as one, and their slots too.

        Args:
            columns: trainable variables of one shape, in tuples.
            stack_of: makes the variable in place of several.
        """
        slots = dict(self._slots)
        for column in columns:
            rows = [slots.pop(variable) for variable in column]
            slots[stack_of(column)] = {
                name: stack_of(tuple(row[name] for row in rows)) for name in rows[0]
            }
        made = object.__new__(type(self))
        vars(made).update(vars(self), _slots=slots)
        return made

    def _one_each(self, variables, name) -> dict[Variable, Variable]:
        return {v: self.add_variable_from_reference(v, name) for v in variables}

    def _check_known(self, variables: Iterable[Variable]) -> None:
        for variable in variables:
            if variable not in self._slots:
                path = getattr(variable, "path", variable)
                raise ValueError(UNKNOWN_VARIABLE.format(name=self.name, path=path))

    def _new(self, name, value, shape=None, dtype=None, layout=None) -> Variable:
        options: Any = {"kind": "optimizer", "autocast": False, "layout": layout}
        with name_scope(self.name):
            return Variable(value, shape, dtype, False, name.replace("/", "_"), **options)

    def add_variable(
        self,
        shape: tuple[int, ...],
        initializer: Any = "zeros",
        dtype: Any = None,
        name: str | None = None,
        layout: Any = None,
        **_: Any,
    ) -> Variable:
        """Create a variable of this optimizer.

        Args:
            shape: its shape.
            initializer: an initializer, its name, or a number.
            dtype: default `floatx()`.
            name: the last part of its path.
            layout: see `Variable`.
        """
        if isinstance(initializer, int | float):
            initializer = initializers.Constant(initializer)  # computed in numpy: no compilation
        value: Any = initializers.get(initializer)
        if type(value) in CONSTANT:  # a view of one number: its copy on the device is private
            dtype = standardize_dtype(dtype)
            value = np.broadcast_to(np.asarray(value.value, canonical(dtype)), shape)
        variable = self._new(name or "variable", value, shape, dtype, layout)
        self._variables = [*self._variables, variable]
        return variable

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str = "var", initializer: Any = "zeros"
    ) -> Variable:
        """Create a variable of the shape, dtype and layout of a model's, named after it."""
        return self.add_variable(
            reference_variable.shape,
            initializer,
            reference_variable.dtype,
            f"{reference_variable.path}_{name}",
            layout=getattr(reference_variable, "_layout", None) or reference_variable.path,
        )

    def add_optimizer_variables(
        self, trainable_variables: list[Variable], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """Create one variable per model variable, or several if `name` is a list of names.

        Returns:
            A list in the order of the model's variables; for several names, one such list per name.
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
        """All variables of the optimizer: step count, rate, then averages, sums and slots."""
        return self._owned_variables()

    @property
    def iterations(self) -> Any:
        """The number of updates (with accumulation, not the number of gradients received)."""
        if self.gradient_accumulation_steps:
            return self._iterations.raw // self.gradient_accumulation_steps
        return self._iterations

    def set_weights(self, weights: list[Array]) -> None:
        """Assign all variables of the optimizer, in the order of `variables`."""
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
        """The learning rate: a variable if given as a number, else its value at this step."""
        rate = self._rates[0]
        return rate if isinstance(rate, Variable) else self._rate()

    @learning_rate.setter
    def learning_rate(self, value: Any):
        old = self._rates[0]
        if isinstance(old, Variable) and not callable(value):
            old.assign(value)
        elif isinstance(old, LearningRateSchedule) and not callable(value):
            raise TypeError(
                f"{self.name} follows {old!r}: its learning rate cannot be set to {value!r}. "
                "Create the optimizer with a float learning_rate, or assign another schedule"
            )
        else:
            self._rates = [self._as_rate(value)]

    def _rate(self) -> Array:
        """The learning rate at this step, a float scalar."""
        rate = self._rates[0]
        if isinstance(rate, Variable):
            return rate.raw
        value = rate(self._iterations.raw) if _takes_step(rate) else rate()
        return jnp.asarray(unwrap(value), jnp.promote_types(floatx(), "float32"))

    def _get_variable_index(self, variable: Variable) -> int:
        return [id(known) for known in self._slots].index(id(variable))


def _takes_step(rate: Callable) -> bool:
    """Whether a learning rate function takes the step as an argument."""
    if isinstance(rate, LearningRateSchedule):
        return True
    try:
        parameters = inspect.signature(rate).parameters.values()
    except (TypeError, ValueError):
        return False
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return any(p.kind in places and p.default is p.empty for p in parameters)
