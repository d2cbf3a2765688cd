"""`docs/explanation/policies.md` from the table of cases: `python -m infra.policies.page FILE` writes it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from harness import fixtures
from infra.policies import all_services, services
from infra.policies.cases import Case, Group, every, groups
from infra.policies.conditions import WHY
from infra.policies.matrix import ASKING, CARRIES, RULE, Action, asked
from infra.policies.world import ON, WHO, rendered
from ownertag.catalogue import tag_actions
from ownertag.render.pages import tiers_page

TITLES = {
    "scp": "the service control policy",
    "tagger": "the policies of the tagger's role",
    "session": "the session policies of the hub",
    "removal": "the session policies of the hub that undo a run",
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
    "audit-trust": "the trust of the audit, canary and redrive roles",
    "audit": "the audit role",
    "canary": "the canary's role",
    "redrive": "the redrive role",
}

_SETS = {"each-type": "each type of the catalogue", "fitting": "what fits", "ours": "what fits, of ours"}

HEAD = """# IAM policies: conditions and cases

> For whoever reviews the policies before they are deployed. You will have seen what each condition is for, and the
> answer to each simulated case.

Generated from the cases in `tests/functional/infra/policies/cases/` by `make generate`; `make test` runs them.

The policies are rendered from the catalogue and `ownertag.toml` (`src/ownertag/render/`). Each row below is evaluated
by all policies at once, as on AWS: the service control policies of each level, the caller's own policies, its
session's, and the policy of the role or bus itself. A second test takes every policy apart: without any one
statement, condition or entry of a list, or with its actions or resources widened to `*`, at least one row must
fail.

**These answers are from a simulation** by [iam-simulate](https://github.com/cloud-copilot/iam-simulate); nothing
here has been confirmed on AWS yet. Where the simulator has to be told how AWS behaves, that is from AWS's
documentation:

- which principals an SCP binds: root users and delegated administrators of members, but not the management account,
  service-linked roles, services, or callers from outside;
- that a key of KMS asks its own policy as well: one that does not let the account's policies count can't be tagged;
- that a launch with tags asks for `ec2:CreateTags` with `ec2:CreateAction` set, and a DeleteTags without keys has
  no `aws:TagKeys`;
- which keys a forwarded event carries. No source shows that `events:source`, `events:detail-type` and
  `events:eventBusInvocation` are there on a rule's delivery, nor `aws:SourceArn` where its target has a role: the bus
  compares each if it is there, and the cases ask both ways;
- that EventBridge sets `aws:SourceArn` and `aws:SourceAccount` when it assumes the forwarder's role is what its page on
  confused deputies says.

Where none of these keys is there, the bus still demands the organization and the forwarder's role. A member's
administrator who has changed that role's trust, or made a rule `ownertag-…` (without the service control policy nothing
stops either), could then put events of other sources on the bus. The hub's rule takes AWS's sources and CloudTrail's
type alone, and `parse` asks again; EventBridge takes no source that begins with `aws.` from a customer, and writes the
sender's account into each event itself. Such an event could look like [a finding](../reference/json.md) to a rule of
yours: match `account` with the hub's.

What no service control policy stops:

- the management account, service-linked roles (a group may propagate an `owner` of its own), and a SourceIdentity that
  is set by a SAML or OpenID Connect sign-in or by a caller from outside whom a member's role trusts;
- whoever may assume an exempt role. **Roles that copy tags** are among these (AWS Backup's and DLM's service roles by
  default, `protection.tag_copying_roles`): they do it by calls of their own, so they may write our keys where no owner
  stands yet, and a member can make or take a role of that name and path. What is written so is a finding, and is
  asserted at most, as any owner tag that the ledger does not know. `tag_copying_roles = []` closes this where there are
  no such backups;
- an owner that a creation's request sets for a type that AWS's sources do not name for that operation: the
  statements are exact for each pair of an operation and a type that the authorization reference or EC2's model has;
- `account:PutAccountName` and `account:EnableRegion`, which are not denied. `ownertag doctor` reports a Region that an
  account alone has enabled. It does not report a changed name: no tag and no decision uses an account's name, and
  nothing keeps the earlier one.

## What each condition is for

| policy | condition | key | is for |
|---|---|---|---|
"""


def page() -> str:
    """The page, as Markdown."""
    lines = [HEAD.rstrip("\n"), *_conditions(), "", *_tiers(), f"## The cases: {len(every())} rows", ""]
    for group in groups():
        lines += _table(group)
    return "\n".join(lines).rstrip("\n") + "\n"


def _tiers() -> Iterator[str]:
    """What the policy does by tier, and the rule that the matrix is computed from, with its number of cases."""
    of_ec2, of_others = len(list(services.of_ec2())), len(list(services.of_others()))
    of_services, of_tagger = len(list(all_services.of_policies())), len(list(all_services.of_tagger()))
    yield from ("## What each tier does", "", tiers_page(fixtures.catalogue(), tag_actions.load_tag_actions()), "")
    yield f"## The matrix: {of_ec2 + of_others + of_services + of_tagger:,} cases"
    yield ""
    yield f"{of_ec2:,} of EC2, {of_services:,} of every other service of the catalogue, {of_others:,} of actions of"
    yield f"each kind, written by hand, and {of_tagger:,} of what the tagger may do to each type. Denied are:"
    yield ""
    yield "| way | is | to |"
    yield "|---|---|---|"
    yield from (f"| {way} | {says} | {', '.join(sorted(kinds))} |" for way, (says, kinds) in RULE.items())
    yield ""
    yield "For each action, with a key of ours or with none (all tags): who is denied, by what the resource carries."
    yield "Break-glass and service-linked roles never are. A dash: the action carries no `aws:ResourceTag`."
    yield ""
    yield f"| action | with | {' | '.join(CARRIES)} |"
    yield f"|---|---|{'---|' * len(CARRIES)}"
    for action in dict.fromkeys(
        action._replace(arn="*") for action in (*services.EC2_ACTIONS, *services.OTHER_ACTIONS)
    ):
        yield from _denied(action)
    yield ""


def _denied(action: Action) -> Iterator[str]:
    found: dict[str, dict[str, set[str]]] = {}
    for case in asked(action):
        *_, keys, carries, who = case.id.split("/")
        if keys in {"our key", "all"}:
            found.setdefault(keys, {}).setdefault(carries, set()).update(set() if case.allowed else {ASKING[who]})
    name = f"`{action.name}`{' with ABAC' if action.abac else ''}"
    for keys, by_tags in found.items():
        told = [(", ".join(sorted(by_tags[carry])) or "nobody") if carry in by_tags else "-" for carry in CARRIES]
        yield f"| {name} | {keys} | {' | '.join(told)} |"


def conditions() -> list[tuple[str, str, str]]:
    """Every condition of the rendered policies once: (policy, operator, key).

    Policies of one kind have the same conditions, and so have the services with a CreateAction key.
    """
    found = [
        (_kind(name), operator, re.sub(r"^[a-z0-9-]+(?=:CreateAction$)", "…", key))
        for name, document in rendered().items()
        for statement in document["Statement"]
        for operator, keys in statement.get("Condition", {}).items()
        for key in keys
    ]
    return list(dict.fromkeys(found))


def _kind(name: str) -> str:
    """The first of the policies of a kind: `session` for `session-2`, `tagger` for the managed ones."""
    return re.sub(r"-\d+$", "", name.removeprefix("ownertag-"))


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
    return ", ".join(f"`{item}`" for item in ([value] if isinstance(value, str) else value))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), "utf-8")
