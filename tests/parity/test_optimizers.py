"""Several steps of every optimizer from the same weights and gradients, against Keras."""

import functools

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

from hornbook import optimizers
from hornbook.core.variable import Variable, bind

STEPS = 5
SHAPES = {"kernel": (4, 3), "bias": (3,), "embeddings": (2, 3, 2)}

# name, arguments
CASES = [
    ("SGD", {}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("RMSprop", {}),
    ("RMSprop", {"rho": 0.8, "momentum": 0.5, "centered": True, "epsilon": 1e-3}),
    ("Adam", {}),
    ("Adam", {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.9, "amsgrad": True}),
    ("Adam", {"epsilon": 0.1, "weight_decay": 0.1}),
    ("AdamW", {"learning_rate": 0.05}),
    ("AdamW", {"weight_decay": 0.5, "amsgrad": True}),
    ("Adamax", {"learning_rate": 0.01}),
    ("Nadam", {"learning_rate": 0.01}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Adagrad", {"initial_accumulator_value": 0.5, "epsilon": 0.1}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Ftrl", {"learning_rate": 0.1}),
    (
        "Ftrl",
        {
            "learning_rate": 0.1,
            "learning_rate_power": -0.3,
            "l1_regularization_strength": 0.2,
            "l2_regularization_strength": 0.1,
            "l2_shrinkage_regularization_strength": 0.05,
            "beta": 0.3,
        },
    ),
    ("Lion", {"learning_rate": 0.01}),
    ("Lamb", {"learning_rate": 0.01}),
    ("Adafactor", {"learning_rate": 0.1}),
    ("Adafactor", {"learning_rate": 0.6, "relative_step": False, "clip_threshold": 0.5}),
    ("Muon", {"learning_rate": 0.02}),
    ("Muon", {"exclude_layers": ["kernel"], "rms_rate": None, "adam_weight_decay": 0.1}),
    ("Muon", {"nesterov": False, "ns_steps": 3, "adam_lr_ratio": 0.5}),
    ("ScheduleFreeAdamW", {}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.1, "warmup_steps": 3, "weight_decay": 0.01}),
    ("Adam", {"clipnorm": 0.5}),
    ("SGD", {"global_clipnorm": 0.5}),
    ("SGD", {"global_clipnorm": 1e6}),
    ("SGD", {"clipvalue": 0.3}),
    ("SGD", {"loss_scale_factor": 8.0}),
    ("Adam", {"use_ema": True, "ema_momentum": 0.5}),
    ("Adam", {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 2}),
    ("Adam", {"gradient_accumulation_steps": 2}),
    ("Nadam", {"gradient_accumulation_steps": 3, "weight_decay": 0.1, "clipnorm": 1.0}),
    ("SGD", {"gradient_accumulation_steps": 2, "use_ema": True, "ema_overwrite_frequency": 2}),
]
IDS = [f"{name}-{'-'.join(settings) or 'default'}" for name, settings in CASES]


def numbers(seed=0):
    rng = np.random.default_rng(seed)
    values = {name: rng.normal(size=shape).astype("float32") for name, shape in SHAPES.items()}
    gradients = [
        [rng.normal(size=shape).astype("float32") for shape in SHAPES.values()]
        for _ in range(STEPS)
    ]
    return values, gradients


@functools.cache
def case_in_keras(index):
    return in_keras(*CASES[index], *numbers())


def in_keras(name, settings, values, gradients):
    """The values after each step, those of the optimizer after the last, and the optimizer."""
    variables = [keras.Variable(value, name=key) for key, value in values.items()]
    optimizer = getattr(keras.optimizers, name)(**settings)
    optimizer.build(variables)
    step = jax.jit(optimizer.stateless_apply)
    trained, own = [v.value for v in variables], [v.value for v in optimizer.variables]
    history = []
    for arrays in gradients:
        trained, own = step(own, [jnp.asarray(g) for g in arrays], trained)
        history.append(trained)
    return history, own, optimizer


def close(ours, theirs):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("case", range(len(CASES)), ids=IDS)
def test_steps_and_slots_are_those_of_keras(case):
    (name, settings), (values, gradients) = CASES[case], numbers()
    history, own, _ = case_in_keras(case)
    variables = [Variable(value, name=key) for key, value in values.items()]
    optimizer = getattr(optimizers, name)(**settings)
    optimizer.build(variables)
    for step, expected in zip(gradients, history, strict=True):
        optimizer.apply(step, variables)
        for variable, value in zip(variables, expected, strict=True):
            close(variable, value)
    assert [v.shape for v in optimizer.variables] == [value.shape for value in own]
    for mine, other in zip(optimizer.variables, own, strict=True):
        close(mine, other)


@pytest.mark.parametrize("case", range(len(CASES)), ids=IDS)
def test_a_traced_loop_of_steps_is_the_eager_one(case):
    (name, settings), (values, gradients) = CASES[case], numbers()
    history, _, _ = case_in_keras(case)
    variables = [Variable(value, name=key) for key, value in values.items()]
    optimizer = getattr(optimizers, name)(**settings)
    optimizer.build(variables)
    everything = [*variables, *optimizer.variables]

    @jax.jit
    def train(state, gradients):
        def step(state, gradients):
            with bind(dict(zip(everything, state, strict=True))) as scope:
                optimizer.apply(gradients)
                return [scope[v] for v in everything], None

        return jax.lax.scan(step, state, gradients)[0]

    stacked = [np.stack(column) for column in zip(*gradients, strict=True)]
    state = train([v.raw for v in everything], stacked)
    for value, expected in zip(state, history[-1], strict=False):
        close(value, expected)


@pytest.mark.parametrize(
    "name", ["SGD", "RMSprop", "Adam", "AdamW", "Nadam", "Adagrad", "Adafactor", "Ftrl", "Lion"]
)
def test_names_configs_and_order_of_variables_are_those_of_keras(name):
    settings = {"use_ema": True, "gradient_accumulation_steps": 2}
    values, _ = numbers()
    theirs = getattr(keras.optimizers, name)(name="o", **settings)
    mine = getattr(optimizers, name)(name="o", **settings)
    theirs.build([keras.Variable(value, name=key) for key, value in values.items()])
    mine.build([Variable(value, name=key) for key, value in values.items()])
    assert [v.shape for v in mine.variables] == [v.shape for v in theirs.variables]
    slots = [v.path for v in theirs.variables if v.name.count("_") and v.path.startswith("o/")]
    assert set(slots) <= {v.path for v in mine.variables}
    expected = theirs.get_config()
    assert set(mine.get_config()) == set(expected)
    for key, value in mine.get_config().items():
        assert value == (pytest.approx(expected[key]) if key == "learning_rate" else expected[key])


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("ExponentialDecay", {"decay_steps": 7, "decay_rate": 0.6}),
        ("ExponentialDecay", {"decay_steps": 7, "decay_rate": 0.6, "staircase": True}),
        ("InverseTimeDecay", {"decay_steps": 7, "decay_rate": 0.6}),
        ("InverseTimeDecay", {"decay_steps": 7, "decay_rate": 0.6, "staircase": True}),
        ("PolynomialDecay", {"decay_steps": 10}),
        ("PolynomialDecay", {"decay_steps": 6, "power": 0.5, "end_learning_rate": 0.05}),
        ("PolynomialDecay", {"decay_steps": 6, "power": 2.0, "cycle": True}),
        ("CosineDecay", {"decay_steps": 10}),
        ("CosineDecay", {"decay_steps": 10, "alpha": 0.1, "warmup_target": 0.5, "warmup_steps": 4}),
        ("CosineDecay", {"decay_steps": 10, "warmup_target": 0.5, "warmup_steps": 0}),
        ("CosineDecayRestarts", {"first_decay_steps": 4}),
        ("CosineDecayRestarts", {"first_decay_steps": 4, "t_mul": 1.0, "m_mul": 0.5}),
        ("CosineDecayRestarts", {"first_decay_steps": 3, "t_mul": 1.5, "m_mul": 0.9, "alpha": 0.2}),
    ],
)
def test_schedules_are_those_of_keras(name, settings):
    mine = getattr(optimizers.schedules, name)(0.3, **settings)
    theirs = getattr(keras.optimizers.schedules, name)(0.3, **settings)
    steps = np.array([0, 1, 3, 4, 5, 11, 25], "int32")
    expected = [theirs(step) for step in steps]
    close(jax.jit(jax.vmap(mine))(steps), expected)
    close([mine(step) for step in steps], expected)
    again = optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(theirs))
    close(again(9), theirs(9))


def test_piecewise_constant_decay_is_that_of_keras():
    arguments = [3, 6.5, 9], [1.0, 0.5, 0.2, 0.1]
    mine = optimizers.schedules.PiecewiseConstantDecay(*arguments)
    theirs = keras.optimizers.schedules.PiecewiseConstantDecay(*arguments)
    for step in range(12):
        assert float(mine(step)) == float(theirs(step))


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_steps_on_a_schedule_are_those_of_keras(name):
    schedule = {"decay_steps": 2, "decay_rate": 0.5}
    values, gradients = numbers()
    history, own, theirs = in_keras(
        name,
        {"learning_rate": keras.optimizers.schedules.ExponentialDecay(0.1, **schedule)},
        values,
        gradients,
    )
    variables = [Variable(value, name=key) for key, value in values.items()]
    rate = optimizers.schedules.ExponentialDecay(0.1, **schedule)
    optimizer = getattr(optimizers, name)(rate)
    for step, expected in zip(gradients, history, strict=True):
        optimizer.apply_gradients(zip(step, variables, strict=True))
        for variable, value in zip(variables, expected, strict=True):
            close(variable, value)
    close(optimizer.learning_rate, theirs._learning_rate(STEPS))
    assert len(optimizer.variables) == len(own)


def test_loss_scaling_is_that_of_keras():
    values, gradients = numbers()
    gradients[2][0][0, 0] = np.inf
    gradients[3][1][0] = np.nan
    settings = {"initial_scale": 64.0, "dynamic_growth_steps": 2}
    kerases = [keras.Variable(value, name=key) for key, value in values.items()]
    theirs = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.1), **settings)
    variables = [Variable(value, name=key) for key, value in values.items()]
    optimizer = optimizers.LossScaleOptimizer(optimizers.Adam(0.1), **settings)
    theirs.build(kerases)
    trained, own = [v.value for v in kerases], [v.value for v in theirs.variables]
    for step in gradients:
        optimizer.apply(step, variables)
        trained, own = theirs.stateless_apply(own, [jnp.asarray(g) for g in step], trained)
        for mine, other in zip([*variables, *optimizer.variables], [*trained, *own], strict=True):
            close(mine, other)
    assert float(optimizer.scale_loss(1.0)) == 32.0
