"""`ownertag backfill`: finds out whose everything is that was there before ownertag, shows it, and tags it."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import replace

from ownertag.catalogue.loader import load_catalogue
from ownertag.cli.backfill import runs
from ownertag.cli.backfill.output import print_plan, print_undone, summary, undo_summary, unlisted_lines
from ownertag.cli.backfill.told import Told
from ownertag.cli.options import Exit, LedgerFile, Options, fail, with_options
from ownertag.cli.writing import tell_error
from ownertag.core.backfill.plan import MOST_BYTES, Action, Edit, read_plan, run_of
from ownertag.core.records import ACCOUNT
from ownertag.flows.backfill.evidence import logs_read, unread_history
from ownertag.ledger.port import LedgerError
from ownertag.runs.file import RunError

if TYPE_CHECKING:
    from ownertag.cli.backfill.world import World
    from ownertag.core.catalogue_types import Catalogue
    from ownertag.core.settings import Settings
    from ownertag.flows.backfill.applying import Applied
    from ownertag.flows.backfill.ports import Logs
    from ownertag.runs.backfill import BackfillStore
    from ownertag.sources.logs.places import LogLocation

#: How many accounts and Regions are listed at once, and how many asked for their records: nearly all of that is
#: waiting, for LookupEvents until there is one of each one's own two calls a second (docs/explanation/scale.md).
AT_ONCE, ASKED_AT_ONCE = 16, 64
UNDO = "undo"


@with_options
def backfill(
    options: Options,
    words: Annotated[
        list[str] | None,
        typer.Argument(help="undo and a run: put back the tags that were there before that run.", metavar="[undo RUN]"),
    ] = None,
    source: Annotated[
        str,
        typer.Option("--source", help="CloudTrail's logs: a folder, or s3://BUCKET/PREFIX.", metavar="FOLDER|s3://..."),
    ] = "",
    source_profile: Annotated[
        str | None,
        typer.Option("--source-profile", help="The AWS profile that may read these logs.", metavar="NAME"),
    ] = None,
    account: Annotated[
        str, typer.Option("--account", help="These accounts only, with commas between.", metavar="ID,ID")
    ] = "",
    plan: Annotated[
        str | None,
        typer.Option("--plan", help="The plan as you changed it: what --output csv printed.", metavar="FILE"),
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Write the tags. Nothing is written without it.")] = False,
    new: Annotated[bool, typer.Option("--new", help="Look again, even where a run has not ended.")] = False,
    state: Annotated[
        str | None,
        typer.Option("--state", help="The run's file; one of the user's state folder else.", metavar="FILE"),
    ] = None,
    ledger: LedgerFile = None,
) -> None:
    """Tag what was there before ownertag, or what delivery missed, with whoever made it.

    Lists all resources in all accounts and Regions (or in --account and --region), compares their owner tags with the
    ledger, and looks for the records of those that have none: in the logs of --source, and in CloudTrail's own 90 days.
    What no record tells of, the resource itself is asked. Then it shows the plan, and what nobody can know, with whom
    to ask. With --output csv the plan is a file: change owner or action, and hand it back with --plan.

    The run is kept in a file. Whenever it is ended, the same command goes on where it was, and does nothing twice;
    --apply writes what was shown. `ownertag backfill undo RUN --apply` puts back what was there.

    Runs with credentials of the hub's account that may invoke its function and assume ownertag-audit. Without an
    organization it is done with those of --profile, in their own account.

    Exits with 0 if all is known or done, 1 if something is not, 2 for bad input, 3 if something could not be reached.
    """  # fmt: skip
    if words and (words[0] != UNDO or len(words) != 2):
        fail(f"{' '.join(words)[:64]!a}: to undo a run write `ownertag backfill undo RUN`; else there is no argument")
    for one in filter(None, account.split(",")):
        if not ACCOUNT.fullmatch(one.strip()):
            fail(f"--account {one[:64]!a} is no account; write its 12 digits")
    if words:
        _undo(words[1], options, account, apply, state, ledger)
    text = _text_of(plan) if plan is not None else ""
    named = run_of(text)
    if plan is not None and not named:
        fail(f"--plan {plan}: is no plan: hand back what `ownertag backfill --output csv` printed")
    settings, catalogue = options.settings(), load_catalogue()
    place = _log_place(options, source, source_profile) if source else None
    world = _world(options, settings, catalogue, account, source, ledger)
    store = runs.store_of(world.scope, state, named, new=new)
    options.say(f"run {store.run.id}, kept in {store.path}")
    try:
        applied = _work(store, world, options, settings, catalogue, place, (plan or "", text), apply)
    except RunError as error:
        _go_on(options, store)
        fail(str(error), Exit.FINDINGS)
    except (KeyboardInterrupt, typer.Exit):
        _go_on(options, store)
        raise
    finally:
        store.close()
    raise typer.Exit(applied)


def _work(
    store: BackfillStore,
    world: World,
    options: Options,
    settings: Settings,
    catalogue: Catalogue,
    place: LogLocation | None,
    plan: tuple[str, str],
    apply: bool,
) -> int:
    """All steps that are left; returns the exit code."""
    told = Told(options.say)
    _make_plan(store, world, settings, catalogue, place, told)
    if plan[0]:
        _take_edits(store, *plan)
    applied: Applied | None = None
    if apply:
        from ownertag.flows.backfill.applying import Application

        applied = Application(
            store, world.orders, world.read_tags, settings, world.by, _now, time.sleep, told
        ).run()  # fmt: skip
        if not applied.left:
            store.keep_step(runs.APPLIED, _now().isoformat())
            if not any(row.is_open for row in store.plan()):
                store.change_run(ended=_now())
    print_plan(store, options.format, applied)
    for line in summary(store, applied):
        options.say(line)
    for line in _unread(store, world):
        tell_error(line)
    return _exit_code(store, world, applied)


def _make_plan(
    store: BackfillStore,
    world: World,
    settings: Settings,
    catalogue: Catalogue,
    place: LogLocation | None,
    told: Told,
) -> None:
    """Lists, gathers and decides, as far as that is not done, or AWS was too busy for it."""
    from ownertag.aws.concurrency import concurrent
    from ownertag.flows.backfill.deciding import decide
    from ownertag.flows.backfill.evidence import is_asked_again, look_up, read_logs
    from ownertag.flows.backfill.listing import is_listed_again, list_places
    from ownertag.sources.logs.faults import ScanStopped

    busy = any(is_listed_again(listed) for listed in store.places().values() if listed)
    busy = busy or any(map(is_asked_again, unread_history(store).values()))
    if store.step(runs.PLANNED) is not None and not busy:
        decide(store, world.orders, settings, world.whom_to_ask, told)  # what could not be looked up then
        return
    concurrency = concurrent(AT_ONCE)
    stopped = False
    store.add_places(world.places)
    try:
        list_places(
            store, world.inventory, world.ledger, settings, _now, concurrency, told, lambda: stopped
        )  # fmt: skip
        if place is not None:
            read_logs(store, _logs(store, place, catalogue, told), catalogue, settings, told)
        asking = concurrent(ASKED_AT_ONCE)
        look_up(store, world.history, catalogue, settings, _now, asking, told, lambda: stopped)
    except LedgerError as error:
        fail(str(error), Exit.UNREACHABLE)
    except ScanStopped as error:
        fail(str(error), Exit.UNREACHABLE)
    except BaseException:
        stopped = True  # what waits for its turn is not begun any more
        raise
    decide(store, world.orders, settings, world.whom_to_ask, told)
    store.keep_step(runs.PLANNED, _now().isoformat())


def _logs(store: BackfillStore, place: LogLocation, catalogue: Catalogue, told: Told) -> Logs:
    from ownertag.sources.logs.keys import Selection
    from ownertag.sources.logs.parts import LogParts
    from ownertag.sources.logs.wanted import wanted

    places = store.places()
    accounts, regions = frozenset(one for one, _ in places), frozenset(one for _, one in places)
    selection = Selection(accounts, regions, until=store.run.began)
    return LogParts(place, wanted(catalogue), selection, logs_read(store).end, told=told.logs)


def _log_place(options: Options, source: str, profile: str | None) -> LogLocation:
    from ownertag.sources.logs.places import place_of

    try:
        return place_of(source, profile or options.profile, None, options.endpoint_url)
    except ValueError as error:
        fail(f"--source {error}")


def _world(
    options: Options, settings: Settings, catalogue: Catalogue, account: str, source: str, ledger: str | None
) -> World:
    from ownertag.cli.backfill.world import world_of

    return world_of(options, settings, catalogue, account, source, ledger)


# --- the plan file


def _text_of(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            fail(f"--plan {path}: is larger than {MOST_BYTES >> 20} MB")
        return data.decode("utf-8")
    except OSError as error:
        fail(f"--plan {path}: can't be read: {error.strerror}")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        fail(f"--plan {path}, line {line}: is no UTF-8: save the file as CSV in UTF-8")


def _take_edits(store: BackfillStore, path: str, text: str) -> None:
    """Keeps what a person wants done. One wrong line, and nothing is."""
    rows = {row.key: row for row in store.plan()}
    edits = read_plan(text, store.run.id, rows)
    if isinstance(edits, list):
        for fault in edits:
            tell_error(f"{path}, {fault}")
        fail(f"--plan {path}: nothing was written: mend {'this line' if len(edits) == 1 else 'these lines'}")
    left = Edit(0, Action.LEAVE)
    wanted = ((row, edits.get(row.key, left)) for row in rows.values())
    store.keep_plan([replace(row, chosen=edit.action, given=edit.given) for row, edit in wanted])
    store.change_run(plan=hashlib.sha256(text.encode()).hexdigest())


# --- undo


def _undo(run: str, options: Options, account: str, apply: bool, state: str | None, ledger: str | None) -> None:
    from ownertag.flows.backfill.applying import settle_unanswered
    from ownertag.flows.backfill.undoing import undo

    if account:
        fail("undo takes no --account: a run is undone as a whole")
    settings, catalogue = options.settings(), load_catalogue()
    store = runs.store_named(run, state)
    world = _world(options, settings, catalogue, "", "", ledger)
    try:
        settle_unanswered(store, world.read_tags, _now, time.sleep)
        undone = undo(store, world.orders, dry_run=not apply, tell=Told(options.say))
        print_undone(store, undone, options.format)
        for line in undo_summary(store, undone, apply):
            options.say(line)
    except RunError as error:
        fail(str(error), Exit.FINDINGS)
    finally:
        store.close()
    raise typer.Exit(Exit.FINDINGS if undone.left else Exit.OK)


# --- what is said at the end


def _go_on(options: Options, store: BackfillStore) -> None:
    options.say(f"what was done until now is kept in {store.path}: the same command goes on where it was")


def _unread(store: BackfillStore, world: World) -> list[str]:
    """What could not be read, so that nobody takes it for nothing."""
    lines = [world.unknown] if world.unknown else []
    lines += unlisted_lines(store)
    lines += [
        f"{account} {region}: CloudTrail's records: {why}" for (account, region), why in unread_history(store).items()
    ]
    return [*lines, *logs_read(store).problems]


def _exit_code(store: BackfillStore, world: World, applied: Applied | None) -> int:
    listed = [one for place in store.places().values() if place for one in place.unlisted if not one.lasting]
    if world.unknown or listed or unread_history(store) or logs_read(store).unreached:
        return Exit.UNREACHABLE
    if applied and applied.unreached:
        return Exit.UNREACHABLE
    if (applied and applied.left) or logs_read(store).problems:
        return Exit.FINDINGS
    unknown = any(row.waits or (not row.owner and not row.given) for row in store.plan())
    return Exit.FINDINGS if unknown else Exit.OK


def _now() -> datetime:
    return datetime.now(UTC)
