"""`ownertag render`: the service control policies, their tiers, and the folder of what is deployed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ownertag.cli.app import app
from ownertag.core.tiers import MEANINGS, Tier

SETTINGS = (Path(__file__).parents[3] / "infra/ownertag.toml").read_text("utf-8")
MANY = f"[protection]\nbreak_glass = {[f'role-of-a-name-{number:02}' for number in range(30)]}\nmax_policies = 1\n"


def render(*arguments: str, config: Path) -> tuple[int, str, str]:
    answer = CliRunner().invoke(app, ["render", *arguments, "--config", str(config)])
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    return answer.exit_code, answer.stdout, answer.stderr


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "ownertag.toml"
    path.write_text(SETTINGS, "utf-8")
    return path


def test_each_policy_is_printed_after_its_name_and_length(config: Path) -> None:
    code, out, err = render("scp", config=config)
    assert code == 0
    decoder, rest, found = json.JSONDecoder(), out.strip(), []
    while rest:
        policy, end = decoder.raw_decode(rest)
        found.append(policy)
        rest = rest[end:].strip()
    lengths = [len(json.dumps(policy, separators=(",", ":"))) for policy in found]
    names = ["ownertag", *(f"ownertag-{number}" for number in range(2, len(lengths) + 1))]
    assert err.splitlines() == [f"{name}: {length:,} characters" for name, length in zip(names, lengths, strict=True)]
    assert all(len(line) <= 80 for line in err.splitlines())


def test_as_json_they_are_one_object_with_the_tiers(config: Path) -> None:
    code, out, _ = render("scp", "--json", config=config)
    found = json.loads(out)
    assert (code, found["schema"], set(found)) == (0, 1, {"schema", "policies", "tiers"})
    assert list(found["policies"]) == ["ownertag", "ownertag-2", "ownertag-3"]
    assert all(policy["Version"] == "2012-10-17" for policy in found["policies"].values())
    tiers = found["tiers"]
    of_ec2 = [(action["action"], action["tiers"]) for action in tiers["actions"] if action["action"].startswith("ec2:")]
    assert len(tiers["actions"]) > len(of_ec2)
    assert of_ec2 == [
        ("ec2:CreateTags", ["guard", "no-forging"]),
        ("ec2:DeleteTags", ["guard"]),
    ]
    assert set(tiers["of_all_services"]) == {tier.value for tier in Tier}


def test_the_tiers_alone_need_no_room(config: Path) -> None:
    config.write_text(SETTINGS + MANY, "utf-8")
    code, out, _ = render("scp", "--tiers", "--json", config=config)
    assert (code, set(json.loads(out))) == (0, {"schema", "tiers"})
    code, out, err = render("scp", "--tiers", config=config)
    assert (code, err) == (0, "")
    assert all(len(line) <= 80 for line in out.splitlines())
    assert set(MEANINGS) == set(Tier) <= {*out.splitlines()}
    assert "    ec2:CreateTags" in out.splitlines()


@pytest.mark.parametrize(
    ("more", "document", "most"),
    [
        ("".join(f'"{"k" * 60}{number}" = "x"\n' for number in range(20)), "the tagger's session policy", "2,048"),
        (
            "[protection]\nbreak_glass = " + str([f"{'r' * 120}{number}" for number in range(60)]) + "\n",
            "statement",
            "5,120",
        ),
    ],
    ids=["keys", "roles"],
)
def test_a_document_that_is_too_long_is_told_with_its_length_and_what_to_do(
    config: Path, tmp_path: Path, more: str, document: str, most: str
) -> None:
    config.write_text(SETTINGS + more, "utf-8")
    code, out, err = render("infra", "--output-dir", str(tmp_path / "out"), config=config)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert re.match(rf"ownertag: {document}.* has [\d,]+ characters, and .* takes {most}: ", err)
    assert "fewer" in err


@pytest.mark.parametrize("command", [("scp",), ("scp", "--json"), ("infra",)])
def test_policies_that_do_not_fit_are_told_in_a_line_and_nothing_is_written(
    config: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    config.write_text(SETTINGS + MANY, "utf-8")
    to = tmp_path / "out"
    code, out, err = render(*command, *(("--output-dir", str(to)) if command == ("infra",) else ()), config=config)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    for said in ("protection.max_policies allows 1", "fewer break-glass roles (now 30)", "The last one would hold"):
        assert said in err
    assert not to.exists()


def test_a_folder_that_can_not_be_written_is_told_in_a_line(config: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", "utf-8")
    code, out, err = render("infra", "--output-dir", str(tmp_path / "file"), config=config)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "can't be written" in err
    assert "--output-dir" in err


def test_a_policy_that_is_not_needed_any_more_goes_from_the_folder_and_nothing_else(
    config: Path, tmp_path: Path
) -> None:
    to = tmp_path / "out"
    assert render("infra", "--output-dir", str(to), config=config)[0] == 0
    held = to / "management"
    kept, last = held / "service_control_policy-of-ours.json", held / "service_control_policy-3.json"
    kept.write_text("{}", "utf-8")
    assert last.exists()
    config.write_text(SETTINGS + "[protection]\nmax_policy_size = 10240\n", "utf-8")
    assert render("infra", "--output-dir", str(to), config=config)[0] == 0
    assert (last.exists(), kept.exists()) == (False, True)
