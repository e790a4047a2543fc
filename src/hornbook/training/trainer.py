"""`Trainer`: compile, fit, evaluate and predict, for any callable layer with variables."""

from contextlib import ExitStack, nullcontext
from functools import partial
from typing import Any, overload

import numpy as np

from hornbook.core import tree
from hornbook.core.allocator import tidied
from hornbook.core.errors import door
from hornbook.core.origins import steps_in_python
from hornbook.core.settings import floatx, limited, max_epochs
from hornbook.training import sources
from hornbook.training.compiling import Compiling
from hornbook.training.data import to_array, unpack
from hornbook.training.epoch_metrics import Watched
from hornbook.training.events import callbacks_for
from hornbook.training.feed import NO_SAMPLES, ArrayFeed
from hornbook.training.history import History
from hornbook.training.interrupts import interrupts
from hornbook.training.loop import Epochs, due, predict_batches, scalar_or_list, to_floats
from hornbook.training.programs import forward, program_of
from hornbook.training.sampling import Sampled, check_samples, sampled
from hornbook.training.slab import Slab, sent
from hornbook.training.state import TrainingState

NOT_COMPILED = """the model {!r} is not compiled: training needs a loss and an optimizer.
Wrong:  model.fit(x, y)
Right:  model.compile(optimizer="adam", loss="mse"); model.fit(x, y)"""


class Trainer(Compiling):
    """A layer that can be compiled, fitted and evaluated; `Model` adds a graph of layers."""

    stop_training: bool = False
    stop_evaluating: bool = False
    stop_predicting: bool = False
    history: Any = None

    # ---- fit, evaluate, predict

    def _eagerly(self) -> Any:
        return steps_in_python() if self._training_state.run_eagerly else nullcontext()

    def _check_compiled(self) -> TrainingState:
        if not self._training_state.compiled:
            raise ValueError(NOT_COMPILED.format(self.name))
        return self._training_state

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
        validation_from: str = "last",
        epoch_metrics: dict | None = None,
    ) -> History:
        """Train the model.

        Args:
            x: arrays with samples along the first axis (a list or dict of them for several inputs,
                pandas objects too), or a source of batches: generator, `PyDataset`, iterable. If
                its sequences vary in length and the model masks padding, they are padded to a few
                lengths to avoid recompilation. Arrays up to 1 GiB (and a quarter of the free
                memory) are copied; larger ones, and memory maps and h5py or zarr data sets of 64
                MiB or more, are read piece by piece, which takes up to 256 MiB.
            y: targets, one row per sample; not with a source of batches.
            batch_size: samples per step; default 32. The last batch of an epoch may be smaller.
            epochs: index of the last epoch, counted from 1.
            verbose: 0 silent, 1 a live bar, 2 a line per epoch, `"auto"` 1 on a terminal else 2.
            callbacks: a callback or a list of them.
            validation_split: fraction of the samples to validate on.
            validation_data: `(x, y)`, `(x, y, sample_weight)` or a source of batches.
            shuffle: whether to reshuffle each epoch; `"batch"` keeps batches together. Large h5py
                and zarr data sets are shuffled by blocks of rows, which are then mixed.
            class_weight: a dict from class to weight, or from output name to such a dict.
            sample_weight: weights (N,), (N, T) for sequences, or a list or dict of them.
            initial_epoch: number of epochs already done.
            steps_per_epoch: steps per epoch; needed for endless sources. Epochs continue through
                the data; where the data end, so does the epoch, and the next one starts from the
                beginning.
            validation_steps: batches per validation, from the first one on.
            validation_batch_size: default `batch_size`.
            validation_freq: validate every this many epochs, or after the listed epochs (from 1).
            validation_from: which samples `validation_split` takes: the `"last"` ones, `"random"`
                ones, or `"stratified"`: random ones with each class's share. The other samples keep
                their order.
            epoch_metrics: functions of all targets and predictions of a validation, by name:
                `{"f1": sklearn.metrics.f1_score}` is reported as `val_f1`. For several outputs, a
                dict of them by output. Functions of scikit-learn that compare labels get labels,
                others what the model returns.

        Returns:
            The history: `.history["loss"][epoch]`.

        Raises:
            KeyboardInterrupt: on Ctrl-C, after the current steps and `on_train_end`. Weights and
                optimizer are consistent, `model.history` has the completed epochs, and another
                `fit` continues. A second Ctrl-C does not wait.
            ValueError: if the model is not compiled, or the data do not match it.
        """
        settled = self._check_compiled()
        epochs = limited("epochs", epochs, max_epochs()) or 0
        source = sources.source_of(self, x, y, sample_weight)
        held_out = sources.validation_source(self, validation_data)
        if validation_split:
            source, last = source.split(validation_split, validation_from)
            held_out = held_out or last
        elif validation_from != "last":
            raise ValueError(f"validation_from={validation_from!r} needs a validation_split")
        feed = sources.feed_of(
            self, source, batch_size, steps_per_epoch, shuffle=shuffle, class_weight=class_weight
        )
        validation = None
        if held_out is not None:
            own = batch_size if isinstance(held_out, sources.Arrays) else None
            size = validation_batch_size or own
            validation = sources.feed_of(self, held_out, size, validation_steps, anew=True)
            validation = Watched(validation, self, epoch_metrics) if epoch_metrics else validation
        elif epoch_metrics:
            raise ValueError("epoch_metrics needs validation_data or a validation_split")
        program = program_of(self, "train")
        program.variables.own()
        more = {"history": True, "validation_freq": validation_freq}
        events = callbacks_for(self, callbacks, verbose, epochs, feed.steps, **more)
        events.set_validation_data(sources.given_by(held_out))
        self.stop_training = settled.reported = False
        if verbose:
            settled.show_choices()
        with ExitStack() as stack:
            stack.enter_context(tidied())
            stack.enter_context(self._eagerly())
            interrupt = stack.enter_context(interrupts())
            logs: dict[str, Any] = {}
            run = Epochs(
                program, feed, events, "train", self, lambda: interrupt.asked or self.stop_training
            )
            stack.callback(setattr, settled, "run", settled.run)
            settled.run, run.epochs = run, epochs
            events.on_train_begin()
            seen = validation is not None or settled.run_eagerly or not events.only_remember()
            alone = isinstance(feed, ArrayFeed) and not seen
            for epoch in range(run.epochs_done or initial_epoch, epochs):
                events.on_epoch_begin(epoch)
                logs = run.epoch(another=alone and epoch + 1 < epochs)
                if interrupt.asked and not run.begun:
                    break
                if validation is not None and due(epoch, validation_freq):
                    results = self._evaluate(validation, events, lambda: interrupt.asked)
                    logs |= {f"val_{name}": value for name, value in results.items()}
                    if interrupt.asked:
                        break
                events.on_epoch_end(epoch, logs)
                if self.stop_training or interrupt.asked and not run.begun:
                    break
                run.program = program_of(self, "train")
            trained = run.program.variables.trainable
            settled.optimizer.finalize_variable_values(list(trained.values()))
            events.on_train_end(logs)
            events.set_validation_data(None)
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
        epoch_metrics: dict | None = None,
        **kwargs: Any,
    ) -> Any:
        """Loss and metrics on data.

        Args:
            x, y, batch_size, verbose, sample_weight, callbacks, epoch_metrics: as for `fit`.
            steps: maximum number of batches.
            return_dict: whether to return a dict by name rather than a list.

        Returns:
            The loss if there is nothing else, else a list in the order of `metrics_names`, or a
            dict.
        """
        if kwargs:
            raise ValueError(f"evaluate takes no argument {next(iter(kwargs))!r}")
        self._check_compiled()
        feed = sources.feed_of(
            self, sources.source_of(self, x, y, sample_weight), batch_size, steps
        )
        feed = Watched(feed, self, epoch_metrics) if epoch_metrics else feed
        events = callbacks_for(self, callbacks, verbose, 1, feed.steps)
        with tidied(), self._eagerly():
            logs = self._evaluate(feed, events, lambda: False)
        return logs if return_dict else scalar_or_list(logs)

    def _evaluate(self, feed: Any, events: Any, stopped: Any) -> dict[str, float]:
        program = program_of(self, "test")
        program.variables.own()
        self.stop_evaluating = False
        events.on_test_begin()
        run = Epochs(program, feed, events, "test", self, lambda: self.stop_evaluating or stopped())
        logs = run.epoch()
        if isinstance(feed, Watched):
            logs |= feed.results()
        events.on_test_end(logs)
        return logs

    @overload
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
        samples: None = None,
        out: Any = None,
    ) -> np.ndarray: ...
    @overload
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
        *,
        samples: int,
        out: Any = None,
    ) -> Sampled: ...
    @door
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
        samples: int | None = None,
        out: Any = None,
    ) -> Any:
        """Outputs for data, as numpy arrays.

        Args:
            x: arrays, or a source of batches.
            batch_size: samples per batch; default 32.
            verbose: 1 shows a bar; `"auto"` shows one if there are many batches.
            steps: maximum number of batches.
            callbacks: a callback or a list of them.
            samples: number of passes with dropout and noise active, 2 or more (Monte Carlo
                dropout). Layers that keep a state, such as BatchNormalization, work as in
                prediction. Weights and states do not change.
            out: an array of the outputs' shape, or a structure of them, such as a memory map or an
                h5py data set. Each batch is written to it and then forgotten.

        Returns:
            An array with one row per sample, or a structure of them; `out` if it is given. With
            `samples`, `(mean, std)` of the passes.

        Raises:
            ValueError: if `out` has another shape or dtype than the outputs, or `samples` is not a
                number of passes.

        Gal and Ghahramani, 2016 (`samples`), https://arxiv.org/abs/1506.02142

        Example:
            >>> import hornbook as keras
            >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
            >>> model.predict(np.ones((4, 2)), verbose=0).shape
            (4, 3)
        """
        plain = type(x) is np.ndarray and callbacks is None and steps is None and verbose != 1
        plain = plain and samples is None and out is None
        on_device = self._host_stage is None
        kinds = "fiub" if on_device else "fiubUO"
        if plain and x.ndim and x.dtype.kind in kinds and len(x) <= (batch_size or 32):
            if on_device:
                x = x.astype(floatx(), copy=False) if x.dtype.kind == "f" else to_array(x)
            return self._predict_once(self._adapt_inputs(x))
        feed = sources.feed_of(self, sources.source_of(self, x), batch_size, steps, targets=False)
        if verbose == "auto":
            verbose = 0 if feed.steps is not None and feed.steps < 200 else "auto"
        events = callbacks_for(self, callbacks, verbose, 1, feed.steps)
        self.stop_predicting = False
        run = partial(forward, self)
        if samples is not None:
            check_samples(self, samples)
            run = partial(sampled, self, samples=samples)
        with tidied(), self._eagerly():
            return predict_batches(
                run,
                feed,
                events,
                self._training_state.padding,
                self._training_state.steps_per_execution,
                lambda: self.stop_predicting,
                out,
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
    ) -> Any:
        """One step on one batch.

        Args:
            x, y, sample_weight, class_weight: as for `fit`; all samples are one batch.
            return_dict: whether to return a dict by name rather than a list.

        Returns:
            The loss of this batch if there is nothing else, else a list, or a dict.
        """
        return self._on_batch("train", (x, y, sample_weight), class_weight, return_dict)

    @door
    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Loss and metrics on one batch; arguments as for `train_on_batch`."""
        return self._on_batch("test", (x, y, sample_weight), None, return_dict)

    @door
    def predict_on_batch(self, x: Any) -> np.ndarray:
        """Outputs for one batch, as numpy arrays."""
        x, _, _ = unpack((x,), sources.numbers_of(self))
        return self._predict_once(self._adapt_inputs(x))

    def _on_batch(self, mode: str, data: tuple, class_weight: Any, return_dict: bool) -> Any:
        settled = self._check_compiled()
        data = sources.checked(self, unpack(data, sources.numbers_of(self)), class_weight)
        data = sources.ready(self, data)
        before = settled.by_mode.get(mode)
        program = program_of(self, mode)
        if program is not before:
            program.variables.own()
        samples = tree.flatten(data[0])[0].shape[0]
        if samples == 0:
            raise ValueError(NO_SAMPLES)
        with self._eagerly():
            (slab,) = sent(Slab(data, None, samples, 1))
            logs, _, _ = program.finish(program.start(slab, 0, 1, True))
        logs = to_floats(logs)
        return logs if return_dict else scalar_or_list(logs)
