"""What differs becomes a step; what is as it should be becomes none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from harness import fixtures
from ownertag.core.settings import SettingsError
from ownertag.core.settings_file import read_settings
from ownertag.rollout.deploy.desired import Desired
from ownertag.rollout.deploy.destroy import to_destroy
from ownertag.rollout.deploy.failures import DeployError
from ownertag.rollout.deploy.steps import to_apply
from ownertag.rollout.deploy.values import (
    Action,
    Attach,
    Current,
    Detach,
    DropInstances,
    DropPolicy,
    PolicyState,
    PutInstances,
    PutPolicy,
    PutStack,
    ReadAccounts,
    RemakeInstances,
    RemakeStack,
    StackInstance,
    Stage,
    Step,
)
from rollout.deploy.world import (
    DATA,
    HUB,
    MANAGEMENT,
    OTHER,
    OTHER_UNIT,
    PACKAGE,
    REGIONS,
    ROOT,
    UNIT,
    WEB,
    all_of,
    nothing,
    settings,
    wanted,
)

TO = wanted()
THERE = all_of(TO)
POLICIES = THERE.policies
FIRST, *FURTHER = POLICIES
LAST = FURTHER[-1]
assert FIRST != LAST
RULES, ROLES, HUB_STACK = TO.rules.name, TO.roles.name, TO.hub.name


def policies(name: str, **changed: Any) -> Current:
    return replace(THERE, policies={**POLICIES, name: replace(POLICIES[name], **changed)})


def pending(current: Current, to: Desired = TO) -> list[Step]:
    return [step for step in to_apply(to, current) if step.task is not None]


def test_nothing_is_left_to_do_where_all_is_there() -> None:
    steps = to_apply(TO, THERE)
    assert {step.action for step in steps} == {Action.KEEP}
    assert not any(step.task or step.diff or step.changes for step in steps)


def test_into_an_empty_organization_everything_comes_in_its_order() -> None:
    steps = to_apply(TO, nothing(TO))
    assert {step.action for step in steps} == {Action.CREATE}
    assert [step.what for step in steps] == [
        "access of StackSets to the organization",
        "permission for the hub to read the accounts",
        "service control policies in the organization",
        f"bucket ownertag-packages-{HUB}-eu-central-1",
        f"package {PACKAGE.key}",
        "stack ownertag-hub",
        "stack ownertag-spoke-account",
        "stack set ownertag-spoke-account",
        f"stack set ownertag-spoke-account in {UNIT}",
        *["stack ownertag-spoke-region"] * 3,
        "stack set ownertag-spoke-region",
        f"stack set ownertag-spoke-region in {UNIT}",
        *(f"service control policy {name}" for name in POLICIES),
        *(f"policy {name} on {UNIT}" for name in POLICIES),
    ]
    assert [step.stage for step in steps] == sorted(step.stage for step in steps)
    assert {(step.account, step.region) for step in steps if step.what == "stack ownertag-spoke-region"} == {
        (MANAGEMENT, region) for region in REGIONS
    }


@dataclass(frozen=True)
class Difference:
    """Something that is not as it should be, and the one step that mends it."""

    current: Current
    what: str
    action: Action
    task: type
    says: str = ""
    to: Desired = TO


def stack_set(name: str, **changes: Any) -> Current:
    return replace(THERE, stack_sets={**THERE.stack_sets, name: replace(THERE.stack_sets[name], **changes)})


def stack(key: tuple[str, str, str], **changes: Any) -> Current:
    return replace(THERE, stacks={**THERE.stacks, key: replace(THERE.stacks[key], **changes)})


def without(name: str, *places: tuple[str, str]) -> Current:
    kept = tuple(
        instance for instance in THERE.stack_sets[name].instances if (instance.account, instance.region) not in places
    )
    return stack_set(name, instances=kept)


def with_more(name: str, *more: StackInstance) -> Current:
    return stack_set(name, instances=(*THERE.stack_sets[name].instances, *more))


IN_HUB = (HUB, "eu-central-1", HUB_STACK)
OLD_RULES = TO.rules.template.replace("ENABLED", "DISABLED")
OF_OTHERS = {"Sid": "Backup", "Effect": "Allow", "Principal": "*", "Action": "x", "Resource": "*"}
DIFFERENCES = {
    "stack sets are not allowed": Difference(
        replace(THERE, stack_sets_allowed=False), "access of StackSets", Action.CREATE, object
    ),
    "the hub may not read the accounts": Difference(
        replace(THERE, resource_policy=None), "permission for the hub", Action.CREATE, ReadAccounts, "OwnertagReads"
    ),
    "the organization has a policy of others": Difference(
        replace(THERE, resource_policy=json.dumps({"Version": "2012-10-17", "Statement": OF_OTHERS})),
        "permission for the hub",
        Action.UPDATE,
        ReadAccounts,
        '+      "Sid": "OwnertagReadsTheAccounts"',
    ),
    "policies are not enabled": Difference(
        replace(THERE, policy_types=frozenset()), "service control policies", Action.CREATE, object
    ),
    "the bucket is gone": Difference(replace(THERE, bucket=False), "bucket", Action.CREATE, object),
    "the package is new": Difference(replace(THERE, uploaded=False), "package", Action.CREATE, object),
    "the function is another": Difference(
        stack(IN_HUB, parameters={**TO.hub.parameters, "PackageKey": "old.zip"}),
        "stack ownertag-hub",
        Action.UPDATE,
        PutStack,
        "parameter PackageKey: 'old.zip' -> 'ownertag-0.1.0",
    ),
    "the hub's template is another": Difference(
        stack(IN_HUB, template=TO.hub.template.replace("Timeout: 180", "Timeout: 60")),
        "stack ownertag-hub",
        Action.UPDATE,
        PutStack,
        "+      Timeout: 180",
    ),
    "the hub's update failed and could not be rolled back": Difference(
        stack(IN_HUB, status="UPDATE_ROLLBACK_FAILED"), "stack ownertag-hub", Action.UPDATE, PutStack
    ),
    "the hub's creation failed": Difference(
        stack(IN_HUB, status="ROLLBACK_COMPLETE"), "stack ownertag-hub", Action.CREATE, PutStack
    ),
    "the hub was only looked at": Difference(
        stack(IN_HUB, status="REVIEW_IN_PROGRESS"), "stack ownertag-hub", Action.CREATE, PutStack
    ),
    "the rules are old": Difference(
        stack_set(RULES, template=OLD_RULES), f"stack set {RULES}", Action.UPDATE, object, "+      State: ENABLED"
    ),
    "new accounts would get nothing": Difference(
        stack_set(ROLES, auto_deployment=False), f"stack set {ROLES}", Action.UPDATE, object, "new accounts"
    ),
    "an instance is not current": Difference(
        stack_set(
            RULES,
            instances=(
                replace(THERE.stack_sets[RULES].instances[0], status="OUTDATED", reason="access denied"),
                *THERE.stack_sets[RULES].instances[1:],
            ),
        ),
        f"stack set {RULES}",
        Action.UPDATE,
        object,
        f"repeat in {HUB} eu-central-1: access denied",
    ),
    "an account has no roles": Difference(
        without(ROLES, (WEB, "eu-central-1")),
        f"stack set {ROLES} in {UNIT}",
        Action.UPDATE,
        PutInstances,
        f"add in eu-central-1: {WEB}",
    ),
    "a Region has no rules": Difference(
        without(RULES, *((account, "us-west-2") for account in (HUB, WEB, DATA))),
        f"stack set {RULES} in {UNIT}",
        Action.UPDATE,
        PutInstances,
        "add in us-west-2: 111122223333, 444455556666, 777788889999",
    ),
    "a Region too many": Difference(
        with_more(RULES, StackInstance(WEB, "eu-west-1", UNIT)),
        f"stack set {RULES} in {UNIT}",
        Action.DELETE,
        DropInstances,
        f"delete in eu-west-1: {WEB}",
    ),
    "a unit too many": Difference(
        with_more(RULES, StackInstance(OTHER, "us-east-1", OTHER_UNIT)),
        f"stack set {RULES} in {OTHER_UNIT}",
        Action.DELETE,
        DropInstances,
        "delete in us-east-1: 999999999999",
    ),
    "the policy is old": Difference(
        policies(FIRST, content='{"Statement": []}'),
        "service control policy ownertag",
        Action.UPDATE,
        PutPolicy,
        '+      "Sid": "DenyForgedTags1"',
    ),
    "the policy is not attached": Difference(
        policies(FIRST, targets=frozenset()),
        f"policy ownertag on {UNIT}",
        Action.CREATE,
        Attach,
    ),
    "the policy is attached to another unit": Difference(
        policies(FIRST, targets=frozenset({UNIT, OTHER_UNIT})),
        f"policy ownertag on {OTHER_UNIT}",
        Action.DELETE,
        Detach,
    ),
}


@pytest.mark.parametrize("difference", DIFFERENCES.values(), ids=DIFFERENCES)
def test_each_difference_is_one_step(difference: Difference) -> None:
    [step] = pending(difference.current, difference.to)
    assert step.what.startswith(difference.what)
    assert step.action is difference.action
    assert isinstance(step.task, difference.task)
    assert difference.says in "\n".join((*step.changes, step.diff))


def test_an_update_that_was_rolled_back_to_what_should_be_there_is_well() -> None:
    assert pending(stack(IN_HUB, status="UPDATE_ROLLBACK_COMPLETE")) == []


def test_a_delegated_administrator_reads_the_accounts_already() -> None:
    current = replace(THERE, resource_policy=None, administrators=frozenset({HUB}))
    assert pending(current) == []


def test_the_statements_of_others_stay() -> None:
    others = json.dumps({"Version": "2012-10-17", "Statement": [OF_OTHERS]})
    [step] = pending(replace(THERE, resource_policy=others))
    assert isinstance(step.task, ReadAccounts)
    assert json.loads(step.task.policy)["Statement"] == [OF_OTHERS, TO.read_accounts]
    back = [destroying.task for destroying in to_destroy(TO, replace(THERE, resource_policy=step.task.policy))]
    [left] = [task for task in back if isinstance(task, ReadAccounts)]
    assert json.loads(left.policy)["Statement"] == [OF_OTHERS]


def test_an_account_of_two_units_keeps_what_one_of_them_wants() -> None:
    """A unit that is widened to its parent: the instances are reported under the unit that they were made for."""
    theirs = tuple(replace(instance, unit=OTHER_UNIT) for instance in THERE.stack_sets[RULES].instances)
    assert pending(stack_set(RULES, instances=theirs)) == []


def test_only_the_accounts_that_are_not_wanted_go_from_a_unit_that_is_not() -> None:
    theirs = (
        *(replace(instance, unit=OTHER_UNIT) for instance in THERE.stack_sets[RULES].instances),
        StackInstance(OTHER, "us-east-1", OTHER_UNIT),
    )
    [step] = pending(stack_set(RULES, instances=theirs))
    assert step.task == DropInstances(RULES, (OTHER_UNIT,), ("us-east-1",), (OTHER,))


def test_an_instance_whose_unit_is_not_known_is_deleted_under_the_root() -> None:
    [step] = pending(with_more(RULES, StackInstance(OTHER, "us-east-1", "")))
    assert step.task == DropInstances(RULES, (ROOT,), ("us-east-1",), (OTHER,))


def test_an_account_is_made_anew_where_it_was_changed_by_hand() -> None:
    steps = [step for step in to_apply(TO, THERE, frozenset({WEB})) if step.task is not None]
    assert [step.task for step in steps] == [
        RemakeInstances(ROLES, UNIT, (WEB,), ("eu-central-1",)),
        RemakeInstances(RULES, UNIT, (WEB,), REGIONS),
    ]


def test_the_hubs_own_stack_is_put_back_in_place_and_the_management_accounts_are_made_anew() -> None:
    steps = [step for step in to_apply(TO, THERE, frozenset({HUB, MANAGEMENT})) if step.task is not None]
    assert [(step.what, step.account) for step in steps] == [
        ("stack ownertag-hub", HUB),
        ("stack ownertag-spoke-account", MANAGEMENT),
        (f"stack set {ROLES} in {HUB}", MANAGEMENT),
        *[("stack ownertag-spoke-region", MANAGEMENT)] * 3,
        (f"stack set {RULES} in {HUB}", MANAGEMENT),
    ]
    assert steps[0].task == PutStack(TO.hub, None, revert=True)
    assert isinstance(steps[1].task, RemakeStack)


def test_units_without_accounts_are_deployed_to_once() -> None:
    empty = replace(nothing(TO), accounts={UNIT: frozenset()})
    [roles, rules] = [step.task for step in pending(empty) if isinstance(step.task, PutInstances)]
    assert (roles, rules) == (PutInstances(ROLES, (UNIT,), ("eu-central-1",)), PutInstances(RULES, (UNIT,), REGIONS))


def test_without_units_the_whole_organization_is_meant_and_nothing_is_protected() -> None:
    to = wanted(read_settings(fixtures.SETTINGS_TEXT, "ownertag.toml"))
    assert (to.units, to.protected) == ((ROOT,), ())


def test_a_first_apply_writes_no_policy() -> None:
    to = wanted(read_settings(fixtures.SETTINGS_TEXT, "ownertag.toml"))
    assert not [step.what for step in to_apply(to, nothing(to)) if "polic" in step.what]


def test_the_policy_goes_where_protection_says_and_nowhere_if_it_says_so() -> None:
    elsewhere = wanted(settings(more=f'[protection]\nunits = ["{OTHER_UNIT}"]\n'))
    assert [step.task for step in pending(all_of(TO), elsewhere)] == [
        *(Attach(name, OTHER_UNIT) for name in POLICIES),
        *(Detach(state.id, UNIT) for state in POLICIES.values()),
    ]
    nowhere = wanted(settings(more="[protection]\nunits = []\n"))
    assert not [step for step in to_apply(nowhere, nothing(nowhere)) if "polic" in step.what and step.task]


def test_one_policy_of_before_becomes_several_and_nothing_is_open_meanwhile() -> None:
    old = PolicyState("p-00000001", '{"Version": "2012-10-17", "Statement": []}', frozenset({UNIT}))
    steps = pending(replace(THERE, policies={"ownertag": old}))
    assert [(step.action, step.what) for step in steps] == [
        *((Action.CREATE, f"service control policy {name}") for name in FURTHER),
        *((Action.CREATE, f"policy {name} on {UNIT}") for name in FURTHER),
        (Action.UPDATE, "service control policy ownertag"),
    ]
    [*_, last] = [step.task for step in steps]
    assert isinstance(last, PutPolicy)
    assert (last.id, last.content) == ("p-00000001", TO.policies["ownertag"])


OTHERS = [f"p{number}" for number in range(9)]


@pytest.mark.parametrize(
    ("others", "more", "fits"),
    [
        (2, "", True),
        (3, "", False),
        (3, "[protection]\nmax_policy_size = 10240\n", True),
        (4, "[protection]\nmax_policy_size = 10240\n", False),
        (3, "[protection]\nmax_policies = 5\n", True),
        (7, "[protection]\nmax_policies = 9\n", True),
        (8, "[protection]\nmax_policies = 9\n", False),
        (4, "[protection]\nunits = []\n", True),
    ],
)
def test_a_unit_without_room_for_all_policies_is_refused_before_anything_is_changed(
    others: int, more: str, fits: bool
) -> None:
    to = wanted(settings(more=more))
    current = replace(nothing(to), attached={UNIT: frozenset({*OTHERS[:others], *to.policies})})
    if fits:
        assert to_apply(to, current)
        return
    with pytest.raises(
        DeployError, match=f"{UNIT} has no room for {len(to.policies)} service control policies"
    ) as raised:
        to_apply(to, current)
    for said in ("p0, p1", "Nothing was changed", "detach one of those", "max_policy_size = 10240"):
        assert said in str(raised.value)
    assert ("max_policies = 9" in str(raised.value)) == ("max_policies" not in more)
    to_destroy(to, current)


def test_where_policies_are_not_enabled_yet_awss_own_will_take_its_place() -> None:
    none = replace(nothing(TO), attached={UNIT: frozenset()})
    assert to_apply(TO, none)
    with pytest.raises(DeployError, match="FullAWSAccess is there"):
        to_apply(replace(TO, most=2), none)


def test_a_policy_too_many_is_taken_off_and_deleted_last() -> None:
    old = PolicyState("p-00000009", "{}", frozenset({UNIT, OTHER_UNIT}))
    current = replace(THERE, policies={**POLICIES, "ownertag-9": old})
    assert [step.task for step in pending(current)] == [
        *(Detach("p-00000009", unit) for unit in sorted((UNIT, OTHER_UNIT))),
        DropPolicy("p-00000009"),
    ]


def test_rules_go_where_the_settings_say_or_everywhere() -> None:
    # Two more, in which global services record.
    assert wanted(settings(regions=("eu-central-1",))).rules.regions == ("eu-central-1", "us-east-1", "us-west-2")
    assert wanted(settings(regions=())).rules.regions == ("eu-central-1", "eu-west-1", "us-east-1", "us-west-2")


def test_taking_away_goes_the_other_way_and_leaves_what_serves_others() -> None:
    steps = to_destroy(TO, THERE)
    assert {step.action for step in steps} == {Action.DELETE}
    assert [step.what for step in steps] == [
        *(f"policy {name} on {UNIT}" for name in POLICIES),
        *(f"service control policy {name}" for name in POLICIES),
        f"stack set ownertag-spoke-region in {UNIT}",
        "stack set ownertag-spoke-region",
        *["stack ownertag-spoke-region"] * 3,
        f"stack set ownertag-spoke-account in {UNIT}",
        "stack set ownertag-spoke-account",
        "stack ownertag-spoke-account",
        "stack ownertag-hub",
        "permission for the hub to read the accounts",
    ]
    assert [step.stage for step in steps] == sorted((step.stage for step in steps), reverse=True)
    assert not any(step.stage in {Stage.BUCKET, Stage.PACKAGE} for step in steps)


def test_nothing_is_taken_away_from_an_empty_organization() -> None:
    assert to_destroy(TO, nothing(TO)) == ()


def test_a_policy_that_is_too_long_is_refused_before_anything_is_read() -> None:
    names = [f"{'very' * 10}-long-name-of-a-role-{number:02}" for number in range(30)]
    with pytest.raises(SettingsError, match=r"has [\d,]+ characters, and a policy takes 5,120"):
        wanted(settings(more=f"[protection]\nbreak_glass = {names}\n"))
