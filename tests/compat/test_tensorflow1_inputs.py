"""Input of TensorFlow 1's programs: data sets, queues, readers, threads and servers."""

import numpy as np
import pytest

from hornbook.compat import installed


@pytest.fixture(scope="module")
def tf():
    with installed("tf1"):
        import tensorflow

        yield tensorflow


@pytest.fixture(autouse=True)
def graph(tf):
    with tf.Graph().as_default() as made:
        yield made


def _drained(tf, sess, tensor):
    found = []
    with pytest.raises(tf.errors.OutOfRangeError):
        while True:
            found.append(sess.run(tensor))
    return found


def test_an_iterator_begins_anew_in_each_session(tf):
    data = tf.data.Dataset.from_tensor_slices(np.arange(5)).repeat(2)
    data = data.map(lambda x: tf.square(x)).filter(lambda x: x < 10).batch(4)
    following = data.make_one_shot_iterator().get_next()
    assert following.shape.as_list() == [None]
    for _ in range(2):
        with tf.Session() as sess:
            found = _drained(tf, sess, [following, following])
        assert [[a.tolist(), b.tolist()] for a, b in found] == [[[0, 1, 4, 9]] * 2] * 2


def test_a_data_set_of_placeholders_takes_what_its_initializer_is_fed(tf):
    x, y = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.int64, [None])
    data = tf.data.Dataset.from_tensor_slices({"x": x, "y": y})
    data = data.map(lambda one: (one["x"] * 2.0, one["y"])).batch(2)
    iterator = data.make_initializable_iterator()
    following = iterator.get_next()
    assert [one.shape.as_list() for one in following] == [[None, 2], [None]]
    with tf.Session() as sess:
        with pytest.raises(tf.errors.FailedPreconditionError, match="initializer"):
            sess.run(following)
        sess.run(iterator.initializer, {x: np.ones((3, 2)), y: np.arange(3)})
        found = _drained(tf, sess, following)
    assert [one[0].sum() for one in found] == [8, 4]
    assert [one[1].tolist() for one in found] == [[0, 1], [2]]


def test_one_iterator_changes_between_data_sets(tf):
    shapes = {"a": tf.TensorShape([2])}
    iterator = tf.data.Iterator.from_structure({"a": tf.float32}, shapes)
    following = iterator.get_next()
    begins = [
        iterator.make_initializer(tf.data.Dataset.from_tensors({"a": np.float32([k, k])}))
        for k in (1, 2)
    ]
    with tf.Session() as sess:
        for k in (1, 0):
            sess.run(begins[k])
            assert sess.run(following)["a"].tolist() == [k + 1, k + 1]


def test_lines_of_files_are_parsed_and_batched_by_threads(tf, tmp_path):
    for k in range(2):
        lines = "".join(f"{n},,word{n}\n" for n in range(3 * k, 3 * k + 3))
        (tmp_path / f"{k}.csv").write_text("a,b,c\n" + lines)
    paths = sorted(map(str, tmp_path.iterdir()))
    names = tf.train.string_input_producer(paths, num_epochs=2, shuffle=False)
    key, line = tf.TextLineReader(skip_header_lines=1).read(names)
    a, b, c = tf.decode_csv(line, record_defaults=[[0], [1.5], [""]])
    batch = tf.train.shuffle_batch([a * 2, b, c], 4, 20, 3, allow_smaller_final_batch=True, seed=1)
    assert [one.dtype.name for one in batch] == ["int32", "float32", "string"]
    with tf.Session() as sess:
        sess.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        coordinator = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(sess, coordinator)
        found = _drained(tf, sess, batch)
        coordinator.request_stop()
        coordinator.join(threads)
    assert [len(one[0]) for one in found] == [4, 4, 4]
    assert sorted(np.concatenate([one[0] for one in found])) == sorted([0, 2, 4, 6, 8, 10] * 2)
    assert {b for one in found for b in one[1]} == {1.5}
    assert {c for one in found for c in one[2]} == {b"word%d" % k for k in range(6)}


def test_an_error_of_a_thread_reaches_the_program(tf):
    queue = tf.FIFOQueue(2, tf.float32, shapes=())
    with tf.Session() as sess:
        coordinator = tf.train.Coordinator()
        broken = queue.enqueue(tf.py_func(lambda: [][0], [], tf.float32))
        runner = tf.train.QueueRunner(queue, [broken])
        runner.create_threads(sess, coordinator, start=True)
        with pytest.raises(tf.errors.OutOfRangeError):
            sess.run(queue.dequeue())  # it is closed with its only thread
        with pytest.raises(IndexError):
            coordinator.join()


def test_queues_wait_until_their_time_is_over(tf):
    queue = tf.FIFOQueue(4, [tf.float32], shapes=[()])
    value = tf.placeholder(tf.float32)
    first = queue.dequeue()
    config = tf.ConfigProto()
    config.operation_timeout_in_ms = 30
    with tf.Session(config=config) as sess:
        for k in (1.0, 2.0):
            sess.run(queue.enqueue([value]), {value: k})
        assert sess.run(first + 1) == 2 and sess.run(first + 1, {first: 5}) == 6
        assert sess.run(queue.size()) == 1 and sess.run(first) == 2
        with pytest.raises(tf.errors.DeadlineExceededError, match="operation_timeout_in_ms"):
            sess.run(first)
        sess.run(queue.close())
        with pytest.raises(tf.errors.CancelledError, match="closed"):
            sess.run(queue.enqueue([1.0]))


def test_rows_of_different_lengths_are_padded(tf):
    queue = tf.PaddingFIFOQueue(4, [tf.int32], shapes=[[None]])
    with tf.Session() as sess:
        for row in ([1], [2, 3, 4]):
            sess.run(queue.enqueue([tf.constant(row)]))
        assert sess.run(queue.dequeue_many(2)).tolist() == [[1, 0, 0], [2, 3, 4]]


def test_records_of_bytes_and_examples_are_read(tf, tmp_path):
    (tmp_path / "rows.bin").write_bytes(b"head" + bytes(range(6)))
    reader = tf.FixedLengthRecordReader(3, header_bytes=4)
    key, row = reader.read(tf.train.string_input_producer([str(tmp_path / "rows.bin")]))
    numbers = tf.cast(tf.decode_raw(row, tf.uint8), tf.float32)
    feature = tf.train.Feature(float_list=tf.train.FloatList(value=[1.5, 2.5]))
    example = tf.train.Example(features=tf.train.Features(feature={"x": feature}))
    text = tf.placeholder(tf.string)
    parsed = tf.parse_single_example(text, {"x": tf.FixedLenFeature([2], tf.float32)})["x"]
    assert parsed.shape.as_list() == [2]
    with tf.Session() as sess:
        tf.train.start_queue_runners(sess)
        assert [sess.run([key, numbers])[1].tolist() for _ in range(2)] == [[0, 1, 2], [3, 4, 5]]
        assert sess.run(parsed * 2, {text: example.SerializeToString()}).tolist() == [3, 5]
        with pytest.raises(tf.errors.InvalidArgumentError, match="must feed a value"):
            sess.run(parsed)


def test_sessions_of_a_server_share_variables(tf):
    cluster = tf.train.ClusterSpec({"ps": ["127.0.0.1:2221"], "worker": ["127.0.0.1:2223"]})
    servers = [tf.train.Server(cluster, job_name=job) for job in ("ps", "worker")]
    with tf.device(tf.train.replica_device_setter(cluster=cluster)):
        count = tf.Variable(1.0)
    with tf.Session(servers[0].target) as sess:
        sess.run(count.initializer)
        sess.run(tf.assign_add(count, 2.0))
    with tf.Session(servers[1].target) as sess:
        assert sess.run(count) == 3
    with tf.Session() as sess, pytest.raises(tf.errors.FailedPreconditionError):
        sess.run(count)
    with pytest.raises(NotImplementedError, match="one worker"):
        servers[0].join()
