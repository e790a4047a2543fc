"""`Row`: what one old name is today, and the short form that the tables are written in.

    row("layers.Conv2D", "nb_filter:filters nb_row+nb_col:kernel_size activation * bias:use_bias")

names the object of today, then the old arguments in their old order: `old:new` where the name has
changed, `a+b:new` where several became a tuple, `old:` for one that means nothing today (dropped
silently), `old:!` for one that is dropped with a warning. What stands after `*` is given by name
only. Arguments that are not listed go through as they are, so that today's names work too.
"""

from typing import Any, NamedTuple


class Argument(NamedTuple):
    """One argument of today and the old ones that it comes from.

    Args:
        old: its old names; several make a tuple of it.
        new: its name today; empty if it means nothing today.
        warn: whether a program that passes it is told that it is dropped.
    """

    old: tuple[str, ...]
    new: str
    warn: bool


class Row(NamedTuple):
    """What one old name is today.

    Args:
        new: where it is in the library: `"layers.Conv2D"`.
        positions: the arguments that could be given by position, in order.
        others: the arguments that are given by name.
        defaults: old defaults of today's arguments, where they differ.
        note: what a reader should know beyond that.

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
    """A row from its short form.

    Args:
        new: where the name is today.
        arguments: the old arguments, as this module's text says.
        defaults: old defaults, by today's name.
        note: for readers.

    Example:
        >>> row("layers.Dropout", "p:rate").positions
        (Argument(old=('p',), new='rate', warn=False),)
    """
    positions, _, others = arguments.partition("*")
    return Row(new, _arguments(positions), _arguments(others), defaults or {}, note)


def accepting(one: Row, older: Row) -> Row:
    """A row that takes the keywords of an older one too, as Keras 2 took those of Keras 1.

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
