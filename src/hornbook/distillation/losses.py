"""What a student learns from a teacher: its outputs, or the outputs of layers inside.

Source: Hinton, Vinyals and Dean 2015, arXiv:1503.02531; Romero et al. 2014, arXiv:1412.6550.
"""

from typing import Any

import jax
import jax.numpy as jnp

from hornbook import losses
from hornbook.core import tree
from hornbook.core.config import Configurable, serialize


class DistillationLoss(Configurable):
    """Base of distillation losses: define `compute_loss(self, teacher_outputs, student_outputs)`.

    Example:
        >>> class Squares(keras.distillation.DistillationLoss):
        ...     def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
        ...         return ((teacher_outputs - student_outputs) ** 2).mean()
        >>> Squares().compute_loss(np.ones(3), np.zeros(3)).item()
        1.0
    """

    loss: Any = None
    teacher_layer_name: str | None = None
    student_layer_name: str | None = None

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """The loss, a scalar.

        Args:
            teacher_outputs, student_outputs: arrays or structures of arrays.
            **kwargs: for subclasses.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `compute_loss`")

    def validate_outputs(self, teacher_outputs: Any, student_outputs: Any) -> None:
        """Raise a `ValueError` if the outputs have different structures.

        Args:
            teacher_outputs, student_outputs: arrays or structures of arrays.
        """
        tree.assert_same_structure(teacher_outputs, student_outputs)

    def validate_model_compatibility(self, teacher: Any, student: Any) -> None:
        """Raise a `ValueError` if a model lacks a layer that the loss names.

        Args:
            teacher, student: the models.
        """
        named = ((teacher, self.teacher_layer_name), (student, self.student_layer_name))
        for role, (model, name) in zip(("teacher", "student"), named, strict=True):
            if name is None:
                continue
            if getattr(model, "inputs", None) is None:
                raise ValueError(
                    f"{type(self).__name__} reads layer {name!r} of the {role} {model.name!r}, "
                    "which has no symbolic inputs: use a functional or Sequential model, or leave "
                    "the layer names out"
                )
            model.get_layer(name)

    def _known_losses(self, loss: Any) -> Any:
        """The losses that names stand for; `None` for outputs to leave out."""
        found = tree.map_structure(losses.get, loss)
        if all(one is None for one in tree.flatten(found)):
            raise ValueError(f"{type(self).__name__} needs at least one loss; it got {loss!r}")
        return found

    def _sum(self, one: Any, teacher_outputs: Any, student_outputs: Any) -> Any:
        """The sum of `one(loss, teacher_output, student_output)` over the outputs with a loss."""
        tree.assert_same_structure(self.loss, teacher_outputs)
        outputs = (tree.flatten(each) for each in (self.loss, teacher_outputs, student_outputs))
        return sum(one(*each) for each in zip(*outputs, strict=True) if each[0] is not None)


class FeatureDistillation(DistillationLoss):
    """The difference between outputs of a layer of the teacher and of one of the student.

    Args:
        loss: a loss, or one for each output in their structure, `None` for outputs to leave out.
        teacher_layer_name: name of the teacher's layer; `None` for the outputs of the model.
        student_layer_name: name of the student's layer.

    Raises:
        ValueError: if there is no loss.

    Example:
        >>> loss = keras.distillation.FeatureDistillation("mse", "hidden", "hidden")
        >>> loss.compute_loss(np.ones((2, 3)), np.zeros((2, 3))).item()
        1.0
    """

    def __init__(
        self,
        loss: Any = "mse",
        teacher_layer_name: str | None = None,
        student_layer_name: str | None = None,
    ):
        self.loss = self._known_losses(loss)
        self.teacher_layer_name = teacher_layer_name
        self.student_layer_name = student_layer_name

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """The sum of the means of the losses; see `DistillationLoss`."""

        def one(loss: Any, teacher: Any, student: Any) -> Any:
            return jnp.mean(loss(teacher, student))

        return self._sum(one, teacher_outputs, student_outputs)

    def get_config(self) -> dict:
        """The constructor arguments as plain data."""
        return {**super().get_config(), "loss": tree.map_structure(serialize, self.loss)}


class LogitsDistillation(DistillationLoss):
    """The difference between the logits of teacher and student, divided by a temperature.

    The Kullback-Leibler divergence is that of their softmax, times the squared temperature, so that
    its gradient does not depend on the temperature much.

    Args:
        temperature: larger values give the teacher's smaller probabilities more weight.
        loss: a loss, or one for each output in their structure, `None` for outputs to leave out.

    Raises:
        ValueError: if there is no loss, or the temperature is not a positive number.

    Example:
        >>> loss = keras.distillation.LogitsDistillation(temperature=2.0)
        >>> logits = np.array([[1.0, 2.0]], "float32")
        >>> loss.compute_loss(logits, logits).item()
        0.0
    """

    def __init__(self, temperature: float = 3.0, loss: Any = "kl_divergence"):
        if not isinstance(temperature, int | float) or temperature <= 0:
            raise ValueError(f"temperature must be a positive number, not {temperature!r}")
        self.temperature = temperature
        self.loss = self._known_losses(loss)

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """The sum of the means of the losses; see `DistillationLoss`."""

        def one(loss: Any, teacher: Any, student: Any) -> Any:
            teacher, student = teacher / self.temperature, student / self.temperature
            if loss is losses.kl_divergence or isinstance(loss, losses.KLDivergence):
                teacher, student = jax.nn.softmax(teacher), jax.nn.softmax(student)
                return jnp.mean(loss(teacher, student)) * self.temperature**2
            return jnp.mean(loss(teacher, student))

        return self._sum(one, teacher_outputs, student_outputs)

    def get_config(self) -> dict:
        """The constructor arguments as plain data."""
        return {**super().get_config(), "loss": tree.map_structure(serialize, self.loss)}
