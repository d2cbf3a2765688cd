"""Advice is a cause and commands that can be pasted: none is without a cause, none is left for a person to complete."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

from ownertag.rollout import doctor
from ownertag.rollout.doctor.causes import Cause
from ownertag.rollout.doctor.commands import Caller, Command, apply, aws, known, line, merged, profiles

SOURCES = sorted(Path(doctor.__file__).parent.glob("c*.py"))
ACCOUNT, OTHER, MANAGEMENT = "111122223333", "444455556666", "123456789012"


def _advising(source: Path) -> list[ast.Call]:
    calls = [node for node in ast.walk(ast.parse(source.read_text("utf-8"))) if isinstance(node, ast.Call)]
    return [
        call
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and (call.func.attr in {"fault", "unreached"} or (call.func.attr == "ok" and len(call.args) > 2))
    ]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_each_advice_has_a_cause(source: Path) -> None:
    without = [
        f"{source.name}:{call.lineno}"
        for call in _advising(source)
        if "cause" not in {keyword.arg for keyword in call.keywords}
    ]
    assert without == []


def test_each_cause_is_given_somewhere() -> None:
    text = "\n".join(source.read_text("utf-8") for source in SOURCES if source.stem != "causes")
    assert [cause.name for cause in Cause if f"Cause.{cause.name}" not in text] == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_no_text_has_a_command_with_a_gap_in_it(source: Path) -> None:
    assert re.findall(r"`(?:aws|ownertag deploy) [^`]*`", source.read_text("utf-8").partition('"""')[2]) in (
        [],
        ["`ownertag deploy apply`"],  # of a comment
    )


# --- as it is typed

CALLER = Caller(MANAGEMENT, {MANAGEMENT: "root", ACCOUNT: "my profile"}, "a b.toml", "http://127.0.0.1:1")


def test_a_command_is_typed_with_region_settings_profile_and_endpoint_and_quoted() -> None:
    told = line(aws(ACCOUNT, "eu-west-1", "events", "put-permission", "--policy", '{"a":"b"}'), CALLER)
    assert shlex.split(told) == [
        "aws", "events", "put-permission", "--policy", '{"a":"b"}', "--region", "eu-west-1", "--profile", "my profile",
        "--endpoint-url", "http://127.0.0.1:1",
    ]  # fmt: skip
    assert shlex.split(line(apply(ACCOUNT), CALLER)) == [
        "ownertag", "deploy", "apply", "--recreate", ACCOUNT, "--config", "a b.toml", "--profile", "root",
        "--endpoint-url", "http://127.0.0.1:1",
    ]  # fmt: skip
    # The hub's profile is never given to a command of another account.
    assert "--profile" not in line(aws(OTHER, None, "iam", "list-roles"), CALLER)
    assert [known(aws(account, None), CALLER) for account in (ACCOUNT, OTHER)] == [True, False]


def test_accounts_that_are_made_anew_are_named_in_one_command_and_others_stay() -> None:
    enable = aws(ACCOUNT, "eu-west-1", "events", "enable-rule")
    assert merged([apply(ACCOUNT), enable, apply(f"{OTHER},{ACCOUNT}"), enable, apply()]) == (
        apply(f"{ACCOUNT},{OTHER}"),
        enable,
        apply(),
    )
    assert merged([]) == ()
    assert isinstance(merged([enable])[0], Command)


# --- whose profile

CONFIG = {
    "viewer": {"sso_account_id": ACCOUNT, "sso_role_name": "ReadOnlyAccess"},
    "power": {"sso_account_id": ACCOUNT, "sso_role_name": "PowerUser"},
    "prod": {"sso_account_id": ACCOUNT, "sso_role_name": "AdministratorAccess"},
    "other": {"role_arn": f"arn:aws:iam::{OTHER}:role/OrganizationAccountAccessRole", "source_profile": "x"},
    "static": {"aws_account_id": MANAGEMENT, "aws_access_key_id": "AKIA"},
    "nobody": {"aws_access_key_id": "AKIA"},
}


def test_a_profile_is_an_accounts_by_what_its_file_says() -> None:
    assert profiles(CONFIG) == {ACCOUNT: "prod", OTHER: "other", MANAGEMENT: "static"}
    assert profiles({}) == {}


def test_the_callers_own_profile_stands_for_its_account() -> None:
    assert profiles(CONFIG, ACCOUNT, "power")[ACCOUNT] == "power"
    # The default credentials: no --profile, and nothing to be asked for.
    found = profiles(CONFIG, ACCOUNT, None)
    caller = Caller(MANAGEMENT, found)
    assert line(aws(ACCOUNT, None, "iam", "list-roles"), caller) == "aws iam list-roles"
    assert known(aws(ACCOUNT, None), caller)


@pytest.mark.parametrize("role", ["ViewOnlyAccess", "SecurityAudit", "Billing", "ReadOnly"])
def test_a_profile_that_can_only_look_is_not_taken(role: str) -> None:
    assert profiles({"x": {"role_arn": f"arn:aws:iam::{ACCOUNT}:role/{role}"}}) == {}
