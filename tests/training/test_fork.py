"""A forked process lacks the engine's threads, and raises instead of waiting for them."""

import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

SETUP = """
    import os, signal, warnings
    import numpy as np
    import hornbook as keras
    warnings.simplefilter("ignore")
    x, y = np.ones((8, 2), "float32"), np.ones((8, 1), "float32")

    def make():
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(x, y, verbose=0)
        return model

    def forked(work):
        child = os.fork()
        if not child:
            signal.alarm(60)
            try:
                work()
                said = "done"
            except RuntimeError as error:
                said = "spawn" if 'get_context("spawn")' in str(error) else repr(error)
            print(said, flush=True)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
"""


def run(text):
    program = textwrap.dedent(SETUP) + textwrap.dedent(text)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_after_training_a_forked_process_is_told_at_once_what_to_do():
    said = run("""
        model = make()
        works = [
            lambda: model.fit(x, y, verbose=0),
            lambda: model.evaluate(x, y, verbose=0),
            lambda: model.predict(x, verbose=0),
            lambda: model.train_on_batch(x, y),
            lambda: model.predict_on_batch(x),
            lambda: model(x),
            lambda: keras.ops.add(1.0, 2.0),
            lambda: keras.random.normal((3,)),
            lambda: keras.Variable([1.0]),
            make,
        ]
        for work in works:
            forked(work)
        make()  # the first process goes on
        print("whole")
    """)
    assert said == ["spawn"] * 10 + ["whole"]


def test_weights_can_be_read_in_a_forked_process():
    assert run("model = make(); forked(model.get_weights)") == ["done"]


def test_a_process_forked_before_anything_is_computed_trains():
    assert run("forked(make); make()") == ["done"]
