"""Shapes of results where sizes are not known: never a guess, in a shape or in a message."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import hornbook
from hornbook import layers, ops
from hornbook.core import unknown
from hornbook.core.symbolic import SymbolicTensor, op
from hornbook.core.variable import Variable


def applied(fn, *shapes):
    """The shape that a layer with this `call` gives for symbolic inputs."""

    class Applied(hornbook.Layer):
        def call(self, inputs):
            return fn(*inputs) if isinstance(inputs, list) else fn(inputs)

    inputs = [hornbook.Input(shape) for shape in shapes]
    return Applied()(inputs if len(inputs) > 1 else inputs[0])


def first_rows(x):
    return x[:, :5]


def first_rows_if_there_are_more(x):
    return x[:, :5] if x.shape[1] > 5 else x


def first_rows_by_numpy(x):
    return x[:, : int(np.minimum(x.shape[1], 5))]


def twice_as_many_in_a_loop(x):
    return jnp.stack([x[:, i] for i in range(x.shape[1]) for _ in range(2)], 1)


def scaled(x):
    return x / np.sqrt(x.shape[1])


def padded_to_even(x):
    return jnp.pad(x, ((0, 0), (0, x.shape[1] % 2), (0, 0)))


@pytest.mark.parametrize(
    "fn",
    [
        first_rows,
        first_rows_if_there_are_more,
        first_rows_by_numpy,
        twice_as_many_in_a_loop,
        scaled,
        padded_to_even,
    ],
)
def test_a_size_that_depends_on_an_unknown_one_is_unknown(fn):
    found = applied(fn, (None, 2))
    assert found.shape == (None, None, 2)
    for steps in (2, 3, 7):  # what is unknown has more than one size, and a model runs with each
        x = np.ones((2, steps, 2), "float32")
        model = hornbook.Model(found.node.inputs[0], found)
        assert model.predict_on_batch(x).shape == fn(jnp.asarray(x)).shape


@pytest.mark.parametrize(
    ("fn", "shapes", "wanted"),
    [
        (lambda x: x[:, -1:], [(None, 4)], (None, 1, 4)),
        (lambda x: x[:, None, 0] @ jnp.ones((4, 7)), [(None, 4)], (None, 1, 7)),
        (lambda x: x.reshape((x.shape[0], -1)), [(None, 4)], (None, None)),
        (lambda x: x.reshape((x.shape[1], -1)), [(None, 4)], (None, None)),
        (lambda x: x.reshape((x.shape[0], x.shape[1] // x.shape[0], -1)), [(None, 4)], (None,) * 3),
        (lambda x: x.reshape((-1, 8)), [(4,)], (None, 8)),
        (lambda x: jnp.swapaxes(x, 1, 2) @ x, [(None, 4)], (None, 4, 4)),
        (lambda a, b: a + b, [(None, 4), (10, 4)], (None, 10, 4)),
        (lambda a, b: a + b, [(None, 4), (1, 4)], (None, None, 4)),
        (lambda a, b: a + b, [(None, 4), (None, 4)], (None, None, 4)),
        (lambda a, b: a + b, [(None, None, 4), (10, None, 1)], (None, 10, None, 4)),
        (lambda a, b: jnp.concatenate([a, b], -1), [(None, 4), (10, 3)], (None, 10, 7)),
        (lambda a, b: jnp.concatenate([a, b], 1), [(None, 4), (10, 4)], (None, None, 4)),
        (lambda a, b: a @ b, [(5, None), (7, 6)], (None, 5, 6)),
    ],
)
def test_what_a_layer_gives_for_unknown_sizes(fn, shapes, wanted):
    assert applied(fn, *shapes).shape == wanted


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        (lambda: hornbook.Input((None, 2))[:, :5], (None, None, 2)),
        (lambda: hornbook.Input((None, 4)) + np.ones((1, 10, 4)), (None, 10, 4)),
        (lambda: hornbook.Input((None, 4)) + Variable(np.ones((10, 4))), (None, 10, 4)),
        (lambda: hornbook.Input((None, 4)) + hornbook.Input(batch_shape=(8, 1, 4)), (8, None, 4)),
        (lambda: ops.reshape(hornbook.Input((24,)), (-1, 5, 5)), (None, 5, 5)),
        (lambda: hornbook.Input((24,)).reshape(-1, 7, 11), (None, 7, 11)),
        (lambda: layers.Add()([hornbook.Input((None, 4)), hornbook.Input((10, 4))]), (None, 10, 4)),
        (
            lambda: ops.rearrange(hornbook.Input((4,)), "(b p) c -> b p c", p=13),
            (None, 13, 4),
        ),
    ],
)
def test_unknown_sizes_fit_known_ones(expression, wanted):
    assert expression().shape == wanted


def test_deep_strides_get_a_size_that_is_large_enough():
    def deep(x):
        for _ in range(9):
            x = x[:, ::2][:, : x.shape[1] // 2 - 1]
            if x.shape[1] < 1:
                raise ValueError("too small")
        return x

    assert applied(deep, (None, 3)).shape == (None, None, 3)


# ---- messages


def shown(error):
    """All that a traceback shows of an error and of those it came from."""
    parts = [str(error), *getattr(error, "__notes__", [])]
    before = error.__cause__ or error.__context__
    return "\n".join(parts) + ("\n" + shown(before) if before else "")


def raises_with_a_cause(x):
    try:
        raise KeyError(f"no {x.shape[1]} rows, twice {x.shape[1] * 2}")
    except KeyError as error:
        raise RuntimeError(f"of {x.shape} the last {x.shape[-1]}") from error


def nested(x):
    return layers.Dense(3)(x) + np.ones((x.shape[1], 7))


MISTAKES = {
    "matmul": lambda x: jnp.matmul(x, jnp.ones((5, 6))),
    "add": lambda x: x + jnp.ones((10, 5)),
    "derived": lambda x: x[:, 3:] + x[:, ::2] + jnp.ones((10, 1)),
    "with a cause": raises_with_a_cause,
    "nested": nested,
    "in python": lambda x: [x][x.shape[1]],
    "as long as the size": lambda x: jnp.stack([x[:, i:] for i in range(x.shape[1])]),
    "branch": lambda x: x + (np.ones((3, 9)) if x.shape[1] > 200 else np.ones((17, 4))),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_no_message_shows_a_size_that_was_tried(name):
    with pytest.raises(Exception) as caught:
        applied(MISTAKES[name], (None, 4))
    text = shown(caught.value)
    real = {1, 2, 3, 4, 5, 6, 7, 9, 10, 17, 32}  # those of the program; float32
    assert {int(n) for n in re.findall(r"\d+", text)} <= real, text
    assert "in layer 'applied" in text


def test_a_message_keeps_the_sizes_that_are_known():
    with pytest.raises(TypeError, match=re.escape("(4,) and (5,)")):
        applied(MISTAKES["matmul"], (None, 4))
    with pytest.raises(RuntimeError, match=re.escape("of (None, None, 4) the last 4")):
        applied(raises_with_a_cause, (None, 4))


def test_the_summary_of_layers_inside_shows_no_size_that_was_tried():
    class Steps(hornbook.Layer):
        def __init__(self):
            super().__init__()
            self.inner = layers.Dense(3)

        def call(self, x):
            return sum(self.inner(x[:, i]) for i in range(x.shape[1]))

    layer = Steps()
    x = hornbook.Input((None, 4))
    layer(x)
    assert layer.inner.get_build_config() in (
        {"input_shape": (None, 4)},
        {"input_shape": (2, 4)},
    )
    assert "_output_shapes" not in vars(layer.inner)


def test_layers_built_on_the_way_are_told_that_a_size_is_not_known():
    told = []

    class Inner(hornbook.Layer):
        def build(self, input_shape):
            told.append(input_shape)

        def call(self, x):
            return x

    class Outer(hornbook.Layer):
        def __init__(self):
            super().__init__()
            self.inner = Inner()

        def call(self, x):
            return self.inner(x[:, 1:])

    Outer()(hornbook.Input((None, 4)))
    assert told == [(None, None, 4)]


# ---- how it is found out


def test_one_trace_is_enough_for_what_takes_symbols():
    sizes = []

    @op
    def watched(x):
        sizes.append(x.shape[0])
        return x * 2

    watched(SymbolicTensor((None, 3)))
    assert len(sizes) == 1 and not isinstance(sizes[0], int)
    assert not unknown.guessing()


def test_python_code_that_wants_numbers_gets_numbers():
    seen = []

    @op
    def watched(x):
        seen.append((len(range(x.shape[1])), unknown.guessing()))
        return x

    watched(SymbolicTensor((None, None)))
    assert seen == [(sizes[1], True) for sizes in unknown.SMALL]


def test_each_unknown_axis_has_a_size_of_its_own():
    @op
    def flattened(x):
        assert x.shape[0] != x.shape[1]
        return x.reshape((x.shape[0], -1))

    assert flattened(SymbolicTensor((None, None, 3))).shape == (None, None)


def test_functions_of_sizes_that_agree_work_too():
    def gram(x):
        assert jax.eval_shape(lambda a: a @ a, x).shape  # square
        return x @ x

    assert applied(gram, (None, None)).shape == (None, None, None)


def test_scopes_and_guesses_are_after_an_interrupt_what_they_were_before():
    def interrupted(arrays):
        unknown._thread.guesses += 5  # as if one inside had not ended
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unknown.trace(interrupted, [unknown.Spec((None, 2), "float32")], lambda: ([], []))
    unknown._thread.guesses = 0
    with pytest.raises(KeyboardInterrupt), hornbook.utils.custom_object_scope({"Mine": int}):
        hornbook.utils.custom_object_scope({"Mine": float}).__enter__()  # which never ends
        raise KeyboardInterrupt
    assert hornbook.utils.get_registered_object("Mine") is None
