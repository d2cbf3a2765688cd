"""Commands that mend what a check found, ready to paste: with every id, the Region, the profile and the settings."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from ownertag.core.arn import parse_role


class Command(Struct, frozen=True):
    """A command of the AWS CLI, or of ours; `account` is the one whose credentials it needs.

    None stands for the management account, which `ownertag deploy` runs in.
    """

    program: str
    words: tuple[str, ...]
    account: str | None
    region: str | None = None


def aws(account: str, region: str | None, *words: str) -> Command:
    """A command of the AWS CLI; without a Region for a service that has none."""
    return Command("aws", words, account, region)


def apply(recreate: str = "", *, retry: bool = False) -> Command:
    """`ownertag deploy apply`; with an account, everything in it is made anew, what was changed by hand as well.

    With `retry`, where a Region was denied as well.
    """
    more = (*(("--retry",) if retry else ()), *(("--recreate", recreate) if recreate else ()))
    return Command("ownertag", ("deploy", "apply", *more), None)


def redrive(hub: str, queue: str, *, account: str = "", region: str = "") -> Command:
    """`ownertag redrive` of one kind of queue, with credentials of the hub's account; of one place if it is named."""
    place = (*(("--accounts", account) if account else ()), *(("--regions", region) if region else ()))
    return Command("ownertag", ("redrive", "--queue", queue, *place), hub)


def compact(document: Any) -> str:
    """A document as the argument of a command."""
    return json.dumps(document, separators=(",", ":"), sort_keys=True)


class Caller(Struct, frozen=True):
    """How doctor was called: what its commands repeat.

    `profiles` has a profile for each account that one is known of; None stands for the default credentials.
    """

    management: str
    profiles: Mapping[str, str | None] = {}
    config: str = ""
    endpoint_url: str = ""


#: Commands of ownertag that refuse options of AWS, since they call none.
_WITHOUT_AWS = {"render"}


def line(command: Command, caller: Caller) -> str:
    """The command as it is typed in a shell."""
    account = command.account or caller.management
    words = [command.program, *command.words]
    if command.region:
        words += ["--region", command.region]
    if command.program == "ownertag" and caller.config:
        words += ["--config", caller.config]
    calls_aws = command.program != "ownertag" or command.words[0] not in _WITHOUT_AWS
    if calls_aws and (profile := caller.profiles.get(account)):
        words += ["--profile", profile]
    if calls_aws and caller.endpoint_url:
        words += ["--endpoint-url", caller.endpoint_url]
    return shlex.join(words)


def known(command: Command, caller: Caller) -> bool:
    """Whether the caller's files have a profile for it, or the default credentials are of its account."""
    return (command.account or caller.management) in caller.profiles


def merged(commands: Iterable[Command]) -> tuple[Command, ...]:
    """The commands, each once; those that make accounts anew become one that names all of these accounts."""
    found: dict[Command, None] = {}
    accounts: dict[str, None] = {}
    for command in commands:
        if command.words[:-1] == apply("x").words[:-1] and command.program == "ownertag":
            accounts |= dict.fromkeys(command.words[-1].split(","))
        else:
            found[command] = None
    return (*((apply(",".join(accounts)),) if accounts else ()), *found)


# --- which profile is an account's

#: A profile of one of these is for looking only.
_READERS = re.compile("read|view|audit|billing|support|monitor", re.IGNORECASE)
_ADMINISTRATORS = re.compile("admin|organizationaccountaccess|controltowerexecution", re.IGNORECASE)


def profiles(
    config: Mapping[str, Mapping[str, Any]], own: str = "", own_profile: str | None = None
) -> dict[str, str | None]:
    """A profile for each account that the AWS configuration has one of.

    An account is known by `role_arn`, `sso_account_id` or `aws_account_id` (doc: AWS SDKs and Tools, settings
    reference). Of several, an administrator's is taken before others, and one that is named for reading never.

    Args:
        config: The profiles of the AWS config and credentials files, by name.
        own: The account of the caller's credentials.
        own_profile: The caller's own profile, which stands for that account; None for the default credentials.
    """
    ranked: dict[str, list[tuple[bool, int, str]]] = {}
    for number, (name, profile) in enumerate(config.items()):
        role = str(profile.get("role_arn") or "")
        found = parse_role(role)
        account = found.account if found else str(profile.get("sso_account_id") or profile.get("aws_account_id") or "")
        said = f"{name} {found.name if found else ''} {profile.get('sso_role_name') or ''}"
        if account and not _READERS.search(said):
            ranked.setdefault(account, []).append((not _ADMINISTRATORS.search(said), number, name))
    chosen: dict[str, str | None] = {account: min(found)[2] for account, found in ranked.items()}
    return {**chosen, **({own: own_profile} if own else {})}
