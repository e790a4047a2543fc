"""Run the workloads for hornbook and its peers in alternating rounds and print the ratios.

python -m benchmarks.compare --peers hornbook,keras-jax,torch --workloads mlp,convnet --rounds 5
"""

import argparse
import contextlib
import datetime
import json
import os
import platform
import selectors
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import envs, machine, tables, turns
from benchmarks.workloads import WORKLOADS, Workload, write

ROOT = Path(__file__).resolve().parent.parent
BUSY = 0.3  # cores that others may use; more slows OpenMP, and so torch, up to a hundredfold
SHARED = {
    "XLA_PYTHON_CLIENT_MEM_FRACTION": "0.04",  # fraction of the GPU per jax worker
    "HORNBOOK_CACHE": "0",  # the first epoch compiles, as the other peers do
}
MALLOC = {  # glibc: keep freed memory instead of giving it back after every step
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
    "MALLOC_TOP_PAD_": "268435456",
}


@dataclass(frozen=True)
class Peer:
    """A measured library: its environment, its models file, and settings for `build`."""

    env: str | None
    models: str
    module: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)


def keras_peer(backend: str, **settings: Any) -> Peer:
    environ = {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "2"}
    return Peer(f"keras-{backend}", "keras", "keras", settings, environ)


PEERS = {
    "hornbook": Peer(None, "keras", "hornbook"),
    "keras-jax": keras_peer("jax"),
    "keras-tensorflow": keras_peer("tensorflow"),
    "keras-torch": keras_peer("torch"),
    "torch": Peer("torch", "torch"),
    "jax": Peer("jax", "jax"),
    "jax-scan": Peer("jax", "jax", settings={"scan": True}),
    # The same peers with other settings: on request; TUNED also by default for short steps.
    "keras-jax-32": keras_peer("jax", steps_per_execution=32),
    "keras-tensorflow-32": keras_peer("tensorflow", steps_per_execution=32),
    "keras-tensorflow-graph": keras_peer("tensorflow", jit_compile=False),
    "torch-malloc": Peer("torch", "torch", environ=MALLOC),
    "torch-compile": Peer("torch", "torch", settings={"compile": True}),
}
DEFAULT = list(PEERS)[:7]
TUNED = ["keras-jax-32", "keras-tensorflow-32"]


@dataclass
class Result:
    """One peer's measurements on one workload; `seconds` are per epoch or per `predict` call.

    `idle` is the fraction of a core used while waiting, `others` the cores used by all other
    processes in each round; `share` is the fraction of an epoch that its products would take at
    this machine's measured peak throughput.
    """

    workload: str
    peer: str
    seconds: list[float] = field(default_factory=list)
    first: float | None = None
    first_loss: float | None = None
    last_loss: float | None = None
    peak: float = 0.0
    idle: float = 0.0
    others: list[float] = field(default_factory=list)
    parameters: int = 0
    share: float | None = None
    error: str = ""

    @property
    def median(self) -> float | None:
        return statistics.median(self.seconds) if self.seconds else None


def house() -> dict[str, str]:
    """The environment variables that import hornbook from this checkout."""
    paths = [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


class Worker:
    """A worker process: `ask` sends a request and waits for its answer.

    `module` is what it runs; `environ` has further environment variables.
    """

    def __init__(
        self,
        python: Path | str,
        peer: Peer,
        log: Path,
        limit: float,
        module: str = "benchmarks.worker",
        environ: dict[str, str] | None = None,
    ) -> None:
        self.limit, self.log = limit, log
        others = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        own = house() if peer.env is None else others
        environ = SHARED | own | peer.environ | (environ or {})
        self.started = time.perf_counter()
        with open(log, "w") as errors:
            self.process = subprocess.Popen(
                [str(python), "-m", module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=ROOT,
                env=environ,
            )
        self.ready = selectors.DefaultSelector()
        self.ready.register(self.process.stdout, selectors.EVENT_READ)

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request; RuntimeError if the worker fails, dies or exceeds the time limit."""
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(request), file=self.process.stdin, flush=True)
        if not self.ready.select(self.limit):
            raise RuntimeError(f"no answer in {self.limit:.0f} s")
        line = self.process.stdout.readline()
        if not line:
            tail = self.log.read_text().strip().splitlines()[-1:]
            raise RuntimeError(f"died with status {self.process.wait()}: {' '.join(tail)}")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def close(self) -> None:
        self.ready.close()
        self.process.kill()
        self.process.communicate()


def measure(
    workload: Workload,
    pythons: dict[str, Path | str],
    args: argparse.Namespace,
    folder: Path,
    say: Callable[[str], None],
    alone: Callable[[], contextlib.AbstractContextManager],
) -> tuple[list[Result], str, dict[str, str]]:
    """Run one workload for every peer; returns results, the data's source and versions.

    Timed parts run within `alone()`.
    """
    rows = min(workload.rows, 2 * workload.batch) if args.quick else workload.rows
    epochs = 1 if args.quick else workload.epochs
    data, versions = folder / f"{workload.name}.npz", {}
    source = write(workload, rows, data)
    results = {peer: Result(workload.name, peer) for peer in pythons}
    workers: dict[str, Worker] = {}

    def start(peer: str) -> None:
        """Start a process, build its model, and run the first epoch unshuffled."""
        machine.wait_for_quiet(args.quiet)
        made, log = PEERS[peer], folder / f"{workload.name}-{peer}.log"
        worker = workers[peer] = Worker(pythons[peer], made, log, args.limit)
        built = worker.ask(
            do="build",
            workload=workload.name,
            data=str(data),
            models=made.models,
            module=made.module,
            settings=made.settings,
        )
        done = worker.ask(do="work", epochs=1, shuffle=False, calls=1)
        result = results[peer]
        result.first = time.perf_counter() - worker.started
        result.first_loss = result.last_loss = done["loss"]
        result.peak, result.parameters = done["peak"], built["parameters"]
        versions.update(built["versions"])

    def turn(peer: str) -> float:
        """One round, shuffled as users train."""
        machine.wait_for_quiet(args.quiet)
        result, used, begun = results[peer], machine.used(), time.perf_counter()
        done = workers[peer].ask(do="work", epochs=epochs, shuffle=workload.shuffle, calls=rows)
        others = (machine.used() - used - done["cpu"]) / (time.perf_counter() - begun)
        result.others.append(max(0.0, others))
        result.last_loss, result.peak = done["loss"], done["peak"]
        result.idle = max(result.idle, done["idle"])
        return done["seconds"] / (rows if workload.kind == "predict" else 1)

    def fresh(peer: str) -> float:
        """One round of the cold workload, in a new process."""
        start(peer)
        workers.pop(peer).close()
        return results[peer].first

    def excused(peer: str) -> contextlib.AbstractContextManager:
        told = f"{workload.name}, {peer}: "
        return turns.excused(results[peer], workers, lambda error: say(told + error))

    def warm_up(peer: str) -> None:
        """One unmeasured run, to warm the disk cache and any autotuning."""
        with excused(peer):
            if workload.kind == "cold":
                fresh(peer)
            else:
                start(peer)
                turn(peer)

    try:
        with ThreadPoolExecutor(len(results) if args.together else 1) as pool:
            list(pool.map(warm_up, results))
        with alone():
            for number in range(args.rounds):
                order = [peer for peer in results if not results[peer].error]
                for peer in turns.in_turn(order, number):
                    with excused(peer):
                        spent = (fresh if workload.kind == "cold" else turn)(peer)
                        results[peer].seconds.append(spent)
    finally:
        for worker in workers.values():
            worker.close()
    if args.together and workload.kind != "cold":
        for result in results.values():
            result.first, result.others = None, result.others[1:]
    return list(results.values()), source, versions


def one_by_one(count: int) -> Callable[[], contextlib.AbstractContextManager]:
    """A context that `count` threads enter one at a time, once all have arrived."""
    ready, lock = threading.Barrier(count), threading.Lock()

    @contextlib.contextmanager
    def alone() -> Iterator[None]:
        ready.wait()
        with lock:
            yield

    return alone


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    names = {"peers": PEERS, "workloads": WORKLOADS}
    parser.add_argument("--peers", default="", help=f"{', '.join(PEERS)}; the first 7 by default")
    parser.add_argument("--workloads", default=",".join(WORKLOADS), help=", ".join(WORKLOADS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="smoke test: two steps, one round")
    parser.add_argument("--limit", type=float, default=300, help="seconds to wait for an answer")
    parser.add_argument(
        "--quiet", type=float, default=0, help="seconds to wait for a quiet machine before a turn"
    )
    parser.add_argument(
        "--together",
        type=int,
        default=0,
        metavar="N",
        help="start all peers of N workloads at once; their first epochs are not timed",
    )
    parser.add_argument("--env-dir", type=Path, default=envs.CACHE, help="%(default)s")
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="ENV=PATH",
        help="use this Python for an environment instead of creating one: " + ", ".join(envs.ENVS),
    )
    parser.add_argument("--markdown", type=Path, help="write the tables to this file")
    parser.add_argument("--json", type=Path, help="write every measurement to this file")
    args = parser.parse_args(argv)
    for what, known in names.items():
        chosen = [name.strip() for name in getattr(args, what).split(",") if name.strip()]
        if unknown := [name for name in chosen if name not in known]:
            parser.error(f"no such {what}: {', '.join(unknown)}; choose from {', '.join(known)}")
        setattr(args, what, chosen)
    if wrong := [one for one in args.python if one.partition("=")[0] not in envs.ENVS]:
        parser.error(f"--python {wrong[0]}: choose from {', '.join(envs.ENVS)}")
    args.rounds = 1 if args.quick else args.rounds
    return args


def busy(results: list[Result]) -> str:
    rounds = sorted(share for result in results for share in result.others)
    if not rounds:
        return "not known"
    middle = statistics.median(rounds)
    warning = ": too busy to conclude from" if middle > BUSY else ""
    return f"{middle:.1f}, at most {rounds[-1]:.1f}{warning}"


def measure_shares(results: list[Result]) -> str:
    """Fill in the results' shares; returns the peak throughput and its device."""
    timed = [result for result in results if WORKLOADS[result.workload].kind == "train"]
    names = ",".join(dict.fromkeys(result.workload for result in timed))
    if not names:
        return "not measured"
    command = [sys.executable, "-m", "benchmarks.floor", names]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=house())
    if done.returncode:
        return f"not measured: {done.stderr.strip().splitlines()[-1]}"
    floor = json.loads(done.stdout)
    for result in timed:
        if result.median:
            least = floor["operations"][result.workload] / floor["peak"]
            result.share = least / result.median
    return f"{floor['peak'] / 1e9:.0f} GFLOP/s on {floor['device']}"


def default_peers(workload: Workload) -> list[str]:
    """The default peers without the workload's exclusions, plus tuned ones for short steps."""
    peers = [peer for peer in DEFAULT if peer not in workload.without]
    return peers + TUNED * workload.short


def main(argv: list[str] | None = None) -> int:
    """Run the comparison; returns 0 if every peer ran and all losses agree, else 1."""
    args = parse(argv)
    console = tables.console()
    given = dict(one.split("=", 1) for one in args.python)
    wanted = {name: args.peers or default_peers(WORKLOADS[name]) for name in args.workloads}
    pythons: dict[str, Path | str] = {}
    for peer in dict.fromkeys(peer for peers in wanted.values() for peer in peers):
        env = PEERS[peer].env
        pythons[peer] = envs.interpreter(env, given.get(env or ""), args.env_dir, console.print)
    results: list[Result] = []
    versions: dict[str, str] = {}
    sources: dict[str, str] = {}
    began = time.time()
    with tempfile.TemporaryDirectory(prefix="hornbook-benchmarks-") as folder:
        size = args.together or 1
        for start in range(0, len(args.workloads), size):
            names = args.workloads[start : start + size]
            alone = one_by_one(len(names))

            def measured(name: str, alone: Callable = alone) -> tuple:
                some = {peer: pythons[peer] for peer in wanted[name]}
                return measure(WORKLOADS[name], some, args, Path(folder), console.print, alone)

            try:
                if size == 1:
                    done = [measured(*names)]
                else:
                    with ThreadPoolExecutor(size) as pool:
                        done = list(pool.map(measured, names))
            except KeyboardInterrupt:
                console.print(f"stopped at {names[0]}: results so far follow")
                break
            for name, (found, source, used) in zip(names, done, strict=True):
                results += found
                sources[name] = source
                versions |= used
                for line in tables.progress(found):
                    console.print(line, highlight=False)
    most = "not measured" if args.quick else measure_shares(results)
    about = {
        "date": datetime.date.today().isoformat(),
        "machine": machine.describe(),
        "python": platform.python_version(),
        **dict(sorted(versions.items())),
        "products of large matrices": most,
        "rounds": f"{args.rounds}{' of two steps: not conclusive' * args.quick}",
        "cores used by other processes in the rounds": busy(results),
        "minutes": f"{(time.time() - began) / 60:.0f}",
        "data": ", ".join(f"{name} {source}" for name, source in sources.items()),
    }
    console.print(tables.rich_table(tables.details(results)))
    console.print(tables.rich_table(tables.summary(results)))
    for key, value in about.items():
        console.print(f"{key}: {value}", highlight=False)
    if args.markdown:
        args.markdown.write_text(tables.markdown(results, about))
    if args.json:
        args.json.write_text(json.dumps({"about": about, "results": [vars(r) for r in results]}))
    problems = tables.problems(results)
    for problem in problems:
        console.print(problem, style="red", highlight=False)
    return 1 if problems else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
