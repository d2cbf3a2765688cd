"""`ownertag transfer`: transfers a resource to another owner, through the hub's function."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Annotated, Any
from uuid import uuid4

import typer
from msgspec.structs import asdict

from ownertag.cli.hub import HubFunction
from ownertag.cli.options import HOME_REGION, Exit, Options, Output, fail, with_options
from ownertag.cli.pasted import METAVAR, pasted
from ownertag.cli.sessions import organization_of, settings_file
from ownertag.cli.writing import print_lines
from ownertag.core.pasted.taken import Asked, Pasted
from ownertag.core.transfer import TransferOrder, arn_of_id, order_problem

SCHEMA = 1


@with_options(without=HOME_REGION, formats=(Output.TABLE, Output.JSON))
def transfer(
    options: Options,
    resource: Annotated[
        str,
        typer.Argument(
            help="What names one resource: an id, ARN, console link or a finding's JSON; - reads standard input.",
            metavar=METAVAR,
        ),
    ],
    to: Annotated[str, typer.Option("--to", help="The person or team that owns it from now on.", metavar="NAME")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept with your name.", metavar="TEXT")],
) -> None:
    """Transfer a resource to another owner: its tags and the ledger change together, and its history stays.

    Later events respect it. Runs with credentials of the hub's account that may invoke its function: the function does
    it, so that nobody needs the tagger's role.

    Exits with 0 if it is done, 1 if not, 2 for bad input, 3 if the function could not be reached.
    """
    named = _one(pasted(resource, options), to, reason)
    hub = HubFunction(options, organization_of(settings_file(options)))
    order = TransferOrder(uuid4().hex, named, to, hub.caller, reason)
    if wrong := order_problem(order):
        fail(wrong)
    answer = hub.ask({"transfer": asdict(order)}, "done")
    if options.format is Output.TABLE:
        print_lines(_summary(answer, order))
    else:
        print(json.dumps({"schema": SCHEMA, **answer}))
    raise typer.Exit(Exit.OK if answer["done"] else Exit.FINDINGS)


def _one(taken: Pasted, to: str, reason: str) -> str:
    """Returns the id or ARN of the one resource that was pasted; the command ends where it is none, or several."""
    if len(taken.asked) > 1 or taken.more:
        more = f"; {taken.more} more are left out here" if taken.more else ""
        commands = "\n".join(
            f"  ownertag transfer {shlex.quote(_name(one))} --to {shlex.quote(to)} --reason {shlex.quote(reason)}"
            for one in taken.asked
            if one.id
        )
        fail(f"what was pasted names {len(taken.asked)} resources{more}; transfer each by itself:\n{commands}")
    [one] = taken.asked
    if not one.id:
        what = "an address" if one.address else "an access key"
        fail(
            f"{one.name}: {what} is no resource, and can lead to several: look with `ownertag whois {one.name}`, then "
            "transfer the id"
        )
    return _name(one)


def _name(asked: Asked) -> str:
    """Returns its ARN where the paste says where it is, so that it can be given even if the ledger does not know it."""
    from ownertag.catalogue.loader import load_catalogue

    if not (asked.account and asked.region):
        return asked.id
    return arn_of_id(asked.id, asked.account, asked.region, load_catalogue(), asked.type)


def _summary(answer: dict[str, Any], order: TransferOrder) -> Iterator[str]:
    name = answer.get("arn") or order.resource
    if not answer["done"]:
        yield f"{name}: not given to {order.to}: {answer['detail']}"
        return
    was = f", was {answer['was']}'s" if answer.get("was") else ", the ledger did not know it"
    yield f"{name}: {order.to}'s now{was}"
    yield from (f"  {key} = {value}" for key, value in answer["tags"])
    if answer.get("detail"):
        yield f"  not tagged: {answer['detail']}"
