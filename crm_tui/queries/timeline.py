"""What happened with one customer, newest first: ``timeline(view, customer_id, ...)``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, select, union_all

from crm_tui.queries.profile import customer_row
from crm_tui.store.pipelines import stage_names
from crm_tui.store.tables import contact_plan, customer, deal, follow_up, ownership_event, person, stage_visit
from crm_tui.store.view import View

KINDS = ("follow_up", "stage", "ownership", "postponement", "created")


@dataclass(frozen=True)
class Entry:
    """One thing that happened; ``kind`` is one of KINDS and decides which fields are filled.

    follow_up: ``id`` is the root's id, ``channel``, ``result``, ``need_change``, ``objections``,
    ``objection_note``, ``next_step``, ``next_at``, ``effective``, ``versions`` (1 = never amended),
    ``amended_by`` (who wrote this version, where that is not its author), ``retracted``.
    stage: ``move`` (start, advance, skip, back, won, lost, reopen), ``from_name``, ``to_name`` (stages),
    ``reason``, ``deal_title``, ``retracted`` where the move was taken back.
    ownership: ``move`` (create, assign ...), ``from_name``, ``to_name`` (people), ``reason``.
    postponement: ``next_at``, ``next_step``, ``reason``, ``retracted``. created: nothing more.
    ``person_name`` is who did it.
    """

    kind: str
    id: str
    at: datetime
    person_name: str
    channel: str = ""
    result: str = ""
    need_change: str = ""
    objections: tuple[str, ...] = ()
    objection_note: str = ""
    next_step: str = ""
    next_at: datetime | None = None
    effective: bool = False
    versions: int = 1
    amended_by: str = ""
    retracted: bool = False
    move: str = ""
    from_name: str = ""
    to_name: str = ""
    reason: str = ""
    deal_title: str = ""


@dataclass(frozen=True)
class Timeline:
    """Some of ``count`` entries, newest first."""

    count: int
    entries: tuple[Entry, ...] = field(default_factory=tuple)


def timeline(
    view: View, customer_id: str, *, offset: int = 0, limit: int = 50, channel: str = ""
) -> Timeline:
    """Return what happened with a customer; with ``channel`` only the follow-ups through it.

    Raises:
        Refused: customer_unknown, outside the scope as well.
    """
    row = customer_row(view, customer_id)
    parts = _parts(customer_id, channel)
    everything = union_all(*parts).subquery()
    count = int(view.tx.scalar(select(func.count()).select_from(everything)))
    page = view.tx.rows(
        select(everything)
        .order_by(everything.c.at.desc(), everything.c.place.desc(), everything.c.id.desc())
        .offset(offset)
        .limit(limit)
    )
    wanted: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for one in page:
        wanted[one.kind].append(one.id)
    found: dict[tuple[str, str], Entry] = {}
    for kind, load in _LOADERS.items():
        if wanted[kind]:
            found |= {(kind, entry_id): entry for entry_id, entry in load(view, wanted[kind]).items()}
    if wanted["created"]:
        found["created", customer_id] = Entry("created", customer_id, row.created_at, "")
    return Timeline(count, tuple(found[one.kind, one.id] for one in page))


def _parts(customer_id: str, channel: str) -> list[Select[Any]]:
    """Return what asks for kind, id and instant of each sort of entry; ``place`` settles equal instants."""

    def part(place: int, table: Any, at: ColumnElement[Any], *where: ColumnElement[bool]) -> Select[Any]:
        return select(
            literal(KINDS[4 - place]).label("kind"),
            table.c.id.label("id"),
            at.label("at"),
            literal(place).label("place"),
        ).where(*where)

    spoken = part(
        4,
        follow_up,
        follow_up.c.occurred_at,
        follow_up.c.customer_id == customer_id,
        follow_up.c.replaced_by.is_(None),
    )
    if channel:
        return [spoken.where(follow_up.c.channel == channel)]
    deals = select(deal.c.id).where(deal.c.customer_id == customer_id, deal.c.archived_at.is_(None))
    return [
        spoken,
        part(3, stage_visit, stage_visit.c.entered_at, stage_visit.c.deal_id.in_(deals)),
        part(
            2,
            ownership_event,
            ownership_event.c.at,
            ownership_event.c.customer_id == customer_id,
            ownership_event.c.kind != "create",
        ),
        part(
            1,
            contact_plan,
            contact_plan.c.set_at,
            contact_plan.c.customer_id == customer_id,
            contact_plan.c.follow_up_id.is_(None),
        ),
        part(0, customer, customer.c.created_at, customer.c.id == customer_id),
    ]


def _follow_ups(view: View, ids: list[str]) -> dict[str, Entry]:
    corrector = person.alias()
    rows = view.tx.rows(
        select(follow_up, person.c.name.label("person_name"), corrector.c.name.label("corrector_name"))
        .join(person, person.c.id == follow_up.c.author_id)
        .outerjoin(corrector, and_(corrector.c.id == follow_up.c.amended_by, corrector.c.id != person.c.id))
        .where(follow_up.c.id.in_(ids))
    )
    return {
        row.id: Entry(
            kind="follow_up",
            id=row.root_id,
            at=row.occurred_at,
            person_name=row.person_name,
            channel=row.channel,
            result=row.result,
            need_change=row.need_change,
            objections=tuple(row.objections or ()),
            objection_note=row.objection_note,
            next_step=row.next_step,
            next_at=row.next_at,
            effective=row.effective,
            versions=row.version,
            amended_by=row.corrector_name or "",
            retracted=row.retracted_at is not None,
        )
        for row in rows
    }


def _visits(view: View, ids: list[str]) -> dict[str, Entry]:
    rows = view.tx.rows(
        select(stage_visit, person.c.name.label("person_name"), deal.c.pipeline_id, deal.c.title)
        .join(person, person.c.id == stage_visit.c.actor_id)
        .join(deal, deal.c.id == stage_visit.c.deal_id)
        .where(stage_visit.c.id.in_(ids))
    )
    names = stage_names(view.tx)
    return {
        row.id: Entry(
            kind="stage",
            id=row.id,
            at=row.entered_at,
            person_name=row.person_name,
            move=row.kind,
            from_name=names.get((row.pipeline_id, row.from_stage), row.from_stage),
            to_name=names.get((row.pipeline_id, row.stage), row.stage),
            reason=row.reason,
            deal_title=row.title,
            retracted=row.taken_back_at is not None,
        )
        for row in rows
    }


def _ownership(view: View, ids: list[str]) -> dict[str, Entry]:
    giver, before, after = person.alias("giver"), person.alias("before"), person.alias("after")
    rows = view.tx.rows(
        select(
            ownership_event,
            giver.c.name.label("person_name"),
            before.c.name.label("from_name"),
            after.c.name.label("to_name"),
        )
        .join(giver, giver.c.id == ownership_event.c.actor_id)
        .outerjoin(before, before.c.id == ownership_event.c.from_owner_id)
        .outerjoin(after, after.c.id == ownership_event.c.to_owner_id)
        .where(ownership_event.c.id.in_(ids))
    )
    return {
        row.id: Entry(
            kind="ownership",
            id=row.id,
            at=row.at,
            person_name=row.person_name,
            move=row.kind,
            from_name=row.from_name or "",
            to_name=row.to_name or "",
            reason=row.reason,
        )
        for row in rows
    }


def _plans(view: View, ids: list[str]) -> dict[str, Entry]:
    rows = view.tx.rows(
        select(contact_plan, person.c.name.label("person_name"))
        .join(person, person.c.id == contact_plan.c.actor_id)
        .where(contact_plan.c.id.in_(ids))
    )
    return {
        row.id: Entry(
            kind="postponement",
            id=row.id,
            at=row.set_at,
            person_name=row.person_name,
            next_at=row.next_at,
            next_step=row.next_step,
            reason=row.reason,
            retracted=row.retracted_at is not None,
        )
        for row in rows
    }


_LOADERS: dict[str, Callable[[View, list[str]], dict[str, Entry]]] = {
    "follow_up": _follow_ups,
    "stage": _visits,
    "ownership": _ownership,
    "postponement": _plans,
}
