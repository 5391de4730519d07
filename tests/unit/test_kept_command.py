"""A refused command is read back in words: labels, codes and times, never ids."""

from datetime import UTC, datetime

import pytest

from crm_tui import i18n
from crm_tui.commands import by_kind
from crm_tui.i18n import t
from crm_tui.queries.outbox import CommandLine
from crm_tui.queries.outbox_words import NAMED
from crm_tui.widgets.kept_command import _fields, correction, typed_lines

AT = datetime(2026, 1, 8, 2, 42, tzinfo=UTC)


@pytest.fixture(params=i18n.LANGUAGES)
def spoken(request):
    """Each language in turn."""
    before = i18n.language()
    i18n.use(request.param)
    yield
    i18n.use(before)


def line(kind, args, **more):
    return CommandLine("1", kind, AT, "rejected", "", {}, args, "somebody", **more)


@pytest.mark.usefixtures("spoken")
def test_what_was_typed_is_read_in_words():
    said = {
        "customer_id": "c1",
        "channel": "phone",
        "result": "reached",
        "need_change": "想要大一点的",
        "objections": ["price", "family"],
        "next_step": "再约",
        "next_at": "2026-01-10T02:42:00Z",
    }
    told = "\n".join(typed_lines(line("log_follow_up", said), lambda at: f"{at:%d %H:%M}"))
    words = [t(f"follow_up.{one}") for one in ("channel.phone", "result.reached", "objection.family")]
    assert all(one in told for one in (*words, "想要大一点的", "10 02:42"))
    assert "c1" not in told


@pytest.mark.usefixtures("spoken")
def test_rows_of_an_import_are_counted():
    told = typed_lines(line("import_rows", {"batch_id": "b", "rows": [{"name": "甲"}, {"name": "乙"}]}), str)
    assert told == [f"{t('field.rows')}: 2"]


def test_an_id_is_read_by_its_name_and_is_not_typed_again():
    i18n.use("en")
    given = line(
        "create_deal", {"customer_id": "c1", "title": "沙发", "line_id": "l1"}, words={"line_id": "家具"}
    )
    assert typed_lines(given, str) == ["title: 沙发", f"{t('field.line_id')}: 家具"]
    assert [spec.key for spec in correction(given)[0]] == ["title"]


def test_a_level_is_chosen_as_in_its_own_form():
    specs, values = correction(line("edit_customer", {"customer_id": "c1", "level": "B"}))
    (level,) = specs
    assert (level.kind, values) == ("choice", {"level": "B"})
    assert [one.value for one in level.choices] == ["A", "B", "C", "D", "E"]


def test_every_field_that_somebody_fills_has_a_name():
    i18n.use("zh_CN")  # in English a field may well be called what the program calls it
    unnamed = {
        kind
        for kind, model in by_kind().items()
        for spec, _ in _fields(
            line(kind, dict.fromkeys(model.model_fields, 1), words=dict.fromkeys(NAMED, "x"))
        )
        if spec.key in model.model_fields
        if spec.label == spec.key
    }
    assert unnamed == {"found_organisation"}, "which no hub ever refuses"
