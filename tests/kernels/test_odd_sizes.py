"""Kernels at odd sizes, with odd numbers, at odd places in memory, and where they fail."""

import math
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hornbook.kernels import native, plain
from hornbook.kernels.attention import attend
from hornbook.kernels.conv import conv, conv_bias_relu
from hornbook.kernels.conv_transpose import conv_transpose
from hornbook.kernels.embedding import lookup
from hornbook.kernels.log_sum_exp import log_sum_exp
from hornbook.kernels.normalization import layer_norm
from hornbook.kernels.pooling import avg_pool, max_pool
from hornbook.kernels.product import dots, multiplier, product, product_bias_relu
from hornbook.kernels.recurrent import gru, lstm, simple_rnn
from hornbook.kernels.row_dots import row_dots
from hornbook.kernels.rows import take
from tests.kernels.helper import random, value_and_gradients

needs_kernels = pytest.mark.skipif(not native.available(), reason="no compiled kernels here")

few = st.sampled_from([0, 1, 1, 2, 3, 5, 7])
some = st.sampled_from([0, 1, 2, 3, 5, 7, 8, 13, 16, 17, 31, 33, 64, 67])
odd = st.sampled_from([0.0, -0.0, 1e38, 1e-42, math.inf, -math.inf, math.nan])


@st.composite
def products(draw):
    m, k, n = (draw(some) for _ in range(3))
    many = draw(st.sampled_from([(), (), (0,), (3,)]))
    a_axis, b_axis = draw(st.integers(0, 1)), draw(st.integers(0, 1))
    a = (*many, m, k) if a_axis else (*many, k, m)
    b = (*many, n, k) if b_axis else (*many, k, n)
    return partial(dots, a_axis=a_axis, b_axis=b_axis), a, b


@st.composite
def layers_of_products(draw):
    m, k, n = (draw(some) for _ in range(3))
    way = draw(st.sampled_from(["product", "multiplier", "relu"]))
    if way == "product":
        return product, (draw(few), m, k), (k, n)
    if way == "multiplier":
        return lambda a, b: multiplier(b)(a), (m, k), (k, n)

    def dense(x, kernel, bias):
        out = product_bias_relu(x, kernel, bias)
        return jax.nn.relu(x @ kernel + bias) if out is None else out

    return dense, (draw(st.sampled_from([m, 512, 521])), k), (k, n), (n,)


@st.composite
def windows(draw, rank):
    each = st.tuples(*[st.integers(1, 3)] * rank)
    pairs = st.tuples(*[st.tuples(st.integers(0, 4), st.integers(0, 4))] * rank)
    return draw(each), draw(st.sampled_from(["same", "valid"]) | pairs), draw(each)


@st.composite
def convolutions(draw):
    rank = draw(st.sampled_from([1, 2, 2, 2, 3]))
    size, taps = (tuple(draw(st.tuples(*[each] * rank))) for each in (few, st.integers(1, 4)))
    groups = draw(st.sampled_from([1, 1, 1, 2, "each"]))
    channels, filters = draw(few), draw(st.sampled_from([0, 1, 3, 16, 33]))
    if groups != 1:
        channels = channels + channels % 2 or 2
        groups = channels if groups == "each" else groups
        filters = groups * draw(st.integers(1, 2))
    window = (*draw(windows(rank)), groups)
    kernel = (*taps, channels // groups, filters)
    x = (draw(few), *size, channels)
    if draw(st.booleans()):
        return lambda x, k: conv(x, k, *window), x, kernel
    return lambda x, k, b: conv_bias_relu(x, k, b, *window), x, kernel, (filters,)


@st.composite
def transposed_convolutions(draw):
    rank = draw(st.integers(1, 2))
    taps, strides, dilation = (draw(st.tuples(*[st.integers(1, 3)] * rank)) for _ in range(3))
    reach = [(k - 1) * d for k, d in zip(taps, dilation)]
    pads = tuple((draw(st.integers(0, r)), draw(st.integers(0, r))) for r in reach)
    x = (draw(few), *(draw(few) for _ in taps), draw(few))
    kernel = (*taps, draw(few), x[-1])
    return lambda x, k: conv_transpose(x, k, strides, pads, dilation), x, kernel


@st.composite
def pools(draw):
    rank = draw(st.integers(1, 3))
    size, strides = (draw(st.tuples(*[st.integers(1, 3)] * rank)) for _ in range(2))
    padding = draw(st.sampled_from(["same", "valid"]))
    pool = draw(st.sampled_from([max_pool, avg_pool]))
    x = (draw(few), *(draw(few) for _ in range(rank)), draw(few))
    return lambda x: pool(x, size, strides, padding), x


@st.composite
def recurrences(draw):
    name, gates, states = draw(st.sampled_from([(lstm, 4, 2), (gru, 3, 1), (simple_rnn, 1, 1)]))
    batch, steps, features, units = (
        draw(few),
        draw(st.sampled_from([0, 1, 3])),
        draw(few),
        draw(some),
    )
    mask = draw(st.none() | st.just(random(batch, steps) > 0))
    options = {
        "mask": mask,
        "reverse": draw(st.booleans()),
        "return_sequences": draw(st.booleans()),
    }
    bias = (2, 3 * units) if name is gru else (gates * units,)
    kernels = (features, gates * units), (units, gates * units)
    shapes = (batch, steps, features), *[(batch, units)] * states, *kernels, bias
    return partial(name, **options), *shapes


@st.composite
def attentions(draw):
    batch, queries, keys, heads, size, values = (draw(few) for _ in range(6))
    shapes = (queries, heads, size), (keys, heads, size), (keys, heads, values)
    mask = draw(st.none() | st.just(random(batch, queries, keys) > 0))
    return lambda q, k, v: attend(q, k, v, (1,), mask, None)[0], *((batch, *s) for s in shapes)


@st.composite
def rows(draw):
    many, width = draw(st.sampled_from([0, 1, 3, 300])), draw(some)
    if draw(st.booleans()):
        return log_sum_exp, (draw(few), many, max(width, 1))
    if draw(st.booleans()):
        return row_dots, (many, width), (many, width)
    norm = partial(layer_norm, epsilon=1e-3)
    return norm, (draw(few), many, width), (width,), (width,)


@st.composite
def tables(draw):
    count, width = draw(st.integers(1, 40)), draw(some)
    ids = np.random.default_rng(0).integers(0, count, (draw(few), draw(few), 17))
    return lambda table: lookup(table, jnp.asarray(ids)), (count, width)


CASES = {
    "product": products(),
    "dense": layers_of_products(),
    "convolution": convolutions(),
    "transposed convolution": transposed_convolutions(),
    "pooling": pools(),
    "recurrence": recurrences(),
    "attention": attentions(),
    "rows": rows(),
    "table": tables(),
}


def assert_alike(actual, expected, tolerance=3e-5):
    """Infinities and NaN are equal; other values are close, relative to the largest."""
    for a, e in zip(*map(jax.tree.leaves, (actual, expected)), strict=True):
        assert a.shape == e.shape and a.dtype == e.dtype
        scale = max(1.0, np.max(np.abs(e), where=np.isfinite(e), initial=0))
        np.testing.assert_allclose(np.asarray(a) / scale, np.asarray(e) / scale, 0, tolerance)


def both_ways(function, *arrays):
    """Values and gradients with kernels and without."""
    actual = jax.jit(lambda *arrays: value_and_gradients(function, *arrays))(*arrays)
    with plain():
        return actual, jax.jit(lambda *arrays: value_and_gradients(function, *arrays))(*arrays)


@pytest.mark.parametrize("name", CASES)
def test_any_size_gives_what_xla_gives(name, long):
    @settings(max_examples=300 if long else 8)
    @given(CASES[name])
    def check(case):
        function, *shapes = case
        arrays = [random(*shape, seed=i) for i, shape in enumerate(shapes)]
        assert_alike(*both_ways(function, *arrays))

    check()


def sprinkled(array, numbers, seed):
    """The arrays with a few special values (infinite, NaN) in them."""
    array = np.array(array)
    if array.size:
        places = np.random.default_rng(seed).integers(array.size, size=len(numbers))
        array.reshape(-1)[places] = numbers
    return jnp.asarray(array)


@pytest.mark.parametrize("name", CASES)
def test_what_is_not_finite_stays_where_xla_has_it(name, long):
    """Zeros are left out of products, whatever they meet: there a kernel may know a number where
    XLA has none. Gradients at what is not finite mean nothing."""

    @settings(max_examples=300 if long else 8)
    @given(CASES[name], st.lists(odd, min_size=1, max_size=3), st.integers(0, 99))
    def check(case, numbers, seed):
        function, *shapes = case
        arrays = [random(*shape, seed=i) for i, shape in enumerate(shapes)]
        arrays[seed % len(arrays)] = sprinkled(arrays[seed % len(arrays)], numbers, seed)
        fast = jax.tree.leaves(jax.jit(function)(*arrays))
        with plain():
            slow = jax.tree.leaves(jax.jit(lambda *arrays: function(*arrays))(*arrays))
        for a, e in zip(fast, slow, strict=True):
            scale = max(1.0, np.max(np.abs(e), where=np.isfinite(e), initial=0))
            a, e = np.where(np.isfinite(e), a, e) / scale, np.asarray(e) / scale
            np.testing.assert_allclose(a, e, rtol=0, atol=3e-5)

    check()


# --- windows that reach far beyond the input -----------------------------------------------------


def sum_over_taps(x, kernel, strides, before, dilation, out):
    """A convolution that multiplies only overlapping pairs, without padding."""
    total = jnp.zeros((len(x), *out, kernel.shape[-1]))
    for tap in np.ndindex(*kernel.shape[:-2]):
        to, at = [], []
        for i, s, b, d, m, n in zip(tap, strides, before, dilation, out, x.shape[1:]):
            met = [p for p in range(m) if 0 <= p * s + i * d - b < n]
            to.append(met)
            at.append([p * s + i * d - b for p in met])
        if all(to):
            total = total.at[:, *np.ix_(*to)].add(x[:, *np.ix_(*at)] @ kernel[tap])
    return total


far = st.sampled_from([1, 2, 3, 50, 10**5, 10**9, 2**31, 2**40])


@pytest.mark.usefixtures("kernels")
def test_strides_and_dilation_of_any_size(long):
    """XLA's own gradients are wrong here from some size on."""

    @settings(max_examples=300 if long else 12)
    @given(st.data())
    def check(data):
        rank = data.draw(st.integers(1, 2))
        size = data.draw(st.tuples(*[st.integers(1, 9)] * rank))
        taps = data.draw(st.tuples(*[st.integers(1, 4)] * rank))
        strides, dilation = (data.draw(st.tuples(*[far] * rank)) for _ in range(2))
        groups, channels, filters = data.draw(
            st.sampled_from([(1, 1, 5), (1, 5, 17), (1, 8, 1), (2, 4, 4), (4, 4, 4)])
        )
        x = random(2, *size, channels)
        kernel, bias = random(*taps, channels // groups, filters), random(filters, seed=1)
        out = [-(-n // s) for n, s in zip(size, strides)]
        before = [
            max((m - 1) * s + (k - 1) * d + 1 - n, 0) // 2
            for n, m, k, s, d in zip(size, out, taps, strides, dilation)
        ]

        def expected(x, kernel, bias):
            parts = zip(*(jnp.split(a, groups, -1) for a in (x, kernel)))
            each = [sum_over_taps(a, k, strides, before, dilation, out) for a, k in parts]
            return jax.nn.relu(jnp.concatenate(each, -1) + bias)

        def actual(x, kernel, bias):
            return conv_bias_relu(x, kernel, bias, strides, "same", dilation, groups)

        given = x, kernel, bias
        ways = (jax.jit(partial(value_and_gradients, f)) for f in (actual, expected))
        assert_alike(*(way(*given) for way in ways))

    check()


@pytest.mark.parametrize("stride", [1, 3, 60])
@pytest.mark.parametrize("dilation", [1, 7, 10**9])
def test_transposed_convolutions_of_any_dilation(stride, dilation):
    x, kernel = random(2, 4, 5, 6), random(2, 3, 7, 6)
    strides, dilations = (stride, 1), (1, dilation)
    pads = ((1, 1), (dilation, dilation))  # of the output as many columns as of the input

    def expected(x, kernel):  # the transpose of the convolution
        out = jnp.zeros((2, (4 - 1) * stride + 2, 5, 7))
        window = strides, (0, dilation), dilations, x.shape[1:3]
        _, pull = jax.vjp(lambda out: sum_over_taps(out, kernel, *window), out)
        return pull(x)[0]

    def actual(x, kernel):
        return conv_transpose(x, kernel, strides, pads, dilations)

    ways = (jax.jit(partial(value_and_gradients, f)) for f in (actual, expected))
    assert_alike(*(way(x, kernel) for way in ways))


@pytest.mark.parametrize("pool", [max_pool, avg_pool])
def test_pooling_windows_far_larger_than_the_input_are_all_of_it(pool):
    x = random(2, 5, 7, 3)
    far = 2**40
    whole = pool(x, (5, 7), (5, 7), "valid")
    np.testing.assert_allclose(pool(x, (far, far), (far, far), "same"), whole, 1e-6)
    row = pool(x, (far, 1), (1, 1), "same")
    np.testing.assert_allclose(
        row, np.broadcast_to(pool(x, (5, 1), (1, 1), "valid"), x.shape), 1e-6
    )
    assert pool(x, (1, 1), (far, far), "same").shape == (2, 1, 1, 3)


# --- what a kernel cannot do is an error of the call ---------------------------------------------


def too_large(x, kernel):
    """Padding that needs more memory than there is, on each of several threads."""
    far = 10**11
    return native.conv(x, kernel, (1, 1), (far, 0), (far, 1), (6, 5))


@needs_kernels
@pytest.mark.parametrize("far", [10**11, 2**62])
def test_memory_that_there_is_not_is_an_error(far):
    def call(x, kernel):
        return native.conv(x, kernel, (1, 1), (far, 0), (far, 1), (6, 5))

    with pytest.raises(jax.errors.JaxRuntimeError, match="RESOURCE_EXHAUSTED.*no memory"):
        jax.block_until_ready(jax.jit(call)(random(64, 6, 5, 4), random(3, 3, 4, 5)))


@needs_kernels
def test_threads_whose_kernels_fail_and_others_do_not_meet():
    x, kernel = random(64, 6, 5, 4), random(3, 3, 4, 5)

    def right(x, kernel):
        return native.conv(x, kernel, (1, 1), (1, 1), (1, 1), (6, 5))

    wrong, right = jax.jit(too_large), jax.jit(right)
    wanted = np.asarray(right(x, kernel))

    def work(i):
        for _ in range(20):
            if i % 2:
                with pytest.raises(jax.errors.JaxRuntimeError, match="no memory"):
                    jax.block_until_ready(wrong(x, kernel))
            np.testing.assert_array_equal(right(x, kernel), wanted)
        return i

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == list(range(8))


@needs_kernels
@pytest.mark.parametrize(
    ("x", "kernel"), [((0, 6, 5, 4), (3, 3, 4, 5)), ((2, 6, 0, 4), (3, 3, 4, 5))]
)
def test_nothing_to_convolve_is_an_error_of_the_kernels(x, kernel):
    """The callers do not use the kernels there."""
    calls = (
        lambda x, k: native.conv(x, k, (1, 1), (1, 1), (1, 1), (6, 5)),
        lambda x, k: native.conv_kernel(
            x, jnp.ones((len(x), 6, 5, 5)), (1, 1), (1, 1), (1, 1), (3, 3)
        ),
        lambda x, k: native.depthwise_kernel(
            x, jnp.ones((len(x), 6, 5, 4)), (1, 1), (1, 1), (1, 1), (3, 3)
        ),
    )
    for call in calls[not x[0] :]:  # without samples the result is empty and no kernel is called
        with pytest.raises(jax.errors.JaxRuntimeError, match="do not fit"):
            jax.block_until_ready(jax.jit(call)(jnp.ones(x), jnp.ones(kernel)))


@needs_kernels
def test_strides_below_one_are_an_error_of_the_kernels():
    def call(x, kernel):
        return native.conv(x, kernel, (0, 1), (1, 1), (1, -1), (6, 5))

    with pytest.raises(jax.errors.JaxRuntimeError, match="do not fit"):
        jax.block_until_ready(jax.jit(call)(random(2, 6, 5, 4), random(3, 3, 4, 5)))


# --- unaligned memory -----------------------------------------------------------------


def shifted(array, numbers):
    """The same values at an address that is not aligned to a vector."""
    room = np.zeros(array.size + 64, array.dtype)
    start = -room.ctypes.data % 64 // room.itemsize + numbers
    view = room[start : start + array.size].reshape(array.shape)
    view[...] = array
    return view


@pytest.mark.parametrize("numbers", [1, 4, 15])
def test_arrays_may_begin_anywhere_in_memory(numbers):
    x, kernel, bias = (np.asarray(random(*shape)) for shape in ((70, 65), (65, 67), (67,)))

    @jax.jit
    def run(x, kernel, bias):
        hidden = jax.nn.relu(product(x, kernel) + bias)
        picture = conv(
            x.reshape(2, 35, 65, 1), kernel[:9, :8].reshape(3, 3, 1, 8), *[(1, 1), "same", (1, 1)]
        )
        rest = layer_norm(hidden[:, :64], bias[:64], bias[3:], 1e-3), log_sum_exp(hidden)
        return hidden, picture, rest, lookup(x, jnp.arange(40)), row_dots(hidden, hidden)

    wanted = run(x, kernel, bias)
    moved = [shifted(a, numbers) for a in (x, kernel, bias)]
    for place in (lambda a: a, jax.device_put, jnp.asarray, jnp.from_dlpack):
        jax.tree.map(np.testing.assert_array_equal, run(*map(place, moved)), wanted)


@pytest.mark.parametrize("shape", [(0, 4), (0, 3, 4), (3, 0)])
def test_rows_of_nothing(shape):
    taken = take(jnp.zeros(shape), jnp.zeros(0, jnp.int32))
    assert taken.shape == (0, *shape[1:])
