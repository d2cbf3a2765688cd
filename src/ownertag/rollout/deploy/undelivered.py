"""Looks whether events wait in queues that would be deleted: they would be lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from ownertag.render.documents import UNDELIVERED
from ownertag.rollout.deploy.clients import Clients
from ownertag.rollout.deploy.desired import Desired
from ownertag.rollout.deploy.failures import DeployError, explained
from ownertag.rollout.deploy.instances import deployed_places, removed_places
from ownertag.rollout.deploy.steps import left_stacks
from ownertag.rollout.deploy.told import MOST_TOLD
from ownertag.rollout.deploy.values import Current

_AT_ONCE = 8
_Where = tuple[str, str]


def check_empty(clients: Clients, desired: Desired, current: Current, recreate: frozenset[str]) -> dict[_Where, str]:
    """Checks that no event waits in a queue of the accounts whose stacks are recreated, or of a Region that goes.

    Returns:
        The accounts and Regions that go and could not be looked into, and why: not every account lets somebody look.

    Raises:
        DeployError: One waits, or an account that is to be recreated is not deployed to or can't be looked into.
    """
    organization = desired.organization
    known = frozenset({organization.management_account}).union(*current.accounts.values())
    if unknown := sorted(recreate - known):
        raise DeployError(f"account {unknown[0]}: is not one of those that ownertag is deployed to")
    anew = {(account, region) for account in recreate for region in desired.rules.regions}
    gone = removed_places(desired, current) | {key[:2] for key in left_stacks(desired, current)}
    found = _waiting_in(clients, anew | gone)
    for (account, region), waiting in found.items():
        if isinstance(waiting, str) and (account, region) in anew:
            raise DeployError(waiting)
    if lines := [
        f"{_waits(account, region, waiting)}: put them back first, with `ownertag redrive --queue undelivered "
        f"--accounts {account} --regions {region}` in the hub's account"
        for (account, region), waiting in found.items()
        if isinstance(waiting, int) and waiting
    ]:
        raise DeployError("\n".join(lines))
    return _unread(found)


def check_all_empty(clients: Clients, desired: Desired, current: Current) -> dict[_Where, str]:
    """Checks that no event waits in any Region's queue: after the hub nobody could put it back.

    Returns:
        The accounts and Regions that could not be looked into, and why.

    Raises:
        DeployError: One waits.
    """
    found = _waiting_in(clients, deployed_places(desired, current))
    waiting = {place: events for place, events in found.items() if isinstance(events, int) and events}
    if waiting:
        lines = [_waits(*place, events) for place, events in sorted(waiting.items())[:MOST_TOLD]]
        if len(waiting) > MOST_TOLD:
            lines.append(f"and so in {len(waiting) - MOST_TOLD} more accounts and Regions")
        lines.append(
            "put them back first, with `ownertag redrive --queue undelivered` in the hub's account; --drop-undelivered "
            "deletes them, and what they created stays without an owner"
        )
        raise DeployError("\n".join(lines))
    return _unread(found)


def _waits(account: str, region: str, events: int) -> str:
    said = "1 event waits" if events == 1 else f"{events} events wait"
    return f"account {account}: {said} in queue {UNDELIVERED} in {region}, and would be lost"


def _unread(found: Mapping[_Where, int | str]) -> dict[_Where, str]:
    return {place: waiting for place, waiting in found.items() if isinstance(waiting, str)}


def _waiting_in(clients: Clients, places: Iterable[_Where]) -> dict[_Where, int | str]:
    """How many events wait in each place, or why it could not be looked into."""

    def one(place: _Where) -> int | str:
        account, region = place
        try:
            with explained(account, f"look into queue {UNDELIVERED} in {region}"):
                return _waiting(clients.of(account, "sqs", region))
        except DeployError as error:
            return str(error)

    ordered = sorted(places)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(ordered, pool.map(one, ordered), strict=True))


def _waiting(sqs: Any) -> int:
    try:
        url = sqs.get_queue_url(QueueName=UNDELIVERED)["QueueUrl"]
    except ClientError as error:
        if error.response["Error"]["Code"].endswith(("NonExistentQueue", "QueueDoesNotExist")):
            return 0
        raise
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)
