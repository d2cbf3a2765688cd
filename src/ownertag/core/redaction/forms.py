"""The forms of what stands in texts: ids, keys, addresses, and where a text is cut into parts."""

from __future__ import annotations

import re

#: Punctuation and spaces, which stay; hyphens, dots, underscores and plus signs belong to names.
CUT = r"\s!\"#$%&'()*,/:;<=>?@\[\\\]^`{|}~"
ATOM = rf"[^{CUT}]+"
END = r"(?![0-9A-Za-z])"
BEGIN = r"(?<![0-9A-Za-z])"
#: AWS's documentation writes it over seven digits of an id, whose records decide like others.
EXAMPLE = "example"
_EXAMPLE = rf"(?:{EXAMPLE.upper()}|{EXAMPLE})"
#: Behind the prefix of a resource's id.
DIGITS = rf"(?=[0-9A-Za-z]{{8,40}}(?![0-9A-Za-z]))(?:[0-9a-f]|{_EXAMPLE})+"
UUID = (
    rf"(?:[0-9A-Fa-f]{{8}}|{_EXAMPLE}[0-9A-Fa-f])(?:-[0-9A-Fa-f]{{4}}){{3}}"
    rf"-(?:[0-9A-Fa-f]{{12}}|[0-9A-Fa-f]{{5}}{_EXAMPLE}|{_EXAMPLE}[0-9A-Fa-f]{{5}})"
)
KEY = r"(?:A[KBS]IA|ACCA|A[GI]PA|AI[DP]A|AN[PV]A|APKA|AROA|ASCA)[A-Z0-9]{8,124}"
IPV4 = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"

TOKENS = re.compile(
    rf"""(?P<arn>(?<![A-Za-z0-9])arn:aws[a-z-]*:[a-z0-9-]{{2,40}}:[a-z0-9-]{{0,20}}:(?:[0-9]{{12}}|[a-z-]*):[^\s"'<>,;|()\[\]{{}}]+)
    |(?P<uuid>{BEGIN}{UUID}{END})
    |(?P<mac>{BEGIN}[0-9A-Fa-f]{{2}}(?P<sep>[:-])[0-9A-Fa-f]{{2}}(?:(?P=sep)[0-9A-Fa-f]{{2}}){{4}}(?![:-]?[0-9A-Za-z]))
    |(?P<ipv6>(?<![0-9A-Za-z:.])(?=[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:)[0-9A-Fa-f:.]{{2,45}}(?:/[0-9]{{1,3}})?(?![0-9A-Za-z:]))
    |(?P<ipv4>(?<![0-9A-Za-z.]){IPV4}(?:/[0-9]{{1,2}})?(?!\.?[0-9A-Za-z]))
    |(?P<email>[^{CUT}]+@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{{2,24}}{END})
    |(?P<x500>{BEGIN}(?:CN|OU|O|C|L|ST|DC)(?==))
    |(?P<scheme>{BEGIN}(?:https?|s3|ssh|git|ldaps?)(?=://))
    |(?P<atom>{ATOM})
    |(?P<cut>[{CUT}]+)""",
    re.VERBOSE | re.ASCII,
)
CUTS = re.compile(rf"([{CUT}]+)")
NUMBER = re.compile(r"[0-9]+", re.ASCII)
HEX = re.compile(
    r"(?=[0-9a-f-]*[0-9])(?:(?=[0-9a-f-]*[a-f])[0-9a-f]{16,512}|[0-9a-f-]{32,36})"
    r"|(?=[0-9A-F]*[0-9])(?=[0-9A-F]*[A-F])[0-9A-F]{16,512}",
    re.ASCII,
)
LETTERS = re.compile(r"[A-Za-z]{32}", re.ASCII)
PERCENT = re.compile(r"%[0-9A-Fa-f]{2}", re.ASCII)
BASE64 = re.compile(r"(?=.*[+/=])(?:[A-Za-z0-9+/]{4}){6,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", re.ASCII)
DASHED = re.compile(r"(ip|ec2)-([0-9]{1,3})-([0-9]{1,3})-([0-9]{1,3})-([0-9]{1,3})", re.ASCII)
REVERSED = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})(\.in-addr\.arpa\.?)", re.ASCII)
ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}|r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}", re.ASCII)
LETTERED_ID = re.compile(r"(sir|export-i)-([0-9a-z]{8,20})", re.ASCII)
CAPITAL_ID = re.compile(r"j-[A-Z0-9]{8,20}", re.ASCII)
