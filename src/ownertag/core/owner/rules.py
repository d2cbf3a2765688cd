"""The owner rules: names to people and teams. Exact names come first, then globs of one account, then other globs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ownertag.core.settings import OwnerRule
from ownertag.core.values import Confidence, Owner

if TYPE_CHECKING:
    from ownertag.core.settings import Settings

#: More of a name is never compared: a glob's time grows with the text.
MAX_NAME = 256


class NumberedRule(Struct, frozen=True):
    """A rule with its place in the settings, counted from 1."""

    number: int
    rule: OwnerRule


def rules_in_order(settings: Settings) -> list[NumberedRule]:
    """The rules in the order in which they are tried."""
    numbered = [NumberedRule(number, rule) for number, rule in enumerate(settings.owners, 1)]
    return sorted(numbered, key=lambda numbered_rule: numbered_rule.rule.rank)


def matching_rules(name: str, account: str | None, settings: Settings) -> list[NumberedRule]:
    """All rules that map a name in an account; the first counts."""
    return [
        numbered_rule
        for numbered_rule in rules_in_order(settings)
        if numbered_rule.rule.account in {None, account} and numbered_rule.rule.pattern.fullmatch(name[:MAX_NAME])
    ]


def never_reached(settings: Settings) -> dict[int, int]:
    """Rules that no name ever comes to, by number, with the number of the rule that takes all their names."""
    rules = rules_in_order(settings)
    found: dict[int, int] = {}
    for place, later in enumerate(rules):
        taker = next((rule for rule in rules[:place] if _takes_all_of(rule.rule, later.rule)), None)
        if taker:
            found[later.number] = taker.number
    return found


def _takes_all_of(earlier: OwnerRule, later: OwnerRule) -> bool:
    first, second = earlier.match.lower(), later.match.lower()
    prefix = first.rstrip("*")
    starts = first != prefix and not any(mark in prefix for mark in "*?[") and second.startswith(prefix)
    return earlier.account in {None, later.account} and (first == second or starts)


def rule_for(name: str, account: str | None, settings: Settings) -> OwnerRule | None:
    """The rule that maps this name in this account; of rules of the same rank the first in the file."""
    for rule in settings.ordered_owners:
        if (rule.account is None or rule.account == account) and rule.pattern.fullmatch(name[:MAX_NAME]):
            return rule
    return None


def apply_rules(owner: Owner, account: str, settings: Settings) -> Owner:
    """The owner after the rules; one without a name stays as it is."""
    if not settings.owners or owner.confidence is Confidence.NONE:
        return owner
    rule = rule_for(owner.name, account, settings)
    if rule is None:
        return owner
    return Owner(rule.owner, owner.evidence, owner.confidence, (*owner.via, f"rule {rule.match}: {owner.name}"))
