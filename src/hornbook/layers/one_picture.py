"""Single pictures of the host, whose sizes differ: `call` computes them in numpy."""

import weakref
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.core import tree
from hornbook.layers.base import Layer
from hornbook.layers.calling import convert

PICTURES = ("images", "segmentation_masks")


class OnePicture:
    """Mixin of layers that are mapped over pictures of various sizes, before these are batched.

    XLA would compile a program for each size. So `call` gets a picture as it is, a numpy array of
    three axes, and its numpy result is put on the device. Batches, arrays on the device, dtypes
    other than float32 and subclasses outside of hornbook are compiled.
    """

    compute_dtype: str

    def _argument(self, value: Any) -> Any:
        if not self._is_one_picture(value):
            return convert(self, value)
        if not isinstance(value, dict):
            return _canonical(value)
        return {
            name: _canonical(part)
            if name in PICTURES and self._is_for_numpy(part)
            else convert(self, part)
            for name, part in value.items()
        }

    def _is_one_picture(self, value: Any) -> bool:
        """Whether an argument is a single picture for numpy, alone or in a dictionary."""
        return self._is_for_numpy(value.get("images") if isinstance(value, dict) else value)

    def _is_for_numpy(self, picture: Any) -> bool:
        return (
            isinstance(picture, np.ndarray)
            and picture.ndim == 3
            and picture.dtype.kind in "uif"
            and self.compute_dtype == "float32"
            and type(self).__module__.startswith("hornbook.")
        )

    def _run_at_once(self, args: tuple, kwargs: dict) -> Any:
        outputs = super()._run_at_once(args, kwargs)  # type: ignore[misc]
        if isinstance(outputs, jax.Array):
            return outputs
        return tree.map_structure(
            lambda leaf: jax.device_put(leaf) if isinstance(leaf, np.ndarray) else leaf, outputs
        )


class PictureChain(OnePicture):
    """Mixin of containers whose layers are applied in order, `_stack`.

    A single picture of the host goes through the first layers in numpy, as long as they are
    `OnePicture`, and from there through the others in one compiled call.
    """

    _stack: tuple[Layer, ...]

    def _chained(self) -> list[Layer]:
        return list(self._stack)

    def _is_for_numpy(self, picture: Any) -> bool:
        if not super()._is_for_numpy(picture) or not self._only_transforms():  # type: ignore[attr-defined]
            return False
        first = next(iter(self._chained()), None)
        return isinstance(first, OnePicture) and first._is_for_numpy(picture)

    def _by_parts(self, inputs: Any) -> Any:
        """The chain's result for a single picture."""
        layers = self._chained()
        while layers and isinstance(layers[0], OnePicture):
            inputs = tree.map_structure(np.asarray, layers.pop(0)(inputs))
        if not layers:
            return inputs
        rest = _rests.get(self)
        if rest is None or [*map(id, rest._stack)] != [*map(id, layers)]:
            rest = _rests[self] = _Rest(tuple(layers), name=self.name)  # type: ignore[attr-defined]
        return rest(inputs)


class _Rest(Layer):
    """The layers of a chain from the first on that is not `OnePicture`."""

    _transforms = True
    _casts_inputs = False

    def __init__(self, layers: tuple[Layer, ...], name: str):
        super().__init__(name=name)
        self._stack = layers

    def call(self, inputs: Any) -> Any:
        for layer in self._stack:
            inputs = layer(inputs)
        return inputs


_rests: weakref.WeakKeyDictionary[Any, _Rest] = weakref.WeakKeyDictionary()


def kept(images: Any) -> Any:
    """A batch of one numpy picture as it is; any other batch as a JAX array."""
    one = isinstance(images, np.ndarray) and len(images) == 1
    return images if one else jnp.asarray(images)


def _canonical(picture: np.ndarray) -> np.ndarray:
    return picture.astype(jax.dtypes.canonicalize_dtype(picture.dtype), copy=False)
