"""What goes wrong in layers and models is an exception of the kind that Keras raises."""

import keras as reference
import numpy as np
import pytest

import hornbook as keras

X = np.ones((2, 3), "float32")
WRONG = {
    "an unknown argument": lambda m: m.layers.Dense(2, foo=1),
    "a wrapper of no layer": lambda m: m.layers.TimeDistributed(3),
    "a bidirectional number": lambda m: m.layers.Bidirectional(3),
    "no layer to pop": lambda m: m.Sequential().pop(),
    "no layer to add": lambda m: m.Sequential().add(3),
    "no layers to call": lambda m: m.Sequential()(X),
    "a second input": lambda m: m.Sequential([m.Input((2,)), m.Input((2,))]),
    "repeated by a word": lambda m: m.layers.RepeatVector("a"),
    "axes of a Dot": lambda m: m.layers.Dot("a"),
    "three axes of a Dot": lambda m: m.layers.Dot((1, 2, 3)),
    "an axis that is a word": lambda m: m.layers.UnitNormalization("a"),
    "no units": lambda m: m.layers.Dense(0),
    "units in words": lambda m: m.layers.Dense("a"),
    "units of 2.0": lambda m: m.layers.Dense(2.0),
    "units of an LSTM of 2.0": lambda m: m.layers.LSTM(2.0)(np.ones((2, 3, 4))),
    "filters of 2.0": lambda m: m.layers.Conv2D(2.0, 3)(np.ones((2, 5, 5, 1))),
    "a kernel of 2.0": lambda m: m.layers.Conv1D(2, 2.0),
    "strides of 2.0": lambda m: m.layers.Conv2D(2, 2, strides=2.0),
    "pools of 2.0": lambda m: m.layers.MaxPooling2D(2.0),
    "padding of 2.0": lambda m: m.layers.ZeroPadding2D(2.0),
    "heads of 2.0": lambda m: m.layers.MultiHeadAttention(2.0, 2),
    "a rate above one": lambda m: m.layers.Dropout(2.0),
    "Python objects": lambda m: m.layers.Dense(2)(np.array(["a"], object)),
    "too few axes": lambda m: m.layers.Dense(2)(np.ones(3)),
    "another last axis": lambda m: m.Sequential([m.Input((2,)), m.layers.Dense(1)])(X),
    "shapes that do not add": lambda m: m.layers.Add()([X, X[:, :2]]),
    "a shape that does not fit": lambda m: m.layers.Reshape((5,))(X),
    "a cell that is none": lambda m: m.layers.RNN(m.layers.Dense(2)),
    "an activation": lambda m: m.layers.Activation("nope"),
    "an initializer": lambda m: m.layers.Dense(2, kernel_initializer="nope"),
    "groups": lambda m: m.layers.GroupNormalization(2)(X),
    "an input without a shape": lambda m: m.Input(),
    "a layer that is not there": lambda m: m.Sequential().get_layer("x"),
    "an index that is not there": lambda m: m.Sequential([m.layers.Dense(1)]).get_layer(index=5),
    "weights": lambda m: m.layers.Dense(2).set_weights([1]),
    "a name with a slash": lambda m: m.layers.Dense(2, name="a/b"),
    "parameters before they are": lambda m: m.layers.Dense(2).count_params(),
    "a merge mode": lambda m: m.layers.Bidirectional(m.layers.LSTM(2), merge_mode="x"),
    "inputs that are none": lambda m: m.Model(inputs=3, outputs=4),
    "a size of -2": lambda m: m.layers.Reshape((-2,)),
    "trainable in words": lambda m: m.layers.Dense(2, trainable="yes"),
    "trainable as a number": lambda m: m.layers.Layer(trainable=1),
    "trainable as None": lambda m: m.Sequential([m.layers.Dense(2, trainable=None)]),
    "a table of no rows": lambda m: m.layers.Embedding(0, 2),
    "a table of 3.0 rows": lambda m: m.layers.Embedding(3.0, 2),
    "a table of vectors of 2.0": lambda m: m.layers.Embedding(3, 2.0),
    "a table of a word": lambda m: m.layers.Embedding("3", 2),
    "a table of a truth": lambda m: m.layers.Embedding(True, 2),
    "an axis of a name": lambda m: m.layers.LayerNormalization(axis="a"),
    "an axis and a half": lambda m: m.layers.LayerNormalization(axis=1.5),
    "an axis of a dictionary": lambda m: m.layers.LayerNormalization(axis={"axis": 1}),
    "shapes to build that do not add": lambda m: m.layers.Add().build([(2, 3), (2, 4)]),
    "batches to build that do not add": lambda m: m.layers.Multiply().build([(2, 3), (3, 3)]),
    "one shape to add": lambda m: m.layers.Average().build((2, 3)),
    "three to subtract": lambda m: m.layers.Subtract()([X, X, X]),
    "shapes to build that do not join": lambda m: m.layers.Concatenate(axis=1).build(
        [(None, 2, 3), (None, 2, 4)]
    ),
    "additive attention to one": lambda m: m.layers.AdditiveAttention()(X),
    "additive attention to one shape": lambda m: m.layers.AdditiveAttention().build((2, 3)),
    "an input of a word": lambda m: m.layers.InputLayer(input_tensor="a"),
    "an input of an array": lambda m: m.Input(tensor=X),
    "an input of another shape": lambda m: m.Input((4,), tensor=m.Input((3,))),
    "an input of another dtype": lambda m: m.layers.InputLayer(
        dtype="int32", input_tensor=m.Input((3,))
    ),
    "an input of another batch": lambda m: m.layers.InputLayer(
        batch_size=4, input_tensor=m.Input((3,))
    ),
    "two sizes of a batch": lambda m: m.layers.InputLayer(batch_size=2, batch_shape=(2, 3)),
    "JSON that is none": lambda m: m.models.model_from_json("{"),
}


@pytest.mark.parametrize("case", WRONG)
def test_exceptions_are_of_keras_s_kind(case):
    with pytest.raises(Exception) as theirs:
        WRONG[case](reference)
    kind = next(c for c in type(theirs.value).__mro__ if c.__module__ == "builtins")
    with pytest.raises(kind):
        WRONG[case](keras)


@pytest.mark.parametrize("axis", [1, 5, -3, [0, 7]])
@pytest.mark.parametrize("layer", ["LayerNormalization", "RMSNormalization"])
def test_an_axis_that_is_not_there_is_told(layer, axis):
    with pytest.raises(ValueError, match="no such axis"):
        getattr(keras.layers, layer)(axis=axis)(np.ones(3, "float32"))
