"""Every workload learns the same with all fast paths on and off: `XLA_FLAGS= pytest` runs it."""

import numpy as np
import pytest

import hornbook as keras
from benchmarks import models_keras, workloads
from hornbook.kernels import plain

BATCHES, ROWS = 3, 4
TRAINED = [w for w in workloads.TABLE if w.kind == "train"]


def curve(workload: workloads.Workload, callbacks: list) -> list[float]:
    """Losses of two epochs from the workload's own weights."""
    x, y, _ = workload.data(BATCHES * ROWS if workload.name != "stateful" else BATCHES * 64)
    model = models_keras.MODELS[workload.builder](keras)
    model.compile(keras.optimizers.Adam(1e-3), models_keras.LOSSES[workload.loss])
    values: dict[str, list] = {}
    for key, value in workloads.initial(workload.weights).items():
        values.setdefault(key.partition("/")[0], []).append(value)
    for name, arrays in values.items():
        for variable, value in zip(model.get_layer(name).trainable_variables, arrays, strict=True):
            variable.assign(value)
    history = model.fit(
        x if len(x) > 1 else x[0],
        y,
        batch_size=len(y) // BATCHES,
        epochs=2,
        shuffle=False,
        verbose=0,
        callbacks=callbacks,
    )
    return history.history["loss"]


@pytest.mark.usefixtures("as_users_compile")
@pytest.mark.parametrize("workload", TRAINED, ids=lambda w: w.name)
def test_curves_agree_with_fast_paths_on_and_off(workload):
    fast = curve(workload, [])
    each = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    with plain():
        slow = curve(workload, [each])  # step by step, by JAX's own gradients
    np.testing.assert_allclose(fast, slow, rtol=2e-4)
    assert fast[1] != fast[0]
