"""What is in a package, that it comes out the same each time, and what stops one."""

from __future__ import annotations

import re
import shutil
import stat
import sys
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import pytest
from typer.testing import CliRunner, Result

from harness import fixtures
from ownertag.catalogue.lists import shipped_lists
from ownertag.cli.app import app
from ownertag.core.settings import SettingsError
from ownertag.rollout.package import targets
from ownertag.rollout.package.archive import write
from ownertag.rollout.package.build import Built, build
from ownertag.rollout.package.targets import CURRENT, LAMBDA, compiler_for
from ownertag.rollout.package.wheels import PackageError, Unavailable
from package.conftest import ForLambda

SETTINGS = '[organization]\nid = "o-a1b2c3d4e5"\nmanagement_account = "111111111111"\n'
COMPLETE = SETTINGS + 'hub_account = "222222222222"\nhome_region = "eu-central-1"\n'


def package(*arguments: str) -> Result:
    """`ownertag package` for this Python, without settings of whoever runs the tests."""
    given = ["package", "--python", "current", "--no-bytecode", *arguments]
    return CliRunner().invoke(app, given, env={"XDG_CONFIG_HOME": "/nowhere"})


def names(path: Path) -> list[str]:
    with ZipFile(path) as archive:
        return archive.namelist()


@pytest.mark.full
def test_the_same_bytes_twice(current: Built, wheels: Path, tmp_path: Path) -> None:
    again = build(CURRENT, tmp_path / "again.zip", compiler=compiler_for(CURRENT), wheels=wheels)
    assert again.compiler is not None
    assert again.sha256 == current.sha256
    assert again.path.read_bytes() == current.path.read_bytes()


def test_entries_are_sorted_with_fixed_times_and_modes_and_no_absolute_path(current: Built, tmp_path: Path) -> None:
    with ZipFile(current.path) as archive:
        entries = archive.infolist()
        content = b"".join(archive.read(entry) for entry in entries if entry.filename.endswith(".pyc"))
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {stat.S_IFREG | 0o644}
    assert not [entry.filename for entry in entries if entry.filename.startswith("/") or ".." in entry.filename]
    assert b"/var/task/ownertag/handler/lambda_function.py" in content
    assert b"ownertag-package-" not in content  # the folder in which it was put together
    assert str(tmp_path.parent).encode() not in content


def test_every_module_has_bytecode_that_python_takes_without_looking_at_times(unpacked: Path) -> None:
    modules = set(unpacked.rglob("*.py"))
    compiled = list(unpacked.rglob("*.pyc"))
    assert len(compiled) == len(modules) > 200
    assert {path.read_bytes()[4:8] for path in compiled} == {(1).to_bytes(4, "little")}  # PEP 552: hash, unchecked


def test_only_what_the_function_needs(for_lambda: ForLambda, current: Built) -> None:
    wanted = {
        "aws_lambda_powertools", "boto3", "botocore", "dateutil", "jmespath", "msgspec", "ownertag", "s3transfer",
        "six.py", "typing_extensions.py", "urllib3",
    }  # fmt: skip
    for path in (*for_lambda.zips.values(), current.path):
        found = [name for name in names(path) if "__pycache__" not in name]
        tops = {name.partition("/")[0] for name in found}
        assert {top for top in tops if not top.endswith(".dist-info")} == wanted
        own = {name.split("/")[1] for name in found if name.startswith("ownertag/")}
        assert own >= {"aws", "catalogue", "core", "flows", "handler", "ledger", "sinks", "sources"}
        assert own.isdisjoint({"cli", "sandbox", "rollout"})
        services = {name.split("/")[2] for name in found if name.startswith("botocore/data/") and name.count("/") > 2}
        assert services == {
            "autoscaling", "cloudtrail", "codebuild", "dynamodb", "ec2", "ecs", "events", "identitystore",
            "organizations", "resourcegroupstaggingapi", "sns", "sqs", "sts",
        } | {api.client for api in fixtures.catalogue().tag_apis.values()} | {
            entry.client for entry in shipped_lists().values() if not entry.none
        }  # fmt: skip
        assert "ownertag/catalogue/compiled.json" in found
        assert not [name for name in found if re.search(r"(^|/)(tests?|examples|bin)/", name)]


def test_licences_and_versions_stay_and_nothing_else_of_the_installation(for_lambda: ForLambda) -> None:
    kept = [name for name in names(for_lambda.zips["arm64"]) if ".dist-info/" in name]
    packages = {name.partition("/")[0] for name in kept}
    assert len(packages) == 11
    assert f"ownertag-{version('ownertag')}.dist-info/licenses/LICENSE" in kept
    for package in packages:
        assert f"{package}/METADATA" in kept
        assert [name for name in kept if name.startswith(f"{package}/") and "LICENSE" in name.upper()], package
    assert {name.rpartition("/")[2] for name in kept}.isdisjoint({"RECORD", "WHEEL", "INSTALLER", "direct_url.json"})


def test_each_machine_gets_its_own_extension_module(for_lambda: ForLambda) -> None:
    modules = {
        target: [name for name in names(path) if name.endswith(".so")] for target, path in for_lambda.zips.items()
    }
    assert modules == {
        "arm64": ["msgspec/_core.cpython-313-aarch64-linux-gnu.so"],
        "x86_64": ["msgspec/_core.cpython-313-x86_64-linux-gnu.so"],
    }


@pytest.mark.full
def test_bytecode_for_lambda_is_that_of_its_own_python(wheels: Path, tmp_path: Path) -> None:
    target = LAMBDA["arm64"]
    compiler = compiler_for(target)
    if compiler is None:
        pytest.skip("no CPython 3.13 on this machine: packages for Lambda go without bytecode")
    built = build(target, tmp_path / "package.zip", compiler=compiler, wheels=wheels)
    compiled = [name for name in names(built.path) if name.endswith(".pyc")]
    assert compiled
    assert all(name.endswith(".cpython-313.pyc") for name in compiled)


def test_a_python_that_only_answers_to_the_name_compiles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = tmp_path / "python3.99"
    shim.write_text("#!/bin/sh\necho 'python3.99: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert shutil.which("python3.99") == str(shim)
    assert compiler_for(targets.Platform("none", (3, 99))) is None


def test_a_package_without_bytecode_says_so(for_lambda: ForLambda) -> None:
    if sys.version_info[:2] == targets.LAMBDA_PYTHON:
        pytest.skip("this is CPython 3.13: it compiles for Lambda itself")
    assert for_lambda.told.count("without bytecode: there is no CPython 3.13 on this machine") == len(for_lambda.zips)
    for path in for_lambda.zips.values():
        assert f"{path}\n  {path.stat().st_size:,} bytes, for Python 3.13 on " in for_lambda.told
    assert "botocore's models" in for_lambda.told


def test_settings_go_in_and_wrong_ones_stop_the_build(wheels: Path, tmp_path: Path) -> None:
    settings = tmp_path / "mine.toml"
    output = tmp_path / "dist"
    arguments = ["--wheels", str(wheels), "--output-dir", str(output), "--config", str(settings)]
    answer = package(*arguments)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert "mine.toml" in answer.stderr
    assert "can't be read" in answer.stderr
    settings.write_text(SETTINGS)
    assert package(*arguments).exit_code == 2
    settings.write_text('[tags]\nowner = "{owner}"\n')
    answer = package(*arguments)
    assert answer.exit_code == 2
    assert "[organization] is missing" in answer.stderr
    assert not list(output.glob("*"))
    settings.write_text(COMPLETE)
    answer = package(*arguments)
    assert answer.exit_code == 0
    assert f"settings: {settings}" in answer.stdout
    with ZipFile(output / "ownertag-lambda-current.zip") as archive:
        assert archive.read("ownertag.toml").decode() == COMPLETE


def test_a_changed_wheel_stops_the_build_and_the_older_zip_stays(wheels: Path, tmp_path: Path) -> None:
    changed = tmp_path / "wheels"
    shutil.copytree(wheels, changed)
    [wheel] = changed.glob("jmespath-*.whl")
    with ZipFile(wheel, "a") as archive:
        archive.writestr("jmespath/more.py", "raise SystemExit('I was not in the lock')\n")
    output = tmp_path / "dist"
    output.mkdir()
    older = output / "ownertag-lambda-current.zip"
    older.write_text("older")
    answer = package("--wheels", str(changed), "--output-dir", str(output))
    assert (answer.exit_code, answer.stdout) == (1, "")
    told = answer.stderr
    assert re.match(r"(?s).*ownertag: jmespath==\S+ for current was changed, or broke off on the way:\n", told)
    assert "is not the wheel that is locked, and is not used" in told
    assert "DO NOT MATCH THE HASHES" in told
    assert "jmespath" in told
    assert [(path.name, path.read_text()) for path in output.iterdir()] == [(older.name, "older")]


def test_a_lock_with_a_line_that_has_no_hash_stops_the_build(wheels: Path, tmp_path: Path) -> None:
    lock = tmp_path / "function.txt"
    lock.write_text("jmespath==1.1.0\n")
    with pytest.raises(PackageError, match="hash"):
        build(CURRENT, tmp_path / "package.zip", lock=lock, wheels=wheels)


def test_a_zip_that_breaks_off_leaves_nothing_and_the_older_one_stays(tmp_path: Path) -> None:
    folder = tmp_path / "package"
    folder.mkdir()
    for name in "ab":
        (folder / name).write_text(name * 1000)
    older = tmp_path / "dist" / "package.zip"
    older.parent.mkdir()
    older.write_text("older")

    def break_off(name: str) -> str:
        if name == "b":
            raise OSError("no space left")
        return name

    with pytest.raises(OSError, match="no space left"):
        write(folder, older, break_off)
    assert [(path.name, path.read_text()) for path in older.parent.iterdir()] == [(older.name, "older")]


def test_without_the_wheels_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    with pytest.raises(Unavailable, match=r"aws-lambda-powertools.* can't be had for current"):
        build(CURRENT, tmp_path / "dist" / "package.zip", wheels=tmp_path / "wheels")
    assert list((tmp_path / "dist").iterdir()) == []


def test_a_folder_of_wheels_that_is_not_there_is_named(tmp_path: Path) -> None:
    answer = package("--wheels", str(tmp_path / "whels"), "--output-dir", str(tmp_path / "dist"))
    assert (answer.exit_code, answer.stdout) == (3, "")
    assert f"{tmp_path}/whels: there is no such folder of wheels" in answer.stderr


def test_of_two_packages_the_one_that_could_be_built_is_told(wheels: Path, tmp_path: Path) -> None:
    """The folder has no wheels for the second machine."""
    folder = tmp_path / "wheels"
    shutil.copytree(wheels, folder, ignore=shutil.ignore_patterns("*x86_64*"))
    options = ("--wheels", str(folder), "--output-dir", str(tmp_path / "dist"), "--no-bytecode", "--output", "csv")
    answer = CliRunner().invoke(app, ["package", *options], env={"XDG_CONFIG_HOME": "/nowhere"})
    assert answer.exit_code == 3
    assert "msgspec==" in answer.stderr
    assert "can't be had for x86_64" in answer.stderr
    head, row = answer.stdout.splitlines()
    assert head.startswith('"target","python","path","size","sha256"')
    assert row.startswith('"arm64","3.13","')
    assert [path.name for path in (tmp_path / "dist").iterdir()] == ["ownertag-lambda-arm64.zip"]


def test_to_build_and_to_fetch_at_once_is_refused(tmp_path: Path) -> None:
    answer = package("--wheels", str(tmp_path), "--download", str(tmp_path))
    assert answer.exit_code == 2
    assert "leave one out" in answer.stderr


def test_a_folder_that_cant_be_written_is_named(wheels: Path, tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_text("")
    with pytest.raises(PackageError, match=r"file.package\.zip can't be built"):
        build(CURRENT, taken / "package.zip", wheels=wheels)


def test_a_lock_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="is not there"):
        build(CURRENT, tmp_path / "package.zip", lock=tmp_path / "function.txt")
    with pytest.raises(SettingsError, match="can't be read"):
        build(CURRENT, tmp_path / "package.zip", settings=tmp_path / "none.toml")
