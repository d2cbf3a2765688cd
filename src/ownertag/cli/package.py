"""`ownertag package`: the zip that Lambda runs, for those who deploy it themselves."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ownertag.cli.options import NO_AWS, Exit, Options, Output, fail, with_options
from ownertag.cli.output import print_table

if TYPE_CHECKING:
    from ownertag.rollout.package.build import Built
    from ownertag.rollout.package.targets import Platform

#: Of the JSON that is printed; docs/reference/json.md describes it.
SCHEMA = 1

_WITHOUT_NETWORK = """
fetch the wheels where there is a network, with `ownertag package --download DIR`,
and repeat this with --wheels DIR"""


class Architecture(StrEnum):
    """The machines that Lambda has."""

    ARM64 = "arm64"
    X86_64 = "x86_64"


class Interpreter(StrEnum):
    """The Python that a package is for."""

    LAMBDA = "lambda"
    CURRENT = "current"


@with_options(without=NO_AWS)
def package(
    options: Options,
    output_dir: Annotated[
        Path, typer.Option("--output-dir", help="The folder to write the zips into.", metavar="DIR")
    ] = Path("dist"),
    arch: Annotated[
        list[Architecture] | None,
        typer.Option(
            "--arch", help="For which of Lambda's machines; both where it is left out.", metavar="arm64|x86_64"
        ),
    ] = None,
    python: Annotated[
        Interpreter,
        typer.Option("--python", help="Lambda's Python, or the one that runs this, to try a package here."),
    ] = Interpreter.LAMBDA,
    wheels: Annotated[
        Path | None,
        typer.Option("--wheels", help="Take wheels from this folder, not from the package index.", metavar="DIR"),
    ] = None,
    download: Annotated[
        Path | None,
        typer.Option("--download", help="Build nothing: fetch the wheels into this folder.", metavar="DIR"),
    ] = None,
    no_bytecode: Annotated[bool, typer.Option("--no-bytecode", help="Put in sources only.")] = False,
) -> None:
    """Build the zip that Lambda runs, from wheels whose hashes are locked.

    `ownertag deploy` builds it by itself; this is for other ways to deploy, such as Terraform. The settings go in where
    there are any. For a machine without a network, fetch the wheels elsewhere with --download, and build there with
    --wheels.

    Exits with 0 if all is built, 1 if something could not be built, 2 for wrong settings, 3 if a wheel can't be had.
    """
    from ownertag.core.settings import SettingsError
    from ownertag.rollout.package.build import build
    from ownertag.rollout.package.targets import CURRENT, LAMBDA, compiler_for
    from ownertag.rollout.package.wheels import PackageError, Unavailable
    from ownertag.rollout.package.wheels import download as fetch

    if wheels and download:
        fail("--wheels is to build, and --download only fetches: leave one out")
    machines = [machine.value for machine in arch or Architecture]
    targets = [CURRENT] if python is Interpreter.CURRENT else [LAMBDA[name] for name in dict.fromkeys(machines)]
    settings = None if download else options.settings_file()
    used = settings.path if settings else None
    told: list[dict[str, Any]] = []
    failed: tuple[str, int] | None = None

    def say(part: str) -> None:
        options.say(f"  {part}")

    try:
        for target in targets:
            options.say(f"{'fetching the wheels' if download else 'building the package'} for {target.name}")
            if download:
                told.append(_fetched_object(download, target, fetch(download, target, progress=say)))
                continue
            path = output_dir / f"ownertag-lambda-{target.name}.zip"
            compiler = None if no_bytecode else compiler_for(target)
            built = build(target, path, settings=used, compiler=compiler, wheels=wheels, progress=say)
            told.append(_object(built, target, used))
    except SettingsError as error:
        fail(str(error))
    except Unavailable as error:
        failed = f"{error}{'' if download else _WITHOUT_NETWORK}", Exit.UNREACHABLE
    except PackageError as error:
        failed = str(error), Exit.FINDINGS
    if told:  # those before one that failed are complete
        _print(told, options, wanted=not no_bytecode)
    if failed:
        fail(*failed)
    if settings is None and not download:
        options.say(
            "there are no settings in it: `ownertag deploy` puts them in;\nfor Terraform name them with --config"
        )


def _object(built: Built, target: Platform, settings: Path | None) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "target": target.name,
        "python": ".".join(map(str, target.python)),
        "path": str(built.path),
        "size": built.size,
        "sha256": built.sha256,
        "settings": str(settings) if settings else None,
        "bytecode": built.compiler,
        "shares": [
            {"name": share.name, "files": share.files, "size": share.size, "zipped": share.zipped}
            for share in built.shares
        ],
    }


def _fetched_object(folder: Path, target: Platform, names: tuple[str, ...]) -> dict[str, Any]:
    python = ".".join(map(str, target.python))
    return {"schema": SCHEMA, "target": target.name, "python": python, "path": str(folder), "wheels": list(names)}


def _print(told: list[dict[str, Any]], options: Options, wanted: bool) -> None:
    if options.format is Output.JSON:
        for one in told:
            print(json.dumps(one))
    elif options.format is Output.CSV:
        left_out = {"schema", "shares"}
        rows = [{key: _cell(value) for key, value in one.items() if key not in left_out} for one in told]
        print_table(rows, options.format)
    else:
        for one in told:
            print("\n".join(_fetched_lines(one) if "wheels" in one else _lines(one, wanted)))


def _cell(value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else "" if value is None else str(value)


def _fetched_lines(one: dict[str, Any]) -> list[str]:
    return [
        f"{one['path']}: {len(one['wheels'])} wheels for {one['target']}, Python {one['python']}",
        *(f"  {name}" for name in one["wheels"]),
    ]


def _lines(one: dict[str, Any], wanted: bool) -> list[str]:
    python = one["python"]
    bytecode = "without bytecode"
    if one["bytecode"]:
        bytecode = f"with bytecode, compiled by {one['bytecode']}"
    elif wanted:
        bytecode += f": there is no CPython {python} on this machine;\n  the function starts in twice the time"
    return [
        str(one["path"]),
        f"  {one['size']:,} bytes, for Python {python} on {one['target']}",
        f"  sha256 {one['sha256']}",
        *(
            f"    {share['name']:<24}{share['files']:>5} files{share['size'] / 1000:>8,.0f} kB"
            f"{share['zipped'] / 1000:>7,.0f} kB zipped"
            for share in one["shares"]
        ),
        f"  {bytecode}",
        f"  settings: {one['settings'] or 'none'}",
    ]
