"""The owner that a record's userIdentity names by itself: name, evidence and confidence.

A name is proven only if an authority that the organization controls gave it. What a member account can make up (user
names, session names, roles that look like AWS's own) is asserted at most; userAgent, source address and tags are no
evidence. A machine has no owner here; `chain` follows the hops to whoever stands behind it.
Shapes: CloudTrail user guide, "CloudTrail userIdentity element", and real records.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby
from typing import TypeGuard

from ownertag.core.arn import (
    account_of_root,
    function_arn,
    last_part,
    parse_arn,
    parse_role,
    parse_role_session,
    parse_user,
)
from ownertag.core.owner.ci_subjects import of_ci
from ownertag.core.owner.generated_names import is_generated
from ownertag.core.records import ACCOUNT, Identity, Record
from ownertag.core.settings import Settings
from ownertag.core.values import Confidence, Owner

UNKNOWN = "unknown"

# IAM and STS: what a user or session name may hold. ASCII, and without the newline that `$` would let pass.
_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")

#: What AWS writes instead of a text that it does not show (seen in sign-in records).
HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"

# A service as `invokedBy` names it. The console is none: whoever signed in acts through it (CloudTrail user guide,
# examples of records).
_SERVICE = re.compile(r"(?!signin\.)[a-z0-9][a-z0-9.-]{0,100}\.amazonaws\.com(?:\.cn)?")

# The session ARN leaves the path out, so only the issuer's ARN tells these from a role that was given such a name.
_SSO_PATH = re.compile(r"/aws-reserved/sso\.amazonaws\.com/(?:[a-z0-9-]{5,30}/)?")
SSO_ROLE = re.compile(r"AWSReservedSSO_[A-Za-z0-9_+=,.@-]{1,40}_[0-9a-f]{16}")
SERVICE_PATH = re.compile(r"/aws-service-role/[a-z0-9.-]+\.amazonaws\.com(?:\.cn)?/")

INSTANCE_SESSION = re.compile(r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})")
# Letters and marks that show nothing though their category doesn't say so: fillers, the grapheme joiner, variation
# selectors (Unicode's Default_Ignorable_Code_Point, and the Braille blank).
_BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)

#: No name, ARN or address that AWS keeps has more than 2,048 characters; marks that compose are up to four of them.
MAX_LOOKED_AT = 4 * 2048
#: The characters that begin no letter and yet are taken apart into marks of several classes (Unicode, Tibetan vowels).
_APART = {ord(char): unicodedata.normalize("NFD", char) for char in "\u0f73\u0f75\u0f81"}

_MACHINE = "its owner is that of {}, which is not looked up yet"


def principal_of(identity: Identity | None) -> str:
    """The principal in one line: its ARN, or what else CloudTrail gives."""
    if identity is None:
        return UNKNOWN
    return clean(identity.arn or identity.principal_id or identity.invoked_by or identity.account_id or "") or UNKNOWN


def clean(name: str) -> str:
    """A name in NFC without controls, direction marks and other characters that show nothing (T11, T19, T22)."""
    if name.isascii() and name.isprintable():
        return name.strip()
    shown = [" " if char.isspace() else char for char in name[:MAX_LOOKED_AT] if char.isspace() or _shows(char)]
    return unicodedata.normalize("NFC", _in_order("".join(shown))).strip()


def printable(text: str) -> str:
    """A text as it is, but without what a terminal would obey or what shows nothing: for what is not compared (T22)."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(" " if char.isspace() else char for char in text if char.isspace() or _shows(char))


def _in_order(text: str) -> str:
    """The same text to Unicode, with its marks in the order that normalizing gives them.

    Normalizing moves each mark past all that stand wrongly before it: alternating ones cost the square of their number.
    """
    found: list[str] = []
    for is_mark, run in groupby(text.translate(_APART), _is_mark):
        chars = list(run)
        found += sorted(chars, key=unicodedata.combining) if is_mark else chars
    return "".join(found)


def _is_mark(char: str) -> bool:
    return unicodedata.combining(char) != 0


def _shows(char: str) -> bool:
    return unicodedata.category(char)[0] != "C" and char not in _BLANK


def owner_by_identity(identity: Identity, record: Record, settings: Settings) -> Owner:
    """The owner as far as this identity tells; `unknown` with a reason where it names nobody."""
    session = _session(identity, record, settings) if identity.type == "AssumedRole" else None
    if session is not None and session.confidence is Confidence.PROVEN:
        return session
    if (user := identity.on_behalf_of) and user.user_id and first_name(user.user_id) != UNKNOWN:
        return _identity_center_user(user.user_id, user.identity_store_arn or "", identity, settings)
    if session is not None:
        return session
    match identity.type:
        case "IAMUser":
            return _user(identity)
        case "Root" if invoked_by_service(identity):  # before service-linked roles, services called as the root user
            return no_owner("aws-service", _MACHINE.format(f"what {_service(identity)} acted for"), via_of(identity))
        case "Root":
            name = first_name(identity.user_name, f"root:{_account(identity) or record.account}")
            return Owner(name, "root-user", Confidence.ACCOUNT, via_of(identity))
        case "FederatedUser":
            return _asserted(
                "federated-user", identity, after_colon(identity.principal_id), last_part(identity.arn or "")
            )
        case "SAMLUser" | "WebIdentityUser":
            return _federated(identity.user_name, identity.identity_provider, identity, settings)
        case "AWSAccount":
            account = _account(identity)
            if account is None:  # somebody without credentials, or a caller that AWS hides
                return no_owner("other-account", "the record doesn't say which account called", via_of(identity))
            return _asserted("other-account", identity, after_colon(identity.principal_id), f"account:{account}")
        case "AWSService":
            return no_owner("aws-service", _MACHINE.format(f"what {_service(identity)} acted for"), via_of(identity))
        case None:
            return no_owner(
                "no-identity-type", _MACHINE.format(f"what {_service(identity)} acted for"), via_of(identity)
            )
    session_arn = parse_role_session(identity.arn)  # its last part is whatever its user liked to choose
    name = session_arn.role if session_arn else last_part(identity.arn or "")
    return _asserted("principal", identity, name, identity.principal_id)


def _identity_center_user(user_id: str, store: str, identity: Identity, settings: Settings) -> Owner:
    proven = store in settings.trust.identity_stores and is_name(user_id)
    return Owner(first_name(user_id), "identity-center-user", _if(proven), (*via_of(identity), *hops(store)))


def _user(identity: Identity) -> Owner:
    user = parse_user(identity.arn)
    return _asserted("iam-user", identity, identity.user_name, user.name if user else None, identity.principal_id)


def _session(identity: Identity, record: Record, settings: Settings) -> Owner:
    """A session of a role. Its name is read from the principal id: a session's ARN was seen without it."""
    session = session_of(identity)
    account, path, role = issuer_of(identity)
    if path and SERVICE_PATH.fullmatch(path):
        return no_owner("service-linked-role", _MACHINE.format(f"what {role} acted for"), via_of(identity))
    if (
        path
        and account == record.account
        and _SSO_PATH.fullmatch(path)
        and SSO_ROLE.fullmatch(role)
        and is_name(session)
        and session != HIDDEN
    ):
        return Owner(session, "identity-center-session", Confidence.PROVEN, via_of(identity))
    source = identity.session_context.source_identity if identity.session_context else None
    web = identity.session_context.web_id_federation_data if identity.session_context else None
    if source and first_name(source) != UNKNOWN:
        # The policy binds calls of AssumeRole; a provider sets one as it likes, and the record shows which one did. IAM
        # Roles Anywhere sets the subject of a certificate, of whichever authority a member trusts (its guide, "Trust
        # model"; seen: `CN=client-01`).
        providers = {identity.identity_provider, web.federated_provider if web else None} - {None, ""}
        federated = bool(providers) or bool(web and web.attributes) or source[:3].upper() == "CN="
        stranger = federated and not (providers and providers <= set(settings.trust.identity_providers))
        proven = settings.trust.restrict_source_identity and is_name(source) and not stranger
        return Owner(
            first_name(source),
            "source-identity",
            _if(proven),
            via_of(identity),
        )
    subject = _subject(web.attributes) if web else None
    if web and subject:
        return _federated(subject, web.federated_provider, identity, settings)
    function = identity.in_scope_of.holder if identity.in_scope_of else ""
    if function_arn(function):
        return no_owner("function-session", _MACHINE.format(f"function {function}"), (*via_of(identity), function))
    if session and INSTANCE_SESSION.fullmatch(session):
        return no_owner("instance-session", _MACHINE.format(f"instance {session}"), (*via_of(identity), session))
    if session == "AWSCloudFormation" and identity.invoked_by == "cloudformation.amazonaws.com":
        return no_owner("stack-session", _MACHINE.format("the stack"), via_of(identity))
    # What AWS says to hold the credentials was given its session's name with them: that is no person's.
    held = bool(identity.in_scope_of and (identity.in_scope_of.issuer_type or parse_arn(function)))
    if session and session != HIDDEN and not held and not is_generated(session):
        return _asserted("role-session-name", identity, session)
    return _asserted("role-name", identity, role or session)


def _federated(name: str | None, provider: str | None, identity: Identity, settings: Settings) -> Owner:
    via = (*via_of(identity), *hops(provider))
    if (shown := first_name(name)) == UNKNOWN:
        return no_owner("identity-provider", "the identity provider gave no name", via)
    proven = provider in settings.trust.identity_providers and shown == name
    if run := of_ci(shown):
        evidence, stays = run
        return Owner(stays, evidence, _if(proven), (*via, shown[:2048]))
    return Owner(shown, "identity-provider", _if(proven), via)


def invoked_by_service(identity: Identity) -> bool:
    """Whether an AWS service made the call, for itself or for the principal."""
    return _SERVICE.fullmatch(identity.invoked_by or "") is not None


def identity_of_arn(arn: str) -> Identity | None:
    """The identity that AWS names by its ARN alone, as in a launch template's `createdBy`; None where it is none."""
    if user := parse_user(arn):
        return Identity(type="IAMUser", arn=arn, account_id=user.account)
    if session := parse_role_session(arn):
        # Without its path a service's role can't be told from one of its name: it names nobody either way (T9).
        return None if session.role.startswith("AWSServiceRole") else Identity(type="AssumedRole", arn=arn)
    account = account_of_root(arn)
    return Identity(type="Root", arn=arn, account_id=account) if account else None


def _if(proven: bool) -> Confidence:
    return Confidence.PROVEN if proven else Confidence.ASSERTED


def issuer_of(identity: Identity) -> tuple[str | None, str | None, str]:
    """(account, path, name) of the role behind a session; the path is None where only the session's ARN is known."""
    issuer = identity.session_context.session_issuer if identity.session_context else None
    for arn in (issuer.arn if issuer else None, identity.arn):
        if role := parse_role(arn):
            return role.account, role.path, role.name
    if session := parse_role_session(identity.arn):
        return session.account, None, session.role
    return None, None, clean(issuer.user_name or "") if issuer else ""


def session_of(identity: Identity) -> str | None:
    """The name of a session: from the principal id, or else from the session's ARN."""
    return after_colon(identity.principal_id) or session_name(identity.arn)


def session_name(arn: str | None) -> str | None:
    """The last part of a session's ARN."""
    session = parse_role_session(arn)
    return session.name if session else None


def _subject(attributes: dict[str, object] | None) -> str | None:
    """The subject that the provider vouches for. The session's own name was chosen by the caller."""
    for key, value in (attributes or {}).items():
        if isinstance(value, str) and (key == "sub" or key.endswith(":sub")):
            return value
    return None


def via_of(identity: Identity) -> tuple[str, ...]:
    """The principal itself, and the service that called for it."""
    return hops(identity.arn or identity.principal_id, identity.invoked_by)


def hops(*given: str | None) -> tuple[str, ...]:
    """The hops that are there, clean, for `Owner.via`."""
    return tuple(cleaned[:2048] for hop in given if hop and (cleaned := clean(hop)))


def _service(identity: Identity) -> str:
    return clean(identity.invoked_by or "an AWS service")


def _account(identity: Identity) -> str | None:
    """The caller's account; in its place CloudTrail may have a word, such as `ANONYMOUS_PRINCIPAL`."""
    account = identity.account_id or ""
    return account if ACCOUNT.fullmatch(account) else None


def _asserted(evidence: str, identity: Identity, *names: str | None) -> Owner:
    """The first of these names that says something."""
    shown = first_name(*names)
    if shown == UNKNOWN:
        hidden = any(HIDDEN in (name or "") for name in names)
        why = f"AWS hides the name: {HIDDEN}" if hidden else "the record's userIdentity has no name"
        return no_owner(evidence, why, via_of(identity))
    return Owner(shown, evidence, Confidence.ASSERTED, via_of(identity))


def no_owner(evidence: str, reason: str, via: tuple[str, ...] = ()) -> Owner:
    """An owner without a name, and why."""
    return Owner(UNKNOWN, evidence, Confidence.NONE, via, reason)


def first_name(*names: str | None) -> str:
    """The first name that still says something once it is clean; one that AWS hides, even in part, says nothing."""
    return next((shown for name in names if name and (shown := clean(name)) and HIDDEN not in shown), UNKNOWN)


def is_name(name: str | None) -> TypeGuard[str]:
    """Whether IAM would take this as the name of a user or session."""
    return bool(name and _NAME.fullmatch(name))


def after_colon(principal_id: str | None) -> str | None:
    """What stands behind the colon of a principal id: the session's name."""
    _, colon, name = (principal_id or "").partition(":")
    return name if colon and name else None
