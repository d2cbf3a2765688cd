"""Whose something is: by id, ARN and address, now and at a time, over ledgers that the live flow has filled."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from harness import fixtures
from harness.fakes import FakeAccounts, FakeAws, FakeLookups, FakeTagger, Launched
from harness.memory_ledger import MemoryLedger
from ownertag.core.addresses import AddressError, read_address
from ownertag.core.findings import TagChange
from ownertag.core.ownership import EventKey, ResourceKey
from ownertag.core.record_details import Actor
from ownertag.core.records import Record
from ownertag.core.transfer import TransferOrder
from ownertag.core.values import Attached, Found, LaunchedInstance, OutcomeKind, Unavailable
from ownertag.flows.live import Message, handle
from ownertag.flows.ports import Ports
from ownertag.flows.transfer import transfer
from ownertag.flows.whois import MOST_EVENTS, Wanted, WhoisAnswer, Window, whois
from ownertag.flows.whois_aws import from_trail, made_by_key, tags_now
from ownertag.ledger.entries import Deleted, Owned, TagChanged, Transferred
from ownertag.ledger.port import Store
from ownertag.ledger.sqlite import SqliteLedger

ACCOUNT, REGION = fixtures.ACCOUNT, fixtures.REGION
NINE = datetime.fromisoformat("2026-03-02T09:00:00Z")
ADDRESS = "10.0.0.5"
ONE, OTHER = fixtures.numbered("i", 1), fixtures.numbered("i", 2)


def after(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def at(start: float, end: float | None = None) -> Window:
    return Window(after(start), after(start if end is None else end))


def arn(id_: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:ec2:{REGION}:{account}:instance/{id_}"


def key(id_: str, account: str = ACCOUNT) -> ResourceKey:
    return ResourceKey(account, REGION, arn(id_, account))


def launched(
    id_: str, user: str, minutes: float, address: str = ADDRESS, account: str = ACCOUNT, event: int = 0
) -> dict[str, Any]:
    """An instance with one address, launched so many minutes after nine."""
    made = fixtures.launch(
        [id_], (), f"r-{event:017x}", account, userIdentity=fixtures.user(user, account),
        eventTime=after(minutes).strftime("%Y-%m-%dT%H:%M:%SZ"), eventID=f"00000000-0000-4000-8000-{event:012}",
    )  # fmt: skip
    made["responseElements"]["instancesSet"]["items"][0] |= {"privateIpAddress": address, "ipAddress": "203.0.113.9"}
    return made


class Hub:
    """A hub over fakes, and a ledger."""

    def __init__(self, ledger: Store) -> None:
        self.ledger = ledger
        self.aws = FakeAws()
        self.accounts = FakeAccounts({ACCOUNT, fixtures.OTHER_ACCOUNT})
        self.now = after(30)

    @property
    def ports(self) -> Ports:
        return Ports(self.accounts, FakeLookups(self.aws), FakeTagger(self.aws), lambda: self.now, ledger=self.ledger)

    def deliver(self, *records: dict[str, Any]) -> None:
        for record in records:
            if record["eventName"] != "RunInstances":
                continue
            [item] = record["responseElements"]["instancesSet"]["items"]
            volume = Attached(item["instanceId"].replace("i-", "vol-"))
            found = LaunchedInstance(
                item["instanceId"], "running", "/dev/sda1", True, frozenset({"/dev/sda1"}), (volume,), ()
            )
            place = self.aws.places[record["recipientAccountId"], REGION]
            place.launched[found.id] = Launched(found, record["responseElements"]["reservationId"], "")
        messages = [Message(str(number), json.dumps(fixtures.event(record))) for number, record in enumerate(records)]
        answer = handle(messages, self.ports, fixtures.catalogue(), fixtures.settings())
        assert answer.returned == ()

    def delete(self, id_: str, minutes: float, user: str = "carol") -> None:
        event = EventKey(ACCOUNT, REGION, f"deletion-{minutes}")
        actor = Actor(f"arn:aws:iam::{ACCOUNT}:user/{user}")
        self.ledger.append([Deleted(key(id_), event, actor, after(minutes))])

    def give(self, id_: str, to: str, minutes: float) -> None:
        self.now = after(minutes)
        order = TransferOrder(f"order-{minutes}", arn(id_), to, "ops", "moved teams")
        assert transfer(order, self.ports, self.ledger, fixtures.catalogue(), fixtures.settings()).done

    def ask(self, **wanted: Any) -> list[WhoisAnswer]:
        return list(whois(Wanted(**wanted), self.ledger).answers)

    def owners(self, **wanted: Any) -> list[str]:
        return [whois_answer.owner.name for whois_answer in self.ask(**wanted)]


def _sqlite(path: Path) -> Store:
    return SqliteLedger(path / "ledger")


def _memory(_: Path) -> Store:
    return MemoryLedger()


@pytest.fixture(params=[_memory, _sqlite])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Hub:
    make: Callable[[Path], Store] = request.param
    return Hub(make(tmp_path))


def test_an_instance_is_answered_by_id_arn_and_both_its_addresses(hub: Hub) -> None:
    hub.deliver(launched(ONE, "alice", 0))
    answers = [
        *hub.ask(id=ONE),
        *hub.ask(id=arn(ONE)),
        *hub.ask(address=ADDRESS),
        *hub.ask(address="203.0.113.9"),
    ]
    assert [(answer.owner.name, answer.key) for answer in answers] == [("alice", key(ONE))] * 4
    [answer, *_] = answers
    assert answer.created is not None
    assert (answer.created.event_name, answer.created.actor.principal) == (
        "RunInstances",
        f"arn:aws:iam::{ACCOUNT}:user/alice",
    )
    assert answer.created.actor.source_address == "203.0.113.64"
    assert (answer.since, answer.until, answer.now) == (NINE, None, True)
    assert set(answer.addresses) == {ADDRESS, "203.0.113.9"}
    assert dict(answer.tags)["owner"] == "alice"
    assert [type(event.entry).__name__ for event in answer.history] == ["Owned", "Ended"]
    assert answers[2].address_since == NINE


def test_what_has_ended_is_still_answered_by_id_and_by_address(hub: Hub) -> None:
    hub.deliver(launched(ONE, "alice", 0))
    hub.delete(ONE, 40)
    for wanted in ({"id": ONE}, {"id": arn(ONE)}, {"address": ADDRESS}):
        [answer] = hub.ask(**wanted)
        assert (answer.owner.name, answer.since, answer.until) == ("alice", NINE, after(40))
        assert isinstance(answer.history[-1].entry, Deleted)


def test_an_address_that_several_had_gives_each_with_its_span_the_latest_first(hub: Hub) -> None:
    hub.deliver(launched(ONE, "alice", 0, event=1), launched(OTHER, "bob", 20, event=2))
    hub.delete(ONE, 10)
    answers = hub.ask(address=ADDRESS)
    assert [(answer.id, answer.owner.name, answer.address_since, answer.until) for answer in answers] == [
        (OTHER, "bob", after(20), None),
        (ONE, "alice", NINE, after(10)),
    ]


@pytest.mark.parametrize(
    ("when", "owners"),
    [
        (at(-1), []),
        (at(0), ["alice"]),
        (at(10), ["alice"]),  # a deletion in the same second came after
        (at(11), []),
        (at(19.9), []),
        (at(20), ["bob"]),
        (at(5, 25), ["bob", "alice"]),  # a whole day holds both
        (at(100000), ["bob"]),
    ],
)
def test_a_time_picks_who_had_the_address_then(hub: Hub, when: Window, owners: list[str]) -> None:
    hub.deliver(launched(ONE, "alice", 0, event=1), launched(OTHER, "bob", 20, event=2))
    hub.delete(ONE, 10)
    assert hub.owners(address=ADDRESS, at=when) == owners


def test_a_time_picks_the_life_of_a_name_that_is_used_again(hub: Hub) -> None:
    hub.deliver(launched(ONE, "alice", 0, event=1))
    hub.delete(ONE, 10)
    hub.deliver(launched(ONE, "bob", 20, event=2))
    [now] = hub.ask(id=ONE)
    assert (now.owner.name, now.since, now.until, now.now) == ("bob", after(20), None, True)
    [then] = hub.ask(id=ONE, at=at(5))
    assert (then.owner.name, then.since, then.until, then.now) == ("alice", NINE, after(10), False)
    assert dict(then.tags)["owner"] == "alice"
    assert then.created is not None
    assert then.created.actor.principal.endswith("/alice")
    assert hub.owners(id=ONE, at=at(15)) == []
    assert hub.owners(id=ONE, at=at(0, 60)) == ["bob", "alice"]
    # By its address each life is told as well.
    assert hub.owners(address=ADDRESS) == ["bob", "alice"]


def test_before_a_transfer_the_owner_was_the_one_before(hub: Hub) -> None:
    hub.deliver(launched(ONE, "alice", 0, event=1))
    hub.give(ONE, "bob", 40)
    hub.give(ONE, "carol", 50)
    assert hub.owners(id=ONE) == ["carol"]
    assert [hub.owners(id=ONE, at=at(minutes)) for minutes in (39, 40, 49, 50)] == [
        ["alice"],
        ["bob"],
        ["bob"],
        ["carol"],
    ]
    assert hub.owners(address=ADDRESS, at=at(39)) == ["alice"]
    [then] = hub.ask(id=ONE, at=at(39))
    assert dict(then.tags)["owner"] == "alice"


def test_what_was_only_given_by_hand_has_no_creator(hub: Hub) -> None:
    hub.give(ONE, "bob", 40)
    [answer] = hub.ask(id=ONE)
    assert (answer.owner.name, answer.created, answer.since) == ("bob", None, after(40))
    assert hub.owners(id=ONE, at=at(39)) == []
    assert hub.owners(id=ONE, at=at(41)) == ["bob"]


def test_a_repeat_is_seen_again_and_owns_nothing(hub: Hub) -> None:
    hub.deliver(launched(ONE, "alice", 0, event=1))
    hub.deliver(launched(ONE, "mallory", 5, event=2))
    [answer] = hub.ask(id=ONE)
    made = [event for event in answer.history if isinstance(event.entry, Owned)]
    assert answer.owner.name == "alice"
    assert [(event.owns, event.created and event.created.actor.principal.rpartition("/")[2]) for event in made] == [
        (True, "alice"),
        (False, "mallory"),
    ]
    assert hub.owners(id=ONE, at=at(20)) == ["alice"]
    # One life that had the address once, though two creations named it.
    assert hub.owners(address=ADDRESS) == ["alice"]


def test_now_is_the_same_as_at_this_time(hub: Hub) -> None:
    hub.deliver(launched(ONE, "alice", 0, event=1), launched(ONE, "mallory", 5, event=2))
    hub.delete(ONE, 10)
    hub.deliver(launched(ONE, "bob", 20, event=3))
    hub.give(ONE, "carol", 40)
    [now] = hub.ask(id=ONE)
    [then] = hub.ask(id=ONE, at=at(1000))
    assert then == now


def test_the_same_id_in_two_accounts_is_two_answers_or_the_one_asked_for(hub: Hub) -> None:
    other = fixtures.OTHER_ACCOUNT
    hub.deliver(launched(ONE, "alice", 0, event=1), launched(ONE, "bob", 1, account=other, event=2))
    for wanted in ({"id": ONE}, {"address": ADDRESS}):
        assert hub.owners(**wanted) == ["bob", "alice"]
        assert hub.owners(**wanted, account=ACCOUNT) == ["alice"]
        assert hub.owners(**wanted, account=other, region=REGION) == ["bob"]
        assert hub.owners(**wanted, region="us-east-1") == []


def test_more_answers_than_are_wanted_are_counted(hub: Hub) -> None:
    hub.deliver(*(launched(fixtures.numbered("i", n), "alice", n, event=n) for n in range(5)))
    told = whois(Wanted(address=ADDRESS, limit=2), hub.ledger)
    assert [answer.since for answer in told.answers] == [after(4), after(3)]
    assert told.more == 3


@pytest.mark.parametrize(
    "id_", ["i-*", "i-?", "%", "_", "i-%", "' OR 1=1 --", '"; DROP TABLE resource; --', "arn:*", "\\"]
)
def test_an_id_means_itself(hub: Hub, id_: str) -> None:
    hub.deliver(launched(ONE, "alice", 0))
    assert hub.ask(id=id_) == []
    assert hub.owners(id=ONE) == ["alice"]


def test_of_a_long_history_beginning_and_end_are_told(hub: Hub) -> None:
    hub.deliver(launched(ONE, "alice", 0))
    actor, changes = Actor("x"), (TagChange("owner", "a", "b"),)
    hub.ledger.append(
        [
            TagChanged(key(ONE), EventKey(ACCOUNT, REGION, f"tag-{n:03}"), actor, changes, 1, after(100 + n))
            for n in range(MOST_EVENTS)
        ]
    )
    [answer] = hub.ask(id=ONE)
    assert (len(answer.history), answer.left_out) == (MOST_EVENTS, 2)
    assert isinstance(answer.history[0].entry, Owned)
    last = answer.history[-1].entry
    assert isinstance(last, TagChanged)
    assert last.event.event_id == f"tag-{MOST_EVENTS - 1:03}"


# --- the tags of today


def test_tags_are_asked_of_what_lives_in_ec2_alone(hub: Hub) -> None:
    hub.deliver(launched(ONE, "alice", 0, event=1), launched(OTHER, "bob", 20, event=2))
    hub.delete(ONE, 10)
    answers = hub.ask(address=ADDRESS)
    [bucket] = [replace(answers[0], key=ResourceKey(ACCOUNT, REGION, "arn:aws:s3:::b"))]
    [(asked, fact)] = tags_now([*answers, bucket], FakeLookups(hub.aws)).items()
    assert asked == key(OTHER)
    assert isinstance(fact, Found)
    assert fact.tags is not None
    assert fact.tags["owner"] == "bob"
    assert hub.aws.calls[-1].values == (OTHER,)


# --- what the ledger never saw


class FakeTrail:
    """Records of one resource or key, the newest first; `more`: not all of them."""

    def __init__(self, *records: dict[str, Any], more: bool = False) -> None:
        self.more = more
        self.asked: list[tuple[str, str, str]] = []
        self.records: list[Record] | Unavailable = [fixtures.arrival(record).record for record in records]

    def signed(self, account: str, region: str, key_id: str) -> tuple[list[Record], bool] | Unavailable:
        self.asked.append((account, region, key_id))
        return self.records if isinstance(self.records, Unavailable) else (self.records, self.more)

    def naming(self, account: str, region: str, name: str) -> list[Record] | Unavailable:
        self.asked.append((account, region, name))
        return self.records


def in_trail(trail: FakeTrail, id_: str = ONE) -> WhoisAnswer | Unavailable | None:
    return from_trail(ResourceKey(ACCOUNT, REGION, ""), id_, trail, fixtures.catalogue(), fixtures.settings())


def test_cloudtrail_names_who_made_it_by_the_record_of_its_creation() -> None:
    trail = FakeTrail(
        fixtures.record("TerminateInstances", userIdentity=fixtures.user("carol")),
        launched(ONE, "mallory", 5),
        launched(ONE, "alice", 0),
        {**launched(ONE, "bob", -5), "errorCode": "UnauthorizedOperation", "responseElements": None},
        launched(OTHER, "dave", -9),
    )
    found = in_trail(trail)
    assert isinstance(found, WhoisAnswer)
    assert (found.owner.name, found.key, found.from_trail, found.since) == ("alice", key(ONE), True, NINE)
    assert set(found.addresses) == {ADDRESS, "203.0.113.9"}
    assert found.created is not None
    assert found.created.actor.principal.endswith("user/alice")
    assert trail.asked == [(ACCOUNT, REGION, ONE)]


def test_cloudtrail_without_its_creation_names_nobody() -> None:
    assert in_trail(FakeTrail(fixtures.record("TerminateInstances"), launched(OTHER, "dave", 0))) is None


def test_cloudtrail_that_can_not_be_read_is_not_taken_for_empty() -> None:
    trail = FakeTrail()
    trail.records = Unavailable(OutcomeKind.FORBIDDEN, "denied")
    assert in_trail(trail) == Unavailable(OutcomeKind.FORBIDDEN, "denied")


# --- addresses as they are typed


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.5", ADDRESS),
        (" 10.0.0.5 ", ADDRESS),
        ("10.0.0.5/32", ADDRESS),
        ("[10.0.0.5]", ADDRESS),
        ("::ffff:10.0.0.5", ADDRESS),
        ("::FFFF:a00:5", ADDRESS),
        ("0:0:0:0:0:ffff:0a00:0005", ADDRESS),
        ("[::ffff:10.0.0.5]", ADDRESS),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1/128", "2001:db8::1"),
        ("2001:db8::0.0.0.1", "2001:db8::1"),
        ("::", "::"),
        ("0.0.0.0", "0.0.0.0"),  # noqa: S104 - an address to look for
    ],
)
def test_every_spelling_of_an_address_is_the_same(text: str, address: str) -> None:
    assert read_address(text) == address


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fe80::1%eth0", "zone"),
        ("[fe80::1%25eth0]", "zone"),
        ("10.0.0.5%1", "zone"),
        ("010.0.0.5", "octal"),
        ("10.00.0.5", "octal"),
        ("10.0.0.05", "octal"),
        ("::ffff:10.0.0.05", "octal"),
        ("0x0a000005", "hexadecimal"),
        ("0x0a.0.0.5", "hexadecimal"),
        ("167772165", "one number"),
        ("0", "one number"),
        ("10.0.0.5:443", "write 10.0.0.5"),
        ("[2001:db8::1]:443", "write 2001:db8::1"),
        ("10.0.0.0/24", "is a network"),
        ("10.0.0.5/33", "is a network"),
        ("2001:db8::/64", "is a network"),
        ("10.0.0", "is no IP address"),
        ("10.0.0.256", "is no IP address"),
        ("10.0.0.5.6", "is no IP address"),
        ("2001:db8::1::2", "is no IP address"),
        ("12345::", "is no IP address"),
        ("[hello]", "is no IP address"),
    ],
)
def test_what_could_be_another_address_is_refused_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(AddressError, match=said):
        read_address(text)


@pytest.mark.parametrize(
    "text", [ONE, arn(ONE), "vol-0a1b2c3d4e5f60718", "111122223333", "my.bucket", "a:b", "fe.bucket", "*", "fleet-1"]
)
def test_what_is_no_address_is_an_id(text: str) -> None:
    assert read_address(text) is None


def test_addresses_and_transfers_are_told_in_order(hub: Hub) -> None:
    hub.deliver(launched(ONE, "alice", 0))
    hub.give(ONE, "bob", 40)
    hub.delete(ONE, 50)
    [answer] = hub.ask(id=ONE)
    kinds = [type(event.entry) for event in answer.history]
    assert (kinds[0], kinds[-2], kinds[-1]) == (Owned, Transferred, Deleted)
    assert answer.owner.name == "bob"


# --- what a key made

KEY, OTHER_KEY = "AKIAIOSFODNN7EXAMPLE", "ASIAI44QH8DHBEXAMPLE"


def signed(key_id: str, id_: str, user: str, minutes: float, event: int = 0) -> dict[str, Any]:
    made = launched(id_, user, minutes, address=f"10.0.0.{event}", event=event)
    made["userIdentity"]["accessKeyId"] = key_id
    return made


def test_a_key_finds_what_it_made_the_latest_first_with_whose_it_is_now(hub: Hub) -> None:
    hub.deliver(signed(KEY, ONE, "ci", 0, 1), signed(KEY, OTHER, "ci", 20, 2))
    hub.deliver(signed(OTHER_KEY, fixtures.numbered("i", 3), "bob", 5, 3))
    hub.give(ONE, "carol", 40)
    answers = hub.ask(access_key=KEY)
    instances = [(answer.id, answer.owner.name) for answer in answers if answer.type == "ec2:instance"]
    assert instances == [(OTHER, "ci"), (ONE, "carol")]
    assert {answer.access_key for answer in answers} == {KEY}
    assert hub.owners(access_key="AKIAUNKNOWNUNKNOWN12") == hub.owners(access_key=KEY, account="999999999999") == []


def test_a_time_and_a_limit_narrow_what_a_key_made(hub: Hub) -> None:
    hub.deliver(*(signed(KEY, fixtures.numbered("i", number), "ci", number, number) for number in range(1, 6)))
    found = whois(Wanted(access_key=KEY, limit=2), hub.ledger)
    assert (len(found.answers), found.at_least) == (2, False)
    assert len(found.answers) + found.more == len(hub.ask(access_key=KEY, limit=1000))
    hub.delete(fixtures.numbered("i", 1), 3)
    ids = {answer.id for answer in hub.ask(access_key=KEY, at=at(2)) if answer.type == "ec2:instance"}
    assert ids == {fixtures.numbered("i", 1), fixtures.numbered("i", 2)}


def test_a_life_that_ended_is_the_keys_that_made_it(hub: Hub) -> None:
    hub.deliver(signed(KEY, ONE, "alice", 0, 1))
    hub.delete(ONE, 10)
    hub.deliver(signed(OTHER_KEY, ONE, "bob", 20, 2))
    [first] = [answer for answer in hub.ask(access_key=KEY) if answer.id == ONE]
    assert (first.owner.name, first.until, first.created and first.created.actor.access_key_id) == (
        "alice",
        after(10),
        KEY,
    )


def made(trail: FakeTrail) -> tuple[list[WhoisAnswer], bool] | Unavailable:
    return made_by_key(ACCOUNT, REGION, KEY, trail, fixtures.catalogue(), fixtures.settings())


def test_cloudtrail_tells_what_a_key_made_and_whether_it_may_be_more() -> None:
    calls = (fixtures.record("TerminateInstances"), signed(KEY, OTHER, "ci", 5, 2), signed(KEY, ONE, "ci", 0, 1))
    for more in (False, True):
        trail = FakeTrail(*calls, more=more)
        found = made(trail)
        assert not isinstance(found, Unavailable)
        instances = [answer.id for answer in found[0] if answer.type == "ec2:instance"]
        assert (instances, found[1], trail.asked) == ([OTHER, ONE], more, [(ACCOUNT, REGION, KEY)])
        assert {(answer.access_key, answer.from_trail) for answer in found[0]} == {(KEY, True)}
    refused = FakeTrail()
    refused.records = Unavailable(OutcomeKind.FORBIDDEN, "no")
    assert made(refused) == refused.records
