"""Distillation, against Keras's."""

import warnings

import keras as reference
import numpy as np
import pytest

import hornbook as keras
from tests.parity.helper import floats, ints

X, Y = floats(6, 3), ints(6, high=2)


def models(m):
    def model(units, name):
        inputs = m.Input((3,))
        hidden = m.layers.Dense(units, activation="tanh", name=name)(inputs)
        return m.Model(inputs, m.layers.Dense(2)(hidden), name=f"of_{name}")

    return model(4, "wide"), model(4, "narrow")


LOSSES = {
    "logits": lambda m: m.distillation.LogitsDistillation(2.0, m.losses.KLDivergence()),
    "mse of logits": lambda m: m.distillation.LogitsDistillation(loss="mse"),
    "features": lambda m: [
        m.distillation.LogitsDistillation(loss=m.losses.KLDivergence()),
        m.distillation.FeatureDistillation("mse", "wide", "narrow"),
    ],
}


def distiller(m, losses, **options):
    made = m.distillation.Distiller(*models(m), LOSSES[losses](m), **options)
    made(X)
    for part in (made.teacher, made.student):
        part.set_weights([floats(*w.shape, seed=i) for i, w in enumerate(part.weights)])
    made.student.layers[-1].kernel.assign(floats(4, 2, seed=9))
    loss = m.losses.SparseCategoricalCrossentropy(from_logits=True)
    made.compile(m.optimizers.SGD(0.1), loss, metrics=["accuracy"])
    return made


@pytest.mark.parametrize("losses", LOSSES)
def test_fit_is_keras_s(losses, tmp_path):
    several = {"distillation_loss_weights": [1.0, 0.5]} if losses == "features" else {}
    ours, theirs = (
        distiller(m, losses, student_loss_weight=0.3, **several) for m in (keras, reference)
    )
    options = {"batch_size": 3, "epochs": 2, "shuffle": False, "verbose": 0}
    one, two = (each.fit(X, Y, **options).history for each in (ours, theirs))
    assert one.keys() == two.keys()
    for name, values in two.items():
        np.testing.assert_allclose(one[name], values, rtol=1e-4, err_msg=name)
    for a, b in zip(ours.student.get_weights(), theirs.student.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert not ours.teacher.trainable_weights
    for writer, reader in ((ours, reference), (theirs, keras), (ours, keras)):
        path = str(tmp_path / "m.keras")
        writer.save(path)
        with warnings.catch_warnings(action="ignore"):  # Keras does not save the loss
            read = reader.saving.load_model(path)
        np.testing.assert_allclose(read(X), writer(X), rtol=1e-5, atol=1e-6)
        assert len(read.distillation_losses) == len(ours.distillation_losses)
    assert read.fit(X, Y, verbose=0).history["loss"][0] < one["loss"][0]


def test_the_default_loss_is_a_divergence_of_probabilities():
    """Keras takes `"kl_divergence"`, a function, for a loss of logits."""
    teacher, student = floats(5, 3), floats(5, 3, seed=1)
    ours = keras.distillation.LogitsDistillation(2.0)
    theirs = reference.distillation.LogitsDistillation(2.0, reference.losses.KLDivergence())
    want = theirs.compute_loss(teacher, student)
    np.testing.assert_allclose(ours.compute_loss(teacher, student), want, rtol=1e-5)


def test_outputs_without_a_loss_are_left_out():
    one, two = [floats(4, 2), floats(4, 3)], [floats(4, 2, seed=1), floats(4, 3, seed=2)]
    for name in ("LogitsDistillation", "FeatureDistillation"):
        ours, theirs = (
            getattr(m.distillation, name)(loss=["mse", None]).compute_loss(one, two)
            for m in (keras, reference)
        )
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def made(m, *losses, **options):
    return m.distillation.Distiller(*models(m), *losses, **options)


WRONG = {
    "temperature": lambda m: m.distillation.LogitsDistillation(0),
    "no loss": lambda m: m.distillation.FeatureDistillation(None),
    "no losses": lambda m: made(m, None),
    "weights": lambda m: made(
        m, [m.distillation.LogitsDistillation()], distillation_loss_weights=[1.0, 2.0]
    ),
    "student's weight": lambda m: made(
        m, m.distillation.LogitsDistillation(), student_loss_weight=2
    ),
    "layer": lambda m: made(m, m.distillation.FeatureDistillation("mse", "wide", "other")),
    "compile": lambda m: made(m, m.distillation.LogitsDistillation()).compile("sgd"),
    "model": lambda m: m.distillation.Distiller(
        models(m)[0], 3, m.distillation.LogitsDistillation()
    ),
    "shapes": lambda m: m.distillation.Distiller(
        models(m)[0],
        m.Sequential([m.Input((3,)), m.layers.Dense(5)]),
        m.distillation.LogitsDistillation(),
    ),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_keras_refuses_is_refused(wrong):
    for m in (reference, keras):
        with pytest.raises(ValueError):
            wrong(m)
