"""One peer on one row of `large.py`: reads a JSON request per line, answers with one line.

Requests, in this order: `import`, `build`, `prepare`, then any number of `pass`; `weights` writes
the model's initial weights to a file, which `prepare` reads if it exists.
"""

from __future__ import annotations

import importlib
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.large_rows import ROWS, Job, Row, in_file
from benchmarks.worker import peak, serve, versions
from benchmarks.workloads import by_layer

STATUS = Path("/proc/self/status")
EVERY = 0.02  # seconds between two looks at the memory
COMPILED = "/jax/core/compile/backend_compile_duration"
FOUND = "/jax/compilation_cache/cache_hits"


class Compilations:
    """Counts the programs that XLA compiles for jax, without those found in a cache."""

    def __init__(self) -> None:
        self.count = 0
        if importlib.util.find_spec("jax") is None:
            return
        from jax import monitoring

        monitoring.register_event_duration_secs_listener(self.timed)
        monitoring.register_event_listener(self.happened)

    def timed(self, event: str, seconds: float, **_: Any) -> None:
        self.count += event == COMPILED

    def happened(self, event: str, **_: Any) -> None:
        self.count -= event == FOUND


class Memory(threading.Thread):
    """The peak of the memory that is not a file's, looked at now and then."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0.0
        if STATUS.exists():
            self.start()

    def run(self) -> None:
        while True:
            lines = STATUS.read_text().splitlines()
            kinds = dict(line.split(":", 1) for line in lines if line.startswith("Rss"))
            size = sum(int(kinds[kind].split()[0]) for kind in ("RssAnon", "RssShmem"))
            self.most = max(self.most, size / 1024)
            time.sleep(EVERY)


class Work:
    """What a worker holds between requests."""

    row: Row
    models: Any
    model: Any
    job: Job

    def __init__(self) -> None:
        self.counted: Compilations | None = None
        self.memory: Memory | None = None
        self.library: list[Any] = []

    def do_import(self, request: dict[str, Any]) -> dict[str, Any]:
        """Import the library; `jax` says whether it compiles by jax."""
        start = time.perf_counter()
        self.models = importlib.import_module(f"benchmarks.large_{request['models']}")
        if request["module"]:
            self.library = [importlib.import_module(request["module"])]
        seconds = time.perf_counter() - start
        self.counted = Compilations() if request["jax"] else None
        return {"seconds": seconds}

    def do_build(self, request: dict[str, Any]) -> dict[str, Any]:
        """Build and compile the model."""
        row = ROWS[request["row"]].of_gigabytes(request["gigabytes"])
        self.row = row.shrunk() if request["quick"] else row
        start = time.perf_counter()
        self.model = self.models.build(*self.library, self.row)
        return {"seconds": time.perf_counter() - start}

    def do_prepare(self, request: dict[str, Any]) -> dict[str, Any]:
        """Make the data and set the weights, which is not measured."""
        start, folder = time.perf_counter(), Path(request["folder"])
        data = in_file(self.row, folder) if self.row.file else self.row.data(self.row)
        self.job = self.models.prepare(*self.library, self.model, self.row, *data)
        if (stored := folder / "weights.npz").exists():
            with np.load(stored) as held:
                for name in dict.fromkeys(key.split("/")[0] for key in held.files):
                    keys = [key for key in held.files if key.split("/")[0] == name]
                    self.models.load(self.job, name, by_layer({k: held[k] for k in keys})[name])
        if self.row.file:
            self.memory = Memory()
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "parameters": self.job.parameters, "versions": versions()}

    def do_weights(self, request: dict[str, Any]) -> dict[str, Any]:
        """Write the weights, by layer and position."""
        held = {
            f"{name}/{i}": np.asarray(value)
            for name, values in self.job.weights.items()
            for i, value in enumerate(values)
        }
        np.savez(Path(request["folder"]) / "weights.npz", **held)
        return {}

    def do_pass(self, request: dict[str, Any]) -> dict[str, Any]:
        """Train; `compilations` are those so far."""
        start, used = time.perf_counter(), time.process_time()
        loss = self.job.go()
        return {
            "seconds": time.perf_counter() - start,
            "cpu": time.process_time() - used,
            "loss": loss,
            "peak": self.memory.most if self.memory else peak(),
            "compilations": self.counted.count if self.counted else self.job.traces(),
        }


def main() -> None:
    work = Work()
    serve(lambda request: getattr(work, f"do_{request['do']}")(request))


if __name__ == "__main__":
    main()
