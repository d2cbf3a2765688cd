"""The transfer flow: gives a resource to another owner, in the ledger and in its tags; its history stays."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from ownertag.core.ask import account_question_of
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.judge import judge
from ownertag.core.ownership import EventKey, ResourceKey
from ownertag.core.records import Identity, Record
from ownertag.core.settings import Settings
from ownertag.core.transfer import TransferOrder, TransferTarget, new_tags, order_problem, target_of_arn
from ownertag.core.values import Failure, Found, Outcome, OutcomeKind, Resource, TagPairs, Unavailable, Write
from ownertag.flows.ledger_entries import ended
from ownertag.flows.ports import Ports
from ownertag.ledger.entries import KnownResource, Transferred
from ownertag.ledger.port import LedgerError, Reader


class Transfer(Struct, frozen=True):
    """The result of an order: `done` only if ledger and tags both say it; `detail` says what is wrong otherwise.

    In an observed account the ledger alone says it, which is all that can be done: `detail` says so.
    """

    done: bool
    arn: str | None = None
    was: str | None = None
    tags: TagPairs = ()
    detail: str = ""


def transfer(order: TransferOrder, ports: Ports, reader: Reader, catalogue: Catalogue, settings: Settings) -> Transfer:
    """Carries out an order.

    The ledger comes first: no later event overwrites it, and a tag that could not be written is written when the same
    order is given again.
    """
    problem = order_problem(order)
    if problem:
        return Transfer(False, detail=problem)
    try:
        known = reader.by_id(order.resource)
        target = _target(order, known, catalogue)
        if isinstance(target, str):
            return Transfer(False, detail=target)
        problem = _account_problem(target, ports)
        if problem:
            return Transfer(False, target.resource.arn, detail=problem)
        before = known[0] if known else None
        tags = new_tags(order, before.holding.tags if before else (), _creation_record(before, reader), settings)
        key = ResourceKey(target.account, target.region, target.resource.arn)
        ports.ledger.append([Transferred(key, order.id, order.to, order.by, order.reason, tags, ports.now())])
    except LedgerError as error:
        return Transfer(False, detail=f"nothing was changed: the ledger can't be used: {error}")
    was = before.holding.owner.name if before else None
    api = catalogue.types[target.resource.type].tag_api
    result = ports.tagger.write(Write(target.account, target.region, api, tags, (target.resource,))) if api else None
    failure = result if result is None or isinstance(result, Failure) else result.get(target.resource.arn)
    if failure is not None and judge(failure, None).outcome is OutcomeKind.OBSERVED:
        return _observed(key, order, before, Transfer(True, target.resource.arn, was, tags), ports)
    if failure is not None:
        reason = judge(failure, None, target.region).reason
        detail = f"the ledger has it, but the tags could not be written: {reason}; give the same order again"
        return Transfer(False, target.resource.arn, was, tags, detail)
    return Transfer(True, target.resource.arn, was, tags)


def _observed(
    key: ResourceKey, order: TransferOrder, before: KnownResource | None, done: Transfer, ports: Ports
) -> Transfer:
    """Keeps that the tags of a transfer are still to be written, once the account is observed no longer."""
    event_id = before.holding.claim.event_id if before else order.id
    kept = before.holding.observed.kept if before and before.holding.observed else ()
    outcome = Outcome(key.arn, OutcomeKind.OBSERVED, "the account is observed: nothing was written")
    event = EventKey(key.account, key.region, event_id)
    try:
        ports.ledger.append([ended(key, event, event_id, order.to, outcome, kept, ports.now())])
    except LedgerError as error:
        detail = f"the ledger has it, but can't note that nothing is tagged yet: {error}; give the same order again"
        return replace(done, done=False, detail=detail)
    detail = f"account {key.account} is observed: these tags are written once [observe] leaves it out"
    return replace(done, detail=detail)


def _target(order: TransferOrder, known: list[KnownResource], catalogue: Catalogue) -> TransferTarget | str:
    """The resource that the order names, or why that is not clear."""
    if len(known) > 1:
        arns = ", ".join(known_resource.key.arn for known_resource in known[:5])
        return f"{order.resource} is there {len(known)} times: name one by its ARN: {arns}"
    if known:
        [resource] = known
        arn = resource.key.arn
        return TransferTarget(resource.key.account, resource.key.region, Resource(arn, resource.id, resource.type))
    target = target_of_arn(order.resource, catalogue)
    if target is None:
        return f"{order.resource[:256]!a}: the ledger knows no such resource; name it by its ARN"
    return target


def _account_problem(target: TransferTarget, ports: Ports) -> str | None:
    """Why a target's account is not taken for the organization's; None if it is."""
    question = account_question_of(target.account)
    fact = ports.accounts.find([question]).get(question)
    if isinstance(fact, Found):
        return None
    if isinstance(fact, Unavailable):
        return f"whether account {target.account} is the organization's can't be told: {fact.reason}"
    return f"account {target.account} is not one of the organization's"


def _creation_record(known: KnownResource | None, reader: Reader) -> Record | None:
    """The record of the creation, as far as the tags' templates need it."""
    if known is None:
        return None
    event = EventKey(known.key.account, known.key.region, known.holding.claim.event_id)
    created = reader.creation(event)
    if created is None:
        return None
    return Record(
        event.event_id,
        created.event_source,
        created.event_name,
        created.created_at,
        known.key.region,
        known.key.account,
        Identity(arn=created.actor.principal),
    )
