"""Who creates much does not hold up the others: the order in which a batch is done, and what is left for later."""

from __future__ import annotations

from flows.hub import A, B, on_fakes
from harness.events import CATALOGUE, HOME, SETTINGS, launch, messages, volume, volume_id
from harness.fakes import FakeAccounts, FakeAws, fake_ports
from harness.memory_ledger import MemoryLedger
from ownertag.core.fairness import FEW
from ownertag.flows.live import handle

C = "333333333333"
ACCOUNTS = FakeAccounts({A, B, C})


def volumes(account: str, count: int, start: int = 0, region: str = HOME) -> list[dict[str, object]]:
    """Creations by as many people, so that each needs a call of its own."""
    return [
        volume(account, volume_id(start + number), region, number=start + number, user=f"user-{number}")
        for number in range(count)
    ]


def test_accounts_with_few_creations_are_done_before_one_with_many() -> None:
    aws = FakeAws()
    on_fakes(aws, *volumes(A, 3 * FEW), *volumes(B, 3, 5000), *volumes(C, 2, 6000), accounts=ACCOUNTS)
    order = [call.account for call in aws.calls if call.name == "ec2.CreateTags"]
    assert set(order[:5]) == {B, C}
    assert order[5:] == [A] * 3 * FEW


def test_of_busy_accounts_the_busiest_comes_last() -> None:
    aws = FakeAws()
    on_fakes(aws, *volumes(A, 3 * FEW), *volumes(B, 2 * FEW, 5000), accounts=ACCOUNTS)
    order = [call.account for call in aws.calls if call.name == "ec2.CreateTags"]
    assert order == [B] * 2 * FEW + [A] * 3 * FEW


def test_of_one_part_who_has_most_to_write_comes_last() -> None:
    aws = FakeAws()
    on_fakes(aws, *volumes(A, 50), *volumes(C, 2, 6000), *volumes(B, 9, 5000), accounts=ACCOUNTS)
    order = [call.account for call in aws.calls if call.name == "ec2.CreateTags"]
    assert order == [C] * 2 + [B] * 9 + [A] * 50


def test_what_is_throttled_to_nothing_is_returned_untouched_and_loses_nothing() -> None:
    aws, ledger = FakeAws(), MemoryLedger()
    away = True
    batch = messages(*volumes(A, 5 * FEW), *volumes(B, 10, 5000))
    ports = fake_ports(
        aws, ACCOUNTS, ledger=ledger, throttled=lambda account, _, client: (account, client) == (A, "ec2") and away
    )
    answer = handle(batch, ports, CATALOGUE, SETTINGS)
    assert len(answer.done) == 10
    assert [returned.reasons for returned in answer.returned] == [
        ("throttled: AWS throttles the service in this account and Region just now",)
    ] * (5 * FEW)
    assert {call.account for call in aws.calls} == {B}
    assert ledger.calls.count("claim") == 1
    away = False
    redelivered = handle([returned.message for returned in answer.returned], ports, CATALOGUE, SETTINGS)
    assert len(redelivered.done) == 5 * FEW
    assert sum(bool(tags) for tags in aws.places[A, HOME].tags.values()) == 5 * FEW


def test_only_the_region_that_is_throttled_is_left_alone() -> None:
    aws = FakeAws()
    answer = on_fakes(
        aws,
        *volumes(A, 2),
        *volumes(A, 3, 100, "us-east-1"),
        accounts=ACCOUNTS,
        throttled=lambda *place: place == (A, HOME, "ec2"),
    )
    assert (len(answer.done), len(answer.returned)) == (3, 2)
    assert {call.region for call in aws.calls} == {"us-east-1"}


def test_parts_cost_no_more_calls_than_the_whole() -> None:
    aws = FakeAws()
    ids = [f"i-{number:017x}" for number in range(4 * FEW)]
    launches = [launch(A, [id_], reservation=f"r-{n:017x}", number=n) for n, id_ in enumerate(ids)]
    made = [volume(B, volume_id(n), number=9000 + n) for n in range(4 * FEW)]
    on_fakes(aws, *launches, *made, *(volume(C, volume_id(n), number=9500 + n) for n in range(3)), accounts=ACCOUNTS)
    assert aws.count("instances-by-reservation") == 1
    assert [call.account for call in aws.calls if call.name == "ec2.CreateTags"] == [C, B]
