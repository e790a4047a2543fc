"""`quantize` and `export`: a trained model in fewer bits, and for other programs."""

import re
import warnings
from typing import Any, NoReturn

from hornbook.core.errors import door
from hornbook.core.module import all_modules
from hornbook.layers import quantized
from hornbook.layers.base import Layer

NO_EXPORT = """hornbook does not write {format!r}: that takes {library}.
Wrong:  model.export({path!r}, format={format!r})
Right:  model.save("model.keras"), and in Keras 3, which reads it, with KERAS_BACKEND={backend}:
        keras.saving.load_model("model.keras").export({path!r}, format={format!r})
Or, for programs that have JAX alone, the compiled function, without Python code:
        function = jax.jit(lambda x: model(x, training=False))
        jax.export.export(function)(jax.ShapeDtypeStruct(shape, "float32")).serialize()"""
FORMATS = {  # format -> the libraries that write it, and Keras's engine for them
    "tf_saved_model": ("TensorFlow", "tensorflow"),
    "onnx": ("TensorFlow or PyTorch, and ONNX", "tensorflow"),
    "openvino": ("TensorFlow and OpenVINO", "tensorflow"),
    "litert": ("TensorFlow and LiteRT", "tensorflow"),
    "torch": ("PyTorch", "torch"),
}


class Deployable(Layer):
    """The methods of a model for its use after training."""

    @door
    def quantize(  # type: ignore[override]
        self,
        mode: Any = None,
        config: Any = None,
        filters: Any = None,
        type_check: bool = True,
    ) -> None:
        """Store the kernels of Dense, EinsumDense, Embedding and ReversibleEmbedding in fewer bits.

        `"int8"` takes a quarter of the memory of float32 and `"int4"` about an eighth; the kernels
        are not trained any more. `"float8"` keeps the kernels and rounds what is multiplied, for
        training. Call `compile` afterwards.

        Args:
            mode: `"int8"`, `"int4"` or `"float8"`.
            config: settings, such as `quantizers.Int4QuantizationConfig(block_size=64)`.
            filters: which layers: a regular expression, or several, for their names; or a function
                of the layer.
            type_check: whether to leave out subclasses of these layers.

        Raises:
            ValueError: for an unknown mode, a layer that is not built or quantized already, and a
                filter of another type.

        Warns:
            UserWarning: for layers with weights that have no quantized form; they stay as they are.

        Example:
            >>> model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)])
            >>> model.quantize("int8")
            >>> [(weight.name, weight.dtype) for weight in model.weights]
            [('bias', 'float32'), ('kernel', 'int8'), ('kernel_scale', 'float32')]
        """
        settings = quantized.settings(mode, config)
        wanted = _filter(filters)
        left_out = []
        for layer in all_modules(self):
            alone = isinstance(layer, Layer) and not any(
                isinstance(child, Layer) for child in layer._child_modules()
            )
            if not alone or not wanted(layer):
                continue
            if quantized.can(layer, type_check, settings.mode):
                quantized.quantize(layer, settings)
            elif layer.weights:
                left_out.append(f"{layer.name} ({type(layer).__name__})")
        if left_out:
            warnings.warn(
                f"not quantized, because there is no {settings.mode} form of these layers: "
                f"{', '.join(left_out)}",
                stacklevel=3,
            )

    @door
    def export(self, filepath: Any, format: str = "tf_saved_model", **options: Any) -> NoReturn:
        """Raise an error that says how to get the file: all formats need other libraries.

        Args:
            filepath: path of the file.
            format: `"tf_saved_model"`, `"onnx"`, `"openvino"`, `"litert"` or `"torch"`.
            **options: of the format.

        Raises:
            NotImplementedError: always, with the way through a `.keras` file.
            ValueError: for an unknown format.
        """
        if format not in FORMATS:
            raise ValueError(f"format of export must be one of {[*FORMATS]}, not {format!r}")
        library, backend = FORMATS[format]
        shown = {"format": format, "library": library, "backend": backend, "path": str(filepath)}
        raise NotImplementedError(NO_EXPORT.format(**shown))


def _filter(filters: Any) -> Any:
    """A function of a layer: whether it is to be quantized."""
    if filters is None:
        return lambda layer: True
    if callable(filters):
        return filters
    if isinstance(filters, str):
        filters = [filters]
    if not isinstance(filters, list | tuple):
        raise ValueError(
            "filters of quantize must be a regular expression, a list of them, or a function of a "
            f"layer, not {filters!r}"
        )
    return lambda layer: any(re.search(pattern, layer.name) for pattern in filters)
