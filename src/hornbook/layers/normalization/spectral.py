"""SpectralNormalization: a layer whose kernel is divided by its largest singular value."""

from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from hornbook import initializers
from hornbook.core.settings import epsilon
from hornbook.core.variable import Variable
from hornbook.layers.arguments import positive
from hornbook.layers.base import Layer
from hornbook.layers.normalization.statistics import unit
from hornbook.layers.spec import InputSpec
from hornbook.layers.wrapper import Wrapper


class SpectralNormalization(Wrapper):
    """Divides the kernel of a layer by its spectral norm, at each step of training.

    The norm, the largest singular value of the kernel as a matrix `(..., units)`, is found by power
    iteration. It bounds the layer's Lipschitz constant, which makes the training of GANs stable.

    Args:
        layer: a layer with a `kernel` or `embeddings`.
        power_iterations: number of iterations per step; they go on from those of earlier steps.

    Raises:
        ValueError: if the layer has no kernel, or `power_iterations` is not positive.

    Source: Miyato et al. 2018, arXiv:1802.05957.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.SpectralNormalization(keras.layers.Dense(3), power_iterations=50)
        >>> _ = layer(np.ones((2, 4), "float32"), training=True)
        >>> round(float(np.linalg.norm(layer.layer.kernel, 2)), 3)
        1.0
    """

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs: Any):
        super().__init__(layer, **kwargs)
        self.power_iterations = positive("power_iterations", power_iterations, self)

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        if input_shape:
            self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})
        self.kernel = kernel_of(self, self.layer, "kernel", "embeddings")
        self.vector_u = self.add_weight(
            (1, self.kernel.shape[-1]),
            initializers.TruncatedNormal(stddev=0.02),
            dtype=self.kernel.dtype,
            trainable=False,
            name="vector_u",
        )

    def call(self, inputs: Array, training: bool = False) -> Array:
        if training:
            u, kernel = self.normalized_weights()
            self.vector_u.assign(u)
            self.kernel.assign(kernel)
        output = self.layer(inputs)
        # Keras also casts to an integer dtype, which rounds the vectors of an Embedding.
        return output.astype(inputs.dtype) if jnp.issubdtype(inputs.dtype, jnp.floating) else output

    def normalized_weights(self) -> tuple[Array, Array]:
        """The next `vector_u` and the normalized kernel; a kernel of zeros changes neither."""
        kernel, old = self.kernel.raw, self.vector_u.raw
        matrix = kernel.reshape(-1, kernel.shape[-1])
        empty = ~jnp.any(matrix)
        fixed, u = lax.stop_gradient((matrix, old))
        for _ in range(self.power_iterations):
            v = unit(u @ fixed.T, None, epsilon())
            u = unit(v @ fixed, None, epsilon())
        norm = jnp.where(empty, 1, v @ matrix @ u.T)
        return jnp.where(empty, old, u), (matrix / norm).reshape(kernel.shape)


def kernel_of(wrapper: Layer, layer: Layer, *names: str) -> Variable:
    """The first of these variables that a layer has.

    Raises:
        ValueError: if it has none; the message names both layers.
    """
    found = [vars(layer)[name] for name in names if isinstance(vars(layer).get(name), Variable)]
    if not found:
        raise ValueError(
            f"layer {wrapper.name!r} ({type(wrapper).__name__}) normalizes a weight named "
            f"{' or '.join(map(repr, names))}; layer {layer.name!r} ({type(layer).__name__}) has "
            "none"
        )
    return found[0]
