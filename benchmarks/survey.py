"""Is any program slow? Many small ones, against Keras on two backends.

    python -m benchmarks.survey
    python -m benchmarks.survey --programs generator_of_a_gan,inception --rounds 5

Each peer is one process, which is told what to run. Each peer in turn runs a program, once to
compile and then in rounds; the median is reported. Losses are not compared: `compare.py` does that,
for fewer programs and more peers.
"""

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks import envs
from benchmarks.survey_models import PROGRAMS, Work
from benchmarks.tables import line, seconds, times

# by peer: the module with the API, Keras's backend
PEERS = {
    "hornbook": ("hornbook", ""),
    "keras-jax": ("keras", "jax"),
    "keras-tensorflow": ("keras", "tensorflow"),
}
SECONDS = 0.2  # minimum duration of a round


class Peer:
    """A process that runs programs.

    Args:
        name: one of `PEERS`.
        python: the interpreter.
    """

    def __init__(self, name: str, python: str):
        self.name = name
        module, backend = PEERS[name]
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": backend}
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.survey", "--worker", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **{k: v for k, v in quiet.items() if v}},
        )

    def ask(self, program: str = "") -> float | str:
        """Seconds of a program's first run or, without a name, of one more run; or the error."""
        assert self._process.stdin and self._process.stdout
        print(program, file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        return json.loads(answer) if answer else "the process has ended"

    def end(self) -> None:
        with self._process:  # closes its pipes
            self._process.kill()


def begun(module: ModuleType, program: str) -> tuple[Work, float]:
    """Build a program and run it once; returns its work and the seconds taken."""
    start = time.perf_counter()
    do = PROGRAMS[program](module)
    do()
    return do, time.perf_counter() - start


def timed(do: Work) -> float:
    """Mean seconds of the work over several runs."""
    start, count = time.perf_counter(), 0
    while (passed := time.perf_counter() - start) < SECONDS:
        do()
        count += 1
    return passed / count


def work(module: ModuleType) -> None:
    """Serve requests, one line in, one line out; see `Peer.ask`."""
    do: Any = None
    for request in sys.stdin:
        answer: float | str
        try:
            if request.strip():
                do, answer = begun(module, request.strip())
            else:
                answer = timed(do)
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"[:200]
        print(json.dumps(answer), flush=True)


def measure(peers: list[Peer], program: str, rounds: int) -> dict[str, tuple[Any, Any]]:
    """For each peer, the seconds of the first run and the median of the rounds, or errors."""
    first = {peer.name: peer.ask(program) for peer in peers}
    running = [peer for peer in peers if not isinstance(first[peer.name], str)]
    for peer in running:
        peer.ask()  # the first fit measures how long steps take
    spent: dict[str, list] = {name: [] for name in first}
    for _ in range(rounds):
        for peer in running:
            spent[peer.name].append(peer.ask())
    found: dict[str, tuple[Any, Any]] = {}
    for name, answers in spent.items():
        wrong = [answer for answer in (first[name], *answers) if isinstance(answer, str)]
        found[name] = (wrong[0], None) if wrong else (first[name], statistics.median(answers))
    return found


def row(program: str, found: dict[str, tuple[Any, Any]]) -> list[str]:
    """hornbook's time and first run, and each other peer's relative to both."""
    start, own = found["hornbook"]
    if own is None:
        return [program, start]
    cells = [program.replace("_", " "), seconds(own), seconds(start)]
    for name in list(found)[1:]:
        first, spent = found[name]
        cells += [first, ""] if spent is None else [times(spent / own), seconds(first)]
    return cells


def main() -> None:
    """Print a Markdown table, line by line as it is measured."""
    parser = argparse.ArgumentParser(description="many small programs, against Keras")
    parser.add_argument("--programs", default=",".join(PROGRAMS), help="default: all")
    parser.add_argument("--rounds", type=int, default=3, help="%(default)s")
    parser.add_argument("--env-dir", type=Path, default=envs.CACHE, help="%(default)s")
    parser.add_argument("--peers", default=",".join(PEERS), help="%(default)s")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return work(importlib.import_module(args.worker))
    names = ["hornbook", *(name for name in args.peers.split(",") if name != "hornbook")]
    peers = []
    try:
        for name in names:
            own = name == "hornbook"
            python = sys.executable if own else str(envs.ensure(name, args.env_dir, print))
            peers.append(Peer(name, python))
        heads = ["program", "hornbook", "first run"]
        heads += [head for name in names[1:] for head in (name, "first run")]
        print(line(heads), line(["---"] * len(heads)), sep="\n")
        for program in args.programs.split(","):
            found = measure(peers, program, args.rounds)
            print(line(row(program, found)), flush=True)
    finally:
        for peer in peers:
            peer.end()


if __name__ == "__main__":
    main()
