"""Symbolic calls of like layers are traced once."""

import pytest

import hornbook as keras
from hornbook import layers
from hornbook.layers import recorded, remembered


@pytest.fixture
def traced(monkeypatch):
    """The layers whose calls are traced."""
    found = []
    monkeypatch.setattr(remembered, "_specs", {})
    infer = recorded.infer

    def counted(fn, args, kwargs):
        found.append(1)
        return infer(fn, args, kwargs)

    monkeypatch.setattr(recorded, "infer", counted)
    return found


def test_a_like_layer_is_not_traced_again(traced):
    x = keras.Input((8, 8, 3))
    outputs = [layers.Conv2D(4, 3, name=name)(x) for name in ("one", "two")]
    assert len(traced) == 1 and [y.shape for y in outputs] == [(None, 6, 6, 4)] * 2
    assert [y.node.op.name for y in outputs] == ["one", "two"]
    assert outputs[1].node.op._output_shapes == [(None, 6, 6, 4)]
    for other in (layers.Conv2D(4, 3, padding="same"), layers.Conv2D(4, 3, dtype="float16")):
        assert (other(x).shape, other(x).dtype) != (outputs[0].shape, outputs[0].dtype)
    changed = layers.Conv2D(4, 3)
    changed.padding = "same"
    assert changed(x).shape == (None, 8, 8, 4)
    assert layers.Conv2D(4, 3)(keras.Input((9, None, 3))).shape == (None, 7, None, 4)


def test_what_is_not_known_is_traced(traced):
    class Mine(layers.Layer):
        def call(self, x):
            return x

    x = keras.Input((3,))
    for make in (Mine, lambda: layers.Lambda(lambda x: x), lambda: layers.Activation(lambda x: x)):
        before = len(traced)
        make()(x), make()(x)
        assert len(traced) == before + 2


def test_inputs_are_checked_all_the_same(traced):
    first, second = layers.Dense(2), layers.Dense(2)
    first(keras.Input((3,)))
    second(keras.Input((3,)))
    with pytest.raises(ValueError, match="3"):
        second(keras.Input((4,)))
    masked = layers.Masking()(keras.Input((5, 3)))
    assert layers.LSTM(2)(masked).mask is None and masked.mask is not None
