"""What a clerk sees of refused commands: names instead of ids, and nothing typed that cannot be found."""

import pytest

from crm_tui.commands.customers import CreateCustomer, EditCustomer
from crm_tui.commands.deals import CreateDeal, MoveDeal
from crm_tui.commands.ownership import ReassignCustomer
from crm_tui.queries.outbox import last_commands, lost_drafts, open_commands, sync_lines
from crm_tui.screens.follow_up import FollowUpScreen
from crm_tui.screens.sync import SyncScreen
from crm_tui.store.outbox import set_facts
from crm_tui.store.scope import known_viewer
from crm_tui.store.tables import customer, deal
from crm_tui.widgets.field_row import FieldRow
from crm_tui.widgets.lines import VirtualList
from crm_tui.widgets.navigation import Go
from crm_tui.widgets.words_window import WordsWindow

SAID = {"need_change": "想要大一点的", "next_step": "送样品"}


def give(desk, *commands):
    verdicts = desk.carry_out(*commands)
    assert all(one.applied for one in verdicts), verdicts
    return verdicts[0].details


def give_away(boss, shop, customer_id):
    """Let the manager give a customer of 6001 to 6003."""
    boss.link.run()
    people = {"to_owner_id": shop.people["6003"], "expected_owner_id": shop.people["6001"]}
    give(boss, ReassignCustomer(customer_id=customer_id, reason="other", **people))
    boss.link.run()


@pytest.fixture
def mine(shop):
    return shop.terminal("mine")


@pytest.fixture
def boss(mine, shop):
    """A manager at another terminal; the clerk's, ``mine``, is the first one."""
    assert shop.desks == [mine]
    return shop.terminal("boss", "4001")


@pytest.fixture
def zhou(mine):
    """A customer of 6001, known at the hub."""
    made = give(mine, CreateCustomer(name="周强", phones=("13800138000",)))["customer_id"]
    mine.link.run()
    return made


@pytest.fixture
def quarrel(shop, mine, boss, zhou):
    """A clerk whose change is refused: while the terminal was away, the manager gave the customer away."""
    give_away(boss, shop, zhou)
    give(mine, EditCustomer(customer_id=zhou, address="长江路 8 号"))
    mine.link.run()
    return mine


async def arrive(pilot, number="6001"):
    await settled(pilot)
    await press(pilot, *number, "enter", *"2468", "enter")
    await press(pilot, "ctrl+g", "0")


async def press(pilot, *keys):
    await pilot.press(*keys)
    await settled(pilot)


async def settled(pilot):
    """Wait for the work aside too: threads that talk to the hub."""
    for _ in range(3):
        await pilot.pause()
        waited = [one for one in pilot.app.workers if one.group in ("measure", "meet", "standing")]
        if waited:  # none would mean all, also the one that waits for an answer
            await pilot.app.workers.wait_for_complete(waited)
        await pilot.pause()


async def write(pilot, customer_id):
    """Begin a follow-up of a customer, all of it filled in."""
    pilot.app.screen.post_message(Go("follow_up", customer_id=customer_id))
    await settled(pilot)
    form = pilot.app.screen.query_one("#form")
    form.fill(SAID)
    await settled(pilot)
    assert form.first_gap() is None


def top(lines, app):
    return next(line for line in lines(app) if line.startswith(">"))


async def test_a_customer_who_is_gone_keeps_the_name_under_which_the_command_was_given(
    quarrel, run_at, lines
):
    app, running = run_at(quarrel)
    async with running as pilot:
        await arrive(pilot)
        assert "周强" in top(lines, app)
        assert app.screen.customer_id is None, "F3 has nobody to write about"
        await press(pilot, "enter")
        assert isinstance(app.screen, WordsWindow)
        assert any("About: 周强" in line for line in lines(app))


async def test_what_was_typed_about_one_who_is_gone_goes_to_the_hub_as_a_note(quarrel, shop, run_at):
    app, running = run_at(quarrel)
    async with running as pilot:
        await arrive(pilot)
        await press(pilot, "f6")
        assert isinstance(app.screen, FollowUpScreen)
        form = app.screen.query_one("#form")
        assert "长江路 8 号" in form.values()["need_change"]
        form.fill({"next_step": "转告新负责人"})
        await press(pilot, "f10")
        assert isinstance(app.screen, SyncScreen)
        assert app.screen.message.startswith("周强 is not here any more")
    assert quarrel.answer(open_commands) == 0
    quarrel.link.run()
    (note,) = (one for one in shop.log() if one.kind == "log_follow_up")
    assert (note.status, note.code) == ("flagged", "customer_unknown")
    assert "长江路 8 号" in note.args["need_change"]


async def test_a_follow_up_saved_after_the_customer_was_taken_away_is_taken_in_by_the_hub(
    boss, zhou, shop, run_at, lines
):
    mine = shop.desks[0]
    app, running = run_at(mine)
    async with running as pilot:
        await arrive(pilot)
        await write(pilot, zhou)
        give_away(boss, shop, zhou)
        mine.link.run()
        await press(pilot, "f10")
        assert isinstance(app.screen, SyncScreen)
        assert app.screen.message.startswith("周强 is not here any more")
        await press(pilot, "home")
        assert "waiting, to be looked at" in top(lines, app)
        await press(pilot, "f5")
        assert "周强" in top(lines, app)
        assert "done, to be looked at" in top(lines, app)
        await press(pilot, "enter")
        assert any("想要大一点的" in line for line in lines(app))
    assert mine.answer(lost_drafts) == ()
    assert [one.status for one in shop.log() if one.kind == "log_follow_up"] == ["flagged"]


async def test_a_move_that_was_to_go_with_it_is_said_not_to_have_been_made(mine, boss, zhou, shop, run_at):
    deal_id = give(mine, CreateDeal(customer_id=zhou))["deal_id"]
    mine.link.run()
    app, running = run_at(mine)
    async with running as pilot:
        await arrive(pilot)
        await write(pilot, zhou)
        await press(pilot, "f6")
        give_away(boss, shop, zhou)
        mine.link.run()
        await press(pilot, "f10")
        assert app.screen.message.endswith("The deal was not moved.")
    mine.link.run()
    assert {one.kind for one in shop.log()} & {"log_follow_up", "move_deal"} == {"log_follow_up"}
    boss.link.run()
    with boss._books.read() as tx:
        assert tx.get(deal, deal_id).stage == "lead"


async def test_a_move_of_a_deal_that_stayed_is_made_though_the_customer_has_gone(
    mine, boss, zhou, shop, run_at
):
    deal_id = give(mine, CreateDeal(customer_id=zhou))["deal_id"]
    mine.link.run()
    app, running = run_at(mine)
    async with running as pilot:
        await arrive(pilot)
        pilot.app.screen.post_message(Go("follow_up", customer_id=zhou, deal_id=deal_id))
        await settled(pilot)
        app.screen.query_one("#form").fill(SAID)
        await press(pilot, "f6")
        boss.link.run()
        people = {"to_owner_id": shop.people["6003"], "expected_owner_id": shop.people["6001"]}
        kept = {deal_id: shop.people["6001"]}
        give(boss, ReassignCustomer(customer_id=zhou, reason="other", deal_owners=kept, **people))
        boss.link.run()
        mine.link.run()
        await press(pilot, "f10")
        assert "goes to the hub" in app.screen.message
        assert "not moved" not in app.screen.message
    mine.link.run()
    assert [one.status for one in shop.log() if one.kind == "move_deal"] == ["applied"]


async def test_a_draft_about_a_customer_who_was_taken_away_is_found_and_goes_on(
    boss, zhou, shop, run_at, lines
):
    mine = shop.desks[0]
    app, running = run_at(mine)
    async with running as pilot:
        await arrive(pilot)
        await write(pilot, zhou)
        await press(pilot, "escape")
        assert "draft" not in top(lines, app), "while F3 brings it back it is no business of this list"
        give_away(boss, shop, zhou)
        mine.link.run()
        await press(pilot, "f5")
        await press(pilot, "home")
        assert all(word in top(lines, app) for word in ("周强", "draft"))
        await press(pilot, "enter")
        assert any("想要大一点的" in line for line in lines(app))
        await press(pilot, "escape", "f6")
        assert isinstance(app.screen, FollowUpScreen)
        assert app.screen.query_one("#form").values()["next_step"] == "送样品"
        await press(pilot, "f10")
        assert "draft" not in top(lines, app)
    mine.link.run()
    assert [one.args["next_step"] for one in shop.log() if one.status == "flagged"] == ["送样品"]


async def test_a_form_over_the_profile_of_a_customer_who_is_taken_away_stays_open(boss, zhou, shop, run_at):
    mine = shop.desks[0]
    app, running = run_at(mine)
    async with running as pilot:
        await arrive(pilot)
        app.screen.post_message(Go("profile", customer_id=zhou))
        await settled(pilot)
        await write(pilot, zhou)
        give_away(boss, shop, zhou)
        mine.link.run()
        await settled(pilot)
        assert isinstance(app.screen, FollowUpScreen)
        await press(pilot, "f10")
        assert isinstance(app.screen, SyncScreen), "the profile goes when the form has gone"
    assert "pending" in [one.state for one in mine.answer(last_commands) if one.kind == "log_follow_up"]


async def test_a_draft_nobody_needs_is_thrown_away_after_asking(mine, boss, zhou, shop, run_at):
    mine.drawer.keep("follow_up", zhou, SAID)
    give_away(boss, shop, zhou)
    mine.link.run()
    assert [one.subject for one in mine.answer(lost_drafts)] == ["周强"]
    app, running = run_at(mine)
    async with running as pilot:
        await arrive(pilot)
        await press(pilot, "delete")
        await press(pilot, "f10")
        assert app.screen.message == "Thrown away."
    assert mine.answer(lost_drafts) == ()


async def test_without_a_hub_the_text_of_a_follow_up_is_kept_and_found(office, at_work, lines):
    customer_id = office.customer("王小满")
    async with at_work(office, Go("board")) as pilot:
        await write(pilot, customer_id)
        with office.desk._books.write() as tx:
            tx.update(customer, customer_id, owner_id=office.people["6003"])
        await press(pilot, "f10")
        assert isinstance(pilot.app.screen, FollowUpScreen)
        await press(pilot, "escape")
        assert "Ctrl+G 0" in pilot.app.screen.message
        await press(pilot, "ctrl+g", "0")
        assert "王小满" in top(lines, pilot.app)


async def test_the_person_a_customer_was_to_go_to_is_named(shop, boss, zhou, run_at, lines):
    late = shop.terminal("late", "4001")
    give_away(boss, shop, zhou)
    gone = {"customer_id": zhou, "expected_owner_id": shop.people["6001"], "reason": "other"}
    give(late, ReassignCustomer(to_owner_id=shop.people["6002"], **gone))
    late.link.run()
    with late._books.read() as tx:
        named = known_viewer(tx, shop.people["6002"]).name
    app, running = run_at(late)
    async with running as pilot:
        await arrive(pilot, "4001")
        await press(pilot, "enter")
        assert f"new owner: {named}" in "\n".join(lines(app))
        await press(pilot, "escape", "f6")
        assert named in app.screen.query_one("#form").values()["need_change"]


async def test_a_late_move_names_the_stage_and_who_was_faster(boss, zhou, shop, run_at, lines):
    mine = shop.desks[0]
    deal_id = give(mine, CreateDeal(customer_id=zhou))["deal_id"]
    mine.link.run()
    boss.link.run()
    move = {"deal_id": deal_id, "expected_stage": "lead"}
    give(boss, MoveDeal(to_stage="contact", **move))
    boss.link.run()
    give(mine, MoveDeal(to_stage="lost", lost_reason="price", **move))
    mine.link.run()
    mover = boss.viewer.name
    app, running = run_at(mine)
    async with running as pilot:
        await arrive(pilot)
        await press(pilot, "enter")
        shown = "\n".join(lines(app))
    assert f"{mover} has brought the deal" in shown
    names = {one.code: one.name for one in stages(mine, deal_id)}
    assert f"to stage: {names['lost']}" in shown


def stages(desk, deal_id):
    from crm_tui.store.pipelines import load_pipeline

    with desk._books.read() as tx:
        return load_pipeline(tx, tx.get(deal, deal_id).pipeline_id).stages


async def test_typing_goes_on_behind_the_kept_text(quarrel, run_at):
    app, running = run_at(quarrel)
    async with running as pilot:
        await arrive(pilot)
        await press(pilot, "f6")
        form = app.screen.query_one("#form")
        kept = form.values()["need_change"]
        await press(pilot, "enter", *"ok")
        assert form.query(FieldRow)[1].has_focus_within
        assert form.values()["need_change"] == f"{kept}ok"


def test_taking_a_note_back_opens_the_refusal_again_and_doing_it_again_settles_it(shop):
    mine, other = shop.terminal("mine"), shop.terminal("other", "6003")
    made = give(mine, CreateCustomer(name="张三"))["customer_id"]
    mine.link.run()
    give(other, CreateCustomer(name="周强", phones=("13900139000",)))
    other.link.run()
    give(mine, EditCustomer(customer_id=made, phones=("13900139000",)))
    mine.link.run()
    (refused,) = (one for one in mine.answer(sync_lines) if one.state == "rejected")
    give_note = {"supersedes": refused.cmd_id}
    note = EditCustomer(customer_id=made, note="13900139000")
    assert all(one.applied for one in mine.carry_out(note, **give_note))
    assert mine.answer(open_commands) == 0
    mine.undo()
    assert mine.answer(open_commands) == 1
    mine.redo()
    assert mine.answer(open_commands) == 0
    newest = mine.answer(last_commands)[0]
    assert (newest.kind, newest.supersedes) == ("edit_customer", refused.cmd_id)
    mine.undo()
    assert mine.answer(open_commands) == 1


async def test_nothing_is_selected_where_keys_act_on_one_and_esc_leaves(quarrel, run_at):
    app, running = run_at(quarrel)
    async with running as pilot:
        await arrive(pilot)
        await press(pilot, "space", "ctrl+a", "shift+down")
        assert app.screen.query_one(VirtualList).selected_count == 0
        await press(pilot, "escape")
        assert not isinstance(app.screen, SyncScreen)


async def test_a_refusal_hides_neither_what_waits_nor_when_the_hub_was_met(quarrel, run_at, lines):
    app, running = run_at(quarrel)
    async with running as pilot:
        await arrive(pilot)
        assert "Refused 1 Synced 10:42" in lines(app)[0]
        give(quarrel, CreateCustomer(name="一"))
        await settled(pilot)
        assert "Refused 1 Waiting 1" in lines(app)[0]


async def test_the_answer_stays_in_the_smallest_window_however_long_the_url(quarrel, run_at, lines):
    with quarrel._books.write() as tx:
        set_facts(tx, hub_url="file:///" + "a" * 100)
    app, running = run_at(quarrel, (40, 12))
    async with running as pilot:
        await arrive(pilot)
        assert "refused: " in top(lines, app)
        assert "周强" in top(lines, app)


async def test_the_terminal_is_called_by_the_name_it_has_at_the_hub(mine, run_at, lines):
    app, running = run_at(mine)
    async with running as pilot:
        await arrive(pilot)
        assert any(line.startswith(" Here  mine (") for line in lines(app))


async def test_a_lock_that_comes_between_leaves_no_word_behind(quarrel, run_at):
    app, running = run_at(quarrel)
    async with running as pilot:
        await arrive(pilot)
        screen = app.screen
        await press(pilot, "ctrl+l")
        screen._draw()
        await settled(pilot)
        await press(pilot, *"2468", "enter")
        assert app.screen is screen
        assert screen.message == ""
        assert not screen._stale, "it is drawn anew"
