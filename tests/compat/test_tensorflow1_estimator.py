"""`tf.estimator`: training by model functions, and dense networks of numeric columns."""

import numpy as np
import pytest

from hornbook.compat import installed

X = np.random.RandomState(0).rand(60, 3).astype("float32")
SUMS = X.sum(1)


@pytest.fixture(scope="module")
def tf():
    with installed("tf1"):
        import tensorflow

        yield tensorflow


def _line(tf):
    def model(features, labels, mode, params):
        w = tf.get_variable("w", [3, 1], initializer=tf.zeros_initializer())
        found = tf.matmul(features["x"], w)[:, 0]
        if mode == tf.estimator.ModeKeys.PREDICT:
            return tf.estimator.EstimatorSpec(mode, predictions={"y": found})
        loss = tf.reduce_mean(tf.square(found - labels))
        step = tf.train.GradientDescentOptimizer(params["rate"]).minimize(
            loss, global_step=tf.train.get_global_step()
        )
        ops = {"mse": tf.metrics.mean_squared_error(labels, found)}
        return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=step, eval_metric_ops=ops)

    return model


def test_a_model_function_is_trained_and_goes_on_from_its_checkpoint(tf, tmp_path):
    inputs = tf.estimator.inputs.numpy_input_fn
    made = [tf.estimator.Estimator(_line(tf), tmp_path, params={"rate": 0.1}) for _ in range(2)]
    with pytest.raises(ValueError, match="call train"):
        made[0].evaluate(inputs({"x": X}, SUMS, shuffle=False))
    made[0].train(inputs({"x": X}, SUMS, 20, num_epochs=None, shuffle=False), steps=4)
    made[1].train(inputs({"x": X}, SUMS, 20, num_epochs=1, shuffle=False), max_steps=6)
    w = np.zeros(3)
    for k in (0, 1, 2, 0, 0, 1):  # three batches and one, and two of the second call
        x, y = X[20 * k : 20 * k + 20], SUMS[20 * k : 20 * k + 20]
        w -= 0.1 * 2 * x.T @ (x @ w - y) / 20
    assert sorted(made[0].get_variable_names()) == ["global_step", "w"]
    np.testing.assert_allclose(made[0].get_variable_value("w")[:, 0], w, rtol=1e-4)
    each = [np.mean((X[k : k + 20] @ w - SUMS[k : k + 20]) ** 2) for k in (0, 20, 40)]
    found = made[0].evaluate(inputs({"x": X}, SUMS, 20, shuffle=False))
    np.testing.assert_allclose([found["loss"], found["mse"]], np.mean(each), rtol=1e-4)
    assert found["global_step"] == 6
    rows = list(made[1].predict(inputs({"x": X[:5]}, shuffle=False, batch_size=2)))
    np.testing.assert_allclose([row["y"] for row in rows], X[:5] @ w, rtol=1e-4)


def test_dense_networks_of_numeric_columns(tf):
    columns = [tf.feature_column.numeric_column("x", shape=[3])]
    labels = (X[:, 0] > X[:, 1]).astype("int32")
    inputs = tf.estimator.inputs.numpy_input_fn
    net = tf.estimator.DNNClassifier([8], columns, n_classes=3)
    net.train(inputs({"x": X}, labels, 20, num_epochs=20, shuffle=False))
    found = net.evaluate(inputs({"x": X}, labels, shuffle=False))
    rows = list(net.predict(inputs({"x": X}, shuffle=False)))
    w = {name: net.get_variable_value(name) for name in net.get_variable_names()}
    hidden = X @ w["dnn/hiddenlayer_0/kernel"] + w["dnn/hiddenlayer_0/bias"]
    logits = np.maximum(hidden, 0) @ w["dnn/logits/kernel"] + w["dnn/logits/bias"]
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    losses = -np.log(chances[np.arange(60), labels])
    np.testing.assert_allclose(
        [found["loss"], found["average_loss"]], [losses.sum(), losses.mean()], rtol=1e-4
    )
    assert found["accuracy"] == np.float32(np.mean(chances.argmax(1) == labels)) > 0.7
    np.testing.assert_allclose([row["probabilities"] for row in rows], chances, atol=1e-5)
    assert rows[0]["classes"].tolist() == [str(rows[0]["class_ids"][0])]


def test_numbers_and_two_classes(tf):
    columns = [tf.feature_column.numeric_column("x", shape=[3])]

    def batches(labels):
        data = tf.data.Dataset.from_tensor_slices(({"x": X}, labels))
        return lambda: data.repeat().batch(30)

    line = tf.estimator.DNNRegressor([], columns, optimizer=tf.train.AdamOptimizer(0.1))
    line.train(batches(SUMS), steps=150)
    assert line.evaluate(batches(SUMS), steps=2)["average_loss"] < 1e-3
    two = tf.estimator.DNNClassifier([], columns)
    two.train(batches((SUMS > 1.5).astype("int32")), steps=2)
    found = two.evaluate(batches((SUMS > 1.5).astype("int32")), steps=2)
    w = [two.get_variable_value(f"dnn/logits/{k}") for k in ("kernel", "bias")]
    logits = (X @ w[0] + w[1])[:, 0]
    losses = np.log1p(np.exp(np.where(SUMS > 1.5, -logits, logits)))
    np.testing.assert_allclose(found["average_loss"], losses.mean(), rtol=1e-4)
    with pytest.raises(NotImplementedError, match="numeric_column"):
        tf.estimator.DNNClassifier(
            [4], [tf.feature_column.categorical_column_with_identity("x", 3)]
        )
    with pytest.raises(ValueError, match="shuffle must be provided"):
        tf.estimator.inputs.numpy_input_fn(X, SUMS)
