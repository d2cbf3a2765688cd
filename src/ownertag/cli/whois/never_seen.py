"""What `ownertag whois` does where the ledger knows nothing: it looks into CloudTrail, or says why it can't."""

from __future__ import annotations

from ownertag.catalogue.loader import load_catalogue
from ownertag.cli.options import Exit, Options, fail
from ownertag.cli.whois.aws import NoCredentials, clock, sessions
from ownertag.core.arn import is_arn
from ownertag.core.ownership import ResourceKey
from ownertag.core.settings import Settings
from ownertag.core.transfer import target_of_arn
from ownertag.core.values import Unavailable
from ownertag.flows.whois import Wanted, WhoisAnswer
from ownertag.flows.whois_trail import from_trail


def never_seen(wanted: Wanted, where: str, options: Options, settings: Settings, offline: bool) -> WhoisAnswer:
    """The answer from CloudTrail; the command ends here if there is none."""
    what = wanted.address or wanted.id
    never = f"{what[:256]}: {where} does not know it"
    if wanted.account or wanted.region:
        never += f" in {' '.join(part for part in (wanted.account, wanted.region) if part)}"
    if wanted.at:
        never += " at that time"
    if wanted.address:
        fail(f"{never}; it knows addresses that a creation's response named, and none that came later", Exit.FINDINGS)
    if offline or wanted.at:
        fail(never, Exit.FINDINGS)
    target = target_of_arn(wanted.id, load_catalogue())
    key, id_ = None, wanted.id
    if target:
        key, id_ = ResourceKey(target.account, target.region, target.resource.arn), target.resource.id
    elif wanted.account and wanted.region and not is_arn(wanted.id):
        key = ResourceKey(wanted.account, wanted.region, "")
    if key is None:
        advice = (
            "the catalogue has no such type, so CloudTrail was not asked"
            if is_arn(wanted.id)
            else "to look into CloudTrail, write its ARN, or --account and --region"
        )
        fail(f"{never}; {advice}", Exit.FINDINGS)
    if settings.organization is None:
        fail(f"{never}; CloudTrail was not asked: the settings have no [organization], see --config", Exit.FINDINGS)
    return _in_trail(key, id_, never, options, settings)


def _in_trail(key: ResourceKey, id_: str, never: str, options: Options, settings: Settings) -> WhoisAnswer:
    from ownertag.sources.cloudtrail import MOST, CloudTrail

    try:
        trail = CloudTrail(sessions(options, settings), clock)
    except NoCredentials as error:
        fail(str(error), Exit.UNREACHABLE)
    found = from_trail(key, id_, trail, load_catalogue(), settings)
    place = f"account {key.account}, {key.region}"
    if isinstance(found, Unavailable):
        reason = f"{found.outcome.value}: {found.reason}"
        fail(f"{never}; CloudTrail of {place} can't be read: {reason}; --offline leaves it out", Exit.UNREACHABLE)
    if found is None:
        searched = f"of CloudTrail's 90 days in {place}, the newest {MOST} records hold no creation that names it"
        fail(f"{never}; {searched} (a record can take 15 minutes to be there)", Exit.FINDINGS)
    return found
