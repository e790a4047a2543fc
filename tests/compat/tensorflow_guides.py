"""Expressions of TensorFlow's guides, and the script that computes what they are there.

python tests/compat/tensorflow_guides.py      # with TensorFlow installed; writes the .json
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.compat.tensorflow_values import plain

STORED = Path(__file__).with_suffix(".json")
SEQUENCES = [[0], [1, 2, 3, 4], [5, 6, 7], [7, 8, 9, 10, 11], [13, 14, 15, 16, 19, 20], [21, 22]]
SOURCE = """
D.range(9).take_while(lambda x: x < 4)
D.from_tensor_slices([1, 37, 2, 37, 2, 1]).unique()
D.from_tensor_slices(['a', 'b', 'a']).unique(name='u')
D.range(5).scan(np.int64(0), lambda s, x: (s + x, s * x))
D.range(5).apply(tf.data.experimental.scan(np.int64(0), lambda s, x: (s + x, s * x)))
D.range(10).group_by_window(lambda x: x % 2, lambda key, group: group.batch(3), window_size=3)
words().bucket_by_sequence_length(lambda e: tf.size(e), [3, 5], [2, 2, 2])
words().take(3).bucket_by_sequence_length(tf.size, [3, 5], [2, 2, 2], pad_to_bucket_boundary=True)
words().apply(tf.data.experimental.bucket_by_sequence_length(tf.size, [4], [2, 2], None, 9))
D.from_tensor_slices([1, 2, 3]).map(lambda x: tf.range(x)).sparse_batch(2, [None])
D.range(10).batch(4).rebatch(3)
D.range(10).batch(4).rebatch([2, 1], drop_remainder=True)
choose([D.range(3), D.range(10, 13)], D.from_tensor_slices(np.array([0, 1, 0, 0, 0, 1])))
choose([D.range(1), D.range(10, 13)], D.range(2).repeat(5), stop_on_empty_dataset=False)
D.sample_from_datasets([D.range(3), D.range(9)], weights=[1.0, 0.0], stop_on_empty_dataset=True)
D.counter(2, 3).take(3)
tf.data.experimental.Counter(start=5).take(2)
D.range(1).get_single_element()
D.range(5).filter(lambda x: True).apply(tf.data.experimental.assert_cardinality(5))
D.range(5).filter(lambda x: True).apply(tf.data.experimental.assert_cardinality(5)).cardinality()
D.range(3).with_options(tf.data.Options()).map(lambda x: x + 1, name='m').batch(2, name='b')
D.range(4).map(lambda x: tf.fill([x], x)).ragged_batch(2)
csv('t.csv', [tf.int32, 'none', 0.5, tf.constant([9], tf.int64)], header=True)
csv(['t.csv.gz'], [tf.float32, tf.string], header=True, select_cols=[0, 1], compression_type='GZIP')
csv('bad.csv', [0, 0]).ignore_errors()
make_csv('t.csv', 2, num_epochs=1, shuffle=False)
make_csv('t.csv', 2, label_name='c', select_columns=['c', 'a'], shuffle=False).take(3)
tf.add(r, 3)
tf.reduce_mean(r, axis=1)
tf.reduce_sum(r, axis=0)
tf.reduce_max(r, axis=-1)
tf.reduce_any(r > 5, axis=1)
tf.reduce_all(r > 0, 1)
tf.reduce_prod(r)
tf.reduce_sum(deep, axis=0)
tf.reduce_sum(deep, axis=1)
tf.reduce_mean(deep, axis=2)
tf.reduce_mean(deep, axis=[1, 2])
tf.reduce_sum(wide, axis=2)
tf.reduce_sum(wide, axis=1, keepdims=True)
tf.math.reduce_std(tf.cast(r, tf.float32) * 2, axis=1)
tf.concat([r, [[5, 3]]], axis=0)
tf.tile(r, [1, 2])
tf.tile(r, [2, 1])
tf.strings.substr(t, 0, 2)
tf.strings.length(t)
tf.strings.to_hash_bucket_fast(t, 10)
tf.strings.upper(t[:, -1:])
tf.strings.join([t[:, :-1], t[:, 1:]], separator='+')
tf.map_fn(tf.math.square, r)
tf.map_fn(tf.reduce_sum, r, fn_output_signature=tf.int32)
tf.ragged.map_flat_values(lambda x, y: x * 2 + y, r, r)
r + tf.ragged.constant([[1, 2, 3, 4], [], [5, 6, 7], [8], []])
3 - r
r ** 2
-r
r > 2
r + [[1000], [2000], [3000], [4000], [5000]]
wide + tf.constant([[10]])
wide * tf.constant([1, 2])
deep + [[[1]], [[2]]]
tf.reverse(r, [1])
tf.reverse(r, axis=[0, 1])
tf.gather(r, [2, 0])
tf.gather(r, [[2], [0]])
tf.expand_dims(r, 1)
tf.expand_dims(r, -1)
tf.expand_dims(r, 0).shape
tf.size(r)
tf.rank(deep)
tf.where(r > 2, r, -r)
tf.cast(r, tf.float32)
tf.zeros_like(r)
tf.one_hot(r, 3)
tf.nn.relu(r - 3)
tf.nn.embedding_lookup(np.eye(10)[:, :2], r).shape
tf.stack([r, r]).shape
tf.RaggedTensor.from_nested_row_splits([10, 11, 12, 13], ([0, 1, 1], [0, 4]))
tf.RaggedTensor.from_nested_row_lengths([10, 11, 12, 13], ([1, 1], [3, 1]))
tf.RaggedTensor.from_nested_value_rowids([10, 11, 12], ([0, 1], [0, 1, 1]), [3, 2])
tf.RaggedTensor.from_row_starts([1, 2, 3], [0, 2])
tf.RaggedTensor.from_row_limits([1, 2, 3], [0, 3])
tf.RaggedTensor.from_uniform_row_length(r[:4], 2)
tf.RaggedTensor.from_uniform_row_length(r[:4], 2).shape
[one for one in deep.nested_row_splits]
[one for one in deep.nested_row_lengths()]
[one for one in deep.nested_value_rowids()]
deep.row_lengths(axis=2)
deep.merge_dims(0, 1)
deep.merge_dims(1, 2)
deep.merge_dims(0, 2)
wide.merge_dims(1, 2)
wide.flat_values
deep.with_flat_values([1, 2, 3, 4, 5, 6])
r.row_limits()
"""


def scope(tf):
    """The names of the expressions."""
    return {
        "tf": tf,
        "np": np,
        "D": tf.data.Dataset,
        "choose": tf.data.Dataset.choose_from_datasets,
        "csv": tf.data.experimental.CsvDataset,
        "make_csv": tf.data.experimental.make_csv_dataset,
        "words": lambda: tf.data.Dataset.from_generator(lambda: SEQUENCES, tf.int32, [None]),
        "r": tf.ragged.constant([[3, 1, 4, 1], [], [5, 9, 2], [6], []]),
        "t": tf.ragged.constant([["So", "long"], ["thanks", "for", "all", "the", "fish"]]),
        "deep": tf.ragged.constant([[[1, 2, 3], [4]], [[5], [], [6]]], dtype=tf.int32),
        "wide": tf.ragged.constant([[[1, 2], [3, 4], [5, 6]], [[7, 8]]], ragged_rank=1),
    }


def write_files():
    """The files of the expressions, in the current folder."""
    import gzip

    text = 'a,b,c,d\n1,x,2.5,\n2,"y,z",,3000000000\n4,w,1e2,7\n'
    Path("t.csv").write_text(text)
    Path("bad.csv").write_text("1,2\n3\n5,6\n7,8,9\nx,1\n")
    Path("t.csv.gz").write_bytes(gzip.compress(text.encode()))


def value(source, names):
    """The value of an expression as JSON; the elements of a data set in a list."""
    found = eval(source, names)
    if hasattr(found, "cardinality"):
        return [plain(one) for one in found]
    return plain(found)


def expressions():
    """The expressions in order."""
    return [line for line in SOURCE.splitlines() if line]


if __name__ == "__main__":
    import tempfile

    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import tensorflow as tf

    os.chdir(tempfile.mkdtemp())
    write_files()
    names = scope(tf)
    found = {one: value(one, names) for one in expressions()}
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(one)}" for key, one in found.items())
    STORED.write_text("{\n" + lines + "\n}\n")
