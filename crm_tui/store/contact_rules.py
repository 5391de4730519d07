"""Reading what the organisation decided about overdue customers."""

from __future__ import annotations

from sqlalchemy import select

from crm_tui.domain.overdue import OverdueRules
from crm_tui.store.prepared import Ready
from crm_tui.store.tables import setting
from crm_tui.store.transaction import Transaction

RULES = "overdue_rules"
_RULES = Ready(select(setting.c.value).where(setting.c.name == RULES))


def overdue_rules(tx: Transaction) -> OverdueRules:
    """Return the organisation's overdue rules, the default ones where it has decided nothing."""
    return tx.keep(RULES, lambda: _decided(tx), setting)


def _decided(tx: Transaction) -> OverdueRules:
    value = tx.scalar(_RULES)
    if value is None:
        return OverdueRules()
    return OverdueRules(
        days={level: int(days) for level, days in value["days"].items()},
        first_contact_hours=int(value["first_contact_hours"]),
        escalate_days=tuple(value["escalate_days"]),
    )
