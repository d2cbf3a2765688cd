"""EC2's answers as XML, with the members that AWS's own examples show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import groupby
from xml.sax.saxutils import escape

from harness.limits.fleet import AccountRegion, AttachedPart, Instance
from ownertag.sandbox.calls import NO_ID, Response

_NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
_GROUPS = "<groupSet><item><groupId>sg-0a1b2c3d4e5f60718</groupId><groupName>default</groupName></item></groupSet>"
_NETWORK = "<subnetId>subnet-0a1b2c3d4e5f60718</subnetId><vpcId>vpc-0a1b2c3d4e5f60718</vpcId>"

Tags = Mapping[str, Mapping[str, str]]


def answered(operation: str, content: str) -> Response:
    """A successful answer."""
    text = f'<{operation}Response xmlns="{_NAMESPACE}"><requestId>{NO_ID}</requestId>{content}</{operation}Response>'
    return Response(200, [("Content-Type", "text/xml;charset=UTF-8")], text.encode())


def reservations(instances: Iterable[Instance], place: AccountRegion, tags: Tags, at: float) -> str:
    """The reservations of DescribeInstances."""
    found = ""
    for reservation, members in groupby(instances, lambda instance: instance.reservation):
        items = "".join(_instance(member, place, tags, at) for member in members)
        found += f"<item>{_reservation(reservation, place)}<instancesSet>{items}</instancesSet></item>"
    return f"<reservationSet>{found}</reservationSet>"


def launched(instances: list[Instance], place: AccountRegion, tags: Tags, at: float) -> str:
    """The answer of RunInstances: no volume is attached yet."""
    items = "".join(_instance(instance, place, tags, at) for instance in instances)
    return f"{_reservation(instances[0].reservation, place)}<instancesSet>{items}</instancesSet>"


def volumes(parts: Iterable[tuple[Instance, AttachedPart]], place: AccountRegion, tags: Tags, at: float) -> str:
    """The volumes of DescribeVolumes."""
    found = ""
    for instance, part in parts:
        attached = ""
        if part.attached_at <= at:
            attached = (
                f"<item><volumeId>{part.id}</volumeId><instanceId>{instance.id}</instanceId><device>{part.device}"
                f"</device><status>attached</status><attachTime>{_time(part.attached_at)}</attachTime>"
                "<deleteOnTermination>true</deleteOnTermination></item>"
            )
        found += (
            f"<item><volumeId>{part.id}</volumeId><size>8</size><snapshotId/><availabilityZone>{place[1]}a"
            f"</availabilityZone><status>{'in-use' if attached else 'creating'}</status>"
            f"<createTime>{_time(instance.launched_at)}</createTime><attachmentSet>{attached}</attachmentSet>"
            f"{_tags(part.id, tags)}<volumeType>gp3</volumeType><iops>3000</iops><encrypted>false</encrypted></item>"
        )
    return f"<volumeSet>{found}</volumeSet>"


def interfaces(parts: Iterable[tuple[Instance, AttachedPart]], place: AccountRegion, tags: Tags) -> str:
    """The interfaces of DescribeNetworkInterfaces, whose tags stand in a set of another name."""
    found = "".join(
        f"<item><networkInterfaceId>{part.id}</networkInterfaceId>{_NETWORK}<ownerId>{place[0]}</ownerId>"
        f"<status>in-use</status><privateIpAddress>{instance.address}</privateIpAddress>{_GROUPS}<attachment>"
        f"<attachmentId>eni-attach-{part.id[4:]}</attachmentId><instanceId>{instance.id}</instanceId>"
        f"<attachTime>{_time(part.attached_at)}</attachTime><status>attached</status><deviceIndex>0</deviceIndex>"
        f"</attachment><tagSet>{_items(part.id, tags)}</tagSet></item>"
        for instance, part in parts
    )
    return f"<networkInterfaceSet>{found}</networkInterfaceSet>"


def tag_list(found: Iterable[tuple[str, str, str]]) -> str:
    """The tags of DescribeTags, given as (resource id, key, value)."""
    kinds = {"i": "instance", "vol": "volume", "eni": "network-interface"}
    items = "".join(
        f"<item><resourceId>{id_}</resourceId><resourceType>{kinds[id_.partition('-')[0]]}</resourceType>"
        f"<key>{escape(key)}</key><value>{escape(value)}</value></item>"
        for id_, key, value in found
    )
    return f"<tagSet>{items}</tagSet>"


def next_token(token: str) -> str:
    """Where the next page begins, if there is one."""
    return f"<nextToken>{token}</nextToken>" if token else ""


def _reservation(reservation: str, place: AccountRegion) -> str:
    return f"<reservationId>{reservation}</reservationId><ownerId>{place[0]}</ownerId><groupSet/>"


def _instance(instance: Instance, place: AccountRegion, tags: Tags, at: float) -> str:
    code, state = (16, "running") if instance.running_at <= at else (0, "pending")
    name = f"ip-{instance.address.replace('.', '-')}.{place[1]}.compute.internal"
    devices = "".join(
        f"<item><deviceName>{part.device}</deviceName><ebs><volumeId>{part.id}</volumeId><status>attached</status>"
        f"<attachTime>{_time(part.attached_at)}</attachTime><deleteOnTermination>true</deleteOnTermination></ebs></item>"
        for part in instance.volumes
        if part.attached_at <= at
    )
    networks = "".join(
        f"<item><networkInterfaceId>{part.id}</networkInterfaceId>{_NETWORK}<description/><ownerId>{place[0]}</ownerId>"
        f"<status>in-use</status><macAddress>06:5e:5e:4b:5e:47</macAddress><privateIpAddress>{instance.address}"
        f"</privateIpAddress><privateDnsName>{name}</privateDnsName><sourceDestCheck>true</sourceDestCheck>{_GROUPS}"
        f"<attachment><attachmentId>eni-attach-{part.id[4:]}</attachmentId><deviceIndex>0</deviceIndex>"
        f"<status>attaching</status><attachTime>{_time(part.attached_at)}</attachTime>"
        "<deleteOnTermination>true</deleteOnTermination><networkCardIndex>0</networkCardIndex></attachment>"
        f"<privateIpAddressesSet><item><privateIpAddress>{instance.address}</privateIpAddress><privateDnsName>{name}"
        "</privateDnsName><primary>true</primary></item></privateIpAddressesSet><ipv6AddressesSet/>"
        "<interfaceType>interface</interfaceType></item>"
        for part in instance.interfaces
    )
    token = f"<clientToken>{escape(instance.token)}</clientToken>" if instance.token else ""
    return (
        f"<item><instanceId>{instance.id}</instanceId><imageId>ami-0a1b2c3d4e5f60718</imageId><instanceState><code>{code}"
        f"</code><name>{state}</name></instanceState><privateDnsName>{name}</privateDnsName><dnsName/><reason/>"
        f"<amiLaunchIndex>{instance.number}</amiLaunchIndex><productCodes/><instanceType>m7g.large</instanceType>"
        f"<launchTime>{_time(instance.launched_at)}</launchTime><placement><availabilityZone>{place[1]}a"
        "</availabilityZone><groupName/><tenancy>default</tenancy></placement><monitoring><state>disabled</state>"
        f"</monitoring>{_NETWORK}<privateIpAddress>{instance.address}</privateIpAddress><sourceDestCheck>true"
        f"</sourceDestCheck>{_GROUPS}<stateReason><code>pending</code><message>pending</message></stateReason>"
        "<architecture>arm64</architecture><rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/sda1"
        f"</rootDeviceName><blockDeviceMapping>{devices}</blockDeviceMapping><virtualizationType>hvm"
        f"</virtualizationType>{token}{_tags(instance.id, tags)}<hypervisor>xen</hypervisor><networkInterfaceSet>"
        f"{networks}</networkInterfaceSet><ebsOptimized>false</ebsOptimized><enaSupport>true</enaSupport><cpuOptions>"
        "<coreCount>2</coreCount><threadsPerCore>1</threadsPerCore></cpuOptions><capacityReservationSpecification>"
        "<capacityReservationPreference>open</capacityReservationPreference></capacityReservationSpecification>"
        "<metadataOptions><state>pending</state><httpTokens>required</httpTokens><httpPutResponseHopLimit>2"
        "</httpPutResponseHopLimit><httpEndpoint>enabled</httpEndpoint><httpProtocolIpv6>disabled</httpProtocolIpv6>"
        "<instanceMetadataTags>disabled</instanceMetadataTags></metadataOptions><enclaveOptions><enabled>false</enabled>"
        "</enclaveOptions><bootMode>uefi</bootMode><privateDnsNameOptions><hostnameType>ip-name</hostnameType>"
        "<enableResourceNameDnsARecord>false</enableResourceNameDnsARecord><enableResourceNameDnsAAAARecord>false"
        "</enableResourceNameDnsAAAARecord></privateDnsNameOptions><maintenanceOptions><autoRecovery>default"
        "</autoRecovery></maintenanceOptions><currentInstanceBootMode>uefi</currentInstanceBootMode></item>"
    )


def _tags(id_: str, tags: Tags) -> str:
    items = _items(id_, tags)
    return f"<tagSet>{items}</tagSet>" if items else ""


def _items(id_: str, tags: Tags) -> str:
    present = tags.get(id_, {})
    return "".join(
        f"<item><key>{escape(key)}</key><value>{escape(value)}</value></item>" for key, value in present.items()
    )


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
