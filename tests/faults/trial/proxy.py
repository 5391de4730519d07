"""What lies between terminals and their hub on a bad day: requests that are lost, cut, doubled or late.

It understands as much of HTTP as it takes to tell one request from the next.
"""

from __future__ import annotations

import contextlib
import random  # noqa: TID251 - the weather is drawn from a seed
import socket
import threading
import time
from collections import Counter

DEEDS = ("drop", "lose answer", "cut answer", "cut request", "delay", "stall", "double", "repeat late")
_PATIENCE = 70.0


class Proxy:
    """Listens on a port of its own; ``weather`` is the share of requests that something happens to."""

    def __init__(self, upstream: int, seed: int) -> None:
        self.weather = 0.0
        self.counts: Counter[str] = Counter()
        self._upstream = upstream
        self._drawn = random.Random(seed)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        self._door.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._door.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.settimeout(_PATIENCE)
            while request := _whole(client):
                answer = self._answer(request)
                if answer is None:
                    return
                client.sendall(answer)
                if len(answer) < _size(answer):
                    return

    def _answer(self, request: bytes) -> bytes | None:
        """Return what the client gets; None or less than the whole: the connection ends."""
        deed = self._drawn.choice(DEEDS) if self._drawn.random() < self.weather else "pass"
        self.counts[deed] += 1
        if deed in {"drop", "stall"}:
            time.sleep(self._drawn.uniform(1, 3) if deed == "stall" else 0)
            return None
        if deed == "cut request":
            self._send(request[: len(request) // 2], wait=False)
            return None
        if deed == "delay":
            time.sleep(self._drawn.uniform(0.05, 0.6))
        if deed == "double":
            self._send(request)
        answer = self._send(request)
        if deed == "repeat late":
            late = threading.Timer(self._drawn.uniform(0.3, 3), self._send, (request,))
            late.daemon = True
            late.start()
        if deed == "cut answer" and answer:
            return answer[: len(answer) // 2]
        return None if deed == "lose answer" else answer

    def _send(self, request: bytes, *, wait: bool = True) -> bytes | None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._upstream)) as hub:
            hub.settimeout(_PATIENCE)
            hub.sendall(request)
            return _whole(hub) or None if wait else None
        return None


def _whole(stream: socket.socket) -> bytes:
    """Return one whole message; nothing where the other side has ended."""
    message = b""
    while len(message) < _size(message):
        chunk = stream.recv(65_536)
        if not chunk:
            return b""
        message += chunk
    return message


def _size(message: bytes) -> int:
    """Return how long a message is, as far as can be told: longer than it is until its head has come."""
    head, mark, _ = message.partition(b"\r\n\r\n")
    if not mark:
        return len(message) + 1
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(head) + 4 + int(line.partition(b":")[2])
    return len(head) + 4
