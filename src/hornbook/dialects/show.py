"""The tables as Markdown, for the docs."""

from types import ModuleType

from hornbook.dialects.row import Argument, Row


def table(dialect: ModuleType) -> str:
    """The rows of a generation as a Markdown table, and the unchanged names.

    Args:
        dialect: a module of `dialects/`.

    Example:
        >>> from hornbook.dialects import keras1
        >>> [line for line in table(keras1).splitlines() if line.startswith("| `layers.Dropout`")]
        ['| `layers.Dropout` | `layers.Dropout` | `p` -> `rate` |']
    """
    rows = {
        f"{family}.{name}": row
        for family, rows in dialect.FAMILIES.items()
        for name, row in rows.items()
    }
    rows |= dialect.METHODS
    lines = ["| then | now | arguments |", "|---|---|---|"]
    lines += [_line(name, row) for name, row in rows.items() if not _is_same(name, row)]
    same = [f"`{name}`" for name, row in rows.items() if _is_same(name, row)]
    return "\n".join([*lines, "", f"As today: {', '.join(same)}."])


def names(dialect: ModuleType) -> str:
    """The names of a library other than Keras, by import path, as Markdown.

    Args:
        dialect: a module of `dialects/`.

    Example:
        >>> from hornbook.dialects import theano
        >>> [line for line in names(theano).splitlines() if "to_one_hot" in line][0][:36]
        '| `theano.tensor`, `theano.tensor.ba'
    """
    lines = ["| import from | names |", "|---|---|"]
    for family, rows in dialect.FAMILIES.items():
        paths = [path for path, families in dialect.MODULES.items() if family in families.split()]
        told = ", ".join(f"`{name}{_arguments(row)}`" for name, row in rows.items())
        lines.append(f"| {', '.join(f'`{path}`' for path in paths)} | {told} |")
    return "\n".join(lines)


def _arguments(row: Row) -> str:
    old = [name for argument in row.arguments for name in argument.old]
    return f"({', '.join(old)})" if old else ""


def _is_same(name: str, row: Row) -> bool:
    kept = all(one.old == (one.new,) for one in row.arguments)
    return name == row.new and kept and not row.defaults and not row.note


def _line(name: str, row: Row) -> str:
    told = [_change(one) for one in row.arguments if one.old != (one.new,)]
    told += [f"`{key}` was {_shown(value)}" for key, value in row.defaults.items()]
    told += [row.note] if row.note else []
    return f"| `{name}` | `{row.new}` | {', '.join(told)} |"


def _change(one: Argument) -> str:
    old = ", ".join(one.old)
    return f"`{old}` -> `{one.new}`" if one.new else f"`{old}` dropped"


def _shown(value: object) -> str:
    text = str(value)
    return f"`{text.rpartition('.')[2] if text.startswith('compat.') else repr(value)}`"
