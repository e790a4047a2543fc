"""Several optimizers for one model, each for some of its variables."""

import re
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from typing import Any

from hornbook.core.config import Configurable
from hornbook.core.variable import Variable
from hornbook.optimizers.arrays import Array
from hornbook.optimizers.base import Optimizer
from hornbook.optimizers.loss_scale import LossScaleOptimizer


class OptimizerMap(Configurable, MutableMapping):
    """Maps variable paths, or regular expressions that match whole paths, to optimizers.

    Args:
        default_optimizer: used for variables that nothing else matches.
        optimizer_map: maps paths or regular expressions to optimizers.

    Raises:
        TypeError: if a value is not an optimizer.
        ValueError: if it wraps others, for a duplicate key, or for a path that several expressions
            match.

    Example:
        >>> optimizers = keras.optimizers.OptimizerMap(keras.optimizers.SGD(0.1))
        >>> optimizers["encoder/.*"] = keras.optimizers.Adam(0.002)
        >>> optimizers["encoder/dense/kernel"]
        Adam(learning_rate=0.002)
    """

    def __init__(
        self, default_optimizer: Optimizer, optimizer_map: dict[str, Optimizer] | None = None
    ):
        _check(default_optimizer)
        self.default_optimizer = default_optimizer
        self._map: dict[str, Optimizer] = {}
        self.update(optimizer_map or {})

    def get_config(self) -> dict:
        """The optimizers as plain data, including those set later."""
        self._arguments = ((self.default_optimizer, dict(self._map)), {})
        return super().get_config()

    def __getitem__(self, key: str) -> Optimizer:
        if key in self._map:
            return self._map[key]
        found = [pattern for pattern in self._map if re.fullmatch(pattern, key)]
        if len(found) > 1:
            raise ValueError(f"{key!r} is matched by several keys of the OptimizerMap: {found}")
        return self._map[found[0]] if found else self.default_optimizer

    def __setitem__(self, key: str, optimizer: Optimizer) -> None:
        if not isinstance(key, str):
            raise ValueError(f"a key of an OptimizerMap is a path or an expression, not {key!r}")
        if key in self._map:
            raise ValueError(f"{key!r} is already in the OptimizerMap: {self._map[key]!r}")
        _check(optimizer)
        self._map[key] = optimizer

    def __delitem__(self, key: str) -> None:
        del self._map[key]

    def __len__(self) -> int:
        return len(self._map)

    def __iter__(self) -> Iterator[str]:
        return iter(self._map)

    def __call__(self, variable: Variable) -> Optimizer:
        """The optimizer of a variable."""
        return self[variable.path]


class MultiOptimizer(Optimizer):
    """Assigns each variable to one of several optimizers, each with its own rate and step count.

    Args:
        optimizer_map: an `OptimizerMap`, or a function from a variable to its optimizer.
        loss_scale_factor: the loss is multiplied by it, the gradients are divided by it.
        name: default the class's name in snake case, numbered.

    Raises:
        TypeError: if the map returns something other than an optimizer.
        ValueError: if an optimizer is itself a wrapper.

    Example:
        >>> adam, sgd = keras.optimizers.Adam(0.002), keras.optimizers.SGD(0.1)
        >>> optimizer = keras.optimizers.MultiOptimizer(lambda v: sgd if v.ndim < 2 else adam)
        >>> optimizer.build([keras.Variable([1.0]), keras.Variable([[1.0]])])
        >>> optimizer.optimizers
        [SGD(learning_rate=0.1), Adam(learning_rate=0.002)]
    """

    def __init__(
        self,
        optimizer_map: OptimizerMap | Callable[[Variable], Optimizer],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ):
        super().__init__(0.0, loss_scale_factor=loss_scale_factor, name=name)
        self._optimizer_of = optimizer_map
        self._chosen: dict[Variable, int] = {}
        self.optimizers: list[Optimizer] = []
        if isinstance(optimizer_map, OptimizerMap):
            known = [
                *(optimizer_map[key] for key in optimizer_map),
                optimizer_map.default_optimizer,
            ]
            self.optimizers = list(dict.fromkeys(known))

    def build(self, variables: Iterable[Variable]) -> None:
        """Choose the optimizer of each variable, and build each optimizer for its variables."""
        variables = list(variables)
        new = not self.built
        super().build(variables)
        if not new:
            return
        for variable in variables:
            optimizer = self._optimizer_of(variable)
            _check(optimizer)
            if optimizer not in self.optimizers:
                self.optimizers = [*self.optimizers, optimizer]
            self._chosen[variable] = self.optimizers.index(optimizer)
        for optimizer, own in self._shares(variables):
            optimizer.loss_scale_factor = self.loss_scale_factor
            optimizer.build(own)

    def _shares(self, variables) -> Iterator[tuple[Optimizer, list[Variable]]]:
        for index, optimizer in enumerate(self.optimizers):
            own = [variable for variable in variables if self._chosen[variable] == index]
            if own:
                yield optimizer, own

    @property
    def variables(self) -> list[Variable]:
        """Its own variables, then each optimizer's."""
        return [*self._owned_variables(), *(v for each in self.optimizers for v in each.variables)]

    @property
    def learning_rate(self) -> Any:
        """Not available: each optimizer has its own rate."""
        raise AttributeError(ONE_RATE_EACH)

    @learning_rate.setter
    def learning_rate(self, value: Any):
        raise AttributeError(ONE_RATE_EACH)

    def apply(
        self, gradients: Iterable[Array], variables: Iterable[Variable] | None = None
    ) -> None:
        """One step of each optimizer."""
        gradients = list(gradients)
        if not gradients:
            return
        found = dict(zip(*reversed(self._matched(gradients, variables)), strict=True))
        for optimizer, own in self._shares(found):
            optimizer.apply([found[variable] for variable in own], own)
        self._iterations.assign(self._iterations.raw + 1)

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """At the end of training: assign the averages of optimizers that keep them."""
        for optimizer, own in self._shares(list(var_list)):
            optimizer.finalize_variable_values(own)


ONE_RATE_EACH = "a MultiOptimizer has no learning rate: read or assign those of `.optimizers`"


def _check(optimizer: Any) -> None:
    wraps = isinstance(optimizer, LossScaleOptimizer | MultiOptimizer)
    if wraps or not isinstance(optimizer, Optimizer):
        error = ValueError if wraps else TypeError
        raise error(f"expected an optimizer that wraps no other, not {optimizer!r}")
