"""Reads the names and URLs by which services are reached that hold a resource's name: of databases, queues, images.

Forms, by each service's guide: RDS, "Finding the connection information" and Aurora, "Endpoint connections"; DocumentDB
and Neptune, the same; Elastic Load Balancing, "DNS name" of each kind; API Gateway, "Invoke REST APIs"; OpenSearch
Service, "Creating domains" and "Serverless collections"; Redshift, "Configuring connections"; MSK, "Bootstrap brokers";
ElastiCache, "Finding connection endpoints"; MemoryDB, the same; Transfer Family, "Server endpoint"; Cognito, "Verifying
JWTs" (issuers); SQS, "Queue and message identifiers"; ECR, "Private registry"; CodeArtifact, "Repository endpoints";
CodeCommit, "HTTPS connections".
"""

from __future__ import annotations

import re

from msgspec import Struct

from ownertag.core.addresses import normal_name
from ownertag.core.arn import Arn, partition_of
from ownertag.core.pasted.taken import Asked, Pasted

REGION = r"[a-z]{2,4}(?:-[a-z]+){1,2}-[0-9]{1,2}"
OF_AWS = r"\.amazonaws\.com(?:\.cn)?"
_IN = rf"(?P<region>{REGION})"
#: The letters and digits that RDS and others put into the names of one account and Region.
_OF_ACCOUNT = r"[a-z0-9]{6,14}"
_ACCOUNT = r"(?P<account>[0-9]{12})"


class _Name(Struct, frozen=True):
    """A form of names, what it is the name of in words, and the type of what its group `id` names."""

    form: str
    kind: str
    type: str


class _Place(Struct, frozen=True):
    """A form of URLs without the scheme that hold account, Region and name, and the ARN of those."""

    form: str
    kind: str
    service: str
    resource: str = "{id}"


_NAMES = (
    _Name(rf"(?P<id>[a-z][a-z0-9-]*)\.cluster-(?:ro-)?{_OF_ACCOUNT}\.{_IN}\.(?:rds|docdb|neptune){OF_AWS}",
          "DNS name of a database cluster", "rds:cluster"),
    _Name(rf"(?P<id>[a-z][a-z0-9-]*)\.cluster-custom-{_OF_ACCOUNT}\.{_IN}\.(?:rds|neptune){OF_AWS}",
          "DNS name of a cluster's custom endpoint", "rds:cluster-endpoint"),
    _Name(rf"(?P<id>[a-z][a-z0-9-]*)\.{_OF_ACCOUNT}\.{_IN}\.(?:rds|docdb|neptune){OF_AWS}",
          "DNS name of a database", "rds:db"),
    _Name(rf"(?:dualstack\.|ipv6\.)?(?:internal-)?(?P<id>[a-z0-9-]+)-[0-9]+\.{_IN}\.elb{OF_AWS}",
          "DNS name of a load balancer", "elasticloadbalancing:loadbalancer"),
    _Name(rf"(?P<id>[a-z0-9-]+)-[0-9a-f]{{16}}\.elb\.{_IN}{OF_AWS}",
          "DNS name of a load balancer", "elasticloadbalancing:loadbalancer"),
    _Name(rf"(?P<id>[a-z0-9]{{10}})(?:-vpce-[0-9a-f]{{8,17}})?\.execute-api\.{_IN}{OF_AWS}",
          "host of API Gateway", "apigateway:"),
    _Name(rf"(?:search|vpc)-(?P<id>[a-z][a-z0-9-]{{2,27}})-[a-z0-9]{{26}}\.{_IN}\.es{OF_AWS}",
          "DNS name of an OpenSearch domain", "es:domain"),
    _Name(rf"(?P<id>[a-z0-9]{{3,40}})\.{_IN}\.aoss{OF_AWS}",
          "DNS name of an OpenSearch collection", "aoss:Collection"),
    _Name(rf"(?P<id>[a-z][a-z0-9-]*)\.{_OF_ACCOUNT}\.{_IN}\.redshift{OF_AWS}",
          "DNS name of a Redshift cluster", "redshift:cluster"),
    _Name(rf"b-[0-9]+(?:-public)?\.(?P<id>[a-z0-9][a-z0-9-]*)\.[a-z0-9]{{6}}\.c[0-9]+\.kafka\.{_IN}{OF_AWS}",
          "DNS name of a Kafka broker", "kafka:cluster"),
    _Name(rf"(?:master\.|replica\.|clustercfg\.)?(?P<id>[a-z][a-z0-9-]*)\.[a-z0-9]{{6}}\.(?:ng\.|cfg\.|[0-9]{{4}}\.)?"
          rf"(?:[0-9]{{4}}\.)?[a-z]{{3,5}}[0-9]\.cache{OF_AWS}",
          "DNS name of a cache", "elasticache:"),
    _Name(rf"clustercfg\.(?P<id>[a-z][a-z0-9-]*)\.[a-z0-9]{{6}}\.memorydb\.{_IN}{OF_AWS}",
          "DNS name of a MemoryDB cluster", "memorydb:cluster"),
    _Name(rf"(?P<id>s-[0-9a-f]{{17}})\.server\.transfer\.{_IN}{OF_AWS}",
          "DNS name of a Transfer Family server", "transfer:"),
)  # fmt: skip
_PLACES = (
    _Place(rf"sqs\.{_IN}{OF_AWS}/{_ACCOUNT}/(?P<id>[A-Za-z0-9_-]{{1,80}}(?:\.fifo)?)", "queue's URL", "sqs"),
    _Place(rf"sqs\.{_IN}\.api\.aws/{_ACCOUNT}/(?P<id>[A-Za-z0-9_-]{{1,80}}(?:\.fifo)?)", "queue's URL", "sqs"),
    _Place(rf"{_IN}\.queue{OF_AWS}/{_ACCOUNT}/(?P<id>[A-Za-z0-9_-]{{1,80}}(?:\.fifo)?)", "queue's URL", "sqs"),
    _Place(rf"{_ACCOUNT}\.dkr\.ecr(?:-fips)?\.{_IN}{OF_AWS}/(?P<id>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
           r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?",
           "image's URI", "ecr", "repository/{id}"),
    _Place(rf"(?P<id>[a-z][a-z0-9-]*)-{_ACCOUNT}\.d\.codeartifact\.{_IN}{OF_AWS}(?:/.*)?",
           "CodeArtifact endpoint", "codeartifact", "domain/{id}"),
)  # fmt: skip
_NAMED = (
    _Name(rf"cognito-idp\.{_IN}{OF_AWS}/(?P<id>[a-z0-9-]+_[A-Za-z0-9]+)(?:/.*)?", "issuer of a user pool",
          "cognito-idp:userpool"),
    _Name(rf"git-codecommit(?:-fips)?\.{_IN}{OF_AWS}/v1/repos/(?P<id>[A-Za-z0-9_.-]{{1,100}})", "repository's URL",
          "codecommit:repository"),
)  # fmt: skip


def read_endpoint(name: str) -> Pasted | None:
    """What a DNS name in small letters names; None if it is of none of these services."""
    for one in _NAMES:
        if found := re.fullmatch(one.form, name):
            asked = Asked(found["id"], region=found.groupdict().get("region"), type=one.type)
            return Pasted(one.kind, (asked,))
    kept = normal_name(name)
    return Pasted("DNS name", (Asked(address=kept),)) if kept else None


def read_place(host: str, path: str) -> Pasted | None:
    """What a host and path name; None if they are of none of these services."""
    text = f"{host}/{path.strip('/')}"
    for place in _PLACES:
        if found := re.fullmatch(place.form, text):
            region, account = found["region"], found["account"]
            resource = place.resource.format(id=found["id"])
            arn = Arn(partition_of(region), place.service, region, account, resource)
            return Pasted(place.kind, (Asked(str(arn)),))
    for one in _NAMED:
        if found := re.fullmatch(one.form, text):
            return Pasted(one.kind, (Asked(found["id"], region=found["region"], type=one.type),))
    return None
