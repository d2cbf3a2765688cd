"""Names that moto makes up in another form than AWS: ARNs of MSK's clusters, Amazon MQ's brokers, global networks.

The forms are those of the service authorization reference.
"""

from __future__ import annotations

from functools import cache, wraps
from typing import Any
from uuid import uuid4

from moto.kafka.models import FakeKafkaCluster
from moto.mq.models import Broker
from moto.networkmanager.models import GlobalNetwork


@cache
def correct() -> None:
    """Has moto name them as AWS does, in this process."""
    cluster: Any = FakeKafkaCluster
    cluster._generate_arn = _of_cluster  # noqa: SLF001 - there is no other way in
    _after_init(Broker, _name_broker)
    _after_init(GlobalNetwork, _name_network)


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
