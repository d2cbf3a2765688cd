"""Functions that share one account's quota of one API, in the simulation's time.

The pacer, its counter and the table on moto are the product's and the SDK's; behind them AWS's own bucket answers, as
`harness.limits.buckets` has it from the documentation. Each function has a clock of its own, far from the others', and
works on batches of one queue. What it could not send comes back to the queue.
"""

from __future__ import annotations

import random
from collections import Counter as Counts
from contextlib import suppress
from email.utils import formatdate
from io import BytesIO
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError
from msgspec import Struct, field

from contracts.emulated import HOME, session
from harness.limits.buckets import RATES, Bucket, Rate
from harness.simulated.events import START
from harness.simulated.simulation import Simulation
from ledger.table import TABLE, emulated_table
from ownertag.aws.pacing import Paced, Pacing
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.settings import Settings
from ownertag.ledger.token_counter import CONFIG, TableCounter

ACCOUNT = "333333333333"
SHARE = Settings().limits.quota_share
#: Messages of a batch; and, assumed, in seconds: a batch beside its calls, a call in another Region, half a call to the
#: table, a table that does not answer, until a message comes back, and until it does from a function that ended.
BATCH = 10
BATCH_SECONDS, CALL_SECONDS, TABLE_SECONDS, AWAY_SECONDS = 0.15, 0.1, 0.01, 1.0
BACK_SECONDS, LOST_SECONDS = 15.0, 60.0
_SERVICES = {"CreateTags": "ec2", "LookupEvents": "cloudtrail"}
_ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1}, parameter_validation=False)
_ANSWERS = {
    "CreateTags": "<CreateTagsResponse><requestId>1</requestId><return>true</return></CreateTagsResponse>",
    "LookupEvents": '{"Events": []}',
}
_REFUSALS = {
    "CreateTags": "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>slow down</Message></Error>"
    "</Errors><RequestID>1</RequestID></Response>",
    "LookupEvents": '{"__type": "ThrottlingException", "message": "Rate exceeded"}',
}


class Case(Struct, frozen=True):
    """What is run: so many functions for so many calls.

    `killed` of them end with tokens that they took and have not used. `away` is when the table does not answer, in
    seconds from the beginning, `partly` for which part of the functions. Clocks are up to `skew` seconds apart.
    """

    operation: str = "CreateTags"
    functions: int = 5
    calls: int = 300
    killed: int = 0
    skew: float = 5.0
    away: tuple[float, float] = (0.0, 0.0)
    partly: float = 1.0
    seed: int = 1


class Ran(Struct):
    """The result of a case: when each call reached AWS, and what else was counted."""

    at: list[float] = field(default_factory=list)
    refused: int = 0
    ended: float = 0.0
    batches: int = 0
    lost: int = 0
    table: Counts[str] = field(default_factory=Counts)

    def most_in_a_second(self) -> int:
        """The most calls in any second."""
        return max(sum(begun <= at < begun + 1 for at in self.at) for begun in self.at)

    def beyond(self, operation: str, share: float = SHARE) -> int:
        """Calls for which a bucket of this share of AWS's own would have held no token."""
        rate = RATES[operation]
        bucket = Bucket(Rate(max(1.0, rate.size * share), rate.per_second * share))
        found = 0
        for at in sorted(self.at):
            found += bucket.wait(1, at) > 1e-5
            bucket.take(1, at)
        return found


class Functions:
    """One run."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.ran = Ran()
        self._simulation = Simulation(START)
        self._chance = random.Random(case.seed)  # noqa: S311 - no secret
        self._aws = Bucket(RATES[case.operation])
        self._queue: list[float] = [START] * case.calls  # when each message is visible
        self._left = case.calls
        self._quotas = load_catalogue().quotas

    def run(self) -> Ran:
        """Runs until every call was made."""
        with emulated_table():
            for number in range(self.case.functions):
                work = self._function(number)
                self._simulation.spawn(self._simulation.threaded(work), self._chance.uniform(0, 1))
            self._simulation.run()
        return self.ran

    def _function(self, number: int) -> Any:
        offset = self._chance.uniform(0, self.case.skew) - START + 1000 * number

        def clock() -> float:
            return self._simulation.now + offset

        counter = TableCounter(self._table(number), TABLE, clock)
        ledger = self._table(number)
        counter.hear(ledger)
        pacing = Pacing(self._quotas, SHARE, self.case.functions, counter, clock, self._simulation.sleep)
        service: Any = _SERVICES[self.case.operation]
        client = session().client(service, region_name=HOME, config=_ONCE)
        pacing.watch(client, lambda: (ACCOUNT, HOME))
        client.meta.events.register(f"before-send.{_SERVICES[self.case.operation]}", self._answer)
        kills = [self.case.killed > number]

        def work() -> None:
            while self._left:
                batch = self._received()
                if not batch:
                    self._simulation.sleep(1.0)
                    continue
                self.ran.batches += 1
                pacing.begin(clock() + 90.0)
                self._know(ledger)
                self._simulation.sleep(BATCH_SECONDS)
                for done in range(batch):
                    sent = self._call(client)
                    if not sent:
                        self._queue.append(self._simulation.now + BACK_SECONDS)
                    if kills[0] and sent and self._unused(pacing):
                        self.ran.lost += self._unused(pacing)
                        self._queue += [self._simulation.now + LOST_SECONDS] * (batch - done - 1)
                        return

        return work

    def _call(self, client: Any) -> bool:
        try:
            if self.case.operation == "CreateTags":
                client.create_tags(Resources=["vol-1"], Tags=[{"Key": "owner", "Value": "alice"}])
            else:
                client.lookup_events(MaxResults=50)
        except (Paced, ClientError):
            return False
        self._left -= 1
        self.ran.ended = self._simulation.now - START
        return True

    @staticmethod
    def _unused(pacing: Pacing) -> int:
        leases = [bucket.lease for apis in pacing._apis.values() for bucket in apis.values()]
        return sum(lease.left for lease in leases if lease is not None)

    def _received(self) -> int:
        visible = sorted(at for at in self._queue if at <= self._simulation.now)[:BATCH]
        for message in visible:
            self._queue.remove(message)
        return len(visible)

    def _answer(self, request: Any, **_: object) -> AWSResponse:
        now = self._simulation.now
        self.ran.at.append(now)
        passes = self._aws.wait(1, now) <= 0
        if passes:
            self._aws.take(1, now)
        self.ran.refused += not passes
        self._simulation.sleep(CALL_SECONDS)
        request.url = "https://answered.invalid/"  # the SDK asks every handler, and moto would answer as well
        body = (_ANSWERS if passes else _REFUSALS)[self.case.operation]
        status = 200 if passes else 503 if self.case.operation == "CreateTags" else 400
        return AWSResponse(request.url, status, HTTPHeaders(), _Body(body.encode()))

    def _know(self, ledger: Any) -> None:
        """The first of the ledger's own calls for a batch."""
        with suppress(ReadTimeoutError):
            ledger.query(
                TableName=TABLE, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": "none"}}
            )

    def _table(self, number: int) -> Any:
        client = session().client("dynamodb", region_name=HOME, config=CONFIG)
        since, until = (START + since for since in self.case.away)

        def send(event_name: str, **_: object) -> None:
            self.ran.table[event_name.rpartition(".")[2]] += 1
            self._simulation.sleep(TABLE_SECONDS)
            if since <= self._simulation.now < until and number < self.case.partly * self.case.functions:
                self._simulation.sleep(AWAY_SECONDS)
                raise ReadTimeoutError(endpoint_url="https://dynamodb.invalid")

        def date(parsed: dict[str, Any], **_: object) -> None:
            told = formatdate(int(self._simulation.now), usegmt=True)
            parsed["ResponseMetadata"]["HTTPHeaders"]["date"] = told
            self._simulation.sleep(TABLE_SECONDS)

        client.meta.events.register("before-send.dynamodb", send)
        client.meta.events.register_first("after-call.dynamodb", date)
        return client


class _Body(BytesIO):
    def stream(self, **_: Any) -> Any:
        yield self.read()


def run(**case: Any) -> Ran:
    """Runs a case."""
    return Functions(Case(**case)).run()
