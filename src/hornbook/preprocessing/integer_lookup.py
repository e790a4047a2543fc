"""IntegerLookup: integers to their places in a vocabulary, and back."""

from typing import Any

from hornbook.preprocessing.index_lookup import IndexLookup


class IntegerLookup(IndexLookup):
    """Turns integers, such as ids, into those from 0 on, or into vectors; as `StringLookup`.

    Args:
        max_tokens: the most tokens, special ones included, that `adapt` learns.
        num_oov_indices: places for unknown integers, which share several by the remainder; 0 makes
            them an error.
        mask_token: an integer that means that there is nothing: index 0, and in no vector.
        oov_token: what unknown indices become, with `invert`.
        vocabulary: tokens, or the path of a text file with one in each line.
        vocabulary_dtype: only `"int64"`.
        idf_weights: for `"tf_idf"`, a weight for each token of `vocabulary`.
        invert: whether it turns indices into the integers of the vocabulary.
        output_mode: see `StringLookup`.
        sparse: only `False`.
        pad_to_max_tokens: whether vectors have `max_tokens` values from the start.
        oov_method: how unknown integers share several places: `"floormod"`, by the remainder, or
            `"farmhash"`, by a hash of their digits.
        salt: an integer or two of them, for another hash: SipHash.

    Raises:
        ValueError: for arguments that contradict each other, repeated tokens, or a file that is not
            there.

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
            raise ValueError(f"vocabulary_dtype is 'int64' alone, not {vocabulary_dtype!r}")
        super().__init__(
            max_tokens,
            num_oov_indices,
            mask_token,
            oov_token,
            vocabulary,
            idf_weights,
            invert,
            output_mode,
            pad_to_max_tokens,
            sparse,
            salt,
            oov_method=oov_method,
            name=name,
            **kwargs,
        )
