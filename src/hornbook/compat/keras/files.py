"""`get_file` with the paths that Keras 1 and 2 returned for archives."""

import os
import shutil
from typing import Any

from hornbook import data


def get_file(
    fname: str, origin: str, untar: bool = False, extract: bool = False, **options: Any
) -> str:
    """Download a file; for an archive, return the path of `fname` in the unpacked folder.

    A file of `HORNBOOK_DATA` is copied into an absolute `cache_subdir`, where programs open it by
    its name. Archives were unpacked next to `fname`, and programs rely on that: they open
    `path + ".dat"`, or another file in the folder of `path`.

    Args:
        fname: the file name.
        origin: the URL.
        untar: unpack a tar archive.
        extract: unpack an archive of any kind.
        **options: further arguments of today's `get_file`.
    """
    found = data.get_file(fname, origin, untar=untar, extract=extract, **options)
    target = os.path.join(options.get("cache_subdir", ""), fname)
    if os.path.isabs(target) and os.path.isfile(found) and not os.path.exists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(found, target)
    return os.path.join(found, fname) if os.path.isdir(found) and (untar or extract) else found
