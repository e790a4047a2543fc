"""One suite for every public loss, metric, optimizer, schedule, initializer, ... of the table."""

import copy
import inspect
import json
import operator
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import keras as theirs
import numpy as np
import pytest

import hornbook as keras
from hornbook import activations, losses, metrics, optimizers, saving
from hornbook.core.variable import Variable, bind
from hornbook.metrics.base import make_variables
from tests.contract.objects import (
    ACTIVATIONS,
    CONSTRAINTS,
    FAMILIES,
    INITIALIZERS,
    LAYERS,
    LOSSES,
    METRICS,
    OPTIMIZERS,
    REGULARIZERS,
    SCHEDULES,
    WITHOUT_A_ROW,
    float64,
    floats,
    public,
)

CLOSE = {"rtol": 1e-5, "atol": 1e-6}
MATRIX = floats(4, 6)


def maker(family: str, name: str) -> Callable:
    """The function of a row that makes its object."""
    found = FAMILIES[family][1][name]
    return found.make if family == "layers" else found[0] if isinstance(found, tuple) else found


def each(*families: str) -> Any:
    """Parameters `family, name` for all objects of some families."""
    rows = [(family, name) for family in families for name in FAMILIES[family][1]]
    return pytest.mark.parametrize("family, name", rows, ids=[f"{f}.{n}" for f, n in rows])


# ---- the table


@pytest.mark.parametrize("family", FAMILIES)
def test_every_public_object_has_a_row_and_every_row_is_public(family):
    rows = FAMILIES[family][1]
    missing = set(public(family)) - set(rows) - set(WITHOUT_A_ROW)
    assert not missing, f"{sorted(missing)} are in the door and not in tests/contract/objects.py"
    assert set(rows) <= set(public(family))


@each("losses", "metrics", "optimizers", "schedules", "initializers", "regularizers", "constraints")
def test_a_row_makes_an_object_of_its_class(family, name):
    assert type(maker(family, name)()) is public(family)[name]


# ---- what all objects are: arguments, config, copies


@each(*(family for family in FAMILIES if family != "activations"))
def test_a_constructor_takes_every_argument_that_its_signature_shows(family, name):
    cls, made = public(family)[name], maker(family, name)
    given = {*getattr(made, "keywords", {})}
    parameters = list(inspect.signature(cls).parameters.values())
    assert all(p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in parameters)
    in_place = len(getattr(made, "args", ()))
    free = {
        p.name: p.default
        for p in parameters[in_place:]
        if p.default is not p.empty and p.name not in given
    }
    if isinstance(made, type | partial):  # else the row shows it inside another, or around one
        assert type(made(**free)) is cls


THEIRS = {"schedules": "optimizers.schedules"}
OURS_IF_SET = {"learning_rate_factors"}  # in the config only if given: Keras does not know it
WITH_A_FUNCTION = {"LossFunctionWrapper", "MeanMetricWrapper"}  # that Keras does not know
OTHERS = [family for family in FAMILIES if family not in ("layers", "activations")]


@each(*OTHERS)
def test_an_object_comes_back_from_its_config(family, name):
    made = maker(family, name)()
    config = made.get_config()
    assert type(made).from_config(config).get_config() == config
    described = json.loads(json.dumps(saving.serialize_keras_object(made)))
    again = saving.deserialize_keras_object(described)
    assert type(again) is type(made)
    assert json.loads(json.dumps(saving.serialize_keras_object(again))) == described


@each(*OTHERS)
def test_an_object_is_copied_and_pickled(family, name):
    made = maker(family, name)()
    for again in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert type(again) is type(made) and again.get_config() == made.get_config()


@each("losses", "metrics", "optimizers", "initializers", "regularizers", "constraints")
def test_an_object_is_found_by_its_name(family, name):
    module, cls = FAMILIES[family][0], public(family)[name]
    parameters = inspect.signature(cls).parameters.values()
    assert (
        type(module.get({"class_name": name, "config": maker(family, name)().get_config()})) is cls
    )
    if all(p.default is not p.empty for p in parameters):
        assert type(module.get(name)) is cls
        assert type(module.get(cls)) is cls


@each(*OTHERS)
def test_a_config_has_the_keys_of_keras_and_each_reads_the_others(family, name):
    made = maker(family, name)()
    cls = getattr(operator.attrgetter(THEIRS.get(family, family))(theirs), name, None)
    if cls is None or getattr(cls, "get_config", None) is None or name in WITH_A_FUNCTION:
        return
    config = made.get_config()
    wanted = cls.from_config(copy.deepcopy(config)).get_config()
    assert set(wanted) <= set(config)
    assert set(wanted) <= set(type(made).from_config(wanted).get_config())
    parameters = inspect.signature(type(made)).parameters.values()
    with_default = {p.name for p in parameters if p.default is not p.empty}
    assert with_default - OURS_IF_SET <= set(config)


@each(*OTHERS)
def test_a_repr_shows_what_differs_from_the_defaults(family, name):
    made = maker(family, name)()
    again = type(made).from_config(made.get_config())
    shown = {key for key in inspect.signature(type(made)).parameters if f"{key}=" in repr(again)}
    given = {key for key in inspect.signature(type(made)).parameters if f"{key}=" in repr(made)}
    assert shown <= given | {"name", "dtype", "learning_rate"}


# ---- losses


REDUCTIONS = ("none", "sum", "mean", "sum_over_batch_size", "mean_with_sample_weight")


@pytest.mark.parametrize("name", LOSSES)
def test_a_compiled_loss_is_the_eager_one_in_all_reductions_and_with_weights_of_one(name):
    make, y_true, y_pred = LOSSES[name]

    @jax.jit
    def every(y_true, y_pred):
        loss = {kind: make(reduction=kind) for kind in REDUCTIONS}
        plain = {kind: one(y_true, y_pred) for kind, one in loss.items()}
        ones = jnp.ones(plain["none"].shape)
        return plain, {kind: one(y_true, y_pred, ones) for kind, one in loss.items()}

    found = make()(y_true, y_pred)
    assert found.shape == () and found.dtype == "float32" and np.isfinite(found)
    plain, weighted = every(y_true, y_pred)
    values = np.asarray(plain["none"])
    np.testing.assert_allclose(values.mean(), found, **CLOSE)
    wanted = {"none": values, "sum": values.sum()}
    for kind in REDUCTIONS:
        np.testing.assert_allclose(plain[kind], wanted.get(kind, values.mean()), **CLOSE)
        np.testing.assert_allclose(weighted[kind], plain[kind], **CLOSE)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_computes_in_its_dtype(name):
    make, y_true, y_pred = LOSSES[name]
    assert jax.eval_shape(make(dtype="bfloat16"), y_true, y_pred).dtype == "bfloat16"


# ---- metrics


def arguments(name: str) -> list:
    return [value for value in METRICS[name][1:] if value is not None]


@pytest.mark.parametrize("name", METRICS)
def test_a_compiled_metric_is_finite_and_weights_of_one_change_nothing(name):
    # that it is what it is eagerly, tests/metrics shows for all of them
    given = arguments(name)
    metric = METRICS[name][0]()
    make_variables(metric, *given)
    weights = np.ones(len(given[0]), "int32")

    @jax.jit
    def run(values, given, weights):
        plain = metric.stateless_update_state(values, *given)
        weighted = metric.stateless_update_state(values, *given, sample_weight=weights)
        return [metric.stateless_result(state) for state in (plain, weighted)]

    plain, weighted = run([v.value for v in metric.variables], given, weights)
    assert plain.dtype == "float32" and np.all(np.isfinite(plain))
    np.testing.assert_allclose(weighted, plain, **CLOSE)
    assert not any(np.any(v) for v in metric.variables)  # nothing was assigned


def test_losses_and_metrics_stay_float32_where_jax_has_64_bits():
    found = {}
    with float64():
        for name, (make, y_true, y_pred) in LOSSES.items():
            found[f"losses.{name}"] = jax.eval_shape(make(), y_true, y_pred).dtype
        for name in METRICS:
            metric, given = METRICS[name][0](), arguments(name)
            make_variables(metric, *given)
            values = [v.value for v in metric.variables]
            values = jax.eval_shape(metric.stateless_update_state, values, *given)
            found[f"metrics.{name}"] = jax.eval_shape(metric.stateless_result, values).dtype
    assert {name: dtype for name, dtype in found.items() if dtype != "float32"} == {}


# ---- optimizers


def step_of(name: str) -> tuple[Any, list[Variable], Callable, Callable]:
    """An optimizer, two variables, their loss `sum((v - 1)**2)`, and a pure step."""
    optimizer = OPTIMIZERS[name]()
    kernel = Variable(np.linspace(-1, 3, 6).reshape(3, 2), dtype="float32", name="kernel")
    variables = [kernel, Variable([2.0, -2.0], name="bias")]
    optimizer.build(variables)
    everything = [*variables, *optimizer.variables]

    def loss(values):
        return sum(((value - 1) ** 2).sum() for value in values)

    def step(state):
        with bind(dict(zip(everything, state, strict=True))) as scope:
            values = [v.value for v in variables]
            # what a LossScaleOptimizer makes of the loss, it expects of the gradients
            gradients = jax.grad(lambda values: optimizer.scale_loss(loss(values)))(values)
            optimizer.apply(gradients, variables)
            return [scope[v] for v in everything]

    return optimizer, everything, loss, step


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_compiled_step_is_the_eager_step_and_steps_lower_the_loss(name):
    optimizer, everything, loss, step = step_of(name)
    start = [v.raw for v in everything]
    traces: list = []
    compiled = jax.jit(lambda state: (traces.append(1), step(state))[1])
    state = compiled(start)
    for found, wanted, variable in zip(state, step(start), everything, strict=True):
        np.testing.assert_allclose(found, wanted, err_msg=variable.path, **CLOSE)
        assert found.dtype == wanted.dtype == variable.dtype
    assert not np.array_equal(state[0], start[0]) and not np.array_equal(state[1], start[1])
    for _ in range(9):
        state = compiled(state)
    assert loss(state[:2]) < loss(start[:2])
    assert len(traces) == 1
    assert int(state[list(map(id, everything)).index(id(optimizer.iterations))]) == 10


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_state_of_an_optimizer_has_one_path_each_and_slots_name_their_variable(name):
    optimizer, everything, _, _ = step_of(name)
    paths = optimizer._variable_paths()
    assert set(paths.values()) == set(everything[2:]) and len(paths) == len(everything) - 2
    slots = [path for path, v in paths.items() if v.shape in ((3, 2), (2,))]
    assert all("kernel" in path or "bias" in path for path in slots)


# ---- schedules


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_gives_a_finite_float_at_every_step_compiled_or_not(name):
    schedule = SCHEDULES[name]()
    compiled = jax.jit(schedule)
    for step in (0, 3, 7, 100):
        found = schedule(step)
        assert found.shape == () and found.dtype == "float32" and 0 <= found < 1
        np.testing.assert_allclose(compiled(jnp.int32(step)), found, **CLOSE)
    optimizer = optimizers.SGD(schedule)
    np.testing.assert_allclose(optimizer.learning_rate, schedule(0), **CLOSE)


# ---- initializers


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", INITIALIZERS)
def test_an_initializer_fills_a_shape_in_a_dtype_the_same_each_time(name, dtype):
    make, shape = INITIALIZERS[name]
    value = make()(shape, dtype=dtype)
    assert value.shape == shape and value.dtype == dtype
    np.testing.assert_array_equal(value, make()(shape, dtype=dtype))
    traced = jax.jit(lambda: jnp.asarray(make()(shape, dtype=dtype)))()
    np.testing.assert_array_equal(np.asarray(traced, "float32"), np.asarray(value, "float32"))


# ---- functions of a weight


@pytest.mark.parametrize("name", REGULARIZERS)
def test_a_regularizer_gives_a_positive_number_and_nothing_for_zeros(name):
    regularizer = REGULARIZERS[name]()
    found = regularizer(MATRIX)
    assert found.shape == () and found > 0 and regularizer(np.zeros_like(MATRIX)) == 0
    np.testing.assert_allclose(jax.jit(regularizer)(MATRIX), found, **CLOSE)
    assert jax.eval_shape(regularizer, MATRIX.astype(jnp.bfloat16)).dtype == "bfloat16"


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_a_constraint_changes_what_breaks_it_and_nothing_else(name):
    constraint = CONSTRAINTS[name]()
    found = constraint(MATRIX)
    assert found.shape == MATRIX.shape and not np.array_equal(found, MATRIX)
    np.testing.assert_allclose(constraint(found), found, **CLOSE)
    np.testing.assert_allclose(jax.jit(constraint)(MATRIX), found, **CLOSE)
    assert jax.eval_shape(constraint, MATRIX.astype(jnp.bfloat16)).dtype == "bfloat16"


# ---- activations


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_one_function_eager_compiled_and_symbolic(name):
    function, more = getattr(activations, name), ACTIVATIONS[name]
    found = function(MATRIX, **more)
    np.testing.assert_allclose(jax.jit(lambda x: function(x, **more))(MATRIX), found, **CLOSE)
    tensor = function(keras.Input((6,)), **more)
    assert tensor.shape == (None, *found.shape[1:]) and tensor.dtype == found.dtype
    low = jax.eval_shape(lambda x: function(x, **more), jnp.asarray(MATRIX, "bfloat16"))
    assert found.dtype == "float32" and low.dtype == "bfloat16"


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_found_by_its_name_and_keeps_it(name):
    function = getattr(activations, name)
    assert activations.get(name) is function
    assert activations.deserialize(activations.serialize(function)) is function
    assert json.loads(json.dumps(activations.serialize(function))) in activations.TABLE


def test_functions_of_losses_and_metrics_are_found_by_their_names():
    for module in (losses, metrics):
        for name in module.__all__:
            function = getattr(module, name)
            if (
                inspect.isfunction(function)
                and name not in dir(keras.layers)
                and name in module.TABLE
            ):
                assert callable(module.get(name))


def test_layers_are_found_by_their_configs():
    for name, row in LAYERS.items():
        layer = row.make()
        assert type(keras.layers.get(saving.serialize_keras_object(layer))) is type(layer), name
