"""Options for XLA's compiler, and what it compiled kept for the next process."""

import gc
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import pytest

from hornbook.core import compiler, processor


@pytest.fixture(autouse=True)
def forget():
    compiler._supported.cache_clear()
    yield
    compiler._supported.cache_clear()


@pytest.mark.usefixtures("on_cpu")
def test_on_a_cpu_the_options_are_known_and_the_result_is_the_same():
    options = compiler.compiler_options()
    assert options is not None
    assert set(compiler.OPTIONS) <= set(options)
    plain, tuned = (jax.jit(jnp.sin, compiler_options=o)(1.0) for o in (None, options))
    assert float(plain) == float(tuned)


@pytest.mark.usefixtures("on_cpu")
def test_wide_vectors_are_asked_for_only_where_they_pay_and_run_at_full_speed(monkeypatch):
    monkeypatch.setattr(compiler, "_wide_vectors", lambda: True)
    assert not set(compiler.WIDE) & set(compiler.compiler_options())
    assert compiler.compiler_options(wide=True) == compiler.OPTIONS | compiler.WIDE
    compiler._supported.cache_clear()
    monkeypatch.setattr(compiler, "_wide_vectors", lambda: False)
    assert compiler.compiler_options(wide=True) == compiler.OPTIONS


@pytest.mark.usefixtures("on_cpu")
def test_a_loop_of_many_arrays_is_not_simplified_in_quadratic_time():
    few, many = (compiler.compiler_options(carried=n) for n in (10, 1000))
    assert not set(compiler.MANY) & set(few)
    assert many == few | compiler.MANY


@pytest.mark.usefixtures("on_cpu")
def test_an_option_that_this_xla_does_not_know_is_left_out(monkeypatch):
    monkeypatch.setattr(compiler, "OPTIONS", compiler.OPTIONS | {"xla_no_such_option": "1"})
    found = compiler.compiler_options()
    assert found and "xla_no_such_option" not in found
    compiler._supported.cache_clear()
    monkeypatch.setattr(compiler, "OPTIONS", {"xla_no_such_option": "1"})
    assert compiler.compiler_options() is None


def test_other_devices_get_no_options(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert compiler.compiler_options(wide=True) is None


TRAIN = """
import jax
import numpy as np
import hornbook as keras

keras.Input  # hornbook's own settings are made
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)  # however fast it is compiled
seen = []
jax.monitoring.register_event_listener(lambda event, **_: seen.append(event))
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)])
model.compile("adam", "mse")
model.fit(np.ones((40, 4)), np.ones((40, 1)), batch_size=8, verbose=0)
print(seen.count("/jax/compilation_cache/cache_hits"))
"""


def train(folder):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", TRAIN],
        env={**os.environ, "HORNBOOK_CACHE": str(folder)},
        capture_output=True,
        text=True,
    )


def test_the_next_process_finds_what_this_one_compiled(tmp_path):
    folder = tmp_path / "cache"
    assert train(folder).stdout.strip() == "0"
    (kept,) = folder.iterdir()
    assert kept.name.startswith(f"jax-{jax.__version__}-")
    assert any(file.name.startswith("jit_sequential_train_step") for file in kept.iterdir())
    assert int(train(folder).stdout) >= 1


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_folder_that_others_can_write_to_is_refused(tmp_path):
    tmp_path.chmod(0o777)
    done = train(tmp_path)
    assert done.returncode
    assert "can be written by others, and the code in it is run. Use" in done.stderr
    assert f"chmod 700 {tmp_path}" in done.stderr


def test_the_default_folder_is_in_the_home_and_private(monkeypatch, tmp_path, configured):
    monkeypatch.delenv("HORNBOOK_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = compiler.keep_compiled()
    assert folder.parent == tmp_path / ".cache" / "hornbook"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert configured["jax_compilation_cache_dir"] == str(folder)


def test_a_default_folder_that_cannot_be_used_is_left_alone(monkeypatch, tmp_path, configured):
    monkeypatch.delenv("HORNBOOK_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".cache").write_text("a file")
    assert compiler.keep_compiled() is None
    (tmp_path / ".cache").unlink()
    (tmp_path / ".cache" / "hornbook").mkdir(parents=True)
    (tmp_path / ".cache" / "hornbook").chmod(0o777)
    assert compiler.keep_compiled() is None
    with monkeypatch.context() as patch:
        patch.setattr(compiler.Path, "home", missing_home)
        assert compiler.keep_compiled() is None
    assert not configured


def missing_home():
    raise RuntimeError("Could not determine home directory.")


def test_it_can_be_turned_off_and_leaves_the_programs_own_cache(monkeypatch, configured):
    monkeypatch.setenv("HORNBOOK_CACHE", "0")
    assert compiler.keep_compiled() is None
    monkeypatch.setenv("HORNBOOK_CACHE", "1")
    monkeypatch.setattr(type(jax.config), "jax_compilation_cache_dir", "/mine", raising=False)
    assert compiler.keep_compiled() is None
    assert not configured


@pytest.fixture
def configured(monkeypatch):
    """What would be set in JAX."""
    found = {}
    monkeypatch.setattr(compiler.jax.config, "update", found.__setitem__, raising=False)
    monkeypatch.setattr(compiler.warnings, "filterwarnings", lambda *args: None)
    return found


def test_programs_not_used_for_longest_go_first(tmp_path):
    for folder, name, used in (("jax-1-a", "x", 3), ("jax-1-a", "y", 1), ("jax-2-b", "z", 2)):
        (tmp_path / folder).mkdir(exist_ok=True)
        file = tmp_path / folder / name
        file.write_bytes(bytes(100))
        os.utime(file, (used, used))
    (tmp_path / "other").write_bytes(bytes(1000))  # not ours

    def left():
        return sorted(file.name for file in tmp_path.glob("jax-*/*"))

    compiler.forget_oldest(tmp_path, 300)
    assert left() == ["x", "y", "z"]
    compiler.forget_oldest(tmp_path, 250)
    assert left() == ["x", "z"]
    compiler.forget_oldest(tmp_path, 10)
    assert left() == []
    assert (tmp_path / "other").exists()


def test_another_processor_gets_another_folder(monkeypatch):
    mine = processor.kind()
    monkeypatch.setattr(processor, "cpuinfo", lambda: "model name : another\nflags : sse2")
    assert processor.kind() != mine


def test_garbage_is_collected_again_after_a_trace():
    assert gc.isenabled()
    with compiler.uncollected(), compiler.uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()
