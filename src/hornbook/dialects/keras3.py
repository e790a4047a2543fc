"""Keras 3: hornbook's own names, so there is no table, only signs to detect it by."""

TITLE = "Keras 3"
VERSION = "3.15.0"

SIGNS = {
    # modules and functions new in Keras 3
    "names": (
        "keras.config keras.distribution keras.dtype_policies keras.export keras.ops "
        "keras.quantizers keras.random keras.saving keras.tree keras.utils.set_random_seed "
        "keras.KerasTensor keras.Variable keras.Function keras.mixed_precision keras_hub "
        "keras_tuner hornbook wandb.integration.keras mlflow.keras.MlflowCallback"
    ).split(),
    "backends": ("jax", "torch"),  # values of KERAS_BACKEND that a program sets
}
