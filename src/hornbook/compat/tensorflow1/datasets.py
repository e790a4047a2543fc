"""`tf.data` in TensorFlow 1: functions of elements build graphs, and iterators give tensors."""

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from hornbook import data
from hornbook.compat.attributes import Table
from hornbook.compat.tensorflow import datasets as today
from hornbook.compat.tensorflow import pipelines
from hornbook.compat.tensorflow.dtypes import as_dtype
from hornbook.compat.tensorflow1.applying import Spec
from hornbook.compat.tensorflow1.graph import (
    Graph,
    Operation,
    get_default_graph,
    session_here,
)
from hornbook.compat.tensorflow1.host import OutOfRangeError, hosted
from hornbook.compat.tensorflow1.runner import FailedPrecondition
from hornbook.compat.tensorflow1.session import Session
from hornbook.compat.tensorflow1.sources import Placeholder
from hornbook.core import tree
from hornbook.core.symbolic import has_symbolic
from hornbook.data.passes import UNKNOWN_CARDINALITY, from_the_start

OUT_OF_RANGE = "End of sequence"
NOT_BEGUN = "the iterator of a data set has no data: run its initializer first"
ROWS = 3  # of zeros that stand for rows that are not known yet


def text_as_bytes(value: Any) -> Any:
    """An array; text is an array of objects that are bytes."""
    array = np.asarray(value)
    if array.dtype.kind not in "USO":
        return array
    encoded = np.frompyfunc(lambda one: one.encode() if isinstance(one, str) else one, 1, 1)
    return np.asarray(encoded(np.asarray(array, object)), object)


# ---- functions of elements


def graphed(function: Callable) -> Callable:
    """A function of elements from one of tensors: its graph is built once per form of elements."""
    seed, known = get_default_graph().seed, {}

    def call(*elements: Any) -> Any:
        leaves = [text_as_bytes(one) for one in tree.flatten(elements)]
        key = tuple((one.shape, one.dtype.str) for one in leaves)
        if key not in known:
            known[key] = _built(function, elements, leaves, seed)
        session, places, made = known[key]
        return session.run(made, dict(zip(places, leaves, strict=True))) if session else made

    call.__name__ = getattr(function, "__name__", "function")
    return call


def _built(function: Callable, elements: Any, leaves: list, seed: Any) -> tuple:
    graph = Graph()
    graph.seed = seed
    with graph.as_default():
        places = [
            Placeholder(one.shape, "string" if one.dtype == object else one.dtype) for one in leaves
        ]
        given = list(places)
        made = function(*tree.map_structure(lambda _: given.pop(0), elements))
    if not has_symbolic((made,)):
        return None, places, made
    return Session(graph=graph), places, made


def _mapped(own: Callable) -> Callable:
    def method(self: Any, function: Callable, *args: Any, **options: Any) -> Any:
        return own(self, graphed(function), *args, **options)

    method.__name__, method.__doc__ = own.__name__, own.__doc__
    return pipelines.named(method)


# ---- where elements come from


class _Fed(data.Dataset):
    """A data set of tensors, whose values an iterator's initializer computes."""

    def __init__(self, tensors: Any, begin: Callable[[Any], data.Dataset]):
        self.tensors, self._begin = tensors, begin
        self.values: Any = None
        super().__init__(from_the_start(self._elements), UNKNOWN_CARDINALITY, (), None)

    def _elements(self, key: tuple) -> Any:
        if self.values is None:
            raise FailedPrecondition(NOT_BEGUN)
        return self._begin(self.values)._read(0, key)

    def pretend(self) -> None:
        """Take zeros for values, so that the form of elements can be found."""
        self.values = tree.map_structure(_zeros, self.tensors)


def _zeros(tensor: Any) -> Any:
    shape = [ROWS if size is None else size for size in tensor.shape]
    if str(tensor.dtype) == "string":
        return np.full(shape, b"", object)
    return np.zeros(shape, as_dtype(tensor.dtype).as_numpy_dtype)


class Dataset(today.Dataset):
    """`tf.data.Dataset`, whose sources may be tensors."""

    @staticmethod
    def from_tensor_slices(tensors: Any, name: Any = None) -> data.Dataset:
        """The rows of arrays or tensors, as elements."""
        if has_symbolic((tensors,)):
            return _Fed(tensors, today.Dataset.from_tensor_slices)
        return today.Dataset.from_tensor_slices(tensors)

    @staticmethod
    def from_tensors(tensors: Any, name: Any = None) -> data.Dataset:
        """One element, of arrays or tensors."""
        if has_symbolic((tensors,)):
            return _Fed(tensors, today.Dataset.from_tensors)
        return today.Dataset.from_tensors(tensors)


def _fed_of(dataset: Any) -> list[_Fed]:
    below = [one for source in dataset._sources for one in _fed_of(source)]
    return [dataset, *below] if isinstance(dataset, _Fed) else below


# ---- iterators


class Iterator:
    """An iterator of a data set, with a place of its own in each session.

    Args:
        dataset: the data set; `None` until `make_initializer`.
        starts: whether it begins by itself.
        specs: the form of elements without a data set.
    """

    def __init__(self, dataset: Any, starts: bool = False, specs: Any = None):
        self.dataset, self.specs = dataset, specs if dataset is None else _specs(dataset)
        self._starts = starts
        self._passes: Any = weakref.WeakKeyDictionary()  # of sessions

    @staticmethod
    def from_structure(
        output_types: Any, output_shapes: Any = None, *ignored: Any, **options: Any
    ) -> "Iterator":
        """An iterator of data sets of one form, begun by `make_initializer`."""
        if output_shapes is None:
            return Iterator(None, specs=tree.map_structure(lambda t: Spec(None, t), output_types))
        kinds = tree.flatten(output_types)
        shapes = _shapes(output_shapes, output_types)
        made = [Spec(shape, kind) for shape, kind in zip(shapes, kinds, strict=True)]
        return Iterator(None, specs=tree.map_structure(lambda _: made.pop(0), output_types))

    output_types = property(lambda self: tree.map_structure(lambda s: s.dtype, self.specs))
    output_shapes = property(lambda self: tree.map_structure(lambda s: s.shape, self.specs))

    @property
    def initializer(self) -> Operation:
        """An operation that begins again."""
        return self.make_initializer(self.dataset)

    def make_initializer(self, dataset: Any, name: Any = None) -> Operation:
        """An operation that begins with a data set."""
        fed = _fed_of(dataset)

        def begin(values: list) -> np.ndarray:
            for one, value in zip(fed, values, strict=True):
                one.values = value
            self._passes[session_here()] = iter(dataset)
            return np.zeros((), bool)

        given = ([one.tensors for one in fed],)
        return hosted(begin, given, Spec((), "bool"), "MakeIterator", name).op

    def get_next(self, name: Any = None) -> Any:
        """The next element, as tensors.

        Raises:
            OutOfRangeError: in a run, if there is none.
        """

        def following() -> list:
            session = session_here()
            if session not in self._passes:
                if not self._starts:
                    raise FailedPrecondition(NOT_BEGUN)
                self._passes[session] = iter(self.dataset)
            try:
                return [text_as_bytes(one) for one in tree.flatten(next(self._passes[session]))]
            except StopIteration:
                raise OutOfRangeError(OUT_OF_RANGE) from None

        made = list(hosted(following, (), tree.flatten(self.specs), "IteratorGetNext", name))
        return tree.map_structure(lambda _: made.pop(0), self.specs)


def _shapes(shapes: Any, types: Any) -> list:
    """The shapes of leaves: lists of sizes are leaves where `types` has a dtype."""
    if isinstance(types, dict):
        return [one for key in types for one in _shapes(shapes[key], types[key])]
    if isinstance(types, list | tuple):
        pairs = zip(shapes, types, strict=True)
        return [one for shape, kind in pairs for one in _shapes(shape, kind)]
    return [shapes]


def _specs(dataset: Any) -> Any:
    for one in _fed_of(dataset):
        one.pretend()
    found = dataset.element_spec
    for one in _fed_of(dataset):
        one.values = None
    return tree.map_structure(lambda one: Spec(one.shape, str(one.dtype)), found)


def make_one_shot_iterator(dataset: Any) -> Iterator:
    """`dataset.make_one_shot_iterator()`: an iterator that begins by itself."""
    return Iterator(dataset, starts=True)


def make_initializable_iterator(dataset: Any, shared_name: Any = None) -> Iterator:
    """`dataset.make_initializable_iterator()`: an iterator that an operation begins."""
    return Iterator(dataset)


# ---- while TensorFlow 1 is installed


def attributes() -> Table:
    """The methods of data sets during a run."""
    methods = today.attributes()[data.Dataset]
    return {
        data.Dataset: methods
        | {
            "make_one_shot_iterator": make_one_shot_iterator,
            "make_initializable_iterator": make_initializable_iterator,
            "output_types": property(lambda self: _each(self, "dtype")),
            "output_shapes": property(lambda self: _each(self, "shape")),
        }
    }


def _each(dataset: Any, name: str) -> Any:
    return tree.map_structure(lambda one: getattr(one, name), _specs(dataset))


def replaced() -> Table:
    """The methods that are replaced during a run."""
    own = vars(data.Dataset)
    methods = today.replaced()[data.Dataset]
    return {data.Dataset: methods | {name: _mapped(own[name]) for name in ("map", "filter")}}


__all__ = ["Dataset", "Iterator", "make_initializable_iterator", "make_one_shot_iterator"]
