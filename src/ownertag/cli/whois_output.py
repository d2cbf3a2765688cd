"""What `ownertag whois` prints: for a person, as JSON lines, or as CSV."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from ownertag.cli.options import Output
from ownertag.cli.output import clean_lines, print_table
from ownertag.core.claims import ResourceKey
from ownertag.core.details import Actor
from ownertag.flows.whois import Answer, Event
from ownertag.ledger.entries import Created, Deleted, Ended, Owned, TagChanged, Transferred

SCHEMA = 1
_WIDTH = 11
_KNOWN = "as far as the ledger knows"


class Now(Struct, frozen=True):
    """The tags of today, or why they were not looked at."""

    tags: dict[str, str] | None
    reason: str | None = None


def print_answers(answers: Sequence[Answer], now: Mapping[ResourceKey, Now], format: Output) -> None:  # noqa: A002 - the word of the option
    """Print each answer."""
    objects = [as_object(each, now.get(each.key) if each.now else None) for each in answers]
    if format is Output.JSON:
        for each in objects:
            print(json.dumps(each))
    elif format is Output.CSV:
        print_table([_row(each) for each in objects], format)
    else:
        blocks = [_block(answer, now.get(answer.key) if answer.now else None) for answer in answers]
        print("\n\n".join("\n".join(clean_lines(lines)) for lines in blocks))


def as_object(answer: Answer, now: Now | None) -> dict[str, Any]:
    """An answer as `--json` prints it; the fields are described in `docs/reference/json.md`."""
    owner = answer.owner
    return {
        "schema": SCHEMA,
        "source": "cloudtrail" if answer.from_trail else "ledger",
        "arn": answer.key.arn,
        "id": answer.id,
        "type": answer.type or None,
        "account": answer.key.account,
        "region": answer.key.region,
        "owner": {
            "name": owner.name,
            "evidence": owner.evidence,
            "confidence": owner.confidence.value,
            "via": list(owner.via),
            "reason": owner.reason,
            "provisional": answer.provisional,
        },
        "since": _time(answer.since),
        "until": answer.until and _time(answer.until),
        "created": answer.created and _created(answer.created),
        "address": answer.address,
        "address_since": answer.address_since and _time(answer.address_since),
        "addresses": list(answer.addresses),
        "parents": list(answer.parents),
        "tags": dict(answer.tags),
        "tags_now": now.tags if now else None,
        "not_looked": now.reason if now else None,
        "history": [{"at": _time(_at(each)), **_event(each)} for each in answer.history],
        "history_left_out": answer.left_out,
    }


def _created(created: Created) -> dict[str, Any]:
    return {
        "event_id": created.event.event_id,
        "event_source": created.event_source,
        "event_name": created.event_name,
        "at": _time(created.created_at),
        **_actor(created.actor),
    }


def _actor(actor: Actor) -> dict[str, Any]:
    return {name: getattr(actor, name) for name in actor.__struct_fields__}


def _event(event: Event) -> dict[str, Any]:
    entry = event.entry
    match entry:
        case Owned():
            return {
                "kind": "created" if event.owns else "seen-again",
                "event_id": entry.claim.event_id,
                "event_name": event.created and event.created.event_name,
                "principal": event.created and event.created.actor.principal,
                "named": entry.claim.named,
                "owner": entry.owner.name,
                "provisional": entry.provisional,
            }
        case Ended():
            return {
                "kind": "outcome",
                "event_id": entry.event.event_id,
                "owner": entry.owner,
                "outcome": entry.kind.value,
                "reason": entry.reason or None,
                "final": entry.final,
            }
        case TagChanged():
            return {
                "kind": "tag-changed",
                "event_id": entry.event.event_id,
                "principal": entry.actor.principal,
                "key": entry.key,
                "old": entry.old,
                "new": entry.new,
            }
        case Transferred():
            return {"kind": "transferred", "to": entry.to, "by": entry.by, "reason": entry.reason}
        case Deleted():
            return {"kind": "deleted", "event_id": entry.event.event_id, "principal": entry.actor.principal}


def _at(event: Event) -> datetime:
    return event.entry.claim.created_at if isinstance(event.entry, Owned) else event.entry.at


def _row(each: Mapping[str, Any]) -> dict[str, str]:
    owner, created = each["owner"], each["created"] or {}
    cells = {
        "owner": owner["name"],
        "evidence": owner["evidence"],
        "confidence": owner["confidence"],
        **{key: each[key] for key in ("arn", "account", "region", "address", "since", "until")},
        **{key: created.get(key) for key in ("event_name", "event_id", "principal", "session", "source_address")},
        "source": each["source"],
    }
    return {key: "" if value is None else str(value) for key, value in cells.items()}


# --- for a person


def _block(answer: Answer, now: Now | None) -> Iterator[str]:
    owner = answer.owner
    yield owner.name
    soon = ", and may still change: something was awaited when it was decided" if answer.provisional else ""
    yield _line("confidence", f"{owner.confidence.value}, by {owner.evidence}{soon}")
    yield from _lines("through", owner.via)
    if owner.reason:
        yield _line("because", owner.reason)
    if answer.from_trail:
        yield _line("source", "from CloudTrail: the ledger never saw it, and only the creation's own record was asked")
    yield _line("resource", answer.key.arn + (f"  ({answer.type})" if answer.type else ""))
    yield _line("account", f"{answer.key.account}, {answer.key.region}")
    yield from _creation(answer)
    yield from _lines("addresses", answer.addresses)
    if answer.address and answer.address_since:
        until = f"until {_time(answer.until)}" if answer.until else f"and still, {_KNOWN}"
        yield _line("had", f"{answer.address} from {_time(answer.address_since)} {until}")
    yield from _lines("belongs to", answer.parents)
    if not answer.from_trail:
        yield _line("life", f"ended {_time(answer.until)}" if answer.until else f"not ended, {_KNOWN}")
        yield from _lines("tags", [f"{key} = {value}" for key, value in answer.tags])
        yield from _lines("tags now", list(_compared(answer, now)) if now else ())
        yield from _lines("history", list(_history(answer)))


def _creation(answer: Answer) -> Iterator[str]:
    created = answer.created
    if created is None:
        yield _line("created", f"nobody saw it; known since {_time(answer.since)}")
        return
    actor = created.actor
    yield _line("created", f"{_time(created.created_at)} by {created.event_name} of {created.event_source}")
    yield _line("by", actor.principal + (f"  ({actor.type})" if actor.type else ""))
    for name, value in (
        ("session", actor.session),
        ("role", actor.issuer),
        ("identity", actor.source_identity),
        ("service", actor.invoked_by),
        ("access key", actor.access_key_id),
    ):
        if value:
            yield _line(name, value)
    mfa = {True: "with MFA", False: "without MFA", None: "MFA not said"}[actor.mfa]
    yield _line("from", f"{actor.source_address or 'an address that is not said'}, {mfa}")
    yield _line("agent", actor.user_agent or "not said")
    yield _line("event", created.event.event_id)


def _compared(answer: Answer, now: Now) -> Iterator[str]:
    """The ledger's tags against those of today; other tags are not ours to tell."""
    if now.tags is None:
        yield f"not looked: {now.reason}"
        return
    if not now.tags:
        yield "none at all: they were removed, or it is gone"
        return
    different = False
    for key, value in answer.tags:
        if now.tags.get(key) != value:
            different = True
            yield f"{key} = {now.tags[key]}, not as the ledger has it" if key in now.tags else f"{key} is missing"
    if not different:
        yield "as the ledger has them" if answer.tags else "the ledger has none to compare"


def _history(answer: Answer) -> Iterator[str]:
    for number, event in enumerate(answer.history):
        if answer.left_out and number == len(answer.history) // 2:
            yield f"... {answer.left_out} entries are left out here"
        yield f"{_time(_at(event))}  {_told(event)}"


def _told(event: Event) -> str:
    each, entry = _event(event), event.entry
    match entry:
        case Owned():
            who = f"{each['principal'] or 'somebody'} ({each['event_name'] or 'event'} {entry.claim.event_id})"
            what = "created by" if event.owns else "seen again by"
            found = "" if entry.claim.named else ", found with what it made"
            return f"{what} {who}{found}: {entry.owner.name}'s{', for now' if entry.provisional else ''}"
        case Ended():
            reason = f" ({entry.reason})" if entry.reason else ""
            return f"{entry.kind.value}, for {entry.owner}{reason}{'' if entry.final else ', tried again later'}"
        case TagChanged():
            old, new = (json.dumps(v, ensure_ascii=False) if v is not None else "none" for v in (entry.old, entry.new))
            return f"tag {entry.key}: {old} -> {new} by {entry.actor.principal} (event {entry.event.event_id})"
        case Transferred():
            return f"given to {entry.to} by {entry.by}: {entry.reason}"
        case Deleted():
            return f"deleted by {entry.actor.principal} (event {entry.event.event_id})"


def _line(name: str, text: str) -> str:
    return f"  {name:<{_WIDTH}}{text}"


def _lines(name: str, texts: Sequence[str]) -> Iterator[str]:
    return (_line(name if not number else "", text) for number, text in enumerate(texts))


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
