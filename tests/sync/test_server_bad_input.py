"""What a terminal meets on its way to a hub: each is one sentence, and nothing is lost."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from crm_tui import i18n
from crm_tui.commands.customers import CreateCustomer
from crm_tui.desk import Desk
from crm_tui.desk.joining import join_hub
from crm_tui.desk.link import PROBE, Link
from crm_tui.domain.errors import Refused
from crm_tui.hub import accounts, founding, tokens
from crm_tui.hub.authority import Authority
from crm_tui.hub.books import HubBooks, set_meta
from crm_tui.hub.server import Server
from crm_tui.store import outbox
from crm_tui.store.backup import backup
from crm_tui.store.credentials import set_verifier
from crm_tui.store.engine import open_engine
from crm_tui.store.outbox import fact
from crm_tui.store.transaction import Transaction
from crm_tui.sync.http import HttpHub
from crm_tui.sync.joining import membership
from crm_tui.sync.machine import this_machine
from crm_tui.sync.messages import HubError, LogInRequest, Say
from crm_tui.widgets.refusal import refusal

pytestmark = pytest.mark.usefixtures("in_a_file")
Answer = tuple[int, bytes, dict[str, str]]


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """Run a server at a real socket that says the same to everybody; yields its URL."""
    status, body, headers = answer

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        do_GET = do_POST = _answer  # noqa: N815 - the names http.server looks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def serving(authority: Any, **tls: Any) -> Iterator[int]:
    """Serve a hub at a real socket; yields the port."""
    config = uvicorn.Config(
        Server(authority).application(), host="127.0.0.1", port=0, log_level="critical", **tls
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive(), "the hub could not be started"
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


def no_of(deed: Callable[[], Any]) -> HubError | Refused:
    """Return how a deed was refused; it must have a sentence in both languages."""
    with pytest.raises((HubError, Refused)) as caught:
        deed()
    no = caught.value
    before = i18n.language()
    for language in i18n.LANGUAGES:
        i18n.use(language)
        sentence = refusal(no.code, no.details)
        assert sentence
        assert "{" not in sentence
        assert sentence != refusal("said_otherwise", {"code": no.code})
    i18n.use(before)
    return no


def state(terminal: Any) -> Any:
    """Return all that a terminal holds, whatever it is for."""
    with terminal.desk._books.read() as tx:
        names = tx.connection.exec_driver_sql("SELECT name FROM sqlite_schema WHERE type = 'table'")
        return {
            name: tx.connection.exec_driver_sql(f'SELECT * FROM "{name}"').fetchall()
            for (name,) in names.fetchall()
            if "_fts" not in name and not name.startswith("sqlite_")
        }


@pytest.fixture
def till(hub_url: str, authority: Any, office: Any, tmp_path: Path) -> Iterator[Any]:
    """A terminal that has joined over HTTP, with one command that waits."""
    made = Till(hub_url, authority, office, tmp_path / "till" / "crm.db")
    yield made
    made.desk.close()


class Till:
    """A terminal, and how it fares with whatever it takes for its hub."""

    def __init__(self, url: str, authority: Any, office: Any, database: Path) -> None:
        code = accounts.invite_terminal(authority.books, office.units["Jingan"], "till").code
        stranger = HttpHub(url)
        join_hub(database, stranger, url, code)
        stranger.close()
        line = office.desk._writer
        ids = office.desk._books.ids
        self.desk = Desk(open_engine(database), clock=office.clock, ids=ids, writer=line, reader=line)
        with self.desk._books.read() as tx:
            self.member = membership(tx)
        self.url = url
        hub = self.at(url)
        person, pin = office.people["6001"], office.pin
        answer = hub.log_in(LogInRequest(person_id=person, pin=pin))
        self.meet(hub)
        with self.desk._books.write() as tx:
            set_verifier(tx, person, answer.verifier)
        self.desk.log_in(person, pin)
        (verdict,) = self.desk.carry_out(CreateCustomer(name="等待客"))
        assert verdict.applied

    def meet(self, hub: Any) -> Any:
        """Run one round with a hub."""
        try:
            return Link(self.desk._books, hub, machine=this_machine()).run()
        finally:
            hub.close()

    def at(self, url: str, **more: Any) -> HttpHub:
        """Return this terminal's way to another URL."""
        return HttpHub(url, self.member.device_id, self.member.secret, **more)


HTML = b"<html><body>Welcome to nginx!</body></html>"
WRONG: dict[str, tuple[Answer, str]] = {
    "a page": ((200, HTML, {"Content-Type": "text/html"}), Say.NOT_A_HUB),
    "a page that is not there": ((404, HTML, {}), Say.NOT_A_HUB),
    "another place": ((308, b"", {"Location": "https://elsewhere.invalid/"}), Say.NOT_A_HUB),
    "a server that takes TLS alone": ((400, HTML, {}), Say.WANTS_TLS),
    "a proxy that wants a password": ((401, HTML, {}), Say.NOT_A_HUB),
    "a server that has broken down": ((500, HTML, {}), Say.RETRY),
    "a proxy without its hub": ((502, HTML, {}), Say.UNREACHABLE),
    "half a text": ((200, b'{"token": "x', {}), Say.NOT_A_HUB),
    "another text": ((200, b'["token"]', {}), Say.NOT_A_HUB),
    "numbers that nobody can count": ((200, b'{"token": "x", "seconds": 1e999}', {}), Say.NOT_A_HUB),
    "nothing": ((200, b"", {}), Say.NOT_A_HUB),
    "less than was said": ((200, b"{", {"Content-Length": "100"}), Say.UNREACHABLE),
    "what is not packed": ((200, HTML, {"Content-Encoding": "gzip"}), Say.UNREACHABLE),
    "half of what is packed": (
        (200, gzip.compress(HTML * 50)[:60], {"Content-Encoding": "gzip"}),
        Say.NOT_A_HUB,
    ),
    "a no of a newer hub": ((409, b'{"code": "hub_retry", "news": 1}', {}), Say.RETRY),
}


@pytest.mark.parametrize("what", WRONG)
def test_whatever_answers_in_the_hubs_place_changes_nothing_and_the_hub_is_found_again(
    what: str, till: Any
) -> None:
    answer, code = WRONG[what]
    before = state(till)
    with answering(answer) as url:
        assert no_of(lambda: till.meet(till.at(url))).code == code
    assert state(till) == before
    assert till.meet(till.at(till.url)).sent == 1


def test_a_hub_that_is_gone_behind_its_proxy_is_looked_for_like_one_that_is_gone(till: Any) -> None:
    with answering((503, HTML, {})) as url:
        link = Link(till.desk._books, till.at(url), machine=this_machine())
        assert no_of(link.run).code == Say.UNREACHABLE
        assert link.state().online is False
        assert no_of(link._look).code == Say.UNREACHABLE
        link._hub.close()
    link._hub = till.at(till.url)
    assert link._look() == PROBE
    assert link._wanted.is_set()
    link._hub.close()


def test_a_code_that_this_program_does_not_know_is_a_sentence_too(till: Any) -> None:
    body = json.dumps({"code": "hub_of_tomorrow", "details": {"x": 1}}).encode()
    with answering((409, body, {})) as url, pytest.raises(HubError) as caught:
        till.meet(till.at(url))
    assert "hub_of_tomorrow" in refusal(caught.value.code, caught.value.details)
    assert "{" not in refusal("hub_slow_down", {})


@pytest.mark.parametrize("url", ["http://[bad", "http://host:99999999", "http://\u0000", "https://"])
def test_an_address_that_is_none_is_told_as_such(url: str) -> None:
    assert no_of(lambda: HttpHub(url).card()).code in {"hub_url_unknown", Say.UNREACHABLE}


def test_nobody_at_the_address_is_unreachable_and_nothing_is_joined(tmp_path: Path) -> None:
    with answering((200, b"", {})) as url:
        pass
    hub = HttpHub(url)
    no = no_of(lambda: join_hub(tmp_path / "crm.db", hub, url, "AAAA-BBBB-CCCC"))
    hub.close()
    assert no.code == "join_unreachable"
    engine = open_engine(tmp_path / "crm.db")
    with engine.connect() as connection:
        assert fact(Transaction(connection), "hub_url") == ""
    engine.dispose()


def test_a_token_that_ends_in_the_middle_of_a_round_is_renewed(till: Any, clock: Any) -> None:
    class Slow(HttpHub):
        def pull(self, request: Any) -> Any:
            clock.move(seconds=tokens.SECONDS + 1)
            return super().pull(request)

    till.meet(Slow(till.url, till.member.device_id, till.member.secret))
    with till.desk._books.read() as tx:
        assert outbox.pending(tx) == []


def test_a_hub_that_is_older_or_wants_a_newer_program_says_which(till: Any) -> None:
    for code, details in ((Say.HUB_OLDER, {"most": 0}), (Say.UPGRADE_REQUIRED, {"least": 9})):
        before = state(till)
        body = json.dumps({"code": code, "details": details}).encode()
        with answering((426, body, {})) as url:
            assert no_of(lambda url=url: till.meet(till.at(url))).code == code
        assert state(till) == before


@pytest.fixture
def other_hub(
    tmp_path: Path, clock: Any, ids: Any, found: Any, in_line: Any
) -> Iterator[tuple[str, Authority]]:
    """The hub of another organisation, at a real socket."""
    desk = Desk(
        open_engine(tmp_path / "other" / "crm.db"), clock=clock, ids=ids, writer=in_line, reader=in_line
    )
    found(desk)
    backup(desk._books.path, tmp_path / "other" / "hub.db")
    desk.close()
    books = HubBooks.open(f"sqlite:///{tmp_path / 'other' / 'hub.db'}", clock=clock)
    founding.found(books)
    authority = Authority(books, ids)
    with serving(authority) as port:
        yield f"http://127.0.0.1:{port}", authority
    books.close()


@pytest.mark.parametrize("knows_it", [False, True])
def test_the_hub_of_other_people_gets_nothing_and_gives_nothing(
    till: Any, other_hub: Any, *, knows_it: bool
) -> None:
    url, authority = other_hub
    if knows_it:  # a copy of a terminal once joined both: only the organisation tells them apart
        with authority.books.write() as tx:
            accounts.enrol(
                tx,
                authority.books.clock(),
                device_id=till.member.device_id,
                unit_id="u",
                name="till",
                machine="m",
                app_version="",
            )
            tx.connection.exec_driver_sql(
                "UPDATE device SET secret_hash = ?", (sha256(till.member.secret.encode()).hexdigest(),)
            )
    before = state(till)
    no = no_of(lambda: till.meet(till.at(url)))
    assert (no.code, no.details["organisation"]) == (Say.OTHER, "Haitang")
    assert state(till) == before
    assert till.meet(till.at(till.url)).sent == 1


def test_the_same_organisation_with_another_epoch_is_the_same_hub(till: Any, authority: Any) -> None:
    with authority.books.write() as tx:
        set_meta(tx, epoch="later")
    till.meet(till.at(till.url))
    with till.desk._books.read() as tx:
        assert fact(tx, "hub_epoch") == "later"


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for the name localhost alone, and its key; ``old.pem`` has ended."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate")
    folder = tmp_path_factory.mktemp("tls")
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    files = ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"]
    again = "req -new -key key.pem -subj /CN=localhost -out old.csr"
    ended = "x509 -req -in old.csr -signkey key.pem -days -1 -out old.pem"
    for line in ([*words.split(), *files], again.split(), ended.split()):
        subprocess.run([openssl, *line], cwd=folder, check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


def test_a_certificate_is_trusted_by_name_and_authority_and_what_lacks_is_said(
    authority: Any, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    ours, key = certificate
    with ExitStack() as stack:
        port = stack.enter_context(serving(authority, ssl_certfile=ours, ssl_keyfile=key))
        clear = stack.enter_context(serving(authority))
        old = ours.with_name("old.pem")
        ended = stack.enter_context(serving(authority, ssl_certfile=old, ssl_keyfile=key))
        right = HttpHub(f"https://localhost:{port}", authority=ours)
        assert right.card().organisation == "Haitang"
        right.close()
        for url, trusted, code in (
            (f"https://localhost:{port}", None, Say.TLS),
            (f"https://127.0.0.1:{port}", ours, Say.TLS_NAME),
            (f"https://localhost:{clear}", ours, Say.NO_TLS),
            (f"http://localhost:{port}", None, Say.WANTS_TLS),
            (f"https://localhost:{ended}", old, Say.TLS_TIME),
        ):
            hub = HttpHub(url, authority=trusted)
            assert no_of(hub.card).code == code
            hub.close()
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate")
    for path in (tmp_path / "missing.pem", empty):
        hub = HttpHub("https://localhost", authority=path)  # work goes on without it
        assert no_of(hub.card).code == "certificate_missing"
        hub.close()


def test_a_proxy_that_leads_to_https_at_the_same_place_wants_https() -> None:
    for status in (301, 302, 307, 308):
        for place, code in (("https://127.0.0.1/v1/card", Say.WANTS_TLS), ("/v1/", Say.NOT_A_HUB)):
            with answering((status, b"", {"Location": place})) as url:
                hub = HttpHub(url)
                assert no_of(hub.card).code == code
                hub.close()
