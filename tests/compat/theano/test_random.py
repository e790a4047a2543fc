"""Random streams: drawn anew in each call, reproducible by seed, copied and set by programs."""

import numpy as np
import pytest

from hornbook.compat.theano.function import function
from hornbook.compat.theano.names import NAMES
from hornbook.compat.theano.random import MRG_RandomStreams, RandomStreams
from hornbook.compat.theano.scan import scan
from hornbook.compat.theano.types import TensorType

BOTH = pytest.mark.parametrize("streams", [RandomStreams, MRG_RandomStreams])


@BOTH
def test_each_call_draws_anew_and_a_seed_repeats_it(streams):
    rng = streams(seed=5)
    draw = function([], rng.uniform((3, 2)))
    first, second = draw(), draw()
    assert first.shape == (3, 2) and ((first >= 0) & (first < 1)).all()
    assert not np.array_equal(first, second)
    again = function([], streams(seed=5).uniform((3, 2)))
    np.testing.assert_array_equal([again(), again()], [first, second])
    rng.seed(7)
    third = draw()
    rng.seed(7)
    np.testing.assert_array_equal(draw(), third)
    assert not np.array_equal(third, first)


def test_two_draws_of_one_stream_differ():
    rng = RandomStreams(1)
    a, b = function([], [rng.normal((50,)), rng.normal((50,))])()
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.5 and not np.array_equal(a, b)


def test_without_default_updates_a_call_repeats():
    draw = function([], RandomStreams(1).normal((2, 2)), no_default_updates=True)
    np.testing.assert_array_equal(draw(), draw())


def test_one_draw_in_several_places_is_one_number():
    u = RandomStreams(1).uniform((2, 2))
    np.testing.assert_array_equal(function([], u + u - 2 * u)(), np.zeros((2, 2)))


def test_the_state_of_a_draw_is_read_seeded_and_set():
    u = RandomStreams(1).uniform((2,))
    draw = function([], u)
    kept = u.rng.get_value().get_state()
    first = draw()
    state = u.rng.get_value(borrow=True)
    state.set_state(kept)
    u.rng.set_value(state, borrow=True)
    np.testing.assert_array_equal(draw(), first)
    state.seed(89234)
    u.rng.set_value(state)
    seeded = draw()
    state.seed(89234)
    u.rng.set_value(state)
    np.testing.assert_array_equal(draw(), seeded)
    u.rng.set_value(np.random.RandomState(3))
    assert not np.array_equal(draw(), seeded)


@BOTH
def test_the_states_of_one_graph_are_copied_to_another(streams):
    one, other = streams(1), streams(2)
    f, g = (function([], [rng.uniform((2,)), rng.normal((2,))]) for rng in (one, other))
    f()
    for mine, theirs in zip(one.state_updates, other.state_updates, strict=True):
        theirs[0].set_value(mine[0].get_value())
    np.testing.assert_array_equal(f(), g())


def test_updates_that_are_passed_are_not_taken_twice():
    rng = RandomStreams(3)
    draw = function([], rng.uniform((2,)), updates=rng.updates())
    plain = function([], RandomStreams(3).uniform((2,)))
    np.testing.assert_array_equal([draw(), draw()], [plain(), plain()])


def test_inside_a_loop_each_step_draws_anew():
    rng = MRG_RandomStreams(3)
    values, updates = scan(lambda: rng.uniform((2,)), n_steps=4)
    draw = function([], values, updates=updates)
    first = draw()
    assert len({*first[:, 0].tolist()}) == 4
    assert not np.array_equal(first, draw())


MANY = (20_000,)


@BOTH
@pytest.mark.parametrize(
    ("name", "arguments", "mean", "deviation", "dtype"),
    [
        ("uniform", {"low": -1, "high": 3}, 1.0, 4 / 12**0.5, "float32"),
        ("normal", {"avg": 2.0, "std": 3.0}, 2.0, 3.0, "float32"),
        ("binomial", {"p": 0.3}, 0.3, 0.21**0.5, "int64"),
        ("binomial", {"n": 5, "p": 0.3, "dtype": "float32"}, 1.5, 1.05**0.5, "float32"),
    ],
)
def test_distributions(streams, name, arguments, mean, deviation, dtype):
    drawn = getattr(streams(1), name)(MANY, **arguments)
    made = function([], drawn)()
    assert drawn.dtype == str(made.dtype) == dtype
    np.testing.assert_allclose([made.mean(), made.std()], [mean, deviation], atol=0.06)


def test_distributions_of_random_streams():
    rng = RandomStreams(1)
    integers = function([], rng.random_integers(MANY, 2, 4))()
    assert {*integers.tolist()} == {2, 3, 4}
    assert abs(function([], rng.poisson(MANY, 2.0))().mean() - 2) < 0.06
    chosen = function([], rng.choice(MANY, 3, p=[0.5, 0.0, 0.5]))()
    assert {*chosen.tolist()} == {0, 2}
    rows = function([], rng.permutation((4,), 6))()
    np.testing.assert_array_equal(np.sort(rows, -1), np.tile(np.arange(6), (4, 1)))
    assert len({tuple(row) for row in rows.tolist()}) > 1
    x = TensorType("float32", (False, False))("x")
    shuffled = function([x], rng.shuffle_row_elements(x))(np.arange(12).reshape(2, 6))
    np.testing.assert_array_equal(np.sort(shuffled, -1), np.arange(12).reshape(2, 6))


@BOTH
def test_trials_with_several_results(streams):
    p = np.array([[0.2, 0.8, 0.0], [0.0, 0.0, 1.0]], "float32")
    made = function([], streams(1).multinomial(n=10, pvals=p))()
    assert made.shape == (2, 3) and made.dtype == "int64"
    np.testing.assert_array_equal(made.sum(-1), [10, 10])
    assert made[0, 2] == 0 and made[1, 2] == 10


def test_choices_without_replacement_differ():
    p = np.array([[0.2, 0.7, 0.1]] * 5, "float32")
    made = function([], MRG_RandomStreams(1).choice(2, replace=False, p=p))()
    assert all(len({*row}) == 2 for row in made.tolist())
    with pytest.raises(NotImplementedError, match="RandomStreams.choice"):
        MRG_RandomStreams(1).choice(2, p=p)


def test_truncated_numbers_stay_within_two_deviations():
    made = function([], MRG_RandomStreams(1).normal(MANY, avg=1.0, std=2.0, truncate=True))()
    assert made.min() >= -3 and made.max() <= 5
    made = function([], MRG_RandomStreams(1).truncated_normal(MANY, std=2.0))()
    assert abs(made.std() - 2) < 0.06


def test_the_shape_may_be_that_of_a_tensor():
    x = TensorType("float32", (False, False))("x")
    mask = MRG_RandomStreams(1).binomial(size=x.shape, p=0.5, dtype="float32")
    assert mask.ndim == 2
    made = function([x], x * mask)(np.ones((4, 5), "float32"))
    assert made.shape == (4, 5) and {*made.ravel().tolist()} == {0.0, 1.0}


def test_the_gradient_goes_through_what_is_drawn():
    x = TensorType("float32", (False,))("x")
    drawn = RandomStreams(1).normal((3,), avg=x)
    gradient = NAMES.get("gradient", "grad")(drawn.sum(), x)
    np.testing.assert_array_equal(gradient.eval({x: np.zeros(3, "float32")}), np.ones(3))
