"""Dynamic loss scaling, which keeps float16 gradients from vanishing."""

from collections.abc import Iterable
from typing import Any

import jax.numpy as jnp

from hornbook.core.arguments import constructor_signature
from hornbook.core.config import deserialize
from hornbook.core.variable import Variable, unwrap
from hornbook.optimizers.arrays import Array, choose, widen
from hornbook.optimizers.base import Optimizer
from hornbook.optimizers.state import overwritten


class LossScaleOptimizer(Optimizer):
    """Wraps an optimizer with dynamic loss scaling.

    The loss is multiplied by the scale and the gradients are divided by it. After
    `dynamic_growth_steps` steps with finite gradients the scale doubles; if a gradient is not
    finite, the scale halves and the step is skipped.

    Args:
        inner_optimizer: the wrapped optimizer.
        initial_scale: the initial scale; too high is corrected quickly, too low slowly.
        dynamic_growth_steps: finite steps before the scale doubles.
        name: default the class's name in snake case, numbered.

    Raises:
        ValueError: for an argument of the inner optimizer, such as `clipnorm`.

    Example:
        >>> optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1))
        >>> float(optimizer.scale_loss(2.0))
        65536.0

    Micikevicius et al., 2017, https://arxiv.org/abs/1710.03740
    """

    _given = tuple(constructor_signature(Optimizer).parameters)

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **unknown: Any,
    ):
        if not unknown.pop("dynamic", True):  # an argument of Keras 2; now always true
            raise ValueError(
                "LossScaleOptimizer adapts the scale itself. For a fixed scale, use the inner "
                "optimizer alone, with loss_scale_factor=..."
            )
        if unknown:
            raise ValueError(
                f"LossScaleOptimizer has no argument {next(iter(unknown))!r}: if it is one of "
                f"{type(inner_optimizer).__name__}, pass it to the inner optimizer"
            )
        if not isinstance(inner_optimizer, Optimizer):
            raise TypeError(f"LossScaleOptimizer wraps an optimizer, not {inner_optimizer!r}")
        super().__init__(0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps
        inner_optimizer.loss_scale_factor = None  # else gradients would be scaled twice

    @classmethod
    def from_config(cls, config: dict) -> "LossScaleOptimizer":
        """Recreate an optimizer from its config; files of older Keras hold unused defaults."""
        unused = constructor_signature(Optimizer).parameters
        for key in set(config) & set(unused) - {"name"}:
            if key != "learning_rate" and config[key] != unused[key].default:
                raise ValueError(
                    f"LossScaleOptimizer does not take {key!r}: set it on the inner optimizer"
                )
        kept = {k: v for k, v in config.items() if k not in unused or k == "name"}
        return cls(**{key: deserialize(value) for key, value in kept.items()})

    def build(self, variables: Iterable[Variable]) -> None:
        """Create the slots of the trainable variables."""
        variables = list(variables)
        if not self.built:
            self.step_counter = self.add_variable((), dtype="int32", name="step_counter")
            self.dynamic_scale = self.add_variable(
                (), self.initial_scale, "float32", name="dynamic_scale"
            )
        self.inner_optimizer.build(variables)
        super().build(variables)

    @property
    def variables(self) -> list[Variable]:
        """Its own variables, then the inner optimizer's."""
        return [*self._owned_variables(), *self.inner_optimizer.variables]

    @property
    def learning_rate(self) -> Any:
        """The inner optimizer's."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any):
        self.inner_optimizer.learning_rate = value

    @property
    def iterations(self) -> Any:
        """The number of updates; skipped steps do not count."""
        return self.inner_optimizer.iterations

    def apply(
        self, gradients: Iterable[Array], variables: Iterable[Variable] | None = None
    ) -> None:
        """Apply one step; it is skipped if a gradient is not finite."""
        gradients = list(gradients)
        if not gradients:
            return
        gradients, variables = self._matched(gradients, variables)

        def step():
            scale = self.dynamic_scale.raw
            pairs = zip(gradients, variables, strict=True)
            unscaled = [g if overwritten(v) else g / scale for g, v in pairs]
            self.inner_optimizer.apply(unscaled, variables)
            grow = self.step_counter.raw + 1 == self.dynamic_growth_steps
            self.dynamic_scale.assign(jnp.where(grow, 2 * scale, scale))
            self.step_counter.assign(jnp.where(grow, 0, self.step_counter.raw + 1))

        def skip():
            self.dynamic_scale.assign(self.dynamic_scale.raw / 2)
            self.step_counter.assign(0)

        finite = jnp.all(jnp.stack([jnp.all(jnp.isfinite(gradient)) for gradient in gradients]))
        choose(finite, [*self._slots, *self.variables], step, skip)

    def scale_loss(self, loss: Array) -> Array:
        """The scaled loss, to be differentiated."""
        return widen(jnp.asarray(unwrap(loss))) * (
            self.dynamic_scale.raw if self.built else self.initial_scale
        )

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """At the end of training, with the inner optimizer's `use_ema`: assign the averages."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Exclude variables from the inner optimizer's weight decay."""
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)
