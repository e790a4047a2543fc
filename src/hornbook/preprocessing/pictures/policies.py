"""`RandAugment` and `AugMix`: random layers, one after another and side by side."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.layers.arguments import WHOLE
from hornbook.ops import image_common
from hornbook.preprocessing.pictures import colors
from hornbook.preprocessing.pictures.affine import RandomRotation, RandomShear, RandomTranslation
from hornbook.preprocessing.pictures.histogram import Equalization
from hornbook.preprocessing.pictures.hue import RandomColorDegeneration
from hornbook.preprocessing.pictures.light import (
    AutoContrast,
    RandomBrightness,
    RandomContrast,
    RandomPosterization,
    Solarization,
)
from hornbook.preprocessing.pictures.pixels import RandomPixelLayer
from hornbook.preprocessing.pictures.sharpness import RandomSharpness

# Keras's name of a layer: the layer, and the arguments that are the factor of the policy.
LAYERS: dict[str, tuple[type, tuple[str, ...]]] = {
    "random_shear": (RandomShear, ("x_factor", "y_factor")),
    "random_translation": (RandomTranslation, ("height_factor", "width_factor")),
    "random_rotation": (RandomRotation, ("factor",)),
    "random_brightness": (RandomBrightness, ("factor",)),
    "random_color_degeneration": (RandomColorDegeneration, ("factor",)),
    "random_contrast": (RandomContrast, ("factor",)),
    "random_sharpness": (RandomSharpness, ("factor",)),
    "random_posterization": (RandomPosterization, ("factor",)),
    "solarization": (Solarization, ("addition_factor", "threshold_factor")),
    "auto_contrast": (AutoContrast, ()),
    "equalization": (Equalization, ()),
}
# What Keras's AugMix leaves out without `all_ops`, and its order.
BLENDS = tuple(
    "random_brightness random_color_degeneration random_contrast random_sharpness".split()
)
MIXED = (
    *("random_shear", "random_translation", "random_rotation", "random_posterization"),
    *("solarization", "auto_contrast", "equalization"),
)


class _Policy(RandomPixelLayer):
    """Applies layers that are drawn for each batch, with strengths drawn for each picture.

    The layers see the channels last.
    """

    def _make(self, names: tuple[str, ...], interpolation: str, seed: int | None) -> None:
        """Make the layers, as attributes with Keras's names."""
        self.interpolation = self._one_of("interpolation", interpolation, ("nearest", "bilinear"))
        self._names = names
        shared = {
            "data_format": "channels_last",
            "bounding_box_format": self.bounding_box_format,
            "dtype": self.dtype_policy,
        }
        for name in names:
            kind, strengths = LAYERS[name]
            moves = name in MIXED[:3]
            own: dict[str, Any] = (
                {"interpolation": interpolation} if moves else {"value_range": self.value_range}
            )
            own |= dict.fromkeys(strengths, self.factor)
            if strengths:
                own["seed"] = seed
            if kind is RandomPosterization:
                own["factor"] = max(1, int(8 * self.factor[1]))
            setattr(self, name, kind(**own, **shared))

    def _layer(self, name: str) -> Any:
        return getattr(self, name)

    def _count_of(self, name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, WHOLE) or value < 1:
            raise ValueError(
                f"{type(self).__name__}: {name} must be a positive integer; got {value!r}"
            )
        return int(value)

    def _applied(self, part: str, values: Any, transformation: Any) -> Any:
        """Apply the layers to `"images"`, `"segmentation_masks"` or `"bounding_boxes"`."""
        raise NotImplementedError

    def _changed(self, x: Array, transformation: Any) -> Array:
        return self._applied("images", x, transformation)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        """Apply the layers to masks, which become floats, as in Keras."""
        masks = jnp.asarray(segmentation_masks, self.compute_dtype)
        if not training:
            return masks
        x, back = image_common.batch_of(masks, self.data_format)
        return back(self._applied("segmentation_masks", x, transformation))


def _transform(layer: Any, part: str, values: Any, transformation: Any) -> Any:
    """What a layer makes of a part of its input, in the same dtypes."""
    changed = getattr(layer, f"transform_{part}")(values, transformation)
    return jax.tree.map(lambda new, old: new.astype(old.dtype), changed, values)


class RandAugment(_Policy):
    """Applies random augmentations one after another, in training.

    They are drawn for each batch from eleven layers: shear, translation, rotation, brightness,
    grayscale, contrast, sharpness, posterization, solarization, contrast stretching and
    equalization. Their strengths are drawn for each picture.

    Args:
        value_range: smallest and largest value of the pictures.
        num_ops: number of augmentations.
        factor: strength, 0 to 1: least and largest, or the largest.
        interpolation: `"bilinear"` or `"nearest"`.
        seed: random seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Raises:
        ValueError: for a factor out of range.

    Source: Cubuk et al. 2019, arXiv:1909.13719.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.RandAugment(seed=1)
        >>> layer(np.ones((2, 8, 8, 3), "uint8"), training=True).shape
        (2, 8, 8, 3)
    """

    def __init__(
        self,
        value_range: Any = (0, 255),
        num_ops: int = 2,
        factor: Any = 0.5,
        interpolation: str = "bilinear",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(factor, value_range, data_format, seed, **kwargs)
        self.num_ops = self._count_of("num_ops", num_ops)
        self._make(tuple(LAYERS), interpolation, seed)

    def _drawn(self, shape: tuple, key: Array) -> dict:
        of_layers, *keys = jax.random.split(key, 1 + len(LAYERS))
        like = jax.ShapeDtypeStruct(shape, "float32")
        return {
            "layer_idxes": jax.random.randint(of_layers, (self.num_ops,), 0, len(LAYERS)),
            "transforms": {
                name: self._layer(name).get_random_transformation(like, seed=key)
                for name, key in zip(LAYERS, keys, strict=True)
            },
        }

    def _applied(self, part: str, values: Any, transformation: Any) -> Any:
        drawn = transformation["transforms"]
        branches = [
            functools.partial(_transform, self._layer(name), part, transformation=drawn[name])
            for name in LAYERS
        ]
        indices = jnp.asarray(transformation["layer_idxes"])
        return jax.lax.scan(
            lambda values, index: (jax.lax.switch(index, branches, values), None), values, indices
        )[0]

    def transform_bounding_boxes(
        self, bounding_boxes: dict, transformation: Any, training: bool = True
    ) -> dict:
        """Move boxes as the layers move the pixels, in the same order (which Keras does not)."""
        if not training:
            return bounding_boxes
        boxes = jax.tree.map(jnp.asarray, bounding_boxes)
        return self._applied("bounding_boxes", boxes, transformation)


class AugMix(_Policy):
    """Blends pictures with mixtures of their augmentations, in training.

    A picture goes through several chains of random augmentations. The results are added, with
    random weights, and blended with the picture. The augmentations are drawn for each batch (Keras
    draws them when a model is compiled), their strengths for each picture. Boxes are not moved.
    Masks are mixed like the pictures, so they should be one-hot.

    Args:
        value_range: smallest and largest value of the pictures.
        num_chains: number of chains.
        chain_depth: largest number of augmentations in a chain; one of twelve changes nothing.
        factor: strength, 0 to 1: least and largest, or the largest.
        alpha: positive parameter of the beta and Dirichlet distributions of the weights.
        all_ops: whether brightness, grayscale, contrast and sharpness are among the augmentations.
        interpolation: `"bilinear"` or `"nearest"`.
        seed: random seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; default `config.image_data_format()`.

    Raises:
        ValueError: for a factor out of range, or an `alpha` that is not positive.

    Source: Hendrycks et al. 2019, arXiv:1912.02781.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.AugMix(seed=1)
        >>> layer(np.ones((2, 8, 8, 3), "uint8"), training=True).shape
        (2, 8, 8, 3)
    """

    def __init__(
        self,
        value_range: Any = (0, 255),
        num_chains: int = 3,
        chain_depth: int = 3,
        factor: Any = 0.3,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: str = "bilinear",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(factor, value_range, data_format, seed, **kwargs)
        self.num_chains = self._count_of("num_chains", num_chains)
        self.chain_depth = self._count_of("chain_depth", chain_depth)
        if not alpha > 0:
            raise ValueError(f"AugMix: alpha must be positive; got {alpha!r}")
        self.alpha, self.all_ops = alpha, all_ops
        self._make((*MIXED, *BLENDS) if all_ops else MIXED, interpolation, seed)

    def _drawn(self, shape: tuple, key: Array) -> dict:
        of_weights, of_share, of_layers, of_steps = jax.random.split(key, 4)
        steps = self.num_chains, self.chain_depth
        return {
            "chain_mixing_weights": jax.random.dirichlet(
                of_weights, jnp.full(self.num_chains, self.alpha)
            ),
            "weight_sample": jax.random.beta(of_share, self.alpha, self.alpha),
            # each layer draws from the key of its step; the index after the last layer is no layer
            "chain_transforms": {
                "layer_idxes": jax.random.randint(of_layers, steps, 0, len(self._names) + 1),
                "keys": jax.random.split(of_steps, steps),
            },
        }

    def _applied(self, part: str, values: Any, transformation: Any) -> Any:
        weights = jnp.asarray(transformation["chain_mixing_weights"], values.dtype)
        share = jnp.asarray(transformation["weight_sample"], values.dtype)
        chains = transformation["chain_transforms"]
        chained = self._listed if isinstance(chains, list) else self._scanned
        return share * values + (1 - share) * chained(part, values, chains, weights)

    def _changed(self, x: Array, transformation: Any) -> Array:
        return colors.limit(super()._changed(x, transformation), self.value_range)

    def _scanned(self, part: str, values: Array, chains: dict, weights: Array) -> Array:
        """The weighted sum of the chains; compiled are one chain and one step."""

        def step(x: Array, one: dict) -> tuple[Array, None]:
            def of(layer: Any, x: Array) -> Array:
                return _transform(
                    layer, part, x, layer.get_random_transformation(x, seed=one["keys"])
                )

            branches = [functools.partial(of, self._layer(name)) for name in self._names]
            return jax.lax.switch(one["layer_idxes"], [*branches, lambda x: x], x), None

        def add(total: Array, one: tuple) -> tuple[Array, None]:
            weight, steps = one
            return total + weight * jax.lax.scan(step, values, steps)[0], None

        return jax.lax.scan(add, jnp.zeros_like(values), (weights, chains))[0]

    def _listed(self, part: str, values: Array, chains: list, weights: Array) -> Array:
        """The same for chains in Keras's form: lists of layers' names and transformations."""
        total = jnp.zeros_like(values)
        for weight, chain in zip(weights, chains, strict=True):
            x = values
            for one in chain:
                x = _transform(self._layer(one["layer_name"]), part, x, one["transformation"])
            total += weight * x
        return total
