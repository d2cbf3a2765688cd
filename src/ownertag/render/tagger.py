"""Renders what the tagger may do in an account: write our keys alone on the catalogue's types, and look up facts.

The role has one policy of its own, for EC2 and the look-ups, and managed ones for all other services: a role's own
policies hold 10,240 characters together, a managed one 6,144 (doc: IAM, quotas). A session of the hub is bound by a
policy of its own as well, which may have 2,048: so the services are in groups, and a session is for one group. Sessions
that remove our keys, to undo a run, have policies of their own: no other may remove a tag.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from ownertag.core.arn import fill_template
from ownertag.core.catalogue_types import ACTIONS, CLIENTS, Catalogue, QuestionKind, ResourceType, TagApi
from ownertag.core.settings import Settings
from ownertag.render.documents import (
    SHORTER_KEYS,
    TAGGER_POLICY,
    PolicyDocument,
    Statement,
    TooLong,
    compact,
    filled,
    policy,
    within_limit,
)
from ownertag.render.policies import MAX_ROLE_POLICIES

#: STS takes session policies of at most 2,048 characters (doc: AssumeRole).
MAX_SESSION_POLICY = 2048
#: IAM takes managed policies of 6,144 characters, and attaches ten to a role by default (doc: IAM, quotas).
MAX_MANAGED_POLICY = 6144
MAX_MANAGED_POLICIES = 10

#: More than the characters of a statement of a session policy without its actions and keys.
_STATEMENT = 220

_EC2 = "ec2"
# IAM names these without an account (service authorization reference: resource types of EC2).
_WITHOUT_ACCOUNT = {"ec2:image", "ec2:snapshot"}
# And these without a Region, all of IPAM but an allocation.
_WITHOUT_REGION = {
    "ec2:ipam",
    "ec2:ipam-external-resource-verification-token",
    "ec2:ipam-pool",
    "ec2:ipam-resource-discovery",
    "ec2:ipam-resource-discovery-association",
    "ec2:ipam-scope",
}
# The longest that stand for a pseudo parameter: what AWS counts is the document as it is in an account.
_LONGEST = {"AWS::Partition": "aws-us-gov", "AWS::AccountId": "0" * 12}


class Grant(Struct, frozen=True):
    """Leave to write or to remove tags: the action, on which resources, and whether IAM can compare the keys."""

    action: str
    resource: str
    keys: bool


class Rights(Struct, frozen=True):
    """What may be written and what may be read."""

    writes: frozenset[Grant] = frozenset()
    reads: frozenset[str] = frozenset()

    @property
    def actions(self) -> frozenset[str]:
        """All actions."""
        return self.reads.union(grant.action for grant in self.writes)

    def __or__(self, other: Rights) -> Rights:
        """Both together."""
        return Rights(self.writes | other.writes, self.reads | other.reads)

    def document(self, settings: Settings) -> PolicyDocument:
        """As a policy. `ForAllValues` is true of no key at all: `Null` requires one.

        What an action can't be told by its resource, or its keys, is not bounded by them: it stands by itself.
        """
        only_ours = {
            "ForAllValues:StringEquals": {"aws:TagKeys": sorted(settings.tags)},
            "Null": {"aws:TagKeys": "false"},
        }
        found: list[Statement] = []
        for sid, keys, anywhere in (
            ("WriteOwnerTags", True, False),
            ("WriteOwnerTagsAnywhere", True, True),
            ("WriteTagsWithoutKeys", False, False),
            ("WriteTagsWithoutKeysAnywhere", False, True),
        ):
            grants = [grant for grant in self.writes if (grant.keys, grant.resource == "*") == (keys, anywhere)]
            if grants:
                resources = "*" if anywhere else sorted({grant.resource for grant in grants})
                condition = {"Condition": only_ours} if keys else {}
                found.append(_allow(sid, {grant.action for grant in grants}, resources) | condition)
        if self.reads:
            found.append(_allow("DescribeResources", self.reads, "*"))
        return policy(*found)


def _allow(sid: str, actions: Iterable[str], resources: str | list[str]) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": resources}


# --- the role


def tagger_permissions(catalogue: Catalogue, settings: Settings) -> PolicyDocument:
    """The policy of the tagger's role itself: tags of EC2, and the look-ups.

    Raises:
        TooLong: AWS would not take it.
    """
    rights = _of_services(catalogue).get(_EC2, Rights()) | Rights(reads=frozenset(lookups(catalogue, settings)))
    return within_limit(rights.document(settings), MAX_ROLE_POLICIES, "the tagger's policy", SHORTER_KEYS)


def tagger_policies(catalogue: Catalogue, settings: Settings) -> dict[str, PolicyDocument]:
    """The managed policies of the tagger, by name: the services in the order of their names, but EC2.

    Raises:
        TooLong: The role would need more policies than AWS attaches.
    """
    units = [
        part
        for service, rights in sorted(_of_services(catalogue).items())
        if service != _EC2
        for part in _cut(rights, settings)
    ]
    found: list[Rights] = []
    for rights in units:
        if found and _deployed_length(found[-1] | rights, settings) <= MAX_MANAGED_POLICY:
            found[-1] |= rights
        else:
            found.append(rights)
    if len(found) > MAX_MANAGED_POLICIES:
        raise TooLong(
            f"the tagger needs {len(found)} managed policies of {MAX_MANAGED_POLICY:,} characters, and AWS attaches "
            f"{MAX_MANAGED_POLICIES} to a role: {SHORTER_KEYS}"
        )
    return {f"{TAGGER_POLICY}-{number}": rights.document(settings) for number, rights in enumerate(found, 1)}


def _cut(rights: Rights, settings: Settings) -> Iterator[Rights]:
    """A service's rights in parts that fit a policy each."""
    if _deployed_length(rights, settings) <= MAX_MANAGED_POLICY:
        yield rights
        return
    resources = sorted({grant.resource for grant in rights.writes})
    if len(resources) < 2:
        what = min(grant.action for grant in rights.writes)
        raise TooLong(
            f"the tagger's policy for {what} has {_deployed_length(rights, settings):,} characters, and AWS takes "
            f"{MAX_MANAGED_POLICY:,}: {SHORTER_KEYS}"
        )
    for part in (resources[: len(resources) // 2], resources[len(resources) // 2 :]):
        yield from _cut(
            Rights(frozenset(grant for grant in rights.writes if grant.resource in part), rights.reads), settings
        )


def _deployed_length(rights: Rights, settings: Settings) -> int:
    return len(compact(filled(rights.document(settings), _LONGEST)))


def _of_services(catalogue: Catalogue) -> dict[str, Rights]:
    """The rights on the catalogue's types, by the service of the actions as IAM calls it."""
    found: dict[str, Rights] = defaultdict(Rights)
    for kind in catalogue.types.values():
        if kind.tag_api:
            api = catalogue.tag_apis[kind.tag_api]
            resource = _resource(kind, api)
            found[api.action.partition(":")[0]] |= _of_api(api, resource) | _of_removal(api, resource)
    return dict(found)


def _of_api(api: TagApi, resource: str) -> Rights:
    """The rights to write and to read by a tag API."""
    reads = frozenset({*([api.read.action] if api.read else ()), *api.needs})
    return Rights(frozenset({Grant(api.action, resource, api.iam_keys)}), reads)


def _of_removal(api: TagApi, resource: str) -> Rights:
    """The right to remove keys, where there is a call for single ones: IAM compares what it compares of the writing."""
    if api.remove is None or not api.remove.keys:
        return Rights()
    return Rights(frozenset({Grant(api.remove.action, resource, api.iam_keys)}), frozenset(api.needs))


def _resource(kind: ResourceType, api: TagApi) -> str:
    if api.iam_resource == "*":
        return "*"
    return fill_template(
        api.iam_resource or kind.arn,
        partition="${AWS::Partition}",
        region="" if kind.name in _WITHOUT_REGION else "*",
        account="" if kind.name in _WITHOUT_ACCOUNT else "${AWS::AccountId}",
        id_="*",
    )


# --- look-ups


def lookups(catalogue: Catalogue, settings: Settings) -> list[str]:
    """The read actions that the catalogue's rows and the settings need."""
    actions = {f"{kind.service}:{kind.lookup.operation}" for kind in catalogue.types.values() if kind.lookup}
    return sorted(actions.union(*(ACTIONS[kind] for kind in _asked(catalogue, settings))))


def _asked(catalogue: Catalogue, settings: Settings) -> set[QuestionKind]:
    """The kinds of questions that can be asked in an account with these rows and settings."""
    kinds = set(catalogue.questions)
    kinds.add(QuestionKind.OWNER_OF_RESOURCE)
    if settings.trust.trace_assumed_roles:
        kinds.add(QuestionKind.MAKER_OF_SESSION)
    if settings.trust.identity_stores:
        kinds.add(QuestionKind.IDENTITY_CENTER_USER)
    if kinds & {QuestionKind.INSTANCES_BY_RESERVATION, QuestionKind.SNAPSHOTS_OF_IMAGE}:
        kinds.add(QuestionKind.BIRTH)  # of volumes on instances, and of an image's snapshots
    if QuestionKind.LAUNCHES in kinds:
        kinds |= {QuestionKind.RESERVATIONS, QuestionKind.INSTANCES_BY_RESERVATION}
    kinds.add(QuestionKind.TAGS)  # while the ledger can't be asked, and where another creation may have written
    return kinds


# --- sessions


class SessionPolicies(Struct, frozen=True):
    """The session policies of the hub: that of a client by its name, and of any other client."""

    by_client: Mapping[str, PolicyDocument]
    other: PolicyDocument

    @property
    def texts(self) -> Mapping[str, str]:
        """That of each client, as STS takes it."""
        of = {id(document): document for document in self.by_client.values()}
        texts = {key: compact(document) for key, document in of.items()}
        return {client: texts[id(document)] for client, document in self.by_client.items()}

    @property
    def documents(self) -> tuple[PolicyDocument, ...]:
        """Each policy once: no account ever has more sessions than these."""
        texts = {compact(document): document for document in (self.other, *self.by_client.values())}
        return tuple(texts.values())


def session_policies(catalogue: Catalogue, settings: Settings) -> SessionPolicies:
    """The session policies of the tagger: they hold even where somebody gave the role more permissions.

    They are the same for every account, so they name none; the role's policies do. The first is of EC2 and of all that
    is looked up, so that a batch of EC2's needs no other, and is filled up with what has room. A client is in one
    group, and the groups are fixed: an account has at most one session for each.

    Raises:
        TooLong: AWS would not take one.
    """
    of_clients: dict[str, Rights] = defaultdict(Rights)
    for kind in catalogue.types.values():
        if kind.tag_api:
            api = catalogue.tag_apis[kind.tag_api]
            of_clients[api.client] |= _of_api(api, "*")
    looked_up = {_EC2}
    for action in lookups(catalogue, settings):
        service = action.partition(":")[0]
        client = CLIENTS.get(service, service)
        looked_up.add(client)
        of_clients[client] |= Rights(reads=frozenset({action}))
    first = Rights()
    for client in sorted(looked_up):
        first |= of_clients[client]
    return _grouped(of_clients, first, looked_up, settings)


def removal_policies(catalogue: Catalogue, settings: Settings) -> SessionPolicies:
    """The session policies of what removes our keys, to undo a run: they let nothing else through, and read nothing.

    Raises:
        TooLong: AWS would not take one.
    """
    of_clients: dict[str, Rights] = defaultdict(Rights)
    for kind in catalogue.types.values():
        if kind.tag_api:
            api = catalogue.tag_apis[kind.tag_api]
            of_clients[api.client] |= _of_removal(api, "*")
    return _grouped(of_clients, of_clients[_EC2], {_EC2}, settings)


def _grouped(
    of_clients: Mapping[str, Rights], first: Rights, in_first: set[str], settings: Settings
) -> SessionPolicies:
    """The fewest policies that the clients fit into one after the other; some are in the first in any case."""
    groups = [_Group(first, settings)]
    group_of = dict.fromkeys(in_first, 0)
    for client in sorted(of_clients.keys() - group_of.keys()):
        number = next((number for number, group in enumerate(groups) if group.takes(of_clients[client])), len(groups))
        if number == len(groups):
            groups.append(_Group(of_clients[client], settings))
        group_of[client] = number
    documents = [
        within_limit(group.held.document(settings), MAX_SESSION_POLICY, "the tagger's session policy", SHORTER_KEYS)
        for group in groups
    ]
    return SessionPolicies({client: documents[number] for client, number in group_of.items()}, documents[0])


class _Group:
    """Rights that share a session policy. Its text is made only where it may not fit: the function's start waits."""

    def __init__(self, held: Rights, settings: Settings) -> None:
        self.held = held
        self._settings = settings
        self._least = self._most = self._length(held)

    def takes(self, rights: Rights) -> bool:
        """Adds rights, if the policy then still fits."""
        more = rights.actions - self.held.actions
        if self._least + sum(len(action) + 3 for action in more) > MAX_SESSION_POLICY:
            return False
        both = self.held | rights
        most = self._most + _most_more(rights, self._settings)
        if most > MAX_SESSION_POLICY:
            most = self._length(both)
            if most > MAX_SESSION_POLICY:
                return False
            self._least = most
        self.held, self._most = both, most
        return True

    def _length(self, rights: Rights) -> int:
        return len(compact(rights.document(self._settings)))


def _most_more(rights: Rights, settings: Settings) -> int:
    """How many characters rights add at most: each action with quotes and comma, and each kind of statement anew."""
    statements = len({(grant.keys, grant.resource == "*") for grant in rights.writes}) + bool(rights.reads)
    keys = sum(len(key) + 3 for key in settings.tags)
    return sum(len(action) + 3 for action in rights.actions) + statements * (_STATEMENT + keys)
