"""FarmHash, SipHash and hashed crosses give what TensorFlow gives, for strings of all lengths."""

import json
from pathlib import Path

import numpy as np

from hornbook.preprocessing.hashes import bins, cross, fingerprint64, siphash24

TENSORFLOW = json.loads(Path(__file__).with_name("hashes.json").read_text())
STRINGS = [text.encode() for text in TENSORFLOW["strings"]]
LARGEST = 2**63 - 1


def test_every_length_has_the_fingerprint_of_tensorflow():
    assert bins(STRINGS, LARGEST).tolist() == TENSORFLOW["fp"]
    one_by_one = [int(fingerprint64([text])[0]) for text in STRINGS]
    assert fingerprint64(STRINGS * 2).tolist() == one_by_one * 2


def test_siphash_is_that_of_tensorflow_and_of_its_paper():
    assert bins(STRINGS, LARGEST, (133, 137)).tolist() == TENSORFLOW["sip"]
    key = tuple(int.from_bytes(bytes(range(i, i + 8)), "little") for i in (0, 8))
    assert int(siphash24([bytes(range(15))], key)[0]) == 0xA129CA6149BE45E5


def test_crosses_are_those_of_tensorflow():
    text = fingerprint64(STRINGS)
    numbers = (np.arange(len(STRINGS)) * 7919 - 50).view("uint64")
    columns = {"si": [text, numbers], "ss": [text] * 2, "ii": [numbers] * 2}
    for name, given in (columns | {"sis": [text, numbers, text]}).items():
        assert (cross(given) % np.uint64(1000003)).tolist() == TENSORFLOW[f"cross_{name}"]
