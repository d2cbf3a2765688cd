"""Who owns it, asked of a ledger file of ten million entries: its size, the time to write it, and to find one in it.

The ledger is written by `SqliteLedger` itself, through `claim` and `append`, many launches in a call; a row shows what
one launch in a call costs. An entry is a creation, a decision for a resource, what became of it, or a deletion, which
are rows of `event`, `owned` and `other`. A launch has nine or ten of them: an instance, two volumes and an interface.
Ids look random, as AWS's do, so the indexes are written and read all over the file.

"In memory": one connection; the whole file was read once, and each key is asked for the first time. "From disk": for
each lookup a new connection, and the kernel is told to forget the file first; what disk and host have of it they keep.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from msgspec import Struct

from benchmarks.results import show
from ownertag.core.claims import Claim, EventKey, ResourceKey
from ownertag.core.details import Actor
from ownertag.core.values import Confidence, OutcomeKind, Owner
from ownertag.ledger.entries import Created, Deleted, Ended, Entry, Finished, Owned
from ownertag.ledger.sqlite import SqliteLedger

SEED = 20260302
START = datetime(2025, 3, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
ACCOUNTS = [f"{1000 + number:012d}" for number in range(50)]
REGIONS = ("eu-central-1", "us-east-1", "ap-southeast-2")
PEOPLE = 400
#: Launches in a transaction while the ledger is filled.
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


class Launch(Struct, frozen=True):
    """One launch: an instance, two volumes, an interface."""

    created: Created
    owned: tuple[Owned, ...]
    ends: tuple[Entry, ...]

    @property
    def rows(self) -> int:
        """How many entries it is. That a creation is finished is noted in its own row."""
        return 1 + len(self.owned) + sum(not isinstance(each, Finished) for each in self.ends)


def launch(number: int, total: int) -> Launch:
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
        Ended(each.resource, event, event.event_id, name, OutcomeKind.TAGGED, "", final=True, at=done)
        for each in resources
    ]
    ends.append(Finished(event, done))
    if number % 10 == 0:
        gone = EventKey(account, region, str(UUID(int=_mixed(number, 10) << 64 | number, version=4)))
        ends.append(Deleted(resources[0].resource, gone, actor, at + timedelta(hours=5)))
    created = Created(event, event.event_id, "ec2.amazonaws.com", "RunInstances", at, actor)
    return Launch(created, tuple(resources), tuple(ends))


def addresses_of(number: int, total: int) -> tuple[str, str]:
    """The private and the public address of a launch."""
    one = number % max(1, total // SHARED)
    return f"10.{one >> 16 & 255}.{one >> 8 & 255}.{one & 255}", f"203.{one >> 16 & 255}.{one >> 8 & 255}.{one & 255}"


def write(ledger: SqliteLedger, launches: Sequence[Launch]) -> int:
    """Keep these launches as the live flow does, in two calls; how many entries they were."""
    ledger.claim([each.created for each in launches], [one for each in launches for one in each.owned])
    ledger.append([one for each in launches for one in each.ends])
    return sum(each.rows for each in launches)


def fill(path: Path, entries: int, batch: int = BATCH) -> tuple[int, int, float]:
    """Write a ledger of this many entries: (launches, entries, seconds in the ledger)."""
    total = -(-entries * 10 // ROWS_OF_TEN)
    ledger = SqliteLedger(path)
    written, seconds, told = 0, 0.0, time.monotonic()
    numbers: Iterator[int] = iter(range(total))
    while chosen := list(islice(numbers, batch)):
        launches = [launch(number, total) for number in chosen]
        start = time.perf_counter()
        written += write(ledger, launches)
        seconds += time.perf_counter() - start
        if time.monotonic() - told > 10:
            told = time.monotonic()
            print(f"{written:,} of {entries:,} entries, {written / seconds:,.0f}/s", file=sys.stderr, flush=True)
    start = time.perf_counter()
    ledger.close()  # what the log still has goes to the file
    return total, written, seconds + time.perf_counter() - start


def forget(path: Path) -> None:
    """Tell the kernel to drop what it has of a file (posix_fadvise(2)); the file was synced when it was closed."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_through(path: Path) -> None:
    """Have the kernel read the file."""
    with path.open("rb", buffering=0) as file:
        while file.read(1 << 22):
            pass


def _mixed(number: int, salt: int) -> int:
    """64 bits that look random; two numbers never give the same with one salt (splitmix64's finalizer is reversible)."""
    bits = (number + (salt + SEED) * 0x9E3779B97F4A7C15) & _MASK
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB & _MASK
    return bits ^ bits >> 31


Lookup = Callable[[SqliteLedger, Launch], int]


def by_id(ledger: SqliteLedger, wanted: Launch) -> int:
    """The instance's owner."""
    [known] = ledger.by_id(wanted.owned[0].id)
    if known.holding.owner != wanted.owned[0].owner:
        raise SystemExit(f"{known.id} is not whose it should be")
    return 1


def by_address(ledger: SqliteLedger, wanted: Launch) -> int:
    """All that had the instance's private address."""
    found = ledger.by_address(wanted.owned[0].addresses[0])
    if wanted.owned[0].resource not in {each.known.key for each in found}:
        raise SystemExit(f"{wanted.owned[0].addresses[0]} misses {wanted.owned[0].id}")
    return len(found)


def history(ledger: SqliteLedger, wanted: Launch) -> int:
    """All of the instance's entries."""
    found = len(ledger.history(wanted.owned[0].resource))
    if found != 2 + any(isinstance(each, Deleted) for each in wanted.ends):
        raise SystemExit(f"{wanted.owned[0].id} has {found} entries")
    return found


def looked_up(path: Path, total: int, lookup: Lookup, count: int, *, cold: bool) -> tuple[list[float], float]:
    """How long each of so many lookups of random launches took in ms, and how many rows each gave on average."""
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


def command_times(path: Path, total: int, count: int, *, cold: bool) -> list[float] | None:
    """How long the whole command took each time in ms; None if there is no such command."""
    command = [str(Path(sysconfig.get_path("scripts")) / "ownertag"), "whois"]
    if subprocess.run([*command, "--help"], capture_output=True, check=False).returncode:
        return None
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
        "aim": f"p99 < {aim:.0f} ms: {'met' if p99 < aim else 'missed'}",
    }


def lookups(path: Path, total: int) -> list[dict[str, Any]]:
    """All lookups, the file on disk first."""
    rows = []
    for cold, where, count, runs in ((True, "from disk", 300, 20), (False, "in memory", 5000, 100)):
        if not cold:
            read_through(path)
        for lookup in (by_id, by_address, history):
            print(f"{lookup.__name__}, {where}", file=sys.stderr, flush=True)
            times, given = looked_up(path, total, lookup, count, cold=cold)
            rows.append(row(lookup.__name__, where, times, given, STORE_AIM))
        found = command_times(path, total, runs, cold=cold)
        if found is None:
            print("there is no command `ownertag whois` here: not measured", file=sys.stderr)
        else:
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
        "bytes an entry": round(size / written),
    }


def main() -> None:
    """Fill a ledger, measure, delete it."""
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
        single, path = Path(folder, "single.sqlite"), Path(folder, "ledger.sqlite")
        _, few, few_seconds = fill(single, min(options.entries, 10_000), batch=1)
        total, written, seconds = fill(path, options.entries)
        writes = [
            written_row("one launch in a call", few, few_seconds, single),
            written_row(f"{BATCH:,} launches in a call", written, seconds, path),
        ]
        rows = lookups(path, total)
    show("whois-write", f"A ledger file of {written:,} entries, {4 * total:,} resources", writes)
    show("whois", f"Lookups in a ledger file of {written:,} entries", rows)
    if options.json:
        print(json.dumps({"writes": writes, "lookups": rows}, indent=2))


if __name__ == "__main__":
    main()
