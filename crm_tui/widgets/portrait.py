"""A customer in words: the head of the profile and its right pane; numbers masked unless revealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from crm_tui.domain.identity import mask_resident_id
from crm_tui.i18n import knows, t
from crm_tui.widgets import figures

if TYPE_CHECKING:
    from crm_tui.queries.profile import DealLine, GateAnswer, Profile


@dataclass(frozen=True)
class Revealed:
    """Numbers that may be shown in clear for a moment: telephone numbers in E.164, the resident id."""

    phones: tuple[str, ...] = ()
    resident_id: str = ""


@dataclass(frozen=True)
class Portrait:
    """One customer as the viewer may see it at ``now`` in ``zone``."""

    profile: Profile
    now: datetime
    zone: str
    clear: Revealed | None = None

    def head(self) -> list[str]:
        """Return three lines: who it is, how to reach them, how it stands."""
        one = self.profile
        who = (
            one.name,
            t("profile.level", level=one.level) if one.level else "",
            " ".join(f"#{tag}" for tag in one.tags),
            t("board.owner", name=one.owner_name or figures.NONE),
            f"[{t('profile.archived')}]" if one.archived else "",
        )
        reach = (
            *(self._phone(number) for number in one.phones),
            *(f"{t(f'profile.{p.kind}')} {p.value}" for p in one.points if p.kind != "phone"),
            f"{t('profile.resident_id')} {self._resident_id()}" if one.resident_id else "",
        )
        return [_joined(who), f" {_joined(reach) or t('profile.no_number')}", f" {_joined(self._standing())}"]

    def pane(self) -> list[str]:
        """Return the right pane: identity, deals, the checklist, contacts, who looks the same."""
        one = self.profile
        lines = [t("profile.identity"), *(f" {words}" for words in self._identity())]
        lines += ["", t("profile.deals", count=len(one.deals))]
        for deal in one.deals:
            lines += [f" {deal.title} {figures.amount(deal.amount)}", f"   {deal_state(deal)}"]
        if one.gate is not None and one.gate.items:
            lines += ["", t("profile.gate"), *gate_lines(one.gate)]
        if one.contacts:
            lines += ["", t("profile.contacts", count=len(one.contacts))]
            lines += [
                f" {person.name} {person.title} {figures.phone(person.phone)}" for person in one.contacts
            ]
        lines += ["", t("profile.similar", count=one.similar)]
        return lines

    def _identity(self) -> Sequence[str]:
        one = self.profile
        shown = {
            "kind": t(f"customer_form.kind.{one.kind}")
            if knows(f"customer_form.kind.{one.kind}")
            else one.kind,
            "phone": " ".join(self._phone(number) for number in one.phones),
            "resident_id": self._resident_id(),
            "uscc": one.uscc,
            "source": one.source,
            "address": one.address,
            "birthday": one.birthday.isoformat() if one.birthday else "",
            "created": one.created_on.isoformat(),
            "note": one.note,
        }
        words = [f"{t(f'profile.{key}')} {value}" for key, value in shown.items() if value]
        return [*words, t("profile.clear_now" if self.clear else "profile.clear_hint")]

    def _standing(self) -> Sequence[str]:
        one = self.profile
        deal = one.gate.deal if one.gate else None
        late = one.due_at is not None and one.due_at <= self.now
        planned = one.due_reason == "next_contact" and not late  # the next contact says it already
        due = t(f"todo.reason.{one.due_reason}") if one.due_reason and not planned else ""
        return (
            _stands(deal) if deal else t("profile.no_deal"),
            figures.amount_short(deal.amount) if deal else "",
            t("profile.next", day=figures.day(one.next_contact_at, self.now, self.zone), step=one.next_step),
            f"{figures.day(one.due_at, self.now, self.zone, due=True)} {due}" if late else due,
        )

    def _phone(self, e164: str) -> str:
        shown = self.clear is not None and e164 in self.clear.phones
        return figures.phone(e164, clear=shown)

    def _resident_id(self) -> str:
        if self.clear is not None and self.clear.resident_id:
            return self.clear.resident_id
        return mask_resident_id(self.profile.resident_id)


def deal_state(deal: DealLine) -> str:
    """Return where a deal stands: its stage and the days in it, why it was lost."""
    if deal.state == "open":
        return _stands(deal)
    key = f"lost.{deal.lost_reason}"
    reason = t(key) if deal.lost_reason and knows(key) else deal.lost_reason
    return _joined(
        (t(f"profile.state.{deal.state}"), reason, deal.closed_on.isoformat() if deal.closed_on else "")
    )


def gate_lines(gate: GateAnswer) -> list[str]:
    """Return the checklist of a stage with its marks."""
    return [
        f" [{'x' if item.done else ' '}] {item.name or t(f'work.field.{item.code}')}" for item in gate.items
    ]


def _stands(deal: DealLine) -> str:
    return t("board.stands", stage=deal.stage_name, days=max(deal.dwell.days, 0))


def _joined(words: Sequence[str]) -> str:
    return "  ".join(one for one in words if one)
