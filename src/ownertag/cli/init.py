"""`ownertag init`: writes the first settings of an organization from what AWS says of it and a person decides."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ownertag.cli.init_output import Written, report, say_next, wrapped
from ownertag.cli.new_file import write_new
from ownertag.cli.options import CONFIG_NAME, Exit, Options, Output, fail, with_options
from ownertag.cli.sessions import any_session, caller_identity
from ownertag.core.toml.advice import shown

if TYPE_CHECKING:
    from ownertag.aws.credentials import CallerSession
    from ownertag.rollout.init.compose import Chosen
    from ownertag.rollout.init.facts import Reading
    from ownertag.rollout.init.questions import Question

#: Where it is read from if neither the command nor the profile names a Region.
_REGION = "us-east-1"
_STDOUT = "-"


@with_options
def init(
    options: Options,
    file: Annotated[
        Path | None,
        typer.Argument(
            help="Where to write; - prints it. Left out: what --config names, else ownertag.toml here.", metavar="FILE"
        ),
    ] = None,
    hub_account: Annotated[
        str | None, typer.Option("--hub-account", help="The account of the hub.", metavar="ID")
    ] = None,
    home_region: Annotated[
        str | None, typer.Option("--home-region", help="The Region of the hub.", metavar="REGION")
    ] = None,
    unit: Annotated[
        list[str] | None,
        typer.Option("--unit", help="A unit to begin with, by id or name; can be repeated.", metavar="UNIT"),
    ] = None,
    what_is_this: Annotated[
        str | None, typer.Option("--what-is-this", help="A page of yours on the tags.", metavar="URL")
    ] = None,
    alarm_email: Annotated[
        str | None, typer.Option("--alarm-email", help="Who gets the alarms.", metavar="ADDRESS")
    ] = None,
    regions: Annotated[
        str | None,
        typer.Option("--regions", help="Tag in these Regions only, with commas between.", metavar="REGION,REGION"),
    ] = None,
    organization: Annotated[
        str | None,
        typer.Option("--organization", help="The organization's id, if it can't be read.", metavar="ID"),
    ] = None,
    management_account: Annotated[
        str | None,
        typer.Option("--management-account", help="The management account, if it can't be read.", metavar="ID"),
    ] = None,
    identity_store: Annotated[
        str | None,
        typer.Option("--identity-store", help="Identity Center's store, if it can't be read.", metavar="ARN"),
    ] = None,
    no_observe: Annotated[
        bool, typer.Option("--no-observe", help="Tag at once; left out, it watches first, and nothing is tagged.")
    ] = False,
) -> None:
    """Write a commented ownertag.toml for the organization that the credentials are of.

    Reads the organization, its units, accounts and Regions, the trail and Identity Center; best with credentials of the
    management account. What can't be read, and what nobody but you can decide, is asked; where nobody can be asked,
    each has an option. No file is ever overwritten, and nothing in AWS is changed.

    Exits with 0 if it is written, 2 for bad input or a file that is there, 3 if the credentials can't be used, 130 if
    it was interrupted.
    """
    target = _target(file, options)
    given = {
        "organization.id": organization,
        "organization.management_account": management_account,
        "organization.hub_account": hub_account,
        "organization.home_region": home_region,
        "organization.units": ",".join(unit) if unit else None,
        "hub.alarm_email": alarm_email,
        "tags.WhatIsThis": what_is_this,
        "trust.identity_stores": identity_store,
        "organization.regions": regions,
    }
    with _nothing_written():
        reading, session, caller = _read(options)
        answers = _answers(reading, {key: value for key, value in given.items() if value is not None})
        written = _composed(reading, answers, caller, observe=not no_observe)
        _write(target, written.text, options)
    report(target, written, reading, options)
    if target:
        say_next(target, session, answers["organization.hub_account"].value[0], options)


def _target(file: Path | None, options: Options) -> Path | None:
    """The file to write, which is not there yet; None for standard output."""
    if file is not None and str(file) == _STDOUT:
        return None
    path = file or options.config or Path(CONFIG_NAME)
    name = shown(str(path))
    if path.is_dir():
        path = path / CONFIG_NAME
        name = shown(str(path))
    if path.exists() or path.is_symlink():
        fail(f"{name}: is there already, and no file is overwritten: name another, as `ownertag init FILE`, or move it")
    if not path.parent.is_dir():
        fail(f"{name}: there is no folder {shown(str(path.parent))}: make it, or name another file")
    if not os.access(path.parent, os.W_OK):
        fail(f"{name}: {shown(str(path.parent))} can't be written to: name another file, or - to print it")
    return path


def _read(options: Options) -> tuple[Reading, CallerSession, str]:
    """What was read, with whose session, and the caller's ARN."""
    from ownertag.rollout.init.read import read_organization

    session = any_session(options)
    region = session.region or _REGION
    caller = caller_identity(session, region)
    options.say(f"account {caller.account}, {session.name}")
    return read_organization(session, caller.account, region, options.say), session, caller.arn


def _answers(reading: Reading, given: Mapping[str, str]) -> dict[str, Chosen]:
    """The answers, by options or asked on a terminal; all that is wrong or missing is told at once."""
    from ownertag.rollout.init.compose import Chosen, Origin
    from ownertag.rollout.init.questions import questions, regions_answer, unasked_problem

    asked = questions(reading)
    keys = {question.key for question in asked}
    answers: dict[str, Chosen] = {}
    wrong = [problem for key in given.keys() - keys if (problem := unasked_problem(key, given[key], reading))]
    for question in asked:
        if question.key in given:
            value, problem = question.parse(given[question.key])
            wrong += [f"{question.flag}: {problem}"] if problem else []
            answers[question.key] = Chosen(value, Origin.GIVEN, question.flag)
    if "trust.identity_stores" in given.keys() - keys:
        answers["trust.identity_stores"] = Chosen((given["trust.identity_stores"],), Origin.GIVEN, "--identity-store")
    if "organization.regions" in given:
        home = answers.get("organization.home_region")
        value, problem = regions_answer(given["organization.regions"], home.value[0] if home else "", reading)
        wrong += [f"--regions: {problem}"] if problem else []
        answers["organization.regions"] = Chosen(value, Origin.GIVEN, "--regions")
    if wrong:
        fail("\n".join(wrong))
    missing = [question for question in asked if question.key not in answers]
    if not sys.stdin.isatty():
        if required := [question for question in missing if not question.optional]:
            fail("\n".join(_told_missing(required)))
        return answers
    for question in missing:
        if value := _ask(question):
            answers[question.key] = Chosen(value, Origin.ASKED, question.flag)
    return answers


def _told_missing(required: list[Question]) -> Iterator[str]:
    yield "nobody can be asked here, so these options are needed:"
    for question in required:
        proposed = f"; perhaps {question.proposed}" if question.proposed else ""
        yield from wrapped(f"{question.flag}: {question.asks}: {question.why}{proposed}", "  ", "      ")
        yield from (f"      {hint}" for hint in question.hints)


def _ask(question: Question) -> tuple[str, ...]:
    """Asks until an answer is right; an optional question may be left without one."""
    _err("")
    for line in (*wrapped(f"{question.asks}: {question.why}"), *(f"  {hint}" for hint in question.hints)):
        _err(line)
    default = question.proposed or ("" if question.optional else None)
    while True:
        text = typer.prompt(question.flag.removeprefix("--"), default, show_default=bool(default), err=True)
        if question.optional and not text.strip():
            return ()
        value, problem = question.parse(text)
        if not problem:
            return value
        for line in wrapped(problem):
            _err(line)


def _err(line: str) -> None:
    typer.echo(line, err=True)


def _composed(reading: Reading, answers: Mapping[str, Chosen], caller: str, *, observe: bool) -> Written:
    """What is written: a text that deploy takes."""
    from ownertag.core.settings import SettingsError
    from ownertag.core.settings_file import read_settings
    from ownertag.render.first_settings import render_first_settings
    from ownertag.render.infra import check_deployable
    from ownertag.rollout.init.compose import compose, notes, settings_of

    head = f"Written by `ownertag init` on {datetime.now(UTC):%Y-%m-%d}, as {caller}."
    first = compose(reading, answers, observed=observe, head=head)
    text = render_first_settings(first)
    try:
        check_deployable(read_settings(text, CONFIG_NAME), CONFIG_NAME)
    except SettingsError as error:
        fail(f"the answers do not go together, and nothing was written:\n{error}")
    return Written(text, settings_of(first, answers), notes(reading, answers))


def _write(target: Path | None, text: str, options: Options) -> None:
    if target is None:
        if options.format is not Output.JSON:
            print(text, end="")
        return
    try:
        write_new(target, text)
    except FileExistsError:
        fail(f"{shown(str(target))}: was written by somebody else meanwhile, and is not overwritten")
    except OSError as error:
        fail(f"{shown(str(target))}: can't be written: {error.strerror}; name another file, or - to print it")


@contextmanager
def _nothing_written() -> Iterator[None]:
    try:
        yield
    except (typer.Abort, KeyboardInterrupt, EOFError):
        fail("interrupted: nothing was written", Exit.INTERRUPTED)
