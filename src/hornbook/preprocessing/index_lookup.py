"""What `StringLookup` and `IntegerLookup` share: values to vocabulary indices, and back."""

from collections import Counter
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from hornbook.core.arguments import arguments
from hornbook.core.dtype import STRING
from hornbook.core.settings import floatx
from hornbook.core.symbolic import SymbolicTensor
from hornbook.core.words import Counts
from hornbook.layers.host import HostLayer, host_array
from hornbook.preprocessing import hashes
from hornbook.preprocessing.adapting import Adapting
from hornbook.preprocessing.encoding import encode, encoded_shape, mode_of, only_dense

FILE = "vocabulary.txt"
LEFT_OUT, UNKNOWN = -1, -2  # special indices: not encoded in vectors; not yet resolved

FROM_FILE = (
    "refused: the file asks layer {!r} to read its vocabulary from {!r}, a path outside the file. "
    "If intended, create the layer in code, or call set_vocabulary(path) after loading"
)
NOT_THERE = (
    "layer {!r} has num_oov_indices=0, so every value must be in its vocabulary; {!r} is not. "
    "num_oov_indices=1 adds an index for unknown values"
)
NO_VOCABULARY = (
    "layer {!r} has no vocabulary yet: pass vocabulary=..., or call adapt(data), before using it"
)
STATIC = (
    "layer {!r} cannot adapt: it was made with a vocabulary. Make it without one, or call "
    "set_vocabulary to replace it"
)
GREW = (
    "layer {!r} outputs vectors of {} values in a model; a vocabulary of {} would change that. Set "
    "it before the model is made, or use pad_to_max_tokens=True"
)
MISPLACED = (
    "the vocabulary of layer {!r} has its {} {!r} in the middle. Omit the special tokens, or start "
    "with exactly these: {}"
)


class Vocabulary:
    """Tokens in order, and their indices."""

    def __init__(self, tokens: list, places: dict):
        self.tokens, self.places = tokens, places

    def __len__(self) -> int:
        return len(self.tokens)


class IndexLookup(Adapting, HostLayer):
    """Maps values to integers with a vocabulary; see `StringLookup`."""

    vocabulary_dtype = STRING

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: Any = None,
        oov_token: Any = None,
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        salt: Any = None,
        *,
        oov_method: str = "floormod",
        vocabulary_size: int | None = None,
        has_input_vocabulary: bool | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        name = type(self).__name__
        if max_tokens is not None and max_tokens <= 1:
            raise ValueError(f"max_tokens of {name} is at least 2, not {max_tokens}")
        if pad_to_max_tokens and max_tokens is None:
            raise ValueError(f"pad_to_max_tokens=True of {name} needs max_tokens")
        if num_oov_indices < 0:
            raise ValueError(f"num_oov_indices of {name} is at least 0, not {num_oov_indices}")
        if oov_method not in ("floormod", "farmhash"):
            raise ValueError(f"oov_method of {name} is floormod or farmhash, not {oov_method!r}")
        only_dense(self, sparse)
        self.output_mode = mode_of(self, output_mode)
        if invert and self.output_mode != "int":
            raise ValueError(f"{name} inverts integers: invert=True needs output_mode='int'")
        if idf_weights is not None and self.output_mode != "tf_idf":
            raise ValueError(f"idf_weights of {name} need output_mode='tf_idf'")
        self.salt = salt_of(self, salt)
        if self.salt and self.vocabulary_dtype != STRING and oov_method != "farmhash":
            raise ValueError(f"salt of {name} needs oov_method='farmhash'")
        self.max_tokens, self.num_oov_indices = max_tokens, num_oov_indices
        self.mask_token, self.oov_token = mask_token, oov_token
        self.invert, self.sparse = invert, sparse
        self.pad_to_max_tokens, self.oov_method = pad_to_max_tokens, oov_method
        text = self.vocabulary_dtype == STRING and not invert
        self.takes = STRING if text else "int"
        given = vocabulary is not None if has_input_vocabulary is None else has_input_vocabulary
        self._is_static = given
        self._size: int | None = None
        self.idf_weights: Any = None
        self._use([])
        self._size = vocabulary_size  # in a file, known before the vocabulary
        self.reset_state()
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    @property
    def input_dtype(self) -> str:
        """The dtype of the symbolic input that a `Sequential` creates for it."""
        return STRING if self.takes == STRING else "int64"

    # ---- the vocabulary

    @property
    def _first_oov(self) -> int:
        return 1 if self.mask_token is not None and self.output_mode == "int" else 0

    @property
    def _first_token(self) -> int:
        return self._first_oov + self.num_oov_indices

    @property
    def _special(self) -> list:
        return [self.mask_token] * self._first_oov + [self.oov_token] * self.num_oov_indices

    def get_vocabulary(self, include_special_tokens: bool = True) -> list:
        """The tokens in index order.

        Args:
            include_special_tokens: whether to include the mask and unknown tokens at the start.
        """
        special = self._special if include_special_tokens else []
        return [*special, *self._vocabulary.tokens]

    def vocabulary_size(self) -> int:
        """The number of tokens, including the mask and unknown tokens."""
        return self._first_token + len(self._vocabulary)

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Replace the vocabulary.

        Args:
            vocabulary: a list or array of tokens, with or without the special ones at its start; or
                the path of a text file with one token per line.
            idf_weights: for `output_mode="tf_idf"`, one weight per token.

        Raises:
            ValueError: for repeated or misplaced tokens, or more than `max_tokens`.
        """
        mode = self.output_mode
        if (mode == "tf_idf") != (idf_weights is not None):
            raise ValueError(
                f"layer {self.name!r}: idf_weights go with output_mode='tf_idf', and are "
                f"{'missing' if mode == 'tf_idf' else f'not used in the mode {mode!r}'}"
            )
        if isinstance(vocabulary, str | Path):
            if mode == "tf_idf":
                raise ValueError(f"layer {self.name!r}: with tf_idf, pass the tokens as a list")
            return self._use(self._read(vocabulary))
        tokens = self._tokens(vocabulary)
        if not tokens:
            raise ValueError(f"the vocabulary of layer {self.name!r} is empty")
        count, special = len(tokens), self._special
        with_special = tokens[: len(special)] == special
        tokens = tokens[len(special) :] if with_special else tokens
        self._check(tokens)
        self._use(tokens)
        if mode == "tf_idf":
            self._use_weights(np.asarray(idf_weights, floatx()), count, with_special)

    def _read(self, path: Any) -> list:
        """The tokens in the lines of a file."""
        if not Path(path).is_file():
            raise ValueError(f"layer {self.name!r}: there is no vocabulary file {str(path)!r}")
        lines = Path(path).read_text("utf-8").replace("\r", "").split("\n")
        tokens = self._tokens(lines[:-1] if lines[-1] == "" else lines)
        self._check(tokens, special=False)
        return tokens

    def _tokens(self, values: Any) -> list:
        """Values of any kind as a list of `str` or `int`."""
        array = host_array(values, f"the vocabulary of layer {self.name!r}")
        if array.ndim != 1:
            raise ValueError(f"the vocabulary of layer {self.name!r} must be a flat list of tokens")
        kind = str if self.vocabulary_dtype == STRING else int
        return [kind(token) for token in array.tolist()]

    def _check(self, tokens: list, special: bool = True) -> None:
        if len(set(tokens)) < len(tokens):
            repeated = [token for token, count in Counter(tokens).items() if count > 1]
            raise ValueError(
                f"the vocabulary of layer {self.name!r} has repeated tokens: {repeated[:10]}"
            )
        if special and self.mask_token is not None and self.mask_token in tokens:
            args = self.name, "mask_token", self.mask_token, self._special
            raise ValueError(MISPLACED.format(*args))
        if special and self.invert and self.oov_token is not None and self.oov_token in tokens:
            args = self.name, "oov_token", self.oov_token, self._special
            raise ValueError(MISPLACED.format(*args))
        size = self._first_token + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(
                f"the vocabulary of layer {self.name!r} has {size} tokens with the special ones, "
                f"more than max_tokens={self.max_tokens}"
            )

    def _use(self, tokens: list) -> None:
        size = self._first_token + len(tokens)
        fixed = self.output_mode == "int" or self.pad_to_max_tokens
        if self._nodes and not fixed and self._size not in (None, size):
            raise ValueError(GREW.format(self.name, self._size, size))
        places = dict(zip(map(self._key, tokens), range(self._first_token, size), strict=True))
        if self.mask_token is not None:
            places[self._key(self.mask_token)] = 0 if self.output_mode == "int" else LEFT_OUT
        self._vocabulary = Vocabulary(tokens, places)
        self._size = size

    def _use_weights(self, weights: np.ndarray, count: int, with_special: bool) -> None:
        """Set the weights of the given tokens; unknown values get the mean weight."""
        if weights.shape != (count,):
            raise ValueError(
                f"layer {self.name!r} has {count} tokens and idf_weights of shape {weights.shape}"
            )
        before = 0 if with_special else self._first_token
        after = (self._depth() or 0) - before - count
        weights = np.pad(weights, (before, 0), constant_values=np.average(weights))
        self.idf_weights = np.pad(weights, (0, after)).astype(floatx())

    # ---- adapting

    def reset_state(self) -> None:
        """Discard the counts."""
        self._counts = Counts()

    def update_state(self, data: Any) -> None:
        """Count the tokens of a batch; each row is a document."""
        if self._is_static:
            raise ValueError(STATIC.format(self.name))
        array = np.atleast_1d(host_array(data, f"what layer {self.name!r} adapts to"))
        if (array.dtype.kind in "OU") != (self.vocabulary_dtype == STRING):
            wanted = "strings" if self.vocabulary_dtype == STRING else "integers"
            raise TypeError(f"layer {self.name!r} adapts to {wanted}, not to {array.dtype}")
        self.count(array.reshape(len(array), -1).tolist() if array.ndim > 1 else [array.tolist()])

    def count(self, documents: list) -> None:
        """Count the tokens of documents (lists of tokens)."""
        self._counts.add(documents, self.output_mode == "tf_idf")

    def finalize_state(self) -> None:
        """Build the vocabulary by falling frequency; ties are in reverse alphabetical order."""
        counts = self._counts
        if self._is_static or not counts.tokens:
            return
        for special in (self.mask_token, self.oov_token):
            counts.tokens.pop(None if special is None else self._key(special), None)
        ordered = sorted(counts.tokens.items(), key=lambda item: item[::-1], reverse=True)
        if self.max_tokens:
            ordered = ordered[: self.max_tokens - self._first_token]
        found = [token for token, _ in ordered]
        self._use(list(map(self._token, found)))
        if self.output_mode == "tf_idf":
            in_how_many = np.array([counts.documents[token] for token in found], "float64")
            weights = np.log(1 + counts.number / (1 + in_how_many)).astype(floatx())
            self._use_weights(weights, len(found), False)
        self.reset_state()

    # ---- calling

    def call(self, inputs: np.ndarray) -> np.ndarray:
        if self.invert:
            return self._inverted(inputs)
        numbers = self.indices(inputs.ravel().tolist()).reshape(inputs.shape)
        return self.encoded(numbers)

    def encoded(self, numbers: np.ndarray) -> np.ndarray:
        """Encode indices according to `output_mode`."""
        mode = self.output_mode
        if mode == "int":
            return numbers
        depth = self._depth(known=True)
        if mode == "tf_idf":
            return encode(numbers, "count", depth, floatx()) * self.idf_weights
        return encode(numbers, mode, depth, floatx())

    def indices(self, values: list) -> np.ndarray:
        """The index of each value, int64; -1 for a mask without an index."""
        if not len(self._vocabulary):
            raise ValueError(NO_VOCABULARY.format(self.name))
        other = self._first_oov if self.num_oov_indices == 1 else UNKNOWN
        places = self._vocabulary.places
        found = np.fromiter(map(places.get, values, repeat(other)), "int64", len(values))
        if other == UNKNOWN:
            where = np.flatnonzero(found == UNKNOWN)
            others = [values[i] for i in where.tolist()]
            if others and not self.num_oov_indices:
                raise ValueError(NOT_THERE.format(self.name, others[0]))
            found[where] = self._bins(others) + self._first_oov if others else UNKNOWN
        return found

    def _key(self, token: Any) -> Any:
        """A token in the form that `indices` and `count` take."""
        return token

    def _token(self, key: Any) -> Any:
        """A token in the form that the vocabulary holds."""
        return key

    def _bins(self, values: list) -> np.ndarray:
        """The bins of values that are not in the vocabulary."""
        count = self.num_oov_indices
        if self.vocabulary_dtype != STRING and self.oov_method == "floormod":
            return np.array(values) % count
        return hashes.bins([as_bytes(value) for value in values], count, self.salt)

    def _inverted(self, inputs: np.ndarray) -> np.ndarray:
        if not len(self._vocabulary):
            raise ValueError(NO_VOCABULARY.format(self.name))
        tokens = [*self._special, *self._vocabulary.tokens]
        text = self.vocabulary_dtype == STRING
        table = np.array([*tokens, self.oov_token], object if text else "int64")
        numbers = np.where((inputs < 0) | (inputs >= len(tokens)), len(tokens), inputs)
        return table[numbers.astype("int64")]

    def _depth(self, known: bool = False) -> int:
        depth = self.max_tokens if self.pad_to_max_tokens else self._size
        if known and depth is None:
            raise ValueError(NO_VOCABULARY.format(self.name))
        return depth  # type: ignore[return-value]

    def compute_output_spec(self, inputs: Any) -> SymbolicTensor:
        if self.output_mode == "int":
            dtype = self.vocabulary_dtype if self.invert else "int64"
            return SymbolicTensor(inputs.shape, dtype)
        shape = encoded_shape(tuple(inputs.shape), self.output_mode, self._depth(known=True))
        return SymbolicTensor(shape, floatx())

    # ---- configs and files

    def get_config(self) -> dict:
        """Constructor arguments as plain data; a learned or read vocabulary has its own file."""
        given, weights = self._in_config, arguments(self).get("idf_weights")
        config = super().get_config() | {
            "vocabulary": None if given is None else self._tokens(given),
            "vocabulary_size": self._size,
            "idf_weights": None if weights is None else np.ravel(weights).tolist(),
            "output_mode": self.output_mode,
            "salt": None if self.salt is None else list(self.salt),
        }
        config.pop("has_input_vocabulary", None)
        return config

    @property
    def _in_config(self) -> Any:
        """The vocabulary passed to the constructor, if the config can hold it."""
        given = arguments(self).get("vocabulary")
        return None if isinstance(given, str | Path) else given

    @classmethod
    def from_config(cls, config: dict) -> Any:
        """Create a layer from what `get_config` returned.

        Raises:
            ValueError: if the config refers to a vocabulary file.
        """
        refuse_path(cls, config)
        return super().from_config(config)

    def save_own_variables(self, store: dict) -> None:
        """Save the IDF weights."""
        if self.output_mode == "tf_idf" and self.idf_weights is not None:
            store["idf_weights"] = self.idf_weights

    def load_own_variables(self, store: dict) -> None:
        """Load the IDF weights."""
        if "idf_weights" in store:
            self.idf_weights = np.asarray(store["idf_weights"], floatx())

    def save_assets(self, dir_path: str) -> None:
        """Write the vocabulary to a folder, unless the config holds it."""
        if self._in_config is None:
            lines = map(str, self.get_vocabulary())
            (Path(dir_path) / FILE).write_text("\n".join(lines), "utf-8", newline="\n")

    def load_assets(self, dir_path: str) -> None:
        """Read the vocabulary from a folder."""
        if self._in_config is not None:
            return
        lines = (Path(dir_path) / FILE).read_text("utf-8").split("\n")
        while lines and lines[-1] == "" and len(lines) != self._size:
            lines.pop()
        weights = None if self.idf_weights is None else self.idf_weights[: len(lines)]
        special = [str(token) for token in self._special]
        if lines[len(special) :]:
            self.set_vocabulary(lines, weights)


def as_bytes(value: Any) -> bytes:
    """A string or a number's digits, in UTF-8."""
    return value.encode() if isinstance(value, str) else str(value).encode()


def salt_of(layer: Any, salt: Any) -> tuple[int, int] | None:
    """A key for SipHash from one integer or two."""
    if salt is None:
        return None
    if isinstance(salt, int) and not isinstance(salt, bool):
        return salt, salt
    if isinstance(salt, list | tuple) and len(salt) == 2:
        return int(salt[0]), int(salt[1])
    raise ValueError(f"salt of {type(layer).__name__} is an integer or two of them, not {salt!r}")


def refuse_path(cls: type, config: dict) -> None:
    """Raise a `ValueError` if a config refers to an external file."""
    if isinstance(config.get("vocabulary"), str):
        name = config.get("name", cls.__name__)
        raise ValueError(FROM_FILE.format(name, config["vocabulary"]))
