"""`ownertag prove`: measures how long tags take, in every account and Region."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ownertag.cli.completion import complete_regions
from ownertag.cli.options import REGIONS, Exit, Options, Output, fail, listed, with_options
from ownertag.cli.sessions import audit_access, expected_deployment

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from ownertag.rollout.doctor.access import AccountAccess
    from ownertag.rollout.doctor.expected import Expected
    from ownertag.rollout.prove.clocks import Clocks
    from ownertag.rollout.prove.result import CanaryResult, Place
    from ownertag.rollout.prove.rounds import Measure


@with_options(without=REGIONS)
def prove(
    options: Options,
    rounds: Annotated[int, typer.Option("--rounds", help="How many canaries in each place.", min=1, max=1000)] = 1,
    accounts: Annotated[
        str, typer.Option("--accounts", help="In these accounts only, with commas between.", metavar="ID,ID")
    ] = "",
    regions: Annotated[
        str,
        typer.Option(
            "--regions",
            help="In these Regions only, with commas between.",
            metavar="REGION,REGION",
            autocompletion=complete_regions,
        ),
    ] = "",
    timeout: Annotated[
        float, typer.Option("--timeout", help="After how many seconds a canary is lost.", min=1, max=3600)
    ] = 300,
    at_once: Annotated[int, typer.Option("--at-once", help="How many canaries at a time.", min=1, max=64)] = 16,
    anonymize: Annotated[
        bool, typer.Option("--anonymize", help="Replace account ids and all else that tells whose it is.")
    ] = False,
) -> None:
    """Measure how long tags take, in every account and Region, hop by hop.

    Creates a placement group in each account and Region, which costs nothing, waits for its tags, deletes it, and reads
    from the hub's ledger when its event came. Runs with credentials of the hub's account (--profile). Nobody is mailed.
    Ctrl-C deletes what was created, and prints what was measured until then.

    Exits with 0 if all were tagged, 1 if one was lost or could not be deleted, 2 for wrong settings, 3 if in some
    places nothing could be measured.
    """
    from botocore.config import Config
    from msgspec.structs import replace

    from ownertag.aws.credentials import patient_config
    from ownertag.rollout.doctor.examine import AwsCollector
    from ownertag.rollout.prove.places import UnknownAccounts, UnknownPlace, places

    wanted = expected_deployment(options)
    config = patient_config().merge(Config(max_pool_connections=at_once))
    access = replace(audit_access(options, wanted.organization), config=config)
    whole = AwsCollector(access, wanted).organization()
    try:
        where = places(whole, wanted, listed(accounts), listed(regions))
    except UnknownPlace as error:
        fail(str(error))
    except UnknownAccounts as error:
        fail(f"which accounts there are can't be read: {error}; name some with --accounts", Exit.UNREACHABLE)
    told = _measured(options, access, wanted, where, _Wanted(rounds, timeout, at_once, anonymize))
    _print(told, options)
    raise typer.Exit(_exit_code(told))


#: Seconds from one line of progress to the next; with --verbose there is one for each canary.
PROGRESS_SECONDS = 5.0


@dataclass(frozen=True)
class _Wanted:
    """What was asked for."""

    rounds: int
    timeout: float
    at_once: int
    anonymize: bool


def _measured(
    options: Options, access: AccountAccess, expected: Expected, where: tuple[Place, ...], wanted: _Wanted
) -> dict[str, Any]:
    """Measures, and returns the document."""
    import random
    from threading import Event

    from ownertag.rollout.prove.anonymize import Anonymizer
    from ownertag.rollout.prove.clocks import Clocks
    from ownertag.rollout.prove.measure import POLL
    from ownertag.rollout.prove.report import Circumstances, document
    from ownertag.rollout.prove.rounds import measure_rounds

    anonymizer = Anonymizer({place.account for place in where}, random.SystemRandom().shuffle)
    clean: Callable[[str], str] = anonymizer.text if wanted.anonymize else str
    accounts, regions = {place.account for place in where}, dict.fromkeys(place.region for place in where)
    longest = wanted.timeout * wanted.rounds * -(-len(where) // wanted.at_once) / 60
    options.say(
        f"placement groups to create: {len(where) * wanted.rounds}, in {len(where)} places, "
        f"{wanted.at_once} at a time; {longest:.0f} min if all are lost"
    )

    clocks, stop, started, began = Clocks(), Event(), datetime.now(UTC), time.monotonic()
    said = began

    def progress(result: CanaryResult, number: int, of: int) -> None:
        # A line for each of thousands would push out of sight what is said before.
        nonlocal said
        if options.verbose or number == of or time.monotonic() - said >= PROGRESS_SECONDS:
            said = time.monotonic()
            options.say(clean(f"{number} of {of}: {result.place}, {_became(result)}"))

    measure = _measure(access, expected, wanted.timeout, clocks, stop)
    rounds = measure_rounds(
        where, wanted.rounds, wanted.at_once, measure, stop, progress,
        lambda: options.say("stopping: what was created is deleted, wait for it"),
    )  # fmt: skip
    now, wall = time.monotonic(), time.time()
    ahead = {region: clocks.ahead(region, now, wall) for region in regions}
    told = document(
        rounds,
        Circumstances(
            _versions(),
            started.isoformat(timespec="seconds").replace("+00:00", "Z"),
            now - began,
            _on_aws(access),
            {
                "rounds": wanted.rounds,
                "timeout": wanted.timeout,
                "poll": POLL,
                "at_once": wanted.at_once,
                "accounts": len(accounts),
                "home_region": expected.organization.home_region,
                "maximum_concurrency": expected.settings.hub.maximum_concurrency,
                "quota_share": expected.settings.limits.quota_share,
            },
            {region: bounds for region, bounds in ahead.items() if bounds},
        ),
    )
    if not wanted.anonymize:
        return told
    anonymous: dict[str, Any] = {**anonymizer.document(told), "anonymized": True}
    return anonymous


def _measure(access: AccountAccess, expected: Expected, timeout: float, clocks: Clocks, stop: Event) -> Measure:
    """Returns what measures one canary."""
    from ownertag.aws.credentials import patient_config
    from ownertag.ledger.opening import LedgerLocation, open_ledger
    from ownertag.render.documents import CANARY_ROLE, LEDGER_TABLE
    from ownertag.rollout.doctor.access import AuditedAccount
    from ownertag.rollout.doctor.collect import queue
    from ownertag.rollout.prove.measure import Interrupted, Measurement, Watch, measure
    from ownertag.rollout.prove.placement_group import AwsPlacementGroup
    from ownertag.rollout.prove.result import Place
    from ownertag.rollout.prove.trace import HubTrace

    def pause(seconds: float) -> None:
        if stop.wait(seconds):
            raise Interrupted

    table = access.base.client("dynamodb", access.region, config=access.config or patient_config())

    @cache
    def audited(account: str) -> AuditedAccount:
        return AuditedAccount(access, account)

    trace = HubTrace(
        lambda: open_ledger(LedgerLocation("dynamodb", LEDGER_TABLE), lambda: table, read_only=True),
        lambda place, name: queue(audited(place.account), place.region, name),
        Place(expected.organization.hub_account, expected.organization.home_region),
    )
    keys = expected.settings.owner_keys or frozenset(expected.settings.tags)
    how = Measurement(keys, timeout, Watch(time.monotonic, pause), clocks, trace)
    sessions = access.sessions(CANARY_ROLE)

    def one(place: Place, number: int) -> CanaryResult:
        group = AwsPlacementGroup(
            sessions, place, time.monotonic, lambda exchange: clocks.heard(place.region, exchange)
        )
        return measure(group, place, number, how)

    return one


def _versions() -> dict[str, str]:
    import platform
    from importlib.metadata import version

    return {"ownertag": version("ownertag"), "python": platform.python_version(), "boto3": version("boto3")}


def _on_aws(access: AccountAccess) -> bool:
    """Returns whether calls go to AWS: an endpoint may be given by option, environment or profile."""
    from urllib.parse import urlsplit

    host = urlsplit(access.base.client("ec2", access.region).meta.endpoint_url).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws"))


def _became(result: CanaryResult) -> str:
    from ownertag.rollout.prove.hops import Hop
    from ownertag.rollout.prove.result import Ending

    if result.ending is Ending.TAGGED:
        return f"tagged after {result.latencies[Hop.CALL_TO_TAG].seconds:.1f} s"
    said = "not measured" if result.ending is Ending.NOT_MEASURED else "lost"
    return f"{said}: {result.reason}"


def _print(told: dict[str, Any], options: Options) -> None:
    from ownertag.cli.prove_output import print_canaries, print_text

    if options.format is Output.JSON:
        print(json.dumps(told))
    elif options.format is Output.CSV:
        print_canaries(told)
    else:
        print_text(told, options.profile)


def _exit_code(told: dict[str, Any]) -> int:
    if told["lost"] or any(canary["left"] for canary in told["canaries"]):
        return Exit.FINDINGS
    return Exit.UNREACHABLE if told["not_measured"] else Exit.OK
