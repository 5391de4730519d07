"""How a hub stands, for those who look after it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import func, select

from crm_tui.hub.books import NORMAL, HubBooks, meta_value, set_meta
from crm_tui.hub.tables import command_log, device, feed, review


@dataclass(frozen=True)
class Overview:
    """Counts of a hub; ``waiting`` commands need somebody's decision."""

    organisation: str
    mode: str
    epoch: str
    terminals: int
    commands: int
    rows: int
    waiting: int

    def plain(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def overview(books: HubBooks) -> Overview:
    """Return how the hub stands now."""
    with books.read() as tx:
        return Overview(
            organisation=meta_value(tx, "organisation"),
            mode=meta_value(tx, "mode", NORMAL),
            epoch=meta_value(tx, "epoch"),
            terminals=tx.scalar(select(func.count()).select_from(device)),
            commands=tx.scalar(select(func.count()).select_from(command_log)),
            rows=tx.scalar(select(func.count()).select_from(feed).where(feed.c.live)),
            waiting=tx.scalar(select(func.count()).select_from(review).where(review.c.decided_at.is_(None))),
        )


def public_url(books: HubBooks) -> str:
    """Return where terminals reach the hub; empty: nobody has said it."""
    with books.read() as tx:
        return meta_value(tx, "url")


def note_public_url(books: HubBooks, url: str) -> None:
    """Note where terminals reach the hub from now on."""
    with books.write() as tx:
        set_meta(tx, url=url)
