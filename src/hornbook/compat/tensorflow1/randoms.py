"""Random numbers: each run draws others, from the seeds of the graph and of the operation."""

import itertools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow1.applying import apply, convert, is_traced, is_tracing, narrow
from hornbook.compat.tensorflow1.graph import get_default_graph
from hornbook.compat.tensorflow1.running import current
from hornbook.compat.theano import integers
from hornbook.core import random

_others = itertools.count(2**20)  # draws outside a graph


class Draw:
    """A function of a shape and of parameters that draws numbers.

    Args:
        on_device: a function of a key, the shape, the dtype and the parameters.
        on_host: one of numpy's generator, the shape and the parameters, for initial values.
        dtype: of the numbers.
        seed: of the operation.
        number: of the operation in its graph.
    """

    def __init__(self, on_device: Callable, on_host: Any, dtype: str, seed: Any, number: int):
        self.on_device, self.on_host, self.dtype = on_device, on_host, dtype
        self.number, self.op_seed = number, seed
        self.graph_seed = get_default_graph().seed
        self.__name__ = on_device.__name__

    def __call__(self, shape: Any, *parameters: Any) -> Any:
        sizes = _sizes(shape)
        run = current()
        if run is not None and run.at_once and self.on_host is not None:
            generator = np.random.default_rng([*self._seeds(run.ticket), int(run.ticket[1])])
            made = self.on_host(generator, sizes, *map(np.asarray, parameters))
            return np.asarray(made).astype(as_dtype(self.dtype).as_numpy_dtype)
        kind = narrow(self.dtype)
        return self.on_device(self._key(run), sizes, kind, *parameters).astype(kind)

    def _seeds(self, ticket: Any) -> list[int]:
        if self.op_seed is None and self.graph_seed is None:
            return [int(ticket[0]), self.number]
        own = self.number if self.op_seed is None else int(self.op_seed)
        return [int(self.graph_seed or 0) % 2**32, own % 2**32]

    def _key(self, run: Any) -> Any:
        if run is None:
            return jax.random.key(self.number)
        if self.op_seed is None and self.graph_seed is None:
            key = jax.random.fold_in(jax.random.key(self.number), run.ticket[0])
        else:
            first, own = self._seeds((0, 0))
            key = jax.random.fold_in(jax.random.key(own), first)
        key = jax.random.fold_in(key, run.ticket[1])
        for number in run.folds:
            key = jax.random.fold_in(key, number)
        return key


def _sizes(shape: Any) -> tuple:
    if isinstance(shape, jax.core.Tracer | list | tuple):
        return integers.concretes(shape) if len(np.shape(shape)) or shape else ()
    return tuple(int(n) for n in np.ravel(np.asarray(shape)))


def drawn(
    on_device: Callable,
    on_host: Any,
    shape: Any,
    parameters: tuple,
    dtype: Any,
    seed: Any,
    name: Any,
    kind: str,
) -> Any:
    if is_traced((shape, parameters)) or is_tracing():
        return Draw(on_device, None, str(dtype), seed, next(_others))(shape, *parameters)
    number = len(get_default_graph().operations)
    fn = Draw(on_device, on_host, str(as_dtype(dtype)), seed, number)
    if hasattr(shape, "as_list"):
        shape = shape.as_list()
    return apply(fn, (shape, *parameters), name=name, kind=kind)


def random_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = "float32", seed=None, name=None
):
    """`tf.random_normal`."""

    def normal(key: Any, sizes: tuple, kind: str, mean: Any, stddev: Any) -> Any:
        return jax.random.normal(key, sizes, kind) * stddev + mean

    def host(generator: Any, sizes: tuple, mean: Any, stddev: Any) -> Any:
        return generator.standard_normal(sizes, "float32") * stddev + mean

    given = (mean, stddev)
    return drawn(normal, host, shape, given, dtype, seed, name, "RandomStandardNormal")


def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = "float32", seed=None, name=None
):
    """`tf.truncated_normal`: within two standard deviations."""

    def normal(key: Any, sizes: tuple, kind: str, mean: Any, stddev: Any) -> Any:
        return jax.random.truncated_normal(key, -2.0, 2.0, sizes, kind) * stddev + mean

    def host(generator: Any, sizes: tuple, mean: Any, stddev: Any) -> Any:
        found = generator.standard_normal(sizes, "float32")
        while (far := np.abs(found) > 2).any():
            found[far] = generator.standard_normal(int(far.sum()), "float32")
        return found * stddev + mean

    given = (mean, stddev)
    return drawn(normal, host, shape, given, dtype, seed, name, "TruncatedNormal")


def random_uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = "float32", seed=None, name=None
):
    """`tf.random_uniform`: floats, or integers below `maxval`."""
    kind = as_dtype(dtype)
    if maxval is None:
        if kind.is_integer:
            raise ValueError(f"Must specify maxval for integer dtype {kind!r}")
        maxval = 1.0

    def uniform(key: Any, sizes: tuple, kind: str, low: Any, high: Any) -> Any:
        if jnp.dtype(kind).kind in "iu":
            return jax.random.randint(key, sizes, low, high, kind)
        return jax.random.uniform(key, sizes, kind) * (high - low) + low

    def host(generator: Any, sizes: tuple, low: Any, high: Any) -> Any:
        if kind.is_integer:
            return generator.integers(low, high, sizes)
        return generator.random(sizes, "float32") * (high - low) + low

    given = (minval, maxval)
    return drawn(uniform, host, shape, given, dtype, seed, name, "RandomUniform")


def multinomial(logits: Any, num_samples: Any, seed=None, name=None, output_dtype: Any = "int64"):
    """`tf.multinomial`: indices with the probabilities `softmax(logits)`, (rows, samples)."""

    def categorical(key: Any, sizes: tuple, kind: str, logits: Any) -> Any:
        found = jax.random.categorical(key, logits, -1, (*sizes, logits.shape[0]))
        return jnp.swapaxes(found, 0, 1)

    given = (convert(logits),)
    return drawn(categorical, None, [num_samples], given, output_dtype, seed, name, "Multinomial")


def random_shuffle(value: Any, seed: Any = None, name: Any = None) -> Any:
    """`tf.random_shuffle`: slices in another order."""

    def permuted(key: Any, sizes: tuple, kind: str, value: Any) -> Any:
        return jax.random.permutation(key, jnp.asarray(value))

    def host(generator: Any, sizes: tuple, value: Any) -> Any:
        return generator.permutation(value)

    made = convert(value)
    return drawn(permuted, host, [], (made,), made.dtype, seed, name, "RandomShuffle")


def random_gamma(shape: Any, alpha: Any, beta: Any = None, dtype="float32", seed=None, name=None):
    """`tf.random_gamma`."""

    def gamma(key: Any, sizes: tuple, kind: str, alpha: Any, beta: Any) -> Any:
        alpha = jnp.asarray(alpha, kind)
        return jax.random.gamma(key, alpha, (*sizes, *alpha.shape), kind) / beta

    given = (alpha, 1.0 if beta is None else beta)
    return drawn(gamma, None, shape, given, dtype, seed, name, "RandomGamma")


def random_poisson(lam: Any, shape: Any, dtype: Any = "float32", seed=None, name=None) -> Any:
    """`tf.random_poisson`."""

    def poisson(key: Any, sizes: tuple, kind: str, lam: Any) -> Any:
        lam = jnp.asarray(lam)
        return jax.random.poisson(key, lam, (*sizes, *lam.shape))

    return drawn(poisson, None, shape, (lam,), dtype, seed, name, "RandomPoisson")


def random_crop(value: Any, size: Any, seed: Any = None, name: Any = None) -> Any:
    """`tf.random_crop`: a part of this size at a random place."""

    def crop(key: Any, sizes: tuple, kind: str, value: Any) -> Any:
        value = jnp.asarray(value)
        most = np.array(value.shape) - np.array(sizes) + 1
        starts = jax.random.randint(key, (value.ndim,), 0, most)
        return jax.lax.dynamic_slice(value, starts, sizes)

    made = convert(value)
    return drawn(crop, None, size, (made,), made.dtype, seed, name, "RandomCrop")


def set_random_seed(seed: Any) -> None:
    """`tf.set_random_seed`: the seed of the current graph, and of what Keras's layers draw."""
    get_default_graph().seed = seed
    if seed is not None:
        random.set_random_seed(int(seed))  # of Keras's layers
