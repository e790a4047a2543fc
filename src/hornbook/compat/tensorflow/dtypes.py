"""TensorFlow's dtypes."""

import jax.numpy as jnp
import numpy as np

bool, float16, float32, float64, int8, int16, int32, int64 = map(
    np.dtype, "bool float16 float32 float64 int8 int16 int32 int64".split()
)
uint8, uint16, uint32, uint64, complex64, complex128 = map(
    np.dtype, "uint8 uint16 uint32 uint64 complex64 complex128".split()
)
bfloat16 = jnp.dtype("bfloat16")
string = "string"
