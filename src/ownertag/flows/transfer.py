"""The transfer flow: gives a resource to another owner, in the ledger and in its tags; its history stays."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from ownertag.core.ask import account_question_of
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.judge import judge
from ownertag.core.ownership import EventKey, ResourceKey
from ownertag.core.recognize import recognize
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
        known = _known(order, reader, catalogue)
        target = _target(order, known, catalogue)
        if isinstance(target, str):
            return Transfer(False, detail=target)
        problem = _account_problem(target, ports)
        if problem:
            return Transfer(False, target.resource.arn, detail=problem)
        before = known[0] if known else None
        tags = new_tags(order, before.holding.tags if before else (), _creation_record(before, reader), settings)
        key = ResourceKey(target.account, target.region, target.resource.arn)
        named, type_ = target.resource.id, target.resource.type
        given = Transferred(key, order.id, order.to, order.by, order.reason, tags, ports.now(), named, type_)
        ports.ledger.append([given])
    except LedgerError as error:
        return Transfer(False, detail=f"nothing was changed: the ledger can't be used: {error}")
    was = before.holding.owner.name if before else None
    kind = catalogue.types.get(target.resource.type)
    if kind is None:
        detail = f"the ledger has it, but the tags could not be written: no row makes a {target.resource.type} any more"
        return Transfer(False, target.resource.arn, was, tags, detail)
    if not kind.tag_api:
        return Transfer(True, target.resource.arn, was, tags, f"AWS tags no {kind.name}: the ledger alone has it")
    result = ports.tagger.write(Write(target.account, target.region, kind.tag_api, tags, (target.resource,)))
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


def _known(order: TransferOrder, reader: Reader, catalogue: Catalogue) -> list[KnownResource]:
    """What the ledger knows by the order's text, or by its ARN as the ledger writes it."""
    known = reader.by_id(order.resource)
    if not known and (found := recognize(order.resource, catalogue)) and found.resource.arn != order.resource:
        known = reader.by_id(found.resource.arn)
    return known


def _target(order: TransferOrder, known: list[KnownResource], catalogue: Catalogue) -> TransferTarget | str:
    """The resource that the order names, or why that is not clear."""
    if len(known) > 1:
        arns = ", ".join(known_resource.key.arn for known_resource in known[:5])
        return f"{order.resource} is there {len(known)} times: name one by its ARN: {arns}"
    if known:
        [resource] = known
        arn, id_, type_ = resource.key.arn, resource.id, resource.type
        if not type_ and (found := recognize(arn, catalogue)):  # its creation was never heard of
            id_, type_ = found.resource.id, found.type.name
        return TransferTarget(resource.key.account, resource.key.region, Resource(arn, id_, type_))
    target = target_of_arn(order.resource, catalogue)
    if target is None and recognize(order.resource, catalogue) is not None:
        return f"{order.resource[:256]!a}: the ledger does not know it, and its ARN does not say in which account it is"
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
