"""`ownertag owners`: the owner rules, checked and tried without AWS."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from ownertag.cli.commands import Command, Group
from ownertag.cli.options import NO_AWS, Exit, Options, Output, fail, with_options
from ownertag.cli.output import print_table
from ownertag.cli.writing import print_lines
from ownertag.core.owner.principal import clean
from ownertag.core.owner.rules import NumberedRule, matching_rules, never_reached, rules_in_order
from ownertag.core.records import ACCOUNT

SCHEMA = 1

app = typer.Typer(
    cls=Group,
    help="Check and try the rules that map names to people and teams.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.command(cls=Command)
@with_options(without=NO_AWS)
def check(options: Options) -> None:
    """List the owner rules in the order in which they are tried, and those that can never match.

    Exits with 1 if there is such a rule, with 2 if the settings can't be used.
    """
    settings = options.settings()
    unreached = never_reached(settings)
    rows = [{**_as_object(rule), "taken_by": unreached.get(rule.number)} for rule in rules_in_order(settings)]
    if options.format is Output.JSON:
        print(json.dumps({"schema": SCHEMA, "rules": rows}))
    elif rows:
        cells = [{key: "" if value is None else str(value) for key, value in row.items()} for row in rows]
        print_table(cells, options.format)
    count = f"{len(rows)} owner rules" if rows else "no owner rules: names are written as they are"
    options.say(f"{count}{f', {len(unreached)} of them never reached' if unreached else ''}")
    raise typer.Exit(Exit.FINDINGS if unreached else Exit.OK)


@app.command(name="test", cls=Command)
@with_options(without=NO_AWS)
def try_name(
    options: Options,
    name: Annotated[
        str,
        typer.Argument(help="A name as the evidence gives it, such as a session's or a repository's.", metavar="NAME"),
    ],
    account: Annotated[
        str | None, typer.Option("--account", help="The account in which it appears.", metavar="ID")
    ] = None,
) -> None:
    """Say which owner rule maps a name, and why; or that none does.

    Exits with 0 if a rule does, with 1 if none does.
    """
    if account is not None and not ACCOUNT.fullmatch(account):
        fail(f"--account {account!r} is no account; write its 12 digits")
    settings = options.settings()
    rules = [_as_object(rule) for rule in matching_rules(name, account, settings)]
    rule, others = (rules[0], rules[1:]) if rules else (None, [])
    owner = rule["owner"] if rule else name
    if options.format is Output.JSON:
        found: dict[str, Any] = {"schema": SCHEMA, "name": name, "account": account, "owner": owner}
        print(json.dumps({**found, "rule": rule, "also_fit": others}))
    elif options.format is Output.CSV:
        row = {"name": name, "account": account or "", "owner": owner, "match": rule["match"] if rule else ""}
        print_table([row], options.format)
    elif rule:
        lines = [f"{clean(name)} is {clean(owner)}, by rule {rule['number']} ({clean(rule['match'])}): {rule['why']}"]
        lines += [
            f"  rule {other['number']} ({clean(other['match'])}) fits as well, but comes later: {other['why']}"
            for other in others
        ]
        print_lines(lines)
    else:
        place = f" in account {account}" if account else ""
        print_lines([f"{clean(name)} stays as it is: none of {len(settings.owners)} owner rules fits it{place}"])
    raise typer.Exit(Exit.OK if rule else Exit.FINDINGS)


def _as_object(numbered: NumberedRule) -> dict[str, Any]:
    number, rule = numbered.number, numbered.rule
    return {"number": number, "match": rule.match, "account": rule.account, "owner": rule.owner, "why": rule.why}
