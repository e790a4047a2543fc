"""`tf.summary` of TensorFlow 1: tensors of summaries, and the writer of event files."""

from typing import Any

import numpy as np

from hornbook.compat.tensorflow1.applying import Spec, apply, convert
from hornbook.compat.tensorflow1.graph import get_default_graph
from hornbook.compat.tensorflow1.variables import GraphKeys
from hornbook.training.summary import SummaryWriter


class Value:
    """`tf.Summary.Value`: one named value.

    Args:
        tag: its name.
        simple_value: a number.
        kind, data: a picture, histogram or text, as `SummaryWriter` takes it.
    """

    def __init__(
        self,
        tag: str = "",
        simple_value: Any = None,
        image: Any = None,
        histo: Any = None,
        kind="scalar",
        data=None,
    ):
        self.tag, self.simple_value = tag, simple_value
        self.kind, self.data = kind, data
        self.image, self.histo = image, histo


class _Values(list):
    def add(self, tag: str = "", simple_value: Any = None, **options: Any) -> Value:
        """Append a value, and return it."""
        self.append(Value(tag, simple_value, **options))
        return self[-1]


class Summary(bytes):
    """`tf.Summary`: named values.

    Args:
        value: a list of `tf.Summary.Value`.
    """

    Value = Value
    value: Any

    def __new__(cls, value: Any = ()) -> "Summary":
        made = super().__new__(cls, b"summary")
        made.value = _Values(value or ())
        return made

    @classmethod
    def FromString(cls, summary: Any) -> "Summary":
        """The summary that a session gave."""
        return summary

    def ParseFromString(self, summary: Any) -> None:
        """Take over the values of a summary that a session gave."""
        self.value = summary.value


class _Kind:
    def __init__(self, kind: str, tag: str, options: dict):
        self.kind, self.tag, self.options, self.__name__ = kind, tag, options, f"{kind}_summary"

    def __call__(self, values: Any) -> Summary:
        data = values
        if self.kind == "text":
            data = np.vectorize(lambda t: t.decode() if isinstance(t, bytes) else str(t))(values)
        return Summary([Value(self.tag, None, kind=self.kind, data=np.asarray(data))])


def _recorded(kind: str, name: str, tensor: Any, collections: Any, **options: Any) -> Any:
    graph = get_default_graph()
    tag = graph.unique_name(name.replace(" ", "_"), mark_as_used=False)
    made = apply(
        _Kind(kind, tag, options),
        (convert(tensor),),
        name=name.replace(" ", "_"),
        kind=f"{kind.title()}Summary",
        specs=Spec((), "string"),
        on_host=True,
    )
    graph.add_to_collections([GraphKeys.SUMMARIES] if collections is None else collections, made)
    return made


def scalar(name: str, tensor: Any, collections: Any = None, family: Any = None) -> Any:
    """`tf.summary.scalar`."""
    return _recorded("scalar", name, tensor, collections)


def histogram(name: str, values: Any, collections: Any = None, family: Any = None) -> Any:
    """`tf.summary.histogram`."""
    return _recorded("histogram", name, values, collections)


def image(
    name: str, tensor: Any, max_outputs: int = 3, collections: Any = None, family=None
) -> Any:
    """`tf.summary.image`."""
    return _recorded("image", name, tensor, collections)


def text(name: str, tensor: Any, collections: Any = None) -> Any:
    """`tf.summary.text`."""
    return _recorded("text", name, tensor, collections)


def merge(inputs: Any, collections: Any = None, name: Any = None) -> Any:
    """`tf.summary.merge`: one summary of several."""
    return apply(
        _merged,
        (list(inputs),),
        name=name,
        kind="MergeSummary",
        specs=Spec((), "string"),
        on_host=True,
    )


def _merged(parts: list) -> Summary:
    return Summary([one for part in parts for one in part.value])


def merge_all(key: Any = GraphKeys.SUMMARIES, scope: Any = None, name: Any = None) -> Any:
    """`tf.summary.merge_all`: one summary of all; `None` if there is none."""
    found = get_default_graph().get_collection(key, scope)
    return merge(found, name=name) if found else None


class FileWriter:
    """`tf.summary.FileWriter`: writes an event file.

    Args:
        logdir: the folder.
        graph, options: accepted and ignored.
    """

    def __init__(self, logdir: Any, graph: Any = None, *ignored: Any, **options: Any):
        self._logdir = str(logdir)
        self._file: Any = SummaryWriter(self._logdir)

    def _open(self) -> SummaryWriter:
        if self._file is None:
            self._file = SummaryWriter(self._logdir)
        return self._file

    def add_summary(self, summary: Any, global_step: Any = None) -> None:
        """Write a summary.

        Raises:
            TypeError: for what is no summary.
        """
        if not isinstance(summary, Summary):
            raise TypeError(
                f"add_summary takes what a session gave, or a tf.Summary, not {summary!r}"
            )
        step = 0 if global_step is None else int(global_step)
        for one in summary.value:
            data = one.simple_value if one.data is None else one.data
            getattr(self._open(), one.kind)(one.tag, np.asarray(data), step)

    def add_graph(self, graph: Any = None, *ignored: Any, **options: Any) -> None:
        """Nothing: graphs are not written."""

    def add_run_metadata(self, *ignored: Any, **options: Any) -> None:
        """Nothing: there is none."""

    def get_logdir(self) -> str:
        """The folder."""
        return self._logdir

    def flush(self) -> None:
        """Write what is waiting to disk."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    reopen = flush

    def __enter__(self) -> "FileWriter":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()
