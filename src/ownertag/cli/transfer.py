"""`ownertag transfer`: gives a resource to somebody, by the hub's function."""

from __future__ import annotations

import json
from typing import Annotated, Any
from uuid import uuid4

import typer
from msgspec.structs import asdict

from ownertag.cli.hub import Hub
from ownertag.cli.options import Exit, Options, Output, fail, with_options
from ownertag.core.resolve import clean
from ownertag.core.transfer import Order, problem

SCHEMA = 1


@with_options
def transfer(
    options: Options,
    resource: Annotated[str, typer.Argument(help="An id or an ARN.", metavar="ID|ARN")],
    to: Annotated[str, typer.Option("--to", help="The person or team whose it is from now on.", metavar="NAME")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept with your name.", metavar="TEXT")],
) -> None:
    """Give a resource to somebody: its tags and the ledger change together, and its history stays.

    Later events respect it. Runs with credentials of the hub's account that may invoke its function: the function does
    it, so that nobody needs the tagger's role.

    Exits with 0 if it is done, 1 if not, 2 for bad input, 3 if the function could not be reached.
    """
    settings = options.settings()
    if settings.organization is None:
        fail("the settings have no [organization], so there is no hub to ask: name them with --config")
    hub = Hub(options, settings.organization.home_region)
    order = Order(uuid4().hex, resource, to, hub.caller, reason)
    if wrong := problem(order):
        fail(wrong)
    answer = hub.ask({"transfer": asdict(order)}, "done")
    if options.format is Output.TABLE:
        print(_told(answer, order))
    else:
        print(json.dumps({"schema": SCHEMA, **answer}))
    raise typer.Exit(Exit.WELL if answer["done"] else Exit.FOUND)


def _told(answer: dict[str, Any], order: Order) -> str:
    name = clean(answer.get("arn") or order.resource)
    if not answer["done"]:
        return f"{name}: not given to {clean(order.to)}: {clean(answer['detail'])}"
    was = f", was {clean(answer['was'])}'s" if answer.get("was") else ", the ledger did not know it"
    lines = [f"{name}: {clean(order.to)}'s now{was}"]
    lines += [f"  {clean(key)} = {clean(value)}" for key, value in answer["tags"]]
    return "\n".join(lines)
