"""Who may use which queue: the hub's with the operator's own credentials, a Region's with the redrive role."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

from msgspec import Struct

from ownertag.aws.credentials import patient_config
from ownertag.aws.errors import AWS_ERRORS, failure_of
from ownertag.aws.pacing import Pacing, Quotas
from ownertag.aws.sessions import Sessions
from ownertag.core.settings import OrganizationSettings
from ownertag.core.values import Failure
from ownertag.render.documents import REDRIVE_ROLE, UNDELIVERED
from ownertag.rollout.doctor.access import AccountAccess
from ownertag.rollout.redrive.queues import Queue

T = TypeVar("T")


class Site(Struct, frozen=True, order=True):
    """A queue, in an account and Region."""

    queue: str
    account: str
    region: str


class RedriveAccess:
    """Makes queues, and looks records up.

    Args:
        access: The operator's session in the hub's account.
        organization: Its hub and home Region.
        quotas: How often CloudTrail may be asked, in each account and Region.
    """

    def __init__(self, access: AccountAccess, organization: OrganizationSettings, quotas: Quotas) -> None:
        self._organization = organization
        self._hub = access.base.client("sqs", organization.home_region, config=patient_config())
        self._sessions = Sessions(
            access.base,
            role_name=REDRIVE_ROLE,
            region=access.region,
            now=access.now,
            config=access.config or patient_config(),
            pacing=Pacing(quotas, 1, patience=math.inf),
        )

    def hub(self, use: Callable[[Any], T]) -> T | Failure:
        """What `use` makes of an SQS client of the hub, or AWS's error."""
        try:
            return use(self._hub)
        except AWS_ERRORS as error:
            return failure_of(error)

    def queue(self, site: Site) -> Queue:
        """The queue."""
        if site.queue != UNDELIVERED:
            return Queue(self.hub, site.queue)
        return Queue(lambda use: self._sessions.call("sqs", site.account, site.region, use), site.queue)

    def record(self, site: Site, event_id: str) -> str | Failure | None:
        """The record of an event as CloudTrail lists it in the queue's account and Region; None if it lists none."""

        def use(cloudtrail: Any) -> str | None:
            wanted = [{"AttributeKey": "EventId", "AttributeValue": event_id}]
            events = cloudtrail.lookup_events(LookupAttributes=wanted).get("Events", [])
            found = [event for event in events if event.get("EventId") == event_id]
            return str(found[0]["CloudTrailEvent"]) if found else None

        return self._sessions.call("cloudtrail", site.account, site.region, use)
