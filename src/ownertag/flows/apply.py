"""A plan to outcomes: each write is tried, and what its errors mean is tried before an outcome stands."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from msgspec.structs import replace

from ownertag.core.catalogue_types import Catalogue
from ownertag.core.judge import Judgement, Remedy, judge
from ownertag.core.plan import age_of
from ownertag.core.settings import Settings
from ownertag.core.values import Failure, Outcome, OutcomeKind, Plan, Resource, Write
from ownertag.flows.ports import Ports

#: Splitting a thousand finds ten bad ids side by side with 30 failures on end; more means that no id is good.
MAX_FAILURES_ON_END = 32
#: For fewer resources than this, splitting costs no more calls than asking which of them exist.
ASK_FROM = 8

_OWNER_ALONE = Judgement(OutcomeKind.TAGGED, False, "the owner alone: there is no room for more tags")


def apply(plan: Plan, ports: Ports, catalogue: Catalogue, settings: Settings) -> dict[str, Outcome]:
    """Carry out a plan; every resource of its writes has an outcome, by ARN."""
    return _Application(plan, ports, catalogue, settings).run()


class _Application:
    """One plan being carried out."""

    def __init__(self, plan: Plan, ports: Ports, catalogue: Catalogue, settings: Settings) -> None:
        self._plan = plan
        self._ports = ports
        self._catalogue = catalogue
        self._settings = settings
        self._outcomes: dict[str, Outcome] = {}
        self._throttled: set[tuple[str, str]] = set()
        now = ports.now()
        self._ages: dict[str, timedelta] = {}
        for decision in plan.decisions:
            age = age_of(decision.creation, now)
            for resource in decision.resources:
                self._ages[resource.arn] = min(age, self._ages.get(resource.arn, age))

    def run(self) -> dict[str, Outcome]:
        places: dict[tuple[str, str], list[Write]] = {}
        for write in self._plan.writes:
            places.setdefault((write.account, write.region), []).append(write)
        # Who has most to write comes last: its calls may have to wait, and the others' need not.
        self._ports.concurrency([partial(self._carry_out_all, place) for place in sorted(places.values(), key=len)])
        return self._outcomes

    def _carry_out_all(self, writes: list[Write]) -> None:
        """The writes of one account and Region."""
        for write in writes:
            self._carry_out(write)

    def _carry_out(self, whole: Write) -> None:
        """Write, and split off what fails: one bad id must not cost its siblings."""
        left = [whole]
        failures_on_end = 0
        asked = False
        while left:
            write = left.pop()
            place = (write.account, write.region)
            if place in self._throttled:
                self._settle(write, Judgement(OutcomeKind.THROTTLED, True, "the account is throttled in this Region"))
                continue
            if self._ports.expired():
                self._settle(write, Judgement(OutcomeKind.THROTTLED, True, "there was no time left for it"))
                continue
            failure = self._ports.tagger.write(write)
            if failure is None and write.tags == whole.tags:
                failures_on_end = 0
                self._settle(write, Judgement(OutcomeKind.TAGGED, False, ""))
                continue
            if failure is None:
                self._settle(write, _OWNER_ALONE)
                continue
            failures_on_end += 1
            judged = self._judge(failure, write, write.resources[0])
            many = len(write.resources) > 1
            no_use = failures_on_end > MAX_FAILURES_ON_END
            alone = self._owner_alone(write) if judged.remedy is Remedy.OWNER_ALONE else None
            if judged.outcome is OutcomeKind.THROTTLED:
                self._throttled.add(place)
                self._settle(write, judged)
            elif alone and (no_use or not many):
                left.append(alone)
            elif no_use:
                self._settle(write, replace(judged, is_retried=True))
            elif many and judged.remedy in {Remedy.SPLIT, Remedy.OWNER_ALONE}:
                present = None
                if not asked and judged.outcome in {OutcomeKind.NOT_READY, OutcomeKind.GONE}:
                    asked = True
                    present = self._present(write, failure)
                left += _halves(write) if present is None else present
            else:
                self._settle_each(write, failure)

    def _judge(self, failure: Failure, write: Write, resource: Resource) -> Judgement:
        return judge(failure, self._ages.get(resource.arn), write.region)

    def _settle(self, write: Write, judged: Judgement) -> None:
        for resource in write.resources:
            self._outcomes[resource.arn] = Outcome(resource.arn, judged.outcome, judged.reason, judged.is_retried)

    def _settle_each(self, write: Write, failure: Failure) -> None:
        """The same error means another thing for a young resource than for an old one."""
        for resource in write.resources:
            self._settle(replace(write, resources=(resource,)), self._judge(failure, write, resource))

    def _present(self, write: Write, failure: Failure) -> list[Write] | None:
        """The same write without what can't be found, which is settled here; None if asking doesn't tell."""
        missing: set[Resource] = set()
        by_type: dict[str, list[Resource]] = {}
        for resource in write.resources:
            by_type.setdefault(resource.type, []).append(resource)
        for name, resources in by_type.items():
            lookup = self._catalogue.types[name].lookup
            if lookup is None or len(resources) < ASK_FROM or self._ports.expired():
                continue
            present = self._ports.lookups.present(write.account, write.region, lookup, [each.id for each in resources])
            if not isinstance(present, Failure):
                missing.update(each for each in resources if each.id not in present)
        if not missing:
            return None
        gone = tuple(each for each in write.resources if each in missing)
        self._settle_each(replace(write, resources=gone), failure)
        there = tuple(each for each in write.resources if each not in missing)
        return [replace(write, resources=there)] if there else []

    def _owner_alone(self, write: Write) -> Write | None:
        """There is no room for all the tags: the owner's name goes first. None where it is alone already."""
        tags = tuple(pair for pair in write.tags if pair[0] in self._settings.owner_keys)
        return replace(write, tags=tags) if tags and tags != write.tags else None


def _halves(write: Write) -> list[Write]:
    """Two writes of half the resources each, the first to be taken last from the list."""
    middle = len(write.resources) // 2
    return [
        replace(write, resources=write.resources[middle:]),
        replace(write, resources=write.resources[:middle]),
    ]
