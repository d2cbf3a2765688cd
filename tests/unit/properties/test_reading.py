"""Reading never raises: any bytes, any JSON, anything in any place of a record."""

from __future__ import annotations

import gzip
import json
from typing import Any

from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

from harness import fixtures
from harness.planning import plan
from harness.properties import examples
from ownertag.core.arn import take_apart
from ownertag.core.match import match
from ownertag.core.owner.principal import clean, principal_of
from ownertag.core.parse import parse_event
from ownertag.core.reading.carriers import CARRIERS
from ownertag.core.reading.documents import parse_document
from ownertag.core.records import Arrival
from ownertag.core.tags import MAX_VALUE, fit
from ownertag.core.values import Creation, Refusal

SETTINGS = fixtures.settings()
THOROUGH = examples(1000, HealthCheck.too_slow)

texts = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "i-1234567890abcdef0",
            "vol-1234567890abcdef0",
            "r-1234567890abcdef0",
            fixtures.ACCOUNT,
            "eu-central-1",
            "ec2.amazonaws.com",
        ]
    ),
)
KEYS = [
    "Records",
    "Messages",
    "Events",
    "CloudTrailEvent",
    *(carrier.key for carrier in CARRIERS),
    *("field", "value", "messageType", "recordId", "insightDetails", "digestStartTime", "s3", "detail-type"),
    "body",
    "Body",
    "messageId",
    "detail",
    "detail-type",
    "source",
    "account",
    "region",
    "eventID",
    "eventSource",
    "eventName",
    "eventTime",
    "awsRegion",
    "recipientAccountId",
    "userIdentity",
    "type",
    "arn",
    "userName",
    "principalId",
    "sessionContext",
    "sessionIssuer",
    "onBehalfOf",
    "responseElements",
    "requestParameters",
    "instancesSet",
    "items",
    "item",
    "instanceId",
    "networkInterfaceSet",
    "networkInterfaceId",
    "operator",
    "managed",
    "omitted",
    "ownerId",
    "reservationId",
    "clientToken",
    "resources",
    "ARN",
    "errorCode",
    "addendum",
    "volumeId",
    "RunInstancesResponse",
]
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(st.sampled_from(KEYS), texts), inner, max_size=6)
    ),
    max_leaves=25,
)


def decide(read: Arrival | Refusal) -> None:
    """The rest of the way, for what could be read."""
    matched = read if isinstance(read, Refusal) else match(read, fixtures.catalogue(), SETTINGS)
    if isinstance(matched, Refusal):
        assert matched.detail
        return
    assert isinstance(matched, Creation)
    decided = plan([matched], {}, fixtures.catalogue(), SETTINGS, fixtures.SOON)
    for write in decided.writes:
        assert write.account == matched.record.account
        for resource in write.resources:
            type_ = fixtures.catalogue().types[resource.type]
            parts = take_apart(resource.arn, type_.arn, type_.id_form)
            assert parts
            assert parts.region in {None, write.region}  # a role has no Region in its ARN, a bucket no account either
            assert parts.account in {None, write.account}
        assert all(fit(value) == value for _, value in write.tags)


def read_all(data: bytes) -> None:
    for read in parse_document(data, "x"):
        decide(read)
    decide(parse_event(data, "x"))


@given(st.binary(max_size=300))
@example(b"\x1f\x8b\x08")
@example(b"\xef\xbb\xbf{}")
@examples(5000)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    read_all(data)


@given(st.binary(max_size=300))
@THOROUGH
def test_any_bytes_in_gzip_are_read_or_refused(data: bytes) -> None:
    read_all(gzip.compress(data, 1, mtime=0))
    read_all(gzip.compress(data, 1, mtime=0)[:-3])
    read_all(b"\x1f\x8b\x08" + data)


@given(
    st.sampled_from([carrier.key for carrier in CARRIERS]), st.one_of(st.text(max_size=100), st.binary(max_size=100))
)
@THOROUGH
def test_anything_in_a_carrier_is_read_or_refused(key: str, held: str | bytes) -> None:
    data = held if isinstance(held, bytes) else held.encode(errors="replace")
    for text in (
        data.decode(errors="replace"),
        fixtures.packed(data),
        fixtures.packed(gzip.compress(data, 1, mtime=0)),
    ):
        read_all(json.dumps({key: text}).encode())
        read_all(text.encode(errors="replace"))


@given(st.lists(st.text(alphabet='{}[]=, "nulltypearn\n\\', max_size=40), min_size=19, max_size=19))
@THOROUGH
def test_any_row_of_athena_is_read_or_refused(cells: list[str]) -> None:
    read_all(fixtures.csv_of([name.lower() for name in fixtures.ATHENA], [cells]))


@given(st.text(max_size=300))
@THOROUGH
def test_any_text_in_the_queue_is_read_or_refused(text: str) -> None:
    decide(parse_event(text, "x"))


@given(json_values)
@THOROUGH
def test_any_json_is_read_or_refused(plain: Any) -> None:
    read_all(json.dumps(plain).encode())


@given(st.dictionaries(st.sampled_from(sorted(fixtures.record())), json_values, min_size=1, max_size=3))
@THOROUGH
def test_any_json_in_the_fields_of_a_record_is_read_or_refused(fields: dict[str, Any]) -> None:
    for plain in (fixtures.record(**fields), fixtures.launch(**fields)):
        read_all(json.dumps(plain).encode())
        read_all(json.dumps(fixtures.event(plain)).encode())


GOLDEN = tuple(fixtures.golden())


def places(plain: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to every value in a record."""
    if not isinstance(plain, dict | list):
        return [way]
    pairs = plain.items() if isinstance(plain, dict) else enumerate(plain)
    return [way, *(place for key, value in pairs for place in places(value, (*way, key)))]


@given(st.data())
@THOROUGH
def test_any_json_anywhere_in_a_golden_record_is_read_or_refused(data: st.DataObject) -> None:
    plain = json.loads(json.dumps(data.draw(st.sampled_from(GOLDEN)).record))
    *way, last = data.draw(st.sampled_from(places(plain)[1:]))
    node = plain
    for key in way:
        node = node[key]
    node[last] = data.draw(json_values)
    read_all(json.dumps(plain).encode())


@given(
    st.lists(st.sampled_from(GOLDEN), min_size=1, max_size=5), st.sampled_from(list(fixtures.CARRIERS_OF_MANY.values()))
)
@THOROUGH
def test_every_carrier_of_any_golden_records_brings_each_of_them_once(many: list[fixtures.Golden], carry: Any) -> None:
    reads = list(parse_document(carry([arrival.record for arrival in many]), "x"))
    ids = [read.record.event_id for read in reads if isinstance(read, Arrival)]
    assert ids == [arrival.record["eventID"] for arrival in many]


# --- values


@given(st.text(max_size=600))
@example(" aws:x")
@example("a\u200b\u0301")
@example("\u1100\u200b\u1161")
@example("\u2126" * 300)
@example("\ufb1d" * 200)
@examples(5000)
def test_a_fitted_value_is_short_and_safe_and_fits_as_it_is(value: str) -> None:
    fitted = fit(value)
    assert 1 <= len(fitted) <= MAX_VALUE
    assert all(char.isalnum() or char in " +-=._:/@" or char.isnumeric() for char in fitted)
    assert not fitted.lower().startswith("aws:")
    assert fitted == fitted.strip()
    assert fit(fitted) == fitted


@given(st.text(alphabet=st.characters(max_codepoint=0x7F), max_size=600))
@THOROUGH
def test_a_safe_value_is_left_as_it_is(value: str) -> None:
    plain = "".join(char for char in value if char.isalnum() or char in " +-=._:/@")[:256].strip()
    if plain and not plain.lower().startswith("aws:"):
        assert fit(plain) == plain


@given(st.text(max_size=300))
@examples(5000)
def test_a_clean_name_is_printable_and_clean(name: str) -> None:
    cleaned = clean(name)
    assert cleaned.isprintable()
    assert clean(cleaned) == cleaned


@given(json_values)
@THOROUGH
def test_the_principal_of_any_identity_is_one_line(identity: Any) -> None:
    for read in parse_document(json.dumps(fixtures.record(userIdentity=identity)).encode(), "x"):
        if isinstance(read, Arrival):
            line = principal_of(read.record.identity)
            assert line
            assert line.isprintable()
