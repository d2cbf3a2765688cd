"""The cases: rows of TOML, each who does what on what, and whether that is allowed.

A row may name several of each: every one of them must get the answer. `requests` says what the simulator is asked.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from infra.policies.world import AROUND, OF_ACTION, ON, ORGANIZATION_OF, TYPES, WHO, Json, What, Who, rendered

HERE = Path(__file__).parent
NODE = shutil.which("node")
INSTALLED = HERE / "node_modules/@cloud-copilot/iam-simulate/package.json"
MISSING = "needs Node and npm: where they are, `make test` installs iam-simulate, which simulates IAM"

# Actions that ask the policy of the resource itself.
_OF_THE_RESOURCE = (
    "sts:",
    "sqs:",
    "sns:",
    "kms:",
    "events:PutEvents",
    "events:DeleteEventBus",
    "events:DescribeEventBus",
)


class Case(NamedTuple):
    """A row."""

    id: str
    who: tuple[str, ...]
    what: tuple[str, ...]
    on: tuple[str, ...]
    context: Mapping[str, Any]
    allowed: bool
    why: str


class Group(NamedTuple):
    """A file of rows: its title, and the policies that it is about."""

    title: str
    policies: tuple[str, ...]
    cases: tuple[Case, ...]


class Verdict(NamedTuple):
    """What the simulator says of a request: allowed or not, by which statements; or why it can't say."""

    allowed: bool | None
    by: tuple[str, ...]
    error: str = ""


@cache
def groups() -> tuple[Group, ...]:
    """Every row, by file."""
    found = []
    for path in sorted((HERE / "cases").glob("*.toml")):
        plain = tomllib.loads(path.read_text("utf-8"))
        found.append(Group(plain["title"], tuple(plain["policies"]), tuple(map(_case, plain["case"]))))
    return tuple(found)


def _case(plain: Json) -> Case:
    unknown = set(plain) - {"id", "who", "what", "on", "context", "answer", "why"}
    assert not unknown, (plain["id"], unknown)
    assert plain["answer"] in {"allow", "deny"}, plain["id"]

    def many(value: str | list[str]) -> tuple[str, ...]:
        return (value,) if isinstance(value, str) else tuple(value)

    who, what, on = (many(plain[key]) for key in ("who", "what", "on"))
    return Case(plain["id"], who, what, on, plain.get("context", {}), plain["answer"] == "allow", plain["why"])


def every() -> tuple[Case, ...]:
    """Every row."""
    return tuple(case for group in groups() for case in group.cases)


def requests(case: Case) -> list[Json]:
    """What the simulator is asked for a row."""
    found = []
    for name in case.who:
        for action in case.what:
            for place in TYPES if case.on == ("each-type",) else case.on:
                on = ON[OF_ACTION[place].get(action, "any") if place in OF_ACTION else place]
                found.append(_request(f"{case.id}/{name}/{action}/{place}", WHO[name], action, on, case.context))
    return found


def _request(id_: str, who: Who, action: str, on: What, context: Mapping[str, Any]) -> Json:
    asks = action.startswith(_OF_THE_RESOURCE)
    keys: Json = {"aws:ResourceAccount": on.account}
    if who.principal_arn:
        keys["aws:PrincipalArn"] = who.principal_arn
    if who.organization:
        keys["aws:PrincipalOrgID"] = who.organization
    if owner := ORGANIZATION_OF[on.account]:
        keys["aws:ResourceOrgID"] = owner
    return {
        "id": id_,
        "principal": who.arn,
        "action": action,
        "resource": on.arn,
        "account": (who.account or on.account) if on.arn == "*" else on.account,
        "context": keys | dict(context),
        "identity": list(who.identity),
        "session": who.session,
        "scps": [["full-access"], ["full-access", "scp"], ["full-access"]] if who.bound else [],
        "trust": on.policy if asks else None,
    }


def with_other(request: Json, old: str, new: str) -> Json:
    """The request under another policy in the place of one."""

    def swap(name: str | None) -> str | None:
        return new if name == old else name

    return {
        **request,
        "identity": [swap(name) for name in request["identity"]],
        "session": swap(request["session"]),
        "scps": [[swap(name) for name in level] for level in request["scps"]],
        "trust": swap(request["trust"]),
    }


def uses(request: Json, policy: str) -> bool:
    """Whether a policy has a say in a request."""
    attached = [name for level in request["scps"] for name in level]
    return policy in (*attached, *request["identity"], request["session"], request["trust"])


def simulate(asked: Iterable[Json]) -> dict[str, Verdict]:
    """The simulator's answers by the requests' ids."""
    found = {}
    for line in run(asked, rendered() | AROUND):
        assert line["id"] not in found, f"twice: {line['id']}"
        found[line["id"]] = Verdict(line.get("allowed"), tuple(line.get("by", ())), line.get("error", ""))
    return found


def run(lines: Iterable[Json], known: Mapping[str, Json]) -> list[Json]:
    """What `simulate.mjs` answers to these lines, from one process that knows these policies by name."""
    assert NODE is not None
    defined = [{"define": name, "policy": policy} for name, policy in known.items()]
    text = "\n".join(json.dumps(line) for line in [*defined, *lines])
    ran = subprocess.run(
        [NODE, str(HERE / "simulate.mjs")], input=text, capture_output=True, text=True, check=False, timeout=1500
    )
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]
