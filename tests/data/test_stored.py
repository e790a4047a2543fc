"""`Dataset.cache(filename)`: elements kept in a file."""

import numpy as np
import pytest

from hornbook.data import Dataset, TensorSpec

ELEMENTS = [
    ({"x": np.arange(3.0), "name": "é"}, np.int64(1), None),
    ({"x": np.arange(2, dtype="uint8"), "name": b"\xff"}, np.int64(2), None),
]


def test_elements_come_back_as_they_were_and_the_source_is_read_once(tmp_path):
    calls = []

    def source():
        calls.append(1)
        return iter(ELEMENTS)

    path = tmp_path / "kept"
    data = Dataset.from_generator(source).cache(path)
    assert next(iter(data))[1] == 1 and not path.exists()  # an interrupted pass keeps nothing
    first, second = list(data), list(data)
    again = list(Dataset.from_generator(source).cache(str(path)).skip(1))
    assert len(calls) == 2 and [one.name for one in tmp_path.iterdir()] == ["kept"]
    for found, wanted in zip(first + second + again, ELEMENTS * 2 + ELEMENTS[1:], strict=True):
        assert found[0]["name"] == wanted[0]["name"] and found[1:] == wanted[1:]
        assert found[0]["x"].dtype == wanted[0]["x"].dtype
        np.testing.assert_array_equal(found[0]["x"], wanted[0]["x"])
        assert type(found[1]) is np.int64 and not found[0]["x"].flags.writeable


def test_texts_in_arrays(tmp_path):
    data = Dataset.from_tensor_slices(["a", "ü", "c"]).batch(2).cache(tmp_path / "kept")
    assert [one.tolist() for one in [*data, *data]] == [["a", "ü"], ["c"]] * 2


@pytest.mark.parametrize("content", [b"", b"other\n", b"hornbook cache 1\n"])
def test_another_file_is_refused(content, tmp_path):
    (tmp_path / "kept").write_bytes(content)
    with pytest.raises(ValueError, match="not a whole file that cache wrote"):
        list(Dataset.range(2).cache(tmp_path / "kept"))


def test_an_element_spec_is_the_structure_with_shapes_and_dtypes():
    data = Dataset.from_tensor_slices((np.ones((4, 2), "float32"), {"name": list("abcd")}))
    assert data.element_spec == (TensorSpec((2,), "float32"), {"name": TensorSpec((), "string")})
    assert data.batch(2).element_spec[0] == TensorSpec((None, 2), "float32")
    again = Dataset.from_generator(lambda: iter([1, 2]), output_signature=TensorSpec((), "int16"))
    assert again.element_spec == TensorSpec((), "int16")
    with pytest.raises(ValueError, match="no elements"):
        _ = data.take(0).element_spec
