"""The wheel and the sdist: what is in them, that they come out the same, and that the wheel is all that is needed."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions, requires, version
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from harness.distributions import ROOT, SOURCES, TOOLS, Built, build, check, check_licences
from harness.installed import Installed
from ownertag.cli.app import COMMANDS
from ownertag.rollout.package.modules import function_files
from ownertag.rollout.package.wheels import LOCK

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Built of the clone; that the sdist builds the same wheel is checked as a part of it."""
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("installed") / "ownertag", built.wheel, shared=True)


def run(*command: str | Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """A process in a folder without anything, and with nothing of this environment."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(cwd), **more}
    return subprocess.run([*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_the_wheel_has_every_file_of_the_package_and_the_licence(built: Built) -> None:
    with ZipFile(built.wheel) as archive:
        names = archive.namelist()
        lock = archive.read("ownertag/rollout/package/function.txt")
    info = f"ownertag-{built.version}.dist-info"
    assert {name.partition("/")[0] for name in names} == {"ownertag", info}
    assert f"{info}/licenses/LICENSE" in names
    assert lock == LOCK.read_bytes()
    source = ROOT / "src"
    wanted = {
        path.relative_to(source).as_posix()
        for path in (source / "ownertag").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert {name for name in names if name.startswith("ownertag/")} == wanted


def test_the_sdist_has_what_the_wheel_is_built_from_and_no_more(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    beside = {name for name in names if not name.startswith("src/ownertag/")}
    assert beside == {".gitignore", "CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}
    assert built.sdist.stat().st_size < 2_000_000


def test_a_copy_with_other_times_and_modes_gives_the_same_bytes(built: Built, tmp_path: Path) -> None:
    copy, again = tmp_path / "copy", tmp_path / "dist"
    for name in SOURCES:
        source, target = ROOT / name, copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(source, target)
    for path in copy.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
        os.utime(path, (86400, 86400))
    other = build(again, copy)
    assert other.wheel.read_bytes() == built.wheel.read_bytes()
    assert other.sdist.read_bytes() == built.sdist.read_bytes()


def test_another_wheel_from_the_sdist_is_refused(tmp_path: Path) -> None:
    """An sdist that lacks something which only the clone has."""
    (tmp_path / "src/ownertag").mkdir(parents=True)
    (tmp_path / "src/ownertag/__init__.py").write_text("")
    (tmp_path / "src/ownertag/rows.toml").write_text("")
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "ownertag"\nversion = "1"\n'
        '[tool.hatch.build.targets.wheel]\npackages = ["src/ownertag"]\n'
        '[tool.hatch.build.targets.sdist]\nexclude = ["*.toml"]\n'
    )
    with pytest.raises(ValueError, match="the sdist builds another wheel"):
        build(tmp_path / "dist", tmp_path)


def test_a_licence_that_may_not_be_shipped_or_is_not_told_is_refused() -> None:
    def component(name: str, *licences: Any) -> dict[str, Any]:
        return {"name": name, "version": "1", "licenses": licences}

    fine = [
        component("a", {"license": {"id": "MIT"}}),
        component("b", {"license": {"id": "MPL-2.0"}}),  # of whole files, which are not ours
        component("c", {"expression": "Apache-2.0 OR BSD-3-Clause"}),
        component("d", {"license": {"name": "BSD"}}),
    ]
    check_licences({"components": fine})
    for wrong in (
        component("x", {"license": {"id": "GPL-3.0-only"}}),
        component("x", {"license": {"id": "AGPL-3.0-or-later"}}),
        component("x", {"expression": "LGPL-2.1-only AND MIT"}),
        component("x", {"license": {"name": "GNU General Public License v2 (GPLv2)"}}),
        component("x"),
    ):
        with pytest.raises(ValueError, match=r"\n  x 1: "):
            check_licences({"components": [*fine, wrong]})


def test_the_base_has_all_that_the_function_needs_and_there_are_no_extras() -> None:
    assert set(PROJECT["dependency-groups"]["function"]) <= set(PROJECT["project"]["dependencies"])
    assert "optional-dependencies" not in PROJECT["project"]
    assert not [line for line in requires("ownertag") or () if "extra ==" in line]


#: What a dependency makes part of its own interface, and brings.
BROUGHT = {"botocore": "boto3", "pyyaml": "moto", "urllib3": "botocore", "werkzeug": "moto"}


def imported(paths: Iterable[Path]) -> set[str]:
    """The distributions that modules import, but for what another brings."""
    names: set[str] = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add((node.module or "").partition(".")[0])
    known = packages_distributions()
    others = names - sys.stdlib_module_names - {"ownertag"}
    found = {known.get(name, [name])[0].lower().replace("_", "-") for name in others}
    return {name for name in found if BROUGHT.get(name) not in found}


def named(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[><=]", requirement)[0] for requirement in requirements}


def test_what_is_imported_is_asked_for_and_nothing_else() -> None:
    source = ROOT / "src"
    # pip is run, and not imported.
    assert imported((source / "ownertag").rglob("*.py")) | {"pip"} == named(PROJECT["project"]["dependencies"])
    function = [source / path for path in function_files() if path.suffix == ".py"]
    # Powertools' logger imports jmespath.
    assert imported(function) | {"jmespath"} == named(PROJECT["dependency-groups"]["function"])


def test_every_package_has_the_same_version_in_the_functions_lock_as_beside_it() -> None:
    def pins(path: Path) -> set[str]:
        return set(re.findall(r"^(\S+==\S+)", path.read_text("utf-8"), re.MULTILINE))

    assert pins(LOCK) < pins(ROOT / "requirements/product.txt") < pins(ROOT / "requirements/dev.txt")


HELP = """
import json, sys
from typer.main import get_command
from typer.testing import CliRunner
import ownertag
from ownertag.cli.app import app

def leaves(command, words):
    yield words
    for name in command.list_commands(None) if hasattr(command, "list_commands") else ():
        yield from leaves(command.get_command(None, name), [*words, name])

all_words = list(leaves(get_command(app), []))
codes = {" ".join(words): CliRunner().invoke(app, [*words, "--help"]).exit_code for words in all_words}
print(json.dumps({"codes": codes, "file": ownertag.__file__, "path": sys.path}))
"""


def test_from_the_wheel_every_command_answers_and_no_clone_is_on_the_path(installed: Installed, tmp_path: Path) -> None:
    answer = run(installed.ownertag, "--version", cwd=tmp_path)
    assert (answer.returncode, answer.stdout) == (0, f"ownertag {version('ownertag')}\n")
    answer = run(installed.python, "-P", "-c", HELP, cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout)
    assert set(told["codes"].values()) == {0}
    assert set(COMMANDS) < set(told["codes"])
    assert Path(told["file"]).is_relative_to(installed.folder)
    assert not [path for path in told["path"] if path and Path(path) in {ROOT, ROOT / "src", *(ROOT / "src").parents}]


def test_from_the_wheel_a_package_is_built(installed: Installed, wheels: Path, tmp_path: Path) -> None:
    options = ("--python", "current", "--no-bytecode", "--wheels", str(wheels), "--json")
    answer = run(installed.ownertag, "package", *options, cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout)
    with ZipFile(tmp_path / told["path"]) as archive:
        assert "ownertag/handler/lambda_function.py" in archive.namelist()
    assert (told["target"], told["settings"], told["bytecode"]) == ("current", None, None)
    assert {share["name"] for share in told["shares"]} > {"ownertag", "botocore", "licences and versions"}


CHANGED = """
import json, pathlib
from ownertag.rollout.package import cache
root = pathlib.Path(cache.ownertag.__file__).parent
hashes = [cache._inputs.__wrapped__("python3.13")]
for name in ("cli/whois/command.py", "core/tags.py", "catalogue/compiled.json", "rollout/package/function.txt",
             "rollout/package/build.py"):
    with (root / name).open("a") as file:
        file.write("\\n" if name.endswith(".json") else "# changed")
    hashes.append(cache._inputs.__wrapped__("python3.13"))
print(json.dumps([*hashes, cache._inputs.__wrapped__(None)]))
"""


def test_a_kept_package_is_of_one_state_of_what_goes_in_and_of_what_builds_it(
    installed: Installed, tmp_path: Path
) -> None:
    """As in a clone, where the version says nothing."""
    shutil.copytree(ROOT / "src/ownertag", tmp_path / "ownertag")
    answer = run(installed.python, "-c", CHANGED, cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert answer.returncode == 0, answer.stderr
    first, cli, *others = json.loads(answer.stdout)
    assert cli == first
    assert len({first, *others}) == 6


@pytest.mark.full
@pytest.mark.skipif(not (TOOLS / "twine").exists(), reason="no .venv-dist: `make dist` makes it")
def test_the_tools_find_nothing(built: Built) -> None:
    check(built)
