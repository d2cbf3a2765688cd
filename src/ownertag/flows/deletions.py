"""Which deletions are kept: those in the organization's accounts."""

from __future__ import annotations

from collections.abc import Sequence

from ownertag.core.ask import account_question
from ownertag.core.match_deletion import Ending
from ownertag.core.values import Absent, Reason, Refusal, Unavailable
from ownertag.flows.ports import Ports
from ownertag.flows.result import Refused, Result, Undecided


def of_unknown_accounts(endings: Sequence[Ending], ports: Ports) -> tuple[list[Result], list[Ending]]:
    """(results of deletions in accounts that are not known to be the organization's, all others).

    What came by EventBridge is the organization's: the hub's bus takes no other account's events. So nothing is asked
    for it; what an operator's file says is asked about.
    """
    results: list[Result] = []
    left: list[Ending] = []
    asked = {account_question(ending.record): None for ending in endings if ending.arrival.envelope is None}
    facts = ports.accounts.find(asked) if asked else {}
    for ending in endings:
        question, where = account_question(ending.record), ending.arrival.where
        match None if ending.arrival.envelope else facts.get(question, Absent()):
            case Absent():
                detail = f"account {ending.record.account} is not one of the organization's"
                results.append(Refused(Refusal(where, Reason.UNKNOWN_ACCOUNT, detail, ending.record)))
            case Unavailable() as unavailable:
                results.append(Undecided(where, unavailable.wait()))
            case _:
                left.append(ending)
    return results, left
