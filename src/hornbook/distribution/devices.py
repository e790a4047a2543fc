"""Devices and processes: their names, their number, and how several processes become one system."""

import os
from typing import Any

import jax
import numpy as np

from hornbook.core.random import draw_seed, is_seeded, set_random_seed

KINDS = ("cpu", "gpu", "tpu")
ADDRESSES, PROCESSES, PROCESS = (
    f"KERAS_DISTRIBUTION_{name}" for name in ("JOB_ADDRESSES", "NUM_PROCESSES", "PROCESS_ID")
)


def _devices(device_type: str | None) -> list[jax.Device]:
    if device_type is not None and not isinstance(device_type, str):
        raise TypeError(f"device_type must be one of {KINDS} or None, not {device_type!r}")
    try:
        return jax.devices(device_type.lower() if device_type else None)
    except RuntimeError as error:
        known = sorted({device.platform for device in [*jax.devices(), *jax.devices("cpu")]})
        raise ValueError(
            f"there are no devices of type {device_type!r} here; device_type must be one of {known}"
        ) from error


def list_devices(device_type: str | None = None) -> list[str]:
    """The names of all devices of one type, in all processes.

    Args:
        device_type: `"cpu"`, `"gpu"` or `"tpu"`; default the fastest type that there is.

    Returns:
        Names such as `"gpu:1"`.

    Raises:
        ValueError: if there are no devices of this type.

    Example:
        >>> keras.distribution.list_devices("cpu")[0]
        'cpu:0'
    """
    return [name_of(device) for device in _devices(device_type)]


def get_device_count(device_type: str | None = None) -> int:
    """The number of devices of one type, in all processes.

    Args:
        device_type: as for `list_devices`.

    Raises:
        ValueError: if there are no devices of this type.

    Example:
        >>> keras.distribution.get_device_count("cpu") > 0
        True
    """
    return len(_devices(device_type))


def name_of(device: Any) -> str:
    """The name of a JAX device; a name is returned as it is."""
    return device if isinstance(device, str) else f"{device.platform}:{device.id}"


def device_of(name: Any) -> jax.Device:
    """The JAX device of a name such as `"cpu:0"`; `"cpu"` is the first one.

    Raises:
        ValueError: if there is no such device.
    """
    if isinstance(name, jax.Device):
        return name
    kind, _, number = str(name).lower().partition(":")
    found = _devices(kind)
    wanted = f"{kind}:{number or found[0].id}"
    for device in found:
        if wanted in (name_of(device), f"{kind}:{device.id}"):
            return device
    raise ValueError(f"there is no device {str(name)!r} here, but {', '.join(map(name_of, found))}")


def initialize(
    job_addresses: str | None = None,
    num_processes: int | None = None,
    process_id: int | None = None,
) -> None:
    """Make several processes, each with its own devices, one system.

    Call it at the start of the program in every process, before anything is computed. Afterwards
    `list_devices` gives the devices of all processes, and all of them draw the same initial
    weights: those of the first process, unless it was seeded before.

    Args:
        job_addresses: `"host:port"` of process 0, which the others must reach. A list of the
            addresses of all processes, separated by commas, is accepted too.
        num_processes: number of processes.
        process_id: number of this process, from 0.

    Each argument can also be given as an environment variable: `KERAS_DISTRIBUTION_JOB_ADDRESSES`,
    `KERAS_DISTRIBUTION_NUM_PROCESSES` and `KERAS_DISTRIBUTION_PROCESS_ID`. What is given neither
    way is found by JAX, on Cloud TPU, SLURM and others that it knows.

    Raises:
        ValueError: if the arguments contradict each other.
        RuntimeError: if something was computed before, or process 0 cannot be reached.

    Example:
        >>> keras.distribution.initialize("10.0.0.1:1234", 2, process_id=0)  # doctest: +SKIP
    """
    addresses = job_addresses or os.environ.get(ADDRESSES)
    number = _whole("num_processes", num_processes, PROCESSES)
    mine = _whole("process_id", process_id, PROCESS)
    listed = [one.strip() for one in addresses.split(",")] if addresses else []
    if len(listed) > 1 and number not in (None, len(listed)):
        raise ValueError(
            f"job_addresses lists {len(listed)} processes ({addresses!r}), but num_processes is "
            f"{number}. Pass the address of process 0 only, or one for each process"
        )
    if number is not None and mine is not None and not 0 <= mine < number:
        raise ValueError(
            f"process_id must be from 0 to num_processes - 1 = {number - 1}, not {mine}"
        )
    jax.distributed.initialize(listed[0] if listed else None, number, mine)
    _agree_on_a_seed()


def _whole(name: str, value: Any, variable: str) -> int | None:
    given, what = (value, name) if value is not None else (os.environ.get(variable), variable)
    try:
        return None if given is None else int(given)
    except ValueError:
        raise ValueError(f"{what} must be an integer, not {given!r}") from None


def _agree_on_a_seed() -> None:
    """Seed every process that the program has not seeded as the first one."""
    from jax.experimental import multihost_utils

    seeded = is_seeded()
    own = np.asarray(0 if seeded else draw_seed())
    seed = int(multihost_utils.broadcast_one_to_all(own))
    if not seeded:
        set_random_seed(seed)
