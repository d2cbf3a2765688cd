"""`ownertag transfer`: gives a resource to somebody, by the hub's function."""

from __future__ import annotations

import json
from typing import Annotated, Any, NoReturn
from uuid import uuid4

import typer

from ownertag.cli.options import Exit, Options, Output, fail, with_options
from ownertag.core.resolve import clean
from ownertag.core.transfer import Order, problem

FUNCTION = "ownertag"
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
    lambda_, by = _clients(options, settings.organization.home_region)
    order = Order(uuid4().hex, resource, to, by, reason)
    if wrong := problem(order):
        fail(wrong)
    answer = _invoked(lambda_, order)
    if options.format is Output.TABLE:
        print(_told(answer, order))
    else:
        print(json.dumps({"schema": SCHEMA, **answer}))
    raise typer.Exit(Exit.WELL if answer["done"] else Exit.FOUND)


def _clients(options: Options, region: str) -> tuple[Any, str]:
    """A client of Lambda, and who we are."""
    import boto3
    from botocore.config import Config

    from ownertag.aws.errors import AWS_ERRORS

    # The function may take its time; to ask it twice would be harmless, but no use.
    patient = Config(read_timeout=200, retries={"total_max_attempts": 1})
    given: dict[str, Any] = {"region_name": region, "endpoint_url": options.endpoint_url}
    try:
        session = boto3.Session(profile_name=options.profile)
        by = session.client("sts", **given).get_caller_identity()["Arn"]
        return session.client("lambda", **given, config=patient), by
    except AWS_ERRORS as error:
        fail(f"the credentials can't be used: {error}", Exit.UNREACHED)


def _invoked(lambda_: Any, order: Order) -> dict[str, Any]:
    from msgspec.structs import asdict

    from ownertag.aws.errors import AWS_ERRORS

    try:
        answer = lambda_.invoke(FunctionName=FUNCTION, Payload=json.dumps({"transfer": asdict(order)}))
    except AWS_ERRORS as error:
        fail(f"the hub's function {FUNCTION} can't be invoked: {error}", Exit.UNREACHED)
    said = json.loads(answer["Payload"].read())
    if answer.get("FunctionError") or not isinstance(said, dict) or "done" not in said:
        _broken(said)
    return said


def _broken(said: Any) -> NoReturn:
    text = said.get("errorMessage", said) if isinstance(said, dict) else said
    fail(f"the hub's function {FUNCTION} failed: {text}; its log says more", Exit.UNREACHED)


def _told(answer: dict[str, Any], order: Order) -> str:
    name = clean(answer.get("arn") or order.resource)
    if not answer["done"]:
        return f"{name}: not given to {clean(order.to)}: {clean(answer['detail'])}"
    was = f", was {clean(answer['was'])}'s" if answer.get("was") else ", the ledger did not know it"
    lines = [f"{name}: {clean(order.to)}'s now{was}"]
    lines += [f"  {clean(key)} = {clean(value)}" for key, value in answer["tags"]]
    return "\n".join(lines)
