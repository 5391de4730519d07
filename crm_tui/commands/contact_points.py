"""The ways to reach a customer: normalised, kept in their order, and nobody else's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, select

from crm_tui.commands.base import Context
from crm_tui.domain.errors import Refused
from crm_tui.domain.identity import mask_phone, normalize_phone
from crm_tui.domain.identity.mobile import mobile_e164
from crm_tui.store.prepared import Ready
from crm_tui.store.tables import contact_point, customer, person
from crm_tui.store.transaction import Transaction

PHONE = "phone"


def contact_points(phones: Sequence[str], wechat: str, email: str) -> list[dict[str, Any]]:
    """Return the contact_point rows (without ids) of the given numbers and addresses, each once."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for raw in phones:
        e164, note = mobile_e164(raw), ""
        if not e164:
            number = normalize_phone(raw)
            e164, note = number.e164, number.note
        found.setdefault((PHONE, e164), {"kind": PHONE, "value": raw, "normal": e164, "note": note})
    for kind, value in (("wechat", wechat), ("email", email)):
        if value:
            found.setdefault(
                (kind, value.casefold()),
                {"kind": kind, "value": value, "normal": value.casefold(), "note": ""},
            )
    return [{**point, "position": position} for position, point in enumerate(found.values())]


def first_phone(points: Sequence[Mapping[str, Any]]) -> str:
    """Return the number that lists show: the first phone, in E.164, or nothing."""
    return next((str(point["normal"]) for point in points if point["kind"] == PHONE), "")


def insert_points(
    tx: Transaction, context: Context, customer_id: str, points: Sequence[Mapping[str, Any]]
) -> None:
    """Write the points of a customer who has none."""
    tx.insert_all(
        contact_point, [{"id": context.new_id(), "customer_id": customer_id, **one} for one in points]
    )


def points_of(tx: Transaction, customer_id: str) -> Sequence[Row[Any]]:
    """Return the contact points of a customer in their order."""
    return tx.rows(
        select(contact_point)
        .where(contact_point.c.customer_id == customer_id)
        .order_by(contact_point.c.position)
    )


_TAKEN = Ready(
    select(customer, person.c.name.label("owner_name"))
    .join(contact_point, contact_point.c.customer_id == customer.c.id)
    .outerjoin(person, person.c.id == customer.c.owner_id)
    .where(
        contact_point.c.kind == bindparam("the_kind"),
        contact_point.c.normal == bindparam("the_normal"),
        customer.c.archived_at.is_(None),
        customer.c.id != bindparam("but"),
    )
)


def refuse_taken(
    tx: Transaction, context: Context, points: Sequence[Mapping[str, Any]], *, but: str | None = None
) -> None:
    """Refuse a number that another living customer has, whoever may see that one.

    Raises:
        Refused: phone_taken (customer, owner, customer_id empty where the actor may not see it).
    """
    for point in points:
        wanted = {"the_kind": point["kind"], "the_normal": point["normal"], "but": but or ""}
        taken = tx.first(_TAKEN, wanted)
        if taken is None:
            continue
        seen = context.actor.scope.covers(owner_id=taken.owner_id, branch_id=taken.branch_id)
        context.object_to(
            Refused(
                "phone_taken",
                phone=mask_phone(str(point["normal"])),
                customer=taken.name if seen else "***",
                owner=taken.owner_name or "-",
                customer_id=taken.id if seen else "",
            )
        )
