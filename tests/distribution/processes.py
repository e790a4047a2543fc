"""Two processes of two devices each that train together; `test_processes.py` starts both.

Each prints a JSON object: the traceback of each case that failed, by name. What compiled code
prints (Gloo's threads, in pieces) goes to stderr.
"""

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np

import hornbook as keras

sys.stdout = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

D = keras.distribution
NUMBER, ADDRESS, FOLDER = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(42, 6)).astype("float32")  # the last batch of 16 has 10
Y = RANDOM.integers(0, 4, 42)


def compiled() -> Any:
    keras.utils.clear_session()
    keras.utils.set_random_seed(3)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(8, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.4),
            layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def trained(x: np.ndarray, y: np.ndarray, batch: int, full: bool = True) -> list:
    model = compiled()
    history = model.fit(x, y, batch_size=batch, epochs=2, shuffle=False, verbose=0).history
    found = [*history.values(), *model.get_weights()]
    if full:
        found += [model.evaluate(x[:16], y[:16], batch_size=batch, verbose=0)]
        found += [model.predict(x, batch_size=batch, verbose=0)]
    return found


def agree(found: list, expected: list) -> None:
    for ours, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=3e-5, atol=3e-6)


def split(shape: tuple) -> Any:
    layouts = D.LayoutMap(D.DeviceMesh(shape, ("batch", "model")))
    layouts[".*dense.*/kernel"] = (None, "model")
    return D.ModelParallel(layout_map=layouts, auto_shard_dataset=shape[0] == 1)


def own_rows(batch: int) -> np.ndarray:
    """The samples of this process: its half of each batch."""
    batches = (np.arange(len(X))[start:][:batch] for start in range(0, len(X), batch))
    return np.concatenate([np.array_split(rows, 2)[NUMBER] for rows in batches])


ONE: list = []  # of one device


def the_same_data_for_all():
    with D.DataParallel().scope():
        agree(trained(X, Y, 16), ONE)


def each_its_own_data():
    rows = own_rows(16)
    with D.DataParallel(auto_shard_dataset=False).scope():
        found = trained(X[rows], Y[rows], 8)  # the last batch has 5 here, which two devices share
    agree(found[:-2], ONE[:-2])
    agree(found[-1:], [ONE[-1][rows]])


def a_kernel_of_which_each_process_has_a_part():
    with split((1, 4)).scope():
        found = trained(X, Y, 16, full=False)
        model = compiled()
        kernel = model.layers[0].kernel
        assert not kernel.value.is_fully_addressable
        assert kernel.value.addressable_shards[0].data.shape == (6, 2)
        path = FOLDER / f"{NUMBER}.weights.h5"
        model.save_weights(path)
        weights = model.get_weights()
        other = compiled()
        other.layers[0].kernel.assign(np.zeros((6, 8)))
        other.load_weights(path)
        agree(other.get_weights(), weights)
    agree(found, ONE[:-2])


def batches_of_a_generator():
    def run(first: int, count: int, size: int) -> list:
        model = compiled()
        starts = range(first, 40, size)
        batches = [(X[i:][:count], Y[i:][:count]) for i in starts]
        return [*model.fit(iter(batches), verbose=0).history.values(), *model.get_weights()]

    one = run(0, 8, 8)
    with D.DataParallel(auto_shard_dataset=False).scope():
        agree(run(4 * NUMBER, 4, 8), one)


def only_the_first_prints_and_writes():
    log, weights = FOLDER / "log.csv", FOLDER / "{epoch}.weights.h5"
    callbacks = [
        keras.callbacks.CSVLogger(log),
        keras.callbacks.ModelCheckpoint(str(weights), verbose=1, save_weights_only=True),
        keras.callbacks.EarlyStopping("loss", patience=0, min_delta=100.0, verbose=1),
    ]
    called = []
    callbacks.append(
        keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: called.append(epoch))
    )
    with split((1, 4)).scope():
        model = compiled()
        model.fit(X[:32], Y[:32], batch_size=16, epochs=5, verbose=2, callbacks=callbacks)
        assert called == [0, 1], called  # stopped in both


def different_numbers_of_samples_are_refused():
    size = 20 + 4 * NUMBER
    with D.DataParallel(auto_shard_dataset=False).scope():
        try:
            compiled().fit(X[:size], Y[:size], verbose=0)
        except ValueError as error:
            assert "different numbers of samples: [20, 24]" in str(error), error
        else:
            raise AssertionError("not refused")


CASES = [
    the_same_data_for_all,
    each_its_own_data,
    a_kernel_of_which_each_process_has_a_part,
    batches_of_a_generator,
    only_the_first_prints_and_writes,
    different_numbers_of_samples_are_refused,
]


def main() -> None:
    D.initialize(ADDRESS, 2, NUMBER)
    failed: dict[str, str] = {}
    drawn = keras.random.SeedGenerator().seed
    assert D.get_device_count() == 4
    ONE.extend(trained(X, Y, 16))
    for run in CASES:
        try:
            run()
        except Exception:
            failed[run.__name__] = traceback.format_exc()
        finally:
            D.set_distribution(None)
    print("\n" + json.dumps({"failed": failed, "seed": drawn}), flush=True)


if __name__ == "__main__":
    main()
