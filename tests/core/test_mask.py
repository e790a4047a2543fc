"""Masks travel beside arrays, through layers and models, eagerly, symbolically and under jit."""

import gc
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hornbook
from hornbook import layers
from hornbook.core import mask as masks
from hornbook.core.mask import get_mask, get_masks, set_mask

IDS = np.array([[1, 2, 0, 0], [3, 1, 2, 0]])
REAL = IDS != 0


def embedded():
    return layers.Embedding(4, 3, mask_zero=True)


# ---- the table


def test_a_mask_belongs_to_one_array():
    a, b = jnp.ones(2), jnp.ones(2)
    set_mask(a, REAL)
    assert get_mask(a) is REAL
    assert get_mask(b) is None
    set_mask(a, None)
    assert get_mask(a) is None


def test_a_mask_goes_when_its_array_does():
    a = jnp.ones(3) + 1
    set_mask(a, REAL)
    count = len(masks._masks)
    del a
    gc.collect()
    assert len(masks._masks) == count - 1


def test_masks_of_a_structure_have_its_form():
    a, b = jnp.ones(2), jnp.ones(2)
    assert get_masks([a, {"b": b}]) is None
    set_mask(b, REAL)
    assert get_masks([a, {"b": b}]) == [None, {"b": REAL}]


# ---- through layers


def tagged(*outputs):
    return [None if get_mask(o) is None else np.asarray(get_mask(o)).tolist() for o in outputs]


def test_embedding_makes_the_mask_and_dense_passes_it_on():
    x = embedded()(IDS)
    y = layers.Dense(2)(x)
    z = layers.Activation("relu")(layers.Dropout(0.5)(y))
    assert tagged(x, y, z) == [REAL.tolist()] * 3


def test_masking_makes_a_mask_from_values():
    x = np.array([[[1.0, 2.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 3.0]]], "float32")
    y = layers.Masking()(x)
    assert tagged(y) == [[[True, False], [False, True]]]


@pytest.mark.parametrize("sequences", [False, True])
def test_a_recurrent_layer_uses_the_mask_and_ends_or_passes_it(sequences):
    lstm = layers.LSTM(2, return_sequences=sequences)
    y = lstm(embedded()(IDS))
    assert tagged(y) == [REAL.tolist() if sequences else None]


def test_padding_does_not_change_what_an_lstm_says():
    embedding, lstm = embedded(), layers.LSTM(2)
    padded = lstm(embedding(np.array([[1, 2, 0, 0]])))
    np.testing.assert_allclose(padded, lstm(embedding(np.array([[1, 2]]))), atol=1e-6)
    unmasked = layers.Embedding(4, 3)
    unmasked(IDS)
    unmasked.set_weights(embedding.get_weights())
    different = lstm(unmasked(np.array([[1, 2, 0, 0]])))
    assert not np.allclose(padded, different, atol=1e-6)


def chains():
    ids = hornbook.Input((None,), dtype="int32")
    h = embedded()(ids)
    forward = layers.LSTM(2, return_sequences=True)(h)
    both = layers.Bidirectional(layers.GRU(2, return_sequences=True))(h)
    joined = layers.Concatenate()([forward, both])
    each = layers.TimeDistributed(layers.Dense(2))(joined)
    return ids, [h, forward, both, joined, each, layers.SimpleRNN(2)(each)]


def test_a_functional_model_carries_the_mask_from_embedding_to_the_last_rnn():
    ids, steps = chains()
    assert [t.mask is not None for t in steps] == [True] * 5 + [False]
    assert all(t.mask.shape == (None, None) for t in steps[:5])
    model = hornbook.Model(ids, steps)
    long = model(IDS)
    short = model(IDS[:1, :2])
    np.testing.assert_allclose(long[-1][:1], short[-1], atol=1e-6)


def test_the_mask_travels_under_jit():
    ids, steps = chains()
    model = hornbook.Model(ids, steps[-1])
    np.testing.assert_allclose(jax.jit(model)(jnp.asarray(IDS)), model(IDS), atol=1e-5)


def test_the_mask_leaves_a_nested_model():
    ids = hornbook.Input((None,), dtype="int32")
    inner = hornbook.Model(ids, layers.Dense(2)(embedded()(ids)))
    outer_in = hornbook.Input((None,), dtype="int32")
    h = inner(outer_in)
    assert h.mask is not None
    model = hornbook.Model(outer_in, layers.LSTM(2)(h))
    np.testing.assert_allclose(model(IDS)[:1], model(IDS[:1, :2]), atol=1e-6)
    assert tagged(inner(IDS)) == [REAL.tolist()]


def test_a_sequential_model_carries_the_mask():
    model = hornbook.Sequential([embedded(), layers.Dropout(0.1), layers.LSTM(2)])
    np.testing.assert_allclose(model(IDS)[:1], model(IDS[:1, :2]), atol=1e-6)


class Seen(layers.Layer):
    def __init__(self):
        super().__init__()
        self.supports_masking = True
        self.seen = []

    def call(self, inputs, mask=None):
        self.seen.append(mask)
        return inputs


def test_a_layer_gets_the_mask_as_an_argument_and_an_explicit_one_wins():
    layer, x = Seen(), embedded()(IDS)
    layer(x)
    other = jnp.ones((2, 4), bool)
    layer(x, mask=other)
    layer(jnp.ones((2, 4, 3)))
    assert layer.seen[0].tolist() == REAL.tolist()
    assert layer.seen[1] is other
    assert layer.seen[2] is None


def test_a_layer_with_several_inputs_gets_a_mask_for_each():
    layer, x = Seen(), embedded()(IDS)
    layer([x, jnp.ones((2, 4, 3))])
    mask, nothing = layer.seen[0]
    assert mask.tolist() == REAL.tolist()
    assert nothing is None


def test_masks_of_named_arguments_go_by_name():
    class Attend(layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, query, value, query_mask=None, value_mask=None):
            self.seen = (query_mask, value_mask)
            return query

    layer = Attend()
    layer(jnp.ones((2, 4, 3)), embedded()(IDS))
    assert layer.seen[0] is None
    assert layer.seen[1].tolist() == REAL.tolist()


def test_a_layer_s_own_compute_mask_is_used():
    class Half(layers.Layer):
        def call(self, x):
            return x[:, ::2]

        def compute_mask(self, inputs, previous_mask):
            return previous_mask[:, ::2]

    ids = hornbook.Input((4,), dtype="int32")
    y = Half()(embedded()(ids))
    assert y.mask.shape == (None, 2)
    assert tagged(Half()(embedded()(IDS))) == [REAL[:, ::2].tolist()]


def test_a_mask_survives_the_cast_to_the_compute_dtype():
    layer = Seen()
    layer.dtype_policy = hornbook.DTypePolicy("bfloat16")
    assert layer(embedded()(IDS)).dtype == "bfloat16"
    assert layer.seen[0].tolist() == REAL.tolist()


# ---- dropped masks


class Blind(layers.Layer):
    def call(self, x):
        return x * 2


def test_a_layer_that_drops_a_mask_warns_once_by_name():
    layer, x = Blind(name="blind"), embedded()(IDS)
    with pytest.warns(UserWarning, match="layer 'blind' .Blind. does not support masking"):
        assert tagged(layer(x)) == [None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(x)


def test_the_warning_comes_when_a_functional_model_is_built():
    ids = hornbook.Input((None,), dtype="int32")
    with pytest.warns(UserWarning, match="does not support masking: the mask of its input ends"):
        y = layers.Flatten()(embedded()(hornbook.Input((4,), dtype="int32")))
    assert y.mask is None
    assert ids.mask is None


def test_no_mask_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Blind()(layers.Embedding(4, 3)(IDS))
