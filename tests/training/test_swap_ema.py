"""Moving averages of the weights in evaluation, as in Keras."""

import numpy as np
import pytest

import hornbook as keras

rng = np.random.default_rng(0)
X = rng.normal(size=(32, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def trained(keras, folder, optimizer, **options):
    """Logs, the weights that each epoch's end and `predict` saw, and those at the end."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.set_weights([np.full((3, 1), 0.5, "float32"), np.zeros(1, "float32")])
    model.compile(optimizer, "mse")
    seen = []

    class See(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.extend(np.array(w) for w in self.model.get_weights())

    swap = keras.callbacks.SwapEMAWeights(**options)
    history = model.fit(
        X, Y, epochs=3, batch_size=8, shuffle=False, verbose=0, validation_data=(X, Y),
        callbacks=[swap, See()],
    )  # fmt: skip
    return history.history, [*seen, *model.get_weights()], model


@pytest.mark.parametrize(
    ("swap_on_epoch", "frequency", "several"), [(False, None, False), (True, 3, True)]
)
def test_values_are_those_of_keras(tmp_path, swap_on_epoch, frequency, several):
    theirs = pytest.importorskip("keras")

    def optimizer(keras):
        made = keras.optimizers.SGD(
            0.05, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=frequency
        )
        if not several:
            return keras.optimizers.LossScaleOptimizer(made, initial_scale=1.0)
        plain = keras.optimizers.SGD(0.1)
        return keras.optimizers.MultiOptimizer(lambda v: plain if len(v.shape) < 2 else made)

    ours = trained(keras, tmp_path, optimizer(keras), swap_on_epoch=swap_on_epoch)
    expected = trained(theirs, tmp_path, optimizer(theirs), swap_on_epoch=swap_on_epoch)
    for name, values in expected[0].items():
        np.testing.assert_allclose(ours[0][name], values, rtol=1e-5, err_msg=name)
    for one, other in zip(ours[1], expected[1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_the_averages_stay_when_training_stops_early_and_the_weights_after_predict(tmp_path):
    optimizer = keras.optimizers.SGD(0.05, use_ema=True, ema_momentum=0.8)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(optimizer, "mse")
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    assert model.evaluate(X, Y, verbose=0, callbacks=[swap]) == model.evaluate(X, Y, verbose=0)
    stop = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", True)
    )
    save = keras.callbacks.ModelCheckpoint(tmp_path / "a.weights.h5", save_weights_only=True)
    model.fit(X, Y, epochs=3, verbose=0, callbacks=[swap, save, stop])
    averages = [v.numpy() for v in optimizer._averages.values()]
    weights = model.get_weights()
    np.testing.assert_array_equal(weights[0], averages[0])
    other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    other.load_weights(tmp_path / "a.weights.h5")
    np.testing.assert_array_equal(other.get_weights()[0], averages[0])
    with_averages = model.predict(X, verbose=0)
    model.set_weights([w + 1 for w in weights])
    once = keras.callbacks.SwapEMAWeights()
    np.testing.assert_array_equal(model.predict(X, verbose=0, callbacks=[once]), with_averages)
    np.testing.assert_array_equal(model.get_weights()[0], weights[0] + 1)


def test_an_optimizer_without_averages_is_told():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="the optimizer sgd.* keeps no moving averages"):
        model.fit(X, Y, verbose=0, callbacks=[keras.callbacks.SwapEMAWeights()])
