"""The data sets' files, with addresses and checksums."""

import warnings
from dataclasses import dataclass
from pathlib import Path

from hornbook.data.files import get_file, local_file

KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
TORONTO = "https://www.cs.toronto.edu/~kriz/"
DATASETS = "datasets"
FASHION = "datasets/fashion-mnist"


@dataclass(frozen=True)
class File:
    """A file of a data set.

    Attributes:
        origin: its URL.
        checksum: sha256 or md5 in hexadecimal; `None` if none was published.
        subfolder: its folder in the cache.
        inside: for an archive, the folder inside it.
        fname: for an archive, the folder in the cache to unpack to.
        stand_ins: smaller files used instead, if `HORNBOOK_DATA` has them.
    """

    origin: str
    checksum: str | None = None
    subfolder: str = DATASETS
    inside: str | None = None
    fname: str | None = None
    stand_ins: tuple[str, ...] = ()


FILES = {
    "mnist.npz": File(
        KERAS + "mnist.npz",
        "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
        stand_ins=("mnist_10k.npz",),
    ),
    "train-images-idx3-ubyte.gz": File(KERAS + "train-images-idx3-ubyte.gz", subfolder=FASHION),
    "train-labels-idx1-ubyte.gz": File(KERAS + "train-labels-idx1-ubyte.gz", subfolder=FASHION),
    "t10k-images-idx3-ubyte.gz": File(KERAS + "t10k-images-idx3-ubyte.gz", subfolder=FASHION),
    "t10k-labels-idx1-ubyte.gz": File(KERAS + "t10k-labels-idx1-ubyte.gz", subfolder=FASHION),
    "cifar10": File(
        TORONTO + "cifar-10-python.tar.gz",
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        inside="cifar-10-batches-py",
        fname="cifar-10-batches-py-target",
    ),
    "cifar100": File(
        TORONTO + "cifar-100-python.tar.gz",
        "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
        inside="cifar-100-python",
        fname="cifar-100-python-target",
    ),
    "imdb.npz": File(
        KERAS + "imdb.npz",
        "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
        stand_ins=("imdb_5k.npz",),
    ),
    "imdb_word_index.json": File(
        KERAS + "imdb_word_index.json", "bfafd718b763782e994055a2d397834f"
    ),
    "reuters.npz": File(
        KERAS + "reuters.npz",
        "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916",
    ),
    "reuters_word_index.json": File(
        KERAS + "reuters_word_index.json", "4d44cc38712099c9e383dc6e5f11a921"
    ),
    "boston_housing.npz": File(
        KERAS + "boston_housing.npz",
        "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5",
    ),
    "california_housing.npz": File(
        KERAS + "california_housing.npz",
        "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f",
    ),
}


def found(name: str, path: str | None = None) -> Path:
    """The local path of a file in the table, downloaded if necessary.

    Args:
        name: its name in the table.
        path: its name in the cache; default the same.

    Returns:
        The path of the file, or of the folder in the archive.
    """
    row = FILES[name]
    if row.inside is not None:
        folder = local_file(row.inside, subfolder=row.subfolder)
        if folder is not None and folder.is_dir():
            return folder
        unpacked = get_file(
            row.fname,
            row.origin,
            file_hash=row.checksum,
            cache_subdir=row.subfolder,
            extract=True,
        )
        return Path(unpacked, row.inside)
    path = path or name
    if local_file(path, name, row.origin, subfolder=row.subfolder) is None:
        for stand_in in row.stand_ins:
            smaller = local_file(stand_in, subfolder=row.subfolder)
            if smaller is not None:
                warnings.warn(
                    f"{smaller}, which is smaller, is used instead of {name}", stacklevel=3
                )
                return smaller
    return Path(get_file(path, row.origin, file_hash=row.checksum, cache_subdir=row.subfolder))
