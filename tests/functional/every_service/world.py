"""Makes the cases in a sandbox, as a person would, with what they need prepared by somebody else."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import boto3
import jmespath
from botocore.config import Config
from botocore.exceptions import ClientError

from every_service.cases import Case, ServiceCall, filled, read_prepared, tags_of
from ownertag.sandbox.sandbox import Sandbox

ACCOUNT, REGION, MAKER, OTHER = "444444444444", "eu-west-1", "carol", "ci"
OWNER = "carol@example.com"
_CONFIG = Config(retries={"total_max_attempts": 1})


@dataclass(frozen=True)
class Made:
    """A case that was made.

    Attributes:
        arn: What AWS's pages say that it has.
        known: What fills the places of its calls.
        record: Its record.
    """

    case: Case
    arn: str
    known: dict[str, Any]
    record: dict[str, Any]


@dataclass
class World:
    """The cases' account and Region."""

    sandbox: Sandbox
    known: dict[str, Any] = field(default_factory=lambda: {"region": REGION, "account": ACCOUNT, "zip": _zip()})

    def call(self, session: boto3.Session, call: ServiceCall, known: dict[str, Any]) -> Any:
        """Makes a call."""
        with closing(self.sandbox.client(session, call.client, _CONFIG)) as client:
            return getattr(client, call.method)(**filled(call.parameters, known))

    def prepare(self, *names: str) -> None:
        """Makes what cases need, once, as the account's root user."""
        prepared = read_prepared()
        for name in names:
            if name in self.known:
                continue
            self.prepare(*prepared[name].needs)
            answer = self.call(self.sandbox.account_session(ACCOUNT, REGION), prepared[name], self.known)
            self.known[name] = jmespath.search(filled(prepared[name].take, self.known), answer)

    def make(self, case: Case) -> Made:
        """Makes a case, and finds its record."""
        self.prepare(*case.creation.needs)
        answer, record = self._recorded(MAKER, case.creation, self.known, case.event_source, case.event_name)
        known = {**self.known, "answer": answer, "name": case.name}
        arn = case.made(known)
        return Made(case, arn, {**known, "arn": arn, "id": arn.rpartition("/")[2]}, record)

    def _recorded(
        self, who: str, call: ServiceCall, known: dict[str, Any], source: str, event: str
    ) -> tuple[Any, dict[str, Any]]:
        before = {record["eventID"] for record in self.sandbox.recorder.all()}
        answer = self.call(self.sandbox.session(who, REGION), call, known)
        [record] = [
            record
            for record in self.sandbox.recorder.all()
            if record["eventID"] not in before
            and (record["eventSource"], record["eventName"]) == (source, event)
            and record["recipientAccountId"] == ACCOUNT
            and "auto-tag-role" not in str(record["userIdentity"].get("arn"))
        ]
        return answer, record

    def tags(self, made: Made) -> dict[str, str]:
        """The tags that the service's own call tells."""
        session = self.sandbox.account_session(ACCOUNT, REGION)
        try:
            answer = self.call(session, made.case.read, made.known)
        except ClientError as error:
            if made.case.read.none and error.response["Error"]["Code"] == made.case.read.none:
                return {}
            raise
        return tags_of(made.case.read, answer, made.known)

    def tamper(self, made: Made) -> dict[str, Any]:
        """Somebody else takes the owner away, or all tags; the record of it."""
        tamper = made.case.tamper
        return self._recorded(OTHER, tamper, made.known, made.case.event_source, tamper.event or tamper.call)[1]


def _zip() -> bytes:
    content = BytesIO()
    with ZipFile(content, "w") as archive:
        archive.writestr("index.py", "")
    return content.getvalue()
