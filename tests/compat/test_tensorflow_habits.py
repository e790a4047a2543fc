"""What programs for tf.keras ask of layers, metrics and versions that today's Keras dropped."""

import importlib

import numpy as np
import pytest

from hornbook.compat.install import installed


@pytest.fixture
def tf():
    with installed("tfkeras"):
        yield importlib.import_module("tensorflow")


def test_a_version_is_compared_by_its_numbers(tf):
    version = tf.__version__
    assert isinstance(version, str) and version.split(".")[0] == "2"
    assert version >= "2.4" and version >= "2.10.0" and version > "2"
    assert not version < "2.4" and not version <= "2.9.3" and version < "10"


def test_every_data_set_is_a_data_set(tf):
    numbers = tf.data.Dataset.range(4)
    assert all(isinstance(one, tf.data.Dataset) for one in (numbers, numbers.batch(2)))
    assert not isinstance(iter(numbers), tf.data.Dataset)
    assert numbers.as_numpy_iterator().next() == 0 and iter(numbers).get_next().numpy() == 0


def test_the_device_of_a_tensor_is_its_name(tf):
    with tf.device("CPU:0"):
        device = tf.random.uniform([2]).device
    assert device.endswith("CPU:0") and "GPU" not in device
    assert f"{device}" == "/job:localhost/replica:0/task:0/device:CPU:0"
    with tf.device(device):
        assert tf.ones([2]).device == device


def test_tensorflow_is_found_as_version_2_of_itself(tf):
    second = importlib.import_module("tensorflow.compat.v2")
    assert second is tf.compat.v2 is tf and tf.__version__ == tf.version.VERSION
    layers = importlib.import_module("tensorflow.compat.v2.keras.layers")
    assert layers.Dense is tf.keras.layers.Dense
    assert tf.compat.as_bytes("a") == b"a" and tf.compat.as_str(b"a") == "a"


def test_exported_models_are_loaded_and_called(tf, tmp_path):
    inputs = [tf.keras.Input((2,)), tf.keras.Input((2,))]
    model = tf.keras.Model(inputs, tf.keras.layers.Add()(inputs))
    model.export(tmp_path / "sum")
    back = tf.saved_model.load(tmp_path / "sum")
    x, y = tf.ones((1, 2)), tf.constant([[2.0, 3.0]])
    assert back.serve(x, y).numpy().tolist() == [[3.0, 4.0]]
    named = back.signatures["serving_default"](x, y)
    assert named["output_0"].numpy().tolist() == [[3.0, 4.0]]
    options = tf.saved_model.LoadOptions(experimental_io_device="/job:localhost")
    again = tf.keras.models.load_model(tmp_path / "sum", options=options)
    assert again([x, y]).numpy().tolist() == [[3.0, 4.0]]
    layer = tf.keras.layers.TFSMLayer(tmp_path / "sum", call_endpoint="serving_default")
    assert layer([x, y])["output_0"].numpy().tolist() == [[3.0, 4.0]]
    with pytest.raises(ValueError, match="call_endpoint must be one of"):
        tf.keras.layers.TFSMLayer(tmp_path / "sum", call_endpoint="other")
    with pytest.raises(NotImplementedError, match="onnx"):
        model.export(tmp_path / "m", format="onnx")


def test_sizes_are_printed_and_computed_with_as_a_tensor(tf):
    sizes = tf.shape(tf.ones((2, 3)))
    assert sizes.numpy().tolist() == [2, 3] and f"{sizes}" == "[2 3]"
    assert repr(sizes) == "<tf.Tensor: shape=(2,), dtype=int32, numpy=array([2, 3], dtype=int32)>"
    assert str(sizes[1:]) == "tf.Tensor([3], shape=(1,), dtype=int32)"
    assert (sizes[1:] + [1]).numpy().tolist() == [4] and (2 * sizes).numpy().tolist() == [4, 6]
    assert tf.reshape(tf.ones(24), sizes * 2).shape == (4, 6)
    assert tf.keras.ops.shape(tf.ones((2, 3))) == sizes == tf.concat([sizes[:1], sizes[1:]], 0)


def test_losses_read_values_if_they_are_run_eagerly(tf):
    seen = []

    def loss(y, predicted):
        seen.append(float(predicted.numpy().sum()))
        return tf.reduce_mean((y - predicted) ** 2)

    model = tf.keras.Sequential([tf.keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", loss, run_eagerly=True)
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    assert seen == [8.0] and float(model.layers[0].kernel[0, 0]) < 1
    assert tf.data.Dataset.range(3).element_spec.value_type is tf.Tensor


def test_one_optimizer_trains_several_models(tf):
    optimizer = tf.keras.optimizers.Adam(0.1)
    for step in (0.1, 0.07441):  # it counts the steps of both
        model = tf.keras.Sequential([tf.keras.layers.Dense(1, kernel_initializer="zeros")])
        model.compile(optimizer, "mse")
        model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
        assert float(model.layers[0].kernel[0, 0]) == pytest.approx(step, rel=1e-3)
    assert model.optimizer is optimizer


def test_arrays_of_one_element_are_numbers(tf):
    assert float(tf.constant([1.5])) == 1.5 and int(tf.constant([[2]])) == 2
    assert f"{float(next(iter(tf.data.Dataset.from_tensors([0.5])))):.1f}" == "0.5"
    assert tf.reduce_prod((28, 28)).numpy() == 784
    assert tf.reshape(tf.ones((2, 3)), [tf.reduce_prod((2, 3))]).shape == (6,)


def test_metrics_are_reset_by_their_old_method(tf):
    metric = tf.keras.metrics.Mean()
    metric.update_state([1.0, 3.0])
    metric.reset_states()
    metric.update_state([5.0])
    assert float(metric.result()) == 5.0


def test_layers_find_shapes_with_methods_and_may_be_dynamic(tf, tmp_path):
    shapes = []

    class Scale(tf.keras.layers.Layer):
        def build(self, batch_input_shape):
            shapes.append(batch_input_shape.as_list())
            self.scale = self.add_weight("scale", batch_input_shape[1:], initializer="ones")

        def call(self, x):
            return x * self.scale

        def compute_output_shape(self, batch_input_shape):
            return tf.TensorShape(batch_input_shape.as_list()[:-1] + [batch_input_shape[-1]])

    model = tf.keras.Sequential([Scale(input_shape=(3,), dynamic=True)])
    assert shapes == [[None, 3]] and model.output_shape == (None, 3)
    model.save(tmp_path / "m.keras")
    back = tf.keras.models.load_model(tmp_path / "m.keras", custom_objects={"Scale": Scale})
    assert back.layers[0].scale.shape == (3,) and shapes[1:] == [[None, 3]]


def test_shapes_are_sliced_and_joined(tf):
    shape = tf.TensorShape([None, 4, 3])
    assert shape[1:].as_list() == [4, 3] and shape[-1] == 3 and shape.rank == 3
    assert (shape[:1] + [2]).as_list() == shape[:1].concatenate(2).as_list() == [None, 2]


def test_weights_of_metrics_have_their_name_first(tf):
    class Largest(tf.keras.metrics.Metric):
        def __init__(self):
            super().__init__()
            self.seen = self.add_weight("seen", (2,), None, None, "ones", aggregation=None)

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.seen.assign_add(y_pred)

        def result(self):
            return self.seen

    metric = Largest()
    metric.update_state(None, np.array([1.0, 2.0], "float32"))
    assert metric.seen.name == "seen" and metric.result().numpy().tolist() == [2.0, 3.0]


def test_modules_that_have_moved_are_found(tf):
    experimental = importlib.import_module("tensorflow.keras.layers.experimental")
    preprocessing = importlib.import_module("tensorflow.keras.layers.experimental.preprocessing")
    assert experimental.preprocessing.Rescaling is preprocessing.Rescaling
    assert tf.keras.layers.experimental.preprocessing is experimental.preprocessing

    wrappers = importlib.import_module("tensorflow.keras.wrappers.scikit_learn")
    assert tf.keras.wrappers.scikit_learn is wrappers

    def built(units=2):
        model = tf.keras.Sequential([tf.keras.layers.Dense(units), tf.keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    regressor = wrappers.KerasRegressor(built, units=3)
    assert regressor.get_params()["units"] == 3
    regressor.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    assert regressor.predict(np.ones((2, 2)), verbose=0).shape == (2,)


def test_files_are_tensors_and_errors_are_tensorflow_s(tf, tmp_path):
    (tmp_path / "a.txt").write_bytes(b"abc")
    assert tf.io.read_file(str(tmp_path / "a.txt")).numpy() == b"abc"
    picture = tf.io.encode_png(np.zeros((2, 2, 3), "uint8"))
    assert isinstance(picture.numpy(), bytes) and tf.io.decode_png(picture).shape == (2, 2, 3)
    for line in (",1", "1,2,3"):
        with pytest.raises(tf.errors.InvalidArgumentError, match="decode_csv: "):
            tf.io.decode_csv(line, [np.array([], "float32"), 0])
    number, word = tf.io.decode_csv([["2.5,a"], [",b"]], [7.0, ""])
    assert number.numpy().tolist() == [[2.5], [7.0]] and word.numpy().tolist() == [[b"a"], [b"b"]]


def test_functions_of_python_give_tensors_of_their_dtypes(tf):
    @tf.py_function(Tout=tf.string)
    def shown(number):
        return str(number.numpy())

    assert shown(3).numpy() == b"3"
    half, text = tf.py_function(lambda x: (x / 2, "a"), [3], [tf.float32, tf.string])
    assert half.dtype == "float32" and text.numpy() == b"a"
    found = tf.numpy_function(lambda x: x + 1, [np.int64(2)], tf.float32)
    assert found.dtype == "float32" and float(found) == 3


def test_methods_of_data_sets_say_what_they_do(tf):
    made = tf.data.Dataset
    assert [n for n in dir(made) if n[0] != "_" and not getattr(made, n).__doc__] == []


def test_ragged_tensors_are_joined_and_padded_to_a_shape(tf):
    a, b = tf.ragged.constant([[1, 2], [3]]), tf.ragged.constant([[], [4, 5]], dtype="int32")
    assert tf.concat([a, b], axis=0).to_list() == [[1, 2], [3], [], [4, 5]]
    assert tf.concat([a, b], axis=-1).to_list() == [[1, 2], [3, 4, 5]]
    words = tf.ragged.constant([[["a"], []], [["b", "c"]]])
    assert tf.concat([words, words], axis=1).to_list()[0] == [[b"a"], [], [b"a"], []]
    shape = tf.shape(tf.ones((2, 1))) * tf.constant([1, 3])
    assert a.to_tensor(shape=shape).numpy().tolist() == [[1, 2, 0], [3, 0, 0]]


def test_sizes_stay_numbers_in_a_traced_call(tf):
    class Causal(tf.keras.layers.Layer):
        def call(self, x):
            sizes = tf.shape(x)
            rows, steps = sizes[0], sizes[1]
            mask = tf.range(steps)[:, tf.newaxis] >= tf.range(steps)
            mask = tf.reshape(tf.cast(mask, "float32"), (1, steps, steps))
            ones = tf.constant([1, 1], dtype=tf.int32)
            mask = tf.tile(mask, tf.concat([tf.expand_dims(rows, -1), ones], axis=0))
            flat = tf.reshape(x, tf.stack([rows, steps * x.shape[-1]]))
            return mask @ tf.reshape(flat, [rows, steps, -1])

    x = tf.keras.Input((None, 3))
    model = tf.keras.Model(x, Causal()(x))
    given = np.arange(30, dtype="float32").reshape(2, 5, 3)
    assert model.output_shape == (None, None, 3)
    np.testing.assert_array_equal(model.predict(given, verbose=0), given.cumsum(1))


def test_folders_of_pictures_may_be_cropped_by_the_old_name(tf, tmp_path):
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.full((8, 4), 9, "uint8")).save(tmp_path / "a.png")
    for module in (tf.keras.utils, tf.keras.preprocessing):
        pictures = module.image_dataset_from_directory(
            str(tmp_path), label_mode=None, image_size=(4, 4), smart_resize=True
        )
        assert next(iter(pictures)).shape == (1, 4, 4, 3)


def test_text_reaches_the_layers_of_a_program(tf):
    class Lower(tf.keras.layers.Layer):
        def call(self, x):
            return tf.strings.lower(x)

    assert Lower()(tf.constant(["A", "b"])).numpy().tolist() == [b"a", b"b"]
    with pytest.raises(ValueError, match="Devices cannot compute with strings"):
        tf.keras.layers.Dense(1)(tf.constant([["A"]]))


def test_words_of_texts_may_be_rows_of_their_lengths(tf):
    """The numbers are TensorFlow's."""
    layer = tf.keras.layers.TextVectorization(ragged=True)
    layer.adapt(["To be", "!(to be)", "That's the question", "Be, be, be."])
    assert layer(["Be good!", "Question: be or be?"]).to_list() == [[2, 1], [6, 2, 1, 2]]
    texts = tf.data.Dataset.from_tensor_slices(["to be", "be"])
    assert [one.numpy().tolist() for one in texts.map(layer)] == [[3, 2], [2]]
    with pytest.raises(NotImplementedError, match="mask_zero=True"):
        tf.keras.Sequential([tf.keras.Input((), dtype="string"), layer])
    with pytest.raises(ValueError, match="output_mode='int'"):
        tf.keras.layers.TextVectorization(output_mode="count", ragged=True)


def test_rows_of_ragged_tensors_are_batched_as_ragged_tensors(tf):
    rows = tf.ragged.constant([[1, 2], [3], [4, 5, 6]])
    data = tf.data.Dataset.from_tensor_slices((rows, [7, 8, 9])).map(lambda x, y: (x * 2, y))
    found = [(x.to_list(), y.numpy().tolist()) for x, y in data.batch(2)]
    assert found == [([[2, 4], [6]], [7, 8]), ([[8, 10, 12]], [9])]


def test_sparse_tensors_pass_through_map_and_become_whole_in_batches(tf):
    data = tf.data.Dataset.range(3).map(lambda x: tf.sparse.from_dense(tf.one_hot(x, 3)))
    assert [one.indices.numpy().tolist() for one in data] == [[[0]], [[1]], [[2]]]
    (batch,) = data.batch(3)
    assert batch.numpy().tolist() == np.eye(3).tolist()


def test_added_metrics_are_means_over_batches(tf):
    layers = tf.keras.layers

    class Told(layers.Layer):
        def call(self, x):
            self.add_metric(tf.reduce_max(x), name="most", aggregation="mean")
            return x

    class Net(tf.keras.Model):
        def __init__(self):
            super().__init__()
            self.told, self.last = Told(), layers.Dense(1, kernel_initializer="zeros")
            self.sums = tf.keras.metrics.Sum(name="sums")

        def call(self, x):
            self.add_metric(self.sums(x))
            return self.last(self.told(x))

    x, y = np.arange(8.0).reshape(8, 1), np.zeros((8, 1))
    inputs = tf.keras.Input((1,))
    hidden = Told()(inputs)
    graph = tf.keras.Model(inputs, layers.Dense(1, kernel_initializer="zeros")(hidden))
    graph.add_metric(tf.reduce_min(hidden), name="least", aggregation="mean")
    for model, wanted in ((Net(), {"most": 5, "sums": 28}), (graph, {"most": 5, "least": 2})):
        model.compile(tf.keras.optimizers.SGD(0.0), "mse")
        logs = model.fit(x, y, batch_size=4, shuffle=False, verbose=0).history
        assert {k: v[0] for k, v in logs.items()} == {"loss": 0, **wanted}
        assert model.evaluate(x, y, batch_size=4, verbose=0, return_dict=True)["most"] == 5
    with pytest.raises(ValueError, match="needs a name"):
        layers.Dense(1).add_metric(tf.constant(1.0))


def test_variables_say_where_they_are(tf):
    assert tf.Variable([1.0]).device == "/job:localhost/replica:0/task:0/device:CPU:0"
