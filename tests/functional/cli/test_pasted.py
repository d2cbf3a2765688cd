"""What people paste, as the page has it: each is answered by `whois`, or refused with the reason."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from flows.test_whois import ADDRESS, Hub, after, launched
from harness import fixtures
from ledger.entries import created, owned
from ownertag.cli.app import app
from ownertag.core.ownership import ResourceKey
from ownertag.core.pasted.taken import MAX_DOCUMENT
from ownertag.ledger.entries import Transferred
from ownertag.ledger.sqlite import SqliteLedger

ACCOUNT, REGION = fixtures.ACCOUNT, fixtures.REGION
PAGE = (Path(__file__).parents[3] / "docs/how-to/find-an-owner.md").read_text("utf-8")
INSTANCE = "i-0a1b2c3d4e5f60718"
OTHER = fixtures.numbered("i", 7)
HERE = f"{REGION}:{ACCOUNT}"
INSTANCE_ARN = f"arn:aws:ec2:{HERE}:instance/{INSTANCE}"
BUCKET = ResourceKey(ACCOUNT, REGION, "arn:aws:s3:::shop-logs")
#: Resources of other services, by what of each stands in what is pasted: its ARN, id, type and Region.
SERVICES = {
    "shop-logs": (BUCKET.arn, "shop-logs", "s3:bucket", REGION),
    "shop-orders": (f"arn:aws:dynamodb:{HERE}:table/shop-orders", "shop-orders", "dynamodb:table", REGION),
    "deploy": (f"arn:aws:iam::{ACCOUNT}:role/team/deploy", "team/deploy", "iam:role", "us-east-1"),
    "resize": (f"arn:aws:lambda:{HERE}:function:resize", "resize", "lambda:function", REGION),
    "shop.cluster-": (f"arn:aws:rds:{HERE}:cluster:shop", "shop", "rds:cluster", REGION),
    "shop": (f"arn:aws:rds:{HERE}:db:shop", "shop", "rds:db", REGION),
    "elb": (f"arn:aws:elasticloadbalancing:{HERE}:loadbalancer/app/shop/50dc6c495c0c9188",
            "app/shop/50dc6c495c0c9188", "elasticloadbalancing:loadbalancer", REGION),
    "execute-api": (f"arn:aws:apigateway:{REGION}::/restapis/a1b2c3d4e5", "a1b2c3d4e5", "apigateway:RestApi", REGION),
    "cloudfront": (f"arn:aws:cloudfront::{ACCOUNT}:distribution/E1ABCDEFGHIJ", "E1ABCDEFGHIJ",
                   "cloudfront:distribution", "us-east-1"),
    "sqs": (f"arn:aws:sqs:{HERE}:orders", "orders", "sqs:queue", REGION),
    "ecr": (f"arn:aws:ecr:{HERE}:repository/team/shop", "team/shop", "ecr:repository", REGION),
}  # fmt: skip
#: The marks above in the order in which they are looked for.
MARKS = (*(mark for mark in SERVICES if mark != "shop"), "shop")


def rows(head: str) -> list[tuple[str, str]]:
    """The rows of a table of the page: what is pasted, and what comes of it."""
    table = PAGE.partition(f"| pasted | {head} |\n|---|---|\n")[2].partition("\n\n")[0]
    found = [re.fullmatch(r"\| `(.*)` \| `?(.*?)`? \|", line) for line in table.splitlines()]
    return [(row[1], row[2]) for row in found if row]


ANSWERED, REFUSED = rows("taken for"), rows("refused, since it")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A ledger: alice has launched an instance, and made one of each service, and bob has launched another instance."""
    path = tmp_path_factory.mktemp("ledger") / "ledger"
    hub = Hub(SqliteLedger(path))
    other = launched(OTHER, "bob", 10, address="10.0.0.7", event=2)
    other["userIdentity"]["accessKeyId"] = "AKIAI44QH8DHBEXAMPLE"
    other["responseElements"]["instancesSet"]["items"][0]["ipAddress"] = "203.0.113.7"
    hub.deliver(launched(INSTANCE, "alice", 0, event=1), other)
    tags = (("owner", "alice"),)
    hub.ledger.append([Transferred(BUCKET, "order", "alice", "ops", "hers", tags, after(20), "shop-logs", "s3:bucket")])
    for number, (arn, id_, type_, region) in enumerate(SERVICES.values(), 0x100):
        if arn == BUCKET.arn:
            continue
        one = owned(number, "alice", account=ACCOUNT, region=region, minutes=20)
        names = ("d111111abcdef8.cloudfront.net",) if "cloudfront" in type_ else ()
        key = ResourceKey(ACCOUNT, region, arn)
        one = replace(one, resource=key, id=id_, type=type_, addresses=names)
        hub.ledger.claim([created(number, "alice", ACCOUNT, region, 20)], [one])
    return f"sqlite:{path}"


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hides the settings and the credentials of the person who runs the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("OWNERTAG_LEDGER", "OWNERTAG_CONFIG", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)


def run(command: str, *arguments: str, given: str | bytes | None = None) -> tuple[int, str, str]:
    answer = CliRunner().invoke(app, [command, *arguments], input=given)
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    return answer.exit_code, answer.stdout, answer.stderr


def whois(ledger: str, *arguments: str, given: str | bytes | None = None) -> tuple[int, str, str]:
    return run("whois", *arguments, "--ledger", ledger, "--offline", given=given)


def owners(ledger: str, *arguments: str, given: str | bytes | None = None) -> list[tuple[str, str]]:
    """(Owner, ARN) of each answer."""
    code, output, errors = whois(ledger, *arguments, "--short", given=given)
    assert code == 0, errors
    lines = [line.split("  ") for line in output.splitlines()]
    return [(owner, arn) for owner, _, arn, *_ in lines]


# --- the page


def test_the_page_has_twenty_and_five() -> None:
    assert len(ANSWERED) >= 20
    assert len(REFUSED) >= 5
    assert len({text.partition(":")[0] for _, text in ANSWERED}) >= 15


@pytest.mark.parametrize(("text", "taken"), ANSWERED)
def test_what_is_pasted_is_answered_and_told(ledger: str, text: str, taken: str) -> None:
    code, output, errors = whois(ledger, text, "--json")
    assert code == 0, errors
    [answer] = [json.loads(line) for line in output.splitlines()]
    assert (answer["owner"]["name"], answer["taken_for"]) == ("alice", taken)
    mark = next((mark for mark in MARKS if mark in text), None)
    assert answer["arn"] == (SERVICES[mark][0] if mark else INSTANCE_ARN)
    plain = text in {answer["id"], answer["arn"], ADDRESS}
    assert errors == ("" if plain else f"taken for: {taken}\n")
    # The same with what comes with a paste.
    assert whois(ledger, "-", "--json", "-q", given=f"\ufeff {text} \r\n\n")[:2] == (0, output)


@pytest.mark.parametrize(("text", "since"), REFUSED)
def test_what_is_pasted_is_refused_with_the_reason(ledger: str, text: str, since: str) -> None:
    for command in (["whois", text, "--ledger", ledger], ["transfer", text, "--to", "bob", "--reason", "x"]):
        code, output, errors = run(*command)
        assert (code, output) == (2, "")
        assert since in errors
        assert "wJalrXUtnFEMI" not in errors


# --- several, and standard input


def test_several_are_each_answered_and_what_is_not_known_is_said(ledger: str) -> None:
    text = f"{INSTANCE},\n\n  `{OTHER}`\ni-0123456789abcdef0\n{INSTANCE}\n"
    code, output, errors = whois(ledger, "-", "--short", given=text)
    assert [line.split("  ")[0] for line in output.splitlines()] == ["alice", "bob"]
    assert code == 1
    assert "taken for: list: 3 resources\n" in errors
    assert f"i-0123456789abcdef0: the ledger {ledger} does not know it" in errors


def test_one_that_is_refused_refuses_the_whole_list(ledger: str) -> None:
    code, output, errors = whois(ledger, "-", given=f"{INSTANCE}\n010.0.0.5\n")
    assert (code, output) == (2, "")
    assert "octal" in errors


def test_a_creations_record_is_answered_by_what_it_created(ledger: str) -> None:
    record = launched(OTHER, "bob", 10, address="10.0.0.7", event=2)
    for form in (
        record,
        fixtures.event(record),
        {"Records": [record]},
        {"Message": json.dumps(fixtures.event(record))},
    ):
        assert owners(ledger, "-", given=json.dumps(form)) == [
            ("bob", f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{OTHER}")
        ]


def test_the_account_and_region_of_a_finding_count(ledger: str) -> None:
    finding = {"awsAccountId": "999999999999", "findingArn": "x", "resources": [{"id": INSTANCE, "region": REGION}]}
    code, output, errors = whois(ledger, json.dumps(finding))
    assert (code, output) == (1, "")
    assert f"does not know it in 999999999999 {REGION}" in errors
    finding["awsAccountId"] = ACCOUNT
    assert len(owners(ledger, json.dumps(finding), "--account", ACCOUNT)) == 1
    code, _, errors = whois(ledger, json.dumps(finding), "--account", "999999999999")
    assert code == 2
    assert f"is in {ACCOUNT} by what was pasted, and in 999999999999 by --account: leave --account out" in errors


def test_standard_input_may_be_utf_16_and_must_be_text(ledger: str) -> None:
    assert len(owners(ledger, "-", given=INSTANCE.encode("utf-16"))) == 1
    code, _, errors = whois(ledger, "-", given=b"\xff\x00i")
    assert (code, "is no text in UTF-8" in errors) == (2, True)
    code, _, errors = whois(ledger, "-", given=b" " * (MAX_DOCUMENT + 1))
    assert (code, "more than 4 million characters" in errors) == (2, True)
    assert "it is empty" in whois(ledger, "-", given="")[2]


# --- access keys


def test_a_key_finds_what_it_made_with_its_owner(ledger: str) -> None:
    code, output, _ = whois(ledger, "AKIAI44QH8DHBEXAMPLE")
    assert code == 0
    assert output.startswith("bob  (asserted)\n")
    assert "  key        AKIAI44QH8DHBEXAMPLE made it\n" in output
    [answer] = [json.loads(line) for line in whois(ledger, "AKIAI44QH8DHBEXAMPLE", "--json")[1].splitlines()]
    assert answer["access_key"] == answer["created"]["access_key_id"] == "AKIAI44QH8DHBEXAMPLE"


def test_an_unknown_key_says_since_when_keys_are_known(ledger: str) -> None:
    code, output, errors = whois(ledger, "ASIAEXAMPLEEXAMPLE12")
    assert (code, output) == (1, "")
    assert "of keys it knows what they created since ownertag 0.2" in errors


def test_a_findings_key_is_asked_for_in_every_region(ledger: str) -> None:
    finding = {
        "AccountId": ACCOUNT, "Region": "us-east-1", "Type": "UnauthorizedAccess:IAMUser/MaliciousIPCaller",
        "Resource": {"ResourceType": "AccessKey", "AccessKeyDetails": {"AccessKeyId": "AKIAI44QH8DHBEXAMPLE"}},
        "Service": {"ServiceName": "guardduty"},
    }  # fmt: skip
    assert [owner for owner, _ in owners(ledger, json.dumps({"Findings": [finding]}))] == ["bob"]


# --- a line each


def test_short_is_a_line_each_with_fixed_fields(ledger: str) -> None:
    _, output, _ = whois(ledger, "-", "--short", "-q", given=f"{INSTANCE}\n{BUCKET.arn}\n")
    arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{INSTANCE}"
    assert output.splitlines() == [
        f"alice  asserted  {arn}  {ACCOUNT}  {REGION}  2026-03-02T09:00:00Z",
        f"alice  asserted  {BUCKET.arn}  {ACCOUNT}  {REGION}  -",
    ]


def test_short_and_json_are_not_mixed(ledger: str) -> None:
    for other in (["--json"], ["--output", "csv"]):
        code, _, errors = whois(ledger, INSTANCE, "--short", *other)
        assert (code, "leave it out with --json" in errors) == (2, True)


# --- transfer


def test_transfer_of_several_prints_a_command_for_each() -> None:
    code, output, errors = run("transfer", "-", "--to", "bob b", "--reason", "it's his", given=f"{INSTANCE}\n{OTHER}\n")
    assert (code, output) == (2, "")
    assert "names 2 resources" in errors
    assert f"  ownertag transfer {OTHER} --to 'bob b' --reason 'it'\"'\"'s his'\n" in errors


@pytest.mark.parametrize("text", [ADDRESS, "AKIAI44QH8DHBEXAMPLE", "ip-10-0-0-5.ec2.internal"])
def test_transfer_takes_no_address_and_no_key(text: str) -> None:
    code, _, errors = run("transfer", text, "--to", "bob", "--reason", "x")
    assert code == 2
    assert "is no resource, and can lead to several: look with `ownertag whois" in errors
