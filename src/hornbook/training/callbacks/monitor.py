"""Base class of callbacks that watch one value of the logs and detect improvement."""

import math
import warnings
from collections.abc import Container
from typing import Any

from hornbook.core.config import nearest
from hornbook.core.module import to_snake_case
from hornbook.training.callback import Callback

# The last word of a metric's name that is listed here decides which direction is better.
DIRECTIONS = {
    "max": """
        acc accuracy auc precision recall sensitivity specificity f1 f2 fbeta r2 iou dice jaccard
        similarity correlation kappa mcc bleu rouge ndcg psnr ssim true
    """.split(),
    "min": """
        loss error mse mae mape msle rmse logcosh crossentropy entropy hinge poisson huber kld
        divergence deviance perplexity nll brier distance wer cer fid false
    """.split(),
}


def infer_mode(name: str) -> str | None:
    """`"max"` or `"min"`: which direction is better for a metric of this name; None if unknown.

    Example:
        >>> infer_mode("val_sparse_categorical_accuracy"), infer_mode("mean_squared_error")
        ('max', 'min')
    """
    for word in reversed(to_snake_case(name).split("_")):
        for mode, words in DIRECTIONS.items():
            if word in words:
                return mode
    return None


def validates(params: dict[str, Any] | None, epoch: int) -> bool:
    """Whether this epoch has a validation, by `validation_freq` in a callback's `params`.

    Example:
        >>> validates({"validation_freq": 2}, 0), validates({"validation_freq": [1, 5]}, 0)
        (False, True)
    """
    frequency = (params or {}).get("validation_freq") or 1
    if isinstance(frequency, Container):
        return epoch + 1 in frequency
    return (epoch + 1) % frequency == 0


class Monitor(Callback):
    """A callback that watches one value of the logs.

    Args:
        monitor: its name in the logs.
        mode: `"min"`, `"max"` or `"auto"`: which direction is better; auto infers it from the name.
        min_delta: smallest change that counts as an improvement.
        best: the value to beat first; None accepts any.

    An unknown mode gives a warning and is treated as `"auto"`.
    """

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0, best: float | None = None):
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"{type(self).__name__}: mode={mode!r} is not known and taken for 'auto': pass "
                "'auto', 'min' or 'max'",
                stacklevel=3,
            )
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)
        self.best = best

    def read(self, epoch: int, logs: dict[str, Any] | None) -> float | None:
        """The monitored value after an epoch; None if there is none.

        A missing value gives a warning, unless `validation_freq` skips this epoch.
        """
        value = (logs or {}).get(self.monitor)
        if value is None and self.is_due(epoch):
            warnings.warn(self._missing(list(logs or {})), stacklevel=3)
        return value

    def is_due(self, epoch: int) -> bool:
        """Whether an epoch should have the monitored value."""
        return not self.monitor.startswith("val_") or validates(self.params, epoch)

    def improved(self, value: float, reference: float | None) -> bool:
        """Whether a value beats the reference by more than `min_delta`; NaN never does.

        Raises:
            ValueError: if the mode is `"auto"` and the direction cannot be inferred from the name.
        """
        mode = infer_mode(self.monitor) if self.mode == "auto" else self.mode
        if mode is None:
            raise ValueError(
                f"{type(self).__name__}: whether {self.monitor!r} should grow or fall cannot be "
                "known from its name. Pass mode='max' or mode='min'"
            )
        if reference is None or math.isnan(reference):
            return not math.isnan(value)
        if mode == "max":
            return value - self.min_delta > reference
        return value + self.min_delta < reference

    def _missing(self, names: list[str]) -> str:
        if self.monitor.startswith("val_") and not any(n.startswith("val_") for n in names):
            hint = (
                "There was no validation: pass validation_data or validation_split to fit, or "
                f"monitor={self.monitor.removeprefix('val_')!r}"
            )
        else:
            hint = nearest(self.monitor, names)
        return (
            f"{type(self).__name__}: there is no value {self.monitor!r} to monitor. This epoch "
            f"reported: {', '.join(names) or 'nothing'}. {hint}"
        )
