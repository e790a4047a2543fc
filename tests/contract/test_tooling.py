"""One version of each tool, a fast import, no private API of jax."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
TEST_COMMAND = "python -m pip install -e '.[test]' && python -m pytest -n auto"
# The one file that does without where this module of jax has changed.
MAY_BE_GONE = ("bilinear.py", "interpreters")
HEAVY = {
    "h5py",
    "IPython",
    "keras",
    "matplotlib",
    "pandas",
    "rich",
    "scipy",
    "sklearn",
    "tensorflow",
    "torch",
}


def extras() -> dict[str, list[str]]:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    return project["optional-dependencies"]


def pins(text: str, tool: str) -> set[str]:
    return set(re.findall(rf"\b{tool}==([\w.]+)", text))


@pytest.mark.parametrize("tool", ["clang-format", "ruff", "mypy"])
def test_hook_and_extra_pin_one_version(tool):
    wanted = pins(" ".join(extras()["test"]), tool)
    hooks = pins((CHECKOUT / ".pre-commit-config.yaml").read_text(), tool)
    assert len(wanted) == 1
    assert hooks == wanted


def test_hook_knows_the_dependencies_that_types_come_from():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    hooks = (CHECKOUT / ".pre-commit-config.yaml").read_text()
    assert [d for d in project["dependencies"] if f'"{d}"' not in hooks] == []


def test_pre_commit_is_pinned():
    assert len(pins(" ".join(extras()["dev"]), "pre-commit")) == 1


def test_ci_runs_the_test_command_and_every_tool():
    script = (CHECKOUT / ".ci" / "run").read_text()
    lines = script.splitlines()
    assert {TEST_COMMAND, "ruff check .", "ruff format --check .", "mypy"} <= set(lines)
    assert lines[-1] == TEST_COMMAND, "CI must end with pytest's closing line"


def test_import_loads_nothing_heavy():
    code = "import hornbook, sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert HEAVY & set(run.stdout.split()) == set()


def test_nothing_depends_on_assertions():
    """`python -O` leaves them out. That there are none, ruff sees (S101)."""
    code = """
import numpy as np
import hornbook as keras

if __debug__:
    raise SystemExit("assertions are on")
x, y = np.ones((8, 4)), np.ones((8, 1))
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
for method in (model.fit, model.evaluate, model.train_on_batch):
    try:
        method(x, y)
    except ValueError as error:
        print(str(error).splitlines()[0])
model.compile("adam", "mse", metrics=["mae"])
model.fit(x, y, verbose=0)
print(model.evaluate(x, y, return_dict=True, verbose=0).keys(), model.predict(x).shape)
keras.models.clone_model(model).summary()
"""
    run = subprocess.run([sys.executable, "-O", "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("is not compiled") == 3
    assert "dict_keys(['loss', 'mae']) (8, 1)" in run.stdout


def test_types_are_there_for_checkers():
    assert (CHECKOUT / "src" / "hornbook" / "py.typed").exists()


def private_jax(code: str) -> list[str]:
    """Uses of jax's private modules in `code`, as 'line: name'."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute):
            names = [ast.unparse(node)]
        else:
            continue
        found += [f"{node.lineno}: {name}" for name in names if is_private_jax(name)]
    return found


def is_private_jax(name: str) -> bool:
    parts = name.split(".")
    if parts[0] not in {"jax", "jaxlib"}:
        return False
    private = any(part.startswith("_") and not part.startswith("__") for part in parts[1:])
    return private or parts[1:2] == ["interpreters"]


def test_no_private_jax_api():
    folders = ["src", "tests", "benchmarks", "examples", "docs"]
    files = [path for folder in folders for path in sorted((CHECKOUT / folder).rglob("*.py"))]
    found = [
        f"{path.relative_to(CHECKOUT)}:{use}"
        for path in files
        for use in private_jax(path.read_text())
        if (path.name, use.split()[-1].split(".")[1]) != MAY_BE_GONE
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("code", "private"),
    [
        ("from jax._src import core", True),
        ("import jax._src.core", True),
        ("import jax\njax._src.core.x", True),
        ("from jax.interpreters import mlir", True),
        ("from jax import _src", True),
        ("import jax\njax.__version__", False),
        ("import jax.numpy as jnp\njnp.ones(3)", False),
    ],
)
def test_private_jax_is_recognised(code, private):
    assert bool(private_jax(code)) == private
