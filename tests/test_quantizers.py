"""Quantizers, against Keras's."""

import keras as reference
import numpy as np
import pytest

import hornbook as keras
from tests.parity.helper import floats, same

INTEGERS = np.random.default_rng(0).integers(-8, 8, (5, 7, 3)).astype("int8")


@pytest.mark.parametrize("to_numpy", [True, False])
@pytest.mark.parametrize("axis", [0, -1, (0, 1)])
def test_integers_and_scales_are_keras_s(axis, to_numpy):
    given = floats(6, 5)
    ours, theirs = (
        m.quantizers.abs_max_quantize(given, axis, to_numpy=to_numpy) for m in (keras, reference)
    )
    for one, two in zip(ours, theirs, strict=True):
        assert one.dtype == two.dtype
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("to_numpy", [True, False])
def test_blocks_are_keras_s(to_numpy):
    given = floats(21, 5)
    ours, theirs = (
        m.quantizers.abs_max_quantize_grouped_with_zero_point(given, 8, to_numpy=to_numpy)
        for m in (keras, reference)
    )
    for one, two in zip(ours, theirs, strict=True):
        assert one.dtype == two.dtype
        np.testing.assert_array_equal(one, two)


def test_a_block_of_values_of_one_sign_is_kept():
    """Keras's formula gives 0.1 and -0.1, because its zero point must be among the integers."""
    given = np.stack([floats(8, low=4, high=5), -floats(8, low=4, high=5)], 1)
    values, scale, zero = keras.quantizers.abs_max_quantize_grouped_with_zero_point(given, 8)
    restored = (np.float32(values) - np.float32(zero)) * np.asarray(scale)
    np.testing.assert_allclose(restored, given, atol=0.2)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_pairs_of_integers_share_a_byte_as_in_keras(axis):
    (packed, *ours), (expected, *theirs) = (
        m.quantizers.pack_int4(INTEGERS, axis) for m in (keras, reference)
    )
    np.testing.assert_array_equal(packed, expected)
    assert ours == theirs
    restored = keras.quantizers.unpack_int4(packed, INTEGERS.shape[axis], axis)
    np.testing.assert_array_equal(restored, INTEGERS)
    unsigned = keras.quantizers.pack_int4((INTEGERS & 15).astype("uint8"), axis, "uint8")[0]
    restored = keras.quantizers.unpack_int4(unsigned, INTEGERS.shape[axis], axis, "uint8")
    np.testing.assert_array_equal(restored, INTEGERS & 15)


@pytest.mark.parametrize("options", [{}, {"num_bits": 3}, {"narrow_range": True}])
def test_fake_quantization_and_its_gradients_are_keras_s(options):
    names = "fake_quant_with_min_max_vars"
    ours, theirs = (getattr(m.quantizers, names) for m in (keras, reference))
    same(ours, theirs, floats(4, 5), np.float32(-1.3), np.float32(1.1), **options)
    limits = floats(5, low=-2, high=-0.5), floats(5, low=0.5, high=2)
    same(ours, theirs, floats(4, 5), *limits, axis=1, **options)


def test_the_parts_of_float8_are_keras_s():
    scale, history = np.float32(0.5), floats(4, low=0)
    for name, args in {
        "quantize_and_dequantize": (floats(3, 4), scale, "float8_e4m3fn", "float32"),
        "compute_float8_scale": (history, np.full(4, scale), np.float32(448)),
        "compute_float8_amax_history": (floats(3, 4), history),
    }.items():
        ours, theirs = (getattr(m.quantizers, name)(*args) for m in (keras, reference))
        np.testing.assert_array_equal(ours, theirs, err_msg=name)
    assert keras.quantizers.compute_float8_scale(0.0, 3.0, 448.0) == 3
    assert keras.quantizers.compute_float8_scale(np.inf, 3.0, 448.0) == 3


CONFIGS = {
    "int8": lambda q: q.Int8QuantizationConfig(q.AbsMaxQuantizer(axis=0), None),
    "int4": lambda q: q.Int4QuantizationConfig(block_size=32),
    "float8": lambda q: q.Float8QuantizationConfig(),
    "quantizer": lambda q: q.AbsMaxQuantizer(value_range=(-5, 5)),
}


@pytest.mark.parametrize("make", CONFIGS.values(), ids=CONFIGS)
def test_settings_are_written_as_keras_writes_them(make):
    ours, theirs = (m.quantizers.serialize(make(m.quantizers)) for m in (keras, reference))
    assert ours == theirs
    again = keras.quantizers.deserialize(theirs)
    assert keras.quantizers.serialize(again) == theirs
    assert keras.quantizers.get(again) is again


WRONG = {
    "range": lambda q: q.AbsMaxQuantizer(value_range=(-129, 127)),
    "dtype": lambda q: q.Int8QuantizationConfig(q.AbsMaxQuantizer(output_dtype="int32")),
    "int4's range": lambda q: q.Int4QuantizationConfig(q.AbsMaxQuantizer(), block_size=None),
    "quantizer of blocks": lambda q: q.Int4QuantizationConfig(q.AbsMaxQuantizer(0, (-8, 7))),
    "block size": lambda q: q.Int4QuantizationConfig(block_size=0),
    "packed dtype": lambda q: q.pack_int4(INTEGERS, dtype="int32"),
    "not packed": lambda q: q.unpack_int4(np.zeros(3), 6),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_keras_refuses_is_refused(wrong):
    for m in (reference, keras):
        with pytest.raises((ValueError, TypeError)):
            wrong(m.quantizers)
