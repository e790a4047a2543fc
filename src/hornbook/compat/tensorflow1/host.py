"""Functions that run between compiled programs: `tf.py_func`, text, and iterators of data sets."""

from collections.abc import Callable
from typing import Any

import numpy as np

from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow1.applying import Spec, apply, convert
from hornbook.compat.tensorflow1.graph import Operation
from hornbook.core import tree

OUT_OF_RANGE = "End of sequence"


class OutOfRangeError(Exception):
    """`tf.errors.OutOfRangeError`: a data set has no further element."""


def py_func(func: Callable, inp: Any, Tout: Any, stateful: bool = True, name: Any = None) -> Any:
    """`tf.py_func`: the results of a Python function of numpy arrays. It has no gradient."""
    several = isinstance(Tout, list | tuple)
    kinds = [as_dtype(one) for one in (Tout if several else [Tout])]

    def call(values: list) -> Any:
        made = func(*(np.asarray(one) for one in values))
        listed = list(made) if isinstance(made, list | tuple) else [made]
        if not several and not isinstance(made, list | tuple):
            listed = [made]
        return [
            np.asarray(one, object if kind == "string" else kind.as_numpy_dtype)
            for one, kind in zip(listed, kinds, strict=True)
        ]

    specs = [Spec(None, kind) for kind in kinds]
    made = apply(
        call,
        ([convert(one) for one in inp],),
        name=name or "PyFunc",
        kind="PyFunc",
        specs=specs,
        on_host=True,
    )
    return list(made) if several else made[0]


class Iterator:
    """An iterator of a data set; `get_next` gives tensors.

    Args:
        dataset: the data set; `None` until `make_initializer`.
        starts: whether it begins by itself.
        like: a data set or types whose elements are alike.
    """

    def __init__(self, dataset: Any, starts: bool, specs: Any = None):
        self.dataset, self.specs = dataset, specs if dataset is None else _specs(dataset)
        self._pass: Any = None
        if starts:
            self._pass = iter(dataset)

    @property
    def initializer(self) -> Any:
        """An operation that begins again."""
        return self.make_initializer(self.dataset)

    def make_initializer(self, dataset: Any, name: Any = None) -> Any:
        """An operation that begins with a data set."""

        def begin() -> np.ndarray:
            self._pass = iter(dataset() if callable(dataset) else dataset)
            return np.zeros((), bool)

        made = apply(
            begin,
            (),
            name=name or "MakeIterator",
            kind="MakeIterator",
            specs=Spec((), "bool"),
            on_host=True,
        )
        return made.op

    def get_next(self, name: Any = None) -> Any:
        """The next element, as tensors."""
        leaves, form = tree.flatten(self.specs), self.specs

        def following() -> list:
            if self._pass is None:
                raise RuntimeError("The iterator has no data: run its initializer first.")
            try:
                return [np.asarray(one) for one in tree.flatten(next(self._pass))]
            except StopIteration:
                raise OutOfRangeError(OUT_OF_RANGE) from None

        made = list(
            apply(
                following,
                (),
                name=name or "IteratorGetNext",
                kind="IteratorGetNext",
                specs=leaves,
                on_host=True,
            )
        )
        return tree.map_structure(lambda _: made.pop(0), form)


def _specs(dataset: Any) -> Any:
    return tree.map_structure(lambda one: Spec(one.shape, str(one.dtype)), dataset.element_spec)


def make_one_shot_iterator(dataset: Any) -> Iterator:
    """`dataset.make_one_shot_iterator()`."""
    return Iterator(dataset, starts=True)


def make_initializable_iterator(dataset: Any, shared_name: Any = None) -> Iterator:
    """`dataset.make_initializable_iterator()`."""
    return Iterator(dataset, starts=False)


def operation(value: Any) -> Any:
    """The operation of a tensor."""
    return value if isinstance(value, Operation) else value.op
