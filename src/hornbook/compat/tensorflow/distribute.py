"""`tf.distribute`: strategies over JAX's devices, in which one program computes with whole batches.

`fit` splits batches over the devices of the strategy whose scope was entered last. `run` calls its
function once, with the whole batch: what it returns is what the replicas' results add up to.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import jax

from hornbook import distribution, ops

_state: dict[str, Any] = {"strategy": None}


class ReduceOp:
    """How `Strategy.reduce` combines values."""

    SUM, MEAN = "SUM", "MEAN"


class InputContext(NamedTuple):
    """What a function that makes a data set is told: there is one pipeline."""

    num_input_pipelines: int = 1
    input_pipeline_id: int = 0
    num_replicas_in_sync: int = 1

    def get_per_replica_batch_size(self, global_batch_size: int) -> int:
        """The size of a batch of the pipeline: all of it."""
        return global_batch_size


class Strategy:
    """The default strategy: one device.

    Example:
        >>> with Strategy().scope():
        ...     model = keras.Sequential([keras.layers.Dense(1)])
        >>> Strategy().num_replicas_in_sync
        1
    """

    devices: Any = ()

    @property
    def num_replicas_in_sync(self) -> int:
        """The number of devices."""
        return len(self.devices) or 1

    @contextmanager
    def scope(self) -> Iterator["Strategy"]:
        """A context in which models are made. Its devices are also used after it, by `fit`."""
        outer, _state["strategy"] = _state["strategy"], self
        if len(self.devices) > 1:
            parallel = distribution.DataParallel(devices=list(self.devices))
            distribution.set_distribution(parallel)
        try:
            yield self
        finally:
            _state["strategy"] = outer

    def run(self, fn: Callable, args: Any = (), kwargs: Any = None, options: Any = None) -> Any:
        """Call a function with whole batches."""
        return fn(*args, **kwargs or {})

    def reduce(self, reduce_op: Any, value: Any, axis: Any = None) -> Any:
        """A result of `run`, summed or averaged over an axis if one is given."""
        if axis is None:
            return value
        return (ops.mean if str(reduce_op).endswith("MEAN") else ops.sum)(value, axis=axis)

    def gather(self, value: Any, axis: int) -> Any:
        """The value."""
        return value

    def experimental_local_results(self, value: Any) -> tuple:
        """The value, as that of the only call."""
        return (value,)

    def experimental_distribute_dataset(self, dataset: Any, options: Any = None) -> Any:
        """The data set: `fit` and `run` take whole batches."""
        return dataset

    def distribute_datasets_from_function(self, dataset_fn: Callable, options: Any = None) -> Any:
        """The data set that a function makes."""
        return dataset_fn(InputContext(num_replicas_in_sync=self.num_replicas_in_sync))


class MirroredStrategy(Strategy):
    """All devices, or those named; with one device, as the default strategy.

    Args:
        devices: names such as `"/gpu:0"` or `"GPU:1"`.
        cross_device_ops: ignored: XLA combines gradients.
    """

    def __init__(self, devices: Any = None, cross_device_ops: Any = None, **options: Any):
        known = distribution.list_devices()
        self.devices = known if devices is None else [_named(one, known) for one in devices]


def _named(device: Any, known: list[str]) -> str:
    name = ":".join(str(device).lower().strip("/").replace("device:", "").split(":")[-2:])
    if name not in known:
        raise ValueError(f"there is no device {device!r} here, but {', '.join(known)}")
    return name


class OneDeviceStrategy(Strategy):
    """One device.

    Args:
        device: its name.
    """

    def __init__(self, device: Any):
        self.devices = [_named(device, distribution.list_devices())]


class MultiWorkerMirroredStrategy(MirroredStrategy):
    """All devices of all processes, which the environment variable `TF_CONFIG` lists.

    Args:
        cluster_resolver: default one that reads `TF_CONFIG`.
        **options: ignored.
    """

    def __init__(self, cluster_resolver: Any = None, **options: Any):
        found = cluster_resolver or TFConfigClusterResolver()
        workers = found.cluster_spec().as_dict().get("worker", [])
        if len(workers) > 1:
            distribution.initialize(",".join(workers), len(workers), found.task_id)
        super().__init__()


class ClusterSpec:
    """The addresses of processes by kind.

    Args:
        cluster: lists of addresses.
    """

    def __init__(self, cluster: dict[str, list[str]]):
        self._cluster = dict(cluster)

    def as_dict(self) -> dict[str, list[str]]:
        """The addresses."""
        return dict(self._cluster)

    @property
    def jobs(self) -> list[str]:
        """The kinds."""
        return sorted(self._cluster)

    def num_tasks(self, job_name: str) -> int:
        """The number of processes of a kind."""
        return len(self._cluster[job_name])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClusterSpec) and self._cluster == other._cluster

    def __repr__(self) -> str:
        return f"ClusterSpec({self._cluster})"


class TFConfigClusterResolver:
    """What `TF_CONFIG` says: processes by kind, and which one this is.

    Args:
        **options: ignored.
    """

    def __init__(self, **options: Any):
        said = json.loads(os.environ.get("TF_CONFIG") or "{}")
        task = said.get("task", {})
        self._cluster = said.get("cluster", {})
        self.task_type = task.get("type")
        self.task_id = None if task.get("index") is None else int(task["index"])

    def cluster_spec(self) -> ClusterSpec:
        """The processes."""
        return ClusterSpec(self._cluster)


class TPUClusterResolver:
    """JAX's TPU.

    Raises:
        ValueError: if it has none.
    """

    def __init__(self, tpu: Any = None, **options: Any):
        if jax.default_backend() != "tpu":
            raise ValueError("JAX has no TPU here")

    def master(self) -> str:
        """The name of the process with the TPU: this one."""
        return ""

    @classmethod
    def connect(cls, tpu: Any = None) -> "TPUClusterResolver":
        """The TPU, ready."""
        return cls(tpu)


class TPUStrategy(MirroredStrategy):
    """All cores of the TPU.

    Args:
        tpu_cluster_resolver: ignored.
    """

    def __init__(self, tpu_cluster_resolver: Any = None, **options: Any):
        super().__init__()


def get_strategy() -> Strategy:
    """The strategy of the surrounding scope, or the default one."""
    return _state["strategy"] or Strategy()


def has_strategy() -> bool:
    """Whether a scope surrounds the call."""
    return _state["strategy"] is not None
