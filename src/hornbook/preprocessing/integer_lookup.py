"""IntegerLookup: integers to vocabulary indices, and back."""

from typing import Any

from hornbook.core.arguments import own
from hornbook.preprocessing.index_lookup import IndexLookup


class IntegerLookup(IndexLookup):
    """Maps integers, such as ids, to consecutive indices or to vectors; see `StringLookup`.

    Args:
        max_tokens: maximum vocabulary size that `adapt` learns, including special tokens.
        num_oov_indices: number of indices for unknown integers, chosen by `oov_method`; with 0,
            unknown integers are an error.
        mask_token: the integer for missing values: index 0, and not encoded in vectors.
        oov_token: the integer for unknown indices, with `invert`.
        vocabulary: tokens, or the path of a text file with one token per line.
        vocabulary_dtype: must be `"int64"`.
        idf_weights: for `"tf_idf"`, one weight per token of `vocabulary`.
        invert: whether to map indices to the integers of the vocabulary.
        output_mode: see `StringLookup`.
        sparse: must be `False`.
        pad_to_max_tokens: whether vectors have `max_tokens` values even if the vocabulary is
            smaller.
        oov_method: how unknown integers are distributed over several indices: `"floormod"`, by the
            remainder, or `"farmhash"`, by a hash of their digits.
        salt: one or two integers; the hash is then SipHash.

    Raises:
        ValueError: for conflicting arguments, repeated tokens, or a missing file.

    Example:
        >>> import hornbook as keras
        >>> keras.layers.IntegerLookup(vocabulary=[12, 36])([[36, 12, 7]]).tolist()
        [[2, 1, 0]]
    """

    vocabulary_dtype = "int64"

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        if vocabulary_dtype != "int64":
            raise ValueError(f"vocabulary_dtype must be 'int64', not {vocabulary_dtype!r}")
        super().__init__(**own(locals(), "vocabulary_dtype"), **kwargs)
