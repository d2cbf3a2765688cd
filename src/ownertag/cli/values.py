"""Values of options that need no conversion, kept from Typer's: that loads pydantic, half of a short command's time.

Typer (0.29) builds a pydantic adapter for each parameter that a command has, given or not. Here a value that is not
there, or is already what the parameter is annotated with, is not converted; any other goes Typer's way, as all do in
versions of Typer that do not tell the annotation.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def quick(command: Any) -> Any:
    """The command, or the group with its commands, that takes such values as they are."""
    own = command.get_params
    command.get_params = lambda ctx: taken_as_they_are(own(ctx))
    for each in getattr(command, "commands", {}).values():
        quick(each)
    return command


def taken_as_they_are(parameters: Iterable[Any]) -> list[Any]:
    """The parameters, each changed so once."""
    found = list(parameters)
    for each in found:
        if "process_value" not in vars(each):
            _change(each)
    return found


def _change(parameter: Any) -> None:
    described = getattr(parameter, "type_descriptor", None)
    wanted = getattr(described, "annotation", None)
    parser = getattr(getattr(described, "parameter_info", None), "parser", None)
    if not isinstance(wanted, type) or parser or parameter.nargs != 1 or getattr(parameter, "multiple", False):
        return
    convert = parameter.process_value

    def process_value(ctx: Any, value: Any) -> Any:
        if type(value) is not wanted and (value is not None or parameter.required):
            return convert(ctx, value)
        return parameter.callback(ctx, parameter, value) if parameter.callback else value

    parameter.process_value = process_value
