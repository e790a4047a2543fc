"""Settings and fixtures of the whole suite. The environment is set before anything imports jax."""

import gc
import os
import signal
from importlib.metadata import version
from pathlib import Path

import hypothesis
import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
THREADS = str(max(1, (os.cpu_count() or 1) // WORKERS))

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("HORNBOOK_CACHE", "0")  # tests leave nothing behind
os.environ["MPLBACKEND"] = "Agg"
# Tests compile much and run little. The code that XLA's older emitters make, less optimized and in
# one piece, is there in a quarter of the time. `XLA_FLAGS= pytest ...` tests what users run.
# XLA ends the process over a flag that it does not know, as later ones do not know the emitters'.
QUICK = "--xla_backend_optimization_level=0 --xla_cpu_parallel_codegen_split_count=1"
OLDER = " --xla_cpu_use_fusion_emitters=false" if version("jaxlib").startswith("0.10.") else ""
os.environ.setdefault("XLA_FLAGS", QUICK + OLDER)
# NPROC sizes XLA's thread pool, the others those of the numerical libraries beside it.
for _name in ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, THREADS)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell has it for what runs behind it
    signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("suite", deadline=None, derandomize=True, max_examples=10)
hypothesis.settings.register_profile("long", deadline=None, max_examples=200)


def pytest_addoption(parser):
    parser.addoption(
        "--long", action="store_true", help="repeat what is random or threaded many more times"
    )


def pytest_configure(config):
    """Properties are tried with the same few examples, or with many new ones."""
    hypothesis.settings.load_profile("long" if config.getoption("long") else "suite")


@pytest.fixture
def as_users_compile(long):
    """For tests that compile much, best as users do: `.ci/run` has a step without `XLA_FLAGS`."""
    if QUICK in os.environ["XLA_FLAGS"] and not long:
        pytest.skip("compiled as users compile it: XLA_FLAGS= pytest, or pytest --long")


@pytest.fixture
def on_cpu():
    """For tests of what XLA and hornbook do on CPUs only: options, kernels, compiled text."""
    import jax

    if jax.default_backend() != "cpu":
        pytest.skip("for CPUs only")


def pytest_collection_finish(session):
    """What is there for good, modules and tests, is not looked through at each collection."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)


@pytest.fixture(scope="session")
def long(request) -> bool:
    """Whether tests that repeat something should do so many times more."""
    return request.config.getoption("long")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data; the test is skipped where there is none."""
    folder = Path(os.environ.get("HORNBOOK_DATA") or CHECKOUT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is absent (name a folder with HORNBOOK_DATA)")
    return folder


@pytest.fixture(autouse=True)
def fresh_session():
    """Each test starts with fresh names and the same seed; errors show all that was called."""
    import hornbook

    hornbook.config.disable_traceback_filtering()

    utils = getattr(hornbook, "utils", None)
    if hasattr(utils, "clear_session"):
        utils.clear_session(free_memory=False)
        utils.set_random_seed(0)
