"""A small convolutional network and a walk through Theano's namespace."""

import numpy as np
import theano
import theano.gpuarray
import theano.sandbox.cuda
import theano.sandbox.rng_mrg
import theano.tensor.signal.downsample
import theano.tensor.xlogx
from theano import tensor as T
from theano.tensor.nnet import conv2d
from theano.tensor.signal import pool

srng = theano.sandbox.rng_mrg.MRG_RandomStreams(seed=3)
x = T.tensor4("x", dtype="float32")
w = theano.shared(np.random.RandomState(0).randn(3, 1, 3, 3).astype("float32"))
made = pool.pool_2d(T.nnet.relu(conv2d(x, w, border_mode="full")), (2, 2), ignore_border=True)
flat = T.flatten(made, outdim=2)
shape = theano.function([x], flat.shape, allow_input_downcast=True)(np.zeros((2, 1, 6, 6)))
print(shape.tolist())
assert shape.tolist() == [2, 48]

grad = T.grad(T.sum(T.sqr(flat)), w)
assert theano.function([x], grad)(np.ones((1, 1, 6, 6), "float32")).shape == (3, 1, 3, 3)

values, updates = theano.scan(
    lambda step, total: total + step,
    sequences=[T.arange(5)],
    outputs_info=T.constant(0, dtype="int64"),
)
assert theano.function([], values[-1], updates=updates)() == 10
mask = srng.binomial((4, 4), p=0.5, dtype=theano.config.floatX)
assert set(np.unique(theano.function([], mask)())) <= {0, 1}

m = T.dmatrix("m")
joined = T.concatenate([m, T.zeros_like(m)], axis=1)
stacked = T.stack([m, m], axis=0).dimshuffle(1, 0, 2)
clipped = T.clip(T.switch(T.eq(m, 0), 1, m), 0, T.maximum(1, T.prod(m)))
outputs = [joined.sum(axis=1), stacked.mean(), T.round(clipped), T.sqrt(T.add(m, 1)), T.exp(m)]
for one in theano.function([m], outputs)(np.eye(2)):
    print(one)
found = T.set_subtensor(m[T.neq(m, 0).nonzero()], 5.0).reshape((1, 4))
assert found.eval({m: np.eye(2)}).tolist() == [[5, 0, 0, 5]]

theano.sandbox.cuda.use("cpu")
theano.gpuarray.use("cpu")
assert theano.config.mode and theano.config.warn.subtensor_merge_bug is False
labels, rows, v = T.ivector("labels"), T.fmatrix("rows"), T.dvector("v")
one_hot, cube, pictures = T.imatrix("one_hot"), T.tensor3("cube"), T.ftensor4("pictures")
loss = T.nnet.categorical_crossentropy(T.nnet.softmax(rows), labels).mean()
loss += T.nnet.binary_crossentropy(T.nnet.sigmoid(rows), T.ones_like(rows)).mean()
print(theano.function([rows, labels], loss)(np.zeros((2, 3), "float32"), [0, 2]))
assert theano.scalar.upcast(rows.dtype, "int8") == "float32" and rows.ndim == 2
assert one_hot.type == T.imatrix and (cube.ndim, pictures.dtype) == (3, "float32")
assert T.xlogx.xlogy0(v, v).eval({v: np.zeros(2)}).tolist() == [0, 0]
jacobian = theano.gradient.jacobian(v**2, v)
assert jacobian.diagonal().eval({v: np.arange(3.0)}).tolist() == [0, 2, 4]
assert T.signal.downsample.max_pool_2d(T.alloc(1.0, 4, 4), (2, 2)).eval().shape == (2, 2)
w.set_value(np.zeros((3, 1, 3, 3), "float32"))
assert not w.get_value().any() and T.vector("u").ndim == 1
theano.printing.debugprint(joined)
print(theano.pp(m * 2))
print("pictures done")
