"""Seeds: every random number comes from a seed held in a variable, so that runs are repeatable.

Each thread has its own generators, so what it draws depends only on its seed and not on other
threads.
"""

import random as python_random
import threading
from typing import Any

import jax
import numpy as np

from hornbook.core.forked import uses_engine
from hornbook.core.module import Module
from hornbook.core.variable import Variable


class _Seeds:
    """The source of the threads' seeds since the main thread was last seeded."""

    def __init__(self, seed: int | None = None):
        self.given = seed is not None
        self.sequence = np.random.SeedSequence(seed)
        self.lock = threading.Lock()

    def another(self) -> np.random.Generator:
        """A generator for a new thread."""
        with self.lock:
            return np.random.default_rng(self.sequence.spawn(1)[0])


class _Thread(threading.local):
    def __init__(self):
        self.begin(_seeds, _seeds.another())

    def begin(self, seeds: _Seeds, host: np.random.Generator) -> None:
        self.seeds, self.host = seeds, host
        self.keys: SeedGenerator | None = None

    def now(self) -> "_Thread":
        """The thread's generators; new ones if the main thread has been seeded since."""
        if self.seeds is not _seeds:
            self.begin(_seeds, _seeds.another())
        return self


_seeds = _Seeds()
_thread = _Thread()


def set_random_seed(seed: int) -> None:
    """Seed Python's `random`, numpy and hornbook, so that the program repeats exactly.

    Called in the main thread it also seeds the other threads, each differently, in the order in
    which they first draw. In another thread it seeds that thread's draws, and Python's and numpy's.

    Args:
        seed: a non-negative integer below 2**32.

    Raises:
        ValueError: if it is not one.

    Example:
        >>> set_random_seed(1); a = draw_seed(); set_random_seed(1); a == draw_seed()
        True
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise ValueError(f"a seed is an integer from 0 to 2**32 - 1, not {seed!r}")
    global _seeds
    python_random.seed(int(seed))
    np.random.seed(int(seed))
    if threading.current_thread() is threading.main_thread():
        _seeds = _Seeds(int(seed))
    _thread.begin(_seeds, np.random.default_rng(int(seed)))


def random_state() -> dict[str, Any]:
    """The state of everything that `set_random_seed` seeds, for this thread, as plain data.

    Example:
        >>> state = random_state(); a = draw_seed(); set_random_state(state); a == draw_seed()
        True
    """
    return {
        "keys": global_generator().state.numpy(),  # first: its seed may have to be drawn
        "host": host_generator().bit_generator.state,
        "python": python_random.getstate(),
        "numpy": np.random.get_state(legacy=False),
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Restore a state; tuples in it may have become lists.

    Args:
        state: what `random_state` returned.

    Raises:
        ValueError, TypeError, KeyError: if it is none.
    """
    version, numbers, gauss = state["python"]
    python_random.setstate((version, tuple(numbers), gauss))
    np.random.set_state(state["numpy"])
    host_generator().bit_generator.state = state["host"]
    global_generator().state.assign(state["keys"])


def is_seeded() -> bool:
    """Whether the main thread has called `set_random_seed`."""
    return _seeds.given


def host_generator() -> np.random.Generator:
    """This thread's generator for seeds, initial values and shuffling."""
    return _thread.now().host


def draw_seed() -> int:
    """A new seed from the thread's generator."""
    return int(host_generator().integers(2**31))


class SeedGenerator(Module):
    """A reproducible sequence of distinct random keys.

    Args:
        seed: an integer; default drawn from the process-wide generator.
        name: name used in its variable's path.

    Raises:
        ValueError: if the seed is not an integer.

    Example:
        >>> a, b = hornbook.random.SeedGenerator(7), hornbook.random.SeedGenerator(7)
        >>> bool((jax.random.key_data(a.next()) == jax.random.key_data(b.next())).all())
        True
    """

    def __init__(self, seed: int | None = None, name: str | None = None):
        super().__init__(name=name)
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int | np.integer)):
            raise ValueError(f"seed must be an integer or None, not {seed!r}")
        self.seed = draw_seed() if seed is None else int(seed)
        start = np.array([self.seed & 0xFFFFFFFF, 0], "uint32")
        self.state = Variable(
            start, dtype="uint32", name="seed_state", trainable=False, kind="seed"
        )

    def next(self) -> jax.Array:
        """The next key for `jax.random`."""
        state = self.state.value
        self.state.assign(state + np.array([0, 1], "uint32"))
        return jax.random.wrap_key_data(state, impl="threefry2x32")

    def get_config(self) -> dict:
        """The initial seed."""
        return {"seed": self.seed}


@uses_engine
def key_from(seed: Any = None) -> jax.Array:
    """A JAX random key.

    From a `SeedGenerator` (its next key), an integer (always the same key), a JAX key (old or new
    style), or `None` (the next key of the thread's generator).
    """
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if seed is None:
        return global_generator().next()
    if isinstance(seed, jax.Array) and jax.dtypes.issubdtype(seed.dtype, jax.dtypes.prng_key):
        return seed
    if getattr(seed, "shape", ()) == (2,):
        return jax.random.wrap_key_data(seed, impl="threefry2x32")
    return jax.random.key(int(seed), impl="threefry2x32")


def global_generator() -> SeedGenerator:
    """The thread's default generator of keys."""
    thread = _thread.now()
    if thread.keys is None:
        thread.keys = SeedGenerator(name="global_seed_generator")
    return thread.keys
