"""Compiles the kernels in C++ into the wheel, where there is a compiler; without one it is pure."""

import os
import platform
import runpy
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = Path("src/hornbook/kernels/native")
MARCH = {
    "x86_64": ("x86-64-v3", "x86-64-v4"),
    "amd64": ("x86-64-v3", "x86-64-v4"),
    "aarch64": ("aarch64",),
    "arm64": ("aarch64",),
}
FLAGS = ("-std=c++17", "-O3", "-fPIC")
FLAGS += ("-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math")
WITHOUT = """built without the compiled kernels: there is no C++ compiler, the system is not a \
POSIX one, or HORNBOOK_NATIVE is 0"""


class Compile(BuildHookInterface):
    """One shared library for each set of instructions in `MARCH`, beside the sources.

    One that was made of the same sources in the same way is there already.
    """

    def initialize(self, version: str, build_data: dict) -> None:
        compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
        if not compiler or os.name != "posix" or os.environ.get("HORNBOOK_NATIVE") == "0":
            return self.say(WITHOUT)
        built = [self.compile(compiler, one) for one in MARCH.get(platform.machine().lower(), ())]
        if any(built):
            build_data["artifacts"] += [str(path) for path in built if path]
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{self.tag()}"

    def compile(self, compiler: str, build: str) -> Path | None:
        import jax

        folder = Path(self.root) / SOURCES
        target = folder / "compiled" / f"libhornbook-{build}.so"
        target.parent.mkdir(exist_ok=True)
        march = "armv8-a" if build == "aarch64" else build
        wide = ["-mprefer-vector-width=512"] if build == "x86-64-v4" else []
        digest = runpy.run_path(str(folder / "sources.py"))["digest"](folder)
        command = [*compiler.split(), *FLAGS, f"-march={march}", *wide]
        command.append(f"-DHORNBOOK_SOURCES={digest}ull")
        made, how = target.with_suffix(".txt"), f"{jax.__version__} {' '.join(command)}"
        if target.exists() and made.exists() and made.read_text() == how:
            return target.relative_to(self.root)
        made.unlink(missing_ok=True)
        self.say(f"compiling the kernels for {build}: a minute or so")
        command += ["-isystem", jax.ffi.include_dir()]
        sources = sorted(folder.glob("*.cc"))
        with TemporaryDirectory() as parts, ThreadPoolExecutor(os.cpu_count()) as pool:
            objects = [f"{parts}/{source.stem}.o" for source in sources]
            steps = [[*command, "-c", str(s), "-o", o] for s, o in zip(sources, objects)]
            link = [*compiler.split(), "-shared", *objects, "-o", f"{target}.new"]
            if not (all(pool.map(self.succeeds, steps)) and self.succeeds(link)):
                return None
        os.replace(f"{target}.new", target)
        made.write_text(how)
        return target.relative_to(self.root)

    def succeeds(self, command: list[str]) -> bool:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if done.returncode:
            self.say(f"{' '.join(command)} failed: built without it\n{done.stderr[-2000:]}")
        return done.returncode == 0

    def tag(self) -> str:
        from packaging.tags import sys_tags

        return next(sys_tags()).platform

    def say(self, text: str) -> None:
        self.app.display_warning(text)
