"""TimeDistributed: a layer applied to each step of a sequence."""

import inspect
from typing import Any

import jax

from hornbook.layers.base import Layer
from hornbook.layers.recurrent.loop import scan

PACKAGE = __name__.partition(".")[0]


class TimeDistributed(Layer):
    """Applies a layer to each step of a sequence, with the same weights.

    Layers that treat each sample by itself get all steps at once, as one large batch. Others
    (batch normalization in training, stateful layers, layers of your own) get one step at a time.

    Args:
        layer: the layer; it sees inputs `(batch, ...)`.

    Call arguments: `inputs` `(batch, steps, ...)`, or a list or dict of them; `training` and `mask`
    `(batch, steps, ...)`, for layers that take them.

    Returns `(batch, steps, ...)`.

    Raises:
        ValueError: if an input has fewer than three axes, or the mask does not fit.

    Example:
        >>> import hornbook as keras
        >>> frames = np.ones((2, 4, 8, 8, 3))
        >>> keras.layers.TimeDistributed(keras.layers.Conv2D(5, 3))(frames).shape
        (2, 4, 6, 6, 5)
    """

    def __init__(self, layer: Layer, **kwargs: Any):
        if not isinstance(layer, Layer):
            raise ValueError(f"TimeDistributed wraps a layer, not {layer!r}")
        super().__init__(**kwargs)
        self.layer = layer
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        if not self.layer.built:
            self.layer._build({"input_shape": _of_one_step(input_shape, self.name)})

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
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
            return jax.tree.map(lambda a: a.reshape(batch, steps, *a.shape[1:]), outputs)
        step = lambda one, states: (apply(*one), states)  # noqa: E731
        outputs, _, loss = scan(step, (inputs, mask), [])
        if loss is not None:
            self.add_loss(loss)
        return outputs


def _treats_samples_alone(layer: Layer, training: bool) -> bool:
    """Whether each sample's output is sure to depend on that sample alone."""
    modules = layer.modules()
    kinds = {variable.kind for variable in layer.all_variables()}
    known = all(
        type(m).__module__.partition(".")[0] == PACKAGE and type(m).__name__ != "Lambda"
        for m in modules
    )
    return known and "carry" not in kinds and not (training and "state" in kinds)


def _of_one_step(shape: Any, name: str) -> Any:
    """The shape `(batch, ...)` of one step, from `(batch, steps, ...)`; also in structures."""
    if isinstance(shape, dict):
        return {key: _of_one_step(child, name) for key, child in shape.items()}
    if isinstance(shape, list | tuple) and any(isinstance(s, list | tuple | dict) for s in shape):
        return [_of_one_step(child, name) for child in shape]
    if len(shape) < 3:
        raise ValueError(
            f"layer {name!r} (TimeDistributed) takes inputs with at least three axes (batch, steps, "
            f"...); it got shape {tuple(shape)}. A sequence of single numbers needs a last axis of "
            "size 1: x[..., None]"
        )
    return (shape[0], *shape[2:])
