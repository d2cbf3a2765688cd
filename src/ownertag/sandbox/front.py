"""The application in front of moto: who acts, what moto lacks, and the record of what was done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from datetime import UTC, datetime
from threading import RLock
from typing import Any
from uuid import uuid4

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.http import HTTP_STATUS_CODES

from ownertag.sandbox import gaps
from ownertag.sandbox.calls import Answer, Call, read_call, refuse
from ownertag.sandbox.federation import UNSIGNED, visitor
from ownertag.sandbox.identities import Actor, Identities
from ownertag.sandbox.recorder import Recorder

# What a service says to an unknown access key, and to one that has expired.
_UNKNOWN_KEY = {"ec2": ("AuthFailure", 401), "sts": ("InvalidClientTokenId", 403), "iam": ("InvalidClientTokenId", 403)}
_EXPIRED_KEY = {"ec2": ("RequestExpired", 400), "sts": ("ExpiredToken", 403), "iam": ("ExpiredToken", 403)}


class Front:
    """A WSGI application: AWS, as far as the sandbox has it.

    Args:
        identities: Who the access keys are.
        recorder: Writes the records.
        trust: The trust policy of a role by its ARN, or None if there is no such role.
        administrators: Accounts that read the organization as if they were its management account, which comes first.
    """

    def __init__(
        self,
        identities: Identities,
        recorder: Recorder,
        trust: Callable[[str], dict[str, Any] | None],
        administrators: tuple[str, ...],
    ) -> None:
        self._identities = identities
        self._recorder = recorder
        self._trust = trust
        self._administrators = administrators
        self._tokens = gaps.ClientTokens()
        #: How often which principal made which call, refused ones included: what its policies have to allow.
        self.calls: Counter[tuple[str, str]] = Counter()
        self._moto = DomainDispatcherApplication(create_backend_app)
        # moto's state is not made for several threads, and a record must follow its call in order.
        self._lock = RLock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        call = read_call(environ)
        # A long poll of a queue must not keep everybody else waiting; moto's queues are made for several threads.
        with nullcontext() if call.service == "sqs" else self._lock:
            answer = self._answer(call)
        reason = HTTP_STATUS_CODES.get(answer.status, "Unknown")
        headers = [(name, value) for name, value in answer.headers if name.lower() != "content-length"]
        start_response(f"{answer.status} {reason}", [*headers, ("Content-Length", str(len(answer.body)))])
        return [answer.body]

    def _answer(self, call: Call) -> Answer:
        unsigned = call.service == "sts" and call.operation in UNSIGNED
        actor = visitor(call) if unsigned else self._identities.get(call.access_key)
        if actor is None and unsigned:
            return refuse(call, "InvalidIdentityToken", "The token or the role's ARN can't be read", 400)
        if actor is None:
            code, status = _UNKNOWN_KEY.get(call.service, ("UnrecognizedClientException", 400))
            return refuse(call, code, "The security token included in the request is invalid", status)
        if actor.expires is not None and actor.expires <= datetime.now(UTC):
            code, status = _EXPIRED_KEY.get(call.service, ("ExpiredTokenException", 400))
            return refuse(call, code, "The security token included in the request is expired", status)
        self.calls[actor.name, f"{call.service}:{call.operation}"] += 1
        answer = self._tokens.answer(call, actor, lambda call: self._without_gaps(call, actor))
        answer = answer.with_request_id(str(uuid4()))
        self._identities.learn(call, actor, answer)
        self._recorder.record(call, actor, answer)
        return answer

    def _without_gaps(self, call: Call, actor: Actor) -> Answer:
        def to_moto(call: Call) -> Answer:
            return self._to_moto(call, actor.account)

        if call.service == "ec2" and (refused := gaps.too_many_values(call)):
            return refused
        match call.service, call.operation:
            case "ec2", "DescribeInstances":
                return gaps.describe_instances(call, to_moto)
            case "sts", "GetCallerIdentity":
                return gaps.caller_identity(actor)
            case "sts", "AssumeRole" | "AssumeRoleWithWebIdentity" | "AssumeRoleWithSAML":
                return gaps.assume_role(call, actor, to_moto, self._trust)
            case "sts", "GetFederationToken" | "GetSessionToken":
                return gaps.own_key(call, to_moto)
            case "cloudtrail", "LookupEvents":
                return gaps.lookup_events(call, self._recorder.records(actor.account, call.region))
            case "organizations", _ if actor.account in self._administrators:
                return self._to_moto(call, self._administrators[0])
        return to_moto(call)

    def _to_moto(self, call: Call, account: str) -> Answer:
        status: list[str] = []
        headers: list[tuple[str, str]] = []

        def start(line: str, given: list[tuple[str, str]], *_: object) -> None:
            status.append(line)
            headers.extend(given)

        environ = call.environ_for(account)
        application: Any = self._moto.get_application(environ)
        body = application(environ, start)
        try:
            content = b"".join(body)
        finally:
            if close := getattr(body, "close", None):
                close()
        return Answer(int(status[0].split()[0]), headers, content)
