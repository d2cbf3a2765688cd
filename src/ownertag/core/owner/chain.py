"""Follows the chain from a record to its owner, hop by hop, as far as the facts allow.

A hop through what AWS wrote gives at most `inferred`; one that a member could have made up gives `asserted`. Nothing
further away is believed before what is nearer is answered. Circles and depth are bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Raw
from msgspec.structs import replace

from ownertag.core.arn import parse_arn, partition_of
from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.owner.copies import copied_from
from ownertag.core.owner.facts import FactTracker
from ownertag.core.owner.hop import OwnerHop, inherited_owner, named_owner, user_of_directory, without_session_name
from ownertag.core.owner.links import NO_LINKS, Hop, is_service, machine_links, service_of, session_links, stack_set_of
from ownertag.core.owner.principal import (
    SSO_ROLE,
    hops,
    identity_of_arn,
    invoked_by_service,
    issuer_of,
    no_owner,
    owner_by_identity,
)
from ownertag.core.owner.rules import apply_rules, rule_for
from ownertag.core.owner.sessions import SessionMakers, owner_tag
from ownertag.core.parents import Parents
from ownertag.core.records import ACCOUNT, Identity, Record
from ownertag.core.settings import Settings
from ownertag.core.values import Absent, Confidence, Found, Owner, Question

#: More hops than any real chain from a machine to a person has; a longer chain ends there.
MAX_HOPS = 6

#: The evidence of an owner that was read from a tag: whatever guards it now, somebody may have written it before.
OWNER_TAG = "owner-tag"

#: The evidence of an owner whose resource was copied.
COPY_OF = "copy-of"

#: Evidence that names somebody by itself, or nobody for good: nothing is asked.
FINAL = frozenset(
    {
        "iam-user", "root-user", "federated-user", "identity-provider", "ci-repository", "ci-workspace", "principal",
        "other-account", "no-identity", "source-identity",
    }
)  # fmt: skip
#: Evidence by a name that whoever made the session has chosen: any name further back is better.
CHOSEN_BY_CALLER = frozenset({"role-session-name", "role-name"})

#: Sessions that somebody may have made by AssumeRole. A service makes those of its own roles.
_CHAINED = CHOSEN_BY_CALLER | {"function-session", "instance-session"}

_NULL = Raw(b"null")


class OwnerChain:
    """One chain from a record to its owner."""

    def __init__(self, settings: Settings, parents: Parents, known: FactTracker) -> None:
        self._settings = settings
        self._parents = parents
        self._known = known
        self._makers = SessionMakers(settings, known)
        self._seen: set[str] = set()
        self._unknown: list[str] = []
        self._too_far = False

    # --- the hops

    def behind(self, record: Record, own: Owner, depth: int) -> OwnerHop:
        """Finds who stands behind the principal of a record; `own` is the owner that its identity names by itself."""
        identity = record.identity
        if identity is None:
            return OwnerHop(own)
        if own.evidence == "identity-center-user":
            return OwnerHop(user_of_directory(identity, own, record, self._settings, self._known))
        if own.confidence is Confidence.PROVEN or own.evidence in FINAL:
            return OwnerHop(own)
        if depth < MAX_HOPS:
            found = self._first(self._hops(identity, record, own, depth))
            if found is not None:
                return found
        else:
            self._too_far = True
        if own.evidence == "role-session-name" and self._untold:
            own = without_session_name(own, identity)
        return OwnerHop(self._with_reason(own), chosen=own.evidence in CHOSEN_BY_CALLER)

    @property
    def _untold(self) -> bool:
        """Whether it is not known who made the session: then no name counts that this person could have chosen."""
        return self._too_far or self._known.unanswered

    def _hops(self, identity: Identity, record: Record, own: Owner, depth: int) -> Iterator[OwnerHop | None]:
        """Takes each kind of hop, the most certain first; the next is tried only when one finds nobody."""
        runs_on = list(session_links(identity, record, self._parents))
        if runs_on:
            yield self._through_any(runs_on, own, record, depth)
        # Behind a session with a name of its own stands a person more often than a service that acts for itself.
        service = None if own.evidence == "role-session-name" else service_of(identity)
        links = machine_links(identity, record, service, self._parents)
        if links is not NO_LINKS:  # most records have none
            yield self._provisioner(links.provisioner, record, own, depth)
            yield self._through_any(links.first, own, record, depth)
        if own.evidence in _CHAINED and not runs_on:  # of a session that runs on something AWS itself is the maker
            yield self._session_chain(identity, record, own, depth)
        if links is not NO_LINKS:
            yield self._through_any(links.after, own, record, depth)
            yield self._through_any(links.inherited, own, record, depth)
        if is_service(identity) or runs_on or own.evidence == "stack-session":
            yield self._copied(record, own, depth)
        elif own.evidence == "role-name" and invoked_by_service(identity):  # a service's, or that of whom it acts for
            yield self._copied(record, own, depth, forgeable=True)
        if own.evidence not in CHOSEN_BY_CALLER:
            yield self._by_rule(identity, record, own)

    def _first(self, found: Iterable[OwnerHop | None]) -> OwnerHop | None:
        """The first hop that names somebody; none while a nearer question is not answered."""
        for hop in found:
            if hop is not None or self._known.pending:
                return hop
        return None

    def account_owner(self, record: Record, owner: Owner) -> Owner:
        """The account's own owner, where nobody nearer can be named."""
        fact = self._known.fact(Question(QuestionKind.OWNER_OF_ACCOUNT, record.account, "", ""))
        if known := named_owner(fact):
            via = (*owner.via, f"account {record.account}")
            return Owner(known.name, "account-owner", Confidence.ACCOUNT, via)
        return owner

    def _through_any(
        self, links: Iterable[Hop], own: Owner, record: Record, depth: int, evidence: str | None = None
    ) -> OwnerHop | None:
        """The owner of the first parent that has one; later parents are asked only when the nearer have none."""
        return self._first(self._through(link, own, record, depth, evidence) for link in links)

    def _through(
        self, link: Hop, own: Owner, record: Record, depth: int, evidence: str | None = None
    ) -> OwnerHop | None:
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
        return inherited_owner(behind, evidence or parent.kind.name, (*own.via, parent.arn), link.forgeable)

    def _answer(self, fact: Found, account: str, record: Record, depth: int) -> OwnerHop | None:
        """The owner of a parent, by whichever kind of answer there is."""
        if fact.owner is not None:
            owner = named_owner(fact)
            return OwnerHop(owner, settled=True, forgeable=owner.evidence == OWNER_TAG) if owner else None
        if fact.maker is not None and fact.maker.account == account:
            return self._maker(fact.maker, depth)
        if fact.principal is not None:
            return self._principal(fact.principal, account, record, depth)
        further = self._parents.of_arn(fact.parent) if fact.parent else None
        if further and further.account == account and depth + 1 < MAX_HOPS:
            return self._through(Hop(further), no_owner("", ""), record, depth + 1)
        return None

    def _maker(self, maker: Record, depth: int) -> OwnerHop | None:
        if maker.identity is None:
            return None
        behind = self.behind(maker, owner_by_identity(maker.identity, maker, self._settings), depth + 1)
        if behind.settled or not self._settings.owners:
            return behind
        # By the rules of the account in which the name is one.
        owner = apply_rules(behind.owner, maker.account, self._settings)
        return behind if owner is behind.owner else replace(behind, owner=owner, settled=True)

    def _principal(self, arn: str, account: str, record: Record, depth: int) -> OwnerHop | None:
        identity, parts = identity_of_arn(arn), parse_arn(arn)
        if identity is None or parts is None or parts.account != account:
            return None
        made = replace(record, identity=identity, account=account, request=_NULL, response=_NULL)
        behind = self._maker(made, depth)
        if behind is not None and behind.chosen and not SSO_ROLE.fullmatch(issuer_of(identity)[2]):
            return replace(behind, forgeable=True)  # by its ARN alone a session can't be followed: its name is a choice
        return behind

    def _provisioner(self, arn: str | None, record: Record, own: Owner, depth: int) -> OwnerHop | None:
        behind = self._principal(arn, record.account, record, depth) if arn else None
        if behind is None or behind.owner.confidence is Confidence.NONE:
            return None
        return inherited_owner(behind, "service-catalog", own.via)

    def _copied(self, record: Record, own: Owner, depth: int, *, forgeable: bool = False) -> OwnerHop | None:
        """The owner of what was copied, for a copy that a service made."""
        sources = (Hop(parent, forgeable) for parent in copied_from(record, self._parents))
        return self._through_any(sources, own, record, depth, COPY_OF)

    def _by_rule(self, identity: Identity, record: Record, own: Owner) -> OwnerHop | None:
        """The role behind a session, where an owner rule says whose it is."""
        role = issuer_of(identity)[2]
        if not role or not rule_for(role, record.account, self._settings):
            return None
        owner = Owner(role, "role-name", Confidence.ASSERTED, own.via)
        return OwnerHop(apply_rules(owner, record.account, self._settings), settled=True)

    # --- chains of sessions

    def _session_chain(self, identity: Identity, record: Record, own: Owner, depth: int) -> OwnerHop | None:
        """Whoever assumed the role, by the record that holds the session's access key."""
        rule = self._by_rule(identity, record, own) if own.evidence in CHOSEN_BY_CALLER else None
        if rule is not None and not copied_from(record, self._parents):
            return rule  # somebody decided whose the role is; only what a service copies is nearer
        maker = self._makers.find(identity, record)
        if maker is None:
            return rule
        caller = maker.identity
        if caller is None:  # somebody made the session, and it can't be told who: its name is not that somebody
            return rule or OwnerHop(no_owner("no-identity", "the record of who assumed the role names nobody", own.via))
        if is_service(caller):
            return self._made_by_service(maker, caller, record, own, depth)
        if rule is not None:
            return rule
        if caller.type == "AWSAccount":
            account = caller.account_id or ""
            if not ACCOUNT.fullmatch(account) or account == maker.account:
                return OwnerHop(no_owner("other-account", "the record doesn't say which account called", own.via))
            there = self._makers.in_account(account, identity, record)
            if there is None:  # the name of a session there was its user's choice
                owner = Owner(f"account:{account}", "other-account", Confidence.ASSERTED, hops(caller.principal_id))
                return inherited_owner(OwnerHop(owner), "session-chain", own.via)
            maker = there
        behind = self._maker(maker, depth)
        nobody_named = behind is None or behind.owner.confidence is Confidence.NONE
        if behind is not None and not nobody_named and not behind.chosen:
            return inherited_owner(behind, "session-chain", own.via)
        tag = owner_tag(maker, self._settings)
        if tag is not None and not self._untold:
            via = (*own.via, *hops(caller.arn or caller.principal_id))
            return OwnerHop(Owner(tag, "session-tag", Confidence.ASSERTED, via), forgeable=True)
        if behind is not None and nobody_named:  # a machine of nobody that is known chose the session's name
            return OwnerHop(replace(behind.owner, via=tuple(dict.fromkeys((*own.via, *behind.owner.via)))))
        if behind is not None and behind.owner.evidence != "role-name":
            return inherited_owner(behind, "session-chain", own.via)
        return None

    def _made_by_service(self, maker: Record, caller: Identity, record: Record, own: Owner, depth: int) -> OwnerHop:
        """The owner where a service took the role: its session's name is no person's, what stands behind it tells."""
        found = self._first(self._hops_of_service(maker, caller, record, own, depth))
        if found is not None:
            return found
        via = tuple(dict.fromkeys((*own.via, *hops(service_of(caller)))))
        return OwnerHop(self._with_reason(no_owner("aws-service", "nothing tells for whom it acted", via)))

    def _hops_of_service(
        self, maker: Record, caller: Identity, record: Record, own: Owner, depth: int
    ) -> Iterator[OwnerHop | None]:
        identity, service = record.identity, service_of(caller)
        if identity is None:
            return
        yield self._on_behalf(maker, caller, own, depth)
        yield self._stack_set(maker, own, record, depth)
        runs_on = (
            *session_links(caller, maker, self._parents),
            *session_links(identity, record, self._parents, service, maker),
        )
        yield self._through_any(runs_on, own, record, depth)
        links = machine_links(identity, record, service, self._parents, assumed=True)
        yield self._through_any((*links.first, *links.after), own, record, depth)
        tag = owner_tag(maker, self._settings)
        if tag is not None:
            yield OwnerHop(Owner(tag, "session-tag", Confidence.ASSERTED, own.via), forgeable=True)
        yield self._through_any(links.inherited, own, record, depth)
        yield self._copied(record, own, depth)
        yield self._by_rule(identity, record, own)

    def _on_behalf(self, maker: Record, caller: Identity, own: Owner, depth: int) -> OwnerHop | None:
        """The Identity Center user for whom a service assumed the role, as AWS says it there."""
        behind = self._maker(maker, depth) if caller.on_behalf_of else None
        if behind is None or behind.owner.confidence is Confidence.NONE:
            return None
        return inherited_owner(behind, "session-chain", own.via)

    def _stack_set(self, maker: Record, own: Owner, record: Record, depth: int) -> OwnerHop | None:
        """Whoever made the stack set of a stack, in the management account or the hub."""
        org = self._settings.organization
        name = stack_set_of(record, maker)
        if not name or not org:
            return None
        partition, region = partition_of(record.region), org.home_region
        found = (
            self._parents.named("stack-set", f"{name}:*", partition, region, account)
            for account in (org.management_account, org.hub_account)
        )
        return self._through_any((Hop(parent) for parent in found if parent), own, record, depth)

    def _with_reason(self, own: Owner) -> Owner:
        """The reason why no owner was found, once every question is answered."""
        if own.confidence is not Confidence.NONE or own.reason is None or not self._known.complete:
            return own
        if self._known.waits:
            return replace(own, reason=self._known.waits[-1].reason)
        if self._unknown:
            return replace(own, reason=f"nothing tells who owns {', '.join(dict.fromkeys(self._unknown))}")
        return replace(own, reason="nothing tells for whom it acted")
