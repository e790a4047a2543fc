"""Learning rates that are functions of the step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hornbook.core.variable import Variable
from hornbook.optimizers import schedules

LENGTHS = [3, 7, 41, 1000, 14143]


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("compile", [lambda f: f, jax.jit])
def test_stairs_and_restarts_are_at_their_step_exactly(length, compile):
    stairs = compile(schedules.ExponentialDecay(1.0, length, 0.5, staircase=True))
    inverse = compile(schedules.InverseTimeDecay(1.0, length, 1.0, staircase=True))
    equal = compile(schedules.CosineDecayRestarts(1.0, length, t_mul=1.0))
    double = compile(schedules.CosineDecayRestarts(1.0, length, t_mul=2.0))
    for n in (1, 2, 5):
        assert float(stairs(n * length)) == 0.5**n
        assert float(stairs(n * length - 1)) == 0.5 ** (n - 1)
        assert float(inverse(n * length)) == pytest.approx(1 / (1 + n))
        assert float(equal(n * length)) == pytest.approx(1.0)
        assert float(double((2**n - 1) * length)) == pytest.approx(1.0)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("cycle", [False, True])
def test_a_polynomial_with_a_broken_power_ends_at_its_end(length, cycle):
    schedule = jax.jit(schedules.PolynomialDecay(1.0, length, 0.25, power=0.5, cycle=cycle))
    for n in (1, 3):
        assert float(schedule(n * length)) == pytest.approx(0.25, abs=1e-3)
    assert float(schedule(0)) == 1.0


@given(st.integers(0, 400), st.integers(1, 60), st.sampled_from([1.0, 1.5, 2.0]))
def test_restarts_stay_between_the_least_and_the_largest_rate(step, length, t_mul):
    schedule = schedules.CosineDecayRestarts(2.0, length, t_mul=t_mul, alpha=0.1)
    assert 0.2 - 1e-5 <= float(schedule(step)) <= 2.0 + 1e-5


def test_a_warmup_rises_then_falls():
    schedule = schedules.CosineDecay(0.0, 10, warmup_target=1.0, warmup_steps=4)
    rates = [float(schedule(step)) for step in range(16)]
    np.testing.assert_allclose(rates[:5], [0, 0.25, 0.5, 0.75, 1.0])
    assert all(a > b for a, b in zip(rates[4:14], rates[5:15], strict=True))
    assert rates[15] == pytest.approx(0.0, abs=1e-6)


def test_one_cycle_rises_and_falls_far_below_its_start():
    schedule = jax.jit(schedules.OneCycle(1.0, 100, pct_start=0.3, div_factor=10.0))
    rates = [float(schedule(step)) for step in (0, 29, 99, 200)]
    np.testing.assert_allclose(rates, [0.1, 1.0, 1e-5, 1e-5], rtol=1e-4)
    half = schedules.OneCycle(1.0, 101, 0.5, "linear", 10.0)
    assert float(half(24.75)) == pytest.approx(0.55)
    for wrong in ((1.0, 0), (1.0, 10, 0.0), (1.0, 10, 0.3, "square"), (1.0, 10, 0.3, "cos", 0.0)):
        with pytest.raises(ValueError, match="OneCycle"):
            schedules.OneCycle(*wrong)


@pytest.mark.parametrize("anneal", ["cos", "linear"])
def test_one_cycle_is_torchs(anneal):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 0.1)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.5, total_steps=37, anneal_strategy=anneal
    )
    rates = []
    for _ in range(37):
        rates.append(theirs.get_last_lr()[0])
        optimizer.step()
        if len(rates) < 37:
            theirs.step()
    ours = schedules.OneCycle(0.5, 37, anneal_strategy=anneal)
    np.testing.assert_allclose([float(ours(n)) for n in range(37)], rates, rtol=1e-4, atol=1e-8)


def test_power_decay_is_a_power_of_its_line():
    assert float(schedules.PowerDecay(1.0, 10, 2.0)(10)) == 0.25
    with pytest.raises(ValueError, match="decay_steps"):
        schedules.PowerDecay(1.0, 0)


def test_a_step_can_be_a_variable():
    assert float(schedules.ExponentialDecay(1.0, 1, 0.5)(Variable(3))) == 0.125


@pytest.mark.parametrize(
    "make",
    [
        lambda: schedules.ExponentialDecay(1.0, 0, 0.5),
        lambda: schedules.InverseTimeDecay(1.0, -1, 0.5),
        lambda: schedules.PolynomialDecay(1.0, 0),
        lambda: schedules.CosineDecay(1.0, 0),
        lambda: schedules.CosineDecayRestarts(1.0, 0),
        lambda: schedules.PiecewiseConstantDecay([1, 2], [1.0, 2.0]),
    ],
)
def test_lengths_that_make_no_sense_are_refused(make):
    with pytest.raises(ValueError, match="must be above 0|need 3 values"):
        make()


class Halving(schedules.LearningRateSchedule):
    def __init__(self, start):
        self.start = start

    def __call__(self, step):
        return self.start * 0.5 ** jnp.asarray(step, "float32")


def test_a_users_schedule_comes_back_from_its_config():
    config = schedules.serialize(Halving(8.0))
    again = schedules.deserialize(config, {"Halving": Halving})
    assert float(again(2)) == 2.0
    with pytest.raises(NotImplementedError, match="__call__"):
        schedules.LearningRateSchedule()(0)
