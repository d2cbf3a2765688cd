"""`ownertag render`: what is deployed, and what other teams need, from the catalogue and the settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ownertag.catalogue.loader import load
from ownertag.cli.options import Options, fail, with_options
from ownertag.core.settings import Settings, SettingsError
from ownertag.render.for_teams import terraform_ignore_tags, why_page
from ownertag.render.infra import check_deployable, templates
from ownertag.render.policies import service_control_policy

app = typer.Typer(
    help="Print or write what is generated from the catalogue and the settings.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
@with_options
def infra(
    options: Options,
    to: Annotated[Path, typer.Option("--to", help="The folder to write the templates into.")] = Path("infra"),
) -> None:
    """Write the CloudFormation templates and the SCP into a folder."""
    found = _templates(options.settings())
    for name, text in found.items():
        path = to / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        options.say(f"{path}: {len(text):,} characters")


@app.command()
@with_options
def scp(options: Options) -> None:
    """Print the service control policy that keeps members from removing or forging the tags."""
    print(json.dumps(service_control_policy(load(), options.settings()), indent=2))


@app.command(name="terraform-ignore-tags")
@with_options
def ignore_tags(options: Options) -> None:
    """Print the block with which Terraform leaves the tags alone."""
    print(terraform_ignore_tags(options.settings()), end="")


@app.command()
@with_options
def why(options: Options) -> None:
    """Print a page, in Markdown, that says what the tags are."""
    print(why_page(options.settings()), end="")


def _templates(settings: Settings) -> dict[str, str]:
    try:
        organization = check_deployable(settings, "settings")
    except SettingsError as error:
        fail(str(error))
    return templates(load(), settings, organization)
