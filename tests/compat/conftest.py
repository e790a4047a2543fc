"""Fixtures of old programs: `keras` as a generation names it."""

import pytest

from hornbook.compat.install import installed


@pytest.fixture
def keras1():
    with installed("keras1"):
        import keras

        yield keras


@pytest.fixture
def keras2():
    with installed("keras2"):
        import keras

        yield keras
