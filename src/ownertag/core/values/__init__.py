"""The values that the core passes on: frozen, compared by content, each with its reason where it decides something.

Each module has what a step of the flow needs: what is refused and what is a creation (`creations`), what is asked and
answered (`facts`), who owns and what is to be written (`decisions`), what became of it (`outcomes`).
"""

from ownertag.core.values.creations import Creation, Reason, Refusal, Resource
from ownertag.core.values.decisions import Confidence, Decision, Owner, Plan, TagPairs, Wait, Write
from ownertag.core.values.facts import (
    Absent,
    Account,
    AccountList,
    Attached,
    Attachment,
    Fact,
    Facts,
    Found,
    LaunchedInstance,
    LaunchRecord,
    Part,
    Question,
    Reservation,
    ReservedInstance,
    Unavailable,
)
from ownertag.core.values.outcomes import KEPT_IN_LEDGER, YOUNG, Failure, Outcome, OutcomeKind, WriteResult

__all__ = [
    "KEPT_IN_LEDGER",
    "YOUNG",
    "Absent",
    "Account",
    "AccountList",
    "Attached",
    "Attachment",
    "Confidence",
    "Creation",
    "Decision",
    "Fact",
    "Facts",
    "Failure",
    "Found",
    "LaunchRecord",
    "LaunchedInstance",
    "Outcome",
    "OutcomeKind",
    "Owner",
    "Part",
    "Plan",
    "Question",
    "Reason",
    "Refusal",
    "Reservation",
    "ReservedInstance",
    "Resource",
    "TagPairs",
    "Unavailable",
    "Wait",
    "Write",
    "WriteResult",
]
