"""The list of customers, the search, and what a profile shows, through the scope of each viewer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crm_tui.commands.customers import AddContact, ArchiveCustomer
from crm_tui.commands.deals import MoveDeal, TakeBackMove
from crm_tui.commands.follow_ups import AmendFollowUp, PostponeContact, RetractFollowUp
from crm_tui.commands.ownership import ReassignCustomer
from crm_tui.desk import Desk
from crm_tui.domain.errors import Refused
from crm_tui.queries import finding
from crm_tui.queries.customers import CustomerFilter, customers_page, matching_ids
from crm_tui.queries.finding import who_has_phone
from crm_tui.queries.profile import gate, profile
from crm_tui.queries.timeline import timeline
from crm_tui.store.tables import deal


@pytest.fixture
def terminal(office: Any) -> Any:
    """The organisation on a terminal: the search index is there only."""
    if office.desk._books._reading.dialect.name != "sqlite":
        pytest.skip("a hub has no search index")
    return office


def names(desk: Desk, **asked: Any) -> list[str]:
    return [line.name for line in desk.answer(customers_page, **asked).lines]


def test_the_list_puts_what_is_due_longest_first_and_what_is_never_due_last(office: Any) -> None:
    late = office.customer("迟到")
    office.clock.move(hours=1)
    office.customer("后来")
    office.clock.move(hours=1)
    done = office.customer("完结")
    deal_id = office.deal(done)
    office.give(MoveDeal(deal_id=deal_id, to_stage="lost", expected_stage="lead", lost_reason="price"))
    page = office.desk.answer(customers_page)
    assert [line.name for line in page.lines] == ["迟到", "后来", "完结"]
    assert page.count == 3
    assert page.lines[0].id == late
    assert page.lines[2].due_at is None


def test_pages_join_without_gap_or_repetition(office: Any) -> None:
    for number in range(7):
        one = office.customer(f"客户{number}")
        if number % 2:
            deal_id = office.deal(one)
            office.give(
                MoveDeal(deal_id=deal_id, to_stage="lost", expected_stage="lead", lost_reason="price")
            )
        office.clock.move(minutes=1)
    whole = names(office.desk)
    for order in ("due", "name"):
        paged = [
            name for offset in (0, 3, 6) for name in names(office.desk, offset=offset, limit=3, order=order)
        ]
        assert paged == names(office.desk, order=order)
        assert sorted(paged) == sorted(whole)


def test_the_order_by_name_is_the_order_of_pinyin(office: Any) -> None:
    for name in ("赵一", "安然", "欧阳雪"):
        office.customer(name)
    assert names(office.desk, order="name") == ["安然", "欧阳雪", "赵一"]


def test_a_line_carries_the_newest_open_deal(office: Any) -> None:
    one = office.customer("郑伟", phones=("13800138000",), tags=("瓷砖",), level="A")
    office.deal(one, amount=100)
    office.clock.move(minutes=1)
    newest = office.deal(one, amount=52000_00)
    (line,) = office.desk.answer(customers_page).lines
    assert (line.deal_id, line.amount, line.stage, line.stage_name) == (
        newest,
        52000_00,
        "lead",
        "stage.lead",
    )
    assert (line.phone, line.tags, line.level, line.owner_name) == ("+8613800138000", ("瓷砖",), "A", "陈静")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (CustomerFilter(level="A"), {"甲"}),
        (CustomerFilter(level="ab"), {"甲", "乙"}),
        (CustomerFilter(source="抖音"), {"乙"}),
        (CustomerFilter(tag="瓷砖"), {"甲"}),
        (CustomerFilter(tag="砖"), set()),
        (CustomerFilter(tag="100%"), {"丙"}),
        (CustomerFilter(stage="lead"), {"乙"}),
        (CustomerFilter(kind="firm"), {"丙"}),
        (CustomerFilter(never_contacted=True), {"乙", "丙"}),
        (CustomerFilter(overdue_only=True), {"乙", "丙"}),
        (CustomerFilter(unassigned=True), set()),
        (CustomerFilter(level="A", source="抖音"), set()),
    ],
)
def test_a_filter_narrows_lines_and_count_alike(
    office: Any, wanted: CustomerFilter, expected: set[str]
) -> None:
    first = office.customer("甲", level="A", tags=("瓷砖",))
    second = office.customer("乙", level="B", source="抖音")
    office.customer("丙", customer_kind="firm", tags=("100%",))
    office.deal(second)
    office.give(office.spoken(first, next_at=office.clock.now + timedelta(days=9)))
    office.clock.move(days=2)
    page = office.desk.answer(customers_page, filters=wanted)
    assert {line.name for line in page.lines} == expected
    assert page.count == len(expected)
    assert set(office.desk.answer(matching_ids, wanted)) == {line.id for line in page.lines}


def test_nobody_sees_customers_outside_the_scope_in_lists_profiles_or_counts(office: Any) -> None:
    mine = office.customer("我的")
    office.as_person("6005")
    theirs = office.customer("别人的")
    seen = {
        "6001": {"我的"},
        "6002": set(),
        "5001": {"我的"},
        "4001": {"我的"},
        "4003": {"别人的"},
        "3001": {"我的"},
        "3002": {"别人的"},
        "2001": {"我的", "别人的"},
        "7001": {"我的", "别人的"},
    }
    for number, expected in seen.items():
        desk = office.as_person(number)
        page = desk.answer(customers_page)
        assert {line.name for line in page.lines} == expected, number
        assert page.count == len(expected)
        for customer_id, name in ((mine, "我的"), (theirs, "别人的")):
            if name in expected:
                assert desk.answer(profile, customer_id).name == name
            else:
                for question in (profile, timeline):
                    with pytest.raises(Refused, match="customer_unknown"):
                        desk.answer(question, customer_id)


def test_an_archived_customer_leaves_list_and_search(terminal: Any) -> None:
    gone = terminal.customer("张三丰", phones=("13800138000",))
    terminal.give(ArchiveCustomer(customer_id=gone))
    assert names(terminal.desk) == []
    assert names(terminal.desk, typed="张三") == []
    assert names(terminal.desk, typed="13800138000") == []
    assert terminal.desk.answer(who_has_phone, "13800138000") is None


@pytest.mark.parametrize(
    "typed", ["张三", "三丰", "张三丰", "zsf", "zhangsanfeng", "8000", "138 0013 8000", "#瓷砖"]
)
def test_a_customer_is_found_by_name_pinyin_number_and_tag(terminal: Any, typed: str) -> None:
    terminal.customer("张三丰", phones=("13800138000",), tags=("瓷砖",))
    terminal.customer("李四", phones=("13911112222",))
    page = terminal.desk.answer(customers_page, typed=typed)
    assert [line.name for line in page.lines] == ["张三丰"]
    assert (page.count, page.exact) == (1, True)


def test_pairs_out_of_order_are_no_match_for_a_name_of_three(terminal: Any) -> None:
    terminal.customer("三丰张三")
    terminal.customer("张三丰")
    assert names(terminal.desk, typed="张三丰") == ["张三丰"]
    assert names(terminal.desk, typed="00138") == []


def test_digits_that_are_scattered_over_a_number_do_not_match(terminal: Any) -> None:
    terminal.customer("散", phones=("13800138001",))
    assert names(terminal.desk, typed="0013800") == ["散"]
    assert names(terminal.desk, typed="1380013801") == []


def test_several_words_must_all_match(terminal: Any) -> None:
    terminal.customer("张三", phones=("13800138000",))
    terminal.customer("张四", phones=("13800139999",))
    assert names(terminal.desk, typed="zs 8000") == ["张三"]


def test_a_person_at_the_customer_is_found_too(terminal: Any) -> None:
    firm = terminal.customer("恒信装饰", customer_kind="firm")
    terminal.give(AddContact(customer_id=firm, name="欧阳建国", phone="13700001111"))
    assert names(terminal.desk, typed="欧阳建国") == ["恒信装饰"]
    assert names(terminal.desk, typed="13700001111") == ["恒信装饰"]


def test_a_search_within_a_filter_counts_only_what_it_shows(terminal: Any) -> None:
    terminal.customer("张一", level="A")
    terminal.customer("张二", level="B")
    page = terminal.desk.answer(customers_page, typed="张", filters=CustomerFilter(level="A"))
    assert (page.count, [line.name for line in page.lines]) == (1, ["张一"])


def test_ones_own_customers_come_first_in_a_search(terminal: Any) -> None:
    terminal.as_person("6002")
    terminal.customer("张安")
    terminal.as_person("5001")
    terminal.customer("张周")
    assert names(terminal.desk, typed="张") == ["张周", "张安"]


def test_of_more_matches_than_are_looked_at_the_list_says_that_there_are_more(
    terminal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        terminal.customer(f"张{number}")
    monkeypatch.setattr(finding, "CANDIDATES", 3)
    page = terminal.desk.answer(customers_page, typed="张")
    assert (page.count, len(page.lines), page.exact) == (3, 3, False)


def test_ones_own_customers_come_first_however_many_others_match(
    terminal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.as_person("5001")
    terminal.customer("张周")
    terminal.customer("张王")
    terminal.as_person("6002")
    for number in range(6):
        terminal.customer(f"张{number}")
    monkeypatch.setattr(finding, "SORTED", 2)
    monkeypatch.setattr(finding, "CANDIDATES", 4)
    terminal.as_person("5001")
    assert names(terminal.desk, typed="张") == ["张王", "张周", "张5", "张4"]
    assert names(terminal.desk, typed="张", limit=1, offset=1) == ["张周"]
    assert names(terminal.desk, typed="张", limit=1, offset=2) == ["张5"]


def test_where_not_all_matches_are_put_in_order_a_run_must_still_stand_unbroken(
    terminal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.customer("三丰张三")
    terminal.customer("张三丰")
    terminal.give(AddContact(customer_id=terminal.customer("恒信"), name="张三丰", phone=""))
    monkeypatch.setattr(finding, "SORTED", 1)
    assert set(names(terminal.desk, typed="张三丰")) == {"恒信", "张三丰"}


def test_a_customer_is_found_by_the_number_it_or_its_deal_has_elsewhere(terminal: Any) -> None:
    named = terminal.customer("甲", external_id="KH-77")
    numbered = terminal.deal(terminal.customer("乙"))
    with terminal.desk._books.write() as tx:  # only an import knows the number of a deal
        tx.update(deal, numbered, external_id="DD 2024/9")
    terminal.customer("丙")
    assert names(terminal.desk, typed="KH-77") == ["甲"]
    assert names(terminal.desk, typed=" DD 2024/9 ") == ["乙"]
    for number in ("KH-77", "DD 2024/9"):
        assert names(terminal.as_person("6002"), typed=number) == []
    terminal.as_person("6001")
    terminal.give(ArchiveCustomer(customer_id=named))
    assert names(terminal.desk, typed="KH-77") == []


@pytest.mark.parametrize("typed", ["13", "*", '"', "NEAR(", "#", "张 7"])
def test_what_the_index_cannot_find_matches_nobody(terminal: Any, typed: str) -> None:
    terminal.customer("张三", phones=("13800138000",))
    page = terminal.desk.answer(customers_page, typed=typed)
    assert (page.count, page.lines) == (0, ())


def test_the_owner_of_anothers_number_is_told_and_nothing_more(office: Any) -> None:
    office.as_person("6005")
    office.customer("秘密", phones=("13800138000",))
    hit = office.as_person("6001").answer(who_has_phone, "138-0013-8000")
    assert hit is not None
    assert (hit.visible, hit.customer_id, hit.name, hit.owner_name) == (False, "", "", "Cid Tianhe")
    seen = office.as_person("2001").answer(who_has_phone, "13800138000")
    assert seen is not None
    assert (seen.visible, seen.name) == (True, "秘密")
    assert office.desk.answer(who_has_phone, "13800138001") is None
    assert office.desk.answer(who_has_phone, "no number") is None


def test_a_profile_shows_everything_around_a_customer(office: Any) -> None:
    one = office.customer("郑伟", phones=("13800138000", "010-64170000"), wechat="zw", level="A")
    office.give(AddContact(customer_id=one, name="郑太"))
    lost = office.deal(one)
    office.give(MoveDeal(deal_id=lost, to_stage="lost", expected_stage="lead", lost_reason="price"))
    office.clock.move(days=1)
    open_deal = office.deal(one, amount=5)
    office.clock.move(days=2)
    office.customer("郑伟")
    found = office.desk.answer(profile, one)
    assert found.phones == ("+8613800138000", "+861064170000")
    assert [point.kind for point in found.points] == ["phone", "phone", "wechat"]
    assert [person.name for person in found.contacts] == ["郑太"]
    assert [deal.id for deal in found.deals] == [open_deal, lost]
    assert found.deals[0].dwell == timedelta(days=2)
    assert found.deals[1].dwell == timedelta(0)
    assert found.gate is not None
    assert found.gate.deal.id == open_deal
    assert found.similar == 1


def test_a_gate_names_what_is_missing_and_where_the_deal_may_go(office: Any) -> None:
    deal_id = office.deal(office.customer("无号码"))
    asked = office.desk.answer(gate, deal_id)
    assert [(item.code, item.done) for item in asked.items] == [("phone", False)]
    assert asked.following is not None
    assert (asked.following.code, asked.previous, asked.may_skip) == ("contact", None, False)
    assert asked.lost.code == "lost"
    assert office.as_person("5001").answer(gate, deal_id).may_skip
    with pytest.raises(Refused, match="deal_unknown"):
        office.as_person("6005").answer(gate, deal_id)


def test_the_gate_of_a_closed_deal_asks_for_nothing(office: Any) -> None:
    deal_id = office.deal(office.customer("完"))
    office.give(MoveDeal(deal_id=deal_id, to_stage="lost", expected_stage="lead", lost_reason="price"))
    asked = office.desk.answer(gate, deal_id)
    assert (asked.kind, asked.items, asked.following) == ("lost", (), None)


@pytest.fixture
def history(office: Any) -> str:
    """A customer with one entry of each sort, an hour apart."""
    one = str(office.customer("张三", phones=("13800138000",)))
    deal_id = office.deal(one)
    office.clock.move(hours=1)
    said = office.give(office.spoken(one))["follow_up_id"]
    office.clock.move(hours=1)
    office.give(
        AmendFollowUp(
            follow_up_id=said,
            channel="wecom",
            result="reached",
            need_change="larger",
            objections=("price",),
            next_step="call",
            next_at=office.clock.now + timedelta(days=1),
        )
    )
    taken_back = office.give(office.spoken(one, channel="visit"))["follow_up_id"]
    office.give(RetractFollowUp(follow_up_id=taken_back))
    office.clock.move(hours=1)
    office.give(MoveDeal(deal_id=deal_id, to_stage="contact", expected_stage="lead"))
    office.clock.move(hours=1)
    office.give(PostponeContact(customer_id=one, next_at=office.clock.now + timedelta(days=3), reason="away"))
    office.clock.move(hours=1)
    office.as_person("5001")
    office.give(
        ReassignCustomer(
            customer_id=one,
            to_owner_id=office.people["6002"],
            expected_owner_id=office.people["6001"],
            reason="leave",
        )
    )
    return one


def test_a_timeline_mixes_what_happened_newest_first(office: Any, history: str) -> None:
    found = office.desk.answer(timeline, history)
    assert [entry.kind for entry in found.entries] == [
        "ownership",
        "postponement",
        "stage",
        "follow_up",
        "follow_up",
        "stage",
        "created",
    ]
    assert found.count == 7
    owner, postponed, moved, retracted, amended, start, _ = found.entries
    assert (owner.from_name, owner.to_name, owner.person_name) == ("陈静", "李敏", "Sue Team")
    assert (postponed.reason, postponed.next_step) == ("away", "call")
    assert (moved.move, moved.from_name, moved.to_name) == ("advance", "stage.lead", "stage.contact")
    assert retracted.retracted
    assert (amended.channel, amended.versions, amended.objections) == ("wecom", 2, ("price",))
    assert start.move == "start"


def test_a_timeline_pages_and_narrows_to_one_channel(office: Any, history: str) -> None:
    whole = office.desk.answer(timeline, history).entries
    paged = [
        entry
        for offset in (0, 3, 6)
        for entry in office.desk.answer(timeline, history, offset=offset, limit=3).entries
    ]
    assert tuple(paged) == whole
    by_visit = office.desk.answer(timeline, history, channel="visit")
    assert (by_visit.count, [entry.channel for entry in by_visit.entries]) == (1, ["visit"])


def test_a_move_that_was_taken_back_stays_in_the_timeline_marked(office: Any) -> None:
    one = office.customer("张三", phones=("13800138000",))
    deal_id = office.deal(one)
    office.clock.move(hours=1)
    office.give(MoveDeal(deal_id=deal_id, to_stage="contact", expected_stage="lead"))
    visit = office.desk.answer(timeline, one).entries[0].id
    office.give(TakeBackMove(deal_id=deal_id, visit_id=visit))
    assert office.desk.answer(timeline, one).entries[0].retracted
