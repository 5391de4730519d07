"""Several pipelines: each with its own stages, archived only when nothing is open in it."""

from __future__ import annotations

from typing import Any

import pytest

from crm_tui.commands.deals import MoveDeal
from crm_tui.commands.pipelines import RenamePipeline, SetPipelineArchived, as_plan
from crm_tui.commands.rules import CreateProductLine, RenameProductLine
from crm_tui.queries.board import board, board_cards, card_place
from crm_tui.queries.pickers import pipelines
from crm_tui.queries.settings import pipelines_in_force
from crm_tui.store.pipelines import first_pipeline


@pytest.fixture
def contracts(office: Any) -> str:
    """A second pipeline beside the one called Sales; the clerk 6001 is logged in."""
    office.as_person("1001")
    plan = as_plan(office.desk.answer_anyone(first_pipeline))
    found = office.give(plan.model_copy(update={"pipeline_id": None, "name": "Contracts"}))
    office.as_person("6001")
    return str(found["pipeline_id"])


def archive(office: Any, pipeline_id: str, *, archived: bool = True) -> Any:
    office.as_person("1001")
    verdict = office.verdict(SetPipelineArchived(pipeline_id=pipeline_id, archived=archived))
    office.as_person("6001")
    return verdict


@pytest.mark.usefixtures("contracts")
def test_a_new_pipeline_stands_behind_the_first_one(office):
    names = [one.name for one in office.desk.answer(pipelines)]
    assert names == ["Sales", "Contracts"]
    assert office.desk.answer_anyone(first_pipeline).name == "Sales"


def test_a_pipeline_with_an_open_deal_is_not_archived(office, contracts):
    office.deal(office.customer(), pipeline_id=contracts)
    verdict = archive(office, contracts)
    assert (verdict.code, verdict.details["count"]) == ("pipeline_in_use", 1)


def test_the_last_pipeline_is_not_archived(office, contracts):
    assert archive(office, contracts).applied
    first = office.desk.answer_anyone(first_pipeline).id
    assert archive(office, first).code == "pipeline_last"


def test_an_archived_first_pipeline_leaves_the_place_to_the_next(office, contracts):
    first = office.desk.answer_anyone(first_pipeline).id
    assert archive(office, first).applied
    assert office.desk.answer_anyone(first_pipeline).id == contracts
    assert office.desk.answer(board).pipeline_id == contracts
    assert office.desk.answer(board, first).pipeline_id == contracts


def test_an_archived_pipeline_takes_no_new_deal_and_none_comes_back_into_it(office, contracts):
    customer_id = office.customer()
    deal_id = office.deal(customer_id, pipeline_id=contracts)
    office.give(MoveDeal(deal_id=deal_id, to_stage="lost", expected_stage="lead", lost_reason="price"))
    assert archive(office, contracts).applied
    again = office.verdict(
        MoveDeal(deal_id=deal_id, to_stage="lead", expected_stage="lost", reason="came back")
    )
    assert again.code == "pipeline_archived"
    (taken_back,) = office.desk.undo()
    assert taken_back.code == "pipeline_archived"
    assert archive(office, contracts, archived=False).applied
    office.give(MoveDeal(deal_id=deal_id, to_stage="lead", expected_stage="lost", reason="came back"))


def test_two_pipelines_do_not_share_a_name(office, contracts):
    office.as_person("1001")
    assert office.verdict(RenamePipeline(pipeline_id=contracts, name="sales")).code == "pipeline_taken"
    plan = as_plan(office.desk.answer_anyone(first_pipeline))
    assert office.verdict(plan.model_copy(update={"name": "CONTRACTS"})).code == "pipeline_taken"
    assert office.verdict(RenamePipeline(pipeline_id=contracts, name=" ")).code == "name_needed"


def test_an_archived_name_is_free_until_it_comes_back(office, contracts):
    assert archive(office, contracts).applied
    office.as_person("1001")
    plan = as_plan(office.desk.answer_anyone(first_pipeline))
    office.give(plan.model_copy(update={"pipeline_id": None, "name": "Contracts"}))
    assert archive(office, contracts, archived=False).code == "pipeline_taken"


def test_the_board_shows_the_deals_of_the_pipeline_asked_for(office, contracts):
    customer_id = office.customer()
    here, there = office.deal(customer_id), office.deal(customer_id, pipeline_id=contracts)
    answer = office.desk.answer(board, contracts)
    assert (answer.pipeline_name, answer.total_count) == ("Contracts", 1)
    assert [one.deal_id for one in office.desk.answer(board_cards, contracts, "lead")] == [there]
    assert office.desk.answer(card_place, here, pipeline_id=contracts) is None
    assert office.desk.answer(card_place, there, pipeline_id=contracts) == ("lead", 0)


def test_the_settings_count_the_open_deals_of_each_pipeline(office, contracts):
    office.deal(office.customer(), pipeline_id=contracts)
    first, second = office.desk.answer(pipelines_in_force)
    assert (first.open_deals, second.open_deals) == ({}, {"lead": 1})


def test_a_product_line_takes_no_name_of_another(office):
    office.as_person("1001")
    line_id = office.give(CreateProductLine(name="Tables"))["line_id"]
    office.give(CreateProductLine(name="Beds"))
    assert office.verdict(RenameProductLine(line_id=line_id, name="Beds")).code == "product_line_taken"
    assert office.verdict(RenameProductLine(line_id="gone", name="B")).code == "product_line_unknown"
