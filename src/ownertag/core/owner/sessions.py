"""Finds the AssumeRole record that made a session, by its access key, and reads its session tags."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.owner.facts import FactTracker
from ownertag.core.owner.principal import UNKNOWN, first_name, issuer_of
from ownertag.core.parameters import pairs, parameters_of
from ownertag.core.records import Identity, Record
from ownertag.core.settings import Settings
from ownertag.core.values import Found, Question

_KEY = re.compile(r"ASIA[A-Z0-9]{12,28}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


class SessionMakers:
    """Who made the sessions of one owner chain.

    Args:
        settings: Whether sessions are followed.
        known: The facts.
    """

    def __init__(self, settings: Settings, known: FactTracker) -> None:
        self._settings = settings
        self._known = known
        self._seen: set[str] = set()

    def find(self, identity: Identity, record: Record) -> Record | None:
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

    def in_account(self, account: str, identity: Identity, record: Record) -> Record | None:
        """The record of the same call in the caller's own account, which has the caller in full."""
        return self._asked("AssumeRole", account, identity, record)

    def _asked(self, event: str, account: str, identity: Identity, record: Record) -> Record | None:
        context = identity.session_context
        made_at = context.attributes.creation_date if context and context.attributes else None
        key = identity.access_key_id
        if not self._settings.trust.trace_assumed_roles or not key or not made_at:
            return None
        if not _KEY.fullmatch(key) or not _is_time(made_at) or not self._known.ours(account, record):
            return None
        question = Question(QuestionKind.MAKER_OF_SESSION, account, record.region, f"{event} {key} {made_at}")
        fact = self._known.fact(question)
        return fact.maker if isinstance(fact, Found) and fact.maker and fact.maker.account == account else None


def _is_time(text: str) -> bool:
    """Whether CloudTrail may have written this time: what has only its form would end whoever looks it up."""
    try:
        return bool(_TIME.fullmatch(text)) and 1 < datetime.fromisoformat(text).year < 9999
    except ValueError:
        return False


def session_tags(maker: Record) -> Iterator[tuple[str, str]]:
    """(key, value) of each session tag that an AssumeRole record shows.

    CloudTrail shows them as a list `tags`, as a map `principalTags`, and those that an earlier session of the chain
    handed on as `incomingTransitiveTags` (IAM user guide, "Logging IAM and AWS STS API calls", its examples).
    """
    request = parameters_of(maker)["request"] or {}
    for place in ("incomingTransitiveTags", "principalTags", "tags"):
        yield from pairs(request.get(place))


def owner_tag(maker: Record, settings: Settings) -> str | None:
    """The value of the session tag whose key is that of our owner tag."""
    keys = {key.lower() for key in settings.owner_keys}
    for key, value in session_tags(maker):
        if key.lower() in keys:
            name = first_name(value)
            return None if name == UNKNOWN else name
    return None
