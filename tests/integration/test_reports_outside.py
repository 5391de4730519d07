"""The figures of public data, worked out by others: every shared case that this program answers."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from crm_tui.domain.permission import Right
from crm_tui.exchange.importing import run_import
from crm_tui.exchange.mapping import load_mapping
from crm_tui.metrics.filters import Filters
from crm_tui.queries.reports import report
from crm_tui.store.engine import open_engine
from crm_tui.store.scope import Scope, Viewer
from crm_tui.store.tables import deal, lead, org_unit, person, pipeline, product, product_line, stage
from crm_tui.store.transaction import Transaction
from crm_tui.store.view import View

NOW = datetime(2018, 12, 1, 4, tzinfo=UTC)
STAGES = {"Prospecting": "lead", "Engaging": "contact", "Won": "won", "Lost": "lost"}
pytestmark = pytest.mark.outside


def everything() -> Viewer:
    return Viewer("p", "1", "P", "director", "u", "U", None, "UTC", frozenset(Right), Scope(everything=True))


def records(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def unit(tx: Transaction, unit_id: str, kind: str, parent: str | None) -> None:
    tx.insert(org_unit, id=unit_id, parent_id=parent, kind=kind, name=unit_id, time_zone="UTC")


def someone(tx: Transaction, name: str, unit_id: str, manager: str | None) -> None:
    tx.insert(
        person,
        id=name,
        number=name,
        name=name,
        initials="",
        role="clerk",
        unit_id=unit_id,
        branch_id=unit_id,
        manager_id=manager,
        status="active",
    )


def path_of_stages(tx: Transaction) -> None:
    tx.insert(pipeline, id="sales", name="Sales", version=1)
    kinds = {"lead": "open", "contact": "open", "won": "won", "lost": "lost"}
    for place, (code, kind) in enumerate(kinds.items(), 1):
        tx.insert(
            stage,
            pipeline_id="sales",
            version=1,
            code=code,
            name=code,
            kind=kind,
            position=place,
            probability=0,
            rotting_days=0,
            goal="",
            exit_criteria="",
            required_fields=[],
            required_actions=[],
        )


def load_maven(tx: Transaction, folder: Path) -> None:
    unit(tx, "Company", "company", None)
    path_of_stages(tx)
    agents = records(folder / "sales_teams.csv")
    for region in sorted({one["regional_office"] for one in agents}):
        unit(tx, region, "region", "Company")
        unit(tx, f"{region} branch", "branch", region)
    homes = {one["manager"]: f"{one['regional_office']} branch" for one in agents}
    for name, home in homes.items():
        someone(tx, name, home, None)
    homes |= {one["sales_agent"]: f"{one['regional_office']} branch" for one in agents}
    for one in agents:
        someone(tx, one["sales_agent"], homes[one["sales_agent"]], one["manager"])
    lines = {}
    for one in records(folder / "products.csv"):
        lines[one["product"]] = one["series"]
    for line in sorted(set(lines.values())):
        tx.insert(product_line, id=line, name=line)
    for name, line in lines.items():
        tx.insert(product, id=name, line_id=line, code=name, name=name, active=True)
    tx.insert_all(deal, [a_deal(one, homes, lines) for one in records(folder / "sales_pipeline.csv")])


def a_deal(one: dict[str, str], homes: dict[str, str], lines: dict[str, str]) -> dict[str, Any]:
    what = {"GTXPro": "GTX Pro"}.get(one["product"], one["product"])
    code = STAGES[one["deal_stage"]]
    engaged, closed = (
        date.fromisoformat(one[key]) if one[key] else None for key in ("engage_date", "close_date")
    )
    return {
        "id": one["opportunity_id"],
        "customer_id": None,
        "branch_id": homes[one["sales_agent"]],
        "owner_id": one["sales_agent"],
        "pipeline_id": "sales",
        "title": one["opportunity_id"],
        "stage": code,
        "state": code if code in {"won", "lost"} else "open",
        "stage_entered_at": NOW,
        "amount": int(Decimal(one["close_value"]) * 100) if one["close_value"] else None,
        "product_id": what,
        "line_id": lines[what],
        "source": "",
        "created_at": NOW,
        "created_on": engaged or NOW.date(),
        "engaged_on": engaged,
        "closed_on": closed,
        "lost_reason": "",
        "lost_from": "contact" if code == "lost" else "",
        "extra": {},
    }


def load_olist(tx: Transaction, folder: Path) -> None:
    unit(tx, "Branch", "branch", None)
    path_of_stages(tx)
    won = {one["mql_id"]: one["won_date"][:10] for one in records(folder / "closed_deals.iso.csv")}
    leads = [
        {
            "id": one["mql_id"],
            "branch_id": "Branch",
            "name": "",
            "phone": "",
            "source": one["origin"],
            "status": "converted" if one["mql_id"] in won else "new",
            "created_on": date.fromisoformat(one["first_contact_date"]),
            "converted_on": date.fromisoformat(won[one["mql_id"]]) if one["mql_id"] in won else None,
            "extra": {},
        }
        for one in records(folder / "mql.iso.csv")
    ]
    tx.insert_all(lead, leads)


def opened(
    load: Callable[[Transaction, Path], None], folder: Path, at: Path
) -> Iterator[Callable[..., list[dict[str, Any]]]]:
    engine = open_engine(at / "figures.db")
    connection: Connection
    with engine.connect() as connection, connection.begin():
        tx = Transaction(connection)
        load(tx, folder)
        view = View(tx, everything(), NOW)

        def ask(name: str, **given: str) -> list[dict[str, Any]]:
            answer = report(view, name, Filters.parse(view, given)).to_json(lambda key: key)
            rows: list[dict[str, Any]] = answer["rows"]
            return rows

        yield ask
    engine.dispose()


@pytest.fixture(scope="module")
def maven(outside_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    yield from opened(load_maven, outside_data / "maven", tmp_path_factory.mktemp("maven"))


@pytest.fixture(scope="module")
def olist(outside_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    yield from opened(load_olist, outside_data / "olist", tmp_path_factory.mktemp("olist"))


@pytest.fixture(scope="module")
def cases(outside_data: Path) -> Callable[..., list[dict[str, Any]]]:
    def of(file: str, call: str, dataset: str) -> list[dict[str, Any]]:
        text = (outside_data / "cases" / f"{file}.jsonl").read_text("utf-8")
        rows = [json.loads(line) for line in text.splitlines()]
        found = [row for row in rows if row["call"] == call and row["dataset"] == dataset]
        assert found, f"no case {call} of {dataset} in {file}"
        return found

    return of


def days(month: str = "", quarter: str = "") -> dict[str, str]:
    year, first, count = (
        (int(month[:4]), int(month[5:]), 1) if month else (int(quarter[:4]), int(quarter[5]) * 3 - 2, 3)
    )
    after = date(year + (first + count) // 13, (first + count - 1) % 12 + 1, 1)
    return {"from": date(year, first, 1).isoformat(), "to": (after - timedelta(days=1)).isoformat()}


NAMES = {
    "sales_agent": "person",
    "series": "line",
    "close_from": "from",
    "close_to": "to",
}


def as_filters(asked: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in asked.items():
        if name == "close_month":
            found |= days(month=value)
        elif name == "close_quarter":
            found |= days(quarter=value)
        else:
            found[NAMES.get(name, name)] = value
    return found


def same(found: dict[str, Any], expected: dict[str, Any], tolerance: float) -> bool:
    for key, value in expected.items():
        known = found[{"prospecting": "stage_lead", "engaging": "stage_contact"}.get(key, key)]
        if value is None or known is None:
            if value is not known:
                return False
        elif abs(known - value) > tolerance:
            return False
    return True


@pytest.mark.parametrize("file", ["report", "report-filter"])
def test_every_summary_of_the_pipeline_agrees_with_the_shared_figures(
    maven: Callable[..., Any], cases: Callable[..., Any], file: str
) -> None:
    wrong = []
    for case in cases(file, "summary", "maven"):
        (found,) = maven("summary", **as_filters(case["params"]["filter"]))
        if not same(found, case["expected"], case["tol"]):
            wrong.append((case["id"], found))
    assert wrong == []


def test_the_leaderboards_agree_with_the_shared_figures(
    maven: Callable[..., Any], cases: Callable[..., Any]
) -> None:
    for case in cases("report", "top", "maven"):
        given = {"limit": str(case["params"]["n"])}
        if "quarter" in case["params"]:
            given |= days(quarter=case["params"]["quarter"])
        found = maven("top", **given)
        wanted = case["expected"]["rows"]
        shown = [{"agent": row["person"], **row} for row in found]
        assert [{key: row[key] for key in wanted[0]} for row in shown] == wanted


def test_the_cohorts_agree_with_the_shared_figures(
    maven: Callable[..., Any], cases: Callable[..., Any]
) -> None:
    found = {row["month"]: row for row in maven("cohort")}
    for case in cases("report", "cohort", "maven"):
        row = found[case["params"]["month"]]
        names = {
            "Won": "won",
            "Lost": "lost",
            "Engaging": "open",
            "cohort": "cohort",
            "won_share": "won_share",
        }
        assert {key: row[own] for key, own in names.items()} == case["expected"], case["id"]


def test_the_age_of_open_deals_agrees_with_the_shared_figures(
    maven: Callable[..., Any], cases: Callable[..., Any]
) -> None:
    for case in cases("overdue", "ageing", "maven"):
        (row,) = maven("ageing", as_of=case["params"]["as_of"])
        assert {key: row[key] for key in case["expected"]} == case["expected"], case["id"]


def test_the_leads_and_their_conversion_agree_with_the_shared_figures(
    olist: Callable[..., Any], cases: Callable[..., Any]
) -> None:
    for case in cases("funnel", "funnel", "olist.iso"):
        by = {"origin": "source"}.get(case["params"].get("by"), case["params"].get("by", ""))
        found = {
            row.get(by, "all"): {"mql": row["mql"], "closed": row["closed"]} for row in olist("funnel", by=by)
        }
        assert found == case["expected"]["groups"], case["id"]


def test_the_open_leads_of_a_day_agree_with_the_shared_figures(
    olist: Callable[..., Any], cases: Callable[..., Any]
) -> None:
    for case in cases("overdue", "backlog", "olist.iso"):
        (row,) = olist("backlog", as_of=case["params"]["as_of"])
        assert row == case["expected"], case["id"]


MAPPINGS = Path(__file__).resolve().parents[2] / "docs" / "examples" / "mappings"


def bring_in(
    office: Any, folder: Path, kinds: dict[str, tuple[str, str]], errors: Path
) -> Callable[..., Any]:
    """Import files by the mappings of the documentation; return the way to ask for reports."""
    desk = office.as_person("1001")
    for kind, (name, mapping) in kinds.items():
        run_import(
            desk, kind, folder / f"{name}.csv", load_mapping(MAPPINGS / f"{mapping}.toml"), errors_in=errors
        )

    def ask(name: str, **given: str) -> list[dict[str, Any]]:
        found = desk.answer(lambda view: report(view, name, Filters.parse(view, given)))
        rows: list[dict[str, Any]] = found.to_json(lambda key: key)["rows"]
        return rows

    return ask


def test_the_imported_pipeline_gives_the_shared_figures(
    office: Any, outside_data: Path, tmp_path: Path, cases: Callable[..., Any]
) -> None:
    kinds = {
        "people": ("sales_teams", "maven_sales_teams"),
        "products": ("products", "maven_products"),
        "customers": ("accounts", "maven_accounts"),
        "deals": ("sales_pipeline", "maven_sales_pipeline"),
    }
    ask = bring_in(office, outside_data / "maven", kinds, tmp_path)
    wrong = []
    for case in [*cases("report", "summary", "maven"), *cases("report-filter", "summary", "maven")]:
        (found,) = ask("summary", **as_filters(case["params"]["filter"]))
        if not same(found, case["expected"], case["tol"]):
            wrong.append((case["id"], found))
    assert wrong == []
    for case in cases("overdue", "ageing", "maven"):
        (row,) = ask("ageing", as_of=case["params"]["as_of"])
        assert {key: row[key] for key in case["expected"]} == case["expected"], case["id"]
    cohorts = {row["month"]: row for row in ask("cohort")}
    for case in cases("report", "cohort", "maven"):
        row = cohorts[case["params"]["month"]]
        assert (row["cohort"], row["won"]) == (case["expected"]["cohort"], case["expected"]["Won"])


def test_the_imported_leads_give_the_shared_figures(
    office: Any, outside_data: Path, tmp_path: Path, cases: Callable[..., Any]
) -> None:
    kinds = {
        "leads": ("mql.iso", "olist_leads"),
        "deals": ("closed_deals.iso", "olist_closed_deals"),
    }
    ask = bring_in(office, outside_data / "olist", kinds, tmp_path)
    for case in cases("overdue", "backlog", "olist.iso"):
        assert ask("backlog", as_of=case["params"]["as_of"]) == [case["expected"]], case["id"]
    (found,) = ask("funnel")
    assert (found["mql"], found["closed"]) == (8000, 842)
