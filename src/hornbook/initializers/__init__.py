"""Initializers: functions from a shape and a dtype to the initial value of a weight.

    Dense(10, kernel_initializer="he_normal")
    Dense(10, kernel_initializer=initializers.RandomNormal(stddev=0.01, seed=1))

An initializer is any callable `(shape, dtype=None) -> array`. Random ones draw on the host with
numpy, so that building a model compiles nothing. With an integer seed each call returns the same
values; without one, each call draws from the generator that `set_random_seed` seeds.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbook.core import config as registry
from hornbook.core import doors, variable
from hornbook.core import dtype as dtypes
from hornbook.initializers.base import Initializer as Initializer
from hornbook.initializers.drawn import GlorotNormal as GlorotNormal
from hornbook.initializers.drawn import GlorotUniform as GlorotUniform
from hornbook.initializers.drawn import HeNormal as HeNormal
from hornbook.initializers.drawn import HeUniform as HeUniform
from hornbook.initializers.drawn import LecunNormal as LecunNormal
from hornbook.initializers.drawn import LecunUniform as LecunUniform
from hornbook.initializers.drawn import Orthogonal as Orthogonal
from hornbook.initializers.drawn import RandomInitializer as RandomInitializer
from hornbook.initializers.drawn import RandomNormal as RandomNormal
from hornbook.initializers.drawn import RandomUniform as RandomUniform
from hornbook.initializers.drawn import TruncatedNormal as TruncatedNormal
from hornbook.initializers.drawn import VarianceScaling as VarianceScaling
from hornbook.initializers.drawn import compute_fans as compute_fans
from hornbook.initializers.fixed import STFT as STFT
from hornbook.initializers.fixed import Constant as Constant
from hornbook.initializers.fixed import Identity as Identity
from hornbook.initializers.fixed import Ones as Ones
from hornbook.initializers.fixed import Zeros as Zeros

zeros, ones, constant, identity = Zeros, Ones, Constant, Identity
random_normal, truncated_normal, random_uniform = RandomNormal, TruncatedNormal, RandomUniform
variance_scaling, orthogonal, stft = VarianceScaling, Orthogonal, STFT
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
he_uniform, he_normal = HeUniform, HeNormal
lecun_uniform, lecun_normal = LecunUniform, LecunNormal
IdentityInitializer, OrthogonalInitializer, STFTInitializer = Identity, Orthogonal, STFT

TABLE: dict[str, type[Initializer]] = doors.table(
    "initializers", globals(), (Initializer, RandomInitializer)
)


def get(identifier: Any) -> Callable | None:
    """The initializer for a name, config, class, array or callable; `None` for `None`.

    Args:
        identifier: a name (`"he_normal"`), a callable, a config dict, an array of values, or
            `None`.

    Raises:
        ValueError: for an unknown name; the message suggests the closest ones.

    Example:
        >>> hornbook.initializers.get("zeros")
        Zeros()
    """
    if isinstance(identifier, np.ndarray | np.generic | jax.Array):
        return _values(identifier)
    return registry.lookup("initializers", identifier, TABLE, "an initializer")


def _values(array: Any) -> Callable:
    """An initializer that returns a given array."""

    def initialize(shape, dtype=None):
        if tuple(shape) != tuple(array.shape):
            raise ValueError(
                f"an initial value of shape {tuple(array.shape)} was given for a weight of shape "
                f"{tuple(shape)}"
            )
        return jnp.asarray(array, dtypes.canonical(dtype))

    return initialize


def serialize(initializer: Callable) -> Any:
    """The config of an initializer.

    Example:
        >>> hornbook.initializers.serialize(hornbook.initializers.Constant(2))["config"]
        {'value': 2}
    """
    return registry.serialize(initializer)


def deserialize(config: Any, custom_objects: dict | None = None) -> Callable | None:
    """The initializer that `serialize` described.

    Args:
        config: a name or a config dict.
        custom_objects: maps names to classes or functions, for this call.

    Example:
        >>> described = hornbook.initializers.serialize(hornbook.initializers.Constant(2))
        >>> hornbook.initializers.deserialize(described)
        Constant(value=2)
    """
    with registry.custom_object_scope(custom_objects or {}):
        return get(config)


variable.name_initializers(get)

doors.publish(globals())
