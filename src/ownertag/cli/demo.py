"""`ownertag demo`: the scripted tour of the main job."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

import typer

from ownertag.cli.options import Exit, Options, Output, with_options
from ownertag.cli.output import print_table

if TYPE_CHECKING:
    from ownertag.sandbox.night import NightAnswers
    from ownertag.sandbox.tour import Launch


@with_options
def demo(options: Options) -> None:
    """Tour an organization on this machine.

    Launches by all kinds of principals in several accounts and Regions, and the tags that their resources end up with.
    Then a night's story: instances that a group, a stack, another instance, a chain of roles and an impostor launched,
    and whose they are. Needs no AWS account and reaches none: moto stands in for AWS, on 127.0.0.1.

    Exits with 1 if a resource has not the tags that it should have, or somebody else is named than whose it is.
    """
    from ownertag.sandbox.night import at_night, by_day
    from ownertag.sandbox.sandbox import Sandbox
    from ownertag.sandbox.tour import tour
    from ownertag.sandbox.watch import Watch

    begun = time.monotonic()
    options.say("starting an organization of 6 accounts on this machine")
    watch = Watch(lambda line: options.say(f"  {line}"))
    with Sandbox(watch, failed=lambda error: options.say(f"the function failed: {error!r}")) as sandbox:
        launched = by_day(sandbox, options.say)
        launches = tour(sandbox, watch, options.say)
        told = at_night(sandbox, launched)
    _print(launches, told, options.format)
    options.say("at night: whose are they?")
    for line in (line for answers in told for line in answers.lines()):
        options.say(f"  {line}")
    end(launches, told, f"{time.monotonic() - begun:.0f} s", options.say)


def end(launches: Sequence[Launch], told: Sequence[NightAnswers], after: str, say: Callable[[str], None]) -> NoReturn:
    """Says what is wrong, or that all is well, and ends with the exit code for it."""
    problems = [problem for launch in launches for problem in launch.problems]
    problems += [problem for night_answers in told for problem in night_answers.problems]
    for problem in problems:
        say(f"wrong: {problem}")
    tagged = sum(launch.tagged for launch in launches)
    if problems:
        say(f"{len(problems)} things are not as they should be")
    else:
        answers = f"all {len(told)} answers are right"
        say(f"all {tagged} resources carry the tags that they should, and {answers}, after {after} in all")
    raise typer.Exit(Exit.FINDINGS if problems else Exit.OK)


def _print(launches: list[Launch], told: list[NightAnswers], format: Output) -> None:  # noqa: A002 - the word of the option
    objects = [launch.as_object() for launch in launches]
    if format is Output.JSON:
        for json_object in (*objects, *(one.as_object() for one in told)):
            print(json.dumps(json_object))
        return
    rows = [
        {
            "who": launch["who"],
            "as": launch["kind"],
            "account": launch["account_name"],
            "Region": launch["region"],
            "did": launch["did"],
            "owner": launch["owner"] or "-",
            "confidence": launch["confidence"] or "-",
            "dateCreated": launch["dateCreated"] or "-",
            "tagged": f"{launch['tagged']} of {launch['resources']}",
            "after": "-" if launch["seconds"] is None else f"{launch['seconds']:.1f} s",
            "": "wrong" if launch["problems"] else "ok",
        }
        for launch in objects
    ]
    print_table(rows, format)
