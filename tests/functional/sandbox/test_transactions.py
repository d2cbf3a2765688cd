"""A transaction on the sandbox's DynamoDB is all or nothing, also where what it touches was there before."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from contracts.emulated import HOME, moto, session
from faults.proxy import passing
from ledger.table import TABLE
from ownertag.ledger.table import DEFINITION


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def test_a_transaction_that_fails_leaves_everything_as_it_was() -> None:
    with moto(), passing(True) as proxy:
        assert proxy is not None
        client: Any = session().client("dynamodb", region_name=HOME, endpoint_url=proxy.url)
        client.create_table(TableName=TABLE, **DEFINITION)
        client.put_item(TableName=TABLE, Item={**_key("a", "1"), "is": {"S": "old"}})
        client.put_item(TableName=TABLE, Item={**_key("a", "2"), "is": {"S": "old"}})
        before = client.scan(TableName=TABLE)["Items"]

        def transact(condition: str) -> None:
            update = {"UpdateExpression": "SET more = :new", "ExpressionAttributeValues": {":new": {"S": "new"}}}
            client.transact_write_items(
                TransactItems=[
                    {"Update": {"TableName": TABLE, "Key": _key("a", "1"), **update}},
                    {"Put": {"TableName": TABLE, "Item": {**_key("a", "2"), "is": {"S": "new"}}}},
                    {"Put": {"TableName": TABLE, "Item": _key("a", "3")}},
                    {"Put": {"TableName": TABLE, "Item": _key("b", "1")}},
                    {"Put": {"TableName": TABLE, "Item": _key("c", "1"), "ConditionExpression": condition}},
                ]
            )

        with pytest.raises(ClientError, match="TransactionCanceledException"):
            transact("attribute_exists(pk)")
        assert client.scan(TableName=TABLE)["Items"] == before
        transact("attribute_not_exists(pk)")
        assert len(client.scan(TableName=TABLE)["Items"]) == 5
