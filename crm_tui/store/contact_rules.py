"""Reading what the organisation decided about overdue customers."""

from __future__ import annotations

from sqlalchemy import select

from crm_tui.domain.overdue import OverdueRules
from crm_tui.store.tables import setting
from crm_tui.store.transaction import Transaction

RULES = "overdue_rules"
_RULES = select(setting.c.value).where(setting.c.name == RULES)


def overdue_rules(tx: Transaction) -> OverdueRules:
    """Return the organisation's overdue rules, the default ones where it has decided nothing."""
    value = tx.scalar(_RULES)
    if value is None:
        return OverdueRules()
    return OverdueRules(
        days={level: int(days) for level, days in value["days"].items()},
        first_contact_hours=int(value["first_contact_hours"]),
        escalate_days=tuple(value["escalate_days"]),
    )
