"""`Row`: what one old name is today, and the short notation of the tables.

    row("layers.Conv2D", "nb_filter:filters nb_row+nb_col:kernel_size activation * bias:use_bias")

gives today's object, then the old arguments in their old order: `old:new` if renamed, `a+b:new` if
several became a tuple, `old:` if it is dropped silently, `old:!` if it is dropped with a warning.
Arguments after `*` are keyword-only. Unlisted arguments are passed through, so that today's names
work too.
"""

from typing import Any, NamedTuple


class Argument(NamedTuple):
    """An argument of today and the old ones it replaces.

    Args:
        old: its old names; several become a tuple.
        new: its name today; empty if it is dropped.
        warn: whether to warn when it is dropped.
    """

    old: tuple[str, ...]
    new: str
    warn: bool


class Row(NamedTuple):
    """What one old name is today.

    Args:
        new: its place in the library: `"layers.Conv2D"`.
        positions: the positional arguments, in order.
        others: the keyword-only arguments.
        defaults: old defaults of today's arguments, if they differ.
        note: a remark for readers.

    Example:
        >>> Row("layers.Dense", (Argument(("output_dim",), "units", False),), (), {}, "").new
        'layers.Dense'
    """

    new: str
    positions: tuple[Argument, ...]
    others: tuple[Argument, ...]
    defaults: dict[str, Any]
    note: str

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """All old arguments."""
        return self.positions + self.others


def row(new: str, arguments: str = "", defaults: dict | None = None, note: str = "") -> Row:
    """Parse a row from its short notation.

    Args:
        new: the place of the name today.
        arguments: the old arguments, in the module's notation.
        defaults: old defaults, by today's name.
        note: a remark for readers.

    Example:
        >>> row("layers.Dropout", "p:rate").positions
        (Argument(old=('p',), new='rate', warn=False),)
    """
    positions, _, others = arguments.partition("*")
    return Row(new, _arguments(positions), _arguments(others), defaults or {}, note)


def accepting(one: Row, older: Row) -> Row:
    """A row that also accepts an older one's keywords, as Keras 2 accepted those of Keras 1.

    Args:
        one: the row.
        older: the row of the same name in the generation before.

    Example:
        >>> both = accepting(row("layers.Dropout", "rate"), row("layers.Dropout", "p:rate"))
        >>> [argument.old for argument in both.others]
        [('p',)]
    """
    known = {name for argument in one.arguments for name in argument.old}
    more = tuple(a for a in older.arguments if not known & set(a.old))
    return one._replace(others=one.others + more)


def _arguments(text: str) -> tuple[Argument, ...]:
    return tuple(map(_argument, text.split()))


def _argument(text: str) -> Argument:
    old, colon, new = text.partition(":")
    return Argument(tuple(old.split("+")), new.strip("!") if colon else old, new == "!")
