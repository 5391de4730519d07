"""What goes wrong in a trial: each trouble begins, lasts a little, and is over."""

from __future__ import annotations

import contextlib
import random  # noqa: TID251 - which terminal and for how long is drawn from a seed
import resource
import time
from collections.abc import Callable, Sequence

from stage import Stage

from crm_tui.domain.errors import Refused
from crm_tui.sync.messages import HubError

Trouble = Callable[[Stage, random.Random], None]

SKEWS = (0, 0, -7200, 200, 1200, -86_400, 90_000)
"""Seconds by which a terminal's clock may be wrong after a restart; the last is not believed by the hub."""
SAID_NO = 3
"""How a terminal ends that was refused what it needs to begin."""
_FULL = (4096, resource.RLIM_INFINITY)
_ROOM = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def begin(stage: Stage, name: str, drawn: random.Random, *, protocol: int = 1) -> None:
    """Let somebody come to work at a terminal."""
    skew = drawn.choice(SKEWS) if stage.terminals[name].lives > 1 else 0
    stage.order(name, "work", seed=drawn.getrandbits(32), skew=skew, protocol=protocol)


def tend(stage: Stage, drawn: random.Random) -> None:
    """Let those come back whose program has ended with a word about why; nothing else ends one."""
    for name, one in sorted(stage.terminals.items()):
        if one.pid in stage.exits:
            if stage.exits[one.pid] != SAID_NO:
                raise RuntimeError(f"{name} ended with {stage.exits[one.pid]}")
            begin(stage, name, drawn)


def killed_hub(stage: Stage, drawn: random.Random) -> None:
    stage.kill_hub()
    time.sleep(drawn.uniform(0, 1))
    stage.start_hub()


def killed_terminals(stage: Stage, drawn: random.Random) -> None:
    for name in drawn.sample(sorted(stage.terminals), 3):
        stage.kill(name)
        begin(stage, name, drawn)


def bad_network(stage: Stage, drawn: random.Random) -> None:
    stage.proxy.weather = drawn.uniform(0.3, 0.7)
    time.sleep(drawn.uniform(2, 4))
    stage.proxy.weather = 0.02


def no_network(stage: Stage, drawn: random.Random) -> None:
    stage.proxy.weather = 1.0
    time.sleep(drawn.uniform(0.5, 2))
    stage.proxy.weather = 0.02


def full_disk_at_terminal(stage: Stage, drawn: random.Random) -> None:
    one = stage.terminals[drawn.choice(sorted(stage.terminals))]
    if one.pid not in stage.exits:
        resource.prlimit(one.pid, resource.RLIMIT_FSIZE, _FULL)
        time.sleep(drawn.uniform(0.5, 1.5))
        if one.pid not in stage.exits:  # who is just starting says that the disk is full, and ends
            resource.prlimit(one.pid, resource.RLIMIT_FSIZE, _ROOM)


def full_disk_at_hub(stage: Stage, drawn: random.Random) -> None:
    resource.prlimit(stage.hub_pid, resource.RLIMIT_FSIZE, _FULL)
    time.sleep(drawn.uniform(0.5, 1.5))
    resource.prlimit(stage.hub_pid, resource.RLIMIT_FSIZE, _ROOM)


def cloned_terminal(stage: Stage, drawn: random.Random) -> None:
    """Kill a terminal with commands that wait, copy its disk, and let both go on."""
    if sum("copy" in name for name in stage.terminals) > 2:
        return
    name = drawn.choice(sorted(one for one in stage.terminals if "copy" not in one))
    stage.kill(name)
    copied = f"{name}-copy{len(stage.terminals)}"
    stage.copy(name, copied)
    begin(stage, name, drawn)
    begin(stage, copied, drawn)


def other_protocols(stage: Stage, drawn: random.Random) -> None:
    """Let two terminals speak a version that the hub does not, for a while."""
    chosen = drawn.sample(sorted(stage.terminals), 2)
    for protocol, name in zip((0, 2), chosen, strict=True):
        stage.kill(name)
        begin(stage, name, drawn, protocol=protocol)
    time.sleep(drawn.uniform(1, 2))
    for name in chosen:
        stage.kill(name)
        begin(stage, name, drawn)


def moved_terminal(stage: Stage, drawn: random.Random) -> None:
    """Let a terminal stand at another unit while somebody works there, and perhaps back again."""
    name = drawn.choice(sorted(stage.terminals))
    units = sorted({one.place.unit_id for one in stage.terminals.values()})
    with contextlib.suppress(HubError, Refused):  # a busy share; a copy that the hub does not know yet
        stage.move(name, drawn.choice(units))
        time.sleep(drawn.uniform(1, 3))
        stage.move(name, stage.terminals[name].place.unit_id)


def restored_hub(stage: Stage, drawn: random.Random) -> None:
    """Put an old copy of the hub in its place; what it lacks comes again from the terminals."""
    stage.put_hub_back(by_hand=not stage.database.is_file or drawn.random() < 0.5)


def killed_postgresql(stage: Stage, _drawn: random.Random) -> None:
    stage.database.kill()


_SHARE: tuple[Trouble, ...] = (
    killed_terminals,
    full_disk_at_terminal,
    cloned_terminal,
    moved_terminal,
    other_protocols,
)
_SERVED: tuple[Trouble, ...] = (*_SHARE, killed_hub, bad_network, no_network, restored_hub)


def troubles_of(stage: Stage, names: Sequence[str] = ()) -> tuple[Trouble, ...]:
    """Return what can go wrong with this kind of hub, of those named where some are."""
    found: tuple[Trouble, ...]
    if stage.shared:
        found = _SHARE
    elif stage.database.is_file:
        found = (*_SERVED, full_disk_at_hub)
    else:
        found = (*_SERVED, killed_postgresql)
    return tuple(one for one in found if not names or one.__name__ in names)
