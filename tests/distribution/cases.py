"""Cases that need eight devices; `test_distribution.py` runs this file once, in one process.

Its arguments name the cases. It prints a JSON object: the traceback of each that failed, by name.
"""

import json
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

import hornbook as keras
from hornbook.training.loop import Program

D = keras.distribution
CASES: dict[str, Callable] = {}
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(44, 6)).astype("float32")
Y = RANDOM.integers(0, 4, 44)


def case(function: Callable) -> Callable:
    CASES[function.__name__] = function
    return function


def parallel(**more: Any) -> Any:
    return D.DataParallel(**more)


def split(**more: Any) -> Any:
    """Kernels and biases of dense layers over four devices, batches over two."""
    layouts = D.LayoutMap(D.DeviceMesh((2, 4), ("batch", "model")))
    layouts[".*dense.*/kernel"] = (None, "model")
    layouts[".*dense.*/bias"] = ("model",)
    return D.ModelParallel(layout_map=layouts, batch_dim_name="batch", **more)


def network() -> Any:
    keras.utils.clear_session()
    keras.utils.set_random_seed(3)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(8, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.4),
            layers.Dense(4, activation="softmax"),
        ]
    )


def compiled() -> Any:
    model = network()
    optimizer = keras.optimizers.Adam(0.02, use_ema=True, gradient_accumulation_steps=2)
    model.compile(optimizer, "sparse_categorical_crossentropy", weighted_metrics=["accuracy"])
    return model


def trained() -> tuple[Any, list]:
    """A model, and all the numbers that its training gives; the last batch has 12 samples of 32."""
    model = compiled()
    weights = np.linspace(0.5, 1.5, len(X)).astype("float32")
    settings: Any = {"epochs": 3, "verbose": 0, "class_weight": {0: 2.0, 1: 1.0, 2: 1.0, 3: 0.5}}
    history = model.fit(X, Y, sample_weight=weights, validation_data=(X[:32], Y[:32]), **settings)
    found = [*history.history.values(), model.evaluate(X[:32], Y[:32], verbose=0)]
    found += [model.train_on_batch(X[:12], Y[:12]), model.test_on_batch(X[:32], Y[:32])]
    return model, [*found, model.predict(X, verbose=0), *model.get_weights()]


def agree(found: list, expected: list) -> None:
    for ours, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=2e-5, atol=2e-6)


ONE: list = trained()[1]


def specs(variables: list) -> dict[str, tuple]:
    return {v.path: tuple(v.value.sharding.spec) for v in variables}


@case
def data_parallel_gives_the_numbers_of_one_device():
    with parallel().scope():
        model, found = trained()
        for variable in (*model.variables, *model.optimizer.variables):
            assert variable.value.sharding.is_fully_replicated
            assert len(variable.value.sharding.device_set) == 8
    agree(found, ONE)


@case
def model_parallel_gives_them_with_each_device_keeping_its_part():
    with split().scope():
        model, found = trained()
        kernel, bias = model.layers[0].kernel, model.layers[0].bias
        assert kernel.value.addressable_shards[0].data.shape == (6, 2)
        assert tuple(bias.value.sharding.spec) == ("model",)
        slots = [v for v in model.optimizer.variables if "dense_kernel" in v.path]
        assert len(slots) == 4  # momentum, velocity, average, accumulator
        assert all(tuple(v.value.sharding.spec) == (None, "model") for v in slots)
        goes_back(model, found)
        files(model)
    agree(found, ONE)


def goes_back(model: Any, found: list) -> None:
    """The model on one device again, and then on eight."""
    before = D.distribution()
    D.set_distribution(None)
    agree([model.predict(X, verbose=0)], [found[-8 - 1]])
    assert {len(v.value.sharding.device_set) for v in model.variables} == {1}
    D.set_distribution(before)
    agree([model.predict(X[:16], verbose=0)], [found[-8 - 1][:16]])
    assert len(model.layers[0].kernel.value.sharding.device_set) == 8


def files(model: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.weights.h5"
        model.save_weights(path)
        other = compiled()
        other.load_weights(path)
        assert specs(other.variables) == specs(model.variables)
        agree(other.get_weights(), model.get_weights())
        model.save(Path(folder) / "m.keras")
        D.set_distribution(None)
        agree(keras.saving.load_model(Path(folder) / "m.keras").get_weights(), model.get_weights())
        D.set_distribution(split())


class Custom(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(4)

    def call(self, x):
        return self.dense(x)

    def train_step(self, state, data):
        trainable, others, slots, metrics = state
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        gradient = jax.value_and_grad(
            lambda now: self.compute_loss_and_updates(now, others, metrics, x, y, None, True),
            has_aux=True,
        )
        (loss, (_, _, others, metrics)), gradients = gradient(trainable)
        trainable, slots = self.optimizer.stateless_apply(slots, gradients, trainable)
        return {"mine": loss}, (trainable, others, slots, metrics)


@case
def a_custom_step_over_a_generator():
    def run() -> list:
        keras.utils.clear_session()
        keras.utils.set_random_seed(1)
        model = Custom()
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        batches = ((X[i : i + 8], Y[i : i + 8]) for i in (0, 8, 16, 24))
        history = model.fit(batches, verbose=0)
        return [history.history["mine"], *model.get_weights()]

    one = run()
    with parallel().scope():
        agree(run(), one)


@case
def many_steps_are_one_dispatch():
    started: list[tuple] = []
    start = Program.start

    def counted(self, slab, first, stop, *more):
        started.append((first, stop))
        return start(self, slab, first, stop, *more)

    Program.start = counted
    try:
        with parallel().scope():
            model = compiled()
            model.fit(X[:40], Y[:40], batch_size=8, verbose=0, epochs=6, shuffle=False)
    finally:
        Program.start = start
    assert (0, 5) in started, started  # how soon depends on measured times


def mixed_inputs() -> tuple:
    layers = keras.layers
    keras.utils.clear_session()
    keras.utils.set_random_seed(5)
    image, words = keras.Input((6, 6, 16), name="image"), keras.Input((6,), dtype="int32")
    a = layers.MaxPooling2D()(layers.Conv2D(16, 3, activation="relu")(image))
    b = layers.Embedding(300, 16)(words)
    b = layers.LayerNormalization()(layers.MultiHeadAttention(2, 8)(b, b))
    b = layers.LSTM(16)(b)
    joined = layers.Concatenate()([layers.Flatten()(a), b])
    model = keras.Model([image, words], layers.Dense(3)(joined))
    draw = np.random.default_rng(1)
    x = [draw.normal(size=(16, 6, 6, 16)).astype("float32"), draw.integers(0, 300, (16, 6))]
    return model, x, draw.normal(size=(16, 3)).astype("float32")


@case
def no_compiled_kernel_is_called():
    def run() -> list:
        model, x, y = mixed_inputs()
        model.compile("adam", "mse")
        return [model.train_on_batch(x, y), *model.get_weights()]

    one = run()
    with parallel().scope():
        found = run()
        model, x, _ = mixed_inputs()

        def outputs(x):
            return model(x)

        assert "hornbook" not in jax.jit(outputs).lower(x).as_text().replace("hornbook_dots", "")
        np.testing.assert_allclose(model(x), model.predict(x, verbose=0), rtol=1e-4, atol=1e-5)
    for ours, wanted in zip(found, one, strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=1e-3, atol=2e-4)


@case
def a_step_in_python():
    with parallel().scope():
        model = network()
        model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
        loss = model.train_on_batch(X[:8], Y[:8])
    again = network()
    again.compile("sgd", "sparse_categorical_crossentropy")
    agree([loss, *model.get_weights()], [again.train_on_batch(X[:8], Y[:8]), *again.get_weights()])


@case
def what_cannot_be_split_is_whole_on_each_device():
    with parallel().scope(), warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        model = network()
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(X[:20], Y[:20], batch_size=10, verbose=0)
    texts = [str(one.message) for one in heard]
    assert any("10 samples cannot be split evenly over the 8 devices" in text for text in texts)
    assert any("such as 16" in text for text in texts)


@case
def outputs_of_layers_are_laid_out():
    layouts = D.LayoutMap(D.DeviceMesh((2, 4), ("batch", "model")))
    layouts[".*dense/output"] = ("batch", "model")
    with D.ModelParallel(layout_map=layouts).scope():
        model = network()
        out = model.layers[0](X[:8])
        assert tuple(out.sharding.spec) == ("batch", "model")
        assert "sdy.sharding_constraint" in jax.jit(model.layers[0]).lower(X[:8]).as_text()


@case
def arrays_and_variables_with_layouts_of_their_own():
    mesh = D.DeviceMesh((8,), ("model",))
    layout = D.TensorLayout(("model", None), mesh)
    for array in (np.ones((8, 2)), jax.numpy.ones((8, 2))):
        found = D.distribute_tensor(array, layout)
        assert tuple(found.sharding.spec) == ("model", None)
        assert D.distribute_tensor(found, layout) is found
    inside = jax.jit(lambda a: D.distribute_tensor(a * 2, layout))(np.ones((8, 2), "float32"))
    assert tuple(inside.sharding.spec)[0] == "model"
    assert D.distribute_tensor(keras.Input((3,)), layout).shape == (None, 3)
    variable = keras.Variable(np.ones((8, 2), "float32"), layout=layout)
    variable.assign(np.zeros((8, 2)))
    assert tuple(variable.value.sharding.spec) == ("model", None)


@case
def layouts_that_do_not_fit_are_refused():
    for axes, text in {
        ("model", None): "dense/kernel', shape (6, 8), cannot be split",
        (None, None, "model"): "is for 3 axes; its shape is (6, 8)",
    }.items():
        layouts = D.LayoutMap(D.DeviceMesh((2, 4), ("batch", "model")))
        layouts[".*dense/kernel"] = axes
        with D.ModelParallel(layout_map=layouts).scope():
            try:
                network()
            except ValueError as error:
                assert text in str(error), error
            else:
                raise AssertionError(axes)


@case
def variables_lie_where_keras_puts_them():
    import keras as theirs

    def found(k: Any) -> list:
        d = k.distribution
        layouts = d.LayoutMap(d.DeviceMesh((2, 4), ("batch", "model"), d.list_devices()))
        layouts[".*dense.*kernel"] = (None, "model")
        layouts[".*dense.*bias"] = ("model",)
        layouts[".*conv2d.*kernel"] = (None, None, None, "model")
        k.utils.clear_session()
        with d.ModelParallel(layout_map=layouts, batch_dim_name="batch").scope():
            inputs = k.Input((5, 5, 3))
            x = k.layers.Conv2D(4, 3)(inputs)
            x = k.layers.Dense(8)(k.layers.Flatten()(k.layers.BatchNormalization()(x)))
            model = k.Model(inputs, k.layers.Dense(4)(x))
            model.compile(k.optimizers.SGD(0.1, momentum=0.9))
            model.optimizer.build(model.trainable_variables)
            variables = [*model.variables, *model.optimizer.variables]
            return [(v.path, v.value.sharding) for v in variables]

    ours, wanted = dict(found(keras)), dict(found(theirs))
    assert len(ours) == len(wanted) > 15
    for (path, here), there in zip(ours.items(), wanted.values(), strict=True):
        rank = max(len(here.spec), len(there.spec))
        assert here.is_equivalent_to(there, rank), (path, here, there)
    assert D.list_devices() == theirs.distribution.list_devices() == [f"cpu:{i}" for i in range(8)]
    assert D.get_device_count() == theirs.distribution.get_device_count("CPU") == 8


def main() -> None:
    failed: dict[str, str] = {}
    for name in sys.argv[1:]:
        try:
            CASES[name]()
        except Exception:
            failed[name] = traceback.format_exc()
        finally:
            D.set_distribution(None)
    print(json.dumps(failed))


if __name__ == "__main__":
    main()
