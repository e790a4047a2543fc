"""User-defined steps of a model, and the functions that run them.

As in Keras on JAX, they are pure functions of lists of values. `Steps` defines each of them, so
that a subclass may call `super()`; a model that overrides none is trained by `step.TrainStep`.
"""

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from hornbook.core.variable import bind
from hornbook.kernels.finite import sizes
from hornbook.layers.base import collect_losses
from hornbook.training.data import given, unpack_x_y_sample_weight
from hornbook.training.overrides import compute_loss, compute_metrics
from hornbook.training.protocol import Trainable
from hornbook.training.step import keep_if
from hornbook.training.variables import Variables

Values = tuple[list, ...]

CUSTOM_STEP = """{0}.{1} must be a pure function of its state.
Wrong:  def {1}(self, data)
Right:  def {1}(self, state, data), which returns ({2}); state holds the values of the
        {3}"""
RETURNS = {"train": "logs, state", "test": "logs, state", "predict": "outputs, non_trainable"}
STATE = {
    "train": "trainable variables, the other variables, the optimizer's, and the metrics'",
    "test": "trainable variables, the other variables, and the metrics'",
    "predict": "trainable variables, and the other variables",
}
CUSTOM_FUNCTION = """{0}.make_{1}_function must set self.{1}_function to a function of the state \
and an iterator.
Wrong:  def {1}_function(iterator)
Right:  def {1}_function(state, iterator), which returns what self.{1}_step(state, next(iterator))
        returns; for predict, with the whole new state"""


class Steps(Trainable):
    """The steps of a model as pure functions of lists of values, in the order of its variables."""

    train_function: Callable | None = None
    test_function: Callable | None = None
    predict_function: Callable | None = None

    def stateless_compute_loss(
        self,
        trainable_variables: list,
        non_trainable_variables: list,
        metrics_variables: list,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tuple[Any, Values]:
        """`compute_loss` as a pure function.

        Args:
            trainable_variables, non_trainable_variables, metrics_variables: values in the order of
                the model's lists of these names.
            x, y, y_pred, sample_weight, training: as for `compute_loss`.

        Returns:
            The loss, and the three lists after it.
        """
        groups = state_groups(self, "test")
        values = trainable_variables, non_trainable_variables, metrics_variables
        with bind(paired(groups, values)) as scope:
            loss = compute_loss(self, x, y, y_pred, sample_weight, training)
        return loss, listed(groups, scope)

    def compute_loss_and_updates(
        self,
        trainable_variables: list,
        non_trainable_variables: list,
        metrics_variables: list,
        x: Any,
        y: Any,
        sample_weight: Any,
        training: bool = False,
        optimizer_variables: list | None = None,
    ) -> tuple[Any, tuple]:
        """Forward pass and loss of a batch, differentiable in the first argument.

        Args:
            trainable_variables, non_trainable_variables, metrics_variables: values in the order of
                the model's lists of these names.
            x, y, sample_weight: the batch.
            training: whether this is a training step.
            optimizer_variables: values of the optimizer's variables, used to scale the loss.

        Returns:
            The loss to differentiate, and `(loss, y_pred, non_trainable_variables,
            metrics_variables)`.
        """
        groups = state_groups(self, "test")
        values = trainable_variables, non_trainable_variables, metrics_variables
        with bind(paired(groups, values)) as scope, collect_losses():
            y_pred = self(x, training=training)
            now, others, metrics = listed(groups, scope)
            loss, (_, others, metrics) = self.stateless_compute_loss(
                now, others, metrics, x, y, y_pred, sample_weight, training
            )
        scaled = loss
        if training and optimizer_variables is not None:
            optimizer = self._training_state.optimizer
            with bind(paired([optimizer.variables], [optimizer_variables])):
                scaled = optimizer.scale_loss(loss)
        return scaled, (loss, y_pred, others, metrics)

    def _counted(self, metrics: list, loss: Any, x: Any, y: Any, y_pred: Any, weight: Any) -> tuple:
        """Logs and metric values after a batch."""
        groups = [self.metrics_variables]  # type: ignore[attr-defined]
        with bind(paired(groups, [metrics])) as scope:
            self._training_state.objective.track_total(loss, y_pred)
            logs = compute_metrics(self, x, y, y_pred, weight)
        return logs, listed(groups, scope)[0]

    def train_step(self, state: Values, data: Any) -> tuple[dict[str, Any], Values]:
        """One step of training as a pure function; may be overridden.

        Args:
            state: values of the trainable, non-trainable, optimizer and metrics variables.
            data: a batch: `x`, `(x, y)` or `(x, y, sample_weight)`.

        Returns:
            The logs, and the new state.
        """
        trainable, others, slots, metrics = state
        x, y, weight = unpack_x_y_sample_weight(data)
        gradient = jax.grad(self.compute_loss_and_updates, has_aux=True)
        gradients, (loss, y_pred, others, metrics) = gradient(
            trainable, others, metrics, x, y, weight, training=True, optimizer_variables=slots
        )
        trainable, slots = self._training_state.optimizer.stateless_apply(
            slots, gradients, trainable
        )
        logs, metrics = self._counted(metrics, loss, x, y, y_pred, weight)
        return logs, (trainable, others, slots, metrics)

    def test_step(self, state: Values, data: Any) -> tuple[dict[str, Any], Values]:
        """One step of an evaluation as a pure function; may be overridden.

        Args:
            state: values of the trainable, non-trainable and metrics variables.
            data: a batch, as for `train_step`.

        Returns:
            The logs, and the new state.
        """
        trainable, others, metrics = state
        x, y, weight = unpack_x_y_sample_weight(data)
        _, (loss, y_pred, others, metrics) = self.compute_loss_and_updates(
            trainable, others, metrics, x, y, weight, training=False
        )
        logs, metrics = self._counted(metrics, loss, x, y, y_pred, weight)
        return logs, (trainable, others, metrics)

    def predict_step(self, state: Values, data: Any) -> tuple[Any, list]:
        """The outputs for a batch as a pure function; may be overridden.

        Args:
            state: values of the trainable and non-trainable variables.
            data: a batch, `(x,)`.

        Returns:
            The outputs, and the new values of the non-trainable variables.
        """
        x, _, _ = unpack_x_y_sample_weight(data)
        return self.stateless_call(*state, x, training=False)

    # `fit`, `evaluate` and `predict` do not use these unless a subclass overrides them.

    def make_train_function(self, force: bool = False) -> Callable:
        """Make `train_function(state, iterator)`, which runs `train_step` on the next batch.

        If a subclass overrides it, `fit` calls that function for each batch.

        Args:
            force: whether to remake it.
        """
        return self._make_function("train", force)

    def make_test_function(self, force: bool = False) -> Callable:
        """Make `test_function(state, iterator)`, which runs `test_step` on the next batch."""
        return self._make_function("test", force)

    def make_predict_function(self, force: bool = False) -> Callable:
        """Make `predict_function(state, iterator)`, which runs `predict_step` on the next batch."""
        return self._make_function("predict", force)

    def _make_function(self, mode: str, force: bool) -> Callable:
        name = f"{mode}_function"
        if getattr(self, name) is None or force:
            step = jax.jit(getattr(self, f"{mode}_step"))

            def function(state, iterator):
                found, after = step(state, next(iterator))
                return found, (state[0], after) if mode == "predict" else after

            setattr(self, name, function)
        return getattr(self, name)

    def __getstate__(self) -> dict:
        made = ("train_function", "test_function", "predict_function")
        return {key: value for key, value in super().__getstate__().items() if key not in made}


# ---- values for variables


def takes_state(function: Callable, *more: Any) -> bool:
    """Whether a function accepts a state and data."""
    try:
        inspect.signature(function).bind(*more, None, None)
    except TypeError:
        return False
    return True


def state_groups(model: Any, mode: str) -> list[list]:
    """The variables whose values a user-defined step receives, as lists."""
    groups = [model.trainable_variables, model.non_trainable_variables]
    if mode == "train":
        groups.append(model._training_state.optimizer.variables)
    return groups if mode == "predict" else [*groups, model.metrics_variables]


def paired(groups: list, values: Any) -> dict:
    """A dict from variable to value, for `bind`."""
    found: dict = {}
    for group, given_values in zip(groups, values, strict=True):
        found |= dict(zip(group, given_values, strict=True))
    return found


def listed(groups: list, scope: dict) -> Values:
    """The values in a scope, as lists: the inverse of `paired`."""
    return tuple([scope.get(v, v.raw) for v in group] for group in groups)


def custom_step(model: Any, variables: Variables, mode: str) -> Callable:
    """A user-defined `train_step` or `test_step`, in the form that `step.many` takes.

    A batch changes only the metrics if its loss, or a weight after it, is not finite.
    """
    step = own_step(model, variables, mode)

    def watched(state, fixed, batch):
        logs, after = step(state, fixed, given(batch))
        logs = flat(logs)
        finite = jnp.isfinite(sizes([after[path] for path in variables.trainable]))
        if "loss" in logs:
            finite &= jnp.all(jnp.isfinite(logs["loss"]))
        return keep_if(finite, after, state, variables), finite, logs

    return watched


def custom_function(model: Any, variables: Variables, mode: str) -> Callable:
    """`own_function` in the form that `runs_in_python` takes; it must handle non-finite values."""
    step = own_function(model, variables, mode)

    def trusted(state, fixed, batch):
        logs, after = step(state, fixed, batch)
        return after, True, flat(logs)

    return trusted


def own_step(model: Any, variables: Variables, mode: str) -> Callable:
    """A user-defined step as `step(state, fixed, batch) -> (logs, state)`.

    Raises:
        TypeError: if it does not take a state.
    """
    method = f"{mode}_step"
    if not takes_state(getattr(type(model), method), model):
        text = CUSTOM_STEP.format(type(model).__name__, method, RETURNS[mode], STATE[mode])
        raise TypeError(text)
    groups = state_groups(model, mode)

    def step(state, fixed, batch):
        bound = variables.bound({**fixed, **state})
        with bind(bound), collect_losses():
            logs, values = getattr(model, method)(listed(groups, bound), batch)
        if mode == "predict":
            values = listed(groups[:1], bound)[0], values
        return logs, variables.state(bound | paired(groups, values))

    return step


def own_function(model: Any, variables: Variables, mode: str) -> Callable:
    """A user-defined step function, called from Python for each batch; returns as `own_step`."""
    function, groups = _made(model, mode), state_groups(model, mode)

    def step(state, fixed, batch):
        bound = variables.bound({**fixed, **state})
        logs, values = function(listed(groups, bound), iter([given(batch)]))
        return logs, variables.state(bound | paired(groups, values))

    return step


def _made(model: Any, mode: str) -> Callable:
    found = getattr(model, f"make_{mode}_function")()
    function = getattr(model, f"{mode}_function") or found
    if function is None or not takes_state(function):
        raise TypeError(CUSTOM_FUNCTION.format(type(model).__name__, mode))
    return function


def flat(logs: dict[str, Any]) -> dict[str, Any]:
    """Logs with nested dicts flattened, as Keras reports `{"compile_metrics": {...}}`.

    Example:
        >>> flat({"loss": 1, "compile_metrics": {"mae": 2}})
        {'loss': 1, 'mae': 2}
    """
    found: dict[str, Any] = {}
    for name, value in logs.items():
        found |= flat(value) if isinstance(value, dict) else {name: value}
    return found
