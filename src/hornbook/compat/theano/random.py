"""`RandomStreams` and `MRG_RandomStreams`: variables drawn anew in each call of a function.

Each draw has its own shared variable for the state, whose default update is the next state. The
numbers are JAX's: reproducible by seed, but not equal to Theano's.
"""

import functools
import secrets
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.compat.theano.config import config
from hornbook.compat.theano.dtypes import upgrade_to_float
from hornbook.compat.theano.shaping import ones_in, sizes
from hornbook.compat.theano.shared import SharedVariable
from hornbook.compat.theano.types import TensorType, dtype_of, upcast
from hornbook.compat.theano.variable import TensorVariable, apply, as_tensor_variable

KEY = TensorType("uint32", (False,))


class State:
    """The state of one draw, which programs copy and set like a `numpy.random.RandomState`.

    Args:
        words: two 32-bit integers.

    Example:
        >>> state = State([1, 2])
        >>> state.seed(5)
        >>> other = State([0, 0]); other.set_state(state.get_state())
        >>> bool((np.asarray(other) == np.asarray(state)).all())
        True
    """

    def __init__(self, words: Any):
        self.words = np.array(words, "uint32")

    def seed(self, seed: Any = None) -> None:
        """Begin anew."""
        self.words = _words(seed)

    def get_state(self) -> Any:
        """What `set_state` takes."""
        return self.words.copy()

    def set_state(self, state: Any) -> None:
        """Restore a previous state."""
        self.words = np.array(state, "uint32")

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.words.astype(dtype or "uint32")


class RandomStateSharedVariable(SharedVariable):
    """A shared variable holding the state of one draw of `RandomStreams`."""

    def get_value(self, borrow: bool = False, return_internal_type: bool = False) -> Any:
        """The state, as an object with `seed`, `get_state` and `set_state`."""
        return State(super().get_value())

    def set_value(self, value: Any, borrow: bool = False) -> None:
        """Set the state, from `get_value` or a numpy RandomState."""
        if isinstance(value, np.random.RandomState):
            value = value.randint(2**32, size=2, dtype="uint32")
        super().set_value(np.asarray(value), borrow)


def _words(seed: Any, *more: int) -> np.ndarray:
    """The key for a seed and the index of a draw."""
    given = [secrets.randbits(32)] if seed is None else np.ravel(seed).tolist()
    return np.random.SeedSequence([*(abs(int(one)) for one in given), *more]).generate_state(2)


class Draw:
    """One draw, as a function of a state, an optional shape, and parameters.

    Args:
        sample: maps key, shape, dtype and parameters to numbers.
        dtype: of the numbers.
        sized: whether a shape comes before the parameters.
    """

    def __init__(self, sample: Callable, dtype: str, sized: bool):
        self.sample, self.dtype, self.sized = sample, dtype, sized

    def __call__(self, words: Any, *given: Any) -> tuple:
        key, use = jax.random.split(jax.random.wrap_key_data(words, impl="threefry2x32"))
        shape = sizes(given[0]) if self.sized else None
        drawn = self.sample(use, shape, self.dtype, *given[self.sized :])
        return jax.random.key_data(key), drawn.astype(self.dtype)


class Streams:
    """Base of both classes: draws, each with a state, that are seeded together.

    Args:
        seed: an integer; default: random.
    """

    make_state: type[SharedVariable] = SharedVariable

    def __init__(self, seed: Any = None):
        self.state_updates: list[tuple] = []
        self.default_instance_seed = seed
        self.seed_given = seed

    def updates(self) -> list[tuple]:
        """Pairs of a state and its update."""
        return [pair[:2] for pair in self.state_updates]

    def seed(self, seed: Any = None) -> None:
        """Reseed all draws.

        Args:
            seed: default: the initial seed.
        """
        seed = self.default_instance_seed if seed is None else seed
        self.seed_given = seed
        for number, (state, *_) in enumerate(self.state_updates):
            state.set_value(State(_words(seed, number)))

    def _draw(
        self,
        name: str,
        sample: Callable,
        size: Any,
        dtype: Any,
        parameters: list,
        ndim: Any = None,
        lead: Any = None,
        more: int = 0,
    ) -> Any:
        """A variable drawn by `sample(key, shape, dtype, *parameters)`.

        Args:
            name: of the op.
            sample: a function of arrays.
            size: the shape, or `None` for that of the parameters.
            dtype: of the result.
            parameters: tensors.
            ndim: the number of axes of `size`.
            lead: the broadcasting pattern if there is no size; default: that of the parameters.
            more: the number of trailing axes.
        """
        state = self.make_state(_words(self.seed_given, len(self.state_updates)), KEY)
        variables = [as_tensor_variable(one) for one in parameters]
        shape = [] if size is None else [_shape(size)]
        dtype = dtype_of(dtype)

        def infer(_, *given):
            if shape:
                pattern = ones_in(given[0], ndim)
            else:
                pattern = _together(variables) if lead is None else lead
            return [KEY, TensorType(dtype, (*pattern, *(False,) * more))]

        draw = Draw(sample, dtype, bool(shape))
        after, drawn = apply(draw, state, *shape, *variables, infer=infer, name=name)
        return self._noted(state, after, drawn, size)

    def _noted(self, state: Any, after: Any, drawn: Any, size: Any) -> Any:
        state.default_update = after
        state.tag.is_rng = True
        self.state_updates.append((state, after))
        drawn.rng, drawn.update = state, (state, after)
        return drawn

    def uniform(
        self,
        size: Any = None,
        low: Any = 0.0,
        high: Any = 1.0,
        ndim: Any = None,
        dtype: Any = None,
        nstreams: Any = None,
    ) -> Any:
        """Uniformly distributed numbers between two bounds.

        Args:
            size: the shape: integers, variables, or a vector; default: that of the bounds.
            low, high: the bounds.
            ndim: the number of axes, if the shape is a vector.
            dtype: default: `floatX`, or wider if the bounds need it.
            nstreams: accepted and ignored.
        """
        dtype = _float(dtype, low, high)
        return self._draw("uniform", _uniform, size, dtype, [low, high], ndim)

    def normal(
        self,
        size: Any = None,
        avg: Any = 0.0,
        std: Any = 1.0,
        ndim: Any = None,
        dtype: Any = None,
        nstreams: Any = None,
        truncate: bool = False,
    ) -> Any:
        """Normally distributed numbers.

        Args:
            size, ndim, dtype, nstreams: as for `uniform`.
            avg, std: the mean and the standard deviation.
            truncate: whether to limit numbers to two standard deviations from the mean.
        """
        dtype = _float(dtype, avg, std)
        if truncate:
            return self._truncated(size, 1.0, avg, std, ndim, dtype)
        return self._draw("normal", _normal, size, dtype, [avg, std], ndim)

    def _truncated(self, size, scale, avg=0.0, std=1.0, ndim=None, dtype=None):
        dtype = _float(dtype, avg, std)
        sample = functools.partial(_truncated, scale=scale)
        return self._draw("truncated_normal", sample, size, dtype, [avg, std], ndim)

    def binomial(
        self,
        size: Any = None,
        n: Any = 1,
        p: Any = 0.5,
        ndim: Any = None,
        dtype: Any = "int64",
        nstreams: Any = None,
        prob: Any = None,
    ) -> Any:
        """Binomially distributed numbers: successes in `n` trials with probability `p`."""
        p = p if prob is None else prob
        once = not isinstance(n, TensorVariable) and np.ndim(n) == 0 and int(n) == 1
        if once:
            return self._draw("binomial", _bernoulli, size, dtype, [p], ndim)
        return self._draw("binomial", _binomial, size, dtype, [n, p], ndim)

    def multinomial(
        self,
        size: Any = None,
        n: Any = 1,
        pvals: Any = None,
        ndim: Any = None,
        dtype: Any = "int64",
        nstreams: Any = None,
    ) -> Any:
        """Multinomially distributed counts of each class in `n` trials.

        Args:
            size: the shape before the classes; default: that of the rows of `pvals`.
            n: number of trials.
            pvals: probabilities `(..., classes)`.
            ndim: the number of axes of `size`.
            dtype: of the counts.
        """
        pvals = as_tensor_variable([0.5, 0.5] if pvals is None else pvals)
        lead = pvals.broadcastable[:-1]
        return self._draw("multinomial", _multinomial, size, dtype, [n, pvals], ndim, lead, 1)


class RandomStreams(Streams):
    """`theano.tensor.shared_randomstreams.RandomStreams`.

    Args:
        seed: an integer; default: random.

    Example:
        >>> draw = RandomStreams(seed=1).uniform((2, 3))
        >>> draw.type, draw.rng.default_update is draw.update[1]
        (TensorType(float32, matrix), True)
    """

    make_state = RandomStateSharedVariable

    def random_integers(
        self, size: Any = None, low: Any = 0, high: Any = 1, ndim: Any = None, dtype: Any = "int64"
    ) -> Any:
        """Integers between two bounds, both inclusive."""
        return self._draw("random_integers", _integers, size, dtype, [low, high], ndim)

    def poisson(
        self, size: Any = None, lam: Any = 1.0, ndim: Any = None, dtype: Any = "int64"
    ) -> Any:
        """Poisson-distributed numbers with rate `lam`."""
        return self._draw("poisson", _poisson, size, dtype, [lam], ndim)

    def choice(
        self,
        size: Any = None,
        a: Any = 2,
        replace: bool = True,
        p: Any = None,
        ndim: Any = None,
        dtype: Any = "int64",
    ) -> Any:
        """Sample integers below `a`, or elements of a vector, with probabilities `p`."""
        given = [a] if p is None else [a, p]
        sample = functools.partial(_chosen, replace=replace)
        return self._draw("choice", sample, () if size is None else size, dtype, given, ndim)

    def permutation(
        self, size: Any = None, n: Any = 1, ndim: Any = None, dtype: Any = "int64"
    ) -> Any:
        """Random permutations of the integers below `n`, in `size` rows."""
        return self._draw("permutation", _permutation, size, dtype, [n], ndim, (), 1)

    def shuffle_row_elements(self, input: Any) -> Any:
        """Shuffle a vector, or each row of a matrix independently."""
        x = as_tensor_variable(input)
        return self._draw("shuffle_row_elements", _shuffled, None, x.dtype, [x])


class MRG_RandomStreams(Streams):
    """`theano.sandbox.rng_mrg.MRG_RandomStreams`.

    Args:
        seed: an integer, or six.
        use_cuda: accepted and ignored.

    Example:
        >>> MRG_RandomStreams(seed=1).binomial((3,), p=0.2, dtype="float32").dtype
        'float32'
    """

    def __init__(self, seed: Any = 12345, use_cuda: Any = None):
        super().__init__(seed)

    @property
    def rstate(self) -> Any:
        """The seed from which further draws are derived."""
        return self.seed_given

    @rstate.setter
    def rstate(self, value: Any) -> None:
        self.seed_given = value

    def _noted(self, state: Any, after: Any, drawn: Any, size: Any) -> Any:
        super()._noted(state, after, drawn, size)
        self.state_updates[-1] = (state, after, size, None)
        return drawn

    def inc_rstate(self) -> None:
        """No-op: each draw has its own state."""

    def truncated_normal(self, size: Any, *args: Any, nstreams: Any = None, **kwargs: Any) -> Any:
        """Normal numbers within two deviations, scaled to standard deviation `std`."""
        return self._truncated(size, 1 / 0.87962566103423978, *args, **kwargs)

    def choice(
        self,
        size: Any = 1,
        a: Any = None,
        replace: bool = True,
        p: Any = None,
        ndim: Any = None,
        dtype: Any = "int64",
        nstreams: Any = None,
    ) -> Any:
        """Draw `size` distinct classes for each row of probabilities.

        Raises:
            NotImplementedError: with replacement or `a`, as in Theano; use RandomStreams.
        """
        if replace or a is not None or p is None:
            raise NotImplementedError(
                "MRG_RandomStreams.choice takes replace=False, p=... and no `a`; "
                "RandomStreams.choice supports the other forms"
            )
        p = as_tensor_variable(p)
        return self._draw(
            "choice", _different, None, dtype, [p, size], None, p.broadcastable[:-1], 1
        )

    def multinomial_wo_replacement(
        self, size: Any = None, n: Any = 1, pvals: Any = None, **kwargs: Any
    ) -> Any:
        """Older name of `choice`."""
        return self.choice(n, replace=False, p=pvals, **kwargs)


def _listed(size: Any) -> list:
    if isinstance(size, TensorVariable) and size.ndim:
        return [size]
    return list(size) if isinstance(size, list | tuple | np.ndarray) else [size]


def _shape(size: Any) -> Any:
    """A shape as `apply` takes it: a list of sizes, or a vector."""
    listed = _listed(size)
    vector = len(listed) == 1 and isinstance(listed[0], TensorVariable) and listed[0].ndim
    return listed[0] if vector else listed


def _float(dtype: Any, *parameters: Any) -> str:
    if dtype is not None:
        return dtype_of(dtype)
    given = [as_tensor_variable(one).dtype for one in parameters]
    return upcast(config.floatX, *(one for one in given if one.startswith("float")))


def _together(variables: list) -> tuple:
    """The broadcasting pattern of several tensors broadcast together."""
    ndim = max((one.ndim for one in variables), default=0)
    patterns = [(True,) * (ndim - one.ndim) + one.broadcastable for one in variables]
    return tuple(all(axis) for axis in zip(*patterns, strict=True))


def _filled(shape, *parameters):
    return np.broadcast_shapes(*map(np.shape, parameters)) if shape is None else shape


def _uniform(key, shape, dtype, low, high):
    low, high = jnp.asarray(low, dtype), jnp.asarray(high, dtype)
    return jax.random.uniform(key, _filled(shape, low, high), dtype) * (high - low) + low


def _normal(key, shape, dtype, avg, std):
    avg, std = jnp.asarray(avg, dtype), jnp.asarray(std, dtype)
    return jax.random.normal(key, _filled(shape, avg, std), dtype) * std + avg


def _bernoulli(key, shape, dtype, p):
    p = jnp.asarray(p, upgrade_to_float(str(p.dtype)))
    return jax.random.uniform(key, _filled(shape, p), p.dtype) < p


def _binomial(key, shape, dtype, n, p):
    return jax.random.binomial(key, n, p, _filled(shape, n, p))


def _integers(key, shape, dtype, low, high):
    low, high = (jnp.asarray(one, "int64") for one in (low, high))
    return jax.random.randint(key, _filled(shape, low, high), low, high + 1, "int64")


def _poisson(key, shape, dtype, lam):
    return jax.random.poisson(key, lam, _filled(shape, lam))


def _multinomial(key, shape, dtype, n, pvals):
    pvals = jnp.asarray(pvals, upgrade_to_float(str(pvals.dtype)))
    lead = pvals.shape[:-1] if shape is None else shape
    n = jnp.broadcast_to(jnp.asarray(n, pvals.dtype), lead)
    return jax.random.multinomial(key, n, pvals, shape=(*lead, pvals.shape[-1]))


def _permutation(key, shape, dtype, n):
    count = sizes(n)[0]
    rows = jnp.broadcast_to(jnp.arange(count), (*(shape or ()), count))
    return jax.random.permutation(key, rows, axis=-1, independent=True)


def _shuffled(key, shape, dtype, x):
    return jax.random.permutation(key, x, axis=-1, independent=True)


def _chosen(key, shape, dtype, a, *p, replace):
    return jax.random.choice(key, a if jnp.ndim(a) else sizes(a)[0], shape, replace, *p)


def _truncated(key, shape, dtype, avg, std, scale):
    drawn = jax.random.truncated_normal(key, -2.0, 2.0, _filled(shape, avg, std), dtype)
    return drawn * (std * scale).astype(dtype) + avg.astype(dtype)


def _different(key, shape, dtype, p, count):
    scores = jnp.log(p) + jax.random.gumbel(key, p.shape, p.dtype)
    return jnp.argsort(-scores, -1)[..., : sizes(count)[0]]
