"""One customer on the command line: in words for people, as lines for pipes, as fields for machines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from crm_tui.cli.whom import local, yuan
from crm_tui.domain.identity import mask_phone, mask_resident_id
from crm_tui.i18n import knows, t
from crm_tui.widgets import figures
from crm_tui.widgets.portrait import deal_state, gate_lines
from crm_tui.widgets.text import clean

if TYPE_CHECKING:
    from crm_tui.queries.profile import DealLine, Profile

_HIDDEN = ("points", "gate", "branch_id", "owner_id")


@dataclass(frozen=True)
class Card:
    """A customer as the viewer may see it at ``now`` in ``zone``; numbers are masked unless ``clear``."""

    profile: Profile
    now: datetime
    zone: str
    clear: bool = False

    def fields(self) -> dict[str, Any]:
        """Return the customer as plain fields: amounts in yuan, instants by the branch's clock."""
        found, zone = self.profile, ZoneInfo(self.zone)
        fields = local(asdict(found), zone)
        for hidden in _HIDDEN:
            fields.pop(hidden)
        fields["phones"] = [one if self.clear else mask_phone(one) for one in found.phones]
        fields["resident_id"] = self._resident_id()
        for person in fields["contacts"]:
            if person["phone"] and not self.clear:
                person["phone"] = mask_phone(person["phone"])
        for deal in fields["deals"]:
            dwell = deal.pop("dwell")
            deal.update(local(deal, zone), amount=yuan(deal["amount"]), dwell_days=dwell.days)
        fields["gate"] = [
            {"item": item.name or _field(item.code), "done": item.done}
            for item in (found.gate.items if found.gate else ())
        ]
        return fields

    def plain(self) -> Iterator[str]:
        """Yield a line for each field that is filled: its name, a tab, its value."""
        for name, value in self.fields().items():
            for words in _values(value):
                yield f"{name}\t{clean(words)}"

    def words(self) -> Iterator[str]:
        """Yield the customer in the person's language, for reading."""
        one = self.profile
        yield clean(one.name) + (f" [{t('profile.archived')}]" if one.archived else "")
        yield from (f"  {title}: {clean(value)}" for title, value in self._known() if value)
        yield from _part(t("profile.deals", count=len(one.deals)), [_deal(deal) for deal in one.deals])
        yield from _part(t("profile.gate"), [line[1:] for line in (gate_lines(one.gate) if one.gate else ())])
        people = [
            _joined(person.name, person.title, self._phone(person.phone), person.note)
            for person in one.contacts
        ]
        yield from _part(t("profile.contacts", count=len(people)), people)
        if one.similar:
            yield t("profile.similar", count=one.similar)

    def _known(self) -> Iterator[tuple[str, str]]:
        """Yield what is known of the customer, each with its title."""
        one = self.profile
        kind = f"customer_form.kind.{one.kind}"
        for number in one.phones:
            yield t("profile.phone"), self._phone(number)
        for point in one.points:
            if point.kind != "phone":
                yield t(f"profile.{point.kind}"), point.value
        yield t("profile.kind"), t(kind) if knows(kind) else one.kind
        yield t("cli.column.level"), one.level
        yield t("cli.column.tags"), " ".join(f"#{tag}" for tag in one.tags)
        yield t("profile.source"), one.source
        yield t("profile.address"), one.address
        yield t("profile.birthday"), one.birthday.isoformat() if one.birthday else ""
        yield t("profile.resident_id"), self._resident_id()
        yield t("profile.uscc"), one.uscc
        yield t("profile.note"), one.note
        yield from ((name, str(value)) for name, value in one.extra.items())
        yield t("cli.column.owner"), one.owner_name
        yield t("profile.created"), one.created_on.isoformat()
        yield t("cli.column.last_follow_up_at"), self._moment(one.last_follow_up_at)
        yield t("cli.column.next_contact_at"), _joined(self._moment(one.next_contact_at), one.next_step)
        yield t("cli.column.due_at"), self._due()

    def _due(self) -> str:
        one = self.profile
        if one.due_at is None:
            return ""
        reason = t(f"todo.reason.{one.due_reason}") if one.due_reason else ""
        late = figures.day(one.due_at, self.now, self.zone, due=True) if one.due_at <= self.now else ""
        return _joined(self._moment(one.due_at), reason, late)

    def _phone(self, e164: str) -> str:
        return figures.phone(e164, clear=self.clear) if e164 else ""

    def _moment(self, instant: datetime | None) -> str:
        return figures.moment(instant, self.now, self.zone) if instant else ""

    def _resident_id(self) -> str:
        known = self.profile.resident_id
        return known if self.clear else mask_resident_id(known) if known else ""


def _part(title: str, lines: list[str]) -> Iterator[str]:
    """Yield lines under their title; nothing where there are none."""
    if lines:
        yield title
        yield from (f"  {clean(line)}" for line in lines)


def _deal(deal: DealLine) -> str:
    """Return a deal in one line: what, where it stands, how much, of what, until when."""
    expected = deal.expected_close_on if deal.state == "open" else None
    closing = f"{t('profile.column.close')} {expected.isoformat()}" if expected else ""
    product = deal.product_name or deal.line_name
    return _joined(deal.title, deal_state(deal), figures.amount(deal.amount), product, closing)


def _joined(*words: str) -> str:
    return "  ".join(one for one in words if one)


def _field(code: str) -> str:
    return t(f"work.field.{code}") if knows(f"work.field.{code}") else code


def _values(value: Any) -> list[str]:
    """Return a field as texts: one for each map in a list, none for what is empty."""
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], dict):
        return [", ".join(f"{key}={_text(one)}" for key, one in each.items() if _text(one)) for each in value]
    if isinstance(value, (list, tuple)):
        return [", ".join(map(str, value))] if value else []
    if isinstance(value, dict):
        return [f"{key}={_text(one)}" for key, one in value.items()]
    return [_text(value)] if _text(value) else []


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
