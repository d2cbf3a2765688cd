"""What is read from a record beside its owner, for people who ask later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness import fixtures
from harness.fixtures import INSTANCE, INTERFACE, launch, record, session, user
from harness.services import services
from ownertag.core.addresses import normal_address
from ownertag.core.match import match
from ownertag.core.record_details import MAX_ADDRESSES, MAX_TEXT, actor_of, addresses_of, parents_of
from ownertag.core.values import Creation


def creation(plain: dict[str, Any]) -> Creation:
    matched = match(fixtures.arrival(plain), fixtures.catalogue(), fixtures.anywhere())
    assert isinstance(matched, Creation), matched
    return matched


def test_who_acted_from_where_and_how() -> None:
    context: dict[str, Any] = {
        "sourceIdentity": "maria",
        "attributes": {"mfaAuthenticated": "true", "creationDate": "x"},
    }
    made = creation(record(userIdentity=session("john", **context)))
    actor = actor_of(made.record)
    assert actor.principal == "arn:aws:sts::111122223333:assumed-role/network-admin/john"
    assert (actor.type, actor.session, actor.source_identity, actor.mfa) == ("AssumedRole", "john", "maria", True)
    assert actor.issuer == "arn:aws:iam::111122223333:role/network-admin"
    assert actor.access_key_id == "ASIAI44QH8DHBEXAMPLE"
    assert (actor.source_address, actor.user_agent) == ("203.0.113.64", "aws-cli/2.27.41")


@pytest.mark.parametrize(
    ("attributes", "mfa"),
    [({"mfaAuthenticated": "false"}, False), ({"mfaAuthenticated": True}, True), ({}, None), (None, None)],
)
def test_mfa_as_texts_and_booleans_and_not_at_all(attributes: dict[str, Any] | None, mfa: bool | None) -> None:
    assert actor_of(creation(record(userIdentity=session(attributes=attributes))).record).mfa is mfa


def test_an_iam_user_has_no_session_and_says_nothing_of_mfa() -> None:
    actor = actor_of(creation(record(userIdentity=user())).record)
    assert (actor.session, actor.issuer, actor.mfa) == (None, None, None)


def test_texts_of_the_caller_are_cut_and_cleaned_and_a_key_has_a_keys_form() -> None:
    odd = {**user(), "accessKeyId": "secret with spaces", "invokedBy": "a\x1b[2Jb"}
    actor = actor_of(creation(record(userIdentity=odd, userAgent="x" * 300_000, sourceIPAddress="\u202eevil")).record)
    assert (actor.access_key_id, actor.invoked_by, actor.source_address) == (None, "a[2Jb", "evil")
    assert len(actor.user_agent or "") == MAX_TEXT


def test_no_secret_of_any_record_is_kept() -> None:
    """T30: strings put into every field that is not kept on purpose."""
    canary = "CANARY-wJalrXUtnFEMI"

    def poisoned(node: Any, key: str = "") -> Any:
        if isinstance(node, dict):
            more = {"sessionToken": canary, "secretAccessKey": canary, "credentials": {"sessionToken": canary}}
            return {name: poisoned(value, name) for name, value in node.items()} | more
        return [poisoned(item, key) for item in node] if isinstance(node, list) else node

    for path in sorted(path for path in Path(fixtures.GOLDEN).rglob("*.json") if path.parent.name != "ways"):
        plain = poisoned(msgspec.json.decode(path.read_bytes())["record"])
        matched = match(fixtures.arrival(plain), fixtures.catalogue(), fixtures.anywhere())
        if isinstance(matched, Creation):
            kept = f"{actor_of(matched.record)} {addresses_of(matched)}"
            assert canary not in kept, path


def test_an_interfaces_addresses_are_its_own_and_its_instances() -> None:
    plain = launch()
    [item] = plain["responseElements"]["instancesSet"]["items"]
    item["privateIpAddress"] = "10.0.1.25"
    [interface] = item["networkInterfaceSet"]["items"]
    interface |= {
        "privateIpAddressesSet": {"item": [{"privateIpAddress": "10.0.1.25"}, {"privateIpAddress": "10.0.1.26"}]},
        "ipv6AddressesSet": {"item": [{"ipv6Address": "2001:DB8:0::1"}]},
        "association": {"publicIp": "203.0.113.9"},
    }
    found = addresses_of(creation(plain))
    assert found[INTERFACE] == ("10.0.1.25", "10.0.1.26", "2001:db8::1", "203.0.113.9")
    assert set(found[INSTANCE]) == set(found[INTERFACE])


def test_each_instance_of_a_launch_has_its_own_and_golden_records_give_theirs() -> None:
    plain = msgspec.json.decode((fixtures.GOLDEN / "ec2/RunInstances/several.json").read_bytes())["record"]
    for number, item in enumerate(plain["responseElements"]["instancesSet"]["items"]):
        item["networkInterfaceSet"]["items"][0]["privateIpAddress"] = item["privateIpAddress"] = f"10.0.2.{number}"
        item["networkInterfaceSet"]["items"][0]["privateIpAddressesSet"] = {}
    found = addresses_of(creation(plain))
    instances = {id_: details for id_, details in found.items() if id_.startswith("i-")}
    assert len(instances) == 3
    assert len({address for instance in instances.values() for address in instance}) == 3
    allocated = msgspec.json.decode((fixtures.GOLDEN / "ec2/AllocateAddress/flat.json").read_bytes())["record"]
    assert addresses_of(creation(allocated)) == {"eipalloc-03de62e925fba5788": ("198.51.100.7",)}


def test_an_address_outside_of_what_was_created_is_nobodys_and_nonsense_is_none() -> None:
    plain = launch()
    plain["responseElements"]["ipAddress"] = "10.9.9.9"
    plain["responseElements"]["instancesSet"]["items"][0]["privateIpAddress"] = "010.1.1.1"
    assert addresses_of(creation(plain)) == {}
    many = [{"privateIpAddress": f"10.0.{n // 250}.{n % 250}"} for n in range(1000)]
    plain["responseElements"]["instancesSet"]["items"][0]["privateIpAddressesSet"] = {"item": many}
    assert len(addresses_of(creation(plain))[INSTANCE]) == MAX_ADDRESSES


def _made(event: str, source: str, response: dict[str, Any]) -> Creation:
    plain = fixtures.record(
        event, eventSource=f"{source}.amazonaws.com", awsRegion="us-east-1", responseElements=response
    )
    found = match(fixtures.arrival(plain), services(), fixtures.anywhere())
    assert isinstance(found, Creation)
    return found


def test_a_distribution_has_its_own_name_and_none_of_its_origins() -> None:
    arn = f"arn:aws:cloudfront::{fixtures.ACCOUNT}:distribution/E1ABCDEFGHIJ"
    origins = {"items": [{"id": "E1ABCDEFGHIJ", "domainName": "d999999zzzzzz9.cloudfront.net"}]}
    distribution = {"id": "E1ABCDEFGHIJ", "aRN": arn, "domainName": "D111111abcdef8.cloudfront.net"}
    made = _made("CreateDistribution", "cloudfront", {
        "distribution": {**distribution, "distributionConfig": {"origins": origins, "comment": "shop.example.com"}},
    })  # fmt: skip
    assert addresses_of(made) == {"E1ABCDEFGHIJ": ("d111111abcdef8.cloudfront.net",)}


def test_what_is_called_as_a_resource_of_another_service_is_not_taken_for_it() -> None:
    """A table may be called as anything is: only its ARN tells its object."""
    arn = f"arn:aws:dynamodb:us-east-1:{fixtures.ACCOUNT}:table/prod"
    made = _made("CreateTable", "dynamodb", {
        "tableDescription": {"tableArn": arn, "tags": [{"key": "stage", "value": "prod", "ipAddress": "10.0.0.5"}]},
        "other": {"stage": "prod", "ipAddress": "10.0.0.6"},
    })  # fmt: skip
    assert addresses_of(made) == {"prod": ("10.0.0.5",)}


def test_an_instance_belongs_to_its_reservation() -> None:
    made = creation(launch())
    assert parents_of(made, INSTANCE) == (fixtures.RESERVATION,)
    assert parents_of(made, INTERFACE) == ()


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("10.0.0.1", "10.0.0.1"),
        (" 10.0.0.1 ", "10.0.0.1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("2001:0db8::0001", "2001:db8::1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("::FFFF:0a00:0001", "10.0.0.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("010.0.0.1", None),
        ("10.0.1", None),
        ("\uff11\uff10.0.0.1", None),
        ("10.0.0.1/32", None),
        ("", None),
    ],
)
def test_every_spelling_of_an_address_is_one(text: str, normal: str | None) -> None:
    assert normal_address(text) == normal
