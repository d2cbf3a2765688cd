"""Commands and groups that start without pydantic, which would take half of a short command's time.

Typer (0.29) builds a pydantic adapter for each parameter of a command, given or not. A value that is not there, or that
is already of the type in the annotation, needs none; any other goes Typer's way, as all do in versions of Typer that do
not tell the type.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption


class _WithParameters:
    """Mixed into a command or a group of Typer: its parameters, `--help` among them, are those of this module."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._twins: dict[int, Any] = {}

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters: the same objects at each call, since Click sorts by them."""
        found = super().get_params(ctx)  # type: ignore[misc] # of Typer's class, which is beside this one
        return [self._twins.setdefault(id(param), _without_adapter(param)) for param in found]


class Command(_WithParameters, TyperCommand):
    """For `cls` of `@app.command`."""


class Group(_WithParameters, TyperGroup):
    """For `cls` of `typer.Typer`."""


class _WithoutAdapter:
    """Mixed into a parameter of Typer: converts a value only where it has to be converted."""

    type_descriptor: Any
    callback: Any
    required: bool
    nargs: int

    def process_value(self, ctx: Any, value: Any) -> Any:
        """The value as the command takes it."""
        described = getattr(self, "type_descriptor", None)
        wanted = getattr(described, "annotation", None)
        single = isinstance(wanted, type) and self.nargs == 1 and not getattr(self, "multiple", False)
        parsed = getattr(getattr(described, "parameter_info", None), "parser", None) is not None
        ready = type(value) is wanted or (value is None and not self.required)
        if not single or parsed or not ready:
            return super().process_value(ctx, value)  # type: ignore[misc] # of Typer's class, which is beside this one
        return self.callback(ctx, self, value) if self.callback else value


class _Option(_WithoutAdapter, TyperOption):
    pass


class _Argument(_WithoutAdapter, TyperArgument):
    pass


def _without_adapter(param: Any) -> Any:
    """A parameter with the same settings: Typer makes its own class alone, and has no way to name another."""
    kind = _Option if isinstance(param, TyperOption) else _Argument
    twin = kind.__new__(kind)
    vars(twin).update(vars(param))
    return twin
