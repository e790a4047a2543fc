"""StringLookup: strings to vocabulary indices, and back."""

from typing import Any

from hornbook.core.arguments import own
from hornbook.preprocessing.index_lookup import IndexLookup


class StringLookup(IndexLookup):
    """Maps strings to integers, or to vectors, with a given or learned vocabulary.

    The vocabulary starts with the mask token, if there is one and `output_mode` is `"int"`, and
    `num_oov_indices` indices for out-of-vocabulary strings. It runs on the host.

    Args:
        max_tokens: maximum vocabulary size that `adapt` learns, including special tokens.
        num_oov_indices: number of indices for unknown strings, chosen by a hash; with 0, unknown
            strings are an error.
        mask_token: the string for missing values: index 0, and not encoded in vectors.
        oov_token: the string for unknown indices, with `invert`.
        vocabulary: tokens, or the path of a text file with one token per line.
        idf_weights: for `"tf_idf"`, one weight per token of `vocabulary`.
        invert: whether to map integers to strings.
        output_mode: `"int"`; `"one_hot"`: one vector per string; or one vector per sample:
            `"multi_hot"`: 1 for the strings it contains, `"count"`: their counts, `"tf_idf"`: their
            counts times `log(1 + documents / (1 + documents with it))`.
        pad_to_max_tokens: whether vectors have `max_tokens` values even if the vocabulary is
            smaller.
        sparse: must be `False`.
        encoding: accepted for Keras compatibility; strings are Unicode, bytes UTF-8.
        salt: one or two integers; unknown strings are then hashed with SipHash.

    Input: strings of any shape; output: int of the same shape, or floats, see `output_mode`.

    Raises:
        ValueError: for conflicting arguments, repeated tokens, or a missing file.

    Example:
        >>> import hornbook as keras
        >>> lookup = keras.layers.StringLookup(vocabulary=["a", "b"])
        >>> lookup([["b", "a", "z"]]).tolist()
        [[2, 1, 0]]
        >>> lookup = keras.layers.StringLookup()
        >>> lookup.adapt(["to", "be", "or", "not", "to", "be"])
        >>> lookup.get_vocabulary()
        ['[UNK]', 'to', 'be', 'or', 'not']
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**own(locals(), "encoding"), **kwargs)
        self.encoding = encoding
