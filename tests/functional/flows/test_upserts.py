"""A rule that somebody changes stays whose it was: by the ledger, and by its tag where the ledger does not know it."""

from __future__ import annotations

from typing import Any

from flows.hub import A, on_fakes
from harness.events import HOME, record
from harness.fakes import FakeAws
from harness.memory_ledger import MemoryLedger
from ownertag.core.ownership import ResourceKey
from ownertag.ledger.port import LedgerError

RULE = f"arn:aws:events:{HOME}:{A}:rule/nightly"


def put(user: str, number: int, **fields: Any) -> dict[str, Any]:
    return record(
        "PutRule", A, HOME, {"ruleArn": RULE}, {"name": "nightly"}, user=user, number=number,
        eventSource="events.amazonaws.com", **fields,
    )  # fmt: skip


def owner_tag(aws: FakeAws) -> str | None:
    return aws.places[A, HOME].tags[RULE].get("owner")


def owner_in(ledger: MemoryLedger) -> str | None:
    known = ledger.by_key([ResourceKey(A, HOME, RULE)])
    return known[0].holding.owner.name if known else None


def test_the_first_call_owns_and_a_later_one_writes_nothing() -> None:
    aws, ledger = FakeAws(), MemoryLedger()
    assert not on_fakes(aws, put("alice", 1), ledger=ledger).returned
    assert (owner_tag(aws), owner_in(ledger)) == ("alice", "alice")
    assert not on_fakes(aws, put("mallory", 2), ledger=ledger).returned
    assert (owner_tag(aws), owner_in(ledger)) == ("alice", "alice")
    assert aws.count("events.TagResource") == 1


def test_a_rule_of_before_keeps_its_tag_and_is_not_in_the_ledger() -> None:
    aws, ledger = FakeAws(), MemoryLedger()
    aws.places[A, HOME].tags[RULE] |= {"owner": "bob"}
    answer = on_fakes(aws, put("mallory", 1), put("mallory", 2), ledger=ledger)
    assert not answer.returned
    assert (owner_tag(aws), owner_in(ledger)) == ("bob", None)
    assert not ledger.finished
    assert aws.count("events.TagResource") == 0


def test_without_the_ledger_the_tag_decides_and_the_claim_follows_when_it_is_back() -> None:
    aws, ledger = FakeAws(), MemoryLedger()
    ledger.fails = LedgerError("down")
    assert on_fakes(aws, put("alice", 1), ledger=ledger).returned
    assert owner_tag(aws) == "alice"
    assert on_fakes(aws, put("mallory", 2), ledger=ledger).returned
    assert owner_tag(aws) == "alice"
    ledger.fails = None
    on_fakes(aws, put("mallory", 2), ledger=ledger)
    assert (owner_tag(aws), owner_in(ledger)) == ("alice", None)
    on_fakes(aws, put("alice", 1), ledger=ledger)
    assert (owner_tag(aws), owner_in(ledger)) == ("alice", "alice")
