"""Names that numpy and Python had when old programs were written, and what they are today."""

ABSTRACT = (
    "Callable Container Generator Hashable ItemsView Iterable Iterator KeysView Mapping "
    "MappingView MutableMapping MutableSequence MutableSet Sequence Set Sized ValuesView"
).split()

# By module: the old name, and where it is today.
GONE: dict[str, dict[str, str]] = {
    "numpy": {
        **{name: f"builtins.{name}" for name in "bool int float complex object str".split()},
        "long": "builtins.int",
        "unicode": "builtins.str",
        "float_": "numpy.float64",
        "complex_": "numpy.complex128",
        "string_": "numpy.bytes_",
        "unicode_": "numpy.str_",
        "Inf": "numpy.inf",
        "infty": "numpy.inf",
        "NaN": "numpy.nan",
        "product": "numpy.prod",
        "cumproduct": "numpy.cumprod",
        "alltrue": "numpy.all",
        "sometrue": "numpy.any",
        "round_": "numpy.round",
        "in1d": "numpy.isin",
        "trapz": "numpy.trapezoid",
        "row_stack": "numpy.vstack",
    },
    "collections": {name: f"collections.abc.{name}" for name in ABSTRACT},
}
