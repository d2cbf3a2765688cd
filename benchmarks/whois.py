"""Lookups in a ledger file of ten million entries, in memory and from disk; its size, and the time to write it.

The large file is filled in bulk: the rows that `SqliteLedger` would have written (a test compares them), and after them
the indexes. What `claim` and `append` themselves take is measured on an empty file, and at the end on the large one. A
file that they filled has about 5 % more bytes, since the pages of an index that grows at random are not full. An entry
is a creation, a decision for a resource, what became of it, or a deletion: a row of `event`, `owned` or `other`. A
launch has nine or ten of them: an instance, two volumes and an interface. Ids look random, as AWS's do, so lookups and
writes are all over the file.

"In memory": one connection; the whole file was read once, and each key is asked for the first time. "From disk": for
each lookup a new connection, and the kernel is told to forget the file first; what disk and host have of it they keep.
The whole command is the wheel's, installed by the lock into an environment of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any
from uuid import UUID

from msgspec import Struct

from harness.distributions import build
from harness.installed import Installed
from harness.results import show
from ownertag.core.ownership import Claim, EventKey, Holding, ResourceKey
from ownertag.core.record_details import Actor
from ownertag.core.values import Confidence, OutcomeKind, Owner
from ownertag.ledger.codec import StoredDecision
from ownertag.ledger.codec import json as json_of
from ownertag.ledger.entries import Created, Deleted, Ended, Entry, Finished, Owned, Unobserved, entry_identity
from ownertag.ledger.rows import Made, other_body
from ownertag.ledger.sqlite import SqliteLedger

SEED = 20260302
START = datetime(2025, 3, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
ACCOUNTS = [f"{1000 + number:012d}" for number in range(50)]
REGIONS = ("eu-central-1", "us-east-1", "ap-southeast-2")
PEOPLE = 400
#: Launches whose rows are made at once.
BATCH = 2000
#: So many launches share an address, one after the other.
SHARED = 8
#: Rows of `event`, `owned` and `other` for ten launches, one of which is terminated.
ROWS_OF_TEN = 91
#: The aims: a lookup in the store, and the whole command, in milliseconds.
STORE_AIM, COMMAND_AIM = 20.0, 500.0
#: The file takes about this many bytes an entry; asked of the disk beforehand, with as much again for the log.
ENTRY_BYTES = 1200

_MASK = (1 << 64) - 1


class LedgerLaunch(Struct, frozen=True):
    """One launch: an instance, two volumes, an interface."""

    created: Created
    owned: tuple[Owned, ...]
    ends: tuple[Entry, ...]

    @property
    def rows(self) -> int:
        """The number of entries. That a creation is finished is noted in its own row."""
        return 1 + len(self.owned) + sum(not isinstance(end, Finished) for end in self.ends)


def launch(number: int, total: int) -> LedgerLaunch:
    """The launch with this number, of so many in a year; the same one each time."""
    account, region = ACCOUNTS[_mixed(number, 1) % len(ACCOUNTS)], REGIONS[_mixed(number, 2) % len(REGIONS)]
    name = f"person{_mixed(number, 3) % PEOPLE:03d}"
    at = (START + YEAR * (number / total)).replace(microsecond=0)
    event = EventKey(account, region, str(UUID(int=_mixed(number, 4) << 64 | _mixed(number, 5), version=4)))
    principal = f"arn:aws:sts::{account}:assumed-role/AWSReservedSSO_Developer_0123456789abcdef/{name}@example.com"
    actor = Actor(
        principal,
        "AssumedRole",
        access_key_id=f"ASIA{_mixed(number, 6) % 10**16:016d}",
        session=f"{name}@example.com",
        issuer=f"arn:aws:iam::{account}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Developer_0123456789abcdef",
        source_address=f"198.51.100.{_mixed(number, 7) % 256}",
        user_agent="aws-cli/2.17.0 md/awscrt#0.20.11 ua/2.0 os/linux#6.1 md/arch#x86_64 lang/python#3.11",
        mfa=True,
    )
    owner = Owner(name, "session-name", Confidence.ASSERTED, (principal,))
    tags = (("owner", name), ("created-by", principal), ("created-at", at.isoformat()))
    claim = Claim(at, event.event_id, event.event_id)
    group = f"arn:aws:autoscaling:{region}:{account}:autoScalingGroup:{UUID(int=_mixed(number // 64, 8))}"
    parents = (group,) if number % 4 == 0 else ()
    resources = []
    for place, (kind, prefix) in enumerate(
        (("instance", "i"), ("volume", "vol"), ("volume", "vol"), ("network-interface", "eni"))
    ):
        id_ = f"{prefix}-0{_mixed(number * 4 + place, 9):016x}"
        addresses = {"instance": addresses_of(number, total), "network-interface": addresses_of(number, total)[:1]}
        resources.append(
            Owned(
                ResourceKey(account, region, f"arn:aws:ec2:{region}:{account}:{kind}/{id_}"),
                id_,
                f"ec2:{kind}",
                claim,
                owner,
                tags,
                at + timedelta(seconds=90),
                addresses=addresses.get(kind, ()),
                parents=parents if kind == "instance" else (),
            )
        )
    done = at + timedelta(seconds=92)
    ends: list[Entry] = [
        Ended(resource.resource, event, event.event_id, name, OutcomeKind.TAGGED, "", final=True, at=done)
        for resource in resources
    ]
    ends.append(Finished(event, done))
    if number % 10 == 0:
        gone = EventKey(account, region, str(UUID(int=_mixed(number, 10) << 64 | number, version=4)))
        ends.append(Deleted(resources[0].resource, gone, actor, at + timedelta(hours=5)))
    created = Created(event, event.event_id, "ec2.amazonaws.com", "RunInstances", at, actor)
    return LedgerLaunch(created, tuple(resources), tuple(ends))


def addresses_of(number: int, total: int) -> tuple[str, str]:
    """The private and the public address of a launch."""
    one = number % max(1, total // SHARED)
    return f"10.{one >> 16 & 255}.{one >> 8 & 255}.{one & 255}", f"203.{one >> 16 & 255}.{one >> 8 & 255}.{one & 255}"


def write(ledger: SqliteLedger, launches: Sequence[LedgerLaunch]) -> int:
    """Keeps these launches as the live flow does, in two calls, and returns the number of entries."""
    ledger.claim([launch.created for launch in launches], [one for launch in launches for one in launch.owned])
    ledger.append([one for launch in launches for one in launch.ends])
    return sum(launch.rows for launch in launches)


def write_all(ledger: SqliteLedger, launches: Iterable[LedgerLaunch], batch: int) -> tuple[int, float]:
    """Writes launches, so many in two calls: (entries, seconds in the ledger)."""
    written, seconds, left = 0, 0.0, iter(launches)
    while chosen := list(islice(left, batch)):
        start = time.perf_counter()
        written += write(ledger, chosen)
        seconds += time.perf_counter() - start
    return written, seconds


def fill(path: Path, total: int) -> tuple[int, float]:
    """Writes a ledger of so many launches in bulk: (entries, seconds with the making of the launches)."""
    SqliteLedger(path).close()
    start = told = time.monotonic()
    entries = 0
    with closing(sqlite3.connect(path, isolation_level=None)) as do:
        do.execute("PRAGMA journal_mode = OFF")
        do.execute("PRAGMA synchronous = OFF")
        do.execute("PRAGMA cache_size = -1000000")  # KiB, for the addresses, which come in no order
        indexes = do.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql NOT NULL").fetchall()
        do.execute("BEGIN")
        for name, _ in indexes:
            do.execute(f"DROP INDEX {name}")
        for first in range(0, total, BATCH):
            launches = [launch(number, total) for number in range(first, min(first + BATCH, total))]
            entries += sum(launch.rows for launch in launches)
            for table, rows in rows_of(launches, first).items():
                do.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)  # noqa: S608 - ours
            if time.monotonic() - told > 10:
                told = time.monotonic()
                progress(f"{entries:,} entries of about {total * ROWS_OF_TEN // 10:,}")
        for name, statement in indexes:
            progress(f"index {name}")
            do.execute(statement)
        do.execute("COMMIT")
        do.execute("PRAGMA journal_mode = WAL")
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return entries, time.monotonic() - start


def rows_of(launches: Iterable[LedgerLaunch], first: int) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of launches by table, as `claim` and `append` leave them; `first` launches are there already."""
    tables: dict[str, list[tuple[Any, ...]]] = {
        name: [] for name in ("event", "decision", "resource", "owned", "other", "link")
    }
    for number, one_launch in enumerate(launches, first + 1):  # a launch's event and decision have one number
        event, one = one_launch.created.event, one_launch.owned[0]
        decided = json_of(StoredDecision(one.owner, one.tags, one.decided_at))
        [finished] = [int(end.at.timestamp()) for end in one_launch.ends if isinstance(end, Finished)]
        tables["event"].append(
            (number, event.event_id, event.account, event.region, json_of(one_launch.created), number, finished)
        )
        tables["decision"].append((number, number, one.owner.name, decided))
        gone = {end.resource: json_of([end.at]) for end in one_launch.ends if isinstance(end, Deleted)}
        held = json_of(Holding(one.claim, one.owner, one.tags, outcome=OutcomeKind.TAGGED))
        numbers = {}
        for place, owned in enumerate(one_launch.owned, (number - 1) * len(one_launch.owned) + 1):
            key = owned.resource
            numbers[key] = place
            tables["resource"].append(
                (place, key.arn, key.account, key.region, owned.id, owned.type, owned.owner.name, held,
                 gone.get(key))
            )  # fmt: skip
            tables["owned"].append((place, number, json_of(Made(owned.claim, owned.addresses, owned.parents))))
            since = int(owned.claim.created_at.timestamp())
            tables["link"] += [("address", value, place, since) for value in owned.addresses]
            tables["link"] += [("parent", value, place, since) for value in owned.parents]
            tables["link"].append(("access-key", one_launch.created.actor.access_key_id, place, since))
        tables["other"] += [
            (numbers[end.resource], *entry_identity(end), other_body(end))
            for end in one_launch.ends
            if not isinstance(end, Finished | Unobserved)
        ]
    return tables


def progress(text: str) -> None:
    """Says how far it is."""
    print(text, file=sys.stderr, flush=True)


def forget(path: Path) -> None:
    """Tells the kernel to drop what it has of a file (posix_fadvise(2)); the file was synced when it was closed."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_through(path: Path) -> None:
    """Has the kernel read the file."""
    with path.open("rb", buffering=0) as file:
        while file.read(1 << 22):
            pass


def _mixed(number: int, salt: int) -> int:
    """64 bits that look random, of no two numbers the same with one salt: splitmix64's finalizer is reversible."""
    bits = (number + (salt + SEED) * 0x9E3779B97F4A7C15) & _MASK
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB & _MASK
    return bits ^ bits >> 31


Lookup = Callable[[SqliteLedger, LedgerLaunch], int]


def by_id(ledger: SqliteLedger, wanted: LedgerLaunch) -> int:
    """The instance's owner."""
    [known] = ledger.by_id(wanted.owned[0].id)
    if known.holding.owner != wanted.owned[0].owner:
        raise SystemExit(f"{known.id} is not whose it should be")
    return 1


def by_address(ledger: SqliteLedger, wanted: LedgerLaunch) -> int:
    """Every resource that had the instance's private address."""
    found = ledger.by_address(wanted.owned[0].addresses[0])
    if wanted.owned[0].resource not in {answer.known.key for answer in found}:
        raise SystemExit(f"{wanted.owned[0].addresses[0]} misses {wanted.owned[0].id}")
    return len(found)


def by_access_key(ledger: SqliteLedger, wanted: LedgerLaunch) -> int:
    """Every resource that the launch's access key made."""
    found = len(ledger.by_access_key(wanted.created.actor.access_key_id or ""))
    if found != len(wanted.owned):
        raise SystemExit(f"{wanted.created.actor.access_key_id} made {found} resources")
    return found


def history(ledger: SqliteLedger, wanted: LedgerLaunch) -> int:
    """All of the instance's entries."""
    found = len(ledger.history(wanted.owned[0].resource))
    if found != 2 + any(isinstance(end, Deleted) for end in wanted.ends):
        raise SystemExit(f"{wanted.owned[0].id} has {found} entries")
    return found


def looked_up(path: Path, total: int, lookup: Lookup, count: int, *, cold: bool) -> tuple[list[float], float]:
    """The times of so many lookups of random launches in ms, and the rows that each gave on average."""
    chosen = random.Random(f"{SEED} {lookup.__name__} {cold}")  # noqa: S311 - no secret
    ledger = SqliteLedger(path, read_only=True)
    times, rows = [], 0
    for _ in range(count):
        wanted = launch(chosen.randrange(total), total)
        if cold:
            ledger.close()
            ledger = SqliteLedger(path, read_only=True)
            forget(path)
        start = time.perf_counter()
        rows += lookup(ledger, wanted)
        times.append((time.perf_counter() - start) * 1000)
    ledger.close()
    return times, rows / count


def command_times(ownertag: Path, path: Path, total: int, count: int, *, cold: bool) -> list[float]:
    """The times of the whole command in ms."""
    command = [str(ownertag), "whois"]
    chosen = random.Random(f"{SEED} command {cold}")  # noqa: S311 - no secret
    times = []
    for _ in range(count):
        wanted = launch(chosen.randrange(total), total).owned[0]
        if cold:
            forget(path)
        start = time.perf_counter()
        done = subprocess.run(
            [*command, wanted.id, "--ledger", f"sqlite:{path}", "--offline", "--json"],
            capture_output=True,
            text=True,
            check=False,
        )
        times.append((time.perf_counter() - start) * 1000)
        if done.returncode or wanted.owner.name not in done.stdout:
            raise SystemExit(f"ownertag whois {wanted.id} gave {done.returncode}: {done.stdout}{done.stderr}")
    return times


def row(what: str, where: str, times: list[float], given: float, aim: float) -> dict[str, Any]:
    """A row of the table of lookups. Under a hundred samples the p99 is the slowest."""
    ordered = sorted(times)
    p99 = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    return {
        "lookup": what,
        "file": where,
        "lookups": len(times),
        "rows each": round(given, 1),
        "p50 ms": round(ordered[len(ordered) // 2], 2),
        "p99 ms": round(p99, 2),
        "slowest ms": round(ordered[-1], 2),
        "aim": "" if aim == inf else f"p99 < {aim:.0f} ms: {'met' if p99 < aim else 'missed'}",
    }


def lookups(path: Path, total: int, ownertag: Path) -> list[dict[str, Any]]:
    """All lookups, the file on disk first. The first start after an installation is a row of its own: it compiles."""
    [first] = command_times(ownertag, path, total, 1, cold=True)
    rows = [row("ownertag whois ID, the first since it was installed", "from disk", [first], 1, inf)]
    for cold, where, count, runs in ((True, "from disk", 300, 20), (False, "in memory", 5000, 100)):
        if not cold:
            read_through(path)
        for lookup in (by_id, by_address, by_access_key, history):
            progress(f"{lookup.__name__}, {where}")
            times, given = looked_up(path, total, lookup, count, cold=cold)
            rows.append(row(lookup.__name__, where, times, given, STORE_AIM))
        found = command_times(ownertag, path, total, runs, cold=cold)
        rows.append(row("ownertag whois ID", where, found, 1, COMMAND_AIM))
    return rows


def written_row(what: str, written: int, seconds: float, path: Path) -> dict[str, Any]:
    """A row of the table of writes."""
    size = path.stat().st_size
    return {
        "written": what,
        "entries": f"{written:,}",
        "seconds": round(seconds, 1),
        "entries/s": f"{written / seconds:,.0f}",
        "file MB": round(size / 1e6, 1),
    }


def main() -> None:
    """Fills a ledger, measures, deletes it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.whois", description=__doc__.partition("\n")[0])
    parser.add_argument("--entries", type=int, default=10_000_000, help="how many (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="where a temporary folder is made (default: the system's)")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON as well")
    options = parser.parse_args()
    if options.entries < 1000:
        parser.error(f"--entries {options.entries}: at least 1000")
    with tempfile.TemporaryDirectory(prefix="ownertag-whois-", dir=options.folder) as folder:
        free, needed = shutil.disk_usage(folder).free, options.entries * ENTRY_BYTES
        if free < needed:
            parser.error(f"{folder} has {free:,} bytes free, about {needed:,} are needed: choose another --folder")
        progress("installing the wheel into an environment of its own")
        wheel = build(Path(folder, "dist")).wheel
        ownertag = Installed(Path(folder, "ownertag"), wheel, shared=False).ownertag
        path = Path(folder, "ledger.sqlite")
        total = -(-options.entries * 10 // ROWS_OF_TEN)
        written, seconds = fill(path, total)
        writes = [written_row("in bulk", written, seconds, path)]
        rows = lookups(path, total, ownertag)
        for name, file in (("an empty file", Path(folder, "small.sqlite")), ("the large file", path)):
            first = total  # those that would come next
            for batch, count in ((1, 500), (100, 5_000)):
                progress(f"writing to {name}, {batch} in a call")
                fresh = [launch(number, total) for number in range(first, first + count)]
                first += count
                with closing(SqliteLedger(file)) as ledger:
                    added, took = write_all(ledger, fresh, batch)
                writes.append(written_row(f"to {name}, launches in a call: {batch}", added, took, file))
    show("whois-write", f"A ledger file of {written:,} entries, {4 * total:,} resources", writes)
    show("whois", f"Lookups in a ledger file of {written:,} entries", rows)
    if options.json:
        print(json.dumps({"writes": writes, "lookups": rows}, indent=2))


if __name__ == "__main__":
    main()
