"""What became of the commands of this terminal: those that wait, and those somebody should look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from crm_tui.domain.permission import Right
from crm_tui.store.outbox import answered
from crm_tui.store.tables import outbox
from crm_tui.store.view import View


@dataclass(frozen=True)
class CommandLine:
    """A command of this terminal: ``state`` as in ``tables.Outbox``, ``at`` aware UTC."""

    cmd_id: str
    kind: str
    at: datetime
    state: str
    code: str
    details: Mapping[str, Any]
    args: Mapping[str, Any]
    actor_id: str

    def plain(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def answered_commands(view: View, limit: int = 200) -> tuple[CommandLine, ...]:
    """Return the commands whose answer somebody should look at: one's own, or everybody's for who manages."""
    return tuple(_line(row) for row in answered(view.tx, limit) if _mine(view, row))


def last_commands(view: View, limit: int = 100) -> tuple[CommandLine, ...]:
    """Return the last commands of this terminal, the newest first."""
    rows = view.tx.rows(select(outbox).order_by(outbox.c.seq.desc()).limit(limit))
    return tuple(_line(row) for row in rows if _mine(view, row))


def _mine(view: View, row: Row[Any]) -> bool:
    return row.actor_id == view.viewer.person_id or view.viewer.may(Right.REASSIGN)


def _line(row: Row[Any]) -> CommandLine:
    return CommandLine(
        row.cmd_id, row.kind, row.at, row.state, row.code, row.details or {}, row.args, row.actor_id
    )
