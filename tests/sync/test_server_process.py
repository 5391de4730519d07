"""The hub as processes of their own: its verbs, a proxy before it, two on one file, and its end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from crm_tui.cli.program import build_program
from crm_tui.hub import accounts
from crm_tui.sync.http import HttpHub
from crm_tui.sync.messages import JoinRequest, PullRequest

pytestmark = pytest.mark.usefixtures("in_a_file")
SPOKEN = {"CRM_LANG": "en", "PYTHONIOENCODING": "utf-8"}
VERB = [sys.executable, "-m", "crm_tui"]

Serve = Callable[..., tuple[str, "subprocess.Popen[str]"]]


@pytest.fixture
def database(hub_books: Any) -> str:
    """The URL of the hub's file."""
    return f"sqlite:///{hub_books.engine.url.database}"


@pytest.fixture
def environment(database: str) -> dict[str, str]:
    """The environment in which verbs find the hub."""
    return os.environ | SPOKEN | {"CRM_TUI_HUB_DB": database}


@pytest.fixture
def serve(environment: dict[str, str]) -> Iterator[Serve]:
    """Start ``hub serve``; returns its URL and the process."""
    running: list[subprocess.Popen[str]] = []

    def start(*options: str) -> tuple[str, subprocess.Popen[str]]:
        process = subprocess.Popen(
            [*VERB, "hub", "serve", "--port", "0", *options],
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environment,
        )
        running.append(process)
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("Serving at http"), line + process.stderr.read()
        return line.split()[2].rstrip(";"), process

    yield start
    for process in running:
        process.kill()
        process.communicate()


def joined(url: str, books: Any, unit_id: str) -> tuple[HttpHub, Any]:
    """Let a terminal join over HTTP."""
    stranger = HttpHub(url)
    ages = timedelta(days=36_500)  # the processes have the machine's own clock
    code = accounts.invite_terminal(books, unit_id, "till", valid=ages).code
    answer = stranger.join(JoinRequest(code=code, machine="m", protocol=1))
    stranger.close()
    return HttpHub(url, answer.device_id, answer.secret), answer


def pulled(hub: HttpHub, epoch: str) -> Any:
    """Return the first page of everything."""
    asked = PullRequest(epoch=epoch, protocol=1, scope_hash="", cursors={}, first_pending=1)
    return hub.pull(asked)


def test_the_verbs_of_a_hub_speak_json_and_reach_one_that_serves(
    serve: Serve, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_TUI_HUB_DB", database)

    def verb(*words: str, code: int = 0) -> Any:
        done = CliRunner().invoke(build_program(), ["--home", str(tmp_path / "till"), *words])
        assert done.exit_code == code, (done.output, done.exception)
        return json.loads(done.stdout) if "--json" in words else done.output

    url, _ = serve()
    invited = verb("hub", "invite", "Jingan", "--name", "till", "--url", url, "--json")
    assert invited["unit"] == "Jingan"
    assert verb("join", f"{url}#{invited['code']}", "--json")["unit"] == "Jingan"
    plain = verb("hub", "invite", "Jingan", "--url", url)
    assert f"crm-tui join {url} --code " in plain
    assert "\u2588" not in plain  # a code to be photographed is for a terminal alone
    (till,) = verb("hub", "devices", "--freeze", "till", "--json")
    assert (till["name"], till["unit"], till["status"], till["skew"]) == ("till", "Jingan", "frozen", 0)
    assert "frozen by the hub" in verb("sync", "--once", code=4)
    assert verb("hub", "seats", "--json") == []
    assert "--to" in verb("hub", "devices", "--move", "till", code=2)


def test_a_port_that_is_taken_is_told_in_one_line(serve: Serve, environment: dict[str, str]) -> None:
    url, _ = serve()
    done = subprocess.run(
        [*VERB, "hub", "serve", "--port", str(urlsplit(url).port)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert "listens at 127.0.0.1" in line


def test_two_processes_serve_one_file_and_news_of_one_wake_those_who_wait_at_the_other(
    serve: Serve, hub_books: Any, office: Any
) -> None:
    one, _ = serve()
    two, _ = serve()
    first, member = joined(one, hub_books, office.units["Jingan"])
    second = HttpHub(two, member.device_id, member.secret)
    assert pulled(first, member.epoch).put == pulled(second, member.epoch).put
    cursors = dict(pulled(second, member.epoch).upto)
    assert second.wait(cursors, 0) is False
    answers: list[bool] = []
    waiting = threading.Thread(target=lambda: answers.append(second.wait(cursors, 60)))
    waiting.start()
    with hub_books.write() as tx:
        tx.connection.exec_driver_sql("UPDATE space_rev SET rev = rev + 1 WHERE space = ''")
    waiting.join(50)
    assert answers == [True]
    first.close()
    second.close()


@contextmanager
def proxy(target: str, prefix: str) -> Iterator[str]:
    """Run a small reverse proxy that hands on what is below a prefix, as it is; yields its URL."""
    port = urlsplit(target).port

    class Handler(BaseHTTPRequestHandler):
        def _hand_on(self) -> None:
            if not self.path.startswith(prefix):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            behind = HTTPConnection("127.0.0.1", port)
            behind.request(
                self.command, self.path, body, dict(self.headers) | {"X-Forwarded-For": "10.9.8.7"}
            )
            answer = behind.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"transfer-encoding", "connection"}:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
            behind.close()

        do_GET = do_POST = _hand_on  # noqa: N815 - the names http.server looks for

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}{prefix}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_hub_works_below_a_path_of_a_proxy_and_knows_who_is_behind_it(
    serve: Serve, hub_books: Any, office: Any
) -> None:
    url, _ = serve("--prefix", "/crm/", "--proxy", "127.0.0.1")
    assert url.endswith("/crm")
    with proxy(url, "/crm/") as outside:
        hub, member = joined(outside, hub_books, office.units["Jingan"])
        assert pulled(hub, member.epoch).put
        assert hub.card().organisation == "Haitang"
        hub.close()


@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGTERM that a process could heed")
def test_a_hub_that_is_asked_to_end_finishes_what_is_under_way(
    serve: Serve, hub_books: Any, office: Any
) -> None:
    url, process = serve()
    hub, member = joined(url, hub_books, office.units["Jingan"])
    cursors = dict(pulled(hub, member.epoch).upto)
    answers: list[bool] = []
    waiting = threading.Thread(target=lambda: answers.append(hub.wait(cursors, 55)))
    waiting.start()
    body = json.dumps({"device_id": member.device_id, "secret": member.secret}).encode()
    address = ("127.0.0.1", urlsplit(url).port)
    with socket.create_connection(address) as half:
        half.sendall(b"POST /v1/token HTTP/1.1\r\nHost: hub\r\nContent-Length: %d\r\n\r\n" % len(body))
        half.sendall(body[:10])
        HttpHub(url).card()  # one request later the hub has begun with the half one
        process.send_signal(signal.SIGTERM)
        while listens(address):
            waiting.join(0.02)
        half.sendall(body[10:])
        answer = half.makefile("rb").readline()
    assert answer.split()[1] == b"200"
    assert process.wait(30) == 0
    waiting.join(30)
    assert answers in ([], [False])
    hub.close()


def listens(address: tuple[str, Any]) -> bool:
    """Tell whether somebody takes connections at an address."""
    try:
        socket.create_connection(address, 1).close()
    except OSError:
        return False
    return True
