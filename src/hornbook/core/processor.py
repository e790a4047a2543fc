"""The CPU's model and features, as reported by the system."""

import functools
import hashlib
import platform
from pathlib import Path


@functools.cache
def cpuinfo() -> str:
    """The first processor's entry in Linux's `/proc/cpuinfo`; empty on other systems."""
    try:
        return Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        return ""


def flags() -> set[str]:
    """The CPU's instruction set flags, as Linux spells them."""
    lines = [line for line in cpuinfo().splitlines() if line.startswith(("flags", "Features"))]
    return {flag for line in lines for flag in line.partition(":")[2].split()}


def kind() -> str:
    """A hash of the CPU's model and its instruction sets."""
    told = ("model name", "flags", "Features")
    known = [line for line in cpuinfo().splitlines() if line.startswith(told)]
    known = known or [platform.machine(), platform.processor()]
    return hashlib.sha256("\n".join(known).encode()).hexdigest()[:16]
