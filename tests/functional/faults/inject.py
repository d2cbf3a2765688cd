"""How faults are injected, and what is counted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from contracts.emulated import Call
from faults.made import key_of
from faults.row import Inject
from faults.world import World

OLD = timedelta(hours=1)


def fails(
    operation: str, code: str | Exception, status: int = 400, *, times: int | None = None, holding: str = ""
) -> Inject:
    """Makes calls of an operation fail: all, the first so many, or those that hold this text."""

    def inject(world: World) -> None:
        text = {"account a": world.a}.get(holding, holding)

        def when(call: Call) -> bool:
            return text in call.text or text == call.account

        world.wire.fail(operation, code, status, times=times, when=when)

    return inject


def each_code(operation: str, codes: str, status: int = 400, **more: Any) -> dict[str, Inject]:
    """A case for every code."""
    return {code: fails(operation, code, status, **more) for code in codes.split()}


def made(names: str, **fields: Any) -> Inject:
    """A scene."""
    return lambda world: world.make(names, **fields)


def both(*injects: Inject) -> Inject:
    """Injects one fault after the other."""

    def inject(world: World) -> None:
        for one in injects:
            one(world)

    return inject


def counted(**wanted: int) -> Inject:
    """Checks how often operations were called at the last delivery."""

    def check(world: World) -> None:
        assert {name: world.wire.counts[name] for name in wanted} == wanted

    return check


THROTTLED = "back, untagged, open throttled"


DEAD_THROTTLED = "dead throttled, untagged, open throttled"


FORBIDDEN = "back, untagged, open forbidden"


DEAD_FORBIDDEN = "dead forbidden, untagged, open forbidden"


UNSEEN = "back, untagged, decided"


def tags_first(names: str, count: int) -> Inject:
    """Tags the resources before the function does."""

    def inject(world: World) -> None:
        for name in names.split():
            [id_] = world.made[name].ids
            tags = [{"Key": f"key{number}", "Value": "x"} for number in range(count)]
            world.aws.ec2(world.a).create_tags(Resources=[id_], Tags=tags)
            world.undo.append(
                lambda id_=id_: world.aws.ec2(world.a).delete_tags(
                    Resources=[id_], Tags=[{"Key": f"key{n}"} for n in range(3)]
                )  # type: ignore[misc]
            )

    return inject


def one_creation_each(world: World) -> None:
    """Checks that nothing is kept twice, whoever kept it."""
    with world.ledger() as ledger:
        for made_ in world.made.values():
            for id_ in made_.ids:
                kinds = [type(entry).__name__ for entry in ledger.history(key_of(made_, id_))]
                assert kinds == ["Owned", "Ended"], kinds
