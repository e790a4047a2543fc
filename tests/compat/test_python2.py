"""Python 2 programs keep their semantics."""

import builtins
import sys
import textwrap
from importlib.machinery import BuiltinImporter

import numpy as np
import pytest

from hornbook.cli import main
from hornbook.compat import python2
from hornbook.compat.python2_builtins import divide, divide_in_place

pytest.importorskip("fissix")

# What each line printed in Python 2.7.
PROGRAM = """
import cPickle, itertools, os
from StringIO import StringIO
print 7 / 2, -7 / 2, 7 / 2., 0777, 10L, `1 + 1`, 3 <> 4
x = 9
x /= 2
print x, map(None, [1, 2], [3]), zip('ab', [1, 2]), range(3) + [3]
d = {'a': 1}
print d.has_key('a'), d.keys()[0], d.items(), [k for k in d.iteritems()], d.itervalues().next()
class Count(object):
    def __init__(self): self.n = 0
    def __iter__(self): return self
    def next(self):
        self.n += 1
        if self.n > 3: raise StopIteration
        return self.n
    def __nonzero__(self): return False
    def __div__(self, other): return 'divided', other
count = Count()
print count.next(), list(count), bool(count), count / 2
exec 'y = 5 / 2' in d
print d['y'], filter(lambda c: c > 'a', 'abc'), reduce(lambda a, b: a + b, xrange(4))
try:
    raise ValueError, 'wrong'
except ValueError, error:
    print 'caught', error
print sorted([3, 1, 2], cmp=lambda a, b: cmp(b, a)), sorted({1: 2}.items(), key=lambda (k, v): v)
a = [3, 1, 2]
a.sort(lambda a, b: cmp(b, a))
print a, unicode('caf\\xc3\\xa9', 'utf8') == u'caf\\xe9'
print isinstance(u'', unicode), isinstance('', basestring)
print round(2.5), round(1.25, 1), long('3'), unichr(233) == u'\\xe9', 'a'.decode('utf8')
with open('bytes', 'w') as f:
    f.write(u'caf\\xe9'.encode('utf8').decode('latin-1') + '\\n')
print len(open('bytes').read()), len(open('bytes').read().decode('utf8'))
with open('pickled', 'w') as f:
    cPickle.dump([1, 'two'], f)
print cPickle.load(open('pickled')), StringIO('text').read()
def first((p, q), r):
    return p
print first((1, 2), 3)
from __future__ import division
"""
PRINTED = """
3 -4 3.5 511 10 2 True
4 [(1, 3), (2, None)] [('a', 1), ('b', 2)] [0, 1, 2, 3]
True a [('a', 1)] [('a', 1)] 1
1 [2, 3] False ('divided', 2)
2 bc 6
caught wrong
[3, 2, 1] [(1, 2)]
[3, 2, 1] True
True True
3.0 1.3 3 True a
6 5
[1, 'two'] text
1
"""


def run(folder, text, name="program.py", arguments=()):
    (folder / name).write_text(textwrap.dedent(text))
    return main(["run", str(folder / name), *arguments])


def test_a_program_prints_what_it_printed(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    program = PROGRAM.replace("from __future__ import division\n", "")
    assert run(tmp_path, program) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == PRINTED.strip().splitlines()
    assert "Python 2" in err.splitlines()[0]
    assert not hasattr(builtins, "xrange") and "cPickle" not in sys.modules


def test_a_future_import_may_stand_anywhere(tmp_path, capsys):
    assert run(tmp_path, "print 'x'\nfrom __future__ import division\nprint 7 / 2\n") == 0
    assert capsys.readouterr().out == "x\n3.5\n"


def test_modules_beside_it_are_translated_and_no_others(tmp_path, capsys):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "old.py").write_text("half = lambda x: x / 2\nprint 'old'\n")
    (tmp_path / "new.py").write_text("def f(x, *, y=2):\n    return f'{x / y}'\n")
    text = "import package.old as o, new\nprint o.half(7), new.f(7)\nreload(o)\n"
    assert run(tmp_path, text) == 0
    assert capsys.readouterr().out == "old\n3 3.5\nold\n"
    assert not list(tmp_path.rglob("*.pyc")) or not list(tmp_path.rglob("old*.pyc"))
    assert "package.old" not in sys.modules


def test_a_program_of_today_may_have_old_modules(tmp_path, capsys):
    (tmp_path / "old.py").write_text("def half(x):\n    print 'halving'\n    return x / 2\n")
    assert run(tmp_path, "import old, keras\nprint(old.half(7), 7 / 2)\n") == 0
    assert capsys.readouterr().out == "halving\n3 3.5\n"


@pytest.mark.parametrize("where", ["program", "module"])
def test_an_error_has_the_line_of_the_user_s_file(where, tmp_path, capsys):
    text = (
        "def f((a, b)):\n    return a\ndef g((c, d)):\n    return c\nprint f((1, 2))\nprint 1 / 0\n"
    )
    (tmp_path / "old.py").write_text(text)
    assert run(tmp_path, text if where == "program" else "print 'x'\nimport old\n") == 1
    err = capsys.readouterr().err
    assert f'{"program" if where == "program" else "old"}.py", line 6' in err
    assert "print 1 / 0" in err and "python2.py" not in err


def test_a_syntax_error_is_told_with_its_line(tmp_path, capsys):
    assert run(tmp_path, "print 'a'\ndef f(:\n") == 2
    assert "line" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("print('a', 1)", False),
        ("d.iteritems()", True),
        ("six.iteritems(d)", False),
        ("try:\n    import cPickle as pickle\nexcept ImportError:\n    import pickle", False),
        ("import cPickle as pickle", True),
        ("for i in range(n / 2): pass", True),
        ("def f(long): return long", False),
        ("from six.moves import xrange\nxrange(3)", False),
        ("def f(:", False),
        ("exec 'a'", True),
        ("x = 1 <> 2", True),
    ],
)
def test_which_sources_are_python_2(text, wanted):
    assert python2.is_python2(text) == wanted


def test_division_of_arrays():
    whole = np.arange(4)
    assert divide(whole, 2).tolist() == [0, 0, 1, 1]
    assert divide(whole, 2.0).tolist() == [0, 0.5, 1, 1.5]
    same = divide_in_place(whole, 2)
    assert same is whole and whole.tolist() == [0, 0, 1, 1]
    assert divide(True, 2) == 0 and divide(np.int64(3), 2) == 1


def test_csv_takes_files_open_in_binary_mode(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = """
    import csv
    with open('a.csv', 'wb') as f:
        csv.writer(f).writerow([1, 'two'])
    with open('a.csv', 'rb') as f:
        print list(csv.reader(f))
        f.seek(0)
        print csv.DictReader(f).fieldnames
    """
    assert run(tmp_path, text) == 0, capsys.readouterr().err
    assert capsys.readouterr().out == "[['1', 'two']]\n['1', 'two']\n"
    assert (tmp_path / "a.csv").read_bytes() == b"1,two\r\n"


def test_the_encoding_idiom_changes_nothing(tmp_path, capsys):
    loader = BuiltinImporter.__dict__["exec_module"]
    text = "import sys\nreload(sys)\nsys.setdefaultencoding('utf-8')\nprint 'x', sys.maxint > 0\n"
    assert run(tmp_path, text) == 0, capsys.readouterr().err
    assert capsys.readouterr().out == "x True\n"
    assert BuiltinImporter.__dict__["exec_module"] is loader
    assert not hasattr(sys, "maxint")
