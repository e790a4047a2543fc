"""Where arrays lie if there are several devices: the distribution in force, and moving arrays.

`distribution` sets it. Variables ask where their values go, training where its batches go, and
kernels whether XLA will split what they compute.
"""

from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Sharding


class Placement(Protocol):
    """A distribution, as far as core knows it."""

    @property
    def is_shared(self) -> bool:
        """Whether several processes train together."""

    def sharding_of(self, variable: Any) -> Sharding:
        """How a variable lies on the devices."""


_now: list[Any] = [None]


def current() -> Any:
    """The distribution in force; `None` if arrays lie on one device."""
    return _now[0]


def set_current(distribution: Placement | None) -> None:
    """Set the distribution of the process."""
    _now[0] = distribution


def is_shared() -> bool:
    """Whether several processes train together now."""
    where = current()
    return where is not None and where.is_shared


def is_first() -> bool:
    """Whether this process prints and writes files: the first of those that train together."""
    return not is_shared() or jax.process_index() == 0


def agreed(value: int) -> int:
    """The first process's value, if several train together; then every one must ask."""
    if not is_shared():
        return value
    from jax.experimental import multihost_utils

    return int(multihost_utils.broadcast_one_to_all(np.asarray(value)))


def alike(what: str, value: int) -> None:
    """Raise in all processes that train together if they have different values."""
    if not is_shared():
        return
    from jax.experimental import multihost_utils

    found = multihost_utils.process_allgather(np.asarray(value)).tolist()
    if len(set(found)) > 1:
        raise ValueError(
            f"the processes that train together have different {what}: {found}. They must have "
            "as many: leave out what is too much, or repeat what lacks"
        )


def is_here(value: Any) -> bool:
    """Whether this process has all of an array."""
    return getattr(value, "is_fully_addressable", True) or value.is_fully_replicated


def fetched(value: Any) -> np.ndarray:
    """An array on the host, whole.

    If parts of it lie in other processes, every process must fetch it.
    """
    if is_here(value):
        return np.asarray(value)
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.process_allgather(value, tiled=True))


def place(value: Any, sharding: Sharding) -> jax.Array:
    """An array that lies as `sharding` says; the same object if it already does."""
    if isinstance(value, jax.core.Tracer):
        return jax.lax.with_sharding_constraint(value, sharding)
    if isinstance(value, jax.Array):
        alike = type(value.sharding) is type(sharding)
        if alike and value.sharding.is_equivalent_to(sharding, value.ndim):
            return value
        if value.is_fully_addressable and sharding.is_fully_addressable:
            with jax.ensure_compile_time_eval():  # a layer may be built while it is traced
                return jax.device_put(value, sharding)
    host = fetched(value)
    return jax.make_array_from_callback(host.shape, sharding, lambda part: host[part])


def copied(arrays: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """Copies with their own buffers, which a compiled call may be given."""
    if not is_shared():
        return jax.device_put(arrays, may_alias=False)
    return {key: _copied_here(array) for key, array in arrays.items()}


def _copied_here(array: jax.Array) -> jax.Array:
    parts = [jax.device_put(shard.data, may_alias=False) for shard in array.addressable_shards]
    return jax.make_array_from_single_device_arrays(array.shape, array.sharding, parts)


def placed(variable: Any, value: Any) -> jax.Array:
    """A variable's value where it belongs now."""
    own = variable._layout
    if (where := current()) is not None:
        return place(value, where.sharding_of(variable))
    if own is not None and not isinstance(own, str):
        return place(value, getattr(own, "backend_layout", own))
    if isinstance(value, jax.Array) and len(value.sharding.device_set) == 1:
        return value
    return jnp.asarray(fetched(value))
