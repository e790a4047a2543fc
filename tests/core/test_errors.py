"""Tracebacks: the user's lines and ours that they called, with the means to see the rest."""

import inspect
import traceback

import hypothesis
import numpy as np
import pytest

import hornbook as keras
from hornbook.core.errors import HINT, door, shorten

x, y = np.ones((8, 4), "float32"), np.ones((8, 3), "float32")


@pytest.fixture(autouse=True)
def filtering():
    keras.config.enable_traceback_filtering()
    yield
    keras.config.disable_traceback_filtering()


class Wrong(keras.layers.Layer):
    """Its formula fails in JAX."""

    def call(self, inputs):
        return keras.ops.matmul(inputs, inputs)


def compiled(*layers, loss="mse"):
    model = keras.Sequential([keras.Input((4,)), *layers, keras.layers.Dense(3)])
    model.compile("sgd", loss)
    return model


def wrong_loss(y_true, y_pred):
    return y_true @ y_pred


def wrong_batches():
    yield x, y
    yield x.reshape(5, 5), y


def wrong_callback():
    def fail(epoch, logs):
        raise KeyError("mine")

    return keras.callbacks.LambdaCallback(on_epoch_end=fail)


class WrongStep(keras.Model):
    """A functional model with a step of its own."""

    def train_step(self, state, data):
        return undefined  # noqa: F821


def own_step():
    inputs = keras.Input((4,))
    model = WrongStep(inputs, keras.layers.Dense(3)(inputs))
    model.compile("sgd", "mse")
    model.fit(x, y, verbose=0)


# what is called; the functions of this file that the error passes through, after it
PATHS = {
    "a model from layers": (lambda: keras.Sequential([keras.Input((4,)), Wrong()]), ["call"]),
    "a model from tensors": (lambda: keras.Model(keras.Input((4,)), keras.Input((3,))), []),
    "a layer": (lambda: Wrong()(x), ["call"]),
    "a layer inside another": (lambda: compiled()(keras.ops.ones((2, 7))), []),
    "an op": (lambda: keras.ops.matmul(x, x), []),
    "an op on a symbolic tensor": (lambda: keras.ops.matmul(keras.Input((3,)), x), []),
    "an operator on a symbolic tensor": (lambda: keras.Input((3,)) @ x[:5], []),
    "a loss": (lambda: keras.losses.MeanSquaredError()(x, np.ones((3, 5))), []),
    "compile": (lambda: compiled(loss="msee"), ["compiled"]),
    "fit of other shapes": (lambda: compiled().fit(x[:, :3], y, verbose=0), []),
    "fit of other lengths": (lambda: compiled().fit(x[1:], y, verbose=0), []),
    "evaluate": (lambda: compiled().evaluate(x[:, :3], y, verbose=0), []),
    "predict": (lambda: compiled().predict(x[:, :3]), []),
    "predict with a bar": (lambda: compiled().predict(x[:, :3], verbose=1), []),
    "a batch": (lambda: compiled().train_on_batch(x[:, :3], y), []),
    "a loss of one's own": (lambda: compiled(loss=wrong_loss).fit(x, y), ["wrong_loss"]),
    "a generator": (lambda: compiled().fit(wrong_batches(), verbose=0), ["wrong_batches"]),
    "a callback": (
        lambda: compiled().fit(x, y, verbose=0, callbacks=[wrong_callback()]),
        ["fail"],
    ),
    "a step": (lambda: own_step(), ["own_step", "train_step"]),
    "a file": (lambda: keras.saving.load_model("nowhere.keras"), []),
    "weights": (lambda: compiled().load_weights("nowhere.weights.h5"), []),
}


def frames(error):
    """(name, whether of this file) of each frame of the traceback."""
    listed = traceback.extract_tb(error.__traceback__)
    return [(frame.name, frame.filename == __file__) for frame in listed]


def error_of(call):
    with pytest.raises(Exception) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("what", PATHS)
def test_a_traceback_shows_the_user_s_lines_and_few_of_ours(what):
    call, through = PATHS[what]
    found = frames(error_of(call))
    mine = [name for name, own in found if own]
    assert mine == ["error_of", "<lambda>", *through]
    ours = [index for index, (_, own) in enumerate(found) if not own]
    assert ours, "what was called is seen"
    assert len(ours) <= max(3, len(mine))
    assert "enter" not in [name for name, _ in found], "what only catches it is not seen"


@pytest.mark.parametrize("what", ["a layer", "fit of other shapes", "a step"])
def test_the_whole_traceback_can_be_asked_for(what):
    call, _ = PATHS[what]
    keras.utils.clear_session()
    short = error_of(call)
    keras.config.disable_traceback_filtering()
    assert not keras.config.is_traceback_filtering_enabled()
    keras.utils.clear_session()
    full = error_of(call)
    assert len(frames(full)) > len(frames(short)) + 3
    assert str(full) == str(short)
    assert HINT not in getattr(full, "__notes__", ())


def test_notes_are_kept_and_one_says_how_to_see_more():
    notes = error_of(lambda: compiled(Wrong())(x)).__notes__
    assert notes[0].startswith("in layer 'wrong' (Wrong), given ")
    assert notes[-1] == HINT
    assert len(notes) == len(set(notes))
    assert "JAX_TRACEBACK_FILTERING" not in "".join(notes)


def test_jax_s_note_on_its_own_frames_is_left_out_of_our_messages():
    error = error_of(lambda: compiled().fit(x, y[:, :2], verbose=0))
    assert "mean_squared_error" in str(error)
    assert getattr(error, "__notes__", []) == []


def test_our_own_messages_come_without_the_hint():
    error = error_of(lambda: compiled()(np.ones((2, 7), "float32")))
    assert HINT not in error.__notes__


def test_errors_that_led_to_it_are_shortened_too():
    class Translating(keras.layers.Layer):
        def call(self, inputs):
            try:
                return keras.ops.matmul(inputs, inputs)
            except TypeError as error:
                raise ValueError("not square") from error

    model = keras.Sequential([Translating()])
    model.compile("sgd", "mse")
    error = error_of(lambda: model.fit(x, y, verbose=0))
    assert "not square" in str(error)
    assert [name for name, own in frames(error.__cause__) if own] == ["call"]
    assert len(frames(error.__cause__)) == 2


def test_an_error_that_is_its_own_cause_ends():
    error = ValueError("round")
    error.__context__ = other = KeyError("and round")
    other.__context__ = error
    shorten(error)


def test_other_people_s_frames_are_kept():
    class Failing(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            hypothesis.reject()

    error = None
    try:
        compiled().fit(x, y, verbose=0, callbacks=[Failing()])
    except BaseException as caught:
        error = caught
    assert {("on_epoch_end", True), ("reject", False)} <= set(frames(error))


def test_a_door_is_seen_by_its_own_name_signature_and_source():
    assert "validation_split" in inspect.signature(keras.Model.fit).parameters
    assert inspect.getsource(keras.Model.fit).lstrip().startswith("@door\n    def fit(")


def test_a_door_lets_results_and_interrupts_through():
    @door
    def half(value):
        if value is None:
            raise KeyboardInterrupt
        return value / 2

    assert half(3) == 1.5
    with pytest.raises(KeyboardInterrupt):
        half(None)


def test_an_error_from_between_two_lines_keeps_its_kind():
    """As Ctrl-C raises it where the code of a function has no line."""

    def interrupted():
        raise KeyboardInterrupt

    interrupted.__code__ = interrupted.__code__.replace(co_linetable=b"")
    with pytest.raises(KeyboardInterrupt):
        door(interrupted)()
