"""What a mail says of a finding, and that nothing in it that a stranger chose is a link, a line or a command."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.properties import examples
from ownertag.core.findings import UNKNOWN_RESOURCE, TagChange, TamperFinding
from ownertag.core.mail import MAX_SUBJECT, mail_for, plain

ARN = "arn:aws:ec2:eu-central-1:111122223333:volume/vol-0a1b2c3d4e5f60718"
AT = datetime(2026, 3, 2, 9, 14, 5, tzinfo=UTC)


def finding(*changes: TagChange, **fields: Any) -> TamperFinding:
    given: dict[str, Any] = {
        "account": "111122223333",
        "region": "eu-central-1",
        "resource": ARN,
        "resources": 1,
        "changes": changes or (TagChange("owner", "alice", "mallory"),),
        "by": "arn:aws:iam::111122223333:user/mallory",
        "event_id": "00000000-0000-4000-8000-000000000001",
        "at": AT,
    }
    return TamperFinding(**(given | fields))


def test_a_mail_says_what_where_who_and_when() -> None:
    subject, text = mail_for([finding(TagChange("owner", "alice", "mallory"), TagChange("dateCreated", "x", None))])
    assert subject == "ownertag: protected tags were changed in account 111122223333"
    assert text.splitlines() == [
        "Somebody other than ownertag changed tags that it protects. Nothing was put back.",
        "",
        "account   111122223333, eu-central-1",
        f"resource  {ARN}",
        "tag       owner: is now 'mallory', was 'alice'",
        "tag       dateCreated: removed, was 'x'",
        "by        arn:aws:iam::111122223333:user/mallory",
        "at        2026-03-02T09:14:05Z",
        "event     00000000-0000-4000-8000-000000000001",
        "",
        "Whose it is, its history, and how its tags are put back:",
        f"  ownertag whois {ARN}",
        "",
        "What looks like a link in these texts is broken up on purpose: others can choose them.",
    ]


def test_more_are_counted() -> None:
    keys = tuple(TagChange(f"key{number}", None, "x") for number in range(30))
    _, text = mail_for([finding(*keys, resources=1000, more_changes=7), finding(), finding()], 1234)
    assert f"resource  {ARN} and 999 more" in text
    assert text.count("tag       ") == 10
    assert "          and 27 more tags" in text
    assert "2 more such calls came in this account at the same time." in text
    assert "1,234 earlier ones were not mailed, since there were too many." in text


def test_whose_owner_is_known_is_told_before_others() -> None:
    unknown = finding(TagChange("OWNER", None, "x"), owner=None, resource="arn:aws:ec2:::volume/vol-1")
    known = finding(TagChange("owner", "alice", "mallory"), owner="alice", resource="arn:aws:ec2:::volume/vol-2")
    _, text = mail_for([unknown, known])
    assert "volume/vol-2" in text
    assert "volume/vol-1" not in text
    assert "1 more such calls" in text


def test_what_cloudtrail_left_out_is_said() -> None:
    _, text = mail_for([finding(changes=(), resource=UNKNOWN_RESOURCE, typed=False, omitted=True, resources=0)])
    assert "not known: CloudTrail left the call's request out" in text
    assert "whois" not in text
    assert "resource" not in text


def test_a_resource_of_no_known_type_is_in_no_command() -> None:
    _, text = mail_for([finding(resource="; rm -rf ~ #", typed=False)])
    assert "resource  ; rm -rf ~ #" in text
    assert "ownertag whois" not in text


def test_a_test_says_that_it_is_one_and_alarms_nobody() -> None:
    subject, text = mail_for([finding(test=True, overwritten=True)])
    assert subject == "ownertag: this is a test, account 111122223333"
    assert text.startswith("This is a test, and nothing is to be done")
    assert "Somebody" not in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("alice", "alice"),
        ("maria.rossi@example.com", "maria[.]rossi[@]example[.]com"),
        ("click https://evil.example/x?y", "click https[:][/]/evil[.]example/x?y"),
        ("HTTP:/evil", "HTTP[:]/evil"),
        ("www.evil.example", "[www][.]evil[.]example"),
        ("mailto:a", "mailto[:]a"),
        ("///x", "[/][/]/x"),
        ("\\\\evil\\share", "[/]/evil/share"),
        ('say "yes" `id` <b>', "say 'yes' 'id' (b)"),
        ("line\nresource  other\r\n\u2028x", "line resource  other   x"),
        ("\u202egnp.exe", "gnp[.]exe"),
        ("\u0435vil\uff0ecom", "\\u0435vil\\uff0ecom"),
        ("Zoë", "Zo\\xeb"),
        ("\x1b[31mred\x00", "[31mred"),
        ("t3.micro. End.", "t3[.]micro. End."),
        ("a" * 500, "a" * 100 + "..."),
    ],
)
def test_a_strangers_text_becomes_plain_words(text: str, shown: str) -> None:
    assert plain(text) == shown


_HOSTILE = st.text(
    st.sampled_from("htps:/.@\\\"'`<>\n\r\t \x00\x1b\u202e\u2028\u200bwwwevilcom0123é\uff0e\u3002\uff41\U0001d51e|$;&")
    | st.characters(),
    max_size=400,
)


@given(_HOSTILE, _HOSTILE, _HOSTILE, _HOSTILE)
@examples(1000)
def test_whatever_is_in_a_finding_its_mail_is_safe(key: str, value: str, by: str, id_: str) -> None:
    found = finding(TagChange(key, value, value), TagChange(key, None, None), by=by, resource=id_, typed=False)
    subject, text = mail_for([found, found], 3)
    assert len(subject) <= MAX_SUBJECT
    assert (subject + text.replace("\n", "")).isascii()
    assert (subject + text.replace("\n", "")).isprintable()
    assert len(text) < 8000
    words = [line[10:] for line in text.splitlines() if line.startswith(("tag ", "by ", "resource "))]
    assert len(words) == 4
    for word in words:
        assert "//" not in word
        assert "@" not in word.replace("[@]", "")
        assert not re.search(r"\.\w", word)
        assert not re.search(r"(?i)\b(https?|mailto|ftp|file|javascript):", word)
        assert not set('"`<>') & set(word)
    assert len([line for line in text.splitlines() if line.startswith("account ")]) == 1
