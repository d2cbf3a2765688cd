"""Which deletions are kept: those in the organization's accounts, for every ARN that a name stands for.

The call that deletes a role has its name alone, and a path can stand before that in its ARN. Names are unique without
their paths, so a deletion by name ends whatever has the name: at the ARN without a path it is always kept, and from
there it comes to each ARN with one, whichever of both is heard of first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from ownertag.core.arn import last_part
from ownertag.core.ask import account_question
from ownertag.core.match_deletion import Ending, without_path
from ownertag.core.ownership import key_of
from ownertag.core.values import Absent, Creation, Reason, Refusal, Resource, Unavailable
from ownertag.flows.ledger_entries import deletions_to_keep
from ownertag.flows.outcomes import ledger_wait
from ownertag.flows.ports import Ports
from ownertag.flows.result import DeletionKept, Refused, Result, Undecided
from ownertag.ledger.entries import Deleted
from ownertag.ledger.port import Ledger, LedgerError


def keep_deletions(endings: Sequence[Ending], ports: Ports) -> list[Result]:
    """Keeps deletions in the ledger, before the creations of a batch claim what was made anew; one result for each."""
    results, endings = _of_unknown_accounts(endings, ports)
    if not endings:
        return results
    try:
        ports.ledger.append(deletions_to_keep(endings))
        if with_paths := _with_paths(endings, ports.ledger):
            ports.ledger.append(with_paths)
    except LedgerError as error:
        return [*results, *(Undecided(ending.arrival.where, ledger_wait(error)) for ending in endings)]
    return [*results, *map(DeletionKept, endings)]


def _of_unknown_accounts(endings: Sequence[Ending], ports: Ports) -> tuple[list[Result], list[Ending]]:
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


def _with_paths(endings: Iterable[Ending], ledger: Ledger) -> list[Deleted]:
    """What deletions by name ended, at the ARNs with paths that the ledger knows.

    Raises:
        LedgerError: The ledger can't be used.
    """
    found: list[Deleted] = []
    for ending in endings:
        by_arn = {resource.arn: resource for resource in ending.by_name}
        for entry in deletions_to_keep([ending]) if by_arn else ():
            if (resource := by_arn.get(entry.resource.arn)) is not None:
                found += [
                    replace(entry, resource=known.key)
                    for known in ledger.by_id(last_part(resource.id))
                    if (known.key.account, known.type) == (entry.resource.account, resource.type)
                    and known.key != entry.resource
                ]
    return found


def deletions_by_name(creations: Iterable[Creation], ledger: Ledger) -> list[Deleted]:
    """The deletions by name that came before the creation with a path, at its ARN.

    Raises:
        LedgerError: The ledger can't be used.
    """
    with_path = {
        key_of(resource, creation): resource
        for creation in creations
        for resource in creation.resources
        if "/" in resource.id and _has_path(resource, creation)
    }
    return [
        replace(entry, resource=key)
        for key, resource in with_path.items()
        for entry in ledger.history(replace(key, arn=without_path(resource)))
        if isinstance(entry, Deleted)
    ]


def _has_path(resource: Resource, creation: Creation) -> bool:
    return any(makes.type.paths and makes.type.name == resource.type for makes in creation.row.makes)
