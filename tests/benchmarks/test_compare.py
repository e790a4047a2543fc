"""The benchmark runner: hornbook and plain JAX in this interpreter, two steps each."""

import json
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import compare, envs, floor, tables, workloads
from benchmarks.compare import Result


def run(*arguments, tmp_path):
    """Runs the comparison with this interpreter as JAX's environment; returns status and JSON."""
    out = tmp_path / "out.json"
    here = ["--quick", "--json", str(out), "--env-dir", str(tmp_path)]
    status = compare.main([*here, "--python", f"jax={sys.executable}", *arguments])
    return status, json.loads(out.read_text())["results"]


def test_hornbook_runs_quickly_and_its_loss_is_a_number(tmp_path):
    status, results = run("--peers", "hornbook", "--workloads", "regression", tmp_path=tmp_path)
    assert status == 0, results
    (result,) = results
    assert result["parameters"] == 8 * 30 + 30 + 30 + 1
    assert np.isfinite(result["last_loss"])
    assert result["seconds"][0] > 0 and result["first"] > 0 and result["peak"] > 0


@pytest.mark.parametrize("name", ["embeddings", "stateful"])
def test_hornbook_and_plain_jax_have_the_same_losses_after_the_same_work(name, tmp_path):
    arguments = ("--peers", "hornbook,jax,jax-scan", "--workloads", name)
    status, results = run(*arguments, tmp_path=tmp_path)
    assert status == 0, results
    assert len({result["parameters"] for result in results}) == 1
    first = [result["first_loss"] for result in results]
    np.testing.assert_allclose(first, first[0], rtol=tables.FIRST_AGREE)


def test_jax_and_scanned_jax_agree_and_the_markdown_holds_both(tmp_path):
    page = tmp_path / "table.md"
    arguments = ("--peers", "jax,jax-scan", "--workloads", "predict,mlp", "--markdown", str(page))
    status, results = run(*arguments, tmp_path=tmp_path)
    assert status == 0, results
    assert {r["peer"] for r in results} == {"jax", "jax-scan"}
    assert "| mlp | jax-scan |" in page.read_text() and "- jax: " in page.read_text()


def test_workers_that_start_together_are_measured_one_after_the_other(tmp_path):
    arguments = ("--together", "2", "--peers", "jax,jax-scan", "--workloads", "regression,cold")
    status, results = run(*arguments, tmp_path=tmp_path)
    assert status == 0, results
    for one in results:
        assert one["seconds"] and (one["first"] is None) == (one["workload"] != "cold")


def test_products_are_counted_forward_and_backward():
    dense = 300 * 100 + 100 * 10
    assert floor.operations(workloads.WORKLOADS["mlp"]) == 2 * 8_000 * (2 * 784 * 300 + 3 * dense)
    cells = [24 * 4 * 512 + 4 * 512**2, 8 * 512**2, workloads.CHARS * 512]
    assert floor.operations(workloads.WORKLOADS["charlstm"]) == 6 * 640 * 40 * sum(cells)
    pictures = workloads.WORKLOADS["convnet"]
    windows = [26**2 * 9 * 32, 11**2 * 9 * 32 * 64, 3**2 * 9 * 64 * 64, 576 * 64 + 64 * 10]
    least = 2 * pictures.rows * (3 * sum(windows) - windows[0])
    # a gradient of a picture is counted with the border of zeros that it is convolved with
    assert least < floor.operations(pictures) < 1.6 * least
    assert floor.operations(workloads.WORKLOADS["embeddings"]) == 0


def test_the_share_of_the_peak_is_that_of_the_products(monkeypatch):
    said = json.dumps({"device": "a device", "peak": 1e9, "operations": {"mlp": 5e8}})
    real = subprocess.run
    command = [sys.executable, "-c", f"print({said!r})"]
    monkeypatch.setattr(subprocess, "run", lambda _, **how: real(command, **how))
    results = [result("hornbook", 2.0), result("torch", 4.0), Result("predict", "hornbook", [1.0])]
    assert compare.measure_shares(results) == "1 GFLOP/s on a device"
    assert [one.share for one in results] == [0.25, 0.125, None]


def test_a_peer_that_fails_is_reported_and_the_others_go_on(tmp_path, monkeypatch):
    broken = compare.Peer("jax", "jax", settings={"no_such_setting": 1})
    monkeypatch.setitem(compare.PEERS, "jax-scan", broken)
    arguments = ("--peers", "jax-scan,jax", "--workloads", "regression")
    status, (bad, good) = run(*arguments, tmp_path=tmp_path)
    assert status == 1
    assert "no_such_setting" in bad["error"] and not good["error"] and good["seconds"]


@pytest.mark.parametrize(
    "arguments", [["--peers", "theano"], ["--workloads", "x"], ["--python", "x=y"]]
)
def test_unknown_names_are_refused_with_the_known_ones(arguments, capsys):
    with pytest.raises(SystemExit):
        compare.main(arguments)
    assert "choose from" in capsys.readouterr().err


@pytest.mark.parametrize("name", workloads.WORKLOADS)
def test_data_is_the_same_each_time_and_fits_the_weights(name, tmp_path):
    workload = workloads.WORKLOADS[name]
    rows = 2 * workload.batch
    source = workloads.write(workload, rows, tmp_path / "a.npz")
    x, y, weights = workloads.read(tmp_path / "a.npz")
    again, target, _ = workload.data(rows)
    assert source and all(len(part) == rows for part in [*x, y])
    assert all(np.array_equal(a, b) for a, b in zip([*x, y], [*again, target]))
    assert all(part.dtype in (np.float32, np.int32) for part in [*x, y])
    shapes = {layer: [shape for _, shape in specs] for layer, specs in workload.weights.items()}
    assert {layer: [v.shape for v in values] for layer, values in weights.items()} == shapes
    words = shapes.get("embed") or shapes.get("words")
    assert not words or x[0].max() < words[0][0]


@pytest.mark.parametrize("name", workloads.WORKLOADS)
def test_without_real_data_the_shapes_are_the_same(name, tmp_path, monkeypatch):
    workload = workloads.WORKLOADS[name]
    real = workload.data(2 * workload.batch)
    monkeypatch.setattr(workloads, "DATA", tmp_path)
    made = workload.data(2 * workload.batch)
    assert made[2] == "synthetic"
    for a, b in zip([*real[0], real[1]], [*made[0], made[1]]):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)


def result(peer, seconds, first=1.0, last=0.5, **more):
    return Result("mlp", peer, [seconds], 1.0, first, last, **more)


def test_ratios_goals_and_medians_in_the_summary():
    house = Result("mlp", "hornbook", [0.1, 0.3, 0.2], 1.0, 1.0, 0.5)
    page = tables.summary([house, result("keras-jax", 0.5), result("torch", 0.4)])
    row = dict(zip(page.head, page.rows[0]))
    assert row["hornbook"] == "200 ms"
    assert row["keras-jax"] == "2.5x"
    assert row["Keras's best (wanted)"] == "2.5x (2.3x)"
    assert row["torch (wanted)"] == "2x (2.8x)"
    assert row["met"] == "no"


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (result("torch", 1.0, first=1.05), "losses"),
        (result("torch", 1.0, last=0.8), "losses"),
        (result("torch", 1.0, first=float("nan")), "losses"),
        (result("torch", 1.0, parameters=7), "parameters"),
        (result("torch", 1.0, idle=0.5), "waited"),
        (result("torch", 1.0, error="died"), "died"),
    ],
)
def test_whatever_makes_the_comparison_unfair_is_a_problem(odd, said):
    others = [result("hornbook", 1.0), result("jax", 1.0)]
    assert tables.problems(others) == []
    found = tables.problems([*others, odd])
    assert len(found) == 1 and said in found[0]


@pytest.mark.parametrize(
    ("workload", "peer", "allowed"),
    [
        ("stateful", "keras-jax", True),
        ("stateful", "torch", False),
        ("embeddings", "keras-tensorflow", True),
        ("mlp", "keras-tensorflow", False),
    ],
)
def test_only_the_two_known_differences_get_the_wider_tolerance(workload, peer, allowed):
    others = [Result(workload, name, first_loss=1.0) for name in ("hornbook", "jax")]
    assert tables.agrees(Result(workload, peer, first_loss=1.1), others) is allowed


def test_help_says_how_to_choose_peers():
    command = [sys.executable, "-m", "benchmarks.compare", "--help"]
    said = subprocess.run(command, capture_output=True, text=True, cwd=compare.ROOT, check=True)
    assert "keras-tensorflow" in said.stdout


def test_an_environment_is_made_once_and_again_when_versions_change(tmp_path, monkeypatch):
    commands = []

    def done(command, **_):
        commands.append(command)
        (tmp_path / "jax").mkdir(exist_ok=True)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(envs.subprocess, "run", done)
    for _ in range(2):
        python = envs.ensure("jax", tmp_path, print)
    assert len(commands) == 2 and commands[1][-1] == envs.ENVS["jax"][0]
    assert python.is_relative_to(tmp_path / "jax")
    monkeypatch.setitem(envs.ENVS, "jax", ["jax==9"])
    envs.ensure("jax", tmp_path, print)
    assert commands[3][-1] == "jax==9"


def test_a_failing_installation_says_what_pip_said(tmp_path, monkeypatch):
    def fail(command, **_):
        return subprocess.CompletedProcess(command, 1, "", "no such version")

    monkeypatch.setattr(envs.subprocess, "run", fail)
    with pytest.raises(RuntimeError, match="no such version"):
        envs.ensure("jax", tmp_path, print)
