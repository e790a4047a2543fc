"""`get_file`, against a server on this machine."""

import hashlib
import io
import json
import os
import stat
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from hornbook.data import archive, download
from hornbook.utils import get_file
from tests.data.server import serving

CONTENT = bytes(range(256)) * 40
MD5, SHA256 = hashlib.md5(CONTENT).hexdigest(), hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def site():
    with serving() as site:
        site.files["/some/words.bin"] = CONTENT
        yield site


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("HORNBOOK_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "keras"


def words(site, **options):
    return get_file(origin=f"{site.address}/some/words.bin", **options)


def left_in(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def test_a_file_is_downloaded_once(site, home, capsys):
    path = words(site)
    assert path == str(home / "datasets" / "words.bin")
    assert Path(path).read_bytes() == CONTENT
    assert f"Downloading data from {site.address}/some/words.bin" in capsys.readouterr().out
    assert words(site) == path
    assert len(site.asked) == 1
    assert left_in(home / "datasets") == ["words.bin"]
    words(site, force_download=True)
    assert len(site.asked) == 2


def test_where_it_is_kept(site, home, tmp_path, monkeypatch):
    assert words(site, fname="a.bin", cache_subdir="x/y") == str(home / "x" / "y" / "a.bin")
    assert words(site, cache_dir=tmp_path / "c") == str(tmp_path / "c" / "datasets" / "words.bin")
    absolute = str(tmp_path / "elsewhere")
    assert words(site, cache_subdir=absolute) == os.path.join(absolute, "words.bin")
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert words(site) == str(tmp_path / "me" / ".keras" / "datasets" / "words.bin")


@pytest.mark.parametrize(
    "options",
    [
        {"file_hash": SHA256},
        {"file_hash": SHA256.upper()},
        {"file_hash": MD5},
        {"md5_hash": MD5},
        {"file_hash": MD5, "hash_algorithm": "md5"},
    ],
)
def test_checksums(site, home, options):
    path = Path(words(site, **options))
    path.write_bytes(b"broken")
    words(site, **options)  # a file in the cache that is not the right one
    assert path.read_bytes() == CONTENT
    assert len(site.asked) == 2
    site.files["/some/words.bin"] = b"another"
    with pytest.raises(ValueError, match="checksum"):
        words(site, force_download=True, **options)
    assert path.read_bytes() == CONTENT
    assert left_in(home / "datasets") == ["words.bin"]


def test_no_checksum(site):
    for options in ({"file_hash": "12"}, {"file_hash": MD5, "hash_algorithm": "crc"}):
        with pytest.raises(ValueError, match="md5 or sha256"):
            words(site, **options)


@pytest.mark.parametrize("options", [{}, {"file_hash": SHA256}])
def test_a_download_that_breaks_off_goes_on(site, home, options):
    site.breaks_after = [1000, 500]
    assert Path(words(site, **options)).read_bytes() == CONTENT
    assert [wanted for _, wanted in site.asked] == [None, "bytes=1000-", "bytes=1500-"]
    assert left_in(home / "datasets") == ["words.bin"]


def test_a_later_call_goes_on(site, home):
    site.breaks_after = [1000, 0]
    with pytest.raises(OSError, match="HORNBOOK_DATA"):
        words(site)
    assert not (home / "datasets" / "words.bin").exists()
    assert Path(words(site)).read_bytes() == CONTENT
    assert site.asked[-1][1] == "bytes=1000-"
    assert left_in(home / "datasets") == ["words.bin"]


def test_a_part_that_is_the_whole_is_no_trap(site, home):
    (home / "datasets").mkdir(parents=True)
    (home / "datasets" / "words.bin.part").write_bytes(CONTENT)
    assert Path(words(site, file_hash=MD5)).read_bytes() == CONTENT


@pytest.mark.parametrize("how", ["changed", "no ranges", "no tag"])
def test_a_part_of_another_file_is_not_gone_on_with(site, how):
    site.breaks_after = [1000, 0]
    site.tag = "" if how == "no tag" else site.tag
    with pytest.raises(OSError):
        words(site)
    site.files["/some/words.bin"] = new = CONTENT[::-1]
    site.tag = "" if how == "no tag" else '"2"'
    site.has_ranges = how != "no ranges"
    assert Path(words(site)).read_bytes() == new


def test_a_part_of_another_file_is_seen_by_the_checksum(site, home):
    (home / "datasets").mkdir(parents=True)
    (home / "datasets" / "words.bin.part").write_bytes(b"x" * 100)
    assert Path(words(site, file_hash=SHA256)).read_bytes() == CONTENT
    assert [wanted for _, wanted in site.asked] == ["bytes=100-", None]


def test_several_at_once_download_it_once(site):
    paths = []
    threads = [threading.Thread(target=lambda: paths.append(words(site))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(paths)) == 1
    assert len(paths) == 4
    assert len(site.asked) == 1
    assert Path(paths[0]).read_bytes() == CONTENT


def test_what_cannot_be_read_is_told(site, home):
    with pytest.raises(OSError, match="404"):
        get_file("a", f"{site.address}/no")
    with pytest.raises(OSError, match="HORNBOOK_DATA"):
        get_file("a", "http://127.0.0.1:9/a")
    with pytest.raises(ValueError, match="gopher"):
        get_file("a", "gopher://a/b")
    with pytest.raises(ValueError, match="origin"):
        get_file("a")


@pytest.mark.parametrize("fname", ["../a", "/a", "a/b", "..", ".", "a\\b", "C:a", "http://a/b"])
def test_a_name_has_no_folders(site, fname):
    with pytest.raises(ValueError, match="cache_subdir"):
        words(site, fname=fname)
    with pytest.raises(ValueError, match="is not a file name"):
        get_file(origin="http://127.0.0.1:9/a/..%2F..")


# ---- the folder of data


def test_files_of_the_folder_of_data_need_no_network(home, tmp_path, monkeypatch):
    data = tmp_path / "data"
    (data / "models").mkdir(parents=True)
    for name in ("a.txt", "models/b.h5", "models/a.txt", "other.txt"):
        (data / name).write_text(name)
    monkeypatch.setenv("HORNBOOK_DATA", str(data))
    origin = "http://127.0.0.1:9/dead/"
    assert get_file("a.txt", origin + "x") == str(data / "a.txt")
    assert get_file("x", origin + "a.txt", file_hash=MD5) == str(data / "a.txt")
    assert get_file("b.h5", origin + "b.h5", cache_subdir="models") == str(data / "models" / "b.h5")
    assert get_file("a.txt", origin, cache_subdir="models") == str(data / "models" / "a.txt")
    table = {"a.txt": "other.txt", origin + "z?v=1": "models/b.h5", "gone": "gone.txt"}
    (data / "map.json").write_text(json.dumps(table))
    assert get_file("a.txt", origin + "x") == str(data / "other.txt")
    assert get_file("q", origin + "z?v=1") == str(data / "models" / "b.h5")
    with pytest.raises(ValueError, match=r"gone\.txt"):
        get_file("gone", origin)
    assert not home.exists()
    with pytest.raises(OSError):
        get_file("a.txt", origin + "x", force_download=True)


def test_a_folder_of_data_that_is_none_is_told(site, tmp_path, monkeypatch):
    monkeypatch.setenv("HORNBOOK_DATA", str(tmp_path / "no"))
    with pytest.warns(UserWarning, match="not a folder"):
        assert Path(words(site)).read_bytes() == CONTENT


def test_archives_of_the_folder_of_data(home, tmp_path, monkeypatch):
    data = tmp_path / "data"
    (data / "ready").mkdir(parents=True)
    tarred(data / "things.tar.gz", {"top/a.txt": b"a"})
    monkeypatch.setenv("HORNBOOK_DATA", str(data))
    found = get_file("things", "http://127.0.0.1:9/things.tar.gz", untar=True)
    assert found == str(home / "datasets" / "things")
    assert Path(found, "top", "a.txt").read_bytes() == b"a"
    assert get_file("ready", "http://127.0.0.1:9/x.zip", extract=True) == str(data / "ready")


# ---- archives


def tarred(path, files, *others):
    with tarfile.open(path, "w:gz" if str(path).endswith("gz") else "w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o4777
            tar.addfile(info, io.BytesIO(content))
        for info in others:
            tar.addfile(info)


def zipped(path, files, modes=()):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = dict(modes).get(name, 0) << 16
            file.writestr(info, content)


@pytest.mark.parametrize(
    ("kind", "asked", "goal"),
    [
        ("zip", {"extract": True}, ""),
        ("tar.gz", {"untar": True, "fname": "things"}, "things"),
        ("tar.gz", {"extract": True, "fname": "things.tar.gz"}, "things_extracted"),
        ("zip", {"extract": True, "archive_format": ["zip"], "fname": "t"}, "t"),
    ],
)
def test_archives_are_unpacked(site, home, tmp_path, kind, asked, goal):
    files = {"top/a.txt": b"a", "top/b/c.txt": b"c"}
    (zipped if kind == "zip" else tarred)(tmp_path / f"x.{kind}", files)
    site.files[f"/things.{kind}"] = (tmp_path / f"x.{kind}").read_bytes()
    goal = f"things.{kind}" if "fname" not in asked else goal
    found = Path(get_file(origin=f"{site.address}/things.{kind}", **asked))
    assert found == home / "datasets" / goal
    assert {str(p.relative_to(found)) for p in found.rglob("*") if p.is_file()} == set(files)
    assert (found / "top" / "b" / "c.txt").read_bytes() == b"c"
    assert not (found / "top" / "a.txt").stat().st_mode & (stat.S_ISUID | stat.S_IXUSR)
    (found / "mine.txt").write_text("stays")
    get_file(origin=f"{site.address}/things.{kind}", **asked)
    assert len(site.asked) == 1
    get_file(origin=f"{site.address}/things.{kind}", force_download=True, **asked)
    assert (found / "mine.txt").exists()
    assert not [name for name in left_in(home / "datasets") if name.startswith(".")]


OUTSIDE = ["../evil", "/evil", "a/../../evil", "..\\evil", "C:\\evil", "\\\\host\\evil"]


@pytest.mark.parametrize("pack", [tarred, zipped])
@pytest.mark.parametrize("name", OUTSIDE)
def test_an_archive_writes_nothing_outside(tmp_path, pack, name):
    pack(tmp_path / "x", {"good": b"1", name: b"2"})
    with pytest.raises(ValueError, match="leads out"):
        archive.extract(tmp_path / "x", tmp_path / "in" / "to")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["in", "x"]


def test_links_and_devices_are_left_out(tmp_path):
    others = []
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
        info = tarfile.TarInfo(f"odd{len(others)}")
        info.type, info.linkname = kind, "/etc"
        others.append(info)
    tarred(tmp_path / "x.tar", {"good": b"1"}, *others)
    modes = {"odd": stat.S_IFLNK | 0o777, "good": stat.S_IFREG | 0o644}
    zipped(tmp_path / "x.zip", {"odd": b"/etc", "good": b"1"}, modes)
    for kind in ("tar", "zip"):
        with pytest.warns(UserWarning, match="skipped"):
            assert archive.extract(tmp_path / f"x.{kind}", tmp_path / kind)
        assert left_in(tmp_path / kind) == ["good"]


def test_nothing_is_written_through_a_link_in_the_archive(tmp_path):
    link = tarfile.TarInfo("dir")
    link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "outside")
    (tmp_path / "outside").mkdir()
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.addfile(link)
        info = tarfile.TarInfo("dir/evil")
        info.size = 1
        tar.addfile(info, io.BytesIO(b"1"))
    with pytest.warns(UserWarning, match="skipped"):
        archive.extract(tmp_path / "x.tar", tmp_path / "to")
    assert not left_in(tmp_path / "outside")
    assert (tmp_path / "to" / "dir" / "evil").read_bytes() == b"1"


@pytest.mark.parametrize("pack", [tarred, zipped])
def test_an_archive_does_not_fill_the_disk(tmp_path, monkeypatch, pack):
    monkeypatch.setattr(archive, "BYTES", 10_000)
    pack(tmp_path / "x.tar.gz", {"zeros": bytes(3_000_000)})
    with pytest.raises(ValueError, match="200 times"):
        archive.extract(tmp_path / "x.tar.gz", tmp_path / "to")
    assert left_in(tmp_path) == ["x.tar.gz"]


def test_what_is_no_archive(site):
    with pytest.warns(UserWarning, match="not a tar or zip archive"):
        words(site, extract=True)
    with pytest.raises(ValueError, match="rar"):
        words(site, extract=True, archive_format="rar")


def test_without_locks_it_works_too(site, monkeypatch):
    monkeypatch.setattr(download, "fcntl", None)  # as on Windows
    assert Path(words(site)).read_bytes() == CONTENT
