"""Distributions: where variables and batches lie."""

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from hornbook.core import placement
from hornbook.core.symbolic import SymbolicTensor
from hornbook.distribution.devices import list_devices
from hornbook.distribution.mesh import DeviceMesh, LayoutMap, TensorLayout

BATCH = "batch"
NOT_SPLIT = """a batch of {rows} samples cannot be split evenly over the {replicas} devices along \
{axis!r}, so each of them computes all of it: right, but no faster. Use a batch size that is a \
multiple of {replicas}, such as {better}."""


class Distribution:
    """Where variables and batches lie. `DataParallel` and `ModelParallel` say it for variables.

    Args:
        device_mesh: the devices.
        batch_dim_name: the mesh's axis over which batches are split.
        auto_shard_dataset: in several processes, whether each is given the same data, and computes
            its part of every batch. If false, each is given its own part of the data, and
            `batch_size` counts the samples of one process.
    """

    def __init__(
        self,
        device_mesh: DeviceMesh,
        batch_dim_name: str | None = None,
        auto_shard_dataset: bool = True,
    ):
        names = list(device_mesh.axis_names)
        if batch_dim_name is not None and batch_dim_name not in names:
            raise ValueError(
                f"batch_dim_name must be an axis of the mesh, one of {names}; got "
                f"{batch_dim_name!r}"
            )
        self._device_mesh = device_mesh
        self._batch_dim_name = batch_dim_name or names[0]
        self.auto_shard_dataset = auto_shard_dataset

    @property
    def device_mesh(self) -> DeviceMesh:
        """The devices."""
        return self._device_mesh

    @property
    def batch_dim_name(self) -> str:
        """The mesh's axis over which batches are split."""
        return self._batch_dim_name

    @property
    def num_processes(self) -> int:
        """The number of processes."""
        return jax.process_count()

    @property
    def num_model_replicas(self) -> int:
        """The number of parts into which a batch is split."""
        return self._device_mesh.size(self._batch_dim_name)

    @property
    def data_shard_id(self) -> int:
        """Which part of the data this process computes, where each is given its own."""
        return self._shard_of(jax.process_index())

    def _shard_of(self, process: int) -> int:
        return process // max(1, self.num_processes // self.num_model_replicas)

    # ---- layouts

    def get_data_layout(self, data_shape: Any) -> TensorLayout:
        """The layout of a batch: split along its first axis.

        Args:
            data_shape: its shape.
        """
        return TensorLayout(
            [self._batch_dim_name, *[None] * (len(data_shape) - 1)], self._device_mesh
        )

    def get_variable_layout(self, variable: Any) -> TensorLayout:
        """The layout of a variable: its own, else that of its path, else whole on each device.

        Args:
            variable: a `Variable`.
        """
        own = variable._layout
        if own is not None and not isinstance(own, str):
            return own
        found = self._layout_of(own or variable.path)
        return found or TensorLayout([None] * len(variable.shape), self._device_mesh)

    def _layout_of(self, path: str) -> TensorLayout | None:
        return None

    def get_tensor_layout(self, path: str) -> TensorLayout | None:
        """The layout of a layer's output, `path` being the layer's followed by `/output`."""
        return self._layout_of(path)

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Context in which this is the distribution in force."""
        before = placement.current()
        placement.set_current(self)
        try:
            yield
        finally:
            placement.set_current(before)

    def __repr__(self):
        return f"<{type(self).__name__} device_mesh={self.device_mesh}>"

    # ---- what training asks

    @property
    def is_shared(self) -> bool:
        """Whether several processes train the model together."""
        return self.num_processes > 1

    @property
    def given_apart(self) -> bool:
        """Whether each process is given its own part of the data."""
        return self.is_shared and not self.auto_shard_dataset

    def sharding_of(self, variable: Any) -> NamedSharding:
        """The layout of a variable, as JAX has it; one that does not fit its shape raises."""
        layout = self.get_variable_layout(variable)
        if not isinstance(layout, TensorLayout):
            return layout
        layout.check(f"the variable {variable.path!r}", variable.shape)
        return layout.backend_layout

    @property
    def whole(self) -> NamedSharding:
        """The layout of an array that every device has all of."""
        return NamedSharding(self._device_mesh.backend_mesh, PartitionSpec())

    def batches(self, array: np.ndarray, axis: int) -> jax.Array:
        """Send a batch, or several, to the devices.

        Args:
            array: the samples that this process was given.
            axis: the axis of samples: 0, or 1 if the first axis is that of batches.

        Returns:
            The same, or the samples of all processes, split along the axis of samples; whole on
            each device if that is not possible.
        """
        rows = array.shape[axis]
        names = (*[None] * axis, self._batch_dim_name)
        split = NamedSharding(self._device_mesh.backend_mesh, PartitionSpec(*names))
        shards = self._shards
        each = self.num_model_replicas // shards
        if shards > 1:
            if rows % each == 0:
                return jax.make_array_from_process_local_data(split, np.asarray(array))
            array = self._of_all(array, axis)
        elif rows % each and axis and len(array) > 1:
            self._warn(rows)
        return placement.place(array, self.whole if rows % each else split)

    def _of_all(self, array: np.ndarray, axis: int) -> np.ndarray:
        """The samples that all processes were given, in the order of their parts."""
        from jax.experimental import multihost_utils

        found = np.asarray(multihost_utils.process_allgather(array))
        parts = [self._shard_of(process) for process in range(self.num_processes)]
        return np.concatenate([found[parts.index(part)] for part in range(self._shards)], axis)

    def _warn(self, rows: int) -> None:
        replicas = self.num_model_replicas
        better, axis = -(-rows // replicas) * replicas, self._batch_dim_name
        text = NOT_SPLIT.format(rows=rows, replicas=replicas, axis=axis, better=better)
        warnings.warn(text, stacklevel=2)

    @property
    def _shards(self) -> int:
        """The number of parts of the data that processes are given."""
        return min(self.num_processes, self.num_model_replicas) if self.given_apart else 1

    def own_part(self, outputs: jax.Array) -> Any:
        """The outputs for the samples that this process was given, of those of all processes."""
        if self._shards == 1:
            return outputs
        rows, shard = len(outputs) // self._shards, self.data_shard_id
        return np.asarray(outputs)[shard * rows : (shard + 1) * rows]


class DataParallel(Distribution):
    """Each device has the whole model and computes its part of every batch.

    Args:
        device_mesh: a mesh of one axis. Of a larger one, batches are split over the first axis.
        devices: names of devices, instead of a mesh; default all that `list_devices()` gives.
        auto_shard_dataset: see `fit` in several processes: true if each process is given the same
            data, false if each is given its own part.

    Raises:
        ValueError: if `device_mesh` is not a `DeviceMesh`.

    Example:
        >>> parallel = keras.distribution.DataParallel(devices=["cpu:0"])
        >>> keras.distribution.set_distribution(parallel)
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.layers[0].kernel.value.sharding.is_fully_replicated
        True
        >>> keras.distribution.set_distribution(None)
    """

    def __init__(
        self,
        device_mesh: DeviceMesh | None = None,
        devices: Any = None,
        auto_shard_dataset: bool = True,
    ):
        if device_mesh is not None and devices is not None:
            raise ValueError("pass device_mesh or devices, not both")
        if device_mesh is None:
            found = np.array(list_devices() if devices is None else devices)
            device_mesh = DeviceMesh(found.shape, [BATCH], found)
        device_mesh = _checked("device_mesh", device_mesh, DeviceMesh)
        super().__init__(device_mesh, device_mesh.axis_names[0], auto_shard_dataset)
        if device_mesh.devices.ndim != 1:
            warnings.warn(
                f"DataParallel needs a mesh of one axis; got {device_mesh}. Batches are split over "
                f"its first axis, {self.batch_dim_name!r}",
                stacklevel=2,
            )


class ModelParallel(Distribution):
    """Variables are split as a `LayoutMap` says, and batches over one axis of the mesh.

    Args:
        layout_map: layouts by the variables' paths; a variable without one is whole on each device.
            An optimizer's slots lie as the weights they belong to.
        batch_dim_name: the mesh's axis over which batches are split; default the first one.
        auto_shard_dataset: as for `DataParallel`.

    Raises:
        ValueError: if there is no `LayoutMap`, or the processes cannot share the mesh evenly.

    Example:
        >>> mesh = keras.distribution.DeviceMesh((1, 1), ("batch", "model"), ["cpu:0"])
        >>> layouts = keras.distribution.LayoutMap(mesh)
        >>> layouts[".*dense.*kernel"] = (None, "model")
        >>> with keras.distribution.ModelParallel(layout_map=layouts).scope():
        ...     model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.layers[0].kernel.value.sharding.spec[-1]
        'model'
    """

    def __init__(
        self,
        *,
        layout_map: LayoutMap | None = None,
        batch_dim_name: str | None = None,
        auto_shard_dataset: bool = True,
        **kwargs: Any,
    ):
        kwargs.pop("device_mesh", None)  # older programs pass it; the map has it
        if kwargs:
            raise TypeError(f"ModelParallel takes no argument {next(iter(kwargs))!r}")
        layout_map = _checked("layout_map", layout_map, LayoutMap)
        super().__init__(layout_map.device_mesh, batch_dim_name, auto_shard_dataset)
        self._layout_map = layout_map
        parts, processes = self.num_model_replicas, self.num_processes
        if processes > parts and processes % parts:
            raise ValueError(
                f"{processes} processes cannot share the {parts} parts of a batch evenly; use a "
                f"mesh whose axis {self.batch_dim_name!r} divides the number of processes"
            )

    def _layout_of(self, path: str) -> TensorLayout | None:
        return self._layout_map[path]


def _checked(name: str, value: Any, kind: type) -> Any:
    if isinstance(value, kind):
        return value
    raise ValueError(f"{name} must be a {kind.__name__}; got {value!r} ({type(value).__name__})")


# ---- the distribution in force


def distribution() -> Distribution | None:
    """The distribution in force; `None` if there is none.

    Example:
        >>> keras.distribution.distribution() is None
        True
    """
    return placement.current()


def set_distribution(value: Distribution | None) -> None:
    """Set the distribution of the process.

    New variables are laid out as it says, the others when they are next trained or used by
    `evaluate` or `predict`.

    Args:
        value: a `DataParallel` or `ModelParallel`; `None` to go back to one device.

    Raises:
        TypeError: for anything else.

    Example:
        >>> keras.distribution.set_distribution(None)
    """
    if value is not None and not isinstance(value, Distribution):
        raise TypeError(
            f"set_distribution takes a DataParallel, a ModelParallel or None, not {value!r}"
        )
    placement.set_current(value)


def distribute_tensor(tensor: Any, layout: Any) -> Any:
    """An array with another layout, in compiled code or outside of it.

    Args:
        tensor: the array. A symbolic tensor is returned as it is.
        layout: a `TensorLayout`, or a `jax.sharding.Sharding`.

    Returns:
        The array with this layout.

    Example:
        >>> mesh = keras.distribution.DeviceMesh((1,), ("model",), ["cpu:0"])
        >>> layout = keras.distribution.TensorLayout((None, "model"), mesh)
        >>> keras.distribution.distribute_tensor(np.ones((2, 4)), layout).sharding.spec[-1]
        'model'
    """
    if isinstance(tensor, SymbolicTensor):
        return tensor
    if isinstance(layout, TensorLayout):
        layout.check("the tensor", tuple(tensor.shape))
        layout = layout.backend_layout
    return placement.place(tensor, layout)
