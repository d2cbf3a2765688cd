"""Anything in the place of a record is a record or a refusal with a reason: never an exception, and never slow."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness import fixtures
from harness.planning import plan
from ownertag.core.match import match
from ownertag.core.parse import MAX_RECORD_BYTES, parse_event
from ownertag.core.reading.documents import parse_document
from ownertag.core.records import Arrival
from ownertag.core.values import Creation, Reason, Refusal

Decided = Creation | Refusal


def carried_out(reads: Iterator[Arrival | Refusal]) -> list[Decided]:
    """All the way to a plan, where a sane value must not fail either."""
    decided: list[Decided] = []
    for read in reads:
        matched = read if isinstance(read, Refusal) else match(read, fixtures.catalogue(), fixtures.settings())
        if isinstance(matched, Creation):
            plan([matched], {}, fixtures.catalogue(), fixtures.settings(), fixtures.SOON)
        else:
            assert matched.detail
            assert len(matched.detail) < 1000
        decided.append(matched)
    return decided


def from_file(data: bytes) -> list[Decided]:
    return carried_out(parse_document(data, "file"))


def from_queue(data: bytes) -> list[Decided]:
    return carried_out(iter([parse_event(data, "message")]))


GENUINE = fixtures.text_of(fixtures.record())
LAUNCH = fixtures.text_of(fixtures.launch())
EVENT = fixtures.text_of(fixtures.event(fixtures.record()))


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    return opening * depth + closing * depth


def field(name: str, json_text: str, plain: fixtures.Json | None = None) -> str:
    """A record with raw JSON text in the place of one field."""
    marked = fixtures.text_of((plain or fixtures.record()) | {name: "@@"})
    return marked.replace('"@@"', json_text)


# --- in the place of a document

UNREADABLE: dict[str, bytes] = {
    "nothing": b"",
    "blank": b" \n\t\r\n",
    "nul": b"\x00",
    "half-an-object": b'{"eventID":',
    "a-word": b"hello",
    "two-lines-of-words": b"hello\nworld\n",
    "single-quotes": b"{'eventID': 'x'}",
    "trailing-comma": b'{"eventID": "x",}',
    "comment": b"// no record",
    "invalid-utf-8": b'{"eventID":"\xff\xfe"}',
    "overlong-utf-8": b'{"eventID":"\xc0\xaf"}',
    "latin-1": '{"eventID":"é"}'.encode("latin-1"),
    "utf-16-cut": GENUINE.encode("utf-16")[:-1],
    "utf-16-of-words": "hello".encode("utf-16"),
    "raw-surrogate": b'{"eventID":"\xed\xa0\x80"}',
    "not-a-number": GENUINE.replace('"readOnly":false', '"readOnly":NaN').encode(),
    "infinity": GENUINE.replace('"readOnly":false', '"readOnly":Infinity').encode(),
    "leading-zero": GENUINE.replace('"readOnly":false', '"readOnly":0123').encode(),
    "control-character": GENUINE.replace("alice", "al\x01ice").encode(),
    "bad-escape": GENUINE.replace("alice", "al\\xice").encode(),
    "cut-short": GENUINE[:-1].encode(),
    "cut-in-a-text": GENUINE[:200].encode(),
    "gzip-header-alone": b"\x1f\x8b",
    "gzip-cut-short": gzip.compress(GENUINE.encode())[:-9],
    "gzip-cut-in-its-trailer": gzip.compress(GENUINE.encode())[:-1],
    "gzip-of-nothing": gzip.compress(b""),
    "gzip-with-a-wrong-sum": gzip.compress(GENUINE.encode())[:-8] + bytes(4) + gzip.compress(GENUINE.encode())[-4:],
    "gzip-damaged": gzip.compress(GENUINE.encode())[:40] + b"\xff\xff\xff" + gzip.compress(GENUINE.encode())[43:],
    "gzip-and-a-word": gzip.compress(GENUINE.encode()) + b"hello",
    "gzip-and-half-a-gzip": gzip.compress(GENUINE.encode()) + gzip.compress(GENUINE.encode())[:-5],
    "gzip-in-gzip-in-gzip": gzip.compress(gzip.compress(gzip.compress(GENUINE.encode()))),
    "gzip-in-gzip-cut": gzip.compress(gzip.compress(GENUINE.encode())[:-3]),
    "zip": b"PK\x03\x04" + bytes(60),
    "depth-1000": nested(1000).encode(),
    "depth-200000": nested(200_000).encode(),
    "depth-200000-objects": nested(200_000, '{"a":', "}").encode(),
    "depth-200000-open": b"[" * 200_000,
    "depth-200000-lines": b"\n".join([b"[" * 1000] * 200),
}  # fmt: skip


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_json_is_one_unreadable_document(data: bytes) -> None:
    [refusal] = from_file(data)
    assert isinstance(refusal, Refusal)
    assert refusal.reason in {Reason.UNREADABLE, Reason.NOT_A_RECORD}


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_json_is_refused_in_the_queue(data: bytes) -> None:
    [refusal] = from_queue(data)
    assert isinstance(refusal, Refusal)
    assert refusal.reason.is_retried


PLAIN_VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    0.5,
    10**30,
    "",
    "text",
    [],
    {},
    [None],
    [[1]],
    {"a": 1},
    [1, "a"],
]


@pytest.mark.parametrize("plain", PLAIN_VALUES, ids=json.dumps)
def test_a_value_that_is_no_record_is_refused(plain: Any) -> None:
    data = fixtures.bytes_of(plain)
    for decided in (from_file(data), from_queue(data)):
        assert all(isinstance(decision, Refusal) for decision in decided)
    assert len(from_file(data)) == (0 if plain == [] else len(plain) if isinstance(plain, list) else 1)


@pytest.mark.parametrize("plain", PLAIN_VALUES, ids=json.dumps)
@pytest.mark.parametrize(
    "key", ["Records", "Messages", "Events", "body", "Body", "CloudTrailEvent", "detail", "messageId", "detail-type"]
)
def test_a_carrier_of_no_record_is_refused(key: str, plain: Any) -> None:
    data = fixtures.bytes_of({key: plain})
    assert all(isinstance(decided, Refusal) for decided in (*from_file(data), *from_queue(data)))


def test_a_bad_record_does_not_cost_its_siblings() -> None:
    records: list[Any] = [fixtures.record(), None, 7, "x", [], {}, {"eventID": 1}, fixtures.record()]
    decided = from_file(fixtures.bytes_of({"Records": records}))
    assert [isinstance(decision, Creation) for decision in decided] == [True, *[False] * (len(decided) - 2), True]


def test_a_bad_line_does_not_cost_its_siblings() -> None:
    lines = [GENUINE.encode(), b"hello", GENUINE[:99].encode(), b"\xff", b"[" * 5000, GENUINE.encode()]
    decided = from_file(b"\n".join(lines))
    assert [isinstance(decision, Creation) for decision in decided] == [True, False, False, False, False, True]


def test_each_place_is_named() -> None:
    log = fixtures.bytes_of({"Records": [fixtures.record(), fixtures.record()]})
    assert [read.where for read in parse_document(log, "a.json")] == ["a.json#1", "a.json#2"]
    assert [read.where for read in parse_document(log + b"\n" + GENUINE.encode(), "b")] == ["b:1#1", "b:1#2", "b:2"]


@pytest.mark.parametrize("times", [4, 5, 50])
def test_a_record_in_too_many_wrappers_is_refused(times: int) -> None:
    text = EVENT
    for _ in range(times):
        text = fixtures.text_of({"body": text})
        if len(text) > 500_000:
            break
    [refusal] = from_file(text.encode())
    assert isinstance(refusal, Refusal)


def test_more_than_any_record_has_is_too_large() -> None:
    large = fixtures.bytes_of(fixtures.record(userAgent="a" * MAX_RECORD_BYTES))
    [from_a_file], [from_the_queue] = from_file(large), from_queue(large)
    assert isinstance(from_a_file, Refusal)
    assert isinstance(from_the_queue, Refusal)
    assert from_a_file.reason is from_the_queue.reason is Reason.TOO_LARGE


def test_a_log_file_of_many_records_is_not_too_large() -> None:
    records = [fixtures.record(userAgent="a" * 1000) for _ in range(2000)]
    assert all(isinstance(read, Arrival) for read in parse_document(fixtures.bytes_of({"Records": records}), "log"))


def test_a_lone_surrogate_in_a_message_is_refused() -> None:
    assert isinstance(parse_event(EVENT.replace("alice", "al\ud800ice"), "message"), Refusal)


# --- in the place of a field

ANYTHING: dict[str, str] = {
    "null": "null", "true": "true", "zero": "0", "minus": "-1", "float": "0.5", "empty-text": '""', "text": '"text"',
    "list": "[]", "list-of-null": "[null]", "list-of-objects": "[{}]", "object": "{}", "object-of-null": '{"a":null}',
    "1e400": "1e400", "5000-digits": "9" * 5000, "4300-digits": "9" * 4300, "60-digits": "9" * 60,
    "lone-surrogate": '"\\ud800"', "controls": '"\\u0000\\u001b]0;x\\u0007\\n"', "bidi": '"a\\u202eb"',
    "long": f'"{"n" * 10_000}"', "fullwidth": '"' + "\uff11" * 12 + '"', "newline": '"i-1234567890abcdef0\\n"',
    "no-id": '"volume"', "traversal": '"../../x"', "no-arn": '"arn:"',
    "depth-100": nested(100), "depth-900": nested(900),
    "depth-1000": nested(1000),
    "depth-objects": nested(960, '{"operator":', "}"), "template": '"{owner}{0.__class__}"',
}  # fmt: skip
FIELDS = [
    "eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "requestParameters",
    "responseElements", "eventID", "recipientAccountId", "errorCode", "errorMessage", "sharedEventID", "addendum",
    "resources", "sourceIPAddress", "vpcEndpointId",
]  # fmt: skip


@pytest.mark.parametrize("value", ANYTHING.values(), ids=ANYTHING)
@pytest.mark.parametrize("name", FIELDS)
def test_anything_in_a_field_is_a_refusal_or_a_sane_record(name: str, value: str) -> None:
    for plain in (fixtures.record(), fixtures.launch()):
        for decided in (
            *from_file(field(name, value, plain).encode()),
            *from_queue(f"{EVENT[: EVENT.index('{', 1)]}{field(name, value, plain)}}}".encode()),
        ):
            for resource in decided.resources:
                assert resource.arn.startswith(f"arn:aws:ec2:{fixtures.REGION}:{fixtures.ACCOUNT}:")
                assert resource.arn.isascii()
                assert resource.arn.isprintable()


PATHS = [
    "responseElements.volumeId", "userIdentity.type", "userIdentity.userName", "userIdentity.arn",
    "userIdentity.principalId", "userIdentity.invokedBy", "userIdentity.sessionContext", "userIdentity.onBehalfOf",
    "userIdentity.inScopeOf", "userIdentity.sessionContext.sessionIssuer", "userIdentity.sessionContext.sourceIdentity",
    "userIdentity.sessionContext.webIdFederationData", "addendum.originalEventID",
]  # fmt: skip
LAUNCH_PATHS = [
    "responseElements.omitted", "responseElements.reservationId", "responseElements.ownerId",
    "responseElements.instancesSet", "responseElements.instancesSet.items",
    "responseElements.instancesSet.items.instanceId", "responseElements.instancesSet.items.operator",
    "responseElements.instancesSet.items.operator.managed", "responseElements.instancesSet.items.networkInterfaceSet",
    "responseElements.RunInstancesResponse", "requestParameters.RunInstancesRequest", "requestParameters.clientToken",
    "requestParameters.networkInterfaceSet.items.networkInterfaceId", "resources.ARN", "resources",
]  # fmt: skip


def with_path(plain: fixtures.Json, path: str, json_text: str) -> bytes:
    node = plain
    *keys, last = path.split(".")
    for key in keys:
        known = node.get(key)
        node[key] = known[0] if isinstance(known, list) and known else known if isinstance(known, dict) else {}
        node = node[key]
    node[last] = "@@"
    return fixtures.bytes_of(plain).replace(b'"@@"', json_text.encode())


@pytest.mark.parametrize("value", ANYTHING.values(), ids=ANYTHING)
@pytest.mark.parametrize("path", PATHS)
def test_anything_deeper_in_a_creation_is_a_refusal_or_a_sane_record(path: str, value: str) -> None:
    assert from_file(with_path(fixtures.record(), path, value))


@pytest.mark.parametrize("value", ANYTHING.values(), ids=ANYTHING)
@pytest.mark.parametrize("path", LAUNCH_PATHS)
def test_anything_deeper_in_a_launch_is_a_refusal_or_a_sane_record(path: str, value: str) -> None:
    assert from_file(with_path(fixtures.launch(), path, value))


@pytest.mark.parametrize("value", ["9" * 5000, "9" * 4300, "-5", "1e400", "1e20", "true", '"5"', "null", "[]"])
def test_any_number_of_launched_instances_is_sane(value: str) -> None:
    plain = fixtures.launch(responseElements=fixtures.OMITTED)
    plain["requestParameters"]["instancesSet"]["items"][0]["minCount"] = "@@"
    data = fixtures.bytes_of(plain).replace(b'"@@"', value.encode())
    [decided] = from_file(data)
    assert isinstance(decided, Creation | Refusal)


@pytest.mark.parametrize(
    "path",
    [
        "responseElements.omitted",
        "responseElements.instancesSet.items.instanceId",
        "responseElements.instancesSet.items.operator.managed",
        "responseElements.ownerId",
        "resources.ARN",
    ],
)
def test_no_depth_near_the_interpreters_limit_gets_through_the_readers(path: str) -> None:
    for depth in range(850, 1010):
        assert from_file(with_path(fixtures.launch(), path, nested(depth)))


@pytest.mark.parametrize("depth", [10, 900, 1000, 200_000])
def test_depth_in_a_part_that_nobody_reads_is_a_refusal_or_a_creation(depth: int) -> None:
    assert from_queue(with_path(fixtures.event(fixtures.record()), "detail.additionalEventData", nested(depth)))


@pytest.mark.parametrize(
    ("time_text", "ok"),
    [
        ("2026-03-02T09:14:05Z", True),
        ("2026-03-02T09:14:05.123456Z", True),
        ("2026-03-02T10:14:05+01:00", True),
        ("2026-03-02T09:14:05", True),
        ("2026-03-02", False),
        ("Mon Mar 02 09:14:05 UTC 2026", False),
        ("", False),
        ("2026-13-02T09:14:05Z", False),
        ("\uff12\uff10\uff12\uff16-03-02T09:14:05Z", False),
        ("0000-03-02T09:14:05Z", False),
        ("0001-01-01T00:00:00+14:00", False),
        ("9999-12-31T23:59:59-12:00", False),
        ("2026-03-02T09:14:05Z\n", False),
    ],
)
def test_a_time_is_read_as_utc_or_the_record_is_refused(time_text: str, ok: bool) -> None:
    [decided] = from_file(fixtures.bytes_of(fixtures.record(eventTime=time_text)))
    assert isinstance(decided, Creation) is ok
    if isinstance(decided, Creation):
        assert decided.record.created_at.replace(microsecond=0) == fixtures.EVENT_TIME


@pytest.mark.parametrize(
    "account",
    [
        "",
        "1",
        "11112222333",
        "1111222233334",
        "\uff11\uff11\uff11\uff11\uff12\uff12\uff12\uff12\uff13\uff13\uff13\uff13",
        "111122223333\n",
        " 11112222333",
        "\u0660" * 12,
    ],
)
def test_an_account_that_is_none_is_refused(account: str) -> None:
    [refusal] = from_file(fixtures.bytes_of(fixtures.record(recipientAccountId=account)))
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.NOT_A_RECORD


@pytest.mark.parametrize(
    "region", ["us-east-1@evil", "us-east-1.evil", "us-east-1/x", "", "x", "us-east-1\n", "us-east-\uff11"]
)
def test_a_region_that_is_none_is_refused(region: str) -> None:
    [refusal] = from_file(fixtures.bytes_of(fixtures.record(awsRegion=region)))
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.NOT_A_RECORD


IDS = [
    "volume",
    "vol-",
    "vol-xyz",
    "vol-1234567890ABCDEF0",
    "vol-1234567890abcdef0\n",
    " vol-1234567890abcdef0",
    "i-1234567890abcdef0",
    "vol-\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18",
    "vol-1234567890abcdef01",
    "../vol-1234567890abcdef0",
    "arn:aws:ec2:eu-central-1:444455556666:volume/vol-1234567890abcdef0",
    "vol-1234567890abcdef0,vol-1234567890abcdef1",
    "vol-*",
    "v" * 10_000,
    "\u202evol-1234567890abcdef0",
    7,
    True,
    0.5,
    [["vol-1234567890abcdef0"]],
    {"id": "vol-1234567890abcdef0"},
]


@pytest.mark.parametrize("id_", IDS, ids=lambda value: str(value)[:20].encode("unicode_escape").decode())
def test_an_id_that_is_none_is_refused(id_: Any) -> None:
    [refusal] = from_file(fixtures.bytes_of(fixtures.record(responseElements={"volumeId": id_})))
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.BAD_ID
    assert refusal.detail.isascii()
    assert len(refusal.detail) < 800


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (None, Reason.NO_RESPONSE),
        (..., Reason.NO_RESPONSE),
        ({}, Reason.NO_RESOURCE),
        ([], Reason.NO_RESOURCE),
        ("text", Reason.NO_RESOURCE),
        (True, Reason.NO_RESOURCE),
        ({"volumeId": None}, Reason.NO_RESOURCE),
        ({"volumeId": ""}, Reason.NO_RESOURCE),
        ({"omitted": True}, Reason.RESPONSE_OMITTED),
        ({"omitted": "true"}, Reason.RESPONSE_OMITTED),
        ({"CreateVolumeResponse": None}, Reason.NO_RESOURCE),
    ],
)
def test_a_response_that_names_nothing_is_refused(response: Any, reason: Reason) -> None:
    [refusal] = from_file(fixtures.bytes_of(fixtures.record(responseElements=response)))
    assert isinstance(refusal, Refusal)
    assert refusal.reason is reason
    assert refusal.record is not None


@pytest.mark.parametrize(
    "identity",
    [None, ..., {"type": "Martian"}, {"type": ""}, {"type": "iamuser"}, {"type": "IAMUser\n"}, {"type": "x" * 10_000}],
    ids=lambda value: str(value)[:20],
)
def test_an_identity_that_is_none_is_refused(identity: Any) -> None:
    [refusal] = from_file(fixtures.bytes_of(fixtures.record(userIdentity=identity)))
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.NO_IDENTITY


def test_the_first_letter_of_a_key_is_of_either_case() -> None:
    [decided] = from_file(fixtures.bytes_of(fixtures.record(responseElements={"VolumeId": "vol-1234567890abcdef0"})))
    assert isinstance(decided, Creation)


def test_the_last_of_two_equal_keys_counts() -> None:
    text = GENUINE[:-1] + ',"eventName":"CreateTags"}'
    [refusal] = from_file(text.encode())
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.NOT_A_CREATION


def test_a_refusal_never_holds_the_text_of_a_refused_document() -> None:
    secret = "SECRETSESSIONTOKEN"
    for text in (f'{{"eventID":"{secret}"}}', f'{{"eventID":"{secret}', f'"{secret}"', f"{secret}\n{{}}"):
        for decided in (*from_file(text.encode()), *from_queue(text.encode())):
            assert isinstance(decided, Refusal)
            assert secret not in decided.detail


# --- how long it takes (T25)

HEAVY: dict[str, Callable[[], bytes]] = {
    "depth-1000": lambda: with_path(fixtures.launch(), "responseElements.x", nested(1000)),
    "depth-200000": lambda: with_path(fixtures.launch(), "responseElements.x", nested(200_000)),
    "256-kb-name": lambda: fixtures.bytes_of(fixtures.record(userIdentity=fixtures.user("n" * 262_144))),
    "256-kb-odd-name": lambda: fixtures.bytes_of(fixtures.record(userIdentity=fixtures.user("\u202e\u0301" * 40_000))),
    "256-kb-text": lambda: fixtures.bytes_of(fixtures.record(userAgent="a" * 262_144)),
    "256-kb-id": lambda: fixtures.bytes_of(fixtures.record(responseElements={"volumeId": "vol-" + "a" * 262_144})),
    "256-kb-session": lambda: fixtures.bytes_of(
        fixtures.record(userIdentity=fixtures.session("aws-sdk-" + "a-" * 131_000))
    ),
    "256-kb-digits": lambda: field("vpcEndpointId", "9" * 262_144).encode(),
    "256-kb-count": lambda: with_path(
        fixtures.launch(responseElements=fixtures.OMITTED),
        "requestParameters.instancesSet.items.minCount",
        "9" * 262_144,
    ),
    "100000-items": lambda: with_path(fixtures.launch(), "responseElements.x.items", f"[{','.join(['1'] * 100_000)}]"),
    "20000-instances": lambda: with_path(
        fixtures.launch(), "responseElements.instancesSet.items", f"[{','.join(['{}'] * 20_000)}]"
    ),
    "100000-ids": lambda: with_path(
        fixtures.record("AllocateHosts"), "responseElements.hostIdSet.item", f"[{','.join(['1'] * 100_000)}]"
    ),
    "100000-claims": lambda: field("resources", f"[{','}]").encode(),
    "100000-keys": lambda: fixtures.bytes_of(
        fixtures.record(responseElements=dict.fromkeys(map(str, range(100_000)), 1))
    ),
    "arn-of-slashes": lambda: fixtures.bytes_of(
        fixtures.record(userIdentity=fixtures.user() | {"arn": "arn:aws:iam::111122223333:user/" + "/" * 200_000})
    ),
}


@pytest.mark.parametrize("build", HEAVY.values(), ids=HEAVY)
def test_a_heavy_record_takes_less_than_a_tenth_of_a_second(build: Callable[[], bytes]) -> None:
    data = build()
    event = b'%s"detail":%s}' % (EVENT[: EVENT.index('"detail":')].encode(), data)
    for read, text in ((from_file, data), (from_queue, event)):
        took = []
        for _ in range(3):
            start = time.process_time()
            assert read(text)
            took.append(time.process_time() - start)
        assert min(took) < 0.1, f"{read.__name__}: {min(took):.3f} s"
