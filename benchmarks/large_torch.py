"""The models of `large_rows.py` in plain eager PyTorch, as in `models_torch.py`."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.large_rows import CLASSES, Job, Row
from benchmarks.models_torch import DEVICE, LOSSES
from benchmarks.models_torch import load as copy_weights

PIECE = 32 * 2**20  # bytes that are read from a file at once


def build(row: Row) -> nn.Module:
    """The model, on a GPU if there is one, channels last."""
    if DEVICE == "cuda":
        torch.set_float32_matmul_precision("high")  # TensorFloat-32, as XLA does
    if hasattr(os, "sched_getaffinity"):
        torch.set_num_threads(len(os.sched_getaffinity(0)))
    model = MODELS[row.model](**row.sizes).to(DEVICE)
    pictures = any(isinstance(part, nn.Conv2d) for part in model.modules())
    return model.to(memory_format=torch.channels_last) if pictures else model


def prepare(model: nn.Module, row: Row, x: Any, y: np.ndarray) -> Job:
    """The model with its optimizer and data."""
    optimizer = torch.optim.Adam(model.parameters(), row.rate, eps=1e-7, fused=True)
    source = x if row.file else torch.from_numpy(x).to(DEVICE)
    targets = torch.from_numpy(y).to(DEVICE)
    loss_of = LOSSES[row.loss]

    def step(part: Tensor, wanted: Tensor) -> Tensor:
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(model(part), wanted)
        loss.backward()
        optimizer.step()
        return loss.detach()

    def evaluated(part: Tensor, wanted: Tensor) -> Tensor:
        with torch.inference_mode():
            return loss_of(model(part), wanted)

    def go(shuffle: bool = True) -> float:
        total, count = torch.zeros((), device=DEVICE), 0
        for method, count in row.calls:
            model.train(method == "fit")
            do, total = (step if method == "fit" else evaluated), torch.zeros((), device=DEVICE)
            for a, b, piece in pieces(source, count, shuffle):
                wanted = targets[a:b]
                order = torch.randperm(b - a, device=DEVICE) if shuffle else None
                for start in range(0, b - a, row.batch):
                    at = slice(start, start + row.batch)
                    at = at if order is None else order[at]
                    total += do(piece[at], wanted[at]) * len(wanted[at])
        return total.item() / count

    return Job(sum(p.numel() for p in model.parameters()), go, weights={"": [model]})


def pieces(source: Any, rows: int, shuffle: bool) -> Iterator[tuple[int, int, Tensor]]:
    """A tensor as it is; an array in a file in pieces, in random order."""
    if isinstance(source, Tensor):
        yield 0, rows, source[:rows]
        return
    size = PIECE // (4 * source.shape[1])
    starts = np.arange(0, rows, size)
    for start in np.random.permutation(starts) if shuffle else starts:
        end = min(start + size, rows)
        yield start, end, torch.tensor(source[start:end]).to(DEVICE)


def load(job: Job, name: str, values: list[np.ndarray]) -> None:
    """Set the weights of a layer."""
    with torch.no_grad():
        module = job.weights[""][0].get_submodule(name)
        copy_weights(module, [torch.from_numpy(value).to(DEVICE) for value in values])


def norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, eps=1e-3, momentum=0.01)


class Parts(nn.Module):
    """A model that finds its layers by name."""

    def convolution(self, name: str, inputs: int, width: int, size: int, **how: Any) -> None:
        """Add a convolution without bias, and batch normalization."""
        made = nn.Conv2d(inputs, width, size, bias=False, **how)
        self.add_module(name, made)
        self.add_module(f"{name}_bn", norm(width))

    def normed(self, name: str, x: Tensor) -> Tensor:
        return self._modules[f"{name}_bn"](self._modules[name](x))


class MLP(nn.Module):
    def __init__(self, inputs: int, width: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        for i in range(hidden):
            self.add_module(f"hidden{i}", nn.Linear(width if i else inputs, width))
        self.out = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        for i in range(self.hidden):
            x = F.relu(self._modules[f"hidden{i}"](x))
        return self.out(x)


class Deep(nn.Module):
    def __init__(self, inputs: int, width: int, depth: int) -> None:
        super().__init__()
        self.depth = depth
        for i in range(depth):
            self.add_module(f"dense{i}", nn.Linear(width if i else inputs, width))
            self.add_module(f"norm{i}", nn.BatchNorm1d(width, eps=1e-3, momentum=0.01))
        self.out = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        for i in range(self.depth):
            x = self._modules[f"norm{i}"](self._modules[f"dense{i}"](x))
        return self.out(x)


class Many(nn.Module):
    def __init__(self, many: int, width: int) -> None:
        super().__init__()
        self.embed, self.out = nn.Embedding(many, width), nn.Linear(width, many)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.embed(x).mean(1))


class ResNet50(Parts):
    def __init__(self, pixels: int, blocks: tuple, widths: tuple) -> None:
        super().__init__()
        self.convolution("stem", 3, widths[0], 7, stride=2, padding=3)
        self.blocks: list[str] = []
        before = widths[0]
        for stage, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            for block in range(count):
                at, stride = f"s{stage}b{block}_", 2 if stage and not block else 1
                self.convolution(at + "a", before, width, 1, stride=stride)
                self.convolution(at + "b", width, width, 3, padding=1)
                self.convolution(at + "c", width, 4 * width, 1)
                if not block:
                    self.convolution(at + "short", before, 4 * width, 1, stride=stride)
                before = 4 * width
                self.blocks.append(at)
        self.out = nn.Linear(before, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.normed("stem", x.permute(0, 3, 1, 2)))
        x = F.max_pool2d(x, 3, 2, 1)
        for at in self.blocks:
            y = F.relu(self.normed(at + "a", x))
            y = F.relu(self.normed(at + "b", y))
            y = self.normed(at + "c", y)
            x = F.relu(y + (self.normed(at + "short", x) if at + "short" in self._modules else x))
        return self.out(x.mean((2, 3)))


class MobileNetV2(Parts):
    def __init__(self, pixels: int, first: int, last: int, stages: tuple) -> None:
        super().__init__()
        self.convolution("stem", 3, first, 3, stride=2)
        self.blocks: list[tuple[str, int, bool]] = []
        before = first
        for stage, (expansion, width, count, stride) in enumerate(stages):
            for block in range(count):
                at, strides, wide = f"s{stage}b{block}_", 1 if block else stride, expansion * before
                if expansion > 1:
                    self.convolution(at + "wide", before, wide, 1)
                how = {"stride": strides, "padding": int(strides == 1), "groups": wide}
                self.convolution(at + "depth", wide, wide, 3, **how)
                self.convolution(at + "narrow", wide, width, 1)
                self.blocks.append((at, strides, strides == 1 and before == width))
                before = width
        self.convolution("last", before, last, 1)
        self.out = nn.Linear(last, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        # With stride two, Keras pads an image of even size only at the end.
        x = F.relu6(self.normed("stem", F.pad(x.permute(0, 3, 1, 2), (0, 1, 0, 1))))
        for at, stride, added in self.blocks:
            y = F.relu6(self.normed(at + "wide", x)) if at + "wide" in self._modules else x
            y = F.pad(y, (0, 1, 0, 1)) if stride == 2 else y
            y = self.normed(at + "narrow", F.relu6(self.normed(at + "depth", y)))
            x = x + y if added else y
        return self.out(F.relu6(self.normed("last", x)).mean((2, 3)))


class GPT(nn.Module):
    def __init__(self, words: int, steps: int, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.layers = layers
        self.words, self.places = nn.Embedding(words, width), nn.Embedding(steps, width)
        for i in range(layers):
            self.add_module(f"norm{i}a", nn.LayerNorm(width))
            attention = nn.MultiheadAttention(width, heads, batch_first=True)
            self.add_module(f"attention{i}", attention)
            self.add_module(f"norm{i}b", nn.LayerNorm(width))
            self.add_module(f"wide{i}", nn.Linear(width, 4 * width))
            self.add_module(f"narrow{i}", nn.Linear(4 * width, width))
        self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, words)
        mask = nn.Transformer.generate_square_subsequent_mask(steps)
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        part = self._modules
        x = self.words(x) + self.places.weight
        how: dict[str, Any] = {"attn_mask": self.mask, "is_causal": True, "need_weights": False}
        for i in range(self.layers):
            y = part[f"norm{i}a"](x)
            x = x + part[f"attention{i}"](y, y, y, **how)[0]
            y = part[f"wide{i}"](part[f"norm{i}b"](x))
            x = x + part[f"narrow{i}"](F.gelu(y))
        return self.out(self.norm(x))


class UNet(Parts):
    def __init__(self, pixels: int, widths: tuple) -> None:
        super().__init__()
        self.down = len(widths) - 1
        for i, width in enumerate(widths[:-1]):
            self.twice(f"down{i}", widths[i - 1] if i else 3, width)
            self.add_module(f"wider{i}", nn.ConvTranspose2d(widths[i + 1], width, 2, 2))
            self.twice(f"up{i}", 2 * width, width)
        self.twice("bottom", widths[-2], widths[-1])
        self.out = nn.Conv2d(widths[0], 1, 1)

    def twice(self, name: str, inputs: int, width: int) -> None:
        self.convolution(name + "a", inputs, width, 3, padding=1)
        self.convolution(name + "b", width, width, 3, padding=1)

    def both(self, name: str, x: Tensor) -> Tensor:
        return F.relu(self.normed(name + "b", F.relu(self.normed(name + "a", x))))

    def forward(self, x: Tensor) -> Tensor:
        x, across = x.permute(0, 3, 1, 2), []
        for i in range(self.down):
            across.append(self.both(f"down{i}", x))
            x = F.max_pool2d(across[-1], 2)
        x = self.both("bottom", x)
        for i in reversed(range(self.down)):
            x = self._modules[f"wider{i}"](x)
            x = self.both(f"up{i}", torch.cat([across.pop(), x], 1))
        return self.out(x).permute(0, 2, 3, 1)


MODELS: dict[str, Callable[..., nn.Module]] = {
    "mlp": MLP,
    "deep": Deep,
    "many": Many,
    "resnet50": ResNet50,
    "mobilenetv2": MobileNetV2,
    "gpt": GPT,
    "unet": UNet,
}
