"""The callbacks of `keras_tqdm`, showing `fit`'s own progress bar."""

from typing import Any

from hornbook.training.progress import ProgbarLogger


class TQDMCallback(ProgbarLogger):
    """`TQDMCallback` and `TQDMNotebookCallback`: a progress bar even with `verbose=0`.

    Args:
        *args: appearance of tqdm's bars; ignored.
        **options: likewise.
    """

    def __init__(self, *args: Any, **options: Any):
        super().__init__()

    def set_params(self, params: dict[str, Any]) -> None:
        """Take `fit`'s parameters except `verbose=0`."""
        quiet = params.get("verbose") in (0, False)
        super().set_params({**params, "verbose": 2 if quiet else 0})
