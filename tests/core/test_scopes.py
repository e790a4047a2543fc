"""Scopes: variables as values in the variables' place, and nothing left behind by an error."""

import threading
from contextlib import ExitStack

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hornbook
from hornbook import layers, losses, metrics, optimizers
from hornbook.core import config, unknown
from hornbook.core.random import SeedGenerator
from hornbook.core.variable import Variable, bind, compute_dtype, name_scope, thread
from hornbook.layers import remat
from hornbook.layers.calling import collect_losses, watch_calls

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
Y = X.sum(1, keepdims=True)


def model():
    hornbook.utils.set_random_seed(1)
    made = hornbook.Sequential(
        [hornbook.Input((3,)), layers.Dense(4), layers.BatchNormalization(), layers.Dense(1)]
    )
    made.compile(optimizers.SGD(0.01), "mse", metrics=["mae"])
    return made


def arrays(variables):
    return [v.value for v in variables]


def equal(first, second):
    pairs = zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)


# ---- variables as values


def test_a_variable_as_a_value_stands_for_its_array():
    v, w = Variable(1.0), Variable(2.0)
    with bind({v: w}) as scope:
        assert float(v) == 2.0
        v.assign_add(1.0)
        assert float(w) == 2.0
    assert float(scope[v]) == 3.0
    with bind({v: v}):
        assert float(v + 0) == 1.0
    with bind({v: 5.0}), bind({w: v}):
        assert float(w) == 5.0


def test_a_variable_as_a_value_keeps_its_dtype():
    v, w = Variable([1.0 + 2**-12]), Variable([0.0])
    with compute_dtype("bfloat16"), bind({w: v}):
        assert w.raw.dtype == "float32"
        assert w.value.dtype == "bfloat16"
    with bind({w: v}):
        assert float(w.value[0]) == 1.0 + 2**-12


def test_stateless_call_takes_variables():
    m = model()
    given = m.trainable_variables, m.non_trainable_variables
    found = m.stateless_call(*given, X, training=True)
    equal(found, m.stateless_call(*map(arrays, given), X, training=True))
    assert not any(isinstance(leaf, Variable) for leaf in found[1])
    layer = m.layers[0]
    equal(layer.stateless_call(layer.trainable_variables, [], X)[0], layer(X))
    equal(layer.stateless_call(arrays(layer.trainable_variables), [], X)[0], layer(X))


@pytest.mark.parametrize("name", ["MeanSquaredError", "AUC", "F1Score"])
def test_metrics_take_variables(name):
    metric = getattr(metrics, name)()
    y = np.eye(3, dtype="float32")[[0, 1, 2, 0]]
    metric.update_state(y, np.full_like(y, 0.3))
    found = metric.stateless_update_state(metric.variables, y, y)
    equal(found, metric.stateless_update_state(arrays(metric.variables), y, y))
    equal(metric.stateless_result(metric.variables), metric.result())


@pytest.mark.parametrize("name", ["SGD", "Adam", "Adafactor"])
def test_optimizers_take_variables(name):
    optimizer = getattr(optimizers, name)()
    v, gradient = Variable(np.ones((3, 2), "float32")), Variable(np.full((3, 2), 0.5, "float32"))
    optimizer.build([v])
    found = optimizer.stateless_apply(optimizer.variables, [gradient], [v])
    wanted = optimizer.stateless_apply(arrays(optimizer.variables), [gradient.value], [v.value])
    equal(found, wanted)
    assert v.numpy().tolist() == np.ones((3, 2)).tolist()


def test_losses_take_variables():
    v = Variable(Y)
    assert float(losses.MeanSquaredError()(v, Variable(Y + 1))) == pytest.approx(1.0)


def test_keras_s_scope_gives_variables_other_values():
    m = model()
    before = m.get_weights()
    given = [(v, jnp.zeros(v.shape)) for v in m.trainable_variables]
    with hornbook.StatelessScope(given, collect_losses=True) as scope:
        layers.ActivityRegularization(l2=1.0)(jnp.ones((1, 2)))
        found = m(X, training=True)
    assert not np.any(found)
    assert [float(loss) for loss in scope.losses] == [2.0]
    moving = m.non_trainable_variables[0]
    assert scope.get_current_value(moving).shape == moving.shape
    assert scope.get_current_value(Variable(1.0)) is None
    equal(m.get_weights(), before)
    v, w = Variable([1.0]), Variable([2.0])
    with hornbook.StatelessScope([(v, w)]) as scope:
        assert float(v[0]) == 2.0
        scope.add_update((v, jnp.asarray([7.0])))
        assert float(v[0]) == 7.0
    assert float(v[0]) == 1.0


def test_keras_s_scope_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="maps variables to values"):
        hornbook.StatelessScope([("v", 1.0)])
    with pytest.raises(ValueError, match="has shape \\(2,\\); a StatelessScope got .*\\(3,\\)"):
        hornbook.StatelessScope([(Variable([1.0, 2.0]), np.ones(3))])


@pytest.mark.parametrize("name", ["a/b", 4, None])
def test_a_scope_s_name_is_a_string_without_a_slash(name):
    with pytest.raises(ValueError, match="must be a string without '/'"):
        hornbook.name_scope(name)


# ---- errors

SCOPES = {
    "StatelessScope": lambda: hornbook.StatelessScope([(Variable(1.0), 2.0)], collect_losses=True),
    "RematScope": hornbook.RematScope,
    "bind": lambda: bind({Variable(1.0): 2.0}),
    "compute_dtype": lambda: compute_dtype("bfloat16"),
    "name_scope": lambda: name_scope("outer"),
    "hornbook.name_scope": lambda: hornbook.name_scope("outer"),
    "custom_object_scope": lambda: config.custom_object_scope({"Dense": layers.Flatten}),
    "sharing": config.sharing,
    "collect_losses": collect_losses,
    "watch_calls": lambda: watch_calls(lambda layer, inputs, outputs: 1 / 0),
}


def stacks():
    """All that scopes keep for a thread."""
    return (
        list(thread.scopes),
        list(thread.compute_dtypes),
        list(thread.names),
        list(config._thread.scopes),
        (config._thread.shared, config._thread.numbers),
        list(thread.calls),
        list(thread.watchers),
        list(remat._thread.scopes),
        unknown.guessing(),
    )


class Fails(hornbook.Layer):
    def __init__(self):
        super().__init__()
        self.inner = layers.Dense(3)

    def call(self, x):
        y = self.inner(x)
        self.add_loss(jnp.sum(y))
        raise ZeroDivisionError("in call")


def failing_build():
    class FailsInBuild(hornbook.Layer):
        def build(self, shape):
            self.add_weight((3,), name="kernel")
            raise ZeroDivisionError("in build")

    return FailsInBuild()(X)


class FailingMetric(metrics.Mean):
    def update_state(self, *args, **kwargs):
        super().update_state(*args)
        raise ZeroDivisionError("in update_state")


def failing_update():
    metric = FailingMetric()
    return metric.stateless_update_state(metric.variables, X)


def failing_apply():
    optimizer = optimizers.SGD(lambda: 1 / 0)
    v = Variable(1.0)
    optimizer.build([v])
    return optimizer.stateless_apply(optimizer.variables, [1.0], [v])


def failing_fit():
    m = hornbook.Sequential([layers.Dense(3), Fails()])
    m.compile("sgd", "mse")
    m.fit(X, X, verbose=0)


FAILURES = {
    "call": lambda: Fails()(X),
    "symbolic call": lambda: Fails()(hornbook.Input((3,))),
    "symbolic call by numbers": lambda: Fails()(hornbook.Input((None, 3))),
    "build": failing_build,
    "stateless_call": lambda: Fails().stateless_call([], [], X),
    "stateless_update_state": failing_update,
    "stateless_apply": failing_apply,
    "under jit": lambda: jax.jit(lambda x: Fails()(x))(X),
    "fit": failing_fit,
    "recurrent": lambda: layers.RNN(FailingCell())(X[None]),
    **{name: lambda scope=scope: raised_in(scope) for name, scope in SCOPES.items()},
    "all at once": lambda: raised_in(*SCOPES.values()),
}


class FailingCell(hornbook.Layer):
    state_size = 3

    def call(self, x, states):
        raise ZeroDivisionError("in the cell")


def raised_in(*scopes):
    with ExitStack() as stack:
        for scope in scopes:
            stack.enter_context(scope())
        raise ZeroDivisionError("inside")


@pytest.mark.parametrize("name", FAILURES)
def test_an_error_leaves_no_scope_behind_and_training_goes_on(name):
    before = stacks()
    with pytest.raises(ZeroDivisionError):
        FAILURES[name]()
    assert stacks() == before
    assert float(Variable(1.0)) == 1.0
    assert Variable(1.0, name="v").path == "v"


def test_training_after_errors_is_training_without(tmp_path):
    def trained():
        m = model()
        m.fit(X, Y, epochs=2, batch_size=4, shuffle=False, verbose=0)
        return m.get_weights()

    wanted = trained()
    for fail in FAILURES.values():
        with pytest.raises(ZeroDivisionError):
            fail()
    equal(trained(), wanted)


def test_scopes_of_a_thread_are_its_own():
    seen = []
    with bind({}), name_scope("outer"), compute_dtype("bfloat16"):
        other = threading.Thread(target=lambda: seen.append(stacks()))
        other.start()
        other.join()
    assert seen == [([], [None], [], [], (None, None), [], [], [], False)]


def test_a_seed_bound_to_a_seed():
    first, second = SeedGenerator(1), SeedGenerator(2)
    with bind({first.state: second.state}):
        drawn = first.next()
    assert jax.random.key_data(drawn).tolist() == jax.random.key_data(second.next()).tolist()
