"""StringLookup: strings to their places in a vocabulary, and back."""

from typing import Any

from hornbook.preprocessing.index_lookup import IndexLookup


class StringLookup(IndexLookup):
    """Turns strings into integers, or vectors, by a vocabulary that is given or learnt.

    The vocabulary begins with the mask token, if there is one and `output_mode` is `"int"`, and
    `num_oov_indices` places for strings that are not in it. It runs on the host.

    Args:
        max_tokens: the most tokens, special ones included, that `adapt` learns.
        num_oov_indices: places for unknown strings, which share several by a hash; 0 makes them an
            error.
        mask_token: a string that means that there is nothing: index 0, and in no vector.
        oov_token: what unknown indices become, with `invert`.
        vocabulary: tokens, or the path of a text file with one in each line.
        idf_weights: for `"tf_idf"`, a weight for each token of `vocabulary`.
        invert: whether it turns integers into strings.
        output_mode: `"int"`; `"one_hot"`: a vector for each string; for each sample, `"multi_hot"`:
            1 for the strings that are in it, `"count"`: how often, `"tf_idf"`: how often, times
            `log(1 + documents / (1 + documents with it))`.
        pad_to_max_tokens: whether vectors have `max_tokens` values from the start.
        sparse: only `False`.
        encoding: accepted for Keras's sake; strings are Unicode, bytes UTF-8.
        salt: an integer or two of them, for another hash of unknown strings: SipHash.

    Input: strings of any shape; output: int of the same shape, or floats, see `output_mode`.

    Raises:
        ValueError: for arguments that contradict each other, repeated tokens, or a file that is not
            there.

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
            name=name,
            **kwargs,
        )
        self.encoding = encoding
