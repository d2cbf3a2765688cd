"""`codes.toml` says what every error code of AWS comes to; it is held against botocore's models and against `judge`."""

from __future__ import annotations

import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from core.modelled import modelled, operations
from harness.properties import examples
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.judge import judge
from ownertag.core.values import YOUNG, Failure, OutcomeKind

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
TABLE: dict[str, Any] = tomllib.loads((HERE / "codes.toml").read_text("utf-8"))
GROUPS = {code: group for group in TABLE["group"] for code in group["codes"].split()}
FORMS = [re.compile(form["form"]) for form in TABLE["form"]]

AGES: dict[str, timedelta | None] = {
    "of unknown age": None,
    "new": timedelta(0),
    "young": YOUNG - timedelta(seconds=1),
    "old": YOUNG,
    "ancient": timedelta(days=400),
}
#: What botocore raises, or `aws.errors` says, where a service is not in the Region.
NO_ENDPOINT = {"EndpointProviderError", "NoEndpoint", "UnknownEndpointError", "UnknownRegionError"}
_ADVICE = (
    "put them into the group of tests/unit/core/codes.toml whose outcome they must have, and into core/judge.py where"
    " test_a_code_is_judged_as_the_table_says says that it does not agree"
)


def documented() -> set[str]:
    """The codes of tag calls that the page of errors names in full; those of an operator's credentials are others."""
    text = (ROOT / "docs/reference/errors.md").read_text("utf-8").partition("\n## Credentials of a command\n")[0]
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("|")]
    ours = {"NoEndpoint", "Observed", "ObservedUnknown", "Paced"}
    return {code for cell in cells for code in re.findall(r"`([A-Za-z.]+)`", cell)} - ours


def test_every_code_that_aws_models_for_a_tag_operation_is_in_the_table() -> None:
    assert len(operations()) >= 340
    missing = {code: sorted(error.operations)[:3] for code, error in modelled().items() if code not in GROUPS}
    assert not missing, f"codes that this botocore knows and the table does not: {_ADVICE}"


def test_every_code_of_the_catalogues_tag_operations_is_in_the_table() -> None:
    """EC2 models none (doc: "Error codes for the Amazon EC2 API"): those that our page names stand for them."""
    assert {f"{api.client}.{api.operation}" for api in load_catalogue().tag_apis.values()} <= operations()
    assert len(documented()) > 25
    assert documented() <= set(GROUPS), _ADVICE


def test_the_table_has_no_code_that_nobody_knows() -> None:
    """What a botocore no longer models goes, unless it is documented elsewhere: then the table says so."""
    known = {*modelled(), *documented(), *TABLE["documented"]["codes"].split(), *NO_ENDPOINT}
    assert set(GROUPS) <= known, sorted(set(GROUPS) - known)


def test_no_code_is_in_the_table_twice() -> None:
    codes = [code for group in TABLE["group"] for code in group["codes"].split()]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("code", sorted(GROUPS))
def test_a_code_is_judged_as_the_table_says(code: str) -> None:
    group = GROUPS[code]
    status = modelled()[code].status if code in modelled() else 400
    for name, age in AGES.items():
        judged = judge(Failure(code, status), age, "eu-central-1")
        old = name in {"old", "ancient"}
        done = group["done"] == "always" or (group["done"] == "old" and old)
        expected = (group["old"] if old else group["young"], not done, group["remedy"])
        assert (judged.outcome.value, judged.is_retried, judged.remedy.value) == expected, name
        assert code in judged.reason


def test_only_what_is_gone_or_can_never_be_tagged_is_done() -> None:
    for group in TABLE["group"]:
        assert group["done"] in {"never", "old", "always"}
        assert (group["done"] == "old") == (group["old"] == "gone")
        never = ("Malformed", "ResourceDoesNotSupportTagging", "NoEndpoint")
        assert group["done"] != "always" or any(code in group["codes"] for code in never)


def is_known(code: str) -> bool:
    """Whether the table, or one of its forms, says that the message may be done."""
    return GROUPS.get(code, {"done": "never"})["done"] != "never" or any(form.fullmatch(code) for form in FORMS)


#: Texts that look like codes, and what a code is made of.
_PARTS = [
    "Invalid",
    "NotFound",
    "NoSuch",
    "Resource",
    "Exception",
    "Fault",
    "Malformed",
    "ID",
    ".",
    "DoesNotExist",
    "X",
]
_CODES = st.text(max_size=80) | st.lists(st.sampled_from(_PARTS), max_size=6).map("".join)


@given(_CODES, st.integers(0, 599), st.sampled_from(list(AGES.values())), st.booleans())
@example("", 0, AGES["ancient"], True)
@example("InvalidInstanceID.NotFound\n", 404, AGES["ancient"], True)
@example("NotFound\n", 404, AGES["ancient"], True)
@example("NoSuch", 404, AGES["ancient"], True)
@example("NotFoundX", 404, AGES["ancient"], True)
@example("NotMalformed", 400, AGES["ancient"], True)
@examples(3000)
def test_an_unknown_code_always_comes_back(code: str, status: int, age: timedelta | None, answered: bool) -> None:
    assume(not is_known(code))
    judged = judge(Failure(code, status, answered), age)
    assert judged.is_retried
    assert judged.outcome not in {OutcomeKind.TAGGED, OutcomeKind.UNCHANGED, OutcomeKind.GONE}
    assert judged.reason


@given(_CODES, st.integers(0, 599), st.sampled_from([None, AGES["new"], AGES["young"]]))
@examples(1000)
def test_no_code_at_all_makes_a_young_resource_gone(code: str, status: int, age: timedelta | None) -> None:
    judged = judge(Failure(code, status), age)
    assert judged.outcome is not OutcomeKind.GONE
    assert judged.is_retried or judged.outcome is OutcomeKind.FAILED
