"""Embedding tables where a step updates only the rows of its batch."""

from contextlib import nullcontext
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hornbook as keras
from hornbook import layers
from hornbook.kernels import native, plain
from hornbook.kernels.native import adam
from hornbook.kernels.native.by_rows import Table
from hornbook.training import tables

needs_kernels = pytest.mark.skipif(not native.available(), reason="no compiled kernels here")
ROWS, WIDTH = 400, 6


def ids(shape, seed=0, rows=ROWS):
    """Row ids, mostly small, so that batches repeat some and rarely use others."""
    return np.minimum(np.random.default_rng(seed).zipf(1.3, shape) - 1, rows - 1).astype("int32")


def numbers(*shape):
    return np.random.default_rng(5).normal(size=shape).astype("float32")


def embedding(**settings):
    return layers.Embedding(ROWS, WIDTH, **settings)


def sequential(**settings):
    return keras.Sequential(
        [keras.Input((4,)), embedding(**settings), layers.Flatten(), layers.Dense(1)]
    )


def tables_alone():
    users, items = keras.Input((1,), dtype="int32"), keras.Input((1,), dtype="int32")
    tables = layers.Embedding(ROWS, WIDTH, name="b"), layers.Embedding(2 * ROWS, WIDTH, name="a")
    rows = [table(x) for table, x in zip(tables, (users, items), strict=True)]
    return keras.Model([users, items], layers.Flatten()(layers.Dot(2)(rows)))


def shared():
    table = embedding()
    a, b = keras.Input((2,), dtype="int32"), keras.Input((3,), dtype="int32")
    both = layers.Concatenate(1)([table(a), table(b)])
    return keras.Model([a, b], layers.Dense(1)(layers.Flatten()(both)))


def nested():
    inner = keras.Sequential([keras.Input((4,)), embedding(mask_zero=True), layers.LSTM(3)])
    x = keras.Input((4,), dtype="int32")
    return keras.Model(x, layers.Dense(1)(inner(x)))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.table = embedding()
        self.out = layers.Dense(1)

    def call(self, x):
        return self.out(keras.ops.mean(self.table(x), axis=1))


def deeper():
    """A table two models below the one that is trained, of each kind of model."""
    x = keras.Input((4,), dtype="int32")
    return keras.Sequential([keras.Input((4,)), keras.Model(x, Subclassed()(x)), layers.Dense(1)])


class Placed(Subclassed):
    """Adds rows that are the same for every batch."""

    def call(self, x):
        return self.out(jnp.mean(self.table(x) + self.table(jnp.arange(300, 304)), 1))


class Tied(Subclassed):
    """Its table is a layer's kernel too."""

    def call(self, x):
        hidden = keras.ops.mean(self.table(x), axis=1)
        return keras.ops.sum(
            keras.ops.tanh(hidden @ keras.ops.transpose(self.table.embeddings)), -1, keepdims=True
        )


class Looped(Subclassed):
    """Looks rows up inside a loop."""

    def call(self, x):
        _, rows = jax.lax.scan(lambda c, one: (c, self.table(one)), 0, jnp.moveaxis(x, 1, 0))
        return self.out(jnp.mean(rows, 0))


class Chained(Subclassed):
    """Rows decide which rows come next."""

    def call(self, x):
        rows = self.table(x)
        return self.out(jnp.mean(self.table(jnp.argmax(rows, -1)), 1))


def inputs_of(model, count=47):
    shapes = (
        [(count, *x.shape[1:]) for x in model.inputs] if hasattr(model, "inputs") else [(count, 4)]
    )
    found = [ids(shape, seed) for seed, shape in enumerate(shapes)]
    return found if len(found) > 1 else found[0]


def trained(make, optimizer=None, epochs=3, fast=True, **fit):
    """The variables of a model and its optimizer after training, and the loss of each epoch."""
    keras.utils.set_random_seed(1)
    model = make()
    x = inputs_of(model)
    model.compile(optimizer or keras.optimizers.Adam(0.01), "mse")
    with nullcontext() if fast else plain():
        history = model.fit(x, numbers(47, 1), batch_size=8, epochs=epochs, verbose=0, **fit)
    return {
        "loss": history.history["loss"],
        "weights": model.get_weights(),
        "optimizer": [np.asarray(v.raw) for v in model.optimizer.variables],
    }


def assert_same(a, b):
    jax.tree.map(
        partial(np.testing.assert_allclose, rtol=2e-4, atol=1e-5), a, b
    )  # of steps of 0.01


@pytest.fixture
def updates(monkeypatch):
    """The shapes of the tables whose rows a traced step updates."""
    seen = []
    of_optimizer = tables.Tables.update

    def watched(self, go, state, looked_up, gradients):
        found = looked_up.values()
        seen.extend((one.ids.size, *one.table.values[0].shape) for one in found)
        return of_optimizer(self, go, state, looked_up, gradients)

    monkeypatch.setattr(tables.Tables, "update", watched)
    return seen


@needs_kernels
@pytest.mark.parametrize(
    "make", [sequential, tables_alone, shared, nested, deeper, Subclassed, Placed]
)
def test_rows_that_wait_end_where_rows_that_move_at_every_step_do(make, updates):
    fast = trained(make)
    assert updates, "no table was trained by rows"
    assert_same(fast, trained(make, fast=False))


@needs_kernels
@pytest.mark.parametrize("make", [sequential, tables_alone, shared])
@pytest.mark.parametrize(
    "optimizer",
    [partial(keras.optimizers.SGD, 0.1), partial(keras.optimizers.Adagrad, 0.1)],
    ids=["SGD", "Adagrad"],
)
def test_rows_that_stay_still_without_a_gradient_need_not_be_touched(make, optimizer, updates):
    fast = trained(make, optimizer())
    assert updates, "no table was trained by rows"
    assert_same(fast, trained(make, optimizer(), fast=False))


@needs_kernels
def test_two_lookups_of_one_table_add_up(updates):
    trained(shared, epochs=1)
    assert set(updates) == {(40, ROWS, WIDTH), (35, ROWS, WIDTH)}  # 8 rows of 2 + 3, and the last 7


@needs_kernels
@pytest.mark.parametrize(
    "make",
    [
        Tied,
        Looped,
        Chained,
        partial(sequential, embeddings_regularizer="l2"),
        partial(sequential, embeddings_constraint="max_norm"),
        lambda: keras.Sequential(
            [
                keras.Input((4, 1)),
                layers.TimeDistributed(embedding()),
                layers.Flatten(),
                layers.Dense(1),
            ]
        ),
        lambda: keras.Sequential(
            [
                keras.Input((4,)),
                layers.Lambda(lambda ids: ids % 30),
                layers.Embedding(30, 3),
                layers.Flatten(),
                layers.Dense(1),
            ]
        ),
    ],
    ids=[
        "a weight of two layers",
        "inside a loop",
        "rows that decide on rows",
        "regularizer",
        "constraint",
        "inside a layer",
        "few rows",
    ],
)
def test_a_table_of_which_more_is_wanted_than_some_rows_is_trained_whole(make, updates):
    fast = trained(make)
    assert not updates
    assert_same(fast, trained(make, fast=False))


@needs_kernels
@pytest.mark.parametrize(
    "optimizer",
    [
        partial(keras.optimizers.SGD, 0.1, momentum=0.9),
        partial(keras.optimizers.SGD, keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5)),
        partial(keras.optimizers.Adagrad, 0.1, clipvalue=0.1),
        partial(keras.optimizers.RMSprop, 0.01),
        partial(keras.optimizers.AdamW, 0.01),
        partial(keras.optimizers.Adam, 0.01, amsgrad=True),
        partial(keras.optimizers.Adam, 0.01, beta_1=0.95),
        partial(keras.optimizers.Adam, 0.01, clipnorm=0.1),
        partial(keras.optimizers.Adam, 0.01, weight_decay=0.01),
        partial(keras.optimizers.Adam, 0.01, use_ema=True),
        partial(keras.optimizers.Adam, 0.01, gradient_accumulation_steps=2),
        partial(keras.optimizers.Adam, 0.01, loss_scale_factor=8.0),
        partial(keras.optimizers.Adam, keras.optimizers.schedules.ExponentialDecay(0.01, 5, 0.5)),
    ],
)
def test_optimizers_that_move_more_than_rows_train_tables_whole(optimizer, updates):
    trained(sequential, optimizer(), epochs=1)
    assert not updates


@needs_kernels
def test_a_rate_that_changes_between_epochs_counts_for_steps_that_a_row_missed():
    def rates():
        return [keras.callbacks.LearningRateScheduler(lambda epoch: 0.02 / (1 + epoch))]

    fast = trained(sequential, callbacks=rates())
    assert_same(fast, trained(sequential, fast=False, callbacks=rates()))


@needs_kernels
def test_between_batches_every_row_is_up_to_date():
    def seen(fast):
        tables_seen = []
        look = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: tables_seen.append(look.model.get_weights()[0])
        )
        trained(sequential, epochs=1, fast=fast, callbacks=[look])
        return tables_seen

    assert_same(seen(True), seen(False))


@needs_kernels
def test_a_batch_whose_loss_is_not_finite_leaves_the_table_as_it_was_before(updates):
    y = numbers(47, 1)
    y[20] = np.nan
    model = sequential()
    model.compile(keras.optimizers.Adam(0.01), "mse")
    keras.utils.set_random_seed(1)
    x, weights = inputs_of(model), model.get_weights()
    with pytest.warns(RuntimeWarning, match="batch 2"):
        model.fit(x, y, batch_size=8, shuffle=False, verbose=0, steps_per_epoch=3)
    assert updates
    stopped = model.get_weights()
    model.set_weights(weights)
    model.compile(keras.optimizers.Adam(0.01), "mse")
    model.fit(x[:16], y[:16], batch_size=8, shuffle=False, verbose=0)
    assert_same(stopped, model.get_weights())


@needs_kernels
@given(
    st.lists(st.lists(st.integers(0, 11), min_size=1, max_size=5), min_size=1, max_size=8),
    st.integers(0, 3000),
    st.integers(0, 700),
    st.sampled_from([1e-12, 1e-7, 1e-3, 1.0]),
    st.sampled_from([(0.9, 0.999), (0.5, 0.9999)]),
)
def test_kernels_for_rows_agree_with_every_step_in_double_precision(
    batches, start, pause, scale, betas
):
    optimizer, epsilon = adam.by_rows(adam.Constants(*betas, 1e-7)), 1e-7
    random = np.random.default_rng(0)
    value, mean = random.normal(size=(2, 12, 5))
    mean *= scale
    square = (scale * random.normal(size=(12, 5))) ** 2
    rate = 0.01
    table = Table(
        adam.Moments(*(jnp.asarray(a, "float32") for a in (value, mean, square))),
        jnp.full(12, start, jnp.int32),
    )
    steps = [[], *batches, *[[]] * pause, [3, 3]]

    def whole_step(t, gradient):
        nonlocal value, mean, square
        mean = betas[0] * mean + (1 - betas[0]) * gradient
        square = betas[1] * square + (1 - betas[1]) * gradient**2
        a = rate * np.sqrt(1 - betas[1] ** t) / (1 - betas[0] ** t)
        value = value - a * mean / (np.sqrt(square) + epsilon)

    for t, asked in enumerate(steps, start):
        gradients = scale * random.normal(size=(len(asked), 5))
        if asked:
            now, rows = (jnp.int32(t), jnp.float32(rate)), jnp.asarray(asked, "int32")
            ((found, table),) = optimizer.look_up(*now, [(rows, table)])
            np.testing.assert_allclose(found, value[asked], rtol=1e-4, atol=1e-5)
            wanted = rows, jnp.asarray(gradients, "float32"), table
            _, (table,) = optimizer.update(jnp.bool_(True), *now, [wanted])
        summed = np.zeros((12, 5))
        np.add.at(summed, asked, gradients)
        whole_step(t + 1, summed)
    table = optimizer.whole(jnp.int32(start + len(steps)), jnp.float32(rate), table)
    np.testing.assert_array_equal(table.last, start + len(steps))
    np.testing.assert_allclose(table.values[0], value, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(table.values[1], mean, rtol=1e-4, atol=1e-6 * scale)
    np.testing.assert_allclose(table.values[2], square, rtol=2e-4, atol=1e-6 * scale**2)


BY_ROWS = {
    "Adam": keras.optimizers.Adam(0.01),
    "SGD": keras.optimizers.SGD(0.01),
    "Adagrad": keras.optimizers.Adagrad(0.01, epsilon=1e-3),
}


def table_for(optimizer, rows, width=16):
    """A table with as many slots as an optimizer has, right after step 7."""
    count = 1 + sum(map(len, optimizer.slots))
    values = tuple(jnp.asarray(np.abs(numbers(rows, width)) + i) for i in range(count))
    return Table(values, jnp.full(rows, 7, jnp.int32))


by_each = pytest.mark.parametrize("optimizer", BY_ROWS.values(), ids=BY_ROWS)


@needs_kernels
@by_each
def test_a_step_that_is_not_to_be_made_changes_nothing(optimizer):
    table = table_for(optimizer, 9)
    now = jnp.int32(7), jnp.float32(0.1)
    wanted = jnp.array([2, 5], jnp.int32), jnp.ones((2, 16)), table
    went, (after,) = optimizer.by_rows().update(jnp.bool_(False), *now, [wanted])
    assert not went
    jax.tree.map(np.testing.assert_array_equal, after, table)


@needs_kernels
@by_each
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_not_finite_keeps_every_table(optimizer, value):
    first, second = table_for(optimizer, 9), table_for(optimizer, 5, width=3)
    asked, ones = jnp.array([2, 5], jnp.int32), np.ones((2, 16), "float32")
    ones[1, 15] = value
    moved = [(asked, jnp.ones((2, 3)), second), (asked, jnp.asarray(ones), first)]
    now = jnp.int32(7), jnp.float32(0.1)
    went, after = optimizer.by_rows().update(jnp.bool_(True), *now, moved)
    assert not went
    jax.tree.map(np.testing.assert_array_equal, after, [second, first])
    moved[1] = asked, jnp.ones((2, 16)), first
    went, after = optimizer.by_rows().update(jnp.bool_(True), *now, moved)
    assert went and all((table.last[2] == 8) for table in after)


@needs_kernels
@by_each
def test_numbers_outside_a_table_give_nan_and_move_its_first_and_last_row(optimizer):
    table, asked = table_for(optimizer, 9), jnp.array([-3, 100], jnp.int32)
    now = jnp.int32(7), jnp.float32(0.1)
    some = jnp.array([-1, 4, 9], jnp.int32)
    ((rows, _),) = optimizer.by_rows().look_up(*now, [(some, table)])
    np.testing.assert_array_equal(rows, [[np.nan] * 16, table.values[0][4], [np.nan] * 16])
    wanted = asked, jnp.ones((2, 16)), table
    _, (after,) = optimizer.by_rows().update(jnp.bool_(True), *now, [wanted])
    np.testing.assert_array_equal(after.last, [8, *[7] * 7, 8])


@needs_kernels
@by_each
def test_many_rows_in_parts_end_where_a_step_of_the_whole_table_does(optimizer):
    table, by_rows = table_for(optimizer, 3000), optimizer.by_rows()
    asked, gradients = ids(5000, rows=3000), numbers(5000, 16)
    assert 5000 * 16 > 2 * 2**14  # enough for two parts
    now = jnp.int32(9), jnp.float32(0.01)
    ((rows, caught_up),) = by_rows.look_up(*now, [(jnp.asarray(asked), table)])
    everything = by_rows.whole(*now, table)
    np.testing.assert_array_equal(rows, everything.values[0][asked])
    wanted = jnp.asarray(asked), jnp.asarray(gradients), caught_up
    _, (after,) = by_rows.update(jnp.bool_(True), *now, [wanted])
    summed = np.zeros((3000, 16), "float32")
    np.add.at(summed, asked, gradients)
    moved = np.unique(asked)
    names = [name for group in optimizer.slots for name in group]
    slots = dict(zip(names, everything.values[1:], strict=True))
    rate = optimizer.prepare(jnp.float32(0.01), jnp.float32(10))
    value, slots = optimizer.update(jnp.asarray(summed), everything.values[0], rate, **slots)
    for new, wanted in zip(after.values, (value, *slots.values()), strict=True):
        np.testing.assert_allclose(new[moved], wanted[moved], rtol=1e-5, atol=1e-6)
