"""The tamper flow: who changed our tags, recorded in the ledger and published; nothing is restored automatically.

To restore by itself would fight whoever deploys with Terraform, in circles. `ownertag whois` prints the command that
does it.

One message can name ten thousand resources, and one member can send many. So the ledger is read for some messages at a
time, while there is time; what is left comes back. Nothing here calls an account, so none that AWS throttles has to be
left alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from msgspec.structs import replace

from ownertag.core.ask import account_question
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.findings import TamperFinding
from ownertag.core.ownership import ResourceKey
from ownertag.core.records import Arrival
from ownertag.core.settings import Settings
from ownertag.core.tamper import NotTampering, Tampering, detect_tampering, finding_of, named
from ownertag.core.values import (
    Absent,
    Found,
    OutcomeKind,
    Reason,
    Refusal,
    Unavailable,
    Wait,
)
from ownertag.flows.findings import change, publish_findings
from ownertag.flows.ports import Ports
from ownertag.flows.result import Result
from ownertag.ledger.port import LedgerError

Tampered = tuple[Arrival, Tampering]

#: As many resources are read from the ledger at a time, but for a message that names more.
MOST_KEYS = 1000
#: After so many accounts for which the ledger failed, it is away.
_MOST_FAILED = 3
_NO_TIME = Wait(OutcomeKind.NOT_READY, "no time was left for it: others came before")


def split_tampering(
    arrivals: Iterable[Arrival | Refusal], settings: Settings
) -> tuple[list[Arrival | Refusal], list[Tampered]]:
    """(what is no tag call, or one that needs no finding, for the flow of creations; the tag calls that may)."""
    others: list[Arrival | Refusal] = []
    tampered: list[Tampered] = []
    for arrival in arrivals:
        found = None if isinstance(arrival, Refusal) else detect_tampering(arrival.record, settings)
        if isinstance(arrival, Refusal) or found is None:
            others.append(arrival)
        elif isinstance(found, NotTampering):
            others.append(Refusal(arrival.where, Reason.NO_FINDING, found.reason, arrival.record))
        else:
            tampered.append((arrival, found))
    return others, tampered


def handle_tampering(
    tampered: Sequence[Tampered], ports: Ports, catalogue: Catalogue, settings: Settings
) -> list[Result]:
    """Keep and tell what was changed, whoever named the fewest resources first; one result for each record."""
    if not tampered:
        return []
    if ports.expired():
        return [_waiting(each, _NO_TIME) for each in tampered]
    accounts = ports.accounts.find({account_question(each.record): None for each, _ in tampered})
    results: list[Result] = []
    known: list[Tampered] = []
    for arrival, found in tampered:
        fact = accounts.get(account_question(arrival.record))
        if isinstance(fact, Found):
            known.append((arrival, found))
        elif isinstance(fact, Absent):
            detail = f"account {arrival.record.account} is not one of the organization's"
            results.append(
                Result(arrival.where, Refusal(arrival.where, Reason.UNKNOWN_ACCOUNT, detail, arrival.record))
            )
        else:
            reason = fact.reason if isinstance(fact, Unavailable) else "was asked and not answered"
            outcome = fact.outcome if isinstance(fact, Unavailable) else OutcomeKind.FAILED
            results.append(_waiting((arrival, found), Wait(outcome, reason)))
    parts = _parts(known)
    for part in parts:
        if ports.expired():
            results += [_waiting(each, _NO_TIME) for each in chain(part, *parts)]
            break
        results += _kept_or_returned(part, ports, catalogue, settings)
    waits = publish_findings([result.finding for result in results if result.finding], ports)
    return [
        replace(result, waits=(waits[result.finding],)) if result.finding and result.finding in waits else result
        for result in results
    ]


def _parts(tampered: Sequence[Tampered]) -> Iterator[list[Tampered]]:
    """As much as is read at a time. Who names the most comes last, so that nobody holds up the others."""
    named: Counter[str] = Counter()
    for arrival, found in tampered:
        named[arrival.record.account] += len(found.call.ids)
    part: list[Tampered] = []
    size = 0
    for each in sorted(tampered, key=lambda each: (named[each[0].record.account], each[0].record.account)):
        if part and size + len(each[1].call.ids) > MOST_KEYS:
            yield part
            part, size = [], 0
        part.append(each)
        size += len(each[1].call.ids)
    if part:
        yield part


def _kept_or_returned(part: Sequence[Tampered], ports: Ports, catalogue: Catalogue, settings: Settings) -> list[Result]:
    """The findings of a part, in the ledger; to be told.

    What the ledger does not take comes back. A part holds several accounts: what is refused because of one must not
    keep the others' from being told, so then each account is done alone.
    """
    try:
        return _kept(part, ports, catalogue, settings)
    except LedgerError as error:
        away = error
    accounts: dict[str, list[Tampered]] = defaultdict(list)
    for tampered in part:
        accounts[tampered[0].record.account].append(tampered)
    results: list[Result] = []
    failed = 0
    for its in accounts.values():
        if len(accounts) > 1 and failed < _MOST_FAILED and not ports.expired():
            try:
                results += _kept(its, ports, catalogue, settings)
                continue
            except LedgerError as error:
                failed, away = failed + 1, error
        wait = Wait(away.outcome, f"the ledger can't be used: {away}")
        results += [_waiting(each, wait) for each in its]
    return results


def _kept(part: Sequence[Tampered], ports: Ports, catalogue: Catalogue, settings: Settings) -> list[Result]:
    """The same, where the ledger answers."""
    resources = [tuple(named(found, catalogue)) for _, found in part]
    keys = {
        ResourceKey(arrival.record.account, arrival.record.region, each.arn): None
        for (arrival, _), its in zip(part, resources, strict=True)
        for each in its
        if each.arn
    }
    known = ports.ledger.by_key(keys) if keys else []
    # An ARN of EC2's names the account and Region, but for an image's or snapshot's the account.
    owners = {(each.key.account, each.key.arn): (each.holding.owner, each.holding.tags) for each in known}
    made: list[tuple[Arrival, TamperFinding | NotTampering]] = []
    for (arrival, found), its in zip(part, resources, strict=True):
        account = arrival.record.account
        own = {each.arn: owners[account, each.arn] for each in its if each.arn and (account, each.arn) in owners}
        made.append((arrival, finding_of(found, its, own, settings)))
    entries = [change(arrival.record, found) for arrival, found in made if isinstance(found, TamperFinding)]
    if entries:
        ports.ledger.append(entries)
    return [
        Result(arrival.where, finding=found)
        if isinstance(found, TamperFinding)
        else Result(arrival.where, Refusal(arrival.where, Reason.NO_FINDING, found.reason, arrival.record))
        for arrival, found in made
    ]


def _waiting(each: Tampered, wait: Wait) -> Result:
    return Result(each[0].where, waits=(wait,))
