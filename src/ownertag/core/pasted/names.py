"""Reads DNS names that AWS gives to instances and to other resources, and says of the rest what they are the names of.

Forms of instances' names: EC2 user guide, "Amazon EC2 instance hostname types" (by address and by resource; in a domain
of one's own the first part stays: VPC user guide, "DHCP option sets"); of public names: VPC user guide, "DNS attributes
for your VPC". Names of endpoints: AWS PrivateLink guide, "Access an AWS service using an interface VPC
endpoint". Of other services: the endpoints in each one's guide.
"""

from __future__ import annotations

import re

from ownertag.core.addresses import normal_address
from ownertag.core.pasted.endpoints import OF_AWS, REGION, read_endpoint
from ownertag.core.pasted.secrets import repeated
from ownertag.core.pasted.taken import Asked, Pasted, PastedError

#: RFC 1035, with the dots.
MAX_NAME = 253
_QUAD = r"(?P<quad>[0-9]{1,3}(?:-[0-9]{1,3}){3})"
_INTERNAL = rf"(?:(?P<first>ec2)|(?P<region>{REGION})\.compute)\.internal"

_BY_ADDRESS = re.compile(rf"ip-{_QUAD}(?:\.(?:{_INTERNAL}|(?P<own>[a-z0-9.-]+)))?")
_BY_RESOURCE = re.compile(rf"(?P<id>i-[0-9a-f]{{8,17}})\.(?:{_INTERNAL}|(?P<own>[a-z0-9.-]+))")
_PUBLIC = re.compile(rf"ec2-{_QUAD}\.(?:(?P<first>compute-1)|(?P<region>{REGION})\.compute){OF_AWS}")
#: DNS names that hold a resource's id: of an endpoint, of a file system.
_WITH_ID = (
    re.compile(rf"(?:[*a-z0-9.-]+\.)?(?P<id>vpce-[0-9a-f]{{8,17}})-[a-z0-9-]+\.[a-z0-9.-]+\.(?P<region>{REGION})\.vpce{OF_AWS}"),
    re.compile(rf"(?:[a-z0-9-]+\.)?(?P<id>fs-[0-9a-f]{{8,17}})\.(?:efs|fsx)\.(?P<region>{REGION}){OF_AWS}"),
)  # fmt: skip
_OTHERS = tuple(
    (re.compile(form), what)
    for form, what in (
        (rf".+\.rds{OF_AWS}", "a database of RDS"),
        (
            rf".+\.(?:docdb|neptune|redshift|cache|memorydb|es|aoss|kafka|mq){OF_AWS}",
            "a database, cache, broker or domain",
        ),
        (rf".+\.(?:docdb|neptune|redshift|cache|memorydb|es|aoss|kafka|mq)\.{REGION}{OF_AWS}", "a broker or domain"),
        (rf".+\.execute-api\.{REGION}{OF_AWS}", "an API of API Gateway"),
        (rf".+\.lambda-url\.{REGION}\.on\.aws", "a Lambda function's URL"),
        (rf".+\.eks{OF_AWS}", "a cluster of EKS"),
        (rf".+\.dkr\.ecr\.{REGION}{OF_AWS}", "a registry of ECR"),
        (r".+\.elasticbeanstalk\.com", "an environment of Elastic Beanstalk"),
    )
)
_OF_ANY = re.compile(rf".+{OF_AWS}|.+\.(?:api|on)\.aws")
#: A name with dots that is no address: at least two parts, and the last one is letters (RFC 1123, RFC 3696).
_DNS = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}\.?")


def read_name(text: str) -> Pasted | None:
    """What a DNS name of AWS names; None if the text is no DNS name.

    Raises:
        PastedError: It is one by which no resource can be told.
    """
    name = text.lower().removesuffix(".")
    if len(name) > MAX_NAME:
        return None
    if found := _BY_ADDRESS.fullmatch(name):
        return _address("private DNS name", found, "us-east-1")
    if found := _PUBLIC.fullmatch(name):
        return _address("public DNS name", found, "us-east-1")
    if found := _BY_RESOURCE.fullmatch(name):
        region = "us-east-1" if found["first"] else found["region"]
        return Pasted("private DNS name", (Asked(found["id"], region=region),))
    for form in _WITH_ID:
        if found := form.fullmatch(name):
            return Pasted("DNS name", (Asked(found["id"], region=found["region"]),))
    if found_there := read_endpoint(name):
        return found_there
    for other, what in _OTHERS:
        if other.fullmatch(name):
            raise PastedError(
                f"{repeated(name, 256)} is the DNS name of {what}, and does not tell which: paste its name or ARN, or "
                "the address of one of its network interfaces"
            )
    if _OF_ANY.fullmatch(name):
        raise PastedError(
            f"{repeated(name, 256)} is a DNS name of AWS's own that names no resource: paste an id or ARN"
        )
    if _DNS.fullmatch(name):
        raise PastedError(
            f"{repeated(name, 256)} is a DNS name that AWS did not give, so it may lead anywhere: look its address up "
            "(dig +short NAME), and paste that"
        )
    return None


def _address(kind: str, found: re.Match[str], first: str) -> Pasted:
    quad = found["quad"].replace("-", ".")
    address = normal_address(quad)
    if address is None:
        raise PastedError(f"{repeated(found[0], 256)} has the form of a {kind}, but {quad} is no IP address")
    own = found.groupdict().get("own")
    notes = (f"the domain {own[:128]} is not AWS's, so it tells no Region",) if own else ()
    return Pasted(kind, (Asked(address=address, region=first if found["first"] else found["region"]),), notes=notes)
