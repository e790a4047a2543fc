"""`keras_tqdm`: its callbacks, which show progress as `fit` does."""

from typing import Any

from hornbook.training.progress import ProgbarLogger


class TQDMCallback(ProgbarLogger):
    """`TQDMCallback` and `TQDMNotebookCallback`: progress, also where `verbose=0` asks for none.

    Args:
        *args: how bars of tqdm look, and so are the others.
        **options: see there.
    """

    def __init__(self, *args: Any, **options: Any):
        super().__init__()

    def set_params(self, params: dict[str, Any]) -> None:
        """Take what `fit` says, but not that nothing is to be shown."""
        quiet = params.get("verbose") in (0, False)
        super().set_params({**params, "verbose": 2 if quiet else 0})
