"""The catalogue as a page of the documentation, and its numbers as the README has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from ownertag.catalogue.coverage import Coverage, coverage, derived
from ownertag.core.rows import Catalogue, QuestionKind

_BASIS = {"seen": "a real record", "in-use": "other taggers", "model": "the API model"}
_MARKS = ("<!-- By `make generate`. -->", "<!-- -->")


def catalogue_page(catalogue: Catalogue) -> str:
    """Markdown: every event that is watched, what it makes, and how sure its row is; and what is left out, and why."""
    lines = [
        "# What is tagged",
        "",
        "> For whoever asks whether something gets an owner. You will have found each event that is watched, and what",
        "> it makes.",
        "",
        "Generated from `src/ownertag/catalogue/` by `make generate`. *Known from* says what the row rests on; a row",
        "that rests on the API model alone has not been checked against a record that CloudTrail wrote.",
        "",
        "| event source | event | makes | known from | note |",
        "|---|---|---|---|---|",
    ]
    for (source, name), row in sorted(catalogue.rows.items()):
        makes = ", ".join(dict.fromkeys(each.type.name for each in row.makes))
        looked_up = row.children is QuestionKind.INSTANCES_BY_RESERVATION
        note = row.note or ("its volumes are looked up" if looked_up else "")
        lines.append(f"| `{source}` | `{name}` | {makes} | {_BASIS[row.basis]} | {note} |")
    return "\n".join([*lines, "", *_left_out(coverage(catalogue))]) + "\n"


def with_numbers(readme: str, catalogue: Catalogue) -> str:
    """The README with the numbers of EC2 written anew, between their marks."""
    start, end = _MARKS
    head, _, rest = readme.partition(start)
    tail = rest.partition(end)[2]
    return f"{head}{start}{_numbers(catalogue)}{end}{tail}"


def _numbers(catalogue: Catalogue) -> str:
    rows = [row for row in catalogue.rows.values() if row.event_source == "ec2.amazonaws.com"]
    model = sum(row.basis == "model" for row in rows)
    return f"{len(rows)} EC2 events, {model} of them known from the API model alone; {coverage(catalogue)}"


def _left_out(covered: Coverage) -> list[str]:
    models = derived()
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
