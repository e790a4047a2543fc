"""`tf.config` and `tf.test`: JAX's devices under TensorFlow's names."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from hornbook.compat.attributes import Table


class PhysicalDevice(NamedTuple):
    """A device, such as `/physical_device:GPU:0`."""

    name: str
    device_type: str


class LogicalDevice(NamedTuple):
    """A device, such as `/device:GPU:0`."""

    name: str
    device_type: str


class LogicalDeviceConfiguration(NamedTuple):
    """Part of a device's memory, which JAX does not divide."""

    memory_limit: Any = None
    experimental_priority: Any = None


def _all() -> list:
    return sorted({*jax.devices(), *jax.devices("cpu")}, key=lambda one: (one.platform, one.id))


def _listed(kind: type, prefix: str, wanted: str | None) -> list:
    found = [(one.platform.upper(), one.id) for one in _all()]
    return [
        kind(f"{prefix}:{platform}:{number}", platform)
        for platform, number in found
        if wanted in (None, platform)
    ]


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The devices of a type, `"CPU"`, `"GPU"` or `"TPU"`; default all."""
    return _listed(PhysicalDevice, "/physical_device", device_type)


def list_logical_devices(device_type: str | None = None) -> list[LogicalDevice]:
    """The devices of a type: as many as there are physical ones."""
    return _listed(LogicalDevice, "/device", device_type)


def nothing(*args: Any, **options: Any) -> None:
    """Nothing: JAX's settings say how memory is allocated and how many threads compute."""


def is_gpu_available(*args: Any, **options: Any) -> bool:
    """Whether JAX has a GPU."""
    return jax.default_backend() == "gpu"


def gpu_device_name() -> str:
    """The name of the first GPU; empty if there is none."""
    return "/device:GPU:0" if is_gpu_available() else ""


def name_of(device: Any) -> str:
    """A device's name in TensorFlow.

    Example:
        >>> name_of(jax.devices("cpu")[0])
        '/job:localhost/replica:0/task:0/device:CPU:0'
    """
    return f"/job:localhost/replica:0/task:0/device:{device.platform.upper()}:{device.id}"


def _method(name: str) -> Callable:
    return lambda self, *args: getattr(name_of(self), name)(*args)


def attributes() -> Table:
    """The methods of text that a device has during a run, because `tensor.device` is its name."""
    methods = ["__contains__", *(name for name in dir(str) if not name.startswith("_"))]
    return {jax.Device: {name: _method(name) for name in methods}}


def replaced() -> Table:
    """How devices are printed during a run."""
    return {jax.Device: {"__str__": name_of}}
