"""From the call to the tag, to the finding and to `whois`, for every case, of one person in one account.

What is expected stands in the cases, which were written from AWS's pages: the ARN, and the service's own calls that
read the tags back and take them away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from every_service.cases import Case, read_cases
from every_service.world import ACCOUNT, OWNER, REGION, Made, World
from harness.sampling import sample
from harness.waiting import wait
from ownertag.core.findings import TamperFinding
from ownertag.core.values import Failure
from ownertag.flows.live import BatchAnswer
from ownertag.flows.result import Decided, Refused, Tampered
from ownertag.flows.whois import Wanted, whois
from ownertag.ledger.dynamodb import DynamoLedger
from ownertag.ledger.dynamodb_client import DynamoDBClient
from ownertag.render.documents import LEDGER_TABLE
from ownertag.sandbox.console_reporter import ConsoleReporter
from ownertag.sandbox.organization import sandbox_session
from ownertag.sandbox.personas import HOME_REGION
from ownertag.sandbox.sandbox import Sandbox

PATIENCE_SECONDS = 60
pytestmark = pytest.mark.timeout(900)  # the first of these tests waits for all that is made
#: Every fourth, and in a full run all: most of the time goes into starting as many services of the emulator.
CASES = sample(read_cases(), 4)


class CaseReporter(ConsoleReporter):
    """Keeps what was refused and found, by event, and what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        super().__init__(self.lines.append)
        self.refused: dict[str, str] = {}
        self.findings: dict[str, TamperFinding] = {}
        self.outcomes: dict[str, str] = {}

    def answer(self, answer: BatchAnswer, failures: list[Failure]) -> None:
        """Takes the results of a batch."""
        for verdict in answer.done:
            match verdict.result:
                case Refused(refusal) if refusal.record:
                    self.refused[refusal.record.event_id] = f"{refusal.reason.value}: {refusal.detail}"
                case Tampered(finding=finding):
                    self.findings[finding.event_id] = finding
                case Decided(decision, outcomes):
                    told = ", ".join(f"{outcome.kind.value} {outcome.reason}" for outcome in outcomes)
                    self.outcomes[decision.creation.record.event_id] = told
        super().answer(answer, failures)


@dataclass
class Day:
    """What was made of the cases, and what came of it."""

    world: World
    reporter: CaseReporter
    ledger: DynamoLedger
    made: dict[str, Made] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    tampered: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)

    def live(self) -> None:
        """Makes all cases, waits, reads their tags, has another person change them, and waits."""
        for case in CASES:
            self._try(case, self._make)
        self._wait(lambda: all(self._is_done(made) for made in self.made.values()))
        for case in CASES:
            self._try(case, self._read)
        for case in CASES:
            self._try(case, self._tamper)
        self._wait(lambda: {*self.tampered.values()} <= {*self.reporter.findings, *self.reporter.refused})

    def _wait(self, until: Callable[[], bool]) -> None:
        with suppress(AssertionError):  # each case tells what is missing of its own
            wait(until, PATIENCE_SECONDS)

    def _try(self, case: Case, does: Any) -> None:
        try:
            does(case)
        except Exception as error:  # noqa: BLE001 - it is the case's, and the others go on
            self.wrong.setdefault(str(case), f"{does.__name__}: {error!r}")

    def _make(self, case: Case) -> None:
        self.made[str(case)] = self.world.make(case)

    def _is_done(self, made: Made) -> bool:
        id_ = made.record["eventID"]
        return id_ in self.reporter.done or id_ in self.reporter.refused

    def _read(self, case: Case) -> None:
        self.tags[str(case)] = self.world.tags(self.made[str(case)])

    def _tamper(self, case: Case) -> None:
        self.tampered[str(case)] = self.world.tamper(self.made[str(case)])["eventID"]


@pytest.fixture(scope="module")
def day() -> Iterator[Day]:
    reporter = CaseReporter()
    with Sandbox(reporter, failed=lambda error: reporter.lines.append(repr(error))) as sandbox:
        hub = sandbox_session(sandbox.organization.hub_keys, HOME_REGION)
        with closing(sandbox.client(hub, "dynamodb")) as client:
            day = Day(World(sandbox), reporter, DynamoLedger(DynamoDBClient(client, LEDGER_TABLE)))
            day.live()
            yield day


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_made_carries_its_owner_and_a_change_of_it_is_found(day: Day, case: Case) -> None:
    assert str(case) not in day.wrong, day.wrong[str(case)]
    made = day.made[str(case)]
    event = made.record["eventID"]
    assert event not in day.reporter.refused, day.reporter.refused[event]
    assert event in day.reporter.done, "it never came to the hub"
    _, decision = day.reporter.done[event]
    assert (made.arn, case.type) in {(resource.arn, resource.type) for resource in decision.resources}
    tags = day.tags[str(case)]
    assert tags.get("owner") == OWNER, (tags, day.reporter.outcomes.get(event))
    assert tags["dateCreated"] == made.record["eventTime"]

    assert day.tampered[str(case)] in day.reporter.findings, "nothing was found"
    finding = day.reporter.findings[day.tampered[str(case)]]
    assert finding.by.startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/ci-deployer/")
    if case.tells == "nothing":
        assert finding.omitted
    else:
        assert finding.resource == made.arn
        assert "owner" in {change.key for change in finding.changes}

    for wanted in {made.arn, case.name or made.arn}:
        found = {answer.key.arn: answer for answer in whois(Wanted(wanted), day.ledger).answers}
        assert made.arn in found, wanted
        assert found[made.arn].owner.name == OWNER
    assert decision.creation.record.region == (case.event_region or REGION)
