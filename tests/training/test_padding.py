"""Batches of varying length: padded to a few lengths where safe, with a warning elsewhere."""

import itertools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

import hornbook as keras
from hornbook import layers
from hornbook.core import tree
from hornbook.training import loop, sources
from hornbook.training.padding import bucket_length

LENGTHS = [8, 6, 7]  # the third is padded to the first, and compiled for only once
CLOSE = {"rtol": 2e-5, "atol": 2e-6}
compiled: list[float] = []  # one entry for each program that XLA was asked to make


@jax.monitoring.register_event_duration_secs_listener
def _count(event: str, seconds: float, **_: Any) -> None:
    if event == "/jax/core/compile/backend_compile_duration":
        compiled.append(seconds)


def words(rows: int, steps: int, rng: Any) -> np.ndarray:
    """Ids; some sequences end with a zero that is data."""
    ids = rng.integers(1, 20, (rows, steps)).astype("int32")
    if steps > 2:
        ids[0, -1] = 0
    return ids


def tagged(weights: bool = False, lengths: Any = LENGTHS, features: int = 0) -> Callable:
    """Batches of three samples, with a class for each step."""

    def batches():
        rng = np.random.default_rng(0)
        for n in lengths:
            x = words(3, n, rng)
            y = rng.integers(0, 3, (3, n)).astype("int32")
            if features:
                x = rng.normal(size=(3, n, features)).astype("float32") * (x != 0)[..., None]
            yield (x, y, rng.random((3, n)).astype("float32")) if weights else (x, y)

    return batches


def judged(lengths: Any = LENGTHS) -> Callable:
    """Batches with a number for each sequence."""

    def batches():
        rng = np.random.default_rng(0)
        for n in lengths:
            yield words(4, n, rng), rng.normal(size=(4, 1)).astype("float32")

    return batches


def tagger(*middle: Any, **compile_args: Any) -> Any:
    steps = middle or (layers.LSTM(5, return_sequences=True),)
    model = keras.Sequential(
        [layers.Embedding(20, 4, mask_zero=True), *steps, layers.Dense(3, activation="softmax")]
    )
    loss = "sparse_categorical_crossentropy"
    model.compile("adam", **({"loss": loss, "metrics": ["accuracy"]} | compile_args))
    return model


def judge(*middle: Any, **compile_args: Any) -> Any:
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            layers.Embedding(20, 4, mask_zero=True),
            *(middle or (layers.LSTM(5),)),
            layers.Dense(1),
        ]
    )
    model.compile("sgd", **({"loss": "mse", "metrics": ["mae"]} | compile_args))
    return model


def attentive() -> Any:
    ids = keras.Input((None,), dtype="int32")
    x = layers.Embedding(20, 4, mask_zero=True)(ids)
    y = layers.MultiHeadAttention(2, 3)(x, x)
    x = layers.LayerNormalization()(layers.Add()([x, y]))
    x = layers.Attention()([x, x])
    tags = layers.Dense(3, activation="softmax", name="tags")(x)
    mean = layers.Dense(1, name="mean")(layers.GlobalAveragePooling1D()(x))
    model = keras.Model(ids, {"tags": tags, "mean": mean})
    loss = {"tags": "sparse_categorical_crossentropy", "mean": "mse"}
    model.compile("adam", loss, metrics={"tags": ["accuracy"], "mean": ["mae"]})
    return model


def both_targets():
    for (x, y), (_, z) in zip(tagged()(), judged()(), strict=True):
        yield x, {"tags": y, "mean": z[: len(x)]}


def nested() -> Any:
    """A model whose first layer is a model, from ids to steps."""
    inner = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            layers.Embedding(20, 4, mask_zero=True),
            layers.GRU(4, return_sequences=True),
        ]
    )
    ids = keras.Input((None,), dtype="int32")
    model = keras.Model(ids, layers.Dense(1)(layers.LSTM(3)(inner(ids))))
    model.compile("adam", "mse")
    return model


def nested_late() -> Any:
    """A model that begins where the steps are masked already: its layers have not seen a mask."""
    inner = keras.Sequential([keras.Input((None, 4)), layers.LSTM(4, return_sequences=True)])
    return tagger(inner)


def masking() -> Any:
    model = keras.Sequential(
        [
            keras.Input((None, 2)),
            layers.Masking(),
            layers.Bidirectional(layers.GRU(3, return_sequences=True)),
            layers.BatchNormalization(),
            layers.TimeDistributed(layers.Dense(4, activation="relu")),
            layers.Dense(3),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"], weighted_metrics=["accuracy"])
    return model


PAIRS = list(zip(LENGTHS, [12, 6, 9], strict=True))


def translated(pairs: Any = PAIRS) -> Callable:
    """Batches of a text and its translation so far, with the next word at each of its steps."""

    def batches():
        rng = np.random.default_rng(0)
        for n, m in pairs:
            x = words(3, n, rng), words(3, m, rng)
            yield x, rng.integers(0, 5, (3, m)).astype("int32")

    return batches


def rated() -> Callable:
    """The same with a number for each pair, too."""

    def batches():
        for x, y in translated()():
            yield x, {"words": y, "rating": y.mean(1, keepdims=True).astype("float32")}

    return batches


def translator(attention: Any = None) -> Any:
    """An encoder whose state begins the decoder's, perhaps with attention to its steps."""
    texts = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
    x, y = (layers.Embedding(20, 4, mask_zero=True)(text) for text in texts)
    seen, *state = layers.LSTM(4, return_sequences=True, return_state=True)(x)
    z = layers.LSTM(4, return_sequences=True)(y, initial_state=state)
    if attention is not None:
        z = layers.Concatenate()([z, attention(z, seen)])
    outputs = {"words": layers.Dense(5, activation="softmax", name="words")(z)}
    return texts, seen, z, outputs


def translating(attention: Any = None) -> Any:
    texts, _, _, outputs = translator(attention)
    model = keras.Model(texts, outputs["words"])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def rating() -> Any:
    texts, seen, _, outputs = translator()
    outputs["rating"] = layers.Dense(1, name="rating")(layers.GlobalAveragePooling1D()(seen))
    model = keras.Model(texts, outputs)
    loss = {"words": "sparse_categorical_crossentropy", "rating": "mse"}
    model.compile("adam", loss, weighted_metrics={"words": ["accuracy"], "rating": ["mae"]})
    return model


def by_heads(queries: Any, values: Any) -> Any:
    return layers.MultiHeadAttention(2, 3)(queries, values)


def by_products(queries: Any, values: Any) -> Any:
    return layers.AdditiveAttention()([queries, values])


def padded_sizes(monkeypatch: Any) -> list:
    """A list that the sizes of axis 1 of each batch are written to."""
    sizes = []
    whole = sources.padded

    def watched(model, data, targets):
        data = whole(model, data, targets)
        sizes.append(tree.flatten(data[0])[0].shape[1])
        return data

    monkeypatch.setattr(sources, "padded", watched)
    return sizes


CASES = {
    "a class for each step": (tagger, tagged()),
    "weights for each step": (lambda: tagger(weighted_metrics=["accuracy"]), tagged(weights=True)),
    "a sum over the steps": (
        lambda: tagger(loss=keras.losses.SparseCategoricalCrossentropy(reduction="sum")),
        tagged(),
    ),
    "the last output": (judge, judged()),
    "the mean of the steps": (lambda: judge(layers.GlobalAveragePooling1D()), judged()),
    "from the end": (lambda: judge(layers.SimpleRNN(4, go_backwards=True)), judged()),
    "a model within": (nested, judged()),
    "attention and two outputs": (attentive, both_targets),
    "a text and its translation": (translating, translated()),
    "attention to another text": (lambda: translating(by_heads), translated()),
    "additive attention to another text": (lambda: translating(by_products), translated()),
    "two texts, two outputs": (rating, rated()),
    "masking, both directions, batch statistics": (masking, tagged(weights=True, features=2)),
}


# Cases that other cases cover too.
LONG = ("the mean of the steps", "a text and its translation", "attention to another text")
# Evaluated too: with weights, of several outputs, and without steps.
VALIDATED = ("weights for each step", "two texts, two outputs", "the last output")


@pytest.mark.parametrize("case", CASES)
def test_padding_changes_no_loss_no_metric_and_no_weight(case, monkeypatch, long):
    if case in LONG and not long:
        pytest.skip("--long")
    make, batches = CASES[case]
    validated = case in VALIDATED or long

    def run():
        keras.utils.set_random_seed(3)
        model = make()
        validation = itertools.islice(batches(), 2) if validated else None
        history = model.fit(batches(), validation_data=validation, verbose=0).history
        return history, model.get_weights()

    monkeypatch.setattr(loop, "FEW_SHAPES", 2)
    sizes = padded_sizes(monkeypatch)
    padded = run()
    monkeypatch.setattr(sources, "padded", lambda model, data, targets: data)
    with pytest.warns(UserWarning, match="more than 2 shapes"):
        plain = run()
    for one, other in zip(jax.tree.leaves(padded), jax.tree.leaves(plain), strict=True):
        np.testing.assert_allclose(one, other, **CLOSE)
    assert len(sizes) == len(LENGTHS) + 2 * validated
    assert set(sizes[2:]) <= {bucket_length(n) for n in LENGTHS}  # all but the first


def test_forty_lengths_make_few_programs_and_no_warning():
    lengths = [int(n) for n in np.random.default_rng(0).permutation(np.arange(8, 48))]
    buckets = {bucket_length(n) for n in lengths}
    assert buckets == {8, 12, 16, 24, 32, 48}
    model = judge()
    model.fit(judged([9])(), verbose=0)
    before = len(compiled)
    model.fit(judged(lengths)(), verbose=0)
    assert len(compiled) - before <= len(buckets) + 1
    before = len(compiled)
    model.fit(judged(lengths[::-1])(), verbose=0)
    assert len(compiled) == before
    for _ in range(2):
        before = len(compiled)
        model.predict((x for x, _ in judged(lengths)()), verbose=0)
    assert len(compiled) == before


def test_pairs_of_lengths_are_padded_each_to_its_own_few(monkeypatch):
    sizes, whole = [], sources.padded

    def watched(model, data, targets):
        data = whole(model, data, targets)
        sizes.append((*(part.shape[1] for part in data[0]), data[1].shape[1]))
        return data

    monkeypatch.setattr(sources, "padded", watched)
    pairs = [*PAIRS, (2, 11)]
    model = translating(by_heads)
    model.fit(translated(pairs)(), verbose=0)
    wanted = [(bucket_length(n), bucket_length(m), bucket_length(m)) for n, m in pairs]
    assert sizes[2:] == wanted[2:]


def test_predictions_have_the_length_of_the_text_that_they_are_for():
    model = translating(by_heads)
    model.fit(translated()(), verbose=0)
    for x, _ in translated()():
        found = model.predict(iter([(x,)]), verbose=0)
        assert found.shape == (*x[1].shape, 5)
        counted = x[1] != 0  # for a masked query attention averages everything, padding included
        np.testing.assert_allclose(found[counted], model.predict_on_batch(x)[counted], **CLOSE)


def test_what_is_attended_to_may_be_padded_for_queries_of_one_length(monkeypatch):
    queries, text = keras.Input((3, 4)), keras.Input((None,), dtype="int32")
    values = layers.Embedding(20, 4, mask_zero=True)(text)
    out = layers.Dense(1)(layers.Flatten()(by_heads(queries, values)))
    model = keras.Model([queries, text], out)
    model.compile("sgd", "mse")
    rng = np.random.default_rng(0)

    def batches():
        for n in (7, 5, 9):
            yield (rng.normal(size=(2, 3, 4)).astype("float32"), words(2, n, rng)), np.ones((2, 1))

    model.fit(batches(), verbose=0)
    given = model._training_state.padding(model, (*next(batches()), None))
    assert given[0][0].shape == (2, 3, 4) and given[0][1].shape == (2, 8)


def test_a_target_that_is_an_input_too_is_padded_as_a_target():
    model = keras.Sequential(
        [keras.Input((None, 2)), layers.Masking(9.0), layers.LSTM(2, return_sequences=True)]
    )
    model.compile("sgd", "mse")
    for n in (5, 7):
        x = np.ones((2, n, 2), "float32")
        model.fit(iter([(x, x)]), verbose=0)
    padded, y, _, given = model._training_state.padding(model, (x, x, None))
    assert padded.shape == y.shape == (2, 8, 2)
    assert (padded[:, 7:] == 9).all() and (y[:, 7:] == 0).all() and (given == 7).all()


def test_outputs_have_their_batches_own_lengths():
    model = tagger()
    seen: list = []

    class Watch(keras.callbacks.Callback):
        def on_predict_batch_end(self, batch, logs=None):
            seen.append(np.asarray(logs["outputs"]))

    xs = [x for x, _ in tagged()()]
    model.fit(tagged()(), verbose=0)
    for x in xs:
        assert model.predict(iter([x]), verbose=0).shape == (*x.shape, 3)
    with pytest.raises(ValueError, match=r"lengths, \(3, 8, 3\) and \(3, 6, 3\)"):
        model.predict(iter(xs), callbacks=[Watch()], verbose=0)
    for x, outputs in zip(xs, seen, strict=True):
        np.testing.assert_allclose(outputs, model.predict_on_batch(x), **CLOSE)


def test_outputs_without_steps_are_predicted_for_all_lengths_at_once():
    model = judge()
    xs = [x for x, _ in judged()()]
    outputs = model.predict(iter(xs), verbose=0)
    wanted = np.concatenate([model.predict_on_batch(x) for x in xs])
    np.testing.assert_allclose(outputs, wanted, **CLOSE)


class Own(layers.Dense):
    def call(self, inputs):
        return super().call(inputs) + inputs.mean(1, keepdims=True).sum(-1, keepdims=True)


NOT_EXACT = {
    "a model that begins with masked steps": nested_late,
    "a convolution sees the padding": lambda: tagger(
        layers.Conv1D(4, 3, padding="same"), metrics=None
    ),
    "a layer of one's own": lambda: tagger(Own(3)),
    "a function of one's own": lambda: tagger(layers.Dense(3, activation=lambda x: x * 2)),
    "a penalty on all steps": lambda: tagger(
        layers.LSTM(4, return_sequences=True, activity_regularizer="l2")
    ),
    "steps in reverse": lambda: tagger(layers.GRU(4, return_sequences=True, go_backwards=True)),
    "a loss of all values at once": lambda: tagger(
        loss=lambda y, p: (p.mean(-1) - y) ** 2, metrics=None
    ),
    "a metric of one's own": lambda: tagger(metrics=[lambda y, p: abs(p.mean(-1) - y)]),
}


@pytest.mark.parametrize("case", NOT_EXACT)
@pytest.mark.filterwarnings("ignore:layer .* does not support masking")
def test_nothing_is_padded_where_it_would_change_a_result(case, monkeypatch):
    model = NOT_EXACT[case]()
    sizes = padded_sizes(monkeypatch)
    monkeypatch.setattr(loop, "FEW_SHAPES", 2)
    with pytest.warns(UserWarning, match=r"x is now \(\d, \d+\).*mask_zero=True\) or Masking"):
        model.fit(tagged()(), verbose=0)
    assert sizes == LENGTHS


def test_a_sample_without_any_step_is_not_padded(monkeypatch):
    model = attentive()
    sizes = padded_sizes(monkeypatch)

    def batches():
        for n in (4, 5):
            yield np.ones((2, n), "int32")
        yield np.zeros((2, 5), "int32")

    model.predict((x for x in batches()), verbose=0, steps=1)
    for x in batches():
        model.predict(iter([x]), verbose=0)
    assert sizes == [4, 4, 6, 5]


def test_lengths_that_never_change_are_left_alone(monkeypatch):
    model = judge()
    sizes = padded_sizes(monkeypatch)
    model.fit(judged([7, 7, 7])(), verbose=0)
    assert sizes == [7, 7, 7]


def test_padding_values_that_the_data_cannot_hold_are_not_used(monkeypatch):
    model = keras.Sequential([keras.Input((None, 1)), layers.Masking(0.5), layers.LSTM(2)])
    model.compile("sgd", "mse")
    sizes = padded_sizes(monkeypatch)
    model.fit(((np.ones((2, n, 1), "int32"), np.ones((2, 2))) for n in (5, 7, 9)), verbose=0)
    assert sizes == [5, 7, 9]
    model.fit(((np.ones((2, n, 1), "float32"), np.ones((2, 2))) for n in (5, 7, 9)), verbose=0)
    assert sizes[3:] == [6, 8, 12]
