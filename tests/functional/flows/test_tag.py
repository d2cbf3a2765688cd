"""An operator's order to tag: through the ledger like an event, and a dry run that keeps nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from harness import fixtures
from harness.fakes import FakeAccounts, FakeAws, FakeLookups, FakeTagger, Launched
from harness.memory_ledger import MemoryLedger
from ownertag.cli.hub import AnswerTooLarge
from ownertag.cli.tag import ORDER_BYTES, _hub_results, _orders
from ownertag.core.ownership import Claim, EventKey, ResourceKey
from ownertag.core.record_details import Actor
from ownertag.core.records import Arrival
from ownertag.core.values import Confidence, LaunchedInstance, OutcomeKind, Owner
from ownertag.flows.ports import Ports
from ownertag.flows.tag import TagOrder, tag
from ownertag.ledger.entries import Created, Ended, Entry, Owned, Transferred
from ownertag.ledger.port import LedgerError
from ownertag.ledger.read_only import DryRunLedger
from ownertag.sinks.tagging import DryRun

ACCOUNT, REGION = fixtures.ACCOUNT, fixtures.REGION
VOLUME = "vol-1234567890abcdef0"
KEY = ResourceKey(ACCOUNT, REGION, f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/{VOLUME}")
AT = fixtures.EVENT_TIME


def ports(aws: FakeAws, ledger: MemoryLedger, dry: bool = False) -> Ports:
    given = Ports(FakeAccounts({ACCOUNT}), FakeLookups(aws), FakeTagger(aws), lambda: fixtures.SOON, ledger=ledger)
    if dry:
        return Ports(given.accounts, given.lookups, DryRun(), given.now, ledger=DryRunLedger(ledger))
    return given


def ordered(aws: FakeAws, ledger: MemoryLedger, *records: fixtures.Json, dry: bool = False) -> list[dict[str, Any]]:
    answer = tag(TagOrder(list(records), dry), ports(aws, ledger, dry), fixtures.catalogue(), fixtures.settings())
    found: list[dict[str, Any]] = answer["results"]
    return found


def test_each_record_has_an_answer_by_its_place_and_the_ledger_knows_what_is_tagged() -> None:
    aws, ledger = FakeAws(), MemoryLedger()
    found = ordered(aws, ledger, {"no": "record"}, fixtures.record(), fixtures.record("DeleteVolume"))
    by_place = {result["where"]: result for result in found}
    assert [by_place[place]["refusal"] is None for place in "012"] == [False, True, False]
    assert by_place["1"]["outcomes"] == [{"arn": KEY.arn, "outcome": "tagged", "reason": None}]
    [known] = ledger.by_id(VOLUME)
    assert (known.holding.owner.name, known.holding.outcome) == ("alice", OutcomeKind.TAGGED)


def test_a_dry_run_writes_and_keeps_nothing_and_says_would_tag() -> None:
    aws, ledger = FakeAws(), MemoryLedger()
    [result] = ordered(aws, ledger, fixtures.record(), dry=True)
    assert result["outcomes"] == [{"arn": KEY.arn, "outcome": "would-tag", "reason": None}]
    assert (aws.count("ec2.CreateTags"), ledger.by_id(VOLUME), ledger.created) == (0, [], {})


@pytest.mark.parametrize("dry", [False, True])
@pytest.mark.parametrize("before", ["a transfer", "an earlier creation", "a creation and a transfer"])
def test_what_is_another_s_by_the_ledger_is_left_as_it_is(before: str, dry: bool) -> None:
    aws, ledger = FakeAws(), MemoryLedger()
    aws.places[ACCOUNT, REGION].tags[VOLUME] = {"owner": "bob"}
    earlier = fixtures.record(
        eventID="00000000-0000-4000-8000-000000000001",
        eventTime="2026-03-02T09:00:00Z",
        userIdentity=fixtures.user("bob"),
    )
    if "creation" in before:
        ordered(aws, ledger, earlier)
    if "transfer" in before:
        ledger.append([Transferred(KEY, "1", "bob", "ops", "left", (("owner", "bob"),), AT + timedelta(minutes=1))])
    writes = aws.count("ec2.CreateTags")
    [result] = ordered(aws, ledger, fixtures.record(), dry=dry)
    assert [outcome["outcome"] for outcome in result["outcomes"]] == ["unchanged"]
    assert (aws.places[ACCOUNT, REGION].tags[VOLUME]["owner"], aws.count("ec2.CreateTags")) == ("bob", writes)


def test_an_account_without_an_answer_is_refused_and_left_says_so() -> None:
    [result] = ordered(FakeAws(), MemoryLedger(), fixtures.record(recipientAccountId=fixtures.OUTSIDE_ACCOUNT))
    assert (result["refusal"]["reason"], result["left"]) == ("unknown-account", False)


def test_while_the_ledger_is_away_it_is_left() -> None:
    aws, ledger = FakeAws(), MemoryLedger()
    aws.places[ACCOUNT, REGION].tags[VOLUME] = {"owner": "bob"}
    ledger.fails = LedgerError("throttled", OutcomeKind.THROTTLED)
    for dry in (False, True):
        [result] = ordered(aws, ledger, fixtures.record(), dry=dry)
        assert result["left"]
        assert aws.places[ACCOUNT, REGION].tags[VOLUME]["owner"] == "bob"


# --- a ledger that is looked into


def owned(name: str, minute: int, event: str, named: bool = True, provisional: bool = False) -> tuple[Created, Owned]:
    at = AT + timedelta(minutes=minute)
    created = Created(EventKey(ACCOUNT, REGION, event), event, "ec2.amazonaws.com", "CreateVolume", at, Actor(name))
    owner = Owner(name, "iam-user", Confidence.ASSERTED)
    made = Owned(KEY, VOLUME, "ec2:volume", Claim(at, event, event, named), owner, (("owner", name),), at, provisional)
    return created, made


@pytest.mark.parametrize(
    "before",
    [
        [],
        [owned("bob", -5, "b")],
        [owned("bob", 5, "b")],
        [owned("bob", -5, "b", named=False)],
        [owned("alice", 0, "a", provisional=True)],
        [owned("carol", 0, "a")],
    ],
)
@pytest.mark.parametrize("more", [[], [Transferred(KEY, "1", "dave", "ops", "x", (("owner", "dave"),), AT)]])
@pytest.mark.parametrize(
    "ended", [[], [Ended(KEY, EventKey(ACCOUNT, REGION, "b"), "b", "bob", OutcomeKind.TAGGED, "", True, AT)]]
)
def test_what_a_dry_run_is_told_is_what_the_ledger_would_say(
    before: list[tuple[Created, Owned]], more: list[Entry], ended: list[Entry]
) -> None:
    ledger = MemoryLedger()
    for created, made in before:
        ledger.claim([created], [made])
    ledger.append([*more, *ended])
    created, made = owned("alice", 0, "a")
    would = DryRunLedger(ledger).claim([created], [made])
    assert DryRunLedger(ledger).append([]) == set()
    assert dict(would) == dict(ledger.claim([created], [made]))


# --- orders


class FakeHub:
    """Answers at most so many at once, as Lambda hands out no more than 6 MB."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.asked: list[list[str]] = []

    def ask(self, order: Mapping[str, Any], key: str) -> dict[str, Any]:
        ids = [record["eventID"] for record in order["tag"]["records"]]
        self.asked.append(ids)
        if len(ids) > self.limit:
            raise AnswerTooLarge
        return {key: [{"where": str(number), "event_id": id_} for number, id_ in reversed(list(enumerate(ids)))]}


def many(count: int, **fields: Any) -> list[Arrival]:
    plain = fixtures.record(**fields)
    return [
        replace(fixtures.arrival({**plain, "eventID": f"00000000-0000-4000-8000-{number:012}"}), where=f"a:{number}")
        for number in range(count)
    ]


def test_too_long_an_answer_is_asked_for_in_halves_and_each_place_is_the_files_again() -> None:
    hub, order = FakeHub(3), many(7)
    found = list(_hub_results(hub, order, False))  # type: ignore[arg-type] # a stand-in for what asks Lambda
    assert sorted((result["where"], result["event_id"]) for result in found) == [
        (arrival.where, arrival.record.event_id) for arrival in order
    ]
    assert max(len(asked) for asked in hub.asked if len(asked) <= hub.limit) == 3


def test_an_order_is_within_what_lambda_takes() -> None:
    sizes: Sequence[int] = [len(order) for order in _orders(many(250))]
    assert sizes == [100, 100, 50]
    heavy = many(50, requestParameters={"x": "y" * 100_000})
    orders = list(_orders(heavy))
    assert [arrival for order in orders for arrival in order] == heavy
    assert all(sum(len(arrival.record.request) for arrival in order) <= ORDER_BYTES for order in orders)


def test_what_is_finished_is_compared_with_the_ledger_and_not_skipped() -> None:
    """Well, with another's owner, and gone since."""
    aws, ledger = FakeAws(), MemoryLedger()
    ordered(aws, ledger, fixtures.record())
    tags = aws.places[ACCOUNT, REGION].tags
    [result] = ordered(aws, ledger, fixtures.record())
    assert result["outcomes"] == [{"arn": KEY.arn, "outcome": "unchanged", "reason": "is tagged already"}]
    tags[VOLUME]["owner"] = "mallory"
    [result] = ordered(aws, ledger, fixtures.record(), dry=True)
    assert result["outcomes"][0]["outcome"] == "would-tag"
    assert tags[VOLUME]["owner"] == "mallory"
    [result] = ordered(aws, ledger, fixtures.record())
    assert result["outcomes"][0]["outcome"] == "tagged"
    assert tags[VOLUME]["owner"] == "alice"


def test_a_launch_that_is_finished_and_gone_since_is_no_refusal() -> None:
    aws, ledger = FakeAws(), MemoryLedger()
    shown = LaunchedInstance(fixtures.INSTANCE, "running", None, root_is_ebs=False)
    place = aws.places[ACCOUNT, REGION]
    place.launched[fixtures.INSTANCE] = Launched(shown, "r-1234567890abcdef0")
    [result] = ordered(aws, ledger, fixtures.launch())
    assert not result["left"]
    place.launched.clear()
    [result] = ordered(aws, ledger, fixtures.launch())
    assert result["refusal"] is None
