"""Single pictures of the host, whose sizes differ: `call` computes them in numpy."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.core import tree
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
        picture = value.get("images") if isinstance(value, dict) else value
        if not self._is_for_numpy(picture):
            return convert(self, value)
        if not isinstance(value, dict):
            return _canonical(value)
        return {
            name: _canonical(part)
            if name in PICTURES and self._is_for_numpy(part)
            else convert(self, part)
            for name, part in value.items()
        }

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
        return tree.map_structure(
            lambda leaf: jax.device_put(leaf) if isinstance(leaf, np.ndarray) else leaf, outputs
        )


def kept(images: Any) -> Any:
    """A batch of one numpy picture as it is; any other batch as a JAX array."""
    one = isinstance(images, np.ndarray) and len(images) == 1
    return images if one else jnp.asarray(images)


def _canonical(picture: np.ndarray) -> np.ndarray:
    return picture.astype(jax.dtypes.canonicalize_dtype(picture.dtype), copy=False)
