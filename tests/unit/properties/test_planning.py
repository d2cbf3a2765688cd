"""Planning: again with its own tags adds nothing, order and repeats change nothing, accounts never mix."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from harness import fixtures
from harness.fixtures import ACCOUNT, EVENT_TIME, HUB_ACCOUNT, OTHER_ACCOUNT, numbered
from harness.planning import plan
from harness.properties import examples
from ownertag.core.ask import account_of, ask, tags_question
from ownertag.core.catalogue_types import QuestionKind
from ownertag.core.match import match
from ownertag.core.settings import Settings
from ownertag.core.values import (
    Absent,
    Attached,
    Creation,
    Fact,
    Found,
    LaunchedInstance,
    OutcomeKind,
    Plan,
    Question,
    Unavailable,
)

THOROUGH = examples(1000)
POLICIES: dict[str, Settings] = {
    "overwrite": fixtures.anywhere(),
    "keep": fixtures.anywhere('[existing_tags]\nowner = "keep"\n'),
    "keep-all": fixtures.anywhere('[existing_tags]\nowner = "keep"\ndateCreated = "keep"\nWhatIsThis = "keep"\n'),
    "careful": fixtures.anywhere(),
}
#: By which it is planned as when the ledger is away: what a resource carries is asked for, and stays.
CAREFUL = POLICIES["careful"]
policies = st.sampled_from(sorted(POLICIES))
accounts = st.sampled_from([ACCOUNT, OTHER_ACCOUNT, HUB_ACCOUNT])
regions = st.sampled_from(["eu-central-1", "us-east-1", "cn-north-1"])
seconds = st.integers(0, 5).map(lambda number: (EVENT_TIME + timedelta(seconds=number)).isoformat())
people = st.one_of(
    st.sampled_from(["alice", "bob", "mallory"]).map(fixtures.user),
    st.sampled_from(["maria@example.com", "x"]).map(fixtures.identity_center),
    st.just(fixtures.session("aws-go-sdk-1", "terraform")),
)
small = st.integers(1, 6)
# Made once: Hypothesis takes longer to make a strategy than to draw from it.
a_few, distinct = st.lists(small, min_size=1, max_size=4), st.lists(small, min_size=1, max_size=3, unique=True)
kinds = st.sampled_from(["volume", "snapshots", "interface", "launch", "omitted"])


def record_of(draw: st.DrawFn, number: int) -> fixtures.Json:
    """A creation, with few ids in use so that several creations come to the same resource."""
    account = draw(accounts)
    fields: fixtures.Json = {
        "userIdentity": draw(people),
        "eventTime": draw(seconds),
        "awsRegion": draw(regions),
        "recipientAccountId": account,
        "eventID": f"e{number}",
    }
    kind = draw(kinds)
    if kind == "volume":
        if draw(st.booleans()):
            fields["requestParameters"] = fixtures.brings({"owner": "ceo"}, "volume")
        return fixtures.record(responseElements={"volumeId": numbered("vol", draw(small))}, **fields)
    if kind == "snapshots":
        ids = draw(a_few)
        items = [{"snapshotId": numbered("snap", number), "ownerId": account} for number in ids]
        return fixtures.record("CreateSnapshots", responseElements={"snapshotSet": {"item": items}}, **fields)
    if kind == "interface":
        body = {"networkInterface": {"networkInterfaceId": numbered("eni", draw(small)), "ownerId": account}}
        return fixtures.record("CreateNetworkInterface", responseElements=body, **fields)
    reservation = draw(small)
    if kind == "omitted":
        request = {"clientToken": f"token-{reservation}", "instancesSet": {"items": [{"minCount": draw(small)}]}}
        fields |= {"responseElements": fixtures.OMITTED, "requestParameters": request}
    ids = draw(distinct)
    return fixtures.launch(
        [numbered("i", number) for number in ids],
        [numbered("eni", number) for number in ids],
        numbered("r", reservation),
        account,
        **fields,
    )


@st.composite
def batches(draw: st.DrawFn) -> list[Creation]:
    creations = []
    for number in range(draw(small)):
        plain = record_of(draw, number)
        matched = match(fixtures.arrival(plain, str(number)), fixtures.catalogue(), fixtures.anywhere())
        assert isinstance(matched, Creation), matched
        creations.append(matched)
    return creations


attached = st.builds(
    lambda prefix, number, after, managed: Attached(
        numbered(prefix, number), None if after is None else EVENT_TIME + timedelta(seconds=after), managed
    ),
    st.sampled_from(["vol", "eni"]),
    small,
    st.sampled_from([None, 0, 3, 60, 90]),
    st.sampled_from([False, False, False, True]),
)


def instance(
    number: int, state: str, devices: frozenset[str], parts: Sequence[Attached], managed: bool
) -> LaunchedInstance:
    return LaunchedInstance(
        numbered("i", number),
        state,
        "/dev/xvda",
        root_is_ebs=True,
        devices=devices,
        volumes=tuple(part for part in parts if part.id.startswith("vol")),
        interfaces=tuple(part for part in parts if part.id.startswith("eni")),
        managed=managed,
    )


instances = st.builds(
    instance,
    small,
    st.sampled_from(["pending", "running", "terminated"]),
    st.sampled_from([frozenset[str](), frozenset({"/dev/xvda"})]),
    st.lists(attached, max_size=4),
    st.sampled_from([False, False, False, True]),
)


away = st.sampled_from([OutcomeKind.THROTTLED, OutcomeKind.FORBIDDEN]).map(lambda kind: Unavailable(kind, "away"))
launched: st.SearchStrategy[Fact] = st.one_of(
    st.lists(instances, max_size=4).map(lambda found: Found(tuple(found))), st.just(Absent()), away
)
tagged: st.SearchStrategy[Fact] = st.one_of(
    st.dictionaries(st.sampled_from(["owner", "dateCreated", "Name"]), st.sampled_from(["ceo", "alice"])).map(
        lambda tags: Found(tags=tags)
    ),
    st.just(Absent()),
    away,
)


listed = st.one_of(st.just(Found()), st.just(Found()), st.just(Absent()), away)


def gathered(data: st.DataObject, creations: Sequence[Creation], policy: Settings) -> dict[Question, Fact]:
    """Answers, drawn as they are asked for, until no question is new."""
    facts: dict[Question, Fact] = {}
    for _ in range(6):
        questions = ask(creations, facts, fixtures.catalogue(), policy, careful=policy is CAREFUL)
        if not questions:
            return facts
        for question in questions:
            if question.kind is QuestionKind.ACCOUNT:
                facts[question] = data.draw(listed)
            else:
                facts[question] = data.draw(tagged if question.kind is QuestionKind.TAGS else launched)
    raise AssertionError("the questions never end")


def planned(creations: Sequence[Creation], facts: dict[Question, Fact], policy: Settings, minutes: int = 2) -> Plan:
    now = EVENT_TIME + timedelta(minutes=minutes)
    return plan(creations, facts, fixtures.catalogue(), policy, now, careful=policy is CAREFUL)


minutes_after = st.sampled_from([0, 2, 9, 20, 10_000])


@given(st.data(), batches(), policies, minutes_after)
@THOROUGH
def test_planning_with_the_applied_tags_as_facts_adds_nothing(
    data: st.DataObject, creations: list[Creation], name: str, minutes: int
) -> None:
    policy = POLICIES[name]
    facts = gathered(data, creations, policy)
    first = planned(creations, facts, policy, minutes)
    after = dict(facts)
    for write in first.writes:
        for resource in write.resources:
            question = Question(QuestionKind.TAGS, write.account, write.region, resource.id)
            before = facts.get(question)
            carried = dict(before.tags or {}) if isinstance(before, Found) else {}
            after[question] = Found(tags=carried | dict(write.tags))
    assert planned(creations, after, policy, minutes).writes == ()


@given(st.data(), batches(), policies, minutes_after)
@THOROUGH
def test_shuffled_and_repeated_events_give_the_same_tags(
    data: st.DataObject, creations: list[Creation], name: str, minutes: int
) -> None:
    policy = POLICIES[name]
    facts = gathered(data, creations, policy)
    shuffled = data.draw(st.permutations(creations + data.draw(st.lists(st.sampled_from(creations), max_size=4))))
    once, again = planned(creations, facts, policy, minutes), planned(shuffled, facts, policy, minutes)
    assert once.writes == again.writes
    assert {(refusal.where, refusal.reason) for refusal in once.refusals} == {
        (refusal.where, refusal.reason) for refusal in again.refusals
    }


@given(st.data(), batches(), policies, minutes_after)
@THOROUGH
def test_accounts_and_regions_never_mix_in_a_write(
    data: st.DataObject, creations: list[Creation], name: str, minutes: int
) -> None:
    facts = gathered(data, creations, POLICIES[name])
    decided = planned(creations, facts, POLICIES[name], minutes)
    known = {(creation.record.account, creation.record.region) for creation in creations}
    for write in decided.writes:
        assert (write.account, write.region) in known
        assert all(resource.arn.split(":")[3:5] == [write.region, write.account] for resource in write.resources)
        assert isinstance(facts[Question(QuestionKind.ACCOUNT, write.account, "", "")], Found)


@given(st.data(), batches(), policies, minutes_after)
@THOROUGH
def test_each_resource_is_written_once_and_no_write_could_be_spared(
    data: st.DataObject, creations: list[Creation], name: str, minutes: int
) -> None:
    decided = planned(creations, gathered(data, creations, POLICIES[name]), POLICIES[name], minutes)
    arns = [resource.arn for write in decided.writes for resource in write.resources]
    assert len(arns) == len(set(arns))
    places = [(write.account, write.region, write.tag_api, write.tags) for write in decided.writes]
    assert len(places) == len(set(places))  # no batch here comes near a thousand ids


@given(st.data(), batches(), policies, minutes_after)
@THOROUGH
def test_every_creation_ends_as_a_decision_or_a_refusal(
    data: st.DataObject, creations: list[Creation], name: str, minutes: int
) -> None:
    facts = gathered(data, creations, POLICIES[name])
    decided = planned(creations, facts, POLICIES[name], minutes)
    assert len(decided.decisions) + len(decided.refusals) == len(creations)
    written = {resource.arn for write in decided.writes for resource in write.resources}
    for decision in decided.decisions:
        settled = {resource.arn for resource in decision.settled}
        left = {resource.arn for resource in decision.resources} - settled - written
        assert not left or decision.waits, "neither written, nor settled, nor waited for"
        assert decision.resources or decision.settled or decision.waits


@given(st.data(), batches(), policies)
@THOROUGH
def test_what_could_not_be_looked_up_is_waited_for_at_any_age(
    data: st.DataObject, creations: list[Creation], name: str
) -> None:
    facts = gathered(data, creations, POLICIES[name])
    for decision in planned(creations, facts, POLICIES[name], 10_000).decisions:
        creation = decision.creation
        asked = [account_of(creation), *(tags_question(resource, creation) for resource in decision.resources)]
        if any(isinstance(facts.get(question), Unavailable) for question in asked):
            assert decision.waits


@given(st.data(), batches(), minutes_after)
@THOROUGH
def test_while_careful_no_key_is_written_over(data: st.DataObject, creations: list[Creation], minutes: int) -> None:
    facts = gathered(data, creations, CAREFUL)
    for write in planned(creations, facts, CAREFUL, minutes).writes:
        for resource in write.resources:
            fact = facts.get(Question(QuestionKind.TAGS, write.account, write.region, resource.id))
            if isinstance(fact, Found) and fact.tags:
                assert not set(fact.tags) & set(dict(write.tags))


@given(st.data(), batches(), st.sampled_from(["keep", "keep-all"]), minutes_after)
@THOROUGH
def test_a_kept_key_is_left_out_where_the_request_brought_it_and_nowhere_else(
    data: st.DataObject, creations: list[Creation], name: str, minutes: int
) -> None:
    facts = gathered(data, creations, POLICIES[name])
    assert not any(question.kind is QuestionKind.TAGS for question in facts)
    decided = planned(creations, facts, POLICIES[name], minutes)
    stays = {arn for decision in decided.decisions for arn in decision.kept}
    for write in decided.writes:
        for resource in write.resources:
            assert resource.arn in stays or {key for key, _ in write.tags} == set(POLICIES[name].tags)
    for decision in decided.decisions:
        brought = {"owner"} if b"ceo" in bytes(decision.creation.record.request) else set()
        assert set(decision.kept.values()) <= {frozenset(brought & POLICIES[name].kept_keys)}
