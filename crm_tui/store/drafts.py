"""Unfinished forms, kept on this terminal until they are saved or thrown away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, select

from crm_tui.store.tables import draft
from crm_tui.store.transaction import Transaction


@dataclass(frozen=True)
class Draft:
    """An unfinished form: its answers by field, when they were kept, and the name of whom it is about."""

    form: str
    subject_id: str
    answers: Mapping[str, Any]
    saved_at: datetime
    about: str = ""


def keep_draft(tx: Transaction, person_id: str, unfinished: Draft) -> None:
    """Keep a draft in place of an earlier one of the same form and subject."""
    drop_draft(tx, person_id, unfinished.form, unfinished.subject_id)
    tx.insert(
        draft,
        person_id=person_id,
        form=unfinished.form,
        subject_id=unfinished.subject_id,
        answers=dict(unfinished.answers),
        saved_at=unfinished.saved_at,
        about=unfinished.about,
    )


def find_draft(tx: Transaction, person_id: str, form: str, subject_id: str) -> Draft | None:
    """Return the draft of a form about a subject, None where there is none."""
    row = tx.first(
        select(draft).where(
            and_(draft.c.person_id == person_id, draft.c.form == form, draft.c.subject_id == subject_id)
        )
    )
    return _draft(row) if row else None


def drafts_of(tx: Transaction, person_id: str) -> list[Draft]:
    """Return all drafts of a person, the newest first."""
    rows = tx.rows(select(draft).where(draft.c.person_id == person_id).order_by(draft.c.saved_at.desc()))
    return [_draft(row) for row in rows]


def drop_draft(tx: Transaction, person_id: str, form: str, subject_id: str) -> None:
    """Throw a draft away; nothing happens where there is none."""
    tx.delete_where(
        draft, draft.c.person_id == person_id, draft.c.form == form, draft.c.subject_id == subject_id
    )


def _draft(row: Row[Any]) -> Draft:
    return Draft(row.form, row.subject_id, row.answers, row.saved_at, row.about)
