"""How long the packaged function takes to start, ready to tag, beside one that only makes two clients with boto3.

Both are put together, compiled and zipped alike, unpacked, and started by AWS's Runtime Interface Emulator with AWS's
runtime client, in turn within one run. The time is the emulator's own of the start: from the new process to a handler
that waits for its first event.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from zipfile import ZipFile

from harness.lambda_emulator import EmulatedFunction, unavailable
from harness.results import show
from ownertag.handler.settings import CONCURRENCY, CONFIG, QUEUE_URL
from ownertag.ledger.opening import LEDGER
from ownertag.rollout.package.build import build, pack
from ownertag.rollout.package.targets import CURRENT, compiler_for
from ownertag.rollout.package.wheels import install
from ownertag.sandbox.deployment import settings_text
from ownertag.sandbox.personas import HOME_REGION, HUB

ROUNDS = 15

NOTHING = "def handler(event, context):\n    return {}\n"
TWO_CLIENTS = f"import boto3\n\nsts = boto3.client('sts')\nec2 = boto3.client('ec2')\n\n\n{NOTHING}"

OURS, BOTO3, EMPTY = "ownertag, ready to tag", "boto3 with an STS and an EC2 client", "nothing"
VARIABLES = {
    CONFIG: "ownertag.toml",
    CONCURRENCY: "5",
    QUEUE_URL: f"https://sqs.{HOME_REGION}.amazonaws.com/{HUB}/ownertag",
    LEDGER: "dynamodb:ownertag-ledger",
}


def main() -> None:
    """Builds, measures and prints."""
    if reason := unavailable():
        raise SystemExit(reason)
    with tempfile.TemporaryDirectory(prefix="ownertag-start-") as name:
        folder = Path(name)
        functions = _functions(folder)
        times: dict[str, list[float]] = {function: [] for function in functions}
        for number in range(ROUNDS + 1):
            for function, (package, handler) in functions.items():
                took = _start(package, handler, VARIABLES, folder / f"{number}.{package.name}.log")
                if number:  # the first reads the files from the disk
                    times[function].append(took)
        sizes = {function: package.with_suffix(".zip").stat().st_size for function, (package, _) in functions.items()}
    base = median(times[BOTO3])
    rows = [
        {
            "handler": function,
            "start, ms": round(median(found)),
            "from": round(min(found)),
            "to": round(max(found)),
            "beside boto3 with two clients": round(median(found) / base, 2),
            "zip, kB": round(sizes[function] / 1000),
        }
        for function, found in times.items()
    ]
    show("start", f"Start of a function on one machine, the median of {ROUNDS} starts each", rows)


def _functions(folder: Path) -> dict[str, tuple[Path, str]]:
    """The unpacked packages by name, each with its handler."""
    compiler = compiler_for(CURRENT)
    settings = folder / "settings.toml"
    settings.write_text(settings_text("o-a1b2c3d4e5", "r-ab12"))
    build(CURRENT, folder / "ours.zip", settings=settings, compiler=compiler)

    def with_boto3(package: Path) -> None:
        install(package, CURRENT)
        (package / "function.py").write_text(TWO_CLIENTS)

    def with_nothing(package: Path) -> None:
        (package / "function.py").write_text(NOTHING)

    pack(folder / "boto3.zip", with_boto3, compiler)
    pack(folder / "empty.zip", with_nothing, compiler)
    for path in folder.glob("*.zip"):
        with ZipFile(path) as archive:
            archive.extractall(path.with_suffix(""))
    return {
        OURS: (folder / "ours", "ownertag.handler.lambda_function.handler"),
        BOTO3: (folder / "boto3", "function.handler"),
        EMPTY: (folder / "empty", "function.handler"),
    }


def _start(package: Path, handler: str, variables: Mapping[str, str], log: Path) -> float:
    """Starts a function once, calls it with an empty batch, and returns the milliseconds of the start."""
    with EmulatedFunction(package, handler, variables, log) as function:
        function.invoke({"Records": []})
        [took] = function.init_milliseconds()
    return took


if __name__ == "__main__":
    main()
