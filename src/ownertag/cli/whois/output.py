"""What `ownertag whois` prints: for a person, as JSON lines, or as CSV."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ownertag.cli.options import Output
from ownertag.cli.output import print_table
from ownertag.cli.terminal import CommandLine
from ownertag.cli.whois.objects import Told, as_object, event_object, event_time, time_text
from ownertag.cli.writing import print_lines
from ownertag.core.owner.principal import clean
from ownertag.flows.whois import Event, WhoisAnswer
from ownertag.ledger.entries import Deleted, Ended, HistoryEntry, Owned, TagChanged, Transferred

_WIDTH = 11
_KNOWN = "as far as the ledger knows"


def print_answers(answers: Sequence[WhoisAnswer], told: Told, format: Output) -> None:  # noqa: A002 - the word of the option
    """Prints each answer."""
    objects = [as_object(answer, told) for answer in answers]
    if format is Output.JSON:
        for fields in objects:
            print(json.dumps(fields))
    elif format is Output.CSV:
        print_table([_row(fields) for fields in objects], format)
    else:
        for number, (answer, fields) in enumerate(zip(answers, objects, strict=True)):
            print_lines([*([""] if number else []), *_block(answer, fields)])


def print_short(answers: Sequence[WhoisAnswer]) -> None:
    """Prints a line for each: owner, confidence, ARN, account, Region and when it was created, two spaces between.

    What is not known is a hyphen.
    """
    for answer in answers:
        owner, key = answer.owner, answer.key
        created = time_text(answer.created.created_at) if answer.created else ""
        cells = (owner.name, owner.confidence.value, key.arn, key.account, key.region, created)
        print("  ".join(" ".join(clean(cell).split()) or "-" for cell in cells))


def _row(fields: Mapping[str, Any]) -> dict[str, str]:
    owner, created = fields["owner"], fields["created"] or {}
    cells = {
        "owner": owner["name"],
        "evidence": owner["evidence"],
        "confidence": owner["confidence"],
        **{
            key: fields[key] for key in ("arn", "account", "account_name", "account_contact", "account_owner", "region")
        },
        **{key: fields[key] for key in ("address", "since", "until")},
        **{key: created.get(key) for key in ("event_name", "event_id", "principal", "session", "source_address")},
        "source": fields["source"],
    }
    return {key: "" if value is None else str(value) for key, value in cells.items()}


# --- for a person


def _block(answer: WhoisAnswer, fields: Mapping[str, Any]) -> Iterator[str]:
    """The answer first; then what, where, made when by whom, whether it is still there, why; tags; the history last."""
    owner = answer.owner
    yield f"{owner.name}  ({owner.confidence.value})"
    yield _line("resource", answer.id + (f"  ({answer.type})" if answer.type else ""))
    yield _line("arn", answer.key.arn)
    name = f" {fields['account_name']}" if fields["account_name"] else ""
    yield _line("account", f"{answer.key.account}{name}, {answer.key.region}")
    yield _line("contact", _contact(fields))
    yield from _asked_for(answer)
    yield from _creation(answer)
    if not answer.from_trail:
        yield _line("life", _life(answer, fields))
    if fields["attached"] or fields["attached_not_checked"]:
        yield _line("attached", _attached(fields))
    soon = ", and may still change: something was awaited when it was decided" if answer.provisional else ""
    yield _line("evidence", f"{owner.evidence}{soon}")
    yield from _lines("through", owner.via)
    if owner.reason:
        yield _line("because", owner.reason)
    if answer.from_trail:
        yield _line("source", "from CloudTrail: the ledger never saw it, and only the creation's own record was asked")
    yield from _lines("addresses", answer.addresses)
    yield from _lines("belongs to", answer.parents)
    if not answer.from_trail:
        if answer.observed:
            yield _line("observed", f"not tagged: the account was observed at {time_text(answer.observed)}")
        head = "would be" if answer.observed else "kept" if answer.is_untagged else "tags"
        yield from _lines(head, [f"{key} = {value}" for key, value in answer.tags])
        if answer.now and not answer.until and (undone := _undone(answer)):
            yield _line("undone", f"run {undone.undone}, at {time_text(undone.at)} by {undone.actor.principal}")
        if answer.past:
            yield from _lines("tags then", list(_differences(answer, dict(answer.past.tags))))
        if not answer.observed:
            yield from _lines("tags now", list(_compared(answer, fields)))
        if _is_changed(answer, fields):
            yield "  put back, if it should be as the ledger has it:"
            yield CommandLine(f"    {restore_command(answer.key.arn, owner.name)}")
        yield from _lines("history", list(_history(answer)))


def _asked_for(answer: WhoisAnswer) -> Iterator[str]:
    """Why this is an answer, where an address or a key was asked for."""
    if answer.address and answer.address_since:
        until = f"until {time_text(answer.until)}" if answer.until else f"and still, {_KNOWN}"
        yield _line("had", f"{answer.address} from {time_text(answer.address_since)} {until}")
    if answer.access_key:
        made = answer.created is not None and answer.created.actor.access_key_id == answer.access_key
        yield _line("key", f"{answer.access_key} {'made it' if made else 'called when it was there: another made it'}")


def _is_changed(answer: WhoisAnswer, fields: Mapping[str, Any]) -> bool:
    """Whether somebody else's tags stand there: as AWS shows them now, or, where nobody looked, by the history."""
    if not answer.now or answer.until or answer.observed or _undone(answer):
        return False
    if (now := fields["tags_now"]) is not None:
        return bool(now) and any(now.get(key) != value for key, value in answer.tags)
    return isinstance(_last_written(answer), TagChanged)


def _undone(answer: WhoisAnswer) -> TagChanged | None:
    """The undoing of a run, if the tags are as it left them."""
    last = _last_written(answer)
    return last if isinstance(last, TagChanged) and last.undone else None


def _last_written(answer: WhoisAnswer) -> HistoryEntry | None:
    wrote = (TagChanged, Transferred, Ended)
    return next((one.entry for one in reversed(answer.history) if isinstance(one.entry, wrote)), None)


def restore_command(arn: str, owner: str) -> str:
    """Returns the command that writes an owner's tags again."""
    return f"ownertag transfer {arn} --to {shlex.quote(owner)} --reason 'put back what was changed'"


def _creation(answer: WhoisAnswer) -> Iterator[str]:
    created = answer.created
    if created is None:
        yield _line("created", f"nobody saw it; known since {time_text(answer.since)}")
        return
    actor = created.actor
    yield _line("created", f"{time_text(created.created_at)} by {created.event_name} of {created.event_source}")
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


def _contact(fields: Mapping[str, Any]) -> str:
    """Returns whom to ask about the account, and what could not be read of it."""
    parts = [fields["account_contact"], fields["account_owner"] and f"the account's owner is {fields['account_owner']}"]
    if fields["account_not_read"]:
        parts.append(f"not read: {fields['account_not_read']}")
    return "; ".join(part for part in parts if part) or "none"


def _attached(fields: Mapping[str, Any]) -> str:
    """Returns what an Elastic IP address is attached to."""
    attached = fields["attached"]
    if attached is None:
        return f"not checked: {fields['attached_not_checked']}"
    named = [part for part in (attached["instance"], attached["interface"]) if part]
    behind = f", {attached['private_address']}" if attached["private_address"] else ""
    return " by ".join(named) + behind if named else "nothing, now"


def _life(answer: WhoisAnswer, fields: Mapping[str, Any]) -> str:
    """Returns what the ledger knows of its end, and what EC2 says today of an instance."""
    if answer.deleted:
        by, actor = answer.deleted.by or answer.deleted.actor.principal, answer.deleted.actor
        return (
            f"deleted by {by} on {time_text(answer.deleted.at)}"
            f" from {actor.source_address or 'an address that is not said'}"
        )
    if answer.until:
        return f"ended {time_text(answer.until)}"
    match fields["state"]:
        case None:
            return f"not ended, {_KNOWN}"
        case "gone":
            return "ended: EC2 no longer shows it, as it does from about an hour after an instance was terminated"
        case "terminated" | "shutting-down" as ended:
            return f"ended: {ended}, EC2 says now"
        case state:
            return f"{state}, EC2 says now"


def _compared(answer: WhoisAnswer, fields: Mapping[str, Any]) -> Iterator[str]:
    """Compares the ledger's tags with those of today; other tags are not told."""
    now = fields["tags_now"]
    if now is None:
        if fields["not_checked"]:
            yield f"not checked: {fields['not_checked']}"
        return
    if not now:
        yield "none at all: they were removed, or it is gone"
        return
    yield from _differences(answer, now)


def _differences(answer: WhoisAnswer, carried: Mapping[str, str]) -> Iterator[str]:
    different = False
    for key, value in answer.tags:
        if carried.get(key) != value:
            different = True
            yield f"{key} = {carried[key]}, not as the ledger has it" if key in carried else f"{key} is missing"
    if not different:
        yield "as the ledger has them" if answer.tags else "the ledger has none to compare"


def _history(answer: WhoisAnswer) -> Iterator[str]:
    for number, event in enumerate(answer.history):
        if answer.left_out and number == len(answer.history) // 2:
            yield f"... {answer.left_out} entries are left out here"
        yield f"{time_text(event_time(event))}  {_entry_text(event)}"


def _entry_text(event: Event) -> str:
    fields, entry = event_object(event), event.entry
    match entry:
        case Owned():
            who = f"{fields['principal'] or 'somebody'} ({fields['event_name'] or 'event'} {entry.claim.event_id})"
            what = "created by" if event.owns else "seen again by"
            found = "" if entry.claim.named else ", found with what it made"
            return f"{what} {who}{found}: {entry.owner.name}'s{', for now' if entry.provisional else ''}"
        case Ended():
            reason = f" ({entry.reason})" if entry.reason else ""
            kind = "observed, not tagged" if entry.observed else entry.kind.value
            return f"{kind}, for {entry.owner}{reason}{'' if entry.final else ', tried again later'}"
        case TagChanged():
            on = f", on this and {entry.resources - 1:,} more" if entry.resources > 1 else ""
            tags = "; ".join(f"tag {one.key}: {_quoted(one.old)} -> {_quoted(one.new)}" for one in entry.changes)
            if entry.undone:
                return f"run {entry.undone} undone by {entry.actor.principal}: {tags}"
            return f"{tags} by {entry.actor.principal} (event {entry.event.event_id}){on}"
        case Transferred():
            return f"given to {entry.to} by {entry.by}: {entry.reason}"
        case Deleted():
            return f"deleted by {entry.actor.principal} (event {entry.event.event_id})"


def _quoted(value: str | None) -> str:
    return "none" if value is None else json.dumps(value, ensure_ascii=False)


def _line(name: str, text: str) -> str:
    return f"  {name:<{_WIDTH}}{text}"


def _lines(name: str, texts: Sequence[str]) -> Iterator[str]:
    return (_line(name if not number else "", text) for number, text in enumerate(texts))
