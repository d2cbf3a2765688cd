"""`ownertag sandbox`: the organization of the demo, to point any AWS client at."""

from __future__ import annotations

import json
import shlex
import signal
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from ownertag.cli.options import NO_AWS, NO_SETTINGS, Exit, Options, Output, fail, with_options
from ownertag.cli.terminal import CommandLine
from ownertag.cli.writing import YELLOW, print_lines

if TYPE_CHECKING:
    from ownertag.sandbox.sandbox import Sandbox


@with_options(without={**NO_AWS, **NO_SETTINGS}, formats=(Output.TABLE, Output.JSON))
def sandbox(
    options: Options,
    port: Annotated[
        int, typer.Option("--port", help="The port on 127.0.0.1; 0 takes a free one.", min=0, max=65535)
    ] = 0,
    empty: Annotated[
        bool, typer.Option("--no-deploy", help="The organization before ownertag is deployed, to deploy it yourself.")
    ] = False,
) -> None:
    """Run an AWS organization on this machine, with ownertag deployed into it.

    Prints each resource as it is tagged, until Ctrl-C. Any AWS client can use it: set AWS_CONFIG_FILE as printed, and
    take one of the profiles.
    """
    from ownertag.sandbox.console_reporter import ConsoleReporter
    from ownertag.sandbox.personas import PERSONAS
    from ownertag.sandbox.sandbox import Sandbox

    ended: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: ended.append(number))
    table = options.format is Output.TABLE
    reporter = ConsoleReporter(lambda line: print_lines([line], {"refused": YELLOW}) if table else None)
    try:
        told = lambda error: options.say(f"the function failed: {error!r}")  # noqa: E731 - one line
        with Sandbox(reporter, port, told, empty=empty) as running:
            if options.format is Output.JSON:
                where = {
                    "endpoint_url": running.endpoint_url,
                    "config_file": str(running.config_file),
                    "settings_file": str(running.settings_file),
                    "package_file": str(running.package_file),
                }
                profiles = [persona.name for persona in PERSONAS]
                print(json.dumps({"schema": 1, **where, "profiles": profiles}), flush=True)
            else:
                print_lines(_greeting(running, empty=empty))
            options.say("Ctrl-C ends it")
            # The system may give a signal to any thread, but Python's handler runs when this one wakes: it must not
            # wait for anything without end.
            while not ended:
                time.sleep(0.1)
            options.say("ending")
    except OSError as error:
        fail(f"port {port}: {error.strerror}: choose another with --port, or leave it out", Exit.BAD_INPUT)


def _greeting(running: Sandbox, *, empty: bool) -> Iterator[str]:
    """Who is there, and the commands to begin with."""
    from ownertag.sandbox.demo_launches import IMAGE
    from ownertag.sandbox.personas import ACCOUNTS, PERSONAS

    yield f"An organization of {len(ACCOUNTS)} accounts on {running.endpoint_url}"
    yield ""
    for persona in PERSONAS:
        account = ACCOUNTS[persona.account]
        yield f"  {persona.name:<12} {persona.kind.value:<26} {account:<10} {persona.region}"
    yield ""
    yield f"  admin-NAME   root user of account NAME: {', '.join(ACCOUNTS.values())}"
    if not empty:
        yield "  hub          the role that may assume the tagger's role in every account"
    files = {"AWS_CONFIG_FILE": running.config_file, "OWNERTAG_CONFIG": running.settings_file}
    if empty:
        files["OWNERTAG_PACKAGE"] = running.package_file
    for variable, path in files.items():
        yield from ("", CommandLine(f"export {variable}={shlex.quote(str(path))}"))
    yield ""
    if empty:
        yield CommandLine("ownertag deploy plan --profile admin-management")
        yield CommandLine("ownertag deploy apply --profile admin-management")
    yield CommandLine("ownertag doctor --profile admin-security")
    yield CommandLine(f"aws --profile alice ec2 run-instances --image-id {IMAGE} --count 2")
    yield ""
