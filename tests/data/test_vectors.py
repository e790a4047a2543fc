"""Word vectors: files that gensim reads and writes, likeness as gensim finds it, an Embedding."""

import gzip
import struct

import numpy as np
import pytest

import hornbook as K
from hornbook.data import WordVectors, read_vectors, write_vectors
from hornbook.saving.policy import FileError

WORDS = ["the", "naïve", "猫", "New_York", "2", "-", "end"]
FORMATS = ("word2vec", "binary", "glove")
HOW_GENSIM_READS = {
    "word2vec": {},
    "binary": {"binary": True},
    "glove": {"no_header": True},
}


def some(words=WORDS, size=5, seed=0) -> WordVectors:
    matrix = np.random.default_rng(seed).normal(size=(len(words), size)).astype("float32")
    return WordVectors(words, matrix)


@pytest.fixture(scope="module")
def keyed():
    return pytest.importorskip("gensim.models").KeyedVectors


def of_gensim(keyed, vectors):
    theirs = keyed(vectors.matrix.shape[1])
    theirs.add_vectors(vectors.words, vectors.matrix)
    return theirs


def same(one, other):
    assert one.words == other.words
    assert one.matrix.dtype == "float32"
    np.testing.assert_array_equal(one.matrix, other.matrix)


# ---- files


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # gensim's open file
@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("format", FORMATS)
def test_gensim_reads_what_is_written(format, suffix, keyed, tmp_path):
    path = str(tmp_path / f"vectors{suffix}")
    write_vectors(path, some(), format)
    theirs = keyed.load_word2vec_format(path, **HOW_GENSIM_READS[format])
    assert theirs.index_to_key == WORDS
    np.testing.assert_array_equal(theirs.vectors, some().matrix)
    same(read_vectors(path), some())
    same(read_vectors(path, format), some())


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("format", FORMATS)
def test_what_gensim_writes_is_read(format, suffix, keyed, tmp_path):
    path = str(tmp_path / f"vectors{suffix}")
    of_gensim(keyed, some()).save_word2vec_format(
        path, binary=format == "binary", write_header=format != "glove"
    )
    same(read_vectors(path), some())
    same(read_vectors(path, limit=3), WordVectors(WORDS[:3], some().matrix[:3]))


def test_the_forms_that_other_programs_write(tmp_path):
    path = tmp_path / "vectors"
    path.write_bytes(b"2 3 \r\ncat 1 2e0 -3 \r\nmat 4 5 6 \r\n\r\n")  # fastText's spaces, Windows
    same(read_vectors(path), WordVectors(["cat", "mat"], np.float32([[1, 2, -3], [4, 5, 6]])))
    path.write_bytes(b"2 3\n. . . 1 2 3\nmat 4 5 6")  # as in glove.840B
    assert read_vectors(path, "glove").words == [". . .", "mat"]
    path.write_bytes(b"12 5\n13 6\n")  # words and one number
    same(read_vectors(path, "glove"), WordVectors(["12", "13"], np.float32([[5], [6]])))
    path.write_bytes(b"0 3\n")
    assert read_vectors(path, "word2vec").matrix.shape == (0, 3)
    rows = [word + b" " + struct.pack("<2f", *v) for word, v in ((b"a", (1, 2)), (b"b", (3, 4)))]
    same_ = WordVectors(["a", "b"], np.float32([[1, 2], [3, 4]]))
    for between in (b"", b"\n"):  # gensim's, word2vec's
        path.write_bytes(b"2 2\n" + between.join(rows) + between)
        same(read_vectors(path), same_)


def test_a_word_that_is_there_twice_counts_once(tmp_path):
    (tmp_path / "v").write_text("cat 1 2\nmat 3 4\ncat 5 6\n")
    with pytest.warns(UserWarning, match="1 words more than once, such as 'cat'"):
        vectors = read_vectors(tmp_path / "v")
    same(vectors, WordVectors(["cat", "mat"], np.float32([[1, 2], [3, 4]])))


@pytest.mark.parametrize("format", ["word2vec", "binary"])
def test_words_that_are_no_utf_8(format, tmp_path):
    path = tmp_path / "v"
    write_vectors(path, some(["cat", "naive"]), format)
    path.write_bytes(path.read_bytes().replace(b"naive", b"na\xefve"))
    with pytest.raises(
        FileError, match=r"word 2: b'na\\xefve' is not UTF-8; pass errors='replace'"
    ):
        read_vectors(path)
    assert read_vectors(path, errors="replace").words == ["cat", "na\ufffdve"]
    assert read_vectors(path, errors="ignore").words == ["cat", "nave"]


BINARY = b"2 2\na " + struct.pack("<2f", 1, 2) + b"b " + struct.pack("<2f", 3, 4)
DAMAGED = {
    "says too much": (b"900000000 300\ncat 1 2 3\n", "at least .* bytes; the file has 24"),
    "says too much, binary": (b"9 3" + BINARY[3:], "claims 9 words"),
    "says a huge vector": (b"0 99999999999\n", "claims 0 words"),
    "ends early": (b"3 2\nverylongwords 1 2\nmat 4 5\n", "ends after 2 of the 3 words"),
    "goes on": (b"1 2\ncat 1 2\nmat 4 5\n", "more than the 1 words"),
    "a short row": (b"2 3\ncat 1 2 3\nmat 4 5\n", "word 2: b'mat' has 2 numbers; .* have 3"),
    "no number": (b"cat 1 2\nmat 4 x\n", "word 2: could not convert"),
    "ends in a vector": (BINARY[:-3] + b"", "claims 2 words|ends within word 2 of 2"),
    "goes on, binary": (BINARY + b"c 12345678", "more than the 2 words"),
    "nothing": (b"", "not a word and its vector"),
    "a word alone": (b"cat\n", "not a word and its vector"),
}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("what", DAMAGED)
def test_what_is_damaged_is_told(what, compressed, tmp_path):
    content, message = DAMAGED[what]
    if compressed and "says too much" in what:
        message = "(ends|has a word without an end) after|word 1|ends within"
    (tmp_path / "v").write_bytes(gzip.compress(content) if compressed else content)
    with pytest.raises(FileError, match=message):
        read_vectors(tmp_path / "v")


def test_a_compressed_file_that_is_cut_off_or_grows_too_much_is_told(tmp_path):
    path = tmp_path / "v.gz"
    write_vectors(path, some(size=300))
    path.write_bytes(path.read_bytes()[:-900])
    with pytest.raises(FileError, match="damaged or truncated"):
        read_vectors(path)
    path.write_bytes(path.read_bytes()[:200] + b"x" * 400)
    with pytest.raises(FileError, match="damaged or truncated"):
        read_vectors(path)
    for line in (b"cat" + b" 0" * 20_000 + b"\n", b"0" * 20_000):  # many lines, or one
        with gzip.open(path, "wb", 9) as file:
            for _ in range(900):
                file.write(line)
        with pytest.raises(FileError, match="would grow from|line of more than"):
            read_vectors(path)


def test_a_binary_word_has_an_end(tmp_path):
    (tmp_path / "v").write_bytes(b"2 2\n" + b"x" * 9000)
    with pytest.raises(FileError, match="a word without an end after 0 of 2"):
        read_vectors(tmp_path / "v", "binary")


def test_files_are_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "v"
    write_vectors(path, some())
    for word in ("New York", "", "a\nb", "a\r"):
        with pytest.raises(ValueError, match="contains a space or newline"):
            write_vectors(path, some(["cat", word]))
    with pytest.raises(FileExistsError):
        write_vectors(path, some(["cat"]), overwrite=False)
    with pytest.raises(ValueError, match="format is one of"):
        write_vectors(path, some(), "text")
    with pytest.raises(ValueError, match="format is 'auto' or one of"):
        read_vectors(path, "text")
    same(read_vectors(path), some())
    assert [p.name for p in tmp_path.iterdir()] == ["v"]
    (tmp_path / "g").write_text("cat 1 2\n")
    with pytest.raises(FileError, match="format='glove'"):
        read_vectors(tmp_path / "g", "word2vec")


# ---- likeness


@pytest.mark.parametrize("size", [8, 300])
def test_what_is_similar_is_what_gensim_finds(size, keyed):
    vectors = some([f"w{i}" for i in range(size)], 16)
    theirs = of_gensim(keyed, vectors)
    one = vectors.matrix[5] * 3
    for asked in (
        {"positive": "w3"},
        {"positive": ["w3"], "topn": 3},
        {"positive": ["w3", "w4"], "negative": ["w5"], "topn": 5},
        {"positive": ["w3"], "negative": "w5", "topn": size + 9},
        {"positive": [("w3", 0.5), ("w4", -2.0)]},
        {"positive": one},
        {"positive": [one, "w1"], "negative": [(one, -0.3)]},
        {"negative": ["w1", "w2"], "topn": 0},
    ):
        ours, found = vectors.most_similar(**asked), theirs.most_similar(**asked)
        assert [word for word, _ in ours] == [word for word, _ in found]
        np.testing.assert_allclose([c for _, c in ours], [c for _, c in found], atol=1e-6)
    np.testing.assert_allclose(
        vectors.most_similar("w3", topn=None), theirs.most_similar("w3", topn=None), atol=1e-6
    )
    assert vectors.similarity("w1", "w2") == pytest.approx(theirs.similarity("w1", "w2"), abs=1e-6)


def test_a_row_of_zeros_is_like_no_other():
    vectors = WordVectors(["pad", "cat", "dog"], [[0, 0], [1, 0], [-1, 0]])
    assert vectors.most_similar("cat") == [("pad", 0.0), ("dog", -1.0)]
    assert vectors.similarity("pad", "cat") == 0


def test_what_cannot_be_asked_is_told():
    vectors = some()
    with pytest.raises(KeyError, match="'dog' is not among the 7 words"):
        vectors.most_similar(["dog"])
    with pytest.raises(ValueError, match="pass a word"):
        vectors.most_similar()
    with pytest.raises(ValueError, match=r"2 words take a matrix of as many rows.*\(3, 2\)"):
        WordVectors(["a", "b"], np.zeros((3, 2)))
    with pytest.raises(ValueError, match="'a' occurs more than once"):
        WordVectors(["a", "b", "a"], np.zeros((3, 2)))
    assert "the" in vectors and "dog" not in vectors and len(vectors) == 7


# ---- into and out of an Embedding


def test_a_table_for_the_words_of_a_tokenizer_and_back():
    tokenizer = K.preprocessing.text.Tokenizer()
    tokenizer.fit_on_texts(["cat mat cat dog cat dog"])
    vectors = some(["mat", "bird", "cat"])
    table, missing = vectors.table(tokenizer.word_index, unknown="ones")
    assert missing == ["dog"]
    np.testing.assert_array_equal(table[0], 0)
    np.testing.assert_array_equal(table[tokenizer.word_index["dog"]], 1)
    layer = K.layers.Embedding(*table.shape, weights=[table], trainable=False)
    out = np.asarray(layer(np.array(tokenizer.texts_to_sequences(["cat mat"]))))
    np.testing.assert_array_equal(out[0], [vectors["cat"], vectors["mat"]])
    again = WordVectors.of_embedding(layer, tokenizer.word_index)
    assert again.words == ["cat", "dog", "mat"]
    np.testing.assert_array_equal(again.matrix, table[1:])


def test_words_beyond_the_rows_are_left_out():
    vectors = some(["mat", "cat"])
    table, missing = vectors.table({"the": 1, "cat": 2, "mat": 3}, rows=3)
    assert (table.shape, missing) == ((3, 5), ["the"])
    np.testing.assert_array_equal(table, [np.zeros(5), np.zeros(5), vectors["cat"]])
    drawn, _ = vectors.table({"a": 0, "b": 1}, unknown=K.initializers.RandomNormal(stddev=0.6))
    assert drawn.shape == (2, 5) and len(np.unique(drawn)) == 10
