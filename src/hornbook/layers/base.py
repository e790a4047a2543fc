"""`Layer`: a callable module. It builds itself on first use, records symbolic calls, and propagates
dtypes, masks and the training flag, so that `call` holds only the formula."""

import functools
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import jax
import numpy as np

from hornbook import regularizers
from hornbook.core import tree
from hornbook.core.arguments import arguments, completed, defaults, described
from hornbook.core.config import Configurable, nearest, serialize
from hornbook.core.dtype import DTypePolicy, get_policy
from hornbook.core.errors import shorten
from hornbook.core.interop import taught
from hornbook.core.mask import get_mask, get_masks, set_mask
from hornbook.core.module import Module
from hornbook.core.symbolic import TEXT, has_symbolic
from hornbook.core.taping import recording, through
from hornbook.core.undisturbed import is_used_up, turn
from hornbook.core.unknown import guessing, known
from hornbook.core.variable import (
    Inside,
    Variable,
    bind,
    compute_dtype,
    contained,
    current_scope,
    name_scope,
    thread,
)
from hornbook.layers import quantized, remat
from hornbook.layers.arguments import WHOLE
from hornbook.layers.calling import (
    Call,
    arguments_of,
    as_shape,
    collect_losses,
    convert,
    describe,
    given_mask,
    has_tensor,
    laid_out,
    per_sample,
    shape_of,
    watch_calls,
)
from hornbook.layers.one_call import one_call
from hornbook.layers.recorded import Recorded
from hornbook.layers.spec import check_inputs
from hornbook.layers.taped import call_of

# Entries of Keras configs for quantizers and adapters; `None` means there is none.
ABSENT = ("quantization_config", "lora_rank", "lora_alpha", "gptq_unpacked_column_size")

# Arguments that a config holds in resolved form: one size per axis, and the data format that was
# the global setting when the layer was made.
SETTLED = ("data_format", "dilation_rate", "kernel_size", "output_size", "pool_size", "strides")

# Arguments that Keras's layers do not take, or omit from configs when not given.
NOT_KERAS = {
    *("LeakyReLU.alpha", "implementation", "input_length", "weights", "Cropping1D.data_format"),
    *("batch_input_shape", "batch_shape", "batch_size", "input_dim", "input_shape"),
    *("lora_rank", "lora_alpha", "quantization_config", "causal"),
}


@functools.cache
def _unset(cls: type) -> dict[str, Any]:
    """The defaults of a layer's arguments as plain data, without those common to all layers and
    those that Keras's layer does not take, so that Keras can read the config."""
    own = arguments_of(cls.__init__)  # type: ignore[misc]
    return {
        name: serialize(value, strict=False)
        for name, value in defaults(cls).items()
        if (name in own or name not in arguments_of(Layer.__init__))
        and not {name, f"{cls.__name__}.{name}"} & NOT_KERAS
    }


def _marks_built(build: Callable) -> Callable:
    """Wrap a `build` so that it can be called by hand: it scopes weight names and sets `built`."""

    @functools.wraps(build)
    def marking(self, *args, **kwargs):
        inside = current_scope().rpartition("/")[2] == self.name
        with nullcontext() if inside else name_scope(self.name):
            self._note_path()
            result = build(self, *args, **kwargs)
        self.built = True
        if args and "_build_shapes" not in self.__dict__:
            names = list(arguments_of(build))
            shapes = dict(zip(names, args, strict=False)) | kwargs
            self._build_shapes = shapes if len(shapes) > 1 else {"input_shape": args[0]}
        self._after_build()
        return result

    return marking


class Layer(Recorded):
    """A callable with weights: `build(input_shape)` creates them, `call(inputs)` computes.

    Args:
        activity_regularizer: called with each output; its value is added to the loss.
        trainable: whether training updates its weights.
        dtype: a dtype policy or its name: `"float32"`, `"mixed_bfloat16"`, ...
        autocast: whether floating-point inputs are cast to the compute dtype.
        name: default the class's name in snake case, numbered.
        input_shape: shape of one sample; lets a `Sequential` build immediately.
        batch_input_shape: the same, with the batch size first.
        input_dim: the same, for samples that are vectors.

    Raises:
        ValueError: for an unknown argument; the message suggests similar names.

    Example:
        >>> import hornbook as keras
        >>> class Scale(keras.Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight((input_shape[-1],), "ones", name="factor")
        ...     def call(self, x):
        ...         return x * self.factor
        >>> Scale()(np.ones((2, 3))).shape
        (2, 3)
    """

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        input_shape: tuple | None = None,
        batch_input_shape: tuple | None = None,
        batch_shape: tuple | None = None,
        batch_size: int | None = None,
        input_dim: int | None = None,
        **unknown: Any,
    ):
        if unknown:
            known = {*arguments_of(Layer.__init__), *arguments_of(type(self).__init__)}
            wrong = next(iter(unknown))
            raise ValueError(
                f"{type(self).__name__} takes no argument {wrong!r}. "
                f"{nearest(wrong, known - {'unknown', 'kwargs'})}"
            )
        Recorded.__init__(self, name)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        if not isinstance(trainable, bool | np.bool_):
            raise ValueError(
                f"trainable of {type(self).__name__} must be True or False, not {trainable!r}"
            )
        self._trainable = bool(trainable)
        self._policy: DTypePolicy = get_policy(dtype)
        self.autocast = autocast
        self.built = False
        self.supports_masking = False
        self.input_spec: Any = None
        self._added: list[Variable] = []
        self._loss_values: list = []
        self._loss_functions: list[Callable] = []
        self._warned_mask = False
        self._remat = remat.current_scope()
        if input_dim is not None:
            input_shape = (input_dim,)
        if input_shape is not None:
            size = (input_shape,) if isinstance(input_shape, WHOLE) else tuple(input_shape)
            batch_input_shape = (batch_size, *size)
        self._batch_input_shape = batch_input_shape or batch_shape
        self._initialized = True

    _casts_inputs = True  # whether arguments are cast to the compute dtype
    _settled: tuple[str, ...] = ()  # more arguments like `SETTLED`
    _host: Any = None  # the part that runs on the host, ahead of the device, if any
    _transforms = False  # whether `call` has no effect but drawing, so that it can be compiled

    def _only_transforms(self) -> bool:
        """Whether an eager call is one compiled call."""
        return self._transforms and self.activity_regularizer is None

    # ---- building

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if "build" in vars(cls):
            cls.build = _marks_built(cls.build)  # type: ignore[method-assign]

    def build(self, *args: Any, **kwargs: Any) -> None:
        """Create the weights. Called once, with the shape of the first inputs."""
        self.built = True

    def _after_build(self) -> None:
        """Hook for subclasses, called after the weights are created."""

    def get_build_config(self) -> dict | None:
        """The shapes that `build` was called with."""
        shapes = self.__dict__.get("_build_shapes")
        return shapes if shapes is None or "input_shape" in shapes else {"shapes_dict": shapes}

    def build_from_config(self, config: dict) -> None:
        """Build with the shapes that `get_build_config` returned."""
        shapes = config.get("shapes_dict", config)
        if shapes:
            self._build({key: as_shape(value) for key, value in shapes.items()})

    def _build(self, shapes: dict[str, Any]) -> None:
        """Call `build` with the shapes that its signature takes."""
        parameters = list(arguments_of(type(self).build).values())
        named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        first = next(iter(shapes.values()), None)
        if len(named) <= 1:
            self.build(*([first] if parameters else []))
            shapes = {"input_shape": first}
        else:
            wanted = {p.name: shapes.get(p.name) for p in named}
            if wanted[named[0].name] is None:
                wanted[named[0].name] = first
            given = {
                key: shape
                for key, shape in wanted.items()
                if shape is not None or arguments_of(type(self).build)[key].default is not None
            }
            self.build(**given)
            shapes = given
        self.built = True
        self._build_shapes = shapes

    def _ensure_built(self, args: tuple, kwargs: dict) -> None:
        if not self.built:
            self._check_initialized()
            self._check_inputs(args, kwargs)
            self._note_path()
            names = list(arguments_of(type(self).call))
            given = dict(zip(names, args, strict=False)) | kwargs
            if len(args) > len(names):  # call(*inputs)
                given = {f"input{i}": arg for i, arg in enumerate(args)} | kwargs
            shapes = {
                f"{name}_shape": shape_of(value)
                for name, value in given.items()
                if has_tensor(value)
            }
            self._build(shapes)

    def _check_inputs(self, args: tuple, kwargs: dict) -> Any:
        """Check the first argument against `input_spec` and return it."""
        inputs = args[0] if args else next(iter(kwargs.values()), None)
        if self.input_spec is not None:
            check_inputs(self.input_spec, inputs, self.name)
        return inputs

    # ---- calling

    def __call__(self, *args: Any, **kwargs: Any) -> jax.Array:
        """Apply the layer to arrays, or record the call on symbolic tensors."""
        self._check_initialized()
        args = tuple(self._argument(arg) for arg in args)
        kwargs = {key: convert(self, value) for key, value in kwargs.items()}
        try:
            if has_symbolic(args) or has_symbolic(kwargs):
                return self._record(args, kwargs)
            return self._run_at_once(args, kwargs)
        except Exception as error:
            shapes = [
                describe(leaf) for leaf in tree.walk((args, kwargs)) if hasattr(leaf, "shape")
            ]
            error.add_note(
                f"in layer {self.name!r} ({type(self).__name__}), given {', '.join(shapes)}"
            )
            if not thread.calls:
                shorten(error)
            raise

    def _argument(self, value: Any) -> Any:
        """An argument as `call` gets it."""
        return convert(self, value)

    def _text(self, value: Any) -> Any:
        """Text as `call` gets it: host layers alone take it."""
        got = f"layer {self.name!r} got strings or other objects (dtype {value.dtype})"
        raise ValueError(TEXT.format(got))

    def _run_at_once(self, args: tuple, kwargs: dict) -> Any:
        """Run the call; retry if another thread donated the variables' buffers meanwhile."""
        if recording.tapes:
            return self._run_taped(args, kwargs)
        try:
            return self._run(args, kwargs)
        except (RuntimeError, ValueError) as error:
            if thread.calls or thread.scopes or not is_used_up(error):
                raise
        with turn:
            return self._run(args, kwargs)

    def _run_taped(self, args: tuple, kwargs: dict) -> Any:
        """Run the call as one step of a tape; Python code of a user's layer as many."""
        with name_scope(self.name):
            self._ensure_built(args, kwargs)
        call = call_of(self, args, kwargs)
        return self._run(args, kwargs) if call is None else call(args, kwargs)

    def _run(self, args: tuple, kwargs: dict) -> Any:
        with name_scope(self.name):
            self._ensure_built(args, kwargs)
            inputs = self._check_inputs(args, kwargs)
            outer = thread.calls[-1] if thread.calls else None
            call = (outer or Call(None, [])).inner(self._training(kwargs, outer))
            masks = get_masks(inputs)
            training = call.training
            if call.only_random and any(v.kind == "state" for v in self._owned_variables()):
                training = False
            kwargs = self._with_flags(args, kwargs, training)
            dtype = self.compute_dtype if self.autocast else None
            with Inside("calls", call), compute_dtype(dtype):
                if self._only_transforms() and masks is None and not self._remat:
                    outputs = one_call(self, args, kwargs)
                else:
                    formula = self._remat.call_of(self, args, kwargs) if self._remat else self.call
                    outputs = formula(*args, **kwargs)
                outputs = laid_out(outputs)
            self._pass_mask(inputs, outputs, masks, given_mask(self, args, kwargs, masks))
            if self.activity_regularizer is not None:
                call.losses += [
                    per_sample(through(self.activity_regularizer, leaf), leaf)
                    for leaf in tree.flatten(outputs)
                ]
            if outer is None:
                vars(self)["_loss_values"] = call.losses  # bypasses structure tracking
            if "_output_shapes" not in vars(self) and not guessing():
                shapes = [
                    known(leaf.shape) for leaf in tree.walk(outputs) if hasattr(leaf, "shape")
                ]
                vars(self)["_output_shapes"] = [
                    (None, *shape[1:]) if shape else () for shape in shapes
                ]
            for watcher in thread.watchers:
                watcher(self, inputs, outputs)
        return outputs

    def _training(self, kwargs: dict, outer: Call | None) -> bool | None:
        if kwargs.get("training") is not None:
            return bool(kwargs["training"])
        if outer is not None and outer.training is not None:
            return outer.training
        parameter = arguments_of(type(self).call).get("training")
        default = parameter.default if parameter is not None else None
        return default if isinstance(default, bool) else None

    def _with_flags(self, args: tuple, kwargs: dict, training: bool | None) -> dict:
        """Fill in `training` and the masks where `call` has parameters for them."""
        parameters = arguments_of(type(self).call)
        names = list(parameters)
        given = {*names[: len(args)], *kwargs}
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        extra: dict[str, Any] = {}
        if "training" in parameters:
            if "training" not in names[: len(args)]:
                extra["training"] = bool(training) if training is not None else False
        elif "training" in kwargs and not takes_any:
            kwargs = {key: value for key, value in kwargs.items() if key != "training"}
        for position, name in enumerate(names):
            key = "mask" if position == 0 and "mask" in parameters else f"{name}_mask"
            if key in parameters and key not in given:
                value = args[position] if position < len(args) else kwargs.get(name)
                mask = get_masks(value)
                if mask is not None:
                    extra[key] = mask
        return {**kwargs, **extra}

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the outputs; by default that of the inputs, if `supports_masking`."""
        return previous_mask

    def _pass_mask(self, inputs: Any, outputs: Any, travelling: Any, masks: Any) -> None:
        overridden = type(self).compute_mask is not Layer.compute_mask
        if not (self.supports_masking or overridden):
            if travelling is not None and not self._warned_mask:
                self._warned_mask = True
                warnings.warn(
                    f"layer {self.name!r} ({type(self).__name__}) does not support masking: the "
                    "mask of its input ends here, and later layers treat padding as data",
                    stacklevel=4,
                )
            return
        leaves = [leaf for leaf in tree.flatten(outputs) if hasattr(leaf, "shape")]
        if masks is None and not overridden:
            return
        if leaves and all(get_mask(leaf) is not None for leaf in leaves):
            return
        computed = self.compute_mask(inputs, masks)
        if computed is not None:
            for leaf, mask in zip(leaves, tree.flatten(computed), strict=False):
                if mask is not None:
                    set_mask(leaf, mask)

    @contained
    def stateless_call(
        self,
        trainable_variables: list,
        non_trainable_variables: list,
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> tuple:
        """Call as a pure function of the variables' values; nothing is assigned.

        Args:
            trainable_variables: values in the order of `self.trainable_variables`.
            non_trainable_variables: values in the order of `self.non_trainable_variables`.
            *args: arguments of the call.
            return_losses: whether to return the added losses too.
            **kwargs: arguments of the call.

        Returns:
            `(outputs, non_trainable_variables)`, and the losses if asked.
        """
        fixed = self.non_trainable_variables
        values = dict(zip(self.trainable_variables, trainable_variables, strict=True))
        values |= dict(zip(fixed, non_trainable_variables, strict=True))
        with bind(values) as scope, collect_losses() as losses:
            outputs = self(*args, **kwargs)
            losses = [*losses, *self._regularization_losses()] if return_losses else []
        updated = [scope[variable] for variable in fixed]
        return (outputs, updated, losses) if return_losses else (outputs, updated)

    # ---- config

    def get_config(self) -> dict:
        """Constructor arguments, name, trainable and dtype as plain data."""
        policy = quantized.policy_with_parts(self)
        live = {"name": self.name, "trainable": self.trainable, "dtype": serialize(policy)}
        cls: type = type(self)
        try:
            apart = described(cls)
            given = {
                k: serialize(v, strict=False) for k, v in arguments(self).items() if k not in apart
            }
        except NotImplementedError:
            given = {}
        if self._policy_changed or policy is not self._policy:
            given["dtype"] = live["dtype"]
        cls = type(self)
        unset = _unset(cls)  # type: ignore[arg-type]
        taken = completed(cls, given, unset)
        if unset:  # a user's class may interpret sizes differently
            settled = (*SETTLED, *self._settled)
            taken |= {k: vars(self)[k] for k in settled if k in taken and k in vars(self)}
        return {
            **live,
            **taken,
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config: dict) -> Any:
        """Create a layer from what `get_config` returned."""
        parameters = arguments_of(cls.__init__)
        config = {
            key: value
            for key, value in config.items()
            if value is not None or key not in ABSENT or key in parameters
        }
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        later = {
            key: config.pop(key)
            for key in ("name", "trainable", "dtype")
            if key in config and key not in parameters and not takes_any
        }
        layer = Configurable.from_config.__func__(cls, config)  # type: ignore[attr-defined]
        if "name" in later:
            layer.name = later["name"]
        if not later.get("trainable", True):
            layer.trainable = False
        if "dtype" in later:
            layer.dtype_policy = later["dtype"]
        return layer

    def __getstate__(self) -> dict:
        args, kwargs = self._arguments
        given = tuple(map(taught, args)), {key: taught(value) for key, value in kwargs.items()}
        state = {key: taught(value) for key, value in vars(self).items()}
        # a model keeps the calls it needs
        return {**state, "_nodes": [], "_arguments": given, "_compiled_call": None}

    def __setattr__(self, name: str, value: Any):
        if "_initialized" not in self.__dict__ and isinstance(value, Layer | Variable):
            self._check_initialized()
        Module.__setattr__(self, name, value)

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


__all__ = ["Layer", "collect_losses", "watch_calls"]
