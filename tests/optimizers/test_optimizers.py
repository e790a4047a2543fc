"""What every optimizer does around its formula."""

import copy
import inspect
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hornbook as keras
from hornbook import ops, optimizers
from hornbook.core.config import custom_object_scope
from hornbook.core.variable import Variable, bind
from hornbook.optimizers import SGD, Adam, LossScaleOptimizer, Optimizer, schedules

NAMES = [name for name in optimizers.__all__ if isinstance(getattr(optimizers, name), type)]
WRAPPERS = ("Optimizer", "LossScaleOptimizer", "MultiOptimizer", "OptimizerMap")
PLAIN = [name for name in NAMES if name not in WRAPPERS]


def pair(dtype="float32"):
    rng = np.random.default_rng(1)
    return [
        Variable(rng.normal(size=(3, 2)), dtype=dtype, name="kernel"),
        Variable(rng.normal(size=2), dtype=dtype, name="bias"),
    ]


def ones(variables):
    return [jnp.ones(variable.shape, variable.dtype) for variable in variables]


def compiled(optimizer, variables):
    """A compiled step that assigns its results, and a list that grows with each trace."""
    traces = []

    @jax.jit
    def pure(state, gradients):
        traces.append(1)
        with bind(dict(zip(everything, state, strict=True))) as scope:
            optimizer.apply(gradients)
            return [scope[v] for v in everything]

    def step(gradients):
        for v, value in zip(everything, pure([v.raw for v in everything], gradients), strict=True):
            v.assign(value)

    optimizer.build(variables)
    everything = [*variables, *optimizer.variables]
    return step, traces


# ---- the learning rate


def test_an_assigned_rate_changes_a_compiled_step_without_compiling_again():
    w = Variable([1.0, 1.0])
    optimizer = SGD(0.5)
    step, traces = compiled(optimizer, [w])
    step([jnp.ones(2)])
    optimizer.learning_rate = 0.25
    step([jnp.ones(2)])
    assert w.numpy().tolist() == [0.25, 0.25]
    assert float(optimizer.learning_rate) == 0.25
    assert len(traces) == 1


def test_a_schedule_advances_in_a_compiled_step_without_compiling_again():
    w = Variable([0.0])
    optimizer = SGD(schedules.PiecewiseConstantDecay([0, 1], [1.0, 10.0, 100.0]))
    step, traces = compiled(optimizer, [w])
    for total in (-1, -11, -111):
        step([jnp.ones(1)])
        assert w.numpy().tolist() == [total]
    assert len(traces) == 1


@pytest.mark.parametrize("rate", [1, np.float32(1.0), np.array(1.0), Variable(1.0)])
def test_any_number_is_a_rate(rate):
    w = Variable([1.0])
    SGD(rate).apply([jnp.ones(1)], [w])
    assert w.numpy().tolist() == [0.0]


@pytest.mark.parametrize("rate", ["fast", None, [0.1], np.ones(2), object()])
def test_what_is_not_a_rate_is_refused(rate):
    with pytest.raises(ValueError, match="learning_rate must be a float"):
        SGD(rate)


def test_functions_of_the_step_and_of_nothing_are_rates():
    w = Variable([0.0])
    optimizer = SGD(lambda step: 1.0 + step)
    for _ in range(3):
        optimizer.apply([jnp.ones(1)], [w])
    assert w.numpy().tolist() == [-6.0]
    optimizer.learning_rate = lambda: 0.5
    optimizer.apply([jnp.ones(1)], [w])
    assert w.numpy().tolist() == [-6.5]
    assert float(optimizer.learning_rate) == 0.5


def test_a_number_can_be_exchanged_for_a_schedule_but_not_back():
    optimizer = SGD(0.1)
    assert [v.name for v in optimizer.variables] == ["iteration", "learning_rate"]
    optimizer.learning_rate = schedules.ExponentialDecay(0.2, 10, 0.5)
    assert [v.name for v in optimizer.variables] == ["iteration"]
    assert float(optimizer.learning_rate) == pytest.approx(0.2)
    with pytest.raises(TypeError, match="cannot be set to 0.1"):
        optimizer.learning_rate = 0.1


# ---- arguments


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ({"learning_rates": 0.1}, "'learning_rate'"),
        ({"lr": 0.1}, "'learning_rate'"),
        ({"beta1": 0.1}, "'beta_1'"),
        ({"clip_norm": 1.0}, "'clipnorm'"),
    ],
)
def test_an_unknown_argument_names_the_nearest_known(arguments, hint):
    with pytest.raises(ValueError, match=f"Adam has no argument .*{hint}"):
        Adam(**arguments)


def test_the_old_decay_is_ignored_with_a_warning_that_names_what_to_do():
    with pytest.warns(UserWarning, match="InverseTimeDecay"):
        Adam(decay=1e-4)
    Adam(decay=0.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(clipnorm=1.0, clipvalue=1.0), "only one of"),
        (lambda: SGD(gradient_accumulation_steps=1), ">= 2"),
        (lambda: SGD(use_ema=True, ema_momentum=1.5), r"\[0, 1\]"),
        (lambda: SGD(use_ema=True, ema_overwrite_frequency=0.5), ">= 1"),
        (lambda: SGD(momentum=2.0), "momentum"),
        (lambda: SGD(name="a/b"), "without '/'"),
        (lambda: optimizers.AdamW(weight_decay=None), "weight_decay"),
        (lambda: optimizers.Lion(beta_1=0.0), "beta_1"),
        (lambda: optimizers.Ftrl(learning_rate_power=1.0), "learning_rate_power"),
        (lambda: optimizers.Ftrl(l1_regularization_strength=-1.0), "l1_regularization_strength"),
        (lambda: optimizers.ScheduleFreeAdamW(beta_1=0.0), "beta_1"),
    ],
)
def test_numbers_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("name", PLAIN)
def test_signatures_show_the_common_arguments(name):
    shown = inspect.signature(getattr(optimizers, name)).parameters
    assert {"learning_rate", "weight_decay", "clipnorm", "use_ema", "name"} <= set(shown)
    assert "common" not in shown and "unknown" not in shown


# ---- gradients and variables


def test_gradients_that_do_not_match_the_variables_are_refused():
    variables = pair()
    optimizer = SGD()
    with pytest.raises(ValueError, match="does not know its variables yet"):
        optimizer.apply(ones(variables))
    optimizer.build(variables)
    with pytest.raises(ValueError, match="got 1 gradients for 2 variables"):
        optimizer.apply(ones(variables)[:1])
    with pytest.raises(ValueError, match=r"'kernel' has shape \(2,\), the variable \(3, 2\)"):
        optimizer.apply(ones(variables)[::-1])
    with pytest.raises(ValueError, match="was built for other variables"):
        optimizer.apply(ones(variables), pair())
    with pytest.raises(ValueError, match="was built for other variables"):
        optimizer.build(pair())
    assert int(optimizer.iterations) == 0


def test_missing_gradients_leave_variables_and_warn():
    variables = pair()
    before = variables[1].numpy()
    optimizer = Adam()
    with pytest.warns(UserWarning, match=r"\['bias'\]"):
        optimizer.apply([jnp.ones((3, 2)), None], variables)
    assert (variables[1].numpy() == before).all()
    with pytest.raises(ValueError, match="None for every variable"):
        optimizer.apply([None, None])


def test_a_part_of_the_variables_can_be_trained():
    variables = pair()
    kernel = variables[0].numpy()
    optimizer = SGD(1.0)
    optimizer.build(variables)
    optimizer.apply([jnp.ones(2)], variables[1:])
    assert (variables[0].numpy() == kernel).all()
    assert int(optimizer.iterations) == 1


def test_no_gradients_at_all_are_no_step():
    optimizer = SGD()
    optimizer.apply([])
    assert int(optimizer.iterations) == 0


def test_constraints_are_applied_after_the_step():
    w = Variable([0.5, 0.5], constraint=lambda value: jnp.maximum(value, 0.0))
    SGD(1.0).apply([jnp.array([1.0, -1.0])], [w])
    assert w.numpy().tolist() == [0.0, 1.5]


def test_building_twice_keeps_the_slots():
    variables = pair()
    optimizer = Adam()
    optimizer.build(variables)
    before = optimizer.variables
    optimizer.build(variables)
    assert optimizer.variables == before
    assert all(v.kind == "optimizer" and not v.trainable for v in before)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_variables_keep_their_dtype_and_steps_are_computed_in_float32(name, dtype):
    narrow, wide = pair(dtype), pair(dtype)
    wide = [Variable(v.numpy().astype("float32"), name=v.name) for v in wide]
    for variables in (narrow, wide):
        optimizer = getattr(optimizers, name)(learning_rate=0.1)
        optimizer.apply(ones(variables), variables)
    for a, b in zip(narrow, wide, strict=True):
        assert a.dtype == dtype
        np.testing.assert_allclose(a.numpy().astype("float32"), b.numpy(), rtol=0.01, atol=0.01)


# ---- decay, averages, accumulation


@pytest.mark.parametrize("by", ["list", "name"])
@pytest.mark.parametrize("make", [SGD, optimizers.Muon])
def test_variables_can_be_left_out_of_weight_decay(by, make):
    variables = pair()
    before = [v.numpy() for v in variables]
    optimizer = make(learning_rate=1.0, weight_decay=0.5)
    if by == "list":
        optimizer.exclude_from_weight_decay(var_list=[variables[1]])
    else:
        optimizer.exclude_from_weight_decay(var_names=["bi"])
    optimizer.apply([jnp.zeros(v.shape) for v in variables], variables)
    np.testing.assert_allclose(variables[0].numpy(), before[0] * 0.5, rtol=1e-6)
    assert (variables[1].numpy() == before[1]).all()
    with pytest.raises(ValueError, match="is built"):
        optimizer.exclude_from_weight_decay(var_names=["kernel"])


def test_at_the_end_variables_become_their_averages():
    w = Variable([0.0])
    optimizer = SGD(1.0, use_ema=True, ema_momentum=0.5)
    for _ in range(2):
        optimizer.apply([jnp.ones(1)], [w])
    assert w.numpy().tolist() == [-2.0]
    optimizer.finalize_variable_values([w])
    assert w.numpy().tolist() == [-1.5]


def test_without_averages_the_end_changes_nothing():
    w = Variable([1.0])
    optimizer = SGD()
    optimizer.build([w])
    optimizer.finalize_variable_values([w])
    assert w.numpy().tolist() == [1.0]


def test_accumulated_gradients_make_one_step_with_their_mean():
    w = Variable([0.0])
    optimizer = SGD(1.0, gradient_accumulation_steps=2)
    step, traces = compiled(optimizer, [w])
    seen = []
    for gradient in (1.0, 3.0, 5.0, 7.0):
        step([jnp.array([gradient])])
        seen.append(float(w.raw[0]))
    assert seen == [0.0, -2.0, -2.0, -8.0]
    assert int(optimizer.iterations) == 2
    assert len(traces) == 1


# ---- users' own optimizers


class Plain(Optimizer):
    slots = (("last",),)

    def __init__(self, learning_rate=0.1, boost=2.0, **common):
        super().__init__(learning_rate, **common)
        self.boost = boost

    def update(self, gradient, value, rate, last):
        return value - self.boost * rate * gradient, {"last": gradient}


class InKerasStyle(Optimizer):
    def __init__(self, learning_rate=0.1, name="mine", **kwargs):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.sums = self.add_optimizer_variables(variables, "sum")
        self.first, self.second = self.add_optimizer_variables(variables, ["a", "b"], ["ones", 3.0])

    def update_step(self, gradient, variable, learning_rate):
        total = self.sums[self._get_variable_index(variable)]
        self.assign_add(total, gradient)
        self.assign_sub(variable, total * learning_rate)


class Centralized(Adam):
    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient - jnp.mean(gradient), variable, learning_rate)


def test_an_optimizer_is_a_formula_and_the_names_of_its_slots():
    w = Variable([1.0], name="w")
    optimizer = Plain()
    optimizer.apply([jnp.array([3.0])], [w])
    assert w.numpy().tolist() == pytest.approx([0.4])
    assert [(v.name, float(v.numpy().sum())) for v in optimizer.variables[2:]] == [("w_last", 3.0)]


@pytest.mark.parametrize("traced", [False, True])
def test_an_optimizer_in_the_style_of_keras_works(traced):
    w = Variable([1.0], name="w")
    optimizer = InKerasStyle(0.5)
    step = compiled(optimizer, [w])[0] if traced else lambda g: optimizer.apply(g, [w])
    for _ in range(2):
        step([jnp.ones(1)])
    assert w.numpy().tolist() == [-0.5]
    names = [v.path for v in optimizer.variables[2:]]
    assert names == ["mine/w_sum", "mine/w_a", "mine/w_b"]
    assert [
        float(v.numpy()[0]) for v in (*optimizer.sums, *optimizer.first, *optimizer.second)
    ] == [
        2.0,
        1.0,
        3.0,
    ]


def test_a_subclass_can_change_the_gradient_and_leave_the_rest():
    mine, plain = pair(), pair()
    Centralized(0.1).apply([jnp.arange(6.0).reshape(3, 2), jnp.ones(2)], mine)
    Adam(0.1).apply([jnp.arange(6.0).reshape(3, 2) - 2.5, jnp.zeros(2)], plain)
    for a, b in zip(mine, plain, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5)


def test_an_optimizer_without_a_formula_says_so():
    with pytest.raises(NotImplementedError, match="must define `update`"):
        Optimizer(0.1).apply([jnp.ones(1)], [Variable([1.0])])


# ---- pure steps, copies, configs


def test_a_pure_step_leaves_the_variables_alone():
    variables, again = pair(), pair()
    optimizer = Adam(0.1)
    optimizer.build(variables)
    before = [v.numpy() for v in variables]
    gradients = ones(variables)
    trained, own = jax.jit(optimizer.stateless_apply)(
        [v.raw for v in optimizer.variables], gradients, [v.raw for v in variables]
    )
    assert all((v.numpy() == b).all() for v, b in zip(variables, before, strict=True))
    assert int(own[0]) == 1 and int(optimizer.iterations) == 0
    Adam(0.1).apply(gradients, again)
    for value, variable in zip(trained, again, strict=True):
        np.testing.assert_allclose(value, variable.numpy(), rtol=1e-6)
    with pytest.raises(ValueError, match="trainable_variables has 1 values, not 2"):
        optimizer.stateless_apply(own, gradients, trained[:1])
    with pytest.raises(ValueError, match="is not built"):
        Adam().stateless_apply([], [], [])


def test_weights_can_be_set():
    variables = pair()
    optimizer, other = SGD(momentum=0.5), SGD(momentum=0.5)
    optimizer.apply(ones(variables), variables)
    other.build(variables)
    other.set_weights([v.numpy() for v in optimizer.variables])
    assert int(other.iterations) == 1
    assert (other.variables[-1].numpy() == optimizer.variables[-1].numpy()).all()
    with pytest.raises(ValueError, match="got 0 values"):
        other.set_weights([])


@pytest.mark.parametrize("name", PLAIN)
def test_an_optimizer_comes_back_from_its_config(name):
    optimizer = getattr(optimizers, name)(0.125, clipnorm=0.5, name="mine", weight_decay=0.25)
    config = optimizers.serialize(optimizer)
    assert (config["module"], config["class_name"]) == ("keras.optimizers", name)
    again = optimizers.deserialize(config)
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()
    assert float(again.learning_rate) == 0.125


def test_the_config_has_the_rate_as_it_is_now_and_every_default():
    optimizer = Adam(0.1)
    optimizer.learning_rate = 0.001
    config = optimizer.get_config()
    assert config["learning_rate"] == 0.001
    assert config["beta_2"] == 0.999 and config["clipnorm"] is None
    assert repr(optimizer) == "Adam(learning_rate=0.1)"


def test_a_schedule_comes_back_with_its_optimizer():
    optimizer = SGD(schedules.CosineDecay(0.5, 10, alpha=0.1))
    again = optimizers.get(optimizers.serialize(optimizer))
    assert float(again.learning_rate) == 0.5
    assert again.get_config() == {**optimizer.get_config(), "name": again.name}


def test_a_users_optimizer_comes_back_where_its_name_is_known():
    config = optimizers.serialize(Plain(boost=3.0))
    with pytest.raises(ValueError, match="Plain"):
        optimizers.deserialize(config)
    assert optimizers.deserialize(config, {"Plain": Plain}).boost == 3.0
    with custom_object_scope({"Plain": Plain}):
        assert optimizers.get("Plain").boost == 2.0


@pytest.mark.parametrize("name", PLAIN)
def test_names_in_any_case_are_optimizers(name):
    for spelt in (name, name.lower(), name.upper()):
        assert type(optimizers.get(spelt)) is getattr(optimizers, name)
    assert type(optimizers.get({"class_name": name.lower(), "config": {}})).__name__ == name


def test_get_takes_objects_classes_and_none():
    optimizer = SGD()
    assert optimizers.get(optimizer) is optimizer
    assert isinstance(optimizers.get(Adam), Adam)
    assert optimizers.get(None) is None


@pytest.mark.parametrize("bad", ["adma", 3, len, dict])
def test_what_is_no_optimizer_is_refused(bad):
    hint = "Did you mean .*'adam'" if bad == "adma" else "pass a name"
    with pytest.raises(ValueError, match=f"is not an optimizer.*{hint}"):
        optimizers.get(bad)


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_goes_on_by_itself(clone):
    w = Variable([1.0], name="w")
    optimizer = Adam(0.1)
    optimizer.apply([jnp.ones(1)], [w])
    other, v = clone((optimizer, w))
    other.apply([jnp.ones(1)], [v])
    assert (int(optimizer.iterations), int(other.iterations)) == (1, 2)
    assert w.numpy()[0] == pytest.approx(0.9, rel=1e-5)
    assert v.numpy()[0] == pytest.approx(0.8, rel=1e-5)


def test_an_optimizer_does_not_own_the_weights_it_trains():
    variables = pair()
    optimizer = Adam(use_ema=True)
    optimizer.apply(ones(variables), variables)
    assert not set(variables) & set(optimizer._all_variables())


# ---- loss scaling


def scaled(**settings):
    return LossScaleOptimizer(SGD(1.0), initial_scale=8.0, **settings)


@pytest.mark.parametrize("traced", [False, True])
def test_the_scale_doubles_after_finite_steps_and_halves_where_one_is_skipped(traced):
    w = Variable([0.0])
    optimizer = scaled(dynamic_growth_steps=2)
    step = compiled(optimizer, [w])[0] if traced else lambda g: optimizer.apply(g, [w])
    seen = []
    for gradient in (8.0, 8.0, np.inf, 8.0, np.nan):
        step([jnp.array([gradient])])
        seen.append((float(w.raw[0]), float(optimizer.dynamic_scale), int(optimizer.iterations)))
    assert seen == [(-1, 8, 1), (-2, 16, 2), (-2, 8, 2), (-3, 8, 3), (-3, 4, 3)]


def test_the_scale_multiplies_the_loss_before_and_after_building():
    optimizer = scaled()
    assert float(optimizer.scale_loss(2.0)) == 16.0
    optimizer.build([Variable([0.0])])
    optimizer.dynamic_scale.assign(4.0)
    assert float(optimizer.scale_loss(2.0)) == 8.0
    assert float(optimizer.scale_loss(jnp.float16(30000.0))) == 120000.0


def test_loss_scaling_hands_on_to_the_optimizer_inside():
    w = Variable([1.0], name="w")
    optimizer = LossScaleOptimizer(SGD(1.0, use_ema=True, weight_decay=0.5), initial_scale=1.0)
    optimizer.exclude_from_weight_decay(var_names=["w"])
    optimizer.learning_rate = 0.5
    optimizer.apply([jnp.ones(1)], [w])
    assert float(optimizer.inner_optimizer.learning_rate) == float(optimizer.learning_rate) == 0.5
    assert w.numpy().tolist() == [0.5]
    w.assign([7.0])
    optimizer.finalize_variable_values([w])
    assert w.numpy().tolist() == [0.5]


def test_loss_scaling_comes_back_from_its_config_and_from_old_ones():
    optimizer = scaled(dynamic_growth_steps=5)
    optimizer.learning_rate = 0.25
    config = optimizers.serialize(optimizer)
    old = {**config, "config": {**config["config"], "clipnorm": None, "use_ema": False}}
    for data in (config, old):
        again = optimizers.deserialize(data)
        assert (again.initial_scale, again.dynamic_growth_steps) == (8.0, 5)
        assert float(again.learning_rate) == 0.25
    old["config"]["clipnorm"] = 1.0
    with pytest.raises(ValueError, match="set it on the inner optimizer"):
        optimizers.deserialize(old)
    with pytest.raises(TypeError, match="wraps an optimizer"):
        LossScaleOptimizer("sgd")


@pytest.mark.parametrize("argument", ["clipnorm", "use_ema", "weight_decay", "foo"])
def test_loss_scaling_takes_no_argument_of_the_optimizer_inside(argument):
    with pytest.raises(ValueError, match=f"{argument}.*pass it to the inner optimizer"):
        LossScaleOptimizer(SGD(), **{argument: 1.0})
    assert argument not in LossScaleOptimizer(SGD()).get_config()


def test_loss_scaling_is_always_dynamic():
    assert LossScaleOptimizer(SGD(), dynamic=True).initial_scale == 2.0**15
    with pytest.raises(ValueError, match="loss_scale_factor"):
        LossScaleOptimizer(SGD(), dynamic=False)


def overwritten(value):
    variable = Variable(value)
    variable.overwrite_with_gradient = True
    return variable


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw", "rmsprop", "adafactor", "muon", "ftrl"])
def test_a_variable_may_take_its_gradient_as_its_value(name):
    """It has no slots, and is not clipped, decayed or scaled; the others are as without it."""
    optimizer, alone = optimizers.get(name), optimizers.get(name)
    for one in (optimizer, alone):
        one.clipnorm = 0.1
    v, w, other = overwritten([[1.0, 2.0]]), Variable([[1.0, 2.0]]), Variable([[1.0, 2.0]])
    gradient = jnp.array([[5.0, 7.0]])
    optimizer.apply([gradient, gradient], [v, w])
    alone.apply([gradient], [other])
    assert v.numpy().tolist() == [[5.0, 7.0]]
    np.testing.assert_array_equal(w.numpy(), other.numpy())
    assert len(optimizer.variables) == len(alone.variables)


class Remembers(keras.Layer):
    """Adds nothing; the gradient of its weight is the sum of the gradients of its outputs."""

    def build(self, input_shape):
        self.mean = self.add_weight((), "zeros", name="mean", overwrite_with_gradient=True)

    def call(self, x):
        return x + self.mean - ops.stop_gradient(self.mean)


def test_a_layer_s_weight_takes_its_gradient_as_its_value_in_fit():
    model = keras.Sequential([keras.Input((2,)), Remembers()])
    model.compile("adam", lambda y, y_pred: ops.sum(y * y_pred, axis=-1))
    y = np.array([[1.0, 2.0]], "float32")
    model.fit(np.zeros((1, 2)), y, verbose=0)
    assert float(model.layers[-1].mean) == 3.0


def test_an_overwritten_variable_takes_the_largest_of_accumulated_gradients():
    v, w = overwritten([3.0]), Variable([3.0])
    optimizer = SGD(1.0, gradient_accumulation_steps=2)
    seen = []
    for gradient in (2.0, 1.0, 1.0, 1.5):
        optimizer.apply([jnp.array([gradient])] * 2, [v, w])
        seen.append((float(v[0]), float(w[0])))
    assert seen == [(3.0, 3.0), (2.0, 1.5), (2.0, 1.5), (1.5, 0.25)]


def test_loss_scaling_leaves_an_overwriting_gradient_as_it_is():
    v, w = overwritten([1.0]), Variable([1.0])
    LossScaleOptimizer(SGD(1.0), initial_scale=4.0).apply([jnp.array([8.0])] * 2, [v, w])
    assert (v.numpy().tolist(), w.numpy().tolist()) == ([8.0], [-1.0])


def test_a_fixed_loss_scale_multiplies_the_loss_and_divides_the_gradients():
    w = Variable([0.0])
    optimizer = SGD(1.0, loss_scale_factor=4.0)
    assert optimizer.scale_loss(1.5) == 6.0
    optimizer.apply([jnp.array([4.0])], [w])
    assert w.numpy().tolist() == [-1.0]


def test_averages_of_no_step_leave_the_variables_as_they_are():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1, use_ema=True), "mse")
    before = model.get_weights()
    with pytest.warns(RuntimeWarning, match="not finite"):
        model.fit(np.full((4, 2), np.nan), np.ones((4, 1)), verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
