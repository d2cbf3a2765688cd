"""Reads in the record of a machine's call which resources stand behind it: their owner owns what it created.

A link counts if AWS wrote it: `inScopeOf`, `ec2RoleDelivery`, tags with the reserved prefix `aws:`, ids in a response,
or a service's own tags in a record of that very service. Tags that customers can write (`eks:`, `karpenter.sh/`, ...)
and that a launch merely inherited make a link that is marked forgeable, and only where a service made the call (T10).
Which tags, paths and sessions lead to which kind is the catalogue's data (`overlay/links.toml`). Shapes: real records
where the kind's basis is seen, memory otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from ownertag.core.arn import function_arn, is_arn, parse_arn, parse_oidc_provider, partition_of
from ownertag.core.owner.principal import SERVICE_PATH, invoked_by_service, issuer_of, session_of
from ownertag.core.owner.sessions import session_tags
from ownertag.core.parameters import parameters_of, tags_in_request
from ownertag.core.parent_kinds import Link, taken
from ownertag.core.parents import Parent, Parents
from ownertag.core.paths import values_at
from ownertag.core.records import Identity, Record

#: Service Catalog's tag with the ARN of whoever provisioned the product. The form without `aws:` is no evidence.
PROVISIONER = "aws:servicecatalog:provisioningPrincipalArn"

# The issuers of EKS clusters; those that came with dual-stack endpoints have other hosts (EKS user guide, "Learn how
# dual-stack endpoints are used"; its Chinese and European forms are memory).
_EKS_ISSUER = re.compile(
    r"(?:oidc\.eks\.[a-z0-9-]+\.amazonaws\.(?:com(?:\.cn)?|eu)"
    r"|oidc-eks\.[a-z0-9-]+\.api\.(?:aws|amazonwebservices\.(?:com\.cn|eu)))/id/[0-9A-F]{32}"
)
_STACK_SET = re.compile(
    r"StackSet-([A-Za-z][A-Za-z0-9-]{0,127}?)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:/.*)?",
    re.ASCII,
)
_STACK_SET_SERVICES = frozenset(
    {"member.org.stacksets.cloudformation.amazonaws.com", "stacksets.cloudformation.amazonaws.com"}
)
_LAUNCHERS = frozenset(
    f"{name}.amazonaws.com"
    for name in ("autoscaling", "batch", "ec2fleet", "eks", "eks-nodegroup", "elasticbeanstalk", "elasticmapreduce",
                 "spot", "spotfleet")
)  # fmt: skip


class Hop(Struct, frozen=True):
    """A parent, and whether a member could have made the link to it up."""

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
    first: tuple[Hop, ...] = ()
    after: tuple[Hop, ...] = ()
    inherited: tuple[Hop, ...] = ()


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
    identity: Identity, record: Record, parents: Parents, by_service: str | None = None, maker: Record | None = None
) -> Iterator[Hop]:
    """The resource that a role session runs on, or for which its service acts.

    Args:
        identity: Who called.
        record: What was called.
        parents: The catalogue's links.
        by_service: The service that made the session, where its AssumeRole record is known; else only what stands in
            `inScopeOf` and `ec2RoleDelivery` is believed, since a session's name is its maker's choice.
        maker: That record. Its Region is the machine's: a function of the same name in another is somebody else's.
    """
    holder = identity.in_scope_of.holder if identity.in_scope_of else ""
    if holder:
        scope = parents.of_arn(function_arn(holder) or holder)
        if scope and scope.account == record.account:
            yield Hop(scope)
    delivered = identity.session_context.ec2_role_delivery if identity.session_context else None
    where = maker or record
    for link in parents.sessions if by_service or delivered else ():
        if by_service != link.service and not (link.delivered and delivered):
            continue
        if not link.tag:
            yield from _hop(link.kind, link.id, taken(link.form, session_of(identity) or ""), {}, where, parents)
        elif maker is not None:
            yield from _hop(link.kind, "", dict(session_tags(maker)).get(link.tag), {}, maker, parents, anywhere=True)


def machine_links(
    identity: Identity, record: Record, service: str | None, parents: Parents, *, assumed: bool = False
) -> Links:
    """What a service's creation belongs to.

    Args:
        identity: Who called.
        record: What was called.
        service: The service that acted, as far as that is sure; without one its own tags say nothing by themselves.
        parents: The catalogue's links.
        assumed: Whether it is known to have assumed the role itself. One that launches by groups and fleets then counts
            as the launch template's user; in others customers' code runs, which chooses templates as people do.
    """
    if not _hinted(record, parents):
        return NO_LINKS
    document = parameters_of(record)
    tags = tags_in_request(document)
    launches = service in _LAUNCHERS
    # As the root user (before 2018) services called that launch; through others the root user himself may act.
    launched = (is_service(identity) and (launches or identity.type != "Root")) or (assumed and launches)
    # Karpenter. That a pod called is AWS's word; of which cluster, only the tag's.
    pod = service_of(identity) == "ec2fleet.amazonaws.com" and _of_a_cluster(identity, record)
    # What others make has the tags that their users chose for it.
    may_inherit = (service or service_of(identity)) in _LAUNCHERS
    first: list[Hop] = []
    after: list[Hop] = []
    inherited: list[Hop] = []
    for link in parents.links:
        if (link.launched and not launched) or (link.tags and not link.prefix and tags.keys().isdisjoint(link.tags)):
            continue
        of_service = not link.services or service in link.services
        by_pod = link.pods and pod
        if not (of_service or by_pod or (may_inherit and link.inherited)):
            continue
        values = _values(link, tags, document)
        found = [hop for value in values for hop in _hop(link.kind, link.id, value, tags, record, parents)]
        if of_service:
            (after if link.after else first).extend(found)
        else:
            forgeable = [Hop(hop.parent, forgeable=True) for hop in found]
            (first if by_pod else inherited).extend(forgeable)
    known = {hop.parent.arn for hop in first}
    last = [hop for hop in inherited if hop.parent.arn not in known]
    return Links(tags.get(PROVISIONER), *(tuple(dict.fromkeys(hops)) for hops in (first, after, last)))


def _hinted(record: Record, parents: Parents) -> bool:
    """Whether there may be a link at all: most records have none, and to read them again would cost much."""
    text = bytes(record.request) + bytes(record.response)
    return any(hint in text for hint in parents.hints)


def _values(link: Link, tags: Mapping[str, str], document: Mapping[str, Any]) -> list[str]:
    """What the record has for a link."""
    if link.paths:
        found = [value for path in link.paths for value in values_at(document, path) if isinstance(value, str)]
    else:
        found = [tags[key] for key in link.tags if tags.get(key)]
        if not found and link.prefix:
            found = [key.removeprefix(link.prefix) for key in tags if key.startswith(link.prefix)]
        # Who uses a cluster may add tags to what it makes: where they name two clusters, one of them is made up.
        found = found if len(set(found)) == 1 else []
    return [value for text in dict.fromkeys(found) if (value := taken(link.form, text)) is not None]


def _hop(
    kind: str,
    form: str,
    value: str | None,
    tags: Mapping[str, str],
    record: Record,
    parents: Parents,
    *,
    anywhere: bool = False,
) -> Iterator[Hop]:
    """The parent in the record's account and Region; by its ARN in any Region, or where it may be `anywhere`.

    What has not the form of an id, or of an ARN of the kind, is none.
    """
    if not value:
        return
    if form and not is_arn(value):
        id_ = _filled(form, value, tags)
        place = (partition_of(record.region), record.region, record.account)
        found = parents.named(kind, id_, *place) if id_ is not None else None
    else:
        found = parents.of_arn(value)
        found = found if found and found.kind.name == kind and (anywhere or found.account == record.account) else None
    if found:
        yield Hop(found)


_FIELD = re.compile(r"{([^{}]+)}")


def _filled(form: str, value: str, tags: Mapping[str, str]) -> str | None:
    """An id, put together of the value and of other tags; None where one of these is missing."""
    if form == "{value}":
        return value
    known = {**tags, "value": value}
    parts = {field: known.get(field) for field in _FIELD.findall(form)}
    if not all(parts.values()):
        return None
    return _FIELD.sub(lambda field: parts[field[1]] or "", form)


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
