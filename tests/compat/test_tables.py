"""The rows of `dialects/` match today's names, and none is unused."""

import importlib
import inspect
from importlib.util import find_spec

import numpy as np
import pytest

from hornbook.compat.install import installed
from hornbook.compat.keras.optimizers import OldOptimizer
from hornbook.compat.libraries import put_back
from hornbook.compat.names import MIXINS, Names
from hornbook.compat.translate import resolve, translate
from hornbook.dialects import keras1, keras2
from hornbook.dialects.libraries import GONE
from hornbook.dialects.row import row

DIALECTS = [keras1, keras2]
FAMILIES = [(dialect, family) for dialect in DIALECTS for family in dialect.FAMILIES]


def known_parameters(today):
    """The arguments that an object takes, and those that old classes take beside; None: any."""
    parameters = inspect.signature(today).parameters
    also = ()
    if isinstance(today, type):
        also = next((m.also_takes for k, m in MIXINS.items() if issubclass(today, k)), ())
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return None
    return {*parameters, *also}


@pytest.mark.parametrize(("dialect", "family"), FAMILIES)
def test_what_a_row_names_exists_today(dialect, family):
    for name, one in dialect.FAMILIES[family].items():
        known = known_parameters(resolve(one.new))
        if known is not None:
            wanted = {a.new for a in one.arguments if a.new} | set(one.defaults)
            own = {"output_shape"} if "Deconv" in name else set()  # computed by the old class
            assert wanted - own <= known, name
        assert callable(Names(dialect).get(family, name)), name


@pytest.mark.parametrize("dialect", DIALECTS)
def test_methods_exist_today(dialect):
    for name, one in dialect.METHODS.items():
        known = {*inspect.signature(resolve(one.new)).parameters}
        own = {"generator", "samples", "validation_samples"}  # counted in batches by the method
        assert {a.new for a in one.arguments if a.new} - own <= known, name
        assert set(one.defaults) <= known, name


@pytest.mark.parametrize("dialect", DIALECTS)
def test_nothing_in_the_tables_is_without_use(dialect):
    reached = {family for families in dialect.MODULES.values() for family in families.split()}
    assert reached - {"top", "leaks"} == set(dialect.FAMILIES)
    rows = [one for rows in dialect.FAMILIES.values() for one in rows.values()]
    rows += dialect.METHODS.values()
    taken = {a.new for one in rows for a in one.arguments} | {"data_format", "bias_initializer"}
    taken |= {p for one in rows for p in inspect.signature(resolve(one.new)).parameters}
    assert set(dialect.VALUES) <= taken


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_module_gives_every_name(dialect):
    generation = dialect.__name__.rpartition(".")[2]
    with installed(generation):
        for path in dialect.MODULES:
            scope: dict = {}
            exec(f"from {path} import *", scope)
            assert len(scope) > 1 or not dialect.MODULES[path], path


def test_values_that_are_computed_in_compat_exist():
    for dialect in DIALECTS:
        for changed in dialect.VALUES.values():
            for value in changed.values():
                assert not str(value).startswith("compat.") or callable(resolve(value))


def test_arguments_by_position_by_name_and_joined():
    conv = row("layers.Conv2D", "nb_filter:filters nb_row+nb_col:kernel_size activation * bias:b")
    want = {"filters": 8, "kernel_size": (3, 5), "activation": "relu"}
    assert translate("C", conv, {}, (8, 3, 5, "relu"), {}) == want
    by_name = {"nb_filter": 8, "nb_row": 3, "nb_col": 5, "activation": "relu"}
    assert translate("C", conv, {}, (), by_name) == want
    assert translate("C", conv, {}, (8, (3, 5), "relu"), {}) == want
    assert translate("C", conv, {}, (8, 3), {}) == {"filters": 8, "kernel_size": 3}


def test_too_many_and_double_arguments_are_told():
    dropout = row("layers.Dropout", "p:rate")
    with pytest.raises(TypeError, match="Dropout.. takes 1 positional arguments, not 2"):
        translate("Dropout", dropout, {}, (0.5, 1), {})
    with pytest.raises(TypeError, match="got both 'rate' and 'rate'|got both 'p' and 'rate'"):
        translate("Dropout", dropout, {}, (0.5,), {"rate": 0.2})


def test_dropped_arguments_warn_where_that_matters():
    one = row("models.Model.fit", "x quiet: loud:!")
    assert translate("fit", one, {}, (1, 2), {}) == {"x": 1}
    with pytest.warns(UserWarning, match="fit: the argument 'loud' is ignored"):
        translate("fit", one, {}, (1, 2, 3), {})


def test_values_change_in_lists_and_dicts_too():
    one = row("models.Model.compile", "metrics")
    values = {"metrics": {"accuracy": "acc"}}
    for given, want in (
        ("accuracy", "acc"),
        (["accuracy", "mse"], ["acc", "mse"]),
        ({"a": ["accuracy"]}, {"a": ["acc"]}),
    ):
        assert translate("compile", one, values, (given,), {}) == {"metrics": want}


def test_mixins_are_of_today():
    assert all(isinstance(kind, type) for kind in MIXINS)
    assert OldOptimizer.also_takes == ("decay",)


NOT_EVERYWHERE = {"nltk.tokenize"}
STANDS_FOR = {"Tkinter": "tkinter"}  # which some builds of Python lack


def test_names_of_other_libraries_are_back_for_a_run_and_gone_after():
    import collections

    def there():
        return [{*GONE[one.__name__]} & {*vars(one)} for one in (np, collections)]

    before = there()
    with put_back():
        for path, names in GONE.items():
            module, _, inner = path.partition(":")
            root = module.partition(".")[0]
            if find_spec(STANDS_FOR.get(root, root)) is None:
                continue
            owner = importlib.import_module(module)
            owner = getattr(owner, inner) if inner else owner
            if module not in NOT_EVERYWHERE:
                assert [name for name in names if name != "*" and not hasattr(owner, name)] == []
        assert np.array([1.5]).astype(np.int).dtype.kind == "i"
        assert isinstance([], collections.Iterable)
    assert there() == before


def test_modules_of_layers_are_found_by_attribute_and_by_import():
    with installed("keras2"):
        import keras

        assert keras.layers.merge.concatenate is keras.layers.concatenate
        assert keras.layers.core.Dense is keras.layers.Dense
