"""The story of one customer as the commands its clerk would have given, each with its instant."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from crm_tui.commands import Command
from crm_tui.commands.customers import AddContact, CreateCustomer
from crm_tui.commands.deals import CreateDeal, EditDeal, MoveDeal, TickAction
from crm_tui.commands.follow_ups import LogFollowUp
from crm_tui.commands.ownership import ReassignCustomer
from crm_tui.demo import words
from crm_tui.demo.beats import Beat, beats_of, places_of
from crm_tui.demo.days import Days
from crm_tui.demo.fate import Fate
from crm_tui.demo.people import address, customer_name, firm_name, misspelt, mistyped, person_name, phone
from crm_tui.demo.staff import Article, Scribe, Staff, first_id
from crm_tui.domain.follow_up import FARTHEST
from crm_tui.domain.lifecycle import LOST_REASONS

_DUPLICATE_EVERY = 37
_CHANNELS = ("phone", "wecom", "visit", "onsite", "wechat", "sms", "email")
_CHANNEL_SHARES = (44, 24, 16, 6, 6, 2, 2)
_OBJECTIONS = ("none", "price", "family", "style", "delivery", "competitor", "quality", "other")
_OBJECTION_SHARES = (42, 22, 10, 8, 7, 6, 3, 2)
_LEVELS = tuple(words.LEVEL_SHARES)


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a story: who gave it and when; ``cmd_id`` decides the ids it makes."""

    at: datetime
    actor_id: str
    cmd_id: str
    command: Command


@dataclass(slots=True)
class _Known:
    """An earlier customer, whom a duplicate repeats."""

    name: str
    phone: str
    address: str
    city: str


@dataclass(slots=True)
class _Deal:
    id: str
    article: Article
    stage: str
    created: datetime


class Teller:
    """Tells one story after the other; the same seed and the same fates give the same stories."""

    def __init__(self, rng: random.Random, scribe: Scribe, staff: Staff, days: Days) -> None:
        self.rng, self.scribe, self.staff, self.days = rng, scribe, staff, days
        self._told = 0
        self._repeated: _Known | None = None

    def tell(self, fate: Fate) -> list[Step]:
        """Return the commands of a customer's story in their order."""
        rng, days = self.rng, self.days
        beats = beats_of(rng, fate)
        if fate.due == "fresh":
            born = days.earlier_today(rng)
            instants = [born + (days.now - born) * (no + 1) / (len(beats) + 2) for no in range(len(beats))]
        else:
            start, places = places_of(rng, fate, beats, days)
            born, instants = days.at(start), [days.at(place) for place in places]
        self._told += 1
        return list(_Story(self, fate, born).steps(beats, instants))

    def customer(self, fate: Fate) -> CreateCustomer:
        """Return the command that takes the customer in; now and then somebody known already, misspelt."""
        rng, place, city = self.rng, self._told, fate.owner.branch.city
        firm = rng.random() < 0.1
        known = self._repeated if place % _DUPLICATE_EVERY == 0 else None
        if known is not None and known.city == city:
            name, number, where = misspelt(rng, known.name), mistyped(known.phone), known.address
            firm, self._repeated = False, None
        else:
            name = firm_name(rng, city) if firm else customer_name(rng, place)
            number, where = phone(rng, place), address(rng, city)
            if not firm and self._repeated is None:
                self._repeated = _Known(name, number, where, city)
        values: dict[str, Any] = {
            "name": name,
            "customer_kind": "firm" if firm else "person",
            "phones": (number,),
            "level": rng.choices(_LEVELS, tuple(words.LEVEL_SHARES.values()))[0],
            "source": rng.choices(words.SOURCES, words.SOURCE_SHARES)[0],
            "tags": tuple(rng.sample(words.TAGS, rng.choice((0, 1, 1, 2)))),
            "address": where,
            "owner_id": fate.owner.id,
        }
        if rng.random() < 0.06:
            values["note"] = rng.choice(words.NOTES)
        command: CreateCustomer = _make(CreateCustomer, values)
        return command


class _Story:
    """One story while it is told."""

    def __init__(self, teller: Teller, fate: Fate, born: datetime) -> None:
        self._teller, self._fate, self._rng, self._days = teller, fate, teller.rng, teller.days
        self._born = born
        self._actor = fate.owner.id
        self._customer_id = ""
        self._deals: list[_Deal] = []

    def steps(self, beats: list[Beat], instants: list[datetime]) -> Iterator[Step]:
        """Return the steps: the customer comes in, then beat after beat."""
        create = self._teller.customer(self._fate)
        first = self._step(self._born, create)
        self._customer_id = first_id(first.cmd_id)
        yield first
        if create.customer_kind == "firm":
            contact = {"customer_id": self._customer_id, "name": person_name(self._rng)}
            title = self._rng.choice(words.FIRM_TITLES)
            yield self._step(self._born, _make(AddContact, {**contact, "title": title}))
        talks = [at for beat, at in zip(beats, instants, strict=True) if beat.kind == "talk"]
        for beat, at in zip(beats, instants, strict=True):
            if beat.kind == "talk":
                talks.pop(0)
                yield self._talk(beat, at, talks[0] if talks else None)
            else:
                yield getattr(self, f"_{beat.kind}")(beat, at)

    def _step(self, at: datetime, command: Command, actor_id: str = "") -> Step:
        return Step(at, actor_id or self._actor, self._teller.scribe.cmd_id(at), command)

    def _deal(self, beat: Beat, at: datetime) -> Step:
        article = self._rng.choice(self._teller.staff.articles)
        values: dict[str, Any] = {
            "customer_id": self._customer_id,
            "title": self._rng.choice(words.TITLES[article.line]),
            "product_id": article.id,
        }
        if self._rng.random() < 0.6:
            values["amount"] = self._amount(article)
        if self._rng.random() < 0.3:
            values["expected_close_on"] = self._closing(at)
        step = self._step(at, _make(CreateDeal, values))
        self._deals.append(_Deal(first_id(step.cmd_id), article, "lead", at))
        return step

    def _price(self, beat: Beat, at: datetime) -> Step:
        deal = self._deals[beat.deal]
        return self._step(at, _make(EditDeal, {"deal_id": deal.id, "amount": self._amount(deal.article)}))

    def _term(self, beat: Beat, at: datetime) -> Step:
        values = {"deal_id": self._deals[beat.deal].id, "expected_close_on": self._closing(at)}
        if self._rng.random() < 0.5:
            values["amount"] = self._amount(self._deals[beat.deal].article)
        return self._step(at, _make(EditDeal, values))

    def _tick(self, beat: Beat, at: datetime) -> Step:
        said = {"measure": words.MEASURES, "quote": words.QUOTES}.get(beat.to, ())
        values = {"deal_id": self._deals[beat.deal].id, "action": beat.to}
        if said:
            values["words"] = self._rng.choice(said)
        return self._step(at, _make(TickAction, values))

    def _move(self, beat: Beat, at: datetime) -> Step:
        deal = self._deals[beat.deal]
        values = {"deal_id": deal.id, "to_stage": beat.to, "expected_stage": deal.stage}
        if beat.to == "lost":
            values["lost_reason"] = self._lost_reason(deal.stage)
        elif deal.stage == "lost":
            values["reason"] = self._rng.choice(words.REOPENS)
        elif beat.skips:
            values["reason"] = self._rng.choice(words.SKIPS)
        deal.stage = beat.to
        return self._step(
            at, _make(MoveDeal, values), self._fate.owner.branch.manager_id if beat.skips else ""
        )

    def _hand(self, beat: Beat, at: datetime) -> Step:
        heir, owner = self._fate.heir, self._fate.owner
        assert heir is not None
        values = {
            "customer_id": self._customer_id,
            "to_owner_id": heir.id,
            "expected_owner_id": owner.id,
            "reason": "left" if owner.leaves else self._rng.choice(("overdue", "customer_wish", "capacity")),
        }
        step = self._step(at, _make(ReassignCustomer, values), owner.branch.manager_id)
        self._actor = heir.id
        return step

    def _talk(self, beat: Beat, at: datetime, following: datetime | None) -> Step:
        rng = self._rng
        deal = self._deals[0] if self._deals else None
        is_open = deal is not None and deal.stage not in {"won", "lost"}
        missed = not beat.must and rng.random() < 0.15
        values: dict[str, Any] = {
            "customer_id": self._customer_id,
            "channel": "phone" if missed else rng.choices(_CHANNELS, _CHANNEL_SHARES)[0],
            "result": rng.choice(("missed", "missed", "declined")) if missed else "reached",
            **self._said(deal, missed=missed),
            "next_at": self._between(at, following) if following else self._planned(at),
        }
        if deal is not None and is_open:
            values["deal_id"] = deal.id
        return self._step(at, _make(LogFollowUp, values))

    def _said(self, deal: _Deal | None, *, missed: bool) -> dict[str, Any]:
        """Return what a clerk writes down: need, objections, next step."""
        rng = self._rng
        if missed:
            step = rng.choice(words.MISSED_STEPS)
            return {"need_change": "none", "objections": ("none",), "next_step": step}
        pool = words.NEEDS[deal.article.line] if deal and rng.random() < 0.75 else words.ANY_NEEDS
        objection = rng.choices(_OBJECTIONS, _OBJECTION_SHARES)[0]
        said: dict[str, Any] = {
            "need_change": rng.choice(pool) if rng.random() < 0.6 else "none",
            "objections": (objection,),
            "next_step": rng.choice(words.NEXT_STEPS[deal.stage if deal else "lead"]),
        }
        if objection != "none" and rng.random() < 0.7:
            said["objection_note"] = rng.choice(words.OBJECTION_NOTES[objection])
        return said

    def _between(self, at: datetime, following: datetime) -> datetime:
        """Return the plan of a conversation that was followed by another one: about when that one was."""
        planned = following.replace(minute=0, second=0, microsecond=0) + timedelta(
            days=self._rng.choice((-1, 0, 0, 0, 1))
        )
        return min(max(planned, at + timedelta(hours=1)), at + FARTHEST)

    def _planned(self, at: datetime) -> datetime:
        """Return the plan of the last conversation: what the fate says about today."""
        rng, days, due = self._rng, self._days, self._fate.due
        if due == "today":
            return days.later_today(rng)
        if due == "overdue":
            late = (days.now - at) * (0.15 + 0.7 * rng.random())
            return (days.now - late).replace(second=0, microsecond=0)
        closed = self._fate.target in {"won", "lost"}
        planned = days.ahead(rng, rng.randint(5, 28) if closed else min(1 + int(rng.expovariate(0.2)), 28))
        return min(planned, at + FARTHEST)

    def _lost_reason(self, stage: str) -> str:
        if stage == "lead":
            return self._rng.choice(("unreachable", "not_suitable", "no_budget"))
        return self._rng.choice(LOST_REASONS)

    def _amount(self, article: Article) -> int:
        """Return an amount in fen, in whole hundreds of yuan."""
        return max(round(article.price * self._rng.uniform(0.6, 3.5) / 10_000), 1) * 10_000

    def _closing(self, at: datetime) -> Any:
        return self._days.day(at) + timedelta(days=self._rng.randint(10, 60))


def _make(kind: type[Command], values: dict[str, Any]) -> Any:
    """Build a command of values that are sound by their making; checking each costs most of the time."""
    return _blanks()[kind].model_copy(update=values)


@cache
def _blanks() -> dict[type[Command], Command]:
    """Return the commands of a story with nothing but their defaults."""
    kinds: tuple[type[Command], ...] = (
        *(AddContact, CreateCustomer, CreateDeal, EditDeal),
        *(LogFollowUp, MoveDeal, ReassignCustomer, TickAction),
    )
    return {kind: kind.model_construct() for kind in kinds}
