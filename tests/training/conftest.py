"""For tests of training: no notebook, even if other tests import ipykernel."""

import sys

import pytest


@pytest.fixture(autouse=True)
def no_notebook(monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
