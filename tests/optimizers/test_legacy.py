"""`optimizers.legacy`: today's optimizers with the arguments of TensorFlow's old ones."""

import keras as reference
import numpy as np
import pytest

import hornbook as keras

legacy = keras.optimizers.legacy


@pytest.mark.parametrize("name", "Adagrad Adam Ftrl RMSprop SGD".split())
def test_an_old_name_makes_today_s_optimizer(name):
    today = getattr(keras.optimizers, name)
    for made in (getattr(legacy, name)(0.3), getattr(legacy, name)(lr=0.3)):
        assert type(made) is today
        assert made.get_config() | {"name": ""} == today(0.3).get_config() | {"name": ""}
    described = keras.optimizers.serialize(getattr(legacy, name)(lr=0.3))
    assert reference.optimizers.deserialize(described).learning_rate == np.float32(0.3)
    assert issubclass(keras.optimizers.Adam, legacy.Optimizer)


def test_decay_divides_the_rate():
    w = keras.Variable([0.0])
    made = legacy.SGD(learning_rate=0.5, decay=0.1)
    expected = 0.0
    for step in range(3):
        made.apply([np.ones(1, "float32")], [w])
        expected -= 0.5 / (1 + 0.1 * step)
    np.testing.assert_allclose(w.numpy(), expected, rtol=1e-6)
    assert float(legacy.Adam(decay=0.1).learning_rate) == np.float32(0.001)


def test_contradictions_are_told():
    with pytest.raises(ValueError, match="Adam got learning_rate and lr"):
        legacy.Adam(0.1, lr=0.2)
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)
    with pytest.raises(ValueError, match="SGD got a schedule and decay"):
        legacy.SGD(schedule, decay=0.1)
    with pytest.raises(ValueError, match="momentun"):
        legacy.SGD(momentun=0.1)
