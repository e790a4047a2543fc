"""Keras 3 and today's Keras: hornbook's own names, so there is no table. What it is known by."""

TITLE = "Keras 3"

SIGNS = {
    # modules, and functions of modules, that older ones had not
    "names": (
        "keras.config keras.distribution keras.dtype_policies keras.export keras.ops "
        "keras.quantizers keras.random keras.saving keras.tree keras.utils.set_random_seed "
        "keras.KerasTensor keras.Variable keras.Function keras.mixed_precision keras_hub "
        "keras_tuner hornbook"
    ).split(),
    "backends": ("jax", "torch"),  # what a program sets KERAS_BACKEND to
}
