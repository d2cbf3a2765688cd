"""Names that moto makes up in another form than AWS: ARNs of clusters, brokers and global networks, ids of zones.

The forms of ARNs are those of the service authorization reference; that ids of hosted zones begin with Z, Route 53's
reference shows in every example.
"""

from __future__ import annotations

from functools import cache, wraps
from typing import Any
from uuid import uuid4

from moto.core.responses import BaseResponse
from moto.emr.responses import ElasticMapReduceResponse
from moto.kafka.models import FakeKafkaCluster
from moto.mq.models import Broker
from moto.networkmanager.models import GlobalNetwork
from moto.route53.models import HostedZoneIdentifier


@cache
def correct() -> None:
    """Has moto name them as AWS does, in this process."""
    cluster: Any = FakeKafkaCluster
    cluster._generate_arn = _of_cluster  # noqa: SLF001 - there is no other way in
    _after_init(Broker, _name_broker)
    _after_init(GlobalNetwork, _name_network)
    # It looks for the Region in the host's name alone, and takes us-east-1 where that has none.
    emr: Any = ElasticMapReduceResponse
    emr.get_region_from_url = BaseResponse.get_region_from_url
    zone: Any = HostedZoneIdentifier
    made = zone.generate
    zone.generate = lambda *args, **named: f"Z{made(*args, **named)[:20]}"


def _after_init(model: Any, then: Any) -> None:
    made = model.__init__

    @wraps(made)
    def init(self: Any, *args: Any, **named: Any) -> None:
        made(self, *args, **named)
        then(self)

    model.__init__ = init


def _of_cluster(cluster: Any) -> str:
    place = f"{cluster.region_name}:{cluster.account_id}"
    return f"arn:aws:kafka:{place}:cluster/{cluster.cluster_name}/{cluster.cluster_id}-2"


def _name_broker(broker: Any) -> None:
    broker.id = f"b-{uuid4()}"
    place = broker.arn.rpartition(":broker:")[0]
    broker.arn = f"{place}:broker:{broker.name}:{broker.id}"


def _name_network(network: Any) -> None:
    network.global_network_arn = network.global_network_arn.replace(":networkmanager:", ":networkmanager::")
