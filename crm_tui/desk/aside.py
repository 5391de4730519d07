"""What may take long and must keep neither the screen nor the writer waiting, nor the end of the program."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def aside(work: Callable[[], T]) -> T:
    """Run ``work`` in a thread of its own, which the program does not wait for when it ends."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type] # without an error it is the result

    def run() -> None:
        result, no = None, None
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - it is raised again where somebody waits for it
            no = error
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile: nobody waits any more
            loop.call_soon_threadsafe(settle, result, no)

    threading.Thread(target=run, name="desk-aside", daemon=True).start()
    return await done
