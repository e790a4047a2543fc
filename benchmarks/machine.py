"""The machine: its description, and its use by other processes."""

import os
import platform
import time
from pathlib import Path

STAT, INFO = Path("/proc/stat"), Path("/proc/cpuinfo")


def describe() -> str:
    """Processor, cores and system, in one line."""
    lines = INFO.read_text().splitlines() if INFO.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    name = (names or [platform.processor()])[0]
    return f"{name}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"


def used() -> float:
    """CPU seconds used by all processes so far; 0 except on Linux."""
    if not STAT.exists():
        return 0.0
    user, nice, system, _idle, _wait, *rest = map(int, STAT.read_text().split()[1:9])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


def wait_for_quiet(limit: float) -> None:
    """Wait until others use less than a fifth of a core, or for `limit` seconds."""
    end = time.perf_counter() + limit
    while time.perf_counter() < end:
        before, start = used(), time.perf_counter()
        time.sleep(0.2)
        if used() - before < 0.2 * (time.perf_counter() - start):
            return
