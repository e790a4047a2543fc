"""The allocator's settings, in processes of their own."""

import os
import subprocess
import sys

import pytest

CODE = "from hornbook.core.allocator import keep_buffers; print(keep_buffers())"


def answer(**environment) -> str:
    process = subprocess.run(
        [sys.executable, "-c", CODE],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return process.stdout.strip()


@pytest.mark.skipif(
    not hasattr(os, "confstr") or "glibc" not in (os.confstr("CS_GNU_LIBC_VERSION") or ""),
    reason="needs glibc",
)
def test_the_heap_keeps_buffers_unless_told_otherwise():
    assert answer(HORNBOOK_MALLOC="") == "True"
    assert answer(HORNBOOK_MALLOC="system") == "False"
