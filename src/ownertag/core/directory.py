"""The Identity Center user for whom a call was made: the directory has the name for the id that the record holds."""

from __future__ import annotations

import re

from msgspec.structs import replace

from ownertag.core.identity import account_in
from ownertag.core.known import Known
from ownertag.core.named import given
from ownertag.core.records import Identity, Record
from ownertag.core.rows import QuestionKind
from ownertag.core.settings import Settings
from ownertag.core.values import Confidence, Owner, Question

_USER_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


def user_of_directory(identity: Identity, own: Owner, record: Record, settings: Settings, known: Known) -> Owner:
    """The owner with the user's name instead of the id, if the identity store is the organization's."""
    user = identity.on_behalf_of
    if user is None or own.confidence is not Confidence.PROVEN or not _USER_ID.fullmatch(user.user_id or ""):
        return own
    store = user.identity_store_arn or ""
    org = settings.organization
    region = settings.trust.identity_region or (org.home_region if org else record.region)
    value = f"{store.rpartition('/')[2]}/{user.user_id}"
    found = given(known.fact(Question(QuestionKind.IDENTITY_CENTER_USER, account_in(store), region, value)))
    return replace(own, name=found.name, via=(*own.via, f"user {user.user_id}")) if found else own
