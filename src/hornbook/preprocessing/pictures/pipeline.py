"""`Pipeline`: layers applied in order."""

from typing import Any

from hornbook.core.config import serialize
from hornbook.core.mask import set_mask
from hornbook.layers.base import Layer
from hornbook.layers.one_picture import PictureChain
from hornbook.preprocessing.pictures.base import with_arrays


class Pipeline(PictureChain, Layer):
    """Applies layers in order: for example, all that augments pictures.

    It is a layer, not a model. Called on arrays, it is one compiled call if all its layers are of
    pictures; affine ones in a row, such as `RandomRotation` and `RandomZoom`, resample once.

    Args:
        layers: the layers.
        name: default `"pipeline"`, numbered.

    Raises:
        ValueError: if `layers` is not a list of layers.

    Example:
        >>> from hornbook.layers import Pipeline, RandomFlip, RandomRotation, RandomZoom
        >>> augment = Pipeline([RandomFlip(), RandomRotation(0.1), RandomZoom(0.2)])
        >>> augment(np.ones((2, 8, 8, 3))).shape
        (2, 8, 8, 3)
    """

    _casts_inputs = False  # the layers cast

    def __init__(self, layers: list, name: str | None = None):
        super().__init__(name=name)
        if not isinstance(layers, list | tuple) or not all(isinstance(x, Layer) for x in layers):
            raise ValueError(f"a Pipeline takes a list of layers, not {layers!r}")
        self._stack = tuple(layers)

    @property
    def layers(self) -> list[Layer]:
        """The layers, in order."""
        return list(self._stack)

    def _only_transforms(self) -> bool:
        return all(layer._only_transforms() for layer in self._stack)

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Apply the layers to pictures, or to a dictionary of them and what belongs to them."""
        return super().__call__(with_arrays(inputs, self.name), *args, **kwargs)

    def call(self, inputs: Any, training: bool = True, mask: Any = None) -> Any:
        if mask is not None:
            set_mask(inputs, mask)
        if self._is_one_picture(inputs):
            return self._by_parts(inputs)
        for layer in self._stack:
            inputs = layer(inputs)
        return inputs

    def get_config(self) -> dict:
        """The layers as plain data, and the name."""
        return {"layers": [serialize(layer) for layer in self._stack], "name": self.name}
