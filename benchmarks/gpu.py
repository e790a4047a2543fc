"""On a machine with a GPU: the tests that a device can change, then rows of `compare.py`.

    python -m benchmarks.gpu --minutes 8 --markdown gpu.md --json gpu.json
    python -m benchmarks.gpu --dry-run               # anywhere: one file of tests, one small row

Both parts together end within the minutes given, with what is there by then. Tests run with
products in full float32, so that tolerances hold, and without autotuning; rows run as users run
them. Peers run with this interpreter, or with `--python ENV=PATH`.
"""

import argparse
import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import tables
from benchmarks.compare import PEERS, ROOT, Result, house
from benchmarks.workloads import WORKLOADS

TESTS = [
    "tests/kernels",
    "tests/layers",
    *(f"tests/parity/test_{part}.py" for part in ("layers", "recurrent", "optimizers", "losses")),
    *(f"tests/training/test_{part}.py" for part in ("small", "steps", "tables", "large", "feed")),
    *(f"tests/training/test_{part}.py" for part in ("padding", "not_finite", "fit", "out")),
    "tests/optimizers",
    "tests/core",
    "tests/distribution",
    "tests/test_random.py",
    "tests/metrics",
    "tests/models",
]
ROWS = [  # those never measured on a GPU first
    ["regression", "embeddings", "simplernn", "stateful"],
    ["imdb_conv", "wavenet", "predict", "transformer"],
    ["resnet20", "imdb_lstm", "cold"],
]
SHARE = 0.5  # of the time, for tests
CLOSING = 15  # seconds for a command to end by itself
WORKERS = 12
MEMORY = "0.04"  # fraction of the GPU for each process
REPORT = "HORNBOOK_FAILURES"  # environment variable: file to which pytest adds lines of JSON
QUICK = ["tests/kernels/test_cudnn.py"], [["regression"]]


def pytest_runtest_logreport(report: Any) -> None:
    """Hook of pytest, which loads this module as a plugin: note each outcome at once."""
    failed = report.failed
    if report.when != "call" and not failed:
        return
    said = str(report.longrepr).strip().splitlines() if failed else [""]
    reason = next((line[2:].strip() for line in said if line.startswith("E  ")), said[-1])
    noted = {"test": report.nodeid, "failed": failed, "reason": reason, "seconds": report.duration}
    with open(os.environ[REPORT], "a") as file:
        print(json.dumps(noted), file=file)


def run(command: list[str], environ: dict[str, str], limit: float) -> tuple[int | None, str]:
    """Run a command and all that it starts for at most `limit` seconds; its status and output."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command,
            stdout=said,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=environ,
            start_new_session=True,
        )
        status = None
        for wait, sent in ((limit, signal.SIGINT), (CLOSING, signal.SIGKILL), (None, None)):
            try:
                status = process.wait(wait)
                break
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, sent)
        said.seek(0)
        return status, said.read()


def device() -> str:
    """The device that jax uses by default, asked for in a process that then releases it."""
    code = "import jax; d = jax.devices()[0]; print(d.platform + ' ' + d.device_kind)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return (done.stdout.strip() or done.stderr.strip() or "none").splitlines()[-1]


def run_tests(chosen: list[str], on_gpu: bool, limit: float) -> dict[str, Any]:
    """Run the tests; returns counts, failures, and the end of what pytest said."""
    environ = house() | {
        "JAX_DEFAULT_MATMUL_PRECISION": "highest",
        "XLA_PYTHON_CLIENT_MEM_FRACTION": MEMORY,
        "PYTHONUNBUFFERED": "1",
    }
    if on_gpu:
        environ |= {
            "JAX_PLATFORMS": "cuda,cpu",
            "XLA_FLAGS": "--xla_gpu_autotune_level=0 --xla_backend_optimization_level=1",
        }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "benchmarks.gpu"]
    if importlib.util.find_spec("xdist") and (os.cpu_count() or 1) > 2:
        command += ["-n", str(min(WORKERS, os.cpu_count() or 1))]
    with tempfile.TemporaryDirectory() as folder:
        environ[REPORT] = str(report := Path(folder) / "report")
        status, said = run([*command, *chosen], environ, limit)
        lines = report.read_text().splitlines() if report.exists() else []
    noted = [json.loads(line) for line in lines]
    return {
        "run": len(noted),
        "status": status,
        "failed": [one for one in noted if one["failed"]],
        "slowest": sorted(noted, key=lambda one: -one["seconds"])[:10],
        "said": said.strip().splitlines()[-30:],
    }


def run_rows(
    groups: list[list[str]], peers: list[str], options: list[str], end: float
) -> tuple[list[Result], list[str], dict[str, str]]:
    """Run groups of rows until `end`; returns results, problems and what they were measured on."""
    results: list[Result] = []
    problems, about = [], {}
    for group in groups:
        left = end - time.perf_counter() - CLOSING
        if left < 2 * CLOSING:
            problems.append(f"no time for {', '.join(group)}")
            continue
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out.json"
            command = [sys.executable, "-m", "benchmarks.compare", "--json", str(out)]
            command += ["--workloads", ",".join(group), "--peers", ",".join(peers), *options]
            status, said = run(command, house(), left)
            if out.exists():
                found = json.loads(out.read_text())
                about |= found["about"]
                results += [Result(**one) for one in found["results"]]
            else:
                last = said.strip().splitlines()[-1:]
                problems.append(f"{', '.join(group)}: status {status}: {' '.join(last)}")
    return results, problems + tables.problems(results), about


def markdown(found: dict[str, Any], results: list[Result]) -> str:
    """The report: failures by name and reason, and the tables of the rows."""
    tests = found["tests"]
    lines = [f"# {found['device']}", ""]
    lines += [f"{tests['run']} tests, {len(tests['failed'])} failed.", ""]
    lines += [f"- `{one['test']}`: {one['reason']}" for one in tests["failed"]]
    lines += ["", *(f"- {problem}" for problem in found["problems"]), ""]
    return "\n".join(lines) + "\n" + tables.markdown(results, found["about"])


def given_pythons(peers: list[str], given: list[str]) -> list[str]:
    """Options of `compare.py` that name an interpreter for each environment."""
    envs = {env for peer in peers if (env := PEERS[peer].env)}
    named = {one.partition("=")[0] for one in given}
    own = [f"{env}={sys.executable}" for env in sorted(envs - named)]
    return [part for one in [*given, *own] for part in ("--python", one)]


def main(argv: list[str] | None = None) -> int:
    """Run both parts; returns 1 if a test failed or a row went wrong, else 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--minutes", type=float, default=8, help="for both parts: %(default)s")
    parser.add_argument("--tests", nargs="*", default=TESTS, help="files and folders")
    parser.add_argument("--rows", default="", help="default: those never measured, then others")
    parser.add_argument("--peers", default="hornbook,keras-jax,torch", help="%(default)s")
    parser.add_argument("--python", action="append", default=[], metavar="ENV=PATH")
    parser.add_argument("--dry-run", action="store_true", help="one file of tests, one small row")
    parser.add_argument("--markdown", type=Path, help="write the report to this file")
    parser.add_argument("--json", type=Path, help="write all that was found to this file")
    args = parser.parse_args(argv)
    start, peers = time.perf_counter(), args.peers.split(",")
    end = start + 60 * args.minutes
    groups = [args.rows.split(",")] if args.rows else ROWS
    if unknown := {name for group in groups for name in group} - WORKLOADS.keys():
        parser.error(f"no such rows: {', '.join(unknown)}; choose from {', '.join(WORKLOADS)}")
    tests, options = args.tests, ["--together", "4"]
    if args.dry_run:
        tests, groups, options = *QUICK, ["--quick"]
    name = device()
    if not (on_gpu := name.startswith("gpu")):
        print(f"no GPU: everything runs on {name}, which shows only that the command works")
    share = 60 * args.minutes * (SHARE if groups else 1)
    found: dict[str, Any] = {"device": name, "tests": run_tests(tests, on_gpu, share)}
    print(f"{found['tests']['run']} tests in {time.perf_counter() - start:.0f} s")
    for one in found["tests"]["failed"]:
        print(f"failed: {one['test']}: {one['reason']}", flush=True)
    if not found["tests"]["run"]:
        print(*found["tests"]["said"], sep="\n")
    options += given_pythons(peers, args.python)
    results, found["problems"], found["about"] = run_rows(groups, peers, options, end)
    found["results"] = [vars(result) for result in results]
    console = tables.console()
    for page in (tables.summary(results), tables.details(results)):
        console.print(tables.rich_table(page))
    print(*found["problems"], sep="\n")
    print(f"{(time.perf_counter() - start) / 60:.1f} minutes")
    if args.markdown:
        args.markdown.write_text(markdown(found, results))
    if args.json:
        args.json.write_text(json.dumps(found, indent=1))
    return int(bool(found["tests"]["failed"] or found["problems"] or not found["tests"]["run"]))


if __name__ == "__main__":
    sys.exit(main())
