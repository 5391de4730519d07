"""A line of quick entry, planned and carried out."""

import pytest
from sqlalchemy import func, select

from crm_tui.commands.rules import CreateProductLine
from crm_tui.domain.quick_entry import parse_quick_entry
from crm_tui.exchange.quick import objection_of, plan_quick
from crm_tui.queries.profile import profile
from crm_tui.queries.timeline import timeline
from crm_tui.store.tables import customer

HALF = "13800138000 张三 #瓷砖 ¥1.2万 !3天 电话:想看样品"
FULL = "１３８００１３８０００　张三　＃瓷砖　￥1.2万　！3天　电话：想看样品"
WHOLE = "13800138000 张三 #瓷砖 ¥12000 !3d 电话:想看样品 ~价格 -> 送样品"


def planned(office, line):
    desk = office.desk
    entry = parse_quick_entry(line, desk.now(), desk.viewer.zone)
    return desk.answer(plan_quick, entry)


def carried_out(office, line):
    plan = planned(office, line)
    assert plan.steps, plan
    verdicts = office.desk.carry_out(*plan.steps)
    assert all(verdict.applied for verdict in verdicts), verdicts
    return verdicts


def only_profile(office):
    ids = office.desk.answer(lambda view: view.tx.scalars(select(customer.c.id)))
    assert len(ids) == 1
    return office.desk.answer(profile, ids[0])


def customers(office):
    return office.desk.answer(lambda view: view.tx.scalar(select(func.count()).select_from(customer)))


def seen(office, line):
    carried_out(office, line)
    one = only_profile(office)
    return one.name, one.phones, one.tags, [deal.amount for deal in one.deals]


@pytest.mark.parametrize("line", [HALF, FULL])
def test_a_full_width_line_makes_the_same_record_as_a_half_width_one(office, line):
    assert seen(office, line) == ("张三", ("+8613800138000",), ("瓷砖",), [1_200_000])


def test_a_follow_up_with_gaps_is_left_to_its_form(office):
    plan = planned(office, HALF)
    assert plan.missing == ("next_step",)
    assert plan.deeds == ("create", "deal")


def test_a_whole_line_is_one_step_that_one_undo_takes_back(office):
    carried_out(office, WHOLE)
    one = only_profile(office)
    spoken = office.desk.answer(timeline, one.id, channel="phone").entries
    assert [(entry.need_change, entry.objections, entry.next_step) for entry in spoken] == [
        ("想看样品", ("price",), "送样品")
    ]
    office.desk.undo()
    assert only_profile(office).archived
    office.desk.redo()
    again = only_profile(office)
    assert not again.archived
    assert [deal.amount for deal in again.deals] == [1_200_000]


def test_a_known_number_is_a_follow_up_and_no_second_record(office):
    carried_out(office, WHOLE)
    plan = planned(office, "13800138000 微信:问价 -> 报价 !2")
    assert plan.known.name == "张三"
    assert plan.deeds == ("log",)
    office.desk.carry_out(*plan.steps)
    assert customers(office) == 1


def test_a_known_number_takes_new_tags_a_level_and_the_amount_of_its_open_deal(office):
    carried_out(office, WHOLE)
    assert planned(office, "13800138000 A #复式 #瓷砖 ¥2万").deeds == ("edit", "amount")
    carried_out(office, "13800138000 A #复式 #瓷砖 ¥2万")
    one = only_profile(office)
    assert (one.level, one.tags, [deal.amount for deal in one.deals]) == ("A", ("瓷砖", "复式"), [2_000_000])


def test_a_number_of_another_counter_names_only_the_owner(office):
    carried_out(office, WHOLE)
    office.as_person("6004")
    plan = planned(office, WHOLE)
    assert not plan.steps
    assert [(p.code, p.details["owner"], p.details["customer"]) for p in plan.problems] == [
        ("phone_taken", "陈静", "***")
    ]


def test_a_number_that_is_too_short_is_a_problem_and_nothing_is_done(office):
    plan = planned(office, "1380013800 张三")
    assert [problem.code for problem in plan.problems] == ["quick_phone_length"]
    assert not plan.steps


def test_a_tag_that_names_a_product_line_opens_a_deal_of_it(office):
    office.as_person("1001")
    office.give(CreateProductLine(name="瓷砖"))
    office.as_person("6001")
    carried_out(office, "13800138000 张三 #瓷砖")
    assert [deal.line_name for deal in only_profile(office).deals] == ["瓷砖"]


def test_a_later_stage_is_asked_of_the_gates(office):
    plan = planned(office, "13800138000 张三 %need")
    assert plan.deeds == ("create", "deal", "move")
    verdicts = office.desk.carry_out(*plan.steps)
    assert [verdict.applied for verdict in verdicts] == [True, True, False]
    assert only_profile(office).deals[0].stage == "lead"


def test_steps_behind_a_refused_one_are_left_out(office):
    plan = planned(office, WHOLE)
    carried_out(office, "13800138000 李四")
    assert [verdict.code for verdict in office.desk.carry_out(*plan.steps)] == ["phone_taken"]


def test_an_owner_is_found_by_name_number_or_initials(office):
    office.as_person("5001")
    for wanted in ("陈静", "6001", "cj"):
        assert planned(office, f"13800138000 张三 @{wanted}").owner_name == "陈静"
    assert planned(office, "13800138000 张三 @nobody").problems[0].code == "quick_owner_unknown"


def test_a_name_that_no_command_takes_is_a_problem_before_anything_is_saved(office):
    plan = planned(office, "13800138000 " + "张" * 300)
    assert [problem.code for problem in plan.problems] == ["command_invalid"]
    assert not plan.steps


def test_a_next_contact_alone_is_planned(office):
    carried_out(office, "13800138000 张三 !3")
    assert only_profile(office).next_contact_at is not None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("价格", ("price", "")),
        ("价格贵8元", ("price", "价格贵8元")),
        ("没想好", ("other", "没想好")),
        ("无", ("none", "")),
    ],
)
def test_an_objection_is_recognised_by_how_it_begins(words, expected):
    assert objection_of(words) == expected
