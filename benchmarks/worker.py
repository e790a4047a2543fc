"""One peer on one workload: reads a JSON request per line, answers with one line.

Requests: `{"do": "build", ...}`, then any number of `{"do": "work", ...}`. The answer to `work` has
the seconds taken, the loss, the peak memory so far, and the CPU use while waiting.
"""

import importlib
import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.workloads import WORKLOADS, Job, Workload, read

PACKAGES = ("hornbook", "jax", "keras", "tensorflow", "torch", "numpy")


def build(request: dict[str, Any]) -> tuple[Workload, Job]:
    """Build the model; Keras API models with the requested module."""
    workload = WORKLOADS[request["workload"]]
    models = importlib.import_module(f"benchmarks.models_{request['models']}")
    module = [importlib.import_module(request["module"])] if request.get("module") else []
    job = models.build(*module, workload, *read(request["data"]), **request["settings"])
    return workload, job


def work(workload: Workload, job: Job, request: dict[str, Any]) -> dict[str, Any]:
    """Train or predict; `seconds` is the time of one epoch, or of `calls` predictions."""
    start, used, loss = time.perf_counter(), time.process_time(), None
    if workload.kind == "predict":
        job.predict(request["calls"])
        units = 1
    else:
        units = request["epochs"]
        loss = job.train(units, request["shuffle"])
    seconds = (time.perf_counter() - start) / units
    return {"seconds": seconds, "loss": loss, "peak": peak(), "cpu": time.process_time() - used}


def peak() -> float:
    """Peak resident memory of this process so far, in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage includes the process this one was forked from
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        if name in sys.modules:
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                found[name] = getattr(sys.modules[name], "__version__", "?")
    if native := sys.modules.get("hornbook.kernels.native"):
        found["compiled kernels"] = native.instructions() or "none"
    return found


def serve(handle: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Answer each request by `handle`, or with its error; adds the CPU use while waiting."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # library output goes to the log
    waiting, used = time.perf_counter(), time.process_time()
    for line in sys.stdin:
        request = json.loads(line)
        wait = time.perf_counter() - waiting
        idle = (time.process_time() - used) / wait if wait > 0.5 else 0.0  # too short to tell
        try:
            answer = handle(request) | {"idle": idle}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)
        waiting, used = time.perf_counter(), time.process_time()


def main() -> None:
    held: list[Any] = []

    def handle(request: dict[str, Any]) -> dict[str, Any]:
        if request["do"] == "work":
            return work(*held, request)
        held[:] = build(request)
        return {"parameters": held[1].parameters, "versions": versions()}

    serve(handle)


if __name__ == "__main__":
    main()
