"""Tables of measurements, for the terminal and in Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.workloads import WORKLOADS

if TYPE_CHECKING:
    from benchmarks.compare import Result

FIRST_AGREE = 0.02
"""Losses of the first epoch (same weights, same order of rows) agree within this fraction.

Two are compared by `LAST_AGREE`, as they compute something else: Keras on TensorFlow for models
with an embedding (its Adam squares the gradients of repeated rows before adding them), and Keras on
JAX for the stateful LSTM (`fit` leaves the state at zero).
"""
LAST_AGREE = 0.3
"""Losses of the last epoch (each peer's own shuffling) agree within this fraction plus 0.02."""
IDLE_LIMIT = 0.05
"""A waiting worker uses less than this fraction of a core."""


KERAS = ("keras-jax", "keras-tensorflow", "keras-torch")
"""Keras as users write it: the goals are against the fastest of these."""


class Page(NamedTuple):
    title: str
    head: list[str]
    rows: list[list[str]]
    sections: list[int]  # rows followed by a rule


def console() -> Console:
    found = Console()
    return found if found.is_terminal else Console(width=180)


def by_workload(results: list[Result]) -> dict[str, dict[str, Result]]:
    grouped: dict[str, dict[str, Result]] = {}
    for result in results:
        grouped.setdefault(result.workload, {})[result.peer] = result
    return grouped


def seconds(value: float | None) -> str:
    if value is None:
        return ""
    for unit, size in (("s", 1), ("ms", 1e-3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value * 1e6:.3g} µs"


def number(value: float | None, form: str = ".4g") -> str:
    return "" if value is None else format(value, form)


def ratio(result: Result | None, house: Result | None) -> float | None:
    """How many times faster `house` is."""
    if not (result and house and result.median and house.median):
        return None
    return result.median / house.median


def agrees(result: Result, others: list[Result]) -> bool:
    """Whether the losses agree with the others' within the stated tolerances."""
    embeds = any(specs[0][0] == "small" for specs in WORKLOADS[result.workload].weights.values())
    loose = (embeds and result.peer.startswith("keras-tensorflow")) or (
        result.workload == "stateful" and result.peer.startswith("keras-jax")
    )
    first = LAST_AGREE if loose else FIRST_AGREE
    for name, share, slack in (("first_loss", first, 0), ("last_loss", LAST_AGREE, 0.02)):
        mine = getattr(result, name)
        known = [value for o in others if (value := getattr(o, name)) is not None]
        if mine is None or not known:
            continue
        middle = statistics.median_low(known)
        if not abs(mine - middle) <= share * abs(middle) + slack:
            return False
    return True


def progress(results: list[Result]) -> Iterator[str]:
    for result in results:
        said = result.error or f"{seconds(result.median)}, first {seconds(result.first)}"
        yield f"{result.workload:12} {result.peer:24} {said}"


def details(results: list[Result]) -> Page:
    """Every peer on every workload."""
    head = "workload,peer,an epoch,from - to,hornbook is,share of the peak,to first epoch's end"
    head += ",peak memory,parameters,first loss,last loss,agrees"
    rows, sections = [], []
    for name, peers in by_workload(results).items():
        for result in peers.values():
            times = ratio(result, peers.get("hornbook"))
            ends = (min(result.seconds), max(result.seconds)) if result.seconds else ()
            rows.append(
                [
                    name,
                    result.peer,
                    "failed" if result.error else seconds(result.median),
                    " - ".join(seconds(end) for end in ends),
                    "" if times is None or result.peer == "hornbook" else f"{times:.2f}x",
                    number(result.share, ".2%"),
                    seconds(result.first),
                    f"{result.peak:.0f} MB" if result.peak else "",
                    f"{result.parameters:,}" if result.parameters else "",
                    number(result.first_loss),
                    number(result.last_loss),
                    "" if result.error else "yes" if agrees(result, [*peers.values()]) else "NO",
                ]
            )
        sections.append(len(rows) - 1)
    title = "median over rounds; predict: one call; cold: a whole process"
    return Page(title, head.split(","), rows, sections)


def summary(results: list[Result]) -> Page:
    """One row per workload: hornbook's speedups and their goals."""
    columns = list(dict.fromkeys(r.peer for r in results if r.peer != "hornbook"))
    head = ["workload", "batch", "hornbook", "share of the peak", *columns]
    head += ["Keras's best", "torch (wanted)", "met"]
    head[-3] += " (wanted)"
    rows = []
    for name, peers in by_workload(results).items():
        workload, house = WORKLOADS[name], peers.get("hornbook")
        # Without hornbook the columns show times instead of ratios.
        shown = [
            times(ratio(peers.get(peer), house)) if house else seconds(median(peers.get(peer)))
            for peer in columns
        ]
        keras = min(filter(None, (ratio(peers.get(peer), house) for peer in KERAS)), default=None)
        torch = ratio(peers.get("torch"), house)
        pairs = [(keras, workload.keras_goal), (torch, workload.torch_goal)]
        met = [got >= goal for got, goal in pairs if got is not None and goal is not None]
        rows.append(
            [
                workload.title,
                str(workload.batch),
                seconds(median(house)),
                number(house.share if house else None, ".1%"),
                *shown,
                *(f"{times(got)} ({times(goal)})" if goal else times(got) for got, goal in pairs),
                ("yes" if all(met) else "no") if met else "",
            ]
        )
    return Page("hornbook is this many times as fast as", head, rows, [])


def median(result: Result | None) -> float | None:
    return result.median if result else None


def times(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}x"


def problems(results: list[Result]) -> list[str]:
    """Everything that makes the comparison unfair or incomplete."""
    found = []
    for name, peers in by_workload(results).items():
        counts = {r.parameters for r in peers.values() if not r.error}
        if len(counts) > 1:
            found.append(f"{name}: parameters differ: {counts}")
        for peer, result in peers.items():
            if result.error:
                found.append(f"{name}, {peer}: failed: {result.error}")
            elif not agrees(result, [*peers.values()]):
                found.append(
                    f"{name}, {peer}: losses {number(result.first_loss)} and "
                    f"{number(result.last_loss)} are not those of the others"
                )
            if result.idle > IDLE_LIMIT:
                found.append(f"{name}, {peer}: {result.idle:.0%} of a core while it waited")
    return found


def rich_table(page: Page) -> Table:
    table = Table(title=page.title, box=box.SIMPLE_HEAD)
    for i, name in enumerate(page.head):
        table.add_column(name, justify="left" if i < 1 or name == "peer" else "right")
    for i, row in enumerate(page.rows):
        table.add_row(*row, end_section=i in page.sections)
    return table


def markdown(results: list[Result], about: dict[str, str]) -> str:
    """Both tables, with the machine and versions they were measured on."""
    lines = [f"- {key}: {value}" for key, value in about.items()]
    lines.append(
        f"- losses agree within {FIRST_AGREE:.0%} after the first epoch (same weights, same order) "
        f"and within {LAST_AGREE:.0%} + 0.02 after the last (own shuffling)"
    )
    for page in (summary(results), details(results)):
        lines += ["", f"**{page.title}**", "", line(page.head), line(["---"] * len(page.head))]
        lines += [line(row) for row in page.rows]
    return "\n".join(lines) + "\n"


def line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
