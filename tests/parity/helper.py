"""Compare hornbook with Keras: the same function or layer, outputs and gradients.

    same(ops.softmax, keras.ops.softmax, floats(2, 3), axis=0)
    same_layer(lambda k: k.layers.Dense(4, activation="tanh"), floats(2, 3))

The gradient compared is that of `sum(c * output)` with a fixed random `c` for each output, so that
no element can hide behind another. Keras runs on JAX (`KERAS_BACKEND`, set in `conftest.py`).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

import hornbook
from hornbook.core.symbolic import SymbolicTensor
from hornbook.core.variable import Variable, bind


def floats(*shape: int, seed: int = 0, low: float = -2.0, high: float = 2.0) -> np.ndarray:
    """Uniform float32 numbers from a fixed seed."""
    return np.random.default_rng(seed).uniform(low, high, shape).astype("float32")


def ints(*shape: int, seed: int = 0, low: int = 0, high: int = 5) -> np.ndarray:
    """Uniform int32 numbers from a fixed seed; `high` is not among them."""
    return np.random.default_rng(seed).integers(low, high, shape).astype("int32")


def same(
    ours: Callable,
    theirs: Callable,
    *arrays: Any,
    gradient: bool = True,
    rtol: float = 1e-5,
    atol: float = 1e-6,
    dtypes: bool = True,
    **kwargs: Any,
) -> Any:
    """Assert that two functions agree in structure, shape, dtype, value and gradient.

    Args:
        ours, theirs: functions of `*arrays, **kwargs`.
        arrays: numpy arrays or structures of them become JAX arrays; all else is passed as it is.
        gradient: whether to compare the gradients with respect to every floating-point array.
        dtypes: whether output dtypes must be equal too.

    Returns:
        Our output.
    """
    arrays = jax.tree.map(lambda a: jnp.asarray(a) if isinstance(a, np.ndarray) else a, arrays)
    places = [i for i, a in enumerate(arrays) if any(map(_is_float, jax.tree.leaves(a)))]
    if not gradient or not places:
        out = ours(*arrays, **kwargs)
        agree(out, theirs(*arrays, **kwargs), "output", rtol=rtol, atol=atol, dtypes=dtypes)
        return out

    @jax.jit  # both in one program, which is compiled in little more time than one of them
    def run(floating):
        return tuple(_by_floats(fn, arrays, places, kwargs)(*floating) for fn in (ours, theirs))

    found = run([arrays[i] for i in places])
    _agree_with_slopes(found, "", rtol, atol, dtypes)
    return found[0][0][1]


def same_each(cases: dict[str, tuple[Callable, Callable, tuple]]) -> None:
    """`same` with gradients for many functions of arrays, compiled as one program.

    Args:
        cases: name -> our function, Keras's, and the arrays.
    """
    given = {name: tuple(map(jnp.asarray, arrays)) for name, (_, _, arrays) in cases.items()}

    @jax.jit
    def run(given):
        results = {}
        for name, (ours, theirs, arrays) in cases.items():
            places = [i for i, array in enumerate(arrays) if _is_float(array)]
            floating = [given[name][place] for place in places]
            try:
                each = [_by_floats(fn, given[name], places, {})(*floating) for fn in (ours, theirs)]
            except Exception as error:
                error.add_note(name)
                raise
            results[name] = tuple(each)
        return results

    for name, found in run(given).items():
        _agree_with_slopes(found, f"{name}: ", 1e-5, 1e-6, True)


def _by_floats(fn: Callable, arrays: Any, places: list[int], kwargs: dict) -> Callable:
    """A function of the floating-point arrays alone: loss, output and gradients."""

    def loss(*floating):
        full = list(arrays)
        for place, value in zip(places, floating):
            full[place] = value
        out = fn(*full, **kwargs)
        return weighted_sum(out), out

    return jax.value_and_grad(loss, tuple(range(len(places))), has_aux=True)


def _agree_with_slopes(found: Any, where: str, rtol: float, atol: float, dtypes: bool) -> None:
    """Assert that outputs and gradients of ours and Keras's are the same."""
    ((_, out), slopes), ((_, their_out), their_slopes) = found
    agree(out, their_out, f"{where}output", rtol=rtol, atol=atol, dtypes=dtypes)
    agree(slopes, their_slopes, f"{where}gradient", rtol=10 * rtol, atol=10 * atol)


def same_layer(
    make: Callable,
    inputs: Any,
    training: bool | None = False,
    call_kwargs: dict | None = None,
    gradient: bool = True,
    rtol: float = 1e-4,
    atol: float = 1e-5,
    perturb: bool = True,
) -> tuple[Any, Any]:
    """Assert that a layer agrees with Keras's in outputs, gradients and the state it leaves.

    Args:
        make: builds the layer, given the module `hornbook` or `keras`:
            `lambda k: k.layers.Dense(3)`.
        inputs: an array, or a list or dict of them.
        training: passed to the call, unless `None`.
        call_kwargs: more arguments of the call.
        gradient: whether to compare gradients, by inputs and by trainable weights.
        perturb: add fixed positive random numbers to our weights first, so that zeros and ones
            of initial values hide nothing. Keras's layer always gets copies of ours, by order.

    Returns:
        Both layers, built and with equal weights.
    """
    kwargs = dict(call_kwargs or {})
    if training is not None:
        kwargs["training"] = training
    inputs = jax.tree.map(jnp.asarray, inputs)
    ours, theirs = make(hornbook), make(keras)
    # called on symbols they have their weights, and nothing was computed
    ours(jax.tree.map(lambda x: SymbolicTensor(x.shape, x.dtype.name), inputs), **kwargs)
    theirs(jax.tree.map(lambda x: keras.KerasTensor(x.shape, x.dtype.name), inputs), **kwargs)
    copy_weights(ours, theirs, perturb)
    trained = list(ours.trainable_variables)
    assert len(trained) == len(theirs.trainable_variables), (
        f"we train {[v.path for v in trained]}, "
        f"Keras trains {[v.path for v in theirs.trainable_variables]}"
    )

    def run_ours(x, values):
        with bind(dict(zip(trained, values, strict=True))) as scope:
            out = ours(x, **kwargs)
        known = set(trained)
        rest = [v for v in ours.weights if v not in known]
        return weighted_sum(out), (out, [scope.get(v, v.value) for v in rest])

    counted = [id(v) for v in theirs.weights]
    kept = [id(v) in counted for v in theirs.non_trainable_variables]  # seeds are not weights

    def run_theirs(x, values):
        state = [v.value for v in theirs.non_trainable_variables]
        out, state = theirs.stateless_call(values, state, x, **kwargs)
        return weighted_sum(out), (out, [v for v, keep in zip(state, kept) if keep])

    values = [jnp.asarray(v.value) for v in trained]
    their_values = [v.value for v in theirs.trainable_variables]
    if not gradient:
        (_, found), (_, wanted) = run_ours(inputs, values), run_theirs(inputs, their_values)
    else:

        @jax.jit
        def run(inputs, values, their_values):
            return _grad(run_ours, inputs, values), _grad(run_theirs, inputs, their_values)

        mine, reference = run(inputs, values, their_values)
        (found, by_input, by_weight), (wanted, their_by_input, their_by_weight) = mine, reference
        scaled = {"rtol": 5 * rtol, "atol": 5 * atol}
        agree(by_input, their_by_input, "gradient by the inputs", **scaled)
        for variable, a, b in zip(trained, by_weight, their_by_weight):
            agree(a, b, f"gradient by {variable.path}", **scaled)
    agree(found[0], wanted[0], "output", rtol=rtol, atol=atol)
    agree(found[1], wanted[1], "state after the call", rtol=rtol, atol=atol)
    return ours, theirs


def copy_weights(ours: Any, theirs: Any, perturb: bool = False) -> None:
    """Give a Keras layer or model the weights of ours, by order, checking every shape."""
    listed = [(v.path, tuple(v.shape)) for v in ours.weights]
    theirs_listed = [(v.path, tuple(v.shape)) for v in theirs.weights]
    assert [s for _, s in listed] == [s for _, s in theirs_listed], f"{listed} != {theirs_listed}"
    random = np.random.default_rng(0)
    for variable in ours.weights if perturb else ():
        if _is_float(variable.value):
            variable.assign(np.asarray(variable) + random.uniform(0, 0.3, variable.shape))
    theirs.set_weights([np.asarray(v) for v in ours.weights])


def weighted_sum(outputs: Any) -> Any:
    """The sum over all floating-point outputs, each element times a fixed random number."""
    total = jnp.zeros(())
    for number, leaf in enumerate(leaves(outputs)):
        if _is_float(leaf):
            c = np.random.default_rng(number).uniform(0.5, 1.5, leaf.shape)
            total = total + jnp.sum(leaf.astype("float32") * jnp.asarray(c, "float32"))
    return total


def agree(
    found: Any,
    wanted: Any,
    what: str,
    rtol: float = 1e-5,
    atol: float = 1e-6,
    dtypes: bool = True,
) -> None:
    """Assert that two structures have equal leaves, in order."""
    found, wanted = leaves(found), leaves(wanted)
    assert len(found) == len(wanted), f"{what}: {len(found)} arrays, Keras has {len(wanted)}"
    for number, (a, b) in enumerate(zip(found, wanted)):
        where = f"{what} {number}"
        a, b = jnp.asarray(a), jnp.asarray(b)
        assert a.shape == b.shape, f"{where} has shape {a.shape}, Keras's {b.shape}"
        if dtypes:
            assert a.dtype == b.dtype, f"{where} has dtype {a.dtype}, Keras's {b.dtype}"
        if a.dtype in ("bfloat16", "float16"):
            a, b = a.astype("float32"), b.astype("float32")
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol, err_msg=where)


def leaves(structure: Any) -> list:
    """The arrays of a structure, variables of either library read, `None` left out."""
    structure = jax.tree.leaves(structure, is_leaf=lambda v: isinstance(v, Variable))
    return [leaf.value if hasattr(leaf, "assign") else leaf for leaf in structure]


def _grad(run: Callable, inputs: Any, values: list) -> tuple[Any, Any, Any]:
    """What a run returns beside its loss, and the gradients by floating inputs and weights."""
    flat, form = jax.tree.flatten(inputs)

    def loss(floating, values):
        fresh = iter(floating)
        whole = [next(fresh) if _is_float(x) else x for x in flat]
        return run(jax.tree.unflatten(form, whole), values)

    floating = [x for x in flat if _is_float(x)]
    (_, kept), gradients = jax.value_and_grad(loss, (0, 1), has_aux=True)(floating, values)
    return kept, *gradients


def _is_float(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.floating)
