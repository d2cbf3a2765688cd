"""Renders pages for people: the catalogue, what the tags are, the tiers of actions, Terraform's `ignore_tags` block."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import Any

from ownertag.catalogue.coverage import Coverage, coverage, read_derived
from ownertag.catalogue.merge import merged
from ownertag.catalogue.uncovered import shipped
from ownertag.core.catalogue_types import Catalogue, CatalogueRow, QuestionKind
from ownertag.core.settings import Settings
from ownertag.core.tiers import MEANINGS, TagAction, TagActions, Tier

_BASIS = {
    "seen": "a real record",
    "documented": "AWS's documentation",
    "in-use": "other taggers",
    "model": "the API model",
}
_EC2 = "ec2.amazonaws.com"
_MARKS = ("<!-- By `make generate`. -->", "<!-- -->")


def catalogue_page(catalogue: Catalogue) -> str:
    """Markdown: every watched event with what it makes and the basis of its row; and what is left out, and why."""
    lines = [
        "# Supported events",
        "",
        "> For whoever asks whether something gets an owner. You will have found each event that is watched, and what",
        "> it makes.",
        "",
        "Generated from `src/ownertag/catalogue/` by `make generate`. *Known from* says what the row rests on; a row",
        "that rests on the API model alone has not been checked against a record that CloudTrail wrote.",
        "",
        f"{_counts(catalogue)} What is missing here is added from a record: `ownertag catalogue try` says how.",
        "",
        "## Amazon EC2",
        "",
        "| event | makes | known from | note |",
        "|---|---|---|---|",
    ]
    for (source, name), row in sorted(catalogue.rows.items()):
        if source == _EC2:
            looked_up = row.children is QuestionKind.INSTANCES_BY_RESERVATION
            note = row.note or ("its volumes are looked up" if looked_up else "")
            lines.append(f"| `{name}` | {_made(row)} | {_BASIS[row.basis]} | {note} |")
    return "\n".join([*lines, "", *_other_services(catalogue), "", *_left_out(coverage(catalogue))]) + "\n"


def _counts(catalogue: Catalogue) -> str:
    by_basis = Counter(row.basis for row in catalogue.rows.values())
    sources = {source for source, _ in catalogue.rows}
    parts = ", ".join(f"{by_basis[basis]} from {words}" for basis, words in _BASIS.items())
    return f"{len(catalogue.rows)} events of {len(sources)} event sources are watched: {parts}."


def _made(row: CatalogueRow) -> str:
    return ", ".join(dict.fromkeys(made.type.name for made in row.makes))


def _other_services(catalogue: Catalogue) -> list[str]:
    """All but EC2: a line for the events of a service that are known from one place; and what was left out by hand."""
    groups: dict[tuple[str, str, str], list[CatalogueRow]] = defaultdict(list)
    for (source, _), row in sorted(catalogue.rows.items()):
        if source != _EC2:
            told = row.source if row.basis in {"seen", "documented"} else ""
            groups[source, row.basis, told].append(row)
    left_out = [
        (file.event_source, creation.event, creation.off)
        for file in merged().sources
        for creation in file.creation
        if creation.off
    ]
    waiting = sum(map(len, shipped().values())) - len(left_out)
    return [
        "## Other services",
        "",
        "| event source | events | makes | known from |",
        "|---|---|---|---|",
        *(
            f"| `{source}` | {', '.join(f'`{row.event_name}`' for row in rows)}"
            f" | {', '.join(dict.fromkeys(map(_made, rows)))} | {_BASIS[basis]}{_where(where)} |"
            for (source, basis, where), rows in sorted(groups.items())
        ),
        "",
        f"{waiting:,} more calls take tags for something new. AWS's models alone say what they make, and where that",
        "should stand in a record: they have no row that is on. These were looked at, and left out:",
        "",
        "| event source | event | why |",
        "|---|---|---|",
        *(f"| `{source}` | `{event}` | {why} |" for source, event, why in left_out),
    ]


def with_numbers(readme: str, catalogue: Catalogue) -> str:
    """The README with the current numbers between their marks."""
    start, end = _MARKS
    head, _, rest = readme.partition(start)
    tail = rest.partition(end)[2]
    return f"{head}{start}{_numbers(catalogue)}{end}{tail}"


def _numbers(catalogue: Catalogue) -> str:
    rows = [row for row in catalogue.rows.values() if row.event_source == "ec2.amazonaws.com"]
    model = sum(row.basis == "model" for row in rows)
    sources = {source for source, _ in catalogue.rows}
    return (
        f"{len(catalogue.rows)} events of {len(sources)} services; of EC2 {len(rows)}, {model} of them known from the"
        f" API model alone; {coverage(catalogue)}"
    )


def _where(source: str) -> str:
    return f": {source.removeprefix('doc: ').replace('record in ', '')}" if source else ""


def _left_out(covered: Coverage) -> list[str]:
    models = read_derived()
    return [
        "## Of EC2, what is not, and why",
        "",
        f"By EC2's API model (botocore {models.botocore}) and the service authorization reference",
        f"({models.authorization_reference}), {len(models.operations)} operations take tags for what they create.",
        f"{covered}. A row that looks for what is made beside a resource counts for that as well.",
        "",
        "| operation | type | why no row makes it |",
        "|---|---|---|",
        *_grouped((f"`{operation}`", type_, reason) for (operation, type_), reason in covered.denied.items()),
        "",
        "What `CreateTags` takes and no operation creates with tags of its own:",
        "",
        "| type | why no row makes it |",
        "|---|---|",
        *(f"| {type_} | {reason} |" for type_, reason in sorted(covered.not_made.items())),
    ]


def _grouped(rows: Iterable[tuple[str, str, str]]) -> list[str]:
    """A line for each operation and reason, with all its types."""
    types: dict[tuple[str, str], list[str]] = defaultdict(list)
    for operation, type_, reason in rows:
        types[operation, reason].append(type_)
    return [
        f"| {operation} | {', '.join(sorted(found))} | {reason} |"
        for (operation, reason), found in sorted(types.items())
    ]


def terraform_ignore_tags(settings: Settings) -> str:
    """The `ignore_tags` block for an AWS provider: without it Terraform removes our tags at each apply."""
    keys = ", ".join(json.dumps(key) for key in settings.tags)
    return f'provider "aws" {{\n  ignore_tags {{\n    keys = [{keys}]\n  }}\n}}\n'


_MEANS = {
    "{owner}": "the person or team that the resource belongs to, as far as it is known",
    "{created_at}": "when it was created",
    "{date}": "the day on which it was created",
    "{principal}": "who called AWS to create it",
    "{account}": "the account it is in",
    "{region}": "the Region it is in",
    "{event_name}": "the call that created it",
    "{event_id}": "CloudTrail's number for that call",
    "{evidence}": "by which rule the owner was named",
    "{confidence}": "how sure the owner is",
}


def why_page(settings: Settings) -> str:
    """A page in Markdown for a person who finds the tags and wants to know what they are."""
    lines = [
        "# What is this tag?",
        "",
        "These tags were written by **ownertag**, which the security team runs for the whole organization. When",
        "something misbehaves at night, they say whom to ask.",
        "",
        "| tag | says |",
        "|---|---|",
    ]
    for key, template in settings.tags.items():
        means = [text for field, text in _MEANS.items() if field in template]
        lines.append(f"| `{key}` | {'; '.join(means) or 'where to read this page'} |")
    lines += [
        "",
        "## Do I have to do anything?",
        "",
        "No. The tags come by themselves, shortly after a resource is created, and change nothing about it. They",
        f"cost nothing and use up {len(settings.tags)} of the 50 tags that a resource may have.",
        "",
        "## May I change or remove them?",
        "",
        "No: a policy of the organization keeps them as they are, so that they can be relied on. If the owner is",
        "wrong, tell the security team, who can set it right.",
        "",
        "## Terraform wants to remove them",
        "",
        "Tell the AWS provider to leave them alone:",
        "",
        "```hcl",
        terraform_ignore_tags(settings).rstrip(),
        "```",
    ]
    return "\n".join(lines) + "\n"


def by_tier(catalogue: Catalogue, actions: TagActions) -> dict[Tier, tuple[str, ...]]:
    """The actions of the catalogue's services in each tier; an action may be in two tiers."""
    known = _of_catalogue(catalogue, actions)
    return {tier: tuple(action.name for action in known if tier in action.tiers) for tier in Tier}


def tiers_object(catalogue: Catalogue, actions: TagActions) -> dict[str, Any]:
    """The tiers as JSON: each action of the catalogue's services, and the numbers of all services."""
    return {
        "source": actions.source,
        "actions": [
            {
                "action": tag_action.name,
                "does": tag_action.does.value,
                "tiers": [tier.value for tier in tag_action.tiers],
                "only_where": tag_action.only_where or None,
                "why": tag_action.why or None,
            }
            for tag_action in _of_catalogue(catalogue, actions)
        ],
        "of_all_services": {tier.value: number for tier, number in actions.counts().items()},
    }


def tiers_text(catalogue: Catalogue, actions: TagActions) -> Iterator[str]:
    """The tiers as lines of at most 80 columns."""
    counts = actions.counts()
    for tier, names in by_tier(catalogue, actions).items():
        yield f"{tier.value}"
        yield from _wrapped(MEANINGS[tier])
        yield from (f"    {name}" for name in names)
        yield f"    of all services: {counts[tier]} actions"
    yield f"from {actions.source}"


def tiers_page(catalogue: Catalogue, actions: TagActions) -> str:
    """The tiers as a Markdown table for the documentation."""
    counts = actions.counts()
    held = by_tier(catalogue, actions)
    lines = [
        "| tier | what the policy does | of the catalogue's services | of all services |",
        "|---|---|---|---|",
        *(
            f"| {tier.value} | {MEANINGS[tier]} | {' '.join(f'`{name}`' for name in held[tier]) or 'none'} "
            f"| {counts[tier]} |"
            for tier in Tier
        ),
    ]
    return "\n".join(lines)


def _of_catalogue(catalogue: Catalogue, actions: TagActions) -> tuple[TagAction, ...]:
    return actions.of({kind.service for kind in catalogue.types.values()})


def _wrapped(text: str) -> Iterator[str]:
    return iter(wrap(text, 78, initial_indent="  ", subsequent_indent="  "))
