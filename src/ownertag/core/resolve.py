"""Who owns what a principal created, as far as the record itself tells: a name, its evidence, and how surely.

A name is proven only if an authority that the organization controls gave it. What a member account can make up (user
names, session names, roles that look like AWS's own) is asserted at most; userAgent, source address and tags are no
evidence. What a machine did has no name here: its parent is not looked up yet, and the owner says so.
Shapes: CloudTrail user guide, "CloudTrail userIdentity element", and real records.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TypeGuard

from ownertag.core.records import Identity, Record
from ownertag.core.settings import Settings
from ownertag.core.values import Confidence, Owner

UNKNOWN = "unknown"

# IAM and STS: what a user or session name may hold. ASCII, and without the newline that `$` would let pass.
_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
_USER_ARN = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):user/(?:[\x21-\x7e]{1,512}/)?([A-Za-z0-9_+=,.@-]{1,64})")
_SESSION_ARN = re.compile(
    r"arn:aws[a-z-]*:sts::([0-9]{12}):assumed-role/([A-Za-z0-9_+=,.@-]{1,64})/([\x21-\x7e]{1,64})"
)
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):role((?:/[\x21-\x7e]{1,512})?/)([A-Za-z0-9_+=,.@-]{1,64})")

# The session ARN leaves the path out, so only the issuer's ARN tells these from a role that was given such a name.
_SSO_PATH = re.compile(r"/aws-reserved/sso\.amazonaws\.com/(?:[a-z0-9-]{5,30}/)?")
_SSO_ROLE = re.compile(r"AWSReservedSSO_[A-Za-z0-9_+=,.@-]{1,40}_[0-9a-f]{16}")
_SERVICE_PATH = re.compile(r"/aws-service-role/[a-z0-9.-]+\.amazonaws\.com(?:\.cn)?/")

_INSTANCE_SESSION = re.compile(r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})")
_FUNCTION_ARN = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_:-]{1,140}")
# Session names that SDKs and services make up: they name nobody, the role is the better name.
_MADE_UP_SESSION = re.compile(
    r"(?:botocore-session-|aws-go-sdk-|aws-sdk-[a-z]+-|aws-cli-|awslambda)\S*"
    r"|[0-9]+|[0-9a-f-]{32,36}"
    r"|AutoScaling|AWSCloudFormation|CCSSession|EMR|ElasticBeanstalk|GitHubActions|session|default",
)

# Letters and marks that show nothing though their category doesn't say so: fillers, the grapheme joiner, variation
# selectors (Unicode's Default_Ignorable_Code_Point, and the Braille blank).
_BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)

_MACHINE = "its owner is that of {}, which is not looked up yet"


def resolve(record: Record, settings: Settings) -> Owner:
    """The owner of what this record created, after the owner rules of the settings."""
    if record.identity is None:
        return _nobody("no-identity", "the record has no userIdentity")
    owner = _by_identity(record.identity, record, settings)
    if owner.confidence is Confidence.NONE:
        return owner
    return _mapped(owner, record.account, settings)


def principal_of(identity: Identity | None) -> str:
    """The principal in one line: its ARN, or what else CloudTrail gives."""
    if identity is None:
        return UNKNOWN
    return clean(identity.arn or identity.principal_id or identity.invoked_by or identity.account_id or "") or UNKNOWN


def clean(name: str) -> str:
    """A name in NFC without controls, direction marks and other characters that show nothing (T11, T19, T22)."""
    if name.isascii() and name.isprintable():
        return name.strip()
    shown = (" " if char.isspace() else char for char in name[:10_000] if char.isspace() or _shows(char))
    return unicodedata.normalize("NFC", "".join(shown)).strip()


def _shows(char: str) -> bool:
    return unicodedata.category(char)[0] != "C" and char not in _BLANK


def _by_identity(identity: Identity, record: Record, settings: Settings) -> Owner:
    session = _session(identity, record, settings) if identity.type == "AssumedRole" else None
    if session is not None and session.confidence is Confidence.PROVEN:
        return session
    if (user := identity.on_behalf_of) and user.user_id and clean(user.user_id):
        return _identity_center_user(user.user_id, user.identity_store_arn or "", identity, settings)
    if session is not None:
        return session
    match identity.type:
        case "IAMUser":
            return _user(identity)
        case "Root":
            name = _named(identity.user_name, f"root:{identity.account_id or record.account}")
            return Owner(name, "root-user", Confidence.ACCOUNT, _via(identity))
        case "FederatedUser":
            return _asserted(_after_colon(identity.principal_id) or _last(identity.arn), "federated-user", identity)
        case "SAMLUser" | "WebIdentityUser":
            return _federated(identity.user_name, identity.identity_provider, identity, settings)
        case "AWSAccount":
            return _asserted(
                _after_colon(identity.principal_id) or f"account:{identity.account_id or UNKNOWN}",
                "other-account",
                identity,
            )
        case "AWSService":
            return _nobody("aws-service", _MACHINE.format(f"what {_service(identity)} acted for"), _via(identity))
        case None:
            return _nobody("no-identity-type", _MACHINE.format(f"what {_service(identity)} acted for"), _via(identity))
    return _asserted(_last(identity.arn) or identity.principal_id, "principal", identity)


def _identity_center_user(user_id: str, store: str, identity: Identity, settings: Settings) -> Owner:
    proven = store in settings.trust.identity_stores and _is_name(user_id)
    return Owner(_named(user_id), "identity-center-user", _if(proven), (*_via(identity), *_hops(store)))


def _user(identity: Identity) -> Owner:
    name = identity.user_name
    if not name and (named := _USER_ARN.fullmatch(identity.arn or "")):
        name = named[2]
    return _asserted(name or identity.principal_id, "iam-user", identity)


def _session(identity: Identity, record: Record, settings: Settings) -> Owner:
    """A session of a role. Its name is read from the principal id: a session's ARN was seen without it."""
    session = _after_colon(identity.principal_id) or _session_name(identity.arn)
    account, path, role = _issuer(identity)
    if path and _SERVICE_PATH.fullmatch(path):
        return _nobody("service-linked-role", _MACHINE.format(f"what {role} acted for"), _via(identity))
    if (
        path
        and account == record.account
        and _SSO_PATH.fullmatch(path)
        and _SSO_ROLE.fullmatch(role)
        and _is_name(session)
    ):
        return Owner(session, "identity-center-session", Confidence.PROVEN, _via(identity))
    source = identity.session_context.source_identity if identity.session_context else None
    if source and clean(source):
        proven = settings.trust.source_identity_guarded and _is_name(source)
        return Owner(
            _named(source),
            "source-identity",
            _if(proven),
            _via(identity),
        )
    web = identity.session_context.web_id_federation_data if identity.session_context else None
    subject = _subject(web.attributes) if web else None
    if web and subject:
        return _federated(subject, web.federated_provider, identity, settings)
    function = identity.in_scope_of.source_arn if identity.in_scope_of else None
    if function and _FUNCTION_ARN.fullmatch(function):
        return _nobody("function-session", _MACHINE.format(f"function {function}"), (*_via(identity), function))
    if session and _INSTANCE_SESSION.fullmatch(session):
        return _nobody("instance-session", _MACHINE.format(f"instance {session}"), (*_via(identity), session))
    if session == "AWSCloudFormation" and identity.invoked_by == "cloudformation.amazonaws.com":
        return _nobody("stack-session", _MACHINE.format("the stack"), _via(identity))
    if session and not _MADE_UP_SESSION.fullmatch(session):
        return _asserted(session, "role-session-name", identity)
    return _asserted(role or session, "role-name", identity)


def _federated(name: str | None, provider: str | None, identity: Identity, settings: Settings) -> Owner:
    via = (*_via(identity), *_hops(provider))
    if (named := _named(name)) == UNKNOWN:
        return _nobody("identity-provider", "the identity provider gave no name", via)
    proven = provider in settings.trust.identity_providers and named == name
    return Owner(named, "identity-provider", _if(proven), via)


def _mapped(owner: Owner, account: str, settings: Settings) -> Owner:
    for rule in settings.owners:
        if rule.account in {None, account} and rule.pattern.fullmatch(owner.name[:256]):
            via = (*owner.via, f"rule {rule.match}: {owner.name}")
            return Owner(rule.owner, owner.evidence, owner.confidence, via)
    return owner


def _if(proven: bool) -> Confidence:
    return Confidence.PROVEN if proven else Confidence.ASSERTED


def _issuer(identity: Identity) -> tuple[str | None, str | None, str]:
    """(account, path, name) of the role behind a session; the path is None where only the session's ARN is known."""
    issuer = identity.session_context.session_issuer if identity.session_context else None
    for arn in (issuer.arn if issuer else None, identity.arn):
        if role := _ROLE_ARN.fullmatch(arn or ""):
            return role[1], role[2], role[3]
    if session := _SESSION_ARN.fullmatch(identity.arn or ""):
        return session[1], None, session[2]
    return None, None, clean(issuer.user_name or "") if issuer else ""


def _session_name(arn: str | None) -> str | None:
    session = _SESSION_ARN.fullmatch(arn or "")
    return session[3] if session else None


def _subject(attributes: dict[str, object] | None) -> str | None:
    """The subject that the provider vouches for. The session's own name was chosen by the caller."""
    for key, value in (attributes or {}).items():
        if isinstance(value, str) and (key == "sub" or key.endswith(":sub")):
            return value
    return None


def _via(identity: Identity) -> tuple[str, ...]:
    """The principal itself, and the service that called for it."""
    return _hops(identity.arn or identity.principal_id, identity.invoked_by)


def _hops(*hops: str | None) -> tuple[str, ...]:
    return tuple(cleaned[:2048] for hop in hops if hop and (cleaned := clean(hop)))


def _service(identity: Identity) -> str:
    return clean(identity.invoked_by or "an AWS service")


def _asserted(name: str | None, evidence: str, identity: Identity) -> Owner:
    named = _named(name)
    if named == UNKNOWN:
        return _nobody(evidence, "the record's userIdentity has no name", _via(identity))
    return Owner(named, evidence, Confidence.ASSERTED, _via(identity))


def _nobody(evidence: str, reason: str, via: tuple[str, ...] = ()) -> Owner:
    return Owner(UNKNOWN, evidence, Confidence.NONE, via, reason)


def _named(*names: str | None) -> str:
    """The first name that still says something once it is clean."""
    return next((cleaned for name in names if name and (cleaned := clean(name))), UNKNOWN)


def _is_name(name: str | None) -> TypeGuard[str]:
    return bool(name and _NAME.fullmatch(name))


def _after_colon(principal_id: str | None) -> str | None:
    _, colon, name = (principal_id or "").partition(":")
    return name if colon and name else None


def _last(arn: str | None) -> str | None:
    return re.split("[/:]", arn)[-1] if arn else None
