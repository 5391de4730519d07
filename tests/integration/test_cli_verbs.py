"""The verbs of the command line: what comes out, how it ends, and what it must not tell."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.main import get_command
from typer.testing import CliRunner, Result

from crm_tui import i18n
from crm_tui.cli.key_check import conflicts, key_lines
from crm_tui.cli.program import build_program
from crm_tui.desk import Desk
from crm_tui.i18n import t
from crm_tui.screens.board import BoardScreen
from crm_tui.store.credentials import set_verifier
from crm_tui.store.tables import person

PIN = "2468"
CLOCK = "2026-01-08T02:42"
LATER = "2026-01-08T03:42"
Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def _runner(home: Path) -> Run:
    """Run the program at the clock of the tests, by the administrator unless ``by`` says otherwise."""

    def run(*words: str, by: str = "1001", typed: str | None = None, at: str = CLOCK) -> Result:
        before = ["--home", str(home), "--as", by, "--clock", at]
        return CliRunner().invoke(build_program(), [*before, *words], input=typed)

    return run


@pytest.fixture
def cli(home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The program, and nothing there yet."""
    monkeypatch.setenv("CRM_TUI_PIN", PIN)
    return _runner(home)


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory, cheap_verifier: str) -> dict[str, Path]:
    """The homes of ``founded`` and ``stocked``, made once for each worker."""
    folder = tmp_path_factory.mktemp("verbs")
    made = {name: folder / name for name in ("founded", "stocked")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_TUI_PIN", PIN)
        _found(made["founded"], cheap_verifier)
        shutil.copytree(made["founded"], made["stocked"])
        run = _runner(made["stocked"])
        assert run("q", "13800138000 张三 A #瓷砖 ¥1.2万 !3天", by="6001").exit_code == 0
        assert run("q", "13911112222 李四", by="6001").exit_code == 0
    return made


def _found(home: Path, verifier: str) -> None:
    run = _runner(home)
    assert run("init", "--company", "海棠", "--admin", "王管", "--team", "Team one").exit_code == 0
    (unit,) = [row[0] for row in _rows(home, "SELECT id FROM org_unit WHERE kind = 'team'")]
    for number, name in (("6001", "陈静"), ("6002", "李敏")):
        fields = {"number": number, "name": name, "role": "clerk", "unit_id": unit}
        made = run("do", "create_person", "--json", json.dumps(fields))
        assert made.exit_code == 0, made.output
    desk = Desk.open(home / "crm.db")
    with desk._books.write() as tx:
        for person_id in tx.scalars(select(person.c.id)):
            set_verifier(tx, person_id, verifier)
    desk.close()


@pytest.fixture
def founded(cli: Run, home: Path, homes: dict[str, Path]) -> Run:
    """A founded organisation: 1001 administrator, 6001 and 6002 clerks, all with the same PIN."""
    shutil.copytree(homes["founded"], home)
    return cli


@pytest.fixture
def stocked(cli: Run, home: Path, homes: dict[str, Path]) -> Run:
    """The same with two customers of 6001, of whom one is overdue by the next day."""
    shutil.copytree(homes["stocked"], home)
    return cli


def _rows(home: Path, question: str) -> list[Any]:
    with closing(sqlite3.connect(home / "crm.db")) as plain:
        return plain.execute(question).fetchall()


def test_a_list_is_one_json_array_on_stdout_and_nothing_else(stocked: Run) -> None:
    found = stocked("find", "zs", "--json", by="6001")
    assert found.exit_code == 0
    (line,) = json.loads(found.stdout)
    assert (line["name"], line["phone"], line["amount"]) == ("张三", "138****8000", 12000)
    assert line["due_at"].endswith("+08:00")


def test_the_same_list_as_csv_plain_and_table(stocked: Run) -> None:
    as_csv = stocked("find", "张", "--csv", "--columns", "name,level", by="6001")
    assert list(csv.reader(io.StringIO(as_csv.stdout))) == [["name", "level"], ["张三", "A"]]
    assert stocked("find", "张", "--plain", "--columns", "name,level", by="6001").stdout == "张三\tA\n"
    table = stocked("find", "张", by="6001").stdout
    assert "138****8000" in table
    assert "13800138000" not in table


def test_an_unknown_column_or_two_shapes_are_a_usage_error(stocked: Run) -> None:
    assert stocked("find", "张", "--columns", "salary", by="6001").exit_code == 2
    assert stocked("find", "张", "--csv", "--json", by="6001").exit_code == 2


def test_what_is_left_out_is_said_on_stderr(stocked: Run) -> None:
    stocked("q", "13733334444 张五", by="6001")
    cut = stocked("find", "张", "--json", "--limit", "1", by="6001")
    assert len(json.loads(cut.stdout)) == 1
    assert t("cli.more", shown=1, all=2) in cut.stderr


def test_more_than_a_hundred_rows_need_an_approval(stocked: Run) -> None:
    refused = stocked("find", "张", "--limit", "101", by="6001")
    assert refused.exit_code == 3
    assert refused.stdout == ""


def test_nothing_found_fails_only_where_that_was_asked(stocked: Run) -> None:
    assert stocked("find", "王五", by="6001").exit_code == 0
    assert stocked("find", "王五", "--fail-empty", by="6001").exit_code == 1


def test_overdue_lists_as_many_as_the_badge_counts(stocked: Run) -> None:
    late = stocked("overdue", "--mine", "--json", by="6001", at="2026-01-10T03:30")
    assert [(line["name"], line["days_late"]) for line in json.loads(late.stdout)] == [("李四", 1)]
    for whose in ("--team", "--branch"):
        assert (
            len(json.loads(stocked("overdue", whose, "--json", by="6001", at="2026-01-10T03:30").stdout)) == 1
        )
    assert json.loads(stocked("overdue", "--mine", "--json", at="2026-01-10T03:30").stdout) == []
    assert (
        json.loads(stocked("overdue", "--days", "2", "--json", by="6001", at="2026-01-10T03:30").stdout) == []
    )
    today = stocked("today", "--json", by="6001", at="2026-01-08T20:00")
    assert [line["name"] for line in json.loads(today.stdout)] == ["李四"]


def test_a_clear_number_is_shown_only_with_the_look_recorded(stocked: Run, home: Path) -> None:
    looks = "SELECT count(*) FROM outbox WHERE kind = 'reveal_identity'"
    assert _rows(home, looks) == [(0,)]
    shown = stocked("find", "张", "--json", "--clear", by="6001")
    assert json.loads(shown.stdout)[0]["phone"] == "+8613800138000"
    assert _rows(home, looks) == [(1,)]


def test_show_masks_every_number_unless_asked(stocked: Run) -> None:
    masked = stocked("show", "张三", "--json", by="6001")
    assert json.loads(masked.stdout)["phones"] == ["138****8000"]
    assert "13800138000" not in masked.output
    assert json.loads(stocked("show", "张三", "--json", "--clear", by="6001").stdout)["phones"] == [
        "+8613800138000"
    ]
    assert "138****8000" in stocked("show", "张三", by="6001").stdout


def test_a_customer_is_shown_in_words_by_the_clock_of_the_branch(stocked: Run) -> None:
    i18n.use("en")
    stocked("log", "张三", "--next", "送样品", "--at", "2", by="6001", at="2026-01-08T16:30")
    shown = stocked("show", "张三", by="6001").stdout
    lines = [line.strip() for line in shown.splitlines()]
    assert lines[:3] == ["张三", "Phone: 138****8000", "Kind: person"]
    assert "Last contact: 01-09 Fri 00:30" in lines
    assert "Tags: #瓷砖" in lines
    assert "Deals 1" in lines
    assert "¥12,000.00" in shown
    assert "+00:00" not in shown
    clear = stocked("show", "张三", "--clear", by="6001").stdout
    assert "138 0013 8000" in clear
    fields = dict(
        line.split("\t", 1) for line in stocked("show", "张三", "--plain", by="6001").stdout.splitlines()
    )
    assert (fields["name"], fields["phones"]) == ("张三", "138****8000")
    assert fields["last_follow_up_at"] == "2026-01-09T00:30:00+08:00"
    deal = json.loads(stocked("show", "张三", "--json", by="6001", at=LATER).stdout)["deals"][0]
    assert (deal["amount"], deal["dwell_days"], deal["stage_entered_at"][-6:]) == (12000, 0, "+08:00")
    assert stocked("show", "张三", "--json", "--plain", by="6001").exit_code == 2


def test_a_timeline_is_read_in_words_and_its_columns_on_demand(stocked: Run) -> None:
    i18n.use("en")
    stocked("log", "张三", "--need", "改哑光", "--next", "送样品", "--at", "2", by="6001", at=LATER)
    read = stocked("timeline", "张三", "--limit", "1", by="6001")
    assert read.stdout.startswith("01-08 Thu 11:42 phone reached 陈静  改哑光\n")
    assert "next: 送样品" in read.stdout
    assert t("cli.more", shown=1, all=4) in read.stderr
    rows = stocked("timeline", "张三", "--csv", "--columns", "kind,person", by="6001").stdout.splitlines()
    assert rows[:2] == ["kind,person", "follow_up,陈静"]


def test_nobody_reaches_anothers_customer_by_name_number_or_id(stocked: Run, home: Path) -> None:
    (customer_id,) = _rows(home, "SELECT id FROM customer WHERE name = '张三'")[0]
    for word in ("张三", "13800138000", customer_id):
        for verb in (("show", word), ("timeline", word), ("postpone", word, "3"), ("move", word, "contact")):
            ended = stocked(*verb, by="6002")
            assert ended.exit_code == 2, verb
            assert ended.stdout == ""


def test_a_follow_up_is_logged_and_stands_in_the_timeline(stocked: Run) -> None:
    said = stocked(
        "log",
        "张三",
        "--need",
        "改哑光",
        "--objection",
        "price",
        "--next",
        "送样品",
        "--at",
        "3",
        by="6001",
        at=LATER,
    )
    assert said.exit_code == 0, said.output
    lines = json.loads(stocked("timeline", "张三", "--json", by="6001").stdout)
    assert (lines[0]["kind"], lines[0]["next_step"]) == ("follow_up", "送样品")
    assert "改哑光" in lines[0]["words"]
    assert stocked("log", "张三", "--next", "x", "--at", "200", by="6001").exit_code == 2


def test_a_deal_moves_by_its_customers_name_and_a_gate_stops_it(stocked: Run) -> None:
    assert stocked("move", "张三", "contact", by="6001").exit_code == 0
    stopped = stocked("move", "张三", "need", "--json", by="6001")
    assert stopped.exit_code == 2
    assert json.loads(stopped.stdout)["code"] == "gate_unmet"
    assert stocked("move", "张三", "proposal", "--reason", "x", by="6001").exit_code == 3


def test_a_contact_is_postponed(stocked: Run) -> None:
    assert stocked("postpone", "张三", "5", "--reason", "away", by="6001", at=LATER).exit_code == 0
    (line,) = json.loads(stocked("find", "zs", "--json", by="6001").stdout)
    assert line["next_contact_at"].startswith("2026-01-13")
    assert stocked("postpone", "张三", "0230", by="6001").exit_code == 2


def test_a_known_number_is_never_a_second_record(stocked: Run, home: Path) -> None:
    said = stocked("q", "138 0013 8000 电话:想看样品 ->送样品 !3", "--json", by="6001")
    assert said.exit_code in {0, 2}, said.output
    assert _rows(home, "SELECT count(*) FROM customer") == [(2,)]
    stranger = stocked("q", "13800138000 张三", by="6002")
    assert stranger.exit_code == 5
    assert _rows(home, "SELECT count(*) FROM customer") == [(2,)]


def test_a_line_is_taken_in_whole_or_not_at_all(founded: Run, home: Path) -> None:
    assert founded("q", "1380013800 张三", by="6001").exit_code == 2
    assert founded("q", "13800138000", by="6001").exit_code == 2
    refused = founded("q", "13800138000 张三 %成交", "--json", by="6001")
    assert json.loads(refused.stdout)["code"] != "applied"
    assert refused.exit_code != 0
    assert _rows(home, "SELECT count(*) FROM customer") == [(0,)]


def test_a_line_in_single_words_may_hold_an_arrow_but_no_mistyped_option(founded: Run, home: Path) -> None:
    line = ("13800138000", "张三", "电话:想看样品", "->送样品", "!3")
    assert founded("q", *line, by="6001").exit_code == 0
    assert _rows(home, "SELECT next_step FROM follow_up") == [("送样品",)]
    for wrong in ("--jsn", "-"):
        assert founded("q", "13911112222", "李四", wrong, by="6001").exit_code == 2
    assert _rows(home, "SELECT count(*) FROM customer") == [(1,)]


def test_lines_from_stdin_are_answered_one_by_one_with_their_numbers(founded: Run, home: Path) -> None:
    ended = founded("q", "-", by="6001", typed="13800138000 张三\n\n123456 坏\n13911112222 李四\n")
    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [(answer["line"], answer["code"] == "applied") for answer in answers] == [
        (1, True),
        (3, False),
        (4, True),
    ]
    assert ended.exit_code == 2
    assert _rows(home, "SELECT count(*) FROM customer") == [(2,)]


def test_customers_are_assigned_by_a_filter_after_a_dry_run(stocked: Run, home: Path) -> None:
    owners = "SELECT count(*) FROM customer c JOIN person p ON p.id = c.owner_id WHERE p.number = '6002'"
    words = ("assign", "--to", "lm", "--filter", "owner=6001,level=A", "--json")
    dry = stocked(*words, "--dry-run")
    assert json.loads(dry.stdout)["assigned"] == 1
    assert _rows(home, owners) == [(0,)]
    assert json.loads(stocked(*words).stdout) == {
        "assigned": 1,
        "refused": 0,
        "codes": [],
        "dry_run": False,
    }
    assert _rows(home, owners) == [(1,)]
    assert stocked(*words, by="6001").exit_code in {2, 3}
    assert stocked("assign", "--to", "lm").exit_code == 2
    assert stocked("assign", "--to", "lm", "--filter", "colour=red").exit_code == 2


def test_any_command_is_listed_with_its_fields_and_carried_out(founded: Run) -> None:
    known = [json.loads(line) for line in founded("do", "--list").stdout.splitlines()]
    create = next(one for one in known if one["command"] == "create_customer")
    assert "name" in create["fields"]["properties"]
    done = founded("do", "create_customer", "--json", '{"name": "赵六"}', by="6001")
    assert json.loads(done.stdout)["code"] == "applied"
    assert founded("do", "create_customer", "--json", '{"nam": "x"}', by="6001").exit_code == 2
    assert founded("do", "fly", "--json", "{}", by="6001").exit_code == 2
    assert founded("do", "create_customer", "--json", "{", by="6001").exit_code == 2
    not_allowed = founded("do", "create_product_line", "--json", '{"name": "x"}', by="6001")
    assert not_allowed.exit_code == 3


def test_the_version_is_said_without_any_data(home: Path) -> None:
    said = CliRunner().invoke(build_program(), ["--home", str(home), "--version"])
    assert said.stdout == f"crm-tui {version('crm-tui')}\n"
    assert not home.exists()


def test_a_home_without_data_is_said_and_stays_as_it_is(cli: Run, home: Path) -> None:
    for verb in (
        ("find", "x"),
        ("q", "13800138000 张三"),
        ("backup",),
        ("restore",),
        ("rescue",),
        ("doctor",),
    ):
        assert cli(*verb).exit_code in {0, 2}
        assert not home.exists()


def test_a_wrong_pin_or_an_unknown_person_does_nothing(stocked: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stocked("find", "张", by="9999").exit_code == 2
    monkeypatch.setenv("CRM_TUI_PIN", "1111")
    wrong = stocked("find", "张", by="6001")
    assert (wrong.exit_code, wrong.stdout) == (3, "")
    monkeypatch.delenv("CRM_TUI_PIN")
    assert stocked("find", "张", by="6001").exit_code == 3


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("phone", "１３８ ００１３ ８０００", "+8613800138000"),
        ("id", "11010519491231002x", "11010519491231002X"),
        ("uscc", "91350100m000100y43", "91350100M000100Y43"),
    ],
)
def test_a_value_is_normalised_without_any_data(cli: Run, kind: str, value: str, expected: str) -> None:
    assert cli("normalize", kind, value).stdout.strip() == expected
    assert json.loads(cli("normalize", kind, value, "--json").stdout)["value"] == expected


def test_a_name_has_its_pinyin_and_nonsense_ends_with_a_usage_error(cli: Run) -> None:
    assert "zhangsan" in json.loads(cli("normalize", "pinyin", "张三", "--json").stdout)["full"]
    assert cli("normalize", "phone", "12").exit_code == 2
    assert cli("normalize", "shoe", "42").exit_code == 2


def test_an_export_is_written_once_masked_and_within_the_limit(stocked: Run, tmp_path: Path) -> None:
    target = tmp_path / "list.csv"
    assert stocked("export", str(target), "--level", "A", by="6001").exit_code == 0
    text = target.read_text("utf-8-sig")
    assert "138****8000" in text
    assert "李四" not in text
    assert stocked("export", str(target), by="6001").exit_code == 2
    assert stocked("export", str(tmp_path / "list.doc"), by="6001").exit_code == 2
    assert stocked("export", str(tmp_path / "list.xlsx"), by="6001").exit_code == 0
    many = "".join(f"1390000{number:04d} 客{number}\n" for number in range(100))
    assert stocked("q", "-", by="6001", typed=many).exit_code == 0
    over = tmp_path / "over.csv"
    assert stocked("export", str(over), by="6001").exit_code == 3
    assert not over.exists()


def test_an_import_says_what_became_of_every_row_and_can_be_taken_back(
    founded: Run, home: Path, tmp_path: Path
) -> None:
    table = tmp_path / "customers.csv"
    table.write_text("姓名,手机\n张三,13800138000\n李四,13911112222\n坏,123\n", "utf-8")
    dry = founded("import", "customers", str(table), "--dry-run", "--json")
    assert (json.loads(dry.stdout)["created"], json.loads(dry.stdout)["refused"]) == (2, 1), dry.output
    assert _rows(home, "SELECT count(*) FROM customer") == [(0,)]
    real = founded("import", "customers", str(table), "--json")
    assert real.exit_code == 2
    assert (tmp_path / "customers.errors.csv").exists()
    assert _rows(home, "SELECT count(*) FROM customer") == [(2,)]
    batch = json.loads(real.stdout)["batch_id"]
    assert founded("import", "--undo", batch).exit_code == 0
    assert _rows(home, "SELECT count(*) FROM customer WHERE archived_at IS NULL") == [(0,)]
    assert founded("import").exit_code == 2


def test_a_report_is_one_json_object(stocked: Run) -> None:
    answer = json.loads(stocked("report", "summary", "--json").stdout)
    assert answer["report"] == "summary"
    assert len(answer["rows"]) >= 1
    assert stocked("report", "summary", "--csv").stdout.splitlines()[0].startswith(answer["columns"][0])
    assert stocked("report", "nothing").exit_code == 2
    assert stocked("report", "summary", "--branch", "nowhere").exit_code == 2


@pytest.mark.parametrize(
    "name", ["summary", "funnel", "dwell", "ageing", "backlog", "top", "cohort", "forecast"]
)
def test_every_column_of_a_report_has_a_title_of_its_own(name: str, stocked: Run) -> None:
    i18n.use("zh_CN")
    titles = [one.strip() for one in stocked("report", name).stdout.splitlines()[0].split("|")]
    assert len(set(titles)) == len(titles)
    assert [one for one in titles if one.replace("_", "").isascii()] == []


def test_a_report_is_cut_to_columns_and_rows_and_says_what_it_left_out(stocked: Run) -> None:
    stocked("q", "13733334444 王五 ¥300", by="6002")
    cut = stocked("report", "summary", "--by", "person", "--csv", "--columns", "person,deals", "--limit", "1")
    assert cut.stdout.splitlines() == ["person,deals", "李敏,1"]
    assert t("cli.more", shown=1, all=2) in cut.stderr
    assert stocked("report", "top", "--columns", "salary").exit_code == 2
    none = stocked("report", "top", "--fail-empty", "--json", by="6002")
    assert (none.exit_code, json.loads(none.stdout)["rows"]) == (1, [])


def test_an_organisation_is_founded_once(founded: Run) -> None:
    assert founded("init", "--company", "x", "--admin", "y").exit_code == 2


def test_a_backup_brings_the_data_back(stocked: Run, home: Path, tmp_path: Path) -> None:
    copy = Path(stocked("backup").stdout.strip())
    assert copy.parent == home / "backups"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    stocked("q", "13733334444 王五", by="6001")
    assert stocked("restore", str(copy)).exit_code == 0
    assert _rows(home, "SELECT count(*) FROM customer") == [(2,)]
    assert stocked("restore", str(tmp_path / "nothing.db")).exit_code == 2


def test_an_id_of_another_system_belongs_to_one_customer(stocked: Run) -> None:
    def made(name: str) -> Result:
        return stocked("do", "create_customer", "--json", json.dumps({"name": name, "external_id": "E1"}))

    assert made("first").exit_code == 0
    assert json.loads(made("second").stdout)["code"] == "external_id_taken"


def test_an_id_that_no_database_can_hold_is_refused(stocked: Run) -> None:
    stages = [
        {"code": kind, "name": kind, "kind": kind, "probability": 0} for kind in ("open", "won", "lost")
    ]
    fields = json.dumps({"pipeline_id": "\ud800", "name": "x", "stages": stages})
    assert stocked("do", "publish_pipeline", "--json", fields).exit_code == 2


@pytest.mark.parametrize("at", ["0001-01-01", "9999-12-31T23:59"])
def test_a_clock_beyond_what_a_time_zone_can_show_is_refused(at: str, stocked: Run) -> None:
    assert stocked("today", at=at).exit_code == 2


def test_a_pin_of_broken_bytes_is_a_wrong_pin(stocked: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_TUI_PIN", "\udcff\udcfe")
    assert stocked("today").exit_code == 3


def test_more_days_than_a_calendar_has_are_a_slip_of_the_finger(stocked: Run) -> None:
    assert stocked("overdue", "--days", "99999999999").exit_code == 2
    assert stocked("assign", "--to", "6002", "--filter", "overdue>99999999999").exit_code == 2


def test_restore_takes_the_newest_backup_and_saves_the_commands_of_the_damaged_file(
    stocked: Run, home: Path
) -> None:
    assert stocked("restore").exit_code == 2
    stocked("backup")
    stocked("q", "13733334444 王五", by="6001")
    with (home / "crm.db").open("r+b") as stream:
        stream.write(bytes(16))
    rescued = stocked("rescue")
    assert rescued.exit_code == 0
    assert (home / "crm.db").read_bytes()[:16] == bytes(16)
    assert stocked("restore").exit_code == 0
    assert _rows(home, "SELECT count(*) FROM customer") == [(2,)]
    for file in (Path(rescued.stdout.strip()), home / "crm.db.damaged-1.outbox-1.jsonl"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert json.loads(file.read_text("utf-8").splitlines()[-1])["args"]["name"] == "王五"


def test_the_doctor_finds_a_damaged_file_and_mends_open_permissions(stocked: Run, home: Path) -> None:
    def states() -> dict[str, str]:
        return {one["name"]: one["state"] for one in json.loads(stocked("doctor", "--json").stdout)}

    assert states()["integrity"] == states()["permissions"] == "good"
    for name in ("crm.db", "settings.toml", "trouble.log"):
        (home / name).touch()
        (home / name).chmod(0o644)
        assert states()["permissions"] == "bad"
        assert stocked("doctor").exit_code == 1
        stocked("doctor", "--fix")
        assert states()["permissions"] == "good"
    (home / "crm.db").write_bytes(b"not a database")
    damaged = stocked("doctor", "--json")
    assert damaged.exit_code == 1
    assert {one["name"]: one["state"] for one in json.loads(damaged.stdout)}["integrity"] == "bad"


def test_help_speaks_the_persons_language() -> None:
    for language, word in (("en", "List who is overdue"), ("zh_CN", "列出逾期客户")):
        i18n.use(language)
        shown = CliRunner().invoke(build_program(), ["--help"]).output
        assert word in shown
        assert "cli." not in shown
        assert "cli." not in CliRunner().invoke(build_program(), ["report", "--help"]).output


def every_verb(command: Any, *path: str) -> Iterator[tuple[str, ...]]:
    """Return the words that call each verb and each group of verbs."""
    yield path
    for name, below in getattr(command, "commands", {}).items():
        yield from every_verb(below, *path, name)


def test_no_word_of_a_help_page_is_left_in_the_other_language() -> None:
    i18n.use("zh_CN")
    program = build_program()
    for words in every_verb(get_command(program)):
        shown = CliRunner().invoke(program, [*words, "--help"]).output
        assert shown.startswith("用法: "), words
        foreign = (
            r"Usage|Options:|OPTIONS|Arguments:|ARGS|Commands:|COMMAND|Show this|default|required|env var"
        )
        left = re.findall(foreign, shown)
        assert not left, (words, left)


def test_a_key_with_two_meanings_on_one_screen_is_found() -> None:
    class Torn(BoardScreen):
        BINDINGS = [("f7", "one", "One"), ("f7", "two", "Two"), ("alt+x", "three", "Three")]  # noqa: RUF012

    assert conflicts([BoardScreen]) == []
    assert len(conflicts([Torn])) == 2
    assert any(line.startswith("Torn\tf7") for line in key_lines([Torn]))


@pytest.mark.parametrize(
    ("words", "en", "zh"),
    [
        (("fnid",), "There is no verb 'fnid'. Perhaps: 'find'", "没有 'fnid' 这个子命令，是否想写：'find'"),
        (("zzz",), "There is no verb 'zzz'.", "没有 'zzz' 这个子命令。"),
        (("hub", "invte"), "Perhaps: 'invite', 'init'", "是否想写：'invite', 'init'"),
        (("log",), "'who' is missing.", "缺少 'who'。"),
        (("init", "--admin", "x"), "'--company' is missing.", "缺少 '--company'。"),
        (("doctor", "--fixx"), "no option --fixx. Perhaps: --fix", "没有 --fixx 这个选项，是否想写：--fix"),
        (("--zzz",), "There is no option --zzz.", "没有 --zzz 这个选项。"),
        (("doctor", "--fix=3"), "'--fix' stands alone", "'--fix' 后面不带值"),
        (("hub", "devices", "--move"), "'--move' needs a value", "'--move' 后面要写值"),
        (("backup", "a", "b"), "More than is asked for: b.", "多余的内容：b。"),
        (("overdue", "--limit", "x"), "'--limit' is no number.", "'--limit' 不是数字。"),
        (("overdue", "--limit", "-1"), "too small: at least 0.", "太小：至少 0。"),
        (("overdue", "--days", "99999999999"), "too large: at most", "太大：最多"),
    ],
)
def test_a_line_that_cannot_be_read_is_told_in_the_persons_language(
    words: tuple[str, ...], en: str, zh: str, home: Path
) -> None:
    for language, expected in (("en", en), ("zh_CN", zh)):
        i18n.use(language)
        said = CliRunner().invoke(build_program(), ["--home", str(home), *words])
        assert (said.exit_code, said.stdout) == (2, "")
        assert expected in said.stderr
        assert all(one not in said.stderr for one in ("Error", "Usage", "No such", "Missing", "Invalid"))


def test_a_file_that_may_not_be_read_is_told_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home.parent / "list.csv").write_text("name\n", "utf-8")
    monkeypatch.setattr("os.access", lambda *_: False)
    said = CliRunner().invoke(build_program(), ["import", "customers", str(home.parent / "list.csv")])
    assert (said.exit_code, said.stdout) == (2, "")
    assert said.stderr.startswith("'file' cannot be read: the right to do so is missing.")
