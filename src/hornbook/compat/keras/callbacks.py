"""Old callbacks: log keys are found by either spelling."""

import functools
from typing import Any

# The two spellings of log keys, also with a "val_" prefix.
SPELLINGS = {
    "acc": "accuracy",
    "lr": "learning_rate",
    "mean_absolute_error": "mae",
    "mean_squared_error": "mse",
    "mean_absolute_percentage_error": "mape",
}
OTHER = SPELLINGS | {short: long for long, short in SPELLINGS.items()}
ACCURACY = ("acc", "accuracy")
# Metrics that programs read as "acc" if there is only one of them.
KINDS_OF_ACCURACY = ("binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy")
HOOKS = ("on_epoch_end", "on_batch_end", "on_train_batch_end", "on_train_end")


class Logs(dict):
    """Logs in which `"accuracy"` finds the value logged as `"acc"`, and so on.

    Example:
        >>> logs = Logs(val_acc=0.5)
        >>> logs["val_accuracy"], logs.get("val_accuracy"), list(logs)
        (0.5, 0.5, ['val_acc'])
        >>> Logs(binary_accuracy=0.5)["acc"]
        0.5
    """

    def _known(self, key: Any) -> Any:
        if dict.__contains__(self, key) or not isinstance(key, str):
            return key
        head = "val_" if key.startswith("val_") else ""
        name = key.removeprefix("val_")
        other = head + OTHER.get(name, "")
        if name in ACCURACY and not dict.__contains__(self, other):
            found = [one for one in self if one in {head + kind for kind in KINDS_OF_ACCURACY}]
            other = found[0] if len(found) == 1 else other
        return other if dict.__contains__(self, other) else key

    def __missing__(self, key):
        known = self._known(key)
        if known == key:
            raise KeyError(key)
        return self[known]

    def __contains__(self, key):
        return dict.__contains__(self, self._known(key))

    def get(self, key, default=None):
        """The value for a key in either spelling."""
        return dict.get(self, self._known(key), default)


class OldCallback:
    """Mixin of callbacks: hooks get logs with both spellings."""

    also_takes = ("period",)
    suffixes = (("",), ("",))  # old models were saved with any suffix
    _names: Any

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        today = vars(cls).get("_today")
        for hook in HOOKS if today is None else HOOKS[:1]:
            own = vars(today or cls).get(hook)
            if own is not None:
                setattr(cls, hook, _with_both(own if today is None else periodically(own)))

    @property
    def first_epoch(self) -> int:
        """The number of the first epoch in file names."""
        return self._names.dialect.FIRST_EPOCH

    @staticmethod
    def _adapt_arguments(today: type, given: dict) -> dict:
        extra = {"period": given.pop("period", 1)}
        path = given.get("filepath")
        if isinstance(path, str):
            given["filepath"] = path.replace("accuracy:", "acc:").replace("accuracy}", "acc}")
        for name, value in given.items():
            if name.startswith("on_") and callable(value):
                given[name] = _with_both(value)
        return extra

    def _before_init(self, given: dict) -> None:
        pass

    def _after_init(self, extra: dict) -> None:
        self.period, self._epochs = extra["period"], 0


def periodically(hook):
    """An epoch-end hook that runs only every `period` epochs: `ModelCheckpoint(period=)`.

    Args:
        hook: the hook of every epoch.
    """

    @functools.wraps(hook)
    def called(self, *args, **kwargs):
        self._epochs += 1
        if self._epochs >= self.period:
            self._epochs = 0
            hook(self, *args, **kwargs)

    return called


def _with_both(hook):
    @functools.wraps(hook)
    def called(*args, **kwargs):
        args = [Logs(one) if isinstance(one, dict) else one for one in args]
        if isinstance(kwargs.get("logs"), dict):
            kwargs["logs"] = Logs(kwargs["logs"])
        return hook(*args, **kwargs)

    return called
