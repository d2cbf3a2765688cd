"""All that is wrong with a settings file is told at once, in the order of its lines, in words."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.properties import examples
from ownertag.core.settings import OrganizationSettings, OwnerRule, Settings, SettingsError
from ownertag.core.settings_file import MOST_BYTES, read_settings, settings_text
from ownertag.core.toml.advice import shown

MANY = r"""# settings
regions = ["eu-central-1"]
[organization]
id = "x"
management_account = 123456789012
home_region = "eu-central-1"
units = [
  "ou-ab12-c3d4e5f6", # a comment with ] and "
  "work",
  '''ou-1''', 7,
]
accounts = []

[hub]
alarm_email = "C:\\Users\\me"
home_region = "eu-central-1"
[tags]
owner = "{owner}"
excluded_regions = ["eu-central-1"]
[[owners]]
match = "a"
owner = "b"
[[owners]]
match = ""
account = "1"
[limits]
quota_share = 2
tags = 1
"""

TOLD = """\
x.toml: 14 faults
x.toml:2: regions: unknown key; it belongs to [organization]
x.toml:3: [organization] hub_account: is missing; write a text in quotes
x.toml:4: [organization] id: 'x' is no organization; write its id, such as 'o-a1b2c3d4e5'
x.toml:5: [organization] management_account: is a number; write a text in quotes, such as "123456789012"
x.toml:9: [organization] units: 'work' is no unit; write its id, such as 'ou-ab12-c3d4e5f6', or the root's, 'r-ab12'
x.toml:10: [organization] units: is a number; write a text in quotes, such as "7"
x.toml:10: [organization] units: 'ou-1' is no unit; write its id, such as 'ou-ab12-c3d4e5f6', or the root's, 'r-ab12'
x.toml:12: [organization] accounts: unknown key; it belongs to [observe]
x.toml:15: [hub] alarm_email: 'C:\\Users\\me' is no mail address
x.toml:16: [hub] home_region: unknown key; it belongs to [organization]
x.toml:19: [tags] excluded_regions: is a list; write a text in quotes; or does it belong to [organization]?
x.toml:23: [[owners]] owner: is missing; write a text in quotes
x.toml:24: [[owners]] match: must have 1 to 256 characters
x.toml:25: [[owners]] account: '1' is no account; write its 12 digits in quotes
x.toml:27: [limits] quota_share: must lie between 0.01 and 1: the rest is what the account's own tools can use
x.toml:28: [limits] tags: unknown key; it is a table of its own, [tags]
""".replace("\\\\", "\\")


def told(text: str, where: str = "x.toml") -> list[str]:
    with pytest.raises(SettingsError) as refused:
        read_settings(text, where)
    return str(refused.value).splitlines()


def test_all_is_told_at_once_by_line() -> None:
    expected = TOLD.splitlines()
    expected[0] = f"x.toml: {len(expected) - 1} faults"
    assert told(MANY) == expected


def test_lines_of_windows_are_the_same() -> None:
    assert told(settings_text(MANY.replace("\n", "\r\n").encode(), "x.toml")) == told(MANY)


@pytest.mark.parametrize("tables", [3, 40, 10_000])
def test_of_many_faults_the_first_twenty_are_told_and_how_many_more_there_are(tables: int) -> None:
    text = "".join(f'[[owners]]\nmatch = "a"\nowner{number} = 3\n\n' for number in range(tables))
    lines = told(text)
    faults = 2 * tables
    assert lines[0] == f"x.toml: {faults:,} faults"
    assert [line.split(":")[1] for line in lines[1:5]] == ["1", "3", "5", "7"]
    assert lines[2] == "x.toml:3: [[owners]] owner0: unknown key; did you mean 'owner'?"
    if faults > 20:
        assert lines[-1] == f"x.toml: and {faults - 20:,} more"
    assert len(lines) == min(faults, 20) + 1 + (faults > 20)


#: Ten thousand lines, each with a fault of its own kind: none may be compared with all others.
LONG = {
    "unknown-keys": "[hub]\n" + "".join(f"key{number} = 1\n" for number in range(10_000)),
    "unknown-tables": "[hub]\n" + "".join(f"[table{number}]\n" for number in range(10_000)),
    "no-keys-of-tags": '[tags]\nowner = "{owner}"\n'
    + "".join(f'key{number} = "x"\n' for number in range(5_000))
    + "[existing_tags]\n"
    + "".join(f'kez{number} = "keep"\n' for number in range(5_000)),
    "wrong-regions": '[organization]\nid = "o-exampleorg1"\nmanagement_account = "111111111111"\n'
    'hub_account = "222222222222"\nhome_region = "eu-central-1"\nregions = [\n'
    + "".join(f'"eu-central-{number}a",\n' for number in range(5_000))
    + "]\nexcluded_regions = [\n"
    + "".join(f'"eu-central-{number}a",\n' for number in range(5_000))
    + "]\n",
    "wrong-types": "[tags]\n" + "".join(f"key{number} = {number}\n" for number in range(10_000)),
    "one-line": "[protection]\nunits = [" + ", ".join(str(number) for number in range(10_000)) + "]\n",
    "dotted": "".join(f"hub.a.b{number} = 1\n" for number in range(10_000)),
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_ten_thousand_faults_are_counted(text: str) -> None:
    lines = told(text)
    assert len(lines) in {2 - 1, 22}  # dotted keys are one unknown table
    assert all(line.startswith("x.toml:") for line in lines)


FOREIGN: dict[str, tuple[bytes, str]] = {
    "utf-16": ("[tags]\n".encode("utf-16"), "x:1: is in UTF-16: save it as UTF-8"),
    "utf-16-without-mark": ("[tags]\nowner = 1\n".encode("utf-16-le"), "x:1: is in UTF-16: save it as UTF-8"),
    "utf-32": ("[tags]\n".encode("utf-32"), "x:1: is in UTF-32: save it as UTF-8"),
    "latin-1": (b"# a\n[tags]\nx = '\xe4'\n", "x:3: is not in UTF-8 (byte 0xe4)"),
    "zip": (b"PK\x03\x04\0\0", "x: is a zip archive, as the function's package is, and no text"),
    "gzip": (b"\x1f\x8b\x08\0", "x: is a gzip archive, as CloudTrail's log files are"),
    "ledger": (b"SQLite format 3\0" + bytes(100), "x: is an SQLite database, as a ledger is"),
    "binary": (b"[tags]\n\x01\0\x02", "x:2: is no text, but binary"),
    "huge": (b"#" * (MOST_BYTES + 1), "bytes, more than any settings"),
    "json": (b'\n {"organization": {}}', "x:1: is JSON, and settings are TOML"),
    "json-list": (b'[{"eventName": "x"}]', "x:1: is JSON"),
    "html": (b"<!DOCTYPE html><html>", "x:1: is HTML or XML"),
    "yaml": (b"# config\norganization:\n  id: x\n", "x:1: is YAML"),
    "yaml-document": (b"---\na: 1\n", "x:1: is YAML"),
    "terraform": (b'module "ownertag" {\n  source = "x"\n}\n', "x:1: is Terraform's language"),
    "aws-config": (b"[default]\nregion = eu-central-1\n", "x:1: is an AWS config or credentials file"),
    "aws-profile": (b"[profile dev]\nregion = eu-central-1\n", "x:1: is an AWS config or credentials file"),
    "aws-credentials": (
        b"[dev]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = SECRET\n",
        "AWS config or cred",
    ),
    "samconfig": (b'version = 0.1\n[default.deploy]\nx = "y"\n', "x:1: is an AWS config file, or a samconfig.toml"),
    "pyproject": (
        b'[build-system]\nrequires = []\n[project]\nname = "x"\n',
        "is a pyproject.toml (it has [build-system]",
    ),
    "cargo": (b'[package]\nname = "x"\n[dependencies]\n', "x:1: is a Cargo.toml"),
    "another-toml": (b"[wombat]\n[zzz]\n", "x:1: is the settings of another program (it has [wombat], [zzz])"),
    "merge": (b'[tags]\n<<<<<<< HEAD\nowner = "a"\n=======\n', "x:2: holds both sides of a merge"),
}


@pytest.mark.parametrize(("content", "said"), FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_is_named_for_what_it_is_and_nothing_of_it_is_told(content: bytes, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings(settings_text(content, "x"), "x")
    message = str(refused.value)
    assert said in message
    assert "\n" not in message
    assert "SECRET" not in message
    assert "AKIA" not in message
    assert "--config" in message or "save it" in message or "merge" in message


@pytest.mark.parametrize("text", ["[tags]\nowner = '{owner}'\n", "", "# nothing\n"])
def test_the_mark_of_utf_8_and_lines_of_windows_are_taken(text: str) -> None:
    content = b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()
    assert settings_text(content, "x") == text
    assert read_settings("\ufeff" + text, "x") == read_settings(text, "x")


#: A line of TOML's rules that is broken, and what is said of it.
SYNTAX = {
    'owner = "C:\\Users\\me"': "a backslash is doubled, or the text stands in single quotes: 'C:\\Users'",
    'owner = "C:\\temp\\data"': "a backslash is doubled",
    "owner = alice": 'a text stands in quotes: key = "text"',
    "owner alice": "write key = value",
    "[tags": "write a table as [table]",
    "[[tags]": "write it as [[owners]]",
    'owner = "x': "a text ends with its quote in the same line",
    'owner = """x': "closing quote",
    "owner = '''x": "closing quotes are missing",
    "owner = ['x'": "the list's ] is missing",
    "owner = {x = 1": "the table's } is missing",
    'owner = "a" extra = "b"': "one key a line",
    'date = "x"\ndate = "y"': "the key stands there twice; keep one",
    "[limits]\n[limits]": "the table stands there twice; put its keys into one",
    "\u201cowner\u201d = 1": "a line is a key = value",
    "a.\u201cowner\u201d = 1": "a key has letters, digits",
    "; a comment": "a comment after #",
    "owner = \u201cx\u201d": "a text stands in quotes",
}


@pytest.mark.parametrize(("line", "advice"), SYNTAX.items(), ids=[str(number) for number in range(len(SYNTAX))])
def test_what_breaks_tomls_rules_is_told_with_its_line_and_what_would_be_right(line: str, advice: str) -> None:
    [message] = told(f"# one\n[hub]\n{line}\n")
    assert message.startswith("x.toml:"), message
    assert int(message.split(":")[1]) in {3, 4}, message
    assert "no TOML" in message
    assert advice in message


PATHS = {
    r"C:\Users\me\ownertag.toml": r"C:\Users\me\ownertag.toml",
    "/Users/me/My Settings/ownertag.toml": "/Users/me/My Settings/ownertag.toml",
    "/Users/zoe\u0308/ownertag.toml": "/Users/zoe\u0308/ownertag.toml",
    "a\x1b[2Jb\n.toml": r"a\x1b[2Jb\n.toml",
    "a\u202eb.toml": r"a\u202eb.toml",
    "\udcff.toml": r"\udcff.toml",
}


@pytest.mark.parametrize(("path", "printed"), PATHS.items())
@pytest.mark.parametrize("text", ["[hub]\nx = 1", "x = ", "{}"])
def test_a_path_is_printed_as_it_was_given_without_what_a_terminal_would_obey(
    path: str, printed: str, text: str
) -> None:
    [message] = told(text, path)
    assert message.startswith(f"{printed}:")
    assert shown(path) == printed


def test_a_long_value_is_cut_and_a_control_character_is_named() -> None:
    [message] = told(f'[hub]\nalarm_email = "{"x" * 10_000}"')
    assert len(message) < 250
    [message] = told('[hub]\nalarm_email = "a\\u001b[2J\\u202eb"')
    assert r"'a\x1b[2J\u202eb' is no mail address" in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # Of what rests on something that can't be read nothing is said.
        ('organization = "x"\n[observe]\naccounts = ["111122223333"]\n', ["[organization]: is a text; write a table"]),
        ('[tags]\nowner = 3\n[existing_tags]\nowner = "keep"\n', ["[tags] owner: is a number"]),
        ("[protection]\nunits = [3]\n[trust]\nrestrict_source_identity = true\n", ["[protection] units: is a number"]),
        ("tags = []\n", ["[tags]: is a list; write a table"]),
        ("[[owners]]\nmatch = 3\nowner = 4\n", ["[[owners]] match: is a number", "[[owners]] owner: is a number"]),
        ("owners = [3]\n", ["[[owners]]: is a number; write a table"]),
    ],
)
def test_what_follows_from_another_fault_is_left_out(text: str, said: list[str]) -> None:
    lines = [line for line in told(text) if " faults" not in line]
    assert len(lines) == len(said), lines
    assert all(part in line for part, line in zip(said, lines, strict=True)), lines


LINES = [line for line in MANY.splitlines() if line]
VALUES = ["1", "1.5", "true", "2026-01-01", "07:32:00", "[]", "{}", "[1]", '["a"]', "[{a = 1}]", '"x"', "nan", "[[[]]]"]


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Settings whose lines are shuffled, cut and given other values."""
    lines = draw(st.lists(st.sampled_from([*LINES, "", "# c"]), max_size=12))
    for _ in range(draw(st.integers(0, 3))):
        key = draw(st.sampled_from(sorted(KEYS)))
        lines.insert(draw(st.integers(0, len(lines))), f"{key} = {draw(st.sampled_from(VALUES))}")
    text = "\n".join(lines)
    start = draw(st.integers(0, len(text)))
    return text[:start] + draw(st.text(max_size=2)) + text[start + draw(st.integers(0, 2)) :]


KEYS = {key for struct in (Settings, OrganizationSettings, OwnerRule) for key in struct.__struct_fields__} | {
    "hub.x",
    "owners",
    "tags.a",
    "'[0]'",
    '"a.b"',
    "protection.units",
    "trust.identity_stores",
}


@examples(2000)
@given(texts())
def test_whatever_is_wrong_is_told_by_line(text: str) -> None:
    try:
        read_settings(text, "x.toml")
    except SettingsError as error:
        lines = str(error).splitlines()
        for line in lines if len(lines) == 1 else lines[1:]:
            assert re.match(r"x\.toml:(?:[1-9][0-9]*:| is | and )", line), line
            assert int((re.match(r"x\.toml:([0-9]+)", line) or [0, 1])[1]) <= text.count("\n") + 1


def test_what_is_nested_deeply_is_told() -> None:
    for depth in (100, 200, 300, 400, 450, 480, 490, 5000):
        message = told(f"[hub]\na = {'[' * depth}{']' * depth}\nb = {'{a=' * depth}1{'}' * depth}")
        assert message[-1].startswith("x.toml:")


def test_right_settings_are_read_without_what_looks_for_faults() -> None:
    code = (
        "import sys; from ownertag.core.settings_file import read_settings; "
        "read_settings('[tags]\\nowner = \"{owner}\"', 'x'); "
        "print(*sorted({'difflib', 'ownertag.core.toml.faults', 'ownertag.core.settings_faults', "
        "'ownertag.core.settings_foreign', 'ownertag.core.toml.lines'} & {*sys.modules}))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""
