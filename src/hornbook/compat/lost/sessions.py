"""The parts of `tensorflow` that Keras programs use for setup; there are no sessions."""

import warnings
from typing import Any

NOTE = "tf.{} has no effect: hornbook has no sessions, and allocates memory as needed"
NO_RUN = "tf.Session.{}: hornbook has no sessions; compute values with model.predict or K.function"
VERSION = "1.15.0"


class Options:
    """`tf.ConfigProto`, `tf.GPUOptions`: accept any options.

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
    """`tf.Session`: a stand-in for `K.set_session`.

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
        """Raise: there are no sessions.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError(NO_RUN.format("run"))


class Logging:
    """`tf.logging`."""

    DEBUG, INFO, WARN, ERROR, FATAL = 10, 20, 30, 40, 50

    @staticmethod
    def set_verbosity(level: int) -> None:
        """No-op: TensorFlow is not used."""


logging = Logging()


def reset_default_graph() -> None:
    """`tf.reset_default_graph`: reset automatic names."""
    import hornbook

    hornbook.utils.clear_session()
