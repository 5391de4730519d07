"""The settings: what may be changed, by whom, and what it would do."""

from __future__ import annotations

import pytest

from crm_tui import i18n
from crm_tui.commands import COMMANDS
from crm_tui.commands.people import CreatePerson, EditPerson
from crm_tui.commands.pipelines import as_plan
from crm_tui.commands.rules import CreateProduct, CreateProductLine
from crm_tui.domain.errors import Refused
from crm_tui.domain.overdue import LEVELS, OverdueRules
from crm_tui.domain.permission import Role
from crm_tui.queries.pickers import pipelines, product_lines
from crm_tui.queries.settings import (
    open_work,
    pipelines_in_force,
    price_list,
    roster,
    rules_in_force,
    rules_preview,
)
from crm_tui.screens.board import BoardScreen
from crm_tui.screens.settings import SettingsScreen
from crm_tui.widgets.command_form import answers_of, built, filled, specs_of
from crm_tui.widgets.confirm import Confirm
from crm_tui.widgets.form_window import FormWindow


async def settings(pilot, number="1001", section=""):
    await pilot.pause()
    await pilot.press(*number, "enter", *"2468", "enter")
    await pilot.pause()
    await pilot.press("ctrl+g", "s")
    await pilot.pause()
    if section:
        await pilot.press(section)
        await pilot.pause()


def person(office, number):
    return next(one for one in office.desk.answer(roster) if one.number == number)


def sales(office):
    return office.desk.answer(pipelines_in_force)[0].pipeline


async def test_a_clerk_sees_why_a_section_is_closed(program, office, lines):
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await settings(pilot, "6001", "1")
        assert isinstance(app.screen, SettingsScreen)
        assert any("Not allowed" in line for line in lines(app)[2:20])
        await pilot.press("f7")
        await pilot.pause()
        assert isinstance(app.screen, SettingsScreen)
        assert "ask an administrator" in app.screen.message


async def test_an_administrator_takes_a_person_on(program, office):
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await settings(pilot, section="1")
        await pilot.press("f7")
        await pilot.pause()
        assert isinstance(app.screen, FormWindow)
        await pilot.press(*"6100", "enter", *"Nora", "enter", "1", "f10")
        await pilot.pause()
        assert isinstance(app.screen, SettingsScreen)
        assert (person(office, "6100").name, person(office, "6100").role) == ("Nora", "clerk")


async def test_a_refusal_keeps_the_window_and_what_was_typed(program, office):
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await settings(pilot, section="1")
        await pilot.press("f7")
        await pilot.pause()
        await pilot.press(*"6001", "enter", *"Nora", "enter", "1", "f10")
        await pilot.pause()
        assert isinstance(app.screen, FormWindow)
        assert "6001" in app.screen.said
        assert app.screen._form.values()["name"] == "Nora"


async def test_only_what_was_changed_travels(program, office):
    before = person(office.as_person("1001") and office, "2001")
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await settings(pilot, section="1")
        await pilot.press("down", "enter")
        await pilot.pause()
        await pilot.press("end", *" II", "f10")
        await pilot.pause()
        after = person(office, "2001")
        assert after.name == before.name + " II"
        assert (after.role, after.unit_id, after.phone) == (before.role, before.unit_id, before.phone)
        await pilot.press("ctrl+z")
        await pilot.pause()
        assert person(office, "2001").name == before.name


async def test_a_person_whom_another_administrator_has_changed_meanwhile_stays_so(program, office):
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await settings(pilot, section="1")
        await pilot.press("down", "enter")
        await pilot.pause()
        assert app.screen._form.values()["phone"] == ""
        office.give(EditPerson(person_id=office.people["2001"], name="Dora", role="branch_manager"))
        app.screen._form.fill({"name": "Dora", "role": "clerk"})
        await pilot.press("f10")
        await pilot.pause()
        assert "「branch manager」" in app.screen.said
        assert (person(office, "2001").name, person(office, "2001").role) == ("Dora", "branch_manager")


async def test_freezing_counts_the_open_work_and_asks(program, office, lines):
    office.deal(office.customer())
    office.customer("赵大同")
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await settings(pilot, section="1")
        await pilot.press(*["down"] * 8, "f6")
        await pilot.pause()
        await pilot.press("1")
        await pilot.pause()
        assert isinstance(app.screen, Confirm)
        assert any("2 customers, 1 open deals" in line for line in lines(app))
        await pilot.press("f10")
        await pilot.pause()
        assert person(office, "6001").status == "frozen"
        with pytest.raises(Refused):
            office.desk.log_in(office.people["6001"], "2468")


async def test_a_reset_pin_is_chosen_anew(program, office):
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await settings(pilot, section="1")
        await pilot.press(*["down"] * 8, "f6")
        await pilot.pause()
        await pilot.press("3")
        await pilot.pause()
        await pilot.press("f10")
        await pilot.pause()
    with pytest.raises(Refused) as no:
        office.desk.log_in(office.people["6001"], "2468")
    assert no.value.code == "pin_unset"


async def test_a_new_unit_stands_below_the_one_under_the_cursor(program, office, lines):
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await settings(pilot, section="2")
        await pilot.press("down", "f7")
        await pilot.pause()
        await pilot.press(*"Pudong", "f10")
        await pilot.pause()
        assert any("    Pudong" in line and "branch" in line for line in lines(app))


async def test_the_rules_say_what_they_would_do_before_they_are_saved(program, office):
    customer_id = office.customer()
    office.give(office.spoken(customer_id))
    office.clock.move(days=1)
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await settings(pilot, section="4")
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("end", "backspace", "9", "f10")
        await pilot.pause()
        assert isinstance(app.screen, FormWindow)
        assert "F10 again" in app.screen.said
        assert office.desk.answer(rules_in_force).days["A"] == 7
        await pilot.press("f10")
        await pilot.pause()
        assert office.desk.answer(rules_in_force).days["A"] == 9


async def test_a_change_of_a_stage_publishes_a_version_after_its_reach_was_shown(program, office):
    office.deal(office.customer())
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await settings(pilot, section="3")
        await pilot.press("down", "enter")
        await pilot.pause()
        await pilot.press("enter", "end", "backspace", "8", "f10")
        await pilot.pause()
        assert "version 2, 1 open deals" in app.screen.said
        await pilot.press("f10")
        await pilot.pause()
        found = sales(office)
        assert (found.version, found.stages[0].probability) == (2, 8)
        assert found.stages[1].required_actions[0].code == "reception"


async def test_stages_are_added_moved_and_taken_out(program, office):
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await settings(pilot, section="3")
        await pilot.press("down", "f7")
        await pilot.pause()
        await pilot.press(
            *"Visit", "enter", "enter", "enter", "enter", "enter", "enter", *"photo*, tea", "f10", "f10"
        )
        await pilot.pause()
        path = sales(office)
        assert path.stages[1].code == "visit"
        assert [(one.name, one.evidence) for one in path.stages[1].required_actions] == [
            ("photo", True),
            ("tea", False),
        ]
        await pilot.press("down", "f6")
        await pilot.pause()
        await pilot.press("f10")
        await pilot.pause()
        assert sales(office).stages[0].code == "visit"
        await pilot.press("home", "down", "delete")
        await pilot.pause()
        await pilot.press("f10")
        await pilot.pause()
        assert "visit" not in {one.code for one in sales(office).stages}


async def test_a_stage_with_deals_stays(program, office):
    office.deal(office.customer())
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await settings(pilot, section="3")
        await pilot.press("down", "delete")
        await pilot.pause()
        await pilot.press("f10")
        await pilot.pause()
        assert "lead" in app.screen.message
        assert sales(office).version == 1


async def test_a_second_pipeline_is_made_from_the_template_renamed_archived_and_brought_back(
    program, office, lines
):
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await settings(pilot, section="3")
        await pilot.press("f7")
        await pilot.pause()
        await pilot.press(*"Contracts", "f10")
        await pilot.pause()
        assert "F10 again" in app.screen.said
        await pilot.press("f10")
        await pilot.pause()
        first, second = (one.pipeline for one in office.desk.answer(pipelines_in_force))
        assert (second.name, second.version) == ("Contracts", 1)
        assert [one.code for one in second.stages] == [one.code for one in first.stages]
        await pilot.press(*["down"] * 8, "enter")
        await pilot.pause()
        await pilot.press("end", "X", "f10")
        await pilot.pause()
        assert office.desk.answer(pipelines_in_force)[1].pipeline.name == "ContractsX"
        await pilot.press("f6")
        await pilot.pause()
        await pilot.press("f10")
        await pilot.pause()
        assert [one.name for one in office.desk.answer(pipelines)] == ["Sales"]
        assert any("ContractsX (archived)" in line for line in lines(app))
        await pilot.press("end", "f6")
        await pilot.pause()
        await pilot.press("f10")
        await pilot.pause()
        assert [one.name for one in office.desk.answer(pipelines)] == ["Sales", "ContractsX"]


async def test_a_stage_of_the_second_pipeline_is_edited_and_the_first_one_stays(program, office):
    office.as_person("1001")
    plan = as_plan(sales(office))
    office.give(plan.model_copy(update={"pipeline_id": None, "name": "Contracts"}))
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await settings(pilot, section="3")
        await pilot.press(*["down"] * 9, "enter")
        await pilot.pause()
        await pilot.press("enter", "end", "backspace", "9", "f10", "f10")
        await pilot.pause()
        first, second = (one.pipeline for one in office.desk.answer(pipelines_in_force))
        assert (first.version, second.version) == (1, 2)
        assert second.stages[0].probability == 9


async def test_what_was_typed_into_a_window_outlives_escape(program, office):
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await settings(pilot, section="1")
        await pilot.press("f7")
        await pilot.pause()
        await pilot.press(*"6100", "enter", *"Nora", "escape")
        await pilot.pause()
        assert isinstance(app.screen, SettingsScreen)
        assert "draft" in app.screen.message
        await pilot.press("f7")
        await pilot.pause()
        assert "brought back" in app.screen.said
        assert app.screen._form.values()["name"] == "Nora"
        await pilot.press("down", "down", "1", "f10")
        await pilot.pause()
        assert person(office, "6100").name == "Nora"
        await pilot.press("f7")
        await pilot.pause()
        assert app.screen._form.values()["name"] == ""


async def test_a_window_in_which_nothing_was_typed_leaves_no_draft(program, office):
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await settings(pilot, section="1")
        await pilot.press("down", "enter")
        await pilot.pause()
        await pilot.press("end", "x", "backspace", "escape")
        await pilot.pause()
        assert app.screen.message == ""
        await pilot.press("enter")
        await pilot.pause()
        assert app.screen.said == ""


async def test_a_product_line_gets_another_name_and_the_old_one_back(program, office):
    office.as_person("1001")
    office.give(CreateProductLine(name="Tiles"))
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await settings(pilot, section="5")
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("end", *" and stone", "f10")
        await pilot.pause()
        assert [one.name for one in office.desk.answer(product_lines)] == ["Tiles and stone"]
        await pilot.press("ctrl+z")
        await pilot.pause()
        assert [one.name for one in office.desk.answer(product_lines)] == ["Tiles"]


async def test_products_get_lines_and_prices(program, office):
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await settings(pilot, section="5")
        await pilot.press("f6")
        await pilot.pause()
        await pilot.press(*"Tiles", "f10")
        await pilot.pause()
        assert [one.name for one in office.desk.answer(product_lines)] == ["Tiles"]
        await pilot.press("f7")
        await pilot.pause()
        await pilot.press("up", *"T1", "down", *"Tile one", "down", "1", "down", *"1.2w", "f10")
        await pilot.pause()
        (product,) = office.desk.answer(price_list)
        assert (product.code, product.line_name, product.unit_price) == ("T1", "Tiles", 1_200_000)


async def test_the_language_changes_everything_at_once_and_stays_chosen(program, office, home):
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await settings(pilot, "6001", "6")
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("1", "down", "2", "down", "end", *["backspace"] * 2, "5", "f10")
        await pilot.pause()
        await pilot.pause()
        assert i18n.language() == "zh_CN"
        assert isinstance(app.screen, BoardScreen)
        kept = home.read()
        assert (kept.language, kept.theme, kept.idle_minutes) == ("zh_CN", "crm-light", 5)
        assert app.theme == "crm-light"
        assert office.desk.drawer.find("window", "display") is None


async def test_a_backup_is_made_at_once(program, office, home):
    app = program(office.desk)
    async with app.run_test(size=(80, 24)) as pilot:
        await settings(pilot, "6001", "8")
        await pilot.press("enter")
        await pilot.pause()
        assert app.screen.message.startswith("Backed up: crm-2026")
    assert len(list(home.backups.iterdir())) == 1


async def test_escape_goes_from_the_rows_to_the_sections_and_out(program, office):
    app = program(office.desk)
    async with app.run_test(size=(40, 12)) as pilot:
        await settings(pilot, section="2")
        assert app.focused.id == "rows"
        await pilot.press("escape")
        assert app.focused.id == "sections"
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, BoardScreen)


def test_the_preview_counts_what_the_saved_rules_then_say(office):
    for name in ("王小满", "赵大同"):
        office.give(office.spoken(office.customer(name)))
    office.customer("钱多多")
    office.clock.move(days=2)
    patient = OverdueRules(dict.fromkeys(LEVELS, 7), 24 * 30, (3, 5, 7))
    preview = office.desk.answer(rules_preview, patient)
    assert (preview.now, preview.then) == (3, 2)


def test_open_work_is_nothing_outside_the_scope(office):
    customer_id = office.customer()
    office.deal(customer_id)
    office.as_person("6002")
    work = office.desk.answer(open_work, office.people["6001"])
    assert (work.customers, work.deals) == (0, 0)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_draws_as_a_form(command):
    specs = specs_of(command)
    assert [spec.key for spec in specs] == list(command.model_fields)


def test_a_form_becomes_the_command_again():
    answers = {
        "number": "9",
        "name": "Nora",
        "role": "clerk",
        "unit_id": "u",
        "reach": "",
        "hired_on": "2026-01-08",
    }
    command = built(CreatePerson, filled(CreatePerson, answers))
    assert (command.role, command.hired_on.isoformat(), command.reach) == (Role.CLERK, "2026-01-08", None)


def test_amounts_and_yes_no_read_as_people_write_them():
    assert filled(CreateProduct, {"name": "A", "unit_price": "1.2万"})["unit_price"] == 1_200_000
    assert answers_of(CreateProduct, {"name": "A", "unit_price": 1_200_000})["unit_price"] == "¥12,000.00"
    assert filled(CreateProduct, {"unit_price": "¥12,000.00"})["unit_price"] == 1_200_000


def test_what_a_command_cannot_take_names_its_field():
    with pytest.raises(Refused) as no:
        built(EditPerson, {"person_id": "p", "role": "king"})
    assert no.value.details["field"] == "Role"
