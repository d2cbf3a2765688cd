"""Redaction under whatever people call things: nothing of a name, an id or an address is left, and all is a record."""

from __future__ import annotations

import json
import random
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness import fixtures
from harness.properties import examples
from ownertag.core.reading.documents import parse_document
from ownertag.core.records import Arrival
from ownertag.core.redaction import words
from ownertag.core.redaction.record import Redactor
from ownertag.core.redaction.words import ApiWords

API = ApiWords(frozenset({"name", "description", "variables", "policy", "userdata", "rolearn", "tagspecification"}))
#: What people call things: words of AWS, numbers, parts of each other, and what could be taken for something else.
NASTY = st.sampled_from(
    [
        *("Admin", "ec2", "true", "false", "null", "RunInstances", "us-east-1", "aws", "arn", "user", "role", "root"),
        *("ann", "anna", "hanna", "Ann", "ANNA", "417829365028", "1234", "i-0123456789abcdef0", "default", "session"),
        *("bob.smith", "bob_smith", "bob+tag@corp.example.org", "O'Brien", "Åsa Öberg", "名前さん", "a" * 80, "%41nna"),
        *("arn:aws:iam::417829365028:user/dora", "10.20.30.40", "2a05:d014::7", '{"a": "dora"}', "dora/../eve"),
        *("AKIAIOSFODNN7EXAMPLE", "aws:dora", "aws-cli-dora", "terraform-dora", "AWSServiceRoleForDora", "AutoScaling"),
        *("dora:eve", "items", "key", "value", "owner", "Name", "o-doraevebob12", "r-dora", "StackSet-dora", "\u200b"),
    ]
)
NAMES = st.one_of(NASTY, st.text(min_size=1, max_size=70), st.text("abcABC012-._@/:= ", min_size=1, max_size=30))
JSON = st.recursive(
    st.one_of(NAMES, st.booleans(), st.none(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)


def redactor() -> Redactor:
    draw = random.Random(7).randrange  # noqa: S311 - a test, which has to be the same each time
    return Redactor(draw, fixtures.catalogue(), frozenset(), lambda _: API)


def record(name: str, more: Any = None) -> fixtures.Json:
    """A record with a name wherever one can stand."""
    return fixtures.record(
        userIdentity={
            **fixtures.session("x", role="y", sourceIdentity=name),
            "principalId": f"AROADBQP57FF2AEXAMPLE:{name}",
            "arn": f"arn:aws:sts::{fixtures.ACCOUNT}:assumed-role/{name}/{name}",
            "userName": name,
            "onBehalfOf": {"userId": name, "identityStoreArn": f"arn:aws:identitystore::1:identitystore/{name}"},
        },
        userAgent=f"aws-cli/2.27.41 app/{name}",
        errorMessage=f"User {name}: arn:aws:iam::{fixtures.ACCOUNT}:user/{name} may not, says {name}.",
        requestParameters={
            "name": name,
            "policy": json.dumps({"Resource": f"arn:aws:s3:::{name}/*", "Condition": {"StringEquals": {name: [name]}}}),
            "variables": {name: name},
            "tags": [{"key": name, "value": name}],
            "description": name.encode("utf-8", "ignore").hex() + name,
            "more": more,
        },
        responseElements={name: {name: [name]}},
        resources=[{"ARN": f"arn:aws:ec2:eu-central-1:{fixtures.ACCOUNT}:instance/{name}", "accountId": name}],
    )


#: What tools and services call sessions and tags stays, for a decision rests on it; and what stands for a host.
OURS = {
    word.casefold()
    for text in (
        *words.PREFIXES,
        *words.SESSIONS,
        *words.ROLES,
        *words.TAG_KEYS,
        *words.FIELDS,
        "HIDDEN items value example.com",
    )
    for word in re.findall(r"[^\W_]+", text)
}
#: What a record says without any name: a word of it may stay, since it says nothing of the name.
FRAME = json.dumps(redactor().redact(record("")), ensure_ascii=False)


@given(NAMES, JSON)
@examples(1000)
def test_nothing_of_a_name_is_left_wherever_it_stands(name: str, more: Any) -> None:
    shown = redactor().redact(record(name, more))
    text = json.dumps(shown, ensure_ascii=False).casefold()
    frame = set(re.findall(r"\w+", FRAME.casefold()))
    for word in re.findall(r"[^\W_]{5,}", name.casefold()):
        if word not in frame | OURS:
            assert not re.search(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", text), (word, text)


@given(NAMES)
@examples(1000)
def test_a_user_is_called_alike_wherever_he_is_named(name: str) -> None:
    one = redactor()
    shown = one.redact(record(name))
    assert shown["userIdentity"]["userName"] == one.text(name)
    assert shown["requestParameters"]["name"] == one.text(name)


@given(NAMES, JSON)
@examples(1000)
def test_what_comes_out_is_a_record_that_is_read(name: str, more: Any) -> None:
    plain = record(name, more)
    [before] = parse_document(fixtures.bytes_of(plain), "before")
    [after] = parse_document(fixtures.bytes_of(redactor().redact(plain)), "after")
    assert isinstance(after, Arrival) == isinstance(before, Arrival)


@given(JSON)
@examples(1000)
def test_redacting_never_raises_and_keeps_every_shape(document: Any) -> None:
    shown = redactor().redact({"requestParameters": document, "eventName": "RunInstances"})
    assert _shape(shown["requestParameters"]) == _shape(document)


def _shape(node: Any) -> Any:
    if isinstance(node, dict):
        return sorted((_shape(value) for value in node.values()), key=repr)
    if isinstance(node, list):
        return [_shape(item) for item in node]
    return type(node).__name__


@given(st.lists(NAMES, min_size=2, max_size=20, unique=True))
@examples(1000)
def test_two_names_never_have_the_same_replacement(names: list[str]) -> None:
    one = redactor()
    plain = [name for name in names if re.fullmatch(r"[A-Za-z0-9._-]{1,60}", name)]
    assert len({one.text(name) for name in plain}) == len(plain)
