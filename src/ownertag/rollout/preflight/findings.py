"""What the preflight finds: one finding for each place and cause, and findings grouped by cause."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct


class Verdict(StrEnum):
    """What a finding means for the deployment."""

    STOPS = "stops"
    UNKNOWN = "not known"
    TOLD = "told"
    FINE = "fine"


class PreflightCheck(StrEnum):
    """What is looked at; `docs/how-to/preflight.md` says what each means and what to do."""

    ACCESS = "access"
    TRAIL = "trail"
    ORGANIZATION = "organization"
    REGION = "region"
    SERVICE_CONTROL_POLICY = "scp"
    RESOURCE_CONTROL_POLICY = "rcp"
    TAG_POLICY = "tag-policy"
    LEFTOVER = "leftover"
    PERMISSION = "permission"
    TAG_USE = "tag-use"
    BREAK_GLASS = "break-glass"
    PRICE = "price"


class PreflightFinding(Struct, frozen=True):
    """What was found in an account, or in one of its Regions (None: in the account as a whole).

    `seen` and `advice` may say `{account}` and `{region}`, so that the same cause has the same text everywhere.
    """

    check: PreflightCheck
    verdict: Verdict
    account: str
    region: str | None
    seen: str
    advice: str = ""

    @property
    def text(self) -> str:
        """What was seen, with this account and Region."""
        return self._filled(self.seen)

    @property
    def to_do(self) -> str:
        """What to do, with this account and Region: ready to paste."""
        return self._filled(self.advice)

    def _filled(self, text: str) -> str:
        return text.replace("{account}", self.account).replace("{region}", self.region or "")


class FindingGroup(Struct, frozen=True):
    """The findings of one cause in the same Regions: `accounts` are sorted, `regions` empty for the account itself."""

    first: PreflightFinding
    accounts: tuple[str, ...]
    regions: tuple[str, ...]


def grouped(findings: Iterable[PreflightFinding]) -> list[FindingGroup]:
    """Groups findings by cause, and those of one cause by the Regions where they hold; the gravest come first.

    A group's advice is that of its first account: commands there have its ids.
    """
    causes: dict[tuple[str, str, str], list[PreflightFinding]] = {}
    for finding in findings:
        causes.setdefault((finding.verdict, finding.check, finding.seen), []).append(finding)
    groups: list[FindingGroup] = []
    for held in causes.values():
        regions: dict[str, set[str]] = {}
        for finding in held:
            regions.setdefault(finding.account, set()).update({finding.region} if finding.region else ())
        alike: dict[tuple[str, ...], list[str]] = {}
        for account, found in regions.items():
            alike.setdefault(tuple(sorted(found)), []).append(account)
        for where, accounts in alike.items():
            first = min(
                (finding for finding in held if finding.account in accounts),
                key=lambda finding: (finding.account, finding.region or ""),
            )
            groups.append(FindingGroup(first, tuple(sorted(accounts)), where))
    order, checks = list(Verdict), list(PreflightCheck)
    return sorted(
        groups,
        key=lambda group: (
            order.index(group.first.verdict),
            checks.index(group.first.check),
            -len(group.accounts),
            group.first.seen,
            group.accounts,
        ),
    )


def count_verdicts(findings: Iterable[PreflightFinding]) -> dict[Verdict, int]:
    """How many findings there are of each verdict, those with none included."""
    counts = dict.fromkeys(Verdict, 0)
    for finding in findings:
        counts[finding.verdict] += 1
    return counts
