"""Who is woken by news: whoever waits for what has moved, and nobody else."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from crm_tui.hub import tokens
from crm_tui.hub.books import meta_value
from crm_tui.hub.devices import set_frozen
from crm_tui.hub.news import News
from crm_tui.hub.server import Server
from crm_tui.sync import wire
from crm_tui.sync.messages import PROTOCOL, HubError, PushRequest, Say, SealedCommand

AT_ONCE = 0.0
FOR_EVER = 3_600.0
THREADS = 40
"""The threads that a server has for its requests (anyio's default)."""


async def waiting(news: News, device_id: str, **cursors: int) -> asyncio.Task[bool]:
    """Let a terminal wait, and come back once it does."""
    task = asyncio.create_task(news.wait(device_id, cursors, FOR_EVER))
    await asyncio.sleep(0)
    return task


async def test_only_who_waits_for_the_space_that_moved_is_woken() -> None:
    news = News()
    news.tell({"east": 3, "south": 3}, set())
    east, south = await waiting(news, "a", east=3), await waiting(news, "b", south=3)
    news.tell({"east": 4, "south": 3}, set())
    assert await east is True
    assert not south.done()
    news.tell({"east": 4, "south": 4}, set())
    assert await south is True
    assert not news._waiting, "who is gone is not remembered"


async def test_a_space_that_went_back_is_news_as_well() -> None:
    news = News()
    news.tell({"east": 9}, set())
    east = await waiting(news, "a", east=9)
    news.tell({"east": 7}, set())  # the hub was restored
    assert await east is True


async def test_who_has_it_already_is_not_woken_by_the_news_of_it() -> None:
    """A terminal is often faster than the look of the hub at what has moved, which then is no news to it."""
    news = News()
    east = await waiting(news, "a", east=4)
    news.tell({"east": 3}, set())
    news.tell({"east": 4}, set())
    await asyncio.sleep(0)
    assert not east.done()
    news.tell({"east": 5}, set())
    assert await east is True


async def test_what_is_known_already_is_answered_at_once_and_an_ended_wait_by_no() -> None:
    news = News()
    news.tell({"east": 4}, {"c"})
    assert await news.wait("a", {"east": 3}, FOR_EVER) is True
    assert await news.wait("c", {"east": 4}, FOR_EVER) is True
    assert await news.wait("a", {"east": 4}, AT_ONCE) is False
    assert not news._waiting


async def test_a_terminal_that_is_frozen_is_woken_alone() -> None:
    news = News()
    news.tell({"east": 1}, {"old"})
    frozen, other = await waiting(news, "a", east=1), await waiting(news, "b", east=1)
    news.tell({"east": 1}, {"old", "a"})
    assert await frozen is True
    assert not other.done()
    news.close()
    assert await other is False
    assert await news.wait("b", {"east": 0}, FOR_EVER) is False


async def test_the_hub_sees_that_a_terminal_was_frozen_by_another_process(organisation: Any) -> None:
    till = organisation.terminal("till")
    device_id = organisation.device(till).device_id
    server = Server(organisation.authority)
    async with server._living(server.application()):
        frozen = await waiting(server._news, device_id, **till.link._known_cursors())
        set_frozen(organisation.authority.books, "till", frozen=True)
        async with asyncio.timeout(50):
            assert await frozen is True
    with pytest.raises(HubError) as no:
        till.sync()
    assert no.value.code == Say.FROZEN


@pytest.mark.parametrize("hub_kind", ["sqlite"], indirect=True)
async def test_while_pushes_wait_for_the_writer_whoever_asks_is_answered(
    hub_url: str, authority: Any
) -> None:
    """More terminals push than the server has threads, and the file is somebody else's for a while."""
    with authority.books.read() as tx:
        key, epoch = meta_value(tx, "key"), meta_value(tx, "epoch")
    sealed = SealedCommand(
        seq=1, cmd_id="c", batch_id="", actor_id="a", kind="edit_customer", version=1, args={}, at=1
    )
    body = wire.write(PushRequest(epoch=epoch, protocol=PROTOCOL, now=1, commands=[sealed]))
    async with httpx.AsyncClient(base_url=f"{hub_url}/v1/", timeout=50, limits=httpx.Limits()) as client:

        async def push(number: int) -> int:
            token = tokens.sign(key, f"nobody{number}", authority.books.now)
            told = await client.post("push", content=body, headers={"Authorization": f"Bearer {token}"})
            return told.status_code

        with authority.books.write():
            pushes = [asyncio.create_task(push(number)) for number in range(3 * THREADS)]
            for _ in range(THREADS):
                assert (await client.get("card")).status_code == 200
            assert not any(one.done() for one in pushes)
        assert set(await asyncio.gather(*pushes)) == {401}
