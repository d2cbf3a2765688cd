"""The application in front of moto: it finds who calls, adds what moto lacks, and records the call."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from threading import RLock
from typing import Any
from uuid import uuid4

from moto.cloudformation.models import cloudformation_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.http import HTTP_STATUS_CODES

from ownertag.sandbox.calls import Call, Response, read_call, refuse
from ownertag.sandbox.federation import UNSIGNED, visitor
from ownertag.sandbox.gaps import (
    apigateway,
    autoscaling,
    change_sets,
    cloudtrail,
    dynamodb,
    ec2,
    events,
    identity_center,
    member_access,
    message_move_tasks,
    organizations,
    placement_groups,
    regions,
    simulator,
    stack_sets,
    stacks,
    sts,
    tag_policies,
)
from ownertag.sandbox.gaps.resources import complete
from ownertag.sandbox.gaps.rollbacks import (
    StackFailures,
    continue_update_rollback,
    prepare_deletion,
    roll_back_creation,
)
from ownertag.sandbox.identities import Identities, SandboxActor
from ownertag.sandbox.organization import SandboxOrganization, role_trust
from ownertag.sandbox.personas import HOME_REGION, MANAGEMENT
from ownertag.sandbox.queue_poller import keep_from_docker
from ownertag.sandbox.recorder import Recorder
from ownertag.sandbox.services import Services

_Made = tuple[Call, SandboxActor, Response]

# What a service says to an unknown access key, and to one that has expired.
_UNKNOWN_KEY = {"ec2": ("AuthFailure", 401), "sts": ("InvalidClientTokenId", 403), "iam": ("InvalidClientTokenId", 403)}
_EXPIRED_KEY = {"ec2": ("RequestExpired", 400), "sts": ("ExpiredToken", 403), "iam": ("ExpiredToken", 403)}

# What CloudFormation takes in a call (doc: CloudFormation quotas), and its refusal of more, in the form of its others.
_MOST_TEMPLATE_BYTES = 51_200
_LONG_TEMPLATE = (
    "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less "
    "than or equal to 51200"
)

_INVOKE = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")


def _unknown_operation(call: Call) -> Response:
    """What services say to an operation that they don't have (EC2 API reference, error codes; AWS JSON protocol)."""
    code = "InvalidAction" if call.params else "UnknownOperationException"
    return refuse(call, code, f"This sandbox has no {call.operation or 'such operation'} of {call.service}", 400)


class _NoService(Exception):
    """moto has no such service."""


class _Moto(DomainDispatcherApplication):
    """moto, which prints that it has not a service, and then fails."""

    def get_backend_for_host(self, host: str | None) -> Any:
        """The name of a service."""
        hosted = host is not None and "amazonaws.com" in host
        if hosted and not any(pattern.match(f"http://{host}") for _, pattern in self.backend_url_patterns):
            raise _NoService(host)
        return super().get_backend_for_host(host)


class Front:
    """A WSGI application that answers calls of AWS, as far as the sandbox has it.

    Args:
        identities: Who the access keys are.
        recorder: Writes the records.
        organization: Whose accounts call.
    """

    def __init__(self, identities: Identities, recorder: Recorder, organization: SandboxOrganization) -> None:
        #: Who the access keys are.
        self.identities = identities
        self._recorder = recorder
        self._organization = organization
        self._tokens = ec2.ClientTokens()
        self._placement_groups = placement_groups.PlacementGroups()
        #: Answers for Organizations.
        self.access = organizations.OrganizationsAccess(MANAGEMENT)
        #: Which Regions each account has enabled.
        self.regions = regions.EnabledRegions()
        members = member_access.MemberAccess(MANAGEMENT, self.regions)
        self.stack_sets = stack_sets.StackSets(MANAGEMENT, self.access.administers_stack_sets, members)
        #: Resources of stacks that are to fail.
        self.failures = StackFailures()
        self.services = Services(identities, self.in_turn)
        self.move_tasks = message_move_tasks.MessageMoveTasks(RLock())
        #: How often which principal made which call, refused ones included: what its policies have to allow.
        self.calls: Counter[tuple[str, str]] = Counter()
        #: Told when something may have been deployed.
        self.deployed: list[Callable[[], None]] = []
        #: Takes an event, and the name of the bus that somebody put it on.
        self.put_event: Callable[[dict[str, Any], str], None] = lambda *_: None
        #: What a function answers to a payload, and whether it failed, by the function's ARN.
        self.invoke: Callable[[str, bytes], tuple[bytes, bool] | None] = lambda *_: None
        #: Invokes a function asynchronously; whether there is one of this ARN.
        self.invoke_later: Callable[[str, bytes], bool] = lambda *_: False
        #: Answers in place of a service, where it is to fail; None lets the call through.
        self.fault: Callable[[Call, SandboxActor], Response | None] = lambda *_: None
        self._moto = _Moto(create_backend_app)
        #: moto's state is not made for several threads, and a record must follow its call in order.
        self.lock = RLock()
        # The calls that services have made because of the one that is being answered, if one is.
        self._further: list[_Made] | None = None

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answers one request."""
        call = read_call(environ)
        # A long poll of a queue must not keep everybody else waiting (moto's queues are made for several threads), and
        # a function that is invoked makes calls itself.
        free = call.service == "sqs" or _INVOKE.fullmatch(environ.get("PATH_INFO", ""))
        answer = self._answer(call, self._recorder.record) if free else self.in_turn(call)
        reason = HTTP_STATUS_CODES.get(answer.status, "Unknown")
        headers = [(name, value) for name, value in answer.headers if name.lower() != "content-length"]
        start_response(f"{answer.status} {reason}", [*headers, ("Content-Length", str(len(answer.body)))])
        return [answer.body]

    def in_turn(self, call: Call) -> Response:
        """Answers one call at a time. What services call because of it is recorded after it, as AWS would do it."""
        with self.lock:
            outer, self._further = self._further, []
            own: list[_Made] = []
            try:
                return self._answer(call, lambda *made: own.append(made))
            finally:
                made, self._further = [*own, *self._further], outer
                if outer is None:
                    for further in made:
                        self._recorder.record(*further)
                else:
                    outer += made

    def _answer(self, call: Call, record: Callable[[Call, SandboxActor, Response], None]) -> Response:
        unsigned = call.service == "sts" and call.operation in UNSIGNED
        actor = visitor(call) if unsigned else self.identities.get(call.access_key)
        if actor is None and unsigned:
            return refuse(call, "InvalidIdentityToken", "The token or the role's ARN can't be read", 400)
        if actor is None:
            code, status = _UNKNOWN_KEY.get(call.service, ("UnrecognizedClientException", 400))
            return refuse(call, code, "The security token included in the request is invalid", status)
        if actor.expires is not None and actor.expires <= datetime.now(UTC):
            code, status = _EXPIRED_KEY.get(call.service, ("ExpiredTokenException", 400))
            return refuse(call, code, "The security token included in the request is expired", status)
        if self.identities.orphaned(actor) or regions.is_elsewhere(call.region):
            code, status = _UNKNOWN_KEY.get(call.service, ("UnrecognizedClientException", 400))
            return refuse(call, code, "The security token included in the request is invalid", status)
        if self.regions.refuses(call, actor.account):
            code, status = _UNKNOWN_KEY.get(call.service, ("UnrecognizedClientException", 400))
            return refuse(call, code, "The security token included in the request is invalid", status)
        self.calls[actor.name, f"{call.service}:{call.operation}"] += 1
        answer = self._tokens.answer(call, actor, lambda call: self._without_gaps(call, actor))
        answer = answer.with_request_id(str(uuid4()))
        self.identities.learn(call, actor, answer)
        record(call, actor, answer)
        return answer

    def _without_gaps(self, call: Call, actor: SandboxActor) -> Response:
        def to_moto(call: Call) -> Response:
            return self._to_moto(call, actor.account)

        def to(account: str) -> Response:
            return self._to_moto(call, account)

        organization_id = self._organization.id
        if failed := self.fault(call, actor):
            return failed
        if call.service == "ec2" and (refused := ec2.too_many_values(call) or ec2.reserved_tag(call, actor)):
            return refused
        if call.service == "ec2" and (refused := tag_policies.refused_tags(call, actor.account, MANAGEMENT)):
            return refused
        match call.service, call.operation:
            case "iam", "SimulatePrincipalPolicy":
                return simulator.simulate_principal_policy(call, actor.account, MANAGEMENT)
            case "ec2", "DescribeInstances":
                return ec2.describe_instances(call, to_moto)
            case "ec2", "DescribeRegions":
                return self.regions.describe_regions(call, actor.account, to_moto)
            case "ec2", operation if operation in placement_groups.OPERATIONS:
                return self._placement_groups.answer(call, actor.account)
            case "account", _ if answered := self.regions.answer_account(call, actor.account):
                return answered
            case "sts", "GetCallerIdentity":
                return sts.caller_identity(actor)
            case "sts", "AssumeRole" | "AssumeRoleWithWebIdentity" | "AssumeRoleWithSAML":
                return sts.assume_role(call, actor, to_moto, role_trust, organization_id)
            case "sts", "GetFederationToken" | "GetSessionToken":
                return sts.own_key(call, to_moto)
            case "apigateway", _ if answered := apigateway.tags_of_rest_api(call, actor.account):
                return answered
            case "dynamodb", "TransactWriteItems":
                return dynamodb.transact_write_items(call, actor.account, to_moto)
            case "events", "PutEvents":
                return events.put_events(call, actor.account, self.put_event)
            case "sqs", operation if operation in message_move_tasks.OPERATIONS:
                return self.move_tasks.answer(call, actor.account)
            case "cloudtrail", "LookupEvents":
                return cloudtrail.lookup_events(call, self._recorder.records(actor.account, call.region))
            case "cloudtrail", "DescribeTrails" | "GetTrail" | "GetTrailStatus" if actor.account != MANAGEMENT:
                return cloudtrail.organization_trails(call, actor.account, MANAGEMENT, to)
            case "sso", "ListInstances":
                return identity_center.list_instances(call, actor.account, MANAGEMENT, HOME_REGION)
            case "organizations", _:
                return self.access.answer(call, actor, organization_id, to)
            case ("autoscaling", _) | ("ec2", "TerminateInstances"):  # a group replaces what somebody terminates
                place = actor.account, call.region
                with autoscaling.launching(*place, lambda params: self.services.scale(*place, params)):
                    return to_moto(call)
            case "cloudformation", _ if refused := stacks.refused_role(call, actor.account):
                return refused
            case "cloudformation", operation if operation in stacks.OPERATIONS:
                with stacks.launching(lambda role, params: self.services.build(actor, call, role, params)):
                    return self._cloudformation(call, actor.account, operation)
            case "cloudformation", operation:
                return self._cloudformation(call, actor.account, operation)
            case "lambda", _ if invoked := _INVOKE.fullmatch(call.environ.get("PATH_INFO", "")):
                return self._invoke(call, actor.account, invoked[1])
            case "lambda", _:
                try:
                    return to_moto(call)
                finally:
                    self._tell()
        return to_moto(call)

    def _invoke(self, call: Call, account: str, function: str) -> Response:
        """Lambda's Invoke of a function that is deployed here, without the lock: the handler makes calls itself."""
        name = function.rpartition(":")[2]
        arn = f"arn:aws:lambda:{call.region}:{account}:function:{name}"
        if call.environ.get("HTTP_X_AMZ_INVOCATION_TYPE") == "Event":
            if not self.invoke_later(arn, call.body):
                return refuse(call, "ResourceNotFoundException", f"Function not found: {name}", 404)
            return Response(202, [], b"")
        found = self.invoke(arn, call.body)
        if found is None:
            return refuse(call, "ResourceNotFoundException", f"Function not found: {name}", 404)
        body, failed = found
        headers = [("Content-Type", "application/json"), *([("X-Amz-Function-Error", "Unhandled")] if failed else [])]
        return Response(200, headers, body)

    def _cloudformation(self, call: Call, account: str, operation: str) -> Response:
        try:
            if len(call.params.get("TemplateBody", "").encode()) > _MOST_TEMPLATE_BYTES:
                return refuse(call, "ValidationError", _LONG_TEMPLATE, 400)
            if operation in change_sets.OPERATIONS:
                return change_sets.answer(call, account, lambda call: self._to_moto(call, account), self.failures)
            if operation == "ContinueUpdateRollback":
                return continue_update_rollback(call, account)
            if operation == "DeleteStack":
                prepare_deletion(account, call.region, call.params.get("StackName", ""))
                self.access.drop_by_stack(account, call.region, call.params.get("StackName", ""))
            account = self.stack_sets.account(call, account)
            answer = self.stack_sets.answer(call, account, lambda call: self._to_moto(call, account))
            if operation in {"CreateStack", "UpdateStack"} and not answer.failed:
                stack = cloudformation_backends[account][call.region].get_stack(call.params["StackName"])
                complete(stack)
                if refused := self.access.put_by_stack(stack):
                    roll_back_creation(stack, refused[0], organizations.RESOURCE_POLICY, refused[1])
            return answer
        finally:
            self._tell()

    def _tell(self) -> None:
        keep_from_docker()
        for told in self.deployed:
            told()

    def _to_moto(self, call: Call, account: str) -> Response:
        status: list[str] = []
        headers: list[tuple[str, str]] = []

        def start(line: str, given: list[tuple[str, str]], *_: object) -> None:
            status.append(line)
            headers.extend(given)

        environ = call.environ_for(account)
        try:
            application: Any = self._moto.get_application(environ)
        except _NoService:
            return _unknown_operation(call)
        try:
            body = application(environ, start)
        except NotImplementedError:
            return _unknown_operation(call)
        try:
            content = b"".join(body)
        finally:
            if close := getattr(body, "close", None):
                close()
        return Response(int(status[0].split()[0]), headers, content)
