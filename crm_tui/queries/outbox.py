"""What became of the commands of this terminal: those that wait, and those somebody should look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select

from crm_tui.domain.follow_up import AMENDS, DRAFT_FORM
from crm_tui.domain.permission import Right
from crm_tui.queries.outbox_words import words_of
from crm_tui.store.drafts import Draft, drafts_of
from crm_tui.store.outbox import PENDING, answered, fact
from crm_tui.store.replica import cursors
from crm_tui.store.tables import customer, deal, draft, follow_up, outbox, person
from crm_tui.store.view import View

LOOK_AT = ("rejected", "held", "quarantined", "flagged")
"""The answers that somebody has to look at."""
REFUSED = LOOK_AT[:3]
"""Those of them that were not applied."""
DRAFT = "draft"
"""The state of what was never given as a command."""
EVERYTHING, WAITING, NOT_APPLIED = "everything", "waiting", "not_applied"
"""Which commands are asked for: all of the last ones, those without an answer, those still not applied."""
_MOST = 1000


@dataclass(frozen=True)
class CommandLine:
    """A command of this terminal, ``at`` aware UTC.

    ``state`` and ``settled`` are as in ``tables.Outbox``, in one: how a person has dealt with a refusal.
    """

    cmd_id: str
    kind: str
    at: datetime
    state: str
    code: str
    details: Mapping[str, Any]
    args: Mapping[str, Any]
    actor_id: str
    supersedes: str = ""
    subject: str = ""
    """The customer or lead it is about, by the name known last, or the name it gives; empty for none."""
    customer_id: str = ""
    is_here: bool = False
    """Whether the customer is to be seen here."""
    words: Mapping[str, str] = field(default_factory=dict)
    """What the ids and codes in ``args`` are called, by field."""

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


def open_commands(view: View) -> int:
    """Count the commands that were not applied and that the person has to deal with."""
    return sum(row.state in REFUSED and _mine(view, row) for row in answered(view.tx, _MOST))


def sync_lines(view: View, which: str = EVERYTHING, limit: int = 100) -> tuple[CommandLine, ...]:
    """Return the commands to look at, then the last ones of this terminal, each the newest first.

    ``which`` leaves only the commands that wait, up to a thousand, or those that are not applied.
    """
    last = select(outbox).order_by(outbox.c.seq.desc())
    if which == WAITING:
        waiting = view.tx.rows(last.where(outbox.c.state == PENDING).limit(_MOST))
        return _with_subjects(view, [_line(row) for row in waiting if _mine(view, row)])
    states = REFUSED if which == NOT_APPLIED else LOOK_AT
    to_do = [row for row in answered(view.tx, _MOST) if row.state in states and _mine(view, row)]
    rows = [] if which == NOT_APPLIED else view.tx.rows(last.limit(limit))
    known = {row.cmd_id for row in to_do}
    rest = [row for row in rows if row.cmd_id not in known and _mine(view, row)]
    return _with_subjects(view, [_line(row) for row in (*to_do, *rest)])


def reached(view: View) -> dict[str, int]:
    """Return up to which revision this terminal has read each of its spaces at the hub."""
    return cursors(view.tx)


def drafts_kept(view: View) -> int:
    """Count one's unfinished forms on this terminal."""
    kept = select(func.count()).select_from(draft).where(draft.c.person_id == view.viewer.person_id)
    return int(view.tx.scalar(kept) or 0)


def lost_drafts(view: View) -> tuple[CommandLine, ...]:
    """Return one's unfinished follow-ups whose customer is gone from here, as lines, the newest first.

    No list leads to their form any more. ``cmd_id`` is what the draft is about.
    """
    begun = [one for one in drafts_of(view.tx, view.viewer.person_id) if one.form == DRAFT_FORM]
    reachable = _reachable(view, [one.subject_id for one in begun]) if begun else frozenset()
    return tuple(_draft_line(view, one) for one in begun if one.subject_id not in reachable)


def _reachable(view: View, subjects: Sequence[str]) -> frozenset[str]:
    """Return which of these customers, follow-ups to be amended and refused commands can be opened."""
    seen = view.scope.where(customer)
    here = select(customer.c.id).where(seen, customer.c.id.in_(subjects))
    said = (
        select(follow_up.c.root_id)
        .join(customer, customer.c.id == follow_up.c.customer_id)
        .where(seen, follow_up.c.root_id.in_([one.removeprefix(AMENDS) for one in subjects]))
    )
    given = select(outbox.c.cmd_id).where(outbox.c.cmd_id.in_(subjects))
    amended = (f"{AMENDS}{one}" for one in view.tx.scalars(said))
    return frozenset((*view.tx.scalars(here), *view.tx.scalars(given), *amended))


def _draft_line(view: View, unfinished: Draft) -> CommandLine:
    amends = unfinished.subject_id.startswith(AMENDS)
    return CommandLine(
        unfinished.subject_id,
        "amend_follow_up" if amends else "log_follow_up",
        unfinished.saved_at,
        DRAFT,
        "customer_unknown",
        {},
        unfinished.answers,
        view.viewer.person_id,
        subject=unfinished.about,
        customer_id="" if amends else unfinished.subject_id,
    )


def this_device(view: View) -> str:
    """Return what the hub calls this terminal: its name, where one was given, and the end of its id."""
    device_id = fact(view.tx, "device_id")[-8:]
    name = fact(view.tx, "hub_device_name")
    return f"{name} ({device_id})" if name else device_id


def _with_subjects(view: View, lines: Sequence[CommandLine]) -> tuple[CommandLine, ...]:
    """Say of each command whom it is about and what its ids are called.

    The name of a customer whom the person does not see any more is the one the person gave the command by.
    """
    by_deal = _customers_of(view, deal, [str(one.args.get("deal_id", "")) for one in lines])
    by_talk = _customers_of(view, follow_up, [str(one.args.get("follow_up_id", "")) for one in lines])
    meant = [_meant(one.args, by_deal, by_talk) for one in lines]
    asked = select(customer.c.id, customer.c.name).where(
        view.scope.where(customer), customer.c.id.in_({one for one in meant if one})
    )
    names = {row.id: row.name for row in view.tx.rows(asked)}
    words = words_of(view.tx, [one.args for one in lines])
    return tuple(
        replace(
            one,
            subject=names.get(whom) or one.subject or str(one.args.get("name") or ""),
            customer_id=whom,
            is_here=whom in names,
            words=called,
        )
        for one, whom, called in zip(lines, meant, words, strict=True)
    )


def _customers_of(view: View, table: Any, ids: Sequence[str]) -> dict[str, str]:
    """Return the customer of each of these deals or follow-ups."""
    wanted = {one for one in ids if one}
    if not wanted:
        return {}
    rows = view.tx.rows(select(table.c.id, table.c.customer_id).where(table.c.id.in_(wanted)))
    return {row.id: row.customer_id or "" for row in rows}


def _meant(args: Mapping[str, Any], by_deal: Mapping[str, str], by_talk: Mapping[str, str]) -> str:
    if args.get("customer_id"):
        return str(args["customer_id"])
    deal_id, talk_id = str(args.get("deal_id", "")), str(args.get("follow_up_id", ""))
    return by_deal.get(deal_id) or by_talk.get(talk_id, "")


def _mine(view: View, row: Row[Any]) -> bool:
    """Tell whether a command is one's own, or that of somebody one answers for: it names customers."""
    me = view.viewer
    mine = row.actor_id == me.person_id or me.may(Right.REASSIGN)
    return mine and row.actor_id in _seen_people(view)


def _seen_people(view: View) -> frozenset[str]:
    asked = select(person.c.id).where(view.scope.people_where())
    return view.tx.keep(
        ("seen_people", view.viewer.person_id), lambda: frozenset(view.tx.scalars(asked)), person
    )


def _state(row: Row[Any]) -> str:
    """Return how a command stands: what counts goes on counting, though somebody has looked at it."""
    if row.settled and row.state in REFUSED:
        return str(row.settled)
    return "applied" if row.settled and row.state in LOOK_AT else str(row.state)


def _line(row: Row[Any]) -> CommandLine:
    return CommandLine(
        row.cmd_id,
        row.kind,
        row.at,
        _state(row),
        row.code,
        row.details or {},
        row.args,
        row.actor_id,
        row.supersedes,
        row.about,
    )
