"""`get_file` with the paths that Keras 1 and 2 returned for archives."""

import os
from typing import Any

from hornbook import data


def get_file(
    fname: str, origin: str, untar: bool = False, extract: bool = False, **options: Any
) -> str:
    """Download a file; for an archive, return the path of `fname` in the unpacked folder.

    Archives were unpacked next to `fname`, and programs rely on that: they open `path + ".dat"`, or
    another file in the folder of `path`.

    Args:
        fname: the file name.
        origin: the URL.
        untar: unpack a tar archive.
        extract: unpack an archive of any kind.
        **options: further arguments of today's `get_file`.
    """
    found = data.get_file(fname, origin, untar=untar, extract=extract, **options)
    return os.path.join(found, fname) if os.path.isdir(found) and (untar or extract) else found
