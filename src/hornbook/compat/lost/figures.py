"""matplotlib: dropped functions and arguments."""

import functools
import importlib
from collections.abc import Callable
from typing import Any


def hold(b: Any = None) -> None:
    """`plt.hold`: no-op, as plots are always held."""


def with_seaborn(original: Callable) -> Callable:
    """`plt.style.use`, with the old names of seaborn's styles.

    Args:
        original: today's function.
    """

    @functools.wraps(original)
    def use(style):
        original([_style(one) for one in ([style] if isinstance(style, str | dict) else style)])

    return use


def _style(name: Any) -> Any:
    if isinstance(name, str) and name.split("-")[0] == "seaborn":
        return name.replace("seaborn", "seaborn-v0_8", 1)
    return name


def without_ffmpeg(original: Callable) -> Callable:
    """`Animation.to_html5_video`: without ffmpeg, its frames, played by JavaScript.

    Args:
        original: today's method.
    """

    @functools.wraps(original)
    def to_html5_video(self, *args, **kwargs):
        if importlib.import_module("matplotlib.animation").writers.is_available("ffmpeg"):
            return original(self, *args, **kwargs)
        return self.to_jshtml()

    return to_html5_video


def set_window_title(self: Any, title: str) -> None:
    """`canvas.set_window_title`."""
    if self.manager is not None:
        self.manager.set_window_title(title)


def with_too_many(ticks: Callable) -> Callable:
    """`xticks` and `yticks`: positions and labels are cut to the shorter list.

    Labels may be any collection, such as the keys of a dictionary.
    """

    @functools.wraps(ticks)
    def call(*args, **kwargs):
        if len(args) == 2 and all(hasattr(one, "__len__") for one in args):
            count = min(map(len, args))
            args = tuple(list(one)[:count] for one in args)
        return ticks(*args, **kwargs)

    return call
