"""The settings of `keras.config` that say what there is only one of, and `utils.Config`."""

import copy
import pickle

import keras as reference
import numpy as np
import pytest

import hornbook as keras


def test_the_only_backend_is_accepted_and_others_are_refused():
    keras.config.set_backend("jax")
    for name in ("tensorflow", "torch", "numpy", None):
        with pytest.raises(ValueError, match="only backend is 'jax'"):
            keras.config.set_backend(name)
    assert keras.config.is_nnx_enabled() is reference.config.is_nnx_enabled() is False


def test_unsafe_deserialization_stays_off():
    code = {"class_name": "__lambda__", "config": {"value": ["4wA=", None, None]}}
    with pytest.warns(UserWarning, match="never run here(?s:.*)custom_objects"):
        keras.config.enable_unsafe_deserialization()
    with pytest.raises(ValueError, match="never run"):
        keras.saving.deserialize_keras_object(code, safe_mode=False)


def made(library):
    config = library.utils.Config(rate=0.1, name="first")
    config.seed = 123
    config["steps"] = 4
    config.update(rate=0.2)
    config.pop("steps")
    return config


def test_a_config_is_that_of_keras():
    ours, theirs = made(keras), made(reference)
    for said in ("as_dict", "to_json"):
        assert getattr(ours, said)() == getattr(theirs, said)()
    for said in ("keys", "values", "items"):
        assert list(getattr(ours, said)()) == list(getattr(theirs, said)())
    assert list(ours) == list(theirs) == ["name", "rate", "seed"] and len(ours) == 3
    assert (ours.rate, ours["seed"], ours.get("none", 7), "seed" in ours) == (0.2, 123, 7, True)
    assert repr(ours) == repr(theirs)
    del ours["seed"]
    assert "seed" not in ours
    assert copy.deepcopy(ours).as_dict() == pickle.loads(pickle.dumps(ours)).as_dict()


def test_a_frozen_config_cannot_be_changed():
    config = made(keras)
    config.freeze()
    assert config.frozen
    changes = [
        lambda: setattr(config, "seed", 1),
        lambda: config.update(seed=1),
        lambda: config.pop("seed"),
        lambda: config.__setitem__("seed", 1),
        lambda: config.__delitem__("seed"),
    ]
    for change in changes:
        with pytest.raises(ValueError, match="frozen"):
            change()
    config.unfreeze()
    config.seed = 5
    assert config.seed == 5
    with pytest.raises(AttributeError, match=r"no value 'sede'. Did you mean 'seed'"):
        config.sede  # noqa: B018
    with pytest.raises(AttributeError, match="'items' is a method"):
        config.items = 3


def test_source_inputs_are_those_of_keras():
    def sources(library):
        a, b, c = (library.Input((3,), name=name) for name in "abc")
        dense = library.layers.Dense(3)
        y = dense(a) + library.ops.tanh(dense(b) * c) + a
        return [one.name for one in library.utils.get_source_inputs(y)], (
            library.utils.get_source_inputs(a)[0] is a
        )

    assert sources(keras) == sources(reference) == (["a", "b", "c"], True)
    assert keras.utils.get_source_inputs(3) == 3


def test_losses_in_a_symbolic_scope_do_not_count():
    layer = keras.layers.ActivityRegularization(l2=1.0)
    with keras.StatelessScope(collect_losses=True) as outer, keras.SymbolicScope() as scope:
        layer(np.ones((1, 2), "float32"))
        assert isinstance(scope, keras.SymbolicScope)
    assert outer.losses == [] and layer.losses == []
    layer(np.ones((1, 2), "float32"))
    assert len(layer.losses) == 1
