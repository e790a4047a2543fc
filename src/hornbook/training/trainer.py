"""`Trainer`: compile, fit, evaluate, predict, for whatever can be called and has variables."""

from contextlib import ExitStack, nullcontext
from typing import Any

import jax.numpy as jnp
import numpy as np

from hornbook import optimizers
from hornbook.core import tree
from hornbook.core.errors import door
from hornbook.core.graph import Graph
from hornbook.core.module import new_structure
from hornbook.core.origins import steps_in_python
from hornbook.core.settings import floatx, limited, max_epochs
from hornbook.core.variable import Variable
from hornbook.layers.calling import overrides
from hornbook.training.custom import PURE, Steps
from hornbook.training.data import is_iterable_source, split_validation, to_array, unpack
from hornbook.training.events import callbacks_for
from hornbook.training.feed import NO_SAMPLES, ArrayFeed, Slab
from hornbook.training.history import History
from hornbook.training.interrupts import interrupts
from hornbook.training.loop import (
    Epochs,
    due,
    predict_batches,
    scalar_or_list,
    to_floats,
)
from hornbook.training.objective import CompileMetrics, Objective
from hornbook.training.padding import Padding
from hornbook.training.programs import (
    Compiled,
    Forward,
    Settled,
    forward,
    frozen_now,
    matched,
    prepare,
    program_of,
)
from hornbook.training.sources import checked, feed_of, in_pieces, ready, validation_triple

NOT_COMPILED = """the model {!r} is not compiled: training needs a loss and an optimizer.
Wrong:  model.fit(x, y)
Right:  model.compile(optimizer="adam", loss="mse"); model.fit(x, y)"""

OWN_STEPS = (
    *("train_step", "test_step", "compute_loss", "compute_metrics"),
    *("make_train_function", "make_test_function", *PURE),
)


class Trainer(Steps):
    """A layer that can be compiled, fitted and evaluated; `Model` makes it one of many layers."""

    stop_training: bool = False
    stop_evaluating: bool = False
    stop_predicting: bool = False
    history: Any = None
    _compiled: Compiled | None = None
    _forward_program: Forward | None = None
    _padding: Padding | None = None

    # ---- what a model tells

    def _output_names(self) -> list[str] | None:
        """The names of the outputs, where they are known before data come."""
        return None

    def _known_outputs(self) -> Any:
        """Specs of the outputs, if they are known before data come."""
        return None

    def _known_graph(self) -> Graph | None:
        """The graph that a call runs, where it does nothing else."""
        return None

    def _last_activations(self) -> dict[str, Any]:
        """The activation that each output comes from, where it is known."""
        return {}

    def _adapt_inputs(self, x: Any) -> Any:
        """Data in the form that the layer is called with; what runs on the host is done."""
        return x

    @property
    def _numbers(self) -> Any:
        """What makes numbers of data, if layers that run on the host do."""
        return None if self._host is None else self._adapt_inputs

    # ---- compile

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
        """Choose how to train. Which layers are trainable is settled here too.

        Args:
            optimizer: a name or an optimizer.
            loss: a name, loss or function `(y_true, y_pred)`; a list or dict for several outputs.
            loss_weights: numbers that weigh the outputs' losses.
            metrics: names, metrics or functions; lists of lists or a dict for several outputs.
            weighted_metrics: the same, with sample weights and class weights applied.
            run_eagerly: run step by step in Python, for debugging.
            steps_per_execution: after how many steps callbacks of batches are told; an epoch of
                `steps_per_epoch` has whole executions. How many steps one dispatch runs where
                nobody listens follows from measured times, from this number on.
            jit_compile: changes nothing: all that does not `run_eagerly` is compiled.
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
        self._compiled = Compiled(
            optimizer,
            Objective(loss, loss_weights, metrics, weighted_metrics),
            frozen_now(self),
            run_eagerly=bool(run_eagerly),
            steps_per_execution=steps_per_execution,
            jit_compile=bool(jit_compile),
        )
        new_structure()  # for what `predict` has made

    def _check_compiled(self) -> Compiled:
        if self._compiled is None:
            raise ValueError(NOT_COMPILED.format(self.name))
        return self._compiled

    @property
    def _settled(self) -> Compiled:
        return self._check_compiled()

    compiled = Settled(False, "Whether `compile` has been called.")
    optimizer = Settled(AttributeError, "The optimizer given to `compile`.")
    loss = Settled(None, "The loss given to `compile`, as it was given.")
    run_eagerly = Settled(False, "Whether steps run in Python, for debugging.")
    steps_per_execution = Settled(1, "The least number of steps in a dispatch.")
    jit_compile = Settled(True, "Whether steps are compiled.")

    @property
    def _at_once(self) -> int:
        return self._compiled.steps_per_execution if self._compiled else 1

    @property
    def _objective(self) -> Objective | None:
        return self._compiled.objective if self._compiled else None

    def _has_own_steps(self) -> bool:
        """Whether a subclass has a step, a loss or metrics of its own."""
        return overrides(type(self), *OWN_STEPS)

    def reset_metrics(self) -> None:
        """Forget what the metrics have seen."""
        for metric in self.metrics:
            metric.reset_state()

    @property
    def metrics(self) -> list:
        """The loss, one metric for all that `compile` was given, the losses of several outputs, and
        metrics among the attributes of the model and its layers."""
        objective = self._objective
        return [*([] if objective is None else objective.metrics), *self._extra_metrics()]

    @property
    def metrics_names(self) -> list[str]:
        """The names under which losses and metrics are reported, in the order of `evaluate`."""
        return list(self._metrics_by_name())

    def _metrics_by_name(self) -> dict[str, Any]:
        """`metrics` one by one, by the names in logs; those with the names of outputs come last."""
        found: dict[str, Any] = {}
        last: dict[str, Any] = {}
        for metric in self.metrics:
            if isinstance(metric, CompileMetrics):
                for report in metric.reported:
                    group = found if report.key == report.metric.name else last
                    group[report.key] = report.metric
            else:
                found[metric.name] = metric
        return found | dict(sorted(last.items()))

    def _extra_metrics(self) -> list:
        """Metrics among its attributes and those of layers below, but for those of other models."""
        others = [m for m in self._all_modules() if isinstance(m, Trainer) and m is not self]
        theirs = {id(child) for m in others for child in m._child_modules() if child._is_metric}
        return [metric for metric in super().metrics if id(metric) not in theirs]

    @property
    def metrics_variables(self) -> list[Variable]:
        """The variables of `metrics`, in order."""
        return [variable for metric in self.metrics for variable in metric.variables]

    # ---- what may be overridden

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The scalar to minimize: compiled losses, plus what layers and regularizers add.

        A subclass may write its own, and leave out of its parameters what it does not need.
        """
        objective = matched(self, y, y_pred)
        loss = objective.loss(y, y_pred, sample_weight)
        added = self.losses
        if training and not objective.losses and not added:
            raise ValueError(
                f"there is no loss to minimize in {self.name!r}: pass loss=... to compile(), or "
                "use add_loss in a layer"
            )
        return sum((jnp.sum(one) for one in added), loss)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Show a batch to the compiled metrics; what this returns is reported.

        A subclass may write its own, and leave out of its parameters what it does not need.
        """
        matched(self, y, y_pred).compiled.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """What all metrics say now, by name."""
        found: dict[str, Any] = {}
        for name, metric in self._metrics_by_name().items():
            value = metric.result()
            found |= value if isinstance(value, dict) else {name: value}
        return found

    # ---- fit, evaluate, predict

    def _eagerly(self) -> Any:
        return steps_in_python() if self._compiled and self._compiled.run_eagerly else nullcontext()

    @door
    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: Any = True,
        class_weight: dict | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> History:
        """Train.

        Args:
            x: arrays with samples along the first axis (a list or dict of them for several inputs,
                pandas objects too), or a source of batches: generator, `PyDataset`, iterable. If
                its sequences vary in length, and the model masks padding, they are padded to a few
                lengths, so that each new one need not be compiled. Of arrays up to 1 GiB (and a
                quarter of the free memory) a copy is made; of larger ones, and of memory maps and
                h5py's and zarr's data sets from 64 MiB on, pieces are read as they are needed,
                which takes up to 256 MiB.
            y: targets, one row a sample; not with a source of batches.
            batch_size: samples a step; default 32. The last batch of an epoch may be smaller.
            epochs: number of the last epoch.
            verbose: 0 silent, 1 a live bar, 2 a line an epoch, `"auto"` 1 on a terminal else 2.
            callbacks: callbacks to tell of progress.
            validation_split: fraction of the samples, taken from the end before shuffling, to
                validate on.
            validation_data: `(x, y)`, `(x, y, sample_weight)` or a source of batches.
            shuffle: whether each epoch has another order; `"batch"` keeps batches together. Large
                data sets of h5py and zarr are shuffled by blocks of rows, which are then mixed.
            class_weight: from class to weight, or from output name to such a dict.
            sample_weight: weights (N,), (N, T) for sequences, or a list or dict of them.
            initial_epoch: number of epochs already trained.
            steps_per_epoch: steps that make an epoch; needed for endless sources. Epochs go on
                through the data; where these end, so does the epoch, and the next one begins anew.
            validation_steps: batches of each validation, from the first one on.
            validation_batch_size: default `batch_size`.
            validation_freq: validate each so many epochs, or after the epochs listed (from 1).

        Returns:
            The history: `.history["loss"][epoch]`.

        Raises:
            KeyboardInterrupt: on Ctrl-C, after the steps under way and `on_train_end`. The weights
                and the optimizer are whole, `model.history` has the epochs done, and another `fit`
                goes on. A second Ctrl-C does not wait for the steps.
            ValueError: if the model is not compiled, or data do not fit it.
        """
        self._check_compiled()
        epochs = limited("epochs", epochs, max_epochs()) or 0
        if validation_split:
            if is_iterable_source(x):
                raise ValueError("validation_split needs arrays; pass validation_data instead")
            data = in_pieces(x, y, sample_weight, self if self._host is not None else None)
            (x, y, sample_weight), held_out = split_validation(data, validation_split)
            validation_data = validation_data if validation_data is not None else held_out
        feed, first = feed_of(
            self, x, y, sample_weight, batch_size, steps_per_epoch, shuffle, class_weight
        )
        validation = None
        if validation_data is not None:
            validation, _ = feed_of(
                self,
                *validation_triple(validation_data),
                validation_batch_size
                or (None if is_iterable_source(validation_data) else batch_size),
                validation_steps,
                anew=True,
            )
        prepare(self, first)
        program = program_of(self, "train")
        program.variables.own()
        events = callbacks_for(
            self,
            callbacks,
            verbose,
            epochs,
            feed.steps,
            history=True,
            validation_freq=validation_freq,
        )
        self.stop_training = self._reported_not_finite = False
        if verbose:
            self._settled.show_choices()
        with ExitStack() as stack:
            stack.enter_context(self._eagerly())
            interrupt = stack.enter_context(interrupts())

            def interrupted() -> bool:
                return interrupt.asked

            def stopped() -> bool:
                return interrupt.asked or self.stop_training

            events.on_train_begin()
            logs: dict[str, Any] = {}
            run = Epochs(program, feed, events, "train", self, stopped)
            seen = validation is not None or self._settled.run_eagerly or not events.only_remember()
            alone = isinstance(feed, ArrayFeed) and not seen
            for epoch in range(initial_epoch, epochs):
                events.on_epoch_begin(epoch)
                logs = run.epoch(another=alone and epoch + 1 < epochs)
                if interrupt.asked and not run.begun:
                    break
                if validation is not None and due(epoch, validation_freq):
                    results = self._evaluate(validation, events, interrupted)
                    logs |= {f"val_{name}": value for name, value in results.items()}
                    if interrupt.asked:
                        break
                events.on_epoch_end(epoch, logs)
                if self.stop_training or interrupt.asked and not run.begun:
                    break
                run.program = program_of(self, "train")
            trained = run.program.variables.trainable
            self._settled.optimizer.finalize_variable_values(list(trained.values()))
            events.on_train_end(logs)
            self.history = events.history
        return self.history

    @door
    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Loss and metrics on data.

        Args:
            x, y, batch_size, verbose, sample_weight, callbacks: as for `fit`.
            steps: at most so many batches.
            return_dict: whether to return a dict by name rather than a list.

        Returns:
            The loss if it is all there is, else a list in the order of `metrics_names`, or a dict.
        """
        if kwargs:
            raise ValueError(f"evaluate takes no argument {next(iter(kwargs))!r}")
        self._check_compiled()
        feed, first = feed_of(self, x, y, sample_weight, batch_size, steps)
        prepare(self, first)
        events = callbacks_for(self, callbacks, verbose, 1, feed.steps)
        with self._eagerly():
            logs = self._evaluate(feed, events, lambda: False)
        return logs if return_dict else scalar_or_list(logs)

    def _evaluate(self, feed: Any, events: Any, stopped: Any) -> dict[str, float]:
        program = program_of(self, "test")
        program.variables.own()
        self.stop_evaluating = False
        events.on_test_begin()
        run = Epochs(program, feed, events, "test", self, lambda: self.stop_evaluating or stopped())
        logs = run.epoch()
        events.on_test_end(logs)
        return logs

    @door
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> np.ndarray:
        """Outputs for data, as numpy arrays.

        Args:
            x: arrays, or a source of batches.
            batch_size: samples at a time; default 32.
            verbose: 1 shows a bar; `"auto"` shows one if there are many batches.
            steps: at most so many batches.
            callbacks: callbacks to tell of progress.

        Returns:
            An array with one row a sample, or a structure of them.

        Example:
            >>> import hornbook as keras
            >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
            >>> model.predict(np.ones((4, 2)), verbose=0).shape
            (4, 3)
        """
        plain = type(x) is np.ndarray and callbacks is None and steps is None and verbose != 1
        kinds = "fiub" if self._host is None else "fiubUO"
        if plain and x.ndim and x.dtype.kind in kinds and len(x) <= (batch_size or 32):
            if self._host is None:
                x = x.astype(floatx(), copy=False) if x.dtype.kind == "f" else to_array(x)
            return self._predict_once(self._adapt_inputs(x))
        feed, _ = feed_of(self, x, None, None, batch_size, steps, targets=False)
        if verbose == "auto":
            verbose = 0 if feed.steps is not None and feed.steps < 200 else "auto"
        events = callbacks_for(self, callbacks, verbose, 1, feed.steps)
        self.stop_predicting = False
        with self._eagerly():
            return predict_batches(
                lambda x: forward(self, x),
                feed,
                events,
                self._padding,
                self._at_once,
                lambda: self.stop_predicting,
            )

    def _predict_once(self, x: Any) -> Any:
        outputs = forward(self, x)
        if tree.is_nested(outputs):
            return tree.map_structure(np.array, outputs)
        return np.array(outputs)

    # ---- one batch at a time

    @door
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict | None = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """One step on one batch.

        Args:
            x, y, sample_weight, class_weight: as for `fit`; all rows are one batch.
            return_dict: whether to return a dict by name rather than a list.

        Returns:
            The loss of this batch if it is all there is, else a list, or a dict.
        """
        _no_more("train_on_batch", kwargs)
        return self._on_batch("train", (x, y, sample_weight), class_weight, return_dict)

    @door
    def test_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Loss and metrics on one batch; arguments as for `train_on_batch`."""
        _no_more("test_on_batch", kwargs)
        return self._on_batch("test", (x, y, sample_weight), None, return_dict)

    @door
    def predict_on_batch(self, x: Any) -> np.ndarray:
        """Outputs for one batch, as numpy arrays."""
        x, _, _ = unpack((x,), self._numbers)
        return self._predict_once(self._adapt_inputs(x))

    def _on_batch(self, mode: str, data: tuple, class_weight: Any, return_dict: bool) -> Any:
        self._check_compiled()
        data = ready(self, checked(self, unpack(data, self._numbers), class_weight))
        fresh = mode not in self._settled.by_mode
        program = program_of(self, mode)
        if fresh:
            program.variables.own()
        rows = tree.flatten(data[0])[0].shape[0]
        if rows == 0:
            raise ValueError(NO_SAMPLES)
        with self._eagerly():
            logs, _, _ = program.finish(program.start(Slab(data, None, rows, 1), 0, 1, True))
        logs = to_floats(logs)
        return logs if return_dict else scalar_or_list(logs)


def _no_more(method: str, kwargs: dict) -> None:
    if kwargs:
        raise TypeError(f"{method} takes no argument {next(iter(kwargs))!r}")
