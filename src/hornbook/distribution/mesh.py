"""Devices in a grid with named axes, and how the axes of an array are split over them."""

import math
import re
from collections.abc import Iterator, MutableMapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from hornbook.distribution.devices import device_of, list_devices


class DeviceMesh:
    """A grid of devices with named axes.

    Args:
        shape: number of devices along each axis, such as `(8,)`, or `(2, 4)`.
        axis_names: a name for each axis, such as `("batch", "model")`.
        devices: names of the devices, or JAX devices, in row-major order; default all that
            `list_devices()` gives.

    Raises:
        ValueError: if the names do not fit the shape, or the shape the number of devices.

    Example:
        >>> mesh = keras.distribution.DeviceMesh((1, 1), ("batch", "model"), ["cpu:0"])
        >>> mesh.shape, mesh.devices.tolist()
        ((1, 1), [['cpu:0']])
    """

    def __init__(self, shape: Sequence[int], axis_names: Sequence[str], devices: Any = None):
        if not shape or not axis_names:
            raise ValueError(
                f"shape and axis_names must not be empty; got shape={shape}, "
                f"axis_names={axis_names}"
            )
        if len(shape) != len(axis_names):
            raise ValueError(
                f"axis_names must have a name for each axis of shape; got shape={shape}, "
                f"axis_names={axis_names}"
            )
        if len(set(axis_names)) < len(axis_names):
            raise ValueError(f"the names of a mesh's axes must differ; got axis_names={axis_names}")
        found = np.array(list_devices() if devices is None else devices)
        if math.prod(shape) != found.size:
            raise ValueError(
                f"a mesh of shape {tuple(shape)} needs {math.prod(shape)} devices; "
                f"got {found.size}: {found.tolist()}"
            )
        self._shape, self._axis_names = shape, axis_names
        self._devices = found.reshape(shape)

    @property
    def shape(self) -> Sequence[int]:
        """The number of devices along each axis."""
        return self._shape

    @property
    def axis_names(self) -> Sequence[str]:
        """The name of each axis."""
        return self._axis_names

    @property
    def devices(self) -> np.ndarray:
        """The devices as given, in the shape of the mesh."""
        return self._devices

    @cached_property
    def backend_mesh(self) -> Mesh:
        """The same as a `jax.sharding.Mesh`."""
        devices = np.array([device_of(one) for one in self._devices.flat])
        return Mesh(devices.reshape(self._devices.shape), tuple(self._axis_names))

    def size(self, axis: str) -> int:
        """The number of devices along a named axis."""
        return self._shape[list(self._axis_names).index(axis)]

    def __repr__(self):
        return f"<{type(self).__name__} shape={self.shape}, axis_names={self.axis_names}>"


class TensorLayout:
    """How the axes of an array are split over a mesh.

    Args:
        axes: for each axis of the array, the name of the mesh's axis over which it is split, or
            `None` if every device has all of it.
        device_mesh: the mesh; may be set later, once.

    Raises:
        ValueError: if the mesh has no axis of such a name.

    Example:
        >>> mesh = keras.distribution.DeviceMesh((1,), ("model",), ["cpu:0"])
        >>> keras.distribution.TensorLayout((None, "model"), mesh).backend_layout.spec[1]
        'model'
    """

    def __init__(self, axes: Sequence[str | None], device_mesh: DeviceMesh | None = None):
        self._axes = tuple(axes)
        self._device_mesh = device_mesh
        self._check()

    @property
    def axes(self) -> tuple[str | None, ...]:
        """For each axis of the array, the name of the mesh's axis, or `None`."""
        return self._axes

    @property
    def device_mesh(self) -> DeviceMesh | None:
        """The mesh; `None` if not set yet."""
        return self._device_mesh

    @device_mesh.setter
    def device_mesh(self, device_mesh: DeviceMesh) -> None:
        if self._device_mesh is not None:
            raise ValueError(f"the layout already has a mesh, {self._device_mesh}; make a new one")
        self._device_mesh = device_mesh
        self._check()

    @cached_property
    def backend_layout(self) -> NamedSharding:
        """The same as a `jax.sharding.NamedSharding`."""
        if self._device_mesh is None:
            raise ValueError(f"{self} needs a device_mesh before arrays can be laid out")
        return NamedSharding(self._device_mesh.backend_mesh, PartitionSpec(*self._axes))

    def _check(self) -> None:
        known = list(self._device_mesh.axis_names) if self._device_mesh else self._axes
        unknown = [axis for axis in self._axes if axis is not None and axis not in known]
        if unknown:
            raise ValueError(f"a layout's axes must be None or one of {known}; got {unknown}")

    def check(self, what: str, shape: tuple[int, ...]) -> None:
        """Raise a `ValueError` if an array of this shape cannot be laid out so."""
        if len(self._axes) > len(shape):
            raise ValueError(
                f"the layout {self._axes} of {what} is for {len(self._axes)} axes; its shape is "
                f"{shape}"
            )
        along = self.backend_layout.mesh.shape
        for number, (size, axis) in enumerate(zip(shape, self._axes, strict=False)):
            if axis is not None and size % along[axis]:
                raise ValueError(
                    f"axis {number} of {what}, shape {shape}, cannot be split over the "
                    f"{along[axis]} devices along {axis!r}: its size must be a "
                    "multiple of that. Give it None there in the layout map, or use another mesh"
                )

    def __repr__(self):
        return f"<{type(self).__name__} axes={self.axes}, device_mesh={self.device_mesh}>"


class LayoutMap(MutableMapping):
    """Layouts of variables by regular expressions for their paths.

    A path is looked up as a key first. Otherwise the keys are regular expressions, of which at most
    one may match the whole path.

    Args:
        device_mesh: the mesh of all layouts that have none.

    Raises:
        ValueError: if a key is set twice, several match a path, or a value is neither a layout nor
            a tuple of axes.

    Example:
        >>> mesh = keras.distribution.DeviceMesh((1, 1), ("batch", "model"), ["cpu:0"])
        >>> layouts = keras.distribution.LayoutMap(mesh)
        >>> layouts[".*dense.*kernel"] = (None, "model")
        >>> layouts["sequential/dense_1/kernel"].axes, layouts["conv2d/kernel"]
        ((None, 'model'), None)
    """

    def __init__(self, device_mesh: DeviceMesh):
        self._device_mesh = device_mesh
        self._layouts: dict[str, TensorLayout] = {}

    @property
    def device_mesh(self) -> DeviceMesh:
        """The mesh of all layouts that have none."""
        return self._device_mesh

    def __getitem__(self, key: str) -> TensorLayout | None:
        if key in self._layouts:
            return self._layouts[key]
        found = [pattern for pattern in self._layouts if re.fullmatch(pattern, key)]
        if len(found) > 1:
            raise ValueError(
                f"the path {key!r} matches several keys of the layout map: {found}. Change them "
                "so that each path matches one of them at most"
            )
        return self._layouts[found[0]] if found else None

    def get(self, key: str, default: Any = None) -> Any:
        """The layout of a path; `default` if no key matches."""
        found = self[key]
        return default if found is None else found

    def __setitem__(self, key: str, layout: Any) -> None:
        if key in self._layouts:
            raise ValueError(
                f"the layout map already has the key {key!r}, with {self._layouts[key]}; delete "
                "it first"
            )
        if isinstance(layout, tuple):
            layout = TensorLayout(layout)
        if not isinstance(layout, TensorLayout):
            raise ValueError(
                f"the value of {key!r} must be a TensorLayout or a tuple of axis names, not "
                f"{layout!r} ({type(layout).__name__})"
            )
        if layout.device_mesh is None and self._device_mesh is not None:
            layout.device_mesh = self._device_mesh
        self._layouts[key] = layout

    def __delitem__(self, key: str) -> None:
        del self._layouts[key]

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self[key] is not None

    def __len__(self) -> int:
        return len(self._layouts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._layouts)
