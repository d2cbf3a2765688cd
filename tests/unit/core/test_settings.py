"""Wrong settings name their line, what is wrong and what would be right."""

from __future__ import annotations

import json
import re
import time
from contextlib import suppress
from typing import Any, NamedTuple, get_args

import msgspec
import pytest
from msgspec import Struct

from harness import fixtures
from ownertag.core.settings import REMOVED_KEYS, RENAMED_KEYS, TEMPLATE_FIELDS, Settings, SettingsError
from ownertag.core.settings_file import read_settings

ORGANIZATION = """[organization]
id = "o-exampleorg1"
management_account = "123456789012"
hub_account = "777788889999"
home_region = "eu-central-1"
"""
STORE = "arn:aws:identitystore::123456789012:identitystore/d-1234567890"


class Wrong(NamedTuple):
    text: str
    line: int | None
    wrong: str
    right: str


def organization(line: str, **instead: str) -> str:
    """An organization with other lines, and one more."""
    text = ORGANIZATION
    for key, value in instead.items():
        text = re.sub(rf"(?m)^{key} = .*$", f"{key} = {value}".replace("\\", r"\\"), text)
    return text + line


WRONG: dict[str, Wrong] = {
    "no-toml": Wrong("owner = \n", 1, "no TOML, column 9: Invalid value", "stands in quotes"),
    "a-word": Wrong("hello", None, "", "Expected '='"),
    "json": Wrong('{"tags": {}}', 1, "is JSON", "--config"),
    "deep": Wrong("a = " + "[" * 5000, None, "nested", "any settings"),
    "twice-the-same-key": Wrong('[tags]\nowner = "{owner}"\nowner = "x"\n', 3, "Cannot overwrite", ""),
    "unknown-table": Wrong('\n[tag]\nowner = "{owner}"', 2, "tag: unknown key", "did you mean 'tags'"),
    "unknown-table-like-none": Wrong(
        "[zzz]", 1, "zzz: unknown key", "there are organization, hub, observe, protection, tags, existing_tags"
    ),
    "unknown-key": Wrong('[hub]\ntagger_rol = "x"', 2, "[hub] tagger_rol", "did you mean 'tagger_role'"),
    "unknown-key-like-none": Wrong("[limits]\nzzz = 1", 2, "[limits] zzz", "there are timeout_share, quota_share"),
    "unknown-key-of-the-organization": Wrong(
        organization("home_regio = 1"), 6, "[organization] home_regio", "'home_region'"
    ),
    "unknown-key-of-a-rule": Wrong(
        '[[owners]]\nmatch = "a"\nowner = "b"\n[[owners]]\nmatch = "a"\nownr = "b"', 6, "[[owners]] ownr", "'owner'"
    ),
    "table-as-a-number": Wrong("tags = 3", 1, "[tags]: is a number", "write a table"),
    "table-as-a-list": Wrong('[owners]\nmatch = "a"', 1, "[[owners]]: is a table", "write a list of tables"),
    "organization-as-a-text": Wrong('organization = "x"', 1, "[organization]: is a text", "write a table"),
    "template-as-a-number": Wrong(
        '[tags]\nx = "y"\nowner = 3', 3, "[tags] owner: is a number", "write a text in quotes"
    ),
    "template-as-a-date": Wrong("[tags]\nowner = 2026-01-01", 2, "[tags] owner: is a date", "write a text"),
    "no-tag": Wrong("[tags]", 1, "names no tag", 'owner = "{owner}"'),
    "no-owner": Wrong('\n[tags]\ndate = "{date}"', 2, "no tag holds {owner}", 'write owner = "{owner}"'),
    "unknown-field": Wrong('[tags]\nowner = "{owner}"\nx = "{ower}"', 3, "{ower} is no field", "event_id, event_name"),
    "attribute-of-a-field": Wrong('[tags]\nowner = "{owner.__class__}"', 2, "is no field", "there are account"),
    "conversion-of-a-field": Wrong('[tags]\nowner = "{owner!r}"', 2, "{owner!r} is no field", "there are account"),
    "number-of-a-field": Wrong('[tags]\nowner = "{0}"', 2, "{0} is no field", "there are account"),
    "no-field": Wrong('[tags]\nowner = "{}"', 2, "{} is no field", "there are account"),
    "half-a-field": Wrong('[tags]\nowner = "{owner"', 2, "brace that belongs to no field", ""),
    "doubled-braces": Wrong('[tags]\nowner = "{{owner}}"', 2, "[tags] owner", "brace"),
    "reserved-key": Wrong('[tags]\nowner = "{owner}"\n"aws:x" = "y"', 3, "[tags] aws:x", "doesn't begin with aws:"),
    "reserved-key-in-upper-case": Wrong('[tags]\nowner = "{owner}"\n"AWS:x" = "y"', 3, "[tags] AWS:x", "aws:"),
    "empty-key": Wrong('[tags]\nowner = "{owner}"\n"" = "y"', 3, '[tags] "":', "1 to 128 letters"),
    "long-key": Wrong(f'[tags]\n{"k" * 129} = "{{owner}}"', 2, "[tags] kkk", "1 to 128 letters"),
    "look-alike-key": Wrong('[tags]\nowner = "{owner}"\n"\u043ewner" = "y"', 3, "[tags] \u043ewner", "letters, digits"),
    "keys-that-differ-by-case": Wrong('[tags]\nowner = "{owner}"\nOwner = "y"', 3, "by case only", "'owner'"),
    "unknown-policy": Wrong(
        '[existing_tags]\nowner = "maybe"', 2, "[existing_tags] owner", 'write one of "overwrite", "keep"'
    ),
    "policy-of-no-tag": Wrong('[existing_tags]\nownr = "keep"', 2, "is no key of [tags]", "did you mean 'owner'"),
    "organization-without-hub": Wrong(
        '[organization]\nid = "o-exampleorg1"', 1, "[organization] management_account", "is missing"
    ),
    "organization-id": Wrong(organization("", id='"x"'), 2, "[organization] id: 'x'", "such as 'o-a1b2c3d4e5'"),
    "organization-id-newline": Wrong(organization("", id='"o-exampleorg1\\n"'), 2, "[organization] id", "such as"),
    "account-as-a-number": Wrong(
        organization("", hub_account="777788889999"), 4, "hub_account: is a number", 'such as "777788889999"'
    ),
    "account-too-short": Wrong(organization("", hub_account='"77778888"'), 4, "hub_account", "12 digits in quotes"),
    "account-fullwidth": Wrong(
        organization(
            "", management_account='"\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19\uff10\uff11\uff12"'
        ),
        3,
        "management_account",
        "12 digits in quotes",
    ),
    "home-region": Wrong(organization("", home_region='"Frankfurt"'), 5, "'Frankfurt'", "such as 'eu-central-1'"),
    "regions-with-a-zone": Wrong(
        organization('regions = ["eu-central-1", "eu-central-1a"]'),
        6,
        "[organization] regions: 'eu-central-1a'",
        "such as",
    ),
    "regions-of-another-partition": Wrong(
        organization('regions = ["eu-central-1", "cn-north-1"]'), 6, "'cn-north-1'", "partition than home_region"
    ),
    "regions-without-home": Wrong(organization('regions = ["us-east-1"]'), 6, "lacks home_region", "add it"),
    "excluded-home": Wrong(
        organization('excluded_regions = ["eu-central-1"]'),
        6,
        "excluded_regions: names home_region 'eu-central-1'",
        "take it out",
    ),
    "excluded-and-named": Wrong(
        organization('regions = ["eu-central-1", "us-east-1"]\nexcluded_regions = ["us-east-1"]'),
        7,
        "'us-east-1' is in regions as well",
        "out of one of the two",
    ),
    "excluded-zone": Wrong(
        organization('excluded_regions = ["eu-west-1a"]'), 6, "excluded_regions: 'eu-west-1a' is no Region", "such as"
    ),
    "excluded-of-another-partition": Wrong(
        organization('excluded_regions = ["cn-north-1"]'), 6, "'cn-north-1'", "partition than home_region"
    ),
    "excluded-misspelt": Wrong(
        organization('exclude_regions = ["us-east-1"]'), 6, "exclude_regions", "excluded_regions"
    ),
    "unit-that-is-none": Wrong(organization('units = ["workloads"]'), 6, "units: 'workloads'", "ou-ab12-c3d4e5f6"),
    "unit-observed-that-is-none": Wrong(
        organization('\n[observe]\nunits = ["ou-1"]'), 8, "[observe] units: 'ou-1' is no unit", "'r-ab12'"
    ),
    "account-observed-that-is-none": Wrong(
        organization('\n[observe]\naccounts = ["1234"]'), 8, "[observe] accounts: '1234' is no account", "12 digits"
    ),
    "accounts-observed-as-a-text": Wrong(
        organization('\n[observe]\naccounts = "111122223333"'),
        8,
        "[observe] accounts: is a text",
        'write a list of texts, such as ["111122223333"]',
    ),
    "unknown-key-of-what-is-observed": Wrong(
        organization("\n[observe]\nunit = []"), 8, "[observe] unit", "did you mean 'units'"
    ),
    "observed-without-a-hub": Wrong(
        '[observe]\naccounts = ["111122223333"]', 1, "[observe]: needs [organization]", "its ledger"
    ),
    "unit-protected-that-is-none": Wrong('[protection]\nunits = ["ou-1"]', 2, "'ou-1' is no unit", "'r-ab12'"),
    **{
        f"break-glass-{name!r}": Wrong(
            f"[protection]\nbreak_glass = [{json.dumps(name)}]", 2, "can be no role", "security-admin"
        )
        for name in ("*", "**", "*/x", "", "a b", "arn:aws:iam::111122223333:role/x", "x\n", "/x", "x/")
    },
    "alarm-to-nobody": Wrong('[hub]\nalarm_email = "me"', 2, "[hub] alarm_email: 'me'", "no mail address"),
    "one-at-once": Wrong("[hub]\nmaximum_concurrency = 1", 2, "maximum_concurrency", "between 2 and 1000"),
    "bucket-that-is-none": Wrong('[hub]\npackage_bucket = "Our"', 2, "package_bucket: 'Our'", "name of a bucket"),
    "regions-as-a-text": Wrong(
        organization('regions = "eu-central-1"'), 6, "regions: is a text", "write a list of texts"
    ),
    "rule-without-owner": Wrong('[[owners]]\nmatch = "a"', 1, "[[owners]] owner", "is missing"),
    "rule-that-matches-nothing": Wrong('[[owners]]\nmatch = ""\nowner = "b"', 2, "[[owners]] match", "1 to 256"),
    "rule-too-long": Wrong(f'[[owners]]\nmatch = "{"a" * 257}"\nowner = "b"', 2, "[[owners]] match", "1 to 256"),
    "rule-as-a-number": Wrong('[[owners]]\nmatch = 3\nowner = "b"', 2, "[[owners]] match: is a number", "write a text"),
    "rule-of-nobody": Wrong(
        '[[owners]]\nmatch = "a"\nowner = " "', 3, "[[owners]] owner: is empty", "person or a team"
    ),
    "rule-of-no-account": Wrong(
        '[[owners]]\nmatch = "a"\nowner = "b"\naccount = "1"', 4, "[[owners]] account: '1'", "12 digits in quotes"
    ),
    "second-rule": Wrong(
        '[[owners]]\nmatch = "a"\nowner = "b"\n[[owners]]\nmatch = "c"\nowner = ""',
        6,
        "[[owners]] owner",
        "name a person",
    ),
    "store-that-is-none": Wrong('[trust]\nidentity_stores = ["*"]', 2, "'*' can be none", "identitystore/d-1234567890"),
    "store-as-a-text": Wrong(
        f'[trust]\nidentity_stores = "{STORE}"', 2, "[trust] identity_stores: is a text", "write a list of texts"
    ),
    "store-as-a-number": Wrong(
        "[trust]\nidentity_stores = [1]", 2, "[trust] identity_stores: is a number", "write a text"
    ),
    "provider-that-is-none": Wrong('[trust]\nidentity_providers = ["corporate"]', 2, "'corporate'", "saml-provider/"),
    "directory-in-no-region": Wrong(
        '[trust]\nidentity_center_region = "Frankfurt"', 2, "[trust] identity_center_region", "'Frankfurt' is no Region"
    ),
    "sessions-as-a-text": Wrong(
        '[trust]\ntrace_assumed_roles = "no"', 2, "[trust] trace_assumed_roles: is a text", "write true or false"
    ),
    "a-guard-of-the-owner-tag": Wrong(
        "[trust]\ntrace_assumed_roles = true\nowner_tag_guarded = true",
        3,
        "[trust] owner_tag_guarded: is no key any more; remove the line",
        "asserted, whatever guards it",
    ),
    "a-guard-of-the-owner-tag-that-is-off": Wrong(
        "[trust]\nowner_tag_guarded = false", 2, "[trust] owner_tag_guarded", "remove the line"
    ),
    "a-guard-of-the-owner-tag-elsewhere": Wrong(
        "[limits]\nowner_tag_guarded = true", 2, "[limits] owner_tag_guarded", "unknown key; there are timeout_share"
    ),
    "guard-as-a-text": Wrong(
        '[trust]\nrestrict_source_identity = "yes"', 2, "restrict_source_identity: is a text", "write true or false"
    ),
    "roles-as-a-text": Wrong(
        '[trust]\nrestrict_source_identity = true\nsource_identity_roles = "x"',
        3,
        "source_identity_roles: is a text",
        "write a list",
    ),
    "role-with-leave-that-is-everybody": Wrong(
        '[trust]\nrestrict_source_identity = true\nsource_identity_roles = ["*"]',
        3,
        "[trust] source_identity_roles: '*' can be none",
        "'sign-in-broker'",
    ),
    "role-with-leave-by-its-arn": Wrong(
        '[trust]\nrestrict_source_identity = true\nsource_identity_roles = ["arn:aws:iam::111122223333:role/x"]',
        3,
        "can be none",
        "such as 'sign-in-broker'",
    ),
    "role-with-leave-and-a-newline": Wrong(
        '[trust]\nrestrict_source_identity = true\nsource_identity_roles = ["x\\n"]', 3, "can be none", "such as"
    ),
    "role-with-leave-and-no-guard": Wrong(
        '[trust]\nsource_identity_roles = ["x"]', 2, "[trust] source_identity_roles: gives leave", "identity = true"
    ),
    "role-name": Wrong('[hub]\ntagger_role = "a b"', 2, "[hub] tagger_role: 'a b'", "is no name of a role"),
    "role-name-with-a-path": Wrong('[hub]\ntagger_role = "x/y"', 2, "[hub] tagger_role", "is no name of a role"),
    "role-name-with-a-newline": Wrong('[hub]\ntagger_role = "x\\n"', 2, "[hub] tagger_role", "is no name of a role"),
    "time-share": Wrong("[limits]\ntimeout_share = 2", 2, "[limits] timeout_share", "between 0.1 and 0.95"),
    "quota-share": Wrong("[limits]\nquota_share = 1.5", 2, "[limits] quota_share", "between 0.01 and 1"),
    "quota-share-of-nothing": Wrong("[limits]\nquota_share = 0", 2, "[limits] quota_share", "the account's own tools"),
    "quota-share-of-no-number": Wrong("[limits]\nquota_share = nan", 2, "[limits] quota_share", "between 0.01 and 1"),
    "time-share-of-nothing": Wrong(
        "[limits]\ntimeout_share = nan", 2, "[limits] timeout_share", "between 0.1 and 0.95"
    ),
    "time-share-as-a-text": Wrong(
        '[limits]\ntimeout_share = "x"', 2, "[limits] timeout_share: is a text", "write a number"
    ),
    "in-line-table": Wrong('hub = { tagger_role = "a b" }', 1, "[hub] tagger_role", "is no name of a role"),
    "dotted-key": Wrong('tags.owner = "{owne}"', 1, "[tags] owner", "{owne} is no field"),
    "quoted-key": Wrong('[tags]\n"owner" = "{owne}"', 2, "[tags] owner", "{owne} is no field"),
    "behind-comments-and-blank-lines": Wrong(
        "# ownertag\n\n[limits] # bounds\n  # none\n  timeout_share = 7 # too much",
        5,
        "[limits] timeout_share",
        "between",
    ),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_wrong_setting_names_its_line_what_is_wrong_and_what_would_be_right(wrong: Wrong) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings(wrong.text, "ownertag.toml")
    told = [line for line in str(refused.value).splitlines() if wrong.wrong in line and wrong.right in line]
    assert told, refused.value
    assert re.match(rf"ownertag\.toml:{wrong.line or '[0-9]+'}: ", told[0])


@pytest.mark.parametrize(("old", "new"), RENAMED_KEYS.items())
def test_a_key_of_an_earlier_version_is_refused_with_its_new_name(old: str, new: str) -> None:
    table, _, key = old.rpartition(".")
    text = f'[{table}]\n{key} = "x"' if table else f"# ownertag\n[{key}]"
    before = "" if table != "organization" else ORGANIZATION.partition("\n")[2]
    with pytest.raises(SettingsError) as refused:
        read_settings(f"{text}\n{before}", "ownertag.toml")
    assert str(refused.value) == f"ownertag.toml:2: {named(old)}: has another name now: write {named(new)}"


def named(dotted: str) -> str:
    """A key as messages name it: with its table before it."""
    table, _, key = dotted.rpartition(".")
    known = {field.encode_name for field in msgspec.structs.fields(Settings)}
    return f"[{table}] {key}" if table else f"[{key}]" if key in known else key


def test_every_new_name_is_a_key() -> None:
    """A name that was changed twice leads to the last one."""
    known = {
        dotted
        for table in msgspec.structs.fields(Settings)
        for dotted in (table.name, *(f"{table.name}.{key}" for key in keys_of(table.type)))
    }
    assert {*RENAMED_KEYS.values()} <= known
    assert not known & {*RENAMED_KEYS, *REMOVED_KEYS}


def keys_of(type_: Any) -> list[str]:
    """The keys of a table of the settings; none where they are the user's."""
    found = next(
        (part for part in (type_, *get_args(type_)) if isinstance(part, type) and issubclass(part, Struct)), None
    )
    return [field.encode_name for field in msgspec.structs.fields(found)] if found else []


def test_no_settings_write_the_owner_and_the_date() -> None:
    assert read_settings("", "x") == Settings()
    assert Settings().tags == {"owner": "{owner}", "dateCreated": "{created_at}"}
    assert Settings().owner_keys == {"owner"}
    assert not Settings().kept_keys


def test_right_settings_are_read() -> None:
    text = (
        organization('regions = ["us-east-1", "eu-central-1"]')
        + '\n[tags]\n"cost center:owner" = "{owner} ({confidence})"\nDateCreated = "{date}"\n'
        + '[existing_tags]\nDateCreated = "keep"\n'
        + f'[trust]\nidentity_stores = ["{STORE}"]\nrestrict_source_identity = true\nidentity_providers = ['
        + '"accounts.google.com", '
        + '"arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE",'
        + '"arn:aws-cn:iam::123456789012:saml-provider/corporate"]\n'
        + '[[owners]]\nmatch = "ali*"\nowner = "Alice"\naccount = "111122223333"\n'
        + '[ignore]\nprincipals = ["arn:aws:iam::*:role/x"]\n'
        + '[hub]\ntagger_role = "tagger"\n[limits]\ntimeout_share = 0.5\n[protection]\nunits = ["r-ab12"]\n'
    )
    settings = read_settings(text, "x")
    assert settings.organization is not None
    assert settings.organization.regions == ("us-east-1", "eu-central-1")
    assert settings.owner_keys == {"cost center:owner"}
    assert settings.kept_keys == {"DateCreated"}
    assert settings.owners[0].pattern.fullmatch("ALICE")
    assert (settings.hub.tagger_role, settings.limits.timeout_share) == ("tagger", 0.5)


def test_what_is_deployed_where() -> None:
    text = organization('units = ["r-ab12"]') + (
        '\n[hub]\nalarm_email = "a@example.com"\nmaximum_concurrency = 2\npackage_bucket = "our.packages"\n'
        '[protection]\nunits = []\nbreak_glass = ["security-admin"]\n'
    )
    found = read_settings(text, "x")
    assert found.organization is not None
    assert (found.organization.units, found.protection.units) == (("r-ab12",), ())
    assert found.protection.break_glass == ("security-admin",)
    nothing_said = read_settings(organization(""), "x")
    assert (nothing_said.protection.units, nothing_said.observe.units, nothing_said.observe.accounts) == ((), (), ())


def test_what_is_observed() -> None:
    text = organization("") + '\n[observe]\nunits = ["ou-ab12-c3d4e5f6"]\naccounts = ["111122223333"]\n'
    observe = read_settings(text, "x").observe
    assert (observe.units, observe.accounts, observe.everything) == (("ou-ab12-c3d4e5f6",), ("111122223333",), False)
    assert read_settings(organization("") + '\n[observe]\nunits = ["r-ab12"]\n', "x").observe.everything


@pytest.mark.parametrize("role", ["sign-in-broker", "team/x", "aws-reserved/sso.amazonaws.com*/AWSReservedSSO_Ops_*"])
def test_roles_with_leave_are_names_or_paths(role: str) -> None:
    text = f'[trust]\nrestrict_source_identity = true\nsource_identity_roles = ["{role}"]\n'
    text += '[protection]\nunits = ["r-ab12"]'
    assert read_settings(text, "x").trust.source_identity_roles == (role,)


def test_every_field_can_be_named() -> None:
    lines = "".join(f'{name} = "a {{{name}}} b"\n' for name in TEMPLATE_FIELDS)
    settings = read_settings(f"[tags]\n{lines}", "x")
    assert {parts[1] for _, parts in settings.templates} == set(TEMPLATE_FIELDS)


def test_the_settings_of_the_tests_are_right() -> None:
    assert fixtures.settings().organization is not None
    assert fixtures.anywhere().organization is None


@pytest.mark.parametrize("text", ["x" * 100_000, "[" * 100_000, "# " * 100_000, "\n" * 100_000])
def test_no_text_takes_long_or_raises_anything_else(text: str) -> None:
    start = time.process_time()
    with suppress(SettingsError):
        read_settings(text, "x")
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("organization", "protection", "refused"),
    [
        # No policy is written where nothing says so.
        ("[]", None, True),
        ('["r-ab12"]', None, True),
        ("[]", '["r-ab12"]', False),
        ('["ou-ab12-c3d4e5f6"]', '["r-ab12"]', False),
        ('["ou-ab12-c3d4e5f6"]', '["ou-ab12-c3d4e5f6", "r-ab12"]', False),
        # An account directly under the root, or in another unit, is under none of these.
        ('["ou-ab12-c3d4e5f6"]', None, True),
        ('["ou-ab12-c3d4e5f6"]', '["ou-ab12-c3d4e5f6"]', True),
        ('["r-ab12"]', '["ou-ab12-c3d4e5f6"]', True),
        ('["ou-ab12-c3d4e5f6", "ou-ab12-00000000"]', '["ou-ab12-c3d4e5f6"]', True),
        ('["r-ab12"]', "[]", True),
        ("[]", '["ou-ab12-c3d4e5f6"]', True),
        ("[]", "[]", True),
    ],
)
def test_a_guard_of_source_identities_covers_the_organization(
    organization: str, protection: str | None, refused: bool
) -> None:
    text = f"""[organization]
id = "o-exampleorg1"
management_account = "123456789012"
hub_account = "777788889999"
home_region = "eu-central-1"
units = {organization}
[trust]
restrict_source_identity = true
"""
    text += f"[protection]\nunits = {protection}\n" if protection else ""
    if refused:
        with pytest.raises(SettingsError, match=r"toml:8: \[trust\] restrict_source_identity: .* the root's id"):
            read_settings(text, "ownertag.toml")
    else:
        assert read_settings(text, "ownertag.toml").trust.restrict_source_identity
