"""Distributions on eight devices that share the CPU, in one process for all cases."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hornbook import distribution as D

CASES = Path(__file__).with_name("cases.py")
NAMES = re.findall(r"^@case\ndef (\w+)\(\):", CASES.read_text(), re.M)
SLOW = {"a_step_in_python"}  # eager steps on eight devices


@pytest.fixture(scope="module")
def failed(long) -> dict[str, str]:
    """The traceback of each case that failed, by name."""
    flags = os.environ["XLA_FLAGS"] + " --xla_force_host_platform_device_count=8"
    run = subprocess.run(
        [sys.executable, str(CASES), *(name for name in NAMES if long or name not in SLOW)],
        capture_output=True,
        text=True,
        env={**os.environ, "XLA_FLAGS": flags},
        timeout=600,
    )
    assert run.returncode == 0, run.stderr[-4000:]
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", NAMES)
def test_on_eight_devices(name, failed, long):
    if name in SLOW and not long:
        pytest.skip("slow: pytest --long")
    assert name not in failed, failed[name]


def test_names_of_devices():
    assert D.list_devices("cpu")[0] == "cpu:0"
    assert D.get_device_count("CPU") == len(D.list_devices("cpu"))
    with pytest.raises(ValueError, match="no devices of type 'abacus' here; .*'cpu'"):
        D.list_devices("abacus")
    with pytest.raises(ValueError, match="there is no device 'cpu:77' here, but cpu:0"):
        _ = D.DeviceMesh((1,), ("a",), ["cpu:77"]).backend_mesh


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: D.DeviceMesh((), ()), "must not be empty; got shape=()"),
        (lambda: D.DeviceMesh((1, 1), ("a",), ["cpu:0"]), r"a name for each axis of shape"),
        (lambda: D.DeviceMesh((1, 1), ("a", "a"), ["cpu:0"]), "must differ"),
        (lambda: D.DeviceMesh((4,), ("a",), ["cpu:0"]), "needs 4 devices; got 1"),
        (lambda: D.TensorLayout(("b",), mesh()), r"None or one of \['a'\]; got \['b'\]"),
        (lambda: D.TensorLayout(("a",)).backend_layout, "needs a device_mesh"),
        (lambda: setattr(D.TensorLayout(("a",), mesh()), "device_mesh", mesh()), "already has a"),
        (lambda: D.DataParallel(3), "device_mesh must be a DeviceMesh; got 3"),
        (lambda: D.DataParallel(mesh(), ["cpu:0"]), "not both"),
        (lambda: D.ModelParallel(), "layout_map must be a LayoutMap; got None"),
        (lambda: D.ModelParallel(layout_map=D.LayoutMap(mesh()), batch_dim_name="c"), "got 'c'"),
        (lambda: D.initialize("a:1,b:2", 3, 0), "lists 2 processes .* num_processes is 3"),
        (lambda: D.initialize("a:1", 2, 2), "from 0 to num_processes - 1 = 1, not 2"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def mesh() -> D.DeviceMesh:
    return D.DeviceMesh((1,), ("a",), ["cpu:0"])


def test_a_layout_map_finds_one_layout_for_a_path():
    layouts = D.LayoutMap(mesh())
    layouts[".*dense.*kernel"] = (None, "a")
    layouts["dense/kernel"] = D.TensorLayout(("a", None))
    assert layouts["dense/kernel"].axes == ("a", None)  # itself before an expression
    assert layouts["net/dense_1/kernel"].axes == (None, "a")
    assert layouts["net/dense_1/kernel"].device_mesh is layouts.device_mesh
    assert layouts["dense_1/bias"] is None
    assert layouts.get("dense_1/bias", 3) == 3
    assert "dense_1/kernel" in layouts and "dense_1/bias" not in layouts
    assert len(layouts) == 2 and list(layouts) == [".*dense.*kernel", "dense/kernel"]
    layouts[".*kernel"] = ("a",)
    with pytest.raises(ValueError, match=r"matches several keys .*dense\.\*kernel"):
        layouts["x/dense/kernel"]
    with pytest.raises(ValueError, match="already has the key"):
        layouts[".*kernel"] = ("a",)
    with pytest.raises(ValueError, match=r"must be a TensorLayout or a tuple .* \(str\)"):
        layouts["x"] = "a"
    del layouts[".*kernel"]
    assert layouts["conv/kernel"] is None


def test_only_a_distribution_can_be_set():
    with pytest.raises(TypeError, match="takes a DataParallel, a ModelParallel or None, not 'a'"):
        D.set_distribution("a")
    with D.DataParallel(mesh()).scope() as _:
        assert isinstance(D.distribution(), D.DataParallel)
    assert D.distribution() is None


def test_environment_variables_are_read(monkeypatch):
    monkeypatch.setenv("KERAS_DISTRIBUTION_NUM_PROCESSES", "two")
    with pytest.raises(ValueError, match="KERAS_DISTRIBUTION_NUM_PROCESSES must be an integer"):
        D.initialize()
