"""L1 to L9: the ledger fails, is slow, or has something else."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

from botocore.awsrequest import AWSResponse

from contracts.emulated import Call, answer
from faults.inject import each_code, fails, made
from faults.made import key_of, volume_of
from faults.row import WELL, Inject, Proof, Row
from faults.world import World
from harness.events import volume
from ledger import test_kills
from ownertag.ledger.entries import Owned
from ownertag.ledger.sqlite import SqliteLedger

#: Without the ledger only what carries no owner is tagged, and all comes back.
_AWAY = "back, tagged, unknown"


def _cancelled(reasons: str, times: int | None) -> Inject:
    def inject(world: World) -> None:
        left = [times]

        def rule(call: Call) -> AWSResponse | None:
            if call.operation != "TransactWriteItems" or left[0] == 0:
                return None
            if left[0] is not None:
                left[0] -= 1
            named = ", ".join(f'{{"Code": "{reason}"}}' for reason in reasons.split())
            return answer(call, 400, f'{{"__type": "TransactionCanceledException", "CancellationReasons": [{named}]}}')

        world.wire.rule(rule)

    return inject


def _left_over(times: int) -> Inject:
    """A 200 that holds nothing, and all keys as not processed."""

    def inject(world: World) -> None:
        left = [times]

        def rule(call: Call) -> AWSResponse | None:
            if call.operation != "BatchGetItem" or not left[0]:
                return None
            left[0] -= 1
            asked = call.text.removeprefix('{"RequestItems": ').removesuffix("}")
            return answer(call, 200, f'{{"Responses": {{}}, "UnprocessedKeys": {asked}}}')

        world.wire.rule(rule)

    return inject


def _owned_before(world: World) -> None:
    """Bob's volume has tags of an owner that the ledger can't tell of."""
    world.make("a1 b1")
    tags = [{"Key": "owner", "Value": "bob"}]
    world.aws.ec2(world.a).create_tags(Resources=[volume_of("a1")], Tags=tags)


def _repeated(world: World) -> None:
    """Alice creates; the same again by an idempotent create of bob's, later."""
    world.make("a1")
    world.deliver()
    later = volume(world.a, volume_of("a1"), at=world.clock() + timedelta(seconds=5), user="bob", number=950)
    world.send("bob's", later)


def _both_are_kept(world: World) -> None:
    assert world.aws.tags(world.a)[volume_of("a1")]["owner"] == "alice"
    made_ = world.made["a1"]
    with world.ledger() as ledger:
        owners = [
            entry.owner.name for entry in ledger.history(key_of(made_, volume_of("a1"))) if isinstance(entry, Owned)
        ]
        [known] = ledger.by_id(volume_of("a1"))
    assert owners == ["alice", "bob"]
    assert known.holding.owner.name == "alice"


def _huge(world: World) -> None:
    world.make("a1", userAgent="x" * 300_000, sourceIPAddress="y" * 5000)


def _no_item_is_large(world: World) -> None:
    items = world.table_items()
    assert items
    assert max(len(repr(item).encode()) for item in items) < 20_000


def _locked(world: World) -> None:
    """Another process writes to the file, and does not end."""
    world.start()
    other = sqlite3.connect(world.folder / "ledger.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    world.undo.append(other.close)


def _full_or_read_only(folder: Path) -> None:
    """Nothing is half written: what was there is there, and the new is not."""
    from ledger import test_sqlite  # noqa: PLC0415 - a module of tests that are run as well

    test_sqlite.test_a_full_disk_keeps_what_was_there_and_nothing_of_the_new(folder / "full.sqlite")
    test_sqlite.test_a_file_that_may_not_be_written_to(folder / "read.sqlite")


def _killed(folder: Path) -> None:
    """A writer killed 30 times: all that it was told to be kept is there, once."""
    path = folder / "killed.sqlite"
    run = test_kills.killed(["sqlite", str(path)], 30, 0.04, seed=7)
    store = SqliteLedger(path)
    try:
        assert run.kills == 30
        assert run.within > 5
        assert test_kills.all_acknowledged(store, run.done)
    finally:
        store.close()


ROWS = [
    Row(
        "L1",
        "the line is there already: a create that was repeated later by somebody else",
        "both are kept, and the first creation owns",
        {"*": WELL, "bob's": "done"},
        scene=_repeated,
        also=_both_are_kept,
        healed=None,
    ),
    Row(
        "L2",
        "a transaction meets another one, or its condition does not hold",
        "read and decided anew: nothing comes back",
        {"*": WELL},
        {
            reasons: _cancelled(reasons, 2)
            for reasons in ("ConditionalCheckFailed None", "None TransactionConflict", "ThrottlingError")
        },
        scene=made("a1 a2"),
        healed=None,
    ),
    Row(
        "L2",
        "transactions meet without end",
        "busy: what carries no owner is tagged, and all comes back",
        {"*": _AWAY},
        {"for ever": _cancelled("TransactionConflict", None)},
        scene=made("a1 a2"),
        reason="is busy: 8 tries were not enough",
    ),
    Row(
        "L3",
        "the table throttles",
        "what carries no owner is tagged, and all comes back for its line",
        {"*": _AWAY},
        each_code("BatchGetItem", "ProvisionedThroughputExceededException ThrottlingException RequestLimitExceeded")
        | {"the writes": fails("TransactWriteItems", "ProvisionedThroughputExceededException")},
        scene=made("a1 a2"),
        reason="the ledger can't be used",
        metrics="MessagesReturned=2 Outcome.tagged=2",
    ),
    Row(
        "L3",
        "the table throttles, and a resource carries an owner already",
        "it is left as it is until the ledger answers: no owner is written over",
        {"a1": "back, other, unknown", "b1": _AWAY},
        {"owned": fails("BatchGetItem", "ThrottlingException")},
        scene=_owned_before,
        reason="the ledger can't be used",
    ),
    Row(
        "L4",
        "the table answers a part of what it was asked",
        "the rest is asked for again: nothing comes back",
        {"*": WELL},
        {"": _left_over(2)},
        scene=made("a1 a2"),
        healed=None,
    ),
    Row(
        "L4",
        "the table never answers the rest",
        "busy, never empty: what carries no owner is tagged, and all comes back",
        {"*": _AWAY},
        {"for ever": _left_over(1000)},
        scene=made("a1 a2"),
        reason="is busy: 8 tries were not enough",
    ),
    Row(
        "L5",
        "the table fails in its own words",
        "comes back",
        {"*": _AWAY},
        each_code(
            "TransactWriteItems",
            "InternalServerError TransactionConflictException ReplicatedWriteConflictException"
            " TransactionInProgressException",
        ),
        scene=made("a1 a2"),
        reason="throttled: the ledger can't be used",
    ),
    Row(
        "L6",
        "a record of 300 KB",
        "tagged; long texts are cut, and no item comes near the limit",
        {"*": WELL},
        scene=_huge,
        also=_no_item_is_large,
        healed=None,
    ),
    Row(
        "L7",
        "the table is missing, or denies",
        "what carries no owner is tagged, and all comes back so that the line is written later",
        {"*": _AWAY},
        each_code("BatchGetItem", "ResourceNotFoundException AccessDeniedException"),
        scene=made("a1 a2"),
        reason="the ledger can't be used",
        metrics="MessagesReturned=2 Outcome.tagged=2",
    ),
    Row(
        "L9",
        "another process has the ledger's file locked",
        "waited for, then: what carries no owner is tagged, and all comes back",
        {"*": _AWAY},
        {"locked": _locked},
        scene=made("a1 a2"),
        reason="is locked",
        store="sqlite",
    ),
]

PROOFS = [
    Proof(
        "L8", "the process that writes the ledger's file is killed", "all that was acknowledged is there, once", _killed
    ),
    Proof(
        "L9",
        "the disk is full, or the file may not be written",
        "nothing is half written, and the advice says what to do",
        _full_or_read_only,
    ),
]
