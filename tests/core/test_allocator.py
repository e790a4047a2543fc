"""The allocator's settings, in processes of their own."""

import os
import subprocess
import sys

import pytest

CODE = "from hornbook.core.allocator import keep_buffers; print(keep_buffers())"


GLIBC = pytest.mark.skipif(
    not hasattr(os, "confstr") or "glibc" not in (os.confstr("CS_GNU_LIBC_VERSION") or ""),
    reason="needs glibc",
)


def answer(code: str = CODE, **environment) -> str:
    process = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return process.stdout.strip()


@GLIBC
def test_the_heap_keeps_buffers_unless_told_otherwise():
    assert answer(HORNBOOK_MALLOC="") == "True"
    assert answer(HORNBOOK_MALLOC="system") == "False"


GIVEN_BACK = """
import gc
from pathlib import Path
import numpy as np
from hornbook.core.allocator import give_back

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

held = [np.ones(1 << 20) for _ in range(20)]  # 8 MiB each
top = np.ones(1 << 20)  # keeps the rest from the heap's top
before = resident()
del held
kept = resident()
give_back()
print(before - kept < 2**20, before - resident() > 150 * 2**20)
"""


@GLIBC
def test_what_the_heap_keeps_can_be_given_back():
    assert answer(GIVEN_BACK) == "True True"


TIDIED = """
from pathlib import Path
from types import SimpleNamespace
import numpy as np
from hornbook.core import allocator

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

def call(seconds):
    times = iter([0, seconds])
    allocator.time = SimpleNamespace(perf_counter=lambda: next(times))
    with allocator.tidied():
        held = [np.ones(1 << 20) for _ in range(30)]  # 8 MiB each
        tops.append(np.ones(1 << 20))  # keeps the rest from the heap's top
        del held
    return resident() - before

tops, before = [], resident()
print(call(2) > 200 * 2**20, call(10) < 100 * 2**20)
"""


@GLIBC
def test_a_long_call_gives_back_what_it_kept_and_a_short_one_keeps_it():
    assert answer(TIDIED) == "True True"
