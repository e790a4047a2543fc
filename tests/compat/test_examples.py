"""The examples in docstrings of `compat` and `dialects` run."""

import doctest
import importlib
import pkgutil

import numpy as np
import pytest

from hornbook import compat, dialects

MODULES = [
    found.name
    for package in (compat, dialects)
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(name)
    done = doctest.testmod(module, extraglobs={"np": np}, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert done.failed == 0
