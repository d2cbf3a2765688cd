"""Every service of the catalogue, asked of the policies: what members may do to its tags, and what the tagger may.

ARNs, resource types and condition keys are AWS's: from the authorization reference, not from the catalogue's templates.
What must come out of the tagger's cases is said here: our keys, on each type of a row, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache

from derive import reference
from harness import fixtures
from infra.policies.matrix import EACH, Action, Asked, asked, with_creation
from infra.policies.world import MEMBER, REGION, SETTINGS, WHO, Json, removals, sessions
from ownertag.catalogue import tag_actions
from ownertag.core.catalogue_types import ResourceType, TagApi
from ownertag.core.request_tags import is_overwritten, overwritten_types
from ownertag.core.tiers import TagAction, TagEffect
from ownertag.render.documents import compact
from ownertag.render.tagger import removal_policies, session_policies

#: Types, and actions, of which the simulator takes no request.
NOT_SIMULATED: Mapping[str, str] = {
    "apigateway:POST": "the reference has no tags among what is posted, API Gateway's guide does",
    "appsync:api": "the reference gives two types the same ARN",
    "appsync:graphqlapi": "the reference gives two types the same ARN",
    "backup:backupplan": "a recovery point's ARN has any form, this one too",
    "backup:backupvault": "a recovery point's ARN has any form, this one too",
    "elasticloadbalancing:targetgroup": "the reference's AddTags is that of the classic load balancers",
}
# Actions that are asked of a key's own policy too: without its leave no policy of IAM's counts (doc: key policies).
_BY_KEY_POLICY = "kms:"
#: What the reference calls otherwise than the catalogue, by the catalogue's name.
REFERENCE_NAMES: Mapping[str, str] = {
    "elasticloadbalancing:loadbalancer/app": "loadbalancer/app/",
    "elasticloadbalancing:loadbalancer/gwy": "loadbalancer/gwy/",
    "elasticloadbalancing:loadbalancer/net": "loadbalancer/net/",
    "events:rule": "rule-on-default-event-bus",
}
OURS = ("owner", "dateCreated", "WhatIsThis")


# --- what members may do


def of_policies() -> Iterator[Asked]:
    """Every direct case of every action that changes tags of a service of the catalogue; EC2 has its own matrix."""
    for action in _actions():
        for number, case in enumerate(asked(action)):
            id_ = f"{number}/{case.id}"
            trust = "open-key" if action.name.startswith(_BY_KEY_POLICY) else None
            yield case._replace(id=id_, request=case.request | {"id": id_, "trust": trust})


@cache
def _actions() -> tuple[Action, ...]:
    known = tag_actions.load_tag_actions()
    used = {kind.service for kind in fixtures.catalogue().types.values()} - {"ec2", "s3"}  # S3 has its cases by hand
    return tuple(
        Action(action.name, action.does.value, arn, action.tag_keys, action.resource_tag, action.create_action)
        for action in known.of(used)
        if action.does in {TagEffect.TAG, TagEffect.UNTAG} and (arn := _any_arn(action))
    )


def _any_arn(action: TagAction) -> str | None:
    """A resource that an action can act on, and for which all of its keys are evaluated."""
    service, _, name = action.name.partition(":")
    found = reference.action(service, name)
    if found is None:
        return None
    without = {*action.without_tag_keys, *action.without_resource_tag}
    types = [
        one.name
        for one in found.types
        if one.name not in without and f"{service}:{one.name}".lower() not in NOT_SIMULATED
    ]
    if not types:
        return "*" if not found.types else None
    return next(iter(arns(service, types[0])), None)


def of_creations() -> Iterator[Asked]:
    """Each creation that can tag, with each type that it can tag, of every service that tells creations apart."""
    known, catalogue = tag_actions.load_tag_actions(), fixtures.catalogue()
    for service in sorted({kind.service for kind in catalogue.types.values()} - {"ec2"}):
        through = overwritten_types(catalogue, service)
        for action in known.of([service]):
            if not action.create_action or action.does is not TagEffect.TAG:
                continue
            taken = reference.action(*_split(action.name))
            assert taken is not None
            names = {one.name for one in taken.types}
            for operation, types in sorted(known.creations.get(service, {}).items()):
                for name in sorted(names & set(types)):
                    way = None if is_overwritten(catalogue, operation, f"{service}:{name}") else "bring elsewhere"
                    way = "bring" if operation not in through else way
                    for arn in arns(service, name)[:1]:
                        asked_of = Action(action.name, "tag", arn, create_action=True)
                        yield from with_creation(asked_of, operation, name, way, EACH)


# --- what the tagger may do


def of_tagger() -> Iterator[Asked]:
    """What the tagger's role and the hub's sessions may do to each type of a row."""
    catalogue = fixtures.catalogue()
    groups, removing = _groups(), _removal_groups()
    for kind in catalogue.types.values():
        if not kind.tag_api or kind.service == "ec2":
            continue
        api = catalogue.tag_apis[kind.tag_api]
        if api.action in NOT_SIMULATED or kind.name.lower() in NOT_SIMULATED:
            continue
        for arn in _arns_of(kind, api):
            for who, session in (("tagger", None), ("hub-session", groups[api.client])):
                yield from _writes(kind, api, arn, who, session)
        yield from _removes(kind, api, groups[api.client], removing[api.client])
        if api.read:
            for who, session in (("tagger", None), ("hub-session", groups[api.client])):
                yield _asked(f"{kind.name}/read/{who}", api.read.action, _of_read(api, kind), who, session, {}, True)
    yield from _elsewhere()


def _writes(kind: ResourceType, api: TagApi, arn: str, who: str, session: str | None) -> Iterator[Asked]:
    title = f"{kind.name}/{arn}/{who}"
    if not _has_keys(api):
        yield _asked(f"{title}/any key", api.action, arn, who, session, {}, True)
        return
    for keys, allowed in ((OURS, True), (OURS[:1], True), ((*OURS, "Schedule"), False), (("owners",), False)):
        context = {"aws:TagKeys": list(keys)}
        yield _asked(f"{title}/{'+'.join(keys)}", api.action, arn, who, session, context, allowed)
    yield _asked(f"{title}/no key", api.action, arn, who, session, {}, False)


def _removes(kind: ResourceType, api: TagApi, live: str, removing: str) -> Iterator[Asked]:
    """Our keys are removed by the role, in the sessions that undo a run and in no other; nobody else's ever are."""
    if api.remove is None or api.remove.action == api.action or api.remove.action in NOT_SIMULATED:
        return
    action = api.remove.action
    for arn in _arns_of(kind, api, action):
        title = f"{kind.name}/{arn}/removes"
        for who, session, may in (
            ("tagger", None, True),
            ("removal-session", removing, True),
            ("hub-session", live, False),
        ):
            if not _carries_keys(action):
                yield _asked(f"{title}/any key/{who}", action, arn, who, session, {}, may)
                continue
            for keys, ours in ((OURS, True), (OURS[:1], True), ((*OURS, "Schedule"), False), (("owners",), False)):
                context = {"aws:TagKeys": list(keys)}
                yield _asked(f"{title}/{'+'.join(keys)}/{who}", action, arn, who, session, context, may and ours)
            yield _asked(f"{title}/no key/{who}", action, arn, who, session, {}, False)
        # What removes writes nothing.
        context = {"aws:TagKeys": ["owner"]} if _has_keys(api) else {}
        yield _asked(f"{title}/writes", api.action, arn, "removal-session", removing, context, False)


def _elsewhere() -> Iterator[Asked]:
    """Types of the same services that no row makes: the role may not write to them."""
    catalogue = fixtures.catalogue()
    used = {_reference_name(kind) for kind in catalogue.types.values()}
    for api in sorted(catalogue.tag_apis.values(), key=lambda api: api.action):
        service, _, name = api.action.partition(":")
        found = reference.action(service, name)
        others = [one.name for one in found.types if (service, one.name.lower()) not in used] if found else []
        for arn in [arn for other in others[:2] for arn in arns(service, other)[:1]]:
            if service not in {"backup", "ec2"} and not _is_of_a_row(arn):
                context = {"aws:TagKeys": ["owner"]} if _has_keys(api) else {}
                yield _asked(f"{api.name}/no row/{arn}", api.action, arn, "tagger", None, context, False)


def _is_of_a_row(arn: str) -> bool:
    """Whether an ARN has the form of a type of a row as well: some forms are wider than one type."""
    for kind in fixtures.catalogue().types.values():
        form = kind.arn.replace("{partition}", "aws").replace("{region}", REGION).replace("{account}", MEMBER)
        if re.fullmatch(re.escape(form).replace(r"\{id\}", ".*").replace(r"\*", ".*"), arn):
            return True
    return False


def _has_keys(api: TagApi) -> bool:
    """Whether the reference gives the action `aws:TagKeys`."""
    return _carries_keys(api.action)


def _carries_keys(action: str) -> bool:
    found = reference.action(*_split(action))
    return bool(found) and "aws:tagkeys" in found.keys.union(*(one.keys for one in found.types))  # type: ignore[union-attr]


def _split(action: str) -> tuple[str, str]:
    service, _, name = action.partition(":")
    return service, name


@cache
def _groups() -> dict[str, str]:
    """The name of the session policy of each client."""
    names = {compact(document): name for name, document in sessions(fixtures.catalogue()).items()}
    found = session_policies(fixtures.catalogue(), SETTINGS)
    return {client: names[compact(document)] for client, document in found.by_client.items()}


@cache
def _removal_groups() -> dict[str, str]:
    """The name of the session policy of each client's removals."""
    names = {compact(document): name for name, document in removals(fixtures.catalogue()).items()}
    found = removal_policies(fixtures.catalogue(), SETTINGS)
    return {client: names[compact(document)] for client, document in found.by_client.items()}


def _reference_name(kind: ResourceType) -> tuple[str, str]:
    service, _, name = kind.name.partition(":")
    return service, REFERENCE_NAMES.get(kind.name, name).lower()


def _arns_of(kind: ResourceType, api: TagApi, action: str | None = None) -> list[str]:
    """ARNs of a type in each form of the reference, or what IAM is asked about in their place."""
    found = reference.action(*_split(action or api.action))
    assert found is not None, action or api.action
    if not found.types:
        return ["*"]
    if api.iam_resource:
        return [f"arn:aws:apigateway:{REGION}::/tags/arn%3Aaws%3Aapigateway%3A{REGION}%3A%3A%2Frestapis%2Fa1b2c3d4e5"]
    service, name = _reference_name(kind)
    return arns(service, name) or [_by_template(kind)]


def _by_template(kind: ResourceType) -> str:
    return (
        kind.arn.replace("{partition}", "aws").replace("{region}", REGION).replace("{account}", MEMBER)
        .replace("{id}", "orders/0123456789abcdef").replace("*", "x0123456789")
    )  # fmt: skip


def _of_read(api: TagApi, kind: ResourceType) -> str:
    assert api.read is not None
    service, name = _split(api.read.action)
    found = reference.action(service, name)
    if found is None or not found.types:
        return "*"
    names = {one.name.lower(): one.name for one in found.types}
    own = names.get(_reference_name(kind)[1], found.types[0].name)
    return next(iter(arns(service, own)), "*")


def arns(service: str, type_name: str) -> list[str]:
    """ARNs of a type of the reference, one for each of its forms, in the member's account."""
    types = {name.lower(): type_ for name, type_ in reference.types(service).items()}
    found = types.get(type_name.lower())
    known = {"Partition": "aws", "Region": REGION, "Account": MEMBER, "AccountId": MEMBER}
    return (
        [re.sub(r"\$\{(\w+)\}", lambda match: known.get(match[1], "x0123456789"), form) for form in found.arns]
        if found
        else []
    )


def _asked(title: str, action: str, arn: str, who: str, session: str | None, context: Json, allowed: bool) -> Asked:
    whom = WHO[who]
    id_ = f"{title}/{action}/{session or 'role'}"
    request = {
        "id": id_,
        "principal": whom.arn,
        "action": action,
        "resource": arn,
        "account": MEMBER,
        "context": {"aws:ResourceAccount": MEMBER, "aws:PrincipalArn": whom.principal_arn} | context,
        "identity": list(whom.identity),
        "session": session,
        "scps": [],
        "trust": "open-key" if action.startswith(_BY_KEY_POLICY) else None,
    }
    return Asked(id_, request, allowed)
