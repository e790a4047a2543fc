"""Names that numpy, scipy, scikit-learn and Python had when old programs were written.

`module.name` says where they are today; what begins with `compat.` is computed in this package.
"""

ABSTRACT = (
    "Callable Container Generator Hashable ItemsView Iterable Iterator KeysView Mapping "
    "MappingView MutableMapping MutableSequence MutableSet Sequence Set Sized ValuesView"
).split()

# By module: the old name, and where it is today. `*` is all of another module.
GONE: dict[str, dict[str, str]] = {
    # ---- numpy
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
    # ---- Python
    "collections": {name: f"collections.abc.{name}" for name in ABSTRACT},
    # ---- Python 2
    "cPickle": {
        "*": "pickle",
        **{n: f"compat.python2_pickle.{n}" for n in "load loads dump dumps".split()},
    },
    "python2_csv": {
        "*": "csv",
        **{n: f"compat.python2_csv.{n}" for n in "reader writer DictReader DictWriter".split()},
    },
    "cStringIO": {"StringIO": "io.StringIO"},
    "StringIO": {"StringIO": "io.StringIO"},
    "urllib2": {"*": "urllib.request", "URLError": "urllib.error.URLError"},
}

# What is there today and does another thing.
CHANGED: dict[str, dict[str, str]] = {}

# By class: methods that are gone.
METHODS: dict[str, dict[str, str]] = {}
