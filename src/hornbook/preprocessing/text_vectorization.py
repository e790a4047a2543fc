"""TextVectorization: texts to token indices, or to vectors."""

from itertools import chain
from typing import Any

import numpy as np

from hornbook.core.settings import floatx
from hornbook.core.symbolic import SymbolicTensor
from hornbook.core.words import Splitter, characters
from hornbook.layers.arguments import WHOLE
from hornbook.layers.host import HostLayer, host_array
from hornbook.preprocessing.adapting import Adapting
from hornbook.preprocessing.encoding import encoded_shape, mode_of, only_dense
from hornbook.preprocessing.index_lookup import LEFT_OUT, refuse_path
from hornbook.preprocessing.string_lookup import StringLookup

PUNCTUATION = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'"
# How each standardization splits texts, at ASCII's rules, as TensorFlow does.
STANDARD: dict[Any, Splitter] = {
    None: Splitter(),
    "lower": Splitter(lower=bytes.lower),
    "strip_punctuation": Splitter(filters=PUNCTUATION),
    "lower_and_strip_punctuation": Splitter(filters=PUNCTUATION, lower=bytes.lower),
}
# Texts are joined with this separator, split together and separated again: one call of `split`
# takes half the time of many. It occurs in no UTF-8 text.
END, ENDED = b"\xff", -3
TOGETHER = 64  # texts: their words stay in the cache until they are counted or looked up

ONE_TEXT = (
    "layer {!r} splits one text per row: it takes strings of shape (samples,) or (samples, "
    "1), not {}. With split=None the strings of a row are its words"
)


class _Words(StringLookup):
    """The vocabulary of a `TextVectorization`, with words in UTF-8."""

    def _use(self, tokens: list) -> None:
        super()._use(tokens)
        self._vocabulary.places[END] = ENDED

    def _key(self, token: str) -> bytes:
        return token.encode()

    def _token(self, key: bytes) -> str:
        return key.decode("utf-8", "replace")


class TextVectorization(Adapting, HostLayer):
    """Maps texts to token indices, or to vectors, with a vocabulary.

    A text is standardized, split into words and combined into n-grams; each is looked up in a given
    or learned vocabulary. Index 0 is padding, 1 stands for unknown words. It runs on the host.

    Args:
        max_tokens: maximum vocabulary size that `adapt` learns, including special tokens.
        standardize: `"lower_and_strip_punctuation"`, `"lower"`, `"strip_punctuation"`, `None`, or a
            function from an array of texts to an array of texts.
        split: `"whitespace"`, `"character"`, `None` (each row holds words, not a text), or a
            function from an array of texts (N,) to N lists of words.
        ngrams: n for n-grams of 1 to n words, or a tuple of sizes.
        output_mode: `"int"`; or one vector per text: `"multi_hot"`, `"count"` or `"tf_idf"`, see
            `StringLookup`.
        output_sequence_length: for `"int"`, the length of all outputs; default the longest text in
            the batch.
        pad_to_max_tokens: whether vectors have `max_tokens` values even if the vocabulary is
            smaller.
        vocabulary: words, or the path of a text file with one word per line.
        idf_weights: for `"tf_idf"`, one weight per word of `vocabulary`.
        sparse, ragged: must be `False`.
        encoding: accepted for Keras compatibility; strings are Unicode, bytes UTF-8.

    Input: texts (N,) or (N, 1); output: int (N, length), or floats (N, words).

    Raises:
        ValueError: for conflicting arguments or an invalid vocabulary.

    Example:
        >>> import hornbook as keras
        >>> layer = keras.layers.TextVectorization(output_sequence_length=4)
        >>> layer.adapt(["foo bar", "bar baz", "baz bada boom"])
        >>> layer.get_vocabulary()
        ['', '[UNK]', 'baz', 'bar', 'foo', 'boom', 'bada']
        >>> layer(["Foo, qux bar!"]).tolist()
        [[4, 1, 3, 0]]
    """

    takes = "string"

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace",
        ngrams: int | tuple | None = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        *,
        vocabulary_size: int | None = None,
        has_input_vocabulary: bool | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        only_dense(self, sparse, ragged)
        if not callable(standardize) and standardize not in STANDARD:
            known = ", ".join(map(repr, STANDARD))
            raise ValueError(f"standardize is a function or one of {known}, not {standardize!r}")
        if not callable(split) and split not in (None, "whitespace", "character"):
            raise ValueError(
                f"split is a function, 'whitespace', 'character' or None, not {split!r}"
            )
        widths = tuple(range(1, ngrams + 1)) if isinstance(ngrams, WHOLE) else ngrams
        if widths is not None and not all(isinstance(width, WHOLE) for width in widths):
            raise ValueError(f"ngrams is an integer, integers or None, not {ngrams!r}")
        self.output_mode = mode_of(self, output_mode)
        if output_sequence_length is not None and self.output_mode != "int":
            raise ValueError("output_sequence_length goes with output_mode='int' only")
        self.standardize, self.split, self.encoding = standardize, split, encoding
        self.ngrams = widths
        self.output_sequence_length = output_sequence_length
        self._lookup_layer = _Words(
            max_tokens=max_tokens,
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            pad_to_max_tokens=pad_to_max_tokens,
            mask_token="",
            output_mode=output_mode,
            vocabulary_size=vocabulary_size,
            has_input_vocabulary=has_input_vocabulary,
        )

    # ---- the vocabulary

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The words in index order.

        Args:
            include_special_tokens: whether to include the padding and unknown tokens at the start.
        """
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """The number of words, including the padding and unknown tokens."""
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Replace the vocabulary; see `StringLookup.set_vocabulary`."""
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights)

    def reset_state(self) -> None:
        """Discard the counts."""
        self._lookup_layer.reset_state()

    def update_state(self, data: Any) -> None:
        """Count the words of a batch of texts."""
        texts = self._host_arrays(data)
        if self._is_plain and self.output_mode != "tf_idf":
            raw, _ = self._texts(texts)
            for start in range(0, len(raw), TOGETHER):
                self._lookup_layer.count([self._split(raw[start : start + TOGETHER])])
            self._lookup_layer._counts.tokens.pop(END, None)
            return
        documents, _ = self._documents(texts)
        if self.split is None and texts.ndim < 2:
            documents = [list(chain.from_iterable(documents))]
        self._lookup_layer.count(documents)

    def finalize_state(self) -> None:
        """Build the vocabulary from the most frequent words."""
        self._lookup_layer.finalize_state()

    # ---- calling

    def call(self, inputs: np.ndarray) -> np.ndarray:
        found, lengths, shape = self._found(inputs)
        length: Any = self.output_sequence_length
        length = int(lengths.max(initial=0)) if length is None else length
        starts = np.repeat(lengths.cumsum() - lengths, lengths)
        found = found[np.arange(len(found)) - starts < length]  # truncate long texts
        numbers = np.full((len(lengths), length), 0 if self.output_mode == "int" else LEFT_OUT)
        numbers[np.arange(length) < lengths[:, None]] = found
        return self._lookup_layer.encoded(numbers.reshape(*shape, length))

    def _found(self, texts: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple]:
        """The indices of all words, the number of words per text, and the shape of the texts."""
        look_up = self._lookup_layer.indices
        if not self._is_plain:
            documents, shape = self._documents(texts)
            lengths = np.fromiter(map(len, documents), "int64", len(documents))
            return look_up(list(chain.from_iterable(documents))), lengths, shape
        raw, shape = self._texts(texts)
        pieces = [
            look_up(self._split(raw[start : start + TOGETHER]))
            for start in range(0, len(raw), TOGETHER)
        ]
        found = np.concatenate([np.empty(0, "int64"), *pieces])
        ends = np.flatnonzero(found == ENDED)
        return found[found != ENDED], np.diff(ends, prepend=-1) - 1, shape

    @property
    def _splitter(self) -> Splitter:
        return STANDARD[None if callable(self.standardize) else self.standardize]

    def _split(self, texts: list[bytes]) -> list[bytes]:
        """The words of texts, with an `END` after each text."""
        return self._splitter(b" \xff ".join([*texts, b""]))

    @property
    def _is_plain(self) -> bool:
        """Whether texts are just split at whitespace, without n-grams."""
        return self.split == "whitespace" and self.ngrams is None

    def _texts(self, texts: np.ndarray) -> tuple[list[bytes], tuple]:
        """Texts in UTF-8, standardized if by a function, and their shape."""
        if callable(self.standardize):
            texts = host_array(self.standardize(texts.astype(str)), "what standardize returned")
        shape = texts.shape
        if self.split is not None and len(shape) > 1:
            if shape[-1] != 1:
                raise ValueError(ONE_TEXT.format(self.name, shape))
            shape = shape[:-1]
        return [text.encode() for text in texts.ravel().tolist()], shape

    def _documents(self, texts: np.ndarray) -> tuple[list[list[bytes]], tuple]:
        """The words of each text, and the shape of the texts."""
        raw, shape = self._texts(texts)
        if self.split == "whitespace":
            documents = [*map(self._splitter, raw)]
        elif self.split == "character":
            documents = _utf8(map(characters, map(self._splitter.clean, raw)))
        elif self.split is None:
            count = shape[-1] if len(shape) > 1 else 1
            raw = [*map(self._splitter.clean, raw)]
            documents = [raw[i : i + count] for i in range(0, len(raw), count)]
            shape = shape[:-1] if len(shape) > 1 else shape
        else:
            given = np.array([self._splitter.clean(text).decode() for text in raw], str)
            documents = _utf8(self.split(given.reshape(shape or (1,))))
        if self.ngrams is not None:
            documents = [_combined(words, self.ngrams) for words in documents]
        return documents, shape

    def compute_output_spec(self, inputs: Any) -> SymbolicTensor:
        shape = tuple(inputs.shape)
        if self.split is not None and len(shape) > 1:
            if shape[-1] not in (1, None):
                raise ValueError(ONE_TEXT.format(self.name, shape))
            shape = shape[:-1]
        elif self.split is None and len(shape) > 1:
            shape = shape[:-1]
        if self.output_mode == "int":
            return SymbolicTensor((*shape, self.output_sequence_length), "int64")
        depth = self._lookup_layer._depth(known=True)
        return SymbolicTensor(encoded_shape((*shape, None), self.output_mode, depth), floatx())

    # ---- configs and files

    def get_config(self) -> dict:
        """Constructor arguments as plain data; a learned or read vocabulary has its own file."""
        config = super().get_config()
        config |= {
            key: self._lookup_layer.get_config()[key]
            for key in ("vocabulary", "vocabulary_size", "idf_weights", "output_mode")
        }
        config.pop("has_input_vocabulary", None)
        return config | {"vocabulary_size": self.vocabulary_size()}

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
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store: dict) -> None:
        """Load the IDF weights."""
        self._lookup_layer.load_own_variables(store)

    def save_assets(self, dir_path: str) -> None:
        """Write the vocabulary to a folder, unless the config holds it."""
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, dir_path: str) -> None:
        """Read the vocabulary from a folder."""
        self._lookup_layer.load_assets(dir_path)


def _utf8(documents: Any) -> list[list[bytes]]:
    """Encode the words of texts in UTF-8."""
    return [
        [word.encode() if isinstance(word, str) else bytes(word) for word in words]
        for words in documents
    ]


def _combined(words: list[bytes], widths: tuple) -> list[bytes]:
    """All n-grams of these sizes, joined by spaces."""
    return [
        b" ".join(words[start : start + width])
        for width in widths
        for start in range(len(words) - width + 1)
    ]
