"""Many look-ups of one account beside one of another: the flow with its real look-ups, in a simulation's time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.awsrequest import AWSResponse
from msgspec import Struct

from contracts.emulated import HOME, ONCE, ROLE, Call, Emulated, emulated
from contracts.trail import Trail
from harness import fixtures
from harness.events import CATALOGUE, SETTINGS, messages, volume, volume_id
from harness.fakes import FakeAccounts
from harness.memory_counter import MemoryCounter, SharedCounters
from harness.memory_ledger import MemoryLedger
from harness.simulated.simulation import Simulation
from load.checks import Check
from ownertag.aws.pacing import Pacing
from ownertag.aws.sessions import Sessions
from ownertag.flows.live import BatchAnswer, handle
from ownertag.flows.ports import Ports
from ownertag.sinks.tagging import Tagger
from ownertag.sources.lookups import AwsLookups

#: What calls take in another Region, in seconds; an assumption. How little is known of the counter's time.
SECONDS = {"LookupEvents": 0.4, "CreateTags": 0.3}
UNSURE = (0.15, 0.15)
MANY = 85


class Ran(Struct):
    """What came of a batch: its answer, and when each call was made, in seconds from the batch's beginning."""

    answer: BatchAnswer
    busy: str
    quiet: str
    calls: list[tuple[float, Call]]

    def tagged(self, account: str) -> float:
        """The time of an account's last tag."""
        return max(at for at, call in self.calls if (call.operation, call.account) == ("CreateTags", account))

    def looked_up(self, account: str) -> list[float]:
        """The times of the calls to CloudTrail in an account."""
        return [at for at, call in self.calls if (call.operation, call.account) == ("LookupEvents", account)]


def by_session(
    world: Emulated, trail: Trail, account: str, number: int, now: datetime, region: str = HOME
) -> dict[str, Any]:
    """A volume made in a session of its own, each of another minute, so that each is another look-up."""
    key, made = f"ASIA{account[-4:]}{number:012d}", now - timedelta(minutes=30 + number)
    at = made.strftime("%Y-%m-%dT%H:%M:%SZ")
    response = {"credentials": {"accessKeyId": key, "sessionToken": "SECRET", "expiration": "x"}}
    trail.add(
        fixtures.record(
            "AssumeRole", eventSource="sts.amazonaws.com", userIdentity=fixtures.user(f"user-{number}", account),
            responseElements=response, eventTime=at, recipientAccountId=account,
            awsRegion=region,
        )
    )  # fmt: skip
    world.add_volumes(account, [volume_id(number)], region)
    attributes = {"creationDate": at, "mfaAuthenticated": "false"}
    who = fixtures.session("work", account=account, attributes=attributes) | {"accessKeyId": key}
    at_last = now - timedelta(minutes=2)
    return volume(account, volume_id(number), region, number=number, userIdentity=who, at=at_last)


def run(many: int, regions: Sequence[str] = (HOME,)) -> Ran:
    """Handles one batch: so many look-ups of one account, in these Regions, and one of another."""
    with emulated() as world:
        busy, quiet = world.spokes
        begun = datetime.now(UTC).replace(microsecond=0)
        simulation = Simulation(begun.timestamp())
        trail = Trail()
        calls: list[tuple[float, Call]] = []

        def slow(call: Call) -> AWSResponse | None:
            calls.append((simulation.now - begun.timestamp(), call))
            if call.operation in SECONDS:  # not to assume a role: whoever does so holds a lock
                simulation.sleep(SECONDS[call.operation])
            return None

        world.wire.rule(slow)
        world.wire.rule(trail)

        def now() -> datetime:
            return datetime.fromtimestamp(simulation.now, UTC)

        def clock() -> float:
            return simulation.now

        counter = MemoryCounter(SharedCounters(), clock, UNSURE)
        pacing = Pacing(CATALOGUE.quotas, SETTINGS.limits.quota_share, 5, counter, clock, simulation.sleep)
        sessions = Sessions(world.session, role_name=ROLE, region=HOME, now=now, config=ONCE, pacing=pacing)
        concurrency = simulation.concurrency(16)
        lookups = AwsLookups(sessions, SETTINGS, fixtures.catalogue().parents, now, concurrency=concurrency)
        ports = Ports(
            FakeAccounts({busy, quiet}), lookups, Tagger(sessions, CATALOGUE.tag_apis, now), now,
            ledger=MemoryLedger(), throttled=pacing.held, concurrency=concurrency, fail_fast=pacing.hurry,
        )  # fmt: skip
        details = [
            by_session(world, trail, busy, number, begun, regions[number % len(regions)]) for number in range(many)
        ]
        details.append(by_session(world, trail, quiet, 900, begun))
        answers: list[BatchAnswer] = []

        def work() -> None:
            pacing.begin(clock() + 90.0)
            answers.append(handle(messages(*details), ports, CATALOGUE, SETTINGS))

        simulation.spawn(simulation.threaded(work))
        simulation.run()
        return Ran(answers[0], busy, quiet, calls)


def look_ups() -> Check:
    """The other account's creation alone, and beside the many."""
    alone, beside = run(0), run(MANY)
    one, other = alone.tagged(alone.quiet), beside.tagged(beside.quiet)
    asked = beside.looked_up(beside.busy)
    figures = {
        "alone, s": f"{one:.2f}",
        "beside, s": f"{other:.2f}",
        "the many asked in this batch": len(asked),
        "until, s": f"{asked[-1]:.1f}",
        "come back": len(beside.answer.returned),
    }
    wrong = [] if other <= 2 * one else [f"the other's took {other / one:.1f} times as long"]
    if len(beside.answer.done) + len(beside.answer.returned) != MANY + 1:
        wrong.append("a message is neither done nor returned")
    return Check(f"{MANY} session look-ups of one account beside one of another", figures, tuple(wrong))
