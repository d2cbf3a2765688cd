"""What is published tells nobody's account, organization, resource, key or address."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ownertag.rollout.prove.anonymize import Anonymizer

ACCOUNTS = ("111122223333", "444455556666", "777788889999")
#: Written by hand from AWS's documentation of each id, and looked for by itself.
TELLING = re.compile(
    r"[0-9]{12}|\bo-[a-z0-9]{10}|\bou-[0-9a-z]{4}|\br-[0-9a-z]{4}\b|arn:|AKIA|ASIA|@|pg-[0-9a-f]{8}|[0-9a-f]{8}-[0-9a-f]{4}-"
)


def backwards() -> Anonymizer:
    return Anonymizer(ACCOUNTS, lambda order: order.reverse())


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("111122223333", "account-3"),
        ("placement group in 444455556666 eu-central-1", "placement group in account-2 eu-central-1"),
        ("of 999900001111, too", "of account-?, too"),
        ("id 1111222233334444", "id account-?"),
        ("x777788889999y", "xaccount-1y"),
        (
            "User: arn:aws:sts::111122223333:assumed-role/acme-admin/alice is not authorized",
            "User: (ARN) is not authorized",
        ),
        ("(arn:aws-us-gov:iam::111122223333:role/acme/x), and", "((ARN)), and"),
        ("arn:aws:organizations::111122223333:account/o-a1b2c3d4e5/444455556666", "(ARN)"),
        ("in o-a1b2c3d4e5, ou-ab12-c3d4e5f6, r-ab12", "in (organization), (unit), (root)"),
        ("key ASIAIOSFODNN7EXAMPLE of alice@corp.example.com", "key (key) of (address)"),
        ("pg-0123456789abcdef0 and i-0a1b2c3d", "(id) and (id)"),
        ("request 6a7e8feb-b491-4cf7-a9f1-bf3703467718", "request (id)"),
        ("ownertag-undelivered, ownertag-dead-letters, us-east-1, 2026-11-29T18:00:44Z, 3.13.1", None),
    ],
)  # fmt: skip
def test_each_is_replaced_and_the_rest_stays(text: str, left: str | None) -> None:
    assert backwards().text(text) == (text if left is None else left)


SECRETS = st.sampled_from([
    *ACCOUNTS, "999900001111", "o-a1b2c3d4e5", "ou-ab12-c3d4e5f6", "r-ab12", "AKIAIOSFODNN7EXAMPLE", "bob@example.com",
    "arn:aws:iam::111122223333:role/x", "pg-0123456789abcdef0", "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
])  # fmt: skip
WORDS = st.sampled_from(["", " ", ", ", ": ", "'", '"', "(", ")", "\n", " in ", "eu-central-1", "denied"])
TEXTS = st.lists(st.tuples(WORDS, SECRETS, st.sampled_from([" ", ", ", "'", "\n"])), max_size=6).map(
    lambda parts: "".join(part for three in parts for part in three)
)
DOCUMENTS = st.recursive(
    TEXTS | st.integers(-1000, 1000) | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(DOCUMENTS)
def test_no_document_keeps_any_of_them(document: Any) -> None:
    text = json.dumps(backwards().document(document))
    assert not TELLING.search(text), text


def test_a_document_keeps_its_shape_and_its_numbers() -> None:
    told = {
        "account": "111122223333",
        "n": 3,
        "seconds": 1.25,
        "none": None,
        "hops": [{"region": "us-east-1"}],
        "on": True,
    }
    assert backwards().document(told) == {**told, "account": "account-3"}


def test_an_accounts_number_comes_of_the_order_that_was_drawn() -> None:
    names = {Anonymizer(ACCOUNTS, order).text("111122223333") for order in (list.reverse, list.sort)}
    assert names == {"account-1", "account-3"}
    many = Anonymizer({f"{number:012}" for number in range(200)}, list.sort)
    assert many.text("000000000007") == "account-008"
