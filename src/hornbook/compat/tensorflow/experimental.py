"""`layers.experimental`, where tf.keras 2.3 to 2.6 had the preprocessing layers."""

from hornbook import layers as preprocessing

__all__ = ["preprocessing"]
__path__: list = []  # a package: `import keras.layers.experimental.preprocessing`
