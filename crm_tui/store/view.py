"""What a question is asked with: a transaction to read, who asks, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from crm_tui.store.scope import Scope, Viewer
from crm_tui.store.transaction import Transaction


@dataclass(frozen=True)
class View:
    """The first argument of every query; ``now`` is aware UTC."""

    tx: Transaction
    viewer: Viewer
    now: datetime

    @property
    def scope(self) -> Scope:
        """The filter that every row of an answer must pass."""
        return self.viewer.scope

    @property
    def today(self) -> date:
        """The business date at the viewer's branch."""
        return self.viewer.day(self.now)
