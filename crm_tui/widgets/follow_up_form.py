"""The fields of a follow-up: what they offer, how an answer is read, and how one is put back into them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from crm_tui.domain.errors import Refused
from crm_tui.domain.follow_up import CHANNELS, NO_CHANGE, OBJECTIONS, RESULTS
from crm_tui.domain.moment import parse_moment
from crm_tui.i18n import t
from crm_tui.widgets import figures
from crm_tui.widgets.field_row import FieldSpec, Value
from crm_tui.widgets.fields import Choice
from crm_tui.widgets.form import Form
from crm_tui.widgets.refusal import refused

if TYPE_CHECKING:
    from crm_tui.queries.follow_ups import Said

DEFAULTS: Mapping[str, Value] = {
    "channel": CHANNELS[0],
    "result": RESULTS[0],
    "objections": ("none",),
    "next_at": "3",
}
"""What a counter clerk answers most often; Enter accepts it."""


_PROSE: Final = ("need_change", "next_step", "objection_note")


class FollowUpForm(Form):
    """The answers of a follow-up; days are those of ``zone``, which is known when the customer is."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(_specs(self._when_hint, self._when_check), DEFAULTS, id="form")
        self._now = now
        self._zone = ""

    def keep_days_of(self, zone: str) -> None:
        """Read and show days in a time zone (an IANA name) from now on."""
        self._zone = zone
        self.row("next_at").show_hint()

    def fill(self, values: Mapping[str, Value]) -> None:
        """Let the fields hold these values; in sentences the cursor goes to the end: typing goes on there."""
        super().fill(values)
        for key in _PROSE:
            if values.get(key, "0") not in ("", "0"):
                self.row(key).go_on()

    def take_over(self, said: Said, *, with_day: bool = True) -> None:
        """Put the answers of another follow-up into the fields, its next day too or not."""
        answers: dict[str, Value] = {
            "channel": said.channel,
            "result": said.result,
            "need_change": "0" if said.need_change == NO_CHANGE else said.need_change,
            "objections": said.objections,
            "objection_note": said.objection_note,
            "next_step": said.next_step,
        }
        if with_day:
            answers["next_at"] = figures.typed_moment(said.next_at, self._zone)
        self.fill(answers)

    def take_over_given(self, given: Mapping[str, Any]) -> None:
        """Put the fields of a follow-up that was not applied back, as they travelled."""
        answers: dict[str, Value] = {
            key: tuple(value) if isinstance(value, list) else str(value)
            for key, value in given.items()
            if value is not None and any(row.spec.key == key for row in self.rows)
        }
        if given.get("need_change") == NO_CHANGE:
            answers["need_change"] = "0"
        if given.get("next_at"):
            answers["next_at"] = figures.typed_moment(datetime.fromisoformat(given["next_at"]), self._zone)
        self.fill(answers)

    def answers(self) -> dict[str, Any]:
        """Return the fields as a command takes them.

        Raises:
            Refused: the next contact is not a day that can be read.
        """
        typed = self.values()
        return {
            **typed,
            "need_change": NO_CHANGE if typed["need_change"] == "0" else typed["need_change"],
            "next_at": parse_moment(str(typed["next_at"]), self._now(), self._zone),
        }

    def _when_hint(self, typed: str) -> str:
        if not self._zone or not typed:
            return ""
        try:
            at = parse_moment(typed, self._now(), self._zone)
        except Refused:
            return ""
        return f"-> {figures.moment(at, self._now(), self._zone)}"

    def _when_check(self, typed: str) -> str:
        if not self._zone:
            return ""
        try:
            parse_moment(typed, self._now(), self._zone)
        except Refused as no:
            return refused(no)
        return ""


def _specs(when_hint: Callable[[str], str], when_check: Callable[[str], str]) -> Sequence[FieldSpec]:
    def choices(field: str, values: tuple[str, ...]) -> list[Choice]:
        return [Choice(value, t(f"follow_up.{field}.{value}")) for value in values]

    objections = [
        Choice(value, t(f"follow_up.objection.{value}"), "0" if value == "none" else "", value == "none")
        for value in OBJECTIONS
    ]
    return [
        FieldSpec(
            "channel", "follow_up.channel", "choice", mandatory=True, choices=choices("channel", CHANNELS)
        ),
        FieldSpec("need_change", "follow_up.need", "text", mandatory=True, hint=_need_hint),
        FieldSpec("objections", "follow_up.objections", "choices", mandatory=True, choices=objections),
        FieldSpec("next_step", "follow_up.next_step", "text", mandatory=True),
        FieldSpec("next_at", "follow_up.next_at", "text", mandatory=True, hint=when_hint, check=when_check),
        FieldSpec("result", "follow_up.result", "choice", mandatory=True, choices=choices("result", RESULTS)),
        FieldSpec("objection_note", "follow_up.objection_note"),
    ]


def _need_hint(typed: str) -> str:
    return t("follow_up.no_change") if typed == "0" else t("follow_up.need_hint") if not typed else ""
