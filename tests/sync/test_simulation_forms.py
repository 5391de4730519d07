"""The forms in which rows and messages travel: what goes in comes out, and what was changed is noticed."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_tui.hub.chain import chain, chain_hash
from crm_tui.store.replicated import key_text, key_values, row_key
from crm_tui.store.tables import customer, stage
from crm_tui.sync import wire
from crm_tui.sync.digests import fingerprint
from crm_tui.sync.messages import Gone, HubError, PullAnswer, Say, TableRows
from crm_tui.sync.spool import Spool

QUIET = settings(max_examples=60, deadline=None, derandomize=True, database=None)
WORDS = st.text(st.characters(exclude_characters="\x1f", exclude_categories=("Cs",)), max_size=30)
VALUES = st.none() | st.integers(-(2**63), 2**63 - 1) | WORDS
ROWS = st.lists(st.lists(VALUES, min_size=2, max_size=2), max_size=5)
FUNNY = ("a/b", "a b", "it's", 'so "so"', "🧧", "𠮷野家", "%2F", "\\", "\u200b", "é")


def _page(rows: list[list[Any]], keys: list[str]) -> PullAnswer:
    return PullAnswer(
        epoch="e",
        scope=["", "b"],
        scope_hash="h",
        upto={"": 3},
        put=[TableRows(table="customer", columns=["id", "name"], rows=rows)],
        gone=[Gone(table="deal", keys=keys)],
    )


@pytest.mark.parametrize("word", FUNNY)
def test_a_key_of_any_letters_comes_back_exactly(word: str) -> None:
    assert key_values(customer, key_text([word])) == (word,)
    assert key_values(stage, key_text([word, 3, word])) == (word, 3, word)
    assert row_key(stage, {"code": "c", "version": 2, "pipeline_id": word}) == f"{word}\x1f2\x1fc"


@QUIET
@given(WORDS, st.integers(0, 99), WORDS)
def test_no_two_keys_are_the_same_text(word: str, version: int, code: str) -> None:
    assert key_values(stage, key_text((word, version, code))) == (word, version, code)


@QUIET
@given(ROWS, st.lists(WORDS, max_size=4), st.sampled_from(("zstd", "gzip", "")))
def test_a_message_arrives_as_it_was_sent(rows: list[list[Any]], keys: list[str], spoken: str) -> None:
    sent = _page(rows, keys)
    body, packing = wire.pack(wire.write(sent) + b" " * 2_000, spoken)
    assert wire.read(wire.unpack(body, packing), PullAnswer) == sent


@QUIET
@given(st.binary(max_size=200), st.sampled_from(("zstd", "gzip", "br")))
def test_bytes_that_are_no_message_are_refused(body: bytes, packing: str) -> None:
    with pytest.raises(HubError) as no:
        wire.read(wire.unpack(body, packing), PullAnswer)
    assert no.value.code in {Say.MALFORMED, Say.TOO_LARGE}


def test_a_message_that_unpacks_to_too_much_is_refused() -> None:
    body, packing = wire.pack(b"0" * 100_000, "zstd")
    with pytest.raises(HubError) as no:
        wire.unpack(body, packing, largest=99_999)
    assert no.value.code == Say.TOO_LARGE
    assert wire.unpack(body, packing, largest=100_000) == b"0" * 100_000


@QUIET
@given(st.lists(ROWS, max_size=5))
def test_pages_come_out_of_the_spool_in_their_order(pages: list[list[list[Any]]]) -> None:
    spool = Spool(io.BytesIO())
    assert spool.empty
    for rows in pages:
        spool.keep(_page(rows, []))
    assert spool.empty is not bool(pages)
    for _ in range(2):
        assert list(spool.read()) == [_page(rows, []) for rows in pages]


@QUIET
@given(st.lists(VALUES, min_size=1), st.data())
def test_another_row_has_another_fingerprint(row: list[Any], data: st.DataObject) -> None:
    assert fingerprint(row) == fingerprint(tuple(row))
    assert 0 <= fingerprint(row) < 2**60
    place = data.draw(st.integers(0, len(row) - 1))
    other = [*row[:place], f"{row[place]}!", *row[place + 1 :]]
    assert fingerprint(other) != fingerprint(row)


def _entries() -> list[dict[str, Any]]:
    at = datetime(2026, 1, 8, tzinfo=UTC)
    shared = {"device_id": "d", "actor_id": "p", "kind": "k", "version": 1, "client_at": at, "hub_at": at}
    answered = {"status": "applied", "code": "", "details": {}}
    shared |= {"batch_id": "b", "supersedes": "", "address": ""}
    return [
        {**shared, **answered, "cmd_id": f"c{seq}", "seq": seq, "args": {"name": "𠮷", "n": seq}}
        for seq in range(1, 5)
    ]


TAMPERED = (
    {"cmd_id": "x"},
    {"device_id": "x"},
    {"seq": 9},
    {"actor_id": "x"},
    {"kind": "x"},
    {"version": 2},
    {"args": {"name": "x"}},
    {"client_at": datetime(2026, 1, 9, tzinfo=UTC)},
    {"hub_at": datetime(2026, 1, 9, tzinfo=UTC)},
    {"status": "rejected"},
    {"code": "x"},
    {"details": {"x": 1}},
    {"batch_id": "x"},
    {"supersedes": "x"},
    {"address": "x"},
)


@pytest.mark.parametrize("change", TAMPERED)
def test_a_log_that_was_tampered_with_no_longer_fits_its_chain(change: dict[str, Any]) -> None:
    made = list(chain("", _entries()))
    assert [entry["prev_hash"] for entry in made] == ["", *(entry["hash"] for entry in made[:-1])]
    for place in range(len(made)):
        spoilt = {**made[place], **change}
        assert chain_hash(spoilt["prev_hash"], spoilt) != made[place]["hash"]


def test_an_entry_that_was_taken_out_breaks_the_chain() -> None:
    made = list(chain("", _entries()))
    assert made[2]["prev_hash"] != made[0]["hash"]
