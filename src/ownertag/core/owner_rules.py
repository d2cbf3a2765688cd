"""The owner rules: names to people and teams. Exact names come first, then globs of one account, then other globs."""

from __future__ import annotations

import re
from fnmatch import translate
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from ownertag.core.values import Confidence, Owner

if TYPE_CHECKING:
    from ownertag.core.settings import Settings

#: More of a name is never compared: a glob's time grows with the text.
MAX_NAME = 256


class OwnerRule(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """Maps the names that match a glob, in one account or all, to a person or a team."""

    match: str
    owner: str
    account: str | None = None

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The glob as a regular expression; `translate` makes one that can't run away (T27)."""
        return re.compile(translate(self.match), re.IGNORECASE)

    @property
    def rank(self) -> int:
        """An exact name goes before a glob, and one account's rule before every account's."""
        return 2 * any(mark in self.match for mark in "*?[") + (self.account is None)


def rule_for(name: str, account: str | None, settings: Settings) -> OwnerRule | None:
    """The rule that maps this name in this account; of rules of the same rank the first in the file."""
    for rule in settings.ordered_owners:
        if (rule.account is None or rule.account == account) and rule.pattern.fullmatch(name[:MAX_NAME]):
            return rule
    return None


def mapped(owner: Owner, account: str, settings: Settings) -> Owner:
    """The owner after the rules; one without a name stays as it is."""
    if not settings.owners or owner.confidence is Confidence.NONE:
        return owner
    rule = rule_for(owner.name, account, settings)
    if rule is None:
        return owner
    return Owner(rule.owner, owner.evidence, owner.confidence, (*owner.via, f"rule {rule.match}: {owner.name}"))
