"""What stands behind a machine's call, as its record shows it: resources whose owner owns what the machine made.

A link counts if AWS wrote it: `inScopeOf`, `ec2RoleDelivery`, tags with the reserved prefix `aws:`, ids in a response,
or a service's own tags in a record of that very service. Tags that customers can write (`eks:`, `karpenter.sh/`, ...)
and that a launch merely inherited make a link that is marked forgeable, and only where a service made the call (T10).
Shapes: real records where the kind's basis is seen (`parents`), memory otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from ownertag.core.identity import INSTANCE_SESSION, SERVICE_PATH, issuer_of, session_of
from ownertag.core.match import walk
from ownertag.core.parents import Parent, parent, parent_of_arn
from ownertag.core.records import Identity, Record, partition_of

#: Service Catalog's tag with the ARN of whoever provisioned the product. The form without `aws:` is no evidence.
PROVISIONER = "aws:servicecatalog:provisioningPrincipalArn"

_TAG_LISTS = tuple(
    tuple(path.split("."))
    for path in (
        "request.tagSpecificationSet.items.[].tags.[]",
        "request.tags.[]",
        "request.tags.items.[]",
        "response.instancesSet.items.[].tagSet.items.[]",
        "response.tagSet.items.[]",
    )
)
_SPOT_REQUEST = ("response", "instancesSet", "items", "[]", "spotInstanceRequestId")
_GROUP_NAME = ("request", "autoScalingGroupName")
_EKS_PROVIDER = re.compile(
    r"arn:aws[a-z-]*:iam::([0-9]{12}):oidc-provider/oidc\.eks\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?/id/[0-9A-F]{32}"
)
_QUALIFIED_FUNCTION = re.compile(r"(arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,140}):.{1,140}")
# Batch names the group of a compute environment after it (memory).
_BATCH_GROUP = re.compile(r"([A-Za-z0-9_-]{1,128})-asg-[0-9a-f-]{36}", re.ASCII)
_STACK_SET = re.compile(
    r"(?:arn:[^/]{1,120}:stack/)?StackSet-([A-Za-z][A-Za-z0-9-]{0,127}?)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:/.*)?",
    re.ASCII,
)
_STACK_SET_SERVICES = frozenset(
    {"member.org.stacksets.cloudformation.amazonaws.com", "stacksets.cloudformation.amazonaws.com"}
)
# What every link of a machine has in its record: a tag's prefix, a Spot request's id, the name of a group of Batch.
_HINTS = (b'"aws:', b'"eks:', b"kubernetes.io", b"elasticbeanstalk:", b'"sir-', b"-asg-")
_EKS = frozenset({"eks.amazonaws.com", "eks-nodegroup.amazonaws.com"})
_CLUSTER_KEYS = ("eks:cluster-name", "eks:eks-cluster-name")
_KUBERNETES = "kubernetes.io/cluster/"


class Link(Struct, frozen=True):
    """A parent, and whether a member could have made the link up."""

    parent: Parent
    forgeable: bool = False


def is_service(identity: Identity) -> bool:
    """Whether an AWS service called for itself: as a service, or by its service-linked role."""
    _, path, _ = issuer_of(identity)
    return identity.type == "AWSService" or bool(path and SERVICE_PATH.fullmatch(path))


def service_of(identity: Identity) -> str | None:
    """The AWS service that made the call: by its service-linked role's path, or because AWS says so."""
    _, path, _ = issuer_of(identity)
    if path and SERVICE_PATH.fullmatch(path):
        return path.split("/")[2].removesuffix(".cn")
    return identity.invoked_by


def session_links(identity: Identity, record: Record, by_service: str | None = None) -> Iterator[Link]:
    """The resource that a role session runs on.

    Args:
        identity: Who called.
        record: What was called.
        by_service: The service that made the session, where its AssumeRole record is known; else only what stands in
            `inScopeOf` and `ec2RoleDelivery` is believed, since a session's name is its maker's choice.
    """
    source = identity.in_scope_of.source_arn if identity.in_scope_of else None
    if source:
        function = _QUALIFIED_FUNCTION.fullmatch(source)
        scope = parent_of_arn(function[1] if function else source)
        if scope and scope.account == record.account:
            yield Link(scope)
    session = session_of(identity) or ""
    delivered = identity.session_context.ec2_role_delivery if identity.session_context else None
    if INSTANCE_SESSION.fullmatch(session) and (delivered or by_service == "ec2.amazonaws.com"):
        yield from _here(record, ("instance", session))
    elif by_service == "lambda.amazonaws.com":
        yield from _here(record, ("function", session))
    elif by_service == "codebuild.amazonaws.com":
        yield from _here(record, ("codebuild-build", "*:" + session.removeprefix("AWSCodeBuild-")))
    elif by_service == "ecs-tasks.amazonaws.com":
        yield from _here(record, ("ecs-task", "*/" + session))


def machine_links(identity: Identity, record: Record) -> tuple[str | None, list[Link]]:
    """For whom Service Catalog made this, by its tag; and what a service's creation belongs to, the nearest first."""
    if not _hinted(record):
        return None, []
    document = _document(record)
    tags = _tags(document)
    service = service_of(identity)
    found = list(
        _here(
            record,
            ("auto-scaling-group", tags.get("aws:autoscaling:groupName")),
            ("emr-cluster", tags.get("aws:elasticmapreduce:job-flow-id")),
            ("spot-fleet", tags.get("aws:ec2spot:fleet-request-id")),
            ("fleet", tags.get("aws:ec2:fleet-id")),
            *(("spot-request", each) for each in walk(document, _SPOT_REQUEST) if isinstance(each, str)),
        )
    )
    stack = parent_of_arn(tags.get("aws:cloudformation:stack-id", ""))
    if stack and stack.kind.name == "stack" and stack.account == record.account:
        found.append(Link(stack))
    if service == "elasticbeanstalk.amazonaws.com":
        found += _beanstalk(record, tags)
    elif service == "batch.amazonaws.com":
        groups = [_BATCH_GROUP.fullmatch(each) for each in walk(document, _GROUP_NAME) if isinstance(each, str)]
        found += _here(record, *(("batch-environment", each[1]) for each in groups if each))
    elif service in _EKS or (service == "ec2fleet.amazonaws.com" and _of_a_cluster(identity, record)):
        found += _cluster(record, tags)
    found += _here(record, ("launch-template", tags.get("aws:ec2launchtemplate:id")))
    if service:  # inherited, perhaps from a group or template that anybody may have tagged: so they come last
        inherited = [*_cluster(record, tags), *_beanstalk(record, tags)]
        found += [Link(each.parent, forgeable=True) for each in inherited if Link(each.parent) not in found]
    return tags.get(PROVISIONER), list(dict.fromkeys(found))


def _hinted(record: Record) -> bool:
    """Whether there may be a link at all: most records have none, and to read them again would cost much."""
    text = bytes(record.request) + bytes(record.response)
    return any(hint in text for hint in _HINTS)


def stack_set_of(record: Record, maker: Record) -> str | None:
    """The stack set whose stack this is, if `maker` shows that StackSets made the session that called.

    The name alone is no evidence: a member may call any stack so.
    """
    if maker.identity is None or service_of(maker.identity) not in _STACK_SET_SERVICES:
        return None
    document = _document(record)
    names = [*walk(document, ("request", "stackName")), _tags(document).get("aws:cloudformation:stack-id")]
    matches = [_STACK_SET.fullmatch(each) for each in names if isinstance(each, str) and len(each) <= 2048]
    return next((each[1] for each in matches if each), None)


def _of_a_cluster(identity: Identity, record: Record) -> bool:
    """Whether a pod of an EKS cluster of this account called: AWS checked its token with the cluster's issuer."""
    web = identity.session_context.web_id_federation_data if identity.session_context else None
    provider = _EKS_PROVIDER.fullmatch(web.federated_provider or "") if web else None
    return provider is not None and provider[1] == record.account


def _cluster(record: Record, tags: dict[str, str]) -> Iterator[Link]:
    cluster = next((tags[key] for key in _CLUSTER_KEYS if tags.get(key)), None)
    if cluster is None:
        named = {key.removeprefix(_KUBERNETES) for key in tags if key.startswith(_KUBERNETES)}
        cluster = named.pop() if len(named) == 1 else None
    if cluster is None:
        return
    group = tags.get("eks:nodegroup-name")
    if group:
        yield from _here(record, ("eks-node-group", f"{cluster}/{group}/*"))
    yield from _here(record, ("eks-cluster", cluster))


def _beanstalk(record: Record, tags: dict[str, str]) -> Iterator[Link]:
    name = tags.get("elasticbeanstalk:environment-name")
    yield from _here(record, ("beanstalk-environment", f"*/{name}" if name else None))


def _here(record: Record, *named: tuple[str, str | None]) -> Iterator[Link]:
    """Parents in the record's own account and Region; what has not the form of an id is none."""
    for kind, id_ in named:
        found = parent(kind, id_, partition_of(record.region), record.region, record.account) if id_ else None
        if found:
            yield Link(found)


def _document(record: Record) -> dict[str, Any]:
    parts = {}
    for name, raw in (("request", record.request), ("response", record.response)):
        try:
            part = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            part = None
        wrapped = f"{record.event_name}{name.capitalize()}"
        parts[name] = part.get(wrapped, part) if isinstance(part, dict) else None
    return parts


def _tags(document: dict[str, Any]) -> dict[str, str]:
    """Tags that the call set or its answer shows. A key with two values says nothing."""
    found: dict[str, str | None] = {}
    for key, value in _pairs(document):
        if found.setdefault(key, value) != value:
            found[key] = None
    return {key: value for key, value in found.items() if value is not None}


def _pairs(document: dict[str, Any]) -> Iterable[tuple[str, str]]:
    for path in _TAG_LISTS:
        for each in walk(document, path):
            if not isinstance(each, dict):
                continue
            key, value = each.get("key"), each.get("value", "")
            if isinstance(key, str) and isinstance(value, str):
                yield key, value
            elif path == ("request", "tags", "[]"):  # a map, as EKS takes it
                yield from ((name, text) for name, text in each.items() if isinstance(text, str))
