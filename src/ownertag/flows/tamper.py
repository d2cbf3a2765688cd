"""The tamper flow: who changed our tags, recorded in the ledger and published; nothing is restored automatically.

To restore by itself would fight whoever deploys with Terraform, in circles. `ownertag whois` prints the command that
does it.

One message can name ten thousand resources, and one member can send many. So the ledger is read for some messages at a
time, while there is time; the others come back. Nothing here calls an account, so none that AWS throttles has to be
skipped.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from ownertag.core.ask import account_question
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.ownership import ResourceKey
from ownertag.core.records import Arrival, Record
from ownertag.core.settings import Settings
from ownertag.core.tamper import KnownTags, Named, NotTampering, Tampering, detect_tampering, finding_of, named
from ownertag.core.values import Absent, Fact, Found, OutcomeKind, Reason, Refusal, Unavailable, Wait
from ownertag.flows.findings import Published, publish_findings, tag_changed
from ownertag.flows.ports import Ports
from ownertag.flows.result import Refused, Result, Tampered, Undecided
from ownertag.ledger.entries import Entry, KnownResource
from ownertag.ledger.port import Ledger, LedgerError

#: As many resources are read from the ledger at a time, but for a message that names more.
MOST_KEYS = 1000
#: After so many accounts for which the ledger failed, it is away.
_MOST_FAILED = 3
_NO_TIME = Wait(OutcomeKind.NOT_READY, "no time was left for it: others came before")


class TamperingArrival(Struct, frozen=True):
    """A tag call that may have changed tags of ours, and where its record was read."""

    where: str
    tampering: Tampering

    @property
    def record(self) -> Record:
        """The record of the call."""
        return self.tampering.record


def split_tampering(
    arrivals: Iterable[Arrival | Refusal], catalogue: Catalogue, settings: Settings
) -> tuple[list[Arrival | Refusal], list[TamperingArrival]]:
    """(arrivals for the flow of creations, tag calls that may need a finding)."""
    left: list[Arrival | Refusal] = []
    tamperings: list[TamperingArrival] = []
    for arrival in arrivals:
        tampering = None if isinstance(arrival, Refusal) else detect_tampering(arrival.record, catalogue, settings)
        if isinstance(arrival, Refusal) or tampering is None:
            left.append(arrival)
        elif isinstance(tampering, NotTampering):
            left.append(Refusal(arrival.where, Reason.NO_FINDING, tampering.reason, arrival.record))
        else:
            tamperings.append(TamperingArrival(arrival.where, tampering))
    return left, tamperings


def handle_tampering(
    arrivals: Sequence[TamperingArrival], ports: Ports, catalogue: Catalogue, settings: Settings
) -> list[Result]:
    """Keeps and publishes findings; the account that named the fewest resources first. One result for each arrival."""
    if not arrivals:
        return []
    if ports.expired():
        return [Undecided(arrival.where, _NO_TIME) for arrival in arrivals]
    facts = ports.accounts.find({account_question(arrival.record): None for arrival in arrivals})
    accounts = [facts.get(account_question(arrival.record)) for arrival in arrivals]
    results = [
        _of_unknown_account(arrival, account)
        for arrival, account in zip(arrivals, accounts, strict=True)
        if not isinstance(account, Found)
    ]
    parts = _parts([arrival for arrival, account in zip(arrivals, accounts, strict=True) if isinstance(account, Found)])
    for part in parts:
        if ports.expired():
            results += [Undecided(arrival.where, _NO_TIME) for arrival in chain(part, *parts)]
            break
        results += _kept_or_returned(part, ports, catalogue, settings)
    published = publish_findings([result.finding for result in results if isinstance(result, Tampered)], ports)
    return [_after_publishing(result, published) if isinstance(result, Tampered) else result for result in results]


def _after_publishing(result: Tampered, published: Published) -> Tampered:
    wait = published.waits.get(result.finding)
    return replace(result, waits=(wait,) if wait else (), observed=result.finding in published.observed)


def _of_unknown_account(arrival: TamperingArrival, account: Fact | None) -> Result:
    if isinstance(account, Absent):
        detail = f"account {arrival.record.account} is not one of the organization's"
        return Refused(Refusal(arrival.where, Reason.UNKNOWN_ACCOUNT, detail, arrival.record))
    if isinstance(account, Unavailable):
        return Undecided(arrival.where, account.wait())
    return Undecided(arrival.where, Wait(OutcomeKind.FAILED, "was asked and not answered"))


def _parts(arrivals: Sequence[TamperingArrival]) -> Iterator[list[TamperingArrival]]:
    """Arrivals in parts that are read together. The account that names the most comes last and holds up no other."""
    named_by: Counter[str] = Counter()
    for arrival in arrivals:
        named_by[arrival.record.account] += len(arrival.tampering.call.ids)
    part: list[TamperingArrival] = []
    size = 0
    for arrival in sorted(arrivals, key=lambda arrival: (named_by[arrival.record.account], arrival.record.account)):
        ids = len(arrival.tampering.call.ids)
        if part and size + ids > MOST_KEYS:
            yield part
            part, size = [], 0
        part.append(arrival)
        size += ids
    if part:
        yield part


def _kept_or_returned(
    part: Sequence[TamperingArrival], ports: Ports, catalogue: Catalogue, settings: Settings
) -> list[Result]:
    """Keeps the findings of a part in the ledger, to be published afterwards.

    What the ledger does not take comes back. A part holds several accounts, and an error because of one must not keep
    the others' findings from being published: so after an error each account is done alone.
    """
    try:
        return _kept(part, ports, catalogue, settings)
    except LedgerError as error:
        last_error = error
    by_account: dict[str, list[TamperingArrival]] = defaultdict(list)
    for arrival in part:
        by_account[arrival.record.account].append(arrival)
    results: list[Result] = []
    failed = 0
    for arrivals in by_account.values():
        if len(by_account) > 1 and failed < _MOST_FAILED and not ports.expired():
            try:
                results += _kept(arrivals, ports, catalogue, settings)
                continue
            except LedgerError as error:
                failed, last_error = failed + 1, error
        wait = Wait(last_error.outcome, f"the ledger can't be used: {last_error}")
        results += [Undecided(arrival.where, wait) for arrival in arrivals]
    return results


def _kept(part: Sequence[TamperingArrival], ports: Ports, catalogue: Catalogue, settings: Settings) -> list[Result]:
    """Keeps the findings of a part in the ledger.

    Raises:
        LedgerError: The ledger can't be used.
    """
    resources = [tuple(named(arrival.tampering, catalogue)) for arrival in part]
    keys = {
        ResourceKey(arrival.record.account, arrival.record.region, arn): None
        for arrival, of_call in zip(part, resources, strict=True)
        for resource in of_call
        for arn in (resource.arn, *resource.others)
        if arn
    }
    known = ports.ledger.by_key(keys) if keys else []
    # An ARN of EC2's names the account and Region, but for an image's or snapshot's the account.
    owners = {(resource.key.account, resource.key.arn): _known_tags(resource) for resource in known}
    results: list[Result] = []
    entries: list[Entry] = []
    for arrival, all_named in zip(part, resources, strict=True):
        account = arrival.record.account
        of_call = tuple(_as_known(resource, account, owners, ports.ledger) for resource in all_named)
        own = {
            resource.arn: owners[account, resource.arn]
            for resource in of_call
            if resource.arn and (account, resource.arn) in owners
        }
        finding = finding_of(arrival.tampering, of_call, own, settings)
        if isinstance(finding, NotTampering):
            results.append(Refused(Refusal(arrival.where, Reason.NO_FINDING, finding.reason, arrival.record)))
        else:
            results.append(Tampered(arrival.where, finding, record=arrival.record))
            entries.append(tag_changed(arrival.record, finding))
    if entries:
        ports.ledger.append(entries)
    return results


def _as_known(resource: Named, account: str, owners: dict[tuple[str, str], KnownTags], ledger: Ledger) -> Named:
    """The resource by the ARN that the ledger knows, of those that it may have.

    Raises:
        LedgerError: The ledger can't be used.
    """
    if (account, resource.arn) in owners:
        return resource
    if known := next((arn for arn in resource.others if (account, arn) in owners), None):
        return Named(resource.id, known)
    for found in ledger.by_id(resource.id) if resource.longer else ():
        if found.key.account == account and found.type in resource.longer:
            owners[account, found.key.arn] = _known_tags(found)
            return Named(resource.id, found.key.arn)
    return resource


def _known_tags(known: KnownResource) -> KnownTags:
    return KnownTags(known.holding.owner, known.holding.tags, written=known.holding.observed is None)
