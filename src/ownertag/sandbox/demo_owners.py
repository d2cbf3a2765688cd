"""The demo's instances that do not say whose they are, and what `whois` says of them from the hub's table.

They are launched by an Auto Scaling group, a stack, another instance, a chain of roles, and somebody whose session
bears another person's name. The demo tells of them as a night on which they misbehave.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from ownertag.core.addresses import read_address
from ownertag.flows.whois import Wanted, WhoisAnswer, whois
from ownertag.ledger.dynamodb import DynamoLedger
from ownertag.ledger.dynamodb_client import DynamoDBClient
from ownertag.ledger.port import Reader
from ownertag.render.documents import LEDGER_TABLE
from ownertag.sandbox.demo_launches import IMAGE, PATIENCE_SECONDS, step
from ownertag.sandbox.organization import sandbox_session
from ownertag.sandbox.personas import ACCOUNTS, HOME_REGION, HUB, PERSONAS, Persona
from ownertag.sandbox.sandbox import Sandbox

_LAUNCH = {"ImageId": IMAGE, "InstanceType": "t3.micro"}
_ONE = {**_LAUNCH, "MinCount": 1, "MaxCount": 1}


@dataclass(frozen=True)
class OwnerCase:
    """How an instance is launched, and what `whois` has to say of it.

    Attributes:
        who: The name of the persona that owns it.
        did: What that persona does.
        how: How the instance was launched.
        launch: Launches the instance and returns its id.
        evidence: The evidence by which its owner has to be found.
        confidence: The confidence of that owner.
        claimed: The name of somebody else that its session bears.
        gone: Whether it is terminated before `whois` is asked; its address is then asked for as well.
    """

    who: str
    did: str
    how: str
    launch: Callable[[Sandbox, Persona], str]
    evidence: str
    confidence: str = "inferred"
    claimed: str = ""
    gone: bool = False

    @property
    def persona(self) -> Persona:
        """The persona that owns the instance."""
        return next(persona for persona in PERSONAS if persona.name == self.who)


#: A case, and its instance's id.
Launched = tuple[OwnerCase, str]


@dataclass
class OwnerAnswer:
    """The answer of `whois` for an id or an address, and what is wrong with it."""

    case: OwnerCase
    id: str
    asked: str
    answer: WhoisAnswer | None
    problems: list[str] = field(default_factory=list)

    @property
    def claimed(self) -> str | None:
        """The name of somebody else that the session bore, as the answer has it."""
        created = self.answer.created if self.answer else None
        return created.actor.session if created and self.case.claimed else None

    def as_object(self) -> dict[str, Any]:
        """The answer for `--json`; `docs/reference/json.md` describes the fields."""
        case, owner = self.case, self.answer.owner if self.answer else None
        return {
            "schema": 1,
            "part": "night",
            "asked": self.asked,
            "id": self.id,
            "account": case.persona.account,
            "account_name": ACCOUNTS[case.persona.account],
            "region": case.persona.region,
            "how": case.how,
            "terminated": case.gone,
            "owner": owner and owner.name,
            "evidence": owner and owner.evidence,
            "confidence": owner and owner.confidence.value,
            "via": list(owner.via) if owner else [],
            "claimed": self.claimed,
            "problems": self.problems,
        }

    def lines(self) -> list[str]:
        """The answer for a person: owner, confidence, evidence, and the hops to the owner."""
        if self.answer is None:
            return [f"{self.asked:<20} nobody knows"]
        owner, how = self.answer.owner, self.case.how
        if self.claimed:
            how += f" that goes by {self.claimed}, which is not believed"
        if self.case.gone:
            how += "; terminated by then"
        way = " and ".join([", ".join(owner.via[:-1]), *owner.via[-1:]]).removeprefix(" and ")
        return [
            f"{self.asked:<20} {owner.name}, {owner.confidence.value} by {owner.evidence}: {how}",
            f"  through {way}",
        ]


def launch_cases(sandbox: Sandbox, say: Callable[[str], None]) -> list[Launched]:
    """Launches an instance for each case.

    Args:
        sandbox: A running sandbox, with the hub's function.
        say: Takes a line of progress.
    """
    launched = []
    for case in CASES:
        say(step(case.persona, case.did))
        launched.append((case, case.launch(sandbox, case.persona)))
    return launched


def ask_owners(sandbox: Sandbox, launched: Sequence[Launched]) -> list[OwnerAnswer]:
    """Asks `whois` for each instance once the hub has decided; for a terminated one, also by its address."""
    told: list[OwnerAnswer] = []
    with closing(sandbox.client(sandbox.account_session(HUB, HOME_REGION), "dynamodb")) as dynamodb:
        reader = DynamoLedger(DynamoDBClient(dynamodb, LEDGER_TABLE))
        until = time.monotonic() + PATIENCE_SECONDS
        for case, id_ in launched:
            _wait(reader, id_, until)
            asked = [id_, _terminated(sandbox, case.persona, id_)] if case.gone else [id_]
            told += [check_owner(case, id_, query, reader) for query in asked]
    return told


# --- asking


def _wait(reader: Reader, id_: str, until: float) -> None:
    """Waits until the hub has decided and awaits nothing more."""
    while time.monotonic() < until:
        answer = _ask(reader, id_, id_)
        if answer is not None and not answer.provisional:
            return
        time.sleep(0.2)


def _ask(reader: Reader, asked: str, id_: str) -> WhoisAnswer | None:
    address = read_address(asked)
    told = whois(Wanted("" if address else asked, address), reader)
    return next((answer for answer in told.answers if answer.id == id_), None)  # others may have had the address


def check_owner(case: OwnerCase, id_: str, asked: str, reader: Reader) -> OwnerAnswer:
    """Asks `whois` by an id or address, and compares the answer with the case."""
    told = OwnerAnswer(case, id_, asked, _ask(reader, asked, id_))
    if told.answer is None:
        told.problems.append(f"whois does not know {asked}")
        return told
    owner = told.answer.owner
    found = (owner.name, owner.confidence.value, owner.evidence)
    wanted = (case.persona.owner, case.confidence, case.evidence)
    if found != wanted:
        told.problems.append(f"whois says of {asked}: {', '.join(found)}; it is: {', '.join(wanted)}")
    if case.claimed and told.claimed != case.claimed:
        told.problems.append(f"{asked} was not launched by a session that goes by {case.claimed}")
    return told


def _terminated(sandbox: Sandbox, persona: Persona, id_: str) -> str:
    """Terminates an instance and returns the address that it had."""
    with closing(sandbox.client(sandbox.account_session(persona.account, persona.region), "ec2")) as ec2:
        [reservation] = ec2.describe_instances(InstanceIds=[id_])["Reservations"]
        ec2.terminate_instances(InstanceIds=[id_])
    return str(reservation["Instances"][0]["PrivateIpAddress"])


# --- launching


def _by_group(sandbox: Sandbox, persona: Persona) -> str:
    session, zone = sandbox.session(persona.name), f"{persona.region}a"
    with closing(sandbox.client(session, "ec2")) as ec2:
        template = ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=_LAUNCH)["LaunchTemplate"]
    with closing(sandbox.client(session, "autoscaling")) as scaling:
        scaling.create_auto_scaling_group(
            AutoScalingGroupName="web",
            MinSize=1,
            MaxSize=2,
            AvailabilityZones=[zone],
            LaunchTemplate={"LaunchTemplateId": template["LaunchTemplateId"], "Version": "1"},
        )
        [group] = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=["web"])["AutoScalingGroups"]
    return str(group["Instances"][0]["InstanceId"])


def _by_stack(sandbox: Sandbox, persona: Persona) -> str:
    role = _role(sandbox, persona, "deployment", {"Service": "cloudformation.amazonaws.com"})
    template = {"Resources": {"Server": {"Type": "AWS::EC2::Instance", "Properties": _LAUNCH}}}
    with closing(sandbox.client(sandbox.session(persona.name), "cloudformation")) as stacks:
        stacks.create_stack(StackName="shop", TemplateBody=json.dumps(template), RoleARN=role)
        [server] = stacks.describe_stack_resources(StackName="shop")["StackResources"]
    return str(server["PhysicalResourceId"])


def _by_instance(sandbox: Sandbox, persona: Persona) -> str:
    role = _role(sandbox, persona, "worker", {"Service": "ec2.amazonaws.com"})
    with closing(sandbox.client(sandbox.account_session(persona.account), "iam")) as iam:
        iam.create_instance_profile(InstanceProfileName="worker")
        iam.add_role_to_instance_profile(InstanceProfileName="worker", RoleName=role.rpartition("/")[2])
    with closing(sandbox.client(sandbox.session(persona.name), "ec2")) as ec2:
        first = ec2.run_instances(**_ONE, IamInstanceProfile={"Name": "worker"})["Instances"][0]["InstanceId"]
    with closing(sandbox.client(sandbox.instance_session(persona.account, persona.region, first), "ec2")) as ec2:
        return _launched(ec2)


def _by_chain(sandbox: Sandbox, persona: Persona) -> str:
    role = _role(sandbox, persona, "release", {"AWS": persona.account})
    with closing(sandbox.client(sandbox.session(persona.name), "sts")) as sts:
        given = sts.assume_role(RoleArn=role, RoleSessionName="nightly")["Credentials"]
    keys = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    with closing(sandbox.client(sandbox_session(keys, persona.region), "ec2")) as ec2:
        return _launched(ec2)


def _by_session(sandbox: Sandbox, persona: Persona) -> str:
    with closing(sandbox.client(sandbox.session(persona.name), "ec2")) as ec2:
        return _launched(ec2)


def _launched(ec2: Any) -> str:
    return str(ec2.run_instances(**_ONE)["Instances"][0]["InstanceId"])


def _role(sandbox: Sandbox, persona: Persona, name: str, trusted: dict[str, str]) -> str:
    """Creates a role in the persona's account, as its administrator, and returns the ARN."""
    statement = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    with closing(sandbox.client(sandbox.account_session(persona.account), "iam")) as iam:
        return str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy)["Role"]["Arn"])


CASES: Sequence[OwnerCase] = (
    OwnerCase(
        "alice",
        "creates an Auto Scaling group, which launches an instance",
        "launched by an Auto Scaling group",
        _by_group,
        "auto-scaling-group",
    ),
    OwnerCase(
        "carol",
        "creates a stack with a service role, which launches an instance",
        "launched by a stack",
        _by_stack,
        "stack",
    ),
    OwnerCase(
        "frank",
        "launches an instance, which launches another",
        "launched by another instance",
        _by_instance,
        "instance",
    ),
    OwnerCase(
        "dave",
        "assumes a second role from the first, and launches an instance",
        "launched by a chain of roles with SourceIdentity",
        _by_chain,
        "source-identity",
        "asserted",
    ),
    OwnerCase(
        "erin",
        "launches an instance in a session named after carol",
        "launched in a session",
        _by_session,
        "session-chain",
        claimed="carol@example.com",
        gone=True,
    ),
)
