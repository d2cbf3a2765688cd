"""What commands and groups of commands are made of, for `cls=` of `@app.command` and of `typer.Typer`.

They are Typer's own, with Click's methods overridden for two things: help that is readable in a narrow terminal, and a
start without pydantic, whose import takes longer than a short command. Typer (0.29) has it check each value, given or
not. What is not there, or is of its parameter's type already, needs no check; any other goes Typer's way.
"""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

#: Below this, a column for the options' names leaves too little for what they do.
NARROW = 60


class _Folded:
    """Mixed into Typer's classes: in a narrow terminal, what an option does stands below its name."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The whole help, as wide as the terminal is."""
        columns = typer.get_terminal_size().columns
        if columns < NARROW:
            formatter.width = max(columns, 20)
        super().format_help(ctx, formatter)  # type: ignore[misc] # of Typer's class, which is beside this one

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The arguments and options, and a group's commands."""
        if formatter.width >= NARROW - 2:
            super().format_options(ctx, formatter)  # type: ignore[misc] # as above
            return
        for title, kind in (("Arguments", "argument"), ("Options", "option")):
            params = [param for param in self.get_params(ctx) if param.param_type_name == kind]  # type: ignore[attr-defined] # as above
            if records := [record for param in params if (record := param.get_help_record(ctx))]:
                with formatter.section(title):
                    formatter.write_dl(records, col_max=2)
        if isinstance(self, TyperGroup):
            self.format_commands(ctx, formatter)


class Command(_Folded, TyperCommand):
    """For `cls` of `@app.command`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Takes the arguments apart, as Click does; of a completion, all is Typer's."""
        if ctx.resilient_parsing or (not args and self.no_args_is_help):
            return super().parse_args(ctx, args)
        given, rest, order = self.make_parser(ctx).parse_args(args)

        def turn(param: Any) -> tuple[bool, int]:
            return not param.is_eager, order.index(param) if param in order else len(order)

        for param in sorted(self.get_params(ctx), key=turn):
            value, source = param.consume_value(ctx, given)
            if not _is_ready(param, value):
                _, rest = param.handle_parse_result(ctx, given, rest)
                continue
            ctx.set_parameter_source(param.name, source)
            if param.callback is not None:
                value = param.callback(ctx, param, value)
            if param.expose_value:
                ctx.params[param.name] = value
        if rest and not ctx.allow_extra_args:
            ctx.fail(f"Got unexpected extra argument(s) ({' '.join(rest)!a})")
        ctx.args = rest
        return rest


class Group(_Folded, TyperGroup):
    """For `cls` of `typer.Typer`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The options. Typer's own for completion are None where they are not given, which would be checked."""
        params = super().get_params(ctx)
        for param in params:
            if getattr(param, "is_flag", False) and param.default is None:
                param.default = False
        return params


def _is_ready(param: Any, value: Any) -> bool:
    """Whether this is what the command takes, without a check."""
    if value is None:
        return not param.required
    single = param.nargs == 1 and not getattr(param, "multiple", False)
    return single and type(value) is getattr(getattr(param, "type_descriptor", None), "annotation", None)
