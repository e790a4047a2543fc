"""Losses: shapes that do not fit, weights, masks, names, configs, and use in every mode."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hornbook as keras
from hornbook import losses
from hornbook.core import settings
from hornbook.core.config import custom_object_scope
from hornbook.core.mask import get_mask, set_mask
from hornbook.core.symbolic import SymbolicTensor
from hornbook.losses.resolve import resolve_crossentropy

ELEMENTWISE = [
    losses.mean_squared_error,
    losses.mean_absolute_error,
    losses.mean_absolute_percentage_error,
    losses.mean_squared_logarithmic_error,
    losses.cosine_similarity,
    losses.huber,
    losses.log_cosh,
    losses.poisson,
    losses.kl_divergence,
    losses.hinge,
    losses.squared_hinge,
    losses.binary_crossentropy,
    losses.binary_focal_crossentropy,
    losses.dice,
    losses.tversky,
]
ONE_HOT = [
    losses.categorical_crossentropy,
    losses.categorical_focal_crossentropy,
    losses.categorical_hinge,
]
SPARSE = [losses.sparse_categorical_crossentropy, losses.categorical_generalized_cross_entropy]


@pytest.mark.parametrize("loss", ELEMENTWISE)
@pytest.mark.parametrize("true", [(4,), (4, 1)])
def test_one_target_and_several_predictions_are_an_error(loss, true):
    with pytest.raises(ValueError) as error:
        loss(np.zeros(true), np.ones((4, 3)))
    for part in (loss.__name__, str(true), "(4, 3)", "Dense(1)", "sparse_categorical"):
        assert part in str(error.value)


@pytest.mark.parametrize("loss", ELEMENTWISE + ONE_HOT)
def test_several_targets_and_one_prediction_are_an_error(loss):
    with pytest.raises(ValueError, match=r"\(4, 3\) and \(4, 1\).*Dense\(3\)"):
        loss(np.zeros((4, 3)), np.ones((4, 1)))


@pytest.mark.parametrize("loss", ELEMENTWISE + ONE_HOT + SPARSE)
@pytest.mark.parametrize("true", [(4, 2), (3, 3), (1, 3), (4, 3, 3)])
def test_other_shapes_are_an_error(loss, true):
    with pytest.raises(ValueError, match=loss.__name__):
        loss(np.zeros(true), np.ones((4, 3)))


@pytest.mark.parametrize("loss", ONE_HOT)
@pytest.mark.parametrize("true", [(4,), (4, 1)])
def test_class_numbers_for_a_one_hot_loss_name_the_remedy(loss, true):
    with pytest.raises(
        ValueError, match=r"sparse_categorical_crossentropy.*to_categorical\(y, 3\)"
    ):
        loss(np.zeros(true, int), np.ones((4, 3)))


@pytest.mark.parametrize("loss", SPARSE)
def test_one_hot_targets_for_a_sparse_loss_name_the_remedy(loss):
    with pytest.raises(ValueError, match=r"one-hot.*'categorical_crossentropy'.*argmax"):
        loss(np.eye(3), np.ones((3, 3)))


def test_errors_also_come_from_loss_objects_and_compiled_code():
    loss = losses.MeanSquaredError()
    for call in (loss, jax.jit(loss)):
        with pytest.raises(ValueError, match=r"\(4, 1\) and \(4, 3\)"):
            call(np.zeros((4, 1)), np.ones((4, 3)))


@pytest.mark.parametrize(
    "loss", [losses.categorical_crossentropy, losses.sparse_categorical_crossentropy]
)
def test_one_class_is_warned_of(loss):
    with pytest.warns(SyntaxWarning, match="binary_crossentropy"):
        loss(np.zeros((4, 1)), np.ones((4, 1)))


def test_a_scalar_target_fits_every_shape():
    assert losses.mean_squared_error(1.0, np.zeros((2, 3))).tolist() == [1.0, 1.0]


def test_whole_predictions_do_not_cut_targets():
    assert float(losses.mean_absolute_error(np.array([[0.5]]), np.array([[1]]))[0]) == 0.5


@pytest.mark.parametrize(
    ("true", "pred"), [((2,), (2, 3, 4)), ((2, 3), (2, 4)), ((3, 3), (2, 3, 4))]
)
def test_ctc_of_other_shapes_is_an_error(true, pred):
    with pytest.raises(ValueError, match="ctc expects class indices"):
        losses.ctc(np.ones(true, int), np.ones(pred))


# ---- weights


def test_sample_weights_go_with_the_first_axis_even_in_a_square():
    y_true, y_pred = np.zeros((2, 2, 1)), np.array([[[1.0], [1.0]], [[2.0], [2.0]]])
    loss = losses.MeanAbsoluteError(reduction=None)
    found = loss(y_true, y_pred, sample_weight=[10.0, 1.0])
    assert found.tolist() == [[10.0, 10.0], [2.0, 2.0]]


@pytest.mark.parametrize("shape", [(3,), (4, 2), (4, 1, 1, 1), (1, 4)])
def test_weights_that_do_not_fit_are_an_error(shape):
    with pytest.raises(ValueError, match="sample_weight has shape"):
        losses.MeanSquaredError()(np.zeros((4, 3, 1)), np.zeros((4, 3, 1)), np.ones(shape))


def test_a_mask_that_does_not_fit_is_an_error():
    y_pred = jnp.ones((4, 3))
    set_mask(y_pred, jnp.ones((4, 3), bool))
    with pytest.raises(ValueError, match="mask of y_pred"):
        losses.MeanSquaredError()(np.zeros((4, 3)), y_pred)


def test_a_mask_with_sample_weights_of_the_first_axis():
    y_pred = jnp.array([[[1.0], [5.0]], [[2.0], [2.0]]])
    set_mask(y_pred, jnp.array([[True, False], [True, True]]))
    found = losses.MeanAbsoluteError()(jnp.zeros((2, 2, 1)), y_pred, np.array([10.0, 1.0]))
    np.testing.assert_allclose(found, (10 * 1 + 2 + 2) / 3, rtol=1e-6)


def test_a_mask_of_nothing_gives_zero_and_no_nan():
    y_pred = jnp.ones((2, 3, 1))
    set_mask(y_pred, jnp.zeros((2, 3), bool))
    assert float(losses.MeanSquaredError()(jnp.zeros((2, 3, 1)), y_pred)) == 0.0


@given(
    st.sampled_from([(1, 1), (2, 4), (4, 3)]),
    st.lists(st.integers(0, 3), min_size=4, max_size=4),
)
def test_whole_weights_count_as_repeated_samples(shape, numbers):
    n, d = shape
    weights = np.array(numbers[:n], "float32")
    y_true, y_pred = np.arange(n * d).reshape(n, d) * 0.5, np.ones((n, d))
    each = np.asarray(losses.mean_squared_error(y_true, y_pred))
    repeated = each.repeat(weights.astype(int))
    loss = losses.MeanSquaredError(reduction="mean_with_sample_weight")(y_true, y_pred, weights)
    np.testing.assert_allclose(loss, repeated.mean() if repeated.size else 0.0, rtol=1e-5)


def test_an_unknown_reduction_is_an_error():
    with pytest.raises(ValueError, match="reduction of Huber must be one of.*'average'"):
        losses.Huber(reduction="average")


# ---- dtypes and modes


def test_the_loss_is_computed_in_its_dtype():
    y = jnp.ones((2, 2), "bfloat16")
    assert losses.MeanSquaredError()(y, y).dtype == "float32"
    assert losses.MeanSquaredError(dtype="bfloat16")(y, y).dtype == "bfloat16"
    assert losses.MeanSquaredError(dtype="mixed_bfloat16").dtype == "bfloat16"


def test_large_class_numbers_survive_a_narrow_dtype():
    logits = np.zeros((1, 600), "float32")
    logits[0, 301] = 30.0  # 301 is no bfloat16 number
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, dtype="bfloat16")
    assert float(loss(np.array([301]), logits)) < 0.1


def test_probabilities_of_zero_and_one_give_finite_losses_and_gradients():
    y_pred = jnp.array([[0.0, 1.0], [1.0, 0.0]])
    for loss in (losses.categorical_crossentropy, losses.binary_crossentropy, losses.kl_divergence):
        total = jax.jit(jax.value_and_grad(lambda p, f=loss: f(jnp.eye(2), p).sum()))
        value, gradient = total(y_pred)
        assert np.isfinite(value), loss.__name__
        assert np.isfinite(gradient).all(), loss.__name__
    assert float(losses.categorical_crossentropy([[1, 0]], [[0.0, 1.0]])[0]) == pytest.approx(
        -np.log(settings.epsilon()), rel=1e-5
    )


def test_ignored_positions_give_no_gradient_even_where_predictions_are_nan():
    y_pred = jnp.array([[jnp.nan, jnp.nan], [0.3, 0.7]])

    def total(p):
        return losses.sparse_categorical_crossentropy([-1, 1], p, ignore_class=-1).sum()

    gradient = jax.grad(total)(y_pred)
    assert np.isfinite(gradient).all()
    assert gradient[0].tolist() == [0.0, 0.0]


def test_a_vector_of_zeros_has_cosine_zero_and_a_finite_gradient():
    value, gradient = jax.value_and_grad(lambda p: losses.cosine_similarity([[1.0, 0.0]], p)[0])(
        jnp.zeros((1, 2))
    )
    assert value == 0
    assert np.isfinite(gradient).all()


def test_circle_without_any_pair_of_one_class_has_a_finite_gradient():
    units = jnp.eye(3)
    gradient = jax.jit(jax.grad(lambda p: losses.circle([0, 1, 2], p).sum()))(units)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("loss", [losses.mean_squared_error, losses.Huber()])
def test_losses_apply_to_symbolic_tensors(loss):
    x, y = SymbolicTensor((None, 3)), SymbolicTensor((None, 3))
    assert loss(x, y).shape == ((None,) if callable(getattr(loss, "__wrapped__", None)) else ())


def test_ignore_class_masks_the_losses_also_in_compiled_code():
    seen = []

    @jax.jit
    def run(y_true, y_pred):
        loss = losses.sparse_categorical_crossentropy(y_true, y_pred, ignore_class=0)
        seen.append(get_mask(loss) is not None)
        return losses.SparseCategoricalCrossentropy(ignore_class=0)(y_true, y_pred)

    y_pred = np.full((2, 2), 0.5, "float32")
    np.testing.assert_allclose(run(np.array([0, 1]), y_pred), np.log(2), rtol=1e-5)
    assert seen == [True]


# ---- names and configs


def test_names_give_functions_objects_and_aliases():
    assert losses.get("mse") is losses.get("MSE") is losses.mean_squared_error
    assert losses.get("kullback_leibler_divergence") is losses.kl_divergence
    assert isinstance(losses.get("MeanSquaredError"), losses.MeanSquaredError)
    assert isinstance(losses.get(losses.Huber), losses.Huber)
    assert losses.get(None) is None


def test_an_unknown_name_is_an_error_with_near_names():
    with pytest.raises(ValueError, match="'mean_square_error' is not a loss.*mean_squared_error"):
        losses.get("mean_square_error")


CLASSES = [thing for thing in dict.fromkeys(losses.TABLE.values()) if isinstance(thing, type)]


@pytest.mark.parametrize("cls", CLASSES)
def test_every_loss_survives_config_and_pickle(cls):
    loss = cls(reduction="sum", name="mine")
    for copy in (
        losses.deserialize(losses.serialize(loss)),
        pickle.loads(pickle.dumps(loss)),
        cls.from_config(loss.get_config()),
    ):
        assert type(copy) is cls
        assert (copy.name, copy.reduction) == ("mine", "sum")
        assert copy.get_config() == loss.get_config()


def test_the_config_of_keras_is_understood():
    config = {
        "module": "keras.losses",
        "class_name": "CategoricalCrossentropy",
        "config": {
            "name": "ce",
            "reduction": "sum",
            "from_logits": True,
            "label_smoothing": 0.1,
            "axis": -1,
        },
        "registered_name": None,
    }
    loss = losses.deserialize(config)
    assert (loss.name, loss.from_logits, loss.label_smoothing) == ("ce", True, 0.1)


def quartic(y_true, y_pred, scale=1.0):
    return scale * jnp.mean((y_true - y_pred) ** 4, axis=-1)


def test_a_wrapped_function_of_ones_own_survives_its_config():
    loss = losses.LossFunctionWrapper(quartic, name="q", scale=2.0)
    with custom_object_scope({"quartic": quartic}):
        copy = losses.deserialize(losses.serialize(loss))
    y = np.ones((2, 1), "float32")
    assert float(copy(y, 0 * y)) == float(loss(y, 0 * y)) == 2.0


def test_a_wrapped_function_of_hornbook_survives_its_config():
    loss = losses.LossFunctionWrapper(losses.huber, delta=2.0)
    copy = losses.deserialize(losses.serialize(loss))
    assert copy.fn is losses.huber
    assert copy.fn_kwargs == {"delta": 2.0}


def test_a_wrong_argument_names_the_class_and_what_it_takes():
    with pytest.raises(TypeError, match=r"Huber:.*'dleta'.*it takes delta, reduction, name, dtype"):
        losses.Huber(dleta=2.0)


def test_q_out_of_range_is_an_error():
    with pytest.raises(ValueError, match="q must lie between 0 and 1, not 1"):
        losses.CategoricalGeneralizedCrossEntropy(q=1.0)


def test_a_subclass_without_call_says_what_is_missing():
    class Empty(losses.Loss):
        pass

    with pytest.raises(NotImplementedError, match="Empty must write call"):
        Empty()(np.zeros(1), np.zeros(1))


@pytest.mark.parametrize(
    ("true", "pred", "name"),
    [
        ((8, 1), (8, 1), "binary_crossentropy"),
        ((8,), (8, 1), "binary_crossentropy"),
        ((8,), (8, 3), "sparse_categorical_crossentropy"),
        ((8, 1), (8, 3), "sparse_categorical_crossentropy"),
        ((8, 3), (8, 3), "categorical_crossentropy"),
    ],
)
def test_the_name_crossentropy_is_resolved_by_shapes(true, pred, name):
    assert resolve_crossentropy(true, pred).__name__ == name


def test_ctc_reads_a_masked_sequence_as_long_as_it_is():
    x, y = np.array([[1, 2, 3, 0], [1, 2, 4, 3]]), np.array([[1, 2], [1, 3]])
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(5, 3, mask_zero=True),
            keras.layers.Dense(4),
        ]
    )
    model.compile("sgd", "ctc")
    both = model.evaluate(x, y, verbose=0)
    short, whole = (model.evaluate(x[i : i + 1, : 3 + i], y[i : i + 1], verbose=0) for i in (0, 1))
    np.testing.assert_allclose(both, (short + whole) / 2, rtol=1e-5)
    assert np.isfinite(model.fit(x, y, verbose=0).history["loss"]).all()
