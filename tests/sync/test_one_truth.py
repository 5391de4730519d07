"""Two terminals and a hub: what one does the other sees, nothing is lost and nothing doubled."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from crm_tui.commands.customers import CreateCustomer, EditCustomer
from crm_tui.commands.deals import CreateDeal
from crm_tui.commands.follow_ups import AmendFollowUp
from crm_tui.commands.ownership import ReassignCustomer
from crm_tui.metrics.filters import Filters
from crm_tui.queries.panel import panel
from crm_tui.store.backup import backup
from crm_tui.store.engine import check_integrity
from crm_tui.store.tables import contact_point, customer, deal, follow_up, ownership_event
from crm_tui.sync.messages import HubError, Say


def test_a_terminal_that_joins_has_the_rows_of_its_branch_and_no_others(organisation: Any) -> None:
    first = organisation.terminal("first", log_in="6001")
    other = organisation.terminal("other", "Xuhui", log_in="6004")
    mine = first.give(CreateCustomer(name="静安客"))["customer_id"]
    other.give(CreateCustomer(name="徐汇客"))
    organisation.quiet()
    till = organisation.terminal("till")
    assert {row["id"] for row in till.rows(customer)} == {mine}
    assert len(organisation.terminal("head", "Haitang").rows(customer)) == 2


def test_what_one_terminal_does_the_other_sees_after_both_have_synced(organisation: Any) -> None:
    one = organisation.terminal("one", log_in="6001")
    two = organisation.terminal("two", log_in="4001")
    customer_id = one.give(CreateCustomer(name="张三", phones=("13900001111",)))["customer_id"]
    said = one.give(organisation.office.spoken(customer_id))
    one.sync()
    two.sync()
    assert [row["name"] for row in two.rows(customer, customer.c.id == customer_id)] == ["张三"]
    assert [row["id"] for row in two.rows(follow_up)] == [said["follow_up_id"]]
    assert one.everything() == two.everything() == organisation.everything()
    assert [row.state for row in one.outbox()] == ["applied", "applied"]


def test_of_two_who_give_a_customer_away_at_once_one_is_refused_and_both_agree(organisation: Any) -> None:
    one = organisation.terminal("one", log_in="4001")
    two = organisation.terminal("two", log_in="4001")
    made = one.give(CreateCustomer(name="李四", owner_id=organisation.people["6001"]))["customer_id"]
    organisation.quiet()
    for terminal, number in ((one, "6002"), (two, "6003")):
        terminal.give(
            ReassignCustomer(
                customer_id=made,
                to_owner_id=organisation.people[number],
                expected_owner_id=organisation.people["6001"],
                reason="leave",
            )
        )
    organisation.quiet()
    assert [row.state for row in one.outbox()][-1] == "applied"
    assert [(row.state, row.code) for row in two.outbox()][-1] == ("rejected", "owner_changed")
    owners = {t.rows(customer, customer.c.id == made)[0]["owner_id"] for t in (one, two)}
    assert owners == {organisation.people["6002"]}
    assert one.everything() == two.everything() == organisation.everything()


def test_a_customer_who_changes_branches_leaves_one_terminal_and_comes_to_the_other(
    organisation: Any,
) -> None:
    jingan = organisation.terminal("jingan", "Jingan", log_in="6001")
    xuhui = organisation.terminal("xuhui", "Xuhui", log_in="6004")
    region = organisation.terminal("region", "East", log_in="3001")
    made = jingan.give(CreateCustomer(name="王五", phones=("13900002222",)))["customer_id"]
    jingan.give(organisation.office.spoken(made))
    organisation.quiet()
    region.give(
        ReassignCustomer(
            customer_id=made,
            to_owner_id=organisation.people["6004"],
            expected_owner_id=organisation.people["6001"],
            reason="other",
        )
    )
    organisation.quiet()
    assert not jingan.rows(customer, customer.c.id == made)
    assert not jingan.rows(follow_up)
    assert xuhui.rows(customer, customer.c.id == made)
    assert xuhui.rows(follow_up)
    assert region.everything() == organisation.everything()


def test_a_week_of_work_offline_arrives_whole_and_in_order(organisation: Any) -> None:
    one = organisation.terminal("one", log_in="6001")
    two = organisation.terminal("two", log_in="6002")
    for day in range(7):
        organisation.clock.move(days=1)
        made = one.give(CreateCustomer(name=f"客户{day}"))["customer_id"]
        for _ in range(20):
            organisation.clock.move(minutes=3)
            one.give(organisation.office.spoken(made, next_at=organisation.clock.now + timedelta(days=1)))
        two.give(CreateCustomer(name=f"另客{day}"))
        two.sync()
    assert one.waiting() == 147
    one.sync()
    two.sync()
    assert one.waiting() == two.waiting() == 0
    assert one.everything() == two.everything() == organisation.everything()
    assert [entry.seq for entry in organisation.log() if entry.actor_id == organisation.people["6001"]][
        -147:
    ] == list(range(1, 148))


def test_what_waits_is_carried_out_again_on_what_the_hub_says(organisation: Any) -> None:
    one = organisation.terminal("one", log_in="6001")
    two = organisation.terminal("two", log_in="4001")
    made = one.give(CreateCustomer(name="旧名", address="旧址"))["customer_id"]
    organisation.quiet()
    two.give(EditCustomer(customer_id=made, address="新址"))
    two.sync()
    one.give(EditCustomer(customer_id=made, name="新名"))
    one.sync()
    (row,) = one.rows(customer, customer.c.id == made)
    assert (row["name"], row["address"]) == ("新名", "新址")
    two.sync()
    assert one.everything() == two.everything() == organisation.everything()


def test_a_fact_that_a_rule_refuses_is_kept_and_marked(organisation: Any) -> None:
    one = organisation.terminal("one", log_in="6001")
    two = organisation.terminal("two", log_in="6002")
    one.give(CreateCustomer(name="先来", phones=("13900003333",)))
    two.give(CreateCustomer(name="后到", phones=("13900003333",)))
    one.sync()
    two.sync()
    assert [(row.state, row.code) for row in two.outbox()] == [("flagged", "phone_taken")]
    assert {row["name"] for row in two.rows(customer)} == {"先来", "后到"}
    one.sync()
    assert one.everything() == two.everything() == organisation.everything()


def test_the_digests_agree_and_a_row_that_was_spoilt_is_fetched_again(organisation: Any) -> None:
    one = organisation.terminal("one", log_in="6001")
    made = one.give(CreateCustomer(name="张三"))["customer_id"]
    one.sync()
    assert not one.sync(digests=True).mended
    with one.desk._books.write() as tx:
        tx.connection.exec_driver_sql("UPDATE customer SET name = 'x'")
        tx.connection.exec_driver_sql("DELETE FROM sync_undo")
    assert one.sync(digests=True).mended
    assert one.rows(customer, customer.c.id == made)[0]["name"] == "张三"
    assert one.everything() == organisation.everything()


def test_the_panel_says_how_much_of_what_it_counts_has_not_been_sent(organisation: Any) -> None:
    one = organisation.terminal("one", log_in="6001")
    one.give(CreateCustomer(name="张三"))
    assert one.desk.answer(panel, Filters()).unsynced == 1
    one.sync()
    assert one.desk.answer(panel, Filters()).unsynced == 0
    assert organisation.office.desk.answer(panel, Filters()).unsynced == 0  # it works alone


def test_a_branch_with_an_old_deal_knows_its_customer_by_name_alone(organisation: Any) -> None:
    head = organisation.terminal("head", "Haitang", log_in="1001")
    old = organisation.terminal("old", "Jingan", log_in="6001")
    people = organisation.people
    made = old.give(CreateCustomer(name="走了的", phones=("13900001111",), note="旧"))["customer_id"]
    deal_id = old.give(CreateDeal(customer_id=made))["deal_id"]
    organisation.quiet()
    head.give(
        ReassignCustomer(
            customer_id=made,
            to_owner_id=people["6004"],
            expected_owner_id=people["6001"],
            reason="other",
            deal_owners={deal_id: people["6001"]},
        )
    )
    head.give(EditCustomer(customer_id=made, note="新的秘密", phones=("13900002222",)))
    organisation.quiet()
    (row,) = old.rows(customer, customer.c.id == made)
    assert row["name"] == "走了的"
    assert (row["phone"], row["note"], row["resident_id"]) == ("", "", None)
    assert not old.sync(digests=True).mended
    (row,) = head.rows(customer, customer.c.id == made)
    assert row["note"] == "新的秘密"


def give(terminal: Any, customer_id: str, giver: str, taker: str, **deal_owners: str) -> None:
    """Let a customer go from one person to another; deals named stay with the person named."""
    terminal.give(
        ReassignCustomer(
            customer_id=customer_id,
            to_owner_id=taker,
            expected_owner_id=giver,
            reason="other",
            deal_owners=deal_owners,
        )
    )
    terminal.organisation.quiet()


def test_the_history_follows_a_customer_whom_two_branches_know_before_and_after(organisation: Any) -> None:
    head = organisation.terminal("head", "Haitang", log_in="1001")
    east, west = organisation.terminal("east", "Jingan"), organisation.terminal("west", "Xuhui")
    ours, theirs = (organisation.people[number] for number in ("6001", "6004"))
    made = head.give(CreateCustomer(name="来回客", phones=("13900001111",), owner_id=ours))["customer_id"]
    first = head.give(CreateDeal(customer_id=made))["deal_id"]
    give(head, made, ours, theirs, **{first: ours})
    second = head.give(CreateDeal(customer_id=made))["deal_id"]
    for giver, taker, here, there in ((theirs, ours, east, west), (ours, theirs, west, east)):
        give(head, made, giver, taker, **{first: ours, second: theirs})
        for history in (ownership_event, contact_point):
            assert len(here.rows(history)) == len(head.rows(history)) > 0
            assert there.rows(history) == []
    assert not any(terminal.sync(digests=True).mended for terminal in (head, east, west))


def test_a_customer_below_one_of_another_branch_is_changed_and_copied_like_any_other(
    organisation: Any, tmp_path: Path
) -> None:
    head = organisation.terminal("head", "Haitang", log_in="1001")
    till = organisation.terminal("till", "Jingan", log_in="6001")
    people = organisation.people
    above = head.give(CreateCustomer(name="总部", owner_id=people["6004"]))["customer_id"]
    below = head.give(CreateCustomer(name="分部", owner_id=people["6001"], parent_id=above))["customer_id"]
    organisation.quiet()
    assert [row["id"] for row in till.rows(customer)] == [below]
    till.give(EditCustomer(customer_id=below, name="新分部"))
    organisation.quiet()
    assert head.rows(customer, customer.c.id == below)[0]["name"] == "新分部"
    assert check_integrity(backup(till.desk._books.path, tmp_path / "copy.db")) == []


def test_what_was_said_about_a_deal_that_another_branch_has_now_can_be_put_right(organisation: Any) -> None:
    head = organisation.terminal("head", "Haitang", log_in="1001")
    till = organisation.terminal("till", "Jingan", log_in="6002")
    ours, theirs = (organisation.people[number] for number in ("6002", "6004"))
    made = head.give(CreateCustomer(name="留下的", owner_id=organisation.people["6001"]))["customer_id"]
    sold = head.give(CreateDeal(customer_id=made))["deal_id"]
    said = head.give(organisation.office.spoken(made, deal_id=sold))["follow_up_id"]
    organisation.quiet()
    give(head, made, organisation.people["6001"], ours, **{sold: theirs})
    assert till.rows(deal) == []
    words = organisation.office.spoken(made, need_change="更大的").model_dump(
        exclude={"customer_id", "deal_id", "occurred_at"}
    )
    till.give(AmendFollowUp(follow_up_id=said, **words))
    organisation.quiet()
    assert "更大的" in {row["need_change"] for row in head.rows(follow_up)}
    assert not till.sync(digests=True).mended


def test_what_was_read_while_others_went_on_is_shown_only_when_it_is_whole(organisation: Any) -> None:
    """A customer who changes between two pages is beyond their bound, and the customer's history is not."""
    head = organisation.terminal("head", "Haitang", log_in="1001")
    made = [head.give(CreateCustomer(name=f"客{n}", phones=(f"1390000{n:04}",))) for n in range(12)]
    head.sync()
    organisation.authority.page = 5
    till = organisation.terminal("till", "Haitang", sync=False)
    pull, asked = till.hub.pull, []

    def while_others_work(request: Any) -> Any:
        asked.append(request)
        if len(asked) == 3:
            for one in made:
                head.give(EditCustomer(customer_id=one["customer_id"], note="anders"))
            head.sync()
        elif request.after is None and len(asked) > 3 and cut:
            raise HubError(Say.UNREACHABLE)
        return pull(request)

    till.link._client._hub = SimpleNamespace(pull=while_others_work, push=till.hub.push)
    cut = True
    with pytest.raises(HubError):
        till.sync()
    assert till.rows(customer) == till.rows(contact_point) == []
    cut = False
    till.sync()
    assert till.everything() == organisation.everything()


def test_of_two_who_change_one_field_the_second_overwrites_nothing_unseen(organisation: Any) -> None:
    one, two = (organisation.terminal(name, log_in="6001") for name in ("one", "two"))
    made = one.give(CreateCustomer(name="原名", note="旧"))["customer_id"]
    organisation.quiet()
    one.give(EditCustomer(customer_id=made, name="甲改", expected={"name": "原名"}))
    two.give(EditCustomer(customer_id=made, name="乙改", expected={"name": "原名"}))
    two.give(EditCustomer(customer_id=made, note="新", expected={"note": "旧"}))
    organisation.quiet()
    refused, merged = two.outbox()
    assert (refused.state, refused.code, refused.details["now"]) == ("rejected", "field_changed", "甲改")
    assert merged.state == "applied"
    (row,) = two.rows(customer, customer.c.id == made)
    assert (row["name"], row["note"]) == ("甲改", "新")
    assert (
        two.verdict(EditCustomer(customer_id=made, name="丙", expected={"name": "原名"})).code
        == "field_changed"
    )
    assert two.verdict(EditCustomer(customer_id=made, name="丙", expected={"name": "甲改"})).applied


def test_taking_back_an_edit_that_the_hub_refused_leaves_what_somebody_else_wrote(organisation: Any) -> None:
    one = organisation.terminal("one", log_in="6001")
    two = organisation.terminal("two", log_in="5001")
    made = one.give(CreateCustomer(name="客", note="旧"))["customer_id"]
    organisation.quiet()
    one.give(EditCustomer(customer_id=made, note="我", expected={"note": "旧"}))
    two.give(EditCustomer(customer_id=made, note="他", expected={"note": "旧"}))
    two.sync()
    one.sync()
    assert [row.code for row in one.outbox()][-1] == "field_changed"
    (no,) = one.desk.undo()
    assert no.code == "field_changed"
    organisation.quiet()
    assert [row["note"] for row in two.rows(customer)] == ["他"]
