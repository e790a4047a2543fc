"""Run Python 2 sources under Python 3.

fissix rewrites old syntax. Operations whose meaning has changed (`/` of integers, `d.keys()`,
`it.next()`) become calls in the syntax tree that decide at run time. Removed builtins (`xrange`,
`unicode`) are provided to Python 2 sources only.
"""

import ast
import difflib
import functools
import importlib.abc
import importlib.machinery
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from hornbook.compat import python2_builtins as runtime
from hornbook.dialects import python2 as dialect

MISSING = "{path} is Python 2; to translate it, install fissix: pip install 'hornbook[python2]'"
INSTALLED = tuple(
    {str(Path(sysconfig.get_path(kind))) for kind in ("stdlib", "platstdlib", "purelib", "platlib")}
)
OURS = str(Path(__file__).parents[1])
THREE = (
    ast.AsyncFunctionDef,
    ast.AnnAssign,
    ast.JoinedStr,
    ast.MatMult,
    ast.Nonlocal,
    ast.YieldFrom,
)


# ---- detecting Python 2


def is_python2(source: str, unless_three: bool = False, path: str = "<source>") -> bool:
    """Whether a source is written in Python 2.

    Args:
        source: its text.
        unless_three: assume Python 2 unless that is impossible, as for a module of such a program.
        path: for messages.

    Raises:
        ImportError: if it takes fissix to tell, and fissix is not installed.

    Example:
        >>> is_python2("print 'hello'"), is_python2("print('hello')")
        (True, False)
        >>> is_python2("for i in xrange(3): pass")
        True
        >>> is_python2("try: xrange\\nexcept NameError: xrange = range")
        False
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return _rewritten(source, path) is not None
    if unless_three:
        return not any(_is_three(node) for node in ast.walk(tree))
    return bool(_signs(tree))


def _is_three(node: ast.AST) -> bool:
    if isinstance(node, ast.arguments):
        return bool(node.kwonlyargs or node.posonlyargs)
    if isinstance(node, ast.FunctionDef):
        return node.returns is not None
    return isinstance(node, THREE)


def _signs(tree: ast.AST) -> set[str]:
    """The Python 2 features of a parsable source, outside `try` statements."""
    used: set[str] = set()
    made: set[str] = set()
    for node in _unguarded(tree):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else made).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.arg):
            made.add(node.arg)
        elif isinstance(node, ast.alias):
            made.add((node.asname or node.name).partition(".")[0])
    found = {name for name in dialect.BUILTINS if name in used - made}
    guarded = _guarded_imports(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in dialect.MODULES} - guarded
        elif isinstance(node, ast.ImportFrom) and node.module in dialect.MODULES:
            found |= {node.module} - guarded
        elif isinstance(node, ast.Attribute) and node.attr in dialect.METHODS:
            found |= set() if _is_module(node.value) else {node.attr}
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "range":
            found |= {"range(a / b)"} if any(map(_divides, node.args)) else set()
    return found


def _unguarded(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but names looked up in a `try`, which say nothing about the version."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Try):
            yield from (n for n in ast.walk(node) if not _is_load(n))
        else:
            yield node
            yield from _unguarded(node)


def _is_load(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)


def _guarded_imports(tree: ast.AST) -> set[str]:
    return {
        alias.name if isinstance(node, ast.Import) else node.module or ""
        for attempt in ast.walk(tree)
        if isinstance(attempt, ast.Try)
        for node in ast.walk(attempt)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }


def _is_module(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("six", "utils", "future", "compat")


def _divides(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)


# ---- syntax


@functools.cache
def _tool(path: str, all_fixers: bool = False) -> Any:
    try:
        from fissix.refactor import RefactoringTool, get_fixers_from_package
    except ImportError:
        raise ImportError(MISSING.format(path=path)) from None
    if all_fixers:
        return RefactoringTool(get_fixers_from_package("fissix.fixes"))
    return RefactoringTool([f"fissix.fixes.fix_{name}" for name in dialect.FIXERS])


def _rewritten(source: str, path: str = "<source>") -> str | None:
    """The source in Python 3 syntax; `None` if it is not valid Python 2 either."""
    try:
        text = str(_tool(path).refactor_string(source.rstrip() + "\n", path))
        ast.parse(text)
    except ImportError:
        raise
    except Exception:  # fissix raises many kinds
        return None
    return text


def todays_syntax(source: str, path: str = "<source>") -> str:
    """The source in Python 3 syntax, rewritten if necessary and possible.

    Args:
        source: its text.
        path: for messages.

    Raises:
        ImportError: if it has to be rewritten, and fissix is not installed.

    Example:
        >>> todays_syntax("print 'hello', 1")
        "print('hello', 1)\\n"
        >>> todays_syntax("print('hello')")
        "print('hello')"
    """
    try:
        ast.parse(source)
    except SyntaxError:
        return _rewritten(source, path) or source
    return source


def rewritten(source: str, path: str = "<source>") -> str:
    """Convert a Python 2 source to Python 3 permanently: names as well as syntax.

    Args:
        source: its text.
        path: for messages.

    Raises:
        SyntaxError: if it is not valid Python 2.

    Example:
        >>> rewritten("for i in xrange(3): print i, d.has_key(i)")
        'for i in range(3): print(i, i in d)\\n'
    """
    try:
        return str(_tool(path, all_fixers=True).refactor_string(source.rstrip() + "\n", path))
    except ImportError:
        raise
    except Exception as error:  # fissix raises many kinds
        raise SyntaxError(f"{path}: {error}") from None


# ---- meaning


class Meaning(ast.NodeTransformer):
    """Gives a syntax tree its Python 2 semantics.

    `from __future__ import division` is remembered for later cells of a notebook.
    """

    def __init__(self) -> None:
        self.division = False

    def visit_Expression(self, node: ast.Expression) -> ast.AST:
        """What `eval` computes."""
        self.generic_visit(node)
        return ast.fix_missing_locations(node)

    def visit_Module(self, node: ast.Module) -> ast.AST:
        """Transform a whole source or a cell."""
        named = {a.name for n in ast.walk(node) for a in getattr(n, "names", ()) if _is_future(n)}
        self.division |= "division" in named
        self.generic_visit(node)
        return ast.fix_missing_locations(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        """Allow `from __future__ import` anywhere; redirect some modules."""
        if _is_future(node):
            return ast.copy_location(ast.Pass(), node)
        if not node.level and node.module in dialect.CHANGED:
            node.module = dialect.CHANGED[node.module]
        return node

    def visit_Import(self, node: ast.Import) -> ast.AST:
        """Redirect modules that were different ones."""
        for alias in node.names:
            if alias.name in dialect.CHANGED:
                alias.asname = alias.asname or alias.name
                alias.name = dialect.CHANGED[alias.name]
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """Make `/` of two integers round down."""
        self.generic_visit(node)
        if self.division or not isinstance(node.op, ast.Div):
            return node
        return ast.copy_location(_call("divide", node.left, node.right), node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        """`/=` likewise."""
        self.generic_visit(node)
        if self.division or not isinstance(node.op, ast.Div):
            return node
        before = ast.parse(ast.unparse(node.target), mode="eval").body
        return ast.copy_location(
            ast.Assign([node.target], _call("divide_in_place", before, node.value)), node
        )

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Handle methods that were removed, or returned lists and strings."""
        self.generic_visit(node)
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr in runtime.METHODS:
            found = _call("method", called.value, ast.Constant(called.attr))
            node.func = ast.copy_location(found, called)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Add special methods under today's names."""
        self.generic_visit(node)
        defined = {n.name for n in node.body if isinstance(n, ast.FunctionDef)}
        for old, new in dialect.SPECIAL.items():
            if old in defined and new not in defined:
                same = ast.Assign([ast.Name(new, ast.Store())], ast.Name(old, ast.Load()))
                node.body.append(ast.copy_location(same, node.body[-1]))
        return node


def _is_future(node: ast.AST) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(runtime.hidden(name), ast.Load()), [*arguments], [])


def compiled(source: str, path: str, mode: str = "exec") -> CodeType:
    """Compile a Python 2 source, keeping its line numbers.

    Args:
        source: its text.
        path: its file.
        mode: as for `compile`.

    Raises:
        SyntaxError: if it is not valid Python.
        ImportError: if it has to be rewritten, and fissix is not installed.

    Example:
        >>> names = namespace("example")
        >>> exec(compiled("print 7 / 2, xrange(3)", "example.py"), names)
        3 range(0, 3)
    """
    text = todays_syntax(source, path)
    tree = ast.parse(text.strip() if mode == "eval" else text, path, mode)
    if text.count("\n") > source.count("\n") + 1 or text.count("\n") < source.count("\n"):
        _renumber(tree, source.splitlines(), text.splitlines())
    return compile(Meaning().visit(tree), path, mode, dont_inherit=True)


def _renumber(tree: ast.AST, before: list[str], after: list[str]) -> None:
    """Restore the line numbers from before the rewrite."""
    lines: dict[int, int] = {}
    for _, i, i_end, j, j_end in difflib.SequenceMatcher(None, before, after, False).get_opcodes():
        for line in range(j, j_end):
            lines[line + 1] = min(i + line - j, max(i_end - 1, i)) + 1
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt | ast.expr | ast.ExceptHandler | ast.arg | ast.keyword):
            node.lineno = lines.get(node.lineno, node.lineno)
            node.end_lineno = max(lines.get(node.end_lineno or 0, 0), node.lineno)


def namespace(name: str) -> dict[str, Any]:
    """The initial namespace of a Python 2 module.

    Args:
        name: its `__name__`.
    """
    return {"__name__": name, "__builtins__": runtime.BUILTINS}


# ---- modules next to a program


class Local(importlib.abc.MetaPathFinder):
    """Finder for a program's own modules that are written in Python 2.

    Args:
        python2: whether the program itself is Python 2.
    """

    def __init__(self, python2: bool):
        self.python2 = python2
        self.loaded: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of such a module; `None` for others."""
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or not is_local(spec.origin):
            return None
        try:
            source = importlib.util.decode_source(Path(str(spec.origin)).read_bytes())
        except (OSError, SyntaxError, UnicodeDecodeError):
            return None
        if is_python2(source, unless_three=self.python2):
            spec.loader = Loader(fullname, str(spec.origin))
            self.loaded.add(fullname)
        return spec


def is_local(origin: str | None) -> bool:
    """Whether a module's file is the user's own: not Python's, not installed, not hornbook's.

    Args:
        origin: the path of the file.

    Example:
        >>> is_local(__file__), is_local("/home/me/utils.py"), is_local(ast.__file__)
        (False, True, False)
    """
    if not origin or not origin.endswith(".py"):
        return False
    folder = str(Path(origin).absolute().parent)
    if {"site-packages", "dist-packages"} & set(Path(folder).parts):
        return False
    return not any(folder == one or folder.startswith(one + "/") for one in (*INSTALLED, OURS))


class Loader(importlib.machinery.SourceFileLoader):
    """Loads a Python 2 module, without caching bytecode."""

    def get_code(self, fullname: str) -> CodeType:
        """The module's code."""
        path = self.get_filename(fullname)
        return compiled(importlib.util.decode_source(self.get_data(path)), path)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module with Python 2's builtins."""
        vars(module)["__builtins__"] = runtime.BUILTINS
        exec(self.get_code(module.__name__), vars(module))


@contextmanager
def local_modules(python2: bool) -> Iterator[None]:
    """A context in which modules next to the program may be written in Python 2.

    Args:
        python2: whether the program itself is Python 2.
    """
    finder = Local(python2)
    at = next((i for i, f in enumerate(sys.meta_path) if f is importlib.machinery.PathFinder), 0)
    sys.meta_path.insert(at, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in finder.loaded:
            sys.modules.pop(name, None)
