"""`get_file` as Keras 1 and 2 had it: what path it gave for an archive."""

import os
from typing import Any

from hornbook import data


def get_file(
    fname: str, origin: str, untar: bool = False, extract: bool = False, **options: Any
) -> str:
    """`get_file`; of an archive, the path of `fname` in the folder that it is unpacked to.

    Archives were unpacked beside `fname`, and programs went on from there: to `path + ".dat"`, or
    to another name in the folder of `path`.

    Args:
        fname: the name of the file.
        origin: the address.
        untar: unpack a tar archive.
        extract: unpack an archive of any kind.
        **options: those of today's.
    """
    found = data.get_file(fname, origin, untar=untar, extract=extract, **options)
    return os.path.join(found, fname) if os.path.isdir(found) and (untar or extract) else found
