"""What one version stored, the other reads and goes on with: after an upgrade, after a rollback, and while both run.

The bytes that the release wrote are committed, so that they are what is read for as long as there is such a ledger.
`python -m upgrade.test_stored_forms` writes them anew, after another release was kept.
"""

from __future__ import annotations

import ast
import json
import sqlite3
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contracts.emulated import HOME, moto, session
from faults.proxy import passing
from harness.releases import last_release
from ownertag.core.ownership import Holding
from ownertag.core.values import AccountList, Confidence, OutcomeKind
from ownertag.ledger import rows, table
from ownertag.ledger.codec import KINDS, StoredDecision
from ownertag.ledger.entries import Created
from upgrade.forms import (
    ACCOUNTS,
    ACTOR,
    AFTER_NEWER,
    COUNTER,
    ITEMS,
    NEWER,
    NEWER_READ,
    NOT_STORED,
    STEPS,
    TABLES,
    WORDS,
    Store,
    cut,
    store,
)
from upgrade.versions import Version, Versions, versions

GOLDEN = Path(__file__).with_name("golden")
#: Whether a step is made by the new version.
TURNS: dict[str, Callable[[int], bool]] = {
    "old first": lambda step: step % 2 == 1,
    "new first": lambda step: step % 2 == 0,
    "upgrade in the middle": lambda step: step >= len(STEPS) // 2,
    "rollback in the middle": lambda step: step < len(STEPS) // 2,
}
#: The texts of items and rows that hold a structure, and which.
BODIES: dict[str, type] = {
    "creation": Created,
    "decision": StoredDecision,
    "holding": Holding,
    "made": rows.Made,
    "accounts": AccountList,
    **KINDS,
}


class OneLedger:
    """An empty ledger, in a table or in a file, and both versions that use it."""

    def __init__(self, where: str, stores: tuple[Store, Store], client: Any) -> None:
        self.where, self._client = where, client
        self.old, self.new = stores
        for one in stores:
            one.do("open", where=where)

    @property
    def kind(self) -> str:
        """`dynamodb` or `sqlite`."""
        return self.where.partition(":")[0]

    def dump(self) -> Any:
        """All that is stored, as JSON can hold it."""
        if self.kind == "dynamodb":
            items = self._client.scan(TableName=self.where.partition(":")[2])["Items"]
            return sorted((_readable(item) for item in items), key=lambda item: (item["pk"]["S"], item["sk"]["S"]))
        with closing(sqlite3.connect(self.where.partition(":")[2])) as file:
            pragmas = [f"PRAGMA {name} = {file.execute(f'PRAGMA {name}').fetchone()[0]};" for name in _PRAGMAS]
            return [*pragmas, *file.iterdump()]

    def load(self, dumped: Any) -> None:
        """Puts back what `dump` gave."""
        if self.kind == "dynamodb":
            for item in dumped:
                self._client.put_item(TableName=self.where.partition(":")[2], Item=_as_stored(item))
            return
        path = Path(self.where.partition(":")[2])
        path.unlink()
        with closing(sqlite3.connect(path)) as file:
            file.executescript("\n".join(dumped))


_PRAGMAS = ("application_id", "user_version")


def _readable(item: dict[str, Any]) -> dict[str, Any]:
    """An item whose packed body is text: the same text is packed otherwise by other versions of zlib."""
    body = item.get("body", {})
    return item if "B" not in body else {**item, "body": {"packed": zlib.decompress(body["B"]).decode()}}


def _as_stored(item: dict[str, Any]) -> dict[str, Any]:
    body = item.get("body", {})
    return item if "packed" not in body else {**item, "body": {"B": zlib.compress(body["packed"].encode())}}


Make = Callable[[str], OneLedger]


@contextmanager
def places(folder: Path, of: Versions) -> Iterator[Make]:
    """Makes empty ledgers of a kind, for as long as the block lasts; the last one made is the one that is open."""
    with moto(), passing(True) as proxy:
        assert proxy is not None
        client = session().client("dynamodb", region_name=HOME)
        with store(of.old, proxy.url) as old, store(of.new, proxy.url) as new:
            numbers = iter(range(1_000_000))

            def make(kind: str) -> OneLedger:
                if kind == "sqlite":
                    return OneLedger(f"sqlite:{folder / f'{next(numbers)}.sqlite'}", (old, new), None)
                name = f"ownertag-{next(numbers)}"
                client.create_table(TableName=name, **table.DEFINITION)
                return OneLedger(f"dynamodb:{name}", (old, new), client)

            yield make


@pytest.fixture(scope="module")
def of(tmp_path_factory: pytest.TempPathFactory) -> Versions:
    return versions(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory, of: Versions) -> Iterator[Make]:
    with places(tmp_path_factory.mktemp("ledgers"), of) as make:
        yield make


BOTH = pytest.mark.parametrize("kind", ["dynamodb", "sqlite"])


def _written(place: OneLedger, turns: Callable[[int], bool]) -> OneLedger:
    """Writes all steps; of each is said whether the new version makes it."""
    for number, (what, values) in enumerate(STEPS):
        (place.new if turns(number) else place.old).do(what, **values)
    return place


def _by_new(place: OneLedger) -> OneLedger:
    return _written(place, lambda _: True)


def _all_by_new(place: OneLedger) -> OneLedger:
    """All steps, and what this version alone stores."""
    _by_new(place)
    for what, values in NEWER:
        place.new.do(what, **values)
    return place


def _by_old(place: OneLedger) -> OneLedger:
    return _written(place, lambda _: False)


# --- what is enumerated


def test_every_kind_of_item_has_its_place(make: Make) -> None:
    place = _all_by_new(make("dynamodb"))
    place.new.do("keep_accounts", accounts=ACCOUNTS)
    place.new.do("take", key=COUNTER, at=1000.0, cost=0.5, latest=2000.0)
    stored = place.dump()
    assert {(_first(item["pk"]["S"]), _first(item["sk"]["S"])) for item in stored} == ITEMS
    assert {item["kind"]["S"] for item in stored if "kind" in item} == set(KINDS)


def _first(text: str) -> str:
    length, _, rest = text.partition(":")
    return rest[: int(length)]


def test_the_tables_documentation_has_the_same_items() -> None:
    found = [line.split("|")[2:4] for line in (table.__doc__ or "").splitlines() if line.startswith("| ")][1:]
    firsts: set[tuple[str, str]] = set()
    above = ""
    for pk, sk in found:
        above = above if pk.strip() == "the same" else pk.strip().partition(",")[0]
        firsts.add((above, sk.strip().partition(",")[0]))
    assert firsts == ITEMS


def test_no_other_word_stands_in_a_key() -> None:
    """A key that is made anywhere in the ledger begins with a word that is known here."""
    words: set[str] = set()
    for path in Path(table.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"key", "joined"}:
                literals = (
                    one for argument in node.args for one in ast.walk(argument) if isinstance(one, ast.Constant)
                )
                words |= {one.value for one in literals if isinstance(one.value, str)}
    assert words == {word for item in ITEMS for word in item} | WORDS


def test_every_table_of_a_file_has_its_place(make: Make) -> None:
    place = _all_by_new(make("sqlite"))
    with closing(sqlite3.connect(place.where.partition(":")[2])) as file:
        names = {name for (name,) in file.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        assert names == TABLES
        for name in names:
            assert file.execute(f"SELECT count(*) FROM {name}").fetchone()[0], name  # noqa: S608 - the schema's
        assert {kind for (kind,) in file.execute("SELECT DISTINCT kind FROM other")} == set(KINDS) - {"owned"}


@BOTH
def test_every_field_and_value_that_can_be_stored_is_stored(kind: str, make: Make) -> None:
    place = _all_by_new(make(kind))
    if kind == "dynamodb":
        place.new.do("keep_accounts", accounts=ACCOUNTS)
    stored = _bodies(place)
    wanted = {"made"} if kind == "dynamodb" else {"accounts", "owned"}
    assert set(stored) == set(BODIES) - wanted
    for name, texts in stored.items():
        found = set[str]().union(*(_paths(json.loads(text)) for text in texts))
        fields = set(_fields(msgspec.inspect.type_info(BODIES[name])))
        if kind == "sqlite":  # a file has them in columns of their own
            fields = {field for field in fields if not (name in KINDS and field.startswith("resource."))}
            fields = {field for field in fields if not (name == "holding" and field.startswith("deletions"))}
        assert fields <= found, name
    ended = {json.loads(text)["kind"] for text in stored["ended"]}
    assert ended == {one.value for one in OutcomeKind} - set(NOT_STORED)
    assert {json.loads(text)["owner"]["confidence"] for text in stored["holding"]} == {one.value for one in Confidence}


def _bodies(place: OneLedger) -> dict[str, list[str]]:
    """The JSON texts that are stored, by what they hold."""
    found: dict[str, list[str]] = {}
    if place.kind == "sqlite":
        queries = {
            "creation": "SELECT body FROM event",
            "decision": "SELECT body FROM decision",
            "holding": "SELECT holding FROM resource WHERE holding IS NOT NULL",
            "made": "SELECT body FROM owned",
            **{kind: f"SELECT body FROM other WHERE kind = '{kind}'" for kind in KINDS if kind != "owned"},  # noqa: S608
        }
        with closing(sqlite3.connect(place.where.partition(":")[2])) as file:
            return {name: [text for (text,) in file.execute(query)] for name, query in queries.items()}
    for item in place.dump():
        name = {"event": "creation", "holding": "holding", "list": "accounts"}.get(_first(item["sk"]["S"]), "")
        name = item["kind"]["S"] if "kind" in item else name
        if "body" in item:
            found.setdefault(name, []).append(item["body"].get("S") or item["body"]["packed"])
        if "decision" in item:
            found.setdefault("decision", []).append(item["decision"]["S"])
    return found


def _fields(kind: msgspec.inspect.Type, before: str = "") -> Iterator[str]:
    """The paths of all fields that a value of this type can have."""
    match kind:
        case msgspec.inspect.StructType():
            for field in kind.fields:
                path = f"{before}{field.encode_name}"
                below = list(_fields(field.type, f"{path}."))
                yield from below or [path]
        case msgspec.inspect.VarTupleType() | msgspec.inspect.ListType():
            yield from _fields(kind.item_type, before)
        case msgspec.inspect.UnionType():
            for one in kind.types:
                yield from _fields(one, before)


def _paths(value: Any, before: str = "") -> Iterator[str]:
    """The paths of all fields that a value has; of those with a null alone nothing is shown."""
    if isinstance(value, dict):
        for name, one in value.items():
            if one is not None:
                yield f"{before}{name}"
                yield from _paths(one, f"{before}{name}.")
    elif isinstance(value, list):
        for one in value:
            yield from _paths(one, before)


# --- what the release stored


@BOTH
def test_the_release_still_stores_these_bytes(kind: str, make: Make) -> None:
    place = make(kind)
    assert _stored_by_release(place) == json.loads(_golden(kind).read_text("utf-8"))


@BOTH
def test_what_the_release_stored_is_read(kind: str, make: Make) -> None:
    place = make(kind)
    place.load(json.loads(_golden(kind).read_text("utf-8")))
    for one in (place.old, place.new):
        one.do("open", where=place.where)
    old, new = place.old.read(), place.new.read()
    assert cut(new, old) == old
    assert sum(len(found) for found in old["history"]) > 20


def _golden(kind: str) -> Path:
    return GOLDEN / f"{last_release().version}-{kind}.json"


def _stored_by_release(place: OneLedger) -> Any:
    _by_old(place)
    if place.kind == "dynamodb":
        place.old.do("keep_accounts", accounts=ACCOUNTS)
        place.old.do("take", key=COUNTER, at=1000.0, cost=0.5, latest=2000.0)
    return place.dump()


# --- what both store


@BOTH
def test_what_is_stored_now_the_release_reads(kind: str, make: Make) -> None:
    """A rollback: all that it reads is what it would have stored itself."""
    wanted = _by_old(make(kind)).old.read()
    assert _by_new(make(kind)).old.read() == wanted


@BOTH
def test_what_this_version_alone_stores_the_release_reads_over_and_goes_on(kind: str, make: Make) -> None:
    place = _all_by_new(make(kind))
    place.old.do("read", **NEWER_READ)
    for what, values in AFTER_NEWER:
        place.old.do(what, **values)
    for one in (place.old, place.new):
        read = one.do("read", **NEWER_READ)
        assert all(len(history) > 2 for history in read["history"])


@BOTH
@pytest.mark.parametrize("turns", TURNS)
def test_each_version_goes_on_with_what_the_other_stored(kind: str, turns: str, make: Make) -> None:
    wanted = _by_old(make(kind)).old.read()
    place = _written(make(kind), TURNS[turns])
    assert place.old.read() == wanted
    assert cut(place.new.read(), wanted) == wanted


def test_the_list_of_accounts_is_read_by_both(make: Make) -> None:
    place = make("dynamodb")
    for writer in (place.old, place.new, place.old):
        assert writer.do("keep_accounts", accounts=ACCOUNTS) is None
        wanted = place.old.do("accounts")
        assert wanted["names"] == ACCOUNTS.names
        assert cut(place.new.do("accounts"), wanted) == wanted


def test_no_token_is_given_by_both(make: Make) -> None:
    """The counter moves on by what a token costs, whoever takes it."""
    place = make("dynamodb")
    turns = (place.old, place.new, place.new, place.old, place.new)
    taken = [one.do("take", key=COUNTER, at=1000.0, cost=0.5, latest=2000.0) for one in turns]
    assert taken == [["Taken", {"base": 1000.0 + 0.5 * number}] for number in range(5)]


# --- as a command reads a file


@pytest.mark.parametrize("text", ["vol-00000002", "vol-00000014", "10.0.0.20"])
def test_whois_of_both_versions_answers_from_the_others_file(text: str, make: Make, of: Versions) -> None:
    by_old, by_new = _by_old(make("sqlite")), _by_new(make("sqlite"))
    wanted = _whois(of.old, by_old, text)
    assert wanted[0] == 0
    assert _whois(of.old, by_new, text) == wanted
    code, answered = _whois(of.new, by_old, text)
    assert (code, cut(answered, wanted[1])) == wanted


def test_a_key_finds_what_this_version_stored_and_nothing_that_the_release_did(make: Make, of: Versions) -> None:
    key = str(ACTOR.access_key_id)
    assert _whois(of.new, _by_old(make("sqlite")), key) == (1, [])
    code, answered = _whois(of.new, _by_new(make("sqlite")), key)
    assert code == 0
    assert {answer["access_key"] for answer in answered} == {key}


def _whois(version: Version, place: OneLedger, text: str) -> tuple[int, list[Any]]:
    code = "from ownertag.cli.main import run; run()"
    done = subprocess.run(
        [sys.executable, "-c", code, "whois", text, "--json", "--offline", "--ledger", place.where],
        env=version.environment({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def _main() -> None:
    """Writes the bytes of the release."""
    with tempfile.TemporaryDirectory() as name, places(Path(name), versions(Path(name))) as make:
        for kind in ("dynamodb", "sqlite"):
            text = json.dumps(_stored_by_release(make(kind)), indent=1, sort_keys=True)
            _golden(kind).write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    _main()
