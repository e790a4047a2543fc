"""`theano.printing`: print graphs as text, and values at run time."""

import io
import sys
import warnings
from typing import Any

import jax
import numpy as np

from hornbook.compat.theano.variable import TensorVariable, apply, as_tensor_variable

# Infix operators and their precedence.
INFIX = {
    "add": ("+", 1),
    "sub": ("-", 1),
    "mul": ("*", 2),
    "true_div": ("/", 2),
    "int_div": ("//", 2),
    "mod": ("%", 2),
    "pow": ("**", 3),
    "dot": (r"\dot", 2),
    "lt": ("<", 0),
    "le": ("<=", 0),
    "gt": (">", 0),
    "ge": (">=", 0),
    "eq": ("==", 0),
    "neq": ("!=", 0),
}


def _outputs(obj: Any) -> list:
    """The variables to print, from a variable, a list of them or a function."""
    if isinstance(obj, list | tuple):
        return [one for part in obj for one in _outputs(part)]
    found = obj if isinstance(obj, TensorVariable) else getattr(obj, "outputs", None)
    if found is None:
        raise TypeError(f"debugprint takes variables and functions, not {obj!r}")
    return [found] if isinstance(found, TensorVariable) else list(found)


def _label(number: int) -> str:
    """A, B, ..., Z, BA, BB, ..."""
    letters = ""
    while True:
        number, rest = divmod(number, 26)
        letters = chr(ord("A") + rest) + letters
        if not number:
            return letters


def debugprint(
    obj: Any,
    depth: int = -1,
    print_type: bool = False,
    file: Any = None,
    ids: str = "CHAR",
    stop_on_name: bool = False,
    done: Any = None,
    print_storage: bool = False,
    print_clients: bool = False,
    used_ids: Any = None,
) -> Any:
    """Print a graph as a tree: one line per variable, arguments below their call.

    Args:
        obj: a variable, a function, or a list of them.
        depth: number of levels; -1 for all.
        print_type: whether to show types.
        file: where to print; `"str"` returns the text instead.
        ids: `"CHAR"` and `"int"` label variables with letters or numbers; `""` with none.
        stop_on_name: whether to stop at variables with a name.
        done, print_storage, print_clients, used_ids: accepted and ignored.

    Returns:
        The text if `file` is `"str"`, else the file.
    """
    target = io.StringIO() if file == "str" else file or sys.stdout
    names: dict[Any, str] = {}

    def told(variable: Any) -> str:
        names.setdefault(variable, _label(len(names)) if ids == "CHAR" else str(len(names)))
        shown = f" [id {names[variable]}]" if ids else ""
        kind = f" <{variable.type}>" if print_type else ""
        owner = variable.owner
        if owner is None:
            return f"{_name(variable)}{kind}{shown}"
        several = f".{variable.index}" if len(owner.output_list) > 1 else ""
        return f"{owner.name}{several}{kind}{shown} {variable.name or ''!r}"

    def show(variable: Any, level: int, before: str, inner: str) -> None:
        seen = variable in names
        print(before + told(variable), file=target)
        owner = variable.owner
        if owner is None or (level + 1 >= depth > 0) or (stop_on_name and variable.name):
            return
        if seen and owner.inputs:
            print(f"{inner} |...", file=target)
            return
        for number, one in enumerate(owner.inputs):
            last = number + 1 == len(owner.inputs)
            show(one, level + 1, f"{inner} |", f"{inner} {' ' if last else '|'}")

    for one in _outputs(obj):
        show(one, 0, "", "")
    return target.getvalue() if isinstance(target, io.StringIO) and file == "str" else target


def _name(variable: Any) -> str:
    data = getattr(variable, "data", None)
    if data is None:
        return str(variable)
    return (
        variable.name
        or f"TensorConstant{{{data if np.size(data) == 1 else 'of ' + str(data.shape)}}}"
    )


def pprint(obj: Any) -> str:
    """A graph as a formula.

    Args:
        obj: a variable, or a function of one.

    Example:
        >>> from hornbook.compat.theano.types import TensorType
        >>> x = TensorType("float32", ())("x")
        >>> pprint((x + 1) * x)
        '((x + TensorConstant{1}) * x)'
    """
    made = [_formula(one, {}) for one in _outputs(obj)]
    return made[0] if len(made) == 1 else f"[{', '.join(made)}]"


pp = pprint


def _formula(variable: Any, known: dict) -> str:
    owner = variable.owner
    if owner is None or variable.name:
        return _name(variable)
    if variable not in known:
        given = [_formula(one, known) for one in owner.inputs]
        sign, _ = INFIX.get(owner.name, (None, 0))
        if owner.name == "dimshuffle":
            known[variable] = given[0]
        elif owner.name == "neg":
            known[variable] = f"(-{given[0]})"
        elif sign and len(given) == 2:
            known[variable] = f"({given[0]} {sign} {given[1]})"
        else:
            known[variable] = f"{owner.name}({', '.join(given)})"
    return known[variable]


class Print:
    """An op that returns its argument and prints it at run time.

    Args:
        message: printed before the value.
        attrs: the attributes of the value to print.
        global_fn: called instead of printing, with this object and the value.

    Example:
        >>> Print("x")(3.0).owner.name
        'Print'
    """

    def __init__(self, message: str = "", attrs: Any = ("__str__",), global_fn: Any = None):
        self.message, self.attrs = message, attrs
        self.global_fn = global_fn or _print

    def __call__(self, x: Any) -> Any:
        x = as_tensor_variable(x)
        return apply(self._printed, x, infer=lambda x: x.type, name="Print")

    def _printed(self, x: Any) -> Any:
        jax.debug.callback(lambda value: self.global_fn(self, np.asarray(value)), x)
        return x


def _print(op: Print, value: np.ndarray) -> None:
    for attribute in op.attrs:
        found = getattr(value, attribute)
        print(op.message, attribute, "=", found() if callable(found) else found, flush=True)


def pydotprint(
    fct: Any, outfile: Any = None, compact: bool = True, format: str = "png", **ignored: Any
) -> None:
    """Write a graph in Graphviz's dot language, to `outfile`.dot.

    Args:
        fct: a variable or a function.
        outfile: the file; default: `theano.pydotprint.dot`.
        compact, format: accepted and ignored.
        ignored: colours and labels.
    """
    place = f"{str(outfile or 'theano.pydotprint').removesuffix('.' + format)}.dot"
    names: dict[Any, str] = {}
    lines = ["digraph {"]
    stack = list(_outputs(fct))
    while stack:
        variable = stack.pop()
        if variable in names:
            continue
        names[variable] = f"n{len(names)}"
        owner = variable.owner
        text = (owner.name if owner else _name(variable)).replace('"', "'")
        lines.append(f'  {names[variable]} [label="{text}", shape={"box" if owner else "ellipse"}]')
        stack += owner.inputs if owner else []
    for variable, name in names.items():
        for one in variable.owner.inputs if variable.owner else []:
            lines.append(f"  {names[one]} -> {name}")
    with open(place, "w", encoding="utf-8") as file:
        file.write("\n".join([*lines, "}"]) + "\n")
    warnings.warn(f"pydotprint: the graph is in {place}; `dot -Tpng` draws it", stacklevel=2)


def min_informative_str(obj: Any, *ignored: Any) -> str:
    """A graph as short text."""
    return debugprint(obj, file="str", ids="")
