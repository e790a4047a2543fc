"""Larger work: the first epoch, memory, new sizes, and a step, for hornbook and its peers.

    python -m benchmarks.large
    python -m benchmarks.large --rows resnet50,deep --peers hornbook,torch --markdown large.md

Each peer runs each row in a process: one pass (an epoch, or the row's calls), and then some rounds,
in turns with the other peers. hornbook, which keeps compiled programs between processes, makes its
first pass in a process that starts with an empty cache, and again in a second one.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import datetime
import json
import math
import platform
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import envs, machine, tables, turns
from benchmarks.compare import PEERS, Worker, busy
from benchmarks.large_rows import ROWS, Row, write_file

DEFAULT = ["hornbook", "keras-jax", "keras-tensorflow", "torch"]
KERAS = [peer for peer in PEERS if peer.startswith("keras")]
CACHED = ["hornbook"]  # peers that leave compiled programs to the next process by default
SLACK = 1e-3  # absolute, between first losses
SPARE = 2e9  # bytes left free on the disk


@dataclass
class Result:
    """One peer on one row. Times are seconds; `seconds` are per step or call, one a round.

    `compilations` are those of the first process, `later` those of the rounds. `idle` is the
    fraction of a core used while waiting, `others` the cores used by all other processes.
    """

    row: str
    peer: str
    build: float | None = None
    first: float | None = None
    again: float | None = None
    seconds: list[float] = field(default_factory=list)
    peak: float = 0.0
    compilations: int = 0
    later: int = 0
    parameters: int = 0
    loss: float | None = None
    idle: float = 0.0
    others: list[float] = field(default_factory=list)
    error: str = ""

    @property
    def step(self) -> float | None:
        return statistics.median(self.seconds) if self.seconds else None


def measure(
    row: Row,
    pythons: dict[str, Path | str],
    args: argparse.Namespace,
    folder: Path,
    say: Callable[[str], None],
) -> tuple[list[Result], dict[str, str]]:
    """Run one row for every peer; returns results and versions."""
    results = {peer: Result(row.name, peer) for peer in pythons}
    workers: dict[str, Worker] = {}
    versions: dict[str, str] = {}
    place = {"folder": str(folder)}
    if row.file:
        write_file(row, folder)

    def start(peer: str) -> tuple[Worker, float]:
        """A process with its model; the seconds that it took for data and weights."""
        machine.wait_for_quiet(args.quiet)
        made, log = PEERS[peer], folder / f"{peer}.log"
        environ = {"HORNBOOK_CACHE": str(folder / "cache")}
        worker = Worker(pythons[peer], made, log, args.limit, "benchmarks.large_worker", environ)
        workers[peer] = worker
        jax = peer == "hornbook" or peer.startswith("keras-jax")
        worker.ask(do="import", models=made.models, module=made.module, jax=jax)
        sizes = {"row": row.name, "gigabytes": args.gigabytes, "quick": args.quick}
        built = worker.ask(do="build", **sizes)
        prepared = worker.ask(do="prepare", **place)
        versions.update(prepared["versions"])
        result = results[peer]
        result.build = result.build or built["seconds"]
        result.parameters = prepared["parameters"]
        return worker, prepared["seconds"]

    def passed(peer: str) -> dict[str, Any]:
        done = workers[peer].ask(do="pass")
        results[peer].peak = max(results[peer].peak, done["peak"])
        return done

    def begin(peer: str) -> None:
        """Each process to the end of its first pass; the last one stays."""
        result = results[peer]
        worker, apart = start(peer)
        done = passed(peer)
        result.first = result.again = time.perf_counter() - worker.started - apart
        result.compilations, result.loss = done["compilations"], done["loss"]
        if peer in CACHED:
            workers.pop(peer).close()
            worker, apart = start(peer)
            done = passed(peer)
            result.again = time.perf_counter() - worker.started - apart
        result.later = -done["compilations"]

    def turn(peer: str) -> None:
        machine.wait_for_quiet(args.quiet)
        used, begun, result = machine.used(), time.perf_counter(), results[peer]
        done = passed(peer)
        spent = time.perf_counter() - begun
        result.others.append(max(0.0, (machine.used() - used - done["cpu"]) / spent))
        result.idle = max(result.idle, done["idle"])
        result.seconds.append(done["seconds"] / row.units)
        if len(result.seconds) == args.rounds:
            result.later += done["compilations"]

    def excused(peer: str) -> contextlib.AbstractContextManager:
        told = f"{row.name}, {peer}: "
        return turns.excused(results[peer], workers, lambda error: say(told + error))

    try:
        keras = [peer for peer in pythons if PEERS[peer].models == "keras"]
        if row.agree is not None and keras and len(pythons) > 1:
            with excused(keras[0]):
                start(keras[0])[0].ask(do="weights", **place)
                workers.pop(keras[0]).close()
                shutil.rmtree(folder / "cache", ignore_errors=True)
        for peer in pythons:
            with excused(peer):
                begin(peer)
        for number in range(args.rounds):
            order = [peer for peer in results if not results[peer].error]
            for peer in turns.in_turn(order, number):
                with excused(peer):
                    turn(peer)
    finally:
        for worker in workers.values():
            worker.close()
    return list(results.values()), versions


# --- tables ---


def grouped(results: list[Result]) -> dict[str, dict[str, Result]]:
    found: dict[str, dict[str, Result]] = {}
    for result in results:
        found.setdefault(result.row, {})[result.peer] = result
    return found


def details(results: list[Result]) -> tables.Page:
    """Every peer on every row."""
    head = "row,peer,build,to the first pass's end,in a second process,a step or call"
    head += ",peak memory,compilations,later ones,parameters,first loss"
    rows, sections = [], []
    for name, peers in grouped(results).items():
        for result in peers.values():
            times = (result.build, result.first, result.again, result.step)
            rows.append(
                [
                    name,
                    result.peer,
                    *("failed" if result.error else tables.seconds(one) for one in times),
                    f"{result.peak:.0f} MB" if result.peak else "",
                    str(result.compilations) if result.peer != "torch" else "",
                    str(result.later) if result.peer != "torch" else "",
                    f"{result.parameters:,}",
                    tables.number(result.loss),
                ]
            )
        sections.append(len(rows) - 1)
    return tables.Page("each peer on each row", head.split(","), rows, sections)


MEASURES: dict[str, Callable[[Result], float | None]] = {
    "to the first pass's end": lambda result: result.first,
    "in a second process": lambda result: result.again,
    "a step or call": lambda result: result.step,
    "peak memory": lambda result: result.peak or None,
}


def summary(results: list[Result]) -> tables.Page:
    """hornbook's figures; in brackets the least of Keras's and torch's relative to them."""
    rows = []
    for name, peers in grouped(results).items():
        cells = [ROWS[name].title, str(ROWS[name].batch)]
        for title, value in MEASURES.items():
            own = value(peers["hornbook"]) if "hornbook" in peers else None
            keras = [found for p in KERAS if p in peers and (found := value(peers[p]))]
            torch = value(peers["torch"]) if "torch" in peers else None
            ratios = [
                tables.times(other / own) if own and other else "-"
                for other in (min(keras, default=None), torch)
            ]
            shown = f"{own:.0f} MB" if own and "memory" in title else tables.seconds(own)
            cells.append(f"{shown} ({', '.join(ratios)})")
        rows.append(cells)
    title = "hornbook (the best of Keras, torch, relative to it)"
    return tables.Page(title, ["row", "batch", *MEASURES], rows, [])


def problems(results: list[Result], quick: bool = False) -> list[str]:
    """What makes the comparison unfair or incomplete; in a smoke test losses are only finite."""
    found = []
    for result in results:
        if result.idle > tables.IDLE_LIMIT:
            found.append(
                f"{result.row}, {result.peer}: {result.idle:.0%} of a core while it waited"
            )
    for name, peers in grouped(results).items():
        good = [result for result in peers.values() if not result.error]
        found += [f"{name}, {p}: failed: {r.error}" for p, r in peers.items() if r.error]
        if len(counts := {result.parameters for result in good}) > 1:
            found.append(f"{name}: parameters differ: {counts}")
        agree = math.inf if quick and ROWS[name].agree else ROWS[name].agree
        losses = [result.loss for result in good if result.loss is not None]
        for result in good if agree is not None else ():
            middle = statistics.median_low(losses)
            if result.loss is None or not abs(result.loss - middle) <= agree * abs(middle) + SLACK:
                found.append(f"{name}, {result.peer}: loss {result.loss}, others {middle:.4g}")
            if result.later:
                found.append(f"{name}, {result.peer}: compiled {result.later} more in the rounds")
    return found


def markdown(results: list[Result], about: dict[str, str]) -> str:
    lines = [f"- {key}: {value}" for key, value in about.items()]
    for page in (summary(results), details(results)):
        lines += ["", f"**{page.title}**", "", tables.line(page.head)]
        lines += [tables.line(["---"] * len(page.head)), *map(tables.line, page.rows)]
    return "\n".join(lines) + "\n"


# --- the run ---


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large", description=__doc__)
    names = {"peers": PEERS, "rows": ROWS}
    parser.add_argument("--peers", default=",".join(DEFAULT), help="%(default)s")
    parser.add_argument("--rows", default=",".join(ROWS), help="%(default)s")
    parser.add_argument("--rounds", type=int, default=3, help="%(default)s")
    parser.add_argument("--quick", action="store_true", help="smoke test: small sizes, one round")
    parser.add_argument("--gigabytes", type=float, default=4, help="of each file: %(default)s")
    parser.add_argument("--folder", type=Path, help="where files are written for the run")
    parser.add_argument("--limit", type=float, default=300, help="seconds to wait for an answer")
    parser.add_argument(
        "--quiet", type=float, default=0, help="seconds to wait for a quiet machine"
    )
    parser.add_argument("--env-dir", type=Path, default=envs.CACHE, help="%(default)s")
    parser.add_argument(
        "--python", action="append", default=[], metavar="ENV=PATH",
        help="use this Python for an environment instead of creating one",
    )  # fmt: skip
    parser.add_argument("--markdown", type=Path, help="write the tables to this file")
    parser.add_argument("--json", type=Path, help="write every measurement to this file")
    args = parser.parse_args(argv)
    for what, known in names.items():
        chosen = [name.strip() for name in getattr(args, what).split(",") if name.strip()]
        if unknown := [name for name in chosen if name not in known]:
            parser.error(f"no such {what}: {', '.join(unknown)}; choose from {', '.join(known)}")
        setattr(args, what, chosen)
    args.rounds = 1 if args.quick else args.rounds
    return args


def main(argv: list[str] | None = None) -> int:
    """Run the rows; returns 0 if every peer ran and all losses agree, else 1."""
    args = parse(argv)
    console = tables.console()
    given = dict(one.split("=", 1) for one in args.python)
    pythons: dict[str, Path | str] = {}
    for peer in args.peers:
        env = PEERS[peer].env
        pythons[peer] = envs.interpreter(env, given.get(env or ""), args.env_dir, console.print)
    rows = [ROWS[name].of_gigabytes(args.gigabytes) for name in args.rows]
    rows = [row.shrunk() if args.quick else row for row in rows]
    results: list[Result] = []
    versions: dict[str, str] = {}
    began = time.time()
    for row in rows:
        with tempfile.TemporaryDirectory(prefix="hornbook-large-", dir=args.folder) as name:
            if (free := shutil.disk_usage(name).free) < row.file_size + SPARE:
                console.print(f"{row.name}: left out: {free / 1e9:.0f} GB free; use --folder")
                continue
            try:
                found, used = measure(row, pythons, args, Path(name), console.print)
            except KeyboardInterrupt:
                console.print(f"stopped at {row.name}: results so far follow")
                break
        results += found
        versions |= used
        for result in found:
            times = map(tables.seconds, (result.first, result.again, result.step))
            console.print(f"{row.name:12} {result.peer:18} {', '.join(times)}", highlight=False)
    about = {
        "date": datetime.date.today().isoformat(),
        "machine": machine.describe(),
        "python": platform.python_version(),
        **dict(sorted(versions.items())),
        "rounds": f"{args.rounds}{' of two steps: not conclusive' * args.quick}",
        "cores used by other processes in the rounds": busy(results),
        "minutes": f"{(time.time() - began) / 60:.0f}",
    }
    for page in (details(results), summary(results)):
        console.print(tables.rich_table(page))
    for key, value in about.items():
        console.print(f"{key}: {value}", highlight=False)
    if args.markdown:
        args.markdown.write_text(markdown(results, about))
    if args.json:
        shown = [dataclasses.asdict(result) for result in results]
        args.json.write_text(json.dumps({"about": about, "results": shown}))
    for problem in (wrong := problems(results, args.quick)):
        console.print(problem, style="red", highlight=False)
    return 1 if wrong else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
