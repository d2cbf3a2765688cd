r"""Takes ARNs apart and builds them: no other module of ownertag does.

The form is `arn:partition:service:region:account:resource` (doc: IAM user guide, "Identify AWS resources with Amazon
Resource Names"). Region and account are empty where a resource has none, and the resource can hold colons and slashes.
Forms of IAM's names: IAM API reference, types of `UserName`, `RoleName`, `Path` and `RoleSessionName`; what IAM names
is in no Region. `\x21-\x7e` is printable ASCII without the space.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

_PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("us-iso-", "aws-iso"),
    ("eu-isoe-", "aws-iso-e"),
    ("eusc-", "aws-eusc"),
)

# The ends of AWS's host names, where they are not `amazonaws.com` (botocore: partitions.json, `dnsSuffix`).
_DNS_SUFFIXES = {
    "aws-cn": "amazonaws.com.cn",
    "aws-eusc": "amazonaws.eu",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
}

#: No ARN is longer (doc: IAM API reference, `arnType`).
MAX_LENGTH = 2048

# The account is a word where AWS itself owns it: `aws` for a managed policy.
_ARN = re.compile(r"arn:([a-z0-9-]{3,16}):([a-z0-9-]{2,40}):([a-z0-9-]{0,20}):([0-9]{12}|[a-z-]*):([\x20-\x7e]+)")
#: The parts of an ARN, as an error names them.
FORM = "arn:partition:service:region:account:resource"
#: An ARN in a longer text ends where no character of a URL's path goes on.
_IN_TEXT = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(?:[0-9]{12})?:[A-Za-z0-9_.:/+=@-]+")

_IAM_NAME = r"[A-Za-z0-9_+=,.@-]{1,64}"
_IAM = r"arn:aws[a-z-]*:iam::([0-9]{12})"
_USER = re.compile(rf"{_IAM}:user/(?:[\x21-\x7e]{{1,512}}/)?({_IAM_NAME})")
_ROLE = re.compile(rf"{_IAM}:role((?:/[\x21-\x7e]{{1,512}})?/)({_IAM_NAME})")
_ROOT = re.compile(rf"{_IAM}:root")
_OIDC_PROVIDER = re.compile(rf"{_IAM}:oidc-provider/([\x21-\x7e]{{1,255}})")
_ROLE_SESSION = re.compile(rf"arn:aws[a-z-]*:sts::([0-9]{{12}}):assumed-role/({_IAM_NAME})/([\x21-\x7e]{{1,64}})")
# Lambda API reference: `FunctionName` with at most 140 characters, `Qualifier`; developer guide: `$LATEST.PUBLISHED`.
_FUNCTION = re.compile(
    r"(arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,140})(?::[A-Za-z0-9_$.-]{1,140})?"
)


class Arn(Struct, frozen=True):
    """The parts of an ARN; `str` builds it. In a policy a part can be a wildcard or a pseudo parameter."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        """The ARN."""
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


class IamUser(Struct, frozen=True):
    """What the ARN of an IAM user names."""

    account: str
    name: str


class IamRole(Struct, frozen=True):
    """What the ARN of an IAM role names. The path begins and ends with a slash."""

    account: str
    path: str
    name: str


class RoleSession(Struct, frozen=True):
    """What the ARN of a role's session names: the role without its path, and the name that whoever assumed it chose."""

    account: str
    role: str
    name: str


class OidcProvider(Struct, frozen=True):
    """What the ARN of an OIDC provider names: the URL is without its scheme."""

    account: str
    url: str


def template_of(arn: Arn) -> str:
    """The template of ARNs like this one, whose resource is the template's: `{type}/{id}`, say.

    It has a Region and an account where this one has them.
    """
    region, account = "{region}" if arn.region else "", "{account}" if arn.account else ""
    return str(Arn("{partition}", arn.service, region, account, arn.resource))


# --- taking apart


def is_arn(text: str) -> bool:
    """Whether a text is meant as an ARN, and not as an id or a name."""
    return text.startswith("arn:")


def parse_arn(text: str) -> Arn | None:
    """The parts of an ARN; None where the text is none."""
    found = _ARN.fullmatch(text) if len(text) <= MAX_LENGTH else None
    return Arn(found[1], found[2], found[3], found[4], found[5]) if found else None


def arns_in(text: str) -> tuple[str, ...]:
    """The ARNs that stand in a text, each once."""
    return tuple(dict.fromkeys(arn for arn in _IN_TEXT.findall(text) if parse_arn(arn)))


def without_object(arn: Arn) -> Arn:
    """The bucket or access point of an object of S3; others as they are (doc: S3 user guide, "Policy resources")."""
    if arn.service != "s3":
        return arn
    parts = arn.resource.split("/")
    return Arn(arn.partition, arn.service, arn.region, arn.account, "/".join(parts[: 2 if arn.account else 1]))


def account_of(arn: str) -> str:
    """The account in an ARN; empty where it has none, or the text is no ARN."""
    found = parse_arn(arn)
    return found.account if found else ""


def last_part(arn: str) -> str:
    """The last part of an ARN, after a colon or a slash: a resource's id, a principal's name."""
    return re.split("[/:]", arn)[-1]


def tails(arn: str) -> Iterator[str]:
    """All that follows a colon or slash of an ARN: one of them is the id, which can have both in it itself."""
    return (arn[at + 1 :] for at, char in enumerate(arn) if char in ":/" and at + 1 < len(arn))


def fits(arn: str, wanted: str) -> bool:
    """Whether an ARN is the wanted one, in which `*` stands for one part that is not known."""
    return re.fullmatch(re.escape(wanted).replace(r"\*", "[^:/]+"), arn) is not None


def parse_user(arn: str | None) -> IamUser | None:
    """The IAM user that an ARN names."""
    found = _USER.fullmatch(arn or "")
    return IamUser(found[1], found[2]) if found else None


def parse_role(arn: str | None) -> IamRole | None:
    """The IAM role that an ARN names."""
    found = _ROLE.fullmatch(arn or "")
    return IamRole(found[1], found[2], found[3]) if found else None


def parse_role_session(arn: str | None) -> RoleSession | None:
    """The session of a role that an ARN names."""
    found = _ROLE_SESSION.fullmatch(arn or "")
    return RoleSession(found[1], found[2], found[3]) if found else None


def account_of_root(arn: str | None) -> str | None:
    """The account whose root user an ARN names."""
    found = _ROOT.fullmatch(arn or "")
    return found[1] if found else None


def parse_oidc_provider(arn: str | None) -> OidcProvider | None:
    """The OIDC provider in IAM that an ARN names."""
    found = _OIDC_PROVIDER.fullmatch(arn or "")
    return OidcProvider(found[1], found[2]) if found else None


def function_arn(arn: str | None) -> str | None:
    """The ARN of a Lambda function without the version or alias that may follow; None where it names no function."""
    found = _FUNCTION.fullmatch(arn or "")
    return found[1] if found else None


# --- building


def partition_of(region: str) -> str:
    """The partition of a Region, told by its prefix as in botocore's endpoint data."""
    return next((partition for prefix, partition in _PARTITIONS if region.startswith(prefix)), "aws")


def dns_suffix(partition: str) -> str:
    """What the names of a partition's hosts end with."""
    return _DNS_SUFFIXES.get(partition, "amazonaws.com")


def identity_store_arn(region: str, account: str, store: str) -> str:
    """The ARN of Identity Center's store, such as `d-1234567890`, in the account that owns the instance."""
    return f"arn:{partition_of(region)}:identitystore::{account}:identitystore/{store}"


def role_arn(partition: str, account: str, path_and_name: str) -> str:
    """The ARN of an IAM role; its path, if it has one, comes without the slash that it begins with."""
    return f"arn:{partition}:iam::{account}:role/{path_and_name}"


def without_account(arn: str) -> str:
    """The same ARN without its account, as AWS writes those of snapshots and images (doc: authorization reference)."""
    arn_, partition, service, region, _, resource = arn.split(":", 5)
    return ":".join((arn_, partition, service, region, "", resource))


# --- templates, such as `arn:{partition}:ec2:{region}:{account}:volume/{id}`


_TEMPLATE = re.compile(r"arn:{partition}:[a-z0-9-]+:(?:{region})?:(?:{account})?:[^{}\s]*(?:{type}[^{}\s]*)?{id}")
TEMPLATE_EXAMPLE = "arn:{partition}:ec2:{region}:{account}:volume/{id}"


def is_template(text: str) -> bool:
    """Whether a text is a template of ARNs; in a catalogue's file `{type}` can stand in it."""
    return _TEMPLATE.fullmatch(text) is not None


def fill_template(template: str, partition: str, region: str, account: str, id_: str) -> str:
    """An ARN from its template."""
    return template.format(partition=partition, region=region, account=account, id=id_)


@lru_cache(maxsize=4096)
def arn_before_id(template: str, region: str, account: str) -> str:
    """An ARN as far as its id, with which every template of the catalogue ends: the same for many resources."""
    return fill_template(template.removesuffix("{id}"), partition_of(region), region, account, "")


def template_service(template: str) -> str:
    """The service in a template."""
    return template.split(":", 3)[2]


def template_pattern(template: str, id_form: str) -> re.Pattern[str]:
    """The pattern of a template's ARNs, with a group for each of its fields; ids have the form that is given.

    A `*` in a template stands for what the record of a creation does not tell.
    """
    pattern = re.escape(template).replace(r"\*", "[^:/]+")
    for field, form in (
        ("partition", "aws[a-z-]*"),
        ("region", "[a-z0-9-]{5,30}"),
        ("account", "[0-9]{12}"),
        ("id", id_form),
    ):
        pattern = pattern.replace(re.escape("{" + field + "}"), f"(?P<{field}>{form})")
    return re.compile(pattern, re.ASCII)


class TakenApart(Struct, frozen=True):
    """What an ARN of a template says: its id, and Region and account, None where the template has none."""

    partition: str
    id: str
    region: str | None
    account: str | None


def take_apart(arn: str, template: str, id_form: str) -> TakenApart | None:
    """What an ARN says by a template; None where it does not fit. The `:*` behind a log group's counts for nothing."""
    if len(arn) > MAX_LENGTH:
        return None
    found = _of_template(template, id_form).fullmatch(arn.removesuffix(":*"))
    if found is None:
        return None
    parts = found.groupdict()
    return TakenApart(parts["partition"], parts["id"], parts.get("region"), parts.get("account"))


@lru_cache(maxsize=4096)
def _of_template(template: str, id_form: str) -> re.Pattern[str]:
    return template_pattern(template, id_form)
