"""For each op in Theano's table: arguments, and the result from numpy or scipy."""

import functools

import numpy as np
import scipy
import scipy.linalg
import scipy.signal
import scipy.special as special

rng = np.random.RandomState(3)


def floats(*shape, low=-2.0, high=2.0):
    return rng.uniform(low, high, shape)


M, P, V = floats(3, 4), floats(3, 4, low=0.2, high=0.9), floats(4)
S = floats(3, 3)
POSITIVE = S @ S.T + 3 * np.eye(3)
I, J = rng.randint(-5, 6, (3, 4)), rng.randint(1, 4, (3, 4))
B = rng.randint(0, 2, (3, 4)).astype(bool)
X4, K4 = floats(2, 3, 6, 5), floats(4, 3, 3, 2)
PICTURES = floats(2, 3, 7, 6)
LABELS = np.array([2, 0, 3])


def simple(numpy_name, *args):
    return args, getattr(np, numpy_name)


def scipys(name, *args):
    return args, getattr(special, name)


FLOATS = {
    **{
        name: simple(name, M)
        for name in "exp exp2 expm1 sin cos sinh cosh tanh arctan arcsinh deg2rad rad2deg".split()
    },
    **{
        name: simple(name, P)
        for name in "log log2 log10 log1p sqrt tan arcsin arccos arctanh".split()
    },
    "arccosh": simple("arccosh", P + 1),
    "arctan2": simple("arctan2", M, P),
    **{name: scipys(name, M) for name in "erf erfc erfcx i0 i1".split()},
    **{name: scipys(name, P) for name in "gammaln psi gamma erfinv erfcinv".split()},
    "inv": ((P,), lambda x: 1 / x),
    "tri_gamma": ((P,), lambda x: special.polygamma(1, x)),
    "gammainc": scipys("gammainc", P, P + 1),
    "gammaincc": scipys("gammaincc", P, P + 1),
    "gammal": ((P, P + 1), lambda k, x: special.gammainc(k, x) * special.gamma(k)),
    "gammau": ((P, P + 1), lambda k, x: special.gammaincc(k, x) * special.gamma(k)),
    "chi2sf": ((P, P + 2), lambda x, k: scipy.stats.chi2.sf(x, k)),
}
SIGMOIDS = {
    **{name: scipys("expit", M) for name in "sigmoid scalar_sigmoid sigmoid_inplace".split()},
    "softplus": ((M,), lambda x: np.log1p(np.exp(x))),
    "softsign": ((M,), lambda x: x / (1 + abs(x))),
    "ultra_fast_sigmoid": ((3 * M,), lambda x: np.vectorize(ultra_fast)(x)),
    "hard_sigmoid": ((2 * M,), lambda x: np.clip(0.2 * x + 0.5, 0, 1)),
}


def ultra_fast(x):
    """Theano's `UltraFastScalarSigmoid.st_impl`, by its definition."""
    half = abs(0.5 * x)
    z = 0.99505475368673
    if half < 1.7:
        z = 1.5 * half / (1 + half)
    elif half < 3:
        z = 0.935409070603099 + 0.0458812946797165 * (half - 1.7)
    return 0.5 * ((z if x >= 0 else -z) + 1)


XLOGX = {
    "xlogx": ((np.array([0.0, 0.5, 2.0]),), lambda x: special.xlogy(x, x)),
    "xlogy0": ((np.array([0.0, 0.5]), np.array([0.0, 2.0])), special.xlogy),
}
NUMBERS = {
    **{name: simple(name, M) for name in "ceil floor trunc".split()},
    "round_half_to_even": ((np.array([0.5, 1.5, -2.5, 0.4]),), np.round),
    "round_half_away_from_zero": (
        (np.array([0.5, 1.5, -2.5, 0.4]),),
        lambda x: np.sign(x) * np.floor(abs(x) + 0.5),
    ),
    "largest": ((M, M + P, P), lambda *xs: functools.reduce(np.maximum, xs)),
    "smallest": ((M, M + P, P), lambda *xs: functools.reduce(np.minimum, xs)),
    "sgn": ((M,), np.sign),
    "sqr": ((M,), np.square),
    "square": ((I,), np.square),
    "ceil_intdiv": ((I, J), lambda a, b: -(-a // b)),
    "maximum": simple("maximum", M, P),
    "minimum": simple("minimum", M, P),
    "clip": ((M, -0.5, P), np.clip),
}
RECTIFIERS = {
    "relu": ((M,), lambda x: np.maximum(x, 0)),
    "elu": ((M, 0.7), lambda x, a: np.where(x > 0, x, a * np.expm1(x))),
    "selu": (
        (M,),
        lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    ),
}
NOT_FINITE = np.array([np.nan, np.inf, -np.inf, 1.0])
TESTS = {name: simple(name, NOT_FINITE) for name in ("isnan", "isinf")}
CHOICES = dict.fromkeys(("switch", "where"), ((B, M, P), np.where))
COMPLEX = M + 1j * P
ARRAYS = {
    **{name: simple(name, COMPLEX) for name in "real imag angle conj".split()},
    "complex": ((M, P), lambda a, b: a + 1j * b),
    "complex_from_polar": ((P, M), lambda r, a: r * np.exp(1j * a)),
    "round": ((M,), np.round),
    "iround": ((M,), lambda x: np.round(x).astype("int64")),
    "isclose": ((M, M + 1e-9), np.isclose),
    "allclose": ((M, M + 1e-9), np.allclose),
    "second": ((M, V), lambda a, b: np.broadcast_to(b, a.shape)),
    "fill": ((M, np.float64(2.0)), lambda a, b: np.full_like(a, b)),
    "divmod": ((I, J), np.divmod),
    "sum": ((M, 1), np.sum),
    "prod": ((M, 0), np.prod),
    "mean": ((I, 1), np.mean),
    "var": ((M, (0, 1)), lambda x, a: np.var(x, a)),
    "std": ((M, 1), np.std),
    "max": ((M, 1), np.max),
    "min": ((M, 0), np.min),
    "argmax": ((M, 1), np.argmax),
    "argmin": ((M,), np.argmin),
    "any": ((B, 1), np.any),
    "all": ((B, 0), np.all),
    "max_and_argmax": ((M, 1), lambda x, a: (np.max(x, a), np.argmax(x, a))),
    "ptp": ((M, 1), np.ptp),
    "cov": ((M,), np.cov),
    "zeros": (((2, 3),), lambda s: np.zeros(s, "float32")),
    "ones": (((2, 3),), lambda s: np.ones(s, "float32")),
    "zeros_like": ((M,), np.zeros_like),
    "ones_like": ((I,), np.ones_like),
    "identity_like": ((M,), lambda x: np.eye(*x.shape)),
    "eye": ((3, 4, 1), lambda *a: np.eye(*a, dtype="float32")),
    "tri": ((3, 4, 1), lambda *a: np.tri(*a, dtype="float32")),
    "tril": ((M, 1), np.tril),
    "triu": ((M, -1), np.triu),
    "alloc": ((V, 3, 4), lambda v, *s: np.broadcast_to(v, s)),
    "arange": ((2, 9, 3), np.arange),
    "diag": ((V,), np.diag),
    "diagonal": ((M, 1), np.diagonal),
    "concatenate": (([M, P], 1), np.concatenate),
    "join": ((0, M, P), lambda a, *xs: np.concatenate(xs, a)),
    "stack": (([M, P], 1), np.stack),
    "horizontal_stack": ((M, P), lambda *xs: np.hstack(xs)),
    "vertical_stack": ((M, P), lambda *xs: np.vstack(xs)),
    "stacklists": (([[M, P], [P, M]],), np.array),
    "split": ((V, [1, 3], 2), lambda x, s, n: np.split(x, [1])),
    "reshape": ((M, (2, -1)), np.reshape),
    "flatten": ((X4, 2), lambda x, n: x.reshape(2, -1)),
    "swapaxes": ((X4, 1, 3), np.swapaxes),
    "shape_padleft": ((M, 2), lambda x, n: x[None, None]),
    "shape_padright": ((M,), lambda x: x[..., None]),
    "shape_padaxis": ((M, 1), np.expand_dims),
    "tile": ((M, (2, 1)), np.tile),
    "roll": ((M, 1, 1), np.roll),
    "take": ((M, np.array([2, 0]), 0), np.take),
    "choose": ((np.array([1, 0, 1, 1]), [V, 2 * V]), np.choose),
    "permute_row_elements": ((M, np.array([2, 0, 3, 1])), lambda x, p: x[:, p]),
    "inverse_permutation": ((np.array([2, 0, 3, 1]),), np.argsort),
    "dot": ((M, V), np.dot),
    "tensordot": ((X4, K4, [[1], [1]]), np.tensordot),
    "batched_dot": ((floats(3, 2, 4), floats(3, 4, 5)), np.matmul),
    "batched_tensordot": (
        (floats(3, 2, 4), floats(3, 4, 5), [[2], [1]]),
        lambda a, b, axes: np.matmul(a, b),
    ),
    "outer": ((V, V), np.outer),
}
SORT = {
    "sort": ((M, 0), np.sort),
    "argsort": ((M, 1), np.argsort),
    "topk": ((M, 2), lambda x, k: -np.sort(-x, -1)[:, :k]),
    "argtopk": ((M, -2), lambda x, k: np.argsort(x, -1)[:, :2]),
    "topk_and_argtopk": (
        (M, 2, 0),
        lambda x, k, a: (-np.sort(-x, 0)[:2], np.argsort(-x, 0)[:2]),
    ),
}
EXTRA_OPS = {
    "cumsum": ((M, 1), np.cumsum),
    "cumprod": ((M,), np.cumprod),
    "bartlett": ((5,), np.bartlett),
    "repeat": ((M, 2, 1), np.repeat),
    "diff": ((M, 2), np.diff),
    "searchsorted": ((np.sort(V), M), np.searchsorted),
    "to_one_hot": ((LABELS, 4), lambda y, n: np.eye(n, dtype="float32")[y]),
    "fill_diagonal": ((M, 7.0), lambda x, v: np.where(np.eye(*x.shape, dtype=bool), v, x)),
    "fill_diagonal_offset": (
        (M, 7.0, 1),
        lambda x, v, o: np.where(np.eye(*x.shape, o, dtype=bool), v, x),
    ),
    "unravel_index": ((np.array([3, 7]), (3, 4)), np.unravel_index),
    "ravel_multi_index": (
        ([np.array([0, 2]), np.array([3, 1])], (3, 4)),
        lambda i, d: np.array([3, 9]),
    ),
}
NLINALG = {
    "matrix_inverse": ((POSITIVE,), np.linalg.inv),
    "pinv": ((M,), np.linalg.pinv),
    "det": ((POSITIVE,), np.linalg.det),
    "eig": ((np.diag([1.0, 2.0, 3.0]),), lambda x: (np.diag(x), np.eye(3))),
    "eigh": ((np.diag([1.0, 2.0, 3.0]),), lambda x: (np.diag(x), np.eye(3))),
    "matrix_dot": ((S, POSITIVE, S), lambda *xs: functools.reduce(np.dot, xs)),
    "trace": ((S,), np.trace),
    "qr": ((np.triu(POSITIVE), "r"), lambda x, m: abs(np.linalg.qr(x, "r"))),
    "svd": ((M, 1, 0), lambda x, *_: np.linalg.svd(x, compute_uv=False)),
    "matrix_power": ((S, 3), np.linalg.matrix_power),
    "tensorinv": ((floats(4, 2, 2), 1), np.linalg.tensorinv),
    "tensorsolve": ((S, V[:3]), np.linalg.tensorsolve),
    "norm": ((M, "fro"), np.linalg.norm),
    "diag": ((V,), np.diag),
    "alloc_diag": ((V,), np.diag),
    "extract_diag": ((S,), np.diag),
}
LOWER = np.tril(POSITIVE)
SLINALG = {
    "cholesky": ((POSITIVE,), np.linalg.cholesky),
    "expm": ((S,), scipy.linalg.expm),
    "solve": ((S, V[:3]), np.linalg.solve),
    "solve_symmetric": ((POSITIVE, S), np.linalg.solve),
    "solve_lower_triangular": ((LOWER, V[:3]), np.linalg.solve),
    "solve_upper_triangular": ((LOWER.T, V[:3]), np.linalg.solve),
    "eigvalsh": ((S + S.T, POSITIVE), lambda a, b: scipy.linalg.eigvalsh(a, b)),
    "kron": ((S, M), np.kron),
}


def pairs(x):
    return np.stack([x.real, x.imag], -1)


FFT = {
    "rfft": ((M,), lambda x: pairs(np.fft.rfft(x))),
    "irfft": (
        (pairs(np.fft.rfft(M)), None, False),
        lambda x, n, o: np.fft.irfft(x[..., 0] + 1j * x[..., 1]),
    ),
}


def softmax(x):
    return special.softmax(x, -1)


def labelled(x):
    return -np.log(softmax(x)[np.arange(3), LABELS])


TARGET = softmax(P)
NNET_ARRAYS = {
    **dict.fromkeys("softmax softmax_graph softmax_op".split(), ((M,), softmax)),
    "logsoftmax": ((M,), lambda x: special.log_softmax(x, -1)),
    "softmax_with_bias": ((M, V), lambda x, b: softmax(x + b)),
    "binary_crossentropy": ((P, B), lambda o, t: -np.log(np.where(t, o, 1 - o))),
    "sigmoid_binary_crossentropy": (
        (M, P),
        lambda o, t: np.logaddexp(0, o) - t * o,
    ),
    "categorical_crossentropy": ((TARGET, softmax(M)), lambda o, t: -(t * np.log(o)).sum(-1)),
    "crossentropy_categorical_1hot": (
        (TARGET, LABELS),
        lambda o, t: -np.log(o[np.arange(3), t]),
    ),
    "crossentropy_softmax_1hot": ((M, LABELS), lambda x, y: (labelled(x), softmax(x))),
    "crossentropy_softmax_1hot_with_bias": (
        (M, V, LABELS),
        lambda x, b, y: (labelled(x + b), softmax(x + b)),
    ),
    "crossentropy_softmax_argmax_1hot_with_bias": (
        (M, V, LABELS),
        lambda x, b, y: (labelled(x + b), softmax(x + b), (x + b).argmax(-1)),
    ),
    "crossentropy_softmax_max_and_argmax_1hot": (
        (M, LABELS),
        lambda x, y: (labelled(x), softmax(x), softmax(x).max(-1), x.argmax(-1)),
    ),
    "crossentropy_softmax_max_and_argmax_1hot_with_bias": (
        (M, V, LABELS),
        lambda x, b, y: (
            labelled(x + b),
            softmax(x + b),
            softmax(x + b).max(-1),
            (x + b).argmax(-1),
        ),
    ),
    "prepend_scalar_to_each_row": ((np.float64(3.0), M), lambda v, x: np.c_[np.full(3, v), x]),
    "prepend_0_to_each_row": ((M,), lambda x: np.c_[np.zeros(3), x]),
    "prepend_1_to_each_row": ((M,), lambda x: np.c_[np.ones(3), x]),
    "h_softmax": (
        (M, 3, 6, 2, 3, floats(4, 2), floats(2), floats(2, 4, 3), floats(2, 3)),
        lambda x, b, n, c, per, w1, b1, w2, b2: (
            softmax(x @ w1 + b1)[..., None] * softmax(np.einsum("bf,cfo->bco", x, w2) + b2)
        ).reshape(3, -1),
    ),
}


def normalized(x, gamma, beta, mean, var):
    spread = [v[None, :, None, None] for v in (gamma, beta, mean, var)]
    gamma, beta, mean, var = spread
    return (x - mean) * gamma / np.sqrt(var + 1e-4) + beta


def trained(x, gamma, beta, axes):
    mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3))
    return normalized(x, gamma, beta, mean, var), mean, 1 / np.sqrt(var + 1e-4)


C = [floats(3), floats(3), floats(3), floats(3, low=0.5)]
NORMALIZATION = {
    "batch_normalization": (
        (M, V, V, V, abs(V) + 1),
        lambda x, g, b, m, s: (x - m) * g / s + b,
    ),
    "batch_normalization_train": ((X4, C[0], C[1], "spatial"), trained),
    "batch_normalization_test": ((X4, *C, "spatial"), lambda x, *p: normalized(x, *p[:4])),
}


def convolved(x, kernel, mode="valid"):
    """Channels first, filters turned round, by scipy."""
    made = [
        [
            sum(scipy.signal.convolve(a, b, mode) for a, b in zip(one, k, strict=True))
            for k in kernel
        ]
        for one in x
    ]
    return np.array(made)


def input_gradient(d, kernel, shape):
    """The transposed convolution: a full correlation, channels exchanged."""
    turned = np.flip(kernel, range(2, kernel.ndim)).swapaxes(0, 1)
    return convolved(d, turned, "full")


VOLUMES, K5 = floats(1, 2, 3, 4, 4), floats(2, 2, 2, 2, 2)
D4 = floats(2, 4, 4, 4)  # what a valid convolution of X4 and K4 gives
CONV2D = {
    "conv2d": ((X4, K4, None, None, "full"), lambda x, k, *_: convolved(x, k, "full")),
    "conv2d_transpose": ((D4, K4, (2, 3, 6, 5)), input_gradient),
}
ABSTRACT_CONV = {
    "conv3d": ((VOLUMES, K5), convolved),
    "conv2d_grad_wrt_inputs": ((D4, K4, (None, None, 6, 5)), input_gradient),
    "conv3d_grad_wrt_inputs": ((floats(1, 2, 2, 3, 3), K5, (1, 2, 3, 4, 4)), input_gradient),
    "conv2d_grad_wrt_weights": (
        (X4, D4, (4, 3, 3, 2)),
        lambda x, d, s: weight_gradient(x, d),
    ),
    "conv3d_grad_wrt_weights": (
        (VOLUMES, floats(1, 2, 2, 3, 3), (2, 2, 2, 2, 2)),
        lambda x, d, s: weight_gradient(x, d),
    ),
    "separable_conv2d": (
        (X4, floats(3, 1, 2, 2), floats(5, 3, 1, 1), 3),
        lambda x, d, p, n: np.einsum(
            "bihw,oi->bohw",
            np.concatenate([convolved(x[:, i : i + 1], d[i : i + 1]) for i in range(3)], 1),
            p[..., 0, 0],
        ),
    ),
    "causal_conv1d": (
        (floats(2, 3, 6), floats(4, 3, 3), (4, 3, 3)),
        lambda x, k, s: convolved(x, k, "full")[..., :6],
    ),
    "bilinear_upsampling": ((X4, 2), lambda x, r: scipys_zoom(x)),
    "bilinear_kernel_1D": ((2,), lambda r: np.array([0.5, 1, 0.5], "float32")),
    "bilinear_kernel_2D": (
        (2,),
        lambda r: np.outer([0.5, 1, 0.5], [0.5, 1, 0.5]).astype("float32"),
    ),
}


def weight_gradient(x, d):
    """The gradient by filters that are turned round, one tap at a time."""
    spatial = range(2, x.ndim)
    taps = [x.shape[a] - d.shape[a] + 1 for a in spatial]
    made = np.zeros((d.shape[1], x.shape[1], *taps))
    for place in np.ndindex(*taps):
        cut = tuple(slice(p, p + d.shape[a]) for p, a in zip(place, spatial, strict=True))
        window = x[(slice(None), slice(None), *cut)]
        axes = [0, *spatial]
        made[(slice(None), slice(None), *place)] = np.tensordot(d, window, [axes, axes])
    return np.flip(made, tuple(spatial))


def scipys_zoom(x):
    """Twice as large: a triangle of 3 over what has zeros in between, edges repeated."""
    edged = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)], "edge")
    rows, columns = x.shape[2:]
    spread = np.zeros((*x.shape[:2], 2 * edged.shape[2] - 1, 2 * edged.shape[3] - 1))
    spread[..., ::2, ::2] = edged
    kernel = np.outer([0.5, 1, 0.5], [0.5, 1, 0.5])
    made = np.array([[scipy.signal.convolve(c, kernel, "same") for c in one] for one in spread])
    return made[..., 2 : 2 + 2 * rows, 2 : 2 + 2 * columns]


NNET_CONV = {"conv2d": ((X4, K4), convolved)}
CONV3D2D = {
    "conv3d": (
        (VOLUMES.swapaxes(1, 2), K5.swapaxes(1, 2)),
        lambda x, k: convolved(x.swapaxes(1, 2), k.swapaxes(1, 2)).swapaxes(1, 2),
    )
}
SIGNAL_CONV = {
    "conv2d": (
        (X4[0], K4[0, 0]),
        lambda x, k: np.array([scipy.signal.convolve(one, k, "valid") for one in x]),
    )
}


def pooled(x, size, ignore, step=None, reduce=np.max):
    """Windows one by one."""
    step = step or size
    rank = len(size)
    counts = []
    for n, k, s in zip(x.shape[-rank:], size, step, strict=True):
        if ignore:
            counts.append((n - k) // s + 1)
        else:
            counts.append((n - 1) // s + 1 if s >= k else max(0, (n - 1 - k + s) // s) + 1)
    made = np.zeros((*x.shape[:-rank], *counts))
    for place in np.ndindex(*counts):
        cut = tuple(slice(p * s, p * s + k) for p, s, k in zip(place, step, size, strict=True))
        made[(..., *place)] = reduce(x[(..., *cut)], tuple(range(-rank, 0)))
    return made


POOL = {
    "pool_2d": ((PICTURES, (2, 4), False, (2, 3)), pooled),
    "pool_3d": ((floats(2, 4, 5, 3), (2, 2, 2), True), pooled),
    "max_pool_2d": ((PICTURES, (3, 2), False), pooled),
    "max_pool_2d_same_size": (
        (PICTURES[0, 0][:6], (2, 2)),
        lambda x, s: np.where(x == np.kron(pooled(x, s, True), np.ones(s)), x, 0),
    ),
}
DNN = {
    "dnn_conv": ((X4, K4), convolved),
    "dnn_pool": ((PICTURES, (2, 2), (2, 2)), lambda x, k, s: pooled(x, k, True, s)),
}


def windows(x, size, step=None):
    step = step or size
    (c, d), (e, f) = size, step
    b, n, h, w = x.shape
    return np.array(
        [
            x[i, j, r : r + c, s : s + d].ravel()
            for i in range(b)
            for j in range(n)
            for r in range(0, h - c + 1, e)
            for s in range(0, w - d + 1, f)
        ]
    )


NEIGHBOURS = {
    "images2neibs": ((X4, (2, 3), (2, 2)), windows),
    "neibs2images": ((windows(X4, (3, 5)), (3, 5), (2, 3, 6, 5)), lambda *_: X4),
}
VARIABLES = {
    "nonzero": ((B,), np.nonzero),
    "flatnonzero": ((B,), np.flatnonzero),
    "nonzero_values": ((I,), lambda x: x[x != 0]),
}
COUNTED = {
    "compress": ((np.array([1, 0, 1]), M, 0), lambda c, x, a: np.compress(c, x, a)),
    "bincount": ((np.array([0, 2, 2, 5]),), np.bincount),
    "unique": (
        (np.array([3, 1, 3, 2]), True, True, True),
        lambda x, *f: np.unique(x, *f),
    ),
}
CONFUSION = {
    "confusion_matrix": (
        (np.array([2, 0, 2, 2, 0, 1]), np.array([0, 0, 2, 2, 0, 2])),
        lambda a, p: (np.array([[2, 0, 0], [0, 0, 1], [1, 0, 2]]), np.arange(3)),
    ),
}
CASES = {
    "floats": FLOATS,
    "sigmoids": SIGMOIDS,
    "xlogx": XLOGX,
    "numbers": NUMBERS,
    "rectifiers": RECTIFIERS,
    "tests": TESTS,
    "choices": CHOICES,
    "arrays": ARRAYS,
    "top_arrays": {"dot": ARRAYS["dot"]},
    "sort": SORT,
    "extra_ops": EXTRA_OPS,
    "nlinalg": NLINALG,
    "slinalg": SLINALG,
    "fft": FFT,
    "nnet_arrays": NNET_ARRAYS,
    "normalization": NORMALIZATION,
    "conv2d": CONV2D,
    "abstract_conv": ABSTRACT_CONV,
    "nnet_conv": NNET_CONV,
    "conv3d2d": CONV3D2D,
    "signal_conv": SIGNAL_CONV,
    "pool": POOL,
    "dnn": DNN,
    "neighbours": NEIGHBOURS,
    "variables": VARIABLES,
    "counted": COUNTED,
    "confusion": CONFUSION,
}
