"""The machines and interpreters that there are packages for, and what compiles bytecode for them."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

#: Lambda's runtime that the templates name.
LAMBDA_PYTHON = (3, 13)

# Amazon Linux 2023, on which the runtime runs, has glibc 2.34 (doc: Lambda runtimes): wheels for older ones run there.
_GLIBCS = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014")


class Platform(Struct, frozen=True):
    """A package's name, and the options by which pip takes wheels for its machine."""

    name: str
    python: tuple[int, int]
    pip_options: tuple[str, ...] = ()


def _for_lambda(name: str, machine: str) -> Platform:
    version = ".".join(map(str, LAMBDA_PYTHON))
    platforms = [option for glibc in _GLIBCS for option in ("--platform", f"{glibc}_{machine}")]
    return Platform(name, LAMBDA_PYTHON, (*platforms, "--python-version", version, "--implementation", "cp"))


LAMBDA: Mapping[str, Platform] = {
    "arm64": _for_lambda("arm64", "aarch64"),
    "x86_64": _for_lambda("x86_64", "x86_64"),
}

#: For the interpreter that this runs on, for the tests.
CURRENT = Platform("current", sys.version_info[:2])


def compiler_for(target: Platform) -> str | None:
    """A CPython of the target's version on this machine, whose bytecode it runs; None where there is none."""
    return next((path for path in _candidates(target.python) if _is_cpython(path, target.python)), None)


def _candidates(version: tuple[int, int]) -> Iterator[str]:
    if sys.version_info[:2] == version and platform.python_implementation() == "CPython":
        yield sys.executable
    name = f"python{version[0]}.{version[1]}"
    if found := shutil.which(name):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for path in sorted(pyenv.glob(f"versions/{version[0]}.{version[1]}.*/bin/{name}"), reverse=True):
        yield str(path)


def _is_cpython(path: str, version: tuple[int, int]) -> bool:
    """Whether this is one: with another version selected, pyenv has the command, and it fails."""
    code = "import platform; print(platform.python_implementation(), *platform.python_version_tuple()[:2])"
    try:
        answer = subprocess.run([path, "-I", "-c", code], capture_output=True, text=True, check=False, timeout=30)  # noqa: S603 - a Python found on this machine
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout.split() == ["CPython", *map(str, version)]
