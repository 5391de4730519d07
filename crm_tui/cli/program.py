"""The verbs, put together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from crm_tui.cli import care, data, deeds, hub, joining, work
from crm_tui.cli.help_page import SpokenGroup
from crm_tui.cli.terminal import USAGE, fail, running_clock, terminal_of
from crm_tui.cli.usage import usage_words
from crm_tui.settings import find_home
from crm_tui.sync.machine import program_version


class ProgramGroup(SpokenGroup):
    """The verbs of the program; what a line says that they cannot read is told in words."""

    def make_context(self, *given: Any, **more: Any) -> Any:
        """Read what stands before the verb."""
        with _usage_in_words():
            return super().make_context(*given, **more)

    def invoke(self, context: Any) -> Any:
        """Read the verb and what stands behind it, and do it."""
        with _usage_in_words():
            return super().invoke(context)


def build_program() -> typer.Typer:
    """Return the program with all its verbs, in the language in use."""
    program = typer.Typer(
        name="crm-tui",
        help="cli.help.program",
        cls=ProgramGroup,
        no_args_is_help=False,
        invoke_without_command=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        add_completion=False,
    )
    program.callback()(_before)
    for family in (work, deeds, data, care, joining, hub):
        family.add_verbs(program)
    return program


@contextmanager
def _usage_in_words() -> Iterator[None]:
    try:
        yield
    except TyperException as error:
        if getattr(error, "exit_code", None) != USAGE or type(error).__name__ == "NoArgsIsHelpError":
            raise
        fail(usage_words(error), USAGE)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"crm-tui {program_version()}")
        raise typer.Exit


def _before(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option(help="cli.help.home")] = None,
    as_person: Annotated[str, typer.Option("--as", help="cli.help.as")] = "",
    clock: Annotated[str, typer.Option(help="cli.help.clock", hidden=True)] = "",
    *,
    _version: Annotated[
        bool, typer.Option("--version", help="cli.help.version", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    at = running_clock(clock) if clock else None
    context.obj = terminal_of(home, as_person, at)
    if context.invoked_subcommand is None:
        from crm_tui.cli.screen import run_screen

        run_screen(find_home(home), clock=at)
