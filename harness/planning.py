"""Plans a batch in one step, as the flow does where the ledger knows nothing: for tests and benchmarks of the core."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ownertag.core.catalogue_types import Catalogue
from ownertag.core.decide import decide
from ownertag.core.plan import plan_writes
from ownertag.core.settings import Settings
from ownertag.core.values import Creation, Facts, Plan


def plan(
    creations: Iterable[Creation],
    facts: Facts,
    catalogue: Catalogue,
    settings: Settings,
    now: datetime,
    careful: bool = False,
) -> Plan:
    """The plan of a batch where no ledger says otherwise; the arguments are those of `decide`."""
    return plan_writes(*decide(creations, facts, catalogue, settings, now, careful=careful), facts, catalogue)
