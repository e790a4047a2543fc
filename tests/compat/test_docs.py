"""The tables in `docs/old_programs.md` are up to date."""

from pathlib import Path

import pytest

from hornbook.dialects import keras1, keras2, theano
from hornbook.dialects.show import names, table

DOCS = Path(__file__).resolve().parents[2] / "docs" / "old_programs.md"


@pytest.mark.parametrize("dialect", [keras1, keras2])
def test_the_tables_in_the_docs_are_true(dialect):
    want = f"## {dialect.TITLE}\n\n{table(dialect)}\n"
    assert want in DOCS.read_text(), f"print hornbook.dialects.show.table into {DOCS.name}"


def test_the_names_of_theano_in_the_docs_are_true():
    want = f"## {theano.TITLE}'s names\n\n{names(theano)}\n"
    assert want in DOCS.read_text(), f"print hornbook.dialects.show.names into {DOCS.name}"
