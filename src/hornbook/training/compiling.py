"""`Compiling`: what to minimize, what to report and how to train, set by `compile`."""

import warnings
from typing import Any

import jax.numpy as jnp

from hornbook import optimizers
from hornbook.core.config import deserialize, serialize
from hornbook.core.errors import door
from hornbook.core.module import all_modules, child_modules, new_structure
from hornbook.core.taping import through
from hornbook.core.variable import Variable
from hornbook.layers.calling import arguments_of
from hornbook.metrics import Metric
from hornbook.training.custom import Steps
from hornbook.training.objective import GIVEN, Objective, by_names
from hornbook.training.programs import matched
from hornbook.training.state import OPTIONS, Settled, frozen_now

OWN_COMPILE = """{0} is loaded but not compiled: its compile() needs {1}, not in the file.
Call compile() before training, or define get_compile_config(self), which returns them, and
compile_from_config(self, config), which compiles with them."""


class Compiling(Steps):
    """A layer that can be compiled: it has a loss, an optimizer and metrics."""

    @door
    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Configure training. Which layers are trainable is fixed here too.

        Args:
            optimizer: a name or an optimizer.
            loss: a name, loss or function `(y_true, y_pred)`; a list or dict for several outputs.
            loss_weights: scalar weights of the outputs' losses.
            metrics: names, metrics or functions; lists of lists or a dict for several outputs.
            weighted_metrics: the same, with sample weights and class weights applied.
            run_eagerly: run each step eagerly in Python, for debugging.
            steps_per_execution: steps between calls of batch callbacks; `steps_per_epoch` is
                rounded up to a multiple of it. Without batch callbacks it is only the initial
                number of steps per dispatch, which then follows measured times.
            jit_compile: has no effect: everything is compiled unless `run_eagerly`.
            auto_scale_loss: scale the loss under `mixed_float16`.

        Example:
            >>> import hornbook as keras
            >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
            >>> model.compile("sgd", "mse", metrics=["mae"])
            >>> round(model.fit(np.ones((8, 2)), np.ones(8), verbose=0).epoch[0])
            0
        """
        optimizer = optimizers.get(optimizer) or optimizers.RMSprop()
        half = self.dtype_policy.compute_dtype == "float16"
        if auto_scale_loss and half and not isinstance(optimizer, optimizers.LossScaleOptimizer):
            optimizer = optimizers.LossScaleOptimizer(optimizer)
        self.stop_training = False
        self.train_function = self.test_function = self.predict_function = None
        objective = Objective(loss, loss_weights, metrics, weighted_metrics)
        self._training_state.settle(
            optimizer,
            objective,
            frozen_now(self),
            run_eagerly=bool(run_eagerly),
            steps_per_execution=steps_per_execution,
            jit_compile=bool(jit_compile),
        )
        new_structure()  # invalidates what `predict` has made

    compiled = Settled(False, "Whether `compile` has been called.")
    optimizer = Settled(AttributeError, "The optimizer given to `compile`.")
    loss = Settled(None, "The loss as given to `compile`.")
    run_eagerly = Settled(False, "Whether steps run in Python, for debugging.")
    steps_per_execution = Settled(1, "The least number of steps in a dispatch.")
    jit_compile = Settled(True, "Whether steps are compiled.")

    def get_compile_config(self) -> dict | None:
        """The arguments of `compile` as plain data; `None` before it is called.

        If an argument cannot be serialized (a lambda), returns `None` with a warning: the model is
        then saved as not compiled.
        """
        if not self._training_state.compiled:
            return None
        state = self._training_state
        given = {"optimizer": state.optimizer, **dict(zip(GIVEN, state.objective.given))}
        given |= {name: getattr(state, name) for name in OPTIONS}
        try:
            return serialize(given)
        except TypeError as error:
            warnings.warn(
                f"model {self.name!r} is saved without its compile() arguments: {error}",
                stacklevel=2,
            )
            return None

    def compile_from_config(self, config: dict) -> None:
        """Compile from the result of `get_compile_config`, and build the optimizer's variables.

        A custom `compile` that needs other arguments is not called; a warning says so.
        """
        known = arguments_of(type(self).compile)
        needed = [
            key
            for key, one in known.items()
            if one.default is one.empty
            and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
            and key not in config
        ]
        if needed:
            warnings.warn(OWN_COMPILE.format(type(self).__name__, ", ".join(needed)), stacklevel=2)
            return
        given = {key: value for key, value in deserialize(config).items() if key in known}
        self.compile(**given)
        if self.built:
            self._training_state.optimizer.build(self.trainable_variables)

    # ---- losses and metrics

    def reset_metrics(self) -> None:
        """Reset all metrics."""
        for metric in self.metrics:
            metric.reset_state()

    @property
    def metrics(self) -> list:
        """The loss, the compiled metrics as one, the outputs' losses, and metrics in attributes.

        Attributes are those of the model and its layers.
        """
        objective = self._training_state.objective
        return [*(objective.metrics if objective else []), *self._extra_metrics()]

    @property
    def metrics_names(self) -> list[str]:
        """The names under which losses and metrics are reported, in the order of `evaluate`."""
        return list(by_names(self.metrics))

    def _extra_metrics(self) -> list:
        """Metrics in attributes of the model and its layers, except those of nested models."""
        others = [m for m in all_modules(self) if isinstance(m, Compiling) and m is not self]
        theirs = {
            id(child) for m in others for child in child_modules(m) if isinstance(child, Metric)
        }
        return [metric for metric in super().metrics if id(metric) not in theirs]

    @property
    def metrics_variables(self) -> list[Variable]:
        """The variables of `metrics`, in order."""
        return [variable for metric in self.metrics for variable in metric.variables]

    # ---- to be overridden

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The scalar to minimize: compiled losses, plus what layers and regularizers add.

        A subclass may override it, and may omit parameters that it does not need.
        """
        objective = matched(self, y, y_pred)
        loss = objective.loss(y, y_pred, sample_weight)
        added = self.losses
        if training and not objective.losses and not added:
            raise ValueError(
                f"there is no loss to minimize in {self.name!r}: pass loss=... to compile(), or "
                "use add_loss in a layer"
            )
        return sum((through(jnp.sum, one) for one in added), loss)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Update the compiled metrics with a batch; the returned dict is reported.

        A subclass may override it, and may omit parameters that it does not need.
        """
        matched(self, y, y_pred).compiled.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """The current results of all metrics, by name."""
        found: dict[str, Any] = {}
        for name, metric in by_names(self.metrics).items():
            value = metric.result()
            found |= value if isinstance(value, dict) else {name: value}
        return found
