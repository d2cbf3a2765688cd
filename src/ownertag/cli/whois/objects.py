"""Answers as the objects that `ownertag whois --json` prints; the fields are described in `docs/reference/json.md`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ownertag.core.ownership import ResourceKey
from ownertag.core.record_details import Actor
from ownertag.core.values import Absent, Account, Attachment, Fact, Found, OutcomeKind, Unavailable
from ownertag.flows.whois import ELASTIC_IP, INSTANCE, Event, WhoisAnswer
from ownertag.ledger.entries import Created, Deleted, Ended, Owned, TagChanged, Transferred
from ownertag.render.documents import AUDIT_ROLE

if TYPE_CHECKING:
    from ownertag.flows.whois_aws import AttachmentAnswer, StateAnswer

SCHEMA = 1

AccountAnswer = Account | Absent | Unavailable


class Today(Struct, frozen=True):
    """What AWS tells now: of resources tags, attachments and states, of accounts names; the rest was not looked up."""

    tags: Mapping[ResourceKey, Fact] = {}
    attached: Mapping[ResourceKey, AttachmentAnswer] = {}
    accounts: Mapping[str, AccountAnswer] = {}
    states: Mapping[ResourceKey, StateAnswer] = {}


class NotChecked(Struct, frozen=True):
    """Why nothing at all was looked up in AWS, if so."""

    reason: str | None = None


class Told(Struct, frozen=True):
    """What is told beside the answers: what the paste was taken for, what AWS says today, or why it was not asked."""

    taken_for: str
    today: Today = Today()
    not_checked: NotChecked = NotChecked()


def as_object(answer: WhoisAnswer, told: Told) -> dict[str, Any]:
    """Returns an answer as `--json` prints it; the fields are described in `docs/reference/json.md`."""
    owner, today, not_checked = answer.owner, told.today, told.not_checked
    return {
        "schema": SCHEMA,
        "taken_for": told.taken_for,
        "source": "cloudtrail" if answer.from_trail else "ledger",
        "arn": answer.key.arn,
        "id": answer.id,
        "type": answer.type or None,
        "account": answer.key.account,
        "region": answer.key.region,
        **_account(today.accounts.get(answer.key.account), not_checked),
        "owner": {
            "name": owner.name,
            "evidence": owner.evidence,
            "confidence": owner.confidence.value,
            "via": list(owner.via),
            "reason": owner.reason,
            "provisional": answer.provisional,
        },
        "since": time_text(answer.since),
        "until": answer.until and time_text(answer.until),
        "deleted": answer.deleted and _deleted(answer.deleted),
        "created": answer.created and _created(answer.created),
        "address": answer.address,
        "address_since": answer.address_since and time_text(answer.address_since),
        "access_key": answer.access_key,
        "addresses": list(answer.addresses),
        "parents": list(answer.parents),
        "tags": dict(answer.tags),
        "observed": answer.observed and time_text(answer.observed),
        **_tags_now(answer, today, not_checked),
        **_state(answer, today, not_checked),
        **_attached(answer, today, not_checked),
        "tags_then": dict(answer.past.tags) if answer.past else None,
        "history": [{"at": time_text(event_time(event)), **event_object(event)} for event in answer.history],
        "history_left_out": answer.left_out,
    }


def _account(named: AccountAnswer | None, not_checked: NotChecked) -> dict[str, Any]:
    name = contact = owner = reason = None
    match named:
        case Account():
            name, contact = named.name or None, named.contact or None
            if isinstance(named.owner, Unavailable):
                reason = f"its owner tag: {_why(named.owner)}"
            else:
                owner = named.owner
        case Absent():
            reason = "the organization has no such account"
        case Unavailable():
            reason = _why(named)
        case None:
            reason = not_checked.reason
    return {"account_name": name, "account_contact": contact, "account_owner": owner, "account_not_read": reason}


def _tags_now(answer: WhoisAnswer, today: Today, not_checked: NotChecked) -> dict[str, Any]:
    tags, reason = None, _not_checked(answer, not_checked)
    match today.tags.get(answer.key) if answer.now else None:
        case Found() as found:
            tags = dict(found.tags or {})
        case Absent():
            tags = {}
        case Unavailable() as unread:
            reason = _why(unread)
    return {"tags_now": tags, "not_checked": reason}


def _state(answer: WhoisAnswer, today: Today, not_checked: NotChecked) -> dict[str, Any]:
    """Whether an instance runs; `gone`: EC2 shows it no longer, an hour or more after its end."""
    if answer.type != INSTANCE or answer.until is not None or answer.from_trail:
        return {"state": None, "state_not_checked": None}
    state, reason = None, _not_checked(answer, not_checked)
    match today.states.get(answer.key) if answer.now else None:
        case str() as told:
            state = told
        case Absent():
            state = "gone"
        case Unavailable() as unread:
            reason = _why(unread)
    return {"state": state, "state_not_checked": None if state else reason}


def _attached(answer: WhoisAnswer, today: Today, not_checked: NotChecked) -> dict[str, Any]:
    attached, reason = None, _not_checked(answer, not_checked) if answer.type == ELASTIC_IP else None
    if answer.type == ELASTIC_IP and answer.now:
        match today.attached.get(answer.key):
            case Attachment() as found:
                attached = {name: getattr(found, name) for name in found.__struct_fields__}
            case Absent():
                reason = "it was released"
            case Unavailable() as unread:
                reason = _why(unread)
    return {"attached": attached, "attached_not_checked": reason}


def _not_checked(answer: WhoisAnswer, not_checked: NotChecked) -> str | None:
    if answer.past and answer.past.given_to:
        return f"it was given to {answer.past.given_to} after the time that is asked about"
    if not answer.now or answer.from_trail:
        return None
    if not_checked.reason == "--offline":
        return not_checked.reason
    if answer.until is not None:
        return "its life ended"
    if answer.is_untagged:
        return "AWS tags no such resource: the ledger alone says whose it is"
    if not answer.is_live_in_ec2:
        return f"the role {AUDIT_ROLE} may look at tags of EC2 only"
    return not_checked.reason


def _why(unread: Unavailable) -> str:
    return f"{unread.outcome.value}: {unread.reason}"


def _created(created: Created) -> dict[str, Any]:
    return {
        "event_id": created.event.event_id,
        "event_source": created.event_source,
        "event_name": created.event_name,
        "at": time_text(created.created_at),
        **_actor(created.actor),
    }


def _deleted(deleted: Deleted) -> dict[str, Any]:
    return {
        "by": deleted.by or None,
        "event_id": deleted.event.event_id,
        "at": time_text(deleted.at),
        **_actor(deleted.actor),
    }


def _actor(actor: Actor) -> dict[str, Any]:
    return {name: getattr(actor, name) for name in actor.__struct_fields__}


def event_object(event: Event) -> dict[str, Any]:
    """Returns an entry of the history as `--json` prints it, without its time."""
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
                "outcome": OutcomeKind.OBSERVED.value if entry.observed else entry.kind.value,
                "reason": entry.reason or None,
                "final": entry.final,
            }
        case TagChanged():
            return {
                "kind": "tag-changed",
                "event_id": entry.event.event_id,
                "principal": entry.actor.principal,
                "resources": entry.resources,
                "changes": [{"key": change.key, "old": change.old, "new": change.new} for change in entry.changes],
                "undone": entry.undone or None,
            }
        case Transferred():
            return {"kind": "transferred", "to": entry.to, "by": entry.by, "reason": entry.reason}
        case Deleted():
            return {"kind": "deleted", "event_id": entry.event.event_id, "principal": entry.actor.principal}


def event_time(event: Event) -> datetime:
    """Returns when it happened."""
    return event.entry.claim.created_at if isinstance(event.entry, Owned) else event.entry.at


def time_text(at: datetime) -> str:
    """Returns a time as it is printed."""
    return at.isoformat().replace("+00:00", "Z")
