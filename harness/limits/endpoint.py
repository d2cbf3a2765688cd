"""One endpoint for every service that a tagger calls, with faults, token buckets, limits, and a trace of each call.

A call acts in the account of its credentials: a key of `key_of`, or a session that AssumeRole gave here. Secrets are
not checked. Time is what the caller says (`AT`), so that an hour's burst runs in a minute; the same calls at the same
times get the same answers.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

from msgspec import Struct

from harness.limits.buckets import Buckets, tokens_of
from harness.limits.ec2 import Ec2Calls
from harness.limits.faults import Chances, Fault, Faults
from harness.limits.fleet import Fleet, Timing
from harness.limits.protocol import HUB, TracedCall, key_of
from harness.limits.refusals import Ec2Error, listed, tags
from ownertag.sandbox.calls import Call, Response, answer_json, answer_xml, element, refuse
from ownertag.sandbox.identities import Identities, SandboxActor, user
from ownertag.sandbox.recorder import Record, Recorder

_STS = "https://sts.amazonaws.com/doc/2011-06-15/"
_IAM = "https://iam.amazonaws.com/doc/2010-05-08/"
_INVALID = {"ec2": ("AuthFailure", 401), "sts": ("InvalidClientTokenId", 403), "iam": ("InvalidClientTokenId", 403)}
_EXPIRED = {"ec2": ("RequestExpired", 400), "sts": ("ExpiredToken", 403), "iam": ("ExpiredToken", 403)}
_THROTTLED = Ec2Error("RequestLimitExceeded", "Request limit exceeded.", 503)
_TOO_MANY = Ec2Error("Throttling", "Rate exceeded", 400)
_FAILED = Ec2Error("InternalError", "An internal error has occurred", 500)


@dataclass
class Reply:
    """An answer, how long it takes, and whether the connection breaks instead."""

    answer: Response
    seconds: float = 0.0
    fault: Fault = Fault.NONE


class Throttled(Struct, frozen=True):
    """A time in which every call is refused, in this account or in all."""

    since: float
    until: float
    account: str | None = None


@dataclass
class Endpoint:
    """Answers the calls of AWS that launching and tagging need.

    Attributes:
        seed: Of ids, times and faults.
        accounts: The organization's; others are unknown.
        timing: When things show after a launch.
        chances: Of faults.
        now: Gives the time where the caller doesn't, in seconds since 1970.
        owner_key: The tag whose first writing is noted.
        throttled: When nothing passes, whatever the buckets hold.
    """

    seed: int
    accounts: tuple[str, ...]
    timing: Timing = field(default_factory=Timing)
    chances: Chances = field(default_factory=Chances)
    now: Callable[[], float] = time.time
    owner_key: str = "owner"
    throttled: tuple[Throttled, ...] = ()
    trace: list[TracedCall] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    #: When each resource first had the owner tag.
    tagged: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begins with no instance, full buckets and the users' keys."""
        self.fleet = Fleet(self.seed, self.timing)
        self._ec2 = Ec2Calls(self.fleet)
        self._random = random.Random(f"{self.seed}/ids")  # noqa: S311 - no secret
        self._identities = Identities(lambda arn: f"AROA{sha256(arn.encode()).hexdigest()[:17].upper()}")
        for account in (HUB, *self.accounts):
            self._identities.add(key_of(account), user(account, "alice", f"AIDA{account:0>17}"))
        self._recorder = Recorder(self._identities)
        self.forget()

    def forget(self, chances: Chances | None = None) -> None:
        """Forgets all tags and calls, fills the buckets, and changes the faults; what was launched stays."""
        self.buckets = Buckets()
        self._faults = Faults(self.seed, chances or self.chances)
        self.fleet.tags.clear()
        self.trace, self.tagged = [], {}

    def answer(self, call: Call, at: float | None = None) -> Reply:
        """Answers one call, at this time or now."""
        at = self.now() if at is None else at
        actor = self._identities.get(call.access_key)
        if actor is None or self._expired(actor, at):
            code, status = (_INVALID if actor is None else _EXPIRED).get(
                call.service, ("UnrecognizedClientException" if actor is None else "ExpiredTokenException", 400)
            )
            return Reply(self._refuse(call, Ec2Error(code, "The security token is invalid or has expired", status)))
        fault, seconds = self._faults.draw(actor.account, call.region, call.operation)
        carried_out: Response | Ec2Error
        if fault is Fault.ERROR:
            carried_out = _FAILED
        elif fault is Fault.RESET:
            carried_out = Ec2Error("reset", "")
        else:
            carried_out = self._carry_out(call, actor, at)
        outcome = carried_out.code if isinstance(carried_out, Ec2Error) else "ok"
        ids = tuple(listed(call, "ResourceId") or listed(call, "InstanceId")) if call.service == "ec2" else ()
        self.trace.append(
            TracedCall(at, seconds, actor.account, call.region, call.service, call.operation, outcome, ids)
        )
        if outcome == "ok" and call.operation == "CreateTags" and self.owner_key in tags(call):
            for id_ in ids:
                self.tagged.setdefault(id_, at + seconds)
        answer = self._refuse(call, carried_out) if isinstance(carried_out, Ec2Error) else carried_out
        answer = answer.with_request_id(self._uuid())
        if outcome == "ok" and call.operation == "RunInstances":
            self._record(call, actor, answer, at)
        return Reply(answer, seconds, fault)

    def _expired(self, actor: SandboxActor, at: float) -> bool:
        return actor.expires is not None and actor.expires.timestamp() <= at

    def _carry_out(self, call: Call, actor: SandboxActor, at: float) -> Response | Ec2Error:
        if any(
            throttled.since <= at < throttled.until and throttled.account in {None, actor.account}
            for throttled in self.throttled
        ):
            return _THROTTLED if call.service == "ec2" else _TOO_MANY
        match call.service, call.operation:
            case "ec2", operation:
                if not self.buckets.take(actor.account, call.region, tokens_of(operation, call.params), at):
                    return _THROTTLED
                return self._ec2.answer(call, actor.account, at)
            case "sts", "AssumeRole":
                return self._assume_role(call, actor, at)
            case "sts", "GetCallerIdentity":
                found = {"Arn": actor.arn, "UserId": str(actor.identity["principalId"]), "Account": actor.account}
                return answer_xml(call.operation, _STS, *(element(name, text) for name, text in found.items()))
            case "iam", "ListUserTags" | "ListRoleTags":
                none = (element("Tags", []), element("IsTruncated", False))
                return answer_xml(call.operation, _IAM, *none)
            case "organizations", "ListAccounts":
                return answer_json({"Accounts": [_account(account) for account in (HUB, *self.accounts)]})
            case "organizations", "DescribeAccount":
                if (account := str(call.json()["AccountId"])) not in (HUB, *self.accounts):
                    return Ec2Error("AccountNotFoundException", "You specified an account that doesn't exist.")
                return answer_json({"Account": _account(account)})
        return Ec2Error("InvalidAction", f"{call.service}:{call.operation} is not served here")

    def _assume_role(self, call: Call, actor: SandboxActor, at: float) -> Response | Ec2Error:
        arn = call.params["RoleArn"]
        account = arn.split(":")[4]
        if account not in self.accounts:
            return Ec2Error("AccessDenied", f"{actor.arn} is not authorized to perform: sts:AssumeRole on {arn}", 403)
        until = datetime.fromtimestamp(at, UTC) + timedelta(seconds=int(call.params.get("DurationSeconds") or 3600))
        name = call.params["RoleSessionName"]
        given = {
            "Credentials": {
                "AccessKeyId": f"ASIA{self._random.getrandbits(64):016X}",
                "SecretAccessKey": "none",
                "SessionToken": "none",
                "Expiration": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
            "AssumedRoleUser": {
                "AssumedRoleId": f"AROA0000000000000000X:{name}",
                "Arn": f"arn:aws:sts::{account}:assumed-role/{arn.rpartition('/')[2]}/{name}",
            },
        }
        parts: list[ET.Element] = [element(key, value) for key, value in given.items()]
        answer = answer_xml(call.operation, _STS, *parts)
        self._identities.learn(call, actor, answer)
        return answer

    def _refuse(self, call: Call, why: Ec2Error) -> Response:
        return refuse(call, why.code, why.message, why.status)

    def _record(self, call: Call, actor: SandboxActor, answer: Response, at: float) -> None:
        """Keeps the record that CloudTrail writes of a call, with the caller's time and an id of the seed."""
        self._recorder.record(call, actor, answer)
        record: Mapping[str, Any] = self._recorder.records(actor.account, call.region)[-1]
        when = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.records.append({**record, "eventTime": when, "eventID": self._uuid()})

    def _uuid(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))


def _account(account: str) -> dict[str, str]:
    """An account as AWS Organizations describes it."""
    return {"Id": account, "Name": account, "State": "ACTIVE"}
