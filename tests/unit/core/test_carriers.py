"""Records come out of whatever carries them; what holds none is told as what it is, and nothing unread is untold."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from harness import fixtures
from ownertag.core.match import match
from ownertag.core.parse import parse_event, parse_record
from ownertag.core.reading.documents import account_of_path, parse_document, read_document
from ownertag.core.reading.encodings import holds_records
from ownertag.core.records import Arrival
from ownertag.core.values import Creation, Reason, Refusal

ID = "0e1f2a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b"
OTHER_ID = "1e1f2a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b"


def one(plain: Any, where: str = "file") -> Arrival | Refusal:
    [found] = parse_document(plain if isinstance(plain, bytes) else fixtures.bytes_of(plain), where)
    return found


def refused(plain: Any) -> Refusal:
    found = one(plain)
    assert isinstance(found, Refusal), found
    return found


# --- in whose account it was

WITHOUT: fixtures.Json = fixtures.record(recipientAccountId=...)
BY_ROLE: fixtures.Json = fixtures.record(recipientAccountId=..., userIdentity=fixtures.session(), eventID=ID)


@pytest.mark.parametrize(
    "plain",
    [
        WITHOUT,
        BY_ROLE,
        fixtures.launch(recipientAccountId=..., userIdentity=fixtures.identity_center()),
        fixtures.record(recipientAccountId=..., eventVersion="1.03", userIdentity={"type": "Root"}),
        fixtures.record(recipientAccountId=None, userIdentity=fixtures.session()),
    ],
)
def test_an_event_without_an_account_is_of_its_envelopes(plain: fixtures.Json) -> None:
    event = fixtures.event(plain, account=fixtures.ACCOUNT)
    for found in (
        parse_event(fixtures.text_of(event), "message"),
        one(event),
        one({"Records": [fixtures.message(fixtures.text_of(event))]}),
    ):
        assert isinstance(found, Arrival)
        assert found.record.account == fixtures.ACCOUNT
        assert not found.account_inferred


def test_an_envelopes_account_must_be_one_and_the_records_own_counts_where_it_has_one() -> None:
    for account in ("", "*", "1" * 11, None, 7):
        found = parse_event(fixtures.text_of(fixtures.event(BY_ROLE, account=account)), "message")
        assert isinstance(found, Refusal)
        assert found.reason is Reason.NOT_A_RECORD
    event = fixtures.event(fixtures.record(), account=fixtures.OTHER_ACCOUNT)
    forged = parse_event(fixtures.text_of(event), "message")
    assert isinstance(forged, Refusal)
    assert forged.reason is Reason.FORGED_ENVELOPE


PATHS = [
    f"logs/AWSLogs/{fixtures.ACCOUNT}/CloudTrail/eu-central-1/2026/03/02/x.json.gz",
    f"AWSLogs/o-exampleorg1/{fixtures.ACCOUNT}/CloudTrail/eu-central-1/2026/03/02/x.json.gz",
    f"C:\\logs\\AWSLogs\\{fixtures.ACCOUNT}\\CloudTrail\\eu-central-1\\x.json",
    f"/home/{fixtures.ACCOUNT}_CloudTrail_eu-central-1_20260302T0915Z_AbCdEfGh.json.gz",
    f"{fixtures.ACCOUNT}_CloudTrail_us-gov-west-1_20260302T0915Z_x.json",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_log_files_path_tells_the_account(path: str) -> None:
    found = one({"Records": [BY_ROLE]}, path)
    assert isinstance(found, Arrival)
    assert (found.record.account, found.account_inferred) == (fixtures.ACCOUNT, False)


@pytest.mark.parametrize(
    "path",
    [
        "111122223333.json",
        "111122223333/x.json",
        "AWSLogs/111122223333/Config/x.json",
        "AWSLogs/1111222233334/CloudTrail/x.json",
        "x_CloudTrail_eu-central-1_20260302T0915Z_y.json",
        "",
    ],
)
def test_other_paths_tell_none(path: str) -> None:
    assert account_of_path(path) is None


def test_a_look_up_knows_in_whose_account_it_looked() -> None:
    found = parse_record(fixtures.bytes_of(BY_ROLE), "lookup", fixtures.OTHER_ACCOUNT)
    assert isinstance(found, Arrival)
    assert found.record.account == fixtures.OTHER_ACCOUNT


def test_the_records_own_account_counts_before_the_paths() -> None:
    found = one({"Records": [fixtures.record(recipientAccountId=fixtures.OTHER_ACCOUNT)]}, PATHS[0])
    assert isinstance(found, Arrival)
    assert found.record.account == fixtures.OTHER_ACCOUNT


@pytest.mark.parametrize("event_name", ["CreateVolume", "CreateVpc", "RunInstances"])
def test_an_iam_users_account_is_taken_where_nothing_else_tells_one_and_that_is_said(event_name: str) -> None:
    plain = fixtures.record(event_name, recipientAccountId=...)
    looked_up = {"Events": [{"EventId": "x", "CloudTrailEvent": fixtures.text_of(plain)}]}
    for carried in (plain, {"Records": [plain]}, looked_up):
        found = one(carried)
        assert isinstance(found, Arrival)
        assert (found.record.account, found.account_inferred) == (fixtures.ACCOUNT, True)


@pytest.mark.parametrize(
    "identity",
    [
        fixtures.session(),
        fixtures.identity_center(),
        {"type": "Root", "arn": f"arn:aws:iam::{fixtures.ACCOUNT}:root", "accountId": fixtures.ACCOUNT},
        {"type": "AWSService", "invokedBy": "autoscaling.amazonaws.com"},
        {**fixtures.user(), "accountId": fixtures.OTHER_ACCOUNT},
        {**fixtures.user(), "arn": "arn:aws:iam::1:user/alice"},
        {**fixtures.user(), "type": "FederatedUser"},
        None,
    ],
)
def test_else_it_is_refused_with_the_file_the_place_and_the_event(identity: Any) -> None:
    plain = fixtures.record(recipientAccountId=..., userIdentity=identity, eventID=ID)
    found = list(
        parse_document(fixtures.bytes_of({"Records": [fixtures.record(), plain, fixtures.record()]}), "a.json")
    )
    assert [isinstance(arrival, Arrival) for arrival in found] == [True, False, True]
    lost = found[1]
    assert isinstance(lost, Refusal)
    assert (lost.where, lost.reason, lost.event_id) == ("a.json#2", Reason.NOT_A_RECORD, ID)
    assert ID in lost.detail
    assert "recipientAccountId" in lost.detail


@pytest.mark.parametrize("odd", [{"a": 1}, ["x"], 7, True, [[]]])
@pytest.mark.parametrize("field", ["accountId", "arn", "type"])
def test_an_odd_caller_of_no_account_is_a_refusal_too(field: str, odd: Any) -> None:
    found = refused(fixtures.record(recipientAccountId=..., userIdentity={**fixtures.user(), field: odd}, eventID=ID))
    assert (found.reason, found.event_id) == (Reason.NOT_A_RECORD, ID)


def test_a_call_that_is_recorded_in_two_accounts_tells_of_neither() -> None:
    assert isinstance(one(fixtures.record(recipientAccountId=..., sharedEventID=OTHER_ID)), Refusal)


@pytest.mark.parametrize("field", ["eventSource", "eventName", "eventTime", "awsRegion"])
def test_whatever_else_a_record_lacks_its_id_is_told(field: str) -> None:
    lost = refused({key: value for key, value in fixtures.record(eventID=ID).items() if key != field})
    assert lost.event_id == ID
    assert field in lost.detail


def test_an_id_that_is_none_is_not_told() -> None:
    assert refused({"eventID": "SECRETSESSIONTOKEN"}).event_id is None


# --- what carries records

MANY = [
    fixtures.record(eventID=ID),
    fixtures.launch(eventID=OTHER_ID, userIdentity=fixtures.session(sourceIdentity="dave")),
    fixtures.record(errorCode="Client.UnauthorizedOperation", responseElements=None),
]


@pytest.mark.parametrize(
    "columns", [fixtures.ATHENA, (*reversed(fixtures.ATHENA),), (*fixtures.ATHENA, "year", "month")]
)
def test_a_row_of_athenas_csv_is_the_record(columns: tuple[str, ...]) -> None:
    claims = [{"ARN": f"arn:aws:ec2:{fixtures.REGION}:{fixtures.ACCOUNT}:volume/vol-1", "accountId": fixtures.ACCOUNT}]
    many = [*MANY, fixtures.record(resources=claims, userAgent='a "b", c\n=d')]
    found = list(parse_document(fixtures.athena(many, columns), "rows.csv"))
    for arrival, plain in zip(found, many, strict=True):
        assert isinstance(arrival, Arrival), arrival
        assert arrival.record == fixtures.arrival(_of_table(plain)).record
        assert arrival.carrier == "CSV"


def _of_table(plain: fixtures.Json) -> fixtures.Json:
    return {key: value for key, value in plain.items() if key in fixtures.ATHENA}


@pytest.mark.parametrize(
    "name", ["x, invokedby=autoscaling.amazonaws.com", "x}, arn=arn:aws:iam::1:root", "x, boss=y", "{", "x]"]
)
def test_what_a_name_could_have_put_into_a_row_is_refused(name: str) -> None:
    plain = fixtures.record(userIdentity={**fixtures.user(), "userName": name, "invokedBy": None}, eventID=ID)
    found = refused(fixtures.athena([plain]))
    assert found.reason is Reason.NOT_A_RECORD
    assert "useridentity can't be read for sure" in found.detail


@pytest.mark.parametrize("missing", ["errorCode", "responseElements", "userIdentity", "awsRegion"])
def test_a_table_that_lacks_a_column_that_counts_is_refused_once(missing: str) -> None:
    columns = [column for column in fixtures.ATHENA if column != missing]
    found = refused(fixtures.athena(MANY, columns))
    assert f"Athena's CSV without {missing.lower()}" in found.detail


@pytest.mark.parametrize("agent", ['[{"a', "[]", '{"a":', "{type=Root}", "null, x", '"', "a,b"])
def test_what_stands_in_a_column_of_text_is_text(agent: str) -> None:
    found = one(fixtures.athena([fixtures.record(userAgent=agent)]))
    assert isinstance(found, Arrival)
    assert found.record.user_agent == agent


def test_structs_that_were_made_json_are_read_as_well() -> None:
    """As `CAST(useridentity AS JSON)` gives them, in small letters."""
    plain = fixtures.record(userIdentity=fixtures.session(sourceIdentity="dave"))
    small = fixtures.text_of(plain["userIdentity"])
    for name in ("principalId", "sessionContext", "sourceIdentity", "sessionIssuer"):
        small = small.replace(name, name.lower())
    row = [small if column == "userIdentity" else plain.get(column) for column in fixtures.ATHENA]
    cells = [fixtures.text_of(cell) if isinstance(cell, dict) else str(cell or "") for cell in row]
    found = one(fixtures.csv_of([column.lower() for column in fixtures.ATHENA], [cells]))
    assert isinstance(found, Arrival)
    assert found.record.identity == fixtures.arrival(plain).record.identity


def test_a_row_that_is_short_costs_no_other() -> None:
    head, *rows = fixtures.athena(MANY).split(b"\n")
    found = list(parse_document(b"\n".join([head, rows[0], b'"1","2"', *rows[1:]]), "x"))
    assert [isinstance(arrival, Arrival) for arrival in found] == [True, False, True, True]


def test_carriers_within_carriers_are_named_the_innermost_first() -> None:
    event = fixtures.text_of(fixtures.event(fixtures.record()))
    batch = {"Records": [fixtures.message(fixtures.text_of(fixtures.notification(event)))]}
    assert one(batch).carrier == "EventBridge event in SNS notification in SQS message"
    packed = fixtures.packed(
        gzip.compress(fixtures.bytes_of(fixtures.subscription([fixtures.event(fixtures.record())])))
    )
    kinesis = {"Records": [{"kinesis": {"data": packed}, "eventSource": "aws:kinesis", "eventID": "shardId-0:1"}]}
    assert one(kinesis).carrier == (
        "EventBridge event in CloudWatch Logs event in CloudWatch Logs subscription in Kinesis record"
    )
    assert one({"Records": [fixtures.record()]}).carrier == "log file"
    assert one(fixtures.record()).carrier == "record"


@pytest.mark.parametrize(
    ("plain", "named"),
    [
        ({"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {}}}]}, "S3's notice of an object"),
        ({"s3Bucket": "logs", "s3ObjectKey": ["x"]}, "notice of log files"),
        ({"ResultSet": {"Rows": []}}, "answer of Athena as JSON"),
        ({"fileVersion": "1.0", "configurationItems": []}, "AWS Config"),
        ({"Type": "Notification", "Message": "hello"}, "SNS notification: what it holds is not readable JSON"),
        ({"Records": [fixtures.message("hello")]}, "SQS message: what it holds is not readable JSON"),
        ({"events": [{"message": "START RequestId: x"}]}, "CloudWatch Logs event: what it holds is not readable JSON"),
        ({"awslogs": {"data": "H4sIAAAA"}}, "CloudWatch Logs subscription: what it holds"),
        ({"Records": [{"kinesis": {"data": "%%%"}}]}, "Kinesis record: what it holds is no base64"),
        ({"records": [{"recordId": "1", "data": "aGVsbG8="}]}, "Firehose record: what it holds is not readable JSON"),
        ({"Messages": 7}, "SQS message: what it holds is not what it should be"),
        ({"answers": {}, "took": 7}, "no known carrier of records: it has answers, took"),
        (b"PK\x03\x04" + bytes(40), "a zip archive"),
        (b"PAR1" + bytes(40), "a Parquet file"),
        (b"-----------\n|  LookupEvents  |\n", "a table of the AWS CLI"),
        (b"Events:\n- CloudTrailEvent: x\n", "YAML"),
        (b'"a","b"\n"1","2"\n', "CSV without the columns of a record"),
        (b"<html></html>", "XML or HTML"),
        (fixtures.csv_of(["Event name", "Event time"], [["CreateVolume", "x"]]), "event history's CSV"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_called_by_its_carriers_name(plain: Any, named: str) -> None:
    found = refused(plain)
    assert found.reason.is_unread
    assert named in found.detail


DIGEST = {"awsAccountId": fixtures.ACCOUNT, "digestStartTime": "2026-03-01T08:00:00Z", "logFiles": []}
INSIGHT = {
    "eventVersion": "1.07", "eventTime": "2026-03-02T09:14:05Z", "awsRegion": fixtures.REGION, "eventID": ID,
    "eventType": "AwsCloudTrailInsight", "recipientAccountId": fixtures.ACCOUNT, "sharedEventID": OTHER_ID,
    "insightDetails": {"state": "Start", "eventSource": "ec2.amazonaws.com", "eventName": "RunInstances"},
    "eventCategory": "Insight",
}  # fmt: skip


@pytest.mark.parametrize(
    ("plain", "reason"),
    [
        (DIGEST, Reason.DIGEST),
        ({**DIGEST, "previousDigestS3Object": "x", "logFiles": [{"s3Object": "y"}]}, Reason.DIGEST),
        (gzip.compress(fixtures.bytes_of(DIGEST), mtime=0), Reason.DIGEST),
        ({"Records": [INSIGHT]}, Reason.INSIGHT),
        (INSIGHT, Reason.INSIGHT),
        ({"Events": [{"CloudTrailEvent": fixtures.text_of(INSIGHT)}]}, Reason.INSIGHT),
        ({"detail-type": "AWS Insight via CloudTrail", "source": "aws.cloudtrail", "detail": INSIGHT}, Reason.INSIGHT),
        ({"messageType": "CONTROL_MESSAGE", "logEvents": [{"message": "CWL CONTROL MESSAGE"}]}, Reason.CONTROL_MESSAGE),
    ],
)
def test_what_lies_beside_records_and_is_none_is_told_as_what_it_is(plain: Any, reason: Reason) -> None:
    found = refused(plain)
    assert (found.reason, found.reason.is_unread, found.reason.is_of_no_creation) == (reason, False, True)


@pytest.mark.parametrize(
    "more",
    [
        {"eventType": "AwsVpceEvent"},
        {"eventCategory": "NetworkActivity"},
        {"eventType": "AwsVpceEvent", "responseElements": None},
    ],
)
@pytest.mark.parametrize("made", [fixtures.record, fixtures.launch])
def test_a_network_activity_record_is_no_creation(made: Any, more: fixtures.Json) -> None:
    found = one(made(**{"eventCategory": "NetworkActivity", **more}))
    assert isinstance(found, Arrival)
    matched = match(found, fixtures.catalogue(), fixtures.settings())
    assert isinstance(matched, Refusal)
    assert matched.reason is Reason.NOT_A_CREATION
    assert "VPC endpoint" in matched.detail


@pytest.mark.parametrize(
    ("source", "name", "said"),
    [
        ("amplify", "CreateBranch", "not covered yet: amplify CreateBranch"),
        ("transcribe", "StartMedicalScribeJob", "not covered yet: transcribe StartMedicalScribeJob"),
        ("s3", "DeleteBucket", None),
        ("ec2", "CreateTags", None),
        ("ec2", "DescribeInstances", None),
        ("iam", "CreateAccessKey", None),
        ("logs", "CreateLogStream", None),
        ("elasticloadbalancing", "RegisterTargets", None),
        ("ec2", "CreateNetworkAclEntry", None),
    ],
)
def test_an_event_of_no_row_that_makes_something_is_not_covered_yet(source: str, name: str, said: str | None) -> None:
    found = one(fixtures.record(name, eventSource=f"{source}.amazonaws.com"))
    assert isinstance(found, Arrival)
    matched = match(found, fixtures.catalogue(), fixtures.settings())
    assert isinstance(matched, Refusal)
    if said is None:
        assert matched.reason is Reason.NOT_A_CREATION
    else:
        assert (matched.reason, matched.detail) == (Reason.NOT_COVERED, said)


# --- one value after the other


def test_places_are_lines_and_what_is_the_how_many_th_on_a_line() -> None:
    plain = fixtures.text_of(fixtures.record())
    pretty = json.dumps(fixtures.record(), indent=1)
    text = f"{plain}{plain}\n{pretty}\n\n{plain}\n"
    lines = pretty.count("\n") + 1
    assert [arrival.where for arrival in parse_document(text.encode(), "x")] == [
        "x:1",
        "x:1.2",
        "x:2",
        f"x:{3 + lines}",
    ]


@pytest.mark.parametrize("size", [1, 7, 100, 4096])
@pytest.mark.parametrize("carrier", fixtures.CARRIERS_OF_MANY)
def test_it_is_the_same_however_the_bytes_come(carrier: str, size: int) -> None:
    many = MANY[:1] if size == 1 else MANY
    data = fixtures.CARRIERS_OF_MANY[carrier](many)
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    found = list(read_document(lambda: iter(chunks), "x"))
    assert found == list(parse_document(data, "x"))
    assert [arrival.record.event_id for arrival in found if isinstance(arrival, Arrival)] == [
        record["eventID"] for record in many
    ]


@pytest.mark.parametrize("carrier", ["log-file", "list"])
def test_json_on_one_line_is_no_table_wherever_its_beginning_ends(carrier: str) -> None:
    """The first 4,096 characters are looked at, and those may end with a column's name."""
    records = [fixtures.record(eventID=ID) for _ in range(6)]
    for spare in range(1000):
        records[0]["userAgent"] = "x" * spare
        data = fixtures.bytes_of({"Records": records} if carrier == "log-file" else records)
        assert len(data) > 4096
        assert len(list(parse_document(data, "file"))) == len(records), spare


@pytest.mark.parametrize("cut", [b'{"eventID":"x', b'{"a":[{', b'{"a":"', b"}}", b"hello", b"[" * 3000])
def test_a_line_that_is_cut_costs_no_other(cut: bytes) -> None:
    good = [fixtures.bytes_of(fixtures.record(eventID=f"0e1f2a3b-4c5d-4e6f-8a9b-{number:012}")) for number in range(6)]
    found = list(parse_document(b"\n".join([*good[:3], cut, *good[3:]]), "x"))
    assert [isinstance(arrival, Arrival) for arrival in found] == [True] * 3 + [False] + [True] * 3
    assert found[3].where == "x:4"


def test_what_follows_a_log_file_that_was_cut_is_told_once() -> None:
    pretty = json.dumps({"Records": MANY}, indent=2).encode()
    assert refused(pretty[:-20]).reason is Reason.UNREADABLE
    [first, lost] = parse_document(fixtures.bytes_of(MANY[0]) + b"\n" + pretty[:-20], "x")
    assert isinstance(first, Arrival)
    assert isinstance(lost, Refusal)
    assert lost.where == "x:2"


def test_a_document_of_nothing_but_words_is_left_soon() -> None:
    read_: list[int] = []

    def document() -> Any:
        for number in range(1_000_000):
            read_.append(number)
            yield b"Mar 02 09:14:05 host app: hello\n" * 100

    [refusal] = read_document(document, "x")
    assert isinstance(refusal, Refusal)
    assert "the rest was not read" in refusal.detail
    assert len(read_) < 200


def test_a_base64_bomb_is_too_large() -> None:
    bomb = base64.b64encode(gzip.compress(b" " * (1 << 27), 1)).decode()
    assert refused({"awslogs": {"data": bomb}}).reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    ("head", "is_one"),
    [
        (b'  {"Records"', True),
        (b"\xff\xfe{\x00", True),
        (b"\xef\xbb\xbf[", True),
        (b"\x1f\x8b\x08", True),
        (b"H4sIAAAA", True),
        (fixtures.athena([]), True),
        (b"# cases\n", False),
        (b"not read", False),
        (b"", False),
        (b"\x00\x05\x16\x07", False),
        (b"name,size\n", False),
    ],
)
def test_a_file_of_a_folder_is_read_if_it_begins_as_records_do(head: bytes, is_one: bool) -> None:
    assert holds_records(lambda: [head]) is is_one


def test_a_creation_by_any_of_these_ways_is_the_same_creation() -> None:
    want = match(fixtures.arrival(MANY[1]), fixtures.catalogue(), fixtures.settings())
    assert isinstance(want, Creation)
    for name, carry in fixtures.CARRIERS_OF_MANY.items():
        [found] = parse_document(carry([MANY[1]]), "x")
        assert isinstance(found, Arrival), (name, found)
        matched = match(found, fixtures.catalogue(), fixtures.settings())
        assert isinstance(matched, Creation)
        assert (matched.resources, matched.record.identity) == (want.resources, want.record.identity), name


# --- what is near to records, and what people's tools make of them

ANOTHER = fixtures.record(eventID=OTHER_ID)


def _insights(*fields: tuple[str, Any]) -> list[dict[str, Any]]:
    return [{"field": name, "value": value} for name, value in fields]


@pytest.mark.parametrize(
    "plain",
    [
        {"results": [_insights(("@timestamp", "2026"), ("eventName", "RunInstances")), _insights(("@ptr", "x"))]},
        {"results": [_insights(("eventID", ID)), _insights(("requestParameters", "{}"))], "status": "Complete"},
        [_insights(("eventName", "RunInstances")), _insights(("eventName", "CreateVolume"))],  # --query results
    ],
)
def test_a_row_of_insights_without_its_message_is_not_lost_untold(plain: Any) -> None:
    found = list(parse_document(fixtures.bytes_of(plain), "file"))
    assert [refusal.reason for refusal in found if isinstance(refusal, Refusal)] == [Reason.NOT_A_RECORD] * 2
    assert all(isinstance(refusal, Refusal) and "without @message" in refusal.detail for refusal in found)


def test_a_row_of_insights_with_its_message_is_read() -> None:
    fields = _insights(("@timestamp", "2026"), ("@message", fixtures.text_of(fixtures.record())))
    assert isinstance(one({"results": [fields]}), Arrival)
    assert isinstance(one([fields]), Arrival)
    assert isinstance(one({"results": [[*_insights(("@duration", 5), ("x", None)), *fields]]}), Arrival)
    assert "is empty" in refused({"results": [_insights(("@message", None))]}).detail


@pytest.mark.parametrize("spare", range(3))
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_base64_in_lines_is_one_value_each_however_it_is_padded(spare: int, end: bytes) -> None:
    """`jq -r '.Records[].kinesis.data'`: whether a line ends with `=` depends on the record's length."""
    lines = []
    for plain in (fixtures.record(), ANOTHER):
        text = fixtures.bytes_of(plain)
        lines.append(base64.b64encode(text + b" " * ((spare - len(text)) % 3)))
    found = list(parse_document(end.join(lines) + end, "file"))
    assert [isinstance(arrival, Arrival) and arrival.record.event_id for arrival in found] == [
        fixtures.record()["eventID"],
        OTHER_ID,
    ]


@pytest.mark.parametrize("plain", [fixtures.record(), [fixtures.record()], {"Records": [fixtures.record()]}])
@pytest.mark.parametrize("indent", [None, 2, 4, "\t"])
def test_base64_of_json_is_told_however_it_was_printed(plain: Any, indent: int | str | None) -> None:
    text = json.dumps(plain, indent=indent)
    for lines in (text, text.replace("\n", "\r\n")):
        packed = base64.encodebytes(lines.encode())
        assert isinstance(one(packed), Arrival)
        assert holds_records(lambda packed=packed: (packed,))  # type: ignore[misc] # bound for each


_TEXT = fixtures.text_of(fixtures.record())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"EVENTS\tAKIA\t{_TEXT}\t{ID}\tRunInstances\nRESOURCES\ti-1\tAWS::EC2::Instance\n", "text of the AWS CLI"),
        (f"EVENTS\t3\t1\tstream\t{_TEXT}\t1\nSEARCHEDLOGSTREAMS\tTrue\ts\n", "text of the AWS CLI"),
        (f"{ID}\t{_TEXT}\n{OTHER_ID}\t{_TEXT}\n", "JSON among other text"),
        (f"RunInstances\t{_TEXT}\n", "JSON among other text"),
        (f"START RequestId: x\n2026-11-20T10:00:00Z\tx\tINFO\t{_TEXT}\nEND RequestId: x\n", "JSON among other text"),
        (f"2026-11-20 10:00:00,123 [INFO] event: {_TEXT}\n", "JSON among other text"),
        (f"<13>1 2026-11-20T10:00:00Z host app - - - {_TEXT}\n", "JSON among other text"),
        (f"const record = {_TEXT};", "JSON among other text"),
        (repr(fixtures.record()), "as Python prints it"),
        (repr([fixtures.record()]), "as Python prints it"),
        (repr(_TEXT.encode()), "as Python prints it"),
        (_TEXT.replace('"', "&quot;"), "HTML's escapes"),
        (_TEXT.replace('"', '\\"'), "its quotes escaped"),
        (f"[{_TEXT}]".replace('"', '\\"'), "its quotes escaped"),
        (f"[{_TEXT}]".replace('"', "&#34;"), "HTML's escapes"),
        (_TEXT[:-40], "cut short"),
        (f'{{"Records": [{_TEXT}, {_TEXT[:200]}', "cut short"),
        (json.dumps([fixtures.record()], indent=2)[:-9], "cut short"),
        ("record.json".ljust(257, "\0") + "ustar\x0000" + "\0" * 248 + _TEXT, "a tar archive"),
        ("<html><body>Sign in</body></html>", "XML or HTML"),
        ('<?xml version="1.0"?>', "XML or HTML"),
    ],
)  # fmt: skip
def test_what_tools_make_of_records_is_called_by_its_name(text: str, says: str) -> None:
    for data in (text.encode(), gzip.compress(text.encode()), text.encode("utf-16")):
        assert says in refused(data).detail


@pytest.mark.parametrize(
    ("plain", "says"),
    [
        ({"eventVersion": "1.0", "eventID": ID, "eventData": _TEXT}, "CloudTrail Lake"),
        ({key.lower(): value for key, value in fixtures.record().items()}, "Athena or CloudTrail Lake"),
        ({"metadata": {"product": {"name": "CloudTrail"}}, "class_uid": 6003, "api": {}}, "Security Lake"),
        ({"requestContext": {}, "requestPayload": fixtures.event(fixtures.record())}, "a destination"),
        ({"attemptsMade": 4, "errorCode": "x", "rawData": "eyJ9"}, "Firehose could not deliver"),
        ({"Entries": [{"Source": "aws.ec2", "Detail": _TEXT}]}, "PutEvents"),
        ({"took": 1, "hits": {"hits": [{"_source": fixtures.record()}]}}, "OpenSearch"),
    ],
)
def test_other_services_forms_are_called_by_their_names(plain: Any, says: str) -> None:
    assert says in refused(plain).detail
