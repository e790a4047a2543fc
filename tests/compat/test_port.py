"""Programs rewritten by `hornbook port` compute the same as before."""

import runpy
import textwrap
from pathlib import Path

import pytest

import hornbook
from hornbook.cli import main
from hornbook.compat.port import port

PROGRAM = Path(__file__).parent / "programs" / "keras1_numbers.py"
NAMES_OF_KERAS = ("import keras", "from keras", "np_utils", "nb_epoch", "border_mode", "K.")


def fresh():
    hornbook.utils.clear_session()
    hornbook.utils.set_random_seed(3)


def test_a_ported_program_prints_the_same_numbers(tmp_path, capsys):
    fresh()
    assert main(["run", str(PROGRAM)]) == 0, capsys.readouterr().err
    before, _ = capsys.readouterr()
    assert main(["port", str(PROGRAM), "-o", str(tmp_path / "today.py")]) == 0
    capsys.readouterr()
    fresh()
    runpy.run_path(str(tmp_path / "today.py"), run_name="__main__")
    assert capsys.readouterr().out == before
    text = (tmp_path / "today.py").read_text()
    assert not [old for old in NAMES_OF_KERAS if old in text]
    assert "# a comment that stays" in text and '"%.5f" % value for value' in text


def check(before, after, generation="keras1"):
    found = port(textwrap.dedent(before), generation).source
    assert found == textwrap.dedent(after), found


def test_arguments_are_renamed_joined_moved_and_dropped():
    check(
        """\
        from keras.layers import Convolution2D, GRU
        Convolution2D(nb_filter=8, nb_row=3, nb_col=5, name='a')
        Convolution2D(8, 3, 5, 'he_normal', 'relu', border_mode="same")
        GRU(4, consume_less='gpu', inner_init='orthogonal', reset_after=True)
        """,
        """\
        import hornbook.compat.keras.activations
        from hornbook.layers import Conv2D, GRU
        Conv2D(filters=8, kernel_size=(3, 5), name='a')
        Conv2D(8, (3, 5), kernel_initializer='he_normal', activation='relu', padding="same")
        GRU(4, recurrent_initializer='orthogonal', reset_after=True, \
recurrent_activation=hornbook.compat.keras.activations.hard_sigmoid)
        """,
    )


def test_the_ways_to_import():
    check(
        '''\
        """What it is."""
        from __future__ import division
        import os, keras
        import keras.backend as K
        from keras import layers as L, backend
        from keras.layers.core import Dropout as Drop
        def f(x):
            from keras.utils import np_utils
            return np_utils.to_categorical(x, nb_classes=3)
        keras.layers.core.Dense(output_dim=K.epsilon())
        L.Convolution1D(4, 3); backend.square(Drop(p=0.5))
        ''',
        '''\
        """What it is."""
        from __future__ import division
        import hornbook as keras
        import os
        from hornbook.layers import Dropout as Drop
        def f(x):
            pass
            return keras.utils.to_categorical(x, num_classes=3)
        keras.layers.Dense(units=keras.backend.epsilon())
        keras.layers.Conv1D(4, 3); keras.ops.square(Drop(rate=0.5))
        ''',
    )


def test_generators_of_keras_2_and_names_of_what_is_reported():
    check(
        """\
        from keras.callbacks import ModelCheckpoint
        keep = ModelCheckpoint('w.{epoch}-{val_acc:.2f}.h5', monitor='val_acc')
        h = model.fit_generator(batches, steps_per_epoch=3, epochs=2, workers=4, callbacks=[keep])
        print(h.history['acc'], model.predict_generator(batches, steps=2), logs.get('val_acc'))
        """,
        """\
        from hornbook.callbacks import ModelCheckpoint
        keep = ModelCheckpoint('w.{epoch}-{val_accuracy:.2f}.h5', monitor="val_accuracy")
        h = model.fit(batches, steps_per_epoch=3, epochs=2, callbacks=[keep])
        print(h.history["accuracy"], model.predict(batches, steps=2), logs.get("val_accuracy"))
        """,
        "keras2",
    )


def test_what_is_left_is_told_with_its_line(tmp_path, capsys):
    program = tmp_path / "old.py"
    program.write_text(
        "from keras.layers import Dense, merge, Nothing\n"
        "from keras import backend as K\n"
        "Dense(3, weights=w)\n"
        "merge([a, b], mode='cos')\n"
        "K.gradients(a, b)\n"
        "model.optimizer.lr = 0.1\n"
        "model.fit_generator(g, samples_per_epoch=100, nb_epoch=2)\n"
    )
    assert main(["port", str(program), "--as", "keras1"]) == 0
    out, err = capsys.readouterr()
    assert "-Dense(3, weights=w)" in out and "+Dense(3)" in out
    assert "steps_per_epoch=-(-(100) // g.batch_size)" in out
    wanted = {1: "Nothing", 3: "set_weights", 4: "merge", 5: "gradients", 6: "rate", 7: "batches"}
    for line, told in wanted.items():
        assert any(f"line {line}:" in one and told in one for one in err.splitlines()), err
    assert program.read_text().startswith("from keras")


def test_writing_in_place_and_what_needs_nothing(tmp_path, capsys):
    program = tmp_path / "old.py"
    program.write_text("import keras\nkeras.layers.Dropout(p=0.5)\n")
    assert main(["port", str(program), "--write"]) == 0
    assert program.read_text() == "import hornbook as keras\nkeras.layers.Dropout(rate=0.5)\n"
    assert main(["port", str(program)]) == 0
    assert capsys.readouterr().out == ""
    assert main(["port", str(tmp_path / "none.py")]) == 2


def test_python_2_is_rewritten_for_good():
    pytest.importorskip("fissix")
    found = port("from keras.layers import Dense\nprint Dense(output_dim=3), xrange(7 / 2)\n")
    assert found.source == (
        "from hornbook.layers import Dense\nprint(Dense(units=3), range(7 / 2))\n"
    )
    assert found.left[0].line == 2 and "//" in found.left[0].text
