"""The hub's endpoints under whatever anybody may send: a clear code, never a 500, and nothing changed."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_tui.hub import accounts, tokens
from crm_tui.hub.books import meta_value
from crm_tui.hub.server import LARGEST_BODY, LARGEST_OF_STRANGERS, Server
from crm_tui.sync.messages import JoinRequest, Say

pytestmark = pytest.mark.usefixtures("in_a_file")
CODES = {*map(str, Say)}
PATHS = (
    *("card", "join", "token", "fork", "push", "pull", "wait", "log_in", "choose_pin", "reset_pin", "unlock"),
    *("lease", "position", "devices", "", "../card", "nothing"),
)
TROUBLE = {400, 401, 403, 404, 405, 409, 413, 422, 426, 429, 503}
SEALED = {
    "seq": 1,
    "cmd_id": "c",
    "batch_id": "",
    "actor_id": "a",
    "kind": "create_customer",
    "version": 1,
    "args": {"name": "x"},
    "at": 1,
}
MESSAGES: dict[str, dict[str, Any]] = {
    "join": {"code": "AAAA", "machine": "m", "protocol": 1},
    "token": {"device_id": "d", "secret": "s"},
    "fork": {"machine": "m"},
    "push": {"epoch": "e", "protocol": 1, "now": 1, "commands": [SEALED]},
    "pull": {
        "epoch": "e",
        "protocol": 1,
        "scope_hash": "",
        "cursors": {"": 1},
        "first_pending": 1,
        "upto": {"": 1},
        "after": {"space": "", "rev": 1, "table": "customer", "key": "k"},
    },
    "wait": {"cursors": {"": 1}, "seconds": 0},
    "log_in": {"person_id": "p", "pin": "1234"},
    "choose_pin": {"person_id": "p", "pin": "1234"},
    "reset_pin": {"actor_id": "a", "person_id": "p"},
    "unlock": {"actor_id": "a", "person_id": "p"},
    "lease": {"person_id": "p", "customer_id": "c", "holder": "h", "done": False},
    "position": {},
    "devices": {"person_id": "p"},
}


class Target:
    """A hub without a socket, whose limits are never reached, and a watch on what it writes."""

    def __init__(self, authority: Any, device: Any) -> None:
        steady = itertools.count(0, 120)
        self.application = Server(authority, lambda: next(steady)).application()
        with authority.books.read() as tx:
            key, self.epoch = meta_value(tx, "key"), meta_value(tx, "epoch")
        self.device = device
        self.token = tokens.sign(key, device.device_id, authority.books.now)
        self._file = sqlite3.connect(authority.books.engine.url.database)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: bytes | str) -> httpx.Response:
        """Return the response to one request."""

        async def send() -> httpx.Response:
            way = httpx.ASGITransport(self.application, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=way, base_url="http://hub/v1/") as client:
                named = {name.replace("_", "-"): value for name, value in headers.items()}
                return await client.request(method, path, content=body, headers=named)

        return asyncio.run(send())

    def say(self, path: str, message: Any, **headers: bytes | str) -> httpx.Response:
        """Return the response to a message in the terminal's name."""
        return self.ask("POST", path, json.dumps(message).encode(), **self.proof(), **headers)

    def proof(self) -> dict[str, str]:
        """Return the header with which the terminal proves itself."""
        return {"Authorization": f"Bearer {self.token}"}

    def writes(self) -> int:
        """Return a number that changes whenever anybody writes into the database."""
        return int(self._file.execute("PRAGMA data_version").fetchone()[0])

    def everything(self) -> dict[str, list[Any]]:
        """Return every row of every table."""
        names = [
            name for (name,) in self._file.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        ]
        return {name: self._file.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}

    def close(self) -> None:
        """Let the file go."""
        self._file.close()


@pytest.fixture
def target(authority: Any, office: Any) -> Iterator[Target]:
    """A hub with one terminal."""
    code = accounts.invite_terminal(authority.books, office.units["Jingan"], "till").code
    made = Target(authority, authority.join(JoinRequest(code=code, machine="m", protocol=1)))
    yield made
    made.close()


def fair(response: httpx.Response) -> None:
    """Assert that a request was answered as a hub should answer, whatever it was."""
    assert response.status_code in TROUBLE | {200}, (response.status_code, response.text)
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"
    assert "Traceback" not in response.text
    if response.status_code not in {200, 404, 405}:
        told = response.json()
        assert told["refused"] or told["code"] in CODES


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=10,
)


@st.composite
def twisted(draw: st.DrawFn) -> tuple[str, Any]:
    """Draw a message of the protocol with one part replaced, left out or added."""
    path = draw(st.sampled_from(sorted(MESSAGES)))
    message = json.loads(json.dumps(MESSAGES[path]))
    inside = message
    while True:
        name = draw(st.sampled_from([*inside, "other"]))
        deeper = inside.get(name)
        if isinstance(deeper, list) and deeper:
            deeper = deeper[0]
        if not isinstance(deeper, dict) or not deeper or draw(st.booleans()):
            break
        inside = deeper
    if draw(st.booleans()):
        inside[name] = draw(plain)
    else:
        inside.pop(name, None)
    return path, message


@st.composite
def packed(draw: st.DrawFn) -> tuple[bytes, str]:
    """Draw bytes and the name of a packing that they may or may not have, whole or cut."""
    raw = draw(st.binary(max_size=200) | st.just(json.dumps(MESSAGES["pull"]).encode()))
    forms: list[Callable[[bytes], bytes]] = [bytes, gzip.compress, zstandard.ZstdCompressor().compress]
    body = draw(st.sampled_from(forms))(raw)
    cut = draw(st.integers(0, len(body)))
    name = draw(st.sampled_from(["", "identity", "gzip", "zstd", "br", "gzip, zstd", "\u00ff"]))
    return body[: cut or len(body)], name


FUZZ = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(
    path=st.sampled_from(PATHS),
    method=st.sampled_from(["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS"]),
    content=packed(),
    proof=st.none()
    | st.just("good")
    | st.binary(max_size=60).map(lambda raw: b"Bearer " + raw.hex().encode()),
)
def test_bytes_that_are_no_message_change_nothing(
    target: Target, path: str, method: str, content: tuple[bytes, str], proof: Any
) -> None:
    before = target.writes()
    headers: dict[str, Any] = {}
    if content[1]:
        headers["Content_Encoding"] = content[1].encode("latin-1")
    if proof is not None:
        headers |= target.proof() if proof == "good" else {"Authorization": proof}
    response = target.ask(method, path, content[0], **headers)
    if method == "HEAD":
        assert response.status_code in TROUBLE | {200}
    else:
        fair(response)
    assert target.writes() == before


@FUZZ
@given(sent=twisted())
def test_a_message_with_a_part_that_is_wrong_changes_nothing_but_what_it_may(
    target: Target, sent: tuple[str, Any]
) -> None:
    path, message = sent
    before, writes = target.everything(), target.writes()
    response = target.say(path, message)
    fair(response)
    if response.status_code != 200:
        assert target.writes() == writes
    elif path != "fork":
        assert target.everything() == before


@FUZZ
@given(part=st.sampled_from(sorted(SEALED)), value=plain)
def test_a_command_with_a_part_that_is_wrong_is_answered_and_carried_out_by_nobody(
    target: Target, part: str, value: Any
) -> None:
    before = target.everything()
    push = MESSAGES["push"] | {"epoch": target.epoch, "commands": [SEALED | {part: value}]}
    response = target.say("push", push)
    fair(response)
    after = target.everything()
    if response.status_code == 200:
        for table in ("command_log", "device", "review", "command_alias"):
            before.pop(table), after.pop(table)
    assert after == before


def test_what_was_sent_twice_is_answered_twice_and_done_once(target: Target) -> None:
    push = MESSAGES["push"] | {"epoch": target.epoch}
    first = target.say("push", push).json()["acks"]
    kept = {name: rows for name, rows in target.everything().items() if name != "device"}
    again = target.say("push", push).json()["acks"]
    assert first == again
    assert {name: rows for name, rows in target.everything().items() if name != "device"} == kept
    other = push | {"commands": [SEALED | {"cmd_id": "other"}]}
    assert target.say("push", other).json()["code"] == Say.FORKED


def test_a_bomb_is_refused_before_it_unfolds(target: Target) -> None:
    before = target.writes()
    huge = b" " * (LARGEST_BODY + 1)
    for body, packing in (
        (zstandard.ZstdCompressor().compress(huge), "zstd"),
        (gzip.compress(huge), "gzip"),
    ):
        assert len(body) < 64 * 1024
        answer = target.ask("POST", "push", body, Content_Encoding=packing, **target.proof())
        assert (answer.status_code, answer.json()["code"]) == (413, Say.TOO_LARGE)
    assert target.ask("POST", "push", huge, **target.proof()).status_code == 413
    assert target.ask("POST", "join", b" " * (LARGEST_OF_STRANGERS + 1)).status_code == 413
    nested = b"[" * 100_000
    assert target.ask("POST", "push", nested, **target.proof()).status_code == 400
    assert target.writes() == before


def test_every_answer_has_its_headers_even_where_there_is_nothing(target: Target) -> None:
    answers = {
        200: target.ask("GET", "card"),
        404: target.ask("GET", "nothing"),
        405: target.ask("GET", "push"),
        401: target.ask("POST", "push"),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        fair(answer)
        assert answer.headers["content-security-policy"] == "default-src 'none'"
        assert "location" not in answer.headers
        assert "server" not in answer.headers
    assert target.ask("GET", "card/").status_code == 404
