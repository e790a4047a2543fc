"""Old models: their methods, with the arguments that these took."""

import itertools
import json
import math
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
    """The layers of a model; what is done to the list is done to the model.

    Args:
        model: whose they are.
        layers: in their order.
    """

    def __init__(self, model: Any, layers: list):
        super().__init__(layers)
        self._model = model

    def _changed(self) -> None:
        self._model._keep(list(self))

    def pop(self, index: Any = -1) -> Any:
        """Take a layer out, the last by default."""
        layer = super().pop(index)
        self._changed()
        return layer

    def append(self, layer: Any) -> None:
        """Put a layer on top."""
        super().append(layer)
        self._changed()

    def insert(self, index: Any, layer: Any) -> None:
        """Put a layer before another one."""
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
    """What models had beside today's methods."""

    _today: Any
    _left_out: frozenset = frozenset()  # ids of layers that were taken off the list

    def _layers_below(self) -> list:
        """The layers, in a list that can be changed."""
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
        """The symbolic outputs; those that are assigned are the model's from now on."""
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
        """What `evaluate` gives, in its order; known as soon as the model is compiled."""
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
        """A model is a layer of tensors of any sizes that its own layers can take."""
        self._strict_shapes = False
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
        """Choose how to train; names of optimizers mean those of the generation."""
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
        """Train; the history is found by either spelling of its keys."""
        return self._train(self._translated("fit", args, kwargs))

    def fit_generator(self, *args: Any, **kwargs: Any) -> Any:
        """Train on batches from a generator; Keras 1 counted samples, Keras 2 batches."""
        return self._train(self._translated("fit_generator", args, kwargs))

    def _train(self, given: dict) -> Any:
        optimizer = getattr(self, "optimizer", None)
        if isinstance(optimizer, OldOptimizer):
            optimizer._captured = self._names.dialect.CAPTURED_RATE
        history = super().fit(**given)  # type: ignore[misc]
        history.history = Logs(history.history)
        return history

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Loss and metrics on data."""
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
        """Write the model to HDF5, whatever the name of the file, as its generation did.

        Args:
            filepath: a path, or an open file or group of h5py's. `.keras` is today's format.
            overwrite: whether an existing file is replaced.
            include_optimizer: whether it says how the model was compiled.
            save_format: `"h5"`, `"keras"` or none.
            **old: `save_traces`, `signatures` and `options`, for nothing.
        """
        kind = kinds.kind_of_format(save_format)
        kinds.write_model(
            self, filepath, overwrite, kind, True, self._format, include_optimizer=include_optimizer
        )

    def save_weights(
        self, filepath: Any, overwrite: bool = True, save_format: str | None = None
    ) -> None:
        """Write the weights to HDF5 by layer, whatever the name of the file."""
        kinds.kind_of_format(save_format)
        kinds.write_weights(self, filepath, overwrite, True, self._format)

    def load_weights(
        self,
        filepath: Any,
        by_name: bool = False,
        skip_mismatch: bool = False,
        reshape: bool = False,
    ) -> None:
        """Read weights of a file of any generation, by place or by name."""
        if reshape:
            raise ValueError(
                "load_weights(reshape=True): weights are not reshaped; use set_weights"
            )
        kinds.load_weights(self, filepath, skip_mismatch, by_name)  # type: ignore[arg-type]

    def get_weights(self) -> list:
        """The values of the weights, layer by layer in Keras 1, as they lay then."""
        if not self._names.dialect.LAID_OUT:
            return super().get_weights()  # type: ignore[misc]
        return [value for layer in self.layers for value in layer.get_weights()]  # type: ignore[attr-defined]

    def set_weights(self, weights: list) -> None:
        """Assign the weights, of values in the order and form of `get_weights()`."""
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
        """The config as JSON, as its generation wrote it."""
        return json.dumps(configs_then.json_then(self, self._format), **kwargs)

    def to_yaml(self, **kwargs: Any) -> str:
        """Not any more.

        Raises:
            RuntimeError: always, as in Keras since 2.6.
        """
        raise RuntimeError(engine.NO_YAML.format("model.to_yaml()", "model.to_json()"))

    def predict_proba(self, *args: Any, **kwargs: Any) -> Any:
        """Outputs for data, which are probabilities where the last layer makes them so."""
        return self.predict(*args, **kwargs)

    def train_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        """One step on one batch."""
        given = self._translated("train_on_batch", args, kwargs)
        return super().train_on_batch(**given)  # type: ignore[misc]

    def evaluate_generator(self, *args: Any, **kwargs: Any) -> Any:
        """Loss and metrics on batches from a generator."""
        given = self._translated("evaluate_generator", args, kwargs)
        return super().evaluate(**given)  # type: ignore[misc]

    def predict_generator(self, *args: Any, **kwargs: Any) -> Any:
        """Outputs for batches from a generator."""
        given = self._translated("predict_generator", args, kwargs)
        return super().predict(**given)  # type: ignore[misc]

    def predict_classes(self, x: Any, batch_size: int | None = None, verbose: Any = 0) -> Any:
        """The number of the likeliest class of each sample; of one output, whether above 0.5."""
        found = self.predict(x, batch_size=batch_size, verbose=verbose)
        if found.shape[-1] > 1:
            return found.argmax(axis=-1)
        return (found > 0.5).astype("int32")


def widen(arrays: Any) -> None:
    """Give the vectors of a list a second axis, in the list itself, as Keras 1 did.

    Programs went on with the list: `np.concatenate(xs, axis=1)`.

    Args:
        arrays: what `fit` was given; only a list of arrays is changed.
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
    """Arguments that count batches, of ones that count samples (Keras 1).

    Args:
        given: arguments.
        training: whether they are those of `fit`.
    """
    given = dict(given)
    x, steps = counted(given.pop("generator"), given.pop("samples", None))
    given["x"] = x
    if steps is not None:
        given["steps_per_epoch" if training else "steps"] = steps
    samples = given.pop("validation_samples", None)
    data = given.get("validation_data")
    if samples is not None and not isinstance(data, list | tuple):
        given["validation_data"], given["validation_steps"] = counted(data, samples)
    return given


def counted(generator: Any, samples: int | None) -> tuple[Any, int | None]:
    """A generator, and how many of its batches make so many samples.

    Args:
        generator: gives batches; the first one says how many samples a batch has.
        samples: their number.
    """
    if samples is None:
        return generator, None
    size = getattr(generator, "batch_size", None)
    if size is None:
        batches = iter(generator)
        first = next(batches)
        size = len(tree.flatten(first)[0])
        generator = itertools.chain([first], batches)
    return generator, math.ceil(samples / int(size))


class OldSequential(OldModel):
    """A `Sequential` that can begin with several branches, as Keras 1's `Merge` made them."""

    _stack: tuple

    def add(self, layer: Any) -> None:
        """Put a layer on top; a model with several inputs can be the first."""
        several = isinstance(layer, models.Model) and len(getattr(layer, "inputs", [0])) > 1
        if self._stack or not several:
            super().add(layer)  # type: ignore[misc]
            return
        self._stack = (layer,)
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
        output = stack[0].output
        if len(stack) > 2:
            output = stack[-2].output
        if len(stack) > 1:
            output = stack[-1](output)
        self._set_graph(stack[0].inputs, output)  # type: ignore[attr-defined]


def _branches(layer: Any) -> bool:
    return isinstance(layer, models.Model) and np.size(getattr(layer, "input_names", [])) > 1
