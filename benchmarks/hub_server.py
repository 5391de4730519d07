"""A hub served for a measurement, and beside it, on the same socket, the bare rows as JSON.

``python -m benchmarks.hub_server FILE PORT`` serves until its standard input ends.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import uvicorn
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crm_tui.desk import new_id, wall_clock
from crm_tui.hub.opening import open_hub
from crm_tui.hub.server import Server
from crm_tui.store.replicated import REPLICATED

RAW_PAGE = 5_000
_TABLES = {table.name for table in REPLICATED}


@contextmanager
def served(file: Path) -> Iterator[str]:
    """Serve the hub of a file in a process of its own; give its URL."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "benchmarks.hub_server", str(file), str(port)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, process)
        yield url
    finally:
        process.communicate()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    while True:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"{url}/v1/card")
            return
        if process.poll() is not None:
            raise RuntimeError("the hub could not be started")
        time.sleep(0.05)


def main() -> None:
    """Serve until standard input ends."""
    file, port = Path(sys.argv[1]), int(sys.argv[2])
    authority = open_hub(f"sqlite:///{file}", clock=wall_clock, new_id=new_id)
    application = Server(authority).application()

    async def raw(request: Request) -> Response:
        asked = request.query_params
        body = await run_sync(_page, file, asked["table"], int(asked["after"]), int(asked["limit"]))
        return Response(body, media_type="application/json")

    application.router.routes.append(Route("/raw", raw))
    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=port, log_level="warning"))
    threading.Thread(target=_stop_at_end, args=(server,), daemon=True).start()
    server.run()
    authority.close()


def _page(file: Path, table: str, after: int, limit: int) -> bytes:
    """Return the next rows of a table, each behind its row number, by nothing but sqlite3 and json."""
    assert table in _TABLES, table
    question = f"SELECT rowid, * FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT ?"
    with closing(sqlite3.connect(file)) as plain:
        return json.dumps(plain.execute(question, (after, limit)).fetchall(), ensure_ascii=False).encode()


def _stop_at_end(server: uvicorn.Server) -> None:
    sys.stdin.read()
    server.should_exit = True


if __name__ == "__main__":
    main()
