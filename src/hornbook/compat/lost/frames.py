"""Dropped methods of pandas."""

import datetime
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

NOT_NUMBERS = ("string", "datetime64", "datetime", "date", "period")  # kinds of an index
APART = "\0"  # prefix of the other frame's column names during a join


def append(self: Any, other: Any, ignore_index: bool = False, **options: Any) -> Any:
    """`append` for frames and series."""
    import pandas as pd

    if isinstance(other, dict):
        other = pd.Series(other)
    if isinstance(other, pd.Series) and isinstance(self, pd.DataFrame):
        other = other.to_frame().T
    others = list(other) if isinstance(other, list | tuple) else [other]
    return pd.concat([self, *others], ignore_index=ignore_index)


def with_repeated_columns(original: Callable) -> Callable:
    """`join` with suffixes, whose result may have duplicate column names.

    Args:
        original: today's method.
    """

    @functools.wraps(original)
    def join(self, other, on=None, how="left", lsuffix="", rsuffix="", sort=False, **options):
        other = other.to_frame() if hasattr(other, "to_frame") else other  # a series
        if not hasattr(other, "columns") or not (lsuffix or rsuffix):
            return original(self, other, on, how, sort=sort, **options)
        theirs = {f"{APART}{number}": name for number, name in enumerate(other.columns)}
        other = other.set_axis([*theirs], axis=1)
        found = original(self, other, on, how, sort=sort, **options)
        own, names = {*self.columns}, {*theirs.values()}
        found.columns = [
            f"{theirs[one]}{rsuffix}" * (theirs[one] in own) or theirs[one]
            if one in theirs
            else f"{one}{lsuffix}" * (one in names) or one
            for one in found.columns
        ]
        return found

    return join


def with_names_taken(merge: Callable) -> Callable:
    """`merge` with suffixes that make names which a frame has already: both columns are kept.

    Args:
        merge: today's method or function.
    """

    @functools.wraps(merge)
    def call(self, right, *args, suffixes=("_x", "_y"), **options):
        ends = [end or "" for end in suffixes]
        both = {*self.columns} & {*getattr(right, "columns", ())}
        made = {f"{name}{end}" for name in both for end in ends}
        taken = {one: f"{APART}{one}" for one in made - both if one in self.columns}
        other = {
            one: f"{APART}{one}" for one in made - both if one in getattr(right, "columns", ())
        }
        if not taken and not other:
            return merge(self, right, *args, suffixes=suffixes, **options)
        left, right = self.rename(columns=taken), right.rename(columns=other)
        found = merge(left, right, *args, suffixes=suffixes, **options)
        before = {new: old for names in (taken, other) for old, new in names.items()}
        return found.rename(columns=before)

    return call


def with_keys(init: Callable) -> Callable:
    """A rolling window over groups whose results have the columns that the groups are made by.

    Args:
        init: today's constructor.
    """

    @functools.wraps(init)
    def call(self, obj, *args, **options):
        init(self, obj, *args, **options)
        self.obj = obj

    return call


def to_wider(setitem: Callable) -> Callable:
    """`frame.loc[rows, column] = value` of another kind than the column's: it gets objects.

    Args:
        setitem: today's method.
    """

    @functools.wraps(setitem)
    def call(self, key, value):
        try:
            setitem(self, key, value)
        except TypeError as error:
            columns = getattr(self.obj, "columns", ())
            known = isinstance(key, tuple) and isinstance(key[-1], str) and key[-1] in columns
            if "Invalid value" not in str(error) or not known:
                raise
            self.obj[key[-1]] = self.obj[key[-1]].astype(object)
            setitem(self, key, value)

    return call


def with_axis(drop: Callable) -> Callable:
    """`drop` with its axis by position: `frame.drop("a", 1)`.

    Args:
        drop: today's method.
    """

    @functools.wraps(drop)
    def call(self, labels=None, axis=0, *args, **options):
        if args:
            options["index"] = args[0]
        given = {} if "columns" in options or "index" in options else {"axis": axis}
        return drop(self, labels, **given, **options)

    return call


def by_place(method: Callable) -> Callable:
    """`series[0]`, read or set, where labels are not numbers: the element at that place.

    Args:
        method: today's `__getitem__` or `__setitem__`.
    """

    @functools.wraps(method)
    def call(self, key, *value):
        if isinstance(key, int | np.integer) and self.index.inferred_type in NOT_NUMBERS:
            key = self.index[key]
        return method(self, key, *value)

    return call


def of_one_list(getitem: Callable) -> Callable:
    """`index[[places]]`, which was `index[places]`.

    Args:
        getitem: today's method.
    """

    @functools.wraps(getitem)
    def call(self, key):
        nested = isinstance(key, list) and len(key) == 1 and isinstance(key[0], list | np.ndarray)
        return getitem(self, key[0] if nested else key)

    return call


def into_frames(original: Callable) -> Callable:
    """`np.split` of a frame or series into frames or series.

    Args:
        original: today's function, which gives arrays.
    """

    @functools.wraps(original)
    def split(ary, indices_or_sections, axis=0):
        if not hasattr(ary, "iloc") or axis != 0:
            return original(ary, indices_or_sections, axis)
        return [ary.iloc[rows] for rows in original(np.arange(len(ary)), indices_or_sections)]

    return split


def to_objects(astype: Callable) -> Callable:
    """`astype` with a class of Python that is no dtype, such as `datetime`: objects.

    Args:
        astype: today's method.
    """

    @functools.wraps(astype)
    def call(self, dtype, *args, **options):
        kinds = datetime.datetime, datetime.date, datetime.timedelta
        return astype(self, object if dtype in kinds else dtype, *args, **options)

    return call


@property  # type: ignore[misc]
def week(self: Any) -> Any:
    """`series.dt.week` and `index.week`: the week of the ISO calendar."""
    return self.isocalendar().week.astype("int64")


def as_matrix(self: Any, columns: Any = None) -> np.ndarray:
    """`as_matrix`."""
    return (self if columns is None else self[columns]).to_numpy()


def get_value(self: Any, index: Any, col: Any, takeable: bool = False) -> Any:
    """`get_value`."""
    return self.iat[index, col] if takeable else self.at[index, col]


def sort(
    self: Any, columns: Any = None, axis: int = 0, ascending: Any = True, **options: Any
) -> Any:
    """`sort` of a frame."""
    if columns is None:
        return self.sort_index(axis=axis, ascending=ascending, **options)
    return self.sort_values(columns, axis=axis, ascending=ascending, **options)


def order(self: Any, ascending: bool = True, **options: Any) -> Any:
    """`order` and `sort` for a series."""
    return self.sort_values(ascending=ascending, **options)


def nonzero(self: Any) -> tuple:
    """`nonzero` of a series."""
    return self.to_numpy().nonzero()


class Mixed:
    """`frame.ix[rows, columns]`: indexing by label if it exists, else by position.

    Args:
        frame: the frame.
    """

    def __init__(self, frame: Any):
        self.frame = frame

    def _places(self, key: Any) -> Any:
        keys = key if isinstance(key, tuple) else (key,)
        found = [_place(axis, one) for axis, one in zip(self.frame.axes, keys, strict=False)]
        if all(by_place for by_place, _ in found):
            return self.frame.iloc, tuple(one for _, one in found)
        labels = [
            axis[one] if by_place else one
            for axis, (by_place, one) in zip(self.frame.axes, found, strict=False)
        ]
        return self.frame.loc, tuple(labels)

    def __getitem__(self, key: Any) -> Any:
        index, places = self._places(key)
        return index[places if len(places) > 1 else places[0]]

    def __setitem__(self, key: Any, value: Any) -> None:
        index, places = self._places(key)
        index[places if len(places) > 1 else places[0]] = value


def _place(axis: Any, key: Any) -> tuple[bool, Any]:
    """Whether a key of `ix` is a position: integers on an axis without numeric labels."""
    parts = [key.start, key.stop] if isinstance(key, slice) else np.ravel(np.asarray(key)).tolist()
    if isinstance(key, slice) and key == slice(None):
        return True, key
    whole = all(
        isinstance(one, int) and not isinstance(one, bool) for one in parts if one is not None
    )
    return whole and axis.dtype.kind not in "iuf", key


ix = property(Mixed, doc="`ix` of frames and series.")
