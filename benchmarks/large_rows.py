"""The rows of `large.py`: models, sizes and data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.workloads import f32

Data = tuple[Any, np.ndarray]  # inputs and targets
ARRAY, H5 = "memmap", "h5py"
CLASSES = 10
BLOCK = 2**14  # random samples in a file, repeated


@dataclass(frozen=True)
class Row:
    """A model, its data, and a pass: the calls that are measured together.

    `sizes` are the arguments of the model's builder; `quick` replaces some of them in a smoke test.
    `calls` are pairs of a method and a number of samples. A pass of one call is an epoch of steps,
    and the unit that is timed is a step; otherwise the unit is a call. `agree`: losses of the first
    pass, from the same weights on samples in each peer's own order, agree within this fraction;
    `None`: they start from each peer's own weights and are not compared.
    """

    name: str
    title: str
    model: str
    sizes: dict[str, Any]
    quick: dict[str, Any]
    data: Callable[[Row], Data]
    calls: tuple[tuple[str, int], ...]
    batch: int = 32
    loss: str = "classes"
    rate: float = 1e-3
    eager: bool = False
    file: str = ""
    agree: float | None = 0.05

    @property
    def rows(self) -> int:
        return max(count for _, count in self.calls)

    @property
    def units(self) -> int:
        """Number of steps in a pass of one call, or of calls."""
        return -(-self.rows // self.batch) if len(self.calls) == 1 else len(self.calls)

    def shrunk(self) -> Row:
        """The row for a smoke test: small sizes, two steps or three calls."""
        small, few = min(self.batch, 4), self.calls[:3]
        if len(few) == 1:
            few = ((few[0][0], 2 * small),)
        return replace(self, sizes=self.sizes | self.quick, batch=small, calls=few)

    def of_gigabytes(self, size: float) -> Row:
        """The row with inputs of this size in its file."""
        if not self.file:
            return self
        return replace(self, calls=(("fit", int(size * 2**30) // (4 * self.sizes["inputs"])),))

    @property
    def file_size(self) -> int:
        """Bytes of the file, if there is one."""
        return 4 * self.rows * self.sizes["inputs"] if self.file else 0


def epoch(batch: int, steps: int) -> dict[str, Any]:
    return {"batch": batch, "calls": (("fit", batch * steps),)}


# --- data ---


def pictures(row: Row) -> Data:
    """Noisy pictures of ten patterns, and which one."""
    random, pixels = np.random.default_rng(0), row.sizes["pixels"]
    y = random.integers(CLASSES, size=row.rows)
    x = random.normal(size=(CLASSES, pixels, pixels, 3))[y]
    return f32(x + random.normal(size=x.shape)), y.astype("int32")


def masks(row: Row) -> Data:
    """Noisy pictures, and where their first channel is positive."""
    x, _ = pictures(row)
    return x, f32(x[..., :1] > 0)


def tokens(row: Row) -> Data:
    """Token ids, and the same shifted by one."""
    random = np.random.default_rng(0)
    steps, words = row.sizes["steps"], row.sizes["words"]
    ids = random.integers(words, size=(row.rows, steps + 1)).astype("int32")
    return ids[:, :-1].copy(), ids[:, 1:].copy()


def names(row: Row) -> Data:
    """Eight ids and a class, both of very many."""
    random = np.random.default_rng(0)
    ids = random.integers(row.sizes["many"], size=(row.rows, 9)).astype("int32")
    return ids[:, :8].copy(), ids[:, 8].copy()


def numbers(row: Row) -> Data:
    """Features and a target that depends on them."""
    random = np.random.default_rng(0)
    x = random.normal(size=(row.rows, row.sizes["inputs"]))
    return f32(x), f32(np.tanh(x[:, :1]) + 0.1 * random.normal(size=(row.rows, 1)))


def in_file(row: Row, folder: Path) -> Data:
    """The file's inputs, unread, and random targets."""
    y = f32(np.random.default_rng(0).normal(size=(row.rows, 1)))
    if row.file == ARRAY:
        return np.load(folder / "x.npy", mmap_mode="r"), y
    import h5py

    return h5py.File(folder / "x.h5")["x"], y


def write_file(row: Row, folder: Path) -> None:
    """Write the inputs: a random block, again and again."""
    shape = row.rows, row.sizes["inputs"]
    block = f32(np.random.default_rng(0).normal(size=(min(row.rows, BLOCK), shape[1])))

    def fill(x: Any) -> None:
        for start in range(0, row.rows, len(block)):
            x[start : start + len(block)] = block[: row.rows - start]

    if row.file == ARRAY:
        mapped = np.lib.format.open_memmap(folder / "x.npy", "w+", "float32", shape)
        fill(mapped)
        mapped.flush()
        return
    import h5py

    with h5py.File(folder / "x.h5", "w") as file:
        fill(file.create_dataset("x", shape, "float32"))


# --- the table ---

COUNTS = [200 + 37 * i for i in range(60)]
SMALL = {"inputs": 20, "width": 64, "hidden": 2}
FILE = {"inputs": 1024, "width": 64, "hidden": 1}


def small(name: str, title: str, calls: Any, **more: Any) -> Row:
    """A row with a small model, where what is around the steps counts."""
    return Row(name, title, "mlp", SMALL, {}, numbers, tuple(calls), loss="mse", **more)


def filed(name: str, title: str) -> Row:
    """A row that reads its inputs from a file, shuffled."""
    return Row(
        name, title, "mlp", FILE, {}, numbers, (("fit", 2**20),), 1024, "mse", file=name, agree=None
    )


TABLE = [
    Row(
        "resnet50", "ResNet-50 at 64 x 64", "resnet50",
        {"pixels": 64, "blocks": (3, 4, 6, 3), "widths": (64, 128, 256, 512)},
        {"pixels": 32, "blocks": (1, 2), "widths": (4, 8)},
        pictures, rate=1e-4, **epoch(16, 6),
    ),
    Row(
        "mobilenetv2", "MobileNetV2 at 96 x 96", "mobilenetv2",
        {"pixels": 96, "first": 32, "last": 1280, "stages": (
            (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
            (6, 160, 3, 2), (6, 320, 1, 1),
        )},
        {"pixels": 32, "first": 8, "last": 16, "stages": ((1, 8, 1, 1), (6, 8, 2, 2))},
        pictures, rate=1e-4, **epoch(16, 10),
    ),
    Row(
        "gpt", "GPT, 6 layers of 384, 256 tokens", "gpt",
        {"words": 96, "steps": 256, "width": 384, "heads": 6, "layers": 6},
        {"steps": 8, "width": 16, "heads": 2, "layers": 2},
        tokens, rate=1e-4, **epoch(4, 5),
    ),
    Row(
        "unet", "U-Net at 96 x 96", "unet", {"pixels": 96, "widths": (32, 64, 128, 256)},
        {"pixels": 16, "widths": (4, 8)}, masks, loss="binary", **epoch(8, 8),
    ),
    Row(
        "many", "500,000 ids and classes", "many", {"many": 500_000, "width": 64},
        {"many": 1000, "width": 4}, names, **epoch(64, 8),
    ),
    Row(
        "deep", "200 x (Dense + BatchNormalization)", "deep",
        {"inputs": 20, "width": 64, "depth": 200}, {"depth": 3}, numbers, loss="mse",
        rate=1e-4, agree=0.1, **epoch(32, 20),
    ),
    filed(ARRAY, "memmap, an MLP"),
    filed(H5, "h5py, an MLP"),
    small("fits", "fit of 60 row counts", [("fit", n) for n in COUNTS]),
    small("evaluations", "evaluate of 60 row counts", [("evaluate", n) for n in COUNTS]),
    small("eager", "run_eagerly, an MLP", [("fit", 32 * 50)], eager=True),
    small("short", "100 fits of two steps", [("fit", 64)] * 100),
]  # fmt: skip
ROWS = {row.name: row for row in TABLE}


@dataclass
class Job:
    """A compiled model: `parameters`, and a pass over its calls.

    `go(shuffle=True)` runs a pass and returns its last call's loss; `traces` is the number of
    functions traced so far, if the peer knows; `weights` has the arrays of each layer, by name.
    """

    parameters: int
    go: Callable[..., float]
    traces: Callable[[], int] = lambda: 0
    weights: dict[str, list[Any]] = field(default_factory=dict)
