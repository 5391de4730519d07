"""The customer form: new, changed, warned of a number that is known, never losing what was typed."""

import pytest
from sqlalchemy import func, select
from textual import events

from crm_tui import i18n
from crm_tui.commands.customers import EditCustomer
from crm_tui.commands.rules import CreateProductLine
from crm_tui.i18n import t
from crm_tui.queries.profile import profile
from crm_tui.store.tables import customer
from crm_tui.widgets.navigation import Go


def customers(office):
    return office.desk.answer(lambda view: view.tx.scalar(select(func.count()).select_from(customer)))


def newest(office):
    desk = office.desk
    found = desk.answer(
        lambda view: view.tx.scalars(select(customer.c.id).order_by(customer.c.created_at.desc()).limit(1))
    )
    return desk.answer(profile, found[0])


async def fill(pilot, **values):
    pilot.app.screen.form.fill(values)
    await pilot.pause()


async def save(pilot):
    await pilot.press("f10")
    await pilot.pause()
    await pilot.pause()


def place_of(pilot):
    return type(pilot.app.screen).__name__


async def test_a_new_customer_with_a_first_deal_is_one_step(office, at_work):
    office.as_person("1001")
    line_id = office.give(CreateProductLine(name="瓷砖"))["line_id"]
    async with at_work(office, Go("customer_form", phone="13800138000")) as pilot:
        await fill(pilot, name="张三", tags="#复式 急", line=line_id, amount="1.2万", birthday="1990-02-03")
        await save(pilot)
        assert place_of(pilot) == "BoardScreen"
        assert pilot.app.screen.message == "Saved 张三 (Ctrl+Z takes it back)"
        one = newest(office)
        await pilot.press("ctrl+z")
        await pilot.pause()
        assert newest(office).archived
    assert (one.phones, one.tags, str(one.birthday)) == (("+8613800138000",), ("复式", "急"), "1990-02-03")
    assert [(deal.amount, deal.line_name) for deal in one.deals] == [(1_200_000, "瓷砖")]


async def test_without_a_name_nothing_is_saved_and_the_gap_is_named(office, at_work):
    async with at_work(office, Go("customer_form", phone="13800138000")) as pilot:
        await save(pilot)
        assert pilot.app.screen.message == t("widget.must_fill", field="Name")
        assert pilot.app.screen.form.row("name").has_focus_within
    assert customers(office) == 0


async def test_a_known_number_is_said_while_typing_and_f10_opens_that_customer(office, at_work, lines):
    office.customer("张三", phones=("13800138000",))
    async with at_work(office, Go("customer_form")) as pilot:
        await fill(pilot, name="张小三", phones="138 0013 8000")
        await pilot.pause()
        assert any("already 张三 (陈静)" in line for line in lines(pilot.app))
        await save(pilot)
        await save(pilot)
        assert place_of(pilot) == "ProfileScreen"
        await pilot.press("escape")
        await pilot.pause()
        assert place_of(pilot) == "BoardScreen"
    assert customers(office) == 1


async def test_a_number_at_another_counter_names_only_the_owner(office, at_work, lines):
    office.customer("张三", phones=("13800138000",))
    async with at_work(office, Go("customer_form"), number="6004") as pilot:
        await fill(pilot, name="x", phones="13800138000")
        await pilot.pause()
        await save(pilot)
        shown = "\n".join(lines(pilot.app))
        assert "already a customer of 陈静" in shown
        assert "张三" not in shown


async def test_an_edit_saves_only_what_was_changed_and_keeps_masked_numbers(office, at_work, lines):
    customer_id = office.customer("张三", phones=("13800138000",), resident_id="110101199003074610")
    async with at_work(office, Go("customer_form", customer_id=customer_id)) as pilot:
        shown = "\n".join(lines(pilot.app))
        assert "138****8000" in shown
        assert "110101199003074610" not in shown
        await fill(pilot, phones="138****8000, 010-64170000", level="A")
        await save(pilot)
    one = newest(office)
    assert one.phones == ("+8613800138000", "+861064170000")
    assert (one.level, one.resident_id) == ("A", "110101199003074610")


async def test_an_edit_without_a_change_saves_nothing(office, at_work):
    customer_id = office.customer("张三", phones=("13800138000",))
    async with at_work(office, Go("customer_form", customer_id=customer_id)) as pilot:
        await save(pilot)
        assert pilot.app.screen.message == "Nothing was changed."


async def test_a_wrong_number_is_named_and_blocks_saving_only(office, at_work, lines):
    async with at_work(office, Go("customer_form", name="张三")) as pilot:
        await fill(pilot, phones="1380013800")
        await save(pilot)
        assert place_of(pilot) == "CustomerFormScreen"
        assert any("1380013800" in line and "!" in line for line in lines(pilot.app))
    assert customers(office) == 0


async def test_what_was_typed_is_there_again(office, at_work):
    async with at_work(office, Go("customer_form")) as pilot:
        await fill(pilot, name="张三", wechat="zs88")
        await pilot.press("escape")
        await pilot.pause()
        pilot.app.screen.post_message(Go("customer_form"))
        await pilot.pause()
        await pilot.pause()
        assert pilot.app.screen.text("wechat") == "zs88"
        assert pilot.app.screen.text("name") == "张三"


async def test_a_draft_puts_nothing_back_that_others_have_changed_meanwhile(office, at_work):
    customer_id = office.customer("张三", address="南京路 1 号", tags=("老客",))
    async with at_work(office, Go("customer_form", customer_id=customer_id)) as pilot:
        await fill(pilot, note="rings back on Friday")
        await pilot.press("escape")
        await pilot.pause()
        office.give(EditCustomer(customer_id=customer_id, address="延安路 2 号", tags=("新客",)))
        pilot.app.screen.post_message(Go("customer_form", customer_id=customer_id))
        await pilot.pause()
        await pilot.pause()
        assert pilot.app.screen.text("address") == "延安路 2 号"
        await save(pilot)
    one = newest(office)
    assert (one.address, one.note) == ("延安路 2 号", "rings back on Friday")
    assert one.tags == ("新客",)


async def test_leaving_an_untouched_form_keeps_no_draft(office, at_work):
    async with at_work(office, Go("customer_form")) as pilot:
        await pilot.press("escape")
        await pilot.pause()
        assert place_of(pilot) == "BoardScreen"
        assert "draft" not in pilot.app.screen.message


async def test_a_supervisor_gives_the_customer_to_somebody_of_the_team(office, at_work):
    async with at_work(office, Go("customer_form", name="张三"), number="5001") as pilot:
        await fill(pilot, owner="6002")
        await save(pilot)
        assert place_of(pilot) == "CustomerFormScreen"
        await fill(pilot, owner="李敏")
        await save(pilot)
    assert newest(office).owner_name == "李敏"


async def test_f4_adds_a_tag_in_use(office, at_work):
    office.customer("王小满", tags=("复式",))
    async with at_work(office, Go("customer_form", name="张三")) as pilot:
        pilot.app.screen.form.row("tags").field.focus()
        await fill(pilot, tags="急")
        await pilot.press("f4")
        await pilot.pause()
        await pilot.press("1")
        await pilot.pause()
        assert pilot.app.screen.text("tags") == "急 复式"


@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 12)])
async def test_hostile_names_stand_literally(office, at_work, language, size, lines):
    i18n.use(language)
    customer_id = office.customer("[/] [@click=app.quit()]x", source="[red]s")
    async with at_work(office, Go("customer_form", customer_id=customer_id), size=size) as pilot:
        pilot.app.screen.form.row("phones").field.focus()
        pilot.app.post_message(events.Paste("\x1b]0;pwned\x07"))
        await pilot.pause()
        shown = "\n".join(lines(pilot.app))
        assert "[/] [@click" in shown
        assert "]0;pwned" in shown
        assert "\x1b" not in shown
