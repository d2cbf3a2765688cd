"""The list of accounts in the ledger's table."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contracts.emulated import HOME, session
from harness.fakes import NOON
from ledger.table import TABLE, emulated_table
from ownertag.core.values import AccountList, OutcomeKind, Unavailable
from ownertag.ledger.accounts import KeptAccounts
from ownertag.ledger.dynamodb_client import DynamoDBClient
from ownertag.ledger.opening import LedgerLocation, kept_accounts
from ownertag.ledger.table import key

LIST = AccountList(NOON, {"111111111111": "production", "222222222222": 'Bücher & "Zeitungen"'})


@pytest.fixture
def client() -> Iterator[Any]:
    with emulated_table() as client:
        yield client


@pytest.fixture
def kept(client: Any) -> KeptAccounts:
    return KeptAccounts(DynamoDBClient(client, TABLE))


def test_what_is_kept_is_read_by_another_environment(client: Any, kept: KeptAccounts) -> None:
    assert kept.read() is None
    for accounts in (AccountList(NOON, {}), LIST):
        assert kept.keep(accounts) is None
        assert KeptAccounts(DynamoDBClient(client, TABLE)).read() == accounts


def test_twenty_thousand_accounts_fit_and_what_does_not_is_said(kept: KeptAccounts) -> None:
    chance = random.Random(1)  # noqa: S311 - no secret
    words = ["prod", "stage", "dev", "data", "platform", "payments", "search", "sandbox", "ml", "edge", "legacy", "eu"]

    def accounts(count: int, name_length: int) -> AccountList:
        names = ("-".join(chance.choices(words, k=3)) + chance.randbytes(name_length).hex() for _ in range(count))
        return AccountList(NOON, {f"{chance.randrange(10**12):012}": name[:50] for name in names})

    many = accounts(20_000, 2)
    assert kept.keep(many) is None
    assert kept.read() == many
    refused = kept.keep(accounts(20_000, 25))
    assert isinstance(refused, Unavailable)
    assert refused.outcome is OutcomeKind.FAILED
    assert refused.reason == "the list of 20,000 accounts is too long to keep"
    assert kept.read() == many


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("AccessDeniedException", OutcomeKind.FORBIDDEN),
        ("ThrottlingException", OutcomeKind.THROTTLED),
        ("ResourceNotFoundException", OutcomeKind.FAILED),
    ],
)
def test_a_table_that_can_not_be_used_knows_no_list_and_says_why_it_keeps_none(code: str, outcome: OutcomeKind) -> None:
    class Refusing:
        def __getattr__(self, operation: str) -> Any:
            def call(**_: Any) -> Any:
                raise ClientError({"Error": {"Code": code, "Message": "no"}}, operation)

            return call

    kept = KeptAccounts(DynamoDBClient(Refusing(), TABLE))
    assert kept.read() is None
    refused = kept.keep(LIST)
    assert isinstance(refused, Unavailable)
    assert refused.outcome is outcome
    assert f"ledger {TABLE}" in refused.reason


def test_who_meets_another_that_keeps_a_list_leaves_it_to_them() -> None:
    class Busy:
        def transact_write_items(self, **_: Any) -> Any:
            answer: Any = {
                "Error": {"Code": "TransactionCanceledException", "Message": "no"},
                "CancellationReasons": [{"Code": "TransactionConflict"}],
            }
            raise ClientError(answer, "TransactWriteItems")

    assert KeptAccounts(DynamoDBClient(Busy(), TABLE)).keep(LIST) is None


@pytest.mark.parametrize("body", [b"", b"no zip", b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_what_can_not_be_understood_is_no_list(client: Any, kept: KeptAccounts, body: bytes) -> None:
    pk, sk = key(("accounts",), ("list",))
    client.put_item(TableName=TABLE, Item={"pk": {"S": pk}, "sk": {"S": sk}, "body": {"B": body}})
    assert kept.read() is None


def test_a_file_keeps_no_list() -> None:
    def client() -> Any:
        return session().client("dynamodb", region_name=HOME)

    assert kept_accounts(LedgerLocation("sqlite", "x"), client) is None
    assert isinstance(kept_accounts(LedgerLocation("dynamodb", TABLE), client), KeptAccounts)
