"""The outbox of a terminal, carried out again on an empty database, arrives at the same rows."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import Engine, select

from crm_tui.commands import Envelope, execute
from crm_tui.commands.customers import AddContact, ArchiveCustomer, EditCustomer
from crm_tui.commands.deals import EditDeal, MoveDeal, TickAction
from crm_tui.commands.follow_ups import AmendFollowUp, PostponeContact
from crm_tui.commands.ownership import ReassignCustomer
from crm_tui.commands.people import CreatePerson, SetPersonStatus
from crm_tui.commands.pipelines import as_plan
from crm_tui.commands.rules import CreateProduct, CreateProductLine, SetOverdueRules
from crm_tui.store.engine import for_writing, open_engine
from crm_tui.store.pipelines import first_pipeline
from crm_tui.store.tables import outbox
from crm_tui.store.transaction import Transaction


def _morning(office: Any) -> list[str]:
    """The administrator sets things up; a clerk takes customers in and speaks with them."""
    give, clock = office.give, office.clock
    office.as_person("1001")
    line = give(CreateProductLine(name="Tables"))["line_id"]
    product = give(CreateProduct(name="Table", line_id=line, unit_price=99))["product_id"]
    give(SetOverdueRules(days=dict.fromkeys("ABCDE", 5), first_contact_hours=4, escalate_days=(1, 2, 3)))
    give(CreatePerson(number="6020", name="周末", role="clerk", unit_id=office.units["Team one"]))
    office.as_person("6001")
    deals = []
    for n in range(4):
        clock.move(minutes=7)
        customer_id = office.customer(f"客户{n}", phones=(f"1380013800{n}",), level="ABCD"[n])
        deals.append(office.deal(customer_id, amount=100 * n, product_id=product))
        root = give(office.spoken(customer_id, deal_id=deals[-1]))["follow_up_id"]
        give(MoveDeal(deal_id=deals[-1], to_stage="contact", expected_stage="lead"))
        if n % 2:
            answers = office.spoken("").model_dump(exclude={"customer_id", "deal_id", "occurred_at"})
            give(AmendFollowUp(follow_up_id=root, **(answers | {"result": "missed"})))
            give(PostponeContact(customer_id=customer_id, next_at=clock.now + timedelta(days=9)))
        give(EditCustomer(customer_id=customer_id, address="Nanjing Road 1", tags=("oak",)))
        give(AddContact(customer_id=customer_id, name="会计"))
    return deals


def _afternoon(office: Any, deals: list[str]) -> None:
    """Deals move, are lost, come back and are taken back; a manager reassigns; people go."""
    give, clock, desk = office.give, office.clock, office.desk
    clock.move(hours=3)
    first, second, third, fourth = deals
    give(TickAction(deal_id=first, action="reception"))
    give(EditDeal(deal_id=first, expected_close_on=date(2026, 2, 1)))
    give(MoveDeal(deal_id=second, to_stage="lost", expected_stage="contact", lost_reason="price"))
    give(MoveDeal(deal_id=second, to_stage="contact", expected_stage="lost", reason="came back"))
    desk.undo()
    desk.redo()
    desk.undo()
    office.as_person("5001")
    give(MoveDeal(deal_id=third, to_stage="won", expected_stage="contact", reason="paid at the fair"))
    give(MoveDeal(deal_id=fourth, to_stage="lead", expected_stage="contact"))
    customer_id = office.customer("Late", phones=("021-64170000",))
    give(
        ReassignCustomer(
            customer_id=customer_id,
            to_owner_id=office.people["6002"],
            expected_owner_id=office.people["5001"],
            reason="capacity",
        )
    )
    give(ArchiveCustomer(customer_id=customer_id))
    desk.undo()
    office.as_person("1001")
    give(SetPersonStatus(person_id=office.people["6003"], status="left", expected="active"))
    plan = as_plan(desk.answer_anyone(first_pipeline))
    give(plan.model_copy(update={"name": "Sales, second edition"}))


def _replay(rows: list[dict[str, Any]], engine: Engine) -> None:
    with for_writing(engine).begin() as connection:
        for row in rows:
            envelope = Envelope(**{name: row[name] for name in Envelope.__dataclass_fields__})
            assert execute(envelope, Transaction(connection)).applied, envelope


def test_the_outbox_of_a_day_replayed_elsewhere_gives_the_same_rows(  # noqa: PLR0917 - fixtures
    office, database, books, open_books, tmp_path, wiped
):
    _afternoon(office, _morning(office))
    rows, there = books.rows(select(outbox).order_by(outbox.c.seq)), books.everything()
    assert len(rows) > 60
    terminal = open_engine(tmp_path / "second" / "crm.db")
    _replay(rows, terminal)
    here = open_books(terminal).everything()
    terminal.dispose()
    assert {name for name in here if here[name] != there[name]} == set()
    if database.dialect.name == "postgresql":
        wiped(database)
        _replay(rows, database)
        assert books.everything() == there
