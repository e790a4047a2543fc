"""Data sets of the rows of CSV files: `CsvDataset` and `make_csv_dataset`."""

import csv
import glob
import gzip
import itertools
import os
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hornbook import data
from hornbook.compat.tensorflow.debugging import InvalidArgumentError
from hornbook.compat.tensorflow.dtypes import DType, as_dtype

KINDS = ("int32", "int64", "float32", "float64", "string")  # of a column, tried in turn
LINE = 1 << 24  # bytes of a line that are read at most


def paths_of(files: Any) -> list[str]:
    """Paths from one path, several, a tensor or a data set of them."""
    if isinstance(files, str | bytes | os.PathLike):
        return [os.fsdecode(files)]
    if isinstance(files, data.Dataset):
        return [one for element in files._read(0, (0,)) for one in paths_of(element)]
    listed = np.ravel(np.asarray(files, object)).tolist()
    return [os.fsdecode(one) for one in listed]


def lines_of(path: str, compression: Any = None) -> Iterator[str]:
    """The lines of a text file, without their ends.

    Args:
        path: the file.
        compression: `None` or `""`, `"GZIP"` or `"ZLIB"`.

    Raises:
        ValueError: for another compression.
    """
    kind = (compression or "").upper()
    if kind == "ZLIB":
        with open(path, "rb") as file:
            whole = zlib.decompressobj().decompress(file.read(), LINE)
        yield from whole.decode("utf-8").splitlines()
        return
    if kind not in ("", "GZIP"):
        raise ValueError(f"compression_type must be '', 'GZIP' or 'ZLIB', not {compression!r}")
    opened: Any = gzip.open if kind else open
    with opened(path, "rt", encoding="utf-8", newline="\n") as file:
        while line := file.readline(LINE):
            yield line.rstrip("\n").removesuffix("\r")


def _rows(path: str, compression: Any, delimiter: str, quoted: bool) -> Iterator[list[str]]:
    how: Any = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    lines = lines_of(path, compression)
    return (row for row in csv.reader(lines, delimiter=delimiter, quoting=how) if row)


def _reader(default: Any, number: int) -> Callable[[str], Any]:
    """The function of a field's text for the default, or the dtype, of its column."""
    named = isinstance(default, DType | type) or hasattr(default, "as_numpy_dtype")
    values = np.zeros(0) if named else np.ravel(np.asarray(default))
    if named:
        kind = as_dtype(default).name
    elif hasattr(default, "dtype"):
        kind = as_dtype(default.dtype).name
    else:
        kind = {"f": "float32", "i": "int32"}.get(values.dtype.kind, "string")
    if kind in ("str", "object"):
        kind = "string"
    convert: Callable = str if kind == "string" else np.dtype(kind).type

    def read(text: str) -> Any:
        if text:
            try:
                return convert(text)
            except (ValueError, OverflowError):
                told = f"Field {number} in record is not a valid {kind}: {text}"
                raise InvalidArgumentError(None, None, told) from None
        if not values.size:
            told = f"Field {number} is required but missing in record!"
            raise InvalidArgumentError(None, None, told)
        return convert(values[0])

    return read


def CsvDataset(
    filenames: Any,
    record_defaults: Any,
    compression_type: Any = None,
    buffer_size: Any = None,
    header: bool = False,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    select_cols: Any = None,
    exclude_cols: Any = None,
) -> data.Dataset:
    """The rows of CSV files, as tuples of scalars.

    Args:
        filenames: a path, or several.
        record_defaults: for each column a default value, or a dtype if it has none.
        compression_type: `None`, `"GZIP"` or `"ZLIB"`.
        buffer_size: ignored.
        header: whether the first line of a file has names.
        field_delim: separator of fields.
        use_quote_delim: whether fields may be in double quotes.
        na_value: text that means an empty field.
        select_cols: the numbers of the columns to read; default all.
        exclude_cols: or the numbers of those to leave out.

    Raises:
        ValueError: for both selections.
        InvalidArgumentError: for a row that has another number of fields, or a bad one.
    """
    if select_cols is not None and exclude_cols is not None:
        raise ValueError("CsvDataset: pass select_cols or exclude_cols, not both")
    readers = [_reader(one, number) for number, one in enumerate(record_defaults)]
    paths = paths_of(filenames)

    def rows() -> Iterator[list[str]]:
        for path in paths:
            found = _rows(path, compression_type, field_delim, use_quote_delim)
            yield from itertools.islice(found, int(bool(header)), None)

    def parsed(row: list[str]) -> tuple:
        if select_cols is not None:
            row = [row[int(k)] for k in select_cols if k < len(row)]
        elif exclude_cols is not None:
            row = [one for k, one in enumerate(row) if k not in exclude_cols]
        if len(row) != len(readers):
            told = f"Expect {len(readers)} fields but have {len(row)} in record"
            raise InvalidArgumentError(None, None, told)
        pairs = zip(readers, row, strict=True)
        return tuple(read("" if text == na_value else text) for read, text in pairs)

    # `map` goes on after an error, for `ignore_errors`.
    return data.Dataset(lambda start, key: map(parsed, itertools.islice(rows(), start, None)))


def make_csv_dataset(
    file_pattern: Any,
    batch_size: int,
    column_names: Any = None,
    column_defaults: Any = None,
    label_name: Any = None,
    select_columns: Any = None,
    field_delim: str = ",",
    use_quote_delim: bool = True,
    na_value: str = "",
    header: bool = True,
    num_epochs: int | None = None,
    shuffle: bool = True,
    shuffle_buffer_size: int = 10000,
    shuffle_seed: int | None = None,
    prefetch_buffer_size: Any = None,
    num_parallel_reads: Any = None,
    sloppy: bool = False,
    num_rows_for_inference: int | None = 100,
    compression_type: Any = None,
    ignore_errors: bool = False,
    encoding: str = "utf-8",
) -> data.Dataset:
    """Batches of the rows of CSV files, as dictionaries of columns.

    Args:
        file_pattern: a pattern of `glob`, or several.
        batch_size: rows in a batch.
        column_names: names of the columns; default those of the first line.
        column_defaults: a default value or a dtype for each column that is read; default inferred.
        label_name: the column that is the label: elements are pairs then.
        select_columns: names or numbers of the columns to read; default all.
        field_delim, use_quote_delim, na_value, header, compression_type: see `CsvDataset`.
        num_epochs: how often the files are read; default endlessly.
        shuffle, shuffle_buffer_size, shuffle_seed: of the rows.
        prefetch_buffer_size, num_parallel_reads, sloppy, encoding: ignored.
        num_rows_for_inference: rows from which dtypes are inferred; `None` for all.
        ignore_errors: whether to leave out rows that are wrong.

    Raises:
        ValueError: if no file matches, or for an unknown column.
    """
    patterns = paths_of(file_pattern)
    paths = sorted({path for one in patterns for path in glob.glob(one)})
    if not paths:
        raise ValueError(f"make_csv_dataset: no file matches {file_pattern!r}")
    form = compression_type, field_delim, use_quote_delim
    if column_names is None:
        if not header:
            raise ValueError("make_csv_dataset: pass column_names, since header=False")
        column_names = next(_rows(paths[0], *form))
    names = [str(one) for one in column_names]
    if len({*names}) < len(names):
        raise ValueError("make_csv_dataset: column_names must be unique")
    asked = names if select_columns is None else select_columns
    unknown = [one for one in asked if isinstance(one, str) and one not in names]
    if unknown:
        raise ValueError(f"make_csv_dataset: no columns {unknown}; there are {names}")
    chosen = sorted(names.index(one) if isinstance(one, str) else int(one) for one in asked)
    kept = [names[k] for k in chosen]
    if label_name is not None and label_name not in kept:
        raise ValueError(f"make_csv_dataset: label_name must be one of {kept}, not {label_name!r}")
    if column_defaults is None:
        skipped = (itertools.islice(_rows(path, *form), int(bool(header)), None) for path in paths)
        sample = itertools.islice(itertools.chain(*skipped), num_rows_for_inference)
        column_defaults = _inferred(list(sample), chosen, na_value)
    rows = CsvDataset(
        paths,
        column_defaults,
        compression_type,
        None,
        header,
        field_delim,
        use_quote_delim,
        na_value,
        chosen,
    )
    if ignore_errors:
        rows = rows.ignore_errors()  # type: ignore[attr-defined]
    if shuffle:
        rows = rows.shuffle(shuffle_buffer_size, shuffle_seed)
    batches = rows.repeat(num_epochs).batch(batch_size, drop_remainder=num_epochs is None)

    def features(*columns: Any) -> Any:
        found = dict(zip(kept, columns, strict=True))
        return found if label_name is None else (found, found.pop(label_name))

    made = batches.map(features)
    made._batch_size = batches._batch_size
    return made.prefetch(data.AUTOTUNE)


def _inferred(rows: list[list[str]], chosen: list[int], na_value: str) -> list:
    """The default of each column, of the first dtype that holds all its values."""
    found = []
    for k in chosen:
        texts = [row[k] for row in rows if k < len(row) and row[k] not in ("", na_value)]
        kind = next(kind for kind in KINDS if all(_fits(text, kind) for text in texts))
        kind = kind if texts else "string"
        found.append(np.array([""], object) if kind == "string" else np.zeros(1, kind))
    return found


def _fits(text: str, kind: str) -> bool:
    if kind == "string":
        return True
    try:
        value = int(text) if kind.startswith("int") else float(text)
    except ValueError:
        return False
    limits: Any = np.iinfo(kind) if kind.startswith("int") else np.finfo(kind)
    return bool(limits.min <= value <= limits.max or not np.isfinite(value))
