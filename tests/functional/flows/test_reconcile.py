"""Reconciling one account and Region: what was missed, forged, unexplained and gone; what is left alone, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace as with_fields
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from flows.hub import A, B
from flows.test_tamper import Told
from harness.events import CATALOGUE, HOME, SETTINGS, messages, record, tags_for, volume, volume_id
from harness.fakes import NOON, Budget, Clock, FakeAccounts, FakeAws, FakeHistory, FakeTagger, fake_ports
from harness.memory_ledger import MemoryLedger
from ownertag.core.ask import tags_value
from ownertag.core.backfill.found import FoundResource, Unlisted
from ownertag.core.backfill.makers import makers_of
from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.judge import judge
from ownertag.core.ownership import ResourceKey
from ownertag.core.parse import parse_record
from ownertag.core.records import Arrival
from ownertag.core.restore import RestoreItem, RestoreOrder
from ownertag.core.settings import Settings
from ownertag.core.transfer import TransferOrder
from ownertag.core.values import Confidence, Failure, Found, OutcomeKind, Owner, Question, Resource, Unavailable
from ownertag.flows.live import handle
from ownertag.flows.ports import NoPublisher, Ports
from ownertag.flows.reconcile.place import reconcile_place
from ownertag.flows.reconcile.report import Foreign, PlaceReport
from ownertag.flows.reconcile.vanished import FOUND_GONE
from ownertag.flows.reconcile.world import World
from ownertag.flows.restore import restore
from ownertag.flows.transfer import transfer
from ownertag.flows.whois import Wanted, whois
from ownertag.ledger.entries import Deleted, TagChanged
from ownertag.ledger.port import LedgerError
from ownertag.ledger.read_only import DryRunLedger
from ownertag.sinks.observing import ObservingPublisher, ObservingTagger
from ownertag.sinks.tagging import DryRun

MAKERS = makers_of(CATALOGUE)
DAY = timedelta(days=1)
#: The clock stands there: what was made at noon is three hours old.
LATER = NOON + timedelta(hours=3)
DENIED = Unavailable(OutcomeKind.FORBIDDEN, "AccessDenied: denied")


def arn_of(number: int, account: str = A) -> str:
    return f"arn:aws:ec2:{HOME}:{account}:volume/{volume_id(number)}"


def found(number: int, tags: dict[str, str] | None = None, made_at: datetime | None = NOON) -> FoundResource:
    """A volume that is there."""
    return FoundResource(A, HOME, Resource(arn_of(number), volume_id(number), "ec2:volume"), tags, made_at)


def made(number: int, user: str = "alice", **fields: Any) -> dict[str, Any]:
    """The record of that volume's creation."""
    return volume(A, volume_id(number), number=number, user=user, **({"at": NOON} | fields))


class Lists:
    """Lists what was `put` there, with the tags that the fake holds by now; `vanish` takes something away.

    `unlisted` has the lists that can't be read, by account and Region.
    """

    def __init__(self, aws: FakeAws) -> None:
        self.aws = aws
        self.there: dict[tuple[str, str], dict[str, FoundResource]] = defaultdict(dict)
        self.unlisted: dict[tuple[str, str], list[Unlisted]] = defaultdict(list)

    def put(self, *found: FoundResource) -> None:
        for one in found:
            self.there[one.account, one.region][one.resource.arn] = one
            if one.tags:
                self.aws.places[one.account, one.region].tags[tags_value(one.resource)] |= one.tags

    def vanish(self, found: FoundResource) -> None:
        del self.there[found.account, found.region][found.resource.arn]
        self.aws.places[found.account, found.region].tags.pop(tags_value(found.resource), None)

    def resources(self, account: str, region: str) -> Iterator[FoundResource | Unlisted]:
        failure = self.aws.call("list", account, region, ())
        if failure is not None:
            judged = judge(failure, None, region)
            yield Unlisted(account, region, (), Unavailable(judged.outcome, judged.reason))
            return
        unlisted = self.unlisted[account, region]
        hidden = {type_ for one in unlisted for type_ in one.types}
        tags = self.aws.places[account, region].tags
        for one in list(self.there[account, region].values()):
            if one.resource.type not in hidden:
                yield replace(one, tags=dict(tags.get(tags_value(one.resource), {})))
        yield from unlisted


class OnePlace:
    """One account and Region over fakes: what is there, what CloudTrail shows, and the ledger."""

    def __init__(self) -> None:
        self.aws, self.ledger, self.told, self.clock = FakeAws(), MemoryLedger(), Told(), Clock(LATER)
        self.inventory, self.history = Lists(self.aws), FakeHistory(self.clock)
        self.observed: set[str] = set()
        self.settings: Settings = SETTINGS
        self.expired: Callable[[], bool] = lambda: False

    def ports(self) -> Ports:
        ports = fake_ports(self.aws, FakeAccounts({A, B}), self.clock, self.expired, self.ledger)
        return with_fields(
            ports,
            tagger=ObservingTagger(FakeTagger(self.aws), self.observed.__contains__),
            findings=ObservingPublisher(self.told, self.observed.__contains__),
        )

    def world(self, ports: Ports | None = None) -> World:
        ports = ports or self.ports()
        is_observed = self.observed.__contains__
        return World(
            ports, self.ledger, self.inventory, self.history, CATALOGUE, self.settings, MAKERS, is_observed
        )  # fmt: skip

    def make(
        self, number: int, user: str = "alice", tags: dict[str, str] | None = None, **fields: Any
    ) -> FoundResource:
        """A volume is made; CloudTrail shows it, and it was never delivered."""
        one = found(number, tags)
        self.inventory.put(one)
        self.history.told[A, HOME].append(arrival(made(number, user, **fields)))
        return one

    def deliver(self, number: int, user: str = "alice") -> FoundResource:
        """A volume is made, and delivered a minute later."""
        one = self.make(number, user)
        self.clock.time = NOON + timedelta(minutes=1)
        handle(messages(made(number, user)), self.ports(), CATALOGUE, self.settings)
        self.clock.time = LATER
        return one

    def reconcile(self, since: timedelta = DAY, dry_run: bool = False) -> PlaceReport:
        ports = self.ports()
        if dry_run:
            ports = with_fields(ports, tagger=DryRun(), ledger=DryRunLedger(self.ledger), findings=NoPublisher())
        return reconcile_place(A, HOME, self.clock() - since, self.world(ports))

    def tags(self, number: int) -> dict[str, str]:
        return dict(self.aws.places[A, HOME].tags[volume_id(number)])

    def forge(self, number: int, name: str = "mallory") -> None:
        self.aws.places[A, HOME].tags[volume_id(number)]["owner"] = name

    def writes(self) -> int:
        return self.aws.count("ec2.CreateTags")

    def owner(self, number: int) -> str | None:
        answers = whois(Wanted(volume_id(number)), self.ledger).answers
        return answers[0].owner.name if answers else None


def arrival(detail: dict[str, Any]) -> Arrival:
    read = parse_record(msgspec.json.encode(detail), detail["eventID"])
    assert isinstance(read, Arrival)
    return read


@pytest.fixture
def place() -> OnePlace:
    return OnePlace()


# --- what delivery missed


def test_a_creation_that_was_not_delivered_is_found_and_tagged_as_it_would_have_been(place: OnePlace) -> None:
    place.make(1)
    report = place.reconcile()
    [missed] = report.missed
    assert (missed.owner, missed.resources, missed.outcomes) == ("alice", (arn_of(1),), ("tagged",))
    assert place.tags(1) == tags_for("alice", "CreateVolume", NOON)
    assert (report.left, report.unknown, place.owner(1)) == ((), 0, "alice")
    again = place.reconcile()
    assert (again.missed, again.right, place.writes()) == ((), 1, 1)


def test_what_was_delivered_is_right_and_costs_no_record_and_no_write(place: OnePlace) -> None:
    place.deliver(1)
    calls = len(place.aws.calls)
    report = place.reconcile()
    assert (report.listed, report.right, report.missed, report.restored) == (1, 1, (), ())
    assert [call.name for call in place.aws.calls[calls:]] == ["list"]


def test_what_the_live_flow_may_still_be_at_is_left_to_it(place: OnePlace) -> None:
    place.make(1)
    place.clock.time = NOON + timedelta(minutes=10)
    report = place.reconcile()
    assert (report.missed, report.unknown, len(place.history.calls), place.writes()) == ((), 0, 0, 0)


def test_a_creation_that_the_ledger_had_seen_is_finished_and_not_missed(place: OnePlace) -> None:
    """The function ended after it kept what it decided, and the message became a dead letter."""
    place.aws.refuses = lambda call: Failure("RequestLimitExceeded", 503) if call.name == "ec2.CreateTags" else None
    place.deliver(1)
    place.aws.refuses = lambda _: None
    place.make(2, "bob")
    report = place.reconcile()
    assert ([missed.owner for missed in report.missed], [one.outcome for one in report.restored]) == (
        ["bob"],
        ["tagged"],
    )
    assert place.tags(1)["owner"] == "alice"


def test_what_is_older_than_the_window_is_counted_and_no_record_is_looked_for(place: OnePlace) -> None:
    place.make(1)
    report = place.reconcile(since=timedelta(hours=1))
    assert (report.unknown, report.missed, len(place.history.calls)) == (1, (), 0)


def test_of_what_has_no_date_records_of_the_whole_window_are_looked_for(place: OnePlace) -> None:
    place.make(1)
    place.inventory.put(found(1, made_at=None))
    assert [missed.owner for missed in place.reconcile().missed] == ["alice"]


def test_where_records_cannot_be_read_nothing_is_said_of_what_has_none(place: OnePlace) -> None:
    place.make(1, tags={"owner": "mallory"})
    place.history.unread = lambda _account, _region: DENIED
    report = place.reconcile()
    assert (report.missed, report.unexplained, report.unknown, place.told.findings) == ((), (), 1, [])
    assert any("CreateVolume can't be read" in reason for reason in report.left)


def test_a_call_that_failed_or_named_something_else_is_nothing_missed(place: OnePlace) -> None:
    place.inventory.put(found(1))
    place.history.told[A, HOME].append(arrival(made(1, errorCode="VolumeLimitExceeded", responseElements=None)))
    report = place.reconcile()
    assert (report.missed, [put.owner for put in report.adopted]) == ((), ["unknown"])


def test_what_no_record_explains_gets_the_owner_that_it_says_itself(place: OnePlace) -> None:
    place.aws.known[Question(QuestionKind.OWNER_OF_ACCOUNT, A, "", "")] = Found(
        owner=Owner("team-a", "account-owner", Confidence.ACCOUNT)
    )
    place.inventory.put(found(1, {"Name": "x"}), found(2, {"Name": "x"}, made_at=None))
    report = place.reconcile()
    assert (report.missed, [(put.arn, put.outcome) for put in report.adopted]) == ((), [(arn_of(1), "tagged")])
    assert (report.unknown, place.tags(2)) == (1, {"Name": "x"})  # without a date it may be years old
    assert place.reconcile().adopted == ()


def test_a_record_that_comes_later_takes_over_what_was_adopted(place: OnePlace) -> None:
    place.inventory.put(found(1, {"Name": "x"}))
    place.reconcile()
    handle(messages(made(1)), place.ports(), CATALOGUE, place.settings)
    assert (place.tags(1)["owner"], place.owner(1)) == ("alice", "alice")


# --- owner tags of others


def test_a_forged_owner_on_what_was_missed_is_told_before_it_is_written_over(place: OnePlace) -> None:
    place.make(1, tags={"owner": "mallory"})
    told_at_write: list[int] = []

    def watch(call: Any) -> None:
        if call.name == "ec2.CreateTags":
            told_at_write.append(len(place.told.findings))

    place.aws.refuses = watch
    report = place.reconcile()
    assert report.forged == (Foreign(arn_of(1), "owner", "mallory", "alice"),)
    assert (told_at_write, place.tags(1)["owner"], len(report.missed)) == ([1], "alice", 1)
    [finding] = place.told.findings
    assert (finding.resource, finding.owner, finding.overwritten) == (arn_of(1), "alice", True)
    kept = [one for one in place.ledger.history(key(1)) if isinstance(one, TagChanged)]
    assert [change.new for one in kept for change in one.changes] == ["mallory"]


def test_where_nobody_can_be_told_nothing_is_written_and_the_next_time_does_it(place: OnePlace) -> None:
    place.make(1, tags={"owner": "mallory"})
    place.told.failure = Failure("ThrottlingException", 400)
    report = place.reconcile()
    assert (report.forged, place.tags(1), bool(report.left)) == ((), {"owner": "mallory"}, True)
    place.told.failure = None
    report = place.reconcile()
    assert report.forged == (Foreign(arn_of(1), "owner", "mallory", "alice"),)
    assert (place.tags(1)["owner"], len(place.told.findings)) == ("alice", 1)


def test_an_owner_that_the_creations_own_request_set_is_told_once(place: OnePlace) -> None:
    request = {
        "tagSpecificationSet": {"items": [{"resourceType": "volume", "tags": [{"key": "owner", "value": "bob"}]}]}
    }
    one = found(1, {"owner": "bob"})
    place.inventory.put(one)
    detail = record("CreateVolume", A, HOME, {"volumeId": volume_id(1), "size": "8"}, request, at=NOON, number=1)
    place.history.told[A, HOME].append(arrival(detail))
    report = place.reconcile()
    assert report.forged == (Foreign(arn_of(1), "owner", "bob", "alice"),)
    assert [finding.by for finding in place.told.findings] == [f"arn:aws:iam::{A}:user/alice"]


def test_a_forged_owner_on_what_the_ledger_knows_is_told_and_put_right(place: OnePlace) -> None:
    place.deliver(1)
    place.forge(1)
    report = place.reconcile()
    assert report.forged == (Foreign(arn_of(1), "owner", "mallory", "alice"),)
    assert [(one.owner, one.outcome) for one in report.restored] == [("alice", "tagged")]
    assert (place.tags(1)["owner"], len(place.told.findings)) == ("alice", 1)


def test_each_time_that_it_is_put_right_stands_in_the_history(place: OnePlace) -> None:
    place.deliver(1)
    for name in ("mallory", "eve"):
        place.forge(1, name)
        place.clock.move(DAY)
        assert len(place.reconcile(3 * DAY).restored) == 1
    kinds = [type(entry).__name__ for entry in place.ledger.history(key(1))]
    assert kinds == ["Owned", "Ended", "TagChanged", "Ended", "TagChanged", "Ended"]


def test_what_lost_its_tags_gets_the_ledgers_again(place: OnePlace) -> None:
    place.deliver(1)
    place.aws.places[A, HOME].tags[volume_id(1)] = {"Name": "x"}
    report = place.reconcile()
    assert ([one.outcome for one in report.restored], report.forged) == (["tagged"], ())
    assert place.tags(1) == {"Name": "x", **tags_for("alice", "CreateVolume", NOON)}


def test_what_a_person_had_put_back_stays_as_it_was(place: OnePlace) -> None:
    place.deliver(1)
    written = tags_for("alice", "CreateVolume", NOON)
    before: dict[str, str | None] = {name: "carol" if name == "owner" else None for name in written}
    item = RestoreItem(A, HOME, arn_of(1), before, written)
    restore(RestoreOrder("run-1", [item], by="ops"), place.ports(), CATALOGUE, place.settings)
    assert place.tags(1) == {"owner": "carol"}
    report = place.reconcile()
    assert (report.restored, report.forged, place.told.findings, place.tags(1)) == ((), (), [], {"owner": "carol"})


def test_what_was_given_to_somebody_stays_theirs(place: OnePlace) -> None:
    place.deliver(1)
    order = TransferOrder("1", volume_id(1), "carol", "arn:aws:iam::777788889999:user/ops", "moved")
    transfer(order, place.ports(), place.ledger, CATALOGUE, place.settings)
    assert place.reconcile().right == 1
    place.forge(1)
    assert [one.owner for one in place.reconcile().restored] == ["carol"]


def test_an_owner_that_neither_ledger_nor_record_knows_is_told_once_and_stays(place: OnePlace) -> None:
    place.inventory.put(found(1, {"owner": "mallory"}))
    report = place.reconcile()
    assert report.unexplained == (Foreign(arn_of(1), "owner", "mallory"),)
    assert (place.tags(1), place.owner(1), place.writes()) == ({"owner": "mallory"}, None, 0)
    [finding] = place.told.findings
    assert (finding.resource, finding.owner, finding.overwritten) == (arn_of(1), None, False)
    assert (len(place.reconcile().unexplained), len(place.told.findings)) == (1, 1)
    place.forge(1, "eve")
    assert (len(place.reconcile().unexplained), len(place.told.findings)) == (1, 2)


def test_a_key_that_the_settings_keep_is_never_put_right_here(place: OnePlace) -> None:
    """Its creation's own request may have brought it, which the ledger does not say."""
    place.deliver(1)
    place.forge(1)
    place.settings = replace(SETTINGS, existing_tags={"owner": "keep"})
    read = place.aws.count("tags")
    report = place.reconcile()
    assert place.aws.count("tags") == read
    assert (report.restored, report.forged, place.tags(1)["owner"]) == ((), (), "mallory")


# --- what vanished


def key(number: int) -> ResourceKey:
    return ResourceKey(A, HOME, arn_of(number))


def test_what_is_not_there_any_more_is_looked_for_once_more_and_kept_as_found_gone(place: OnePlace) -> None:
    one = place.deliver(1)
    place.deliver(2)
    place.inventory.vanish(one)
    report = place.reconcile()
    assert report.gone == (arn_of(1),)
    [deletion] = [entry for entry in place.ledger.history(key(1)) if isinstance(entry, Deleted)]
    assert (deletion.at, deletion.by, deletion.actor.principal, deletion.actor.type) == (
        LATER, "", "unknown", FOUND_GONE,
    )  # fmt: skip
    [answer] = whois(Wanted(volume_id(1)), place.ledger).answers
    assert (answer.owner.name, answer.until, answer.deleted) == ("alice", LATER, deletion)
    assert place.aws.count("list") == 2
    again = place.reconcile()
    assert (again.gone, place.aws.count("list")) == ((), 3)


def test_what_the_second_list_shows_is_there(place: OnePlace) -> None:
    one = place.deliver(1)
    place.inventory.vanish(one)
    place.aws.refuses = lambda _: place.inventory.put(one) if place.aws.count("list") == 2 else None
    assert place.reconcile().gone == ()


@pytest.mark.parametrize("types", [(), ("ec2:volume",)], ids=["all", "its type"])
def test_what_could_not_be_listed_is_never_taken_for_gone(place: OnePlace, types: tuple[str, ...]) -> None:
    place.inventory.vanish(place.deliver(1))
    place.inventory.unlisted[A, HOME].append(Unlisted(A, HOME, types, DENIED))
    report = place.reconcile()
    assert (report.gone, report.unlisted[0].reason, place.owner(1)) == ((), "AccessDenied: denied", "alice")


def test_a_list_that_fails_the_second_time_proves_nothing(place: OnePlace) -> None:
    place.inventory.vanish(place.deliver(1))
    place.aws.refuses = lambda call: (
        Failure("RequestLimitExceeded", 503) if call.name == "list" and place.aws.count("list") == 2 else None
    )
    assert place.reconcile().gone == ()


def test_what_was_made_just_now_need_not_be_in_a_list_yet(place: OnePlace) -> None:
    place.inventory.vanish(place.deliver(1))
    place.clock.time = NOON + timedelta(hours=1)
    assert place.reconcile().gone == ()


def test_a_record_of_the_deletion_that_comes_later_says_when_and_who(place: OnePlace) -> None:
    place.inventory.vanish(place.deliver(1))
    place.reconcile()
    ended = record("DeleteVolume", A, HOME, {"_return": True}, {"volumeId": volume_id(1)}, user="bob",
                   at=NOON + timedelta(hours=1), number=9)  # fmt: skip
    handle(messages(ended), place.ports(), CATALOGUE, place.settings)
    [answer] = whois(Wanted(volume_id(1)), place.ledger).answers
    assert answer.deleted is not None
    assert (answer.until, answer.deleted.by) == (NOON + timedelta(hours=1), "bob")


# --- observed accounts, dry runs, time


def test_an_observed_account_is_only_looked_at(place: OnePlace) -> None:
    place.deliver(1)
    place.forge(1)
    place.make(2)
    place.inventory.vanish(place.deliver(3))
    place.observed.add(A)
    writes = place.writes()
    report = place.reconcile()
    assert (report.observed, report.restored, report.gone, place.told.findings) == (True, (), (), [])
    assert (place.writes(), place.tags(1)["owner"], place.tags(2)) == (writes, "mallory", {})
    assert [missed.outcomes for missed in report.missed] == [("observed",)]


def test_what_was_observed_is_tagged_by_who_ends_observing(place: OnePlace) -> None:
    place.observed.add(A)
    place.deliver(1)
    place.observed.clear()
    report = place.reconcile()
    assert (report.restored, report.missed, place.tags(1)) == ((), (), {})


def test_where_it_is_not_known_whether_it_is_observed_nothing_is_done(place: OnePlace) -> None:
    place.make(1)
    world = with_fields(place.world(), is_observed=lambda _: DENIED)
    report = reconcile_place(A, HOME, LATER - DAY, world)
    assert (report.is_reached, place.aws.calls) == (False, [])


def test_a_dry_run_finds_the_same_and_changes_nothing(place: OnePlace) -> None:
    place.deliver(1)
    place.forge(1)
    place.make(2, tags={"owner": "eve"})
    place.inventory.put(found(3, {"owner": "mallory"}))
    place.inventory.vanish(place.deliver(4))
    before, writes = place.ledger.state(), place.writes()
    dry = place.reconcile(dry_run=True)
    assert (place.ledger.state(), place.writes(), place.told.findings) == (before, writes, [])
    wet = place.reconcile()
    assert (len(dry.missed), len(dry.restored), len(dry.unexplained), dry.gone) == (1, 1, 1, (arn_of(4),))
    assert (dry.forged, dry.unexplained, dry.gone) == (wet.forged, wet.unexplained, wet.gone)


def test_without_a_ledger_nothing_is_compared_and_it_is_said(place: OnePlace) -> None:
    place.make(1)
    place.ledger.fails = LedgerError("busy", OutcomeKind.THROTTLED)
    report = place.reconcile()
    assert (report.is_done, report.left) == (False, ("throttled: the ledger can't be used: busy",))
    assert place.writes() == 0


def test_at_whatever_moment_the_time_runs_out_the_next_run_does_the_rest(place: OnePlace) -> None:
    place.deliver(1)
    place.forge(1)
    place.make(2)
    for questions in range(12):
        place.expired = Budget(questions)
        report = place.reconcile()
        assert report.is_done is (not report.left)
    place.expired = lambda: False
    report = place.reconcile()
    assert (report.is_done, report.left, report.right) == (True, (), 2)
    assert (place.tags(1)["owner"], place.tags(2)["owner"]) == ("alice", "alice")
    assert len({finding.event_id for finding in place.told.findings}) == 1  # to publish one twice is harmless


def test_an_account_that_refuses_is_told_and_nothing_of_it_is_taken_for_gone(place: OnePlace) -> None:
    """B12: the Region is off, or the role is missing."""
    place.deliver(1)
    place.aws.refuses = lambda call: Failure("AuthFailure", 401) if call.name == "list" else None
    report = place.reconcile()
    assert (report.is_reached, report.gone, report.listed) == (False, (), 0)
    assert report.unlisted[0].reason
