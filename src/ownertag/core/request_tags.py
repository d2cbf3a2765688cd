"""Tags that a creation's own request sets: which of them are a finding, which are kept, and which are overwritten.

What the caller sets is the caller's claim of an owner, which ownertag overwrites (T12), but for keys under `keep`. To
keep what is found on a resource would let whoever writes first, between its creation and its tagging, name the owner.
So nothing is looked up, and the record alone counts: it says the same each time it is received. The service control
policy lets members set our keys at creation exactly where they are overwritten: anywhere else what they set would
stand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ownertag.core.catalogue_types import Catalogue, CatalogueRow, QuestionKind
from ownertag.core.findings import MAX_BY, MAX_CHANGES, TagChange, TamperFinding, truncated_changes
from ownertag.core.owner.principal import principal_of
from ownertag.core.ownership import ResourceKey, Standing, key_of
from ownertag.core.parameters import pairs, parameters_of, set_tags, specified_tags
from ownertag.core.paths import get, values_at
from ownertag.core.records import Record, is_canary
from ownertag.core.settings import Settings
from ownertag.core.values import Creation, Decision, Outcome, OutcomeKind, Resource

_EC2 = "ec2.amazonaws.com"
# Where calls of EC2 take the tags of what they create: `tagSpecificationSet`, in a wrapped request `TagSpecification`;
# others have lists and maps that are called tags in one way or another.
_HINTS = (b"agSpecification",)
_OTHER_HINTS = (b"tag", b"Tag")
#: Whatever a record names: another service's request does not say for which type its tags are.
_ALL_NAMED = ""
_OURS = frozenset({OutcomeKind.TAGGED, OutcomeKind.UNCHANGED})


def request_tag_findings(
    decision: Decision, outcomes: Iterable[Outcome], standings: Mapping[ResourceKey, Standing], settings: Settings
) -> TamperFinding | None:
    """The finding of a creation whose request gives protected keys other values than ours: one, whatever it made.

    Keys whose value the settings keep are the caller's to set, and none is made of them.

    Args:
        decision: Whose the resources are, and by which tags.
        outcomes: What became of each resource: where ours was written on all, the finding says so.
        standings: Whose each resource is by the ledger; the decision's own tags count where it says nothing.
        settings: The tag policy.
    """
    creation, record = decision.creation, decision.creation.record
    claimed = _claimed(record)
    if not claimed:
        return None
    ours_stand = {outcome.arn for outcome in outcomes if outcome.kind in _OURS}
    changes: dict[TagChange, None] = {}
    changed = []
    for resource in decision.resources:
        values = claimed.get(_claimant(resource, creation))
        if not values:
            continue
        standing = standings.get(key_of(resource, creation))
        tags = standing.tags if standing else decision.tags
        found = [
            TagChange(key, None, values[key])
            for key, ours in tags
            if key not in settings.kept_keys and key in values and values[key] != ours
        ]
        changes |= dict.fromkeys(found)
        if found:
            changed.append((resource, (standing.owner if standing else decision.owner).name))
    if not changed:
        return None
    # Where ours could not be written, somebody has to look: such a one is named.
    not_ours = (found for found in changed if found[0].arn not in ours_stand)
    first, owner = next(not_ours, changed[0])
    overwritten = all(resource.arn in ours_stand for resource, _ in changed)
    return TamperFinding(
        record.account,
        record.region,
        first.arn,
        len(changed),
        truncated_changes(tuple(changes)),
        principal_of(record.identity)[:MAX_BY],
        record.event_id,
        record.created_at,
        owner,
        more_changes=max(0, len(changes) - MAX_CHANGES),
        overwritten=overwritten,
        test=overwritten and is_canary(record),
    )


def requested_tags(resource: Resource, creation: Creation) -> Mapping[str, str]:
    """The tags that a creation's request sets on one of the resources that it made."""
    return _claimed(creation.record).get(_claimant(resource, creation), {})


def _claimed(record: Record) -> dict[str | None, dict[str, str]]:
    """The tags that the request asks for, by what gets them: `_claimant`."""
    request, hints = bytes(record.request), _HINTS if record.event_source == _EC2 else _OTHER_HINTS
    if not any(hint in request for hint in hints):  # most bring none, and to read it again would cost much
        return {}
    claimed: dict[str | None, dict[str, str]] = defaultdict(dict)
    for claimant, key, value in _asked_for(record):
        claimed[claimant][key] = value
    return claimed


def _asked_for(record: Record) -> Iterator[tuple[str, str, str]]:
    """(what gets it, key, value) of each tag of a request."""
    request = parameters_of(record)["request"]
    if record.event_source == _EC2:
        yield from ((type_, key, value) for type_, key, value in specified_tags(request) if type_ is not None)
    else:
        yield from ((_ALL_NAMED, key, value) for key, value in set_tags(request))


def _claimant(resource: Resource, creation: Creation) -> str | None:
    """By what a request says that a resource gets its tags: EC2's by the type, as the catalogue calls it.

    Others say nothing, so that all that the record names gets them; None for what does not.
    """
    if creation.record.event_source == _EC2:
        return resource.type.partition(":")[2]
    return _ALL_NAMED if resource in creation.resources else None


#: Where an answer shows the tags of what was made.
_TAGS = ("tagSet", "tags")
#: An answer of instances that were launched further from its call than this is a repeat's, in milliseconds.
_JUST = 5000


def kept_keys(creation: Creation, resources: Iterable[Resource], settings: Settings) -> dict[str, frozenset[str]]:
    """The keys that stay as they are, by the ARN of each resource on which any do.

    A request says what it brings for each type (`TagSpecifications`); so do the requests of services that hand on the
    tags of a group or a stack. Where the request is left out, or points to a launch template, the answer tells of what
    it names with which tags that was made. What a template brings for other types no record says.
    """
    if not settings.kept_keys:
        return {}
    document = parameters_of(creation.record)
    brought: dict[str | None, set[str]] = defaultdict(set)
    for claimant, key, _ in _asked_for(creation.record):
        brought[claimant].add(key)
    shown = {} if creation.request_complete else _shown(creation, document)
    found = {}
    for resource in resources:
        keys = settings.kept_keys & (brought.get(_claimant(resource, creation), set()) | shown.get(resource.id, set()))
        if keys:
            found[resource.arn] = frozenset(keys)
    return found


def _shown(creation: Creation, document: Mapping[str, Any]) -> dict[str, set[str]]:
    """The keys of the tags that the answer shows, by the id of what carries them and was launched just then.

    With a client token a call can be repeated, and is answered with the tags that are there by then.
    """
    found: dict[str, set[str]] = {}
    at = int(creation.record.created_at.timestamp() * 1000)
    for makes in creation.row.makes if document["response"] else ():
        for node in (node for path in makes.each for node in values_at(document, path)):
            id_ = get(node, makes.id) if makes.id else None
            launched = get(node, "launchTime")  # in milliseconds (seen)
            if isinstance(id_, str) and isinstance(launched, int) and abs(launched - at) <= _JUST:
                found[id_] = {key for name in _TAGS for key, _ in pairs(get(node, name))}
    return found


#: The types that a row's look-up tags beside those that its record names.
CREATED_BESIDE: Mapping[QuestionKind, tuple[str, ...]] = {
    QuestionKind.INSTANCES_BY_RESERVATION: ("ec2:network-interface", "ec2:volume"),
    QuestionKind.SNAPSHOTS_OF_IMAGE: ("ec2:snapshot",),
    QuestionKind.PARTS_OF_VPC: ("ec2:network-acl", "ec2:route-table", "ec2:security-group"),
    QuestionKind.INTERFACES_OF_NAT_GATEWAY: ("ec2:network-interface",),
}


def created_types(row: CatalogueRow) -> frozenset[str]:
    """The types that a row's creation is tagged with: those that its record names, and those that are looked up."""
    return frozenset(
        {makes.type.name for makes in row.makes} | set(CREATED_BESIDE[row.children] if row.children else ())
    )


def overwritten_types(catalogue: Catalogue, service: str) -> dict[str, frozenset[str]]:
    """The types whose tags are overwritten, by the operation that makes them.

    Args:
        catalogue: The rows.
        service: The prefix of its actions, such as `ec2`.
    """
    found: dict[str, frozenset[str]] = {}
    for row in catalogue.rows.values():
        if of_service := frozenset(name for name in created_types(row) if name.partition(":")[0] == service):
            found[row.event_name] = found.get(row.event_name, frozenset()) | of_service
    return found


def is_overwritten(catalogue: Catalogue, operation: str, type_name: str) -> bool:
    """Whether a member may set our keys with this operation on what it makes of this type: they are overwritten.

    Args:
        catalogue: The rows.
        operation: As `ec2:CreateAction` has it, such as `RunInstances`.
        type_name: With its service, such as `ec2:volume`.
    """
    return type_name in overwritten_types(catalogue, type_name.partition(":")[0]).get(operation, frozenset())
