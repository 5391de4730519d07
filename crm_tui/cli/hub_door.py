"""Opening a hub's database for one verb, and saying in words what a hub says no to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from crm_tui.cli.terminal import Terminal, exit_code, fail, refusing
from crm_tui.widgets.refusal import refusal

if TYPE_CHECKING:
    from crm_tui.hub.authority import Authority


@contextlib.contextmanager
def hub_refusing() -> Iterator[None]:
    """Turn what a hub says into a sentence on stderr and an exit code; a verb does not try again itself."""
    from crm_tui.sync.messages import HubError, Say

    try:
        yield
    except HubError as no:
        code = "hub_busy" if no.code == Say.RETRY else no.code
        fail(refusal(code, no.details), exit_code(code))


@contextlib.contextmanager
def opened_hub(context: typer.Context, database: str) -> Iterator[Authority]:
    """Open the hub's database for one verb; a refusal becomes a sentence and an exit code."""
    from crm_tui.desk import new_id, wall_clock
    from crm_tui.hub.opening import open_hub

    terminal: Terminal = context.obj
    with refusing(), hub_refusing():
        hub = open_hub(database, clock=terminal.clock or wall_clock, new_id=new_id)
        try:
            yield hub
        finally:
            hub.close()
