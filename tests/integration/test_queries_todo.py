"""What has to be done: tabs, badges, reasons and people, all by one definition of overdue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crm_tui.commands.customers import ArchiveCustomer
from crm_tui.commands.deals import MoveDeal, SetDealArchived, TickAction
from crm_tui.commands.follow_ups import PostponeContact
from crm_tui.commands.rules import SetOverdueRules
from crm_tui.domain.errors import Refused
from crm_tui.domain.overdue import LEVELS
from crm_tui.queries.badges import badges
from crm_tui.queries.board import board, board_cards, card_detail, cards_after
from crm_tui.queries.pickers import (
    people,
    pipelines,
    product_lines,
    products,
    sources,
    stages,
    tags,
    units,
)
from crm_tui.queries.todo import TABS, by_person, todo_counts, todo_page, why


def listed(office: Any, tab: str, **more: Any) -> list[str]:
    return [line.customer.name for line in office.desk.answer(todo_page, tab, **more).lines]


@pytest.fixture
def busy(office: Any) -> dict[str, str]:
    """Customers whose next contact lies late, today, this week and far off, and one never contacted."""
    ids = {}
    for name, hours in (("迟", 1), ("今", 30), ("周", 80), ("远", 24 * 30)):
        ids[name] = office.customer(name)
        office.give(office.spoken(ids[name], next_at=office.clock.now + timedelta(hours=hours)))
    ids["新"] = office.customer("新")
    office.clock.move(hours=25)
    return ids


@pytest.mark.usefixtures("busy")
def test_each_tab_lists_its_customers_what_is_due_longest_first(office: Any) -> None:
    assert {tab: listed(office, tab) for tab in TABS} == {
        "overdue": ["迟", "新"],
        "today": ["今"],
        "upcoming": ["周"],
        "never": ["新"],
        "escalated": [],
    }


@pytest.mark.usefixtures("busy")
def test_badges_and_tab_counts_are_the_lengths_of_the_lists(office: Any) -> None:
    for number in ("6001", "6002", "5001", "4001", "3001", "2001"):
        desk = office.as_person(number)
        counts = desk.answer(todo_counts)
        for tab in TABS:
            page = desk.answer(todo_page, tab)
            assert len(page.lines) == page.count == getattr(counts, tab), (number, tab)
        badge = desk.answer(badges)
        assert (badge.overdue, badge.today) == (counts.overdue, counts.today)


def test_an_overdue_customer_climbs_the_three_steps_of_escalation(office: Any) -> None:
    office.customer("陈红")
    office.clock.move(hours=24, seconds=1)
    steps = []
    for days in (0, 3, 2, 2):
        office.clock.move(days=days)
        (line,) = office.desk.answer(todo_page, "overdue").lines
        steps.append((line.escalation, line.late.days))
    assert steps == [(0, 0), (1, 3), (2, 5), (3, 7)]
    assert listed(office, "escalated") == ["陈红"]
    assert listed(office, "overdue", least=timedelta(days=7)) == ["陈红"]
    assert listed(office, "overdue", least=timedelta(days=8)) == []


def test_a_rotting_deal_makes_its_customer_overdue_where_nothing_is_planned(office: Any) -> None:
    office.as_person("1001")
    office.give(
        SetOverdueRules(days=dict.fromkeys(LEVELS, 30), first_contact_hours=720, escalate_days=(3, 5, 7))
    )
    office.as_person("6001")
    one = office.customer("停滞", phones=("13800138000",))
    deal_id = office.deal(one)
    office.clock.move(days=3, seconds=-1)
    assert listed(office, "overdue") == []
    office.clock.move(seconds=2)
    assert listed(office, "overdue") == ["停滞"]
    assert office.desk.answer(badges).overdue == 1
    told = office.desk.answer(why, one)
    assert (told.reason, told.since, told.stage_name) == ("rotting", told.rotting_since, "stage.lead")
    (card,) = office.desk.answer(board_cards, office.desk.answer(board).pipeline_id, "lead")
    assert card.due_reason == "rotting"
    office.give(PostponeContact(customer_id=one, next_at=office.clock.now + timedelta(days=1)))
    assert listed(office, "overdue") == []
    office.give(SetDealArchived(deal_id=deal_id, archived=True))
    assert office.desk.answer(why, one).rotting_since is None


def test_why_tells_the_rules_own_numbers(office: Any) -> None:
    one = office.customer("新", level="A")
    told = office.desk.answer(why, one)
    assert (told.reason, told.hours, told.days, told.level) == ("never_contacted", 24, 7, "A")
    assert told.since - office.clock.now == pytest.approx(timedelta(hours=24), abs=timedelta(seconds=1))
    assert told.late == timedelta(0)
    assert told.escalate_days == (3, 5, 7)
    with pytest.raises(Refused, match="customer_unknown"):
        office.as_person("6005").answer(why, one)


@pytest.mark.usefixtures("busy")
def test_who_has_how_much_to_do_is_told_person_by_person(office: Any) -> None:
    office.as_person("6002")
    office.customer("另")
    loads = office.as_person("5001").answer(by_person)
    assert [(one.name, one.overdue, one.owned) for one in loads] == [("陈静", 2, 5), ("李敏", 0, 1)]
    assert listed(office, "overdue", owner_id=office.people["6002"]) == []
    assert office.desk.answer(todo_counts, owner_id=office.people["6001"]).overdue == 2


def test_an_archived_customer_is_nobodys_work(office: Any, busy: dict[str, str]) -> None:
    office.give(ArchiveCustomer(customer_id=busy["迟"]))
    assert listed(office, "overdue") == ["新"]
    assert office.desk.answer(badges).overdue == 1


def test_the_board_sums_each_stage_of_the_scope(office: Any) -> None:
    one = office.customer("张三", phones=("13800138000",))
    office.deal(one, amount=100)
    second = office.deal(one, amount=250)
    office.deal(one)
    office.clock.move(days=2)
    office.give(MoveDeal(deal_id=second, to_stage="contact", expected_stage="lead"))
    office.clock.move(days=1)
    answer = office.desk.answer(board)
    told = {column.code: (column.count, column.amount, column.dwell_days) for column in answer.columns}
    assert told["lead"] == (2, 100, pytest.approx(3.0))
    assert told["contact"] == (1, 250, pytest.approx(1.0))
    assert told["need"] == (0, 0, None)
    assert list(told) == ["lead", "contact", "need", "proposal", "negotiation", "won"]
    assert (answer.total_count, answer.total_amount) == (3, 350)
    other = office.as_person("6002").answer(board)
    assert (other.total_count, other.total_amount) == (0, 0)
    mine = office.as_person("4001").answer(board, owner_id=office.people["6001"])
    assert mine.total_count == 3
    assert office.desk.answer(board, owner_id=office.people["6002"]).total_count == 0


def test_the_cards_of_a_column_come_by_due_instant_in_pages_that_join(office: Any) -> None:
    for number in range(6):
        one = office.customer(f"客{number}", level="B", tags=("急",))
        office.deal(one, amount=number)
        office.give(office.spoken(one, next_at=office.clock.now + timedelta(hours=6 - number)))
    pipeline_id = office.desk.answer(board).pipeline_id
    whole = office.desk.answer(board_cards, pipeline_id, "lead")
    assert [card.customer_name for card in whole] == [f"客{number}" for number in (5, 4, 3, 2, 1, 0)]
    assert (whole[0].level, whole[0].tags, whole[0].next_step) == ("B", ("急",), "send the drawing")
    paged = [
        card
        for offset in (0, 4)
        for card in office.desk.answer(board_cards, pipeline_id, "lead", offset=offset, limit=4)
    ]
    assert tuple(paged) == whole
    assert office.desk.answer(cards_after, pipeline_id, "lead", whole[2], limit=2) == whole[3:5]
    assert office.desk.answer(cards_after, pipeline_id, "lead", whole[-1]) == ()
    assert office.as_person("6002").answer(board_cards, pipeline_id, "lead") == ()


def test_what_was_won_leaves_the_board_after_thirty_days(office: Any) -> None:
    office.as_person("5001")
    deal_id = office.deal(office.customer("成"), amount=7)
    office.give(MoveDeal(deal_id=deal_id, to_stage="won", expected_stage="lead", reason="paid at once"))
    pipeline_id = office.desk.answer(board).pipeline_id
    office.clock.move(days=29)
    assert [card.deal_id for card in office.desk.answer(board_cards, pipeline_id, "won")] == [deal_id]
    assert office.desk.answer(board).columns[-1].amount == 7
    assert office.desk.answer(board).total_count == 0
    office.clock.move(days=1)
    assert office.desk.answer(board_cards, pipeline_id, "won") == ()
    assert office.desk.answer(board).columns[-1].count == 0


def test_a_card_in_detail_has_its_gate_and_latest_entries(office: Any) -> None:
    one = office.customer("张三", phones=("13800138000",))
    deal_id = office.deal(one)
    office.clock.move(minutes=5)
    office.give(MoveDeal(deal_id=deal_id, to_stage="contact", expected_stage="lead"))
    office.give(TickAction(deal_id=deal_id, action="reception"))
    for _ in range(4):
        office.clock.move(minutes=5)
        office.give(office.spoken(one))
    detail = office.desk.answer(card_detail, deal_id)
    assert [(item.code, item.done) for item in detail.gate.items] == [("need", True), ("reception", True)]
    assert [entry.kind for entry in detail.entries] == ["follow_up"] * 3
    assert detail.phone == "+8613800138000"


def test_pickers_offer_only_what_the_scope_holds(office: Any) -> None:
    office.customer("甲", source="抖音", tags=("瓷砖", "急"))
    office.customer("乙", source="抖音", tags=("瓷砖",))
    office.deal(office.customer("丙", source="到店"))
    assert [(one.name, one.count) for one in office.desk.answer(sources)] == [("抖音", 2), ("到店", 1)]
    assert [(one.name, one.count) for one in office.desk.answer(tags)] == [("瓷砖", 2), ("急", 1)]
    assert [(one.number, one.open_deals) for one in office.desk.answer(people)] == [("6001", 1)]
    assert {one.number for one in office.as_person("5001").answer(people)} == {"5001", "6001", "6002"}
    assert "2001" not in {one.number for one in office.as_person("2001").answer(people)}
    assert "2001" in {one.number for one in office.desk.answer(people, with_branch=False)}
    office.as_person("6005")
    assert office.desk.answer(sources) == office.desk.answer(tags) == ()


def test_pickers_offer_the_tree_of_units_from_above(office: Any) -> None:
    def offered(number: str) -> list[tuple[str, int]]:
        return [(one.name, one.depth) for one in office.as_person(number).answer(units)]

    assert offered("2001") == [
        ("Haitang", 0),
        ("East", 1),
        ("Jingan", 2),
        ("Team one", 3),
        ("Team two", 3),
        ("Xuhui", 2),
        ("South", 1),
        ("Tianhe", 2),
        ("Team three", 3),
    ]
    assert offered("3002") == [("Tianhe", 0), ("Team three", 1)]
    assert offered("5001") == [("Team one", 0)]


def test_pickers_offer_pipelines_stages_and_products(office: Any) -> None:
    from crm_tui.commands.rules import CreateProduct, CreateProductLine, EditProduct

    office.as_person("1001")
    line_id = office.give(CreateProductLine(name="Tiles"))["line_id"]
    kept = office.give(CreateProduct(name="Blue", line_id=line_id, unit_price=900))["product_id"]
    office.give(CreateProduct(name="Loose"))
    gone = office.give(CreateProduct(name="Old", line_id=line_id))["product_id"]
    office.give(EditProduct(product_id=gone, active=False))
    (path,) = office.desk.answer(pipelines)
    assert path.name == "Sales"
    assert [one.code for one in office.desk.answer(stages, path.id)][-2:] == ["won", "lost"]
    assert office.desk.answer(stages) == office.desk.answer(stages, path.id)
    assert [one.name for one in office.desk.answer(product_lines)] == ["Tiles"]
    assert [one.name for one in office.desk.answer(products)] == ["Blue", "Loose"]
    assert [(one.id, one.unit_price) for one in office.desk.answer(products, line_id)] == [(kept, 900)]
