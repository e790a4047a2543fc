"""The table of events, the list of callbacks, and the form of the logs."""

import jax.numpy as jnp
import numpy as np
import pytest

from hornbook.training.callback import Callback
from hornbook.training.events import ALIASES, EVENTS, CallbackList, python_floats
from hornbook.training.history import History
from hornbook.training.progress import ProgbarLogger


class Model:
    stop_training = False


def recorder(*events, **attributes):
    """A callback that overrides these hooks and records its calls in `calls`."""

    def hook(event):
        return lambda self, *args: self.calls.append((event, *args))

    members = {event: hook(event) for event in events}
    return type("Recorder", (Callback,), {**members, **attributes, "calls": []})()


def call(callbacks, event, logs=None):
    index = () if EVENTS[event] is None else (3,)
    getattr(callbacks, event)(*index, logs)
    return index


def test_the_table_has_every_hook_of_a_callback():
    assert set(EVENTS) == {name for name in vars(Callback) if name.startswith("on_")}


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_reaches_those_who_override_its_hook_and_no_others(event):
    others = set(EVENTS) - {event, ALIASES.get(event)}
    listener, other = recorder(event), recorder(*others)
    callbacks = CallbackList([listener, other])
    index = call(callbacks, event, {"loss": 1})
    assert listener.calls == [(event, *index, {"loss": 1.0})]
    assert not other.calls


@pytest.mark.parametrize("edge", ["begin", "end"])
def test_on_batch_hooks_are_other_names_of_the_train_batch_hooks(edge):
    callback = recorder(f"on_batch_{edge}")
    callbacks = CallbackList(callback)
    call(callbacks, f"on_train_batch_{edge}", {"loss": 2.0})
    assert callback.calls == [(f"on_batch_{edge}", 3, {"loss": 2.0})]
    assert callbacks.listens(f"on_train_batch_{edge}") == [callback]


@pytest.mark.parametrize("event", EVENTS)
def test_logs_are_only_asked_for_if_someone_listens(event):
    asked = []

    def logs():
        asked.append(event)
        return {"loss": 1.0}

    call(CallbackList([recorder()]), event, logs)
    assert not asked
    call(CallbackList([recorder(event), recorder(event)]), event, logs)
    assert asked == [event]


def test_logs_become_a_flat_dict_of_python_floats():
    outputs = np.ones(3)
    logs = {
        "a": jnp.float32(0.5),
        "b": np.array(2),
        "c": 3,
        "more": {"d": np.float64(4.0)},
        "outputs": outputs,
        "text": "word",
    }
    floats = python_floats(logs)
    assert floats == {**floats, "a": 0.5, "b": 2.0, "c": 3.0, "d": 4.0, "text": "word"}
    assert all(type(floats[name]) is float for name in "abcd")
    assert floats["outputs"] is outputs
    assert "more" not in floats
    assert list(floats) == ["a", "b", "c", "d", "outputs", "text"]


def test_what_one_callback_puts_into_the_logs_is_seen_by_those_after_it():
    class Adds(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["added"] = 7.0

    given = {"loss": 1.0}
    callbacks = CallbackList([Adds()], add_history=True)
    callbacks.on_epoch_end(0, given)
    assert callbacks.history.history == {"loss": [1.0], "added": [7.0]}
    assert given == {"loss": 1.0}


def test_hooks_set_on_the_object_are_heard():
    callback, calls = Callback(), []
    callback.on_epoch_end = lambda epoch, logs: calls.append(epoch)
    CallbackList([callback]).on_epoch_end(2)
    assert calls == [2]


@pytest.mark.parametrize("mode", ["train", "test", "predict"])
def test_only_batch_hooks_need_every_batch(mode):
    assert not CallbackList(add_history=True, add_progbar=True).needs_every_batch(mode)
    assert not CallbackList(recorder("on_epoch_end", f"on_{mode}_end")).needs_every_batch(mode)
    for edge in ("begin", "end"):
        hook = f"on_{mode}_batch_{edge}"
        assert CallbackList(recorder(hook)).needs_every_batch(mode)
        assert not CallbackList(recorder(hook, every_batch=False)).needs_every_batch(mode)


def test_an_alias_needs_every_batch_of_training_alone():
    callbacks = CallbackList(recorder("on_batch_end"))
    assert callbacks.needs_every_batch("train")
    assert not callbacks.needs_every_batch("test")


def test_every_batch_does_not_speak_for_the_hooks_of_a_subclass():
    class Own(ProgbarLogger):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)

    class Tolerant(Own):
        every_batch = False

    assert CallbackList(Own()).needs_every_batch("train")
    assert not CallbackList(Own()).needs_every_batch("test")
    assert not CallbackList(Tolerant()).needs_every_batch("train")


def test_history_and_progress_are_added_last_and_once():
    own = History()
    first = recorder("on_epoch_end")
    callbacks = CallbackList([own, [first]], add_history=True, add_progbar=True)
    assert callbacks.callbacks[:2] == [own, first]
    assert [type(c) for c in callbacks.callbacks[2:]] == [ProgbarLogger]
    assert callbacks.history is own
    assert CallbackList().history is None


def test_the_model_and_the_parameters_reach_every_callback():
    model, callback = Model(), recorder()
    callbacks = CallbackList([callback], add_history=True, model=model, epochs=3, steps=5)
    assert callback.model is model
    assert callback.params == callbacks.params == {"epochs": 3, "steps": 5}
    assert model.history is callbacks.history


def test_a_list_of_callbacks_can_be_part_of_another():
    callback = recorder("on_epoch_end")
    assert CallbackList(CallbackList([callback])).callbacks == [callback]


def test_a_callback_that_forgets_its_base_class_works():
    class Forgetful(Callback):
        def __init__(self):
            pass

    callback = Forgetful()
    CallbackList([callback], model=Model(), epochs=1).on_train_begin()
    assert callback.params == {"epochs": 1}


def test_a_callback_may_set_its_model_itself():
    callback, model = Callback(), Model()
    callback.model = model
    assert callback.model is model


def test_hooks_that_do_nothing_in_the_base_class_of_another_library_are_not_heard():
    def default(self, batch, logs=None):
        pass

    default._is_default = True

    class Foreign:
        on_train_batch_end = default

        def set_model(self, model):
            pass

        set_params = set_model

        def on_epoch_end(self, epoch, logs=None):
            pass

    callbacks = CallbackList([Foreign()], model=Model(), epochs=1)
    assert not callbacks.needs_every_batch("train")
    assert callbacks.listens("on_epoch_end")
    callbacks.on_train_begin()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (History, r"an instance, History\(\.\.\.\)"),
        (print, "LambdaCallback"),
        ([None], "None"),
        ("early", "'early' is not a callback"),
    ],
)
def test_what_is_no_callback_is_refused(wrong, message):
    with pytest.raises(TypeError, match=message):
        CallbackList(wrong)


def test_it_prints_who_listens_where():
    watch, batches = recorder("on_epoch_end"), recorder("on_batch_end")
    tolerant = recorder("on_test_batch_end", every_batch=False)
    type(watch).__name__, type(batches).__name__ = "Watch", "Batches"
    type(tolerant).__name__ = "Tolerant"
    callbacks = CallbackList([watch, batches, tolerant], add_history=True)
    assert str(callbacks).splitlines() == [
        "on_train_batch_end  Batches*",
        "on_test_batch_end   Tolerant",
        "on_epoch_end        Watch, History",
        "* needs every batch: the loop runs step by step",
    ]
    assert str(CallbackList()) == "nobody listens"


def test_a_training_is_recorded_until_it_is_interrupted():
    callbacks = CallbackList(add_history=True, model=Model())
    callbacks.on_train_begin()
    for epoch in (4, 5):
        callbacks.on_epoch_begin(epoch)
        callbacks.on_epoch_end(epoch, {"loss": np.float32(epoch), "accuracy": 1})
    callbacks.on_epoch_begin(6)
    callbacks.on_train_end()
    history = callbacks.model.history
    assert history.epoch == [4, 5]
    assert history.history == {"loss": [4.0, 5.0], "accuracy": [1.0, 1.0]}
    assert all(type(value) is float for values in history.history.values() for value in values)
