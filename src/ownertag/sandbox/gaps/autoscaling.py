"""Auto Scaling: its groups launch by calls of EC2, which CloudTrail shows; those of moto launch within moto."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError
from moto.autoscaling.models import autoscaling_backends
from moto.ec2.models.instances import Reservation
from moto.ec2.utils import random_reservation_id

#: Launches with these parameters of RunInstances, and gives the id of the reservation.
Launch = Callable[[dict[str, Any]], str]


class _Ec2:
    """moto's EC2 as its Auto Scaling sees it, but for launches."""

    def __init__(self, backend: Any, launch: Launch) -> None:
        self._backend = backend
        self._launch = launch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def run_instances(
        self, image_id: str, count: int, user_data: Any, security_group_names: list[str], **more: Any
    ) -> Reservation:
        """Launches what moto asks for; if EC2 refuses, the group is left without its instances."""
        tags = [{"Key": key, "Value": value} for key, value in more["tags"]["instance"].items()]
        subnet, config = more.get("subnet_id"), more.get("launch_config")
        given = {
            "ImageId": image_id,
            "InstanceType": more["instance_type"],
            "KeyName": config.key_name if config else None,
            "LaunchTemplate": more.get("launch_template"),
            "Placement": None if subnet else {"AvailabilityZone": more["placement"]},
            "SecurityGroupIds": security_group_names,
            "SubnetId": subnet,
            "UserData": str(user_data or ""),
        }
        params = {key: value for key, value in given.items() if value}
        params |= {"MinCount": count, "MaxCount": count}
        params["TagSpecifications"] = [{"ResourceType": "instance", "Tags": tags}]
        try:
            reservation: Reservation = self._backend.reservations[self._launch(params)]
        except ClientError:
            return Reservation(random_reservation_id(), self._backend.account_id)
        return reservation


@contextmanager
def launching(account: str, region: str, launch: Launch) -> Iterator[None]:
    """Lets the groups of an account and Region launch by this function."""
    scaling: Any = autoscaling_backends[account][region]
    real = scaling.ec2_backend
    scaling.ec2_backend = _Ec2(real, launch)
    try:
        yield
    finally:
        scaling.ec2_backend = real
