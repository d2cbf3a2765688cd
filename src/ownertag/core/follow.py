"""The way from a record to the owner behind it, hop by hop, as far as the facts lead.

A hop through what AWS wrote gives at most `inferred`; one that a member could have made up gives `asserted`. Nothing
further away is believed before what is nearer is answered. Circles and depth are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Raw, Struct
from msgspec.structs import replace

from ownertag.core.identity import UNKNOWN, account_in, by_identity, hops, identity_of, issuer_of, named, nobody
from ownertag.core.known import Known
from ownertag.core.links import Link, is_service, machine_links, session_links, stack_set_of
from ownertag.core.owner_rules import rule_for
from ownertag.core.parents import parent, parent_of_arn
from ownertag.core.records import Identity, Record, partition_of
from ownertag.core.rows import QuestionKind
from ownertag.core.session_tags import owner_tag
from ownertag.core.settings import Settings
from ownertag.core.values import Absent, Confidence, Fact, Found, Owner, Question

#: More hops than any real way from a machine to a person has; a longer one ends where it is.
MAX_HOPS = 6

#: The evidence of an owner that was read from a tag: one that members can write, and one that the SCP guards.
OWNER_TAG = "owner-tag"
GUARDED_TAG = "guarded-owner-tag"

#: These name somebody by themselves, or nobody ever will be: nothing is asked.
FINAL = frozenset(
    {
        "iam-user", "root-user", "federated-user", "identity-provider", "ci-repository", "principal", "other-account",
        "no-identity", "source-identity",
    }
)  # fmt: skip
#: Names that whoever made the session has chosen: any name further back is better.
_CHOSEN = frozenset({"role-session-name", "role-name"})

#: Sessions that somebody may have made by AssumeRole. A service makes those of its own roles.
_CHAINED = _CHOSEN | {"function-session", "instance-session"}

_KEY = re.compile(r"ASIA[A-Z0-9]{12,28}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_USER_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_NULL = Raw(b"null")
_SURENESS = {confidence: number for number, confidence in enumerate(Confidence)}


class Named(Struct, frozen=True):
    """An owner on the way: its rules are applied (`settled`), the way can be made up, its name was anybody's choice."""

    owner: Owner
    settled: bool = False
    forgeable: bool = False
    chosen: bool = False


class Walk:
    """One way from a record to its owner."""

    def __init__(self, settings: Settings, known: Known) -> None:
        self._settings = settings
        self._known = known
        self._seen: set[str] = set()
        self._unknown: list[str] = []

    # --- the hops

    def behind(self, record: Record, own: Owner, depth: int) -> Named:
        """Who stands behind the principal of a record; `own` is whom its identity names by itself."""
        identity = record.identity
        if identity is None:
            return Named(own)
        if own.evidence == "identity-center-user":
            return self._identity_center_user(identity, own, record)
        if own.confidence is Confidence.PROVEN or own.evidence in FINAL:
            return Named(own)
        if depth < MAX_HOPS:
            for found in self._ways(identity, record, own, depth):
                if found is not None:
                    return found
                if self._known.pending:
                    break
        return Named(self._with_reason(own), chosen=own.evidence in _CHOSEN)

    def _ways(self, identity: Identity, record: Record, own: Owner, depth: int) -> Iterator[Named | None]:
        """Whom each kind of hop leads to, the surest first; the next is tried only when one leads nowhere."""
        runs_on = list(session_links(identity, record))
        yield self._through_any(runs_on, own, record, depth)
        links: list[Link] = []
        if own.evidence != "role-session-name":
            provisioner, links = machine_links(identity, record)
            yield self._provisioner(provisioner, record, own, depth)
            yield self._through_any((each for each in links if not each.forgeable), own, record, depth)
        if own.evidence in _CHAINED and not runs_on:  # of a session that runs on something AWS itself is the maker
            yield self._chain(identity, record, own, depth)
        yield self._through_any((each for each in links if each.forgeable), own, record, depth)

    def account_owner(self, record: Record, owner: Owner) -> Owner:
        """The account's own owner, where nobody nearer can be named."""
        fact = self._known.fact(Question(QuestionKind.OWNER_OF_ACCOUNT, record.account, "", ""))
        if given := _given(fact):
            via = (*owner.via, f"account {record.account}")
            return Owner(given.name, "account-owner", Confidence.ACCOUNT, via)
        return owner

    def _through_any(self, links: Iterable[Link], own: Owner, record: Record, depth: int) -> Named | None:
        """The owner of the first parent that has one; later parents are asked only when the nearer have none."""
        for link in links:
            found = self._through(link, own, record, depth)
            if found is not None or self._known.pending:
                return found
        return None

    def _through(self, link: Link, own: Owner, record: Record, depth: int) -> Named | None:
        parent = link.parent
        if parent.arn in self._seen:
            return None
        self._seen.add(parent.arn)
        if not self._known.ours(parent.account, record):
            return None
        question = Question(QuestionKind.OWNER_OF_RESOURCE, parent.account, parent.region, parent.arn)
        fact = self._known.fact(question)
        if not isinstance(fact, Found):
            if isinstance(fact, Absent):
                self._unknown.append(parent.arn)
            return None
        behind = self._answer(fact, parent.account, record, depth)
        if behind is None or behind.owner.confidence is Confidence.NONE:
            self._unknown.append(parent.arn)
            return None
        return _inherited(behind, parent.kind.name, (*own.via, parent.arn), link.forgeable)

    def _answer(self, fact: Found, account: str, record: Record, depth: int) -> Named | None:
        """Whose a parent is, by any of the forms in which that is answered."""
        if fact.owner is not None:
            given = _given(fact)
            return Named(given, settled=True, forgeable=given.evidence == OWNER_TAG) if given else None
        if fact.maker is not None and fact.maker.account == account:
            return self._maker(fact.maker, depth)
        if fact.principal is not None:
            return self._principal(fact.principal, account, record, depth)
        further = parent_of_arn(fact.parent) if fact.parent else None
        if further and further.account == account and depth + 1 < MAX_HOPS:
            return self._through(Link(further), nobody("", ""), record, depth + 1)
        return None

    def _maker(self, maker: Record, depth: int) -> Named | None:
        if maker.identity is None:
            return None
        return self.behind(maker, by_identity(maker.identity, maker, self._settings), depth + 1)

    def _principal(self, arn: str, account: str, record: Record, depth: int) -> Named | None:
        identity = identity_of(arn)
        if identity is None or account_in(arn) != account:
            return None
        return self._maker(replace(record, identity=identity, account=account, request=_NULL, response=_NULL), depth)

    def _provisioner(self, arn: str | None, record: Record, own: Owner, depth: int) -> Named | None:
        behind = self._principal(arn, record.account, record, depth) if arn else None
        if behind is None or behind.owner.confidence is Confidence.NONE:
            return None
        return _inherited(behind, "service-catalog", own.via)

    # --- chains of sessions

    def _chain(self, identity: Identity, record: Record, own: Owner, depth: int) -> Named | None:
        """Whoever assumed the role, by the record that holds the session's access key."""
        if own.evidence == "role-name" and rule_for(own.name, record.account, self._settings):
            return None  # the rules say whose the role is
        maker = self._session_maker(identity, record)
        if maker is None or maker.identity is None:
            return None
        caller = maker.identity
        if is_service(caller):
            return self._made_by_service(maker, identity, record, own, depth)
        if caller.type == "AWSAccount" and caller.account_id and caller.account_id != maker.account:
            maker = self._in_account(caller.account_id, identity, record) or maker
        behind = self._maker(maker, depth)
        if behind is not None and behind.owner.confidence is Confidence.NONE:
            behind = None
        if behind is not None and not behind.chosen:
            return _inherited(behind, "session-chain", own.via)
        tag = owner_tag(maker, self._settings)
        if tag is not None:
            via = (*own.via, *hops(caller.arn or caller.principal_id))
            return Named(Owner(tag, "session-tag", Confidence.ASSERTED, via), forgeable=True)
        if behind is not None and behind.owner.evidence != "role-name":
            return _inherited(behind, "session-chain", own.via)
        return None

    def _session_maker(self, identity: Identity, record: Record) -> Record | None:
        """The AssumeRole record of a session, wherever the role's account is."""
        account = issuer_of(identity)[0] or record.account
        key = identity.access_key_id or ""
        if key in self._seen:  # a circle: no session can have made itself
            return None
        self._seen.add(key)
        web = identity.session_context.web_id_federation_data if identity.session_context else None
        if web and web.federated_provider:
            return self._asked("AssumeRoleWithWebIdentity", account, identity, record)
        maker = self._asked("AssumeRole", account, identity, record)
        if maker is None and not self._known.pending:
            maker = self._asked("AssumeRoleWithSAML", account, identity, record)
        return maker

    def _asked(self, event: str, account: str, identity: Identity, record: Record) -> Record | None:
        context = identity.session_context
        made_at = context.attributes.creation_date if context and context.attributes else None
        key = identity.access_key_id
        if not self._settings.trust.follow_sessions or not key or not made_at:
            return None
        if not _KEY.fullmatch(key) or not _TIME.fullmatch(made_at) or not self._known.ours(account, record):
            return None
        question = Question(QuestionKind.MAKER_OF_SESSION, account, record.region, f"{event} {key} {made_at}")
        fact = self._known.fact(question)
        return fact.maker if isinstance(fact, Found) and fact.maker and fact.maker.account == account else None

    def _in_account(self, account: str, identity: Identity, record: Record) -> Record | None:
        """The caller's own account has the same call with the caller in full."""
        return self._asked("AssumeRole", account, identity, record)

    def _made_by_service(
        self, maker: Record, identity: Identity, record: Record, own: Owner, depth: int
    ) -> Named | None:
        """A service took the role: for a resource of its own, or for a stack set."""
        org = self._settings.organization
        stack_set = stack_set_of(record, maker)
        if stack_set and org:
            partition, region = partition_of(record.region), org.home_region
            for account in (org.management_account, org.hub_account):
                found = parent("stack-set", f"{stack_set}:*", partition, region, account)
                named = self._through(Link(found), own, record, depth) if found else None
                if named is not None or self._known.pending:
                    return named
        by_service = maker.identity.invoked_by if maker.identity else None
        return self._through_any(session_links(identity, record, by_service), own, record, depth)

    # --- the directory

    def _identity_center_user(self, identity: Identity, own: Owner, record: Record) -> Named:
        """The user's name for the id, if the identity store is the organization's."""
        user = identity.on_behalf_of
        if user is None or own.confidence is not Confidence.PROVEN or not _USER_ID.fullmatch(user.user_id or ""):
            return Named(own)
        store = user.identity_store_arn or ""
        org = self._settings.organization
        region = self._settings.trust.identity_region or (org.home_region if org else record.region)
        value = f"{store.rpartition('/')[2]}/{user.user_id}"
        fact = self._known.fact(Question(QuestionKind.IDENTITY_CENTER_USER, account_in(store), region, value))
        if given := _given(fact):
            return Named(replace(own, name=given.name, via=(*own.via, f"user {user.user_id}")))
        return Named(own)

    def _with_reason(self, own: Owner) -> Owner:
        """Why nobody is named, once all was asked."""
        if own.confidence is not Confidence.NONE or own.reason is None or not self._known.complete:
            return own
        if self._known.waits:
            return replace(own, reason=self._known.waits[-1].reason)
        if self._unknown:
            return replace(own, reason=f"nothing tells who owns {', '.join(dict.fromkeys(self._unknown))}")
        return replace(own, reason="nothing tells for whom it acted")


def _given(fact: Fact | None) -> Owner | None:
    """The owner that an answer names, clean; one without a name is none."""
    if not isinstance(fact, Found) or fact.owner is None or fact.owner.confidence is Confidence.NONE:
        return None
    name = named(fact.owner.name)
    return None if name == UNKNOWN else replace(fact.owner, name=name, via=hops(*fact.owner.via))


def _inherited(behind: Named, evidence: str, via: tuple[str, ...], forgeable: bool = False) -> Named:
    """What a parent's owner is worth for its child: inferred at most, and asserted where the way could be made up."""
    owner = behind.owner
    forgeable = forgeable or behind.forgeable
    confidence = owner.confidence
    if _SURENESS[confidence] <= _SURENESS[Confidence.INFERRED]:
        confidence = Confidence.ASSERTED if forgeable else Confidence.INFERRED
    way = tuple(dict.fromkeys((*via, *owner.via)))
    return Named(Owner(owner.name, evidence, confidence, way), behind.settled, forgeable, behind.chosen)
