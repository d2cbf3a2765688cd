"""Replaces what stands in one text, whatever it is: a name, an ARN, a host name, a message, JSON, a part of a URL.

A text is cut at its punctuation, and every part is replaced as a whole, so that a name has the same replacement in
an ARN, behind a principal's id and in a message. Nothing is kept for what it says, only for where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from ipaddress import ip_address
from urllib.parse import quote, unquote

import msgspec

from ownertag.core.arn import parse_arn
from ownertag.core.owner.ci_subjects import of_ci
from ownertag.core.owner.generated_names import is_generated
from ownertag.core.owner.principal import HIDDEN, clean
from ownertag.core.records import REGION
from ownertag.core.redaction import forms, words
from ownertag.core.redaction.replacements import Replacements

#: So much of one punctuation stays: no pattern is hidden in it.
_BRACKETS = 4
_MOST_NESTED = 4
#: CloudTrail cuts what is longer.
_LONGEST = 1 << 17
_LARGEST = 1e15
#: Below this a number is a count, a size or a port.
SMALL = 10_000


class Texts:
    """Replaces in texts.

    Args:
        replacements: Those of this run.
        services: What AWS's services are called in ARNs and host names, beyond `words.SERVICES`.
        arn_types: By service, the words that tell a resource's type.
        id_prefixes: What ids of resources begin with.
        within: By service, the words inside ids that tell a type.
        tag_keys: Keys of tags that stay.
    """

    def __init__(
        self,
        replacements: Replacements,
        services: frozenset[str],
        arn_types: Mapping[str, frozenset[str]],
        id_prefixes: frozenset[str],
        within: Mapping[str, frozenset[str]],
        tag_keys: frozenset[str],
    ) -> None:
        self._new = replacements
        self._atoms: dict[str, str] = {}
        self._services = words.SERVICES | services
        self._arn_types = arn_types
        self._within = within
        self._tag_keys = tag_keys
        prefixes = "|".join(sorted(map(re.escape, id_prefixes), key=len, reverse=True))
        self._id = re.compile(rf"({prefixes})-({forms.UUID}|{forms.DIGITS})", re.ASCII)
        self._inside = re.compile(
            rf"(?P<uuid>{forms.UUID})|(?P<key>{forms.BEGIN}{forms.KEY}{forms.END})"
            rf"|(?P<id>{forms.BEGIN}(?:{prefixes})-(?:[0-9a-f]{{17}}|[0-9a-f]{{8}}){forms.END})"
            r"|(?P<dashed>(?<![0-9])[0-9]{4}-[0-9]{4}-[0-9]{4}(?![0-9]))|(?P<account>(?<![0-9])[0-9]{12}(?![0-9]))"
            rf"|(?P<address>(?<![0-9.]){forms.IPV4}(?!\.?[0-9]))"
            rf"|(?P<ip>{forms.BEGIN}(?:ip|ec2)-[0-9]{{1,3}}-[0-9]{{1,3}}-[0-9]{{1,3}}-[0-9]{{1,3}}{forms.END})",
            re.ASCII,
        )

    def text(self, text: str, nested: int = 0) -> str:
        """The same text with replacements, at any place that has no form of its own."""
        if not text or text in words.HIDDEN_TEXTS:
            return text
        if not clean(text):
            return " "
        if nested > _MOST_NESTED or len(text) > _LONGEST:
            return self._new.name(text)
        if text[:1] in "{[" and (document := _json(text)) is not None:
            return msgspec.json.encode(self._document(document, nested + 1)).decode()
        if forms.PERCENT.search(text) and (plain := unquote(text)) != text:
            return quote(self.text(plain, nested + 1), safe="".join(forms.CUTS.findall(text)).replace("%", ""))
        if forms.BASE64.fullmatch(text):
            return self._new.name(text)
        if parse_arn(text) is not None:
            return self._arn(text)
        if found := words.LOG_GROUP.fullmatch(text):
            return f"{found[1]}{self.text(found[2], nested + 1)}{found[3]}"
        if found := _REGION_AND_UUID.fullmatch(text):
            return f"{found[1]}:{self._new.hex(found[2])}"
        if of_ci(text) is not None:
            return self._each(text, words.SUBJECT_WORDS)
        return forms.TOKENS.sub(self._token, text)

    def session(self, text: str) -> str:
        """A session's name: those that tools and services make up stay recognizable as such."""
        return text if text in words.SESSIONS else self.text(text)

    def principal(self, text: str) -> str:
        """A principal's id, with a session's name behind the colon."""
        id_, colon, name = text.partition(":")
        if colon and not text.startswith("arn:") and re.fullmatch(forms.KEY, id_):
            return f"{self.text(id_)}:{self.session(name)}"
        return self.text(text)

    def service(self, text: str) -> str:
        """What may be a service's name, such as `ec2.amazonaws.com`."""
        return self._host(text) if text.endswith(words.DOMAINS) else self.text(text)

    def agent(self, text: str) -> str:
        """A user agent: products of AWS and of well-known tools stay with their version, the machine's parts don't."""
        if text.endswith(words.DOMAINS):
            return self.service(text)
        parts, before = re.split(rf"([{forms.CUT}]+)", text), ""
        for number, part in enumerate(parts):
            if number % 2:
                parts[number] = part[:_BRACKETS]
                continue
            version = before not in {"", "linux", "windows", "macos", "darwin"} and parts[number - 1] in {"/", "#"}
            if part.lower() in words.AGENT_WORDS:
                before = part.lower()
            elif part and not (version and re.fullmatch(r"[0-9]{1,4}(?:\.[0-9]{1,4}){1,3}", part, re.ASCII)):
                parts[number], before = self._atom(part), ""
        return "".join(parts)

    def tag_key(self, text: str) -> str:
        """The key of a tag: services' own stay, since decisions rest on them."""
        if text in self._tag_keys:
            return text
        for prefix in words.TAG_KEY_PREFIXES:
            if text.startswith(prefix):
                return prefix + self.text(text[len(prefix) :])
        return self.text(text)

    def claim(self, text: str) -> str:
        """The name of what a provider of identities says, such as `oidc.example:sub`."""
        provider, colon, claim = text.rpartition(":")
        shown = claim if claim in words.CLAIMS else self.text(claim)
        return self._url(provider) + colon + shown

    def _document(self, node: object, nested: int) -> object:
        """What is no record, such as a policy in a text: fields and values are replaced alike."""
        if isinstance(node, str):
            return self.text(node, nested)
        if nested > _MOST_NESTED * 4:
            return None
        if isinstance(node, list):
            return [self._document(item, nested + 1) for item in node]
        if isinstance(node, dict):
            found: dict[str, object] = {}
            for key, value in node.items():
                shown = key if key.lower() in words.FIELDS else self.text(key, nested)
                is_kept = isinstance(value, str) and _is_kept(key, value)
                found[unused(shown, found)] = value if is_kept else self._document(value, nested + 1)
            return found
        return self.number(node) if isinstance(node, int | float) and not isinstance(node, bool) else node

    def region(self, text: str) -> str:
        """What stands for a Region and is none that is known: another one of its form, or none at all."""
        if not REGION.fullmatch(text):
            return self.text(text)
        return f"xx-{self._new.letters(text).lower()[:12]}-1"

    def number(self, number: int | float, small: bool = False) -> int | float:
        """Another number of as many digits, `small` ones as well, which are counts and sizes mostly."""
        if isinstance(number, float):
            return float(self.number(int(number), small)) if abs(number) < _LARGEST else 0.0
        if abs(number) < SMALL and not small:
            return number
        found = int(self._new.digits(str(abs(number))))
        return -found if number < 0 else found

    # --- parts

    def _token(self, match: re.Match[str]) -> str:
        found = match[0]
        match match.lastgroup:
            case "arn":
                return self._arn(found)
            case "uuid":
                return self._new.hex(found)
            case "mac":
                return self._new.mac(found)
            case "ipv6" | "ipv4":
                return self._network(found)
            case "email":
                return f"{self._new.name(found)}@example.com"
            case "x500" | "scheme":
                return found
            case "cut":
                return found[:_BRACKETS]
        return self._atom(found)

    def _network(self, text: str) -> str:
        address, slash, length = text.partition("/")
        try:
            ip_address(address)
        except ValueError:
            return self._each(text)
        return self._new.address(address, int(length) if slash else None) + slash + length

    def _each(self, text: str, kept: frozenset[str] = frozenset()) -> str:
        parts = forms.CUTS.split(text)
        return "".join(
            part[:_BRACKETS] if number % 2 else part if part in kept else self._atom(part)
            for number, part in enumerate(parts)
        )

    def _atom(self, text: str) -> str:
        """A part without punctuation. What is known of its form decides; otherwise it is a name as a whole."""
        known = self._atoms.get(text)
        if known is None:
            core = text.rstrip(".") or text  # a full stop ends a sentence
            known = self._generated_name(core) or self._form(core)
            known = self._atoms[text] = known + text[len(core) :][:1]
        return known

    def _generated_name(self, text: str) -> str | None:
        """A name that AWS or a tool made around somebody's, if it is one."""
        if found := words.SSO_ROLE.fullmatch(text):
            return f"{found[1]}{self._form(found[2])}_{self._new.hex(found[4])}"
        if found := words.BATCH_CLUSTER.fullmatch(text):
            return f"{found[1]}{self._form(found[2])}-{self._new.hex(found[3])}"
        if found := words.BATCH_GROUP.fullmatch(text):
            return f"{self._form(found[1])}{found[2]}{self._new.hex(found[3])}"
        prefix = _prefix(text)
        if prefix is None:
            return None
        shown = prefix + self._rest(text[len(prefix) :])
        if is_generated(text) and not is_generated(shown):  # too long by now, or of another form
            return "terraform-" + self._new.name(text)
        return shown

    def _form(self, text: str) -> str:
        if not text:
            return text
        if HIDDEN in text:
            return HIDDEN
        if text in words.ROLES:
            return text
        if forms.NUMBER.fullmatch(text):
            return self._new.digits(text)
        if re.fullmatch(forms.UUID, text) or forms.HEX.fullmatch(text):
            return self._new.hex(text)
        if forms.LETTERS.fullmatch(text):
            return self._new.letters(text)
        if re.fullmatch(forms.KEY, text):
            return self._new.key(text)
        if found := self._id.fullmatch(text):
            return f"{found[1]}-{self._new.hex(found[2])}"
        if forms.ORGANIZATION.fullmatch(text):
            return "-".join(part if part in {"o", "r", "ou"} else self._new.base36(part) for part in text.split("-"))
        if found := forms.LETTERED_ID.fullmatch(text):
            return f"{found[1]}-{self._new.base36(found[2])}"
        if forms.CAPITAL_ID.fullmatch(text):
            return f"j-{self._new.base36(text[2:].lower()).upper()}"
        if text in words.PUBLIC_HOSTS:
            return text
        if found := forms.REVERSED.fullmatch(text):
            address = (
                self._new.address(".".join(found.group(4, 3, 2, 1))) if _is_address(found.group(4, 3, 2, 1)) else ""
            )
            return ".".join(reversed(address.split("."))) + found[5] if address else self._new.name(text)
        if text.endswith(words.DOMAINS):
            return self._host(text)
        return self._pieces(text)

    def _pieces(self, text: str) -> str:
        """A name, or names around what has a form: a bucket may be called after its account."""
        found, at = [], 0
        for match in self._inside.finditer(text):
            found += [self._rest(text[at : match.start()]), self._piece(match)]
            at = match.end()
        if not at:
            return self._new.name(text)
        return "".join((*found, self._rest(text[at:])))

    def _rest(self, text: str) -> str:
        core = text.strip("-_.+")
        if not core:
            return text[:2]
        begin, end = text[: text.index(core)], text[text.index(core) + len(core) :]
        return begin[:2] + self._form(core) + end[:2]

    def _piece(self, match: re.Match[str]) -> str:
        text = match[0]
        match match.lastgroup:
            case "uuid":
                return self._new.hex(text)
            case "key":
                return self._new.key(text)
            case "id":
                prefix, _, digits = text.rpartition("-")
                return f"{prefix}-{self._new.hex(digits)}"
            case "dashed":
                digits = self._new.account(text.replace("-", ""))
                return "-".join((digits[:4], digits[4:8], digits[8:]))
            case "account":
                return self._new.account(text)
            case "address":
                return self._new.address(text) if _is_address(text.split(".")) else self._new.name(text)
        found = forms.DASHED.fullmatch(text)
        parts = found.groups()[1:] if found else ()
        if not found or not _is_address(parts):
            return self._new.name(text)
        return f"{found[1]}-{self._new.address('.'.join(parts)).replace('.', '-')}"

    def _host(self, text: str) -> str:
        """A host name of AWS. From the right on, what AWS calls so stays; the rest is somebody's."""
        if text in words.PUBLIC_HOSTS:
            return text
        domain = next((domain for domain in words.DOMAINS if text == domain or text.endswith(f".{domain}")), None)
        if domain is None:
            return self._pieces(text)
        labels = text[: -len(domain) - 1].split(".") if text != domain else []
        kept: list[str] = []
        while labels and (labels[-1] in self._services or words.REGION.fullmatch(labels[-1]) or _is_s3(labels[-1])):
            kept.insert(0, labels.pop())
            if _is_s3(kept[0]) or (kept[0] == "s3" and labels):
                break
        if kept and _is_s3(kept[0]):
            labels = [".".join(labels)] if labels else []  # a bucket's name can have dots
        return ".".join((*(self._atom(label) for label in labels), *kept, domain))

    def _url(self, text: str) -> str:
        """A provider of identities: a host, and what follows."""
        host, slash, rest = text.partition("/")
        shown = host if host in words.PUBLIC_HOSTS else self._each(host)
        if rest.startswith("id/"):  # an EKS cluster's
            return f"{shown}/id/{self._each(rest[3:])}"
        return shown + slash + self._each(rest)

    def _arn(self, text: str) -> str:
        _, partition, service, region, account, resource = text.split(":", 5)
        if not partition.startswith("aws") or partition not in _PARTITIONS:
            return self._each(text)
        shown = service if service in self._services or service in self._arn_types else self._atom(service)
        place = region if not region or words.REGION.fullmatch(region) else self._atom(region)
        owner = account if account in {"", "aws"} else self._atom(account)
        return f"arn:{partition}:{shown}:{place}:{owner}:{self._resource(service, resource)}"

    def _resource(self, service: str, resource: str) -> str:
        types = self._arn_types.get(service, frozenset())
        parts = forms.CUTS.split(resource)
        if parts[0] == "oidc-provider" and len(parts) > 2:
            return f"oidc-provider/{self._url(resource.partition('/')[2])}"
        if service == "secretsmanager" and (found := _SECRET.fullmatch(resource)):
            return f"secret:{self._each(found[1])}-{self._new.base36(found[2].lower())}"
        if parts[0] == "log-group" and (found := words.LOG_GROUP.fullmatch(resource.partition(":")[2])):
            return f"log-group:{found[1]}{self._each(found[2])}{found[3]}"
        if parts[0] == "assumed-role" and resource.count("/") >= 2:
            role, _, session = resource[len("assumed-role/") :].partition("/")
            return f"assumed-role/{self._each(role)}/{self.session(session)}"
        shown = [part[:_BRACKETS] if number % 2 else part for number, part in enumerate(parts)]
        within, leading = self._within.get(service, frozenset()), True
        for number in range(0, len(parts), 2):
            part = parts[number]
            # A type stands first, of one word or of several; within an id are others, and Auto Scaling's in between.
            leading = leading and (part in types or not part)
            if (part in types and (leading or part in _INNER_TYPES)) or part in within:
                continue
            if _REGION_AND_UUID.fullmatch("".join(parts[number : number + 3])):
                continue
            if service == "iam" and number == 2 and parts[0] == "role" and part in words.ROLE_PATHS:
                continue
            if service == "iam" and number == 4 and len(parts) > 2 and parts[2] in words.ROLE_PATHS:
                shown[number] = self.service(part)
                continue
            if (
                service == "iam"
                and number == 6
                and len(parts) > 8
                and parts[2] == "aws-reserved"
                and words.REGION.fullmatch(part)
            ):
                continue
            shown[number] = self._atom(part)
        return "".join(shown)


#: An identity pool's id has its Region before a UUID (doc: Cognito identity pools API reference).
_REGION_AND_UUID = re.compile(rf"({words.REGION.pattern}):({forms.UUID})", re.ASCII)
#: Secrets Manager puts six characters behind a name (user guide, "What's in a Secrets Manager secret?").
_SECRET = re.compile(r"secret:(.+)-([A-Za-z0-9]{6})", re.ASCII)
_PARTITIONS = frozenset({"aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"})
_INNER_TYPES = frozenset({"autoScalingGroupName", "launchConfigurationName", "log-stream", "changeSet"})


def unused(key: str, taken: Container[str]) -> str:
    """A key that the object has not got yet: keys that differ in what shows nothing are replaced by the same."""
    while key in taken:
        key += "~"
    return key


def _json(text: str) -> object | None:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return found if isinstance(found, dict | list) else None


def _is_kept(field: str, value: str) -> bool:
    form = words.FORMS.get(field.lower()) if field.lower() == "version" else None
    return value in words.VALUES["effect"] if field.lower() == "effect" else bool(form and form.fullmatch(value))


def _is_address(parts: Iterable[str]) -> bool:
    try:
        ip_address(".".join(parts))
    except ValueError:
        return False
    return True


def _is_s3(label: str) -> bool:
    return label in {"s3", "s3-website"} or (
        label.startswith(("s3-", "s3-website-")) and bool(words.REGION.search(label))
    )


def _prefix(text: str) -> str | None:
    if found := words.SDK_PREFIX.match(text):
        return found[0]
    return next((prefix for prefix in words.PREFIXES if text.startswith(prefix)), None)
