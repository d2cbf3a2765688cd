"""Takes out what tells whose measurement it is: accounts, the organization, ARNs, ids, keys, addresses.

Regions, times and versions stay. An account is called by a number that has nothing to do with its id, so two
documents can't be joined by it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

#: What is taken out, in this order, and what is written instead. The organization's ids: Organizations API reference.
_PATTERNS = (
    (re.compile(r"arn:aws[a-z-]*:[^\s\"'`,;)\]]+"), "(ARN)"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*"), "(address)"),
    (re.compile(r"(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}"), "(key)"),
    (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "(id)"),
    (re.compile(r"(?<![A-Za-z])o-[a-z0-9]{10,32}"), "(organization)"),
    (re.compile(r"(?<![A-Za-z])ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}"), "(unit)"),
    (re.compile(r"(?<![A-Za-z])r-[0-9a-z]{4,32}(?![\w-])"), "(root)"),
    (re.compile(r"[a-z]{1,12}-[0-9a-f]{8,17}(?![\w-])"), "(id)"),
)
_ACCOUNT = re.compile(r"[0-9]{12,}")


class Anonymizer:
    """Replaces what names somebody.

    Args:
        accounts: The accounts that are known, which keep apart; one that is not among them becomes `account-?`.
        shuffle: Puts a list into an order that nobody can guess.
    """

    def __init__(self, accounts: Iterable[str], shuffle: Callable[[list[str]], None]) -> None:
        order = sorted(set(accounts))
        width = len(str(len(order)))
        shuffle(order)
        self._names = {account: f"account-{number:0{width}}" for number, account in enumerate(order, 1)}

    def text(self, text: str) -> str:
        """A text without them."""
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return _ACCOUNT.sub(lambda found: self._names.get(found[0], "account-?"), text)

    def document(self, value: Any) -> Any:
        """A JSON document without them: every text in it, keys too."""
        match value:
            case str():
                return self.text(value)
            case Mapping():
                return {self.text(key): self.document(held) for key, held in value.items()}
            case Sequence():
                return [self.document(held) for held in value]
        return value
