"""Functions of TensorFlow give what they give there: `tensorflow_values.json`."""

import importlib
import json

import jax
import numpy as np
import pytest

from hornbook.compat.install import installed
from hornbook.compat.names import Names
from hornbook.compat.translate import resolve
from hornbook.dialects import tensorflow
from tests.compat import tensorflow_values
from tests.compat.test_tables import known_parameters

FOUND = json.loads(tensorflow_values.STORED.read_text())


@pytest.fixture
def tf():
    with installed("tfkeras"):
        yield importlib.import_module("tensorflow")


def alike(ours, theirs):
    """Whether nested lists are equal, numbers nearly."""
    if isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(alike(ours[k], theirs[k]) for k in theirs)
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(alike, ours, theirs))
    if isinstance(theirs, float):
        return bool(np.isclose(ours, theirs, 2e-4, 2e-5, equal_nan=True))
    return ours == theirs or {ours, theirs} in ({"int32", "int64"}, {"uint32", "uint64"})


def values(tf):
    """The value of each expression; all that can be traced are one compiled program."""
    later, host, scope = [], {}, {"tf": tf, **tensorflow_values.NAMES}

    def traced():
        found = {}
        for source in tensorflow_values.expressions():
            try:
                value = eval(source, scope)
            except (jax.errors.JAXTypeError, jax.errors.JAXIndexError):
                later.append(source)
                continue
            if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(value)):
                found[source] = value
            else:
                host[source] = value
        return found

    made = jax.jit(traced)()
    return host | made | {source: eval(source, scope) for source in later}


def test_values_are_those_of_tensorflow(tf):
    found = {k: tensorflow_values.plain(v) for k, v in values(tf).items()}
    wrong = {k: (v, FOUND[k]) for k, v in found.items() if not alike(v, FOUND[k])}
    assert not wrong
    assert found.keys() == FOUND.keys()


def test_what_the_rows_name_exists_and_takes_their_arguments():
    names = Names(tensorflow)
    for family, rows in tensorflow.FAMILIES.items():
        for name, one in rows.items():
            assert names.get(family, name) is not names, (family, name)
            known = known_parameters(resolve(one.new)) if one.arguments or one.defaults else None
            if known is not None:
                wanted = {a.new for a in one.arguments if a.new} | {*one.defaults}
                assert wanted <= known, (family, name)
