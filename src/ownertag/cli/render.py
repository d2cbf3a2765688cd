"""`ownertag render`: what is deployed, and what other teams need, from the catalogue and the settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ownertag.cli.commands import Command, Group
from ownertag.cli.options import NO_AWS, NO_DATA, Options, Output, fail, with_options
from ownertag.cli.writing import print_lines
from ownertag.core.settings import Settings, SettingsError

if TYPE_CHECKING:
    from ownertag.core.catalogue_types import Catalogue
    from ownertag.core.tiers import TagActions
    from ownertag.render.documents import PolicyDocument

#: Of the JSON that these commands print; docs/reference/json.md describes it.
SCHEMA = 1

#: What a command refuses that prints a text.
NO_TABLE = dict.fromkeys(("output", "as_json", "quiet"), "it prints a text, as it is to be pasted")

app = typer.Typer(
    cls=Group,
    help="Print or write what is generated from the catalogue and the settings.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.command(cls=Command)
@with_options(without={**NO_AWS, **NO_DATA})
def infra(
    options: Options,
    output_dir: Annotated[
        Path, typer.Option("--output-dir", help="The folder to write the templates into.", metavar="DIR")
    ] = Path("infra"),
) -> None:
    """Write the CloudFormation templates and the service control policies into a folder."""
    found = _templates(options.settings())
    try:
        for old in (output_dir / "management").glob("service_control_policy-[2-9].json"):
            if f"management/{old.name}" not in found:
                old.unlink()
        for name, text in found.items():
            path = output_dir / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            options.say(f"{path}: {len(text):,} characters")
    except OSError as error:
        fail(f"{error.filename}: can't be written: {error.strerror}: name another folder with --output-dir")


@app.command(cls=Command)
@with_options(without=NO_AWS, formats=(Output.TABLE, Output.JSON))
def scp(
    options: Options,
    tiers: Annotated[
        bool, typer.Option("--tiers", help="Print which action is in which tier instead of the policies.")
    ] = False,
) -> None:
    """Print the service control policies that keep members from the tags.

    Each policy is one JSON document, after a line on stderr with its name and its length; all of them have to be
    attached. With --json they are one object, and the tier of each action that changes tags is in it.
    """
    from ownertag.catalogue import tag_actions
    from ownertag.catalogue.loader import load_catalogue
    from ownertag.render.documents import compact
    from ownertag.render.pages import tiers_object, tiers_text

    catalogue, actions = load_catalogue(), tag_actions.load_tag_actions()
    if tiers and options.format is not Output.JSON:
        print_lines(tiers_text(catalogue, actions))
        return
    told = {"tiers": tiers_object(catalogue, actions)}
    found = {} if tiers else _policies(catalogue, actions, options.settings())
    if options.format is Output.JSON:
        print(json.dumps({"schema": SCHEMA} | ({"policies": found} if found else {}) | told))
    else:
        for name, policy in found.items():
            options.say(f"{name}: {len(compact(policy)):,} characters")
            print(json.dumps(policy, indent=2))


@app.command(name="terraform-ignore-tags", cls=Command)
@with_options(without={**NO_AWS, **NO_TABLE})
def ignore_tags(options: Options) -> None:
    """Print the block with which Terraform leaves the tags alone."""
    from ownertag.render.pages import terraform_ignore_tags

    print(terraform_ignore_tags(options.settings()), end="")


@app.command(name="tag-page", cls=Command)
@with_options(without={**NO_AWS, **NO_TABLE})
def tag_page(options: Options) -> None:
    """Print a page, in Markdown, that says what the tags are."""
    from ownertag.render.pages import why_page

    print(why_page(options.settings()), end="")


def _policies(catalogue: Catalogue, actions: TagActions, settings: Settings) -> dict[str, PolicyDocument]:
    from ownertag.render.documents import policy_name
    from ownertag.render.scp import service_control_policies

    try:
        policies = service_control_policies(catalogue, actions, settings)
    except SettingsError as error:
        fail(str(error))
    return {policy_name(number): policy for number, policy in enumerate(policies, 1)}


def _templates(settings: Settings) -> dict[str, str]:
    from ownertag.catalogue.loader import load_catalogue
    from ownertag.render.infra import check_deployable, templates

    try:
        return templates(load_catalogue(), settings, check_deployable(settings, "settings"))
    except SettingsError as error:
        fail(str(error))
