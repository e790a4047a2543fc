"""The table of events, and the callback list that dispatches them."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hornbook.core import placement
from hornbook.training.callback import Callback
from hornbook.training.history import History
from hornbook.training.progress import ProgbarLogger

# Every event in the order of a run, and its index argument.
EVENTS: dict[str, str | None] = {
    "on_train_begin": None,
    "on_epoch_begin": "epoch",
    "on_batch_begin": "batch",
    "on_train_batch_begin": "batch",
    "on_batch_end": "batch",
    "on_train_batch_end": "batch",
    "on_test_begin": None,
    "on_test_batch_begin": "batch",
    "on_test_batch_end": "batch",
    "on_test_end": None,
    "on_epoch_end": "epoch",
    "on_train_end": None,
    "on_predict_begin": None,
    "on_predict_batch_begin": "batch",
    "on_predict_batch_end": "batch",
    "on_predict_end": None,
}
# The base class's hook on the left calls the one on the right.
ALIASES = {
    "on_train_batch_begin": "on_batch_begin",
    "on_train_batch_end": "on_batch_end",
}
MODES = ("train", "test", "predict")

Logs = dict[str, Any] | Callable[[], dict[str, Any]] | None


class CallbackList(Callback):
    """A list of callbacks as one: each hook calls the callbacks that override it.

    Args:
        callbacks: a callback, or a nested list of callbacks.
        add_history: whether to add a `History` if there is none.
        add_progbar: whether to add a `ProgbarLogger` if there is none.
        model: passed to their `set_model`.
        params: passed to their `set_params`: `epochs`, `steps`, `verbose`, `validation_freq`.

    Raises:
        TypeError: for something that is not a callback.

    Example:
        >>> callbacks = keras.callbacks.CallbackList(add_history=True, epochs=2)
        >>> callbacks.on_epoch_end(0, lambda: {"loss": np.float32(0.5)})
        >>> callbacks.history.history
        {'loss': [0.5]}
        >>> print(callbacks)
        on_epoch_end  History
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ):
        self.callbacks: list[Callback] = list(_flatten(callbacks))
        for wanted, kind in ((add_history, History), (add_progbar, ProgbarLogger)):
            if wanted and not any(isinstance(callback, kind) for callback in self.callbacks):
                self.callbacks.append(kind())
        in_order = sorted(
            self.callbacks, key=lambda callback: getattr(callback, "runs_last", False)
        )
        self._listeners = {
            event: [callback for callback in in_order if _overrides(callback, event)]
            for event in EVENTS
        }
        here = placement.is_first()
        self._called = {
            event: [c for c in heard if here or not getattr(c, "only_first", False)]
            for event, heard in self._listeners.items()
        }
        if model is not None:
            self.set_model(model)
        if params:
            self.set_params(params)

    @property
    def history(self) -> History | None:
        """The `History` among the callbacks."""
        return next((c for c in self.callbacks if isinstance(c, History)), None)

    def set_params(self, params: dict[str, Any]) -> None:
        """Set the parameters of every callback."""
        super().set_params(params)
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Set the model of every callback."""
        super().set_model(model)
        for callback in self.callbacks:
            if placement.is_first() or not getattr(callback, "only_first", False):
                callback.set_model(model)

    def set_validation_data(self, data: Any) -> None:
        """Set what every callback finds in its `validation_data`."""
        for callback in (self, *self.callbacks):
            callback.validation_data = data

    def listens(self, event: str) -> list[Callback]:
        """The callbacks that override the hook of an event, such as `"on_epoch_end"`."""
        return list(self._listeners[event])

    def needs_every_batch(self, mode: str) -> bool:
        """Whether a loop must report each batch, rather than run many before it reports.

        Args:
            mode: `"train"`, `"test"` or `"predict"`.
        """
        events = (f"on_{mode}_batch_begin", f"on_{mode}_batch_end")
        return any(_every_batch(c, event) for event in events for c in self._listeners[event])

    def only_remember(self) -> bool:
        """Whether the only callback with hooks is a `History`, which does not affect the run."""
        return all(type(c) is History for heard in self._listeners.values() for c in heard)

    def describe(self) -> str:
        """A table of events and their callbacks; a star marks those called after each batch."""
        batches = {f"on_{mode}_batch_{edge}" for mode in MODES for edge in ("begin", "end")}
        rows = {
            event: ", ".join(
                type(c).__name__ + "*" * (event in batches and _every_batch(c, event))
                for c in self._listeners[event]
            )
            for event in EVENTS
            if event not in ALIASES.values() and self._listeners[event]
        }
        width = max(map(len, rows), default=0)
        lines = [f"{event.ljust(width)}  {names}" for event, names in rows.items()]
        if any("*" in names for names in rows.values()):
            lines.append("* needs every batch: the loop runs step by step")
        return "\n".join(lines) or "nobody listens"

    __str__ = describe


def callbacks_for(
    model: Any,
    callbacks: Any,
    verbose: Any,
    epochs: int,
    steps: Any,
    history: bool = False,
    **params,
) -> CallbackList:
    """The callbacks as one list, with a history and a progress bar if needed.

    Args:
        model: passed to the callbacks.
        callbacks: callbacks, or a `CallbackList`, which is used as it is.
        verbose: whether to add a progress bar, unless given a `CallbackList`.
        epochs, steps: parameters of the run.
        history: whether a history is needed.
        **params: further parameters of the run.
    """
    given = isinstance(callbacks, CallbackList)
    if given and (callbacks.history is not None or not history):
        return callbacks
    return CallbackList(
        callbacks,
        add_history=history,
        add_progbar=bool(verbose) and not given,
        model=model,
        epochs=epochs,
        steps=steps,
        verbose=verbose,
        **params,
    )


def _hook(event: str, counts: str | None) -> Callable:
    """The method of `CallbackList` that dispatches an event."""

    def indexed(self, index: int, logs: Logs = None) -> None:
        if listeners := self._called[event]:
            values = python_floats(logs)
            for callback in listeners:
                getattr(callback, event)(index, values)

    def plain(self, logs: Logs = None) -> None:
        if listeners := self._called[event]:
            values = python_floats(logs)
            for callback in listeners:
                getattr(callback, event)(values)

    hook = indexed if counts else plain
    hook.__name__, hook.__qualname__ = event, f"CallbackList.{event}"
    hook.__doc__ = f"Call `{event}` of callbacks that override it; `logs` may be a function."
    return hook


for _event, _counts in EVENTS.items():
    setattr(CallbackList, _event, _hook(_event, _counts))


def python_floats(logs: Logs) -> dict[str, Any]:
    """Logs as a new flat dict, with scalars as Python floats.

    Example:
        >>> python_floats(lambda: {"loss": np.float32(0.5), "more": {"mae": 1}})
        {'loss': 0.5, 'mae': 1.0}
    """
    logs = logs() if callable(logs) else logs
    flat: dict[str, Any] = {}
    for name, value in (logs or {}).items():
        if isinstance(value, dict):
            flat |= python_floats(value)
        else:
            flat[name] = _float(value)
    return flat


def _float(value: Any) -> Any:
    try:
        return float(value) if np.ndim(value) == 0 else value
    except (TypeError, ValueError):
        return value


def _flatten(callbacks: Any) -> Iterator[Callback]:
    if callbacks is None:
        return
    if isinstance(callbacks, CallbackList):
        callbacks = callbacks.callbacks
    if isinstance(callbacks, list | tuple):
        for callback in callbacks:
            if callback is None:
                raise TypeError("callbacks: the list has a None in it; leave it out")
            yield from _flatten(callback)
    elif isinstance(callbacks, type):
        name = callbacks.__name__
        raise TypeError(f"callbacks: pass an instance, {name}(...), not the class {name}")
    elif hasattr(callbacks, "set_model") and hasattr(callbacks, "set_params"):
        yield callbacks
    else:
        raise TypeError(
            f"callbacks: {callbacks!r} is not a callback. Pass objects of Callback's subclasses; "
            "a function can be wrapped: LambdaCallback(on_epoch_end=lambda epoch, logs: ...)"
        )


def _overrides(callback: Callback, event: str) -> bool:
    """Whether a callback overrides the hook of an event, or its alias."""
    return _is_own(callback, event) or (event in ALIASES and _is_own(callback, ALIASES[event]))


def _is_own(callback: Callback, event: str) -> bool:
    hook = getattr(callback, event, None)
    default = getattr(hook, "__func__", hook) is getattr(Callback, event)
    # Base classes of other libraries mark empty hooks with `_is_default`.
    return hook is not None and not default and not getattr(hook, "_is_default", False)


def _every_batch(callback: Callback, event: str) -> bool:
    """Whether the callback's hook must be called for each batch."""
    if getattr(callback, "every_batch", True):
        return True
    hooks = [name for name in (event, ALIASES.get(event)) if name and _is_own(callback, name)]
    flag = _depth(callback, "every_batch")
    return any(_depth(callback, name) < flag for name in hooks)


def _depth(callback: Callback, name: str) -> int:
    """Where an attribute is defined: 0 in the object, 1 in its class, 2 in the next base."""
    places = [vars(callback), *map(vars, type(callback).__mro__)]
    return next(depth for depth, place in enumerate(places) if name in place)
