"""The tamper flow: who changed our tags, kept in the ledger and told; nothing is restored by itself.

To restore by itself would fight whoever deploys with Terraform, in circles. A finding carries the command that does it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ownertag.core.ask import account_question
from ownertag.core.claims import ResourceKey
from ownertag.core.records import Arrival
from ownertag.core.rows import Catalogue
from ownertag.core.settings import Settings
from ownertag.core.tamper import NotTampering, Tampering, findings, tampering
from ownertag.core.values import (
    Absent,
    Found,
    OutcomeKind,
    Owner,
    Reason,
    Refusal,
    TagPairs,
    Unavailable,
    Wait,
)
from ownertag.flows.ports import Ports
from ownertag.flows.run import Result
from ownertag.flows.tell import changes, tell
from ownertag.ledger.port import LedgerError


def split(
    arrivals: Iterable[Arrival | Refusal], catalogue: Catalogue, settings: Settings
) -> tuple[list[Arrival | Refusal], list[tuple[Arrival, Tampering]]]:
    """(what is no tag call, or one that needs no finding, for the flow of creations; the tag calls that do)."""
    others: list[Arrival | Refusal] = []
    tampered: list[tuple[Arrival, Tampering]] = []
    for each in arrivals:
        found = None if isinstance(each, Refusal) else tampering(each.record, catalogue, settings)
        if isinstance(each, Refusal) or found is None:
            others.append(each)
        elif isinstance(found, NotTampering):
            others.append(Refusal(each.where, Reason.NO_FINDING, found.reason, each.record))
        else:
            tampered.append((each, found))
    return others, tampered


def run(tampered: Sequence[tuple[Arrival, Tampering]], ports: Ports) -> list[Result]:
    """Keep and tell what was changed; one result for each record."""
    if not tampered:
        return []
    accounts = ports.accounts.find({account_question(each.record): None for each, _ in tampered})
    results: list[Result] = []
    known: list[tuple[Arrival, Tampering]] = []
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
            results.append(Result(arrival.where, waits=(Wait(outcome, reason),)))
    return results + (_found(known, ports) if known else [])


def _found(tampered: Sequence[tuple[Arrival, Tampering]], ports: Ports) -> list[Result]:
    try:
        owners = _owners([found for _, found in tampered], ports)
        made = {arrival.where: findings(found, owners) for arrival, found in tampered}
        entries = [entry for arrival, _ in tampered for entry in changes(arrival.record, made[arrival.where])]
        if entries:
            ports.ledger.append(entries)
    except LedgerError as error:
        away = Wait(error.outcome, f"the ledger can't be used: {error}")
        return [Result(arrival.where, waits=(away,)) for arrival, _ in tampered]
    waits = tell([each for found in made.values() for each in found], ports)
    return [Result(arrival.where, findings=made[arrival.where], waits=waits) for arrival, _ in tampered]


def _owners(tampered: Sequence[Tampering], ports: Ports) -> dict[str, tuple[Owner, TagPairs]]:
    keys = {
        ResourceKey(each.record.account, each.record.region, resource.arn): None
        for each in tampered
        for resource in each.resources
    }
    return {known.key.arn: (known.holding.owner, known.holding.tags) for known in ports.ledger.by_key(keys)}
