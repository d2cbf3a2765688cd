"""`ownertag reconcile`: asks the hub's function what was never delivered, forged or has vanished."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from ownertag.cli.hub import HubFunction
from ownertag.cli.options import Exit, Options, Output, fail, with_options
from ownertag.cli.output import print_table
from ownertag.cli.sessions import organization_of, settings_file
from ownertag.cli.writing import print_lines
from ownertag.core.records import ACCOUNT, REGION
from ownertag.render.documents import RECONCILE_FUNCTION

SCHEMA = 1
#: Lambda's function may take so many seconds for one account and Region.
PATIENCE = 910
#: Kinds of what was found, in the order in which they are printed.
KINDS = ("missed", "adopted", "restored", "forged", "unexplained", "gone")


@with_options
def reconcile(
    options: Options,
    account: Annotated[str, typer.Option("--account", help="This account only.", metavar="ID")] = "",
    since: Annotated[
        str, typer.Option("--since", help="Look for records from then on; three days where it is left out.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Look and compare, but write nothing and tell nobody.")
    ] = False,
) -> None:
    """Find what was never delivered, forged or has vanished.

    With --account and --region it is done now, and what was found is printed. Otherwise the hub's function begins with
    all accounts and Regions (or those of the one that is named), which takes it several calls: its log and its metrics
    say what it found. It does so every night by itself.

    Runs with credentials of the hub's account that may invoke the function ownertag-reconcile.

    Exits with 0 if nothing was found or it has begun, 1 if something was found or is left to do, 2 for bad input, 3 if
    something could not be listed or the function not be reached.
    """  # fmt: skip
    region = options.region or ""
    order = _order(account, region, since, dry_run)
    organization = organization_of(settings_file(options))
    hub = HubFunction(options, organization, function=RECONCILE_FUNCTION, patience=PATIENCE)
    if not (account and region):
        hub.start({"reconcile": order})
        if options.format is Output.JSON:
            print(json.dumps({"schema": SCHEMA, "begun": True}))
        options.say(f"{RECONCILE_FUNCTION} has begun: its log and the metrics of ownertag say what it finds")
        return
    [place] = hub.ask({"reconcile": order}, "totals")["places"]
    if options.format is Output.JSON:
        print(json.dumps({"schema": SCHEMA, **place}))
    elif options.format is Output.CSV:
        if rows := list(_rows(place)):
            print_table(rows, options.format)
    else:
        print_lines(_lines(place, dry_run=dry_run))
    raise typer.Exit(_exit_code(place))


def _order(account: str, region: str, since: str, dry_run: bool) -> dict[str, Any]:
    if account and not ACCOUNT.fullmatch(account):
        fail(f"--account {account[:64]!a} is no account; write its 12 digits")
    if region and not REGION.fullmatch(region):
        fail(f"--region {region[:64]!a} is no Region; write one such as eu-central-1")
    order: dict[str, Any] = {"account": account, "region": region, "dry_run": dry_run}
    if since:
        try:
            at = datetime.fromisoformat(since)
        except ValueError:
            fail(f"--since {since[:64]!a} is no time; write one such as 2026-11-20 or 2026-11-20T08:00:00Z")
        order["since"] = (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()
    return order


def _rows(place: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """A row for each resource that something was found of."""
    for kind in KINDS:
        for one in place[kind]:
            yield from ({"found": kind, **row} for row in _resources(kind, one))


def _resources(kind: str, one: Any) -> Iterator[dict[str, str]]:
    if kind == "gone":
        yield {"resource": one, "owner": "", "detail": ""}
    elif kind == "missed":
        detail = f"{one['event']} at {one['at']}, event {one['event_id']}: {', '.join(one['outcomes'])}"
        yield from ({"resource": arn, "owner": one["owner"], "detail": detail} for arn in one["resources"])
    elif kind in {"forged", "unexplained"}:
        yield {"resource": one["arn"], "owner": one["owner"], "detail": f"{one['key']} was {one['value']}"}
    else:
        reason = f": {one['reason']}" if one["reason"] else ""
        yield {"resource": one["arn"], "owner": one["owner"], "detail": f"{one['outcome']}{reason}"}


def _lines(place: Mapping[str, Any], *, dry_run: bool) -> Iterator[str]:
    totals = place["totals"]
    observed = ", observed: it was only looked at" if place["observed"] else ""
    would = ", a dry run: nothing was written" if dry_run else ""
    yield f"{place['account']}  {place['region']}{observed}{would}"
    yield f"  {totals['listed']} resources are there, {place['right']} carry the ledger's owner"
    for kind in KINDS:
        if totals[kind]:
            yield f"  {totals[kind]} {kind}"
        for row in (row for one in place[kind] for row in _resources(kind, one)):
            owner = f", {row['owner']}" if row["owner"] else ""
            detail = f" ({row['detail']})" if row["detail"] else ""
            yield f"    {row['resource']}{owner}{detail}"
    if place["unknown"]:
        yield f"  {place['unknown']} nobody knows, and they are older or have no date"
    yield from (f"  left: {reason}" for reason in place["left"])
    for one in place["unlisted"]:
        if not one["lasting"]:
            yield f"  not listed: {', '.join(one['types']) or 'all of it'}: {one['reason']}"


def _exit_code(place: Mapping[str, Any]) -> int:
    if not place["reached"] or any(not one["lasting"] for one in place["unlisted"]):
        return Exit.UNREACHABLE
    found = any(place["totals"][kind] for kind in KINDS) or place["left"] or not place["is_done"]
    return Exit.FINDINGS if found else Exit.OK
