"""What is saved while the hub is away, and may still be refused there, is said to be so."""

from types import SimpleNamespace

import pytest

from crm_tui import i18n
from crm_tui.commands.customers import CreateCustomer
from crm_tui.sync.messages import HubError
from crm_tui.widgets.navigation import Go


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize(
    "case",
    [(False, True, False), (True, True, True), (True, False, False)],
    ids=["there", "wish", "fact"],
)
async def test_only_a_wish_is_unconfirmed_and_only_while_the_hub_is_away(shop, at_work, language, case):
    i18n.use(language)
    cut, edit, told = case
    desk = shop.terminal("mine")
    (made,) = desk.carry_out(CreateCustomer(name="老客"))
    desk.link.run()
    desk.inbox.take_unconfirmed()
    if cut:
        desk.way.cut = True
        with pytest.raises(HubError):
            desk.link.run()
    which = {"customer_id": made.details["customer_id"]} if edit else {}
    place = SimpleNamespace(desk=desk, as_person=lambda _: None)
    async with at_work(place, Go("customer_form", **which)) as pilot:
        pilot.app.screen.form.fill({"name": "客"})
        await pilot.press("f10")
        await pilot.pause()
        await pilot.pause()
        assert "客" in pilot.app.screen.message
        assert (i18n.t("work.unconfirmed", text="") in pilot.app.screen.message) is told
