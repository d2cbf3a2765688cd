"""What is left out of a deployment, what is told of it, and which steps that leaves."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from ownertag.rollout.deploy.destroy import to_destroy
from ownertag.rollout.deploy.instances import removed_places
from ownertag.rollout.deploy.left_out import SKIPPED, left_out
from ownertag.rollout.deploy.steps import left_stacks, to_apply
from ownertag.rollout.deploy.told import MOST_TOLD, still_there, to_tell
from ownertag.rollout.deploy.values import (
    Current,
    DropInstances,
    DropStack,
    ForgetInstances,
    Members,
    PutInstances,
    StackInstance,
    StackState,
    Step,
    Why,
)
from rollout.deploy.world import DATA, HUB, MANAGEMENT, OTHER, OTHER_UNIT, ROOT, UNIT, WEB, all_of, settings, wanted

TO = wanted()
THERE = all_of(TO)
RULES = TO.rules.name
HOME, ABROAD = "eu-central-1", "us-west-2"
DENIAL = "User: x is not authorized to perform: sqs:CreateQueue with an explicit deny in a service control policy"


def rules(*instances: StackInstance, **members: object) -> Current:
    """All is there, with these instances in place of those of the same account and Region."""
    instead = {(instance.account, instance.region) for instance in instances}
    state = THERE.stack_sets[RULES]
    kept = [instance for instance in state.instances if (instance.account, instance.region) not in instead]
    changed = replace(state, instances=tuple(sorted((*kept, *instances))))
    known = replace(THERE.members, **members)
    return replace(THERE, stack_sets={**THERE.stack_sets, RULES: changed}, members=known)


def pending(current: Current, *, retry: bool = False) -> list[Step]:
    return [step for step in to_apply(TO, current, retry=retry) if step.task is not None]


def states(**changes: str) -> dict[str, str]:
    return {**THERE.members.states, **{account.removeprefix("a"): state for account, state in changes.items()}}


@dataclass(frozen=True)
class Case:
    """An instance that lacks its stack, and why that is so."""

    instance: StackInstance
    why: Why | None
    members: Members = THERE.members
    fresh: bool = False


FAILED = StackInstance(WEB, ABROAD, UNIT, "OUTDATED", "it failed", "FAILED")
SUSPENDED = StackInstance(WEB, ABROAD, "", "OUTDATED", "This account is suspended.", SKIPPED)
CASES = {
    "it failed": Case(FAILED, None),
    "its account is suspended": Case(SUSPENDED, Why.INACTIVE, Members({WEB: "SUSPENDED"})),
    "its account closes, and nothing was tried since": Case(
        StackInstance(WEB, ABROAD, UNIT), Why.INACTIVE, Members({WEB: "PENDING_CLOSURE"})
    ),
    "its account is not open yet": Case(FAILED, Why.INACTIVE, Members({WEB: "PENDING_ACTIVATION"})),
    "its account is one of no organization": Case(FAILED, Why.LEFT, Members({})),
    "its account was suspended and is open": Case(SUSPENDED, None),
    "its account was suspended a moment ago": Case(SUSPENDED, Why.INACTIVE, fresh=True),
    "its Region is denied": Case(replace(FAILED, reason=DENIAL), Why.DENIED),
    "a resource policy denies": Case(replace(FAILED, reason=DENIAL.replace("service", "resource")), None),
    "it was denied, and is well now": Case(replace(FAILED, status="CURRENT", reason=DENIAL), None),
    "its account has not enabled the Region": Case(
        FAILED, Why.NOT_ENABLED, replace(THERE.members, not_enabled=frozenset({(WEB, ABROAD)}))
    ),
    "another account has not enabled the Region": Case(
        FAILED, None, replace(THERE.members, not_enabled=frozenset({(DATA, ABROAD)}))
    ),
    "the management account has disabled the Region": Case(
        replace(FAILED, status="CURRENT"), Why.DISABLED, replace(THERE.members, disabled=frozenset({ABROAD}))
    ),
    "a deletion failed": Case(replace(FAILED, status="INOPERABLE"), Why.INOPERABLE),
    "a deletion was denied": Case(replace(FAILED, status="INOPERABLE", reason=DENIAL), Why.INOPERABLE),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_instance_is_left_out_for_one_reason(case: Case) -> None:
    found = left_out([case.instance], case.members, HOME, fresh=case.fresh)
    assert found == ({case.instance: case.why} if case.why else {})


def test_a_denial_in_the_home_region_makes_every_other_of_the_account_a_failure() -> None:
    there = [replace(FAILED, region=region, reason=DENIAL) for region in (HOME, ABROAD)]
    elsewhere = replace(FAILED, account=DATA, reason=DENIAL)
    assert left_out([*there, elsewhere], THERE.members, HOME) == {elsewhere: Why.DENIED}


def test_what_is_left_out_is_tried_no_more_and_what_failed_is() -> None:
    assert [step.changes for step in pending(rules(FAILED))] == [(f"repeat in {WEB} {ABROAD}: it failed",)]
    for instance in (replace(FAILED, reason=DENIAL), replace(FAILED, status="INOPERABLE")):
        assert pending(rules(instance)) == []
    assert pending(rules(SUSPENDED, states=states(**{f"a{WEB}": "SUSPENDED"}))) != []  # it is in the unit's list yet
    assert pending(rules(replace(FAILED, reason=DENIAL)), retry=True) != []


def test_an_account_that_is_open_again_is_deployed_to_as_one_that_lacks_its_stack() -> None:
    [step] = pending(rules(SUSPENDED))
    assert step.task == PutInstances(RULES, (UNIT,), (ABROAD,))


def test_only_the_instance_is_deleted_where_there_is_no_stack_to_delete() -> None:
    """Of a Region that goes: in one account there is a stack, in another it was denied from the beginning."""
    gone = "eu-west-1"
    well = StackInstance(DATA, gone, UNIT, stack="arn:stack")
    denied = StackInstance(WEB, gone, UNIT, "OUTDATED", DENIAL, "FAILED")
    [step] = pending(rules(well, denied))
    assert step.task == DropInstances(RULES, (UNIT,), (gone,), (), ((WEB, gone),))
    assert removed_places(TO, rules(well, denied)) == {(DATA, gone)}


@pytest.mark.parametrize(
    ("instance", "members"),
    [
        (StackInstance(WEB, "eu-west-1", "", "OUTDATED", "", SKIPPED), {"states": states(**{f"a{WEB}": "SUSPENDED"})}),
        (StackInstance(OTHER, "eu-west-1", UNIT), {"states": {WEB: "ACTIVE", DATA: "ACTIVE", HUB: "ACTIVE"}}),
        (StackInstance(WEB, "eu-west-1", UNIT), {"disabled": frozenset({"eu-west-1"})}),
        (StackInstance(WEB, "eu-west-1", UNIT, "INOPERABLE", "x", stack="arn:stack"), {}),
        (
            StackInstance(WEB, "eu-west-1", UNIT, "OUTDATED", "x", stack="arn:stack"),
            {"not_enabled": frozenset({(WEB, "eu-west-1")})},
        ),
    ],
)
def test_nothing_is_deleted_where_stacksets_does_not_get_in(
    instance: StackInstance, members: dict[str, object]
) -> None:
    current = rules(instance, **members)
    assert pending(current) == []
    assert removed_places(TO, current) == set()
    assert to_tell(TO, current)


def test_single_accounts_lose_no_region_that_another_loses() -> None:
    """One account is in no unit any more, another has a Region too many: neither takes the other's Regions along."""
    moved = [StackInstance(OTHER, region, UNIT, stack="arn:stack") for region in (HOME, ABROAD)]
    lone = StackInstance(WEB, "eu-west-1", "", stack="arn:stack")
    tasks = {step.task for step in pending(rules(*moved, lone))}
    assert tasks == {
        DropInstances(RULES, (ROOT,), (HOME, ABROAD), (OTHER,)),
        DropInstances(RULES, (ROOT,), ("eu-west-1",), (WEB,)),
    }


def test_a_unit_that_is_no_more_is_cleared_under_the_root() -> None:
    current = replace(rules(StackInstance(OTHER, ABROAD, OTHER_UNIT)), units_gone=frozenset({OTHER_UNIT}))
    [step] = pending(current)
    assert step.task == DropInstances(RULES, (ROOT,), (ABROAD,), (OTHER,))


def test_the_management_accounts_own_stack_in_a_region_that_goes_is_deleted() -> None:
    key = (MANAGEMENT, "eu-west-1", RULES)
    current = replace(THERE, stacks={**THERE.stacks, key: StackState("CREATE_COMPLETE", "x", {})})
    assert left_stacks(TO, current) == [key]
    assert [step.task for step in pending(current)] == [DropStack(*key)]
    assert DropStack(*key) in [step.task for step in to_destroy(TO, current)]


def test_taking_away_forgets_the_instances_of_closed_accounts_and_no_others() -> None:
    current = rules(SUSPENDED, states=states(**{f"a{WEB}": "SUSPENDED"}))
    tasks = [step.task for step in to_destroy(TO, current)]
    # Its instance of the roles was not tried since.
    assert [task for task in tasks if isinstance(task, ForgetInstances)] == [
        ForgetInstances(RULES, (ROOT, UNIT), tuple(sorted(TO.rules.regions)), (WEB,)),
        ForgetInstances(TO.roles.name, (ROOT, UNIT), (HOME,), (WEB,)),
    ]
    assert not [task for task in tasks if isinstance(task, DropInstances) and "" in task.units]


def test_each_reason_is_told_once_with_what_to_do() -> None:
    current = rules(
        replace(FAILED, reason=DENIAL),
        StackInstance(DATA, ABROAD, UNIT, "INOPERABLE", "it failed", stack="arn:aws:cloudformation:x:y:stack/S-1/z"),
        states=states(**{f"a{OTHER}": "SUSPENDED"}),
        disabled=frozenset({"af-south-1"}),
    )
    to = wanted(settings(regions=(HOME, ABROAD, "us-east-1", "af-south-1")))
    notes = to_tell(to, current, {(WEB, "eu-west-1"): "sts:AssumeRole is missing"}, whole=True)
    assert {note.why: note.places for note in notes} == {
        Why.INACTIVE: ((OTHER, ""),),
        Why.DENIED: ((WEB, ABROAD),),
        Why.DISABLED: (("", "af-south-1"),),
        Why.INOPERABLE: ((DATA, ABROAD),),
        Why.UNREAD: ((WEB, "eu-west-1"),),
        Why.NOT_LOOKED: (("", "af-south-1"),),
    }
    [mend] = [note for note in notes if note.serious]
    targets = f"OrganizationalUnitIds={UNIT},Accounts={DATA},AccountFilterType=INTERSECTION"
    forget = f" aws cloudformation delete-stack-instances --stack-set-name {RULES}"
    assert mend.advice[2:] == (
        f"{forget} --regions {ABROAD} --retain-stacks --deployment-targets {targets}",
        f" aws cloudformation delete-stack --region {ABROAD} --stack-name S-1",
        " ownertag deploy apply",
    )
    assert Why.DENIED not in {note.why for note in to_tell(to, current, retry=True)}


def test_of_many_instances_that_stay_only_some_are_told() -> None:
    many = [StackInstance(f"{number:012}", HOME, UNIT, "INOPERABLE", "it failed") for number in range(100)]
    said = still_there(RULES, many, dict.fromkeys(many, Why.INOPERABLE))
    assert said.count("it failed") == MOST_TOLD
    assert said.endswith(f"and {100 - MOST_TOLD} more")
    closed = still_there(RULES, many, dict.fromkeys(many, Why.INACTIVE))
    assert "100 accounts" in closed
    assert len(closed.splitlines()) == 2
