"""`tensorflow`, as far as programs for Keras set it up: there are no sessions here."""

import warnings
from typing import Any

NOTE = "tf.{} has no effect here: there are no sessions, and memory is taken as it is needed"
NO_RUN = "tf.Session.{}: there are no sessions here; model.predict or K.function computes a value"
VERSION = "1.15.0"


class Options:
    """`tf.ConfigProto`, `tf.GPUOptions`: takes what it is given.

    Args:
        *args: ignored.
        **options: kept as attributes, and ignored.
    """

    def __init__(self, *args: Any, **options: Any):
        vars(self).update(options)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = vars(self)[name] = Options()
        return made


class Session:
    """`tf.Session`: nothing, which `K.set_session` takes.

    Args:
        *args: ignored.
        **options: ignored.
    """

    def __init__(self, *args: Any, **options: Any):
        warnings.warn(NOTE.format(type(self).__name__), stacklevel=2)
        self.graph = Options()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def close(self) -> None:
        """Nothing."""

    def run(self, *args: Any, **options: Any) -> Any:
        """Nothing can be computed.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(NO_RUN.format("run"))


class Logging:
    """`tf.logging`."""

    DEBUG, INFO, WARN, ERROR, FATAL = 10, 20, 30, 40, 50

    @staticmethod
    def set_verbosity(level: int) -> None:
        """Nothing: TensorFlow's messages do not come."""


logging = Logging()


def reset_default_graph() -> None:
    """`tf.reset_default_graph`: names are counted anew."""
    import hornbook

    hornbook.utils.clear_session()
