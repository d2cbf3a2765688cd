"""Tag values that every service takes and a person can read; templates that are filled once."""

from __future__ import annotations

import re
import unicodedata

import pytest

from harness import fixtures
from ownertag.core.owner.resolve import resolve
from ownertag.core.settings_file import read_settings
from ownertag.core.tags import MAX_VALUE, fit, tags_for
from ownertag.core.values import Confidence, Owner


def safe(value: str) -> bool:
    """What AWS documents for all services: letters, digits, space and + - = . _ : / @ (here of any script)."""
    kinds = {unicodedata.category(char)[0] for char in value if char not in " +-=._:/@"}
    return 1 <= len(value) <= MAX_VALUE and kinds <= {"L", "N"} and not value.lower().startswith("aws:")


FITTED: dict[str, tuple[str, str]] = {
    "as-it-is": ("alice", "alice"),
    "address": ("maria.rossi+tag@example.com", "maria.rossi+tag@example.com"),
    "all-marks": ("a b+-=._:/@9", "a b+-=._:/@9"),
    "arn": ("arn:aws:iam::111122223333:user/alice", "arn:aws:iam::111122223333:user/alice"),
    "accents": ("José Müller", "José Müller"),
    "composed": ("Jose\u0301", "José"),
    "chinese": ("张伟", "张伟"),
    "arabic": ("فاطمة", "فاطمة"),
    "cyrillic": ("\u0418\u0432\u0430\u043d", "\u0418\u0432\u0430\u043d"),
    "other-mark": ("alice#1", "alice_1"),
    "comma": ("Doe, Jane", "Doe_ Jane"),
    "brackets": ("[link=https://example.com]x[/link]", "_link=https://example.com_x_/link_"),
    "quotes": ("a\"b'c", "a_b_c"),
    "emoji": ("alice 🚀", "alice _"),
    "star": ("*", "_"),
    "empty": ("", "unknown"),
    "blank": ("   ", "unknown"),
    "controls-alone": ("\x00\x1b", "unknown"),
    "spaces-around": ("  alice  ", "alice"),
    "tab-and-newline": ("a\tb\nc", "a b c"),
    "no-break-space": ("a\u00a0b", "a b"),
    "ideographic-space": ("a\u3000b", "a b"),
    "bidi": ("alice\u202e", "alice"),
    "zero-width": ("al\u200bice", "alice"),
    "filler": ("alice\u3164", "alice"),
    "escape": ("a\x1b[2Jb", "a_2Jb"),
    "null": ("a\x00b", "ab"),
    "surrogate": ("a\ud800b", "ab"),
    "log-line": ('a\n{"level":"ERROR"}', "a __level_:_ERROR__"),
    "formula": ("=HYPERLINK(1)", "=HYPERLINK_1_"),
    "reserved": ("aws:cloudformation", "aws_cloudformation"),
    "reserved-in-upper-case": ("AWS:x", "AWS_x"),
    "reserved-behind-a-space": (" aws:x", "aws_x"),
    "reserved-behind-spaces-and-too-long": ("  aws:" + "x" * 300, "aws_" + "x" * 249 + "..."),
    "reserved-behind-nothing-visible": ("\u200baws:x", "aws_x"),
    "reserved-with-nothing-visible-inside": ("aw\u200bs:x", "aws_x"),
    "reserved-later": ("x aws:y", "x aws:y"),
    "just-long-enough": ("a" * 256, "a" * 256),
    "too-long": ("a" * 257, "a" * 253 + "..."),
    "much-too-long": ("a" * 1_000_000, "a" * 253 + "..."),
    "long-enough-without-its-spaces": (" " * 100 + "a" * 256 + " " * 100, "a" * 256),
    "too-long-in-another-script": ("张" * 300, "张" * 253 + "..."),
    "braces": ("{owner}", "_owner_"),
}


@pytest.mark.parametrize(("raw", "fitted"), FITTED.values(), ids=FITTED)
def test_a_value_is_fitted(raw: str, fitted: str) -> None:
    assert fit(raw) == fitted


@pytest.mark.parametrize(("raw", "fitted"), FITTED.values(), ids=FITTED)
def test_a_fitted_value_is_safe_and_fits_again(raw: str, fitted: str) -> None:
    assert safe(fit(raw))
    assert fit(fitted) == fitted


def filled(template: str, name: str = "alice", **fields: str) -> str:
    settings = read_settings(f"[tags]\nowner = '{{owner}}'\nx = '{template}'\n", "x")
    owner = Owner(name, "iam-user", Confidence.ASSERTED)
    return dict(tags_for(owner, fixtures.arrival(fixtures.record(**fields)).record, settings))["x"]


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{owner}", "alice"),
        ("{account}", fixtures.ACCOUNT),
        ("{confidence}", "asserted"),
        ("{created_at}", "2026-03-02T09:14:05Z"),
        ("{date}", "2026-03-02"),
        ("{event_id}", "0e1f2a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b"),
        ("{event_name}", "CreateVolume"),
        ("{evidence}", "iam-user"),
        ("{principal}", f"arn:aws:iam::{fixtures.ACCOUNT}:user/alice"),
        ("{region}", fixtures.REGION),
        ("a text", "a text"),
        ("{owner}{owner}", "alicealice"),
        ("by {owner} in {region}.", "by alice in eu-central-1."),
        ("{owner} ({confidence})", "alice _asserted_"),
        ("", "unknown"),
    ],
)
def test_a_template_is_filled(template: str, value: str) -> None:
    assert filled(template) == value


@pytest.mark.parametrize(
    "name", ["{owner}", "{settings}", "{0.__class__}", "{account}", "%s", "${owner}", "{{}}", "\\1"]
)
@pytest.mark.parametrize("template", ["{owner}", "a {owner} b", "{owner}{account}"])
def test_a_value_is_never_read_as_a_template(template: str, name: str) -> None:
    plain = template.replace("{owner}", "@@").replace("{account}", fixtures.ACCOUNT).replace("@@", name)
    assert filled(template, name) == re.sub(r"[{}%$\\]", "_", plain)


@pytest.mark.parametrize(
    ("event_time", "created_at"),
    [
        ("2026-03-02T23:59:59Z", "2026-03-02T23:59:59Z"),
        ("2026-03-02T23:59:59.999Z", "2026-03-02T23:59:59Z"),
        ("2026-03-03T00:30:00+01:00", "2026-03-02T23:30:00Z"),
        ("2026-03-02T23:59:59", "2026-03-02T23:59:59Z"),
        ("0987-03-02T23:59:59Z", "0987-03-02T23:59:59Z"),
    ],
)
def test_the_date_is_the_records_in_utc(event_time: str, created_at: str) -> None:
    assert filled("{created_at}", eventTime=event_time) == created_at
    assert filled("{date}", eventTime=event_time) == created_at[:10]


def test_tags_stand_in_the_order_of_the_settings() -> None:
    settings = read_settings('[tags]\nz = "{owner}"\na = "{date}"\nm = "x"\n', "x")
    record = fixtures.arrival(fixtures.record()).record
    owner = resolve(record, settings, fixtures.catalogue().parents)
    assert [key for key, _ in tags_for(owner, record, settings)] == ["z", "a", "m"]


def test_a_name_of_ten_thousand_characters_is_cut_and_says_so() -> None:
    record = fixtures.arrival(fixtures.record(userIdentity=fixtures.user("n" * 10_000))).record
    settings = fixtures.settings()
    tags = dict(tags_for(resolve(record, settings, fixtures.catalogue().parents), record, settings))
    assert tags["owner"] == "n" * 253 + "..."


def test_an_event_name_that_is_no_name_is_fitted_as_well() -> None:
    assert filled("{event_name} {event_id}", eventName="Create\nVolume\x1b", eventID="<x>") == "Create Volume _x_"
