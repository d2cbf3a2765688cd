"""The catalogue as a page of the documentation."""

from __future__ import annotations

from ownertag.core.rows import Catalogue, QuestionKind

_BASIS = {"seen": "a real record", "in-use": "other taggers", "model": "the API model"}


def catalogue_page(catalogue: Catalogue) -> str:
    """Markdown: every event that is watched, what it makes, and how sure its row is."""
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
    return "\n".join(lines) + "\n"
