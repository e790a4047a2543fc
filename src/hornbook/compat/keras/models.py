"""Old models: their methods, with the old arguments."""

import itertools
import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from hornbook import models
from hornbook.compat.keras import engine
from hornbook.compat.keras.callbacks import Logs
from hornbook.compat.keras.closures import symbols_read, with_inputs
from hornbook.compat.keras.layers import OldNodes
from hornbook.compat.keras.optimizers import OldOptimizer
from hornbook.compat.translate import translate
from hornbook.core import tree
from hornbook.dialects.files import Format, format_of
from hornbook.layers.input import InputLayer
from hornbook.saving import configs_then, kinds


class LayerList(list):
    """The layers of a model; changing the list changes the model.

    Args:
        model: the model.
        layers: its layers, in order.
    """

    def __init__(self, model: Any, layers: list):
        super().__init__(layers)
        self._model = model

    def _changed(self) -> None:
        self._model._keep(list(self))

    def pop(self, index: Any = -1) -> Any:
        """Remove a layer, the last by default."""
        layer = super().pop(index)
        self._changed()
        return layer

    def append(self, layer: Any) -> None:
        """Put a layer on top."""
        super().append(layer)
        self._changed()

    def insert(self, index: Any, layer: Any) -> None:
        """Insert a layer before another one."""
        super().insert(index, layer)
        self._changed()

    def remove(self, layer: Any) -> None:
        """Take a layer out."""
        super().remove(layer)
        self._changed()

    def __delitem__(self, index: Any) -> None:
        super().__delitem__(index)
        self._changed()

    def __setitem__(self, index: Any, layer: Any) -> None:
        super().__setitem__(index, layer)
        self._changed()


class OldModel(OldNodes):
    """Mixin of models: old methods."""

    _today: Any
    _lists_one = False
    _left_out: frozenset = frozenset()  # ids of layers removed from the list

    def _layers_below(self) -> list:
        """The layers, in a list that can be modified."""
        found = super()._layers_below()  # type: ignore[misc]
        return LayerList(self, [one for one in found if id(one) not in self._left_out])

    def _keep(self, layers: list) -> None:
        every = super()._layers_below()  # type: ignore[misc]
        if any(not any(one is known for known in every) for one in layers):
            raise TypeError(
                f"layers can be put into the list of a Sequential, not of {type(self).__name__}: "
                "make a new Model from symbolic inputs and outputs"
            )
        kept = set(map(id, layers))
        self._left_out = frozenset(id(one) for one in every if id(one) not in kept)

    @property
    def outputs(self) -> list:
        """The symbolic outputs; assigning replaces them."""
        return super().outputs  # type: ignore[misc]

    @outputs.setter
    def outputs(self, value: Any) -> None:
        listed = list(value) if isinstance(value, list | tuple) else [value]
        self._end_in(listed)

    def _end_in(self, outputs: list) -> None:
        graph: Any = self._recorded  # type: ignore[attr-defined]
        self._set_graph(graph.inputs, outputs[0] if len(outputs) == 1 else outputs)  # type: ignore[attr-defined]

    @property
    def metrics_names(self) -> list[str]:
        """The names of `evaluate`'s results, in order; available once the model is compiled."""
        found = super().metrics_names  # type: ignore[misc]
        objective = self._training_state.objective  # type: ignore[attr-defined]
        if objective is None or objective.built or self._recorded is None:  # type: ignore[attr-defined]
            return found
        loss, _, metrics, _ = objective.given
        several = len(self.output_names) > 1  # type: ignore[attr-defined]
        if several and not isinstance(metrics, dict):
            metrics = dict.fromkeys(self.output_names, metrics)  # type: ignore[attr-defined]
        return [
            "loss",
            *(f"{name}_loss" for name in self.output_names if several),  # type: ignore[attr-defined]
            *(
                f"{output}_{name}" if several else name
                for output in self.output_names  # type: ignore[attr-defined]
                for name in _metric_names(metrics, output)
            ),
        ]

    @staticmethod
    def _adapt_arguments(today: type, given: dict) -> dict:
        return {}

    def _record(self, args: tuple, kwargs: dict, *ask: Any) -> Any:
        """Record a call of the model on tensors of any rank and size that its layers accept."""
        self._strict_shapes = False
        symbols = self._recorded.input_list if self._recorded else ()  # type: ignore[attr-defined]
        given = tree.flatten(args)
        if any(len(a.shape) != len(b.shape) for a, b in zip(given, symbols, strict=False)):
            self._strict_ranks = False
        return super()._record(args, kwargs, *ask)  # type: ignore[misc]

    def _translated(self, name: str, args: tuple, kwargs: dict) -> dict:
        dialect = self._names.dialect
        row = dialect.METHODS[f"Model.{name}"]
        given = translate(name, row, dialect.VALUES, args, kwargs)
        if dialect.WIDENED_LISTS:
            for data in (given.get("x"), given.get("y")):
                widen(data)
        return in_steps(given, name == "fit_generator") if "generator" in given else given

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Configure training; optimizer names mean those of the generation."""
        names = self._names
        given = self._translated("compile", args, kwargs)
        optimizer = given.get("optimizer")
        known = names.dialect.FAMILIES["optimizers"]
        if isinstance(optimizer, str) and optimizer.lower() in known:
            given["optimizer"] = names.get("optimizers", optimizer.lower())()
        super().compile(**given)  # type: ignore[misc]
        if symbols_read(given.get("loss")):
            kind: Any = type(self)
            self.__class__ = with_inputs(kind)
        if isinstance(given.get("optimizer"), OldOptimizer):
            given["optimizer"]._captured = False

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """Train; the history accepts either spelling of its keys."""
        return self._train(self._translated("fit", args, kwargs))

    def fit_generator(self, *args: Any, **kwargs: Any) -> Any:
        """Train on batches from a generator; Keras 1 counts samples, Keras 2 batches."""
        return self._train(self._translated("fit_generator", args, kwargs))

    def _train(self, given: dict) -> Any:
        optimizer = getattr(self, "optimizer", None)
        if isinstance(optimizer, OldOptimizer):
            optimizer._captured = self._names.dialect.CAPTURED_RATE
        history = super().fit(**given)  # type: ignore[misc]
        history.history = Logs(history.history)
        return history

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the loss and metrics on data."""
        return super().evaluate(**self._translated("evaluate", args, kwargs))  # type: ignore[misc]

    def predict(self, *args: Any, **kwargs: Any) -> Any:
        """Outputs for data."""
        return super().predict(**self._translated("predict", args, kwargs))  # type: ignore[misc]

    @property
    def _format(self) -> Format:
        return format_of(self._names.dialect.VERSION)

    def save(
        self,
        filepath: Any,
        overwrite: bool = True,
        include_optimizer: bool = True,
        save_format: str | None = None,
        **old: Any,
    ) -> None:
        """Save the model to HDF5 in its generation's format, regardless of the file name.

        Args:
            filepath: a path, or an open h5py file or group. `.keras` is today's format.
            overwrite: whether to replace an existing file.
            include_optimizer: whether to save how the model was compiled.
            save_format: `"h5"`, `"keras"` or none.
            **old: `save_traces`, `signatures` and `options`, ignored.
        """
        kind = kinds.kind_of_format(save_format)
        kinds.write_model(
            self, filepath, overwrite, kind, True, self._format, include_optimizer=include_optimizer
        )

    def save_weights(
        self, filepath: Any, overwrite: bool = True, save_format: str | None = None
    ) -> None:
        """Save the weights to HDF5 by layer, regardless of the file name."""
        kinds.kind_of_format(save_format)
        kinds.write_weights(self, filepath, overwrite, True, self._format)

    def load_weights(
        self,
        filepath: Any,
        by_name: bool = False,
        skip_mismatch: bool = False,
        reshape: bool = False,
    ) -> None:
        """Load weights from a file of any generation, by order or by name."""
        if reshape:
            raise ValueError(
                "load_weights(reshape=True): weights are not reshaped; use set_weights"
            )
        kinds.load_weights(self, filepath, skip_mismatch, by_name)  # type: ignore[arg-type]

    def get_weights(self) -> list:
        """The weights in the old layout, layer by layer in Keras 1."""
        if not self._names.dialect.LAID_OUT:
            return super().get_weights()  # type: ignore[misc]
        return [value for layer in self.layers for value in layer.get_weights()]  # type: ignore[attr-defined]

    def set_weights(self, weights: list) -> None:
        """Assign the weights, in the order and layout of `get_weights()`."""
        if not self._names.dialect.LAID_OUT:
            super().set_weights(weights)  # type: ignore[misc]
            return
        left = list(weights)
        counts = [len(layer.get_weights()) for layer in self.layers]  # type: ignore[attr-defined]
        if len(left) != sum(counts):
            raise ValueError(
                f"the model {self.name!r} has {sum(counts)} weights, not {len(left)}"  # type: ignore[attr-defined]
            )
        for layer, count in zip(self.layers, counts, strict=True):  # type: ignore[attr-defined]
            layer.set_weights(left[:count])
            del left[:count]

    def to_json(self, **kwargs: Any) -> str:
        """The config as JSON, in its generation's format."""
        return json.dumps(configs_then.json_then(self, self._format), **kwargs)

    def to_yaml(self, **kwargs: Any) -> str:
        """Removed: raises.

        Raises:
            RuntimeError: always, as in Keras since 2.6.
        """
        raise RuntimeError(engine.NO_YAML.format("model.to_yaml()", "model.to_json()"))

    def predict_proba(self, *args: Any, **kwargs: Any) -> Any:
        """Predictions, which are probabilities if the last layer outputs them."""
        return self.predict(*args, **kwargs)

    def train_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        """One step on one batch."""
        given = self._translated("train_on_batch", args, kwargs)
        return super().train_on_batch(**given)  # type: ignore[misc]

    def evaluate_generator(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the loss and metrics on batches from a generator."""
        given = self._translated("evaluate_generator", args, kwargs)
        return super().evaluate(**given)  # type: ignore[misc]

    def predict_generator(self, *args: Any, **kwargs: Any) -> Any:
        """Predictions for batches from a generator."""
        given = self._translated("predict_generator", args, kwargs)
        return super().predict(**given)  # type: ignore[misc]

    def predict_classes(self, x: Any, batch_size: int | None = None, verbose: Any = 0) -> Any:
        """The most likely class of each sample; for one output, whether it exceeds 0.5."""
        found = self.predict(x, batch_size=batch_size, verbose=verbose)
        if found.shape[-1] > 1:
            return found.argmax(axis=-1)
        return (found > 0.5).astype("int32")


def widen(arrays: Any) -> None:
    """Add a second axis to the vectors in a list, in place, as Keras 1 did.

    Programs relied on it afterwards: `np.concatenate(xs, axis=1)`.

    Args:
        arrays: the argument of `fit`; only a list of arrays is changed.
    """
    if isinstance(arrays, list) and all(isinstance(one, np.ndarray) for one in arrays):
        arrays[:] = [one[:, None] if one.ndim == 1 else one for one in arrays]


def _metric_names(metrics: Any, output: str) -> list[str]:
    found = metrics.get(output, []) if isinstance(metrics, dict) else metrics or []
    listed = found if isinstance(found, list | tuple) else [found]
    return [
        one if isinstance(one, str) else getattr(one, "name", None) or one.__name__
        for one in listed
    ]


def in_steps(given: dict, training: bool) -> dict:
    """Convert arguments that count samples (Keras 1) to ones that count batches.

    Args:
        given: arguments.
        training: whether they are for `fit`.
    """
    given = dict(given)
    x, samples = given.pop("generator"), given.pop("samples", None)
    if training or samples is None or _passes(x):
        given["x"], steps = counted(x, samples)
        if steps is not None:
            given["steps_per_epoch" if training else "steps"] = steps
    else:
        given["x"] = _taken(x, samples)
    samples = given.pop("validation_samples", None)
    data = given.get("validation_data")
    if samples is not None and not isinstance(data, list | tuple):
        given["validation_data"], given["validation_steps"] = counted(data, samples)
    return given


def counted(generator: Any, samples: int | None) -> tuple[Any, int | None]:
    """A generator, and the number of its batches that make up a number of samples.

    Args:
        generator: yields batches; the last of a pass may be smaller. Without a `batch_size`, the
            first one gives it.
        samples: the number of samples.
    """
    if samples is None:
        return generator, None
    size: Any = getattr(generator, "batch_size", None)
    before = 0
    if _passes(generator):
        passes, samples = divmod(samples, generator.n)
        before = passes * len(generator)
    elif size is None:
        batches = iter(generator)
        first = next(batches)
        size = _rows(first)
        generator = itertools.chain([first], batches)
    return generator, before + math.ceil(samples / int(size))


def _passes(generator: Any) -> bool:
    """Whether the length of a pass is known, as of iterators over images."""
    return all(hasattr(generator, name) for name in ("__len__", "n", "batch_size"))


def _taken(generator: Any, samples: int) -> Iterator:
    """The batches that make up a number of samples."""
    batches = iter(generator)
    while samples > 0:
        batch = next(batches)
        samples -= _rows(batch)
        yield batch


def _rows(batch: Any) -> int:
    return len(tree.flatten(batch)[0])


class OldSequential(OldModel):
    """A `Sequential` that can start with the merged branches of Keras 1's `Merge`."""

    _stack: tuple

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Append a layer; the first may be a model with several inputs."""
        several = isinstance(layer, models.Model) and len(getattr(layer, "inputs", [0])) > 1
        if self._stack or not several:
            super().add(layer, rebuild)  # type: ignore[misc]
            return
        self._stack = (layer,)
        if rebuild:
            self._rebuild()

    def _keep(self, layers: list) -> None:
        head = self._stack[:1] if isinstance(self._stack[0], InputLayer) else []
        self._stack = (*head, *layers)
        self._recorded = self._call_graph = None
        self._rebuild()

    def _end_in(self, outputs: list) -> None:
        for count, layer in enumerate(self._stack, 1):
            if any(node.outputs is outputs[0] for node in layer._nodes):
                self._stack = self._stack[:count]
                self._recorded = self._call_graph = None
                self._rebuild()
                return
        raise ValueError(f"{outputs[0]!r} is not the output of a layer of {self.name!r}")  # type: ignore[attr-defined]

    def _rebuild(self) -> None:
        stack = self._stack
        if not stack or isinstance(stack[0], InputLayer) or not _branches(stack[0]):
            super()._rebuild()  # type: ignore[misc]
            return
        output, rest = stack[0].output, stack[1:]
        graph = self._recorded
        if graph is not None and len(stack) > 2 and graph.output_list[0].node.op is stack[-2]:
            output, rest = graph.outputs, stack[-1:]
        for layer in rest:
            output = layer(output)
        self._set_graph(stack[0].inputs, output)  # type: ignore[attr-defined]


def _branches(layer: Any) -> bool:
    return isinstance(layer, models.Model) and np.size(getattr(layer, "input_names", [])) > 1
