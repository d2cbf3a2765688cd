"""Whatever a record and its facts hold, a way to an owner ends, names somebody or says why not, and proves nothing."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness import fixtures
from harness.fixtures import ACCOUNT, OTHER_ACCOUNT, REGION
from harness.properties import examples
from hops.test_hops import PARENTS, PATHS, read, record_of
from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.owner.principal import clean
from ownertag.core.owner.resolve import trace
from ownertag.core.reading.documents import parse_document
from ownertag.core.records import Arrival, Record
from ownertag.core.values import Absent, Confidence, Fact, Found, OutcomeKind, Owner, Question, Unavailable

SETTINGS = fixtures.settings()
RECORDS = [record_of(read(path)["record"]) for path in PATHS]
ARNS = sorted({fact["value"] for path in PATHS for fact in read(path)["facts"] if fact["value"].startswith("arn:")})

texts = st.one_of(
    st.sampled_from(
        [
            "", "alice", "AssumedRole", "AWSService", "IAMUser", "i-1234567890abcdef0", "AWSCloudFormation", ACCOUNT,
            "cloudformation.amazonaws.com", "ec2fleet.amazonaws.com", "eks.amazonaws.com", "2026-03-02T08:55:10Z",
            "ASIAI44QH8DHBEXAMPLE", "aws:autoscaling:groupName", "eks:cluster-name", "StackSet-x-1", "repo:a/b:c",
            *ARNS[:6],
        ]
    ),
    st.text(max_size=12),
)  # fmt: skip
trees: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)
tag_lists = st.lists(
    st.fixed_dictionaries({"key": st.one_of(texts, trees), "value": st.one_of(texts, trees)}), max_size=4
)
tag_specifications = st.fixed_dictionaries({"items": st.lists(st.fixed_dictionaries({"tags": tag_lists}), max_size=2)})
requests = st.one_of(
    trees,
    st.fixed_dictionaries({}, optional={
        "tagSpecificationSet": st.one_of(trees, tag_specifications),
        "tags": st.one_of(trees, tag_lists, st.dictionaries(texts, texts, max_size=3)),
        "TagSpecification": st.one_of(trees, st.fixed_dictionaries({"Tag": st.one_of(trees, tag_lists)})),
        "volume": st.fixed_dictionaries({"tagSet": st.fixed_dictionaries({"item": st.one_of(trees, tag_lists)})}),
        "stackName": st.one_of(trees, texts),
        "snapshotId": st.one_of(trees, texts),
        "autoScalingGroupName": st.one_of(trees, texts),
        "principalTags": st.one_of(trees, st.dictionaries(texts, texts, max_size=3)),
    }),
)  # fmt: skip
web_identities = st.fixed_dictionaries(
    {"federatedProvider": texts, "attributes": st.dictionaries(texts, texts, max_size=2)}
)
identities = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["AssumedRole", "AWSService", "IAMUser", "AWSAccount", "Unknown"]),
        "arn": texts, "principalId": texts, "invokedBy": texts, "accessKeyId": texts, "accountId": texts,
        "inScopeOf": st.fixed_dictionaries({"sourceArn": texts}),
        "onBehalfOf": st.fixed_dictionaries({"userId": texts, "identityStoreArn": texts}),
        "sessionContext": st.fixed_dictionaries({}, optional={
            "ec2RoleDelivery": texts,
            "attributes": st.fixed_dictionaries({"creationDate": texts}),
            "sessionIssuer": st.fixed_dictionaries({"arn": texts}),
            "webIdFederationData": web_identities,
        }),
    },
)  # fmt: skip


@st.composite
def records(draw: st.DrawFn) -> Record:
    if draw(st.booleans()):
        return draw(st.sampled_from(RECORDS))
    plain = fixtures.record(
        draw(st.sampled_from(["RunInstances", "CreateStack", "AssumeRole"])),
        userIdentity=draw(identities),
        requestParameters=draw(requests),
        responseElements=draw(requests),
        recipientAccountId=draw(st.sampled_from([ACCOUNT, OTHER_ACCOUNT])),
    )
    [arrival] = parse_document(fixtures.bytes_of(plain), "x")
    return arrival.record if isinstance(arrival, Arrival) else RECORDS[0]


#: Where golden hops are recorded, and where one copies from.
PLACES = {REGION, "eu-west-1", *(record.region for record in RECORDS)}

facts_of = st.one_of(
    st.just(Absent()),
    st.sampled_from(list(OutcomeKind)).map(lambda kind: Unavailable(kind, "why")),
    st.builds(Owner, texts, texts, st.sampled_from(list(Confidence))).map(lambda owner: Found(owner=owner)),
    records().map(lambda record: Found(maker=record)),
    st.one_of(texts, st.sampled_from(ARNS)).map(lambda arn: Found(parent=arn)),
    texts.map(lambda arn: Found(principal=arn)),
    st.just(Found()),
)


@examples(400)
@given(record=records(), data=st.data())
def test_a_way_ends_whatever_is_answered(record: Record, data: st.DataObject) -> None:
    facts: dict[Question, Fact] = {}
    alone = trace(record, SETTINGS, PARENTS)
    for _ in range(30):
        result = trace(record, SETTINGS, PARENTS, facts)
        assert (result.owner.confidence is Confidence.NONE) == (result.owner.name == "unknown")
        assert result.owner.confidence is not Confidence.NONE or result.owner.reason
        assert clean(result.owner.name) == result.owner.name != ""
        if result.owner.confidence is Confidence.PROVEN:
            assert alone.owner.confidence is Confidence.PROVEN
        assert not set(result.questions) & set(facts), "asks again"
        if not result.questions:
            break
        for question in result.questions:
            assert question.region in PLACES or question.kind in {QuestionKind.ACCOUNT, QuestionKind.OWNER_OF_ACCOUNT}
            facts[question] = data.draw(facts_of)
    else:
        raise AssertionError("asks without end")
