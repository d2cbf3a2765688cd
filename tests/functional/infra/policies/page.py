"""`docs/explanation/policies.md` from the table of cases: `python -m infra.policies.page FILE` writes it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from infra.policies.cases import Case, Group, every, groups
from infra.policies.conditions import WHY
from infra.policies.world import ON, WHO, rendered

TITLES = {
    "scp": "the service control policy",
    "tagger": "the tagger's role",
    "session": "the session policy of the hub",
    "tagger-trust": "the trust of the tagger's role",
    "forwarder-trust": "the trust of the forwarder's role",
    "bus": "the policy of the hub's bus",
    "forwarder": "the forwarder's role",
    "hub": "the role of the hub's function",
    "queue": "the policy of the hub's queues",
    "undelivered": "the policy of a Region's queue",
    "lambda-trust": "the trust of the hub's role",
    "alarm-key": "the policy of the alarms' key",
    "alarm-topic": "the policy of the alarms' topic",
    "audit-trust": "the trust of the audit and canary roles",
    "audit": "the audit role",
    "canary": "the canary's role",
}

_SETS = {"each-type": "each type of the catalogue", "fitting": "what fits", "ours": "what fits, of ours"}

HEAD = """# What the policies allow, and why

> For whoever reviews the policies before they come to an organization. You will have seen what each condition is
> for, and each case that was asked of them.

Generated from the cases in `tests/functional/infra/policies/cases/` by `make generate`; `make test` runs them.

The policies are rendered from the catalogue and `ownertag.toml` (`src/ownertag/render/`). Each row below is asked
of all policies at once, as AWS would: the service control policies of each level, the caller's own policies, its
session's, and the policy of the role or bus itself. A second test takes every policy apart: without any one
statement, condition or entry of a list, or with its actions or resources widened to `*`, at least one row must
fail.

**These answers are a simulation's**, that of [iam-simulate](https://github.com/cloud-copilot/iam-simulate); nothing
here has been confirmed on AWS yet. Where the simulator has to be told how AWS behaves, that is from AWS's
documentation:

- which principals an SCP binds: root users and delegated administrators of members, but not the management account,
  service-linked roles, services, or callers from outside;
- that a launch with tags asks for `ec2:CreateTags` with `ec2:CreateAction` set, and a DeleteTags without keys has
  no `aws:TagKeys`;
- which keys a forwarded event carries. Whether `aws:SourceArn` is set on the hub's bus where the rule's target has
  a role is unconfirmed, so that key is compared only if it is there; that EventBridge sets `aws:SourceArn` and
  `aws:SourceAccount` when it assumes the forwarder's role is what its page on confused deputies says.

What no service control policy stops: the management account, service-linked roles (a group may propagate an `owner`
of its own), and a SourceIdentity that is set by a SAML or OpenID Connect sign-in or by a caller from outside whom a
member's role trusts. Those who may assume the exempt roles are the roles' own affair.

## What each condition is for

| policy | condition | key | is for |
|---|---|---|---|
"""


def page() -> str:
    """The page, as Markdown."""
    lines = [HEAD.rstrip("\n"), *_conditions(), "", f"## The cases: {len(every())} rows", ""]
    for group in groups():
        lines += _table(group)
    return "\n".join(lines).rstrip("\n") + "\n"


def conditions() -> list[tuple[str, str, str]]:
    """Every condition of the rendered policies once: (policy, operator, key)."""
    found = [
        (name, operator, key)
        for name, document in rendered().items()
        for statement in document["Statement"]
        for operator, keys in statement.get("Condition", {}).items()
        for key in keys
    ]
    return list(dict.fromkeys(found))


def _conditions() -> Iterator[str]:
    for name, operator, key in conditions():
        yield f"| {TITLES[name]} | `{operator}` | `{key}` | {WHY[name, operator, key]} |"


def _table(group: Group) -> Iterator[str]:
    yield f"### {group.title}"
    yield ""
    yield "| case | who | does | on | with | answer | why |"
    yield "|---|---|---|---|---|---|---|"
    yield from map(_row, group.cases)
    yield ""


def _row(case: Case) -> str:
    who = "; ".join(WHO[name].says for name in case.who)
    what = " ".join(f"`{action}`" for action in case.what)
    on = "; ".join(_SETS.get(name) or ON[name].says for name in case.on)
    context = "<br>".join(f"`{key}` = {_value(value)}" for key, value in case.context.items())
    answer = "allowed" if case.allowed else "**denied**"
    return f"| {case.id} | {who} | {what} | {on} | {context} | {answer} | {case.why} |"


def _value(value: str | list[str]) -> str:
    return ", ".join(f"`{each}`" for each in ([value] if isinstance(value, str) else value))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), "utf-8")
