"""`ownertag catalogue try`: what a record's row is, what it finds, and the entry and golden event that it gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from harness import fixtures
from ownertag.catalogue.checked import read_catalogue
from ownertag.catalogue.files import CatalogueError
from ownertag.catalogue.merge import TO_BE_NAMED, merge_source, merged, select
from ownertag.cli.app import app
from ownertag.core.match import match
from ownertag.core.reading.documents import parse_document
from ownertag.core.records import Arrival
from ownertag.core.values import Creation

#: Of `oam:Link`, in `generated/oam.toml`.
ID_FORM = "[A-Za-z0-9_.@+=,~$%#-][A-Za-z0-9_.@+=,~$%# -]*"
UUID = "2b4e28ba-2fa1-4d2b-883f-0016d3cca427"


def record(source: str, event: str, request: Any, response: Any, **fields: Any) -> fixtures.Json:
    return fixtures.record(
        event,
        eventSource=f"{source}.amazonaws.com",
        requestParameters=request,
        responseElements=response,
        **fields,
    )


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{fixtures.REGION}:{fixtures.ACCOUNT}:{resource}"


ON = record("sns", "CreateTopic", {"name": "orders"}, {"topicArn": arn("sns", "orders")})
OFF = record("oam", "CreateLink", {"SinkIdentifier": "x"}, {"Arn": arn("oam", f"link/{UUID}"), "Id": UUID})
#: The account and the ids of `fixtures` are of AWS's examples.
SEEN: fixtures.Json = json.loads(
    json.dumps(OFF).replace(fixtures.ACCOUNT, "482910573318").replace("EXAMPLE", "QRSTUVW")
)
NONE = record(
    "newservice",
    "CreateWidget",
    {"parent": arn("newservice", "box/one")},
    {"widget": {"boxArn": arn("newservice", "box/one"), "widgetArn": arn("newservice", "widget/two")}},
)


def run(tmp_path: Path, plain: Any, *options: str, carry: str = "bare") -> tuple[int, str, str]:
    file = tmp_path / "record.json"
    file.write_bytes(fixtures.CARRIERS[carry](plain) if isinstance(plain, dict) else plain)
    result = CliRunner().invoke(app, ["catalogue", "try", str(file), *options], env={"COLUMNS": "80"})
    return result.exit_code, result.stdout, result.stderr


def test_a_row_that_is_on_says_what_it_rests_on_and_what_would_be_tagged(tmp_path: Path) -> None:
    code, out, _ = run(tmp_path, ON)
    assert code == 0
    assert "has a row, which is on" in out
    assert "rests on   AWS's documentation" in out
    assert "response.topicArn" in out
    assert arn("sns", "orders") in out
    assert "by sns.TagResource" in out
    assert "[[creation]]" not in out


def test_a_row_that_is_off_gives_the_entry_that_turns_it_on(tmp_path: Path) -> None:
    code, out, _ = run(tmp_path, OFF, "--json")
    assert code == 0
    told = json.loads(out)
    assert (told["row"], told["why"]) == ("off", "it rests on AWS's models alone")
    assert told["would_tag"] == [
        {"arn": arn("oam", f"link/{UUID}"), "type": "oam:Link", "call": "oam.TagResource", "id_form": ID_FORM},
    ]
    assert told["overlay"].startswith('[[creation]]\nevent = "CreateLink"\nbasis = "documented"\n')
    assert f"ids are {ID_FORM}" in run(tmp_path, OFF)[1]


@pytest.mark.parametrize(
    ("example", "said"),
    [
        ('"111122223333"', "111122223333"),
        ('"arn:aws:iam::123456789012:role/x"', "123456789012"),
        ('"https://sqs.eu-central-1.amazonaws.com/444455556666/x"', "444455556666"),
        ('"777788889999"', "777788889999"),
        ('"999999999999"', "999999999999"),
        ('"000000000000"', "000000000000"),
        ('"a1b2c3d4-5678-90ab-cdef-EXAMPLE11111"', "a1b2c3d4-5678-90ab-cdef-EXAMPLE11111"),
    ],
)
def test_an_example_of_aws_is_documented_and_not_seen(tmp_path: Path, example: str, said: str) -> None:
    plain = {**SEEN, "additionalEventData": {"x": json.loads(example)}}
    code, out, error = run(tmp_path, plain)
    assert code == 0
    assert f'basis = "documented"\nreason = "a record shows it"\nsource = "{TO_BE_NAMED["documented"]}"' in out
    assert f"{said} is of AWS's examples" in " ".join(error.split())


@pytest.mark.parametrize("other", ["00000000-0000-0000-0000-000000000000", "1111222233334444", "an example"])
def test_a_record_with_no_example_of_aws_was_seen(tmp_path: Path, other: str) -> None:
    code, out, error = run(tmp_path, {**SEEN, "additionalEventData": {"x": other}})
    assert code == 0
    assert f'basis = "seen"\nreason = "a record shows it"\nsource = "{TO_BE_NAMED["seen"]}"' in out
    assert "examples" not in error


@pytest.mark.parametrize(
    ("plain", "why"),
    [
        (ON, "CreateTopic: nothing written: the row is on"),
        ({**OFF, "errorCode": "AccessDenied"}, "CreateLink: nothing written: nothing would be tagged"),
    ],
)
def test_what_is_not_written_says_why(tmp_path: Path, plain: fixtures.Json, why: str) -> None:
    _, _, error = run(tmp_path, plain, "--write", str(tmp_path / "repository"))
    assert why in " ".join(error.split())
    assert not (tmp_path / "repository").exists()


def test_what_is_written_names_its_test_and_gives_its_reason_once(tmp_path: Path) -> None:
    _, _, error = run(tmp_path, SEEN, "--write", str(tmp_path / "repository"))
    command = '.venv/bin/pytest tests/unit/core/test_golden.py -k "oam and CreateLink"'
    assert command in " ".join(error.split())
    [overlay] = (tmp_path / "repository").rglob("*.toml")
    assert overlay.read_text().count("reason = ") == 1


def test_where_there_is_no_row_one_is_made_of_what_the_request_does_not_name(tmp_path: Path) -> None:
    code, out, _ = run(tmp_path, NONE, "--json")
    assert code == 1
    told = json.loads(out)
    assert told["row"] == "none"
    [tagged] = told["would_tag"]
    assert (tagged["arn"], tagged["type"]) == (arn("newservice", "widget/two"), "newservice:widget")
    assert tagged["call"] is None
    assert any("which call tags it" in what for what in told["look_at"])


def test_a_name_in_the_request_makes_a_row_where_there_is_no_answer(tmp_path: Path) -> None:
    code, out, _ = run(tmp_path, record("newservice", "CreateWidget", {"widgetName": "two"}, None), "--json")
    told = json.loads(out)
    assert code == 1
    assert [one["path"] for one in told["paths"]] == ["request.widgetName"]
    assert told["would_tag"][0]["arn"] == arn("newservice", "widget/two")


def test_what_was_left_out_says_why(tmp_path: Path) -> None:
    answer = {"listener": {"listenerArn": f"arn:aws:globalaccelerator::{fixtures.ACCOUNT}:accelerator/x/listener/y"}}
    code, out, _ = run(tmp_path, record("globalaccelerator", "CreateListener", {}, answer))
    assert code == 1
    assert "a listener takes no tags" in " ".join(out.split())


@pytest.mark.parametrize(
    ("plain", "reason"),
    [
        (record("sns", "CreateTopic", {"name": "x"}, None, errorCode="AccessDenied"), "failed-call"),
        (record("sns", "CreateTopic", {}, {"topicArn": arn("sns", "x").replace("1111", "9999")}), "other-account"),
        (record("sns", "CreateTopic", {}, {}), "no-resource"),
    ],
)
def test_what_would_not_be_tagged_says_why_not(tmp_path: Path, plain: fixtures.Json, reason: str) -> None:
    code, out, _ = run(tmp_path, plain, "--json")
    assert code == 1
    assert json.loads(out)["refusal"]["reason"] == reason


@pytest.mark.parametrize("carrier", ["bare", "event", "batch", "log-file", "log-file-gzipped", "looked-up"])
def test_a_record_is_taken_in_any_form(tmp_path: Path, carrier: str) -> None:
    code, out, _ = run(tmp_path, OFF, "--json", carry=carrier)
    assert code == 0
    assert json.loads(out)["golden"]["record"]["eventName"] == "CreateLink"


def test_what_is_no_record_ends_with_2(tmp_path: Path) -> None:
    code, out, _ = run(tmp_path, b'{"eventName": "CreateTopic"}')
    assert code == 2
    assert "not-a-record" in out


@pytest.mark.parametrize("plain", [OFF, SEEN, NONE], ids=["off", "seen", "none"])
def test_what_is_written_turns_the_row_on_and_the_golden_event_comes_true(tmp_path: Path, plain: fixtures.Json) -> None:
    source, event = plain["eventSource"].removesuffix(".amazonaws.com"), plain["eventName"]
    run(tmp_path, plain, "--write", str(tmp_path / "repository"))
    overlay = tmp_path / "repository/src/ownertag/catalogue/overlay" / f"{source}.toml"
    whole = merged()
    before = next((file for file in whole.sources if file.event_source == plain["eventSource"]), None)
    shipped = fixtures.ROOT / "src/ownertag/catalogue"
    generated = shipped / "generated" / f"{source}.toml"
    text = overlay.read_text()
    with pytest.raises(CatalogueError, match="source is to be replaced"):
        merge_source(f"{source}.toml", generated.read_text() if generated.is_file() else None, text)
    text = text.replace(TO_BE_NAMED["documented"], "doc: a page").replace(TO_BE_NAMED["seen"], "a record of ours")
    assert before is None or f'event = "{event}"' in text
    file = merge_source(f"{source}.toml", generated.read_text() if generated.is_file() else None, text)
    others = [one for one in whole.sources if one.event_source != plain["eventSource"]]
    whole.sources = [*others, file]
    catalogue = read_catalogue(select(whole))
    assert catalogue.rows[plain["eventSource"], event].basis == ("seen" if plain is SEEN else "documented")
    golden = json.loads((tmp_path / "repository/tests/golden" / source / event / "seen.json").read_text())
    assert (plain["recipientAccountId"] in json.dumps(golden)) == (plain is NONE)  # a service that no model has
    [read] = parse_document(fixtures.bytes_of(golden["record"]), "golden")
    assert isinstance(read, Arrival)
    made = match(read, catalogue, fixtures.anywhere())
    assert isinstance(made, Creation)
    assert sorted(resource.arn for resource in made.resources) == golden["expected"]["resources"]
    assert golden["expected"]["owner"]["evidence"] == "iam-user"
    code, _, error = run(tmp_path, plain, "--write", str(tmp_path / "repository"))
    assert code == 2
    assert "has an entry for" in " ".join(error.split())
