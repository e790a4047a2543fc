"""`tf.config` and `tf.test`: JAX's devices under TensorFlow's names."""

from typing import Any, NamedTuple

import jax


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
