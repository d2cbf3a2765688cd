"""Who uses the protected keys today: whom to talk to, and which setting makes their tool leave ours alone."""

from __future__ import annotations

from datetime import UTC, datetime

from ownertag.rollout.deploy.tag_usage import TagUsage, Use
from ownertag.rollout.preflight.check_tag_use import check_tag_use
from ownertag.rollout.preflight.findings import PreflightFinding, Verdict, grouped

WEB, DATA = "333333333333", "444444444444"
AT = datetime(2026, 1, 31, tzinfo=UTC)


def use(account: str, tool: str = "") -> Use:
    return Use(account, f"arn:aws:iam::{account}:role/ci", ("owner",), 7, AT, tool)


def check(*uses: Use, unread: tuple[tuple[str, str], ...] = (), protected: bool = False) -> list[PreflightFinding]:
    return list(check_tag_use(TagUsage(uses, unread), 14, "111111111111", protected=protected))


def test_a_role_of_the_same_name_in_many_accounts_is_one_cause() -> None:
    [group] = grouped(check(use(WEB), use(DATA)))
    assert group.accounts == (WEB, DATA)
    assert f"arn:aws:iam::{WEB}:role/ci writes or removes owner" in group.first.text


def test_a_tool_is_named_with_what_makes_it_leave_our_tags_alone() -> None:
    [found] = check(use(WEB, "Terraform or OpenTofu"))
    assert found.verdict is Verdict.TOLD
    assert "by Terraform or OpenTofu" in found.seen
    assert "7 calls in 14 days; `ownertag render terraform-ignore-tags`" in found.advice
    [plain] = check(use(WEB))
    assert " by " not in plain.seen
    assert "talk to them" in plain.advice


def test_what_follows_depends_on_whether_the_policy_comes() -> None:
    [without] = check(use(WEB))
    [with_policy] = check(use(WEB), protected=True)
    assert "write over each other" in without.seen
    assert "the policy would deny that" in with_policy.seen


def test_nobody_is_fine_only_where_every_history_was_read() -> None:
    [nobody] = check()
    assert nobody.verdict is Verdict.FINE
    [unread] = check(unread=((WEB, f"account {WEB}: can't look up CreateTags in eu-west-1"),))
    assert (unread.verdict, unread.account) == (Verdict.UNKNOWN, WEB)
    assert "not known in full: can't look up CreateTags" in unread.seen
