"""Layered layout: boxes in rows by depth, close to their neighbours.

The four steps of Sugiyama, Tagawa and Toda (1981): assign boxes to rows; add points in the rows
that a long arrow passes; order each row to have few crossings; place boxes as close to the mean of
their neighbours as the order and the widths allow.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SWEEPS = 8
GAP, ROW_GAP, POINT = 24.0, 30.0, 6.0

Edge = tuple[Hashable, Hashable]


@dataclass
class Layout:
    """The center of each box and the path of each arrow, in points of 1/72 inch."""

    middle: dict[Hashable, tuple[float, float]]
    paths: list[list[tuple[float, float]]]
    width: float
    height: float


def arrange(sizes: Mapping[Any, tuple[float, float]], edges: Sequence[Edge]) -> Layout:
    """Lay out boxes from top to bottom.

    Args:
        sizes: width and height of each box.
        edges: pairs of boxes, acyclic.
    """
    rank = _ranks(list(sizes), edges)
    rows, chains = _rows(sizes, edges, rank)
    neighbours = _neighbours(chains)
    order(rows, neighbours)
    widths = {node: sizes[node][0] if node in sizes else POINT for row in rows for node in row}
    x = _positions(rows, neighbours, widths)
    heights = [max(sizes.get(node, (0.0, 0.0))[1] for node in row) for row in rows]
    tops = [sum(heights[:i]) + i * ROW_GAP for i in range(len(rows))]
    y = {node: tops[i] + heights[i] / 2 for i, row in enumerate(rows) for node in row}
    left = min((x[node] - widths[node] / 2 for node in x), default=0.0)
    right = max((x[node] + widths[node] / 2 for node in x), default=0.0)
    middle = {node: (x[node] - left, y[node]) for node in x}
    paths = [_path(chain, middle, sizes, tops, heights, rank) for chain in chains]
    return Layout(
        {node: middle[node] for node in sizes}, paths, right - left, tops[-1] + heights[-1]
    )


def _ranks(nodes: list, edges: Sequence[Edge]) -> dict:
    """The longest path from a source; a source is placed right above its first successor."""
    after = defaultdict(list)
    waiting = dict.fromkeys(nodes, 0)
    for a, b in edges:
        after[a].append(b)
        waiting[b] += 1
    ready = [node for node in nodes if not waiting[node]]
    sources, rank = set(ready), dict.fromkeys(nodes, 0)
    while ready:
        node = ready.pop()
        for other in after[node]:
            rank[other] = max(rank[other], rank[node] + 1)
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    for node in sources:
        if after[node]:
            rank[node] = min(rank[other] for other in after[node]) - 1
    return rank


def _rows(sizes: Mapping, edges: Sequence[Edge], rank: dict) -> tuple[list[list], list[list]]:
    """The nodes of each row, and each arrow as a chain of nodes and points."""
    rows: list[list] = [[] for _ in range(max(rank.values(), default=0) + 1)]
    for node in sizes:
        rows[rank[node]].append(node)
    chains = []
    for number, (a, b) in enumerate(edges):
        points = [("point", number, r) for r in range(rank[a] + 1, rank[b])]
        for r, point in enumerate(points, rank[a] + 1):
            rows[r].append(point)
        chains.append([a, *points, b])
    return rows, chains


def _neighbours(chains: list[list]) -> tuple[dict, dict]:
    """The nodes above and below each node."""
    above, below = defaultdict(list), defaultdict(list)
    for chain in chains:
        for a, b in zip(chain, chain[1:]):
            below[a].append(b)
            above[b].append(a)
    return above, below


def order(rows: list[list], neighbours: tuple[dict, dict]) -> None:
    """Sort each row by the mean position of the neighbours, sweeping down and up in turn."""
    for sweep in range(SWEEPS):
        near = neighbours[sweep % 2]
        for row in rows if sweep % 2 == 0 else reversed(rows):
            place = {}
            known = {node: i for other in rows for i, node in enumerate(other)}
            for i, node in enumerate(row):
                found = [known[other] for other in near[node]]
                place[node] = sum(found) / len(found) if found else i
            row.sort(key=place.__getitem__)


def _positions(rows: list[list], neighbours: tuple[dict, dict], widths: dict) -> dict:
    x: dict = {}
    for row in rows:
        at = 0.0
        for node in row:
            x[node] = at + widths[node] / 2
            at += widths[node] + GAP
    for sweep in range(2 * SWEEPS):
        near = neighbours[sweep % 2]
        for row in rows if sweep % 2 == 0 else reversed(rows):
            wanted = []
            for node in row:
                found = [x[other] for other in near[node]]
                wanted.append(sum(found) / len(found) if found else x[node])
            weights = [1.0 if node in near else 0.1 for node in row]
            x.update(zip(row, _apart(wanted, [widths[n] for n in row], weights), strict=True))
    return x


def _apart(wanted: list[float], widths: list[float], weights: list[float]) -> list[float]:
    """The positions closest to the wanted ones that keep the order and do not overlap.

    After subtracting the widths before each node, this is isotonic regression, solved by pooling
    adjacent violators.
    """
    offsets = [0.0]
    for a, b in zip(widths, widths[1:]):
        offsets.append(offsets[-1] + (a + b) / 2 + GAP)
    pools: list[tuple[float, float, int]] = []  # mean, weight, number of nodes
    for want, offset, weight in zip(wanted, offsets, weights, strict=True):
        mean, count = want - offset, 1
        while pools and pools[-1][0] > mean:
            other, heft, more = pools.pop()
            mean = (mean * weight + other * heft) / (weight + heft)
            weight, count = weight + heft, count + more
        pools.append((mean, weight, count))
    flat = [mean for mean, _, count in pools for _ in range(count)]
    return [mean + offset for mean, offset in zip(flat, offsets, strict=True)]


def _path(chain, middle, sizes, tops, heights, rank) -> list[tuple[float, float]]:
    """The path from the bottom of one box to the top of another, straight through the rows."""
    (x0, y0), (x1, y1) = middle[chain[0]], middle[chain[-1]]
    points = [(x0, y0 + sizes[chain[0]][1] / 2)]
    for node in chain[1:-1]:
        x, row = middle[node][0], node[2]
        points += [(x, tops[row]), (x, tops[row] + heights[row])]
    return [*points, (x1, y1 - sizes[chain[-1]][1] / 2)]
