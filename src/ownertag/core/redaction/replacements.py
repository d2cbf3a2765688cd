"""Replacements: what stands for each original, the same wherever it stands in a run, and never the original itself.

A replacement is drawn, not computed: nothing leads back from it, and account ids can't be tried out one by one. The
form stays where a decision rests on it: twelve digits, an id's length, the kind of an access key, a private address.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from ownertag.core.owner.principal import clean
from ownertag.core.redaction.forms import EXAMPLE

#: Draws a number from 0 up to, and without, the one that is given.
Draw = Callable[[int], int]

# Without vowels and what looks like them: no replacement is a word, and none is ever a name in the record.
_LETTERS = "bcdfghjkmnpqrstvwxz"
_TOKEN = _LETTERS + "23456789"
_TOKEN_LENGTH = 9
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
#: So many draws without a new one: there are no more of this form.
_TRIES = 64
#: IAM takes no longer name, so that a longer text is none before and after.
_LONGEST_NAME = 64

# Addresses for documentation first (RFC 5737), and where these are used up those for measuring (RFC 2544).
_DOCUMENTATION = tuple(map(IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")))
_MEASURING = IPv4Network("198.18.0.0/15")
_PRIVATE = tuple(
    map(
        IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8")
    )
)
_DOCUMENTATION_6 = IPv6Network("2001:db8::/32")
_PRIVATE_6 = tuple(map(IPv6Network, ("fd00::/8", "fc00::/8", "fe80::/10")))
#: Every machine has these, and they name none: any, all, the own one, and where AWS answers an instance.
_ANYBODYS = frozenset(
    map(ip_address, ("0.0.0.0", "255.255.255.255", "127.0.0.1", "169.254.169.254", "169.254.170.2", "::", "::1"))  # noqa: S104 - no socket is bound
)


class Replacements:
    """The replacements of one run.

    Args:
        draw: Draws at random. Who can foresee it can tell the originals by trying them out.
    """

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._known: dict[tuple[str, str], str] = {}
        self._used: set[str] = set()
        self._cases: dict[str, list[str]] = {}

    def name(self, text: str) -> str:
        """A name of anything. One that differs in the case of its letters alone has the same letters."""
        folded = text.casefold()
        base = self._kept("name", folded, self._token)
        if len(text) > _LONGEST_NAME:
            base = (base * _LONGEST_NAME)[: _LONGEST_NAME + 8]
        return self._in_case(text, folded, base) + _mark_of(text)

    def account(self, text: str) -> str:
        """An account's id, of twelve digits."""
        return self._kept("digits", text, lambda: self._number(12))

    def digits(self, text: str) -> str:
        """A number of as many digits, or of more where all of them are given."""
        if len(text) == 12:
            return self.account(text)
        lengths = range(len(text), len(text) + 3)
        return self._kept("digits", text, *(lambda n=length: self._number(n) for length in lengths))

    def hex(self, text: str) -> str:
        """Hexadecimal digits, as many; hyphens and letter case stay, as in a UUID, and AWS's EXAMPLE in one does."""
        lower = text.lower()
        found = self._kept("hex", lower, lambda: self._digits(lower))
        return found.upper() if text != lower else found

    def _digits(self, text: str) -> str:
        """Drawn digits, or where one beside EXAMPLE came out as it was, the text itself, which is drawn again."""
        drawn = EXAMPLE.join(
            "".join("-" if digit == "-" else self._some("0123456789abcdef", 1) for digit in part)
            for part in text.split(EXAMPLE)
        )
        words = [word for word in drawn.split("-") if EXAMPLE in word]
        return text if any(word in text for word in words) else drawn

    def letters(self, text: str) -> str:
        """As many letters, of both cases: the form of some generated names."""
        return self._kept("letters", text, lambda: self._some(_LETTERS + _LETTERS.upper(), len(text)))

    def base36(self, text: str) -> str:
        """As many digits and small letters, as in an organization's id."""
        return self._kept("base36", text, lambda: self._some(_BASE36, len(text)))

    def key(self, text: str) -> str:
        """A key's or principal's id: the four letters that tell its kind stay (doc: IAM, "Unique identifiers")."""
        return text[:4] + self._kept("key", text[4:], lambda: self._some(_BASE32, len(text) - 4))

    def mac(self, text: str) -> str:
        """A MAC address, as one that belongs to no maker."""
        bare = text.lower().replace("-", ":")
        found = self._kept("mac", bare, lambda: "02" + "".join(f":{self._draw(256):02x}" for _ in range(5)))
        return found.replace(":", "-") if "-" in text else found

    def address(self, text: str, length: int | None = None) -> str:
        """An IP address, or with a prefix's length a network. Private ones stay private, of the same range."""
        address = ip_address(text)
        if address in _ANYBODYS:
            return text
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            return f"::ffff:{self.address(str(address.ipv4_mapped), length and max(length - 96, 0))}"
        bits = address.max_prefixlen
        length = bits if length is None or length > bits else length
        ranges: tuple[IPv4Network, ...] | tuple[IPv6Network, ...]
        ranges = _PRIVATE if isinstance(address, IPv4Address) else _PRIVATE_6
        around = [network for network in ranges if address in network]
        if any(length <= network.prefixlen for network in around) or length < 8:
            return text  # a range as a whole, which everybody has
        others = (*_DOCUMENTATION, _MEASURING) if isinstance(address, IPv4Address) else (_DOCUMENTATION_6,)
        kind = f"network {length}" if length < bits else "address"
        return self._kept(kind, str(address), *(lambda n=network: self._in(n, length) for network in around or others))

    def _in(self, network: IPv4Network | IPv6Network, length: int) -> str:
        bits = network.max_prefixlen
        number = int(network.network_address) + self._draw(1 << (bits - network.prefixlen))
        number = number >> (bits - length) << (bits - length)
        return str((IPv4Address if bits == 32 else IPv6Address)(number))

    def _kept(self, kind: str, original: str, *makers: Callable[[], str]) -> str:
        known = self._known.get((kind, original))
        if known is not None:
            return known
        found = original
        for make in makers:
            for _ in range(_TRIES):
                found = make()
                if found != original and f"{kind} {found}" not in self._used:
                    break
            else:
                continue
            break
        self._used.add(f"{kind} {found}")
        self._known[kind, original] = found
        return found

    def _token(self) -> str:
        """A name that begins and ends with a letter, so that digits before and after it stay apart from it."""
        return "n" + self._some(_TOKEN, _TOKEN_LENGTH - 1) + self._some(_LETTERS, 1)

    def _number(self, length: int) -> str:
        return self._some("123456789", 1) + self._some("0123456789", length - 1)

    def _some(self, alphabet: str, count: int) -> str:
        return "".join(alphabet[self._draw(len(alphabet))] for _ in range(count))

    def _in_case(self, text: str, folded: str, base: str) -> str:
        """The base in small letters, in capitals, or for each other spelling with capitals of its own."""
        if text == folded:
            return base
        if text == folded.upper():
            return base.upper()
        spellings = self._cases.setdefault(folded, [])
        if text not in spellings:
            spellings.append(text)
        number, shown = spellings.index(text) + 1, []
        for char in base:
            number, capital = (number >> 1, number & 1) if char.isalpha() else (number, 0)
            shown.append(char.upper() if capital else char)
        return "".join(shown)


def _mark_of(text: str) -> str:
    """What keeps a text that IAM would take for no name from becoming one."""
    if text.isascii() and text.isprintable():
        return ""
    return "\u00e9" if clean(text) == text else "\u200b"
