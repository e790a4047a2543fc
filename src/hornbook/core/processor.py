"""What the processor is, as far as the system tells."""

import functools
import hashlib
import platform
from pathlib import Path


@functools.cache
def cpuinfo() -> str:
    """What Linux tells of the first processor; elsewhere nothing."""
    try:
        return Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        return ""


def flags() -> set[str]:
    """The names of the sets of instructions that the processor has, as Linux spells them."""
    lines = [line for line in cpuinfo().splitlines() if line.startswith(("flags", "Features"))]
    return {flag for line in lines for flag in line.partition(":")[2].split()}


def kind() -> str:
    """A short name for the kind of processor and the instructions it knows."""
    told = ("model name", "flags", "Features")
    known = [line for line in cpuinfo().splitlines() if line.startswith(told)]
    known = known or [platform.machine(), platform.processor()]
    return hashlib.sha256("\n".join(known).encode()).hexdigest()[:16]
