"""Renders the audit role's managed policies: what an inventory lists.

They read what there is and its tags, and nothing that is kept in it: an action that could do more is bound to the
resources that are listed. What some lists show beside that is in `docs/reference/inventory.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ownertag.catalogue.lists import ListEntry
from ownertag.core.catalogue_types import Catalogue
from ownertag.render.documents import AUDIT_POLICY, PolicyDocument, Statement, TooLong, arn, compact, filled, policy
from ownertag.render.tagger import MAX_MANAGED_POLICIES, MAX_MANAGED_POLICY

IN_BULK = "tag:GetResources"
#: Actions that read more than lists and tags on any resource, with the resources that they are for.
#: API Gateway's GET reads keys as well (doc: service authorization reference), and Keyspaces' Select reads rows: what
#: there is stands in the system's tables (doc: Amazon Keyspaces, "Identity-based policy examples").
BOUND: Mapping[str, tuple[str, ...]] = {
    "apigateway:GET": (
        arn("apigateway", "/apis", account="", region="*"),
        arn("apigateway", "/restapis", account="", region="*"),
        arn("apigateway", "/tags/*", account="", region="*"),
    ),
    "cassandra:Select": (arn("cassandra", "/keyspace/system*", region="*"),),
}
# The longest that stand for a pseudo parameter: what AWS counts is the document as it is in an account.
_LONGEST = {"AWS::Partition": "aws-us-gov", "AWS::AccountId": "0" * 12}


def inventory_actions(catalogue: Catalogue, lists: Mapping[str, ListEntry]) -> frozenset[str]:
    """The actions that an inventory calls."""
    return frozenset(_actions(catalogue, lists))


def _actions(catalogue: Catalogue, lists: Mapping[str, ListEntry]) -> Iterator[str]:
    yield IN_BULK
    for name, kind in catalogue.types.items():
        entry = lists.get(name)
        if entry is None or entry.none:
            continue
        yield entry.action
        if entry.detail:
            yield entry.detail.action
        yield from catalogue.tag_apis[kind.tag_api].needs if kind.tag_api else ()
        api = catalogue.tag_apis.get(kind.tag_api)
        if api and api.read and entry.tags_alone:
            yield api.read.action


def audit_policies(catalogue: Catalogue, lists: Mapping[str, ListEntry]) -> dict[str, PolicyDocument]:
    """The managed policies of the audit role, by name: the services in the order of their names.

    Raises:
        TooLong: The role would need more policies than AWS attaches.
    """
    by_service: dict[str, list[str]] = {}
    for action in sorted(inventory_actions(catalogue, lists)):
        by_service.setdefault(action.partition(":")[0], []).append(action)
    found: list[list[str]] = []
    for actions in by_service.values():
        if found and _length([*found[-1], *actions]) <= MAX_MANAGED_POLICY:
            found[-1] += actions
        else:
            found.append([*actions])
    if len(found) > MAX_MANAGED_POLICIES or any(_length(actions) > MAX_MANAGED_POLICY for actions in found):
        raise TooLong(f"the audit role needs {len(found)} managed policies, and AWS attaches {MAX_MANAGED_POLICIES}")
    return {f"{AUDIT_POLICY}-{number}": _document(actions) for number, actions in enumerate(found, 1)}


def _document(actions: Iterable[str]) -> PolicyDocument:
    anywhere = [action for action in actions if action not in BOUND]
    statements: list[Statement] = [
        {"Sid": "ListResources", "Effect": "Allow", "Action": anywhere, "Resource": "*"},
    ]
    statements += [
        {
            "Sid": f"ListIn{action.partition(':')[0].title()}",
            "Effect": "Allow",
            "Action": action,
            "Resource": list(BOUND[action]),
        }
        for action in actions
        if action in BOUND
    ]
    return policy(*statements)


def _length(actions: Iterable[str]) -> int:
    return len(compact(filled(_document(actions), _LONGEST)))
