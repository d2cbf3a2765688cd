"""C1 to C6: throttles, AWS not well, and no answer."""

from __future__ import annotations

from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)

from contracts.emulated import Call, error
from faults import proxy
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
from faults.row import WELL, Inject, Lasting, NotBuilt, Row
from faults.world import World
from ownertag.aws.credentials import client_config


def on_the_wire(name: str) -> Inject:
    """What the proxy does to every CreateTags."""

    def inject(world: World) -> None:
        assert world.proxy is not None
        world.proxy.faults["CreateTags"] = getattr(proxy, name)

    return inject


URL = "https://ec2.eu-central-1.amazonaws.com/"


BROKEN: list[BotoCoreError] = [
    ConnectTimeoutError(endpoint_url=URL),
    ReadTimeoutError(endpoint_url=URL),
    ConnectionClosedError(endpoint_url=URL),
    EndpointConnectionError(endpoint_url=URL),
    ProxyConnectionError(proxy_url=URL),
    SSLError(endpoint_url=URL, error=ValueError("cut")),
    IncompleteReadError(actual_bytes=1, expected_bytes=2),
]


IMPATIENT = Config(connect_timeout=1, read_timeout=1.5, retries={"mode": "standard", "total_max_attempts": 1})


def _bucket(world: World) -> None:
    """EC2's own model: so many calls of an account and Region at once, then none."""
    left = {world.a: 3}

    def rule(call: Call) -> AWSResponse | None:
        if call.operation != "CreateTags" or call.account not in left:
            return None
        left[call.account] -= 1
        return error(call, "RequestLimitExceeded", 503) if left[call.account] < 0 else None

    world.wire.rule(rule)


def _each_by_somebody_else(world: World) -> None:
    for number in range(1, 6):
        world.make(f"a{number}", user=f"user{number}", requestID=str(number))
    world.make("b1 b2")


ROWS = [
    Row(
        "C1",
        "EC2 throttles one account (RequestLimitExceeded)",
        "its messages come back, those of other accounts are done",
        {"a1 a2": THROTTLED, "*": WELL},
        {"": fails("CreateTags", "RequestLimitExceeded", 503, holding="account a")},
        reason="throttled (RequestLimitExceeded)",
        metrics="MessagesDone=2 MessagesReturned=2 Outcome.tagged=2 Outcome.throttled=2",
        lasting=Lasting(16, {"a1 a2": DEAD_THROTTLED, "*": WELL}),
        also=counted(CreateTags=2),
    ),
    Row(
        "C1",
        "EC2's bucket of calls runs empty within a batch",
        "what it has is used; the rest of that account comes back without further calls",
        {"a4 a5": THROTTLED, "*": WELL},
        {"bucket": _bucket},
        scene=_each_by_somebody_else,
        metrics="MessagesDone=5 MessagesReturned=2 Outcome.tagged=5 Outcome.throttled=2",
        also=counted(CreateTags=5),
    ),
    Row(
        "C1",
        "EC2 throttles twice and then answers",
        "the SDK's own retries end it: nothing comes back",
        {"*": WELL},
        {"retried by the SDK": fails("CreateTags", "RequestLimitExceeded", 503, times=2)},
        scene=made("a1"),
        config=client_config(),
        metrics="MessagesDone=1 Outcome.tagged=1",
        also=counted(CreateTags=3),
        healed=None,
    ),
    Row(
        "C2",
        "a throttle in another spelling",
        "the same: throttled, comes back",
        {"*": THROTTLED},
        each_code(
            "CreateTags",
            "ThrottlingException TooManyRequestsException ThrottledClientException RateLimitExceededException",
        ),
        scene=made("a1 a2"),
        reason="throttled (",
        metrics="MessagesReturned=2 Outcome.throttled=2",
        also=counted(CreateTags=1),
    ),
    Row(
        "C4",
        "the service takes no more tags (LimitExceededException)",
        "forbidden with the service's word; the owner's tag is tried alone",
        {"*": FORBIDDEN},
        {"": fails("CreateTags", "LimitExceededException")},
        scene=made("a1 a2"),
        reason="takes no more tags (LimitExceededException)",
        metrics="MessagesReturned=2 Outcome.forbidden=2",
        lasting=Lasting(16, {"*": DEAD_FORBIDDEN}),
    ),
    Row(
        "C5",
        "AWS is not well (HTTP 500 to 504, known codes and unknown ones)",
        "throttled, comes back",
        {"*": THROTTLED},
        {
            f"{code} {status}": fails("CreateTags", code, status)
            for code, status in [
                ("InternalError", 500),
                ("New", 502),
                ("Unavailable", 503),
                ("New", 504),
            ]
        },
        scene=made("a1 a2", age=OLD),
        metrics="MessagesReturned=2 Outcome.throttled=2",
        also=counted(CreateTags=1),
    ),
    Row(
        "C5",
        "something on the way answers 502 in HTML",
        "throttled, comes back",
        {"*": THROTTLED},
        {"over a socket": on_the_wire("gateway")},
        scene=made("a1 a2", age=OLD),
        metrics="MessagesReturned=2 Outcome.throttled=2",
        over_http=True,
        config=IMPATIENT,
    ),
    Row(
        "C6",
        "no answer to a tag call, which was not carried out",
        "outcome unknown: comes back; nothing is split, each call would wait for its timeout",
        {"*": THROTTLED},
        {type(broken).__name__: fails("CreateTags", broken) for broken in BROKEN},
        scene=made("a1 a2", age=OLD),
        reason="whether it was done is not known",
        metrics="MessagesReturned=2 Outcome.throttled=2",
        also=counted(CreateTags=1),
    ),
    Row(
        "C6",
        "no answer to a question (AssumeRole, DescribeAccount, DescribeInstances)",
        "the fact is unavailable, never absent: comes back",
        {"*": "back, untagged, open throttled"},
        {"AssumeRole": fails("AssumeRole", BROKEN[1])},
        scene=made("a1 a2", age=OLD),
        reason="throttled: ",
    ),
    Row(
        "C6",
        "no answer to a question (DescribeAccount)",
        "the fact is unavailable, never absent: comes back, and nothing is kept of an account that is not known",
        {"*": "back, untagged, unknown"},
        {"DescribeAccount": fails("DescribeAccount", BROKEN[2])},
        scene=made("a1 La"),
        reason="throttled: ",
        also=counted(AssumeRole=0, CreateTags=0),
    ),
    Row(
        "C6",
        "no answer to a question (DescribeInstances)",
        "the fact is unavailable, never absent: comes back",
        {"*": UNSEEN},
        {"DescribeInstances": fails("DescribeInstances", BROKEN[1])},
        scene=made("La"),
        reason="throttled: ",
        also=counted(CreateTags=0),
    ),
    Row(
        "C6",
        "a tag call's connection is reset before it was done",
        "outcome unknown: comes back",
        {"*": THROTTLED},
        {"reset over a socket": on_the_wire("refuse_at_once")},
        scene=made("a1 a2"),
        reason="whether it was done is not known",
        over_http=True,
        config=IMPATIENT,
    ),
    Row(
        "C6",
        "a tag call is done, and its answer is lost (reset, cut, or later than the timeout)",
        "outcome unknown: comes back, and the repeat changes nothing",
        {"*": "back, tagged, open throttled"},
        {f"{name} over a socket": on_the_wire(name) for name in ("reset", "hang", "cut")},
        scene=made("a1 a2"),
        reason="whether it was done is not known",
        over_http=True,
        config=IMPATIENT,
    ),
]


NOT_BUILT = [
    NotBuilt(
        "C3",
        "a throttle within a 200 (FailedResourcesMap of the tagging API)",
        "no type is tagged by the tagging API yet",
    ),
]
