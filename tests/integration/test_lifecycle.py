"""The life of a deal through commands: cycles, the day it was won, dwell over all visits, escalation."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from crm_tui.commands.deals import MoveDeal, TakeBackMove
from crm_tui.commands.people import CreatePerson, CreateUnit
from crm_tui.commands.pipelines import PublishPipeline, StagePlan
from crm_tui.domain.lifecycle import StageKind
from crm_tui.domain.overdue import OverdueRules, escalation
from crm_tui.store.tables import customer, deal, follow_up, stage_visit

_NEWEST = select(stage_visit.c.id).order_by(stage_visit.c.entered_at.desc(), stage_visit.c.id.desc()).limit(1)


def test_a_reopened_deal_begins_a_new_cycle_and_was_lost_from_where_it_stood(office, books):
    deal_id = office.deal(office.customer(phones=("13800138000",)))
    office.give(MoveDeal(deal_id=deal_id, to_stage="contact", expected_stage="lead"))
    office.give(MoveDeal(deal_id=deal_id, to_stage="lost", expected_stage="contact", lost_reason="price"))
    lost = books.one(select(deal))
    assert (lost["state"], lost["lost_from"], lost["lost_reason"]) == ("lost", "contact", "price")
    office.give(MoveDeal(deal_id=deal_id, to_stage="contact", expected_stage="lost", reason="came back"))
    back = books.one(select(deal))
    assert (back["state"], back["cycle"], back["closed_on"], back["lost_reason"]) == ("open", 2, None, "")


def test_a_lost_deal_comes_back_no_further_than_it_had_come_without_the_right_to_skip(office, books):
    deal_id = office.deal(office.customer())
    office.give(MoveDeal(deal_id=deal_id, to_stage="lost", expected_stage="lead", lost_reason="price"))
    back = MoveDeal(deal_id=deal_id, to_stage="negotiation", expected_stage="lost", reason="came back")
    assert office.verdict(back).code == "skip_not_allowed"
    office.as_person("4001")
    office.give(back)
    assert books.one(select(deal))["stage"] == "negotiation"


def test_days_are_those_of_the_branch_of_the_row_not_of_the_one_who_acts(office, books):
    office.as_person("1001")
    urumqi = office.give(
        CreateUnit(unit_kind="branch", name="Urumqi", parent_id=office.units["East"], time_zone="Asia/Urumqi")
    )["unit_id"]
    clerk = CreatePerson(number="6100", name="Ulla Urumqi", role="clerk", unit_id=urumqi)
    owner_id = office.give(clerk)["person_id"]
    office.clock.now = datetime(2026, 1, 8, 17, 0, tzinfo=UTC)
    office.as_person("2001")
    customer_id = office.customer(owner_id=owner_id)
    deal_id = office.deal(customer_id)
    office.give(office.spoken(customer_id))
    office.give(MoveDeal(deal_id=deal_id, to_stage="won", expected_stage="lead", reason="paid in cash"))
    there = date(2026, 1, 8)
    assert books.one(select(customer.c.created_on)) == {"created_on": there}
    assert books.one(select(follow_up.c.occurred_on)) == {"occurred_on": there}
    days = select(deal.c.created_on, deal.c.engaged_on, deal.c.closed_on)
    assert books.one(days) == dict.fromkeys(("created_on", "engaged_on", "closed_on"), there)
    office.desk.undo()
    assert books.one(select(deal.c.engaged_on)) == {"engaged_on": None}


@pytest.mark.parametrize(("hour", "day"), [(15, date(2026, 1, 8)), (16, date(2026, 1, 9))])
def test_a_deal_is_won_on_the_branchs_day_of_the_move(hour, day, office, books):
    deal_id = office.deal(office.customer())
    office.clock.now = datetime(2026, 1, 8, hour, 30, tzinfo=UTC)
    office.as_person("4001")
    office.give(MoveDeal(deal_id=deal_id, to_stage="won", expected_stage="lead", reason="paid in cash"))
    assert books.one(select(deal))["closed_on"] == day


def test_taking_the_last_of_two_moves_back_keeps_the_day_the_work_began(office, books):
    deal_id = office.deal(office.customer(phones=("13800138000",)))
    for to, seen in (("contact", "lead"), ("lead", "contact"), ("contact", "lead")):
        office.give(MoveDeal(deal_id=deal_id, to_stage=to, expected_stage=seen))
    office.desk.undo()
    assert books.one(select(deal))["engaged_on"] == date(2026, 1, 8)


def test_who_took_a_move_back_is_named_to_whoever_saw_the_deal_where_it_was(office, books):
    deal_id = office.deal(office.customer(phones=("13800138000",)))
    office.give(MoveDeal(deal_id=deal_id, to_stage="contact", expected_stage="lead"))
    back = TakeBackMove(deal_id=deal_id, visit_id=books.one(_NEWEST)["id"])
    office.as_person("5001")
    office.give(back)
    office.as_person("6001")
    late = office.verdict(MoveDeal(deal_id=deal_id, to_stage="need", expected_stage="contact"))
    again = office.verdict(back)
    assert [(one.code, one.details["by"]) for one in (late, again)] == [
        ("stage_changed", "Sue Team"),
        ("move_not_last", "Sue Team"),
    ]
    office.give(MoveDeal(deal_id=deal_id, to_stage="contact", expected_stage="lead"))
    late = office.verdict(MoveDeal(deal_id=deal_id, to_stage="contact", expected_stage="lead"))
    assert late.details["by"] == "陈静"


@pytest.mark.parametrize(("days", "step"), [(2, 0), (3, 1), (4, 1), (5, 2), (7, 3), (70, 3)])
def test_the_later_the_higher_it_goes(days, step):
    assert escalation(timedelta(days=days), OverdueRules()) == step


@pytest.mark.outside
def test_dwell_is_summed_over_all_visits(office, books, outside_data):
    line = (outside_data / "cases" / "dwell.jsonl").read_text("utf-8").splitlines()[0]
    case = json.loads(line)["expected"]
    codes = {"1": "one", "2": "two", "3": "three", "4": "four", "(none)": "none"}
    stages = [
        StagePlan(code=code, name=code, kind=kind, probability=0)
        for code, kind in [
            *((code, StageKind.OPEN) for code in codes.values()),
            ("won", StageKind.WON),
            ("lost", StageKind.LOST),
        ]
    ]
    office.as_person("1001")
    pipeline_id = office.give(PublishPipeline(name="Case", stages=tuple(stages)))["pipeline_id"]
    here = codes[case["initial_stage"]]
    deal_id = office.deal(office.customer(), pipeline_id=pipeline_id)
    for minutes, to in case["steps"]:
        office.clock.move(minutes=minutes)
        if to is not None:
            office.give(
                MoveDeal(deal_id=deal_id, to_stage=codes[to], expected_stage=here, reason="as the case says")
            )
            here = codes[to]
    spent: dict[str, timedelta] = defaultdict(timedelta)
    for visit in books.rows(select(stage_visit).where(stage_visit.c.deal_id == deal_id)):
        spent[visit["stage"]] += (visit["left_at"] or office.clock.now) - visit["entered_at"]
    expected = {codes[name]: minutes for name, minutes in case["expected_minutes"].items()}
    assert {stage: round(time.total_seconds() / 60) for stage, time in spent.items()} == expected
