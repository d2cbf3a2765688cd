"""The page on cost computes as `deploy plan` does, and says what the templates make."""

from __future__ import annotations

import re

import pytest

from docs.test_commands import ROOT
from infra.test_templates import resources
from ownertag.rollout.preflight.prices import DAYS, Bounds, event_price, idle_price, month_price, price_table

PAGE = (ROOT / "docs/explanation/cost.md").read_text("utf-8")
TABLE = price_table()
EXAMPLES = re.findall(
    r"^\| a [^|]+ \| ([\d,]+) \| ([\d.]+) to ([\d.]+) \| ([\d.]+) to ([\d.]+) \|$", PAGE, re.MULTILINE
)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example[0])
def test_an_example_is_what_the_price_function_says(example: tuple[str, ...]) -> None:
    a_day = int(example[0].replace(",", ""))
    month = month_price(Bounds(a_day, a_day), TABLE)
    sent = a_day * DAYS * TABLE.prices.million_events / 1e6
    shown = [f"{value:.2f}" for value in (month.low, month.high, month.low - sent, month.high - sent)]
    assert shown == list(example[1:])


def test_there_are_three_examples_and_the_largest_is_the_models_day() -> None:
    assert len(EXAMPLES) == 3
    scale = (ROOT / "docs/explanation/scale.md").read_text("utf-8")
    [events] = re.findall(r"onto the hub's bus \| ([\d,]+) \|", scale)
    [together] = re.findall(r"\| together \| \| ([\d.]+) \|", scale)
    assert EXAMPLES[2][0] == events
    assert f"comes to US$ {together}, or {float(together) * DAYS:.0f} in 30 days: within these bounds" in " ".join(
        PAGE.split()
    )
    assert float(EXAMPLES[2][1]) < float(together) * DAYS < float(EXAMPLES[2][2])


def test_one_event_and_being_there_are_what_the_price_function_says() -> None:
    one, idle = event_price(TABLE), idle_price(TABLE)
    assert f"An event is US$ {one.low:.6f} to {one.high:.6f}" in PAGE
    assert f"being there US$ {idle.low:.2f} to {idle.high:.2f} a month" in PAGE
    assert f"which cost US$ {one.low * 1e6:.0f} to {one.high * 1e6:.0f}" in PAGE


def test_the_storage_of_a_year_is_what_its_entries_take() -> None:
    gigabytes = [20_000 * 365 * size / 1e9 for size in TABLE.event.table_bytes]
    dollars = [size * TABLE.prices.table_gigabyte_month for size in gigabytes]
    said = " ".join(PAGE.split())
    assert f"it has {gigabytes[0]:.0f} to {gigabytes[1]:.0f} GB" in said
    assert f"costs US$ {dollars[0]:.0f} to {dollars[1]:.0f} a month" in said


def test_prices_have_the_region_and_the_date_of_the_table() -> None:
    assert f"list prices of {TABLE.prices.region}, {TABLE.prices.date}" in PAGE


def test_whatever_the_templates_make_that_has_a_price_is_on_the_page() -> None:
    priced = {
        "AWS::SQS::Queue": "SQS",
        "AWS::Lambda::Function": "Lambda",
        "AWS::DynamoDB::Table": "DynamoDB",
        "AWS::Events::Archive": "archive",
        "AWS::Logs::LogGroup": "log",
        "AWS::CloudWatch::Alarm": "alarms",
        "AWS::KMS::Key": "KMS",
        "AWS::SNS::Topic": "mails",
    }
    free = {
        "AWS::Events::EventBus", "AWS::Events::EventBusPolicy", "AWS::Events::Rule", "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Role", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Permission", "AWS::SNS::Subscription",
        "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy",
    }  # fmt: skip
    made = {each["Type"] for name in ("hub", "spoke_account", "spoke_region") for each in resources(name).values()}
    assert made <= free | priced.keys()
    assert all(priced[type_] in PAGE for type_ in made & priced.keys())
