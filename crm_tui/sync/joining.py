"""Becoming a hub's terminal, and what a terminal knows of its hub."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from crm_tui.domain.errors import Refused
from crm_tui.store import outbox
from crm_tui.store.outbox import fact, set_facts
from crm_tui.store.replica import cursors, keep_undo
from crm_tui.store.scope import top_zone
from crm_tui.store.tables import org_unit
from crm_tui.store.transaction import Transaction
from crm_tui.store.types import instant_of
from crm_tui.sync.messages import HubCard, HubError, JoinAnswer, Say

LEASE = timedelta(days=7)
"""How long people may work without the terminal having met its hub."""

_OTHER_ZONE = timedelta(days=1)

WRONG_CLOCK = timedelta(minutes=5)
"""How far this clock may be from the hub's unsaid."""


@dataclass(frozen=True)
class Membership:
    """How to reach the hub, and as whom."""

    url: str
    device_id: str
    secret: str


@dataclass(frozen=True)
class Standing:
    """How a terminal stands with its hub.

    ``waiting`` commands have no answer yet, ``refused`` have one that somebody must look at; ``skew`` is
    this clock minus the hub's.
    """

    url: str
    waiting: int
    refused: int
    last_met: datetime | None
    skew: timedelta
    frozen: bool

    @property
    def minutes_off(self) -> int:
        """How many whole minutes this clock is off, negative where it is slow; 0: not worth saying."""
        minutes = abs(self.skew) // timedelta(minutes=1)
        return 0 if abs(self.skew) < WRONG_CLOCK else minutes if self.skew > timedelta() else -minutes

    def lease_over(self, now: datetime) -> bool:
        """Tell whether the hub has not been met for longer than people may work without it.

        A clock that stands before the last meeting, by more than a wrong zone explains, proves nothing. One
        that was wrong then may be right now.
        """
        if self.last_met is None:
            return False
        since = now - self.last_met
        return not any(-_OTHER_ZONE < one <= LEASE for one in (since, since + self.skew))


def membership(tx: Transaction) -> Membership | None:
    """Return the terminal's hub, None where it works alone."""
    url, secret = fact(tx, "hub_url"), fact(tx, "hub_secret")
    return Membership(url, fact(tx, "device_id"), secret) if url and secret else None


def standing(tx: Transaction) -> Standing | None:
    """Return how the terminal stands with its hub, None where it works alone."""
    url = fact(tx, "hub_url")
    if not url:
        return None
    many, met = outbox.counts(tx), int(fact(tx, "hub_last_sync", "0"))
    return Standing(
        url=url,
        waiting=many[outbox.PENDING],
        refused=sum(many.get(state, 0) for state in ("rejected", "held", "quarantined")),
        last_met=instant_of(met) if met else None,
        frozen=bool(fact(tx, "hub_frozen")),
        skew=timedelta(microseconds=int(fact(tx, "hub_skew", "0"))),
    )


def wall_zone(tx: Transaction) -> str:
    """Return the time zone on this terminal's wall: its branch's, the organisation's where it has several."""
    here = select(org_unit.c.time_zone).where(org_unit.c.id.in_(list(cursors(tx)))).distinct()
    zones = list(tx.scalars(here))
    return str(zones[0]) if len(zones) == 1 else top_zone(tx)


def refuse_used(tx: Transaction) -> None:
    """Refuse to let a hub's rows come over those that a terminal has already.

    Raises:
        Refused: home_joined (url), home_in_use.
    """
    if fact(tx, "hub_url"):
        raise Refused("home_joined", url=fact(tx, "hub_url"))
    if tx.first(select(org_unit.c.id)) is not None:
        raise Refused("home_in_use")


def refuse_other(tx: Transaction, card: HubCard) -> None:
    """Refuse the hub of other people: it gets nothing and gives nothing.

    Raises:
        HubError: OTHER (organisation).
    """
    ours = fact(tx, "hub_organisation")
    if ours and card.organisation_id != ours:
        raise HubError(Say.OTHER, organisation=card.organisation)


def become_member(tx: Transaction, url: str, answer: JoinAnswer, machine: str) -> None:
    """Keep what the hub gave at the joining; from now on changes can be put back."""
    set_facts(
        tx,
        device_id=answer.device_id,
        hub_url=url,
        hub_secret=answer.secret,
        hub_epoch=answer.epoch,
        hub_machine=machine,
        hub_organisation=answer.organisation_id,
        hub_device_name=answer.name,
    )
    keep_undo(tx)
