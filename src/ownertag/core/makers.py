"""The record by which a session was made: a question by its access key, in the account of its role."""

from __future__ import annotations

import re
from datetime import datetime

from ownertag.core.identity import issuer_of
from ownertag.core.known import Known
from ownertag.core.records import Identity, Record
from ownertag.core.rows import QuestionKind
from ownertag.core.settings import Settings
from ownertag.core.values import Found, Question

_KEY = re.compile(r"ASIA[A-Z0-9]{12,28}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


class Makers:
    """Who made the sessions of one way to an owner.

    Args:
        settings: Whether sessions are followed.
        known: The facts.
    """

    def __init__(self, settings: Settings, known: Known) -> None:
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
        if not self._settings.trust.follow_sessions or not key or not made_at:
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
