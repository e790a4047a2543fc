"""What `help`, tracebacks and debuggers show of an op."""

import inspect
import linecache
import pydoc
import traceback
import types
from functools import cache

import pytest

import hornbook
from hornbook import ops


@cache
def public():
    doors = {"ops": ops, **{n: vars(ops)[n] for n in ("image", "linalg", "nn", "numpy")}}
    return {
        f"{door}.{name}": vars(module)[name]
        for door, module in doors.items()
        for name in module.__all__
        if not isinstance(vars(module)[name], types.ModuleType | type)
    }


def test_help_shows_the_arguments():
    for name, op in public().items():
        shown = pydoc.plain(pydoc.render_doc(op))
        heading = next(line for line in shown.splitlines() if line.startswith(op.__name__))
        first = next(iter(inspect.signature(op).parameters.values()), None)
        star = "*" if first and first.kind is first.VAR_POSITIONAL else ""
        assert heading.startswith(f"{op.__name__}({star}{first.name if first else ''}"), name


# Made by a function of several lines, which stands above them.
OF_SEVERAL_LINES = set(
    "split array_split hsplit vsplit dsplit geomspace quantile percentile nanquantile "
    "nanpercentile segment_sum segment_prod segment_max segment_min".split()
)


def test_the_source_of_an_op_is_where_it_is_written():
    for name, op in public().items():
        code = inspect.unwrap(op).__code__
        assert "/hornbook/ops/" in code.co_filename.replace("\\", "/"), name
        line = code.co_firstlineno - 1
        head = "".join(linecache.getlines(code.co_filename)[max(line - 1, 0) : line + 4])
        by_name = f"{op.__name__} = " in head or f"def {op.__name__}(" in head
        assert by_name or op.__name__ in OF_SEVERAL_LINES, name


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: ops.tanh("no number"), "tanh = "),
        (lambda: ops.add("no number", 1), "add = "),
        (lambda: ops.cumsum("no number"), "cumsum = "),
        (lambda: ops.matmul("no number", 1), "rows.array"),
    ],
)
def test_a_traceback_names_the_row(call, line):
    hornbook.config.enable_traceback_filtering()
    with pytest.raises(TypeError) as caught:
        call()
    hornbook.config.disable_traceback_filtering()
    assert any(line in (f.line or "") for f in traceback.extract_tb(caught.value.__traceback__))
