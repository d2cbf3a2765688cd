"""Undoes a run: puts back the tags that it found, where they are still as it wrote them, and keeps who ordered that.

The tags that stand there are read first. The ledger's entry comes last, when a resource is as it was: an order that was
broken off is given again, and what is done already needs no call. A creation that comes later, or an order to tag or to
adopt, tags the resource again; nothing else does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from msgspec import Struct

from ownertag.core.ask import account_question_of, tags_question_in
from ownertag.core.catalogue_types import Catalogue
from ownertag.core.findings import MAX_BY
from ownertag.core.owner.principal import clean
from ownertag.core.ownership import EventKey, ResourceKey
from ownertag.core.plan import group_writes
from ownertag.core.record_details import Actor
from ownertag.core.restore import (
    MAX_RUN,
    Restoration,
    RestoreItem,
    RestoreOrder,
    changes_of,
    restoration,
    target_of,
)
from ownertag.core.settings import Settings
from ownertag.core.transfer import TransferTarget
from ownertag.core.values import (
    Fact,
    Found,
    Outcome,
    OutcomeKind,
    Question,
    Resource,
    TagPairs,
    Unavailable,
    Write,
)
from ownertag.flows.apply import apply_writes
from ownertag.flows.isolate_failures import wait_for
from ownertag.flows.ports import Ports
from ownertag.ledger.entries import KnownResource, TagChanged
from ownertag.ledger.port import LedgerError

#: What became of a resource, beside the outcomes of every write.
RESTORED = "restored"
WOULD_RESTORE = "would-restore"
CHANGED_SINCE = "changed-since"

#: Who ordered it, where the order does not say so.
SOMEBODY = "somebody who may give orders to the hub"
_FAILED, _FORBIDDEN = OutcomeKind.FAILED.value, OutcomeKind.FORBIDDEN.value
#: Not found means gone: what a run wrote to was there.
_OLD = timedelta(days=1)


class Restored(Struct, frozen=True):
    """What became of one resource, and why; `left`: something is still to be done, and the order may be repeated."""

    outcome: str
    reason: str = ""
    left: bool = False


class _Asked(Struct, frozen=True):
    """A resource of an order that can be restored, and the question which tags it carries."""

    where: int
    item: RestoreItem
    target: TransferTarget

    @property
    def question(self) -> Question:
        return tags_question_in(self.target.account, self.target.region, self.target.resource)

    @property
    def key(self) -> ResourceKey:
        return ResourceKey(self.target.account, self.target.region, self.target.resource.arn)


def restore(order: RestoreOrder, ports: Ports, catalogue: Catalogue, settings: Settings) -> dict[str, Any]:
    """Carries out an order: `results` has one for each resource, whose `where` is its place in the order, from 0."""
    found = _isolated(list(enumerate(order.resources)), order, ports, catalogue, settings)
    results = []
    for number, item in enumerate(order.resources):
        restored = found[number]
        results.append(
            {
                "where": str(number),
                "account": item.account,
                "region": item.region,
                "arn": item.arn,
                "outcome": restored.outcome,
                "reason": restored.reason or None,
                "left": restored.left,
            }
        )
    return {"results": results}


def _isolated(
    placed: Sequence[tuple[int, RestoreItem]],
    order: RestoreOrder,
    ports: Ports,
    catalogue: Catalogue,
    settings: Settings,
) -> dict[int, Restored]:
    """What became of each resource, by its place; one that causes an exception is separated from the others."""
    try:
        return _restored(placed, order, ports, catalogue, settings)
    except Exception as error:  # noqa: BLE001 - a fault of ours: nobody knows which it is
        if len(placed) == 1:
            wait = wait_for(error)
            return {placed[0][0]: Restored(wait.outcome.value, wait.reason, left=True)}
    middle = len(placed) // 2
    halves = (placed[:middle], placed[middle:])
    return {
        number: restored
        for part in halves
        for number, restored in _isolated(part, order, ports, catalogue, settings).items()
    }


def _restored(
    placed: Sequence[tuple[int, RestoreItem]],
    order: RestoreOrder,
    ports: Ports,
    catalogue: Catalogue,
    settings: Settings,
) -> dict[int, Restored]:
    """What became of these resources, by the place of each."""
    if not order.run or len(order.run) > MAX_RUN or clean(order.run) != order.run:
        problem = Restored(_FAILED, f"the order names no run of 1 to {MAX_RUN} characters")
        return {number: problem for number, _ in placed}
    results: dict[int, Restored] = {}
    asked: list[_Asked] = []
    for number, item in placed:
        target = target_of(item, catalogue, settings)
        if isinstance(target, str):
            results[number] = Restored(_FAILED, target)
        else:
            asked.append(_Asked(number, item, target))
    asked = _ours(asked, results, ports)
    asked = _not_given(asked, results, ports)
    facts = ports.lookups.find(tuple(dict.fromkeys(one.question for one in asked))) if asked else {}
    wanted: list[tuple[_Asked, Restoration]] = []
    for one in asked:
        decided = _decided(one, facts.get(one.question), catalogue)
        if isinstance(decided, Restored):
            results[one.where] = decided
        else:
            wanted.append((one, decided))
    outcomes = _write(wanted, ports, catalogue, settings)
    done: list[_Asked] = []
    for one, what in wanted:
        outcome = outcomes.get(one.key.arn)
        if outcome is None or outcome.kind is OutcomeKind.TAGGED:
            results[one.where] = _well(what, order.dry_run)
            done.append(one)
        else:
            results[one.where] = Restored(outcome.kind.value, outcome.reason, outcome.is_retried)
    _keep(done, order, results, ports)
    return results


def _ours(asked: Sequence[_Asked], results: dict[int, Restored], ports: Ports) -> list[_Asked]:
    """Those in accounts of the organization: nothing else is asked or changed."""
    questions = {one.target.account: account_question_of(one.target.account) for one in asked}
    facts = ports.accounts.find(tuple(questions.values())) if questions else {}
    left = []
    for one in asked:
        match facts.get(questions[one.target.account]):
            case Found():
                left.append(one)
            case Unavailable() as unavailable:
                results[one.where] = _waits(unavailable)
            case _:
                detail = f"account {one.target.account} is not one of the organization's"
                results[one.where] = Restored(_FORBIDDEN, detail)
    return left


def _not_given(asked: Sequence[_Asked], results: dict[int, Restored], ports: Ports) -> list[_Asked]:
    """Those that nobody gave away by hand since: such an order is newer, and a person's."""
    try:
        known = {one.key: one for one in ports.ledger.by_key({one.key for one in asked})} if asked else {}
    except LedgerError as error:
        failed = Restored(error.outcome.value, f"the ledger can't be used: {error}", left=True)
        results.update({one.where: failed for one in asked})
        return []
    left = []
    for one in asked:
        if (owner := _given(known.get(one.key))) is not None:
            results[one.where] = Restored(CHANGED_SINCE, f"left as it is: it was given to {owner} by hand")
        else:
            left.append(one)
    return left


def _given(known: KnownResource | None) -> str | None:
    return known.holding.owner.name if known is not None and known.holding.given_at is not None else None


def _decided(one: _Asked, fact: Fact | None, catalogue: Catalogue) -> Restoration | Restored:
    """What has to be done for a resource, by the tags that it carries now."""
    kind = catalogue.types[one.target.resource.type]
    if not kind.tag_api:
        return Restored(OutcomeKind.UNCHANGED.value, f"AWS tags no {kind.name}: nothing was written there")
    if fact is None:
        return Restored(_FAILED, "its tags were asked for and not answered", left=True)
    if isinstance(fact, Unavailable):
        return _waits(fact)
    carried = (fact.tags or {}) if isinstance(fact, Found) else {}
    decided = restoration(one.item, carried)
    if isinstance(decided, str):
        return Restored(CHANGED_SINCE, decided)
    api = catalogue.tag_apis[kind.tag_api]
    if decided.removes and (api.remove is None or not api.remove.keys):
        return Restored(_FAILED, f"{api.client} removes all tags or none: remove {', '.join(decided.removes)} by hand")
    return decided


def _waits(why: Unavailable) -> Restored:
    """What could not be read. What is not there any more has no tags to put back."""
    gone = why.outcome is OutcomeKind.GONE
    return Restored(why.outcome.value, why.reason, left=not gone)


def _well(what: Restoration, dry_run: bool) -> Restored:
    if what.is_done:
        return Restored(OutcomeKind.UNCHANGED.value, "is as it was before the run")
    return Restored(WOULD_RESTORE if dry_run else RESTORED)


def _write(
    wanted: Iterable[tuple[_Asked, Restoration]], ports: Ports, catalogue: Catalogue, settings: Settings
) -> Mapping[str, Outcome]:
    """Sets what was there before, then removes what was not. The outcomes of what was tried, by ARN; the worse counts.

    A key is removed only where all that was to be set is set: else a resource would be without its owner's name.
    """
    sets: dict[tuple[str, str, str, TagPairs], list[Resource]] = {}
    for one, what in wanted:
        if what.sets:
            _grouped(sets, one, what.sets, catalogue)
    ages = {one.key.arn: _OLD for one, _ in wanted}
    outcomes = apply_writes(group_writes(sets, catalogue), ages, ports, catalogue, settings)
    removals: dict[tuple[str, str, str, TagPairs], list[Resource]] = {}
    for one, what in wanted:
        outcome = outcomes.get(one.key.arn)
        if what.removes and (outcome is None or outcome.kind is OutcomeKind.TAGGED):
            _grouped(removals, one, tuple((key, one.item.written[key]) for key in what.removes), catalogue)
    removing = _removal_writes(removals, catalogue)
    return outcomes | apply_writes(removing, ages, _removing(ports), catalogue, settings)


def _grouped(
    groups: dict[tuple[str, str, str, TagPairs], list[Resource]], one: _Asked, tags: TagPairs, catalogue: Catalogue
) -> None:
    resource = one.target.resource
    api = catalogue.types[resource.type].tag_api
    groups.setdefault((one.target.account, one.target.region, api, tags), []).append(resource)


def _removal_writes(
    groups: Mapping[tuple[str, str, str, TagPairs], list[Resource]], catalogue: Catalogue
) -> list[Write]:
    """As `group_writes`, of as many resources as a call that removes tags takes."""
    writes = []
    for (account, region, api, tags), resources in sorted(groups.items()):
        removal = catalogue.tag_apis[api].remove
        size = removal.most if removal else 1
        in_order = sorted(resources)
        writes += [
            Write(account, region, api, tags, tuple(in_order[start : start + size]))
            for start in range(0, len(in_order), size)
        ]
    return writes


def _removing(ports: Ports) -> Ports:
    """The same world, in which a write removes its keys."""
    return dataclasses.replace(ports, tagger=ports.remover)


def _keep(done: Sequence[_Asked], order: RestoreOrder, results: dict[int, Restored], ports: Ports) -> None:
    """Keeps in the ledger what was put back, and by whose order: at each resource that is as it was."""
    by = clean(order.by)[:MAX_BY] or SOMEBODY
    now = ports.now()
    entries = [
        TagChanged(
            one.key,
            EventKey(one.key.account, one.key.region, f"undo-{order.run}"),
            Actor(by),
            changes_of(one.item),
            1,
            now,
            order.run,
        )
        for one in done
    ]
    try:
        if entries:
            ports.ledger.append(entries)
    except LedgerError as error:
        reason = f"the tags are as they were, but the ledger can't say so: {error}; give the same order again"
        results.update({one.where: Restored(error.outcome.value, reason, left=True) for one in done})
