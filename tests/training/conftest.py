"""For tests of training: nobody watches, though other tests load what notebooks run in."""

import sys

import pytest


@pytest.fixture(autouse=True)
def no_notebook(monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
