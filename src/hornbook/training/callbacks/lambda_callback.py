"""A callback made of functions."""

from collections.abc import Callable

from hornbook.core.config import nearest
from hornbook.training.callback import Callback

HOOKS = [name for name in vars(Callback) if name.startswith("on_")]


class LambdaCallback(Callback):
    """A callback made of functions, passed by the name of their hook.

    Epoch and batch functions are called as `f(epoch, logs)` or `f(batch, logs)`, all others as
    `f(logs)`. Set `every_batch = False` on it if the batch functions need not see each batch.

    Args:
        hooks: functions by hook name: `on_epoch_end`, `on_train_batch_end` ...

    Raises:
        TypeError: for an unknown hook, or a value that is not callable.

    Example:
        >>> shout = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch))
        >>> shout.on_epoch_end(3, {})
        3
    """

    def __init__(
        self,
        on_epoch_begin: Callable | None = None,
        on_epoch_end: Callable | None = None,
        on_train_begin: Callable | None = None,
        on_train_end: Callable | None = None,
        on_train_batch_begin: Callable | None = None,
        on_train_batch_end: Callable | None = None,
        **hooks: Callable | None,
    ):
        hooks |= {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }
        for name, function in hooks.items():
            if name not in HOOKS:
                raise TypeError(
                    f"LambdaCallback: there is no hook {name!r}. {nearest(name, HOOKS)}"
                )
            if function is not None and not callable(function):
                raise TypeError(f"LambdaCallback: {name}={function!r} is not a function")
            if function is not None:
                setattr(self, name, function)
