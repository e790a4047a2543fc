"""Several optimizers for one model."""

import jax
import jax.numpy as jnp
import pytest

from hornbook import optimizers
from hornbook.core.variable import Variable
from hornbook.optimizers import SGD, Adam, LossScaleOptimizer, MultiOptimizer, OptimizerMap


def variables():
    return [Variable([1.0], name="first"), Variable([1.0], name="last"), Variable([1.0], name="b")]


def test_a_map_knows_paths_expressions_and_a_default():
    default, exact, pattern = SGD(), SGD(), SGD()
    chosen = OptimizerMap(default, {"encoder/kernel": exact})
    chosen["encoder/.*"] = pattern
    assert chosen["encoder/kernel"] is exact
    assert chosen["encoder/bias"] is pattern
    assert chosen["encoder"] is default
    chosen["enc.*"] = pattern
    with pytest.raises(ValueError, match="several keys"):
        chosen["encoder/bias"]
    with pytest.raises(ValueError, match="already"):
        chosen["encoder/.*"] = exact
    del chosen["enc.*"]
    assert list(chosen) == ["encoder/kernel", "encoder/.*"] and len(chosen) == 2


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (LossScaleOptimizer(SGD()), ValueError),
        (MultiOptimizer(lambda v: SGD()), ValueError),
        ("sgd", TypeError),
    ],
)
def test_only_plain_optimizers_can_be_chosen(bad, error):
    with pytest.raises(error, match="wraps no other"):
        OptimizerMap(bad)
    with pytest.raises(error, match="wraps no other"):
        OptimizerMap(SGD(), {"a": bad})
    with pytest.raises(error, match="wraps no other"):
        MultiOptimizer(lambda variable: bad).build(variables())
    with pytest.raises(ValueError, match="a key"):
        OptimizerMap(SGD(), {1: SGD()})


@pytest.mark.parametrize("traced", [False, True])
def test_each_variable_gets_the_step_of_its_optimizer(traced):
    slow = SGD(0.125)
    optimizer = MultiOptimizer(OptimizerMap(SGD(0.5), {".*st": slow}), loss_scale_factor=2.0)
    trained = variables()
    gradients = [jnp.full(1, 2.0)] * 3
    if traced:
        optimizer.build(trained)
        values, own = jax.jit(optimizer.stateless_apply)(
            [v.raw for v in optimizer.variables], gradients, [v.raw for v in trained]
        )
        for variable, value in zip([*trained, *optimizer.variables], [*values, *own], strict=True):
            variable.assign(value)
    else:
        optimizer.apply(gradients, trained)
    assert [v.numpy().tolist() for v in trained] == [[0.875], [0.875], [0.5]]
    assert int(optimizer.iterations) == int(slow.iterations) == 1
    assert float(optimizer.scale_loss(3.0)) == 6.0


def test_a_function_can_choose():
    adam, sgd = Adam(), SGD(1.0)
    optimizer = MultiOptimizer(lambda variable: sgd if variable.name == "b" else adam)
    trained = variables()
    optimizer.build(trained)
    assert optimizer.optimizers == [adam, sgd]
    assert len(optimizer.variables) == 2 + (2 + 4) + 2
    optimizer.build(trained)
    assert len(optimizer.variables) == 10


def test_there_is_no_common_rate():
    optimizer = MultiOptimizer(OptimizerMap(SGD()))
    with pytest.raises(AttributeError, match=r"\.optimizers"):
        _ = optimizer.learning_rate
    with pytest.raises(AttributeError, match=r"\.optimizers"):
        optimizer.learning_rate = 0.1


def test_the_end_is_handed_on():
    optimizer = MultiOptimizer(OptimizerMap(SGD(1.0, use_ema=True, ema_momentum=0.5)))
    trained = variables()
    for _ in range(2):
        optimizer.apply([jnp.ones(1)] * 3, trained)
    optimizer.finalize_variable_values(trained)
    assert [v.numpy().tolist() for v in trained] == [[-0.5]] * 3


def test_it_comes_back_from_its_config():
    chosen = OptimizerMap(SGD(0.5), {"a": Adam(0.25)})
    chosen["b"] = SGD(0.125)
    optimizer = MultiOptimizer(chosen, loss_scale_factor=4.0, name="several")
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert (again.name, again.loss_scale_factor) == ("several", 4.0)
    assert [float(each.learning_rate) for each in again.optimizers] == [0.25, 0.125, 0.5]
    assert [type(each) for each in again.optimizers] == [Adam, SGD, SGD]
