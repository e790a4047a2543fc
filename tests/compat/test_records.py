"""TFRecord files, Examples and tensors as bytes: those of TensorFlow, here as literals."""

import importlib
import struct

import numpy as np
import pytest

from hornbook.compat.install import installed
from hornbook.saving.checksum import crc32c

EXAMPLE = (
    b"\n@\n\r\n\x01b\x12\x08\n\x06\n\x02ab\n\x00\n\x05\n\x01e\x12\x00\n\x11\n\x01f\x12\x0c\x12\n\n\x08"
    b"\x00\x00\xc0?\x00\x00\x00\xc0\n\x15\n\x01i\x12\x10\x1a\x0e\n\x0c\xff\xff\xff\xff\xff\xff\xff"
    b"\xff\xff\x01\xac\x02"
)
SEQUENCE = (
    b"\n\x0c\n\n\n\x01n\x12\x05\x1a\x03\n\x01\x02\x12\x16\n\x14\n\x01w\x12\x0f\n\x06\x1a\x04\n\x02\x01"
    b"\x02\n\x05\x1a\x03\n\x01\x03"
)
RECORDS = (
    b"\x05\x00\x00\x00\x00\x00\x00\x00\xea\xb2\x04>hello\xbb\x1f\x1c\x19\x00\x00\x00\x00\x00\x00\x00"
    b"\x00)\x03\x98\x07\xd8\xea\x82\xa2"
)
TENSORS = [
    (
        np.array([[1.5, 2], [3, 4]], "float32"),
        b'\x08\x01\x12\x08\x12\x02\x08\x02\x12\x02\x08\x02"\x10\x00\x00\xc0?\x00\x00\x00@\x00\x00@@\x00'
        b"\x00\x80@",
    ),
    (
        np.array([1, -2], "int64"),
        b'\x08\t\x12\x04\x12\x02\x08\x02"\x10\x01\x00\x00\x00\x00\x00\x00\x00\xfe\xff\xff\xff\xff\xff'
        b"\xff\xff",
    ),
    (np.array(["ab", ""], object), b"\x08\x07\x12\x04\x12\x02\x08\x02B\x02abB\x00"),
    (np.array(7, "int32"), b'\x08\x03\x12\x00"\x04\x07\x00\x00\x00'),
    (np.array([True, False]), b'\x08\n\x12\x04\x12\x02\x08\x02"\x02\x01\x00'),
]


@pytest.fixture
def tf():
    with installed("tfkeras"):
        yield importlib.import_module("tensorflow")


def test_checksums_of_any_length():
    assert crc32c(b"123456789") == 0xE3069283

    def plain(data):
        state = 0xFFFFFFFF
        for byte in data:
            state ^= byte
            for _ in range(8):
                state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
        return state ^ 0xFFFFFFFF

    for size in (0, 1, 255, 256, 1000, 5000):
        data = bytes(k * k % 251 for k in range(size))
        assert crc32c(data) == plain(data)


def test_examples_have_the_bytes_and_the_text_of_tensorflow(tf):
    train = tf.train
    made = train.Example(
        features=train.Features(
            feature={
                "b": train.Feature(bytes_list=train.BytesList(value=[b"ab", b""])),
                "f": train.Feature(float_list=train.FloatList(value=[1.5, -2.0])),
                "i": train.Feature(int64_list=train.Int64List(value=np.array([-1, 300]))),
                "e": train.Feature(),
            }
        )
    )
    assert made.SerializeToString() == EXAMPLE
    read = train.Example.FromString(EXAMPLE)
    assert read == made and read.features.feature["i"].int64_list.value == [-1, 300]
    assert read.features.feature["f"].WhichOneof("kind") == "float_list"
    text = 'features {\n  feature {\n    key: "b"\n    value {\n      bytes_list {\n'
    assert str(read).startswith(text) and "value: -2\n" in str(read)
    grown = train.Example()
    grown.features.feature["x"].int64_list.value.append(5)
    grown.features.feature["x"].int64_list.value.extend([6])
    assert train.Example.FromString(grown.SerializeToString()) == grown
    sequence = train.SequenceExample()
    sequence.ParseFromString(SEQUENCE)
    assert sequence.SerializeToString() == SEQUENCE
    with pytest.raises(TypeError, match="expected one of: bytes"):
        train.BytesList(value=["text"])
    with pytest.raises(TypeError, match="expected one of: int"):
        train.Int64List(value=[1.5])
    for cut in range(1, len(EXAMPLE)):
        with pytest.raises(ValueError, match="damaged"):
            train.Example.FromString(EXAMPLE[:cut])


def test_examples_are_parsed_to_arrays(tf):
    io = tf.io
    features = {
        "f": io.FixedLenFeature([2], tf.float32),
        "b": io.VarLenFeature(tf.string),
        "z": io.FixedLenFeature([], tf.string, default_value="q"),
        "r": io.RaggedFeature(tf.int64, value_key="i"),
    }
    one = io.parse_single_example(EXAMPLE, features)
    assert one["f"].numpy().tolist() == [1.5, -2] and one["z"].numpy() == b"q"
    assert tf.sparse.to_dense(one["b"]).numpy().tolist() == [b"ab", b""]
    assert one["r"].numpy().tolist() == [-1, 300]
    two = io.parse_example([EXAMPLE, tf.train.Example().SerializeToString()],
                           {"i": io.VarLenFeature(tf.int64), "r": features["r"]}
                           | {"f": io.FixedLenFeature([2], tf.float32, [0.0, 1.0])})  # fmt: skip
    assert tf.sparse.to_dense(two["i"]).numpy().tolist() == [[-1, 300], [0, 0]]
    assert two["r"].to_list() == [[-1, 300], []]
    assert two["f"].numpy().tolist() == [[1.5, -2], [0, 1]]
    context, lists = io.parse_single_sequence_example(
        SEQUENCE, {"n": io.FixedLenFeature([], tf.int64)}, {"w": io.VarLenFeature(tf.int64)}
    )
    assert context["n"].numpy() == 2
    assert tf.sparse.to_dense(lists["w"]).numpy().tolist() == [[1, 2], [3, 0]]
    for spec, told in (
        ({"q": io.FixedLenFeature([], tf.int64)}, "Feature: q .data type: int64. is required"),
        ({"f": io.FixedLenFeature([3], tf.float32)}, "Key: f. The feature has 2 values"),
        ({"f": io.FixedLenFeature([2], tf.int64)}, "Data types don't match"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=told):
            io.parse_single_example(EXAMPLE, spec)


@pytest.mark.parametrize("kind", ["", "GZIP", "ZLIB"])
def test_records_are_written_and_read(tf, tmp_path, kind):
    path = str(tmp_path / "a.tfrecord")
    with tf.io.TFRecordWriter(path, kind) as writer:
        writer.write(b"hello")
        writer.write("")
    if not kind:
        assert (tmp_path / "a.tfrecord").read_bytes() == RECORDS
    found = tf.data.TFRecordDataset([path, path], compression_type=kind)
    assert [one.numpy() for one in found] == [b"hello", b""] * 2
    batch = next(iter(found.map(lambda one: tf.io.decode_raw(one, tf.uint8)).batch(1)))
    assert batch.numpy().tolist() == [list(b"hello")]


def test_damaged_records_are_refused(tf, tmp_path):
    path = tmp_path / "a.tfrecord"
    long = struct.pack("<Q", 1 << 40)
    for data, told in (
        (RECORDS[:-1], "the content of record 1"),
        (RECORDS[:5], "the length of record 0"),
        (RECORDS[:12] + b"j" + RECORDS[13:], "the content of record 0"),
        (b"\x06" + RECORDS[1:], "the length of record 0"),
        (long + struct.pack("<I", tf_masked(long)), "too large as length of record 0"),
    ):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=f"damaged: .*{told}"):
            list(tf.data.TFRecordDataset(str(path)))
    with pytest.raises(ValueError, match="is one of"):
        tf.data.TFRecordDataset(str(path), "LZ4")


def tf_masked(data):
    found = crc32c(data)
    return ((found >> 15 | found << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_tensors_as_bytes(tf):
    for array, data in TENSORS:
        assert tf.io.serialize_tensor(array).numpy() == data
        kind = tf.string if array.dtype == "O" else tf.as_dtype(array.dtype)
        read = tf.io.parse_tensor(data, kind).numpy()
        assert np.array_equal(read, [b"ab", b""] if kind == "string" else array)
    with pytest.raises(tf.errors.InvalidArgumentError, match="Type mismatch"):
        tf.io.parse_tensor(TENSORS[0][1], tf.int32)
    with pytest.raises(tf.errors.InvalidArgumentError, match="do not fill"):
        tf.io.parse_tensor(TENSORS[0][1].replace(b"\x12\x02\x08\x02", b"\x12\x02\x08\x7f", 1),
                           tf.float32)  # fmt: skip


def test_sparse_and_ragged_tensors_and_tables(tf):
    sparse = tf.SparseTensor(indices=[[1, 0], [0, 2]], values=[3.0, 2.0], dense_shape=[2, 3])
    ordered = tf.sparse.reorder(sparse)
    assert ordered.indices.numpy().tolist() == [[0, 2], [1, 0]]
    dense = np.array([[0, 0, 2], [3, 0, 0]], "float32")
    assert np.array_equal(tf.sparse.to_dense(sparse), dense)
    assert np.array_equal(tf.sparse.to_dense(tf.sparse.from_dense(dense)), dense)
    assert np.array_equal(tf.sparse.sparse_dense_matmul(sparse, dense.T), dense @ dense.T)
    assert np.array_equal(tf.sparse.sparse_dense_matmul(dense.T, sparse), dense.T @ dense)
    assert np.array_equal(tf.sparse.to_dense(tf.sparse.add(sparse, sparse)), 2 * dense)
    assert np.array_equal(tf.sparse.to_dense(tf.sparse.transpose(sparse)), dense.T)
    assert tf.sparse.reduce_sum(sparse, 1).tolist() == [2, 3]
    whole = tf.sparse.concat(0, [sparse, sparse])
    assert np.array_equal(tf.sparse.to_dense(whole), np.concatenate([dense, dense]))
    with pytest.raises(ValueError, match="1 positions for 2 values"):
        tf.SparseTensor([[0, 0]], [1, 2], [2, 2])

    rows = tf.ragged.constant([[1, 2], [], [3]])
    assert rows.row_lengths().tolist() == [2, 0, 1] and rows.shape.as_list() == [3, None]
    assert rows.to_tensor(default_value=-1).tolist() == [[1, 2], [-1, -1], [3, -1]]
    assert (rows + 1).to_list() == [[2, 3], [], [4]] and rows[0].tolist() == [1, 2]
    assert rows[:2].to_list() == [[1, 2], []] and rows[:, :1].to_list() == [[1], [], [3]]
    assert tf.ragged.constant([[[1], []], [[2, 3]]]).to_list() == [[[1], []], [[2, 3]]]
    words = tf.strings.split(["a b", "c"])
    assert words.to_tensor("-").numpy().tolist() == [[b"a", b"b"], [b"c", b"-"]]
    assert tf.strings.length(words).to_list() == [[1, 1], [1]]
    given = tf.data.Dataset.from_tensor_slices(rows)
    assert [one.numpy().tolist() for one in given] == [[1, 2], [], [3]]
    texts = tf.data.Dataset.from_tensor_slices((["a b", "c"], [1, 2])).batch(2)
    split = texts.map(lambda x, y: (tf.strings.split(x), y))
    assert [x.to_list() for x, _ in split] == [words.to_list()]
    assert [x.to_tensor().shape for x, _ in split.map(lambda x, y: (x, y))] == [(2, 2)]
    for batches in (
        given.ragged_batch(2),
        given.apply(tf.data.experimental.dense_to_ragged_batch(2)),
    ):
        assert [one.to_list() for one in batches] == [[[1, 2], []], [[3]]]
    assert tf.RaggedTensor.from_sparse(rows.to_sparse()).to_list() == rows.to_list()

    keys = tf.lookup.KeyValueTensorInitializer(["a", "b"], [10, 20], value_dtype=tf.int64)
    assert tf.lookup.StaticHashTable(keys, -1).lookup(words).to_list() == [[10, 20], [-1]]
    table = tf.lookup.StaticVocabularyTable(
        tf.lookup.KeyValueTensorInitializer(["a", "b"], tf.range(2, dtype=tf.int64)), 2
    )
    found = table.lookup(tf.constant(["a", "zz", "q", "b"])).tolist()
    assert found[0] == 0 and found[3] == 1 and table.size() == 4
    hashed = tf.strings.to_hash_bucket_fast(["zz", "q"], 2) + 2
    assert found[1:3] == hashed.tolist()
