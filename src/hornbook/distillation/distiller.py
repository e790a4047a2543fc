"""`Distiller`: trains a student on labels and on what a teacher computes."""

import warnings
from typing import Any

import jax.numpy as jnp

from hornbook import losses
from hornbook.core import tree
from hornbook.core.config import serialize
from hornbook.core.errors import door
from hornbook.metrics import Mean
from hornbook.models import Model

OUTPUT = "final_output"


class Distiller(Model):
    """Trains a student model; its predictions are the student's.

    The loss is `w * student_loss + (1 - w) * distillation_loss`, where `w` is
    `student_loss_weight`. The teacher is frozen.

    Args:
        teacher: a trained model.
        student: the model to train.
        distillation_losses: a `DistillationLoss`, or a list.
        distillation_loss_weights: factors of the losses in the list; default 1.
        student_loss_weight: weight of the loss that `compile` gets, 0 to 1.
        name: name of the model.

    Raises:
        ValueError: if the models are not models, differ in the shapes or dtypes of inputs or
            outputs, or lack a layer that a loss names; or for wrong weights.

    Example:
        >>> def model():
        ...     return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> student = model()
        >>> distiller = keras.distillation.Distiller(
        ...     model(), student, keras.distillation.LogitsDistillation()
        ... )
        >>> distiller.compile("adam", keras.losses.SparseCategoricalCrossentropy(True))
        >>> _ = distiller.fit(np.ones((4, 3)), np.array([0, 1, 1, 0]), verbose=0)
        >>> student.predict(np.ones((1, 3)), verbose=0).shape
        (1, 2)
    """

    def __init__(
        self,
        teacher: Any,
        student: Any,
        distillation_losses: Any,
        distillation_loss_weights: Any = None,
        student_loss_weight: float = 0.5,
        name: str = "distiller",
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        several = isinstance(distillation_losses, list | tuple)
        listed = list(distillation_losses) if several else [distillation_losses]
        weights = [1.0] * len(listed)
        if several and distillation_loss_weights is not None:
            weights = list(distillation_loss_weights)
        if distillation_losses is None or len(weights) != len(listed):
            raise ValueError(
                f"{name!r} needs distillation losses and as many weights; it got "
                f"{distillation_losses!r} and {distillation_loss_weights!r}"
            )
        if not isinstance(student_loss_weight, int | float) or not 0 <= student_loss_weight <= 1:
            raise ValueError(f"student_loss_weight must be 0 to 1, not {student_loss_weight!r}")
        _check(teacher, student)
        for one in listed:
            one.validate_model_compatibility(teacher, student)
        self.teacher, self.student = teacher, student
        self.distillation_losses, self.distillation_loss_weights = listed, weights
        self.student_loss_weight = student_loss_weight
        teacher.trainable = False
        self.student_loss_tracker = Mean(name="student_loss")
        self.distillation_loss_tracker = Mean(name="distillation_loss")
        self.total_loss_tracker = Mean(name="total_loss")
        self._teacher_features = _features(teacher, [one.teacher_layer_name for one in listed])
        self._student_features = _features(student, [one.student_layer_name for one in listed])

    @door
    def compile(  # type: ignore[override]
        self, optimizer: Any = "adam", loss: Any = None, metrics: Any = None, **kwargs: Any
    ) -> None:
        """Configure training.

        Args:
            optimizer: see `Model.compile`.
            loss: the student's loss, a name or a loss, or one for each output in their structure.
            metrics: see `Model.compile`, a list.
            **kwargs: see `Model.compile`.

        Raises:
            ValueError: without a loss, and if `metrics` is not a list.
        """
        if loss is None:
            raise ValueError(f"compile of {self.name!r} needs the student's loss: pass loss=...")
        if metrics is not None and not isinstance(metrics, list | tuple):
            raise ValueError(f"metrics of {self.name!r} must be a list, not {metrics!r}")
        self._student_loss = tree.map_structure(losses.get, loss)
        super().compile(optimizer, None, metrics=metrics, **kwargs)

    def get_compile_config(self) -> dict | None:
        """The arguments of `compile` as plain data; `None` before it is called."""
        config = super().get_compile_config()
        return config and {**config, "loss": tree.map_structure(serialize, self._student_loss)}

    def compile_from_config(self, config: dict) -> None:
        """Compile from the result of `get_compile_config`; Keras's files lack the loss."""
        if config.get("loss") is None:
            warnings.warn(
                f"the file of {self.name!r} has no loss: call compile() before training",
                stacklevel=2,
            )
            return
        super().compile_from_config(config)

    def call(  # type: ignore[override]
        self, inputs: Any, training: Any = None, **kwargs: Any
    ) -> Any:
        """The student's predictions."""
        return self.student(inputs, training=training, **kwargs)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The weighted sum of the student's loss and the distillation losses."""
        if y_pred is None:
            y_pred = self(x, training=training)
        weight = self.student_loss_weight
        student_loss: Any = 0.0
        if weight > 0 and y is not None:
            each = tree.map_structure(lambda loss, *ys: loss(*ys), self._student_loss, y, y_pred)
            student_loss = jnp.mean(sum(tree.flatten(each)))
        distillation_loss: Any = 0.0
        if weight < 1:
            ours: Any = {OUTPUT: y_pred}
            if self._student_features is not None:
                ours |= {**self._student_features(x, training=True), OUTPUT: y_pred}
            theirs = (self._teacher_features or self.teacher)(x, training=False)
            theirs = theirs if self._teacher_features is not None else {OUTPUT: theirs}
            pairs = zip(self.distillation_losses, self.distillation_loss_weights, strict=True)
            for one, factor in pairs:
                # as in Keras, the student's layer counts only beside a layer of the teacher's
                named = one.teacher_layer_name is not None
                wanted = theirs[one.teacher_layer_name or OUTPUT]
                found = ours[(named and one.student_layer_name) or OUTPUT]
                one.validate_outputs(wanted, found)
                value = one.compute_loss(wanted, found)
                if getattr(value, "shape", ()) != ():
                    raise ValueError(
                        f"compute_loss of {type(one).__name__} must return a scalar; it returned "
                        f"an array of shape {value.shape}"
                    )
                distillation_loss = distillation_loss + factor * value
        total = weight * student_loss + (1.0 - weight) * distillation_loss
        self.student_loss_tracker.update_state(student_loss)
        self.distillation_loss_tracker.update_state(distillation_loss)
        self.total_loss_tracker.update_state(total)
        return total

    def get_config(self) -> dict:
        """The constructor arguments as plain data."""
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": serialize(self.dtype_policy),
            "teacher": serialize(self.teacher),
            "student": serialize(self.student),
            "distillation_losses": serialize(self.distillation_losses),
            "distillation_loss_weights": self.distillation_loss_weights,
            "student_loss_weight": self.student_loss_weight,
        }


def _check(teacher: Any, student: Any) -> None:
    """Raise a `ValueError` unless two models take and return the same shapes and dtypes."""
    for role, model in (("teacher", teacher), ("student", student)):
        if not isinstance(model, Model):
            raise ValueError(f"the {role} of a Distiller must be a Model, not {model!r}")
    for what in ("inputs", "outputs"):
        theirs, ours = (getattr(model, what, None) for model in (teacher, student))
        for one, two in zip(theirs or (), ours or (), strict=bool(theirs and ours)):
            sizes = zip(one.shape, two.shape, strict=False)
            fits = len(one.shape) == len(two.shape) and all(
                a is None or b is None or a == b for a, b in sizes
            )
            if not fits or one.dtype != two.dtype:
                raise ValueError(
                    f"teacher and student must have the same {what}; the teacher has {one.shape} "
                    f"{one.dtype}, the student {two.shape} {two.dtype}"
                )


def _features(model: Any, names: list) -> Any:
    """A model that returns the outputs of layers and of the model by name; `None` without names."""
    known = {name: model.get_layer(name).output for name in names if name}
    return Model(model.inputs, {**known, OUTPUT: model.output}) if known else None
