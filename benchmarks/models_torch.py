"""The workloads in plain eager PyTorch, following its tuning guide for CPUs.

Data is one tensor on the device, indexed by a permutation; fused Adam; gradients set to None;
channels-last where it is faster.
"""

import os
from collections import OrderedDict

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.workloads import CHARS, ITEMS, USERS, WORDS, Arrays, Job, Workload

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def build(
    workload: Workload,
    x: Arrays,
    y: np.ndarray,
    weights: dict[str, Arrays],
    compile: bool = False,
) -> Job:
    """Create the model, on a GPU if there is one, and set the initial `weights`."""
    if DEVICE == "cuda":
        torch.set_float32_matmul_precision("high")  # TensorFloat-32, as XLA does
    if hasattr(os, "sched_getaffinity"):
        torch.set_num_threads(len(os.sched_getaffinity(0)))
    model = MODELS[workload.builder]()
    with torch.no_grad():
        for name, values in weights.items():
            load(model.get_submodule(name), [torch.from_numpy(value) for value in values])
    model = model.to(DEVICE)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(trained, 1e-3, eps=1e-7, fused=True)
    parts = [torch.from_numpy(part).to(DEVICE) for part in x]
    target = torch.from_numpy(y).to(DEVICE)
    loss_of = LOSSES[workload.loss]

    def forward(batch: list[Tensor], wanted: Tensor) -> Tensor:
        return loss_of(model(*batch), wanted)

    step_loss = torch.compile(forward) if compile else forward

    def train(epochs: int, shuffle: bool) -> float:
        model.train()
        rows = len(target)
        for _ in range(epochs):
            order = torch.randperm(rows, device=DEVICE) if shuffle else None
            total = torch.zeros((), device=DEVICE)
            for start in range(0, rows, workload.batch):
                at = slice(start, start + workload.batch)
                at = at if order is None else order[at]
                optimizer.zero_grad(set_to_none=True)
                wanted = target[at]
                loss = step_loss([part[at] for part in parts], wanted)
                loss.backward()
                optimizer.step()
                total += loss.detach() * len(wanted)
        return total.item() / rows

    def predict(calls: int) -> None:
        model.eval()
        with torch.inference_mode():
            for i in range(calls):
                row = torch.from_numpy(x[0][i % len(x[0])][None]).to(DEVICE)
                model(row).cpu().numpy()

    return Job(sum(p.numel() for p in trained), train, predict)


def load(module: nn.Module, values: list[Tensor]) -> None:
    """Copy weights in Keras's shapes into a torch module."""
    match module:
        case nn.Linear():
            module.weight.copy_(values[0].T)
            module.bias.copy_(values[1])
        case nn.Conv2d() if module.groups > 1:  # depthwise
            module.weight.copy_(values[0].permute(2, 3, 0, 1))
        case nn.Conv2d() | nn.ConvTranspose2d():
            module.weight.copy_(values[0].permute(3, 2, 0, 1))
        case nn.Conv1d():
            module.weight.copy_(values[0].permute(2, 1, 0))
        case nn.GRU():  # Keras orders the gates z, r, h; torch r, z, h
            size = module.hidden_size
            z, r, h = torch.arange(3 * size).split(size)
            order = torch.cat([r, z, h])
            module.weight_ih_l0.copy_(values[0].T[order])
            module.weight_hh_l0.copy_(values[1].T[order])
            module.bias_ih_l0.copy_(values[2][0][order])
            module.bias_hh_l0.copy_(values[2][1][order])
        case nn.RNNBase():  # torch has two biases, Keras one: the second stays zero
            module.weight_ih_l0.copy_(values[0].T)
            module.weight_hh_l0.copy_(values[1].T)
            module.bias_ih_l0.copy_(values[2])
            module.bias_hh_l0.zero_().requires_grad_(False)
        case nn.MultiheadAttention():
            q, qb, k, kb, v, vb, out, bias = values
            width = module.embed_dim
            module.in_proj_weight.copy_(torch.cat([w.reshape(width, -1).T for w in (q, k, v)]))
            module.in_proj_bias.copy_(torch.cat([b.flatten() for b in (qb, kb, vb)]))
            module.out_proj.weight.copy_(out.reshape(-1, width).T)
            module.out_proj.bias.copy_(bias)
        case _:
            for own, value in zip(module.parameters(), values, strict=True):
                own.copy_(value)
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d) and len(values) > 1:
        module.bias.copy_(values[1])


def classes(logits: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(logits.flatten(0, -2), y.flatten().long())


LOSSES = {
    "mse": F.mse_loss,
    "classes": classes,
    "binary": F.binary_cross_entropy_with_logits,
}


def regression() -> nn.Module:
    return nn.Sequential(OrderedDict(hidden=nn.Linear(8, 30), relu=nn.ReLU(), out=nn.Linear(30, 1)))


def mlp() -> nn.Module:
    return nn.Sequential(
        OrderedDict(
            hidden1=nn.Linear(784, 300),
            relu1=nn.ReLU(),
            hidden2=nn.Linear(300, 100),
            relu2=nn.ReLU(),
            out=nn.Linear(100, 10),
        )
    )


class Embeddings(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.users, self.items = nn.Embedding(USERS, 50), nn.Embedding(ITEMS, 50)
        self.user_bias, self.item_bias = nn.Embedding(USERS, 1), nn.Embedding(ITEMS, 1)

    def forward(self, user: Tensor, item: Tensor) -> Tensor:
        user, item = user[:, 0], item[:, 0]
        score = (self.users(user) * self.items(item)).sum(1, keepdim=True)
        return score + self.user_bias(user) + self.item_bias(item)


class ConvNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3)
        self.conv3 = nn.Conv2d(64, 64, 3)
        self.hidden, self.out = nn.Linear(576, 64), nn.Linear(64, 10)
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 3, 1, 2)
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.conv3(x)).permute(0, 2, 3, 1).flatten(1)
        return self.out(F.relu(self.hidden(x)))


class ResNet20(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn = self.convolution(3, 16), self.norm(16)
        before = 16
        for stage, width in enumerate((16, 32, 64)):
            for block in range(3):
                at = f"s{stage}b{block}_"
                stride = 2 if stage and not block else 1
                self.add_module(at + "conv1", self.convolution(before, width, stride))
                self.add_module(at + "bn1", self.norm(width))
                self.add_module(at + "conv2", self.convolution(width, width))
                self.add_module(at + "bn2", self.norm(width))
                if stride == 2:
                    short = nn.Conv2d(before, width, 1, stride=2, bias=False)
                    self.add_module(at + "short", short)
                before = width
        self.out = nn.Linear(64, 10)
        self.to(memory_format=torch.channels_last)

    @staticmethod
    def convolution(inputs: int, width: int, stride: int = 1) -> nn.Conv2d:
        return nn.Conv2d(inputs, width, 3, stride, padding=int(stride == 1), bias=False)

    @staticmethod
    def norm(width: int) -> nn.BatchNorm2d:
        return nn.BatchNorm2d(width, eps=1e-3, momentum=0.01)

    def forward(self, x: Tensor) -> Tensor:
        part = self._modules
        x = F.relu(self.bn(self.conv(x.permute(0, 3, 1, 2))))
        for stage in range(3):
            for block in range(3):
                at = f"s{stage}b{block}_"
                # With stride two, Keras pads an image of even size only at the end.
                wide = F.pad(x, (0, 1, 0, 1)) if stage and not block else x
                y = F.relu(part[at + "bn1"](part[at + "conv1"](wide)))
                y = part[at + "bn2"](part[at + "conv2"](y))
                x = F.relu(y + (part[at + "short"](x) if at + "short" in part else x))
        return self.out(x.mean((2, 3)))


class SimpleRNN(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(CHARS, 42)
        self.rnn = nn.RNN(42, 256, nonlinearity="relu", batch_first=True)
        self.out = nn.Linear(256, CHARS)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.rnn(self.embed(x))[0][:, -1])


class Stateful(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(CHARS, 42)
        self.norm = nn.BatchNorm1d(42, eps=1e-3, momentum=0.01)
        self.rnn = nn.LSTM(42, 256, batch_first=True)
        self.out = nn.Linear(256, CHARS)
        self.state: tuple[Tensor, Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        x = self.norm(x.flatten(0, 1)).view(x.shape)
        y, state = self.rnn(x, self.state)
        self.state = state[0].detach(), state[1].detach()
        return self.out(y)


class CharLSTM(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(CHARS, 24)
        self.rnn1 = nn.LSTM(24, 512, batch_first=True)
        self.rnn2 = nn.LSTM(512, 512, batch_first=True)
        self.out = nn.Linear(512, CHARS)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.rnn2(self.rnn1(self.embed(x))[0])[0])


class GRU(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.out = nn.GRU(32, 256, batch_first=True), nn.Linear(256, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.rnn(x)[0][:, -1])


class ImdbLSTM(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(WORDS, 128)
        self.rnn, self.out = nn.LSTM(128, 128, batch_first=True), nn.Linear(128, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.rnn(self.embed(x))[0][:, -1])


class ImdbConv(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.conv = nn.Embedding(5_000, 50), nn.Conv1d(50, 250, 3)
        self.hidden, self.out = nn.Linear(250, 250), nn.Linear(250, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv(self.embed(x).permute(0, 2, 1))).amax(2)
        return self.out(F.relu(self.hidden(x)))


class WaveNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        for i in range(8):
            made = nn.Conv1d(20 if i else 1, 20, 2, dilation=2 ** (i % 4))
            self.add_module(f"conv{i}", made)
        self.out = nn.Conv1d(20, 10, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 1)
        for i in range(8):
            x = F.relu(self._modules[f"conv{i}"](F.pad(x, (2 ** (i % 4), 0))))
        return self.out(x).permute(0, 2, 1)


class Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(WORDS, 128), nn.Embedding(128, 128)
        for i in range(2):
            self.add_module(f"attention{i}", nn.MultiheadAttention(128, 4, batch_first=True))
            self.add_module(f"norm{i}a", nn.LayerNorm(128, eps=1e-6))
            self.add_module(f"wide{i}", nn.Linear(128, 512))
            self.add_module(f"narrow{i}", nn.Linear(512, 128))
            self.add_module(f"norm{i}b", nn.LayerNorm(128, eps=1e-6))
        self.out = nn.Linear(128, 1)

    def forward(self, x: Tensor) -> Tensor:
        part = self._modules
        x = self.words(x) + self.places.weight
        for i in range(2):
            y = part[f"attention{i}"](x, x, x, need_weights=False)[0]
            x = part[f"norm{i}a"](x + y)
            y = part[f"narrow{i}"](F.relu(part[f"wide{i}"](x)))
            x = part[f"norm{i}b"](x + y)
        return self.out(x.mean(1))


MODELS = {
    "regression": regression,
    "embeddings": Embeddings,
    "mlp": mlp,
    "convnet": ConvNet,
    "resnet20": ResNet20,
    "simplernn": SimpleRNN,
    "stateful": Stateful,
    "charlstm": CharLSTM,
    "gru": GRU,
    "imdb_lstm": ImdbLSTM,
    "imdb_conv": ImdbConv,
    "wavenet": WaveNet,
    "transformer": Transformer,
}
