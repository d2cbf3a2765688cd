"""Looks into CloudTrail for what the ledger never saw, if it is told where, or says why it was not asked.

AWS's library, and what decides, are imported only when they are needed.
"""

from __future__ import annotations

from functools import cached_property
from math import inf
from typing import TYPE_CHECKING, NoReturn

from ownertag.catalogue.loader import load_catalogue
from ownertag.cli.options import Exit, Options
from ownertag.cli.whois.aws import NoCredentials, audit_sessions, base_session, client_of, clock
from ownertag.core.arn import is_arn
from ownertag.core.ownership import ResourceKey
from ownertag.core.pasted.taken import Asked
from ownertag.core.settings import Settings
from ownertag.core.values import Unavailable
from ownertag.flows.whois import Wanted, WhoisAnswer

if TYPE_CHECKING:
    from ownertag.aws.credentials import CallerSession
    from ownertag.sources.cloudtrail import CloudTrail


class NotKnown(Exception):
    """Nobody knows it; the text says who was asked, and what would help. `code` is the command's exit code."""

    def __init__(self, message: str, code: int = Exit.FINDINGS) -> None:
        super().__init__(message)
        self.code = code


class TrailSearch:
    """Looks for what the ledger never saw; all that is asked for shares its few calls.

    Args:
        where: The ledger that was asked, in words.
        options: The credentials.
        settings: The organization.
        offline: Ask nothing.
    """

    def __init__(self, where: str, options: Options, settings: Settings, offline: bool) -> None:
        self._where = where
        self._options = options
        self._settings = settings
        self._offline = offline

    def find(self, wanted: Wanted, asked: Asked) -> list[WhoisAnswer]:
        """Returns what CloudTrail knows.

        Raises:
            NotKnown: Nothing, or it was not asked.
        """
        what = wanted.access_key or wanted.address or wanted.id
        never = f"{what[:256]}: {self._where} does not know it"
        if wanted.account or wanted.region:
            never += f" in {' '.join(part for part in (wanted.account, wanted.region) if part)}"
        if wanted.at:
            never += " at that time"
        if wanted.address:
            raise NotKnown(f"{never}; it knows addresses that a creation's response named, and none that came later")
        if wanted.access_key:
            never += "; of keys it knows what they created since ownertag 0.2"
        if self._offline or wanted.at:
            raise NotKnown(never)
        return self._of_key(wanted, asked, never) if wanted.access_key else self._of_resource(wanted, never)

    def _of_resource(self, wanted: Wanted, never: str) -> list[WhoisAnswer]:
        from ownertag.core.transfer import target_of_arn
        from ownertag.flows.whois_aws import from_trail

        target = target_of_arn(wanted.id, load_catalogue(), wanted.account or "", wanted.region or "")
        key, id_ = None, wanted.id
        if target:
            key, id_ = ResourceKey(target.account, target.region, target.resource.arn), target.resource.id
        elif wanted.account and wanted.region and not is_arn(wanted.id):
            key = ResourceKey(wanted.account, wanted.region, "")
        if key is None:
            raise NotKnown(f"{never}; {_advice(wanted.id)}")
        self._need_organization(never)
        found = from_trail(key, id_, self._trail, load_catalogue(), self._settings, wanted.type)
        if isinstance(found, Unavailable):
            self._unread(found, key.account, key.region, never)
        if found is None:
            raise NotKnown(f"{never}; {_searched(key.account, key.region)} hold no creation that names it {_LAG}")
        return [found]

    def _of_key(self, wanted: Wanted, asked: Asked, never: str) -> list[WhoisAnswer]:
        from ownertag.cli.whois.access_keys import account_of_key
        from ownertag.flows.whois_aws import made_by_key

        self._need_organization(never)
        key_id, region = wanted.access_key or "", wanted.region or asked.region
        account: str | Unavailable | None = wanted.account or asked.account
        if account is None:
            account = account_of_key(client_of("sts", *self._base), key_id)
        if isinstance(account, Unavailable):
            reason = f"{account.outcome.value}: {account.reason}"
            raise NotKnown(
                f"{never}; its account can't be read ({reason}): write --account and --region", Exit.UNREACHABLE
            )
        never += f"; AWS says that it is of account {account}" if not (wanted.account or asked.account) else ""
        if region is None:
            raise NotKnown(f"{never}; to look into CloudTrail, write --region as well: it lists calls where they went")
        found = made_by_key(account, region, key_id, self._trail, load_catalogue(), self._settings)
        if isinstance(found, Unavailable):
            self._unread(found, account, region, never)
        made, more = found
        if not made:
            calls = "only the newest of its calls were read" if more else "there are no more calls of it"
            raise NotKnown(f"{never}; {_searched(account, region)} hold no creation by it, and {calls} {_LAG}")
        if more:
            self._options.say(
                f"{key_id}: only its newest calls in {account}, {region} were read: it may have made more"
            )
        return made[: wanted.limit]

    def _need_organization(self, never: str) -> None:
        if self._settings.organization is None:
            raise NotKnown(f"{never}; CloudTrail was not asked: the settings have no [organization], see --config")

    def _unread(self, why: Unavailable, account: str, region: str, never: str) -> NoReturn:
        reason = f"{why.outcome.value}: {why.reason}"
        told = f"CloudTrail of account {account}, {region} can't be read: {reason}; --offline leaves it out"
        raise NotKnown(f"{never}; {told}", Exit.UNREACHABLE)

    @cached_property
    def _base(self) -> tuple[CallerSession, str]:
        try:
            return base_session(self._options, self._settings)
        except NoCredentials as error:
            raise NotKnown(str(error), Exit.UNREACHABLE) from error

    @cached_property
    def _trail(self) -> CloudTrail:
        """CloudTrail, by the audit role, with calls that keep to the share of each account's quota, and wait for it."""
        from ownertag.aws.pacing import Pacing
        from ownertag.sources.cloudtrail import CloudTrail

        pacing = Pacing(load_catalogue().quotas, self._settings.limits.quota_share, patience=inf)
        return CloudTrail(audit_sessions(*self._base, pacing), clock)


_LAG = "(a record can take 15 minutes to be there)"


def _searched(account: str, region: str) -> str:
    from ownertag.sources.cloudtrail import MOST

    return f"of CloudTrail's 90 days in account {account}, {region}, the newest {MOST} records"


def _advice(id_: str) -> str:
    from ownertag.core.recognize import recognize

    if is_arn(id_) and recognize(id_, load_catalogue()):
        return "to look into CloudTrail, write --account and --region: its ARN does not say where it is"
    if is_arn(id_):
        return "the catalogue has no such type, so CloudTrail was not asked"
    return "to look into CloudTrail, write its ARN, or --account and --region"
