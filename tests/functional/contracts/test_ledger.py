"""The behaviour of every ledger: the stores, and the fake that flows are tested with."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from msgspec.structs import replace

from harness.memory_ledger import MemoryLedger
from ledger.entries import HOME, A, B, after, created, deleted, ended, event, key, owned, transferred
from ledger.table import TABLE, emulated_table
from ownertag.aws.concurrency import concurrent
from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.findings import TagChange
from ownertag.core.ownership import Holding, Observation, ResourceKey, end_of
from ownertag.core.values import Confidence, Found, OutcomeKind, Owner, Question
from ownertag.ledger.dynamodb import DynamoLedger
from ownertag.ledger.dynamodb_client import DynamoDBClient
from ownertag.ledger.entries import Created, Deleted, Ended, Finished, Owned, TagChanged, Transferred, Unobserved
from ownertag.ledger.port import Ledger, LivingReader, ObservedReader, Reader
from ownertag.ledger.read_only import LedgerOwners
from ownertag.ledger.sqlite import SqliteLedger


class Store(Ledger, Reader, ObservedReader, LivingReader, Protocol):
    """All sides of a ledger, reading and writing."""


Opener = Callable[[], Store]


def end(holding: Holding) -> datetime | None:
    return end_of(holding.claim.created_at, holding.deletions)


@pytest.fixture(params=["memory", "sqlite", "dynamodb"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens one ledger, each time anew."""
    if request.param == "memory":
        memory = MemoryLedger()
        yield lambda: memory
        return
    if request.param == "dynamodb":
        with emulated_table() as client:
            yield lambda: DynamoLedger(DynamoDBClient(client, TABLE, sleep=lambda _: None, concurrency=concurrent(4)))
        return
    opened: list[SqliteLedger] = []

    def again() -> Store:
        opened.append(SqliteLedger(tmp_path / "ledger.sqlite"))
        return opened[-1]

    yield again
    for sqlite_ledger in opened:
        sqlite_ledger.close()


@pytest.fixture
def many(request: pytest.FixtureRequest) -> int:
    """A full batch; on moto, which copies the whole table for each transaction, more than a transaction takes."""
    return 120 if "dynamodb" in request.node.name else 1000


@pytest.fixture
def store(opener: Opener) -> Store:
    return opener()


def owner_of(store: Store, id_: str = "vol-00000001", account: str = A) -> str:
    [known] = store.by_key([key(id_, account)])
    return known.holding.owner.name


def made(store: Store, number: int, name: str, minutes: float, **fields: object) -> str:
    """Records one creation, and returns the owner of the volume now."""
    entry = owned(number, name, minutes=minutes, **fields)  # type: ignore[arg-type] # passed on
    [standing] = store.claim([created(number, name, minutes=minutes)], [entry]).values()
    return standing.owner.name


def observed(number: int = 1, name: str = "alice", kept: tuple[str, ...] = (), **fields: object) -> Ended:
    """That the tags of a creation were decided and not written."""
    entry = ended(number, name=name, kind=OutcomeKind.UNCHANGED, **fields)  # type: ignore[arg-type] # passed on
    return replace(entry, observed=Observation(entry.at, kept))


def waiting(store: Store, account: str = A, size: int = 100) -> list[str]:
    """The ids of what waits for its tags, the earliest first."""
    return [known.id for portion in store.observed(account, size) for known in portion]


# --- what was seen


def test_what_nobody_saw_is_not_there(store: Store) -> None:
    assert store.seen([event(1)]) == {}
    assert [*store.by_id("vol-00000001"), *store.by_key([key()]), *store.by_address("192.0.2.1")] == []
    assert [*store.by_owner("alice"), *store.by_parent("r-1"), *store.history(key())] == []
    assert store.creation(event(1)) is None


def test_a_creation_is_unfinished_until_it_is_finished_and_keeps_its_first_decision(opener: Opener) -> None:
    store = opener()
    made(store, 1, "alice", 0)
    made(store, 1, "bob", 0)  # the settings changed in between
    seen = opener().seen([event(1), event(2)])
    assert set(seen) == {event(1)}
    assert (seen[event(1)].finished, seen[event(1)].owner.name) == (False, "alice")
    assert seen[event(1)].tags == (("owner", "alice"),)
    store.append([Finished(event(1), after(1))])
    assert opener().seen([event(1)])[event(1)].finished


def test_a_provisional_decision_gives_way_to_the_next_of_the_same_creation(store: Store) -> None:
    assert made(store, 1, "unknown", 0, provisional=True) == "unknown"
    store.append([ended(1, name="unknown")])
    assert made(store, 1, "alice", 0) == "alice"
    assert store.seen([event(1)])[event(1)].owner.name == "alice"
    [known] = store.by_key([key()])
    assert known.holding.outcome is None  # the new name has to be written
    assert made(store, 1, "bob", 0) == "alice"


def test_a_creation_is_kept_as_it_came(opener: Opener) -> None:
    whole = created(1)
    opener().claim([whole], [owned(1)])
    assert opener().creation(event(1)) == whole


# --- whose it is


def test_the_first_creation_owns_whatever_comes_later_and_both_are_kept(store: Store) -> None:
    """T5: mallory repeats the call and gets alice's resource as success."""
    assert made(store, 1, "alice", 0) == "alice"
    assert made(store, 2, "mallory", 5) == "alice"
    assert owner_of(store) == "alice"
    assert [entry.owner.name for entry in store.history(key()) if isinstance(entry, Owned)] == ["alice", "mallory"]
    assert store.creation(event(2)) == created(2, "mallory", minutes=5)


def test_the_first_creation_owns_though_it_is_heard_of_last(store: Store) -> None:
    assert made(store, 2, "mallory", 5) == "mallory"
    store.append([ended(2, name="mallory")])
    assert made(store, 1, "alice", 0) == "alice"
    [known] = store.by_key([key()])
    assert known.holding.outcome is None


def test_within_the_birth_window_what_a_record_names_goes_before_what_was_found_by_looking(store: Store) -> None:
    assert made(store, 1, "alice", 0, named=False) == "alice"
    assert made(store, 2, "bob", 1) == "bob"  # a minute later
    assert made(store, 3, "carol", 2, named=False) == "bob"


def test_after_the_birth_window_a_record_that_names_it_comes_too_late(store: Store) -> None:
    assert made(store, 1, "alice", 0, named=False) == "alice"
    assert made(store, 2, "bob", 2) == "alice"
    assert made(store, 3, "carol", -5, named=False) == "carol"


def test_after_a_deletion_a_later_creation_owns(store: Store) -> None:
    """T5: a creation after a deletion is not a repeat."""
    made(store, 1, "alice", 0)
    store.append([deleted(9, 3)])
    [known] = store.by_key([key()])
    assert end(known.holding) == after(3)
    assert made(store, 2, "mallory", 5) == "mallory"
    assert made(store, 1, "alice", 0) == "mallory"  # T4: a replay of the first life
    assert made(store, 3, "bob", 1) == "mallory"


@pytest.mark.parametrize("seed", range(12))
def test_no_order_of_events_changes_whose_it_is(store: Store, seed: int) -> None:
    things = [(1, "alice", 0), (2, "bob", 1), (3, "carol", 5), (4, "dave", 6), (None, "", 3), (None, "", 8)]
    things += things[:3]
    random.Random(seed).shuffle(things)  # noqa: S311 - an order, no secret
    for number, name, minutes in things:
        if number is None:
            store.append([deleted(90 + minutes, minutes)])
        else:
            made(store, number, name, minutes)
    assert owner_of(store) == "carol"
    [known] = store.by_key([key()])
    assert end(known.holding) == after(8)


def test_deletion_before_creation_in_the_same_second_is_of_the_life_that_it_ended(store: Store) -> None:
    store.append([deleted(9, 0)])
    assert made(store, 1, "alice", 0) == "alice"
    assert made(store, 2, "bob", 0.5) == "bob"


def test_a_transfer_stands_against_every_event_of_that_life(store: Store) -> None:
    made(store, 1, "alice", 0)
    store.append([transferred("bob", 10)])
    assert owner_of(store) == "bob"
    assert made(store, 2, "mallory", 20) == "bob"
    assert made(store, 3, "first", -5) == "bob"
    store.append([transferred("dave", 5)])  # heard of late: the newer one stands
    assert owner_of(store) == "bob"
    store.append([deleted(9, 30)])
    assert made(store, 4, "erin", 40) == "erin"


def test_what_nobody_saw_created_can_be_given_to_somebody(store: Store) -> None:
    store.append([transferred("bob", 10)])
    assert owner_of(store) == "bob"
    assert [known.holding.owner.name for known in store.by_id("vol-00000001")] == ["bob"]
    assert made(store, 1, "alice", 0) == "bob"


# --- what became of it


def test_an_outcome_is_final_only_if_it_says_so(store: Store) -> None:
    made(store, 1, "alice", 0)
    assert store.append([ended(1, kind=OutcomeKind.THROTTLED, final=False)]) == set()
    assert store.claim([created(1)], [owned(1)])[key()].outcome is None
    assert store.append([ended(1)]) == set()
    assert store.claim([created(1)], [owned(1)])[key()].outcome is OutcomeKind.TAGGED


def test_who_wrote_for_somebody_that_does_not_hold_it_any_more_is_told(store: Store) -> None:
    made(store, 2, "mallory", 5)
    made(store, 1, "alice", 0)
    store.append([ended(1)])
    assert store.append([ended(2, name="mallory"), Finished(event(2), after(9)), Finished(event(1), after(9))]) == {
        key()
    }
    assert [store.seen([event(n)])[event(n)].finished for n in (1, 2)] == [True, False]
    assert store.claim([created(2, "mallory", minutes=5)], [owned(2, "mallory", minutes=5)])[key()].outcome is None
    assert store.append([ended(2, holder=1)]) == set()  # alice's tags, written by mallory's message
    assert store.claim([created(1)], [owned(1)])[key()].outcome is OutcomeKind.TAGGED


def test_a_repeat_doubles_nothing(opener: Opener) -> None:
    for _ in range(3):
        store = opener()
        store.claim([created(1)], [owned(1, addresses=("10.0.0.1",), parents=("r-1",))])
        store.append([ended(1), deleted(9, 30), transferred(), _tampered(), Finished(event(1), after(3))])
    assert [type(entry) for entry in store.history(key())] == [Owned, Ended, TagChanged, Transferred, Deleted]
    assert len(store.by_address("10.0.0.1")) == len(store.by_parent("r-1")) == len(store.by_id("vol-00000001")) == 1


def _tampered() -> TagChanged:
    return TagChanged(key(), event(7), created(1, "mallory").actor, (TagChange("owner", "alice", "ceo"),), 2, after(4))


def _undone(minutes: float = 5, run: str = "run-1", number: int = 8) -> TagChanged:
    changes = (TagChange("owner", "alice", None),)
    return TagChanged(key(), event(number), created(1, "ops").actor, changes, 1, after(minutes), run)


def holding_of(store: Store) -> Holding:
    [known] = store.by_key([key()])
    return known.holding


def test_what_was_undone_keeps_its_owner_and_is_not_written_any_more(opener: Opener) -> None:
    store = opener()
    store.claim([created(1)], [owned(1)])
    store.append([ended(1), Finished(event(1), after(3))])
    for _ in range(2):
        assert opener().append([_undone()]) == set()
    holding = holding_of(opener())
    assert (holding.owner.name, holding.outcome, holding.undone_at) == ("alice", None, after(5))
    assert opener().claim([created(1)], [owned(1)])[key()].outcome is None
    assert opener().history(key()) == [owned(1), ended(1), _undone()]
    assert living(opener()) == ["vol-00000001"]


def test_what_is_written_or_given_after_an_undoing_is_undone_no_longer(store: Store) -> None:
    store.claim([created(1)], [owned(1)])
    store.append([ended(1), _undone()])
    store.append([ended(1, minutes=9)])
    assert (holding_of(store).outcome, holding_of(store).undone_at) == (OutcomeKind.TAGGED, None)
    store.append([_undone(10, "run-2", 9), transferred(minutes=11)])
    assert (holding_of(store).owner.name, holding_of(store).undone_at) == (transferred().to, None)


def test_a_change_by_others_undoes_nothing_and_neither_does_an_undoing_in_an_earlier_life(store: Store) -> None:
    store.claim([created(1)], [owned(1)])
    store.append([ended(1), _tampered()])
    assert (holding_of(store).outcome, holding_of(store).undone_at) == (OutcomeKind.TAGGED, None)
    store.append([deleted(9, 30)])
    store.claim([created(2, "bob", minutes=40)], [owned(2, "bob", minutes=40)])
    store.append([ended(2, name="bob", minutes=41), _undone(20)])
    assert (holding_of(store).owner.name, holding_of(store).outcome) == ("bob", OutcomeKind.TAGGED)


def test_what_is_only_observed_waits_for_its_tags_whatever_is_undone(store: Store) -> None:
    store.claim([created(1)], [owned(1)])
    store.append([observed()])
    store.append([_undone()])
    assert (holding_of(store).observed is not None, holding_of(store).undone_at, waiting(store)) == (
        True,
        None,
        ["vol-00000001"],
    )


def test_an_undoing_of_what_nobody_knows_is_in_its_history(store: Store) -> None:
    store.append([_undone()])
    assert (store.history(key()), store.by_key([key()])) == ([_undone()], [])


def test_a_history_is_in_order_and_complete(store: Store) -> None:
    entries: list[Ended | TagChanged | Transferred | Deleted] = [deleted(9, 30), transferred(), _tampered(), ended(1)]
    store.append(entries)
    store.claim([created(1)], [owned(1)])
    assert store.history(key()) == [owned(1), *reversed(entries)]


# --- where it is found


def test_accounts_and_regions_never_mix(store: Store) -> None:
    places = [(A, HOME), (A, "us-east-1"), (B, HOME)]
    same_arn = ResourceKey(A, HOME, "arn:aws:s3:::bucket")
    for number, (account, region) in enumerate(places):
        name = f"user{number}"
        volume = owned(5, name, account=account, region=region, addresses=("10.0.0.1",))
        bucket = Owned(
            ResourceKey(account, region, same_arn.arn), "bucket", "s3:bucket", volume.claim, volume.owner, volume.tags,
            volume.decided_at,
        )  # fmt: skip
        store.claim([created(5, name, account, region)], [volume, bucket])
    store.append([Finished(event(5, B), after(3))])
    assert [store.seen([event(5, *place)])[event(5, *place)].finished for place in places] == [False, False, True]
    for number, (account, region) in enumerate(places):
        [known] = store.by_key([key(account=account, region=region)])
        assert known.holding.owner.name == f"user{number}"
        [in_place] = store.by_key([ResourceKey(account, region, same_arn.arn)])
        assert in_place.holding.owner.name == f"user{number}"
        assert len(store.history(known.key)) == 1
        assert {known.key for known in store.by_owner(f"user{number}")} == {known.key, in_place.key}
    assert len(store.by_id("vol-00000001")) == len(store.by_id("bucket")) == len(store.by_id(same_arn.arn)) == 3
    assert [span.known.holding.owner.name for span in store.by_address("10.0.0.1")] == ["user0", "user1", "user2"]
    assert store.by_key([key(account=B, region="us-east-1")]) == []
    assert store.seen([event(5, B, "us-east-1")]) == {}


SERVICE = "arn:aws:ecs:eu-central-1:111111111111:service/shop/web"
STACK = "arn:aws:cloudformation:eu-central-1:111111111111:stack/web/0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f"


def of_type(arn: str, id_: str, type_: str, number: int = 1) -> Owned:
    """The owner of a resource of another service than EC2."""
    return replace(owned(number), resource=ResourceKey(A, HOME, arn), id=id_, type=type_)


EKS, BEANSTALK, ECS = (f"arn:aws:{service}:eu-central-1:{A}:" for service in ("eks", "elasticbeanstalk", "ecs"))
UUID, TASK = "0a1b2c3d-0000-4000-8000-0a1b2c3d4e5f", "0a1b2c3d" * 4

#: What a child's record tells of its parent, and the parent's ARN, id and type.
IN_PART = {
    "node group": (f"{EKS}nodegroup/prod/w/*", f"{EKS}nodegroup/prod/w/{UUID}", f"prod/w/{UUID}", "eks:nodegroup"),
    "environment": (
        f"{BEANSTALK}environment/*/web", f"{BEANSTALK}environment/shop/web", "shop/web", "elasticbeanstalk:environment",
    ),
    "task": (f"{ECS}task/*/{TASK}", f"{ECS}task/prod/{TASK}", f"prod/{TASK}", "ecs:task"),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_PART)
def test_a_parent_is_found_by_as_much_of_its_arn_as_its_children_tell(store: Store, name: str) -> None:
    in_part, arn, id_, type_ = IN_PART[name]
    question = Question(QuestionKind.OWNER_OF_RESOURCE, A, HOME, in_part)
    assert LedgerOwners(store).find([question]) == {}
    for number, (owner, made) in enumerate(
        (("alice", arn), ("bob", arn.replace("/w/", "/w2/").replace("web", "web2")))
    ):
        of = replace(of_type(made, id_, type_, number), owner=Owner(owner, "iam-user", Confidence.ASSERTED))
        store.claim([created(number, owner)], [of])
    found = LedgerOwners(store).find([question])
    assert [fact.owner.name for fact in found.values() if isinstance(fact, Found) and fact.owner] == ["alice"]
    elsewhere = Question(QuestionKind.OWNER_OF_RESOURCE, B, HOME, in_part.replace(A, B))
    assert LedgerOwners(store).find([elsewhere]) == {}


def test_of_two_of_one_name_the_last_counts(store: Store) -> None:
    in_part, arn, id_, type_ = IN_PART["node group"]
    for number, owner in enumerate(("alice", "bob")):
        again = arn.replace("0a1b2c3d-", f"{number}a1b2c3d-")
        of = replace(of_type(again, id_, type_, number), owner=Owner(owner, "iam-user", Confidence.ASSERTED))
        of = replace(of, claim=replace(of.claim, created_at=after(number)))
        store.claim([created(number, owner)], [of])
    [fact] = LedgerOwners(store).find([Question(QuestionKind.OWNER_OF_RESOURCE, A, HOME, in_part)]).values()
    assert isinstance(fact, Found)
    assert fact.owner
    assert fact.owner.name == "bob"


def test_a_resource_is_found_by_its_arn_its_id_and_its_name_of_whatever_service(store: Store) -> None:
    table = of_type("arn:aws:dynamodb:eu-central-1:111111111111:table/web", "web", "dynamodb:table")
    service = of_type(SERVICE, "shop/web", "ecs:service")
    stack = of_type(STACK, STACK.partition("stack/")[2], "cloudformation:stack")
    secrets = "arn:aws:secretsmanager:eu-central-1:111111111111:secret:"
    secret = of_type(f"{secrets}shop/db-a1B2c3", "shop/db-a1B2c3", "secretsmanager:Secret")
    made = [table, service, stack, secret]
    store.claim([created(1)], made)
    for entry in made:
        for name in (entry.resource.arn, entry.id):
            assert entry.resource in {known.key for known in store.by_id(name)}, name
        assert [known.type for known in store.by_id(entry.resource.arn)] == [entry.type]
    assert {known.type for known in store.by_id("web")} == {"dynamodb:table", "ecs:service", "cloudformation:stack"}
    assert [known.id for known in store.by_id("shop/db")] == ["shop/db-a1B2c3"]
    assert [*store.by_id("shop"), *store.by_id("db"), *store.by_id(SERVICE.replace("/web", ""))] == []


def test_what_was_given_before_its_creation_was_heard_of_has_its_id_and_type(store: Store) -> None:
    given = replace(transferred(), resource=ResourceKey(A, HOME, SERVICE), named="shop/web", type="ecs:service")
    store.append([given])
    for name in (SERVICE, "shop/web"):
        assert [(known.id, known.type) for known in store.by_id(name)] == [("shop/web", "ecs:service")]


@pytest.mark.parametrize(
    "odd",
    ["'; DROP TABLE resource; --", "%", "_", "*", "a\\", 'a"b', "vol-0000000_", "\U0001f980", "a\x00b", "#", "1:a"],
)
def test_no_character_of_an_id_means_anything(store: Store, odd: str) -> None:
    made(store, 1, "alice", 0)
    entry = owned(2, odd, odd, parents=(odd,))
    store.claim([created(2, odd)], [entry])
    for found in (store.by_id(odd), store.by_id(entry.resource.arn), store.by_parent(odd), store.by_key([key(odd)])):
        assert [known.id for known in found] == [odd]
    assert len(store.history(key(odd))) == 1
    assert store.seen([type(event(1))(odd, odd, odd)]) == {}
    assert owner_of(store) == "alice"


def test_two_keys_that_join_to_the_same_text_stay_two(store: Store) -> None:
    """T31: no key is made by joining parts that can hold what joins them."""
    keys = [ResourceKey("1", "23", "x"), ResourceKey("12", "3", "x"), ResourceKey("1#2", "3", "x")]
    for number, resource in enumerate(keys):
        made_here = owned(number, f"user{number}")
        one = Owned(resource, "x", "t", made_here.claim, made_here.owner, made_here.tags, made_here.decided_at)
        event_key = type(event(0))(resource.account, resource.region, one.claim.event_id)
        store.claim([Created(event_key, "c", "s", "n", after(0), created(1).actor)], [one])
    assert [store.by_key([resource])[0].holding.owner.name for resource in keys] == ["user0", "user1", "user2"]


def test_an_address_that_several_had_gives_each_with_its_time(store: Store) -> None:
    for number, (id_, minutes) in enumerate([("vol-00000001", 0), ("vol-00000002", 60), ("vol-00000003", 30)]):
        entry = owned(number, "alice", id_, minutes=minutes, addresses=("10.0.0.1", f"10.0.1.{number}"))
        store.claim([created(number, minutes=minutes)], [entry])
    store.append([deleted(9, 20)])
    spans = store.by_address("10.0.0.1")
    assert [(span.known.id, span.since) for span in spans] == [
        ("vol-00000001", after(0)),
        ("vol-00000003", after(30)),
        ("vol-00000002", after(60)),
    ]
    assert end(spans[0].known.holding) == after(20)
    assert [span.known.id for span in store.by_address("10.0.1.1")] == ["vol-00000002"]


KEY, OTHER_KEY = "AKIAIOSFODNN7EXAMPLE", "ASIAI44QH8DHBEXAMPLE"


def signed(number: int, key_id: str | None, minutes: float = 0) -> Created:
    """The creation of a volume by a call that this key signed."""
    made_by = created(number, minutes=minutes)
    return replace(made_by, actor=replace(made_by.actor, access_key_id=key_id))


def by_key_id(store: Store, key_id: str, limit: int = 1000) -> list[tuple[str, datetime]]:
    return [(span.known.id, span.since) for span in store.by_access_key(key_id, limit)]


def test_what_an_access_key_made_is_found_the_latest_first(opener: Opener) -> None:
    store = opener()
    assert store.by_access_key(KEY) == []
    for number, (key_id, minutes) in enumerate([(KEY, 0), (KEY, 60), (OTHER_KEY, 70), (KEY, 30), (None, 80)]):
        entry = owned(number, "alice", f"vol-0000000{number}", minutes=minutes)
        store.claim([signed(number, key_id, minutes)], [entry])
    found = [("vol-00000001", after(60)), ("vol-00000003", after(30)), ("vol-00000000", after(0))]
    assert by_key_id(store, KEY) == found
    assert by_key_id(opener(), KEY) == found
    assert by_key_id(store, KEY, limit=2) == found[:2]
    assert by_key_id(store, OTHER_KEY) == [("vol-00000002", after(70))]
    assert by_key_id(store, KEY.lower()) == by_key_id(store, "") == []


def test_one_call_of_a_key_makes_many_in_any_account(store: Store) -> None:
    volumes = [f"vol-0000000{number}" for number in range(4)]
    store.claim([signed(1, KEY)], [owned(1, "alice", id_) for id_ in volumes])
    elsewhere = replace(created(2, account=B), actor=replace(created(2).actor, access_key_id=KEY))
    store.claim([elsewhere], [owned(2, "bob", "vol-00000009", account=B)])
    found = store.by_access_key(KEY)
    assert sorted(span.known.id for span in found) == [*volumes, "vol-00000009"]
    assert {span.known.key.account for span in found} == {A, B}


def test_a_key_finds_each_resource_once_whatever_came_again(store: Store) -> None:
    """A repeat, a decision anew under another name, an outcome, a transfer."""
    awaited = owned(1, "unknown", provisional=True)
    for entry in (awaited, awaited, owned(1, "alice"), owned(1, "alice")):
        store.claim([signed(1, KEY)], [entry])
    store.append([ended(1), transferred("bob")])
    [span] = store.by_access_key(KEY)
    assert (span.known.holding.owner.name, span.since) == ("bob", after(0))


def test_a_key_finds_its_call_though_another_made_the_resource(store: Store) -> None:
    store.claim([signed(1, KEY)], [owned(1, "alice")])
    store.claim([signed(2, OTHER_KEY, 5)], [owned(2, "mallory", minutes=5)])
    [span] = store.by_access_key(OTHER_KEY)
    assert (span.known.holding.owner.name, span.since) == ("alice", after(5))


def test_an_owners_resources_follow_the_owner(store: Store) -> None:
    made(store, 1, "alice", 0)
    assert len(store.by_owner("alice")) == 1
    store.append([transferred("bob")])
    assert store.by_owner("alice") == []
    assert len(store.by_owner("bob")) == 1
    for number in range(2, 6):
        store.claim([created(number)], [owned(number, "carol", f"vol-{number}")])
    assert len(store.by_owner("carol", limit=3)) == 3


# --- sizes


def test_texts_of_strangers_are_cut_and_cleaned(store: Store) -> None:
    evil = "a\x1b[2J\u202e" + "x" * 500_000
    entry = owned(1)
    owner = Owner(evil, "iam-user", Confidence.ASSERTED, (evil,) * 100, evil)
    big = Owned(
        entry.resource, entry.id, entry.type, entry.claim, owner, (("owner", evil), ("b" * 999, "c")), entry.decided_at,
        parents=tuple(f"r-{number}" for number in range(99)),
    )  # fmt: skip
    store.claim([created(1)], [big])
    store.append([Transferred(key(), "t", evil, evil, evil, (), after(5)), ended(1, name=evil)])
    [kept, *others] = store.history(key())
    assert isinstance(kept, Owned)
    assert len(kept.owner.name) <= 256
    assert len(kept.owner.via) <= 16
    assert len(kept.parents) <= 16
    assert "\x1b" not in repr(others).encode().decode("unicode_escape")
    assert "\u202e" not in repr(kept).encode().decode("unicode_escape")
    assert len(repr(others)) < 20_000


def test_many_creations_at_once(store: Store, many: int) -> None:
    numbers = range(many)
    records = [created(number, f"user{number % 7}") for number in numbers]
    decisions = [owned(number, f"user{number % 7}", f"vol-{number}") for number in numbers]
    assert len(store.claim(records, decisions)) == many
    store.append(
        [ended(number, name=f"user{number % 7}", id_=f"vol-{number}") for number in numbers]
        + [Finished(event(number), after(3)) for number in numbers]
    )
    assert sum(creation.finished for creation in store.seen([event(number) for number in numbers]).values()) == many
    assert len(store.by_key([key(f"vol-{number}") for number in numbers])) == many


def test_a_creation_of_many_resources(store: Store, many: int) -> None:
    decisions = [owned(1, "alice", f"vol-{number}") for number in range(many)]
    assert len(store.claim([created(1)], decisions)) == many
    assert store.append([ended(1, id_=f"vol-{number}") for number in range(many)]) == set()
    assert len(store.by_owner("alice", limit=2000)) == many


# --- several at once


def test_of_two_handlers_at_once_one_wins_and_both_know(opener: Opener) -> None:
    stores = [opener() for _ in range(4)]
    ids = [f"vol-{number}" for number in range(20)]

    def claim(number: int) -> list[str]:
        name = f"user{number}"
        decisions = [owned(number, name, id_, minutes=1) for id_ in ids]
        claimed = stores[number].claim([created(number, name, minutes=1)], decisions)
        return [claimed[key(id_)].owner.name for id_ in ids]

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(claim, range(4)))
    # All were made in the same second, so the lowest event id is the first.
    assert {known.holding.owner.name for known in stores[0].by_key([key(id_) for id_ in ids])} == {"user0"}
    for number in range(4):
        assert claim(number) == ["user0"] * 20
    assert all(len(stores[0].history(key(id_))) == 4 for id_ in ids)


def test_one_ledger_may_be_used_by_several_threads(store: Store) -> None:
    def claim(number: int) -> None:
        store.claim([created(number)], [owned(number, "alice", f"vol-{number}")])
        store.append([ended(number, id_=f"vol-{number}"), Finished(event(number), after(1))])
        assert store.seen([event(number)])[event(number)].finished

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(claim, range(24)))
    assert len(store.by_owner("alice")) == 24


def test_times_keep_their_second(store: Store) -> None:
    at = after(0) + timedelta(seconds=1)
    store.append([deleted(1, 0), Deleted(key(), event(2), created(1).actor, at)])
    assert [entry.at for entry in store.history(key()) if isinstance(entry, Deleted)] == [after(0), at]


# --- what is there


def living(store: Store, account: str = A, region: str = HOME, size: int = 100) -> list[str]:
    """The ids of what is there as far as the ledger knows."""
    return sorted(known.id for portion in store.living(account, region, size) for known in portion)


def test_what_was_made_lives_until_its_deletion_is_known(opener: Opener) -> None:
    store = opener()
    assert living(store) == []
    made(store, 1, "alice", 0)
    made(store, 2, "bob", 1, id_="vol-00000002")
    assert living(opener()) == ["vol-00000001", "vol-00000002"]
    store.append([deleted(3, 5)])
    assert living(opener()) == ["vol-00000002"]
    made(store, 4, "carol", 6)  # the name is used again
    assert living(opener()) == ["vol-00000001", "vol-00000002"]


def test_what_was_deleted_before_its_creation_became_known_does_not_live(store: Store) -> None:
    store.append([deleted(3, 5)])
    assert living(store) == []
    made(store, 1, "alice", 0)
    assert living(store) == []


def test_what_was_given_to_somebody_lives_too_and_outcomes_change_nothing(store: Store) -> None:
    store.append([transferred("bob", 10)])
    made(store, 2, "bob", 1, id_="vol-00000002")
    store.append([ended(2, name="bob", id_="vol-00000002"), Finished(event(2), after(2))])
    assert living(store) == ["vol-00000001", "vol-00000002"]


def test_the_living_of_one_place_come_in_portions_and_no_other_places(store: Store) -> None:
    for number in range(1, 6):
        made(store, number, "alice", number, id_=f"vol-{number:08x}")
    other = owned(7, "alice", "vol-00000007", minutes=7)
    store.claim(
        [replace(created(7, "alice", minutes=7), event=event(7, B))],
        [replace(other, resource=key("vol-00000007", account=B))],
    )
    assert [len(portion) for portion in store.living(A, HOME, 2)] == [2, 2, 1]
    assert (living(store, B), living(store, A, "us-west-2")) == (["vol-00000007"], [])


# --- what was observed


def test_where_nothing_was_observed_nothing_waits(store: Store) -> None:
    made(store, 1, "alice", 0)
    store.append([ended(1), Finished(event(1), after(1))])
    assert store.observed_accounts() == []
    assert waiting(store) == []


def test_what_was_observed_waits_with_its_owner_until_it_is_written(opener: Opener) -> None:
    store = opener()
    made(store, 1, "alice", 0)
    store.append([observed(1, kept=("Name",)), Finished(event(1), after(1))])
    [[known]] = list(opener().observed(A, 10))
    assert (known.id, known.holding.owner.name, known.holding.tags) == ("vol-00000001", "alice", (("owner", "alice"),))
    assert known.holding.observed is not None
    assert (known.holding.outcome, known.holding.observed.kept) == (None, ("Name",))
    assert opener().observed_accounts() == [A]
    assert opener().seen([event(1)])[event(1)].finished
    store.append([ended(1, minutes=5), Unobserved(key())])
    assert waiting(opener()) == []
    [known] = opener().by_key([key()])
    assert (known.holding.outcome, known.holding.observed) == (OutcomeKind.TAGGED, None)
    assert opener().observed_accounts() == [A]  # it was, at some time


def test_what_is_still_to_be_written_is_not_taken_off_the_list(store: Store) -> None:
    made(store, 1, "alice", 0)
    store.append([observed(1)])
    store.append([Unobserved(key())])
    assert waiting(store) == ["vol-00000001"]
    store.append([ended(1, kind=OutcomeKind.THROTTLED, final=False), Unobserved(key())])
    assert waiting(store) == ["vol-00000001"]
    store.append([ended(1, name="somebody else"), Unobserved(key())])  # it was written for who does not own it
    assert waiting(store) == ["vol-00000001"]


def test_what_was_written_by_somebody_else_meanwhile_is_taken_off_without_an_outcome(store: Store) -> None:
    made(store, 1, "alice", 0)
    store.append([observed(1)])
    store.append([ended(1)])  # by the message, which came once more
    assert waiting(store) == ["vol-00000001"]
    store.append([Unobserved(key())])
    assert waiting(store) == []
    store.append([Unobserved(key())])
    store.append([Unobserved(key(id_="vol-00000099"))])
    assert waiting(store) == []


def test_what_is_observed_again_waits_again(store: Store) -> None:
    made(store, 1, "alice", 0)
    store.append([observed(1)])
    store.append([ended(1), Unobserved(key())])
    store.append([observed(1, minutes=9)])
    assert waiting(store) == ["vol-00000001"]
    [known] = store.by_key([key()])
    assert known.holding.outcome is None


def test_observations_are_of_one_account_and_come_in_portions_the_earliest_first(store: Store) -> None:
    for number in range(1, 6):
        id_ = f"vol-0000000{number}"
        made(store, number, "alice", number, id_=id_)
        store.append([observed(number, id_=id_, minutes=10 - number)])
    store.claim([created(7, "bob", B)], [owned(7, "bob", account=B)])
    store.append([replace(observed(7, "bob"), resource=key(account=B), event=event(7, B))])
    assert [len(portion) for portion in store.observed(A, 2)] == [2, 2, 1]
    assert waiting(store, size=2) == [f"vol-0000000{number}" for number in (5, 4, 3, 2, 1)]
    assert waiting(store, B) == ["vol-00000001"]
    assert sorted(store.observed_accounts()) == sorted([A, B])
    assert waiting(store, "999999999999") == []


def test_what_is_written_between_two_portions_is_not_in_the_second(store: Store) -> None:
    for number in range(1, 5):
        id_ = f"vol-0000000{number}"
        made(store, number, "alice", number, id_=id_)
        store.append([observed(number, id_=id_, minutes=number)])
    portions = store.observed(A, 2)
    assert [known.id for known in next(portions)] == ["vol-00000001", "vol-00000002"]
    store.append([ended(3, id_="vol-00000003"), Unobserved(key("vol-00000003"))])
    assert [known.id for portion in portions for known in portion] == ["vol-00000004"]


def test_an_observation_of_a_former_owner_is_told_and_does_not_count(store: Store) -> None:
    made(store, 2, "mallory", 5)
    made(store, 1, "alice", 0)
    assert store.append([observed(2, "mallory")]) == {key()}
    [known] = store.by_key([key()])
    assert known.holding.observed is None


def test_a_transfer_takes_the_place_of_what_was_observed(store: Store) -> None:
    made(store, 1, "alice", 0)
    store.append([observed(1)])
    store.append([transferred("bob", 10), observed(1, "bob", minutes=10)])
    [[known]] = list(store.observed(A, 10))
    assert (known.holding.owner.name, known.holding.outcome) == ("bob", None)
    store.append([transferred("carol", 20)])
    [known] = store.by_key([key()])
    assert (known.holding.observed, known.holding.outcome) == (None, OutcomeKind.TAGGED)


def test_an_observation_is_in_the_history_and_no_repeat_doubles_it(store: Store) -> None:
    made(store, 1, "alice", 0)
    store.append([observed(1)])
    store.append([observed(1, minutes=7)])
    store.append([ended(1, kind=OutcomeKind.UNCHANGED, minutes=9)])
    told = [entry for entry in store.history(key()) if isinstance(entry, Ended)]
    assert [(entry.kind.value, entry.observed is not None) for entry in told] == [
        ("unchanged", True),
        ("unchanged", False),
    ]
