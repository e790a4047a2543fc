"""Two processes that train together, on loopback; each has two devices that share the CPU."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).with_name("processes.py")
NAMES = re.findall(r"^    (\w+),$", HERE.read_text().partition("CASES = [")[2], re.M)


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> tuple[list[str], list[dict], Path]:
    """What each process printed, what failed in it, and the folder they wrote to."""
    folder = tmp_path_factory.mktemp("processes")
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{one.getsockname()[1]}"
    flags = os.environ["XLA_FLAGS"] + " --xla_force_host_platform_device_count=2"
    running = [
        subprocess.Popen(
            [sys.executable, str(HERE), str(number), address, str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "XLA_FLAGS": flags},
        )
        for number in range(2)
    ]
    try:
        printed = [process.communicate(timeout=300) for process in running]
    finally:
        for process in running:
            process.kill()
    for process, (_, errors) in zip(running, printed, strict=True):
        assert process.returncode == 0, errors[-4000:]
    texts = [text.strip().rpartition("\n") for text, _ in printed]
    return [text for text, _, _ in texts], [json.loads(last) for _, _, last in texts], folder


@pytest.mark.parametrize("name", NAMES)
def test_in_two_processes(name, both):
    for number, found in enumerate(both[1]):
        assert name not in found["failed"], f"process {number}: {found['failed'][name]}"


def test_processes_draw_the_same_seeds(both):
    first, second = both[1]
    assert first["seed"] == second["seed"]


def test_only_the_first_process_prints_and_writes(both):
    (first, second), _, folder = both
    assert "Epoch 2/5" in first and "saved to" in first and "Early" in first.title()
    assert not second.strip()
    assert (folder / "log.csv").read_text().count("\n") == 3
    assert sorted(path.name for path in folder.glob("[12].weights.h5")) == [
        "1.weights.h5",
        "2.weights.h5",
    ]
