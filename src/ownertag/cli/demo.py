"""`ownertag demo`: the scripted tour of the main job."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import typer

from ownertag.cli.options import Exit, Options, Output, with_options
from ownertag.cli.output import print_table

if TYPE_CHECKING:
    from ownertag.sandbox.tour import Launch


@with_options
def demo(options: Options) -> None:
    """Tour an organization on this machine.

    Launches by all kinds of principals in several accounts and Regions, and the tags that their resources end up with.
    Needs no AWS account and reaches none: moto stands in for AWS, on 127.0.0.1.

    Exits with 1 if a resource has not the tags that it should have.
    """
    from ownertag.sandbox.sandbox import Sandbox
    from ownertag.sandbox.tour import at_night, tour
    from ownertag.sandbox.watch import Watch

    begun = time.monotonic()
    options.say("starting an organization of 6 accounts on this machine")
    watch = Watch(lambda line: options.say(f"  {line}"))
    with Sandbox(watch, failed=lambda error: options.say(f"the function failed: {error!r}")) as sandbox:
        launches = tour(sandbox, watch, options.say)
        night = at_night(sandbox, launches)
    _print(launches, options.format)
    for line in night:
        options.say(line)
    problems = [problem for launch in launches for problem in launch.problems]
    for problem in problems:
        options.say(f"wrong: {problem}")
    tagged = sum(launch.tagged for launch in launches)
    seconds = time.monotonic() - begun
    if problems:
        options.say(f"{len(problems)} things are not as they should be")
    else:
        options.say(f"all {tagged} resources carry the tags that they should, after {seconds:.0f} s in all")
    raise typer.Exit(Exit.FOUND if problems else Exit.WELL)


def _print(launches: list[Launch], format: Output) -> None:  # noqa: A002 - the word of the option
    objects = [launch.as_object() for launch in launches]
    if format is Output.JSON:
        for each in objects:
            print(json.dumps(each))
        return
    rows = [
        {
            "who": each["who"],
            "as": each["kind"],
            "account": each["account_name"],
            "Region": each["region"],
            "did": each["did"],
            "owner": each["owner"] or "-",
            "surely": each["confidence"] or "-",
            "dateCreated": each["dateCreated"] or "-",
            "tagged": f"{each['tagged']} of {each['resources']}",
            "after": "-" if each["seconds"] is None else f"{each['seconds']:.1f} s",
            "": "wrong" if each["problems"] else "ok",
        }
        for each in objects
    ]
    print_table(rows, format)
