"""The operation count of an epoch's products, and this machine's peak throughput.

`python -m benchmarks.floor mlp,convnet` prints both as JSON. Matrix products and convolutions are
counted, forward and backward, with two operations per multiplication; all else is left out, so the
epoch time at peak throughput is a lower bound.
"""

import json
import math
import statistics
import sys
import time
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import jaxprs_in_params

from benchmarks.models_jax import begin, step_of
from benchmarks.workloads import WORKLOADS, Workload, by_layer, initial

LARGE = {"cpu": (1024, 2048), "gpu": (4096, 8192)}  # matrix sizes for `peak`


def operations(workload: Workload) -> float:
    """The operation count of an epoch's products."""
    x, y, _ = workload.data(workload.batch)
    carry = begin(workload, by_layer(initial(workload.weights)))
    step = jax.make_jaxpr(step_of(workload))(carry, [*x, y])
    return products(step.jaxpr) * workload.rows / workload.batch


def products(jaxpr: Any) -> float:
    """The operation count of the products in a jaxpr, including nested ones."""
    total = 0.0
    for equation in jaxpr.eqns:
        params, shapes = equation.params, [v.aval.shape for v in equation.invars]
        results = math.prod(equation.outvars[0].aval.shape) if equation.outvars else 0
        match equation.primitive.name:
            case "dot_general":
                (summed, _), _ = params["dimension_numbers"]
                total += 2 * results * math.prod(shapes[0][axis] for axis in summed)
            case "conv_general_dilated":
                kernel = params["dimension_numbers"].rhs_spec
                terms = math.prod(shapes[1][axis] for axis in kernel[1:])
                total += 2 * results * terms / math.prod(params["lhs_dilation"])
            case "scan":
                total += params["length"] * products(params["jaxpr"].jaxpr)
            case "cond":
                total += max(products(branch.jaxpr) for branch in params["branches"])
            case _:
                total += sum(map(products, jaxprs_in_params(params)))
    return total


def peak() -> float:
    """The peak operations per second of a large float32 matrix product in jax.

    The median over runs and the maximum over sizes; on a GPU with TensorFloat-32.
    """
    found = []
    for size in LARGE[jax.default_backend()]:
        a, b = jax.random.normal(jax.random.key(0), (2, size, size))
        run = jax.jit(jnp.matmul)
        run(a, b).block_until_ready()
        seconds = []
        for _ in range(9):
            start = time.perf_counter()
            run(a, b).block_until_ready()
            seconds.append(time.perf_counter() - start)
        found.append(2 * size**3 / statistics.median(seconds))
    return max(found)


def main(names: str) -> None:
    chosen = [WORKLOADS[name] for name in names.split(",")]
    counts = {one.name: operations(one) for one in chosen if one.kind != "predict"}
    print(
        json.dumps({"device": jax.devices()[0].device_kind, "peak": peak(), "operations": counts})
    )


if __name__ == "__main__":
    main(sys.argv[1])
