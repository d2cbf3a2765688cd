"""Builds the function's packages and prints what they contain.

Exit codes: 0 built; 1 could not be built; 2 bad usage or settings.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from ownertag.core.settings import SettingsError
from ownertag.rollout.package.build import Built, PackageError, build, download
from ownertag.rollout.package.targets import CURRENT, LAMBDA, LAMBDA_PYTHON, Platform, compiler_for

_VERSION = ".".join(map(str, LAMBDA_PYTHON))


def main(arguments: Sequence[str] | None = None) -> int:
    """Builds the packages that the arguments name."""
    given = _parser().parse_args(arguments)
    targets = [CURRENT] if given.python == "current" else [LAMBDA[name] for name in given.arch or LAMBDA]
    try:
        for target in targets:
            if given.download:
                download(given.download, target, given.lock)
                continue
            path = given.output / f"ownertag-lambda-{target.name}.zip"
            compiler = None if given.no_bytecode else compiler_for(target)
            built = build(target, path, given.lock, settings=given.config, compiler=compiler, wheels=given.wheels)
            _tell(built, target, wanted=not given.no_bytecode)
    except (PackageError, SettingsError) as error:
        sys.stderr.write(f"package: {error}\n")
        return 2 if isinstance(error, SettingsError) else 1
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser("python -m ownertag.rollout.package", description="Build the zip that Lambda runs.")
    parser.add_argument("--arch", action="append", choices=list(LAMBDA), help="of the function; both where left out")
    parser.add_argument(
        "--python",
        choices=["lambda", "current"],
        default="lambda",
        help=f"lambda: Lambda's {_VERSION}; current: the Python that runs this, to try a package on this machine",
    )
    parser.add_argument("--output", type=Path, default=Path("dist"), metavar="DIR", help="where to; dist")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the ownertag.toml that goes in")
    parser.add_argument(
        "--lock", type=Path, default=Path("requirements/function.txt"), metavar="FILE", help="requirements with hashes"
    )
    parser.add_argument("--wheels", type=Path, metavar="DIR", help="take wheels from here, not from the package index")
    parser.add_argument("--download", type=Path, metavar="DIR", help="only fetch the wheels into here")
    parser.add_argument("--no-bytecode", action="store_true", help="sources only")
    return parser


def _tell(built: Built, target: Platform, wanted: bool) -> None:
    version = ".".join(map(str, target.python))
    lines = [f"{built.path}  {built.size:,} bytes  sha256 {built.sha256}"]
    lines += [
        f"  {share.name:<24}{share.files:>6} files{share.size / 1000:>10,.0f} kB{share.zipped / 1000:>9,.0f} kB zipped"
        for share in built.shares
    ]
    if built.compiler is not None:
        lines.append(f"  with bytecode, compiled by {built.compiler}")
    elif wanted:
        lines.append(f"  without bytecode: there is no CPython {version} on this machine; it starts in twice the time")
    else:
        lines.append("  without bytecode")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
