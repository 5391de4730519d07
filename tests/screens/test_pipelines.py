"""A person who works in two pipelines: forms, quick entry and board know both."""

import pytest

from crm_tui.commands.pipelines import as_plan
from crm_tui.domain.quick_entry import parse_quick_entry
from crm_tui.exchange.quick import plan_quick
from crm_tui.queries.profile import profile
from crm_tui.store.pipelines import first_pipeline
from crm_tui.widgets.navigation import Go


@pytest.fixture
def contracts(office):
    """The id of a second pipeline, Big contracts, whose second stage is called tender."""
    office.as_person("1001")
    plan = as_plan(office.desk.answer_anyone(first_pipeline))
    tender = plan.stages[1].model_copy(update={"code": "tender", "name": "Tender"})
    stages = (plan.stages[0], tender, *plan.stages[2:])
    made = office.give(
        plan.model_copy(update={"pipeline_id": None, "name": "Big contracts", "stages": stages})
    )
    office.as_person("6001")
    return made["pipeline_id"]


def pipelines_of(office, customer_id):
    return [one.pipeline_id for one in office.desk.answer(profile, customer_id).deals]


async def test_a_new_deal_chooses_its_pipeline_where_there_is_more_than_one(office, at_work, contracts):
    customer_id = office.customer()
    async with at_work(office, Go("deal_form", customer_id=customer_id)) as pilot:
        pilot.app.screen.form.fill({"pipeline": contracts})
        await pilot.pause()
        await pilot.press("f10")
        await pilot.pause()
        await pilot.pause()
    assert pipelines_of(office, customer_id) == [contracts]


async def test_with_one_pipeline_the_form_does_not_ask(office, at_work):
    async with at_work(office, Go("deal_form", customer_id=office.customer())) as pilot:
        assert "pipeline" not in pilot.app.screen.form.values()


async def test_the_first_deal_of_a_new_customer_chooses_it_too(office, at_work, contracts):
    async with at_work(office, Go("customer_form", name="赵大同")) as pilot:
        pilot.app.screen.form.fill({"pipeline": contracts})
        await pilot.pause()
        await pilot.press("f10")
        await pilot.pause()
        await pilot.pause()
        answer = pilot.app.screen._source.answer
        assert answer.total_count == 0, "the board shows the first pipeline"
        await pilot.press("f4")
        await pilot.pause()
        await pilot.press("2")
        await pilot.pause()
        await pilot.pause()
        answer = pilot.app.screen._source.answer
        assert (answer.pipeline_id, answer.total_count) == (contracts, 1)
        assert "Big contracts" in pilot.app.screen.title


async def test_the_board_of_the_second_pipeline_moves_its_cards(office, at_work, contracts, lines):
    customer_id = office.customer(phones=("13800138000",))
    office.deal(customer_id, pipeline_id=contracts)
    async with at_work(office, Go("board")) as pilot:
        await pilot.press("f4")
        await pilot.pause()
        await pilot.press("2")
        await pilot.pause()
        await pilot.pause()
        assert any("Tender" in line for line in lines(pilot.app))
        assert pilot.app.screen.customer_id == customer_id
        await pilot.press("shift+right")
        await pilot.pause()
        await pilot.pause()
        (deal,) = office.desk.answer(profile, customer_id).deals
        assert deal.stage == "tender"
        await pilot.press("escape")
        await pilot.pause()
        assert pilot.app.screen._source.answer.pipeline_id == contracts


@pytest.mark.parametrize(
    ("said", "stage"),
    [
        ("%Tender", "Big contracts/Tender"),
        ("%bigcontracts", "Big contracts"),
        ("%BigContracts/need", "Big contracts/stage.need"),
        ("%need", "stage.need"),
    ],
)
def test_a_line_of_quick_entry_names_stage_or_pipeline(office, contracts, said, stage):
    def planned(view):
        entry = parse_quick_entry(f"13800138000 张三 {said}", office.clock.now, view.viewer.zone)
        return plan_quick(view, entry)

    plan = office.desk.answer(planned)
    assert plan.problems == ()
    assert plan.stage_name == stage
    office.desk.carry_out(*plan.steps[:2])
    expected = contracts if "/" in stage or "Big" in stage else office.desk.answer_anyone(first_pipeline).id
    found = office.desk.answer(plan_quick, plan.entry)
    assert pipelines_of(office, found.customer_id) == [expected]


@pytest.mark.usefixtures("contracts")
def test_a_stage_no_pipeline_has_is_a_problem_in_the_words_that_were_typed(office):
    entry = parse_quick_entry("13800138000 张三 %Big/x", office.clock.now, "Asia/Shanghai")
    (problem,) = office.desk.answer(plan_quick, entry).problems
    assert (problem.code, problem.token) == ("quick_stage_unknown", "%Big/x")
