"""Options for XLA's compiler: given on a CPU alone, and left out where XLA does not know them."""

import jax
import jax.numpy as jnp
import pytest

from hornbook.core import compiler


@pytest.fixture(autouse=True)
def forget():
    compiler.compiler_options.cache_clear()
    yield
    compiler.compiler_options.cache_clear()


def test_on_a_cpu_the_options_are_known_and_the_result_is_the_same():
    options = compiler.compiler_options()
    assert options is not None
    assert set(compiler.OPTIONS) <= set(options)
    plain, tuned = (jax.jit(jnp.sin, compiler_options=o)(1.0) for o in (None, options))
    assert float(plain) == float(tuned)


def test_wide_vectors_are_asked_for_only_where_they_pay_and_run_at_full_speed(monkeypatch):
    monkeypatch.setattr(compiler, "_wide_vectors", lambda: True)
    assert not set(compiler.WIDE) & set(compiler.compiler_options())
    assert compiler.compiler_options(wide=True) == compiler.OPTIONS | compiler.WIDE
    compiler.compiler_options.cache_clear()
    monkeypatch.setattr(compiler, "_wide_vectors", lambda: False)
    assert compiler.compiler_options(wide=True) == compiler.OPTIONS


def test_an_option_that_this_xla_does_not_know_is_left_out(monkeypatch):
    monkeypatch.setattr(compiler, "OPTIONS", compiler.OPTIONS | {"xla_no_such_option": "1"})
    found = compiler.compiler_options()
    assert found and "xla_no_such_option" not in found
    compiler.compiler_options.cache_clear()
    monkeypatch.setattr(compiler, "OPTIONS", {"xla_no_such_option": "1"})
    assert compiler.compiler_options() is None


def test_other_devices_get_no_options(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert compiler.compiler_options(wide=True) is None
