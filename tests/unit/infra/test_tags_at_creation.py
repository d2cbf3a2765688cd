"""At creation our keys are denied exactly where no row overwrites them: each operation with each type that it can tag.

The statements are evaluated here, by what IAM's user guide says of each operator: "IAM JSON policy elements: condition
operators" (a negated operator is true of a key that is absent, any other is false) and "multivalued context keys"
(`ForAnyValue` is false of none). `-s` prints the numbers.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from itertools import product
from typing import Any

import pytest

from harness import fixtures
from ownertag.catalogue import tag_actions
from ownertag.catalogue.coverage import coverage, read_derived
from ownertag.core.request_tags import is_overwritten, overwritten_types
from ownertag.render.documents import PolicyDocument, Statement
from ownertag.render.scp import service_control_policies

CATALOGUE = fixtures.catalogue()
KNOWN, MODELS = tag_actions.load_tag_actions().creations["ec2"], read_derived().operations
THROUGH = overwritten_types(CATALOGUE, "ec2")
MEMBER, ADMIN = "123456789012", "arn:aws:iam::123456789012:role/admin"
#: Types whose ARN has no account, and those that have no Region (service authorization reference).
NO_ACCOUNT = {"fpga-image", "image", "snapshot"}

Pair = tuple[str, str]


def pairs() -> frozenset[Pair]:
    """Each operation with each type that it can tag, by any source: the reference, EC2's model, and our own rows.

    What a row finds beside what its operation can tag is no tag of the request's; that it is let through does no harm.
    """
    rows = {name: [type_.removeprefix("ec2:") for type_ in types] for name, types in THROUGH.items()}
    sources: list[Any] = [KNOWN, MODELS, rows]
    return frozenset((name, type_) for source in sources for name, types in source.items() for type_ in types)


def denied(
    policies: tuple[PolicyDocument, ...], operation: str, type_: str, keys: tuple[str, ...] = ("owner",)
) -> bool:
    """Whether an administrator of a member may not bring these keys with this operation on this type."""
    account = "" if type_ in NO_ACCOUNT else MEMBER
    region = "" if type_.startswith("ipam") and type_ != "ipam-pool-allocation" else "eu-central-1"
    resource = f"arn:aws:ec2:{region}:{account}:{type_}/x-0123456789abcdef0"
    context = {"aws:TagKeys": list(keys), "ec2:CreateAction": [operation], "aws:PrincipalArn": [ADMIN]}
    statements = (statement for policy in policies for statement in policy["Statement"])
    return any(_matches(statement, "ec2:CreateTags", resource, context) for statement in statements)


def _matches(statement: Statement, action: str, resource: str, context: dict[str, list[str]]) -> bool:
    assert statement["Effect"] == "Deny"
    if not any(fnmatchcase(action.lower(), pattern.lower()) for pattern in _many(statement["Action"])):
        return False
    if "NotResource" in statement:
        if any(fnmatchcase(resource, pattern) for pattern in _many(statement["NotResource"])):
            return False
    elif not any(fnmatchcase(resource, pattern) for pattern in _many(statement["Resource"])):
        return False
    conditions = statement.get("Condition", {})
    return all(
        _holds(operator, _many(wanted), context.get(key, []))
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _holds(operator: str, wanted: list[str], given: list[str]) -> bool:
    match operator:
        case "ForAnyValue:StringEqualsIgnoreCase":
            return bool({key.lower() for key in given} & {key.lower() for key in wanted})
        case "StringEquals":
            return any(key in wanted for key in given)
        case "StringNotEquals":
            return not any(key in wanted for key in given)
        case "ArnNotLike":
            return not any(fnmatchcase(key, pattern) for key, pattern in product(given, wanted))
        case "Null":
            return wanted == ["false" if given else "true"]
    raise AssertionError(f"unknown operator {operator}")


def _many(values: str | list[str]) -> list[str]:
    return [values] if isinstance(values, str) else values


@pytest.fixture(scope="module", params=[5120, 10240])
def policies(request: pytest.FixtureRequest) -> tuple[PolicyDocument, ...]:
    settings = fixtures.settings(f"[protection]\nmax_policy_size = {request.param}\n")
    return service_control_policies(CATALOGUE, tag_actions.load_tag_actions(), settings)


def test_our_keys_are_denied_exactly_where_no_row_overwrites_them(policies: tuple[PolicyDocument, ...]) -> None:
    every = sorted(pairs())
    through = {pair for pair in every if not denied(policies, *pair)}
    told = (
        f"{len(every)} pairs of an operation and a type: {len(through)} overwritten, {len(every) - len(through)} denied"
    )
    print(f"\n{told}")  # noqa: T201 - whoever reviews the policies asks for the number
    ours = {pair for pair in every if is_overwritten(CATALOGUE, pair[0], f"ec2:{pair[1]}")}
    assert sorted(through - ours) == [], "let through, and what it brings stands"
    assert sorted(ours - through) == [], "denied, although it is overwritten"
    assert ours


def test_every_pair_of_the_models_is_catalogued_and_overwritten_or_denied(policies: tuple[PolicyDocument, ...]) -> None:
    covered = coverage(CATALOGUE)
    assert {pair for pair in covered.catalogued if denied(policies, *pair)} == set()
    assert {pair for pair in covered.denied if not denied(policies, *pair)} == set()
    assert len(covered.catalogued) + len(covered.denied) == covered.pairs


def test_an_operation_without_a_row_brings_our_keys_to_no_type_at_all(policies: tuple[PolicyDocument, ...]) -> None:
    types = {*read_derived().types, *(type_ for _, type_ in pairs())}
    bare = {*KNOWN, *MODELS, "CreateWhatComesNext"} - {*THROUGH}
    let = [pair for pair in product(sorted(bare), sorted(types)) if not denied(policies, *pair)]
    print(f"\n{len(bare)} operations without a row, {len(types)} types each")  # noqa: T201 - see above
    assert let == []
    assert len(bare) > 10


def test_an_operation_of_several_types_brings_them_to_no_other(policies: tuple[PolicyDocument, ...]) -> None:
    types = {*read_derived().types, *(type_ for _, type_ in pairs())}
    several = {name for name in THROUGH if len({*KNOWN.get(name, ()), *MODELS.get(name, ())}) > 1}
    let = {pair for pair in product(several, types) if not denied(policies, *pair)}
    assert let == {pair for pair in let if is_overwritten(CATALOGUE, pair[0], f"ec2:{pair[1]}")}
    assert several >= {"RunInstances", "CreateImage", "CreateFleet", "RequestSpotFleet"}


def test_a_direct_call_and_another_key(policies: tuple[PolicyDocument, ...]) -> None:
    assert denied(policies, "CreateImage", "snapshot", ("Schedule", "OWNER")) == denied(
        policies, "CreateImage", "snapshot"
    )
    assert not denied(policies, "CreateWhatComesNext", "instance", ("owner-of-budget",))
