"""Carries out plans: tries each write, and the remedy of its error, before an outcome is final."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from msgspec.structs import replace

from ownertag.core.catalogue_types import Catalogue
from ownertag.core.decide import age_of
from ownertag.core.judge import Judgement, Remedy, judge
from ownertag.core.settings import Settings
from ownertag.core.values import Failure, Outcome, OutcomeKind, Plan, Resource, TagPairs, Write
from ownertag.flows.ports import Ports

#: Splitting a thousand finds ten bad ids side by side with 30 failures on end; more means that no id is good.
MAX_FAILURES_ON_END = 32
#: For fewer resources than this, splitting costs no more calls than asking which of them exist.
ASK_FROM = 8

_TAGGED = Judgement(OutcomeKind.TAGGED, False, "")
_OWNER_ALONE = Judgement(OutcomeKind.TAGGED, False, "the owner alone: there is no room for more tags")
_THROTTLED = Judgement(OutcomeKind.THROTTLED, True, "the service is throttled in the account and Region")
_NO_TIME = Judgement(OutcomeKind.THROTTLED, True, "there was no time left for it")


def apply(plan: Plan, ports: Ports, catalogue: Catalogue, settings: Settings) -> dict[str, Outcome]:
    """Carries out a plan; every resource of its writes has an outcome, by ARN."""
    now = ports.now()
    ages: dict[str, timedelta] = {}
    for decision in plan.decisions:
        age = age_of(decision.creation, now)
        for resource in decision.resources:
            ages[resource.arn] = min(age, ages.get(resource.arn, age))
    return apply_writes(plan.writes, ages, ports, catalogue, settings)


def apply_writes(
    writes: Iterable[Write], ages: Mapping[str, timedelta], ports: Ports, catalogue: Catalogue, settings: Settings
) -> dict[str, Outcome]:
    """Carries out writes; every resource of them has an outcome, by ARN. `ages` has the age of each, by ARN."""
    return _Application(writes, ages, ports, catalogue, settings).run()


@dataclass
class _Attempts:
    """How the calls for one write of the plan went so far.

    Attributes:
        tags: Those of the write in the plan.
        failures_on_end: How many calls failed since the last success.
        checked: Whether it was looked up which of its resources exist.
    """

    tags: TagPairs
    failures_on_end: int = 0
    checked: bool = False


class _Application:
    """Writes being carried out."""

    def __init__(
        self,
        writes: Iterable[Write],
        ages: Mapping[str, timedelta],
        ports: Ports,
        catalogue: Catalogue,
        settings: Settings,
    ) -> None:
        self._writes = writes
        self._ages = ages
        self._ports = ports
        self._catalogue = catalogue
        self._settings = settings
        self._outcomes: dict[str, Outcome] = {}
        # By account, Region and client: one service that is throttled must not hold up the others.
        self._throttled: set[tuple[str, str, str]] = set()

    def run(self) -> dict[str, Outcome]:
        places: dict[tuple[str, str], list[Write]] = {}
        for write in self._writes:
            places.setdefault((write.account, write.region), []).append(write)
        # Who has most to write comes last: its calls may have to wait, and the others' need not.
        self._ports.concurrency([partial(self._carry_out_all, place) for place in sorted(places.values(), key=len)])
        return self._outcomes

    def _carry_out_all(self, writes: list[Write]) -> None:
        """The writes of one account and Region."""
        for write in writes:
            self._carry_out(write)

    def _carry_out(self, planned: Write) -> None:
        """Writes, and splits off what fails: one bad id must not cost its siblings."""
        attempts = _Attempts(planned.tags)
        pending = [planned]
        while pending:
            pending += self._try(pending.pop(), attempts)

    def _try(self, write: Write, attempts: _Attempts) -> list[Write]:
        """Makes one call; returns the writes to try after it, the next one last."""
        if self._service(write) in self._throttled:
            self._settle(write, _THROTTLED)
            return []
        if self._ports.expired():
            self._settle(write, _NO_TIME)
            return []
        result = self._ports.tagger.write(write)
        if isinstance(result, Failure):
            attempts.failures_on_end += 1
            return self._after_failure(write, result, attempts)
        if result:
            return self._after_some_failed(write, result, attempts)
        self._succeeded(write, attempts)
        return []

    def _service(self, write: Write) -> tuple[str, str, str]:
        return write.account, write.region, self._catalogue.tag_apis[write.tag_api].client

    def _succeeded(self, write: Write, attempts: _Attempts) -> None:
        if write.tags == attempts.tags:
            attempts.failures_on_end = 0
            self._settle(write, _TAGGED)
        else:
            self._settle(write, _OWNER_ALONE)

    def _after_some_failed(self, write: Write, failures: Mapping[str, Failure], attempts: _Attempts) -> list[Write]:
        """The call was carried out for some: each of the others is settled by its own failure, or tried again."""
        written = tuple(resource for resource in write.resources if resource.arn not in failures)
        if written:
            self._succeeded(replace(write, resources=written), attempts)
        again: list[Write] = []
        for resource in write.resources:
            if resource.arn in failures:
                again += self._after_failure(replace(write, resources=(resource,)), failures[resource.arn], attempts)
        return again

    def _after_failure(self, write: Write, failure: Failure, attempts: _Attempts) -> list[Write]:
        """Settles a write that failed, or returns the writes to try instead."""
        judged = self._judge(failure, write, write.resources[0])
        if judged.outcome is OutcomeKind.THROTTLED:
            self._throttled.add(self._service(write))
            self._settle(write, judged)
            return []
        many = len(write.resources) > 1
        no_use = attempts.failures_on_end > MAX_FAILURES_ON_END
        owner_alone = self._owner_alone(write) if judged.remedy is Remedy.OWNER_ALONE else None
        if owner_alone and (no_use or not many):
            return [owner_alone]
        if no_use:
            self._settle(write, replace(judged, is_retried=True))
            return []
        if not many or judged.remedy not in {Remedy.SPLIT, Remedy.OWNER_ALONE}:
            self._settle_each(write, failure)
            return []
        if judged.outcome in {OutcomeKind.NOT_READY, OutcomeKind.GONE} and not attempts.checked:
            attempts.checked = True
            present = self._present(write, failure)
            if present is not None:
                return present
        return _halves(write)

    def _judge(self, failure: Failure, write: Write, resource: Resource) -> Judgement:
        return judge(failure, self._ages.get(resource.arn), write.region)

    def _settle(self, write: Write, judged: Judgement) -> None:
        for resource in write.resources:
            self._outcomes[resource.arn] = Outcome(
                resource.arn, judged.outcome, judged.reason, judged.is_retried, judged.not_sent
            )

    def _settle_each(self, write: Write, failure: Failure) -> None:
        """Settles each resource by its age: an error means another thing for a young one than for an old one."""
        for resource in write.resources:
            self._settle(replace(write, resources=(resource,)), self._judge(failure, write, resource))

    def _present(self, write: Write, failure: Failure) -> list[Write] | None:
        """The same write without resources that can't be found, which are settled here; None if all may exist."""
        missing: set[Resource] = set()
        by_type: dict[str, list[Resource]] = {}
        for resource in write.resources:
            by_type.setdefault(resource.type, []).append(resource)
        for type_name, resources in by_type.items():
            lookup = self._catalogue.types[type_name].lookup
            if lookup is None or len(resources) < ASK_FROM or self._ports.expired():
                continue
            ids = [resource.id for resource in resources]
            present = self._ports.lookups.present(write.account, write.region, lookup, ids)
            if not isinstance(present, Failure):
                missing.update(resource for resource in resources if resource.id not in present)
        if not missing:
            return None
        absent = tuple(resource for resource in write.resources if resource in missing)
        self._settle_each(replace(write, resources=absent), failure)
        found = tuple(resource for resource in write.resources if resource not in missing)
        return [replace(write, resources=found)] if found else []

    def _owner_alone(self, write: Write) -> Write | None:
        """The write of the owner's name alone, where there is no room for all tags; None where it is alone already."""
        tags = tuple(pair for pair in write.tags if pair[0] in self._settings.owner_keys)
        return replace(write, tags=tags) if tags and tags != write.tags else None


def _halves(write: Write) -> list[Write]:
    """Two writes of half the resources each, the first to be taken last from the list."""
    middle = len(write.resources) // 2
    return [
        replace(write, resources=write.resources[middle:]),
        replace(write, resources=write.resources[:middle]),
    ]
