"""`tf.estimator.DNNClassifier` and `DNNRegressor`: dense networks of numeric columns."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.compat.tensorflow.column_kinds import NumericColumn
from hornbook.compat.tensorflow1 import metrics as streams
from hornbook.compat.tensorflow1.applying import apply, convert, lift
from hornbook.compat.tensorflow1.estimator import Estimator, EstimatorSpec, ModeKeys
from hornbook.compat.tensorflow1.layers import dense
from hornbook.compat.tensorflow1.layers_more import Dropout
from hornbook.compat.tensorflow1.optimizers import AdagradOptimizer
from hornbook.compat.tensorflow1.schedules import get_or_create_global_step
from hornbook.compat.tensorflow1.scopes import variable_scope

ONLY_NUMBERS = "{} takes columns of tf.feature_column.numeric_column, not {}; build others in a \
model_fn of tf.estimator.Estimator"
relu = lift(jax.nn.relu, "Relu")
_flat = lift(lambda x: jnp.reshape(x, (jnp.shape(x)[0], -1)).astype("float32"), "Reshape")
_together = lift(lambda parts: jnp.concatenate(parts, 1), "ConcatV2")


class _Dense(Estimator):
    """A dense network.

    Args:
        hidden_units: the sizes of hidden layers.
        feature_columns: numeric columns.
        head: a function of labels and logits that returns predictions, the loss of each sample, and
            metrics.
        outputs: the number of logits.
        optimizer: an optimizer, or its name; default Adagrad with a rate of 0.05.
        activation_fn: of hidden layers.
        dropout: share of hidden values that are dropped.
        options: `model_dir` and `config`.
    """

    def __init__(
        self,
        hidden_units: Any,
        feature_columns: Any,
        head: Callable,
        outputs: int,
        optimizer: Any,
        activation_fn: Callable,
        dropout: Any,
        **options: Any,
    ):
        columns = list(feature_columns)
        for one in columns:
            if not isinstance(one, NumericColumn):
                raise NotImplementedError(
                    ONLY_NUMBERS.format(type(self).__name__, type(one).__name__)
                )

        def model(features: Any, labels: Any, mode: str) -> EstimatorSpec:
            given = features if isinstance(features, dict) else {columns[0].key: features}
            with variable_scope("dnn"):
                x = _together([_column(one, given) for one in columns])
                for number, units in enumerate(hidden_units):
                    with variable_scope(f"hiddenlayer_{number}") as scope:
                        x = dense(x, units, activation_fn, _scope=scope)
                        if dropout:
                            x = Dropout(dropout)(x, training=mode == ModeKeys.TRAIN)
                with variable_scope("logits") as scope:
                    logits = dense(x, outputs, _scope=scope)
            known = None if mode == ModeKeys.PREDICT else labels
            predictions, losses, metrics = head(known, logits)
            if known is None:
                return EstimatorSpec(mode, predictions)
            loss = apply(jnp.sum, (losses,), name="loss")
            chosen = AdagradOptimizer(0.05) if optimizer == "Adagrad" else optimizer
            chosen = chosen() if callable(chosen) else chosen
            step = None
            if mode == ModeKeys.TRAIN:
                step = chosen.minimize(loss, global_step=get_or_create_global_step())
            metrics = metrics | {"average_loss": streams.mean(losses)}
            return EstimatorSpec(mode, predictions, loss, step, metrics)

        super().__init__(model, **options)


def _column(column: NumericColumn, features: dict) -> Any:
    value = convert(features[column.key])
    value = column.normalizer_fn(value) if column.normalizer_fn is not None else value
    made = _flat(value)
    made.set_shape([None, int(np.prod(column.shape))])
    return made


class DNNClassifier(_Dense):
    """`tf.estimator.DNNClassifier`: the loss is the sum of crossentropies.

    Args:
        hidden_units: the sizes of hidden layers.
        feature_columns: numeric columns.
        model_dir: the folder of checkpoints.
        n_classes: the number of classes; labels are integers below it.
        optimizer: an optimizer, or `"Adagrad"`, which has a rate of 0.05.
        activation_fn: of hidden layers.
        dropout: share of hidden values that are dropped.
        config: a `RunConfig`.
    """

    def __init__(
        self,
        hidden_units: Any,
        feature_columns: Any,
        model_dir: Any = None,
        n_classes: int = 2,
        weight_column: None = None,
        label_vocabulary: None = None,
        optimizer: Any = "Adagrad",
        activation_fn: Callable = relu,
        dropout: Any = None,
        config: Any = None,
    ):
        refuse(self, weight_column=weight_column, label_vocabulary=label_vocabulary)
        head = _two_classes if n_classes == 2 else _classes
        outputs = 1 if n_classes == 2 else n_classes
        given = (head, outputs, optimizer, activation_fn, dropout)
        super().__init__(hidden_units, feature_columns, *given, model_dir=model_dir, config=config)


class DNNRegressor(_Dense):
    """`tf.estimator.DNNRegressor`: the loss is the sum of squared errors.

    Args:
        hidden_units, feature_columns, model_dir, optimizer, activation_fn, dropout, config: as of
            `DNNClassifier`.
        label_dimension: the number of outputs.
    """

    def __init__(
        self,
        hidden_units: Any,
        feature_columns: Any,
        model_dir: Any = None,
        label_dimension: int = 1,
        weight_column: None = None,
        optimizer: Any = "Adagrad",
        activation_fn: Callable = relu,
        dropout: Any = None,
        config: Any = None,
    ):
        refuse(self, weight_column=weight_column)
        given = (_numbers, label_dimension, optimizer, activation_fn, dropout)
        super().__init__(hidden_units, feature_columns, *given, model_dir=model_dir, config=config)


def refuse(estimator: Any, **options: Any) -> None:
    """Raise for arguments that are not supported.

    Raises:
        NotImplementedError: for one that is not `None`.
    """
    for name, value in options.items():
        if value is not None:
            raise NotImplementedError(f"{type(estimator).__name__}({name}=) is not supported")


def _labels(labels: Any, logits: Any) -> Any:
    return jnp.reshape(jnp.asarray(labels), (jnp.shape(logits)[0],))


def _predicted(logits: Any, probabilities: Any) -> dict:
    ids = jnp.argmax(probabilities, 1)[:, None]
    return {"logits": logits, "probabilities": probabilities, "class_ids": ids}


def _with_classes(predictions: dict) -> dict:
    names = lift(lambda ids: np.char.mod("%d", np.asarray(ids)).astype(object), on_host=True)
    return predictions | {"classes": names(predictions["class_ids"])}


def _classified(probabilities: Callable, losses: Callable) -> Callable:
    def head(labels: Any, logits: Any) -> tuple:
        made = apply(lambda x: _predicted(x, probabilities(x)), (logits,))
        if labels is None:
            return _with_classes(made), None, {}
        labels = convert(labels)
        each = apply(losses, (labels, logits))
        true = apply(lambda y, x: _labels(y, x)[:, None], (labels, logits))
        return made, each, {"accuracy": streams.accuracy(true, made["class_ids"])}

    return head


def _crossentropy(labels: Any, logits: Any) -> Any:
    chances = jax.nn.log_softmax(logits)
    return -jnp.take_along_axis(chances, _labels(labels, logits)[:, None].astype("int32"), 1)[:, 0]


def _binary(labels: Any, logits: Any) -> Any:
    y, x = _labels(labels, logits).astype("float32"), logits[:, 0]
    return jnp.maximum(x, 0) - x * y + jnp.log1p(jnp.exp(-jnp.abs(x)))


_classes = _classified(jax.nn.softmax, _crossentropy)
_two_classes = _classified(
    lambda x: jnp.concatenate([jax.nn.sigmoid(-x), jax.nn.sigmoid(x)], 1), _binary
)


def _numbers(labels: Any, logits: Any) -> tuple:
    predictions = {"predictions": logits}
    if labels is None:
        return predictions, None, {}

    def squares(y: Any, x: Any) -> Any:
        return jnp.mean((jnp.reshape(jnp.asarray(y, "float32"), x.shape) - x) ** 2, 1)

    return predictions, apply(squares, (convert(labels), logits)), {}
