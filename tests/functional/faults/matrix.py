"""All rows of the fault matrix, and the list of ids that they must cover."""

from __future__ import annotations

from typing import Any

from faults import (
    rows_backfill,
    rows_delivery,
    rows_denied,
    rows_events,
    rows_files,
    rows_function,
    rows_kills,
    rows_ledger,
    rows_logs,
    rows_reconcile,
    rows_resources,
    rows_unanswered,
)
from faults.row import NotBuilt, Proof, Row

#: Calls to AWS, the event path, the ledger, backfill and reconcile.
IDS = [f"{kind}{number}" for kind, last in (("C", 30), ("E", 25), ("L", 9), ("B", 14)) for number in range(1, last + 1)]

_MODULES: tuple[Any, ...] = (
    rows_unanswered,
    rows_resources,
    rows_denied,
    rows_events,
    rows_delivery,
    rows_function,
    rows_kills,
    rows_ledger,
    rows_files,
    rows_logs,
    rows_backfill,
    rows_reconcile,
)
ROWS: list[Row] = [row for module in _MODULES for row in getattr(module, "ROWS", ())]
PROOFS: list[Proof] = [proof for module in _MODULES for proof in getattr(module, "PROOFS", ())]
NOT_BUILT: list[NotBuilt] = [not_built for module in _MODULES for not_built in getattr(module, "NOT_BUILT", ())]


def every() -> list[Row | Proof | NotBuilt]:
    """All rows, proofs and faults that are not built."""
    return [*ROWS, *PROOFS, *NOT_BUILT]
