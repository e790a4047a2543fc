"""`tf.train.Server` and its cluster, in one process: every task is this one."""

from collections.abc import Callable
from typing import Any

ALONE = "tf.train.Server.join: task {} of job {!r} would serve other processes, and hornbook's \
Session runs in its own. Run the program of one worker, without other tasks"


class ClusterSpec:
    """`tf.train.ClusterSpec`: the addresses of tasks, by job.

    Args:
        cluster: lists of addresses, or dictionaries of them by number, by job; or another spec.
    """

    def __init__(self, cluster: Any):
        jobs = cluster.as_dict() if isinstance(cluster, ClusterSpec) else dict(cluster)
        self._jobs = {
            job: dict(tasks if isinstance(tasks, dict) else enumerate(tasks))
            for job, tasks in jobs.items()
        }

    def as_dict(self) -> dict[str, Any]:
        """Lists of addresses by job."""
        return {job: list(tasks.values()) for job, tasks in self._jobs.items()}

    jobs = property(lambda self: sorted(self._jobs))

    def num_tasks(self, job_name: str) -> int:
        """The number of tasks of a job."""
        return len(self._jobs[job_name])

    def job_tasks(self, job_name: str) -> list[str]:
        """The addresses of a job."""
        return list(self._jobs[job_name].values())

    def task_address(self, job_name: str, task_index: int) -> str:
        """The address of a task."""
        return self._jobs[job_name][task_index]


class Server:
    """`tf.train.Server`: its target is that of sessions, which share the values of variables.

    Args:
        server_or_cluster_def: a cluster, or what `ClusterSpec` takes.
        job_name, task_index: the task.
        settings, options: ignored.
    """

    def __init__(
        self,
        server_or_cluster_def: Any,
        job_name: str | None = None,
        task_index: int | None = None,
        *settings: Any,
        **options: Any,
    ):
        self.cluster = ClusterSpec(server_or_cluster_def)
        self._job, self._task = job_name or self.cluster.jobs[0], task_index or 0
        self.target = f"grpc://{self.cluster.task_address(self._job, self._task)}"

    @staticmethod
    def create_local_server(config: Any = None, start: bool = True) -> "Server":
        """A server of one task."""
        return Server({"local": ["localhost:0"]})

    def start(self) -> None:
        """Nothing: there is nothing to start."""

    def join(self) -> None:
        """Refuse to serve other processes.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(ALONE.format(self._task, self._job))


def replica_device_setter(*ignored: Any, **options: Any) -> Callable[[Any], str]:
    """`tf.train.replica_device_setter`: a function for `tf.device`, without effect."""
    return lambda operation: ""
