"""Text functions under their names in `keras.preprocessing.text`."""

from hornbook.core import doors
from hornbook.data.text import Tokenizer as Tokenizer
from hornbook.data.text import hashing_trick as hashing_trick
from hornbook.data.text import one_hot as one_hot
from hornbook.data.text import text_to_word_sequence as text_to_word_sequence
from hornbook.data.text import tokenizer_from_json as tokenizer_from_json

doors.publish(globals())
