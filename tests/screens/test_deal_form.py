"""The deal form: opened, changed, nothing else touched."""

from datetime import date

import pytest

from crm_tui import i18n
from crm_tui.commands.deals import EditDeal
from crm_tui.commands.rules import CreateProduct, CreateProductLine, EditProduct
from crm_tui.queries.profile import profile
from crm_tui.widgets.navigation import Go


@pytest.fixture
def line_id(office):
    office.as_person("1001")
    line_id = office.give(CreateProductLine(name="瓷砖"))["line_id"]
    office.give(CreateProduct(code="T-800", name="亮面砖", line_id=line_id))
    office.as_person("6001")
    return line_id


async def fill_and_save(pilot, **values):
    pilot.app.screen.form.fill(values)
    await pilot.pause()
    await pilot.press("f10")
    await pilot.pause()
    await pilot.pause()


def deals(office, customer_id):
    return office.desk.answer(profile, customer_id).deals


@pytest.mark.usefixtures("line_id")
async def test_a_deal_is_opened_with_amount_product_and_day(office, at_work, lines):
    customer_id = office.customer()
    async with at_work(office, Go("deal_form", customer_id=customer_id)) as pilot:
        pilot.app.screen.form.fill({"amount": "1.2万", "expected_close_on": "0131"})
        await pilot.pause()
        shown = "\n".join(lines(pilot.app))
        assert "¥12,000.00" in shown
        assert "01-31" in shown
        await fill_and_save(pilot, product="T-800", source="老客户介绍")
        assert "王小满" in pilot.app.screen.message
    (deal,) = deals(office, customer_id)
    assert (deal.amount, deal.product_name, deal.line_name) == (1_200_000, "亮面砖", "瓷砖")
    assert (deal.expected_close_on, deal.source, deal.title) == (date(2026, 1, 31), "老客户介绍", "王小满")


async def test_an_edit_changes_what_was_changed_and_empties_what_was_emptied(office, at_work, line_id):
    customer_id = office.customer()
    deal_id = office.deal(
        customer_id, amount=900_000, line_id=line_id, expected_close_on=date(2026, 2, 1), source="x"
    )
    async with at_work(office, Go("deal_form", customer_id=customer_id, deal_id=deal_id)) as pilot:
        assert pilot.app.screen.text("amount") == "¥9,000.00"
        await fill_and_save(pilot, amount="", title="二期")
    (deal,) = deals(office, customer_id)
    assert (deal.amount, deal.title, deal.line_name) == (None, "二期", "瓷砖")
    assert (deal.expected_close_on, deal.source) == (date(2026, 2, 1), "x")


async def test_an_amount_that_is_none_is_named_and_nothing_is_saved(office, at_work):
    customer_id = office.customer()
    async with at_work(office, Go("deal_form", customer_id=customer_id)) as pilot:
        await fill_and_save(pilot, amount="¥1,2,3")
        assert type(pilot.app.screen).__name__ == "DealFormScreen"
    assert deals(office, customer_id) == ()


@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 12)])
async def test_hostile_titles_stand_literally(office, at_work, language, size, lines):
    i18n.use(language)
    customer_id = office.customer("[/]x")
    deal_id = office.deal(customer_id, title="[@click=app.quit()]y")
    async with at_work(office, Go("deal_form", customer_id=customer_id, deal_id=deal_id), size=size) as pilot:
        shown = "\n".join(lines(pilot.app))
        assert "[@click=app.quit()]y" in shown


async def test_what_somebody_else_has_changed_meanwhile_is_said_and_not_overwritten(office, at_work):
    customer_id = office.customer()
    deal_id = office.deal(customer_id, amount=900_000)
    async with at_work(office, Go("deal_form", customer_id=customer_id, deal_id=deal_id)) as pilot:
        office.give(EditDeal(deal_id=deal_id, amount=1_000_000))
        await fill_and_save(pilot, amount="1.1万")
        assert "¥10,000.00" in pilot.app.screen.message
        assert pilot.app.screen.text("amount") == "1.1万"
    (deal,) = deals(office, customer_id)
    assert deal.amount == 1_000_000


async def test_the_line_changes_beside_a_product_that_is_no_longer_sold(office, at_work, line_id):
    customer_id = office.customer()
    office.as_person("1001")
    other = office.give(CreateProductLine(name="地板"))["line_id"]
    product_id = office.give(CreateProduct(code="OLD", name="老款", line_id=None))["product_id"]
    office.as_person("6001")
    deal_id = office.deal(customer_id, product_id=product_id, line_id=line_id)
    office.as_person("1001")
    office.give(EditProduct(product_id=product_id, active=False))
    office.as_person("6001")
    async with at_work(office, Go("deal_form", customer_id=customer_id, deal_id=deal_id)) as pilot:
        await fill_and_save(pilot, line=other)
    (deal,) = deals(office, customer_id)
    assert (deal.line_name, deal.product_name) == ("地板", "老款")
