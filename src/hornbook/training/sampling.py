"""Monte Carlo predictions: mean and spread of the outputs, with dropout and noise left on."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from hornbook.core import tree
from hornbook.core.compiler import compiler_options
from hornbook.core.module import Structure
from hornbook.core.undisturbed import undisturbed
from hornbook.core.variable import Inside, bind
from hornbook.layers.calling import Call, overrides
from hornbook.training.programs import PREDICT_KINDS, Forward, all_paths, forward
from hornbook.training.step import with_seed
from hornbook.training.variables import SEED, Variables


class Sampled(NamedTuple):
    """The mean and the standard deviation of sampled outputs; each has the structure of one."""

    mean: Any
    std: Any


def sampled(model: Any, x: Any, samples: int) -> Sampled:
    """Mean and standard deviation of `samples` forward passes with random layers active."""
    found = model._training_state.sampled.get(samples)
    if found is None or not found.holds() or not model.built:
        found = model._training_state.sampled[samples] = _new(model, x, samples)
    outputs, changed = found(x)
    undisturbed(lambda: found.variables.write(changed))
    return outputs


def check_samples(model: Any, samples: Any) -> None:
    """Raise unless `samples` passes can be made with a model."""
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 2:
        raise ValueError(f"samples is the number of passes, an integer >= 2, not {samples!r}")
    if overrides(type(model), "predict_step", "make_predict_function"):
        raise ValueError(
            f"predict(samples=...) does not use the predict_step of {model.name!r}; leave out "
            "samples, or average calls of model(x, training=True)"
        )


def _new(model: Any, x: Any, samples: int) -> Forward:
    if not model.built:
        forward(model, x)  # builds it
    paths = {p: v for p, v in all_paths(model, "predict").items() if v.kind in PREDICT_KINDS}
    variables = Variables(paths, "predict")
    eager = model._training_state.run_eagerly
    run = _runs(model, variables, samples, eager)
    run = run if eager else jax.jit(run, compiler_options=compiler_options())
    made = Forward(run, variables, eager)
    made.structure = Structure(model)
    return made


def _runs(model: Any, variables: Variables, samples: int, eager: bool) -> Any:
    seeds = [SEED, *(p for p, v in variables.mutable.items() if v.kind == "seed")]

    def one(state: dict, x: Any) -> tuple[Any, dict]:
        call = Call(True, [], only_random=True)
        with bind(variables.bound(state)) as scope, Inside("calls", call):
            outputs = model(x)
            after = variables.state(scope)
        return outputs, {path: after[path] for path in seeds}

    def run(values: tuple, x: Any) -> tuple[Sampled, dict]:
        state, fixed = with_seed(*variables.apart(values))
        state = {**fixed, **state}

        def another(index, carry):  # Welford 1962: sums of squares without cancellation
            now, mean, squares = carry
            outputs, now = one({**state, **now}, x)
            off = tree.map_structure(lambda y, m: y.astype(m.dtype) - m, outputs, mean)
            mean = tree.map_structure(lambda m, d: m + d / (index + 1), mean, off)
            squares = tree.map_structure(
                lambda s, d, y, m: s + d * (y.astype(m.dtype) - m), squares, off, outputs, mean
            )
            return now, mean, squares

        specs, _ = jax.eval_shape(one, state, x)
        zeros = tree.map_structure(
            lambda y: jnp.zeros(y.shape, jnp.promote_types(y.dtype, "float32")), specs
        )
        carry: Any = {path: state[path] for path in seeds}, zeros, zeros
        if eager:
            for index in range(samples):
                carry = another(index, carry)
        else:
            carry = jax.lax.fori_loop(0, samples, another, carry)
        now, mean, squares = carry
        return Sampled(mean, tree.map_structure(lambda s: jnp.sqrt(s / samples), squares)), now

    return run
