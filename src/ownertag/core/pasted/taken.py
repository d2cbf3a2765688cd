"""What a pasted text was taken for."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

#: Characters of a document (a page of findings), and of any other text (a console link with filters).
MAX_DOCUMENT = 4 * 1024 * 1024
MAX_TEXT = 8192
#: So many resources of one paste are asked for.
MOST = 100
ACCEPTED = (
    "paste an id, name, ARN, IP address, access key id, DNS name, URL of a bucket, queue or API, or console link; or a "
    "finding's or record's JSON, by `ownertag whois -`"
)


class PastedError(ValueError):
    """It is not taken; the text says why, what to paste instead, and never repeats what could be secret."""


class Asked(Struct, frozen=True):
    """One thing that is asked about: an id, name or ARN, or else an address in its normal form, or an access key's id.

    `account` and `region` say where it is, as far as the paste does, and `type` what it is: a type of the catalogue, or
    a service with a colon behind it.
    """

    id: str = ""
    address: str | None = None
    access_key: str | None = None
    account: str | None = None
    region: str | None = None
    type: str = ""

    @property
    def name(self) -> str:
        """The id, ARN, address or key."""
        return self.access_key or self.address or self.id

    @property
    def where(self) -> str:
        """The account and Region, as far as they are known."""
        return ", ".join(part for part in (self.account, self.region) if part)

    @property
    def said(self) -> str:
        """What it is and where, in words."""
        what = f"{self.type} {self.name}" if self.type and not self.type.endswith(":") else self.name
        return what + (f" in {self.where}" if self.where else "")


class Pasted(Struct, frozen=True):
    """What a text was taken for.

    `kind` says it in words. `plain`: the text is nothing but an id, ARN or address. `notes` say what was left out of
    the text. `more` counts the resources beyond `MOST`.
    """

    kind: str
    asked: tuple[Asked, ...]
    plain: bool = False
    notes: tuple[str, ...] = ()
    more: int = 0

    @property
    def said(self) -> str:
        """What it was taken for, in one line."""
        if len(self.asked) == 1:
            what = self.asked[0].said
        else:
            what = f"{len(self.asked)} resources"
            what += f", without {self.more} more" if self.more else ""
        return "; ".join([f"{self.kind}: {what}", *self.notes])


def several(kind: str, asked: Iterable[Asked]) -> Pasted:
    """What names several, each once."""
    found = tuple(dict.fromkeys(asked))
    return Pasted(kind, found[:MOST], more=max(0, len(found) - MOST))
