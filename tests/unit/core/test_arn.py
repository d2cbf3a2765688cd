"""ARNs are taken apart and built in one module."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ownertag.core.arn import (
    Arn,
    IamRole,
    IamUser,
    OidcProvider,
    RoleSession,
    account_of_root,
    arn_before_id,
    fill_template,
    function_arn,
    last_part,
    parse_arn,
    parse_oidc_provider,
    parse_role,
    parse_role_session,
    parse_user,
    partition_of,
    role_arn,
    template_pattern,
    template_service,
    without_account,
)

SOURCE = Path(__file__).parents[3] / "src/ownertag"
#: Where ARNs are written by hand, and why.
EXCEPTIONS = {
    "core/arn.py": "the one place",
    "core/redaction": "what is taken out of texts, wherever it stands in them",
    "core/settings_checks.py": "the forms of two settings, and the examples in their advice",
    "render/first_settings.py": "examples of settings",
    "render/infra.py": "lines of YAML with pseudo parameters",
    "render/scp.py": "resources of a policy with wildcards: to be read as IAM reads them",
    "rollout/prove/anonymize.py": "what is taken out of texts, wherever it stands in them",
    "sandbox": "it stands in for AWS, and imports nothing of what it tests",
}
_WRITTEN = re.compile(r"\barn:")
_SEPARATORS = {":", "/"}
_TAKES_APART = {"split", "rsplit", "partition", "rpartition"}


def by_hand(path: Path) -> Iterator[int]:
    """The lines on which a module builds an ARN or takes one apart. What a docstring says does not count."""
    tree = ast.parse(path.read_text("utf-8"), str(path))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body
        if isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            if _WRITTEN.search(node.value):
                yield node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _TAKES_APART:
            separator = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
            if separator in _SEPARATORS and re.search(r"arn\b", ast.unparse(node.func.value).lower()):
                yield node.lineno


def excepted(path: Path) -> str | None:
    name = path.relative_to(SOURCE).as_posix()
    return next((known for known in EXCEPTIONS if name == known or name.startswith(f"{known}/")), None)


def test_no_other_module_takes_arns_apart_or_builds_them() -> None:
    found = {
        f"{path.relative_to(SOURCE)}:{line}"
        for path in SOURCE.rglob("*.py")
        if excepted(path) is None
        for line in by_hand(path)
    }
    assert not found, "let ownertag.core.arn do it"


def test_each_exception_is_still_one() -> None:
    used = {excepted(path) for path in SOURCE.rglob("*.py") if any(by_hand(path))}
    assert used == EXCEPTIONS.keys()


@pytest.mark.parametrize(
    "line",
    [
        'made = f"arn:{partition}:iam::{account}:root"',
        'made = "arn:aws:s3:::bucket"',
        'account = role_arn.split(":")[4]',
        'name = answer["taskArn"].rpartition("/")[2]',
        'name = (identity.arn or "").rpartition("/")[2]',
        'if text.startswith("arn:"): pass',
        'form = re.compile(r"(?:arn:aws:ec2:)?x")',
    ],
)
def test_the_check_finds(line: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(f'"""Not "arn:".\n"""\n{line}\n', "utf-8")
    assert list(by_hand(path)) == [3]


@pytest.mark.parametrize("line", ['kind = type.partition(":")', 'x = "learn: this"', 'name = path.rpartition("/")'])
def test_the_check_leaves_alone(line: str, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(line, "utf-8")
    assert not list(by_hand(path))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "arn:aws:ec2:eu-west-1:111122223333:volume/vol-1",
            Arn("aws", "ec2", "eu-west-1", "111122223333", "volume/vol-1"),
        ),
        ("arn:aws-cn:s3:::bucket/a:b", Arn("aws-cn", "s3", "", "", "bucket/a:b")),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", Arn("aws", "iam", "", "aws", "policy/ReadOnlyAccess")),
        (
            "arn:aws:autoscaling:us-east-1:111122223333:autoScalingGroup:*:autoScalingGroupName/a b",
            Arn("aws", "autoscaling", "us-east-1", "111122223333", "autoScalingGroup:*:autoScalingGroupName/a b"),
        ),
    ],
)
def test_an_arn_has_six_parts_and_is_built_of_them(text: str, parts: Arn) -> None:
    assert parse_arn(text) == parts
    assert str(parts) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "i-0123456789abcdef0",
        "arn:aws:ec2",
        "arn:aws:ec2:eu-west-1:1234:volume/v",
        "arn:aws:s3:::b\n",
        "arn:aws:s3:::",
        "arn:aws:s3:::" + "b" * 2048,
    ],
)
def test_what_is_no_arn_has_no_parts(text: str) -> None:
    assert parse_arn(text) is None


def test_principals() -> None:
    assert parse_user("arn:aws:iam::111122223333:user/team/alice") == IamUser("111122223333", "alice")
    assert parse_role("arn:aws:iam::111122223333:role/a/b/deploy") == IamRole("111122223333", "/a/b/", "deploy")
    assert parse_role("arn:aws:iam::111122223333:role/deploy") == IamRole("111122223333", "/", "deploy")
    session = "arn:aws:sts::111122223333:assumed-role/deploy/alice@example.com"
    assert parse_role_session(session) == RoleSession("111122223333", "deploy", "alice@example.com")
    assert account_of_root("arn:aws-us-gov:iam::111122223333:root") == "111122223333"
    provider = "arn:aws:iam::111122223333:oidc-provider/token.example.com/id"
    assert parse_oidc_provider(provider) == OidcProvider("111122223333", "token.example.com/id")
    for parse in (parse_user, parse_role, parse_role_session, account_of_root, parse_oidc_provider, function_arn):
        assert parse(None) is None
        assert parse("arn:aws:s3:::bucket") is None


def test_a_function_is_named_without_its_version() -> None:
    function = "arn:aws:lambda:us-east-1:111122223333:function:resize"
    for qualifier in ("", ":$LATEST", ":$LATEST.PUBLISHED", ":7", ":live"):
        assert function_arn(f"{function}{qualifier}") == function


def test_a_partition_is_told_by_the_region() -> None:
    regions = ("us-east-1", "cn-north-1", "us-gov-west-1", "us-iso-east-1", "us-isob-east-1", "eusc-de-east-1")
    assert [partition_of(region) for region in regions] == [
        "aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-eusc",
    ]  # fmt: skip


def test_arns_that_are_built() -> None:
    assert role_arn("aws", "111122223333", "path/deploy") == "arn:aws:iam::111122223333:role/path/deploy"
    assert without_account("arn:aws:ec2:us-east-1:111122223333:image/ami-1") == "arn:aws:ec2:us-east-1::image/ami-1"
    assert last_part("arn:aws:ec2:us-east-1:111122223333:volume/vol-1") == "vol-1"
    assert last_part("arn:aws:sqs:us-east-1:111122223333:queue") == "queue"


def test_templates() -> None:
    template = "arn:{partition}:ec2:{region}:{account}:volume/{id}"
    made = fill_template(template, "aws-cn", "cn-north-1", "111122223333", "vol-1")
    assert made == "arn:aws-cn:ec2:cn-north-1:111122223333:volume/vol-1"
    assert arn_before_id(template, "cn-north-1", "111122223333") + "vol-1" == made
    assert template_service(template) == "ec2"
    found = template_pattern(template, "vol-[0-9]").fullmatch(made)
    assert found
    assert found.groupdict() == {
        "partition": "aws-cn", "region": "cn-north-1", "account": "111122223333", "id": "vol-1",
    }  # fmt: skip
