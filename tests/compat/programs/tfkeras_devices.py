"""Devices and strategies, as in Geron's chapter 19 and the guides to tf.distribute."""

import json
import os

import numpy as np
import tensorflow as tf

print(
    len(tf.config.list_physical_devices("GPU")) <= 8,
    tf.config.list_physical_devices("CPU")[0].name,
    tf.config.list_logical_devices("CPU")[0].device_type,
)
print(bool(tf.test.gpu_device_name()) == tf.test.is_built_with_cuda())
tf.config.set_soft_device_placement(True)
s = tf.distribute.MirroredStrategy(["/cpu:0"])
print(s.num_replicas_in_sync, tf.distribute.has_strategy())
with s.scope():
    print(tf.distribute.has_strategy())
    m = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    m.compile(loss="mse", optimizer="sgd")
x = np.ones((8, 3), "f")
m.fit(x, x[:, :1], epochs=1, verbose=0, batch_size=4 * s.num_replicas_in_sync)


def step(x):
    return tf.reduce_sum(m(x) - m(x))


print(s.reduce(tf.distribute.ReduceOp.SUM, s.run(step, args=(x,)), axis=None).numpy())
print(
    [
        len(b)
        for b in s.experimental_distribute_dataset(tf.data.Dataset.from_tensor_slices(x).batch(4))
    ]
)
os.environ["TF_CONFIG"] = json.dumps(
    {"cluster": {"worker": ["a:1", "b:2"], "ps": ["c:3"]}, "task": {"type": "worker", "index": 1}}
)
r = tf.distribute.cluster_resolver.TFConfigClusterResolver()
print(r.task_type, r.task_id, r.cluster_spec().as_dict())
try:
    tf.distribute.cluster_resolver.TPUClusterResolver()
except ValueError:
    print("no tpu")
