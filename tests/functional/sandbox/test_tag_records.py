"""Tag calls of every type of the catalogue: the SDK's bytes, the record that the sandbox makes of them, what we read.

The record is written by rules of AWS's documentation, which know neither the catalogue nor its tag APIs.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from botocore import xform_name
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from msgspec.structs import replace

from contracts.emulated import session
from harness import fixtures
from ownertag.catalogue.loader import load_catalogue
from ownertag.core.arn import fill_template
from ownertag.core.catalogue_types import ResourceType
from ownertag.core.findings import TagChange, TamperFinding
from ownertag.core.regions import region_of_service
from ownertag.core.tag_parameters import removing, writing
from ownertag.core.tamper import KnownTags, Tampering, detect_tampering, finding_of, named
from ownertag.core.values import Confidence, Owner, Resource, Write
from ownertag.sandbox.calls import Call, Response, read_call
from ownertag.sandbox.records.parts import parts

CATALOGUE = load_catalogue()
TYPES = [type_ for type_ in CATALOGUE.types.values() if type_.tag_api and type_.service != "ec2"]
ACCOUNT, REGION = fixtures.ACCOUNT, fixtures.REGION
_UUID = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
#: Ids in the forms that AWS gives them; the first that fits a type stands for its resource.
IDS = (
    "one", "one/one", "one/one/one", "one-AbCdEf", _UUID, f"one/{_UUID}", "j-1ABCDEFGHIJKL", "d-0123456789",
    "Z0123456789ABCDEFGHIJ", "one/0123456789abcdef", "one:1", "eu-central-1_AbCdEfGhI", f"eu-central-1:{_UUID}", "one/",
    "one/table/one", "one/session/one", "abcdefghijkl", "rslvr-in-0a1b2c3d4e5f60718", "abc/ou-ab12-12345678",
    f"regional/webacl/one/{_UUID}", f"one:{_UUID}", "one/threatintelset/one", "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
)  # fmt: skip


#: The services whose records hide tags (AWS's models mark them as sensitive).
HIDING = {"backup", "cloud9"}


class Body(io.BytesIO):
    """The body of an answer."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


class Sent(Exception):
    """A request that would have been sent."""

    def __init__(self, request: AWSPreparedRequest) -> None:
        super().__init__(request.url)
        self.request = request


def call_of(client: str, operation: str, region: str, parameters: dict[str, Any]) -> Call:
    """The call that the SDK makes, as the sandbox is given it."""
    config = Config(parameter_validation=False)  # the ids are made up, and shorter than some models ask for
    made = session().client(client, region_name=region, config=config)  # type: ignore[call-overload] # any service

    def stop(request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse | None:
        if event_name.endswith(".DescribeEndpoints"):  # Timestream's SDK asks for the endpoint first
            body = b'{"Endpoints": [{"Address": "cell.example", "CachePeriodInMinutes": 60}]}'
            return AWSResponse(str(request.url), 200, HTTPHeaders(), Body(body))
        raise Sent(request)

    made.meta.events.register_first("before-send", stop)
    with pytest.raises(Sent) as sent:
        getattr(made, xform_name(operation))(**parameters)
    return read_call(environ_of(sent.value.request))


def environ_of(request: AWSPreparedRequest) -> dict[str, Any]:
    """The request as a server has it."""
    url = urlsplit(str(request.url))
    body = request.body or b""
    content = body.encode() if isinstance(body, str) else body
    assert isinstance(content, bytes | bytearray)
    headers = {key.lower(): _text(value) for key, value in request.headers.items()}
    return {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": unquote(url.path),
        "RAW_URI": url.path + (f"?{url.query}" if url.query else ""),
        "QUERY_STRING": url.query,
        "CONTENT_TYPE": headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(content)),
        "wsgi.input": io.BytesIO(content),
        **{f"HTTP_{key.upper().replace('-', '_')}": value for key, value in headers.items()},
    }


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def resource_of(type_: ResourceType) -> Resource:
    id_ = next(id_ for id_ in IDS if type_.id.fullmatch(id_))
    return Resource(fill_template(type_.arn, "aws", region_of(type_), ACCOUNT, id_), id_, type_.name)


def region_of(type_: ResourceType) -> str:
    """Where the service's records come from: of a global one from a Region of its own."""
    return region_of_service(f"{type_.service}.amazonaws.com", "aws") or REGION


def finding_in(
    client: str, operation: str, parameters: dict[str, Any], resource: Resource, region: str
) -> TamperFinding:
    """What is found in the record of a call of somebody else's, where the ledger knows the resource as alice's."""
    call = call_of(client, operation, region, parameters)
    found = parts(call, Response(403, [], b"{}"))
    assert found is not None
    fields = {
        "eventSource": f"{found.source}.amazonaws.com",
        "userIdentity": fixtures.user("mallory"),
        "awsRegion": found.region,
        "requestParameters": found.request,
    }
    record = fixtures.arrival(fixtures.record(found.event, **fields)).record
    tampered = detect_tampering(record, CATALOGUE, fixtures.settings())
    assert isinstance(tampered, Tampering), (record.event_source, record.event_name, found.request)
    owners = {resource.arn: KnownTags(Owner("alice", "user", Confidence.ASSERTED), (("owner", "alice"),))}
    of_call = [
        replace(one, arn=resource.arn) if resource.arn in one.others or resource.type in one.longer else one
        for one in named(tampered, CATALOGUE)
    ]
    assert [one.arn for one in of_call] == [resource.arn], found.request
    finding = finding_of(tampered, of_call, owners, fixtures.settings())
    assert isinstance(finding, TamperFinding), (finding, found.request)
    return finding


@pytest.mark.parametrize("type_", TYPES, ids=[type_.name for type_ in TYPES])
def test_an_overwritten_and_a_removed_owner_are_seen(type_: ResourceType) -> None:
    api, resource = CATALOGUE.tag_apis[type_.tag_api], resource_of(type_)
    region = region_of(type_)
    write = Write(ACCOUNT, region, api.name, (("owner", "mallory"),), (resource,))
    written = finding_in(api.client, api.operation, writing(api, write), resource, region)
    assert (written.resource, written.owner) == (resource.arn, "alice")
    assert written.omitted == (type_.service in HIDING)
    if not written.omitted:
        assert written.changes == (TagChange("owner", "alice", "mallory"),)
    assert api.remove is not None
    removed = finding_in(api.client, api.remove.operation, removing(api, api.remove, write), resource, region)
    assert (removed.resource, removed.owner) == (resource.arn, "alice")
    if not removed.omitted:
        assert removed.changes == (TagChange("owner", "alice", None),)
