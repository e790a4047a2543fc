"""TensorFlow's names without an equivalent today; `dialects/tensorflow.py` lists them all."""
