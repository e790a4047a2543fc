"""`hornbook port OLD.py`: rewrite a program for an older Keras with today's names.

Edits are made in place, at the positions that Python's parser reports: comments, whitespace and all
other lines are kept.
"""

import ast
import difflib
import inspect
import re
import sys
from importlib.util import decode_source
from pathlib import Path
from typing import Any, NamedTuple

from hornbook.compat.edits import Left
from hornbook.compat.imports import COMPAT, HEAD, Found, Imported, todays_place
from hornbook.compat.python2 import is_python2, rewritten
from hornbook.compat.recognise import DIALECTS, recognise
from hornbook.compat.translate import resolve
from hornbook.dialects.row import Argument, Row
from hornbook.saving.files import replacing

BAD_INPUT = 2
ACC = {"acc": "accuracy", "val_acc": "val_accuracy"}
# merge(mode=): the functional layers of today.
MODES = {
    "sum": "add",
    "mul": "multiply",
    "ave": "average",
    "max": "maximum",
    "concat": "concatenate",
}
# Templates for backend functions without a direct replacement, by number of arguments.
WRITTEN = {
    ("get_value", 1): "keras.ops.convert_to_numpy({})",
    ("eval", 1): "keras.ops.convert_to_numpy({})",
    ("set_value", 2): "{}.assign({})",
    ("int_shape", 1): "{}.shape",
    ("ndim", 1): "len({}.shape)",
    ("variable", 1): "keras.Variable({})",
    ("dot", 2): "keras.ops.dot({}, {})",
    ("set_image_dim_ordering", 1): "keras.config.set_image_data_format({})",
    ("set_image_data_format", 1): "keras.config.set_image_data_format({})",
    ("image_data_format", 0): "keras.config.image_data_format()",
}
REPORTED = re.compile(r"\{(val_)?acc(?=[:}])")  # in file name templates
VARIED = (
    ("Embedding", "dropout"),
    ("BatchNormalization", "mode"),
    ("Deconvolution2D", "output_shape"),
    ("Deconv2D", "output_shape"),
)
GENERATORS = ("fit_generator", "evaluate_generator", "predict_generator")
PYTHON_2 = "`/` of integers rounded down in Python 2: should it be `//`?"


class Ported(NamedTuple):
    """A ported program.

    Args:
        source: its source.
        left: what needs a manual check.
    """

    source: str
    left: tuple[Left, ...]


class Porter(Imported, ast.NodeVisitor):
    """Collects the edits of one program.

    Args:
        source: the program.
        dialect: the module of `dialects/` it is written for.
    """

    def visit_Import(self, node: ast.Import) -> None:
        """Imports are edited last."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """See there."""

    # ---- uses

    def visit_Name(self, node: ast.Name) -> None:
        """Rename a name that has changed."""
        found = self.bound.get(node.id)
        if found is None or not isinstance(node.ctx, ast.Load):
            return
        self.used.add(node.id)
        if found.row is None:
            if node.id != "keras" and not found.family:
                self.heads.add(HEAD)
                self.put(*self.span(node), f"keras.{todays_place(found.place).partition('.')[2]}")
        elif node.id == found.place.rpartition(".")[2]:
            self.put(*self.span(node), found.row.new.rpartition(".")[2])

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Rename `keras.layers.core.Dense`, `K.mean`; `lr` of an optimizer."""
        found = self.find(node)
        if found is not None and found.family == "unknown":
            self.tell(node, "unknown", name=found.place)
        elif found is not None and found.row is not None:
            self.put(*self.span(node), self.today(found, node))
        elif found is None:
            if node.attr == "lr" and self.source(node.value).endswith("optimizer"):
                end = self.span(node)[1]
                self.put(end - 2, end, "learning_rate")
                if self.dialect.CAPTURED_RATE and isinstance(node.ctx, ast.Store):
                    self.tell(node, "rate")
            self.visit(node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Rename methods of custom layers."""
        if node.name == "get_output_shape_for":
            start = self.text.index(node.name.encode(), self.span(node)[0])
            self.put(start, start + len(node.name), "compute_output_shape")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """Port the arguments of a call that has a row."""
        found = self.find(node.func)
        if found is not None and found.row is not None:
            name = found.place.rpartition(".")[2]
            if name == "merge" and found.family == "layers":
                self.port_merge(node)
                return
            if self.port_written(node, name, found):
                return
            self.port_arguments(node, name, found.row)
            if found.family == "optimizers":
                self.port_decay(node)
        elif isinstance(node.func, ast.Attribute):
            self.port_method(node, node.func)
        self.generic_visit(node)

    def port_written(self, node: ast.Call, name: str, found: Found) -> bool:
        """Port calls that are not plain function calls today; whether it was one."""
        template = WRITTEN.get((name, len(node.args)))
        if template is None or found.family != "backend" or node.keywords:
            return False
        self.heads.add(HEAD)
        parts = template.split("{}")
        at, end = self.span(node)
        for part, argument in zip(parts, node.args):
            start, after = self.span(argument)
            self.put(at, start, part)
            at = after
            if name.startswith("set_image"):
                self.change_value("data_format", argument)
            self.visit(argument)
        self.put(at, end, parts[-1])
        return True

    def visit_Constant(self, node: ast.Constant) -> None:
        """`"w.{epoch}-{val_acc:.2f}.h5"`."""
        if isinstance(node.value, str) and REPORTED.search(node.value):
            text = REPORTED.sub(lambda found: f"{{{found[1] or ''}accuracy", self.source(node))
            self.put(*self.span(node), text)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """Rename keys: `history.history["acc"]`, `logs["val_acc"]`."""
        self.rename_accuracy(node.slice)
        self.generic_visit(node)

    def rename_accuracy(self, node: ast.AST) -> None:
        """Rename `acc` to `accuracy` in an expression that names a logged metric."""
        for one in ast.walk(node):
            if isinstance(one, ast.Constant) and one.value in ACC:
                self.put(*self.span(one), repr(ACC[one.value]).replace("'", '"'))

    # ---- calls

    def port_arguments(self, node: ast.Call, name: str, row: Row, method: bool = False) -> None:
        """Rename, join, move and drop arguments, and write old defaults out."""
        if any(isinstance(one, ast.Starred) for one in node.args):
            return
        parameters = _parameters(row, method)
        given: set[str] = set()
        todo, by_name = list(node.args), False
        for argument in row.positions:
            if not todo:
                break
            count = len(argument.old) if len(todo) >= len(argument.old) else 1
            count = count if all(map(_is_number, todo[:count])) or len(argument.old) == 1 else 1
            taken, todo = todo[:count], todo[count:]
            if self.dropped(node, name, argument, taken):
                by_name = True
                continue
            start, end = self.span(taken[0])[0], self.span(taken[-1])[1]
            by_name |= parameters[len(given) : len(given) + 1] != [argument.new]
            given.add(argument.new)
            self.put(start, start, f"{argument.new}=" * by_name + "(" * (count > 1))
            self.put(end, end, ")" * (count > 1))
            self.change_value(argument.new, taken[0])
        self.port_keywords(node, name, row, given)
        defaults = [
            f"{key}={self.written(value)}"
            for key, value in row.defaults.items()
            if key not in given and _default(row, key) != value and not _has_star(node)
        ]
        if defaults and not method:
            self.add_arguments(node, defaults)

    def port_keywords(self, node: ast.Call, name: str, row: Row, given: set[str]) -> None:
        """Rename keywords; several that are one argument today become a tuple."""
        named = {keyword.arg: keyword for keyword in node.keywords if keyword.arg}
        for argument in row.arguments:
            here = [named[old] for old in argument.old if old in named]
            if not here or self.dropped(node, name, argument, here):
                continue
            given.add(argument.new)
            if len(here) > 1:
                values = ", ".join(self.source(one.value) for one in here)
                self.put(*self.span(here[0]), f"{argument.new}=({values})")
                for one in here[1:]:
                    self.remove(node, one)
            else:
                start = self.span(here[0])[0]
                self.put(start, start + len(here[0].arg or ""), argument.new)
                self.change_value(argument.new, here[0].value)
        listed = {old for argument in row.arguments for old in argument.old}
        for key, keyword in named.items():
            if key not in listed:
                given.add(key)
                self.change_value(key, keyword.value)
        if "monitor" in given:
            for keyword in node.keywords:
                self.rename_accuracy(keyword.value)
            for one in node.args:
                self.rename_accuracy(one)

    def dropped(self, node: ast.Call, name: str, argument: Argument, taken: list) -> bool:
        """Remove arguments without meaning today; report those that mattered."""
        lost = argument.new == "weights" and name != "Embedding"
        lost |= (name, argument.new) in VARIED
        if argument.new and not lost:
            return False
        if argument.new == "weights":
            self.tell(node, "weights", name=name)
        elif argument.new or argument.warn:
            self.tell(node, "lost", name=name, argument=argument.old[0])
        for one in taken:
            self.remove(node, one)
        return True

    def change_value(self, argument: str, value: ast.AST) -> None:
        """Rewrite values that have changed."""
        if argument == "metrics":
            self.rename_accuracy(value)
            return
        changed = self.dialect.VALUES.get(argument, {})
        for one in value.elts if isinstance(value, ast.List | ast.Tuple) else [value]:
            if (
                isinstance(one, ast.Constant)
                and isinstance(one.value, str)
                and one.value in changed
            ):
                self.put(*self.span(one), self.written(changed[one.value]))
            elif argument == "optimizer" and isinstance(one, ast.Constant):
                self.port_optimizer(one)

    def written(self, value: Any) -> str:
        """A value as source."""
        if isinstance(value, str) and value.startswith(COMPAT):
            self.heads.add(f"import hornbook.{value.rpartition('.')[0]}")
            return f"hornbook.{value}"
        return repr(value).replace("'", '"')

    def port_optimizer(self, node: ast.Constant) -> None:
        """Write out `optimizer="adadelta"`, whose defaults have changed."""
        row = self.dialect.FAMILIES["optimizers"].get(str(node.value).lower())
        if row is not None and row.defaults:
            self.heads.add(HEAD)
            defaults = ", ".join(f"{k}={self.written(v)}" for k, v in row.defaults.items())
            self.put(*self.span(node), f"keras.{row.new}({defaults})")

    def port_decay(self, node: ast.Call) -> None:
        """Turn `SGD(lr=0.5, decay=1e-3)` into a learning rate schedule."""
        named = {keyword.arg: keyword for keyword in node.keywords}
        decay, rate = named.get("decay"), named.get("lr")
        if decay is None:
            return
        self.edits = [e for e in self.edits if not _inside(e, self.span(decay))]
        self.remove(node, decay)
        if rate is None or self.source(decay.value) in ("0", "0.", "0.0"):
            if rate is None and self.source(decay.value) not in ("0", "0.", "0.0"):
                self.tell(node, "lost", name=self.source(node.func), argument="decay")
            return
        self.heads.add(HEAD)
        start, end = self.span(rate.value)
        self.put(start, start, "keras.optimizers.schedules.InverseTimeDecay(")
        self.put(end, end, f", 1, {self.source(decay.value)})")

    def port_merge(self, node: ast.Call) -> None:
        """Turn `merge([a, b], mode="sum")` into `add([a, b])`."""
        given = dict(zip(("inputs", "mode", "concat_axis"), node.args))
        given |= {str(keyword.arg): keyword.value for keyword in node.keywords}
        mode = given.get("mode", ast.Constant("sum"))
        name = MODES.get(mode.value) if isinstance(mode, ast.Constant) else None  # type: ignore[arg-type]
        lost = set(given) - {"inputs", "mode", "concat_axis", "name", "output_shape"}
        if name is None or lost or "inputs" not in given:
            self.tell(node, "mode", mode=ast.unparse(mode))
            self.generic_visit(node)
            return
        self.heads.add(HEAD)
        start, end = self.span(node)
        inputs = self.span(given["inputs"])
        self.put(start, inputs[0], f"keras.layers.{name}(")
        rest = ""
        if name == "concatenate" and "concat_axis" in given:
            rest += f", axis={self.source(given['concat_axis'])}"
        if "name" in given:
            rest += f", name={self.source(given['name'])}"
        self.put(inputs[1], end, f"{rest})")
        self.visit(given["inputs"])

    def port_method(self, node: ast.Call, func: ast.Attribute) -> None:
        """Port method calls of models, or of any object if the arguments match a model's method."""
        name = func.attr
        if name == "get" and node.args:
            self.rename_accuracy(node.args[0])
        row = self.dialect.METHODS.get(f"Model.{name}") or self.dialect.METHODS.get(f"Layer.{name}")
        end = self.span(func)[1]
        if name in ("predict_classes", "predict_proba"):
            self.put(end - len(name), end, "predict")
            if name == "predict_classes":
                self.tell(node, "classes")
                last = self.span(node)[1]
                self.put(last, last, ".argmax(axis=-1)")
        if row is None:
            return
        if name in GENERATORS:
            self.put(end - len(name), end, name.partition("_")[0])
            row = self.steps(node, name, row)
        self.port_arguments(node, name, row, method=True)
        named = {keyword.arg for keyword in node.keywords}
        if name == "fit" and "epochs" in row.defaults and len(node.args) < 4:
            models = {"batch_size", "verbose", "validation_data", "callbacks", "validation_split"}
            if models & named and not named & {"nb_epoch", "epochs"}:
                self.add_arguments(node, [f"epochs={row.defaults['epochs']}"])

    def steps(self, node: ast.Call, name: str, row: Row) -> Row:
        """The row of a generator method, after converting sample counts to batch counts."""
        first = [*node.args, *(k.value for k in node.keywords if k.arg == "generator")][:1]
        text = self.source(first[0]) if first else "generator"
        counted = {"samples": ("steps_per_epoch" if name == "fit_generator" else "steps", text)}
        data = next((k.value for k in node.keywords if k.arg == "validation_data"), None)
        counted["validation_samples"] = ("validation_steps", self.source(data) if data else "")
        renamed = {"generator": "x", **{old: new for old, (new, _) in counted.items()}}
        for at, argument in enumerate(row.positions):
            values = [k.value for k in node.keywords if k.arg in argument.old]
            values += node.args[at : at + 1]
            if argument.new in counted and values:
                start, end = self.span(values[0])
                generator = counted[argument.new][1]
                self.put(start, start, "-(-(")
                self.put(end, end, f") // {generator}.batch_size)")
                self.tell(node, "steps", name=name)

        def today(one: Argument) -> Argument:
            return one._replace(new=renamed.get(one.new, one.new))

        positions, others = map(today, row.positions), map(today, row.others)
        return row._replace(positions=tuple(positions), others=tuple(others))


def _parameters(row: Row, method: bool) -> list[str]:
    """The positional parameters of today's function, in order."""
    try:
        found = inspect.signature(resolve(row.new)).parameters.values()
    except (AttributeError, TypeError, ValueError):
        return []
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [one.name for one in found if one.kind in places]
    return names[1:] if method and names[:1] == ["self"] else names


def _default(row: Row, name: str) -> Any:
    try:
        return inspect.signature(resolve(row.new)).parameters[name].default
    except (AttributeError, KeyError, TypeError, ValueError):
        return inspect.Parameter.empty


def _is_number(node: ast.AST) -> bool:
    return not isinstance(node, ast.Tuple | ast.List)


def _has_star(node: ast.Call) -> bool:
    return any(keyword.arg is None for keyword in node.keywords)


def _inside(edit: tuple[int, int, bytes], span: tuple[int, int]) -> bool:
    return span[0] <= edit[0] and edit[1] <= span[1]


def port(source: str, generation: str | None = None, path: str = "<program>") -> Ported:
    """Rewrite a program for an older Keras with today's names.

    Args:
        source: the program.
        generation: what it is written for; default: detected.
        path: for messages.

    Raises:
        SyntaxError: if it is not valid Python.
        ImportError: if it is Python 2, and fissix is not installed.

    Example:
        >>> old = "from keras.layers import Convolution2D\\nConvolution2D(64, 3, 3, init='uniform')"
        >>> print(port(old).source)
        from hornbook.layers import Conv2D
        Conv2D(64, (3, 3), kernel_initializer="random_uniform")
    """
    python2 = is_python2(source, path=path)
    if python2:
        source = rewritten(source, path)
    chosen = generation or recognise(source, path).generation
    if chosen not in ("keras1", "keras2"):
        return Ported(source, ())
    porter = Porter(source, DIALECTS[chosen])
    imports = [n for n in ast.walk(porter.tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    for node in imports:
        porter.bind(node)
    porter.visit(porter.tree)
    for node in imports:
        porter.edit_import(node)
    if python2:
        divisions = [n for n in ast.walk(porter.tree) if isinstance(n, ast.BinOp)]
        lines = {n.lineno for n in divisions if isinstance(n.op, ast.Div)}
        porter.left += [Left(line, PYTHON_2) for line in lines if "division" not in source]
    text = _with_heads(porter.result(), sorted(porter.heads))
    return Ported(text, tuple(sorted(set(porter.left))))


def _with_heads(text: str, heads: list[str]) -> str:
    """Insert imports before the first import or statement of a program."""
    if not heads:
        return text
    tree = ast.parse(text)
    first = next((n for n in tree.body if not _is_docstring(n) and not _is_future(n)), None)
    lines = text.splitlines(keepends=True)
    at = first.lineno - 1 if first else len(lines)
    return "".join([*lines[:at], *(f"{head}\n" for head in heads), *lines[at:]])


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_future(node: ast.AST) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def port_program(path: str, generation: str | None, out: str | None, write: bool) -> int:
    """Print the diff of a ported program, or write the program.

    Args:
        path: the program.
        generation: what it is written for; default: detected.
        out: where to write the ported program.
        write: overwrite the old program.

    Returns:
        The exit status.
    """
    try:
        source = decode_source(Path(path).read_bytes())
        found = port(source, generation, path)
        target = out or (path if write else None)
        if target is not None:
            with replacing(target) as temporary:
                temporary.write_text(found.source, encoding="utf-8")
    except (ImportError, OSError, SyntaxError, UnicodeDecodeError) as error:
        print(f"hornbook port: {error}", file=sys.stderr)
        return BAD_INPUT
    if target is None:
        before, after = source.splitlines(keepends=True), found.source.splitlines(keepends=True)
        sys.stdout.writelines(difflib.unified_diff(before, after, path, f"{path} (today)"))
    for left in found.left:
        print(f"hornbook port: {path}, line {left.line}: {left.text}", file=sys.stderr)
    return 0
