"""Which events of no row are told as creations: what takes tags for something new, by the models of all services."""

from __future__ import annotations

import pytest

from harness import fixtures
from ownertag.catalogue.files import shipped_text
from ownertag.catalogue.loader import load_catalogue
from ownertag.catalogue.merge import merged
from ownertag.catalogue.uncovered import UNCOVERED, as_json, shipped, uncovered
from ownertag.core.match import match
from ownertag.core.values import Creation, Reason, Refusal


def refused(source: str, name: str) -> Refusal:
    record = fixtures.record(name, eventSource=f"{source}.amazonaws.com")
    found = match(fixtures.arrival(record), fixtures.catalogue(), fixtures.settings())
    assert isinstance(found, Refusal)
    return found


def test_what_is_shipped_is_what_the_files_say() -> None:
    assert as_json(uncovered(merged())).decode() == shipped_text(UNCOVERED), "run `make catalogue`"


def test_every_row_that_is_off_is_in_it_and_none_that_is_on() -> None:
    rows = {(file.event_source, one.event): one.is_on for file in merged().sources for one in file.creation}
    known = {(source, event) for source, events in shipped().items() for event in events}
    assert {event for event, is_on in rows.items() if not is_on} <= known
    assert not {event for event, is_on in rows.items() if is_on} & known
    assert not load_catalogue().rows.keys() & known


# Each takes tags for what it makes (botocore's models), and is of another service or verb than the next.
@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("amplify", "CreateBranch"),
        ("appmesh", "CreateRoute"),
        ("bedrock", "CreateSession"),
        ("gamelift", "CreateAlias"),
        ("ds", "ConnectDirectory"),
        ("transcribe", "StartMedicalScribeJob"),
        ("transfer", "ImportCertificate"),
    ],
)
def test_a_call_that_takes_tags_for_what_it_makes_is_told_as_not_covered(source: str, name: str) -> None:
    why = refused(source, name)
    assert (why.reason, why.detail) == (Reason.NOT_COVERED, f"not covered yet: {source} {name}")


def test_why_it_has_no_row_is_said_where_that_is_known() -> None:
    why = refused("lightsail", "CreateInstances")
    assert why.reason is Reason.NOT_COVERED
    assert why.detail.startswith("not covered yet: lightsail CreateInstances (")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("signin", "CreateOAuth2Token"),
        ("ssmmessages", "CreateControlChannel"),
        ("s3", "CreateSession"),
        ("kms", "CreateGrant"),
        ("kms", "CreateAlias"),
        ("ec2", "CreateRoute"),
        ("ec2", "CreateTags"),
        ("codedeploy", "CreateDeployment"),
        ("rds", "AddTagsToResource"),
        ("sts", "AssumeRole"),
        ("nothing", "CreateThing"),
    ],
)
def test_a_token_a_channel_a_part_and_a_tag_call_is_none(source: str, name: str) -> None:
    why = refused(source, name)
    assert why.reason is Reason.NOT_A_CREATION
    assert why.detail == f"'{name}' creates nothing that is in the catalogue"


def test_it_is_read_only_when_a_refusal_has_to_be_worded() -> None:
    shipped.cache_clear()
    record = fixtures.record("CreateVolume", responseElements={"volumeId": "vol-0a1b2c3d4e5f60718"})
    assert isinstance(match(fixtures.arrival(record), fixtures.catalogue(), fixtures.settings()), Creation)
    assert shipped.cache_info().currsize == 0
    refused("amplify", "CreateBranch")
    assert shipped.cache_info().currsize == 1
