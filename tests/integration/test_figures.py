"""Figures counted right where others went wrong, and only from what the viewer may see."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from crm_tui.commands.deals import EditDeal, MoveDeal, SetDealArchived
from crm_tui.commands.people import EditPerson
from crm_tui.domain.calendar import Window
from crm_tui.domain.errors import Refused
from crm_tui.metrics.filters import Filters
from crm_tui.queries.behind import rows_behind
from crm_tui.queries.panel import PanelAnswer, panel
from crm_tui.queries.report import Report
from crm_tui.queries.reports import REPORTS, report
from crm_tui.store.tables import deal, lead, stage_visit
from crm_tui.store.view import View


class Counter:
    """A branch manager of Jingan who opens deals, moves them by skipping, and asks for figures."""

    def __init__(self, office: Any) -> None:
        self.office = office
        self.clock = office.clock
        self.desk = office.as_person("4001")

    def at(self, *moment: int) -> None:
        """Move the clock to a moment of the wall in Shanghai."""
        self.clock.now = datetime(*moment, tzinfo=UTC) - timedelta(hours=8)  # type: ignore[misc,arg-type]

    def opened(self, amount: int | None = 100_00, customer: str | None = None, **more: Any) -> str:
        customer = customer or self.office.customer()
        return str(self.office.deal(customer, amount=amount, **more))

    def moved(self, deal_id: str, *codes: str) -> str:
        for code in codes:
            with self.desk._books.write() as tx:
                here = tx.get(deal, deal_id)
            assert here is not None
            lost = "price" if code == "lost" else ""
            self.office.give(
                MoveDeal(
                    deal_id=deal_id, to_stage=code, expected_stage=here.stage, reason="why", lost_reason=lost
                )
            )
        return deal_id

    def ask(self, name: str, **given: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.answer(name, **given).to_json(lambda key: key)["rows"]
        return rows

    def one(self, name: str, **given: str) -> dict[str, Any]:
        (row,) = self.ask(name, **given)
        return row

    def answer(self, name: str, **given: str) -> Report:
        return self.desk.answer(lambda view: report(view, name, Filters.parse(view, given)))

    def panel(self, **given: str) -> PanelAnswer:
        return self.desk.answer(lambda view: panel(view, Filters.parse(view, given)))

    def behind(self, figure: str, **given: str) -> int:
        def total(view: View) -> int:
            found = rows_behind(view, figure, Filters.parse(view, given))
            assert len(found.rows) == found.total
            return found.total

        return self.desk.answer(total)


@pytest.fixture
def counter(office: Any) -> Counter:
    return Counter(office)


JANUARY = {"from": "2026-01-01", "to": "2026-01-31"}
FEBRUARY = {"from": "2026-02-01", "to": "2026-02-28"}


def test_a_win_half_an_hour_before_midnight_belongs_to_the_month_on_the_wall(counter: Counter) -> None:
    for moment in ((2026, 1, 31, 23, 30), (2026, 2, 1, 0, 30)):
        counter.at(*moment)
        counter.moved(counter.opened(), "won")
    assert counter.one("summary", **JANUARY)["won"] == 1
    assert counter.one("summary", **FEBRUARY)["won"] == 1
    assert [row["won"] for row in counter.ask("summary", by="month")] == [1, 1]
    assert counter.one("summary", **{"from": "2026-01-31", "to": "2026-01-31"})["won"] == 1


def test_a_win_keeps_its_day_whatever_is_saved_later(counter: Counter) -> None:
    counter.at(2026, 1, 20, 9)
    won = counter.moved(counter.opened(), "won")
    counter.at(2026, 2, 3, 9)
    counter.office.give(EditDeal(deal_id=won, amount=250_00))
    assert counter.one("summary", **JANUARY)["won_amount"] == 250
    assert counter.one("summary", **FEBRUARY)["won"] == 0


def test_going_back_and_forth_and_opening_again_count_a_deal_once(counter: Counter) -> None:
    deal_id = counter.opened(expected_close_on=date(2026, 2, 1))
    counter.moved(deal_id, "need", "lead", "need", "lead", "need", "lost", "need", "negotiation", "won")
    found = counter.one("funnel")
    assert (found["deals"], found["reached_need"], found["reached_won"], found["conversion"]) == (1, 1, 1, 1)
    row = counter.one("summary")
    assert (row["deals"], row["won"], row["lost"]) == (1, 1, 0)


def test_a_deal_that_fell_back_has_still_reached_what_it_reached(counter: Counter) -> None:
    counter.moved(counter.opened(), "proposal", "contact")
    found = counter.one("funnel")
    assert [found[f"reached_{code}"] for code in ("contact", "need", "proposal", "negotiation", "won")] == [
        *(1, 1, 1, 0, 0)
    ]


def test_a_won_deal_that_was_opened_again_has_reached_the_last_stage_and_is_not_won(counter: Counter) -> None:
    counter.moved(counter.opened(), "won", "contact")
    found = counter.one("funnel")
    assert (found["reached_negotiation"], found["reached_won"]) == (1, 0)
    assert (counter.behind("reached_negotiation"), counter.behind("reached_won")) == (1, 0)


def test_a_skipped_stage_is_reached(counter: Counter) -> None:
    counter.moved(counter.opened(), "won")
    counter.opened()
    found = counter.one("funnel")
    assert [found[f"reached_{code}"] for code in ("contact", "need", "proposal", "negotiation")] == [1] * 4
    assert (found["rate_contact"], found["rate_need"]) == (0.5, 1.0)


def test_a_move_that_was_taken_back_never_happened(counter: Counter) -> None:
    counter.moved(counter.opened(), "proposal")
    counter.desk.undo()
    assert counter.one("funnel")["reached_contact"] == 0


def test_nothing_decided_is_no_rate_and_never_zero(counter: Counter) -> None:
    counter.opened()
    row = counter.one("summary")
    names = ("win_rate", "avg_won_deal", "cycle_days_won_mean", "cycle_days_won_median")
    assert [row[name] for name in names] == [None] * 4
    assert row["won_amount"] == 0
    assert counter.one("funnel", **{"from": "2020-01-01", "to": "2020-01-31"})["conversion"] is None


def test_a_change_of_a_rate_is_in_points_and_of_a_count_in_percent(counter: Counter) -> None:
    for month, ends in ((1, ("won", "lost")), (2, ("won", "won", "won", "lost"))):
        for end in ends:
            counter.at(2026, month, 10, 9)
            counter.moved(counter.opened(), end)
    found = counter.panel(**FEBRUARY)
    assert found.previous == Window(date(2026, 1, 1), date(2026, 2, 1))
    rate, deals = found.tile("win_rate").comparison, found.tile("new_deals").comparison
    assert (rate.value, rate.change, rate.in_points) == (Decimal("0.75"), Decimal("25.0"), True)
    assert (deals.value, deals.change, deals.in_points) == (4, Decimal("100.0"), False)
    former = counter.panel(**JANUARY).tile("won_amount").comparison
    assert (former.previous, former.change) == (0, None)


def test_an_average_is_per_deal_and_not_per_customer(counter: Counter) -> None:
    customer = counter.office.customer()
    for amount in (100_00, 200_00, 601_00):
        counter.moved(counter.opened(amount, customer), "won")
    row = counter.one("summary")
    assert (row["won"], row["won_amount"], row["avg_won_deal"]) == (3, 901, 300.3333)


def test_the_cycle_runs_from_the_first_engagement_to_the_win(counter: Counter) -> None:
    engaged = [counter.moved(counter.opened(), "need") for _ in range(3)]
    for days, deal_id in zip((3, 7, 10), engaged, strict=True):
        counter.clock.move(days=days)
        counter.moved(deal_id, "won")
    row = counter.one("summary")
    assert (row["cycle_days_won_mean"], row["cycle_days_won_median"]) == (11, 10)


def test_the_dwell_of_a_stage_is_the_sum_of_all_its_visits(counter: Counter) -> None:
    counter.at(2026, 1, 12, 9)
    deal_id = counter.moved(counter.opened(), "need")
    for days, code in ((2, "lead"), (1, "need"), (3, "negotiation")):
        counter.clock.move(days=days)
        counter.moved(deal_id, code)
    counter.clock.move(hours=36)
    found = {row["stage"]: row for row in counter.ask("dwell")}
    days_spent = {code: row["dwell_median"] for code, row in found.items()}
    assert days_spent == {"lead": 1, "contact": None, "need": 5, "proposal": None, "negotiation": 1.5}
    assert {code for code, row in found.items() if row["slowest"]} == {"need"}
    assert {code for code, row in found.items() if row["censored"]} == {"negotiation"}


@pytest.mark.outside
def test_dwell_agrees_with_the_scenario_of_another_suite(counter: Counter, outside_data: Path) -> None:
    case = json.loads((outside_data / "cases" / "dwell.jsonl").read_text("utf-8"))["expected"]
    codes = {"1": "lead", "2": "contact", "3": "need", "4": "proposal", "(none)": "negotiation"}
    deal_id = counter.opened()
    now = datetime.fromisoformat(case["start"]).replace(tzinfo=UTC)
    visits, here = [], case["initial_stage"]
    entered = now
    for minutes, there in case["steps"]:
        now += timedelta(minutes=minutes)
        if there is not None:
            visits.append((here, entered, now))
            here, entered = there, now
    visits.append((here, entered, None))
    with counter.desk._books.write() as tx:
        tx.delete_where(stage_visit, stage_visit.c.deal_id == deal_id)
        for number, (code, start, end) in enumerate(visits):
            tx.insert(
                stage_visit,
                id=f"v{number}",
                deal_id=deal_id,
                cycle=1,
                stage=codes[code],
                kind="advance",
                entered_at=start,
                left_at=end,
                actor_id=counter.office.people["4001"],
            )
    counter.clock.now = now
    found = {row.group: row.values[3] for row in counter.answer("dwell").rows}
    minutes = {code: found[codes[code]] for code in case["expected_minutes"]}
    assert {code: round(Decimal(days) * 1440) for code, days in minutes.items()} == case["expected_minutes"]


def test_open_deals_are_aged_as_of_any_day(counter: Counter) -> None:
    counter.at(2026, 1, 11, 9)
    counter.moved(counter.opened(), "need")
    closed = counter.moved(counter.opened(), "need")
    counter.at(2026, 1, 18, 9)
    counter.moved(counter.opened(), "need")
    counter.at(2026, 1, 19, 9)
    counter.moved(closed, "won")
    figures = ("open_deals", "overdue_more_than_7_days")
    found = {day: counter.one("ageing", as_of=f"2026-01-{day}") for day in (11, 18, 19)}
    counts = {day: [row[name] for name in figures] for day, row in found.items()}
    assert counts == {11: [2, 0], 18: [3, 0], 19: [2, 1]}


def test_as_of_a_past_day_what_was_closed_later_is_open(counter: Counter) -> None:
    counter.at(2026, 1, 12, 9)
    deal_id = counter.moved(counter.opened(), "need")
    counter.at(2026, 1, 20, 9)
    counter.moved(deal_id, "won")
    counter.opened()
    before, after = counter.one("summary", as_of="2026-01-15"), counter.one("summary")
    assert (before["deals"], before["stage_need"], before["won"]) == (1, 1, 0)
    assert (after["deals"], after["stage_need"], after["won"]) == (2, 0, 1)


def test_the_forecast_weighs_amounts_by_the_stage_and_stays_exact(counter: Counter) -> None:
    counter.moved(counter.opened(333_33, expected_close_on=date(2026, 2, 10)), "need")
    counter.moved(counter.opened(100_00, expected_close_on=date(2026, 2, 20)), "negotiation")
    counter.opened(None, expected_close_on=date(2026, 1, 2))
    counter.opened(50_00)
    late, february, undated = counter.ask("forecast")
    assert (february["month"], february["best"], february["commit"]) == ("2026-02", 433.33, 100)
    assert february["weighted"] == 191.6655
    assert (late["late"], late["no_amount"], late["best"]) == (1, 1, 0)
    assert undated["month"] == "(blank)"


def test_leads_without_a_source_are_not_those_whose_source_is_unknown(counter: Counter) -> None:
    for number, (source, status) in enumerate((("", "new"), ("unknown", "converted"), ("unknown", "new"))):
        with counter.desk._books.write() as tx:
            tx.insert(
                lead,
                id=f"l{number}",
                branch_id=counter.office.units["Jingan"],
                name="x",
                source=source,
                status=status,
                created_on=date(2026, 1, 3),
                converted_on=date(2026, 1, 6) if status == "converted" else None,
                extra={},
            )
    found = {row["source"]: (row["mql"], row["closed"]) for row in counter.ask("funnel", by="source")}
    assert found == {"(blank)": (1, 0), "unknown": (2, 1)}
    assert counter.one("funnel", source="(blank)")["mql"] == 1
    backlog = [counter.one("backlog", as_of=f"2026-01-0{day}")["open"] for day in (2, 5, 6)]
    assert backlog == [0, 3, 2]


def test_everyone_sees_the_figures_of_the_own_scope_alone(counter: Counter) -> None:
    for number in ("6001", "6002", "6003", "6004", "6005"):
        counter.office.as_person(number)
        counter.opened()
    seen = {}
    for number in ("6001", "5001", "4001", "3001", "2001"):
        counter.office.as_person(number)
        own = {counter.one(name).get("deals") for name in ("summary", "funnel")}
        own |= {counter.panel().tile("new_deals").comparison.value, counter.behind("deals")}
        (seen[number],) = own
    assert seen == {"6001": 1, "5001": 2, "4001": 3, "3001": 4, "2001": 5}


def test_figures_are_cut_by_region_branch_team_person_and_manager(counter: Counter) -> None:
    people = counter.office.people
    for number in ("6001", "6002", "6003", "6004", "6005"):
        counter.office.as_person(number)
        counter.opened(source="street")
    counter.office.as_person("1001")
    counter.office.give(EditPerson(person_id=people["6004"], manager_id=people["4002"]))
    asked: dict[str, tuple[str, int]] = {
        "region": ("East", 4),
        "branch": ("Jingan", 3),
        "team": ("Team one", 2),
        "person": ("6003", 1),
        "manager": ("Bea Xuhui", 1),
        "source": ("street", 5),
    }
    for name, (text, count) in asked.items():
        assert counter.one("summary", **{name: text})["deals"] == count, name
    by = {row["region"]: row["deals"] for row in counter.ask("summary", by="region")}
    assert by == {"East": 4, "South": 1}
    managers = {row["manager"]: row["deals"] for row in counter.ask("summary", by="manager")}
    assert managers == {"Bea Xuhui": 1, "(blank)": 4}
    teams = {row["team"]: row["deals"] for row in counter.ask("summary", by="team")}
    assert teams == {"Team one": 2, "Team two": 1, "Team three": 1, "(blank)": 1}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"branch": "Tianhe"}, "filter_unknown_branch"),
        ({"person": "6005"}, "filter_unknown_person"),
        ({"colour": "red"}, "filter_unknown"),
        ({"by": "colour"}, "filter_unknown_by"),
        ({"product": "table"}, "filter_unknown_product"),
        ({"from": "2026-02-01", "to": "2026-01-01"}, "filter_backwards"),
        ({"from": "yesterdayish"}, "day_not_understood"),
        ({"limit": "0"}, "filter_limit"),
    ],
)
def test_a_filter_that_means_nothing_here_is_refused(
    counter: Counter, given: dict[str, str], code: str
) -> None:
    with pytest.raises(Refused) as no:
        counter.answer("summary", **given)
    assert no.value.code == code


def test_two_people_of_one_name_are_told_apart_by_number(counter: Counter) -> None:
    counter.office.as_person("1001")
    counter.office.give(EditPerson(person_id=counter.office.people["6002"], name="陈静"))
    with pytest.raises(Refused) as no:
        counter.answer("summary", person="陈静")
    assert (no.value.code, no.value.details["count"]) == ("filter_ambiguous", 2)
    assert counter.one("summary", person="6002")["deals"] == 0


def test_equals_share_a_rank(counter: Counter) -> None:
    for number, amount in (("6001", 300_00), ("6002", 300_00), ("6003", 100_00)):
        counter.office.as_person(number)
        deal_id = counter.opened(amount)
        counter.office.as_person("4001")
        counter.moved(deal_id, "won")
    assert [(row["rank"], row["won_amount"]) for row in counter.ask("top")] == [(1, 300), (1, 300), (3, 100)]
    assert [one.rank for one in counter.panel().ranking] == [1, 1, 3]
    assert len(counter.ask("top", limit="2")) == 2


def test_an_archived_deal_is_in_no_figure(counter: Counter) -> None:
    counter.office.give(SetDealArchived(deal_id=counter.opened(), archived=True))
    assert counter.one("summary")["deals"] == 0
    assert counter.panel().tile("new_deals").comparison.value == 0


def test_every_count_opens_as_many_rows_as_it_says(counter: Counter) -> None:
    counter.at(2026, 1, 9, 9)
    for path in (("need",), ("need", "won"), ("proposal", "lost"), ("won", "contact"), ()):
        counter.moved(counter.opened(expected_close_on=date(2026, 1, 12)), *path)
    counter.at(2026, 1, 30, 9)
    for name, figures in BEHIND.items():
        row = counter.one(name)
        for column, figure in figures.items():
            assert counter.behind(figure) == row[column], (name, column)
    found = counter.panel(period="this_month")
    for step in found.funnel:
        assert counter.behind(f"reached_{step.code}", period="this_month") == step.reached
        assert counter.behind(f"standing_{step.code}") == step.standing
    counts = {alert.figure: alert.details["count"] for alert in found.alerts if "count" in alert.details}
    assert set(counts) == {"overdue", "rotting", "late_now"}
    assert {figure: counter.behind(figure, period="this_month") for figure in counts} == counts


BEHIND: dict[str, dict[str, str]] = {
    "summary": {name: name for name in ("deals", "won", "lost", "stage_lead", "stage_contact", "stage_need")},
    "ageing": {name: name for name in ("open_deals", "overdue_more_than_7_days")},
    "forecast": {name: name for name in ("forecast_deals", "late", "no_amount")},
    "cohort": {"cohort": "cohort", "won": "won_share"},
}


def test_a_figure_that_does_not_exist_has_no_rows(counter: Counter) -> None:
    for figure in ("luck", "reached_luck"):
        with pytest.raises(Refused) as no:
            counter.behind(figure)
        assert no.value.code == "figure_unknown"


def test_the_panel_says_how_well_customers_are_looked_after(counter: Counter) -> None:
    said = counter.office.customer()
    counter.office.customer()
    counter.office.give(counter.office.spoken(said))
    assert counter.panel().tile("compliance").comparison.value == Decimal("0.5")
    counter.clock.move(days=1, hours=1)
    assert counter.panel().tile("overdue").comparison.value == counter.behind("overdue") == 1
    assert counter.panel().unsynced == 0  # this terminal works alone


def test_the_panel_shows_eight_weeks_of_won_amounts(counter: Counter) -> None:
    counter.at(2026, 1, 12, 9)
    counter.moved(counter.opened(), "won")
    weeks = counter.panel(to="2026-01-20").weeks
    assert len(weeks) == 8
    assert {monday: amount for monday, amount in weeks if amount} == {date(2026, 1, 12): 100_00}


@pytest.mark.parametrize("name", list(REPORTS))
def test_every_report_is_one_object_that_json_can_write(counter: Counter, name: str) -> None:
    counter.moved(counter.opened(), "need")
    found = counter.answer(name).to_json(lambda key: key)
    assert list(found) == ["report", "definition", "as_of", "filters", "columns", "rows"]
    assert json.loads(json.dumps(found)) == found
    assert all(list(row) == found["columns"] for row in found["rows"])


def test_a_report_that_is_not_there_is_refused(counter: Counter) -> None:
    with pytest.raises(Refused) as no:
        counter.answer("luck")
    assert no.value.code == "report_unknown"


def test_no_figure_of_the_panel_reads_a_whole_table(counter: Counter, database: Engine) -> None:
    if database.dialect.name != "sqlite":
        pytest.skip("the plan is SQLite's")
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        asked.append((statement, values))

    event.listen(database, "before_cursor_execute", note)
    counter.panel()
    event.remove(database, "before_cursor_execute", note)
    wide = ("SCAN deal", "SCAN customer", "SCAN stage_visit")
    with database.connect() as connection:
        for statement, values in asked:
            if statement.startswith("SELECT"):
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
                steps = [row[3] for row in plan]
                assert not [step for step in steps if step.startswith(wide)], statement


def test_the_panel_warns_of_a_slower_stage_and_a_worse_rate(counter: Counter) -> None:
    for month, days, end in ((2, 2, "won"), (3, 6, "lost")):
        counter.at(2026, month, 5, 9)
        deal_id = counter.moved(counter.opened(), "need")
        counter.clock.move(days=days)
        counter.moved(deal_id, end)
    found = {
        alert.code: alert for alert in counter.panel(**{"from": "2026-03-01", "to": "2026-03-31"}).alerts
    }
    assert found["slowest"].details == {"stage": "stage.need", "days": Decimal(6), "more": Decimal(4)}
    assert found["win_rate"].details == {"points": Decimal(100), "percent": Decimal(0)}


def test_customers_are_ranked_by_name_within_the_own_scope(counter: Counter) -> None:
    counter.moved(counter.opened(customer=counter.office.customer("赵大树")), "won")
    (row,) = counter.ask("top", by="customer")
    assert (row["customer"], row["won_amount"]) == ("赵大树", 100)
