"""Seeds: what repeats, and what differs."""

import random

import jax
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers
from hornbook.core.random import SeedGenerator, draw_seed, global_generator, key_from
from hornbook.core.variable import bind


def bits(key):
    return jax.random.key_data(key).tolist()


def test_set_random_seed_repeats_python_numpy_seeds_and_keys():
    def draws():
        keras.utils.set_random_seed(5)
        return (
            random.random(),
            np.random.rand(),
            draw_seed(),
            bits(key_from()),
            bits(SeedGenerator().next()),
            keras.random.normal((2,)).tolist(),
        )

    first = draws()
    assert draws() == first
    keras.utils.set_random_seed(6)
    assert all(a != b for a, b in zip(first[:3], (random.random(), np.random.rand(), draw_seed())))


@pytest.mark.parametrize("wrong", [-1, 2**32, 1.0, None, "1", True])
def test_a_seed_that_is_none_is_refused(wrong):
    with pytest.raises(ValueError, match="a seed is an integer from 0 to"):
        keras.utils.set_random_seed(wrong)


def trained():
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(5, "relu"), layers.Dropout(0.5), layers.Dense(1)]
    )
    model.compile("adam", "mse")
    x = np.random.rand(16, 4).astype("float32")
    history = model.fit(x, x[:, :1], batch_size=8, epochs=2, verbose=0).history
    return history["loss"], model.get_weights()


def test_a_whole_run_is_bit_exact_after_set_random_seed():
    (losses, weights), (again, weights_again) = trained(), trained()
    assert losses == again
    for a, b in zip(weights, weights_again):
        assert a.tobytes() == b.tobytes()


def test_a_seed_generator_gives_other_keys_each_time_and_repeats_from_its_seed():
    a, b = SeedGenerator(1), SeedGenerator(1)
    keys = [bits(a.next()) for _ in range(4)]
    assert [bits(b.next()) for _ in range(4)] == keys
    assert len({tuple(key) for key in keys}) == 4
    assert bits(SeedGenerator(2).next()) not in keys


def test_two_generators_without_a_seed_differ():
    assert SeedGenerator().seed != SeedGenerator().seed


@pytest.mark.parametrize("wrong", [1.0, "1", True, [1]])
def test_a_generator_s_seed_is_an_integer(wrong):
    with pytest.raises(ValueError, match="seed must be an integer or None"):
        SeedGenerator(wrong)


def test_a_generator_comes_back_from_its_config():
    generator = SeedGenerator()
    assert bits(SeedGenerator.from_config(generator.get_config()).next()) == bits(generator.next())


def test_the_state_of_a_generator_goes_through_bind():
    generator = SeedGenerator(1)
    start = generator.state.value
    with bind({generator.state: start}) as scope:
        inside = bits(generator.next())
    assert scope[generator.state].tolist() == [1, 1]
    assert generator.state.numpy().tolist() == [1, 0]
    assert bits(generator.next()) == inside


def test_key_from_takes_every_form_of_seed():
    key = jax.random.key(3)
    assert key_from(key) is key
    assert bits(key_from(3)) == bits(key_from(3)) == bits(key_from(np.int64(3)))
    assert bits(key_from()) != bits(key_from())
    generator = SeedGenerator(4)
    assert bits(key_from(generator)) != bits(key_from(generator))
    assert global_generator() is global_generator()


def test_a_seed_is_no_weight_of_a_layer():
    layer = layers.Dropout(0.5, seed=1)
    layer(np.ones((2, 2)), training=True)
    assert layer.weights == []
    assert [v.kind for v in layer.variables] == ["seed"]
