"""An addition is a file and a row: the examples in docs/design.md show up everywhere."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
DIFFS = re.findall(r"```diff\n(.*?)```", (CHECKOUT / "docs" / "design.md").read_text(), re.S)

PROGRAM = """
import inspect, json
import numpy as np
import hornbook as keras
from hornbook import callbacks, datasets, layers, losses, metrics, ops, optimizers, saving
from hornbook.models.operations import describe_op
from tests.contract import objects
from tests.contract.test_public_names import GOLDEN, public

x = np.ones((8, 3), "float32")
inputs = keras.Input((3,))
outputs = ops.ladder(ops.cube(layers.Scale(name="scale")(inputs)), 3)
model = keras.Model(inputs, outputs)
model.compile("signdescent", "mqe", metrics=["mqe"])
history = model.fit(x, 0 * x, epochs=5, verbose=0, callbacks=[callbacks.StopAfter(2)]).history
model.save("model.keras")
again = keras.saving.load_model("model.keras")
described, _, _ = describe_op(outputs.node, "ladder")
optimizer, loss, metric = (again.optimizer, losses.get("MeanQuarticError"), metrics.get("mqe"))
print(json.dumps({
    "new names": sorted(set(public()) - set(GOLDEN.read_text().split())),
    "in dir": [name in dir(door) for door, name in (
        (layers, "Scale"), (losses, "MeanQuarticError"), (losses, "mean_quartic_error"),
        (metrics, "MeanQuarticError"), (optimizers, "SignDescent"), (ops, "cube"),
        (callbacks, "StopAfter"), (datasets, "squares"))],
    "contract": [name in objects.FAMILIES[family][1] for family, name in (
        ("layers", "Scale"), ("losses", "MeanQuarticError"), ("metrics", "MeanQuarticError"),
        ("optimizers", "SignDescent"))],
    "contract rows": [type(objects.LAYERS["Scale"].make()).__name__,
        objects.OPTIMIZERS["SignDescent"]().get_config()["learning_rate"],
        float(objects.LOSSES["MeanQuarticError"][0]()(x, 0 * x))],
    "by name": [type(metric).__name__, losses.get("mqe") is losses.mean_quartic_error,
        losses.mqe is losses.mean_quartic_error, type(loss).__name__,
        type(optimizers.get("SignDescent")).__name__,
        type(metrics.get("mean_quartic_error")).__name__],
    "settings of the op": described["config"],
    "read back": [type(layer).__name__ for layer in again.layers[:2]] + [type(optimizer).__name__],
    "same": bool(np.allclose(again.predict(x, verbose=0), model.predict(x, verbose=0))),
    "described": [saving.serialize_keras_object(loss)["class_name"],
        saving.serialize_keras_object(losses.mean_quartic_error)],
    "epochs": len(history["loss"]),
    "metric": sorted(history),
    "data": datasets.squares.load_data()[1].tolist()[-1],
    "documented": inspect.getdoc(losses.MeanQuarticError).split(":")[0],
}))
"""


def apply(diff: str, package: Path) -> None:
    """Change a package as a diff says: new files, and lines after one of a file that is there."""
    for path, body in re.findall(r"^\+\+\+ (\S+)\n(.*?)(?=^\+\+\+ |\Z)", diff, re.M | re.S):
        file = package / path
        added = "".join(line[1:] + "\n" for line in body.splitlines() if line.startswith("+"))
        context = [line[1:] + "\n" for line in body.splitlines() if line.startswith(" ")]
        assert file.exists() == bool(context), path
        text = file.read_text() if context else ""
        assert all(text.count(line) == 1 for line in context), f"{path} has no line {context}"
        file.write_text(text.replace(context[0], context[0] + added) if context else added)


def test_each_addition_of_the_design_is_found_everywhere(tmp_path):
    package = tmp_path / "src" / "hornbook"
    shutil.copytree(CHECKOUT / "src" / "hornbook", package)
    for diff in DIFFS:
        apply(diff, package)
    (tmp_path / "tests").symlink_to(CHECKOUT / "tests")
    environment = {**os.environ, "PYTHONPATH": f"{package.parent}{os.pathsep}{tmp_path}"}
    environment["KERAS_BACKEND"] = "jax"
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "new names": sorted(
            "callbacks.StopAfter datasets.squares datasets.squares.load_data layers.Scale "
            "losses.MeanQuarticError losses.mean_quartic_error metrics.MeanQuarticError "
            "optimizers.SignDescent ops.cube ops.ladder ops.numpy.cube ops.numpy.ladder".split()
        ),
        "in dir": [True] * 8,
        "contract": [True] * 4,
        "contract rows": ["Scale", 0.1, 1.0],
        "by name": [
            "MeanQuarticError",
            True,
            True,
            "MeanQuarticError",
            "SignDescent",
            "MeanQuarticError",
        ],
        "settings of the op": {"name": "ladder", "steps": 3},
        "read back": ["InputLayer", "Scale", "SignDescent"],
        "same": True,
        "described": ["MeanQuarticError", "mean_quartic_error"],
        "epochs": 2,
        "metric": ["loss", "mqe"],
        "data": 81,
        "documented": "The mean of fourth powers of errors",
    }
