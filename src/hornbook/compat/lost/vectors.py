"""gensim: dropped attributes of word vectors."""

from collections import namedtuple
from typing import Any

Word = namedtuple("Word", "index count")


def vocab(dropped: Any) -> property:
    """`vectors.vocab`: a word's index and count.

    Args:
        dropped: today's property, which raises.
    """
    return property(
        lambda self: {
            word: Word(index, self.get_vecattr(word, "count") if "count" in self.expandos else 1)
            for word, index in self.key_to_index.items()
        }
    )


def index2word(dropped: Any) -> property:
    """`vectors.index2word`: the words in order.

    Args:
        dropped: today's property, which raises.
    """
    return property(lambda self: self.index_to_key)
