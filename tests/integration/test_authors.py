"""A contact is the work of who had it, whoever corrects the record of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from crm_tui.commands.follow_ups import AmendFollowUp
from crm_tui.queries.timeline import timeline
from crm_tui.store.tables import follow_up
from crm_tui.widgets.entries import entry_lines


def _amended(office: Any, root: str, said: Any, need: str) -> None:
    answers = said.model_dump(exclude={"customer_id", "deal_id", "occurred_at"}) | {"need_change": need}
    office.give(AmendFollowUp(follow_up_id=root, **answers))


def test_a_follow_up_corrected_by_the_manager_stays_the_clerks(office: Any, books: Any) -> None:
    said = office.spoken(office.customer())
    root = office.give(said)["follow_up_id"]
    office.as_person("4001")
    _amended(office, root, said, "wants a round table")
    stands = follow_up.c.replaced_by.is_(None) & follow_up.c.retracted_at.is_(None)
    by_author = select(follow_up.c.author_id, func.count().label("count")).where(stands)
    clerk, manager = office.people["6001"], office.people["4001"]
    assert books.rows(by_author.group_by(follow_up.c.author_id)) == [{"author_id": clerk, "count": 1}]
    versions = books.rows(select(follow_up.c.version, follow_up.c.amended_by).order_by(follow_up.c.version))
    assert versions == [{"version": 1, "amended_by": None}, {"version": 2, "amended_by": manager}]


def test_the_history_names_the_author_and_who_corrected(office: Any) -> None:
    customer_id = office.customer()
    said = office.spoken(customer_id)
    root = office.give(said)["follow_up_id"]
    office.as_person("4001")
    _amended(office, root, said, "wants a round table")
    entry = office.desk.answer(timeline, customer_id).entries[0]
    assert (entry.person_name, entry.amended_by, entry.versions) == ("陈静", "Bo Jingan", 2)
    shown = " ".join(entry_lines(entry, office.clock.now, "Asia/Shanghai"))
    assert "陈静" in shown
    assert "Bo Jingan" in shown


def test_who_corrects_the_own_words_is_named_once(office: Any) -> None:
    customer_id = office.customer()
    said = office.spoken(customer_id)
    root = office.give(said)["follow_up_id"]
    _amended(office, root, said, "wants a round table")
    entry = office.desk.answer(timeline, customer_id).entries[0]
    assert (entry.person_name, entry.amended_by, entry.versions) == ("陈静", "", 2)


def test_taking_a_correction_back_leaves_the_author(office: Any, books: Any) -> None:
    said = office.spoken(office.customer())
    root = office.give(said)["follow_up_id"]
    office.as_person("4001")
    _amended(office, root, said, "wants a round table")
    office.desk.undo()
    current = books.one(select(follow_up).where(follow_up.c.replaced_by.is_(None)))
    assert current["author_id"] == office.people["6001"]
    assert current["need_change"] == said.need_change
