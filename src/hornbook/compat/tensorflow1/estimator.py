"""`tf.estimator`: models as functions of features, labels and a mode, with their own training loop.

Each call builds a graph anew. Weights go from call to call through checkpoints in `model_dir`, by
default a temporary folder.
"""

import inspect
import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from hornbook import data
from hornbook.compat.tensorflow.checkpoints import latest_checkpoint, load_checkpoint
from hornbook.compat.tensorflow1 import metrics
from hornbook.compat.tensorflow1.datasets import make_one_shot_iterator
from hornbook.compat.tensorflow1.graph import Graph, Tensor
from hornbook.compat.tensorflow1.host import OutOfRangeError
from hornbook.compat.tensorflow1.inputs import start_queue_runners
from hornbook.compat.tensorflow1.logging import info
from hornbook.compat.tensorflow1.randoms import set_random_seed
from hornbook.compat.tensorflow1.saver import Saver
from hornbook.compat.tensorflow1.schedules import get_or_create_global_step
from hornbook.compat.tensorflow1.session import Session
from hornbook.compat.tensorflow1.variables import (
    global_variables_initializer,
    local_variables_initializer,
)

NOT_TRAINED = "Could not find trained model in model_dir: {}: call train() first"
NO_TRAIN_OP = "the model function returned no {} for mode {!r}"
STEPS_SHOWN = 100  # between messages about the loss


class ModeKeys:
    """`tf.estimator.ModeKeys`."""

    TRAIN, EVAL, PREDICT = "train", "eval", "infer"


class EstimatorSpec(NamedTuple):
    """`tf.estimator.EstimatorSpec`: what a model function returns.

    Args:
        mode: of the call.
        predictions: a tensor, or a dictionary of them.
        loss: a scalar tensor.
        train_op: the operation of a step.
        eval_metric_ops: pairs of a value and an update, by name.
        export_outputs, training_chief_hooks, training_hooks, scaffold, evaluation_hooks,
            prediction_hooks: ignored.
    """

    mode: str
    predictions: Any = None
    loss: Any = None
    train_op: Any = None
    eval_metric_ops: Any = None
    export_outputs: Any = None
    training_chief_hooks: Any = None
    training_hooks: Any = None
    scaffold: Any = None
    evaluation_hooks: Any = None
    prediction_hooks: Any = None


class RunConfig:
    """`tf.estimator.RunConfig`: only the folder and the seed are used.

    Args:
        model_dir: the folder of checkpoints.
        tf_random_seed: of graphs.
        options: kept as attributes, and ignored.
    """

    def __init__(self, model_dir: Any = None, tf_random_seed: int | None = 1, **options: Any):
        vars(self).update(options)
        self.model_dir, self.tf_random_seed = model_dir, tf_random_seed


class Estimator:
    """`tf.estimator.Estimator`: trains, evaluates and applies what a function builds.

    Args:
        model_fn: a function of features, labels, and of `mode`, `params` and `config` if it has
            such arguments; it returns an `EstimatorSpec`.
        model_dir: the folder of checkpoints; training goes on from its latest.
        config: a `RunConfig`.
        params: a dictionary for the function.
        warm_start_from: must be `None`.

    Raises:
        NotImplementedError: for `warm_start_from`.
    """

    def __init__(
        self,
        model_fn: Callable,
        model_dir: Any = None,
        config: RunConfig | None = None,
        params: dict | None = None,
        warm_start_from: Any = None,
    ):
        if warm_start_from is not None:
            raise NotImplementedError(
                "Estimator(warm_start_from=): copy the checkpoint into model_dir instead"
            )
        self._model_fn, self.config = model_fn, config or RunConfig()
        self.params = dict(params or {})
        chosen = model_dir or self.config.model_dir or tempfile.mkdtemp()
        self.model_dir = os.fspath(chosen)

    @property
    def model_fn(self) -> Callable:
        """The function."""
        return self._model_fn

    def latest_checkpoint(self) -> str | None:
        """The path of the latest weights."""
        return latest_checkpoint(self.model_dir) if os.path.isdir(self.model_dir) else None

    @contextmanager
    def _built(self, mode: str, input_fn: Callable) -> Iterator[tuple]:
        """A session, the specification, the variable of steps, a saver, and the loss's mean."""
        with Graph().as_default():
            set_random_seed(self.config.tf_random_seed)
            step = get_or_create_global_step()
            features, labels = _inputs(input_fn, mode)
            spec = self._spec(features, labels, mode)
            saver, latest = Saver(), self.latest_checkpoint()
            if latest is None and mode != ModeKeys.TRAIN:
                raise ValueError(NOT_TRAINED.format(self.model_dir))
            mean = _mean_loss(spec) if mode == ModeKeys.EVAL else None
            with Session() as sess:
                sess.run([global_variables_initializer(), local_variables_initializer()])
                if latest is not None:
                    saver.restore(sess, latest)
                start_queue_runners(sess)
                yield sess, spec, step, saver, mean

    def _spec(self, features: Any, labels: Any, mode: str) -> EstimatorSpec:
        takes = inspect.signature(self._model_fn).parameters
        options = {"labels": labels, "mode": mode, "params": self.params, "config": self.config}
        given = {name: value for name, value in options.items() if name in takes}
        return self._model_fn(features, **given)

    def train(
        self,
        input_fn: Callable,
        hooks: Any = None,
        steps: int | None = None,
        max_steps: int | None = None,
        saving_listeners: Any = None,
    ) -> "Estimator":
        """Train until the data end.

        Args:
            input_fn: a function that returns features and labels, or a data set of them.
            steps: steps of this call at most.
            max_steps: steps of all calls at most.
            hooks, saving_listeners: ignored.

        Returns:
            The estimator.
        """
        with self._built(ModeKeys.TRAIN, input_fn) as (sess, spec, step, saver, _):
            if spec.train_op is None or spec.loss is None:
                raise ValueError(NO_TRAIN_OP.format("loss and train_op", ModeKeys.TRAIN))
            first = int(sess.run(step))
            last = min(
                np.inf if steps is None else first + steps,
                np.inf if max_steps is None else max_steps,
            )
            count = first
            try:
                while count < last:
                    loss, _ = sess.run([spec.loss, spec.train_op])
                    count += 1
                    if (count - first) % STEPS_SHOWN == 1:
                        info("loss = %s, step = %d", loss, count)
            except OutOfRangeError:
                pass
            saver.save(sess, os.path.join(self.model_dir, "model.ckpt"), global_step=step)
        return self

    def evaluate(
        self, input_fn: Callable, steps: int | None = None, hooks: Any = None, **ignored: Any
    ) -> dict[str, Any]:
        """The loss and the metrics of the model function, over all batches.

        Args:
            input_fn: as of `train`.
            steps: batches at most.
            hooks, ignored: ignored.
        """
        with self._built(ModeKeys.EVAL, input_fn) as (sess, spec, step, _, mean):
            pairs = {"loss": mean, **(spec.eval_metric_ops or {})}
            each = [update for _, update in pairs.values()]
            try:
                for _ in itertools.count() if steps is None else range(steps):
                    sess.run(each)
            except OutOfRangeError:
                pass
            values = sess.run({name: value for name, (value, _) in pairs.items()})
            return values | {"global_step": int(sess.run(step))}

    def predict(
        self, input_fn: Callable, predict_keys: Any = None, hooks: Any = None, **ignored: Any
    ) -> Iterator[Any]:
        """The predictions for one sample after the other.

        Args:
            input_fn: as of `train`; labels are not used.
            predict_keys: the names of predictions that are wanted, default all.
            hooks, ignored: ignored.
        """
        with self._built(ModeKeys.PREDICT, input_fn) as (sess, spec, *_):
            made = spec.predictions
            if isinstance(made, dict) and predict_keys is not None:
                made = {name: made[name] for name in predict_keys}
            while True:
                try:
                    found = sess.run(made)
                except OutOfRangeError:
                    return
                if not isinstance(found, dict):
                    yield from found
                    continue
                for row in zip(*found.values(), strict=True):
                    yield dict(zip(found, row, strict=True))

    def get_variable_names(self) -> list[str]:
        """The names of variables in the latest checkpoint."""
        return list(_reader(self).get_variable_to_shape_map())

    def get_variable_value(self, name: str) -> np.ndarray:
        """The value of a variable in the latest checkpoint."""
        return _reader(self).get_tensor(name)


def _reader(estimator: Estimator) -> Any:
    path = estimator.latest_checkpoint()
    if path is None:
        raise ValueError(NOT_TRAINED.format(estimator.model_dir))
    return load_checkpoint(path)


def _mean_loss(spec: EstimatorSpec) -> tuple[Tensor, Tensor]:
    """The mean of the loss over batches, and its update.

    Raises:
        ValueError: without a loss.
    """
    if spec.loss is None:
        raise ValueError(NO_TRAIN_OP.format("loss", ModeKeys.EVAL))
    return metrics.mean(spec.loss, name="loss_over_batches")


def _inputs(input_fn: Callable, mode: str) -> tuple[Any, Any]:
    takes = inspect.signature(input_fn).parameters
    made = input_fn(mode=mode) if "mode" in takes else input_fn()
    if isinstance(made, data.Dataset):
        made = make_one_shot_iterator(made).get_next()
    return made if isinstance(made, tuple) else (made, None)


# ---- functions of inputs


def numpy_input_fn(
    x: Any,
    y: Any = None,
    batch_size: int = 128,
    num_epochs: int | None = 1,
    shuffle: bool | None = None,
    queue_capacity: int = 1000,
    num_threads: int = 1,
) -> Callable:
    """`tf.estimator.inputs.numpy_input_fn`: a function that gives batches of arrays.

    Args:
        x: an array, or a dictionary of them.
        y: labels, likewise.
        batch_size: rows in a batch.
        num_epochs: passes; `None` for no end.
        shuffle: whether rows are in a random order; must be given.
        queue_capacity, num_threads: ignored.

    Raises:
        ValueError: if `shuffle` is not given, or lengths differ.
    """
    if not isinstance(shuffle, bool):
        raise ValueError("shuffle must be provided and explicitly set as boolean")
    given = x if y is None else (x, y)
    rows = {len(one) for one in data.elements.leaves(given)}
    if len(rows) != 1:
        raise ValueError(f"numpy_input_fn: lengths of arrays differ: {sorted(rows)}")

    def inputs() -> Any:
        made = data.Dataset.from_tensor_slices(given)
        made = made.shuffle(max(rows)) if shuffle else made
        made = made.repeat(num_epochs).batch(batch_size)
        return make_one_shot_iterator(made).get_next()

    return inputs


def pandas_input_fn(
    x: Any, y: Any = None, *settings: Any, target_column: str = "target", **options
):
    """`tf.estimator.inputs.pandas_input_fn`: a function that gives batches of a table's columns.

    Args:
        x: a DataFrame.
        y: a Series or DataFrame of labels.
        settings, options: as of `numpy_input_fn`.
        target_column: ignored.
    """
    columns = {name: x[name].to_numpy() for name in x.columns}
    labels = y if y is None else y.to_numpy()
    return numpy_input_fn(columns, labels, *settings, **options)
