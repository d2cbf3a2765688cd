"""C16 to C24: denied, switched off, expired, and codes that nobody knows."""

from __future__ import annotations

from datetime import timedelta

from faults.inject import (
    DEAD_FORBIDDEN,
    DEAD_THROTTLED,
    FORBIDDEN,
    OLD,
    THROTTLED,
    UNSEEN,
    counted,
    each_code,
    fails,
    made,
)
from faults.row import WELL, Lasting, Row
from faults.world import World


def _closed(world: World) -> None:
    world.keep_accounts()
    fails("AssumeRole", "AccessDenied", 403, holding="account a")(world)
    world.deliver()
    world.aws.organizations.close_account(AccountId=world.a)
    world.clock.move(timedelta(minutes=10))
    world.keep_accounts()
    world.wait()


def _future(world: World) -> None:
    world.make("a1", age=-timedelta(minutes=15))


ROWS = [
    Row(
        "C16",
        "an SCP denies the tag call in one account",
        "forbidden: comes back up to the dead letters, with one call a batch; others go on",
        {"a1 a2": FORBIDDEN, "*": WELL},
        each_code("CreateTags", "UnauthorizedOperation AccessDeniedException", 403, holding="account a"),
        reason="an SCP or boundary denies it",
        metrics="MessagesDone=2 MessagesReturned=2 Outcome.forbidden=2 Outcome.tagged=2",
        also=counted(CreateTags=2),
        lasting=Lasting(16, {"a1 a2": DEAD_FORBIDDEN, "*": WELL}),
    ),
    Row(
        "C17",
        "denied in other words",
        "as C16: never an empty list",
        {"*": FORBIDDEN},
        each_code("CreateTags", "ForbiddenException AuthorizationErrorException", 403),
        scene=made("La"),
        reason="denied (",
        also=counted(CreateTags=1),
        lasting=Lasting(16, {"*": DEAD_FORBIDDEN}),
    ),
    Row(
        "C17",
        "a question is denied",
        "forbidden, never an empty answer: nothing is written",
        {"*": UNSEEN},
        each_code("DescribeInstances", "UnauthorizedOperation AuthorizationErrorException", 403),
        scene=made("La"),
        reason="denied (",
        also=counted(CreateTags=0),
        lasting=Lasting(16, {"*": "dead forbidden, untagged, decided"}),
    ),
    Row(
        "C18",
        "a code that nobody knows",
        "failed, comes back, and a dead letter at last: unknown is never done",
        {"*": "back, untagged, open failed"},
        {name or "empty": fails("CreateTags", name) for name in ("NobodyKnowsThis", "", "NotFoundish")},
        scene=made("a1 a2", age=OLD),
        reason="AWS refused",
        metrics="MessagesReturned=2 Outcome.failed=2",
        lasting=Lasting(16, {"*": "dead failed, untagged, open failed"}),
    ),
    Row(
        "C19",
        "the role is missing in one account, or does not trust the hub",
        "forbidden for that account, asked once a minute; the others go on",
        {"a1 a2": FORBIDDEN, "La": UNSEEN, "*": WELL},
        {"": fails("AssumeRole", "AccessDenied", 403, holding="account a")},
        scene=made("a1 a2 La b1"),
        reason="denied (AccessDenied)",
        also=counted(AssumeRole=2, CreateTags=1),
        lasting=Lasting(16, {"a1 a2": DEAD_FORBIDDEN, "La": "dead forbidden, untagged, decided", "*": WELL}),
    ),
    Row(
        "C20",
        "STS is not active in the hub's Region",
        "forbidden, and the reason names the Region",
        {"*": FORBIDDEN},
        {"": fails("AssumeRole", "RegionDisabledException", 403)},
        scene=made("a1 a2"),
        reason="Region eu-central-1 is switched off",
        also=counted(AssumeRole=1, CreateTags=0),
        lasting=Lasting(16, {"*": DEAD_FORBIDDEN}),
    ),
    Row(
        "C21",
        "the Region is off in the account or at the hub",
        "forbidden, and the reason names the Region; no new session is asked for",
        {"*": FORBIDDEN},
        each_code("CreateTags", "AuthFailure OptInRequired", 401),
        scene=made("La"),
        reason="Region eu-central-1 is switched off",
        also=counted(AssumeRole=1),
        lasting=Lasting(16, {"*": DEAD_FORBIDDEN}),
    ),
    Row(
        "C21",
        "a question meets a Region that is off",
        "forbidden, and the reason names the Region; no new session is asked for",
        {"*": UNSEEN},
        {"a question": fails("DescribeInstances", "AuthFailure", 401)},
        scene=made("La"),
        reason="Region eu-central-1 is switched off",
        also=counted(AssumeRole=1, CreateTags=0),
    ),
    Row(
        "C22",
        "the session expires within a batch",
        "the role is assumed anew and the call repeated: nothing comes back",
        {"*": WELL},
        each_code("CreateTags", "RequestExpired ExpiredToken ExpiredTokenException", times=1)
        | {"a question": fails("DescribeInstances", "RequestExpired", times=1)},
        scene=made("La"),
        also=counted(AssumeRole=2),
        healed=None,
    ),
    Row(
        "C22",
        "every session is called expired",
        "once anew, then it comes back",
        {"*": THROTTLED},
        {"always": fails("CreateTags", "RequestExpired")},
        scene=made("a1 a2"),
        reason="the session is no longer valid",
        also=counted(AssumeRole=2, CreateTags=2),
        lasting=Lasting(16, {"*": DEAD_THROTTLED}),
    ),
    Row(
        "C23",
        "the clocks differ (SignatureDoesNotMatch and the like)",
        "once anew, then it comes back",
        {"*": THROTTLED},
        each_code("CreateTags", "SignatureDoesNotMatch InvalidSignatureException", 403),
        scene=made("a1 a2"),
        also=counted(AssumeRole=2, CreateTags=2),
    ),
    Row(
        "C23",
        "an event is a quarter of an hour in the future",
        "it is as young as one of now",
        {"*": "back, untagged, open not-ready"},
        {"the future": fails("CreateTags", "InvalidVolume.NotFound")},
        scene=_future,
    ),
    Row(
        "C24",
        "the account is closed or not verified",
        "forbidden, comes back",
        {"*": FORBIDDEN},
        each_code("CreateTags", "Blocked PendingVerification", 403),
        scene=made("a1 a2", age=OLD),
        reason="the account is closed or not yet verified",
        lasting=Lasting(16, {"*": DEAD_FORBIDDEN}),
    ),
    Row(
        "C24",
        "the account has left the list of accounts",
        "refused: it is not one of the organization's, and done",
        {"a1 a2": "done, untagged, open forbidden", "*": WELL},
        {"off the list": _closed},
        metrics="MessagesDone=2 Refused.unknown-account=2",
        healed=None,
    ),
]
