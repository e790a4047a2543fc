"""TimeDistributed: a layer applied to each step of a sequence."""

import inspect
from typing import Any

import jax
from jax import Array

from hornbook.layers.base import Layer
from hornbook.layers.recurrent.loop import scan
from hornbook.layers.wrapper import Wrapper
from hornbook.ops.activation import carried

PACKAGE = __name__.partition(".")[0]


class TimeDistributed(Wrapper):
    """Applies a layer to each step of a sequence, with the same weights.

    Layers that treat samples independently get all steps at once, as one large batch. Others
    (batch normalization in training, stateful layers, custom layers) get one step at a time.

    Args:
        layer: the layer; its inputs are `(batch, ...)`.

    Call arguments: `inputs` `(batch, steps, ...)`, or a list or dict of them; `training` and `mask`
    `(batch, steps, ...)`, for layers that take them.

    Returns `(batch, steps, ...)`.

    Raises:
        ValueError: if `layer` is not a layer, an input has fewer than three axes, or the mask does
            not match the inputs.

    Example:
        >>> import hornbook as keras
        >>> frames = np.ones((2, 4, 8, 8, 3))
        >>> keras.layers.TimeDistributed(keras.layers.Conv2D(5, 3))(frames).shape
        (2, 4, 6, 6, 5)
    """

    def __init__(self, layer: Layer, **kwargs: Any):
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    @property
    def ignores_masked_steps(self) -> bool:
        """Whether its layer treats steps independently and adds no loss."""
        return _treats_steps_alike(self.layer)

    def build(self, input_shape: Any = None) -> None:
        super().build(_of_one_step(input_shape, self.name))

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        first = jax.tree.leaves(inputs)[0]
        for one in jax.tree.leaves(mask):
            if one.shape[:2] != first.shape[:2]:
                raise ValueError(
                    f"layer {self.name!r} got a mask of shape {one.shape} for inputs of shape "
                    f"{first.shape}; their first two axes (batch, steps) must be equal"
                )
        takes_mask = "mask" in inspect.signature(self.layer.call).parameters
        mask = mask if takes_mask else None

        def apply(inputs, mask):
            kwargs = {} if mask is None else {"mask": mask}
            return self.layer(inputs, training=training, **kwargs)

        if _treats_samples_alone(self.layer, training):
            batch, steps = first.shape[:2]
            merge = lambda a: a.reshape(batch * steps, *a.shape[2:])  # noqa: E731
            outputs = apply(*jax.tree.map(merge, (inputs, mask)))
            return jax.tree.map(lambda a: _split(a, batch, steps), outputs)
        step = lambda one, states: (apply(*one), states)  # noqa: E731
        outputs, _, loss = scan(step, (inputs, mask), [])
        if loss is not None:
            self.add_loss(loss)
        return outputs


def _split(merged: Array, batch: int, steps: int) -> Array:
    """Split the merged axis into batch and steps, keeping the logits behind a softmax."""
    split = lambda a: a.reshape(batch, steps, *a.shape[1:])  # noqa: E731
    return carried(merged, split, axis=lambda axis: axis + 1)


def _treats_samples_alone(layer: Layer, training: bool | None) -> bool:
    """Whether each sample's output is known to depend on that sample alone."""
    kinds = {variable.kind for variable in layer._all_variables()}
    moving = "carry" in kinds or (training and "state" in kinds)
    return not moving and all(_is_known(module) for module in layer._all_modules())


def _treats_steps_alike(layer: Layer) -> bool:
    """Whether a step's output depends on that step alone, without side effects such as losses."""
    takes_mask = "mask" in inspect.signature(layer.call).parameters
    quiet = all(
        getattr(module, "activity_regularizer", None) is None
        and not getattr(module, "_symbolic_losses", None)
        for module in layer._all_modules()
    )
    return quiet and not takes_mask and _treats_samples_alone(layer, training=True)


def _is_known(module: Any) -> bool:
    """Whether a module belongs to this package and runs no user function."""
    graph = getattr(module, "_recorded", None)
    calls_ops = graph and not all(isinstance(op, Layer) for op in graph.operations())
    own = type(module).__module__.partition(".")[0] == PACKAGE
    return own and not calls_ops and not getattr(module, "_runs_given_function", False)


def _of_one_step(shape: Any, name: str) -> Any:
    """The shape `(batch, ...)` of one step from `(batch, steps, ...)`, also in structures."""
    if isinstance(shape, dict):
        return {key: _of_one_step(child, name) for key, child in shape.items()}
    if isinstance(shape, list | tuple) and any(isinstance(s, list | tuple | dict) for s in shape):
        return [_of_one_step(child, name) for child in shape]
    if len(shape) < 3:
        raise ValueError(
            f"layer {name!r} (TimeDistributed) takes at least three axes (batch, steps, ...); "
            f"it got shape {tuple(shape)}. A recurrent layer before it returns every step with "
            "return_sequences=True; sequences of scalars need a last axis: x[..., None]"
        )
    return (shape[0], *shape[2:])
