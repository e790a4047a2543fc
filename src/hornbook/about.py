"""Which hornbook this is."""

__version__ = "0.1.0"


def version() -> str:
    """The version of hornbook.

    Example:
        >>> version() == __version__
        True
    """
    return __version__
