"""The environment of an old program: its library, and names that others have dropped."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from hornbook.compat.install import installed
from hornbook.compat.libraries import put_back
from hornbook.compat.python2 import local_modules

# Warnings that nearly every old program triggers today.
OLD_WAYS = (DeprecationWarning, PendingDeprecationWarning, SyntaxWarning, ResourceWarning)


@contextmanager
def session(generation: str | None, python2: bool, backend: str | None = None) -> Iterator[None]:
    """A context in which an old program finds the libraries it was written for.

    Args:
        generation: see `install`; `None` leaves `import keras` alone.
        python2: whether the program is written in Python 2.
        backend: see `install`.

    Example:
        >>> with session("keras1", python2=True):
        ...     import cPickle
        ...     from keras.layers import Convolution2D
    """
    with (
        warnings.catch_warnings(),
        installed(generation, backend) if generation else nullcontext(),
        put_back(),
        local_modules(python2),
    ):
        for category in OLD_WAYS:
            warnings.filterwarnings("ignore", category=category)
        yield
