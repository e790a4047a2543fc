"""`Metric`: variables that accumulate over batches, and a result."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from hornbook import initializers
from hornbook.core import settings, tree
from hornbook.core.dtype import get_policy, is_float
from hornbook.core.mask import get_mask
from hornbook.core.module import Module
from hornbook.core.variable import Variable, bind, contained, unwrap
from hornbook.losses.shapes import multiply_weights
from hornbook.metrics.sums import add_exactly, add_in_turns
from hornbook.ops import rows

NO_SUPER = "{}.__init__ creates variables before super().__init__(name=name): call that first"


class Metric(Module):
    """Base of all metrics.

    A subclass creates variables in its constructor, updates them in `update_state` with `assign`,
    `assign_add` and the like, and computes its value in `result`. All three may run compiled.

    Args:
        dtype: dtype of the result; default `floatx()`.
        name: default the class's name in snake case, numbered.

    Example:
        >>> class Largest(Metric):
        ...     def __init__(self, name="largest"):
        ...         super().__init__(name=name)
        ...         self.seen = self.add_weight(name="seen", initializer="zeros")
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.seen.assign(jnp.maximum(self.seen, jnp.max(y_pred)))
        ...     def result(self):
        ...         return self.seen
        >>> largest = Largest()
        >>> largest.update_state(None, jnp.array([1.0, 3.0]))
        >>> float(largest(None, jnp.array([2.0])))
        3.0
    """

    _is_metric = True

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "result" in vars(cls):
            cls.result = _read(vars(cls)["result"])

    def __init__(self, dtype: Any = None, name: str | None = None):
        super().__init__(name=name)
        self._dtype = get_policy(dtype or settings.floatx()).compute_dtype
        self._added: list[Variable] = []
        self._rests: dict[str, Variable] = {}  # compensation terms of sums, by name

    @property
    def dtype(self) -> str:
        """The dtype of the result."""
        return self._dtype

    @property
    def variables(self) -> list[Variable]:
        """The state: this metric's variables and those of metrics inside it."""
        rests = self._all_rests()
        return [variable for variable in self._all_variables() if variable not in rests]

    def _all_rests(self) -> set[Variable]:
        metrics = [module for module in self._all_modules() if isinstance(module, Metric)]
        return {rest for metric in metrics for rest in metric._rests.values()}

    def add_variable(
        self,
        shape: tuple[int, ...] = (),
        initializer: Any = None,
        dtype: Any = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """Create a variable of this metric.

        Args:
            shape: its shape.
            initializer: a name, an initializer or a value; default zeros.
            dtype: default `floatx()`.
            aggregation: accepted for Keras compatibility; there is one copy of each variable.
            name: the last part of its path.
        """
        if not hasattr(self, "_added"):
            raise RuntimeError(NO_SUPER.format(type(self).__name__))
        if isinstance(shape, str):  # add_weight("total"), as in tf.keras
            shape, name = (), shape
        initializer = initializers.get("zeros" if initializer is None else initializer)
        variable = Variable(
            initializer,
            shape=(shape,) if isinstance(shape, int) else tuple(shape),
            dtype=dtype or settings.floatx(),
            trainable=False,
            name=name,
            kind="metric",
            autocast=False,
        )
        self._added = [*self._added, variable]
        return variable

    def add_weight(
        self,
        shape: tuple[int, ...] = (),
        initializer: Any = None,
        dtype: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Create a variable of this metric; see `add_variable`."""
        return self.add_variable(shape, initializer, dtype, name=name)

    def _add_sum(self, shape: tuple[int, ...], name: str, dtype: Any = None) -> Variable:
        """Create a variable for a long-running sum; `_add_to` adds to it."""
        total = self.add_variable(shape, dtype=dtype, name=name)
        rest = self.add_variable(shape, dtype=dtype, name=f"{name}_rounding")
        self._rests = {**self._rests, total.name: rest}
        return total

    def _add_to(self, total: Variable, value: Any) -> None:
        """Add to a sum, exactly up to the final rounding."""
        add = add_exactly if is_float(total.dtype) else add_in_turns
        add(total, self._rests[total.name], value)

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Accumulate one batch, defined by subclasses: `(y_true, y_pred, sample_weight=None)`."""
        raise NotImplementedError(f"{type(self).__name__} must write update_state")

    def result(self) -> jax.Array:
        """The value (a scalar, array or dict of them) of the state, defined by subclasses."""
        raise NotImplementedError(f"{type(self).__name__} must write result")

    def reset_state(self) -> None:
        """Reset all variables to zero."""
        for variable in self._all_variables():
            variable.assign(jnp.zeros(variable.shape, variable.dtype))

    def __call__(self, *args: Any, **kwargs: Any) -> jax.Array:
        self.update_state(*args, **kwargs)
        return self.result()

    # ---- as pure functions

    @contained
    def stateless_update_state(self, metric_variables: list, *args: Any, **kwargs: Any) -> list:
        """The values of the variables after a batch; the variables are not changed.

        Args:
            metric_variables: values before the batch, in the order of `variables`.
            *args, **kwargs: arguments of `update_state`.

        Raises:
            ValueError: if the number of values is not the number of variables.
        """
        with bind(self._paired(metric_variables)) as scope:
            self.update_state(*args, **kwargs)
        return [scope.get(v, v.raw) for v in self.variables]

    @contained
    def stateless_result(self, metric_variables: list) -> Any:
        """The result for these values of the variables.

        Args:
            metric_variables: values, in the order of `variables`.

        Raises:
            ValueError: if the number of values is not the number of variables.
        """
        with bind(self._paired(metric_variables)):
            return self.result()

    @contained
    def stateless_reset_state(self) -> list:
        """The initial values of the variables."""
        with bind({}) as scope:
            self.reset_state()
        return [scope.get(v, v.raw) for v in self.variables]

    def _paired(self, values):
        variables = self.variables
        if len(values) != len(variables):
            raise ValueError(
                f"metric {self.name!r} has {len(variables)} variables "
                f"({', '.join(v.name for v in variables)}); it got {len(values)} values"
            )
        rests = {rest: jnp.zeros(rest.shape, rest.dtype) for rest in self._all_rests()}
        return {**rests, **dict(zip(variables, values, strict=True))}


def _read(result: Callable) -> Callable:
    """Wrap `result` to return arrays instead of variables, whose values would keep changing."""

    @functools.wraps(result)
    def read(self):
        return tree.map_structure(unwrap, result(self))

    return read


def make_variables(metric: Metric, *args: Any) -> None:
    """Create the variables of a metric whose shapes depend on its first batch.

    Args:
        metric: the metric; unchanged if it has all its variables.
        *args: arrays or `jax.ShapeDtypeStruct`s, as `update_state` takes them.
    """

    def update(*arrays):
        with bind({}):
            metric.update_state(*arrays)

    jax.eval_shape(update, *args)


def weights_and_mask(y_pred: Any, sample_weight: Any, dtype: Any) -> jax.Array | None:
    """The sample weights, set to 0 where the mask attached to the predictions is false."""
    mask = get_mask(y_pred)
    weights = None if sample_weight is None else rows.array(sample_weight).astype(dtype)
    if mask is None:
        return weights
    mask = jnp.asarray(mask).astype(dtype)
    return mask if weights is None else multiply_weights(weights, mask)
