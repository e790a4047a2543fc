"""Functions of `keras.backend` against numpy, in both generations."""

import numpy as np
import pytest

from hornbook.compat.install import installed

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 3)).astype("float32")
Y = RNG.normal(size=(2, 3)).astype("float32")
POSITIVE = np.abs(X) + 0.5
PICTURES = RNG.normal(size=(2, 5, 4, 3)).astype("float32")


@pytest.fixture(params=["keras1", "keras2"])
def keras(request):
    with installed(request.param):
        import keras

        yield keras


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# what an old program wrote, and what numpy says
ROWS = {
    "sum": (lambda K: K.sum(X, axis=1, keepdims=True), X.sum(1, keepdims=True)),
    "mean": (lambda K: K.mean(X, axis=-1), X.mean(-1)),
    "max": (lambda K: K.max(X, axis=0), X.max(0)),
    "min": (lambda K: K.min(X), X.min()),
    "prod": (lambda K: K.prod(X, axis=1), X.prod(1)),
    "var": (lambda K: K.var(X, axis=1), X.var(1)),
    "std": (lambda K: K.std(X, axis=1), X.std(1)),
    "any": (lambda K: K.any(X > 0, axis=1), (X > 0).any(1)),
    "all": (lambda K: K.all(X > -9, axis=1), (X > -9).all(1)),
    "argmax": (lambda K: K.argmax(X), X.argmax(-1)),
    "argmin": (lambda K: K.argmin(X, axis=0), X.argmin(0)),
    "square": (lambda K: K.square(X), X**2),
    "abs": (lambda K: K.abs(X), np.abs(X)),
    "sqrt": (lambda K: K.sqrt(POSITIVE), np.sqrt(POSITIVE)),
    "exp": (lambda K: K.exp(X), np.exp(X)),
    "log": (lambda K: K.log(POSITIVE), np.log(POSITIVE)),
    "round": (lambda K: K.round(X), np.round(X)),
    "sign": (lambda K: K.sign(X), np.sign(X)),
    "pow": (lambda K: K.pow(POSITIVE, 2.5), POSITIVE**2.5),
    "clip": (lambda K: K.clip(X, -0.1, 0.2), X.clip(-0.1, 0.2)),
    "equal": (lambda K: K.equal(X, X), X == X),
    "not_equal": (lambda K: K.not_equal(X, Y), X != Y),
    "greater": (lambda K: K.greater(X, Y), X > Y),
    "less_equal": (lambda K: K.greater_equal(X, Y), X >= Y),
    "maximum": (lambda K: K.maximum(X, 0.0), np.maximum(X, 0)),
    "minimum": (lambda K: K.minimum(X, Y), np.minimum(X, Y)),
    "sin": (lambda K: K.sin(X), np.sin(X)),
    "cos": (lambda K: K.cos(X), np.cos(X)),
    "tanh": (lambda K: K.tanh(X), np.tanh(X)),
    "sigmoid": (lambda K: K.sigmoid(X), sigmoid(X)),
    "hard_sigmoid": (lambda K: K.hard_sigmoid(X), np.clip(0.2 * X + 0.5, 0, 1)),
    "relu": (lambda K: K.relu(X, alpha=0.1), np.where(X > 0, X, 0.1 * X)),
    "elu": (lambda K: K.elu(X), np.where(X > 0, X, np.exp(X) - 1)),
    "softmax": (lambda K: K.softmax(X), np.exp(X) / np.exp(X).sum(1, keepdims=True)),
    "softplus": (lambda K: K.softplus(X), np.log1p(np.exp(X))),
    "softsign": (lambda K: K.softsign(X), X / (1 + np.abs(X))),
    "l2_normalize": (
        lambda K: K.l2_normalize(X, axis=1),
        X / np.sqrt((X**2).sum(1, keepdims=True)),
    ),
    "dot": (lambda K: K.dot(X, Y.T), X @ Y.T),
    "transpose": (lambda K: K.transpose(X), X.T),
    "gather": (lambda K: K.gather(X, np.array([1, 0, 1])), X[[1, 0, 1]]),
    "concatenate": (lambda K: K.concatenate([X, Y]), np.concatenate([X, Y], -1)),
    "stack": (lambda K: K.stack([X, Y], axis=1), np.stack([X, Y], 1)),
    "reshape": (lambda K: K.reshape(X, (3, 2)), X.reshape(3, 2)),
    "permute": (lambda K: K.permute_dimensions(X, (1, 0)), X.T),
    "repeat": (lambda K: K.repeat(X, 2), np.stack([X, X], 1)),
    "repeat_elements": (lambda K: K.repeat_elements(X, 2, axis=1), X.repeat(2, 1)),
    "tile": (lambda K: K.tile(X, (1, 2)), np.tile(X, (1, 2))),
    "flatten": (lambda K: K.flatten(PICTURES), PICTURES.ravel()),
    "batch_flatten": (lambda K: K.batch_flatten(PICTURES), PICTURES.reshape(2, -1)),
    "expand_dims": (lambda K: K.expand_dims(X), X[..., None]),
    "squeeze": (lambda K: K.squeeze(X[:, :1], 1), X[:, 0]),
    "arange": (lambda K: K.arange(1, 7, 2), np.arange(1, 7, 2)),
    "reverse": (lambda K: K.reverse(X, 1), X[:, ::-1]),
    "one_hot": (lambda K: K.one_hot(np.array([2, 0]), 3), np.eye(3)[[2, 0]]),
    "cast": (lambda K: K.cast(X > 0, "float32"), (X > 0).astype("float32")),
    "eye": (lambda K: K.eval(K.eye(3)), np.eye(3)),
    "zeros": (lambda K: K.eval(K.zeros((2, 2))), np.zeros((2, 2))),
    "ones": (lambda K: K.eval(K.ones(shape=(2,))), np.ones(2)),
    "zeros_like": (lambda K: K.zeros_like(X), 0 * X),
    "ones_like": (lambda K: K.ones_like(X), 0 * X + 1),
    "constant": (lambda K: K.constant(3.0, shape=(2, 2)), np.full((2, 2), 3.0)),
    "shape": (lambda K: K.shape(X), np.array([2, 3])),
    "in_top_k": (lambda K: K.in_top_k(X, X.argmax(1), 1), np.array([True, True])),
    "temporal_padding": (
        lambda K: K.temporal_padding(PICTURES[0], padding=2),
        np.pad(PICTURES[0], ((0, 0), (2, 2), (0, 0))),
    ),
    "spatial_2d_padding": (
        lambda K: K.spatial_2d_padding(PICTURES, padding=(1, 2)),
        np.pad(PICTURES, ((0, 0), (1, 1), (2, 2), (0, 0))),
    ),
    "spatial_3d_padding": (
        lambda K: K.spatial_3d_padding(PICTURES[None], (1, 0, 2)),
        np.pad(PICTURES[None], ((0, 0), (1, 1), (0, 0), (2, 2), (0, 0))),
    ),
    "resize_volumes": (
        lambda K: K.eval(K.square(PICTURES[:, :1])),
        PICTURES[:, :1] ** 2,
    ),
    "foldl": (lambda K: K.foldl(lambda a, b: 2 * a + b, X), 2 * X[0] + X[1]),
    "foldr": (lambda K: K.foldr(lambda a, b: 2 * a + b, X), 2 * X[1] + X[0]),
    "map_fn": (lambda K: K.map_fn(lambda row: K.sum(row) + row, X), X.sum(1, keepdims=True) + X),
    "is_sparse": (lambda K: np.array(K.is_sparse(K.to_dense(X))), np.array(False)),
}


@pytest.mark.parametrize("name", ROWS)
def test_what_numpy_has_too(keras, name):
    call, want = ROWS[name]
    found = np.asarray(call(keras.backend))
    np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-5)
    assert found.shape == np.shape(want)


def windows(x, size, stride=1):
    """Patches `(batch, rows, columns, size, size, channels)`."""
    view = np.lib.stride_tricks.sliding_window_view(x, (size, size), (1, 2))
    return np.moveaxis(view, 3, -1)[:, ::stride, ::stride]


def test_convolutions_and_pooling(keras):
    K = keras.backend
    kernel = RNG.normal(size=(2, 2, 3, 4)).astype("float32")
    want = np.einsum("bijhwc,hwco->bijo", windows(PICTURES, 2), kernel)
    np.testing.assert_allclose(K.conv2d(PICTURES, kernel), want, rtol=1e-4, atol=1e-5)
    want = windows(PICTURES, 2, 2).max((3, 4))
    np.testing.assert_allclose(K.pool2d(PICTURES, (2, 2), (2, 2)), want, rtol=1e-5)
    want = windows(PICTURES, 2).mean((3, 4))
    np.testing.assert_allclose(
        K.pool2d(PICTURES, (2, 2), pool_mode="avg"), want, rtol=1e-4, atol=1e-6
    )
    with pytest.raises(ValueError, match="'max' or 'avg', not 'sum'"):
        K.pool2d(PICTURES, (2, 2), pool_mode="sum")
    steps, taps = PICTURES[:, :, 0], kernel[:, 0]
    view = np.lib.stride_tricks.sliding_window_view(steps, 2, 1)
    want = np.einsum("bicw,wco->bio", view, taps)
    np.testing.assert_allclose(K.conv1d(steps, taps), want, rtol=1e-4, atol=1e-5)
    volume, cube = PICTURES[:, None], kernel[None]
    assert K.conv3d(volume, cube).shape == (2, 1, 4, 3, 4)
    assert K.pool3d(volume, (1, 2, 2), (1, 2, 2)).shape == (2, 1, 2, 2, 3)
    each = RNG.normal(size=(2, 2, 3, 1)).astype("float32")
    point = RNG.normal(size=(1, 1, 3, 4)).astype("float32")
    want = np.einsum("bijhwc,hwc,co->bijo", windows(PICTURES, 2), each[..., 0], point[0, 0])
    np.testing.assert_allclose(
        K.separable_conv2d(PICTURES, each, point), want, rtol=1e-4, atol=1e-5
    )
    big = K.resize_images(PICTURES, 2, 3)
    assert big.shape == (2, 10, 12, 3)
    np.testing.assert_array_equal(big, PICTURES.repeat(2, 1).repeat(3, 2))


def test_kernels_of_keras_1_where_channels_come_first():
    with installed("keras1"):
        from keras import backend as K

        K.set_image_dim_ordering("th")
        kernel = RNG.normal(size=(4, 3, 2, 2)).astype("float32")  # outputs, inputs, rows, columns
        found = np.asarray(K.conv2d(PICTURES.transpose(0, 3, 1, 2), kernel))
        want = np.einsum("bijhwc,ochw->boij", windows(PICTURES, 2), kernel)
        np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-5)
        dilated = K.atrous_conv2d(PICTURES.transpose(0, 3, 1, 2), kernel, rate=2)
        assert dilated.shape == (2, 4, 3, 2)
        up = K.deconv2d(found, kernel.transpose(1, 0, 2, 3), (2, 3, 5, 4))
        assert up.shape == (2, 3, 5, 4)
        assert K.asymmetric_temporal_padding(PICTURES[0], 1, 2).shape == (5, 7, 3)
        wide = K.asymmetric_spatial_2d_padding(PICTURES, 1, 2, 3, 4)
        assert wide.shape == (2, 5, 7, 10)


def test_transposed_convolutions_of_keras_2(keras2_backend):
    K = keras2_backend
    kernel = RNG.normal(size=(3, 3, 2, 3)).astype("float32")
    for size in ((10, 8), (9, 7)):
        up = K.conv2d_transpose(PICTURES, kernel, (2, *size, 2), strides=(2, 2), padding="same")
        assert up.shape == (2, *size, 2)
    assert K.depthwise_conv2d(PICTURES, kernel[:, :, :1].transpose(0, 1, 3, 2)).shape == (
        2,
        3,
        2,
        3,
    )
    local = RNG.normal(size=(4 * 3, 2 * 2 * 3, 5)).astype("float32")
    found = np.asarray(K.local_conv2d(PICTURES, local, (2, 2), (1, 1), (4, 3)))
    patches = windows(PICTURES, 2).reshape(2, 12, 12)
    want = np.einsum("bwk,wkf->bwf", patches, local).reshape(2, 4, 3, 5)
    np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-5)
    assert np.asarray(K.slice(X, [0, 1], [2, -1])).tolist() == X[:, 1:].tolist()
    with K.name_scope("any"):
        assert K.is_tensor(K.variable(1.0)) and not K.is_tensor(1.0)
    assert (
        K.is_placeholder(K.placeholder((2,))) and np.asarray(K.identity(X)).tolist() == X.tolist()
    )


@pytest.fixture
def keras2_backend():
    with installed("keras2"):
        from keras import backend

        yield backend


def test_variables_updates_and_numbers(keras):
    K = keras.backend
    v = K.variable(np.array([1.0, 2.0]), name="v")
    assert v.eval().tolist() == [1.0, 2.0] and v.get_value().tolist() == [1.0, 2.0]
    v.set_value(np.array([3.0, 4.0]))
    assert v.get_shape().as_list() == [2] and K.get_variable_shape(v) == (2,)
    K.update_add(v, 1.0), K.update_sub(v, 2.0)
    assert K.get_value(v).tolist() == [2.0, 3.0]
    K.moving_average_update(v, 0.0, 0.5)
    assert K.get_value(v).tolist() == [1.0, 1.5]
    K.batch_set_value([(v, np.zeros(2))])
    assert K.batch_get_value([v])[0].tolist() == [0.0, 0.0]
    x = K.placeholder((2,))
    for value in (
        K.get_value(v),
        K.eval(v),
        v.eval(),
        v.get_value(),
        K.function([x], [x + v])([v])[0],
    ):
        value += 1.0  # the program's own
    assert K.eval(v).tolist() == [0.0, 0.0]
    low = K.eval(K.random_uniform_variable((50,), 1.0, 2.0))
    assert low.min() >= 1 and low.max() <= 2
    assert abs(K.eval(K.random_normal_variable((400,), 5.0, 0.1)).mean() - 5) < 0.05
    assert K.random_normal((2, 3)).shape == (2, 3) and K.random_uniform((2,)).shape == (2,)
    K.reset_uids()
    assert [K.get_uid("a"), K.get_uid("a"), K.get_uid("b")] == [1, 2, 1]
    assert K.backend() == "tensorflow" and K.floatx() == "float32"
    assert K.count_params(v) == 2 and K.dtype(v) == "float32" and K.ndim(v) == 1
    x = keras.layers.Input((3,))
    assert K.int_shape(x) == (None, 3) == x._keras_shape and K.is_keras_tensor(x)
    assert x._keras_history[0].name.startswith("input")


def test_what_tensors_had_is_gone_afterwards(keras):
    from hornbook.compat.install import uninstall
    from hornbook.core.symbolic import SymbolicTensor

    assert hasattr(SymbolicTensor, "_keras_shape")
    uninstall()
    assert not hasattr(SymbolicTensor, "_keras_shape")


def test_normalization(keras):
    K = keras.backend
    gamma, beta = np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.0, -0.5])
    y, mean, var = K.normalize_batch_in_training(X, gamma, beta, [0])
    np.testing.assert_allclose(mean, X.mean(0), rtol=1e-5)
    want = (X - X.mean(0)) / np.sqrt(X.var(0) + 1e-3) * gamma + beta
    np.testing.assert_allclose(y, want, rtol=1e-4, atol=1e-5)
    again = K.batch_normalization(X, mean, var, beta, gamma, epsilon=1e-3)
    np.testing.assert_allclose(again, want, rtol=1e-4, atol=1e-5)


def test_a_loop_of_one_s_own(keras):
    K = keras.backend
    x = RNG.normal(size=(2, 4, 3)).astype("float32")
    w = K.variable(np.eye(3))

    def step(x_t, states):
        h = K.dot(x_t, w) + 0.5 * states[0] + states[1]
        return h, [h]

    mask = np.array([[1, 1, 0, 1], [1, 1, 1, 1]], bool)
    one = np.ones((1, 3), "float32")
    last, outputs, states = K.rnn(step, x, [np.zeros((2, 3))], mask=mask, constants=[one])
    h, want = np.zeros((2, 3)), []
    for t in range(4):
        h = np.where(mask[:, t, None], x[:, t] + 0.5 * h + 1, h)
        want.append(h)
    np.testing.assert_allclose(outputs, np.stack(want, 1), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(last, want[-1], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(states[0], want[-1], rtol=1e-5, atol=1e-5)
    back = K.rnn(step, x, [np.zeros((2, 3))], go_backwards=True, constants=[one])[1]
    np.testing.assert_allclose(np.asarray(back)[:, 0], x[:, -1] + 1, rtol=1e-5, atol=1e-5)


def test_ctc_has_its_blank_at_the_end(keras):
    K = keras.backend
    p = np.array([[[0.6, 0.1, 0.3], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]], "float32")
    cost = K.ctc_batch_cost(np.array([[0, 1]]), p, np.array([[3]]), np.array([[2]]))
    a, b, c = p[0]  # class 2 is blank: the ways to spell 0 1 in three steps
    ways = a[0] * b[1] * c[2] + a[0] * b[1] * c[1] + a[0] * b[0] * c[1]
    ways += a[0] * b[2] * c[1] + a[2] * b[0] * c[1]
    np.testing.assert_allclose(cost, [[-np.log(ways)]], rtol=1e-4)
    (labels,), _ = K.ctc_decode(p, np.array([3]))
    assert np.asarray(labels)[0, :2].tolist() == [0, 1]
    assert len(K.ctc_decode(p, np.array([3]), greedy=False, beam_width=3, top_paths=2)[0]) == 2


def test_the_layout_is_read_from_keras_json(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    text = '{"image_dim_ordering": "th", "backend": "theano", "floatx": "float32"}'
    (tmp_path / "keras.json").write_text(text)
    with installed("keras1"):
        from keras import backend as K

        assert K.image_dim_ordering() == "th" and K.image_data_format() == "channels_first"
    (tmp_path / "keras.json").write_text("no json")
    with installed("keras2"):
        from keras import backend as K

        assert K.image_data_format() == "channels_last"


# What an old program wrote of a symbolic `x`, and what numpy says of its value.
SIZED = {
    "a number": (
        lambda K, x: K.sum(x) / K.cast(K.shape(x)[0], "float32"),
        lambda x: x.sum() / len(x),
    ),
    "all of them": (lambda K, x: K.cast(K.shape(x), "float32"), lambda x: np.shape(x)),
    "their product": (lambda K, x: K.prod(K.shape(x)), lambda x: x.size),
    "arithmetic": (
        lambda K, x: K.cast(K.stack([1 + n for n in K.shape(x)[1:3] * 2]), "float32"),
        lambda x: (11, 9),
    ),
    "arithmetic with arrays": (
        lambda K, x: K.shape(x)[1:3] * K.constant([2.0, 3.0]),
        lambda x: (10, 12),
    ),
    "reshape": (lambda K, x: K.reshape(x, (K.shape(x)[0], 60)), lambda x: x.reshape(-1, 60)),
    "reshape by two": (
        lambda K, x: K.reshape(x, (K.shape(x)[1], K.shape(x)[0], 12)),
        lambda x: x.reshape(5, -1, 12),
    ),
    "reshape by a stack": (
        lambda K, x: K.reshape(x, K.stack([K.shape(x)[0], K.prod(K.shape(x)[1:])])),
        lambda x: x.reshape(len(x), -1),
    ),
    "reshape by what is joined": (
        lambda K, x: K.reshape(x, K.concatenate([K.shape(x)[:2], [12]])),
        lambda x: x.reshape(-1, 5, 12),
    ),
    "tile": (
        lambda K, x: K.tile(K.constant([[1.0, 2.0]]), (K.shape(x)[0], 1)),
        lambda x: np.tile([[1.0, 2.0]], (len(x), 1)),
    ),
    "arange": (lambda K, x: K.arange(K.shape(x)[0]), lambda x: np.arange(len(x))),
}


@pytest.mark.parametrize("inside", [False, True], ids=["of the graph", "in a layer"])
@pytest.mark.parametrize("name", SIZED)
def test_sizes_that_are_not_known_yet_are_numbers(keras, name, inside):
    K = keras.backend
    call, want = SIZED[name]
    x = K.placeholder((None, None, 4, 3))
    made = keras.layers.Lambda(lambda z: call(K, z) * 1)(x) if inside else call(K, x)
    run = K.function([x], [made])
    for pictures in (PICTURES, PICTURES[:1]):
        np.testing.assert_allclose(run([pictures])[0], want(pictures), rtol=1e-5)


def test_sizes_of_arrays_are_plain_numbers(keras):
    K = keras.backend
    assert K.shape(X) == (2, 3) and K.int_shape(X) == (2, 3)
    stacked = K.stack([K.sum(keras.layers.Input((3,))), K.constant(1.0)])
    assert stacked.shape == (2,)  # numbers that are no sizes are a tensor


def test_gradients_of_pictures_in_a_loss_of_many_layers(keras):
    K = keras.backend
    x = keras.layers.Input((None, None, 3))
    halves = keras.layers.AveragePooling2D()(x)
    loss = K.variable(0.0)
    for coefficient, layer in ((0.5, x), (2.0, halves)):
        inner = layer[:, 1:-1, 1:-1, :]
        loss += coefficient * K.sum(K.square(inner)) / K.prod(K.cast(K.shape(layer), "float32"))
    (slope,) = K.gradients(loss, x)
    slope /= K.maximum(K.mean(K.abs(slope)), 1e-7)
    run = K.function([x], [loss, slope])
    for rows in (8, 12):
        pictures = RNG.normal(size=(1, rows, 10, 3)).astype("float32")
        pooled = pictures.reshape(1, rows // 2, 2, 5, 2, 3).mean((2, 4))
        want = sum(
            c * (p[:, 1:-1, 1:-1] ** 2).sum() / p.size for c, p in ((0.5, pictures), (2.0, pooled))
        )
        found, gradient = run([pictures])
        np.testing.assert_allclose(found, want, rtol=1e-5)
        np.testing.assert_allclose(np.abs(gradient).mean(), 1.0, rtol=1e-5)
        assert not gradient[:, 0, 0].any() and gradient[:, 2, 2].all()
