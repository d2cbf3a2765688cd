"""Decides whose each resource is: the orders that would tag it are given as a dry run; no rule stands here twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from ownertag.core.backfill.found import FoundResource, State
from ownertag.core.backfill.lives import maker_of
from ownertag.core.backfill.plan import Action, PlanRow
from ownertag.core.ownership import ResourceKey
from ownertag.core.settings import Settings
from ownertag.core.values import Confidence, OutcomeKind
from ownertag.flows.backfill.evidence import is_asked_again, logs_read, made_at_of, unread_history
from ownertag.flows.backfill.ports import Orders, ResultObject, Tell, tell_nobody
from ownertag.runs.backfill import BackfillStore
from ownertag.runs.values import Candidate, KeptResource

#: So many records or resources of one order: Lambda takes 6 MB (Lambda developer guide, quotas), and the function has
#: three minutes.
ORDER = 100
ORDER_BYTES = 2_000_000
#: Where the evidence is the resource itself.
RESOURCE = "resource"

#: (account, Region, event id).
EventId = tuple[str, str, str]


def decide(
    store: BackfillStore,
    orders: Orders,
    settings: Settings,
    whom_to_ask: Callable[[str], str],
    tell: Tell = tell_nobody,
) -> None:
    """Makes the plan: a row for each resource. What has one keeps it, unless it could not be decided.

    Account by account, so that no more than the records of one are held, and calls for one place are made together. The
    records of an account come in the order of their time, so that the owner of a stack is decided before that of what
    it made.

    Args:
        store: The run.
        orders: Takes the orders.
        settings: The keys of the owner tag.
        whom_to_ask: Who could know more of an account's resources, in words.
        tell: Is told how far it is.

    Raises:
        RunError: The run's file can't be used.
    """
    store.forget_open()
    plan = _Plan(store, settings, whom_to_ask)
    of = sum(1 for _ in store.resources())
    done = sum(1 for _ in store.plan())
    tell("decide", done, of, "resources")
    for account in dict.fromkeys(account for account, _ in store.places()):
        for part in orders_of(_undecided_records(store, account), lambda event: len(store.data(*event))):
            results = orders.tag([store.data(*event) for event in part], dry_run=True)
            rows = [row for event, result in zip(part, results, strict=True) for row in plan.of_record(event, result)]
            store.keep_plan(rows)
            done += len(rows)
            tell("decide", done, of, "resources")
    for chunk in _chunks(_undecided(store), ORDER):
        unread = [one for one in chunk if one.state is State.UNREAD]
        asked = [one for one in chunk if one.state is not State.UNREAD]
        results = orders.adopt([one.found for one in asked], dry_run=True) if asked else []
        rows = [plan.unread(one) for one in unread]
        rows += [plan.of_resource(one, result) for one, result in zip(asked, results, strict=True)]
        store.keep_plan(rows)
        done += len(rows)
        tell("decide", done, of, "resources")


def orders_of(events: Iterable[EventId], size: Callable[[EventId], int]) -> Iterator[list[EventId]]:
    """Records in orders that are not too large."""
    order: list[EventId] = []
    total = 0
    for event in events:
        own = size(event)
        if order and (len(order) >= ORDER or total + own > ORDER_BYTES):
            yield order
            order, total = [], 0
        order.append(event)
        total += own
    if order:
        yield order


def _undecided(store: BackfillStore, account: str = "") -> Iterator[KeptResource]:
    return (one for one in store.resources(account) if not store.planned([one.found.key]))


def _undecided_records(store: BackfillStore, account: str) -> list[EventId]:
    """The records that made what is undecided in an account, the earliest first; each once."""
    found: dict[EventId, Any] = {}
    for one in _undecided(store, account):
        by = None if one.state is State.UNREAD else maker(store, one)
        if by is not None and not by.refused:
            found[one.found.account, one.found.region, by.event_id] = by.at
    return sorted(found, key=lambda event: (found[event], event))


def maker(store: BackfillStore, one: KeptResource) -> Candidate | None:
    """The record that made what is there now."""
    return maker_of(store.candidates(one.found.key), made_at_of(one))


class _Plan:
    """Makes rows of the plan out of results."""

    def __init__(self, store: BackfillStore, settings: Settings, whom_to_ask: Callable[[str], str]) -> None:
        self._store = store
        self._settings = settings
        self._whom_to_ask = whom_to_ask
        self._unread = unread_history(store)
        self._unread_logs = "not all logs could be read" if logs_read(store).problems else ""

    def of_record(self, event: EventId, result: ResultObject) -> Iterator[PlanRow]:
        """The rows of what a record made; none where it names nobody: then the resource's own word counts."""
        account, region, event_id = event
        refusal = result["refusal"]
        if refusal:
            self._store.refuse_record(account, region, event_id, f"{refusal['reason']}: {refusal['detail']}")
            return
        for made in result["resources"]:
            kept = self._store.resource(ResourceKey(account, region, made["arn"]))
            if kept is None:
                continue
            candidate = maker(self._store, kept)
            if candidate is not None and candidate.event_id != event_id:
                continue  # another record made what has the name now
            source = f"{candidate.source} {candidate.place}" if candidate else "the record of what it came with"
            yield self._row(kept, result, event_id, source)

    def of_resource(self, kept: KeptResource, result: ResultObject) -> PlanRow:
        """The row of what no record tells of."""
        refusal = result["refusal"]
        why = self._unread.get((kept.found.account, kept.found.region), "")
        unread = f"CloudTrail's records could not all be read ({why})" if why else ""
        waits = is_asked_again(why)
        if refusal:
            reason = _joined(unread, self._unread_logs, f"{refusal['reason']}: {refusal['detail']}")
            ask = self._whom_to_ask(kept.found.account)
            return _row(kept, self._settings, Action.LEAVE, source=RESOURCE, reason=reason, ask=ask, waits=waits)
        refused = [one for one in self._store.candidates(kept.found.key) if one.refused]
        of_record = f"its record in {refused[0].place} names nobody: {refused[0].refused}" if refused else ""
        reason = _joined("" if waits else unread, self._unread_logs, of_record)
        return self._row(kept, result, "", RESOURCE, reason, unread if waits else "")

    def unread(self, kept: KeptResource) -> PlanRow:
        """The row of what can't be compared."""
        ask = self._whom_to_ask(kept.found.account)
        return _row(kept, self._settings, Action.LEAVE, reason="its tags could not be read", ask=ask)

    def _row(
        self, kept: KeptResource, result: ResultObject, event_id: str, source: str, reason: str = "", waits: str = ""
    ) -> PlanRow:
        """`waits` says for what else the row waits than for what the result has left."""
        owner = result["owner"]
        waits = _joined(waits, _waits(result, kept.found.resource.arn))
        if owner is None:
            reason = waits or reason or "nothing could be decided"
            return _row(kept, self._settings, Action.LEAVE, source=source, reason=reason, waits=True)
        confidence = Confidence(owner["confidence"])
        tags = tuple((str(key), str(value)) for key, value in (result["tags"] or {}).items())
        tag_now, known = _tag_now(kept.found, self._settings), confidence is not Confidence.NONE
        reasons = [reason, owner["reason"] or "", waits]
        if known and tag_now and tag_now != owner["name"] and not owner["reason"]:
            reasons.append(f"its tag says {tag_now}")
        ask = self._whom_to_ask(kept.found.account) if confidence in {Confidence.ACCOUNT, Confidence.NONE} else ""
        return PlanRow(
            kept.found.key, kept.found.resource.type, kept.found.resource.id, kept.state,
            Action.TAG if known else Action.LEAVE, owner["name"] if known else "", confidence, owner["evidence"],
            tuple(owner["via"]), event_id, kept.found.made_at, tag_now, tags, source,
            _joined(*reasons), ask, bool(waits),
        )  # fmt: skip


def _row(kept: KeptResource, settings: Settings, action: Action, **fields: Any) -> PlanRow:
    found, tag_now = kept.found, _tag_now(kept.found, settings)
    return PlanRow(
        found.key, found.resource.type, found.resource.id, kept.state, action, made_at=found.made_at, tag_now=tag_now,
        **fields,
    )  # fmt: skip


def _joined(*reasons: str) -> str:
    return "; ".join(filter(None, reasons))


def _tag_now(found: FoundResource, settings: Settings) -> str:
    return (found.tags or {}).get(settings.owner_key or "", "")


def _waits(result: ResultObject, arn: str) -> str:
    """Why something of a resource could not be looked up yet; empty where nothing is left to be done."""
    if not result["left"]:
        return ""
    own = [outcome for outcome in result["outcomes"] if outcome["arn"] in {None, arn}]
    return "; ".join(f"{one['outcome']}: {one['reason']}" for one in own if one["outcome"] in _OPEN)


_OPEN = frozenset(
    kind.value for kind in (OutcomeKind.THROTTLED, OutcomeKind.NOT_READY, OutcomeKind.FORBIDDEN, OutcomeKind.FAILED)
)


def _chunks(items: Iterator[KeptResource], size: int) -> Iterator[list[KeptResource]]:
    while chunk := list(islice(items, size)):
        yield chunk
