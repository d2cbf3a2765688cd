"""Reads in the record of a machine's call which resources stand behind it: their owner owns what it created.

A link counts if AWS wrote it: `inScopeOf`, `ec2RoleDelivery`, tags with the reserved prefix `aws:`, ids in a response,
or a service's own tags in a record of that very service. Tags that customers can write (`eks:`, `karpenter.sh/`, ...)
and that a launch merely inherited make a link that is marked forgeable, and only where a service made the call (T10).
Shapes: real records where the kind's basis is seen (`parent_kinds`), memory otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from ownertag.core.arn import function_arn, parse_arn, parse_oidc_provider, partition_of
from ownertag.core.owner.parents import Parent, parent, parent_of_arn
from ownertag.core.owner.principal import INSTANCE_SESSION, SERVICE_PATH, invoked_by_service, issuer_of, session_of
from ownertag.core.owner.sessions import session_tags
from ownertag.core.parameters import parameters_of, tags_in_request
from ownertag.core.paths import values_at
from ownertag.core.records import Identity, Record

#: Service Catalog's tag with the ARN of whoever provisioned the product. The form without `aws:` is no evidence.
PROVISIONER = "aws:servicecatalog:provisioningPrincipalArn"

_SPOT_REQUEST = ("response", "instancesSet", "items", "[]", "spotInstanceRequestId")
_GROUP_NAME = ("request", "autoScalingGroupName")
# The issuers of EKS clusters; those that came with dual-stack endpoints have other hosts (EKS user guide, "Learn how
# dual-stack endpoints are used"; its Chinese and European forms are memory).
_EKS_ISSUER = re.compile(
    r"(?:oidc\.eks\.[a-z0-9-]+\.amazonaws\.(?:com(?:\.cn)?|eu)"
    r"|oidc-eks\.[a-z0-9-]+\.api\.(?:aws|amazonwebservices\.(?:com\.cn|eu)))/id/[0-9A-F]{32}"
)
# Batch names the group of a compute environment after it (memory).
_BATCH_GROUP = re.compile(r"([A-Za-z0-9_-]{1,128})-asg-[0-9a-f-]{36}", re.ASCII)
_STACK_SET = re.compile(
    r"StackSet-([A-Za-z][A-Za-z0-9-]{0,127}?)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:/.*)?",
    re.ASCII,
)
_STACK_SET_SERVICES = frozenset(
    {"member.org.stacksets.cloudformation.amazonaws.com", "stacksets.cloudformation.amazonaws.com"}
)
# What every link of a machine has in its record: a tag's prefix, a Spot request's id, the name of a group of Batch.
_HINTS = (b'"aws:', b'"eks:', b"kubernetes.io", b"elasticbeanstalk:", b'"sir-', b"-asg-")
# EKS Pod Identity tags each session that it makes; only the service that makes a session by AssumeRole can say so (real
# records in AWS's workshop on EKS Pod Identity).
_PODS, _CLUSTER_TAG = "pods.eks.amazonaws.com", "eks-cluster-arn"
_LAUNCHERS = frozenset(
    f"{name}.amazonaws.com"
    for name in ("autoscaling", "batch", "ec2fleet", "eks", "eks-nodegroup", "elasticbeanstalk", "elasticmapreduce",
                 "spot", "spotfleet")
)  # fmt: skip
_EKS = frozenset({"eks.amazonaws.com", "eks-nodegroup.amazonaws.com"})
_CLUSTER_KEYS = ("eks:cluster-name", "eks:eks-cluster-name")
_KUBERNETES = "kubernetes.io/cluster/"


class Link(Struct, frozen=True):
    """A parent, and whether a member could have made the link up."""

    parent: Parent
    forgeable: bool = False


class Links(Struct, frozen=True):
    """What stands behind a call by what its record holds.

    Attributes:
        provisioner: For whom Service Catalog made this, by its tag.
        first: What only a service's own launches carry: the groups and clusters that launch, the nearest first.
        after: What a person's own call carries as well (a fleet, a Spot request, a stack): of a session, whoever made
            it comes first. A launch template is among them only where a service launched: others choose one freely.
        inherited: What anybody may have handed on, so that it comes last.
    """

    provisioner: str | None = None
    first: tuple[Link, ...] = ()
    after: tuple[Link, ...] = ()
    inherited: tuple[Link, ...] = ()


NO_LINKS = Links()


def is_service(identity: Identity) -> bool:
    """Whether an AWS service called for itself: as a service, by its service-linked role, or, before those, as root."""
    _, path, _ = issuer_of(identity)
    if identity.type == "AWSService" or bool(path and SERVICE_PATH.fullmatch(path)):
        return True
    return identity.type in {None, "Root"} and invoked_by_service(identity)


def service_of(identity: Identity) -> str | None:
    """The AWS service that made the call: by its service-linked role's path, or because AWS says so."""
    _, path, _ = issuer_of(identity)
    if path and SERVICE_PATH.fullmatch(path):
        return path.split("/")[2].removesuffix(".cn")
    return identity.invoked_by and identity.invoked_by.removesuffix(".cn")


def session_links(
    identity: Identity, record: Record, by_service: str | None = None, maker: Record | None = None
) -> Iterator[Link]:
    """The resource that a role session runs on, or for which its service acts.

    Args:
        identity: Who called.
        record: What was called.
        by_service: The service that made the session, where its AssumeRole record is known; else only what stands in
            `inScopeOf` and `ec2RoleDelivery` is believed, since a session's name is its maker's choice.
        maker: That record. Its Region is the machine's: a function of the same name in another is somebody else's.
    """
    source = identity.in_scope_of.source_arn if identity.in_scope_of else None
    if source:
        scope = parent_of_arn(function_arn(source) or source)
        if scope and scope.account == record.account:
            yield Link(scope)
    session = session_of(identity) or ""
    delivered = identity.session_context.ec2_role_delivery if identity.session_context else None
    where = maker or record
    if INSTANCE_SESSION.fullmatch(session) and (delivered or by_service == "ec2.amazonaws.com"):
        yield from _here(where, ("instance", session))
    elif by_service == "lambda.amazonaws.com":
        yield from _here(where, ("function", session))
    elif by_service == "codebuild.amazonaws.com":
        yield from _here(where, ("codebuild-build", "*:" + session.removeprefix("AWSCodeBuild-")))
    elif by_service == "ecs-tasks.amazonaws.com":
        yield from _here(where, ("ecs-task", "*/" + session))
    elif by_service == _PODS and maker is not None:
        cluster = parent_of_arn(dict(session_tags(maker)).get(_CLUSTER_TAG, ""))
        if cluster and cluster.kind.name == "eks-cluster":
            yield Link(cluster)


def machine_links(identity: Identity, record: Record, service: str | None, *, assumed: bool = False) -> Links:
    """What a service's creation belongs to.

    Args:
        identity: Who called.
        record: What was called.
        service: The service that acted, as far as that is sure; without one its own tags say nothing by themselves.
        assumed: Whether it is known to have assumed the role itself. One that launches by groups and fleets then counts
            as the launch template's user; in others customers' code runs, which chooses templates as people do.
    """
    if not _hinted(record):
        return NO_LINKS
    document = parameters_of(record)
    tags = tags_in_request(document)
    first = list(
        _here(
            record,
            ("auto-scaling-group", tags.get("aws:autoscaling:groupName")),
            ("emr-cluster", tags.get("aws:elasticmapreduce:job-flow-id")),
            ("spot-fleet", tags.get("aws:ec2spot:fleet-request-id")),
        )
    )
    if service == "elasticbeanstalk.amazonaws.com":
        first += _beanstalk(record, tags)
    elif service == "batch.amazonaws.com":
        groups = [_BATCH_GROUP.fullmatch(name) for name in values_at(document, _GROUP_NAME) if isinstance(name, str)]
        first += _here(record, *(("batch-environment", group[1]) for group in groups if group))
    elif service in _EKS:
        first += _cluster(record, tags)
    elif service_of(identity) == "ec2fleet.amazonaws.com" and _of_a_cluster(identity, record):
        # Karpenter. That a pod called is AWS's word; of which cluster, only the tag's.
        first += [Link(link.parent, forgeable=True) for link in _cluster(record, tags)]
    after = list(
        _here(
            record,
            ("fleet", tags.get("aws:ec2:fleet-id")),
            *(("spot-request", id_) for id_ in values_at(document, _SPOT_REQUEST) if isinstance(id_, str)),
        )
    )
    stack = parent_of_arn(tags.get("aws:cloudformation:stack-id", ""))
    if stack and stack.kind.name == "stack" and stack.account == record.account:
        after.append(Link(stack))
    launches = service in _LAUNCHERS
    # As the root user (before 2018) services called that launch; through others the root user himself may act.
    if (is_service(identity) and (launches or identity.type != "Root")) or (assumed and launches):
        after += _here(record, ("launch-template", tags.get("aws:ec2launchtemplate:id")))
    inherited: list[Link] = []
    if (service or service_of(identity)) in _LAUNCHERS:  # what others make has the tags that their users chose for it
        known = {link.parent.arn for link in first}
        shared = (*_cluster(record, tags), *_beanstalk(record, tags))
        inherited = [Link(link.parent, forgeable=True) for link in shared if link.parent.arn not in known]
    return Links(tags.get(PROVISIONER), *(tuple(dict.fromkeys(links)) for links in (first, after, inherited)))


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
    document = parameters_of(record)
    stack = tags_in_request(document).get("aws:cloudformation:stack-id")
    names = [*values_at(document, ("request", "stackName")), stack]
    matches = [_STACK_SET.fullmatch(_stack_name(name)) for name in names if isinstance(name, str) and len(name) <= 2048]
    return next((match[1] for match in matches if match), None)


def _stack_name(text: str) -> str:
    """The name and id of a stack, of its ARN; any other text as it is."""
    arn = parse_arn(text)
    return arn.resource.removeprefix("stack/") if arn else text


def _of_a_cluster(identity: Identity, record: Record) -> bool:
    """Whether a pod of an EKS cluster of this account called: AWS checked its token with the cluster's issuer."""
    web = identity.session_context.web_id_federation_data if identity.session_context else None
    provider = parse_oidc_provider(web.federated_provider) if web else None
    return bool(provider and provider.account == record.account and _EKS_ISSUER.fullmatch(provider.url))


def _cluster(record: Record, tags: dict[str, str]) -> Iterator[Link]:
    # Who uses a cluster may add tags to what it makes: where they name two clusters, one of them is made up.
    named = {tags[key] for key in _CLUSTER_KEYS if tags.get(key)}
    named = named or {key.removeprefix(_KUBERNETES) for key in tags if key.startswith(_KUBERNETES)}
    if len(named) != 1:
        return
    cluster = named.pop()
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
