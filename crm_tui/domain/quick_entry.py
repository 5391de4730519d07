"""One line for a new customer or a follow-up, as a clerk types it at the counter.

``[phone] [name] [A-E] [#tag]* [¥amount] [!next] [@owner] [%stage]
[channel:need [~objection] [->next step]] [!next]``. The marked parts may stand in any order; after the
channel the line is a note. Nothing is refused here: what is wrong is listed, for a preview that
changes with every key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from crm_tui.domain.errors import Refused
from crm_tui.domain.moment import parse_moment
from crm_tui.domain.money import parse_money
from crm_tui.domain.overdue import LEVELS
from crm_tui.domain.text import clean_text, fold_width

LONGEST_LINE = 1_000
"""Characters read of a line; a paste may be a megabyte."""

CHANNEL_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("电话", "phone", "call"), "phone"),
    **dict.fromkeys(("微信", "wechat"), "wechat"),
    **dict.fromkeys(("企微", "wecom"), "wecom"),
    **dict.fromkeys(("到店", "visit"), "visit"),
    **dict.fromkeys(("上门", "onsite"), "onsite"),
    **dict.fromkeys(("邮件", "email"), "email"),
    **dict.fromkeys(("短信", "sms"), "sms"),
}
"""What may stand before the colon, in lower case, and the channel of a follow-up it means."""

_SHORTEST_NUMBER = 5
_SHOWN = 40
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ARROW = r"->|=>|-》|》》|→"
_CLOCK = r"(?:凌晨|早上|上午|中午|下午|晚上)?[0-9]{1,2}(?::[0-9]{2}|点(?:半|[0-9]{1,2}分?)?)(?!\S)"
_NEXT = re.compile(rf"(?<!\S)!(?P<day>(?:(?!{_ARROW})\S)+)(?:\s+(?P<clock>{_CLOCK}))?")
_CHANNEL = re.compile(r"(?P<word>[^\s:#@%!¥~0-9]+)\s*:")
_NOTE = re.compile(rf"(?P<arrow>{_ARROW})|(?<!\S)(?:~|{_CHANNEL.pattern})")
# A tilde between two numbers is a range: 1~2万 is a need and no objection.
_OBJECTION = re.compile(r"(?<![0-9万千亿元kw])~|~(?![0-9])", re.IGNORECASE)
_STEP = re.compile(_ARROW)
_MOBILE = r"(?:(?:\+|00)?86[ -]?)?1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}"
_LANDLINE = r"0[0-9]{2,3}[ -]?[0-9]{3,4}[ -]?[0-9]{4}"
_PHONE = re.compile(rf"(?:{_MOBILE}|{_LANDLINE})(?!\S)")
_DIGITS = re.compile(r"\+?[0-9](?:[0-9 -]*[0-9])?(?!\S)")
_AMOUNT = re.compile(r"¥.*|[-+]?[0-9][0-9,.]*(?:[万千亿]元|[万千亿元wk])", re.IGNORECASE)
_UNCLEAR = re.compile(r"[-+]?[0-9]+[.,][0-9.,]*|.*[0-9]{5}.*")
_TOKEN = re.compile(r"\S+")
_CUSTOMER_PARTS = ("phone", "name")
_FOLLOW_UP_PARTS = ("channel", "need", "objection", "next_step", "next_at")


@dataclass(frozen=True)
class Problem:
    """A part of the line that cannot be taken: ``refused.<code>`` with ``details`` says why."""

    code: str
    token: str
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, order=True)
class Span:
    """Characters ``start`` up to ``end`` of the line and their ``kind``: a field of QuickEntry or error."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class QuickEntry:
    """What a line says; ``phone`` is E.164, ``amount_fen`` fen, ``next_at`` UTC, ``channel`` a code.

    ``missing`` names, in the order of the form, what a customer and, where the line speaks of one, a
    follow-up still need; whether a known phone makes the name needless is for the caller.
    """

    phone: str | None = None
    name: str | None = None
    level: str | None = None
    tags: tuple[str, ...] = ()
    amount_fen: int | None = None
    next_at: datetime | None = None
    owner: str | None = None
    stage: str | None = None
    channel: str | None = None
    need: str | None = None
    objection: str | None = None
    next_step: str | None = None
    problems: tuple[Problem, ...] = ()
    missing: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()


def parse_quick_entry(line: str, now: datetime, zone: str) -> QuickEntry:
    """Return what a line says, at ``now`` (aware) in the branch's ``zone``, bad parts in ``problems``."""
    return _Reading(line, now, zone).entry()


class _Reading:
    """One pass over a line; every step works on text whose characters stand where the person typed them."""

    def __init__(self, line: str, now: datetime, zone: str) -> None:
        self.text = _CONTROL.sub(" ", fold_width(line[:LONGEST_LINE]))
        self.now = now
        self.zone = zone
        self.found: dict[str, str | int | datetime] = {}
        self.tags: dict[str, None] = {}
        self.problems: list[Problem] = []
        self.spans: list[Span] = []
        self.gaps: list[Span] = []
        if len(line) > LONGEST_LINE:
            self.problem("quick_too_long", "", most=LONGEST_LINE)

    def entry(self) -> QuickEntry:
        """Read the line: first the next contact, then the note, then what stands before it."""
        rest = _NEXT.sub(self.next_contact, self.text)
        note = _NOTE.search(rest)
        head = rest[: note.start()] if note else rest
        self.head(head)
        if note:
            self.note(rest, note.start())
        needed = (*_CUSTOMER_PARTS, *_FOLLOW_UP_PARTS) if note else _CUSTOMER_PARTS
        return QuickEntry(
            **self.found,  # type: ignore[arg-type]  # every kind is set with the type of its field
            tags=tuple(self.tags),
            problems=tuple(self.problems),
            missing=tuple(part for part in needed if part not in self.found),
            spans=tuple(sorted(self.spans)),
        )

    def next_contact(self, found: re.Match[str]) -> str:
        """Take one ``!next`` and leave blanks in its place."""
        words = " ".join(part for part in (found["day"], found["clock"]) if part)
        try:
            value = parse_moment(words, self.now, self.zone)
        except Refused as refused:
            self.problem(refused.code, found[0], found.start(), **refused.details)
        else:
            self.take("next_at", value, found.start(), found.end())
        self.gaps.append(Span(*found.span(), "next_at"))
        return " " * len(found[0])

    def head(self, head: str) -> None:
        """Read phone, name and the marked parts, which may stand in any order."""
        at, name_end = 0, -1
        while token := _TOKEN.search(head, at):
            start = token.start()
            number = _PHONE.match(head, start) or _DIGITS.match(head, start)
            if number and sum(sign.isdigit() for sign in number[0]) >= _SHORTEST_NUMBER:
                at = number.end()
                self.phone(number[0], start)
                continue
            at = token.end()
            if self.marked(token[0], start):
                continue
            if name_end > 0 and self.text[name_end:start].isspace():
                self.extend_name(head, start, at)
                name_end = at
            elif self.take("name", clean_text(token[0]), start, at):
                name_end = at

    def extend_name(self, head: str, start: int, end: int) -> None:
        """Add a word to the name that stands right before it."""
        index = next(number for number, span in enumerate(self.spans) if span.kind == "name")
        first = self.spans[index].start
        self.spans[index] = Span(first, end, "name")
        self.found["name"] = clean_text(head[first:end])

    def phone(self, digits: str, start: int) -> None:
        """Take a number that is a phone; digits of another length are told apart from a name."""
        if not digits.startswith("+") and not _PHONE.fullmatch(digits):
            self.problem(
                "quick_phone_length",
                digits,
                start,
                text=digits,
                digits=sum(sign.isdigit() for sign in digits),
            )
            return
        from crm_tui.domain.identity.phone import normalize_phone

        try:
            value = normalize_phone(digits).e164
        except Refused as refused:
            self.problem(refused.code, digits, start, **refused.details)
        else:
            self.take("phone", value, start, start + len(digits))

    def marked(self, token: str, start: int) -> bool:
        """Take a part that shows by its first character or its form what it is; False: it is a name."""
        mark, end = token[0], start + len(token)
        if mark == "#":
            self.tag(token, start)
        elif mark in "@%!":
            self.sign(token, start)
        elif _AMOUNT.fullmatch(token):
            self.amount(token, start)
        elif token.upper() in LEVELS:
            self.take("level", token.upper(), start, end)
        elif _UNCLEAR.fullmatch(token):
            self.problem("quick_number_unclear", token, start, text=token[:_SHOWN])
        else:
            return False
        return True

    def tag(self, token: str, start: int) -> None:
        """Take the tags of ``#one`` or ``#one#two``; the same one twice counts once."""
        names = [clean_text(part) for part in token.split("#") if clean_text(part)]
        if not names:
            self.problem("quick_empty", token, start, text=token)
            return
        self.tags.update(dict.fromkeys(names))
        self.spans.append(Span(start, start + len(token), "tags"))

    def sign(self, token: str, start: int) -> None:
        """Take ``@owner`` or ``%stage``; a mark alone says nothing."""
        value = clean_text(token[1:])
        kind = {"@": "owner", "%": "stage"}.get(token[0], "")
        if value and kind:
            self.take(kind, value, start, start + len(token))
        else:
            self.problem("quick_empty", token, start, text=token)

    def amount(self, token: str, start: int) -> None:
        """Take an amount with ¥ or a unit."""
        try:
            value = parse_money(token)
        except Refused as refused:
            self.problem(refused.code, token, start, **refused.details)
        else:
            self.take("amount_fen", value, start, start + len(token))

    def note(self, rest: str, start: int) -> None:
        """Read the channel, the need, the objection and the next step."""
        word = _CHANNEL.match(rest, start)
        if word:
            code = CHANNEL_WORDS.get(word["word"].lower())
            if code:
                self.take("channel", code, *word.span())
            else:
                shown = word["word"][:_SHOWN]
                self.problem("quick_channel_unknown", word[0], start, text=shown)
            start = word.end()
        step = _STEP.search(rest, start)
        end = step.start() if step else len(rest)
        objection = _OBJECTION.search(rest, start, end)
        self.words("need", rest, start, objection.start() if objection else end)
        if objection:
            self.words("objection", rest, objection.end(), end)
        if step:
            self.words("next_step", rest, step.end(), len(rest))

    def words(self, kind: str, rest: str, start: int, end: int) -> None:
        """Take free text; blanks that a next contact left behind become one."""
        value = " ".join(clean_text(rest[start:end]).split())
        if not value:
            return
        self.found[kind] = value
        for first, last in [
            *((gap.start, gap.end) for gap in self.gaps if start <= gap.start < end),
            (end, end),
        ]:
            piece = rest[start:first]
            if piece.strip():
                self.spans.append(
                    Span(start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip()), kind)
                )
            start = last

    def take(self, kind: str, value: str | int | datetime, start: int, end: int) -> bool:
        """Keep a part and tell so; a second one of its kind is a problem and the first one stays."""
        token = self.text[start:end]
        if kind in self.found:
            self.problem("quick_twice", token, start, text=token[:_SHOWN])
        elif value == "":
            self.problem("quick_empty", token, start, text=token[:_SHOWN])
        else:
            self.found[kind] = value
            self.spans.append(Span(start, end, kind))
            return True
        return False

    def problem(self, code: str, token: str, start: int = 0, /, **details: object) -> None:
        """List a part that cannot be taken."""
        self.problems.append(Problem(code, token, details))
        if token:
            self.spans.append(Span(start, start + len(token), "error"))
